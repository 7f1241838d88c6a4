/*
 * constant.c: arithmetic of the compiler: what operators make of constants, and constants with
 * names.
 *
 * In:  an operator and two numbers. Out: the number that the program would compute.
 */
#include "script/constant.h"

u32 token_precedence(enum token_kind op)
{
	static const u8 binds[TOK_COUNT] = {
#define BINARY(NAME, level, text, doc) [TOK_##NAME] = level,
#define PREFIX(...)
#define ASSIGN(...)
#define OPERATOR(...)
#include "script/operators.def"
#undef BINARY
#undef PREFIX
#undef ASSIGN
#undef OPERATOR
	};
	return binds[op];
}

static s64 divide(s64 a, s64 b, bool is_signed)
{
	if (!b)
		return 0;
	if (!is_signed)
		return (s64)((u64)a / (u64)b);
	return b == -1 ? (s64)(0 - (u64)a) : a / b;
}

bool token_compute(enum token_kind op, s64 a, s64 b, bool is_signed, s64 *out)
{
	u64 x = (u64)a, y = (u64)b;

	switch (op) {
	case TOK_ADD: *out = (s64)(x + y); break;
	case TOK_SUB: *out = (s64)(x - y); break;
	case TOK_MUL: *out = (s64)(x * y); break;
	case TOK_DIV: *out = divide(a, b, is_signed); break;
	case TOK_MOD: *out = (s64)(x - (u64)divide(a, b, is_signed) * y); break;
	case TOK_AND: *out = (s64)(x & y); break;
	case TOK_OR: *out = (s64)(x | y); break;
	case TOK_XOR: *out = (s64)(x ^ y); break;
	case TOK_SHL: *out = (s64)(x << (y & 63)); break;
	case TOK_SHR: *out = is_signed ? a >> (y & 63) : (s64)(x >> (y & 63)); break;
	case TOK_ANDAND: *out = a && b; break;
	case TOK_OROR: *out = a || b; break;
	case TOK_EQ: *out = a == b; break;
	case TOK_NE: *out = a != b; break;
	case TOK_LT: *out = is_signed ? a < b : x < y; break;
	case TOK_GT: *out = is_signed ? a > b : x > y; break;
	case TOK_LE: *out = is_signed ? a <= b : x <= y; break;
	case TOK_GE: *out = is_signed ? a >= b : x >= y; break;
	default: return false;
	}
	return true;
}

const struct constant_row constant_rows[] = {
#define CONSTANT(name, value)        {#name, value},
#define KERNEL_CONSTANT(name, value) {#name, value},
#include "script/constants.def"
#undef CONSTANT
#undef KERNEL_CONSTANT
	{0}};

bool constant_named(const char *name, s64 *value)
{
	for (const struct constant_row *r = constant_rows; r->name; r++)
		if (*r->name == *name && !strcmp(r->name, name)) {
			*value = r->value;
			return true;
		}
	return false;
}
