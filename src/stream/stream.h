/*
 * stream.h: the typed records of all rings, in the order of their time.
 *
 * In: rings of an engine. Out: records, one at a time, each exactly once. A record is handed out
 * when no earlier one can come any more: every other ring holds a later record or was seen empty
 * later than the record's time (records take their time after they were reserved).
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "object/object.h"

/* A ring buffer of the kernel, mapped (kernel/bpf/ringbuf.c): positions count bytes and only
 * grow; data is mapped twice in a row, so that a record never wraps. */
struct ring {
	u64 *consumer;       /* ours to advance (store-release) */
	const u64 *producer; /* load-acquire */
	const u8 *data;
	u32 size; /* a power of two */
	u32 cpu;
};

/* What a stream reads: of an engine, which keeps it as long as the stream is open. */
struct stream_input {
	const struct object *object;
	struct ring *rings;
	u32 nrings;
	struct waggle_control *control;   /* NULL: there is nobody to wake us up */
	struct waggle_counters *counters; /* [program * CONTROL_CPUS + slot], or NULL */
	u32 nap_us; /* while records keep coming they are read so often; 0: STREAM_NAP_US */
};
#define STREAM_NAP_US 500u

struct stream;
typedef int stream_fn(void *user, const struct schema *, u64 ns, u32 cpu, const void *payload,
		      u32 size);

int stream_open(struct stream **, const struct stream_input *); /* copied */
/* Hands out what was there when it was called; stops early when fn returns non-zero, and returns
 * that: the next call goes on behind that record. The payload is good until fn returns. */
int stream_read(struct stream *, stream_fn *, void *user);
/* What to do when nothing is left to read. true: block on the engine's epoll_fd for at most *ns
 * (comes in as what the caller allows, UINT64_MAX: no limit); false: read again at once. Before a
 * long sleep the programs are told that we want to be woken up. */
bool stream_sleep(struct stream *, u64 *ns);
bool stream_empty(const struct stream *); /* nothing is in the rings, not even a busy record */
u64 stream_lost(const struct stream *);   /* records lost so far, of all programs */
u64 stream_map_full(const struct stream *);
u64 stream_seen(const struct stream *); /* records handed out so far */
void stream_close(struct stream *);

#endif
