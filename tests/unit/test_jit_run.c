/*
 * test_jit_run.c: how compiled programs call, fail and end, beside the interpreter: frames,
 * callbacks, accesses, packets, the budget.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jit_programs.h"

#ifdef __x86_64__

/* ---- one program, all ways */

struct outcome {
	int err;
	u64 result;
	struct vm_fault fault;
	u64 regs[11]; /* those that point to memory of the run: from there */
	s64 budget;
	u32 loops;
	u8 memory[64];
};

struct setting {
	u8 *memory; /* 64 bytes, r1 */
	u64 budget;
	bool packet, read_only;
	u64 args[2];
};

static void normalise(struct outcome *o, const struct vm_run *run)
{
	u64 stack = (u64)(uintptr_t)run->stack;

	memcpy(o->regs, run->regs, sizeof(o->regs));
	for (u32 i = 0; i <= 10; i++)
		if (o->regs[i] - stack < 2 * VM_FRAMES * VM_FRAME_BYTES)
			o->regs[i] -= stack;
	if (o->fault.addr - stack < 2 * VM_FRAMES * VM_FRAME_BYTES)
		o->fault.addr -= stack;
}

static void run_way(enum way way, const struct insn *code, u32 n, const struct setting *s,
		    struct outcome *o)
{
	static u8 memory[64];
	struct vm_opts opts = opts_of(way, s->budget);
	struct vm *vm;
	struct vm_run *run;

	memset(o, 0, sizeof(*o));
	for (u32 i = 0; i < sizeof(memory); i++)
		memory[i] = (u8)(i * 7 + 1);
	assert_int_equal(vm_open_code(&vm, code, n, &opts, NULL), 0);
	assert_int_equal(!vm->progs[0].entry, way == INTERPRETED);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 5), 0);
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
					.size = sizeof(memory),
					.kind = VM_MEMORY,
					.writable = !s->read_only});
	if (s->packet) {
		run->packet = (u64)(uintptr_t)memory;
		run->packet_end = run->packet + sizeof(memory);
	}
	o->err = vm_call(run, 0, (u64)(uintptr_t)memory, s->args[1], &o->result);
	o->fault = run->fault;
	o->budget = way == TRUSTED ? 0 : run->budget;
	o->loops = run->loops;
	memcpy(o->memory, memory, sizeof(memory));
	if (o->err)
		normalise(o, run);
	vm_run_close(run);
	vm_close(vm);
}

static bool same_fault(const struct vm_fault *a, const struct vm_fault *b)
{
	return a->kind == b->kind && a->reg == b->reg && a->size == b->size &&
	       a->write == b->write && a->called_back == b->called_back && a->insn == b->insn &&
	       a->addr == b->addr && !strcmp(a->why ? a->why : "", b->why ? b->why : "");
}

/* A program that faults is not for the trusted way. */
static struct outcome same(const struct insn *code, u32 n, struct setting s)
{
	struct outcome want, got;

	run_way(INTERPRETED, code, n, &s, &want);
	for (u32 way = CHECKED; way <= (want.err ? BLINDED : TRUSTED); way++) {
		run_way(way, code, n, &s, &got);
		if (way == TRUSTED)
			got.budget = want.budget;
		if (got.result != want.result || got.err != want.err)
			fail_msg("%s: %d, 0x%llx; want %d, 0x%llx", way_names[way], got.err,
				 (unsigned long long)got.result, want.err,
				 (unsigned long long)want.result);
		if (!same_fault(&want.fault, &got.fault))
			fail_msg("%s: fault %u at %u, r%u 0x%llx; want %u at %u, r%u 0x%llx",
				 way_names[way], got.fault.kind, got.fault.insn, got.fault.reg,
				 (unsigned long long)got.fault.addr, want.fault.kind,
				 want.fault.insn, want.fault.reg,
				 (unsigned long long)want.fault.addr);
		assert_memory_equal(got.regs, want.regs, sizeof(want.regs));
		assert_memory_equal(got.memory, want.memory, sizeof(want.memory));
		assert_int_equal(got.budget, want.budget);
		assert_int_equal(got.loops, want.loops);
	}
	return want;
}

#define SAME(code, ...) same(code, N(code), (struct setting){__VA_ARGS__})

static void faults(const struct insn *code, u32 n, u32 kind, u32 at, struct setting s)
{
	struct outcome o = same(code, n, s);

	assert_int_equal(o.err, -EFAULT);
	assert_int_equal(o.fault.kind, kind);
	assert_int_equal(o.fault.insn, at);
}

#define FAULTS(code, kind, at, ...) faults(code, N(code), kind, at, (struct setting){__VA_ARGS__})

/* ---- calls */

/* f(r1) = r1 ? f(r1 - 1) + r1 : 0, with r6 to r9 and the frame in use */
#define RECURSION(depth)                                                                        \
	{                                                                                       \
		MOV(1, (depth)-1), MOV(6, 1), MOV(7, 2), MOV(8, 3), MOV(9, 4), LOCAL(5),        \
			ADDR(0, 6), ADDR(0, 7), ADDR(0, 8), ADDR(0, 9), EXIT, MOV(0, 0),        \
			JEQ(1, 0, 10), STORE(BPF_DW, 10, -8, 1), MOVR(6, 1), MOV(7, 70),        \
			MOV(9, 90), ADD(1, -1), LOCAL(-8), LOAD(BPF_DW, 1, 10, -8), ADDR(0, 1), \
			ADDR(0, 6), ADDR(0, 7), EXIT,                                           \
	}

static void eight_functions_deep_and_no_deeper(void **state)
{
	static const struct insn deep[] = RECURSION(7), deeper[] = RECURSION(8);
	struct outcome o = SAME(deep);

	(void)state;
	assert_int_equal(o.err, 0);
	assert_int_equal(o.result, 2 * (1 + 2 + 3 + 4 + 5 + 6) + 6 * 70 + 10);
	FAULTS(deeper, VM_TOO_DEEP, 18);
}

/* What belongs to one function and what to the other cannot be told: both end in the same exit. */
static void functions_that_share_code(void **state)
{
	static const struct insn code[] = {
		MOV(6, 11), MOV(1, 1),   LOCAL(3),   ADDR(0, 6), LOCAL(5),
		EXIT,       MOV(6, 3),   MOVR(0, 6), JA(2), /* into the other */
		EXIT,       ADD(0, 100), MOV(7, 5),  ADDR(0, 7), EXIT,
	};
	static const struct insn falls[] = {/* from one into the next */
					    MOV(0, 1), LOCAL(2),  LOCAL(2),  EXIT,
					    ADD(0, 2), MOV(8, 1), ADD(0, 4), EXIT};

	(void)state;
	assert_int_equal(SAME(code).result, 3 + 5 + 11 + 100 + 5);
	assert_int_equal(SAME(falls).result, 1 + 6 + 4);
}

static void callbacks_count_and_stop(void **state)
{
	static const struct insn sum[] = {
		PUT(BPF_DW, 10, -8, 0), MOV(6, 66), MOV(1, 20), FUNCTION(2, 9), MOVR(3, 10),
		ADD(3, -8), MOV(4, 0), CALL(loop), LOAD(BPF_DW, 1, 10, -8), ADDR(0, 1), ADDR(0, 6),
		EXIT,
		/* *(u64 *)r2 += r1; stop behind 10 */
		MOV(6, 1), STORE(BPF_DW, 10, -8, 1), LOAD(BPF_DW, 3, 10, -8), ATOMIC_ADD(2, 0, 3),
		MOV(0, 0), JNE(1, 10, 1), MOV(0, 1), EXIT};
	static const struct insn nested[] = {MOV(1, 3),
					     FUNCTION(2, 9),
					     MOVR(3, 1),
					     MOV(4, 0),
					     CALL(loop),
					     MOVR(6, 0),
					     CALL(get_smp_processor_id),
					     ADDR(0, 6),
					     JA(0),
					     EXIT,
					     MOV(1, 2),
					     FUNCTION(2, 6),
					     MOV(3, 0),
					     MOV(4, 0),
					     CALL(loop),
					     MOV(0, 0),
					     EXIT,
					     CALL(get_smp_processor_id),
					     MOV(0, 0),
					     EXIT};
	static const struct insn fault[] = {
		MOV(6, 66), MOV(1, 20), FUNCTION(2, 5), MOV(3, 0),    MOV(4, 0),
		CALL(loop), EXIT,       MOV(0, 0),      JNE(1, 4, 1), LOAD(BPF_DW, 0, 0, 8),
		EXIT};
	struct outcome o = SAME(sum);

	(void)state;
	assert_int_equal(o.err, 0);
	assert_int_equal(o.result, 11 + 55 + 66);
	assert_int_equal(SAME(nested).result, 3 + 5);
	FAULTS(fault, VM_BAD_ACCESS, 10);
}

static void helpers_are_checked(void **state)
{
	static const struct insn no_function[] = {MOV(1, 3), MOV(2, 0),  MOV(3, 0),
						  MOV(4, 0), CALL(loop), EXIT};
	static const struct insn no_map[] = {MOVR(1, 10), MOVR(2, 10), CALL(map_lookup_elem), EXIT};

	(void)state;
	FAULTS(no_function, VM_BAD_ARGUMENT, 4);
	FAULTS(no_map, VM_BAD_ARGUMENT, 2);
}

/* ---- accesses */

static void accesses_are_checked_to_the_byte(void **state)
{
	static const u8 sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW}, bytes[] = {1, 2, 4, 8};

	(void)state;
	for (u32 i = 0; i < 4; i++) {
		s16 last = (s16)(64 - bytes[i]);
		const struct insn good[] = {
			LOAD(sizes[i], 2, 1, 0),     LOAD(sizes[i], 0, 1, last),
			STORE(sizes[i], 1, last, 2), STORE(sizes[i], 10, -512, 2),
			PUT(sizes[i], 1, 0, -2),     EXIT};
		const struct insn behind[] = {LOAD(sizes[i], 0, 1, last),
					      LOAD(sizes[i], 0, 1, last + 1), EXIT};
		const struct insn before[] = {MOV(0, 0), PUT(sizes[i], 1, 0, 5),
					      PUT(sizes[i], 1, -1, 5), EXIT};
		const struct insn frame[] = {LOAD(sizes[i], 0, 10, (s16)(1 - bytes[i])), EXIT};
		const struct insn null[] = {MOV(3, 0), STORE(sizes[i], 3, 16, 3), EXIT};
		const struct insn high[] = {MOV(3, -1), LOAD(sizes[i], 3, 3, 0), EXIT};

		assert_int_equal(SAME(good).err, 0);
		FAULTS(behind, VM_BAD_ACCESS, 1);
		FAULTS(before, VM_BAD_ACCESS, 2);
		FAULTS(null, VM_BAD_ACCESS, 1);
		FAULTS(high, VM_BAD_ACCESS, 1);
		FAULTS(good, VM_BAD_ACCESS, 2, .read_only = true);
		if (bytes[i] > 1)
			FAULTS(frame, VM_BAD_ACCESS, 0);
	}
}

/* Where an instruction finds its memory changes from turn to turn, and ends outside. */
static void one_instruction_and_many_regions(void **state)
{
	static const struct insn code[] = {MOVR(6, 1),     MOVR(7, 10),
					   ADD(7, -64),    MOV(8, 0),
					   MOV(0, 0),      LOAD(BPF_DW, 2, 6, 0),
					   ADDR(0, 2),     STORE(BPF_DW, 7, 0, 2),
					   MOVR(2, 6),     MOVR(6, 7),
					   MOVR(7, 2), /* change places */
					   ADD(6, 8),      ADD(8, 1),
					   JNE(8, 32, -9), EXIT};

	(void)state;
	FAULTS(code, VM_BAD_ACCESS, 5, .budget = 100000);
}

static void atomic_accesses_are_aligned(void **state)
{
	static const struct insn good[] = {MOV(2, 3), ATOMIC_ADD(1, 8, 2), LOAD(BPF_DW, 0, 1, 8),
					   EXIT};
	static const struct insn bad[] = {MOV(2, 3), ATOMIC_ADD(1, 8, 2), ATOMIC_ADD(1, 12, 2),
					  EXIT};

	(void)state;
	assert_int_equal(SAME(good).err, 0);
	FAULTS(bad, VM_BAD_ACCESS, 2);
}

static void packets_are_loaded_or_end_the_program(void **state)
{
	static const struct insn in[] = {MOVR(6, 1), MOV(7, 2),
					 MOV(2, 3),  {BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 60},
					 MOVR(8, 0), {BPF_LD | BPF_IND | BPF_H, 0, 7, 0, 1},
					 ADDR(0, 8), ADDR(0, 2),
					 EXIT};
	static const struct insn out[] = {
		MOV(0, 9), {BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 61}, MOV(0, 9), EXIT};
	static const struct insn called[] = {/* it ends the function alone */
					     MOV(6, 50), LOCAL(2),
					     ADDR(0, 6), EXIT,
					     MOV(6, 1),  {BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, -1},
					     EXIT};

	(void)state;
	assert_true(SAME(in, .packet = true).result > 0xffff);
	assert_int_equal(SAME(out, .packet = true).result, 0);
	assert_int_equal(SAME(out).result, 0);
	assert_int_equal(SAME(called, .packet = true).result, 50);
}

/* ---- ends */

static void endless_programs_stop(void **state)
{
	static const struct insn loop[] = {MOV(0, 0), ADD(0, 1), JNE(0, -1, -2), EXIT};
	static const struct insn jump[] = {MOV(0, 0), ADD(0, 1), JA(-2), EXIT};
	static const struct insn calls[] = {MOV(6, 0),     LOCAL(3), ADD(6, 1),
					    JNE(6, 0, -3), EXIT,     EXIT};
	static const struct insn helpers[] = {MOV(6, 0), CALL(get_smp_processor_id), ADD(6, 1),
					      JNE(6, -1, -3), EXIT};
	static const struct insn enough[] = {MOV(0, 0), ADD(0, 1), JNE(0, 100, -2), EXIT};

	(void)state;
	FAULTS(loop, VM_OUT_OF_BUDGET, 2, .budget = 1000);
	FAULTS(jump, VM_OUT_OF_BUDGET, 2, .budget = 1000);
	for (u64 budget = 100; budget < 106; budget++) {
		assert_int_equal(SAME(calls, .budget = budget).fault.kind, VM_OUT_OF_BUDGET);
		assert_int_equal(SAME(helpers, .budget = budget).fault.kind, VM_OUT_OF_BUDGET);
	}
	assert_int_equal(SAME(enough, .budget = 1000).result, 100);
}

static void may_goto_ends_loops(void **state)
{
	static const struct insn code[] = {MOV(0, 0), MAY_GOTO(2), ADD(0, 1), JA(-3), EXIT};

	(void)state;
	assert_int_equal(SAME(code, .budget = 1u << 30).result, 8 * 1024 * 1024);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(eight_functions_deep_and_no_deeper),
	cmocka_unit_test(functions_that_share_code),
	cmocka_unit_test(callbacks_count_and_stop),
	cmocka_unit_test(helpers_are_checked),
	cmocka_unit_test(accesses_are_checked_to_the_byte),
	cmocka_unit_test(one_instruction_and_many_regions),
	cmocka_unit_test(atomic_accesses_are_aligned),
	cmocka_unit_test(packets_are_loaded_or_end_the_program),
	cmocka_unit_test(endless_programs_stop),
	cmocka_unit_test(may_goto_ends_loops),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
