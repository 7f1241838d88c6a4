/*
 * tool_accounting.c: is every record shown or counted as lost, and every tick run or missed?
 *
 *   tool_accounting records RING MS [STOP]
 *   tool_accounting ticks RING MS [STOP]
 *   tool_accounting flood MS COUNT_FILE      (the workload, which the two others start)
 *
 * In:  RING bytes of each ring, MS the workload calls getppid() on every CPU, STOP: ms for which
 *      the reader is stopped (SIGSTOP) in the middle of that.
 * Out: one line: for records `emitted E lines L shown S lost X`, where the workload counted its
 *      calls itself and the lines are those of the output; for ticks `first F last T lines L missed M
 *      lost X`, where F and T are the ms since tracing began when the first and the last tick ran.
 */
#include "waggle.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the workload */

struct flood {
	pthread_t thread;
	int cpu;
	uint64_t until, calls;
};

static void *flood_main(void *arg)
{
	struct flood *f = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(f->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* not there: any CPU will do */
	while (now_ms() < f->until)
		for (int i = 0; i < 64; i++, f->calls++)
			getppid();
	return NULL;
}

static int flood(int ms, const char *path)
{
	struct flood floods[THREADS];
	uint64_t calls = 0;
	FILE *out = fopen(path, "w");

	if (!out)
		return 1;
	for (int i = 0; i < THREADS; i++) {
		floods[i] = (struct flood){.cpu = i, .until = now_ms() + (uint64_t)ms};
		if (pthread_create(&floods[i].thread, NULL, flood_main, &floods[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(floods[i].thread, NULL);
		calls += floods[i].calls;
	}
	fprintf(out, "%llu\n", (unsigned long long)calls);
	return fclose(out) != 0;
}

/* ---- the reader */

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	if (d->level == WAGGLE_ERROR)
		fprintf(stderr, "%s (%s)\n", d->text, d->hint ? d->hint : "");
}

/* A child that stops us a third of the way into the flood. */
static pid_t stopper(int ms, int stop)
{
	pid_t us = getpid(), pid = fork();

	if (pid)
		return pid;
	usleep((useconds_t)ms * 1000 / 3);
	kill(us, SIGSTOP);
	usleep((useconds_t)stop * 1000);
	kill(us, SIGCONT);
	_exit(0);
}

static int run(const char *script, struct waggle_opts *o, int ms, int stop, struct waggle_stats *st)
{
	struct waggle_object *object = NULL;
	struct waggle_session *session = NULL;
	int err = waggle_compile(&object, WAGGLE_SCRIPT, script, strlen(script), o);
	pid_t child = -1;

	if (!err)
		err = waggle_session_start(&session, object, o);
	if (!err && stop)
		child = stopper(ms, stop);
	if (!err)
		err = waggle_session_run(session);
	if (session) {
		waggle_session_stats(session, st);
		waggle_session_stop(session);
	}
	waggle_object_free(object);
	if (child > 0)
		waitpid(child, NULL, 0);
	return err;
}

/* The lines that are one number; the first and the last of these. */
static unsigned long long count_lines(int fd, unsigned long long *first, unsigned long long *last)
{
	FILE *in = fdopen(fd, "r");
	unsigned long long n = 0;
	char line[256], *end;

	rewind(in);
	while (fgets(line, sizeof(line), in)) {
		unsigned long long value = strtoull(line, &end, 10);

		if (end == line || *end != '\n')
			continue;
		*last = value;
		if (!n++)
			*first = value;
	}
	fclose(in);
	return n;
}

int main(int argc, char **argv)
{
	static const char records[] =
		"tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { printf(\"%d\\n\", tid); }";
	static const char ticks[] =
		"interval:ms:1 { printf(\"%llu\\n\", elapsed / 1000); }"
		"tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @calls[cpu] = count(); }"
		"end { clear(@calls); }";
	char counted[] = "/tmp/waggle-accounting-XXXXXX", shown[] = "/tmp/waggle-accounting-XXXXXX";
	unsigned long long lines, emitted = 0, first = 0, last = 0;
	struct waggle_stats st = {.sz = sizeof(st)};
	char flooding[] = "flood";
	int err, stop, out, fd;
	FILE *in;

	if (argc == 4 && !strcmp(argv[1], flooding))
		return flood(atoi(argv[2]), argv[3]);
	if (argc < 4)
		return 2;
	stop = argc > 4 ? atoi(argv[4]) : 0;
	fd = mkstemp(counted), out = mkstemp(shown);
	if (fd < 0 || out < 0)
		return 2;
	err = run(argv[1][0] == 'r' ? records : ticks,
		  &(struct waggle_opts){.sz = sizeof(struct waggle_opts), .name = "accounting",
					.diag = hear, .quiet = true, .out_fd = out,
					.ring_bytes = (unsigned)atoi(argv[2]),
					.command = (char *[]){argv[0], flooding, argv[3], counted, NULL}},
		  atoi(argv[3]), stop, &st);
	in = fdopen(fd, "r");
	if (fscanf(in, "%llu", &emitted) != 1)
		err = err ? err : -EIO;
	fclose(in);
	lines = count_lines(out, &first, &last);
	unlink(counted);
	unlink(shown);
	if (argv[1][0] == 'r')
		printf("emitted %llu lines %llu shown %llu lost %llu\n", emitted, lines,
		       (unsigned long long)st.shown, (unsigned long long)st.lost);
	else
		printf("first %llu last %llu lines %llu missed %llu lost %llu\n", first / 1000,
		       last / 1000, lines,
		       (unsigned long long)st.ticks_missed, (unsigned long long)st.lost);
	return err != 0;
}
