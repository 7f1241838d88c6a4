/*
 * semantics.h: what operations compute where C's own operators do not say it: RFC 9669, section 4.
 *
 * Division by zero gives 0, modulo by zero leaves the operand; the smallest number divided by -1
 * stays itself. Shift counts are masked.
 */
#ifndef VM_SEMANTICS_H
#define VM_SEMANTICS_H

#include "base/base.h"

/* As many bits as a has, whichever of u64 and u32 it is. */
#define SEM_BITS(a)     (sizeof(a) * 8)
#define SEM_SIGNED(a)   (sizeof(a) == 8 ? (s64)(a) : (s64)(s32)(a))
#define SEM_SHIFT(a, b) ((b) & (SEM_BITS(a) - 1))

static inline u64 sem_sdiv(s64 a, s64 b)
{
	return !b ? 0 : b == -1 ? -(u64)a : (u64)(a / b);
}

static inline u64 sem_smod(s64 a, s64 b)
{
	return !b ? (u64)a : b == -1 ? 0 : (u64)(a % b);
}

#endif
