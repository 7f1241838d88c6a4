/*
 * usdt.c: USDT probes of objects that were made with libbpf's header usdt.bpf.h.
 *
 * In:  rows of attach that name a file and a probe. Out: a row for each place of the probe, whose
 *      cookie is the number of a specification; and the specifications, which the header's
 *      functions find in the map __bpf_usdt_specs: where each argument is.
 *
 * The specification has the form that the object's own types give it: fields are found by their
 * names, as the header may change.
 */
#include "session/session.h"

#include "arch/arch.h"
#include "btf/btf.h"
#include "target/target.h"

#include <errno.h>

#define SPECS "__bpf_usdt_specs"

/* enum __bpf_usdt_arg_type */
enum { SPEC_CONST, SPEC_REG, SPEC_REG_DEREF, SPEC_SIB };

struct resolver {
	struct waggle_session *s;
	struct target *target;
	struct btf *btf;
	struct attach row; /* that is resolved */
	const struct user_file *file;
	const char *provider, *name;
	struct near near;
	u32 places;
	int err;
};

static int fail(struct resolver *r, const char *hint, const char *what, const char *which)
{
	const struct object *o = r->s->object;

	r->err = diag_fail(&r->s->diag, -EINVAL, hint, "%s: section %s: %s%s", o->source_name,
			   o->progs.v[r->row.prog].section, what, which);
	return r->err;
}

/* ---- fields of the specification, by their names */

static bool member_of(struct btf *btf, u32 type, const char *name, struct btf_member *m)
{
	const struct btf_type *t = btf_type(btf, btf_skip(btf, type));

	for (u32 i = 0; t && t->kind == BTF_STRUCT && i < t->n; i++)
		if (!strcmp(t->members[i].name, name)) {
			*m = t->members[i];
			return true;
		}
	return false;
}

/* Writes a number; false: there is no such field. at: of the structure, of `size` bytes. */
static bool put(struct resolver *r, u32 type, const char *name, u8 *at, u64 size, u64 value)
{
	struct btf_member m;
	u64 word = 0, bytes = 0, bits;

	if (!member_of(r->btf, type, name, &m) || !btf_sizeof(r->btf, m.type, &bytes))
		return false;
	bits = m.bits ? m.bits : bytes * 8;
	if (!bits || bits > 64 || m.bit_off % 8 + bits > 64 || m.bit_off + bits > size * 8)
		return false;
	bytes = (m.bit_off % 8 + bits + 7) / 8;
	memcpy(&word, at + m.bit_off / 8, bytes);
	word |= (bits < 64 ? value & ((1ull << bits) - 1) : value) << m.bit_off % 8;
	memcpy(at + m.bit_off / 8, &word, bytes);
	return true;
}

static bool put_operand(struct resolver *r, u32 type, u8 *at, u64 size,
			const struct usdt_operand *o)
{
	const struct arch_reg *reg = o->base ? o->base : o->index;
	bool sib = o->base && o->index;
	u32 kind = sib ? SPEC_SIB : !reg ? SPEC_CONST : o->in_memory ? SPEC_REG_DEREF : SPEC_REG;

	if ((o->index && !sib && o->scale > 1) || (!reg && o->in_memory))
		return false;
	if (sib && (!put(r, type, "idx_reg_off", at, size, o->index->off) ||
		    !put(r, type, "scale_bitshift", at, size, (u64)__builtin_ctz(o->scale))))
		return false;
	return put(r, type, "arg_type", at, size, kind) &&
	       put(r, type, "val_off", at, size, (u64)o->constant) &&
	       put(r, type, "reg_off", at, size, reg ? reg->off + reg->shift / 8u : 0) &&
	       put(r, type, "arg_signed", at, size, o->is_signed) &&
	       put(r, type, "arg_bitshift", at, size, 64 - o->size * 8u);
}

/* ---- specifications */

/* The types and the size of one argument's part, and how many there may be. */
static bool args_of(struct resolver *r, u32 spec, struct btf_member *args, u32 *part, u64 *size,
		    u32 *most)
{
	const struct btf_type *t;

	if (!member_of(r->btf, spec, "args", args))
		return false;
	t = btf_type(r->btf, btf_skip(r->btf, args->type));
	if (!t || t->kind != BTF_ARRAY)
		return false;
	*part = t->type;
	*most = t->n;
	return btf_sizeof(r->btf, *part, size) && *size;
}

static int spec_make(struct resolver *r, const struct object_map *map, const char *operands,
		     u8 *spec)
{
	const struct arch *arch = arch_find(r->target->arch);
	struct btf_member args;
	u32 part, most, n = 0;
	u64 size;

	if (!arch || !args_of(r, map->btf_value, &args, &part, &size, &most) ||
	    args.bit_off / 8 + size * most > map->value_size)
		return fail(r, "use usdt.bpf.h of libbpf", "this map has an unknown form: ", SPECS);
	for (const char *p = operands + strspn(operands, " "); *p; p += strspn(p, " "), n++) {
		const char *text = p;
		struct usdt_operand o;

		p += strcspn(p, " ");
		if (n == most || !arch->usdt(&text, &o) ||
		    !put_operand(r, part, spec + args.bit_off / 8 + n * size, size, &o))
			return fail(
				r, "a script reads it: waggle -e 'usdt:...'",
				"libbpf's usdt.bpf.h has no form for these arguments: ", operands);
	}
	put(r, map->btf_value, "arg_cnt", spec, map->value_size, n);
	return 0;
}

static struct object_map *specs_map(struct waggle_session *s)
{
	vec_each (m, &s->object->maps)
		if (!strcmp(m->name, SPECS) && m->kind == MAP_ARRAY && m->key_size == 4)
			return m;
	return NULL;
}

/* The number of a specification like that, a new one if there is none. */
static int spec_number(struct resolver *r, const char *operands, u64 *number)
{
	struct usdt_specs *u = &r->s->usdt;
	struct object_map *map = specs_map(r->s);
	struct arena *a = &r->s->object->arena;
	u8 *spec;

	if (!map) /* the program asks for no arguments */
		return 0;
	spec = arena_alloc(a, map->value_size);
	if (spec_make(r, map, operands, spec))
		return r->err;
	for (*number = 0; *number < u->specs.n; ++*number)
		if (!memcmp(u->specs.v[*number], spec, map->value_size))
			return 0;
	if (u->specs.n == map->max_entries)
		return fail(r, "define BPF_USDT_MAX_SPEC_CNT before usdt.bpf.h",
			    "too many places of ", r->name);
	u->map = (u32)(map - r->s->object->maps.v);
	vec_push(a, &u->specs, spec);
	return 0;
}

/* ---- places */

static int take(void *user, const struct usdt_note *note)
{
	struct resolver *r = user;
	struct object *o = r->s->object;
	struct attach a = r->row;

	near_try(&r->near, note->name);
	if (strcmp(note->provider, r->provider) != 0 || strcmp(note->name, r->name) != 0)
		return 0;
	if (spec_number(r, usdt_operands(r->file, note, &o->arena), &a.cookie))
		return r->err;
	a.pattern = arena_strdup(&o->arena, r->file->path);
	a.off = note->offset;
	a.semaphore = note->semaphore;
	a.symbol = NULL;
	if (r->places++)
		vec_push(&o->arena, &o->attaches, a);
	else
		r->row = a;
	return 0;
}

static int row_resolve(struct resolver *r)
{
	char *name = arena_strdup(&r->s->object->arena, r->row.symbol), *colon = strchr(name, ':');
	const char *file = r->row.pattern;
	struct user_file *f;
	int err = target_file(r->target, file, 0, (struct loc){0}, &f, &r->s->diag);

	if (err)
		return err;
	*colon = 0;
	r->file = f;
	r->provider = name;
	r->name = r->near.word = colon + 1;
	usdt_notes(f, take, r);
	if (r->err || r->places)
		return r->err;
	return fail(r,
		    r->near.best
			    ? arena_printf(&r->s->object->arena, "did you mean '%s'?", r->near.best)
			    : "readelf -n lists the probes of a file",
		    arena_printf(&r->s->object->arena, "%s has no USDT probe ", file),
		    r->row.symbol);
}

int usdt_resolve(struct waggle_session *s, struct target *target, bool cookies)
{
	struct object *o = s->object;
	struct btf *btf = NULL;
	int err = 0;

	for (u32 i = 0, n = o->attaches.n; i < n && !err; i++) {
		struct resolver r = {.s = s, .target = target, .row = o->attaches.v[i]};

		if (r.row.kind != ATTACH_USDT || !r.row.symbol || o->progs.v[r.row.prog].optional)
			continue;
		if (!cookies)
			return fail(
				&r, "--engine user and usdt: probes of scripts work here",
				"this kernel has no attach cookies (Linux 5.15): ", r.row.symbol);
		if (!btf)
			err = btf_open_raw(&btf, o->btf, o->btf_size, &s->diag);
		r.btf = btf;
		if (!err)
			err = row_resolve(&r);
		o->attaches.v[i] = r.row;
	}
	btf_close(btf);
	return err;
}

int usdt_fill(struct waggle_session *s)
{
	struct engine *e = s->engine;
	int err = 0;

	for (u32 i = 0; i < s->usdt.specs.n && !err; i++)
		err = e->ops->map_update(e, s->usdt.map, &i, s->usdt.specs.v[i], 0);
	if (err)
		return diag_fail(&s->diag, err, NULL, "map " SPECS " cannot be filled: %s",
				 strerror(-err));
	return 0;
}
