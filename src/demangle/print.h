/* print.h: what writes the tree of a C++ name: cpp_print.c and cpp_print_expr.c. */
#ifndef DEMANGLE_PRINT_H
#define DEMANGLE_PRINT_H

#include "demangle/inside.h"

struct print {
	struct buf *out;
	u32 steps, depth;
	s32 pack; /* element of the packs that are expanded, -1: none are */
	bool failed;
};

/* A declaration's part in front of its name, and behind it. */
void cpp_left(struct print *, struct cpp_node *);
void cpp_right(struct print *, struct cpp_node *);
struct cpp_node *cpp_find_pack(struct print *, struct cpp_node *); /* the first in it, or NULL */
bool cpp_count(struct print *); /* one step more; false: too many */
void cpp_put_list(struct print *, struct cpp_node *list);
void cpp_put_expression(struct print *, struct cpp_node *);
void cpp_put_operand(struct print *, struct cpp_node *); /* in parentheses where it needs them */

static inline void whole(struct print *p, struct cpp_node *n)
{
	cpp_left(p, n);
	cpp_right(p, n);
}

static inline void put(struct print *p, const char *text)
{
	buf_puts(p->out, text);
}

static inline void put_number(struct print *p, const char *before, u32 n, const char *after)
{
	put(p, before);
	buf_u64(p->out, n);
	put(p, after);
}

static inline char last(const struct print *p)
{
	return p->out->n ? p->out->p[p->out->n - 1] : 0;
}

#endif
