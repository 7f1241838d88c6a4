/*
 * lower_trial.c: tests and benchmarks: what they returned, how long they took.
 *
 * In:  the point of a program. Out: records whose action is RESULT. A benchmark reads the clock
 * before and behind its statements, and once more in front, so that what reading it costs is known.
 */
#include "script/lower.h"

#include "isa/isa.h"

static void result(struct lower *l, u32 value)
{
	struct action a = {.kind = ACTION_RESULT, .text = ""};
	struct script_var v = {.name = "result", .type = TYPE_S64, .ir = ir_var(l->fn, IRT_I64)};
	struct node n = {.kind = NODE_VAR, .text = "result", .var = &v, .type = TYPE_S64};

	ir_set(l->fn, v.ir, value);
	lower_record(l, "result", &a, VIEW_LINES, &n);
}

void trial_return(struct lower *l, struct node *value)
{
	if (l->point->row->attach == ATTACH_TEST && value)
		result(l, lower_int(l, value));
	else if (l->verdict && value)
		ir_set(l->fn, l->verdict, lower_int(l, value));
	else if (value)
		lower_int(l, value);
}

static u32 clock_now(struct lower *l)
{
	return ir_call(l->fn, HELPER_ktime_get_ns, IRT_I64, 0);
}

void trial_body(struct lower *l, struct node *body)
{
	struct ir_fn *fn = l->fn;
	u32 first, second, third;

	if (l->point->row->attach != ATTACH_BENCH) {
		lower_statements(l, body);
		return;
	}
	first = clock_now(l);
	second = clock_now(l);
	lower_statements(l, body);
	if (!ir_open(fn))
		return;
	third = clock_now(l);
	third = ir_bin(fn, IR_SUB, IRT_I64, third, second);
	second = ir_bin(fn, IR_SUB, IRT_I64, second, first);
	result(l, ir_bin(fn, IR_SUB, IRT_I64, third, second));
}
