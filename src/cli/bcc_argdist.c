/*
 * bcc_argdist.c: `waggle argdist -C PROBE... -H PROBE...`: bcc's argdist.
 *
 * In:  probes as bcc writes them: 'p:c:write(int fd, void *buf, size_t
 * len):size_t:len:fd==1#label'. Out: a script that counts values (-C) or puts them into histograms
 * (-H) and prints them each interval, and its trace.
 */
#include "cli/bcc.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct trace trace;
	struct text script, prints; /* what an interval prints */
	long every, times, top, tid;
	unsigned nprobes;
	bool print, keeps;
};

#define LABEL "#;" /* what a label stands behind: bcc's manual has both */

/* "int,char*": is the i-th one a string? */
static bool is_string(struct part types, unsigned i)
{
	struct part t = bcc_until(types.p, ",:" LABEL);

	for (; i && t.p[t.n] == ','; i--)
		t = bcc_until(t.p + t.n + 1, ",:" LABEL);
	return !i && memmem(t.p, t.n, "char", 4) && memchr(t.p, '*', t.n);
}

/* Expressions with commas between, as parts of a key or the one value of a histogram. */
static int put_values(struct bcc_probe *p, struct part types, struct part e, struct text *t)
{
	const char *end = e.p + e.n;
	int status = 0;

	for (unsigned i = 0; e.p < end && !status; i++) {
		struct part one = bcc_until(e.p, ",:" LABEL);
		bool string = is_string(types, i);

		text_add(t, "%s%s", i ? ", " : "", string ? "str(" : "");
		status = bcc_expression(p, one, t);
		text_add(t, "%s", string ? ")" : "");
		e.p = one.p + one.n + 1;
	}
	return status;
}

/* :TYPES:EXPRESSIONS:FILTER#LABEL, or ;LABEL */
struct parts {
	struct part types, values, filter, label;
};

static int read_parts(const struct bcc_probe *p, const char *at, struct parts *q)
{
	struct part *const in_order[] = {&q->types, &q->values, &q->filter};

	for (int i = 0; i < 3 && *at == ':'; i++) {
		*in_order[i] = bcc_until(at + 1, i < 2 ? ":" LABEL : LABEL);
		at = in_order[i]->p + in_order[i]->n;
	}
	if (*at && strchr(LABEL, *at))
		q->label = (struct part){at + 1, strlen(at + 1)};
	else if (*at)
		return bcc_error(p, at, "p:LIB:FUNCTION(SIGNATURE):TYPES:EXPRESSIONS:FILTER#LABEL",
				 "this does not belong here");
	if (q->types.n && !q->values.n)
		return bcc_error(p, q->types.p, "TYPES:EXPRESSIONS",
				 "behind a type stands what is to be counted");
	if (!q->label.n)
		q->label = (struct part){p->all, strcspn(p->all, LABEL)};
	return 0;
}

static void put_entries(const struct bcc_probe *p, struct text *s)
{
	if (!p->nentries && !p->latency)
		return;
	bcc_place(p, true, s);
	text_add(s, " /pid != %d/ {\n", getpid());
	if (p->latency)
		text_add(s, "\t@start%u[tid] = nsecs;\n", p->number);
	for (unsigned i = 0; i < p->nentries; i++)
		for (unsigned k = 0; k < p->nparams; k++)
			if (p->params[k].p && p->params[k].n == p->entries[i].n &&
			    !memcmp(p->params[k].p, p->entries[i].p, p->entries[i].n)) {
				text_add(s, "\t@entry%u_%.*s[tid] = ", p->number,
					 (int)p->entries[i].n, p->entries[i].p);
				bcc_argument(p, (int)k, s);
				text_add(s, ";\n");
			}
	text_add(s, "}\n");
}

/* What the probe does for a value: one program, since of two in one place it is open which comes
 * first. */
static void put_body(struct options *o, const struct bcc_probe *p, const char *filter, char how,
		     const char *values)
{
	struct text *s = &o->script;

	bcc_place(p, false, s);
	text_add(s, " /pid != %d", getpid());
	if (o->tid)
		text_add(s, " && tid == %ld", o->tid);
	if (p->latency)
		text_add(s, " && has_key(@start%u, tid)", p->number);
	else if (p->nentries)
		text_add(s, " && has_key(@entry%u_%.*s, tid)", p->number, (int)p->entries[0].n,
			 p->entries[0].p);
	text_add(s, filter ? "/ {\n\tif (%s) { " : "/ {\n\t", filter);
	text_add(s, how == 'H' ? "@%c%u = hist(%s);" : "@%c%u[%s] = count();", how, p->number,
		 values);
	text_add(s, filter ? " }\n" : "\n");
	if (p->latency)
		text_add(s, "\tdelete(@start%u, tid);\n", p->number);
	for (unsigned i = 0; i < p->nentries; i++)
		text_add(s, "\tdelete(@entry%u_%.*s, tid);\n", p->number, (int)p->entries[i].n,
			 p->entries[i].p);
	text_add(s, "}\n");
}

/* In a string of our language. */
static void put_quoted(struct text *t, struct part p)
{
	for (size_t i = 0; i < p.n; i++)
		text_add(t,
			 p.p[i] == '"' || p.p[i] == '\\' ? "\\%c"
			 : p.p[i] == '%'                 ? "%%%c"
							 : "%c",
			 p.p[i]);
}

static int put_probe(struct options *o, const char *text, char how)
{
	struct bcc_probe p = {.number = o->nprobes++};
	struct text filter = {0}, values = {0}, *s = &o->script;
	struct parts q = {0};
	const char *at;
	int status = bcc_head(&p, text, &at, &o->trace.opts);

	if (!status)
		status = read_parts(&p, at, &q);
	if (!status && q.filter.n)
		status = bcc_expression(&p, q.filter, &filter);
	if (!status && q.values.n)
		status = put_values(&p, q.types, q.values, &values);
	else if (!status)
		text_add(&values,
			 p.kind != 'r' ? "\"%.*s\""
			 : p.call.n    ? "args.ret"
				       : "retval",
			 (int)p.function.n, p.function.p);
	if (!status && how == 'H' && !q.values.n && p.kind != 'r')
		status = bcc_error(&p, text + strlen(text), ":TYPE:EXPRESSION",
				   "a histogram is one of a value");
	if (!status) {
		put_entries(&p, s);
		put_body(o, &p, filter.n ? filter.p : NULL, how, values.p);
		text_add(&o->prints, "\tprintf(\"");
		put_quoted(&o->prints, q.label);
		text_add(&o->prints, "\\n\");\n\tprint(@%c%u", how, p.number);
		if (o->top && how == 'C')
			text_add(&o->prints, ", %ld", o->top);
		text_add(&o->prints, ");\n");
		if (!o->keeps)
			text_add(&o->prints, "\tclear(@%c%u);\n", how, p.number);
	}
	free(filter.p);
	free(values.p);
	return status;
}

static void put_interval(struct options *o)
{
	struct text *s = &o->script;

	text_add(s, "interval:s:%ld {\n\ttime(\"[%%H:%%M:%%S]\\n\");\n%s", o->every, o->prints.p);
	if (o->times)
		text_add(s, "\t@intervals++;\n\tif (@intervals >= %ld) { exit(); }\n", o->times);
	text_add(s, "}\nend {\n%s}\n", o->prints.p);
}

static const char help[] =
	"waggle argdist [OPTIONS] -C PROBE... -H PROBE...: values of functions, counted, with "
	"bcc's syntax\n"
	"\n"
	"  p:LIB:FUNCTION(SIGNATURE):TYPES:EXPRESSIONS:FILTER#LABEL\n"
	"  p: entry, r: return, t:CATEGORY:EVENT, u:LIB:PROBE; without LIB the kernel's. From "
	":TYPES on all\n"
	"  may be missing: then calls are counted, or what they return.\n"
	"  Names of the signature, arg1 to arg6, $retval, $entry(NAME), $latency (ns), "
	"args->FIELD, $PID,\n"
	"  STRCMP(\"text\", NAME)\n"
	"\n"
	"  -C, --count, -H, --histogram\n"
	"                           the probes behind it: how often each value came, a histogram\n"
	"  -p PID, -t TID           only this process, this thread\n"
	"  -c                       counts go on from one interval to the next\n"
	"  -i N, -n N, -d N         print each N seconds (1), N times, end after N seconds\n"
	"  -T N                     the N most frequent values\n"
	"  -I HEADER, -z N          types; bytes of strings\n"
	"  -v, --print-script       print the script and end\n"
	"  as all tools: --comm, --uid, --cgroup, --container, --duration, --json, --engine,\n"
	"  --stats and more of `waggle -h`\n"
	"  -- CMD ARGS              run a command, trace it until it ends\n"
	"\n"
	"Example:\n"
	"  waggle argdist -C 'p:c:write(int fd, void *buf, size_t len):size_t:len:fd==1' -- echo "
	"hello\n";

static int take_number(const char *text, long *n)
{
	char *end;

	*n = strtol(text, &end, 10);
	return end == text || *end || *n <= 0 ? usage_error("'%s' is no number", text) : 0;
}

/* Numbers among the probes of the command line may follow -i: "argdist -i 5 -C ...". */
static int take(struct options *o, int opt)
{
	if (opt >= BCC_COMMON)
		return option_take(&o->trace, &option_rows[opt - BCC_COMMON], optarg);
	switch (opt) {
	case 'p': return option_take(&o->trace, option_named("pid"), optarg);
	case 'I': return option_take(&o->trace, option_named("include"), optarg);
	case 'z': return option_take(&o->trace, option_named("max-strlen"), optarg);
	case 'E': return option_take(&o->trace, option_named("engine"), optarg);
	case 'd': return option_take(&o->trace, option_named("duration"), optarg);
	case 't': return take_number(optarg, &o->tid);
	case 'c': o->keeps = true; return 0;
	case 'i': return take_number(optarg, &o->every);
	case 'n': return take_number(optarg, &o->times);
	case 'T': return take_number(optarg, &o->top);
	case 'v': o->print = true; return 0;
	case 'h': fputs(help, stdout); exit(output_check(STATUS_OK));
	default: return STATUS_USAGE;
	}
}

static const struct option own[] = {{"help", 0, NULL, 'h'},        {"print-script", 0, NULL, 'v'},
				    {"pid", 1, NULL, 'p'},         {"engine", 1, NULL, 'E'},
				    {"duration", 1, NULL, 'd'},    {"interval", 1, NULL, 'i'},
				    {"number", 1, NULL, 'n'},      {"top", 1, NULL, 'T'},
				    {"tid", 1, NULL, 't'},         {"cumulative", 0, NULL, 'c'},
				    {"string-size", 1, NULL, 'z'}, {"include", 1, NULL, 'I'},
				    {"verbose", 0, NULL, 'v'},     {"count", 2, NULL, 'C'},
				    {"histogram", 2, NULL, 'H'},   {0}};

/* "--count=PROBE": options_next() has completed the name. */
static const struct option *long_option(const struct option *names, const char *word)
{
	const size_t n = strcspn(word + 2, "=");

	while (names->name && (strncmp(names->name, word + 2, n) != 0 || names->name[n]))
		names++;
	return names->name ? names : NULL;
}

/* Does the word behind it belong to it? */
static bool takes_next(const struct option *names, const char *word)
{
	const struct option *o;

	if (word[1] != '-')
		return word[1] && strchr("pIzdinTt", word[1]) && !word[2];
	o = strchr(word, '=') ? NULL : long_option(names, word);
	return o && o->has_arg == required_argument;
}

/* -C, --count, --count=PROBE: 'C'; the same of -H; 0: another word. */
static char kind_of(const struct option *names, const char *word)
{
	const struct option *o;

	if (word[0] == '-' && (word[1] == 'C' || word[1] == 'H'))
		return word[1];
	o = word[0] == '-' && word[1] == '-' ? long_option(names, word) : NULL;
	return o && (o->val == 'C' || o->val == 'H') ? (char)o->val : 0;
}

/* First the options of all, then the probes: -C and -H hold for all that follow. */
static int put_probes(struct options *o, const struct option *names, int argc, char **argv)
{
	char how = 0;
	int status = 0;

	for (int i = 1; i < argc && !status; i++) {
		char kind = kind_of(names, argv[i]);

		how = kind ? kind : how;
		if (kind && argv[i][1] != '-' && argv[i][2])
			status = put_probe(o, argv[i] + 2, how); /* -Cp::foo */
		else if (kind && strchr(argv[i], '='))
			status = put_probe(o, strchr(argv[i], '=') + 1, how);
		else if (kind)
			continue;
		else if (argv[i][0] == '-')
			i += takes_next(names, argv[i]);
		else if (how)
			status = put_probe(o, argv[i], how);
		else
			status = usage_error(
				"before '%s' stands -C, to count values, or -H, for a histogram",
				argv[i]);
	}
	if (!status && !o->nprobes)
		status = usage_error("argdist takes probes: -C or -H, p:LIB:FUNCTION...");
	return status;
}

int cmd_argdist(int argc, char **argv)
{
	struct options o = {.every = 1};
	struct option names[BCC_OPTIONS_MOST];
	int opt, end = 1, status = trace_open(&o.trace);

	bcc_options(names, own);
	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	while (!status &&
	       (opt = options_next(end, argv, "-hp:i:n:d:T:I:z:t:cvC::H::", names, NULL)) >= 0)
		if (opt != 1 && opt != 'C' && opt != 'H')
			status = take(&o, opt);
	text_add(&o.script, "config = { print_maps_on_exit = false }\n");
	bcc_types(argv + 1, end - 1, &o.script);
	if (!status)
		status = put_probes(&o, names, end, argv);
	if (!status)
		put_interval(&o);
	status = bcc_run(&o.trace, "argdist", &o.script, end < argc ? argv + end + 1 : NULL,
			 o.print, status);
	free(o.prints.p);
	return status;
}
