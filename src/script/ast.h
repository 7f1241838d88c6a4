/*
 * ast.h: the syntax tree of a script, as the parser makes it and the checker completes it.
 */
#ifndef SCRIPT_AST_H
#define SCRIPT_AST_H

#include "base/dict.h"
#include "base/diag.h"
#include "script/lex.h"
#include "target/target.h"
#include "types/type.h"

enum node_kind {
#define NODE(NAME, name) NODE_##NAME,
#include "script/nodes.def"
#undef NODE
};

struct script_map;
struct script_var;
struct value_row;
struct probe_value;
struct call_row;

struct node {
	u8 kind;
	u8 op;	     /* enum token_kind of the operator; INC: TOK_INC or TOK_DEC */
	bool prefix; /* INC: ++x */
	bool valued; /* BLOCK: its last statement is its value; CALL: delete(@m, key) */
	bool thrown; /* a statement: nobody wants its value, or was told so */
	bool hygienic; /* BLOCK: of a macro: the names of the outside are not seen */
	u8 known; /* IF, COND: 1: its condition is 0, 2: it is not; COMPTIME: 1: value is it */
	u32 id;	  /* VAR: which one of that name in its probe; before that, of which expansion of
		   * a macro it is */
	struct loc at;
	struct type type;  /* set by the checker */
	struct node *next; /* in lists: statements, arguments, keys */
	struct node *a, *b, *c; /* operands; IF, COND: condition, then, else; CALL, MAP: a is the
				 * first argument or key */
	u64 value;	   /* INT, PARAM; CALL of a stack: how many frames at most */
	const char *text;  /* NAME, STR, VAR, MAP, CALL, FIELD, NAMED; LET: the type, or "" */
	u32 len;	   /* STR */

	/* what the checker found a name to mean */
	const struct value_row *row;   /* NAME */
	const struct probe_value *probe_value; /* NAME, instead of row: arg0, retval, probe, ... */
	const char *is;		       /* NAME: the string that it always is: probetype; or NULL */
	const struct call_row *call;   /* CALL */
	struct script_map *map;	       /* MAP */
	struct script_var *var;	       /* VAR */
	const struct tp_field *field;  /* FIELD of args; its meaning depends on the probe */
	u32 bit_off, bits;	       /* FIELD of a struct: place of the member; bits: bitfield */
};

struct probe_spec {
	const char *text;
	const char *param;   /* the first named parameter in it: "library", of $library=libc; or NULL */
	const char *missing; /* why there is no such place, where that is no error; or NULL */
	struct loc at;
	struct probe_spec *next;
};

struct probe {
	struct probe_spec *specs;
	struct node *predicate; /* or NULL */
	struct node *body;	/* BLOCK */
	struct loc at;
	bool family; /* of ours: it follows who starts whom */
	struct point *leader; /* of its uprobes, or its uretprobes: points_user.c */
	const struct point *checked; /* whose types its tree has now */
	struct probe *next;
};

/* macro name(params) { body } */
struct script_macro {
	const char *name;
	struct loc at;
	struct node *params; /* VAR, MAP, NAME */
	u32 nparams;
	struct node *body;
	bool busy; /* is being expanded */
	bool noted, hides; /* leave_out.c has seen its parameters; or not all names of them */
	struct script_macro *next;
};

struct script_map {
	const char *name; /* without @ */
	struct loc at;
	struct type value;
	struct type *keys;
	const char **key_names; /* as fields of a record would be called, or NULL */
	u32 *key_texts; /* STR: bytes of the longest with its NUL; keys have room for more */
	u32 nkeys;
	bool read; /* an aggregation whose value the script uses */
	bool asked; /* programs do more with its entries than to observe values */
	bool live; /* code that may run names it */
	bool assigned; /* a value is put into it somewhere, known or not */
	bool keys_known, used; /* used: stands in code, not only in print() */
	s64 agg_arg[3];
	u32 index; /* in the object */
	const struct map_choice *declared; /* let @name = hash(entries); or NULL */
	u32 entries;
	struct script_map *next;
};

struct script_var {
	const char *name;
	u32 id;
	struct loc at;
	struct type type;
	u32 ir;	     /* INT: variable of the IR */
	u32 scratch; /* STR: where it lives */
	u32 shared;  /* INT: its place in the frame, when callbacks use it; else 0 */
	bool set;    /* assigned so far in the text, while it is being checked */
	struct type cut; /* let $x: uint8: an integer that is narrower than a number; else unknown */
	struct script_var *next;
};

/* What config.def's variables set; NOTHING: nothing. */
enum config_variable {
	MAX_STRLEN, MAX_MAP_KEYS, MAX_PROBES, MAX_CAT_BYTES, MAX_BPF_PROGS, PERF_RB_PAGES, STACK_MODE, MISSING_PROBES,
	PRINT_MAPS_ON_EXIT, CPP_DEMANGLE, LICENSE, UNSTABLE_ADDR, UNSTABLE_MAP_DECL, UNSTABLE_TSERIES, UNSTABLE_DW_USTACK, SHOW_DEBUG_INFO,
	STR_TRUNC_TRAILER, CALL_GRAPH,
	NOTHING
};
/* How ustack finds the callers: by frame pointers, or as dw_ustack does. */
enum call_graph { CALL_GRAPH_FP, CALL_GRAPH_DWARF };
#define CALL_GRAPHS "fp", "dwarf"

/* What environment, options and config = { } set. script_parse() puts defaults for zeroes. */
struct limits {
	u32 str_most;	 /* bytes of a string with its NUL, everywhere but in keys */
	u32 map_entries; /* of a map with keys */
	u32 map_entries_asked; /* by option: of declared maps, too; or 0 */
	u32 points_most; /* places where its probes attach */
	u32 cat_most;	 /* bytes of a file that cat() prints */
	u32 progs_most;
	u32 ring_bytes;
	u8 stack_mode; /* enum stack_mode, where a stack says none */
	u8 call_graph; /* enum call_graph */
	u8 symbol_flags; /* SYMBOLS_AS_LINKED, STACK_WITH_LINES */
	u8 unstable[NOTHING]; /* of the variables UNSTABLE_...: 1: a warning, 2: an error */
	const char *license;
	const char *trailer; /* what stands behind a string that filled its room */
	u32 said; /* bits of enum config_variable: by options or environment; the script has no
		   * say in it any more */
};

struct script {
	struct arena *arena;
	struct arena *work; /* of the program that is being made, rewound after each */
	struct diag *diag;
	struct target *target;
	struct probe *probes;
	struct script_map *maps; /* in order of appearance */
	struct script_macro *macros;
	u32 marks, copies; /* expansions of macros so far, and nodes that they made */
	u32 imports; /* so far */
	bool containers, container_named; /* of --container: is it asked for, does anything show it */
	bool family; /* it asks for the processes that the command starts */
	bool no_command; /* there will be none */
	bool loops; /* there are for or while */
	bool first_pidns; /* sessions are in the machine's first namespace of PIDs */
	vec(const char *) named; /* of the command line: "name=value" */
	bool help;		 /* ask for --help */
	struct script_option { /* getopt(), in order of appearance */
		const char *name, *doc, *otherwise;
		struct loc at;
		bool flag;
		bool read;  /* not only where a branch is left out */
		bool wrong; /* what is given is no value of it: has been told */
		struct script_option *next;
	} *options;
	int argc;
	char **argv;
	struct limits limits;
	bool trying; /* a probe may be missing: no search for names that are near */
	u8 missing;  /* probes that are not there: 0: errors, 1: warnings, 2: left out */
	bool silent; /* maps are not printed at the end */
	struct node *filter; /* in front of probes that others set off, or NULL */
	unsigned trials; /* enum waggle_trials: which are run */
	u32 trials_left_out;
	bool shared; /* points_share() has said who leads whom */
	bool unsafe; /* system() and signal() may be used */
	u32 pid; /* of -p: whose files are probed, 0: none */
	const char *probe_filter; /* of --probe-filter, or NULL */
	const char *command; /* of -c: the program, or NULL */
	struct ctype_state *ctypes; /* see ctype.h */
	struct diag_file self; /* the source itself */
	vec(struct diag_file) files;
	const char *xdp; /* "/eth0//eth1/": devices that have their probe */
	char *const *include_dirs, *const *headers; /* each ends with NULL, or is */
};

/* getopt.c: splits argv into positional and named parameters. */
void script_arguments(struct script *, const char *src, size_t len);
/* Behind the check: is there a getopt() for each named one? */
int script_options(struct script *);
void script_usage(struct buf *, const struct script *);

struct map_choice {
	const char *name;
	u32 kind; /* MAP_HASH, ... */
	bool per_cpu; /* for aggregations alone */
	const char *doc;
};
extern const struct map_choice map_choices[]; /* ends with a row without a name */

/* Bytes of a host's name as a string: __NEW_UTS_LEN of include/uapi/linux/utsname.h, its NUL, and
 * ours behind what is read */
#define NODENAME_SIZE 66

/* Levels of a tree: all that goes through one calls itself for each. */
#define TREE_MOST 2000
#define TOO_DEEP "this is nested too deeply"
#define IN_PARTS "use variables for its parts"

/* expand.c: puts the bodies of macros where they are called: in all predicates; in a probe's body,
 * which need not be done for one that never runs. */
int script_expand_predicates(struct script *);
int script_expand(struct script *, struct probe *);
/* A tree once more, without what stands behind it: each node stands in one place. NULL: an error was told. */
struct node *script_copy(struct script *, const struct node *);
/* scope.c: which variable each $name is. */
void script_scopes(struct script *);

/* Source text to probes. Reports the first error and returns -EINVAL. */
int script_parse(struct script *, const char *src, size_t len);
void script_print(struct buf *, const struct script *, bool types);
const char *node_name(const struct node *);

/* check_place.c: memory that is not ours: a field, an element, what a pointer points to. */
bool node_is_place(const struct node *);
bool node_is_user(const struct node *); /* username, or a variable that holds it */
/* The bytes that a value has there; a string that is read from there gets a NUL behind them. */
u32 node_bytes(const struct node *);

/* The field that an expression's value gets in a record: the last identifier, unwrapped from
 * str() and the like; NULL when it has none. */
const char *node_field_name(const struct node *);
struct node *node_value(struct node *); /* of "name = value" the value, else the node */

#endif
