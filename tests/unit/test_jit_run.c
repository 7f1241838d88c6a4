/*
 * test_jit_run.c: how compiled programs call, fail and end, beside the interpreter: frames,
 * callbacks, tail calls, faults, the budget; and what their code may not be: writable, or full of
 * the program's constants where these are blinded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/jit.h"

#ifdef __x86_64__

/* ---- programs, as in C */

#define RAW(...)            \
	{                   \
		__VA_ARGS__ \
	}
#define MOV(d, i)           RAW(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOVR(d, s)          RAW(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i)           RAW(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define ADDR(d, s)          RAW(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)
#define SHL(d, i)           RAW(BPF_ALU64 | BPF_LSH | BPF_K, d, 0, 0, i)
#define LOAD(sz, d, s, o)   RAW(BPF_LDX | BPF_MEM | (sz), d, s, o, 0)
#define STORE(sz, d, o, s)  RAW(BPF_STX | BPF_MEM | (sz), d, s, o, 0)
#define PUT(sz, d, o, i)    RAW(BPF_ST | BPF_MEM | (sz), d, 0, o, i)
#define ATOMIC_ADD(d, o, s) RAW(BPF_STX | BPF_ATOMIC | BPF_DW, d, s, o, BPF_ADD)
#define JA(o)               RAW(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define JNE(d, i, o)        RAW(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define JEQ(d, i, o)        RAW(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define MAY_GOTO(o)         RAW(BPF_JMP | BPF_JCOND, 0, 0, o, 0)
#define CALL(i)             RAW(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_##i)
#define LOCAL(i)            RAW(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, i)
#define FUNCTION(d, i)      RAW(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_FUNC, 0, i), RAW(0, 0, 0, 0, 0)
#define CONSTANT(d, low, high) \
	RAW(BPF_LD | BPF_IMM | BPF_DW, d, 0, 0, (s32)(low)), RAW(0, 0, 0, 0, (s32)(high))
#define EXIT RAW(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define N(a) ((u32)ARRAY_SIZE(a))

/* ---- one program, all ways */

enum way { INTERPRETED, CHECKED, BLINDED, TRUSTED, WAYS };
static const char *const way_names[WAYS] = {"interpreted", "checked", "blinded", "trusted"};

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

static struct vm_opts opts_of(enum way way, u64 budget)
{
	return (struct vm_opts){.trusted = way == TRUSTED,
				.interpret = way == INTERPRETED,
				.blind = way == BLINDED,
				.budget = budget};
}

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

/* ---- tail calls */

enum { CALLER, TARGET, ITSELF };

static void add_map_address(struct object *o, struct code *c, u32 at, u32 map)
{
	vec_push(&o->arena, &c->relocs, (struct code_reloc){at, map, 0, false});
}

static void add_program(struct object *o, const char *name, const struct insn *code, u32 n,
			u32 map_at)
{
	struct object_prog p = {.name = name, .section = name, .kind = 3};

	for (u32 i = 0; i < n; i++)
		vec_push(&o->arena, &p.code.insns, code[i]);
	if (map_at)
		add_map_address(o, &p.code, map_at, 0);
	vec_push(&o->arena, &o->progs, p);
}

/* r1 = the context, r2 = the map, r3 = an index */
static struct object *object_of_tail_calls(void)
{
	static const struct insn caller[] = {/* in a function, whose caller goes on */
					     MOV(6, 1000),
					     MOV(7, 10),
					     LOCAL(3),
					     ADDR(0, 6),
					     ADDR(0, 7),
					     EXIT,
					     MOV(6, 7),
					     STORE(BPF_DW, 10, -8, 6),
					     CONSTANT(2, 0, 0),
					     MOV(3, TARGET),
					     CALL(tail_call),
					     MOV(0, 5),
					     EXIT};
	static const struct insn target[] = {LOAD(BPF_B, 0, 1, 0), MOV(6, 0),
					     STORE(BPF_DW, 10, -8, 6), EXIT};
	static const struct insn itself[] = {LOAD(BPF_DW, 6, 1, 0),
					     ADD(6, 1),
					     STORE(BPF_DW, 1, 0, 6),
					     CONSTANT(2, 0, 0),
					     MOV(3, ITSELF),
					     CALL(tail_call),
					     MOVR(0, 6),
					     EXIT};
	struct object *o = object_new();

	*vec_add(&o->arena, &o->maps) = (struct object_map){.name = "progs",
							    .kind = MAP_PROG_ARRAY,
							    .key_size = 4,
							    .value_size = 4,
							    .max_entries = 3};
	add_program(o, "caller", caller, N(caller), 8);
	add_program(o, "target", target, N(target), 0);
	add_program(o, "itself", itself, N(itself), 3);
	return o;
}

static u64 call_program(struct vm *vm, u32 prog, u64 *memory)
{
	struct vm_run *run;
	u64 result = 0;

	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
					.size = 8,
					.kind = VM_MEMORY,
					.writable = true});
	assert_int_equal(vm_call(run, prog, (u64)(uintptr_t)memory, 0, &result), 0);
	vm_run_close(run);
	return result;
}

static void tail_calls(void **state)
{
	(void)state;
	for (u32 way = 0; way < WAYS; way++) {
		struct vm_opts opts = opts_of(way, 0);
		struct object *o = object_of_tail_calls();
		u64 memory = 42;
		struct vm *vm;

		assert_int_equal(vm_open(&vm, o, &opts, NULL), 0);
		assert_int_equal(call_program(vm, CALLER, &memory),
				 1000 + 10 + 5); /* no such program */
		for (u32 i = 0; i < 3; i++)
			assert_int_equal(vm_map_update(vm_map_of(vm, 0), &i, &i, 0), 0);
		assert_int_equal(call_program(vm, CALLER, &memory), 1000 + 10 + 42);
		memory = 0;
		assert_int_equal(call_program(vm, ITSELF, &memory), VM_TAIL_CALLS + 1);
		if (vm->progs[TARGET].entry) { /* a program without code is interpreted */
			jit_free(&vm->progs[TARGET]);
			memory = 77;
			assert_int_equal(call_program(vm, CALLER, &memory), 1000 + 10 + 77);
		}
		vm_close(vm);
		object_free(o);
	}
}

/* ---- the code */

static bool code_has(const struct vm_prog *p, u64 value, u32 bytes)
{
	const u8 *code = p->entry;

	for (size_t i = 0; i + bytes <= p->entry_bytes; i++)
		if (!memcmp(code + i, &value, bytes))
			return true;
	return false;
}

#define SECRET 0x5ec3e7a9

static void constants_are_blinded(void **state)
{
	static const struct insn code[] = {MOV(6, SECRET),
					   ADD(6, SECRET),
					   PUT(BPF_DW, 10, -8, SECRET),
					   JEQ(6, SECRET, 2),
					   CONSTANT(7, SECRET, 0x11223344),
					   {BPF_ALU | BPF_XOR | BPF_K, 7, 0, 0, SECRET},
					   {BPF_ALU64 | BPF_DIV | BPF_K, 6, 0, 0, SECRET},
					   MOVR(0, 6),
					   EXIT};
	u64 wide = 0x11223344ull << 32 | SECRET;
	struct vm_opts opts = {0};
	struct vm *vm, *again;

	(void)state;
	SAME(code);
	assert_int_equal(vm_open_code(&vm, code, N(code), &opts, NULL), 0);
	assert_true(code_has(&vm->progs[0], SECRET, 4)); /* it would be seen */
	assert_true(code_has(&vm->progs[0], wide, 8));
	vm_close(vm);
	for (u32 i = 0; i < 20; i++) {
		opts.blind = true;
		opts.trusted = i & 1;
		assert_int_equal(vm_open_code(&vm, code, N(code), &opts, NULL), 0);
		assert_false(code_has(&vm->progs[0], SECRET, 4));
		assert_false(code_has(&vm->progs[0], wide, 8));
		assert_int_equal(vm_open_code(&again, code, N(code), &opts, NULL), 0);
		assert_memory_not_equal(vm->progs[0].entry, again->progs[0].entry,
					MIN(vm->progs[0].entry_bytes, again->progs[0].entry_bytes));
		vm_close(again);
		vm_close(vm);
	}
}

/* The rights of the mapping that holds the address, from /proc/self/maps; and whether any may be
 * written and run. */
static bool rights_of(const void *address, char rights[5])
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, at = (unsigned long)(uintptr_t)address;
	char line[512], these[5];
	bool both = false;

	assert_non_null(f);
	rights[0] = 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, these) != 3)
			continue;
		both |= these[1] == 'w' && these[2] == 'x';
		if (at >= start && at < end)
			memcpy(rights, these, 5);
	}
	fclose(f);
	return both;
}

static void no_page_is_writable_and_executable(void **state)
{
	static const struct insn code[] = {LOAD(BPF_B, 0, 1, 0), EXIT};
	char rights[5];
	struct vm *vm[20];

	(void)state;
	for (u32 i = 0; i < N(vm); i++)
		assert_int_equal(vm_open_code(&vm[i], code, N(code), NULL, NULL), 0);
	for (u32 i = 0; i < N(vm); i++) {
		const struct vm_prog *p = &vm[i]->progs[0];

		assert_false(rights_of(p->entry, rights));
		assert_string_equal(rights, "r-xp");
		assert_false(rights_of(p->jit->hints, rights));
		assert_string_equal(rights, "rw-p");
	}
	for (u32 i = 0; i < N(vm); i++)
		vm_close(vm[i]);
}

/* ---- threads: one program, memory of their own */

struct worker {
	struct vm *vm;
	u32 cpu;
	bool good;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	u64 *memory = calloc(8, 8), result;
	struct vm_run *run;

	w->good = memory && !vm_run_open(&run, w->vm, NULL, NULL, w->cpu);
	if (!w->good)
		return NULL;
	for (u32 i = 0; i < w->cpu; i++) /* so that memory has another number in each */
		vm_lend(run, (struct vm_region){.start = 16 + i, .size = 1, .kind = VM_MEMORY});
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
					.size = 64,
					.kind = VM_MEMORY,
					.writable = true});
	for (u32 i = 0; i < 20000 && w->good; i++)
		w->good = !vm_call(run, 0, (u64)(uintptr_t)memory, 0, &result) && result == i + 1;
	w->good &= vm_call(run, 0, (u64)(uintptr_t)memory + 60, 0, &result) == -EFAULT;
	vm_run_close(run);
	free(memory);
	return NULL;
}

static void threads_share_code(void **state)
{
	static const struct insn code[] = {LOAD(BPF_DW, 0, 1, 0), ADD(0, 1), STORE(BPF_DW, 1, 0, 0),
					   STORE(BPF_DW, 10, -8, 0), EXIT};
	struct worker w[4] = {0};
	pthread_t thread[4];
	struct vm *vm;

	(void)state;
	assert_int_equal(vm_open_code(&vm, code, N(code), NULL, NULL), 0);
	for (u32 i = 0; i < N(w); i++) {
		w[i] = (struct worker){vm, i, false};
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (u32 i = 0; i < N(w); i++) {
		pthread_join(thread[i], NULL);
		assert_true(w[i].good);
	}
	vm_close(vm);
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
	cmocka_unit_test(tail_calls),
	cmocka_unit_test(constants_are_blinded),
	cmocka_unit_test(no_page_is_writable_and_executable),
	cmocka_unit_test(threads_share_code),
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
