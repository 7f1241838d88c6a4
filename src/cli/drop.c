/*
 * drop.c: `waggle drop`: a firewall from filter expressions, with what it counts.
 *
 * In:  a place where packets pass, an expression or rules (-F). Out: it is in force until Ctrl-C,
 * for some time (--duration), or under a name (--pin); the counts of each rule.
 */
#include "cli/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_DEFAULT = 256,
	OPT_DURATION,
	OPT_PIN,
	OPT_FORCE,
	OPT_DRY,
	OPT_INTERVAL,
	OPT_JSON,
	OPT_WITHOUT
};

static const struct option long_options[] = {
	{"default", required_argument, NULL, OPT_DEFAULT},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"pin", required_argument, NULL, OPT_PIN},
	{"force", no_argument, NULL, OPT_FORCE},
	{"dry-run", no_argument, NULL, OPT_DRY},
	{"read", required_argument, NULL, 'r'},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"json", no_argument, NULL, OPT_JSON},
	{"no-feature", required_argument, NULL, OPT_WITHOUT},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char help[] =
	"waggle drop HOOK [OPTIONS] EXPRESSION: drop the packets that a filter takes\n"
	"\n"
	"HOOK is xdp:DEVICE, tc:DEVICE:ingress, tc:DEVICE:egress, cgroup_skb:PATH:ingress or\n"
	"cgroup_skb:PATH:egress. It is in force until Ctrl-C. Rules may be several, between "
	"semicolons:\n"
	"'pass tcp port 22; drop tcp'. The first that takes a packet counts.\n"
	"\n"
	"  -F FILE                 the rules are in a file, one a line\n"
	"      --default pass|drop what happens to packets that no rule takes (pass)\n"
	"      --duration TIME     end after that time: 60 (seconds), 500ms, 2m\n"
	"      --interval TIME     show the counts so often (on a terminal: 1)\n"
	"      --pin NAME          stay in force under that name, in place of what has it; `waggle "
	"detach\n"
	"                          NAME` ends it\n"
	"      --force             also when it cuts the SSH session that it was typed in\n"
	"      --dry-run -r FILE   only tell what it would do to the packets of a capture file\n"
	"  -o FILE                 write the program as a BPF object, and attach nothing\n"
	"      --json              counts as JSON\n"
	"      --no-feature tcx    attach to tc as older kernels do\n";

#define DRY_DEVICE "any" /* nobody looks for it */

struct drop_args {
	struct waggle_drop how;
	const char *file, *without;
	bool dry, json, help, terminal;
	unsigned lines; /* that stand on the terminal */
};

static int take(struct drop_args *a, int opt)
{
	switch (opt) {
	case 'F': a->file = optarg; return 0;
	case 'r': a->how.read = optarg; return 0;
	case 'o': a->how.object = optarg; return 0;
	case 'h': a->help = true; return 0;
	case OPT_DRY: a->dry = true; return 0;
	case OPT_PIN: a->how.pin = optarg; return 0;
	case OPT_FORCE: a->how.force = true; return 0;
	case OPT_WITHOUT: a->without = optarg; return 0;
	case OPT_JSON: a->json = true; return 0;
	case OPT_DURATION: return take_time("--duration", optarg, &a->how.duration_ns);
	case OPT_INTERVAL: return take_time("--interval", optarg, &a->how.every_ns);
	case OPT_DEFAULT:
		a->how.default_drops = !strcmp(optarg, "drop");
		if (a->how.default_drops || !strcmp(optarg, "pass"))
			return 0;
		return usage_error("--default takes pass or drop, not '%s'", optarg);
	default: return STATUS_USAGE;
	}
}

/* A replay may do without a place: what it tells is the same at each that sees whole frames. */
static bool is_place(const char *word)
{
	size_t n = strcspn(word, ":");

	return word[n] && n && strspn(word, "abcdefghijklmnopqrstuvwxyz_") == n;
}

static int parse(struct drop_args *a, int argc, char **argv)
{
	int opt, err = 0;

	while (!err && (opt = options_next(argc, argv, "F:r:o:h", long_options, NULL)) >= 0)
		err = take(a, opt);
	if (err || a->help)
		return err;
	if (optind < argc && (!a->dry || is_place(argv[optind])))
		a->how.hook = argv[optind++];
	else if (a->dry)
		a->how.hook = "xdp:" DRY_DEVICE;
	if (!a->how.hook)
		return usage_error(
			"drop needs a place and a filter: waggle drop xdp:eth0 'udp port 53'");
	if (a->file && optind < argc)
		return usage_error("rules are in a file (-F) or behind the options, not both");
	if (a->dry != (a->how.read != NULL))
		return usage_error("a capture file is for --dry-run: waggle drop --dry-run -r FILE "
				   "EXPRESSION");
	if (a->how.pin && (a->how.duration_ns || a->dry))
		return usage_error("--pin has no end and is not for --dry-run");
	return 0;
}

/* ---- what it counts */

static void tell_json(const struct waggle_drop_count *c, unsigned n)
{
	printf("{\"type\":\"drop\",\"data\":[");
	for (unsigned i = 0; i < n; i++) {
		printf("%s{\"rule\":", i ? "," : "");
		if (c[i].rule) {
			putchar('"');
			for (const char *s = c[i].rule; *s; s++)
				if ((unsigned char)*s < ' ')
					printf("\\u%04x", *s);
				else
					printf("%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
			putchar('"');
		} else {
			printf("null");
		}
		printf(",\"verdict\":\"%s\",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
		       c[i].drops ? "drop" : "pass", c[i].packets, c[i].bytes);
	}
	printf("]}\n");
	fflush(stdout);
}

static void tell(void *user, const struct waggle_drop_count *c, unsigned n, bool last)
{
	struct drop_args *a = user;
	uint64_t packets[2] = {0}, bytes[2] = {0};

	if (a->json) {
		tell_json(c, n);
		return;
	}
	if (a->terminal && a->lines)
		printf("\033[%uA\033[J", a->lines);
	printf("%12s %14s  %-7s %s\n", "PACKETS", "BYTES", "VERDICT", "RULE");
	for (unsigned i = 0; i < n; i++) {
		packets[c[i].drops] += c[i].packets;
		bytes[c[i].drops] += c[i].bytes;
		printf("%12" PRIu64 " %14" PRIu64 "  %-7s %s\n", c[i].packets, c[i].bytes,
		       c[i].drops ? "drop" : "pass", c[i].rule ? c[i].rule : "(no rule)");
	}
	printf("dropped %" PRIu64 " packets, %" PRIu64 " bytes; passed %" PRIu64
	       " packets, %" PRIu64 " bytes\n",
	       packets[1], bytes[1], packets[0], bytes[0]);
	a->lines = last ? 0 : n + 2;
	fflush(stdout);
}

static void attached(void *user)
{
	const struct drop_args *a = user;

	fprintf(stderr, "dropping at %s%s\n", a->how.hook,
		a->how.duration_ns ? "" : "; Ctrl-C ends it");
}

int cmd_drop(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct drop_args a = {.how = {.sz = sizeof(a.how), .counts = tell, .attached = attached}};
	struct source source = {0};
	int err = parse(&a, argc, argv);
	char *words;

	if (err)
		return err;
	if (a.help) {
		fputs(help, stdout);
		return 0;
	}
	if (a.file && source_read(&source, a.file))
		return STATUS_ERROR;
	a.how.user = &a;
	a.terminal = isatty(STDOUT_FILENO);
	if (a.terminal && !a.how.every_ns)
		a.how.every_ns = 1000000000;
	a.how.stop_fd = stop_on_signals();
	if (a.how.stop_fd < 0)
		return STATUS_ERROR;
	words = a.file ? NULL : words_join(argv + optind);
	a.how.rules = a.file ? source.text : words;
	opts.name = a.file;
	opts.no_features = a.without;
	err = waggle_drop(&a.how, &opts);
	source_free(&source);
	free(words);
	return status_of(err);
}
