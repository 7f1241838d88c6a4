/*
 * moves.c: several moves that happen at once, in an order that loses nothing.
 *
 * In:  moves between registers and stack slots, and values to make in them. Out: instructions.
 *
 * A move is ready when nobody else still has to read its target. When none is, those left form
 * cycles; one value steps aside into a free register (BPF has no exchange, and exclusive-or is
 * not for pointers). Stores go first, since they free registers, what is made goes last.
 */
#include "codegen/inside.h"

static bool is_source(const struct moves *m, s32 place, const struct move *except)
{
	for (u32 n = 0; n < m->all.n; n++)
		if (&m->all.v[n] != except && !m->all.v[n].remake && m->all.v[n].from == place)
			return true;
	return false;
}

/* A register that nobody reads any more and nobody has written; REGS: none. */
static u32 scratch(const struct moves *m)
{
	for (u32 r = 0; r < REGS; r++)
		if (!(m->busy >> r & 1) && !is_source(m, (s32)r, NULL))
			return r;
	return REGS;
}

/* Slots of their own: [0] for the value that steps aside when all registers are taken, [1] for r0
 * while it carries something from slot to slot. */
static s16 waiting_slot(struct cg *c, u32 which)
{
	if (!c->waiting[which]) {
		vec_push(c->arena, &c->spills, (struct spill_slot){NEVER});
		c->waiting[which] = (u16)c->spills.n;
	}
	return (s16) - (s32)(c->frame + 8 * c->waiting[which]);
}

static void into_memory(struct cg *c, const struct moves *all, const struct move *m)
{
	s16 to = MEM_OFF(m->to);
	u32 r = scratch(all);
	bool borrowed = r == REGS;
	const struct ir_ins *i = m->remake ? cg_ins(c, m->remake) : NULL;

	if (i && i->op == IR_CONST && i->imm == (s32)i->imm) {
		struct insn st = op_mem(BPF_ST | BPF_MEM | BPF_DW, FP, 0, to);

		st.imm = (s32)i->imm;
		cg_emit(c, st);
		return;
	}
	if (borrowed) {
		r = 0;
		cg_emit(c, op_mem(BPF_STX | BPF_MEM | BPF_DW, FP, r, waiting_slot(c, 1)));
	}
	if (i)
		cg_remake(c, m->remake, r);
	else
		cg_emit(c, op_mem(BPF_LDX | BPF_MEM | BPF_DW, r, FP, MEM_OFF(m->from)));
	cg_emit(c, op_mem(BPF_STX | BPF_MEM | BPF_DW, FP, r, to));
	if (borrowed)
		cg_emit(c, op_mem(BPF_LDX | BPF_MEM | BPF_DW, r, FP, waiting_slot(c, 1)));
}

static void emit_move(struct cg *c, const struct moves *all, const struct move *m)
{
	if (IS_MEM(m->to) && (m->remake || IS_MEM(m->from)))
		into_memory(c, all, m);
	else if (IS_MEM(m->to))
		cg_emit(c, op_mem(BPF_STX | BPF_MEM | BPF_DW, FP, (u32)m->from, MEM_OFF(m->to)));
	else if (m->remake)
		cg_remake(c, m->remake, (u32)m->to);
	else if (IS_MEM(m->from))
		cg_emit(c, op_mem(BPF_LDX | BPF_MEM | BPF_DW, (u32)m->to, FP, MEM_OFF(m->from)));
	else
		cg_emit(c, op_reg(BPF_ALU64 | BPF_MOV | BPF_X, (u32)m->to, (u32)m->from));
}

/* In which round a move would like to be. */
static u32 rank(const struct move *m)
{
	if (m->remake)
		return IS_MEM(m->to) ? 4 : 5;
	if (IS_MEM(m->to))
		return IS_MEM(m->from) ? 2 : 0;
	return IS_MEM(m->from) ? 3 : 1;
}

static struct move *next_ready(struct moves *m)
{
	struct move *best = NULL;

	for (u32 n = 0; n < m->all.n; n++) {
		struct move *x = &m->all.v[n];

		if ((!best || rank(x) < rank(best)) && !is_source(m, x->to, x))
			best = x;
	}
	return best;
}

/* All that is left are cycles: the source of one move steps aside. */
static void break_cycle(struct cg *c, struct moves *m)
{
	struct move *x = m->all.v, aside;
	u32 r;

	for (u32 n = 1; n < m->all.n && x->remake; n++)
		x = &m->all.v[n];
	r = scratch(m);
	aside = (struct move){.to = r < REGS ? (s32)r : MEM(waiting_slot(c, 0)), .from = x->from};
	emit_move(c, m, &aside);
	for (u32 n = 0; n < m->all.n; n++)
		if (!m->all.v[n].remake && m->all.v[n].from == aside.from)
			m->all.v[n].from = aside.to;
}

void cg_moves(struct cg *c, struct moves *m)
{
	u32 kept = 0;

	for (u32 n = 0; n < m->all.n; n++) {
		struct move *x = &m->all.v[n];

		if (!IS_MEM(x->to))
			m->busy |= 1u << x->to;
		if (x->remake || x->to != x->from)
			m->all.v[kept++] = *x;
	}
	m->all.n = kept;
	while (m->all.n) {
		struct move *x = next_ready(m);

		if (!x) {
			break_cycle(c, m);
			continue;
		}
		emit_move(c, m, x);
		*x = m->all.v[--m->all.n];
	}
}
