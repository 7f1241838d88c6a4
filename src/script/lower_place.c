/*
 * lower_place.c: values in memory: fields, elements, parts of tuples, what pointers point to.
 *
 * `a->b.c[1]` is a place that moves while the expression is walked: memory of our own (a variable,
 * a value that was just made) at a constant offset, or an address that is a number, which helpers
 * read. Memory is read once, at the end, and at each pointer on the way.
 */
#include "script/lower.h"

#include "isa/isa.h"

u32 lower_read(struct lower *l, u8 space, bool string, struct mem to, u32 bytes, u32 from)
{
	static const u32 helpers[2][2] = {
		{HELPER_probe_read_kernel, HELPER_probe_read_kernel_str},
		{HELPER_probe_read_user, HELPER_probe_read_user_str},
	};
	struct ir_fn *fn = l->fn;
	u32 addr, kernel, user, done, result;

	if (space != SPACE_ANY) {
		result = helpers[space == SPACE_USER][string];
		return lower_checked(l, result,
				     ir_call(fn, result, IRT_I64, 3, mem_addr(l, to), bytes, from));
	}
	/* the kernel's half of the address space has the top bit set */
	kernel = ir_block(fn), user = ir_block(fn), done = ir_block(fn);
	result = ir_var(fn, IRT_I64);
	addr = mem_addr(l, to);
	ir_br(fn, ir_bin(fn, IR_SLT, IRT_I64, from, ir_const(fn, 0)), kernel, user);
	ir_seal(fn, kernel);
	ir_seal(fn, user);
	ir_at(fn, kernel);
	ir_set(fn, result, lower_checked(l, helpers[0][string],
					 ir_call(fn, helpers[0][string], IRT_I64, 3, addr, bytes,
						 from)));
	ir_jmp(fn, done);
	ir_at(fn, user);
	ir_set(fn, result, lower_checked(l, helpers[1][string],
					 ir_call(fn, helpers[1][string], IRT_I64, 3, addr, bytes,
						 from)));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, result);
}

u32 lower_number_of(struct lower *l, u32 pointer)
{
	u32 piece = mem_get_scratch(l, 8), number;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	/* the verifier lets nobody compute freely with a pointer; what comes out of a map is a
	 * number */
	ir_store(l->fn, 8, m.ptr, m.off, pointer);
	number = ir_load(l->fn, 8, false, m.ptr, m.off);
	mem_put(l, piece);
	return number;
}

/* ---- finding it */

struct place {
	bool own;
	struct mem m; /* own */
	u32 base;     /* else: address as a number */
	s64 off;      /* to be added to base */
	u8 space;
	u32 piece; /* that holds it and is to be given back, or NO_MAP */
};

static struct place find_place(struct lower *, struct node *);

static void leave(struct lower *l, const struct place *p)
{
	if (p->piece != NO_MAP)
		mem_put(l, p->piece);
}

static u32 add(struct lower *l, u32 a, s64 b)
{
	return b ? ir_bin(l->fn, IR_ADD, IRT_I64, a, ir_const(l->fn, b)) : a;
}

static u32 address(struct lower *l, const struct place *p)
{
	return p->own ? mem_addr(l, p->m) : add(l, p->base, p->off);
}

/* Where a value in memory is, or where a pointer points to. */
static struct place find_base(struct lower *l, struct node *n)
{
	if (n->type.kind == TYPE_INT)
		return (struct place){
			.base = lower_int(l, n), .space = n->type.space, .piece = NO_MAP};
	return find_place(l, n);
}

/* An element whose number only the run knows. One that our own array does not have is at address 0,
 * where nothing can be read. */
static void step(struct lower *l, struct place *p, const struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 index = lower_int(l, n->b), good, done, at, base;

	base = p->own ? lower_number_of(l, address(l, p)) : add(l, p->base, p->off);
	base = ir_bin(fn, IR_ADD, IRT_I64, base,
		      ir_bin(fn, IR_MUL, IRT_I64, index, ir_const(fn, node_bytes(n))));
	if (p->own || n->a->type.kind == TYPE_ARRAY) {
		u32 count = n->a->type.kind == TYPE_ARRAY ? n->a->type.count : n->a->type.size;

		good = ir_block(fn), done = ir_block(fn), at = ir_var(fn, IRT_I64);
		ir_set(fn, at, ir_const(fn, 0));
		ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, index, ir_const(fn, count)), good, done);
		ir_seal(fn, good);
		ir_at(fn, good);
		ir_set(fn, at, base);
		ir_jmp(fn, done);
		ir_seal(fn, done);
		ir_at(fn, done);
		base = ir_get(fn, at);
	}
	p->space = p->own ? SPACE_KERNEL : p->space;
	p->own = false;
	p->base = base;
	p->off = 0;
}

/* An array in the record of a tracepoint. */
static struct place in_record(struct lower *l, const struct node *n)
{
	const struct tp_field *f = n->field;
	u32 ctx = lower_number_of(l, ir_ctx(l->fn)), where;

	if (!f->is_data_loc)
		return (struct place){
			.base = ctx, .off = f->off, .space = SPACE_KERNEL, .piece = NO_MAP};
	where = ir_load(l->fn, 2, false, ir_ctx(l->fn), (s32)f->off);
	return (struct place){.base = ir_bin(l->fn, IR_ADD, IRT_I64, ctx, where),
			      .off = f->is_rel_loc ? f->off + f->size : 0,
			      .space = SPACE_KERNEL,
			      .piece = NO_MAP};
}

/* A value that is nowhere yet is made in a piece of its own. */
static struct place make_place(struct lower *l, struct node *n)
{
	struct place p = {.own = true, .piece = mem_get(l, type_room(n->type))};

	p.m = mem_at(l, &l->pieces.v[p.piece]);
	lower_stored(l, n, p.m, n->type);
	return p;
}

static void move(struct place *p, s64 by)
{
	if (p->own)
		p->m.off += (s32)by;
	else
		p->off = (s64)((u64)p->off + (u64)by);
}

static struct place find_place(struct lower *l, struct node *n)
{
	struct place p = {.own = true, .piece = NO_MAP};

	n = lower_valued(l, n);
	if (n->kind == NODE_VAR && type_in_memory(n->type)) {
		p.m = mem_at(l, &l->pieces.v[n->var->scratch]);
		return p;
	}
	if (n->kind == NODE_MAP && type_in_memory(n->type)) {
		p.own = lower_map_place(l, n, &p.m, &p.base);
		p.space = SPACE_KERNEL;
		return p;
	}
	if (n->kind == NODE_FIELD && n->field)
		return in_record(l, n);
	if (!node_is_place(n) && !is_part(n))
		return make_place(l, n);
	p = find_base(l, n->a);
	if (n->kind == NODE_FIELD)
		move(&p, n->bit_off / 8);
	else if (n->kind == NODE_INDEX && n->b->kind == NODE_INT)
		move(&p, (s64)(n->b->value * node_bytes(n)));
	else if (n->kind == NODE_INDEX)
		step(l, &p, n);
	return p;
}

bool is_part(const struct node *n)
{
	return n->kind == NODE_FIELD && n->a->type.kind == TYPE_TUPLE;
}

/* ---- reading it */

static u32 load_bits(struct lower *l, const struct node *n, u32 word)
{
	struct ir_fn *fn = l->fn;

	word = ir_bin(fn, IR_SHL, IRT_I64, word, ir_const(fn, 64 - n->bit_off % 8 - n->bits));
	return ir_bin(fn, n->type.is_signed ? IR_SAR : IR_SHR, IRT_I64, word,
		      ir_const(fn, 64 - n->bits));
}

u32 lower_place_int(struct lower *l, struct node *n)
{
	u32 first = n->kind == NODE_FIELD ? n->bit_off % 8 : 0, bits = n->bits;
	u32 size = is_part(n) ? 8 : bits ? (first + bits + 7) / 8 : n->type.size, piece, value;
	struct place p = find_place(l, n);
	struct mem m = p.m;

	if (p.own && !bits && (u32)m.off % size == 0) {
		value = ir_load(l->fn, size, n->type.is_signed, m.ptr, m.off);
		leave(l, &p);
		return value;
	}
	piece = mem_get(l, 8);
	m = mem_at(l, &l->pieces.v[piece]);
	if (bits)
		mem_zero(l, m, 8);
	lower_read(l, p.own ? SPACE_KERNEL : p.space, false, m, ir_const(l->fn, MIN(size, 8)),
		   address(l, &p));
	value = ir_load(l->fn, bits ? 8 : size, !bits && n->type.is_signed, m.ptr, m.off);
	mem_put(l, piece);
	leave(l, &p);
	return bits ? load_bits(l, n, value) : value;
}

u32 lower_place_str(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct place p = find_place(l, n);
	u32 bytes = room_value(l, room_most(l, room, n->type.size)), len;

	len = lower_read(l, p.own ? SPACE_KERNEL : p.space, true, to, bytes, address(l, &p));
	leave(l, &p);
	return len;
}

void lower_place_bytes(struct lower *l, struct node *n, struct mem to, u32 size)
{
	struct place p = find_place(l, n);

	if (p.own && size <= COPY_MOST)
		mem_copy(l, to, p.m, size);
	else
		lower_read(l, p.own ? SPACE_KERNEL : p.space, false, to, ir_const(l->fn, size),
			   address(l, &p));
	leave(l, &p);
}

struct mem lower_own(struct lower *l, struct node *n, u32 *piece)
{
	struct place p = find_place(l, n);
	struct mem m = p.m;

	*piece = p.piece;
	if (p.own)
		return m;
	*piece = mem_get(l, type_room(n->type));
	m = mem_at(l, &l->pieces.v[*piece]);
	lower_read(l, p.space, false, m, ir_const(l->fn, n->type.size), address(l, &p));
	return m;
}

/* &x: of a number in a variable, of a copy of it. */
u32 lower_address(struct lower *l, struct node *n)
{
	struct place p;
	u32 piece, value;

	if (n->type.kind == TYPE_INT && !node_is_place(n) && n->kind != NODE_MAP) {
		value = lower_int(l, n);
		piece = mem_get_scratch(l, 8); /* never given back: the address may live on */
		p.m = mem_at(l, &l->pieces.v[piece]);
		ir_store(l->fn, 8, p.m.ptr, p.m.off, value);
		return lower_number_of(l, mem_addr(l, p.m));
	}
	if (n->kind == NODE_MAP) {
		p = (struct place){.piece = NO_MAP};
		p.own = lower_map_place(l, n, &p.m, &p.base);
	} else {
		p = find_place(l, n);
	}
	return p.own ? lower_number_of(l, mem_addr(l, p.m)) : address(l, &p);
}
