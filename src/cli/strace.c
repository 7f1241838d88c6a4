/*
 * strace.c: `waggle strace [OPTIONS] [CMD ARGS]`, with the letters of strace(1).
 *
 * In:  the command line. Out: what waggle_strace() is to trace and how to show it. What options
 * take is read in strace_words.c.
 */
#include "cli/strace.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

enum {
	TRACE = STRACE_LONG,
	STATUS,
	SIGNAL,
	FILTER,
	PID,
	ALL,
	SEPARATELY,
	RAW,
	READ,
	WRITE,
	QUIET,
	CLOCK,
	SECCOMP,
	JSON,
	SCRIPT
};

static int take_nothing(struct strace_options *o, const char *text)
{
	(void)o;
	(void)text;
	return 0;
}

static const struct strace_row rows[] = {
	{'e', "expression", "EXPR", strace_take_expression,
	 "trace=openat,read,%file,%desc,%network,%process,%memory,%signal,/REGEX (! in front: all "
	 "others); also status=, signal=, raw=, read=, write=, quiet=, decode-fds="},
	{TRACE, "trace", "CALLS", strace_take_calls,
	 "as -e trace=; so have --status, --signal, --raw, --read and --write"},
	{'P', "trace-path", "PATH", strace_take_path,
	 "only calls on this path, or on descriptors of it; again for more"},
	{'z', "successful-only", NULL, NULL, "only calls that succeed"},
	{'Z', "failed-only", NULL, NULL, "only calls that fail"},
	{STATUS, "status", "SET", strace_take_status,
	 "only calls that end so: failed, successful, unfinished"},
	{SIGNAL, "signal", "SET", strace_take_signals, "only these signals"},
	{FILTER, "filter", "exit!=N", strace_take_filter,
	 "only calls whose result compares so: =, !=, <, >"},
	{'p', "attach", "PID", strace_take_pid,
	 "a process that is there, and its children; several: 1,2"},
	{PID, "pid", "PID", strace_take_pid, "the same"},
	{ALL, "all", NULL, NULL, "the whole machine"},
	{'E', "env", "VAR=VAL", strace_take_variable,
	 "a variable of the command's environment; VAR: without it"},
	{'u', "user", "USER", strace_take_user,
	 "run the command as that user: a name or a number; root can"},
	{'f', "follow-forks", NULL, NULL,
	 "children, too: always so; -ff with -o: a file for each thread, FILE.TID"},
	{SEPARATELY, "output-separately", NULL, NULL, "a file for each thread"},
	{'o', "output", "FILE", strace_take_output,
	 "write to FILE, with the pid in front of each line; '|CMD': to a command"},
	{'A', "output-append-mode", NULL, NULL, "append to the file of -o"},
	{'c', "summary-only", NULL, NULL, "count calls, errors and time, instead of lines"},
	{'C', "summary", NULL, NULL, "the same behind the lines"},
	{'S', "summary-sort-by", "COLUMN", strace_take_sort,
	 "of -c: time, min-time, max-time, avg-time, calls, errors, name, nothing"},
	{'U', "summary-columns", "COLUMNS", strace_take_columns,
	 "of -c: time-percent, total-time, min-time, max-time, avg-time, calls, errors, name"},
	{'w', "summary-wall-clock", NULL, NULL,
	 "the time of -c is always that from beginning to end"},
	{'s', "string-limit", "N", strace_take_size, "bytes of a string that are shown (32)"},
	{'a', "columns", "N", strace_take_column, "where results stand (40)"},
	{'v', "no-abbrev", NULL, NULL, "structures and environments whole"},
	{'x', "strings-in-hex", "[=FORM]", strace_take_hex,
	 "strings that are not ASCII as \\xHH; -xx all; forms: non-ascii, non-ascii-chars, all"},
	{RAW, "raw", "CALLS", strace_take_raw, "arguments of these as numbers"},
	{READ, "read", "SET", strace_take_read, "show all bytes read from these descriptors"},
	{WRITE, "write", "SET", strace_take_write, "show all bytes written to these descriptors"},
	{'y', "decode-fds", "[=SET]", strace_take_descriptors,
	 "paths of descriptors; -yy also addresses of sockets, numbers of devices"},
	{'Y', "decode-pids", "[=comm]", strace_take_threads, "names of threads"},
	{'n', "syscall-number", NULL, NULL, "numbers of calls"},
	{'k', "stack-traces", NULL, NULL, "below each call, who called"},
	{'i', "instruction-pointer", NULL, NULL,
	 "in front of each call, the address it comes from"},
	{'t', "absolute-timestamps", "[=FORM]", strace_take_clock,
	 "time of day; -tt with microseconds, -ttt since 1970; forms: time, unix, with s, ms, us, "
	 "ns"},
	{'r', "relative-timestamps", "[=UNIT]", strace_take_relative,
	 "time since the line before; s, ms, us, ns"},
	{'T', "syscall-times", "[=UNIT]", strace_take_durations,
	 "how long each call took; s, ms, us, ns"},
	{'q', "quiet", "[=SET]", strace_take_quiet, "-qq: no line where a process ends"},
	{'I', "interruptible", "N", take_nothing, "nothing: signals are never held back"},
	{QUIET, "silent", "[=SET]", strace_take_quiet, "as --quiet; so does --silence"},
	{QUIET, "silence", "[=SET]", strace_take_quiet, "the same"},
	{CLOCK, "timestamps", "[=FORM]", strace_take_clock, "as --absolute-timestamps"},
	{SECCOMP, "seccomp-bpf", NULL, NULL, "nothing: the user engine always does so"},
	{JSON, "json", NULL, NULL, "a line of JSON for each call"},
	{SCRIPT, "print-script", NULL, NULL, "print the script that traces, and end"},
	{'h', "help", NULL, NULL, "this"},
	{0}};
/* options of tracing: rows of options.def */
static const char *const common[] = {"comm",     "uid",    "cgroup",       "container",
				     "duration", "engine", "perf-rb-pages"};
enum { NROWS = sizeof(rows) / sizeof(*rows) - 1, NCOMMON = sizeof(common) / sizeof(*common) };

static bool optional(const struct strace_row *r)
{
	return r->takes && *r->takes == '[';
}

static void strace_print(void)
{
	char left[64];

	putchar('\n');
	for (const struct strace_row *r = rows; r->letter; r++) {
		const char *takes = r->takes ? r->takes : "";

		if (r->letter < STRACE_LONG)
			snprintf(left, sizeof(left), "-%c %s", r->letter, optional(r) ? "" : takes);
		else
			snprintf(left, sizeof(left), "--%s %s", r->name, takes);
		print_wrapped(printf("  %-15s", left), r->does);
	}
	puts("  as the tools: --comm, --uid, --cgroup, --container, --duration, --engine, "
	     "--perf-rb-pages");
}

static const struct strace_row *row_of(int letter)
{
	const struct strace_row *r = rows;

	while (r->letter && r->letter != letter)
		r++;
	return r;
}

static int take(struct strace_options *o, int letter)
{
	const struct strace_row *r = row_of(letter);

	if (letter >= OPT_COMMON)
		return option_take(&o->trace, option_named(common[letter - OPT_COMMON]), optarg);
	if (letter == 'h') {
		puts("waggle strace [OPTIONS] [CMD ARGS]: system calls, decoded");
		strace_print();
		exit(output_check(STATUS_OK));
	}
	if (r->take && (optarg || !optional(r)))
		return r->take(o, optarg);
	o->letters[letter]++;
	return 0;
}

static int parse(struct strace_options *o, int argc, char **argv)
{
	struct option names[NROWS + NCOMMON + 1] = {0};
	char letters[2 * NROWS + 2] = "+", *at = letters + 1;
	int opt, status = 0;

	for (int i = 0; i < NROWS; i++) {
		bool takes = rows[i].takes && !optional(&rows[i]);

		if (rows[i].letter < STRACE_LONG)
			at = stpcpy(at, (char[]){(char)rows[i].letter, takes ? ':' : 0, 0});
		names[i] = (struct option){rows[i].name,
					   takes           ? required_argument
					   : rows[i].takes ? optional_argument
							   : no_argument,
					   NULL, rows[i].letter};
	}
	for (int i = 0; i < NCOMMON; i++)
		names[NROWS + i] =
			(struct option){common[i], required_argument, NULL, OPT_COMMON + i};
	options_absent(strace_absent);
	while (!status && (opt = options_next(argc, argv, letters, names, NULL)) >= 0)
		status = opt == '?' ? STATUS_USAGE : take(o, opt);
	if (!status && optind < argc)
		o->trace.opts.command = argv + optind;
	return status;
}

/* Options without a value say something by how often they stand there. */
static void count_letters(struct strace_options *o)
{
	struct waggle_strace *w = &o->what;
	const unsigned *n = o->letters;

	w->status |= n['z'] ? WAGGLE_STRACE_SUCCESSFUL : 0;
	w->status |= n['Z'] ? WAGGLE_STRACE_FAILED : 0;
	w->summary = n['C'] ? 2 : n['c'] ? 1 : 0;
	if (n['t'] || n[CLOCK]) {
		w->times = n['t'] > 2 ? 2 : 1;
		w->time_digits = n['t'] > 1 ? 6 : 0;
	}
	w->relative |= n['r'] != 0;
	w->durations |= n['T'] != 0;
	w->paths = n['y'] ? (n['y'] > 1 ? 2 : 1) : w->paths;
	w->hex = n['x'] ? (n['x'] > 1 ? 2 : 1) : w->hex;
	w->quiet += n['q'] + n[QUIET];
	w->names |= n['Y'] != 0;
	w->stacks = (n['i'] ? 1 : 0) | (n['k'] ? 2 : 0);
	w->verbose |= n['v'] != 0;
	w->numbers = n['n'];
	w->all = n[ALL];
	w->json = n[JSON];
	w->print_script = n[SCRIPT];
	o->append = n['A'];
	o->separately = n['f'] > 1 || n[SEPARATELY];
}

/* "|CMD", and as strace has it "!CMD" */
static bool is_command(const char *output)
{
	return *output == '|' || *output == '!';
}

/* One of a command, a process, the machine. */
static int check(const struct strace_options *o)
{
	const struct waggle_opts *t = &o->trace.opts;
	int n = (t->command != NULL) + (o->npids != 0) +
		(o->what.all || (t->cgroup && !t->command && !o->npids));

	if (n > 1)
		return usage_error(
			"strace traces one of a command, a process (-p) and the machine (--all)");
	if (!n)
		return usage_error("strace takes a command, -p PID, --container NAME or --all");
	if (o->user.sz && !t->command)
		return usage_error("-u is whom a command runs as: there is none");
	if (o->output && is_command(o->output) && (o->separately || o->append))
		return usage_error("-o '%s' is a command: %s is of files", o->output,
				   o->append ? "-A" : "-ff");
	if (o->what.stacks && (o->what.summary == 1 || o->what.json))
		return usage_error("-k and -i are of lines: not with -c or --json");
	if (o->separately && o->what.summary)
		return usage_error(
			"-c and -C count all threads together: not with a file for each (-ff)");
	return o->append && !o->output ? usage_error("-A appends to the file of -o: there is none")
				       : 0;
}

static int open_output(struct strace_options *o)
{
	struct waggle_strace *w = &o->what;

	if (!o->trace.opts.command)
		w->out_fd = STDOUT_FILENO;
	if (!o->output)
		return 0;
	w->with_pid = true;
	w->append = o->append;
	if (o->separately)
		w->files = o->output;
	else if (is_command(o->output))
		w->out_fd = output_to_command(o->output + 1, &o->reader);
	else
		w->out_fd = o->append ? output_append(o->output) : output_open(o->output);
	return w->out_fd < 0 ? STATUS_ERROR : 0;
}

static int run(struct strace_options *o)
{
	int status;

	o->what.containers = o->trace.opts.containers;
	o->trace.opts.containers = false; /* the script has its own records of them */
	o->what.all |= o->trace.opts.cgroup && !o->trace.opts.command && !o->npids;
	signal(SIGCHLD, SIG_DFL);
	o->trace.opts.leaving = true;
	o->trace.opts.quiet = true;
	o->trace.opts.command_user = o->user.sz ? &o->user : NULL;
	status = waggle_strace(&o->what, &o->trace.opts);
	if (status == -2 && o->trace.opts.command)
		return STATUS_NOT_FOUND;
	return status_of(status);
}

int cmd_strace(int argc, char **argv)
{
	struct strace_options o = {.what = {.sz = sizeof(o.what),
					    .strsize = 32,
					    .column = 40,
					    .relative_digits = 6,
					    .duration_digits = 6,
					    .out_fd = STDERR_FILENO,
					    .started = started}};
	int status = trace_open(&o.trace);

	if (!status)
		status = parse(&o, argc, argv);
	count_letters(&o);
	if (!status)
		status = check(&o);
	if (!status)
		status = open_output(&o);
	if (!status)
		status = run(&o);
	output_end_command(o.what.out_fd, o.reader);
	while (o.nreal)
		free(o.real[--o.nreal]);
	return status;
}
