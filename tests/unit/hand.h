/*
 * hand.h: objects assembled by hand, for tests of what lies below the compiler.
 *
 * hand_new() makes the maps that every script has (rings, .bss, .rodata) and a schema of one u64.
 * hand_emit() makes a program that, in the process of config.pid only, writes such a record.
 */
#ifndef TESTS_HAND_H
#define TESTS_HAND_H

#include "engine/engine.h"

enum { HAND_RINGS, HAND_BSS, HAND_RODATA, HAND_MAPS };

struct hand {
	struct object *o;
	struct code *c; /* of the program being written */
};

static inline u32 hand_op(struct hand *h, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	*vec_add(&h->o->arena, &h->c->insns) = (struct insn){code, dst & 15u, src & 15u, off, imm};
	return h->c->insns.n - 1;
}

static inline void hand_mov(struct hand *h, u8 dst, s32 imm)
{
	hand_op(h, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static inline void hand_movr(struct hand *h, u8 dst, u8 src)
{
	hand_op(h, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static inline void hand_call(struct hand *h, s32 helper)
{
	hand_op(h, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static inline void hand_map(struct hand *h, u8 dst, u32 map, bool data, u32 off)
{
	struct code_reloc r = {.map = map, .off = off, .data = data};

	r.insn = hand_op(h, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, 0);
	hand_op(h, 0, 0, 0, 0, 0);
	vec_push(&h->o->arena, &h->c->relocs, r);
}

/* dst = the word at an offset of a data section */
static inline void hand_data(struct hand *h, u8 dst, u32 map, u32 off)
{
	hand_map(h, dst, map, true, off);
	hand_op(h, BPF_LDX | BPF_MEM | BPF_DW, dst, dst, 0, 0);
}

static inline void hand_land(struct hand *h, u32 jump)
{
	h->c->insns.v[jump].off = (s16)(h->c->insns.n - jump - 1);
}

static inline void hand_exit(struct hand *h)
{
	hand_mov(h, 0, 0);
	hand_op(h, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static inline u32 hand_prog(struct hand *h, const char *name, u32 kind, u8 attach,
			    const char *pattern, u64 ns)
{
	struct object *o = h->o;
	struct object_prog *p = vec_add(&o->arena, &o->progs);
	struct attach *a = vec_add(&o->arena, &o->attaches);

	*p = (struct object_prog){
		.name = name, .section = "raw_tp/x", .probe = pattern, .kind = kind};
	*a = (struct attach){.kind = attach, .prog = o->progs.n - 1, .pattern = pattern, .ns = ns};
	h->c = &p->code;
	o->maps.v[HAND_BSS].value_size =
		(u32)(sizeof(struct waggle_control) +
		      o->progs.n * CONTROL_CPUS * sizeof(struct waggle_counters));
	return o->progs.n - 1;
}

static inline u32 hand_schema(struct hand *h, const char *name, u8 action)
{
	struct object *o = h->o;
	struct schema *s = vec_add(&o->arena, &o->schemas);
	struct field *f = arena_new(&o->arena, struct field);

	*f = (struct field){.name = "value", .kind = FIELD_UINT, .size = 8};
	*s = (struct schema){.id = o->schemas.n - 1, .name = name, .group = o->schemas.n - 1};
	s->layout = (struct layout){f, 1, 8};
	s->action = (struct action){.kind = action, .text = "%d\n"};
	return s->id;
}

static inline void hand_new(struct hand *h)
{
	struct object *o = object_new();
	struct object_map *m;

	*h = (struct hand){.o = o};
	o->license = "GPL";
	o->source_name = "hand.bt";
	o->source = "first line\nsecond line\nthird line\n";
	o->source_size = strlen(o->source);
	m = vec_add(&o->arena, &o->maps);
	*m = (struct object_map){.name = WAGGLE_RINGS,
				 .kind = MAP_ARRAY_OF_MAPS,
				 .key_size = 4,
				 .value_size = 4,
				 .max_entries = 2,
				 .fill_per_cpu = true,
				 .inner = {.kind = MAP_RINGBUF, .max_entries = RING_BYTES}};
	m = vec_add(&o->arena, &o->maps);
	*m = (struct object_map){.name = ".bss",
				 .kind = MAP_ARRAY,
				 .key_size = 4,
				 .max_entries = 1,
				 .section = SECTION_BSS};
	m->value_size = sizeof(struct waggle_control);
	m = vec_add(&o->arena, &o->maps);
	*m = (struct object_map){.name = ".rodata",
				 .kind = MAP_ARRAY,
				 .key_size = 4,
				 .max_entries = 1,
				 .section = SECTION_RODATA};
	m->value_size = sizeof(struct waggle_config);
	m->data = arena_alloc(&o->arena, m->value_size);
	((struct waggle_config *)m->data)->cpu_mask = 1;
}

/* Returns from the program unless it runs in the process that a word of the config names. */
static inline void hand_only(struct hand *h, u32 config)
{
	u32 same;

	hand_call(h, HELPER_get_current_pid_tgid);
	hand_op(h, BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 32);
	hand_data(h, 1, HAND_RODATA, config);
	same = hand_op(h, BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0, 0);
	hand_exit(h);
	hand_land(h, same);
}

/* Writes a record with the value of r8, counts it as lost where there is no room. */
static inline void hand_emit(struct hand *h, u32 prog, u32 schema)
{
	u32 lost1, lost2, quiet;

	hand_call(h, HELPER_get_smp_processor_id);
	hand_data(h, 1, HAND_RODATA, offsetof(struct waggle_config, cpu_mask));
	hand_op(h, BPF_ALU64 | BPF_AND | BPF_X, 0, 1, 0, 0);
	hand_op(h, BPF_STX | BPF_MEM | BPF_W, 10, 0, -4, 0);
	hand_map(h, 1, HAND_RINGS, false, 0);
	hand_movr(h, 2, 10);
	hand_op(h, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	hand_call(h, HELPER_map_lookup_elem);
	lost1 = hand_op(h, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0);
	hand_movr(h, 1, 0);
	hand_mov(h, 2, sizeof(struct waggle_record) + 8);
	hand_mov(h, 3, 0);
	hand_call(h, HELPER_ringbuf_reserve);
	lost2 = hand_op(h, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0);
	hand_movr(h, 7, 0);
	hand_call(h, HELPER_ktime_get_ns);
	hand_op(h, BPF_STX | BPF_MEM | BPF_DW, 7, 0, 0, 0);
	hand_op(h, BPF_ST | BPF_MEM | BPF_W, 7, 0, 8, (s32)schema);
	hand_op(h, BPF_ST | BPF_MEM | BPF_W, 7, 0, 12, 8);
	hand_op(h, BPF_STX | BPF_MEM | BPF_DW, 7, 8, 16, 0);
	hand_map(h, 1, HAND_BSS, true, 0);
	hand_op(h, BPF_LDX | BPF_MEM | BPF_DW, 3, 1, 0, 0);
	hand_mov(h, 2, 1); /* BPF_RB_NO_WAKEUP */
	quiet = hand_op(h, BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 0, 0);
	hand_op(h, BPF_ST | BPF_MEM | BPF_DW, 1, 0, 0, 0);
	hand_mov(h, 2, 2); /* BPF_RB_FORCE_WAKEUP */
	hand_land(h, quiet);
	hand_movr(h, 1, 7);
	hand_call(h, HELPER_ringbuf_submit);
	hand_exit(h);
	hand_land(h, lost1);
	hand_land(h, lost2);
	hand_map(h, 1, HAND_BSS, true,
		 (u32)(sizeof(struct waggle_control) +
		       prog * CONTROL_CPUS * sizeof(struct waggle_counters)));
	hand_mov(h, 2, 1);
	hand_op(h, BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD);
	hand_exit(h);
}

#define HAND_GETPPID "syscalls:sys_enter_getppid"

/* A program on getppid of the process that a word of the config names: record `value`. */
static inline u32 hand_getppid_of(struct hand *h, const char *name, u32 config, u32 schema,
				  s32 value)
{
	u32 prog = hand_prog(h, name, PROG_TRACEPOINT, ATTACH_TRACEPOINT, HAND_GETPPID, 0);

	hand_only(h, config);
	hand_mov(h, 8, value);
	hand_emit(h, prog, schema);
	return prog;
}

/* The same for the process that -p names. */
static inline u32 hand_getppid(struct hand *h, const char *name, u32 schema, s32 value)
{
	return hand_getppid_of(h, name, offsetof(struct waggle_config, pid), schema, value);
}

/* BEGIN, END or an interval: record `value`. */
static inline u32 hand_run(struct hand *h, const char *name, u8 attach, u64 ns, u32 schema,
			   s32 value)
{
	u32 prog = hand_prog(h, name, PROG_RAW_TRACEPOINT, attach, name, ns);

	hand_mov(h, 8, value);
	hand_emit(h, prog, schema);
	return prog;
}

#endif
