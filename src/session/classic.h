/* classic.h: what the calls of waggle.h for classic BPF share. */
#ifndef SESSION_CLASSIC_H
#define SESSION_CLASSIC_H

#include "filter/bpf.h"
#include "isa/cbpf.h"
#include "session/opts.h"

struct classic {
	struct arena arena;
	struct cbpf_code code;
	struct buf out;
	struct diag diag;
};

/* Messages go where the options say; `text` is what they point to, unless it is raw. 0, -EINVAL. */
int classic_open(struct classic *, struct waggle_opts *, const void *text, size_t size, bool raw,
		 const struct waggle_opts *);
void classic_close(struct classic *);
/* Reads the filter in any form; with the arena's way out of memory in place. */
int classic_read(struct classic *, const void *text, size_t size, bool raw);
int classic_check(struct classic *); /* would the kernel take it? */
/* Of a format "bpf" or "bpf:HOOK"; NULL: it is another format. */
const struct filter_hook *classic_hook(const char *format);
/* Writes a filter; format: see waggle_classic(). */
int classic_put(struct buf *, struct arena *, const struct cbpf_insn *, u32 n, const char *format,
		struct diag *);

#endif
