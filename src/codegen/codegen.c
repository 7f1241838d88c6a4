/* codegen.c: the list of passes from IR to instructions, and the stack frame. */
#include "codegen/inside.h"

#include <errno.h>

#define STACK_MOST 512

/* Places of the stack objects that the code still names, from the top of the frame down. By the
 * way, which value is the context: it stands in the entry. */
static void place_slots(struct cg *c)
{
	struct ir_fn *f = c->f;
	u8 *named = arena_array(c->arena, u8, f->slots.n + 1);
	u32 off = 0, *ops;

	vec_each (v, &f->blocks.v[1].ins)
		if (cg_ins(c, *v)->op == IR_CTX)
			c->ctx = *v;
	for (u32 v = 1; v < f->ins.n && f->slots.n; v++)
		if (cg_ins(c, v)->block)
			for (u32 k = ir_operands(f, cg_ins(c, v), &ops); k--; ops++)
				if (cg_ins(c, *ops)->op == IR_SLOT)
					named[cg_ins(c, *ops)->imm] = 1;
	c->slot_at = arena_array(c->arena, s32, f->slots.n + 1);
	for (u32 n = 0; n < f->slots.n; n++) {
		if (!named[n])
			continue;
		off = ALIGN_UP(off + f->slots.v[n].size, f->slots.v[n].align);
		c->slot_at[n] = -(s32)off;
	}
	c->frame = ALIGN_UP(off, 8u);
}

static int check_stack(struct cg *c)
{
	const struct ir_slot *largest = NULL;
	struct loc at = {0};

	if (c->code->stack <= STACK_MOST)
		return 0;
	vec_each (s, &c->f->slots)
		if (!largest || s->size > largest->size)
			largest = s;
	if (largest) {
		at.line = largest->line >> 10;
		at.col = largest->line & 1023;
	}
	return diag_error(c->diag, at,
			  c->f->advice
				  ? c->f->advice
				  : "use fewer or smaller strings and variables at a time",
			  "this program needs %u bytes of stack, a BPF program has %u",
			  c->code->stack, STACK_MOST);
}

int codegen(struct ir_fn *f, u32 kernel, struct arena *keep, struct code *code, struct diag *diag)
{
	struct cg c = {.f = f,
		       .arena = f->arena,
		       .keep = keep,
		       .kernel = kernel,
		       .code = code,
		       .diag = diag};
	u64 size = 0;

	memset(code, 0, sizeof(*code));
	vec_each (s, &f->slots)
		size += s->size + s->align;
	if (size > INT16_MAX) { /* offsets would not fit: no need to look further */
		code->stack = (u32)MIN(size, UINT32_MAX);
		return check_stack(&c);
	}
	cg_split_edges(f); /* all it asks is who leads to a block: passes and builder keep that */
	ir_loops(f);
	place_slots(&c);
	cg_select(&c);
	cg_live(&c);
	cg_assign(&c);
	code->stack = c.frame + 8 * c.spills.n;
	if (check_stack(&c))
		return -EINVAL;
	cg_layout(&c);
	return c.error;
}
