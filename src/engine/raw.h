/*
 * raw.h: what programs of other compilers write for user space: ring buffers, perf event arrays.
 *
 * In:  the memory of such maps, which an engine has. Out: records, as long as the program made
 * them; of perf event arrays in the order of their time. What found no room is known of the latter
 * alone: who writes to a ring buffer is told, and nobody else.
 */
#ifndef ENGINE_RAW_H
#define ENGINE_RAW_H

#include "engine/engine.h"

#define RAW_PAGE_BYTES 4096
#define RAW_PERF_BYTES (64u * 4096) /* of a perf event, behind a page of its own */
/* include/uapi/linux/perf_event.h: where the page says how far it was written and read; the kind of
 * record that a program made. */
#define RAW_PERF_HEAD   1024
#define RAW_PERF_TAIL   1032
#define RAW_PERF_SAMPLE 9

struct raw_ring {
	u32 map, cpu;
	struct ring ring; /* a ring buffer; or */
	u8 *page;         /* a perf event's memory */
	int event;        /* its descriptor; -1: none */
	u64 at, end, lost;
	const u64 *dropped; /* more that were lost, or NULL */
	struct {
		u64 ns;
		const u8 *data; /* NULL: not looked for yet */
		u32 size;
		u64 behind;
	} next;
	u8 *whole; /* room for a record that wraps */
};
/* One more of an engine; NULL: no memory. */
struct raw_ring *raw_new(struct engine *, u32 map, u32 cpu);

#endif
