/*
 * format.c: printf over typed fields; see format.h.
 *
 * The frequent steps (plain text, decimal numbers with or without a width, strings) have cases of
 * their own in format_run(); every other conversion of a number goes through put_int(), which
 * follows the C standard's rules for flags, width and precision.
 */
#include "sink/format.h"
#include "sink/value.h"

#include <errno.h>

enum step_op {
	STEP_TEXT,
	STEP_DEC, /* decimal, spaces before it up to width */
	STEP_INT, /* any conversion of an integer */
	STEP_CHAR,
	STEP_STR,   /* a string field */
	STEP_BYTES, /* %r, %rx, %rh */
	STEP_BUF,   /* the same of a buffer */
	STEP_GFP,   /* %gr */
	STEP_VALUE, /* any field as text */
};
enum step_flag { LEFT = 1, ZERO = 2, PLUS = 4, SPACE = 8, ALT = 16 };

struct step {
	u8 op, flags;
	char conv;     /* d u x X o p, s, r */
	u8 bits;       /* of an integer: 8, 16, 32, 64 */
	u8 style;      /* of bytes */
	int precision; /* -1: none */
	u32 width, len;
	const char *text;
	const struct field *field;
	struct field as; /* *field, or the first bytes of it */
};

/* ---- running */

/* The digits of v, written so that they end at `end`; returns their start. */
static char *digits_back(char *end, u64 v, char conv)
{
	const char *set = conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	u32 shift = conv == 'o' ? 3 : 4;

	if (conv == 'd' || conv == 'u') {
		u32 n = put_digits(v);

		put_u64(end - n, v);
		return end - n;
	}
	do
		*--end = set[v & ((1u << shift) - 1)];
	while (v >>= shift);
	return end;
}

static u64 narrow(u64 v, u32 bits, bool sign)
{
	u32 shift = 64 - bits;

	return sign ? (u64)((s64)(v << shift) >> shift) : v << shift >> shift;
}

/* C11 7.21.6.1: sign or 0x, then zeroes up to the precision or the width, then digits. */
static char *put_int(char *p, const struct step *s, u64 v)
{
	char digits[24], *end = digits + sizeof(digits), *d;
	bool sign = s->conv == 'd', minus;
	char prefix[2];
	u32 nprefix = 0, n, zeroes, pad;

	v = narrow(v, s->bits, sign);
	minus = sign && (s64)v < 0;
	d = digits_back(end, minus ? -v : v, s->conv == 'p' ? 'x' : s->conv);
	n = v || s->precision ? (u32)(end - d) : 0;
	if (sign && (minus || s->flags & (PLUS | SPACE)))
		prefix[nprefix++] = minus ? '-' : s->flags & PLUS ? '+' : ' ';
	if (s->conv == 'p' || ((s->conv == 'x' || s->conv == 'X') && s->flags & ALT && v)) {
		prefix[nprefix++] = '0';
		prefix[nprefix++] = s->conv == 'X' ? 'X' : 'x';
	}
	zeroes = s->precision > (int)n ? (u32)s->precision - n : 0;
	if (s->conv == 'o' && s->flags & ALT && !zeroes && (v || !n))
		zeroes = 1;
	pad = s->width > nprefix + zeroes + n ? s->width - nprefix - zeroes - n : 0;
	if (s->flags & ZERO && !(s->flags & LEFT) && s->precision < 0) {
		zeroes += pad;
		pad = 0;
	}
	if (!(s->flags & LEFT))
		p = put_fill(p, ' ', pad);
	p = put_copy(p, prefix, nprefix);
	p = put_fill(p, '0', zeroes);
	p = put_copy(p, end - n, n);
	return s->flags & LEFT ? put_fill(p, ' ', pad) : p;
}

static char *put_dec(char *p, const struct step *s, u64 v)
{
	bool minus;
	u32 n;

	if (s->bits == 32) /* what is smaller was extended by field_load() */
		v = narrow(v, 32, s->conv == 'd');
	minus = s->conv == 'd' && (s64)v < 0;
	v = minus ? -v : v;
	n = put_digits(v) + minus;
	if (s->width > n)
		p = put_fill(p, ' ', s->width - n);
	if (minus)
		*p++ = '-';
	return put_u64(p, v);
}

/* Brings what was written at [start, end) to the width. */
static char *put_width(char *start, char *end, u32 columns, const struct step *s)
{
	u32 pad = s->width > columns ? s->width - columns : 0;

	if (!pad)
		return end;
	if (s->flags & LEFT)
		return put_fill(end, ' ', pad);
	memmove(start + pad, start, (size_t)(end - start));
	put_fill(start, ' ', pad);
	return end + pad;
}

static char *put_pointer(char *p, const struct step *s, u64 v)
{
	return v ? put_int(p, s, v) : put_width(p, put_copy(p, "(nil)", 5), 5, s);
}

char *format_run(const struct format *f, char *p, const u8 *data)
{
	const u8 *bytes;
	u32 columns;
	char *end;

	for (const struct step *s = f->steps; s < f->steps + f->n; s++) {
		switch (s->op) {
		case STEP_TEXT: p = put_copy(p, s->text, s->len); continue;
		case STEP_DEC: p = put_dec(p, s, field_load(&s->as, data)); continue;
		case STEP_INT:
			if (s->conv == 'p')
				p = put_pointer(p, s, field_load(&s->as, data));
			else
				p = put_int(p, s, field_load(&s->as, data));
			continue;
		case STEP_CHAR:
			*p = (char)field_load(&s->as, data);
			end = p + 1;
			break;
		case STEP_GFP: end = put_gfp(p, field_load(&s->as, data)); break;
		case STEP_STR: end = field_text(p, f->show, &s->as, data); break;
		case STEP_BYTES: end = put_raw(p, data + s->as.off, s->as.size, s->style); break;
		case STEP_BUF:
			bytes = buffer_bytes(&s->as, data, &columns);
			end = put_raw(p, bytes, columns, s->style);
			break;
		default:
			end = field_text(p, f->show, &s->as, data);
			if (s->precision >= 0 && end - p > s->precision)
				end = p + s->precision;
		}
		p = put_width(p, end, (u32)(end - p), s);
	}
	return p;
}

/* ---- compiling */

/* The list grows by doubling; a format has few steps. */
static struct step *step_add(struct format *f, struct arena *a, u8 op)
{
	struct step *s;

	if (!(f->n & (f->n - 1)))
		f->steps =
			arena_grow(a, f->steps, f->n * sizeof(*s), MAX(f->n * 2, 1) * sizeof(*s));
	s = &f->steps[f->n++];
	*s = (struct step){.op = op, .precision = -1};
	return s;
}

void format_text(struct format *f, struct arena *a, const char *text, u32 len)
{
	struct step *s;

	if (!len)
		return;
	s = step_add(f, a, STEP_TEXT);
	s->text = text;
	s->len = len;
	f->most += len;
}

void format_value(struct format *f, struct arena *a, const struct field *field)
{
	struct step *s = step_add(f, a, STEP_VALUE);

	s->field = field;
	s->as = *field;
	f->most += field_text_most(field);
}

struct parse {
	const char *start, *p;
	struct diag *diag;
};

static int bad(const struct parse *ps, const char *hint, const char *what)
{
	return diag_fail(ps->diag, -EINVAL, hint, "printf: %s at '%.*s'", what,
			 (int)MIN(strlen(ps->start), 16), ps->start);
}

static int parse_number(struct parse *ps, u32 *n)
{
	for (*n = 0; *ps->p >= '0' && *ps->p <= '9'; ps->p++) {
		*n = *n * 10 + (u32)(*ps->p - '0');
		if (*n > FORMAT_WIDTH_MOST)
			return bad(ps, "the most is 4096", "width or precision too large");
	}
	return 0;
}

static int parse_flags(struct parse *ps, struct step *s)
{
	static const char names[] = "-0+ #";
	const char *at;
	u32 n;

	for (; *ps->p && (at = strchr(names, *ps->p)); ps->p++)
		s->flags |= (u8)(1u << (at - names));
	if (*ps->p == '*')
		return bad(ps, "write the number into the format", "'*' cannot be used");
	if (parse_number(ps, &s->width))
		return -EINVAL;
	if (*ps->p == '.') {
		ps->p++;
		if (parse_number(ps, &n))
			return -EINVAL;
		s->precision = (int)n;
	}
	return 0;
}

/* The width in bits that a length asks for; 0: none was given. */
static u8 parse_length(struct parse *ps)
{
	static const struct {
		char text[3];
		u8 bits;
	} lengths[] = {{"hh", 8}, {"h", 16}, {"ll", 64}, {"l", 64},
		       {"j", 64}, {"z", 64}, {"t", 64}};

	for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t n = strlen(lengths[i].text);

		if (!strncmp(ps->p, lengths[i].text, n)) {
			ps->p += n;
			return lengths[i].bits;
		}
	}
	return 0;
}

static int convert_int(struct parse *ps, struct step *s, u8 bits)
{
	if (!field_is_int(s->field))
		return bad(ps, "use %s", "a number is needed");
	s->op = STEP_INT;
	if (s->conv == 'i')
		s->conv = 'd';
	s->bits = s->conv == 'p' ? 64 : bits ? bits : s->field->size == 8 ? 64 : 32;
	if ((s->conv == 'd' || s->conv == 'u') && s->precision < 0 && !s->flags && s->bits >= 32)
		s->op = STEP_DEC;
	return 0;
}

static int convert(struct parse *ps, struct step *s)
{
	u8 bits = parse_length(ps);

	s->conv = *ps->p++;
	switch (s->conv) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
	case 'p': return convert_int(ps, s, bits);
	case 'c':
		if (!field_is_int(s->field))
			return bad(ps, "use %s", "a number is needed");
		s->op = STEP_CHAR;
		return 0;
	case 'g': /* gr */
		if (*ps->p != 'r' || !field_is_int(s->field))
			return bad(ps, "use %gr", "flags of an allocation are needed");
		ps->p++;
		s->op = STEP_GFP;
		return 0;
	case 's':
		s->op = s->field->kind == FIELD_STR ? STEP_STR : STEP_VALUE;
		if (s->op == STEP_STR && s->precision >= 0) {
			s->as.size = MIN(s->as.size, (u32)s->precision);
			s->as.text = NULL;
		}
		return 0;
	case 'r':
		if (s->field->kind != FIELD_BYTES && s->field->kind != FIELD_STR &&
		    s->field->kind != FIELD_BUF)
			return bad(ps, "use buf()", "bytes are needed");
		s->op = s->field->kind == FIELD_BUF ? STEP_BUF : STEP_BYTES;
		if (*ps->p == 'x' || *ps->p == 'h')
			s->style = *ps->p++ == 'x' ? 1 : 2;
		return 0;
	default: return bad(ps, "%% prints a percent sign", "not a conversion");
	}
}

/* What a step writes at most. */
static u32 step_most(const struct step *s)
{
	u32 n;

	switch (s->op) {
	case STEP_STR:
	case STEP_BYTES:
	case STEP_BUF:
	case STEP_VALUE: n = field_text_most(&s->as) + s->as.size * 4; break;
	case STEP_GFP: n = GFP_MOST; break;
	default: n = 26 + (u32)MAX(s->precision, 0); break; /* 0x and 22 octal digits */
	}
	return MAX(n, s->width) + 8;
}

int format_compile(struct format *f, struct arena *a, const char *text, const struct layout *l,
		   struct diag *diag)
{
	struct parse ps = {.p = text, .diag = diag};
	u32 arg = 0;

	*f = (struct format){0};
	while (*ps.p) {
		size_t plain = strcspn(ps.p, "%");
		struct step *s;

		format_text(f, a, ps.p, (u32)plain);
		ps.p += plain;
		if (!*ps.p)
			break;
		ps.start = ps.p++;
		if (*ps.p == '%') {
			format_text(f, a, ps.p++, 1);
			continue;
		}
		s = step_add(f, a, STEP_VALUE);
		if (arg == l->n)
			return bad(&ps, "add an argument", "no argument is left");
		s->field = &l->fields[arg++];
		s->as = *s->field;
		if (parse_flags(&ps, s) || convert(&ps, s))
			return -EINVAL;
		f->most += step_most(s);
	}
	return 0;
}
