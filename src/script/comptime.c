/*
 * comptime.c: values that are known while a script is compiled.
 *
 * In:  checked trees. Out: the number that an expression always is, if the compiler knows it.
 * Nothing here depends on what the program does: parameters, constants, sizes, types, and operators
 * on them.
 */
#include "script/check.h"
#include "script/constant.h"

/* A string that is always the same; NULL: it is none. */
static const char *known_text(const struct node *n, size_t *len)
{
	const char *text = n->kind == NODE_STR ? n->text : n->kind == NODE_NAME ? n->is : NULL;

	*len = n->kind == NODE_STR ? n->len : text ? strlen(text) : 0;
	return text;
}

static bool binary(const struct node *n, s64 *value)
{
	bool is_signed = n->a->type.is_signed && n->b->type.is_signed;
	size_t an, bn;
	const char *at = known_text(n->a, &an), *bt = known_text(n->b, &bn);
	s64 a, b;

	if (at && bt && (n->op == TOK_EQ || n->op == TOK_NE)) {
		bool same = an == bn && !memcmp(at, bt, an);

		*value = same == (n->op == TOK_EQ);
		return true;
	}
	if (!comptime_value(n->a, &a)) /* 1 || x, 0 && x are known, whatever x is */
		return false;
	if ((n->op == TOK_OROR && a) || (n->op == TOK_ANDAND && !a)) {
		*value = n->op == TOK_OROR;
		return true;
	}
	if (!comptime_value(n->b, &b))
		return false;
	/* as type_arith() has it: unsigned if one of them is, and has 64 bits */
	if ((!n->a->type.is_signed && n->a->type.size == 8) ||
	    (!n->b->type.is_signed && n->b->type.size == 8))
		is_signed = false;
	else
		is_signed = true;
	return token_compute(n->op, a, b, is_signed, value);
}

static bool unary(const struct node *n, s64 *value)
{
	s64 a;

	if (!comptime_value(n->a, &a))
		return false;
	switch (n->op) {
	case TOK_SUB: *value = (s64)(0 - (u64)a); return true;
	case TOK_ADD: *value = a; return true;
	case TOK_TILDE: *value = ~a; return true;
	case TOK_NOT: *value = !a; return true;
	default: return false;
	}
}

bool comptime_value(const struct node *n, s64 *value)
{
	s64 condition;

	switch (n->kind) {
	case NODE_INT:
	case NODE_SIZEOF: *value = (s64)n->value; return true;
	case NODE_PARAM: *value = (s64)n->value; return n->type.kind == TYPE_INT;
	case NODE_COMPTIME: *value = (s64)n->value; return n->known;
	case NODE_UNARY: return unary(n, value);
	case NODE_BINARY: return binary(n, value);
	case NODE_COND:
		if (!comptime_value(n->a, &condition))
			return false;
		return comptime_value(condition ? n->b : n->c, value);
	case NODE_BLOCK: return n->valued && n->a && !n->a->next && comptime_value(n->a, value);
	default: return false;
	}
}

void check_comptime(struct checker *c, struct node *n)
{
	s64 value = 0;

	n->known = 0;
	if (!check_expr(c, n->a))
		return;
	n->type = n->a->type;
	if (!comptime_value(n->a, &value)) {
		check_fail(c, n->a, "constants, parameters, sizes, and operators on them",
			   "this is not known while the script is compiled");
		return;
	}
	n->value = (u64)value;
	n->known = 1;
}

void check_condition(struct checker *c, struct node *n, const char *what)
{
	s64 value;

	n->known = 0;
	if (check_int(c, n->a, what) && comptime_value(n->a, &value))
		n->known = value ? 2 : 1;
}
