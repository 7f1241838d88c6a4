/*
 * jit_flow.c: what the compiler must know before it begins.
 *
 * In:  a program whose form was checked. Out: j->slots and j->functions.
 *
 * A function is what lies from its first slot to the first of the next. Where a jump crosses such
 * a border, the bodies of functions are woven into each other: then all functions keep the same
 * registers and all have a frame, so that it does not matter whose exit ends them.
 */
#include "vm/jit.h"

#define BIT(r)     ((u16)(1u << (r)))
#define BITS(a, b) ((u16)((2u << (b)) - (1u << (a)))) /* from a to b */
#define ALL        BITS(0, 10)
#define SAVED      BITS(6, 9)

/* ---- registers of an instruction */

struct effect {
	u16 use, def;
};

static struct effect call_effect(const struct insn *in)
{
	const struct helper *h = helper_by_id((u32)in->imm);
	u32 args = h ? h->nargs : 5;

	return (struct effect){args ? BITS(1, args) : 0, BITS(0, 5)};
}

static struct effect effect_of(const struct isa_op *op, const struct insn *in)
{
	u16 dst = BIT(in->dst), src = BIT(in->src);
	bool mov = (in->code & 0xf0) == BPF_MOV;

	switch (op->form) {
	case FORM_ALU_K: return (struct effect){mov ? 0 : dst, dst};
	case FORM_ALU_X: return (struct effect){mov ? src : dst | src, dst};
	case FORM_MOVSX:
	case FORM_LDX:
	case FORM_LOAD_ACQ: return (struct effect){src, dst};
	case FORM_NEG:
	case FORM_END: return (struct effect){dst, dst};
	case FORM_ST:
	case FORM_JMP_K: return (struct effect){dst, 0};
	case FORM_STX:
	case FORM_ATOMIC:
	case FORM_STORE_REL:
	case FORM_JMP_X: return (struct effect){dst | src, 0};
	case FORM_FETCH: return (struct effect){dst | src, src};
	case FORM_CMPXCHG: return (struct effect){dst | src | BIT(0), BIT(0)};
	case FORM_LD_ABS: return (struct effect){0, BIT(0)};
	case FORM_LD_IND: return (struct effect){src, BIT(0)};
	case FORM_LD_IMM64: return (struct effect){0, dst};
	case FORM_CALL: return call_effect(in);
	case FORM_CALL_LOCAL: return (struct effect){BITS(1, 5), BITS(0, 5)};
	case FORM_EXIT: return (struct effect){BIT(0), 0};
	default: return (struct effect){0, 0};
	}
}

/* ---- operations and targets */

static u32 target_of(const struct isa_op *op, const struct insn *in, u32 at)
{
	switch (op->form) {
	case FORM_JA:
	case FORM_JMP_K:
	case FORM_JMP_X: return at + 1 + (u32)in->off;
	case FORM_GOTOL: return at + 1 + (u32)in->imm;
	default: return NO_JUMP;
	}
}

static void mark(struct jit *j, u32 at)
{
	const struct insn *in = &j->insns[at];
	const struct isa_op *op = &isa_ops[j->prog->ops[at]];
	struct jit_slot *s = &j->slots[at];
	struct effect e = effect_of(op, in);

	s->op = (u8)isa_id(op);
	s->use = e.use;
	s->def = e.def;
	s->to = target_of(op, in, at);
	if (s->to != NO_JUMP) {
		j->slots[s->to].place |= JIT_TARGET | (s->to <= at ? JIT_LOOP : 0);
		j->slots[s->to].from = at; /* of jumps forwards: nobody asks */
	} else if (op->form == FORM_CALL_LOCAL) {
		j->slots[at + 1 + (u32)in->imm].place |= JIT_FUNCTION;
	} else if (op->form == FORM_CALL) {
		j->tail_calls |= in->imm == HELPER_tail_call;
	} else if (op->form == FORM_LD_IMM64 && in->src == BPF_PSEUDO_FUNC) {
		j->slots[at + 1 + (u32)in->imm].place |= JIT_FUNCTION;
		j->calls_back = true;
	}
}

/* Does nothing follow it? */
static bool ends(const struct jit_slot *s)
{
	return s->op == ISA_exit || s->op == ISA_ja || s->op == ISA_gotol;
}

/* ---- functions */

static void add_function(struct jit *j, u32 at)
{
	struct jit_function *f = vec_add(&j->arena, &j->functions);

	if (j->functions.n > 1)
		f[-1].end = at;
	f->start = at;
	f->end = j->n;
	f->label = emit_label(&j->e);
	f->frame = f->calls = j->checked;
}

/* Does the slot lead out of its function, other than by a call? */
static bool crosses(const struct jit *j, const struct jit_function *f, u32 at)
{
	const struct jit_slot *s = &j->slots[at];
	u32 next = at + 1 + (isa_ops[s->op].form == FORM_LD_IMM64);

	return (s->to != NO_JUMP && (s->to < f->start || s->to >= f->end)) ||
	       (next == f->end && !ends(s));
}

static void look_at(struct jit *j, struct jit_function *f, u32 at)
{
	const struct jit_slot *s = &j->slots[at];
	u32 form = isa_ops[s->op].form;

	f->saves |= s->def & SAVED;
	f->frame |= (s->use & BIT(10)) || form == FORM_CALL_LOCAL;
	f->calls |= form == FORM_CALL_LOCAL || form == FORM_CALL || form == FORM_LD_ABS ||
		    form == FORM_LD_IND;
	f->frame |= form == FORM_CALL && (j->calls_back || j->tail_calls);
	j->woven |= crosses(j, f, at);
}

static void find_functions(struct jit *j)
{
	for (u32 at = 0; at < j->n; at++)
		if (j->slots[at].place & JIT_FUNCTION)
			add_function(j, at);
	vec_each (f, &j->functions)
		for (u32 at = f->start; at < f->end; at++)
			if (j->slots[at].op)
				look_at(j, f, at);
	vec_each (f, &j->functions)
		if (j->woven) {
			f->saves = SAVED;
			f->frame = f->calls = true;
		}
}

/* ---- which registers are needed */

static u16 live_before(const struct jit_slot *s)
{
	return (s->live & ~s->def) | s->use;
}

/* From the last slot to the first. A loop is gone through again when its first instruction turns
 * out to need more than those who jump to it knew; at most once for each register. */
static void find_live(struct jit *j)
{
	u16 live = 0;

	for (u32 at = j->n; at-- > 0;) {
		struct jit_slot *s = &j->slots[at];

		if (!s->op)
			continue;
		if (ends(s))
			live = 0;
		if (s->to != NO_JUMP)
			live |= live_before(&j->slots[s->to]);
		s->live |= live;
		live = live_before(s);
		if (s->place & JIT_LOOP && live & ~s->known) {
			s->known = live;
			at = s->from + 1;
			live = at < j->n ? live_before(&j->slots[at]) : 0;
		}
	}
}

bool jit_needed(const struct jit *j, u32 slot, u32 reg)
{
	return j->slots[slot].live & BIT(reg);
}

void jit_flow(struct jit *j)
{
	j->slots = arena_array(&j->arena, struct jit_slot, j->n);
	for (u32 at = 0; at < j->n; at++) {
		mark(j, at);
		at += isa_ops[j->slots[at].op].form == FORM_LD_IMM64;
	}
	j->slots[0].place |= JIT_FUNCTION;
	find_functions(j);
	for (u32 at = 0; at < j->n && j->checked; at++)
		j->slots[at].live = ALL;
	if (!j->checked)
		find_live(j);
}

/* ---- halves that are 0 */

static bool clears_upper(const struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 kind = in->code & 7, alu = in->code & 0xf0;

	switch (op->form) {
	case FORM_END: return in->imm < 64;
	case FORM_LDX: return *op->text == 'u' && (in->code & 0x18) != BPF_DW;
	case FORM_FETCH:
	case FORM_CMPXCHG:
	case FORM_LOAD_ACQ: return (in->code & 0x18) != BPF_DW;
	case FORM_LD_ABS:
	case FORM_LD_IND: return true;
	case FORM_LD_IMM64: return !in->src && !in[1].imm;
	case FORM_ALU_K:
		return kind == BPF_ALU || ((alu == BPF_MOV || alu == BPF_AND) && in->imm >= 0) ||
		       (alu == BPF_RSH && (in->imm & 63) >= 32);
	case FORM_ALU_X: return kind == BPF_ALU || (alu == BPF_MOV && j->narrow & BIT(in->src));
	default: return kind == BPF_ALU;
	}
}

u16 jit_narrow(const struct jit *j, u32 slot)
{
	const struct isa_op *op = &isa_ops[j->slots[slot].op];
	u16 def = j->slots[slot].def;

	return clears_upper(j, op, &j->insns[slot]) ? j->narrow | def : j->narrow & ~def;
}
