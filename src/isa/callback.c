/*
 * callback.c: programs with callbacks: functions behind each other in one program.
 *
 * In:  a program and its callbacks, each with its own relocations and lines. Out: one program.
 */
#include "isa/code.h"

/* ld_imm64 with src 4: the number of a callback, from 1, until it is there; then minus its
 * function. */
static bool resolve(struct code *c, u32 number, s32 to)
{
	bool found = false;

	for (u32 at = 0; at < c->insns.n; at++) {
		struct insn *i = &c->insns.v[at];

		if (i->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (i->src == BPF_PSEUDO_FUNC && i->imm == (s32)number) {
			i->imm = to;
			found = true;
		}
		at++;
	}
	return found;
}

bool code_wants_callback(struct code *c, u32 number)
{
	return resolve(c, number, -(s32)MAX(c->funcs.n, 1u));
}

void code_add_callback(struct arena *arena, struct code *to, const struct code *callback,
		       bool turns, const char *name)
{
	static const struct insn of_entry[] = {
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst = 4, .src = 2, .off = 0},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst = 4, .src = 3, .off = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst = 1, .src = 4},
	};
	static const struct insn of_turn[] = {
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst = 2, .src = 1, .off = 0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst = 1, .src = 2},
	};
	const struct insn *entry = turns ? of_turn : of_entry;
	u32 n = turns ? ARRAY_SIZE(of_turn) : ARRAY_SIZE(of_entry);
	u32 start = to->insns.n, at = start + n;

	if (!to->funcs.n)
		vec_push(arena, &to->funcs, (struct code_func){0});
	vec_push(arena, &to->funcs, (struct code_func){.insn = start, .name = name});
	for (u32 i = 0; i < n; i++)
		vec_push(arena, &to->insns, entry[i]);
	vec_each (i, &callback->insns)
		vec_push(arena, &to->insns, *i);
	vec_each (r, &callback->relocs) {
		struct code_reloc reloc = *r;

		reloc.insn += at;
		vec_push(arena, &to->relocs, reloc);
	}
	if (callback->lines.n) {
		struct code_line first = callback->lines.v[0];

		first.insn = start;
		vec_push(arena, &to->lines, first);
	}
	vec_each (l, &callback->lines) {
		struct code_line line = *l;

		line.insn += at;
		vec_push(arena, &to->lines, line);
	}
	to->stack = MAX(to->stack, callback->stack);
}

void code_link_callbacks(struct code *c)
{
	for (u32 at = 0; at < c->insns.n; at++) {
		struct insn *i = &c->insns.v[at];

		if (i->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (i->src == BPF_PSEUDO_FUNC)
			i->imm = (s32)(c->funcs.v[-i->imm].insn - at - 1);
		at++;
	}
}
