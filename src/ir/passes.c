/* passes.c: the list of passes over the IR, in their order. */
#include "ir/inside.h"

const struct ir_pass ir_passes[] = {
	{"params", ir_pass_params, "drop block parameters that are always the same value"},
	{"fold", ir_pass_fold, "peephole rules, again, with all uses known"},
	{"gvn", ir_pass_gvn, "compute equal scalars once"},
	{"branch", ir_pass_branch, "turn branches on known conditions into jumps"},
	{"forward", ir_pass_forward, "read back what was just stored in an own stack slot"},
	{"legalise", ir_pass_legalise, "write what the target kernel lacks with what it has"},
	{"fold2", ir_pass_fold, "peephole rules on what the passes before have made"},
	{"cleanup", ir_pass_cleanup, "join blocks that always follow each other"},
	{NULL, NULL, NULL},
};

void ir_run_passes(struct ir_fn *f, u32 kernel)
{
	for (const struct ir_pass *p = ir_passes; p->name; p++)
		p->run(f, kernel);
}
