/* help.c: `waggle -h`, `waggle help WHAT`. */
#include "cli/cli.h"

#include <string.h>

static const char usage[] =
	"waggle " WAGGLE_VERSION ": compile tracing scripts to BPF, run them, show what they see\n"
	"\n"
	"  waggle [OPTIONS] -e SCRIPT [ARGS]   trace with a script of the command line\n"
	"  waggle [OPTIONS] FILE [ARGS]        trace with a script, or an object of build, clang, gcc\n"
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

int cmd_help(int argc, char **argv)
{
	if (argc > 1) {
		if (waggle_language(argv[1], line, NULL) == 0)
			return STATUS_OK;
		return usage_error("there is no help on '%s': try probes, values, functions, "
				   "aggregations, types, operators, statements, config or stages",
				   argv[1]);
	}
	fputs(usage, stdout);
	options_print();
	putchar('\n');
	for (const struct command *c = commands; c->name; c++)
		printf("  %-38s %s\n", c->usage, c->does);
	fputs(example, stdout);
	return STATUS_OK;
}
