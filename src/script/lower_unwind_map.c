/*
 * lower_unwind_map.c: which file a process has mapped at an address, found by a program in the
 * kernel.
 *
 * In:  an address and the process's mm_struct. Out: code that finds the mapping and the rows of its
 *      file, or that there are none.
 *
 * Helpers that find a mapping take its lock, which a program that runs with interrupts off can do
 * once at most (and from 5.17 on only). So the tree of mappings is walked as a reader: nodes are
 * read one word after the other, what changes meanwhile makes at worst one frame unknown. From 6.1
 * on it is a maple tree, before that a red-black tree.
 */
#include "script/ctype.h"
#include "script/lower_unwind.h"

/* The kernel's maple tree: nodes of 256 bytes; the low byte of a pointer says which kind. */
enum {
	MAPLE_LEVELS = 5,
	MAPLE_PIVOTS = 8,        /* behind the parent */
	MAPLE_RANGE = 2,         /* kind of inner nodes; leaves are less... */
	MAPLE_ARANGE = 3,        /* ...and those that know the gaps below them are more */
	MAPLE_ARANGE_SLOTS = 80, /* 9 pivots, else 15 */
	MAPLE_RANGE_SLOTS = 128
};
#define RB_LEVELS   24
#define BPF_NOEXIST 1
#define FILES_MOST  4096
#define ROWS_MOST   (1u << 20)
#define MAP_MMAP    (1u << 10)

s64 unwinding_offset(struct lower *l, const char *in, const char *path)
{
	const struct aggregate *a = ctype_kernel_struct(l->script, in);
	s64 off = 0;

	while (*path) {
		u32 bits;
		const struct member *m = ctype_part(l->script, a, &path, &bits);

		if (!m)
			return -1;
		off += bits / 8;
		a = m->type.kind == TYPE_STRUCT ? m->type.fields : NULL;
	}
	return off;
}

bool unwinding_known(struct lower *l)
{
	static const char *const members[][2] = {{"vm_area_struct", "vm_file"},
						 {"vm_area_struct", "vm_pgoff"},
						 {"vm_area_struct", "vm_end"},
						 {"file", "f_inode"},
						 {"inode", "i_sb"},
						 {"super_block", "s_dev"},
						 {"task_struct", "mm"},
						 {"task_struct", "stack"},
						 {"mm_struct", "context.vdso"}};

	for (u32 i = 0; i < ARRAY_SIZE(members); i++)
		if (unwinding_offset(l, members[i][0], members[i][1]) < 0)
			return false;
	return unwinding_offset(l, "mm_struct", "mm_mt.ma_root") >= 0 ||
	       unwinding_offset(l, "mm_struct", "mm_rb") >= 0;
}

static u32 member(struct unwinding *u, u32 base, const char *in, const char *name, u32 size)
{
	return kernel_word(u, plus(u, base, unwinding_offset(u->l, in, name)), size);
}

/* ---- trees */

/* Which slot of a node holds the address: the first whose pivot is not below it. A pivot of 0 ends
 * the list. */
static u32 maple_slot(struct unwinding *u, u32 node, u32 pivots, u32 at)
{
	struct ir_fn *fn = u->fn;
	u32 i = ir_var(fn, IRT_I64), head = ir_block(fn), look = ir_block(fn), next = ir_block(fn),
	    done = ir_block(fn), pivot;

	ir_set(fn, i, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, i), ir_const(fn, 15)), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, i), pivots), done);
	pivot = kernel_word(u,
			    ir_bin(fn, IR_ADD, IRT_I64, plus(u, node, MAPLE_PIVOTS),
				   ir_bin(fn, IR_SHL, IRT_I64, ir_get(fn, i), ir_const(fn, 3))),
			    8);
	only_if(u, pivot, done);
	ir_br(fn, ir_bin(fn, IR_ULE, IRT_I64, at, pivot), done, next);
	loop_end(u, i, next, head, done);
	return ir_get(fn, i);
}

static u32 maple_kind(struct unwinding *u, u32 entry)
{
	return ir_bin(u->fn, IR_AND, IRT_I64,
		      ir_bin(u->fn, IR_SHR, IRT_I64, entry, ir_const(u->fn, 3)),
		      ir_const(u->fn, 15));
}

/* Goes down from a node to the slot that holds the address: what stands there. */
static u32 maple_down(struct unwinding *u, u32 entry, u32 kind, u32 at)
{
	struct ir_fn *fn = u->fn;
	u32 node = ir_bin(fn, IR_AND, IRT_I64, entry, ir_const(fn, -256)), slot;
	u32 gaps = ir_block(fn), plain = ir_block(fn), done = ir_block(fn);
	u32 pivots = ir_var(fn, IRT_I64), slots = ir_var(fn, IRT_I64);

	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, kind, ir_const(fn, MAPLE_ARANGE)), gaps, plain);
	ir_seal(fn, gaps);
	ir_at(fn, gaps);
	ir_set(fn, pivots, ir_const(fn, 9));
	ir_set(fn, slots, ir_const(fn, MAPLE_ARANGE_SLOTS));
	ir_jmp(fn, done);
	ir_seal(fn, plain);
	ir_at(fn, plain);
	ir_set(fn, pivots, ir_const(fn, 15));
	ir_set(fn, slots, ir_const(fn, MAPLE_RANGE_SLOTS));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	slot = maple_slot(u, node, ir_get(fn, pivots), at);
	return kernel_word(u,
			   ir_bin(fn, IR_ADD, IRT_I64,
				  ir_bin(fn, IR_ADD, IRT_I64, node, ir_get(fn, slots)),
				  ir_bin(fn, IR_SHL, IRT_I64, slot, ir_const(fn, 3))),
			   8);
}

/* The mapping that may hold the address: struct vm_area_struct; 0: there is none. */
static u32 maple_find(struct unwinding *u, u32 at)
{
	struct ir_fn *fn = u->fn;
	u32 found = ir_var(fn, IRT_I64), done = ir_block(fn);

	ir_set(fn, found, member(u, work_get(u, WORK_MM), "mm_struct", "mm_mt.ma_root", 8));
	for (u32 i = 0; i < MAPLE_LEVELS; i++) { /* below a leaf there are mappings */
		u32 kind = maple_kind(u, ir_get(fn, found));

		ir_set(fn, found, maple_down(u, ir_get(fn, found), kind, at));
		only_if(u, ir_bin(fn, IR_ULE, IRT_I64, ir_const(fn, MAPLE_RANGE), kind), done);
	}
	ir_set(fn, found, ir_const(fn, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, found);
}

/* struct rb_node is parent, right, left. */
static u32 rb_find(struct unwinding *u, u32 at)
{
	struct ir_fn *fn = u->fn;
	s64 in_vma = unwinding_offset(u->l, "vm_area_struct", "vm_rb");
	u32 node = ir_var(fn, IRT_I64), found = ir_var(fn, IRT_I64), i = ir_var(fn, IRT_I64);
	u32 head = ir_block(fn), look = ir_block(fn), left = ir_block(fn), right = ir_block(fn),
	    next = ir_block(fn), done = ir_block(fn), vma;

	ir_set(fn, node, member(u, work_get(u, WORK_MM), "mm_struct", "mm_rb", 8));
	ir_set(fn, found, ir_const(fn, 0));
	ir_set(fn, i, ir_const(fn, 0));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, i), ir_const(fn, RB_LEVELS)), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	only_if(u, ir_get(fn, node), done);
	vma = plus(u, ir_get(fn, node), -in_vma);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, at, member(u, vma, "vm_area_struct", "vm_end", 8)),
	      left, right);
	ir_seal(fn, left);
	ir_at(fn, left); /* it, or one below it */
	ir_set(fn, found, vma);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, at, member(u, vma, "vm_area_struct", "vm_start", 8)),
		done);
	ir_set(fn, node, kernel_word(u, plus(u, ir_get(fn, node), 16), 8));
	ir_jmp(fn, next);
	ir_seal(fn, right);
	ir_at(fn, right);
	ir_set(fn, node, kernel_word(u, plus(u, ir_get(fn, node), 8), 8));
	ir_jmp(fn, next);
	loop_end(u, i, next, head, done);
	return ir_get(fn, found);
}

/* ---- files */

static u32 unwind_map(struct lower *l, u32 *known, struct object_map map)
{
	if (!*known) {
		*vec_add(&l->object->arena, &l->object->maps) = map;
		*known = l->object->maps.n - 1;
	}
	return *known;
}

static u32 files_map(struct lower *l)
{
	return unwind_map(l, &l->unwind_files,
			  (struct object_map){.name = UNWIND_FILES,
					      .kind = MAP_HASH,
					      .key_size = sizeof(struct unwind_key),
					      .value_size = sizeof(struct unwind_file),
					      .max_entries = FILES_MOST});
}

u32 unwinding_rows(struct lower *l)
{
	return unwind_map(l, &l->unwind_rows,
			  (struct object_map){.name = UNWIND_ROWS,
					      .kind = MAP_ARRAY,
					      .key_size = 4,
					      .value_size = sizeof(struct cfi_row),
					      .max_entries = ROWS_MOST,
					      .flags = MAP_MMAP});
}

/* The key of a mapping's file: of the vdso, which has none, one of its own. Else `none`. */
static void file_key(struct unwinding *u, u32 vma, u32 start, u32 none)
{
	struct ir_fn *fn = u->fn;
	u32 file = member(u, vma, "vm_area_struct", "vm_file", 8), inode, sb;
	u32 real = ir_block(fn), other = ir_block(fn), done = ir_block(fn);

	ir_br(fn, file, real, other);
	ir_seal(fn, other);
	ir_at(fn, other);
	only_if(u,
		ir_bin(fn, IR_EQ, IRT_I64, start,
		       member(u, work_get(u, WORK_MM), "mm_struct", "context.vdso", 8)),
		none);
	work_set(u, WORK_KEY, ir_const(fn, 0));
	work_set(u, WORK_KEY + 8, ir_const(fn, (s64)UNWIND_VDSO));
	ir_jmp(fn, done);
	ir_seal(fn, real);
	ir_at(fn, real);
	inode = member(u, file, "file", "f_inode", 8);
	work_set(u, WORK_KEY, member(u, inode, "inode", "i_ino", 8));
	sb = member(u, inode, "inode", "i_sb", 8);
	work_set(u, WORK_KEY + 8, member(u, sb, "super_block", "s_dev", 4));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* The rows of the file by its key; one that nobody knows is asked for. */
static void file_rows(struct unwinding *u, u32 start, u32 done)
{
	struct ir_fn *fn = u->fn;
	u32 files = files_map(u->l), key = ir_add_imm(fn, u->work, WORK_KEY), known = ir_block(fn),
	    missed = ir_block(fn), found;

	found = ir_call(fn, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(fn, files), key);
	ir_br(fn, found, known, missed);
	ir_seal(fn, known);
	ir_at(fn, known);
	work_set(u, WORK_FIRST, ir_load(fn, 4, false, found, offsetof(struct unwind_file, first)));
	work_set(u, WORK_ROWS, ir_load(fn, 4, false, found, offsetof(struct unwind_file, n)));
	ir_jmp(fn, done);
	ir_seal(fn, missed);
	ir_at(fn, missed);
	work_set(u, WORK_VALUE, ir_const(fn, 0));
	work_set(u, WORK_VALUE + offsetof(struct unwind_file, start), start);
	ir_call(fn, HELPER_map_update_elem, IRT_I64, 4, ir_map(fn, files), key,
		ir_add_imm(fn, u->work, WORK_VALUE), ir_const(fn, BPF_NOEXIST));
	ir_jmp(fn, done);
}

void unwinding_find(struct unwinding *u, u32 at)
{
	struct ir_fn *fn = u->fn;
	bool maple = unwinding_offset(u->l, "mm_struct", "mm_mt.ma_root") >= 0;
	u32 done = ir_block(fn), vma, start, length;

	work_set(u, WORK_LENGTH, ir_const(fn, 0));
	work_set(u, WORK_ROWS, ir_const(fn, 0));
	vma = maple ? maple_find(u, at) : rb_find(u, at);
	only_if(u, vma, done);
	start = member(u, vma, "vm_area_struct", "vm_start", 8);
	work_set(u, WORK_START, start);
	length = ir_bin(fn, IR_SUB, IRT_I64, member(u, vma, "vm_area_struct", "vm_end", 8), start);
	only_if(u, ir_bin(fn, IR_ULT, IRT_I64, ir_bin(fn, IR_SUB, IRT_I64, at, start), length),
		done);
	work_set(u, WORK_LENGTH, length);
	work_set(u, WORK_OFFSET,
		 ir_bin(fn, IR_SHL, IRT_I64, member(u, vma, "vm_area_struct", "vm_pgoff", 8),
			ir_const(fn, 12)));
	file_key(u, vma, start, done);
	file_rows(u, start, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}
