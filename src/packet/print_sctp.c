/* print_sctp.c: SCTP (RFC 9260): its chunks. */
#include "packet/print.h"

static const char *const kinds[] = {
	"DATA",        "INIT",       "INIT ACK", "SACK",         "HB REQ",
	"HB ACK",      "ABORT",      "SHUTDOWN", "SHUTDOWN ACK", "OP ERR",
	"COOKIE ECHO", "COOKIE ACK", "ECN ECHO", "CWR",          "SHUTDOWN COMPLETE",
};

/* What stands behind the name; c: the chunk, n bytes. */
static void put_chunk(struct line *l, const struct view *c, u32 n)
{
	switch (*c->p) {
	case 0:
		if (n < 16 || !view_has(c, 0, 16))
			return;
		if (c->p[1] & 3) {
			put(l, "(");
			put(l, (c->p[1] & 3) == 3 ? "B)(E" : c->p[1] & 2 ? "B" : "E");
			put(l, ") ");
		}
		buf_printf(l->b, "[TSN: %u] [SID: %u] [SSEQ %u] [PPID 0x%x] ", view_u32(c, 4),
			   view_u16(c, 8), view_u16(c, 10), view_u32(c, 12));
		return;
	case 1:
	case 2:
		if (n < 20 || !view_has(c, 0, 20))
			return;
		buf_printf(l->b, "[init tag: %u] [rwnd: %u] [OS: %u] [MIS: %u] [init TSN: %u] ",
			   view_u32(c, 4), view_u32(c, 8), view_u16(c, 12), view_u16(c, 14),
			   view_u32(c, 16));
		return;
	case 3:
		if (n < 16 || !view_has(c, 0, 16))
			return;
		buf_printf(l->b, "[cum ack %u] [a_rwnd %u] [#gap acks %u] [#dup tsns %u] ",
			   view_u32(c, 4), view_u32(c, 8), view_u16(c, 12), view_u16(c, 14));
		return;
	default: return;
	}
}

void print_sctp(struct line *l, struct view v, const struct ends *e)
{
	u32 n;

	if (!view_has(&v, 0, 12)) {
		put_short(l, "sctp");
		return;
	}
	put_ends(l, e, view_u16(&v, 0), view_u16(&v, 2));
	put(l, "sctp");
	v = view_from(v, 12);
	for (u32 i = 1; view_has(&v, 0, 4); i++) {
		n = view_u16(&v, 2);
		buf_printf(l->b, l->o->verbose > 1 ? "\n\t%u) " : " (%u) ", i);
		if (*v.p < ARRAY_SIZE(kinds))
			buf_printf(l->b, "[%s] ", kinds[*v.p]);
		else
			buf_printf(l->b, "[chunk %u] ", *v.p);
		if (n < 4)
			return;
		put_chunk(l, &v, n);
		v = view_from(v, ALIGN_UP(n, 4));
	}
}
