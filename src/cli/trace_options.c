/*
 * trace_options.c: the options of tracing, by the table options.def.
 *
 * In:  the arguments of the command line. Out: struct trace.
 */
#include "cli/trace.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the kernel does not let us ask, the one that traces finds out. */
bool process_missing(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), err = errno;

	if (fd >= 0) {
		close(fd);
		return false;
	}
	if (pid <= 0 || err == ESRCH) {
		usage_error("there is no process %d", pid);
		return true;
	}
	if (err == EINVAL || err == ENOENT) {
		usage_error("%d is a thread: give the number of its process", pid);
		return true;
	}
	return false;
}

static int take_pid(struct trace *t, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n <= 0 || n > 4194304)
		return usage_error("'%s' is no process id", text);
	t->opts.pid = (int)n;
	return 0;
}

static int take_engine(struct trace *t, const char *name)
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

static int take_buffering(struct trace *t, const char *mode)
{
	if (!strcmp(mode, "line") || !strcmp(mode, "none") || !strcmp(mode, "full"))
		t->opts.line_buffered = *mode == 'n' ? 2 : *mode == 'l';
	else
		return usage_error("there is no buffer mode '%s': none, line or full", mode);
	return 0;
}

static int take_format(struct trace *t, const char *name)
{
	static const char *const names[] = {"text", "json", "folded", "flame", "tree", "timeline"};

	t->opts.format = name;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return 0;
	return usage_error("there is no format '%s': text, json, folded, flame, tree or timeline",
			   name);
}

static int take_filter(struct trace *t, const char *regex)
{
	t->opts.probe_filter = regex;
	return 0;
}

struct stage {
	const char *name;
	size_t n;
	bool found;
};

static void stage_look(void *user, const char *name, const char *text)
{
	struct stage *s = user;

	(void)text;
	s->found |= strlen(name) == s->n && !memcmp(name, s->name, s->n);
}

/* Stages by the names that bpftrace has for them. */
static const char *stage_here(const char *name)
{
	static const char *const names[][2] = {
		{"codegen", "ir"}, {"codegen-opt", "ir:cleanup"},
		{"dis", "insns"},  {"libbpf", "verifier"},
		{"d", "all"}, /* -dd */
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i][0], name))
			return names[i][1];
	return name;
}

static int take_stage(struct trace *t, const char *name)
{
	char *stages = NULL;
	struct word w;

	if (*name == '-') { /* -d alone, as it once was: what follows is the next option */
		optind--;
		name = "all";
	}
	name = stage_here(name);
	for (const char *p = name; word_next(&p, &w);) {
		struct stage s = {.name = w.p, .n = w.n};

		waggle_language("stages", stage_look, &s);
		if (!s.found)
			return usage_error(
				"there is no stage '%.*s' to print: ast, types, ir, ir:PASS, "
				"insns, object, verifier, all",
				(int)w.n, w.p);
	}
	if (asprintf(&stages, "%s%s%s", t->stages ? t->stages : "", t->stages ? "," : "", name) < 0)
		return usage_error("out of memory");
	free(t->stages);
	t->opts.dump = t->stages = stages;
	return 0;
}

static int take_command(struct trace *t, const char *command)
{
	t->command = split_words(command);
	if (!t->command || !*t->command)
		return usage_error("-c takes a command: '%s' %s", command,
				   t->command ? "is empty" : "leaves a quote open");
	t->opts.command = t->command;
	return 0;
}

/* Those that set one thing. */
#define TAKE(name, what)                                           \
	static int take_##name(struct trace *t, const char *value) \
	{                                                          \
		(void)value;                                       \
		what;                                              \
		return 0;                                          \
	}
TAKE(script, t->script = value)
TAKE(output, t->output = value)
TAKE(json, t->opts.format = "json")
TAKE(folded, t->opts.format = "folded")
TAKE(flame, t->opts.format = "flame"; t->output = value)
TAKE(noclear, t->opts.no_redraw = true)
TAKE(fmt, t->fmt = true)
TAKE(dry_run, t->dry_run = true)
TAKE(test, t->opts.trials = WAGGLE_TESTS)
TAKE(bench, t->opts.trials = WAGGLE_BENCHMARKS)
TAKE(quiet, t->opts.quiet = true)
TAKE(errors, t->opts.helper_errors = true)
TAKE(silence, t->opts.diag = report_errors)
TAKE(list, t->list = true)
TAKE(verbose, t->verbose = true)
TAKE(stats, t->stats = t->opts.costs = true)
TAKE(target, t->opts.target = value)
TAKE(btf, t->opts.btf = value)
TAKE(prog, t->opts.program = value)
TAKE(activation, (void)t)
#undef TAKE

/* Several are lines of one text. */
static int take_at(struct trace *t, const char *hook)
{
	char *all;

	if (asprintf(&all, "%s%s%s", t->at ? t->at : "", t->at ? "\n" : "", hook) < 0)
		return STATUS_ERROR;
	free(t->at);
	t->opts.at = t->at = all;
	return 0;
}

static int take_interval(struct trace *t, const char *text)
{
	return take_time("--interval", text, &t->opts.interval_ns);
}

/* Names with commas between them. */
static int take_without(struct trace *t, const char *names)
{
	static const char *const known[] = {"kprobe_multi", "uprobe_multi", "kprobe_session",
					    "tcx"};
	const unsigned most = sizeof(known) / sizeof(*known);
	struct word w;

	t->opts.no_features = names;
	while (word_next(&names, &w)) {
		unsigned i = 0;

		while (i < most && !word_is(w, known[i]))
			i++;
		if (i == most)
			return usage_error(
				"there is no feature '%.*s': kprobe_multi, uprobe_multi, "
				"kprobe_session, tcx",
				(int)w.n, w.p);
	}
	return 0;
}

static void info_line(void *user, const char *text)
{
	(void)user;
	puts(text);
}

static int take_info(struct trace *t, const char *value)
{
	(void)value;
	exit(output_check(status_of(waggle_info(info_line, NULL, &t->opts))));
}

static int take_help(struct trace *t, const char *value)
{
	(void)t;
	(void)value;
	exit(output_check(cmd_help(0, NULL)));
}

static int take_version(struct trace *t, const char *value)
{
	(void)t;
	(void)value;
	puts("waggle " WAGGLE_VERSION);
	exit(output_check(STATUS_OK));
}

/* ---- the table */

#define take_common NULL /* options that other commands have, too */

const struct option_row option_rows[] = {
#define OPTION(letter, name, takes, take, does) {letter, name, takes, take, does},
#include "cli/options.def"
#undef OPTION
	{0}};
enum { ROWS = sizeof(option_rows) / sizeof(*option_rows) - 1, LONG = 256 };

struct tables {
	char letters[2 * ROWS + 2];
	struct option names[ROWS + 1];
};

/* As getopt_long() wants them: a long option is LONG and the number of its row. */
static void make_tables(struct tables *t)
{
	char *letter = t->letters;

	*t = (struct tables){0};
	*letter++ = '+';
	for (int i = 0; i < ROWS; i++)
		if (option_rows[i].letter)
			letter = stpcpy(letter, (char[]){option_rows[i].letter,
							 option_rows[i].takes ? ':' : 0, 0});
	option_append(t->names, ROWS + 1, LONG);
}

const struct option_row *option_named(const char *name)
{
	for (const struct option_row *r = option_rows; r->letter || r->name; r++)
		if (name[1] ? r->name && !strcmp(r->name, name) : r->letter == *name)
			return r;
	return NULL;
}

void option_append(struct option *names, unsigned room, int base)
{
	unsigned n = 0;

	while (names[n].name)
		n++;
	for (int i = 0; i < ROWS && n + 1 < room; i++)
		if (option_rows[i].name)
			names[n++] = (struct option){option_rows[i].name,
						     option_rows[i].takes ? 1 : 0, NULL, base + i};
	names[n] = (struct option){0};
}

int option_take(struct trace *t, const struct option_row *row, const char *value)
{
	return row->take ? row->take(t, value)
			 : options_take(&t->opts, row->name, NULL, value);
}

int option_take_as(struct trace *t, const char *name, const char *given, const char *value)
{
	const struct option_row *row = option_named(name);

	return row->take ? row->take(t, value) : options_take(&t->opts, name, given, value);
}

static int take_option(struct trace *t, int opt)
{
	const struct option_row *row = option_rows;

	if (opt == '?')
		return STATUS_USAGE;
	while (row->letter != opt && row - option_rows != opt - LONG)
		row++;
	return option_take(t, row, optarg);
}

/* Words of a line, so that none is longer than 80 columns; what follows begins at 19. */
void print_wrapped(int column, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + 1 + len > 80)
			column = printf("\n%17s", "") - 1;
		column += printf(" %.*s", len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void print_row(const struct option_row *r)
{
	int n = printf(r->letter ? "  -%c" : "  ", r->letter);

	if (r->name)
		n += printf("%s--%s", r->letter ? ", " : "", r->name);
	if (r->takes)
		n += printf(" %s", r->takes);
	print_wrapped(n < 18 ? n + printf("%*s", 17 - n, "") : 80, r->does);
}

void options_print(void)
{
	for (int i = 0; i < ROWS; i++)
		print_row(&option_rows[i]);
}

bool option_print(const char *word)
{
	for (int i = 0; i < ROWS; i++) {
		const struct option_row *r = &option_rows[i];
		char letter[] = {'-', r->letter, 0};

		if ((r->letter && !strcmp(word, letter)) ||
		    (r->name && !strncmp(word, "--", 2) && !strcmp(word + 2, r->name))) {
			print_row(r);
			return true;
		}
	}
	return false;
}

/* `waggle FILE ARG -c CMD`: -c is the script's second parameter, which few mean. */
static void note_parameters(const struct trace *t, const char *letters)
{
	for (int i = 0; i < t->opts.argc; i++) {
		const char *arg = t->opts.argv[i];

		if (!strcmp(arg, "--"))
			return;
		if (arg[0] != '-' || (arg[1] != '-' && (!arg[1] || arg[2])) ||
		    (arg[1] != '-' && !strchr(letters, arg[1])))
			continue;
		fprintf(stderr,
			"waggle: note: '%s' is handed to the script as $%d\n"
			"        options stand before the script's arguments; -- before "
			"these says that it is meant\n",
			arg, i + 1);
		return;
	}
}

int trace_options(struct trace *t, int argc, char **argv)
{
	struct tables tables;
	bool named = false, silent;
	int opt, status = 0;

	make_tables(&tables);
	while (!status) {
		opt = options_next(argc, argv, tables.letters, tables.names, NULL);
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
	silent = t->opts.quiet || t->opts.diag == report_errors;
	if (!status && !t->script && !named && !t->list)
		status = usage_error("no script: give a file, or -e and the script");
	if (optind < argc && optind > 1 && !strcmp(argv[optind - 1], "--"))
		optind--; /* named parameters stand behind it */
	t->opts.argc = argc - optind;
	t->opts.argv = argv + optind;
	if (!status && !silent && t->opts.argc)
		note_parameters(t, tables.letters);
	if (!status && !silent && t->opts.pid && t->opts.command)
		fprintf(stderr,
			"waggle: warning: with -p %d, the events of the command of -c are "
			"not seen\n",
			t->opts.pid);
	return status;
}
