/*
 * base.c: the arena and the vectors on it.
 *
 * Chunks grow with the arena, so that a small script costs one malloc and a large one few.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_FIRST 16384
#define CHUNK_MOST  (1024 * 1024)
#define ALIGN_UP_2(x, n) (((x) + (n) - 1) & -(n)) /* n: a power of two */

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(16) char data[];
};

static void chunks_free(struct arena_chunk **chunks)
{
	for (struct arena_chunk *c = *chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	*chunks = NULL;
}

void arena_free(struct arena *a)
{
	chunks_free(&a->chunks);
	chunks_free(&a->spare);
	a->next = a->end = NULL;
	a->total = 0;
}

/* Memory that was in use already costs no page that is met for the first time. */
void arena_rewind(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		c->next = a->spare;
		a->spare = c;
	}
	a->chunks = NULL;
	a->next = a->end = NULL;
	a->total = 0;
#ifdef WAGGLE_DEBUG
	arena_free(a); /* who still looks at it is found */
#endif
}

static void arena_chunk_add(struct arena *a, size_t need)
{
	size_t size = a->chunks ? MIN(a->chunks->size * 2, CHUNK_MOST) : CHUNK_FIRST;
	struct arena_chunk *c = a->spare;

	if (c && c->size >= need) {
		a->spare = c->next;
	} else {
		size = MAX(size, need);
		c = need < SIZE_MAX / 2 ? malloc(sizeof(*c) + size) : NULL;
		if (!c) {
			if (a->escape)
				longjmp(*a->escape, 1);
			fputs("waggle: out of memory\n", stderr);
			_Exit(1);
		}
		c->size = size;
	}
	c->next = a->chunks;
	a->chunks = c;
	a->next = c->data;
	a->end = c->data + c->size;
}

static inline char *arena_take(struct arena *a, size_t size, size_t align)
{
	uintptr_t p = ALIGN_UP_2((uintptr_t)a->next, align);

	/* an arena without a chunk has no room for anything, not even for nothing */
	if (p >= (uintptr_t)a->end || (uintptr_t)a->end - p < size) {
		arena_chunk_add(a, size > SIZE_MAX - 64 ? size : size + align);
		p = ALIGN_UP_2((uintptr_t)a->next, align);
	}
	a->next = (char *)p + size;
	a->total += size;
	return (char *)p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_take(a, size, 16), 0, size);
}

void *arena_room(struct arena *a, size_t size)
{
	return arena_take(a, size, 16);
}

/* What is new in it holds anything. */
static void *grow(struct arena *a, void *old, size_t old_size, size_t new_size)
{
	char *p;

	/* the last object grows in place */
	if (old && (char *)old + old_size == a->next && new_size > old_size &&
	    (size_t)(a->end - a->next) >= new_size - old_size) {
		a->next += new_size - old_size;
		a->total += new_size - old_size;
		return old;
	}
	p = arena_take(a, new_size, 16);
	if (old)
		memcpy(p, old, MIN(old_size, new_size));
	return p;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size)
{
	char *p = grow(a, old, old_size, new_size);

	old_size = old ? old_size : 0;
	if (new_size > old_size)
		memset(p + old_size, 0, new_size - old_size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_take(a, n + 1, 1);

	memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_join_(struct arena *a, const char *const *parts)
{
	size_t size = 1;
	char *p, *at;

	for (const char *const *s = parts; *s; s++)
		size += strlen(*s);
	p = at = arena_take(a, size, 1);
	for (const char *const *s = parts; *s; s++)
		at = stpcpy(at, *s);
	return p;
}

/* What most have, %s and %u alone, without the machinery of the rest, in front of `end`; NULL: there is
 * more in it, or it has no room. */
static char *print_plain(char *to, const char *end, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		char digits[10], *first = digits + sizeof(digits);
		const char *text = fmt;
		size_t n = 1;

		if (*fmt == '%' && *++fmt == 's') {
			text = va_arg(ap, const char *);
			if (!text)
				return NULL;
			n = strlen(text);
		} else if (*text == '%' && *fmt == 'u') {
			u32 number = va_arg(ap, u32);

			do
				*--first = (char)('0' + number % 10);
			while (number /= 10);
			text = first;
			n = (size_t)(digits + sizeof(digits) - first);
		} else if (*text == '%') {
			return NULL;
		}
		if ((size_t)(end - to) <= n)
			return NULL;
		to = mempcpy(to, text, n);
	}
	*to++ = 0;
	return to;
}

/* Printed where it may stay; once more where it has no room there. */
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	size_t room = (size_t)(a->end - a->next), size;
	va_list again;
	char *p, *behind;
	int n;

	va_copy(again, ap);
	behind = a->next ? print_plain(a->next, a->end, fmt, again) : NULL;
	va_end(again);
	if (behind)
		return arena_take(a, (size_t)(behind - a->next), 1);
	va_copy(again, ap);
	n = vsnprintf(a->next, room, fmt, again);
	va_end(again);
	size = (size_t)MAX(n, 0) + 1;
	p = arena_take(a, size, 1);
	if (size > room)
		vsnprintf(p, size, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void vec_double_(struct arena *a, void **v, u32 *cap, size_t size)
{
	u32 had = *cap;

	*cap = had ? had * 2 : 8;
	*v = had ? grow(a, *v, had * size, *cap * size) : arena_take(a, *cap * size, 16);
}

void vec_grow_(struct arena *a, void **v, u32 *n, u32 *cap, size_t size)
{
	if (*n == *cap)
		vec_double_(a, v, cap, size);
	memset((char *)*v + *n * size, 0, size);
}
