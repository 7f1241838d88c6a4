/*
 * behave.c: the behaviour runner.
 *
 *   behave [-w WAGGLE] [-k PATTERN] [-e ENGINES] [-p PREFIX] [-T FACTOR] [-s N] [-g] [-v] [-l] [-O] FILE...
 *
 * In:  case files (case.c), a waggle to run them with.
 * Out: a line `ok NAME`, `not ok NAME: WHY` (with what differs, and how to repeat it, indented
 *      below) or `skip NAME: WHY` for each case and engine, then a summary. Status 1 if any failed.
 *
 * -k runs only the cases whose name has PATTERN in it, -e only these engines, -T stretches the time
 * limits, -s names the N slowest (how long they took, and how long of that they ran), -g says that this machine is a guest of our own, -v shows what each case printed, -l lists
 * the cases. -O uses bpftrace 0.17 in waggle's place to see whether the cases are right.
 */
#include "behave.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct score {
	unsigned passed, failed, skipped;
	struct timing {
		double whole, ran; /* seconds: with what is waited for before and after; the command */
		const char *name, *end;
	} *timings;
	size_t n;
};

static void note_time(struct score *s, const struct timing *t)
{
	struct timing *more = realloc(s->timings, (s->n + 1) * sizeof(*more));

	if (!more)
		return;
	s->timings = more;
	s->timings[s->n++] = *t;
}

static int slower(const void *a, const void *b)
{
	double d = ((const struct timing *)b)->whole - ((const struct timing *)a)->whole;

	return (d > 0) - (d < 0);
}

static void show_slowest(struct score *s, size_t n)
{
	if (n)
		qsort(s->timings, s->n, sizeof(*s->timings), slower);
	for (size_t i = 0; i < n && i < s->n; i++)
		printf("# %7.2f s, ran %7.2f s: %s%s\n", s->timings[i].whole, s->timings[i].ran,
		       s->timings[i].name, s->timings[i].end);
	free(s->timings);
}

/* The script and the command line, so that one can repeat it by hand. */
static void explain(const struct test_case *c, const struct result *r)
{
	printf("    case at %s:%u\n", c->file, c->line);
	if (c->shell && c->script)
		printf("    script: %s\n", c->script);
	printf("    command: %s\n", r->command);
}

static void one(const struct test_case *c, enum engine e, const struct options *o, struct score *s)
{
	static const char *const suffix[] = { [ENGINE_KERNEL] = "",
					      [ENGINE_USER] = " (user engine)",
					      [ENGINE_INPROCESS] = " (in process)",
					      [ENGINE_COMPILER] = "" };
	const char *missing = needs_missing(c, e, o), *end = suffix[e];
	struct programs before;
	struct text why = { 0 };
	double start = now_seconds();
	struct result r;
	int ret;

	if (missing) {
		printf("skip %s%s%s: %s\n", o->prefix, c->name, end, missing);
		s->skipped++;
		return;
	}
	if (e == ENGINE_USER && c->needs.n) /* what is probed in files is needed */
		closers_wait(o);
	programs_list(&before);
	ret = case_run(c, e, o, &r);
	if (ret)
		text_printf(&why, "    cannot start: %s\n", strerror(-ret));
	else
		result_check(c, &r, &why);
	if (e == ENGINE_KERNEL) /* the others load none: new ones are somebody else's */
		leak_check(&before, o, &why);
	programs_free(&before);
	note_time(s, &(struct timing){ now_seconds() - start, r.seconds, c->name, end });
	if (why.len) {
		size_t first = strcspn(why.s, "\n");

		printf("not ok %s%s%s: %.*s\n", o->prefix, c->name, end,
		       (int)(first > 4 ? first - 4 : 0), why.s + 4);
		printf("%s", why.s);
		explain(c, &r);
		s->failed++;
	} else {
		printf("ok %s%s%s\n", o->prefix, c->name, end);
		s->passed++;
	}
	if (o->verbose)
		printf("    %.3f s, status %d: %s\n%s%s", r.seconds, r.status, r.command,
		       r.out ? r.out : "", r.err ? r.err : "");
	fflush(stdout);
	result_free(&r);
	free(why.s);
}

static bool wanted(const struct test_case *c, const struct options *o)
{
	return (!o->pattern || strstr(c->name, o->pattern)) && case_is_for(c, o);
}

static void list(const struct test_case *c, const struct options *o)
{
	for (; c; c = c->next)
		if (wanted(c, o))
			printf("%s:%u: %s\n", c->file, c->line, c->name);
}

/* Engine by engine: what one has still to close is not waited for in front of each case of the next. */
static void all(const struct test_case *first, const struct options *o, struct score *s)
{
	for (unsigned e = 1; e <= ENGINE_COMPILER; e <<= 1)
		for (const struct test_case *c = first; c; c = c->next)
			if (wanted(c, o) && (c->engines & e & o->engines))
				one(c, (enum engine)e, o, s);
}

static int usage(void)
{
	fprintf(stderr, "usage: behave [-w WAGGLE] [-k PATTERN] [-e kernel,user,compiler] "
			"[-p PREFIX] [-T FACTOR] [-s N] [-g] [-v] [-l] [-O] FILE...\n");
	return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, "w:k:e:p:T:s:gvlO")) >= 0) {
		switch (opt) {
		case 'w': o->waggle = optarg; break;
		case 'k': o->pattern = optarg; break;
		case 'e':
			o->engines = (strstr(optarg, "kernel") ? ENGINE_KERNEL : 0) |
				     (strstr(optarg, "user") ? ENGINE_USER : 0) |
				     (strstr(optarg, "inprocess") ? ENGINE_INPROCESS : 0) |
				     (strstr(optarg, "compiler") ? ENGINE_COMPILER : 0);
			break;
		case 'p': o->prefix = optarg; break;
		case 'T': o->patience = atof(optarg); break;
		case 's': o->slowest = (size_t)atoi(optarg); break;
		case 'g': o->guest = true; break;
		case 'v': o->verbose = true; break;
		case 'l': o->list = true; break;
		case 'O': o->oracle = true; break;
		default: return false;
		}
	}
	return optind < argc && o->patience > 0;
}

/* The programs that cases trace stand beside the runner: PATH begins with its folder. */
static void find_neighbours(void)
{
	char self[PATH_MAX], path[2 * PATH_MAX];
	const char *old = getenv("PATH");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n < 0 ? 0 : n] = 0;
	if (!strrchr(self, '/'))
		return;
	*strrchr(self, '/') = 0;
	snprintf(path, sizeof(path), "%s:%s", self, old ? old : "/bin:/usr/bin");
	setenv("PATH", path, 1);
}

int main(int argc, char **argv)
{
	struct options o = { .waggle = "build/waggle",
			     .prefix = "",
			     .patience = 1,
			     .engines = ENGINE_KERNEL | ENGINE_USER | ENGINE_INPROCESS | ENGINE_COMPILER };
	struct test_case *cases = NULL, **tail = &cases;
	struct score s = { 0 };
	char full[PATH_MAX];

	if (!parse(argc, argv, &o))
		return usage();
	if (o.oracle) /* it has but one engine: each case once */
		o.engines &= ENGINE_KERNEL | ENGINE_COMPILER;
	find_neighbours();
	/* Cases run in folders of their own, so the path must not depend on where we are. */
	if (strchr(o.waggle, '/') && realpath(o.waggle, full))
		o.waggle = full;
	if (!o.list && !have_program(o.waggle)) {
		fprintf(stderr, "behave: no program %s: build it first, or name another by -w\n",
			o.waggle);
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		tail = cases_read(argv[i], tail);
		if (!tail)
			return 2;
	}
	if (o.list) {
		list(cases, &o);
		return 0;
	}
	all(cases, &o, &s);
	show_slowest(&s, o.slowest);
	printf("# %u passed, %u failed, %u skipped\n", s.passed, s.failed, s.skipped);
	return s.failed ? 1 : 0;
}
