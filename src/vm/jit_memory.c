/*
 * jit_memory.c: loads, stores, atomic operations, and the checks of all of them.
 *
 * In:  an instruction. Out: machine code for it.
 *
 * A program that nobody has verified may touch only what is in the regions of its run. So before an
 * access the code looks whether the address is in the region where this instruction found its
 * memory last time: run->fast, at the place that the hint of the instruction says; two threads may
 * write to the hint at once, since each compares with the limits of its own run. If it is not
 * there, C looks through all regions, and notes the place. Accesses to the own frame, by r10 and a
 * constant, and to values of arrays (jit_value.c) need no check.
 *
 * What follows in a straight line by the same register is checked together: bytes [low, high) from
 * it. Where they do not lie in one region, one of these accesses will fail, but which one, and what
 * happens before it, is not for this code to say: the interpreter takes over until the function
 * ends (jit_leave.c).
 */
#include "vm/jit.h"

static const u8 bytes_of[4] = {
	[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};

u32 jit_size(const struct insn *in)
{
	return bytes_of[in->code >> 3 & 3];
}

/* ---- checks */

/* Does the slot touch memory by that register? Those that must be aligned are looked at alone. */
static bool touches(const struct jit_slot *s, const struct insn *in, u32 base)
{
	switch (isa_ops[s->op].form) {
	case FORM_LDX: return in->src == base;
	case FORM_ST:
	case FORM_STX: return in->dst == base;
	default: return false;
	}
}

/* Where a straight line ends, or where memory may become another's. Past a comparison with a
 * constant it goes on; one of two registers may be what asks for the end of a packet. */
static bool breaks(const struct jit_slot *s, u32 at)
{
	u32 form = isa_ops[s->op].form;

	return (s->to != NO_JUMP && (form != FORM_JMP_K || s->to <= at)) || form == FORM_CALL ||
	       form == FORM_CALL_LOCAL || form == FORM_EXIT;
}

#define RANGE_MOST 4096 /* bytes */
#define AHEAD_MOST 64   /* slots */

/* Widens the access of the slot j->at by those that follow, and marks them as checked. */
static struct jit_range range_of(struct jit *j, u32 base, struct jit_range r)
{
	u32 end = MIN(j->n, j->at + AHEAD_MOST);

	for (u32 at = j->at; at < end; at++) {
		struct jit_slot *s = &j->slots[at];
		const struct insn *in = &j->insns[at];
		s32 low, high;

		if (!s->op)
			continue;
		if (at > j->at && s->place)
			break;
		if (at > j->at && touches(s, in, base)) {
			low = MIN(r.low, in->off);
			high = MAX(r.high, in->off + (s32)jit_size(in));
			if (high - low > RANGE_MOST)
				break;
			r.low = low;
			r.high = high;
			r.write |= isa_ops[s->op].form != FORM_LDX;
			s->checked = true;
		}
		if (breaks(s, at) || s->def & 1u << base)
			break;
	}
	return r;
}

/* Of the region that SCRATCH1 is the hint of. */
#define FAST(at)                           \
	((struct x_mem){.base = RUN,       \
			.index = SCRATCH1, \
			.scale = 1,        \
			.disp = (s32)(offsetof(struct vm_run, fast) + (at))})
#define FAST_FIELD(field) FAST(offsetof(struct vm_fast, field))

/* SCRATCH0: where the range begins in the region. */
static void compare(struct jit *j, const struct jit_range *r, u32 elsewhere)
{
	u32 bytes = (u32)(r->high - r->low);
	bool one = bytes <= 8 && !(bytes & (bytes - 1));
	u32 limits = r->write ? offsetof(struct vm_fast, writes) : offsetof(struct vm_fast, reads);
	struct x_mem limit = FAST(limits + 8 * (one ? (u32)__builtin_ctz(bytes) : 0));

	x_alu_load(&j->e, true, X_CMP, SCRATCH0, limit);
	x_jump(&j->e, X_AE, elsewhere);
	if (!one) {
		x_alu_imm(&j->e, true, X_ADD, SCRATCH0, (s32)bytes - 1);
		x_alu_load(&j->e, true, X_CMP, SCRATCH0, limit);
		x_jump(&j->e, X_AE, elsewhere);
	}
}

static void check(struct jit *j, u32 base, struct jit_range r)
{
	struct jit_cold c = {.slot = j->at,
			     .label = emit_label(&j->e),
			     .back = emit_label(&j->e),
			     .kind = COLD_ACCESS,
			     .range = JIT_PACK(r),
			     .function = (u32)(j->function - j->functions.v)};

	x_load(&j->e, 4, SCRATCH1, X_DATA((s32)(j->at * sizeof(u32))));
	x_lea(&j->e, true, SCRATCH0, X_AT(REG(base), r.low));
	x_alu_load(&j->e, true, X_SUB, SCRATCH0, FAST_FIELD(start));
	compare(j, &r, c.label);
	emit_place(&j->e, c.back);
	vec_push(j->arena, &j->cold, c);
}

/* Whether all of the range lies in one element of the row. SCRATCH0 is where it begins in there;
 * the range's bytes are in the upper half of what was pushed last. */
static void compare_row(struct jit *j, bool write, u32 elsewhere)
{
	struct x_mem limit = write ? FAST_FIELD(row_writes) : FAST_FIELD(row_reads);

	x_alu_load(&j->e, true, X_CMP, SCRATCH0, FAST_FIELD(size));
	x_jump(&j->e, X_AE, elsewhere);
	x_alu_load(&j->e, true, X_AND, SCRATCH0, FAST_FIELD(mask));
	x_alu_load(&j->e, true, X_SUB, SCRATCH0, limit);
	x_load(&j->e, 2, SCRATCH1, X_AT(RSP, 8 + 2));
	x_alu_imm(&j->e, false, X_AND, SCRATCH1, 0x7fff);
	x_alu(&j->e, true, X_ADD, SCRATCH0, SCRATCH1);
	x_jump(&j->e, X_G, elsewhere);
}

/* Called where the region was not simply the one of the hint, with the slot and the packed range
 * on the stack, which it takes off. Equal: the interpreter has gone on. */
void jit_elsewhere(struct jit *j, bool write)
{
	u32 to_c = emit_label(&j->e);

	emit_room(&j->e, JIT_ROOM);
	emit_place(&j->e, j->elsewhere[write] - 1);
	compare_row(j, write, to_c);
	x_test(&j->e, true, RSP, RSP);
	x_ret_take(&j->e, 16);
	emit_place(&j->e, to_c);
	x_load(&j->e, 4, SCRATCH1, X_AT(RSP, 8));
	x_load(&j->e, 4, SCRATCH0, X_AT(RSP, 16));
	x_alu_imm(&j->e, true, X_SUB, RSP, 8);
	x_call(&j->e, jit_leave_label(j, LEAVE_ACCESS));
	x_alu_imm(&j->e, true, X_ADD, RSP, 8);
	x_alu_imm(&j->e, false, X_CMP, SCRATCH1, ANSWER_RETURN);
	x_ret_take(&j->e, 16);
}

/* A row, or C looks. If the interpreter has gone on, this function returns. */
void jit_access_cold(struct jit *j, const struct jit_cold *c)
{
	const struct jit_function *f = &j->functions.v[c->function];
	u32 *elsewhere = &j->elsewhere[JIT_PACK_WRITE(c->range)];

	if (!*elsewhere)
		*elsewhere = emit_label(&j->e) + 1;
	x_push_imm(&j->e, (s32)c->slot);
	x_push_imm(&j->e, (s32)c->range);
	x_call(&j->e, *elsewhere - 1);
	x_jump(&j->e, X_NE, c->back);
	if (j->function == f && j->leaving) {
		x_jump(&j->e, X_ALWAYS, j->leaving - 1);
		return;
	}
	j->function = f;
	j->leaving = emit_label(&j->e) + 1;
	emit_place(&j->e, j->leaving - 1);
	jit_return(j);
}

struct x_mem jit_access(struct jit *j, u32 base, s32 off, u32 size, bool write)
{
	struct jit_range r = {off, off + (s32)size, write};
	bool in_frame = base == 10 && vm_in_frame(r.low, r.high);

	if (j->checked && !in_frame && !j->slots[j->at].checked && !jit_is_value(j, base, &r))
		check(j, base, range_of(j, base, r));
	return X_AT(REG(base), off);
}

/* ---- accesses */

void jit_ldx(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = jit_access(j, in->src, in->off, size, false);

	if (*op->text == 's')
		x_load_signed(&j->e, size, REG(in->dst), m);
	else
		x_load(&j->e, size, REG(in->dst), m);
}

void jit_st(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = jit_access(j, in->dst, in->off, size, true);

	(void)op;
	if (j->blind) {
		jit_budget_put(j);
		jit_constant(j, SCRATCH2, (u64)(s64)in->imm);
		x_store(&j->e, size, m, SCRATCH2);
		jit_budget_get(j);
	} else {
		x_store_imm(&j->e, size, m, in->imm);
	}
}

void jit_stx(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	(void)op;
	x_store(&j->e, size, jit_access(j, in->dst, in->off, size, true), REG(in->src));
}

/* ---- atomics: their address must be aligned, which only the checked mode has to look at */

static struct x_mem atomic_access(struct jit *j, u32 base, s32 off, u32 size, bool write)
{
	struct x_mem m = jit_access(j, base, off, size, write);

	if (j->checked && size > 1) {
		x_lea(&j->e, true, SCRATCH0, m);
		x_test_imm(&j->e, false, SCRATCH0, (s32)size - 1);
		jit_leave_if(j, X_NE, LEAVE_ALIGN);
	}
	return m;
}

static enum x_alu atomic_alu(const struct insn *in)
{
	switch (in->imm & 0xf0) {
	case BPF_ADD: return X_ADD;
	case BPF_OR: return X_OR;
	case BPF_AND: return X_AND;
	default: return X_XOR;
	}
}

/* With ordering: on this processor every load and store has it. */
static void ordered(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	if (op->form == FORM_LOAD_ACQ)
		x_load(&j->e, size, REG(in->dst), atomic_access(j, in->src, in->off, size, false));
	else
		x_store(&j->e, size, atomic_access(j, in->dst, in->off, size, true), REG(in->src));
}

void jit_atomic(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	if (op->form != FORM_ATOMIC) {
		ordered(j, op, in);
		return;
	}
	x_atomic(&j->e, (u32)atomic_alu(in) << 3 | 0x01, size,
		 atomic_access(j, in->dst, in->off, size, true), REG(in->src));
}

/* There is no instruction that fetches and ands: read, compute, exchange if nobody was faster. */
static void fetch_loop(struct jit *j, const struct insn *in, struct x_mem m, u32 size)
{
	u32 again = emit_label(&j->e), operand = REG(in->src);
	bool wide = size == 8;

	x_lea(&j->e, true, SCRATCH1, m);
	jit_budget_put(j);
	x_mov(&j->e, true, SCRATCH2, RAX);
	if (operand == RAX)
		operand = SCRATCH2;
	m = X_AT(SCRATCH1, 0);
	x_load(&j->e, size, RAX, m);
	emit_place(&j->e, again);
	x_mov(&j->e, wide, SCRATCH0, RAX);
	x_alu(&j->e, wide, atomic_alu(in), SCRATCH0, operand);
	x_atomic(&j->e, X_OP_CMPXCHG, size, m, SCRATCH0);
	x_jump(&j->e, X_NE, again);
	if (operand != SCRATCH2) {
		x_mov(&j->e, wide, operand, RAX);
		x_mov(&j->e, true, RAX, SCRATCH2);
	}
	jit_budget_get(j);
}

void jit_fetch(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);
	struct x_mem m = atomic_access(j, in->dst, in->off, size, true);

	(void)op;
	if (in->imm == BPF_XCHG)
		x_mem(&j->e, (size == 8 ? X_W : 0) | X_OP_XCHG, REG(in->src), m); /* locks itself */
	else if (in->imm == (BPF_ADD | BPF_FETCH))
		x_atomic(&j->e, X_OP_XADD, size, m, REG(in->src));
	else
		fetch_loop(j, in, m, size);
}

void jit_cmpxchg(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 size = jit_size(in);

	(void)op;
	x_atomic(&j->e, X_OP_CMPXCHG, size, atomic_access(j, in->dst, in->off, size, true),
		 REG(in->src));
	if (size == 4) /* eax is written only where it was not equal */
		x_mov(&j->e, false, RAX, RAX);
}
