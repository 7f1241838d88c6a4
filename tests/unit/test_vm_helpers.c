/*
 * test_vm_helpers.c: the machine's helpers against the kernel's: the same small program runs in
 * both, in the kernel by BPF_PROG_TEST_RUN, and everything that it leaves behind is compared.
 *
 * A case is a few calls with constants, the context, and addresses in a map; what each returned,
 * the map and the packet are compared. Ours runs interpreted and compiled, checked and trusted.
 * Without the right to load programs these tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm/map.h"

enum { MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, PROG_LOAD = 5, TEST_RUN = 10, MAP_FREEZE = 22 };
union attr {
	struct {
		u32 type, key_size, value_size, max_entries, flags;
	} make;
	struct {
		u32 fd, pad;
		u64 key, value, flags;
	} elem;
	struct {
		u32 type, count;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
	} load;
	struct {
		u32 fd, retval, in_size, out_size;
		u64 in, out;
		u32 repeat, duration;
	} run;
	char room[128];
};

static int sys(int cmd, union attr *a)
{
	long got = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return got < 0 ? -errno : (int)got;
}

/* ---- a case */

enum arg_kind { NOTHING, IMM, CTX, IO, TEXT, MAP_IO, LOW, RESULT };
struct arg {
	u8 kind;
	s64 value; /* IMM: itself; IO, TEXT: offset in the map's value */
};
#define I(v)           \
	{              \
		IMM, v \
	}
#define C              \
	{              \
		CTX, 0 \
	}
#define M(off)          \
	{               \
		IO, off \
	}
#define T(off)            \
	{                 \
		TEXT, off \
	}

#define CALLS       4
#define IO_BYTES    1024
#define RESULTS_AT  (IO_BYTES - CALLS * 8)
#define TEXT_BYTES  512
#define POINTERS    4
#define POINTERS_AT 512 /* in the map: where the program puts addresses of texts */
#define PACKET_MAX  2048
#define PACKET_ROOM 8192
struct call {
	u32 helper;
	struct arg args[5];
};
struct test {
	u32 kind;
	struct call calls[CALLS];
	u32 pointers[POINTERS]; /* offsets in the text; 0: no more */
	u8 io[IO_BYTES];
	char text[TEXT_BYTES];
	u8 packet[PACKET_MAX];
	u32 packet_size;
};
struct outcome {
	u32 result;
	u8 io[IO_BYTES];
	u8 packet[PACKET_ROOM];
	u32 packet_size;
};

/* ---- its program */

static void add(struct object *o, struct code *c, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	vec_push(&o->arena, &c->insns, (struct insn){code, dst & 15u, src & 15u, off, imm});
}

static void add_wide(struct object *o, struct code *c, u8 dst, u8 src, u64 value)
{
	add(o, c, BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, (s32)value);
	add(o, c, 0, 0, 0, 0, (s32)(value >> 32));
}

static void add_address(struct object *o, struct code *c, u8 dst, u32 map, u32 off, bool data)
{
	vec_push(&o->arena, &c->relocs, (struct code_reloc){c->insns.n, map, off, data});
	add_wide(o, c, dst, data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD, 0);
}

static void add_arg(struct object *o, struct code *c, u8 reg, const struct arg *a)
{
	switch (a->kind) {
	case IMM: add_wide(o, c, reg, 0, (u64)a->value); break;
	case CTX: add(o, c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 6, 0, 0); break;
	case IO: add_address(o, c, reg, 0, (u32)a->value, true); break;
	case TEXT: add_address(o, c, reg, 1, (u32)a->value, true); break;
	case MAP_IO: add_address(o, c, reg, 0, 0, false); break;
	}
}

static struct object *make_object(const struct test *t)
{
	struct object *o = object_new();
	struct object_prog p = {.name = "test", .section = "test", .kind = t->kind};
	u8 *io = arena_alloc(&o->arena, IO_BYTES), *text = arena_alloc(&o->arena, TEXT_BYTES);

	memcpy(io, t->io, IO_BYTES);
	memcpy(text, t->text, TEXT_BYTES);
	*vec_add(&o->arena, &o->maps) = (struct object_map){.name = "io",
							    .kind = MAP_ARRAY,
							    .key_size = 4,
							    .value_size = IO_BYTES,
							    .max_entries = 1,
							    .data = io};
	*vec_add(&o->arena, &o->maps) = (struct object_map){.name = "text",
							    .kind = MAP_ARRAY,
							    .key_size = 4,
							    .value_size = TEXT_BYTES,
							    .max_entries = 1,
							    .flags = BPF_F_RDONLY_PROG,
							    .data = text};
	add(o, &p.code, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	for (u32 i = 0; i < POINTERS && t->pointers[i]; i++) {
		add_address(o, &p.code, 1, 0, POINTERS_AT + i * 8, true);
		add_address(o, &p.code, 2, 1, t->pointers[i], true);
		add(o, &p.code, BPF_STX | BPF_MEM | BPF_DW, 1, 2, 0, 0);
	}
	for (u32 i = 0; i < CALLS && t->calls[i].helper; i++) {
		for (u8 a = 0; a < 5; a++)
			add_arg(o, &p.code, (u8)(a + 1), &t->calls[i].args[a]);
		add(o, &p.code, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)t->calls[i].helper);
		add_address(o, &p.code, 1, 0, RESULTS_AT + i * 8, true);
		add(o, &p.code, BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0);
	}
	for (u32 i = 0; i < POINTERS && t->pointers[i]; i++) { /* they differ, of course */
		add_address(o, &p.code, 1, 0, POINTERS_AT + i * 8, true);
		add(o, &p.code, BPF_ST | BPF_MEM | BPF_DW, 1, 0, 0, 0);
	}
	add(o, &p.code, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2);
	add(o, &p.code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	vec_push(&o->arena, &o->progs, p);
	return o;
}

/* ---- the kernel's side */

static int kernel_map(const struct object_map *m)
{
	union attr a = {.make = {m->kind, m->key_size, m->value_size, m->max_entries, m->flags}};
	u32 key = 0;
	int fd = sys(MAP_CREATE, &a);

	if (fd < 0)
		return fd;
	memset(&a, 0, sizeof(a));
	a.elem.fd = (u32)fd;
	a.elem.key = (u64)(uintptr_t)&key;
	a.elem.value = (u64)(uintptr_t)m->data;
	assert_int_equal(sys(MAP_UPDATE, &a), 0);
	memset(&a, 0, sizeof(a));
	a.elem.fd = (u32)fd;
	if (m->flags & BPF_F_RDONLY_PROG)
		assert_int_equal(sys(MAP_FREEZE, &a), 0);
	return fd;
}

static int kernel_load(struct object *o, const int fds[2])
{
	static char log[65536];
	struct object_prog *p = &o->progs.v[0];
	union attr a = {.load = {.type = p->kind, .count = p->code.insns.n}};
	struct insn *in = malloc(p->code.insns.n * sizeof(*in));
	int fd;

	memcpy(in, p->code.insns.v, p->code.insns.n * sizeof(*in));
	vec_each (r, &p->code.relocs) {
		in[r->insn].imm = fds[r->map];
		in[r->insn + 1].imm = (s32)r->off;
	}
	log[0] = 0;
	a.load.insns = (u64)(uintptr_t)in;
	a.load.license = (u64)(uintptr_t) "GPL";
	a.load.log_level = 1;
	a.load.log_size = sizeof(log);
	a.load.log = (u64)(uintptr_t)log;
	fd = sys(PROG_LOAD, &a);
	if (fd < 0 && getenv("VERBOSE"))
		print_message("%s\n", log);
	free(in);
	return fd;
}

/* 0, or -errno: of the load where the kernel refuses it. */
static int in_kernel(struct object *o, const struct test *t, struct outcome *out)
{
	int fds[2] = {kernel_map(&o->maps.v[0]), kernel_map(&o->maps.v[1])}, prog;
	union attr a = {0};
	u32 key = 0;
	int err;

	memset(out, 0, sizeof(*out));
	prog = fds[0] < 0 ? fds[0] : kernel_load(o, fds);
	err = MIN(prog, 0);
	if (!err) {
		a.run.fd = (u32)prog;
		a.run.in = (u64)(uintptr_t)t->packet;
		a.run.in_size = t->packet_size;
		a.run.out = (u64)(uintptr_t)out->packet;
		a.run.out_size = sizeof(out->packet);
		a.run.repeat = 1;
		err = sys(TEST_RUN, &a);
		out->result = a.run.retval;
		out->packet_size = a.run.out_size;
		memset(&a, 0, sizeof(a));
		a.elem.fd = (u32)fds[0];
		a.elem.key = (u64)(uintptr_t)&key;
		a.elem.value = (u64)(uintptr_t)out->io;
		assert_int_equal(sys(MAP_LOOKUP, &a), 0);
	}
	for (u32 i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (prog >= 0)
		close(prog);
	return err;
}

/* ---- ours */

#define ROOM_BYTES 16384
#define HEAD       4096 /* bytes of it before the packet */
struct place {
	u8 *room;
	u32 *ctx;
};

static void lend(struct vm_run *run, const void *p, u64 size, u8 kind)
{
	assert_true(vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)p,
						    .size = size,
						    .kind = kind,
						    .writable = true}));
}

/* As the kernel's test runs lay out a packet. */
static void place_packet(struct vm_run *run, const struct test *t, struct place *at)
{
	u32 data = (u32)(uintptr_t)at->room + HEAD, end = data + t->packet_size;
	bool xdp = t->kind == PROG_XDP;

	memset(at->room, 0, ROOM_BYTES);
	memset(at->ctx, 0, 256);
	memcpy(at->room + HEAD, t->packet, t->packet_size);
	run->packet = run->packet_meta = data;
	run->packet_end = end;
	run->packet_room = xdp ? data - 216 : (u32)(uintptr_t)at->room;
	run->packet_room_end =
		xdp ? data - 256 + 4096 - 320 : (u32)(uintptr_t)at->room + ROOM_BYTES;
	at->ctx[xdp ? 0 : 19] = data;
	at->ctx[xdp ? 1 : 20] = end;
	at->ctx[xdp ? 2 : 35] = data;
	if (!xdp) {
		at->ctx[0] = t->packet_size;
		at->ctx[4] = (u32)t->packet[12] | (u32)t->packet[13] << 8;
	}
	lend(run, at->ctx, 192, VM_CTX);
	lend(run, at->room + HEAD, t->packet_size, VM_PACKET);
}

static void in_ours(struct object *o, const struct test *t, const struct vm_opts *opts,
		    struct outcome *out)
{
	struct diag diag = {0};
	struct vm *vm;
	struct vm_run *run;
	struct place at = {vm_memory(ROOM_BYTES, true), vm_memory(4096, false)};
	u64 result = 0;

	memset(out, 0, sizeof(*out));
	assert_int_equal(vm_open(&vm, o, opts, &diag), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	place_packet(run, t, &at);
	if (vm_call(run, 0, (u64)(uintptr_t)at.ctx, 0, &result)) {
		struct buf text = {0};

		vm_fault_print(&text, run);
		print_message("%s\n", buf_str(&text));
		buf_free(&text);
		fail();
	}
	out->result = (u32)result;
	memcpy(out->io, vm->maps[0]->values, IO_BYTES);
	out->packet_size = (u32)(run->packet_end - run->packet_meta);
	memcpy(out->packet, (void *)(uintptr_t)run->packet_meta, out->packet_size);
	vm_run_close(run);
	vm_close(vm);
	vm_memory_free(at.room, ROOM_BYTES);
	vm_memory_free(at.ctx, 4096);
}

/* ---- both */

static const char *describe(const struct test *t)
{
	static char text[1024];
	u32 n = 0;

	for (u32 i = 0; i < CALLS && t->calls[i].helper; i++) {
		n += (u32)snprintf(text + n, sizeof(text) - n, "%s(",
				   helper_by_id(t->calls[i].helper)->name);
		for (u32 a = 0; a < 5 && t->calls[i].args[a].kind; a++)
			n += (u32)snprintf(text + n, sizeof(text) - n, "%s%s%lld", a ? ", " : "",
					   (const char *[]){"", "", "ctx ", "io+", "text+", "map ",
							    "", ""}[t->calls[i].args[a].kind],
					   (long long)t->calls[i].args[a].value);
		n += (u32)snprintf(text + n, sizeof(text) - n, ") ");
	}
	return text;
}

static void differ(const struct test *t, const char *what, u64 theirs, u64 ours)
{
	fail_msg("%s '%s': %s: the kernel has 0x%llx, we have 0x%llx", describe(t), t->text, what,
		 (unsigned long long)theirs, (unsigned long long)ours);
}

static void compare_outcomes(const struct test *t, const struct outcome *a, const struct outcome *b)
{
	char what[64];

	for (u32 i = 0; i < CALLS; i++) {
		u64 x, y;

		memcpy(&x, a->io + RESULTS_AT + i * 8, 8);
		memcpy(&y, b->io + RESULTS_AT + i * 8, 8);
		snprintf(what, sizeof(what), "result of call %u", i);
		if (x != y)
			differ(t, what, x, y);
	}
	for (u32 i = 0; i < RESULTS_AT; i++) {
		snprintf(what, sizeof(what), "io[%u] (%.20s / %.20s)", i, a->io + i, b->io + i);
		if (a->io[i] != b->io[i])
			differ(t, what, a->io[i], b->io[i]);
	}
	if (a->packet_size != b->packet_size)
		differ(t, "size of the packet", a->packet_size, b->packet_size);
	for (u32 i = 0; i < a->packet_size; i++) {
		snprintf(what, sizeof(what), "packet[%u]", i);
		if (a->packet[i] != b->packet[i])
			differ(t, what, a->packet[i], b->packet[i]);
	}
}

/* False: the kernel does not load it. */
static bool both(const struct test *t)
{
	static const struct vm_opts ways[] = {
		{.interpret = true}, {.interpret = true, .trusted = true}, {.trusted = true}, {0}};
	static struct outcome theirs, ours;
	struct object *o = make_object(t);
	int err = in_kernel(o, t, &theirs);

	if (err == -EPERM) {
		object_free(o);
		skip();
	}
	for (u32 i = 0; !err && i < ARRAY_SIZE(ways); i++) {
		in_ours(o, t, &ways[i], &ours);
		compare_outcomes(t, &theirs, &ours);
	}
	object_free(o);
	return !err;
}

static void must(const struct test *t)
{
	if (!both(t))
		fail_msg("%s: the kernel does not load it", describe(t));
}

/* ---- texts */

/* Both write the same, or the kernel's verifier and we have the same to object. */
static void written_or_refused(const struct test *t)
{
	static struct outcome out;
	struct object *o;
	s64 result;

	if (both(t))
		return;
	o = make_object(t);
	in_ours(o, t, &(struct vm_opts){0}, &out);
	memcpy(&result, out.io + RESULTS_AT, sizeof(result));
	if (result >= 0)
		differ(t, "it is refused by the kernel", (u64)-EINVAL, (u64)result);
	object_free(o);
}

static void formats_write_the_same(void **state)
{
	static const char *const formats[] = {
		"%d %u",
		"%5d|%-5d|%05d",
		"%+d % d %x",
		"%ld %lu %lx",
		"%lld %llu %llX",
		"%i %X",
		"%%",
		"100%% of %d",
		"%",
		"%z",
		"%5",
		"%hd",
		"%.3d",
		"%#x",
		"%s",
		"[%10s]",
		"[%-10s]",
		"%sx",
		"%s,%s",
		"%c%c%c",
		"[%4c]",
		"%px",
		"%20d",
		"%-020d",
		"%pI4",
		"%pi4",
		"%pI6",
		"%pi6",
		"%pI4x",
		"%pI5",
		"[%20pI4]",
		"%p4",
		"%pks %pus",
		"%d%d%d%d%d",
		"",
		"a\tb\n%d",
		"\x80%d",
		"%08lx",
		"%+5u",
		"% 05d",
		"%0-5d|",
		"%l",
		"%lld",
		"%-lld",
		"%8c|%-8c|",
		"%lc",
		"%pxx",
		"[%24px]",
		"%pks",
		"%pksx",
		"%50d",
		"%300d",
		"%300s",
		"%cx",
	};
	static struct test t = {.kind = PROG_SCHED_CLS, .packet_size = 64};
	static const s64 values[] = {0, 1, -1, 42, 255, INT32_MIN, INT64_MIN, 0x123456789abcdef};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++)
		for (u32 size = 0; size <= 512; size = size ? size * 8 : 1) {
			snprintf(t.text, sizeof(t.text), "%s", formats[i]);
			memset(t.io, 0x5a, sizeof(t.io));
			for (u32 v = 0; v < 4; v++)
				memcpy(t.io + 512 + v * 8, &values[(i + v) % 8], 8);
			t.calls[0] = (struct call){HELPER_snprintf,
						   {M(0), I(size), T(0), M(512), I(32)}};
			if (!strpbrk(formats[i], "ps") && size)
				written_or_refused(&t);
		}
}

/* The texts and IP addresses of a format lie behind it. */
static void addresses_in_formats_write_the_same(void **state)
{
	static const char *const formats[] = {
		"%s",
		"[%10s]",
		"[%-10s]",
		"%sx",
		"%s,%s;%s",
		"%pks",
		"%pksx",
		"%pI4",
		"%pi4",
		"%pI6",
		"%pi6",
		"%pI4x",
		"%pI5",
		"[%20pI4]",
		"%p4",
		"[%3s]",
		"%300s",
		"%s %s %s %s %s",
		"[%30pI6]",
		"%",
		"%pI",
		"%s%%%s",
		"%pI4, %pI6 and %s",
		"%5s%-5s|",
	};
	static struct test t = {.kind = PROG_SCHED_CLS, .packet_size = 64};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++)
		for (u32 size = 1; size <= 512; size *= 8) {
			/* The kernel loses count of an address that begins behind the end. */
			if (size < 64 && (strstr(formats[i], "pI") || strstr(formats[i], "pi")))
				continue;
			memset(t.text, 0, sizeof(t.text));
			snprintf(t.text, 64, "%s", formats[i]);
			snprintf(t.text + 64, 64, "hello");
			memcpy(t.text + 128, "\x7f\0\0\x1\xfe\x80\xaa", 7);
			snprintf(t.text + 192, 300, "%0200d", 7);
			for (u32 p = 0; p < POINTERS; p++)
				t.pointers[p] = 64 * (1 + (i + p) % 3);
			memset(t.io, 0x5a, sizeof(t.io));
			t.calls[0] = (struct call){HELPER_snprintf,
						   {M(0), I(size), T(0), M(POINTERS_AT), I(32)}};
			written_or_refused(&t);
		}
}

static void numbers_are_read_the_same(void **state)
{
	static const char *const texts[] = {
		"0",
		"7",
		"-7",
		"  42x",
		"0x1f",
		"0x",
		"-0x10",
		"017",
		"08",
		"99999999999999999999",
		"18446744073709551615",
		"9223372036854775807",
		"9223372036854775808",
		"-9223372036854775808",
		"-9223372036854775809",
		"",
		" ",
		"-",
		"--1",
		"+1",
		"\n\t 5",
		"1 2",
		"zz",
		"ff",
		"0xFFg",
		"1e5",
		"0b1",
		"00",
		"0X1F",
		"-0",
		"0xg",
	};
	static const u32 bases[] = {0, 8, 10, 16, 2, 32, 36, 1u << 8};
	static struct test t;

	(void)state;
	t.kind = PROG_SCHED_CLS;
	t.packet_size = 64;
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		for (u32 b = 0; b < ARRAY_SIZE(bases); b++)
			for (u32 size = 1; size <= 24; size += i % 4 ? 23 : 3) {
				memset(t.io, 0, sizeof(t.io));
				memcpy(t.io, texts[i], strlen(texts[i]) + 1);
				t.calls[0] = (struct call){HELPER_strtol,
							   {M(0), I(size), I(bases[b]), M(64)}};
				t.calls[1] = (struct call){HELPER_strtoul,
							   {M(0), I(size), I(bases[b]), M(72)}};
				must(&t);
			}
}

static void texts_compare_the_same(void **state)
{
	static const char *const texts[] = {"", "a", "abc", "abd", "ab", "\xff", "abcdef"};
	static struct test t = {.kind = PROG_SCHED_CLS, .packet_size = 64};

	(void)state;
	for (u32 i = 0; i < 49; i++) {
		snprintf((char *)t.io, 16, "%s", texts[i / 7]);
		snprintf(t.text, 16, "%s", texts[i % 7]);
		t.calls[0] = (struct call){HELPER_strncmp, {M(0), I(1 + i % 8), T(0)}};
		must(&t);
	}
}

/* ---- packets: calls by chance */

static u32 draw(u64 *random, u32 below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (u32)(*random >> 20) % below;
}

/* What stands for an argument is drawn: a number below, one of some numbers, or a place in the map.
 */
enum draw_kind { D_NONE, D_CTX, D_BELOW, D_ONE, D_IO, D_WORD, D_SIZE4 };
struct chance {
	u32 helper;
	struct {
		u8 kind;
		s32 most;
		const s32 *one; /* D_ONE: `most` of them */
	} args[5];
};
#define ANY                     \
	{                       \
		D_WORD, 0, NULL \
	}
#define CONTEXT                \
	{                      \
		D_CTX, 0, NULL \
	}
#define BELOW(n)                 \
	{                        \
		D_BELOW, n, NULL \
	}
#define ONE_OF(list)                          \
	{                                     \
		D_ONE, ARRAY_SIZE(list), list \
	}
#define PLACE                 \
	{                     \
		D_IO, 0, NULL \
	}
#define SIZE(n)                  \
	{                        \
		D_SIZE4, n, NULL \
	}

static const s32 zeroes[] = {0, 0, 0, 0, 0, 1, 2, 8};
static const s32 csum_flags[] = {0, 2, 4, 0x10, 0x12, 0x14, 0x22, 0x32, 0x64, 0x72, 1, 3, 0x100};
static const s32 offsets[] = {24, 24, 24, 40, 40, 0, 2, 3, 25, 62, 63, 64, 100, 0xfffe, 0x10000};
static const s32 vlans[] = {0x0081, 0xa888, 0, 0x1234};
static const s32 rooms[] = {0, 1, 4, 8, 20, 40, -1, -4, -8, -20, -50, 200, 4095, 4096, -4096};
static const s32 room_flags[] = {0, 0, 0, 1, 0x20, 0x80, 0x100, 1 << 20};
static const s32 modes[] = {0, 1, 0, 1, 2};
static const s32 sizes[] = {0, 13, 14, 15, 20, 34, 60, 64, 65, 100, 1000, 70000};
static const s32 moves[] = {0, 1, 4, -4, 8, -8, 16, 50, 51, -100, -216, -217, 4000, -4000, 300};
static const s32 metas[] = {0, -4, -8, -32, -36, -3, 4, 8, -252, -256, -300};
static const s32 tails[] = {0, 1, -1, 20, -20, -50, -51, 3000, 3456, 3457, 3500, -5000};

static const struct chance skb_calls[] = {
	{HELPER_skb_load_bytes, {CONTEXT, BELOW(80), PLACE, BELOW(33)}},
	{HELPER_skb_load_bytes_relative, {CONTEXT, BELOW(80), PLACE, BELOW(33), BELOW(3)}},
	{HELPER_skb_store_bytes, {CONTEXT, BELOW(80), PLACE, BELOW(33), ONE_OF(zeroes)}},
	{HELPER_l3_csum_replace, {CONTEXT, ONE_OF(offsets), ANY, ANY, ONE_OF(csum_flags)}},
	{HELPER_l4_csum_replace, {CONTEXT, ONE_OF(offsets), ANY, ANY, ONE_OF(csum_flags)}},
	{HELPER_csum_diff, {PLACE, SIZE(64), PLACE, SIZE(64), ANY}},
	{HELPER_skb_change_tail, {CONTEXT, ONE_OF(sizes), ONE_OF(zeroes)}},
	{HELPER_skb_change_head, {CONTEXT, BELOW(200), ONE_OF(zeroes)}},
	{HELPER_skb_pull_data, {CONTEXT, ONE_OF(sizes)}},
	{HELPER_skb_adjust_room, {CONTEXT, ONE_OF(rooms), ONE_OF(modes), ONE_OF(room_flags)}},
	{HELPER_skb_vlan_push, {CONTEXT, ONE_OF(vlans), BELOW(4096)}},
	{HELPER_skb_vlan_pop, {CONTEXT}},
	{HELPER_skb_change_type, {CONTEXT, BELOW(6)}},
	{HELPER_csum_update, {CONTEXT, ANY}},
	{HELPER_redirect, {BELOW(9), ONE_OF(zeroes)}},
	{HELPER_redirect_peer, {BELOW(9), ONE_OF(zeroes)}},
};
static const struct chance xdp_calls[] = {
	{HELPER_xdp_adjust_head, {CONTEXT, ONE_OF(moves)}},
	{HELPER_xdp_adjust_tail, {CONTEXT, ONE_OF(tails)}},
	{HELPER_xdp_adjust_meta, {CONTEXT, ONE_OF(metas)}},
	{HELPER_xdp_get_buff_len, {CONTEXT}},
	{HELPER_xdp_load_bytes, {CONTEXT, BELOW(80), PLACE, BELOW(33)}},
	{HELPER_xdp_store_bytes, {CONTEXT, BELOW(80), PLACE, BELOW(33)}},
	{HELPER_csum_diff, {PLACE, SIZE(64), PLACE, SIZE(64), ANY}},
	{HELPER_redirect, {BELOW(9), ONE_OF(zeroes)}},
};

static void draw_call(u64 *random, const struct chance *from, struct call *to)
{
	to->helper = from->helper;
	for (u32 i = 0; i < 5; i++) {
		s32 most = from->args[i].most;
		struct arg *a = &to->args[i];

		a->kind = IMM;
		switch (from->args[i].kind) {
		case D_NONE: a->kind = NOTHING; break;
		case D_CTX: a->kind = CTX; break;
		case D_BELOW: a->value = draw(random, (u32)most); break;
		case D_ONE: a->value = from->args[i].one[draw(random, (u32)most)]; break;
		case D_WORD: a->value = draw(random, 4) ? draw(random, UINT32_MAX) : 0; break;
		case D_SIZE4: a->value = draw(random, (u32)most / 4) * 4; break;
		case D_IO: a->kind = IO; a->value = draw(random, 8) * 64;
		}
	}
}

static void fill_packet(u64 *random, struct test *t)
{
	static const u8 ip4[] = {0x45, 0, 0, 50, 1, 2, 0, 0, 64, 17};
	static const u8 types[][2] = {{8, 0},       {8, 0},    {8, 0},
				      {0x86, 0xdd}, {0x81, 0}, {0x88, 0xa8}};
	const u8 *type = types[draw(random, ARRAY_SIZE(types))];

	t->packet_size = 64;
	for (u32 i = 0; i < t->packet_size; i++)
		t->packet[i] = (u8)draw(random, 256);
	memcpy(t->packet + 12, type, 2);
	memcpy(t->packet + 14, ip4, sizeof(ip4));
	if (draw(random, 4) == 0)
		memset(t->packet + 40, 0, 2);
	for (u32 i = 0; i < 512; i++)
		t->io[i] = (u8)draw(random, 256);
}

static void packets_become_the_same(u32 kind, const struct chance *calls, u32 n, u32 cases)
{
	static struct test t;
	u64 random = 0x9e3779b97f4a7c15ull;
	u32 loaded = 0;

	t.kind = kind;
	for (u32 i = 0; i < cases; i++) {
		fill_packet(&random, &t);
		memset(t.calls, 0, sizeof(t.calls));
		for (u32 c = 0; c <= i % CALLS; c++)
			draw_call(&random, &calls[draw(&random, n)], &t.calls[c]);
		loaded += both(&t);
	}
	assert_true(loaded > cases / 2); /* sizes of 0 are refused by the kernel's verifier */
}

static void buffers_become_the_same(void **state)
{
	(void)state;
	packets_become_the_same(PROG_SCHED_CLS, skb_calls, ARRAY_SIZE(skb_calls), 300);
}

static void frames_become_the_same(void **state)
{
	(void)state;
	packets_become_the_same(PROG_XDP, xdp_calls, ARRAY_SIZE(xdp_calls), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_write_the_same),
		cmocka_unit_test(addresses_in_formats_write_the_same),
		cmocka_unit_test(numbers_are_read_the_same),
		cmocka_unit_test(texts_compare_the_same),
		cmocka_unit_test(buffers_become_the_same),
		cmocka_unit_test(frames_become_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
