/*
 * stream.h: the typed records of all rings, in the order of their time.
 *
 * In: the engine's rings. Out: records, one at a time, each exactly once. A record is handed out
 * when no earlier one can come any more: every other ring holds a later record or was seen empty
 * later than the record's time (records take their time after they were reserved).
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include "engine/engine.h"

struct stream;
typedef int stream_fn(void *user, const struct schema *, u64 ns, u32 cpu, const void *payload,
		      u32 size);

int stream_open(struct stream **, struct engine *);
/* Hands out what was there when it was called; stops early when fn returns non-zero, and returns
 * that: the next call goes on behind that record. The payload is good until fn returns. */
int stream_read(struct stream *, stream_fn *, void *user);
/* What to do when nothing is left to read. true: block on the engine's epoll_fd for at most *ns
 * (comes in as what the caller allows, UINT64_MAX: no limit); false: read again at once. Before a
 * long sleep the programs are told that we want to be woken up. */
bool stream_sleep(struct stream *, u64 *ns);
bool stream_empty(const struct stream *); /* nothing is in the rings, not even a busy record */
u64 stream_lost(const struct stream *); /* records lost so far, of all programs */
u64 stream_map_full(const struct stream *);
u64 stream_seen(const struct stream *); /* records handed out so far */
void stream_close(struct stream *);

#endif
