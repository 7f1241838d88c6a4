/*
 * gfp.c: the flags of an allocation of the kernel in words, as its own messages have them (%gr).
 *
 * In:  flags as Linux 5.10 to 6.18 number them. Out: "GFP_KERNEL|__GFP_ZERO"; "none" of no flag.
 *
 * The first row that is in what is left of the flags takes it, so the sums stand in front of their
 * parts. Bits above those depend on how a kernel was built: they are shown as a number.
 */
#include "sink/value.h"

#include <stdio.h>

#define GFP_BOTH   (0x40u | 0x80u)
#define GFP_EITHER (0x400u | 0x800u)
#define GFP_OWN    (GFP_EITHER | GFP_BOTH)
#define GFP_THEIRS (GFP_OWN | 0x100000u)
#define GFP_MOVES  (GFP_THEIRS | 0x2u | 0x8u)
#define GFP_HUGE   ((GFP_MOVES | 0x40000u | 0x80000u | 0x2000u) & ~GFP_EITHER)

static const struct gfp {
	u32 bits;
	const char *name;
} gfps[] = {
	{GFP_HUGE | 0x400, "GFP_TRANSHUGE"},
	{GFP_HUGE, "GFP_TRANSHUGE_LIGHT"},
	{GFP_MOVES, "GFP_HIGHUSER_MOVABLE"},
	{GFP_THEIRS | 0x2, "GFP_HIGHUSER"},
	{GFP_THEIRS, "GFP_USER"},
	{GFP_OWN | 0x400000, "GFP_KERNEL_ACCOUNT"},
	{GFP_OWN, "GFP_KERNEL"},
	{GFP_EITHER | 0x40, "GFP_NOFS"},
	{0x20 | 0x200 | 0x800, "GFP_ATOMIC"}, /* before 6.3 */
	{0x20 | 0x800, "GFP_ATOMIC"},
	{GFP_EITHER, "GFP_NOIO"},
	{0x800, "GFP_NOWAIT"},
	{0x1, "GFP_DMA"},
	{0x2, "__GFP_HIGHMEM"},
	{0x4, "GFP_DMA32"},
	{0x20, "__GFP_HIGH"},
	{0x200, "__GFP_ATOMIC"},
	{0x40, "__GFP_IO"},
	{0x80, "__GFP_FS"},
	{0x2000, "__GFP_NOWARN"},
	{0x4000, "__GFP_RETRY_MAYFAIL"},
	{0x8000, "__GFP_NOFAIL"},
	{0x10000, "__GFP_NORETRY"},
	{0x40000, "__GFP_COMP"},
	{0x100, "__GFP_ZERO"},
	{0x80000, "__GFP_NOMEMALLOC"},
	{0x20000, "__GFP_MEMALLOC"},
	{0x100000, "__GFP_HARDWALL"},
	{0x200000, "__GFP_THISNODE"},
	{0x10, "__GFP_RECLAIMABLE"},
	{0x8, "__GFP_MOVABLE"},
	{0x400000, "__GFP_ACCOUNT"},
	{0x1000, "__GFP_WRITE"},
	{0x400, "__GFP_DIRECT_RECLAIM"},
};

char *put_gfp(char *p, u64 flags)
{
	char *start = p;
	bool none = !flags;

	for (const struct gfp *g = gfps; g < gfps + ARRAY_SIZE(gfps); g++) {
		if ((flags & g->bits) != g->bits)
			continue;
		flags &= ~(u64)g->bits;
		if (p != start)
			*p++ = '|';
		p = put_copy(p, g->name, strlen(g->name));
	}
	if (none)
		return put_copy(p, "none", 4);
	if (!flags)
		return p;
	if (p != start)
		*p++ = '|';
	return p + sprintf(p, "0x%llx", (unsigned long long)flags);
}
