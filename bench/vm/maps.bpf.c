/*
 * maps.bpf.c: operations on maps, OPS of one kind in a run, for maps.c.
 *
 * Each program returns a number that must be the same wherever it runs.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define OPS     64
#define ENTRIES 1024

#define KIND(n) int(*type)[n]
#define SIZE(n) int(*max_entries)[n]
#define PAIR(k, v) \
	k *key;    \
	v *value
#define SECTION(s) __attribute__((section(s), used))
#define MAP(NAME, k)            \
	struct {                \
		KIND(k);        \
		SIZE(ENTRIES);  \
		PAIR(u32, u64); \
	} NAME SECTION(".maps")

MAP(hash, 1);
MAP(array, 2);
MAP(percpu_hash, 5);
MAP(percpu_array, 6);
MAP(lru_hash, 9);
struct {
	KIND(27);
	SIZE(4 << 20);
} ring SECTION(".maps");

static void *(*const lookup)(void *, const void *) = (void *)1;
static long (*const update)(void *, const void *, const void *, u64) = (void *)2;
static long (*const delete)(void *, const void *) = (void *)3;
static void *(*const reserve)(void *, u64, u64) = (void *)131;
static void (*const submit)(void *, u64) = (void *)132;
static long (*const output)(void *, void *, u64, u64) = (void *)130;
#define NO_WAKEUP 1

#define PROGRAM(name) SECTION("xdp") int name(void *ctx)

/* What a run costs that does nothing. */
PROGRAM(empty)
{
	return ctx != 0;
}

#define LOOKUPS(map)                                      \
	PROGRAM(map##_lookup)                             \
	{                                                 \
		u32 found = 0;                            \
                                                          \
		(void)ctx;                                \
		for (u32 i = 0; i < OPS; i++) {           \
			u32 key = i;                      \
			u64 *value = lookup(&map, &key);  \
                                                          \
			if (value)                        \
				found += 1 + (u32)*value; \
		}                                         \
		return found;                             \
	}

#define UPDATES(map)                                                  \
	PROGRAM(map##_update)                                         \
	{                                                             \
		u32 failed = 0;                                       \
                                                                      \
		(void)ctx;                                            \
		for (u32 i = 0; i < OPS; i++) {                       \
			u32 key = i;                                  \
			u64 value = 1;                                \
                                                                      \
			failed += update(&map, &key, &value, 0) != 0; \
		}                                                     \
		return failed;                                        \
	}

/* Half of the operations insert, half delete. */
#define TURNS(map)                                                    \
	PROGRAM(map##_insert_delete)                                  \
	{                                                             \
		u32 failed = 0;                                       \
                                                                      \
		(void)ctx;                                            \
		for (u32 i = 0; i < OPS / 2; i++) {                   \
			u32 key = ENTRIES + i;                        \
			u64 value = i;                                \
                                                                      \
			failed += update(&map, &key, &value, 1) != 0; \
			failed += delete (&map, &key) != 0;           \
		}                                                     \
		return failed;                                        \
	}

/* In this order: the lookups find what the updates put in. */
UPDATES(hash)
LOOKUPS(hash)
TURNS(hash)
UPDATES(lru_hash)
LOOKUPS(lru_hash)
TURNS(lru_hash)
UPDATES(percpu_hash)
LOOKUPS(percpu_hash)
UPDATES(array)
LOOKUPS(array)
LOOKUPS(percpu_array)

PROGRAM(ring_reserve_submit)
{
	u32 failed = 0;

	(void)ctx;
	for (u32 i = 0; i < OPS; i++) {
		u64 *record = reserve(&ring, sizeof(*record), 0);

		if (record) {
			*record = i;
			submit(record, NO_WAKEUP);
		} else {
			failed++;
		}
	}
	return failed;
}

PROGRAM(ring_output)
{
	u32 failed = 0;

	(void)ctx;
	for (u32 i = 0; i < OPS; i++) {
		u64 record = i;

		failed += output(&ring, &record, sizeof(record), NO_WAKEUP) != 0;
	}
	return failed;
}

char gpl[] SECTION("license") = "GPL";
