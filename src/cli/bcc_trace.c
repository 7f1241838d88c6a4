/*
 * bcc_trace.c: `waggle trace PROBE...`: bcc's trace.
 *
 * In:  probes as bcc writes them: 'p:c:write(int fd) (fd == 1) "to %d", fd'. Out: a script that
 * prints a line for each event, and its trace.
 */
#include "cli/bcc.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct trace trace;
	struct text probes;         /* their part of the script */
	const char *name, *message; /* what names, what messages must have in them */
	long tid, most;
	bool time, offset, since_1970, cpu, kstack, ustack, address, own, sums, binary, print,
		messages;
};

/* The C type that a conversion takes: an int of a function has nothing to tell in its upper half.
 */
static const char *type_of(const char *length, char conversion)
{
	bool is_signed = conversion == 'd' || conversion == 'i';

	switch (conversion) {
	case 's': return "str(";
	case 'K': return "ksym(";
	case 'U': return "usym(";
	case 'd':
	case 'i':
	case 'u':
	case 'o':
	case 'x':
	case 'X': break;
	default: return "(";
	}
	if (strpbrk(length, "lqjzt"))
		return is_signed ? "(int64)(" : "(uint64)(";
	if (strstr(length, "hh"))
		return is_signed ? "(int8)(" : "(uint8)(";
	if (strchr(length, 'h'))
		return is_signed ? "(int16)(" : "(uint16)(";
	return is_signed ? "(int32)(" : "(uint32)(";
}

/* What stands in a format behind its %: as ours, and how its argument is wrapped. */
static size_t put_format(const char *f, struct text *format, const char **wrap)
{
	size_t n = strspn(f + 1, "-+ #0123456789.") + 1, more = strspn(f + n, "lhqjzt");
	char length[4];

	snprintf(length, sizeof(length), "%.*s", (int)more, f + n);
	*wrap = type_of(length, f[n + more]);
	text_add(format, "%.*s%c", (int)n, f, strchr("KU", f[n + more]) ? 's' : f[n + more]);
	return n + more + 1;
}

/* -f: one of the strings of a message must have the text in it, where the format has not. */
static void put_match(const char *text, struct part format, struct bcc_probe *p, struct part e,
		      struct text *match)
{
	if (!text || memmem(format.p, format.n, text, strlen(text)))
		return;
	text_add(match, match->n ? " || strcontains(str(" : "strcontains(str(");
	bcc_expression(p, e, match);
	text_add(match, "), \"%s\")", text);
}

/* "format", arguments: one for each %. */
static int put_message(const struct options *o, struct bcc_probe *p, const char *at,
		       struct text *format, struct text *args, struct text *match)
{
	struct part f = {at, 0}, all;
	const char *end, *wrap;
	char name[BCC_NAME];

	while (at[++f.n] && at[f.n] != '"')
		f.n += at[f.n] == '\\' && at[f.n + 1];
	if (!at[f.n])
		return bcc_error(p, at, NULL, "this text does not end");
	end = at + f.n;
	all = f;
	for (at++, f.p = end + 1; at < end;) {
		struct part e;

		if (*at != '%' || at[1] == '%') {
			text_add(format, "%.*s", *at == '%' ? 2 : 1, at);
			at += *at == '%' ? 2 : 1;
			continue;
		}
		at += put_format(at, format, &wrap);
		f.p += strspn(f.p, " ");
		if (*f.p != ',')
			return bcc_error(p, f.p, NULL,
					 "here an argument for the format is missing");
		e = bcc_until(f.p + 1, ",");
		bcc_name(e, name);
		text_add(args, o->sums ? ", %s%s" : ", %s = %s", o->sums ? "" : name, wrap);
		if (bcc_expression(p, e, args))
			return STATUS_USAGE;
		text_add(args, ")");
		if (!strcmp(wrap, "str("))
			put_match(o->message, all, p, e, match);
		f.p = e.p + e.n;
	}
	f.p += strspn(f.p, " ");
	if (o->message && !match->n && !memmem(all.p, all.n, o->message, strlen(o->message)))
		return bcc_error(p, all.p, "-f is for strings: %s; a predicate chooses by numbers",
				 "no message of this can have '%s' in it", o->message);
	return *f.p ? bcc_error(p, f.p, NULL, "the format has no place for this") : 0;
}

/* The line of an event, whole in one record, or for -A one more of its kind. */
static void put_line(const struct options *o, const struct bcc_probe *p, const char *format,
		     const char *args, struct text *s)
{
	const char *kstack = !o->kstack ? "" : o->address ? ", kstack(perf)" : ", kstack";
	const bool containers = o->trace.opts.containers;
	const char *ustack = !o->ustack ? "" : o->address ? ", ustack(perf)" : ", ustack";

	if (o->sums) {
		text_add(s, "\t@traces[pid, tid, comm%s, \"%.*s\"%s%s%s] = count();\n",
			 containers ? ", container" : "", (int)p->function.n, p->function.p, args,
			 kstack, ustack);
		return;
	}
	text_add(s, "\tprintf(\"%s%s%s%%-7d %%-7d %%-15s %s%%-16s %s%s%s\\n\"",
		 o->time ? "%-8s " : "",
		 !o->offset      ? ""
		 : o->since_1970 ? "%-17s "
				 : "%s ",
		 o->cpu ? "%-3d " : "", containers ? "%-12s %-8d " : "", format,
		 *kstack ? "%s" : "", *ustack ? "%s" : "");
	text_add(s, "%s%s%s", o->time ? ", time = strftime(\"%H:%M:%S\", nsecs)" : "",
		 !o->offset      ? ""
		 : o->since_1970 ? ", time_s = strftime(\"%s.%f\", nsecs)"
				 : ", time_s = decimal(elapsed / 1000, 6)",
		 o->cpu ? ", cpu" : "");
	text_add(s, ", pid, tid, comm%s, func = \"%.*s\"%s%s%s);\n",
		 containers ? ", str(curtask.nsproxy.uts_ns.name.nodename, 65), cgroup" : "",
		 (int)p->function.n, p->function.p, args, kstack, ustack);
}

static int put_probe(struct options *o, const char *text)
{
	struct bcc_probe p = {.binary = o->binary};
	struct text filter = {0}, format = {0}, args = {0}, match = {0}, *s = &o->probes;
	const char *at;
	int status = bcc_head(&p, text, true, &at, &o->trace.opts);

	at += status ? 0 : strspn(at, " ");
	if (!status && *at == '(') {
		struct part e = bcc_until(at + 1, ")");

		if (e.p[e.n] != ')')
			status = bcc_error(&p, at, NULL, "this parenthesis is not closed");
		else
			status = bcc_expression(&p, e, &filter);
		at = status ? at : e.p + e.n + 1 + strspn(e.p + e.n + 1, " ");
	}
	o->messages = o->messages || *at == '"';
	if (!status && *at == '"')
		status = put_message(o, &p, at, &format, &args, &match);
	else if (!status && *at)
		status = bcc_error(&p, at, "p::FUNCTION (PREDICATE) \"FORMAT\", ARGUMENTS",
				   "a text in quotes belongs here");
	if (!status && p.nentries)
		status = bcc_error(&p, p.all, NULL,
				   "when a function returns, its arguments are gone");
	if (!status) {
		bcc_place(&p, false, s);
		text_add(s, " /%s", o->own ? "1" : "");
		if (!o->own)
			text_add(s, "pid != %d", getpid());
		if (o->tid)
			text_add(s, " && tid == %ld", o->tid);
		if (o->name)
			text_add(s, " && strcontains(comm, \"%s\")", o->name);
		if (filter.n)
			text_add(s, " && (%s)", filter.p);
		text_add(s, match.n ? " && (%s)/ {\n" : "/ {\n", match.p);
		put_line(o, &p, format.n ? format.p : "", args.n ? args.p : "", s);
		if (o->most)
			text_add(s, "\t@events++;\n\tif (@events >= %ld) { exit(); }\n", o->most);
		text_add(s, "}\n");
	}
	free(filter.p);
	free(format.p);
	free(args.p);
	free(match.p);
	return status;
}

/* Titles of the columns are for people: other formats have none. */
static void put_header(const struct options *o, struct text *t)
{
	const char *as = o->trace.opts.format;

	text_add(t, "config = { print_maps_on_exit = false }\n");
	if (o->sums) {
		text_add(t, "end { print(@traces); }\n");
		return;
	}
	if (as && strcmp(as, "text") != 0)
		return;
	/* what time() prints is no event */
	text_add(t, "begin { time(\"%s%s%sPID     TID     COMM            %sFUNC             %s\\n\"); }\n",
		 o->time ? "TIME     " : "",
		 !o->offset      ? ""
		 : o->since_1970 ? "TIME              "
				 : "TIME     ",
		 o->cpu ? "CPU " : "", o->trace.opts.containers ? "NODENAME     CGROUP   " : "",
		 o->messages ? "-" : "");
}

static const char help[] =
	"waggle trace [OPTIONS] PROBE...: a line for each call of functions, with bcc's syntax\n"
	"\n"
	"  p:LIB:FUNCTION(SIGNATURE) (PREDICATE) \"FORMAT\", ARGUMENTS\n"
	"  p: entry (also LIB:FUNCTION, FUNCTION), r: return, t:CATEGORY:EVENT, u:LIB:PROBE; "
	"without\n"
	"  LIB the kernel's\n"
	"  arg1 to arg6, names of the signature, retval, args->FIELD, $pid, $tgid, $uid, $gid, "
	"$cpu,\n"
	"  STRCMP(\"text\", arg1), arg1@user: in the process; %s strings, %K and %U functions of "
	"an\n"
	"  address\n"
	"\n"
	"  -p PID, -L TID, -n NAME  only this process, this thread, names with NAME in it\n"
	"  -f TEXT                  only messages with TEXT in one of their strings\n"
	"  -M N                     end after N lines\n"
	"  --uid USER, -c CGROUP    only of that user; only in that cgroup\n"
	"  -T, -t, -C               columns: time of day, time since the beginning (-u: since "
	"1970), "
	"CPU\n"
	"  -K, -U, -a               stacks of the kernel, of the process; with addresses\n"
	"  -A                       no lines, but at the end how often each came\n"
	"  -B                       STRCMP() compares bytes, also behind a 0\n"
	"  -I HEADER, -Z N, -b N    types; bytes of strings; pages of each CPU's ring\n"
	"  -S                       waggle's own events, too\n"
	"  -v, --print-script       print the script and end\n"
	"  as all tools: --comm, --cgroup, --container, --duration, --json, --flame, --engine,\n"
	"  --stats and more of `waggle -h`\n"
	"  -- CMD ARGS              run a command, trace it until it ends\n"
	"\n"
	"Examples:\n"
	"  waggle trace 'p:c:write(int fd, void *buf, size_t len) (fd == 1) \"%d bytes\", len' -- "
	"echo hello\n"
	"  waggle trace 't:sched:sched_process_exec \"%s\", args->filename' -- sh -c true\n";

static int take(struct options *o, int opt)
{
	if (opt >= BCC_COMMON)
		return option_take(&o->trace, &option_rows[opt - BCC_COMMON], optarg);
	switch (opt) {
	case 'p': return option_take(&o->trace, option_named("pid"), optarg);
	case 'c': return option_take(&o->trace, option_named("cgroup"), optarg);
	case 'I': return option_take(&o->trace, option_named("include"), optarg);
	case 'z':
	case 'Z': return option_take_as(&o->trace, "max-strlen", "--string-size", optarg);
	case 'b': return option_take_as(&o->trace, "perf-rb-pages", "--buffer-pages", optarg);
	case 'i': return option_take(&o->trace, option_named("uid"), optarg);
	case 'f':
		o->message = optarg;
		return strpbrk(optarg, "\"\\") ? usage_error("a text for -f has no quotes") : 0;
	case 's': return 0; /* symbols are found in every file that a process has mapped */
	case 'E': return option_take(&o->trace, option_named("engine"), optarg);
	case 'D': return option_take(&o->trace, option_named("duration"), optarg);
	case 'L': return bcc_number(optarg, &o->tid);
	case 'M': return bcc_number(optarg, &o->most);
	case 'n':
		o->name = optarg;
		return strpbrk(optarg, "\"\\") ? usage_error("a name has no quotes") : 0;
	case 'T': o->time = true; return 0;
	case 't': o->offset = true; return 0;
	case 'u': o->since_1970 = true; return 0;
	case 'C': o->cpu = true; return 0;
	case 'a': o->address = true; return 0;
	case 'A': o->sums = true; return 0;
	case 'B': o->binary = true; return 0;
	case 'K': o->kstack = true; return 0;
	case 'U': o->ustack = true; return 0;
	case 'S': o->own = true; return 0;
	case 'v': o->print = true; return 0;
	case 'h': fputs(help, stdout); exit(output_check(STATUS_OK));
	default: return STATUS_USAGE;
	}
}

int cmd_bcc_trace(int argc, char **argv)
{
	static const struct option own[] = {{"help", 0, NULL, 'h'},
					    {"print-script", 0, NULL, 'v'},
					    {"verbose", 0, NULL, 'v'},
					    {"pid", 1, NULL, 'p'},
					    {"tid", 1, NULL, 'L'},
					    {"uid", 1, NULL, 'i'},
					    {"engine", 1, NULL, 'E'},
					    {"duration", 1, NULL, 'D'},
					    {"max-events", 1, NULL, 'M'},
					    {"buffer-pages", 1, NULL, 'b'},
					    {"string-size", 1, NULL, 'Z'},
					    {"include-self", 0, NULL, 'S'},
					    {"timestamp", 0, NULL, 't'},
					    {"unix-timestamp", 0, NULL, 'u'},
					    {"time", 0, NULL, 'T'},
					    {"print_cpu", 0, NULL, 'C'},
					    {"cgroup-path", 1, NULL, 'c'},
					    {"name", 1, NULL, 'n'},
					    {"msg-filter", 1, NULL, 'f'},
					    {"bin_cmp", 0, NULL, 'B'},
					    {"sym_file_list", 1, NULL, 's'},
					    {"kernel-stack", 0, NULL, 'K'},
					    {"user-stack", 0, NULL, 'U'},
					    {"address", 0, NULL, 'a'},
					    {"include", 1, NULL, 'I'},
					    {"aggregate", 0, NULL, 'A'},
					    {0}};
	struct options o = {0};
	struct text script = {0};
	struct option names[BCC_OPTIONS_MOST];
	int opt, end = 1, status = trace_open(&o.trace);

	bcc_options(names, own);
	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	while (!status && (opt = options_next(end, argv, "hp:L:n:M:TtuCKUaABc:I:z:Z:b:f:s:Sv",
					      names, NULL)) >= 0)
		status = take(&o, opt);
	if (!status && optind == end)
		status = usage_error("trace takes a probe: p:LIB:FUNCTION, t:CATEGORY:EVENT");
	for (int i = optind; i < end && !status; i++)
		status = put_probe(&o, argv[i]);
	put_header(&o, &script);
	bcc_types(argv + optind, end - optind, &script);
	text_add(&script, "%s", o.probes.p ? o.probes.p : "");
	free(o.probes.p);
	o.trace.opts.containers &= o.sums; /* else they stand in a format */
	status = bcc_run(&o.trace, "trace", &script, end < argc ? argv + end + 1 : NULL, o.print,
			 status);
	return status;
}
