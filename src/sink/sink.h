/*
 * sink.h: where records and maps become bytes for people or programs. One file per format.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "object/object.h"

/* The contents of a map, read out: per-CPU values already merged, entries in the order in which
 * they are printed (as bpftrace does: by value ascending; ties by key; histograms by total). */
struct map_entry {
	const u8 *key, *value; /* layouts of the map; value of an aggregation: its u64s */
};
struct map_contents {
	const struct object_map *map;
	struct map_entry *entries;
	u32 n;
	u32 top, div; /* of print(); 0: not given. Entries are already cut to top. */
};

struct sink {
	const struct sink_ops *ops;
	struct object *object;
	struct buf out;	   /* pending bytes */
	int fd;
	bool line_buffered; /* write at each newline; else when large or flushed */
	int error;	    /* first error of a write (EPIPE, ENOSPC), negative */
	u64 bytes;
	u32 width;	    /* columns of the terminal; 0: not a terminal */
	void *state;	    /* of the format */
};

struct sink_ops {
	const char *name; /* of -f */
	int (*open)(struct sink *);
	void (*attached)(struct sink *, u32 probes);
	void (*record)(struct sink *, const struct schema *, u64 ns, u32 cpu, const void *payload,
		       u32 size);
	void (*map)(struct sink *, const struct map_contents *);
	/* at the end: what was shown and what was lost */
	void (*summary)(struct sink *, const struct waggle_stats *);
	void (*close)(struct sink *);
};
extern const struct sink_ops *const sinks[]; /* ends with NULL */

int sink_open(struct sink *, const char *format, struct object *, int fd, bool line_buffered,
	      struct diag *);
/* Writes what is pending, if the policy says so (force: in any case). 0 or the error. */
int sink_flush(struct sink *, bool force);
void sink_close(struct sink *);

/* ---- map contents (sink/maps.c). raw: keys[n * key_size], values[n][cpus][round8(value_size)]
 * (cpus = 1 for maps that are not per CPU). Merges, drops unset scalars, sorts, cuts to top. */
int map_contents_make(struct map_contents *, struct arena *, const struct object_map *,
		      const u8 *keys, const u8 *values, u32 n, u32 cpus, u32 top, u32 div);

#endif
