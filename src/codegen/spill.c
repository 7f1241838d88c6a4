/*
 * spill.c: who leaves the registers, and where it goes.
 *
 * Belady: the value whose next use is furthest leaves. Constants and addresses are never stored:
 * they are made again, so they leave first. Others are stored into an 8-byte slot when they leave
 * for the first time; as values never change, the slot stays right for the rest of their life.
 * (The verifier loses ranges and pointers in narrower slots, and it forgets what was checked after
 * a store: hence the store when leaving, not after the definition.)
 */
#include "codegen/inside.h"

static u32 take_slot(struct cg *c, u32 v)
{
	for (u32 n = 0; n < c->spills.n; n++) {
		if (c->spills.v[n].owner_last < c->pos) {
			c->spills.v[n].owner_last = c->values[v].last;
			return n;
		}
	}
	vec_push(c->arena, &c->spills, (struct spill_slot){c->values[v].last});
	return c->spills.n - 1;
}

s16 cg_slot_of(struct cg *c, u32 v)
{
	struct vinfo *i = &c->values[v];

	if (!i->slot)
		i->slot = (u16)(take_slot(c, v) + 1);
	return (s16) - (s32)(c->frame + 8 * i->slot);
}

void cg_store(struct cg *c, u32 v, u32 reg)
{
	struct vinfo *i = &c->values[v];

	cg_emit(c, op_mem(BPF_STX | BPF_MEM | BPF_DW, FP, reg, cg_slot_of(c, v)));
	i->mem = true;
	i->stored = c->block;
}

void cg_evict(struct cg *c, u32 reg)
{
	u32 v = c->in_reg[reg];
	struct vinfo *i = &c->values[v];

	if (!v)
		return;
	if (!i->remake && !i->mem)
		cg_store(c, v, reg);
	i->reg = -1;
	i->was = (u8)reg;
	c->in_reg[reg] = 0;
}

/* How much a register is worth: the lower, the sooner its value goes. */
static u64 worth(struct cg *c, u32 v)
{
	struct vinfo *i = &c->values[v];
	u32 next = cg_next_use(c, v, c->pos);
	u64 distance = (next == NEVER ? i->last + 64 : next) - (u64)c->pos;

	/* a store and a load against one instruction, or only a load */
	return UINT64_MAX - distance * (i->remake ? 4 : i->mem ? 2 : 1);
}

u32 cg_weakest(struct cg *c, u32 banned)
{
	u64 least = UINT64_MAX;
	u32 best = REGS;

	for (u32 r = 0; r < REGS; r++) {
		u64 w;

		if (!c->in_reg[r] || banned >> r & 1)
			continue;
		w = worth(c, c->in_reg[r]);
		if (best == REGS || w < least) {
			least = w;
			best = r;
		}
	}
	return best;
}

void cg_make_room(struct cg *c, u32 banned)
{
	for (;;) {
		u32 regs = cg_free_regs(c), r;

		if ((regs & ~banned) && __builtin_popcount(regs) > REGS - REGS_USED)
			return;
		r = cg_weakest(c, banned);
		if (r == REGS)
			return;
		cg_evict(c, r);
	}
}

static void load_imm64(struct cg *c, u32 reg, u8 src, u64 imm, u32 value)
{
	struct binsn b = {.line = c->line, .value = value, .high = (s32)(imm >> 32)};

	b.i = op_reg(BPF_LD | BPF_IMM | BPF_DW, reg, src);
	b.i.imm = (s32)imm;
	vec_push(c->arena, &c->blocks[c->block].body, b);
}

void cg_remake(struct cg *c, u32 v, u32 reg)
{
	const struct ir_ins *i = cg_ins(c, v);

	switch (i->op) {
	case IR_SLOT:
		cg_emit(c, op_reg(BPF_ALU64 | BPF_MOV | BPF_X, reg, FP));
		cg_emit(c, op_imm(BPF_ALU64 | BPF_ADD, reg, c->slot_at[i->imm] + (s32)i->aux));
		break;
	case IR_FUNC: load_imm64(c, reg, BPF_PSEUDO_FUNC, (u32)i->imm, 0); break;
	case IR_MAP: load_imm64(c, reg, BPF_PSEUDO_MAP_FD, 0, v); break;
	case IR_DATA: load_imm64(c, reg, BPF_PSEUDO_MAP_VALUE, (u64)i->aux << 32, v); break;
	default:
		if (i->imm == (s32)i->imm)
			cg_emit(c, op_imm(BPF_ALU64 | BPF_MOV, reg, (s32)i->imm));
		else if (i->imm == (u32)i->imm)
			cg_emit(c, op_imm(BPF_ALU | BPF_MOV, reg, (s32)i->imm));
		else
			load_imm64(c, reg, 0, (u64)i->imm, 0);
	}
}
