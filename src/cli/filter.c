/*
 * filter.c: `waggle filter`: a packet filter, compiled.
 *
 * In:  an expression, in one argument or in many, or in a file (-F). Out: its program, as a
 * listing, a C array or numbers.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
	{"link", required_argument, NULL, 'y'},
	{"snapshot-length", required_argument, NULL, 's'},
	{"netmask", required_argument, NULL, 'm'},
	{"no-optimize", no_argument, NULL, 'O'},
	{"ebpf", optional_argument, NULL, 'e'},
	{"explain", no_argument, NULL, 'x'},
	{"dot", optional_argument, NULL, 'D'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct filter_args {
	struct waggle_filter how;
	const char *format, *file;
	int listings; /* how often -d */
	bool help;
};

static const char help[] =
	"waggle filter [OPTIONS] EXPRESSION: a packet filter as tcpdump takes it, compiled\n"
	"\n"
	"  -d, -dd, -ddd           a listing (as without options), a C array, numbers\n"
	"  -y, --link LINK         what the packets begin with: EN10MB, RAW, LINUX_SLL, ...\n"
	"  -s, --snapshot-length N what the program returns for a packet that it takes (262144)\n"
	"  -O, --no-optimize       each test as it was written\n"
	"  -F FILE                 the expression is in a file\n"
	"      --netmask MASK      of the packets' net, for `ip broadcast`\n"
	"      --ebpf[=HOOK]       the BPF program that does the same: plain, xdp, tc, "
	"cgroup_skb,\n"
	"                          socket\n"
	"      --explain           each test in words\n"
	"      --dot[=WHICH]       a drawing for graphviz: tree, graph, optimised\n";

static int take_snaplen(struct filter_args *a, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || n > 0xffffffff)
		return usage_error("-s takes a number of bytes, not '%s'", text);
	a->how.snaplen = (unsigned)n;
	return 0;
}

static int take_dot(struct filter_args *a, const char *which)
{
	static const char *const drawings[] = {"dot:optimised", "dot:graph", "dot:tree"};

	for (size_t i = 0; i < sizeof(drawings) / sizeof(*drawings); i++)
		if (!which || !strcmp(which, drawings[i] + 4)) {
			a->format = drawings[i];
			return 0;
		}
	return usage_error("--dot takes tree, graph or optimised, not '%s'", which);
}

static int take_hook(struct filter_args *a, const char *which)
{
	static const char *const hooks[] = {"bpf:plain", "bpf:xdp", "bpf:tc", "bpf:cgroup_skb",
					    "bpf:socket"};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++)
		if (!which || !strcmp(which, hooks[i] + 4)) {
			a->format = hooks[i];
			return 0;
		}
	return usage_error("--ebpf takes plain, xdp, tc, cgroup_skb or socket, not '%s'", which);
}

static int parse(struct filter_args *a, int argc, char **argv)
{
	static const char *const listings[] = {"listing", "listing", "c", "numbers"};
	int opt, err = 0;

	while (!err && (opt = options_next(argc, argv, "dOy:s:F:h", long_options, NULL)) >= 0)
		switch (opt) {
		case 'd': a->listings += a->listings < 3; break;
		case 'O': a->how.plain = true; break;
		case 'y': a->how.link = optarg; break;
		case 's': err = take_snaplen(a, optarg); break;
		case 'm': a->how.netmask = optarg; break;
		case 'F': a->file = optarg; break;
		case 'e': err = take_hook(a, optarg); break;
		case 'x': a->format = "explain"; break;
		case 'D': err = take_dot(a, optarg); break;
		case 'h': a->help = true; return 0;
		default: return STATUS_USAGE;
		}
	if (!a->format)
		a->format = listings[a->listings];
	if (!err && a->file && optind < argc)
		return usage_error(
			"an expression is in a file (-F) or behind the options, not both");
	return err;
}

int cmd_filter(int argc, char **argv)
{
	struct waggle_opts opts = {
		.sz = sizeof(opts), .diag = report_diag, .out = report_out, .name = "filter"};
	struct filter_args a = {.how = {.sz = sizeof(a.how)}};
	struct source source = {0};
	int status = parse(&a, argc, argv);
	char *text;

	if (status)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return STATUS_OK;
	}
	if (a.file) {
		if (source_read(&source, a.file))
			return STATUS_ERROR;
		opts.name = source.name;
		status =
			status_of(waggle_filter(source.text, source.size, &a.how, a.format, &opts));
		source_free(&source);
		return status;
	}
	text = words_join(argv + optind);
	if (!text)
		return STATUS_ERROR;
	status = status_of(waggle_filter(text, strlen(text), &a.how, a.format, &opts));
	free(text);
	return status;
}
