/*
 * main.c: which command is meant.
 *
 * An option, or an argument with a slash or an ending of ours, is a script to trace with; else a
 * command of the table; else a tool; else a file that exists; else near names are offered.
 */
#include "cli/cli.h"
#include "cli/bcc.h"
#include "cli/tools.h"

#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

const struct command commands[] = {
	{"build", cmd_build, "waggle build FILE -o OBJECT", "compile a script to a BPF object",
	 false},
	{"fmt", cmd_fmt, "waggle fmt [-i] FILE...",
	 "scripts as they should be written; -i: in place", false},
	{"dis", cmd_dis, "waggle dis [--classic] FILE",
	 "the instructions of an object, or bare ones", false},
	{"asm", cmd_asm, "waggle asm [--classic] FILE -o OUT",
	 "an object, or bare instructions, from text", false},
	{"filter", cmd_filter, "waggle filter [OPTIONS] EXPRESSION",
	 "a packet filter as tcpdump takes it, compiled to classic BPF", true},
	{"ps", cmd_ps, "waggle ps [--stats [SECONDS]]",
	 "the programs of this machine, and what they cost", false},
	{"map", cmd_map, "waggle map VERB [MAP [KEY [VALUE]]]",
	 "the maps of this machine: list, dump, lookup, update, delete", false},
	{"detach", cmd_detach, "waggle detach ID|NAME",
	 "take a program, or a firewall by its name, from where it is attached", false},
	{"trace", cmd_bcc_trace, "waggle trace [OPTIONS] PROBE...",
	 "a line for each call of functions, with bcc's syntax", true},
	{"argdist", cmd_argdist, "waggle argdist [OPTIONS] -C|-H PROBE...",
	 "values of functions, counted, with bcc's syntax", true},
	{"strace", cmd_strace, "waggle strace [OPTIONS] [CMD ARGS]",
	 "system calls of a command, a process (-p), or the machine (--all)", true},
	{"seccomp", cmd_seccomp, "waggle seccomp [OPTIONS] LIST|--run LIST -- CMD",
	 "a filter of system calls in classic BPF; or a command under it", true},
	{"run", cmd_run, "waggle run [--classic] OBJECT [OPTIONS]",
	 "run a program of an object, or a classic filter, on given input", false},
	{"capture", cmd_capture, "waggle capture -i DEVICE|-r FILE [EXPRESSION]",
	 "packets of a device or a file: as lines, counted, or into a file", false},
	{"drop", cmd_drop, "waggle drop HOOK [OPTIONS] EXPRESSION",
	 "a firewall: packets that a filter takes are dropped", true},
	{"list", cmd_list, "waggle list [-v] [PATTERN]",
	 "the probes that there are; -v: their arguments", false},
	{"tools", cmd_tools, "waggle tools", "tools that are scripts: opensnoop, syscount, ...",
	 false},
	{"target", cmd_target, "waggle target save FILE [PATTERN...]",
	 "save what a compiler must know of this machine", false},
	{"completion", cmd_completion, "waggle completion bash|zsh|fish",
	 "a script by which the shell completes command lines", false},
	{"help", cmd_help, "waggle help [TOPIC|WORD]",
	 "probes, values, functions, ...; or a word, command or tool", false},
	{0},
};

static int is_file_name(const char *arg)
{
	static const char *const endings[] = {".bt", ".c", ".o", ".bpf.o"};
	size_t len = strlen(arg);

	if (strchr(arg, '/') || !strcmp(arg, "-"))
		return 1;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && !strcmp(arg + len - n, endings[i]))
			return 1;
	}
	return 0;
}

/* Closed standard streams would become maps and probes of ours, and get our output. */
static void fill_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* so that writing fails, as it did */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int unknown(const char *word)
{
	struct near_word near = {.word = word};

	for (const struct command *c = commands; c->name; c++)
		near_word(&near, c->name);
	for (const struct tool *t = tools; t->name; t++)
		near_word(&near, t->name);
	if (near.best)
		return usage_error("there is no command, no tool and no file '%s': did you mean "
				   "'waggle %s'?",
				   word, near.best);
	return usage_error("there is no command, no tool and no file '%s'", word);
}

static int run_command(const struct command *c, int argc, char **argv)
{
	if (argc == 2 && c->run != cmd_help &&
	    (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		command_help(c);
		return STATUS_OK;
	}
	usage_about(c->name);
	return c->run(argc, argv);
}

static int run(int argc, char **argv)
{
	if (argc < 2)
		return cmd_help(0, NULL) ? STATUS_ERROR : STATUS_USAGE;
	if ((argv[1][0] == '-' && argv[1][1]) || is_file_name(argv[1]))
		return cmd_trace(argc, argv);
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, argv[1]))
			return run_command(c, argc - 1, argv + 1);
	if (tool_find(argv[1]))
		return tool_run(tool_find(argv[1]), argc - 1, argv + 1);
	if (!access(argv[1], F_OK))
		return cmd_trace(argc, argv);
	return unknown(argv[1]);
}

int main(int argc, char **argv)
{
	fill_streams();
	mallopt(M_MMAP_THRESHOLD, 512 << 10); /* else buffers that grow are copied, page by page */
	mallopt(M_TRIM_THRESHOLD, 4 << 20);   /* what compiling needed is needed again at once */
	return output_check(run(argc, argv));
}
