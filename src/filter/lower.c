/*
 * lower.c: expressions to trees of tests: joints, offsets, loads, comparisons.
 *
 * In:  expressions in the order of the text: vlan, mpls, pppoes move the offsets of what follows
 * them. Out: a tree. What is asked of a packet is asked in the order of libpcap, so that both give
 * up on a short packet at the same point.
 */
#include "filter/inside.h"

struct tree *ask_failed(struct lower *l, struct loc at, const char *hint, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(l->arena, fmt, ap);
	va_end(ap);
	diag_error(l->d, at, hint, "%s", text);
	l->failed = true;
	return NULL;
}

/* ---- loads */

static u32 const_of(struct lower *l, u32 k)
{
	return val_const(l->values, k);
}

u32 ask_alu(struct lower *l, enum value_op op, u32 value, u32 k)
{
	return val_alu(l->values, op, value, const_of(l, k));
}

/* Without a branch: x | -x has its highest bit set but for 0. */
u32 ask_equal(struct lower *l, u32 value, u32 k)
{
	struct values *vs = l->values;
	u32 x = ask_alu(l, VAL_XOR, value, k);

	x = val_alu(vs, VAL_OR, x, val_alu(vs, VAL_NEG, x, 0));
	return ask_alu(l, VAL_XOR, ask_alu(l, VAL_RSH, x, 31), 1);
}

static struct place moved(struct place p, u32 by)
{
	p.k += by;
	return p;
}

/* The length of the IPv4 header, and where it begins: its end. */
static struct place behind_ip4(struct lower *l)
{
	struct values *vs = l->values;
	struct place net = moved(l->payload, l->nl);
	u32 length;

	if (!net.var)
		return (struct place){val_msh(vs, net.k), net.k};
	length = val_load(vs, 1, net.var, net.k);
	length = val_alu(vs, VAL_AND, length, const_of(l, 0xf));
	length = val_alu(vs, VAL_LSH, length, const_of(l, 2));
	return (struct place){val_alu(vs, VAL_ADD, length, net.var), net.k};
}

struct place ask_place(struct lower *l, enum base base)
{
	switch (base) {
	case BASE_PACKET: return (struct place){0};
	case BASE_HEADER: return l->header;
	case BASE_TYPE: return l->type;
	case BASE_LLC: return l->payload;
	case BASE_NET: return moved(l->payload, l->nl);
	case BASE_NET_LLC: return moved(l->payload, l->nosnap);
	case BASE_LABEL: return moved(l->payload, l->nl - 4);
	case BASE_TRANSPORT4: return behind_ip4(l);
	default: return moved(l->payload, l->nl + 40);
	}
}

u32 ask_load(struct lower *l, enum base base, u32 off, u32 size)
{
	struct place p = ask_place(l, base);
	u32 value = val_load(l->values, size, p.var, p.k + off);

	val_name(l->values, value, base, off);
	return value;
}

struct tree *ask_is(struct lower *l, enum base base, u32 off, u32 size, u32 k)
{
	return tree_test(l->values, ask_load(l, base, off, size), set_one(l->arena, k));
}

struct tree *ask_masked(struct lower *l, enum base base, u32 off, u32 size, u32 k, u32 mask)
{
	u32 value = ask_load(l, base, off, size);

	value = val_alu(l->values, VAL_AND, value, const_of(l, mask));
	return tree_test(l->values, value, set_one(l->arena, k));
}

struct tree *ask_between(struct lower *l, enum base base, u32 off, u32 size, u32 lo, u32 hi)
{
	return tree_test(l->values, ask_load(l, base, off, size), set_span(l->arena, lo, hi));
}

static struct tree *joined(struct lower *l, struct tree *a, struct tree *b)
{
	return a ? tree_and(l->values, a, b) : b;
}

struct tree *ask_framed(struct lower *l, struct tree *t)
{
	return t ? joined(l, l->framed, t) : NULL;
}

/* n bytes, in words from the end, as libpcap does it */
struct tree *ask_bytes(struct lower *l, enum base base, u32 off, u32 n, const u8 *b)
{
	struct tree *t = NULL;

	while (n) {
		u32 size = n >= 4 ? 4 : n >= 2 ? 2 : 1, k = 0;

		n -= size;
		for (u32 i = 0; i < size; i++)
			k = k << 8 | b[n + i];
		t = joined(l, t, ask_is(l, base, off + n, size, k));
	}
	return t;
}

struct tree *ask_type(struct lower *l, u32 protocol)
{
	struct values *vs = l->values;
	struct tree *last;

	if (!l->labels)
		return l->link->type(l, protocol);
	if (protocol != 0x800 && protocol != 0x86dd)
		return ask_failed(l, l->at->at, "after mpls: ip, ip6 and what they carry",
				  "MPLS does not say that a packet is of this protocol");
	last = ask_masked(l, BASE_LABEL, 2, 1, 1, 1); /* the bottom of the stack */
	return tree_and(vs, last,
			ask_masked(l, BASE_NET, 0, 1, protocol == 0x800 ? 0x40 : 0x60, 0xf0));
}

/* ---- comparisons of what is computed */

struct sum {
	u32 value;
	struct tree *guard; /* what must hold for it, or NULL: that the packet is of the protocol */
	bool bad;
};

static struct sum sum_of(struct lower *l, const struct arith *a);

static struct sum bad(struct lower *l, const struct arith *a, const char *hint, const char *text)
{
	ask_failed(l, a->at, hint, "%s", text);
	return (struct sum){.bad = true};
}

/* Protocols whose bytes are counted from the link layer's payload, or from behind IPv4's header. */
static bool over_ip4(u32 word)
{
	return word == WORD_TCP || word == WORD_UDP || word == WORD_SCTP || word == WORD_ICMP ||
	       word == WORD_IGMP || word == WORD_IGRP || word == WORD_PIM || word == WORD_VRRP ||
	       word == WORD_CARP;
}

static bool over_link(u32 word)
{
	return word == WORD_IP || word == WORD_IP6 || word == WORD_ARP || word == WORD_RARP ||
	       word == WORD_ATALK || word == WORD_DECNET || word == WORD_LAT || word == WORD_SCA ||
	       word == WORD_MOPRC || word == WORD_MOPDL;
}

static struct sum load_of(struct lower *l, const struct arith *a)
{
	struct values *vs = l->values;
	struct sum off = sum_of(l, a->a);
	enum base base = a->op == WORD_LINK    ? BASE_HEADER
			 : over_ip4(a->op)     ? BASE_TRANSPORT4
			 : a->op == WORD_ICMP6 ? BASE_TRANSPORT6
					       : BASE_NET;
	struct place p;

	if (off.bad)
		return off;
	if (a->op != WORD_LINK && a->op != WORD_ICMP6 && !over_ip4(a->op) && !over_link(a->op))
		return bad(l, a, NULL, "this protocol has no bytes that can be looked at");
	if (a->op == WORD_ICMP6) {
		struct tree *t = ask_is(l, BASE_NET, 6, 1, 58);

		off.guard = off.guard ? tree_and(vs, off.guard, t) : t;
		off.guard = joined(l, ask_abbreviation(l, WORD_IP6, a->at), off.guard);
	} else if (over_ip4(a->op)) {
		struct tree *t = ask_abbreviation(l, a->op, a->at);

		t = tree_and(vs, t, ask_not_fragment(l));
		off.guard = off.guard ? tree_and(vs, off.guard, t) : t;
		off.guard = joined(l, ask_abbreviation(l, WORD_IP, a->at), off.guard);
	} else if (a->op != WORD_LINK) {
		struct tree *t = ask_abbreviation(l, a->op, a->at);

		off.guard = joined(l, off.guard, t);
	}
	p = ask_place(l, base);
	if (vs->v.v[off.value].op == VAL_CONST)
		off.value = ask_load(l, base, vs->v.v[off.value].k, a->size);
	else if (p.var)
		off.value = val_load(vs, a->size, val_alu(vs, VAL_ADD, off.value, p.var), p.k);
	else
		off.value = val_load(vs, a->size, off.value, p.k);
	off.bad = l->failed;
	return off;
}

static struct sum sum_of(struct lower *l, const struct arith *a)
{
	struct values *vs = l->values;
	struct sum left, right = {0};

	switch (a->kind) {
	case ARITH_NUMBER: return (struct sum){.value = const_of(l, a->number)};
	case ARITH_LEN: return (struct sum){.value = val_len(vs)};
	case ARITH_LOAD: return load_of(l, a);
	default: break;
	}
	left = sum_of(l, a->a);
	if (a->kind == ARITH_OP && !left.bad)
		right = sum_of(l, a->b);
	if (left.bad || right.bad)
		return (struct sum){.bad = true};
	if (a->kind == ARITH_OP && vs->v.v[right.value].op == VAL_CONST) {
		u32 k = vs->v.v[right.value].k;

		if (!k && (a->op == VAL_DIV || a->op == VAL_MOD))
			return bad(l, a, NULL, "division by 0");
		if (k > 31 && (a->op == VAL_LSH || a->op == VAL_RSH))
			return bad(l, a, NULL, "a shift by more than 31 bits");
	}
	if (left.guard && right.guard)
		left.guard = tree_and(vs, left.guard, right.guard);
	else if (right.guard)
		left.guard = right.guard;
	left.value = val_alu(vs, a->kind == ARITH_NEG ? VAL_NEG : (enum value_op)a->op, left.value,
			     a->kind == ARITH_NEG ? 0 : right.value);
	return left;
}

/* > k, which listings show as jgt #k, and < k, which is the opposite of jge #k: rank 1 */
static struct set open_span(struct lower *l, u32 lo, u32 hi)
{
	struct set s = set_span(l->arena, lo, hi);

	s.v[0].rank = 1;
	return s;
}

static struct set related(struct lower *l, u32 op, u32 k)
{
	switch (op) {
	case '>': return k < UINT32_MAX ? open_span(l, k + 1, UINT32_MAX) : (struct set){0};
	case PUNCT_GE: return set_span(l->arena, k, UINT32_MAX);
	case '<': return k ? open_span(l, 0, k - 1) : (struct set){0};
	case PUNCT_LE: return set_span(l->arena, 0, k);
	case '=': return set_one(l->arena, k);
	default: return set_not(l->arena, set_one(l->arena, k), UINT32_MAX);
	}
}

/* a < k is k > a */
static u32 turned(u32 op)
{
	return op == '<'        ? '>'
	       : op == '>'      ? '<'
	       : op == PUNCT_LE ? PUNCT_GE
	       : op == PUNCT_GE ? PUNCT_LE
				: op;
}

struct tree *ask_relation(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	struct sum a = sum_of(l, e->left), b = a.bad ? a : sum_of(l, e->right);
	u32 op = e->op;
	struct tree *t;

	if (a.bad || b.bad)
		return NULL;
	if (vs->v.v[a.value].op == VAL_CONST && vs->v.v[b.value].op != VAL_CONST) {
		u32 other = a.value;

		a.value = b.value;
		b.value = other;
		op = turned(op);
	}
	if (vs->v.v[b.value].op == VAL_CONST) {
		t = tree_test(vs, a.value, related(l, op, vs->v.v[b.value].k));
	} else {
		bool negative = op == '<' || op == PUNCT_LE || op == PUNCT_NE;
		enum value_op how = op == '=' || op == PUNCT_NE   ? VAL_EQ
				    : op == '>' || op == PUNCT_LE ? VAL_GT
								  : VAL_GE;

		t = tree_test(vs, val_alu(vs, how, a.value, b.value), set_one(l->arena, !negative));
	}
	t = joined(l, b.guard, t);
	return joined(l, a.guard, t);
}

/* ---- joints */

struct tree *ask_expr(struct lower *l, const struct expr *e)
{
	struct tree *t, *kid;

	l->at = e;
	switch (e->kind) {
	case EXPR_ID: return ask_id(l, e);
	case EXPR_PROTO: return ask_abbreviation(l, e->op, e->at);
	case EXPR_RELATION: return ask_relation(l, e);
	case EXPR_VERB: return ask_verb(l, e);
	case EXPR_NOT: return tree_not(l->values, ask_expr(l, e->kids.v[0]));
	default: break;
	}
	t = ask_expr(l, e->kids.v[0]);
	for (u32 i = 1; i < e->kids.n && t; i++) {
		kid = ask_expr(l, e->kids.v[i]);
		t = e->kind == EXPR_AND ? tree_and(l->values, t, kid) : tree_or(l->values, t, kid);
	}
	return t;
}
