/*
 * print_payload.c: what TCP and UDP carry, known by its first bytes: HTTP, TLS, QUIC.
 *
 * Out: behind the line: ": HTTP: GET / HTTP/1.1", ": TLS ClientHello, SNI example.com".
 */
#include "packet/print.h"

#include <stdlib.h>

/* ---- protocols that are lines of text */

static const char *const http_words[] = {
	"GET",      "POST",      "HEAD",        "PUT",    "DELETE", "OPTIONS",  "PATCH",
	"CONNECT",  "TRACE",     "COPY",        "MOVE",   "MKCOL",  "LOCK",     "UNLOCK",
	"PROPFIND", "PROPPATCH", "SEARCH",      "REPORT", "MERGE",  "CHECKOUT", "CHECKIN",
	"NOTIFY",   "SUBSCRIBE", "UNSUBSCRIBE", "POLL",   NULL,
};
static const char *const rtsp_words[] = {
	"OPTIONS", "DESCRIBE", "ANNOUNCE",      "SETUP",         "PLAY",     "PAUSE",
	"RECORD",  "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "REDIRECT", NULL,
};
static const char *const sip_words[] = {
	"INVITE", "ACK",     "BYE",  "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE",
	"NOTIFY", "PUBLISH", "INFO", "REFER",  "MESSAGE",  "UPDATE",  NULL,
};
static const struct text_protocol {
	u16 ports[2];
	const char *name, *small;
	const char *const *words; /* NULL: each line is one; else such that begin so, and answers */
} sip = {{5060, 5060}, "SIP", "sip", sip_words},
  text_protocols[] = {
	  {{80, 8080}, "HTTP", "http", http_words}, {{21, 21}, "FTP", "ftp", NULL},
	  {{25, 25}, "SMTP", "smtp", NULL},         {{554, 8554}, "RTSP", "rtsp", rtsp_words},
	  {{43, 43}, "WHOIS", "whois", NULL},
};

/* "GET ...", or "WORD 200 ..." */
static bool is_line_of(const struct text_protocol *t, const u8 *p, u32 n)
{
	u32 word = 0, code;

	while (word < n && p[word] != ' ' && p[word] != '\r' && p[word] != '\n')
		word++;
	for (u32 i = 0; t->words && t->words[i]; i++)
		if (strlen(t->words[i]) == word && !memcmp(t->words[i], p, word))
			return true;
	for (code = word + 1; code < n && p[code] >= '0' && p[code] <= '9'; code++)
		;
	return !t->words || (code == word + 4 && code < n && p[code] == ' ');
}

/* -v: all lines, until one that is no text. */
static void put_lines(struct line *l, const char *small, struct view v)
{
	put_u32(l, ", length: ", v.len);
	while (v.n) {
		u32 n = 0;

		while (n < v.n && ((v.p[n] >= 32 && v.p[n] < 127) || v.p[n] == '\t'))
			n++;
		if (n == v.n) { /* the end of it comes with another packet */
			put(l, "\n\t");
			put_text(l, v.p, n);
			put_short(l, small);
			return;
		}
		if (v.p[n] != '\n' && (v.p[n] != '\r' || n + 1 == v.n || v.p[n + 1] != '\n'))
			return;
		put(l, "\n\t");
		put_text(l, v.p, n);
		v = view_from(v, n + (v.p[n] == '\r' ? 2 : 1));
	}
}

/* The first line, if it is text. */
static void put_first_line(struct line *l, const struct text_protocol *t, struct view v)
{
	u32 n = 0;

	if (l->o->verbose) {
		put_lines(l, t->small, v);
		return;
	}
	while (n < v.n && ((v.p[n] >= 32 && v.p[n] < 127) || v.p[n] == '\t'))
		n++;
	if (n < v.n && v.p[n] != '\r' && v.p[n] != '\n')
		return;
	put(l, ": ");
	put_text(l, v.p, n);
	if (n == v.n)
		put_short(l, t->small);
}

bool print_text_protocol(struct line *l, u32 sport, u32 dport, struct view v)
{
	const struct text_protocol *t = text_protocols;

	for (; t < text_protocols + ARRAY_SIZE(text_protocols); t++)
		for (u32 i = 0; i < 2; i++)
			if (t->ports[i] == sport || t->ports[i] == dport) {
				put(l, ": ");
				put(l, t->name);
				if (is_line_of(t, v.p, v.n))
					put_first_line(l, t, v);
				return true;
			}
	if (!is_line_of(text_protocols, v.p, v.n) || !memmem(v.p, MIN(v.n, 4096u), "HTTP/1.", 7))
		return false; /* elsewhere only with its version */
	put(l, ": HTTP");
	put_first_line(l, text_protocols, v);
	return true;
}

void print_sip(struct line *l, struct view v)
{
	put(l, sip.name);
	if (is_line_of(&sip, v.p, v.n))
		put_first_line(l, &sip, v);
}

/* The version, which each end says first. */
bool print_ssh(struct line *l, struct view v)
{
	static const struct text_protocol ssh = {{22, 22}, "SSH", "ssh", NULL};

	if (!view_has(&v, 0, 4) || memcmp(v.p, "SSH-", 4) != 0 || !memchr(v.p, '\n', v.n))
		return false;
	put(l, ": SSH");
	put_first_line(l, &ssh, v);
	return true;
}

/* ---- Redis (RESP): values behind each other */

/* A line up to its end; false: it is cut off. */
static bool take_line(struct view *v, struct view *line)
{
	const u8 *end = v->n ? memchr(v->p, '\n', v->n) : NULL;
	u32 n = end ? (u32)(end - v->p) : 0;

	if (!end)
		return false;
	*line = view_cut(*v, n && v->p[n - 1] == '\r' ? n - 1 : n);
	*v = view_from(*v, n + 1);
	return true;
}

void print_resp(struct line *l, struct view v)
{
	struct view line;

	put(l, ": RESP");
	while (v.n) {
		u32 kind = *v.p;
		int n;

		if (!take_line(&v, &line)) {
			put_short(l, "resp");
			return;
		}
		n = atoi((const char *)line.p + 1); /* a line ends */
		if (kind == '*' && n > 0)
			continue;
		if (kind == '*' || (kind == '$' && n <= 0)) {
			put(l, n < 0 ? " null" : " empty");
			if (kind == '$' && !n)
				take_line(&v, &line);
			continue;
		}
		if (kind == '$') {
			if (!view_has(&v, (u32)n, 2)) {
				put_short(l, "resp");
				return;
			}
			line = view_cut(v, (u32)n);
			v = view_from(v, (u32)n + 2);
		} else if (kind == '+' || kind == '-' || kind == ':') {
			line = view_from(line, 1);
		}
		put(l, " \"");
		put_visible(l, line.p, line.n);
		put(l, "\"");
	}
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
