/*
 * stacks.c: keys that are stacks: the ids in them become the frames that the map of stacks keeps.
 *
 * In:  the keys of a map as they were read, and its layout.
 * Out: keys in which a stack is its frames, and a map whose layout says so. Those who show maps
 *      know nothing of ids. A stack has as much room as the deepest one needs.
 *
 * Of many keys the whole map of stacks is read, by few calls; of few, what they ask for.
 */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

#define FRAMES_BYTES (8 * STACK_FRAMES)
#define FEW_KEYS     1024

/* Stacks that were read, by id: of each the frames that it has. */
struct known {
	struct buf ids, frames, ends; /* ends: u32, in frames */
	u32 n, deepest;
	u32 *slots, mask; /* index + 1 */
};

static bool is_id(const struct field *f)
{
	return (f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK) && f->mode & STACK_BY_ID &&
	       f->size >= 16;
}

/* ---- stacks by id */

static u32 *slot_of(const struct known *k, u64 id)
{
	u32 i = (u32)(id ^ id >> 32) & k->mask;

	while (k->slots[i] && memcmp(k->ids.p + ((size_t)k->slots[i] - 1) * 8, &id, 8) != 0)
		i = (i + 1) & k->mask;
	return &k->slots[i];
}

/* *n: how many. */
static const u8 *frames_of(const struct known *k, u64 id, u32 *n)
{
	const u32 *ends = (const u32 *)(const void *)k->ends.p;
	u32 at = k->n ? *slot_of(k, id) : 0, from = at > 1 ? ends[at - 2] : 0;

	*n = at ? ends[at - 1] - from : 0;
	return (const u8 *)k->frames.p + (size_t)from * 8;
}

static u32 depth_of(const u8 *frames)
{
	u64 addr;

	for (u32 i = 0; i < STACK_FRAMES; i++) {
		memcpy(&addr, frames + (size_t)i * 8, sizeof(addr));
		if (!addr)
			return i;
	}
	return STACK_FRAMES;
}

static void remember(struct known *k, const u8 *id, const u8 *frames)
{
	u32 depth = depth_of(frames), end;

	buf_add(&k->ids, id, 8);
	buf_add(&k->frames, frames, (size_t)depth * 8);
	end = (u32)(k->frames.n / 8);
	buf_add(&k->ends, &end, sizeof(end));
	k->deepest = MAX(k->deepest, depth);
	k->n++;
}

static int take_piece(void *user, const struct buf *ids, const struct buf *frames, u32 n)
{
	struct known *k = user;

	for (u32 i = 0; i < n; i++)
		remember(k, (const u8 *)ids->p + (size_t)i * 8,
			 (const u8 *)frames->p + (size_t)i * FRAMES_BYTES);
	return k->frames.n / 8 > UINT32_MAX ? -ENOMEM : 0;
}

static int make_slots(struct known *k)
{
	u32 size = 16;
	u64 id;

	while (size < k->n * 2)
		size *= 2;
	k->slots = calloc(size, sizeof(*k->slots));
	k->mask = size - 1;
	for (u32 i = 0; k->slots && i < k->n; i++) {
		memcpy(&id, k->ids.p + (size_t)i * 8, sizeof(id));
		*slot_of(k, id) = i + 1;
	}
	return k->slots ? 0 : -ENOMEM;
}

/* Frames that are not there (the map of stacks was full) are none. */
static void read_few(struct waggle_session *s, u32 stacks, const struct layout *l, const u8 *key,
		     struct known *k)
{
	u8 frames[FRAMES_BYTES];

	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (f->kind == FIELD_TUPLE && f->sub)
			read_few(s, stacks, f->sub, key + f->off, k);
		if (is_id(f) && !s->engine->ops->map_lookup(s->engine, stacks, key + f->off, frames))
			remember(k, key + f->off, frames);
	}
}

static int read_all(struct waggle_session *s, u32 stacks, struct known *k)
{
	const struct engine_ops *ops = s->engine->ops;
	struct buf ids = {0}, frames = {0};
	u32 n = 0;
	int err;

	if (ops->map_pieces)
		return ops->map_pieces(s->engine, stacks, take_piece, k);
	err = ops->map_read(s->engine, stacks, &ids, &frames, &n);
	if (!err)
		err = take_piece(k, &ids, &frames, n);
	buf_free(&ids);
	buf_free(&frames);
	return err;
}

static int read_stacks(struct waggle_session *s, u32 stacks, const struct object_map *m,
		       const struct buf *keys, u32 n, struct known *k)
{
	int err = n > FEW_KEYS ? read_all(s, stacks, k) : 0;

	for (u32 i = 0; i < n && n <= FEW_KEYS; i++)
		read_few(s, stacks, &m->key, (const u8 *)keys->p + (size_t)i * m->key_size, k);
	if (!err && (k->ids.failed || k->frames.failed || k->ends.failed))
		err = -ENOMEM;
	return err ? err : make_slots(k);
}

/* ---- keys */

static void copy_layout(struct arena *arena, const struct layout *from, struct layout *to)
{
	*to = *from;
	to->fields = arena_array(arena, struct field, from->n);
	for (u32 i = 0; i < from->n; i++) {
		struct field *f = &to->fields[i];

		*f = from->fields[i];
		if (f->kind == FIELD_TUPLE && f->sub) {
			f->sub = arena_new(arena, struct layout);
			copy_layout(arena, from->fields[i].sub, f->sub);
		}
	}
}

/* Makes room for so many frames of each stack, also in the tuples. */
static void expand_layout(struct layout *l, u32 frames)
{
	u32 size = 0;

	for (u32 i = 0; i < l->n; i++) {
		struct field *f = &l->fields[i];

		f->off = size;
		if (is_id(f)) {
			f->mode &= (u8)~STACK_BY_ID;
			f->size = frames * 8 + (f->kind == FIELD_USTACK ? 8 : 0);
		} else if (f->kind == FIELD_TUPLE && f->sub) {
			expand_layout(f->sub, frames);
			f->size = MAX(f->sub->size, f->size);
		}
		size += ALIGN_UP(f->size, 8);
	}
	l->size = size;
}

static void expand_key(const struct known *k, u32 frames, const struct layout *from,
		       const struct layout *to, const u8 *key, u8 *out)
{
	for (u32 i = 0; i < from->n; i++) {
		const struct field *f = &from->fields[i], *t = &to->fields[i];
		const u8 *stack;
		u64 id;
		u32 n;

		if (f->kind == FIELD_TUPLE && f->sub)
			expand_key(k, frames, f->sub, t->sub, key + f->off, out + t->off);
		else if (!is_id(f))
			memcpy(out + t->off, key + f->off, f->size);
		if (!is_id(f))
			continue;
		if (f->kind == FIELD_USTACK)
			memcpy(out + t->off, key + f->off + 8, 8);
		memcpy(&id, key + f->off, sizeof(id));
		stack = frames_of(k, id, &n);
		if (n)
			memcpy(out + t->off + t->size - frames * 8, stack, (size_t)n * 8);
	}
}

static bool has_id(const struct layout *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (is_id(&l->fields[i]) ||
		    (l->fields[i].kind == FIELD_TUPLE && l->fields[i].sub &&
		     has_id(l->fields[i].sub)))
			return true;
	return false;
}

static int expand_keys(const struct known *k, const struct object_map *m,
		       const struct object_map *to, struct buf *keys, u32 n)
{
	u32 frames = MAX(k->deepest, 1u);
	struct buf out = {0};
	u8 *p = (u8 *)buf_reserve(&out, (size_t)n * to->key_size + 1);

	if (!p)
		return -ENOMEM;
	memset(p, 0, (size_t)n * to->key_size);
	for (u32 i = 0; i < n; i++)
		expand_key(k, frames, &m->key, &to->key, (u8 *)keys->p + (size_t)i * m->key_size,
			   p + (size_t)i * to->key_size);
	out.n = (size_t)n * to->key_size;
	buf_free(keys);
	*keys = out;
	return 0;
}

int stacks_expand(struct waggle_session *s, struct arena *arena, const struct object_map **map,
		  struct buf *keys, u32 n)
{
	const struct object_map *m = *map;
	struct object_map *to = arena_new(arena, struct object_map);
	u32 stacks = UINT32_MAX;
	struct known known = {0};
	int err;

	for (u32 i = 0; i < s->object->maps.n && has_id(&m->key); i++)
		if (!strcmp(s->object->maps.v[i].name, STACKS_MAP) &&
		    s->object->maps.v[i].value_size == FRAMES_BYTES &&
		    s->object->maps.v[i].key_size == 8)
			stacks = i;
	if (stacks == UINT32_MAX)
		return 0;
	*to = *m;
	copy_layout(arena, &m->key, &to->key); /* all of the arena, while nothing needs freeing */
	err = read_stacks(s, stacks, m, keys, n, &known);
	expand_layout(&to->key, MAX(known.deepest, 1u));
	to->key_size = to->key.size;
	if (!err)
		err = expand_keys(&known, m, to, keys, n);
	if (!err)
		*map = to;
	buf_free(&known.ids);
	buf_free(&known.frames);
	buf_free(&known.ends);
	free(known.slots);
	return err;
}
