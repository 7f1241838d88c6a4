/* show.h: values as their types say: { .pid = 1, .comm = "sh" }, or JSON. */
#ifndef BTF_SHOW_H
#define BTF_SHOW_H

#include "btf/btf.h"

/* Appends a value of that type, whose bytes are at data. Types that do not fit the size, and id 0,
 * are shown as bytes. */
void btf_show(struct buf *, struct btf *, u32 type, const u8 *data, u64 size, bool json);
/* Bytes without a type: an unsigned number where there are 1, 2, 4 or 8, else hex. */
void btf_show_bytes(struct buf *, const u8 *data, u64 size, bool json);
/* The same without looking for numbers. */
void btf_show_hex(struct buf *, const u8 *data, u64 size, bool json);
/* Text in quotes, with escapes that JSON has. */
void btf_show_text(struct buf *, const char *text, size_t size);

#endif
