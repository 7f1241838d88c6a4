/* cpp_type.c: types of the Itanium C++ ABI; see cpp_name.c. */
#include "demangle/inside.h"

/* <builtin-type> */
static const struct builtin {
	char code[4];
	const char *text;
} builtins[] = {
	{"v", "void"},
	{"w", "wchar_t"},
	{"b", "bool"},
	{"c", "char"},
	{"a", "signed char"},
	{"h", "unsigned char"},
	{"s", "short"},
	{"t", "unsigned short"},
	{"i", "int"},
	{"j", "unsigned int"},
	{"l", "long"},
	{"m", "unsigned long"},
	{"x", "long long"},
	{"y", "unsigned long long"},
	{"n", "__int128"},
	{"o", "unsigned __int128"},
	{"f", "float"},
	{"d", "double"},
	{"e", "long double"},
	{"g", "__float128"},
	{"z", "..."},
	{"Dd", "decimal64"},
	{"De", "decimal128"},
	{"Df", "decimal32"},
	{"Dh", "half"},
	{"Di", "char32_t"},
	{"Ds", "char16_t"},
	{"Du", "char8_t"},
	{"Da", "auto"},
	{"Dc", "decltype(auto)"},
	{"Dn", "decltype(nullptr)"},
};

static struct cpp_node *builtin(struct cpp *c)
{
	for (u32 i = 0; i < ARRAY_SIZE(builtins); i++)
		if (cpp_take(c, builtins[i].code))
			return cpp_word(c, CPP_NAME, builtins[i].text, NULL);
	return NULL;
}

u8 cpp_qualifiers(struct cpp *c)
{
	u8 quals = 0;

	if (cpp_take(c, "r"))
		quals |= CPP_RESTRICT;
	if (cpp_take(c, "V"))
		quals |= CPP_VOLATILE;
	if (cpp_take(c, "K"))
		quals |= CPP_CONST;
	return quals;
}

/* <template-param> ::= T_ | T <number> _ */
struct cpp_node *cpp_template_param(struct cpp *c)
{
	struct cpp_node *n;
	u32 number;

	if (!cpp_take(c, "T") || (cpp_take(c, "L") && !(cpp_number(c, &number) && cpp_take(c, "_"))) ||
	    !cpp_sequence(c, &number))
		return NULL;
	n = cpp_node(c, CPP_PARAM, cpp_scope(c), NULL);
	if (n)
		n->number = number;
	return n;
}

struct cpp_node *cpp_parameters(struct cpp *c)
{
	struct cpp_list list = {.first = cpp_node(c, CPP_LIST, NULL, NULL)};
	char p;

	if (cpp_take(c, "v")) {
		p = cpp_peek(c, 0);
		return !p || strchr("E.@ROQ", p) ? list.first : NULL;
	}
	for (p = cpp_peek(c, 0); list.first && p && !strchr("E.@Q", p); p = cpp_peek(c, 0)) {
		if ((p == 'R' || p == 'O') && cpp_peek(c, 1) == 'E')
			break; /* a function type's own */
		if (!cpp_append(c, &list, cpp_type(c)))
			return NULL;
	}
	return list.last ? list.first : NULL;
}

/* <function-type> ::= [<CV-qualifiers>] [Do] [Dx] F [Y] <type>+ [R | O] E */
static struct cpp_node *function_type(struct cpp *c, u8 quals)
{
	struct cpp_node *n = cpp_node(c, CPP_FNTYPE, NULL, NULL);

	if (cpp_take(c, "Dx"))
		quals |= CPP_TRANSACTION;
	if (cpp_take(c, "Do"))
		quals |= CPP_NOEXCEPT;
	if (!n || !cpp_take(c, "F"))
		return NULL;
	cpp_take(c, "Y");
	n->b = cpp_type(c);
	n->c = n->b ? cpp_parameters(c) : NULL;
	if (cpp_take(c, "R"))
		quals |= CPP_AMP;
	else if (cpp_take(c, "O"))
		quals |= CPP_AMPAMP;
	n->quals = quals;
	return n->c && cpp_take(c, "E") ? n : NULL;
}

/* <array-type> ::= A [<number> | <expression>] _ <type> */
static struct cpp_node *array_type(struct cpp *c)
{
	struct cpp_node *count = NULL, *of;
	const char *from = ++c->p;
	u32 number;

	if (cpp_number(c, &number))
		count = cpp_text(c, CPP_NAME, from, (size_t)(c->p - from), NULL);
	else if (cpp_peek(c, 0) == '_')
		count = cpp_word(c, CPP_NAME, "", NULL);
	else
		count = cpp_expression(c);
	of = count && cpp_take(c, "_") ? cpp_type(c) : NULL;
	return of ? cpp_node(c, CPP_ARRAY, count, of) : NULL;
}

/* <vector-type> ::= Dv <number> _ <type> | Dv _ <expression> _ <type> */
static struct cpp_node *vector_type(struct cpp *c)
{
	struct cpp_node *count, *of;
	const char *from = c->p;
	u32 number;

	if (cpp_take(c, "_"))
		count = cpp_expression(c);
	else
		count = cpp_number(c, &number)
				? cpp_text(c, CPP_NAME, from, (size_t)(c->p - from), NULL)
				: NULL;
	of = count && cpp_take(c, "_") ? cpp_type(c) : NULL;
	return of ? cpp_node(c, CPP_VECTOR, count, of) : NULL;
}

static struct cpp_node *around(struct cpp *c, enum cpp_kind kind, struct cpp_node *of)
{
	return of ? cpp_node(c, kind, of, NULL) : NULL;
}

/* DF <bits> _ or x or b: _Float16, std::bfloat16_t */
static struct cpp_node *float_type(struct cpp *c)
{
	const char *from = c->p;
	struct cpp_node *bits;
	u32 number;

	if (!cpp_number(c, &number))
		return NULL;
	bits = cpp_text(c, CPP_NAME, from, (size_t)(c->p - from), NULL);
	if (cpp_take(c, "b"))
		return cpp_word(c, CPP_NAME, "std::bfloat16_t", NULL);
	if (!bits || !(cpp_take(c, "_") || cpp_take(c, "x")))
		return NULL;
	return cpp_text(c, CPP_SUFFIX, bits->text, bits->len,
			cpp_word(c, CPP_NAME, "_Float", NULL));
}

/* What begins with D and is no builtin. */
static struct cpp_node *d_type(struct cpp *c)
{
	char q = cpp_peek(c, 1);
	struct cpp_node *n;

	if (q == 'o' || q == 'x')
		return function_type(c, 0);
	if (!q)
		return NULL;
	c->p += 2;
	switch (q) {
	case 't':
	case 'T':
		n = cpp_expression(c);
		return cpp_take(c, "E") ? around(c, CPP_DECLTYPE, n) : NULL;
	case 'p': return around(c, CPP_EXPANSION, cpp_type(c));
	case 'v': return vector_type(c);
	case 'F': return float_type(c);
	default: return NULL;
	}
}

/* A type with qualifiers in front; those of a function are its own. */
static struct cpp_node *qualified_type(struct cpp *c)
{
	u8 quals = cpp_qualifiers(c);
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	struct cpp_node *n;

	if (p == 'F' || (p == 'D' && (q == 'o' || q == 'x')))
		return function_type(c, quals);
	n = around(c, CPP_QUALS, cpp_type(c));
	if (n)
		n->quals = quals;
	return n;
}

/* U <source-name> [<template-args>] <type> */
static struct cpp_node *vendor_type(struct cpp *c)
{
	struct cpp_node *name = (c->p++, cpp_source_name(c)), *args, *of;

	if (name && cpp_peek(c, 0) == 'I') {
		args = cpp_template_args(c, false);
		name = args ? cpp_node(c, CPP_TEMPLATE, name, args) : NULL;
	}
	of = name ? cpp_type(c) : NULL;
	return of ? cpp_node(c, CPP_VENDOR, of, name) : NULL;
}

static struct cpp_node *member_type(struct cpp *c)
{
	struct cpp_node *of = (c->p++, cpp_type(c)), *what = of ? cpp_type(c) : NULL;

	return what ? cpp_node(c, CPP_MEMBER, of, what) : NULL;
}

/* T_ as it is, or with arguments: a template as the parameter of a template. */
static struct cpp_node *param_type(struct cpp *c)
{
	struct cpp_node *n, *args;

	if (strchr("sue", cpp_peek(c, 1)) && cpp_peek(c, 1)) { /* struct, union, enum X */
		u8 quals;

		c->p += 2;
		return cpp_name(c, false, &quals);
	}
	n = cpp_template_param(c);
	if (!n || cpp_peek(c, 0) != 'I' || c->bare)
		return n;
	n = cpp_sub(c, n);
	args = n ? cpp_template_args(c, false) : NULL;
	return args ? cpp_node(c, CPP_TEMPLATE, n, args) : NULL;
}

/* S_, which is no candidate itself, or S_ <template-args>. */
static struct cpp_node *sub_type(struct cpp *c, bool *known)
{
	struct cpp_node *n, *args;

	n = cpp_substitution(c);
	*known = cpp_peek(c, 0) != 'I';
	if (!n || *known)
		return n;
	args = cpp_template_args(c, false);
	return args ? cpp_node(c, CPP_TEMPLATE, n, args) : NULL;
}

static struct cpp_node *type(struct cpp *c, bool *known)
{
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	u8 quals;

	switch (p) {
	case 'r':
	case 'V':
	case 'K': return qualified_type(c);
	case 'P': c->p++; return around(c, CPP_POINTER, cpp_type(c));
	case 'R': c->p++; return around(c, CPP_LREF, cpp_type(c));
	case 'O': c->p++; return around(c, CPP_RREF, cpp_type(c));
	case 'C':
	case 'G':
		c->p++;
		return cpp_word(c, CPP_SUFFIX, p == 'C' ? " _Complex" : " _Imaginary", cpp_type(c));
	case 'F': return function_type(c, 0);
	case 'A': return array_type(c);
	case 'M': return member_type(c);
	case 'T': return param_type(c);
	case 'U':
		if (q != 'l' && q != 't')
			return vendor_type(c);
		break;
	case 'D':
		if (q != 'C')
			return d_type(c);
		break;
	case 'u': c->p++; return cpp_source_name(c);
	case 'S':
		if (q != 't')
			return sub_type(c, known);
		break;
	}
	return cpp_name(c, false, &quals);
}

struct cpp_node *cpp_type(struct cpp *c)
{
	struct cpp_node *n = builtin(c);
	bool known = false;

	if (n)
		return n;
	if (!cpp_enter(c))
		return cpp_leave(c, NULL);
	n = type(c, &known);
	if (n && n->kind == CPP_SUFFIX && !n->a)
		n = NULL;
	return cpp_leave(c, n && !known ? cpp_sub(c, n) : n);
}
