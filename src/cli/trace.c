/*
 * trace.c: `waggle -e SCRIPT`, `waggle FILE`: compile or open, attach, watch.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_STATS = 256, OPT_ENGINE, OPT_TARGET, OPT_VERSION, OPT_BTF, OPT_FLAME, OPT_JSON };

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"stats", no_argument, NULL, OPT_STATS},
	{"engine", required_argument, NULL, OPT_ENGINE},
	{"target", required_argument, NULL, OPT_TARGET},
	{"btf", required_argument, NULL, OPT_BTF},
	{"pid", required_argument, NULL, 'p'},
	{"flame", required_argument, NULL, OPT_FLAME},
	{"json", no_argument, NULL, OPT_JSON},
	COMMON_OPTIONS,
	{0},
};

static const char short_options[] = "+e:c:p:f:o:d:B:lqvh";

struct trace {
	struct waggle_opts opts;
	struct source source;
	const char *script; /* of -e */
	const char *output;
	char **command;
	bool stats, verbose, list;
};

static struct waggle_session *volatile running; /* for the signal handler; NULL: none */

static void on_signal(int sig)
{
	(void)sig;
	if (running)
		waggle_session_interrupt(running);
}

static void catch_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
}

static int number(const char *text, int *out)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n <= 0 || n > 4194304)
		return usage_error("'%s' is no process id", text);
	*out = (int)n;
	return 0;
}

static int engine_of(struct trace *t, const char *name)
{
	static const char *const names[] = {
		[WAGGLE_AUTO] = "auto",
		[WAGGLE_KERNEL] = "kernel",
		[WAGGLE_USER] = "user",
		[WAGGLE_INPROCESS] = "inprocess",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i])) {
			t->opts.engine = (enum waggle_engine)i;
			return 0;
		}
	return usage_error("there is no engine '%s': kernel, user, inprocess or auto", name);
}

static int buffering_of(struct trace *t, const char *mode)
{
	if (!strcmp(mode, "line") || !strcmp(mode, "none") || !strcmp(mode, "full"))
		t->opts.line_buffered = *mode == 'n' ? 2 : *mode == 'l';
	else
		return usage_error("there is no buffer mode '%s': none, line or full", mode);
	return 0;
}

static int format_of(struct trace *t, const char *name)
{
	static const char *const names[] = {"text", "json", "folded", "flame"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i])) {
			t->opts.format = name;
			return 0;
		}
	return usage_error("there is no format '%s': text, json, folded or flame", name);
}

struct stage {
	const char *name;
	bool found;
};

static void stage_look(void *user, const char *name, const char *text)
{
	struct stage *s = user;

	(void)text;
	s->found |= !strcmp(s->name, name);
}

static int stage_of(struct trace *t, const char *name)
{
	struct stage s = {.name = name};

	t->opts.dump = name;
	waggle_language("stages", stage_look, &s);
	if (!s.found)
		return usage_error("there is no stage '%s' to print: ast, types, ir, ir:PASS, "
				   "insns, object, verifier",
				   name);
	return 0;
}

/* One option; 0 or an exit status. */
static int take_option(struct trace *t, int opt)
{
	switch (opt) {
	case 'e': t->script = optarg; return 0;
	case 'p': return number(optarg, &t->opts.pid);
	case 'f': return format_of(t, optarg);
	case 'o': t->output = optarg; return 0;
	case 'd': return stage_of(t, optarg);
	case 'B': return buffering_of(t, optarg);
	case 'q': t->opts.quiet = true; return 0;
	case 'l': t->list = true; return 0;
	case 'v': t->verbose = true; return 0;
	case OPT_STATS: t->stats = true; return 0;
	case OPT_ENGINE: return engine_of(t, optarg);
	case OPT_TARGET: t->opts.target = optarg; return 0;
	case OPT_BTF: t->opts.btf = optarg; return 0;
	case OPT_JSON: t->opts.format = "json"; return 0;
	case OPT_FLAME:
		t->opts.format = "flame";
		t->output = optarg;
		return 0;
	case 'c':
		t->command = split_words(optarg);
		if (!t->command || !*t->command)
			return usage_error("-c takes a command: '%s' %s", optarg,
					   t->command ? "is empty" : "leaves a quote open");
		t->opts.command = t->command;
		return 0;
	default:
		if (opt >= OPT_UNSAFE)
			return options_take(&t->opts, opt, optarg);
		return STATUS_USAGE; /* getopt has said what is wrong */
	}
}

/* `waggle FILE ARG -c CMD`: -c is the script's second parameter, which few mean. */
static void note_parameters(const struct trace *t)
{
	for (int i = 0; i < t->opts.argc; i++) {
		const char *arg = t->opts.argv[i];

		if (arg[0] != '-' || (arg[1] != '-' && (!arg[1] || arg[2])) ||
		    (arg[1] != '-' && !strchr(short_options, arg[1])))
			continue;
		fprintf(stderr,
			"waggle: note: '%s' is handed to the script as $%d\n"
			"        options stand before the script's arguments; -- before "
			"these says that it is meant\n",
			arg, i + 1);
		return;
	}
}

/* Options, then the script; what is behind it are its parameters. */
static int parse_options(struct trace *t, int argc, char **argv)
{
	bool named = false;
	int opt, status = 0;

	while (!status) {
		opt = getopt_long(argc, argv, short_options, long_options, NULL);
		if (opt == 'h')
			exit(output_check(cmd_help(0, NULL)));
		if (opt == OPT_VERSION) {
			puts("waggle " WAGGLE_VERSION);
			exit(output_check(STATUS_OK));
		}
		if (opt >= 0) {
			status = take_option(t, opt);
			continue;
		}
		/* options may also stand behind the file: waggle FILE -c CMD */
		if (t->script || named || optind >= argc || !strcmp(argv[optind - 1], "--"))
			break;
		t->opts.name = argv[optind++];
		named = true;
	}
	if (!status && !t->script && !named && !t->list)
		status = usage_error("no script: give a file, or -e and the script");
	t->opts.argc = argc - optind;
	t->opts.argv = argv + optind;
	if (!status && !t->opts.quiet && t->opts.argc && strcmp(t->opts.argv[-1], "--"))
		note_parameters(t);
	if (!status && !t->opts.quiet && t->opts.pid && t->opts.command)
		fprintf(stderr,
			"waggle: warning: with -p %d, the events of the command of -c are "
			"not seen\n",
			t->opts.pid);
	return status;
}

/* What has no meaning for an object, whose programs are built already. */
static int object_options(const struct trace *t)
{
	const char *dump = t->opts.dump;

	/* its programs have no check of the process: they would show those of everybody */
	if (t->opts.pid)
		return usage_error("-p cannot narrow an object, whose programs are built already: "
				   "use it with the script, or build with /pid == N/");
	if (t->opts.target)
		return usage_error("--target has no meaning for an object, which is compiled "
				   "already: waggle build --target FILE");
	if (dump && strcmp(dump, "insns") && strcmp(dump, "object") && strcmp(dump, "verifier"))
		return usage_error("an object has no stage '%s' to print: insns, object, verifier",
				   dump);
	return 0;
}

static int get_object(struct trace *t, struct waggle_object **object)
{
	int err;

	if (t->script) {
		t->opts.name = "-e";
		return waggle_compile(object, WAGGLE_SCRIPT, t->script, strlen(t->script),
				      &t->opts);
	}
	err = source_read(&t->source, t->opts.name);
	if (err)
		return err;
	t->opts.name = t->source.name;
	if (t->source.is_object) {
		err = object_options(t);
		return err ? err
			   : waggle_object_open(object, t->source.text, t->source.size, &t->opts);
	}
	return waggle_compile(object, WAGGLE_SCRIPT, t->source.text, t->source.size, &t->opts);
}

static void print_stats(const struct waggle_stats *s)
{
	fprintf(stderr,
		"loaded            %9.3f ms\n"
		"attached          %9.3f ms\n"
		"programs          %9u   %llu instructions\n"
		"maps              %9u   %llu bytes\n"
		"records shown     %9llu   %llu lost\n",
		(double)s->ns_load / 1e6, (double)s->ns_attach / 1e6, s->programs,
		(unsigned long long)s->instructions, s->maps, (unsigned long long)s->map_bytes,
		(unsigned long long)s->shown, (unsigned long long)s->lost);
	if (s->recursion < 0)
		fputs("runs skipped          unknown\n", stderr);
	else
		fprintf(stderr, "runs skipped      %9lld   (recursion)\n", (long long)s->recursion);
}

static int open_output(struct trace *t)
{
	t->opts.out_fd = STDOUT_FILENO;
	if (!t->output || t->opts.dump)
		return 0;
	t->opts.out_fd = output_open(t->output);
	return t->opts.out_fd < 0 ? STATUS_ERROR : 0;
}

static int watch(struct trace *t, struct waggle_object *object)
{
	struct waggle_stats stats = {.sz = sizeof(stats)};
	struct waggle_session *s;
	int err;

	err = open_output(t); /* not before: an error in the script leaves FILE as it is */
	if (err)
		return err;
	if (t->opts.line_buffered < 0)
		t->opts.line_buffered = isatty(t->opts.out_fd);
	t->opts.leaving = true;
	signal(SIGCHLD,
	       SIG_DFL); /* ignored by who started us, the command's status would be lost */
	err = waggle_session_start(&s, object, &t->opts);
	if (err == -ENOENT && t->command)
		return STATUS_NOT_FOUND;
	if (err == -ENOEXEC && t->command)
		return STATUS_NOT_EXECUTABLE;
	if (err)
		return err;
	if (t->opts.dump) { /* the verifier's log has been printed */
		waggle_session_stop(s);
		return 0;
	}
	running = s;
	catch_signals();
	if (!t->opts.quiet && (!t->opts.format || !strcmp(t->opts.format, "text"))) {
		waggle_session_stats(s, &stats);
		fprintf(stderr, "Attached %u probe%s\n", stats.probes,
			stats.probes == 1 ? "" : "s");
	}
	err = waggle_session_run(s);
	waggle_session_stats(s, &stats);
	running = NULL; /* a late Ctrl-C must not find what is being freed */
	waggle_session_stop(s);
	if (t->stats)
		print_stats(&stats);
	return err;
}

/* -l: of a script, or of the machine. */
static int list(struct trace *t)
{
	struct waggle_object *object = NULL;
	int err;

	if (!t->script && (!t->opts.name || access(t->opts.name, F_OK)))
		return list_probes(t->opts.name, t->verbose, &t->opts);
	err = get_object(t, &object);
	if (!err)
		err = list_object(object, t->verbose, &t->opts);
	waggle_object_free(object);
	return err;
}

int cmd_trace(int argc, char **argv)
{
	struct trace t = {.opts = {.sz = sizeof(t.opts), .diag = report_diag, .out = report_out}};
	struct waggle_object *object = NULL;
	int status;

	t.opts.line_buffered = -1;
	status = options_environment(&t.opts);
	if (!status)
		status = parse_options(&t, argc, argv);
	if (!status && t.list) {
		status = status_of(list(&t));
		source_free(&t.source);
		free(t.command);
		return status;
	}
	if (!status) {
		t.opts.verbose = t.verbose;
		status = get_object(&t, &object);
		if (!status && (!t.opts.dump || !strcmp(t.opts.dump, "verifier")))
			status = watch(&t, object);
		status = status_of(status);
	}
	waggle_object_free(object);
	source_free(&t.source);
	free(t.command);
	return status;
}
