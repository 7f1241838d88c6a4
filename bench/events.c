/*
 * events.c: how many events a second are printed to a file, and how many are lost.
 *
 * The workload knows how many calls it made: lines in the file + what the tracer says it lost must
 * be that number. Paced: some calls each millisecond; flood: as many as it can, more than any
 * reader takes, so that losses must be counted right. On one CPU, and on two threads, each on its
 * own CPU, where the reader has to share.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRIPT                                                 \
	"tracepoint:syscalls:sys_enter_getppid /pid == cpid/ " \
	"{ printf(\"%d %s %lu\\n\", pid, comm, nsecs); }"

static const struct row {
	const char *name, *work, *peer; /* peer: of bpftrace, which is slowed down by each event */
	double goal;                    /* events a second without loss; 0: none */
} rows[] = {
	{"500,000/s for 10 s, one thread", "paced 500000 10 1", NULL, 500e3},
	{"500,000/s for 2 s, two threads", "paced 500000 2 2", NULL, 0},
	{"1,000,000/s for 2 s, one thread", "paced 1000000 2 1", NULL, 1e6},
	{"1,500,000/s for 2 s, one thread", "paced 1500000 2 1", NULL, 1.5e6},
	{"50,000/s for 2 s, one thread", "paced 50000 2 1", "paced 50000 2 1", 0},
	{"flood, one thread", "flood 4000000 1", "flood 200000 1", 0},
	{"flood, two threads", "flood 4000000 2", "flood 200000 2", 0},
};

static void show(struct table *t, const struct row *r, enum tracer x)
{
	const char *out = scratch("out"), *err = scratch("err");
	struct held h;
	struct usage u;
	double lines, lost, emitted, rate;

	bench_pause(300);
	held_start(&h, x, SCRIPT, x == WAGGLE ? r->work : r->peer, out, err, ANY_CPU);
	held_release(&h, &u);
	lines = (double)count_lines(out);
	lost = lost_of(x, out, err);
	emitted = h.failed ? NAN : h.value[0];
	rate = emitted / (h.value[1] / 1e9);
	table_cell(t, "%s", r->name);
	table_cell(t, "%s", tracer_name(x));
	table_num(t, "%.0f", emitted);
	table_num(t, "%.0f", lines);
	table_num(t, "%.0f", lost);
	table_cell(t, "%s", lines + lost == emitted ? "exact" : "NO");
	table_num(t, "%.0f", rate / 1e3);
	table_num(t, "%.0f", lines / (h.value[1] / 1e9) / 1e3);
	table_goal(t, r->goal && x == WAGGLE ? (lost ? 0 : rate) : NAN, r->goal * 0.99, true,
		   "no loss");
	unlink(out);
}

int part_events(void)
{
	struct table t;

	table_open(&t,
		   "Events printed to a file: pid, comm, nsecs of each getppid; k/s are thousands "
		   "a second",
		   "workload|tracer|made|shown|lost|sum|made k/s|shown k/s|goal");
	for (unsigned i = 0; i < ARRAY(rows); i++) {
		show(&t, &rows[i], WAGGLE);
		if (rows[i].peer && tracer_here(BPFTRACE))
			show(&t, &rows[i], BPFTRACE);
	}
	table_close(&t);
	if (!tracer_here(BPFTRACE))
		printf("  bpftrace: not installed\n");
	return 0;
}
