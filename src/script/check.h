/* check.h: what the checker's files share. */
#ifndef SCRIPT_CHECK_H
#define SCRIPT_CHECK_H

#include "script/tables.h"

#define ERRORS_MOST 10

struct checker {
	struct script *script;
	struct point *point;
	bool final;          /* types have settled: report what is still unknown */
	bool changed;        /* a type was learnt in this round */
	u32 loops;           /* that surround the statement */
	u32 dead;            /* branches around it that are never taken */
	bool late;           /* all that the others tell is known: now these are looked at */
	bool skipped;        /* there are some */
	bool noting;         /* parameters are noted, and nothing is read */
	bool guess;          /* and what nothing tells is taken for a number: @x = @x + 1 */
	struct loc reported; /* the last error: a wildcard's points have it in common */
};

void check_fail(struct checker *, const struct node *, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Types an expression; true when its type is known. */
bool check_expr(struct checker *, struct node *);
u32 check_str_room(const struct checker *,
		   u32 size); /* of a string of that type, where it is kept */
/* The same, and demands an integer; what: the role for the message ("hist()"). */
bool check_int(struct checker *, struct node *, const char *what);
/* Of one whose type is known. */
bool check_is_int(struct checker *, const struct node *, const char *what);
/* check_probe.c: a name that the probe gives its meaning: arg0, retval, probe. False: it is none.
 */
bool check_probe_value(struct checker *, struct node *);
bool check_addresses(struct checker *,
		     struct node *); /* address.c: of == and !=; false: of other things */
bool check_probe_value_of(struct checker *, struct node *, const struct probe_value *,
			  const char *name);
/* packet.c: "ip.src"; false: it is none of those. */
bool check_packet_field(struct checker *, struct node *);
/* kstack, ustack: an error where packets pass. */
void check_packet_stack(struct checker *, const struct node *);
void check_return(struct checker *, struct node *);
/* $1: a number if it is written as one, else a string. */
void check_param(struct checker *, struct node *);
/* getopt.c: what is wrong with what the command line gave to --NAME, behind that: told once. It does
 * not stand in the script: no place in this is shown. */
void script_option_wrong(struct script *, const char *name, const char *hint, const char *what);
/* A getopt() whose name alone can be read yet. */
void check_getopt_name(struct checker *, const struct node *);

/* "did you mean 'x'?", or the other hint when nothing is near. */
const char *check_near(struct checker *, const struct near *, const char *otherwise);

/* check_call.c: emit(x = c ? y : none): takes away the fields that are not there. */
void check_chosen(struct checker *, struct node *);
/* check_type.c: the type that a NODE_TYPE of parse_type.c names; reports what does not exist. */
bool check_type(struct checker *, struct node *, struct type *);
void check_sizeof(struct checker *, struct node *);
void check_offsetof(struct checker *, struct node *);
/* check.c */
/* What is never reached; see check_flow.c. */
void check_dead(struct checker *, struct node *, void (*check)(struct checker *, struct node *));
void check_statements(struct checker *, struct node *);
struct script_var *check_var_of(struct checker *, struct node *);
void check_assign_var(struct checker *, struct node *);

/* check_flow.c: one kind of statement each */
void check_if(struct checker *, struct node *);
void check_let(struct checker *, struct node *);
void check_lost(struct checker *, struct node *); /* an expression as a statement */
void check_for(struct checker *, struct node *);
void check_while(struct checker *, struct node *);
void check_unroll(struct checker *, struct node *);

/* check_text.c: strerror() as a string from now on; false: it is something else */
bool check_message(struct node *);

/* check_operator.c */
void check_binary(struct checker *, struct node *);
void check_unary(struct checker *, struct node *);
/* A constant and the type that is declared for it. */
void check_fits(struct checker *, const struct node *, const struct type *);

/* comptime.c: what the compiler knows. A value that is known: true. */
bool comptime_value(const struct node *, s64 *value);
void check_comptime(struct checker *, struct node *);
/* The condition a of an IF or COND; notes whether it is known. */
void check_condition(struct checker *, struct node *, const char *what);
void check_known(struct node *, bool value); /* it becomes true or false */
/* for ($kv : @map) */
void check_for_map(struct checker *, struct node *, struct script_var *);

/* check_place.c: one kind of node each */
void check_field(struct checker *, struct node *);
void check_index(struct checker *, struct node *);
void check_tuple(struct checker *, struct node *);
void check_deref(struct checker *, struct node *);
void check_cast(struct checker *, struct node *);
void check_address(struct checker *, struct node *);
/* `args` alone: a record of all of them; false: the probe has none. */
bool check_args(struct checker *, struct node *);

/* check_map.c */
/* check_call.c: a map as a whole: without a key, whatever keys it has. */
bool check_whole_map(struct checker *, struct node *);
/* A map with its keys, without demanding a value. */
bool check_map(struct checker *, struct node *);
bool check_asked(struct checker *, struct node *); /* of a map whose entries programs look at */
void check_map_value(struct checker *, struct node *map, struct type value);
/* The operand beside another: a map that only an arithmetic of itself is put into holds numbers. */
void check_map_guess(struct checker *, const struct node *, struct type beside);
void check_map_read(struct checker *, struct node *);
/* A value as part of a key. */
struct type check_key_type(struct checker *, struct type);
/* Can a variable or a part of a key be of that type? */
bool check_storable(struct type);
/* What is known of a map or variable becomes t; notes whether that is news. */
void check_learn(struct checker *, struct type *known, struct type t);

/* check_fn.c: without --unsafe that is an error */
void check_unsafe(struct checker *, struct node *);
/* What a key of that type is: a stack becomes an id. */
struct type shown_key(struct type);
/* Bytes of an aggregation's value; notes its arguments at the map. */
u32 agg_size(struct checker *, struct node *map, struct node *call);
/* check_text.c */
#define STRSTR_MOST 2048 /* each of its bytes costs the verifier a few jumps */
#define BYTES_MOST  4096
/* Bytes of a string-like value at most, without a NUL. */
u32 text_capacity(const struct script *, const struct node *);
/* A part of a pattern: a star, or one character of a set. */
struct glob_token {
	bool star;
	u64 set[4]; /* a bit for each character */
};
/* The next one; false: the pattern ends at *p, or does not end as it should. */
bool glob_next(const char **p, struct glob_token *);

/* An array of bytes. */
struct type bytes_type(struct script *, u32 size);

#endif
