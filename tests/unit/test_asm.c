/*
 * test_asm.c: the assembler of single instructions: what the disassembler writes is read back to
 * the same bits, for every row of the table with every edge of its operands; what clang writes is
 * taken; mistakes are named where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "isa/asm.h"

static u64 tried;

/* The instruction's text, read back. */
static void round_trip(const struct insn in[2], u32 pc)
{
	struct asm_wrong wrong;
	struct asm_line line;
	struct buf text = {0};
	int slots = isa_dis(&text, &in[0], &in[1], pc);

	if (slots) {
		if (isa_asm(buf_str(&text), text.n, &line, &wrong))
			fail_msg("'%s': %s at %u", buf_str(&text), wrong.text, wrong.at);
		if (line.names == ASM_TARGET) {
			assert_true(line.has_distance);
			assert_true(isa_set_target(line.insn, line.distance));
		} else {
			assert_int_equal(line.names, ASM_NO_NAME);
		}
		assert_int_equal(line.slots, slots);
		if (memcmp(line.insn, in, (size_t)slots * sizeof(*in)))
			fail_msg("'%s' is read as another instruction", buf_str(&text));
		tried++;
	}
	buf_free(&text);
}

static void each_row_with_edges_comes_back(void **state)
{
	static const s32 imms[] = {
		0,           1,         -1, 9, 255, 32768, 65536, 0x7fffffff, -0x7fffffff - 1,
		-0x7fffffff, 0x12345678};
	static const s16 offs[] = {0, 1, -1, -8, 32767, -32768, 255};
	static const u8 regs[][2] = {{0, 0}, {1, 2}, {10, 9}, {0, 10}};

	(void)state;
	for (u32 id = 1; id < ISA_OPS; id++) {
		const struct isa_op *op = &isa_ops[id];
		u64 before = tried;

		for (u32 i = 0; i < ARRAY_SIZE(imms) * ARRAY_SIZE(offs) * ARRAY_SIZE(regs); i++) {
			const u8 *reg = regs[i % ARRAY_SIZE(regs)];
			u32 rest = i / ARRAY_SIZE(regs);
			struct insn in[2] = {{
				.code = op->code,
				.dst = reg[0] & 15,
				.src = (op->src == ISA_ANY ? reg[1] : (u8)op->src) & 15,
				.off = op->off == ISA_ANY ? offs[rest % ARRAY_SIZE(offs)] : op->off,
				.imm = op->imm == ISA_ANY ? imms[rest / ARRAY_SIZE(offs)] : op->imm,
			}};

			if (op->form == FORM_LD_IMM64)
				in[1].imm = imms[(i * 7) % ARRAY_SIZE(imms)];
			if (isa_op(in) != op)
				in[0].dst = 0;
			if (isa_op(in) == op)
				round_trip(in, i % 3 ? 5 : 0);
		}
		if (tried == before)
			fail_msg("no instruction of row %s was tried", op->name);
	}
	assert_true(tried > 10000);
}

static void any_bits_that_are_an_instruction_come_back(void **state)
{
	u64 x = 88172645463325252ull;

	(void)state;
	tried = 0;
	for (u32 i = 0; i < 60000; i++) {
		struct insn in[2] = {0};

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(in, &x, sizeof(in[0]));
		in->off = i & 1 ? in->off : 0;
		in->imm = i & 2 ? in->imm : 0;
		round_trip(in, i);
	}
	assert_true(tried > 1000);
}

static void other_spellings_are_taken(void **state)
{
	static const struct {
		const char *text;
		struct insn a, b;
	} rows[] = {
		{"  r1   =  -5  ", {0xb7, 1, 0, 0, -5}, {0}},
		{"r1=5", {0xb7, 1, 0, 0, 5}, {0}},
		{"r1 = 5 ll", {0x18, 1, 0, 0, 5}, {0}},
		{"r1 = 0x5", {0x18, 1, 0, 0, 5}, {0}},
		{"r1 = 5000000000", {0x18, 1, 0, 0, 705032704}, {0, 0, 0, 0, 1}},
		{"r1 = -0x1", {0x18, 1, 0, 0, -1}, {0, 0, 0, 0, -1}},
		{"r1 = w2", {0xbc, 1, 2, 0, 0}, {0}},
		{"w1 = 0x10", {0xb4, 1, 0, 0, 16}, {0}},
		{"w1 = 0xffffffff", {0xb4, 1, 0, 0, -1}, {0}},
		{"r1 += 0x10", {0x07, 1, 0, 0, 16}, {0}},
		{"r1 &= 0xfffffffffffffff0", {0x57, 1, 0, 0, -16}, {0}},
		{"r1 = *(u64 *)(r2 + 8)", {0x79, 1, 2, 8, 0}, {0}},
		{"r1=*(u64*)(r2-8)", {0x79, 1, 2, -8, 0}, {0}},
		{"r1 = *(u64 *)(r2)", {0x79, 1, 2, 0, 0}, {0}},
		{"w1 = *(u32 *)(r2 + 0)", {0x61, 1, 2, 0, 0}, {0}},
		{"*(u8 *)(r10 - 1) = w3", {0x73, 10, 3, -1, 0}, {0}},
		{"w1 = atomic_fetch_add((u32 *)(r10 - 8), w1)", {0xc3, 10, 1, -8, 1}, {0}},
		{"r1 = atomic_fetch_add((u64 *)(r10 - 8), r1)", {0xdb, 10, 1, -8, 1}, {0}},
		{"call bpf_map_lookup_elem", {0x85, 0, 0, 0, 1}, {0}},
		{"call 1", {0x85, 0, 0, 0, 1}, {0}},
		{"call #12", {0x85, 0, 0, 0, 12}, {0}},
		{"if r1 == 5 goto +3", {0x15, 1, 0, 3, 5}, {0}},
		{"if w1 s< -1 goto pc-2", {0xc6, 1, 0, -2, -1}, {0}},
		{"goto +1", {0x05, 0, 0, 1, 0}, {0}},
		{"exit", {0x95, 0, 0, 0, 0}, {0}},
	};
	struct asm_wrong wrong;
	struct asm_line line;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (isa_asm(rows[i].text, strlen(rows[i].text), &line, &wrong))
			fail_msg("'%s': %s", rows[i].text, wrong.text);
		if (line.names == ASM_TARGET)
			assert_true(isa_set_target(line.insn, line.distance));
		if (memcmp(&line.insn[0], &rows[i].a, 8) || memcmp(&line.insn[1], &rows[i].b, 8))
			fail_msg("'%s' is read as another instruction", rows[i].text);
		assert_int_equal(line.slots, rows[i].a.code == 0x18 ? 2 : 1);
	}
}

static void names_are_handed_on(void **state)
{
	static const struct {
		const char *text, *name;
		u8 names;
		s32 imm;
	} rows[] = {
		{"goto loop", "loop", ASM_TARGET, 0},
		{"if r1 & r2 goto .L3", ".L3", ASM_TARGET, 0},
		{"if r1 > 0x1 goto pc+3 <7>", "7", ASM_TARGET, 0},
		{"gotol far", "far", ASM_TARGET, 0},
		{"call square", "square", ASM_TARGET, 0},
		{"r1 = subprog[square]", "square", ASM_TARGET, 0},
		{"r1 = map[counts]", "counts", ASM_MAP, 0},
		{"r1 = map[.rodata.x][0]+16", ".rodata.x", ASM_MAP, 16},
		{"r1 = counts ll", "counts", ASM_MAP, 0},
	};
	struct asm_wrong wrong;
	struct asm_line line;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (isa_asm(rows[i].text, strlen(rows[i].text), &line, &wrong))
			fail_msg("'%s': %s", rows[i].text, wrong.text);
		assert_int_equal(line.names, rows[i].names);
		assert_int_equal(line.name_len, strlen(rows[i].name));
		assert_memory_equal(rows[i].text + line.name_at, rows[i].name, line.name_len);
		assert_int_equal(line.insn[1].imm, rows[i].imm);
	}
}

static void mistakes_are_named_where_they_are(void **state)
{
	static const struct {
		const char *text;
		u32 at, len;
		const char *says, *hint;
	} rows[] = {
		{"r11 += 1", 0, 3, "there is no register r11", "r0 to r10"},
		{"r1 += w2", 6, 2, "w2 cannot stand here: it has 32 bits", "64 bits"},
		{"w1 += r2", 6, 2, "r2 cannot stand here", "32 bits"},
		{"r1 += 5000000000", 6, 10, "not in -2147483648 to 2147483647", "register"},
		{"r1 = *(u64 *)(r2 + 40000)", 17, 7, "not in -32768 to 32767", ""},
		{"r1 = *(u63 *)(r2 + 4)", 7, 3, "expected a type", ""},
		{"r1 = -r2", 6, 2, "the register that stands before it", ""},
		{"call bpf_map_lokup_elem#1", 23, 1, "expected the end of the line", ""},
		{"call bpf_map_lookup_elem#2", 5, 21, "bpf_map_lookup_elem is helper 1", ""},
		{"exti", 0, 4, "no instruction begins with 'exti'", "did you mean 'exit'?"},
		{"if r1 == 5 got 3", 11, 3, "expected 'goto'", "did you mean 'goto'?"},
		{"r1 ?= 5", 3, 1, "expected", ""},
		{"r1 = 99999999999999999999", 5, 20, "more than 64 bits", ""},
		{"goto", 4, 0, "the instruction ends: expected a label", ""},
		{"exit r0", 5, 2, "expected the end of the line", ""},
		{"r1 = be16 r2", 10, 2, "the register that stands before it", ""},
	};
	struct asm_wrong wrong;
	struct asm_line line;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!isa_asm(rows[i].text, strlen(rows[i].text), &line, &wrong))
			fail_msg("'%s' was taken", rows[i].text);
		if (!strstr(wrong.text, rows[i].says) || !strstr(wrong.hint, rows[i].hint) ||
		    wrong.at != rows[i].at || wrong.len != rows[i].len)
			fail_msg("'%s': %u+%u: %s (%s)", rows[i].text, wrong.at, wrong.len,
				 wrong.text, wrong.hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_with_edges_comes_back),
		cmocka_unit_test(any_bits_that_are_an_instruction_come_back),
		cmocka_unit_test(other_spellings_are_taken),
		cmocka_unit_test(names_are_handed_on),
		cmocka_unit_test(mistakes_are_named_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
