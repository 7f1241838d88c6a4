/*
 * tools.c: the tools that are part of the program: how long until they see something, and what they
 * cost the traced program.
 *
 * Attached: from the exec of the tool to that of the command that it runs. A script of ours looks
 * at both, and sums the time that the tool spends in system calls before: the kernel's part, for
 * loading, checking and attaching. The rest is ours. Best of the rounds, since others only add.
 *
 * Slow-down: a loop of one system call under the tool, under the tool of that name which Debian's
 * package bpftrace has (if it is there), run by bpftrace and by Waggle; all are narrowed to the
 * loop. Three tools are left out, since they show what all processes do, whatever they are told to run:
 * oomkill, runqlen, tcpretrans.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct tool {
	const char *line; /* name and options */
} tools[] = {
	{"opensnoop"},
	{"execsnoop"},
	{"exitsnoop"},
	{"syscount"},
	{"statsnoop"},
	{"killsnoop"},
	{"chmodsnoop"},
	{"mountsnoop"},
	{"biolatency"},
	{"biosnoop"},
	{"biotop 60"},
	{"cpudist"},
	{"runqlat"},
	{"offcputime"},
	{"profile -U"},
	{"filetop 60"},
	{"tcpconnect"},
	{"tcplife"},
	{"tcptop 60"},
	{"funccount t:sched:sched_switch"},
};

#define WATCH                                                                                 \
	"config = { print_maps_on_exit = false }\n"                                           \
	"tracepoint:raw_syscalls:sys_enter /pid == cpid/ { @from = nsecs; }\n"                \
	"tracepoint:raw_syscalls:sys_exit /pid == cpid && @from/ { @in += nsecs - @from; }\n" \
	"tracepoint:sched:sched_process_exec /pid == cpid && !@began/ "                       \
	"{ @began = nsecs; @from = 0; @in = 0; }\n"                                           \
	"tracepoint:sched:sched_process_exec /pid != cpid && @began && !@done && "            \
	"curtask.real_parent.tgid == cpid/ "                                                  \
	"{ @done = 1; printf(\"attached %d %d\\n\", (nsecs - @began) / 1000, @in / 1000); }\n"

/* ms until the tool is attached, and in system calls of that; NAN: it does not run here. */
static void attach_once(const struct tool *tool, double *whole, double *kernel)
{
	const char *out = scratch("out");
	char line[512], *text;
	char *const argv[] = {(char *)(uintptr_t)bench.waggle, "-q", "-e", WATCH, "-c", line, NULL};
	struct usage u;
	struct proc p;
	size_t n;

	*whole = *kernel = NAN;
	bench_pause(100);
	snprintf(line, sizeof(line), "%s %s --quiet -- /bin/true", bench.waggle, tool->line);
	if (proc_start(&p, argv, out, NULL, ANY_CPU))
		return;
	proc_wait(&p, &u);
	text = u.status ? NULL : file_text(out, &n);
	for (char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (sscanf(at, "attached %lf %lf", whole, kernel) == 2)
			break;
	free(text);
	*whole /= 1e3;
	*kernel /= 1e3;
}

static void part_attach(void)
{
	struct table t;

	table_open(&t, "Tools: ms from exec to attached, and how much of it is the kernel's",
		   "tool|attached|in system calls|ours|goal");
	for (unsigned i = 0; i < ARRAY(tools); i++) {
		double whole = NAN, kernel = NAN, w, k;

		if (!strstr(tools[i].line, bench.only))
			continue;
		for (unsigned r = 0; r < bench.rounds; r++) {
			attach_once(&tools[i], &w, &k);
			if (!isnan(w) && (isnan(whole) || w - k < whole - kernel)) {
				whole = w;
				kernel = k;
			}
		}
		table_cell(&t, "%s", tools[i].line);
		table_num(&t, "%.2f", whole);
		table_num(&t, "%.2f", kernel);
		table_num(&t, "%.2f", whole - kernel);
		table_goal(&t, whole - kernel, 5, false, "<= 5 ms");
	}
	table_close(&t);
}

/* ---- slow-down */

static const struct twin {
	const char *tool, *work;
} twins[] = {
	{"opensnoop", "-c 0 loop open 1000 15"},
	{"statsnoop", "-c 0 loop statfs 1000 15"},
	{"killsnoop", "-c 0 loop kill 1000 15"},
	{"syscount", "-c 0 loop getppid 5000 15"},
};

/* Debian's tool with a predicate in front of each tracepoint's body: only the command. NULL: there
 * is none. */
static char *narrowed(const char *name)
{
	char path[128], *text, *out = NULL, *line, *rest;
	bool probe = false;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/usr/sbin/%s.bt", name);
	text = rest = file_text(path, &n);
	f = text ? open_memstream(&out, &n) : NULL;
	while (f && (line = strsep(&rest, "\n"))) {
		if (probe && *line == '/')
			fprintf(f, "/pid == cpid && (%.*s) != 0/\n", (int)strcspn(line + 1, "/"),
				line + 1);
		else if (probe && *line == '{')
			fprintf(f, "/pid == cpid/\n{\n");
		else
			fprintf(f, "%s\n", line);
		probe = !strncmp(line, "tracepoint:", 11);
	}
	if (f)
		fclose(f);
	free(text);
	return out;
}

static void part_twins(void)
{
	static double ns[ARRAY(twins)][4][64];
	double m[4];
	struct table t;

	for (unsigned i = 0; i < ARRAY(twins); i++) {
		char *script;

		if (!strstr(twins[i].tool, bench.only))
			continue;
		script = narrowed(twins[i].tool);
		for (unsigned r = 0; r < bench.rounds && r < 64; r++) {
			const char *work = twins[i].work;

			ns[i][0][r] = held_run(UNTRACED, NULL, work, NULL, NULL, ANY_CPU);
			ns[i][1][r] =
				held_run(TOOL, twins[i].tool, work, scratch("out"), NULL, ANY_CPU);
			ns[i][2][r] = script ? held_run(WAGGLE, script, work, scratch("out"), NULL,
							ANY_CPU)
					     : NAN;
			ns[i][3][r] = script ? held_run(BPFTRACE, script, work, scratch("out"),
							NULL, ANY_CPU)
					     : NAN;
		}
		free(script);
	}
	table_open(
		&t,
		"Tools: ns per turn of a loop of what they report (lower quartile), and ratio to "
		"untraced",
		"tool|untraced|waggle||Debian's, by waggle||Debian's, by bpftrace||goal");
	for (unsigned i = 0; i < ARRAY(twins); i++) {
		if (!strstr(twins[i].tool, bench.only))
			continue;
		table_cell(&t, "%s", twins[i].tool);
		for (unsigned k = 0; k < 4; k++) {
			m[k] = quartile(ns[i][k], bench.rounds < 64 ? bench.rounds : 64);
			table_num(&t, "%.0f", m[k]);
			if (k)
				table_num(&t, "%.2f x", m[k] / m[0]);
		}
		table_goal(&t, m[1] / m[3], 1.05, false, "no more than bpftrace");
	}
	table_close(&t);
}

int part_tools(void)
{
	part_attach();
	part_twins();
	return 0;
}
