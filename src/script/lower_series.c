/*
 * lower_series.c: observations of quantile() and tseries(); their values are told of in
 * object/series.h. The rows of aggs.def name these.
 */
#include "object/series.h"
#include "script/lower.h"

#include "isa/isa.h"

void lower_agg_quantile(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	const s64 bits[3] = {QUANTILE_BITS};
	struct agg_of hist = {of->is_signed, bits};

	lower_agg_max(l, ir_add_imm(l->fn, ptr, QUANTILE_MAX * 8), n, of);
	lower_agg_min(l, ir_add_imm(l->fn, ptr, QUANTILE_MIN * 8), n, of);
	lower_agg_hist(l, ptr, n, &hist);
}

/* Where the slot of this moment's interval is, and the interval's number. */
static u32 slot_now(struct lower *l, const struct agg_of *of, u32 now, u32 *interval)
{
	struct ir_fn *fn = l->fn;
	u32 slot;

	*interval = ir_bin(fn, IR_UDIV, IRT_I64, now, ir_const(fn, of->arg[0]));
	slot = ir_bin(fn, IR_UMOD, IRT_I64, *interval, ir_const(fn, of->arg[1]));
	return ir_bin(fn, IR_MUL, IRT_I64, slot, ir_const(fn, SLOT_WORDS * 8));
}

static u32 word(struct lower *l, u32 slot, u32 i)
{
	return ir_load(l->fn, 8, false, slot, (s32)i * 8);
}

/* What the slot is to hold after n, where `old` was there from the same interval. */
static u32 combined(struct lower *l, const struct agg_of *of, u32 old, u32 n)
{
	struct ir_fn *fn = l->fn;
	bool largest = of->arg[2] == SERIES_MAX;
	u32 var, keep, done, less;

	switch (of->arg[2]) {
	case SERIES_LAST: return n;
	case SERIES_AVG:
	case SERIES_SUM: return ir_bin(fn, IR_ADD, IRT_I64, old, n);
	default: break;
	}
	var = ir_var(fn, IRT_I64), keep = ir_block(fn), done = ir_block(fn);
	less = ir_bin(fn, of->is_signed ? IR_SLT : IR_ULT, IRT_I64, largest ? n : old,
		      largest ? old : n);
	ir_set(fn, var, n);
	ir_br(fn, less, keep, done);
	ir_seal(fn, keep);
	ir_at(fn, keep);
	ir_set(fn, var, old);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

void lower_agg_tseries(struct lower *l, u32 ptr, u32 n, const struct agg_of *of)
{
	struct ir_fn *fn = l->fn;
	u32 now =
		ir_bin(fn, IR_ADD, IRT_I64, lower_nsecs(l), lower_fill(l, FILL_WALL_OFFSET, NULL));
	u32 inside = ir_block(fn), same = ir_block(fn), other = ir_block(fn), store = ir_block(fn);
	u32 done = ir_block(fn), value = ir_var(fn, IRT_I64), more = ir_var(fn, IRT_I64);
	bool last = of->arg[2] == SERIES_LAST;
	u32 interval, off = slot_now(l, of, now, &interval), slot, fits;

	/* for the verifier: a remainder has no bounds in its eyes */
	fits = ir_bin(fn, IR_ULE, IRT_I64, off, ir_const(fn, (of->arg[1] - 1) * SLOT_WORDS * 8));
	ir_br(fn, fits, inside, done);
	ir_seal(fn, inside);
	ir_at(fn, inside);
	slot = ir_bin(fn, IR_ADD, IRT_MAPVAL, ptr, off);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, word(l, slot, SLOT_INTERVAL), interval), same, other);
	ir_seal(fn, same);
	ir_seal(fn, other);
	ir_at(fn, same);
	ir_set(fn, value, combined(l, of, word(l, slot, SLOT_VALUE), n));
	ir_set(fn, more,
	       last ? now : ir_bin(fn, IR_ADD, IRT_I64, word(l, slot, SLOT_MORE), ir_const(fn, 1)));
	ir_jmp(fn, store);
	ir_at(fn, other);
	ir_store(fn, 8, slot, SLOT_INTERVAL * 8, interval);
	ir_set(fn, value, n);
	ir_set(fn, more, last ? now : ir_const(fn, 1));
	ir_jmp(fn, store);
	ir_seal(fn, store);
	ir_at(fn, store);
	ir_store(fn, 8, slot, SLOT_VALUE * 8, ir_get(fn, value));
	ir_store(fn, 8, slot, SLOT_MORE * 8, ir_get(fn, more));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}
