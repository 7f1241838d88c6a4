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

enum { OPT_STATS = 256, OPT_ENGINE, OPT_TARGET, OPT_VERSION };

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"stats", no_argument, NULL, OPT_STATS},
	{"engine", required_argument, NULL, OPT_ENGINE},
	{"target", required_argument, NULL, OPT_TARGET},
	{"pid", required_argument, NULL, 'p'},
	COMMON_OPTIONS,
	{0},
};

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
	if (!strcmp(name, "auto") || !strcmp(name, "kernel"))
		t->opts.engine = *name == 'k' ? WAGGLE_KERNEL : WAGGLE_AUTO;
	else
		return usage_error("there is no engine '%s': kernel or auto", name);
	return 0;
}

static int buffering_of(struct trace *t, const char *mode)
{
	if (!strcmp(mode, "line") || !strcmp(mode, "none") || !strcmp(mode, "full"))
		t->opts.line_buffered = *mode == 'n' ? 2 : *mode == 'l';
	else
		return usage_error("there is no buffer mode '%s': none, line or full", mode);
	return 0;
}

/* One option; 0 or an exit status. */
static int take_option(struct trace *t, int opt)
{
	switch (opt) {
	case 'e': t->script = optarg; return 0;
	case 'p': return number(optarg, &t->opts.pid);
	case 'f': t->opts.format = optarg; return 0;
	case 'o': t->output = optarg; return 0;
	case 'd': t->opts.dump = optarg; return 0;
	case 'B': return buffering_of(t, optarg);
	case 'q': t->opts.quiet = true; return 0;
	case 'l': t->list = true; return 0;
	case 'v': t->verbose = true; return 0;
	case OPT_STATS: t->stats = true; return 0;
	case OPT_ENGINE: return engine_of(t, optarg);
	case OPT_TARGET: t->opts.target = optarg; return 0;
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

/* Options, then the script; what is behind it are its parameters. */
static int parse_options(struct trace *t, int argc, char **argv)
{
	bool named = false;
	int opt, status = 0;

	while (!status) {
		opt = getopt_long(argc, argv, "+e:c:p:f:o:d:B:lqvh", long_options, NULL);
		if (opt == 'h') {
			cmd_help(0, NULL);
			exit(STATUS_OK);
		}
		if (opt == OPT_VERSION) {
			puts("waggle " WAGGLE_VERSION);
			exit(STATUS_OK);
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
	return status;
}

static int get_object(struct trace *t, struct waggle_object **object)
{
	int err;

	if (t->script) {
		t->opts.name = "-e";
		return waggle_compile(object, WAGGLE_SCRIPT, t->script, strlen(t->script), &t->opts);
	}
	err = source_read(&t->source, t->opts.name);
	if (err)
		return err;
	t->opts.name = t->source.name;
	/* its programs have no check of the process: they would show those of everybody */
	if (t->source.is_object && t->opts.pid)
		return usage_error("-p cannot narrow an object, whose programs are built already: "
				   "use it with the script, or build with /pid == N/");
	if (t->source.is_object)
		return waggle_object_open(object, t->source.text, t->source.size, &t->opts);
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

static int watch(struct trace *t, struct waggle_object *object)
{
	struct waggle_stats stats = {.sz = sizeof(stats)};
	struct waggle_session *s;
	int err;

	t->opts.leaving = true;
	signal(SIGCHLD, SIG_DFL); /* ignored by who started us, the command's status would be lost */
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

static int open_output(struct trace *t)
{
	t->opts.out_fd = STDOUT_FILENO;
	if (!t->output)
		return 0;
	t->opts.out_fd = open(t->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (t->opts.out_fd >= 0)
		return 0;
	fprintf(stderr, "waggle: error: %s cannot be written: %s\n", t->output, strerror(errno));
	return STATUS_ERROR;
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
	if (!status)
		status = open_output(&t);
	if (t.opts.line_buffered < 0)
		t.opts.line_buffered = isatty(t.opts.out_fd);
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
