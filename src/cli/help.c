/* help.c: `waggle -h`, `waggle help WHAT`. */
#include "cli/bcc.h"
#include "cli/cli.h"
#include "cli/tools.h"

#include <string.h>

static const char usage[] =
	"waggle " WAGGLE_VERSION ": compile tracing scripts to BPF, run them, show what they see\n"
	"\n"
	"  waggle [OPTIONS] -e SCRIPT [ARGS]   trace with a script of the command line\n"
	"  waggle [OPTIONS] FILE [ARGS]        trace with a script, or an object of build, clang, "
	"gcc\n"
	"\n"
	"ARGS are $1, $2, ... in the script. Without -c, -p or exit() tracing ends at Ctrl-C.\n"
	"\n";

static const char example[] =
	"\nAn example, the files that a command opens:\n"
	"  waggle -e 'tracepoint:syscalls:sys_enter_openat /pid == cpid/ {\n"
	"             emit(pid, comm, path = str(args.filename)); }' -c 'getent hosts localhost'\n";

static void line(void *user, const char *name, const char *text)
{
	(void)user;
	printf("  %-36s %s\n", name, text);
}

/* ---- one word */

struct sought {
	struct near_word near;
	unsigned found;
	char best[64]; /* near.best lives only until the next row */
};

static void look(void *user, const struct waggle_word *w)
{
	struct sought *s = user;
	const char *best = s->near.best;

	near_word(&s->near, w->name);
	if (s->near.best != best) {
		snprintf(s->best, sizeof(s->best), "%s", w->name);
		s->near.best = s->best;
	}
	if (strcmp(w->name, s->near.word) != 0 && strcmp(w->usage, s->near.word) != 0 &&
	    !(w->alias && !strcmp(w->alias, s->near.word)))
		return;
	s->found++;
	printf("%s (%s", w->name, w->kind);
	if (w->alias && strcmp(w->alias, w->name) != 0)
		printf(", also %s", w->alias);
	printf("): %s\n  %s\n", w->text, w->usage);
}

static void look_topic(struct sought *s)
{
	static const char *const topics[] = {"probes",       "values", "functions",
					     "aggregations", "types",  "operators",
					     "statements",   "config", "stages"};

	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++)
		near_word(&s->near, topics[i]);
}

static char names[2048]; /* the options of the command whose help is shown */

static void add_name(const char *option, bool takes)
{
	size_t n = strlen(names);

	(void)takes;
	snprintf(names + n, sizeof(names) - n, n ? " %s" : "%s", option);
}

void command_help(const struct command *c)
{
	char *argv[] = {(char *)c->name, (char *)"-h", NULL};

	if (c->helps) {
		c->run(2, argv); /* which ends there */
		return;
	}
	printf("%s: %s\n", c->usage, c->does);
	options_each(c, add_name);
	if (*names) {
		putchar('\n');
		print_wrapped(printf("  %-15s", "options"), names);
	}
	puts("  docs/cli.md tells more");
}

/* A command, a tool, a word of the language; else near ones. */
static int help_word(const char *word)
{
	struct sought s = {.near = {.word = word}};

	for (const struct command *c = commands; c->name; c++) {
		near_word(&s.near, c->name);
		if (!strcmp(c->name, word)) {
			command_help(c);
			s.found++;
		}
	}
	for (const struct tool *t = tools; t->name; t++)
		near_word(&s.near, t->name);
	if (tool_find(word)) {
		tool_help(tool_find(word));
		return STATUS_OK;
	}
	if (option_print(word))
		return STATUS_OK;
	look_topic(&s);
	waggle_words(look, &s);
	if (s.found)
		return STATUS_OK;
	if (s.near.best)
		return usage_error("there is no help on '%s': did you mean '%s'?", word,
				   s.near.best);
	return usage_error("there is no help on '%s': try probes, values, functions, "
			   "aggregations, types, operators, statements, config or stages",
			   word);
}

int cmd_help(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "man")) {
		manual_print();
		return STATUS_OK;
	}
	if (argc > 1)
		return waggle_language(argv[1], line, NULL) ? help_word(argv[1]) : STATUS_OK;
	fputs(usage, stdout);
	options_print();
	putchar('\n');
	for (const struct command *c = commands; c->name; c++)
		printf("  %-38s %s\n", c->usage, c->does);
	puts("  waggle TOOL [OPTIONS] [-- CMD ARGS]    a tool; `waggle help TOOL` tells its "
	     "options");
	fputs(example, stdout);
	return STATUS_OK;
}
