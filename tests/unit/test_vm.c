/*
 * test_vm.c: the machine in user space: what programs compute, what stops them, and the sentences
 * that say why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "vm/vm.h"

#define N(a) ((u32)ARRAY_SIZE(a))
#define MOV(d, i)                                       \
	{                                               \
		BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i \
	}
#define MOVR(d, s)                                      \
	{                                               \
		BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0 \
	}
#define ADD(d, i)                                       \
	{                                               \
		BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i \
	}
#define LOAD(d, s, o)                                  \
	{                                              \
		BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0 \
	}
#define STORE(d, o, s)                                 \
	{                                              \
		BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0 \
	}
#define JA(o)                                \
	{                                    \
		BPF_JMP | BPF_JA, 0, 0, o, 0 \
	}
#define JNE(d, i, o)                                  \
	{                                             \
		BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i \
	}
#define CALL(i)                                \
	{                                      \
		BPF_JMP | BPF_CALL, 0, 0, 0, i \
	}
#define LOCAL(i)                                             \
	{                                                    \
		BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, i \
	}
#define EXIT                                   \
	{                                      \
		BPF_JMP | BPF_EXIT, 0, 0, 0, 0 \
	}

struct said {
	char text[512];
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct said *said = user;

	snprintf(said->text, sizeof(said->text), "%s", d->text);
}

static const struct vm_opts ways[] = {
	{.budget = 1000, .interpret = true},
	{.budget = 1000, .interpret = true, .trusted = true},
	{.budget = 1000},
	{.budget = 1000, .trusted = true},
	{.budget = 1000, .blind = true},
	{.budget = 1000, .stepped = true},
};

static void lend(struct vm_run *run, void *memory, u64 size, bool writable)
{
	assert_true(vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
						    .size = size,
						    .kind = VM_MEMORY,
						    .writable = writable}));
}

/* In each way it returns what it should, for r1 = a and r2 = b. */
static void gives(const struct insn *code, u32 n, u64 a, u64 b, u64 want)
{
	for (u32 i = 0; i < N(ways); i++) {
		struct vm *vm;
		struct vm_run *run;
		u64 result = 0;

		assert_int_equal(vm_open_code(&vm, code, n, &ways[i], NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		assert_int_equal(vm_call(run, 0, a, b, &result), 0);
		assert_int_equal(result, want);
		vm_run_close(run);
		vm_close(vm);
	}
}

static void runs(const struct insn *code, u32 n, void *memory, u64 size, bool writable, u64 want)
{
	for (u32 i = 0; i < N(ways); i++) {
		struct vm *vm;
		struct vm_run *run;
		u64 result = 0;

		assert_int_equal(vm_open_code(&vm, code, n, &ways[i], NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		if (memory)
			lend(run, memory, size, writable);
		assert_int_equal(vm_call(run, 0, (u64)(uintptr_t)memory, size, &result), 0);
		assert_int_equal(result, want);
		vm_run_close(run);
		vm_close(vm);
	}
}

/* The program, handed 16 bytes that are read only, stops in each way that checks, with this kind of
 * fault at this instruction. */
static void stops(const struct insn *code, u32 n, u32 kind, u32 at, const char *text)
{
	static const u64 memory[2] = {1, 2};

	for (u32 i = 0; i < N(ways); i++) {
		struct buf out = {0};
		struct vm *vm;
		struct vm_run *run;
		u64 result;

		if (ways[i].trusted)
			continue;
		assert_int_equal(vm_open_code(&vm, code, n, &ways[i], NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		lend(run, (void *)(uintptr_t)memory, sizeof(memory), false);
		assert_int_equal(vm_call(run, 0, (u64)(uintptr_t)memory, 0, &result), -EFAULT);
		assert_int_equal(run->fault.kind, kind);
		assert_int_equal(run->fault.insn, at);
		vm_fault_print(&out, run);
		if (!strstr(buf_str(&out), text))
			fail_msg("'%s' does not say '%s'", buf_str(&out), text);
		buf_free(&out);
		vm_run_close(run);
		vm_close(vm);
	}
}

static void refuses(const struct insn *code, u32 n, const char *text)
{
	struct said said = {0};
	struct diag diag = {.fn = hear, .user = &said};
	struct vm *vm = NULL;

	assert_true(vm_open_code(&vm, code, n, NULL, &diag) < 0);
	assert_null(vm);
	if (!strstr(said.text, text))
		fail_msg("'%s' does not say '%s'", said.text, text);
}

/* What the kernel's verifier would not let through, and what compilers get wrong first. */
static void arithmetic_is_that_of_the_standard(void **state)
{
#define A64(op, x, off, imm)                                     \
	{                                                        \
		BPF_ALU64 | (op) | (x), 1, (x) ? 2 : 0, off, imm \
	}
#define A32(op, x, off, imm)                                   \
	{                                                      \
		BPF_ALU | (op) | (x), 1, (x) ? 2 : 0, off, imm \
	}
	static const struct {
		struct insn in; /* r1 op= r2 */
		u64 a, b, want;
	} rows[] = {
		{A64(BPF_DIV, BPF_X, 0, 0), 7, 0, 0},
		{A64(BPF_DIV, BPF_K, 0, 0), 7, 0, 0},
		{A32(BPF_DIV, BPF_X, 0, 0), 0xf00000007, 0xf00000000, 0},
		{A64(BPF_MOD, BPF_X, 0, 0), 0xf00000007, 0, 0xf00000007},
		{A32(BPF_MOD, BPF_X, 0, 0), 0xf00000007, 0, 7},
		{A64(BPF_DIV, BPF_X, 1, 0), (u64)INT64_MIN, (u64)-1, (u64)INT64_MIN},
		{A64(BPF_MOD, BPF_X, 1, 0), (u64)INT64_MIN, (u64)-1, 0},
		{A32(BPF_DIV, BPF_X, 1, 0), 0x80000000, 0xffffffff, 0x80000000},
		{A32(BPF_MOD, BPF_X, 1, 0), 0x80000000, 0xffffffff, 0},
		{A64(BPF_DIV, BPF_X, 1, 0), (u64)-7, 2, (u64)-3},
		{A64(BPF_MOD, BPF_X, 1, 0), (u64)-7, 2, (u64)-1},
		{A64(BPF_DIV, BPF_K, 1, -2), 7, 0, (u64)-3},
		{A64(BPF_DIV, BPF_X, 1, 0), 7, 0, 0},
		{A64(BPF_MOD, BPF_X, 1, 0), (u64)-7, 0, (u64)-7},
		{A64(BPF_DIV, BPF_K, 0, -1), UINT64_MAX, 0, 1},
		{A64(BPF_LSH, BPF_X, 0, 0), 1, 65, 2},
		{A64(BPF_LSH, BPF_K, 0, 65), 1, 0, 2},
		{A32(BPF_LSH, BPF_X, 0, 0), 1, 33, 2},
		{A32(BPF_RSH, BPF_K, 0, 33), 0xf00000004, 0, 2},
		{A64(BPF_ARSH, BPF_X, 0, 0), (u64)-8, 66, (u64)-2},
		{A32(BPF_ARSH, BPF_X, 0, 0), 0x80000000, 31, 0xffffffff},
		{A64(BPF_ADD, BPF_K, 0, -1), 0, 0, UINT64_MAX},
		{A32(BPF_ADD, BPF_K, 0, -1), 0, 0, 0xffffffff},
		{A64(BPF_MOV, BPF_K, 0, -1), 0, 0, UINT64_MAX},
		{A32(BPF_MOV, BPF_K, 0, -1), 0, 0, 0xffffffff},
		{A64(BPF_MOV, BPF_X, 32, 0), 0, 0x80000000, 0xffffffff80000000},
		{A32(BPF_MOV, BPF_X, 8, 0), 0, 0x80, 0xffffff80},
		{{BPF_ALU64 | BPF_NEG, 1, 0, 0, 0}, 1, 0, UINT64_MAX},
		{{BPF_ALU | BPF_NEG, 1, 0, 0, 0}, 1, 0, 0xffffffff},
		{{BPF_ALU | BPF_END | BPF_X, 1, 0, 0, 16}, 0x11223344, 0, 0x4433},
		{{BPF_ALU | BPF_END | BPF_K, 1, 0, 0, 32}, 0xf11223344, 0, 0x11223344},
		{{BPF_ALU64 | BPF_END | BPF_K, 1, 0, 0, 64}, 1, 0, 1ull << 56},
	};

	(void)state;
	for (u32 i = 0; i < N(rows); i++) {
		struct insn code[] = {rows[i].in, MOVR(0, 1), EXIT};
		struct insn moved[] = {MOVR(3, 1), rows[i].in, MOVR(0, 3), EXIT};

		gives(code, N(code), rows[i].a, rows[i].b, rows[i].want);
		/* the same behind a copy, which may be one step with it */
		moved[1].dst = 3;
		if (i != 25 && i != 26)
			gives(moved, N(moved), rows[i].a, rows[i].b, rows[i].want);
	}
}

/* A copy and an operation may be one step, but not for those who jump between them. */
static void steps_of_two_can_be_entered_in_the_middle(void **state)
{
	static const struct insn code[] = {
		MOV(0, 1), JNE(1, 0, 1), MOVR(0, 2), ADD(0, 5), EXIT,
	};

	(void)state;
	gives(code, N(code), 0, 100, 105);
	gives(code, N(code), 1, 100, 6);
}

static void memory_is_read_and_written(void **state)
{
	static const struct insn code[] = {LOAD(0, 1, 8), STORE(1, 0, 0), EXIT};
	u64 memory[2] = {1, 77};

	(void)state;
	runs(code, N(code), memory, sizeof(memory), true, 77);
	assert_int_equal(memory[0], 77);
}

static void functions_have_frames_of_their_own(void **state)
{
	static const struct insn code[] = {
		MOV(6, 5),     STORE(10, -8, 6), MOVR(1, 10),
		ADD(1, -8),    LOCAL(3),         LOAD(1, 10, -8),
		MOVR(0, 6), /* 5 again */
		EXIT,          MOV(6, 9),        STORE(10, -8, 6),
		LOAD(0, 1, 0), STORE(1, 0, 6),   EXIT,
	};

	(void)state;
	runs(code, N(code), NULL, 0, false, 5);
}

static void programs_that_leave_their_memory_stop(void **state)
{
	static const struct insn below[] = {MOV(0, 0), STORE(10, -520, 0), EXIT};
	static const struct insn above[] = {MOV(0, 0), LOAD(0, 10, -4), EXIT};
	static const struct insn null[] = {MOV(3, 0), LOAD(0, 3, 16), EXIT};
	static const struct insn behind[] = {LOAD(0, 1, 9), EXIT};
	static const struct insn far_behind[] = {LOAD(0, 1, 24), EXIT};
	static const struct insn in_front[] = {LOAD(0, 1, -1), EXIT};
	static const struct insn written[] = {STORE(1, 0, 1), EXIT};
	static const struct insn crooked[] = {{BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -12, BPF_ADD},
					      EXIT};

	(void)state;
	/* the frames of functions that may be called are the run's too */
	runs(below, N(below), NULL, 0, false, 0);
	stops(above, N(above), VM_BAD_ACCESS, 1, "r0 = *(u64 *)(r10 -4)");
	stops(null, N(null), VM_BAD_ACCESS, 1, "8 bytes at 0x10 are nothing: r3 is 0, no pointer");
	stops(behind, N(behind), VM_BAD_ACCESS, 0, "end 1 byte behind the memory (16 bytes)");
	stops(far_behind, N(far_behind), VM_BAD_ACCESS, 0, "are 8 bytes behind the memory");
	stops(in_front, N(in_front), VM_BAD_ACCESS, 0, "begin 1 byte before the memory");
	stops(written, N(written), VM_BAD_ACCESS, 0, "which cannot be written");
	stops(crooked, N(crooked), VM_BAD_ACCESS, 0, "aligned");
}

static void programs_that_do_not_end_stop(void **state)
{
	static const struct insn loop[] = {MOV(0, 0), JA(-1), EXIT};
	static const struct insn recursion[] = {LOCAL(-1), EXIT};
	static const struct insn callbacks[] = {
		MOV(1, 1 << 20),
		{BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 5},
		{0, 0, 0, 0, 0},
		MOV(3, 0),
		MOV(4, 0),
		CALL(HELPER_loop),
		EXIT,
		MOV(0, 0),
		EXIT,
	};

	(void)state;
	stops(loop, N(loop), VM_OUT_OF_BUDGET, 1, "too long");
	stops(recursion, N(recursion), VM_TOO_DEEP, 0, "functions");
	stops(callbacks, N(callbacks), VM_OUT_OF_BUDGET, 5, "too long");
}

static void what_is_no_program_is_refused(void **state)
{
	static const struct insn off_the_end[] = {MOV(0, 0)};
	static const struct insn out[] = {JNE(1, 0, 5), EXIT};
	static const struct insn middle[] = {
		JA(1), {BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0}, {0}, EXIT};
	static const struct insn half[] = {{BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0}};
	static const struct insn frame[] = {MOV(10, 0), EXIT};
	static const struct insn helper[] = {{BPF_JMP | BPF_CALL, 0, 0, 0, 9999}, EXIT};
	static const struct insn unknown[] = {{0xff, 0, 0, 0, 0}, EXIT};

	(void)state;
	refuses(NULL, 0, "at least one instruction");
	refuses(off_the_end, N(off_the_end), "runs off its end");
	refuses(out, N(out), "instruction 0: it jumps out");
	refuses(middle, N(middle), "into the middle");
	refuses(half, N(half), "two slots");
	refuses(frame, N(frame), "r10");
	refuses(helper, N(helper), "no helper 9999");
	refuses(unknown, N(unknown), "no such instruction");
}

/* Names of maps, programs and lines come from the object. */
static void faults_speak_the_words_of_the_object(void **state)
{
	static const char source[] = "x = 1\n\ty = counts[9]\n";
	static const struct insn code[] = {
		{BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_VALUE, 0, 0},
		{0, 0, 0, 0, 0},
		LOAD(0, 1, 12),
		EXIT};
	struct object *o = object_new();
	struct object_prog *p = vec_add(&o->arena, &o->progs);
	struct buf out = {0};
	struct vm *vm;
	struct vm_run *run;
	u64 result;

	(void)state;
	o->source = source;
	o->source_size = sizeof(source) - 1;
	vec_push(&o->arena, &o->maps,
		 (struct object_map){.name = "counts",
				     .kind = MAP_ARRAY,
				     .key_size = 4,
				     .value_size = 16,
				     .max_entries = 1});
	p->name = "reader";
	p->kind = PROG_XDP;
	for (u32 i = 0; i < N(code); i++)
		vec_push(&o->arena, &p->code.insns, code[i]);
	vec_push(&o->arena, &p->code.relocs,
		 (struct code_reloc){.insn = 0, .map = 0, .data = true});
	vec_push(&o->arena, &p->code.lines, (struct code_line){.insn = 0, .line = 2 << 10 | 1});
	for (u32 i = 0; i < N(ways); i++) {
		if (ways[i].trusted)
			continue;
		assert_int_equal(vm_open(&vm, o, &ways[i], NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		assert_int_equal(vm_call(run, 0, 0, 0, &result), -EFAULT);
		out.n = 0;
		vm_fault_print(&out, run);
		if (!strstr(buf_str(&out), "line 2: \"y = counts[9]\": instruction 2: ") ||
		    !strstr(buf_str(&out), "end 4 bytes behind the value of map counts (16 bytes)"))
			fail_msg("it says '%s'", buf_str(&out));
		vm_run_close(run);
		vm_close(vm);
	}
	buf_free(&out);
	object_free(o);
}

/* Behind the end of the packet a program ends with 0. */
static void packets_are_read_in_the_order_of_the_network(void **state)
{
	static const struct {
		s32 at;
		u32 size;
		u64 want;
	} rows[] = {{0, BPF_W, 0x01020304}, {2, BPF_H, 0x0304}, {7, BPF_B, 8},
		    {8, BPF_B, 0},          {7, BPF_H, 0},      {-1, BPF_B, 0}};
	static const u8 packet[] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	for (u32 i = 0; i < N(rows) * N(ways); i++) {
		struct insn code[] = {{(u8)(BPF_LD | BPF_ABS | rows[i % N(rows)].size), 0, 0, 0,
				       rows[i % N(rows)].at},
				      EXIT};
		struct vm *vm;
		struct vm_run *run;
		u64 result = 99;

		assert_int_equal(vm_open_code(&vm, code, N(code), &ways[i / N(rows)], NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		run->packet = (u64)(uintptr_t)packet;
		run->packet_end = run->packet + sizeof(packet);
		assert_int_equal(vm_call(run, 0, 0, 0, &result), 0);
		assert_int_equal(result, rows[i % N(rows)].want);
		vm_run_close(run);
		vm_close(vm);
	}
}

/* ---- threads: one machine, a run for each */

#define ROUNDS 2000
struct thread {
	pthread_t id;
	struct vm *vm;
	u32 number, wrong;
};

static void *run_often(void *arg)
{
	struct thread *t = arg;
	struct vm_run *run;
	u64 memory[4] = {0}, result;

	if (vm_run_open(&run, t->vm, NULL, NULL, t->number))
		return NULL;
	for (u32 i = 0; i < ROUNDS; i++) {
		/* at another place each time, so that no hint is right for both */
		u64 *at = &memory[i % 3];

		lend(run, at, 16, true);
		at[0] = t->number * ROUNDS + i;
		t->wrong += vm_call(run, 0, (u64)(uintptr_t)at, 0, &result) ||
			    result != t->number * ROUNDS + i || at[1] != result;
		vm_take_back(run, (u64)(uintptr_t)at);
	}
	vm_run_close(run);
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	static const struct insn code[] = {LOAD(0, 1, 0), STORE(10, -8, 0), LOAD(3, 10, -8),
					   STORE(1, 8, 3), EXIT};
	struct thread threads[2] = {0};

	(void)state;
	for (u32 i = 0; i < N(ways); i++) {
		struct vm *vm;

		assert_int_equal(vm_open_code(&vm, code, N(code), &ways[i], NULL), 0);
		for (u32 t = 0; t < N(threads); t++) {
			threads[t] = (struct thread){.vm = vm, .number = t};
			assert_int_equal(
				pthread_create(&threads[t].id, NULL, run_often, &threads[t]), 0);
		}
		for (u32 t = 0; t < N(threads); t++) {
			pthread_join(threads[t].id, NULL);
			assert_int_equal(threads[t].wrong, 0);
		}
		vm_close(vm);
	}
}

/* ---- steps */

struct trail {
	u32 n, at[16];
	u64 r0[16];
};

static void note(struct vm_run *run, u32 insn, const u64 regs[11])
{
	struct trail *t = run->user;

	if (t->n < 16) {
		t->at[t->n] = insn;
		t->r0[t->n] = regs[0];
	}
	t->n++;
}

static void each_instruction_can_be_seen(void **state)
{
	static const struct insn code[] = {MOV(0, 2), ADD(0, -1), JNE(0, 0, -2), LOCAL(1),
					   EXIT,      MOV(0, 7),  EXIT};
	static const u32 want[] = {0, 1, 2, 1, 2, 3, 5, 6, 4};
	static const struct vm_host host = {.step = note};
	struct vm_opts opts = {.stepped = true};
	struct trail trail = {0};
	struct vm *vm;
	struct vm_run *run;
	u64 result;

	(void)state;
	assert_int_equal(vm_open_code(&vm, code, N(code), &opts, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, &host, &trail, 0), 0);
	assert_int_equal(vm_call(run, 0, 0, 0, &result), 0);
	assert_int_equal(result, 7);
	assert_int_equal(trail.n, N(want));
	assert_memory_equal(trail.at, want, sizeof(want));
	assert_int_equal(trail.r0[2], 1);
	vm_run_close(run);
	vm_close(vm);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_is_that_of_the_standard),
		cmocka_unit_test(steps_of_two_can_be_entered_in_the_middle),
		cmocka_unit_test(faults_speak_the_words_of_the_object),
		cmocka_unit_test(packets_are_read_in_the_order_of_the_network),
		cmocka_unit_test(threads_do_not_disturb_each_other),
		cmocka_unit_test(each_instruction_can_be_seen),
		cmocka_unit_test(memory_is_read_and_written),
		cmocka_unit_test(functions_have_frames_of_their_own),
		cmocka_unit_test(programs_that_leave_their_memory_stop),
		cmocka_unit_test(programs_that_do_not_end_stop),
		cmocka_unit_test(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
