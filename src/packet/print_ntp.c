/* print_ntp.c: NTP (RFC 5905): its mode, and with -v its clocks. */
#include "packet/print.h"

#include <time.h>

#define EPOCH 2208988800ull /* seconds from 1900 to 1970 */

/* 32 bits of seconds since 1900 and 32 of their parts. */
static u64 stamp_at(const struct view *v, u32 at)
{
	return (u64)view_u32(v, at) << 32 | view_u32(v, at + 4);
}

static void put_seconds(struct line *l, u64 stamp)
{
	u32 parts = (u32)((double)(u32)stamp / 4294967296.0 * 1e9);

	buf_printf(l->b, "%u.%09u", (u32)(stamp >> 32), parts);
}

static void put_stamp(struct line *l, const char *name, u64 stamp)
{
	time_t seconds = (time_t)((stamp >> 32) - EPOCH);
	char text[32];
	struct tm tm;

	put(l, name);
	put_seconds(l, stamp);
	if (stamp >> 32 && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), " (%Y-%m-%dT%H:%M:%SZ)", &tm))
		put(l, text);
}

static void put_difference(struct line *l, const char *name, u64 from, u64 to)
{
	if (!from) {
		put_stamp(l, name, to);
		return;
	}
	put(l, name);
	put(l, to > from ? "+" : to < from ? "-" : "");
	put_seconds(l, to > from ? to - from : from - to);
}

static void put_fixed(struct line *l, const char *name, const struct view *v, u32 at)
{
	buf_printf(l->b, "%s%u.%06u", name, view_u16(v, at),
		   (u32)(view_u16(v, at + 2) / 65536.0 * 1e6));
}

static void put_reference(struct line *l, const struct view *v, u32 stratum)
{
	put(l, ", Reference-ID: ");
	if (!stratum)
		put(l, "(unspec)");
	else if (stratum == 1)
		put_visible(l, v->p + 12, 4);
	else
		buf_printf(l->b, "0x%08x", view_u32(v, 12));
}

/* A signed byte. */
static s32 power(u32 byte)
{
	return byte < 128 ? (s32)byte : (s32)byte - 256;
}

static void put_clocks(struct line *l, const struct view *v)
{
	u32 stratum = v->p[1];
	s32 poll = power(v->p[2]);

	buf_printf(l->b, ", Stratum %u (%s), poll %d", stratum,
		   stratum == 0   ? "unspecified"
		   : stratum == 1 ? "primary reference"
		   : stratum < 16 ? "secondary reference"
				  : "reserved",
		   poll);
	if (poll >= 0 && poll < 32)
		buf_printf(l->b, " (%us)", 1u << poll);
	else if (poll < 0 && poll > -32)
		buf_printf(l->b, " (1/%us)", 1u << -poll);
	buf_printf(l->b, ", precision %d", power(v->p[3]));
	put_fixed(l, "\n\tRoot Delay: ", v, 4);
	put_fixed(l, ", Root dispersion: ", v, 8);
	put_reference(l, v, stratum);
	put_stamp(l, "\n\t  Reference Timestamp:  ", stamp_at(v, 16));
	put_stamp(l, "\n\t  Originator Timestamp: ", stamp_at(v, 24));
	put_stamp(l, "\n\t  Receive Timestamp:    ", stamp_at(v, 32));
	put_stamp(l, "\n\t  Transmit Timestamp:   ", stamp_at(v, 40));
	put_difference(l, "\n\t    Originator - Receive Timestamp:  ", stamp_at(v, 24),
		       stamp_at(v, 32));
	put_difference(l, "\n\t    Originator - Transmit Timestamp: ", stamp_at(v, 24),
		       stamp_at(v, 40));
	if (v->len < 68 || !view_has(v, 48, 20))
		return;
	buf_printf(l->b, "\n\tKey id: %u\n\tAuthentication: ", view_u32(v, 48));
	for (u32 at = 52; at < 68; at += 4)
		buf_printf(l->b, "%08x", view_u32(v, at));
}

void print_ntp(struct line *l, struct view v)
{
	static const char *const modes[] = {
		"unspecified", "symmetric active", "symmetric passive", "Client",
		"Server",   "Broadcast",        "Control Message",   "Reserved"};
	static const char *const leaps[] = {"", "+1s", "-1s", "clock unsynchronized"};
	u32 mode;

	if (!view_has(&v, 0, 1)) {
		put_short(l, "ntp");
		return;
	}
	mode = *v.p & 7;
	buf_printf(l->b, "NTPv%u, %s, length %u", *v.p >> 3 & 7, modes[mode], v.len);
	if (!l->o->verbose)
		return;
	buf_printf(l->b, "\n\tLeap indicator: %s (%u)", leaps[*v.p >> 6], *v.p & 0xc0);
	if (mode >= 6)
		return;
	if (view_has(&v, 0, 48))
		put_clocks(l, &v);
	else
		put_short(l, "ntp");
}
