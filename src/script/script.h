/*
 * script.h: the front end of the tracing language.
 *
 * parse.c makes a tree, points.c finds where its probes attach, check.c gives everything a type,
 * lower*.c make IR of it and the object's maps, schemas and actions.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "ir/ir.h"
#include "object/object.h"
#include "script/ast.h"

#define STR_MOST_DEFAULT    1024 /* see struct limits */
#define MAP_ENTRIES_DEFAULT 4096
#define STR_LIMIT	    65536
#define STR_SHORT 96	/* in the short form of a record */
#define STR_KEY	  256	/* in keys of maps: 5.10 has room for 512 bytes in all */

#define CAT_MOST_DEFAULT    10240
#define PROGS_MOST_DEFAULT  1024

#define UNROLL_MOST 100

struct arch_reg;
struct point;
struct checker;
struct lower;

/* An address: pointer value plus constant offset. */
struct mem {
	u32 ptr;
	s32 off;
};
/* Room for a string and its NUL: `bytes`; or, in a record that is made again in a larger form when it
 * is too short, from `bytes` to `most`: `value` is what it is this time. */
struct room {
	u32 bytes, most, value; /* value: 0: just bytes */
};
/* What an aggregation is of. */
struct agg_of {
	bool is_signed;
	const s64 *arg; /* struct object_map.agg_arg */
};

struct value_row {
	const char *name;
	struct type type;
	const char *points_to; /* struct of the kernel, or NULL */
	u32 (*lower)(struct lower *);
	void (*store)(struct lower *, struct node *, struct mem to); /* TYPE_SHOWN */
	u32 (*text)(struct lower *, struct node *, struct mem to, struct room); /* TYPE_STR */
	void (*check)(struct checker *, struct node *); /* NULL: it can be used everywhere */
	const char *doc;
};
struct call_row {
	const char *name;
	u8 least, most;
	void (*check)(struct checker *, struct node *);
	void (*lower)(struct lower *, struct node *); /* as a statement; or, of a value: */
	u32 (*value)(struct lower *, struct node *);  /* TYPE_INT */
	void (*store)(struct lower *, struct node *, struct mem to); /* TYPE_SHOWN */
	/* TYPE_STR: fills at most the room, as lower_str() does */
	u32 (*text)(struct lower *, struct node *, struct mem to, struct room);
	u8 agg;	      /* enum agg; 0: not an aggregation */
	u8 words;     /* AGG: of its value */
	void (*observe)(struct lower *, u32 value_ptr, u32 n, const struct agg_of *);
	const char *usage, *doc;
	u8 node; /* a word of the grammar: enum node_kind of what the parser makes of it; else 0 */
};
struct probe_row {
	const char *name, *alias;
	u8 parts;
	u32 prog_kind;
	u8 attach;
	int (*points)(struct script *, const struct probe_row *, struct probe *,
		      struct probe_spec *, char **parts, struct point ***tail);
	const char *usage, *doc;
};
extern const struct value_row value_rows[];
extern const struct call_row call_rows[];
extern const struct probe_row probe_rows[]; /* each ends with a row without a name */
extern const u32 value_count, call_count;

const struct call_row *call_find(const char *name);
const struct value_row *value_row_of(const char *name); /* NULL: there is no such value */
bool word_comes_later(const char *word); /* a word of the language that is not known yet */

/* One place where one probe attaches. */
struct point {
	const struct probe_row *row;
	struct probe *probe;
	struct probe_spec *spec;
	const char *text;	  /* "tracepoint:syscalls:sys_enter_openat" */
	const char *pattern;	  /* "syscalls:sys_enter_openat" */
	struct tp_format *format; /* TRACEPOINT, once it was asked for: point_format() */
	u64 ns;			  /* INTERVAL, PROFILE */
	u64 off, count, semaphore; /* see object/attach.def */
	const char *func;	  /* name of the function, for `func`; NULL: it has none */
	struct user_file *file;	  /* UPROBE, URETPROBE, USDT */
	u64 debug;		  /* UPROBE: what debug.c knows of its function */
	struct point *watched;	  /* UPROBE: the watchpoint that this one sets */
	u32 prog;		  /* its number, once it is lowered */
	bool pinned;		  /* ITER: it stays, as a file that is read to run it */
	bool instead;		  /* KPROBE, KRETPROBE: for a fentry, fexit that the kernel refuses */
	bool of_program;	  /* FENTRY, FEXIT: of a function of a BPF program */
	const char *operands;	  /* USDT: where its arguments are */
	struct point *leader;	  /* a point of the same pattern whose program may serve this one,
				   * or NULL; it stands before all that it leads */
	struct point *like; /* whose check holds for this one: point_is_like(); or NULL */
	struct point *heir; /* while points are left out: who leads in place of this one */
	bool each;   /* LEADER: the code depends on the point: each gets its own program */
	bool named;  /* LEADER: `probe` or `func` is used */
	bool reads;  /* LEADER: so does it as long as fields of records are read, which differ */
	bool alone;  /* while points_share() looks: its program is its own */
	u32 led;     /* LEADER: how many points it leads */
	u32 text_most, func_most; /* LEADER: bytes of the longest with its NUL */
	struct script_var *vars;  /* of its program */
	u64 packet;	      /* values of headers that it reads: a bit for each of packet_rows */
	vec(const struct tp_field *) used; /* of its record, each once */
	struct point *next;
};

/* What the record of a tracepoint looks like; NULL: the point is none. */
struct tp_format *point_format(struct script *, struct point *);
/* Whether a point is served by its leader's program. */
bool point_is_led(const struct script *, const struct point *);
/* points_share.c: lets points of one probe have one program where they read the same. */
void points_share(struct script *, struct point *first);
/* Whether a point of the same probe, which has been checked, reads fields that this one's record has
 * at the same places: they will share its program, and what it is found to be is what this one is. */
bool point_is_like(struct script *, struct point *first, struct point *);
/* Whether programs at such points can ask which point it is (attach cookies). */
bool point_has_cookies(const struct script *, const struct point *);
#define POINTS_DEFAULT 1024 /* see struct limits */
#define POINTS_LIMIT   1000000
/* Whether there is a place of that name: probe_exist(). */
bool point_exists(struct script *, const char *text, struct loc at);
/* Whether it prints a map and empties it, at each tick of an interval (live.c). */
bool point_is_live(const struct point *);
#define PARTS_ANY   255	 /* probe_row.parts: the function gets all behind the name as one part */

/* Finds all points of all probes; a wildcard gives many. Reports what does not exist. */
int script_points(struct script *, struct point **);

/* Infers types of maps and variables over all points, then reports what is wrong. */
int script_check(struct script *, struct point *);
/* Once more for one point, before it is lowered: the types of nodes depend on the point. */
void script_check_point(struct script *, struct point *);

/* What reg("ip") reads; NULL: there is no such register. */
const struct arch_reg *register_of(const struct script *, const char *name);

/* Calls fn for each line about the probes that match (see list.c); patterns NULL: all. */
int script_list(struct target *, const char *patterns, bool verbose, u32 pid,
		void (*fn)(void *user, const char *line), void *user);

/* A conversion of a printf format. */
struct format_spec {
	const char *start; /* at the % */
	u32 len;
	char conversion; /* d u x s c p ... ; % for %% */
};
/* The next one at or behind p; false: none. A broken one has conversion 0. */
bool format_next(const char **p, struct format_spec *);

struct script_opts {
	u32 pid; /* only events of this process, 0: of all */
	const char *comm, *cgroup; /* of threads with that name; in that cgroup or below it; or NULL */
	bool by_uid;
	u32 uid; /* of that user */
	bool command_only; /* of the process that the session starts, and its family */
	bool helper_errors; /* what helpers cannot do is told by records */
};
/* "NAME=VALUE" of the environment: before script_parse(), which it outranks. */
int config_set(struct script *, const char *text);

/* getopt.c: a named parameter in the name of a probe; notes that the script has it. */
const char *script_named(struct script *, const char *name, const char *otherwise, struct loc at);
/* The name of a probe with what $1 and $obj=libc stand for in it. */
const char *script_with_params(struct script *, const char *text, struct loc at);
/* leave_out.c: takes away the probes whose predicate is known to be false. */
int script_leave_out(struct script *);
/* expand.c: the macro that a CALL or NAME stands for, or NULL; named: one of other parameters has that name. */
struct script_macro *script_macro_of(const struct script *, const struct node *, bool *named);
/* Behind macros: all parameters that the probes ask for, also in branches that others leave out. */
void script_note_parameters(struct script *);
/* filter.c: makes what they say a condition of the script. After script_parse(). */
void script_filter(struct script *, const struct script_opts *);
bool point_is_filtered(const struct point *);
/* Makes maps, schemas, actions and, for each point, a program's IR, handed to done(). */
struct lower_result {
	struct ir_fn *fn;
	struct point *point;
	u32 prog; /* index in the object; its code is to be made */
	struct ir_fn **callbacks; /* which fn hands to helpers */
	u32 ncallbacks;
};
int script_lower(struct script *, struct point *, const struct script_opts *, struct object *,
		 int (*done)(void *user, struct lower_result *), void *user);

#endif
