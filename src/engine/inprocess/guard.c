/*
 * guard.c: the process that stands by the traced ones.
 *
 * In:  threads that want to exec, a reader that is to be woken up. Out: programs that begin with
 *      the agent in them.
 *
 * An exec leaves the filter in place and takes the agent away: the first trapped call would end
 * the new program. So who wants to exec asks first. The guard then watches that thread by ptrace(2)
 * until the new program stands before its first instruction, has it map the agent's text, from the
 * file that it has kept open, lets it begin there, and leaves it alone again. Nobody is traced at
 * any other time: a tracer would be told of each SIGSYS.
 *
 * The guard stays until the last process has gone that the agent is in, whatever becomes of the
 * session.
 */
#include "engine/inprocess/inprocess.h"

#include "base/io.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

struct guard {
	struct shared_file file;
	int wake;
	int parent;
	bool alone; /* the session has ended */
};

/* Signals only wake us up. */
static void on_signal(int sig)
{
	(void)sig;
	__atomic_fetch_add(&agent_control->word, 1, __ATOMIC_SEQ_CST);
}

static void futex_wake(u32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void answer(struct agent_exec *e, u32 state)
{
	__atomic_store_n(&e->state, state, __ATOMIC_RELEASE);
	futex_wake(&e->state);
}

static void forget(struct agent_exec *e)
{
	answer(e, EXEC_NOTHING);
	__atomic_store_n(&e->tid, 0, __ATOMIC_RELEASE);
}

static u32 state_of(const struct agent_exec *e)
{
	return __atomic_load_n(&e->state, __ATOMIC_ACQUIRE);
}

static struct agent_exec *exec_of(u32 tid)
{
	for (u32 i = 0; i < AGENT_EXECS; i++) {
		struct agent_exec *e = &agent_control->execs[i];

		if (e->tid == tid && (state_of(e) == EXEC_WATCHED || state_of(e) == EXEC_FAILED))
			return e;
	}
	return NULL;
}

/* ---- a new program */

/* Until it stops for a SIGTRAP; other signals are put off. False: it has gone. */
static bool run_to_trap(u32 tid, u64 *signals)
{
	int status;

	for (;;) {
		if (sys_trace(PTRACE_CONT, tid, 0, 0) < 0 ||
		    !sys_wait(tid, &status) || !WIFSTOPPED(status))
			return false;
		if (status >> 16)
			continue;
		if (WSTOPSIG(status) == SIGTRAP)
			return true;
		*signals |= 1ull << (WSTOPSIG(status) - 1);
	}
}

static void signals_send(u32 tid, u64 signals)
{
	for (int sig = 1; sig <= 64; sig++)
		if (signals >> (sig - 1) & 1)
			syscall(SYS_tkill, tid, sig);
}

/* mmap(2), made at the program's first instruction, which is put back: mov $9, %eax; syscall; int3.
 * The thread still stands in execve(2), which is going to say 0 in rax: so rax is set there. */
#define MMAP_CALL 0xcc050f00000009b8ull

static bool make_call(u32 tid, struct user_regs_struct *r, u64 *signals)
{
	u64 at = r->rip;
	long old;

	errno = 0;
	old = ptrace(PTRACE_PEEKTEXT, (pid_t)tid, at, 0);
	if (errno)
		return false;
	return sys_trace(PTRACE_POKETEXT, tid, at, MMAP_CALL) >= 0 &&
	       sys_trace(PTRACE_SETREGS, tid, 0, (u64)r) >= 0 && run_to_trap(tid, signals) &&
	       sys_trace(PTRACE_GETREGS, tid, 0, (u64)r) >= 0 &&
	       sys_trace(PTRACE_POKETEXT, tid, at, (u64)old) >= 0;
}

/* A program of 32 bits makes calls that do not trap: nothing is to be done for it. */
static bool is_64_bit(const struct user_regs_struct *r)
{
	return r->cs == 0x33;
}

static bool bring_agent(u32 tid, s32 fd, u64 *signals)
{
	struct user_regs_struct r, call;

	if (sys_trace(PTRACE_GETREGS, tid, 0, (u64)&r) < 0)
		return false;
	if (!is_64_bit(&r))
		return true;
	call = r;
	call.rdi = AGENT_TEXT;
	call.rsi = ALIGN_UP(agent_api->bytes, 4096);
	call.rdx = PROT_READ | PROT_EXEC;
	call.r10 = MAP_SHARED | MAP_FIXED_NOREPLACE;
	call.r8 = (u64)fd;
	call.r9 = agent_api->cookie;
	if (!make_call(tid, &call, signals) || call.rax != AGENT_TEXT)
		return false;
	call = r;
	call.orig_rax = UINT64_MAX;
	call.rdi = (u64)fd;
	call.rsi = r.rip;
	call.rip = (u64)(uintptr_t)agent_api->boot;
	return sys_trace(PTRACE_SETREGS, tid, 0, (u64)&call) >= 0;
}

static void new_program(u32 tid)
{
	u64 old = tid, signals = 0;
	struct agent_exec *e;

	sys_trace(PTRACE_GETEVENTMSG, tid, 0, (u64)&old);
	e = exec_of((u32)old);
	if (!e || !bring_agent(tid, e->fd, &signals))
		kill((pid_t)tid, SIGKILL); /* its first trapped call would end it */
	signals_send(tid, signals);
	sys_trace(PTRACE_DETACH, tid, 0, 0);
	if (e)
		forget(e);
	e = exec_of(tid); /* of the first thread, whose place the one that did it has taken */
	if (e)
		forget(e);
}

/* ---- what is awaited */

static void stopped(u32 tid, int status)
{
	struct agent_exec *e = exec_of(tid);
	u32 event = (u32)status >> 16, sig = (u32)WSTOPSIG(status);

	if (!WIFSTOPPED(status)) {
		if (e)
			forget(e);
	} else if (event == EVENT_EXEC) {
		new_program(tid);
	} else if (event == EVENT_STOP && e && state_of(e) == EXEC_FAILED) {
		sys_trace(PTRACE_DETACH, tid, 0, 0);
		forget(e);
	} else if (event == EVENT_STOP && sig != SIGTRAP) {
		sys_trace(TRACE_LISTEN, tid, 0, 0);
	} else {
		sys_trace(PTRACE_CONT, tid, 0, event ? 0 : sig);
	}
}

/* In a signal handler: threads that have died. A stop is left to the loop: wait(2) tells a tracer
 * of both. */
static void dead_reap(int sig)
{
	const int how = WEXITED | WNOHANG | __WALL;

	(void)sig;
	for (u32 i = 0; i < AGENT_EXECS; i++) {
		struct agent_exec *e = &agent_control->execs[i];
		siginfo_t info = {0};

		if (state_of(e) != EXEC_WATCHED && state_of(e) != EXEC_FAILED)
			continue;
		if (waitid(P_PID, e->tid, &info, how | WNOWAIT) || !info.si_pid ||
		    info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
			continue;
		waitid(P_PID, e->tid, &info, how);
		forget(e);
	}
}

/* Where another thread of the process has begun to exec, this waits for it; and that waits until
 * the dead among its threads have been seen, those by us whom we watch. */
static long seize(u32 tid)
{
	static const struct itimerval often = {{0, 2000}, {0, 2000}}, never;
	long err;

	setitimer(ITIMER_REAL, &often, NULL); /* dead_reap() */
	err = sys_trace(TRACE_SEIZE, tid, 0, OPTION_OF(EVENT_EXEC));
	setitimer(ITIMER_REAL, &never, NULL);
	return err;
}

static void request_look(struct agent_exec *e, u32 tid)
{
	long err;

	switch (state_of(e)) {
	case EXEC_ASKED:
		err = seize(tid);
		answer(e, err < 0 ? EXEC_REFUSED : EXEC_WATCHED);
		return;
	case EXEC_FAILED: sys_trace(TRACE_INTERRUPT, tid, 0, 0); return;
	case EXEC_WATCHED: return; /* wait(2) tells */
	default:
		if (syscall(SYS_tkill, tid, 0) && errno == ESRCH) /* killed meanwhile */
			forget(e);
	}
}

static bool requests_look(void)
{
	bool any = false;

	for (u32 i = 0; i < AGENT_EXECS; i++) {
		struct agent_exec *e = &agent_control->execs[i];
		u32 tid = __atomic_load_n(&e->tid, __ATOMIC_ACQUIRE);

		if (tid)
			request_look(e, tid);
		any |= tid;
	}
	return any;
}

static void session_look(struct guard *g)
{
	if (__atomic_exchange_n(&agent_control->wake, 0, __ATOMIC_SEQ_CST))
		eventfd_wake(g->wake);
	if (!g->alone && getppid() != g->parent) {
		g->alone = true;
		__atomic_store_n(&agent_control->open, 0, __ATOMIC_RELAXED);
	}
	g->alone |= __atomic_load_n(&agent_control->leave, __ATOMIC_RELAXED);
}

static _Noreturn void watch(struct guard *g)
{
	const struct timespec second = {.tv_sec = 1};
	int status, tid;

	for (;;) {
		u32 word = __atomic_load_n(&agent_control->word, __ATOMIC_SEQ_CST);

		bool busy;

		session_look(g);
		busy = requests_look();
		while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
			stopped((u32)tid, status);
		if (g->alone && !busy) {
			if (file_is_alone(&g->file) || file_map_control(&g->file))
				_exit(0);
			if (file_map_text(&g->file))
				_exit(0);
		}
		syscall(SYS_futex, &agent_control->word, FUTEX_WAIT, word,
			g->alone ? &second : NULL, NULL, 0);
	}
}

/* ---- its start */

static void signals_set(void)
{
	struct sigaction a = {.sa_handler = on_signal};

	sigaction(SIGCHLD, &a, NULL);
	sigaction(SIGUSR1, &a, NULL);
	a.sa_handler = dead_reap;
	sigaction(SIGALRM, &a, NULL);
	standby_signals();
}

static _Noreturn void guard_main(struct guard *g)
{
	const int keep[] = {g->file.fd, g->wake};

	setpgid(0, 0);
	prctl(PR_SET_NAME, "waggle-guard");
	signals_set();
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	standby_files(keep, ARRAY_SIZE(keep));
	watch(g);
}

int guard_start(struct inprocess *p)
{
	struct guard g = {.file = p->child->file, .wake = p->wake, .parent = getpid()};
	int pid = fork();

	if (!pid)
		guard_main(&g);
	if (pid < 0)
		return diag_fail(p->user.base.diag, -errno, NULL, "cannot start the guard: %s",
				 strerror(errno));
	p->guard = pid;
	agent_control->guard = (u32)pid;
	return 0;
}
