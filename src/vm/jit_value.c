/*
 * jit_value.c: registers that are seen to hold the address of a value of an array.
 *
 * In:  the slots of a program that nobody has verified, one after the other. Out: which accesses
 * need no check, since the value that they go to is there as long as the machine is.
 *
 * An address comes from a load of a constant that lies in an array's values (data sections are
 * arrays of one), or from a lookup that jit_inline.c has put in place: then it may be 0 until a
 * jump has asked. It is followed through moves and sums with constants, in straight lines.
 */
#include "vm/jit.h"

#define BIT(r)   ((u16)(1u << (r)))
#define FAR_MOST (1 << 28) /* bytes from the value */

static void set_value(struct jit *j, u32 reg, const struct vm_map *map, s64 at)
{
	j->values[reg] = (struct jit_value){.map = map, .at = (s32)at};
	j->valued |= BIT(reg);
	j->maybe_null &= ~BIT(reg);
}

static void forget(struct jit *j, u16 regs)
{
	j->valued &= ~regs;
	j->maybe_null &= ~regs;
}

/* A constant that is an address in the values of a map. */
static void see_constant(struct jit *j, const struct insn *in)
{
	const struct vm *vm = j->prog->vm;
	u64 value = (u64)(u32)in[1].imm << 32 | (u32)in->imm;

	forget(j, BIT(in->dst));
	for (u32 i = 0; i < vm->nmaps && !in->src; i++) {
		const struct vm_map *map = vm->maps[i];
		u64 at = map ? value - map->region.start : 0;

		if (!map || map->kind != MAP_ARRAY || !map->values || at >= map->region.size)
			continue;
		set_value(j, in->dst, map, map->region.stride ? at & (map->region.stride - 1) : at);
	}
}

static void see_move(struct jit *j, const struct insn *in)
{
	forget(j, BIT(in->dst));
	if (!(j->valued & BIT(in->src)) || in->off)
		return;
	j->values[in->dst] = j->values[in->src];
	j->valued |= BIT(in->dst);
	if (j->maybe_null & BIT(in->src))
		j->maybe_null |= BIT(in->dst);
}

static void see_sum(struct jit *j, const struct insn *in)
{
	s64 at = (s64)j->values[in->dst].at + in->imm;

	/* a sum with what may be 0 is not 0 any more */
	if (!(j->valued & BIT(in->dst)) || j->maybe_null & BIT(in->dst) || at < -FAR_MOST ||
	    at > FAR_MOST)
		forget(j, BIT(in->dst));
	else
		j->values[in->dst].at = (s32)at;
}

static void see_call(struct jit *j)
{
	forget(j, BIT(6) - 1);
	if (!j->looked_up)
		return;
	set_value(j, 0, j->looked_up, 0);
	j->values[0].lookup = j->at + 1;
	j->maybe_null |= BIT(0);
	j->looked_up = NULL;
}

/* Not 0, where it does not jump; all copies of the same lookup with it. */
static void see_test(struct jit *j, const struct insn *in)
{
	u32 lookup = j->values[in->dst].lookup;

	if (in->imm || !(j->maybe_null & BIT(in->dst)))
		return;
	for (u32 reg = 0; reg < 10; reg++)
		if (j->maybe_null & BIT(reg) && j->values[reg].lookup == lookup)
			j->maybe_null &= ~BIT(reg);
}

void jit_see(struct jit *j, u32 at)
{
	const struct insn *in = &j->insns[at];

	switch (j->slots[at].op) {
	case ISA_ld_imm64: see_constant(j, in); break;
	case ISA_mov64_x: see_move(j, in); break;
	case ISA_add64_k: see_sum(j, in); break;
	case ISA_call: see_call(j); break;
	case ISA_jeq64_k: see_test(j, in); break;
	default: forget(j, j->slots[at].def);
	}
}

bool jit_is_value(const struct jit *j, u32 reg, const struct jit_range *r)
{
	const struct jit_value *v = &j->values[reg];
	s64 low = (s64)v->at + r->low, high = (s64)v->at + r->high;

	return j->valued & BIT(reg) && !(j->maybe_null & BIT(reg)) && j->seen == j->at &&
	       low >= 0 && high <= v->map->value_size && (!r->write || v->map->region.writable);
}
