/*
 * scope.c: which variable each $name is.
 *
 * In:  the trees of the probes. Out: each VAR node has a number; nodes with the same number are one
 * variable.
 *
 * A variable lives from its first assignment, or its `let`, to the end of that block. Scripts were
 * also written for a language in which it lived to the end of the probe:
 *
 *     if (...) { $x = 1 } else { $x = 2 }   print($x);
 *
 * So a name that is read where no block around it has it, but a block that has ended did, is such a
 * one: all of that name in the probe that no `let` made are one variable. The tree is walked twice:
 * first to find these names, then to number.
 */
#include "script/script.h"

struct name {
	const char *text;
	u32 mark; /* of the macro's expansion that it is of */
	u32 id;
	bool open;     /* its block has not ended */
	bool declared; /* by let */
	bool loose;    /* of the whole probe */
	u32 depth;
	struct name *next;
};

struct scope {
	struct script *script;
	struct name *names; /* the newest first */
	u32 depth, ids;
	bool again; /* the second walk */
	vec(struct name) loose;
};

static void walk(struct scope *, struct node *, bool statement);

static bool same(const struct name *a, const struct node *n)
{
	return a->mark == n->id && str_same(a->text, n->text);
}

static bool is_loose(const struct scope *s, const struct node *n)
{
	vec_each (l, &s->loose)
		if (same(l, n))
			return true;
	return false;
}

static struct name *find(struct scope *s, const struct node *n)
{
	for (struct name *a = s->names; a; a = a->next)
		if (a->open && same(a, n))
			return a;
	return NULL;
}

static struct name *add(struct scope *s, const struct node *n, bool declared)
{
	struct name *a = arena_new(s->script->arena, struct name);

	a->text = n->text;
	a->mark = n->id;
	a->id = ++s->ids;
	a->open = true;
	a->declared = declared;
	a->loose = !declared && is_loose(s, n);
	a->depth = s->depth;
	a->next = s->names;
	return s->names = a;
}

/* The number takes the mark's place in the second walk, when it is needed no more. */
static void number(struct scope *s, struct node *n, const struct name *a)
{
	if (s->again)
		n->id = a ? a->id : ++s->ids;
}

static void assigned(struct scope *s, struct node *n)
{
	struct name *a = find(s, n);

	number(s, n, a ? a : add(s, n, false));
}

static void declared(struct scope *s, struct node *n)
{
	struct name *a = find(s, n);

	if (a && s->again)
		diag_error(s->script->diag, n->at, "give it another name",
			   a->depth == s->depth
				   ? "$%s is there already"
				   : "$%s is there already, in a block around this one",
			   n->text);
	number(s, n, add(s, n, true));
}

static void read(struct scope *s, struct node *n)
{
	const struct name *a = find(s, n);

	for (const struct name *b = s->names; !a && b && !s->again; b = b->next)
		if (same(b, n) && !b->declared && !is_loose(s, n))
			vec_push(s->script->arena, &s->loose, *b);
	number(s, n, a);
}

static void leave(struct scope *s)
{
	for (struct name *a = s->names; a; a = a->next)
		if (a->depth == s->depth && !a->loose)
			a->open = false;
	s->depth--;
}

static void walk_list(struct scope *s, struct node *n, bool statements)
{
	for (; n; n = n->next)
		walk(s, n, statements);
}

/* A choice that stands alone chooses between statements: c ? print(a) : print(b); */
static void as_statement(struct node *n)
{
	if (n->kind != NODE_COND)
		return;
	n->kind = NODE_IF;
	as_statement(n->b);
	as_statement(n->c);
}

static void walk_block(struct scope *s, struct node *n, bool statement)
{
	s->depth++;
	for (struct node *k = n->a; k; k = k->next)
		walk(s, k, statement || !n->valued || k->next);
	leave(s);
	n->valued &= !statement;
}

static void walk(struct scope *s, struct node *n, bool statement)
{
	if (statement)
		as_statement(n);
	switch (n->kind) {
	case NODE_VAR: read(s, n); return;
	case NODE_BLOCK: walk_block(s, n, statement); return;
	case NODE_LET:
		if (n->b)
			walk(s, n->b, false);
		if (n->c) /* typeof($y) */
			walk(s, n->c, false);
		declared(s, n->a);
		return;
	case NODE_ASSIGN:
		walk(s, n->b, false);
		if (n->a->kind == NODE_VAR && n->op == TOK_SET)
			assigned(s, n->a);
		else
			walk(s, n->a, false);
		return;
	case NODE_FOR:
		walk(s, n->a, false);
		s->depth++;
		declared(s, n->c);
		walk(s, n->b, true);
		leave(s);
		return;
	case NODE_IF:
		walk(s, n->a, false);
		s->depth++;
		walk(s, n->b, true);
		leave(s);
		s->depth++;
		if (n->c)
			walk(s, n->c, true);
		leave(s);
		return;
	case NODE_WHILE:
	case NODE_UNROLL:
		walk(s, n->a, false);
		walk(s, n->b, true);
		return;
	}
	for (u32 i = 0; i < 3; i++)
		walk_list(s, (&n->a)[i], false);
}

static void walk_probe(struct scope *s, struct probe *p, bool again)
{
	s->names = NULL;
	s->again = again;
	s->depth = 0;
	if (p->predicate)
		walk(s, p->predicate, false);
	walk(s, p->body, true);
}

void script_scopes(struct script *s)
{
	struct scope scope = {.script = s};

	for (struct probe *p = s->probes; p; p = p->next) {
		scope.loose.n = 0;
		scope.ids = 0;
		walk_probe(&scope, p, false);
		walk_probe(&scope, p, true);
	}
}
