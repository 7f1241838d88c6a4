/* classic.h: classic BPF in the forms in which people write it. */
#ifndef SESSION_CLASSIC_H
#define SESSION_CLASSIC_H

#include "base/buf.h"
#include "base/diag.h"
#include "isa/cbpf.h"

/* format: see waggle_classic(). */
int classic_put(struct buf *, struct arena *, const struct cbpf_insn *, u32 n, const char *format,
		struct diag *);

#endif
