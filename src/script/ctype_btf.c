/*
 * ctype_btf.c: C types from BTF, their members, and constants; see ctype.h.
 *
 * In: names and ids. Out: types; each is made once. Members are fetched when they are looked at.
 */
#include "arch/arch.h"
#include "script/constant.h"
#include "script/ctype_words.h"
#include "script/debug.h"

struct constant {
	s64 value;
	struct type type;
};

struct ctype_state *ctype_state_of(struct script *s)
{
	struct ctype_state *c = s->ctypes;

	if (!c) {
		c = s->ctypes = arena_new(s->arena, struct ctype_state);
		c->aggregates.arena = c->by_id.arena = c->by_place.arena = c->constants.arena =
			c->missing.arena = c->names.arena = c->enums.arena = s->arena;
	}
	return c;
}

struct btf *ctype_btf_of(struct script *s)
{
	struct ctype_state *c = ctype_state_of(s);
	struct diag quiet = {0};

	if (!c->asked) {
		c->asked = true;
		if (s->target && s->target->ops->btf &&
		    s->target->ops->btf(s->target, &c->btf, &quiet))
			c->btf = NULL;
	}
	return c->btf;
}

void ctype_put(struct script *s, const char *word, struct aggregate *a)
{
	*dict_put(&ctype_state_of(s)->aggregates, arena_printf(s->arena, "%s %s", word, a->name)) =
		a;
}

const struct type *ctype_keep(struct script *s, struct type t)
{
	struct type *p = arena_new(s->arena, struct type);

	*p = t;
	return p;
}

struct type ctype_pointer_to(struct script *s, struct type t)
{
	struct type p = TYPE_U64;

	p.is_pointer = 1;
	p.space = SPACE_KERNEL;
	p.of = t.kind == TYPE_UNKNOWN || t.kind == TYPE_NONE ? NULL : ctype_keep(s, t);
	return p;
}

/* char[n] is a string of n bytes. */
struct type ctype_array_of(struct script *s, struct type elem, u32 n)
{
	if (elem.kind == TYPE_INT && elem.size == 1 && elem.is_char)
		return type_str(n);
	return (struct type){
		.kind = TYPE_ARRAY, .size = elem.size * n, .count = n, .of = ctype_keep(s, elem)};
}

/* ---- from BTF */

/* What is known of a type of the BTF by its id. */
static void **slot_of(struct script *s, u32 id)
{
	char key[7] = "";

	for (u32 i = 0; i < 6; i++)
		key[i] = (char)('0' + (id >> 6 * i & 63));
	return dict_put(&ctype_state_of(s)->by_id, arena_strndup(s->arena, key, 6));
}

static struct aggregate *aggregate_of_btf(struct script *s, const struct btf_type *t)
{
	void **slot = slot_of(s, t->id);
	struct aggregate *a = *slot;

	if (!a) {
		a = *slot = arena_new(s->arena, struct aggregate);
		a->name = arena_strdup(s->arena, t->name);
		a->is_union = t->kind == BTF_UNION;
		a->size = t->size;
		a->n = t->n;
		a->btf = t->id;
	}
	return a;
}

/* "3 NAME\n" for each */
static void add_enumerator(struct script *s, struct buf *text, const char *name, s64 value)
{
	(void)s;
	buf_printf(text, "%lld %s\n", (long long)value, name);
}

static struct type enum_of_btf(struct script *s, const struct btf_type *t)
{
	void **slot = slot_of(s, t->id);
	struct enumeration *e = *slot;
	struct buf text = {0};

	if (!e) {
		e = *slot = arena_new(s->arena, struct enumeration);
		e->name = arena_strdup(s->arena, t->name);
		for (u32 i = 0; i < t->n; i++)
			add_enumerator(s, &text, t->values[i].name, t->values[i].value);
		e->text = arena_strdup(s->arena, buf_str(&text));
		buf_free(&text);
	}
	return (struct type){.kind = TYPE_INT,
			     .size = t->size,
			     .is_signed = t->is_signed,
			     .names = t->n ? e : NULL};
}

static struct type type_of_btf(struct script *s, u32 id)
{
	struct btf *btf = ctype_btf_of(s);
	const struct btf_type *t = btf_type(btf, btf_skip(btf, id));
	struct type r = {.kind = TYPE_INT};
	u32 n;

	if (!t)
		return (struct type){.kind = TYPE_NONE};
	switch (t->kind) {
	case BTF_ENUM:
	case BTF_ENUM64: return enum_of_btf(s, t);
	case BTF_INT:
		r.size = t->size;
		r.is_signed = t->is_signed;
		r.is_bool = t->is_bool;
		r.is_char = t->is_char || (t->kind == BTF_INT && str_same(t->name, "char"));
		return r;
	case BTF_PTR: return ctype_pointer_to(s, type_of_btf(s, t->type));
	case BTF_ARRAY: n = t->n; return ctype_array_of(s, type_of_btf(s, t->type), n);
	case BTF_STRUCT:
	case BTF_UNION:
		return (struct type){
			.kind = TYPE_STRUCT, .size = t->size, .fields = aggregate_of_btf(s, t)};
	default: return (struct type){.kind = TYPE_NONE};
	}
}

const struct aggregate *ctype_members(struct script *s, const struct aggregate *a)
{
	struct aggregate *w = (struct aggregate *)a; /* only completed */
	const struct btf_type *t;

	if (a->debug && !a->members)
		debug_members(s, w);
	t = a->btf && !a->members ? btf_type(ctype_btf_of(s), a->btf) : NULL;
	if (!t || !t->n)
		return a;
	w->members = arena_array(s->arena, struct member, t->n);
	w->n = t->n;
	for (u32 i = 0; i < w->n; i++) {
		const struct btf_member *m = &t->members[i];

		w->members[i] =
			(struct member){arena_strdup(s->arena, m->name), {0}, m->bit_off, m->bits};
	}
	for (u32 i = 0; i < w->n; i++)
		w->members[i].type = type_of_btf(s, t->members[i].type);
	return a;
}

bool ctype_aggregate_by_name(struct script *s, const char *word, const char *name, struct type *t)
{
	size_t before = strlen(word) + 1, n = before + strlen(name);
	char room[128], *key = n < sizeof(room) ? room : arena_alloc(s->arena, n + 1);
	struct aggregate *a;
	struct btf *btf;
	u32 id;

	memcpy(key, word, before);
	key[before - 1] = ' ';
	memcpy(key + before, name, n - before + 1);
	a = dict_getn(&ctype_state_of(s)->aggregates, key, n);
	btf = a ? NULL : ctype_btf_of(s);
	id = btf ? btf_find(btf, name, *word == 's' ? BTF_STRUCT : BTF_UNION) : 0;

	if (id)
		a = *dict_put(&ctype_state_of(s)->aggregates, arena_strndup(s->arena, key, n)) =
			aggregate_of_btf(s, btf_type(btf, id));
	if (!a)
		return false;
	*t = (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
	return true;
}

struct type ctype_of_id(struct script *s, u32 id)
{
	return type_of_btf(s, id);
}

const struct aggregate *ctype_kernel_struct(struct script *s, const char *name)
{
	struct type t;

	return ctype_aggregate_by_name(s, "struct", name, &t) ? t.fields : NULL;
}

struct type ctype_kernel_pointer(struct script *s, const char *name)
{
	struct type t;

	if (!ctype_aggregate_by_name(s, "struct", name, &t))
		t = (struct type){0};
	return ctype_pointer_to(s, t);
}

void **ctype_debug_slot(struct script *s, const void *place)
{
	return dict_put(&ctype_state_of(s)->by_place, arena_printf(s->arena, "%p", place));
}

/* ---- members */

struct found_member {
	struct found_member *next;
	const char *name;
	const struct member *m;
	u32 bit_off; /* from the start of the whole */
};

/* Of the hundreds that a structure of the kernel has, a script wants a few: the types of the others
 * are not looked up. */
static const struct member *member_of_btf(struct script *s, struct aggregate *a, const char *name,
					  u32 *bit_off)
{
	const struct btf_type *t = btf_type(ctype_btf_of(s), a->btf);
	struct found_member *f = arena_new(s->arena, struct found_member);
	struct btf_member *end;

	if (!t || !t->n)
		return NULL;
	end = t->members + t->n;
	for (struct btf_member *m = t->members; !f->m && m < end; m++) {
		struct member *made;

		if (strcmp(m->name, name) != 0)
			continue;
		f->m = made = arena_new(s->arena, struct member);
		f->bit_off = m->bit_off;
		*made = (struct member){arena_strdup(s->arena, name), {0}, m->bit_off, m->bits};
		made->type = type_of_btf(s, m->type);
	}
	for (struct btf_member *m = t->members; !f->m && m < end; m++) {
		struct type inner;
		u32 off = 0;

		if (*m->name)
			continue;
		inner = type_of_btf(s, m->type);
		if (inner.kind == TYPE_STRUCT)
			f->m = ctype_member(s, inner.fields, name, &off);
		f->bit_off = m->bit_off + off;
	}
	if (!f->m)
		return NULL;
	f->name = f->m->name;
	f->next = a->found;
	a->found = f;
	*bit_off = f->bit_off;
	return f->m;
}

const struct member *ctype_member(struct script *s, const struct aggregate *a, const char *name,
				  u32 *bit_off)
{
	if (a->btf && !a->members) {
		for (struct found_member *f = a->found; f; f = f->next)
			if (str_same(f->name, name)) {
				*bit_off = f->bit_off;
				return f->m;
			}
		return member_of_btf(s, (struct aggregate *)a, name, bit_off);
	}
	ctype_members(s, a);
	for (u32 i = 0; a->members && i < a->n; i++) {
		const struct member *m = &a->members[i], *inner;
		u32 off = 0;

		if (str_same(m->name, name)) {
			*bit_off = m->bit_off;
			return m;
		}
		if (*m->name || m->type.kind != TYPE_STRUCT)
			continue;
		inner = ctype_member(s, m->type.fields, name, &off);
		if (inner) {
			*bit_off = m->bit_off + off;
			return inner;
		}
	}
	return NULL;
}

const struct member *ctype_part(struct script *s, const struct aggregate *a, const char **path,
				u32 *bit_off)
{
	u32 len = (u32)strcspn(*path, ".");
	char name[64];

	if (!a || len >= sizeof(name))
		return NULL;
	memcpy(name, *path, len);
	name[len] = 0;
	*path += len + ((*path)[len] == '.');
	return ctype_member(s, a, name, bit_off);
}

void ctype_near(struct script *s, const struct aggregate *a, struct near *near)
{
	ctype_members(s, a);
	for (u32 i = 0; a->members && i < a->n; i++) {
		const struct member *m = &a->members[i];

		if (*m->name)
			near_try(near, m->name);
		else if (m->type.kind == TYPE_STRUCT)
			ctype_near(s, m->type.fields, near);
	}
}

/* ---- constants */

void ctype_define(struct script *s, const char *name, s64 value)
{
	ctype_define_as(s, name, value, TYPE_S64);
}

void ctype_define_as(struct script *s, const char *name, s64 value, struct type t)
{
	struct constant *c = arena_new(s->arena, struct constant);

	c->value = value;
	c->type = TYPE_S64;
	c->type.is_literal = 1;
	c->type.names = t.names;
	*dict_put(&ctype_state_of(s)->constants, name) = c;
}

static bool constant_of_btf(struct script *s, const char *name, s64 *value)
{
	struct btf *btf = ctype_btf_of(s);
	u32 id = btf ? btf_find_value(btf, name) : 0;
	const struct btf_type *t = id ? btf_type(btf, id) : NULL;

	for (u32 i = 0; t && i < t->n; i++)
		if (str_same(t->values[i].name, name)) {
			*value = t->values[i].value;
			ctype_define_as(s, arena_strdup(s->arena, name), *value, enum_of_btf(s, t));
			return true;
		}
	return false;
}

bool ctype_of_headers(const struct script *s, const char *name, s64 *value)
{
	if (constant_named(name, value))
		return true;
	if (strncmp(name, "__NR_", 5) && strncmp(name, "SYS_", 4))
		return false;
	*value = arch_call_number(arch_find(s->target->arch), strchr(name + 2, '_') + 1);
	return *value >= 0;
}

bool ctype_enumerator(struct script *s, const char *name, s64 *value, struct type *t)
{
	struct ctype_state *c = ctype_state_of(s);
	struct constant *known = dict_get(&c->constants, name);

	if (!known && ctype_of_headers(s, name, value)) {
		ctype_define(s, name, *value);
		known = dict_get(&c->constants, name);
	}
	if (!known && !dict_get(&c->missing, name)) {
		if (constant_of_btf(s, name, value))
			known = dict_get(&c->constants, name);
		else
			*dict_put(&c->missing, name) = c; /* BTF is walked once for a name */
	}
	if (!known)
		return false;
	*value = known->value;
	*t = known->type;
	return true;
}

bool ctype_constant(struct script *s, const char *name, s64 *value)
{
	struct type unused;

	return ctype_enumerator(s, name, value, &unused);
}
