/*
 * straight.c: a filter without branches, for packets that may be read beyond their end.
 *
 * In:  a classic filter as a graph of tests. Out: IR of one block, or nothing: what has loads from
 * places that are not near, or returns what it computes, stays as it is.
 *
 * On traffic of many kinds a branch costs what ten instructions do: the processor guesses wrong. So
 * all loads are made and all tests computed, whichever way the packet goes. Bit 63 of `here` says
 * that control would be at this instruction: a test turns into a number whose bit 63 is its answer
 * (a == b: (a ^ b) - 1; a < b: a - b), ways join by `or`, and of a register that has two values
 * where they join, the mask of one way chooses. That a packet has the bytes of a load is one test
 * more.
 *
 * A load lies within STRAIGHT_BYTES of the packet's start whatever the packet holds: X is known to
 * be small. cbpf_packet.room tells that they can be read.
 */
#include "filter/bpf_inside.h"

#define INSNS_MOST 32 /* more would take longer than the branches that are saved */

/* ---- numbers whose bit 63 is an answer */

static u32 below(struct building *b, u32 x, u32 y)
{
	return ir_bin(b->f, IR_SUB, IRT_I64, x, y);
}

static u32 below_or_same(struct building *b, u32 x, u32 y)
{
	s64 c;

	if (ir_is_const(b->f, ir_value(b->f, y), &c))
		return below(b, x, ir_const(b->f, c + 1));
	if (ir_is_const(b->f, ir_value(b->f, x), &c))
		return below(b, ir_const(b->f, c - 1), y);
	return below(b, below(b, x, y), ir_const(b->f, 1));
}

static u32 zero(struct building *b, u32 x)
{
	return below(b, x, ir_const(b->f, 1));
}

static u32 not_zero(struct building *b, u32 x)
{
	return ir_un(b->f, IR_NEG, IRT_I64, x);
}

static u32 both(struct building *b, u32 here, u32 answer)
{
	return here ? ir_bin(b->f, IR_AND, IRT_I64, here, answer) : answer;
}

/* All bits, or none. */
static u32 mask_of(struct building *b, u32 here)
{
	return ir_bin(b->f, IR_SAR, IRT_I64, here, ir_const(b->f, 63));
}

/* ---- ways */

static void keep(struct building *b, struct known *k)
{
	*k = b->now;
	for (u32 i = 0; i < REGS; i++)
		k->values[i] = get(b, (enum reg)i);
	k->pointer = ir_get(b->f, b->rel);
}

/* `other` where control comes that way, else what was there. */
static u32 choose(struct building *b, u32 mask, u32 other, u32 was)
{
	u32 bits;

	if (other == was)
		return was;
	bits = ir_bin(b->f, IR_XOR, IRT_I64, other, was);
	bits = ir_bin(b->f, IR_AND, IRT_I64, bits, mask);
	return ir_bin(b->f, IR_XOR, IRT_I64, bits, was);
}

static void join(struct building *b, struct known *k, u32 here)
{
	u32 mask = mask_of(b, here);
	bool moved = k->values[REG_X] != get(b, REG_X) || k->pointer != ir_get(b->f, b->rel);

	know_both(b, k, &b->now);
	if (moved)
		k->rel = (struct reach){0, 0};
	if (k->raw.value != b->now.raw.value)
		k->raw = (struct raw){0};
	for (u32 i = 0; i < REGS; i++)
		k->values[i] = choose(b, mask, get(b, (enum reg)i), k->values[i]);
	k->here = ir_bin(b->f, IR_OR, IRT_I64, k->here, here);
}

/* Control goes there where bit 63 of `here` is set. */
static void go(struct building *b, u32 pc, u32 here)
{
	if (b->at[pc]) {
		join(b, b->at[pc], here);
		return;
	}
	b->at[pc] = arena_new(b->f->arena, struct known);
	keep(b, b->at[pc]);
	b->at[pc]->here = here;
}

static void restore(struct building *b, const struct known *k)
{
	b->now = *k;
	for (u32 i = 0; i < REGS; i++)
		ir_set(b->f, b->vars[i], k->values[i]);
	ir_set(b->f, b->rel, k->pointer);
}

void straight_want(struct building *b, u32 at, u32 bytes)
{
	u32 last = ir_const(b->f, (s64)bytes - 1);

	if (at)
		last = ir_bin(b->f, IR_ADD, IRT_I64, at, last);
	b->now.here = both(b, b->now.here, below(b, last, b->size));
}

/* ---- tests */

/* As it lies in memory, so that the constant is turned and not the packet's bytes. false: it has no
 * such bits. */
static bool raw_constant(const struct raw *raw, u32 k, u32 *turned)
{
	if (!raw->value || (raw->bytes < 4 && k >> raw->bytes * 8))
		return false;
	*turned = raw->bytes == 4 ? __builtin_bswap32(k) : __builtin_bswap16((u16)k);
	if (raw->bytes == 1)
		*turned = k;
	return true;
}

void straight_and(struct building *b, struct raw raw, u32 k)
{
	u32 turned;

	b->now.raw = (struct raw){0};
	if (raw.bytes < 4)
		k &= (1u << raw.bytes * 8) - 1;
	if (raw_constant(&raw, k, &turned))
		b->now.raw = (struct raw){
			ir_bin(b->f, IR_AND, IRT_I32, raw.value, ir_const(b->f, (s32)turned)),
			raw.bytes};
}

/* A number that is 0 where both are the same, or where no bit is in both. */
static u32 compared(struct building *b, const struct cbpf_insn *in, enum ir_op op)
{
	u32 a = get(b, REG_A), k, turned;

	if (in->code & BPF_X) {
		k = get(b, REG_X);
	} else if (raw_constant(&b->now.raw, in->k, &turned)) {
		a = b->now.raw.value;
		k = ir_const(b->f, (s32)turned);
	} else {
		k = ir_const(b->f, (s32)in->k);
	}
	return ir_bin(b->f, op, IRT_I32, a, k);
}

static void put_test(struct building *b, const struct cbpf_insn *in, u32 *yes, u32 *no)
{
	u32 a = get(b, REG_A), x;

	switch (in->code & 0xf0) {
	case BPF_JEQ:
		x = compared(b, in, IR_XOR);
		*yes = zero(b, x);
		*no = not_zero(b, x);
		return;
	case BPF_JSET:
		x = compared(b, in, IR_AND);
		*yes = not_zero(b, x);
		*no = zero(b, x);
		return;
	default:
		x = in->code & BPF_X ? get(b, REG_X) : ir_const(b->f, (s64)in->k);
		if ((in->code & 0xf0) == BPF_JGT) {
			*yes = below(b, x, a);
			*no = below_or_same(b, a, x);
		} else {
			*yes = below_or_same(b, x, a);
			*no = below(b, a, x);
		}
	}
}

static void put_branch(struct building *b, const struct cbpf_insn *in, u32 pc)
{
	u32 yes, no, here = b->now.here;

	put_test(b, in, &yes, &no);
	go(b, pc + 1 + in->jt, both(b, here, yes));
	go(b, pc + 1 + in->jf, both(b, here, no));
}

/* ---- the whole */

/* All that it returns is 0 or one number; no division by what may be 0. */
static bool fits(const struct building *b, u32 *value)
{
	*value = 0;
	for (u32 pc = 0; pc < b->n; pc++) {
		const struct cbpf_insn *in = &b->in[pc];
		const u32 op = in->code & 0xf0;

		if (load_kind(in) == LOAD_HEADER)
			return false;
		if ((in->code & 7) == BPF_ALU && in->code & BPF_X &&
		    (op == BPF_DIV || op == BPF_MOD))
			return false;
		if ((in->code & 7) != CBPF_RET)
			continue;
		if (in->code != (CBPF_RET | BPF_K) || (*value && in->k && in->k != *value))
			return false;
		*value = in->k ? in->k : *value;
	}
	return *value && b->n <= INSNS_MOST;
}

static bool is_near(const struct building *b, const struct cbpf_insn *in)
{
	enum load_kind kind = load_kind(in);
	u64 from = kind == LOAD_REL ? b->now.most[REG_X] : 0;

	return kind == LOAD_NONE || from + in->k + 4 <= STRAIGHT_BYTES;
}

static bool put_all(struct building *b, u32 *taken)
{
	bool flows = true;

	for (u32 pc = 0; pc < b->n; pc++) {
		const struct cbpf_insn *in = &b->in[pc];
		u32 way = cbpf_op(in)->way;

		if (b->at[pc]) {
			if (flows)
				go(b, pc, b->now.here ? b->now.here : ir_const(b->f, -1));
			restore(b, b->at[pc]);
		} else if (!flows) {
			continue;
		}
		flows = way == CBPF_NEXT;
		if (way == CBPF_BRANCH)
			put_branch(b, in, pc);
		else if (way == CBPF_JUMP)
			go(b, pc + 1 + in->k, b->now.here ? b->now.here : ir_const(b->f, -1));
		else if (way == CBPF_RETURN && in->k)
			*taken = *taken ? ir_bin(b->f, IR_OR, IRT_I64, *taken, b->now.here)
					: b->now.here;
		else if (way == CBPF_NEXT && (!is_near(b, in) || put_insn(b, pc)))
			return false;
	}
	return true;
}

/* What is left of an attempt that failed is dead: nobody uses its values. */
void straight_build(struct building *b, u32 otherwise)
{
	struct ir_fn *f = b->f;
	u32 value, taken = 0, mask, room;

	if (!fits(b, &value)) {
		ir_jmp(f, otherwise);
		return;
	}
	room = ir_load(f, 4, false, b->ctx, offsetof(struct cbpf_packet, room));
	room = ir_bin(f, IR_ADD, IRT_I64, room, b->size);
	go_on_if(b, ir_bin(f, IR_ULE, IRT_I64, ir_const(f, STRAIGHT_BYTES), room), otherwise);
	b->straight = true;
	if (put_all(b, &taken) && taken) {
		mask = mask_of(b, taken);
		ir_ret(f, ir_bin(f, IR_AND, IRT_I64, mask, ir_const(f, value)));
	} else {
		ir_jmp(f, otherwise);
	}
	b->straight = false;
}
