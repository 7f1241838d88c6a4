/*
 * user.c: what the user engine and the in-process engine cost the traced program, beside the
 * kernel engine and strace.
 *
 * A program makes a million calls that nobody asks about and ten thousand opens, which are printed;
 * then opens alone, with and without their results, where the tracer shares the CPU (strace's best
 * case) and where each runs where it likes. strace prints each open with its result.
 */
#include "bench.h"

#include <math.h>

#define ENTRY                                                 \
	"tracepoint:syscalls:sys_enter_openat /pid == cpid/ " \
	"{ printf(\"%d %s %s\\n\", pid, comm, str(args.filename)); }"
#define RESULT                                                                                     \
	"tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @name[tid] = args.filename; } "      \
	"tracepoint:syscalls:sys_exit_openat /@name[tid]/ "                                        \
	"{ printf(\"%d %s %s %d\\n\", pid, comm, str(@name[tid]), args.ret); delete(@name, tid); " \
	"}"

enum column { PLAIN, KERNEL, USER, INPROCESS, STRACE_PLAIN, STRACE_FILTER, COLUMNS };

static const struct row {
	const char *name, *work, *script;
	int cpu;
	double goal; /* times faster than strace with its filter; 0: none */
	const char *text;
} rows[] = {
	{"1 M getppid, 10 k opens: ms", "-c 0 mixed 10000 100", ENTRY, 0, 0, NULL},
	{"open+close, entries, one CPU: ns", "-c 0 loop open 2000 9", ENTRY, 0, 2, ">= 2 x"},
	{"open+close, results, one CPU: ns", "-c 0 loop open 2000 9", RESULT, 0, 1.25, ">= 1.25 x"},
	{"open+close, entries, any CPU: ns", "loop open 2000 9", ENTRY, ANY_CPU, 5, ">= 5 x"},
};

static double run(const struct row *r, enum column c)
{
	static const enum tracer tracers[COLUMNS] = {UNTRACED, WAGGLE, WAGGLE,
						     WAGGLE,   STRACE, STRACE};
	static const char *const engines[COLUMNS] = {
		[KERNEL] = "kernel", [USER] = "user", [INPROCESS] = "inprocess"};
	bool strace = c >= STRACE_PLAIN;
	char what[128];
	double v;

	bench.engine = engines[c];
	bench.all_calls = c == STRACE_PLAIN;
	snprintf(what, sizeof(what), "%s", r->work);
	v = held_run(tracers[c], strace ? "openat" : r->script, what,
		     c == PLAIN ? NULL : scratch("out"), NULL, r->cpu);
	bench.engine = NULL;
	bench.all_calls = false;
	return v;
}

int part_user(void)
{
	static double v[ARRAY(rows)][COLUMNS][64];
	double m[COLUMNS];
	struct table t;

	for (unsigned i = 0; i < bench.rounds; i++)
		for (unsigned r = 0; r < ARRAY(rows); r++)
			for (unsigned c = 0; c < COLUMNS; c++)
				v[r][c][i] = run(&rows[r], c);
	table_open(
		&t,
		"The user engine: time of the traced program (lower quartile), and how many times "
		"faster than strace -f --seccomp-bpf",
		"work|untraced|kernel|user|in process|strace|strace -f --seccomp-bpf|"
		"user: faster|goal|in process: faster|goal");
	for (unsigned r = 0; r < ARRAY(rows); r++) {
		table_cell(&t, "%s", rows[r].name);
		for (unsigned c = 0; c < COLUMNS; c++) {
			m[c] = quartile(v[r][c], bench.rounds);
			table_num(&t, "%.0f", m[c]);
		}
		table_num(&t, "%.2f x", m[STRACE_FILTER] / m[USER]);
		table_goal(&t, rows[r].goal > 0 ? m[STRACE_FILTER] / m[USER] : NAN, rows[r].goal,
			   true, rows[r].text ? rows[r].text : "");
		table_num(&t, "%.2f x", m[STRACE_FILTER] / m[INPROCESS]);
		table_goal(&t, rows[r].goal > 0 ? m[STRACE_FILTER] / m[INPROCESS] : NAN, 5, true,
			   rows[r].goal > 0 ? ">= 5 x" : "");
	}
	table_close(&t);
	return 0;
}
