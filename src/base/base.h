/*
 * base.h: the words that every room uses: scalar names, sizes, an arena, vectors.
 *
 * An arena owns everything of one compilation or one object and is freed as a whole. It never
 * returns NULL: when memory ends it jumps to `escape`, which the public call at the top has set
 * and which turns into -ENOMEM.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	 ((a) < (b) ? (a) : (b))
#define MAX(a, b)	 ((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, n)	 (((x) + (n) - 1) / (n) * (n))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Most names differ in their first letter. */
static inline bool str_same(const char *a, const char *b)
{
	return *a == *b && !strcmp(a, b);
}

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks; /* the newest first */
	struct arena_chunk *spare;  /* those that serve again, the oldest first */
	char *next, *end;
	size_t total;	 /* bytes handed out */
	jmp_buf *escape; /* taken when memory ends; NULL: out of memory is fatal to the process */
};

void arena_free(struct arena *);
/* What it gave is no longer good; its chunks serve again, in their order. */
void arena_rewind(struct arena *);
/* Zeroed, aligned to 16 (to 1 for strings), owned by the arena. */
void *arena_alloc(struct arena *, size_t size);
void *arena_room(struct arena *, size_t size); /* the same, but it holds anything */
void *arena_grow(struct arena *, void *old, size_t old_size, size_t new_size);
char *arena_strndup(struct arena *, const char *, size_t);
char *arena_strdup(struct arena *, const char *);
/* Strings behind each other. */
char *arena_join_(struct arena *, const char *const *parts);
#define arena_join(a, ...) arena_join_((a), (const char *const[]){__VA_ARGS__, NULL})
char *arena_printf(struct arena *, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *, const char *fmt, va_list);

#define arena_new(a, type)	 ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc(a, sizeof(type) * (n)))

/* A growing array in an arena: struct { T *v; u32 n, cap; }. Elements move when it grows. */
#define vec(T)                  \
	struct {                \
		T *v;           \
		u32 n, cap;     \
	}
/* Appends a zeroed element and yields its address, good until the next push. */
#define vec_add(a, x)                                                                            \
	(vec_grow_((a), (void **)&(x)->v, &(x)->n, &(x)->cap, sizeof(*(x)->v)), &(x)->v[(x)->n++])
#define vec_push(a, x, ...)                                                                      \
	({                                                                                       \
		__typeof__(*(x)->v) vec_new_ = (__VA_ARGS__);                                    \
		if ((x)->n == (x)->cap)                                                          \
			vec_double_((a), (void **)&(x)->v, &(x)->cap, sizeof(vec_new_));         \
		(x)->v[(x)->n++] = vec_new_;                                                     \
		(void)0;                                                                         \
	})
/* An empty one that can take n elements as it is. */
#define vec_room(a, x, n_)                                                                       \
	({                                                                                       \
		(x)->cap = (n_);                                                                 \
		(x)->v = arena_room((a), (x)->cap * sizeof(*(x)->v));                            \
	})
/* __auto_type drops the const that a member of a const struct has */
#define vec_each(p, x)	    for (__auto_type p = (x)->v; p < (x)->v + (x)->n; p++)
void vec_grow_(struct arena *, void **v, u32 *n, u32 *cap, size_t size);
void vec_double_(struct arena *, void **v, u32 *cap, size_t size);

#endif
