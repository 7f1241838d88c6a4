/*
 * print_payload.c: what TCP and UDP carry, known by its first bytes: HTTP, TLS, QUIC.
 *
 * Out: behind the line: ": HTTP: GET / HTTP/1.1", ": TLS ClientHello, SNI example.com".
 */
#include "packet/print.h"

static bool begins(const struct view *v, const char *word)
{
	u32 n = (u32)strlen(word);

	return view_has(v, 0, n) && !memcmp(v->p, word, n);
}

bool print_http(struct line *l, struct view v)
{
	static const char *const words[] = {"GET ",     "POST ",  "HEAD ",    "PUT ",   "DELETE ",
					    "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "HTTP/1."};
	u32 n;

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		if (!begins(&v, words[i]))
			continue;
		for (n = 0; n < v.n && v.p[n] != '\n'; n++)
			;
		put(l, ": HTTP: ");
		put_text(l, v.p, n);
		return true;
	}
	return false;
}

/* ---- TLS (RFC 8446) */

enum { TLS_HANDSHAKE = 22, TLS_CLIENT_HELLO = 1, TLS_SERVER_NAME = 0 };

/* Behind a field with its length in so many bytes in front; 0: cut off. */
static u32 past(const struct view *v, u32 at, u32 width)
{
	u32 n = 0;

	if (!view_has(v, at, width))
		return 0;
	for (u32 i = 0; i < width; i++)
		n = n << 8 | v->p[at + i];
	return n <= v->len ? at + width + n : 0;
}

static void put_server_name(struct line *l, const struct view *v, u32 at)
{
	u32 end = past(v, at, 2), next, n;

	for (at += 2; end && at + 4 <= end && view_has(v, at, 4); at = next) {
		next = past(v, at + 2, 2);
		if (!next)
			return;
		if (view_u16(v, at) != TLS_SERVER_NAME)
			continue;
		/* a list of names: kind, length, name */
		if (!view_has(v, at, 9))
			return;
		n = view_u16(v, at + 7);
		if (!view_has(v, at + 9, n))
			return;
		put(l, ", SNI ");
		put_text(l, v->p + at + 9, n);
		return;
	}
}

bool print_tls(struct line *l, struct view v)
{
	u32 at = 5 + 4 + 2 + 32;

	if (!view_has(&v, 0, 6) || *v.p != TLS_HANDSHAKE || v.p[1] != 3 ||
	    v.p[5] != TLS_CLIENT_HELLO)
		return false;
	put(l, ": TLS ClientHello");
	at = past(&v, at, 1);          /* session */
	at = at ? past(&v, at, 2) : 0; /* ciphers */
	at = at ? past(&v, at, 1) : 0; /* compression */
	if (at)
		put_server_name(l, &v, at);
	return true;
}

/* ---- QUIC (RFC 9000, RFC 9369): the long header, which is in clear */

static const char *quic_kind(u32 version, u32 kind)
{
	static const char *const kinds[] = {"Initial", "0-RTT", "Handshake", "Retry"};

	return kinds[version == 0x6b3343cf ? (kind + 3) & 3 : kind];
}

static void put_id(struct line *l, const char *what, const u8 *p, u32 n)
{
	put(l, what);
	for (u32 i = 0; i < n; i++)
		buf_printf(l->b, "%02x", p[i]);
}

bool print_quic(struct line *l, struct view v)
{
	u32 version, n, at = 5;

	if (!view_has(&v, 0, 7) || (*v.p & 0xc0) != 0xc0)
		return false;
	version = view_u32(&v, 1);
	if (version != 1 && version != 0x6b3343cf)
		return false;
	buf_printf(l->b, ": QUIC %s, v%u", quic_kind(version, *v.p >> 4 & 3), version == 1 ? 1 : 2);
	for (u32 i = 0; i < 2; i++) {
		n = view_has(&v, at, 1) ? v.p[at] : 0;
		if (!n || !view_has(&v, at + 1, n))
			return true;
		put_id(l, i ? ", scid " : ", dcid ", v.p + at + 1, n);
		at += 1 + n;
	}
	return true;
}
