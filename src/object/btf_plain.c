/*
 * btf_plain.c: the types of an object that has BTF of its own, as the kernel takes them.
 *
 * In:  BTF of another compiler, whose sections have their sizes already.
 * Out: the same with every type at its id, but for what compilers write and the kernel refuses:
 *      externs are no variables of ours, so `.ksyms` becomes a struct of numbers, and `.kconfig`
 *      the data that we made of it. Lines and functions of the programs come along.
 *
 * Types are rewritten where they are, with as many bytes as they had.
 */
#include "btf/btf.h"
#include "object/parts.h"

#include <errno.h>
#include <stdlib.h>

struct plain_types {
	const struct object *o;
	struct btf *btf;
	u8 *raw;    /* what is being changed */
	u32 number; /* an INT of 4 bytes; 0: there is none */
};

static u32 get(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void put(u8 *p, u32 v)
{
	memcpy(p, &v, sizeof(v));
}

static u8 *record(struct plain_types *t, u32 id)
{
	u32 off, size;

	return btf_raw(t->btf, id, &off, &size) ? t->raw + off : NULL;
}

#define INFO(kind, flag, n) ((u32)(kind) << 24 | (u32)(flag) << 31 | (n))

/* The kernel wants parameters to have names. */
static void name_params(struct plain_types *t, u32 proto, u32 name)
{
	const struct btf_type *p = btf_type(t->btf, proto);
	u8 *at = p && p->kind == BTF_FUNC_PROTO ? record(t, proto) : NULL;

	for (u32 i = 0; at && i < p->n; i++)
		if (!get(at + 12 + 8 * (size_t)i) && get(at + 16 + 8 * (size_t)i))
			put(at + 12 + 8 * (size_t)i, name);
}

/* An extern becomes something that is here: a number, a function. */
static void settle(struct plain_types *t, u32 id)
{
	const struct btf_type *x = btf_type(t->btf, id);
	u8 *at = x ? record(t, id) : NULL;

	if (!at || x->linkage != 2)
		return;
	if (x->kind == BTF_VAR) {
		put(at + 8, t->number);
		put(at + 12, 1);
	} else if (x->kind == BTF_FUNC) {
		put(at + 4, INFO(BTF_FUNC, 0, 1));
		name_params(t, x->type, get(at));
	}
}

/* .ksyms: { type, off, size } of each becomes { name, type, bits } of a member. */
static void settle_ksyms(struct plain_types *t, const struct btf_type *sec)
{
	u8 *at = record(t, sec->id);

	for (u32 i = 0; at && i < sec->n; i++) {
		u8 *m = at + 12 + 12 * (size_t)i;

		settle(t, sec->secs[i].type);
		put(m, 0);
		put(m + 4, t->number);
		put(m + 8, i * 32);
	}
	if (at) {
		put(at, 0);
		put(at + 4, INFO(BTF_STRUCT, 0, sec->n));
		put(at + 8, sec->n * 4);
	}
}

static const struct object_extern *extern_of(const struct object *o, u32 type)
{
	vec_each (x, &o->externs)
		if (x->type == type)
			return x;
	return NULL;
}

static int by_offset(const void *a, const void *b)
{
	u32 x = get((const u8 *)a + 4), y = get((const u8 *)b + 4);

	return x < y ? -1 : x > y;
}

/* .kconfig: the places of plain_data.c. Types stay: they are those of the values. */
static bool settle_config(struct plain_types *t, const struct btf_type *sec)
{
	u8 *at = record(t, sec->id);

	for (u32 i = 0; at && i < sec->n; i++) {
		const struct object_extern *x = extern_of(t->o, sec->secs[i].type);
		u8 *info = at + 12 + 12 * (size_t)i, *var = record(t, sec->secs[i].type);

		if (!x || !var)
			return false; /* declared and never used: it has no place */
		put(info + 4, x->off);
		put(info + 8, x->size);
		put(var + 12, 1);
	}
	if (!at)
		return false;
	qsort(at + 12, sec->n, 12, by_offset);
	vec_each (m, &t->o->maps)
		if (!strcmp(m->name, ".kconfig"))
			put(at + 8, m->value_size);
	return true;
}

/* bpf-gcc writes types of functions that are only called, some without a name, some with parameters
 * that the kernel does not take. Nothing refers to them. */
static bool is_ours(const struct object *o, u32 func)
{
	vec_each (p, &o->progs)
		vec_each (f, &p->code.funcs)
			if (f->type == func)
				return true;
	return false;
}

/* What bpf-gcc writes and the kernel does not take: those functions, which become pointers; chars
 * that are signed, too (it wants one of signed (1), char, bool); the size of what is only declared.
 */
static bool settle_record(struct plain_types *t, const struct btf_type *x)
{
	u8 *at = record(t, x->id);
	u32 encoding = at && x->kind == BTF_INT ? get(at + 12) >> 24 : 0;

	if (!at)
		return false;
	if (encoding & (encoding - 1))
		put(at + 12, (get(at + 12) & 0xffffff) | (encoding & -encoding) << 24);
	if (x->kind == BTF_FWD)
		put(at + 8, 0);
	if (x->kind == BTF_FUNC && !x->linkage && !is_ours(t->o, x->id)) {
		put(at, 0);
		put(at + 4, INFO(BTF_PTR, 0, 0));
	}
	return true;
}

static int settle_all(struct plain_types *t)
{
	for (u32 id = 1; id <= btf_count(t->btf) && !t->number; id++) {
		const struct btf_type *x = btf_type(t->btf, id);

		if (x && x->kind == BTF_INT && x->size == 4)
			t->number = id;
	}
	for (u32 id = 1; id <= btf_count(t->btf); id++) {
		const struct btf_type *x = btf_type(t->btf, id);
		bool good = true;

		if (!x || !settle_record(t, x))
			return -EINVAL;
		if (x->kind != BTF_DATASEC)
			continue;
		if (!strcmp(x->name, ".ksyms"))
			settle_ksyms(t, x);
		else if (!strcmp(x->name, ".kconfig"))
			good = settle_config(t, x);
		if (!good)
			settle_ksyms(t, x);
	}
	return 0;
}

/* ---- programs */

/* The kernel takes lines only if each function begins with one. */
static bool covers(const struct code *c)
{
	u32 line = 0;

	vec_each (f, &c->funcs) {
		while (line < c->lines.n && c->lines.v[line].insn < f->insn)
			line++;
		if (line == c->lines.n || c->lines.v[line].insn != f->insn)
			return false;
	}
	return c->funcs.n && c->lines.n;
}

static int make_lines(const struct code *c, struct object_btf_prog *out)
{
	out->lines = calloc(c->lines.n + 1, sizeof(*out->lines));
	if (!out->lines)
		return -ENOMEM;
	vec_each (l, &c->lines) {
		u8 before = l->insn ? c->insns.v[l->insn - 1].code : 0;

		if (before == (BPF_LD | BPF_IMM | BPF_DW) && !c->insns.v[l->insn].code)
			continue;
		if (out->nlines && out->lines[out->nlines - 1].insn == l->insn)
			out->nlines--;
		out->lines[out->nlines++] = (struct btf_line){l->insn, l->file, l->text, l->line};
	}
	return 0;
}

static int make_progs(const struct object *o, struct object_btf *out)
{
	int err = 0;

	for (u32 i = 0; i < o->progs.n && !err; i++) {
		const struct code *c = &o->progs.v[i].code;

		out->progs[i].func = c->funcs.n ? c->funcs.v[0].type : 0;
		if (covers(c))
			err = make_lines(c, &out->progs[i]);
	}
	return err;
}

int plain_btf(const struct object *o, struct object_btf *out)
{
	struct plain_types t = {.o = o};
	struct diag quiet = {0};
	int err = 0;

	out->maps = calloc(o->maps.n + 1, sizeof(*out->maps));
	out->progs = calloc(o->progs.n + 1, sizeof(*out->progs));
	out->nprogs = o->progs.n;
	if (!out->maps || !out->progs)
		return -ENOMEM;
	if (!o->btf)
		return 0;
	for (u32 i = 0; i < o->maps.n; i++) {
		out->maps[i].key = o->maps.v[i].btf_key;
		out->maps[i].value = o->maps.v[i].btf_value;
	}
	buf_add(&out->btf, o->btf, o->btf_size);
	t.raw = (u8 *)out->btf.p;
	err = out->btf.failed ? -ENOMEM : btf_open_raw(&t.btf, o->btf, o->btf_size, &quiet);
	if (!err)
		err = settle_all(&t);
	btf_close(t.btf);
	return err ? err : make_progs(o, out);
}

/* ---- older kernels */

static void age_record(u8 *at, u32 kernel, u32 number)
{
	u32 info = get(at + 4), kind = info >> 24 & 0x1f;

	if (kind == BTF_FLOAT && kernel < KERNEL(5, 13)) {
		put(at, 0);
		put(at + 4, INFO(BTF_STRUCT, 0, 0));
	} else if (kind == BTF_DECL_TAG && kernel < KERNEL(5, 16)) {
		put(at + 4, INFO(BTF_INT, 0, 0));
		put(at + 8, 1);
		put(at + 12, 8);
	} else if (kind == BTF_TYPE_TAG && kernel < KERNEL(5, 17)) {
		put(at, 0);
		put(at + 4, INFO(BTF_CONST, 0, 0));
	} else if (kind == BTF_ENUM && kernel < KERNEL(6, 0)) {
		put(at + 4, info & 0x7fffffff);
	} else if (kind == BTF_ENUM64 && kernel < KERNEL(6, 0)) {
		put(at + 4, INFO(BTF_UNION, 0, info & 0xffff));
		for (u32 i = 0; i < (info & 0xffff); i++) {
			put(at + 16 + 12 * (size_t)i, number);
			put(at + 20 + 12 * (size_t)i, 0);
		}
	}
}

void object_btf_age(struct object_btf *out, u32 kernel)
{
	struct diag quiet = {0};
	struct btf *btf = NULL;
	struct buf copy = {0};
	u32 number = 0;

	buf_add(&copy, out->btf.p, out->btf.n);
	if (!copy.failed && !btf_open_raw(&btf, copy.p, copy.n, &quiet))
		for (u32 id = 1; id <= btf_count(btf); id++) {
			const struct btf_type *t = btf_type(btf, id);
			u32 off, size;

			if (t && t->kind == BTF_INT && t->size == 4)
				number = id;
			if (t && btf_raw(btf, id, &off, &size))
				age_record((u8 *)out->btf.p + off, kernel, number);
		}
	btf_close(btf);
	buf_free(&copy);
}
