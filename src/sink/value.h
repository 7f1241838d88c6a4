/*
 * value.h: one field of a record, a key or a value: checked, loaded, compared, written.
 *
 * `data` is always the start of the payload that the field's offset counts from; for the fields of
 * a tuple it is the start of the tuple.
 */
#ifndef SINK_VALUE_H
#define SINK_VALUE_H

#include "object/object.h"
#include "sink/put.h"
#include "symbol/symbol.h"

/* What some kinds of fields need to be shown. NULL, or zeroes: addresses and times as numbers. */
struct show {
	struct symbols *symbols;
	s64 wall_ns[3]; /* CLOCK_REALTIME less the clock, by enum time_mode */
	u8 indent;	/* columns before each frame of a stack; 0: 8 */
};

/* Is everything of the layout inside of its size (at most 16 MiB, 4096 fields that do not overlap
 * but in structs), does each kind have a size that it may have, and is all of it less than 256 MiB
 * as text? Else -EINVAL. Everything below relies on it. */
int layout_check(const struct layout *, u32 size);

static inline bool field_is_int(const struct field *f)
{
	return f->kind == FIELD_UINT || f->kind == FIELD_INT;
}

/* The bits of a bitfield, extended by its own sign. */
static inline u64 field_load_bits(const struct field *f, const u8 *data)
{
	u64 v = 0;

	memcpy(&v, data, f->size);
	v = v << (64 - f->bit - f->bits);
	return f->kind == FIELD_INT ? (u64)((s64)v >> (64 - f->bits)) : v >> (64 - f->bits);
}

/* An integer, extended to 64 bits by its own sign. */
static inline u64 field_load(const struct field *f, const u8 *data)
{
	bool sign = f->kind == FIELD_INT;
	u64 v64;
	u32 v32;
	u16 v16;

	data += f->off;
	if (f->bits)
		return field_load_bits(f, data);
	switch (f->size) {
	case 8: memcpy(&v64, data, 8); return v64;
	case 4: memcpy(&v32, data, 4); return sign ? (u64)(s64)(s32)v32 : v32;
	case 2: memcpy(&v16, data, 2); return sign ? (u64)(s64)(s16)v16 : v16;
	default: return sign ? (u64)(s64)(s8)*data : *data;
	}
}

/* As text: 12, -3, 0x1f (UNIT_HEX), true, NAME, abc, \x01b, (1, abc), { .a = 1 }, [1,2]. */
u32 field_text_most(const struct field *); /* bytes it takes at most */
char *field_text(char *p, const struct show *, const struct field *, const u8 *data);
/* The fields of a layout, joined by `between` (", "). */
u32 layout_text_most(const struct layout *);
char *layout_text(char *p, const struct show *, const struct layout *, const u8 *data,
		  const char *between);

/* As a JSON value: 12, true, "abc", [1,"abc"], {"a":1}. Bytes are a string in the form of text. */
u32 field_json_most(const struct field *);
char *field_json(char *p, const struct show *, const struct field *, const u8 *data);
/* A stack as a list of frames; in no more room than the former. */
char *stack_json(char *p, const struct show *, const struct field *, const u8 *data);

/* The name of an enum's value; NULL: it has none. */
const char *enum_name(const struct field *, s64 value, size_t *len);

/* What a number of that name counts: "us", "lat_us", "usecs"; NULL: it does not say. *stem: bytes
 * without the ending. */
const char *unit_of_name(const char *name, size_t *stem);

/* <0, 0, >0: integers by value, strings as strcmp, tuples and structs field by field. */
int field_compare(const struct field *, const u8 *a, const u8 *b);
int layout_compare(const struct layout *, const u8 *a, const u8 *b);

/* ---- kinds that only user space can read (shown.c): FIELD_BUF and all behind it. As above; in
 * JSON they are strings. */
u32 shown_text_most(const struct field *);
char *shown_text(char *p, const struct show *, const struct field *, const u8 *data);
/* The bytes of a FIELD_BUF. */
/* gfp.c: the flags of an allocation of the kernel; at most GFP_MOST bytes. */
#define GFP_MOST 512
char *put_gfp(char *, u64 flags);
const u8 *buffer_bytes(const struct field *, const u8 *data, u32 *n);
/* strftime(3) with %f of a time since 1970; at most TIME_TEXT_MOST bytes. */
#define TIME_TEXT_MOST 256
char *put_time(char *p, const char *format, s64 wall_ns);

#endif
