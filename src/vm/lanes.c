/*
 * lanes.c: a classic filter over many packets.
 *
 * In:  a filter, groups of packets. Out: what the filter returns for each. By machine code for
 *      eight packets at once where there is any; the others, and those at the end of what may be
 *      read, go one by one.
 */
#include "vm/classic.h"
#include "vm/lanes_inside.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#define ROOM_MOST 4096 /* behind a packet; more helps nobody */

struct lanes {
	struct emit_code code;
	lanes_fn *wide; /* NULL: there is none */
	vm_direct_fn *one;
	struct cbpf_insn insns[];
};

static void compile(struct lanes *s, const struct cbpf_insn *in, u32 n, struct arena *arena)
{
	struct lanes_code l = {.arena = arena};

	if (!lanes_cpu() || lanes_build(&l, in, n))
		return;
	lanes_fields(&l);
	if (!lanes_emit(&l, &s->code))
		memcpy(&s->wide, &s->code.start, sizeof(s->wide));
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
	s->one = one;
	arena.escape = &escape;
	if (!setjmp(escape))
		compile(s, in, n, &arena);
	arena_free(&arena);
	return 0;
}

void lanes_close(struct lanes *s)
{
	if (s)
		emit_unmap(&s->code);
	free(s);
}

bool lanes_are_wide(const struct lanes *s)
{
	return s->wide;
}

static void run_one(const struct lanes *s, const u8 *base, u64 readable, struct lanes_group *g,
		    u32 lane)
{
	const u64 end = (u64)g->offset[lane] + g->captured[lane];
	struct cbpf_packet p
		__attribute__((aligned(32))) = {.data = (uintptr_t)base + g->offset[lane],
						.captured = g->captured[lane],
						.len = g->len[lane],
						.room = (u32)MIN(readable - end, (u64)ROOM_MOST)};

	g->result[lane] = s->one ? (u32)s->one((uintptr_t)&p) : classic_run(s->insns, &p);
}

void lanes_run(const struct lanes *s, const u8 *base, u64 readable, struct lanes_group *g, u32 n)
{
	const bool wide = s->wide && readable >= LANES_ROOM;
	const u32 limit = (u32)(MIN(readable, (u64)INT32_MAX) - LANES_ROOM);
	u64 left = (n + LANES - 1) / LANES;
	struct lanes_group *last = left ? &g[left - 1] : g;

	for (u32 i = n % LANES; i && i < LANES; i++)
		last->offset[i] = last->captured[i] = last->len[i] = 0;
	while (left) {
		if (wide)
			g += left - s->wide(base, g, left, limit), left = (u64)(last + 1 - g);
		for (u32 i = 0; left && i < LANES; i++)
			run_one(s, base, readable, g, i);
		g += left != 0;
		left -= left != 0;
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
