/* inspect.c: `waggle map`, `waggle ps`, `waggle detach`: BPF on this machine. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
	{"format", required_argument, NULL, 'f'},
	{"json", no_argument, NULL, 'j'},
	{"stats", optional_argument, NULL, 's'},
	{0},
};

/* Options may stand anywhere in front of what begins with no '-'. */
static int parse(struct waggle_opts *opts, int argc, char **argv, unsigned *ms)
{
	char *end;
	double seconds;
	int opt;

	*opts = (struct waggle_opts){.sz = sizeof(*opts), .diag = report_diag, .out = report_out};
	while ((opt = options_next(argc, argv, "+f:jq", long_options, NULL)) >= 0)
		switch (opt) {
		case 'f': opts->format = optarg; break;
		case 'j': opts->format = "json"; break;
		case 'q': opts->quiet = true; break;
		case 's':
			if (!ms)
				return usage_error("--stats goes with ps");
			if (!optarg && optind < argc && argv[optind][0] >= '0' &&
			    argv[optind][0] <= '9')
				optarg = argv[optind++];
			seconds = optarg ? strtod(optarg, &end) : 1;
			if (optarg && (*end || !(seconds > 0) || seconds > 86400))
				return usage_error("--stats takes seconds, not '%s'", optarg);
			*ms = (unsigned)(seconds * 1000);
			*ms += !*ms;
			break;
		default: return STATUS_USAGE;
		}
	return 0;
}

int cmd_ps(int argc, char **argv)
{
	struct waggle_opts opts;
	unsigned ms = 0;
	int status = parse(&opts, argc, argv, &ms);

	if (status)
		return status;
	if (optind < argc)
		return usage_error("ps takes no '%s'", argv[optind]);
	return status_of(waggle_kernel_programs(ms, &opts));
}

int cmd_detach(int argc, char **argv)
{
	struct waggle_opts opts;
	int status = parse(&opts, argc, argv, NULL);

	if (status)
		return status;
	if (optind != argc - 1)
		return usage_error(
			"detach takes the id of a program or a link, or the name of a firewall");
	return status_of(waggle_kernel_detach(argv[optind], &opts));
}

/* Keys and values may begin with '-': options stand behind the verb. */
int cmd_map(int argc, char **argv)
{
	struct waggle_opts opts;
	int status = parse(&opts, argc, argv, NULL), at = optind;
	const char *verb = at < argc ? argv[at] : NULL;

	if (status)
		return status;
	if (!verb)
		return usage_error("map is used as: waggle map list, dump MAP, lookup MAP KEY, "
				   "update MAP KEY VALUE, delete MAP KEY");
	if (at + 1 < argc && argv[at + 1][0] == '-') {
		const char *format = opts.format;

		optind = 1; /* getopt() skips the verb as it would the name of a program */
		status = parse(&opts, argc - at, argv + at, NULL);
		if (status)
			return status;
		opts.format = opts.format ? opts.format : format;
		at += optind;
	} else {
		at++;
	}
	if (!strcmp(verb, "list")) {
		if (at < argc)
			return usage_error("map list takes no '%s'", argv[at]);
		return status_of(waggle_kernel_maps(&opts));
	}
	if (at == argc)
		return usage_error("map %s takes a map: its id, its name, or where it is pinned",
				   verb);
	return status_of(waggle_kernel_map(verb, argv[at], argv + at + 1, &opts));
}
