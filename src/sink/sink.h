/*
 * sink.h: where records and maps become bytes for people or programs. One file per format.
 *
 * A sink is opened for one object: formats and tables of its schemas are prepared then, so that
 * showing a record parses nothing. Records may be shorter than their schema's layout: the bytes
 * that are missing at the end count as zero (records of broken or short writers are never read
 * beyond their size). Records whose schema is not the object's are not shown.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "base/buf.h"
#include "object/object.h"
#include "sink/term.h"
#include "sink/value.h"

/* The contents of a map, read out: per-CPU values already merged, entries in the order in which
 * they are printed, as bpftrace does: by value ascending, averages and stats by their average,
 * histograms by their total, ties by key; strings and tuples by key. */
struct map_entry {
	const u8 *key, *value; /* layouts of the map; value of an aggregation: its u64s */
};
struct map_contents {
	const struct object_map *map;
	struct map_entry *entries;
	u32 n;
	u32 top, div; /* of print(); 0: not given. Entries are already cut to top; numbers and
		       * counts are divided by div when they are shown (stats are not). */
	const struct object_map *beside; /* another map with the same keys, or NULL; */
	const u64 *numbers;              /* what it has for each entry */
};

struct sink {
	const struct sink_ops *ops;
	struct object *object;
	struct arena arena; /* of everything that the format prepares */
	struct buf out;     /* pending bytes */
	u8 *spare;          /* room for the payload of a record that is too short */
	size_t flush_at;    /* write when so many bytes are pending */
	int fd;
	int line_buffered; /* 1: write at each newline, 2: everything; 0: when large or flushed */
	int error;         /* first error of a write (EPIPE, ENOSPC), negative */
	u64 bytes;
	struct term term;
	struct picture picture;
	const u32 *interrupts; /* more than one: nobody waits for a slow reader any more; or NULL */
	struct show show;
	void *state; /* of the format */
	bool final;  /* sink_ended() was called, and no map shown since */
};

struct sink_ops {
	const char *name; /* of -f */
	bool messages;    /* of errorf() and warnf() are records, too */
	bool sums_stacks; /* maps of stacks come in any order */
	bool only_stacks; /* nothing else is shown */
	int (*open)(struct sink *, struct diag *);
	void (*attached)(struct sink *, u32 probes); /* may be NULL */
	void (*record)(struct sink *, const struct schema *, u64 ns, u32 cpu, const void *payload,
		       u32 size);
	/* What follows are the rows of a table of their own. May be NULL. */
	void (*table)(struct sink *, const struct schema *);
	void (*map)(struct sink *, const struct map_contents *);
	void (*cleared)(struct sink *, const struct object_map *); /* may be NULL */
	/* Tracing has ended, what follows are the final maps. Text sets them apart by two empty
	 * lines, as bpftrace does, if there are any. */
	void (*ended)(struct sink *);
	/* What a file or a command gave: "cat", "syscall". Text is written as it is. */
	void (*output)(struct sink *, const char *type, const char *text, size_t n);
	/* A helper failed with that code at that place; NULL: it is not part of the output. */
	void (*helper_error)(struct sink *, const char *helper, s64 code, struct loc);
	/* at the end: what was shown and what was lost */
	void (*summary)(struct sink *, const struct waggle_stats *);
	void (*close)(struct sink *);
};
extern const struct sink_ops *const sinks[]; /* ends with NULL */
extern const struct sink_ops sink_text, sink_json, sink_folded, sink_flame, sink_tree,
	sink_timeline;

/* format: a name of the table, NULL: "text". The object outlives the sink; fd stays the caller's.
 * Unknown formats and broken schemas are -EINVAL with a message. After an error there is nothing
 * to close. */
int sink_open(struct sink *, const char *format, struct object *, int fd, int line_buffered,
	      struct diag *);
/* The calls of the format. A sink writes by itself only when 256 KiB are pending. */
void sink_attached(struct sink *, u32 probes);
void sink_record(struct sink *, const struct schema *, u64 ns, u32 cpu, const void *payload,
		 u32 size);
void sink_table(struct sink *, const struct schema *);
void sink_map(struct sink *, const struct map_contents *);
/* May the entries of that map come in any order? */
bool sink_unordered(const struct sink *, const struct object_map *);
void sink_cleared(struct sink *, const struct object_map *); /* the map was emptied */
/* Something that this record asks for comes next. Part of what an interval draws again and again?
 */
void sink_live(struct sink *, bool part, u64 ns);
void sink_output(struct sink *, const char *type, const char *text, size_t n);
/* Returns false where this is no part of the output. */
bool sink_helper_error(struct sink *, const char *helper, s64 code, struct loc);
void sink_ended(struct sink *);
void sink_summary(struct sink *, const struct waggle_stats *);
/* Writes what is pending, if the policy says so (force: in any case): call it with false after
 * each batch of records, which a line-buffered sink writes up to its last newline, and with true
 * when there is nothing to do. Returns 0 or the first error of any write; after an error what is
 * shown is thrown away. Interrupted writes go on, a full non-blocking fd is waited for. */
int sink_flush(struct sink *, bool force);
/* Flushes and frees; returns as sink_flush(). */
int sink_close(struct sink *);

/* For people, one line without a newline: "12 events, 3 lost, 2 map updates found no room"; without
 * the events if there are none because nothing makes any. */
void summary_text(struct buf *, const struct waggle_stats *, bool events);

/* The text of records without fields of their own: ACTION_TIME (at the record's time), ACTION_JOIN.
 * Returns false for all other actions. */
bool action_text(struct buf *, const struct show *, const struct schema *, u64 ns,
		 const u8 *payload);

/* ---- map contents (sink/maps.c). raw: keys[n * key_size], values[n][cpus][round8(value_size)]
 * (cpus = 1 for maps that are not per CPU). Merges, drops unset scalars, sorts, cuts to top (the
 * largest; stats ignore it, as bpftrace does). unordered: not sorted, not cut. Entries borrow keys
 * and values and live in the arena. -EINVAL: layouts or arguments of the map do not fit its sizes.
 */
int map_contents_make(struct map_contents *, struct arena *, const struct object_map *,
		      const u8 *keys, const u8 *values, u32 n, u32 cpus, u32 top, u32 div,
		      bool unordered);

/* One entry: the values of all CPUs (as above) become the one that is shown, which has
 * map_value_size() bytes: without is_set. It is in `values` or in the arena. NULL: a scalar that is
 * not set. The map passed map_check(). */
const u8 *map_value(struct arena *, const struct object_map *, const u8 *values, u32 cpus);
/* The number that it is sorted by; 0: it is none, or not set. */
u64 map_number(struct arena *, const struct object_map *, const u8 *values, u32 cpus);
u32 map_value_size(const struct object_map *);
/* Do its sizes, layouts and arguments fit together? 0 or -EINVAL. */
int map_check(const struct object_map *, u32 n, u32 cpus);

/* ---- what formats share (sink/maps.c, sink/buckets.c) */

/* The i-th u64 of a merged value. */
static inline u64 map_entry_u64(const struct map_entry *e, u32 i)
{
	u64 v;

	memcpy(&v, e->value + i * sizeof(v), sizeof(v));
	return v;
}

/* Total / count, by the map's sign; 0 of nothing. Result's sign: the map's. */
u64 map_average(const struct object_map *, const struct map_entry *);
u64 map_divide(const struct map_contents *, u64 v);

/* The rows of a histogram that are shown: from the first bucket that counted something to the
 * last. lo and hi belong to the bucket. */
struct bucket {
	s64 lo, hi;        /* of hist: u64 */
	bool no_lo, no_hi; /* open */
	u64 count;
};
struct buckets {
	u32 first, n; /* n = 0: empty */
	u64 most;     /* largest count */
};
/* How many the map has; 0: its arguments make no sense. */
u32 map_buckets(const struct object_map *);
u64 map_total(const struct object_map *, const struct map_entry *);
struct buckets buckets_shown(const struct object_map *, const struct map_entry *);
struct bucket bucket_get(const struct object_map *, const struct map_entry *, u32 i);

#endif
