/*
 * show_record.c: structures that are nothing but fields.
 *
 * In:  the bytes of one, and its row in records.def. Out: the row with its fields in place.
 */
#include "strace/strace.h"

#include <stdlib.h>

/* "set;": from its first letter on to the end of the name. */
static const struct flag_set *set_at(const char *form, const char **end)
{
	size_t n = strcspn(form, ";");

	*end = form + n;
	return strace_set(form, n);
}

static void show_field(struct shown *c, char type, u32 bytes, u64 v, const struct flag_set *set)
{
	u32 shift = 64 - 8 * bytes;

	switch (type) {
	case 'd': buf_s64(c->out, (s64)(v << shift) >> shift); return;
	case 'u': buf_u64(c->out, v); return;
	case 'x': show_hex(c->out, v); return;
	case 'p': show_address(c->out, v); return;
	case 'm': buf_printf(c->out, "%#03o", (u32)v); return;
	case 'i': show_interface(c->out, (u32)v); return;
	case 's': show_signal(c->out, (int)v); return;
	case 'f': show_flags(c->out, set, v); return;
	default: show_one(c->out, set, v);
	}
}

void show_form(struct shown *c, const char *form, const void *from)
{
	const u8 *p = from;
	char *end;

	for (; *form; form++) {
		char type = form[1];
		const struct flag_set *set = NULL;
		u64 v = 0;
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
		memcpy(&v, p, MIN(n, sizeof(v)));
		show_field(c, type, n, v, set);
		p += n;
	}
}

/* Where the call says how large it is: less than all of it is not shown, more only told. */
void show_record(struct shown *c, const struct arg *a)
{
	u64 size = a->count == COUNT_NONE ? a->kind->bytes : c->args[a->count % MAX_ARGS];
	const void *p = size < a->kind->bytes ? (show_address(c->out, ARG(c, a)), NULL)
					      : show_memory(c, a, a->kind->bytes);

	if (!p)
		return;
	show_form(c, a->kind->form, p);
	if (size > a->kind->bytes) {
		c->out->n--; /* the brace */
		buf_puts(c->out, ", ...}");
	}
}

void show_records(struct shown *c, const struct arg *a)
{
	u64 n = counted(c, a);
	const u8 *p = n || !ARG(c, a) ? show_memory(c, a, n * a->kind->bytes) : (const u8 *)"";

	if (!p)
		return;
	buf_char(c->out, '[');
	for (u64 i = 0; i < n; i++) {
		buf_puts(c->out, i ? ", " : "");
		show_form(c, a->kind->form, p + i * a->kind->bytes);
	}
	buf_char(c->out, ']');
}
