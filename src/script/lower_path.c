/*
 * lower_path.c: path(): the name of a file by its struct path.
 *
 * The kernel's helper for that may be called in a handful of functions only, so the way to the root
 * is walked here: from each directory entry to its parent, from the root of a file system to where
 * it is mounted. A first loop keeps where the names are, a second one writes them, the last one
 * first.
 */
#include "script/ctype.h"
#include "script/check.h"
#include "script/lower.h"

#include "isa/isa.h"

#define TURNS     48  /* names and mounts on the way */
#define NAME_MOST 256 /* bytes of a name with its NUL */

static u32 offset_in(struct lower *l, const char *name, const char *field)
{
	const struct aggregate *a = ctype_kernel_struct(l->script, name);
	u32 off = 0;

	if (a)
		ctype_member(l->script, a, field, &off);
	return off / 8;
}

static u32 add(struct lower *l, u32 a, u32 b)
{
	return ir_bin(l->fn, IR_ADD, IRT_I64, a, b);
}

static u32 equal(struct lower *l, u32 a, u32 b)
{
	return ir_bin(l->fn, IR_EQ, IRT_I64, a, b);
}

/* Goes on in a new block if the condition holds, else in `otherwise`. */
static void demand(struct lower *l, u32 condition, u32 otherwise)
{
	u32 next = ir_block(l->fn);

	ir_br(l->fn, condition, next, otherwise);
	ir_seal(l->fn, next);
	ir_at(l->fn, next);
}

struct walk {
	u32 entry, mount; /* variables: a struct dentry *, a struct mount * */
	u32 turn;
	struct mem places; /* where the names are, one a turn; 0: none */
};

/* One step up. Leaves for `done` at the root. */
static void step_up(struct lower *l, struct walk *w, u32 i, u32 done)
{
	struct ir_fn *fn = l->fn;
	u32 inside = ir_block(fn), crossing = ir_block(fn), next = ir_block(fn);
	u32 entry = ir_get(fn, w->entry), mount = ir_get(fn, w->mount), parent,
	    name = ir_var(fn, IRT_I64);
	u32 to = ir_bin(fn, IR_ADD, IRT_DATA, w->places.ptr,
			ir_bin(fn, IR_SHL, IRT_I64, i, ir_const(fn, 3)));

	ir_br(fn, equal(l, entry, lower_member(l, mount, "mount", "mnt.mnt_root")), crossing,
	      inside);
	ir_seal(fn, crossing);
	ir_seal(fn, inside);
	ir_at(fn, crossing);
	parent = lower_member(l, mount, "mount", "mnt_parent");
	demand(l, ir_bin(fn, IR_NE, IRT_I64, parent, mount), done);
	ir_set(fn, w->entry, lower_member(l, mount, "mount", "mnt_mountpoint"));
	ir_set(fn, w->mount, parent);
	ir_set(fn, name, ir_const(fn, 0));
	ir_jmp(fn, next);
	ir_at(fn, inside);
	parent = lower_member(l, entry, "dentry", "d_parent");
	demand(l, ir_bin(fn, IR_NE, IRT_I64, parent, entry), done);
	ir_set(fn, name, lower_member(l, entry, "dentry", "d_name.name"));
	ir_set(fn, w->entry, parent);
	ir_jmp(fn, next);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_store(fn, 8, to, w->places.off, ir_get(fn, name));
}

/* Fills the places; w->turn becomes how many there are. */
static void walk_up(struct lower *l, struct walk *w)
{
	struct ir_fn *fn = l->fn;
	u32 head = ir_block(fn), done = ir_block(fn), i;

	w->turn = ir_var(fn, IRT_I64);
	ir_set(fn, w->turn, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	i = ir_get(fn, w->turn);
	demand(l, ir_bin(fn, IR_ULT, IRT_I64, i, ir_const(fn, TURNS)), done);
	demand(l, ir_get(fn, w->entry), done);
	step_up(l, w, i, done);
	ir_set(fn, w->turn, add(l, i, ir_const(fn, 1)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* "/" and each name, from the last to the first. Returns the length. */
static u32 write_names(struct lower *l, const struct walk *w, struct mem text, u32 most)
{
	struct ir_fn *fn = l->fn;
	u32 left = ir_var(fn, IRT_I64), len = ir_var(fn, IRT_I64), head = ir_block(fn),
	    done = ir_block(fn);
	u32 i, at, n, name, next = ir_block(fn), got;

	ir_set(fn, left, ir_const(fn, TURNS));
	ir_set(fn, len, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	demand(l, ir_get(fn, left), done);
	i = ir_bin(fn, IR_SUB, IRT_I64, ir_get(fn, left), ir_const(fn, 1));
	ir_set(fn, left, i);
	name = ir_load(fn, 8, false,
		       ir_bin(fn, IR_ADD, IRT_DATA, w->places.ptr,
			      ir_bin(fn, IR_SHL, IRT_I64, i, ir_const(fn, 3))),
		       w->places.off);
	demand(l, name, next);
	n = ir_get(fn, len);
	demand(l, ir_bin(fn, IR_ULT, IRT_I64, n, ir_const(fn, most)), done);
	at = ir_bin(fn, IR_ADD, IRT_DATA, text.ptr, n);
	ir_store(fn, 1, at, text.off, ir_const(fn, '/'));
	got = ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3,
		      ir_add_imm(fn, at, text.off + 1), ir_const(fn, NAME_MOST), name);
	demand(l, ir_bin(fn, IR_ULE, IRT_I64, got, ir_const(fn, NAME_MOST)), done);
	ir_set(fn, len, add(l, n, got));
	ir_jmp(fn, next);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, len);
}

/* Where a text begins of which the last bytes are wanted. */
static u32 last_bytes(struct lower *l, struct mem text, u32 len, u32 most)
{
	struct ir_fn *fn = l->fn;
	u32 skip = ir_var(fn, IRT_I64), done = ir_block(fn);

	ir_set(fn, skip, ir_const(fn, 0));
	demand(l, ir_bin(fn, IR_ULT, IRT_I64, ir_const(fn, most), len), done);
	ir_set(fn, skip, ir_bin(fn, IR_SUB, IRT_I64, len, ir_const(fn, most)));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_bin(fn, IR_ADD, IRT_DATA, text.ptr, ir_get(fn, skip));
}

u32 text_path(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 most = l->script->limits.str_most, piece = mem_get(l, 16), len;
	u32 places = mem_get_scratch(l, TURNS * 8),
	    names = mem_get_scratch(l, ALIGN_UP(most, 8) + NAME_MOST + 8);
	struct walk w = {.entry = ir_var(fn, IRT_I64), .mount = ir_var(fn, IRT_I64)};
	struct mem pair = mem_at(l, &l->pieces.v[piece]), text = mem_at(l, &l->pieces.v[names]);

	lower_bytes(l, n->a, pair, 16);
	ir_set(fn, w.entry,
	       ir_load(fn, 8, false, pair.ptr, pair.off + (s32)offset_in(l, "path", "dentry")));
	ir_set(fn, w.mount,
	       ir_bin(fn, IR_SUB, IRT_I64,
		      ir_load(fn, 8, false, pair.ptr, pair.off + (s32)offset_in(l, "path", "mnt")),
		      ir_const(fn, offset_in(l, "mount", "mnt"))));
	mem_put(l, piece);
	w.places = mem_at(l, &l->pieces.v[places]);
	mem_zero(l, w.places, TURNS * 8);
	walk_up(l, &w);
	ir_store(fn, 2, text.ptr, text.off,
		 ir_const(fn, '/')); /* where there are no names: the root */
	text.ptr = last_bytes(l, text, write_names(l, &w, text, most), n->type.size - 1);
	len = ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3, mem_addr(l, to),
		      room_value(l, room_most(l, room, n->type.size)), mem_addr(l, text));
	mem_put(l, places);
	mem_put(l, names);
	return len;
}
