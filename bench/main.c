/*
 * main.c: the bench: which parts to run, and for how long.
 *
 *	bench [-n ROUNDS] [-w WAGGLE] [-b FOLDER] [-s NAME] [PART]...
 *
 * In:  FOLDER: where the bench's own programs are; WAGGLE: what is measured; PARTs, all by default.
 *      NAME: of the scripts of cost, compile and tools only those whose name has it.
 * Out: a table for each part. Status 1 if a part could not be run.
 */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct part {
	const char *name;
	int (*run)(void);
	const char *what;
} parts[] = {
	{"start", part_start, "exec to attached, whole run, CPU time, memory"},
	{"size", part_size, "the binary, and each room in it"},
	{"compile", part_compile, "source to object"},
	{"cost", part_cost, "instructions and time per event, beside C by hand"},
	{"slow", part_slow, "what it costs the traced program"},
	{"tools", part_tools, "the tools: until they are attached, and what they cost"},
	{"ctrlc", part_ctrlc, "from Ctrl-C to the summary, and to the end"},
	{"user", part_user, "the same with the user engine, beside strace"},
	{"latency", part_latency, "event to visible, and CPU time without events"},
	{"events", part_events, "events printed a second, none lost"},
	{"packets", part_packets, "packets of a capture file, beside tcpdump"},
	{"drop", part_drop, "packets dropped at XDP, beside clang's program"},
};

struct bench bench = {.rounds = 5, .waggle = "build/waggle", .built = "build/bench", .only = ""};

static int usage(void)
{
	fprintf(stderr, "usage: bench [-n ROUNDS] [-w WAGGLE] [-b FOLDER] [-s NAME] [PART]...\n");
	for (unsigned i = 0; i < ARRAY(parts); i++)
		fprintf(stderr, "  %-8s  %s\n", parts[i].name, parts[i].what);
	return 2;
}

static void head(void)
{
	struct utsname u = {0};
	double load[1] = {0};

	uname(&u);
	getloadavg(load, 1);
	printf("Linux %s %s, %ld CPUs, load %.2f; %u rounds, peers in turn, at least 300 ms "
	       "apart\n",
	       u.release, u.machine, sysconf(_SC_NPROCESSORS_ONLN), load[0], bench.rounds);
	if (load[0] > 0.5)
		printf("The machine is busy with other things: the times will be too long.\n");
}

static char left[512]; /* the folder of files, for on_signal() */

/* What a handler may not do itself (walk a folder), rm does. */
static void on_signal(int sig)
{
	static char *const argv[] = {"rm", "-rf", left, NULL};
	static char *const env[] = {NULL};
	pid_t pid = fork();

	if (!pid) {
		execve("/bin/rm", argv, env);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	_exit(128 + sig);
}

static bool wanted(const char *name, char **chosen)
{
	if (!*chosen)
		return true;
	for (; *chosen; chosen++)
		if (!strcmp(*chosen, name))
			return true;
	return false;
}

static bool known(const char *name)
{
	for (unsigned i = 0; i < ARRAY(parts); i++)
		if (!strcmp(parts[i].name, name))
			return true;
	fprintf(stderr, "bench: there is no part '%s'\n", name);
	return false;
}

int main(int argc, char **argv)
{
	int opt, err, failed = 0;

	while ((opt = getopt(argc, argv, "n:w:b:s:")) > 0) {
		if (opt == 'n')
			bench.rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'w')
			bench.waggle = optarg;
		else if (opt == 'b')
			bench.built = optarg;
		else if (opt == 's')
			bench.only = optarg;
		else
			return usage();
	}
	for (int i = optind; i < argc; i++)
		if (!known(argv[i]))
			return usage();
	if (!bench.rounds || bench.rounds > 60)
		return usage();
	if (geteuid()) {
		fprintf(stderr, "bench: loading BPF programs needs root: sudo make bench\n");
		return 1;
	}
	err = scratch_open();
	snprintf(left, sizeof(left), "%s", scratch(""));
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (!err)
		err = held_open();
	if (err) {
		fprintf(stderr, "bench: no folder for files: %s\n", strerror(-err));
		return 1;
	}
	head();
	for (unsigned i = 0; i < ARRAY(parts); i++)
		if (wanted(parts[i].name, argv + optind))
			failed |= parts[i].run();
	scratch_close();
	return failed ? 1 : 0;
}
