/*
 * live_module.c: types of modules of the running kernel.
 *
 * In:  /sys/kernel/btf/NAME, whose types and strings are numbered as if they stood behind the
 *      kernel's: those of all modules begin with the same numbers.
 * Out: one BTF in which the modules stand one behind the other. The first keeps its numbers, those
 *      behind it get others.
 *
 * Source: Documentation/bpf/btf.rst, chapter 2, for where a record has numbers of types and
 * strings.
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

/* ---- other numbers */

struct shift {
	u32 types, strings;         /* what is added to numbers of the module's own */
	u32 own_types, own_strings; /* the first of these */
};

static void move_type(const struct shift *s, u8 *at)
{
	u32 v;

	memcpy(&v, at, 4);
	v += v >= s->own_types ? s->types : 0;
	memcpy(at, &v, 4);
}

static void move_name(const struct shift *s, u8 *at)
{
	u32 v;

	memcpy(&v, at, 4);
	v += v >= s->own_strings ? s->strings : 0;
	memcpy(at, &v, 4);
}

/* Behind its 12 bytes a record has `once` bytes, then for each of its parts some words: n names, t
 * types, others. refers: the third word of the record is a type. */
static const struct form {
	u8 once;
	const char *part;
	bool refers;
} forms[] = {
	[BTF_INT] = {.once = 4},
	[BTF_PTR] = {.refers = true},
	[BTF_ARRAY] = {.once = 12},
	[BTF_STRUCT] = {.part = "nt."},
	[BTF_UNION] = {.part = "nt."},
	[BTF_ENUM] = {.part = "n."},
	[BTF_TYPEDEF] = {.refers = true},
	[BTF_VOLATILE] = {.refers = true},
	[BTF_CONST] = {.refers = true},
	[BTF_RESTRICT] = {.refers = true},
	[BTF_FUNC] = {.refers = true},
	[BTF_FUNC_PROTO] = {.part = "nt", .refers = true},
	[BTF_VAR] = {.once = 4, .refers = true},
	[BTF_DATASEC] = {.part = "t.."},
	[BTF_DECL_TAG] = {.once = 4, .refers = true},
	[BTF_TYPE_TAG] = {.refers = true},
	[BTF_ENUM64] = {.part = "n.."},
};

/* Bytes of a record, whose numbers are other ones now; 0: it is broken. */
static u32 move_record(const struct shift *s, u8 *p, u32 room)
{
	u32 info, kind, n, size = 12, words;
	const struct form *f;

	if (room < size)
		return 0;
	memcpy(&info, p + 4, 4);
	kind = info >> 24 & 31;
	f = kind < ARRAY_SIZE(forms) ? &forms[kind] : &forms[0];
	words = f->part ? (u32)strlen(f->part) : 0;
	/* of a FUNC, n is its linkage */
	n = words ? info & 0xffff : 0;
	size += f->once + n * words * 4;
	if (size > room)
		return 0;
	move_name(s, p);
	if (f->refers)
		move_type(s, p + 8);
	if (kind == BTF_ARRAY) {
		move_type(s, p + 12);
		move_type(s, p + 16);
	}
	for (u32 i = 0; i < n * words; i++) {
		u8 *at = p + 12 + f->once + i * 4;

		if (f->part[i % words] == 'n')
			move_name(s, at);
		else if (f->part[i % words] == 't')
			move_type(s, at);
	}
	return size;
}

static int move_numbers(const struct shift *s, struct buf *own, const struct head *h, u32 *count)
{
	u8 *p = (u8 *)own->p + h->size + h->types;
	u32 room = h->types_size;

	for (*count = 0; room; ++*count) {
		u32 size = move_record(s, p, room);

		if (!size)
			return -EINVAL;
		p += size;
		room -= size;
	}
	return 0;
}

/* ---- one BTF */

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

/* Puts a module behind all that is there: `before`, which began as the kernel's own. */
static int append(struct live *l, const struct buf *before, struct buf *own, struct live_module *m,
		  struct buf *out)
{
	struct head kernel, module, all;
	struct shift s;
	u32 count;
	int err;

	if (!read_head(own, &module) || !read_head(before, &all))
		return -EINVAL;
	if (!l->nmodules) { /* the first one */
		kernel = all;
		l->kernel_types = btf_count(l->btf) + 1;
		l->kernel_strings = kernel.strings_size;
		l->joined_types = l->kernel_types;
	}
	s = (struct shift){.types = l->joined_types - l->kernel_types,
			   .strings = all.strings_size - l->kernel_strings,
			   .own_types = l->kernel_types,
			   .own_strings = l->kernel_strings};
	err = move_numbers(&s, own, &module, &count);
	if (err)
		return err;
	m->shift = s.types;
	l->joined_types += count;
	return join(out, before, own);
}

static int add_module(struct live *l, struct live_module *m, const char *path)
{
	struct buf base = {0}, own = {0};
	struct diag silent = {0};
	int err = live_read(path, &own);

	if (!err && !l->nmodules)
		err = btf_copy(l->btf, &base);
	if (!err)
		err = append(l, l->nmodules ? &m[-1].raw : &base, &own, m, &m->raw);
	if (!err)
		err = btf_open_raw(&m->btf, m->raw.p, m->raw.n, &silent);
	buf_free(&base);
	buf_free(&own);
	if (err) {
		buf_free(&m->raw);
		return err;
	}
	l->modules_btf = m->btf;
	l->nmodules++;
	return 0;
}

int live_module(struct target *t, const char *name, u32 *shift)
{
	struct live *l = t->data;
	struct diag silent = {0};
	struct live_module *m;
	struct btf *kernel;
	char path[256];
	int err;

	for (u32 i = 0; i < l->nmodules; i++)
		if (!strcmp(l->modules[i].name, name)) {
			*shift = l->modules[i].shift;
			return 0;
		}
	if (l->nmodules == LIVE_MODULES)
		return -EBUSY;
	if (strchr(name, '/') ||
	    snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name) >= (int)sizeof(path))
		return -ENOENT;
	err = live_btf(t, &kernel, &silent);
	if (err)
		return err;
	m = &l->modules[l->nmodules];
	m->name = arena_strdup(&t->arena, name);
	err = add_module(l, m, path);
	*shift = err ? 0 : m->shift;
	return err;
}

void live_module_close(struct target *t)
{
	struct live *l = t->data;

	for (struct live_module *m = l->modules; m < l->modules + l->nmodules; m++) {
		btf_close(m->btf);
		buf_free(&m->raw);
	}
	l->modules_btf = NULL;
	l->nmodules = 0;
}
