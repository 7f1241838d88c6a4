/*
 * test_jit_code.c: what belongs to compiled programs: maps, other programs, threads; and what their
 * code may not be: writable, or full of the program's constants where these are blinded.
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

#include "jit_programs.h"

#ifdef __x86_64__

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
		vm_close(vm);
		object_free(o);
	}
}

/* ---- values of maps: an access must stay in one of them */

enum { ELEMENTS = 4, ELEMENT_BYTES = 12, STRIDE = 16 };

/* r0 = *(u32 *)(value + first) + *(u32 *)(value + second), of the value of key r2; 99: there is
 * none */
static struct object *object_of_elements(s16 first, s16 second, bool store)
{
	const struct insn code[] = {STORE(BPF_W, 10, -4, 2),
				    MOVR(2, 10),
				    ADD(2, -4),
				    CONSTANT(1, 0, 0),
				    CALL(map_lookup_elem),
				    JNE(0, 0, 2),
				    MOV(0, 99),
				    EXIT,
				    LOAD(BPF_W, 3, 0, first),
				    LOAD(BPF_W, 4, 0, second),
				    store ? (struct insn)STORE(BPF_W, 0, second, 3)
					  : (struct insn)JA(0),
				    MOVR(0, 3),
				    ADDR(0, 4),
				    EXIT};
	struct object *o = object_new();

	*vec_add(&o->arena, &o->maps) = (struct object_map){.name = "elements",
							    .kind = MAP_ARRAY,
							    .key_size = 4,
							    .value_size = ELEMENT_BYTES,
							    .max_entries = ELEMENTS};
	add_program(o, "test", code, N(code), 3);
	return o;
}

struct ends {
	int err[ELEMENTS + 1];
	u64 result[ELEMENTS + 1];
	u32 insn[ELEMENTS + 1];
};

static void run_elements(enum way way, struct object *o, struct ends *ends)
{
	struct vm_opts opts = opts_of(way, 0);
	u32 value[4] = {1, 2, 3};
	struct vm_run *run;
	struct vm *vm;

	assert_int_equal(vm_open(&vm, o, &opts, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	for (u32 i = 0; i < ELEMENTS; i++, value[0] += 16)
		assert_int_equal(vm_map_update(vm_map_of(vm, 0), &i, value, 0), 0);
	for (u32 i = 0; i <= ELEMENTS; i++) {
		ends->result[i] = 0;
		ends->err[i] = vm_call(run, 0, 0, i, &ends->result[i]);
		ends->insn[i] = run->fault.insn;
	}
	vm_run_close(run);
	vm_close(vm);
}

/* Addresses alone count: what is behind a gap is the next value. */
static bool inside(u32 key, s16 off)
{
	s32 at = (s32)key * STRIDE + off;

	return at >= 0 && at < ELEMENTS * STRIDE && (at & (STRIDE - 1)) + 4 <= ELEMENT_BYTES;
}

static void expect_ends(const struct ends *e, s16 first, s16 second)
{
	assert_int_equal(e->err[ELEMENTS], 0);
	assert_int_equal(e->result[ELEMENTS], 99);
	for (u32 i = 0; i < ELEMENTS; i++) {
		bool good = inside(i, first) && inside(i, second);

		assert_int_equal(e->err[i], good ? 0 : -EFAULT);
		if (!good)
			assert_int_equal(e->insn[i], inside(i, first) ? 10 : 9);
		else if (!first && second == 4)
			assert_int_equal(e->result[i], 1 + 16 * i + 2);
	}
}

static void accesses_stay_in_one_value(void **state)
{
	(void)state;
	for (s16 first = -4; first <= 16; first += 4)
		for (s16 second = -2; second <= 18; second += 2)
			for (u32 way = 0; way < WAYS; way++) {
				struct object *o = object_of_elements(first, second, way & 1);
				bool good = first >= 0 && second >= 0 &&
					    MAX(first, second) + 4 <= ELEMENT_BYTES;
				struct ends ends;

				if (way != TRUSTED || good) {
					run_elements(way, o, &ends);
					expect_ends(&ends, first, second);
				}
				object_free(o);
			}
}

/* Three CPUs: whose value is found is for the run to say. */
static void run_on_cpu(enum way way, u32 cpu)
{
	enum { CPUS = 3 };
	struct object *o = object_of_elements(0, 4, false);
	struct vm_opts opts = opts_of(way, 0);
	u32 values[CPUS][STRIDE / 4] = {{1, 10}, {2, 20}, {3, 30}};
	struct vm_run *run;
	struct vm *vm;
	u64 result;

	o->maps.v[0].kind = MAP_PERCPU_ARRAY;
	opts.cpus = CPUS;
	assert_int_equal(vm_open(&vm, o, &opts, NULL), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, cpu), 0);
	for (u32 i = 0; i < ELEMENTS; i++) {
		for (u32 c = 0; c < CPUS; c++)
			values[c][0] += 100;
		assert_int_equal(vm_map_update(vm_map_of(vm, 0), &i, values, 0), 0);
		assert_int_equal(vm_call(run, 0, 0, i, &result), 0);
		assert_int_equal(result, 100 * (i + 1) + 11 * (cpu + 1));
	}
	assert_int_equal(vm_call(run, 0, 0, ELEMENTS, &result), 0);
	assert_int_equal(result, 99);
	vm_run_close(run);
	vm_close(vm);
	object_free(o);
}

static void a_cpu_has_its_own_values(void **state)
{
	(void)state;
	for (u32 way = 0; way < WAYS; way++)
		for (u32 cpu = 0; cpu < 3; cpu++)
			run_on_cpu(way, cpu);
}

/* ---- a helper that takes more than its prototype says */

static void keep_text(struct vm_run *run, const char *text, size_t len)
{
	snprintf(run->user, 64, "%.*s", (int)len, text);
}

static void all_arguments_of_a_format_are_there(void **state)
{
	static const struct insn code[] = {MOV(2, 9),  MOV(3, 1),  MOV(5, 2),          SHL(5, 3),
					   MOVR(4, 3), ADDR(4, 5), CALL(trace_printk), EXIT};
	static const struct vm_host host = {.printk = keep_text};
	char format[9] = "%d %d %d";

	(void)state;
	for (u32 way = 0; way < WAYS; way++) {
		struct vm_opts opts = opts_of(way, 0);
		char text[64] = "";
		struct vm_run *run;
		struct vm *vm;
		u64 result;

		assert_int_equal(vm_open_code(&vm, code, N(code), &opts, NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, &host, text, 0), 0);
		vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)format,
						.size = sizeof(format),
						.kind = VM_MEMORY});
		assert_int_equal(vm_call(run, 0, (u64)(uintptr_t)format, 0, &result), 0);
		assert_string_equal(text, "1 17 16");
		vm_run_close(run);
		vm_close(vm);
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

/* ---- distances */

/* A jump over k additions of 4 bytes each, and back over them: around where it becomes long. */
static void jumps_of_all_lengths(void **state)
{
	struct insn code[80];

	(void)state;
	for (u32 k = 24; k <= 40; k++) {
		struct vm_opts opts = {.trusted = k & 1};
		struct vm_run *run;
		struct vm *vm;
		u32 n = 0;

		code[n++] = (struct insn)MOV(0, 0);
		code[n++] = (struct insn)JEQ(2, 0, (s16)(k + 2)); /* to the exit */
		for (u32 i = 0; i < k; i++)
			code[n++] = (struct insn)ADD(0, 3);
		code[n++] = (struct insn)ADD(2, -1);
		code[n++] = (struct insn)JNE(2, 0, (s16)(-2 - (s32)k));
		code[n++] = (struct insn)EXIT;
		assert_int_equal(vm_open_code(&vm, code, n, &opts, NULL), 0);
		assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
		for (u64 turns = 0; turns < 5; turns++) {
			u64 result = 0;

			assert_int_equal(vm_call(run, 0, 0, turns, &result), 0);
			assert_int_equal(result, turns * k * 3);
		}
		vm_run_close(run);
		vm_close(vm);
	}
}

/* A function of this program is in reach of a direct call, one of the C library is not. */
static void calls_near_and_far(void **state)
{
	u64 functions[] = {(u64)(uintptr_t)isa_dis, (u64)(uintptr_t)abs};
	struct arena arena = {0};
	struct emit e = {0};
	struct emit_code code;
	int (*call)(int);
	const u8 *at;

	(void)state;
	emit_begin(&e, &arena, 0, 64, 8);
	x_push(&e, RBX);
	x_call_far(&e, functions[1]);
	x_pop(&e, RBX);
	x_ret(&e);
	x_call_far(&e, functions[0]); /* never run */
	assert_int_equal(emit_link(&e, &code), 0);
	at = code.start;
	memcpy(&call, &at, sizeof(at));
	assert_int_equal(call(-77), 77);
	assert_int_equal(code.start[9], 0x67); /* behind push, call, pop, ret: a direct call */
	emit_unmap(&code);
	arena_free(&arena);
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

	if (!memory || vm_run_open(&run, w->vm, NULL, NULL, w->cpu)) {
		free(memory);
		return NULL;
	}
	w->good = true;
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
	cmocka_unit_test(tail_calls),
	cmocka_unit_test(accesses_stay_in_one_value),
	cmocka_unit_test(a_cpu_has_its_own_values),
	cmocka_unit_test(all_arguments_of_a_format_are_there),
	cmocka_unit_test(constants_are_blinded),
	cmocka_unit_test(no_page_is_writable_and_executable),
	cmocka_unit_test(jumps_of_all_lengths),
	cmocka_unit_test(calls_near_and_far),
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
