/*
 * lower_stored.c: strings, tuples and what user space shows, as maps and variables keep them.
 *
 * All bytes are written, those that are not used with zeroes: the kernel compares whole keys, and
 * the verifier wants to have seen every byte of the stack that it hands over.
 */
#include "script/lower.h"

#include "isa/isa.h"

#define COPY_MOST 64 /* bytes that are copied word by word */

static void copy_large(struct lower *l, struct mem to, u32 size, u32 from)
{
	ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to), ir_const(l->fn, size),
		from);
}

static void copy(struct lower *l, struct mem to, struct mem from, u32 size)
{
	if (size <= COPY_MOST)
		mem_copy(l, to, from, size);
	else
		copy_large(l, to, size, mem_addr(l, from));
}

static void store_parts(struct lower *l, struct node *n, struct mem to, struct type as)
{
	const struct member *m = as.fields->members;

	for (struct node *part = n->a; part; part = part->next, m++) {
		struct mem at = {to.ptr, to.off + (s32)(m->bit_off / 8)};

		if (part->type.kind == TYPE_INT)
			ir_store(l->fn, 8, at.ptr, at.off, lower_int(l, part));
		else
			lower_stored(l, part, at, m->type);
	}
}

/* A tuple in memory, to where its strings have other rooms. */
static void convert(struct lower *l, struct mem to, struct type as, struct mem from, struct type is)
{
	if (as.kind != TYPE_TUPLE || type_same(as, is)) {
		copy(l, to, from, as.size);
		return;
	}
	for (u32 i = 0; i < as.fields->n; i++) {
		const struct member *a = &as.fields->members[i], *b = &is.fields->members[i];
		struct mem t = {to.ptr, to.off + (s32)(a->bit_off / 8)};
		struct mem f = {from.ptr, from.off + (s32)(b->bit_off / 8)};

		if (a->type.kind == TYPE_TUPLE) {
			convert(l, t, a->type, f, b->type);
		} else if (a->type.kind == TYPE_STR && a->type.size != b->type.size) {
			mem_zero(l, t, ALIGN_UP(a->type.size, 8));
			lower_read(l, SPACE_KERNEL, true, t, MIN(a->type.size, b->type.size),
				   mem_addr(l, f));
		} else {
			copy(l, t, f, a->type.kind == TYPE_INT ? 8 : a->type.size);
		}
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

static struct mem tuple_at(struct lower *, struct node *, u32 *piece);

static void store_tuple(struct lower *l, struct node *n, struct mem to, struct type as)
{
	u32 piece = NO_MAP;

	if (n->kind == NODE_TUPLE)
		store_parts(l, n, to, as);
	else if (n->kind == NODE_COND)
		store_cond(l, n, to, as);
	else if (n->kind == NODE_MAP && (as.kind != TYPE_TUPLE || type_same(n->type, as)))
		lower_map_copy(l, n, to, as.size);
	else
		convert(l, to, as, tuple_at(l, n, &piece), n->type);
	if (piece != NO_MAP)
		mem_put(l, piece);
}

void lower_shown(struct lower *l, struct node *n, struct mem to, u32 size)
{
	struct type as = n->type;

	n = lower_valued(l, n);
	if (n->kind == NODE_NAME) {
		n->row->store(l, n, to);
	} else if (n->kind == NODE_CALL) {
		n->call->store(l, n, to);
	} else {
		as.size = MIN(size, as.size);
		store_tuple(l, n, to, as);
	}
}

void lower_stored(struct lower *l, struct node *n, struct mem to, struct type as)
{
	n = lower_valued(l, n);
	if (n->type.kind == TYPE_SHOWN) {
		if (n->type.show == FIELD_BUF || n->type.size < as.size)
			mem_zero(l, to, ALIGN_UP(as.size, 8));
		lower_shown(l, n, to, as.size);
		return;
	}
	if (n->type.kind == TYPE_TUPLE) {
		store_tuple(l, n, to, as);
		return;
	}
	mem_zero(l, to, ALIGN_UP(as.size, 8)); /* not all that write strings pad them */
	lower_str(l, n, to, ROOM(as.size));
}

/* ---- parts */

bool is_part(const struct node *n)
{
	return n->kind == NODE_FIELD && n->a->type.kind == TYPE_TUPLE;
}

/* Where a tuple is; what is in no memory yet is made in a piece of its own. */
static struct mem tuple_at(struct lower *l, struct node *n, u32 *piece)
{
	struct mem m;

	if (n->kind == NODE_VAR)
		return mem_at(l, &l->pieces.v[n->var->scratch]);
	if (is_part(n)) {
		m = tuple_at(l, n->a, piece);
		m.off += (s32)(n->bit_off / 8);
		return m;
	}
	*piece = mem_get(l, n->type.size);
	m = mem_at(l, &l->pieces.v[*piece]);
	store_tuple(l, n, m, n->type);
	return m;
}

u32 lower_part_int(struct lower *l, struct node *n)
{
	u32 piece = NO_MAP, value;
	struct mem m = tuple_at(l, n, &piece);

	value = ir_load(l->fn, 8, false, m.ptr, m.off);
	if (piece != NO_MAP)
		mem_put(l, piece);
	return value;
}

u32 lower_part_str(struct lower *l, struct node *n, struct mem to, struct room room)
{
	u32 piece = NO_MAP, len;
	struct mem m = tuple_at(l, n, &piece);

	len = lower_read(l, SPACE_KERNEL, true, to, room_value(l, room_most(l, room, n->type.size)),
			 mem_addr(l, m));
	if (piece != NO_MAP)
		mem_put(l, piece);
	return len;
}
