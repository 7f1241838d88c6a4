/*
 * lower_memory.c: functions that name places in memory, or that take a map apart. The rows of
 * calls.def name them.
 */
#include "script/ctype.h"
#include "script/lower.h"

#include "arch/arch.h"
#include "isa/isa.h"

static u32 add(struct lower *l, u32 a, s64 n)
{
	return n ? ir_bin(l->fn, IR_ADD, IRT_I64, a, ir_const(l->fn, n)) : a;
}

static u32 read_word(struct lower *l, u32 addr)
{
	u32 piece = mem_get(l, 8), value;
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	lower_read(l, SPACE_KERNEL, false, m, ir_const(l->fn, 8), addr);
	value = ir_load(l->fn, 8, false, m.ptr, m.off);
	mem_put(l, piece);
	return value;
}

void store_pton(struct lower *l, struct node *n, struct mem to)
{
	/* whole words, as all values in memory: n->b has 16 bytes, zeroes behind those of IPv4 */
	for (u32 i = 0; i < n->type.size; i += 8) {
		u64 word;

		memcpy(&word, n->b->text + i, sizeof(word));
		ir_store(l->fn, 8, to.ptr, to.off + (s32)i, ir_const(l->fn, (s64)word));
	}
}

/* ---- addresses */

/* The kernel keeps what each CPU's copies are away from the symbol in a table; 0 behind its end. */
u32 value_percpu_kaddr(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 base = lower_fill(l, FILL_KADDR, n->a->text), cpus = lower_fill(l, FILL_CPUS, NULL);
	u32 table = lower_fill(l, FILL_KADDR, "__per_cpu_offset");
	u32 cpu = n->a->next ? lower_int(l, n->a->next) : lower_cpu(l), var = ir_var(fn, IRT_I64);
	u32 known = ir_block(fn), done = ir_block(fn), off;

	ir_set(fn, var, ir_const(fn, 0));
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, cpu, cpus), known, done);
	ir_seal(fn, known);
	ir_at(fn, known);
	off = ir_bin(fn, IR_SHL, IRT_I64, cpu, ir_const(fn, 3));
	off = read_word(l, ir_bin(fn, IR_ADD, IRT_I64, table, off));
	ir_set(fn, var, ir_bin(fn, IR_ADD, IRT_I64, base, off));
	ir_jmp(fn, done);
	ir_seal(fn, done);
	ir_at(fn, done);
	return ir_get(fn, var);
}

/* The probe's own place is where the processor is. */
u32 value_uaddr(struct lower *l, struct node *n)
{
	const struct arch *a = arch_find(l->script->target->arch);

	return add(l, ir_load(l->fn, 8, false, ir_ctx(l->fn), a->ip), (s64)n->value);
}

/* An argument of fentry or fexit, which the verifier knows to be such a pointer. */
static bool is_typed_argument(const struct lower *l, const struct node *n, struct type to)
{
	u8 attach = l->point->row->attach;

	return (attach == ATTACH_FENTRY || attach == ATTACH_FEXIT) && !l->point->instead &&
	       n->kind == NODE_FIELD && n->probe_value == probe_values && n->type.of &&
	       n->type.of->fields == to.fields;
}

/* The kernel's helper gives the socket a number if it has none yet, but takes nothing but typed
 * arguments. Of other pointers it is the number that the socket has, 0: nobody has asked for it. */
u32 value_socket_cookie(struct lower *l, struct node *n)
{
	const struct type sock = *ctype_kernel_pointer(l->script, "sock").of;
	const struct member *m;
	u32 off = 0, inner = 0;

	if (l->script->target->kernel >= KERNEL(5, 12) && is_typed_argument(l, n->a, sock))
		return ir_call(l->fn, HELPER_get_socket_cookie, IRT_I64, 1,
			       ir_load_btf(l->fn, ir_ctx(l->fn), (s32)n->a->value * 8));
	m = ctype_member(l->script, sock.fields, "__sk_common", &off);
	if (m && m->type.kind == TYPE_STRUCT)
		ctype_member(l->script, m->type.fields, "skc_cookie", &inner);
	return read_word(l, add(l, lower_int(l, n->a), (off + inner) / 8));
}

/* 0: the byte is there. Not by lower_read(): that it is not is no error. */
static u32 read_byte(struct lower *l, u32 addr)
{
	u32 piece = mem_get(l, 8), result;

	result = ir_call(l->fn, HELPER_probe_read_user, IRT_I64, 3,
			 mem_addr(l, mem_at(l, &l->pieces.v[piece])), ir_const(l->fn, 1), addr);
	mem_put(l, piece);
	return result;
}

u32 value_readable(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 addr = lower_int(l, n->a), last, result;

	if (!n->a->next)
		return ir_bin(fn, IR_EQ, IRT_I64, read_byte(l, addr), ir_const(fn, 0));
	last = add(l, ir_bin(fn, IR_ADD, IRT_I64, addr, lower_int(l, n->a->next)), -1);
	result = read_byte(l, addr);
	result = ir_bin(fn, IR_OR, IRT_I64, result, read_byte(l, last));
	return ir_bin(fn, IR_EQ, IRT_I64, result, ir_const(fn, 0));
}

/* ---- stacks and maps */

static u32 stack_depth(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	struct type whole = shown_whole(NULL, n->a->type);
	u32 head = whole.show == FIELD_USTACK ? 8 : 0, size = whole.size;
	u32 piece = mem_get_scratch(l, size), at = ir_var(fn, IRT_I64), off, frame;
	u32 top = ir_block(fn), look = ir_block(fn), next = ir_block(fn), done = ir_block(fn);
	struct mem m = mem_at(l, &l->pieces.v[piece]);

	mem_zero(l, (struct mem){m.ptr, m.off + (s32)head}, 8);
	lower_stored(l, n->a, m, whole);
	ir_set(fn, at, ir_const(fn, 0));
	ir_jmp(fn, top);
	ir_at(fn, top);
	off = ir_get(fn, at);
	ir_br(fn, ir_bin(fn, IR_ULT, IRT_I64, off, ir_const(fn, size - head)), look, done);
	ir_seal(fn, look);
	ir_at(fn, look);
	frame = ir_load(fn, 8, false, ir_bin(fn, IR_ADD, IRT_DATA, m.ptr, off), m.off + (s32)head);
	ir_br(fn, frame, next, done);
	ir_seal(fn, next);
	ir_at(fn, next);
	ir_set(fn, at, add(l, off, 8));
	ir_jmp(fn, top);
	ir_seal(fn, top);
	ir_seal(fn, done);
	ir_at(fn, done);
	mem_put(l, piece);
	return ir_bin(fn, IR_SHR, IRT_I64, ir_get(fn, at), ir_const(fn, 3));
}

u32 value_len(struct lower *l, struct node *n)
{
	return n->b ? lower_each(l, n->b) : stack_depth(l, n);
}

u32 value_find(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 there = ir_block(fn), done = ir_block(fn), found;
	struct memo memo;

	found = value_has_key(l, n);
	memo = l->memo;
	ir_br(fn, found, there, done);
	ir_seal(fn, there);
	ir_at(fn, there);
	lower_assign(l, n->b);
	ir_jmp(fn, done);
	l->memo = memo;
	ir_seal(fn, done);
	ir_at(fn, done);
	return found;
}

void lower_find(struct lower *l, struct node *n)
{
	value_find(l, n);
}
