/*
 * lower_loop.c: while, and for over a range.
 *
 * A loop is plain code where the verifier can walk through all of its turns; else its block becomes
 * a function that the kernel calls for each turn (lower_each.c), which the verifier walks once.
 */
#include "script/lower.h"

#include "isa/isa.h"
#include "script/check.h"

#define UNKNOWN_TURNS (1u << 30)
#define PLAIN_COST    100000 /* of a loop: the verifier gives up after a million instructions */
#define CALL_COST     100    /* in nodes: a function, which may fill a record */

bool mentions(const struct node *n, const struct script_var *v, bool set)
{
	for (; n; n = n->next) {
		if (n->kind == NODE_VAR && n->var == v && !set)
			return true;
		if (n->kind == NODE_FOR && n->c && n->c->var == v)
			return true;
		if ((n->kind == NODE_ASSIGN || n->kind == NODE_INC || n->kind == NODE_LET) &&
		    n->a->kind == NODE_VAR && n->a->var == v)
			return true;
		if (mentions(n->a, v, set) || mentions(n->b, v, set) || mentions(n->c, v, set))
			return true;
	}
	return false;
}

/* The verifier walks a loop once for each state that it can be in, and a sum that depends on
 * branches gives a new state each time round. What does not decide when the loop ends goes through
 * memory whose contents the verifier does not follow, so that all states look alike. */
static void forget_values(struct lower *l, const struct node *loop)
{
	for (struct script_var *v = l->point->vars; v; v = v->next) {
		struct mem m;
		u32 piece;

		if (v->type.kind != TYPE_INT || v->shared || !mentions(loop->b, v, true) ||
		    mentions(loop->a, v, false))
			continue;
		piece = mem_get_scratch(l, 8);
		m = mem_at(l, &l->pieces.v[piece]);
		ir_store(l->fn, 8, m.ptr, m.off, var_get(l, v));
		var_set(l, v, ir_load(l->fn, 8, false, m.ptr, m.off));
		mem_put(l, piece);
	}
}

static void plain_loop(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 head = ir_block(fn), body = ir_block(fn), next = ir_block(fn), done = ir_block(fn);
	u32 break_to = l->break_to, continue_to = l->continue_to, at = 0, end = 0;
	struct memo memo;

	if (n->kind == NODE_FOR) { /* both ends are asked once */
		at = ir_var(fn, IRT_I64);
		ir_set(fn, at, lower_int(l, n->a->a));
		end = lower_int(l, n->a->b);
	}
	l->memo.read.map = NULL; /* each turn reads what the one before has written */
	l->memo.key.use = NULL;
	memo = l->memo;
	ir_jmp(fn, head);
	ir_at(fn, head);
	if (n->kind == NODE_FOR)
		ir_br(fn, ir_bin(fn, IR_SLT, IRT_I64, ir_get(fn, at), end), body, done);
	else
		lower_cond(l, n->a, body, done);
	ir_seal(fn, body);
	ir_at(fn, body);
	if (n->kind == NODE_FOR)
		var_set(l, n->c->var, ir_get(fn, at));
	l->break_to = done;
	l->continue_to = next;
	lower_statements(l, n->b);
	ir_jmp(fn, next);
	ir_seal(fn, next);
	ir_at(fn, next);
	l->memo = memo;
	forget_values(l, n);
	if (n->kind == NODE_FOR)
		ir_set(fn, at, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, at), ir_const(fn, 1)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	l->memo = memo;
	l->break_to = break_to;
	l->continue_to = continue_to;
}

/* ---- which of both */

/* How many turns may a condition allow, by a constant that it compares with? */
static u64 condition_turns(const struct node *n)
{
	s64 bound;

	if (n->kind != NODE_BINARY)
		return UNKNOWN_TURNS;
	switch (n->op) {
	case TOK_ANDAND: return MIN(condition_turns(n->a), condition_turns(n->b));
	case TOK_LT:
	case TOK_LE:
	case TOK_GT:
	case TOK_GE:
	case TOK_NE:
		if (comptime_value(n->a, &bound) || comptime_value(n->b, &bound))
			return bound > 0 && bound < UNKNOWN_TURNS ? (u64)bound + 1 : UNKNOWN_TURNS;
		return UNKNOWN_TURNS;
	default: return UNKNOWN_TURNS;
	}
}

static u64 turns_of(const struct node *n)
{
	s64 from, to;

	if (n->kind == NODE_WHILE)
		return condition_turns(n->a);
	if (!comptime_value(n->a->a, &from) || !comptime_value(n->a->b, &to))
		return UNKNOWN_TURNS;
	return to <= from ? 0 : MIN((u64)to - (u64)from, UNKNOWN_TURNS);
}

static bool is_turning(const struct node *n)
{
	return n->kind == NODE_WHILE || (n->kind == NODE_FOR && n->a->kind == NODE_RANGE);
}

/* In nodes that the verifier comes to, at most PLAIN_COST or a bit more. */
static u64 cost(const struct node *n)
{
	u64 sum = 0;

	for (; n && sum <= PLAIN_COST; n = n->next) {
		u64 below = n->kind == NODE_CALL ? CALL_COST : 1;

		below += cost(n->a) + cost(n->b) + cost(n->c);
		if (is_turning(n))
			below = MIN(below * turns_of(n), (u64)PLAIN_COST + 1);
		else if (n->kind == NODE_UNROLL)
			below *= MAX(n->value, 1u);
		sum += below;
	}
	return sum;
}

bool loop_is_called(const struct lower *l, const struct node *n)
{
	u64 turns;

	if (n->kind == NODE_FOR && n->a->kind == NODE_MAP)
		return true;
	if (!is_turning(n) || l->object->kernel < KERNEL(5, 17))
		return false;
	turns = turns_of(n);
	return turns && cost(n->b) + cost(n->a) > PLAIN_COST / turns;
}

void lower_loop(struct lower *l, struct node *n)
{
	if (loop_is_called(l, n))
		lower_each(l, n);
	else
		plain_loop(l, n);
}
