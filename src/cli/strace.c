/*
 * strace.c: `waggle strace [OPTIONS] [CMD ARGS]`, with the letters of strace(1).
 *
 * In:  the command line. Out: what waggle_strace() is to trace and how to show it.
 */
#include "cli/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct trace trace;
	struct waggle_strace what;
	const char *output;
};

static struct waggle_session *volatile running;

static void on_signal(int sig)
{
	static volatile sig_atomic_t times;

	times = times + 1;
	if (times > 2)
		_exit(128 + sig);
	if (running)
		waggle_session_interrupt(running);
}

static void started(void *user, struct waggle_session *s)
{
	struct sigaction act = {.sa_handler = on_signal};

	(void)user;
	running = s;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int take_number(const char *option, const char *text, long most, long *n)
{
	char *end;

	*n = strtol(text, &end, 0);
	if (end == text || *end || *n < 0 || *n > most)
		return usage_error("%s takes a number up to %ld, not '%s'", option, most, text);
	return 0;
}

/* "failed", "successful" */
static int take_status(struct options *o, const char *words)
{
	if (!strcmp(words, "failed"))
		o->what.status = WAGGLE_STRACE_FAILED;
	else if (!strcmp(words, "successful"))
		o->what.status = WAGGLE_STRACE_SUCCESSFUL;
	else if (strcmp(words, "all") != 0)
		return usage_error("there is no status '%s': failed, successful or all", words);
	return 0;
}

/* -e trace=..., -e status=..., or the calls themselves */
static int take_expression(struct options *o, const char *text)
{
	const char *is = strchr(text, '=');
	size_t n = is ? (size_t)(is - text) : 0;

	if (!is || (n == 5 && !strncmp(text, "trace", n)) || (n == 1 && *text == 't'))
		o->what.trace = is ? is + 1 : text;
	else if (n == 6 && !strncmp(text, "status", n))
		return take_status(o, is + 1);
	else
		return usage_error("-e takes trace=CALLS or status=failed|successful, not '%s'",
				   text);
	return 0;
}

/* "exit!=0", "exit<0", "exit=-2" */
static int take_filter(struct options *o, const char *text)
{
	const char *p = text + 4;
	char *end;

	if (strncmp(text, "exit", 4) != 0 || !*p || !strchr("=!<>", *p))
		return usage_error(
			"--filter takes a comparison of the result: exit!=0, exit<0, exit=3");
	o->what.exit_is = *p++;
	p += *p == '=';
	o->what.exit_value = strtoll(p, &end, 0);
	return end == p || *end ? usage_error("--filter compares with a number, not '%s'", p) : 0;
}

enum { LONG = 256, ALL, FILTER, JSON, SCRIPT, COMMON };

struct row {
	int letter; /* or a number from LONG on */
	const char *name, *takes, *does;
};
static const struct row rows[] = {
	{'e', NULL, "EXPR",
	 "trace=openat,read,%file,%desc,%network,%process,%memory,%signal,/REGEX (! in front: all "
	 "others); "
	 "status=failed or successful"},
	{'z', "successful-only", NULL, "only calls that succeed"},
	{'Z', "failed-only", NULL, "only calls that fail"},
	{FILTER, "filter", "exit!=N", "only calls whose result compares so: =, !=, <, >"},
	{'p', "pid", "PID", "a process that is there, and its children"},
	{ALL, "all", NULL, "the whole machine"},
	{'f', "follow-forks", NULL, "children, too: always so"},
	{'c', "summary-only", NULL, "count calls, errors and time, instead of lines"},
	{'C', "summary", NULL, "the same behind the lines"},
	{'s', "string-limit", "N", "bytes of a string that are shown (32)"},
	{'t', "absolute-timestamps", NULL, "time of day; -tt with microseconds, -ttt since 1970"},
	{'r', "relative-timestamps", NULL, "time since the line before"},
	{'T', "syscall-times", NULL, "how long each call took"},
	{'y', "decode-fds", NULL, "paths of descriptors"},
	{'Y', "decode-pids", NULL, "names of threads"},
	{'o', "output", "FILE", "write to FILE, with the pid in front of each line"},
	{'q', "quiet", NULL, "-qq: no line where a process ends"},
	{'w', "summary-wall-clock", NULL, "the time of -c is always that from beginning to end"},
	{JSON, "json", NULL, "a line of JSON for each call"},
	{SCRIPT, "print-script", NULL, "print the script that traces, and end"},
	{'h', "help", NULL, "this"},
};
/* options of tracing: rows of options.def */
static const char *const common[] = {"comm",     "uid",    "cgroup",       "container",
				     "duration", "engine", "perf-rb-pages"};
enum { NROWS = sizeof(rows) / sizeof(*rows), NCOMMON = sizeof(common) / sizeof(*common) };

void strace_print(void)
{
	char left[64];

	putchar('\n');
	for (int i = 0; i < NROWS; i++) {
		const struct row *r = &rows[i];

		if (r->letter < LONG)
			snprintf(left, sizeof(left), "-%c %s", r->letter, r->takes ? r->takes : "");
		else
			snprintf(left, sizeof(left), "--%s %s", r->name, r->takes ? r->takes : "");
		print_wrapped(printf("  %-15s", left), r->does);
	}
	puts("  as the tools: --comm, --uid, --cgroup, --container, --duration, --engine, "
	     "--perf-rb-pages");
}

static int take_flag(struct options *o, int letter)
{
	struct waggle_strace *w = &o->what;

	switch (letter) {
	case 'z': w->status = WAGGLE_STRACE_SUCCESSFUL; return 0;
	case 'Z': w->status = WAGGLE_STRACE_FAILED; return 0;
	case 'c': w->summary = 1; return 0;
	case 'C': w->summary = 2; return 0;
	case 't': w->times += w->times < 3; return 0;
	case 'r': w->relative = true; return 0;
	case 'T': w->durations = true; return 0;
	case 'y': w->paths = true; return 0;
	case 'Y': w->names = true; return 0;
	case ALL: w->all = true; return 0;
	case JSON: w->json = true; return 0;
	case SCRIPT: w->print_script = true; return 0;
	case 'q': w->quiet += w->quiet < 2; return 0;
	case 'w':
	case 'f': return 0;
	default: return STATUS_USAGE;
	}
}

static int take_common(struct options *o, int i)
{
	return option_take(&o->trace, option_named(common[i]), optarg);
}

static int take(struct options *o, int letter)
{
	long n;
	int status;

	if (letter >= COMMON)
		return take_common(o, letter - COMMON);
	switch (letter) {
	case 'e': return take_expression(o, optarg);
	case FILTER: return take_filter(o, optarg);
	case 'o': o->output = optarg; return 0;
	case 's':
		status = take_number("-s", optarg, 4000, &n);
		o->what.strsize = (unsigned)n;
		return status;
	case 'p':
		status = take_number("-p", optarg, 4194304, &n);
		o->what.pid = (int)n;
		if (!status && kill((pid_t)n, 0) && errno == ESRCH)
			return usage_error("there is no process %ld", n);
		return status;
	case 'h':
		puts("waggle strace [OPTIONS] [CMD ARGS]: system calls, decoded");
		strace_print();
		exit(output_check(STATUS_OK));
	default: return take_flag(o, letter);
	}
}

static int parse(struct options *o, int argc, char **argv)
{
	struct option names[NROWS + NCOMMON + 1] = {0};
	char letters[2 * NROWS + 2] = "+", *at = letters + 1;
	int opt, status = 0;

	for (int i = 0; i < NROWS; i++) {
		if (rows[i].letter < LONG)
			at = stpcpy(at, (char[]){(char)rows[i].letter, rows[i].takes ? ':' : 0, 0});
		names[i] = (struct option){rows[i].name ? rows[i].name : "expression",
					   rows[i].takes != NULL, NULL, rows[i].letter};
	}
	for (int i = 0; i < NCOMMON; i++)
		names[NROWS + i] = (struct option){common[i], required_argument, NULL, COMMON + i};
	while (!status && (opt = options_next(argc, argv, letters, names, NULL)) >= 0)
		status = take(o, opt);
	if (!status && optind < argc)
		o->trace.opts.command = argv + optind;
	return status;
}

/* One of a command, a process, the machine. */
static int check(const struct options *o)
{
	const struct waggle_opts *t = &o->trace.opts;
	int n = (t->command != NULL) + (o->what.pid != 0) +
		(o->what.all || (t->cgroup && !t->command && !o->what.pid));

	if (n == 1)
		return 0;
	return usage_error(
		n ? "strace traces one of a command, a process (-p) and the machine (--all)"
		  : "strace takes a command, -p PID, --container NAME or --all");
}

int cmd_strace(int argc, char **argv)
{
	struct options o = {.what = {.sz = sizeof(o.what),
				     .strsize = 32,
				     .out_fd = STDERR_FILENO,
				     .started = started}};
	int status = trace_open(&o.trace);

	if (!status)
		status = parse(&o, argc, argv);
	if (!status)
		status = check(&o);
	if (status)
		return status;
	o.what.all |= o.trace.opts.cgroup && !o.trace.opts.command && !o.what.pid;
	if (!o.trace.opts.command)
		o.what.out_fd = STDOUT_FILENO;
	if (o.output) {
		o.what.out_fd = output_open(o.output);
		o.what.with_pid = true;
	}
	if (o.what.out_fd < 0)
		return STATUS_ERROR;
	signal(SIGCHLD, SIG_DFL);
	o.trace.opts.leaving = true;
	o.trace.opts.quiet = true;
	status = waggle_strace(&o.what, &o.trace.opts);
	if (status == -2 && o.trace.opts.command)
		return STATUS_NOT_FOUND;
	return status_of(status);
}
