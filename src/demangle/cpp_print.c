/*
 * cpp_print.c: the tree of a C++ name as text, blank for blank as binutils write it.
 *
 * A declaration is written around its name: `int (*name)(char)`. So each type has a left part and a
 * right part, and only functions and arrays have the second. What is in a pack is written once for
 * each element: `pack` says which one. A tree may mean far more text than it is long, and even
 * itself, so everything counts: depth, steps, bytes.
 */
#include "demangle/inside.h"

#define STEPS_MOST 200000
#define DEPTH_MOST 1000

struct print {
	struct buf *out;
	u32 steps, depth;
	s32 pack; /* element of the packs that are expanded, -1: none are */
	bool failed;
};

static void left(struct print *p, struct cpp_node *n);
static void right(struct print *p, struct cpp_node *n);

static void whole(struct print *p, struct cpp_node *n)
{
	left(p, n);
	right(p, n);
}

static void put(struct print *p, const char *text)
{
	buf_puts(p->out, text);
}

static void put_number(struct print *p, const char *before, u32 n, const char *after)
{
	put(p, before);
	buf_u64(p->out, n);
	put(p, after);
}

static char last(const struct print *p)
{
	return p->out->n ? p->out->p[p->out->n - 1] : 0;
}

/* ---- what a node means */

static struct cpp_node *element(struct cpp_node *list, u32 i)
{
	for (; list && i; list = list->b)
		i--;
	return list ? list->a : NULL;
}

/* The argument of a template parameter; NULL: unknown. */
static struct cpp_node *argument(const struct print *p, const struct cpp_node *n)
{
	struct cpp_node *arg = n->a ? element(n->a->a, n->number) : NULL;

	return arg && arg->kind == CPP_PACK && p->pack >= 0 ? element(arg->a, (u32)p->pack) : arg;
}

static bool count(struct print *p)
{
	p->failed |= ++p->steps > STEPS_MOST || p->out->n > DEMANGLE_TEXT_MOST;
	return !p->failed;
}

/* Behind parameters and their like: the type itself. */
static struct cpp_node *meant(struct print *p, struct cpp_node *n)
{
	u32 turns = 0;

	while (n && n->kind == CPP_PARAM && turns++ < 64 && count(p))
		n = argument(p, n);
	return turns < 64 ? n : NULL;
}

/* Is there something on the right of it? */
static bool wraps(struct print *p, struct cpp_node *n)
{
	n = meant(p, n);
	while (n && n->kind == CPP_QUALS && count(p))
		n = meant(p, n->a);
	return n && (n->kind == CPP_FNTYPE || n->kind == CPP_ARRAY);
}

/* A function that returns a pointer to a function is written in the middle of that. */
static bool goes_on(struct print *p, struct cpp_node *n)
{
	n = meant(p, n);
	while (n && count(p) &&
	       (n->kind == CPP_POINTER || n->kind == CPP_LREF || n->kind == CPP_RREF ||
		n->kind == CPP_QUALS || n->kind == CPP_MEMBER))
		n = meant(p, n->kind == CPP_MEMBER ? n->b : n->a);
	return n && (n->kind == CPP_FNTYPE || n->kind == CPP_ARRAY);
}

/* The pack in a pattern; NULL: there is none. */
static struct cpp_node *find_pack(struct print *p, struct cpp_node *n)
{
	struct cpp_node *found, *arg;

	if (!n || !count(p) || n->kind == CPP_LAMBDA || n->kind == CPP_SCOPE ||
	    p->depth > DEPTH_MOST)
		return NULL;
	if (n->kind == CPP_PARAM) {
		arg = n->a ? element(n->a->a, n->number) : NULL;
		return arg && arg->kind == CPP_PACK ? arg : NULL;
	}
	p->depth++;
	found = find_pack(p, n->a);
	found = found ? found : find_pack(p, n->b);
	found = found ? found : find_pack(p, n->c);
	p->depth--;
	return found;
}

/* ---- lists */

/* Elements that are written as nothing take their comma with them. */
static void put_list(struct print *p, struct cpp_node *list)
{
	size_t start = p->out->n, before;

	for (; list && list->a && !p->failed; list = list->b) {
		size_t comma = p->out->n;

		if (comma != start)
			put(p, ", ");
		before = p->out->n;
		whole(p, list->a);
		if (p->out->n == before)
			p->out->n = comma;
	}
}

static void operand(struct print *p, struct cpp_node *n);

static void put_expansion(struct print *p, struct cpp_node *n)
{
	struct cpp_node *pack = find_pack(p, n->a), *e;
	s32 outer = p->pack, i = 0;
	size_t start = p->out->n;

	if (!pack) {
		operand(p, n->a);
		put(p, "...");
		return;
	}
	for (e = pack->a; e && e->a && count(p); e = e->b) {
		if (p->out->n != start)
			put(p, ", ");
		p->pack = i++;
		whole(p, n->a);
	}
	p->pack = outer;
}

/* The parameters with their parentheses. */
static void put_parameters(struct print *p, struct cpp_node *list)
{
	s32 outer = p->pack;

	put(p, "(");
	put_list(p, list);
	put(p, ")");
	p->pack = outer;
}

static void put_quals(struct print *p, u8 quals)
{
	static const char *const texts[] = {" const", " volatile", " restrict",        " &",
					    " &&",    " noexcept", " transaction_safe"};

	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		if (quals & 1u << i)
			put(p, i == 2 ? " __restrict" : texts[i]);
}

/* ---- names */

static void put_template(struct print *p, struct cpp_node *n)
{
	s32 outer = p->pack;

	left(p, n->a);
	if (last(p) == '<') /* operator< <int> */
		put(p, " ");
	put(p, "<");
	put_list(p, n->b);
	if (last(p) == '>')
		put(p, " ");
	put(p, ">");
	p->pack = outer;
}

/* Where a function stands for a place: what it returns is not said. */
static void put_place(struct print *p, struct cpp_node *n)
{
	if (n->kind != CPP_FUNCTION) {
		whole(p, n);
		return;
	}
	left(p, n->a);
	put_parameters(p, n->c);
	put_quals(p, n->quals);
}

static void put_name(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_QUALIFIED:
		left(p, n->a);
		put(p, "::");
		left(p, n->b);
		break;
	case CPP_LOCAL:
		put_place(p, n->a);
		put(p, "::");
		left(p, n->b);
		break;
	case CPP_CTOR: left(p, n->a); break;
	case CPP_DTOR:
		put(p, "~");
		left(p, n->a);
		break;
	case CPP_OPERATOR:
		put(p, *n->text >= 'a' && *n->text <= 'z' ? "operator " : "operator");
		buf_add(p->out, n->text, n->len - (n->text[n->len - 1] == ' '));
		break;
	case CPP_CONVERSION:
		put(p, "operator ");
		whole(p, n->a);
		break;
	case CPP_LITERAL_OP:
		put(p, "operator\"\" ");
		left(p, n->a);
		break;
	case CPP_LAMBDA:
		put(p, "{lambda");
		put_parameters(p, n->a);
		put_number(p, "#", n->number, "}");
		break;
	case CPP_UNNAMED: put_number(p, "{unnamed type#", n->number, "}"); break;
	case CPP_TAGGED:
		left(p, n->a);
		put(p, "[abi:");
		buf_add(p->out, n->text, n->len);
		put(p, "]");
		break;
	}
}

/* ---- types */

static void put_reference(struct print *p, struct cpp_node *n)
{
	struct cpp_node *of = meant(p, n->a);
	bool single = n->kind == CPP_LREF;

	while (of && (of->kind == CPP_LREF || of->kind == CPP_RREF) &&
	       count(p)) { /* && of & is & */
		single |= of->kind == CPP_LREF;
		of = meant(p, of->a);
	}
	if (!of)
		of = n->a;
	left(p, of);
	if (wraps(p, of))
		put(p, last(p) == ' ' || last(p) == '(' || last(p) == '*' ? "(" : " (");
	put(p, single ? "&" : "&&");
}

static void reference_right(struct print *p, struct cpp_node *n)
{
	struct cpp_node *of = meant(p, n->a);

	while (of && (of->kind == CPP_LREF || of->kind == CPP_RREF) && count(p))
		of = meant(p, of->a);
	if (wraps(p, of))
		put(p, ")");
	if (of)
		right(p, of);
}

static void put_pointer(struct print *p, struct cpp_node *n)
{
	struct cpp_node *to = n->kind == CPP_MEMBER ? n->b : n->a;
	bool around = wraps(p, to);

	left(p, to);
	if (around)
		put(p, last(p) == ' ' || last(p) == '(' || last(p) == '*' ? "(" : " (");
	if (n->kind == CPP_MEMBER) {
		if (!around && last(p) != ' ' && last(p) != '(')
			put(p, " ");
		whole(p, n->a);
		put(p, "::*");
	} else {
		put(p, "*");
	}
}

static void pointer_right(struct print *p, struct cpp_node *n)
{
	struct cpp_node *to = n->kind == CPP_MEMBER ? n->b : n->a;

	if (wraps(p, to))
		put(p, ")");
	right(p, to);
}

static void put_parameter(struct print *p, struct cpp_node *n, bool is_right)
{
	struct cpp_node *arg = argument(p, n);
	s32 outer = p->pack;

	if (!n->a) { /* of a lambda */
		if (!is_right)
			put_number(p, "auto:", n->number + 1, "");
		return;
	}
	if (n->busy || (!arg && p->pack < 0)) {
		p->failed = true;
		return;
	}
	if (!arg)
		return;
	n->busy = true;
	p->pack = -1;
	if (is_right)
		right(p, arg);
	else
		left(p, arg);
	p->pack = outer;
	n->busy = false;
}

/* Those that it has already: an argument may be const itself. */
static u8 quals_of(struct print *p, struct cpp_node *n)
{
	n = meant(p, n);
	return n && n->kind == CPP_QUALS ? n->quals : 0;
}

static void put_type(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_POINTER:
	case CPP_MEMBER: put_pointer(p, n); break;
	case CPP_LREF:
	case CPP_RREF: put_reference(p, n); break;
	case CPP_QUALS:
		left(p, n->a);
		put_quals(p, n->quals & (u8)~quals_of(p, n->a));
		break;
	case CPP_VENDOR:
		left(p, n->a);
		put(p, " ");
		left(p, n->b);
		break;
	case CPP_SUFFIX:
		whole(p, n->a);
		buf_add(p->out, n->text, n->len);
		break;
	case CPP_FNTYPE:
		left(p, n->b);
		if (!goes_on(p, n->b))
			put(p, " ");
		break;
	case CPP_ARRAY: left(p, n->b); break;
	case CPP_PARAM: put_parameter(p, n, false); break;
	case CPP_EXPANSION: put_expansion(p, n); break;
	case CPP_VECTOR:
		whole(p, n->b);
		put(p, " __vector(");
		whole(p, n->a);
		put(p, ")");
		break;
	case CPP_DECLTYPE:
		put(p, "decltype (");
		whole(p, n->a);
		put(p, ")");
		break;
	}
}

/* ---- expressions */

static void operand(struct print *p, struct cpp_node *n)
{
	bool simple = n->kind == CPP_NAME || n->kind == CPP_QUALIFIED || n->kind == CPP_FNPARAM ||
		      n->kind == CPP_BRACES;

	put(p, simple ? "" : "(");
	whole(p, n);
	put(p, simple ? "" : ")");
}

/* Suffixes of integers; other types are written as a cast. */
static const char *suffix_of(const struct cpp_node *type)
{
	static const char *const known[][2] = {{"int", ""},         {"unsigned int", "u"},
					       {"long", "l"},       {"unsigned long", "ul"},
					       {"long long", "ll"}, {"unsigned long long", "ull"}};

	for (u32 i = 0; i < ARRAY_SIZE(known) && type->kind == CPP_NAME; i++)
		if (strlen(known[i][0]) == type->len && !memcmp(type->text, known[i][0], type->len))
			return known[i][1];
	return NULL;
}

static void put_literal(struct print *p, struct cpp_node *n)
{
	const char *suffix = suffix_of(n->a), *text = n->text;
	bool negative = n->len && *text == 'n';
	u32 len = n->len - negative;

	text += negative;
	if (n->a->kind == CPP_NAME && n->a->len == 4 && !memcmp(n->a->text, "bool", 4) &&
	    len == 1) {
		put(p, *text == '0' ? "false" : "true");
		return;
	}
	if (!suffix) {
		put(p, "(");
		whole(p, n->a);
		put(p, ")");
	}
	put(p, negative ? "-" : "");
	if (n->a->kind == CPP_NAME && !suffix && len > 2 && strchr("fdeg", *n->a->text) &&
	    (n->a->len > 4)) { /* a float's bytes */
		put(p, "[");
		buf_add(p->out, text, len);
		put(p, "]");
		return;
	}
	buf_add(p->out, text, len);
	put(p, suffix ? suffix : "");
}

static void put_binary(struct print *p, struct cpp_node *n)
{
	bool greater = *n->text == '>' && n->len == 1, index = !strcmp(n->text, "[]");
	bool member = !strcmp(n->text, ".") || !strcmp(n->text, "->");

	put(p, greater ? "(" : "");
	operand(p, n->a);
	put(p, index ? "[" : n->text);
	if (index)
		whole(p, n->b);
	else if (member)
		left(p, n->b);
	else
		operand(p, n->b);
	put(p, index ? "]" : "");
	put(p, greater ? ")" : "");
}

static void put_fold(struct print *p, struct cpp_node *n)
{
	bool from_left = n->number == 'l';

	put(p, "(");
	if (n->b)
		operand(p, n->a);
	if (!n->b && from_left)
		put(p, "...");
	else if (!n->b)
		operand(p, n->a);
	put(p, n->text);
	put(p, n->b ? "..." : "");
	put(p, n->b ? n->text : "");
	if (n->b)
		operand(p, n->b);
	else if (from_left)
		operand(p, n->a);
	else
		put(p, "...");
	put(p, ")");
}

static void put_new(struct print *p, struct cpp_node *n)
{
	put(p, n->text);
	put(p, " ");
	if (n->a) {
		put(p, "(");
		put_list(p, n->a);
		put(p, ") ");
	}
	whole(p, n->b);
	if (n->c) {
		put(p, "(");
		put_list(p, n->c);
		put(p, ")");
	}
}

/* sizeof (T), sizeof...(T), {default arg#1}, [a, b] */
static void put_word(struct print *p, struct cpp_node *n)
{
	struct cpp_node *pack;
	u32 elements = 0;

	if (!n->a) {
		buf_add(p->out, n->text, n->len - 1);
		put_number(p, "", n->number, "}");
	} else if (*n->text == '[') {
		put(p, "[");
		put_list(p, n->a);
		put(p, "]");
	} else if (!strcmp(n->text, "sizeof...")) {
		pack = find_pack(p, n->a);
		for (struct cpp_node *e = pack ? pack->a : NULL; e && e->a && count(p); e = e->b)
			elements++;
		put_number(p, "", elements, "");
	} else {
		put(p, n->text);
		put(p, "(");
		whole(p, n->a);
		put(p, ")");
	}
}

static void put_expression(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_UNARY:
		put(p, n->text);
		if (*n->text == '&' && n->len == 1 && n->a->kind != CPP_FUNCTION)
			whole(p, n->a);
		else
			operand(p, n->a);
		break;
	case CPP_BINARY: put_binary(p, n); break;
	case CPP_TERNARY:
		operand(p, n->a);
		put(p, "?");
		operand(p, n->b);
		put(p, " : ");
		operand(p, n->c);
		break;
	case CPP_POSTFIX:
		operand(p, n->a);
		put(p, n->text);
		break;
	case CPP_CAST:
		put(p, "(");
		whole(p, n->a);
		put(p, ")");
		operand(p, n->b);
		break;
	case CPP_NAMED_CAST:
		put(p, n->text);
		put(p, "<");
		whole(p, n->a);
		put(p, ">(");
		whole(p, n->b);
		put(p, ")");
		break;
	case CPP_CALL:
		operand(p, n->a);
		put(p, "(");
		put_list(p, n->b);
		put(p, ")");
		break;
	case CPP_BRACES:
		if (n->a)
			whole(p, n->a);
		put(p, "{");
		put_list(p, n->b);
		put(p, "}");
		break;
	case CPP_FNPARAM: put_number(p, "{parm#", n->number, "}"); break;
	case CPP_WORD: put_word(p, n); break;
	case CPP_NEW: put_new(p, n); break;
	case CPP_LITERAL: put_literal(p, n); break;
	case CPP_FOLD: put_fold(p, n); break;
	}
}

/* ---- all kinds */

static void put_special(struct print *p, struct cpp_node *n)
{
	buf_add(p->out, n->text, n->len);
	whole(p, n->a);
	if (n->b) {
		put(p, "-in-");
		whole(p, n->b);
	}
}

static void put_function(struct print *p, struct cpp_node *n)
{
	if (n->b) {
		left(p, n->b);
		if (!goes_on(p, n->b))
			put(p, " ");
	}
	left(p, n->a);
	put_parameters(p, n->c);
	put_quals(p, n->quals);
	if (n->b)
		right(p, n->b);
}

static void put_any(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_NAME:
	case CPP_STD: buf_add(p->out, n->text, n->len); break;
	case CPP_TEMPLATE: put_template(p, n); break;
	case CPP_LIST:
	case CPP_PACK: put_list(p, n->kind == CPP_PACK ? n->a : n); break;
	case CPP_SPECIAL: put_special(p, n); break;
	case CPP_FUNCTION: put_function(p, n); break;
	case CPP_CLONE:
		whole(p, n->a);
		put(p, " [clone ");
		buf_add(p->out, n->text, n->len);
		put(p, "]");
		break;
	default:
		if (n->kind < CPP_SPECIAL)
			put_name(p, n);
		else if (n->kind < CPP_UNARY)
			put_type(p, n);
		else
			put_expression(p, n);
	}
}

static void left(struct print *p, struct cpp_node *n)
{
	if (n && count(p) && p->depth++ < DEPTH_MOST)
		put_any(p, n);
	else
		p->failed = true;
	p->depth--;
}

static void fntype_right(struct print *p, struct cpp_node *n)
{
	put_parameters(p, n->c);
	put_quals(p, n->quals);
	right(p, n->b);
}

static void array_right(struct print *p, struct cpp_node *n)
{
	put(p, last(p) == ']' ? "[" : " [");
	whole(p, n->a);
	put(p, "]");
	right(p, n->b);
}

static void right(struct print *p, struct cpp_node *n)
{
	if (!n || p->failed || !count(p) || p->depth >= DEPTH_MOST)
		return;
	p->depth++;
	switch (n->kind) {
	case CPP_POINTER:
	case CPP_MEMBER: pointer_right(p, n); break;
	case CPP_LREF:
	case CPP_RREF: reference_right(p, n); break;
	case CPP_QUALS:
	case CPP_VENDOR: right(p, n->a); break;
	case CPP_FNTYPE: fntype_right(p, n); break;
	case CPP_ARRAY: array_right(p, n); break;
	case CPP_PARAM: put_parameter(p, n, true); break;
	}
	p->depth--;
}

bool cpp_print(struct buf *out, struct cpp_node *n, enum demangle_as as)
{
	struct print p = {.out = out, .pack = -1};

	while (as == DEMANGLE_NAME && n && (n->kind == CPP_FUNCTION || n->kind == CPP_CLONE))
		n = n->a;
	whole(&p, n);
	return !p.failed && !out->failed && out->n;
}
