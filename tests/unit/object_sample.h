/*
 * object_sample.h: an object made by hand, as a front end would make it.
 *
 * Two programs of one tracepoint: `count_calls` counts the calls of one process in a hash map whose
 * key is { u64 pid; char tag[8] }, `send_record` sends a record with the constant 0x1122334455667788
 * through the CPU's ring; both compare the process with the config in .rodata. A third, `begin`,
 * is a raw tracepoint program that does nothing.
 */
#ifndef OBJECT_SAMPLE_H
#define OBJECT_SAMPLE_H

#include "object/object.h"

enum { MAP_RODATA, MAP_BSS, MAP_COUNTS, MAP_SIZES, MAP_FIRST, MAP_RINGS, MAP_DATA, MAPS };
#define SAMPLE_CONSTANT 0x1122334455667788ull
#define SAMPLE_CPUS	4
#define SAMPLE_TRACEPOINT "syscalls:sys_enter_getppid"

static const char sample_source[] =
	"BEGIN { @first = 1; }\n"
	"tracepoint:syscalls:sys_enter_getppid {\n"
	"\t@counts[pid, \"ab\"] = count();\n"
	"\tprintf(\"%d\\n\", 0x1122334455667788);\n"
	"}\n";

struct sample {
	struct object *o;
	struct code *code; /* of the program that is being made */
};

static inline u32 ins(struct sample *s, int code, int dst, int src, int off, s32 imm)
{
	vec_push(&s->o->arena, &s->code->insns,
		 (struct insn){.code = (u8)code, .dst = dst & 15, .src = src & 15,
			       .off = (s16)off, .imm = imm});
	return s->code->insns.n - 1;
}

/* ld_imm64 of a map, or of an address in its data */
static inline void ins_map(struct sample *s, int dst, u32 map, u32 off)
{
	bool data = s->o->maps.v[map].section != SECTION_NONE;

	vec_push(&s->o->arena, &s->code->relocs,
		 (struct code_reloc){.insn = s->code->insns.n, .map = map, .off = off,
				     .data = data});
	ins(s, BPF_LD | BPF_IMM | BPF_DW, dst,
	    data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD, 0, 0);
	ins(s, 0, 0, 0, 0, (s32)off);
}

static inline void line(struct sample *s, u32 number, u32 col)
{
	vec_push(&s->o->arena, &s->code->lines,
		 (struct code_line){.insn = s->code->insns.n, .line = number << 10 | col});
}

static inline void mov(struct sample *s, int dst, int src)
{
	ins(s, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static inline void movi(struct sample *s, int dst, s32 imm)
{
	ins(s, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static inline void call(struct sample *s, u32 helper)
{
	ins(s, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)helper);
}

static inline u32 jump(struct sample *s, int op, int dst, s32 imm)
{
	return ins(s, BPF_JMP | op | BPF_K, dst, 0, 0, imm);
}

static inline void land(struct sample *s, u32 at)
{
	s->code->insns.v[at].off = (s16)(s->code->insns.n - at - 1);
}

static inline void leave(struct sample *s)
{
	movi(s, 0, 0);
	ins(s, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static inline void begin_prog(struct sample *s, const char *name, const char *section,
			      const char *probe, u32 kind)
{
	struct object_prog *p = vec_add(&s->o->arena, &s->o->progs);

	*p = (struct object_prog){.name = name, .section = section, .probe = probe, .kind = kind};
	s->code = &p->code;
}

/* r6 = pid; returns the jump that is taken when it is another process */
static inline u32 only_our_process(struct sample *s)
{
	call(s, HELPER_get_current_pid_tgid);
	mov(s, 6, 0);
	ins(s, BPF_ALU64 | BPF_RSH | BPF_K, 6, 0, 0, 32);
	ins_map(s, 1, MAP_RODATA, offsetof(struct waggle_config, pid));
	ins(s, BPF_LDX | BPF_MEM | BPF_DW, 1, 1, 0, 0);
	return ins(s, BPF_JMP | BPF_JNE | BPF_X, 6, 1, 0, 0);
}

static inline void add_count_calls(struct sample *s)
{
	u32 other, found, out;

	begin_prog(s, "count_calls", "tracepoint/syscalls/sys_enter_getppid",
		   "tracepoint:" SAMPLE_TRACEPOINT, PROG_TRACEPOINT);
	s->code->stack = 24;
	line(s, 2, 1);
	other = only_our_process(s);
	line(s, 3, 2);
	ins(s, BPF_STX | BPF_MEM | BPF_DW, 10, 6, -16, 0);
	ins(s, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0x6261); /* "ab" */
	ins_map(s, 1, MAP_COUNTS, 0);
	mov(s, 2, 10);
	ins(s, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -16);
	call(s, HELPER_map_lookup_elem);
	found = jump(s, BPF_JNE, 0, 0);
	ins(s, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -24, 1);
	ins_map(s, 1, MAP_COUNTS, 0);
	mov(s, 2, 10);
	ins(s, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -16);
	mov(s, 3, 10);
	ins(s, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -24);
	movi(s, 4, 0);
	call(s, HELPER_map_update_elem);
	out = ins(s, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(s, found);
	movi(s, 1, 1);
	ins(s, BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD);
	land(s, out);
	land(s, other);
	line(s, 5, 1);
	leave(s);
}

static inline void add_send_record(struct sample *s)
{
	u32 other, no_ring, room, out;

	begin_prog(s, "send_record", "tracepoint/syscalls/sys_enter_getppid",
		   "tracepoint:" SAMPLE_TRACEPOINT, PROG_TRACEPOINT);
	s->code->stack = 8;
	line(s, 2, 1);
	other = only_our_process(s);
	line(s, 4, 2);
	call(s, HELPER_get_smp_processor_id);
	ins(s, BPF_STX | BPF_MEM | BPF_W, 10, 0, -4, 0);
	ins_map(s, 1, MAP_RINGS, 0);
	mov(s, 2, 10);
	ins(s, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	call(s, HELPER_map_lookup_elem);
	no_ring = jump(s, BPF_JEQ, 0, 0);
	mov(s, 1, 0);
	movi(s, 2, sizeof(struct waggle_record) + 8);
	movi(s, 3, 0);
	call(s, HELPER_ringbuf_reserve);
	room = jump(s, BPF_JNE, 0, 0);
	land(s, no_ring);
	ins_map(s, 1, MAP_BSS, sizeof(struct waggle_control) +
			CONTROL_CPUS * sizeof(struct waggle_counters));
	movi(s, 2, 1);
	ins(s, BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD);
	out = ins(s, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(s, room);
	mov(s, 7, 0);
	call(s, HELPER_ktime_get_ns);
	ins(s, BPF_STX | BPF_MEM | BPF_DW, 7, 0, 0, 0);
	ins(s, BPF_ST | BPF_MEM | BPF_W, 7, 0, 8, 0);
	ins(s, BPF_ST | BPF_MEM | BPF_W, 7, 0, 12, 8);
	ins_map(s, 1, MAP_RODATA, sizeof(struct waggle_config));
	ins(s, BPF_LDX | BPF_MEM | BPF_DW, 1, 1, 0, 0);
	ins(s, BPF_STX | BPF_MEM | BPF_DW, 7, 1, 16, 0);
	mov(s, 1, 7);
	movi(s, 2, 1); /* BPF_RB_NO_WAKEUP */
	call(s, HELPER_ringbuf_submit);
	land(s, out);
	land(s, other);
	line(s, 5, 1);
	leave(s);
}

static inline struct layout layout_of(struct object *o, u32 size, u32 n, const struct field *fields)
{
	struct layout l = {.n = n, .size = size, .fields = arena_array(&o->arena, struct field, n)};

	memcpy(l.fields, fields, n * sizeof(*fields));
	return l;
}

static inline void add_maps(struct sample *s, u32 pid)
{
	struct object *o = s->o;
	struct waggle_config config = {.pid = pid, .cpu_mask = SAMPLE_CPUS - 1};
	const u64 constant = SAMPLE_CONSTANT;
	struct object_map maps[MAPS] = {
		[MAP_RODATA] = {.name = ".rodata", .kind = MAP_ARRAY, .key_size = 4,
				.value_size = sizeof(config) + 8, .max_entries = 1,
				.flags = 1 << 7, .section = SECTION_RODATA},
		[MAP_BSS] = {.name = ".bss", .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1,
			     .value_size = sizeof(struct waggle_control) +
				3 * CONTROL_CPUS * sizeof(struct waggle_counters),
			     .flags = 1 << 10, .section = SECTION_BSS, .per_cpu = 256},
		[MAP_COUNTS] = {.name = "counts", .shown = "@counts", .kind = MAP_HASH,
				.key_size = 16, .value_size = 8, .max_entries = 4096,
				.agg = AGG_COUNT, .at = {.line = 3, .col = 2, .len = 7}},
		[MAP_SIZES] = {.name = "sizes", .shown = "@sizes", .kind = MAP_PERCPU_HASH,
			       .key_size = 24, .value_size = 8 * 12, .max_entries = 100,
			       .agg = AGG_LHIST, .agg_arg = {-5, 5, 1}},
		[MAP_FIRST] = {.name = "first", .shown = "@first", .kind = MAP_ARRAY,
			       .key_size = 4, .value_size = 16, .max_entries = 1, .scalar = true},
		[MAP_RINGS] = {.name = WAGGLE_RINGS, .kind = MAP_ARRAY_OF_MAPS, .key_size = 4,
			       .value_size = 4, .max_entries = SAMPLE_CPUS, .fill_per_cpu = true,
			       .inner = {.kind = MAP_RINGBUF, .max_entries = 65536}},
		[MAP_DATA] = {.name = ".data.last", .shown = "@last", .kind = MAP_ARRAY,
			      .key_size = 4, .value_size = 16, .max_entries = 1, .scalar = true,
			      .section = SECTION_DATA},
	};
	const struct field key[] = {
		{.name = "pid", .kind = FIELD_UINT, .size = 8},
		{.name = "tag", .kind = FIELD_STR, .off = 8, .size = 8},
	};
	const struct field pair[] = {
		{.name = "uid", .kind = FIELD_UINT, .size = 4},
		{.name = "delta", .kind = FIELD_INT, .off = 4, .size = 4, .unit = UNIT_MS},
	};
	struct field nested[] = {
		{.name = "user-and-time", .kind = FIELD_TUPLE, .size = 8,
		 .sub = arena_new(&o->arena, struct layout)},
		{.name = "raw", .kind = FIELD_BYTES, .off = 8, .size = 16, .unit = UNIT_HEX},
	};
	const struct field number = {.name = "value", .kind = FIELD_INT, .size = 8, .width = 12};

	*nested[0].sub = layout_of(o, 8, 2, pair);
	maps[MAP_COUNTS].key = layout_of(o, 16, 2, key);
	maps[MAP_SIZES].key = layout_of(o, 24, 2, nested);
	maps[MAP_DATA].value = layout_of(o, 8, 1, &number);
	maps[MAP_FIRST].value = layout_of(o, 8, 1, &number);
	maps[MAP_RODATA].data = arena_alloc(&o->arena, maps[MAP_RODATA].value_size);
	memcpy(maps[MAP_RODATA].data, &config, sizeof(config));
	memcpy(maps[MAP_RODATA].data + sizeof(config), &constant, sizeof(constant));
	for (u32 i = 0; i < MAPS; i++)
		vec_push(&o->arena, &o->maps, maps[i]);
}

static inline void add_rest(struct sample *s)
{
	const struct field number = {.name = "arg1", .kind = FIELD_INT, .size = 8};
	struct object *o = s->o;

	vec_push(&o->arena, &o->schemas, (struct schema){
		.id = 0, .name = "printf", .layout = layout_of(o, 8, 1, &number),
		.action = {.kind = ACTION_PRINTF, .text = "%d\n"}});
	vec_push(&o->arena, &o->schemas, (struct schema){
		.id = 1, .name = "print", .view = VIEW_TABLE, .group = 1,
		.action = {.kind = ACTION_PRINT_MAP, .map = MAP_COUNTS, .top = 5, .div = 1000}});
	vec_push(&o->arena, &o->schemas, (struct schema){
		.id = 2, .name = "emit", .view = VIEW_TABLE, .group = 1,
		.layout = layout_of(o, 8, 1, &number), .action = {.kind = ACTION_EMIT}});
	vec_push(&o->arena, &o->attaches, (struct attach){.kind = ATTACH_BEGIN, .prog = 2});
	vec_push(&o->arena, &o->attaches, (struct attach){
		.kind = ATTACH_INTERVAL, .prog = 2, .ns = 1000000000});
	for (u32 i = 0; i < 2; i++)
		vec_push(&o->arena, &o->attaches, (struct attach){
			.kind = ATTACH_TRACEPOINT, .prog = i, .pattern = SAMPLE_TRACEPOINT,
			.cookie = i * 0x123456789abcdefull,
			.fields = i ? "filename 16 8\nflags 24 8\n" : NULL});
	vec_push(&o->arena, &o->attaches, (struct attach){
		.kind = ATTACH_USDT, .prog = 2, .pattern = "/bin/prog", .off = 0x1234,
		.semaphore = 0x5678});
	vec_push(&o->arena, &o->attaches, (struct attach){
		.kind = ATTACH_SOFTWARE, .prog = 2, .off = 2, .count = 100});
}

/* pid: the process that is traced */
static inline struct object *sample_object(u32 pid)
{
	struct sample s = {.o = object_new()};

	s.o->kernel = KERNEL(6, 1);
	s.o->license = "GPL";
	s.o->source_name = "sample.bt";
	s.o->source = sample_source;
	s.o->source_size = sizeof(sample_source) - 1;
	add_maps(&s, pid);
	add_count_calls(&s);
	add_send_record(&s);
	begin_prog(&s, "begin", "raw_tracepoint/sys_enter", "begin", PROG_RAW_TRACEPOINT);
	leave(&s);
	add_rest(&s);
	return s.o;
}

#endif
