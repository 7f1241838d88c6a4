/*
 * leak.c: did a case leave BPF programs in the kernel?
 *
 * In:  the ids of all programs before the case.
 * Out: a line for each program that is new, still there 10 s after the end of the case, and not
 *      somebody else's.
 *
 * Others may load programs on this machine at the same time: a program that a process holds which
 * is not our waggle is theirs. A program that nobody holds, or that a left-over waggle holds, is
 * ours. Without the right to list programs there is nothing to say.
 */
#include "behave.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

void programs_list(struct programs *p)
{
	union bpf_attr attr = { 0 };
	size_t room = 0;

	memset(p, 0, sizeof(*p));
	while (sys_bpf(BPF_PROG_GET_NEXT_ID, &attr) == 0) {
		if (p->n == room) {
			unsigned *more = realloc(p->id, (room = room * 2 + 64) * sizeof(*more));

			if (!more)
				return;
			p->id = more;
		}
		p->id[p->n++] = attr.start_id = attr.next_id;
	}
	p->known = errno == ENOENT; /* the end of the list, and not EPERM */
}

void programs_free(struct programs *p)
{
	free(p->id);
}

static bool listed(const struct programs *p, unsigned id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->id[i] == id)
			return true;
	return false;
}

/* The program of one descriptor: by its fdinfo, or by asking the kernel about a perf event. */
static unsigned program_of(int pid, int fd)
{
	union bpf_attr attr = { .task_fd_query = { .pid = (unsigned)pid, .fd = (unsigned)fd } };
	char path[64], line[256];
	unsigned id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	f = fopen(path, "re");
	while (f && !id && fgets(line, sizeof(line), f))
		sscanf(line, "prog_id: %u", &id);
	if (f)
		fclose(f);
	if (!id && sys_bpf(BPF_TASK_FD_QUERY, &attr) == 0)
		id = attr.task_fd_query.prog_id;
	return id;
}

static bool holds(int pid, unsigned id)
{
	char path[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		if (e->d_name[0] != '.')
			found = program_of(pid, atoi(e->d_name)) == id;
	if (d)
		closedir(d);
	return found;
}

static bool same_program(int pid, const char *waggle)
{
	char path[64], exe[4096], ours[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0 || !realpath(waggle, ours))
		return false;
	exe[n] = '\0';
	return strcmp(exe, ours) == 0;
}

/* Who holds the program: 0 nobody, else the pid, with *ours set if it runs our waggle. */
static int holder(unsigned id, const char *waggle, bool *ours)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int pid, found = 0;

	while (d && !found && (e = readdir(d))) {
		pid = atoi(e->d_name);
		if (pid > 0 && holds(pid, id))
			found = pid;
	}
	if (d)
		closedir(d);
	*ours = found && same_program(found, waggle);
	return found;
}

/* Keeps of `suspects` those that are there and not somebody else's; with `why`, a line for each. */
static void suspects_check(struct programs *suspects, const struct options *o, struct text *why)
{
	struct programs now;
	size_t kept = 0;

	programs_list(&now);
	for (size_t i = 0; i < suspects->n; i++) {
		unsigned id = suspects->id[i];
		bool ours;
		int pid;

		if (!listed(&now, id))
			continue;
		pid = holder(id, o->waggle, &ours);
		if (pid && !ours)
			continue;
		suspects->id[kept++] = id;
		if (why && !pid)
			text_printf(why, "    BPF program %u was left behind\n", id);
		else if (why)
			text_printf(why, "    BPF program %u is still held by process %d\n", id, pid);
	}
	suspects->n = kept;
	programs_free(&now);
}

/* Those that are new at the end of the case, and no later ones: others load and unload, too. */
void leak_check(const struct programs *before, const struct options *o, struct text *why)
{
	const struct timespec step = { .tv_nsec = 20000000 };
	double end = now_seconds() + 10 * o->patience; /* it waits for all tasks: long, on a busy machine */
	struct programs suspects;
	size_t n = 0;

	if (!before->known)
		return;
	programs_list(&suspects);
	for (size_t i = 0; i < suspects.n; i++)
		if (!listed(before, suspects.id[i]))
			suspects.id[n++] = suspects.id[i];
	suspects.n = n;
	suspects_check(&suspects, o, NULL);
	while (suspects.n && now_seconds() < end) {
		nanosleep(&step, NULL);
		suspects_check(&suspects, o, NULL);
	}
	suspects_check(&suspects, o, why);
	programs_free(&suspects);
}

/* A process of ours without parent: it closes events and is past its last word. */
static bool is_closer(int pid, const char *waggle)
{
	char path[64], text[512], *end;
	int parent = 0;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 && parent == 1 &&
	       same_program(pid, waggle);
}

void closers_wait(const struct options *o)
{
	const struct timespec step = { .tv_nsec = 20000000 };
	double until = now_seconds() + 3 * o->patience;
	bool some = true;

	while (some && now_seconds() < until) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		some = false;
		while (d && !some && (e = readdir(d)))
			some = atoi(e->d_name) > 1 && is_closer(atoi(e->d_name), o->waggle);
		if (d)
			closedir(d);
		if (some)
			nanosleep(&step, NULL);
	}
}
