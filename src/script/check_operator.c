/*
 * check_operator.c: types of operators, and where numbers turn into others unnoticed: signs that
 * are mixed, constants that the room of a variable cannot hold.
 *
 * In:  operators and declarations whose parts have types. Out: their own; warnings, errors.
 *
 * All is computed in 64 bits, so only what has no sign and all 64 bits can make something else of a
 * value below zero. A variable's type says little of its values; warned of is what can be seen to
 * be below zero: a constant, a cast, a field or an argument with a sign, a minus.
 */
#include "script/check.h"

static bool is_wide_unsigned(const struct node *n)
{
	return n->type.kind == TYPE_INT && !n->type.is_signed && !n->type.is_literal &&
	       n->type.size == 8 && !n->type.is_pointer;
}

static bool may_be_negative(const struct node *n)
{
	s64 value;

	if (n->type.kind != TYPE_INT || n->type.is_pointer || n->type.is_bool || n->type.names)
		return false;
	if (comptime_value(n, &value))
		return n->type.is_signed && value < 0;
	if (n->kind == NODE_UNARY)
		return n->op == TOK_SUB && n->type.is_signed;
	return n->type.is_signed && (n->kind == NODE_CAST || n->kind == NODE_FIELD);
}

static bool sign_matters(u8 op)
{
	static const u8 ops[] = {TOK_LT, TOK_LE, TOK_GT, TOK_GE, TOK_DIV, TOK_MOD};

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i] == op)
			return true;
	return false;
}

static void check_signs(struct checker *c, struct node *n)
{
	const struct node *a = n->a, *b = n->b;
	const struct node *negative = is_wide_unsigned(a) && may_be_negative(b)   ? b
				      : is_wide_unsigned(b) && may_be_negative(a) ? a
										  : NULL;

	if (!negative || !c->final || n->thrown || !sign_matters(n->op))
		return;
	n->thrown = true;
	diag_warn(c->script->diag, negative->at,
		  "(int64) in front of the other side lets both have a sign",
		  "beside %s, what is below 0 counts as a large number",
		  TYPE_A(negative == b ? a->type : b->type));
}

/* let $x: uint8 = 256 */
void check_fits(struct checker *c, const struct node *n, const struct type *t)
{
	u32 bits = t->size * 8;
	s64 value;

	if (t->kind != TYPE_INT || t->is_pointer || t->is_bool || bits >= 64 ||
	    !comptime_value(n, &value))
		return;
	if (value < -(1ll << (bits - 1)) || value >> bits > 0)
		check_fail(c, n,
			   arena_printf(c->script->arena, "(%s)%lld is what it could keep of it",
					TYPE_NAME(*t), (long long)value),
			   "%lld does not fit into %s", (long long)value, TYPE_A(*t));
}

/* ---- operators */

/* Strings, arrays of numbers, tuples and records are compared as a whole. */
static bool check_comparable(struct checker *c, struct type a, struct type b)
{
	if (a.kind != b.kind ||
	    (a.kind != TYPE_STR && a.kind != TYPE_ARRAY && a.kind != TYPE_TUPLE))
		return false;
	return type_join(c->script->arena, a, b).kind != TYPE_UNKNOWN;
}

bool node_is_user(const struct node *n)
{
	return n->type.kind == TYPE_SHOWN && n->type.show == FIELD_USER;
}

/* A user is compared with another, or with a name that is written out. */
static bool check_users(const struct node *a, const struct node *b)
{
	return (node_is_user(a) || node_is_user(b)) && (node_is_user(a) || a->kind == NODE_STR) &&
	       (node_is_user(b) || b->kind == NODE_STR);
}

void check_binary(struct checker *c, struct node *n)
{
	bool a = check_expr(c, n->a), b = check_expr(c, n->b);
	bool compare = n->op == TOK_EQ || n->op == TOK_NE;
	bool logic = n->op == TOK_ANDAND || n->op == TOK_OROR;
	struct type ta = n->a->type, tb = n->b->type;

	if (!a || !b) {
		check_map_guess(c, n->a, tb);
		check_map_guess(c, n->b, ta);
		return;
	}
	n->type = TYPE_BOOL;
	if (compare && (ta.kind == TYPE_STR ? check_message(n->b)
					    : tb.kind == TYPE_STR && check_message(n->a)))
		return;
	if (compare &&
	    (check_comparable(c, ta, tb) || check_users(n->a, n->b) || check_addresses(c, n)))
		return;
	if (ta.kind != TYPE_INT || tb.kind != TYPE_INT) {
		const struct node *wrong = ta.kind != TYPE_INT ? n->a : n->b;

		check_fail(c, wrong,
			   compare ? "compare strings with strings, numbers with numbers"
				   : "it works on numbers",
			   "%s cannot take %s", token_text(n->op), TYPE_A(wrong->type));
		return;
	}
	check_signs(c, n);
	if (compare || logic || n->op == TOK_LT || n->op == TOK_LE || n->op == TOK_GT ||
	    n->op == TOK_GE)
		n->type = TYPE_BOOL;
	else if (n->op == TOK_SHL || n->op == TOK_SHR)
		n->type = type_arith(ta, ta);
	else if ((n->op == TOK_ADD || n->op == TOK_SUB) && ta.is_pointer && !tb.is_pointer)
		n->type = ta;
	else if (n->op == TOK_ADD && tb.is_pointer && !ta.is_pointer)
		n->type = tb;
	else
		n->type = type_arith(ta, tb);
}

void check_unary(struct checker *c, struct node *n)
{
	if (!check_expr(c, n->a))
		return;
	if (n->op == TOK_MUL || n->op == TOK_AND) {
		n->op == TOK_MUL ? check_deref(c, n) : check_address(c, n);
		return;
	}
	if (n->a->type.kind != TYPE_INT) {
		check_fail(c, n, "it works on numbers", "%s cannot take %s", token_text(n->op),
			   TYPE_A(n->a->type));
		return;
	}
	n->type = type_arith(n->a->type, n->a->type);
	if (n->op == TOK_NOT)
		n->type = TYPE_BOOL;
	if (n->op == TOK_SUB && n->a->type.is_literal)
		n->type.is_signed = 1; /* -1 stays -1 beside unsigned values */
}
