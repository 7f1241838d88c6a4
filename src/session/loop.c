/*
 * loop.c: one turn of a session, and its end.
 *
 * A turn reads what is in the rings, writes what was shown when nothing more is there, and sleeps
 * until a ring, a timer, the command or a signal has something. Nothing ticks.
 *
 * The end: probes off, rings emptied, END run, its records shown, maps printed, sums.
 */
#include "session/session.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define WAKES    16
#define DRAIN_NS 100000000u /* a record still busy after that is not waited for */
#define BUSY_NS  50000      /* between two looks at it */

void session_end(struct waggle_session *s, enum ending why)
{
	if (!s->ending)
		s->ending = why;
}

int session_watch(struct waggle_session *s, int fd, u32 what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = ENGINE_EPOLL_FREE + what};

	if (epoll_ctl(s->engine->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return diag_fail(&s->diag, -errno, NULL, "cannot wait for events: %s",
				 strerror(errno));
	return 0;
}

/* What comes of rows of this kind by itself does not make a session worth going on. */
static bool is_place(const struct attach *a)
{
	return a->kind != ATTACH_BEGIN && a->kind != ATTACH_END && a->kind != ATTACH_INTERVAL &&
	       a->kind != ATTACH_SIGNAL;
}

/* A network device has gone, or one has come. When it was the last place, we end; the command
 * ends by itself. */
static void session_devices(struct waggle_session *s)
{
	u32 gone = kernel_devices_gone(s->engine), places = 0;

	vec_each (a, &s->object->attaches)
		places += is_place(a);
	if (gone < places || !gone || s->command.pid || s->ending)
		return;
	session_end(s, ENDING_GONE);
	s->status = diag_fail(&s->diag, -ENODEV, NULL, "there is nothing left to see");
}

static int session_woken(struct waggle_session *s, u64 data)
{
	u64 count;

	if (data < ENGINE_EPOLL_FREE)
		return 0; /* a ring: the next turn reads it */
	switch (data - ENGINE_EPOLL_FREE) {
	case WATCH_INTERRUPT:
		if (read(s->interrupt, &count, sizeof(count)) == sizeof(count))
			session_end(s, ENDING_INTERRUPT);
		return 0;
	case WATCH_COMMAND:
		if (!command_reap(&s->command, &s->diag))
			return 0;
		if (!s->opts.past_command)
			session_end(s, ENDING_COMMAND);
		else
			epoll_ctl(s->engine->epoll_fd, EPOLL_CTL_DEL, s->command.pidfd, NULL);
		return 0;
	case WATCH_ALONE: session_end(s, ENDING_COMMAND); return 0;
	case WATCH_PROCESS: session_end(s, ENDING_PROCESS); return 0;
	case WATCH_DURATION: session_end(s, ENDING_DURATION); return 0;
	case WATCH_DEVICES: session_devices(s); return 0;
	default: return timer_fired(s, (u32)(data - ENGINE_EPOLL_FREE - WATCH_TIMER));
	}
}

/* Blocks for at most ns and handles what woke us. epoll_wait() counts in milliseconds, so for
 * shorter times the epoll's own descriptor is waited for. */
static int session_wait(struct waggle_session *s, u64 ns)
{
	struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	struct pollfd p = {.fd = s->engine->epoll_fd, .events = POLLIN};
	struct epoll_event ev[WAKES];
	int n = ns ? ppoll(&p, 1, ns == UINT64_MAX ? NULL : &t, NULL) : 1, err = 0;

	if (n > 0)
		n = epoll_wait(s->engine->epoll_fd, ev, WAKES, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n && !err; i++)
		err = session_woken(s, ev[i].data.u64);
	return err;
}

bool session_has(const struct waggle_session *s, enum attach_kind kind)
{
	vec_each (a, &s->object->attaches)
		if (a->kind == kind)
			return true;
	return false;
}

/* Is there anything but iterators, begin and end to wait for? */
static bool waits(const struct waggle_session *s)
{
	vec_each (a, &s->object->attaches)
		if (a->kind != ATTACH_ITER && a->kind != ATTACH_BEGIN && a->kind != ATTACH_END)
			return true;
	return false;
}

/* A piece of what the iterators go through; then their records are read. */
static int session_iterate(struct waggle_session *s)
{
	int more = s->engine->ops->iterate(s->engine);

	if (more < 0)
		return more;
	s->iterating = more;
	if (!more && !waits(s))
		session_end(s, ENDING_ITERATED);
	return 0;
}

int session_turn(struct waggle_session *s, u64 ns)
{
	bool sleep = false;

	s->batch = 0;
	ns = records_show(s, ns);
	if (!stream_read(s->stream, session_record, s))
		sleep = stream_sleep(s->stream, &ns);
	if (s->engine->control && s->engine->control->exit == EXIT_LOST && !s->ending) {
		s->exited = true; /* its record was lost */
		session_end(s, ENDING_EXIT);
	}
	if (s->ending || s->fn_result)
		return 0;
	if (s->iterating) {
		int err = session_iterate(s);

		return err ? err : session_wait(s, 0);
	}
	if (session_shows(s) && sink_flush(&s->sink, sleep)) {
		session_end(s, ENDING_WRITE);
		return 0;
	}
	if (sleep && !s->events)
		ns = tally_idle(s, unwinds_idle(s, ahead_idle(s, ns)));
	return session_wait(s, sleep && !s->events ? ns : 0);
}

static bool hurry(const struct waggle_session *s)
{
	return __atomic_load_n(&s->interrupts, __ATOMIC_RELAXED) > 1 || s->sink.error;
}

/* Shows all that is in the rings. */
void session_drain(struct waggle_session *s)
{
	u64 until = clock_now(CLOCK_MONOTONIC) + DRAIN_NS;

	while (!stream_empty(s->stream) && !hurry(s)) {
		u64 before = stream_seen(s->stream);

		stream_read(s->stream, session_record, s);
		if (stream_seen(s->stream) != before)
			until = clock_now(CLOCK_MONOTONIC) + DRAIN_NS;
		else if (clock_now(CLOCK_MONOTONIC) > until)
			break;
		else /* whoever is busy with it may want this CPU */
			nanosleep(&(struct timespec){.tv_nsec = BUSY_NS}, NULL);
	}
}

int session_run_all(struct waggle_session *s, enum attach_kind kind)
{
	int err = 0;

	vec_each (a, &s->object->attaches) {
		if (a->kind == kind && !err)
			err = s->engine->ops->run(s->engine, a->prog);
	}
	return err;
}

static void print_maps(struct waggle_session *s)
{
	tally_end(s);
	sink_ended(&s->sink);
	for (u32 i = 0; i < s->object->maps.n && !s->object->silent && !hurry(s); i++)
		if (s->object->maps.v[i].shown)
			session_print_map(s, i, 0, 0);
		else if (s->object->plain)
			session_print_plain(s, i);
}

/* Tables end with their sums, where people read them. */
static bool has_table(const struct waggle_session *s)
{
	if (!session_shows(s) || s->sink.ops != &sink_text)
		return false;
	vec_each (schema, &s->object->schemas)
		if (schema->action.kind == ACTION_EMIT)
			return true;
	return false;
}

/* Only maps, it may be: they tell no events, but sums of them. */
static bool makes_records(const struct waggle_session *s)
{
	vec_each (schema, &s->object->schemas)
		if (schema->action.kind <= ACTION_PRINT_VALUE)
			return true;
	return false;
}

/* Where there is more room for what was lost; NULL: nothing was. */
static const char *more_room(const struct waggle_stats *st)
{
	if (st->lost && st->map_full)
		return "there is more room with --perf-rb-pages N for records, with --max-map-keys N for keys of maps";
	return st->lost	      ? "there is more room for records with --perf-rb-pages N"
	       : st->map_full ? "there is more room for keys of maps with --max-map-keys N"
			      : NULL;
}

/* What was shown and lost: of tables always, else when something was lost or somebody asked. */
static void report_sums(struct waggle_session *s)
{
	const struct waggle_stats *st = &s->stats;
	struct buf text = {0};

	if (s->opts.quiet)
		return;
	if (st->lost || st->map_full || st->ticks_missed || s->opts.verbose || has_table(s)) {
		summary_text(&text, st, makes_records(s));
		diag_note(&s->diag, more_room(st), "%s", buf_str(&text));
	}
	buf_free(&text);
}

static void stats_read(struct waggle_session *s)
{
	s->stats.lost = stream_lost(s->stream) + engine_records_lost(s->engine);
	s->stats.map_full = stream_map_full(s->stream);
	s->stats.recursion = s->engine->ops->recursion(s->engine);
}

/* A reader that has gone is no error; a full disk is. */
static int write_status(struct waggle_session *s)
{
	int err = s->sink.error;

	if (err == -EPIPE)
		return 128 + 13; /* as if SIGPIPE had ended us */
	if (err == -EINTR)
		return 128 + 2; /* nobody wanted to wait for the reader */
	return diag_fail(&s->diag, err, NULL, "cannot write the output: %s", strerror(-err));
}

int session_finish(struct waggle_session *s)
{
	int err = 0;

	if (s->finished)
		return s->status;
	s->finished = true;
	/* ticks of before the end belong to it, even if we did not come to see them */
	for (u32 i = 0; i < s->ntimers && !s->exited && !hurry(s) && !err; i++)
		err = timer_fired(s, i);
	s->engine->ops->detach(s->engine);
	ahead_last(s);
	command_terminate(&s->command);
	session_drain(s);
	if (!hurry(s) && !err) {
		records_show(s, 0);
		s->resumed = clock_now(CLOCK_MONOTONIC);
		err = session_run_all(s, ATTACH_END);
		session_drain(s);
		if (session_shows(s) && !s->opts.trials)
			print_maps(s);
	}
	stats_read(s);
	if (session_shows(s) && !s->sink.error) {
		sink_summary(&s->sink, &s->stats);
		sink_flush(&s->sink, true);
	}
	report_sums(s);
	if (err < 0)
		s->status = err;
	else if (session_shows(s) && s->sink.error)
		s->status = write_status(s);
	else if (s->ending == ENDING_COMMAND && !s->exited)
		s->status = s->command.status;
	if (!s->status && s->diag.errors)
		s->status = -EIO; /* something could not be shown, and was told */
	return s->status;
}
