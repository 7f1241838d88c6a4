/* compile.h: source text to object. */
#ifndef COMPILE_H
#define COMPILE_H

#include "object/object.h"
#include "target/target.h"
#include "waggle.h"

/* The target is borrowed and may be closed afterwards. */
int compile(struct object **, enum waggle_lang, const char *src, size_t len, struct target *,
	    const struct waggle_opts *, struct diag *);

/* Calls fn for each stage that -d prints, with what it shows. */
void compile_stages(void (*fn)(void *user, const char *name, const char *text), void *user);

#endif
