/*
 * elf_split.c: programs and their functions, apart in a file and together where they run.
 *
 * In:  programs with their functions behind them, as they run.
 * Out: the file that a compiler would have made: programs in their sections, functions in `.text`,
 *      calls that a loader resolves. libbpf puts them together again, and so does elf_join().
 */
#include "object/parts.h"

#include <errno.h>
#include <stdlib.h>

struct split {
	struct object view; /* each function is a program of its own */
	struct arena arena;
	struct diag *d;
	jmp_buf escape;
	vec(struct elf_call) calls;
};

static bool is_call(const struct insn *in)
{
	return (in->code == (BPF_JMP | BPF_CALL) && in->src == BPF_PSEUDO_CALL) ||
	       (in->code == (BPF_LD | BPF_IMM | BPF_DW) && in->src == BPF_PSEUDO_FUNC);
}

/* The function that holds a slot. */
static u32 func_of(const struct code *c, s64 slot)
{
	u32 f = 0;

	while (f + 1 < c->funcs.n && c->funcs.v[f + 1].insn <= slot)
		f++;
	return f;
}

static int add_call(struct split *s, const struct object_prog *p, u32 slot, u32 first, u32 f,
		    struct insn *in)
{
	const struct code *c = &p->code;
	s64 target = (s64)slot + 1 + in->imm;
	u32 callee = func_of(c, target);
	bool address = in->code != (BPF_JMP | BPF_CALL);

	if (!c->funcs.n || target != c->funcs.v[callee].insn || !callee)
		return diag_fail(s->d, -EINVAL, NULL,
				 "program '%s': instruction %u calls instruction %lld, where no "
				 "function begins",
				 p->name, slot, (long long)target);
	vec_push(&s->arena, &s->calls,
		 (struct elf_call){.prog = first + f,
				   .insn = slot - c->funcs.v[f].insn,
				   .callee = first + callee,
				   .address = address});
	in->imm = address ? 0 : -1;
	in->src = address ? 0 : in->src;
	return 0;
}

/* One function: its slots [from, to) of the program. */
static int add_func(struct split *s, const struct object_prog *p, u32 first, u32 f, u32 from,
		    u32 to)
{
	struct object_prog new = *p;
	int err = 0;

	new.code = (struct code){0};
	if (f) {
		new.section = ".text";
		new.name = p->code.funcs.v[f].name;
		new.kind = 0;
	}
	new.code.insns.v = arena_array(&s->arena, struct insn, to - from);
	new.code.insns.n = to - from;
	memcpy(new.code.insns.v, p->code.insns.v + from, (to - from) * sizeof(struct insn));
	for (u32 i = 0; i < to - from && !err; i++)
		if (is_call(&new.code.insns.v[i]))
			err = add_call(s, p, from + i, first, f, &new.code.insns.v[i]);
	vec_each (r, &p->code.relocs)
		if (r->insn >= from && r->insn < to) {
			struct code_reloc *to_reloc = vec_add(&s->arena, &new.code.relocs);

			*to_reloc = *r;
			to_reloc->insn -= from;
		}
	vec_each (l, &p->code.lines)
		if (l->insn >= from && l->insn < to)
			vec_push(&s->arena, &new.code.lines,
				 (struct code_line){.insn = l->insn - from, .line = l->line});
	vec_push(&s->arena, &s->view.progs, new);
	return err;
}

static int split_progs(struct split *s, const struct object *o)
{
	int err = 0;

	for (u32 i = 0; i < o->progs.n && !err; i++) {
		const struct object_prog *p = &o->progs.v[i];
		const struct code *c = &p->code;
		u32 first = s->view.progs.n;

		for (u32 f = 0; f < MAX(c->funcs.n, 1) && !err; f++)
			err = add_func(s, p, first, f, f ? c->funcs.v[f].insn : 0,
				       f + 1 < c->funcs.n ? c->funcs.v[f + 1].insn : c->insns.n);
	}
	return err;
}

static int split_all(struct split *s, const struct object *o)
{
	s->arena.escape = &s->escape;
	if (setjmp(s->escape))
		return diag_fail(s->d, -ENOMEM, NULL, "out of memory");
	return split_progs(s, o);
}

int elf_write_split(const struct object *o, struct buf *out, struct diag *d)
{
	struct split s = {.view = *o, .d = d};
	int err;

	s.view.progs.v = NULL;
	s.view.progs.n = s.view.progs.cap = 0;
	err = split_all(&s, o);
	if (!err)
		err = elf_write_object(&s.view, o, s.calls.v, s.calls.n, out, d);
	arena_free(&s.arena);
	return err;
}

/* ---- together again */

void elf_part(struct object *o, struct elf_parts *parts)
{
	parts->whole.v = o->progs.v;
	parts->whole.n = o->progs.n;
	o->progs.v = NULL;
	o->progs.n = o->progs.cap = 0;
	for (u32 i = 0; i < parts->whole.n; i++) {
		const struct object_prog *p = &parts->whole.v[i];

		vec_push(&o->arena, &o->progs, *p);
		for (u32 f = 1; f < p->code.funcs.n; f++)
			vec_push(&o->arena, &o->progs,
				 (struct object_prog){.name = p->code.funcs.v[f].name,
						      .section = ".text"});
	}
}

static void append(struct arena *arena, struct code *to, const struct code *part)
{
	u32 start = to->insns.n;

	vec_each (i, &part->insns)
		vec_push(arena, &to->insns, *i);
	vec_each (r, &part->relocs) {
		struct code_reloc *reloc = vec_add(arena, &to->relocs);

		*reloc = *r;
		reloc->insn += start;
	}
	vec_each (l, &part->lines)
		vec_push(arena, &to->lines,
			 (struct code_line){.insn = start + l->insn, .line = l->line});
}

/* The function of its program that begins at a slot of `.text`; 0: none. */
static u32 callee_of(const struct prog_places *places, u32 first, u32 nfuncs, u32 slot)
{
	for (u32 f = 1; f < nfuncs; f++)
		if (places->progs[first + f].at == slot)
			return f;
	return 0;
}

/* The addresses of functions in parts [first, first + n), which are the program p now. */
static bool join_calls(struct object_prog *p, const struct elf_parts *parts,
		       const struct prog_places *places, u32 first)
{
	struct code *c = &p->code;

	vec_each (call, &parts->calls) {
		u32 callee, at;
		struct insn *in;

		if (call->prog < first || call->prog >= first + MAX(c->funcs.n, 1u))
			continue;
		callee = callee_of(places, first, c->funcs.n, call->callee);
		if (!callee)
			return false;
		at = c->funcs.v[call->prog - first].insn + call->insn;
		in = &c->insns.v[at];
		in->src = BPF_PSEUDO_FUNC;
		in->imm = (s32)(c->funcs.v[callee].insn - at - 1);
	}
	return true;
}

bool elf_join(struct object *o, const struct elf_parts *parts, const struct prog_places *places)
{
	const struct object_prog *part = o->progs.v;
	u32 first = 0;

	for (u32 i = 0; i < parts->whole.n; i++) {
		struct object_prog *p = &parts->whole.v[i];
		struct code head = part[first].code;

		head.funcs.v = p->code.funcs.v;
		head.funcs.n = head.funcs.cap = p->code.funcs.n;
		head.stack = p->code.stack;
		p->code = head;
		for (u32 f = 1; f < p->code.funcs.n; f++) {
			p->code.funcs.v[f].insn = p->code.insns.n;
			append(&o->arena, &p->code, &part[first + f].code);
		}
		if (!join_calls(p, parts, places, first))
			return false;
		first += MAX(p->code.funcs.n, 1u);
	}
	o->progs.v = parts->whole.v;
	o->progs.n = o->progs.cap = parts->whole.n;
	return true;
}
