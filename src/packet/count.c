/*
 * count.c: packets of a mapped file that nobody wants to see: to be counted, or passed over.
 *
 * In:  a reader that stands in front of a packet. Out: how many there are and how many a test
 * takes, up to one that is not as most are; that one is left to packet_read().
 *
 * Where a packet begins is known only from the one before, so who follows them one by one waits
 * for memory at each. A window of the file is therefore counted from several places at once: the
 * first is known, the others are guesses (guess.c). Each such track must end exactly where the next
 * one began; what was counted behind a wrong guess does not count. Windows grow while all goes
 * well: so what is counted in vain is never more than what was not.
 */
#include "packet/ng.h"
#include "packet/reader.h"

#include "vm/lanes.h"

#define PREFETCH     4096 /* bytes ahead */
#define LINES        3    /* of the cache, that a filter reads */
#define TRACKS       LANES
#define GROUPS       16 /* that are tested in one go */
#define WINDOW_FIRST (64u << 10)
#define WINDOW_MOST  (8u << 20)
#define TRACKS_LEAST (512u << 10) /* of a window: with less, one track does */

struct track {
	const u8 *begin, *at, *stop; /* begin NULL: no guess, the track before goes on */
	struct packet_counts n;
	struct cbpf_packet packet;
};

struct counting {
	const struct packet_reader *r;
	const u8 *base, *end; /* of the window; of the file */
	struct packet_test test;
	u32 link;
};

/* What a step looks at: the bytes of a packet, and what comes behind it; NULL: it is not as most
 * are. */
struct step {
	const u8 *data, *next;
	u32 captured, len;
};
typedef struct step step_fn(const struct counting *, const u8 *at);

static inline struct step step_pcap(const struct counting *c, const u8 *at)
{
	const struct packet_reader *r = c->r;
	const u32 head = r->head;
	struct step s = {0};

	if ((size_t)(c->end - at) < head)
		return s;
	s.captured = reader_u32(r, at + 8);
	if (s.captured > (size_t)(c->end - at) - head || reader_too_long(r, s.captured))
		return s;
	s.len = reader_u32(r, at + 12);
	s.data = at + head;
	s.next = s.data + s.captured;
	return s;
}

/* Blocks of packets from interfaces of one kind. */
static inline struct step step_ng(const struct counting *c, const u8 *at)
{
	const struct packet_reader *r = c->r;
	struct step s = {0};
	u32 n, iface;

	if (c->end - at < 32)
		return s;
	n = reader_u32(r, at + 4);
	iface = reader_u32(r, at + 8);
	s.captured = reader_u32(r, at + 20);
	if (reader_u32(r, at) != NG_PACKET || n < 32 || n % 4 || n > BLOCK_MOST ||
	    n > (size_t)(c->end - at) || s.captured > n - 32 || iface >= r->nifaces ||
	    r->ifaces[iface].link != c->link)
		return s;
	s.len = reader_u32(r, at + 24);
	s.data = at + 28;
	s.next = at + n;
	return s;
}

#define EACH_FORM(c, call) ((c)->r->ng ? call(step_ng) : call(step_pcap))
#define INLINE             static inline __attribute__((always_inline))

static inline void fetch(const struct step *s)
{
	for (u32 line = 0; line < LINES; line++) {
		__builtin_prefetch(s->data + PREFETCH + line * 64);
		__builtin_prefetch(s->next + line * 64); /* long packets are farther apart */
	}
}

static bool many_take(const struct counting *c, const struct step *s)
{
	struct lanes_group g = {.captured = {s->captured}, .len = {s->len}};

	lanes_run(c->test.many, s->data, (u64)(c->end - s->data), &g, 1);
	return g.result[0] != 0;
}

static inline bool takes(const struct counting *c, struct cbpf_packet *p, const struct step *s)
{
	fetch(s);
	p->data = (u64)(uintptr_t)s->data;
	p->captured = s->captured;
	p->len = s->len;
	p->room = (u32)MIN((size_t)(c->end - s->data) - s->captured, (size_t)PREFETCH);
	if (c->test.one)
		return (u32)c->test.one((u64)(uintptr_t)p);
	return !c->test.many || many_take(c, s);
}

/* A step of all tracks is a group of packets. What a track cannot do is an empty packet, which
 * `there` leaves out. */
INLINE bool fill_group(const struct counting *c, struct track *tracks, struct lanes_group *g,
		       u32 *there, step_fn *step)
{
	bool more = true;

	for (u32 i = 0; i < TRACKS; i++) {
		struct track *t = &tracks[i];
		struct step s = step(c, t->at);

		there[i] = s.next ? 1 : 0;
		g->offset[i] = s.next ? (u32)(s.data - c->base) : 0;
		g->captured[i] = s.captured & -there[i];
		g->len[i] = s.len;
		if (!s.next) {
			t->stop = NULL;
			more = false;
			continue;
		}
		fetch(&s);
		t->n.seen++;
		t->at = s.next;
		more &= t->at < t->stop;
	}
	return more;
}

/* All tracks, as long as each has a packet. */
INLINE void run_groups(const struct counting *c, struct track *tracks, step_fn *step)
{
	u32 taken[TRACKS] = {0}, there[GROUPS][TRACKS], n;
	struct lanes_group g[GROUPS];
	bool more = true;

	for (u32 i = 0; i < TRACKS; i++)
		more &= tracks[i].at < tracks[i].stop;
	while (more) {
		for (n = 0; more && n < GROUPS; n++)
			more = fill_group(c, tracks, &g[n], there[n], step);
		lanes_run(c->test.many, c->base, (u64)(c->end - c->base), g, n * TRACKS);
		for (u32 k = 0; k < n; k++)
			for (u32 i = 0; i < TRACKS; i++)
				taken[i] += (g[k].result[i] != 0) & there[k][i];
	}
	for (u32 i = 0; i < TRACKS; i++)
		tracks[i].n.taken += taken[i];
}

/* All tracks a step, again and again. One that meets what it does not know stops there. */
INLINE void run_tracks(const struct counting *c, struct track *tracks, step_fn *step)
{
	bool more = true;

	while (more) {
		more = false;
		for (u32 i = 0; i < TRACKS; i++) {
			struct track *l = &tracks[i];
			struct step s;

			if (l->at >= l->stop)
				continue;
			s = step(c, l->at);
			if (!s.next) {
				l->stop = NULL;
				continue;
			}
			l->n.taken += takes(c, &l->packet, &s);
			l->n.seen++;
			l->at = s.next;
			more = true;
		}
	}
}

/* Where the tracks of a window begin and stop. */
static void place_tracks(const struct counting *c, struct track *tracks, const u8 *at,
			 const u8 *stop)
{
	const size_t part = (size_t)(stop - at) / TRACKS;
	struct track *before = &tracks[0];

	tracks[0] = (struct track){.begin = at, .at = at, .stop = stop};
	for (u32 i = 1; i < TRACKS; i++) {
		struct track *l = &tracks[i];

		*l = (struct track){0};
		if ((size_t)(stop - at) >= TRACKS_LEAST)
			l->begin = reader_guess(c->r, at, at + part * i, c->end);
		if (!l->begin || l->begin >= stop || l->begin <= before->begin) {
			l->begin = NULL;
			continue;
		}
		before->stop = l->at = l->begin;
		l->stop = stop;
		before = l;
	}
}

/* Counts up to `stop` or a little farther; up to where. */
static const u8 *count_window(struct counting *c, const u8 *at, const u8 *stop,
			      struct packet_counts *out)
{
	struct track tracks[TRACKS];

#define RUN_GROUPS(step) run_groups(c, tracks, step)
#define RUN(step)        run_tracks(c, tracks, step)
	c->base = at;
	place_tracks(c, tracks, at, stop);
	if (c->test.many)
		EACH_FORM(c, RUN_GROUPS);
	EACH_FORM(c, RUN);
	for (u32 i = 0; i < TRACKS; i++) {
		if (tracks[i].begin && tracks[i].begin != at)
			break;
		if (!tracks[i].begin)
			continue;
		out->seen += tracks[i].n.seen;
		out->taken += tracks[i].n.taken;
		at = tracks[i].at;
	}
	return at;
}

static bool counting_open(struct counting *c, struct packet_reader *r, u32 link,
			  const struct packet_test *test)
{
	*c = (struct counting){.r = r, .test = *test, .link = link};
	bytes_settle(&r->from);
	if (!r->window)
		r->window = WINDOW_FIRST;
	if (r->from.map)
		c->end = r->from.map + r->from.size;
	return r->from.map && (r->ng || r->ifaces->link == link);
}

void packet_count(struct packet_reader *r, u32 link, const struct packet_test *test,
		  struct packet_counts *out)
{
	const u8 *at, *stop, *to;
	struct packet_counts n;
	struct counting c;

	if (!counting_open(&c, r, link, test))
		return;
	for (at = r->from.map + r->from.at; at < c.end; at = to) {
		n = *out;
		stop = bytes_ahead(&r->from, (size_t)(at - r->from.map));
		stop = at + MIN((size_t)(stop - at), (size_t)r->window);
		to = count_window(&c, at, stop, &n);
		if (bytes_settle(&r->from)) /* the file is shorter than it was */
			return;
		*out = n;
		r->from.at = (size_t)(to - r->from.map);
		r->window = to < stop ? WINDOW_FIRST : MIN(r->window * 2, WINDOW_MOST);
		if (to < stop)
			return;
	}
}

INLINE const u8 *pass(const struct counting *c, const u8 *at, const u8 *stop, u64 *passed,
		      step_fn *step)
{
	struct cbpf_packet p = {0};
	struct step s;

	while (at < stop) {
		s = step(c, at);
		if (!s.next || takes(c, &p, &s))
			break;
		++*passed;
		at = s.next;
	}
	return at;
}

void packet_pass(struct packet_reader *r, u32 link, const struct packet_test *test, u64 *passed)
{
	const u8 *at, *stop;
	struct counting c;

	if (!counting_open(&c, r, link, test))
		return;
#define PASS(step) pass(&c, at, stop, passed, step)
	do {
		at = r->from.map + r->from.at;
		stop = bytes_ahead(&r->from, r->from.at);
		at = EACH_FORM(&c, PASS);
		r->from.at = (size_t)(at - r->from.map);
	} while (at >= stop && at < c.end);
}
