/*
 * scripts.c: the ten scripts that are compared with the same programs by hand in C.
 *
 * They are valid in Debian 12's bpftrace too. The C twin of each is bench/twins/TWIN.bpf.c. WORK
 * makes the events, its number of calls is chosen so that bpftrace takes about a second at most.
 */
#include "bench.h"

#define ENTER(call) "tracepoint:syscalls:sys_enter_" call
#define EXIT(call)  "tracepoint:syscalls:sys_exit_" call

const struct script scripts[] = {
	{"count by comm", "comm", ENTER("getppid") " /pid == cpid/ { @[comm] = count(); }",
	 "getppid 2000 100"},
	{"count by argument", "argument",
	 ENTER("close") " /pid == cpid/ { @[args->fd] = count(); }", "close 2000 100"},
	{"plain count", "count", ENTER("getppid") " /pid == cpid/ { @ = count(); }",
	 "getppid 2000 100"},
	{"histogram of a return value", "hist",
	 EXIT("getppid") " /pid == cpid/ { @ = hist(args->ret); }", "getppid 2000 100"},
	{"latency by enter and exit", "latency",
	 ENTER("getppid") " /pid == cpid/ { @s[tid] = nsecs; } " EXIT(
		 "getppid") " /@s[tid]/ { @ = hist(nsecs - @s[tid]); delete(@s[tid]); }",
	 "getppid 2000 100"},
	{"printf of three fields", "print",
	 ENTER("openat") " /pid == cpid/ { printf(\"%d %s %s\\n\", pid, comm, "
			 "str(args->filename)); }",
	 "open 1000 40"},
	{"a string predicate", "string",
	 ENTER("getppid") " /pid == cpid && comm == \"work\"/ { @ = count(); }",
	 "getppid 2000 100"},
	{"a pid filter, not met", "filter", ENTER("getppid") " /pid == 1/ { @ = count(); }",
	 "getppid 2000 100"},
	{"count by kernel stack", "stack",
	 ENTER("getppid") " /pid == cpid/ { @[kstack] = count(); }", "getppid 2000 100"},
	{"a walk from curtask", "walk",
	 ENTER("getppid") " /pid == cpid/ { @[((struct task_struct *)curtask)->real_parent->tgid] "
			  "= "
			  "count(); }",
	 "getppid 2000 100"},
};
const unsigned nscripts = ARRAY(scripts);
