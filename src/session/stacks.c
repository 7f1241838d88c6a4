/*
 * stacks.c: keys that are stacks: the ids in them become the frames that the map of stacks keeps.
 *
 * In:  the keys of a map as they were read, and its layout.
 * Out: keys in which a stack is its frames, and a map whose layout says so. Those who show maps
 *      know nothing of ids.
 */
#include "session/session.h"

#include <errno.h>

#define FRAMES_BYTES (8 * STACK_FRAMES)

static bool is_id(const struct field *f)
{
	return (f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK) && f->mode & STACK_BY_ID &&
	       f->size >= 16;
}

/* A layout with room for the frames, also in the tuples of it. Returns how many stacks it has. */
static u32 expand_layout(struct arena *arena, const struct layout *from, struct layout *to)
{
	u32 size = 0, ids = 0;

	to->n = from->n;
	to->fields = arena_array(arena, struct field, from->n);
	for (u32 i = 0; i < from->n; i++) {
		struct field *f = &to->fields[i];

		*f = from->fields[i];
		f->off = size;
		if (is_id(f)) {
			f->mode &= (u8)~STACK_BY_ID;
			f->size = FRAMES_BYTES + (f->kind == FIELD_USTACK ? 8 : 0);
			ids++;
		} else if (f->kind == FIELD_TUPLE && f->sub) {
			f->sub = arena_new(arena, struct layout);
			ids += expand_layout(arena, from->fields[i].sub, f->sub);
			f->size = MAX(f->sub->size, f->size);
		}
		size += ALIGN_UP(f->size, 8);
	}
	to->size = size;
	return ids;
}

/* Frames that are not there (the map of stacks was full) stay zero: an empty stack. */
static void expand_key(struct waggle_session *s, u32 stacks, const struct layout *from,
		       const struct layout *to, const u8 *key, u8 *out)
{
	for (u32 i = 0; i < from->n; i++) {
		const struct field *f = &from->fields[i], *t = &to->fields[i];

		if (f->kind == FIELD_TUPLE && f->sub)
			expand_key(s, stacks, f->sub, t->sub, key + f->off, out + t->off);
		else if (!is_id(f))
			memcpy(out + t->off, key + f->off, f->size);
		if (!is_id(f))
			continue;
		if (f->kind == FIELD_USTACK)
			memcpy(out + t->off, key + f->off + 8, 8);
		s->engine->ops->map_lookup(s->engine, stacks, key + f->off,
					   out + t->off + t->size - FRAMES_BYTES);
	}
}

int stacks_expand(struct waggle_session *s, struct arena *arena, const struct object_map **map,
		  struct buf *keys, u32 n)
{
	const struct object_map *m = *map;
	struct object_map *to = arena_new(arena, struct object_map);
	u32 stacks = UINT32_MAX, ids;
	struct buf out = {0};
	u8 *p;

	*to = *m;
	ids = expand_layout(arena, &m->key, &to->key);
	to->key_size = to->key.size;
	for (u32 i = 0; i < s->object->maps.n && ids; i++)
		if (!strcmp(s->object->maps.v[i].name, STACKS_MAP) &&
		    s->object->maps.v[i].value_size == FRAMES_BYTES &&
		    s->object->maps.v[i].key_size == 8)
			stacks = i;
	if (stacks == UINT32_MAX)
		return 0;
	p = (u8 *)buf_reserve(&out, (size_t)n * to->key_size + 1);
	if (!p)
		return -ENOMEM;
	memset(p, 0, (size_t)n * to->key_size);
	for (u32 i = 0; i < n; i++)
		expand_key(s, stacks, &m->key, &to->key, (u8 *)keys->p + (size_t)i * m->key_size,
			   p + (size_t)i * to->key_size);
	out.n = (size_t)n * to->key_size;
	buf_free(keys);
	*keys = out;
	*map = to;
	return 0;
}
