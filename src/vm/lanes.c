/*
 * lanes.c: a classic filter over many packets.
 *
 * In:  a filter, groups of packets. Out: what the filter returns for each. By machine code for
 *      eight packets at once where there is any; the others, and those at the end of what may be
 *      read, go one by one.
 *
 * A sieve, which looks at the front of packets alone, goes ahead: those that it does not know are
 * put together in groups of their own, so that where the whole filter looks farther behind all
 * lanes want to know. Where they are many, the filter goes without it for a while.
 */
#include "vm/classic.h"
#include "vm/lanes_inside.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#define ROOM_MOST    4096 /* behind a packet; more helps nobody */
#define CHUNK        128  /* groups that the sieve looks at in one go */
#define FEW          4    /* of so many packets one: more that are unknown are many */
#define CHUNKS_DENSE 15   /* that then go without the sieve */
#define NEAR         32   /* bytes into a packet: the cache's lines of both have all between them */
#define FAR          64

struct lanes {
	struct emit_code code, sieve_code;
	lanes_fn *whole, *sieve; /* NULL: there is none; without `whole` packets go one by one */
	vm_direct_fn *one;
	u32 dense; /* chunks that still go without the sieve */
	u32 n;
	struct cbpf_insn insns[];
};

/* NULL: it cannot be, or is a sieve that knows all or nothing. */
static lanes_fn *make(struct emit_code *code, const struct cbpf_insn *in, u32 n, bool sieve,
		      struct arena *arena)
{
	struct lanes_code l = {.arena = arena};
	lanes_fn *fn = NULL;
	u32 k;

	if (lanes_build(&l, in, n) || (sieve && (!l.unknown || lane_is_const(&l, l.unknown, &k))))
		return NULL;
	lanes_fields(&l);
	if (!lanes_emit(&l, code))
		memcpy(&fn, &code->start, sizeof(fn));
	return fn;
}

static void compile(struct lanes *s, struct arena *arena)
{
	struct cbpf_insn *front = arena_array(arena, struct cbpf_insn, s->n);
	u32 n;

	if (!lanes_cpu())
		return;
	s->whole = make(&s->code, s->insns, s->n, false, arena);
	memcpy(front, s->insns, s->n * sizeof(*front));
	n = lanes_sieve(arena, front, s->n);
	if (n)
		s->sieve = make(&s->sieve_code, front, n, true, arena);
}

int lanes_open(struct lanes **out, const struct cbpf_insn *in, u32 n, vm_direct_fn *one)
{
	struct lanes *s = calloc(1, sizeof(*s) + n * sizeof(*in));
	struct arena arena = {0};
	jmp_buf escape;

	*out = s;
	if (!s)
		return -ENOMEM;
	memcpy(s->insns, in, n * sizeof(*in));
	s->n = n;
	s->one = one;
	arena.escape = &escape;
	if (!setjmp(escape))
		compile(s, &arena);
	arena_free(&arena);
	return 0;
}

void lanes_close(struct lanes *s)
{
	if (!s)
		return;
	emit_unmap(&s->code);
	emit_unmap(&s->sieve_code);
	free(s);
}

bool lanes_are_wide(const struct lanes *s)
{
	return s->whole || s->sieve;
}

bool lanes_have_sieve(const struct lanes *s)
{
	return s->sieve;
}

/* Packets lie there. */
struct span {
	const u8 *base;
	u64 readable; /* bytes */
	u32 limit;    /* those of machine code end here */
};

static void run_one(const struct lanes *s, const struct span *in, struct lanes_group *g, u32 lane)
{
	const u64 end = (u64)g->offset[lane] + g->captured[lane];
	struct cbpf_packet p __attribute__((aligned(32))) = {
		.data = (uintptr_t)in->base + g->offset[lane],
		.captured = g->captured[lane],
		.len = g->len[lane],
		.room = (u32)MIN(in->readable - end, (u64)ROOM_MOST)};

	g->result[lane] = s->one ? (u32)s->one((uintptr_t)&p) : classic_run(s->insns, &p);
}

static void run_each(const struct lanes *s, const struct span *in, struct lanes_group *g, u64 n)
{
	for (; n--; g++)
		for (u32 i = 0; i < LANES; i++)
			run_one(s, in, g, i);
}

/* The filter, without the sieve. How many groups are done. */
static u64 run_whole(const struct lanes *s, const struct span *in, struct lanes_group *g, u64 n)
{
	if (s->whole && n)
		return n - s->whole(in->base, g, n, in->limit, NULL).left;
	run_each(s, in, g, n);
	return n;
}

/* A lane's offset; what else it has is as far behind it as in the group. */
static u32 *lane_at(struct lanes_group *g, u32 bytes)
{
	return (u32 *)(void *)((u8 *)g + bytes);
}

/* Looks closer at those of the list, in groups of their own, which the last one fills up. */
static void run_few(const struct lanes *s, const struct span *in, struct lanes_group *g, u16 *list,
		    u32 n)
{
	struct lanes_group few[CHUNK / FEW + 1];
	const u32 groups = (n + LANES - 1) / LANES;

	for (u32 i = n; i % LANES; i++)
		list[i] = list[n - 1];
	for (u32 k = 0; k < groups; k++)
#pragma GCC unroll 8
		for (u32 i = 0; i < LANES; i++) {
			const u32 *lane = lane_at(g, list[k * LANES + i]);
			const u8 *packet = in->base + lane[0];

			__builtin_prefetch(packet + NEAR);
			__builtin_prefetch(packet + FAR);
			few[k].offset[i] = lane[0];
			few[k].captured[i] = lane[offsetof(struct lanes_group, captured) / 4];
			few[k].len[i] = lane[offsetof(struct lanes_group, len) / 4];
		}
	run_whole(s, in, few, groups);
	for (u32 k = 0; k < groups; k++)
#pragma GCC unroll 8
		for (u32 i = 0; i < LANES; i++)
			lane_at(g, list[k * LANES + i])[offsetof(struct lanes_group, result) / 4] =
				few[k].result[i];
}

/* How many groups are done; the next one is too near to the end. */
static u64 run_chunk(struct lanes *s, const struct span *in, struct lanes_group *g, u64 n)
{
	u16 list[(CHUNK + 1) * LANES];
	struct lanes_ran ran;
	u64 done, found;

	if (!s->sieve || s->dense) {
		s->dense -= s->dense != 0;
		return run_whole(s, in, g, n);
	}
	ran = s->sieve(in->base, g, n, in->limit, list);
	done = n - ran.left;
	found = (u64)(ran.end - list);
	if (found * FEW <= done * LANES) {
		run_few(s, in, g, list, (u32)found);
		return done;
	}
	s->dense = CHUNKS_DENSE;
	return run_whole(s, in, g, done);
}

/* Those behind the last of `n` are empty. */
static void fill_up(struct lanes_group *g, u32 n)
{
	for (; n % LANES; n++)
		g[n / LANES].offset[n % LANES] = g[n / LANES].captured[n % LANES] =
			g[n / LANES].len[n % LANES] = 0;
}

void lanes_run(struct lanes *s, const u8 *base, u64 readable, struct lanes_group *g, u32 n)
{
	const bool wide = lanes_are_wide(s) && readable >= LANES_ROOM;
	const u32 limit = (u32)(MIN(readable, (u64)INT32_MAX) - LANES_ROOM);
	const struct span in = {.base = base, .readable = readable, .limit = limit};
	u64 left = (n + LANES - 1) / LANES, done, chunk;

	fill_up(g, n);
	for (; left; g += done, left -= done) {
		chunk = MIN(left, (u64)CHUNK);
		done = wide ? run_chunk(s, &in, g, chunk) : 0;
		if (done == chunk)
			continue;
		run_each(s, &in, &g[done], 1);
		done++;
	}
}

u32 lanes_taken(struct lanes_group *g, u32 n)
{
	u32 taken[LANES] = {0}, sum = 0;

	for (u32 i = n; i % LANES; i++)
		g[i / LANES].result[i % LANES] = 0;
	for (u32 i = 0; i < n; i += LANES, g++)
		for (u32 lane = 0; lane < LANES; lane++)
			taken[lane] += g->result[lane] != 0;
	for (u32 lane = 0; lane < LANES; lane++)
		sum += taken[lane];
	return sum;
}
