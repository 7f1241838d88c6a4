/*
 * x86_64.c: registers of x86-64, its calling convention (System V psABI) and its USDT operands.
 *
 * Operands are those that gcc and clang print for the constraint "nor" in AT&T syntax:
 *	N@OP with N bytes, negative: signed; N@ may be missing (8 bytes, signed, as old notes)
 *	OP = $constant | %register | [displacement] "(" [%base] ["," %index ["," scale]] ")"
 */
#include "arch/inside.h"

#include <stdlib.h>

/* clang-format off */
enum { /* struct pt_regs of arch/x86/include/uapi/asm/ptrace.h */
	R15 = 0, R14 = 8, R13 = 16, R12 = 24, RBP = 32, RBX = 40, R11 = 48, R10 = 56, R9 = 64,
	R8 = 72, RAX = 80, RCX = 88, RDX = 96, RSI = 104, RDI = 112, ORIG_RAX = 120, RIP = 128,
	CS = 136, EFLAGS = 144, RSP = 152, SS = 160, REGS_SIZE = 168
};

#define OLD(x, R)                                                                                \
	{"r" #x "x", R, 8, 0}, {"e" #x "x", R, 4, 0}, {#x "x", R, 2, 0}, {#x "l", R, 1, 0},     \
	{#x "h", R, 1, 8}
#define INDEX(x, R) {"r" #x, R, 8, 0}, {"e" #x, R, 4, 0}, {#x, R, 2, 0}, {#x "l", R, 1, 0}
#define NEW(n, R) {"r" #n, R, 8, 0}, {"r" #n "d", R, 4, 0}, {"r" #n "w", R, 2, 0}, {"r" #n "b", R, 1, 0}

static const struct arch_reg regs[] = {
	OLD(a, RAX), OLD(b, RBX), OLD(c, RCX), OLD(d, RDX),
	INDEX(si, RSI), INDEX(di, RDI), INDEX(bp, RBP), INDEX(sp, RSP),
	NEW(8, R8), NEW(9, R9), NEW(10, R10), NEW(11, R11), NEW(12, R12), NEW(13, R13),
	NEW(14, R14), NEW(15, R15), {"rip", RIP, 8, 0},
	{"orig_rax", ORIG_RAX, 8, 0}, {"cs", CS, 8, 0}, {"eflags", EFLAGS, 8, 0}, {"ss", SS, 8, 0},
	{0}};

static const struct arch_syscall syscalls[] = {
#define SYSCALL(nr, name, args) {nr, #name, args},
#include "arch/syscalls_x86_64.def"
#undef SYSCALL
	{0}};
static const struct arch_syscall call_names[] = {
	{4, "stat", ""}, {5, "fstat", ""}, {6, "lstat", ""}, {40, "sendfile", ""}, {63, "uname", ""},
	{156, "_sysctl", ""}, {166, "umount2", ""}, {174, "create_module", ""},
	{177, "get_kernel_syms", ""}, {178, "query_module", ""}, {180, "nfsservctl", ""},
	{181, "getpmsg", ""}, {182, "putpmsg", ""}, {183, "afs_syscall", ""}, {184, "tuxcall", ""},
	{185, "security", ""}, {205, "set_thread_area", ""}, {211, "get_thread_area", ""},
	{214, "epoll_ctl_old", ""}, {215, "epoll_wait_old", ""}, {236, "vserver", ""},
	{0}};
/* clang-format on */

/* %NAME */
static const struct arch_reg *parse_reg(const char **p)
{
	size_t n;

	if (**p != '%')
		return NULL;
	n = strspn(*p + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
	for (u32 i = 0; regs[i].name; i++)
		if (strlen(regs[i].name) == n && !memcmp(regs[i].name, *p + 1, n)) {
			*p += n + 1;
			return &regs[i];
		}
	return NULL;
}

/* Constants of one to three terms: "8", "-24", "16+4" (clang adds to a structure's place). */
static bool parse_number(const char **p, s64 *v)
{
	char *end;

	*v = 0;
	do {
		if (!strchr("+-0123456789", **p) || !**p)
			return false;
		*v += (s64)strtoull(*p, &end, 0);
		if (end == *p)
			return false;
		*p = end;
	} while (**p == '+' || **p == '-');
	return true;
}

/* What is behind the displacement. */
static bool parse_address(const char **p, struct usdt_operand *o)
{
	s64 scale;

	if (*(*p)++ != '(')
		return false;
	o->in_memory = true;
	if (**p == '%' && !(o->base = parse_reg(p)))
		return false;
	if (**p == ',') {
		++*p;
		if (!(o->index = parse_reg(p)))
			return false;
		if (**p == ',') {
			++*p;
			if (!parse_number(p, &scale) || scale < 1 || scale > 8 ||
			    scale & (scale - 1))
				return false;
			o->scale = (u8)scale;
		}
	}
	return (o->base || o->index) && *(*p)++ == ')';
}

static bool parse_operand(const char **p, struct usdt_operand *o)
{
	if (**p == '$') {
		++*p;
		return parse_number(p, &o->constant);
	}
	if (**p == '%')
		return (o->base = parse_reg(p)) != NULL;
	if (**p != '(' && !parse_number(p, &o->constant))
		return false;
	return parse_address(p, o);
}

static bool usdt(const char **text, struct usdt_operand *o)
{
	const char *p = *text;
	char *end;
	long size = strtol(p, &end, 10);

	*o = (struct usdt_operand){.size = 8, .is_signed = true, .scale = 1};
	if (end > p && *end == '@') {
		u64 n = (u64)labs(size);

		if (n != 1 && n != 2 && n != 4 && n != 8)
			return false;
		o->size = (u8)n;
		o->is_signed = size < 0;
		p = end + 1;
	}
	if (!parse_operand(&p, o) || (*p && *p != ' '))
		return false;
	*text = p;
	return true;
}

const struct arch arch_x86_64 = {
	.name = "x86_64",
	.machine = 62, /* EM_X86_64 */
	.nargs = 6,
	.args = {RDI, RSI, RDX, RCX, R8, R9},
	.result = RAX,
	.stack = RSP,
	.ip = RIP,
	.stack_args = 8,
	.mode = CS,
	.user_mask = 3, /* the privilege level */
	.regs_size = REGS_SIZE,
	.audit = 0xc000003e, /* AUDIT_ARCH_X86_64 */
	.syscalls = syscalls,
	.nsyscalls = ARRAY_SIZE(syscalls) - 1,
	.call_names = call_names,
	.regs = regs,
	.usdt = usdt,
	.emulate = x86_emulate,
	.move = x86_move,
	.insn_length = x86_insn_length,
};
