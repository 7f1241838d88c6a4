/*
 * latency.c: how long after an event its line can be read, and what a session costs in which
 * nothing happens.
 *
 * The script prints the time of the event, the bench reads the tracer's output from a pipe and
 * compares. Events are 20 ms apart: each is the first after a silence, when the reader sleeps.
 */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PINGS   100
#define IDLE_MS 5000

/* nsecs is CLOCK_BOOTTIME in both. */
#define STAMP "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { printf(\"%lu\\n\", nsecs); }"

struct lags {
	double ms[PINGS];
	unsigned n;
};

/* Lines that are numbers; the time of a line is when read() brought it. */
static void take(struct lags *l, char *line, uint64_t now)
{
	char *end;
	unsigned long long then = strtoull(line, &end, 10);

	if (end > line && *end == '\n' && then && l->n < PINGS)
		l->ms[l->n++] = ((double)now - (double)then) / 1e6;
}

static void read_lines(struct lags *l, int fd)
{
	static char buf[65536];
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, buf + have, sizeof(buf) - have)) > 0) {
		uint64_t now = bench_now(CLOCK_BOOTTIME);
		char *line = buf, *end;

		have += (size_t)n;
		while ((end = memchr(line, '\n', have - (size_t)(line - buf)))) {
			take(l, line, now);
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == sizeof(buf))
			have = 0;
	}
}

static void measure(enum tracer t, struct lags *l)
{
	int fds[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char line[1024];
	struct words w;
	struct proc p;
	struct usage u;

	l->n = 0;
	if (!tracer_here(t) || null < 0 || pipe2(fds, O_CLOEXEC))
		return;
	bench_pause(300);
	/* the report goes nowhere, and nobody holds it */
	snprintf(line, sizeof(line), "%s/work -r /dev/null ping %d 20000", bench.built, PINGS);
	if (!proc_start_fd(&p, tracer_argv(t, STAMP, line, &w), fds[1], null, ANY_CPU)) {
		close(fds[1]);
		read_lines(l, fds[0]);
		proc_wait(&p, &u);
	} else {
		close(fds[1]);
	}
	close(fds[0]);
	close(null);
}

/* ---- idle */

/* CPU time of all threads of a process so far, ns: /proc/PID/task/TID/schedstat. */
static double cpu_ns(pid_t pid)
{
	char path[300];
	double sum = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		unsigned long long ns;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", pid, d->d_name);
		f = *d->d_name != '.' ? fopen(path, "re") : NULL;
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += (double)ns;
		if (f)
			fclose(f);
	}
	if (!dir)
		return NAN;
	closedir(dir);
	return sum;
}

/* Percent of a core, of each tracer by itself, over the same seconds. */
static void idle(double *percent)
{
	struct held h[TRACERS] = {0};
	double before[TRACERS] = {0};
	struct usage u;

	for (enum tracer t = WAGGLE; t <= BPFTRACE; t++) {
		if (!tracer_here(t))
			continue;
		held_start(&h[t], t, STAMP, "idle", NULL, NULL, ANY_CPU);
		held_report(&h[t]);
	}
	bench_pause(300);
	for (enum tracer t = WAGGLE; t <= BPFTRACE; t++)
		before[t] = tracer_here(t) ? cpu_ns(h[t].tracer.pid) : NAN;
	bench_pause(IDLE_MS);
	for (enum tracer t = WAGGLE; t <= BPFTRACE; t++)
		if (tracer_here(t))
			percent[t] = (cpu_ns(h[t].tracer.pid) - before[t]) / (IDLE_MS * 1e4);
	for (enum tracer t = WAGGLE; t <= BPFTRACE; t++)
		if (tracer_here(t))
			held_release(&h[t], &u);
}

int part_latency(void)
{
	static struct lags l[TRACERS];
	double percent[TRACERS] = {NAN, NAN, NAN, NAN};
	struct table t;

	measure(WAGGLE, &l[WAGGLE]);
	measure(BPFTRACE, &l[BPFTRACE]);
	idle(percent);
	table_open(
		&t,
		"Latency: ms from an event to its line in a pipe; CPU of a session without events",
		"|lines|first|median|longest|goal|idle CPU %|goal");
	for (enum tracer x = WAGGLE; x <= BPFTRACE; x++) {
		bool ours = x == WAGGLE;
		double first = l[x].n ? l[x].ms[0] : NAN, longest = highest(l[x].ms, l[x].n);
		double m = median(l[x].ms, l[x].n);

		table_cell(&t, tracer_here(x) ? "%s" : "%s: not installed", tracer_name(x));
		table_cell(&t, "%u of %u", l[x].n, PINGS);
		table_num(&t, "%.3f", first);
		table_num(&t, "%.3f", m);
		table_num(&t, "%.3f", longest);
		table_goal(&t, ours ? m : NAN, 1, false, "<= 1 ms");
		table_num(&t, "%.4f", percent[x]);
		table_goal(&t, ours ? percent[x] : NAN, 0.1, false, "< 0.1");
	}
	table_close(&t);
	return 0;
}
