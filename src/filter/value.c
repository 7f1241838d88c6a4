/*
 * value.c: what filters compute of a packet, each value once.
 *
 * Constants are folded while values are made; arithmetic is that of 32 bits, as the machine has it.
 */
#include "filter/inside.h"

static u32 hash(const struct value *v)
{
	u32 h = v->op * 31u + v->size;

	h = (h ^ v->a) * 0x9e3779b1u;
	h = (h ^ v->b) * 0x85ebca6bu;
	h = (h ^ v->k) * 0xc2b2ae35u;
	return h ^ h >> 15;
}

static bool same(const struct value *a, const struct value *b)
{
	return a->op == b->op && a->size == b->size && a->a == b->a && a->b == b->b && a->k == b->k;
}

static void rehash(struct values *vs, u32 size)
{
	vs->slots = arena_array(vs->arena, u32, size);
	vs->mask = size - 1;
	for (u32 i = 1; i < vs->v.n; i++) {
		u32 at = hash(&vs->v.v[i]) & vs->mask;

		while (vs->slots[at])
			at = (at + 1) & vs->mask;
		vs->slots[at] = i;
	}
}

struct values *values_new(struct arena *arena)
{
	struct values *vs = arena_new(arena, struct values);

	vs->arena = arena;
	vec_add(arena, &vs->v);
	rehash(vs, 64);
	return vs;
}

static u32 number(struct values *vs, struct value v)
{
	u32 at = hash(&v) & vs->mask;

	for (; vs->slots[at]; at = (at + 1) & vs->mask)
		if (same(&vs->v.v[vs->slots[at]], &v))
			return vs->slots[at];
	vec_push(vs->arena, &vs->v, v);
	vs->slots[at] = vs->v.n - 1;
	if (vs->v.n * 2 > vs->mask)
		rehash(vs, (vs->mask + 1) * 2);
	return vs->v.n - 1;
}

u32 val_const(struct values *vs, u32 k)
{
	return number(vs, (struct value){.op = VAL_CONST, .k = k, .most = k});
}

u32 val_len(struct values *vs)
{
	return number(vs, (struct value){.op = VAL_LEN, .most = UINT32_MAX});
}

u32 val_load(struct values *vs, u32 size, u32 x, u32 k)
{
	if (x && vs->v.v[x].op == VAL_CONST) {
		k += vs->v.v[x].k;
		x = 0;
	}
	return number(vs, (struct value){.op = VAL_LOAD,
					 .size = (u8)size,
					 .a = x,
					 .k = k,
					 .faults = true,
					 .most = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1});
}

u32 val_extra(struct values *vs, u32 number_of)
{
	return number(vs, (struct value){.op = VAL_LOAD,
					 .size = 4,
					 .k = (u32)CBPF_AD_OFF + number_of,
					 .most = UINT32_MAX});
}

u32 val_msh(struct values *vs, u32 k)
{
	return number(vs, (struct value){.op = VAL_MSH, .k = k, .faults = true, .most = 60});
}

void val_name(struct values *vs, u32 v, u32 base, u32 off)
{
	struct value *val = &vs->v.v[v];

	if (val->op != VAL_LOAD || val->base)
		return;
	val->base = (u8)(base + 1);
	val->off = off;
}

/* What the machine makes of two numbers; false: the filter ends. */
static bool calculate(enum value_op op, u32 a, u32 b, u32 *out)
{
	switch (op) {
	case VAL_ADD: *out = a + b; break;
	case VAL_SUB: *out = a - b; break;
	case VAL_MUL: *out = a * b; break;
	case VAL_DIV:
		if (!b)
			return false;
		*out = a / b;
		break;
	case VAL_MOD:
		if (!b)
			return false;
		*out = a % b;
		break;
	case VAL_AND: *out = a & b; break;
	case VAL_OR: *out = a | b; break;
	case VAL_XOR: *out = a ^ b; break;
	case VAL_LSH: *out = a << (b & 31); break;
	case VAL_RSH: *out = a >> (b & 31); break;
	case VAL_NEG: *out = -a; break;
	case VAL_EQ: *out = a == b; break;
	case VAL_GT: *out = a > b; break;
	default: *out = a >= b; break;
	}
	return true;
}

static bool commutes(enum value_op op)
{
	return op == VAL_ADD || op == VAL_MUL || op == VAL_AND || op == VAL_OR || op == VAL_XOR ||
	       op == VAL_EQ;
}

static u32 most_of(enum value_op op, const struct value *a, const struct value *b)
{
	u64 sum = (u64)a->most + b->most, product = (u64)a->most * b->most;

	switch (op) {
	case VAL_ADD: return sum > UINT32_MAX ? UINT32_MAX : (u32)sum;
	case VAL_MUL: return product > UINT32_MAX ? UINT32_MAX : (u32)product;
	case VAL_AND: return MIN(a->most, b->most);
	case VAL_RSH: return b->op == VAL_CONST ? a->most >> (b->k & 31) : a->most;
	case VAL_LSH:
		sum = (u64)a->most << (b->k & 31);
		return b->op == VAL_CONST && sum <= UINT32_MAX ? (u32)sum : UINT32_MAX;
	case VAL_DIV: return b->op == VAL_CONST ? a->most / b->k : a->most;
	case VAL_MOD: return b->op == VAL_CONST ? MIN(a->most, b->k - 1) : a->most;
	case VAL_EQ:
	case VAL_GT:
	case VAL_GE: return 1;
	default: return UINT32_MAX;
	}
}

/* x + 0, x & all: x. 0: nothing simpler. */
static u32 simpler(struct values *vs, enum value_op op, u32 a, u32 b)
{
	const struct value *va = &vs->v.v[a], *vb = &vs->v.v[b];
	u32 k = vb->k;

	if (vb->op != VAL_CONST)
		return 0;
	if (!k && (op == VAL_ADD || op == VAL_SUB || op == VAL_OR || op == VAL_XOR ||
		   op == VAL_LSH || op == VAL_RSH))
		return a;
	if (k == 1 && (op == VAL_MUL || op == VAL_DIV))
		return a;
	if (op == VAL_AND && (va->most | k) == k && ((va->most + 1) & va->most) == 0)
		return a;
	if ((op == VAL_AND || op == VAL_MUL) && !k)
		return val_const(vs, 0);
	if (op == VAL_AND && va->op == VAL_AND && vs->v.v[va->b].op == VAL_CONST)
		return val_alu(vs, VAL_AND, va->a, val_const(vs, vs->v.v[va->b].k & k));
	return 0;
}

u32 val_alu(struct values *vs, enum value_op op, u32 a, u32 b)
{
	const struct value *va = &vs->v.v[a], *vb = &vs->v.v[b];
	bool faults = va->faults || vb->faults;
	u32 k, found;

	if (va->op == VAL_CONST && (op == VAL_NEG || vb->op == VAL_CONST) &&
	    calculate(op, va->k, vb->k, &k))
		return val_const(vs, k);
	if (commutes(op) && (va->op == VAL_CONST || (vb->op != VAL_CONST && a > b))) {
		u32 other = a;

		a = b;
		b = other;
		va = &vs->v.v[a];
		vb = &vs->v.v[b];
	}
	found = op == VAL_NEG ? 0 : simpler(vs, op, a, b);
	if (found)
		return found;
	if ((op == VAL_DIV || op == VAL_MOD) && vb->op != VAL_CONST)
		faults = true;
	return number(vs, (struct value){.op = (u8)op,
					 .a = a,
					 .b = op == VAL_NEG ? 0 : b,
					 .faults = faults,
					 .most = op == VAL_NEG ? UINT32_MAX : most_of(op, va, vb)});
}

static int load(const struct cbpf_packet *p, u32 size, u32 off, u32 *out)
{
	const u8 *data = (const u8 *)(uintptr_t)p->data;
	u32 value = 0;

	if ((u64)off + size > p->captured)
		return FILTER_SHORT;
	for (u32 i = 0; i < size; i++)
		value = value << 8 | data[off + i];
	*out = value;
	return 0;
}

int val_eval(const struct values *vs, u32 v, const struct cbpf_packet *p, u32 *out)
{
	const struct value *val = &vs->v.v[v];
	u32 a = 0, b = 0;
	int err = 0;

	switch (val->op) {
	case VAL_CONST: *out = val->k; return 0;
	case VAL_LEN: *out = p->len; return 0;
	case VAL_MSH:
		err = load(p, 1, val->k, &a);
		*out = (a & 15) << 2;
		return err;
	case VAL_LOAD:
		if (val->a)
			err = val_eval(vs, val->a, p, &a);
		if (!err && (u64)a + val->k > UINT32_MAX)
			return FILTER_SHORT;
		return err ? err : load(p, val->size, a + val->k, out);
	default: break;
	}
	err = val_eval(vs, val->a, p, &a);
	if (!err && val->b)
		err = val_eval(vs, val->b, p, &b);
	if (!err && !calculate(val->op, a, b, out))
		err = FILTER_SHORT;
	return err;
}

static const char *const signs[] = {
	[VAL_ADD] = "+", [VAL_SUB] = "-", [VAL_MUL] = "*", [VAL_DIV] = "/",  [VAL_MOD] = "%",
	[VAL_AND] = "&", [VAL_OR] = "|",  [VAL_XOR] = "^", [VAL_LSH] = "<<", [VAL_RSH] = ">>",
	[VAL_EQ] = "=",  [VAL_GT] = ">",  [VAL_GE] = ">=",
};

void val_print(struct buf *out, const struct values *vs, u32 v)
{
	const struct value *val = &vs->v.v[v];

	switch (val->op) {
	case VAL_CONST: buf_printf(out, val->k < 10 ? "%u" : "0x%x", val->k); return;
	case VAL_LEN: buf_puts(out, "len"); return;
	case VAL_MSH: buf_printf(out, "4*([%u]&0xf)", val->k); return;
	case VAL_LOAD:
		buf_char(out, '[');
		if (val->a) {
			val_print(out, vs, val->a);
			buf_puts(out, " + ");
		}
		buf_printf(out, val->size == 1 ? "%u]" : "%u:%u]", val->k, val->size);
		return;
	case VAL_NEG:
		buf_char(out, '-');
		val_print(out, vs, val->a);
		return;
	default: break;
	}
	buf_char(out, '(');
	val_print(out, vs, val->a);
	buf_printf(out, " %s ", signs[val->op]);
	val_print(out, vs, val->b);
	buf_char(out, ')');
}
