/*
 * lower_probe.c: values that the probe gives: arguments, results, its name.
 *
 * Registers are read from the context, which is a struct pt_regs; what lies on the stack or where
 * a USDT operand points is read by helpers. A program that serves many points has their names in
 * .rodata and finds its own by the attach cookie, which numbers them.
 */
#include "script/lower.h"

#include "arch/arch.h"
#include "isa/isa.h"

static const struct arch *arch_of(const struct lower *l)
{
	return arch_find(l->script->target->arch); /* the checker has seen that it is there */
}

static u8 space_of(const struct lower *l)
{
	u8 kind = l->point->row->attach;

	return kind == ATTACH_UPROBE || kind == ATTACH_URETPROBE || kind == ATTACH_USDT ?
		       SPACE_USER :
		       SPACE_KERNEL;
}

static u32 load_reg(struct lower *l, u32 off)
{
	return ir_load(l->fn, 8, false, ir_ctx(l->fn), (s32)off);
}

/* A number in the memory of the traced code; 0 when it cannot be read. */
static u32 read_number(struct lower *l, u32 from, u32 size, bool is_signed)
{
	u32 piece = mem_get(l, 8), value;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_read(l, space_of(l), false, m, ir_const(l->fn, size), from);
	value = ir_load(l->fn, size, is_signed, m.ptr, m.off);
	mem_put(l, piece);
	return value;
}

static u32 add(struct lower *l, u32 a, s64 b)
{
	return b ? ir_bin(l->fn, IR_ADD, IRT_I64, a, ir_const(l->fn, b)) : a;
}

static u32 read_stack(struct lower *l, u64 n)
{
	const struct arch *a = arch_of(l);

	return read_number(l, add(l, load_reg(l, a->stack), a->stack_args + (s64)n * 8), 8, false);
}

/* The lowest `size` bytes of v, extended to all. */
static u32 narrow(struct lower *l, u32 v, u32 size, bool is_signed)
{
	static const u8 ops[2][4] = {{IR_ZEXT8, IR_ZEXT16, IR_ZEXT32},
				     {IR_SEXT8, IR_SEXT16, IR_SEXT32}};

	return size == 8 ? v : ir_un(l->fn, ops[is_signed][__builtin_ctz(size)], IRT_I64, v);
}

static u32 operand_reg(struct lower *l, const struct arch_reg *r)
{
	u32 v = load_reg(l, r->off);

	if (r->shift)
		v = ir_bin(l->fn, IR_SHR, IRT_I64, v, ir_const(l->fn, r->shift));
	return narrow(l, v, r->size, false);
}

u32 value_reg(struct lower *l, struct node *n)
{
	return operand_reg(l, register_of(l->script, n->a->text));
}

static u32 usdt_arg(struct lower *l, u64 n)
{
	struct usdt_operand o;
	u32 v;

	if (!usdt_operand_at(l->script, l->point, (u32)n, &o))
		return ir_const(l->fn, 0); /* the checker does not let it through */
	v = o.base ? operand_reg(l, o.base) : ir_const(l->fn, 0);
	if (o.index)
		v = ir_bin(l->fn, IR_ADD, IRT_I64, v,
			   ir_bin(l->fn, IR_MUL, IRT_I64, operand_reg(l, o.index),
				  ir_const(l->fn, o.scale)));
	v = add(l, v, o.constant);
	return o.in_memory ? read_number(l, v, o.size, o.is_signed)
			   : narrow(l, v, o.size, o.is_signed);
}

/* The n-th value that a program of fentry or fexit is handed over. The verifier takes pointers for
 * what they point to and lets nobody compute with them: these are read as memory. */
static u32 traced_value(struct lower *l, u64 n, struct type t)
{
	u32 piece, value;
	struct mem m;

	if (!t.is_pointer)
		return narrow(l, load_reg(l, (u32)n * 8), t.size, t.is_signed);
	piece = mem_get(l, 8);
	m = mem_at(l, &l->pieces.v[piece]);
	lower_read(l, SPACE_KERNEL, false, m, ir_const(l->fn, 8),
		   ir_bin(l->fn, IR_ADD, IRT_I64, ir_ctx(l->fn), ir_const(l->fn, (s64)n * 8)));
	value = ir_load(l->fn, 8, false, m.ptr, m.off);
	mem_put(l, piece);
	return value;
}

static u32 function_arg(struct lower *l, u64 n)
{
	const struct arch *a = arch_of(l);

	return n < a->nargs ? load_reg(l, a->args[n]) : read_stack(l, n - a->nargs);
}

u32 lower_arg(struct lower *l, const struct node *n)
{
	switch (l->point->row->attach) {
	case ATTACH_FENTRY:
	case ATTACH_FEXIT: return traced_value(l, n->value, n->type);
	case ATTACH_RAW_TRACEPOINT:
		return narrow(l, load_reg(l, (u32)n->value * 8), n->type.size, n->type.is_signed);
	case ATTACH_USDT: return usdt_arg(l, n->value);
	default:
		return narrow(l, function_arg(l, n->value), n->type.size, n->type.is_signed);
	}
}

u32 lower_sarg(struct lower *l, const struct node *n)
{
	return read_stack(l, n->value);
}

/* Where a BPF program's result stands depends on whether the kernel trusts its types. */
static u32 program_result(struct lower *l)
{
	u32 piece = mem_get(l, 8), value;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	ir_store(l->fn, 8, m.ptr, m.off, ir_const(l->fn, 0));
	ir_call(l->fn, HELPER_get_func_ret, IRT_I64, 2, ir_ctx(l->fn), mem_addr(l, m));
	value = ir_load(l->fn, 8, false, m.ptr, m.off);
	mem_put(l, piece);
	return narrow(l, value, 4, true);
}

u32 lower_retval(struct lower *l, const struct node *n)
{
	u32 params;

	if (l->point->row->attach != ATTACH_FEXIT)
		return narrow(l, load_reg(l, arch_of(l)->result), n->type.size, n->type.is_signed);
	if (l->point->of_program)
		return program_result(l);
	proto_result(l->script, l->point, &params);
	return traced_value(l, params, n->type);
}

/* As a number: what is in it is read through helpers. */
u32 lower_ctx(struct lower *l, const struct node *n)
{
	(void)n;
	return lower_number_of(l, ir_ctx(l->fn));
}

u32 lower_usermode(struct lower *l, const struct node *n)
{
	const struct arch *a = arch_of(l);

	(void)n;
	return ir_bin(
		l->fn, IR_NE, IRT_I64,
		ir_bin(l->fn, IR_AND, IRT_I64, load_reg(l, a->mode), ir_const(l->fn, a->user_mask)),
		ir_const(l->fn, 0));
}

/* ---- values without arguments that need nothing else */

u32 lower_rand(struct lower *l)
{
	return ir_call(l->fn, HELPER_get_prandom_u32, IRT_I64, 0);
}

u32 lower_cgroup(struct lower *l)
{
	return ir_call(l->fn, HELPER_get_current_cgroup_id, IRT_I64, 0);
}

u32 lower_numaid(struct lower *l)
{
	return ir_call(l->fn, HELPER_get_numa_node_id, IRT_I64, 0);
}

u32 lower_jiffies(struct lower *l)
{
	return ir_call(l->fn, HELPER_jiffies64, IRT_I64, 0);
}

/* ---- names */

static const char *name_of(const struct point *p, bool func)
{
	return func ? p->func : p->text;
}

static u32 power_of_two(u32 n)
{
	u32 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* Appends the names of all points of this program to .rodata. Returns where they begin. */
static u32 add_names(struct lower *l, bool func, u32 width)
{
	struct object_map *o = &l->object->maps.v[l->rodata];
	u32 at = ALIGN_UP(o->value_size, 8), size = at + power_of_two(l->served) * width;
	const struct point *p = l->point;

	o->data = arena_grow(&l->object->arena, o->data, o->value_size, size);
	o->value_size = size;
	for (u32 i = 0; p; p = p->next)
		if (p == l->point || (p->leader == l->point && point_is_led(l->script, p)))
			strcpy((char *)o->data + at + i++ * width, name_of(p, func));
	return at;
}

static u32 name_by_cookie(struct lower *l, bool func, struct mem to, struct room room)
{
	u32 *at = &l->names_at[func], width, index;
	struct ir_fn *fn = l->fn;

	width = ALIGN_UP(func ? l->point->func_most : l->point->text_most, 8);
	if (!*at)
		*at = add_names(l, func, width);
	index = ir_bin(fn, IR_AND, IRT_I64,
		       ir_call(fn, HELPER_get_attach_cookie, IRT_I64, 1, ir_ctx(fn)),
		       ir_const(fn, power_of_two(l->served) - 1));
	return ir_call(fn, HELPER_probe_read_kernel_str, IRT_I64, 3, mem_addr(l, to),
		       room_value(l, room_most(l, room, width)),
		       ir_bin(fn, IR_ADD, IRT_DATA, ir_data(fn, l->rodata, *at),
			      ir_bin(fn, IR_MUL, IRT_I64, index, ir_const(fn, width))));
}

u32 lower_probe_str(struct lower *l, const struct node *n, struct mem to, struct room room)
{
	bool func = !strcmp(n->probe_value->name, "func");
	bool kind = !strcmp(n->probe_value->name, "probetype");
	struct node literal = {.kind = NODE_STR,
			       .text = kind ? point_kind(l->point) : name_of(l->point, func)};

	if (l->served > 1 && !kind)
		return name_by_cookie(l, func, to, room);
	literal.len = (u32)strlen(literal.text);
	return lower_str(l, &literal, to, room);
}
