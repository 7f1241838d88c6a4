/*
 * tools.c: the tools of this program: their scripts, and what their heads say.
 *
 * In:  tools/NAME.bt, which gzip packs, to a third of their size, and the assembler puts in. Out:
 * lines and options of a head; `waggle tools`, `waggle help TOOL`.
 */
#include "cli/tools.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define TOOL(name)                                                \
	extern const char tool_text_##name[], tool_end_##name[];  \
	__asm__(".pushsection .rodata\n"                          \
		".hidden tool_text_" #name "\n"                   \
		".global tool_text_" #name "\n"                   \
		"tool_text_" #name ": .incbin \"" #name ".gz\"\n" \
		".hidden tool_end_" #name "\n"                    \
		".global tool_end_" #name "\n"                    \
		"tool_end_" #name ": .popsection\n");
#include "cli/tools.def"
#undef TOOL

const struct tool tools[] = {
#define TOOL(name) {#name, tool_text_##name, tool_end_##name},
#include "cli/tools.def"
#undef TOOL
	{0}};

const struct tool *tool_find(const char *name)
{
	for (const struct tool *t = tools; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

const char *tool_text(const struct tool *t)
{
	static char *texts[sizeof(tools) / sizeof(*tools)]; /* for as long as the process lives */
	char **text = &texts[t - tools];

	if (!*text)
		waggle_unpack(t->packed, (size_t)(t->end - t->packed), text);
	return *text ? *text : "/*\n * : out of memory\n */\n";
}

int tool_line(const char **at, struct tool_line *l)
{
	static const char *const words[] = {"view",   "everybody", "family", "alone", "args",
					    "option", "param",     "always", "lacks", "example"};
	const char *p = *at, *end;

	*l = (struct tool_line){.word = ""};
	if (!strncmp(p, "/*\n", 3)) { /* the first one: NAME: what it does */
		p = strstr(p, ": ") ? strstr(p, ": ") + 2 : p;
		end = strchr(p, '\n');
		l->text = p;
		l->ntext = (size_t)(end - p);
		*at = end + 1;
		return 1;
	}
	end = strchr(p, '\n');
	if (!end || strncmp(p, " *", 2) != 0 || p[2] == '/')
		return 0;
	p += 2 + (p[2] == ' ');
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words) && !l->nword; i++) {
		size_t n = strlen(words[i]);

		if (!strncmp(p, words[i], n) && (p[n] == ' ' || p[n] == '\n')) {
			l->word = words[i];
			l->nword = n;
			p += n + (p[n] == ' ');
		}
	}
	l->text = p;
	l->ntext = (size_t)(end - p);
	*at = end + 1;
	return 1;
}

int tool_option(const struct tool_line *l, struct tool_option *o)
{
	const char *tab = memchr(l->text, '\t', l->ntext), *end = l->text + l->ntext;
	char letter[8] = "", *same, *value;
	int n;

	*o = (struct tool_option){0};
	o->own = !strcmp(l->word, "param");
	o->lacks = !strcmp(l->word, "lacks");
	o->always = !strcmp(l->word, "always");
	if ((!o->own && !o->lacks && !o->always && strcmp(l->word, "option") != 0) || !tab)
		return 0;
	n = l->text[1] == '-'
		    ? sscanf(l->text, "--%31s%*[ ]%47[^\t\n]", o->name, o->takes) + 1
		    : sscanf(l->text, "-%1s --%31s%*[ ]%47[^\t\n]", letter, o->name, o->takes);
	o->letter = letter[0];
	same = strchr(o->takes, '=');
	if (same) { /* "N =max-map-keys", "=stack-mode raw" */
		value = strchr(same, ' ');
		if (value)
			*value++ = 0;
		o->same = same + 1;
		o->value = value;
		same[same > o->takes ? -1 : 0] = 0;
	}
	while (tab < end && *tab == '\t')
		tab++;
	o->does = tab;
	o->ndoes = (size_t)(end - tab);
	return n >= 2;
}

static void summary(const struct tool *t)
{
	const char *at = tool_text(t);
	struct tool_line l;

	tool_line(&at, &l);
	printf("  %-14s %.*s\n", t->name, (int)l.ntext, l.text);
}

/* Commands that trace as tools do, in the alphabet's order: the k-th and all others in front of a
 * name. The next one's number. */
static unsigned commands_before(unsigned k, const char *name)
{
	static const char *const beside[] = {"argdist", "strace", "trace"};

	for (; k < sizeof(beside) / sizeof(*beside) && strcmp(beside[k], name) < 0; k++)
		for (const struct command *c = commands; c->name; c++)
			if (!strcmp(c->name, beside[k]))
				printf("  %-14s %s (a command)\n", c->name, c->does);
	return k;
}

int cmd_tools(int argc, char **argv)
{
	unsigned k = 0;

	(void)argv;
	if (argc > 1)
		return usage_error("tools takes nothing: `waggle help TOOL` tells of one");
	for (const struct tool *t = tools; t->name; t++) {
		k = commands_before(k, t->name);
		summary(t);
	}
	commands_before(k, "~");
	return STATUS_OK;
}

/* Lines of the head with that word. */
static void print_lines(const struct tool *t, const char *word, const char *title)
{
	const char *at = tool_text(t);
	struct tool_line l;
	struct tool_option o;
	char left[80];

	while (tool_line(&at, &l)) {
		if (!l.nword || (strcmp(l.word, word) != 0 &&
				 (strcmp(word, "option") != 0 ||
				  (strcmp(l.word, "param") != 0 && strcmp(l.word, "always") != 0))))
			continue;
		if (title)
			printf("\n%s\n", title);
		title = NULL;
		if (!tool_option(&l, &o)) {
			printf("  %.*s\n", (int)l.ntext, l.text);
			continue;
		}
		snprintf(left, sizeof(left), o.letter ? "-%c, --%s %s" : "%c   --%s %s",
			 o.letter ? o.letter : ' ', o.name, o.takes);
		printf("  %-24s %.*s\n", left, (int)o.ndoes, o.does);
	}
}

/* What stands behind the lines with words. */
static void print_text(const struct tool *t)
{
	const char *at = tool_text(t);
	struct tool_line l;
	int first = 1;

	tool_line(&at, &l);
	while (tool_line(&at, &l)) {
		if (!l.nword && l.ntext)
			printf("%s%.*s\n", first ? "\n" : "", (int)l.ntext, l.text);
		first &= l.nword || !l.ntext;
	}
}

/* "[SECONDS=10 [COUNT]]" without what they are when they are not given. */
static void print_args(const struct tool *t)
{
	const char *at = tool_text(t);
	struct tool_line l;

	while (tool_line(&at, &l)) {
		if (strcmp(l.word, "args") != 0)
			continue;
		putchar(' ');
		for (size_t i = 0; i < l.ntext; i++) {
			if (l.text[i] == '=')
				i += strcspn(l.text + i, " ]\n");
			if (i < l.ntext)
				putchar(l.text[i]);
		}
	}
}

static bool for_everybody(const struct tool *t)
{
	const char *at = tool_text(t);
	struct tool_line l;

	while (tool_line(&at, &l))
		if (!strcmp(l.word, "everybody"))
			return true;
	return false;
}

void tool_help(const struct tool *t)
{
	const char *at = tool_text(t);
	struct tool_line l;

	tool_line(&at, &l);
	printf("%s: %.*s\n\n  waggle %s [OPTIONS]", t->name, (int)l.ntext, l.text, t->name);
	print_args(t);
	puts(" [-- CMD ARGS]\n");
	print_lines(t, "option", NULL);
	puts("  as all tools: --pid, --comm, --uid, --cgroup, --container, --duration, --json,\n"
	     "  --flame, --engine, --stats and more of `waggle -h`");
	puts(for_everybody(t)
		     ? "  -- CMD ARGS: run CMD, and end with it; what others do is shown, too"
		     : "  -- CMD ARGS: run CMD, trace it and what it starts until it ends");
	print_text(t);
	print_lines(t, "example", "Examples:");
}
