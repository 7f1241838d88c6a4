/*
 * machine.c: this machine, for objects of other compilers: types, configuration, addresses, places
 * of functions in files.
 *
 * In:  a plain object as it was read. Out: the same, made to fit (object/resolve.h).
 */
#include "session/session.h"

#include "object/resolve.h"
#include "symbol/symbol.h"
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>

#define COOKIES_SINCE (5u << 16 | 15 << 8)

struct machine {
	struct target *target;
	struct buf file; /* of --btf */
	struct btf *core;
};

static struct btf *machine_types(void *user, struct diag *d)
{
	struct machine *m = user;
	struct btf *btf = NULL;

	return m->target->ops->btf(m->target, &btf, d) ? NULL : btf;
}

static const char *machine_config(void *user, const char *name)
{
	return target_config(((struct machine *)user)->target, name);
}

static u64 machine_address(void *user, const char *symbol)
{
	(void)user;
	return kernel_address(symbol);
}

/* BTF as it is, or the section .BTF of an ELF file. */
static int core_open(struct machine *m, const char *path, struct diag *d)
{
	struct elf_section s;
	struct elf elf;
	const void *data;
	size_t size;
	int err = session_read_file(path, &m->file);

	if (err)
		return diag_fail(d, err, NULL, "%s cannot be read: %s", path, strerror(-err));
	data = m->file.p;
	size = m->file.n;
	if (size >= 4 && !memcmp(data, "\177ELF", 4)) {
		err = elf_open(&elf, data, size, path, d);
		if (err)
			return err;
		if (!elf_find(&elf, ".BTF", &s) || !s.data)
			return diag_fail(d, -EINVAL, "pahole -J adds it", "%s has no section .BTF",
					 path);
		data = s.data;
		size = s.size;
	}
	return btf_open_raw(&m->core, data, size, d);
}

/* ---- functions of files */

struct wanted {
	const char *name;
	u64 offset;
	bool found;
};

static int look(void *user, const struct user_symbol *s)
{
	struct wanted *w = user;

	if (strcmp(s->name, w->name) != 0)
		return 0;
	w->offset = s->offset;
	w->found = true;
	return 1;
}

static int place_symbol(struct machine *m, struct object *o, struct attach *a, struct diag *d)
{
	struct wanted w = {.name = a->symbol};
	struct user_file *file;
	int err = target_file(m->target, a->pattern, 0, (struct loc){0}, &file, d);

	if (err)
		return err;
	user_symbols(file, look, &w);
	if (!w.found)
		return diag_fail(d, -ENOENT, "`nm -D FILE` and `nm FILE` list its functions",
				 "%s: section %s: %s has no function '%s'", o->source_name,
				 o->progs.v[a->prog].section, file->path, a->symbol);
	a->pattern = arena_strdup(&o->arena, file->path);
	a->off += w.offset;
	a->symbol = NULL;
	return 0;
}

/* ---- what cannot be attached */

int session_attachable(struct waggle_session *s)
{
	const struct object *o = s->object;
	u32 rows = 0, others = 0;

	if (!o->plain)
		return 0;
	vec_each (a, &o->attaches)
		rows += object_wants(o, -1, a->prog);
	for (u32 i = 0; i < o->progs.n; i++) {
		const struct object_prog *p = &o->progs.v[i];
		const char *way = object_way(o, i);

		if (!way || p->optional)
			continue;
		others++;
		if (rows)
			diag_warn(&s->diag, (struct loc){0}, way,
				  "program '%s' (section %s) is loaded and not attached", p->name,
				  p->section);
		else
			diag_fail(&s->diag, -EINVAL, way,
				  "program '%s' (section %s) does not say to what it is attached",
				  p->name, p->section);
	}
	if (rows)
		return 0;
	if (!others)
		return diag_fail(&s->diag, -EINVAL, "`waggle run --prog NAME` runs one",
				 "%s: all programs are optional (SEC(\"?...\"))", o->source_name);
	diag_note(&s->diag, NULL, "`waggle run %s` runs a program on given input", o->source_name);
	return -EINVAL;
}

/* ---- all */

int session_resolve(struct waggle_session *s, s64 only)
{
	struct object *o = s->object;
	struct machine m = {0};
	struct object_machine ask = {machine_types, NULL, machine_config, machine_address, 0, &m,
				     true};
	int err;

	if (!o->plain || o->resolved)
		return 0;
	err = target_live(&m.target, &s->diag);
	if (!err && s->opts.btf)
		err = core_open(&m, s->opts.btf, &s->diag);
	if (!err) {
		ask.core = m.core;
		ask.version = target_version(m.target);
		ask.cookies = ask.version >= COOKIES_SINCE || s->opts.engine == WAGGLE_USER;
		err = object_resolve(o, only, &ask, &s->diag);
	}
	vec_each (a, &o->attaches)
		if (!err && a->symbol && a->kind != ATTACH_USDT && only < 0 &&
		    !o->progs.v[a->prog].optional)
			err = place_symbol(&m, o, a, &s->diag);
	if (!err && only < 0)
		err = usdt_resolve(s, m.target, ask.cookies);
	btf_close(m.core);
	buf_free(&m.file);
	if (m.target)
		target_close(m.target);
	return err;
}
