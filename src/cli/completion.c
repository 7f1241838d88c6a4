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
	const char *at = tool_text(t);
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

/* What may stand in a script: words that a letter begins, and probes apart. */
static void put_script_quoted(void *user, const struct waggle_word *w)
{
	bool call = !strcmp(w->kind, "function") || !strcmp(w->kind, "aggregation");

	(void)user;
	if (w->name[0] && (call || !strcmp(w->kind, "value") || !strcmp(w->kind, "probe")) &&
	    strspn(w->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(w->name))
		printf("\"%s%s\" ", w->name, call ? "(" : strcmp(w->kind, "probe") ? "" : ":");
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

static void put_option(const char *option, bool takes)
{
	(void)takes;
	printf("%s ", option);
}

/* Both shells have `case`: the options of the command line's first word. */
static void put_cases(const char *indent)
{
	for (const struct command *c = commands; c->name; c++) {
		printf("%s%s) choices='", indent, c->name);
		options_each(c, put_option);
		puts("' ;;");
	}
	for (const struct tool *t = tools; t->name; t++) {
		printf("%s%s) choices='", indent, t->name);
		put_own(t);
		put_options(false);
		puts("' ;;");
	}
}

/* bash and zsh: what a word in a script begins: fields of the last probe, probes, names. */
static const char script_words[] =
	"_waggle_script() {\n"
	"\tlocal probe\n"
	"\tcase $2 in\n"
	"\targs.*)\n"
	"\t\tprobe=$(printf %s \"$1\" | grep -oE '[a-z]+:[^ ,{/]+' | tail -n 1)\n"
	"\t\twaggle list -v \"$probe\" 2>/dev/null | sed -nE 's/^    .*[ "
	"*]([a-zA-Z0-9_]+)$/args.\\1/p' ;;\n"
	"\t*:*) waggle list \"$2*\" 2>/dev/null ;;\n"
	"\t?*) for probe in ";
static const char script_end[] = "; do case $probe in \"$2\"*) echo \"$probe\" ;; esac; done ;;\n"
				 "\tesac\n"
				 "}\n";

static void put_script(void)
{
	fputs(script_words, stdout);
	fputs("\"args.\" ", stdout);
	waggle_words(put_script_quoted, NULL);
	fputs(script_end, stdout);
}

/* bash and zsh: what -e of strace takes: keys, and behind one its words; $1 is what stands there.
 */
static const char strace_words[] =
	"_waggle_calls() {\n"
	"\tcase $1 in\n"
	"\tstatus=*) echo successful failed unfinished ;;\n"
	"\tdecode-fds=*) echo path socket dev pidfd all ;;\n"
	"\tquiet=*) echo attach exit personality all ;;\n"
	"\tsignal=*) kill -l | tr '\\t ' '\\n\\n' | sed -n 's/^SIG//; /^[A-Z][A-Z0-9]*$/p' ;;\n"
	"\tread=*|write=*) echo all 0 1 2 3 ;;\n"
	"\t*)\n"
	"\t\tcase $1 in *[=,!]*) ;; *) echo trace= status= signal= raw= read= write= quiet= "
	"decode-fds= ;; esac\n"
	"\t\techo %file %desc %memory %network %signal %process %creds %clock %ipc %stat %statfs "
	"%pure\n"
	"\t\twaggle list 'tracepoint:syscalls:sys_enter_*' 2>/dev/null | sed -E "
	"'s/.*:sys_enter_//; s/^new(l?f?stat|uname)$/\\1/' ;;\n"
	"\tesac\n"
	"}\n";

static void bash(void)
{
	fputs("# bash completion of waggle, made by `waggle completion bash`\n", stdout);
	put_script();
	fputs(strace_words, stdout);
	fputs("_waggle() {\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} cur prev choices i\n"
	      "\tcur=${line##*[[:space:]]}\n"
	      "\tcur=${cur#[\\'\\\"]}\n"
	      "\tprev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n"
	      "\tlocal script=$'[[:space:]]-e[[:space:]]*[\\'\"]([^\\'\"]*)$'\n"
	      "\tif [[ $line =~ $script ]]; then\n"
	      "\t\t# in a script: no closing quote behind the only choice, so there are two\n"
	      "\t\tline=${BASH_REMATCH[1]}\n"
	      "\t\tcur=${line##*[^a-zA-Z0-9_.:]}\n"
	      "\t\tprev=${line%\"$cur\"}\n"
	      "\t\tmapfile -t COMPREPLY < <(_waggle_script \"$line\" \"$cur\" | grep \"^$cur\" | "
	      "sort -u)\n"
	      "\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$prev}\")\n"
	      "\t\t[[ ${#COMPREPLY[@]} -eq 1 ]] && COMPREPLY+=(\"${COMPREPLY[0]} \")\n"
	      "\t\tcompopt -o nospace +o filenames 2>/dev/null\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tlocal calls=$'[[:space:]](-e|--trace|--raw)[[:space:]]+[^[:space:]]*$'\n"
	      "\tif [[ ${COMP_WORDS[1]} == strace && $line =~ $calls ]]; then\n"
	      "\t\tprev=${cur%\"${cur##*[,=!]}\"}\n"
	      "\t\t[[ $COMP_WORDBREAKS == *=* ]] && prev=${prev##*=}\n"
	      "\t\tCOMPREPLY=($(compgen -P \"$prev\" -W \"$(_waggle_calls \"$cur\")\" -- "
	      "\"${cur##*[,=!]}\"))\n"
	      "\t\tcompopt -o nospace +o filenames 2>/dev/null\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $prev in\n"
	      "\t-f|--format) choices='text json folded flame tree timeline' ;;\n"
	      "\t-i) [[ ${COMP_WORDS[1]} == capture ]] && choices=\"any $(ls /sys/class/net "
	      "2>/dev/null)\" ;;\n"
	      "\tmap) choices='list dump lookup update delete' ;;\n"
	      "\ttarget) choices=save ;;\n"
	      "\t--engine) choices='kernel user inprocess auto' ;;\n"
	      "\t-B) choices='none line full' ;;\n"
	      "\t--stack-mode) choices='bpftrace perf raw build_id' ;;\n"
	      "\t--call-graph) choices='fp dwarf' ;;\n"
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
	      "\t\t\t\tprev=$cur # t:sched:... has as many colons as what it means\n"
	      "\t\t\t\twhile [[ $prev == *:* && $COMP_WORDBREAKS == *:* ]]; do\n"
	      "\t\t\t\t\ti=${i#*:} prev=${prev#*:}\n"
	      "\t\t\t\tdone\n"
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
	      "# zsh completion of waggle, made by `waggle completion zsh`\n",
	      stdout);
	put_script();
	fputs(strace_words, stdout);
	fputs("_waggle() {\n"
	      "\tlocal cur=${words[CURRENT]} prev=${words[CURRENT-1]} first=${words[2]}\n"
	      "\tlocal choices\n"
	      "\tif [[ $prev == -e && -n $QIPREFIX ]]; then\n"
	      "\t\tlocal script=$PREFIX\n"
	      "\t\tcompset -P '*[^a-zA-Z0-9_.:]'\n"
	      "\t\tcompadd -Q -S '' -- ${(fu)\"$(_waggle_script \"$script\" \"$PREFIX\")\"}\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tif [[ $first == strace && $prev == (-e|--trace|--raw) ]]; then\n"
	      "\t\tlocal calls=\"$(_waggle_calls \"$PREFIX\")\"\n"
	      "\t\tcompset -P '*[,=!]'\n"
	      "\t\tcompadd -Q -S '' -- ${=calls}\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $prev in\n"
	      "\t-f|--format) compadd text json folded flame tree timeline; return ;;\n"
	      "\t-i) [[ $first == capture ]] && compadd any $(ls /sys/class/net 2>/dev/null) && "
	      "return ;;\n"
	      "\tmap) compadd list dump lookup update delete; return ;;\n"
	      "\ttarget) compadd save; return ;;\n"
	      "\t--engine) compadd kernel user inprocess auto; return ;;\n"
	      "\t-B) compadd none line full; return ;;\n"
	      "\t--stack-mode) compadd bpftrace perf raw build_id; return ;;\n"
	      "\t--call-graph) compadd fp dwarf; return ;;\n"
	      "\tcompletion) compadd bash zsh fish; return ;;\n"
	      "\t-o|--flame|--btf|--target) _files; return ;;\n"
	      "\thelp) compadd ",
	      stdout);
	put_words();
	fputs("; return ;;\n"
	      "\tesac\n"
	      "\tif [[ $cur != -* && ( $cur == *:* || $prev == -l || $first == list ) ]]; then\n"
	      "\t\tcompadd -U -- ${(f)\"$(waggle list \"$cur*\" 2>/dev/null)\"}\n"
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
	const char *at = tool_text(t);
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

static const char *fish_command; /* whose options are put */

static void fish_command_option(const char *option, bool takes)
{
	char when[96];
	bool name = option[1] == '-';

	snprintf(when, sizeof(when), "__fish_seen_subcommand_from %s", fish_command);
	fish_option(when, name ? 0 : option[1], name ? option + 2 : NULL, takes, "", 0);
}

/* As _waggle_script() of the other shells; each choice is the whole script with it at the end. */
static void fish_script(void)
{
	fputs("function __waggle_calls\n"
	      "\tset -l word (string match -r '[^,=!]*$' -- (commandline -ct))\n"
	      "\tset -l before (string replace -r '[^,=!]*$' '' -- (commandline -ct))\n"
	      "\tset -l all (waggle list 'tracepoint:syscalls:sys_enter_*' 2>/dev/null | string "
	      "replace -r '.*:sys_enter_(new(?=l?f?stat$|uname$))?' '') %file %desc %memory "
	      "%network %signal %process %creds "
	      "%clock %ipc %stat %statfs %pure\n"
	      "\tswitch $before\n"
	      "\tcase 'status=*'\n"
	      "\t\tset all successful failed unfinished\n"
	      "\tcase 'decode-fds=*'\n"
	      "\t\tset all path socket dev pidfd all\n"
	      "\tcase 'quiet=*'\n"
	      "\t\tset all attach exit personality all\n"
	      "\tcase 'signal=*'\n"
	      "\t\tset all (kill -l | string split -n ' ')\n"
	      "\tcase ''\n"
	      "\t\tset -a all trace= status= signal= raw= read= write= quiet= decode-fds=\n"
	      "\tend\n"
	      "\tfor i in $all\n"
	      "\t\techo $before$i\n"
	      "\tend\n"
	      "end\n"
	      "function __waggle_script\n"
	      "\tif __fish_seen_subcommand_from strace\n"
	      "\t\t__waggle_calls\n"
	      "\t\treturn\n"
	      "\tend\n"
	      "\tset -l script (string replace -r '^[\\'\"]' '' -- (commandline -ct))\n"
	      "\tset -l word (string match -r '[a-zA-Z0-9_.:]*$' -- $script)\n"
	      "\tset -l before (string replace -r '[a-zA-Z0-9_.:]*$' '' -- $script)\n"
	      "\tset -l all ",
	      stdout);
	waggle_words(put_script_quoted, NULL);
	fputs("args.\n"
	      "\tif string match -q 'args.*' -- $word\n"
	      "\t\tset -l probes (string match -ar '[a-z]+:[^ ,{/]+' -- $script)\n"
	      "\t\tset all (waggle list -v $probes[-1] 2>/dev/null | string replace -rf '^    .*[ "
	      "*]([a-zA-Z0-9_]+)$' 'args.$1')\n"
	      "\telse if string match -q '*:*' -- $word\n"
	      "\t\tset all (waggle list \"$word*\" 2>/dev/null)\n"
	      "\tend\n"
	      "\tfor i in $all\n"
	      "\t\techo $before$i\n"
	      "\tend\n"
	      "end\n"
	      "complete -c waggle -s e -x -a '(__waggle_script)'\n",
	      stdout);
}

static void fish(void)
{
	puts("# fish completion of waggle, made by `waggle completion fish`");
	fish_script();
	for (const struct command *c = commands; c->name; c++) {
		fish_command = c->name;
		options_each(c, fish_command_option);
		printf("complete -c waggle -n __fish_use_subcommand -a %s -d '", c->name);
		put_quoted(c->does, strlen(c->does));
		puts("'");
	}
	fputs("function __waggle_tool\n\t__fish_seen_subcommand_from trace argdist", stdout);
	for (const struct tool *t = tools; t->name; t++)
		printf(" %s", t->name);
	puts("\nend");
	for (const struct tool *t = tools; t->name; t++)
		fish_tool(t);
	for (const struct option_row *r = option_rows; r->letter || r->name; r++) {
		fish_option("__fish_use_subcommand", r->letter, r->name, r->takes != NULL, r->does,
			    strlen(r->does));
		if (r->name) /* letters belong to each tool */
			fish_option("__waggle_tool", 0, r->name, r->takes != NULL, r->does,
				    strlen(r->does));
	}
	fputs("complete -c waggle -n '__fish_seen_subcommand_from help' -f -a '", stdout);
	put_words();
	puts("'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from capture' -s i -x -a 'any (command "
	     "ls /sys/class/net)'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from map' -f -a 'list dump lookup "
	     "update delete'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from target' -f -a save");
	puts("complete -c waggle -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh "
	     "fish'");
	puts("complete -c waggle -n '__fish_seen_subcommand_from list; or string match -q \"*:*\" "
	     "-- "
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
