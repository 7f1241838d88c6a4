/*
 * many.h: packets one behind the other, up to the end of what can be read, for vm/lanes.h.
 *
 * Behind the last byte of the packets, and behind the last group, lies a page that cannot be
 * touched: whoever reads or writes there ends the fuzzer.
 */
#ifndef FUZZ_MANY_H
#define FUZZ_MANY_H

#include "vm/classic.h"
#include "vm/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MANY_MOST 4096
#define MANY_PAGE 4096u

struct many {
	u8 *bytes;                  /* room for `size`, then the page */
	struct lanes_group *groups; /* room for MANY_MOST packets, then the page */
	u32 size, n, used;
	struct {
		u32 size, len;
	} packets[MANY_MOST];
};

static u8 *many_map(u32 size)
{
	u8 *p = mmap(NULL, size + MANY_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, MANY_PAGE, PROT_NONE)) {
		perror("many.h: mmap");
		exit(1);
	}
	return p;
}

static void many_open(struct many *m, u32 packet_most)
{
	*m = (struct many){.size = ALIGN_UP(packet_most * MANY_MOST, MANY_PAGE)};
	m->bytes = many_map(m->size);
	m->groups = (void *)many_map(MANY_MOST / LANES * sizeof(struct lanes_group));
}

static void many_begin(struct many *m)
{
	m->n = m->used = 0;
}

static void many_add(struct many *m, const u8 *bytes, u32 n, u32 len)
{
	if (m->n == MANY_MOST)
		return;
	memcpy(m->bytes + m->used, bytes, n);
	m->used += n;
	m->packets[m->n].size = n;
	m->packets[m->n++].len = len;
}

/* Moves the packets to the end, and shows the last `n` of them to the filter. How many it decided
 * otherwise than the reference; where: the first. */
static u32 many_compare(struct many *m, struct lanes *lanes, const struct cbpf_insn *in,
			u32 n, u32 *where)
{
	u8 *to = m->bytes + m->size, *base;
	struct lanes_group *g = m->groups + (MANY_MOST / LANES - (n + LANES - 1) / LANES);
	u32 bad = 0, at = 0, first = m->n - n;

	memmove(to - m->used, m->bytes, m->used);
	for (u32 i = first; i < m->n; i++)
		at += m->packets[i].size;
	base = to - at;
	at = 0;
	for (u32 i = 0; i < n; i++) {
		g[i / LANES].offset[i % LANES] = at;
		g[i / LANES].captured[i % LANES] = m->packets[first + i].size;
		g[i / LANES].len[i % LANES] = m->packets[first + i].len;
		at += m->packets[first + i].size;
	}
	lanes_run(lanes, base, at, g, n);
	for (u32 i = 0; i < n; i++) {
		const struct cbpf_packet p = {.data = (uintptr_t)base +
						      g[i / LANES].offset[i % LANES],
					      .captured = g[i / LANES].captured[i % LANES],
					      .len = g[i / LANES].len[i % LANES]};

		if (g[i / LANES].result[i % LANES] == classic_run(in, &p))
			continue;
		*where = bad++ ? *where : i;
	}
	memmove(m->bytes, to - m->used, m->used);
	return bad;
}

#endif
