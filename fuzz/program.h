/*
 * program.h: random programs as trees of statements and expressions, for exprfuzz.c to render.
 *
 * The same seed gives the same program. Programs end: loops run at most three times. They are made
 * so that the verifier is soon through: few loops, and few forks in them.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include "ir/ir.h"

#define VARS_MOST  18
#define SLOT_BYTES 32

struct expr {
	enum { E_CONST, E_VAR, E_BIN, E_UN, E_SLOT } kind;
	enum ir_op op;
	enum ir_type type;
	u32 var, width, off;
	bool sign;
	s64 c;
	struct expr *a, *b;
};

struct stmt {
	enum { S_SET, S_IF, S_LOOP, S_STORE, S_CALL, S_LOOKUP, S_SKB, S_RETURN } kind;
	u32 var, width, off, count;
	struct expr *e;
	struct stmt *body, *other, *next;
};

struct program {
	u64 seed, rng;
	struct arena *arena;
	u32 nvars, budget, depth, loops, ifs; /* loops, ifs: how many more there may be */
	u32 in_loop, forks; /* forks: in loops, where each one doubles what is verified */
	u8 types[VARS_MOST];
	bool by_lookup; /* results go through a pointer that a look-up gave */
	struct stmt *body;
};

static u64 rnd(struct program *p)
{
	u64 z = p->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static u32 pick(struct program *p, u32 n)
{
	return (u32)(rnd(p) % n);
}

static inline u64 interesting(struct program *p)
{
	static const u64 edges[] = {0,
				    1,
				    2,
				    3,
				    7,
				    8,
				    31,
				    32,
				    63,
				    64,
				    127,
				    128,
				    255,
				    256,
				    0x7fff,
				    0x8000,
				    0xffff,
				    0x10000,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    0x7fffffffffffffff,
				    0x8000000000000000};
	u64 e = edges[pick(p, ARRAY_SIZE(edges))];

	switch (pick(p, 6)) {
	case 0: return -e;
	case 1: return rnd(p);
	case 2: return rnd(p) >> pick(p, 64);
	case 3: return e - 1;
	default: return e;
	}
}

static struct expr *make_expr(struct program *p, u32 depth)
{
	static const u16 un[] = {IR_NEG,    IR_SEXT8,  IR_SEXT16,  IR_SEXT32,  IR_ZEXT8,
				 IR_ZEXT16, IR_ZEXT32, IR_BSWAP16, IR_BSWAP32, IR_BSWAP64};
	struct expr *e = arena_new(p->arena, struct expr);
	u32 k = pick(p, 16);

	e->type = pick(p, 2) ? IRT_I64 : IRT_I32;
	if (!depth || k < 3) {
		e->kind = k % 4 == 1 ? E_CONST : E_VAR;
		e->c = (s64)interesting(p);
		e->var = pick(p, p->nvars);
	} else if (k < 5) {
		e->kind = E_UN;
		e->op = un[pick(p, ARRAY_SIZE(un))];
		e->type = e->op == IR_BSWAP64 ? IRT_I64 : e->type;
		e->a = make_expr(p, depth - 1);
	} else if (k < 6) {
		e->kind = E_SLOT;
		e->width = 1u << pick(p, 4);
		e->off = pick(p, SLOT_BYTES / e->width) * e->width;
		e->sign = pick(p, 2);
	} else {
		e->kind = E_BIN;
		e->op = IR_ADD + pick(p, IR_SAR - IR_ADD + 1);
		if (k < 8 && (!p->in_loop || (p->forks && p->forks--)))
			e->op = IR_EQ + pick(p, IR_SLE - IR_EQ + 1);
		e->a = make_expr(p, depth - 1);
		e->b = pick(p, 12) ? make_expr(p, depth - 1) : e->a;
	}
	return e;
}

static struct stmt *make_list(struct program *p, u32 most);

static void make_stmt(struct program *p, struct stmt *s)
{
	static const u8 kinds[] = {S_SET,   S_SET,   S_SET,  S_SET,    S_SET, S_IF,   S_IF,
				   S_STORE, S_STORE, S_CALL, S_LOOKUP, S_SKB, S_LOOP, S_RETURN};

	s->kind = kinds[pick(p, ARRAY_SIZE(kinds))];
	/* the verifier walks all ways through a loop: few loops, little in them */
	if ((s->kind == S_LOOP && !p->loops) || (s->kind == S_IF && !p->ifs) ||
	    (s->kind == S_IF && p->in_loop && !p->forks) ||
	    (s->kind == S_RETURN && (!p->depth || pick(p, 4))))
		s->kind = S_SET;
	s->var = pick(p, p->nvars);
	s->width = 1u << pick(p, 4);
	s->off = pick(p, SLOT_BYTES / s->width) * s->width;
	s->e = make_expr(p, 1 + pick(p, 3));
	p->depth++;
	if (s->kind == S_IF) {
		p->ifs--;
		p->forks -= p->in_loop && p->forks;
		s->body = make_list(p, 3);
		s->other = pick(p, 2) ? make_list(p, 3) : NULL;
	} else if (s->kind == S_LOOP) {
		p->loops--;
		p->in_loop++;
		s->count = 1 + pick(p, 3);
		s->body = make_list(p, 3);
		p->in_loop--;
	}
	p->depth--;
}

static struct stmt *make_list(struct program *p, u32 most)
{
	struct stmt *first = NULL, **link = &first;

	for (u32 n = 1 + pick(p, most); n && p->budget; n--, p->budget--) {
		struct stmt *s = *link = arena_new(p->arena, struct stmt);

		link = &s->next;
		make_stmt(p, s);
	}
	return first;
}

static struct program *make_program(struct arena *a, u64 seed)
{
	struct program *p = arena_new(a, struct program);

	p->arena = a;
	p->seed = p->rng = seed;
	p->nvars = 1 + pick(p, pick(p, 3) ? 8 : VARS_MOST);
	p->budget = 4 + pick(p, 24);
	p->by_lookup = pick(p, 2);
	p->loops = pick(p, 3) ? 0 : 1 + pick(p, 2);
	p->ifs = p->loops ? 2 : 10;
	p->forks = 2;
	for (u32 v = 0; v < p->nvars; v++)
		p->types[v] = pick(p, 4) ? IRT_I64 : IRT_I32;
	p->body = make_list(p, 14);
	return p;
}

#endif
