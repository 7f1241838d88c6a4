/*
 * show_task.c: signals, children, and calls whose arguments depend on the first one.
 */
#include "strace/strace.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- signals */

void show_kind_sigset(struct shown *c, const struct arg *a)
{
	const u64 *set = show_memory(c, a, 8);

	if (set)
		show_signals(c->out, *set);
}

/* pselect6: a pointer to a pointer and a size */
void show_kind_sigarg(struct shown *c, const struct arg *a)
{
	show_address(c->out, ARG(c, a));
}

void show_kind_sigaction(struct shown *c, const struct arg *a)
{
	const u64 *act = show_memory(c, a, 32);

	if (!act)
		return;
	buf_puts(c->out, "{sa_handler=");
	if (act[0] + 1 < 3)
		buf_puts(c->out, act[0] == 0 ? "SIG_DFL" : act[0] == 1 ? "SIG_IGN" : "SIG_ERR");
	else
		show_address(c->out, act[0]);
	buf_puts(c->out, ", sa_mask=");
	show_signals(c->out, act[3]);
	buf_puts(c->out, ", sa_flags=");
	flags_of(c->out, "sa", act[1]);
	if (act[1] & 0x04000000) {
		buf_puts(c->out, ", sa_restorer=");
		show_address(c->out, act[2]);
	}
	buf_char(c->out, '}');
}

/* The mask that it brings back; the user engine does not tell. */
void show_kind_frame(struct shown *c, const struct arg *a)
{
	(void)a;
	buf_puts(c->out, "{mask=");
	show_signals(c->out, c->task->blocked);
	buf_char(c->out, '}');
	c->ended = true;
}

void show_kind_restart(struct shown *c, const struct arg *a)
{
	(void)a;
	buf_puts(c->out, "<... resuming interrupted system call ...>");
	c->ended = true;
}

static const char *code_set(int sig, int code)
{
	if (code <= 0 || code == SI_KERNEL)
		return "sicode";
	return sig == SIGCHLD ? "cld" : sig == SIGSEGV || sig == SIGBUS ? "segv" : "sicode";
}

/* The first 48 bytes say all. */
void show_siginfo(struct buf *b, const void *info, u32 size)
{
	const s32 *n = info;
	u64 addr;

	buf_puts(b, "{si_signo=");
	show_signal(b, n[0]);
	if (n[1])
		buf_printf(b, ", si_errno=%d", n[1]);
	buf_puts(b, ", si_code=");
	one_of(b, code_set(n[0], n[2]), (u32)n[2]);
	memcpy(&addr, n + 4, 8);
	if (size < 48 || n[2] == SI_KERNEL)
		;
	else if (n[2] > 0 && n[0] == SIGCHLD) {
		buf_printf(b, ", si_pid=%d, si_uid=%d, si_status=", n[4], n[5]);
		if (n[2] == CLD_EXITED)
			buf_printf(b, "%d", n[6]);
		else
			show_signal(b, n[6]);
		memcpy(&addr, n + 8, 8);
		buf_printf(b, ", si_utime=%llu", (unsigned long long)addr);
		memcpy(&addr, n + 10, 8);
		buf_printf(b, ", si_stime=%llu", (unsigned long long)addr);
	} else if (n[2] > 0) {
		buf_puts(b, ", si_addr=");
		show_address(b, addr);
	} else if (n[2] == SI_TIMER) {
		buf_printf(b, ", si_timerid=%#x, si_overrun=%d", n[4], n[5]);
	} else {
		buf_printf(b, ", si_pid=%d, si_uid=%d", n[4], n[5]);
		memcpy(&addr, n + 6, 8);
		if (n[2] == SI_QUEUE)
			buf_printf(b, ", si_value={sival_int=%d, sival_ptr=%#llx}", n[6],
				   (unsigned long long)addr);
	}
	buf_char(b, '}');
}

void show_kind_siginfo(struct shown *c, const struct arg *a)
{
	const void *info = show_memory(c, a, 48);

	if (info)
		show_siginfo(c->out, info, 48);
}

/* ---- children */

void show_kind_wstatus(struct shown *c, const struct arg *a)
{
	const s32 *p = show_memory_if(c, a, c->done && c->ret > 0, 4);

	if (!p)
		return;
	if (WIFEXITED(*p))
		buf_printf(c->out, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", WEXITSTATUS(*p));
	else if (WIFSIGNALED(*p)) {
		buf_puts(c->out, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		show_signal(c->out, WTERMSIG(*p));
		buf_puts(c->out, WCOREDUMP(*p) ? " && WCOREDUMP(s)}]" : "}]");
	} else if (WIFSTOPPED(*p)) {
		buf_puts(c->out, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		show_signal(c->out, WSTOPSIG(*p));
		buf_puts(c->out, "}]");
	} else {
		buf_puts(c->out, WIFCONTINUED(*p) ? "[{WIFCONTINUED(s)}]" : "[?]");
	}
}

/* The lowest byte is the signal of the child's end. */
static void clone_flags(struct buf *b, u64 flags, bool with_signal)
{
	u32 sig = with_signal ? flags & 0xff : 0;
	u64 rest = with_signal ? flags & ~0xffull : flags, unnamed = rest >> 34 << 34;
	static const char *const above[] = {"CLONE_CLEAR_SIGHAND", "CLONE_INTO_CGROUP"};
	bool some = (u32)rest;

	if ((u32)rest || (!rest && !sig))
		flags_of(b, "clone", (u32)rest);
	for (u32 i = 0; i < ARRAY_SIZE(above); i++)
		if (rest >> (32 + i) & 1) {
			buf_printf(b, some ? "|%s" : "%s", above[i]);
			some = true;
		}
	if (unnamed)
		buf_printf(b, some ? "|%#llx" : "%#llx /* CLONE_??? */", (unsigned long long)unnamed);
	if (sig) {
		buf_puts(b, rest ? "|" : "");
		show_signal(b, (int)sig);
	}
}

void show_kind_clone(struct shown *c, const struct arg *a)
{
	buf_puts(c->out, "child_stack=");
	show_address(c->out, c->args[1]);
	buf_puts(c->out, ", flags=");
	clone_flags(c->out, ARG(c, a), true);
}

/* The others, by the flags; nothing may follow. */
void show_kind_cloned(struct shown *c, const struct arg *a)
{
	u64 flags = c->args[a->i - 1];
	const s32 *told = c->done && c->ret > 0 && flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)
				  ? seen(c, a, c->args[2], 4)
				  : NULL;

	if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) {
		buf_puts(c->out, ", parent_tid=");
		if (c->done && c->ret > 0 && flags & CLONE_PARENT_SETTID)
			buf_printf(c->out, "[%lld]", (long long)c->ret);
		else if (told)
			buf_printf(c->out, "[%d]", *told);
		else
			show_address(c->out, c->args[2]);
	}
	if (flags & CLONE_SETTLS) {
		buf_puts(c->out, ", tls=");
		show_address(c->out, c->args[4]);
	}
	if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		buf_puts(c->out, ", child_tidptr=");
		show_address(c->out, c->args[3]);
	}
	c->ended = true;
}

struct clone3 {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

void show_kind_clone3(struct shown *c, const struct arg *a)
{
	const struct clone3 *n = show_memory(c, a, sizeof(*n));
	u64 told;

	if (!n)
		return;
	told = n->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID);
	buf_puts(c->out, "{flags=");
	clone_flags(c->out, n->flags, false);
	if (n->flags & CLONE_PIDFD)
		buf_printf(c->out, ", pidfd=%#llx", (unsigned long long)n->pidfd);
	if (told)
		buf_printf(c->out, ", child_tid=%#llx", (unsigned long long)n->child_tid);
	if (n->flags & CLONE_PARENT_SETTID)
		buf_printf(c->out, ", parent_tid=%#llx", (unsigned long long)n->parent_tid);
	buf_puts(c->out, ", exit_signal=");
	show_signal(c->out, (int)n->exit_signal);
	buf_puts(c->out, ", stack=");
	show_address(c->out, n->stack);
	buf_printf(c->out, ", stack_size=%s%.0llx", n->stack_size ? "0x" : "0",
		   (unsigned long long)n->stack_size);
	if (n->flags & CLONE_SETTLS)
		buf_printf(c->out, ", tls=%#llx", (unsigned long long)n->tls);
	buf_char(c->out, '}');
}

/* What the call has told, behind the structure that says where to; then the structure's size. */
void show_kind_cloned3(struct shown *c, const struct arg *a)
{
	const struct clone3 *n = seen(c, &c->call->args[0], c->args[0], sizeof(*n));

	if (c->done && c->ret > 0 && n && n->flags & CLONE_PARENT_SETTID)
		buf_printf(c->out, " => {parent_tid=[%lld]}", (long long)c->ret);
	buf_printf(c->out, ", %llu", (unsigned long long)ARG(c, a));
}

/* ---- calls whose arguments depend on others */

void show_kind_futexop(struct shown *c, const struct arg *a)
{
	u32 op = (u32)ARG(c, a);

	one_of(c->out, "futex", op & 0x7f);
	if (op & FUTEX_PRIVATE_FLAG)
		buf_puts(c->out, "_PRIVATE");
	if (op & FUTEX_CLOCK_REALTIME)
		buf_puts(c->out, "|FUTEX_CLOCK_REALTIME");
	if ((op & 0x7f) == FUTEX_UNLOCK_PI || (op & 0x7f) == FUTEX_TRYLOCK_PI)
		c->ended = true;
}

/* What is done to the second word, and compared. */
static void wake_op(struct buf *b, u32 v)
{
	buf_puts(b, v >> 31 ? ", FUTEX_OP_OPARG_SHIFT<<28|" : ", ");
	one_of(b, "futexop", v >> 28 & 7);
	buf_printf(b, "<<28|%#x<<12|", v >> 12 & 0xfff);
	one_of(b, "futexcmp", v >> 24 & 15);
	buf_printf(b, "<<24|%#x", v & 0xfff);
}

/* A time to wait, or how many are to be moved. */
static void futex_rest(struct shown *c, u32 op)
{
	if (op == FUTEX_WAIT_BITSET) {
		buf_puts(c->out, ", ");
		if ((u32)c->args[5] == FUTEX_BITSET_MATCH_ANY)
			buf_puts(c->out, "FUTEX_BITSET_MATCH_ANY");
		else
			show_hex(c->out, (u32)c->args[5]);
	} else if (op == FUTEX_WAIT_REQUEUE_PI) {
		buf_puts(c->out, ", ");
		show_address(c->out, c->args[4]);
	} else if (op == FUTEX_REQUEUE || op == FUTEX_CMP_REQUEUE || op == FUTEX_CMP_REQUEUE_PI ||
		   op == FUTEX_WAKE_OP) {
		buf_puts(c->out, ", ");
		show_address(c->out, c->args[4]);
		if (op == FUTEX_WAKE_OP)
			wake_op(c->out, (u32)c->args[5]);
		else if (op != FUTEX_REQUEUE)
			buf_printf(c->out, ", %u", (u32)c->args[5]);
	}
}

/* How many to wake: nothing follows. */
void show_kind_futexval(struct shown *c, const struct arg *a)
{
	u32 op = (u32)c->args[1] & 0x7f;

	if (op == FUTEX_LOCK_PI || op == FUTEX_LOCK_PI2) { /* the value says nothing */
		show_kind_timespec(c, &c->call->args[3]);
		c->ended = true;
		return;
	}
	buf_printf(c->out, "%u", (u32)ARG(c, a));
	if (op == FUTEX_WAKE_BITSET)
		buf_printf(c->out, ", %#x", (u32)c->args[5]);
	c->ended |= op == FUTEX_WAKE || op == FUTEX_WAKE_BITSET;
}

void show_kind_futextime(struct shown *c, const struct arg *a)
{
	u32 op = (u32)c->args[1] & 0x7f;

	if (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_WAIT_REQUEUE_PI)
		show_kind_timespec(c, a);
	else
		buf_printf(c->out, "%u", (u32)ARG(c, a));
	futex_rest(c, op);
	c->ended = true;
}
