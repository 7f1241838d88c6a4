/*
 * timers.c: intervals, and the time after which a session ends.
 * Signals to ourselves come to a descriptor likewise. SIGUSR1 shows the maps where the script does
 * not say what it is for: old scripts' users send it for that.
 *
 * Each has a timerfd, which counts its expirations: a tick that comes late is late, not lost. When
 * more expired than MOST at once, the program runs MOST times and the rest is counted as missed.
 */
#include "session/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MOST       64
#define MAPS_SHOWN UINT32_MAX /* instead of a program: the maps are shown */

static int timer_open(struct waggle_session *s, const struct attach *a)
{
	struct itimerspec t = {
		.it_interval = {(time_t)(a->ns / 1000000000u), (long)(a->ns % 1000000000u)}};
	struct timer *timer = &s->timers[s->ntimers];

	t.it_value = t.it_interval;
	timer->prog = a->prog;
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		return diag_fail(&s->diag, -errno, NULL, "cannot make a timer: %s",
				 strerror(errno));
	if (timerfd_settime(timer->fd, 0, &t, NULL) < 0) {
		close(timer->fd);
		return diag_fail(&s->diag, -errno, NULL, "cannot set a timer: %s", strerror(errno));
	}
	return session_watch(s, timer->fd, WATCH_TIMER + s->ntimers++);
}

/* self:signal: handled as a timer that others let expire. It is blocked, so that it does not end
 * us. */
static int signal_open(struct waggle_session *s, int signal, u32 prog)
{
	struct timer *timer = &s->timers[s->ntimers];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	timer->prog = prog;
	timer->signal = signal;
	timer->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (timer->fd < 0)
		return diag_fail(&s->diag, -errno, NULL, "cannot wait for a signal: %s",
				 strerror(errno));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return session_watch(s, timer->fd, WATCH_TIMER + s->ntimers++);
}

/* In a process of our own only: a program that uses the library has its own mind. */
static bool shows_maps_on_signal(const struct waggle_session *s)
{
	bool maps = false;

	vec_each (m, &s->object->maps)
		maps |= m->shown != NULL;
	vec_each (a, &s->object->attaches)
		if (a->kind == ATTACH_SIGNAL && a->off == SIGUSR1)
			return false;
	return maps && s->opts.leaving && session_shows(s);
}

int timers_open(struct waggle_session *s)
{
	int err = 0;

	s->timers = calloc(s->object->attaches.n + 1, sizeof(*s->timers));
	if (!s->timers)
		return -ENOMEM;
	vec_each (a, &s->object->attaches) {
		if (a->kind == ATTACH_INTERVAL && !err)
			err = timer_open(s, a);
		if (a->kind == ATTACH_SIGNAL && !err)
			err = signal_open(s, (int)a->off, a->prog);
	}
	return err || !shows_maps_on_signal(s) ? err : signal_open(s, SIGUSR1, MAPS_SHOWN);
}

static int signal_came(struct waggle_session *s, const struct timer *t)
{
	if (t->prog != MAPS_SHOWN)
		return s->engine->ops->run(s->engine, t->prog);
	for (u32 i = 0; i < s->object->maps.n; i++)
		if (s->object->maps.v[i].shown)
			session_print_map(s, i, 0, 0);
	return 0;
}

bool session_exit_called(const struct waggle_session *s)
{
	const struct waggle_control *c = s->engine->control;

	return c && __atomic_load_n(&c->exit, __ATOMIC_RELAXED);
}

int timer_fired(struct waggle_session *s, u32 timer)
{
	struct timer *t = &s->timers[timer];
	struct signalfd_siginfo info;
	u64 n = 0;
	int err = 0;

	if (t->signal) {
		while (!err && !session_exit_called(s) &&
		       read(t->fd, &info, sizeof(info)) == sizeof(info))
			err = signal_came(s, t);
		return err;
	}
	if (read(t->fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	if (n > MOST)
		s->stats.ticks_missed += n - MOST;
	for (u64 i = 0; i < MIN(n, MOST) && !err && !session_exit_called(s); i++)
		err = s->engine->ops->run(s->engine, t->prog);
	return err;
}

void timers_close(struct waggle_session *s)
{
	sigset_t set;

	sigemptyset(&set);
	for (u32 i = 0; i < s->ntimers; i++) {
		close(s->timers[i].fd);
		if (s->timers[i].signal)
			sigaddset(&set, s->timers[i].signal);
	}
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	free(s->timers);
	s->timers = NULL;
	s->ntimers = 0;
}

int duration_open(struct waggle_session *s)
{
	u64 ns = s->opts.duration_ns;
	struct itimerspec t = {.it_value = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)}};

	if (!ns)
		return 0;
	s->duration = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->duration < 0 || timerfd_settime(s->duration, 0, &t, NULL) < 0)
		return diag_fail(&s->diag, -errno, NULL, "cannot set a timer: %s", strerror(errno));
	return session_watch(s, s->duration, WATCH_DURATION);
}
