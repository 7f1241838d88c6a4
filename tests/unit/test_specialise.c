/*
 * test_specialise.c: programs fitted to the constants of a run: listed, and, for random ones, what
 * they return beside what the program returns that they were made of.
 */
#include "object/specialise.h"
#include "vm/vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define RODATA 3 /* number of the map */

struct fixture {
	struct arena arena;
	struct code code;
	u8 data[64];
};

static u32 op(struct fixture *x, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	vec_push(&x->arena, &x->code.insns, (struct insn){code, dst & 15u, src & 15u, off, imm});
	return x->code.insns.n - 1;
}

static void address(struct fixture *x, u8 dst, u32 map, u32 off)
{
	u32 at = op(x, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, 0);

	op(x, 0, 0, 0, 0, (s32)off);
	vec_push(&x->arena, &x->code.relocs, (struct code_reloc){at, map, off, true});
}

static void load(struct fixture *x, u8 code, u8 dst, u8 src, s16 off)
{
	op(x, BPF_LDX | code, dst, src, off, 0);
}

static void set_word(struct fixture *x, u32 at, u64 value)
{
	memcpy(x->data + at, &value, sizeof(value));
}

static void leave(struct fixture *x)
{
	op(x, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void expect(struct fixture *x, const char *listing)
{
	struct specialised s;
	struct code now = {0};
	struct buf out = {0};

	assert_int_equal(specialise(&s, &x->code, RODATA, x->data, sizeof(x->data)), 0);
	now.insns.v = s.insns;
	now.insns.n = s.n;
	now.relocs.v = s.relocs;
	now.relocs.n = s.nrelocs;
	code_print(&out, &now);
	assert_string_equal(buf_str(&out), listing);
	assert_int_equal(s.at[x->code.insns.n], s.n);
	buf_free(&out);
	specialised_free(&s);
	arena_free(&x->arena);
}

static void loads_become_immediates(void **state)
{
	struct fixture x = {0};

	(void)state;
	set_word(&x, 8, 41);
	set_word(&x, 16, 0xfffffffffffffffeull);
	set_word(&x, 24, 0x123456789ull);
	address(&x, 1, RODATA, 8);
	load(&x, BPF_MEM | BPF_DW, 0, 1, 0);
	load(&x, BPF_MEM | BPF_B, 2, 1, 8);
	op(&x, BPF_ALU64 | BPF_ADD | BPF_X, 0, 2, 0, 0);
	load(&x, BPF_MEMSX | BPF_B, 3, 1, 8);
	op(&x, BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0);
	load(&x, BPF_MEM | BPF_DW, 4, 1, 16);
	op(&x, BPF_ALU64 | BPF_XOR | BPF_X, 0, 4, 0, 0);
	leave(&x);
	expect(&x, "   0: r0 = 41\n"
		   "   1: r0 += 254\n"
		   "   2: r0 += -2\n"
		   "   3: r4 = 0x123456789\n"
		   "   5: r0 ^= r4\n"
		   "   6: exit\n");
}

static void branches_are_decided(void **state)
{
	struct fixture x = {0};

	(void)state;
	set_word(&x, 0, 7);
	address(&x, 2, RODATA, 0);
	load(&x, BPF_MEM | BPF_W, 2, 2, 0);
	op(&x, BPF_JMP32 | BPF_JSGT | BPF_X, 1, 2, 4, 0); /* nobody knows */
	op(&x, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 2, 0);    /* no */
	op(&x, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	op(&x, BPF_JMP | BPF_JA, 0, 0, 2, 0);
	op(&x, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2);
	op(&x, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 3);
	leave(&x);
	expect(&x, "   0: if w1 s> 0x7 goto pc+2 <3>\n"
		   "   1: r0 = 1\n"
		   "   2: goto pc+1 <4>\n"
		   "   3: r0 = 3\n"
		   "   4: exit\n");
}

/* What is behind a place that is jumped to is only known when it is loaded there. */
static void loops_forget(void **state)
{
	struct fixture x = {0};

	(void)state;
	set_word(&x, 0, 3);
	address(&x, 2, RODATA, 0);
	load(&x, BPF_MEM | BPF_DW, 1, 2, 0);
	op(&x, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	op(&x, BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0);
	op(&x, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -1);
	op(&x, BPF_JMP | BPF_JNE | BPF_K, 1, 0, -3, 0);
	leave(&x);
	expect(&x, "   0: r1 = 3\n"
		   "   1: r0 = 0\n"
		   "   2: r0 += r1\n"
		   "   3: r1 += -1\n"
		   "   4: if r1 != 0x0 goto pc-3 <2>\n"
		   "   5: exit\n");
}

/* Addresses that are handed on stay, as do loads from other maps and from behind the end. */
static void what_is_needed_stays(void **state)
{
	struct fixture x = {0};

	(void)state;
	address(&x, 1, RODATA, 8);
	address(&x, 2, RODATA + 1, 0);
	load(&x, BPF_MEM | BPF_DW, 2, 2, 0);
	op(&x, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_get_current_comm);
	address(&x, 6, RODATA, 60);
	load(&x, BPF_MEM | BPF_DW, 0, 6, 0);
	leave(&x);
	expect(&x, "   0: r1 = map[fd:0][0]+8  ; map 3 data +8\n"
		   "   2: r2 = map[fd:0][0]+0  ; map 4 data +0\n"
		   "   4: r2 = *(u64 *)(r2 +0)\n"
		   "   5: call bpf_get_current_comm#16\n"
		   "   6: r6 = map[fd:0][0]+60  ; map 3 data +60\n"
		   "   8: r0 = *(u64 *)(r6 +0)\n"
		   "   9: exit\n");
}

/* A register that a call does not read holds nothing that is needed. */
static void calls_read_their_arguments(void **state)
{
	struct fixture x = {0};

	(void)state;
	address(&x, 2, RODATA, 0);
	load(&x, BPF_MEM | BPF_DW, 3, 2, 0);
	op(&x, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_ktime_get_ns);
	leave(&x);
	expect(&x, "   0: call bpf_ktime_get_ns#5\n"
		   "   1: exit\n");
}

static void functions_of_its_own(void **state)
{
	struct fixture x = {0};

	(void)state;
	address(&x, 2, RODATA, 0);
	load(&x, BPF_MEM | BPF_DW, 1, 2, 0);
	op(&x, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1);
	leave(&x);
	op(&x, BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0);
	leave(&x);
	expect(&x, "   0: r2 = map[fd:0][0]+0  ; map 3 data +0\n"
		   "   2: r1 = *(u64 *)(r2 +0)\n"
		   "   3: call pc+1 <5>\n"
		   "   4: exit\n"
		   "   5: r0 = r1\n"
		   "   6: exit\n");
}

/* ---- random programs */

static u32 below(u32 n)
{
	return (u32)rand() % n;
}

struct places {
	u32 *v, n, cap; /* a vec */
};

static void random_jump(struct fixture *x, struct places *jumps)
{
	static const u8 conditions[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
					BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE};
	u8 code = (below(2) ? BPF_JMP : BPF_JMP32) | conditions[below(ARRAY_SIZE(conditions))];
	bool is_x = below(2);

	vec_push(&x->arena, jumps,
		 op(x, code | (is_x ? BPF_X : BPF_K), (u8)below(10), is_x ? (u8)below(10) : 0, 0,
		    is_x ? 0 : (s32)below(5) - 2));
}

static void random_alu(struct fixture *x)
{
	static const u8 codes[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND,
				   BPF_XOR, BPF_MOV, BPF_LSH, BPF_RSH, BPF_ARSH};
	u8 which = codes[below(ARRAY_SIZE(codes))], cls = below(2) ? BPF_ALU : BPF_ALU64;
	bool is_x = below(2), shifts = which == BPF_LSH || which == BPF_RSH || which == BPF_ARSH;
	s32 imm = shifts ? (s32)below(32) : rand() - RAND_MAX / 2;

	op(x, cls | which | (is_x ? BPF_X : BPF_K), (u8)below(10), is_x ? (u8)below(10) : 0, 0,
	   is_x ? 0 : imm);
}

static void random_load(struct fixture *x)
{
	static const u8 sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
	u8 reg = (u8)below(10), code = sizes[below(4)];
	u32 at = below(sizeof(x->data) - 16);

	address(x, reg, RODATA, at);
	code |= code != BPF_DW && below(2) ? BPF_MEMSX : BPF_MEM;
	load(x, code, (u8)below(10), reg, (s16)below(8));
	op(x, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, 7); /* addresses differ from run to run */
}

/* Jumps lead forwards, to the beginning of some instruction behind. */
static void random_program(struct fixture *x)
{
	struct places jumps = {0}, starts = {0};

	for (u32 i = 0; i < sizeof(x->data); i++)
		x->data[i] = below(3) ? 0 : (u8)rand();
	for (u8 r = 0; r < 10; r++)
		op(x, BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, (s32)below(3));
	for (u32 i = 0; i < 40; i++) {
		vec_push(&x->arena, &starts, x->code.insns.n);
		switch (below(4)) {
		case 0: random_jump(x, &jumps); break;
		case 1: random_load(x); break;
		default: random_alu(x);
		}
	}
	vec_push(&x->arena, &starts, x->code.insns.n);
	for (u8 r = 1; r < 10; r++) {
		op(x, BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 31);
		op(x, BPF_ALU64 | BPF_ADD | BPF_X, 0, r, 0, 0);
	}
	leave(x);
	vec_each (j, &jumps) {
		u32 to = below(starts.n);

		while (starts.v[to] <= *j)
			to = to + 1 + below(starts.n - to - 1);
		x->code.insns.v[*j].off = (s16)(starts.v[to] - *j - 1);
	}
}

static u64 result_of(const struct insn *insns, u32 n, const struct code_reloc *relocs, u32 nrelocs,
		     struct fixture *x)
{
	struct insn *linked = malloc(n * sizeof(*linked));
	struct vm_opts opts = {.interpret = true};
	struct diag diag = {0};
	struct vm_run *run;
	struct vm *vm;
	u64 result = 0;

	memcpy(linked, insns, n * sizeof(*linked));
	for (u32 i = 0; i < nrelocs; i++) {
		u64 at = (u64)(uintptr_t)x->data + relocs[i].off;

		linked[relocs[i].insn].src = 0;
		linked[relocs[i].insn].imm = (s32)at;
		linked[relocs[i].insn + 1].imm = (s32)(at >> 32);
	}
	assert_int_equal(vm_open_code(&vm, linked, n, &opts, &diag), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	assert_true(vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)x->data,
						    .size = sizeof(x->data),
						    .kind = VM_MEMORY}));
	assert_int_equal(vm_call(run, 0, 0, 0, &result), 0);
	vm_run_close(run);
	vm_close(vm);
	free(linked);
	return result;
}

static void random_programs_mean_the_same(void **state)
{
	u32 shorter = 0;

	(void)state;
	srand(1);
	for (u32 i = 0; i < 2000; i++) {
		struct fixture x = {0};
		struct specialised s;
		struct code *c = &x.code;

		random_program(&x);
		assert_int_equal(specialise(&s, c, RODATA, x.data, sizeof(x.data)), 0);
		shorter += s.n < c->insns.n;
		assert_int_equal(result_of(c->insns.v, c->insns.n, c->relocs.v, c->relocs.n, &x),
				 result_of(s.insns, s.n, s.relocs, s.nrelocs, &x));
		specialised_free(&s);
		arena_free(&x.arena);
	}
	assert_true(shorter > 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_become_immediates),
		cmocka_unit_test(branches_are_decided),
		cmocka_unit_test(loops_forget),
		cmocka_unit_test(what_is_needed_stays),
		cmocka_unit_test(calls_read_their_arguments),
		cmocka_unit_test(functions_of_its_own),
		cmocka_unit_test(random_programs_mean_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
