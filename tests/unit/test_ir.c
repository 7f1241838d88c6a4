/*
 * test_ir.c: the IR: what building folds, that the checker sees what is broken, what each pass
 * does.
 */
#include "ir/inside.h"
#include "isa/isa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct ir_fn *f;
	struct buf out;
	u32 p; /* address of data to load from and store to */
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	if (!x)
		return -1;
	x->f = ir_fn_new(&x->arena, "t");
	x->p = ir_data(x->f, 0, 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	arena_free(&x->arena);
	buf_free(&x->out);
	free(x);
	return 0;
}

static u32 num(struct fixture *x, u64 c)
{
	return ir_const(x->f, (s64)c);
}

static u32 input(struct fixture *x, u32 n)
{
	return ir_load(x->f, 8, false, x->p, (s32)n * 8);
}

static const char *text(struct fixture *x)
{
	x->out.n = 0;
	ir_print(&x->out, x->f);
	return buf_str(&x->out);
}

static u32 count_ops(struct fixture *x, enum ir_op op)
{
	u32 n = 0;

	ir_analyse(x->f);
	vec_each (b, &x->f->order)
		vec_each (v, &x->f->blocks.v[*b].ins)
			n += x->f->ins.v[*v].op == op;
	return n;
}

/* Of those that somebody asks for; a sum that nobody asks for asks for nothing. */
static u32 count_used(struct fixture *x, enum ir_op op)
{
	u32 n = 0, *uses, *ops;

	ir_analyse(x->f);
	uses = ir_count_uses(x->f);
	for (u32 b = x->f->order.n; b--;) {
		struct ir_block *block = &x->f->blocks.v[x->f->order.v[b]];

		for (u32 k = block->ins.n; k--;) {
			u32 v = block->ins.v[k];
			struct ir_ins *i = &x->f->ins.v[v];

			if (!uses[v] && ir_ops[i->op].flags & IR_PURE)
				for (u32 a = ir_operands(x->f, i, &ops); a--; ops++)
					uses[*ops]--;
			n += uses[v] && i->op == op;
		}
	}
	return n;
}

static void assert_sound(struct fixture *x)
{
	const char *why = ir_check(x->f);

	if (why)
		fail_msg("%s\n%s", why, text(x));
}

/* ---- folding while building */

static void folds_constants(void **state)
{
	static const struct {
		enum ir_op op;
		enum ir_type type;
		u64 a, b, want;
	} rows[] = {
		{IR_ADD, IRT_I64, UINT64_MAX, 2, 1},
		{IR_ADD, IRT_I32, UINT32_MAX, 2, 1},
		{IR_SUB, IRT_I32, 0, 1, UINT32_MAX},
		{IR_MUL, IRT_I32, 0x10001, 0x10001, 0x20001},
		{IR_UDIV, IRT_I64, 7, 0, 0},
		{IR_UMOD, IRT_I64, 7, 0, 7},
		{IR_UMOD, IRT_I32, 0x100000007, 0, 7},
		{IR_SDIV, IRT_I64, 1ull << 63, UINT64_MAX, 1ull << 63},
		{IR_SDIV, IRT_I32, 0x80000000, UINT32_MAX, 0x80000000},
		{IR_SMOD, IRT_I64, 1ull << 63, UINT64_MAX, 0},
		{IR_SDIV, IRT_I64, (u64)-7, 2, (u64)-3},
		{IR_SMOD, IRT_I64, (u64)-7, 2, (u64)-1},
		{IR_SDIV, IRT_I32, (u32)-7, 2, (u32)-3},
		{IR_SHL, IRT_I64, 1, 65, 2},
		{IR_SHL, IRT_I32, 1, 33, 2},
		{IR_SAR, IRT_I32, 0x80000000, 31, UINT32_MAX},
		{IR_SAR, IRT_I64, 1ull << 63, 63, UINT64_MAX},
		{IR_SLT, IRT_I32, UINT32_MAX, 0, 1},
		{IR_SLT, IRT_I64, UINT32_MAX, 0, 0},
		{IR_ULE, IRT_I32, 0x100000001, 1, 1},
	};
	struct fixture *x = *state;
	s64 got = 0;

	for (u32 n = 0; n < ARRAY_SIZE(rows); n++) {
		u32 v = ir_bin(x->f, rows[n].op, rows[n].type, num(x, rows[n].a),
			       num(x, rows[n].b));

		assert_true(ir_is_const(x->f, v, &got));
		if ((u64)got != rows[n].want)
			fail_msg("row %u: %llx", n, (unsigned long long)got);
	}
}

static void folds_identities(void **state)
{
	struct fixture *x = *state;
	u32 v = input(x, 0), b = ir_load(x->f, 1, false, x->p, 8), w;
	s64 c = 0;

	assert_int_equal(ir_bin(x->f, IR_ADD, IRT_I64, v, num(x, 0)), v);
	assert_int_equal(ir_bin(x->f, IR_ADD, IRT_I64, num(x, 0), v), v);
	assert_int_equal(ir_bin(x->f, IR_MUL, IRT_I64, v, num(x, 1)), v);
	assert_int_equal(ir_bin(x->f, IR_AND, IRT_I64, v, num(x, UINT64_MAX)), v);
	assert_int_equal(ir_bin(x->f, IR_AND, IRT_I64, b, num(x, 0xff)), b);
	assert_int_equal(ir_un(x->f, IR_ZEXT32, IRT_I32, b), b);
	assert_int_equal(ir_un(x->f, IR_SEXT16, IRT_I64, b), b);
	assert_true(ir_is_const(x->f, ir_bin(x->f, IR_XOR, IRT_I64, v, v), &c) && c == 0);
	assert_true(ir_is_const(x->f, ir_bin(x->f, IR_ULT, IRT_I64, b, num(x, 256)), &c) && c == 1);
	/* 32 bits of 64 are not the 64 bits */
	w = ir_bin(x->f, IR_ADD, IRT_I32, v, num(x, 0));
	assert_int_not_equal(w, v);
	assert_int_equal(x->f->ins.v[w].op, IR_ZEXT32);
	w = ir_bin(x->f, IR_MUL, IRT_I64, v, num(x, 8));
	assert_int_equal(x->f->ins.v[w].op, IR_SHL);
	/* the opposite of a compare is a compare */
	w = ir_bin(x->f, IR_EQ, IRT_I64, ir_bin(x->f, IR_ULT, IRT_I64, v, b), num(x, 0));
	assert_int_equal(x->f->ins.v[w].op, IR_ULE);
	assert_int_equal(x->f->ins.v[w].a, b);
}

/* What the verifier does not know must not be used to drop a mask. */
static void keeps_masks_of_remainders(void **state)
{
	struct fixture *x = *state;
	u32 m = ir_bin(x->f, IR_UMOD, IRT_I64, input(x, 0), num(x, 3));
	u32 v = ir_bin(x->f, IR_AND, IRT_I64, m, num(x, 3));

	assert_int_equal(x->f->ins.v[v].op, IR_AND);
}

static void folds_addresses(void **state)
{
	struct fixture *x = *state;
	u32 slot = ir_slot(x->f, 32, 8), a = ir_add_imm(x->f, slot, 8), l;

	assert_int_equal(x->f->ins.v[a].op, IR_SLOT);
	assert_int_equal(x->f->ins.v[a].aux, 8);
	l = ir_load(x->f, 4, true, ir_add_imm(x->f, ir_ctx(x->f), 16), 4);
	assert_int_equal(x->f->ins.v[l].imm, 20);
	assert_int_equal(x->f->ins.v[x->f->ins.v[l].a].op, IR_CTX);
}

static void drops_code_behind_the_end(void **state)
{
	struct fixture *x = *state;

	ir_ret(x->f, num(x, 0));
	assert_false(ir_open(x->f));
	ir_store(x->f, 8, x->p, 0, num(x, 1));
	ir_ret(x->f, num(x, 1));
	assert_int_equal(count_ops(x, IR_STORE), 0);
	assert_int_equal(count_ops(x, IR_RET), 1);
	assert_sound(x);
}

/* The address of a stack object is good in blocks that the one which asked does not dominate. */
static void slots_belong_to_the_function(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 one = ir_block(f), other = ir_block(f), slot;

	ir_br(f, input(x, 0), one, other);
	ir_at(f, one);
	slot = ir_slot(f, 8, 8);
	ir_ret(f, ir_load(f, 8, false, slot, 0));
	ir_at(f, other);
	ir_store(f, 8, slot, 0, num(x, 1));
	ir_ret(f, ir_load(f, 8, false, slot, 0));
	assert_sound(x);
}

/* ---- variables */

static void variables_merge(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 a = ir_var(f, IRT_I64), b = ir_var(f, IRT_I64), v = input(x, 0);
	u32 then = ir_block(f), end = ir_block(f);

	ir_set(f, a, v);
	ir_set(f, b, v);
	ir_br(f, v, then, end);
	ir_seal(f, then);
	ir_at(f, then);
	ir_set(f, a, num(x, 5));
	ir_jmp(f, end);
	ir_seal(f, end);
	ir_at(f, end);
	assert_int_equal(f->ins.v[ir_get(f, a)].op, IR_PARAM);
	assert_int_equal(ir_get(f, b), v); /* the same on both ways: no parameter */
	ir_ret(f, ir_get(f, a));
	assert_int_equal(f->blocks.v[end].params.n, 1);
	assert_sound(x);
}

static void variables_never_set_are_zero(void **state)
{
	struct fixture *x = *state;
	u32 a = ir_var(x->f, IRT_I64);
	s64 c = 0;

	assert_true(ir_is_const(x->f, ir_get(x->f, a), &c) && c == 0);
}

static u32 make_loop(struct fixture *x, u32 unchanged)
{
	struct ir_fn *f = x->f;
	u32 i = ir_var(f, IRT_I64), head = ir_block(f), body = ir_block(f), end = ir_block(f), sum;

	ir_set(f, i, num(x, 0));
	ir_jmp(f, head);
	ir_at(f, head);
	ir_br(f, ir_bin(f, IR_ULT, IRT_I64, ir_get(f, i), num(x, 10)), body, end);
	ir_seal(f, body);
	ir_at(f, body);
	sum = ir_bin(f, IR_ADD, IRT_I64, ir_get(f, i), ir_get(f, unchanged));
	ir_store(f, 8, x->p, 0, sum);
	ir_set(f, i, ir_bin(f, IR_ADD, IRT_I64, ir_get(f, i), num(x, 1)));
	ir_jmp(f, head);
	ir_seal(f, head);
	ir_seal(f, end);
	ir_at(f, end);
	ir_ret(f, ir_get(f, unchanged));
	return head;
}

static void loops_have_parameters_for_what_changes(void **state)
{
	struct fixture *x = *state;
	u32 k = ir_var(x->f, IRT_I64), head;

	ir_set(x->f, k, input(x, 1));
	head = make_loop(x, k);
	assert_sound(x);
	assert_int_equal(x->f->blocks.v[head].params.n, 1);
	ir_loops(x->f);
	assert_true(x->f->blocks.v[head].loop_end > x->f->blocks.v[head].number);
}

/* A variable read through many blocks that do not touch it: no recursion, no parameters. */
static void deep_reads_are_cheap(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 a = ir_var(f, IRT_I64), v = input(x, 0);

	ir_set(f, a, v);
	for (u32 n = 0; n < 50000; n++) {
		u32 then = ir_block(f), end = ir_block(f);

		ir_br(f, v, then, end);
		ir_seal(f, then);
		ir_at(f, then);
		ir_jmp(f, end);
		ir_seal(f, end);
		ir_at(f, end);
	}
	assert_int_equal(ir_get(f, a), v);
	ir_ret(f, ir_get(f, a));
	assert_sound(x);
}

/* ---- the checker */

static void expect_wrong(struct fixture *x, const char *part)
{
	const char *why = ir_check(x->f);

	assert_non_null(why);
	if (!strstr(why, part))
		fail_msg("says \"%s\", not \"%s\"", why, part);
}

static void sees_no_end(void **state)
{
	struct fixture *x = *state;

	input(x, 0);
	expect_wrong(x, "a block ends once");
}

static void sees_use_before_definition(void **state)
{
	struct fixture *x = *state;
	u32 v = input(x, 0), w = ir_un(x->f, IR_NEG, IRT_I64, v);

	ir_ret(x->f, w);
	x->f->ins.v[v].op = IR_NEG; /* v = neg w, w = neg v */
	x->f->ins.v[v].a = w;
	expect_wrong(x, "not defined here");
}

static void sees_values_of_other_branches(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 then = ir_block(f), end = ir_block(f), v;

	ir_br(f, input(x, 0), then, end);
	ir_at(f, then);
	v = input(x, 1);
	ir_jmp(f, end);
	ir_at(f, end);
	ir_ret(f, v);
	expect_wrong(x, "not defined here");
}

static void sees_missing_arguments(void **state)
{
	struct fixture *x = *state;
	u32 k = ir_var(x->f, IRT_I64), head;

	ir_set(x->f, k, input(x, 1));
	head = make_loop(x, k);
	ir_edge_of(x->f, x->f->blocks.v[head].preds.v[0])->args.n = 0;
	expect_wrong(x, "another number of arguments");
}

static void sees_arithmetic_on_pointers(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;

	ir_ret(f, ir_bin(f, IR_SHL, IRT_I64, ir_ctx(f), num(x, 8)));
	expect_wrong(x, "arithmetic on a context");
}

/* An address near the context is for helpers. */
static void sees_loads_from_moved_contexts(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 near = ir_bin(f, IR_ADD, IRT_I64, ir_ctx(f), input(x, 0));

	ir_call(f, HELPER_probe_read_kernel, IRT_I64, 3, ir_slot(f, 8, 8), num(x, 8), near);
	ir_ret(f, num(x, 0));
	assert_sound(x);
	f->blocks.v[1].ins.n--; /* without the return, a load */
	f->at = 1;
	ir_ret(f, ir_load(f, 8, false, near, 0));
	expect_wrong(x, "not a pointer to memory");
}

static void sees_multiplied_pointers(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 p = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 0), ir_slot(f, 4, 4));

	ir_ret(f, ir_bin(f, IR_MUL, IRT_I64, p, input(x, 0)));
	expect_wrong(x, "pointers do not have");
}

static void sees_pointers_compared_with_numbers(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 p = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 0), ir_slot(f, 4, 4));

	ir_ret(f, ir_bin(f, IR_ULT, IRT_I64, p, input(x, 0)));
	expect_wrong(x, "compared with something else than 0");
}

static void sees_loads_from_numbers(void **state)
{
	struct fixture *x = *state;

	ir_ret(x->f, ir_load(x->f, 8, false, input(x, 0), 0));
	expect_wrong(x, "not a pointer to memory");
}

/* ---- passes */

static void run_pass(struct fixture *x, const char *name)
{
	for (const struct ir_pass *p = ir_passes; p->name; p++) {
		if (strcmp(p->name, name))
			continue;
		p->run(x->f, KERNEL(5, 10));
		assert_sound(x);
		return;
	}
	fail_msg("no pass %s", name);
}

static void gvn_shares_scalars(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 v = input(x, 0), w = input(x, 0);

	ir_store(f, 8, x->p, 8, ir_bin(f, IR_MUL, IRT_I64, v, num(x, 3)));
	ir_store(f, 8, x->p, 16, ir_bin(f, IR_MUL, IRT_I64, v, num(x, 3)));
	ir_ret(f, w);
	run_pass(x, "gvn");
	assert_int_equal(count_ops(x, IR_MUL), 1);
	assert_int_equal(count_ops(x, IR_LOAD), 2); /* loads are never shared */
}

/* x * 3 behind a check of x has bounds that x * 3 before it has not. */
static void gvn_minds_checks(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 v = input(x, 0), then = ir_block(f), end = ir_block(f), sum;

	ir_store(f, 8, x->p, 8, ir_bin(f, IR_MUL, IRT_I64, v, num(x, 3)));
	sum = ir_bin(f, IR_ADD, IRT_DATA, x->p, v);
	ir_store(f, 8, x->p, 16, ir_load(f, 8, false, sum, 0));
	ir_br(f, ir_bin(f, IR_ULT, IRT_I64, v, num(x, 10)), then, end);
	ir_seal(f, then);
	ir_seal(f, end);
	ir_at(f, then);
	ir_store(f, 8, x->p, 8, ir_bin(f, IR_MUL, IRT_I64, v, num(x, 3)));
	sum = ir_bin(f, IR_ADD, IRT_DATA, x->p, v);
	ir_store(f, 8, x->p, 16, ir_load(f, 8, false, sum, 0));
	ir_jmp(f, end);
	ir_at(f, end);
	ir_ret(f, num(x, 0));
	run_pass(x, "gvn");
	assert_int_equal(count_ops(x, IR_MUL), 2);
	assert_int_equal(count_ops(x, IR_ADD), 2);
}

/* The mask stands in front of a branch, what asks it behind: the turned constant is new there. */
static void fold_asks_masks_as_they_lie(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 v = ir_load(f, 2, false, x->p, 0), w = input(x, 1), yes = ir_block(f), no = ir_block(f),
	    mask;

	mask = ir_bin(f, IR_AND, IRT_I64, ir_un(f, IR_BSWAP16, IRT_I64, v), num(x, 0x1fff));
	ir_br(f, w, yes, no);
	ir_seal(f, yes);
	ir_seal(f, no);
	ir_at(f, yes);
	ir_ret(f, ir_bin(f, IR_EQ, IRT_I64, mask, num(x, 0)));
	ir_at(f, no);
	ir_ret(f, num(x, 7));
	run_pass(x, "fold");
	assert_int_equal(count_used(x, IR_BSWAP16), 0);
	assert_int_equal(count_used(x, IR_AND), 1);
	assert_non_null(strstr(text(x), "65311")); /* 0xff1f */
}

static void branch_knows_what_was_asked(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 v = input(x, 0), yes = ir_block(f), no = ir_block(f), deep = ir_block(f);

	ir_br(f, v, yes, no);
	ir_at(f, yes);
	ir_br(f, v, deep, no);
	ir_at(f, deep);
	ir_ret(f, num(x, 1));
	ir_at(f, no);
	ir_ret(f, num(x, 0));
	run_pass(x, "branch");
	assert_int_equal(count_ops(x, IR_BR), 1);
}

static void forward_reads_what_was_stored(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 own = ir_slot(f, 16, 8), seen = ir_slot(f, 8, 8), v = input(x, 0);

	ir_store(f, 8, own, 0, v);
	ir_store(f, 8, seen, 0, v);
	ir_call(f, HELPER_get_current_comm, IRT_I64, 2, seen, num(x, 8));
	ir_store(f, 8, x->p, 8, ir_load(f, 8, false, own, 0));
	ir_store(f, 1, own, 3, num(x, 1));
	ir_store(f, 8, x->p, 16, ir_load(f, 8, false, own, 0)); /* partly overwritten */
	ir_ret(f, ir_load(f, 8, false, seen, 0));               /* the helper may have written */
	assert_int_equal(count_ops(x, IR_LOAD), 4);
	run_pass(x, "forward");
	assert_int_equal(count_ops(x, IR_LOAD), 3);
}

static void legalise_knows_the_kernel(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;

	ir_store(f, 8, x->p, 0, ir_bin(f, IR_SDIV, IRT_I64, input(x, 0), input(x, 1)));
	ir_store(f, 8, x->p, 8, ir_un(f, IR_SEXT16, IRT_I64, input(x, 0)));
	ir_ret(f, ir_load(f, 2, true, x->p, 0));
	ir_pass_legalise(f, KERNEL(6, 6));
	assert_int_equal(count_ops(x, IR_SDIV) + count_ops(x, IR_SEXT16) + count_ops(x, IR_LOADS),
			 3);
	ir_pass_legalise(f, KERNEL(6, 5));
	assert_sound(x);
	assert_int_equal(count_ops(x, IR_SDIV) + count_ops(x, IR_SEXT16) + count_ops(x, IR_LOADS),
			 0);
	assert_int_equal(count_ops(x, IR_UDIV), 1);
}

static void cleanup_joins_blocks(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 second = ir_block(f), third = ir_block(f);

	ir_jmp(f, second);
	ir_at(f, second);
	ir_store(f, 8, x->p, 0, num(x, 1));
	ir_jmp(f, third);
	ir_at(f, third);
	ir_ret(f, num(x, 0));
	run_pass(x, "cleanup");
	assert_int_equal(f->order.n, 1);
}

static void prints(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;

	u32 v = ir_load(f, 4, false, x->p, 4);

	ir_store(f, 4, x->p, 16, ir_bin(f, IR_ADD, IRT_I32, v, num(x, 7)));
	ir_ret(f, num(x, 0));
	assert_string_equal(text(x), "function t\n"
				     "b1:\n"
				     "\tv1 data = data 0+0\n"
				     "\tv2 i64 = load u32[v1 +4]\n"
				     "\tv4 i32 = add v2, 7\n"
				     "\tstore u32[v1 +16], v4\n"
				     "\tret 0\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folds_constants),
		TEST(folds_identities),
		TEST(keeps_masks_of_remainders),
		TEST(folds_addresses),
		TEST(drops_code_behind_the_end),
		TEST(slots_belong_to_the_function),
		TEST(variables_merge),
		TEST(variables_never_set_are_zero),
		TEST(loops_have_parameters_for_what_changes),
		TEST(deep_reads_are_cheap),
		TEST(sees_no_end),
		TEST(sees_use_before_definition),
		TEST(sees_values_of_other_branches),
		TEST(sees_missing_arguments),
		TEST(sees_arithmetic_on_pointers),
		TEST(sees_loads_from_moved_contexts),
		TEST(sees_multiplied_pointers),
		TEST(sees_pointers_compared_with_numbers),
		TEST(sees_loads_from_numbers),
		TEST(gvn_shares_scalars),
		TEST(gvn_minds_checks),
		TEST(fold_asks_masks_as_they_lie),
		TEST(branch_knows_what_was_asked),
		TEST(forward_reads_what_was_stored),
		TEST(legalise_knows_the_kernel),
		TEST(cleanup_joins_blocks),
		TEST(prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
