/*
 * build.c: makes IR, one instruction at a time.
 *
 * In:  calls of a front end, in the order of its code.
 * Out: a function in SSA form. What has constant operands is folded at once (fold.c), constant
 *      offsets go into loads, stores and addresses, branches on constants become jumps; so a
 *      front end needs no folding of its own. Mutable variables are in vars.c.
 */
#include "ir/inside.h"

#include <limits.h>

#define INS_FIRST    128 /* that there is room for from the start: most functions have no more */
#define BLOCKS_FIRST 32

const struct ir_op_info ir_ops[IR_OP_COUNT] = {
#define IR_OP(NAME, name, args, flags) [IR_##NAME] = {name, args, flags},
#include "ir/ops.def"
#undef IR_OP
};

struct ir_fn *ir_fn_new(struct arena *a, const char *name)
{
	struct ir_fn *f = arena_new(a, struct ir_fn);

	f->arena = a;
	f->name = name;
	vec_room(a, &f->ins, INS_FIRST);
	vec_room(a, &f->blocks, BLOCKS_FIRST);
	vec_add(a, &f->ins);
	vec_add(a, &f->blocks);
	f->at = ir_block(f);
	f->blocks.v[f->at].sealed = true;
	return f;
}

u32 ir_block(struct ir_fn *f)
{
	vec_add(f->arena, &f->blocks);
	ir_reshape(f);
	return f->blocks.n - 1;
}

void ir_at(struct ir_fn *f, u32 block)
{
	f->at = block;
}

bool ir_open(const struct ir_fn *f)
{
	return f->at != 0;
}

u32 ir_emit(struct ir_fn *f, struct ir_ins i)
{
	u32 v = f->ins.n;

	i.block = f->at;
	i.line = i.line ? i.line : f->line;
	vec_push(f->arena, &f->ins, i);
	if (f->at)
		vec_push(f->arena, &f->blocks.v[f->at].ins, v);
	return v;
}

u32 ir_fold_emit(struct ir_fn *f, struct ir_ins i)
{
	u32 same = ir_simplify(f, &i, NULL);

	return same ? same : ir_emit(f, i);
}

/* One that was made lately for the open block serves again. */
u32 ir_const(struct ir_fn *f, s64 c)
{
	u32 *made = &f->consts[(u64)c % ARRAY_SIZE(f->consts)];
	const struct ir_ins *i = &f->ins.v[*made];

	if (*made < f->consts_from || i->op != IR_CONST || i->imm != c || i->block != f->at)
		*made = ir_emit(f, (struct ir_ins){.op = IR_CONST, .type = IRT_I64, .imm = c});
	return *made;
}

/* Puts an instruction at the top of a block. */
static u32 emit_top(struct ir_fn *f, u32 block, struct ir_ins i)
{
	struct ir_block *b = &f->blocks.v[block];
	u32 at = f->at, v;

	f->at = block;
	v = ir_emit(f, i);
	f->at = at;
	memmove(b->ins.v + 1, b->ins.v, (b->ins.n - 1) * sizeof(u32));
	b->ins.v[0] = v;
	return v;
}

u32 ir_const_top(struct ir_fn *f, u32 block, s64 c)
{
	return emit_top(f, block, (struct ir_ins){.op = IR_CONST, .type = IRT_I64, .imm = c});
}

static enum ir_type type_of(const struct ir_fn *f, u32 v)
{
	return f->ins.v[v].type;
}

u32 ir_bin(struct ir_fn *f, enum ir_op op, enum ir_type type, u32 a, u32 b)
{
	struct ir_ins i = {.op = op, .type = type, .a = ir_value(f, a), .b = ir_value(f, b)};
	enum ir_type ta = type_of(f, i.a), tb = type_of(f, i.b);

	if (ir_ops[op].flags & IR_COMPARE) {
		i.width = type == IRT_I32 && !ir_is_ptr(ta) && !ir_is_ptr(tb) ? 4 : 8;
		i.type = IRT_I64;
	} else if (op == IR_ADD && ir_is_ptr(tb) && !ir_is_ptr(ta)) {
		i.a = i.b;
		i.b = ir_value(f, a);
		i.type = tb;
	} else if ((op == IR_ADD || op == IR_SUB) && ir_is_ptr(ta)) {
		i.type = ir_is_ptr(tb) ? IRT_I64 : ta;
	}
	/* an address near the context is a number: helpers may read from it, loads may not */
	if (i.type == IRT_CTX)
		i.type = IRT_I64;
	return ir_fold_emit(f, i);
}

u32 ir_un(struct ir_fn *f, enum ir_op op, enum ir_type type, u32 a)
{
	return ir_fold_emit(f, (struct ir_ins){.op = op, .type = type, .a = ir_value(f, a)});
}

u32 ir_ctx(struct ir_fn *f)
{
	if (!f->ctx)
		f->ctx = emit_top(f, 1, (struct ir_ins){.op = IR_CTX, .type = IRT_CTX});
	return f->ctx;
}

u32 ir_frame(struct ir_fn *f)
{
	return ir_emit(f, (struct ir_ins){.op = IR_CTX, .type = IRT_DATA});
}

u32 ir_func(struct ir_fn *f, u32 callback)
{
	return ir_emit(f, (struct ir_ins){.op = IR_FUNC, .type = IRT_I64, .imm = callback});
}

u32 ir_load_pointer(struct ir_fn *f, enum ir_type type, u32 ptr, s32 off)
{
	u32 v = ir_load(f, 8, false, ptr, off);

	if (v)
		f->ins.v[v].type = (u8)type;
	return v;
}

/* The address stands in the entry, so that it is good wherever the object is used. */
u32 ir_slot(struct ir_fn *f, u32 size, u32 align)
{
	vec_push(f->arena, &f->slots, (struct ir_slot){size, MAX(align, 1), f->line});
	return emit_top(f, 1,
			(struct ir_ins){.op = IR_SLOT, .type = IRT_STACK, .imm = f->slots.n - 1});
}

u32 ir_map(struct ir_fn *f, u32 map)
{
	return ir_emit(f, (struct ir_ins){.op = IR_MAP, .type = IRT_MAP, .imm = map});
}

u32 ir_data(struct ir_fn *f, u32 map, u32 off)
{
	return ir_emit(f, (struct ir_ins){.op = IR_DATA, .type = IRT_DATA, .imm = map, .aux = off});
}

u32 ir_add_imm(struct ir_fn *f, u32 ptr, s64 off)
{
	ptr = ir_value(f, ptr);
	return off ? ir_bin(f, IR_ADD, type_of(f, ptr), ptr, ir_const(f, off)) : ptr;
}

/*
 * Where a load or store really goes: constants that were added to the pointer join the offset.
 * Data near the start of its map is reached from the start, so that neighbours share one address.
 */
static u32 address(struct ir_fn *f, u32 ptr, s32 off, s64 *out)
{
	struct ir_ins *i;
	s64 sum = off, c;

	ptr = ir_value(f, ptr);
	for (;;) {
		i = &f->ins.v[ptr];
		if (i->op != IR_ADD || !ir_is_const(f, ir_value(f, i->b), &c) ||
		    sum + c != (s16)(sum + c))
			break;
		sum += c;
		ptr = ir_value(f, i->a);
	}
	*out = sum;
	i = &f->ins.v[ptr];
	if (i->op == IR_DATA && i->aux && i->aux + sum >= 0 && i->aux + sum <= SHRT_MAX - 8) {
		*out += i->aux;
		return ir_data(f, (u32)i->imm, 0);
	}
	if (sum != (s16)sum) {
		*out = 0;
		return ir_add_imm(f, ptr, sum);
	}
	return ptr;
}

u32 ir_load(struct ir_fn *f, u32 width, bool is_signed, u32 ptr, s32 off)
{
	struct ir_ins i = {.op = is_signed && width < 8 ? IR_LOADS : IR_LOAD,
			   .type = IRT_I64,
			   .width = (u8)width};

	i.a = address(f, ptr, off, &i.imm);
	return ir_emit(f, i);
}

u32 ir_load_btf(struct ir_fn *f, u32 ptr, s32 off)
{
	struct ir_ins i = {.op = IR_LOAD, .type = IRT_BTF, .width = 8};

	i.a = address(f, ptr, off, &i.imm);
	return ir_emit(f, i);
}

void ir_store(struct ir_fn *f, u32 width, u32 ptr, s32 off, u32 value)
{
	struct ir_ins i = {.op = IR_STORE, .width = (u8)width, .b = ir_value(f, value)};

	i.a = address(f, ptr, off, &i.imm);
	ir_emit(f, i);
}

void ir_atomic_add(struct ir_fn *f, u32 width, u32 ptr, s32 off, u32 value)
{
	struct ir_ins i = {.op = IR_AADD, .width = (u8)width, .b = ir_value(f, value)};

	i.a = address(f, ptr, off, &i.imm);
	ir_emit(f, i);
}

u32 ir_atomic_swap(struct ir_fn *f, u32 width, u32 ptr, s32 off, u32 value)
{
	struct ir_ins i = {.op = IR_XCHG, .type = IRT_I64, .width = (u8)width,
			   .b = ir_value(f, value)};

	i.a = address(f, ptr, off, &i.imm);
	return ir_emit(f, i);
}

u32 ir_call(struct ir_fn *f, u32 helper, enum ir_type result, u32 nargs, ...)
{
	struct ir_ins i = {.op = IR_CALL, .imm = helper, .a = f->args.n, .b = nargs};
	va_list ap;
	u32 v;

	/* helpers that return int leave the upper half as they like */
	i.type = result == IRT_I32 ? IRT_I64 : result;
	va_start(ap, nargs);
	for (u32 n = 0; n < nargs; n++)
		vec_push(f->arena, &f->args, ir_value(f, va_arg(ap, u32)));
	va_end(ap);
	v = ir_emit(f, i);
	return result == IRT_I32 ? ir_un(f, IR_ZEXT32, IRT_I32, v) : v;
}

/* A new edge of the open block; parameters that the target already has wait for ir_seal(). */
static void edge_add(struct ir_fn *f, u32 which, u32 to)
{
	struct ir_edge *e = &f->blocks.v[f->at].succ[which];

	ir_reshape(f);
	e->to = to;
	vec_push(f->arena, &f->blocks.v[to].preds, EDGE(f->at, which));
	for (u32 i = 0; i < f->blocks.v[to].params.n; i++)
		vec_push(f->arena, &e->args, 0);
}

void ir_jmp(struct ir_fn *f, u32 to)
{
	if (!f->at)
		return;
	ir_emit(f, (struct ir_ins){.op = IR_JMP});
	edge_add(f, 0, to);
	f->at = 0;
}

void ir_br(struct ir_fn *f, u32 cond, u32 then, u32 otherwise)
{
	s64 c;

	if (!f->at)
		return;
	cond = ir_value(f, cond);
	if (ir_is_const(f, cond, &c) || then == otherwise) {
		ir_jmp(f, then == otherwise || c ? then : otherwise);
		return;
	}
	ir_emit(f, (struct ir_ins){.op = IR_BR, .a = cond});
	edge_add(f, 0, then);
	edge_add(f, 1, otherwise);
	f->at = 0;
}

void ir_ret(struct ir_fn *f, u32 value)
{
	if (!f->at)
		return;
	ir_emit(f, (struct ir_ins){.op = IR_RET, .a = value ? ir_value(f, value) : ir_const(f, 0)});
	f->at = 0;
}
