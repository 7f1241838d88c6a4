/*
 * run.c: `waggle run OBJECT`: a program on an input, on either engine, and what comes of it; with
 * --classic a filter in classic BPF, in any of its forms, on a packet; with -r a program on all
 * packets of a capture file (run_replay.c).
 */
#include "cli/run.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_PROG = 256,
	OPT_INPUT,
	OPT_CONTEXT,
	OPT_REPEAT,
	OPT_ENGINE,
	OPT_JSON,
	OPT_BTF,
	OPT_CLASSIC,
	OPT_KEEP
};

static const struct option long_options[] = {
	{"prog", required_argument, NULL, OPT_PROG},
	{"input", required_argument, NULL, OPT_INPUT},
	{"context", required_argument, NULL, OPT_CONTEXT},
	{"repeat", required_argument, NULL, OPT_REPEAT},
	{"engine", required_argument, NULL, OPT_ENGINE},
	{"btf", required_argument, NULL, OPT_BTF},
	{"classic", no_argument, NULL, OPT_CLASSIC},
	{"json", no_argument, NULL, OPT_JSON},
	{"read", required_argument, NULL, 'r'},
	{"write", required_argument, NULL, 'w'},
	{"keep", required_argument, NULL, OPT_KEEP},
	{0},
};

static int take_option(struct run *r, int opt)
{
	char *end;
	unsigned long n;

	switch (opt) {
	case OPT_PROG: r->opts.program = optarg; return 0;
	case OPT_INPUT: r->input = optarg; return 0;
	case OPT_CONTEXT: r->context = optarg; return 0;
	case OPT_BTF: r->opts.btf = optarg; return 0;
	case OPT_JSON: r->json = 1; return 0;
	case OPT_CLASSIC: r->classic = 1; return 0;
	case 'r': r->replay.read = optarg; return 0;
	case 'w': r->replay.write = optarg; return 0;
	case OPT_KEEP: return replay_keep(&r->replay, optarg);
	case 'c':
		r->replay.most = strtoull(optarg, &end, 10);
		if (*optarg < '0' || *optarg > '9' || *end || !r->replay.most)
			return usage_error("-c takes a number of packets, not '%s'", optarg);
		return 0;
	case OPT_REPEAT:
		n = strtoul(optarg, &end, 0);
		if (end == optarg || *end || !n || n > 1u << 30)
			return usage_error("--repeat takes a number, not '%s'", optarg);
		r->call.repeat = (unsigned)n;
		return 0;
	case OPT_ENGINE:
		if (!strcmp(optarg, "user"))
			r->opts.engine = WAGGLE_USER;
		else if (!strcmp(optarg, "kernel"))
			r->opts.engine = WAGGLE_KERNEL;
		else if (strcmp(optarg, "auto") != 0)
			return usage_error("there is no engine '%s': user, kernel or auto", optarg);
		return 0;
	default: return STATUS_USAGE;
	}
}

/* ---- input: a file, or hex digits with blanks */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int from_hex(struct source *to, const char *text)
{
	size_t n = 0;

	to->text = malloc(strlen(text) / 2 + 1);
	if (!to->text)
		return -ENOMEM;
	text += !strncmp(text, "0x", 2) ? 2 : 0;
	for (; *text; text++) {
		if (*text == ' ' || *text == ':' || *text == '\n')
			continue;
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return usage_error("'%s' is no file, and not an even number of hex digits",
					   text);
		to->text[n++] = (char)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text++;
	}
	to->size = n;
	return 0;
}

static int read_input(struct source *to, const char *arg)
{
	if (!arg)
		return 0;
	return strcmp(arg, "-") && access(arg, F_OK) ? from_hex(to, arg) : source_read(to, arg);
}

/* ---- output */

static void print_hex(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
}

static void print_line(const unsigned char *p, size_t at, size_t n)
{
	printf("  %04zx ", at);
	for (size_t i = 0; i < 16; i++)
		printf(i < n ? " %02x" : "   ", i < n ? p[at + i] : 0);
	fputs("  ", stdout);
	for (size_t i = 0; i < n; i++)
		putchar(p[at + i] >= ' ' && p[at + i] < 127 ? p[at + i] : '.');
	putchar('\n');
}

/* Lines of 16 bytes, those that are not what they were. */
static void print_changes(const char *what, const unsigned char *in, size_t in_size,
			  const unsigned char *out, size_t size)
{
	if (in_size == size && !memcmp(in, out, size)) {
		printf("%-8s %zu bytes, unchanged\n", what, size);
		return;
	}
	printf("%-8s %zu bytes, %s:\n", what, size,
	       in_size == size ? "changed lines" : "of another size than before");
	for (size_t at = 0; at < size; at += 16) {
		size_t n = size - at < 16 ? size - at : 16;

		if (in_size != size || memcmp(in + at, out + at, n) != 0)
			print_line(out, at, n);
	}
}

void run_print_maps(struct waggle_session *s, int json)
{
	struct waggle_map_info info = {.sz = sizeof(info)};
	struct waggle_map *map;
	int n = 0;

	for (unsigned i = 0; (map = waggle_session_map_at(s, i)); i++) {
		waggle_map_info(map, &info);
		if (json) {
			printf("%s\"%s\":", n++ ? "," : "", info.name);
			if (waggle_map_print(map, true, report_out, NULL))
				fputs("null", stdout);
			continue;
		}
		printf("map %s\n", info.name);
		if (waggle_map_print(map, false, report_out, NULL))
			puts("  (cannot be listed)");
	}
}

static void print_time(const struct waggle_call *c)
{
	printf("%-8s %llu ns a run, %u run%s\n", "time", (unsigned long long)c->ns,
	       c->repeat ? c->repeat : 1, c->repeat > 1 ? "s" : "");
}

static void print_text(struct run *r, struct waggle_session *s, const struct source *context)
{
	const struct waggle_call *c = &r->call;

	printf("%-8s %s, %s, engine %s\n", "program", c->name, c->kind, c->engine);
	if (c->fault)
		printf("%-8s %s\n", "stopped", c->fault);
	else if (c->verdict)
		printf("%-8s %lld %s\n", "result", (long long)(int)c->result, c->verdict);
	else
		printf("%-8s %llu (0x%llx)\n", "result", (unsigned long long)c->result,
		       (unsigned long long)c->result);
	print_time(c);
	if (c->out)
		print_changes("packet", c->in, c->in_size, c->out, c->out_size);
	if (c->ctx_out && context->text)
		print_changes("context", (const void *)context->text, context->size, c->ctx_out,
			      c->ctx_out_size);
	run_print_maps(s, 0);
}

static void print_json(struct run *r, struct waggle_session *s)
{
	const struct waggle_call *c = &r->call;

	printf("{\"program\":\"%s\",\"kind\":\"%s\",\"engine\":\"%s\"", c->name, c->kind,
	       c->engine);
	if (c->fault)
		fputs(",\"stopped\":true", stdout); /* why goes to stderr */
	else
		printf(",\"result\":%llu", (unsigned long long)c->result);
	if (c->verdict)
		printf(",\"verdict\":\"%s\"", c->verdict);
	printf(",\"runs\":%u,\"ns\":%llu", c->repeat ? c->repeat : 1, (unsigned long long)c->ns);
	if (c->out) {
		printf(",\"packet\":{\"changed\":%s,\"data\":\"",
		       c->in_size != c->out_size || memcmp(c->in, c->out, c->out_size) ? "true"
										       : "false");
		print_hex(c->out, c->out_size);
		fputs("\"}", stdout);
	}
	if (c->ctx_out) {
		fputs(",\"context\":\"", stdout);
		print_hex(c->ctx_out, c->ctx_out_size);
		putchar('"');
	}
	fputs(",\"maps\":{", stdout);
	run_print_maps(s, 1);
	puts("}}");
}

/* ---- classic filters */

static void print_filter(const struct run *r)
{
	const struct waggle_call *c = &r->call;
	unsigned long long n = c->result;

	if (r->json) {
		printf("{\"program\":\"%s\",\"kind\":\"%s\",\"engine\":\"%s\",\"result\":%llu,"
		       "\"runs\":%u,\"ns\":%llu}\n",
		       c->name, c->kind, c->engine, n, c->repeat ? c->repeat : 1,
		       (unsigned long long)c->ns);
		return;
	}
	printf("%-8s %s, %s, engine %s\n", "program", c->name, c->kind, c->engine);
	printf(n ? "%-8s %llu: the packet is taken, up to so many bytes\n"
		 : "%-8s %llu: the packet is not taken\n",
	       "result", n);
	print_time(c);
}

/* Bytes are seen from what is in no text. */
static int run_classic(struct run *r, const struct source *filter)
{
	struct source input = {0};
	int err;

	if (r->context || r->opts.program || r->opts.btf)
		return usage_error("--context, --prog and --btf are not for classic filters");
	err = read_input(&input, r->input);
	r->call.data = input.text;
	r->call.data_size = input.size;
	if (!err)
		err = waggle_classic_call(filter->text, filter->size,
					  memchr(filter->text, 0, filter->size) != NULL, &r->call,
					  &r->opts);
	if (!err)
		print_filter(r);
	source_free(&input);
	return err;
}

/* ---- the command */

static int run_object(struct run *r, const struct source *object)
{
	struct source input = {0}, context = {0};
	struct waggle_object *o = NULL;
	struct waggle_session *s = NULL;
	int err = read_input(&input, r->input);

	if (!err)
		err = read_input(&context, r->context);
	r->call.data = input.text;
	r->call.data_size = input.size;
	r->call.ctx = context.text;
	r->call.ctx_size = context.size;
	if (!err)
		err = waggle_object_open(&o, object->text, object->size, &r->opts);
	if (!err)
		err = waggle_session_load(&s, o, &r->opts);
	if (!err && r->replay.read)
		err = run_replay(r, s);
	else if (!err)
		err = waggle_session_call(s, &r->call);
	if (r->replay.read)
		;
	else if (!err && r->json)
		print_json(r, s);
	else if (!err)
		print_text(r, s, &context);
	if (!err && r->call.fault) {
		fprintf(stderr, "waggle: error: program '%s' was stopped: %s\n", r->call.name,
			r->call.fault);
		err = STATUS_ERROR;
	}
	waggle_session_stop(s);
	waggle_object_free(o);
	source_free(&input);
	source_free(&context);
	return err;
}

int cmd_run(int argc, char **argv)
{
	struct run r = {.opts = {.sz = sizeof(r.opts), .diag = report_diag},
			.call = {.sz = sizeof(r.call)},
			.replay = {.sz = sizeof(r.replay)}};
	struct source object = {0};
	int opt, status = 0;

	while (!status && (opt = options_next(argc, argv, "r:w:c:", long_options, NULL)) >= 0)
		status = take_option(&r, opt);
	if (!status)
		status = replay_check(&r);
	if (status)
		return status;
	if (optind != argc - 1)
		return usage_error("run takes one object, or with --classic one filter");
	status = source_read(&object, argv[optind]);
	r.opts.name = object.name;
	if (!status && r.classic)
		status = run_classic(&r, &object);
	else if (!status && !object.is_object)
		status = usage_error("%s is no object: `waggle build` makes one of a script, clang "
				     "-target bpf of C",
				     argv[optind]);
	else if (!status)
		status = run_object(&r, &object);
	source_free(&object);
	return status_of(status);
}
