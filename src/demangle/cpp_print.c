/*
 * cpp_print.c: the tree of a C++ name as text, blank for blank as binutils write it.
 *
 * A declaration is written around its name: `int (*name)(char)`. So each type has a left part and a
 * right part, and only functions and arrays have the second. What is in a pack is written once for
 * each element: `pack` says which one. A tree may mean far more text than it is long, and even
 * itself, so everything counts: depth, steps, bytes.
 */
#include "demangle/print.h"

#define STEPS_MOST 200000
#define DEPTH_MOST 1000

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

bool cpp_count(struct print *p)
{
	p->failed |= ++p->steps > STEPS_MOST || p->out->n > DEMANGLE_TEXT_MOST;
	return !p->failed;
}

/* Behind parameters and their like: the type itself. */
static struct cpp_node *meant(struct print *p, struct cpp_node *n)
{
	u32 turns = 0;

	while (n && n->kind == CPP_PARAM && turns++ < 64 && cpp_count(p))
		n = argument(p, n);
	return turns < 64 ? n : NULL;
}

/* The function or the array that it is: that has something on the right, too. NULL: neither. */
static struct cpp_node *wraps(struct print *p, struct cpp_node *n)
{
	n = meant(p, n);
	while (n && n->kind == CPP_QUALS && cpp_count(p))
		n = meant(p, n->a);
	return n && (n->kind == CPP_FNTYPE || n->kind == CPP_ARRAY) ? n : NULL;
}

/* A function that returns a pointer to a function is written in the middle of that. */
static bool goes_on(struct print *p, struct cpp_node *n)
{
	n = meant(p, n);
	while (n && cpp_count(p) &&
	       (n->kind == CPP_POINTER || n->kind == CPP_LREF || n->kind == CPP_RREF ||
		n->kind == CPP_QUALS || n->kind == CPP_MEMBER))
		n = meant(p, n->kind == CPP_MEMBER ? n->b : n->a);
	return n && (n->kind == CPP_FNTYPE || n->kind == CPP_ARRAY);
}

/* The pack in a pattern; NULL: there is none. */
struct cpp_node *cpp_find_pack(struct print *p, struct cpp_node *n)
{
	struct cpp_node *found, *arg;

	if (!n || !cpp_count(p) || n->kind == CPP_LAMBDA || n->kind == CPP_SCOPE ||
	    p->depth > DEPTH_MOST)
		return NULL;
	if (n->kind == CPP_PARAM) {
		arg = n->a ? element(n->a->a, n->number) : NULL;
		return arg && arg->kind == CPP_PACK ? arg : NULL;
	}
	p->depth++;
	found = cpp_find_pack(p, n->a);
	found = found ? found : cpp_find_pack(p, n->b);
	found = found ? found : cpp_find_pack(p, n->c);
	p->depth--;
	return found;
}

/* ---- lists */

/* Elements that are written as nothing take their comma with them. */
void cpp_put_list(struct print *p, struct cpp_node *list)
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

static void put_expansion(struct print *p, struct cpp_node *n)
{
	struct cpp_node *pack = cpp_find_pack(p, n->a), *e;
	s32 outer = p->pack, i = 0;
	size_t start = p->out->n;

	if (!pack) {
		cpp_put_operand(p, n->a);
		put(p, "...");
		return;
	}
	for (e = pack->a; e && e->a && cpp_count(p); e = e->b) {
		if (p->out->n != start)
			put(p, ", ");
		p->pack = i++;
		whole(p, n->a);
	}
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

/* The parameters with their parentheses, and what stands behind them. */
static void put_parameters(struct print *p, struct cpp_node *list, u8 quals)
{
	s32 outer = p->pack;

	put(p, quals & CPP_THIS ? "(this " : "(");
	cpp_put_list(p, list);
	put(p, ")");
	p->pack = outer;
	put_quals(p, quals);
}

/* ---- names */

static void put_template(struct print *p, struct cpp_node *n)
{
	s32 outer = p->pack;

	cpp_left(p, n->a);
	if (last(p) == '<') /* operator< <int> */
		put(p, " ");
	put(p, "<");
	cpp_put_list(p, n->b);
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
	cpp_left(p, n->a);
	put_parameters(p, n->c, n->quals);
}

static void put_name(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_QUALIFIED:
		cpp_left(p, n->a);
		put(p, "::");
		cpp_left(p, n->b);
		break;
	case CPP_LOCAL:
		put_place(p, n->a);
		put(p, "::");
		cpp_left(p, n->b);
		break;
	case CPP_CTOR: cpp_left(p, n->a); break;
	case CPP_DTOR:
		put(p, "~");
		cpp_left(p, n->a);
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
		cpp_left(p, n->a);
		break;
	case CPP_LAMBDA:
		put(p, "{lambda");
		put_parameters(p, n->a, 0);
		put_number(p, "#", n->number, "}");
		break;
	case CPP_UNNAMED: put_number(p, "{unnamed type#", n->number, "}"); break;
	case CPP_TAGGED:
		cpp_left(p, n->a);
		put(p, "[abi:");
		buf_add(p->out, n->text, n->len);
		put(p, "]");
		break;
	}
}

/* ---- types */

/* The parenthesis around what points to a function or an array; NULL: to neither. */
static void put_open(struct print *p, const struct cpp_node *to)
{
	char before = last(p);

	if (!to)
		return;
	if (before != ' ' && before != '(' && (before != '*' || to->kind == CPP_ARRAY))
		put(p, " ");
	put(p, "(");
}

static void put_reference(struct print *p, struct cpp_node *n)
{
	struct cpp_node *of = meant(p, n->a);
	bool single = n->kind == CPP_LREF;

	while (of && (of->kind == CPP_LREF || of->kind == CPP_RREF) &&
	       cpp_count(p)) { /* && of & is & */
		single |= of->kind == CPP_LREF;
		of = meant(p, of->a);
	}
	if (!of)
		of = n->a;
	cpp_left(p, of);
	put_open(p, wraps(p, of));
	put(p, single ? "&" : "&&");
}

static void reference_right(struct print *p, struct cpp_node *n)
{
	struct cpp_node *of = meant(p, n->a);

	while (of && (of->kind == CPP_LREF || of->kind == CPP_RREF) && cpp_count(p))
		of = meant(p, of->a);
	if (wraps(p, of))
		put(p, ")");
	if (of)
		cpp_right(p, of);
}

static void put_pointer(struct print *p, struct cpp_node *n)
{
	struct cpp_node *to = n->kind == CPP_MEMBER ? n->b : n->a;
	const struct cpp_node *around = wraps(p, to);

	cpp_left(p, to);
	put_open(p, around);
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
	cpp_right(p, to);
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
		cpp_right(p, arg);
	else
		cpp_left(p, arg);
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
		cpp_left(p, n->a);
		put_quals(p, n->quals & (u8)~quals_of(p, n->a));
		break;
	case CPP_VENDOR:
		cpp_left(p, n->a);
		put(p, " ");
		cpp_left(p, n->b);
		break;
	case CPP_SUFFIX:
		whole(p, n->a);
		buf_add(p->out, n->text, n->len);
		break;
	case CPP_FNTYPE:
		cpp_left(p, n->b);
		if (!goes_on(p, n->b))
			put(p, " ");
		break;
	case CPP_ARRAY: cpp_left(p, n->b); break;
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
		cpp_left(p, n->b);
		if (!goes_on(p, n->b))
			put(p, " ");
	}
	cpp_left(p, n->a);
	put_parameters(p, n->c, n->quals);
	if (n->b)
		cpp_right(p, n->b);
}

static void put_any(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_NAME:
	case CPP_STD: buf_add(p->out, n->text, n->len); break;
	case CPP_TEMPLATE: put_template(p, n); break;
	case CPP_LIST:
	case CPP_PACK: cpp_put_list(p, n->kind == CPP_PACK ? n->a : n); break;
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
			cpp_put_expression(p, n);
	}
}

void cpp_left(struct print *p, struct cpp_node *n)
{
	if (n && cpp_count(p) && p->depth++ < DEPTH_MOST)
		put_any(p, n);
	else
		p->failed = true;
	p->depth--;
}

static void fntype_right(struct print *p, struct cpp_node *n)
{
	put_parameters(p, n->c, n->quals);
	cpp_right(p, n->b);
}

static void array_right(struct print *p, struct cpp_node *n)
{
	put(p, last(p) == ']' ? "[" : " [");
	whole(p, n->a);
	put(p, "]");
	cpp_right(p, n->b);
}

void cpp_right(struct print *p, struct cpp_node *n)
{
	if (!n || p->failed || !cpp_count(p) || p->depth >= DEPTH_MOST)
		return;
	p->depth++;
	switch (n->kind) {
	case CPP_POINTER:
	case CPP_MEMBER: pointer_right(p, n); break;
	case CPP_LREF:
	case CPP_RREF: reference_right(p, n); break;
	case CPP_QUALS:
	case CPP_VENDOR: cpp_right(p, n->a); break;
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
