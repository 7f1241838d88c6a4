/*
 * asm.h: objects as text that can be read back: what `waggle dis` writes and `waggle asm` reads.
 *
 * The notation is told in docs/asm.md: instructions as isa_dis() writes them, maps by name, labels,
 * and directives for what is around the instructions (`.program`, `.map`, `.data`, `.license`).
 */
#ifndef OBJECT_ASM_H
#define OBJECT_ASM_H

#include "object/object.h"

/* Appends the whole object. */
void object_listing(struct buf *out, const struct object *);
/* Appends instructions without an object. */
void object_code_listing(struct buf *out, const struct insn *, u32 n);
/* Makes an object of a text; d->file and d->text are the source. -EINVAL, -ENOMEM. Code before the
 * first `.program` becomes a socket filter named "prog". */
int object_asm(struct object **, const char *text, size_t size, struct diag *);

#endif
