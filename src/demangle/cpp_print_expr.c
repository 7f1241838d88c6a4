/*
 * cpp_print_expr.c: expressions in names of C++ as text, blank for blank as binutils write them.
 *
 * In:  nodes from CPP_UNARY on. Out: "(sizeof (T) + 1)".
 */
#include "demangle/print.h"

void cpp_put_operand(struct print *p, struct cpp_node *n)
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
	cpp_put_operand(p, n->a);
	put(p, index ? "[" : n->text);
	if (index)
		whole(p, n->b);
	else if (member)
		cpp_left(p, n->b);
	else
		cpp_put_operand(p, n->b);
	put(p, index ? "]" : "");
	put(p, greater ? ")" : "");
}

static void put_fold(struct print *p, struct cpp_node *n)
{
	bool from_left = n->number == 'l';

	put(p, "(");
	if (n->b)
		cpp_put_operand(p, n->a);
	if (!n->b && from_left)
		put(p, "...");
	else if (!n->b)
		cpp_put_operand(p, n->a);
	put(p, n->text);
	put(p, n->b ? "..." : "");
	put(p, n->b ? n->text : "");
	if (n->b)
		cpp_put_operand(p, n->b);
	else if (from_left)
		cpp_put_operand(p, n->a);
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
		cpp_put_list(p, n->a);
		put(p, ") ");
	}
	whole(p, n->b);
	if (n->c) {
		put(p, "(");
		cpp_put_list(p, n->c);
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
		cpp_put_list(p, n->a);
		put(p, "]");
	} else if (!strcmp(n->text, "sizeof...")) {
		pack = cpp_find_pack(p, n->a);
		for (struct cpp_node *e = pack ? pack->a : NULL; e && e->a && cpp_count(p);
		     e = e->b)
			elements++;
		put_number(p, "", elements, "");
	} else {
		put(p, n->text);
		put(p, "(");
		whole(p, n->a);
		put(p, ")");
	}
}

void cpp_put_expression(struct print *p, struct cpp_node *n)
{
	switch (n->kind) {
	case CPP_UNARY:
		put(p, n->text);
		if (*n->text == '&' && n->len == 1 && n->a->kind != CPP_FUNCTION)
			whole(p, n->a);
		else
			cpp_put_operand(p, n->a);
		break;
	case CPP_BINARY: put_binary(p, n); break;
	case CPP_TERNARY:
		cpp_put_operand(p, n->a);
		put(p, "?");
		cpp_put_operand(p, n->b);
		put(p, " : ");
		cpp_put_operand(p, n->c);
		break;
	case CPP_POSTFIX:
		cpp_put_operand(p, n->a);
		put(p, n->text);
		break;
	case CPP_CAST:
		put(p, "(");
		whole(p, n->a);
		put(p, ")");
		cpp_put_operand(p, n->b);
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
		cpp_put_operand(p, n->a);
		put(p, "(");
		cpp_put_list(p, n->b);
		put(p, ")");
		break;
	case CPP_BRACES:
		if (n->a)
			whole(p, n->a);
		put(p, "{");
		cpp_put_list(p, n->b);
		put(p, "}");
		break;
	case CPP_FNPARAM: put_number(p, "{parm#", n->number, "}"); break;
	case CPP_WORD: put_word(p, n); break;
	case CPP_NEW: put_new(p, n); break;
	case CPP_LITERAL: put_literal(p, n); break;
	case CPP_FOLD: put_fold(p, n); break;
	}
}
