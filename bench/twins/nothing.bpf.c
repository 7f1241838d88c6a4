/* nothing.bpf.c: a program that only returns: what measuring costs. */
#include "twin.h"

SEC("tracepoint/syscalls/sys_enter_getppid")
int nothing(struct enter *ctx)
{
	return 0;
}
