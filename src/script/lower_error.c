/*
 * lower_error.c: what helpers could not do, as records: with -k, and of delete(@m, key) always.
 *
 * In:  the result of a helper that can fail. Out: the same, and behind it, where it failed, a record
 *      with the helper's name, its place and what it returned.
 */
#include "script/lower.h"

#include "isa/isa.h"

/* Sends the result that a variable of the IR holds. */
static void send(struct lower *l, u32 helper, u32 result)
{
	struct script_var var = {.name = "retcode", .type = TYPE_S64, .ir = result};
	struct node n = {.kind = NODE_VAR, .text = var.name, .type = TYPE_S64, .var = &var};

	lower_error_record(l, helper_by_id(helper)->name, &n);
}

static u32 check(struct lower *l, u32 helper, u32 failed, u32 result)
{
	struct ir_fn *fn = l->fn;
	u32 bad = ir_block(fn), done = ir_block(fn), var = ir_var(fn, IRT_I64);
	struct memo memo = l->memo;

	ir_set(fn, var, result);
	ir_br(fn, failed, bad, done);
	ir_seal(fn, bad);
	ir_at(fn, bad);
	send(l, helper, var);
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

u32 lower_checked(struct lower *l, u32 helper, u32 result)
{
	return l->opts->helper_errors ? lower_told(l, helper, result) : result;
}

u32 lower_told(struct lower *l, u32 helper, u32 result)
{
	struct ir_fn *fn = l->fn;
	u32 word = ir_const(fn, 32), code;

	/* below Linux 6.4 those of maps return an int: the upper half is anything */
	code = ir_bin(fn, IR_SHL, IRT_I64, result, word);
	code = ir_bin(fn, IR_SAR, IRT_I64, code, word);
	return check(l, helper, ir_bin(fn, IR_SLT, IRT_I64, code, ir_const(fn, 0)), code);
}

void lower_missing(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 var;

	if (!l->opts->helper_errors)
		return;
	var = ir_var(fn, IRT_I64);
	ir_set(fn, var, ir_const(fn, 0));
	send(l, HELPER_map_lookup_elem, var);
}
