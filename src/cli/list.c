/* list.c: `waggle list [PATTERN]`, `waggle -l`: the probes that there are; of a script, those that
 * it has. */
#include "cli/cli.h"
#include "cli/tools.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct lines {
	unsigned n;
	const char *without; /* what they begin with and is not shown, or NULL */
};

static void line(void *user, const char *text)
{
	struct lines *l = user;
	size_t n = l->without ? strlen(l->without) : 0;

	l->n++;
	puts(n && !strncmp(text, l->without, n) ? text + n : text);
}

/* "c:mallo*", "vfs_*", as tools take them: told as asked for. */
static int list_short(const char *pattern, bool verbose, struct lines *l, const struct waggle_opts *opts)
{
	char *probes = tool_probe(pattern, false), *kind = NULL;
	size_t n = probes ? strlen(probes) : 0, asked = strlen(pattern);
	int err = 0;

	if (n > asked && !strcmp(probes + n - asked, pattern))
		kind = strndup(probes, n - asked);
	l->without = kind;
	if (n && strcmp(probes, pattern) != 0)
		err = waggle_list(probes, verbose, line, l, opts);
	free(kind);
	free(probes);
	return err;
}

int list_probes(const char *pattern, bool verbose, const struct waggle_opts *opts)
{
	struct lines l = {0};
	int err = waggle_list(pattern, verbose, line, &l, opts);

	if (!err && !l.n && pattern)
		err = list_short(pattern, verbose, &l, opts);
	if (!err && !l.n) {
		fprintf(stderr, "waggle: error: no probe matches '%s'\n", pattern ? pattern : "*");
		return STATUS_ERROR;
	}
	return err;
}

struct of_object {
	const struct waggle_opts *opts;
	bool verbose;
};

static void probe(void *user, const char *text)
{
	struct of_object *o = user;
	struct lines l = {0};

	if (o->verbose && !waggle_list(text, true, line, &l, o->opts) && l.n)
		return;
	puts(text);
}

int list_object(const struct waggle_object *object, bool verbose, const struct waggle_opts *opts)
{
	struct of_object o = {opts, verbose};

	waggle_object_probes(object, probe, &o);
	return 0;
}

int cmd_list(int argc, char **argv)
{
	static const struct option names[] = {
		{"verbose", no_argument, NULL, 'v'}, {"target", required_argument, NULL, 't'}, {0}};
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	bool verbose = false;
	int opt;

	while ((opt = options_next(argc, argv, "v", names, NULL)) >= 0)
		switch (opt) {
		case 'v': verbose = true; break;
		case 't': opts.target = optarg; break;
		default: return STATUS_USAGE;
		}
	if (argc - optind > 1)
		return usage_error("list takes one pattern: put it between quotes");
	return status_of(list_probes(argv[optind], verbose, &opts));
}
