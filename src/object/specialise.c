/*
 * specialise.c: drops what the constants of this run make superfluous.
 *
 * In:  a program, and what .rodata holds once the loader has filled it.
 * Out: the same program, in which loads from there are constants, constants are immediates,
 * branches on them are decided, and what cannot be reached or is not used is gone.
 *
 * The kernel's verifier knows the constants, too, and removes the branches, but leaves each load
 * and its address: three instructions for every event. Objects keep the loads, so that any loader
 * runs them.
 *
 * What registers hold is followed through straight code only, from one place that is jumped to to
 * the next. Programs with functions of their own stay as they are.
 */
#include "object/specialise.h"

#include <errno.h>
#include <stdlib.h>

enum known { UNKNOWN, CONSTANT, RODATA }; /* RODATA: an address in there; value: the offset */
struct reg {
	u8 known;
	s64 value;
};

struct slot {
	struct insn i; /* as it will be */
	s64 value;     /* of a CONSTANT */
	u16 live;      /* registers that somebody behind it reads */
	bool constant; /* it sets its dst to value */
	bool second;   /* of a ld_imm64 */
	bool target;   /* it is jumped to */
	bool reached, gone;
	u32 reloc; /* its number + 1 */
};

struct spec {
	const struct code *code;
	u32 rodata, size;
	const u8 *data;
	struct slot *slots;
	u32 n;
	struct reg regs[11];
};

#define CLASS(i) ((i).code & 7)
#define OP(i)    ((i).code & 0xf0)
#define IS_JUMP(i) \
	((CLASS(i) == BPF_JMP || CLASS(i) == BPF_JMP32) && OP(i) != BPF_CALL && OP(i) != BPF_EXIT)
#define IS_ALU(i) (CLASS(i) == BPF_ALU || CLASS(i) == BPF_ALU64)
#define IS_X(i)   ((i).code & BPF_X)
#define LD_IMM64  (BPF_LD | BPF_IMM | BPF_DW)
#define GOTOL     (BPF_JMP32 | BPF_JA)
#define BIT(reg)  (1u << (reg))
#define ARGUMENTS (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5))

static bool always_jumps(struct insn i)
{
	return i.code == (BPF_JMP | BPF_JA) || i.code == GOTOL;
}

/* Where a jump goes, in slots. */
static s64 jump_to(struct insn i, u32 at)
{
	return (s64)at + 1 + (i.code == GOTOL ? i.imm : i.off);
}

/* ---- what is known */

/* Registers that an instruction writes. */
static u32 writes(struct insn i)
{
	switch (CLASS(i)) {
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64: return BIT(i.dst);
	case BPF_LD: return i.code == LD_IMM64 ? BIT(i.dst) : BIT(0) | ARGUMENTS;
	case BPF_STX:
		if ((i.code & 0xe0) != BPF_ATOMIC)
			return 0;
		if (i.imm == BPF_CMPXCHG)
			return BIT(0);
		return i.imm == BPF_LOAD_ACQ ? BIT(i.dst) : i.imm & BPF_FETCH ? BIT(i.src) : 0;
	case BPF_JMP: return OP(i) == BPF_CALL ? BIT(0) | ARGUMENTS : 0;
	default: return 0;
	}
}

static u32 call_reads(struct insn i)
{
	const struct helper *h = helper_by_id((u32)i.imm);

	return ARGUMENTS & ((2u << (h && !i.src ? h->nargs : 5)) - 1);
}

static u32 reads(const struct slot *s)
{
	struct insn i = s->i;
	u32 source = IS_X(i) ? BIT(i.src) : 0;

	if (s->constant)
		return 0;
	switch (CLASS(i)) {
	case BPF_LDX: return BIT(i.src);
	case BPF_ST: return BIT(i.dst);
	case BPF_STX: return BIT(i.dst) | BIT(i.src) | (i.imm == BPF_CMPXCHG ? BIT(0) : 0);
	case BPF_ALU:
	case BPF_ALU64: return OP(i) == BPF_MOV ? source : source | BIT(i.dst);
	case BPF_LD: return i.code == LD_IMM64 ? 0 : BIT(6) | BIT(i.src);
	default: break;
	}
	if (OP(i) == BPF_CALL)
		return call_reads(i);
	if (OP(i) == BPF_EXIT)
		return BIT(0);
	return always_jumps(i) || OP(i) == BPF_JCOND ? 0 : source | BIT(i.dst);
}

/* A load of bytes that are known. */
static bool load(const struct spec *s, struct insn i, s64 *value)
{
	static const u8 sizes[] = {
		[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};
	u32 size = sizes[(i.code & 0x18) >> 3], mode = i.code & 0xe0;
	s64 at = s->regs[i.src].value + i.off;
	u64 v = 0;

	if (s->regs[i.src].known != RODATA || (mode != BPF_MEM && mode != BPF_MEMSX) || at < 0 ||
	    at + size > s->size)
		return false;
	memcpy(&v, s->data + at, size);
	if (mode == BPF_MEMSX)
		v = (u64)((s64)(v << (64 - 8 * size)) >> (64 - 8 * size));
	*value = (s64)v;
	return true;
}

static bool decide(struct insn i, u64 a, u64 b)
{
	if (CLASS(i) == BPF_JMP32) {
		bool is_signed = OP(i) >= BPF_JSGT && OP(i) != BPF_JLT && OP(i) != BPF_JLE;

		a = is_signed ? (u64)(s32)a : (u32)a;
		b = is_signed ? (u64)(s32)b : (u32)b;
	}
	switch (OP(i)) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return a & b;
	case BPF_JSGT: return (s64)a > (s64)b;
	case BPF_JSGE: return (s64)a >= (s64)b;
	case BPF_JSLT: return (s64)a < (s64)b;
	default: return (s64)a <= (s64)b;
	}
}

/* A source register that is known becomes an immediate, if it is one. */
static void take_in(const struct spec *s, struct insn *i)
{
	const struct reg *r = &s->regs[i->src];

	if (!IS_X(*i) || r->known != CONSTANT || r->value != (s32)r->value ||
	    (IS_ALU(*i) && (i->off || OP(*i) == BPF_DIV || OP(*i) == BPF_MOD || OP(*i) == BPF_END ||
			    OP(*i) == BPF_LSH || OP(*i) == BPF_RSH || OP(*i) == BPF_ARSH)))
		return;
	i->code &= (u8)~BPF_X;
	i->src = 0;
	i->imm = (s32)r->value;
}

static void follow_jump(struct spec *s, struct slot *slot)
{
	struct insn *i = &slot->i;
	const struct reg *a = &s->regs[i->dst];

	if (always_jumps(*i) || OP(*i) == BPF_JCOND)
		return;
	take_in(s, i);
	if (a->known != CONSTANT || IS_X(*i))
		return;
	slot->gone = !decide(*i, (u64)a->value, (u64)(s64)i->imm);
	*i = (struct insn){.code = BPF_JMP | BPF_JA, .off = slot->gone ? 0 : i->off};
}

/* The new contents of dst, when the instruction makes it known. */
static struct reg result(const struct spec *s, const struct slot *slot, u32 at)
{
	struct insn i = slot->i;
	struct reg r = {0};

	if (slot->constant)
		return (struct reg){CONSTANT, slot->value};
	if (i.code == LD_IMM64 && slot->reloc) {
		const struct code_reloc *reloc = &s->code->relocs.v[slot->reloc - 1];

		if (reloc->data && reloc->map == s->rodata)
			r = (struct reg){RODATA, reloc->off};
	} else if (i.code == LD_IMM64 && !i.src) {
		r = (struct reg){CONSTANT,
				 (s64)((u64)(u32)s->slots[at + 1].i.imm << 32 | (u32)i.imm)};
	} else if (i.code == (BPF_ALU64 | BPF_MOV | BPF_K)) {
		r = (struct reg){CONSTANT, i.imm};
	} else if (i.code == (BPF_ALU | BPF_MOV | BPF_K)) {
		r = (struct reg){CONSTANT, (u32)i.imm};
	} else if (i.code == (BPF_ALU64 | BPF_MOV | BPF_X) && !i.off) {
		r = s->regs[i.src];
	}
	return r;
}

static void follow(struct spec *s)
{
	for (u32 at = 0; at < s->n; at++) {
		struct slot *slot = &s->slots[at];
		u32 written;
		struct reg r;

		if (slot->second)
			continue;
		if (slot->target)
			memset(s->regs, 0, sizeof(s->regs));
		if (IS_JUMP(slot->i))
			follow_jump(s, slot);
		else if (IS_ALU(slot->i))
			take_in(s, &slot->i);
		else if (CLASS(slot->i) == BPF_LDX)
			slot->constant = load(s, slot->i, &slot->value);
		r = result(s, slot, at);
		written = writes(slot->i);
		for (u32 reg = 0; reg < ARRAY_SIZE(s->regs); reg++)
			if (written & BIT(reg))
				s->regs[reg] = reg == slot->i.dst ? r : (struct reg){0};
	}
}

/* ---- what is needed */

static void reach(struct spec *s)
{
	bool more = true;

	s->slots[0].reached = true;
	while (more) { /* again only where a jump leads back */
		more = false;
		for (u32 at = 0; at < s->n; at++) {
			struct slot *slot = &s->slots[at];
			s64 to = IS_JUMP(slot->i) && !slot->gone ? jump_to(slot->i, at) : -1;

			if (!slot->reached || slot->second)
				continue;
			if (to >= 0 && !s->slots[to].reached) {
				s->slots[to].reached = true;
				more |= to < at;
			}
			if (slot->i.code != (BPF_JMP | BPF_EXIT) &&
			    (to < 0 || !always_jumps(slot->i)))
				s->slots[at + (slot->i.code == LD_IMM64 ? 2 : 1)].reached = true;
		}
	}
}

static u32 live_before(const struct slot *slot)
{
	return slot->gone ? slot->live : (slot->live & ~writes(slot->i)) | reads(slot);
}

static bool only_sets(const struct slot *slot)
{
	return slot->constant || slot->i.code == LD_IMM64 ||
	       (IS_ALU(slot->i) && OP(slot->i) == BPF_MOV);
}

/* From the last to the first; once more while a jump leads back to where more turned out to live.
 */
static void find_live(struct spec *s)
{
	bool more = true;

	while (more) {
		more = false;
		for (u32 at = s->n; at--;) {
			struct slot *slot = &s->slots[at];
			u32 next = at + (slot->i.code == LD_IMM64 && !slot->second ? 2 : 1),
			    live = 0;
			s64 to = IS_JUMP(slot->i) && !slot->gone ? jump_to(slot->i, at) : -1;

			if (slot->second || !slot->reached)
				continue;
			if (to >= 0)
				live |= live_before(&s->slots[to]);
			if (slot->i.code != (BPF_JMP | BPF_EXIT) &&
			    (to < 0 || !always_jumps(slot->i)))
				live |= live_before(&s->slots[next]);
			more |= live != slot->live && s->n > 1;
			slot->live = (u16)live;
		}
	}
}

static void drop(struct spec *s)
{
	reach(s);
	find_live(s);
	for (u32 at = 0; at < s->n; at++) {
		struct slot *slot = &s->slots[at];

		slot->gone |=
			!slot->reached || (only_sets(slot) && !(slot->live & BIT(slot->i.dst)));
	}
}

/* ---- the program anew */

static u32 slots_of(const struct slot *slot)
{
	if (slot->constant)
		return slot->value == (s32)slot->value ? 1 : 2;
	return slot->i.code == LD_IMM64 ? 2 : 1;
}

/* A jump to what comes next, once nothing is left between. */
static void drop_jumps(struct spec *s)
{
	for (u32 at = 0; at < s->n; at++) {
		struct slot *slot = &s->slots[at];
		s64 to = jump_to(slot->i, at), next = (s64)at + 1;

		if (slot->gone || slot->second || !always_jumps(slot->i) || to <= at)
			continue;
		while (next < to && (s->slots[next].gone || s->slots[next].second))
			next++;
		slot->gone = next == to;
	}
}

static void place(const struct spec *s, struct specialised *out)
{
	u32 n = 0;

	for (u32 at = 0; at < s->n; at++) {
		out->at[at] = n;
		if (!s->slots[at].second && !s->slots[at].gone)
			n += slots_of(&s->slots[at]);
	}
	out->at[s->n] = out->n = n;
}

static void write_slot(const struct spec *s, struct specialised *out, u32 at)
{
	const struct slot *slot = &s->slots[at];
	struct insn *to = out->insns + out->at[at];

	*to = slot->i;
	if (slot->constant) {
		*to = (struct insn){.code = BPF_ALU64 | BPF_MOV | BPF_K,
				    .dst = slot->i.dst,
				    .imm = (s32)slot->value};
		if (slots_of(slot) == 2) {
			to->code = LD_IMM64;
			to[1] = (struct insn){.imm = (s32)(slot->value >> 32)};
		}
	} else if (slot->i.code == LD_IMM64) {
		to[1] = s->slots[at + 1].i;
	}
	if (slot->reloc) {
		struct code_reloc *r = &out->relocs[out->nrelocs++];

		*r = s->code->relocs.v[slot->reloc - 1];
		r->insn = out->at[at];
	}
}

/* False: a jump is too far now, which can happen where constants got longer. */
static bool write_jump(const struct spec *s, struct specialised *out, u32 at)
{
	struct insn *to = out->insns + out->at[at];
	s64 off = (s64)out->at[jump_to(s->slots[at].i, at)] - out->at[at] - 1;

	if (to->code == GOTOL)
		to->imm = (s32)off;
	else
		to->off = (s16)off;
	return to->code == GOTOL || off == (s16)off;
}

static bool write_parts(const struct spec *s, struct specialised *out)
{
	bool fits = true;

	out->nrelocs = 0;
	for (u32 at = 0; at < s->n; at++) {
		if (s->slots[at].gone || s->slots[at].second)
			continue;
		write_slot(s, out, at);
		if (IS_JUMP(s->slots[at].i))
			fits &= write_jump(s, out, at);
	}
	return fits;
}

/* The slots as they came. False: nothing can be said about this program. */
static bool slots_read(struct spec *s)
{
	const struct code *c = s->code;
	bool plain = true;

	for (u32 at = 0; at < s->n; at++) {
		struct slot *slot = &s->slots[at];
		s64 to;

		slot->i = c->insns.v[at];
		slot->second =
			at && s->slots[at - 1].i.code == LD_IMM64 && !s->slots[at - 1].second;
		if (slot->second)
			continue;
		plain &= slot->i.dst < ARRAY_SIZE(s->regs) && slot->i.src < ARRAY_SIZE(s->regs);
		plain &= slot->i.code != LD_IMM64 ||
			 (at + 1 < s->n && slot->i.src != BPF_PSEUDO_FUNC);
		plain &= slot->i.code != (BPF_JMP | BPF_CALL) || slot->i.src != BPF_PSEUDO_CALL;
		if (!IS_JUMP(slot->i))
			continue;
		to = jump_to(slot->i, at);
		if (to < 0 || to >= s->n)
			plain = false;
		else
			s->slots[to].target = true;
	}
	for (u32 r = 0; r < c->relocs.n; r++)
		if (c->relocs.v[r].insn < s->n)
			s->slots[c->relocs.v[r].insn].reloc = r + 1;
	plain &= s->n && s->slots[s->n - 1].i.code != LD_IMM64;
	return plain;
}

static int memory(struct specialised *out, const struct code *c)
{
	u32 n = MAX(c->insns.n, 1u);

	*out = (struct specialised){
		.insns = calloc(2 * (size_t)n, sizeof(*out->insns)),
		.relocs = calloc(c->relocs.n + 1u, sizeof(*out->relocs)),
		.at = calloc(n + 1u, sizeof(*out->at)),
	};
	if (out->insns && out->relocs && out->at)
		return 0;
	specialised_free(out);
	return -ENOMEM;
}

static void copy(struct specialised *out, const struct code *c)
{
	out->n = c->insns.n;
	out->nrelocs = c->relocs.n;
	if (out->n)
		memcpy(out->insns, c->insns.v, out->n * sizeof(*out->insns));
	if (out->nrelocs)
		memcpy(out->relocs, c->relocs.v, out->nrelocs * sizeof(*out->relocs));
	for (u32 at = 0; at <= out->n; at++)
		out->at[at] = at;
}

int specialise(struct specialised *out, const struct code *c, u32 rodata, const u8 *data, u32 size)
{
	struct spec s = {.code = c, .rodata = rodata, .data = data, .size = size, .n = c->insns.n};
	bool done = false;

	if (memory(out, c))
		return -ENOMEM;
	s.slots = calloc(s.n + 1u, sizeof(*s.slots));
	if (!s.slots) {
		specialised_free(out);
		return -ENOMEM;
	}
	if (size && slots_read(&s)) {
		follow(&s);
		drop(&s);
		drop_jumps(&s);
		place(&s, out);
		done = write_parts(&s, out);
	}
	if (!done)
		copy(out, c);
	free(s.slots);
	return 0;
}

void specialised_free(struct specialised *s)
{
	free(s->insns);
	free(s->relocs);
	free(s->at);
	*s = (struct specialised){0};
}
