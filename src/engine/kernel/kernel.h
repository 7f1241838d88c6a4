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
	int btf_fd;        /* 0: none */
	int *maps, *progs; /* descriptors by the object's indices; -1: not there */
	int *events;       /* perf events, in the order of attaching */
	u32 nevents;
	int *ring_fds; /* base.nrings */
	struct filler filler;
	u8 *bss;
	size_t bss_size;
	u32 bss_map; /* its index; meaningful when bss is set */
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
void rings_close(struct kernel_engine *);
int data_fill(struct kernel_engine *, u32 map);
u32 data_size(const struct kernel_engine *, const struct object_map *);
u32 map_value_bytes(const struct kernel_engine *, u32 map); /* of all CPUs, as read */
int map_read(struct engine *, u32 map, struct buf *keys, struct buf *values, u32 *n);

/* programs.c, verdict.c */
int programs_open(struct kernel_engine *);
/* Says why the verifier refused a program, from its log. `shift`: slots put in front. */
void verdict_report(struct kernel_engine *, const struct object_prog *, int err, u32 shift);

/* filler.c: puts maps into the slots of a map of maps, without the wait that each costs */
int filler_start(struct filler *, int map, const int *inner, u32 n);
int filler_wait(const struct filler *); /* until all can be seen in there */
void filler_close(struct filler *, bool leave);

/* tracefs.c: the number of a row's tracepoint, if its record is what the program reads */
int tracefs_tracepoint(struct kernel_engine *, const struct attach *, u32 *id);

/* links.c, closer.c */
int links_open(struct kernel_engine *);
void links_close(struct kernel_engine *);
/* Hands the perf events to a child that outlives us and closes them. */
int closer_leave(const int *events, u32 n);

/* why.c: sentences for failures that have to do with rights and limits */
int why_failed(struct kernel_engine *, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
int why_event(struct kernel_engine *, int err, const char *probe);
bool memlock_raise(void);

#endif
