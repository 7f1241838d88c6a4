/*
 * lanes_x86_64.c: values of eight lanes as machine code with AVX2.
 *
 * In:  values with slots and windows. Out: a function that goes through groups of packets.
 *
 * The values of a group are computed one after the other, without a jump. Each has a register until
 * its last use; where none is free, the value whose next use is farthest moves to the stack, from
 * where instructions read it as well as from a register. A window is loaded where its first field
 * is: eight rows by the addresses in ROWS, put in order, then turned so that each slot has its
 * register; of a single slot word by word. A sieve adds the lanes that it does not know to a list.
 */
#include "vm/lanes_inside.h"

#include <errno.h>

#if defined(__x86_64__)
#include <cpuid.h>

#define VECTOR    32 /* bytes */
#define REGS      10 /* for values; those behind them are free to use in between */
#define NO_REG    0xff
#define KEPT_MOST 6 /* constants in registers */
enum { NUMBERS = REGS - 1, SCRATCH0 = REGS, SCRATCH1, SCRATCH2, SCRATCH3, SCRATCH4, SCRATCH5 };

/* Of the function. */
enum { BASE = RDI, GROUP = RSI, COUNT = RDX, TABLE = R13, LIST = R14 };
static const u8 rows[LANES] = {RAX, RCX, R8, R9, R10, R11, RBX, R12};

struct use { /* at this value; UINT32_MAX: by nobody */
	u32 at, next;
};
struct home {            /* of a value, or behind them of a slot */
	u32 first, last; /* uses, from 1 on: those that are still to come */
	u8 reg;
	s32 memory; /* on the stack; 0: it is not there */
};
struct lanes_emit {
	struct emit e;
	struct lanes_code *l;
	struct home *homes; /* of values, then of slots */
	vec(struct use) uses;
	u32 holder[REGS]; /* 0: free */
	s32 frame;        /* bytes of the stack */
	u32 rows_of;      /* offsets that are in `rows` */
	u32 pinned;       /* registers that stay where they are, a bit each */
	u32 regs;         /* for values */
	u32 kept;         /* constants that are in registers all the time: the last ones */
	bool spilled;     /* a value was moved to the stack */
	vec(u8) data;     /* behind the table, where there is one */
};

/* What a sieve needs to add lanes to its list. For each choice of lanes: where these are in a
 * group, from the first place on; then how many bytes of the list that makes. */
#define CHOICES     (1u << LANES)
#define COUNTS      (CHOICES * LANES) /* where they begin */
#define TABLE_BYTES (COUNTS + CHOICES)

static void write_table(u8 *table)
{
	for (u32 choice = 0; choice < CHOICES; choice++)
		for (u32 lane = 0; lane < LANES; lane++)
			if (choice >> lane & 1) {
				table[choice * LANES + table[COUNTS + choice] / 2] = (u8)(lane * 4);
				table[COUNTS + choice] += 2;
			}
}

static u32 table_bytes(const struct lanes_code *l)
{
	return l->unknown ? TABLE_BYTES : 0;
}

/* ---- where values are */

static void add_use(struct lanes_emit *x, u32 id, u32 at)
{
	struct home *h = &x->homes[id];

	vec_push(x->e.arena, &x->uses, (struct use){at, 0});
	if (h->last)
		x->uses.v[h->last].next = x->uses.n - 1;
	else
		h->first = x->uses.n - 1;
	h->last = x->uses.n - 1;
}

/* Its index is used where it is loaded. */
static void use_window(struct lanes_emit *x, u32 slot, bool *loaded, u32 at)
{
	const u32 window = x->l->slots.v[slot].window;

	if (!loaded[window])
		add_use(x, x->l->windows.v[window].index, at);
	loaded[window] = true;
}

static void use_part(struct lanes_emit *x, u32 field, u32 k)
{
	const struct lane_place *p = &x->l->places[field];

	if (p->part[k].slot == NO_SLOT)
		return;
	add_use(x, x->l->values.n + p->part[k].slot, field);
	add_use(x, p->part[k].order, field);
}

static void find_uses(struct lanes_emit *x)
{
	const struct lanes_code *l = x->l;
	bool *loaded = arena_array(x->e.arena, bool, l->windows.n + 1);

	vec_push(x->e.arena, &x->uses, (struct use){0});
	for (u32 i = 1; i < l->values.n; i++) {
		const struct lane_value *v = &l->values.v[i];

		if (!v->used)
			continue;
		if (v->op == LANE_FIELD) {
			use_window(x, x->l->places[i].part[0].slot, loaded, i);
			use_part(x, i, 0);
			use_part(x, i, 1);
			continue;
		}
		if (v->op == LANE_TEST) {
			use_window(x, v->k, loaded, i);
			add_use(x, l->values.n + v->k, i);
		}
		for (u32 k = 0; k < 3; k++)
			if ((const u32[]){v->a, v->b, v->c}[k])
				add_use(x, (const u32[]){v->a, v->b, v->c}[k], i);
	}
	add_use(x, l->result, l->values.n);
	if (l->unknown)
		add_use(x, l->unknown, l->values.n);
}

/* What was used at `at` for the last time gives its register back. */
static void pass_use(struct lanes_emit *x, u32 id, u32 at)
{
	struct home *h = &x->homes[id];

	while (h->first && x->uses.v[h->first].at <= at)
		h->first = x->uses.v[h->first].next;
	if (!h->first && h->reg != NO_REG && h->reg < x->regs - x->kept) {
		x->holder[h->reg] = 0;
		h->reg = NO_REG;
	}
}

static u32 put_data(struct lanes_emit *x, const void *bytes)
{
	u32 at = 0;

	while (at < x->data.n && memcmp(x->data.v + at, bytes, VECTOR))
		at += VECTOR;
	for (u32 i = at < x->data.n ? VECTOR : 0; i < VECTOR; i++)
		vec_push(x->e.arena, &x->data, ((const u8 *)bytes)[i]);
	return table_bytes(x->l) + at;
}

static struct x_mem stack_at(s32 offset)
{
	return X_AT(RSP, offset - VECTOR); /* 0 is none */
}

static bool in_register(const struct lanes_emit *x, u32 id)
{
	return x->homes[id].reg != NO_REG;
}

static bool is_at_hand(const struct lanes_emit *x, u32 id)
{
	const struct lane_value *v = &x->l->values.v[id];

	return id < x->l->values.n && v->op <= LANE_GROUP;
}

static struct x_mem in_memory(struct lanes_emit *x, u32 id)
{
	const struct lane_value *v = &x->l->values.v[id];
	u8 bytes[VECTOR];

	if (!is_at_hand(x, id))
		return stack_at(x->homes[id].memory);
	if (v->op == LANE_GROUP)
		return X_AT(GROUP, (s32)v->k);
	for (u32 i = 0; i < VECTOR; i++) {
		const u32 from = v->a + v->b - 1 - i % 4, word = i % 16 / 4 * 4;

		if (v->op == LANE_CONST)
			bytes[i] = (u8)(v->k >> i % 4 * 8);
		else
			bytes[i] = i % 4 < v->b && from < 4 ? (u8)(word + from) : 0x80;
	}
	return X_DATA((s32)put_data(x, bytes));
}

static void store(struct lanes_emit *x, u32 id)
{
	struct home *h = &x->homes[id];

	if (h->memory || h->reg == NO_REG || is_at_hand(x, id))
		return;
	x->frame += VECTOR;
	h->memory = x->frame;
	x->spilled = true;
	x_vec_mem(&x->e, X_VSTORE, h->reg, 0, stack_at(h->memory));
}

/* A register for a value; what it held is on the stack now, and still in it. */
static u32 take_reg(struct lanes_emit *x, u32 v)
{
	u32 best = 0, farthest = 0;

	for (u32 r = 0; r < x->regs - x->kept; r++) {
		const u32 id = x->holder[r];
		const u32 next = !id ? UINT32_MAX : x->uses.v[x->homes[id].first].at;

		if (x->pinned >> r & 1)
			continue;
		if (next > farthest) {
			best = r;
			farthest = next;
		}
	}
	if (x->holder[best]) {
		store(x, x->holder[best]);
		x->homes[x->holder[best]].reg = NO_REG;
	}
	x->holder[best] = v;
	x->homes[v].reg = (u8)best;
	return best;
}

/* In the scratch register where it is in none. */
static u32 fetch(struct lanes_emit *x, u32 id, u32 scratch)
{
	if (in_register(x, id))
		return x->homes[id].reg;
	x_vec_mem(&x->e, X_VLOAD, scratch, 0, in_memory(x, id));
	return scratch;
}

/* In one of its own where it is used again; what others had may be on the stack then. */
static u32 fetch_to_keep(struct lanes_emit *x, u32 id)
{
	const bool again = x->uses.v[x->homes[id].first].next;
	struct x_mem m;

	if (in_register(x, id) || !again)
		return fetch(x, id, SCRATCH0);
	m = in_memory(x, id);
	x_vec_mem(&x->e, X_VLOAD, take_reg(x, id), 0, m);
	return x->homes[id].reg;
}

/* ---- windows */

static void load_rows(struct lanes_emit *x, u32 index)
{
	struct x_mem m;

	if (x->rows_of == index)
		return;
	store(x, index);
	m = in_memory(x, index);
	for (u32 i = 0; i < LANES; i++, m.disp += 4)
		x_load(&x->e, 4, rows[i], m);
	x->rows_of = index;
}

static struct x_mem row(const struct lane_window *w, u32 i)
{
	return (struct x_mem){.base = BASE, .index = rows[i], .scale = 1, .disp = (s32)w->from};
}

static void put_words(struct emit *e, u32 to, u32 a, u32 b, u32 which)
{
	x_vec(e, X_VWORDS, to, a, b);
	x_imm(e, 1, which);
}

/* One slot: its words one by one, no line of the cache more than it lies in. */
static void load_word(struct lanes_emit *x, const struct lane_window *w, u32 to)
{
	const s32 at = (s32)(x->l->slots.v[w->slots[0]].word * 4);
	struct emit *e = &x->e;

	for (u32 i = 0; i < LANES; i++) {
		const u32 half = i < 4 ? SCRATCH0 : SCRATCH1;
		struct x_mem m = row(w, i);

		m.disp += at;
		x_vec_mem(e, i % 4 ? X_VINSERT32 : X_VMOVD, half, i % 4 ? half : 0, m);
		if (i % 4)
			x_imm(e, 1, i % 4);
	}
	x_vec(e, X_VINSERT128, to, SCRATCH0, SCRATCH1);
	x_imm(e, 1, 1);
}

/* Of rows 0 to 3 and 4 to 7, in the two halves, the words of two slots in turn; then of these all
 * of one. */
static void load_words(struct lanes_emit *x, const struct lane_window *w)
{
	static const u8 part[4] = {SCRATCH0, SCRATCH1, SCRATCH2, SCRATCH3};
	const u32 slots = x->l->values.n;
	struct emit *e = &x->e;

	for (u32 i = 0; i < 4; i++) {
		x_vec_mem(e, X_VLOAD128, part[i], 0, row(w, i));
		x_vec_mem(e, X_VINSERT128, part[i], part[i], row(w, i + 4));
		x_imm(e, 1, 1);
	}
	for (u32 i = 0; i < w->n; i += 2) {
		const bool two = i + 1 < w->n;
		const u32 a = w->slots[i], b = w->slots[two ? i + 1 : i];
		const u32 words = (x->l->slots.v[a].word | x->l->slots.v[b].word << 2) * 0x11;

		put_words(e, SCRATCH4, part[0], part[1], words);
		put_words(e, SCRATCH5, part[2], part[3], words);
		put_words(e, x->homes[slots + a].reg, SCRATCH4, SCRATCH5, 0x88);
		if (two)
			put_words(e, x->homes[slots + b].reg, SCRATCH4, SCRATCH5, 0xdd);
	}
}

static void load_window(struct lanes_emit *x, struct lane_window *w)
{
	const u32 slots = x->l->values.n;
	bool spilled;

	emit_room(&x->e, 512);
	spilled = x->spilled;
	store(x, w->index);
	x->spilled = spilled; /* it has to be there */
	load_rows(x, w->index);
	for (u32 i = 0; i < w->n; i++)
		x->pinned |= 1u << take_reg(x, slots + w->slots[i]);
	x->pinned = 0;
	if (w->n == 1)
		load_word(x, w, x->homes[slots + w->slots[0]].reg);
	else
		load_words(x, w);
	w->loaded = true;
}

/* ---- values */

static const u32 opcodes[] = {
#define LANE_OP(id, opcode, either_way) [LANE_##id] = opcode,
#include "vm/lanes.def"
};
static const bool either_way[] = {
#define LANE_OP(id, opcode, either_way) [LANE_##id] = either_way,
#include "vm/lanes.def"
};

/* b: at hand, or in a register. */
static void put_vec(struct lanes_emit *x, u32 opcode, u32 to, u32 reg, u32 b)
{
	if (in_register(x, b))
		x_vec(&x->e, opcode, to, reg, x->homes[b].reg);
	else
		x_vec_mem(&x->e, opcode, to, reg, in_memory(x, b));
}

static void put_op(struct lanes_emit *x, u32 i, u32 opcode, u32 a, u32 b)
{
	const u32 reg = fetch_to_keep(x, a);

	if (in_register(x, b)) {
		const u32 other = x->homes[b].reg;

		pass_use(x, a, i);
		pass_use(x, b, i);
		x_vec(&x->e, opcode, take_reg(x, i), reg, other);
	} else {
		const struct x_mem other = in_memory(x, b);

		pass_use(x, a, i);
		pass_use(x, b, i);
		x_vec_mem(&x->e, opcode, take_reg(x, i), reg, other);
	}
}

static void put_two(struct lanes_emit *x, u32 i, const struct lane_value *v)
{
	const bool turn = either_way[v->op] && !in_register(x, v->a) && in_register(x, v->b);

	put_op(x, i, opcodes[v->op], turn ? v->b : v->a, turn ? v->a : v->b);
}

static void put_shift(struct lanes_emit *x, u32 i, u32 id, bool left, u32 by)
{
	u32 reg = fetch(x, id, SCRATCH0);

	pass_use(x, id, i);
	x_vec(&x->e, X_VSHIFT, left ? 6 : 2, take_reg(x, i), reg);
	x_imm(&x->e, 1, by);
}

static void put_select(struct lanes_emit *x, u32 i, const struct lane_value *v)
{
	const u32 a = v->a, b = v->b, c = v->c;
	const u32 was = fetch(x, a, SCRATCH0), other = fetch(x, b, SCRATCH1);
	const u32 mask = fetch(x, c, SCRATCH2);

	pass_use(x, a, i);
	pass_use(x, b, i);
	pass_use(x, c, i);
	x_vec(&x->e, X_VBLEND, take_reg(x, i), was, other);
	x_imm(&x->e, 1, mask << 4);
}

static void want_window(struct lanes_emit *x, u32 slot, u32 at)
{
	struct lane_window *w = &x->l->windows.v[x->l->slots.v[slot].window];

	if (w->loaded)
		return;
	load_window(x, w);
	pass_use(x, w->index, at);
}

static void put_field(struct lanes_emit *x, u32 i)
{
	const struct lane_place *p = &x->l->places[i];
	const u32 slots = x->l->values.n, more = p->part[1].slot;

	want_window(x, p->part[0].slot, i);
	if (more != NO_SLOT) {
		x_vec(&x->e, X_VSHUFFLE, SCRATCH2, fetch(x, slots + more, SCRATCH1),
		      fetch(x, p->part[1].order, SCRATCH2));
		pass_use(x, slots + more, i);
		pass_use(x, p->part[1].order, i);
	}
	put_op(x, i, X_VSHUFFLE, slots + p->part[0].slot, p->part[0].order);
	if (more != NO_SLOT)
		x_vec(&x->e, opcodes[LANE_OR], x->homes[i].reg, x->homes[i].reg, SCRATCH2);
}

static void put_test(struct lanes_emit *x, u32 i, const struct lane_value *v)
{
	const u32 slot = x->l->values.n + v->k;
	u32 masked;

	want_window(x, v->k, i);
	if (!v->a) {
		put_op(x, i, opcodes[LANE_EQ], slot, v->b);
		return;
	}
	masked = fetch_to_keep(x, slot);
	put_vec(x, opcodes[LANE_AND], SCRATCH1, masked, v->a);
	pass_use(x, slot, i);
	pass_use(x, v->a, i);
	pass_use(x, v->b, i);
	put_vec(x, opcodes[LANE_EQ], take_reg(x, i), SCRATCH1, v->b);
}

static void put_value(struct lanes_emit *x, u32 i)
{
	const struct lane_value *v = &x->l->values.v[i];

	emit_room(&x->e, 128);
	switch (v->op) {
	case LANE_CONST:
	case LANE_ORDER:
	case LANE_GROUP: break;
	case LANE_FIELD: put_field(x, i); break;
	case LANE_TEST: put_test(x, i, v); break;
	case LANE_SHL:
	case LANE_SHR: put_shift(x, i, v->a, v->op == LANE_SHL, v->k); break;
	case LANE_SELECT: put_select(x, i, v); break;
	default: put_two(x, i, v); break;
	}
}

/* ---- the function */

enum { LABEL_LOOP, LABEL_END, LABELS };

static void put_list_begin(struct lanes_emit *x)
{
	struct emit *e = &x->e;

	x_mov(e, true, LIST, R8);
	x_lea(e, true, TABLE, X_DATA(0));
	x_vec(e, X_VXOR, NUMBERS, NUMBERS, NUMBERS);
}

/* Which lanes are not known goes to the list. */
static void put_list(struct lanes_emit *x, u32 mask)
{
	const struct x_mem lanes = {.base = TABLE, .index = RAX, .scale = LANES};
	const struct x_mem count = {.base = TABLE, .index = RAX, .scale = 1, .disp = COUNTS};
	const u16 group = sizeof(struct lanes_group);
	const u16 next[VECTOR / 2] = {group, group, group, group, group, group, group, group};
	struct emit *e = &x->e;

	x_vec(e, X_VSIGNS, RAX, 0, mask);
	x_vec_mem(e, X_VWIDEN128, SCRATCH1, 0, lanes);
	x_vec(e, X_VADD16, SCRATCH1, SCRATCH1, NUMBERS);
	x_vec_mem(e, X_VSTORE128, SCRATCH1, 0, X_AT(LIST, 0));
	x_load(e, 1, RAX, count);
	x_alu(e, true, X_ADD, LIST, RAX);
	x_vec_mem(e, X_VADD16, NUMBERS, NUMBERS, X_DATA((s32)put_data(x, next)));
}

/* The limit has the first place of the stack. Where the frame's size is written. */
static size_t put_begin(struct lanes_emit *x)
{
	struct emit *e = &x->e;
	size_t frame;

	x_push(e, RBP);
	x_push(e, RBX);
	x_push(e, R12);
	x_push(e, TABLE);
	x_push(e, LIST);
	x_mov(e, true, RBP, RSP);
	x_alu_imm(e, true, X_AND, RSP, -VECTOR);
	x_alu_imm(e, true, X_SUB, RSP, INT32_MAX);
	frame = (size_t)(e->p - e->code) - 4;
	x->frame = VECTOR;
	x_vec(e, X_VMOVD, SCRATCH0, 0, RCX);
	x_vec(e, X_VBROADCAST, SCRATCH0, 0, SCRATCH0);
	x_vec_mem(e, X_VSTORE, SCRATCH0, 0, stack_at(VECTOR));
	if (x->l->unknown)
		put_list_begin(x);
	emit_place(e, LABEL_LOOP);
	x_vec_mem(e, X_VLOAD, SCRATCH0, 0, X_AT(GROUP, offsetof(struct lanes_group, offset)));
	x_vec_mem(e, opcodes[LANE_ADD], SCRATCH0, SCRATCH0,
		  X_AT(GROUP, offsetof(struct lanes_group, captured)));
	x_vec_mem(e, opcodes[LANE_GT], SCRATCH0, SCRATCH0, stack_at(VECTOR));
	x_vec(e, X_VTEST, SCRATCH0, 0, SCRATCH0);
	x_jump(e, X_NE, LABEL_END);
	return frame;
}

static void put_end(struct lanes_emit *x)
{
	struct emit *e = &x->e;

	emit_room(e, 256);
	x_vec_mem(e, X_VSTORE, fetch(x, x->l->result, SCRATCH0), 0,
		  X_AT(GROUP, offsetof(struct lanes_group, result)));
	if (x->l->unknown)
		put_list(x, fetch(x, x->l->unknown, SCRATCH0));
	x_alu_imm(e, true, X_SUB, GROUP, -(s32)sizeof(struct lanes_group));
	x_alu_imm(e, true, X_SUB, COUNT, 1);
	x_jump(e, X_NE, LABEL_LOOP);
	emit_place(e, LABEL_END);
	x_mov(e, true, RAX, COUNT);
	x_mov(e, true, RDX, LIST);
	x_mov(e, true, RSP, RBP);
	x_pop(e, LIST);
	x_pop(e, TABLE);
	x_pop(e, R12);
	x_pop(e, RBX);
	x_pop(e, RBP);
	x_vzeroupper(e);
	x_ret(e);
}

/* Constants that are used most come to registers before the loop. */
static void keep_constants(struct lanes_emit *x, u32 most)
{
	const struct lanes_code *l = x->l;

	for (x->kept = 0; x->kept < most; x->kept++) {
		u32 best = 0, best_n = 0, n;

		for (u32 i = 1; i < l->values.n; i++) {
			n = 0;
			for (u32 u = x->homes[i].first; u; u = x->uses.v[u].next)
				n++;
			if (l->values.v[i].op < LANE_GROUP && n > best_n &&
			    x->homes[i].reg == NO_REG) {
				best = i;
				best_n = n;
			}
		}
		if (!best)
			break;
		emit_room(&x->e, 64);
		x_vec_mem(&x->e, X_VLOAD, x->regs - 1 - x->kept, 0, in_memory(x, best));
		x->homes[best].reg = (u8)(x->regs - 1 - x->kept);
	}
}

/* With so many constants in registers. */
static void emit_with(struct lanes_emit *x, u32 kept)
{
	struct lanes_code *l = x->l;
	const u32 ids = l->values.n + l->slots.n;
	size_t frame;

	*x = (struct lanes_emit){.l = l, .regs = l->unknown ? REGS - 1 : REGS};
	emit_begin(&x->e, l->arena, LABELS, 4096, 4);
	x->homes = arena_array(l->arena, struct home, ids);
	for (u32 i = 0; i < ids; i++)
		x->homes[i].reg = NO_REG;
	vec_each (w, &l->windows)
		w->loaded = false;
	find_uses(x);
	keep_constants(x, kept);
	frame = put_begin(x);
	for (u32 i = 1; i < l->values.n; i++)
		if (l->values.v[i].used)
			put_value(x, i);
	put_end(x);
	memcpy(x->e.code + frame, &x->frame, 4);
	emit_data(&x->e, table_bytes(l) + x->data.n);
}

int lanes_emit(struct lanes_code *l, struct emit_code *out)
{
	struct lanes_emit x = {.l = l};
	u32 kept = KEPT_MOST;
	int err;

	for (emit_with(&x, kept); x.spilled && kept; emit_with(&x, kept))
		kept--;
	err = emit_link(&x.e, out);
	if (!err && l->unknown)
		write_table(out->start + out->data);
	if (!err && x.data.n)
		memcpy(out->start + out->data + table_bytes(l), x.data.v, x.data.n);
	return err;
}

/* The CPU has AVX2, and the kernel keeps its registers. (Whoever has AVX can be asked for leaf 7.)
 */
static bool ask_cpu(void)
{
	const u32 saves_and_avx = 3u << 27, avx2 = 1u << 5, registers = 6;
	u32 a, b, c, d;

	__cpuid(1, a, b, c, d);
	if ((c & saves_and_avx) != saves_and_avx)
		return false;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	if ((a & registers) != registers)
		return false;
	__cpuid_count(7, 0, a, b, c, d);
	return b & avx2;
}

/* Asked once: a virtual machine takes 20 us to answer. Threads that ask at once hear the same. */
bool lanes_cpu(void)
{
	enum { UNKNOWN, NO, YES };
	static u8 answer;
	u8 is = __atomic_load_n(&answer, __ATOMIC_RELAXED);

	if (is == UNKNOWN) {
		is = ask_cpu() ? YES : NO;
		__atomic_store_n(&answer, is, __ATOMIC_RELAXED);
	}
	return is == YES;
}

#else

int lanes_emit(struct lanes_code *l, struct emit_code *out)
{
	(void)l, (void)out;
	return -EOPNOTSUPP;
}

bool lanes_cpu(void)
{
	return false;
}

#endif
