/*
 * lower_str.c: expressions that are strings: written to where they are wanted, never moved.
 */
#include "script/lower.h"

#include "isa/isa.h"

u32 room_value(struct lower *l, struct room r)
{
	return r.value ? r.value : ir_const(l->fn, r.bytes);
}

struct room room_most(struct lower *l, struct room r, u32 most)
{
	struct ir_fn *fn = l->fn;
	u32 less, done, var;

	if (!r.value || most <= r.bytes)
		return ROOM(MIN(most, r.bytes));
	if (most >= r.most)
		return r;
	less = ir_block(fn), done = ir_block(fn), var = ir_var(fn, IRT_I64);
	ir_set(fn, var, r.value);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_const(fn, most), r.value), less, done);
	ir_seal(fn, less);
	ir_at(fn, less);
	ir_set(fn, var, ir_const(fn, most));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return (struct room){r.bytes, most, ir_get(fn, var)};
}

static u32 read_str(struct lower *l, u32 helper, struct mem to, struct room room, u32 from)
{
	/* on a fault the helper zeroes everything and returns a negative number */
	return ir_call(l->fn, helper, IRT_I64, 3, mem_addr(l, to), room_value(l, room), from);
}

static u32 literal_in(struct lower *l, const struct node *n, struct mem to, u32 cap)
{
	u32 len = MIN(n->len + 1, cap);

	for (u32 i = 0, w; i < len; i += w) {
		u64 word = 0;

		/* whole words as far as there is room: what is behind the NUL may be overwritten */
		for (w = 8; i + w > cap;)
			w /= 2;
		for (u32 k = 0; k < w && i + k < n->len && i + k < cap - 1; k++)
			word |= (u64)(u8)n->text[i + k] << (8 * k);
		ir_store(l->fn, w, to.ptr, to.off + (s32)i, ir_const(l->fn, (s64)word));
	}
	return ir_const(l->fn, len);
}

static u32 lower_literal(struct lower *l, const struct node *n, struct mem to, struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 fits, done, len;

	if (!room.value || n->len < room.bytes)
		return literal_in(l, n, to, room.bytes);
	/* it fills the smaller room, so that the record is made again: nothing needs to be there */
	fits = ir_block(fn), done = ir_block(fn), len = ir_var(fn, IRT_I64);
	ir_set(fn, len, room.value);
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, room.value, ir_const(fn, room.bytes)), done, fits);
	ir_seal(fn, fits);
	ir_at(fn, fits);
	ir_set(fn, len, literal_in(l, n, to, room.most));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, len);
}

/* A string in the record of the tracepoint: an array, or an offset and length (__data_loc). */
static u32 lower_field_str(struct lower *l, const struct node *n, struct mem to, struct room room)
{
	const struct tp_field *f = n->field;
	struct ir_fn *fn = l->fn;
	u32 where;

	if (!f->is_data_loc) {
		u32 size = MIN(f->size, room.bytes);

		/* behind the NUL the array may hold the rest of a longer string: a name that the
		 * thread had before, for example */
		if (!l->loose || (room.value && f->size > room.bytes))
			return read_str(l, HELPER_probe_read_kernel_str, to,
					room_most(l, room, f->size),
					ir_add_imm(fn, ir_ctx(fn), (s64)f->off));
		/* cut short, it must end with a NUL: the array's own is behind that */
		mem_copy(l, to, (struct mem){ir_ctx(fn), (s32)f->off}, size - (size < f->size));
		if (size < f->size)
			ir_store(fn, 1, to.ptr, to.off + (s32)size - 1, ir_const(fn, 0));
		return ir_const(fn, size);
	}
	where = ir_load(fn, 2, false, ir_ctx(fn), (s32)f->off);
	if (f->is_rel_loc) /* counts from the end of the field */
		where = ir_bin(fn, IR_ADD, IRT_I64, where, ir_const(fn, f->off + f->size));
	return read_str(l, HELPER_probe_read_kernel_str, to, room,
			ir_bin(fn, IR_ADD, IRT_I64, ir_ctx(fn), where));
}

/* Bytes with the NUL, of a length that only the run knows; below zero it is the whole room. */
static u32 bytes_said(struct lower *l, u32 room, struct node *length)
{
	struct ir_fn *fn = l->fn;
	u32 var = ir_var(fn, IRT_I64), some = ir_block(fn), less = ir_block(fn),
	    done = ir_block(fn);
	u32 said = ir_bin(fn, IR_ADD, IRT_I64, lower_int(l, length), ir_const(fn, 1));

	ir_set(fn, var, room);
	ir_br(fn, said, some, done);
	ir_seal(fn, some);
	ir_at(fn, some);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, said, room), less, done);
	ir_seal(fn, less);
	ir_at(fn, less);
	ir_set(fn, var, said);
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

static u32 str_said(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct node *arg = n->a;
	u32 bytes = bytes_said(l, room_value(l, room), arg->next), piece, from, len;
	u8 space = arg->type.space;

	if (arg->type.kind == TYPE_INT)
		return lower_read(l, space, true, to, bytes, lower_int(l, arg));
	piece = mem_get_scratch(l, ALIGN_UP(arg->type.size + 1, 8));
	from = mem_addr(l, mem_at(l, &l->pieces.v[piece]));
	lower_str(l, arg, mem_at(l, &l->pieces.v[piece]), ROOM(arg->type.size));
	len = lower_read(l, SPACE_KERNEL, true, to, bytes, from);
	mem_put(l, piece);
	return len;
}

u32 text_str(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct node *arg = n->a;
	u32 from;

	room = room_most(l, room, n->type.size);
	if (arg->next && arg->next->kind != NODE_INT && arg->type.kind != TYPE_ARRAY)
		return str_said(l, n, to, room);
	if (arg->type.kind == TYPE_STR)
		return lower_str(l, arg, to, room);
	if (arg->type.kind == TYPE_ARRAY)
		return lower_place_str(l, arg, to, room_most(l, room, arg->type.size + 1));
	from = lower_int(l, arg);
	return lower_read(l, arg->type.space, true, to, room_value(l, room), from);
}

static u32 lower_str_cond(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct ir_fn *fn = l->fn;
	u32 then = ir_block(fn), otherwise = ir_block(fn), done = ir_block(fn);
	u32 len = ir_var(fn, IRT_I64);
	struct memo memo;

	lower_cond(l, n->a, then, otherwise);
	memo = l->memo;
	ir_seal(fn, then);
	ir_at(fn, then);
	ir_set(fn, len, lower_str(l, n->b, to, room));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, otherwise);
	ir_at(fn, otherwise);
	ir_set(fn, len, lower_str(l, n->c, to, room));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, len);
}

/* Some kernels (6.1) do not pad it with NULs. */
u32 text_comm(struct lower *l, struct node *n, struct mem to, struct room room)
{
	u32 bytes = ir_const(l->fn, MIN(room.bytes, 16));

	(void)n;
	ir_call(l->fn, HELPER_get_current_comm, IRT_I64, 2, mem_addr(l, to), bytes);
	return bytes;
}

u32 lower_str(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct ir_fn *fn = l->fn;
	struct mem var;
	u32 len;

	n = lower_valued(l, n);
	if (node_is_place(n) || is_part(n))
		return lower_place_str(l, n, to, room);
	switch (n->kind) {
	case NODE_STR: return lower_literal(l, n, to, room);
	case NODE_NAME:
		if (n->probe_value)
			return lower_probe_str(l, n, to, room);
		return n->row->text(l, n, to, room);
	case NODE_FIELD: return lower_field_str(l, n, to, room);
	case NODE_CALL: return n->call->text(l, n, to, room);
	case NODE_COND: return lower_str_cond(l, n, to, room);
	case NODE_VAR:
		var = mem_at(l, &l->pieces.v[n->var->scratch]);
		if (n->type.size <= 32 && n->type.size <= room.bytes) {
			mem_copy(l, to, var, n->type.size);
			return ir_const(fn, n->type.size);
		}
		return read_str(l, HELPER_probe_read_kernel_str, to, room, mem_addr(l, var));
	case NODE_MAP:
		len = ir_var(fn, IRT_I64);
		lower_map_str(l, n, to, room, len);
		return ir_get(fn, len);
	default: ir_store(fn, 1, to.ptr, to.off, ir_const(fn, 0)); return ir_const(fn, 1);
	}
}

/* ---- comparing. Strings are compared in words; in front of the first word that differs, both
 * are equal, so nothing behind a NUL is ever looked at if the words in front held it. */

/* 1 here, 0 in `differ`; goes on in `done`. */
static void equal_or_not(struct ir_fn *fn, u32 result, u32 differ, u32 done)
{
	ir_set(fn, result, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, differ);
	ir_at(fn, differ);
	ir_set(fn, result, ir_const(fn, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* s == "literal": only as much is read as tells them apart. */
static u32 compare_literal(struct lower *l, struct node *s, const struct node *lit)
{
	struct ir_fn *fn = l->fn;
	u32 bytes = lit->len + 1, cap = ALIGN_UP(bytes + 1, 8), piece, equal, differ, done, result;
	struct mem m;

	if (s->kind == NODE_NAME || (s->field && !s->field->is_data_loc))
		cap = MAX(cap, ALIGN_UP(s->type.size, 8));
	if (lit->len >= s->type.size)
		return ir_const(fn, 0);
	piece = mem_get(l, cap);
	m = mem_at(l, &l->pieces.v[piece]);
	mem_zero(l, m, cap);
	lower_str(l, s, m, ROOM(cap));
	equal = ir_block(fn), differ = ir_block(fn), done = ir_block(fn);
	result = ir_var(fn, IRT_I64);
	for (u32 i = 0, w; i < bytes; i += w) {
		u32 next = ir_block(fn);
		u64 word = 0;

		for (w = 8; i + w > bytes;)
			w /= 2;
		for (u32 k = 0; k < w && i + k < lit->len; k++)
			word |= (u64)(u8)lit->text[i + k] << (8 * k);
		ir_br(fn,
		      ir_bin(fn, IR_EQ, IRT_I64, ir_load(fn, w, false, m.ptr, m.off + (s32)i),
			     ir_const(fn, (s64)word)),
		      next, differ);
		ir_seal(fn, next);
		ir_at(fn, next);
	}
	ir_jmp(fn, equal);
	ir_seal(fn, equal);
	ir_at(fn, equal);
	equal_or_not(fn, result, differ, done);
	mem_put(l, piece);
	return ir_get(fn, result);
}

/* One byte more than the shorter one can have is enough: a longer string has something there. */
static u32 compare_strings(struct lower *l, struct node *a, struct node *b)
{
	u32 size = ALIGN_UP(MIN(a->type.size, b->type.size) + 1, 8), result;
	u32 pa = lower_compare_piece(l, size), pb = lower_compare_piece(l, size);
	struct mem ma = mem_at(l, &l->pieces.v[pa]), mb = mem_at(l, &l->pieces.v[pb]);

	mem_zero(l, ma, size);
	mem_zero(l, mb, size);
	lower_str(l, a, ma, ROOM(size));
	lower_str(l, b, mb, ROOM(size));
	result = lower_compare_bytes(l, ma, mb, size);
	mem_put(l, pa);
	mem_put(l, pb);
	return result;
}

u32 lower_str_compare(struct lower *l, struct node *a, struct node *b)
{
	if (b->kind == NODE_STR)
		return compare_literal(l, a, b);
	if (a->kind == NODE_STR)
		return compare_literal(l, b, a);
	return compare_strings(l, a, b);
}
