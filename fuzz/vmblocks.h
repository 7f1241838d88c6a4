/*
 * vmblocks.h: the statements of vmgen.h in blocks, functions and whole programs.
 */
#ifndef FUZZ_VMBLOCKS_H
#define FUZZ_VMBLOCKS_H

#include "vmgen.h"

/* ---- functions */

static void vg_args(struct vmgen *g, const struct vg_fn *f)
{
	u32 first = f->memory ? 2 : 1;

	for (u32 reg = first; reg < first + f->nargs; reg++)
		if (!(g->set >> reg & 1) || vg_role(g, reg))
			vg_movk(g, reg, (s32)vg_number(g));
	if (f->memory)
		vg_stack_arg(g, VG_R1, -(s32)(8 * (1 + vg_pick(g, g->stack / 8))));
}

static void vg_note_call(struct vmgen *g, u32 insn, u32 fn)
{
	g->calls[g->ncalls].insn = insn;
	g->calls[g->ncalls++].fn = fn;
}

static void vg_call_local(struct vmgen *g)
{
	u32 first = g->in_fn ? g->fn + 1 : 0, fn;

	if (first >= g->nfns || g->ncalls + 1 >= ARRAY_SIZE(g->calls) || g->in_callback)
		return vg_alu(g);
	fn = first + vg_pick(g, g->nfns - first);
	if (g->fns[fn].callback) {
		vg_movk(g, VG_R1, (s32)vg_pick(g, 6));
		vg_clobber(g);
		vg_note_call(g, vg_op(g, BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 0), fn);
		vg_op(g, 0, 0, 0, 0, 0);
		vg_stack_arg(g, 3, -(s32)(8 * (1 + vg_pick(g, g->stack / 8))));
		vg_movk(g, 4, 0);
		vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_loop);
	} else {
		vg_args(g, &g->fns[fn]);
		vg_clobber(g);
		vg_note_call(g, vg_op(g, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0), fn);
	}
	g->set |= 1;
}

/* ---- blocks */

static void vg_block(struct vmgen *g, u32 most);

static u32 vg_jump(struct vmgen *g)
{
	static const u8 ops[] = {BPF_JEQ,  BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
				 BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE};
	u32 op = ops[vg_pick(g, ARRAY_SIZE(ops))], wide = vg_chance(g, 50) ? BPF_JMP : BPF_JMP32;
	u32 dst = vg_value(g);

	if (vg_chance(g, 50))
		return vg_op(g, wide | op | BPF_X, dst, vg_value(g), 0, 0);
	return vg_op(g, wide | op | BPF_K, dst, 0, 0, (s32)vg_number(g));
}

static void vg_goto_land(struct vmgen *g, u32 jump)
{
	struct insn *in = &g->code->insns.v[jump];

	if (in->code == (BPF_JMP32 | BPF_JA))
		in->imm = (s32)(g->code->insns.n - jump - 1);
	else
		vg_land(g, jump);
}

static void vg_if(struct vmgen *g)
{
	u32 jump = vg_jump(g), end;
	u16 before = g->set, then;

	vg_block(g, 6);
	if (vg_chance(g, 50)) {
		vg_land(g, jump);
		g->set &= before;
		return;
	}
	end = vg_op(g, (vg_chance(g, 50) ? BPF_JMP : BPF_JMP32) | BPF_JA, 0, 0, 0, 0);
	vg_land(g, jump);
	then = g->set;
	g->set = before;
	vg_block(g, 6);
	vg_goto_land(g, end);
	g->set &= then;
}

/* Registers that held numbers when the loop began must do so when it begins again. */
static void vg_again(struct vmgen *g, u16 before)
{
	for (u32 reg = 0; reg < 10; reg++)
		if ((before & ~g->set) >> reg & 1)
			vg_drop(g, reg);
}

static void vg_loop(struct vmgen *g)
{
	u32 counter = 6 + vg_pick(g, 4), head, out = 0;
	bool may = vg_chance(g, 30);
	u16 before;

	if (g->counter != NO_REG || vg_role(g, counter))
		return vg_alu(g);
	g->set &= (u16) ~(1 << counter);
	g->counter = (u8)counter;
	vg_movk(g, counter, 1 + (s32)vg_pick(g, 4));
	before = g->set;
	head = g->code->insns.n;
	if (may)
		out = vg_op(g, BPF_JMP | BPF_JCOND, 0, 0, 0, 0);
	vg_block(g, 5);
	vg_again(g, before);
	vg_add(g, counter, -1);
	vg_op(g, BPF_JMP | BPF_JNE | BPF_K, counter, 0, (s32)head - (s32)g->code->insns.n - 1, 0);
	if (may)
		vg_land(g, out);
	g->set = before;
	g->counter = NO_REG;
	g->set |= (u16)(1 << counter);
}

/* ---- beginnings and ends */

static void vg_fill_stack(struct vmgen *g)
{
	for (u32 at = 8; at <= g->stack; at += 8)
		if (g->set && vg_chance(g, 50))
			vg_op(g, BPF_STX | BPF_MEM | BPF_DW, VG_R10, vg_value(g), -(s32)at, 0);
		else
			vg_op(g, BPF_ST | BPF_MEM | BPF_DW, VG_R10, 0, -(s32)at, (s32)vg_number(g));
}

/* All that registers and the stack hold goes behind the operands. */
static void vg_finish(struct vmgen *g)
{
	u32 reg;
	u16 set = g->set;

	if (!g->in_fn) {
		for (reg = 0; reg < 10; reg++)
			if (set >> reg & 1)
				vg_op(g, BPF_STX | BPF_MEM | BPF_DW, g->map, reg,
				      VG_IN_BYTES + 8 * (s32)reg, 0);
	}
	if (g->in_callback) {
		vg_movk(g, 0, vg_chance(g, 20));
	} else if (!(set & 1)) {
		vg_movk(g, 0, (s32)vg_number(g));
	}
	vg_op(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void vg_return(struct vmgen *g)
{
	u32 jump = vg_jump(g);
	u16 set = g->set;

	vg_finish(g);
	g->set = set;
	vg_land(g, jump);
}

static const struct {
	void (*write)(struct vmgen *);
	u32 weight;
} vg_statements[] = {
	{vg_alu, 30},   {vg_unary, 10},  {vg_stack, 12},    {vg_data, 12},
	{vg_packet, 8}, {vg_context, 5}, {vg_ld_abs, 5},    {vg_lookup, 4},
	{vg_update, 3}, {vg_delete, 2},  {vg_tail_call, 1}, {vg_call_local, 8},
	{vg_if, 10},    {vg_loop, 4},    {vg_return, 1},    {vg_copy, 3},
};

static void vg_statement(struct vmgen *g)
{
	u32 sum = 0, at;

	for (u32 i = 0; i < ARRAY_SIZE(vg_statements); i++)
		sum += vg_statements[i].weight;
	at = vg_pick(g, sum);
	for (u32 i = 0; i < ARRAY_SIZE(vg_statements); i++) {
		if (at < vg_statements[i].weight) {
			vg_statements[i].write(g);
			return;
		}
		at -= vg_statements[i].weight;
	}
}

static void vg_block(struct vmgen *g, u32 most)
{
	u32 n = 1 + vg_pick(g, most);

	if (g->depth == 4) {
		vg_alu(g);
		return;
	}
	g->depth++;
	for (; n && g->left; n--) {
		g->left--;
		vg_statement(g);
	}
	g->depth--;
}

static u8 vg_kept(struct vmgen *g)
{
	u32 reg;

	do
		reg = 6 + vg_pick(g, 4);
	while (vg_role(g, reg));
	return (u8)reg;
}

static void vg_function(struct vmgen *g, u32 fn)
{
	struct vg_fn *f = &g->fns[fn];

	f->at = g->code->insns.n;
	g->in_fn = true;
	g->in_callback = f->callback;
	g->fn = fn;
	g->ctx = g->map = g->pkt = g->counter = g->memory = NO_REG;
	g->set = 0;
	g->stack = 32;
	g->left = 2 + vg_pick(g, 12);
	if (f->callback) {
		g->memory = vg_kept(g);
		vg_movx(g, g->memory, 2);
		g->set = 1 << VG_R1;
	} else {
		u32 first = f->memory ? 2 : 1;

		if (f->memory) {
			g->memory = vg_kept(g);
			vg_movx(g, g->memory, VG_R1);
		}
		for (u32 reg = first; reg < first + f->nargs; reg++)
			g->set |= (u16)(1 << reg);
	}
	vg_fill_stack(g);
	vg_block(g, 12);
	if (g->memory != NO_REG)
		vg_touch(g, g->memory, 0, 8, true, true);
	vg_finish(g);
}

static void vg_main(struct vmgen *g)
{
	u32 jump;

	g->ctx = g->map = g->pkt = g->counter = g->memory = NO_REG;
	g->ctx = 6; /* LD_ABS wants it there */
	g->map = vg_kept(g);
	g->pkt = vg_kept(g);
	vg_movx(g, g->ctx, VG_R1);
	vg_map_op(g, g->map, VG_DATA, true, 0);
	if (vg_chance(g, 60)) {
		vg_op(g, BPF_LDX | BPF_MEM | BPF_W, g->pkt, g->ctx, 76, 0);
		vg_op(g, BPF_LDX | BPF_MEM | BPF_W, 2, g->ctx, 80, 0);
		vg_movx(g, 1, g->pkt);
		vg_add(g, 1, VG_PACKET_SEEN);
		jump = vg_op(g, BPF_JMP | BPF_JLE | BPF_X, 1, 2, 0, 0);
		vg_movk(g, 0, 0);
		vg_op(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		vg_land(g, jump);
	} else {
		g->pkt = NO_REG;
	}
	g->stack = 64;
	for (u32 reg = 0; reg < 10; reg++)
		if (!vg_role(g, reg) && vg_chance(g, 60)) {
			vg_op(g, BPF_LDX | BPF_MEM | BPF_DW, reg, g->map,
			      8 * (s32)vg_pick(g, VG_IN_BYTES / 8), 0);
			g->set |= (u16)(1 << reg);
		}
	vg_fill_stack(g);
	g->left = 4 + vg_pick(g, 40);
	while (g->left)
		vg_block(g, 40);
	vg_finish(g);
}

static void vg_program(struct vmgen *g, u64 seed, u32 index, struct arena *arena, struct code *code)
{
	*g = (struct vmgen){.rng = seed * 2 + index, .arena = arena, .code = code, .index = index};
	g->ld_abs = vg_chance(g, 25);
	g->nfns = g->ld_abs ? 0 : vg_pick(g, VG_FUNCTIONS + 1);
	for (u32 i = 0; i < g->nfns; i++) {
		g->fns[i].callback = vg_chance(g, 25);
		g->fns[i].memory = vg_chance(g, 40);
		g->fns[i].nargs = vg_pick(g, 4);
	}
	vg_main(g);
	for (u32 i = 0; i < g->nfns; i++) {
		bool called = false;

		for (u32 k = 0; k < g->ncalls; k++)
			called |= g->calls[k].fn == i;
		if (called) /* else the kernel says that it is not reached */
			vg_function(g, i);
	}
	for (u32 k = 0; k < g->ncalls; k++) {
		u32 at = g->calls[k].insn;

		code->insns.v[at].imm = (s32)g->fns[g->calls[k].fn].at - (s32)at - 1;
	}
}

#endif
