/*
 * test_codegen.c: generated code: listings, limits, and what it does in the running kernel.
 *
 * Without the right to load programs, the tests that run code are skipped.
 */
#include "../kernel_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VALUES 64 /* in the map that programs and tests share */

struct fixture {
	struct arena arena;
	struct ir_fn *f;
	struct code code;
	struct diag diag;
	struct buf out;
	char said[256];
	u32 said_line;
	u32 p;
	u64 data[VALUES];
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct fixture *x = user;

	snprintf(x->said, sizeof(x->said), "%s", d->text);
	x->said_line = d->line;
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	if (!x)
		return -1;
	x->f = ir_fn_new(&x->arena, "t");
	x->diag = (struct diag){.fn = hear, .user = x, .file = "t.bt"};
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

static u32 num(struct fixture *x, s64 c)
{
	return ir_const(x->f, c);
}

static void compile(struct fixture *x, u32 kernel)
{
	const char *why = ir_check(x->f);

	if (why)
		fail_msg("before the passes: %s", why);
	ir_run_passes(x->f, kernel);
	why = ir_check(x->f);
	if (why)
		fail_msg("behind the passes: %s", why);
	if (codegen(x->f, kernel, x->f->arena, &x->code, &x->diag))
		fail_msg("%s", x->said);
}

static const char *listing(struct fixture *x)
{
	x->out.n = 0;
	code_print(&x->out, &x->code);
	return buf_str(&x->out);
}

/* Runs the code over x->data; its result. */
static u32 run(struct fixture *x)
{
	static char log[1 << 20];
	int map = kr_map(sizeof(x->data)), prog;
	u32 result = 0;

	if (map < 0) {
		print_message("no right to use bpf(2): %s\n", strerror(-map));
		skip();
	}
	prog = kr_load(&x->code, map, log, sizeof(log));
	if (prog < 0)
		fail_msg("%s\n%s", log, listing(x));
	assert_int_equal(kr_elem(KR_MAP_UPDATE, map, x->data), 0);
	assert_int_equal(kr_run(prog, &result), 0);
	assert_int_equal(kr_elem(KR_MAP_LOOKUP, map, x->data), 0);
	close(prog);
	close(map);
	return result;
}

static u32 input(struct fixture *x, u32 n)
{
	x->p = x->p ? x->p : ir_data(x->f, 0, 0);
	return ir_load(x->f, 8, false, x->p, (s32)n * 8);
}

static void output(struct fixture *x, u32 n, u32 v)
{
	ir_store(x->f, 8, x->p, (s32)n * 8, v);
}

/* ---- listings */

static void counts_in_a_map(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 some = ir_block(f), none = ir_block(f), end = ir_block(f), key, one, p, id;

	id = ir_call(f, HELPER_get_current_pid_tgid, IRT_I64, 0);
	key = ir_slot(f, 8, 8);
	ir_store(f, 8, key, 0, ir_bin(f, IR_SHR, IRT_I64, id, num(x, 32)));
	p = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 3), key);
	ir_br(f, ir_bin(f, IR_NE, IRT_I64, p, num(x, 0)), some, none);
	ir_seal(f, some);
	ir_seal(f, none);
	ir_at(f, some);
	ir_atomic_add(f, 8, p, 16, num(x, 1));
	ir_jmp(f, end);
	ir_at(f, none);
	one = ir_slot(f, 8, 8);
	ir_store(f, 8, one, 0, num(x, 1));
	ir_call(f, HELPER_map_update_elem, IRT_I64, 4, ir_map(f, 3), key, one, num(x, 0));
	ir_jmp(f, end);
	ir_seal(f, end);
	ir_at(f, end);
	ir_ret(f, num(x, 0));
	compile(x, KERNEL(5, 10));
	assert_int_equal(x->code.stack, 16);
	assert_int_equal(x->code.relocs.n, 2);
	assert_int_equal(x->code.relocs.v[0].map, 3);
	assert_string_equal(listing(x), "   0: call bpf_get_current_pid_tgid#14\n"
					"   1: r0 >>= 32\n"
					"   2: *(u64 *)(r10 -8) = r0\n"
					"   3: r1 = map[fd:0]  ; map 3\n"
					"   5: r2 = r10\n"
					"   6: r2 += -8\n"
					"   7: call bpf_map_lookup_elem#1\n"
					"   8: if r0 == 0x0 goto pc+3 <12>\n"
					"   9: r5 = 1\n"
					"  10: lock *(u64 *)(r0 +16) += r5\n"
					"  11: goto pc+9 <21>\n"
					"  12: *(u64 *)(r10 -16) = 1\n"
					"  13: r1 = map[fd:0]  ; map 3\n"
					"  15: r4 = 0\n"
					"  16: r3 = r10\n"
					"  17: r3 += -16\n"
					"  18: r2 = r10\n"
					"  19: r2 += -8\n"
					"  20: call bpf_map_update_elem#2\n"
					"  21: r0 = 0\n"
					"  22: exit\n");
}

/* The context stays whole, conditions are part of jumps, one exit, lines of the source. */
/* A loop of ten turns; idle: with a number that only makes itself, and a load that nobody asks for. */
static u32 length_of_loop(struct fixture *x, bool idle)
{
	struct ir_fn *f = x->f = ir_fn_new(&x->arena, "t");
	u32 i = ir_var(f, IRT_I64), k = ir_var(f, IRT_I64);
	u32 head = ir_block(f), body = ir_block(f), end = ir_block(f);

	x->p = 0;
	ir_set(f, i, num(x, 0));
	ir_set(f, k, num(x, 1));
	if (idle)
		input(x, 7);
	ir_jmp(f, head);
	ir_at(f, head);
	ir_br(f, ir_bin(f, IR_ULT, IRT_I64, ir_get(f, i), num(x, 10)), body, end);
	ir_seal(f, body);
	ir_at(f, body);
	ir_set(f, i, ir_bin(f, IR_ADD, IRT_I64, ir_get(f, i), num(x, 1)));
	if (idle)
		ir_set(f, k, ir_bin(f, IR_MUL, IRT_I64, ir_get(f, k), num(x, 3)));
	ir_jmp(f, head);
	ir_seal(f, head);
	ir_seal(f, end);
	ir_at(f, end);
	ir_ret(f, ir_get(f, i));
	compile(x, KERNEL(5, 10));
	return x->code.insns.n;
}

static void makes_nothing_of_what_nobody_asks_for(void **state)
{
	struct fixture *x = *state;
	u32 plain = length_of_loop(x, false);

	assert_int_equal(length_of_loop(x, true), plain);
}

static void filters_by_context(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 yes = ir_block(f), no = ir_block(f), c;

	f->line = 1 << 10 | 1;
	c = ir_load(f, 4, false, ir_add_imm(f, ir_ctx(f), 8), 4);
	f->line = 2 << 10 | 5;
	c = ir_bin(f, IR_AND, IRT_I64, c, num(x, 0x40));
	ir_br(f, ir_bin(f, IR_NE, IRT_I64, c, num(x, 0)), yes, no);
	ir_seal(f, yes);
	ir_seal(f, no);
	ir_at(f, yes);
	f->line = 3 << 10 | 1;
	ir_store(f, 4, ir_data(f, 1, 24), 0, num(x, -1));
	ir_jmp(f, no);
	ir_at(f, no);
	f->line = 4 << 10 | 1;
	ir_ret(f, num(x, 1));
	compile(x, KERNEL(5, 10));
	assert_string_equal(listing(x), "; 1:1\n"
					"   0: r0 = *(u32 *)(r1 +12)\n"
					"; 2:5\n"
					"   1: if r0 & 0x40 goto pc+1 <3>\n"
					"   2: goto pc+3 <6>\n"
					"; 3:1\n"
					"   3: r0 = map[fd:0][0]+0  ; map 1 data +0\n"
					"   5: *(u32 *)(r0 +24) = -1\n"
					"; 4:1\n"
					"   6: r0 = 1\n"
					"   7: exit\n");
}

/* ---- limits */

static void says_that_the_stack_is_full(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;

	for (u32 n = 1; n < 4; n++) {
		f->line = n << 10 | 7;
		ir_call(f, HELPER_get_current_comm, IRT_I64, 2, ir_slot(f, n == 2 ? 300 : 150, 8),
			num(x, 16));
	}
	ir_ret(f, num(x, 0));
	ir_run_passes(f, KERNEL(5, 10));
	assert_int_equal(codegen(f, KERNEL(5, 10), f->arena, &x->code, &x->diag), -EINVAL);
	assert_string_equal(x->said,
			    "this program needs 608 bytes of stack, a BPF program has 512");
	assert_int_equal(x->said_line, 2);
}

static void emits_only_what_the_kernel_knows(void **state)
{
	static const u16 ops[] = {IR_SDIV, IR_SMOD, IR_SAR, IR_MUL, IR_UMOD};
	static const u16 uns[] = {IR_SEXT8, IR_SEXT16, IR_SEXT32, IR_BSWAP16, IR_BSWAP64, IR_NEG};
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 a = input(x, 0), b = input(x, 1), n = 0;

	for (u32 k = 0; k < ARRAY_SIZE(ops); k++) {
		output(x, n++, ir_bin(f, ops[k], IRT_I64, a, b));
		output(x, n++, ir_bin(f, ops[k], IRT_I32, a, b));
	}
	for (u32 k = 0; k < ARRAY_SIZE(uns); k++)
		output(x, n++, ir_un(f, uns[k], IRT_I64, a));
	output(x, n, ir_load(f, 2, true, x->p, 0));
	ir_ret(f, num(x, 0));
	compile(x, KERNEL(5, 10));
	for (u32 k = 0; k < x->code.insns.n; k++) {
		const struct isa_op *op = isa_op(&x->code.insns.v[k]);

		assert_non_null(op);
		assert_true(op->since <= KERNEL(5, 10));
		k += x->code.insns.v[k].code == (BPF_LD | BPF_IMM | BPF_DW);
	}
}

static void build_diamonds(struct fixture *x, u32 count)
{
	struct ir_fn *f = x->f;
	u32 v[8];

	for (u32 k = 0; k < ARRAY_SIZE(v); k++) {
		v[k] = ir_var(f, IRT_I64);
		ir_set(f, v[k], input(x, k));
	}
	for (u32 k = 0; k < count; k++) {
		u32 then = ir_block(f), end = ir_block(f);

		ir_br(f, ir_bin(f, IR_ULT, IRT_I64, ir_get(f, v[k % 8]), num(x, k)), then, end);
		ir_seal(f, then);
		ir_at(f, then);
		ir_set(f, v[(k + 1) % 8],
		       ir_bin(f, IR_ADD, IRT_I64, ir_get(f, v[(k + 5) % 8]), num(x, k)));
		ir_jmp(f, end);
		ir_seal(f, end);
		ir_at(f, end);
	}
	for (u32 k = 0; k < ARRAY_SIZE(v); k++)
		output(x, k, ir_get(f, v[k]));
	ir_ret(f, num(x, 0));
}

/* Twice the work takes twice the memory, not four times; and it ends. */
static void grows_with_the_program(void **state)
{
	struct fixture *x = *state;
	size_t small;

	build_diamonds(x, 1500);
	compile(x, KERNEL(5, 10));
	small = x->arena.total;
	arena_free(&x->arena);
	memset(&x->arena, 0, sizeof(x->arena));
	x->f = ir_fn_new(&x->arena, "t");
	x->p = 0;
	build_diamonds(x, 3000);
	compile(x, KERNEL(5, 10));
	assert_true(x->arena.total < small * 5 / 2);
	assert_true(x->code.insns.n > 3000 && x->code.insns.n < 3000 * 8);
}

/* ---- in the kernel */

static void many_values_survive_a_call(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 v[20], n;

	for (n = 0; n < ARRAY_SIZE(v); n++) {
		x->data[n] = n * 0x0123456789abcdefull + 1;
		v[n] = input(x, n);
	}
	ir_call(f, HELPER_get_smp_processor_id, IRT_VOID, 0);
	for (n = 0; n < ARRAY_SIZE(v); n++)
		output(x, 20 + n, ir_bin(f, IR_XOR, IRT_I64, v[n], v[19 - n]));
	ir_ret(f, v[3]);
	compile(x, KERNEL(5, 10));
	vec_each (i, &x->code.insns)
		if (i->code == (BPF_STX | BPF_MEM | BPF_DW) && i->dst == 10)
			assert_int_equal(i->off % 8, 0);
	assert_true(x->code.stack >= 15 * 8 && x->code.stack <= 20 * 8);
	assert_int_equal(run(x), (u32)x->data[3]);
	for (n = 0; n < ARRAY_SIZE(v); n++)
		assert_int_equal(x->data[20 + n], x->data[n] ^ x->data[19 - n]);
}

/* Three variables change places in each round: the moves on the back edge are a cycle. */
static void rotates_in_a_loop(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 i = ir_var(f, IRT_I64), v[3], old[3], n;
	u32 head = ir_block(f), body = ir_block(f), end = ir_block(f);

	for (n = 0; n < 3; n++) {
		v[n] = ir_var(f, IRT_I64);
		x->data[n] = 10 + n;
		ir_set(f, v[n], input(x, n));
	}
	ir_set(f, i, num(x, 0));
	ir_jmp(f, head);
	ir_at(f, head);
	ir_br(f, ir_bin(f, IR_ULT, IRT_I64, ir_get(f, i), num(x, 4)), body, end);
	ir_seal(f, body);
	ir_at(f, body);
	for (n = 0; n < 3; n++)
		old[n] = ir_get(f, v[n]);
	for (n = 0; n < 3; n++)
		ir_set(f, v[n], old[(n + 1) % 3]);
	ir_set(f, i, ir_bin(f, IR_ADD, IRT_I64, ir_get(f, i), num(x, 1)));
	ir_jmp(f, head);
	ir_seal(f, head);
	ir_seal(f, end);
	ir_at(f, end);
	for (n = 0; n < 3; n++)
		output(x, n, ir_get(f, v[n]));
	ir_ret(f, ir_get(f, i));
	compile(x, KERNEL(5, 10));
	assert_int_equal(run(x), 4);
	for (n = 0; n < 3; n++)
		assert_int_equal(x->data[n], 10 + (n + 4) % 3);
}

/* A pointer that may be null, checked once, stored over calls, used in a branch. */
static void pointers_survive_in_memory(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 some = ir_block(f), none = ir_block(f), key = ir_slot(f, 4, 4), p, v[6], sum, n;

	ir_store(f, 4, key, 0, num(x, 0));
	p = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 0), key);
	for (n = 0; n < ARRAY_SIZE(v); n++) {
		x->data[n] = 100 + n;
		v[n] = input(x, n);
	}
	ir_call(f, HELPER_get_smp_processor_id, IRT_VOID, 0);
	ir_br(f, p, some, none);
	ir_seal(f, some);
	ir_seal(f, none);
	ir_at(f, none);
	ir_ret(f, num(x, -1));
	ir_at(f, some);
	sum = num(x, 0);
	for (n = 0; n < ARRAY_SIZE(v); n++)
		sum = ir_bin(f, IR_ADD, IRT_I64, sum, v[n]);
	ir_call(f, HELPER_get_smp_processor_id, IRT_VOID, 0);
	ir_store(f, 8, p, 63 * 8, sum);
	ir_ret(f, num(x, 7));
	compile(x, KERNEL(5, 10));
	assert_int_equal(run(x), 7);
	assert_int_equal(x->data[63], 615);
}

static void conditions_as_values(void **state)
{
	static const u64 pairs[][2] = {{1, 2}, {2, 1}, {2, 2}, {-1ull, 1}, {1ull << 32, 1}};
	static const u16 ops[] = {IR_EQ, IR_NE, IR_ULT, IR_ULE, IR_SLT, IR_SLE};
	struct fixture *x = *state;
	u32 k, n = 0;

	for (k = 0; k < ARRAY_SIZE(ops); k++)
		output(x, n++, ir_bin(x->f, ops[k], IRT_I64, input(x, 60), input(x, 61)));
	for (k = 0; k < ARRAY_SIZE(ops); k++)
		output(x, n++, ir_bin(x->f, ops[k], IRT_I32, input(x, 60), input(x, 61)));
	ir_ret(x->f, num(x, 0));
	compile(x, KERNEL(5, 10));
	for (n = 0; n < ARRAY_SIZE(pairs); n++) {
		u64 a = pairs[n][0], b = pairs[n][1];
		s64 sa = (s64)a, sb = (s64)b;
		s32 ha = (s32)a, hb = (s32)b;
		const bool want[] = {a == b,          a != b,           a < b,    a <= b,
				     sa < sb,         sa <= sb,         ha == hb, ha != hb,
				     (u32)a < (u32)b, (u32)a <= (u32)b, ha < hb,  ha <= hb};

		x->data[60] = a;
		x->data[61] = b;
		run(x);
		for (k = 0; k < ARRAY_SIZE(want); k++)
			assert_int_equal(x->data[k], want[k]);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Constants and values in, results that are used, that are not, and that live over others. */
static void exchanges(void **state)
{
	struct fixture *x = *state;
	struct ir_fn *f = x->f;
	u32 a = input(x, 0), first, second;

	first = ir_atomic_swap(f, 8, x->p, 8, num(x, 77));
	second = ir_atomic_swap(f, 8, x->p, 16, a);
	ir_atomic_swap(f, 8, x->p, 24, a);
	ir_atomic_swap(f, 4, x->p, 32, num(x, 5));
	output(x, 5, ir_bin(f, IR_ADD, IRT_I64, first, second));
	output(x, 6, a);
	output(x, 7, ir_atomic_swap(f, 8, x->p, 8, first));
	ir_ret(f, num(x, 3));
	compile(x, KERNEL(5, 12));
	memcpy(x->data, (u64[]){1000, 1, 2, 3, 0xffffffff00000004}, 40);
	assert_int_equal(run(x), 3);
	assert_int_equal(x->data[0], 1000);
	assert_int_equal(x->data[1], 1);
	assert_int_equal(x->data[2], 1000);
	assert_int_equal(x->data[3], 1000);
	assert_true(x->data[4] == 0xffffffff00000005);
	assert_int_equal(x->data[5], 3);
	assert_int_equal(x->data[6], 1000);
	assert_int_equal(x->data[7], 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_in_a_map),
		TEST(makes_nothing_of_what_nobody_asks_for),
		TEST(filters_by_context),
		TEST(says_that_the_stack_is_full),
		TEST(emits_only_what_the_kernel_knows),
		TEST(grows_with_the_program),
		TEST(many_values_survive_a_call),
		TEST(rotates_in_a_loop),
		TEST(pointers_survive_in_memory),
		TEST(conditions_as_values),
		TEST(exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
