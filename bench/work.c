/*
 * work.c: the workload: makes system calls, knows how many and how long they took.
 *
 *	work [-r REPORT] [-h HOLD] [-c CPU] MODE ARGUMENTS
 *
 *	stamp                       report the time at which it started, CLOCK_MONOTONIC in ns
 *	loop CALL N CHUNKS          N calls in each chunk: report ns per call, the median of chunks
 *	mixed OPENS EACH            OPENS opens, before each of them EACH getppid: report the ms of
 *all paced RATE SECONDS THREADS  getppid at RATE a second: report how many, and the ns they took
 *	flood N THREADS             the same as fast as it goes
 *	ping N GAP_US               N getppid calls far apart; report N
 *	stacks N                    getppid from N places, each with a stack of its own, over and
 *                              over for ten minutes; open before the first of each round
 *	opens N                     open and close of N files that are not there, in the same way
 *	idle                        report at once
 *
 * REPORT and HOLD are FIFOs: it writes a line of numbers into the one when all is done, then waits
 * for a byte from the other. It is static and opens nothing while it works, getppid is called by
 * nobody else in it: so what it reports is what a tracer must have seen.
 */
#include "levels.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHUNKS_MAX 1000

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void call_getppid(unsigned i)
{
	(void)i;
	syscall(SYS_getppid);
}

static void call_open(unsigned i)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);

	(void)i;
	syscall(SYS_close, fd);
}

static void call_statfs(unsigned i)
{
	char room[256];

	(void)i;
	syscall(SYS_statfs, "/dev", room);
}

static void call_kill(unsigned i)
{
	(void)i;
	syscall(SYS_kill, getpid(), 0);
}

static void call_close(unsigned i)
{
	syscall(SYS_close, 1000 + i % 16);
}

static const struct call {
	const char *name;
	void (*fn)(unsigned i);
} calls[] = {{"getppid", call_getppid},
	     {"open", call_open},
	     {"close", call_close},
	     {"statfs", call_statfs},
	     {"kill", call_kill}};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of chunks: a chunk in which somebody else had the CPU does not count. */
static double loop(const char *name, unsigned n, unsigned chunks)
{
	static double took[CHUNKS_MAX];
	const struct call *c = calls;

	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(calls[i].name, name))
			c = &calls[i];
	if (chunks > CHUNKS_MAX)
		chunks = CHUNKS_MAX;
	for (unsigned i = 0; i < chunks; i++) {
		uint64_t start = now();

		for (unsigned j = 0; j < n; j++)
			c->fn(j);
		took[i] = (double)(now() - start) / n;
	}
	qsort(took, chunks, sizeof(*took), compare);
	return took[chunks / 2];
}

static double mixed(unsigned opens, unsigned each)
{
	uint64_t start = now();

	for (unsigned i = 0; i < opens; i++) {
		for (unsigned j = 0; j < each; j++)
			call_getppid(j);
		call_open(i);
	}
	return (double)(now() - start) / 1e6;
}

/* ---- many events, on one or several threads */

struct share {
	pthread_t thread;
	double rate; /* calls a second; 0: as fast as it goes */
	uint64_t n;
	int cpu;
};

/* Sleeps for a millisecond at a time and then makes the calls that are due: a generator that spins
 * would take the CPU from the reader. */
static void *generate(void *arg)
{
	struct share *s = arg;
	uint64_t start, done = 0;
	struct timespec nap = {0, 1000000};

	if (s->cpu >= 0)
		pin(s->cpu);
	for (start = now(); done < s->n;) {
		uint64_t due = s->n;

		if (s->rate > 0)
			due = (uint64_t)((double)(now() - start) / 1e9 * s->rate);
		if (due > s->n)
			due = s->n;
		for (; done < due; done++)
			syscall(SYS_getppid);
		if (done < s->n)
			nanosleep(&nap, NULL);
	}
	return NULL;
}

static double generate_all(double rate, uint64_t n, unsigned threads, uint64_t *ns)
{
	static struct share share[64];
	uint64_t start = now(), made = 0;

	if (threads > 64)
		threads = 64;
	for (unsigned i = 0; i < threads; i++) {
		share[i] = (struct share){.rate = rate / threads, .n = n / threads, .cpu = (int)i};
		made += share[i].n;
		if (i && pthread_create(&share[i].thread, NULL, generate, &share[i]))
			exit(1);
	}
	generate(&share[0]);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(share[i].thread, NULL);
	*ns = now() - start;
	return (double)made;
}

static void ping(unsigned n, unsigned gap_us)
{
	struct timespec gap = {gap_us / 1000000, (long)(gap_us % 1000000) * 1000};

	for (unsigned i = 0; i < n; i++) {
		nanosleep(&gap, NULL);
		syscall(SYS_getppid);
	}
	nanosleep(&gap, NULL);
}

/* ---- many stacks, many names */

#define LONG_NS 600000000000u

static void stacks(unsigned n)
{
	for (uint64_t start = now(); now() - start < LONG_NS;) {
		call_open(0);
		for (unsigned i = 0; i < n; i++)
			level_0(i, 0);
	}
}

static void opens(unsigned n)
{
	char path[32];

	for (uint64_t start = now(); now() - start < LONG_NS;)
		for (unsigned i = 0; i < n; i++) {
			snprintf(path, sizeof(path), "/dev/null/%u", i);
			syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
		}
}

/* ---- reports */

static void report(const char *path, double a, double b)
{
	char text[64];
	int fd = path ? open(path, O_WRONLY) : 1;
	int n = snprintf(text, sizeof(text), "%.3f %.3f\n", a, b);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		exit(1);
	if (path)
		close(fd);
}

static void hold(const char *path)
{
	char byte;
	int fd = path ? open(path, O_RDONLY) : -1;

	if (fd >= 0 && read(fd, &byte, 1) != 1)
		exit(1);
}

static double number(char **argv, int i)
{
	return argv[i] ? strtod(argv[i], NULL) : 0;
}

int main(int argc, char **argv)
{
	uint64_t started = now(), ns = 0;
	const char *to = NULL, *from = NULL;
	double a = 0, n;
	int opt;

	while ((opt = getopt(argc, argv, "+r:h:c:")) > 0) {
		if (opt == 'r')
			to = optarg;
		else if (opt == 'h')
			from = optarg;
		else if (opt == 'c')
			pin(atoi(optarg));
		else
			return 2;
	}
	argv += optind;
	if (argc <= optind)
		return 2;
	if (!strcmp(argv[0], "stamp")) {
		a = (double)started;
	} else if (!strcmp(argv[0], "loop") && argc - optind == 4) {
		n = number(argv, 2);
		a = loop(argv[1], (unsigned)n, (unsigned)number(argv, 3));
	} else if (!strcmp(argv[0], "mixed") && argc - optind == 3) {
		a = mixed((unsigned)number(argv, 1), (unsigned)number(argv, 2));
	} else if (!strcmp(argv[0], "paced") && argc - optind == 4) {
		n = number(argv, 1) * number(argv, 2);
		a = generate_all(number(argv, 1), (uint64_t)n, (unsigned)number(argv, 3), &ns);
	} else if (!strcmp(argv[0], "flood") && argc - optind == 3) {
		a = generate_all(0, (uint64_t)number(argv, 1), (unsigned)number(argv, 2), &ns);
	} else if (!strcmp(argv[0], "ping") && argc - optind == 3) {
		a = number(argv, 1);
		ping((unsigned)a, (unsigned)number(argv, 2));
	} else if (!strcmp(argv[0], "stacks") && argc - optind == 2) {
		stacks((unsigned)number(argv, 1));
	} else if (!strcmp(argv[0], "opens") && argc - optind == 2) {
		opens((unsigned)number(argv, 1));
	} else if (strcmp(argv[0], "idle")) {
		return 2;
	}
	report(to, a, (double)ns);
	hold(from);
	return 0;
}
