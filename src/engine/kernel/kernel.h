/*
 * kernel.h: what the files of the kernel engine share.
 *
 * open: cpus, maps (with rings and data), programs. attach: links. detach: the gate in
 * struct waggle_control is shut. close: everything in reverse order, by the closer or here.
 */
#ifndef ENGINE_KERNEL_KERNEL_H
#define ENGINE_KERNEL_KERNEL_H

#include "engine/engine.h"
#include "engine/kernel/sys.h"
#include "object/specialise.h"
#include "target/target.h"

struct filler {
	void *memory; /* stacks of the children; NULL: there are none */
	size_t size;
};

struct kernel_engine {
	struct engine base; /* first */
	struct engine_opts opts;
	u32 kernel; /* that runs: KERNEL(a, b) */
	u32 slots;  /* CPU numbers, rounded up to a power of two */
	struct object_btf btf;
	int btf_fd;	    /* 0: none */
	struct target *target; /* whose types name the functions of fentry; while programs load */
	int *maps, *progs;  /* descriptors by the object's indices; -1: not there */
	int *events;	    /* perf events and links, in the order of attaching */
	u32 nevents, events_cap;
	int *iters;	   /* iterators that are to be read, in their order */
	u32 niters, iters_done;
	struct watch {	   /* a watchpoint that a program asked for, in one thread */
		u64 addr;
		u32 prog, pid;
		int event;
	} *watches;
	u32 nwatches;
	struct hook *hooks; /* where packets pass */
	u32 nhooks;
	int devices; /* netlink: what becomes of them; -1: nobody listens */
	int watch_failed; /* why the last one could not be put, 0: it could */
	bool *linked; /* by program: its rows have been attached together */
	u8 *multi; /* by program: the attach type with which one link takes all its points, or 0 */
	struct pmu {
		bool read;
		int type, retprobe, semaphore; /* number; bits in config; -errno, -1: not there */
	} kprobes, uprobes;
	s8 has_multi[2]; /* kprobe_multi, uprobe_multi: 1, -1, 0: not asked yet */
	int *ring_fds;	    /* base.nrings */
	struct filler filler;
	u8 *bss;
	size_t bss_size;
	u32 bss_map; /* its index; meaningful when bss is set */
	u8 *rodata;  /* what its map holds, until the programs are loaded; or NULL */
	u32 rodata_map, rodata_size;
	struct tally {          /* what the programs say that are attached: see tally.c */
		int map, stats; /* -1: not there */
		void *rows;     /* NULL: nothing is counted */
		size_t bytes;
		bool *bare; /* by program: the verifier does not take it with what counts */
	} tally;
	int tracefs; /* folder; -1: not opened */
	char *log;   /* of the verifier */
	u32 log_size;
};

/* cpus.c: which CPUs there may be, and which run; a set bit for each */
#define CPUS_MOST 4096
struct cpus {
	u64 bits[CPUS_MOST / 64];
};
u32 cpus_read(struct cpus *, const char *which, u32 *top); /* how many; top: highest + 1 */
static inline bool cpu_in(const struct cpus *s, u32 cpu)
{
	return s->bits[cpu / 64] >> (cpu % 64) & 1;
}

/* maps.c, rings.c, data.c */
int maps_open(struct kernel_engine *);
/* Creates a map, raising the limit of locked memory where an old kernel wants that. */
int map_create(struct kernel_engine *, struct sys_map *);
int rings_open(struct kernel_engine *, u32 map);
int ring_map(struct ring *, int fd);
void ring_unmap(const struct ring *);
void rings_close(struct kernel_engine *);
int data_fill(struct kernel_engine *, u32 map);
u32 data_size(const struct kernel_engine *, const struct object_map *);

/* entries.c: bytes of one value as the kernel writes it, of all CPUs; those of struct engine_ops */
u32 map_value_bytes(const struct engine *, const struct object_map *);
u32 kernel_map_bytes(struct engine *, u32 map);
int kernel_map_lookup(struct engine *, u32 map, const void *key, void *value);
int kernel_map_update(struct engine *, u32 map, const void *key, const void *value, u64 flags);
int kernel_map_delete(struct engine *, u32 map, const void *key);
int kernel_map_next(struct engine *, u32 map, const void *key, void *next);
int kernel_map_read(struct engine *, u32 map, struct buf *keys, struct buf *values, u32 *n);
int kernel_map_pieces(struct engine *, u32 map, engine_piece *, void *user);

/* plain.c: what objects of other compilers need besides. */
int plain_map_open(struct kernel_engine *, const struct object_map *, struct sys_map *); /* reports */
int plain_slots_fill(struct kernel_engine *, bool maps); /* of maps of maps, or arrays of programs */
int link_tracing(struct kernel_engine *, const struct attach *);
int kernel_test(struct engine *, u32 prog, struct engine_test *);

/* plain_rings.c: what the programs of such an object write for somebody to read. */
int plain_rings_open(struct kernel_engine *, u32 map);
void plain_rings_close(struct kernel_engine *);

/* programs.c, verdict.c */
int programs_open(struct kernel_engine *);
/* Says why the verifier refused a program, from its log. `shift`: slots put in front. */
void verdict_report(struct kernel_engine *, const struct object_prog *, int err,
		    const struct specialised *, u32 shift);

/* tally.c: counts verdicts of attached programs. tally_emit(): the slots written. */
#define TALLY_INSNS 52
int tally_open(struct kernel_engine *);
void tally_types(struct kernel_engine *); /* before BTF is loaded */
bool tally_wanted(const struct kernel_engine *, u32 prog);
u32 tally_emit(struct kernel_engine *, u32 prog, struct insn *to);
void tally_give_up(struct kernel_engine *, u32 prog);
void tally_close(struct kernel_engine *);

/* filler.c: puts maps into the slots of a map of maps, without the wait that each costs */
int filler_start(struct filler *, int map, const int *inner, u32 n);
int filler_wait(const struct filler *); /* until all can be seen in there */
void filler_close(struct filler *, bool leave);

/* tracefs.c: the number of a row's tracepoint, if its record is what the program reads */
int tracefs_tracepoint(struct kernel_engine *, const struct attach *, u32 *id);

/* links.c */
int links_open(struct kernel_engine *);
void links_close(struct kernel_engine *);
int link_keep(struct kernel_engine *, int fd); /* takes it over, also when it fails */
/* Sets the row's program on a perf event, with its cookie. */
int link_event(struct kernel_engine *, int event, const struct attach *);
/* An event on each CPU that is online. */
int link_on_cpus(struct kernel_engine *, struct sys_event *, const struct attach *);
/* link_tracepoint.c, link_probe.c, link_clock.c: attach one row */
int link_tracepoint(struct kernel_engine *, const struct attach *);
int link_raw_tracepoint(struct kernel_engine *, const struct attach *);
int link_kprobe(struct kernel_engine *, const struct attach *);
int link_uprobe(struct kernel_engine *, const struct attach *);
int link_clock(struct kernel_engine *, const struct attach *);
/* link_watch.c: a watchpoint at an address; those that programs ask for while they run */
int link_watch(struct kernel_engine *, const struct attach *);
int kernel_watch(struct engine *, u32 prog, u64 addr, u32 pid);
void kernel_unwatch(struct engine *, u64 addr);
void watches_close(struct kernel_engine *);
/* link_iter.c: an iterator: opens it, to be read by kernel_iterate(), or pins it */
int link_iter(struct kernel_engine *, const struct attach *);
int kernel_iterate(struct engine *);
void iters_close(struct kernel_engine *);
u32 link_pid(const struct kernel_engine *, const struct attach *); /* only there; 0: everywhere */
/* link_net.c: where packets pass: network devices and cgroups. Closed at once, not by the closer:
 * whoever comes next wants the place. */
struct hook {
	const struct attach *at;
	u32 prog;
	u32 ifindex; /* 0: of no device */
	bool gone;   /* its device is, and that was told */
	int fd;	     /* a link or a socket; -1: a filter of tc, which `guard` takes away */
	struct guard *guard;
};
int link_xdp(struct kernel_engine *, const struct attach *);
int link_tc(struct kernel_engine *, const struct attach *);
int link_cgroup(struct kernel_engine *, const struct attach *);
int link_cgroup_of(struct kernel_engine *, const struct attach *);
int link_socket(struct kernel_engine *, const struct attach *);
void hooks_close(struct kernel_engine *);
/* gone.c: hears when devices go; before anything is attached to one */
void devices_listen(struct kernel_engine *);

/* link_route.c, link_net.c: of objects of other compilers alone */
int link_route(struct kernel_engine *, const struct attach *);
int link_netns(struct kernel_engine *, const struct attach *);
int link_netfilter(struct kernel_engine *, const struct attach *);
int link_sockmap(struct kernel_engine *, const struct attach *);
int link_reuseport(struct kernel_engine *, const struct attach *);
/* What all links to the network share. */
int hook_keep(struct kernel_engine *, const struct hook *);
int hook_refused(struct kernel_engine *, const struct attach *, int err);
u32 hook_device(struct kernel_engine *, const struct attach *, const char *name);

/* link_multi.c: one link for all points of a program. Choose before it is loaded, as the program
 * must say so: the attach type, or 0 for single points. */
u8 link_choose(struct kernel_engine *, u32 prog);
bool link_has_multi(struct kernel_engine *, bool user); /* does this kernel have them? */
int link_multi(struct kernel_engine *, u32 prog);
int link_singly(struct kernel_engine *, u32 prog); /* an event for each; some may fail */
bool link_many(const struct kernel_engine *, u32 prog);
/* closer.c: hands the perf events to a child that outlives us and closes them. */
int closer_leave(const int *events, u32 n);

/* why.c: sentences for failures that have to do with rights and limits */
int why_failed(struct kernel_engine *, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
int why_event(struct kernel_engine *, int err, const char *probe);
bool memlock_raise(void);
/* Raises the soft limit of open files to the hard one when `need` descriptors do not fit. */
void files_raise(u64 need);

#endif
