/*
 * arch.h: what differs from CPU to CPU: registers, calling convention, operands of USDT notes.
 *
 * One file per CPU. Registers are named by where they are in struct pt_regs of the UAPI
 * (arch/.../uapi/asm/ptrace.h), which is the context of kprobe, uprobe and perf event programs.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "base/base.h"

struct arch_reg {
	const char *name;
	u16 off;  /* bytes in struct pt_regs */
	u8 size;  /* bytes of it that the name means, zero-extended */
	u8 shift; /* bits: ah is 8 in rax */
};

/* Where an argument of a USDT probe is: constant + base + index * scale, or what is there. */
struct usdt_operand {
	u8 size; /* bytes: 1, 2, 4, 8 */
	bool is_signed, in_memory;
	u8 scale; /* 1, 2, 4, 8 */
	s64 constant;
	const struct arch_reg *base, *index; /* or NULL */
};

/* A system call, under the name of its tracepoints: sys_enter_newstat. */
struct arch_syscall {
	u32 nr;
	const char *name;
	const char *args; /* as C declares them: "int dfd, const char * filename" */
};

/* An instruction that runs elsewhere than where it stands: how it was changed for that. */
struct arch_moved {
	u8 code[16];
	u32 n;
	s8 reg;	      /* number (as in pt_regs, in words) of a register that must hold `value`; -1 */
	u64 value;
	bool absolute; /* where it goes to says it by itself: else ip is put back by the distance */
	bool calls;    /* it leaves a return address on the stack, which is put back likewise */
};

struct arch {
	const char *name; /* as uname -m says */
	u16 machine;      /* of its ELF files */
	u8 nargs;         /* arguments in registers */
	u16 args[8];      /* offsets in struct pt_regs */
	u16 result, stack, ip;
	u16 stack_args; /* at a function's entry: bytes from the stack pointer to the first one */
	u16 mode;       /* this register has a bit of user_mask set in user mode */
	u8 user_mask;
	u16 regs_size;                       /* of struct pt_regs */
	u32 audit;                           /* AUDIT_ARCH_*: how seccomp names it */
	const struct arch_syscall *syscalls; /* by number; ends with one without a name */
	u32 nsyscalls;
	/* Those that programs call otherwise: stat; and those that no kernel has any more. */
	const struct arch_syscall *call_names;
	const struct arch_reg *regs;         /* all that have a name; ends with one without */
	/* Parses one operand of a note ("-4@-20(%rbp)") and moves *text behind it. False: it is
	 * none that this CPU has. */
	bool (*usdt)(const char **text, struct usdt_operand *);
	/* Does what the instruction at regs' ip does, where that is simple: registers are those of
	 * pt_regs, as words. True: done; *pushed: what it stored at the new stack pointer, if it
	 * did (*pushes). False: it must be run. */
	bool (*emulate)(const u8 *code, u32 left, u64 *regs, bool *pushes, u64 *pushed);
	/* Changes an instruction at `from` so that it does the same elsewhere. False: impossible. */
	bool (*move)(const u8 *code, u32 left, u64 from, struct arch_moved *);
	/* Bytes of the instruction at p, of which `left` are there; 0: none that it knows. */
	u32 (*insn_length)(const u8 *p, u64 left);
};

const struct arch *arch_find(const char *name);                         /* NULL: not known */
const struct arch_reg *arch_reg(const struct arch *, const char *name); /* NULL: not known */
const struct arch_syscall *arch_syscall(const struct arch *, const char *name); /* the same */
/* What programs call the system call of that number; NULL: there is none. */
const char *arch_call_name(const struct arch *, u32 nr);
/* The other way round; -1: there is none. */
s64 arch_call_number(const struct arch *, const char *name);

#endif
