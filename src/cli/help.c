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
	"\n"
	"  -c CMD          run CMD when all is attached (cpid is its pid); end when it ends, with\n"
	"                  its status\n"
	"  -p, --pid PID   only events of process PID; end when it ends\n"
	"  -f text|json|folded|flame  how events are shown (--json: -f json)\n"
	"  --flame FILE    write the stacks to FILE as a flame graph (SVG)\n"
	"  -o FILE         write events to FILE, not to stdout\n"
	"  -B none|line|full  write at once, at each newline (as on a terminal), or in large pieces\n"
	"  -l [PATTERN]    list the probes that there are, or those of a script; -v: with arguments\n"
	"  --unsafe        allow system() and signal()\n"
	"  --max-strlen N, --max-map-keys N, --stack-mode bpftrace|perf|raw, --perf-rb-pages N\n"
	"                  limits: bytes of a string (1024), entries of a map (4096), how stacks are\n"
	"                  written, pages of the ring of each CPU (256)\n"
	"  -q              no message but errors\n"
	"  -v              a summary at the end even if nothing was lost\n"
	"  --stats         what it took: times, instructions, memory\n"
	"  -d STAGE        print a stage of compilation and end: ast, types, ir, ir:PASS, insns,\n"
	"                  object; or verifier, what the kernel says when it loads the programs\n"
	"  --btf FILE      objects of other compilers: types for CO-RE, not the running kernel's\n"
	"  --target FILE   compile for the machine that `waggle target save` described\n"
	"  --engine NAME   where programs run: kernel, user (needs no rights),\n"
	"                  inprocess (in the command itself: system calls), or auto\n"
	"  -h, --help, --version\n"
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
		return usage_error("there is no help on '%s': try functions, values, probes or stages",
				   argv[1]);
	}
	fputs(usage, stdout);
	for (const struct command *c = commands; c->name; c++)
		printf("  %-38s %s\n", c->usage, c->does);
	fputs(example, stdout);
	return STATUS_OK;
}
