/*
 * lower_agg.c: aggregations: one observation n into the words at ptr. The rows of aggs.def name
 * these; what the words mean is said in object.h and hist.h.
 */
#include "script/lower.h"

#include "isa/isa.h"
#include "object/hist.h"

/* A run that can be preempted is not alone on its CPU, and a value may be that of all CPUs. */
static bool is_alone(const struct lower *l)
{
	return !l->claim.wanted && !l->shared;
}

static void add_to(struct lower *l, u32 ptr, s32 off, u32 n)
{
	if (!is_alone(l))
		ir_atomic_add(l->fn, 8, ptr, off, n);
	else
		ir_store(l->fn, 8, ptr, off,
			 ir_bin(l->fn, IR_ADD, IRT_I64, ir_load(l->fn, 8, false, ptr, off), n));
}

void lower_agg_count(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	(void)n, (void)of;
	add_to(l, ptr, 0, ir_const(l->fn, 1));
}

void lower_agg_sum(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	(void)of;
	add_to(l, ptr, 0, n);
}

/* Goes to `done` unless n is more extreme than what is there, or nothing is. */
static u32 ask_extreme(struct lower *l, u32 ptr, u32 n, u8 op, bool largest, u32 done)
{
	struct ir_fn *fn = l->fn;
	u32 compare = ir_block(fn), keep = ir_block(fn), old, set;

	set = ir_load(fn, 8, false, ptr, 8);
	ir_br(fn, set, compare, keep);
	ir_seal(fn, compare);
	ir_at(fn, compare);
	old = ir_load(fn, 8, false, ptr, 0);
	ir_br(fn, ir_bin(fn, op, IRT_I64, largest ? old : n, largest ? n : old), keep, done);
	ir_seal(fn, keep);
	ir_at(fn, keep);
	return set;
}

#define TRIES 3

/* { value, is_set }: n replaces the value if there is none yet, or if it is more extreme. In a run
 * that can be preempted the value is exchanged: if what comes out is better after all, it was put
 * there meanwhile and goes back. */
static void keep_extreme(struct lower *l, u32 ptr, u32 n, bool is_signed, bool largest)
{
	struct ir_fn *fn = l->fn;
	u32 done = ir_block(fn), was, set, again;
	u8 op = is_signed ? IR_SLT : IR_ULT;
	bool swaps = !is_alone(l) && l->object->kernel >= KERNEL(5, 12);

	for (u32 i = 0; swaps && i < TRIES; i++) {
		set = ask_extreme(l, ptr, n, op, largest, done);
		was = ir_atomic_swap(fn, 8, ptr, 0, n);
		ir_store(fn, 8, ptr, 8, ir_const(fn, 1));
		again = ir_block(fn);
		ir_br(fn, set, again, done);
		ir_seal(fn, again);
		ir_at(fn, again);
		n = was;
	}
	if (!swaps) {
		ask_extreme(l, ptr, n, op, largest, done);
		ir_store(fn, 8, ptr, 0, n);
		ir_store(fn, 8, ptr, 8, ir_const(fn, 1));
	}
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

void lower_agg_min(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	keep_extreme(l, ptr, n, of->is_signed, false);
}

void lower_agg_max(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	keep_extreme(l, ptr, n, of->is_signed, true);
}

void lower_agg_avg(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	(void)of;
	add_to(l, ptr, 0, n);
	add_to(l, ptr, 8, ir_const(l->fn, 1));
}

/* Counts in the bucket `index`, which the verifier must see to be one of `buckets`. */
static void count_in(struct lower *l, u32 ptr, u32 index, u32 buckets)
{
	struct ir_fn *fn = l->fn;
	u32 count = ir_block(fn), done = ir_block(fn), i = ir_get(fn, index), off;

	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, i, ir_const(fn, buckets)), count, done);
	ir_seal(fn, count);
	ir_at(fn, count);
	off = ir_bin(fn, IR_SHL, IRT_I64, i, ir_const(fn, 3));
	add_to(l, ir_bin(fn, IR_ADD, IRT_MAPVAL, ptr, off), 0, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* If the condition holds, index becomes that and all is decided; goes on where it does not. */
static void decide(struct lower *l, u32 condition, u32 index, u32 value, u32 decided)
{
	struct ir_fn *fn = l->fn;
	u32 next = ir_block(fn), set = ir_block(fn);

	ir_br(fn, condition, set, next);
	ir_seal(fn, set);
	ir_at(fn, set);
	ir_set(fn, index, value);
	ir_jmp(fn, decided);
	ir_seal(fn, next);
	ir_at(fn, next);
}

/* floor(log2(n)) of n > 0, by halves. */
static u32 log2_of(struct lower *l, u32 n)
{
	struct ir_fn *fn = l->fn;
	u32 log = ir_var(fn, IRT_I64), rest = ir_var(fn, IRT_I64);

	ir_set(fn, log, ir_const(fn, 0));
	ir_set(fn, rest, n);
	for (u32 shift = 32; shift; shift /= 2) {
		u32 large = ir_block(fn), next = ir_block(fn), value = ir_get(fn, rest);

		ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, value, ir_const(fn, (s64)(1ull << shift))),
		      next, large);
		ir_seal(fn, large);
		ir_at(fn, large);
		ir_set(fn, log, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, log), ir_const(fn, shift)));
		ir_set(fn, rest, ir_bin(fn, IR_SHR, IRT_I64, value, ir_const(fn, shift)));
		ir_jmp(fn, next);
		ir_seal(fn, next);
		ir_at(fn, next);
	}
	return ir_get(fn, log);
}

/* hist_bucket() of object/hist.h. */
void lower_agg_hist(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	struct ir_fn *fn = l->fn;
	u32 bits = (u32)of->arg[0], index = ir_var(fn, IRT_I64), count = ir_block(fn), log, i;

	if (of->is_signed)
		decide(l, ir_bin(fn, IR_SLT, IRT_I64, n, ir_const(fn, 0)), index, ir_const(fn, 0),
		       count);
	decide(l, ir_bin(fn, IR_ULT, IRT_I64, n, ir_const(fn, 1ll << bits)), index,
	       bits ? ir_bin(fn, IR_ADD, IRT_I64, n, ir_const(fn, 1)) : ir_const(fn, 1), count);
	log = log2_of(l, n);
	if (bits) {
		log = ir_bin(fn, IR_SUB, IRT_I64, log, ir_const(fn, bits));
		i = ir_bin(fn, IR_SHL, IRT_I64, ir_bin(fn, IR_ADD, IRT_I64, log, ir_const(fn, 1)),
			   ir_const(fn, bits));
		i = ir_bin(fn, IR_ADD, IRT_I64, i,
			   ir_bin(fn, IR_AND, IRT_I64, ir_bin(fn, IR_SHR, IRT_I64, n, log),
				  ir_const(fn, (1ll << bits) - 1)));
	} else {
		i = ir_bin(fn, IR_ADD, IRT_I64, log, ir_const(fn, 1));
	}
	ir_set(fn, index, ir_bin(fn, IR_ADD, IRT_I64, i, ir_const(fn, 1)));
	ir_jmp(fn, count);
	ir_seal(fn, count);
	ir_at(fn, count);
	count_in(l, ptr, index, hist_buckets(bits));
}

/* lhist_bucket() of object/hist.h. */
void lower_agg_lhist(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	struct ir_fn *fn = l->fn;
	s64 min = of->arg[0], max = of->arg[1], step = of->arg[2];
	u32 buckets = lhist_buckets(min, max, step), index = ir_var(fn, IRT_I64);
	u32 count = ir_block(fn), i;

	decide(l, ir_bin(fn, IR_SLT, IRT_I64, n, ir_const(fn, min)), index, ir_const(fn, 0), count);
	decide(l, ir_bin(fn, IR_SLE, IRT_I64, ir_const(fn, max), n), index,
	       ir_const(fn, buckets - 1), count);
	i = ir_bin(fn, IR_SUB, IRT_I64, n, ir_const(fn, min));
	if (step > 1)
		i = ir_bin(fn, IR_UDIV, IRT_I64, i, ir_const(fn, step));
	ir_set(fn, index, ir_bin(fn, IR_ADD, IRT_I64, i, ir_const(fn, 1)));
	ir_jmp(fn, count);
	ir_seal(fn, count);
	ir_at(fn, count);
	count_in(l, ptr, index, buckets);
}
