/*
 * legalise.c: writes what the target kernel lacks with what it has.
 *
 * In:  any function. Out: no operation that the kernel is too old for:
 *      - signed division and remainder (6.6) become unsigned ones between absolute values, the
 *        sign put on afterwards; x / 0 = 0, x % 0 = x and MIN / -1 = MIN come out by themselves;
 *      - sign extensions (6.6) become two shifts, sign-extending loads a load and an extension.
 * Users of a replaced instruction are led to the last one of what stands for it.
 */
#include "ir/inside.h"

#include "isa/isa.h" /* KERNEL */

#define SINCE_MOVSX KERNEL(6, 6)

struct step { /* where new instructions go */
	struct ir_fn *f;
	enum ir_type type;
};

static u32 two(struct step *s, enum ir_op op, u32 a, u32 b)
{
	return ir_fold_emit(s->f, (struct ir_ins){.op = op, .type = s->type, .a = a, .b = b});
}

/* All ones when v is negative, else zero. */
static u32 sign(struct step *s, u32 v)
{
	return two(s, IR_SAR, v, ir_const(s->f, s->type == IRT_I32 ? 31 : 63));
}

/* -v where the sign is all ones, else v */
static u32 negate_if(struct step *s, u32 v, u32 all_ones)
{
	return two(s, IR_SUB, two(s, IR_XOR, v, all_ones), all_ones);
}

static u32 signed_division(struct step *s, const struct ir_ins *i)
{
	u32 a = sign(s, i->a), b = sign(s, i->b);
	u32 ua = negate_if(s, i->a, a), ub = negate_if(s, i->b, b);

	if (i->op == IR_SDIV)
		return negate_if(s, two(s, IR_UDIV, ua, ub), two(s, IR_XOR, a, b));
	return negate_if(s, two(s, IR_UMOD, ua, ub), a);
}

static u32 sign_extension(struct step *s, u32 v, u32 width)
{
	u32 by = (s->type == IRT_I32 ? 32 : 64) - width;

	if (!by)
		return two(s, IR_ADD, v, ir_const(s->f, 0));
	return two(s, IR_SAR, two(s, IR_SHL, v, ir_const(s->f, by)), ir_const(s->f, by));
}

/* The value that stands for v, or 0 when the kernel has the operation. */
static u32 replace(struct ir_fn *f, u32 v)
{
	struct ir_ins i = f->ins.v[v];
	struct step s = {f, i.type};

	switch (i.op) {
	case IR_SDIV:
	case IR_SMOD: return signed_division(&s, &i);
	case IR_SEXT8: return sign_extension(&s, i.a, 8);
	case IR_SEXT16: return sign_extension(&s, i.a, 16);
	case IR_SEXT32: return sign_extension(&s, i.a, 32);
	case IR_LOADS: {
		u32 load = ir_emit(f, (struct ir_ins){.op = IR_LOAD,
						      .type = IRT_I64,
						      .width = i.width,
						      .a = i.a,
						      .imm = i.imm});

		return sign_extension(&s, load, i.width * 8u);
	}
	default: return 0;
	}
}

void ir_pass_legalise(struct ir_fn *f, u32 kernel)
{
	ir_analyse(f);
	if (kernel >= SINCE_MOVSX)
		return;
	vec_each (b, &f->order) {
		struct ir_block *block = &f->blocks.v[*b];
		__typeof__(block->ins) old = block->ins;

		memset(&block->ins, 0, sizeof(block->ins));
		f->at = *b;
		vec_each (v, &old) {
			u32 by;

			f->line = f->ins.v[*v].line;
			for (u32 n = 0; n < 2; n++) {
				u32 *op = n ? &f->ins.v[*v].b : &f->ins.v[*v].a;

				if (ir_ops[f->ins.v[*v].op].args < 3)
					*op = ir_value(f, *op);
			}
			by = replace(f, *v);
			if (by)
				ir_forward(f, *v, by);
			else
				vec_push(f->arena, &block->ins, *v);
		}
	}
	f->at = 0;
	ir_analyse(f);
}
