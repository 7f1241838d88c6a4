/*
 * test_arch.c: registers, USDT operands and lengths of instructions of x86-64.
 *
 * Offsets of registers are those that the compiler gives the fields of the kernel's struct pt_regs;
 * lengths are those of instructions that the assembler has put between two labels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <asm/ptrace.h>

#include "arch/arch.h"

static const struct arch *x86(void)
{
	const struct arch *a = arch_find("x86_64");

	assert_non_null(a);
	return a;
}

static u32 at(const char *name)
{
	const struct arch_reg *r = arch_reg(x86(), name);

	assert_non_null(r);
	return r->off;
}

static void registers_are_where_the_kernel_has_them(void **state)
{
	const struct arch *a = x86();

	(void)state;
#define SAME(reg, field) assert_int_equal(at(reg), offsetof(struct pt_regs, field))
	SAME("rax", rax), SAME("rbx", rbx), SAME("rcx", rcx), SAME("rdx", rdx), SAME("rsi", rsi);
	SAME("rdi", rdi), SAME("rbp", rbp), SAME("rsp", rsp), SAME("rip", rip), SAME("r8", r8);
	SAME("r9", r9), SAME("r10", r10), SAME("r11", r11), SAME("r12", r12), SAME("r13", r13);
	SAME("r14", r14), SAME("r15", r15), SAME("orig_rax", orig_rax), SAME("cs", cs), SAME("ss", ss);
	SAME("eflags", eflags);
	assert_int_equal(a->regs_size, sizeof(struct pt_regs));
	assert_int_equal(a->args[0], offsetof(struct pt_regs, rdi));
	assert_int_equal(a->args[3], offsetof(struct pt_regs, rcx));
	assert_int_equal(a->args[a->nargs - 1], offsetof(struct pt_regs, r9));
	assert_int_equal(a->result, offsetof(struct pt_regs, rax));
	assert_null(arch_find("z80"));
	assert_null(arch_reg(a, "rzx"));
	assert_null(arch_reg(a, ""));
}

static void parts_of_registers_have_their_sizes(void **state)
{
	static const struct {
		const char *name, *whole;
		u8 size, shift;
	} rows[] = {{"eax", "rax", 4, 0}, {"ax", "rax", 2, 0},   {"al", "rax", 1, 0},
		    {"ah", "rax", 1, 8},  {"dh", "rdx", 1, 8},   {"sil", "rsi", 1, 0},
		    {"bp", "rbp", 2, 0},  {"r9d", "r9", 4, 0},   {"r15w", "r15", 2, 0},
		    {"r8b", "r8", 1, 0},  {"edi", "rdi", 4, 0}};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct arch_reg *r = arch_reg(x86(), rows[i].name);

		assert_non_null(r);
		assert_int_equal(r->off, at(rows[i].whole));
		assert_int_equal(r->size, rows[i].size);
		assert_int_equal(r->shift, rows[i].shift);
	}
}

static void operands(void **state)
{
	static const struct {
		const char *text, *base, *index;
		s64 constant;
		u8 size, is_signed, in_memory, scale;
	} rows[] = {
		{"-4@%eax", "eax", NULL, 0, 4, 1, 0, 1},
		{"8@%rdi", "rdi", NULL, 0, 8, 0, 0, 1},
		{"1@%dh", "dh", NULL, 0, 1, 0, 0, 1},
		{"-2@%r10w", "r10w", NULL, 0, 2, 1, 0, 1},
		{"-4@$5", NULL, NULL, 5, 4, 1, 0, 1},
		{"-4@$-9", NULL, NULL, -9, 4, 1, 0, 1},
		{"8@$0xffffffffffffffff", NULL, NULL, -1, 8, 0, 0, 1},
		{"-8@16(%rsp)", "rsp", NULL, 16, 8, 1, 1, 1},
		{"-4@-20(%rbp)", "rbp", NULL, -20, 4, 1, 1, 1},
		{"8@(%rax)", "rax", NULL, 0, 8, 0, 1, 1},
		{"1@-4(%rsp,%rax)", "rsp", "rax", -4, 1, 0, 1, 1},
		{"4@8(%rdx,%rcx,4)", "rdx", "rcx", 8, 4, 0, 1, 4},
		{"4@(,%rcx,8)", NULL, "rcx", 0, 4, 0, 1, 8},
		{"8@24+8(%rbx)", "rbx", NULL, 32, 8, 0, 1, 1},
		{"-1@4096(%rip)", "rip", NULL, 4096, 1, 1, 1, 1},
		{"%rax", "rax", NULL, 0, 8, 1, 0, 1},
		{"$7", NULL, NULL, 7, 8, 1, 0, 1},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *p = rows[i].text;
		struct usdt_operand o;

		if (!x86()->usdt(&p, &o))
			fail_msg("not read: %s", rows[i].text);
		assert_int_equal(*p, 0);
		assert_ptr_equal(o.base, rows[i].base ? arch_reg(x86(), rows[i].base) : NULL);
		assert_ptr_equal(o.index, rows[i].index ? arch_reg(x86(), rows[i].index) : NULL);
		assert_int_equal(o.constant, rows[i].constant);
		assert_int_equal(o.size, rows[i].size);
		assert_int_equal(o.is_signed, rows[i].is_signed);
		assert_int_equal(o.in_memory, rows[i].in_memory);
		assert_int_equal(o.scale, rows[i].scale);
	}
}

static void one_operand_ends_where_the_next_begins(void **state)
{
	const char *text = "-4@%edi 8@-4(%rsp,%rax) 1@$5", *p = text;
	struct usdt_operand o;

	(void)state;
	assert_true(x86()->usdt(&p, &o));
	assert_int_equal(p - text, 7);
	p++;
	assert_true(x86()->usdt(&p, &o));
	assert_int_equal(p - text, 23);
}

static void what_is_no_operand(void **state)
{
	static const char *const rows[] = {
		"", " ", "4@", "3@%eax", "16@%xmm0", "4@%nothing", "4@5", "4@(", "4@()", "4@(%rax",
		"4@(%rax,%rcx,3)", "4@(%rax,%rcx,16)", "4@(%rax,5)", "4@name(%rip)", "4@%eaxx",
		"4@$", "4@$x", "4@%", "@%eax", "4@8(%rax))", "4@(%rax,%rbx,)", "-4@foo", "4@+(%rax)"};
	struct usdt_operand o;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *p = rows[i];

		if (x86()->usdt(&p, &o))
			fail_msg("read: '%s'", rows[i]);
	}
}

#define LENGTHS(ROW)                                                                               \
	ROW(nop) ROW(endbr64) ROW(ret) ROW(push %r12) ROW(mov %rsp, %rbp) ROW(movabs $1, %r9)       \
	ROW(mov $1, %eax) ROW(movw $1, %ax) ROW(movw $300, 8(%rax, %rcx, 4)) ROW(lea 0x1000(%rip), %rax) \
	ROW(test $1, %al) ROW(testb $1, (%rdi)) ROW(testl $1, 8(%rsp)) ROW(not %rax) ROW(sub $8, %rsp) \
	ROW(sub $0x1000, %rsp) ROW(call . + 5) ROW(jne . + 100) ROW(jne . + 1000) ROW(int3)         \
	ROW(enter $8, $0) ROW(ret $8) ROW(cmpxchg16b (%rdi)) ROW(lock incl (%rax)) ROW(rep movsb)   \
	ROW(movups %xmm0, 0x10(%rsp)) ROW(pshufd $1, %xmm1, %xmm0) ROW(palignr $8, %xmm1, %xmm0)    \
	ROW(vmovdqu (%rdi), %ymm0) ROW(vpcmpeqb (%rdi), %ymm0, %ymm1) ROW(vzeroupper)               \
	ROW(vpalignr $1, %ymm0, %ymm1, %ymm2) ROW(vmovdqu64 0x40(%rdi), %zmm16) ROW(shlx %rax, %rbx, %rcx) \
	ROW(vpternlogd $1, %zmm0, %zmm1, %zmm2) ROW(crc32 %eax, %ebx) ROW(movbe (%rax), %ecx)       \
	ROW(syscall) ROW(cpuid) ROW(ud2) ROW(bt $3, %eax) ROW(imul $1000, %eax, %ebx) ROW(imul $10, %eax, %ebx) \
	ROW(mov %fs:0x28, %rax) ROW(shld $3, %eax, %ebx) ROW(bswap %rax) ROW(xchg %ax, %ax) ROW(pause)

#define TEXT(...) #__VA_ARGS__
#define ROW(...) ".byte 2f - 1f\n1: " TEXT(__VA_ARGS__) "\n2: .byte 0\n"
__asm__(".section .rodata\ninstructions:\n" LENGTHS(ROW) ".byte 0\n.previous\n");
extern const u8 instructions[];

/* Rows of {length, instruction, 0}, with a length of 0 behind the last. */
static void lengths_are_those_of_the_assembler(void **state)
{
	const u8 *p = instructions;
	u32 n = 0;

	(void)state;
	for (; *p; p += *p + 2, n++) {
		if (x86()->insn_length(p + 1, 15) != *p)
			fail_msg("instruction %u (%02x %02x %02x): %u, not %u", n, p[1], p[2], p[3],
				 x86()->insn_length(p + 1, 15), *p);
		assert_int_equal(x86()->insn_length(p + 1, *p), *p);
		assert_int_equal(x86()->insn_length(p + 1, *p - 1u), 0); /* cut off */
	}
	assert_true(n > 40);
}

static void no_instruction_has_no_length(void **state)
{
	static const u8 rows[][4] = {{0x06}, {0x0f, 0x04}, {0x9a}, {0xea}, {0x0f, 0x24}, {0x40, 0x40}};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(x86()->insn_length(rows[i], 4), 0);
	assert_int_equal(x86()->insn_length(rows[0], 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_where_the_kernel_has_them),
		cmocka_unit_test(parts_of_registers_have_their_sizes),
		cmocka_unit_test(operands),
		cmocka_unit_test(one_operand_ends_where_the_next_begins),
		cmocka_unit_test(what_is_no_operand),
		cmocka_unit_test(lengths_are_those_of_the_assembler),
		cmocka_unit_test(no_instruction_has_no_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
