/*
 * seccomp.c: `waggle seccomp`: a filter of system calls, printed, or put on a command.
 *
 * In:  a list of system calls, what comes of calls that may not be, a command (--run). Out: the
 * filter in classic BPF, in the forms of `waggle filter`; or the command runs under it in the place
 * of this process.
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option long_options[] = {
	{"deny", no_argument, NULL, 'D'},
	{"action", required_argument, NULL, 'a'},
	{"run", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char help[] =
	"waggle seccomp [OPTIONS] LIST: a filter for seccomp(2) that allows these system calls\n"
	"waggle seccomp [OPTIONS] --run LIST -- CMD [ARGS]: runs a command under it\n"
	"\n"
	"  LIST is as in strace -e: openat,read,%file,/^clock_; !LIST: all others\n"
	"\n"
	"  -d, -dd, -ddd     a listing (as without options), a C array, numbers\n"
	"      --deny        these calls may not be; all others are allowed\n"
	"      --action WHAT what comes of a call that may not be: errno (EPERM), errno=NAME, "
	"kill,\n"
	"                    kill-thread, trap, log\n"
	"      --run LIST    the command may only do these calls: execve is one of them\n";

/* SECCOMP_RET_* */
static const struct {
	const char *name;
	unsigned action;
} actions[] = {
	{"errno", 0x00050001}, {"kill", 0x80000000}, {"kill-thread", 0x00000000},
	{"trap", 0x00030000},  {"log", 0x7ffc0000},
};

#define ERRNO_MOST 4095 /* of a system call, MAX_ERRNO of linux/err.h */

static int take_errno(struct waggle_seccomp *how, const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	for (int i = 1; i <= ERRNO_MOST; i++)
		if (*end ? strerrorname_np(i) && !strcmp(strerrorname_np(i), name) : number == i) {
			how->action = 0x00050000u | (unsigned)i;
			return 0;
		}
	return usage_error("there is no error '%s': EPERM, ENOSYS, 38, ...", name);
}

static int take_action(struct waggle_seccomp *how, const char *word)
{
	if (!strncmp(word, "errno=", 6))
		return take_errno(how, word + 6);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(actions[i].name, word)) {
			how->action = actions[i].action;
			return 0;
		}
	return usage_error(
		"--action takes errno, errno=NAME, kill, kill-thread, trap or log, not '%s'", word);
}

static int run(char **command)
{
	execvp(*command, command);
	fprintf(stderr, "waggle: error: cannot run %s: %s%s\n", *command, strerror(errno),
		errno == EPERM ? ": is execve in the list?" : "");
	return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

int cmd_seccomp(int argc, char **argv)
{
	static const char *const listings[] = {"listing", "listing", "c", "numbers"};
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct waggle_seccomp how = {.sz = sizeof(how), .action = actions[0].action};
	int opt, status = 0, d = 0;
	bool runs = false;

	while (!status && (opt = options_next(argc, argv, "+dh", long_options, NULL)) >= 0)
		switch (opt) {
		case 'd': d += d < 3; break;
		case 'D': how.deny = true; break;
		case 'a': status = take_action(&how, optarg); break;
		case 'r':
			how.calls = optarg;
			runs = true;
			break;
		case 'h': fputs(help, stdout); return STATUS_OK;
		default: return STATUS_USAGE;
		}
	if (status)
		return status;
	if (runs && optind == argc)
		return usage_error("--run LIST wants a command behind it: -- CMD");
	if (!runs && optind != argc - 1)
		return usage_error("seccomp takes one list of system calls: openat,read,%%file");
	if (!runs)
		how.calls = argv[optind];
	status = status_of(waggle_seccomp(&how, runs ? NULL : listings[d], &opts));
	return status || !runs ? status : run(argv + optind);
}
