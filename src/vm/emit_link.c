/*
 * emit_link.c: from the buffer of an emitter to code that runs.
 *
 * In:  pieces of code, and what lies between them: jumps, calls, padding. Out: pages of code that
 *      may be read and run, and pages of data behind them that may be read and written.
 *
 * All jumps begin short. Whoever does not reach its label becomes long, which moves what is behind
 * it; so it is looked again until nobody changes. That ends, since no jump becomes short again.
 *
 * No page is ever writable and executable. The code lies near the own functions where there is room
 * for it, so that helpers are called directly; otherwise through their addresses behind the code.
 */
#include "vm/emit_x86_64.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNED 16
#define FLAGS   (MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE)

void emit_grow(struct emit *e, u32 bytes)
{
	size_t used = (size_t)(e->p - e->code), size = (size_t)(e->end - e->code);
	u8 *old = e->code;

	size += size + bytes;
	e->code = arena_room(e->arena, size);
	if (old)
		memcpy(e->code, old, used);
	e->p = e->code + used;
	e->end = e->code + size;
}

void emit_begin(struct emit *e, struct arena *arena, u32 labels, u32 bytes, u32 jumps)
{
	e->arena = arena;
	e->labels.n = labels;
	e->labels.cap = labels + jumps;
	e->labels.v = arena_room(arena, e->labels.cap * sizeof(*e->labels.v));
	e->fixups.cap = jumps;
	e->fixups.v = arena_room(arena, jumps * sizeof(*e->fixups.v));
	emit_room(e, bytes);
}

u32 emit_label(struct emit *e)
{
	vec_push(e->arena, &e->labels, (struct emit_label){UINT32_MAX, 0});
	return e->labels.n - 1;
}

void emit_place(struct emit *e, u32 label)
{
	e->labels.v[label] = (struct emit_label){(u32)(e->p - e->code), e->fixups.n};
}

u32 emit_data(struct emit *e, u32 bytes)
{
	e->data += bytes;
	return e->data - bytes;
}

/* Of a fixup that comes to be at `place`. */
static u32 fixup_size(const struct emit_fixup *f, u32 place)
{
	u32 pad = -place & (ALIGNED - 1);

	switch (f->kind) {
	case EMIT_ALIGN: return pad <= f->label ? pad : 0;
	case EMIT_CALL: return 5;
	default: return !f->is_long ? 2 : f->cond == X_ALWAYS ? 5 : 6;
	}
}

u32 emit_address(const struct emit *e, u32 label)
{
	const struct emit_label *l = &e->labels.v[label];

	return l->at + e->moved[l->fixups];
}

/* From the end of a fixup. */
static s32 fixup_distance(const struct emit *e, u32 i)
{
	const struct emit_fixup *f = &e->fixups.v[i];

	return (s32)(emit_address(e, f->label) - (f->at + e->moved[i + 1]));
}

static void place_fixups(struct emit *e)
{
	const struct emit_fixup *f = e->fixups.v;
	u32 shift = 0, n = e->fixups.n, *moved = e->moved;

	for (u32 i = 0; i < n; i++, f++) {
		shift += fixup_size(f, f->at + shift);
		moved[i + 1] = shift;
	}
}

static bool is_far(s64 distance)
{
	return distance != (s8)distance;
}

/* What is between lies apart at least as far as in the buffer. */
static void guess(struct emit *e)
{
	vec_each (f, &e->fixups)
		f->is_long =
			f->kind == EMIT_JUMP && is_far((s64)e->labels.v[f->label].at - (s64)f->at);
}

static void relax(struct emit *e)
{
	bool changed = true;

	e->moved = arena_room(e->arena, (e->fixups.n + 1) * sizeof(u32));
	e->moved[0] = 0;
	guess(e);
	while (changed) {
		changed = false;
		place_fixups(e);
		for (u32 i = 0; i < e->fixups.n; i++) {
			struct emit_fixup *f = &e->fixups.v[i];

			if (f->kind == EMIT_JUMP && !f->is_long && is_far(fixup_distance(e, i)))
				f->is_long = changed = true;
		}
	}
}

/* ---- writing */

static u8 *write_bytes(u8 *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

/* nop by length, with operands that make it long (the manual's table of recommended ones) */
static const u8 nops[][9] = {
	{0},
	{0x90},
	{0x66, 0x90},
	{0x0f, 0x1f, 0x00},
	{0x0f, 0x1f, 0x40, 0},
	{0x0f, 0x1f, 0x44, 0, 0},
	{0x66, 0x0f, 0x1f, 0x44, 0, 0},
	{0x0f, 0x1f, 0x80, 0, 0, 0, 0},
	{0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
	{0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
};

static u8 *write_nops(u8 *to, u32 n)
{
	for (u32 k; n; n -= k) {
		k = MIN(n, 9);
		to = write_bytes(to, nops[k], k);
	}
	return to;
}

static u8 *write_fixup(const struct emit *e, u32 i, u8 *to)
{
	const struct emit_fixup *f = &e->fixups.v[i];
	s32 distance;

	if (f->kind == EMIT_ALIGN)
		return write_nops(to, e->moved[i + 1] - e->moved[i]);
	distance = fixup_distance(e, i);
	if (f->kind == EMIT_JUMP && !f->is_long) {
		*to++ = (u8)(f->cond == X_ALWAYS ? 0xeb : 0x70 | f->cond);
		*to++ = (u8)distance;
		return to;
	}
	if (f->kind == EMIT_JUMP && f->cond != X_ALWAYS) {
		*to++ = 0x0f;
		*to++ = 0x80 | f->cond;
	} else {
		*to++ = f->kind == EMIT_CALL ? 0xe8 : 0xe9;
	}
	return write_bytes(to, &distance, 4);
}

static void write_code(const struct emit *e, u8 *start)
{
	const u8 *from = e->code;
	u8 *to = start;

	for (u32 i = 0; i < e->fixups.n; i++) {
		const u8 *end = e->code + e->fixups.v[i].at;

		to = write_bytes(to, from, (size_t)(end - from));
		from = end;
		to = write_fixup(e, i, to);
	}
	write_bytes(to, from, (size_t)(e->p - from));
}

/* pool: where the addresses of functions are; data: where the data are. */
static void write_patches(const struct emit *e, u8 *start, u8 *pool, const u8 *data)
{
	vec_each (p, &e->patches) {
		u8 *at = start + p->at + e->moved[p->fixups];
		s64 distance = data + p->to - (at + 4);

		if (!p->data) {
			distance = (s64)(e->far.v[p->to] - (u64)(uintptr_t)(at + 4));
			if (distance == (s32)distance) { /* a prefix that means nothing, call */
				at[-2] = 0x67;
				at[-1] = 0xe8;
			} else {
				distance = pool + p->to * 8 - (at + 4);
			}
		}
		memcpy(at, &(s32){(s32)distance}, 4);
	}
	if (e->far.n)
		memcpy(pool, e->far.v, e->far.n * 8);
}

/* ---- memory */

/* Pages near the own code, where nothing is: below it, as what grows lies above. Else anywhere. */
static void *map_near(size_t size)
{
	const uintptr_t step = 1u << 20, own = (uintptr_t)&map_near & ~(step - 1);
	void *p = MAP_FAILED;

	for (u32 i = 64; i <= 1024 && p == MAP_FAILED && own > (u64)(i + 1) * step; i++)
		p = mmap((void *)(own - i * step), size, PROT_READ | PROT_WRITE,
			 FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p != MAP_FAILED)
		return p;
#ifdef MAP_32BIT
	if (own < 1u << 31) /* not a position-independent program */
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, FLAGS | MAP_32BIT, -1, 0);
#endif
	if (p == MAP_FAILED)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, FLAGS, -1, 0);
	return p;
}

int emit_link(struct emit *e, struct emit_code *code)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pool, code_pages;

	relax(e);
	pool = ALIGN_UP((size_t)(e->p - e->code) + e->moved[e->fixups.n], 8);
	code->bytes = pool + e->far.n * 8;
	code_pages = ALIGN_UP(code->bytes, page);
	code->size = code_pages + ALIGN_UP(e->data, page);
	code->data = code_pages;
	code->start = map_near(code->size);
	if (code->start == MAP_FAILED) {
		code->start = NULL;
		return -ENOMEM;
	}
	write_code(e, code->start);
	write_patches(e, code->start, code->start + pool, code->start + code_pages);
	if (mprotect(code->start, code_pages, PROT_READ | PROT_EXEC)) {
		int err = -errno;

		emit_unmap(code);
		return err;
	}
	return 0;
}

void emit_unmap(struct emit_code *code)
{
	if (code->start)
		munmap(code->start, code->size);
	code->start = NULL;
}
