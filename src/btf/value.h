/*
 * value.h: values of BTF types as text, and back.
 *
 *   C      { .pid = 12, .comm = "cat", .seen = [1, 2] }
 *   JSON   {"pid":12,"comm":"cat","seen":[1,2]}
 *
 * Without a type a value of 1, 2, 4 or 8 bytes is a number, and any other one its bytes.
 */
#ifndef BTF_VALUE_H
#define BTF_VALUE_H

#include "btf/btf.h"

enum btf_style { BTF_C, BTF_JSON };

/* Appends a value; type 0 (or btf NULL): there is none. What lies outside of `size` is not shown.
 */
void btf_show(struct buf *out, struct btf *, u32 type, const void *data, u32 size, enum btf_style);
/* A string in quotes. */
void btf_show_text(struct buf *out, const char *, size_t);

/* Reads a value of the type from text into `size` bytes: numbers, true, false, names of an enum,
 * "text", 'c', `hex:01 02 ff`, and initialisers as C has them, with or without the names of
 * members. What they leave out is 0. d->text is the text. 0 or -EINVAL with a message. */
int btf_parse_value(struct btf *, u32 type, const char *text, void *data, u32 size, struct diag *);

#endif
