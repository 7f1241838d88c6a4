/* list.c: `waggle -l [PATTERN]`: the probes that there are; of a script, those that it has. */
#include "cli/cli.h"

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
