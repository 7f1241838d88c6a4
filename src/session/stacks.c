/*
 * stacks.c: stacks in maps: the ids in keys and values become the frames that the map of stacks keeps.
 *
 * In:  the keys and values of a map as they were read, and its layouts.
 * Out: the same in which a stack is its frames, and a map whose layouts say so. Those who show maps
 *      know nothing of ids. A stack has as much room as the deepest one needs.
 *
 * What stands under an id never changes, so what was read is kept, up to BYTES_KEPT of it: ahead.c
 * has stacks read while nothing else is to do, and a map that is shown again asks for new ones
 * only. Of many that are missing the whole map of stacks is read, by few calls; of few, what is
 * asked for.
 *
 * Ids are stored when the map of stacks is full, too: of those that are not there nothing is kept,
 * as there may be new ones without end, and they may come. So the work ahead ends, until the next
 * look at the maps, where it meets MISSES of them in a row.
 */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

#define FRAMES_BYTES (8 * STACK_FRAMES)
#define BYTES_KEPT   (8u << 20)
#define FEW_IDS      1024
#define IDS_AT_ONCE  64 /* looked up in one piece of the work ahead */
#define MISSES       16

static bool is_id(const struct field *f)
{
	return (f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK) && f->mode & STACK_BY_ID &&
	       f->size >= 16;
}

static bool has_id(const struct layout *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (is_id(&l->fields[i]) || (l->fields[i].kind == FIELD_TUPLE && l->fields[i].sub &&
					     has_id(l->fields[i].sub)))
			return true;
	return false;
}

/* The map of the frames of its stacks; UINT32_MAX: there is none. */
static u32 map_of_stacks(const struct waggle_session *s, const struct object_map *m)
{
	bool has_ids = has_id(&m->key) || has_id(&m->value);

	for (u32 i = 0; i < s->object->maps.n && has_ids; i++)
		if (!strcmp(s->object->maps.v[i].name, STACKS_MAP) &&
		    s->object->maps.v[i].value_size == FRAMES_BYTES &&
		    s->object->maps.v[i].key_size == 8)
			return i;
	return UINT32_MAX;
}

/* ---- stacks by id */

static u32 *slot_of(const struct stacks *k, u64 id)
{
	u32 i = (u32)(id ^ id >> 32) & k->mask;

	while (k->slots[i] && memcmp(k->ids.p + ((size_t)k->slots[i] - 1) * 8, &id, 8) != 0)
		i = (i + 1) & k->mask;
	return &k->slots[i];
}

static u64 id_at(const struct stacks *k, u32 i)
{
	u64 id;

	memcpy(&id, k->ids.p + (size_t)i * 8, sizeof(id));
	return id;
}

/* Index + 1 of the stack; 0: it is not known. */
static u32 stack_of(const struct stacks *k, u64 id)
{
	return k->slots ? *slot_of(k, id) : 0;
}

static u32 end_of(const struct stacks *k, u32 stack)
{
	return stack ? ((const u32 *)(const void *)k->ends.p)[stack - 1] : 0;
}

/* One without frames has a frame that is 0. */
static u32 frames_of(const struct stacks *k, u32 stack)
{
	return end_of(k, stack) - end_of(k, stack - 1);
}

/* Slots for at least twice as many. */
static bool make_slots(struct stacks *k)
{
	u32 size = 64;

	while (size < k->n * 4)
		size *= 2;
	free(k->slots);
	k->slots = calloc(size, sizeof(*k->slots));
	k->mask = size - 1;
	for (u32 i = 0; k->slots && i < k->n; i++)
		*slot_of(k, id_at(k, i)) = i + 1;
	return k->slots != NULL;
}

static u32 depth_of(const u8 *frames)
{
	u64 addr;

	for (u32 i = 0; i < STACK_FRAMES; i++) {
		memcpy(&addr, frames + (size_t)i * 8, sizeof(addr));
		if (!addr)
			return MAX(i, 1u);
	}
	return STACK_FRAMES;
}

static bool failed(const struct stacks *k)
{
	return k->ids.failed || k->frames.failed || k->ends.failed || k->wanted.failed;
}

/* Not where memory ends: n says of how many all is there. */
static void remember(struct stacks *k, const char *id, const u8 *frames)
{
	u32 depth = depth_of(frames), end, *slot;
	u64 number;

	memcpy(&number, id, sizeof(number));
	if (failed(k))
		return;
	if ((!k->slots || k->n * 2 > k->mask) && !make_slots(k)) {
		k->ids.failed = true;
		return;
	}
	slot = slot_of(k, number);
	if (*slot)
		return;
	buf_add(&k->ids, id, 8);
	buf_add(&k->frames, frames, (size_t)depth * 8);
	end = (u32)(k->frames.n / 8);
	buf_add(&k->ends, &end, sizeof(end));
	if (failed(k))
		return;
	k->deepest = MAX(k->deepest, depth);
	*slot = ++k->n;
}

static bool is_full(const struct stacks *k)
{
	size_t slots = k->slots ? k->mask + 1u : 0;

	return k->frames.n + k->ids.n + k->ends.n + slots * sizeof(*k->slots) >= BYTES_KEPT;
}

void stacks_free(struct stacks *k)
{
	buf_free(&k->ids);
	buf_free(&k->frames);
	buf_free(&k->ends);
	buf_free(&k->wanted);
	free(k->slots);
	*k = (struct stacks){0};
}

/* ---- reading them */

static int take_piece(void *user, const struct buf *ids, const struct buf *frames, u32 n)
{
	struct stacks *k = user;

	for (u32 i = 0; i < n; i++)
		remember(k, ids->p + (size_t)i * 8,
			 (const u8 *)frames->p + (size_t)i * FRAMES_BYTES);
	return failed(k) || k->frames.n / 8 > UINT32_MAX ? -ENOMEM : 0;
}

static int read_all(struct waggle_session *s, u32 map)
{
	const struct engine_ops *ops = s->engine->ops;
	struct buf ids = {0}, frames = {0};
	u32 n = 0;
	int err;

	if (ops->map_pieces)
		return ops->map_pieces(s->engine, map, take_piece, &s->stacks);
	err = ops->map_read(s->engine, map, &ids, &frames, &n);
	if (!err)
		err = take_piece(&s->stacks, &ids, &frames, n);
	buf_free(&ids);
	buf_free(&frames);
	return err;
}

/* false: it is not there. */
static bool read_one(struct waggle_session *s, u32 map, const char *id)
{
	u8 frames[FRAMES_BYTES];
	bool there = !s->engine->ops->map_lookup(s->engine, map, id, frames);

	if (there)
		remember(&s->stacks, id, frames);
	return there;
}

/* Notes the ids in a key or a value whose frames are not known. */
static void want_ids(struct stacks *k, const struct layout *l, const u8 *p)
{
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		u64 id;

		if (f->kind == FIELD_TUPLE && f->sub)
			want_ids(k, f->sub, p + f->off);
		if (!is_id(f))
			continue;
		memcpy(&id, p + f->off, sizeof(id));
		if (!stack_of(k, id))
			buf_add(&k->wanted, &id, sizeof(id));
	}
}

static void want_none(struct stacks *k)
{
	k->wanted.n = 0;
	k->read = 0;
	k->misses = 0;
}

static void want_all(struct stacks *k, const struct object_map *m, const struct buf *keys,
		     const struct buf *values, u32 n)
{
	for (u32 i = 0; i < n && !failed(k); i++) {
		want_ids(k, &m->key, (const u8 *)keys->p + (size_t)i * m->key_size);
		if (has_id(&m->value))
			want_ids(k, &m->value, (const u8 *)values->p + i * ALIGN_UP((size_t)m->value_size, 8));
	}
}

bool stacks_by_id(const struct waggle_session *s, const struct object_map *m)
{
	return map_of_stacks(s, m) != UINT32_MAX;
}

void stacks_want_none(struct waggle_session *s)
{
	want_none(&s->stacks);
}

void stacks_want(struct waggle_session *s, const struct object_map *m, const struct buf *keys,
		 const struct buf *values, u32 n)
{
	if (!is_full(&s->stacks))
		want_all(&s->stacks, m, keys, values, n);
	s->stacks.map = map_of_stacks(s, m);
}

bool stacks_want_many(const struct waggle_session *s)
{
	return s->stacks.wanted.n / 8 > FEW_IDS && !s->stacks.vain;
}

static void prepare_one(struct waggle_session *s, const char *id)
{
	struct stacks *k = &s->stacks;

	if (read_one(s, k->map, id)) {
		k->misses = 0;
		k->vain = false;
	} else if (++k->misses == MISSES) {
		want_none(k);
		k->vain = true;
	}
}

bool stacks_prepare(struct waggle_session *s)
{
	struct stacks *k = &s->stacks;

	for (u32 i = 0; i < IDS_AT_ONCE && k->read < k->wanted.n && !failed(k); i++, k->read += 8) {
		u64 id;

		if (is_full(k))
			want_none(k);
		else if (memcpy(&id, k->wanted.p + k->read, 8), !stack_of(k, id))
			prepare_one(s, k->wanted.p + k->read);
	}
	return k->read < k->wanted.n && !failed(k);
}

static int read_missing(struct waggle_session *s, u32 map)
{
	struct stacks *k = &s->stacks;
	u32 n = (u32)(k->wanted.n / 8);
	int err = n > FEW_IDS ? read_all(s, map) : 0;

	for (u32 i = 0; i < n && n <= FEW_IDS; i++)
		read_one(s, map, k->wanted.p + (size_t)i * 8);
	want_none(k);
	return err ? err : failed(k) ? -ENOMEM : 0;
}

/* ---- keys and values */

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

static void expand(const struct stacks *k, u32 frames, const struct layout *from,
		   const struct layout *to, const u8 *p, u8 *out)
{
	for (u32 i = 0; i < from->n; i++) {
		const struct field *f = &from->fields[i], *t = &to->fields[i];
		u64 id;
		u32 at;

		if (f->kind == FIELD_TUPLE && f->sub)
			expand(k, frames, f->sub, t->sub, p + f->off, out + t->off);
		else if (!is_id(f))
			memcpy(out + t->off, p + f->off, f->size);
		if (!is_id(f))
			continue;
		if (f->kind == FIELD_USTACK)
			memcpy(out + t->off, p + f->off + 8, 8);
		memcpy(&id, p + f->off, sizeof(id));
		at = stack_of(k, id);
		if (at)
			memcpy(out + t->off + t->size - frames * 8,
			       k->frames.p + (size_t)end_of(k, at - 1) * 8,
			       (size_t)frames_of(k, at) * 8);
	}
}

/* n keys or values of so many bytes, of which the layout is to be another; what is behind the fields stays
 * there: a scalar's is_set. */
static int expand_all(const struct stacks *k, struct arena *arena, struct layout *l, struct buf *all,
		      u32 *bytes, u32 n)
{
	size_t stride = ALIGN_UP(*bytes, 8), out_stride, tail = stride - l->size;
	struct layout was = *l;
	struct buf out = {0};
	u8 *p;

	if (!has_id(l))
		return 0;
	copy_layout(arena, &was, l);
	expand_layout(l, MAX(k->deepest, 1u));
	out_stride = l->size + tail;
	p = (u8 *)buf_reserve(&out, n * out_stride + 1);
	if (!p)
		return -ENOMEM;
	memset(p, 0, n * out_stride);
	for (u32 i = 0; i < n; i++, p += out_stride) {
		const u8 *from = (const u8 *)all->p + i * stride;

		expand(k, MAX(k->deepest, 1u), &was, l, from, p);
		memcpy(p + l->size, from + was.size, tail);
	}
	out.n = n * out_stride;
	*bytes = (u32)out_stride;
	buf_free(all);
	*all = out;
	return 0;
}

int stacks_expand(struct waggle_session *s, struct arena *arena, const struct object_map **map,
		  struct buf *keys, struct buf *values, u32 n)
{
	const struct object_map *m = *map;
	u32 stacks = map_of_stacks(s, m);
	struct object_map *to;
	int err;

	if (stacks == UINT32_MAX)
		return 0;
	to = arena_new(arena, struct object_map);
	*to = *m;
	if (failed(&s->stacks))
		stacks_free(&s->stacks); /* memory may be there again */
	want_none(&s->stacks);
	want_all(&s->stacks, m, keys, values, n);
	err = read_missing(s, stacks);
	if (!err)
		err = expand_all(&s->stacks, arena, &to->key, keys, &to->key_size, n);
	if (!err)
		err = expand_all(&s->stacks, arena, &to->value, values, &to->value_size, n);
	if (!err)
		*map = to;
	if (err || is_full(&s->stacks))
		stacks_free(&s->stacks);
	return err;
}
