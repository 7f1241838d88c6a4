/*
 * manual.c: `waggle help man`: the manual page waggle(1), in roff.
 *
 * In:  the tables that the help texts are made of. Out: the page, as `make install` installs it.
 */
#include "cli/cli.h"
#include "cli/tools.h"
#include "cli/trace.h"

#include <string.h>

/* Text of a line: what roff would understand otherwise is escaped. */
static void put(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!i && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", stdout);
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '-')
			fputs("\\-", stdout);
		else if (n - i >= 3 && !memcmp(text + i, "…", 3))
			i += (size_t)printf("...") - 1;
		else
			putchar(text[i]);
	}
}

static void item(const char *head, const char *text, size_t n)
{
	fputs(".TP\n.B ", stdout);
	put(head, strlen(head));
	putchar('\n');
	put(text, n);
	putchar('\n');
}

static void put_options(void)
{
	char head[96];

	puts(".SH OPTIONS");
	for (const struct option_row *r = option_rows; r->letter || r->name; r++) {
		char letter[] = {'-', r->letter, 0};

		snprintf(head, sizeof(head), "%s%s%s%s%s%s", r->letter ? letter : "",
			 r->letter && r->name ? ", " : "", r->name ? "--" : "",
			 r->name ? r->name : "", r->takes ? " " : "", r->takes ? r->takes : "");
		item(head, r->does, strlen(r->does));
	}
}

struct section {
	const char *kind;
};

static void put_word(void *user, const struct waggle_word *w)
{
	const struct section *s = user;

	if (!strcmp(w->kind, s->kind))
		item(w->usage, w->text, strlen(w->text));
}

static void put_language(void)
{
	static const struct {
		const char *kind, *title;
	} sections[] = {{"probe", "PROBES"},         {"value", "VALUES"},
			{"function", "FUNCTIONS"},   {"aggregation", "AGGREGATIONS"},
			{"statement", "STATEMENTS"}, {"operator", "OPERATORS"},
			{"type", "TYPES"},           {"config", "CONFIGURATION"}};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		struct section s = {sections[i].kind};

		printf(".SH %s\n", sections[i].title);
		waggle_words(put_word, &s);
	}
}

static void put_tools(void)
{
	puts(".SH TOOLS\n.P\nEach runs until Ctrl\\-C, or as long as the command behind \\-\\-. "
	     "`waggle help TOOL` tells its options.");
	for (const struct tool *t = tools; t->name; t++) {
		const char *at = tool_text(t);
		struct tool_line l;

		tool_line(&at, &l);
		item(t->name, l.text, l.ntext);
	}
}

void manual_print(void)
{
	puts(".TH WAGGLE 1 \"\" \"waggle " WAGGLE_VERSION "\" \"User Commands\"\n"
	     ".SH NAME\nwaggle \\- compile tracing scripts to BPF, run them, show what they see\n"
	     ".SH SYNOPSIS\n"
	     ".B waggle\n[\\fIOPTIONS\\fR] \\-e \\fISCRIPT\\fR [\\fIARGS\\fR]\n.br\n"
	     ".B waggle\n[\\fIOPTIONS\\fR] \\fIFILE\\fR [\\fIARGS\\fR]\n.br\n"
	     ".B waggle\n\\fITOOL\\fR [\\fIOPTIONS\\fR] [\\-\\- \\fICMD ARGS\\fR]\n.br\n"
	     ".B waggle\n\\fICOMMAND\\fR ...\n"
	     ".SH DESCRIPTION\n.P\n"
	     "A script names probes and what to do there. It is compiled to BPF and run by the "
	     "kernel, or by "
	     "a machine of waggle's own, which needs no rights. Without \\-c, \\-p, \\-\\-duration "
	     "or "
	     "exit() tracing ends at Ctrl\\-C. A file is what has a / in its name or ends with "
	     ".bt, .c "
	     "or .o; else a word is a command, a tool, or a file.");
	puts(".SH COMMANDS");
	for (const struct command *c = commands; c->name; c++)
		item(c->usage, c->does, strlen(c->does));
	put_options();
	put_tools();
	put_language();
	puts(".SH EXIT STATUS\n"
	     "0: all went well; the status of the command of \\-c, or of exit(); 1: an error; 2: a "
	     "wrong "
	     "command line; 3: not permitted; 126, 127: the command cannot be run, or was not "
	     "found; "
	     "128 + N: it died of signal N.\n"
	     ".SH ENVIRONMENT\n"
	     "NO_COLOR: no colours. WAGGLE_MAX_STRLEN, WAGGLE_MAX_MAP_KEYS and so on (or "
	     "BPFTRACE_...): "
	     "the variables of CONFIGURATION.\n"
	     ".SH EXAMPLES\n.nf\n"
	     "waggle \\-e 't:syscalls:sys_enter_openat { emit(pid, comm, path = "
	     "str(args.filename)); }'\n"
	     "waggle opensnoop \\-x \\-\\- ls /nowhere\n"
	     "waggle \\-\\-flame cpu.svg \\-\\-duration 10 \\-e 'profile:hz:99 { @[ustack, kstack] "
	     "= count(); }'\n"
	     ".fi");
}
