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

enum { NEAR = 1, FAR }; /* the distance is off, or imm */
/* What is called; TURNS: what is behind the slot does not simply come next */
enum { HELPER = 1, FUNCTION = 2, TURNS = 4 };
enum { DST = 1, SRC = 2 }; /* the registers that an instruction names */

/* By form: what is read and written of those, which others, where the distance of a jump is, and
 * what else it does. */
static const struct {
	u8 reads, writes;
	u16 use, def;
	u8 jump, does;
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
	[FORM_LD_ABS] = {.def = BIT(0), .does = HELPER},
	[FORM_LD_IND] = {.reads = SRC, .def = BIT(0), .does = HELPER},
	[FORM_LD_IMM64] = {.writes = DST},
	[FORM_JA] = {.jump = NEAR, .does = TURNS},
	[FORM_GOTOL] = {.jump = FAR, .does = TURNS},
	[FORM_JMP_K] = {.reads = DST, .jump = NEAR, .does = TURNS},
	[FORM_JMP_X] = {.reads = DST | SRC, .jump = NEAR, .does = TURNS},
	[FORM_CALL] = {.use = BITS(1, 5), .def = BITS(0, 5), .does = HELPER},
	[FORM_CALL_LOCAL] = {.use = BITS(1, 5), .def = BITS(0, 5), .does = FUNCTION},
	[FORM_EXIT] = {.use = BIT(0), .does = TURNS},
};

static u16 named(u32 which, u32 dst, u32 src)
{
	return (u16)((which & DST ? dst : 0) | (which & SRC ? src : 0));
}

static void mark_function(struct jit *j, u32 at)
{
	j->slots[at].place |= JIT_FUNCTION;
	j->many |= at != 0;
}

/* Of a slot that goes elsewhere, calls, or loads an address. */
static void mark_place(struct jit *j, const struct isa_op *op, const struct insn *in, u32 at)
{
	u32 jump = forms[op->form].jump, to = at + 1 + (u32)(jump == NEAR ? in->off : in->imm);

	if (jump) {
		j->slots[at].to = to;
		j->slots[to].place |= JIT_TARGET | (to <= at ? JIT_LOOP : 0);
		j->slots[to].from = at; /* of jumps forwards: nobody asks */
	} else if (op->form == FORM_CALL_LOCAL) {
		mark_function(j, at + 1 + (u32)in->imm);
	} else if (op->form == FORM_CALL) {
		j->tail_calls |= in->imm == HELPER_tail_call;
	} else if (op->form == FORM_LD_IMM64 && in->src == BPF_PSEUDO_FUNC) {
		mark_function(j, at + 1 + (u32)in->imm);
		j->calls_back = true;
	}
}

/* What slots do together. */
struct jit_flows {
	u16 use, def;
	u8 does;
};

static bool is_move(const struct isa_op *op)
{
	return (op->code & 0xf0) == BPF_MOV && (op->form == FORM_ALU_K || op->form == FORM_ALU_X);
}

/* How many slots it is. What all of them do together is what the first function does, as long as
 * nobody knows of another one. */
static inline u32 mark(struct jit *j, struct jit_flows *all, const u8 *ops, u16 live, u32 at)
{
	const struct insn *in = &j->insns[at];
	u32 id = ops[at], form = isa_ops[id].form, dst = 1u << in->dst, src = 1u << in->src;
	u16 use = forms[form].use |
		  named(forms[form].reads & ~(is_move(&isa_ops[id]) ? DST : 0), dst, src);
	u16 def = forms[form].def | named(forms[form].writes, dst, src);
	u8 does = forms[form].does;
	struct jit_slot *s = &j->slots[at];

	s->op = (u8)id;
	s->live = live;
	s->use = use;
	s->def = def;
	s->does = does;
	s->to = NO_JUMP;
	all->use |= use;
	all->def |= def;
	all->does |= does;
	if (does)
		mark_place(j, &isa_ops[id], in, at);
	if (form != FORM_LD_IMM64)
		return 1;
	s[1].to = NO_JUMP;
	if (in->src == BPF_PSEUDO_FUNC)
		mark_place(j, &isa_ops[id], in, at);
	return 2;
}

/* Does nothing follow it? */
static bool ends(const struct jit_slot *s)
{
	return s->op == ISA_exit || s->op == ISA_ja || s->op == ISA_gotol;
}

/* ---- functions */

static void add_function(struct jit *j, u32 at)
{
	struct jit_function *f = vec_add(j->arena, &j->functions);

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

static struct jit_flows flows_of(struct jit *j, const struct jit_function *f)
{
	struct jit_flows all = {0};

	for (u32 at = f->start; at < f->end; at++) {
		const struct jit_slot *s = &j->slots[at];

		all.use |= s->use;
		all.def |= s->def;
		all.does |= s->does;
		if (s->op)
			j->woven |= crosses(j, f, at);
	}
	return all;
}

static void look_at(const struct jit *j, struct jit_function *f, struct jit_flows all)
{
	bool any_calls = j->calls_back || j->tail_calls;

	f->saves = all.def & SAVED;
	f->frame |= all.use & BIT(10) || all.does & FUNCTION || (all.does & HELPER && any_calls);
	f->calls |= (all.does & (HELPER | FUNCTION)) != 0;
}

static void find_functions(struct jit *j, struct jit_flows all)
{
	if (!j->many) {
		add_function(j, 0);
		look_at(j, j->functions.v, all);
		return;
	}
	for (u32 at = 0; at < j->n; at++)
		if (j->slots[at].place & JIT_FUNCTION)
			add_function(j, at);
	vec_each (f, &j->functions)
		look_at(j, f, flows_of(j, f));
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

	for (struct jit_slot *s = j->slots + j->n; s-- > j->slots;) {
		if (s->does & TURNS) {
			if (ends(s))
				live = 0;
			if (s->to != NO_JUMP)
				live |= live_before(&j->slots[s->to]);
		}
		s->live |= live;
		live = live_before(s);
		if (s->place & JIT_LOOP && live & ~s->known) {
			s->known = live;
			s = j->slots + s->from + 1;
			live = s < j->slots + j->n ? live_before(s) : 0;
		}
	}
}

bool jit_needed(const struct jit *j, u32 slot, u32 reg)
{
	return j->slots[slot].live & BIT(reg);
}

void jit_flow(struct jit *j)
{
	struct jit_flows all = {0};

	j->slots = arena_array(j->arena, struct jit_slot, j->n);
	for (u32 at = 0; at < j->n;)
		at += mark(j, &all, j->prog->ops, j->checked ? ALL : 0, at);
	j->slots[0].place |= JIT_FUNCTION;
	find_functions(j, all);
	if (!j->checked)
		find_live(j);
}

/* ---- halves that are 0 */

static inline bool clears_upper(const struct jit *j, const struct isa_op *op, const struct insn *in)
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
