/*
 * asm_whole.c: the object of a text, when the text has ended.
 *
 * In:  programs, maps, types, the section `.waggle` as the lines said.
 * Out: the object. One with types of its own, or with `.waggle`, is written as a file and read
 * again: so it is what any loader will take it for, and whether lines contradict each other is seen
 *      from that.
 */
#include "object/asm_text.h"
#include "object/parts.h"

#include <errno.h>

static int fill_slots(struct asm_text *t)
{
	vec_each (s, &t->slots) {
		struct object_map *m = &t->o->maps.v[s->map];
		s64 what = m->inner.kind ? (s64)(uintptr_t)dict_get(&t->maps, s->name) - 1 : -1;

		for (u32 i = 0; !m->inner.kind && i < t->o->progs.n; i++)
			if (!strcmp(t->o->progs.v[i].name, s->name))
				what = i;
		if (what < 0 || (!m->inner.kind && m->kind != MAP_PROG_ARRAY))
			return diag_error(t->d, s->at, NULL, "map '%s' cannot hold '%s'", m->name,
					  s->name);
		vec_push(&t->o->arena, &m->slots,
			 (struct object_slot){.index = s->index, .what = (u32)what});
	}
	return 0;
}

/* Places are in the strings of the types, with the text's lines. */
static void add_lines(struct asm_text *t)
{
	const char *p = t->o->source, *end = p + t->o->source_size, *nl;
	u32 line = 1, file = btf_string(&t->types, t->o->source_name ? t->o->source_name : "");

	vec_each (prog, &t->o->progs)
		vec_each (l, &prog->code.lines) {
			for (; line < l->line >> 10; line++)
				p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
			nl = memchr(p, '\n', (size_t)(end - p));
			l->file = file;
			l->text =
				btf_string(&t->types, arena_strndup(&t->arena, p,
								    (size_t)((nl ? nl : end) - p)));
		}
}

/* Sections get memory when they are written: no more than a file could hold. */
static int check_sections(struct asm_text *t, struct btf *btf)
{
	for (u32 id = 1; id <= btf_count(btf); id++) {
		const struct btf_type *x = btf_type(btf, id);
		u64 most = 0;

		if (!x || x->kind != BTF_DATASEC)
			continue;
		for (u32 i = 0; i < x->n; i++)
			most = MAX(most, (u64)x->secs[i].off + x->secs[i].size);
		if (MAX(most, x->size) > ASM_DATA_MOST)
			return diag_fail(t->d, -EINVAL, NULL,
					 "type %u: section '%s' is larger than 256 MiB", id,
					 x->name);
	}
	return 0;
}

static int add_types(struct asm_text *t)
{
	struct object *o = t->o;
	struct buf all = {0};
	struct btf *btf = NULL;
	int err;

	add_lines(t);
	btf_build(&t->types, &all);
	if (all.failed) {
		buf_free(&all);
		return diag_fail(t->d, -ENOMEM, NULL, "out of memory");
	}
	o->btf_size = (u32)all.n;
	o->btf = (u8 *)arena_strndup(&o->arena, all.p, all.n);
	buf_free(&all);
	err = btf_open_raw(&btf, o->btf, o->btf_size, t->d);
	if (!err)
		err = check_sections(t, btf);
	btf_close(btf);
	return err;
}

static const struct object_map *map_named(const struct object *o, const char *name)
{
	vec_each (m, &o->maps)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static int same_map(struct asm_text *t, const struct object_map *m, const struct object *again)
{
	const struct object_map *x = map_named(again, m->name);
	const struct {
		const char *word;
		u64 said, is;
	} all[] = {
		{"kind", m->kind, x ? x->kind : 0},
		{"key", m->key_size, x ? x->key_size : 0},
		{"value", m->value_size, x ? x->value_size : 0},
		{"entries", m->max_entries, x ? x->max_entries : 0},
		{"flags", m->flags, x ? x->flags : 0},
		{"extra", m->extra, x ? x->extra : 0},
		{"node", m->numa_node, x ? x->numa_node : 0},
		{"keytype", m->btf_key, x ? x->btf_key : 0},
		{"valuetype", m->section ? 0 : m->btf_value, x && !m->section ? x->btf_value : 0},
		{"pinned", m->pinned, x ? x->pinned : 0},
		{"inner kind", m->inner.kind, x ? x->inner.kind : 0},
		{"inner key", m->inner.key_size, x ? x->inner.key_size : 0},
		{"inner value", m->inner.value_size, x ? x->inner.value_size : 0},
		{"inner entries", m->inner.max_entries, x ? x->inner.max_entries : 0},
		{"inner flags", m->inner.flags, x ? x->inner.flags : 0},
		{"inner extra", m->inner.extra, x ? x->inner.extra : 0},
		{"slots", m->slots.n, x ? x->slots.n : 0},
	};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].said != all[i].is)
			return diag_error(
				t->d, m->at,
				t->o->plain
					? "change its type (.type) as well, or leave out all types"
					: "build the script again, or leave out the bytes of "
					  ".waggle",
				"map '%s' is not what its %s says: %s is %llu there, not %llu",
				m->name, t->o->plain ? "type" : ".waggle", all[i].word,
				(unsigned long long)all[i].is, (unsigned long long)all[i].said);
	return 0;
}

static bool is_extern(const struct code *c, u32 insn)
{
	vec_each (x, &c->externs)
		if (x->insn == insn)
			return true;
	return false;
}

/* Functions of one name are one in a file. */
static int same_code(struct asm_text *t, const struct object_prog *p, const struct object *again)
{
	const struct code *a = &p->code, *b = NULL;
	bool same;

	vec_each (x, &again->progs)
		b = strcmp(x->name, p->name) ? b : &x->code;
	same = b && a->insns.n == b->insns.n && a->cores.n == b->cores.n &&
	       a->relocs.n == b->relocs.n && a->externs.n == b->externs.n;
	for (u32 i = 0; same && i < a->insns.n; i++)
		same = !memcmp(&a->insns.v[i], &b->insns.v[i], sizeof(struct insn)) ||
		       is_extern(a, i);
	if (same)
		return 0;
	return diag_fail(
		t->d, -EINVAL, "give functions that are not the same names of their own",
		"program '%s' becomes another when it is put together: a function of it differs "
		"from the one of that name in another program",
		p->name);
}

static int same(struct asm_text *t, const struct object *again)
{
	int err = 0;

	for (u32 i = 0; i < t->o->maps.n && !err; i++)
		err = same_map(t, &t->o->maps.v[i], again);
	for (u32 i = 0; i < t->o->progs.n && !err; i++)
		err = same_code(t, &t->o->progs.v[i], again);
	return err;
}

static int read_again(struct asm_text *t, const struct object *o)
{
	struct object *again = NULL;
	struct buf elf = {0};
	int err = object_write_elf(o, &elf, t->d);

	if (!err)
		err = object_read_elf(&again, elf.p, elf.n,
				      t->o->source_name ? t->o->source_name : "asm", t->d);
	buf_free(&elf);
	if (!err)
		err = same(t, again);
	if (err) {
		object_free(again);
		return err;
	}
	object_free(t->o);
	t->o = again;
	return 0;
}

/* ---- objects of our own */

static int take_code(struct asm_text *t, struct object_prog *to, const struct object_prog *from)
{
	struct code code = from->code;

	if (strcmp(to->name, from->name) != 0 || strcmp(to->section, from->section) != 0 ||
	    code.funcs.n != to->code.funcs.n)
		return diag_fail(t->d, -EINVAL, "leave out the bytes of .waggle",
				 "program '%s' (%s) is not what .waggle says: '%s' (%s)",
				 from->name, from->section, to->name, to->section);
	code.stack = to->code.stack;
	to->code = code;
	return 0;
}

/* What `.waggle` says, with the instructions and data of the text. */
static int fill_own(struct asm_text *t, struct object *own)
{
	const struct object *o = t->o;
	int err = object_read_section(own, t->contents.v, t->contents.n, "asm", t->d);

	if (err)
		return err;
	own->license = o->license;
	if (own->progs.n != o->progs.n || own->maps.n != o->maps.n)
		return diag_fail(
			t->d, -EINVAL, "leave out the bytes of .waggle",
			"%u programs and %u maps are not the %u and %u that .waggle tells of",
			o->progs.n, o->maps.n, own->progs.n, own->maps.n);
	for (u32 i = 0; i < o->progs.n && !err; i++)
		err = own->progs.v[i].name && own->progs.v[i].section
			      ? take_code(t, &own->progs.v[i], &o->progs.v[i])
			      : -EINVAL;
	for (u32 i = 0; i < o->maps.n && !err; i++) {
		if (!own->maps.v[i].name)
			return diag_fail(t->d, -EINVAL, NULL, "a map of .waggle has no name");
		own->maps.v[i].data = o->maps.v[i].data;
		err = same_map(t, &o->maps.v[i], own);
	}
	return err;
}

static int whole_own(struct asm_text *t)
{
	struct object *own = object_new();
	int err;

	if (!own)
		return diag_fail(t->d, -ENOMEM, NULL, "out of memory");
	own->arena.escape = &t->own_escape;
	if (setjmp(t->own_escape))
		err = diag_fail(t->d, -ENOMEM, NULL, "out of memory");
	else
		err = fill_own(t, own);
	if (!err)
		err = read_again(t, own);
	object_free(own);
	return err;
}

int asm_whole(struct asm_text *t)
{
	int err = fill_slots(t);

	if (err)
		return err;
	asm_type_end(t);
	if (!t->types.n && t->contents.n && !t->o->externs.n)
		return whole_own(t);
	if (!t->types.n) {
		bool asks = t->o->externs.n;

		vec_each (p, &t->o->progs)
			asks |= p->code.cores.n != 0;
		vec_each (m, &t->o->maps)
			asks |= m->btf_key || m->btf_value;
		if (asks)
			return diag_fail(t->d, -EINVAL, ".type N KIND \"NAME\"",
					 "%s: types are named, and there are none",
					 t->o->source_name ? t->o->source_name : "asm");
		return object_validate(t->o, t->d);
	}
	err = add_types(t);
	if (!err)
		err = object_validate(t->o, t->d);
	return err ? err : read_again(t, t->o);
}
