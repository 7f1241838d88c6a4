/*
 * tracer.c: the tracer's life.
 *
 * In:  a plan, a command that waits at its pipe or a process. Out: a child of the session that
 *      watches them until the last task has ended (or, with -p, until it is told to leave).
 *
 * It sleeps in wait(2). Signals wake it: SIGUSR1 from the session (leave!) and, by its parent's
 * death, from the kernel. One that comes just before the wait would be slept through, so its
 * handler sets an alarm that comes again until the main loop has looked.
 */
#include "engine/raw.h"
#include "engine/user/probes.h"

#include "arch/arch.h"
#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#define KICK        SIGUSR1
#define AGAIN_US    2000
#define PATIENCE_MS 2000
#define ROUND       128

/* A yield of wait_stop(): what it saves; after how long others had a turn, and how much of that is
 * charged at most; what it costs in vain, since the next would be, too. What can be saved up, and
 * is there at first; what a stop without one lends, 1 % of what it takes. */
#define YIELD_GAIN_NS   500
#define YIELD_SOON_NS   100000u
#define YIELD_TURN_NS   4000000u
#define YIELD_VAIN_NS   10000u
#define YIELD_CREDIT_NS 10000000
#define YIELD_LOAN_NS   100

#define RSEQ_BYTES      32 /* as libc has registered it */
#define RSEQ_UNREGISTER 1

static volatile sig_atomic_t kicked;

static void on_kick(int sig)
{
	const struct itimerval again = {.it_value = {.tv_usec = AGAIN_US}};

	(void)sig;
	kicked = 1;
	setitimer(ITIMER_REAL, &again, NULL);
}

/* ---- in the child: what of the session it must not keep */

/* All but the rings' eventfds and the pipe to the session. */
static void files_close(const struct user_engine *u, int pipe)
{
	int *keep = calloc(u->base.nrings + u->base.nraw + 1, sizeof(*keep));
	u32 n = 0;

	if (!keep)
		_exit(1);
	keep[n++] = pipe;
	for (u32 i = 0; i < u->base.nrings; i++)
		keep[n++] = vm_map_ring(vm_map_of(u->vm, u->inner[i]))->eventfd;
	for (u32 i = 0; i < u->base.nraw; i++)
		keep[n++] = u->base.raw[i].event;
	standby_files(keep, n);
	free(keep);
}

static void signals_set(void)
{
	struct sigaction a = {.sa_handler = on_kick};

	sigaction(KICK, &a, NULL);
	sigaction(SIGALRM, &a, NULL);
	a = (struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGCHLD, &a, NULL); /* wait(2) tells, no signal need be made */
	standby_signals();
}

/* libc has told the kernel where to note on which CPU we run: each return from a stop of the traced
 * would write it again, and nobody reads it. It is its own business whether that succeeds. */
static void rseq_leave(void)
{
#ifdef RSEQ_SIG
	if (__rseq_size)
		syscall(SYS_rseq, (u8 *)__builtin_thread_pointer() + __rseq_offset, RSEQ_BYTES,
			RSEQ_UNREGISTER, RSEQ_SIG);
#endif
}

/* ---- attaching */

static long options_of(const struct tracer *t)
{
	long o = OPTION_SYSGOOD | OPTION_OF(EVENT_EXEC) | OPTION_OF(EVENT_CLONE);

	if (!t->process)
		o |= OPTION_OF(EVENT_FORK) | OPTION_OF(EVENT_VFORK) | OPTION_EXITKILL |
		     OPTION_OF(EVENT_SECCOMP);
	if (t->plan->user.first /* copies of the breakpoints must go */ ||
	    plan_has(&t->plan->fork) || plan_has(&t->plan->born))
		o |= OPTION_OF(EVENT_FORK) | OPTION_OF(EVENT_VFORK);
	if (plan_has(&t->plan->exited))
		o |= OPTION_OF(EVENT_EXIT);
	return o;
}

static long seize(struct tracer *t, u32 tid)
{
	struct task *task;
	long err = sys_trace(TRACE_SEIZE, tid, 0, (u64)options_of(t));

	if (err < 0)
		return err;
	task = task_add(t, tid);
	if (!task)
		return -ENOMEM;
	task->told = true;
	task->state = TASK_RUNS;
	return 0;
}

static int refused(struct tracer *t, u32 pid, long err)
{
	snprintf(t->shared->text, sizeof(t->shared->text), "cannot trace process %u: %s", pid,
		 err == -EPERM ? yama_why(yama_scope()) : strerror((int)-err));
	return (int)err;
}

/* All threads of a process. One that is made meanwhile may be missed: so until a look finds none.
 */
static long seize_threads(struct tracer *t, u32 pid)
{
	long err = 0, found = 1;
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	while (found && err >= 0) {
		found = 0;
		d = opendir(path);
		if (!d)
			return -errno;
		while (err >= 0 && (e = readdir(d))) {
			u32 tid = (u32)atoi(e->d_name);

			if (!tid || task_find(t, tid))
				continue;
			err = seize(t, tid);
			found += err >= 0;
			err = err == -ESRCH && tid != pid ? 0 : err;
		}
		closedir(d);
	}
	return err;
}

/* All threads have the same memory. */
static void share_space(struct tracer *t, struct task *first)
{
	probes_open(t, first);
	for (u32 i = 0; first->space && i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next) {
			if (task == first)
				continue;
			task->space = first->space;
			task->space->users++;
		}
	if (t->plan->user.first && !probes_placed(t, first))
		t->all_calls = true; /* to see what it maps later */
}

/* A process that runs stops once, so that its next call is seen. */
static int attach(struct tracer *t, u32 pid)
{
	long err = t->process ? seize_threads(t, pid) : seize(t, pid);

	if (err < 0)
		return refused(t, pid, err);
	if (!t->process)
		return 0;
	share_space(t, task_find(t, pid));
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			sys_trace(TRACE_INTERRUPT, task->tid, 0, 0);
	return 0;
}

/* ---- the loop */

/* Has it ended, does it want us to leave? Then a process of -p goes its own way again, and a
 * command goes on without programs. */
static void look_at_session(struct tracer *t)
{
	if (getppid() != (int)t->session) {
		__atomic_store_n(&t->shared->open, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&t->shared->leave, 1, __ATOMIC_RELAXED);
	}
	if (!__atomic_load_n(&t->shared->leave, __ATOMIC_ACQUIRE))
		return;
	if (!t->process || t->leaving)
		return;
	t->leaving = true;
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			sys_trace(TRACE_INTERRUPT, task->tid, 0, 0);
}

/* The next stop; 0: look what else there is, then wait again. Returns -1 as waitpid().
 *
 * Where tracer and task share a CPU, a task that was let go runs when the tracer sleeps, and has to
 * wake it again. A tracer that yields finds the stop when it comes back: neither is needed. But
 * others may want the CPU, too, and a yield gives them all of their turn. So it must pay for
 * itself: one that comes back with a stop at once earns what that saves, any other costs what it
 * took. Without credit the tracer sleeps, and each stop lends a little, to try again some time. */
static int wait_stop(struct tracer *t, int *status)
{
	u64 took;
	int tid;

	if (t->credit_ns < 0 || t->vain) {
		t->credit_ns += t->vain ? 0 : YIELD_LOAN_NS;
		t->vain = false;
		return waitpid(-1, status, __WALL);
	}
	took = clock_now(CLOCK_MONOTONIC);
	sched_yield();
	tid = waitpid(-1, status, __WALL | WNOHANG);
	took = clock_now(CLOCK_MONOTONIC) - took;
	t->vain = !tid; /* a signal may have come meanwhile: the loop looks before we sleep */
	if (t->vain || took > YIELD_SOON_NS)
		t->credit_ns -= (s64)MIN(MAX(took, YIELD_VAIN_NS), YIELD_TURN_NS);
	else
		t->credit_ns = MIN(t->credit_ns + YIELD_GAIN_NS, YIELD_CREDIT_NS);
	return tid;
}

/* wait(2) looks at tasks always in the same order: those in front, if they stop again at once,
 * would starve the others. So all that have stopped are collected before any goes on. Returns
 * -errno. */
static int wait_round(struct tracer *t)
{
	struct {
		int tid, status;
	} stopped[ROUND];
	u32 n = 0;
	int tid = wait_stop(t, &stopped[0].status);

	if (tid < 0)
		return -errno;
	while (tid > 0) {
		stopped[n++].tid = tid;
		if (n == ROUND || t->ntasks < 2)
			break;
		tid = waitpid(-1, &stopped[n].status, __WALL | WNOHANG);
	}
	for (u32 i = 0; i < n; i++)
		stop_handle(t, (u32)stopped[i].tid, stopped[i].status);
	return 0;
}

/* Was it? Then the alarm that would come again has been stopped. */
static bool woken(struct tracer *t)
{
	const struct itimerval none = {0};

	if (!kicked)
		return false;
	setitimer(ITIMER_REAL, &none, NULL);
	kicked = 0;
	look_at_session(t);
	return true;
}

static _Noreturn void watch(struct tracer *t, u32 command)
{
	if (t->notify)
		notify_watch(t, command, woken);
	while (!t->notify && wait_round(t) != -ECHILD) {
		profile_tick(t);
		timers_tick(t);
		woken(t);
	}
	__atomic_store_n(&t->shared->left, 1, __ATOMIC_RELEASE);
	_exit(0);
}

static _Noreturn void tracer_main(struct user_engine *u, int ready, u32 parent)
{
	struct tracer *t = calloc(1, sizeof(*t)); /* freed by the end */
	struct user_child *c = u->child;
	int err = t ? 0 : -ENOMEM;

	setpgid(0, 0);
	prctl(PR_SET_NAME, "waggle-tracer");
	signals_set();
	rseq_leave();
	prctl(PR_SET_PDEATHSIG, KICK);
	files_close(u, ready);
	if (getppid() != (int)parent)
		_exit(1);
	if (!err) {
		t->plan = &c->plan;
		t->shared = c->shared;
		t->seccomp = u->opts.cpid && !u->opts.pid;
		t->process = u->opts.pid;
		t->notify = c->notify && t->seccomp;
		t->session = parent;
		t->engine = &u->base;
		t->alarm_at = UINT64_MAX;
		t->credit_ns = YIELD_CREDIT_NS;
		t->audit = arch_find("x86_64")->audit;
		t->all_calls = plan_has_calls(t->plan);
		info_init(t);
		err = vm_run_open(&t->run, u->vm, &t->host, t, TRACER_CPU);
		err = err ? err : records_open(t);
	}
	if (!err && !t->notify)
		err = attach(t, u->opts.pid ? u->opts.pid : u->opts.cpid);
	if (!err)
		err = profile_open(t);
	if (write(ready, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	close(ready);
	watch(t, u->opts.cpid);
}

/* ---- in the session */

int tracer_start(struct user_engine *u)
{
	struct diag *d = u->base.diag;
	int ready[2], parent = getpid(), err = -EIO;

	if (pipe2(ready, O_CLOEXEC))
		return diag_fail(d, -errno, NULL, "cannot start the tracer: %s", strerror(errno));
	u->tracer = fork();
	if (!u->tracer)
		tracer_main(u, ready[1], (u32)parent);
	close(ready[1]);
	if (u->tracer < 0) {
		err = -errno;
		u->tracer = 0;
	} else {
		while (read(ready[0], &err, sizeof(err)) < 0 && errno == EINTR)
			;
	}
	close(ready[0]);
	if (!err) {
		u->base.alone = MAX((int)syscall(SYS_pidfd_open, u->tracer, 0), 0);
		return 0;
	}
	return diag_fail(d, err, NULL, "%s",
			 *u->child->shared->text ? u->child->shared->text
						 : "cannot start the tracer");
}

void tracer_leave(struct user_engine *u)
{
	const struct timespec nap = {.tv_nsec = 100000};
	struct shared *s = u->child->shared;

	if (!u->tracer)
		return;
	__atomic_store_n(&s->leave, 1, __ATOMIC_RELEASE);
	kill(u->tracer, KICK);
	for (u32 i = 0; i < PATIENCE_MS * 10 && !__atomic_load_n(&s->left, __ATOMIC_ACQUIRE); i++)
		if (waitpid(u->tracer, NULL, WNOHANG) == u->tracer)
			break;
		else
			nanosleep(&nap, NULL);
	u->tracer = 0;
}
