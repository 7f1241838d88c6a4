/*
 * forward.c: reads back what was just stored.
 *
 * In:  any function. Out: the same; a load from an own stack slot of what the same block stored
 *      there last, in the same width, is that value (cut to its width). Slots whose address goes
 *      anywhere but into loads and stores are left alone: a helper may write them.
 */
#include "ir/inside.h"

#define PLACES 16 /* stores that are remembered at a time */

struct known {
	u32 slot, width, value;
	s64 off;
};

static void find_escapes(struct ir_fn *f, u8 *escapes)
{
	u32 *ops;

	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];

		vec_each (v, &block->ins) {
			struct ir_ins *i = &f->ins.v[*v];
			bool memory = i->op == IR_LOAD || i->op == IR_LOADS || i->op == IR_STORE ||
				      i->op == IR_AADD || i->op == IR_XCHG;
			u32 n = ir_operands(f, i, &ops);

			for (u32 k = memory ? 1 : 0; k < n; k++)
				if (f->ins.v[ops[k]].op == IR_SLOT)
					escapes[f->ins.v[ops[k]].imm] = 1;
		}
		for (u32 k = 0; k < 2; k++)
			vec_each (v, &block->succ[k].args)
				if (f->ins.v[*v].op == IR_SLOT)
					escapes[f->ins.v[*v].imm] = 1;
	}
}

/* Is anything read from a slot that nobody else has? Most are there for helpers. */
static bool any_load(struct ir_fn *f, const u8 *escapes)
{
	vec_each (b, &f->order)
		vec_each (v, &f->blocks.v[*b].ins) {
			const struct ir_ins *i = &f->ins.v[*v];

			if ((i->op == IR_LOAD || i->op == IR_LOADS) &&
			    f->ins.v[i->a].op == IR_SLOT && !escapes[f->ins.v[i->a].imm])
				return true;
		}
	return false;
}

static bool overlaps(const struct known *k, u32 slot, s64 off, u32 width)
{
	return k->slot == slot && off < k->off + k->width && k->off < off + width;
}

static void remember(struct known *places, const struct known *store)
{
	u32 n = 0;

	for (u32 k = 0; k < PLACES; k++)
		if (overlaps(&places[k], store->slot, store->off, store->width))
			places[k].value = 0;
	while (n < PLACES && places[n].value)
		n++;
	places[n % PLACES] = *store;
}

/* The value that a load would give, in place of the load. */
static bool known_load(struct ir_fn *f, struct ir_ins *i, const struct known *places, u32 slot,
		       s64 off, u32 *value)
{
	static const u16 cut[2][4] = {{IR_ZEXT8, IR_ZEXT16, IR_ZEXT32, 0},
				      {IR_SEXT8, IR_SEXT16, IR_SEXT32, 0}};

	for (u32 k = 0; k < PLACES; k++) {
		u32 op;

		if (!places[k].value || places[k].slot != slot || places[k].off != off ||
		    places[k].width != i->width || ir_is_ptr(f->ins.v[places[k].value].type))
			continue;
		op = cut[i->op == IR_LOADS][__builtin_ctz(i->width)];
		if (!op) {
			*value = places[k].value;
			return true;
		}
		i->op = (u16)op;
		i->a = places[k].value;
		i->imm = 0;
		i->width = 0;
		*value = ir_simplify(f, i, NULL);
		return true;
	}
	return false;
}

static void visit(struct ir_fn *f, u32 block, const u8 *escapes)
{
	struct ir_block *b = &f->blocks.v[block];
	__typeof__(b->ins) old = b->ins;
	struct known places[PLACES] = {0};

	memset(&b->ins, 0, sizeof(b->ins));
	vec_room(f->arena, &b->ins, old.n);
	f->at = block;
	vec_each (v, &old) {
		struct ir_ins i = f->ins.v[*v];
		struct ir_ins *p;
		u32 value = 0;

		i.a = ir_ops[i.op].args == 3 ? i.a : ir_value(f, i.a);
		p = &f->ins.v[i.a];
		f->line = i.line;
		if (i.op == IR_STORE && p->op == IR_SLOT && !escapes[p->imm])
			remember(places, &(struct known){(u32)p->imm, i.width, ir_value(f, i.b),
							 i.imm + p->aux});
		else if ((i.op == IR_AADD || i.op == IR_XCHG) && p->op == IR_SLOT)
			memset(places, 0, sizeof(places));
		else if ((i.op == IR_LOAD || i.op == IR_LOADS) && p->op == IR_SLOT &&
			 !escapes[p->imm] &&
			 known_load(f, &i, places, (u32)p->imm, i.imm + p->aux, &value))
			f->ins.v[*v] = i;
		if (value)
			ir_forward(f, *v, value);
		else
			vec_push(f->arena, &b->ins, *v);
	}
	f->at = 0;
}

void ir_pass_forward(struct ir_fn *f, u32 kernel)
{
	u8 *escapes;

	(void)kernel;
	if (!f->slots.n)
		return;
	ir_analyse(f);
	escapes = arena_array(f->arena, u8, f->slots.n);
	find_escapes(f, escapes);
	if (!any_load(f, escapes))
		return;
	vec_each (b, &f->order)
		visit(f, *b, escapes);
	ir_analyse(f);
}
