/*
 * check_flow.c: statements that decide what is done and how often: if, let, for, while, unroll.
 *
 * In:  nodes of these kinds. Out: their parts are checked; what the compiler knows of their
 * conditions is noted.
 */
#include "script/check.h"
#include "script/ctype.h"

/* Is there a way out of this loop's body? */
static bool may_leave(const struct node *n)
{
	for (; n; n = n->next) {
		switch (n->kind) {
		case NODE_BREAK:
		case NODE_RETURN: return true;
		case NODE_CALL:
			if (!strcmp(n->text, "exit"))
				return true;
			break;
		case NODE_BLOCK:
			if (may_leave(n->a))
				return true;
			break;
		case NODE_IF:
			if (may_leave(n->b) || may_leave(n->c))
				return true;
			break;
		default: break; /* what leaves an inner loop may not leave this one */
		}
	}
	return false;
}

void check_while(struct checker *c, struct node *n)
{
	check_int(c, n->a, "while");
	if (n->a->kind == NODE_INT && n->a->value && !may_leave(n->b))
		check_fail(c, n, "leave it with break, or count: while ($i < 10) { $i++; }",
			   "this loop never ends");
	c->loops++;
	check_statements(c, n->b);
	c->loops--;
}

void check_unroll(struct checker *c, struct node *n)
{
	s64 value = 0;

	if (check_int(c, n->a, "unroll") &&
	    (!comptime_value(n->a, &value) || value < 1 || value > UNROLL_MOST))
		check_fail(c, n->a, "while (...) { } loops as often as you like",
			   "unroll takes a constant from 1 to %u", UNROLL_MOST);
	n->value = (u64)value;
	check_statements(c, n->b);
}

/* What is in a branch that is never taken need not be right. Maps and variables of which nothing
 * else tells the types get them there. */
void check_dead(struct checker *c, struct node *n, void (*check)(struct checker *, struct node *))
{
	bool final = c->final;

	if (!c->late) {
		c->skipped = true;
		return;
	}
	c->final = false;
	c->dead++;
	check(c, n);
	c->dead--;
	c->final = final;
}

static void check_branch(struct checker *c, struct node *n, bool dead)
{
	if (dead)
		check_dead(c, n, check_statements);
	else
		check_statements(c, n);
}

void check_if(struct checker *c, struct node *n)
{
	check_condition(c, n, "if");
	if (n->a->kind != NODE_COMPTIME || n->known != 1)
		check_branch(c, n->b, n->known == 1);
	if (n->c && (n->a->kind != NODE_COMPTIME || n->known != 2))
		check_branch(c, n->c, n->known == 2);
}

/* let $x: type = value */
void check_let(struct checker *c, struct node *n)
{
	struct script_var *v;
	struct type t;

	n->type = TYPE_VOID;
	if (n->b) {
		check_assign_var(c, n);
	} else {
		v = n->a->var = check_var_of(c, n->a);
		v->set = true;
		if (c->final && v->type.kind == TYPE_UNKNOWN && !n->c)
			v->type = TYPE_NUMBER; /* nothing else is ever put there */
		n->a->type = v->type;
	}
	if (!n->c || !n->a->var || !check_type(c, n->c, &t))
		return;
	if (n->b && n->b->type.kind != TYPE_UNKNOWN && n->b->type.kind != t.kind)
		check_fail(c, n, NULL, "$%s is %s, but gets %s", n->a->text, TYPE_A(t),
			   TYPE_A(n->b->type));
	else
		check_learn(c, &n->a->var->type, type_join(c->script->arena, n->a->var->type, t));
	if (n->b)
		check_fits(c, n->b, &t);
	if (t.kind == TYPE_INT && !t.is_pointer && !t.is_bool && t.size < 8)
		n->a->var->cut = t;
	n->a->type = n->a->var->type;
}

/* A value that is computed for nobody is a mistake more often than not; told once. */
void check_lost(struct checker *c, struct node *n)
{
	bool decides = n->kind == NODE_BINARY && (n->op == TOK_ANDAND || n->op == TOK_OROR);
	bool lost = n->kind == NODE_CALL ? n->call && !n->call->lower && !n->call->agg
					 : n->kind <= NODE_BINARY && !decides;

	if (!lost || n->thrown || !c->final)
		return;
	n->thrown = true;
	diag_warn(c->script->diag, n->at, "_ = ... says that it is not wanted",
		  "nobody uses this value");
}

/* for ($i : a..b) */
void check_for(struct checker *c, struct node *n)
{
	struct script_var *v = n->c->var = check_var_of(c, n->c);

	v->set = true;
	if (n->a->kind == NODE_RANGE) {
		bool a = check_int(c, n->a->a, "a range"), b = check_int(c, n->a->b, "a range");

		if (a && b)
			check_learn(c, &v->type, type_join(c->script->arena, v->type, TYPE_NUMBER));
	} else {
		check_for_map(c, n, v);
	}
	n->c->type = v->type;
	c->loops++;
	check_statements(c, n->b);
	c->loops--;
}
