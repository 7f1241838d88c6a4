/*
 * lower_value.c: expressions that are numbers.
 *
 * All arithmetic is in 64 bits; types decide only between the signed and the unsigned form.
 */
#include "script/lower.h"

#include "isa/isa.h"

/* ---- values without arguments, each a row of values.def */

u32 lower_config(struct lower *l, u32 off)
{
	return ir_load(l->fn, 8, false, ir_data(l->fn, l->rodata, off), 0);
}

u32 lower_pidns(struct lower *l)
{
	return l->script->first_pidns
		       ? ir_const(l->fn, 0)
		       : lower_config(l, offsetof(struct waggle_config, pidns_ino));
}

/* pid << 32 | tid of our own PID namespace, by the verifier's dead code removal at no cost where
 * that is the machine's first one. */
static u32 pid_tgid(struct lower *l)
{
	struct ir_fn *fn = l->fn;
	u32 var, inside, outside, done, ino, piece;
	struct memo memo;
	struct mem m;

	if (l->memo.pid_tgid)
		return l->memo.pid_tgid;
	if (l->script->first_pidns)
		return l->memo.pid_tgid =
			       ir_call(fn, HELPER_get_current_pid_tgid, IRT_I64, 0);
	memo = l->memo;
	var = ir_var(fn, IRT_I64);
	inside = ir_block(fn), outside = ir_block(fn), done = ir_block(fn);
	ino = lower_pidns(l);
	/* the common way first: its result stays in its register */
	ir_br(fn, ir_bin(fn, IR_EQ, IRT_I64, ino, ir_const(fn, 0)), outside, inside);
	ir_seal(fn, inside);
	ir_seal(fn, outside);

	ir_at(fn, inside);
	piece = mem_get(l, 8);
	m = mem_at(l, &l->pieces.v[piece]);
	ir_call(fn, HELPER_get_ns_current_pid_tgid, IRT_I64, 4,
		lower_config(l, offsetof(struct waggle_config, pidns_dev)), ino, mem_addr(l, m),
		ir_const(fn, 8));
	/* struct bpf_pidns_info: pid is the thread, tgid the process; zeroed when it fails */
	ir_set(fn, var, ir_bin(fn, IR_OR, IRT_I64,
			       ir_bin(fn, IR_SHL, IRT_I64, ir_load(fn, 4, false, m.ptr, m.off + 4),
				      ir_const(fn, 32)),
			       ir_load(fn, 4, false, m.ptr, m.off)));
	mem_put(l, piece);
	ir_jmp(fn, done);
	l->memo = memo; /* what was found on this way only, such as where scratch memory is */

	ir_at(fn, outside);
	ir_set(fn, var, ir_call(fn, HELPER_get_current_pid_tgid, IRT_I64, 0));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return l->memo.pid_tgid = ir_get(fn, var);
}

u32 lower_pid(struct lower *l)
{
	return ir_bin(l->fn, IR_SHR, IRT_I64, pid_tgid(l), ir_const(l->fn, 32));
}

u32 lower_tid(struct lower *l)
{
	return ir_un(l->fn, IR_ZEXT32, IRT_I64, pid_tgid(l));
}

static u32 uid_gid(struct lower *l)
{
	if (!l->memo.uid_gid)
		l->memo.uid_gid = ir_call(l->fn, HELPER_get_current_uid_gid, IRT_I64, 0);
	return l->memo.uid_gid;
}

u32 lower_uid(struct lower *l)
{
	return ir_un(l->fn, IR_ZEXT32, IRT_I64, uid_gid(l));
}

u32 lower_gid(struct lower *l)
{
	return ir_bin(l->fn, IR_SHR, IRT_I64, uid_gid(l), ir_const(l->fn, 32));
}

u32 lower_cpu(struct lower *l)
{
	if (!l->memo.cpu)
		l->memo.cpu = ir_call(l->fn, HELPER_get_smp_processor_id, IRT_I64, 0);
	return l->memo.cpu;
}

u32 lower_nsecs(struct lower *l)
{
	return ir_call(l->fn, HELPER_ktime_get_boot_ns, IRT_I64, 0);
}

u32 lower_elapsed(struct lower *l)
{
	return ir_bin(l->fn, IR_SUB, IRT_I64, lower_nsecs(l),
		      lower_config(l, offsetof(struct waggle_config, start_ns)));
}

u32 lower_cpid(struct lower *l)
{
	return lower_config(l, offsetof(struct waggle_config, cpid));
}

u32 lower_curtask(struct lower *l)
{
	return ir_call(l->fn, HELPER_get_current_task, IRT_I64, 0);
}

void lower_counter(struct lower *l, u32 field)
{
	struct memo memo = l->memo; /* this stands on a side path */
	struct ir_fn *fn = l->fn;
	u32 base = sizeof(struct waggle_control) +
		   l->prog * CONTROL_CPUS * (u32)sizeof(struct waggle_counters);
	u32 slot = ir_bin(fn, IR_AND, IRT_I64, lower_cpu(l), ir_const(fn, CONTROL_CPUS - 1));
	u32 off = ir_bin(fn, IR_MUL, IRT_I64, slot, ir_const(fn, sizeof(struct waggle_counters)));

	ir_atomic_add(fn, 8, ir_bin(fn, IR_ADD, IRT_DATA, ir_data(fn, l->bss, base), off),
		      (s32)field, ir_const(fn, 1));
	l->memo = memo;
}

void lower_map_full(struct lower *l)
{
	u32 base = sizeof(struct waggle_control) +
		   l->prog * CONTROL_CPUS * (u32)sizeof(struct waggle_counters);

	ir_atomic_add(l->fn, 8, ir_data(l->fn, l->bss, base),
		      offsetof(struct waggle_counters, map_full), ir_const(l->fn, 1));
}

/* ---- arithmetic */

/* One row an operator: the IR's operation for unsigned and for signed operands. */
static const struct {
	u8 token, unsigned_op, signed_op;
	bool swap;
} operators[] = {
	{TOK_ADD, IR_ADD, IR_ADD, false},     {TOK_ADD_SET, IR_ADD, IR_ADD, false},
	{TOK_SUB, IR_SUB, IR_SUB, false},     {TOK_SUB_SET, IR_SUB, IR_SUB, false},
	{TOK_MUL, IR_MUL, IR_MUL, false},     {TOK_MUL_SET, IR_MUL, IR_MUL, false},
	{TOK_DIV, IR_UDIV, IR_SDIV, false},   {TOK_DIV_SET, IR_UDIV, IR_SDIV, false},
	{TOK_MOD, IR_UMOD, IR_SMOD, false},   {TOK_MOD_SET, IR_UMOD, IR_SMOD, false},
	{TOK_AND, IR_AND, IR_AND, false},     {TOK_AND_SET, IR_AND, IR_AND, false},
	{TOK_OR, IR_OR, IR_OR, false},	      {TOK_OR_SET, IR_OR, IR_OR, false},
	{TOK_XOR, IR_XOR, IR_XOR, false},     {TOK_XOR_SET, IR_XOR, IR_XOR, false},
	{TOK_SHL, IR_SHL, IR_SHL, false},     {TOK_SHL_SET, IR_SHL, IR_SHL, false},
	{TOK_SHR, IR_SHR, IR_SAR, false},     {TOK_SHR_SET, IR_SHR, IR_SAR, false},
	{TOK_EQ, IR_EQ, IR_EQ, false},	      {TOK_NE, IR_NE, IR_NE, false},
	{TOK_LT, IR_ULT, IR_SLT, false},      {TOK_LE, IR_ULE, IR_SLE, false},
	{TOK_GT, IR_ULT, IR_SLT, true},	      {TOK_GE, IR_ULE, IR_SLE, true},
};

u32 lower_arith(struct lower *l, u8 op, struct type as, u32 a, u32 b)
{
	for (u32 i = 0; i < ARRAY_SIZE(operators); i++)
		if (operators[i].token == op)
			return ir_bin(l->fn,
				      as.is_signed ? operators[i].signed_op : operators[i].unsigned_op,
				      IRT_I64, operators[i].swap ? b : a, operators[i].swap ? a : b);
	return a;
}

/* p + n moves by n elements. */
static u32 scaled(struct lower *l, u32 n, struct type pointer)
{
	u32 size = type_pointed(pointer).size;

	return size > 1 ? ir_bin(l->fn, IR_MUL, IRT_I64, n, ir_const(l->fn, size)) : n;
}

u32 lower_update(struct lower *l, u8 op, struct type t, u32 old, struct type by, u32 n)
{
	bool shift = op == TOK_SHL_SET || op == TOK_SHR_SET;

	if (t.is_pointer)
		n = scaled(l, n, t);
	return lower_arith(l, op, type_arith(t, shift ? t : by), old, n);
}

static bool is_logic(const struct node *n)
{
	return (n->kind == NODE_BINARY && (n->op == TOK_ANDAND || n->op == TOK_OROR)) ||
	       (n->kind == NODE_UNARY && n->op == TOK_NOT);
}

/* Jumps to `then` or `otherwise`; both blocks are sealed by the caller. */
void lower_cond(struct lower *l, struct node *n, u32 then, u32 otherwise)
{
	struct memo memo;
	u32 second;

	n = lower_valued(l, n);
	if (n->kind == NODE_UNARY && n->op == TOK_NOT) {
		lower_cond(l, n->a, otherwise, then);
		return;
	}
	if (!is_logic(n)) {
		ir_br(l->fn, lower_int(l, n), then, otherwise);
		return;
	}
	second = ir_block(l->fn);
	if (n->op == TOK_ANDAND)
		lower_cond(l, n->a, second, otherwise);
	else
		lower_cond(l, n->a, then, second);
	ir_seal(l->fn, second);
	if (!l->fn->blocks.v[second].preds.n)
		return; /* the first one is known, and decides */
	ir_at(l->fn, second);
	memo = l->memo;
	lower_cond(l, n->b, then, otherwise);
	l->memo = memo;
}

/* c ? b1 : b2, or a && b as 0 or 1 (b1, b2 NULL). */
static u32 lower_choice(struct lower *l, struct node *c, struct node *b1, struct node *b2)
{
	struct ir_fn *fn = l->fn;
	u32 then = ir_block(fn), otherwise = ir_block(fn), done = ir_block(fn);
	u32 var = ir_var(fn, IRT_I64);
	struct memo memo;

	lower_cond(l, c, then, otherwise);
	memo = l->memo;
	ir_seal(fn, then);
	ir_at(fn, then);
	ir_set(fn, var, b1 ? lower_int(l, b1) : ir_const(fn, 1));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, otherwise);
	ir_at(fn, otherwise);
	ir_set(fn, var, b2 ? lower_int(l, b2) : ir_const(fn, 0));
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

/* The bytes of an array as a number: (uint32)a */
static u32 array_number(struct lower *l, struct node *n)
{
	u32 piece = mem_get(l, 8), value;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_place_bytes(l, n->a, m, n->type.size);
	value = ir_load(l->fn, n->type.size, n->type.is_signed, m.ptr, m.off);
	mem_put(l, piece);
	return value;
}

/* The lowest bits of a number, extended again. */
u32 lower_cut(struct lower *l, struct type as, u32 value)
{
	static const u8 zero[] = {[1] = IR_ZEXT8, [2] = IR_ZEXT16, [4] = IR_ZEXT32};
	static const u8 sign[] = {[1] = IR_SEXT8, [2] = IR_SEXT16, [4] = IR_SEXT32};

	return ir_un(l->fn, as.is_signed ? sign[as.size] : zero[as.size], IRT_I64, value);
}

static u32 lower_cast(struct lower *l, struct node *n)
{
	u32 a = n->a->type.kind == TYPE_ARRAY ? array_number(l, n) : lower_int(l, n->a);

	if (n->type.is_bool)
		return n->a->type.is_bool ? a
					  : ir_bin(l->fn, IR_NE, IRT_I64, a, ir_const(l->fn, 0));
	if (n->type.size >= 8)
		return a;
	return lower_cut(l, n->type, a);
}

/* The id of a user, or of one whose name is written out. */
static u32 lower_user(struct lower *l, struct node *n)
{
	u32 piece, id;
	struct mem m;

	if (n->kind == NODE_STR)
		return lower_fill(l, FILL_USER, n->text);
	piece = mem_get(l, 8);
	m = mem_at(l, &l->pieces.v[piece]);
	lower_stored(l, n, m, n->type);
	id = ir_load(l->fn, 8, false, m.ptr, m.off);
	mem_put(l, piece);
	return id;
}

static u32 lower_binary(struct lower *l, struct node *n)
{
	struct type as = type_arith(n->a->type, n->b->type);
	u32 a, b;

	if (node_is_user(n->a) || node_is_user(n->b)) {
		a = lower_user(l, n->a);
		return ir_bin(l->fn, n->op == TOK_EQ ? IR_EQ : IR_NE, IRT_I64, a,
			      lower_user(l, n->b));
	}
	if (node_is_address(n->a) || node_is_address(n->b))
		return lower_addresses(l, n);
	if (type_in_memory(n->a->type)) {
		a = n->a->type.kind == TYPE_STR ? lower_str_compare(l, n->a, n->b)
						: lower_same(l, n->a, n->b);
		return n->op == TOK_EQ ? a : ir_bin(l->fn, IR_EQ, IRT_I64, a, ir_const(l->fn, 0));
	}
	if (n->op == TOK_SHL || n->op == TOK_SHR)
		as = n->type;
	a = lower_int(l, n->a);
	b = lower_int(l, n->b);
	if ((n->op == TOK_ADD || n->op == TOK_SUB) && n->type.is_pointer) {
		a = n->a->type.is_pointer ? a : scaled(l, a, n->type);
		b = n->b->type.is_pointer ? b : scaled(l, b, n->type);
	}
	return lower_arith(l, n->op, as, a, b);
}

static u32 lower_unary(struct lower *l, struct node *n)
{
	u32 a;

	if (n->op == TOK_AND) {
		l->text_writes++; /* by whoever gets it, it may be */
		return lower_address(l, n->a);
	}
	a = lower_int(l, n->a);
	switch (n->op) {
	case TOK_SUB: return ir_un(l->fn, IR_NEG, IRT_I64, a);
	case TOK_TILDE: return ir_bin(l->fn, IR_XOR, IRT_I64, a, ir_const(l->fn, -1));
	default: return a;
	}
}

static u32 lower_inc(struct lower *l, struct node *n)
{
	u32 old, new;

	if (n->a->kind == NODE_MAP)
		return lower_map_inc(l, n);
	old = var_get(l, n->a->var);
	new = lower_update(l, n->op == TOK_INC ? TOK_ADD_SET : TOK_SUB_SET, n->type, old,
			   TYPE_NUMBER, ir_const(l->fn, 1));
	var_set(l, n->a->var, new);
	return n->prefix ? new : old;
}

u32 lower_int(struct lower *l, struct node *n)
{
	n = lower_valued(l, n);
	if (is_logic(n))
		return lower_choice(l, n, NULL, NULL);
	if (node_is_place(n) || is_part(n))
		return lower_place_int(l, n);
	switch (n->kind) {
	case NODE_INT:
	case NODE_COMPTIME:
	case NODE_PARAM: return ir_const(l->fn, (s64)n->value);
	case NODE_NAME:
		return n->probe_value ? n->probe_value->lower(l, n) : n->row->lower(l);
	case NODE_FIELD:
		if (n->probe_value)
			return n->probe_value->lower(l, n);
		return ir_load(l->fn, n->type.size, n->type.is_signed, ir_ctx(l->fn),
			       (s32)n->field->off);
	case NODE_VAR: return var_get(l, n->var);
	case NODE_MAP: return lower_map_read(l, n);
	case NODE_CAST: return lower_cast(l, n);
	case NODE_UNARY: return lower_unary(l, n);
	case NODE_BINARY: return lower_binary(l, n);
	case NODE_COND: return lower_choice(l, n->a, n->b, n->c);
	case NODE_INC: return lower_inc(l, n);
	case NODE_CALL: return n->call->value ? n->call->value(l, n) : ir_const(l->fn, 0);
	default: return ir_const(l->fn, 0); /* strings and statements never get here */
	}
}
