/* test_specialise.c: programs fitted to the constants of a run, listed. */
#include "object/specialise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
	op(&x, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 2, 0);	  /* no */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_become_immediates),
		cmocka_unit_test(branches_are_decided),
		cmocka_unit_test(loops_forget),
		cmocka_unit_test(what_is_needed_stays),
		cmocka_unit_test(calls_read_their_arguments),
		cmocka_unit_test(functions_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
