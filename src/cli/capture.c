/*
 * capture.c: `waggle capture`: packets of a device or of a file, as lines, counted, or into another
 * file. The letters are tcpdump's.
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_COUNT = 256, OPT_NANO, OPT_MICRO, OPT_UTC, OPT_PCAPNG, OPT_NETMASK };

static const struct option long_options[] = {
	{"interface", required_argument, NULL, 'i'},
	{"no-promiscuous-mode", no_argument, NULL, 'p'},
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
	case 'p': how->promiscuous = false; return 0;
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
	       (opt = options_next(argc, argv, "+i:r:w:c:s:F:pneqStxXA", long_options, NULL)) >= 0)
		switch (opt) {
		case 'i': how->device = optarg; break;
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
	if (how->read && how->device)
		return usage_error(
			"packets come from a file (-r) or from a device (-i), not from both");
	if (!how->read && !how->device)
		return usage_error("capture needs a device or a file: -i eth0, -i any, -r FILE");
	if (a->times > 5)
		return usage_error("-t is given at most five times");
	how->time = (enum waggle_time)a->times;
	if (optind < argc && a->file)
		return usage_error(
			"an expression is in a file (-F) or behind the options, not both");
	return 0;
}

/* ---- until Ctrl-C */

static int stop_pipe[2];

static void on_signal(int sig)
{
	const int err = errno;

	(void)sig;
	if (write(stop_pipe[1], "", 1) < 0) /* it is full: it was asked for already */
		errno = err;
	errno = err;
}

static int catch_signals(struct waggle_capture *how)
{
	struct sigaction act = {.sa_handler = on_signal};

	if (pipe(stop_pipe))
		return STATUS_ERROR;
	how->stop_fd = stop_pipe[0];
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return 0;
}

static void tell_counts(const struct waggle_capture *how)
{
	fprintf(stderr,
		"%llu packets captured, %llu received by the filter, %llu dropped by the kernel\n",
		(unsigned long long)how->matched, (unsigned long long)how->received,
		(unsigned long long)how->dropped);
}

int cmd_capture(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct capture_args a = {.how = {.sz = sizeof(a.how), .promiscuous = true}};
	struct source source = {0};
	char *words = NULL;
	int err = parse(&a, argc, argv);

	if (err)
		return err;
	if (a.file && source_read(&source, a.file))
		return STATUS_ERROR;
	words = a.file ? NULL : words_join(argv + optind);
	a.how.filter = a.file ? source.text : words;
	err = a.how.device ? catch_signals(&a.how) : 0;
	if (!err)
		err = waggle_capture(&a.how, &opts);
	if (!err && a.how.device)
		tell_counts(&a.how);
	if (a.how.count_only)
		printf("%llu packet%s\n", (unsigned long long)a.how.matched,
		       a.how.matched == 1 ? "" : "s");
	source_free(&source);
	free(words);
	return status_of(err);
}
