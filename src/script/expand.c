/*
 * expand.c: puts the bodies of macros where they are called.
 *
 * In:  the trees of the probes, and the macros. Out: the trees without calls of macros: a call is a
 * block, whose value is that of the body, or the body's only expression.
 *
 * Macros are hygienic: a variable of the body is the body's own (its nodes get the number of the
 * expansion, see scope.c), unless it is a parameter; then it is the caller's. Maps must be
 * parameters.
 */
#include "script/script.h"

#define EXPANSIONS_MOST 10000

struct expander {
	struct script *script;
	const struct script_macro *macro; /* whose body is being copied */
	struct node *args;                /* of the call */
	u32 mark;
	u32 depth;
	bool failed;
};

static struct node *expand_list(struct expander *, struct node *);

static void fail(struct expander *e, struct loc at, const char *hint, const char *text,
		 const char *name)
{
	if (!e->failed)
		diag_error(e->script->diag, at, hint, text, name);
	e->failed = true;
}

/* ---- copies */

static const struct node *param_of(const struct expander *e, const struct node *n,
				   struct node **arg)
{
	const struct node *p = e->macro->params;

	*arg = e->args;
	for (; p && *arg; p = p->next, *arg = (*arg)->next)
		if (p->kind == n->kind && str_same(p->text, n->text))
			return p;
	return NULL;
}

/* A tree once more, without what stands behind it; in a body: with arguments for parameters. */
static struct node *copy(struct expander *e, const struct node *n, bool body)
{
	struct node *c, *arg;

	if (!n || e->failed)
		return NULL;
	if (++e->script->copies > EXPANSIONS_MOST * 10) {
		fail(e, n->at, NULL, "macros and containers make too much of this%s", "");
		return NULL;
	}
	if (body && (n->kind == NODE_VAR || n->kind == NODE_MAP || n->kind == NODE_NAME)) {
		const struct node *p = param_of(e, n, &arg);

		if (!p && n->kind == NODE_MAP)
			fail(e, n->at, "pass it: macro name(@map) { ... }",
			     "@%s is no parameter of the macro", n->text);
		if (p && n->kind == NODE_MAP && arg->a == NULL) {
			c = copy(e, arg, false);
			for (struct node *k = n->a, **tail = c ? &c->a : NULL; k && tail;
			     k = k->next) {
				*tail = copy(e, k, true);
				tail = *tail ? &(*tail)->next : NULL;
			}
			return c;
		}
		if (p)
			return copy(e, arg, false);
	}
	c = arena_new(e->script->arena, struct node);
	*c = *n;
	c->next = NULL;
	if (body && n->kind == NODE_VAR && !n->id)
		c->id = e->mark;
	for (u32 i = 0; i < 3; i++) {
		struct node **tail = &(&c->a)[i];

		*tail = NULL;
		for (const struct node *k = (&n->a)[i]; k; k = k->next) {
			*tail = copy(e, k, body);
			if (!*tail)
				break;
			tail = &(*tail)->next;
		}
	}
	return c;
}

struct node *script_copy(struct script *s, const struct node *n)
{
	struct expander e = {.script = s};

	return copy(&e, n, false);
}

/* ---- calls */

/* `let` of no parameter and none twice: an own scope is needed only then. */
static bool single(const struct node *body)
{
	return body->valued && body->a && !body->a->next && body->a->kind != NODE_BLOCK;
}

static bool fits(const struct script_macro *m, const struct node *call)
{
	const struct node *p = m->params, *a = call->a;

	for (; p && a; p = p->next, a = a->next)
		if (p->kind != NODE_NAME && (p->kind != a->kind || a->a))
			return false;
	return !p && !a;
}

struct script_macro *script_macro_of(const struct script *s, const struct node *n, bool *named)
{
	*named = false;
	for (struct script_macro *m = s->macros; m; m = m->next) {
		if (!str_same(m->name, n->text))
			continue;
		if (fits(m, n))
			return m;
		*named = true;
	}
	return NULL;
}

/* What a call stands for. */
static struct node *expand_call(struct expander *outer, struct node *n, struct script_macro *m)
{
	struct expander e = {.script = outer->script,
			     .macro = m,
			     .args = n->a,
			     .depth = outer->depth};
	struct node *body;

	if (m->busy) {
		fail(outer, n->at, NULL, "the macro %s() calls itself", m->name);
		return n;
	}
	e.mark = ++outer->script->marks;
	if (e.mark > EXPANSIONS_MOST) {
		fail(outer, n->at, NULL, "too many calls of macros%s", "");
		return n;
	}
	body = copy(&e, m->body, true);
	outer->failed |= e.failed;
	if (!body)
		return n;
	m->busy = true;
	body->a = expand_list(outer, body->a);
	m->busy = false;
	if (single(body))
		body = body->a;
	body->next = NULL;
	return body;
}

static struct node *expand(struct expander *e, struct node *n)
{
	struct script_macro *m;
	struct node *made;
	bool named;

	if (e->failed)
		return n;
	if (++e->depth > TREE_MOST) {
		fail(e, n->at, IN_PARTS, TOO_DEEP "%s", "");
		return n;
	}
	for (u32 i = 0; i < 3; i++)
		if ((&n->a)[i])
			(&n->a)[i] = expand_list(e, (&n->a)[i]);
	if (n->kind == NODE_CALL || n->kind == NODE_NAME) {
		m = script_macro_of(e->script, n, &named);
		if (!m && named && n->kind == NODE_CALL)
			fail(e, n->at, "$a takes a variable, @a a map, a any expression",
			     "no macro %s() takes such arguments", n->text);
		if (m) {
			made = expand_call(e, n, m);
			if (made != n)
				made->next = n->next;
			n = made;
		}
	}
	e->depth--;
	return n;
}

static struct node *expand_list(struct expander *e, struct node *n)
{
	struct node *first = NULL, **tail = &first;

	for (struct node *next; n && !e->failed; n = next) {
		next = n->next;
		n->next = NULL;
		*tail = expand(e, n);
		tail = &(*tail)->next;
	}
	*tail = n;
	return first;
}

int script_expand_predicates(struct script *s)
{
	struct expander e = {.script = s};

	for (struct probe *p = s->macros ? s->probes : NULL; p && !e.failed; p = p->next)
		if (p->predicate)
			p->predicate = expand(&e, p->predicate);
	return e.failed ? -22 : 0;
}

int script_expand(struct script *s, struct probe *p)
{
	struct expander e = {.script = s};

	if (s->macros)
		p->body = expand(&e, p->body);
	return e.failed ? -22 : 0;
}
