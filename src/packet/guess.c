/*
 * guess.c: where in the middle of a capture file a packet may begin.
 *
 * In:  a place, and a packet of the same file that is known. Out: the first place from there on
 * that looks like a row of packets. It may be wrong, as packets may have anything in them, captures
 * too: who uses it finds out when he gets there packet by packet.
 */
#include "packet/ng.h"
#include "packet/reader.h"

#define ROW     6    /* packets that follow each other */
#define SEARCH  4096 /* bytes; among longer packets a guess is not worth its search */
#define SECONDS (1u << 25)

static const u8 *after_pcap(const struct packet_reader *r, const u8 *p, u32 second, const u8 *end)
{
	const u32 captured = reader_u32(r, p + 8), len = reader_u32(r, p + 12);

	if (!captured || captured > len || reader_too_long(r, len) ||
	    captured > (size_t)(end - p) - r->head ||
	    reader_u32(r, p + 4) >= 1000000000u / r->fraction ||
	    reader_u32(r, p) - second + SECONDS > 2 * SECONDS)
		return NULL;
	return p + r->head + captured;
}

static const u8 *after_ng(const struct packet_reader *r, const u8 *p, const u8 *end)
{
	const u32 n = reader_u32(r, p + 4);

	if (reader_u32(r, p) != NG_PACKET || n < 32 || n % 4 || n > (size_t)(end - p) ||
	    reader_u32(r, p + n - 4) != n)
		return NULL;
	return p + n;
}

const u8 *reader_guess(const struct packet_reader *r, const u8 *known, const u8 *from,
		       const u8 *end)
{
	const u32 second = r->ng ? 0 : reader_u32(r, known);
	const u32 head = r->ng ? 32 : r->head, by = r->ng ? 4 : 1;

	from = known + ALIGN_UP((size_t)(from - known), by);
	for (const u8 *begin = from; begin < end && begin - from < SEARCH; begin += by) {
		const u8 *p = begin;
		u32 i = 0;

		while (i < ROW && p && head <= (size_t)(end - p)) {
			p = r->ng ? after_ng(r, p, end) : after_pcap(r, p, second, end);
			i += !!p;
		}
		if (i == ROW)
			return begin;
	}
	return NULL;
}
