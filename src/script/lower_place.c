/*
 * lower_place.c: values in memory that is not ours: fields, elements, what pointers point to.
 *
 * `a->b.c[1]` is an address and an offset that grows while the expression is walked; memory is
 * read once, at its end, and at each pointer on the way.
 */
#include "script/lower.h"

#include "isa/isa.h"

struct place {
	u32 base;  /* address as a number */
	u32 index; /* to be added, 0: none */
	s64 off;
	u8 space;
};

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

static struct place lower_place(struct lower *, struct node *);

/* Where a struct or array is, or where a pointer points to. */
static struct place lower_base(struct lower *l, struct node *n)
{
	if (n->type.kind == TYPE_INT)
		return (struct place){.base = lower_int(l, n), .space = n->type.space};
	return lower_place(l, n);
}

static struct place lower_place(struct lower *l, struct node *n)
{
	struct place p;
	u32 scaled;

	if (!node_is_place(n)) /* the checker lets nothing else through */
		return (struct place){.base = ir_const(l->fn, 0)};
	p = lower_base(l, n->a);
	if (n->kind == NODE_FIELD)
		p.off = (s64)((u64)p.off + n->bit_off / 8);
	if (n->kind == NODE_INDEX && n->b->kind == NODE_INT) {
		p.off = (s64)((u64)p.off + n->b->value * node_bytes(n));
	} else if (n->kind == NODE_INDEX) {
		scaled = ir_bin(l->fn, IR_MUL, IRT_I64, lower_int(l, n->b),
				ir_const(l->fn, node_bytes(n)));
		p.index = p.index ? ir_bin(l->fn, IR_ADD, IRT_I64, p.index, scaled) : scaled;
	}
	return p;
}

static u32 address(struct lower *l, const struct place *p)
{
	u32 addr = p->base;

	if (p->index)
		addr = ir_bin(l->fn, IR_ADD, IRT_I64, addr, p->index);
	return p->off ? ir_bin(l->fn, IR_ADD, IRT_I64, addr, ir_const(l->fn, p->off)) : addr;
}

u32 lower_place_int(struct lower *l, struct node *n)
{
	u32 first = n->kind == NODE_FIELD ? n->bit_off % 8 : 0, bits = n->bits;
	u32 size = bits ? (first + bits + 7) / 8 : n->type.size, piece, value;
	struct place p = lower_place(l, n);
	struct mem m;

	piece = mem_get(l, 8);
	m = mem_at(l, &l->pieces.v[piece]);
	if (bits)
		mem_zero(l, m, 8);
	lower_read(l, p.space, false, m, ir_const(l->fn, MIN(size, 8)), address(l, &p));
	value = ir_load(l->fn, bits ? 8 : size, !bits && n->type.is_signed, m.ptr, m.off);
	mem_put(l, piece);
	if (!bits)
		return value;
	value = ir_bin(l->fn, IR_SHL, IRT_I64, value, ir_const(l->fn, 64 - first - bits));
	return ir_bin(l->fn, n->type.is_signed ? IR_SAR : IR_SHR, IRT_I64, value,
		      ir_const(l->fn, 64 - bits));
}

u32 lower_place_str(struct lower *l, struct node *n, struct mem to, struct room room)
{
	struct place p = lower_place(l, n);
	u32 bytes = room_value(l, room_most(l, room, n->type.size));

	return lower_read(l, p.space, true, to, bytes, address(l, &p));
}

void lower_place_bytes(struct lower *l, struct node *n, struct mem to, u32 size)
{
	struct place p = lower_place(l, n);

	lower_read(l, p.space, false, to, ir_const(l->fn, size), address(l, &p));
}
