/* list.c: `waggle list [PATTERN]`, `waggle -l`: the probes that there are; of a script, those that
 * it has. */
#include "cli/cli.h"

#include <getopt.h>

static void line(void *user, const char *text)
{
	unsigned *n = user;

	++*n;
	puts(text);
}

int list_probes(const char *pattern, bool verbose, const struct waggle_opts *opts)
{
	unsigned n = 0;
	int err = waggle_list(pattern, verbose, line, &n, opts);

	if (!err && !n) {
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
	unsigned n = 0;

	if (o->verbose && !waggle_list(text, true, line, &n, o->opts) && n)
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
