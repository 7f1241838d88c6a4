/*
 * tool_work.c: the end of a session with much to show, without a session.
 *
 * In:  nothing. Out: its pictures go nowhere; work.sh counts the instructions of show_*().
 *
 * STACKS stacks of DEPTH calls of eight functions, no two the same, in every format that shows stacks;
 * and ENTRIES entries of a map with numbers and names as keys.
 */
#include "sink/sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STACKS	20000
#define DEPTH	16
#define ENTRIES 100000

#define FUNCTION(n)                                                      \
	__attribute__((noinline)) static void function_##n(void)         \
	{                                                                \
		__asm__ volatile("nop; nop; nop; nop; nop" ::: "memory"); \
	}
FUNCTION(0) FUNCTION(1) FUNCTION(2) FUNCTION(3) FUNCTION(4) FUNCTION(5) FUNCTION(6) FUNCTION(7)
static void (*const functions[])(void) = {function_0, function_1, function_2, function_3,
					  function_4, function_5, function_6, function_7};

struct stack {
	u64 pid, frames[DEPTH];
};
struct name {
	u64 cpu;
	char comm[16];
};

static struct field stack_field = {.name = "ustack", .kind = FIELD_USTACK, .size = sizeof(struct stack)};
static struct field name_fields[] = {
	{.name = "cpu", .kind = FIELD_UINT, .size = 8},
	{.name = "comm", .kind = FIELD_STR, .off = 8, .size = 16},
};
static struct object_map stacks = {.name = "stacks", .shown = "@", .key = {&stack_field, 1, sizeof(struct stack)},
				   .key_size = sizeof(struct stack), .value_size = 8, .agg = AGG_COUNT};
static struct object_map names = {.name = "names", .shown = "@", .key = {name_fields, 2, sizeof(struct name)},
				  .key_size = sizeof(struct name), .value_size = 8, .agg = AGG_COUNT};

static void show(const char *format, const struct object_map *m, const void *keys, const u64 *values, u32 n)
{
	struct object object = {0};
	struct map_contents c;
	struct diag diag = {0};
	struct arena arena = {0};
	struct sink s;

	object.maps.v = (struct object_map *)m;
	object.maps.n = 1;
	if (sink_open(&s, format, &object, open("/dev/null", O_WRONLY), 0, &diag) ||
	    map_contents_make(&c, &arena, m, keys, (const u8 *)values, n, 1, 0, 0, sink_unordered(&s, m)))
		abort();
	sink_ended(&s);
	sink_map(&s, &c);
	sink_summary(&s, &(struct waggle_stats){0});
	if (c.n != n || sink_close(&s))
		abort();
	arena_free(&arena);
}

#define SHOW(format)                                                                                    \
	__attribute__((noinline)) static void show_##format(const struct object_map *m, const void *keys, \
							    const u64 *values, u32 n)                   \
	{                                                                                               \
		show(#format, m, keys, values, n);                                                      \
	}
SHOW(folded) SHOW(flame) SHOW(tree) SHOW(text)

int main(void)
{
	struct stack *all = calloc(STACKS, sizeof(*all));
	struct name *keys = calloc(ENTRIES, sizeof(*keys));
	u64 *values = calloc(ENTRIES, sizeof(*values));
	u64 x = 1;

	for (u32 i = 0; i < STACKS; i++) {
		all[i].pid = (u64)getpid();
		for (u32 k = 0; k < DEPTH; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			/* the lower ones have calls in common, as real ones do */
			all[i].frames[k] = (u64)(uintptr_t)functions[(k < 6 ? x >> 61 : (i >> k % 6) & 7)] + 2;
		}
		values[i] = 1 + i % 3;
	}
	show_folded(&stacks, all, values, STACKS);
	show_flame(&stacks, all, values, STACKS);
	show_tree(&stacks, all, values, STACKS);
	for (u32 i = 0; i < ENTRIES; i++) {
		keys[i].cpu = i % 8;
		snprintf(keys[i].comm, sizeof(keys[i].comm), "name%u", (u32)(i * 2654435761u) % 1000003);
		values[i] = i % 1000;
	}
	show_text(&names, keys, values, ENTRIES);
	free(all);
	free(keys);
	free(values);
	return 0;
}
