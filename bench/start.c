/*
 * start.c: how long it takes until a one-liner sees something, and until it is over.
 *
 * Attached: from just before exec of the tracer to the first instruction of the command that it
 * runs, which starts when all probes are there. The rings' pages belong to the kernel's maps: they
 * are taken off the memory of a session, read while it runs.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct one {
	const char *name, *script, *strace;
	bool command;
} ones[] = {
	{"BEGIN { exit() }", "BEGIN { exit(); }", NULL, false},
	{"tracepoint, count",
	 "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @[comm] = count(); }", "openat",
	 true},
	{"tracepoint, printf of str()",
	 "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { printf(\"%s\\n\", "
	 "str(args->filename)); }",
	 "openat", true},
};

#define ROUNDS_MAX 64

struct sample {
	double attached[ROUNDS_MAX], whole[ROUNDS_MAX], cpu[ROUNDS_MAX], rss[ROUNDS_MAX];
};

static void run_one(const struct one *o, enum tracer t, struct sample *s, unsigned i)
{
	struct held h = {.failed = false};
	struct usage u = {0};
	struct words w;

	s->attached[i] = s->whole[i] = s->cpu[i] = s->rss[i] = NAN;
	if (!tracer_here(t) || (t == STRACE && !o->strace))
		return;
	bench_pause(300);
	if (o->command) {
		held_start(&h, t, t == STRACE ? o->strace : o->script, "stamp", NULL, NULL,
			   ANY_CPU);
		held_release(&h, &u); /* the permission lies there before it is asked for */
	} else {
		h.failed = proc_start(&h.tracer, tracer_argv(t, o->script, NULL, &w), NULL, NULL,
				      ANY_CPU);
		proc_wait(&h.tracer, &u);
	}
	if (h.failed || u.status)
		return;
	if (o->command)
		s->attached[i] = (h.value[0] - (double)*h.tracer.exec_ns) / 1e6;
	s->whole[i] = u.wall_ms;
	s->cpu[i] = u.cpu_ms;
	s->rss[i] = u.rss_mb;
}

static void show(struct table *t, struct sample *ours, struct sample *theirs, const char *name,
		 unsigned n, bool attaches)
{
	double attached = median(ours->attached, n), whole = median(ours->whole, n);
	double peer = median(theirs->attached, n), peer_whole = median(theirs->whole, n);

	table_cell(t, "%s", name);
	table_num(t, "%.2f", attached);
	table_num(t, "%.2f", whole);
	table_num(t, "%.2f", median(ours->cpu, n));
	table_num(t, "%.1f", highest(ours->rss, n));
	table_num(t, "%.1f", peer);
	table_num(t, "%.0f", peer_whole);
	table_num(t, "%.0f", median(theirs->cpu, n));
	table_num(t, "%.0f", highest(theirs->rss, n));
	table_num(t, "%.0f x", peer / attached);
	table_num(t, "%.0f x", peer_whole / whole);
	table_goal(t, attaches ? attached : NAN, 3, false, "<= 3 ms");
	table_goal(t, whole, 5, false, "<= 5 ms");
}

static void show_strace(struct sample *s, unsigned n)
{
	if (!tracer_here(STRACE)) {
		printf("  strace: not installed\n");
		return;
	}
	printf("  for orientation, strace -f --seccomp-bpf -e openat: attached %.2f, whole run "
	       "%.2f,"
	       " CPU %.2f ms, %.1f MB\n",
	       median(s->attached, n), median(s->whole, n), median(s->cpu, n), highest(s->rss, n));
}

/* KiB of the lines `key` of those mappings in smaps whose name has `what`; what NULL: all lines. */
static double kib_of(pid_t pid, const char *file, const char *key, const char *what)
{
	char path[64], line[512];
	unsigned long from, to;
	bool in = !what;
	double sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (what && sscanf(line, "%lx-%lx ", &from, &to) == 2)
			in = strstr(line, what);
		if (in && !strncmp(line, key, strlen(key)))
			sum += strtod(line + strlen(key), NULL);
	}
	if (!f)
		return NAN;
	fclose(f);
	return sum;
}

static void show_memory(void)
{
	struct held h;
	struct usage u;
	double peak, rings;

	bench_pause(300);
	held_start(&h, WAGGLE, ones[2].script, "stamp", NULL, NULL, ANY_CPU);
	held_report(&h);
	peak = kib_of(h.tracer.pid, "status", "VmHWM:", NULL) / 1024;
	rings = kib_of(h.tracer.pid, "smaps", "Rss:", "bpf-map") / 1024;
	held_release(&h, &u);
	if (!h.failed)
		printf("  waggle's memory in the last one: peak %.1f MB, of which %.1f MB are "
		       "pages of"
		       " rings and maps; without them %.1f MB (goal <= 4 MB %s)\n",
		       peak, rings, peak - rings, peak - rings <= 4 ? "ok" : "MISSED");
}

int part_start(void)
{
	static struct sample s[ARRAY(ones)][TRACERS];
	unsigned n = bench.rounds < ROUNDS_MAX ? bench.rounds : ROUNDS_MAX;
	struct table t;

	for (unsigned i = 0; i < n; i++)
		for (unsigned o = 0; o < ARRAY(ones); o++) {
			run_one(&ones[o], WAGGLE, &s[o][WAGGLE], i);
			run_one(&ones[o], BPFTRACE, &s[o][BPFTRACE], i);
			if (o == 1)
				run_one(&ones[o], STRACE, &s[o][STRACE], i);
		}
	table_open(&t, "Start-up: ms, MB; medians, of memory the peak",
		   tracer_here(BPFTRACE) ? "|attached|whole run|CPU|RSS|bpftrace: "
					   "attached|whole|CPU|RSS|attached|whole|"
					   "goal|goal"
					 : "|attached|whole run|CPU|RSS|bpftrace: not "
					   "installed|whole|CPU|RSS|attached|"
					   "whole|goal|goal");
	for (unsigned o = 0; o < ARRAY(ones); o++)
		show(&t, &s[o][WAGGLE], &s[o][BPFTRACE], ones[o].name, n, ones[o].command);
	table_close(&t);
	show_strace(&s[1][STRACE], n);
	show_memory();
	return 0;
}
