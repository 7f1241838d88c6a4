/*
 * leave_out.c: probes that never run are left out, before anybody asks whether their places exist.
 *
 * In:  probes with predicates. Out: those whose predicate is not known to be false: a predicate, or
 * a part of it beside &&, may be made of parameters, getopt(), probe_exist(), kfunc_exist(),
 * constants and operators on them. So a script chooses by its options, or by what the kernel has,
 * what it attaches to. And where parameters are given, those of all branches are noted.
 */
#include "script/check.h"

#include "script/lex.h"

static bool is_word(const struct node *n, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(n->text, *words))
			return true;
	return false;
}

/* Does it depend on nothing that a program finds out? Only such trees are checked here: the meaning
 * of all others depends on the probe. */
static bool is_choice(const struct node *n)
{
	static const char *const calls[] = {"getopt", "probe_exist", "kfunc_exist", "str", NULL};
	static const char *const names[] = {"true", "false", NULL};

	switch (n->kind) {
	case NODE_INT:
	case NODE_STR:
	case NODE_PARAM: return true;
	case NODE_NAME: return is_word(n, names);
	case NODE_COMPTIME:
	case NODE_UNARY: return n->op != TOK_MUL && n->op != TOK_AND && is_choice(n->a);
	case NODE_BINARY: return is_choice(n->a) && is_choice(n->b);
	case NODE_CALL:
		if (!is_word(n, calls))
			return false;
		for (const struct node *a = n->a; a; a = a->next)
			if (!is_choice(a))
				return false;
		return true;
	default: return false;
	}
}

static bool is_never(struct checker *c, struct node *n)
{
	s64 value;

	if (n->kind == NODE_BINARY && n->op == TOK_ANDAND)
		return is_never(c, n->a) || is_never(c, n->b);
	return is_choice(n) && check_expr(c, n) && comptime_value(n, &value) && !value;
}

/* Parameters of what is left out are parameters of the script nevertheless; macros are looked at as
 * they are written. False: one has a name that only its macro's arguments tell, or macros call each
 * other too often to see. */
static bool note_parameters(struct checker *c, const struct node *n, u32 level)
{
	bool plain = true;

	if (level == TREE_MOST)
		return false;

	for (; n; n = n->next) {
		bool call = n->kind == NODE_CALL;
		bool named;
		struct script_macro *m = call || n->kind == NODE_NAME
						 ? script_macro_of(c->script, n, &named)
						 : NULL;

		if (call && str_same(n->text, "getopt")) {
			struct node once = *n; /* it becomes a constant */

			if (n->a && n->a->kind == NODE_STR && c->noting && !is_choice(n))
				check_getopt_name(c, n);
			else if (n->a && n->a->kind == NODE_STR)
				check_expr(c, &once);
			else
				plain = false;
		}
		if (m && !m->noted) {
			m->noted = true;
			m->hides = !note_parameters(c, m->body, level + 1);
		}
		plain &= !m || !m->hides;
		for (u32 i = 0; i < 3; i++)
			plain &= !(&n->a)[i] || note_parameters(c, (&n->a)[i], level + 1);
	}
	return plain;
}

void script_note_parameters(struct script *s)
{
	struct checker c = {.script = s, .noting = true};

	for (struct probe *p = s->named.n ? s->probes : NULL; p; p = p->next) {
		note_parameters(&c, p->predicate, 0);
		note_parameters(&c, p->body, 0);
	}
}

int script_leave_out(struct script *s)
{
	struct checker c = {.script = s};
	struct probe **p = &s->probes;

	while (*p) {
		if (!(*p)->predicate || !is_never(&c, (*p)->predicate)) {
			p = &(*p)->next;
			continue;
		}
		note_parameters(&c, (*p)->predicate, 0);
		if (!note_parameters(&c, (*p)->body, 0)) {
			if (script_expand(s, *p))
				return -22;
			note_parameters(&c, (*p)->body, 0);
		}
		*p = (*p)->next;
	}
	return 0;
}
