/*
 * cpp_encoding.c: a whole mangled name of C++: functions with what they take and return, what the
 * compiler makes by itself (vtables, thunks, guards), and clones of functions.
 *
 * In:  "_ZTV3foo", "_Z3fooi.cold". Out: a tree (inside.h), which cpp_print.c writes.
 */
#include "demangle/inside.h"

#include <stdlib.h>

static const struct special {
	const char *code, *text;
	bool type; /* what follows: a type, or the name of an object */
} specials[] = {
	{"TV", "vtable for ", true},
	{"TT", "VTT for ", true},
	{"TI", "typeinfo for ", true},
	{"TS", "typeinfo name for ", true},
	{"TH", "TLS init function for ", false},
	{"TW", "TLS wrapper function for ", false},
	{"GV", "guard variable for ", false},
	{"GTn", "non-transaction clone for ", false},
	{"GTt", "transaction clone for ", false},
	{"TA", "template parameter object for ", false},
};

/* h <offset> _ | v <offset> _ <offset> _ */
static bool call_offset(struct cpp *c)
{
	bool two = cpp_peek(c, 0) == 'v';
	u32 n;

	if (!two && cpp_peek(c, 0) != 'h')
		return false;
	c->p++;
	for (u32 i = 0; i < (two ? 2 : 1); i++) {
		cpp_take(c, "n");
		if (!cpp_number(c, &n) || !cpp_take(c, "_"))
			return false;
	}
	return true;
}

static struct cpp_node *special_of(struct cpp *c, const char *text, struct cpp_node *what)
{
	return what ? cpp_word(c, CPP_SPECIAL, text, what) : NULL;
}

/* Thunks, and names of two parts. */
static struct cpp_node *special_rest(struct cpp *c)
{
	struct cpp_node *n, *in;
	u8 quals;
	u32 number;

	if (cpp_take(c, "Tc")) { /* of the object, of the result */
		if (!call_offset(c))
			return NULL;
		return call_offset(c) ? special_of(c, "covariant return thunk to ", cpp_encoding(c))
				      : NULL;
	}
	if (cpp_take(c, "TC")) {
		n = cpp_type(c);
		if (!n || !cpp_number(c, &number) || !cpp_take(c, "_"))
			return NULL;
		in = special_of(c, "construction vtable for ", cpp_type(c));
		if (in)
			in->b = n;
		return in;
	}
	if (cpp_take(c, "GR")) {
		n = cpp_name(c, false, &quals);
		return n && cpp_sequence(c, &number) ? special_of(c, "reference temporary for ", n)
						     : NULL;
	}
	if (!cpp_take(c, "T"))
		return NULL;
	n = cpp_peek(c, 0) == 'v' ? cpp_word(c, CPP_NAME, "virtual thunk to ", NULL)
				  : cpp_word(c, CPP_NAME, "non-virtual thunk to ", NULL);
	return n && call_offset(c) ? special_of(c, n->text, cpp_encoding(c)) : NULL;
}

static struct cpp_node *special_name(struct cpp *c)
{
	u8 quals;

	for (u32 i = 0; i < ARRAY_SIZE(specials); i++) {
		const struct special *s = &specials[i];

		if (!cpp_take(c, s->code))
			continue;
		if (!strcmp(s->code, "TA"))
			return special_of(c, s->text, cpp_template_arg(c));
		if (s->code[0] == 'G' && s->code[1] == 'T')
			return special_of(c, s->text, cpp_encoding(c));
		return special_of(c, s->text, s->type ? cpp_type(c) : cpp_name(c, false, &quals));
	}
	return special_rest(c);
}

/* Has its mangled name a return type? Templates do, unless they make or convert. */
static bool returns(const struct cpp_node *n)
{
	while (n->kind == CPP_LOCAL)
		n = n->b;
	if (n->kind != CPP_TEMPLATE)
		return false;
	n = n->a;
	while (n->kind == CPP_QUALIFIED || n->kind == CPP_TAGGED || n->kind == CPP_LOCAL)
		n = n->kind == CPP_TAGGED ? n->a : n->b;
	return n->kind != CPP_CTOR && n->kind != CPP_DTOR && n->kind != CPP_CONVERSION;
}

/* <encoding> ::= <name> [<return type>] <parameters> [Q <expression>] | <name> | <special-name> */
static struct cpp_node *encoding(struct cpp *c)
{
	struct cpp_node *n, *f;
	char p = cpp_peek(c, 0);
	u8 quals;

	if (p == 'T' || p == 'G')
		return special_name(c);
	n = cpp_name(c, true, &quals);
	p = cpp_peek(c, 0);
	if (!n || !p || p == 'E' || p == '.' || p == '@')
		return n;
	f = cpp_node(c, CPP_FUNCTION, n, NULL);
	if (!f)
		return NULL;
	f->quals = quals;
	f->b = returns(n) ? cpp_type(c) : NULL;
	f->c = f->b || !returns(n) ? cpp_parameters(c) : NULL;
	return f->c && cpp_constraint(c) ? f : NULL;
}

/* Each has a scope of its own, which stays known as the last one. */
struct cpp_node *cpp_encoding(struct cpp *c)
{
	struct cpp_node *outer = c->scope, *n = NULL;

	c->scope = cpp_node(c, CPP_SCOPE, NULL, NULL);
	if (cpp_enter(c) && c->scope)
		n = encoding(c);
	c->last = c->scope;
	c->scope = outer;
	return cpp_leave(c, n);
}

/* .constprop.0, .cold, .part.1.lto_priv.0: what compilers made of a function */
static struct cpp_node *clones(struct cpp *c, struct cpp_node *n)
{
	while (n && cpp_peek(c, 0) == '.') {
		const char *from = c->p++;

		while (cpp_peek(c, 0) && cpp_peek(c, 0) != '.')
			c->p++;
		while (cpp_peek(c, 0) == '.' && cpp_peek(c, 1) >= '0' && cpp_peek(c, 1) <= '9')
			for (c->p++; cpp_peek(c, 0) >= '0' && cpp_peek(c, 0) <= '9';)
				c->p++;
		n = cpp_text(c, CPP_CLONE, from, (size_t)(c->p - from), n);
	}
	return n;
}

bool demangle_cpp(struct buf *out, const char *name, size_t len, enum demangle_as as)
{
	struct cpp c = {
		.p = name + 2, .end = name + len, .cap = (u32)len * 3 + 32, .capsubs = (u32)len};
	struct cpp_node *n;
	bool good;

	c.nodes = malloc(c.cap * sizeof(*c.nodes));
	c.subs = malloc(c.capsubs * sizeof(*c.subs));
	if (!c.nodes || !c.subs) {
		free(c.nodes);
		free(c.subs);
		return false;
	}
	n = cpp_encoding(&c);
	n = as == DEMANGLE_WHOLE ? clones(&c, n) : n;
	good = n && (c.p == c.end || *c.p == '@' || (as == DEMANGLE_NAME && *c.p == '.')) &&
	       cpp_print(out, n, as);
	free(c.nodes);
	free(c.subs);
	return good;
}
