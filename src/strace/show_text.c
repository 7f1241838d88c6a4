/*
 * show_text.c: strings, buffers, and what is made of them: vectors of pieces, arguments of exec.
 */
#include "strace/strace.h"

/* ---- bytes as text */

enum { AS_ASKED, NOT_ASCII, ALL, BYTES_ALONE }; /* -x, -xx, --strings-in-hex=non-ascii-chars */

static bool plain(u8 ch)
{
	return (ch >= ' ' && ch < 127) || (ch >= '\t' && ch <= '\r');
}

static bool letter(struct buf *b, u8 ch)
{
	static const char letters[128] = {['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\v'] = 'v',
					  ['\f'] = 'f', ['"'] = '"',  ['\\'] = '\\'};

	if (ch > 127 || !letters[ch])
		return false;
	buf_char(b, '\\');
	buf_char(b, letters[ch]);
	return true;
}

static void hexadecimal(struct buf *b, u8 ch)
{
	buf_puts(b, ch < 16 ? "\\x0" : "\\x");
	buf_hex(b, ch);
}

static bool is_octal(u8 ch)
{
	return ch >= '0' && ch <= '7';
}

/* The shortest form where no digit follows that would belong to it. */
static void octal(struct buf *b, u8 ch, bool digit)
{
	char text[4] = {'\\', (char)('0' + (ch >> 6)), (char)('0' + (ch >> 3 & 7)),
			(char)('0' + (ch & 7))};
	u32 skip = digit || ch > 63 ? 0 : ch > 7 ? 1 : 2;

	buf_char(b, text[0]);
	buf_add(b, text + 1 + skip, 3 - skip);
}

static bool all_hex(const struct shown *c, const u8 *p, u64 n)
{
	if (c->s->opts.hex != NOT_ASCII)
		return c->s->opts.hex == ALL;
	for (u64 i = 0; i < n; i++)
		if (!plain(p[i]))
			return true;
	return false;
}

static void put_byte(struct shown *c, u8 ch, bool hex, bool digit)
{
	if (hex)
		hexadecimal(c->out, ch);
	else if (letter(c->out, ch))
		return;
	else if (ch >= ' ' && ch < 127)
		buf_char(c->out, (char)ch);
	else if (c->s->opts.hex == BYTES_ALONE)
		hexadecimal(c->out, ch);
	else
		octal(c->out, ch, digit);
}

/* As C would write it. `all`: how many there are. */
void show_bytes(struct shown *c, const void *bytes, u64 n, u64 all, bool hex, u64 most)
{
	const u8 *p = bytes;

	buf_char(c->out, '"');
	n = MIN(n, most);
	hex |= all_hex(c, p, n);
	for (u64 i = 0; i < n; i++)
		put_byte(c, p[i], hex, i + 1 < n && is_octal(p[i + 1]));
	buf_char(c->out, '"');
	if (all > n)
		buf_puts(c->out, "...");
}

/* What would end it too early is octal. */
void show_name(struct shown *c, const char *path)
{
	const u8 *p = (const u8 *)path;
	bool hex = all_hex(c, p, strlen(path));

	for (; *p; p++)
		if (!hex && (*p == '<' || *p == '>'))
			octal(c->out, *p, is_octal(p[1]));
		else
			put_byte(c, *p, hex, is_octal(p[1]));
}

/* ---- -e read=, -e write= */

enum { DUMP_WIDTH = 16 };

static void dump_line(struct buf *b, const u8 *p, u64 at, u64 n)
{
	buf_printf(b, " | %05llx ", (unsigned long long)at);
	for (u64 i = 0; i < DUMP_WIDTH; i++) {
		buf_puts(b, i == DUMP_WIDTH / 2 ? "  " : " ");
		if (i < n)
			buf_printf(b, "%02x", p[at + i]);
		else
			buf_puts(b, "  ");
	}
	buf_puts(b, "  ");
	for (u64 i = 0; i < DUMP_WIDTH; i++)
		buf_char(b, i >= n                                ? ' '
			    : p[at + i] >= ' ' && p[at + i] < 127 ? (char)p[at + i]
								  : '.');
	buf_puts(b, " |\n");
}

static void dump(struct shown *c, const struct arg *a, u64 addr, u64 n)
{
	const u8 *p = n ? seen(c, a, addr, n) : NULL;

	for (u64 at = 0; p && at < n; at += DUMP_WIDTH)
		dump_line(c->out, p, at, MIN(n - at, DUMP_WIDTH));
}

static void dump_pieces(struct shown *c, const struct arg *a)
{
	u64 n = MIN(c->args[a->count % MAX_ARGS], 16u), left = (u64)c->ret;
	const u64 *v = seen(c, a, ARG(c, a), n * 16);

	for (u64 i = 0; v && i < n; i++) {
		u64 size = MIN(v[2 * i + 1], left);

		buf_printf(c->out, " * %llu bytes in buffer %llu\n", (unsigned long long)size,
			   (unsigned long long)i);
		dump(c, a, v[2 * i], MIN(size, (u64)DUMP_BYTES));
		left -= size;
	}
}

/* What was moved: of one buffer, of the pieces of a vector. */
void show_dumps(struct shown *c)
{
	const struct call *call = c->call;

	if (c->ret <= 0 || !(call->classes & (DESC | NETWORK)) || c->args[0] > 63)
		return;
	for (u32 i = 0; i < call->nargs; i++) {
		const struct arg *a = &call->args[i];
		u64 fds = a->out ? c->s->opts.dump_read : c->s->opts.dump_written;

		if (!(fds >> c->args[0] & 1))
			continue;
		if (a->kind->how == COUNTED)
			dump(c, a, ARG(c, a), MIN((u64)c->ret, (u64)DUMP_BYTES));
		else if (a->kind->how == VECTOR)
			dump_pieces(c, a);
	}
}

/* ---- strings and buffers */

void show_string_at(struct shown *c, const struct arg *a, u64 addr, bool limited)
{
	const struct piece *p = addr ? seen_string(c, addr) : NULL;
	u64 most = limited ? c->s->opts.strsize : 4095;

	(void)a;
	if (p)
		show_bytes(c, c->task->bytes.p + p->at, p->size - 1, p->size - 1, false, most);
	else
		show_address(c->out, addr);
}

void show_kind_path(struct shown *c, const struct arg *a)
{
	if (a->out && (!c->done || c->ret < 0))
		show_address(c->out, ARG(c, a));
	else
		show_string_at(c, a, ARG(c, a), false);
}

void show_kind_str(struct shown *c, const struct arg *a)
{
	show_string_at(c, a, ARG(c, a), true);
}

void show_kind_mountdata(struct shown *c, const struct arg *a)
{
	show_string_at(c, a, ARG(c, a), true);
}

static void show_counted(struct shown *c, const struct arg *a, bool hex)
{
	u64 n = a->count == COUNT_RESULT ? (u64)c->ret : c->args[a->count % MAX_ARGS], have;
	const void *p = "";

	if (a->count == COUNT_RESULT && (!c->done || c->ret < 0)) {
		show_address(c->out, ARG(c, a));
		return;
	}
	have = MIN(n, c->s->opts.strsize);
	if (have)
		p = seen(c, a, ARG(c, a), have);
	if (!p || !ARG(c, a))
		show_address(c->out, ARG(c, a));
	else if (hex || !show_netlink(c, a, ARG(c, a), n))
		show_bytes(c, p, have, n, hex, c->s->opts.strsize);
}

void show_kind_buf(struct shown *c, const struct arg *a)
{
	show_counted(c, a, false);
}

void show_kind_hexbuf(struct shown *c, const struct arg *a)
{
	show_counted(c, a, true);
}

/* Pieces of a vector; `left`: what was moved altogether. */
void show_iovs(struct shown *c, const struct arg *a, u64 addr, u64 n, u64 left)
{
	u64 most = MIN(n, 16u);
	const u64 *v = most ? seen(c, a, addr, most * 16) : NULL;

	if (!v && n) {
		show_address(c->out, addr);
		return;
	}
	buf_char(c->out, '[');
	for (u64 i = 0; i < most; i++) {
		u64 base = v[2 * i], len = v[2 * i + 1], there = MIN(len, left), have;
		const void *p;

		have = MIN(there, c->s->opts.strsize);
		p = have ? seen(c, a, base, have) : "";
		buf_puts(c->out, i ? ", {iov_base=" : "{iov_base=");
		if (!p || !base)
			show_address(c->out, base);
		else if (!show_netlink(c, a, base, there))
			show_bytes(c, p, have, there, false, c->s->opts.strsize);
		buf_printf(c->out, ", iov_len=%llu}", (unsigned long long)len);
		left -= there;
	}
	buf_puts(c->out, n > most ? ", ...]" : "]");
}

void show_kind_iov(struct shown *c, const struct arg *a)
{
	u64 n = (u32)c->args[a->count % MAX_ARGS];

	if (a->out && c->ret < 0)
		show_places(c, a, ARG(c, a), n);
	else
		show_iovs(c, a, ARG(c, a), n, a->out ? (u64)c->ret : UINT64_MAX);
}

void show_places(struct shown *c, const struct arg *a, u64 addr, u64 n)
{
	u64 most = MIN(n, 16u);
	const u64 *v = addr ? seen(c, a, addr, most * 16) : NULL;

	if (!v) {
		show_address(c->out, addr);
		return;
	}
	buf_char(c->out, '[');
	for (u64 i = 0; i < most; i++) {
		buf_puts(c->out, i ? ", {iov_base=" : "{iov_base=");
		show_address(c->out, v[2 * i]);
		buf_printf(c->out, ", iov_len=%llu}", (unsigned long long)v[2 * i + 1]);
	}
	buf_puts(c->out, n > most ? ", ...]" : "]");
}

/* Pieces of another process. */
void show_kind_riov(struct shown *c, const struct arg *a)
{
	show_places(c, a, ARG(c, a), ARG_AFTER(c, a));
}

/* After an exec, the new program's memory has them one behind the other, if the old one's had not.
 */
static bool new_argv(struct shown *c)
{
	const struct piece *p = seen_string(c, NEW_ARGV); /* only where the call has ended, and well */
	const char *at, *end;

	if (!p)
		return false;
	at = c->task->bytes.p + p->at;
	end = at + p->size;
	for (u32 i = 0; at < end && i < 32; i++) {
		size_t n = strnlen(at, (size_t)(end - at));

		buf_puts(c->out, i ? ", " : "[");
		show_bytes(c, at, n, n, false, c->s->opts.strsize);
		at += n + 1;
	}
	buf_puts(c->out, at < end ? ", ...]" : "]");
	return true;
}

static void old_argv(struct shown *c, const struct arg *a)
{
	u64 addr = ARG(c, a), i = 0;
	const u64 *p = addr ? seen(c, a, addr, 8) : NULL;

	if (!p) {
		show_address(c->out, addr);
		return;
	}
	buf_char(c->out, '[');
	for (; p && *p && i < 32; p = seen(c, a, addr + 8 * ++i, 8)) {
		buf_puts(c->out, i ? ", " : "");
		show_string_at(c, a, *p, true);
	}
	if (p && *p)
		buf_puts(c->out, ", ...");
	buf_char(c->out, ']');
}

void show_kind_argv(struct shown *c, const struct arg *a)
{
	if (new_argv(c))
		return;
	old_argv(c, a);
}

/* -v: the environment itself, as far as it was brought along. */
static void environment(struct shown *c, u64 addr)
{
	const u64 *p = seen(c, &c->call->args[2], addr, 8);
	u64 i = 0;

	buf_char(c->out, '[');
	for (; p && *p; p = seen(c, &c->call->args[2], addr + 8 * ++i, 8)) {
		buf_puts(c->out, i ? ", " : "");
		show_string_at(c, NULL, *p, true);
	}
	buf_puts(c->out, p ? "]" : ", ...]");
}

void show_kind_env(struct shown *c, const struct arg *a)
{
	u64 addr = ARG(c, a), n = 0;
	const u64 *p = NULL;

	if (addr && c->s->opts.verbose && seen(c, a, addr, 8)) {
		environment(c, addr);
		return;
	}
	while (addr && (p = seen(c, a, addr + 8 * n, 8)) && *p)
		n++;
	show_address(c->out, addr);
	if (p)
		buf_printf(c->out, " /* %llu var%s */", (unsigned long long)n, n == 1 ? "" : "s");
}
