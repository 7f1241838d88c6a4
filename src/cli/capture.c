/*
 * capture.c: `waggle capture`: packets of a file, as lines, counted, or into another file. The
 * letters are tcpdump's.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_COUNT = 256, OPT_NANO, OPT_MICRO, OPT_UTC, OPT_PCAPNG, OPT_NETMASK };

static const struct option long_options[] = {
	{"read", required_argument, NULL, 'r'},
	{"write", required_argument, NULL, 'w'},
	{"count", no_argument, NULL, OPT_COUNT},
	{"snapshot-length", required_argument, NULL, 's'},
	{"absolute-tcp-sequence-numbers", no_argument, NULL, 'S'},
	{"nano", no_argument, NULL, OPT_NANO},
	{"micro", no_argument, NULL, OPT_MICRO},
	{"utc", no_argument, NULL, OPT_UTC},
	{"pcapng", no_argument, NULL, OPT_PCAPNG},
	{"netmask", required_argument, NULL, OPT_NETMASK},
	{"quiet", no_argument, NULL, 'q'},
	{0},
};

struct capture_args {
	struct waggle_capture how;
	int times; /* how often -t */
	const char *file;
};

static int take_number(const char *option, const char *text, unsigned long long *n)
{
	char *end;

	*n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return usage_error("%s takes a number, not '%s'", option, text);
	return 0;
}

static int take_flag(struct waggle_capture *how, int opt)
{
	switch (opt) {
	case 'n': return 0; /* it is always so */
	case 'e': how->link_header = true; return 0;
	case 'q': how->brief = true; return 0;
	case 'S': how->absolute = true; return 0;
	case 'A': how->ascii = true; return 0;
	case 'x': how->hex = how->hex == 1 ? 2 : 1; return 0;
	case 'X': how->hex = how->hex == 3 ? 4 : 3; return 0;
	case OPT_COUNT: how->count_only = true; return 0;
	case OPT_NANO: how->nano = true; return 0;
	case OPT_MICRO: how->nano = false; return 0;
	case OPT_UTC: how->utc = true; return 0;
	case OPT_PCAPNG: how->pcapng = true; return 0;
	default: return STATUS_USAGE;
	}
}

static int parse(struct capture_args *a, int argc, char **argv)
{
	struct waggle_capture *how = &a->how;
	unsigned long long n = 0;
	int opt, err = 0;

	while (!err &&
	       (opt = getopt_long(argc, argv, "+r:w:c:s:F:neqStxXA", long_options, NULL)) >= 0)
		switch (opt) {
		case 'r': how->read = optarg; break;
		case 'w': how->write = optarg; break;
		case 'F': a->file = optarg; break;
		case OPT_NETMASK: how->netmask = optarg; break;
		case 't': a->times++; break;
		case 'c':
			err = take_number("-c", optarg, &n);
			how->most = n;
			if (!err && !n)
				err = usage_error("-c takes a number of packets, at least 1");
			break;
		case 's':
			err = take_number("-s", optarg, &n);
			how->snaplen = n < 262144 ? (unsigned)n : 262144;
			break;
		default: err = take_flag(how, opt);
		}
	if (err)
		return err;
	if (!how->read)
		return usage_error("capture needs a file: -r FILE, or -r - for stdin");
	if (a->times > 5)
		return usage_error("-t is given at most five times");
	how->time = (enum waggle_time)a->times;
	if (optind < argc && a->file)
		return usage_error(
			"an expression is in a file (-F) or behind the options, not both");
	return 0;
}

int cmd_capture(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct capture_args a = {.how = {.sz = sizeof(a.how)}};
	struct source source = {0};
	char *words = NULL;
	int err = parse(&a, argc, argv);

	if (err)
		return err;
	if (a.file && source_read(&source, a.file))
		return STATUS_ERROR;
	words = a.file ? NULL : words_join(argv + optind);
	a.how.filter = a.file ? source.text : words;
	err = waggle_capture(&a.how, &opts);
	if (a.how.count_only)
		printf("%llu packet%s\n", (unsigned long long)a.how.matched,
		       a.how.matched == 1 ? "" : "s");
	source_free(&source);
	free(words);
	return status_of(err);
}
