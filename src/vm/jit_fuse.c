/*
 * jit_fuse.c: several instructions as one.
 *
 * In:  the slots from j->at on. Out: how many were translated together; 0: each for itself.
 *
 * BPF has no address with an index, no operation on memory, two operands where the machine has
 * three, and no zero or sign extension in its older versions; so what a compiler wants to say takes
 * some instructions, always the same ones. The table at the end has a row for each operation that
 * such a sequence begins with. No jump may land between, and what is left out must not be needed
 * afterwards; where a program is checked, everything is, as a fault shows all registers.
 */
#include "vm/jit.h"

typedef u32 fuse_fn(struct jit *);
#define NO_REG 11 /* of BPF */

/* An instruction, and its operation; ISA_NONE: there is none, or a jump lands on it. */
struct ahead {
	u32 op;
	const struct insn *in;
};

static inline struct ahead ahead(const struct jit *j, u32 k)
{
	static const struct insn none;
	u32 at = j->at + k;

	if (at >= j->n || (k && j->slots[at].place))
		return (struct ahead){ISA_NONE, &none};
	return (struct ahead){j->slots[at].op, &j->insns[at]};
}

static bool needed(const struct jit *j, u32 k, u32 reg)
{
	return jit_needed(j, j->at + k, reg);
}

/* ---- arithmetic on memory: load, compute, store back */

struct plain {
	bool known, by_imm;
	enum x_alu alu;
};

static struct plain plain_of(u32 op)
{
	static const struct {
		u8 first, alu; /* first: of 64_k, 64_x, 32_k, 32_x */
	} rows[] = {{ISA_add64_k, X_ADD},
		    {ISA_sub64_k, X_SUB},
		    {ISA_or64_k, X_OR},
		    {ISA_and64_k, X_AND},
		    {ISA_xor64_k, X_XOR}};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (op >= rows[i].first && op < rows[i].first + 4u)
			return (struct plain){true, !((op - rows[i].first) & 1), rows[i].alu};
	return (struct plain){0};
}

/* A load at k from m, what is computed at k + 1, a store to the same place at k + 2. */
static bool updates(const struct jit *j, u32 k, struct plain p)
{
	struct ahead load = ahead(j, k), alu = ahead(j, k + 1), store = ahead(j, k + 2);
	u32 value = load.in->dst;
	bool same_place = isa_ops[store.op].form == FORM_STX &&
			  jit_size(store.in) == jit_size(load.in) &&
			  store.in->dst == load.in->src && store.in->off == load.in->off;
	bool on_value = alu.in->dst == value && (p.by_imm || alu.in->src != value) &&
			(jit_size(load.in) < 8 || (alu.in->code & 7) == BPF_ALU64);

	return same_place && on_value && load.in->src != value && store.in->src == value &&
	       !needed(j, k + 2, value);
}

/* How many slots: 3 or 0. `unmade`: a register that does not hold its value. */
static u32 fuse_update_at(struct jit *j, u32 k, struct x_mem m, u32 unmade)
{
	struct ahead alu = ahead(j, k + 1);
	u32 size = jit_size(ahead(j, k).in);
	struct plain p;

	if (j->checked ||
	    (isa_ops[alu.op].form != FORM_ALU_K && isa_ops[alu.op].form != FORM_ALU_X))
		return 0;
	p = plain_of(alu.op);
	if (!p.known || !updates(j, k, p) || (!p.by_imm && alu.in->src == unmade))
		return 0;
	if (!p.by_imm)
		x_alu_store(&j->e, size, p.alu, m, REG(alu.in->src));
	else if (size == 2 && alu.in->imm != (s8)alu.in->imm) /* slow to decode */
		return 0;
	else
		x_alu_store_imm(&j->e, size, p.alu, m, alu.in->imm);
	return 3;
}

static u32 fuse_update(struct jit *j)
{
	const struct insn *in = &j->insns[j->at];

	return fuse_update_at(j, 0, X_AT(REG(in->src), in->off), NO_REG);
}

/* ---- addresses: a shift, a move, sums, then an access or the address itself */

struct address {
	struct x_mem m;
	u32 reg; /* BPF register that holds it in the end */
	u32 n;   /* slots so far */
};

/* Sums onto a->reg. `shifted`: the register that must be added, since its shift was left out. */
static bool sum_up(const struct jit *j, struct address *a, u32 shifted, u32 scale)
{
	for (struct ahead x; (x = ahead(j, a->n)).op && x.in->dst == a->reg; a->n++) {
		s64 disp = (s64)a->m.disp + x.in->imm;

		if (x.op == ISA_add64_k && disp == (s32)disp) {
			a->m.disp = (s32)disp;
		} else if (x.op == ISA_add64_x && a->m.index == X_NONE && x.in->src != a->reg &&
			   (shifted == NO_REG || shifted == x.in->src)) {
			a->m.index = (u8)REG(x.in->src);
			a->m.scale = (u8)scale;
			if (shifted != NO_REG && needed(j, a->n, shifted))
				return false;
		} else {
			break;
		}
	}
	return shifted == NO_REG || a->m.index != X_NONE;
}

static bool find_address(const struct jit *j, struct address *a)
{
	u32 shifted = NO_REG, scale = 1;
	struct ahead x = ahead(j, 0);

	*a = (struct address){.m = X_AT(0, 0)};
	if (x.op == ISA_lsh64_k) {
		if (x.in->imm < 1 || x.in->imm > 3)
			return false;
		shifted = x.in->dst;
		scale = 1u << x.in->imm;
		x = ahead(j, ++a->n);
	}
	a->reg = x.in->dst;
	if (a->reg == shifted)
		return false;
	if (x.op == ISA_mov64_x && x.in->src != shifted && x.in->src != a->reg) {
		a->m.base = (u8)REG(x.in->src);
		a->n++;
	} else if (x.op == ISA_add64_x || x.op == ISA_add64_k) {
		a->m.base = (u8)REG(a->reg);
	} else {
		return false;
	}
	return sum_up(j, a, shifted, scale);
}

static u32 load_at(struct jit *j, const struct address *a, struct x_mem m)
{
	struct ahead x = ahead(j, a->n);
	u32 n = needed(j, a->n + 2, a->reg) ? 0 : fuse_update_at(j, a->n, m, a->reg);

	if (n)
		return a->n + n;
	if (x.in->dst != a->reg && needed(j, a->n, a->reg))
		return 0;
	if (*isa_ops[x.op].text == 's')
		x_load_signed(&j->e, jit_size(x.in), REG(x.in->dst), m);
	else
		x_load(&j->e, jit_size(x.in), REG(x.in->dst), m);
	return a->n + 1;
}

/* An access at the address, which is then not needed itself; how many slots, or 0. */
static u32 access_at(struct jit *j, const struct address *a)
{
	struct ahead x = ahead(j, a->n);
	u32 form = isa_ops[x.op].form;
	struct x_mem m = a->m;
	s64 disp = (s64)m.disp + x.in->off;

	m.disp = (s32)disp;
	if (j->checked || disp != (s32)disp)
		return 0;
	if (form == FORM_LDX && x.in->src == a->reg)
		return load_at(j, a, m);
	if (x.in->dst != a->reg || needed(j, a->n, a->reg))
		return 0;
	if (form == FORM_STX && x.in->src != a->reg)
		x_store(&j->e, jit_size(x.in), m, REG(x.in->src));
	else if (form == FORM_ST)
		x_store_imm(&j->e, jit_size(x.in), m, x.in->imm);
	else
		return 0;
	return a->n + 1;
}

static u32 fuse_address(struct jit *j)
{
	struct address a;
	u32 n;

	if (!find_address(j, &a))
		return 0;
	n = access_at(j, &a);
	if (n || a.n < 2)
		return n;
	if (a.m.index == X_NONE && a.m.base == REG(a.reg))
		x_alu_imm(&j->e, true, X_ADD, REG(a.reg), a.m.disp);
	else
		x_lea(&j->e, true, REG(a.reg), a.m);
	return a.n;
}

/* ---- extensions: up, and down again */

/* The shifts begin at k; `from`: the register that holds the value. How many slots in all, or 0. */
static u32 extend(struct jit *j, u32 k, u32 from)
{
	struct ahead up = ahead(j, k), down = ahead(j, k + 1);
	bool wide = up.op == ISA_lsh64_k;
	u32 left = (wide ? 64 : 32) - (u32)up.in->imm, dst = REG(up.in->dst);

	if ((!wide && up.op != ISA_lsh32_k) || up.in->imm != down.in->imm ||
	    up.in->dst != down.in->dst)
		return 0;
	if (left != 8 && left != 16 && (left != 32 || !wide))
		return 0;
	if (down.op == up.op + (ISA_rsh64_k - ISA_lsh64_k))
		x_zero_extend(&j->e, left / 8, dst, from);
	else if (down.op == up.op + (ISA_arsh64_k - ISA_lsh64_k))
		x_sign_extend(&j->e, left / 8, wide, dst, from);
	else
		return 0;
	return k + 2;
}

static u32 fuse_extend(struct jit *j)
{
	return extend(j, 0, REG(j->insns[j->at].dst));
}

/* ---- a move, and an operation that has three operands on the machine */

static u32 fuse_move(struct jit *j)
{
	struct ahead mov = ahead(j, 0), x = ahead(j, 1);
	bool wide = mov.op == ISA_mov64_x;
	u32 to = REG(mov.in->dst), from = REG(mov.in->src), n;

	if (x.in->dst != mov.in->dst)
		return 0;
	n = wide ? extend(j, 1, from) : 0;
	if (n)
		return n;
	if ((x.in->code & 7) != (mov.in->code & 7)) /* of the other width */
		return 0;
	switch (x.op) {
	case ISA_add32_k: x_lea(&j->e, false, to, X_AT(from, x.in->imm)); return 2;
	case ISA_add32_x:
		if (x.in->src == x.in->dst)
			return 0;
		x_lea(&j->e, false, to, (struct x_mem){(u8)from, (u8)REG(x.in->src), 1, 0});
		return 2;
	case ISA_mul64_k:
	case ISA_mul32_k: x_imul_imm(&j->e, wide, to, from, x.in->imm); return 2;
	case ISA_and64_k:
	case ISA_and32_k:
		if (x.in->imm != 0xff && x.in->imm != 0xffff)
			return 0;
		x_zero_extend(&j->e, x.in->imm == 0xff ? 1 : 2, to, from);
		return 2;
	}
	return 0;
}

/* ---- modulo, as compilers without it write it: c = n - n / d * d */

/* q = n; q /= d; q *= d; c = n; c -= q; and q is not needed. c may be d. */
static u32 fuse_modulo(struct jit *j)
{
	static const u8 ops[2][5] = {
		{ISA_mov32_x, ISA_div32_x, ISA_mul32_x, ISA_mov32_x, ISA_sub32_x},
		{ISA_mov64_x, ISA_div64_x, ISA_mul64_x, ISA_mov64_x, ISA_sub64_x}};
	bool wide = ahead(j, 0).op == ISA_mov64_x;
	const struct insn *in = ahead(j, 0).in;
	u32 n = in->src, q = in->dst, d = in[1].src, c;

	for (u32 i = 0; i < 5; i++)
		if (ahead(j, i).op != ops[wide][i])
			return 0;
	c = in[3].dst;
	if (in[1].dst != q || in[2].dst != q || in[2].src != d || in[3].src != n ||
	    in[4].dst != c || in[4].src != q || q == n || q == d || q == c || needed(j, 4, q))
		return 0;
	j->at += 4; /* what is needed is asked for behind all */
	jit_divide(j, (struct jit_division){.wide = wide, .modulo = true}, REG(c), REG(n), REG(d));
	j->at -= 4;
	return 5;
}

/* ---- loads in the byte order of the network */

/* Two bytes are loaded, in any order; the first in memory is shifted; they are put together. */
static u32 fuse_bytes(struct jit *j)
{
	u32 second = ahead(j, 1).op, shift = second == ISA_ldxb ? 2 : 1;
	struct ahead x[4] = {ahead(j, 0)};
	const struct insn *high, *low;

	if (j->checked || (second != ISA_ldxb && second != ISA_lsh64_k && second != ISA_lsh32_k))
		return 0;
	for (u32 i = 1; i < ARRAY_SIZE(x); i++)
		x[i] = ahead(j, i);
	high = x[shift - 1].in;
	low = x[shift == 1 ? 2 : 0].in;
	if (x[shift == 1 ? 2 : 1].op != ISA_ldxb ||
	    (x[shift].op != ISA_lsh64_k && x[shift].op != ISA_lsh32_k) ||
	    (x[3].op != ISA_or64_x && x[3].op != ISA_or32_x) || x[shift].in->imm != 8 ||
	    low->src != high->src || low->off != high->off + 1 || low->dst == high->dst ||
	    x[0].in->dst == x[0].in->src || x[shift].in->dst != high->dst ||
	    x[3].in->dst != high->dst || x[3].in->src != low->dst || needed(j, 3, low->dst))
		return 0;
	x_load(&j->e, 2, REG(high->dst), X_AT(REG(high->src), high->off));
	x_rol16(&j->e, REG(high->dst));
	return 4;
}

static u32 fuse_load16(struct jit *j)
{
	struct ahead load = ahead(j, 0), swap = ahead(j, 1);

	if (swap.in->dst != load.in->dst || (swap.op != ISA_to_be16 && swap.op != ISA_bswap16))
		return 0;
	jit_ldx(j, &isa_ops[load.op], load.in); /* the upper part is 0 and stays so */
	x_rol16(&j->e, REG(load.in->dst));
	return 2;
}

/* ---- flags of an operation, for a jump that asks whether the result is 0 */

static u32 fuse_zero(struct jit *j)
{
	struct ahead x = ahead(j, 0), jump = ahead(j, 1);
	bool wide = (x.in->code & 7) == BPF_ALU64;
	struct plain p;

	if ((jump.op != (wide ? ISA_jeq64_k : ISA_jeq32_k) &&
	     jump.op != (wide ? ISA_jne64_k : ISA_jne32_k)) ||
	    jump.in->dst != x.in->dst || jump.in->imm)
		return 0;
	p = plain_of(x.op);
	if (p.by_imm)
		x_alu_imm(&j->e, wide, p.alu, REG(x.in->dst), x.in->imm);
	else
		x_alu(&j->e, wide, p.alu, REG(x.in->dst), REG(x.in->src));
	j->at++;
	jit_jump_to(j, jit_condition(jump.in), jump.in->off);
	j->at--;
	return 2;
}

/* ---- by the first operation; tried in order */

static fuse_fn *const fusions[ISA_OPS][3] = {
	[ISA_lsh64_k] = {fuse_extend, fuse_address},
	[ISA_lsh32_k] = {fuse_extend},
	[ISA_mov64_x] = {fuse_modulo, fuse_move, fuse_address},
	[ISA_mov32_x] = {fuse_modulo, fuse_move},
	[ISA_add64_k] = {fuse_zero, fuse_address},
	[ISA_add64_x] = {fuse_zero, fuse_address},
	[ISA_add32_k] = {fuse_zero},
	[ISA_add32_x] = {fuse_zero},
	[ISA_sub64_k] = {fuse_zero},
	[ISA_sub64_x] = {fuse_zero},
	[ISA_sub32_k] = {fuse_zero},
	[ISA_sub32_x] = {fuse_zero},
	[ISA_and64_k] = {fuse_zero},
	[ISA_and64_x] = {fuse_zero},
	[ISA_and32_k] = {fuse_zero},
	[ISA_and32_x] = {fuse_zero},
	[ISA_ldxb] = {fuse_bytes, fuse_update},
	[ISA_ldxh] = {fuse_load16, fuse_update},
	[ISA_ldxw] = {fuse_update},
	[ISA_ldxdw] = {fuse_update},
};

u32 jit_fuse(struct jit *j)
{
	fuse_fn *const *row = fusions[j->slots[j->at].op];
	u32 n = 0;

	for (u32 i = 0; i < 3 && row[i] && !n && !j->blind; i++)
		n = row[i](j);
	return n;
}
