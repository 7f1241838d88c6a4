/*
 * process.c: starts programs and measures them: exec to exit, CPU time, peak memory.
 *
 * The kernel adds the memory that a process had before exec to its peak, so the bench itself must
 * stay small: what needs memory runs in a child.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 40000

static int open_out(const char *path)
{
	return open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static _Noreturn void child(char *const argv[], int out, int err, int cpu, uint64_t *exec_ns)
{
	setpgid(0, 0);
	if (cpu != ANY_CPU) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	*exec_ns = bench_now(CLOCK_MONOTONIC);
	execvp(argv[0], argv);
	_exit(127);
}

int proc_start_fd(struct proc *p, char *const argv[], int out, int err, int cpu)
{
	static uint64_t *times; /* shared with the children, a slot each in turn */
	static unsigned started;

	if (!times)
		times = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (times == MAP_FAILED)
		return -errno;
	p->exec_ns = times + started++ % 512;
	*p->exec_ns = 0;
	fflush(stdout);
	p->pid = fork();
	if (!p->pid)
		child(argv, out, err, cpu, p->exec_ns);
	return p->pid < 0 ? -errno : 0;
}

int proc_start(struct proc *p, char *const argv[], const char *out, const char *err, int cpu)
{
	int o = open_out(out), e = open_out(err), r = o < 0 || e < 0 ? -errno : 0;

	if (!r)
		r = proc_start_fd(p, argv, o, e, cpu);
	if (o >= 0)
		close(o);
	if (e >= 0)
		close(e);
	return r;
}

void proc_wait(struct proc *p, struct usage *u)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0), status = 0;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	bool late = poll(&wait, 1, PATIENCE_MS) == 0;
	struct rusage ru = {0};
	uint64_t end;

	if (late)
		kill(-p->pid, SIGKILL);
	while (wait4(p->pid, &status, 0, &ru) < 0 && errno == EINTR)
		;
	end = bench_now(CLOCK_MONOTONIC);
	if (fd >= 0)
		close(fd);
	u->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (late)
		u->status = -1;
	u->wall_ms = (double)(end - *p->exec_ns) / 1e6;
	u->cpu_ms = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e3 +
		    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e3;
	u->rss_mb = (double)ru.ru_maxrss / 1024;
}
