/*
 * engine.h: where objects run: the kernel, or our own machine.
 *
 * An engine owns what it loads and attaches, and lets go of it in reverse order. The kernel engine
 * speaks bpf(2) and perf_event_open(2) itself; the user engine needs no rights and traces a command
 * or a process with ptrace(2) and seccomp(2).
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "object/object.h"
#include "stream/stream.h"

struct user_child;

enum engine_without { WITHOUT_KPROBE_MULTI = 1, WITHOUT_UPROBE_MULTI = 2, WITHOUT_TCX = 4 };

/* "kprobe_multi,uprobe_multi"; other names mean what is never used. */
static inline u32 engine_without(const char *names)
{
	return !names ? 0
		      : (strstr(names, "kprobe_multi") ? WITHOUT_KPROBE_MULTI : 0u) |
				(strstr(names, "uprobe_multi") ? WITHOUT_UPROBE_MULTI : 0u) |
				(strstr(names, "tcx") ? WITHOUT_TCX : 0u);
}

struct engine_opts {
	u32 without;    /* bits of enum engine_without: what is not to be used */
	u32 cpid, pid;  /* for struct waggle_config, as numbers of our own PID namespace */
	u32 ring_bytes; /* 0: RING_BYTES */
	/* -d verifier: all that the kernel's verifier says; NULL: only why it refused something */
	void (*log)(void *user, const char *text, size_t len);
	void *user;
	struct user_child *child; /* see struct engine_ops; borrowed */
	s64 only;   /* plain objects: load just this program, less 1 (0: all); see object_wants() */
	bool tally; /* plain objects: count what the attached ones say: kernel_tally() */
	bool costs; /* measure how long programs run: kernel_cost() */
	bool records; /* plain objects: read what they write: engine_records() */
};

/* A program run by itself, on input that the caller gives. */
struct engine_test {
	const void *data, *ctx; /* a packet, or the context itself: as the program's kind wants */
	u32 data_size, ctx_size;
	u32 repeat; /* 0: once */
	/* what comes of it */
	struct buf out, ctx_out; /* the packet and the context afterwards; freed by the caller */
	u64 result, ns;          /* of the last run; of one run on the average */
	struct buf fault;        /* why it stopped; empty: it did not */
};

#define ENGINE_EPOLL_FREE (1ull << 32)

struct engine {
	const struct engine_ops *ops;
	struct object *object;
	struct diag *diag;
	u32 cpus;           /* possible ones: values of per-CPU maps come for each of them */
	struct ring *rings; /* NULL when the object has none */
	u32 nrings;
	/* Readable when a ring was woken up: edge-triggered, data is the ring's index. Others may
	 * add descriptors of theirs, with data from ENGINE_EPOLL_FREE on. */
	int epoll_fd;
	int alone; /* pidfd: readable when nobody is left who is traced; 0: the engine cannot tell */
	struct vm *vm;                    /* own.h: our own machine, or NULL */
	struct waggle_control *control;   /* mapped .bss, or NULL */
	struct waggle_counters *counters; /* [program * CONTROL_CPUS + slot], or NULL */
	u32 nap_us;                       /* for struct stream_input */
	u64 map_bytes;
	struct raw_ring *raw; /* of a plain object whose records are wanted: raw.h */
	u32 nraw;
};

typedef int engine_piece(void *user, const struct buf *keys, const struct buf *values, u32 n);
struct engine_ops {
	const char *name;
	/* What a command must do before its exec, made before it is forked: NULL where that is
	 * nothing. Refuses objects that the engine cannot serve: a message lists why. */
	int (*child_open)(struct user_child **, const struct object *, struct diag *);
	int (*child_prepare)(struct user_child *); /* in the command; 0 or -errno */
	void (*child_close)(struct user_child *);
	/* Creates maps, loads programs; opts are copied. On error nothing is left behind. */
	int (*open)(struct engine **, struct object *, const struct engine_opts *, struct diag *);
	/* Attaches every row that the machine itself drives (not BEGIN, END, intervals), with the
	 * gate shut; go() opens it: all start at one moment. */
	int (*attach)(struct engine *);
	void (*go)(struct engine *);
	/* Stops those programs, at once; what is in the rings stays there to be read. */
	void (*detach)(struct engine *);
	/* Runs a program once, here: BEGIN, END, intervals. */
	int (*run)(struct engine *, u32 prog);
	/* Goes on with the iterators, a piece at a time: 1 until all are through, then 0; -errno.
	 * NULL: the engine has none. */
	int (*iterate)(struct engine *);
	/* Puts the watchpoint of a program at an address of a process, takes all from an address.
	 * NULL: the engine has none. */
	int (*watch)(struct engine *, u32 prog, u64 addr, u32 pid);
	void (*unwatch)(struct engine *, u64 addr);
	/* 0, or -errno with a message. A fault of the program is no error of the call. */
	int (*test)(struct engine *, u32 prog, struct engine_test *);
	/* Of per-CPU maps, `value` is cpus values, each rounded up to 8 bytes. key NULL: first. */
	u32 (*map_bytes)(struct engine *, u32 map); /* that map_lookup writes */
	int (*map_lookup)(struct engine *, u32 map, const void *key, void *value);
	int (*map_update)(struct engine *, u32 map, const void *key, const void *value, u64 flags);
	/* The memory of an array that may be mapped, *size bytes, to be unmapped; NULL: it may not.
	 * The engine may have none: NULL. */
	void *(*map_memory)(struct engine *, u32 map, size_t *size);
	int (*map_delete)(struct engine *, u32 map, const void *key);
	int (*map_next)(struct engine *, u32 map, const void *key, void *next);
	/* Appends all entries: keys, and values as map_lookup gives them; *n: how many. Of a map
	 * that changes meanwhile, an entry may be missing or come as it was or is. */
	int (*map_read)(struct engine *, u32 map, struct buf *keys, struct buf *values, u32 *n);
	/* The same piece by piece: what fn is handed is gone when it returns; 0, or it is asked no
	 * more. An entry may come twice. The engine may have none: NULL. */
	int (*map_pieces)(struct engine *, u32 map, engine_piece *fn, void *user);
	/* Program runs skipped because of recursion, over all programs; -1: unknown. */
	s64 (*recursion)(struct engine *);
	/* Closes everything. `leave`: the process exits next, so descriptors that close slowly may
	 * be handed to a child that closes them after that (see engine/kernel/closer.c). */
	void (*close)(struct engine *, bool leave);
};

static inline struct stream_input engine_stream(const struct engine *e)
{
	return (struct stream_input){e->object,  e->rings,    e->nrings,
				     e->control, e->counters, e->nap_us};
}

extern const struct engine_ops kernel_engine, user_engine, inprocess_engine;

/* The kernel engine's first place where packets pass, once it is attached: left there behind us, by
 * the name of a file in the BPF file system; or the program put in place of the one that such a
 * file names, without a gap: then nothing is attached before. -EXDEV: the file is of another place.
 */
int kernel_hook_pin(struct engine *, const char *path);
int kernel_hook_replace(struct engine *, const char *path);
/* Network devices go while programs are attached to them. A descriptor that is readable when
 * something has become of one, -1: nothing is attached to any. Then: of how many places the device
 * has gone, each of which is told once. */
int kernel_devices_fd(const struct engine *);
u32 kernel_devices_gone(struct engine *);
/* What a program that is attached has said so far, a row for each verdict that came. One that
 * cannot be asked has at most one row, without a name: how often it ran. Returns how many rows. */
#define TALLY_MOST 16
struct engine_tally {
	const char *name;
	u8 fate;            /* enum input_fate */
	u64 packets, bytes; /* bytes: before the program; 0 where it sees no packets */
};
u32 kernel_tally(struct engine *, u32 prog, struct engine_tally rows[TALLY_MOST]);
/* How often a program ran, and how long in all; -ENODATA: not measured. */
int kernel_cost(struct engine *, u32 prog, u64 *runs, u64 *ns);
/* Records in the ring buffers and perf event arrays of a plain object: hands out those that are
 * there. Its descriptors wake up epoll_fd; a program may also ask for no wake-up. */
typedef void engine_record_fn(void *user, u32 map, u32 cpu, const u8 *data, u32 size);
bool engine_records(struct engine *, engine_record_fn *, void *user); /* false: it has none */
u64 engine_records_lost(const struct engine *); /* that is known: of perf event arrays */
/* "eth0", "eth0:ingress": do its packets begin with IP, without a header of the link? */
bool kernel_device_bare(const char *place);
/* Why this process may not use the kernel engine, as a phrase; NULL: it has the rights. */
const char *kernel_denied(void);
/* Calls fn with lines that tell what the running kernel offers. 0 or -errno. */
int kernel_info(void (*fn)(void *user, const char *line), void *user, struct diag *);

#endif
