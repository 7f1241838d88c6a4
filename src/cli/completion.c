/*
 * completion.c: `waggle completion bash|zsh|fish`: what a shell needs to complete command lines.
 *
 * In:  the tables of commands, tools, options and words of the language. Out: a script for the
 * shell; only probes are asked for when somebody types one, by `waggle list`.
 */
#include "cli/cli.h"
#include "cli/tools.h"
#include "cli/trace.h"

#include <string.h>

static void put_commands(const char *before, const char *behind)
{
	for (const struct command *c = commands; c->name; c++)
		printf("%s%s%s", before, c->name, behind);
	for (const struct tool *t = tools; t->name; t++)
		printf("%s%s%s", before, t->name, behind);
}

static void put_options(bool letters)
{
	for (const struct option_row *r = option_rows; r->letter || r->name; r++) {
		if (r->letter && letters)
			printf("-%c ", r->letter);
		if (r->name)
			printf("--%s ", r->name);
	}
}

static void put_own(const struct tool *t)
{
	const char *at = t->text;
	struct tool_option o;
	struct tool_line l;

	while (tool_line(&at, &l)) {
		if (!tool_option(&l, &o) || o.lacks)
			continue;
		if (o.letter)
			printf("-%c ", o.letter);
		printf("--%s ", o.name);
	}
}

/* Words that can stand in a shell's list: names, not operators. */
static void put_word(void *user, const struct waggle_word *w)
{
	(void)user;
	if (w->name[0] &&
	    strspn(w->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(w->name))
		printf("%s ", w->name);
}

static void put_words(void)
{
	fputs("probes values functions aggregations types operators statements config stages ",
	      stdout);
	put_commands("", " ");
	waggle_words(put_word, NULL);
}

/* Both shells have `case`: the options of the command line's first word. */
static void put_cases(const char *indent)
{
	for (const struct tool *t = tools; t->name; t++) {
		printf("%s%s) choices='", indent, t->name);
		put_own(t);
		put_options(false);
		puts("' ;;");
	}
}

static void bash(void)
{
	fputs("# bash completion of waggle, made by `waggle completion bash`\n"
	      "_waggle() {\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} cur prev choices i\n"
	      "\tcur=${line##*[[:space:]]}\n"
	      "\tcur=${cur#[\\'\\\"]}\n"
	      "\tprev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $prev in\n"
	      "\t-f) choices='text json folded flame' ;;\n"
	      "\t--engine) choices='kernel user inprocess auto' ;;\n"
	      "\t-B) choices='none line full' ;;\n"
	      "\t--stack-mode) choices='bpftrace perf raw' ;;\n"
	      "\tcompletion) choices='bash zsh fish' ;;\n"
	      "\thelp) choices='",
	      stdout);
	put_words();
	fputs("' ;;\n"
	      "\t-o|--flame|--btf|--target) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\t*)\n"
	      "\t\tif [[ $cur == *:* || $prev == -l || ${COMP_WORDS[1]} == list ]] && [[ $cur != "
	      "-* ]]; then\n"
	      "\t\t\tfor i in $(waggle list \"$cur*\" 2>/dev/null); do\n"
	      "\t\t\t\tif [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
	      "\t\t\t\t\ti=${i#\"${cur%\"${cur##*:}\"}\"}\n"
	      "\t\t\t\tfi\n"
	      "\t\t\t\tCOMPREPLY+=(\"$i\")\n"
	      "\t\t\tdone\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\t\tcase ${COMP_WORDS[1]} in\n",
	      stdout);
	put_cases("\t\t");
	fputs("\t\t*) choices='", stdout);
	put_options(true);
	fputs("' ;;\n"
	      "\t\tesac\n"
	      "\t\t[[ $cur != -* && $COMP_CWORD -eq 1 ]] && choices='",
	      stdout);
	put_commands("", " ");
	fputs("'\n"
	      "\t\t[[ $cur != -* && $COMP_CWORD -gt 1 ]] && choices=\n"
	      "\t\t;;\n"
	      "\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$choices\" -- \"$cur\"))\n"
	      "\t[[ $cur != -* && ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "
	      "\"$cur\"))\n"
	      "\treturn 0\n"
	      "}\n"
	      "complete -o filenames -F _waggle waggle\n",
	      stdout);
}

static void zsh(void)
{
	fputs("#compdef waggle\n"
	      "# zsh completion of waggle, made by `waggle completion zsh`\n"
	      "_waggle() {\n"
	      "\tlocal cur=${words[CURRENT]} prev=${words[CURRENT-1]} first=${words[2]}\n"
	      "\tlocal choices\n"
	      "\tcase $prev in\n"
	      "\t-f) compadd text json folded flame; return ;;\n"
	      "\t--engine) compadd kernel user inprocess auto; return ;;\n"
	      "\t-B) compadd none line full; return ;;\n"
	      "\t--stack-mode) compadd bpftrace perf raw; return ;;\n"
	      "\tcompletion) compadd bash zsh fish; return ;;\n"
	      "\t-o|--flame|--btf|--target) _files; return ;;\n"
	      "\thelp) compadd ",
	      stdout);
	put_words();
	fputs("; return ;;\n"
	      "\tesac\n"
	      "\tif [[ $cur != -* && ( $cur == *:* || $prev == -l || $first == list ) ]]; then\n"
	      "\t\tcompadd -- ${(f)\"$(waggle list \"$cur*\" 2>/dev/null)\"}\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $first in\n",
	      stdout);
	put_cases("\t");
	fputs("\t*) choices='", stdout);
	put_options(true);
	fputs("' ;;\n"
	      "\tesac\n"
	      "\t[[ $cur == -* ]] && compadd -- ${=choices} && return\n"
	      "\t(( CURRENT == 2 )) && compadd ",
	      stdout);
	put_commands("", " ");
	fputs("\n\t_files\n}\n_waggle \"$@\"\n", stdout);
}

/* Text between ' and '. */
static void put_quoted(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf(text[i] == '\'' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
}

static void fish_option(const char *when, char letter, const char *name, bool takes,
			const char *does, size_t n)
{
	printf("complete -c waggle -n '%s'", when);
	if (letter)
		printf(" -s %c", letter);
	if (name && *name)
		printf(" -l %s", name);
	printf("%s -d '", takes ? " -r" : "");
	put_quoted(does, n);
	puts("'");
}

static void fish_tool(const struct tool *t)
{
	const char *at = t->text;
	struct tool_option o;
	struct tool_line l;
	char when[96];

	tool_line(&at, &l);
	printf("complete -c waggle -n __fish_use_subcommand -a %s -d '", t->name);
	put_quoted(l.text, l.ntext);
	puts("'");
	snprintf(when, sizeof(when), "__fish_seen_subcommand_from %s", t->name);
	while (tool_line(&at, &l))
		if (tool_option(&l, &o) && !o.lacks)
			fish_option(when, o.letter, o.name, o.takes[0] != 0, o.does, o.ndoes);
}

static void fish(void)
{
	puts("# fish completion of waggle, made by `waggle completion fish`");
	for (const struct command *c = commands; c->name; c++) {
		printf("complete -c waggle -n __fish_use_subcommand -a %s -d '", c->name);
		put_quoted(c->does, strlen(c->does));
		puts("'");
	}
	for (const struct tool *t = tools; t->name; t++)
		fish_tool(t);
	for (const struct option_row *r = option_rows; r->letter || r->name; r++)
		fish_option("__fish_use_subcommand", r->letter, r->name, r->takes != NULL, r->does,
			    strlen(r->does));
	fputs("complete -c waggle -n '__fish_seen_subcommand_from help' -f -a '", stdout);
	put_words();
	puts("'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh "
	     "fish'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from list; or string match -q \"*:*\" "
	     "(commandline -ct)' -f -a '(waggle list (commandline -ct)\"*\" 2>/dev/null)'");
}

int cmd_completion(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*put)(void);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(*shells); i++)
		if (!strcmp(argv[1], shells[i].name)) {
			shells[i].put();
			return STATUS_OK;
		}
	return usage_error("completion takes the name of a shell: bash, zsh or fish");
}
