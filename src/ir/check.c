/*
 * check.c: is this IR what it claims to be?
 *
 * In:  a function, from a front end or between two passes. Out: NULL, or a sentence that names
 *      the first thing that is wrong. What it holds: every block ends once; a definition
 *      dominates its uses; edges hand over as many arguments as there are parameters; operands
 *      have types that the operation takes, where for pointers that is little: null compares,
 *      adding, loads and stores; nothing is done with the context but loads and
 *      calls; a sum with it is a number, which only helpers may take for an address.
 */
#include "ir/inside.h"

struct check {
	struct ir_fn *f;
	u32 *place; /* of a value in its block, plus 1; parameters 0 */
	u8 *known;  /* it is in a block that can be reached */
	u32 *uses;
	const char *wrong;
};

static bool bad(struct check *c, u32 block, u32 v, const char *what)
{
	if (!c->wrong)
		c->wrong = arena_printf(c->f->arena, "b%u, v%u (%s): %s", block, v,
					ir_ops[c->f->ins.v[v].op].name, what);
	return true;
}

static bool is_defined(struct check *c, u32 v, u32 block, u32 at)
{
	u32 def;

	if (!v || v >= c->f->ins.n || !c->known[v])
		return false;
	def = c->f->ins.v[v].block;
	return def == block ? c->place[v] < at : ir_dominates(c->f, def, block);
}

/* Pointer arithmetic: pointer + scalar, pointer - pointer to a packet; nothing on others. */
static const char *check_arithmetic(struct check *c, const struct ir_ins *i)
{
	enum ir_type a = c->f->ins.v[i->a].type;
	enum ir_type b = ir_ops[i->op].args == 2 ? c->f->ins.v[i->b].type : IRT_I64;

	if (a == IRT_VOID || b == IRT_VOID)
		return "an operand has no value";
	if (!ir_is_ptr(a) && !ir_is_ptr(b))
		return ir_is_ptr(i->type) ? "a pointer made of numbers" : NULL;
	if (a == IRT_CTX && i->op == IR_ADD && i->type == IRT_I64 && !ir_is_ptr(b))
		return NULL;
	if (a == IRT_CTX || b == IRT_CTX || a == IRT_MAP || b == IRT_MAP)
		return "arithmetic on a context or a map";
	if (i->op == IR_SUB && ir_is_ptr(a) && ir_is_ptr(b))
		return i->type == IRT_I64 ? NULL : "the difference of pointers is a number";
	if (i->op != IR_ADD && i->op != IR_SUB)
		return "an operation that pointers do not have";
	if (ir_is_ptr(b))
		return "a pointer on the right";
	return i->type == a ? NULL : "a sum that is not of its pointer's type";
}

static const char *check_compare(struct check *c, const struct ir_ins *i)
{
	const struct ir_ins *a = &c->f->ins.v[i->a], *b = &c->f->ins.v[i->b];

	if (i->width != 4 && i->width != 8)
		return "a compare of neither 4 nor 8 bytes";
	if (!ir_is_ptr(a->type) && !ir_is_ptr(b->type))
		return NULL;
	if (i->width != 8)
		return "a pointer compared in 32 bits";
	if (ir_is_ptr(a->type) && ir_is_ptr(b->type))
		return NULL;
	if (b->op == IR_CONST && !b->imm && (i->op == IR_EQ || i->op == IR_NE))
		return NULL;
	return "a pointer compared with something else than 0";
}

static const char *check_memory(struct check *c, const struct ir_ins *i)
{
	enum ir_type t = c->f->ins.v[i->a].type;

	if (i->width != 1 && i->width != 2 && i->width != 4 && i->width != 8)
		return "not 1, 2, 4 or 8 bytes wide";
	if (!ir_is_ptr(t) || t == IRT_MAP || t == IRT_PKTEND)
		return "the address is not a pointer to memory";
	if (i->imm != (s16)i->imm)
		return "the offset does not fit";
	if ((i->op == IR_AADD || i->op == IR_XCHG) && i->width < 4)
		return "an atomic of less than 4 bytes";
	return NULL;
}

static const char *check_slot(struct check *c, const struct ir_ins *i)
{
	if (i->imm < 0 || i->imm >= c->f->slots.n)
		return "no such stack object";
	return i->aux > c->f->slots.v[i->imm].size ? "an address behind its stack object" : NULL;
}

static const char *check_ins(struct check *c, const struct ir_ins *i)
{
	switch (i->op) {
	case IR_NONE:
	case IR_PARAM: return "does not belong into a block's list";
	case IR_CALL: return i->b > 5 ? "more than five arguments" : NULL;
	case IR_SLOT: return check_slot(c, i);
	case IR_LOAD:
	case IR_LOADS:
	case IR_STORE:
	case IR_AADD:
	case IR_XCHG: return check_memory(c, i);
	case IR_BR:
	case IR_RET: return c->f->ins.v[i->a].type == IRT_VOID ? "no value" : NULL;
	default:
		if (ir_ops[i->op].flags & IR_COMPARE)
			return check_compare(c, i);
		if (i->op >= IR_ADD && i->op < IR_EQ)
			return check_arithmetic(c, i);
		return NULL;
	}
}

static bool check_edge(struct check *c, u32 block, u32 end, const struct ir_edge *e)
{
	struct ir_fn *f = c->f;
	const struct ir_block *to = &f->blocks.v[e->to];

	if (e->to <= 1 || e->to >= f->blocks.n)
		return bad(c, block, end, "jumps to no block, or to the entry");
	if (e->args.n != to->params.n)
		return bad(c, block, end,
			   "hands over another number of arguments than there are "
			   "parameters");
	for (u32 n = 0; n < e->args.n; n++) {
		enum ir_type want = f->ins.v[to->params.v[n]].type, is;

		if (!is_defined(c, e->args.v[n], block, UINT32_MAX))
			return bad(c, block, end, "hands over a value that is not defined there");
		is = f->ins.v[e->args.v[n]].type;
		if (is == IRT_VOID || ((want == IRT_CTX || is == IRT_CTX) && want != is))
			return bad(c, block, end, "hands over a value of the wrong type");
		if (want == IRT_I32 && ir_bits(f, e->args.v[n]) > 32)
			return bad(c, block, end, "hands over 64 bits for 32");
	}
	return false;
}

static bool check_block(struct check *c, u32 block)
{
	struct ir_fn *f = c->f;
	struct ir_block *b = &f->blocks.v[block];
	u32 *ops, end, succs;

	if (!b->ins.n)
		return bad(c, block, 0, "an empty block");
	for (u32 n = 0; n < b->ins.n; n++) {
		u32 v = b->ins.v[n];
		struct ir_ins *i = &f->ins.v[v];
		const char *what;

		if (!!(ir_ops[i->op].flags & IR_ENDS) != (n + 1 == b->ins.n))
			return bad(c, block, v, "a block ends once, with its last instruction");
		for (u32 k = ir_operands(f, i, &ops); k--; ops++)
			if (!is_defined(c, *ops, block, n + 1))
				return bad(c, block, v, "an operand is not defined here");
		/* a sum that went into offsets of loads: no code comes of it, whatever it is */
		if (ir_ops[i->op].flags & IR_PURE && !c->uses[v])
			continue;
		what = check_ins(c, i);
		if (what)
			return bad(c, block, v, what);
	}
	end = b->ins.v[b->ins.n - 1];
	succs = f->ins.v[end].op == IR_BR ? 2 : f->ins.v[end].op == IR_JMP;
	for (u32 k = 0; k < 2; k++)
		if (k < succs ? check_edge(c, block, end, &b->succ[k]) : b->succ[k].to != 0)
			return bad(c, block, end, "an edge that its end does not have");
	return false;
}

/* Nobody has changed an edge, or moved an instruction, without saying so by ir_reshape(). */
static bool is_shaped(struct ir_fn *f)
{
	u32 edges = 0;

	vec_each (b, &f->order) {
		vec_each (v, &f->blocks.v[*b].ins)
			if (*v < f->ins.n && f->ins.v[*v].block != *b)
				return false;
		for (u32 k = 0; k < 2; k++)
			edges += f->blocks.v[*b].succ[k].to != 0;
		edges -= f->blocks.v[*b].preds.n;
		vec_each (e, &f->blocks.v[*b].preds)
			if (ir_edge_of(f, *e)->to != *b)
				return false;
	}
	return !edges;
}

const char *ir_check(struct ir_fn *f)
{
	struct check c = {.f = f};
	u32 *ops;

	if (f->shaped && !is_shaped(f))
		bad(&c, 1, 0, "edges or places have changed, and ir_reshape() was not told");
	ir_dominators(f);
	c.place = arena_array(f->arena, u32, f->ins.n);
	c.known = arena_array(f->arena, u8, f->ins.n);
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		vec_each (p, &block->params) {
			if (*p >= f->ins.n || f->ins.v[*p].op != IR_PARAM)
				bad(&c, *b, *p < f->ins.n ? *p : 0, "not a parameter");
			else
				c.known[*p] = 1;
		}
		for (u32 n = 0; n < block->ins.n; n++) {
			if (c.known[block->ins.v[n]])
				bad(&c, *b, block->ins.v[n], "stands in two places");
			c.known[block->ins.v[n]] = 1;
			c.place[block->ins.v[n]] = n + 1;
			for (u32 k = ir_operands(f, &f->ins.v[block->ins.v[n]], &ops); k--; ops++)
				if (*ops >= f->ins.n)
					bad(&c, *b, block->ins.v[n], "an operand is no value");
		}
	}
	if (c.wrong)
		return c.wrong;
	c.uses = ir_count_uses(f);
	vec_each (b, &f->order)
		if (c.wrong || check_block(&c, *b))
			break;
	return c.wrong;
}
