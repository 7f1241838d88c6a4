/*
 * stream.c: merges the rings by time; sleeps without losing a wake-up.
 *
 * Work is done in rounds. A round reads the clock, then notes how far each ring is filled: all
 * that comes later has a later time than the clock showed, because a record's time is taken after
 * its place was reserved. So of the records noted, those up to the clock's time can be handed out
 * in order, by a heap over the heads of the rings, without ever looking at a clock again. The rest
 * waits for the next round.
 *
 * A store (the place is reserved) may become visible to us a little after the load that follows it
 * (the clock) was done: the processor's store buffer. SLACK is far more than that can take. For
 * the same reason the first sleep after `want` was set is a short one, see stream_sleep().
 *
 * A busy record (reserved, not yet submitted) ends its ring for this round; it is later than the
 * last record before it, and than the clock of the last round that did not see it.
 */
#include "stream/stream.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define SLACK_NS  10000
#define SHORT_NS  1000000u
#define SETTLE_NS 100000u /* after that long, whoever missed `want` has made its record visible */

/* kernel/bpf/ringbuf.c: the header of a record: u32 length and flags, u32 of its own */
#define HEADER_BYTES 8
#define BUSY         (1u << 31)
#define DISCARDED    (1u << 30)

struct tail {
	struct ring *ring;
	u64 at;        /* next byte to read */
	u64 published; /* the ring's consumer position */
	u64 end;       /* noted fill of this round */
	u64 floor;     /* records from `at` on are later than this */
	u64 key;       /* time of the head, made to ascend */
	const struct waggle_record *head;
	u32 bytes;  /* of the head, with header */
	u64 napped; /* `at` when we last slept */
	bool busy;
};

struct stream {
	struct stream_input in;
	struct tail *tails;
	struct tail **heap; /* those with a head, the earliest first */
	u32 n, heaped;
	u64 clock;     /* of the last round, less SLACK_NS */
	u64 limit;     /* no later record may go yet */
	u64 wanted_at; /* when `want` was set */
	u64 slept_at;  /* when we last slept */
	u64 nap;       /* how long that was to be, if records kept coming; else 0 */
	bool idle;     /* the last read handed out nothing */
	u64 seen, broken;
};

static void want_clear(struct stream *s);

int stream_open(struct stream **out, const struct stream_input *in)
{
	struct stream *s = calloc(1, sizeof(*s));
	u32 n = MAX(in->nrings, 1u);

	*out = s;
	if (!s)
		return -ENOMEM;
	s->in = *in;
	s->tails = calloc(n, sizeof(*s->tails));
	s->heap = calloc(n, sizeof(void *));
	if (!s->tails || !s->heap) {
		stream_close(s);
		*out = NULL;
		return -ENOMEM;
	}
	s->n = in->nrings;
	for (u32 i = 0; i < s->n; i++) {
		struct tail *t = &s->tails[i];

		t->ring = &in->rings[i];
		t->at = t->published = t->end = t->napped =
			__atomic_load_n(t->ring->consumer, __ATOMIC_ACQUIRE);
	}
	return 0;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	free(s->tails);
	free(s->heap);
	free(s);
}

/* ---- one ring */

static void tail_publish(struct tail *t)
{
	if (t->at == t->published)
		return;
	__atomic_store_n(t->ring->consumer, t->at, __ATOMIC_RELEASE);
	t->published = t->at;
}

/* Finds the next record up to the noted fill; false: none, or it is busy. */
static bool tail_next(struct stream *s, struct tail *t)
{
	t->head = NULL;
	while (t->at < t->end) {
		const u8 *p = t->ring->data + (t->at & (t->ring->size - 1));
		u32 word = __atomic_load_n((const u32 *)p, __ATOMIC_ACQUIRE), size;

		t->busy = word & BUSY;
		if (t->busy) {
			s->limit = MIN(s->limit, t->floor);
			return false;
		}
		size = word & ~DISCARDED;
		t->bytes = ALIGN_UP(size + HEADER_BYTES, 8);
		if (word & DISCARDED) {
			t->at += t->bytes;
			continue;
		}
		t->head = (const struct waggle_record *)(p + HEADER_BYTES);
		if (size < sizeof(*t->head) || t->head->size > size - sizeof(*t->head) ||
		    t->head->schema >= s->in.object->schemas.n) {
			s->broken++; /* not ours: no program of a compiler writes that */
			t->at += t->bytes;
			t->head = NULL;
			continue;
		}
		t->key = MAX(t->head->ns, t->floor);
		return true;
	}
	return false;
}

/* ---- the heap */

static void heap_sink(struct stream *s, u32 i)
{
	struct tail *t = s->heap[i];

	for (u32 child; (child = 2 * i + 1) < s->heaped; i = child) {
		if (child + 1 < s->heaped && s->heap[child + 1]->key < s->heap[child]->key)
			child++;
		if (t->key <= s->heap[child]->key)
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = t;
}

static void heap_make(struct stream *s)
{
	s->heaped = 0;
	for (u32 i = 0; i < s->n; i++)
		if (s->tails[i].head)
			s->heap[s->heaped++] = &s->tails[i];
	for (u32 i = s->heaped / 2; i--;)
		heap_sink(s, i);
}

/* The time up to which the first ring may go on without asking the others. */
static u64 heap_second(const struct stream *s)
{
	u64 second = s->limit;

	for (u32 i = 1; i < MIN(s->heaped, 3u); i++)
		second = MIN(second, s->heap[i]->key);
	return second;
}

/* ---- rounds */

static void round_begin(struct stream *s)
{
	u64 clock = clock_now(CLOCK_MONOTONIC) - SLACK_NS;

	s->limit = clock;
	for (u32 i = 0; i < s->n; i++) {
		struct tail *t = &s->tails[i];

		/* what lies behind the fill noted last is later than the clock of then */
		if (t->at == t->end)
			t->floor = MAX(t->floor, s->clock);
		t->end = __atomic_load_n(t->ring->producer, __ATOMIC_ACQUIRE);
	}
	s->clock = clock;
	for (u32 i = 0; i < s->n; i++)
		tail_next(s, &s->tails[i]);
	heap_make(s);
}

static int tail_hand_out(struct stream *s, struct tail *t, stream_fn *fn, void *user)
{
	const struct waggle_record *r = t->head;
	int stop =
		fn(user, &s->in.object->schemas.v[r->schema], r->ns, t->ring->cpu, r + 1, r->size);

	s->seen++;
	t->floor = t->key;
	t->at += t->bytes;
	/* the program needs the room, but not a cache line for each record */
	if (t->at - t->published >= t->ring->size / 16)
		tail_publish(t);
	return stop;
}

int stream_read(struct stream *s, stream_fn *fn, void *user)
{
	u64 before = s->seen;
	int stop = 0;

	round_begin(s);
	while (s->heaped && !stop) {
		struct tail *t = s->heap[0];
		u64 until = heap_second(s);
		bool more = true;

		if (t->key > s->limit)
			break;
		while (more && !stop && t->key <= until) {
			stop = tail_hand_out(s, t, fn, user);
			more = tail_next(s, t);
		}
		if (!more)
			s->heap[0] = s->heap[--s->heaped];
		if (s->heaped)
			heap_sink(s, 0);
	}
	for (u32 i = 0; i < s->n; i++)
		tail_publish(&s->tails[i]);
	s->idle = s->seen == before;
	if (!s->idle)
		want_clear(s);
	return stop;
}

/* ---- sleeping */

enum pending { PENDING_NONE, PENDING_BUSY, PENDING_READY };

/* A busy record may hold back those of other rings: then, once a read gave nothing, it is what we
 * wait for, and its program sees `want`. */
static enum pending stream_pending(const struct stream *s)
{
	bool busy = false, ready = false;

	for (u32 i = 0; i < s->n; i++) {
		const struct tail *t = &s->tails[i];
		const u8 *head = t->ring->data + (t->at & (t->ring->size - 1));

		if (__atomic_load_n(t->ring->producer, __ATOMIC_ACQUIRE) == t->at)
			continue;
		if (__atomic_load_n((const u32 *)head, __ATOMIC_ACQUIRE) & BUSY)
			busy = true;
		else
			ready = true;
	}
	if (busy && (s->idle || !ready))
		return PENDING_BUSY;
	return ready ? PENDING_READY : PENDING_NONE;
}

bool stream_empty(const struct stream *s)
{
	return stream_pending(s) == PENDING_NONE;
}

static void want_set(struct stream *s, u64 now)
{
	u64 *want = &s->in.control->want;

	if (__atomic_load_n(want, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(want, 1, __ATOMIC_SEQ_CST);
	s->wanted_at = now;
}

static void want_clear(struct stream *s)
{
	if (s->in.control && __atomic_load_n(&s->in.control->want, __ATOMIC_RELAXED))
		__atomic_store_n(&s->in.control->want, 0, __ATOMIC_RELAXED);
}

/* How long the rings can be left alone: twice as long as the last time, if that fills none to more
 * than a quarter, as fast as it was filled since we last slept; 0: nothing came since then. */
static u64 nap_length(struct stream *s, u64 now)
{
	u64 longest = (s->in.nap_us ? s->in.nap_us : STREAM_NAP_US) * 1000ull;
	u64 elapsed = MIN(now - s->slept_at, longest);
	u64 nap = s->nap ? MIN(s->nap * 2, longest) : STREAM_NAP_US * 1000ull, most = 0;

	for (u32 i = 0; i < s->n; i++) {
		struct tail *t = &s->tails[i];
		u64 bytes = t->at - t->napped;

		t->napped = t->at;
		if (!bytes)
			continue;
		most = MAX(elapsed * (t->ring->size / 4) / bytes, 1);
		nap = MIN(nap, most);
	}
	s->slept_at = now;
	s->nap = most ? nap : 0;
	return s->nap;
}

/* While records keep coming we nap without asking to be woken: a wake-up for every few records
 * would cost the traced programs more than all else. When a nap brought nothing, we ask.
 *
 * The program reserves before it looks at `want`, we set it before we look at the rings. But its
 * reservation may become visible only after it looked: so for as long as that could matter we
 * sleep a millisecond at most and look again, and only then for as long as nobody wakes us. */
bool stream_sleep(struct stream *s, u64 *ns)
{
	enum pending p;
	u64 now, nap;

	if (!s->n || !s->in.control)
		return true;
	now = clock_now(CLOCK_MONOTONIC);
	nap = nap_length(s, now);
	if (nap) {
		*ns = MIN(*ns, nap);
		return true;
	}
	want_set(s, now);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p = stream_pending(s);
	if (p == PENDING_READY) {
		want_clear(s);
		return false;
	}
	if (p == PENDING_BUSY || now - s->wanted_at < SETTLE_NS)
		*ns = MIN(*ns, SHORT_NS);
	return true;
}

/* ---- losses */

u64 stream_seen(const struct stream *s)
{
	return s->seen;
}

u64 stream_lost(const struct stream *s)
{
	const struct waggle_counters *c = s->in.counters;
	u64 sum = s->broken;

	for (u32 i = 0; c && i < s->in.object->progs.n * CONTROL_CPUS; i++)
		sum += __atomic_load_n(&c[i].lost, __ATOMIC_RELAXED) +
		       __atomic_load_n(&c[i].no_slot, __ATOMIC_RELAXED);
	return sum;
}

u64 stream_map_full(const struct stream *s)
{
	const struct waggle_counters *c = s->in.counters;
	u64 sum = 0;

	for (u32 i = 0; c && i < s->in.object->progs.n * CONTROL_CPUS; i++)
		sum += __atomic_load_n(&c[i].map_full, __ATOMIC_RELAXED);
	return sum;
}
