/*
 * options.c: options that several commands have: what scripts may do, and how much.
 *
 * Environment variables say the same as options, which come first: WAGGLE_MAX_STRLEN, or
 * BPFTRACE_MAX_STRLEN for those who have it set already. So do all variables of config = { }.
 */
#include "cli/bcc.h"
#include "cli/cli.h"
#include "cli/trace.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum limit { MAX_STRLEN, MAX_MAP_KEYS, MAX_PROBES, STACK_MODE, CALL_GRAPH, RING_PAGES };

static const struct {
	const char *option, *variable;
	unsigned most;
} limits[] = {
	[MAX_STRLEN] = {"--max-strlen", "MAX_STRLEN", 1u << 28},
	[MAX_MAP_KEYS] = {"--max-map-keys", "MAX_MAP_KEYS", 1u << 28},
	[MAX_PROBES] = {"--max-probes", "MAX_PROBES", 1u << 28},
	[STACK_MODE] = {"--stack-mode", "STACK_MODE", 0},
	[CALL_GRAPH] = {"--call-graph", "CALL_GRAPH", 0},
	[RING_PAGES] = {"--perf-rb-pages", "PERF_RB_PAGES", 1u << 18}, /* 1 GB */
};
enum { LIMITS = sizeof(limits) / sizeof(*limits) };

/* from: how the user called it, for the message */
static int take(struct waggle_opts *o, unsigned limit, const char *from, const char *text)
{
	unsigned long long n;
	unsigned size = 4096;
	char *end;

	if (limit == STACK_MODE || limit == CALL_GRAPH) {
		*(limit == STACK_MODE ? &o->stack_mode : &o->call_graph) = text;
		return 0;
	}
	n = strtoull(text, &end, 0);
	if (end == text || *end || !n || n > limits[limit].most || *text == '-')
		return usage_error("%s takes a number from 1 to %u, not '%s'", from,
				   limits[limit].most, text);
	if (limit == MAX_STRLEN)
		o->max_strlen = (unsigned)n;
	else if (limit == MAX_MAP_KEYS)
		o->max_map_keys = (unsigned)n;
	else if (limit == MAX_PROBES)
		o->max_probes = (unsigned)n;
	else {
		while (size / 4096 < n) /* rings are powers of two */
			size *= 2;
		o->ring_bytes = size;
	}
	return 0;
}

/* What variables were called before bpftrace 0.18. */
static const struct {
	const char *variable, *former;
	bool opposite; /* it says 1 where the variable is false */
} former_names[] = {
	{"MAX_STRLEN", "BPFTRACE_STRLEN", false},
	{"MAX_MAP_KEYS", "BPFTRACE_MAP_KEYS_MAX", false},
	{"max_cat_bytes", "BPFTRACE_CAT_BYTES_MAX", false},
	{"cpp_demangle", "BPFTRACE_NO_CPP_DEMANGLE", true},
};

static const char *asked_formerly(const char *variable, char *from, size_t size)
{
	for (unsigned i = 0; i < sizeof(former_names) / sizeof(*former_names); i++) {
		const char *value = getenv(former_names[i].former);

		if (!value || !*value || strcmp(former_names[i].variable, variable) != 0)
			continue;
		snprintf(from, size, "%s", former_names[i].former);
		return !former_names[i].opposite ? value : strcmp(value, "0") ? "false" : "true";
	}
	return NULL;
}

/* The value that the environment has for a variable, and where it says so. An empty one says
 * nothing, but of the text behind strings, which may be empty. */
static const char *asked(const char *variable, char *from, size_t size)
{
	bool may_be_empty = !strcmp(variable, "str_trunc_trailer");
	static const char *const prefixes[] = {"WAGGLE_", "BPFTRACE_"};
	const char *value = NULL;

	for (unsigned p = 0; p < 2 && !value; p++) {
		snprintf(from, size, "%s%s", prefixes[p], variable);
		for (char *c = from; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		value = getenv(from);
		value = value && (*value || may_be_empty) ? value : NULL;
	}
	return value ? value : asked_formerly(variable, from, size);
}

struct config {
	char **texts; /* "name=value" */
	size_t n;
	int failed;
};

/* One variable of the language that is not one of the limits above. */
static void add_config(void *user, const char *name, const char *text)
{
	struct config *c = user;
	const char *value;
	char from[64];
	char **more;

	(void)text;
	for (unsigned i = 0; i < LIMITS; i++)
		if (!strcasecmp(limits[i].variable, name))
			return;
	value = asked(name, from, sizeof(from));
	if (!value)
		return;
	more = realloc(c->texts, (c->n + 2) * sizeof(*more));
	c->texts = more ? more : c->texts;
	c->failed |= !more || asprintf(&more[c->n], "%s=%s", name, value) < 0;
	if (!c->failed)
		c->texts[++c->n] = NULL;
}

int options_environment(struct waggle_opts *o)
{
	static struct config c; /* lives as long as the process */
	int status = 0;

	for (unsigned i = 0; i < LIMITS && !status; i++) {
		char from[64];
		const char *value = asked(limits[i].variable, from, sizeof(from));

		if (value)
			status = take(o, i, from, value);
	}
	waggle_language("config", add_config, &c);
	o->config = c.texts;
	return c.failed ? STATUS_ERROR : status;
}

/* Both lists live as long as the process. */
static int add_include(struct waggle_opts *o, const char *option, const char *value)
{
	static char *headers[17], *dirs[17];
	char **list = strcmp(option, "include") ? dirs : headers;
	unsigned n = 0;

	while (list[n])
		n++;
	if (n + 1 == sizeof(dirs) / sizeof(*dirs))
		return usage_error("--%s can be given 16 times", option);
	list[n] = (char *)value;
	o->headers = headers;
	o->include_dirs = dirs;
	return 0;
}

int options_take(struct waggle_opts *o, const char *option, const char *from, const char *value)
{
	unsigned i = 0;

	if (!strncmp(option, "include", 7))
		return add_include(o, option, value);
	if (!strcmp(option, "unsafe")) {
		o->unsafe = true;
		return 0;
	}
	while (strcmp(limits[i].option + 2, option) != 0)
		i++;
	return take(o, i, from ? from : limits[i].option, value);
}

/* ---- what options a command has */

static void (*tell)(const char *option, bool takes); /* NULL: options are read */

/* Of bpftrace and of bcc's tools. */
static const struct absent_option theirs[] = {
	{0, "aot", "`waggle build SCRIPT -o OBJECT` compiles, `waggle OBJECT` runs it"},
	{0, "emit-elf", "`waggle build SCRIPT -o OBJECT` writes an object"},
	{0, "emit-llvm", "-d ir prints the intermediate code, -d insns the instructions"},
	{0, "cgroupmap", "--cgroup PATH or --container NAME narrows to one"},
	{0, "mntnsmap", "--container NAME narrows to one"},
	{0, "ebpf", "waggle -d insns FILE shows what a script becomes"},
	{0},
};
static const struct absent_option *absent; /* of the command, or NULL */

void options_absent(const struct absent_option *rows)
{
	absent = rows;
}

/* option: "-x", "--name" */
static const char *instead_of(const struct absent_option *a, const char *option)
{
	bool is_long = option[1] == '-';

	while (a && a->instead &&
	       (is_long ? !a->name || strcmp(a->name, option + 2) != 0 : a->letter != option[1]))
		a++;
	return a ? a->instead : NULL;
}

/* "opensnoop has no option", "there is no option" */
static int strange(const char *option, const struct option *names)
{
	struct near_word near = {.word = option + 2};
	const char *who = usage_asked(), *is = who ? who : "there is", *has = who ? " has" : "";
	const char *instead = instead_of(absent, option);

	instead = instead ? instead : instead_of(theirs, option);
	if (instead)
		return usage_error("%s%s no option %s: %s", is, has, option, instead);
	for (; names->name; names++) {
		const struct option_row *r = option_named(names->name);

		if (option[1] == '-')
			near_word(&near, names->name);
		else if (r && r->letter == option[1]) /* biosnoop -p */
			near.best = names->name;
	}
	return usage_error("%s%s no option %s%s%s%s", is, has, option,
			   near.best ? ": did you mean --" : "", near.best ? near.best : "",
			   near.best ? "?" : "");
}

/* What getopt_long() did not take; word: the argument that it stands in. */
static int wrong(const char *word, const char *letters, const struct option *names)
{
	bool is_long = !strncmp(word, "--", 2);
	char option[64];
	const char *letter = is_long || !optopt ? NULL : strchr(letters, optopt);

	if (is_long)
		snprintf(option, sizeof(option), "%.*s", (int)strcspn(word, "="), word);
	else
		snprintf(option, sizeof(option), "-%c", optopt);
	if (is_long ? !optopt : !letter || strchr(":+-", optopt))
		return strange(option, names);
	return usage_error(is_long && strchr(word, '=') ? "%s takes no value" : "%s takes a value",
			   option);
}

/* Which option begins so; NULL: none, or several (*several). */
static const struct option *begins(const struct option *names, const char *word, size_t n, bool own,
				   bool *several)
{
	const struct option *found = NULL;

	*several = false;
	for (; names->name; names++) {
		if (strncmp(names->name, word, n) != 0 || (own && names->val >= OPT_COMMON))
			continue;
		if (!names->name[n])
			return names;
		*several |= found && strcmp(found->name, names->name) != 0 &&
			    (found->val != names->val || names->val >= OPT_COMMON);
		found = found ? found : names;
	}
	return *several ? NULL : found;
}

static int ambiguous(const struct option *names, const char *word, size_t n)
{
	char all[160] = "";
	size_t len = 0;

	for (const struct option *o = names; o->name; o++) {
		bool told = false;

		for (const struct option *e = names; e < o; e++)
			told |= !strcmp(e->name, o->name);
		if (!told && !strncmp(o->name, word, n) && len < sizeof(all) - 40)
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s--%s",
						len ? ", " : "", o->name);
	}
	return usage_error("--%.*s may be any of %s", (int)n, word, all);
}

/* Where getopt_long() reads on: also within a group of letters, on which optind then still stands.
 * There may be none: NULL, or "--". */
static char **next_word(int argc, char **argv, const char *letters)
{
	bool in_order = *letters == '+' || *letters == '-' || getenv("POSIXLY_CORRECT");
	int i = optind;

	while (i < argc && !in_order && (argv[i][0] != '-' || !argv[i][1]))
		i++;
	return &argv[i];
}

/* [VALUE]: is no word behind it that could be one? */
static bool value_missing(const char *name, const char *next)
{
	const struct option_row *row = option_named(name);

	return row && row->takes && *row->takes == '[' && (!next || *next == '-');
}

/* "--dur=5" becomes "--duration=5", "--container" without a name "--container=". */
static int complete(char **at, const struct option *names)
{
	const struct option *o;
	bool several, others;
	char *word = *at + 2;
	size_t n;

	if (strncmp(*at, "--", 2) != 0 || !*word)
		return 0;
	n = strcspn(word, "=");
	if (!n)
		return strange("--", names);
	o = begins(names, word, n, false, &several); /* exactly so, or the only one */
	if (!o)
		o = begins(names, word, n, true, &others);
	if (!o && several)
		return ambiguous(names, word, n);
	/* the words of the command line live as long as the process */
	if (o && !word[n] && value_missing(o->name, at[1]))
		return asprintf(at, "--%s=", o->name) < 0 ? STATUS_ERROR : 0;
	if (o && o->name[n] && asprintf(at, "--%s%s", o->name, word + n) < 0)
		return STATUS_ERROR;
	return 0;
}

/* Commands see an option that they do not know, and end. */
int options_next(int argc, char **argv, const char *letters, const struct option *names, int *which)
{
	char word[64], **at;
	const char *next; /* getopt_long() may put another one where it stands */
	int opt;

	if (!tell) {
		opterr = 0;
		at = next_word(argc, argv, letters);
		if (*at && complete(at, names))
			return '?';
		next = *at ? *at : "";
		opt = getopt_long(argc, argv, letters, names, which);
		if (opt == '?')
			wrong(next, letters, names);
		return opt;
	}
	for (const char *l = letters; *l; l++) {
		snprintf(word, sizeof(word), "-%c", *l);
		if (isalnum((unsigned char)*l))
			tell(word, l[1] == ':');
	}
	for (; names->name; names++) {
		snprintf(word, sizeof(word), "--%s", names->name);
		tell(word, names->has_arg == required_argument);
	}
	return '?';
}

void options_each(const struct command *c, void (*fn)(const char *option, bool takes))
{
	/* those that read them by options_next() before they do anything */
	static int (*const readers[])(int, char **) = {
		cmd_build, cmd_asm,     cmd_dis,       cmd_filter,  cmd_map,
		cmd_ps,    cmd_detach,  cmd_run,       cmd_strace,  cmd_list,
		cmd_drop,  cmd_capture, cmd_bcc_trace, cmd_argdist, cmd_seccomp,
	};
	char *argv[] = {(char *)c->name, NULL};
	unsigned i = 0, n = sizeof(readers) / sizeof(*readers);

	while (i < n && readers[i] != c->run)
		i++;
	if (i == n)
		return;
	tell = fn;
	c->run(1, argv);
	tell = NULL;
}
