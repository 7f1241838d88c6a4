/*
 * tool_same.c: are two object files the same object?
 *
 *   tool_same FILE OTHER
 *
 * In:  two files.
 * Out: nothing, and 0, if both have the same programs, functions, relocations, CO-RE records,
 * externs, maps with what they hold, data and types; else a line that says where they differ,
 * and 1. Lines of the source are not looked at. Maps and externs go by name, types by number.
 */
#include "btf/btf.h"
#include "object/object.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *file;

static PRINTF_LIKE(2, 3) void must(bool good, const char *fmt, ...)
{
	va_list ap;

	if (good)
		return;
	printf("%s: ", file);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" differs\n");
	exit(1);
}

static void hear(void *user, const struct waggle_diag *d)
{
	(void)user;
	printf("%s: %s\n", file, d->text);
}

static struct object *open_object(const char *name)
{
	struct diag d = {.fn = hear};
	struct object *o = NULL;
	struct buf all = {0};
	char part[65536];
	FILE *f = fopen(name, "r");
	size_t n;

	file = name;
	must(f, "opening it");
	while ((n = fread(part, 1, sizeof(part), f)))
		buf_add(&all, part, n);
	fclose(f);
	if (object_read_elf(&o, all.p, all.n, name, &d))
		exit(1);
	buf_free(&all);
	return o;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* ---- programs */

static bool is_extern(const struct code *c, u32 insn)
{
	vec_each (x, &c->externs)
		if (x->insn == insn)
			return true;
	return false;
}

static void same_lists(const struct object *a, const struct object *b, const struct object_prog *p,
		       const struct code *x, const struct code *y)
{
	must(x->funcs.n == y->funcs.n && x->relocs.n == y->relocs.n && x->cores.n == y->cores.n &&
		     x->externs.n == y->externs.n,
	     "%s: a number of functions, relocations or records", p->name);
	for (u32 i = 0; i < x->funcs.n; i++)
		must(x->funcs.v[i].insn == y->funcs.v[i].insn &&
			     x->funcs.v[i].type == y->funcs.v[i].type &&
			     same_text(x->funcs.v[i].name, y->funcs.v[i].name),
		     "%s: function %u", p->name, i);
	for (u32 i = 0; i < x->relocs.n; i++) {
		const struct code_reloc *r = &x->relocs.v[i], *s = &y->relocs.v[i];

		must(r->insn == s->insn && r->off == s->off && r->data == s->data &&
			     same_text(a->maps.v[r->map].name, b->maps.v[s->map].name),
		     "%s: relocation of instruction %u", p->name, r->insn);
	}
	for (u32 i = 0; i < x->cores.n; i++) {
		const struct code_core *r = &x->cores.v[i], *s = &y->cores.v[i];

		must(r->insn == s->insn && r->type == s->type && r->kind == s->kind &&
			     same_text(r->access, s->access),
		     "%s: CO-RE record of instruction %u", p->name, r->insn);
	}
	for (u32 i = 0; i < x->externs.n; i++)
		must(x->externs.v[i].insn == y->externs.v[i].insn &&
			     same_text(a->externs.v[x->externs.v[i].index].name,
				       b->externs.v[y->externs.v[i].index].name),
		     "%s: extern of instruction %u", p->name, x->externs.v[i].insn);
}

static void same_progs(const struct object *a, const struct object *b)
{
	must(a->progs.n == b->progs.n && a->attaches.n == b->attaches.n,
	     "the number of programs or attach points");
	for (u32 i = 0; i < a->progs.n; i++) {
		const struct object_prog *p = &a->progs.v[i], *q = &b->progs.v[i];
		const struct code *x = &p->code, *y = &q->code;

		must(same_text(p->name, q->name) && same_text(p->section, q->section) &&
			     p->kind == q->kind && p->attach_type == q->attach_type &&
			     p->flags == q->flags && p->optional == q->optional &&
			     same_text(p->target, q->target),
		     "program %s", p->name);
		must(x->insns.n == y->insns.n, "%s: its length", p->name);
		for (u32 j = 0; j < x->insns.n;
		     j++) /* what is left in uses of externs means nothing */
			must(is_extern(x, j) || !memcmp(&x->insns.v[j], &y->insns.v[j], 8),
			     "%s: instruction %u", p->name, j);
		same_lists(a, b, p, x, y);
	}
	for (u32 i = 0; i < a->attaches.n; i++)
		must(a->attaches.v[i].kind == b->attaches.v[i].kind &&
			     a->attaches.v[i].prog == b->attaches.v[i].prog &&
			     a->attaches.v[i].off == b->attaches.v[i].off &&
			     same_text(a->attaches.v[i].pattern, b->attaches.v[i].pattern) &&
			     same_text(a->attaches.v[i].symbol, b->attaches.v[i].symbol),
		     "attach point %u", i);
}

/* ---- maps, externs */

static const char *held(const struct object *o, const struct object_map *m, u32 i)
{
	return m->inner.kind ? o->maps.v[m->slots.v[i].what].name
			     : o->progs.v[m->slots.v[i].what].name;
}

static void same_map(const struct object *a, const struct object *b, const struct object_map *x,
		     const struct object_map *y)
{
	must(x->kind == y->kind && x->key_size == y->key_size && x->value_size == y->value_size &&
		     x->max_entries == y->max_entries && x->flags == y->flags &&
		     x->extra == y->extra && x->numa_node == y->numa_node &&
		     x->pinned == y->pinned && x->section == y->section &&
		     x->per_cpu == y->per_cpu && x->slots.n == y->slots.n,
	     "map %s", x->name);
	must(x->inner.kind == y->inner.kind && x->inner.key_size == y->inner.key_size &&
		     x->inner.value_size == y->inner.value_size &&
		     x->inner.max_entries == y->inner.max_entries &&
		     x->inner.flags == y->inner.flags && x->inner.extra == y->inner.extra,
	     "map %s: what is in it", x->name);
	must(x->btf_key == y->btf_key && x->btf_value == y->btf_value, "map %s: its types",
	     x->name);
	must(!x->data == !y->data && (!x->data || !memcmp(x->data, y->data, x->value_size)),
	     "data of %s", x->name);
	for (u32 i = 0; i < x->slots.n; i++)
		must(x->slots.v[i].index == y->slots.v[i].index &&
			     same_text(held(a, x, i), held(b, y, i)),
		     "map %s: element %u", x->name, i);
}

static void same_maps(const struct object *a, const struct object *b)
{
	must(same_text(a->license, b->license) && a->plain == b->plain, "the licence");
	must(a->maps.n == b->maps.n && a->externs.n == b->externs.n,
	     "the number of maps or externs");
	vec_each (x, &a->maps) {
		const struct object_map *other = NULL;

		vec_each (y, &b->maps)
			other = strcmp(x->name, y->name) ? other : y;
		must(other, "map %s", x->name);
		same_map(a, b, x, other);
	}
	vec_each (x, &a->externs) {
		const struct object_extern *other = NULL;

		vec_each (y, &b->externs)
			other = strcmp(x->name, y->name) ? other : y;
		must(other && x->kind == other->kind && x->weak == other->weak &&
			     x->type == other->type && x->off == other->off &&
			     x->size == other->size,
		     "extern %s", x->name);
	}
}

/* ---- types */

static void same_rows(const struct btf_type *x, const struct btf_type *y)
{
	for (u32 i = 0; i < x->n && x->members; i++)
		must(same_text(x->members[i].name, y->members[i].name) &&
			     x->members[i].type == y->members[i].type &&
			     x->members[i].bit_off == y->members[i].bit_off &&
			     x->members[i].bits == y->members[i].bits,
		     "type %u: member %u", x->id, i);
	for (u32 i = 0; i < x->n && x->values; i++)
		must(same_text(x->values[i].name, y->values[i].name) &&
			     x->values[i].value == y->values[i].value,
		     "type %u: value %u", x->id, i);
	for (u32 i = 0; i < x->n && x->secs; i++)
		must(!memcmp(&x->secs[i], &y->secs[i], sizeof(*x->secs)), "type %u: place %u",
		     x->id, i);
}

static void same_types(const struct object *a, const struct object *b)
{
	struct diag d = {.fn = hear};
	struct btf *p = NULL, *q = NULL;

	must(!a->btf == !b->btf, "whether there are types");
	if (!a->btf)
		return;
	must(!btf_open_raw(&p, a->btf, a->btf_size, &d) &&
		     !btf_open_raw(&q, b->btf, b->btf_size, &d) && btf_count(p) == btf_count(q),
	     "the number of types");
	for (u32 id = 1; id <= btf_count(p); id++) {
		const struct btf_type *x = btf_type(p, id), *y = btf_type(q, id);

		must(x && y && x->kind == y->kind && same_text(x->name, y->name) &&
			     x->size == y->size && x->type == y->type && x->index == y->index &&
			     x->n == y->n && x->bits == y->bits && x->linkage == y->linkage &&
			     x->component == y->component && x->is_signed == y->is_signed &&
			     x->is_bool == y->is_bool && x->is_char == y->is_char &&
			     x->is_union == y->is_union,
		     "type %u", id);
		same_rows(x, y);
	}
	btf_close(p);
	btf_close(q);
}

int main(int argc, char **argv)
{
	struct object *a, *b;

	if (argc != 3)
		return 2;
	a = open_object(argv[1]);
	b = open_object(argv[2]);
	same_maps(a, b);
	same_progs(a, b);
	same_types(a, b);
	object_free(a);
	object_free(b);
	return 0;
}
