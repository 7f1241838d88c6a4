/*
 * lower_stored.c: strings, tuples and what user space shows, as maps and variables keep them.
 *
 * All bytes are written, those that are not used with zeroes: the kernel compares whole keys, and
 * the verifier wants to have seen every byte of the stack that it hands over.
 */
#include "script/lower.h"

#include "isa/isa.h"

static void copy(struct lower *l, struct mem to, struct mem from, u32 size)
{
	if (size <= COPY_MOST)
		mem_copy(l, to, from, size);
	else
		ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to),
			ir_const(l->fn, size), mem_addr(l, from));
}

static struct mem at(struct mem m, const struct member *member)
{
	return (struct mem){m.ptr, m.off + (s32)(member->bit_off / 8)};
}

/* Of a tuple the member of that place, of a record that of the name. */
static const struct member *member_of(const struct aggregate *a, u32 i, const char *name)
{
	for (u32 k = 0; a->is_record && k < a->n; k++)
		if (!strcmp(a->members[k].name, name))
			return &a->members[k];
	return &a->members[i];
}

static void store_parts(struct lower *l, struct node *n, struct mem to, struct type as)
{
	u32 i = 0;

	for (struct node *part = n->a; part; part = part->next, i++) {
		struct node *value = node_value(part);
		const struct member *m = member_of(as.fields, i, part->text);
		struct mem where = at(to, m);

		if (value->type.kind == TYPE_INT)
			ir_store(l->fn, 8, where.ptr, where.off, lower_int(l, value));
		else
			lower_stored(l, value, where, m->type);
	}
}

/* A value in memory, to where its strings have other rooms, or stacks are kept by their ids. */
static void convert(struct lower *l, struct mem to, struct type as, struct mem from, struct type is)
{
	if (as.kind == TYPE_SHOWN && type_has_ids(as) && !type_has_ids(is)) {
		lower_stack_key_of(l, from, is, to);
	} else if (as.kind == TYPE_SHOWN && type_has_ids(is) && !type_has_ids(as)) {
		lower_stack_of_id(l, from, as, to);
	} else if (as.kind == TYPE_STR && as.size != is.size) {
		mem_zero(l, to, ALIGN_UP(as.size, 8));
		lower_read(l, SPACE_KERNEL, true, to, ir_const(l->fn, MIN(as.size, is.size)),
			   mem_addr(l, from));
	} else if (as.kind == TYPE_TUPLE && !type_same(as, is)) {
		for (u32 i = 0; i < as.fields->n; i++) {
			const struct member *a = &as.fields->members[i];
			const struct member *b = member_of(is.fields, i, a->name);

			convert(l, at(to, a), a->type, at(from, b), b->type);
		}
	} else {
		if (is.size < as.size)
			mem_zero(l, to, ALIGN_UP(as.size, 8));
		copy(l, to, from, as.kind == TYPE_INT ? 8 : MIN(as.size, is.size));
	}
}

static void store_cond(struct lower *l, struct node *n, struct mem to, struct type as)
{
	struct ir_fn *fn = l->fn;
	u32 then = ir_block(fn), otherwise = ir_block(fn), done = ir_block(fn);
	struct memo memo;

	lower_cond(l, n->a, then, otherwise);
	memo = l->memo;
	ir_seal(fn, then);
	ir_at(fn, then);
	lower_stored(l, n->b, to, as);
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, otherwise);
	ir_at(fn, otherwise);
	lower_stored(l, n->c, to, as);
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* A number as the bytes of an array: (uint8[4])x */
static void store_number(struct lower *l, struct node *n, struct mem to)
{
	ir_store(l->fn, 8, to.ptr, to.off, lower_int(l, n->a));
}

static void store_place(struct lower *l, struct node *n, struct mem to, struct type as)
{
	u32 piece;
	struct mem from;

	if (as.size % 8 && as.kind != TYPE_TUPLE)
		mem_zero(l, (struct mem){to.ptr, to.off + (s32)(as.size & ~7u)}, 8);
	if (type_same(as, n->type)) {
		lower_place_bytes(l, n, to, as.size);
		return;
	}
	from = lower_own(l, n, &piece);
	convert(l, to, as, from, n->type);
	if (piece != NO_MAP)
		mem_put(l, piece);
}

void lower_shown(struct lower *l, struct node *n, struct mem to, u32 size)
{
	struct type as = n->type;

	as.size = MIN(size, as.size);
	lower_stored(l, n, to, as);
}

static void store_str(struct lower *l, struct node *n, struct mem to, struct type as)
{
	mem_zero(l, to, ALIGN_UP(as.size, 8)); /* not all that write strings pad them */
	lower_str(l, n, to, ROOM(as.size));
}

/* What a function writes; of a buffer only as much as there is. */
static void store_call(struct lower *l, struct node *n, struct mem to, struct type as)
{
	if (n->type.show == FIELD_BUF || n->type.size < as.size)
		mem_zero(l, to, ALIGN_UP(as.size, 8));
	if (n->probe_value)
		n->probe_value->store(l, n, to);
	else if (n->kind == NODE_NAME)
		n->row->store(l, n, to);
	else
		n->call->store(l, n, to);
}

static bool writes_itself(const struct node *n)
{
	return (n->probe_value && n->probe_value->store) ||
	       (n->kind == NODE_NAME && n->row && n->row->store) ||
	       (n->kind == NODE_CALL && n->call->store);
}

/* The frames of what is a stack by its id; of a call nobody asks for an id. */
static void store_frames(struct lower *l, struct node *n, struct mem to, struct type as)
{
	u32 piece;
	struct mem m;

	if (n->kind == NODE_CALL) {
		struct node whole = *n;

		mem_zero(l, to, as.size);
		whole.type = lower_stack_type(n);
		n->call->store(l, &whole, to);
		return;
	}
	piece = mem_get(l, 16);
	m = mem_at(l, &l->pieces.v[piece]);
	lower_stored(l, n, m, n->type);
	lower_stack_of_id(l, m, as, to);
	mem_put(l, piece);
}

void lower_stored(struct lower *l, struct node *n, struct mem to, struct type as)
{
	bool by_id = n->type.kind == TYPE_SHOWN && type_has_ids(n->type);

	n = lower_valued(l, n);
	if (as.kind == TYPE_SHOWN && type_has_ids(as) && !by_id)
		lower_stack_key(l, n, to);
	else if (by_id && type_has_ids(as) && n->kind == NODE_CALL)
		lower_stack_by_id(l, n, to);
	else if (by_id && !type_has_ids(as))
		store_frames(l, n, to, as);
	else if (n->type.kind == TYPE_STR)
		store_str(l, n, to, as);
	else if (writes_itself(n))
		store_call(l, n, to, as);
	else if (n->kind == NODE_TUPLE)
		store_parts(l, n, to, as);
	else if (n->kind == NODE_COND)
		store_cond(l, n, to, as);
	else if (n->kind == NODE_CAST)
		store_number(l, n, to);
	else if (n->kind == NODE_MAP && (as.kind != TYPE_TUPLE || type_same(n->type, as)))
		lower_map_copy(l, n, to, MIN(as.size, n->type.size));
	else
		store_place(l, n, to, as);
}

/* ---- comparing values in memory */

#define UNROLLED_MOST 128 /* bytes that are compared without a loop */

static u32 compare_words(struct lower *l, struct mem a, struct mem b, u32 size)
{
	struct ir_fn *fn = l->fn;
	u32 differ = ir_block(fn), done = ir_block(fn), result = ir_var(fn, IRT_I64);

	for (u32 i = 0; i < size; i += 8) {
		u32 next = ir_block(fn);

		ir_br(fn,
		      ir_bin(fn, IR_EQ, IRT_I64, ir_load(fn, 8, false, a.ptr, a.off + (s32)i),
			     ir_load(fn, 8, false, b.ptr, b.off + (s32)i)),
		      next, differ);
		ir_seal(fn, next);
		ir_at(fn, next);
	}
	ir_set(fn, result, ir_const(fn, 1));
	ir_jmp(fn, done);
	ir_seal(fn, differ);
	if (size) {
		ir_at(fn, differ);
		ir_set(fn, result, ir_const(fn, 0));
		ir_jmp(fn, done);
	}
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, result);
}

/* All of both, which are zeroed to the same size. */
static u32 compare_loop(struct lower *l, struct mem a, struct mem b, u32 size)
{
	struct ir_fn *fn = l->fn;
	u32 at = ir_var(fn, IRT_I64), result = ir_var(fn, IRT_I64);
	u32 head = ir_block(fn), look = ir_block(fn), next = ir_block(fn), done = ir_block(fn);
	u32 pa = mem_addr(l, a), pb = mem_addr(l, b), off, same;

	ir_set(fn, at, ir_const(fn, 0));
	ir_set(fn, result, ir_const(fn, 1));
	ir_jmp(fn, head);
	ir_at(fn, head);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, ir_get(fn, at), ir_const(fn, size)), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	off = ir_get(fn, at);
	same = ir_bin(fn, IR_EQ, IRT_I64,
		      ir_load(fn, 8, false, ir_bin(fn, IR_ADD, IRT_DATA, pa, off), 0),
		      ir_load(fn, 8, false, ir_bin(fn, IR_ADD, IRT_DATA, pb, off), 0));
	ir_set(fn, result, same);
	ir_br(fn, same, next, done);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_set(fn, at, ir_bin(fn, IR_ADD, IRT_I64, off, ir_const(fn, 8)));
	ir_jmp(fn, head);
	ir_seal(fn, head);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, result);
}

u32 lower_compare_bytes(struct lower *l, struct mem a, struct mem b, u32 size)
{
	return size <= UNROLLED_MOST ? compare_words(l, a, b, size) : compare_loop(l, a, b, size);
}

u32 lower_compare_piece(struct lower *l, u32 size)
{
	return size <= UNROLLED_MOST ? mem_get(l, size) : mem_get_scratch(l, size);
}

u32 lower_same(struct lower *l, struct node *a, struct node *b)
{
	struct type as = type_join(l->script->arena, a->type, b->type);
	u32 size = type_room(as), same;
	u32 pa = lower_compare_piece(l, size), pb = lower_compare_piece(l, size);
	struct mem ma = mem_at(l, &l->pieces.v[pa]), mb = mem_at(l, &l->pieces.v[pb]);

	lower_stored(l, a, ma, as);
	lower_stored(l, b, mb, as);
	same = lower_compare_bytes(l, ma, mb, size);
	mem_put(l, pa);
	mem_put(l, pb);
	return same;
}
