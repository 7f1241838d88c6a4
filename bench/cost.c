/*
 * cost.c: instructions and nanoseconds per event of ten scripts, beside the same program written by
 * hand in C and compiled by clang -O2, and beside bpftrace.
 *
 * The kernel measures while a descriptor of BPF_ENABLE_STATS is open; which programs belong to a
 * tracer is read from the descriptors that it has open. Instructions are those that the kernel's
 * verifier left (xlated): without branches that cannot be taken, with lookups put in place; `run`
 * is how many an event runs through (executed.c). The row "nothing" is a program that only returns:
 * its time is what measuring costs.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGS_MAX 16
#define ROUNDS    3

struct cost {
	double insns, ns;
	double executed; /* of one event; NAN: our machine cannot tell */
};

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Ids of the programs that a process has open, each once. */
static unsigned programs_of(pid_t pid, unsigned *ids)
{
	char path[300], line[256];
	unsigned n = 0, id;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", pid, d->d_name);
		f = *d->d_name != '.' ? fopen(path, "re") : NULL;
		while (f && fgets(line, sizeof(line), f)) {
			bool known = false;

			if (sscanf(line, "prog_id: %u", &id) != 1)
				continue;
			for (unsigned i = 0; i < n; i++)
				known |= ids[i] == id;
			if (!known && n < PROGS_MAX)
				ids[n++] = id;
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return n;
}

static int program_info(unsigned id, struct bpf_prog_info *info)
{
	union bpf_attr attr = {0};
	int fd, err;

	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*info);
	attr.info.info = address(info);
	err = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) ? -errno : 0;
	close(fd);
	return err;
}

/* The sum over a tracer's programs: an event of "enter and exit" is one run of each. */
static struct cost cost_of(pid_t pid)
{
	unsigned ids[PROGS_MAX], n = programs_of(pid, ids), ran = 0;
	struct cost c = {0, 0, NAN};

	for (unsigned i = 0; i < n; i++) {
		struct bpf_prog_info info = {0};

		if (program_info(ids[i], &info) || info.run_cnt < 100)
			continue; /* begin, end */
		c.insns += info.xlated_prog_len / 8.0;
		c.ns += (double)info.run_time_ns / (double)info.run_cnt;
		ran++;
	}
	return ran ? c : (struct cost){NAN, NAN, NAN};
}

static struct cost run(enum tracer t, const char *script, const char *work)
{
	struct cost c = {NAN, NAN, NAN};
	char what[128];
	struct held h;
	struct usage u;

	bench_pause(t == WAGGLE ? 300 : 100);
	snprintf(what, sizeof(what), "-c 0 loop %s", work);
	held_start(&h, t, script, what, scratch("out"), scratch("err"), ANY_CPU);
	held_report(&h);
	if (!h.failed)
		c = cost_of(h.tracer.pid);
	held_release(&h, &u);
	return c;
}

static bool twins_here(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/nothing.bpf.o", bench.built);
	return !access(path, R_OK);
}

static struct cost measure(const struct script *s, enum tracer t)
{
	char object[512];

	if (!tracer_here(t) || (t == TWIN && !twins_here()) || (t != TWIN && !s->text))
		return (struct cost){NAN, NAN, NAN};
	snprintf(object, sizeof(object), "%s/%s.bpf.o", bench.built, s->twin);
	return run(t, t == TWIN ? object : s->text, s->work);
}

/* The best of rounds for time: what others did to the machine only adds. */
static void measure_all(const struct script *s, struct cost *best)
{
	static const enum tracer which[] = {WAGGLE, TWIN, BPFTRACE};

	for (unsigned i = 0; i < TRACERS; i++)
		best[i] = (struct cost){NAN, NAN, executed(s, i)};
	for (unsigned i = 0; i < bench.rounds && i < ROUNDS; i++)
		for (unsigned j = 0; j < ARRAY(which); j++) {
			struct cost c;

			if (which[j] == BPFTRACE && i > 1)
				continue; /* it takes long, and is only there to compare */
			if (which[j] != TWIN && i && isnan(best[which[j]].ns))
				continue; /* it cannot do that */
			c = measure(s, which[j]);
			best[which[j]].insns = fmax(best[which[j]].insns, c.insns);
			best[which[j]].ns = fmin(best[which[j]].ns, c.ns);
		}
}

static void show(struct table *t, const char *name, const struct cost *c, bool goal)
{
	static const enum tracer which[] = {WAGGLE, TWIN, BPFTRACE};

	table_cell(t, "%s", name);
	for (unsigned i = 0; i < ARRAY(which); i++) {
		table_num(t, "%.0f", c[which[i]].insns);
		if (which[i] != BPFTRACE)
			table_num(t, "%.0f", c[which[i]].executed);
		table_num(t, "%.0f", c[which[i]].ns);
	}
	table_num(t, "%.2f x", c[WAGGLE].insns / c[TWIN].insns);
	table_num(t, "%.2f x", c[WAGGLE].executed / c[TWIN].executed);
	table_num(t, "%.2f x", c[WAGGLE].ns / c[TWIN].ns);
	table_goal(t, goal ? fmax(c[WAGGLE].ns / c[TWIN].ns, c[WAGGLE].executed / c[TWIN].executed) : NAN,
		   1, false, "<= C");
}

static int stats_on(void)
{
	union bpf_attr attr = {0};

	attr.enable_stats.type = BPF_STATS_RUN_TIME;
	return sys_bpf(BPF_ENABLE_STATS, &attr);
}

int part_cost(void)
{
	static const struct script nothing = {"nothing (what measuring costs)", "nothing", NULL,
					      "getppid 2000 100"};
	struct cost c[TRACERS], sum[TRACERS] = {{0, 0, 0}};
	int fd = stats_on();
	struct table t;

	if (fd < 0) {
		printf("\nCost per event: the kernel does not measure (BPF_ENABLE_STATS, 5.8): "
		       "%s\n",
		       strerror(errno));
		return 1;
	}
	table_open(&t,
		   "Cost per event: instructions, those of them that it runs, ns (the shortest of "
		   "rounds)",
		   "script|waggle|run|ns|C, clang -O2|run|ns|bpftrace|ns|to C: insns|run|ns|goal");
	measure_all(&nothing, c);
	show(&t, nothing.name, c, false);
	for (unsigned i = 0; i < nscripts; i++) {
		if (!strstr(scripts[i].name, bench.only))
			continue;
		measure_all(&scripts[i], c);
		show(&t, scripts[i].name, c, false);
		for (unsigned j = 0; j < TRACERS && !isnan(c[WAGGLE].ns); j++) {
			sum[j].insns += c[j].insns;
			sum[j].ns += c[j].ns;
			if (!isnan(c[WAGGLE].executed) && !isnan(c[TWIN].executed))
				sum[j].executed += c[j].executed;
		}
	}
	show(&t, "sum of those that waggle can do", sum, true);
	table_close(&t);
	close(fd);
	if (!twins_here())
		printf("  C: not installed (clang and libbpf-dev)\n");
	if (!tracer_here(BPFTRACE))
		printf("  bpftrace: not installed\n");
	return 0;
}
