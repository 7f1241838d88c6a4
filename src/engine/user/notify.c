/*
 * notify.c: entries of system calls without ptrace, by seccomp notifications.
 *
 * In:  a plan that asks for entries alone. Out: each call waits until the tracer has answered "go
 * on", which it does when the programs have run. Nothing else of the tasks stops: no signal, no
 * fork.
 *
 * The listener is made by the command when it puts itself under the filter; it waits, without a
 * call that might be one of the plan's, until the tracer has taken a copy. With SYNC_WAKE_UP
 * (Linux 6.6) the tracer runs at once where the task ran, which is most of the gain: no other CPU
 * is woken up.
 */
#include "engine/user/user.h"

#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#define LOOK_US    300000     /* for the end of the last task: older kernels do not tell */
#define INFO_NS    100000000u /* so long a name or a user is believed */
#define TASKS_MOST 4096

struct notification { /* struct seccomp_notif */
	u64 id;
	u32 pid, flags;
	s32 nr;
	u32 arch;
	u64 ip, args[6];
};
struct answer { /* struct seccomp_notif_resp */
	u64 id;
	s64 value;
	s32 error;
	u32 flags;
};
#define NOTIFY_RECV      _IOWR('!', 0, struct notification)
#define NOTIFY_SEND      _IOWR('!', 1, struct answer)
#define NOTIFY_SET_FLAGS _IOW('!', 4, u64)
enum { GO_ON = 1, SYNC_WAKE_UP = 1 };

/* ---- before the fork: does it serve? */

static bool kernel_has_it(void)
{
	struct utsname u;
	u32 major = 0, minor = 0;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       KERNEL(major, minor) >= KERNEL(6, 6);
}

/* Not where results, tasks and their ends, signals, functions or registers are asked for; nor all
 * calls, for then those of the command before its exec would wait for us, too. Yama lets only
 * ptrace read the memory of grandchildren. */
bool notify_serves(const struct plan *p)
{
	return p->nsyscalls && !p->any_exit && !p->all_enter.first && !p->fork.first &&
	       !p->exec.first && !p->exited.first && !p->signal.first && !p->born.first &&
	       !p->waits.first && !p->profile.first && !p->user.first && !p->needs_stack &&
	       !p->keeps && kernel_has_it() && yama_lets_read(yama_scope(), !geteuid());
}

/* ---- in the command: hands the listener over */

void notify_hand_over(struct shared *s, int listener)
{
	__atomic_store_n(&s->listener, (u32)listener + 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&s->listening, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
}

/* ---- in the tracer */

static int take_listener(struct tracer *t, u32 pid)
{
	const struct timespec nap = {.tv_nsec = 50000};
	int command = (int)syscall(SYS_pidfd_open, pid, 0), fd;
	u32 there;

	while (!(there = __atomic_load_n(&t->shared->listener, __ATOMIC_ACQUIRE))) {
		struct pollfd p = {.fd = command, .events = POLLIN};

		if (command < 0 || poll(&p, 1, 0) > 0)
			return -ESRCH; /* it never came so far */
		nanosleep(&nap, NULL);
	}
	fd = (int)syscall(SYS_pidfd_getfd, command, there - 1, 0);
	close(command);
	if (fd >= 0)
		ioctl(fd, NOTIFY_SET_FLAGS, SYNC_WAKE_UP);
	return fd < 0 ? -errno : fd;
}

/* Nobody tells of tasks that end, so what is known of one is not believed for long. */
static struct task *task_of(struct tracer *t, u32 tid)
{
	struct task *task = task_find(t, tid);
	u64 now = clock_now(CLOCK_MONOTONIC_COARSE);

	if (!task && t->ntasks >= TASKS_MOST)
		for (u32 i = 0; i < TASK_BUCKETS; i++)
			while (t->tasks[i])
				task_drop(t, t->tasks[i]->tid);
	if (!task)
		task = task_add(t, tid);
	if (task && now - task->info.read_ns > INFO_NS) {
		task->info.known = false;
		task->info.read_ns = now;
		task->tgid = 0;
	}
	return task;
}

static void handle(struct tracer *t, const struct notification *n)
{
	struct task *task = task_of(t, n->pid);

	if (!task)
		return;
	event_enter(t, task, (u64)n->nr, n->args);
	if (call_changes_info((u64)n->nr, n->args))
		task->info.known = false;
}

/* Where another call waits at the same listener, a signal to us ends the answer with EINTR: then
 * the task would wait for ever. ENOENT: it was killed meanwhile. */
static void let_go_on(int listener, u64 id)
{
	struct answer a = {.id = id, .flags = GO_ON};

	while (ioctl(listener, NOTIFY_SEND, &a) && errno == EINTR)
		;
}

static bool all_gone(int listener)
{
	struct pollfd p = {.fd = listener};

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

void notify_watch(struct tracer *t, u32 command, bool (*woken)(struct tracer *))
{
	const struct itimerval look = {{0, LOOK_US}, {0, LOOK_US}};
	int listener = take_listener(t, command);

	__atomic_store_n(&t->shared->listening, 1, __ATOMIC_RELEASE);
	if (listener < 0)
		return;
	setitimer(ITIMER_REAL, &look, NULL);
	for (;;) {
		struct notification n = {0};
		bool got = !ioctl(listener, NOTIFY_RECV, &n);

		if (got) {
			handle(t, &n);
			let_go_on(listener, n.id);
		}
		timers_tick(t);
		if (!woken(t) && got)
			continue;
		if (!got && all_gone(listener))
			break;
		setitimer(ITIMER_REAL, &look, NULL);
	}
}
