/*
 * tally.c: sums of stacks as a tree; see tally.h.
 *
 * In:  records and maps that have stacks. Out: nodes with their sums, in the order of their names.
 *
 * What is done grows with the frames that are added, and with nothing else: no string of a whole
 * stack is made, and the order comes of the names, which are few, by counting.
 */
#include "sink/tally.h"

#include "sink/folded.h"

#include <stdlib.h>

#define HASH 0x9e3779b97f4a7c15u

/* ---- addresses */

static struct address *address_place(const struct addresses *t, u64 addr, u32 how)
{
	u32 i = (u32)((addr ^ (u64)how << 40) * HASH >> 32) & t->mask;

	while (t->v[i].frame && (t->v[i].addr != addr || t->v[i].how != how))
		i = (i + 1) & t->mask;
	return &t->v[i];
}

static void addresses_grow(struct addresses *t, struct arena *arena)
{
	struct addresses old = *t;

	t->mask = old.v ? old.mask * 2 + 1 : 255;
	t->v = arena_array(arena, struct address, t->mask + 1);
	for (u32 i = 0; old.v && i <= old.mask; i++)
		if (old.v[i].frame)
			*address_place(t, old.v[i].addr, old.v[i].how) = old.v[i];
}

/* The place of its frame, which is 0 when the address is new. */
static u32 *address_put(struct addresses *t, struct arena *arena, u64 addr, u32 how)
{
	struct address *p;

	if (!t->v || t->n * 2 > t->mask)
		addresses_grow(t, arena);
	p = address_place(t, addr, how);
	t->n += !p->frame;
	p->addr = addr;
	p->how = how;
	return &p->frame;
}

/* ---- growing */

static void begin(struct tally *t)
{
	if (t->nodes.n)
		return;
	t->names.arena = &t->arena;
	vec_push(&t->arena, &t->frames, (struct frame){.name = "all", .len = 3});
	vec_push(&t->arena, &t->nodes, (struct tally_node){0});
}

/* Does something that may want memory; where there is none, the tally has failed. */
static bool guarded(struct tally *t, void (*what)(struct tally *, const void *), const void *with)
{
	jmp_buf full;

	if (t->failed)
		return false;
	t->arena.escape = &full;
	if (setjmp(full)) {
		t->failed = true;
	} else {
		begin(t);
		what(t, with);
	}
	t->arena.escape = NULL;
	return !t->failed;
}

/* The frame of a name that stands behind its kind. */
static u32 frame_of(struct tally *t, const char *marked, size_t n)
{
	void *have = dict_getn(&t->names, marked, n);
	char *own;

	if (have)
		return (u32)(uintptr_t)have;
	own = arena_strndup(&t->arena, marked, n);
	*dict_put(&t->names, own) = (void *)(uintptr_t)t->frames.n;
	vec_push(&t->arena, &t->frames,
		 (struct frame){.name = own + 1, .len = (u32)n - 1, .kind = (u8)*own});
	return t->frames.n - 1;
}

static u32 first_slot(const struct tally *t, u32 parent, u32 frame)
{
	return (u32)(((u64)parent << 32 | frame) * HASH >> 32) & t->mask;
}

static u32 *node_slot(const struct tally *t, u32 parent, u32 frame)
{
	for (u32 i = first_slot(t, parent, frame);; i = (i + 1) & t->mask) {
		const struct tally_node *n = &t->nodes.v[t->slots[i]];

		if (!t->slots[i] || (n->parent == parent && n->frame == frame))
			return &t->slots[i];
	}
}

static void slots_grow(struct tally *t)
{
	t->mask = t->slots ? t->mask * 2 + 1 : 255;
	t->slots = arena_array(&t->arena, u32, t->mask + 1);
	for (u32 i = 1; i < t->nodes.n; i++) { /* no two are the same: nothing is to be compared */
		u32 at = first_slot(t, t->nodes.v[i].parent, t->nodes.v[i].frame);

		while (t->slots[at])
			at = (at + 1) & t->mask;
		t->slots[at] = i;
	}
}

static void step(struct tally *t, u32 frame)
{
	u32 *node;

	if (t->depth == TALLY_DEPTH)
		return;
	if (!t->slots || t->nodes.n * 2 > t->mask)
		slots_grow(t);
	node = node_slot(t, t->at, frame);
	if (!*node) {
		*node = t->nodes.n;
		vec_push(&t->arena, &t->nodes,
			 (struct tally_node){.frame = frame, .parent = t->at});
	}
	t->at = *node;
	t->depth++;
}

static void end(struct tally *t, u64 count)
{
	if (t->at)
		t->nodes.v[t->at].self += count;
	t->at = t->depth = 0;
}

/* Room for a name behind its kind. */
static char *name_room(struct tally *t, enum frame_kind kind, size_t most)
{
	char *p;

	t->text.n = 0;
	p = buf_reserve(&t->text, most + 2);
	if (!p)
		longjmp(*t->arena.escape, 1);
	*p = (char)kind;
	return p;
}

static void step_text(struct tally *t, enum frame_kind kind, const char *name, size_t n)
{
	char *p = name_room(t, kind, n), *last = put_frame_text(p + 1, name, n);

	step(t, frame_of(t, p, (size_t)(last - p)));
}

static void add_stack(struct tally *t, const struct show *show, const struct field *f,
		      const u8 *data)
{
	struct stack_words s = stack_words(f, data);
	enum frame_kind kind = f->kind == FIELD_USTACK ? FRAME_USER : FRAME_KERNEL;
	/* an address has one name as a caller, another where it is executed; pids have 22 bits */
	u32 how =
		s.pid << 3 | (kind == FRAME_USER) << 2 | ((f->mode & SYMBOLS_AS_LINKED) != 0) << 1;

	for (u32 i = s.n; i-- > 0;) {
		u64 addr = stack_word(&s, i);
		u32 *known = address_put(&t->known, &t->arena, addr, how | (i > 0));
		char *p, *last;

		if (!*known) {
			p = name_room(t, kind, FRAME_MOST);
			last = put_frame(p + 1, show, f, s.pid, addr, i > 0);
			*known = frame_of(t, p, (size_t)(last - p));
		}
		step(t, *known);
	}
}

static void add_label(struct tally *t, const struct show *show, const struct field *f,
		      const u8 *data)
{
	char *p = name_room(t, FRAME_LABEL, field_text_most(f));
	char *last = field_text(p + 1, show, f, data);

	put_frame_text(p + 1, p + 1, (size_t)(last - p - 1));
	step(t, frame_of(t, p, (size_t)(last - p)));
}

/* ---- records and maps */

enum part { PART_LABELS, PART_STRINGS, PART_USER, PART_KERNEL };

static bool is_stack(const struct field *f)
{
	return f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK;
}

bool has_stack(const struct layout *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (is_stack(&l->fields[i]) ||
		    (l->fields[i].kind == FIELD_TUPLE && has_stack(l->fields[i].sub)))
			return true;
	return false;
}

/* The fields that belong to a part of the path. */
static void add_part(struct tally *t, const struct show *show, const struct layout *l,
		     const u8 *data, enum part part)
{
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		bool fits = part == PART_USER      ? f->kind == FIELD_USTACK
			    : part == PART_KERNEL  ? f->kind == FIELD_KSTACK
			    : part == PART_STRINGS ? f->kind == FIELD_STR
						   : !is_stack(f);

		if (f->kind == FIELD_TUPLE)
			add_part(t, show, f->sub, data + f->off, part);
		else if (fits && is_stack(f))
			add_stack(t, show, f, data);
		else if (fits)
			add_label(t, show, f, data);
	}
}

static void add(struct tally *t, const struct show *show, const struct layout *l, const u8 *data,
		enum part labels, u64 count)
{
	add_part(t, show, l, data, labels);
	add_part(t, show, l, data, PART_USER);
	add_part(t, show, l, data, PART_KERNEL);
	end(t, count);
}

/* What had a name at this address may have another one later: names are known for one call. */
static void forget(struct tally *t)
{
	if (t->known.n)
		memset(t->known.v, 0, ((size_t)t->known.mask + 1) * sizeof(*t->known.v));
	t->known.n = 0;
}

static u64 record_count(const struct layout *l, const u8 *data)
{
	u64 count = 1;
	size_t stem;

	for (u32 i = 0; i < l->n; i++)
		if (field_is_int(&l->fields[i]) && unit_of_name(l->fields[i].name, &stem))
			count = field_load(&l->fields[i], data);
	return count;
}

/* What is added: a record, or a map. */
struct adding {
	const struct show *show;
	const struct layout *layout;
	const u8 *data;
	const struct map_contents *map;
};

static void add_record(struct tally *t, const void *adding)
{
	const struct adding *a = adding;

	forget(t);
	add(t, a->show, a->layout, a->data, PART_STRINGS, record_count(a->layout, a->data));
}

void tally_record(struct tally *t, const struct show *show, const struct layout *l, const u8 *data)
{
	if (has_stack(l))
		guarded(t, add_record, &(struct adding){show, l, data, NULL});
}

/* What an entry weighs; 0: nothing that could be drawn. */
static u64 entry_count(const struct map_contents *c, const struct map_entry *e)
{
	const struct object_map *m = c->map;
	const struct layout *l = &m->value;
	bool sign = m->value_signed;
	u64 v = 0;

	switch (m->agg) {
	case AGG_NONE:
		if (l->n == 1 && field_is_int(l->fields)) {
			v = field_load(l->fields, e->value);
			sign = l->fields->kind == FIELD_INT;
		}
		break;
	case AGG_HIST:
	case AGG_LHIST: return map_total(m, e);
	case AGG_COUNT: sign = false; /* fall through */
	default: v = map_entry_u64(e, 0);
	}
	return sign && (s64)v < 0 ? 0 : map_divide(c, v);
}

static void add_map(struct tally *t, const void *adding)
{
	const struct adding *a = adding;

	forget(t);
	for (u32 i = 0; i < a->map->n; i++) {
		const struct map_entry *e = &a->map->entries[i];
		u64 count = entry_count(a->map, e);

		if (count)
			add(t, a->show, a->layout, e->key, PART_LABELS, count);
	}
}

void tally_map(struct tally *t, const struct show *show, const struct map_contents *c)
{
	const struct layout *key = &c->map->key;

	if (!c->map->scalar && has_stack(key))
		guarded(t, add_map, &(struct adding){show, key, NULL, c});
}

/* ---- by hand */

void tally_free(struct tally *t)
{
	buf_free(&t->text);
	arena_free(&t->arena);
	*t = (struct tally){0};
}

struct named {
	enum frame_kind kind;
	const char *name;
	size_t len;
};

static void step_named(struct tally *t, const void *named)
{
	const struct named *n = named;

	step_text(t, n->kind, n->name, n->len);
}

void tally_step(struct tally *t, enum frame_kind kind, const char *name, size_t len)
{
	guarded(t, step_named, &(struct named){kind, name, len});
}

void tally_count(struct tally *t, u64 count)
{
	if (!t->failed)
		end(t, count);
}

/* Parents stand before their children, so their places in the other tree are known. */
static void move_nodes(struct tally *to, const void *other)
{
	const struct tally *from = other;
	u32 *place = arena_array(&to->arena, u32, from->nodes.n);

	for (u32 i = 1; i < from->nodes.n; i++) {
		const struct tally_node *n = &from->nodes.v[i];
		const struct frame *f = &from->frames.v[n->frame];

		to->at = place[n->parent];
		to->depth = 0;
		step(to, frame_of(to, f->name - 1, f->len + 1));
		place[i] = to->at;
		end(to, n->self);
	}
}

void tally_move(struct tally *to, struct tally *from)
{
	if (!to->nodes.n) {
		from->failed |= to->failed;
		tally_free(to);
		*to = *from;
		to->names.arena = &to->arena;
		*from = (struct tally){0};
		return;
	}
	guarded(to, move_nodes, from);
	to->failed |= from->failed;
	tally_free(from);
}

/* ---- sums and order */

/* Kind and name byte by byte. */
static int by_name(const void *a, const void *b, void *tally)
{
	const struct tally *t = tally;
	const struct frame *x = &t->frames.v[*(const u32 *)a], *y = &t->frames.v[*(const u32 *)b];
	int c = memcmp(x->name - (x->kind != 0), y->name - (y->kind != 0), MIN(x->len, y->len) + 1);

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* Frames by name; then nodes by frame, by counting: nodes of the same frame are of other parents,
 * and need no order. */
static void sort_nodes(struct tally *t)
{
	u32 *frames = arena_array(&t->arena, u32, t->frames.n);
	u32 *first = arena_array(&t->arena, u32, t->frames.n);
	u32 *same = arena_array(&t->arena, u32, t->nodes.n); /* the next node of that frame */

	for (u32 i = 0; i < t->frames.n; i++)
		frames[i] = i;
	qsort_r(frames + 1, t->frames.n - 1, sizeof(*frames), by_name, t);
	for (u32 i = 1; i < t->nodes.n; i++) {
		same[i] = first[t->nodes.v[i].frame];
		first[t->nodes.v[i].frame] = i;
	}
	for (u32 f = t->frames.n; f-- > 1;)
		for (u32 i = first[frames[f]]; i; i = same[i]) {
			struct tally_node *parent = &t->nodes.v[t->nodes.v[i].parent];

			t->nodes.v[i].next = parent->child;
			parent->child = i;
		}
}

static void sum_up(struct tally *t)
{
	vec_each (n, &t->nodes) {
		n->count = n->self;
		n->child = 0;
	}
	for (u32 i = t->nodes.n; i-- > 1;)
		t->nodes.v[t->nodes.v[i].parent].count += t->nodes.v[i].count;
}

static void put_in_order(struct tally *t, const void *nothing)
{
	(void)nothing;
	sum_up(t);
	sort_nodes(t);
}

bool tally_sort(struct tally *t)
{
	return guarded(t, put_in_order, NULL);
}

u32 tally_next(const struct tally *t, u32 node, u32 *depth, bool below)
{
	const struct tally_node *n = &t->nodes.v[node];

	if (below && n->child) {
		++*depth;
		return n->child;
	}
	while (node && !n->next) {
		node = n->parent;
		n = &t->nodes.v[node];
		--*depth;
	}
	return node ? n->next : 0;
}
