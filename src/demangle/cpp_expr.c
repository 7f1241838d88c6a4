/*
 * cpp_expr.c: expressions in names of the Itanium C++ ABI: what stands in template arguments,
 * decltype() and sizes of arrays. Rare, and then long.
 */
#include "demangle/inside.h"

static struct cpp_node *two(struct cpp *c, enum cpp_kind kind, struct cpp_node *a,
			    struct cpp_node *b)
{
	return a && b ? cpp_node(c, kind, a, b) : NULL;
}

/* Expressions up to E. */
static struct cpp_node *list(struct cpp *c)
{
	struct cpp_list all = {.first = cpp_node(c, CPP_LIST, NULL, NULL)};

	while (all.first && !cpp_take(c, "E"))
		if (!cpp_append(c, &all, cpp_expression(c)))
			return NULL;
	return all.first;
}

/* <expr-primary> ::= L <type> <value> E | L _Z <encoding> E */
struct cpp_node *cpp_primary(struct cpp *c)
{
	struct cpp_node *n, *of;
	const char *from;

	if (!cpp_take(c, "L"))
		return NULL;
	if (cpp_take(c, "_Z") || cpp_take(c, "Z")) {
		n = cpp_encoding(c);
		return cpp_take(c, "E") ? n : NULL;
	}
	of = cpp_type(c);
	from = c->p;
	while (cpp_peek(c, 0) && cpp_peek(c, 0) != 'E')
		c->p++;
	n = of ? cpp_text(c, CPP_LITERAL, from, (size_t)(c->p - from), of) : NULL;
	return cpp_take(c, "E") ? n : NULL;
}

/* <simple-id> and what stands behind :: */
static struct cpp_node *with_args(struct cpp *c, struct cpp_node *n)
{
	if (!n || cpp_peek(c, 0) != 'I')
		return n;
	return two(c, CPP_TEMPLATE, n, cpp_template_args(c, false));
}

/* What stands behind the last :: of an unresolved name. */
static struct cpp_node *base_name(struct cpp *c, struct cpp_node *in)
{
	if (!in)
		return NULL;
	if (cpp_take(c, "dn"))
		return two(c, CPP_QUALIFIED, in, cpp_node(c, CPP_DTOR, cpp_source_name(c), NULL));
	return with_args(c, two(c, CPP_QUALIFIED, in, cpp_unqualified(c, in)));
}

/* sr <source-name [args]>+ E <name>, as clang writes it */
static struct cpp_node *levels(struct cpp *c)
{
	struct cpp_node *n = with_args(c, cpp_source_name(c));

	while (n && !cpp_take(c, "E"))
		n = two(c, CPP_QUALIFIED, n, with_args(c, cpp_source_name(c)));
	return base_name(c, n);
}

/* <unresolved-name> ::= sr <type> <name> | srN <type> <name>+ E <name> | as above. N may begin the
 * type, too: its prefixes can be substituted later, which the names cannot. */
static struct cpp_node *unresolved(struct cpp *c)
{
	bool many = (cpp_peek(c, 1) == 'T' || cpp_peek(c, 1) == 'D') && cpp_take(c, "N");
	struct cpp before = *c;
	struct cpp_node *n;

	if (!many && cpp_peek(c, 0) >= '0' && cpp_peek(c, 0) <= '9') {
		n = levels(c);
		if (n)
			return n;
		c->p = before.p; /* gcc's: a type and a name */
		c->nsubs = before.nsubs;
		c->depth = before.depth;
	}
	n = cpp_type(c);
	while (n && many && !cpp_take(c, "E"))
		n = two(c, CPP_QUALIFIED, n, with_args(c, cpp_source_name(c)));
	return base_name(c, n);
}

/* fp <quals> [<number>] _ | fL <number> p <quals> [<number>] _ | fpT */
static struct cpp_node *parameter(struct cpp *c)
{
	struct cpp_node *n = cpp_node(c, CPP_FNPARAM, NULL, NULL);
	u32 number;

	if (cpp_take(c, "fpT"))
		return cpp_word(c, CPP_NAME, "this", NULL);
	if (cpp_take(c, "fL")) {
		if (!cpp_number(c, &number) || !cpp_take(c, "p"))
			return NULL;
	} else {
		c->p += 2;
	}
	cpp_qualifiers(c);
	if (!n || !cpp_sequence(c, &number))
		return NULL;
	n->number = number + 1;
	return n;
}

/* (l | r | L | R) <operator> <expression> [<expression>] behind f */
static struct cpp_node *fold(struct cpp *c)
{
	char side = cpp_peek(c, 1);
	struct cpp_node *n, *a, *b = NULL;
	const char *op;

	c->p += 2;
	op = cpp_operator(c);
	a = op ? cpp_expression(c) : NULL;
	if (side == 'L' || side == 'R')
		b = a ? cpp_expression(c) : NULL;
	if (!a || ((side == 'L' || side == 'R') && !b))
		return NULL;
	n = cpp_word(c, CPP_FOLD, op, a);
	if (n) {
		n->b = b;
		n->number = (u8)side;
	}
	return n;
}

static struct cpp_node *conversion(struct cpp *c)
{
	struct cpp_node *to = cpp_type(c), *what;

	if (!to)
		return NULL;
	if (cpp_take(c, "_")) {
		what = list(c);
		return what ? cpp_node(c, CPP_CALL, to, what) : NULL;
	}
	return two(c, CPP_CAST, to, cpp_expression(c));
}

/* nw <expression>* _ <type> (E | pi <expression>* E) */
static struct cpp_node *new_(struct cpp *c, const char *text)
{
	struct cpp_node *n = cpp_word(c, CPP_NEW, text, NULL), *place = NULL, *e;

	while (!cpp_take(c, "_")) {
		e = cpp_expression(c);
		if (!e)
			return NULL;
		place = place ? place : cpp_node(c, CPP_LIST, e, NULL);
	}
	if (!n)
		return NULL;
	n->a = place;
	n->b = cpp_type(c);
	if (!n->b)
		return NULL;
	if (cpp_take(c, "E"))
		return n;
	if (!cpp_take(c, "pi") && !cpp_take(c, "il"))
		return NULL;
	n->c = list(c);
	return n->c ? n : NULL;
}

/* What needs more than its operands. Ways of reading them: */
enum operands { TYPE, EXPR, ANY_CAST, LIST_OF, NONE };
static const struct word {
	char code[3];
	const char *text;
	enum operands operands;
} words[] = {
	{"st", "sizeof ", TYPE},
	{"sz", "sizeof ", EXPR},
	{"at", "alignof ", TYPE},
	{"az", "alignof ", EXPR},
	{"ti", "typeid ", TYPE},
	{"te", "typeid ", EXPR},
	{"nx", "noexcept ", EXPR},
	{"sZ", "sizeof...", EXPR},
	{"tw", "throw ", EXPR},
	{"tr", "throw", NONE},
	{"sc", "static_cast", ANY_CAST},
	{"cc", "const_cast", ANY_CAST},
	{"dc", "dynamic_cast", ANY_CAST},
	{"rc", "reinterpret_cast", ANY_CAST},
	{"il", "", LIST_OF},
};

static struct cpp_node *word(struct cpp *c, bool *found)
{
	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *w = &words[i];
		struct cpp_node *n = NULL, *a = NULL, *b = NULL;

		if (!cpp_take(c, w->code))
			continue;
		*found = true;
		if (w->operands == NONE)
			return cpp_word(c, CPP_NAME, w->text, NULL);
		if (w->operands == LIST_OF)
			return (b = list(c)) ? cpp_node(c, CPP_BRACES, NULL, b) : NULL;
		a = w->operands == EXPR ? cpp_expression(c) : cpp_type(c);
		b = a && w->operands == ANY_CAST ? cpp_expression(c) : a;
		n = b ? cpp_word(c, w->operands == ANY_CAST ? CPP_NAMED_CAST : CPP_WORD, w->text, a)
		      : NULL;
		if (n && w->operands == ANY_CAST)
			n->b = b;
		return n;
	}
	return NULL;
}

/* How many operands an operator has; 'm' ones stand on both sides. */
static u32 arity(const char *code)
{
	static const char one[] = "ad co de dl da ng nt ps ";
	char with[4] = {code[0], code[1], ' ', 0};

	if (!strncmp(code, "qu", 2))
		return 3;
	return strstr(one, with) ? 1 : 2;
}

static struct cpp_node *operation(struct cpp *c)
{
	const char *code = c->p, *text;
	struct cpp_node *n, *a, *b = NULL, *third = NULL;
	bool step = !memcmp(code, "pp", 2) || !memcmp(code, "mm", 2);
	u32 count = step ? 1 : arity(code);

	text = cpp_operator(c);
	if (!text)
		return NULL;
	if (!strncmp(code, "nw", 2) || !strncmp(code, "na", 2))
		return new_(c, text);
	if (step && !cpp_take(c, "_")) {
		a = cpp_expression(c);
		return a ? cpp_word(c, CPP_POSTFIX, text, a) : NULL;
	}
	a = cpp_expression(c);
	if (a && count > 1)
		b = !strncmp(code, "dt", 2) || !strncmp(code, "pt", 2)
			    ? (cpp_peek(c, 0) >= '0' && cpp_peek(c, 0) <= '9'
				       ? with_args(c, cpp_unqualified(c, NULL))
				       : cpp_expression(c))
			    : cpp_expression(c);
	if (b && count > 2)
		third = cpp_expression(c);
	if (!a || (count > 1 && !b) || (count > 2 && !third))
		return NULL;
	n = cpp_word(c, count == 1 ? CPP_UNARY : count == 2 ? CPP_BINARY : CPP_TERNARY, text, a);
	if (n) {
		n->b = b;
		n->c = third;
	}
	return n;
}

static struct cpp_node *call(struct cpp *c)
{
	struct cpp_node *what = cpp_expression(c), *args = what ? list(c) : NULL;

	return args ? cpp_node(c, CPP_CALL, what, args) : NULL;
}

/* u <source-name> <template-arg>* E: what a compiler knows of types */
static struct cpp_node *vendor(struct cpp *c)
{
	struct cpp_list args = {.first = cpp_node(c, CPP_LIST, NULL, NULL)};
	struct cpp_node *what = (c->p++, cpp_source_name(c));

	while (what && args.first && !cpp_take(c, "E"))
		if (!cpp_append(c, &args, cpp_template_arg(c)))
			return NULL;
	return what && args.first ? cpp_node(c, CPP_CALL, what, args.first) : NULL;
}

static struct cpp_node *braces(struct cpp *c)
{
	struct cpp_node *what = cpp_type(c), *args = what ? list(c) : NULL;

	return args ? cpp_node(c, CPP_BRACES, what, args) : NULL;
}

/* X <expression> [N] [R <concept>] | T <type> | Q <expression> */
static bool requirement(struct cpp *c)
{
	u8 quals;

	if (cpp_take(c, "T"))
		return cpp_type(c);
	if (cpp_peek(c, 0) == 'Q')
		return cpp_constraint(c);
	if (!cpp_take(c, "X") || !cpp_expression(c))
		return false;
	cpp_take(c, "N");
	return !cpp_take(c, "R") || cpp_name(c, false, &quals);
}

/* rq <requirement>+ E | rQ <type>+ _ <requirement>+ E, which is shown without what it requires */
static struct cpp_node *requires(struct cpp *c)
{
	bool parameters = cpp_peek(c, 1) == 'Q';

	c->p += 2;
	while (parameters && !cpp_take(c, "_"))
		if (!cpp_type(c))
			return NULL;
	while (!cpp_take(c, "E"))
		if (!requirement(c))
			return NULL;
	return cpp_word(c, CPP_NAME, "requires {...}", NULL);
}

static struct cpp_node *expression(struct cpp *c)
{
	char p = cpp_peek(c, 0), q = cpp_peek(c, 1);
	struct cpp_node *n;
	bool found = false;

	if (p == 'L')
		return cpp_primary(c);
	if (p == 'T')
		return cpp_template_param(c);
	if (p == 'f' && (q == 'p' || (q == 'L' && cpp_peek(c, 2) >= '0' && cpp_peek(c, 2) <= '9')))
		return parameter(c);
	if (p == 'f' && q && strchr("lrLR", q))
		return fold(c);
	if (p >= '0' && p <= '9')
		return with_args(c, cpp_unqualified(c, NULL));
	if (p == 'o' && q == 'n')
		return with_args(c, cpp_unqualified(c, NULL));
	if (p == 'u')
		return vendor(c);
	if (p == 'r' && (q == 'q' || q == 'Q'))
		return requires(c);
	if (cpp_take(c, "gs")) {
		n = cpp_expression(c);
		return n ? cpp_word(c, CPP_SPECIAL, "::", n) : NULL;
	}
	if (cpp_take(c, "sr"))
		return unresolved(c);
	if (cpp_take(c, "cl"))
		return call(c);
	if (cpp_take(c, "cv"))
		return conversion(c);
	if (cpp_take(c, "tl"))
		return braces(c);
	if (cpp_take(c, "sp")) {
		n = cpp_expression(c);
		return n ? cpp_node(c, CPP_EXPANSION, n, NULL) : NULL;
	}
	if (cpp_take(c, "sP")) {
		n = cpp_template_args(c, false);
		return n ? cpp_word(c, CPP_WORD, "sizeof...", n) : NULL;
	}
	n = word(c, &found);
	return found || c->end - c->p < 2 ? n : operation(c);
}

struct cpp_node *cpp_expression(struct cpp *c)
{
	return cpp_leave(c, cpp_enter(c) ? expression(c) : NULL);
}
