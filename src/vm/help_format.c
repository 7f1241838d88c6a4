/*
 * help_format.c: helpers that write texts by a format, with the kernel's rules.
 *
 * In:  a format with at most 12 values. Out: the text; or the error that the kernel has for a
 * format that it does not take (kernel/bpf/helpers.c, bpf_bprintf_prepare()): only ASCII; flags
 * "0+- " and a width; d i u x X with l and ll, c, s, and p with K x s S B (an address), i4 I4 i6 I6
 * (IP addresses in memory), ks us (texts in memory of the program, of the task).
 */
#include <ctype.h>
#include <stdio.h>

#include "vm/help.h"

#define VALUES_MAX 12
#define FORMAT_MAX 1024u /* of trace_printk */
#define TEXT_MAX   1024  /* of trace_printk, and of one text within a text */

struct out {
	char *p;
	u64 size, n; /* n counts on when there is no room */
};
struct format {
	struct vm_run *run;
	struct out *out;
	const u64 *values;
	u32 nvalues, at;
	const char *f; /* what comes next */
	bool left, zero, plus, space;
	u32 width;
};

static void put(struct out *o, char c)
{
	if (o->n < o->size)
		o->p[o->n] = c;
	o->n++;
}

static void put_padded(struct format *f, const char *text, u32 n)
{
	for (u32 i = n; !f->left && i < f->width; i++)
		put(f->out, ' ');
	for (u32 i = 0; i < n; i++)
		put(f->out, text[i]);
	for (u32 i = n; f->left && i < f->width; i++)
		put(f->out, ' ');
}

static bool ends(char c)
{
	return !c || isspace((unsigned char)c) || ispunct((unsigned char)c);
}

/* An integer: its sign and digits, zeroes between them. */
static void put_number(struct format *f, u64 value, char how, bool negative)
{
	char digits[24], text[TEXT_MAX];
	const char *sign = negative ? "-" : f->plus ? "+" : f->space ? " " : "";
	bool is_signed = how == 'd' || how == 'i';
	u32 n, zeroes, s = is_signed ? (u32)strlen(sign) : 0, width = MIN(f->width, TEXT_MAX - 1u);

	n = (u32)snprintf(digits, sizeof(digits),
			  how == 'x'   ? "%lx"
			  : how == 'X' ? "%lX"
				       : "%lu",
			  (unsigned long)value);
	zeroes = f->zero && !f->left && width > n + s ? width - n - s : 0;
	for (u32 i = 0; i < s; i++)
		text[i] = sign[i];
	memset(text + s, '0', zeroes);
	memcpy(text + s + zeroes, digits, n);
	put_padded(f, text, s + zeroes + n);
}

/* %d and its like; the next character is the first of l, ll or the kind itself. */
static int integer(struct format *f)
{
	bool wide = *f->f == 'l';
	u64 value;
	char how;

	f->f += wide;
	f->f += wide && *f->f == 'l';
	how = *f->f;
	if (!how || !strchr("diuxX", how))
		return -EINVAL;
	f->f++;
	value = f->values[f->at++];
	if (how == 'd' || how == 'i') {
		s64 number = wide ? (s64)value : (s32)value;

		put_number(f, number < 0 ? -(u64)number : (u64)number, how, number < 0);
	} else {
		put_number(f, wide ? value : (u32)value, how, false);
	}
	return 0;
}

static int text(struct format *f, bool user)
{
	char room[TEXT_MAX];
	s64 n;

	if (!ends(*f->f))
		return -EINVAL;
	n = help_read_text(f->run, room, sizeof(room), f->values[f->at++], user);
	put_padded(f, room, n > 0 ? (u32)n - 1 : 0);
	return 0;
}

/* In the kernel the width of an address does not count. */
static int ip_address(struct format *f)
{
	bool small = f->f[0] == 'i', four = f->f[1] == '4';
	u32 size = four ? 4 : 16, step = four ? 1 : 2;
	u8 a[16];
	char part[8];

	if ((f->f[0] != 'i' && f->f[0] != 'I') || (f->f[1] != '4' && f->f[1] != '6'))
		return -EINVAL;
	f->f += 2;
	if (help_read_own(f->run, a, size, f->values[f->at++]))
		memset(a, 0, sizeof(a));
	for (u32 i = 0; i < size; i += step) {
		if (i && (four || !small))
			put(f->out, four ? '.' : ':');
		if (four)
			snprintf(part, sizeof(part), small ? "%03u" : "%u", a[i]);
		else
			snprintf(part, sizeof(part), "%02x%02x", a[i], a[i + 1]);
		for (const char *p = part; *p; p++)
			put(f->out, *p);
	}
	return 0;
}

static int address(struct format *f)
{
	char kind = *f->f;
	char room[24];

	if ((kind == 'k' || kind == 'u') && f->f[1] == 's') {
		f->f += 2;
		return text(f, kind == 'u');
	}
	if (!ends(kind) && !strchr("KxsSB", kind))
		return ip_address(f);
	f->f += !ends(kind);
	if (kind == 's' || kind == 'S' || kind == 'B') { /* a symbol that nobody knows here */
		snprintf(room, sizeof(room), "0x%lx", (unsigned long)f->values[f->at++]);
		put_padded(f, room, (u32)strlen(room));
		return 0;
	}
	if (!f->width) {
		f->width = 16;
		f->zero = true;
	}
	put_number(f, f->values[f->at++], 'x', false);
	return 0;
}

static int value(struct format *f)
{
	f->left = f->zero = f->plus = f->space = false;
	f->width = 0;
	for (; *f->f && strchr("0+- ", *f->f); f->f++) {
		f->zero |= *f->f == '0';
		f->plus |= *f->f == '+';
		f->left |= *f->f == '-';
		f->space |= *f->f == ' ';
	}
	for (; isdigit((unsigned char)*f->f); f->f++)
		f->width = MIN(f->width * 10 + (u32)(*f->f - '0'), 65535u);
	switch (*f->f) {
	case 'p': {
		int err;

		f->f++;
		err = address(f);
		while (isalnum(
			(unsigned char)*f->f)) /* the kernel takes them for more of the kind */
			f->f++;
		return err;
	}
	case 's': f->f++; return text(f, false);
	case 'c': {
		char c = (char)f->values[f->at++];

		f->f++;
		put_padded(f, &c, 1);
		return 0;
	}
	}
	return integer(f);
}

/* The text's length without its 0, or -errno. */
static s64 print(struct vm_run *run, struct out *out, const char *format, const u64 *values, u32 n)
{
	struct format f = {.run = run, .out = out, .values = values, .nvalues = n, .f = format};
	int err = 0;

	for (const char *p = format; *p; p++)
		if (!(*p & 0x80) && !isprint((unsigned char)*p) && !isspace((unsigned char)*p))
			return -EINVAL;
	while (*f.f && !err) {
		if (*f.f != '%') {
			put(out, *f.f++);
			continue;
		}
		if (f.f[1] == '%') {
			put(out, '%');
			f.f += 2;
			continue;
		}
		f.f++;
		err = f.at < f.nvalues ? value(&f) : -EINVAL;
	}
	if (err)
		return err;
	if (out->size)
		out->p[MIN(out->n, out->size - 1)] = 0;
	return (s64)out->n;
}

static bool bad_values(u64 data, u32 size)
{
	return size % 8 || size > VALUES_MAX * 8 || (size && !data);
}

HELPER_FN(help_snprintf)
{
	struct out out = {pointer(a), (u32)b, 0};
	u64 values[VALUES_MAX];
	s64 n;

	if (bad_values(d, (u32)e))
		return (u64)-EINVAL;
	copy_bytes(values, pointer(d), (u32)e);
	n = print(run, &out, pointer(c), values, (u32)e / 8);
	return n < 0 ? (u64)n : (u64)n + 1;
}

/* The format ends within its size, and what it writes goes to the host. */
static u64 trace(struct vm_run *run, u64 format, u32 size, const u64 *values, u32 n)
{
	char room[TEXT_MAX], copy[FORMAT_MAX];
	struct out out = {room, sizeof(room), 0};
	s64 length;

	/* a copy: it may be in memory that others write to meanwhile */
	size = MIN(size, FORMAT_MAX);
	memcpy(copy, pointer(format), size);
	if (!memchr(copy, 0, size))
		return (u64)-EINVAL;
	length = print(run, &out, copy, values, n);
	if (length < 0)
		return (u64)length;
	length = MIN(length, TEXT_MAX - 1);
	if (run->host->printk)
		run->host->printk(run, room, (size_t)length);
	return (u64)length;
}

HELPER_FN(help_trace_printk)
{
	u64 values[3] = {c, d, e};

	return trace(run, a, (u32)b, values, 3);
}

HELPER_FN(help_trace_vprintk)
{
	u64 values[VALUES_MAX];

	(void)e;
	if (bad_values(c, (u32)d))
		return (u64)-EINVAL;
	copy_bytes(values, pointer(c), (u32)d);
	return trace(run, a, (u32)b, values, (u32)d / 8);
}
