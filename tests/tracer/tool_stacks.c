/*
 * tool_stacks.c: N distinct stacks, over and over, until a signal ends it.
 *
 *	tool_stacks N
 *
 * Out: a line when all of them were there once.
 */
#include "../../bench/levels.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;

	for (int round = 0;; round++) {
		for (unsigned i = 0; i < n; i++)
			level_0(i, 0);
		if (!round) {
			puts("once");
			fflush(stdout);
		}
	}
}
