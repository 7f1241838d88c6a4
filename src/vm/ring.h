/*
 * ring.h: ring buffers as helpers see them: reserve and commit, peek and release.
 */
#ifndef VM_RING_H
#define VM_RING_H

#include "vm/map.h"

#define RING_HEADER     8
#define RING_BUSY       (1u << 31)
#define RING_DISCARD    (1u << 30)
#define RING_RECORD_MAX (UINT32_MAX / 4)

enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };

struct ring_header {
	u32 length; /* with the flags */
	u32 page;   /* of the header, from the start of the ring's memory */
};

struct ring_header *ring_reserve(struct vm_map *, u64 size); /* NULL: no room */
/* Wakes the reader up where it stands right before this record, or where flags say so. */
void ring_commit(struct ring_header *, u64 flags, bool discard);
int ring_output(struct vm_map *, const void *data, u64 size, u64 flags);
u64 ring_query(const struct vm_map *, u64 what);

/* Of a user ring: one drains at a time. */
bool ring_drain_begin(struct vm_map *);
void ring_drain_end(struct vm_map *, u64 flags, u32 drained);
/* The next sample; -ENODATA: there is none; -EAGAIN: it was discarded, ask again; -EBUSY: it is
 * not ready; -EINVAL, -E2BIG: the producer writes nonsense. */
int ring_peek(struct vm_map *, void **sample, u32 *size);
void ring_release(struct vm_map *, u32 size);

#endif
