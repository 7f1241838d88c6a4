/*
 * cpp_name.c: names of the Itanium C++ ABI: what stands where in which class or namespace.
 *
 * In:  "_ZN3foo3barIiEEvT_". Out: a tree (inside.h). The grammar is that of the ABI's chapter
 * "Mangling"; its rules stand above the functions that read them.
 *
 * What a template parameter (T_) means is known only when the name has been read whole (operator
 * T<...>), so a parameter points to the scope of its function, which learns its arguments then.
 */
#include "demangle/inside.h"

struct cpp_node *cpp_node(struct cpp *c, enum cpp_kind kind, struct cpp_node *a, struct cpp_node *b)
{
	struct cpp_node *n;

	if (c->n == c->cap)
		return NULL;
	n = &c->nodes[c->n++];
	*n = (struct cpp_node){.kind = (u8)kind, .a = a, .b = b};
	return n;
}

struct cpp_node *cpp_text(struct cpp *c, enum cpp_kind kind, const char *text, size_t len,
			  struct cpp_node *a)
{
	struct cpp_node *n = cpp_node(c, kind, a, NULL);

	if (n) {
		n->text = text;
		n->len = (u32)len;
	}
	return n;
}

bool cpp_append(struct cpp *c, struct cpp_list *list, struct cpp_node *n)
{
	struct cpp_node *next = n ? cpp_node(c, CPP_LIST, n, NULL) : NULL;

	if (!next || !list->first)
		return false;
	if (list->last)
		list->last->b = next;
	else
		list->first = next;
	list->last = next;
	return true;
}

struct cpp_node *cpp_sub(struct cpp *c, struct cpp_node *n)
{
	if (!n || c->nsubs == c->capsubs)
		return NULL;
	return c->subs[c->nsubs++] = n;
}

bool cpp_number(struct cpp *c, u32 *n)
{
	const char *from = c->p;

	for (*n = 0; cpp_peek(c, 0) >= '0' && cpp_peek(c, 0) <= '9' && *n < 100000000; c->p++)
		*n = *n * 10 + (u32)(*c->p - '0');
	return c->p > from;
}

bool cpp_sequence(struct cpp *c, u32 *n)
{
	bool some = cpp_number(c, n);

	*n += some;
	return cpp_take(c, "_");
}

/* <source-name> ::= <length> <identifier> */
struct cpp_node *cpp_source_name(struct cpp *c)
{
	const char *at;
	u32 n;

	if (!cpp_number(c, &n) || !n || n > (size_t)(c->end - c->p))
		return NULL;
	at = c->p;
	c->p += n;
	if (n >= 10 && !memcmp(at, "_GLOBAL_", 8) && strchr("._$", at[8]) && at[9] == 'N')
		return cpp_word(c, CPP_NAME, "(anonymous namespace)", NULL);
	return cpp_text(c, CPP_NAME, at, n, NULL);
}

/* ---- operators */

static const struct operator
{
	char code[3];
	const char *text;
}
operators[] = {
	{"aN", "&="},        {"aS", "="},     {"aa", "&&"},      {"ad", "&"},  {"an", "&"},
	{"aw", "co_await "}, {"cl", "()"},    {"cm", ","},       {"co", "~"},  {"dV", "/="},
	{"da", "delete[] "}, {"de", "*"},     {"dl", "delete "}, {"ds", ".*"}, {"dt", "."},
	{"dv", "/"},         {"eO", "^="},    {"eo", "^"},       {"eq", "=="}, {"ge", ">="},
	{"gt", ">"},         {"ix", "[]"},    {"lS", "<<="},     {"le", "<="}, {"ls", "<<"},
	{"lt", "<"},         {"mI", "-="},    {"mL", "*="},      {"mi", "-"},  {"ml", "*"},
	{"mm", "--"},        {"na", "new[]"}, {"ne", "!="},      {"ng", "-"},  {"nt", "!"},
	{"nw", "new"},       {"oR", "|="},    {"oo", "||"},      {"or", "|"},  {"pL", "+="},
	{"pl", "+"},         {"pm", "->*"},   {"pp", "++"},      {"ps", "+"},  {"pt", "->"},
	{"qu", "?"},         {"rM", "%="},    {"rS", ">>="},     {"rm", "%"},  {"rs", ">>"},
	{"ss", "<=>"},
};

const char *cpp_operator(struct cpp *c)
{
	for (u32 i = 0; i < ARRAY_SIZE(operators); i++)
		if (cpp_take(c, operators[i].code))
			return operators[i].text;
	return NULL;
}

/* <operator-name> ::= two letters | cv <type> | li <source-name> */
static struct cpp_node *operator_name(struct cpp *c)
{
	const char *text;

	if (cpp_take(c, "cv")) {
		bool outer = c->bare;
		struct cpp_node *to;

		c->bare = true; /* what stands behind T_ belongs to the operator */
		to = cpp_type(c);
		c->bare = outer;
		return to ? cpp_node(c, CPP_CONVERSION, to, NULL) : NULL;
	}
	if (cpp_take(c, "li")) {
		struct cpp_node *name = cpp_source_name(c);

		return name ? cpp_node(c, CPP_LITERAL_OP, name, NULL) : NULL;
	}
	text = cpp_operator(c);
	return text ? cpp_word(c, CPP_OPERATOR, text, NULL) : NULL;
}

/* ---- simple names */

/* The name that constructors of a class have. */
static struct cpp_node *class_name(struct cpp *c, struct cpp_node *n)
{
	while (n && (n->kind == CPP_QUALIFIED || n->kind == CPP_LOCAL || n->kind == CPP_TEMPLATE ||
		     n->kind == CPP_TAGGED))
		n = n->kind == CPP_QUALIFIED || n->kind == CPP_LOCAL ? n->b : n->a;
	if (n && n->kind == CPP_STD) { /* std::basic_string<...> */
		const char *last = n->full + 5;

		return cpp_text(c, CPP_NAME, last, strcspn(last, "<"), NULL);
	}
	return n;
}

/* <ctor-dtor-name> ::= C <digit> | CI <digit> <type> | D <digit> */
static struct cpp_node *ctor_dtor(struct cpp *c, struct cpp_node *in)
{
	bool ctor = cpp_peek(c, 0) == 'C', inherits = ctor && cpp_peek(c, 1) == 'I';

	c->p += inherits ? 2 : 1;
	if (cpp_peek(c, 0) < '0' || cpp_peek(c, 0) > '9')
		return NULL;
	c->p++;
	in = class_name(c, inherits ? cpp_type(c) : in);
	return in ? cpp_node(c, ctor ? CPP_CTOR : CPP_DTOR, in, NULL) : NULL;
}

static bool declaration(struct cpp *c);

static bool declares(const struct cpp *c)
{
	return cpp_peek(c, 0) == 'T' && cpp_peek(c, 1) && strchr("yntpk", cpp_peek(c, 1));
}

/* <closure-type-name> ::= Ul <template-param-decl>* [Q <expression>] <parameters> [Q <expression>] E
 * [ <number> ] _ ; <unnamed-type-name> ::= Ut [ <number> ] _ */
static struct cpp_node *unnamed(struct cpp *c)
{
	bool lambda = cpp_peek(c, 1) == 'l';
	struct cpp_node *n = cpp_node(c, lambda ? CPP_LAMBDA : CPP_UNNAMED, NULL, NULL);
	bool good = true;
	u32 number;

	c->p += 2;
	if (lambda && n) {
		c->lambdas++;
		while (good && declares(c))
			good = declaration(c);
		n->a = good && cpp_constraint(c) ? cpp_parameters(c) : NULL;
		good = n->a && cpp_constraint(c);
		c->lambdas--;
		if (!good || !cpp_take(c, "E"))
			return NULL;
	}
	if (!n || !cpp_sequence(c, &number))
		return NULL;
	n->number = number + 1;
	return lambda ? n : cpp_sub(c, n);
}

/* [ABI tags] ::= (B <source-name>)* */
static struct cpp_node *tags(struct cpp *c, struct cpp_node *n)
{
	while (n && cpp_take(c, "B")) {
		struct cpp_node *tag = cpp_source_name(c);

		n = tag ? cpp_text(c, CPP_TAGGED, tag->text, tag->len, n) : NULL;
	}
	return n;
}

/* DC <source-name>+ E: what `auto [a, b]` declares */
static struct cpp_node *bindings(struct cpp *c)
{
	const char *from = c->p += 2;
	struct cpp_list list = {.first = cpp_node(c, CPP_LIST, NULL, NULL)};

	while (c->p > from - 2 && !cpp_take(c, "E"))
		if (!cpp_append(c, &list, cpp_source_name(c)))
			return NULL;
	return list.first ? cpp_word(c, CPP_WORD, "[]", list.first) : NULL;
}

/* <unqualified-name> ::= <operator-name> | <ctor-dtor-name> | <source-name> | <unnamed-type-name>
 */
struct cpp_node *cpp_unqualified(struct cpp *c, struct cpp_node *in)
{
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	struct cpp_node *n = NULL;
	u32 number;

	if (p == 'F') { /* a friend that has the class's constraints */
		c->p++;
		return cpp_unqualified(c, in);
	}
	if (p >= '0' && p <= '9') {
		n = cpp_source_name(c);
	} else if (p == 'L') { /* of one file */
		c->p++;
		n = cpp_source_name(c);
		if (n && cpp_take(c, "_"))
			n = cpp_number(c, &number) ? n : NULL;
	} else if (p == 'D' && q == 'C') {
		n = bindings(c);
	} else if (p == 'C' || p == 'D') {
		n = ctor_dtor(c, in);
	} else if (p == 'U' && (q == 'l' || q == 't')) {
		n = unnamed(c);
	} else if (p >= 'a' && p <= 'z') {
		if (p == 'o' && q == 'n')
			c->p += 2;
		n = operator_name(c);
	}
	return tags(c, n);
}

/* ---- substitutions */

static const struct standard {
	char code[3];
	const char *text, *full;
} standards[] = {
	{"Sa", "std::allocator", "std::allocator"},
	{"Sb", "std::basic_string", "std::basic_string"},
	{"Ss", "std::string",
	 "std::basic_string<char, std::char_traits<char>, std::allocator<char> >"},
	{"Si", "std::istream", "std::basic_istream<char, std::char_traits<char> >"},
	{"So", "std::ostream", "std::basic_ostream<char, std::char_traits<char> >"},
	{"Sd", "std::iostream", "std::basic_iostream<char, std::char_traits<char> >"},
};

static struct cpp_node *standard(struct cpp *c)
{
	for (u32 i = 0; i < ARRAY_SIZE(standards); i++) {
		const struct standard *s = &standards[i];
		struct cpp_node *n;
		const char *text;

		if (!cpp_take(c, s->code))
			continue;
		text = cpp_peek(c, 0) == 'C' || cpp_peek(c, 0) == 'D' ? s->full : s->text;
		n = cpp_word(c, CPP_STD, text, NULL);
		if (n)
			n->full = s->full;
		return n && cpp_peek(c, 0) == 'B' ? cpp_sub(c, tags(c, n)) : n;
	}
	return NULL;
}

static bool foreign(const struct cpp *c, const struct cpp_node *n, u32 depth)
{
	if (!n || depth > 8 || n->kind == CPP_FUNCTION || n->kind == CPP_SCOPE ||
	    n->kind == CPP_LAMBDA)
		return false;
	if (n->kind == CPP_PARAM)
		return n->a != cpp_scope(c);
	return foreign(c, n->a, depth + 1) || foreign(c, n->b, depth + 1) ||
	       foreign(c, n->c, depth + 1);
}

/* T_ of one function and T_ of another are one candidate, but mean what they mean where they stand.
 */
static struct cpp_node *rebound(struct cpp *c, struct cpp_node *n, u32 depth)
{
	struct cpp_node *copy;

	if (!foreign(c, n, depth))
		return n;
	copy = cpp_node(c, CPP_NAME, NULL, NULL);
	if (!copy)
		return NULL;
	*copy = *n;
	if (n->kind == CPP_PARAM) {
		copy->a = cpp_scope(c);
		return copy;
	}
	copy->a = n->a ? rebound(c, n->a, depth + 1) : NULL;
	copy->b = n->b ? rebound(c, n->b, depth + 1) : NULL;
	copy->c = n->c ? rebound(c, n->c, depth + 1) : NULL;
	return (copy->a || !n->a) && (copy->b || !n->b) && (copy->c || !n->c) ? copy : NULL;
}

/* <substitution> ::= S <base 36> _ | S_ | Sa | Sb | Ss | Si | So | Sd */
struct cpp_node *cpp_substitution(struct cpp *c)
{
	u32 n = 0;

	if (cpp_peek(c, 1) >= 'a')
		return standard(c);
	c->p++;
	if (!cpp_take(c, "_")) {
		while (n < c->nsubs && !cpp_take(c, "_")) {
			char digit = cpp_peek(c, 0);

			if (digit >= '0' && digit <= '9')
				n = n * 36 + (u32)(digit - '0');
			else if (digit >= 'A' && digit <= 'Z')
				n = n * 36 + (u32)(digit - 'A') + 10;
			else
				return NULL;
			c->p++;
		}
		if (c->p[-1] != '_')
			return NULL;
		n++;
	}
	return n < c->nsubs ? rebound(c, c->subs[n], 0) : NULL;
}

/* ---- compound names */

struct cpp_node *cpp_template_arg(struct cpp *c);

bool cpp_constraint(struct cpp *c)
{
	return !cpp_take(c, "Q") || cpp_expression(c);
}

/* Arguments up to E. */
static struct cpp_node *args_list(struct cpp *c)
{
	struct cpp_list list = {.first = cpp_node(c, CPP_LIST, NULL, NULL)};

	while (list.first && !cpp_take(c, "E"))
		if (cpp_peek(c, 0) == 'Q' ? !cpp_constraint(c) || cpp_peek(c, 0) != 'E'
					  : !cpp_append(c, &list, cpp_template_arg(c)))
			return NULL;
	return list.first;
}

/* <template-param-decl> ::= Ty | Tk <concept> | Tn <type> | Tp <one> | Tt <one>* E: what a template
 * wants of an argument. False: it is broken. */
static bool declaration(struct cpp *c)
{
	bool good = cpp_enter(c) && declares(c);
	u8 quals;

	if (!good || cpp_take(c, "Ty"))
		;
	else if (cpp_take(c, "Tk"))
		good = cpp_name(c, false, &quals);
	else if (cpp_take(c, "Tn"))
		good = cpp_type(c);
	else if (cpp_take(c, "Tp"))
		good = declaration(c);
	else if (cpp_take(c, "Tt"))
		while (good && !cpp_take(c, "E"))
			good = cpp_peek(c, 0) == 'Q' ? cpp_constraint(c) : declaration(c);
	cpp_leave(c, NULL);
	return good;
}

/* <template-arg> ::= [<template-param-decl>] (<type> | X <expression> E | <expr-primary>
 *		    | J <template-arg>* E) */
struct cpp_node *cpp_template_arg(struct cpp *c)
{
	struct cpp_node *n = NULL;

	if (!cpp_enter(c) || (declares(c) && !declaration(c)))
		return cpp_leave(c, NULL);
	if (cpp_take(c, "X")) {
		n = cpp_expression(c);
		n = cpp_take(c, "E") ? n : NULL;
	} else if (cpp_peek(c, 0) == 'L') {
		n = cpp_primary(c);
	} else if (cpp_take(c, "J") || cpp_take(c, "I")) {
		n = args_list(c);
		n = n ? cpp_node(c, CPP_PACK, n, NULL) : NULL;
	} else {
		n = cpp_type(c);
	}
	return cpp_leave(c, n);
}

/* <template-args> ::= I <template-arg>+ E. Those of a function's name are what its T_ mean. */
struct cpp_node *cpp_template_args(struct cpp *c, bool function)
{
	bool outer = c->bare;
	struct cpp_node *list;

	c->bare = false;
	list = cpp_take(c, "I") ? args_list(c) : NULL;
	c->bare = outer;
	if (list && function)
		c->scope->a = list;
	return list;
}

static struct cpp_node *template_of(struct cpp *c, struct cpp_node *n, bool function)
{
	struct cpp_node *args = n ? cpp_template_args(c, function) : NULL;

	return args ? cpp_node(c, CPP_TEMPLATE, n, args) : NULL;
}

/* One part of a nested name, behind `in`; *final: it is never a candidate for S_. */
static struct cpp_node *prefix_part(struct cpp *c, struct cpp_node *in, bool function, bool *known)
{
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	struct cpp_node *n;

	*known = false;
	if (p == 'I')
		return template_of(c, in, function);
	if (p == 'T')
		return in ? NULL : cpp_template_param(c);
	if (p == 'D' && (q == 't' || q == 'T'))
		return in ? NULL : cpp_type(c);
	if (p == 'S' && q == 't') {
		c->p += 2;
		*known = true;
		return in ? NULL : cpp_word(c, CPP_NAME, "std", NULL);
	}
	if (p == 'S') {
		*known = true;
		return in ? NULL : cpp_substitution(c);
	}
	n = cpp_unqualified(c, in);
	return n && in ? cpp_node(c, CPP_QUALIFIED, in, n) : n;
}

/* <nested-name> ::= N ([<CV-qualifiers>] [<ref-qualifier>] | H) <prefix>* <unqualified-name> E */
static struct cpp_node *nested_name(struct cpp *c, bool function, u8 *quals)
{
	struct cpp_node *n = NULL;
	bool known, decltype_;

	c->p++;
	*quals = cpp_take(c, "H") ? CPP_THIS : cpp_qualifiers(c);
	if (cpp_take(c, "R"))
		*quals |= CPP_AMP;
	else if (cpp_take(c, "O"))
		*quals |= CPP_AMPAMP;
	while (!cpp_take(c, "E")) {
		decltype_ = cpp_peek(c, 0) == 'D' && (cpp_peek(c, 1) | 32) == 't';
		n = prefix_part(c, n, function, &known);
		if (!n)
			return NULL;
		if (!known && !decltype_ && cpp_peek(c, 0) != 'E' && !cpp_sub(c, n))
			return NULL;
		cpp_take(c, "M"); /* what is in the initialiser of a member */
	}
	return n;
}

/* [ _ <digit> | __ <number> _ ] */
static bool discriminator(struct cpp *c)
{
	u32 n;

	if (cpp_take(c, "__"))
		return cpp_number(c, &n) && cpp_take(c, "_");
	if (cpp_peek(c, 0) != '_' || cpp_peek(c, 1) < '0' || cpp_peek(c, 1) > '9')
		return true;
	c->p++;
	return cpp_number(c, &n);
}

/* <local-name> ::= Z <encoding> E ( s | [ d [ <number> ] _ ] <name> ) [ <discriminator> ] */
static struct cpp_node *local_name(struct cpp *c, bool function, u8 *quals)
{
	struct cpp_node *in, *n;
	u32 number;

	c->p++;
	in = cpp_encoding(c);
	if (!in || !cpp_take(c, "E"))
		return NULL;
	if (function && c->last->a) /* a lambda's T_ are its function's */
		c->scope->a = c->last->a;
	if (cpp_take(c, "s")) {
		n = cpp_word(c, CPP_NAME, "string literal", NULL);
	} else {
		if (cpp_take(c, "d")) {
			if (!cpp_sequence(c, &number))
				return NULL;
			n = cpp_node(c, CPP_WORD, NULL, NULL);
			if (!n)
				return NULL;
			n->text = "{default arg#}";
			n->len = (u32)strlen(n->text);
			n->number = number + 1;
			in = cpp_node(c, CPP_LOCAL, in, n);
		}
		n = cpp_name(c, function, quals);
	}
	return n && in && discriminator(c) ? cpp_node(c, CPP_LOCAL, in, n) : NULL;
}

/* <name> ::= <nested-name> | <local-name> | [St] <unqualified-name> [<template-args>]
 *	    | <substitution> <template-args> */
struct cpp_node *cpp_name(struct cpp *c, bool function, u8 *quals)
{
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	struct cpp_node *n = NULL;

	*quals = 0;
	if (!cpp_enter(c))
		return NULL;
	if (p == 'N') {
		n = nested_name(c, function, quals);
	} else if (p == 'Z') {
		n = local_name(c, function, quals);
	} else if (p == 'S' && q != 't') {
		n = cpp_substitution(c);
		if (n && cpp_peek(c, 0) == 'I')
			n = template_of(c, n, function);
	} else {
		struct cpp_node *in = cpp_take(c, "St") ? cpp_word(c, CPP_NAME, "std", NULL) : NULL;

		n = cpp_unqualified(c, in);
		if (n && in)
			n = cpp_node(c, CPP_QUALIFIED, in, n);
		if (n && cpp_peek(c, 0) == 'I')
			n = template_of(c, cpp_sub(c, n), function);
	}
	return cpp_leave(c, n);
}
