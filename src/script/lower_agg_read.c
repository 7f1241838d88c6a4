/*
 * lower_agg_read.c: aggregations as values of expressions: @c > 5, $x = @sum, (int64)@avg[k].
 *
 * Each CPU has words of its own, which are added up here: in a loop over the CPUs, into memory whose
 * contents the verifier does not follow, so that all turns look alike to it. Kernels that cannot look up
 * the value of another CPU (below 5.19) keep one value for all of them where a script reads it:
 * see map_kind_of() in lower_map_rows.c.
 */
#include "script/lower.h"

#include "isa/isa.h"

/* The sum (or extreme) so far, and how many, or whether there is one. */
struct sums {
	struct mem value, count;
	bool is_signed, largest;
};

static void add_word(struct lower *l, struct mem to, u32 ptr, s32 off)
{
	u32 sum = ir_load(l->fn, 8, false, to.ptr, to.off);

	ir_store(l->fn, 8, to.ptr, to.off,
		 ir_bin(l->fn, IR_ADD, IRT_I64, sum, ir_load(l->fn, 8, false, ptr, off)));
}

/* { value, is_set }: kept if it is the first, or more extreme. */
static void take_extreme(struct lower *l, const struct sums *s, u32 ptr)
{
	struct ir_fn *fn = l->fn;
	u32 look = ir_block(fn), ask = ir_block(fn), keep = ir_block(fn), done = ir_block(fn);
	u32 n, old;

	ir_br(fn, ir_load(fn, 8, false, ptr, 8), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	n = ir_load(fn, 8, false, ptr, 0);
	ir_br(fn, ir_load(fn, 8, false, s->count.ptr, s->count.off), ask, keep);
	ir_seal(fn, ask);
	ir_at(fn, ask);
	old = ir_load(fn, 8, false, s->value.ptr, s->value.off);
	ir_br(fn,
	      ir_bin(fn, s->is_signed ? IR_SLT : IR_ULT, IRT_I64, s->largest ? old : n,
		     s->largest ? n : old),
	      keep, done);
	ir_seal(fn, keep);
	ir_at(fn, keep);
	ir_store(fn, 8, s->value.ptr, s->value.off, n);
	ir_store(fn, 8, s->count.ptr, s->count.off, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

static void take(struct lower *l, u8 agg, const struct sums *s, u32 ptr)
{
	if (agg == AGG_MIN || agg == AGG_MAX) {
		take_extreme(l, s, ptr);
		return;
	}
	add_word(l, s->value, ptr, 0);
	if (agg == AGG_AVG || agg == AGG_STATS)
		add_word(l, s->count, ptr, 8);
}

/* What one CPU has, or, without `cpu`, all have together. */
static void take_one(struct lower *l, const struct script_map *m, const struct sums *s,
		     struct mem key, u32 cpu)
{
	struct ir_fn *fn = l->fn;
	u32 found = ir_block(fn), done = ir_block(fn), map = ir_map(fn, m->index), ptr;

	ptr = cpu ? ir_call(fn, HELPER_map_lookup_percpu_elem, IRT_MAPVAL, 3, map, mem_addr(l, key), cpu)
		  : ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, map, mem_addr(l, key));
	ir_br(fn, ptr, found, done);
	ir_seal(fn, found);
	ir_at(fn, found);
	take(l, m->value.agg, s, ptr);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

static void take_all(struct lower *l, const struct script_map *m, const struct sums *s,
		     struct mem key)
{
	struct ir_fn *fn = l->fn;
	u32 head = ir_block(fn), body = ir_block(fn), done = ir_block(fn), at = ir_var(fn, IRT_I64);
	u32 last = lower_config(l, offsetof(struct waggle_config, cpu_mask));
	struct memo memo = l->memo;

	ir_set(fn, at, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, ir_get(fn, at), last), body, done);
	ir_seal(fn, body);
	ir_at(fn, body);
	take_one(l, m, s, key, ir_get(fn, at));
	ir_set(fn, at, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, at), ir_const(fn, 1)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	l->memo = memo;
}

u32 lower_agg_value(struct lower *l, const struct script_map *map, struct mem key)
{
	u32 piece = mem_get_scratch(l, 16), value, count;
	struct mem m = mem_at(l, &l->pieces.v[piece]);
	u8 agg = map->value.agg;
	struct sums s = {m, {m.ptr, m.off + 8}, map->value.is_signed, agg == AGG_MAX};

	mem_zero(l, m, 16);
	if (lower_agg_shared(l, map))
		take_one(l, map, &s, key, 0);
	else
		take_all(l, map, &s, key);
	value = ir_load(l->fn, 8, false, s.value.ptr, s.value.off);
	count = ir_load(l->fn, 8, false, s.count.ptr, s.count.off);
	mem_put(l, piece);
	if (agg != AGG_AVG && agg != AGG_STATS)
		return value;
	return lower_arith(l, TOK_DIV, s.is_signed ? TYPE_S64 : TYPE_U64, value, count);
}

u32 lower_agg_read(struct lower *l, struct node *n)
{
	u32 piece, value;
	struct mem key = lower_key(l, n, &piece);

	value = lower_agg_value(l, n->map, key);
	mem_put(l, piece);
	return value;
}
