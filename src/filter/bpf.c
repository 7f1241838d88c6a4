/*
 * bpf.c: a classic filter as a part of a function in IR.
 *
 * In:  a filter that cbpf_check() took, the place where it is to run.
 * Out: IR; A, X and the words of M are variables.
 *
 * A load from behind the packet's end refuses the packet, so a check may come early: as soon as
 * every way that still takes the packet needs the bytes. Walking backwards, `need` learns for each
 * instruction how many bytes those ways need, counted from the packet's start and from X as it is
 * there; walking forwards, `known` has what has been checked on all ways. So the checks of a filter
 * for TCP ports are three: the header of Ethernet, that of IP, the ports.
 *
 * Where the kernel shows only a part of the packet directly, the filter is built twice: a check
 * that fails leads to the start of the second, which asks a helper for the bytes. It is as good as
 * never run, and whoever wants to know whether a packet is too short runs it.
 */
#include "filter/bpf_inside.h"

#include <errno.h>

/* ---- what ways need */

static u32 packet_bytes(const struct cbpf_insn *in)
{
	u32 size = in->code & BPF_DW;

	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

static bool sets_x(const struct cbpf_insn *in)
{
	return (in->code & 7) == BPF_LDX || in->code == (CBPF_MISC | CBPF_TAX);
}

/* The bytes that one load wants, on top of what comes behind it. */
static void need_load(struct need *n, struct reach own)
{
	n->lo = MIN(n->lo, own.lo);
	n->hi = n->hi == NEED_ALL ? n->hi : MAX(n->hi, own.hi);
}

static void need_before(struct needs *now, const struct cbpf_insn *in)
{
	enum load_kind kind = load_kind(in);
	struct reach own = {in->k, in->k + packet_bytes(in)};

	if (sets_x(in))
		now->rel = (struct need){UINT32_MAX, 0};
	if (kind == LOAD_ABS && in->k <= REACH_MOST)
		need_load(&now->abs, own);
	if (kind == LOAD_REL && in->k <= REACH_MOST)
		need_load(&now->rel, own);
}

static struct need need_either(struct need a, struct need b)
{
	return (struct need){MIN(a.lo, b.lo), MIN(a.hi, b.hi)};
}

static void find_needs(struct building *b)
{
	b->needs = arena_array(b->f->arena, struct needs, b->n);
	for (u32 pc = b->n; pc-- > 0;) {
		const struct cbpf_insn *in = &b->in[pc];
		struct needs *now = &b->needs[pc];

		switch (cbpf_op(in)->way) {
		case CBPF_RETURN:
			now->abs = (struct need){UINT32_MAX, NEED_ALL};
			if (in->code != (CBPF_RET | BPF_K) || in->k)
				now->abs.hi = 0;
			now->rel = now->abs;
			break;
		case CBPF_JUMP: *now = b->needs[pc + 1 + in->k]; break;
		case CBPF_BRANCH: {
			const struct needs *t = &b->needs[pc + 1 + in->jt];
			const struct needs *f = &b->needs[pc + 1 + in->jf];

			now->abs = need_either(t->abs, f->abs);
			now->rel = need_either(t->rel, f->rel);
			break;
		}
		default:
			*now = b->needs[pc + 1];
			need_before(now, in);
			break;
		}
	}
}

/* ---- what is known */

static struct reach reach_both(struct reach a, struct reach b)
{
	struct reach r = {MAX(a.lo, b.lo), MIN(a.hi, b.hi)};

	return r.lo < r.hi ? r : (struct reach){0, 0};
}

void know_both(struct building *b, struct known *into, const struct known *other)
{
	into->abs = b->slow && into->abs.lo != other->abs.lo ? (struct reach){0, 0}
							     : reach_both(into->abs, other->abs);
	into->rel = b->slow && into->rel.lo != other->rel.lo ? (struct reach){0, 0}
							     : reach_both(into->rel, other->rel);
	for (u32 i = 0; i < ARRAY_SIZE(into->most); i++)
		into->most[i] = MAX(into->most[i], other->most[i]);
}

/* The block of an instruction that is jumped to, with what is known on this way. */
static u32 arrive(struct building *b, u32 pc)
{
	struct known *k = b->at[pc];

	if (!b->blocks[pc])
		b->blocks[pc] = ir_block(b->f);
	if (k) {
		know_both(b, k, &b->now);
	} else {
		b->at[pc] = arena_new(b->f->arena, struct known);
		*b->at[pc] = b->now;
	}
	return b->blocks[pc];
}

/* ---- instructions */

static void set(struct building *b, enum reg reg, u32 value, u32 most)
{
	ir_set(b->f, b->vars[reg], value);
	b->now.most[reg] = most;
	if (reg == REG_A)
		b->now.raw = (struct raw){0};
	if (reg == REG_X)
		b->now.rel = (struct reach){0, 0};
}

static void move(struct building *b, enum reg to, enum reg from)
{
	set(b, to, get(b, from), b->now.most[from]);
}

static u32 shifted(u32 most, u32 op, u32 k)
{
	u64 wide = (u64)most << (k & 31);

	return op == BPF_RSH ? most >> (k & 31) : wide > UINT32_MAX ? UINT32_MAX : (u32)wide;
}

/* No number above this comes out, as far as the kernel sees it, too. */
static u32 alu_most(u32 most, const struct cbpf_insn *in)
{
	u32 op = in->code & 0xf0;

	if (in->code & BPF_X)
		return UINT32_MAX;
	switch (op) {
	case BPF_AND: return MIN(most, in->k);
	case BPF_RSH:
	case BPF_LSH: return shifted(most, op, in->k);
	case BPF_ADD: return most > UINT32_MAX - in->k ? UINT32_MAX : most + in->k;
	default: return UINT32_MAX;
	}
}

static void put_alu(struct building *b, const struct cbpf_insn *in)
{
	static const u8 ops[16] = {
		[BPF_ADD >> 4] = IR_ADD,  [BPF_SUB >> 4] = IR_SUB,  [BPF_MUL >> 4] = IR_MUL,
		[BPF_DIV >> 4] = IR_UDIV, [BPF_MOD >> 4] = IR_UMOD, [BPF_AND >> 4] = IR_AND,
		[BPF_OR >> 4] = IR_OR,    [BPF_XOR >> 4] = IR_XOR,  [BPF_LSH >> 4] = IR_SHL,
		[BPF_RSH >> 4] = IR_SHR,
	};
	u32 op = in->code & 0xf0, a = get(b, REG_A), x;
	struct raw raw = b->now.raw;

	if (op == BPF_NEG) {
		set(b, REG_A, ir_un(b->f, IR_NEG, IRT_I32, a), UINT32_MAX);
		return;
	}
	x = in->code & BPF_X ? get(b, REG_X) : ir_const(b->f, (s32)in->k);
	if (in->code & BPF_X && (op == BPF_DIV || op == BPF_MOD))
		go_on_if(b, ir_bin(b->f, IR_NE, IRT_I32, x, ir_const(b->f, 0)), b->no);
	set(b, REG_A, ir_bin(b->f, (enum ir_op)ops[op >> 4], IRT_I32, a, x),
	    alu_most(b->now.most[REG_A], in));
	if (b->straight && op == BPF_AND && !(in->code & BPF_X))
		straight_and(b, raw, in->k);
}

static u32 condition(struct building *b, const struct cbpf_insn *in)
{
	u32 a = get(b, REG_A);
	u32 k = in->code & BPF_X ? get(b, REG_X) : ir_const(b->f, (s32)in->k);

	switch (in->code & 0xf0) {
	case BPF_JEQ: return ir_bin(b->f, IR_EQ, IRT_I32, a, k);
	case BPF_JGT: return ir_bin(b->f, IR_ULT, IRT_I32, k, a);
	case BPF_JGE: return ir_bin(b->f, IR_ULE, IRT_I32, k, a);
	default:
		a = ir_bin(b->f, IR_AND, IRT_I32, a, k);
		return ir_bin(b->f, IR_NE, IRT_I32, a, ir_const(b->f, 0));
	}
}

static void put_branch(struct building *b, const struct cbpf_insn *in, u32 pc)
{
	u32 cond = condition(b, in), t = arrive(b, pc + 1 + in->jt), f = arrive(b, pc + 1 + in->jf);

	ir_br(b->f, cond, t, f);
}

static void put_return(struct building *b, const struct cbpf_insn *in)
{
	bool whatever = in->code != (CBPF_RET | BPF_K);
	u32 value = whatever ? get(b, REG_A) : ir_const(b->f, in->k);

	if (b->result)
		ir_set(b->f, b->result, value);
	if (whatever)
		ir_br(b->f, ir_bin(b->f, IR_NE, IRT_I32, value, ir_const(b->f, 0)), b->yes, b->no);
	else
		ir_jmp(b->f, in->k ? b->yes : b->no);
}

static int put_other(struct building *b, const struct cbpf_insn *in, u32 pc)
{
	enum cbpf_id id = cbpf_id(cbpf_op(in));
	enum reg reg = (in->code & 7) == BPF_LDX || id == CBPF_stx ? REG_X : REG_A;

	switch (id) {
	case CBPF_ld_imm:
	case CBPF_ldx_imm: set(b, reg, ir_const(b->f, in->k), in->k); break;
	case CBPF_ld_len:
	case CBPF_ldx_len: set(b, reg, packet_len(b), UINT32_MAX); break;
	case CBPF_ld_mem:
	case CBPF_ldx_mem: move(b, reg, (enum reg)(REG_M + in->k)); break;
	case CBPF_st:
	case CBPF_stx: move(b, (enum reg)(REG_M + in->k), reg); break;
	case CBPF_tax: move(b, REG_X, REG_A); break;
	case CBPF_txa: move(b, REG_A, REG_X); break;
	case CBPF_ja: ir_jmp(b->f, arrive(b, pc + 1 + in->k)); break;
	default: return -EOPNOTSUPP;
	}
	return 0;
}

static int put_load(struct building *b, const struct cbpf_insn *in, u32 pc)
{
	u32 bytes = packet_bytes(in), most = bytes == 4 ? UINT32_MAX : (1u << bytes * 8) - 1, v;
	struct raw raw = b->now.raw;

	v = packet_load(b, in, pc, bytes);
	if (!v)
		return -EOPNOTSUPP;
	if ((in->code & 7) != BPF_LDX) {
		raw = b->now.raw;
		set(b, REG_A, v, most);
		b->now.raw = raw;
		return 0;
	}
	b->now.raw = raw;
	v = ir_bin(b->f, IR_AND, IRT_I32, v, ir_const(b->f, 15));
	set(b, REG_X, ir_bin(b->f, IR_SHL, IRT_I32, v, ir_const(b->f, 2)), 60);
	return 0;
}

static int put_extra(struct building *b, u32 number)
{
	u32 value = number == CBPF_AD_XOR_X
			    ? ir_bin(b->f, IR_XOR, IRT_I32, get(b, REG_A), get(b, REG_X))
			    : packet_extra(b, number);

	if (!value)
		return -EOPNOTSUPP;
	set(b, REG_A, value, UINT32_MAX);
	return 0;
}

int put_insn(struct building *b, u32 pc)
{
	const struct cbpf_insn *in = &b->in[pc];
	const struct cbpf_ancillary *extra = cbpf_ancillary(in);
	u32 way = cbpf_op(in)->way;

	if (extra)
		return put_extra(b, extra->number);
	if (load_kind(in) != LOAD_NONE)
		return put_load(b, in, pc);
	if (way == CBPF_BRANCH)
		put_branch(b, in, pc);
	else if (way == CBPF_RETURN)
		put_return(b, in);
	else if ((in->code & 7) == BPF_ALU)
		put_alu(b, in);
	else
		return put_other(b, in, pc);
	return 0;
}

static int refuse(const struct building *b, u32 pc, struct diag *d)
{
	struct buf text = {0};
	int err;

	cbpf_dis(&text, &b->in[pc], pc);
	err = diag_fail(d, -EOPNOTSUPP, NULL, "instruction %u, '%s', cannot be had at %s", pc,
			buf_str(&text), b->hook->name);
	buf_free(&text);
	return err;
}

static void begin(struct building *b, bool slow, u32 missing)
{
	b->slow = slow;
	b->missing = missing;
	b->blocks = arena_array(b->f->arena, u32, b->n);
	b->at = arena_array(b->f->arena, struct known *, b->n);
	b->now = (struct known){0};
	for (u32 i = 0; i < ARRAY_SIZE(b->vars); i++)
		b->vars[i] = ir_var(b->f, IRT_I32);
	b->rel = ir_var(b->f, IRT_PKT);
	packet_begin(b);
}

/* From where the function is open. */
static int build(struct building *b, bool slow, u32 missing, struct diag *d)
{
	begin(b, slow, missing);
	for (u32 pc = 0; pc < b->n; pc++) {
		if (b->blocks[pc]) {
			if (ir_open(b->f))
				ir_jmp(b->f, arrive(b, pc));
			ir_seal(b->f, b->blocks[pc]);
			ir_at(b->f, b->blocks[pc]);
			b->now = *b->at[pc];
		}
		if (ir_open(b->f) && put_insn(b, pc))
			return refuse(b, pc, d);
	}
	return 0;
}

int filter_build(struct ir_fn *f, const struct filter_part *part, const struct cbpf_insn *in, u32 n,
		 struct diag *d)
{
	const struct filter_hook *hook = &filter_hooks[part->hook];
	struct building b = {.f = f,
			     .hook = hook,
			     .in = in,
			     .n = n,
			     .yes = part->yes,
			     .no = part->no,
			     .data = part->data,
			     .end = part->end,
			     .result = part->result};
	bool direct = hook->data.width, twice = direct && hook->calls;
	u32 again = twice ? ir_block(f) : 0, other;
	int err;

	if (part->room) {
		b.abs_bytes = part->room->abs;
		b.rel_bytes = part->room->rel;
	}
	find_needs(&b);
	if (part->straight) {
		other = ir_block(f);
		begin(&b, false, other);
		straight_build(&b, other);
		ir_seal(f, other);
		ir_at(f, other);
	}
	err = build(&b, !direct, twice ? again : b.no, d);
	if (!err && twice) {
		ir_seal(f, again);
		ir_at(f, again);
		err = build(&b, true, b.no, d);
	}
	if (part->room)
		*part->room = (struct filter_room){b.abs_bytes, b.rel_bytes};
	return err;
}

/* Values that found no register cost more than a branch. */
static bool uses_stack(const struct code *code)
{
	vec_each (in, &code->insns)
		if (in->dst == 10 || in->src == 10)
			return true;
	return false;
}

static int make_program(struct code *code, struct arena *arena, struct filter_part part,
			const struct cbpf_insn *in, u32 n, u32 kernel, struct diag *d)
{
	const struct filter_hook *hook = &filter_hooks[part.hook];
	bool whole = part.hook == HOOK_PLAIN || part.hook == HOOK_SOCKET;
	struct ir_fn *f = ir_fn_new(arena, "filter");
	int err;

	part.yes = ir_block(f);
	part.no = ir_block(f);
	if (whole)
		part.result = ir_var(f, IRT_I32);
	err = filter_build(f, &part, in, n, d);
	if (err)
		return err;
	ir_seal(f, part.yes);
	ir_seal(f, part.no);
	ir_at(f, part.yes);
	ir_ret(f, whole ? ir_get(f, part.result) : ir_const(f, hook->pass));
	ir_at(f, part.no);
	ir_ret(f, ir_const(f, hook->drop));
	ir_analyse(f);
	ir_run_passes(f, kernel);
	return codegen(f, kernel, f->arena, code, d);
}

int filter_program(struct code *code, struct arena *arena, enum filter_hook_id id,
		   const struct cbpf_insn *in, u32 n, u32 kernel, struct diag *d)
{
	struct filter_part part = {.hook = id, .straight = id == HOOK_PLAIN};
	int err = make_program(code, arena, part, in, n, kernel, d);

	if (err || !part.straight || !uses_stack(code))
		return err;
	part.straight = false;
	*code = (struct code){0};
	return make_program(code, arena, part, in, n, kernel, d);
}
