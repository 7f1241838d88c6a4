/*
 * levels.h: getppid from many places, each with a stack of its own: every function calls the one
 * that two bits of the number say. Who includes it is built with frame pointers (Makefile).
 *
 * There is a level more than 65,536 numbers ask for, since who unwinds by frame pointers does not see
 * the last one: getppid is called by a function without a frame.
 */
#ifndef BENCH_LEVELS_H
#define BENCH_LEVELS_H

#include <sys/syscall.h>
#include <unistd.h>

#define LEVELS 9

static void level_0(unsigned n, unsigned deep);
static void level_1(unsigned n, unsigned deep);
static void level_2(unsigned n, unsigned deep);
static void level_3(unsigned n, unsigned deep);
static void (*const levels[])(unsigned n, unsigned deep) = {level_0, level_1, level_2, level_3};
static volatile unsigned returns; /* so that no call is the last thing that a function does */

static inline void go_down(unsigned n, unsigned deep)
{
	if (deep == LEVELS)
		syscall(SYS_getppid);
	else
		levels[n & 3](n >> 2, deep + 1);
}

#define LEVEL(name)                                                           \
	__attribute__((noinline)) static void name(unsigned n, unsigned deep) \
	{                                                                     \
		go_down(n, deep);                                             \
		returns++;                                                    \
	}
LEVEL(level_0)
LEVEL(level_1)
LEVEL(level_2)
LEVEL(level_3)

#endif
