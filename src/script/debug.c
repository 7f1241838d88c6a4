/*
 * debug.c: functions and types of a program by its debugging information; see debug.h.
 *
 * Where a parameter is when its function begins is what the calling convention says, not what the
 * compiler noted: numbers and pointers are in registers, in their order, then on the stack; numbers
 * with a point are elsewhere and take none of these; a struct takes as many as it has words, or, if
 * it is larger than two, lies on the stack.
 *
 * Members of structs are read when they are asked for, as those of the kernel are.
 */
#include "script/debug.h"
#include "script/ctype.h"

#include "arch/arch.h"

#define SIZE_MOST   (1u << 24) /* of a type */
#define DEPTH_MOST  32
#define PARAMS_MOST 64

/* A struct in the debugging information: what struct aggregate.debug points to. */
struct debug_place {
	const struct dwarf *dwarf;
	u64 at;
};

/* ---- types */

static struct type type_at(struct script *, const struct dwarf *, u64 at, u32 depth);

static const struct type *keep(struct script *s, struct type t)
{
	struct type *p = arena_new(s->arena, struct type);

	*p = t;
	return p;
}

static struct type base_type(const struct dwarf_die *die)
{
	struct type t = {.kind = TYPE_INT, .size = (u32)MIN(die->size, SIZE_MOST)};

	if (die->encoding == DW_ENC_FLOAT ||
	    (t.size != 1 && t.size != 2 && t.size != 4 && t.size != 8))
		return (struct type){.kind = TYPE_NONE, .size = t.size};
	t.is_signed = die->encoding == DW_ENC_SIGNED || die->encoding == DW_ENC_SIGNED_CHAR;
	t.is_char = t.size == 1 && !strcmp(die->name, "char");
	return t;
}

static struct type array_type(struct script *s, const struct dwarf *d, const struct dwarf_die *die,
			      u32 depth)
{
	struct type elem = type_at(s, d, die->type, depth);
	struct dwarf_die range;
	u64 n = 0;

	/* int a[2][3]: two ranges; the inner ones multiply */
	if (dwarf_child(d, die, &range) && range.count != DWARF_NONE) {
		n = range.count;
		while (dwarf_sibling(d, &range, &range) && range.count != DWARF_NONE &&
		       n < SIZE_MOST)
			n *= range.count;
	}
	if (n > SIZE_MOST || n * MAX(elem.size, 1u) > SIZE_MOST)
		return (struct type){.kind = TYPE_NONE};
	if (elem.kind == TYPE_INT && elem.is_char)
		return type_str((u32)n);
	return (struct type){.kind = TYPE_ARRAY,
			     .size = elem.size * (u32)n,
			     .count = (u32)n,
			     .of = keep(s, elem)};
}

static struct type struct_type(struct script *s, const struct dwarf *d, const struct dwarf_die *die)
{
	void **known = ctype_debug_slot(s, d->info.p + die->at);
	struct debug_place *place;
	struct aggregate *a = *known;

	if (!a) {
		place = arena_new(s->arena, struct debug_place);
		*place = (struct debug_place){d, die->at};
		a = *known = arena_new(s->arena, struct aggregate);
		a->name = arena_strdup(s->arena, die->name);
		a->is_union = die->tag == DW_UNION_TYPE;
		a->size = (u32)MIN(die->size, SIZE_MOST);
		a->debug = place;
	}
	return (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
}

static struct type pointer_type(struct script *s, const struct dwarf *d,
				const struct dwarf_die *die, u32 depth)
{
	struct type t = TYPE_U64, of = {.kind = TYPE_NONE};

	if (die->type)
		of = type_at(s, d, die->type, depth);
	t.is_pointer = 1;
	t.space = SPACE_USER;
	t.of = of.kind == TYPE_NONE ? NULL : keep(s, of);
	return t;
}

static struct type type_at(struct script *s, const struct dwarf *d, u64 at, u32 depth)
{
	struct dwarf_die die;
	struct type t;

	if (depth > DEPTH_MOST || !dwarf_at(d, at, &die))
		return (struct type){.kind = TYPE_NONE};
	depth++;
	switch (die.tag) {
	case DW_BASE_TYPE: return base_type(&die);
	case DW_ENUMERATION_TYPE:
		t = die.type ? type_at(s, d, die.type, depth) : TYPE_S32;
		t.size = die.size ? (u32)MIN(die.size, 8u) : t.size;
		t.is_char = 0;
		return t;
	case DW_POINTER_TYPE:
	case DW_REFERENCE_TYPE:
	case DW_RVALUE_REFERENCE_TYPE: return pointer_type(s, d, &die, depth);
	case DW_ARRAY_TYPE: return array_type(s, d, &die, depth);
	case DW_STRUCTURE_TYPE:
	case DW_CLASS_TYPE:
	case DW_UNION_TYPE: return struct_type(s, d, &die);
	case DW_TYPEDEF:
	case DW_CONST_TYPE:
	case DW_VOLATILE_TYPE:
	case DW_RESTRICT_TYPE:
	case DW_ATOMIC_TYPE: return type_at(s, d, die.type, depth);
	default: return (struct type){.kind = TYPE_NONE};
	}
}

void debug_members(struct script *s, struct aggregate *a)
{
	const struct dwarf *d = a->debug->dwarf;
	struct dwarf_die of, m;
	vec(struct member) members = {0};
	bool more;

	if (!dwarf_at(d, a->debug->at, &of))
		return;
	for (more = dwarf_child(d, &of, &m); more; more = dwarf_sibling(d, &m, &m)) {
		struct member *to;

		if ((m.tag != DW_MEMBER && m.tag != DW_INHERITANCE) || m.is_external ||
		    m.declaration)
			continue; /* a base's members count as own; static ones are elsewhere */
		to = vec_add(s->arena, &members);
		*to = (struct member){.name = m.tag == DW_MEMBER ? arena_strdup(s->arena, m.name)
								 : "",
				      .bit_off = (u32)(m.offset * 8 + m.bit_offset),
				      .bits = (u32)MIN(m.bits, 64u)};
		to->type = type_at(s, d, m.type, 0);
		if (m.has_from_top)
			to->bit_off +=
				(u32)((m.size ? m.size : to->type.size) * 8 - m.from_top - m.bits);
	}
	a->members = members.v;
	a->n = members.n;
}

/* ---- functions */

struct wanted {
	u64 address, found;
};

static int is_wanted(void *user, const struct dwarf_die *die)
{
	struct wanted *w = user;

	w->found = die->low_pc == w->address ? die->at : 0;
	return w->found != 0;
}

static bool address_of(const struct elf *elf, u64 offset, u64 *address)
{
	struct elf_segment seg;

	for (u32 i = 0; elf_load_segment(elf, i, &seg); i++)
		if (offset >= seg.offset && offset - seg.offset < seg.size) {
			*address = offset - seg.offset + seg.addr;
			return true;
		}
	return false;
}

/* The function that begins where the point is. */
static const struct dwarf *function_of(struct script *s, struct point *p, struct dwarf_die *die)
{
	const struct dwarf *d =
		p->row->attach == ATTACH_UPROBE && p->file ? user_debug(s->target, p->file) : NULL;
	struct wanted w = {0};

	if (!d)
		return NULL;
	if (!p->debug) {
		p->debug = DWARF_NONE;
		if (address_of(&p->file->elf, p->off, &w.address) &&
		    dwarf_functions(d, is_wanted, &w))
			p->debug = w.found;
	}
	return p->debug != DWARF_NONE && dwarf_at(d, p->debug, die) ? d : NULL;
}

bool debug_exists(struct script *s, struct point *p)
{
	struct dwarf_die die;

	return function_of(s, p, &die) != NULL;
}

/* Only numbers with a point in it: it goes through registers that are not ours. */
static bool is_real(struct script *s, const struct type *t)
{
	const struct aggregate *a = t->kind == TYPE_STRUCT ? ctype_members(s, t->fields) : NULL;

	if (t->kind == TYPE_NONE)
		return true;
	if (t->kind == TYPE_ARRAY)
		return is_real(s, t->of);
	for (u32 i = 0; a && i < a->n; i++)
		if (!is_real(s, &a->members[i].type))
			return false;
	return a && a->n;
}

/* How far the arguments have got. */
struct places {
	u32 regs, stack;
};

/* Takes the place of one more; its number as in argN, or UINT32_MAX: it is not one of those. */
static u32 next_place(struct script *s, struct places *at, const struct type *t)
{
	const struct arch *arch = arch_find(s->target->arch);
	u32 nregs = arch ? arch->nargs : 0, words = (t->size + 7) / 8, first;

	if (t->size && t->size <= 16 && is_real(s, t))
		return UINT32_MAX;
	if (t->kind == TYPE_STRUCT && words > 2) {
		at->stack += words;
		return UINT32_MAX;
	}
	words = MAX(words, 1u);
	if (at->regs + words <= nregs) {
		first = at->regs;
		at->regs += words;
	} else {
		first = nregs + at->stack;
		at->stack += words;
	}
	return first;
}

bool debug_param(struct script *s, struct point *p, u32 n, const char **name, u32 *index,
		 struct type *type)
{
	struct places at = {0};
	struct dwarf_die of, die;
	const struct dwarf *d = function_of(s, p, &of);
	bool more;
	u32 i = 0;

	for (more = d && dwarf_child(d, &of, &die); more && i < PARAMS_MOST;
	     more = dwarf_sibling(d, &die, &die)) {
		struct dwarf_die param = die;

		if (die.tag != DW_FORMAL_PARAMETER)
			continue;
		dwarf_complete(d, &param);
		*type = type_at(s, d, param.type, 0);
		*index = next_place(s, &at, type);
		if (i++ < n)
			continue;
		*name = arena_strdup(s->arena, param.name);
		if (*index == UINT32_MAX || type->kind != TYPE_INT)
			*type = (struct type){0};
		return true;
	}
	return false;
}

/* ---- as text */

static void type_text(const struct dwarf *d, u64 at, u32 depth, struct buf *out)
{
	struct dwarf_die die;

	if (!at || depth > DEPTH_MOST || !dwarf_at(d, at, &die)) {
		buf_puts(out, "void");
		return;
	}
	switch (die.tag) {
	case DW_STRUCTURE_TYPE: buf_puts(out, "struct "); break;
	case DW_UNION_TYPE: buf_puts(out, "union "); break;
	case DW_ENUMERATION_TYPE: buf_puts(out, "enum "); break;
	case DW_CONST_TYPE: buf_puts(out, "const "); break;
	case DW_VOLATILE_TYPE: buf_puts(out, "volatile "); break;
	default: break;
	}
	switch (die.tag) {
	case DW_POINTER_TYPE:
	case DW_REFERENCE_TYPE:
	case DW_RVALUE_REFERENCE_TYPE:
		type_text(d, die.type, depth + 1, out);
		buf_puts(out, die.tag == DW_POINTER_TYPE ? " *" : " &");
		break;
	case DW_CONST_TYPE:
	case DW_VOLATILE_TYPE:
	case DW_RESTRICT_TYPE:
	case DW_ATOMIC_TYPE: type_text(d, die.type, depth + 1, out); break;
	case DW_ARRAY_TYPE:
		type_text(d, die.type, depth + 1, out);
		buf_puts(out, "[]");
		break;
	case DW_SUBROUTINE_TYPE: buf_puts(out, "void"); break;
	default: buf_puts(out, *die.name ? die.name : "{...}");
	}
}

bool debug_text(struct script *s, struct point *p, u32 n, struct buf *out)
{
	struct dwarf_die of, die;
	const struct dwarf *d = function_of(s, p, &of);
	bool more;
	u32 i = 0;

	for (more = d && dwarf_child(d, &of, &die); more && i < PARAMS_MOST;
	     more = dwarf_sibling(d, &die, &die)) {
		struct dwarf_die param = die;

		if (die.tag != DW_FORMAL_PARAMETER || i++ < n)
			continue;
		dwarf_complete(d, &param);
		type_text(d, param.type, 0, out);
		buf_printf(out, " %s", param.name);
		return true;
	}
	return false;
}
