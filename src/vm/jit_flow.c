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

/* ---- operations: registers and targets */

enum { NEAR = 1, FAR };            /* the distance is off, or imm */
enum { HELPER = 1, FUNCTION = 2 }; /* what is called */
enum { DST = 1, SRC = 2 };         /* the registers that an instruction names */

/* By form: what is read and written of those, which others, where the distance of a jump is, and
 * what it calls. */
static const struct {
	u8 reads, writes;
	u16 use, def;
	u8 jump, calls;
} forms[FORMS] = {
	[FORM_ALU_K] = {.reads = DST, .writes = DST},
	[FORM_ALU_X] = {.reads = DST | SRC, .writes = DST},
	[FORM_MOVSX] = {.reads = SRC, .writes = DST},
	[FORM_NEG] = {.reads = DST, .writes = DST},
	[FORM_END] = {.reads = DST, .writes = DST},
	[FORM_LDX] = {.reads = SRC, .writes = DST},
	[FORM_ST] = {.reads = DST},
	[FORM_STX] = {.reads = DST | SRC},
	[FORM_ATOMIC] = {.reads = DST | SRC},
	[FORM_FETCH] = {.reads = DST | SRC, .writes = SRC},
	[FORM_CMPXCHG] = {.reads = DST | SRC, .use = BIT(0), .def = BIT(0)},
	[FORM_LOAD_ACQ] = {.reads = SRC, .writes = DST},
	[FORM_STORE_REL] = {.reads = DST | SRC},
	[FORM_LD_ABS] = {.def = BIT(0), .calls = HELPER},
	[FORM_LD_IND] = {.reads = SRC, .def = BIT(0), .calls = HELPER},
	[FORM_LD_IMM64] = {.writes = DST},
	[FORM_JA] = {.jump = NEAR},
	[FORM_GOTOL] = {.jump = FAR},
	[FORM_JMP_K] = {.reads = DST, .jump = NEAR},
	[FORM_JMP_X] = {.reads = DST | SRC, .jump = NEAR},
	[FORM_CALL] = {.use = BITS(1, 5), .def = BITS(0, 5), .calls = HELPER},
	[FORM_CALL_LOCAL] = {.use = BITS(1, 5), .def = BITS(0, 5), .calls = FUNCTION},
	[FORM_EXIT] = {.use = BIT(0)},
};

static u16 named(u32 which, const struct insn *in)
{
	return (u16)((which & DST) << in->dst | (which & SRC) >> 1 << in->src);
}

static void mark_place(struct jit *j, const struct isa_op *op, const struct insn *in, u32 at)
{
	const struct jit_slot *s = &j->slots[at];

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

static void mark(struct jit *j, u32 at)
{
	const struct insn *in = &j->insns[at];
	const struct isa_op *op = &isa_ops[j->prog->ops[at]];
	struct jit_slot *s = &j->slots[at];
	u32 form = op->form, jump = forms[form].jump;
	bool alu = form == FORM_ALU_K || form == FORM_ALU_X;
	bool mov = alu & ((in->code & 0xf0) == BPF_MOV);

	s->op = j->prog->ops[at];
	s->live = j->checked ? ALL : 0;
	s->use = named(forms[form].reads & ~(mov ? DST : 0), in) | forms[form].use;
	s->def = named(forms[form].writes, in) | forms[form].def;
	s->to = jump ? at + 1 + (u32)(jump == NEAR ? in->off : in->imm) : NO_JUMP;
	mark_place(j, op, in, at);
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

static void look_at(struct jit *j, struct jit_function *f)
{
	bool any_calls = j->calls_back || j->tail_calls;
	u16 use = 0, def = 0;
	u8 all = 0;

	for (u32 at = f->start; at < f->end; at++) {
		const struct jit_slot *s = &j->slots[at];

		use |= s->use;
		def |= s->def;
		all |= forms[isa_ops[s->op].form].calls;
		if (s->op && j->functions.n > 1)
			j->woven |= crosses(j, f, at);
	}
	f->saves = def & SAVED;
	f->frame |= use & BIT(10) || all & FUNCTION || (all & HELPER && any_calls);
	f->calls |= all != 0;
}

static void find_functions(struct jit *j)
{
	for (u32 at = 0; at < j->n; at++)
		if (j->slots[at].place & JIT_FUNCTION)
			add_function(j, at);
	vec_each (f, &j->functions)
		look_at(j, f);
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
