/*
 * timers.c: timers that programs have set in values of maps (bpf_timer).
 *
 * In:  the machine's timers. Out: their functions run when their time has come, between two stops.
 *
 * A signal interrupts whatever the tracer waits for. One that comes just before it waits would be
 * slept through, so it comes again until the loop has been here.
 */
#include "engine/user/user.h"

#include "base/clock.h"

#include <signal.h>
#include <time.h>

#define AGAIN_NS 2000000

static void on_alarm(int sig)
{
	(void)sig;
}

static bool alarm_make(struct tracer *t)
{
	const struct sigaction a = {.sa_handler = on_alarm};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};

	if (!t->alarm_made)
		t->alarm_made = !sigaction(SIGRTMIN + 1, &a, NULL) &&
				!timer_create(CLOCK_MONOTONIC, &ev, &t->alarm);
	return t->alarm_made;
}

/* At: the time of the next alarm, UINT64_MAX: none. */
static void alarm_set(struct tracer *t, u64 at)
{
	struct itimerspec when = {
		.it_interval = {0, AGAIN_NS},
		.it_value = {(time_t)(at / 1000000000u), (long)MAX(at % 1000000000u, 1u)}};

	if (t->alarm_at == at || !alarm_make(t))
		return;
	if (at == UINT64_MAX)
		when = (struct itimerspec){0};
	t->alarm_at = at;
	timer_settime(t->alarm, TIMER_ABSTIME, &when, NULL);
}

void timers_tick(struct tracer *t)
{
	u64 wait = UINT64_MAX, now;

	if (!vm_has_timers(t->run->vm))
		return;
	if (gate_enter(t)) {
		t->current = NULL; /* they belong to nobody */
		wait = vm_timers_run(t->run);
		if (t->run->fault.kind && !wait)
			note_fault(t);
		gate_leave(t);
	}
	now = clock_now(CLOCK_MONOTONIC);
	/* within a millisecond it is the same alarm: no call for each stop */
	if (wait != UINT64_MAX)
		wait = (now + wait + 999999) / 1000000 * 1000000;
	alarm_set(t, wait);
}
