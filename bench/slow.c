/*
 * slow.c: what tracing costs the traced program: a loop of open and close whose opens are printed
 * or counted, and a loop of getppid that no script asked about.
 *
 * The loop runs on the first CPU, the tracer where it likes; strace follows on the same CPU, which
 * is its best case. Times are the median of 25 chunks, of several rounds the lower quartile: what
 * other processes do to the machine only adds.
 */
#include "bench.h"

#include <math.h>

#define PRINT                                                 \
	"tracepoint:syscalls:sys_enter_openat /pid == cpid/ " \
	"{ printf(\"%d %s %s\\n\", pid, comm, str(args->filename)); }"
#define COUNT "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @ = count(); }"

#define OPENS   "-c 0 loop open 2000 25"
#define GETPPID "-c 0 loop getppid 20000 25"

static const struct row {
	const char *name, *work, *script, *strace;
} rows[] = {
	{"open+close, each open printed", OPENS, PRINT, "openat"},
	{"open+close, opens counted", OPENS, COUNT, NULL},
	{"getppid, opens printed (not concerned)", GETPPID, PRINT, "openat"},
};

static double run(const struct row *r, enum tracer t)
{
	const char *script = t == STRACE ? r->strace : r->script;
	char what[128];

	if (!tracer_here(t) || !script)
		return NAN;
	snprintf(what, sizeof(what), "%s", r->work);
	if (t != UNTRACED)
		return held_run(t, script, what, scratch("out"), NULL, t == STRACE ? 0 : ANY_CPU);
	return held_run(UNTRACED, NULL, what, NULL, NULL, ANY_CPU);
}

static void show(struct table *t, double v, double base)
{
	table_num(t, "%.0f", v);
	table_num(t, "%.2f x", v / base);
}

int part_slow(void)
{
	static double ns[ARRAY(rows)][TRACERS][64];
	double m[TRACERS];
	struct table t;

	for (unsigned i = 0; i < bench.rounds; i++)
		for (unsigned r = 0; r < ARRAY(rows); r++)
			for (enum tracer x = UNTRACED; x <= STRACE; x++)
				ns[r][x][i] = run(&rows[r], x);
	table_open(&t,
		   "Slow-down of the traced program: ns per turn of its loop (lower quartile), and "
		   "ratio to untraced",
		   "loop|untraced|waggle||bpftrace||strace||goal");
	for (unsigned r = 0; r < ARRAY(rows); r++) {
		for (enum tracer x = UNTRACED; x <= STRACE; x++)
			m[x] = quartile(ns[r][x], bench.rounds);
		table_cell(&t, "%s", rows[r].name);
		table_num(&t, "%.0f", m[UNTRACED]);
		for (enum tracer x = WAGGLE; x <= STRACE; x++)
			show(&t, m[x], m[UNTRACED]);
		if (r < 2)
			table_goal(&t, m[WAGGLE] / m[UNTRACED], 1.3, false, "<= 1.3 x");
		else
			table_goal(&t, m[WAGGLE] / m[BPFTRACE], 1.05, false,
				   "no more than bpftrace");
	}
	table_close(&t);
	for (enum tracer x = BPFTRACE; x <= STRACE; x++)
		if (!tracer_here(x))
			printf("  %s: not installed\n", tracer_name(x));
	return 0;
}
