/*
 * print_tcp.c: TCP (RFC 9293), with sequence numbers that count from the beginning of a connection.
 *
 * Each pair of ends has one row with the first numbers of both sides. The table grows with the
 * connections, so a file of millions takes no longer a packet than one of ten.
 */
#include "packet/print.h"

#include <stdlib.h>

struct flow {
	u8 addrs[2][16]; /* the ends, in an order of their own: the lower first */
	u16 low_port, high_port;
	bool used, six;
	u32 low_seq, high_seq;
};

struct packet_flows {
	struct flow *rows;
	u32 n, cap; /* a power of 2 */
};

void flows_free(struct packet_flows *f)
{
	if (f)
		free(f->rows);
	free(f);
}

static u64 hash_of(const struct flow *f)
{
	u64 words[4], h = (u64)f->low_port << 16 | f->high_port;

	memcpy(words, f->addrs, sizeof(words));
	for (u32 i = 0; i < 4; i++)
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static bool same(const struct flow *a, const struct flow *b)
{
	return a->low_port == b->low_port && a->high_port == b->high_port && a->six == b->six &&
	       !memcmp(a->addrs, b->addrs, sizeof(a->addrs));
}

static struct flow *slot_of(struct flow *rows, u32 cap, const struct flow *key)
{
	u64 i = hash_of(key);

	while (rows[i & (cap - 1)].used && !same(&rows[i & (cap - 1)], key))
		i++;
	return &rows[i & (cap - 1)];
}

static bool grow(struct packet_flows *f)
{
	u32 cap = f->cap ? 2 * f->cap : 1024;
	struct flow *more = calloc(cap, sizeof(*more));

	if (!more)
		return false;
	for (u32 i = 0; i < f->cap; i++)
		if (f->rows[i].used)
			*slot_of(more, cap, &f->rows[i]) = f->rows[i];
	free(f->rows);
	f->rows = more;
	f->cap = cap;
	return true;
}

/* The row of a connection, new (not `used` yet) or known; NULL: there is no memory for it. */
static struct flow *flow_of(struct packet_printer *o, const struct flow *key)
{
	struct packet_flows *f = o->flows;

	if (!f)
		f = o->flows = calloc(1, sizeof(*f));
	if (!f || (f->n * 2 >= f->cap && !grow(f)))
		return NULL;
	return slot_of(f->rows, f->cap, key);
}

struct segment {
	u32 sport, dport, seq, ack, flags, window, urgent, head;
	u32 seq0, ack0; /* what selective acknowledgements count from */
};
#define RESET_MOST 30
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

/* Numbers from the connection's beginning on; as they are where it begins. */
static void make_relative(struct line *l, struct segment *s, const struct ends *e)
{
	u32 n = e->six ? 16 : 4;
	bool swap = s->sport > s->dport || (s->sport == s->dport && memcmp(e->src, e->dst, n) > 0);
	struct flow key = {.six = e->six}, *f;
	u32 *ours, *theirs;
	bool known;

	memcpy(key.addrs[0], swap ? e->dst : e->src, n);
	memcpy(key.addrs[1], swap ? e->src : e->dst, n);
	key.low_port = (u16)(swap ? s->dport : s->sport);
	key.high_port = (u16)(swap ? s->sport : s->dport);
	f = flow_of(l->o, &key);
	if (!f)
		return;
	known = f->used;
	if (!known || s->flags & SYN) {
		l->o->flows->n += !known;
		key.used = true;
		key.low_seq = swap ? s->ack - 1 : s->seq;
		key.high_seq = swap ? s->seq : s->ack - 1;
		*f = key;
	}
	ours = swap ? &f->high_seq : &f->low_seq;
	theirs = swap ? &f->low_seq : &f->high_seq;
	s->seq0 = *ours;
	s->ack0 = *theirs;
	if (known && !(s->flags & SYN)) {
		s->seq -= s->seq0;
		s->ack -= s->ack0;
	}
}

static void put_flags(struct line *l, u32 flags)
{
	static const char letters[] = "FSRP.UEW";

	put(l, "Flags [");
	for (u32 i = 0; i < 8; i++)
		if (flags >> i & 1)
			buf_char(l->b, letters[i]);
	put(l, flags & 0xff ? "]" : "none]");
}

/* ---- options (RFC 9293, 7323, 2018, 7413): what stands behind the name; o: all that is captured
 * of n bytes, kind and length included. false: not enough. */

static bool put_mss(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)s;
	if (!view_has(o, 0, n))
		return false;
	put_u32(l, " ", view_u16(o, 2));
	return true;
}

static bool put_scale(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)s;
	if (!view_has(o, 0, n))
		return false;
	put_u32(l, " ", o->p[2]);
	return true;
}

static bool put_nothing(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)l;
	(void)s;
	return view_has(o, 0, n);
}

static bool put_sack(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	put_u32(l, " ", (n - 2) / 8);
	put(l, " ");
	for (u32 i = 2; i + 8 <= n; i += 8) {
		if (!view_has(o, i, 8))
			return false;
		put_u32(l, "{", view_u32(o, i) - s->ack0);
		put_u32(l, ":", view_u32(o, i + 4) - s->ack0);
		put(l, "}");
	}
	return true;
}

static bool put_stamps(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)s;
	if (!view_has(o, 0, n))
		return false;
	put_u32(l, " val ", view_u32(o, 2));
	put_u32(l, " ecr ", view_u32(o, 6));
	return true;
}

static bool put_cookie(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)s;
	if (!view_has(o, 0, n))
		return false;
	put(l, n == 2 ? "  cookiereq" : "  cookie ");
	for (u32 i = 2; i < n; i++)
		buf_printf(l->b, "%02x", o->p[i]);
	return true;
}

static bool put_unknown(struct line *l, const struct segment *s, const struct view *o, u32 n)
{
	(void)s;
	if (!view_has(o, 0, n))
		return false;
	put_u32(l, "-", o->p[0]);
	for (u32 i = 2; i < n; i++)
		buf_printf(l->b, i == 2 ? " 0x%02x" : "%02x", o->p[i]);
	return true;
}

static const struct option_row {
	u8 kind, len; /* 0: any */
	const char *name;
	bool (*put)(struct line *, const struct segment *, const struct view *, u32 n);
} options[] = {
	{2, 4, "mss", put_mss},         {3, 3, "wscale", put_scale}, {4, 2, "sackOK", put_nothing},
	{5, 0, "sack", put_sack},       {8, 10, "TS", put_stamps},   {34, 0, "tfo", put_cookie},
	{0, 0, "unknown", put_unknown},
};

static const struct option_row *option_of(u32 kind, u32 n)
{
	const struct option_row *row = options;

	while (row->kind && (row->kind != kind || (row->len && row->len != n)))
		row++;
	return row;
}

/* n bytes, of which v may have fewer; false: it has. */
static bool put_options(struct line *l, const struct segment *s, const struct view *v, u32 n)
{
	const struct option_row *row;

	put(l, ", options [");
	for (u32 i = 0, len; i < n; i += len) {
		struct view o = view_from(*v, i);

		put(l, i ? "," : "");
		if (!view_has(&o, 0, 1)) {
			put_short(l, "tcp");
			return false;
		}
		len = 1;
		if (o.p[0] < 2)
			put(l, o.p[0] ? "nop" : "eol");
		if (!o.p[0])
			break;
		if (o.p[0] == 1)
			continue;
		if (!view_has(&o, 0, 2)) {
			put_short(l, "tcp");
			return false;
		}
		len = o.p[1];
		if (len < 2 || len > n - i) {
			put(l, "[bad opt]");
			break;
		}
		row = option_of(o.p[0], len);
		put(l, row->name);
		if (!row->put(l, s, &o, len)) {
			put_short(l, "tcp");
			put(l, row->len == 4 || row->len == 3 ? "" : ">");
			return false;
		}
	}
	put(l, "]");
	return true;
}

static bool has_port(const struct segment *s, u32 port)
{
	return s->sport == port || s->dport == port;
}

static void put_payload(struct line *l, const struct segment *s, struct view v)
{
	if (!v.n)
		return;
	if (has_port(s, 53) || has_port(s, 5353)) {
		if (view_has(&v, 0, 2) && v.len > 2) {
			put(l, " ");
			print_dns(l, view_from(v, 2), false);
		}
		return;
	}
	if (has_port(s, 179) && !l->o->verbose)
		put(l, ": BGP");
	else if (has_port(s, 6379))
		print_resp(l, v);
	else if (has_port(s, 22))
		print_ssh(l, v);
	else if (!print_text_protocol(l, s->sport, s->dport, v))
		print_tls(l, v);
}

static void put_checksum(struct line *l, const struct view *v, const struct ends *e)
{
	u32 stands = view_u16(v, 16), rest;

	if (e->part || l->o->unchecked || !checks(l, v, v->len))
		return;
	rest = checksum_above(e, 6, v->p, v->len);
	buf_printf(l->b, ", cksum 0x%04x ", stands);
	if (rest)
		buf_printf(l->b, "(incorrect -> 0x%04x)", checksum_wanted(stands, rest));
	else
		put(l, "(correct)");
}

/* What a reset says, visibly. */
static void put_reset(struct line *l, struct view v)
{
	put(l, v.n < v.len ? " [!RST" : " [RST");
	put(l, v.len > RESET_MOST ? "+" : "");
	v.n = MIN(v.n, (u32)RESET_MOST);
	put(l, " ");
	put_visible(l, v.p, v.n);
	put(l, "]");
}

void print_tcp(struct line *l, struct view v, const struct ends *e)
{
	struct segment s = {0};
	struct view data;

	if (!view_has(&v, 0, 4)) {
		put(l, "[|tcp]");
		return;
	}
	s.sport = view_u16(&v, 0);
	s.dport = view_u16(&v, 2);
	put_ends(l, e, s.sport, s.dport);
	if (!view_has(&v, 0, 20)) {
		put_short(l, "tcp");
		return;
	}
	s.head = (v.p[12] >> 4) * 4u;
	if (s.head < 20) {
		buf_printf(l->b, " tcp %u [bad hdr length %u, too short, < 20]", v.len - s.head,
			   s.head);
		return;
	}
	s.seq = view_u32(&v, 4);
	s.ack = view_u32(&v, 8);
	s.flags = (u32)(v.p[12] & 1) << 8 | v.p[13];
	s.window = view_u16(&v, 14);
	s.urgent = view_u16(&v, 18);
	if (s.head > v.len) {
		put_u32(l, " [bad hdr length ", s.head);
		put_u32(l, ", too long, > ", v.len);
		put(l, "]");
		return;
	}
	data = view_from(v, s.head);
	if (l->o->quiet) {
		put_u32(l, "tcp ", data.len);
		return;
	}
	if (!l->o->absolute && s.flags & ACK)
		make_relative(l, &s, e);
	put_flags(l, s.flags);
	put_checksum(l, &v, e);
	if (data.len || s.flags & (SYN | FIN | RST) || l->o->verbose > 1) {
		put_u32(l, ", seq ", s.seq);
		if (data.len)
			put_u32(l, ":", s.seq + data.len);
	}
	if (s.flags & ACK)
		put_u32(l, ", ack ", s.ack);
	put_u32(l, ", win ", s.window);
	if (s.flags & URG)
		put_u32(l, ", urg ", s.urgent);
	if (s.head > 20) {
		const struct view rest = view_from(v, 20);

		if (!put_options(l, &s, &rest, s.head - 20))
			return;
	}
	put_u32(l, ", length ", data.len);
	if (data.len && v.n < s.head) {
		put_u32(l, " [remaining caplen(", v.n);
		put_u32(l, ") < header length(", s.head);
		put(l, ")] [|tcp]");
		return;
	}
	if (l->o->verbose && s.flags & RST && data.len)
		put_reset(l, data);
	else
		put_payload(l, &s, data);
}
