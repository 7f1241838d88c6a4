/*
 * lower_stack.c: stacks and symbols.
 *
 * A stack in a record or a value is its return addresses, copied there by the kernel: the record
 * says everything by itself. (A value can have its id, as keys have it: kstack(id).) As a key that would be a kilobyte to hash and compare for each event
 * (and 5.10 takes keys of 512 bytes only), so a key holds 16 bytes: a hash of the addresses and
 * the process. The addresses are kept once for each stack in a hash map by that hash, which is
 * written to when a stack is new. The kernel's own map for stacks does less: it has as many
 * buckets as are allocated at once, and a stack whose bucket is taken is lost or overwrites.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define BPF_F_USER_STACK  (1u << 8)
#define BPF_F_NO_PREALLOC 1
#define BPF_NOEXIST       1
#define STACKS_MOST       8192
#define STACKS_RESERVED   2048 /* where all are allocated at once */
#define HASH_SEED         0x9e3779b97f4a7c15ll
#define HASH_MULTIPLIER   0x2545f4914f6cdd1dll

/* Writes frames and returns their bytes, negative: none. The kernel zeroes the rest. */
static u32 get_stack(struct lower *l, struct mem to, u32 bytes, bool user)
{
	return ir_call(l->fn, HELPER_get_stack, IRT_I64, 4, ir_ctx(l->fn), mem_addr(l, to),
		       ir_const(l->fn, bytes), ir_const(l->fn, user ? BPF_F_USER_STACK : 0));
}

void store_kstack(struct lower *l, struct node *n, struct mem to)
{
	get_stack(l, to, n->type.size, false);
}

void store_ustack(struct lower *l, struct node *n, struct mem to)
{
	if (l->script->limits.call_graph == CALL_GRAPH_DWARF) {
		store_dw_ustack(l, n, to);
		return;
	}
	ir_store(l->fn, 8, to.ptr, to.off, lower_pid(l));
	to.off += 8;
	get_stack(l, to, n->type.size - 8, true);
}

void store_ksym(struct lower *l, struct node *n, struct mem to)
{
	ir_store(l->fn, 8, to.ptr, to.off, lower_int(l, n->a));
}

void store_usym(struct lower *l, struct node *n, struct mem to)
{
	u32 addr = lower_int(l, n->a);

	ir_store(l->fn, 8, to.ptr, to.off, addr);
	ir_store(l->fn, 8, to.ptr, to.off + 8, lower_pid(l));
}

/* ---- stacks in keys */

static void stacks_map(struct lower *l)
{
	bool lazy = l->object->kernel >= KERNEL(6, 1); /* see map_kind_of() */
	u32 most = lazy ? STACKS_MOST : STACKS_RESERVED, asked = l->script->limits.map_entries;
	struct object_map *o;

	if (l->stacks)
		return;
	o = vec_add(&l->object->arena, &l->object->maps);
	*o = (struct object_map){.name = STACKS_MAP,
				 .kind = MAP_HASH,
				 .key_size = 8,
				 .value_size = 8 * STACK_FRAMES,
				 .max_entries = asked > MAP_ENTRIES_DEFAULT ? MAX(most, asked) : most,
				 .flags = lazy ? BPF_F_NO_PREALLOC : 0};
	l->stacks = l->object->maps.n - 1;
}

/* The hash of the frames in memory, up to the first 0. */
static u32 hash_frames(struct lower *l, struct mem frames, u32 count)
{
	struct ir_fn *fn = l->fn;
	u32 hash = ir_var(fn, IRT_I64), at = ir_var(fn, IRT_I64), base = mem_addr(l, frames);
	u32 head = ir_block(fn), look = ir_block(fn), mix = ir_block(fn), done = ir_block(fn);
	u32 frame, h;

	ir_set(fn, hash, ir_const(fn, HASH_SEED));
	ir_set(fn, at, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, at), ir_const(fn, 8 * count)), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	frame = ir_load(fn, 8, false, ir_bin(fn, IR_ADD, IRT_DATA, base, ir_get(fn, at)), 0);
	ir_br(fn, frame, mix, done);
	ir_seal(fn, mix);
	ir_at(fn, mix);
	h = ir_bin(fn, IR_XOR, IRT_I64, ir_get(fn, hash), frame);
	h = ir_bin(fn, IR_MUL, IRT_I64, h, ir_const(fn, HASH_MULTIPLIER));
	h = ir_bin(fn, IR_XOR, IRT_I64, h, ir_bin(fn, IR_SHR, IRT_I64, h, ir_const(fn, 29)));
	ir_set(fn, hash, h);
	ir_set(fn, at, ir_bin(fn, IR_ADD, IRT_I64, ir_get(fn, at), ir_const(fn, 8)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, hash);
}

/* Keeps the frames in the map of stacks if it has not got them; id is their key in memory. */
static void keep_stack(struct lower *l, struct mem id, struct mem frames)
{
	struct ir_fn *fn = l->fn;
	u32 keep = ir_block(fn), done = ir_block(fn), known, result, key = mem_addr(l, id);
	u32 value = mem_addr(l, frames), full = ir_block(fn);

	known = ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(fn, l->stacks), key);
	ir_br(fn, known, done, keep);
	ir_seal(fn, keep);
	ir_at(fn, keep);
	result = ir_call(fn, HELPER_map_update_elem, IRT_I64, 4, ir_map(fn, l->stacks), key, value,
			 ir_const(fn, BPF_NOEXIST));
	/* -EEXIST: another CPU was faster; else there is no room */
	ir_br(fn,
	      ir_bin(fn, IR_SLT, IRT_I64, ir_bin(fn, IR_ADD, IRT_I64, result, ir_const(fn, 17)),
		     ir_const(fn, 0)),
	      full, done);
	ir_seal(fn, full);
	ir_at(fn, full);
	lower_map_full(l);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* The key of frames in memory that has room for all that a stack can have. */
static void stack_key(struct lower *l, struct mem m, struct type t, struct mem to)
{
	bool user = t.show == FIELD_USTACK;
	u32 head = user ? 8 : 0, size = t.size, whole = head + 8 * STACK_FRAMES;
	struct mem frames = {m.ptr, m.off + (s32)head};

	stacks_map(l);
	if (size < whole)
		mem_zero(l, (struct mem){m.ptr, m.off + (s32)size}, whole - size);
	ir_store(l->fn, 8, to.ptr, to.off, hash_frames(l, frames, (size - head) / 8));
	ir_store(l->fn, 8, to.ptr, to.off + 8,
		 user ? ir_load(l->fn, 8, false, m.ptr, m.off) : ir_const(l->fn, 0));
	keep_stack(l, to, frames);
}

void lower_stack_key(struct lower *l, struct node *n, struct mem to)
{
	u32 piece = mem_get(l, 8 + 8 * STACK_FRAMES);
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_shown(l, n, m, n->type.size);
	stack_key(l, m, n->type, to);
	mem_put(l, piece);
}

void lower_stack_key_of(struct lower *l, struct mem from, struct type t, struct mem to)
{
	u32 piece = mem_get(l, 8 + 8 * STACK_FRAMES);
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, m), ir_const(l->fn, t.size),
		mem_addr(l, from));
	stack_key(l, m, t, to);
	mem_put(l, piece);
}

struct type lower_stack_type(const struct node *n)
{
	struct type t = shown_whole(NULL, n->type);

	t.size -= 8 * (STACK_FRAMES - (u32)n->value);
	return t;
}

void lower_stack_by_id(struct lower *l, struct node *n, struct mem to)
{
	struct node whole = *n;

	whole.type = lower_stack_type(n);
	lower_stack_key(l, &whole, to);
}

void lower_stack_of_id(struct lower *l, struct mem id, struct type whole, struct mem to)
{
	struct ir_fn *fn = l->fn;
	u32 found = ir_block(fn), done = ir_block(fn), frames;
	s32 head = whole.show == FIELD_USTACK ? 8 : 0;

	stacks_map(l);
	mem_zero(l, to, whole.size);
	if (head)
		ir_store(fn, 8, to.ptr, to.off, ir_load(fn, 8, false, id.ptr, id.off + 8));
	frames = ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(fn, l->stacks),
			 mem_addr(l, id));
	ir_br(fn, frames, found, done);
	ir_seal(fn, found);
	ir_at(fn, found);
	to.off += head;
	ir_call(fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to),
		ir_const(fn, whole.size - (u32)head), frames);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}
