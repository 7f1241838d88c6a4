/*
 * value.h: values of BTF types from text: what show.h writes, and what people write.
 *
 *   { .pid = 12, .comm = "cat", .seen = [1, 2] }
 */
#ifndef BTF_VALUE_H
#define BTF_VALUE_H

#include "btf/btf.h"

/* Reads a value of the type from text into `size` bytes: numbers, true, false, names of an enum,
 * "text", 'c', `hex:01 02 ff`, and initialisers as C has them, with or without the names of
 * members. What they leave out is 0. d->text is the text. 0 or -EINVAL with a message. */
int btf_parse_value(struct btf *, u32 type, const char *text, void *data, u32 size, struct diag *);

#endif
