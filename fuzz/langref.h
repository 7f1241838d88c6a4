/*
 * langref.h: what the C side of langfuzz's programs stands on: the language's meaning, said in C.
 *
 * Included by the file that langfuzz writes and gcc compiles (-fwrapv -w). Numbers are s64 or u64
 * as in docs/language.md, so that C's own rules say which operation is signed; what C leaves
 * undefined (division by zero, wide shifts) and what it does not have (maps) is here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;
typedef s8 int8;
typedef u8 uint8;
typedef s16 int16;
typedef u16 uint16;
typedef s32 int32;
typedef u32 uint32;
typedef s64 int64;
typedef u64 uint64;

static s64 sdiv(s64 a, s64 b)
{
	return b == 0 ? 0 : b == -1 ? -a : a / b;
}

static u64 udiv(u64 a, u64 b)
{
	return b == 0 ? 0 : a / b;
}

static s64 smod(s64 a, s64 b)
{
	return b == 0 ? a : b == -1 ? 0 : a % b;
}

static u64 umod(u64 a, u64 b)
{
	return b == 0 ? a : a % b;
}

#define SHL(a, b) ((a) << ((b)&63))
#define SHR(a, b) ((a) >> ((b)&63))

/* print(): a number by its sign, a bool, a value of an enum by its name. */
static const char *end = "\n";
#define PRINT(x)                                                   \
	_Generic((x), u64                                          \
		 : fprintf(out, "%llu%s", (u64)(x), end), default  \
		 : fprintf(out, "%lld%s", (s64)(x), end))
#define PRINT_BOOL(x) fprintf(out, "%s%s", (x) ? "true" : "false", end)
#define PRINT_HUE(x)                                                                      \
	((x) == RED     ? fprintf(out, "RED%s", end)                                      \
	 : (x) == GREEN ? fprintf(out, "GREEN%s", end)                                    \
	 : (x) == BLUE  ? fprintf(out, "BLUE%s", end)                                     \
			: PRINT(x))

/* strncmp() of the language says which is less. */
static s64 str_differ(const char *a, const char *b, int n)
{
	int order = strncmp(a, b, n);

	return (order > 0) - (order < 0);
}

/* A char array that may have no NUL, as a string. */
static const char *chars(const char *from, size_t size)
{
	static char text[4][64];
	static int at;
	char *to = text[at++ & 3];

	snprintf(to, 64, "%.*s", (int)size, from);
	return to;
}

/* Maps with keys: (map, key, key) -> value of 64 bits, whatever its sign. */
enum { NEVER, GONE, THERE };
#define ENTRIES 65536
static struct entry {
	s64 map, k1, k2, value;
	int state;
} entries[ENTRIES];

static struct entry *entry(s64 map, s64 k1, s64 k2)
{
	size_t i = (size_t)(map * 31 + k1 * 1009 + k2 * 65537) % ENTRIES;

	while (entries[i].state &&
	       (entries[i].map != map || entries[i].k1 != k1 || entries[i].k2 != k2))
		i = (i + 1) % ENTRIES;
	return &entries[i];
}

static s64 get(s64 map, s64 k1, s64 k2)
{
	const struct entry *e = entry(map, k1, k2);

	return e->state == THERE ? e->value : 0;
}

static void set(s64 map, s64 k1, s64 k2, s64 value)
{
	*entry(map, k1, k2) = (struct entry){map, k1, k2, value, THERE};
}

static s64 has(s64 map, s64 k1, s64 k2)
{
	return entry(map, k1, k2)->state == THERE;
}

static void drop(s64 map, s64 k1, s64 k2)
{
	struct entry *e = entry(map, k1, k2);

	e->state = e->state ? GONE : NEVER;
}

/* ---- inputs */

static u64 seed_of_values;

static u64 value(void)
{
	static const u64 edges[] = {0,
				    1,
				    2,
				    3,
				    7,
				    8,
				    63,
				    64,
				    0x7f,
				    0x80,
				    0xff,
				    0x100,
				    0x7fff,
				    0x8000,
				    0xffff,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    0x7fffffffffffffff,
				    0x8000000000000000,
				    ~0ull,
				    ~1ull,
				    ~127ull,
				    ~128ull,
				    ~32767ull,
				    ~0x7fffffffull,
				    10,
				    100,
				    1000000007};
	u64 z = seed_of_values += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	switch (z >> 61) {
	case 0:
	case 1:
	case 2: return edges[z % (sizeof(edges) / sizeof(*edges))];
	case 3: return z & 0xff;
	case 4: return -(z & 0xffff);
	case 5: return z & 0xffffffff;
	default: return z;
	}
}
