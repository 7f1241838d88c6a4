/*
 * params.c: drops parameters of blocks that always have the same value.
 *
 * In:  any function. Out: the same; a parameter whose arguments are all one value (or itself) is
 *      that value. Building leaves some, branches that became jumps make more.
 */
#include "ir/inside.h"

void ir_pass_params(struct ir_fn *f, u32 kernel)
{
	bool changed = true;

	(void)kernel;
	ir_shape(f);
	while (changed) {
		changed = false;
		vec_each (b, &f->order) {
			for (u32 k = f->blocks.v[*b].params.n; k--;) {
				u32 p = f->blocks.v[*b].params.v[k], v = ir_param_value(f, p);

				if (!v)
					continue;
				ir_drop_param(f, p);
				ir_forward(f, p, v);
				changed = true;
			}
		}
	}
}
