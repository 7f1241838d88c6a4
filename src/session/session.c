/*
 * session.c: the public session of waggle.h: starts, runs and stops one.
 *
 * Start: the command is forked, programs are loaded, BEGIN runs, all is attached, BEGIN's records
 * are shown, the gate opens, the command is let go.
 */
#include "base/clock.h"
#include "base/io.h"
#include "base/words.h"
#include "session/opts.h"
#include "session/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -p: the process must be there; its end is our end. */
static int process_open(struct waggle_session *s)
{
	int pid = s->opts.pid;

	s->process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (s->process >= 0)
		return 0;
	if (errno == ESRCH)
		return diag_fail(&s->diag, -ESRCH, "ps -e lists those that run",
				 "there is no process %d", pid);
	if (errno == EINVAL || errno == ENOENT)
		return diag_fail(&s->diag, -EINVAL, "give the number of its process",
				 "%d is not a process, but a thread of one", pid);
	return diag_fail(&s->diag, -errno, NULL, "cannot watch process %d: %s", pid,
			 strerror(errno));
}

/* -d verifier: load, print what the verifier says, and that is all. */
static bool only_verify(const struct waggle_opts *o)
{
	return words_have(o->dump, "verifier") && o->out;
}

static const struct engine_ops *const engines[] = {
	[WAGGLE_AUTO] = &kernel_engine,
	[WAGGLE_KERNEL] = &kernel_engine,
	[WAGGLE_USER] = &user_engine,
	[WAGGLE_INPROCESS] = &inprocess_engine,
};

/* Which engine serves. Without a wish: the kernel, where it is permitted. */
static void engine_choose(struct waggle_session *s)
{
	const char *denied = s->opts.engine == WAGGLE_AUTO ? kernel_denied() : NULL;

	s->ops = engines[denied ? WAGGLE_USER : s->opts.engine];
	if (denied && !s->opts.quiet)
		diag_note(&s->diag, NULL, "the user engine traces, since %s", denied);
}

static int engine_start(struct waggle_session *s)
{
	const struct waggle_opts *o = &s->opts;
	struct engine_opts opts = {
		.cpid = (u32)s->command.pid,
		.pid = (u32)o->pid,
		.without = engine_without(o->no_features),
		.ring_bytes = o->ring_bytes,
		.only = s->only + 1,
		.tally = o->at != NULL,
		.costs = o->costs,
		.records = o->out_fd > 0,
		.log = only_verify(o) ? o->out : NULL,
		.user = o->user,
		.child = s->child,
	};

	return s->ops->open(&s->engine, s->object, &opts, &s->diag);
}

static int watches_open(struct waggle_session *s)
{
	int err = session_watch(s, s->interrupt, WATCH_INTERRUPT);

	if (!err && s->command.pid)
		err = session_watch(s, s->command.pidfd, WATCH_COMMAND);
	if (!err && s->process >= 0)
		err = session_watch(s, s->process, WATCH_PROCESS);
	return err;
}

static int load(struct waggle_session *s)
{
	const struct waggle_opts *o = &s->opts;
	int err;

	s->interrupt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->interrupt < 0)
		return diag_fail(&s->diag, -errno, NULL, "cannot wait: %s", strerror(errno));
	engine_choose(s);
	err = o->pid ? process_open(s) : 0;
	s->object->raw_calls = o->raw_calls;
	s->object->narrow_calls = o->narrow_calls;
	if (!err && o->command && !o->pid && s->ops->child_open)
		err = s->ops->child_open(&s->child, s->object, &s->diag);
	if (!err && o->command)
		err = command_start(&s->command, o->command, s->ops, s->child,
				    o->command_user, &s->diag);
	if (!err)
		err = engine_start(s);
	if (!err) {
		struct stream_input in = engine_stream(s->engine);

		err = stream_open(&s->stream, &in);
	}
	if (!err)
		err = watches_open(s);
	s->stats.ns_load = clock_now(CLOCK_MONOTONIC) - s->start_ns;
	return err;
}

/* What BEGIN printed stands before the output of the command. Without a sink it waits for the
 * first poll. */
static void show_begin(struct waggle_session *s)
{
	if (!s->opts.quiet)
		sink_attached(&s->sink, s->object->attaches.n);
	session_drain(s);
	if (sink_flush(&s->sink, true))
		session_end(s, ENDING_WRITE);
}

static int begin(struct waggle_session *s)
{
	const struct waggle_opts *o = &s->opts;
	int err = o->out_fd > 0 ? sink_open(&s->sink, o->format, s->object, o->out_fd,
					    o->line_buffered, &s->diag)
				: 0;

	if (err)
		return err;
	s->has_sink = o->out_fd > 0;
	if (s->has_sink)
		ahead_open(s);
	s->sink.interrupts = &s->interrupts;
	if (o->no_redraw || (o->command && isatty(STDOUT_FILENO)))
		s->sink.term.redraw = false; /* the command writes to the terminal, too */
	unwinds_open(s);
	err = outputs_open(s);
	if (err)
		return err;
	err = session_run_all(s, ATTACH_BEGIN);
	if (!err)
		err = s->engine->ops->attach(s->engine);
	if (err)
		return err;
	s->stats.ns_attach = clock_now(CLOCK_MONOTONIC) - s->start_ns;
	if (s->has_sink)
		show_begin(s);
	if (s->ending || session_exit_called(s))
		return 0; /* BEGIN said exit() */
	err = timers_open(s);
	if (!err)
		err = duration_open(s);
	if (!err && s->ops == &kernel_engine && kernel_devices_fd(s->engine) >= 0)
		err = session_watch(s, kernel_devices_fd(s->engine), WATCH_DEVICES);
	if (!err && o->past_command && s->engine->alone)
		err = session_watch(s, s->engine->alone, WATCH_ALONE);
	if (err)
		return err;
	command_settle(&s->command);
	s->engine->ops->go(s->engine);
	s->iterating = s->engine->ops->iterate && session_has(s, ATTACH_ITER);
	command_release(&s->command);
	return o->trials ? trials_run(s) : 0;
}

static int maps_make(struct waggle_session *s)
{
	s->maps = calloc(MAX(s->object->maps.n, 1u), sizeof(*s->maps));
	if (!s->maps)
		return -ENOMEM;
	for (u32 i = 0; i < s->object->maps.n; i++)
		s->maps[i] = (struct waggle_map){s, i};
	s->stats.programs = s->object->progs.n;
	s->stats.probes = s->object->attaches.n;
	s->stats.maps = s->object->maps.n;
	vec_each (p, &s->object->progs)
		s->stats.instructions += p->code.insns.n;
	return 0;
}

int session_new(struct waggle_session **out, struct waggle_object *object,
		const struct waggle_opts *opts)
{
	struct waggle_session *s;
	struct waggle_opts o;
	int err = opts_copy(&o, opts);

	*out = NULL;
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*out = s;
	s->object = (struct object *)object;
	s->opts = o;
	s->diag = (struct diag){.fn = s->opts.diag, .user = s->opts.user};
	s->stats.sz = sizeof(s->stats);
	s->start_ns = clock_now(CLOCK_MONOTONIC);
	s->process = s->interrupt = s->duration = -1;
	s->command = (struct command){.pidfd = -1, .go = -1, .failed = -1};
	s->only = -1;
	return maps_make(s);
}

int session_failed(struct waggle_session *s, int err)
{
	if (!s)
		return err;
	if (!s->diag.errors)
		diag_fail(&s->diag, err, NULL, "cannot start: %s", strerror(-err));
	s->opts.leaving = false;
	waggle_session_stop(s);
	return err;
}

int waggle_session_start(struct waggle_session **out, struct waggle_object *object,
			 const struct waggle_opts *opts)
{
	struct waggle_session *s;
	int err = session_new(&s, object, opts);

	*out = NULL;
	if (!err)
		err = session_at(s);
	if (!err)
		err = session_resolve(s, s->only);
	if (!err && !s->opts.at)
		err = session_attachable(s);
	if (!err)
		err = load(s);
	if (!err)
		err = usdt_fill(s);
	if (!err && only_verify(&s->opts)) {
		s->finished = true;
		session_end(s, ENDING_EXIT);
	} else if (!err) {
		err = begin(s);
	}
	if (err)
		return session_failed(s, err);
	s->stats.map_bytes = s->engine->map_bytes;
	*out = s;
	return 0;
}

int waggle_session_run(struct waggle_session *s)
{
	int err = 0;

	s->polled = false;
	if (!s->has_sink && !s->finished)
		return diag_fail(&s->diag, -EBADF, "set out_fd, or call waggle_session_poll()",
				 "there is nowhere to show events");
	while (!s->ending && !err)
		err = session_turn(s, UINT64_MAX);
	if (err && !s->diag.errors)
		diag_fail(&s->diag, err, NULL, "cannot go on: %s", strerror(-err));
	session_finish(s);
	return err ? err : s->status;
}

int waggle_session_poll(struct waggle_session *s, int ms,
			int (*fn)(void *, const struct waggle_event *), void *user)
{
	u64 now = clock_now(CLOCK_MONOTONIC),
	    until = ms < 0 ? UINT64_MAX : now + (u64)ms * 1000000u;
	int err = 0;

	s->polled = true;
	s->fn = fn;
	s->user = user;
	s->events = s->fn_result = 0;
	do {
		err = session_turn(s, until == UINT64_MAX ? until : until - now);
		now = clock_now(CLOCK_MONOTONIC);
	} while (!s->ending && !err && !s->events && !s->fn_result && now < until);
	if (s->ending)
		session_finish(s);
	s->fn = NULL;
	if (err || s->fn_result)
		return err ? err : s->fn_result;
	return s->ending && !s->events ? -ESHUTDOWN : s->events;
}

void waggle_session_interrupt(struct waggle_session *s)
{
	int saved = errno;

	__atomic_fetch_add(&s->interrupts, 1, __ATOMIC_RELAXED);
	eventfd_wake(s->interrupt);
	errno = saved;
}

int waggle_session_fd(struct waggle_session *s)
{
	return s->engine->epoll_fd;
}

uint64_t waggle_session_lost(struct waggle_session *s)
{
	return stream_lost(s->stream);
}

void waggle_session_stats(struct waggle_session *s, struct waggle_stats *out)
{
	struct waggle_stats now = s->stats;
	size_t size = MIN(out->sz, sizeof(now));

	now.lost = stream_lost(s->stream);
	now.map_full = stream_map_full(s->stream);
	now.recursion = s->engine->ops->recursion(s->engine);
	now.sz = out->sz;
	memcpy(out, &now, size);
}

int waggle_session_cost(struct waggle_session *s, unsigned i, struct waggle_cost *out)
{
	struct waggle_cost cost = {.sz = out->sz};
	int err;

	if (i >= s->object->progs.n)
		return -ENOENT;
	cost.probe = s->object->progs.v[i].probe ? s->object->progs.v[i].probe
						 : s->object->progs.v[i].name;
	err = s->ops == &kernel_engine ? kernel_cost(s->engine, i, &cost.runs, &cost.ns) : -ENODATA;
	memcpy(out, &cost, MIN(out->sz, sizeof(cost)));
	return err;
}

int waggle_session_stop(struct waggle_session *s)
{
	int status;

	if (!s)
		return 0;
	if (s->engine)
		s->engine->ops->detach(s->engine);
	status = command_close(&s->command, &s->diag);
	timers_close(s);
	outputs_close(s);
	session_packets_close(s);
	unwinds_close(s);
	if (s->has_sink)
		sink_close(&s->sink);
	stream_close(s->stream);
	if (s->engine)
		s->engine->ops->close(s->engine, s->opts.leaving);
	if (s->child)
		s->ops->child_close(s->child);
	if (s->process >= 0)
		close(s->process);
	if (s->interrupt >= 0)
		close(s->interrupt);
	if (s->duration >= 0)
		close(s->duration);
	session_call_close(s);
	stacks_free(&s->stacks);
	records_close(s);
	free(s->maps);
	free(s);
	return status;
}
