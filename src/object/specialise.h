/* specialise.h: a program as it is with the constants of this run. */
#ifndef OBJECT_SPECIALISE_H
#define OBJECT_SPECIALISE_H

#include "isa/code.h"

struct specialised {
	struct insn *insns;
	u32 n;
	struct code_reloc *relocs;
	u32 nrelocs;
	/* By slot of the program that came in, and one for its end: where it is now; for one that
	 * is gone, what comes next. */
	u32 *at;
};
/* `data`: what the object's map `rodata` holds and will hold from now on; size 0: nothing is known.
 * 0 or -ENOMEM. The caller frees. */
int specialise(struct specialised *, const struct code *, u32 rodata, const u8 *data, u32 size);
void specialised_free(struct specialised *);

#endif
