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

/* The map with room for the frames in its keys. */
static struct object_map *expanded(struct arena *arena, const struct object_map *m)
{
	struct object_map *to = arena_new(arena, struct object_map);
	struct field *fields = arena_array(arena, struct field, m->key.n);
	u32 size = 0;

	*to = *m;
	to->key.fields = fields;
	for (u32 i = 0; i < m->key.n; i++) {
		fields[i] = m->key.fields[i];
		fields[i].off = size;
		if (is_id(&fields[i])) {
			fields[i].mode &= (u8)~STACK_BY_ID;
			fields[i].size = FRAMES_BYTES + (fields[i].kind == FIELD_USTACK ? 8 : 0);
		}
		size += ALIGN_UP(fields[i].size, 8);
	}
	to->key.size = to->key_size = size;
	return to;
}

/* Frames that are not there (the map of stacks was full) stay zero: an empty stack. */
static void expand_key(struct waggle_session *s, u32 stacks, const struct object_map *from,
		       const struct object_map *to, const u8 *key, u8 *out)
{
	for (u32 i = 0; i < from->key.n; i++) {
		const struct field *f = &from->key.fields[i], *t = &to->key.fields[i];

		if (!is_id(f)) {
			memcpy(out + t->off, key + f->off, f->size);
			continue;
		}
		if (f->kind == FIELD_USTACK)
			memcpy(out + t->off, key + f->off + 8, 8);
		s->engine->ops->map_lookup(s->engine, stacks, key + f->off,
					   out + t->off + t->size - FRAMES_BYTES);
	}
}

int stacks_expand(struct waggle_session *s, struct arena *arena, const struct object_map **map,
		  struct buf *keys, u32 n)
{
	const struct object_map *m = *map, *to;
	u32 stacks = UINT32_MAX, ids = 0;
	struct buf out = {0};
	u8 *p;

	for (u32 i = 0; i < m->key.n; i++)
		ids += is_id(&m->key.fields[i]);
	for (u32 i = 0; i < s->object->maps.n && ids; i++)
		if (!strcmp(s->object->maps.v[i].name, STACKS_MAP) &&
		    s->object->maps.v[i].value_size == FRAMES_BYTES &&
		    s->object->maps.v[i].key_size == 8)
			stacks = i;
	if (stacks == UINT32_MAX)
		return 0;
	to = expanded(arena, m);
	p = (u8 *)buf_reserve(&out, (size_t)n * to->key_size + 1);
	if (!p)
		return -ENOMEM;
	memset(p, 0, (size_t)n * to->key_size);
	for (u32 i = 0; i < n; i++)
		expand_key(s, stacks, m, to, (u8 *)keys->p + (size_t)i * m->key_size,
			   p + (size_t)i * to->key_size);
	out.n = (size_t)n * to->key_size;
	buf_free(keys);
	*keys = out;
	*map = to;
	return 0;
}
