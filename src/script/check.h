/* check.h: what the checker's files share. */
#ifndef SCRIPT_CHECK_H
#define SCRIPT_CHECK_H

#include "script/tables.h"

#define ERRORS_MOST 10

struct checker {
	struct script *script;
	struct point *point;
	bool final; /* types have settled: report what is still unknown */
	bool changed; /* a type was learnt in this round */
	u32 loops;  /* that surround the statement */
	struct loc reported; /* the last error: a wildcard's points have it in common */
};

void check_fail(struct checker *, const struct node *, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Types an expression; true when its type is known. */
bool check_expr(struct checker *, struct node *);
/* The same, and demands an integer; what: the role for the message ("hist()"). */
bool check_int(struct checker *, struct node *, const char *what);
/* check_probe.c: a name that the probe gives its meaning: arg0, retval, probe. False: it is none. */
bool check_probe_value(struct checker *, struct node *);
/* A map with its keys, without demanding a value. */
bool check_map(struct checker *, struct node *);
/* $1: a number if it is written as one, else a string. */
void check_param(struct checker *, struct node *);
void check_map_value(struct checker *, struct node *map, struct type value);

/* check_fn.c */
/* What a key of that type is: a stack becomes an id. */
struct type shown_key(struct type);
/* Bytes of an aggregation's value; notes its arguments at the map. */
u32 agg_size(struct checker *, struct node *map, struct node *call);
/* An array of bytes. */
struct type bytes_type(struct script *, u32 size);

#endif
