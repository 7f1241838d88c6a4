/*
 * type.h: the types of values, shared by all front ends.
 *
 * Small enough to be passed by value. Integers compute in 64 bits: a type narrower than that says
 * what a value was before it was widened, which decides how it is stored and shown. All that is not
 * an integer is "a value in memory": a string, a struct, an array, a tuple or record, or bytes that
 * only user space can read.
 */
#ifndef TYPES_TYPE_H
#define TYPES_TYPE_H

#include "base/buf.h"

enum type_kind {
	TYPE_UNKNOWN, /* not inferred yet */
	TYPE_NONE,    /* no value: statements, actions */
	TYPE_INT,
	TYPE_STR,     /* bytes up to a NUL; size with the NUL */
	TYPE_AGG,     /* an aggregation, only as the value of a map */
	TYPE_ARRAY,   /* count elements of `of`, in memory */
	TYPE_STRUCT,  /* or union, in memory */
	TYPE_SHOWN,   /* bytes in memory that only user space can read: a stack, a symbol, a time */
	TYPE_TUPLE,   /* (a, b): members "0", "1", ... of `fields`, in memory; or a record (x = a) */
};
enum type_space { SPACE_ANY, SPACE_USER, SPACE_KERNEL };

#define TYPE_BY_ID 0x80 /* in mode: not the value is there, but what it is kept under */

struct type {
	u8 kind;
	u8 is_signed;  /* INT */
	u8 is_pointer; /* INT: an address, in `space` */
	u8 space;
	u8 is_char;    /* INT: of a string, when it stands in an array */
	u8 is_literal; /* INT: takes the sign of what it meets */
	u8 is_bool;    /* INT: true or false, in one byte */
	u8 agg;	       /* AGG: enum agg of object.h */
	u8 show;       /* SHOWN: enum field_kind of object.h */
	u8 mode;       /* SHOWN: struct field.mode, TYPE_BY_ID */
	u32 size;      /* bytes */
	u32 count;     /* ARRAY */
	const char *text; /* SHOWN: struct field.text */
	const struct type *of;	       /* pointer: what it points to, NULL: unknown; ARRAY: element */
	const struct aggregate *fields; /* STRUCT, TUPLE */
	const struct enumeration *names; /* INT: of an enum, or NULL */
};

/* The names of an enum's values. */
struct enumeration {
	const char *name; /* "" */
	const char *text; /* "3 NAME\n" for each */
};

/* A struct or union: of the kernel's BTF, or declared in the source. */
struct aggregate {
	const char *name; /* "task_struct"; "" */
	bool is_union;
	bool is_record; /* of a TUPLE: its members have names */
	u32 align;	/* that its declaration asks for; 0: as its members need it */
	u32 size;
	u32 n;
	struct member {
		const char *name; /* "": anonymous struct or union, whose members count as ours */
		struct type type;
		u32 bit_off;
		u32 bits; /* of a bitfield; 0: none */
	} *members; /* NULL until all are asked for: see ctype_members() of script/ctype.h */
	struct found_member *found; /* those that were asked for by name before that */
	u32 btf;    /* id in the target's BTF, 0: declared in the source */
	const struct debug_place *debug; /* of a program: script/debug.c; or NULL */
};

#define TYPE_S64  ((struct type){.kind = TYPE_INT, .is_signed = 1, .size = 8})
#define TYPE_U64  ((struct type){.kind = TYPE_INT, .size = 8})
#define TYPE_S32  ((struct type){.kind = TYPE_INT, .is_signed = 1, .size = 4})
#define TYPE_U32  ((struct type){.kind = TYPE_INT, .size = 4})
/* A constant: of the sign of what it meets. */
#define TYPE_NUMBER \
	((struct type){.kind = TYPE_INT, .is_signed = 1, .is_literal = 1, .size = 8})
#define TYPE_BOOL ((struct type){.kind = TYPE_INT, .is_bool = 1, .size = 1})
#define TYPE_VOID ((struct type){.kind = TYPE_NONE})
#define TYPE_SHOWN_OF(what, n) ((struct type){.kind = TYPE_SHOWN, .show = (what), .size = (n)})
#define TYPE_STR_OF(n) ((struct type){.kind = TYPE_STR, .size = (n)})

struct type type_str(u32 size);
/* Values that live in memory and are written to where they are wanted, not in registers. */
static inline bool type_in_memory(struct type t)
{
	return t.kind == TYPE_STR || t.kind == TYPE_SHOWN || t.kind == TYPE_ARRAY ||
	       t.kind == TYPE_STRUCT || t.kind == TYPE_TUPLE;
}
/* Bytes that it takes in a key, a tuple, a variable or a record: whole words. */
static inline u32 type_room(struct type t)
{
	return t.kind == TYPE_INT ? 8 : ALIGN_UP(t.size, 8);
}
/* What a pointer points to, or an element: of a struct that was declared behind the pointer, its size
 * is known by now. */
static inline struct type type_pointed(struct type t)
{
	struct type of = t.of ? *t.of : (struct type){0};

	of.size = of.kind == TYPE_STRUCT ? of.fields->size : of.size;
	return of;
}
/* An integer that is nothing else: no pointer, no bool, no value of an enum. */
static inline bool type_is_number(struct type t)
{
	return t.kind == TYPE_INT && !t.is_pointer && !t.is_bool && !t.names;
}
/* C's usual arithmetic conversions with an int of 64 bits: unsigned wins at equal width. */
struct type type_arith(struct type a, struct type b);
bool type_same(struct type a, struct type b);
bool type_has_ids(struct type); /* a stack by its id, or a tuple with one */
/* A tuple of n parts, which are then added from the first to the last. A record: their names are to
 * be set. */
struct type type_tuple(struct arena *, u32 n, struct aggregate **parts);
void type_tuple_part(struct type *, struct aggregate *parts, u32 i, struct type part);
/* What a variable must be to hold both; kind UNKNOWN when nothing fits. */
struct type type_join(struct arena *, struct type a, struct type b);
/* "int64", "string[16]", "count" */
const char *type_name(struct type, char *out, size_t size);
/* the same with its article: "an int64", "a string[16]" */
const char *type_phrase(struct type, char *out, size_t size);
#define TYPE_A(t) type_phrase((t), (char[136]){0}, 136)
#define TYPE_NAME(t) type_name((t), (char[128]){0}, 128)

#endif
