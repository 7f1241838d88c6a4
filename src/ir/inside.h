/* inside.h: what the files of this room share and nobody else needs. */
#ifndef IR_INSIDE_H
#define IR_INSIDE_H

#include "ir/ir.h"

#define EDGE(block, which) ((block) << 1 | (which))

static inline struct ir_edge *ir_edge_of(struct ir_fn *f, u32 edge)
{
	return &f->blocks.v[edge >> 1].succ[edge & 1];
}
/* Appends an instruction as it is (no folding) to the open block; its value. */
u32 ir_emit(struct ir_fn *, struct ir_ins);
/* Folds by the table of rules, then appends. */
u32 ir_fold_emit(struct ir_fn *, struct ir_ins);
/* A constant at the top of a block. */
u32 ir_const_top(struct ir_fn *, u32 block, s64);
/* Makes `v` stand for `to`. The caller takes it out of its block. */
void ir_forward(struct ir_fn *, u32 v, u32 to);
/* Order and preds alone: what was forwarded still stands there. */
void ir_shape(struct ir_fn *);
/* Behind a pass that has gone through all blocks in their order and put what stands for them in
 * place of operands: what is left are the arguments of edges. */
void ir_resolved(struct ir_fn *);
/* Takes a parameter out of its block and its argument out of all edges. */
void ir_drop_param(struct ir_fn *, u32 param);
/* The one value that a parameter can have, or 0. Needs preds. */
u32 ir_param_value(struct ir_fn *, u32 param);

/* fold.c: the value that `i` always has (0: none); may rewrite `i` into something simpler.
 * uses: how often each value is used, NULL: to be counted; or NULL when it is not known yet. */
u32 ir_simplify(struct ir_fn *, struct ir_ins *i, u32 **uses);
/* Evaluates an operation on constants; false: not one that can be. */
bool ir_eval(enum ir_op, bool is32, u64 a, u64 b, u64 *out);
/* The value is < 2^bits. */
u32 ir_bits(const struct ir_fn *, u32 v);
u32 *ir_count_uses(struct ir_fn *);

/* The passes */
void ir_pass_params(struct ir_fn *, u32 kernel);
void ir_pass_legalise(struct ir_fn *, u32 kernel);
void ir_pass_fold(struct ir_fn *, u32 kernel);
void ir_pass_branch(struct ir_fn *, u32 kernel);
void ir_pass_gvn(struct ir_fn *, u32 kernel);
void ir_pass_forward(struct ir_fn *, u32 kernel);
void ir_pass_cleanup(struct ir_fn *, u32 kernel);

#endif
