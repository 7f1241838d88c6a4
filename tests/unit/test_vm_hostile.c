/*
 * test_vm_hostile.c: programs written to break out: what each of them tries, and where it ends.
 *
 * A row is a program, the fault that stops it (or none), and what must be true afterwards. Each
 * runs interpreted and compiled, with nothing verified.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "object/asm.h"
#include "vm/map.h"
#include "vm/ring.h"

#define ROOM 4096
#define HEAD 1024
#define SIZE 128

struct world {
	struct vm *vm;
	struct vm_run *run;
	u8 *room, *ctx;
	u64 result;
};
typedef void check_fn(struct world *);

/* ---- afterwards */

/* The ring is not held up by a record that nobody gave back. */
static void ring_goes_on(struct world *w)
{
	struct vm_map *map = vm_map_of(w->vm, 0);
	const struct vm_ring *r = vm_map_ring(map);
	u64 at = *r->consumer;
	u32 n = 0;

	assert_int_equal(ring_output(map, "12345678", 8, 0), 0);
	for (; at < *r->producer; n++) {
		const struct ring_header *h = (const void *)(r->data + (at & (r->size - 1)));

		assert_false(h->length & RING_BUSY);
		at += ALIGN_UP((u64)(h->length & ~RING_DISCARD) + RING_HEADER, 8);
	}
	assert_int_equal(at, *r->producer);
	assert_true(n > 1);
}

static void context_is_what_it_was(struct world *w)
{
	for (u32 i = 0; i < 192; i++)
		assert_true(w->ctx[i] == 0 || (i >= 76 && i < 84) || (i >= 140 && i < 144) ||
			    (i < 4) || (i >= 16 && i < 20));
}

static void network_is_in_the_packet(struct world *w)
{
	assert_true(w->run->packet_pushed <= w->run->packet_end - w->run->packet);
}

/* A timer that sets itself again: it has run often, and once more will be soon. */
static void timers_come_to_an_end(struct world *w)
{
	u64 *runs = (u64 *)(void *)vm_map_of(w->vm, 1)->values;

	assert_int_equal(vm_timers_run(w->run), 0);
	assert_int_equal(w->run->fault.kind, VM_OK);
	assert_in_range(runs[0], 100, 100000);
	vm_timers_run(w->run); /* it was not forgotten */
	assert_true(runs[0] > 200);
}

static void timers_take_turns(struct world *w)
{
	const struct vm_map *map = vm_map_of(w->vm, 1);
	u64 first, second;

	assert_int_equal(vm_timers_run(w->run), 0);
	memcpy(&first, map->values, sizeof(first));
	memcpy(&second, map->values + map->stride, sizeof(second));
	assert_true(first > 50 && second > 50);
}

static void lock_is_open(struct world *w)
{
	assert_int_equal(*(u32 *)(void *)vm_map_of(w->vm, 1)->values & 1, 0);
}

#define RING  ".map ring ringbuf entries 4096\n"
#define VALUE ".map v array key 4 value 24 entries 2\n"
#define HASH  ".map h hash key 4 value 12 entries 4\n"
#define FIND                                                                                      \
	"*(u32 *)(r10 -4) = 0\ncall bpf_map_lookup_elem(map[v], r10-4)\nif r0 == 0 goto out\nr7 " \
	"= r0\n"
#define OUT "out: r0 = 0\nexit\n"

static const struct row {
	const char *name, *kind, *maps, *text;
	u32 fault;
	check_fn *check;
	bool readonly; /* the context */
} rows[] = {
	{"a lock in a record", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 16, 0)\nif r0 == 0 goto out\nr7 = r0\n"
	 "call bpf_spin_lock(r7)\ncall bpf_ringbuf_submit(r7, 0)\n" OUT,
	 VM_BAD_ARGUMENT, ring_goes_on, false},
	{"a lock on the stack", "kprobe", RING VALUE,
	 "*(u64 *)(r10 -8) = 0\ncall bpf_spin_lock(r10-8)\n" OUT, VM_BAD_ARGUMENT, NULL, false},
	{"a lock that is never given back", "kprobe", RING VALUE,
	 FIND "call bpf_spin_lock(r7)\n" OUT, VM_OK, lock_is_open, false},
	{"a lock at the edge of a value", "kprobe", RING VALUE,
	 FIND "r7 += 22\ncall bpf_spin_lock(r7)\n" OUT, VM_BAD_ARGUMENT, NULL, false},
	{"a record of no bytes, forgotten", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 0, 0)\n" OUT, VM_OK, ring_goes_on, false},
	{"a record of no bytes, submitted", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 0, 0)\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\n"
	 "call bpf_ringbuf_submit\n" OUT,
	 VM_OK, ring_goes_on, false},
	{"a write to a record of no bytes", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 0, 0)\nif r0 == 0 goto out\n*(u8 *)(r0 +0) = 1\n" OUT,
	 VM_BAD_ACCESS, ring_goes_on, false},
	{"a dynptr of no bytes, forgotten", "kprobe", RING VALUE,
	 "*(u64 *)(r10 -16) = 0\n*(u64 *)(r10 -8) = 0\n"
	 "call bpf_ringbuf_reserve_dynptr(map[ring], 0, 0, r10-16)\n" OUT,
	 VM_OK, ring_goes_on, false},
	{"a record that was submitted", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 8, 0)\nif r0 == 0 goto out\nr7 = r0\nr1 = r0\nr2 = "
	 "0\n"
	 "call bpf_ringbuf_submit\n*(u64 *)(r7 +0) = 1\n" OUT,
	 VM_BAD_ACCESS, ring_goes_on, false},
	{"a record that is submitted twice", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 8, 0)\nif r0 == 0 goto out\nr7 = r0\n"
	 "call bpf_ringbuf_submit(r7, 0)\ncall bpf_ringbuf_discard(r7, 0)\n" OUT,
	 VM_BAD_ARGUMENT, ring_goes_on, false},
	{"the header of a record", "kprobe", RING VALUE,
	 "call bpf_ringbuf_reserve(map[ring], 8, 0)\nif r0 == 0 goto out\n*(u32 *)(r0 -8) = "
	 "1\n" OUT,
	 VM_BAD_ACCESS, ring_goes_on, false},
	{"a forged dynptr", "kprobe", RING VALUE,
	 "r1 = map[ring]\n*(u64 *)(r10 -16) = r1\n*(u64 *)(r10 -8) = 64\n"
	 "call bpf_dynptr_read(r10-48, 32, r10-16, 0, 0)\n" OUT,
	 VM_BAD_ARGUMENT, NULL, false},
	{"a map as memory", "kprobe", RING VALUE, "r1 = map[v]\n*(u64 *)(r1 +0) = 0\n" OUT,
	 VM_BAD_ACCESS, NULL, false},
	{"a timer with a number of its own", "kprobe", RING VALUE,
	 FIND "*(u64 *)(r7 +0) = 65537\ncall bpf_timer_cancel(r7)\n*(u64 *)(r7 +0) = -1\n"
	      "call bpf_timer_start(r7, 0, 0)\ncall bpf_timer_init(r7, map[v], 1)\n"
	      "*(u64 *)(r7 +0) = 2\ncall bpf_timer_start(r7, 0, 0)\n" OUT,
	 VM_OK, NULL, false},
	{"a timer across the edge of a value", "kprobe", RING VALUE,
	 FIND "r7 += 16\ncall bpf_timer_init(r7, map[v], 1)\n" OUT, VM_BAD_ARGUMENT, NULL, false},
	{"a timer that sets itself again", "kprobe", RING VALUE,
	 FIND "r7 += 8\ncall bpf_timer_init(r7, map[v], 1)\n"
	      "call bpf_timer_set_callback(r7, subprog[tick])\ncall bpf_timer_start(r7, 0, 0)\n" OUT
	      "tick: r1 = *(u64 *)(r3 +0)\nr1 += 1\n*(u64 *)(r3 +0) = r1\nr1 = r3\nr1 += 8\nr2 = "
	      "0\nr3 = 0\n"
	      "call bpf_timer_start\nr0 = 0\nexit\n",
	 VM_OK, timers_come_to_an_end, false},
	{"two timers that set themselves again", "kprobe", RING VALUE,
	 FIND "r7 += 8\ncall bpf_timer_init(r7, map[v], 1)\n"
	      "call bpf_timer_set_callback(r7, subprog[tick])\ncall bpf_timer_start(r7, 0, 0)\n"
	      "*(u32 *)(r10 -4) = 1\ncall bpf_map_lookup_elem(map[v], r10-4)\nif r0 == 0 goto out\n"
	      "r7 = r0\nr7 += 8\ncall bpf_timer_init(r7, map[v], 1)\n"
	      "call bpf_timer_set_callback(r7, subprog[tick])\ncall bpf_timer_start(r7, 0, 0)\n" OUT
	      "tick: r1 = *(u64 *)(r3 +0)\nr1 += 1\n*(u64 *)(r3 +0) = r1\nr1 = r3\nr1 += 8\nr2 = "
	      "0\nr3 = 0\n"
	      "call bpf_timer_start\nr0 = 0\nexit\n",
	 VM_OK, timers_take_turns, false},
	{"a context that is not to be written", "sched_cls", RING VALUE,
	 "call bpf_set_hash(r6, 7)\n" OUT, VM_BAD_CALL, context_is_what_it_was, true},
	{"a tag in a context that is not to be written", "sched_cls", RING VALUE,
	 "call bpf_skb_vlan_push(r6, 129, 7)\n" OUT, VM_BAD_CALL, context_is_what_it_was, true},
	{"a text in the context", "sched_cls", RING VALUE,
	 "r7 = r6\ncall bpf_strncmp(r10-8, 8, r7)\n" OUT, VM_BAD_ARGUMENT, NULL, true},
	{"headers pushed and taken away without end", "sched_cls", RING VALUE,
	 "r8 = 3000\nmore: call bpf_skb_change_head(r6, 60, 0)\n"
	 "call bpf_skb_adjust_room(r6, -60, 1, 0)\nr8 += -1\nif r8 != 0 goto more\n"
	 "call bpf_skb_adjust_room(r6, -8, 1, 0)\ncall bpf_skb_load_bytes_relative(r6, 0, r10-8, "
	 "8, 1)\n" OUT,
	 VM_OK, network_is_in_the_packet, false},
	{"bytes of the packet into the packet", "sched_cls", RING VALUE,
	 "r7 = *(u32 *)(r6 +76)\nr7 += 2\ncall bpf_skb_load_bytes(r6, 0, r7, 32)\n" OUT, VM_OK,
	 NULL, false},
	{"the packet before it grew smaller", "sched_cls", RING VALUE,
	 "r7 = *(u32 *)(r6 +76)\ncall bpf_skb_change_tail(r6, 20, 0)\nr0 = *(u8 *)(r7 +19)\n"
	 "r0 = *(u8 *)(r7 +20)\n" OUT,
	 VM_BAD_ACCESS, NULL, false},
	{"an address of the packet that wraps", "sched_cls", RING VALUE,
	 "w7 = *(u32 *)(r6 +76)\nr8 = 1\nr8 <<= 32\nr7 += r8\nr0 = *(u8 *)(r7 +0)\n" OUT,
	 VM_BAD_ACCESS, NULL, false},
	{"an atomic across the edge of a value", "kprobe", HASH VALUE,
	 "*(u32 *)(r10 -4) = 1\n*(u64 *)(r10 -24) = 0\n*(u64 *)(r10 -16) = 0\n"
	 "call bpf_map_update_elem(map[h], r10-4, r10-24, 0)\ncall bpf_map_lookup_elem(map[h], "
	 "r10-4)\n"
	 "if r0 == 0 goto out\nr1 = 1\nlock *(u32 *)(r0 +8) += r1\nlock *(u64 *)(r0 +8) += "
	 "r1\n" OUT,
	 VM_BAD_ACCESS, NULL, false},
	{"a value that was deleted", "kprobe", HASH VALUE,
	 "*(u32 *)(r10 -4) = 1\n*(u64 *)(r10 -24) = 0\n*(u64 *)(r10 -16) = 0\n"
	 "call bpf_map_update_elem(map[h], r10-4, r10-24, 0)\ncall bpf_map_lookup_elem(map[h], "
	 "r10-4)\n"
	 "if r0 == 0 goto out\nr7 = r0\ncall bpf_map_delete_elem(map[h], r10-4)\n"
	 "*(u64 *)(r7 +0) = 7\nr0 = *(u32 *)(r7 +8)\n" OUT,
	 VM_OK, NULL, false},
	{"what lies behind a value", "kprobe", HASH VALUE,
	 "*(u32 *)(r10 -4) = 1\n*(u64 *)(r10 -24) = 0\n*(u64 *)(r10 -16) = 0\n"
	 "call bpf_map_update_elem(map[h], r10-4, r10-24, 0)\ncall bpf_map_lookup_elem(map[h], "
	 "r10-4)\n"
	 "if r0 == 0 goto out\n*(u32 *)(r0 +12) = 7\n" OUT,
	 VM_BAD_ACCESS, NULL, false},
	{"a walk that adds what it takes away", "kprobe", HASH VALUE,
	 "r8 = 0\n*(u64 *)(r10 -24) = 0\n*(u64 *)(r10 -16) = 0\nmore: *(u32 *)(r10 -4) = r8\n"
	 "call bpf_map_update_elem(map[h], r10-4, r10-24, 0)\nr8 += 1\nif r8 != 4 goto more\n"
	 "again: call bpf_for_each_map_elem(map[h], subprog[each], 0, 0)\ngoto again\n"
	 "each: r6 = r1\nr1 = *(u32 *)(r2 +0)\n*(u32 *)(r10 -4) = r1\n*(u64 *)(r10 -24) = 0\n"
	 "*(u64 *)(r10 -16) = 0\ncall bpf_map_delete_elem(map[h], r10-4)\n"
	 "call bpf_map_update_elem(map[h], r10-4, r10-24, 0)\nr0 = 0\nexit\n",
	 VM_OUT_OF_BUDGET, NULL, false},
	{"callbacks of callbacks of callbacks", "kprobe", HASH VALUE,
	 "call bpf_loop(2, subprog[again], 0, 0)\n" OUT
	 "again: call bpf_loop(2, subprog[again], 0, 0)\nr0 = 0\nexit\n",
	 VM_TOO_DEEP, NULL, false},
	{"a callback that is none", "kprobe", HASH VALUE,
	 "r1 = 2\nr2 = 0xcb00000000000003 ll\nr3 = 0\nr4 = 0\ncall bpf_loop\n" OUT, VM_BAD_ARGUMENT,
	 NULL, false},
};

/* "call NAME(A, B)": A into r1, B into r2; "r10-8" is an address in the frame. */
static void put_argument(struct buf *out, u32 reg, const char *arg, u32 n)
{
	if (!strncmp(arg, "r10-", 4))
		buf_printf(out, "r%u = r10\nr%u += -%.*s\n", reg, reg, (int)n - 4, arg + 4);
	else
		buf_printf(out, "r%u = %.*s\n", reg, (int)n, arg);
}

static void put_program(struct buf *out, const char *text)
{
	for (const char *end; *text; text = end + (*end == '\n')) {
		const char *call = strstr(text, "call "), *open, *arg;

		end = strchr(text, '\n') ? strchr(text, '\n') : text + strlen(text);
		open = memchr(text, '(', (size_t)(end - text));
		if (!call || call > end || !open) {
			buf_printf(out, "%.*s\n", (int)(end - text), text);
			continue;
		}
		buf_printf(out, "%.*s\n", (int)(call - text), text); /* a label */
		arg = open + 1;
		for (u32 reg = 1; *arg && arg < end; reg++) {
			u32 n = (u32)strcspn(arg, ",)");

			put_argument(out, reg, arg, n);
			arg += n + (arg[n] == ',' ? 2 : 1);
		}
		buf_printf(out, "%.*s\n", (int)(open - call), call);
	}
}

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	print_message("%u: %s\n", d->line, d->text);
}

static void enter(struct world *w, bool packet, bool readonly)
{
	u64 data = (u64)(uintptr_t)w->room + HEAD;
	u32 *words = (u32 *)(void *)w->ctx;

	memset(w->ctx, 0, 192);
	memset(w->room, 0, ROOM);
	if (packet) {
		words[0] = SIZE;
		words[4] = 0x0008; /* IPv4 */
		words[19] = words[35] = (u32)data;
		words[20] = (u32)data + SIZE;
		w->run->packet = w->run->packet_meta = data;
		w->run->packet_end = data + SIZE;
		w->run->packet_room = (u64)(uintptr_t)w->room;
		w->run->packet_room_end = w->run->packet_room + ROOM;
		vm_lend(w->run,
			(struct vm_region){
				.start = data, .size = SIZE, .kind = VM_PACKET, .writable = true});
	}
	vm_lend(w->run, (struct vm_region){.start = (u64)(uintptr_t)w->ctx,
					   .size = 192,
					   .kind = VM_CTX,
					   .writable = !readonly});
}

static void try_row(const struct row *row, struct world *w, struct object *o, bool interpret)
{
	const struct vm_opts opts = {.interpret = interpret, .budget = 1000000};
	struct diag diag = {.fn = hear};

	assert_int_equal(vm_open(&w->vm, o, &opts, &diag), 0);
	assert_int_equal(vm_run_open(&w->run, w->vm, NULL, NULL, 0), 0);
	enter(w, *row->kind == 's', row->readonly);
	vm_call(w->run, 0, (u64)(uintptr_t)w->ctx, 0, &w->result);
	if (w->run->fault.kind != row->fault) {
		struct buf text = {0};

		vm_fault_print(&text, w->run);
		fail_msg("%s, %s: fault %u, not %u: %s", row->name,
			 interpret ? "interpreted" : "compiled", w->run->fault.kind, row->fault,
			 buf_str(&text));
	}
	if (row->check)
		row->check(w);
	vm_run_close(w->run);
	vm_close(w->vm);
}

static void nobody_breaks_out(void **state)
{
	struct world w = {.room = vm_memory(ROOM, true), .ctx = vm_memory(192, true)};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag diag = {.fn = hear};
		struct object *o = NULL;
		struct buf text = {0};

		buf_printf(&text, "%s.program p \"p\" %s\nr6 = r1\n", rows[i].maps, rows[i].kind);
		put_program(&text, rows[i].text);
		diag.text = buf_str(&text);
		diag.size = text.n;
		if (object_asm(&o, diag.text, diag.size, &diag))
			fail_msg("%s: no program", rows[i].name);
		try_row(&rows[i], &w, o, true);
		try_row(&rows[i], &w, o, false);
		object_free(o);
		buf_free(&text);
	}
	vm_memory_free(w.room, ROOM);
	vm_memory_free(w.ctx, 192);
}

/* The one who fills a user ring says that it is full of records that were thrown away. */
static u32 drain(struct world *w, u64 producer, u32 header)
{
	const struct vm_ring *r = vm_map_ring(vm_map_of(w->vm, 0));

	*r->producer = producer;
	for (u32 i = 0; i < r->size; i += 4)
		memcpy(r->data + i, &header, 4);
	vm_call(w->run, 0, 0, 0, &w->result);
	return w->run->fault.kind;
}

static void drains_come_to_an_end(void **state)
{
	static const char text[] = ".map u user_ringbuf entries 4096\n.program p \"p\" kprobe\n"
				   "r1 = map[u]\nr2 = subprog[one]\nr3 = 0\nr4 = 0\ncall "
				   "bpf_user_ringbuf_drain\nexit\none: r0 = 0\nexit\n";
	struct diag diag = {.fn = hear, .text = text, .size = sizeof(text) - 1};
	const struct vm_opts opts = {.budget = 1u << 30};
	struct object *o = NULL;
	struct world w;

	(void)state;
	assert_int_equal(object_asm(&o, text, sizeof(text) - 1, &diag), 0);
	assert_int_equal(vm_open(&w.vm, o, &opts, &diag), 0);
	assert_int_equal(vm_run_open(&w.run, w.vm, NULL, NULL, 0), 0);
	assert_int_equal(drain(&w, 1ull << 62, RING_DISCARD), VM_OK);
	assert_int_equal(w.result, 0);
	assert_int_equal(*vm_map_ring(vm_map_of(w.vm, 0))->consumer, 128 * 1024 * 8);
	assert_int_equal(drain(&w, 1ull << 62, 0), VM_OK); /* records of no bytes */
	assert_int_equal(w.result, 128 * 1024);
	assert_int_equal(drain(&w, (1ull << 62) + 4, 8), VM_OK);
	assert_int_equal((s64)w.result, -EINVAL);
	assert_int_equal(drain(&w, 1ull << 62, 4096), VM_OK);
	assert_int_equal((s64)w.result, -E2BIG);
	vm_run_close(w.run);
	vm_close(w.vm);
	object_free(o);
}

/* A slot of an array of perf events says the number of any file that we have open. */
static void other_files_are_not_read(void **state)
{
	static const char text[] =
		".map e perf_event_array key 4 value 4 entries 2\n"
		".program p \"p\" kprobe\nr1 = map[e]\nr2 = 0\nr3 = r10\nr3 += -24\n"
		"r4 = 24\ncall bpf_perf_event_read_value\nexit\n";
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_TASK_CLOCK,
				       .exclude_kernel = 1};
	int event = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0), ends[2];
	struct diag diag = {.fn = hear, .text = text, .size = sizeof(text) - 1};
	const struct vm_opts opts = {0};
	struct object *o = NULL;
	const u32 key = 0;
	struct world w;
	char left[24];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "what nobody is to read!!", 24), 24);
	assert_int_equal(object_asm(&o, text, sizeof(text) - 1, &diag), 0);
	assert_int_equal(vm_open(&w.vm, o, &opts, &diag), 0);
	assert_int_equal(vm_run_open(&w.run, w.vm, NULL, NULL, 0), 0);
	assert_int_equal(vm_map_update(vm_map_of(w.vm, 0), &key, &ends[0], BPF_ANY), 0);
	assert_int_equal(vm_call(w.run, 0, 0, 0, &w.result), 0);
	assert_int_equal((s64)w.result, -EINVAL);
	assert_int_equal(read(ends[0], left, sizeof(left)), 24);
	if (event >= 0) {
		assert_int_equal(vm_map_update(vm_map_of(w.vm, 0), &key, &event, BPF_ANY), 0);
		assert_int_equal(vm_call(w.run, 0, 0, 0, &w.result), 0);
		assert_int_equal(w.result, 0);
		close(event);
	}
	close(ends[0]);
	close(ends[1]);
	vm_run_close(w.run);
	vm_close(w.vm);
	object_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_breaks_out),
					   cmocka_unit_test(other_files_are_not_read),
					   cmocka_unit_test(drains_come_to_an_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
