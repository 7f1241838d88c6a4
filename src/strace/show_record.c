/*
 * show_record.c: structures that are nothing but fields.
 *
 * In:  the bytes of one, and its row in records.def. Out: the row with its fields in place.
 */
#include "strace/strace.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* "set;": from its first letter on to the end of the name. */
static const struct flag_set *set_at(const char *form, const char **end)
{
	size_t n = strcspn(form, ";");

	*end = form + n;
	return strace_set(form, n);
}

static void show_field(struct shown *c, char type, u32 bytes, const u8 *p,
		       const struct flag_set *set)
{
	u32 shift = 64 - 8 * bytes;
	char text[INET6_ADDRSTRLEN];
	u64 v = 0;

	memcpy(&v, p, MIN(bytes, sizeof(v)));
	switch (type) {
	case 'd': buf_s64(c->out, (s64)(v << shift) >> shift); return;
	case 'u': buf_u64(c->out, v); return;
	case 'x': show_hex(c->out, v); return;
	case 'k': /* 100 a second, to all programs */
		buf_s64(c->out, (s64)v);
		if (v)
			buf_printf(c->out, " /* %.2f s */", (double)(s64)v / 100);
		return;
	case 'p': show_address(c->out, v); return;
	case 'm': buf_printf(c->out, "%#03o", (u32)v); return;
	case 'i': show_interface(c->out, (u32)v); return;
	case 's': show_signal(c->out, (int)v); return;
	case 'f': show_flags(c->out, set, v); return;
	case 'b': buf_u64(c->out, __builtin_bswap64(v << shift)); return;
	case 'e':
		inet_ntop(bytes == 4 ? AF_INET : AF_INET6, p, text, sizeof(text));
		buf_puts(c->out, text);
		return;
	case 'w': buf_printf(c->out, "makedev(%#x, %#x)", (u32)v >> 20, (u32)v & 0xfffff); return;
	case 'a': show_sockaddr_bytes(c, p, bytes); return;
	case 't': show_termios(c, p); return;
	case 'h':
		for (u32 i = 0; i < bytes; i++)
			buf_printf(c->out, i ? ":%02x" : "%02x", p[i]);
		return;
	case 'n': show_bytes(c, p, strnlen((const char *)p, bytes), 0, false, bytes); return;
	case 'v':
		buf_printf(c->out, "KERNEL_VERSION(%u, %u, %u)", (u32)v >> 16, (u32)v >> 8 & 0xff,
			   (u32)v & 0xff);
		return;
	default: show_one(c->out, set, v);
	}
}

/* How much of a form stands before its first field's name; how much of its end closes it. */
static size_t opening(const char *form)
{
	size_t n = strcspn(form, "%");

	while (n && form[n - 1] != '{' && form[n - 1] != '[')
		n--;
	return n;
}

static const char *closing(const char *form)
{
	const char *end = form + strlen(form);

	while (end > form && (end[-1] == '}' || end[-1] == ']'))
		end--;
	return end;
}

void show_form_within(struct shown *c, const char *form, const void *from, u64 size)
{
	const char *close = closing(form);
	size_t kept =
		c->out->n + opening(form); /* bytes of the output, when the rest is not there */
	const u8 *p = from;
	char *end;

	for (; *form; form++) {
		char type = form[1];
		const struct flag_set *set = NULL;
		u32 n;

		if (*form != '%') {
			buf_char(c->out, *form);
			continue;
		}
		n = (u32)strtoul(form + 2, &end, 10);
		form = end - 1;
		if (type == '_' || type == '@') {
			p = type == '@' ? (const u8 *)from + n : p + n;
			form = end; /* the ";" */
			continue;
		}
		if (type == 'f' || type == 'o')
			set = set_at(end + 1, &form);
		if ((u64)(p - (const u8 *)from) + n > size) {
			c->out->n = kept;
			buf_puts(c->out, close);
			return;
		}
		show_field(c, type, n, p, set);
		kept = c->out->n;
		p += n;
	}
}

void show_form(struct shown *c, const char *form, const void *p)
{
	show_form_within(c, form, p, UINT64_MAX);
}

void show_more(struct shown *c)
{
	c->out->n--;
	buf_puts(c->out, ", ...}");
}

/* Where the call says how large it is: less than all of it is not shown, more only told. */
void show_record(struct shown *c, const struct arg *a)
{
	u64 size = a->count == COUNT_NONE ? a->kind->bytes : c->args[a->count % MAX_ARGS];
	const void *p = show_memory_if(c, a, size >= a->kind->bytes, a->kind->bytes);

	if (!p)
		return;
	show_form(c, a->kind->form, p);
	if (size > a->kind->bytes)
		show_more(c);
}

void show_records(struct shown *c, const struct arg *a)
{
	u64 n = counted(c, a);
	bool none = !n && ARG(c, a) && (!a->out || (c->done && c->ret >= 0));
	const u8 *p = none ? (const u8 *)"" : show_memory(c, a, n * a->kind->bytes);

	if (!p)
		return;
	buf_char(c->out, '[');
	for (u64 i = 0; i < n; i++) {
		buf_puts(c->out, i ? ", " : "");
		show_form(c, a->kind->form, p + i * a->kind->bytes);
	}
	buf_char(c->out, ']');
}
