/*
 * lower_agg_read.c: the value of an aggregation, over all CPUs.
 *
 * In:  a per-CPU map with keys, and a key in memory. Out: the number that would be printed: count
 * and sum added up, the least and the largest, the mean. Each CPU has its own value, so this is a
 * loop.
 */
#include "script/lower.h"

#include "isa/isa.h"
#include "object/object.h"

struct reading {
	u32 agg;
	bool is_signed;
	u32 first, second; /* variables: the words so far */
};

/* Adds what is at ptr. */
static void take(struct lower *l, const struct reading *r, u32 ptr)
{
	struct ir_fn *fn = l->fn;
	u32 value = ir_load(fn, 8, false, ptr, 0), other, old, keep, done;
	u8 op = r->is_signed ? IR_SLT : IR_ULT;

	if (r->agg == AGG_COUNT || r->agg == AGG_SUM) {
		ir_set(fn, r->first, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, r->first), value));
		return;
	}
	other = ir_load(fn, 8, false, ptr, 8);
	if (r->agg == AGG_AVG) {
		ir_set(fn, r->first, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, r->first), value));
		ir_set(fn, r->second, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, r->second), other));
		return;
	}
	/* taken if this CPU has one, and none was there or this one is more extreme */
	keep = ir_block(fn), done = ir_block(fn);
	old = ir_get(fn, r->first);
	value = r->agg == AGG_MAX ? ir_bin(fn, op, IRT_I64, old, value)
				  : ir_bin(fn, op, IRT_I64, value, old);
	value = ir_bin(fn, IR_OR, IRT_I64, value,
		       ir_bin(fn, IR_EQ, IRT_I64, ir_get(fn, r->second), ir_const(fn, 0)));
	value = ir_bin(fn, IR_AND, IRT_I64, value,
		       ir_bin(fn, IR_NE, IRT_I64, other, ir_const(fn, 0)));
	ir_br(fn, value, keep, done);
	ir_seal(fn, keep);
	ir_at(fn, keep);
	ir_set(fn, r->first, ir_load(fn, 8, false, ptr, 0));
	ir_set(fn, r->second, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

u32 lower_agg_value(struct lower *l, const struct script_map *map, struct mem key)
{
	struct ir_fn *fn = l->fn;
	struct reading r = {map->value.agg, map->value.is_signed, ir_var(fn, IRT_I64),
			    ir_var(fn, IRT_I64)};
	u32 head = ir_block(fn), body = ir_block(fn), found = ir_block(fn), done = ir_block(fn);
	u32 cpu = ir_var(fn, IRT_I64), last, at;

	last = lower_config(l, offsetof(struct waggle_config, cpu_mask));
	ir_set(fn, r.first, ir_const(fn, 0));
	ir_set(fn, r.second, ir_const(fn, 0));
	ir_set(fn, cpu, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, ir_get(fn, cpu), last), body, done);
	ir_seal(fn, body);
	ir_at(fn, body);
	at = ir_call(fn, HELPER_map_lookup_percpu_elem, IRT_MAPVAL, 3, ir_map(fn, map->index),
		     mem_addr(l, key), ir_get(fn, cpu));
	ir_br(fn, at, found, done);
	ir_seal(fn, found);
	ir_at(fn, found);
	take(l, &r, at);
	ir_set(fn, cpu, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, cpu), ir_const(fn, 1)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	if (r.agg != AGG_AVG)
		return ir_get(fn, r.first);
	return lower_arith(l, TOK_DIV, r.is_signed ? TYPE_S64 : TYPE_U64, ir_get(fn, r.first),
			   ir_get(fn, r.second));
}
