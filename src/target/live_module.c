/*
 * live_module.c: types of a module of the running kernel.
 *
 * In: /sys/kernel/btf/NAME, whose types and strings are numbered as if they stood behind the
 *     kernel's. Out: one BTF in which they do.
 */
#include "target/live.h"

#include <errno.h>
#include <stdio.h>

struct head { /* struct btf_header */
	u16 magic;
	u8 version, flags;
	u32 size, types, types_size, strings, strings_size;
};

static bool read_head(const struct buf *raw, struct head *h)
{
	if (raw->n < sizeof(*h))
		return false;
	memcpy(h, raw->p, sizeof(*h));
	return (u64)h->size + h->types + h->types_size <= raw->n &&
	       (u64)h->size + h->strings + h->strings_size <= raw->n;
}

static int join(struct buf *out, const struct buf *base, const struct buf *own)
{
	struct head a, b, all;

	if (!read_head(base, &a) || !read_head(own, &b))
		return -EINVAL;
	all = (struct head){.magic = a.magic, .version = a.version, .size = sizeof(all)};
	all.types_size = a.types_size + b.types_size;
	all.strings = all.types_size;
	all.strings_size = a.strings_size + b.strings_size;
	buf_add(out, &all, sizeof(all));
	buf_add(out, base->p + a.size + a.types, a.types_size);
	buf_add(out, own->p + b.size + b.types, b.types_size);
	buf_add(out, base->p + a.size + a.strings, a.strings_size);
	buf_add(out, own->p + b.size + b.strings, b.strings_size);
	return out->failed ? -ENOMEM : 0;
}

int live_module(struct target *t, const char *name)
{
	struct live *l = t->data;
	struct buf base = {0}, own = {0};
	struct diag silent = {0};
	struct btf *kernel;
	char path[256];
	int err;

	if (l->module.btf)
		return strcmp(l->module.name, name) ? -EBUSY : 0;
	err = live_btf(t, &kernel, &silent);
	if (!err && (strchr(name, '/') ||
		     snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name) >= (int)sizeof(path)))
		err = -ENOENT;
	if (!err)
		err = live_read(path, &own);
	if (!err)
		err = btf_copy(kernel, &base);
	if (!err)
		err = join(&l->module.raw, &base, &own);
	if (!err)
		err = btf_open_raw(&l->module.btf, l->module.raw.p, l->module.raw.n, &silent);
	buf_free(&base);
	buf_free(&own);
	if (err)
		live_module_close(t);
	else
		l->module.name = arena_strdup(&t->arena, name);
	return err;
}

void live_module_close(struct target *t)
{
	struct live *l = t->data;

	btf_close(l->module.btf);
	l->module.btf = NULL;
	buf_free(&l->module.raw);
}
