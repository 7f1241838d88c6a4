/*
 * bcc_argdist.c: `waggle argdist -C PROBE... -H PROBE...`: bcc's argdist.
 *
 * In:  probes as bcc writes them: 'p:c:write(int fd, void *buf, size_t
 * len):size_t:len:fd==1#label'. Out: a script that counts values (-C) or puts them into histograms
 * (-H) and prints them each interval, and its trace.
 */
#include "cli/bcc.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MOST = 64 };
struct options {
	struct trace trace;
	struct text script, prints; /* what an interval prints */
	struct text any;            /* whether it has something to print */
	char names[NAMES_MOST][BCC_NAME];
	long every, times, top, tid;
	unsigned nprobes, nnames, first; /* that are names of the same kind */
	bool print, keeps;
};

#define LABEL "#;" /* what a label stands behind: bcc's manual has both */

static bool taken(const struct options *o, const char *name)
{
	for (unsigned i = o->first; i < o->nnames; i++)
		if (!strcmp(o->names[i], name))
			return true;
	return false;
}

/* A name for a value, by what it is, that nothing else has. */
static const char *name_of(struct options *o, struct part e)
{
	char *name = o->names[o->nnames];
	unsigned n = bcc_name(e, name);

	for (unsigned i = 2; taken(o, name); i++)
		snprintf(name + n, BCC_NAME - n, "_%u", i);
	o->nnames += o->nnames + 3 < NAMES_MOST;
	return name;
}

/* The next of a list with commas between; more.n is 0 behind the last one. */
static struct part next_of(struct part *more)
{
	struct part one = bcc_until(more->p, ",:" LABEL);

	more->n -= one.n < more->n ? one.n + 1 : more->n;
	more->p = one.p + one.n + 1;
	return bcc_trim(one);
}

static bool is_string(struct part type)
{
	return type.n && memmem(type.p, type.n, "char", 4) && memchr(type.p, '*', type.n);
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

/* What is counted: statements that put it into variables, "$fd = (int)(arg0); ", these as parts of
 * a key, "$fd, $len", and their names, "fd, len". */
struct values {
	struct text set, keys, names;
};

/* One of them, up to where the caller puts the value and "); ". */
static void begin_value(struct options *o, struct values *v, struct part e, struct part type)
{
	const char *name = name_of(o, e);

	text_add(&v->names, v->names.n ? ", %s" : "%s", name);
	text_add(&v->keys, v->keys.n ? ", $%s" : "$%s", name);
	text_add(&v->set, "$%s = ", name);
	if (is_string(type))
		text_add(&v->set, "str(");
	else
		text_add(&v->set, type.n ? "(%.*s)(" : "(", (int)type.n, type.p);
}

/* Expressions with commas between, of their types; without one, calls or what they return. */
static int put_values(struct options *o, struct bcc_probe *p, const struct parts *q,
		      struct values *v)
{
	struct part e = q->values, types = q->types;
	int status = 0;

	if (!e.n && p->kind == 'r') {
		begin_value(o, v, (struct part){"retval", 6}, (struct part){"int", 3});
		text_add(&v->set, p->call.n ? "args.ret); " : "retval); ");
	} else if (!e.n) {
		begin_value(o, v, (struct part){"event", 5}, e);
		text_add(&v->set, "\"%.*s\"); ", (int)p->function.n, p->function.p);
	}
	while (e.n && !status) {
		const char *at = e.p;
		struct part one = next_of(&e);

		if (!one.n || (!e.n && e.p[-1] == ','))
			return bcc_error(p, one.n ? e.p - 1 : at, "TYPES:EXPRESSIONS",
					 "here a value is missing");
		begin_value(o, v, one, types.n ? next_of(&types) : types);
		status = bcc_expression(p, one, &v->set);
		text_add(&v->set, "); ");
	}
	return status;
}

static void put_entries(const struct bcc_probe *p, struct text *s)
{
	if (!p->nentries && !p->latency)
		return;
	bcc_place(p, true, s);
	text_add(s, " /pid != %d/ {\n", getpid());
	if (p->latency)
		text_add(s, "\t@START%u[tid] = nsecs;\n", p->number);
	for (unsigned i = 0; i < p->nentries; i++)
		for (unsigned k = 0; k < p->nparams; k++)
			if (p->params[k].p && p->params[k].n == p->entries[i].n &&
			    !memcmp(p->params[k].p, p->entries[i].p, p->entries[i].n)) {
				text_add(s, "\t@ENTRY%u_%.*s[tid] = ", p->number,
					 (int)p->entries[i].n, p->entries[i].p);
				bcc_argument(p, (int)k, s);
				text_add(s, ";\n");
			}
	text_add(s, "}\n");
}

/* What the probe does for a value: one program, since of two in one place it is open which comes
 * first. */
static void put_body(struct options *o, const struct bcc_probe *p, const char *filter, char how,
		     const struct values *v)
{
	const bool containers = o->trace.opts.containers;
	struct text *s = &o->script;

	bcc_place(p, false, s);
	text_add(s, " /pid != %d", getpid());
	if (o->tid)
		text_add(s, " && tid == %ld", o->tid);
	if (p->latency)
		text_add(s, " && has_key(@START%u, tid)", p->number);
	else if (p->nentries)
		text_add(s, " && has_key(@ENTRY%u_%.*s, tid)", p->number, (int)p->entries[0].n,
			 p->entries[0].p);
	text_add(s, "/ {\n\tif (%s) { %s", filter ? filter : "1", v->set.p);
	if (how == 'H')
		text_add(s, "@%s%s = hist(%s);", v->names.p, containers ? "[container]" : "",
			 v->keys.p);
	else
		text_add(s, "@C%u[%s%s] = count();", p->number, v->keys.p,
			 containers ? ", container" : "");
	text_add(s, " @ANY%u = 1; }\n", p->number);
	if (p->latency)
		text_add(s, "\tdelete(@START%u, tid);\n", p->number);
	for (unsigned i = 0; i < p->nentries; i++)
		text_add(s, "\tdelete(@ENTRY%u_%.*s, tid);\n", p->number, (int)p->entries[i].n,
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

/* What an interval shows of a probe that had something to count. */
static void put_print(struct options *o, const struct bcc_probe *p, struct part label, char how,
		      const char *names)
{
	const char *container = o->trace.opts.containers ? ", container" : "";
	const char *as = o->trace.opts.format;
	struct text *t = &o->prints;

	text_add(&o->any, o->any.n ? " || @ANY%u" : "@ANY%u", p->number);
	text_add(t, "\tif (@ANY%u) {\n\t\t%s(\"", p->number,
		 as && strcmp(as, "text") != 0 ? "printf" : "time"); /* which is no event */
	put_quoted(t, label);
	text_add(t, "\\n\");\n");
	if (how == 'H')
		text_add(t, "\t\tprint(@%s);\n", names);
	else if (o->top)
		text_add(t, "\t\ttable(%ld, count = @C%u, %s%s);\n", o->top, p->number, names,
			 container);
	else
		text_add(t, "\t\ttable(count = @C%u, %s%s);\n", p->number, names, container);
	if (!o->keeps && how == 'H')
		text_add(t, "\t\tclear(@%s);\n", names);
	else if (!o->keeps)
		text_add(t, "\t\tclear(@C%u);\n", p->number);
	text_add(t, "\t\t@ANY%u = 0;\n\t}\n", p->number);
}

static int put_probe(struct options *o, const char *text, char how)
{
	struct bcc_probe p = {.number = o->nprobes++};
	struct text filter = {0};
	struct values values = {0};
	struct parts q = {0};
	const char *at;
	const unsigned before = o->nnames;
	int status = bcc_head(&p, text, false, &at, &o->trace.opts);

	/* names of histograms are those of maps, others' those of columns beside the count */
	o->first = how == 'H' ? 0 : before;
	if (how == 'C') {
		strcpy(o->names[o->nnames++], "container");
		strcpy(o->names[o->nnames++], "count");
	}
	if (!status)
		status = read_parts(&p, at, &q);
	if (!status && q.filter.n)
		status = bcc_expression(&p, q.filter, &filter);
	if (!status && how == 'H' && !q.values.n && p.kind != 'r')
		status = bcc_error(&p, text + strlen(text), ":TYPE:EXPRESSION",
				   "a histogram is one of a value");
	if (!status)
		status = put_values(o, &p, &q, &values);
	if (!status && how == 'H' && values.keys.p && strchr(values.keys.p, ','))
		status = bcc_error(&p, q.values.p, "-C counts several together",
				   "a histogram is one of one value");
	if (!status) {
		put_entries(&p, &o->script);
		put_body(o, &p, filter.p, how, &values);
		put_print(o, &p, q.label, how, values.names.p);
	}
	if (how == 'C')
		o->nnames = before;
	free(filter.p);
	free(values.set.p);
	free(values.keys.p);
	free(values.names.p);
	return status;
}

static void put_interval(struct options *o)
{
	struct text *s = &o->script, show = {0};

	text_add(&show, "\tif (%s) { time(\"[%%H:%%M:%%S]\\n\"); }\n%s", o->any.p, o->prints.p);
	text_add(s, "interval:s:%ld {\n%s", o->every, show.p);
	if (o->times)
		text_add(s, "\t@INTERVALS++;\n\tif (@INTERVALS >= %ld) { exit(); }\n", o->times);
	text_add(s, "}\nend {\n%s}\n", show.p);
	free(show.p);
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

/* Numbers among the probes of the command line may follow -i: "argdist -i 5 -C ...". */
static int take(struct options *o, int opt)
{
	if (opt >= BCC_COMMON)
		return option_take(&o->trace, &option_rows[opt - BCC_COMMON], optarg);
	switch (opt) {
	case 'p': return option_take(&o->trace, option_named("pid"), optarg);
	case 'I': return option_take(&o->trace, option_named("include"), optarg);
	case 'z': return option_take_as(&o->trace, "max-strlen", "--string-size", optarg);
	case 'E': return option_take(&o->trace, option_named("engine"), optarg);
	case 'd': return option_take(&o->trace, option_named("duration"), optarg);
	case 't': return bcc_number(optarg, &o->tid);
	case 'c': o->keeps = true; return 0;
	case 'i': return bcc_number(optarg, &o->every);
	case 'n': return bcc_number(optarg, &o->times);
	case 'T': return bcc_number(optarg, &o->top);
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
	struct options o = {.every = 1, .names = {"container"}, .nnames = 1};
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
	free(o.any.p);
	return status;
}
