/*
 * profile.c: programs that run on a clock.
 *
 * In:  rows with their periods. Out: at each tick, tasks that run at that moment are stopped and
 * the programs see their registers. The kernel interrupts each CPU; here each running task counts.
 *
 * Ticks are signals. They interrupt wait(2); one that comes just before it waits for the next.
 */
#include "engine/user/user.h"

#include <signal.h>
#include <time.h>

#define ROWS_MOST 64
#define LEAST_NS  100000u /* a tick stops the tasks: more often would be standing still */

static volatile u64 ticks; /* a bit for each row whose time has come */

static void on_tick(int sig, siginfo_t *info, void *unused)
{
	(void)sig, (void)unused;
	__atomic_fetch_or(&ticks, 1ull << info->si_value.sival_int, __ATOMIC_RELAXED);
}

static u64 period_of(const struct attach *a)
{
	return MAX(a->kind == ATTACH_PROFILE ? a->ns : a->count, (u64)LEAST_NS);
}

int profile_open(struct tracer *t)
{
	struct sigaction a = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
	int n = 0;

	sigaction(SIGRTMIN, &a, NULL);
	for (const struct plan_row *r = t->plan->profile.first; r && n < ROWS_MOST; r = r->next) {
		struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
				      .sigev_signo = SIGRTMIN,
				      .sigev_value.sival_int = n++};
		const u64 ns = period_of(r->attach);
		struct itimerspec every = {
			.it_interval = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};
		timer_t timer;

		every.it_value = every.it_interval;
		if (timer_create(CLOCK_MONOTONIC, &ev, &timer) ||
		    timer_settime(timer, 0, &every, NULL))
			return -errno;
	}
	return 0;
}

void profile_tick(struct tracer *t)
{
	u64 due;

	if (!__atomic_load_n(&ticks, __ATOMIC_RELAXED))
		return;
	due = __atomic_exchange_n(&ticks, 0, __ATOMIC_RELAXED);
	if (!__atomic_load_n(&t->shared->open, __ATOMIC_RELAXED))
		return;
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next) {
			if (task->state != TASK_RUNS || !info_runs(task))
				continue;
			/* again each time: a stop for anything else swallows it */
			sys_trace(TRACE_INTERRUPT, task->tid, 0, 0);
			task->samples |= due;
		}
}

void profile_sample(struct tracer *t, struct task *task)
{
	struct { /* struct bpf_perf_event_data */
		u8 regs[CTX_REGS];
		u64 period, addr;
	} ctx = {.addr = 0};
	const struct user_regs_struct *r = task_regs(t, task);
	u32 n = 0;

	for (const struct plan_row *row = t->plan->profile.first; r && row && n < ROWS_MOST;
	     row = row->next, n++) {
		struct plan_row alone = {.attach = row->attach};
		const struct plan_list one = {.first = &alone};

		if (!(task->samples >> n & 1))
			continue;
		memcpy(ctx.regs, r, CTX_REGS);
		ctx.period = period_of(row->attach);
		run_rows(t, task, &one, &ctx, sizeof(ctx));
	}
	task->samples = 0;
}
