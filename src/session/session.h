/*
 * session.h: what the files of the session share.
 *
 * A session joins an engine, its stream, a sink and, if there is one, a command or a process that
 * is watched. It carries out the user-space half of a script: what records ask for.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "engine/engine.h"
#include "sink/sink.h"
#include "stream/stream.h"

/* The command of -c: made early, held until all is attached, reaped in any case. */
struct command {
	char *const *argv;
	char *path; /* of its file, or NULL */
	int pid;    /* 0: none */
	int pidfd;  /* readable when it has ended */
	int go;     /* a byte lets it run; closing it ends it */
	int failed; /* the errno of a failed exec comes here */
	int status; /* once it has ended: what a shell would call $? */
	bool ended;
	const struct engine_ops *ops;
	struct user_child *child; /* what it does before its exec, or NULL */
	const struct waggle_user *user; /* whom it runs as, or NULL */
};
int command_start(struct command *, char *const *argv, const struct engine_ops *,
		  struct user_child *, const struct waggle_user *, struct diag *);
/* Waits until it waits for us, so that what it did for us before is not traced. */
void command_settle(const struct command *);
void command_release(struct command *);
/* Collects its status; false: it still runs. */
bool command_reap(struct command *, struct diag *);
void command_terminate(struct command *); /* asks it to end: SIGTERM */
/* Waits for that a second, then SIGKILL; collects its status and returns it. */
int command_close(struct command *, struct diag *);

/* Why the session ends; the first reason stays. */
enum ending {
	ENDING_NOT,
	ENDING_EXIT,
	ENDING_COMMAND,
	ENDING_PROCESS,
	ENDING_INTERRUPT,
	ENDING_DURATION,
	ENDING_WRITE,
	ENDING_GONE,
	ENDING_ITERATED
};

struct timer {
	int fd;
	u32 prog;
	int signal; /* it is for this signal; 0: a timer */
};

struct waggle_map {
	struct waggle_session *session;
	u32 index;
};

/* What is got ready of symbols and stacks: see ahead.c. */
struct ahead {
	bool kernel, user, keys; /* keys: of maps are looked at */
	u64 next; /* CLOCK_MONOTONIC ns of the next look at keys */
};

/* Stacks that were read, by id, and those that are to be: see stacks.c. */
struct stacks {
	struct buf ids, frames, ends; /* ends: u32, in frames */
	u32 n, deepest;
	u32 *slots, mask; /* index + 1 */
	struct buf wanted; /* ids; `read` bytes of them are through */
	size_t read;
	u32 map;    /* in which those are */
	u32 misses; /* of them in a row; see MISSES */
	bool vain;  /* the last ones were given up for that, and nothing was found since */
};

/* Rows for programs that unwind stacks in the kernel: see unwinds.c. */
struct unwinds {
	struct unwinder *unwinder; /* NULL: there is nothing to do */
	struct cfi_row *rows;      /* the map of rows, n so far */
	size_t bytes;
	u32 n, most, files; /* files: number of that map */
	u64 next, since; /* CLOCK_MONOTONIC ns: of the next look; when something was last missed */
	u32 refused;     /* files for which there was no room */
};

struct waggle_session {
	struct unwinds unwinds;
	struct object *object; /* borrowed */
	struct ahead ahead;
	struct stacks stacks;
	struct waggle_opts opts;
	struct diag diag;
	const struct engine_ops *ops; /* of the engine that was chosen */
	struct engine *engine;
	struct user_child *child; /* of the engine, or NULL */
	struct stream *stream;
	struct sink sink;
	bool has_sink;
	struct command command;
	int process;   /* pidfd of -p; -1: none */
	int interrupt; /* eventfd */
	int duration;  /* timerfd: the session ends; -1: it does not */
	u32 interrupts;
	struct format *formats;   /* by schema: names of files, commands */
	struct arena arena;       /* of those */
	struct capture *captures; /* packets.c */
	struct timer *timers;
	u32 ntimers;
	struct trial { /* the test or benchmark that runs */
		s64 returned;
		u32 errors; /* of errorf() */
		u64 *times; /* of a benchmark, n so far; NULL: a test */
		u32 n;
		u32 failed; /* tests so far */
	} trial;
	struct waggle_map *maps;

	u64 start_ns;
	struct waggle_stats stats;
	enum ending ending;
	bool exited; /* an exit() was seen: what comes later is not shown... */
	u64 resumed; /* ...but for what END makes, from this time on */
	int status;
	bool finished;

	s64 only; /* of waggle_session_load(): see object_wants() */
	struct call {
		struct engine_test test;
		struct buf data, ctx;
	} call; /* what the last waggle_session_call() points to */

	struct usdt_specs {
		vec(u8 *) specs; /* elements of the map, in the object's arena */
		u32 map;
	} usdt; /* usdt.c */

	struct record_types *record_types; /* records.c; NULL: nothing came yet */
	u64 tally_next; /* CLOCK_MONOTONIC ns of the next table of verdicts: tally.c */
	bool iterating; /* iterators are not through yet */
	u32 batch;      /* records since the last look at timers and descriptors */
	bool polled;    /* waggle_session_poll() was called last: nothing goes to the sink */
	int (*fn)(void *, const struct waggle_event *); /* its, or NULL */
	void *user;
	int fn_result, events;
};

/* usdt.c: USDT probes of a plain object, and what their programs find in a map. */
struct target;
int usdt_resolve(struct waggle_session *, struct target *, bool cookies);
int usdt_fill(struct waggle_session *);
/* machine.c: makes a plain object fit to this machine. only: see object_wants() */
int session_resolve(struct waggle_session *, s64 only);
/* Says of each program that a session cannot attach who does; an error when there is no other. */
int session_attachable(struct waggle_session *);
/* at.c: puts the program of a plain object where the caller says (--at). */
int session_at(struct waggle_session *);
/* tally.c: shows what that program says, when it is time; returns how long to sleep, at most. And
 * for the last time. */
u64 tally_idle(struct waggle_session *, u64 ns);
void tally_end(struct waggle_session *);
/* records.c: shows what a plain object's programs have written; returns how long to sleep, at most.
 */
u64 records_show(struct waggle_session *, u64 ns);
void records_close(struct waggle_session *);
/* session.c: a session of which nothing is there yet; it is *out also when it fails. */
int session_new(struct waggle_session **out, struct waggle_object *, const struct waggle_opts *);
int session_failed(struct waggle_session *, int err);     /* says so and frees it; returns err */
int session_read_file(const char *path, struct buf *out); /* public.c */
/* call.c */
void session_call_close(struct waggle_session *);
/* The program of that name; NULL: the only one. -errno, which was reported. */
s64 session_find_program(struct waggle_session *, const char *name);

/* unwinds.c */
void unwinds_open(struct waggle_session *);
u64 unwinds_idle(struct waggle_session *, u64 ns); /* how long to sleep, at most */
void unwinds_close(struct waggle_session *);

void session_end(struct waggle_session *, enum ending);

/* Is there a sink, and does the caller want it? */
static inline bool session_shows(const struct waggle_session *s)
{
	return s->has_sink && !s->polled;
}

/* actions.c */
int session_record(void *session, const struct schema *, u64 ns, u32 cpu, const void *payload,
		   u32 size); /* a stream_fn */
/* What a map holds, to be shown. key: of the one entry that is wanted; NULL: all. It is to be freed
 * in any case. unordered: as map_contents_make(). */
struct reading {
	const struct object_map *map;
	struct buf keys, values;
	struct map_contents contents;
	struct arena arena;
	bool keep_raw; /* keys as they were read, before stacks stood in them, too */
	struct buf raw;
};
int reading_make(struct waggle_session *, struct reading *, u32 map, u32 top, u32 div,
		 const u8 *key, bool unordered);
void reading_free(struct reading *);
/* table.c: ACTION_TABLE */
void session_table(struct waggle_session *, const struct action *, u64 ns, u32 cpu);
void session_print_map(struct waggle_session *, u32 map, u32 top, u32 div);

/* print_map.c: the same of a map of a plain object; says nothing of one that is empty or constant.
 */
void session_print_plain(struct waggle_session *, u32 map);

/* How many values the engine has of an entry. */
u32 session_map_parts(const struct waggle_session *, u32 map);

/* packets.c: skboutput() */
void session_packet(struct waggle_session *, const struct schema *, u64 ns, const u8 *payload,
		    u32 size);
void session_packets_close(struct waggle_session *);
/* outputs.c: cat() and system() */
int outputs_open(struct waggle_session *);
/* trials.c: tests and benchmarks; what one of them says. The session ends behind them. */
int trials_run(struct waggle_session *);
void trial_result(struct waggle_session *, const struct schema *, const void *payload, u32 size);
void session_output(struct waggle_session *, const struct schema *, const void *payload, u32 size);
void outputs_close(struct waggle_session *);
/* stacks.c: the keys and values of a map with the frames in place of their ids; and the map that
 * tells of them, in the arena. 0 or -errno. Nothing changes where there are none. */
int stacks_expand(struct waggle_session *, struct arena *, const struct object_map **,
		  struct buf *keys, struct buf *values, u32 n);
/* Has the map ids? Then the stacks of n entries whose frames are not known are noted, and read
 * piece by piece; false: nothing is left of what was noted. */
bool stacks_by_id(const struct waggle_session *, const struct object_map *);
void stacks_want(struct waggle_session *, const struct object_map *, const struct buf *keys,
		 const struct buf *values, u32 n);
void stacks_want_none(struct waggle_session *); /* forgets what was noted */
/* So many that they would be slow at the end? Not where the last ones were not there. */
bool stacks_want_many(const struct waggle_session *);
bool stacks_prepare(struct waggle_session *);
void stacks_free(struct stacks *);

/* ahead.c: symbols ahead of time. ahead_idle() does a piece of the work and returns for how long
 * there is nothing to do, at most ns. */
void ahead_open(struct waggle_session *);
u64 ahead_idle(struct waggle_session *, u64 ns);
/* What names of the command's stacks need, while it is still there; a moment at most. */
void ahead_last(struct waggle_session *);

/* timers.c: intervals */
int timers_open(struct waggle_session *);
int duration_open(struct waggle_session *);
int timer_fired(struct waggle_session *, u32 timer);
void timers_close(struct waggle_session *);
bool session_exit_called(const struct waggle_session *); /* a program said exit() */

/* loop.c: waiting, and the end */
enum { WATCH_INTERRUPT, WATCH_COMMAND, WATCH_PROCESS, WATCH_DURATION, WATCH_DEVICES, WATCH_ALONE, WATCH_TIMER };
int session_watch(struct waggle_session *, int fd, u32 what);
/* Reads, shows, waits once, for at most ns (UINT64_MAX: no limit). 0 or -errno. */
int session_turn(struct waggle_session *, u64 ns);
int session_finish(struct waggle_session *);
bool session_has(const struct waggle_session *, enum attach_kind);
int session_run_all(struct waggle_session *, enum attach_kind); /* BEGIN, END */
void session_drain(struct waggle_session *);

#endif
