/*
 * jit_programs.h: programs written as in C, and the ways to run them.
 */
#ifndef JIT_PROGRAMS_H
#define JIT_PROGRAMS_H

#include "vm/jit.h"

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

enum way { INTERPRETED, CHECKED, BLINDED, TRUSTED, WAYS };
static const char *const way_names[WAYS] = {"interpreted", "checked", "blinded", "trusted"};

static inline struct vm_opts opts_of(enum way way, u64 budget)
{
	return (struct vm_opts){.trusted = way == TRUSTED,
				.interpret = way == INTERPRETED,
				.blind = way == BLINDED,
				.budget = budget};
}

#endif
