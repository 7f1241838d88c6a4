/*
 * test_vm_harm.c: programs that nobody has verified call helpers with anything, and do no harm.
 *
 * Each program makes a few calls by chance: with maps of all kinds, addresses of the stack, of the
 * context, of the packet, of values and of the middle of them, with numbers and with nonsense. It
 * may stop with a fault or end; what must not happen is that we read or write what is not the
 * program's, which the sanitizers see, or that a byte around the program's memory changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "object/asm.h"
#include "vm/map.h"

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	print_message("%u: %s\n", d->line, d->text);
}

static u32 draw(u64 *random, u32 below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (u32)(*random >> 20) % below;
}

static const char *const maps[] = {
	"hash key 4 value 8 entries 4",
	"array key 4 value 24 entries 3",
	"percpu_hash key 4 value 8 entries 4",
	"percpu_array key 4 value 8 entries 4",
	"lru_hash key 4 value 8 entries 4",
	"lru_percpu_hash key 4 value 12 entries 4",
	"lpm_trie key 8 value 8 entries 8 flags 1",
	"queue value 8 entries 2",
	"stack value 8 entries 2",
	"bloom_filter value 8 entries 8",
	"ringbuf entries 4096",
	"user_ringbuf entries 4096",
	"prog_array key 4 value 4 entries 2",
	"perf_event_array key 4 value 4 entries 2",
	"stack_trace key 4 value 80 entries 8",
	"cgroup_array key 4 value 4 entries 2",
	"task_storage key 4 value 8 flags 1",
	"devmap key 4 value 4 entries 2",
	"devmap_hash key 4 value 4 entries 2",
	"cpumap key 4 value 4 entries 2",
	"xskmap key 4 value 4 entries 2",
	"sockmap key 4 value 4 entries 2",
	"sockhash key 4 value 4 entries 2",
	"hash key 300 value 300 entries 4",
};

static const char *const kinds[] = {"xdp", "sched_cls", "socket_filter", "raw_tracepoint",
				    "kprobe"};
static const char *const words[] = {
	"0",          "1",          "2",          "4",          "8",
	"16",         "24",         "64",         "-1",         "-16",
	"0x7fffffff", "0x80000000", "0xffffffff", "0x20000000", "0x100",
	"0x101",      "0x0081",     "300",        "14",         "0x1000000000000000 ll",
};

static void put_argument(struct buf *out, u64 *random, u32 reg)
{
	u32 n = draw(random, ARRAY_SIZE(maps));

	switch (draw(random, 10)) {
	case 0:
	case 1: buf_printf(out, "r%u = map[m%u]\n", reg, n); return;
	case 2:
	case 3: buf_printf(out, "r%u = r10\nr%u += -%u\n", reg, reg, 8 * draw(random, 66)); return;
	case 4: buf_printf(out, "r%u = r6\nr%u += %u\n", reg, reg, draw(random, 2) * 8); return;
	case 5: buf_printf(out, "r%u = map[.data.d][0]+%u\n", reg, draw(random, 64)); return;
	case 6: buf_printf(out, "r%u = r7\nr%u += %u\n", reg, reg, draw(random, 3) * 4); return;
	case 7: buf_printf(out, "r%u = subprog[back]\n", reg); return;
	}
	buf_printf(out, "r%u = %s\n", reg, words[draw(random, ARRAY_SIZE(words))]);
}

/* An argument that fits, so that calls come through often. */
static void put_fitting(struct buf *out, u64 *random, u32 reg, u8 kind)
{
	switch (kind) {
	case ARG_MAP:
		buf_printf(out, "r%u = map[m%u]\n", reg, draw(random, ARRAY_SIZE(maps)));
		return;
	case ARG_CTX: buf_printf(out, "r%u = r6\n", reg); return;
	case ARG_FUNC: buf_printf(out, "r%u = subprog[back]\n", reg); return;
	case ARG_RECORD: buf_printf(out, "r%u = r7\n", reg); return;
	case ARG_STR: buf_printf(out, "r%u = map[.rodata][0]+%u\n", reg, draw(random, 64)); return;
	case ARG_SIZE:
	case ARG_SIZE0:
	case ARG_CONST: buf_printf(out, "r%u = %u\n", reg, draw(random, 5) * 8); return;
	case ARG_ANY:
	case ARG_MORE: put_argument(out, random, reg); return;
	}
	buf_printf(out, "r%u = r10\nr%u += -%u\n", reg, reg, 8 * (1 + draw(random, 40)));
}

static void put_call(struct buf *out, u64 *random)
{
	const struct helper *h = NULL;
	u32 id = 0;

	while (!h || !vm_helper(id)) {
		id = 1 + draw(random, 211);
		h = helper_by_id(id);
	}
	if (draw(random, 6) == 0)
		buf_puts(out, "r7 = r0\n");
	for (u32 a = 0; a < 5; a++) {
		if (draw(random, 8) == 0)
			put_argument(out, random, a + 1);
		else
			put_fitting(out, random, a + 1, h->args[a]);
	}
	buf_printf(out, "call %u\nr8 = r0\n", id);
	if (draw(random, 3) == 0)
		buf_puts(out, "r7 = r0\n");
	if (draw(random, 8) == 0)
		buf_puts(out, "*(u64 *)(r7 +0) = r8\n");
}

static void put_program(struct buf *out, u64 *random)
{
	buf_puts(out, ".data .data.d 64\n.data .rodata 64\n.bytes 25 64 20 25 73 20 25 70 00\n");
	for (u32 i = 0; i < ARRAY_SIZE(maps); i++)
		buf_printf(out, ".map m%u %s\n", i, maps[i]);
	buf_printf(out, ".program p \"p\" %s\nr6 = r1\nr7 = r10\n",
		   kinds[draw(random, ARRAY_SIZE(kinds))]);
	for (u32 i = 1 + draw(random, 40); i; i--)
		buf_printf(out, "*(u64 *)(r10 -%u) = %d\n", 8 * (1 + draw(random, 64)),
			   draw(random, 2) ? (int)draw(random, 30) : -1);
	for (u32 i = 1 + draw(random, 6); i; i--)
		put_call(out, random);
	buf_puts(out, "r0 = 0\nexit\nback: r0 = *(u64 *)(r1 +0)\nr1 = 5\n");
	put_call(out, random);
	buf_puts(out, "r0 = 1\nexit\n");
}

/* ---- running it between guards */

#define GUARD 4096
#define ROOM  8192
struct world {
	u8 *room, *ctx; /* GUARD bytes, what is lent, GUARD bytes */
};

static void guard(u8 *p, size_t size)
{
	memset(p, 0xa5, GUARD);
	memset(p + GUARD + size, 0xa5, GUARD);
}

static bool guarded(const u8 *p, size_t size)
{
	for (size_t i = 0; i < GUARD; i++)
		if (p[i] != 0xa5 || p[GUARD + size + i] != 0xa5)
			return false;
	return true;
}

static int read_user(struct vm_run *run, void *to, u32 size, u64 from)
{
	(void)run;
	(void)from;
	memset(to, 'x', size);
	return 0;
}
static int user_stack(struct vm_run *run, u64 *frames, u32 most, u32 skip)
{
	(void)run;
	(void)skip;
	for (u32 i = 0; i < most; i++)
		frames[i] = i + 1;
	return (int)most;
}
static int perf_output(struct vm_run *run, struct vm_map *map, u64 flags, const void *data,
		       u64 size)
{
	u8 sum = 0;

	(void)run, (void)map, (void)flags;
	for (u64 i = 0; i < size; i++)
		sum ^= ((const u8 *)data)[i];
	return sum & 1;
}
static void print(struct vm_run *run, const char *text, size_t n)
{
	(void)run;
	assert_true(memchr(text, 0, n) == NULL || n < 2000);
}
static const struct vm_host host = {.read_user = read_user,
				    .user_stack = user_stack,
				    .perf_output = perf_output,
				    .printk = print};

static u32 run_guarded(struct vm *vm, const struct world *w, u64 arg)
{
	struct vm_run *run;
	u64 result, data = (u64)(uintptr_t)w->room + GUARD + 1024;
	u32 *words32 = (u32 *)(void *)(w->ctx + GUARD), kind = vm->progs[0].kind;
	u32 fault;

	assert_int_equal(vm_run_open(&run, vm, &host, NULL, 1), 0);
	if (kind == PROG_XDP || kind == PROG_SCHED_CLS || kind == PROG_SOCKET_FILTER) {
		words32[kind == PROG_XDP ? 0 : 19] = (u32)data;
		words32[kind == PROG_XDP ? 1 : 20] = (u32)data + 64;
		run->packet = run->packet_meta = data;
		run->packet_end = data + 64;
		run->packet_room = (u64)(uintptr_t)w->room + GUARD;
		run->packet_room_end = (u64)(uintptr_t)w->room + GUARD + ROOM;
		vm_lend(run,
			(struct vm_region){
				.start = data, .size = 64, .kind = VM_PACKET, .writable = true});
	}
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)w->ctx + GUARD,
					.size = kind == PROG_XDP ? 24 : 192,
					.kind = VM_CTX,
					.writable = arg & 1});
	vm_call(run, 0, (u64)(uintptr_t)w->ctx + GUARD, arg, &result);
	fault = run->fault.kind;
	if (!fault)
		vm_timers_run(run);
	vm_run_close(run);
	return fault;
}

static void anything_does_no_harm(void **state)
{
	static const struct vm_opts ways[] = {{.cpus = 2, .interpret = true, .budget = 100000},
					      {.cpus = 2, .budget = 100000}};
	struct world w = {vm_memory(ROOM + 2 * GUARD, true), vm_memory(192 + 2 * GUARD, true)};
	u64 random = 0x2545f4914f6cdd1dull;
	u32 ended = 0, stopped = 0, cases = 400;

	(void)state;
	if (getenv("HARM")) /* more of them, others */
		random = strtoull(getenv("HARM"), NULL, 0), cases = 100000;
	for (u32 i = 0; i < cases; i++) {
		struct buf text = {0};
		struct diag diag = {.fn = hear};
		struct object *o = NULL;
		struct vm *vm;

		put_program(&text, &random);
		diag.text = buf_str(&text);
		diag.size = text.n;
		if (object_asm(&o, diag.text, diag.size, &diag))
			fail_msg("no program");
		memset(w.room + GUARD, 0, ROOM);
		memset(w.ctx + GUARD, 0, 192);
		guard(w.room, ROOM);
		guard(w.ctx, 192);
		if (getenv("HARM_SHOW"))
			print_message("---- %u\n%s", i, diag.text);
		assert_int_equal(vm_open(&vm, o, &ways[i % 2], &diag), 0);
		if (run_guarded(vm, &w, i))
			stopped++;
		else
			ended++;
		if (!guarded(w.room, ROOM) || !guarded(w.ctx, 192))
			fail_msg("memory that is not the program's has changed:\n%s", diag.text);
		vm_close(vm);
		object_free(o);
		buf_free(&text);
	}
	assert_true(ended > cases / 20 && stopped > cases / 20);
	vm_memory_free(w.room, ROOM + 2 * GUARD);
	vm_memory_free(w.ctx, 192 + 2 * GUARD);
}

/* Arguments that a compiler may think it knows: both ways stop alike, or go on. */
static void known_arguments_are_checked_as_well(void **state)
{
#define SIXTEEN "r2 = r10\nr2 += -16\n"
#define LOOKUP  "call bpf_map_lookup_elem"
#define OUTPUT  "call bpf_ringbuf_output"
	static const struct {
		const char *map, *text;
		u32 fault;
		const char *call;
	} rows[] = {
		{"hash", "r2 = r10\nr2 += -4\n", VM_OK, LOOKUP},
		{"hash", "r2 = r10\nr2 += -512\n", VM_OK, LOOKUP},
		{"hash", "r7 = r10\nr7 += -8\nr2 = r7\nr2 += 4\n", VM_OK, LOOKUP},
		{"hash", "r2 = r10\nr2 += -3\n", VM_BAD_ARGUMENT, LOOKUP}, /* one byte too many */
		{"hash", "r2 = r10\nr2 += -513\n", VM_OK,
		 LOOKUP}, /* the frame below is there, too */
		{"hash", "r2 = r10\n", VM_BAD_ARGUMENT, LOOKUP},
		{"hash", "r2 = r10\nr2 += -4\nw2 += 0\n", VM_BAD_ARGUMENT, LOOKUP}, /* half of it */
		{"hash", "r2 = r10\nr2 += -4\nr2 = *(u64 *)(r10 -8)\n", VM_BAD_ARGUMENT, LOOKUP},
		{"hash", "r2 = r10\nif r6 != 0 goto a\nr2 += -4\na:\n", VM_BAD_ARGUMENT, LOOKUP},
		{"hash", "r2 = r10\nif r6 == 0 goto a\nr2 += -4\na:\n", VM_OK, LOOKUP},
		{"ring", "r2 = r10\nr2 += -4\n", VM_BAD_ARGUMENT, LOOKUP}, /* it has no keys */
		{"wide", "r2 = r10\nr2 += -300\n", VM_OK, LOOKUP},
		{"wide", "r2 = r10\nr2 += -299\n", VM_BAD_ARGUMENT, LOOKUP},
		{"ring", SIXTEEN "r3 = 16\nr4 = 0\n", VM_OK, OUTPUT},
		{"ring", SIXTEEN "r3 = 17\nr4 = 0\n", VM_BAD_ARGUMENT, OUTPUT},
		{"ring", SIXTEEN "r3 = 0\nr4 = 0\n", VM_OK, OUTPUT},
		{"ring", SIXTEEN "r3 = -1\nr4 = 0\n", VM_BAD_ARGUMENT, OUTPUT},
		{"ring", SIXTEEN "r3 = 0x100000010 ll\nr4 = 0\n", VM_BAD_ARGUMENT, OUTPUT},
		{"hash", SIXTEEN "r3 = 16\nr4 = 0\n", VM_BAD_ARGUMENT, OUTPUT},
	};
	static const struct vm_opts ways[] = {{.interpret = true}, {.cpus = 1}};
	struct world w = {vm_memory(ROOM + 2 * GUARD, true), vm_memory(192 + 2 * GUARD, true)};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {.fn = hear};
		struct object *o = NULL;
		struct buf text = {0};

		buf_printf(
			&text,
			".map hash hash key 4 value 8 entries 4\n.map ring ringbuf entries 4096\n"
			".map wide hash key 300 value 8 entries 4\n.program p \"p\" kprobe\n"
			"r6 = r1\n*(u64 *)(r10 -8) = 0\n%sr1 = map[%s]\n"
			"%s\nr0 = 0\nexit\n",
			rows[i].text, rows[i].map, rows[i].call);
		diag.text = buf_str(&text);
		diag.size = text.n;
		assert_int_equal(object_asm(&o, diag.text, diag.size, &diag), 0);
		for (u32 k = 0; k < ARRAY_SIZE(ways); k++) {
			struct vm *vm;

			assert_int_equal(vm_open(&vm, o, &ways[k], &diag), 0);
			if (run_guarded(vm, &w, 1) != rows[i].fault)
				fail_msg("row %u, way %u", i, k);
			vm_close(vm);
		}
		object_free(o);
		buf_free(&text);
	}
	vm_memory_free(w.room, ROOM + 2 * GUARD);
	vm_memory_free(w.ctx, 192 + 2 * GUARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(anything_does_no_harm),
					   cmocka_unit_test(known_arguments_are_checked_as_well)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
