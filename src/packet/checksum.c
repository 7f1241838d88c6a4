/* checksum.c: the Internet's checksum (RFC 1071), with the header that is thought in front of it.
 */
#include "packet/print.h"

static u64 sum_of(const u8 *p, u32 n)
{
	u64 sum = 0;

	for (; n > 1; p += 2, n -= 2)
		sum += (u32)p[0] << 8 | p[1];
	return sum + (n ? (u32)p[0] << 8 : 0);
}

static u32 folded(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~(u32)sum & 0xffff;
}

u32 checksum(const u8 *p, u32 n)
{
	return folded(sum_of(p, n));
}

u32 checksum_above(const struct ends *e, u32 protocol, const u8 *p, u32 n)
{
	u32 size = e->six ? 16 : 4;

	return folded(sum_of(e->src, size) + sum_of(e->dst, size) + protocol + n + sum_of(p, n));
}

/* The sum over all of it, with what stands there, gives `rest`: 0 where that is right. */
u32 checksum_wanted(u32 stands, u32 rest)
{
	u32 sum = stands + rest;

	return (sum & 0xffff) + (sum >> 16);
}
