/*
 * ctrlc.c: how long Ctrl-C takes: from the signal to the last byte of the summary, and to the end of
 * the process.
 *
 * The signal goes to the whole group, the tracer and the command that it runs, as a terminal sends
 * it. Output is a pipe that the bench reads; a session runs for a while first. CPU time is that of the
 * process behind the signal: it does not depend on what else the machine does. The longest of the
 * rounds counts: the one that a user would remember.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_MS    2500 /* before the signal */
#define GOAL_MS   100
#define ROUNDS    64
#define PIPE      (1 << 20)
#define GETPPID   "tracepoint:syscalls:sys_enter_getppid"
#define OPENAT    "tracepoint:syscalls:sys_enter_openat"
#define MANY      "config = { max_map_keys = 32768 } "
#define OWN       " /pid == cpid/ "
#define STACKS(n) "-e|" MANY GETPPID OWN "{ @[kstack, ustack] = count(); }|-c|WORK stacks " n

static const struct session {
	const char *name;
	const char *line; /* words with | between; WORK: the workload; PID: of one that runs by itself */
} sessions[] = {
	{"printf of each open", "-e|" OPENAT OWN "{ printf(\"%s\\n\", str(args.filename)); }|-c|WORK opens 100"},
	{"hist of 64 buckets", "-e|" GETPPID OWN "{ @ = hist(nsecs); }|-c|WORK stacks 100"},
	{"count by 300 keys", "-e|" GETPPID OWN "{ @[nsecs % 300] = count(); }|-c|WORK stacks 100"},
	{"count by 10,000 keys", "-e|" GETPPID OWN "{ @[nsecs % 10000] = count(); }|-c|WORK stacks 100"},
	{"count by file name", "-e|" OPENAT OWN "{ @[str(args.filename)] = count(); }|-c|WORK opens 300"},
	{"count by 100 stacks", STACKS("100")},
	{"count by 2,000 stacks", STACKS("2000")},
	{"count by 20,000 stacks", STACKS("20000")},
	{"the same, and -p", "-e|" MANY GETPPID "{ @[kstack, ustack] = count(); }|-p|PID"},
	{"the same, folded", "-f|folded|" STACKS("20000")},
	{"count by 350 tracepoints", "-e|tracepoint:syscalls:sys_enter_*" OWN "{ @[probe] = count(); }|-c|WORK opens 100"},
	{"opensnoop", "opensnoop|--|WORK|opens|100"},
	{"syscount", "syscount|--|WORK|opens|100"},
	{"syscount each second", "syscount|-i|1|--|WORK|opens|100"},
	{"filetop", "filetop|--|WORK|opens|100"},
	{"funccount", "funccount|t:syscalls:sys_enter_g*|--|WORK|opens|100"},
	{"stackcount", "stackcount|t:syscalls:sys_enter_getppid|--|WORK|stacks|2000"},
	{"profile", "profile|-F|997|--|WORK|stacks|20000"},
	{"memleak", "memleak|--|WORK|stacks|100"},
	{"offcputime", "offcputime|--|WORK|opens|100"},
	{"strace", "strace|--|WORK|opens|100"},
	{"strace -c", "strace|-c|--|WORK|opens|100"},
	{"user engine: printf", "--engine|user|-e|" OPENAT "{ printf(\"%s\\n\", str(args.filename)); }|-c|WORK opens 100"},
	{"user engine: stacks", "--engine|user|-e|" GETPPID "{ @[ustack] = count(); }|-c|WORK stacks 2000"},
	{"user engine: -p", "--engine|user|-e|" GETPPID "{ @ = count(); }|-p|PID"},
	{"user engine: strace -c", "strace|--engine|user|-c|--|WORK|opens|100"},
	{"capture of lo", "capture|-i|lo"},
};

struct words_of {
	char *v[24], work[300], command[340], pid[16];
	char text[1024];
};

static void split(struct words_of *w, const struct session *s, pid_t pid)
{
	unsigned n = 0;
	char *rest = w->text;

	snprintf(w->work, sizeof(w->work), "%s/work", bench.built);
	snprintf(w->pid, sizeof(w->pid), "%d", pid);
	snprintf(w->text, sizeof(w->text), "%s", s->line);
	w->v[n++] = (char *)(uintptr_t)bench.waggle;
	for (char *word; (word = strsep(&rest, "|")) && n < ARRAY(w->v) - 1;) {
		if (!strncmp(word, "WORK ", 5)) {
			snprintf(w->command, sizeof(w->command), "%s%s", w->work, word + 4);
			w->v[n++] = w->command;
		} else {
			w->v[n++] = !strcmp(word, "WORK")  ? w->work
				    : !strcmp(word, "PID") ? w->pid
							   : word;
		}
	}
	w->v[n] = NULL;
}

/* Reads until nobody writes any more, or for so long; the time of the last bytes. */
static uint64_t read_for(int fd, uint64_t until, bool *end)
{
	static char room[PIPE];
	uint64_t last = 0;

	*end = false;
	while (!*end) {
		uint64_t now = bench_now(CLOCK_MONOTONIC);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (now >= until || poll(&p, 1, (int)((until - now) / 1000000) + 1) <= 0)
			break;
		n = read(fd, room, sizeof(room));
		*end = n <= 0;
		last = n > 0 ? bench_now(CLOCK_MONOTONIC) : last;
	}
	return last;
}

/* ms of CPU time that the process has used so far. */
static double cpu_ms(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return (double)ns / 1e6;
}

/* ms from the signal to the last byte and to the end, and of CPU time; NAN: it does not run here. */
static void once(const struct session *s, double *summary, double *whole, double *cpu)
{
	char *idle[] = {NULL, "stacks", "20000", NULL}, work[300];
	struct proc p, other = {0};
	struct usage u;
	struct words_of w;
	uint64_t start, last;
	siginfo_t info;
	double used;
	int fds[2];
	bool end;

	*summary = *whole = *cpu = NAN;
	if (pipe2(fds, O_CLOEXEC))
		return;
	fcntl(fds[1], F_SETPIPE_SZ, PIPE); /* else it is the bench that is measured */
	snprintf(work, sizeof(work), "%s/work", bench.built);
	idle[0] = work;
	if (strstr(s->line, "|PID") && proc_start(&other, idle, NULL, NULL, ANY_CPU))
		return;
	split(&w, s, other.pid);
	if (!proc_start_fd(&p, w.v, fds[1], fds[1], ANY_CPU)) {
		close(fds[1]);
		read_for(fds[0], bench_now(CLOCK_MONOTONIC) + RUN_MS * 1000000ull, &end);
		used = cpu_ms(p.pid);
		start = bench_now(CLOCK_MONOTONIC);
		kill(-p.pid, SIGINT);
		last = end ? 0 : read_for(fds[0], start + 20000000000ull, &end);
		if (end && !last) /* it had shown all: the answer is its end */
			last = bench_now(CLOCK_MONOTONIC);
		if (end && !waitid(P_PID, (id_t)p.pid, &info, WEXITED | WNOWAIT))
			used = cpu_ms(p.pid) - used;
		proc_wait(&p, &u);
		if (last && u.status >= 0) {
			*summary = (double)(last - start) / 1e6;
			*whole = (double)(bench_now(CLOCK_MONOTONIC) - start) / 1e6;
			*cpu = used;
		}
	} else {
		close(fds[1]);
	}
	close(fds[0]);
	if (other.pid) {
		kill(other.pid, SIGKILL);
		proc_wait(&other, &u);
	}
}

int part_ctrlc(void)
{
	static double summary[ROUNDS], whole[ROUNDS], cpu[ROUNDS];
	unsigned rounds = bench.rounds < ROUNDS ? bench.rounds : ROUNDS;
	struct table t;

	table_open(&t, "Ctrl-C: ms from the signal to the last byte of the summary, and to the end",
		   "session|summary, median|longest|end, median|longest|CPU, median|goal");
	for (unsigned i = 0; i < ARRAY(sessions); i++) {
		double worst;

		if (!strstr(sessions[i].name, bench.only))
			continue;
		for (unsigned r = 0; r < rounds; r++)
			once(&sessions[i], &summary[r], &whole[r], &cpu[r]);
		worst = highest(summary, rounds);
		table_cell(&t, "%s", sessions[i].name);
		table_num(&t, "%.1f", median(summary, rounds));
		table_num(&t, "%.1f", worst);
		table_num(&t, "%.1f", median(whole, rounds));
		table_num(&t, "%.1f", highest(whole, rounds));
		table_num(&t, "%.1f", median(cpu, rounds));
		table_goal(&t, worst, GOAL_MS, false, "<= 100 ms");
	}
	table_close(&t);
	return 0;
}
