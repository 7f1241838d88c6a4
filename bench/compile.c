/*
 * compile.c: how long the compiler takes, called through the library in one process.
 *
 * Each call reads what it needs from the machine anew (formats of tracepoints, BTF if any), as each
 * run of waggle does; memory is kept as waggle keeps it. In a child, so that its memory is not counted as that of later ones.
 * The tools that Debian's bpftrace brings are compiled for this machine, or for the one that
 * `waggle target save` wrote to the file $BENCH_TARGET, which is read once.
 */
#include "bench.h"
#include "compile.h"
#include "waggle.h"

#include <glob.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200

static struct target *elsewhere; /* of $BENCH_TARGET, while the tools are compiled */

static void keep(void *user, const struct waggle_diag *d)
{
	char *text = user;

	if (d->level == WAGGLE_ERROR && !*text)
		snprintf(text, 200, "%s", d->text);
}

/* Tools of ours have arguments; `waggle TOOL` fills in those that are not given. */
static char **arguments_of(const char *text)
{
	static char *const probes[] = {"tracepoint:syscalls:sys_enter_getpid",
				       "tracepoint:syscalls:sys_exit_getpid", NULL};
	static char *const numbers[] = {"1", "0", NULL};

	if (strstr(text, "\n * args PATTERN") || strstr(text, "\n * args FUNCTION"))
		return (char **)probes;
	return (char **)(strstr(text, "\n * args ") ? numbers : numbers + 2);
}

static double once(const char *name, const char *text, char *why)
{
	char **args = arguments_of(text);
	struct waggle_opts opts = {.sz = sizeof(opts), .name = name, .diag = keep, .user = why,
				   .argv = args, .argc = args[0] ? 2 : 0, .no_command = true, .here = true};
	struct waggle_object *object = NULL;
	struct diag diag = {.fn = keep, .user = why};
	uint64_t start = bench_now(CLOCK_MONOTONIC), end;
	int err = elsewhere ? compile((struct object **)&object, WAGGLE_SCRIPT, text, strlen(text),
				      elsewhere, &opts, &diag)
			    : waggle_compile(&object, WAGGLE_SCRIPT, text, strlen(text), &opts);

	end = bench_now(CLOCK_MONOTONIC);
	waggle_object_free(object);
	return err ? NAN : (double)(end - start) / 1e3;
}

struct mean {
	double sum;
	unsigned n;
};

static void one(struct table *t, const char *name, const char *text, struct mean *mean)
{
	static double took[ROUNDS];
	char why[200] = "";
	double first = once(name, text, why), m;

	table_cell(t, "%s", name);
	for (unsigned i = 0; i < ROUNDS && !isnan(first); i++)
		took[i] = once(name, text, why);
	m = isnan(first) ? NAN : median(took, ROUNDS);
	table_num(t, "%.0f", first);
	table_num(t, "%.0f", m);
	if (isnan(first))
		table_cell(t, "does not compile: %s", why);
	else
		table_goal(t, m, 1000, false, "<= 1000");
	if (mean && !isnan(first)) {
		mean->sum += m;
		mean->n++;
	}
}

static void files(struct table *t, const char *pattern, struct mean *mean)
{
	glob_t found_files;

	if (!glob(pattern, 0, NULL, &found_files))
		for (size_t i = 0; i < found_files.gl_pathc; i++) {
			size_t n;
			char *text = file_text(found_files.gl_pathv[i], &n);

			if (text)
				one(t, found_files.gl_pathv[i], text, mean);
			free(text);
		}
	globfree(&found_files);
}

static void open_elsewhere(void)
{
	const char *path = getenv("BENCH_TARGET");
	struct diag quiet = {0};
	size_t n;
	char *text = path ? file_text(path, &n) : NULL; /* the target's, until the process ends */

	if (text && target_open(&elsewhere, text, n, &quiet))
		elsewhere = NULL;
}

/* What the package bpftrace installs: the goal is one of the mean. */
static void tools(struct table *t)
{
	struct mean mean = {0};

	open_elsewhere();
	files(t, "/usr/sbin/*.bt", &mean);
	if (!mean.n)
		return;
	table_cell(t, "the mean of %u tools", mean.n);
	table_cell(t, "%s", "");
	table_num(t, "%.0f", mean.sum / mean.n);
	table_goal(t, mean.sum / mean.n, 1000, false, "<= 1000");
}

static void table(void)
{
	struct table t;

	table_open(&t, "Compile time: us from source to object", "script|first|median|goal");
	for (unsigned i = 0; i < nscripts; i++)
		if (strstr(scripts[i].name, bench.only))
			one(&t, scripts[i].name, scripts[i].text, NULL);
	files(&t, "examples/*.bt", NULL);
	files(&t, "tools/*.bt", NULL);
	tools(&t);
	table_close(&t);
}

int part_compile(void)
{
	pid_t pid;
	int status = 1;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		mallopt(M_MMAP_THRESHOLD, 512 << 10);
		mallopt(M_TRIM_THRESHOLD, 4 << 20);
		table();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}
