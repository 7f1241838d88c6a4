/*
 * lanes_build.c: a classic filter as values of eight lanes.
 *
 * In:  a filter that cbpf_check() took. Out: values, and which of them is the result.
 *
 * Packets that lie beside each other go different ways, so nothing jumps: each instruction has a
 * mask of the lanes that are there, tests split it, ways join by `or`; a register that has two
 * values where they join, and is read behind, is selected by the mask of one way. Loads near the
 * packet's start are made for all lanes, whether they have the bytes or not: LANES_ROOM behind
 * each packet can be read. Lanes that lack the bytes leave, with 0; as in filter/bpf.c they are
 * asked as soon as every way that still takes the packet needs them.
 */
#include "vm/lanes_inside.h"

#include <errno.h>

#define INSNS_MOST 112 /* what is longer is faster as a tree of branches: docs/bench.md */
#define ALL        UINT32_MAX
#define NEVER      UINT32_MAX /* no way from here takes the packet */

struct needs { /* bytes that all ways which take the packet need: from its start, from X */
	u32 abs, rel;
};
struct state {
	u32 here; /* the mask; 0: nobody comes */
	u32 regs[LANE_REGS];
	u32 abs, rel; /* bytes that lanes have that are here: from the start, from X */
};
struct build {
	struct lanes_code *l;
	const struct cbpf_insn *in;
	u32 n;
	struct needs *needs;
	u32 *live; /* registers that are read later, a bit each */
	struct state *at, now;
	u32 taken, value; /* lanes that get `value`, of the first `ret` */
	u32 others;       /* what other lanes get */
};

u32 lane_bytes(const struct cbpf_insn *in)
{
	u32 size = in->code & BPF_DW;

	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

bool lane_is_abs(const struct cbpf_insn *in)
{
	u32 mode = in->code & 0xe0;

	return !cbpf_ancillary(in) && (((in->code & 7) == BPF_LD && mode == BPF_ABS) ||
				       ((in->code & 7) == BPF_LDX && mode == CBPF_MSH));
}

bool lane_is_rel(const struct cbpf_insn *in)
{
	return (in->code & 7) == BPF_LD && (in->code & 0xe0) == BPF_IND;
}

/* ---- backwards: what ways need, which registers they read */

void lane_registers(const struct cbpf_insn *in, u32 *reads, u32 *writes)
{
	const struct cbpf_ancillary *extra = cbpf_ancillary(in);

	*reads = *writes = 0;
	switch (in->code & 7) {
	case BPF_LD:
	case BPF_LDX:
		*writes = 1u << ((in->code & 7) == BPF_LD ? LANE_A : LANE_X);
		if ((in->code & 0xe0) == BPF_MEM)
			*reads = 1u << (LANE_M + in->k);
		else if (lane_is_rel(in))
			*reads = 1u << LANE_X;
		else if (extra && extra->number == CBPF_AD_XOR_X)
			*reads = 1u << LANE_A | 1u << LANE_X;
		break;
	case BPF_ST:
	case BPF_STX:
		*reads = 1u << ((in->code & 7) == BPF_ST ? LANE_A : LANE_X);
		*writes = 1u << (LANE_M + in->k);
		break;
	case CBPF_MISC:
		*reads = 1u << (in->code & CBPF_TXA ? LANE_X : LANE_A);
		*writes = 1u << (in->code & CBPF_TXA ? LANE_A : LANE_X);
		break;
	case CBPF_RET: *reads = in->code & CBPF_A ? 1u << LANE_A : 0; break;
	default:
		*reads = 1u << LANE_A | (in->code & BPF_X ? 1u << LANE_X : 0);
		*writes = (in->code & 7) == BPF_ALU ? 1u << LANE_A : 0;
		break;
	}
}

static u32 need_more(u32 need, u64 bytes)
{
	return need == NEVER || bytes >= INT32_MAX ? need : MAX(need, (u32)bytes);
}

static void look_back(struct build *b, u32 pc)
{
	const struct cbpf_insn *in = &b->in[pc];
	struct needs *now = &b->needs[pc];
	u32 to[2] = {pc + 1, pc + 1}, reads, writes;

	lane_registers(in, &reads, &writes);
	switch (cbpf_op(in)->way) {
	case CBPF_RETURN:
		now->abs = now->rel = in->code == (CBPF_RET | BPF_K) && !in->k ? NEVER : 0;
		b->live[pc] = reads;
		return;
	case CBPF_JUMP: to[0] = to[1] = pc + 1 + in->k; break;
	case CBPF_BRANCH: to[0] += in->jt, to[1] += in->jf; break;
	default: break;
	}
	now->abs = MIN(b->needs[to[0]].abs, b->needs[to[1]].abs);
	now->rel = MIN(b->needs[to[0]].rel, b->needs[to[1]].rel);
	b->live[pc] = ((b->live[to[0]] | b->live[to[1]]) & ~writes) | reads;
	if (writes & 1u << LANE_X)
		now->rel = now->abs == NEVER ? NEVER : 0;
	if (lane_is_abs(in))
		now->abs = need_more(now->abs, (u64)in->k + lane_bytes(in));
	if (lane_is_rel(in))
		now->rel = need_more(now->rel, (u64)in->k + lane_bytes(in));
}

/* ---- ways */

static u32 both(struct build *b, u32 x, u32 y)
{
	return lane_bin(b->l, LANE_AND, x, y);
}

static bool is_nobody(struct build *b, u32 mask)
{
	u32 k;

	return !mask || (lane_is_const(b->l, mask, &k) && !k);
}

/* Lanes of `here` go to `pc`. */
static void go(struct build *b, u32 pc, u32 here)
{
	struct state *to = &b->at[pc];

	if (is_nobody(b, here))
		return;
	if (is_nobody(b, to->here)) {
		*to = b->now;
		to->here = here;
		return;
	}
	for (u32 i = 0; i < LANE_REGS; i++)
		if (b->live[pc] >> i & 1)
			to->regs[i] =
				lane_value(b->l, LANE_SELECT, to->regs[i], b->now.regs[i], here, 0);
	to->here = lane_bin(b->l, LANE_OR, to->here, here);
	to->abs = MIN(to->abs, b->now.abs);
	to->rel = MIN(to->rel, b->now.rel);
}

static void stay_if(struct build *b, u32 mask)
{
	b->now.here = both(b, b->now.here, mask);
}

static u32 greater(struct build *b, u32 x, u32 y)
{
	return lane_bin(b->l, LANE_GT, x, y);
}

static u32 at_most(struct build *b, u32 x, u32 y) /* unsigned */
{
	return lane_bin(b->l, LANE_EQ, lane_bin(b->l, LANE_MIN, x, y), x);
}

static bool is_small(struct build *b, u32 v)
{
	return lane_most(b->l, v) <= INT32_MAX;
}

/* ---- tests: a mask of those that pass, or of those that do not */

/* Is `a` some bytes of a field, where those of k are? As a field of its own, and k as a number of
 * it; else as they are. */
static u32 narrow(struct build *b, u32 a, u32 *k)
{
	const struct lane_value both = b->l->values.v[a], field = b->l->values.v[both.a];
	u32 mask, low, bytes;

	if (both.op != LANE_AND || field.op != LANE_FIELD || !lane_is_const(b->l, both.b, &mask) ||
	    !mask || *k & ~mask)
		return a;
	low = (u32)__builtin_ctz(mask) / 8;
	bytes = 4 - (u32)__builtin_clz(mask) / 8 - low;
	if (bytes == 3 || low + bytes > field.b ||
	    mask != UINT32_MAX >> (32 - bytes * 8) << low * 8)
		return a;
	*k >>= low * 8;
	return lane_value(b->l, LANE_FIELD, field.a, bytes, 0, field.k + field.b - low - bytes);
}

static u32 test(struct build *b, const struct cbpf_insn *in, bool *negated)
{
	u32 a = b->now.regs[LANE_A];
	u32 x = in->code & BPF_X ? b->now.regs[LANE_X] : lane_const(b->l, in->k), k;

	*negated = false;
	switch (in->code & 0xf0) {
	case BPF_JEQ:
		if (lane_is_const(b->l, x, &k))
			a = narrow(b, a, &k), x = lane_const(b->l, k);
		return lane_bin(b->l, LANE_EQ, a, x);
	case BPF_JGT:
		if (is_small(b, a) && is_small(b, x))
			return greater(b, a, x);
		*negated = true;
		return at_most(b, a, x);
	case BPF_JGE:
		if (!is_small(b, a) || !is_small(b, x))
			return at_most(b, x, a);
		*negated = true;
		return greater(b, x, a);
	default:
		*negated = true;
		return lane_bin(b->l, LANE_EQ, both(b, a, x), lane_const(b->l, 0));
	}
}

static void put_branch(struct build *b, const struct cbpf_insn *in, u32 pc)
{
	bool negated;
	u32 mask = test(b, in, &negated), here = b->now.here;
	u32 yes = both(b, here, mask), no = lane_bin(b->l, LANE_WITHOUT, mask, here);

	go(b, pc + 1 + in->jt, negated ? no : yes);
	go(b, pc + 1 + in->jf, negated ? yes : no);
}

static void put_return(struct build *b, const struct cbpf_insn *in)
{
	struct lanes_code *l = b->l;
	bool constant = !(in->code & CBPF_A);
	u32 value = constant ? lane_const(l, in->k) : b->now.regs[LANE_A];

	if (constant && in->jt)
		l->unknown =
			l->unknown ? lane_bin(l, LANE_OR, l->unknown, b->now.here) : b->now.here;
	if (constant && (in->jt || !in->k))
		return;
	if (!b->value)
		b->value = value;
	if (value == b->value)
		b->taken = lane_bin(l, LANE_OR, b->taken, b->now.here);
	else
		b->others = lane_bin(l, LANE_OR, b->others, both(b, b->now.here, value));
}

/* ---- loads */

static u32 captured(struct build *b)
{
	return lane_group(b->l, offsetof(struct lanes_group, captured));
}

/* At `offset` of the packet. */
static u32 field(struct build *b, u32 offset, u32 k, u32 bytes)
{
	u32 from = lane_group(b->l, offsetof(struct lanes_group, offset));

	return lane_value(b->l, LANE_FIELD, lane_bin(b->l, LANE_ADD, from, offset), bytes, 0, k);
}

/* Offsets that are negative count from headers: the network's is at 0, as nobody knows where it is.
 */
static u32 from_headers(struct build *b, u32 offset)
{
	struct lanes_code *l = b->l;
	u32 is_net = greater(b, offset, lane_const(l, (u32)CBPF_NET_OFF - 1)), more;

	if (is_small(b, offset))
		return offset;
	more = lane_value(l, LANE_SELECT, lane_const(l, -(u32)CBPF_LL_OFF),
			  lane_const(l, -(u32)CBPF_NET_OFF), is_net, 0);
	more = both(b, greater(b, lane_const(l, 0), offset), more);
	return lane_bin(l, LANE_ADD, offset, more);
}

/* At offset x + k, wherever that is; what does not lie in the packet is loaded from its start. */
static u32 far_field(struct build *b, u32 x, u32 k, u32 bytes)
{
	struct lanes_code *l = b->l;
	u32 offset = from_headers(b, lane_bin(l, LANE_ADD, x, lane_const(l, k)));
	u32 last = lane_bin(l, LANE_SUB, captured(b), lane_const(l, bytes));
	u32 is_there = lane_bin(l, LANE_WITHOUT, greater(b, offset, last),
				greater(b, offset, lane_const(l, ALL)));

	stay_if(b, is_there);
	return field(b, both(b, offset, is_there), 0, bytes);
}

static u32 load_abs(struct build *b, u32 pc, u32 k, u32 bytes)
{
	struct lanes_code *l = b->l;
	const u64 end = (u64)k + bytes;
	u32 need = b->needs[pc].abs;

	if ((u64)k + WINDOW_BYTES > LANES_ROOM)
		return far_field(b, lane_const(l, 0), k, bytes);
	if (end > b->now.abs) {
		need = need == NEVER ? (u32)end : MAX(need, (u32)end);
		stay_if(b, greater(b, captured(b), lane_const(l, need - 1)));
		b->now.abs = need;
	}
	return field(b, lane_const(l, 0), k, bytes);
}

static u32 load_rel(struct build *b, u32 pc, u32 k, u32 bytes)
{
	struct lanes_code *l = b->l;
	u32 x = b->now.regs[LANE_X], need = b->needs[pc].rel;
	const u64 most = lane_most(l, x), end = (u64)k + bytes;

	if (most + k + WINDOW_BYTES > LANES_ROOM)
		return far_field(b, x, k, bytes);
	if (end > b->now.rel) {
		need = need == NEVER || need > LANES_ROOM ? (u32)end : MAX(need, (u32)end);
		stay_if(b,
			greater(b, captured(b), lane_bin(l, LANE_ADD, x, lane_const(l, need - 1))));
		b->now.rel = need;
	}
	return field(b, x, k, bytes);
}

/* ---- instructions */

static void set(struct build *b, u32 reg, u32 value)
{
	b->now.regs[reg] = value;
	if (reg == LANE_X)
		b->now.rel = 0;
}

/* What is not of the packet is 0. */
static u32 extra_value(struct build *b, u32 number)
{
	if (number == CBPF_AD_XOR_X)
		return lane_bin(b->l, LANE_XOR, b->now.regs[LANE_A], b->now.regs[LANE_X]);
	return lane_const(b->l, 0);
}

static void put_load(struct build *b, const struct cbpf_insn *in, u32 pc)
{
	struct lanes_code *l = b->l;
	const struct cbpf_ancillary *extra = cbpf_ancillary(in);
	u32 reg = (in->code & 7) == BPF_LD ? LANE_A : LANE_X, v;

	switch (in->code & 0xe0) {
	case BPF_IMM: v = lane_const(l, in->k); break;
	case BPF_MEM: v = b->now.regs[LANE_M + in->k]; break;
	case CBPF_LEN: v = lane_group(l, offsetof(struct lanes_group, len)); break;
	case BPF_IND: v = load_rel(b, pc, in->k, lane_bytes(in)); break;
	default:
		if (extra)
			v = extra_value(b, extra->number);
		else
			v = load_abs(b, pc, in->k, lane_bytes(in));
		if (reg == LANE_X)
			v = lane_value(l, LANE_SHL, both(b, v, lane_const(l, 15)), 0, 0, 2);
		break;
	}
	set(b, reg, v);
}

static int put_alu(struct build *b, const struct cbpf_insn *in)
{
	static const u8 same[] = {[BPF_ADD >> 4] = LANE_ADD, [BPF_SUB >> 4] = LANE_SUB,
				  [BPF_MUL >> 4] = LANE_MUL, [BPF_AND >> 4] = LANE_AND,
				  [BPF_OR >> 4] = LANE_OR,   [BPF_XOR >> 4] = LANE_XOR};
	struct lanes_code *l = b->l;
	u32 a = b->now.regs[LANE_A], op = in->code & 0xf0;
	bool by_x = in->code & BPF_X, two = !by_x && in->k && !(in->k & (in->k - 1));
	u32 x = by_x ? b->now.regs[LANE_X] : lane_const(l, in->k);

	switch (op) {
	case BPF_NEG: a = lane_bin(l, LANE_SUB, lane_const(l, 0), a); break;
	case BPF_LSH:
	case BPF_RSH:
		if (!by_x)
			a = lane_value(l, op == BPF_LSH ? LANE_SHL : LANE_SHR, a, 0, 0, in->k);
		else
			a = lane_bin(l, op == BPF_LSH ? LANE_SHLX : LANE_SHRX, a,
				     both(b, x, lane_const(l, 31)));
		break;
	case BPF_DIV:
	case BPF_MOD: /* by a power of two */
		if (!two)
			return -EOPNOTSUPP;
		if (op == BPF_DIV)
			a = lane_value(l, LANE_SHR, a, 0, 0, (u32)__builtin_ctz(in->k));
		else
			a = lane_bin(l, LANE_AND, a, lane_const(l, in->k - 1));
		break;
	default: a = lane_bin(l, same[op >> 4], a, x); break;
	}
	set(b, LANE_A, a);
	return 0;
}

static int put(struct build *b, u32 pc)
{
	const struct cbpf_insn *in = &b->in[pc];

	switch (in->code & 7) {
	case BPF_LD:
	case BPF_LDX: put_load(b, in, pc); break;
	case BPF_ALU: return put_alu(b, in);
	case BPF_ST: b->now.regs[LANE_M + in->k] = b->now.regs[LANE_A]; break;
	case BPF_STX: b->now.regs[LANE_M + in->k] = b->now.regs[LANE_X]; break;
	case CBPF_MISC:
		if (in->code & CBPF_TXA)
			set(b, LANE_A, b->now.regs[LANE_X]);
		else
			set(b, LANE_X, b->now.regs[LANE_A]);
		break;
	case CBPF_RET: put_return(b, in); break;
	default:
		if (cbpf_op(in)->way == CBPF_BRANCH)
			put_branch(b, in, pc);
		else
			go(b, pc + 1 + in->k, b->now.here);
		break;
	}
	return 0;
}

static int put_all(struct build *b)
{
	int err = 0;

	for (u32 pc = 0; pc < b->n && !err; pc++) {
		if (is_nobody(b, b->at[pc].here))
			continue;
		b->now = b->at[pc];
		err = put(b, pc);
		if (!err && cbpf_op(&b->in[pc])->way == CBPF_NEXT)
			go(b, pc + 1, b->now.here);
	}
	return err;
}

int lanes_build(struct lanes_code *l, const struct cbpf_insn *in, u32 n)
{
	struct cbpf_insn *own = arena_array(l->arena, struct cbpf_insn, n);
	struct build b = {.l = l, .in = own, .n = n};
	u32 zero = lane_const(l, 0);
	int err;

	if (n > INSNS_MOST)
		return -EOPNOTSUPP;
	memcpy(own, in, n * sizeof(*in));
	b.needs = arena_array(l->arena, struct needs, n);
	b.live = arena_array(l->arena, u32, n);
	b.at = arena_array(l->arena, struct state, n);
	for (u32 pc = n; pc-- > 0;)
		look_back(&b, pc);
	lanes_join(l->arena, own, n, b.live);
	for (u32 pc = n; pc-- > 0;)
		look_back(&b, pc);
	for (u32 i = 0; i < LANE_REGS; i++)
		b.at[0].regs[i] = zero;
	b.at[0].here = lane_const(l, ALL);
	b.taken = b.others = zero;
	err = put_all(&b);
	l->result = b.value ? both(&b, b.taken, b.value) : zero;
	l->result = lane_bin(l, LANE_OR, l->result, b.others);
	return err;
}
