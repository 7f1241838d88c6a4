/* constant.h: numbers that the compiler computes, and constants of headers by their names. */
#ifndef SCRIPT_CONSTANT_H
#define SCRIPT_CONSTANT_H

#include "script/lex.h"

/* How tightly binary operators bind, as in C; 0: not a binary operator. */
u32 token_precedence(enum token_kind);
/* a op b, as programs compute it: division by zero gives 0, shifts are modulo 64. False: op is no
 * binary operator. */
bool token_compute(enum token_kind op, s64 a, s64 b, bool is_signed, s64 *out);

/* A constant expression; failed: it is none. */
struct constant_expr {
	struct lexer lex;
	struct token tok;
	bool (*name)(void *user, const char *name, s64 *value);
	void *user;
	u32 depth;
	bool failed;
};
s64 constant_expression(struct constant_expr *);

struct constant_row {
	const char *name;
	s64 value;
};
extern const struct constant_row constant_rows[]; /* ends with a row without a name */
bool constant_named(const char *name, s64 *value);

#endif
