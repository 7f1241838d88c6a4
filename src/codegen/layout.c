/*
 * layout.c: the bodies of the blocks become one program.
 *
 * In:  bodies in the order of the layout, each with how it ends. Out: instructions with jumps,
 *      relocations, lines. A block that only jumps disappears: who wants to go there goes on to
 *      where it leads. A jump to what comes next is left out; a condition is turned round when
 *      that saves a jump.
 */
#include "codegen/inside.h"

#include <limits.h>

struct patch {
	u32 insn, to;
};
struct layout {
	struct cg *c;
	vec(struct patch) patches;
	u32 last_line;
};

/* An empty block that jumps on. Not the head of a loop: an endless one is only such blocks. */
static bool passes_on(struct cg *c, u32 block)
{
	struct cg_block *b = &c->blocks[block];

	return block != 1 && !b->body.n && !b->exits && !b->jump.code &&
	       !c->f->blocks.v[block].loop_end;
}

static u32 target(struct cg *c, u32 block)
{
	for (u32 n = 0; n < 1000 && passes_on(c, block); n++)
		block = c->f->blocks.v[block].succ[0].to;
	return block;
}

static void add(struct layout *l, struct insn i, u32 line)
{
	struct code *code = l->c->code;

	if (line && line != l->last_line) {
		vec_push(l->c->keep, &code->lines,
			 (struct code_line){.insn = code->lines.n ? code->insns.n : 0,
					    .line = line});
		l->last_line = line;
	}
	vec_push(l->c->keep, &code->insns, i);
}

static void add_jump(struct layout *l, struct insn i, u32 to, u32 line)
{
	vec_push(l->c->arena, &l->patches, (struct patch){l->c->code->insns.n, to});
	add(l, i, line);
}

static void add_body(struct layout *l, struct cg_block *b)
{
	struct code *code = l->c->code;

	vec_each (x, &b->body) {
		const struct ir_ins *i = cg_ins(l->c, x->value);

		if (x->value)
			vec_push(l->c->keep, &code->relocs,
				 (struct code_reloc){code->insns.n, (u32)i->imm,
						     i->op == IR_DATA ? i->aux : 0,
						     i->op == IR_DATA});
		add(l, x->i, x->line);
		if (x->i.code == (BPF_LD | BPF_IMM | BPF_DW))
			vec_push(l->c->keep, &code->insns, (struct insn){.imm = x->high});
	}
}

/* The opposite of a jump; 0: there is none. */
static u8 opposite(u8 code)
{
	static const u8 pairs[][2] = {{BPF_JEQ, BPF_JNE},
				      {BPF_JGT, BPF_JLE},
				      {BPF_JGE, BPF_JLT},
				      {BPF_JSGT, BPF_JSLE},
				      {BPF_JSGE, BPF_JSLT}};

	for (u32 n = 0; n < ARRAY_SIZE(pairs); n++)
		for (u32 k = 0; k < 2; k++)
			if ((code & 0xf0) == pairs[n][k])
				return (code & 0x0f) | pairs[n][!k];
	return 0;
}

static void add_end(struct layout *l, u32 block, u32 next)
{
	struct cg *c = l->c;
	struct cg_block *b = &c->blocks[block];
	struct ir_block *ir = &c->f->blocks.v[block];
	const struct insn go = {.code = BPF_JMP | BPF_JA};
	struct insn jump = b->jump;
	u32 yes, no;

	if (b->exits) {
		add(l, (struct insn){.code = BPF_JMP | BPF_EXIT}, b->line);
		return;
	}
	yes = target(c, ir->succ[b->swap].to);
	no = jump.code ? target(c, ir->succ[!b->swap].to) : yes;
	if (yes != no && yes == next && opposite(jump.code)) {
		jump.code = opposite(jump.code);
		yes = no;
		no = next;
	}
	if (yes != no)
		add_jump(l, jump, yes, b->line);
	if (no != next)
		add_jump(l, go, no, b->line);
}

static int patch_jumps(struct layout *l)
{
	struct cg *c = l->c;

	vec_each (p, &l->patches) {
		s64 off = (s64)c->blocks[p->to].at - p->insn - 1;

		if (off != (s16)off) {
			struct loc at = {.line = l->last_line >> 10, .col = l->last_line & 1023};

			return diag_error(
				c->diag, at, "split it into several probes or programs",
				"this program is too large: a jump over %lld instructions",
				(long long)off);
		}
		c->code->insns.v[p->insn].off = (s16)off;
	}
	return 0;
}

void cg_layout(struct cg *c)
{
	struct layout l = {.c = c};
	u32 next;

	for (u32 n = 0; n < c->f->order.n; n++) {
		u32 b = c->f->order.v[n];

		if (passes_on(c, b) && target(c, b) != b)
			continue;
		for (next = n + 1; next < c->f->order.n; next++)
			if (!passes_on(c, c->f->order.v[next]))
				break;
		c->blocks[b].at = c->code->insns.n;
		add_body(&l, &c->blocks[b]);
		add_end(&l, b, next < c->f->order.n ? c->f->order.v[next] : 0);
	}
	c->error = patch_jumps(&l);
}
