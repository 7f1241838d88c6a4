/*
 * tool_run.c: `waggle TOOL [OPTIONS] [ARGS] [-- CMD ARGS]`.
 *
 * In:  the tool's head, which names its options, and the command line. Out: a trace of its script:
 *      options that tracing has itself are set there (--pid, --duration), the others are named
 * parameters of the script (getopt), ARGS its $1, $2, ...
 */
#include "cli/tools.h"
#include "cli/trace.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MOST = 32, ARGS_MOST = 8, OWN = 256, COMMON = OPT_COMMON };

struct parsing {
	struct tool_option own[OPTIONS_MOST];
	unsigned nown;
	bool everybody;   /* with CMD, too, all processes are seen */
	bool asks_itself; /* the script tells by family() whose an event is */
	/* this option holds where neither a process is named nor a command, nor the option alone_but */
	struct tool_option alone;
	char alone_but[32];
	const char *view; /* how a terminal shows it; NULL: as text */
	struct option names[OPTIONS_MOST + OPTION_ROWS_MOST + 1];
	char letters[2 * OPTIONS_MOST + 4];
	const struct tool_option *pid; /* the script's own -p, if it was given, */
	char *pids;                    /* and its processes: "1,2" */
	char *params[OPTIONS_MOST];
	unsigned nparams;
	int least, most; /* arguments */
	int probes;      /* the first one names what is probed: becomes so many of the script's */
	char *made[2];   /* these */
	bool regexp;     /* its last part is a regular expression */
	char otherwise[ARGS_MOST][32]; /* what they are when they are not given, or "" */
	char words[ARGS_MOST][16];     /* what they are called */
	char **args;                   /* all that the script gets */
};

static void read_everybody(struct parsing *p, const struct tool_line *l)
{
	(void)l;
	p->everybody = true;
}

static void read_family(struct parsing *p, const struct tool_line *l)
{
	(void)l;
	p->asks_itself = true;
}

/* "kernel obj" */
static void read_alone(struct parsing *p, const struct tool_line *l)
{
	sscanf(l->text, "%31[^ \n] %31[^ \n]", p->alone.name, p->alone_but);
}

/* "PATTERN [INTERVAL=60 [COUNT]]". Those in brackets may be left out; one that says what it is then, is
 * that. */
static void read_args(struct parsing *p, const struct tool_line *l)
{
	const char *word = l->text, *end = word + l->ntext;

	while (word < end && p->most < ARGS_MOST) {
		size_t n = strcspn(word, " \n"), name = strcspn(word, "= ]\n");

		if (*word != '[')
			p->least++;
		if (!p->most)
			p->probes = !strncmp(word, "PATTERN", 7)    ? 1
				    : !strncmp(word, "FUNCTION", 8) ? 2
								    : 0;
		snprintf(p->words[p->most], sizeof(p->words[0]), "%.*s",
			 (int)(name - (*word == '[')), word + (*word == '['));
		if (word[name] == '=')
			snprintf(p->otherwise[p->most], sizeof(p->otherwise[0]), "%.*s",
				 (int)strcspn(word + name + 1, " ]\n"), word + name + 1);
		p->most++;
		word += n + (word + n < end);
	}
}

/* Tables and histograms are text. */
static void read_view(struct parsing *p, const struct tool_line *l)
{
	p->view = !strncmp(l->text, "flame", 5)	     ? "tree"
		  : !strncmp(l->text, "timeline", 8) ? "timeline"
						     : NULL;
}

static void read_option(struct parsing *p, const struct tool_line *l)
{
	unsigned i = p->nown;
	struct tool_option *o = &p->own[i];
	size_t n = strlen(p->letters);

	if (i == OPTIONS_MOST || !tool_option(l, o))
		return;
	p->nown++;
	p->names[i] = (struct option){o->name, o->takes[0] != 0, NULL, OWN + (int)i};
	if (o->letter)
		snprintf(p->letters + n, sizeof(p->letters) - n, o->takes[0] ? "%c:" : "%c", o->letter);
}

/* Own options first; then those of tracing, by their long names alone. */
static void read_head(struct parsing *p, const struct tool *tool)
{
	static const struct {
		const char *word;
		void (*read)(struct parsing *, const struct tool_line *);
	} words[] = {{"everybody", read_everybody}, {"family", read_family}, {"alone", read_alone},
		     {"args", read_args},	    {"view", read_view},     {"option", read_option},
		     {"param", read_option},	    {"always", read_option}, {"lacks", read_option}};
	const char *at = tool_text(tool);
	struct tool_line l;

	while (tool_line(&at, &l))
		for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (!strcmp(l.word, words[i].word))
				words[i].read(p, &l);
	option_append(p->names, sizeof(p->names) / sizeof(*p->names), COMMON);
}

/* Words that stand for numbers, and from where to where these go; CPU: to this machine's last one. */
static const struct {
	const char *word;
	unsigned long long least, most;
} numbers[] = {{"INTERVAL", 1, 99999999}, {"SECONDS", 1, 99999999}, {"S", 1, 99999999},
	       {"COUNT", 0, ULONG_MAX},   {"HZ", 1, 100000},        {"N", 0, ULONG_MAX},
	       {"BYTES", 0, ULONG_MAX},   {"US", 0, ULONG_MAX},     {"CPU", 0, 0}};

/* name: of the option or argument that is called so in the head, for the message */
static int check_number(const char *dashes, const char *name, const char *word, const char *text)
{
	unsigned long long n, most;
	unsigned i = 0;
	char *end;

	while (i < sizeof(numbers) / sizeof(*numbers) && strcmp(numbers[i].word, word) != 0)
		i++;
	if (i == sizeof(numbers) / sizeof(*numbers))
		return 0;
	most = numbers[i].most ? numbers[i].most : (unsigned long long)sysconf(_SC_NPROCESSORS_CONF) - 1;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (isdigit((unsigned char)*text) && !*end && !errno && n >= numbers[i].least && n <= most)
		return 0;
	return most < ULONG_MAX
		       ? usage_error("%s%s takes a number from %llu to %llu, not '%s'", dashes,
				     name, numbers[i].least, most, text)
		       : usage_error("%s%s takes a number from 0 on, not '%s'", dashes, name, text);
}

/* Is a parameter, "--signal=9", of that name? */
static bool names(const char *param, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(param + 2, name, n) && (!param[2 + n] || param[2 + n] == '=');
}

/* A list that was given before gets longer: "--signal=9" becomes "--signal=9,15". */
static char **earlier(struct parsing *p, const struct tool_option *o)
{
	for (unsigned i = 0; i < p->nparams && !strcmp(o->takes, "LIST"); i++)
		if (names(p->params[i], o->name))
			return &p->params[i];
	return NULL;
}

/* The script asks for it: "--failed", "--min=5". */
static int add_param(struct parsing *p, const struct tool_option *o, const char *value)
{
	char **list = earlier(p, o), *longer;

	if (list) {
		if (asprintf(&longer, "%s,%s", *list, value) < 0)
			return STATUS_ERROR;
		free(*list);
		*list = longer;
		return 0;
	}
	if (p->nparams == OPTIONS_MOST)
		return usage_error("too many options");
	if (asprintf(&p->params[p->nparams], o->takes[0] ? "--%s=%s" : "--%s", o->name, value) < 0)
		return STATUS_ERROR;
	p->nparams++;
	return 0;
}

/* bcc's tools trace nobody where there is no such process: ours say so, also where the script itself
 * looks at the number. Of what another machine has, or another day, nothing is known. */
static int check_pids(const struct trace *t, const char *list)
{
	struct trace probe = {0};
	char one[32];
	int status;
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		snprintf(one, sizeof(one), "%.*s", (int)n, list);
		status = option_take(&probe, option_named("pid"), one);
		if (!status && !t->dry_run && !t->opts.target && process_missing(probe.opts.pid))
			status = STATUS_USAGE;
		if (status || !list[n])
			return status;
	}
}

/* The script's own -p: of a LIST all add up, else the last one holds. */
static int add_pid(struct parsing *p, const struct tool_option *o, const char *value)
{
	bool longer = p->pids && !strcmp(o->takes, "LIST");
	char *before = p->pids;

	p->pid = o;
	if (asprintf(&p->pids, "%s%s%s", longer ? before : "", longer ? "," : "", value) < 0)
		p->pids = NULL;
	free(before);
	return p->pids ? 0 : STATUS_ERROR;
}

/* When all are known: tracing's own filter is for one process, whose end ends all. */
static int settle_pids(struct parsing *p, struct trace *t)
{
	int status = check_pids(t, p->pids);

	if (status)
		return status;
	return !strcmp(p->pid->takes, "LIST") && !strchr(p->pids, ',')
		       ? option_take(t, option_named("pid"), p->pids)
		       : add_param(p, p->pid, p->pids);
}

static int take_same(struct trace *t, const struct tool_option *o, const char *value)
{
	char given[40];

	snprintf(given, sizeof(given), "--%s", o->name);
	return option_take_as(t, o->same, given, value);
}

static int take(struct parsing *p, struct trace *t, const struct tool *tool, int opt)
{
	const struct tool_option *o = p->own;
	const struct option_row *row;

	if (opt >= COMMON && option_rows[opt - COMMON].letter != 'h')
		return option_take(t, &option_rows[opt - COMMON], optarg);
	while (o < p->own + p->nown && o->letter != opt && o - p->own != opt - OWN)
		o++;
	if (o == p->own + p->nown) { /* -h, --help */
		tool_help(tool);
		exit(output_check(STATUS_OK));
	}
	if (o->lacks && o->letter)
		return usage_error("%s has no -%c, --%s: %.*s", tool->name, o->letter, o->name,
				   (int)o->ndoes, o->does);
	if (o->lacks)
		return usage_error("%s has no --%s: %.*s", tool->name, o->name, (int)o->ndoes,
				   o->does);
	if (o->always)
		return 0;
	if (p->probes && !strcmp(o->name, "regexp")) {
		p->regexp = true;
		return 0;
	}
	if (o->same)
		return take_same(t, o, o->value ? o->value : optarg);
	row = o->own ? NULL : option_named(o->name);
	if (!row && !strcmp(o->name, "pid"))
		return add_pid(p, o, optarg);
	if (!row && check_number("--", o->name, o->takes, optarg))
		return STATUS_USAGE;
	return row ? option_take(t, row, optarg) : add_param(p, o, optarg ? optarg : "");
}

/* What the script gets: ARGS, and behind a "--" its named parameters. */
static int set_arguments(struct parsing *p, struct trace *t, char **args, int n)
{
	char **all = calloc((size_t)n + ARGS_MOST + p->nparams + 2, sizeof(*all));
	int status = 0;

	if (!all)
		return STATUS_ERROR;
	for (int i = 0; i < n; i++)
		all[i] = args[i];
	for (int i = 0; i < p->probes && !status; i++) {
		if (p->regexp)
			status = tool_regexp(args[0], i, &t->opts, &p->made[i]);
		else if (!(p->made[i] = tool_probe(args[0], i)))
			status = STATUS_ERROR;
	}
	if (p->probes == 2)
		memmove(all + 2, all + 1, (size_t)(n++ - 1) * sizeof(*all));
	for (int i = 0; i < p->probes; i++)
		all[i] = p->made[i];
	for (int more = p->probes == 2; n - more < p->most && p->otherwise[n - more][0]; n++)
		all[n] = p->otherwise[n - more];
	all[n] = (char *)"--";
	for (unsigned i = 0; i < p->nparams; i++)
		all[n + 1 + (int)i] = p->params[i];
	p->args = all;
	t->opts.argv = all;
	t->opts.argc = n + 1 + (int)p->nparams;
	return status;
}

static int check_args(const struct parsing *p, const struct tool *tool, char **args, int given)
{
	if (given < p->least)
		return usage_error("%s takes an argument, %s", tool->name, p->words[given]);
	if (given > p->most && !p->most)
		return usage_error("%s takes no arguments: a command stands behind --", tool->name);
	if (given > p->most)
		return usage_error("%s takes %d argument%s at most: a command stands behind --",
				   tool->name, p->most, p->most == 1 ? "" : "s");
	for (int i = 0; i < given; i++)
		if (check_number("", p->words[i], p->words[i], args[i]))
			return STATUS_USAGE;
	return 0;
}

static int stand_alone(struct parsing *p, const struct trace *t)
{
	if (!p->alone.name[0] || t->opts.pid || p->pid || t->opts.command)
		return 0;
	for (unsigned i = 0; i < p->nparams; i++)
		if (names(p->params[i], p->alone_but) || names(p->params[i], p->alone.name))
			return 0;
	return add_param(p, &p->alone, "");
}

/* A terminal shows what the head's view says, if nothing else is asked for. Files and pipes get text in any
 * case, where nothing is left out. */
static void choose_view(struct trace *t, const struct parsing *p)
{
	if (p->view && !t->opts.format && !t->output && isatty(STDOUT_FILENO))
		t->opts.format = p->view;
}

int tool_run(const struct tool *tool, int argc, char **argv)
{
	struct parsing p = {.letters = "h"};
	struct trace t;
	int opt, status = trace_open(&t), end = 1;

	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	read_head(&p, tool);
	t.script = tool_text(tool);
	t.tool = tool->name;
	usage_about(tool->name);
	while (!status && (opt = options_next(end, argv, p.letters, p.names, NULL)) >= 0)
		status = opt == '?' ? STATUS_USAGE : take(&p, &t, tool, opt);
	if (end < argc && !argv[end + 1] && !status)
		status = usage_error("behind -- stands a command");
	if (end < argc && t.opts.command && !status)
		status = usage_error("-c and -- both name a command");
	if (end < argc)
		t.opts.command = argv + end + 1;
	t.opts.command_only = t.opts.command && !p.everybody && !p.asks_itself;
	choose_view(&t, &p);
	if (!status && p.pid)
		status = settle_pids(&p, &t);
	if (!status)
		status = check_args(&p, tool, argv + optind, end - optind);
	if (!status)
		status = stand_alone(&p, &t);
	if (!status)
		status = set_arguments(&p, &t, argv + optind, end - optind);
	status = trace_run(&t, status);
	for (unsigned i = 0; i < p.nparams; i++)
		free(p.params[i]);
	free(p.args);
	free(p.pids);
	free(p.made[0]);
	free(p.made[1]);
	return status;
}
