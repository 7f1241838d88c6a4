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

static void runs(const struct insn *code, u32 n, void *memory, u64 size, bool writable, u64 want)
{
	struct vm *vm;
	struct vm_run *run;
	u64 result = 0;

	assert_int_equal(vm_open_code(&vm, code, n, NULL, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	if (memory)
		vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
						.size = size,
						.kind = VM_MEMORY,
						.writable = writable});
	assert_int_equal(vm_call(run, 0, (u64)(uintptr_t)memory, size, &result), 0);
	assert_int_equal(result, want);
	vm_run_close(run);
	vm_close(vm);
}

/* The program stops, with this kind of fault at this instruction. */
static void stops(const struct insn *code, u32 n, u32 kind, u32 at, const char *text)
{
	struct vm_opts opts = {.budget = 1000};
	struct buf out = {0};
	struct vm *vm;
	struct vm_run *run;
	u64 result;

	assert_int_equal(vm_open_code(&vm, code, n, &opts, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	assert_int_equal(vm_call(run, 0, 0, 0, &result), -EFAULT);
	assert_int_equal(run->fault.kind, kind);
	assert_int_equal(run->fault.insn, at);
	vm_fault_print(&out, run);
	if (!strstr(buf_str(&out), text))
		fail_msg("'%s' does not say '%s'", buf_str(&out), text);
	buf_free(&out);
	vm_run_close(run);
	vm_close(vm);
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

	(void)state;
	/* the frames of functions that may be called are the run's too */
	runs(below, N(below), NULL, 0, false, 0);
	stops(above, N(above), VM_BAD_ACCESS, 1, "r0 = *(u64 *)(r10 -4)");
	stops(null, N(null), VM_BAD_ACCESS, 1, "0x10");
}

static void programs_that_do_not_end_stop(void **state)
{
	static const struct insn loop[] = {MOV(0, 0), JA(-1), EXIT};
	static const struct insn recursion[] = {LOCAL(-1), EXIT};

	(void)state;
	stops(loop, N(loop), VM_OUT_OF_BUDGET, 1, "too long");
	stops(recursion, N(recursion), VM_TOO_DEEP, 0, "functions");
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_read_and_written),
		cmocka_unit_test(functions_have_frames_of_their_own),
		cmocka_unit_test(programs_that_leave_their_memory_stop),
		cmocka_unit_test(programs_that_do_not_end_stop),
		cmocka_unit_test(what_is_no_program_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
