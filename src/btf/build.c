/*
 * build.c: BTF of our own objects.
 *
 * In:  types, one call each. Out: the bytes of a .BTF section, which kernel and libbpf accept.
 */
#include "btf/impl.h"

#include "base/dict.h"

#include <errno.h>

void btf_builder_free(struct btf_builder *b)
{
	buf_free(&b->types);
	buf_free(&b->strings);
	arena_free(&b->arena);
	*b = (struct btf_builder){0};
}

u32 btf_string(struct btf_builder *b, const char *s)
{
	struct dict *seen = b->seen;
	void **at;

	if (!seen) {
		seen = b->seen = arena_new(&b->arena, struct dict);
		seen->arena = &b->arena;
		buf_char(&b->strings, 0); /* offset 0 is the empty string */
	}
	if (!*s)
		return 0;
	if (!dict_get(seen, s)) {
		at = dict_put(seen, arena_strdup(&b->arena, s));
		*at = (void *)b->strings.n;
		buf_add(&b->strings, s, strlen(s) + 1);
	}
	return (u32)(uintptr_t)dict_get(seen, s);
}

static void put(struct btf_builder *b, u32 v)
{
	buf_add(&b->types, &v, sizeof(v));
}

/* The first 12 bytes of a type; `last` is its size or what it refers to. */
static u32 start(struct btf_builder *b, u32 kind, const char *name, u32 vlen, bool flag, u32 last)
{
	put(b, btf_string(b, name));
	put(b, kind << 24 | (flag ? 1u << 31 : 0) | (vlen & 0xffff));
	put(b, last);
	return ++b->n;
}

u32 btf_add_int(struct btf_builder *b, const char *name, u32 size, bool is_signed)
{
	u32 id = start(b, BTF_INT, name, 0, false, size);

	put(b, (is_signed ? 1u << 24 : 0) | size * 8);
	return id;
}

u32 btf_add_ref(struct btf_builder *b, enum btf_kind kind, const char *name, u32 type)
{
	return start(b, kind, name ? name : "", 0, false, type);
}

u32 btf_add_array(struct btf_builder *b, u32 elem, u32 index, u32 n)
{
	u32 id = start(b, BTF_ARRAY, "", 0, false, 0);

	put(b, elem);
	put(b, index);
	put(b, n);
	return id;
}

u32 btf_add_struct(struct btf_builder *b, enum btf_kind kind, const char *name, u32 size,
		   const struct btf_member *m, u32 n)
{
	bool bitfields = false;
	u32 id;

	for (u32 i = 0; i < n; i++)
		bitfields |= m[i].bits != 0;
	id = start(b, kind, name, n, bitfields, size);
	for (; n--; m++) {
		put(b, btf_string(b, m->name));
		put(b, m->type);
		put(b, bitfields ? m->bits << 24 | (m->bit_off & 0xffffff) : m->bit_off);
	}
	return id;
}

u32 btf_add_enum(struct btf_builder *b, const char *name, u32 size, bool is_signed,
		 const struct btf_value *v, u32 n)
{
	u32 id = start(b, BTF_ENUM, name, n, is_signed, size);

	for (; n--; v++) {
		put(b, btf_string(b, v->name));
		put(b, (u32)v->value);
	}
	return id;
}

u32 btf_add_proto(struct btf_builder *b, u32 result, const struct btf_member *params, u32 n)
{
	u32 id = start(b, BTF_FUNC_PROTO, "", n, false, result);

	for (; n--; params++) {
		put(b, btf_string(b, params->name));
		put(b, params->type);
	}
	return id;
}

u32 btf_add_func(struct btf_builder *b, const char *name, u32 proto, u32 linkage)
{
	return start(b, BTF_FUNC, name, linkage, false, proto);
}

u32 btf_add_var(struct btf_builder *b, const char *name, u32 type, u32 linkage)
{
	u32 id = start(b, BTF_VAR, name, 0, false, type);

	put(b, linkage);
	return id;
}

u32 btf_add_datasec(struct btf_builder *b, const char *name, u32 size, const struct btf_secinfo *s,
		    u32 n)
{
	u32 id = start(b, BTF_DATASEC, name, n, false, size);

	for (; n--; s++) {
		put(b, s->type);
		put(b, s->off);
		put(b, s->size);
	}
	return id;
}

u32 btf_add_record(struct btf_builder *b, const u32 *words, u32 n)
{
	buf_add(&b->types, words, n * sizeof(*words));
	return ++b->n;
}

void btf_build(struct btf_builder *b, struct buf *out)
{
	struct btf_header h = {.magic = BTF_MAGIC, .version = 1, .header_size = sizeof(h)};

	btf_string(b, ""); /* there is always a string section */
	h.type_size = (u32)b->types.n;
	h.string_off = h.type_size;
	h.string_size = (u32)b->strings.n;
	buf_add(out, &h, sizeof(h));
	buf_add(out, b->types.p, b->types.n);
	buf_add(out, b->strings.p, b->strings.n);
	out->failed |= b->types.failed || b->strings.failed;
}
