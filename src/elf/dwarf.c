/*
 * dwarf.c: reads entries of .debug_info; see dwarf.h.
 *
 * An entry is a number of an abbreviation, which says its tag and the forms of its values, and the
 * values. Units are looked up by walking over their heads; abbreviations by walking over their
 * table, with the last ones remembered in a small cache, as entries of a kind come together.
 */
#include "elf/cursor.h"
#include "elf/debug.h"

#define NESTED_MOST  64
#define ORIGINS_MOST 8

enum {
	AT_NAME = 0x03,
	AT_BYTE_SIZE = 0x0b,
	AT_BIT_OFFSET = 0x0c,
	AT_BIT_SIZE = 0x0d,
	AT_LOW_PC = 0x11,
	AT_CONST_VALUE = 0x1c,
	AT_UPPER_BOUND = 0x2f,
	AT_ABSTRACT_ORIGIN = 0x31,
	AT_COUNT = 0x37,
	AT_MEMBER_LOCATION = 0x38,
	AT_DECLARATION = 0x3c,
	AT_ENCODING = 0x3e,
	AT_EXTERNAL = 0x3f,
	AT_SPECIFICATION = 0x47,
	AT_TYPE = 0x49,
	AT_SIGNATURE = 0x69,
	AT_DATA_BIT_OFFSET = 0x6b,
	AT_STR_OFFSETS_BASE = 0x72,
	AT_ADDR_BASE = 0x73
};

enum {
	FORM_ADDR = 0x01,
	FORM_BLOCK2 = 0x03,
	FORM_BLOCK4 = 0x04,
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_DATA1 = 0x0b,
	FORM_FLAG = 0x0c,
	FORM_SDATA = 0x0d,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_REF_ADDR = 0x10,
	FORM_REF1 = 0x11,
	FORM_REF2 = 0x12,
	FORM_REF4 = 0x13,
	FORM_REF8 = 0x14,
	FORM_REF_UDATA = 0x15,
	FORM_INDIRECT = 0x16,
	FORM_SEC_OFFSET = 0x17,
	FORM_EXPRLOC = 0x18,
	FORM_FLAG_PRESENT = 0x19,
	FORM_STRX = 0x1a,
	FORM_ADDRX = 0x1b,
	FORM_REF_SUP4 = 0x1c,
	FORM_STRP_SUP = 0x1d,
	FORM_DATA16 = 0x1e,
	FORM_LINE_STRP = 0x1f,
	FORM_REF_SIG8 = 0x20,
	FORM_IMPLICIT_CONST = 0x21,
	FORM_LOCLISTX = 0x22,
	FORM_RNGLISTX = 0x23,
	FORM_REF_SUP8 = 0x24,
	FORM_STRX1 = 0x25,
	FORM_STRX2 = 0x26,
	FORM_STRX3 = 0x27,
	FORM_STRX4 = 0x28,
	FORM_ADDRX1 = 0x29,
	FORM_ADDRX2 = 0x2a,
	FORM_ADDRX3 = 0x2b,
	FORM_ADDRX4 = 0x2c,
	FORM_GNU_REF_ALT = 0x1f20,
	FORM_GNU_STRP_ALT = 0x1f21
};

static const char *string_at(const struct dwarf_section *s, u64 at)
{
	return at < s->n && memchr(s->p + at, 0, s->n - at) ? (const char *)s->p + at : "";
}

/* ---- units */

struct unit {
	u64 at, first, end; /* its head, its first entry, behind it */
	u64 abbrevs, str_base, addr_base;
	u64 signature, type; /* of types: what refers to it, and its entry */
	u32 version, address_size, offset_size;
};

/* The head of the unit at `at`. False: there is none, or it is of a version that is not known. */
static bool unit_head(const struct dwarf *d, u64 at, struct unit *u)
{
	struct cursor c = {&d->info, at, false};
	u64 size = cursor_get(&c, 4);
	u32 kind = 1;

	*u = (struct unit){.at = at, .offset_size = 4};
	if (size == 0xffffffff) {
		size = cursor_get(&c, 8);
		u->offset_size = 8;
	}
	if (c.bad || size > d->info.n - c.at)
		return false;
	u->end = c.at + size;
	u->version = (u32)cursor_get(&c, 2);
	if (u->version >= 5)
		kind = (u32)cursor_get(&c, 1);
	else
		u->abbrevs = cursor_get(&c, u->offset_size);
	u->address_size = (u32)cursor_get(&c, 1);
	if (u->version >= 5)
		u->abbrevs = cursor_get(&c, u->offset_size);
	if (kind == 2 || kind == 6 || at >= d->types_at) { /* types: their signature and offset */
		u->signature = cursor_get(&c, 8);
		u->type = at + cursor_get(&c, u->offset_size);
	} else if (kind == 4 || kind == 5) { /* skeletons of split files */
		cursor_skip(&c, 8);
	}
	u->first = c.at;
	/* where a unit does not say, its strings and addresses are the first ones behind the head
	 */
	u->str_base = u->offset_size == 4 ? 8 : 16;
	u->addr_base = u->str_base;
	return !c.bad && u->first <= u->end && u->version >= 2 && u->version <= 5;
}

static bool unit_open(const struct dwarf *, u64 at, struct unit *);

/* The unit that holds an offset. */
static bool unit_of(const struct dwarf *d, u64 offset, struct unit *u)
{
	u64 at = 0;

	while (at < d->info.n) {
		struct cursor c = {&d->info, at, false};
		u64 size = cursor_get(&c, 4);

		if (size == 0xffffffff)
			size = cursor_get(&c, 8);
		if (c.bad || size > d->info.n - c.at)
			return false;
		if (offset < c.at + size)
			return unit_open(d, at, u);
		at = c.at + size;
	}
	return false;
}

/* ---- values */

struct value {
	u64 n;
	const char *text; /* or NULL */
	bool is_ref;
};

static u64 from_table(const struct dwarf_section *s, u64 base, u64 index, u32 size)
{
	struct cursor c = {s, base + index * size, index > s->n};

	return cursor_get(&c, size);
}

static const char *indexed_string(const struct dwarf *d, const struct unit *u, u64 index)
{
	return string_at(&d->str, from_table(&d->offsets, u->str_base, index, u->offset_size));
}

static struct value text_value(const char *text)
{
	return (struct value){0, text, false};
}

static struct value ref_value(const struct unit *u, u64 n)
{
	return (struct value){u->at + n, NULL, true};
}

static struct value plain_value(u64 n)
{
	return (struct value){n, NULL, false};
}

/* The entry of a type that has a unit of its own; 0: there is none of that signature. */
static u64 type_unit(const struct dwarf *d, u64 signature)
{
	struct unit u;

	for (u64 at = 0; at < d->info.n; at = u.end) {
		if (unit_head(d, at, &u) && u.type && u.signature == signature)
			return u.type;
		if (u.end <= at)
			break;
	}
	return 0;
}

/* Bytes in a block; what they hold is an expression, of which only "plus n" is known. */
static struct value block_value(struct cursor *c, u64 size)
{
	u64 from = c->at, n = 0;

	if (size && cursor_get(c, 1) == 0x23) /* DW_OP_plus_uconst */
		n = cursor_uleb(c);
	c->at = from;
	cursor_skip(c, size);
	return plain_value(n);
}

static struct value read_value(const struct dwarf *d, const struct unit *u, struct cursor *c,
			       u64 form, s64 implicit)
{
	const char *text;

	switch (form) {
	case FORM_ADDR: return plain_value(cursor_get(c, u->address_size));
	case FORM_DATA1:
	case FORM_FLAG: return plain_value(cursor_get(c, 1));
	case FORM_DATA2: return plain_value(cursor_get(c, 2));
	case FORM_DATA4: return plain_value(cursor_get(c, 4));
	case FORM_DATA8: return plain_value(cursor_get(c, 8));
	case FORM_DATA16: cursor_skip(c, 16); return plain_value(0);
	case FORM_SDATA: return plain_value((u64)cursor_sleb(c));
	case FORM_UDATA:
	case FORM_LOCLISTX:
	case FORM_RNGLISTX: return plain_value(cursor_uleb(c));
	case FORM_SEC_OFFSET:
	case FORM_STRP_SUP:
	case FORM_GNU_REF_ALT:
	case FORM_GNU_STRP_ALT: return plain_value(cursor_get(c, u->offset_size));
	case FORM_STRING:
		text = string_at(c->s, c->at);
		cursor_skip(c, strlen(text) + 1);
		return text_value(text);
	case FORM_STRP: return text_value(string_at(&d->str, cursor_get(c, u->offset_size)));
	case FORM_LINE_STRP:
		return text_value(string_at(&d->line_str, cursor_get(c, u->offset_size)));
	case FORM_STRX: return text_value(indexed_string(d, u, cursor_uleb(c)));
	case FORM_STRX1:
	case FORM_STRX2:
	case FORM_STRX3:
	case FORM_STRX4:
		return text_value(
			indexed_string(d, u, cursor_get(c, (u32)(form - FORM_STRX1 + 1))));
	case FORM_ADDRX:
		return plain_value(
			from_table(&d->addr, u->addr_base, cursor_uleb(c), u->address_size));
	case FORM_ADDRX1:
	case FORM_ADDRX2:
	case FORM_ADDRX3:
	case FORM_ADDRX4:
		return plain_value(from_table(&d->addr, u->addr_base,
					      cursor_get(c, (u32)(form - FORM_ADDRX1 + 1)),
					      u->address_size));
	case FORM_REF1: return ref_value(u, cursor_get(c, 1));
	case FORM_REF2: return ref_value(u, cursor_get(c, 2));
	case FORM_REF4: return ref_value(u, cursor_get(c, 4));
	case FORM_REF8: return ref_value(u, cursor_get(c, 8));
	case FORM_REF_UDATA: return ref_value(u, cursor_uleb(c));
	case FORM_REF_ADDR:
		return (struct value){
			cursor_get(c, u->version == 2 ? u->address_size : u->offset_size), NULL,
			true};
	case FORM_REF_SIG8: return (struct value){type_unit(d, cursor_get(c, 8)), NULL, true};
	case FORM_REF_SUP8: cursor_skip(c, 8); return plain_value(0);
	case FORM_REF_SUP4: cursor_skip(c, 4); return plain_value(0);
	case FORM_BLOCK1: return block_value(c, cursor_get(c, 1));
	case FORM_BLOCK2: return block_value(c, cursor_get(c, 2));
	case FORM_BLOCK4: return block_value(c, cursor_get(c, 4));
	case FORM_BLOCK:
	case FORM_EXPRLOC: return block_value(c, cursor_uleb(c));
	case FORM_FLAG_PRESENT: return plain_value(1);
	case FORM_IMPLICIT_CONST: return plain_value((u64)implicit);
	default: c->bad = true; return plain_value(0);
	}
}

/* ---- entries */

static void take_value(struct dwarf_die *die, u64 name, const struct value *v)
{
	switch (name) {
	case AT_NAME: die->name = v->text ? v->text : ""; break;
	case AT_TYPE: die->type = v->is_ref ? v->n : 0; break;
	case AT_ABSTRACT_ORIGIN:
	case AT_SPECIFICATION: die->origin = v->is_ref ? v->n : 0; break;
	case AT_SIGNATURE: die->whole = v->is_ref ? v->n : 0; break;
	case AT_LOW_PC:
		die->low_pc = v->n;
		die->has_low_pc = true;
		break;
	case AT_BYTE_SIZE: die->size = v->n; break;
	case AT_ENCODING: die->encoding = v->n; break;
	case AT_COUNT: die->count = v->n; break;
	case AT_UPPER_BOUND: die->count = v->n + 1; break;
	case AT_MEMBER_LOCATION: die->offset = v->n; break;
	case AT_BIT_SIZE: die->bits = v->n; break;
	case AT_DATA_BIT_OFFSET: die->bit_offset = v->n; break;
	case AT_BIT_OFFSET:
		die->from_top = v->n;
		die->has_from_top = true;
		break;
	case AT_CONST_VALUE: die->value = (s64)v->n; break;
	case AT_DECLARATION: die->declaration = true; break;
	case AT_EXTERNAL: die->is_external = true; break;
	default: break;
	}
}

/* Puts the cursor behind the code of an abbreviation, at its tag. */
static bool find_abbrev(const struct unit *u, struct cursor *c, u64 code)
{
	c->at = u->abbrevs;
	for (;;) {
		u64 now = cursor_uleb(c), name, form;

		if (c->bad || !now)
			return false;
		if (now == code)
			return true;
		cursor_uleb(c);
		cursor_get(c, 1);
		do {
			name = cursor_uleb(c);
			form = cursor_uleb(c);
			if (form == FORM_IMPLICIT_CONST)
				cursor_sleb(c);
		} while (!c->bad && (name || form));
	}
}

/* Where abbreviations are that were found lately. */
struct abbrevs {
	u64 table, code[128], at[128];
};

static bool abbrev(const struct dwarf *d, const struct unit *u, struct abbrevs *known, u64 code,
		   struct cursor *c)
{
	u32 slot = code % ARRAY_SIZE(known->code);

	*c = (struct cursor){&d->abbrev, 0, false};
	if (known->table == u->abbrevs + 1 && known->code[slot] == code) {
		c->at = known->at[slot];
		return true;
	}
	if (!find_abbrev(u, c, code))
		return false;
	if (known->table != u->abbrevs + 1)
		memset(known, 0, sizeof(*known));
	known->table = u->abbrevs + 1;
	known->code[slot] = code;
	known->at[slot] = c->at;
	return true;
}

static bool read_die(const struct dwarf *d, struct unit *u, struct abbrevs *known, u64 at,
		     struct dwarf_die *die)
{
	struct cursor c = {&d->info, at, false}, a;
	u64 code = at < u->end ? cursor_uleb(&c) : 0, name, form;

	*die = (struct dwarf_die){.at = at, .name = "", .count = DWARF_NONE};
	die->next = c.at;
	if (at >= u->end || c.bad)
		return false;
	if (!code)
		return true; /* ends a list */
	if (!abbrev(d, u, known, code, &a))
		return false;
	die->tag = (u32)cursor_uleb(&a);
	die->children = cursor_get(&a, 1);
	for (;;) {
		struct value v;
		s64 implicit = 0;

		name = cursor_uleb(&a);
		form = cursor_uleb(&a);
		if (form == FORM_IMPLICIT_CONST)
			implicit = cursor_sleb(&a);
		if (a.bad || (!name && !form))
			break;
		while (form == FORM_INDIRECT && !c.bad)
			form = cursor_uleb(&c);
		v = read_value(d, u, &c, form, implicit);
		if (name == AT_STR_OFFSETS_BASE)
			u->str_base = v.n;
		else if (name == AT_ADDR_BASE)
			u->addr_base = v.n;
		else
			take_value(die, name, &v);
	}
	die->next = c.at;
	return !a.bad && !c.bad;
}

/* With the bases that its first entry tells. */
static bool unit_open(const struct dwarf *d, u64 at, struct unit *u)
{
	struct abbrevs known = {0};
	struct dwarf_die die;

	return unit_head(d, at, u) && read_die(d, u, &known, u->first, &die);
}

static bool entry_at(const struct dwarf *d, u64 offset, struct dwarf_die *die)
{
	struct abbrevs known = {0};
	struct unit u;

	return offset && unit_of(d, offset, &u) && offset >= u.first &&
	       read_die(d, &u, &known, offset, die) && die->tag;
}

bool dwarf_at(const struct dwarf *d, u64 offset, struct dwarf_die *die)
{
	return entry_at(d, offset, die) && (!die->whole || entry_at(d, die->whole, die));
}

int dwarf_functions(const struct dwarf *d, int (*fn)(void *, const struct dwarf_die *), void *user)
{
	int stop = 0;

	for (u64 at = 0; at < d->info.n && !stop;) {
		struct abbrevs known = {0};
		struct dwarf_die die;
		struct unit u;

		if (!unit_head(d, at, &u)) { /* of a version that is not known, or the end */
			if (u.end <= at)
				break;
			at = u.end;
			continue;
		}
		for (u64 p = u.first; p < u.end && !stop && read_die(d, &u, &known, p, &die);
		     p = die.next)
			if (die.tag == DW_SUBPROGRAM && die.has_low_pc)
				stop = fn(user, &die);
		at = u.end;
	}
	return stop;
}

bool dwarf_child(const struct dwarf *d, const struct dwarf_die *of, struct dwarf_die *die)
{
	return of->children && dwarf_at(d, of->next, die);
}

bool dwarf_sibling(const struct dwarf *d, const struct dwarf_die *before, struct dwarf_die *die)
{
	struct abbrevs known = {0};
	u32 depth = before->children;
	u64 at = before->next;
	struct unit u;

	if (!unit_of(d, before->at, &u))
		return false;
	while (read_die(d, &u, &known, at, die)) {
		if (!depth)
			return die->tag != 0;
		at = die->next;
		depth += die->tag && die->children;
		depth -= !die->tag;
		if (depth > NESTED_MOST)
			break;
	}
	return false;
}

void dwarf_complete(const struct dwarf *d, struct dwarf_die *die)
{
	u64 origin = die->origin;
	struct dwarf_die of;

	for (u32 i = 0; i < ORIGINS_MOST && origin && dwarf_at(d, origin, &of); i++) {
		if (!*die->name)
			die->name = of.name;
		if (!die->type)
			die->type = of.type;
		origin = of.origin;
	}
}

/* One section behind the other; what refers from one to the other does it by signature. */
static void append_types(struct dwarf *d)
{
	struct buf *info = &d->unpacked[0];
	bool own = info->n;

	if (!own)
		buf_add(info, d->info.p, d->info.n);
	buf_add(info, d->types.p, d->types.n);
	if (!info->failed)
		d->info = (struct dwarf_section){(const u8 *)info->p, info->n};
}

bool dwarf_open(struct dwarf *d, const struct elf *elf)
{
	const struct {
		const char *name;
		struct dwarf_section *to;
	} sections[DWARF_SECTIONS] = {{".debug_info", &d->info},
				      {".debug_abbrev", &d->abbrev},
				      {".debug_str", &d->str},
				      {".debug_line_str", &d->line_str},
				      {".debug_str_offsets", &d->offsets},
				      {".debug_addr", &d->addr},
				      {".debug_types", &d->types}};

	*d = (struct dwarf){0};
	for (u32 i = 0; i < DWARF_SECTIONS; i++) {
		struct elf_section s;

		if (elf_find(elf, sections[i].name, &s) &&
		    !elf_contents(&s, &d->unpacked[i], sections[i].to))
			*sections[i].to = (struct dwarf_section){0};
	}
	if (!d->info.p || !d->abbrev.p) {
		dwarf_close(d);
		return false;
	}
	d->types_at = d->info.n;
	if (d->types.p)
		append_types(d);
	return true;
}

void dwarf_close(struct dwarf *d)
{
	for (u32 i = 0; i < DWARF_SECTIONS; i++)
		buf_free(&d->unpacked[i]);
	*d = (struct dwarf){0};
}
