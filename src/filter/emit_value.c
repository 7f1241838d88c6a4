/*
 * emit_value.c: code that brings values into the machine's registers.
 *
 * In:  what A and X hold already. Out: instructions, and what they hold then.
 */
#include "filter/emit.h"

static void want_x(struct emitter *e, u32 value);

static u16 load_code(u32 size, bool indexed)
{
	return (u16)(BPF_LD |
		     (size == 4   ? BPF_W
		      : size == 2 ? BPF_H
				  : BPF_B) |
		     (indexed ? BPF_IND : BPF_ABS));
}

static u16 alu_code(enum value_op op)
{
	static const u16 codes[] = {
		[VAL_ADD] = BPF_ADD, [VAL_SUB] = BPF_SUB, [VAL_MUL] = BPF_MUL, [VAL_DIV] = BPF_DIV,
		[VAL_MOD] = BPF_MOD, [VAL_AND] = BPF_AND, [VAL_OR] = BPF_OR,   [VAL_XOR] = BPF_XOR,
		[VAL_LSH] = BPF_LSH, [VAL_RSH] = BPF_RSH, [VAL_NEG] = BPF_NEG,
	};

	return (u16)(BPF_ALU | codes[op]);
}

static u32 word_of(const struct emitter *e, u32 value)
{
	return value < e->nkeeps ? e->keeps[value] : 0;
}

/* The word of M that holds it now; CBPF_WORDS: none does. */
static u32 kept_in(const struct emitter *e, u32 value)
{
	u32 word = word_of(e, value);

	return word && e->now.kept[word - 1] == value ? CBPF_WORDS - word : CBPF_WORDS;
}

/* A has it. */
static void keep(struct emitter *e, u32 value)
{
	u32 word = word_of(e, value);

	e->now.a = value;
	if (!word || e->now.kept[word - 1] == value)
		return;
	emit_step(e, BPF_ST, CBPF_WORDS - word);
	e->now.kept[word - 1] = value;
}

/* Does computing it need X? */
static bool uses_x(const struct emitter *e, u32 value)
{
	const struct value *v = &e->values->v.v[value];

	if (value == e->now.a || kept_in(e, value) < CBPF_WORDS)
		return false;
	if (v->op == VAL_MSH || (v->op == VAL_LOAD && v->a))
		return true;
	if (!VALUE_IS_ALU(v->op))
		return false;
	if (v->op != VAL_NEG && e->values->v.v[v->b].op != VAL_CONST)
		return true;
	return uses_x(e, v->a);
}

/* Does computing it change a word of M? */
static bool stores(const struct emitter *e, u32 value)
{
	const struct value *v = &e->values->v.v[value];

	if (value == e->now.a || kept_in(e, value) < CBPF_WORDS)
		return false;
	if (word_of(e, value))
		return true;
	if (v->op == VAL_LOAD)
		return v->a && stores(e, v->a);
	return VALUE_IS_ALU(v->op) && (stores(e, v->a) || (v->op != VAL_NEG && stores(e, v->b)));
}

/* Can X get it without A, once the other one is there? */
static bool is_direct(const struct emitter *e, u32 value, u32 other)
{
	u8 op = e->values->v.v[value].op;

	return op == VAL_MSH || op == VAL_LEN || op == VAL_CONST ||
	       (kept_in(e, value) < CBPF_WORDS && !stores(e, other));
}

/* To A and X, at least one of which is computed. */
bool emit_two(struct emitter *e, u32 a, u32 b, bool commutes)
{
	bool turned = commutes && !is_direct(e, b, a) && is_direct(e, a, b), apart;

	if (turned) {
		u32 other = a;

		a = b;
		b = other;
	}
	if (is_direct(e, b, a) || (e->now.x == b && !uses_x(e, a))) {
		emit_value(e, a);
		want_x(e, b);
		return turned;
	}
	emit_value(e, b);
	apart = uses_x(e, a);
	if (!apart) {
		want_x(e, b);
		emit_value(e, a);
		return turned;
	}
	if (e->now.saved == CBPF_WORDS - EMIT_KEPT) {
		e->deep = true;
		return turned;
	}
	emit_step(e, BPF_ST, e->now.saved++);
	emit_value(e, a);
	emit_step(e, BPF_LDX | BPF_MEM, --e->now.saved);
	e->now.x = b;
	return turned;
}

static void want_x(struct emitter *e, u32 value)
{
	const struct value *v = &e->values->v.v[value];

	if (e->now.x == value)
		return;
	if (kept_in(e, value) < CBPF_WORDS) {
		emit_step(e, BPF_LDX | BPF_MEM, kept_in(e, value));
		e->now.x = value;
		return;
	}
	switch (v->op) {
	case VAL_MSH: emit_step(e, BPF_LDX | BPF_B | CBPF_MSH, v->k); break;
	case VAL_CONST: emit_step(e, BPF_LDX | BPF_IMM, v->k); break;
	case VAL_LEN: emit_step(e, BPF_LDX | BPF_W | CBPF_LEN, 0); break;
	default:
		emit_value(e, value);
		emit_step(e, CBPF_MISC | CBPF_TAX, 0);
		break;
	}
	e->now.x = value;
}

static void alu(struct emitter *e, const struct value *v)
{
	enum value_op op = (enum value_op)v->op;
	bool commutes =
		op == VAL_ADD || op == VAL_MUL || op == VAL_AND || op == VAL_OR || op == VAL_XOR;

	if (op == VAL_NEG) {
		emit_value(e, v->a);
		emit_step(e, alu_code(op), 0);
	} else if (e->values->v.v[v->b].op == VAL_CONST) {
		emit_value(e, v->a);
		emit_step(e, alu_code(op), e->values->v.v[v->b].k);
	} else {
		emit_two(e, v->a, v->b, commutes);
		emit_step(e, alu_code(op) | BPF_X, 0);
	}
}

void emit_value(struct emitter *e, u32 value)
{
	const struct value *v = &e->values->v.v[value];

	if (e->now.a == value || e->deep)
		return;
	if (e->now.x == value) {
		emit_step(e, CBPF_MISC | CBPF_TXA, 0);
		e->now.a = value;
		return;
	}
	if (kept_in(e, value) < CBPF_WORDS) {
		emit_step(e, BPF_LD | BPF_MEM, kept_in(e, value));
		e->now.a = value;
		return;
	}
	switch (v->op) {
	case VAL_CONST: emit_step(e, BPF_LD | BPF_IMM, v->k); break;
	case VAL_LEN: emit_step(e, BPF_LD | BPF_W | CBPF_LEN, 0); break;
	case VAL_MSH:
		want_x(e, value);
		emit_step(e, CBPF_MISC | CBPF_TXA, 0);
		break;
	case VAL_LOAD:
		if (v->a)
			want_x(e, v->a);
		emit_step(e, load_code(v->size, v->a), v->k);
		break;
	default: alu(e, v); break;
	}
	keep(e, value);
}
