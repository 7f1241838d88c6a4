/*
 * test_step.c: instructions that are done by hand, or run elsewhere, do what the processor does.
 *
 * The oracle is the processor: a child stops before each instruction below and makes one step; then
 * the same registers go through emulate(), or through the moved form on another page.
 */
#include "arch/arch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each instruction has a label; the last one ends them. */
__asm__(".data\n"
	"step_word: .quad 0x1122334455667788, 0x99aabbccddeeff00, 3, 4\n"
	"step_place: .quad step_end\n"
	".text\n"
	"step_first:\n"
#define I(text) text "\n .pushsection .data.rel, \"aw\"\n .quad 9f\n .popsection\n 9:\n"
	".pushsection .data.rel, \"aw\"\n.globl step_ends\nstep_ends:\n.popsection\n" /* where each ends */
	I("endbr64") I("nop") I("push %rbp") I("push %rbx") I("push %r12") I("push %r15")
	I("push %rsp") I("mov %rsp, %rbp") I("mov %rdi, %r12") I("mov %r13, %rsi") I("jmp step_end")
	I("call step_end") I(".byte 0xeb, 0x10") I("lea step_word(%rip), %rax")
	I("mov step_word(%rip), %rcx") I("mov step_word+8(%rip), %r9d") I("mov %rdx, step_word(%rip)")
	I("mov %rsi, step_word(%rip)") I("mov %rdi, step_word+8(%rip)") I("add step_word(%rip), %rsi")
	I("add step_word(%rip), %rdi") I("cmpq $7, step_word(%rip)") I("incl step_word(%rip)")
	I("movb $5, step_word+3(%rip)") I("imul $77, step_word(%rip), %r10") I("movzbl step_word(%rip), %eax")
	I("lock xadd %rax, step_word(%rip)") I("cmpxchg %rcx, step_word(%rip)") I("movq step_word(%rip), %xmm1")
	I("movups step_word(%rip), %xmm9") I("call *step_place(%rip)") I("jmp *step_place(%rip)")
	I("xor %eax, %eax") I("sub $40, %rsp") I("test %rdi, %rdi") I("je step_end") I("jne step_end")
	I("pop %rbx") I("ret") I("push step_word(%rip)") I("movabs $0x1234567890, %rax") I("leave")
	I("mov %fs:0, %rax") I("rep stosb") I("sete step_word(%rip)") I("div %rbx")
	I("mulq step_word(%rip)") I("btl $3, step_word(%rip)") I("prefetcht0 step_word(%rip)")
	I("movl $1, 8(%rsp)") I("cmove step_word(%rip), %r14")
	"step_end: nop\n"
	".pushsection .data.rel, \"aw\"\n .quad 0\n .popsection\n");

extern const u8 step_first[], step_end[];
extern const u8 *const step_ends[];
extern u64 step_word[4];
#define STACK_WORDS 64
static u64 stack[STACK_WORDS], scratch_words[32];

struct run {
	struct user_regs_struct regs;
	u64 words[4], stack[STACK_WORDS], other[32];
};

static void poke(int pid, const void *at, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		u64 v;

		memcpy(&v, (const u8 *)from + i, 8);
		assert_int_equal(ptrace(PTRACE_POKEDATA, pid, (const u8 *)at + i, v), 0);
	}
}

static void peek(int pid, const void *at, void *to, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		u64 v = (u64)ptrace(PTRACE_PEEKDATA, pid, (const u8 *)at + i, 0);

		memcpy((u8 *)to + i, &v, 8);
	}
}

/* Registers that do something with any of the instructions: memory they point to is there. */
static struct user_regs_struct some_regs(const struct user_regs_struct *base)
{
	struct user_regs_struct r = *base;

	r.rax = 100, r.rbx = 7, r.rcx = 3, r.rdx = 0, r.rsi = (u64)(uintptr_t)scratch_words;
	r.rdi = (u64)(uintptr_t)(scratch_words + 8), r.r8 = 8, r.r9 = 9, r.r10 = 10, r.r11 = 11;
	r.r12 = 12, r.r13 = 13, r.r14 = 14, r.r15 = 15;
	r.rsp = (u64)(uintptr_t)(stack + STACK_WORDS / 2);
	r.rbp = (u64)(uintptr_t)(stack + STACK_WORDS / 2 + 8);
	r.orig_rax = (u64)-1;
	return r;
}

static void set_up(int pid)
{
	static const u64 words[4] = {0x1122334455667788, 0x99aabbccddeeff00, 3, 4};
	u64 filled[STACK_WORDS];

	for (u32 i = 0; i < STACK_WORDS; i++)
		filled[i] = (u64)(uintptr_t)step_end + i;
	poke(pid, step_word, words, sizeof(words));
	poke(pid, stack, filled, sizeof(filled));
	memset(filled, 0x5a, sizeof(filled));
	poke(pid, scratch_words, filled, sizeof(scratch_words));
}

static void step(int pid, const struct user_regs_struct *from, struct run *to)
{
	int status;

	set_up(pid);
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, from), 0);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &to->regs), 0);
	to->regs.eflags &= ~0x10100ul; /* trap, resume */
	to->regs.orig_rax = 0;
	peek(pid, step_word, to->words, sizeof(to->words));
	peek(pid, stack, to->stack, sizeof(to->stack));
	peek(pid, scratch_words, to->other, sizeof(to->other));
}

static void same(const struct run *a, const struct run *b, const u8 *insn, const char *how)
{
	const u64 *x = (const u64 *)&a->regs, *y = (const u64 *)&b->regs;

	for (u32 i = 0; i < 21; i++)
		if (x[i] != y[i])
			fail_msg("%s of the instruction at +%ld (%02x %02x %02x): word %u of the "
				 "registers is %llx, not %llx", how, (long)(insn - step_first), insn[0],
				 insn[1], insn[2], i, (unsigned long long)y[i],
				 (unsigned long long)x[i]);
	assert_memory_equal(a->words, b->words, sizeof(a->words));
	assert_memory_equal(a->stack, b->stack, sizeof(a->stack));
	assert_memory_equal(a->other, b->other, sizeof(a->other));
}

/* What step.c does with a moved instruction. */
static void moved(int pid, u8 *page, const u8 *insn, const struct user_regs_struct *from,
		  const struct arch_moved *m, struct run *to)
{
	struct user_regs_struct r = *from;
	u64 *words = (u64 *)&r, saved = m->reg >= 0 ? words[m->reg] : 0, top;
	u8 code[16] = {0};

	memcpy(code, m->code, m->n);
	poke(pid, page, code, sizeof(code));
	if (m->reg >= 0)
		words[m->reg] = m->value;
	r.rip = (u64)(uintptr_t)page;
	step(pid, &r, to);
	if (m->reg >= 0)
		((u64 *)&to->regs)[m->reg] = saved;
	if (!m->absolute)
		to->regs.rip += (u64)(insn - page);
	if (m->calls) {
		top = (u64)(uintptr_t)insn + m->n;
		poke(pid, (void *)(uintptr_t)to->regs.rsp, &top, sizeof(top));
		peek(pid, stack, to->stack, sizeof(to->stack));
	}
}

static void emulated(int pid, const struct user_regs_struct *from, struct run *to, bool pushes,
		     u64 pushed)
{
	set_up(pid);
	to->regs = *from;
	to->regs.eflags &= ~0x10100ul;
	to->regs.orig_rax = 0;
	if (pushes)
		poke(pid, (void *)(uintptr_t)from->rsp, &pushed, sizeof(pushed));
	peek(pid, step_word, to->words, sizeof(to->words));
	peek(pid, stack, to->stack, sizeof(to->stack));
	peek(pid, scratch_words, to->other, sizeof(to->other));
}

static int child_of_ours(void)
{
	int pid = fork(), status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return pid;
}

static void does_what_the_processor_does(void **state)
{
	const struct arch *a = arch_find("x86_64");
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	u32 by_hand = 0, elsewhere = 0, with_register = 0;
	struct user_regs_struct base;
	const u8 *insn = step_first;
	int pid = child_of_ours();

	(void)state;
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &base), 0);
	for (u32 i = 0; step_ends[i]; insn = step_ends[i++]) {
		struct user_regs_struct r = some_regs(&base), e;
		struct run real, ours;
		struct arch_moved m;
		bool pushes;
		u64 pushed;

		r.rip = (u64)(uintptr_t)insn;
		assert_int_equal(a->insn_length(insn, 16), step_ends[i] - insn);
		step(pid, &r, &real);
		e = r;
		if (a->emulate(insn, 16, (u64 *)&e, &pushes, &pushed)) {
			by_hand++;
			emulated(pid, &e, &ours, pushes, pushed);
			same(&real, &ours, insn, "emulation");
		}
		assert_true(a->move(insn, 16, r.rip, &m));
		elsewhere++;
		with_register += m.reg >= 0;
		moved(pid, page, insn, &r, &m, &ours);
		same(&real, &ours, insn, "the moved form");
	}
	assert_true(by_hand >= 11 && elsewhere > 45 && with_register > 20);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void what_cannot_be_moved(void **state)
{
	const struct arch *a = arch_find("x86_64");
	struct arch_moved m;

	(void)state;
	assert_false(a->move((const u8 *)"\x0f\x05", 2, 0, &m)); /* syscall */
	assert_false(a->move((const u8 *)"\x06\x00", 2, 0, &m)); /* none */
	assert_false(a->move((const u8 *)"\xe8\x00", 2, 0, &m)); /* half of one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_the_processor_does),
		cmocka_unit_test(what_cannot_be_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
