/*
 * cfi_run.c: carries out the instructions of call frame information; see cfi.h.
 *
 * Of the registers four matter: the stack pointer (by the CFA), the frame pointer, rbx and the return
 * address. What is said of the others is read over. A rule that a row cannot hold makes its code
 * unknown, not wrong.
 */
#include "elf/cfi_inside.h"

#define REMEMBERED_MOST 16

enum how { SAME, UNDEFINED, AT_CFA, EXPRESSION, OTHER };
struct reg_rule {
	u8 how;
	s64 off;     /* AT_CFA */
	u64 at, end; /* EXPRESSION: in the section */
};
struct state {
	u64 cfa_reg;
	s64 cfa_off;
	u64 expr, expr_end; /* of the CFA; expr_end 0: it is a register and an offset */
	struct reg_rule bp, bx, ra;
};
struct machine {
	const struct cfi_section *s;
	const struct cfi_cie *cie;
	struct state now, first, kept[REMEMBERED_MOST];
	u32 nkept;
	u64 pc;
};

/* ---- expressions: the five that compilers, linkers and the C library write */

enum { OP_DEREF = 0x06, OP_PLUS_UCONST = 0x23, OP_LIT0 = 0x30, OP_BREG0 = 0x70 };

static bool words(s64 off, s64 least, s64 most)
{
	return off % 8 == 0 && off / 8 >= least && off / 8 <= most;
}

/* "a register, an offset", then perhaps a deref; *op: what stands behind, 0: nothing. */
static bool simple(const struct cfi_section *s, u64 at, u64 end, u32 *reg, s64 *off, u8 *op)
{
	struct cursor c = {&s->bytes, at, false};
	u8 first = (u8)cursor_get(&c, 1);

	*op = 0;
	if (first < OP_BREG0 || first >= OP_BREG0 + 32)
		return false;
	*reg = (u32)(first - OP_BREG0);
	*off = cursor_sleb(&c);
	if (c.at < end)
		*op = (u8)cursor_get(&c, 1);
	return !c.bad && c.at == end;
}

/* "sp, an offset, deref, plus 8": the old stack pointer was saved there. */
static u32 saved_sp(const struct cfi_section *s, u64 at, u64 end)
{
	const u8 *p = s->bytes.p + end;
	u32 reg;
	s64 off;
	u8 op;

	if (end - at < 4 || p[-2] != OP_PLUS_UCONST || p[-1] != 8 ||
	    !simple(s, at, end - 2, &reg, &off, &op) || op != OP_DEREF || reg != REG_SP ||
	    !words(off, -(1 << 17), (1 << 17) - 1))
		return CFI_NONE;
	return CFI_RULE(CFI_SP_DEREF, off / 8, 0, 0);
}

/* breg7 8, breg16 0, lit15, and, litN, ge, lit3, shl, plus: N bytes into each 16 of a PLT one word
 * more was pushed. */
static u32 plt(const struct cfi_section *s, u64 at, u64 end)
{
	static const u8 form[11] = {0x77, 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22};
	const u8 *p = s->bytes.p + at;

	if (end - at != sizeof(form) || memcmp(p, form, 6) != 0 ||
	    memcmp(p + 7, form + 7, 4) != 0 || p[6] < OP_LIT0 || p[6] >= OP_LIT0 + 16)
		return CFI_NONE;
	return CFI_RULE(CFI_PLT, p[6] - OP_LIT0, 0, 0);
}

/* By DWARF's numbers: rax, rdx, rcx, rbx, rsi, rdi, two that have kinds of their own, r8 to r15. */
static const u8 place_in_regs[] = {10, 12, 11, CFI_REG_BX, 13, 14, 0, 0, 9, 8, 7, 6, 3, 2, 1, 0};

static u32 cfa_rule(const struct cfi_section *s, const struct state *st)
{
	u32 reg = (u32)st->cfa_reg;
	s64 off = st->cfa_off;
	u8 op = 0;

	if (st->expr_end && !simple(s, st->expr, st->expr_end, &reg, &off, &op))
		return saved_sp(s, st->expr, st->expr_end) | plt(s, st->expr, st->expr_end);
	if (!words(off, -(1 << 17), (1 << 17) - 1))
		return CFI_NONE;
	if (reg == REG_SP && op == OP_DEREF && off >= CFI_SIGNAL_SP)
		return CFI_RULE(CFI_SIGNAL, (off - CFI_SIGNAL_SP) / 8, 0, 0);
	if (reg == REG_BP && op == OP_DEREF)
		return CFI_RULE(CFI_BP_DEREF, off / 8, 0, 0);
	if (op)
		return CFI_NONE;
	if (reg != REG_SP && reg != REG_BP)
		return reg < ARRAY_SIZE(place_in_regs) && words(off, -(1 << 13), (1 << 13) - 1)
			       ? CFI_RULE(CFI_REG, CFI_REG_OFF(place_in_regs[reg], off / 8), 0, 0)
			       : CFI_NONE;
	return CFI_RULE(reg == REG_SP ? CFI_SP : CFI_BP, off / 8, 0, 0);
}

static u32 bp_rule(const struct cfi_section *s, const struct reg_rule *r)
{
	u32 reg;
	s64 off;
	u8 op;

	if (r->how == AT_CFA && words(r->off, -16, 15))
		return CFI_RULE(0, 0, CFI_BP_AT_CFA, r->off / 8);
	if (r->how == EXPRESSION && simple(s, r->at, r->end, &reg, &off, &op) && !op &&
	    reg == REG_BP && words(off, -16, 15))
		return CFI_RULE(0, 0, CFI_BP_AT_BP, off / 8);
	return 0;
}

static u32 bx_rule(const struct reg_rule *r)
{
	if (r->how == SAME)
		return CFI_RULE_BX(CFI_BX_SAME);
	return CFI_RULE_BX(r->how == AT_CFA && words(r->off, -CFI_BX_LOST, -2) ? -r->off / 8 - 1
									      : CFI_BX_LOST);
}

static u32 rule_of(const struct cfi_section *s, const struct cfi_cie *cie, const struct state *st)
{
	u32 rule;

	if (st->ra.how == UNDEFINED)
		return CFI_END;
	rule = cfa_rule(s, st);
	if (cfi_kind(rule) == CFI_SIGNAL) /* its other registers lie where the kernel puts them */
		return cie->signal ? rule : CFI_NONE;
	if (cfi_kind(rule) == CFI_NONE || st->ra.how != AT_CFA || st->ra.off != -8)
		return CFI_NONE;
	return rule | bp_rule(s, &st->bp) | bx_rule(&st->bx);
}

/* ---- instructions */

static struct reg_rule *reg_of(struct machine *m, struct reg_rule *other, u64 reg)
{
	if (reg == m->cie->return_reg)
		return &m->now.ra;
	return reg == REG_BP ? &m->now.bp : reg == REG_BX ? &m->now.bx : other;
}

static void set_reg(struct machine *m, u64 reg, u8 how, s64 off)
{
	struct reg_rule other;

	*reg_of(m, &other, reg) = (struct reg_rule){.how = how, .off = off};
}

static void restore_reg(struct machine *m, u64 reg)
{
	if (reg == m->cie->return_reg)
		m->now.ra = m->first.ra;
	else if (reg == REG_BP)
		m->now.bp = m->first.bp;
	else if (reg == REG_BX)
		m->now.bx = m->first.bx;
}

static void set_cfa(struct machine *m, u64 reg, s64 off)
{
	m->now.cfa_reg = reg;
	m->now.cfa_off = off;
	m->now.expr_end = 0;
}

/* Reads over an expression; where it is. */
static void block(struct cursor *c, u64 *at, u64 *end)
{
	u64 size = cursor_uleb(c);

	*at = c->at;
	cursor_skip(c, size);
	*end = c->at;
}

static void expression(struct machine *m, struct cursor *c, u8 how)
{
	u64 reg = cursor_uleb(c);
	struct reg_rule other, *r = reg_of(m, &other, reg);

	*r = (struct reg_rule){.how = how};
	block(c, &r->at, &r->end);
}

static void remember(struct machine *m)
{
	if (m->nkept < REMEMBERED_MOST)
		m->kept[m->nkept] = m->now;
	m->nkept++;
}

static void recall(struct machine *m)
{
	if (m->nkept && m->nkept-- <= REMEMBERED_MOST)
		m->now = m->kept[m->nkept];
}

/* DW_CFA_*; advances of pc are carried out by the caller: how far, else 0. False: unknown. */
static bool step(struct machine *m, struct cursor *c, u8 op, u64 *advance)
{
	s64 data = m->cie->data_align;
	u64 reg;

	switch (op) {
	case 0x00: break; /* nop */
	case 0x01:        /* set_loc */
		reg = cfi_address(c, m->s, m->cie->encoding, m->cie->address_size);
		*advance = reg > m->pc ? reg - m->pc : 0;
		break;
	case 0x02: *advance = cursor_get(c, 1) * m->cie->code_align; break;
	case 0x03: *advance = cursor_get(c, 2) * m->cie->code_align; break;
	case 0x04: *advance = cursor_get(c, 4) * m->cie->code_align; break;
	case 0x05: /* offset_extended */
		reg = cursor_uleb(c);
		set_reg(m, reg, AT_CFA, (s64)cursor_uleb(c) * data);
		break;
	case 0x06: restore_reg(m, cursor_uleb(c)); break;
	case 0x07: set_reg(m, cursor_uleb(c), UNDEFINED, 0); break;
	case 0x08: set_reg(m, cursor_uleb(c), SAME, 0); break;
	case 0x09: /* register */
		set_reg(m, cursor_uleb(c), OTHER, 0);
		cursor_uleb(c);
		break;
	case 0x0a: remember(m); break;
	case 0x0b: recall(m); break;
	case 0x0c: /* def_cfa */
		reg = cursor_uleb(c);
		set_cfa(m, reg, (s64)cursor_uleb(c));
		break;
	case 0x0d: set_cfa(m, cursor_uleb(c), m->now.cfa_off); break;
	case 0x0e: set_cfa(m, m->now.cfa_reg, (s64)cursor_uleb(c)); break;
	case 0x0f: block(c, &m->now.expr, &m->now.expr_end); break;
	case 0x10: expression(m, c, EXPRESSION); break;
	case 0x11: /* offset_extended_sf */
		reg = cursor_uleb(c);
		set_reg(m, reg, AT_CFA, cursor_sleb(c) * data);
		break;
	case 0x12: /* def_cfa_sf */
		reg = cursor_uleb(c);
		set_cfa(m, reg, cursor_sleb(c) * data);
		break;
	case 0x13: set_cfa(m, m->now.cfa_reg, cursor_sleb(c) * data); break;
	case 0x14: /* val_offset */
		set_reg(m, cursor_uleb(c), OTHER, 0);
		cursor_uleb(c);
		break;
	case 0x15: /* val_offset_sf */
		set_reg(m, cursor_uleb(c), OTHER, 0);
		cursor_sleb(c);
		break;
	case 0x16: expression(m, c, OTHER); break;
	case 0x2e: cursor_uleb(c); break; /* GNU_args_size */
	case 0x2f:                        /* GNU_negative_offset_extended */
		reg = cursor_uleb(c);
		set_reg(m, reg, AT_CFA, -(s64)cursor_uleb(c) * data);
		break;
	default: return false;
	}
	return !c->bad;
}

/* The three operations that have an operand in their byte. */
static bool packed(struct machine *m, struct cursor *c, u8 op, u64 *advance)
{
	u8 low = op & 0x3f;

	switch (op >> 6) {
	case 1: *advance = low * m->cie->code_align; break;
	case 2: set_reg(m, low, AT_CFA, (s64)cursor_uleb(c) * m->cie->data_align); break;
	case 3: restore_reg(m, low); break;
	default: return step(m, c, op, advance);
	}
	return !c->bad;
}

/* at: where pc `first` is in the file; without an output only the state counts. */
static bool run(struct machine *m, u64 begin, u64 end, const struct cfi_fde *f, u64 at)
{
	struct cursor c = {&m->s->bytes, begin, false};

	while (c.at < end) {
		u64 advance = 0;

		if (!packed(m, &c, (u8)cursor_get(&c, 1), &advance))
			return false;
		if (!advance || !f)
			continue;
		cfi_add(m->s->out, at + (m->pc - f->pc), rule_of(m->s, m->cie, &m->now));
		if (advance > f->size || m->pc - f->pc > f->size - advance)
			return true;
		m->pc += advance;
	}
	return true;
}

void cfi_run(const struct cfi_section *s, const struct cfi_cie *cie, const struct cfi_fde *f,
	     u64 at)
{
	struct machine m = {.s = s, .cie = cie, .pc = f->pc};
	u32 rule = CFI_NONE;

	if (run(&m, cie->begin, cie->end, NULL, 0)) {
		m.first = m.now;
		m.nkept = 0;
		if (run(&m, f->begin, f->end, f, at))
			rule = rule_of(s, cie, &m.now);
	}
	if (m.pc - f->pc < f->size)
		cfi_add(s->out, at + (m.pc - f->pc), rule);
}
