/*
 * validate.c: whether an object's parts fit together.
 *
 * In:  an object, made by a front end or read from a file that anybody may have changed.
 * Out: 0, or the first thing that is wrong, by name. What passes can be run and shown without
 *      looking again: every index names something, every field lies inside its record, the data
 *      sections are as large as control.h says, names are what libbpf and the kernel accept.
 *      Whether the instructions are safe is the verifier's question.
 */
#include "object/object.h"
#include "object/series.h"

#include <errno.h>

#define NAME_MOST    127 /* KSYM_NAME_LEN of 5.10, less its NUL */
#define BYTES_MOST   (1u << 28) /* of a value, with scratch memory: BTF counts bits in 32 bits */

#define bad(d, ...)                                                                              \
	diag_fail(d, -EINVAL, "the object is broken; build it again from its source", __VA_ARGS__)

/* A name that libbpf and the kernel take. Programs, maps and variables may share one: they are
 * looked up by kind. */
static bool is_name(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (!n || n > NAME_MOST || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
		      (*s >= '0' && *s <= '9')))
			return false;
	return true;
}

static bool right_number(const struct field *f)
{
	if (f->unit == UNIT_ENUM && !f->text)
		return false;
	if (f->bits)
		return f->size <= 8 && f->bits <= 64 && f->bit + f->bits <= f->size * 8;
	return f->size <= 8 && !(f->size & (f->size - 1));
}

static bool right_sub(const struct field *f)
{
	const struct layout *l = f->sub;

	if (!l || l->size > f->size)
		return false;
	if (f->kind != FIELD_ARRAY)
		return true;
	return l->n == 1 && !l->fields[0].off && l->fields[0].size &&
	       (u64)l->fields[0].size * f->count <= f->size;
}

/* what, of: for the message: "key of map", "start" */
static int check_layout(const struct layout *l, const char *what, const char *of, u32 depth,
			struct diag *d)
{
	static const u8 least[] = {
#define FIELD(NAME, name, least, doc) least,
#include "object/fields.def"
#undef FIELD
	};

	if (l->n > LAYOUT_FIELDS_MOST || l->size > BYTES_MOST)
		return bad(d, "%s %s: more than %u fields or %u bytes", what, of, LAYOUT_FIELDS_MOST,
			   BYTES_MOST);
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		int err;

		if (!f->name)
			return bad(d, "%s %s: field %u has no name", what, of, i);
		if (f->kind >= FIELD_KINDS || f->unit >= UNITS)
			return bad(d, "%s %s: field '%s' is of an unknown kind", what, of, f->name);
		if (!f->size || f->off > l->size || f->size > l->size - f->off)
			return bad(d, "%s %s: field '%s' lies outside", what, of, f->name);
		if (f->size < least[f->kind])
			return bad(d, "%s %s: field '%s' is too small", what, of, f->name);
		if (f->kind == FIELD_TIME && !f->text)
			return bad(d, "%s %s: time '%s' has no format", what, of, f->name);
		if (f->kind <= FIELD_INT && !right_number(f))
			return bad(d, "%s %s: number '%s' has %u bytes", what, of, f->name,
				   f->size);
		if (!field_has_sub(f))
			continue;
		if (!right_sub(f) || depth == LAYOUT_DEPTH)
			return bad(d, "%s %s: %s '%s' has no right layout", what, of,
				   f->kind == FIELD_TUPLE    ? "tuple"
				   : f->kind == FIELD_STRUCT ? "struct"
							     : "array",
				   f->name);
		err = check_layout(f->sub, what, of, depth + 1, d);
		if (err)
			return err;
	}
	return 0;
}

/* Functions from slot 0 on, ascending; what the machine fills in stands at instructions. */
static int check_lists(const struct object *o, const struct object_prog *p, struct diag *d)
{
	const struct code *c = &p->code;
	u32 next = 0;

	vec_each(f, &c->funcs) {
		if ((f == c->funcs.v ? f->insn != 0 : f->insn < next) || f->insn >= c->insns.n ||
		    (f != c->funcs.v && !is_name(f->name)))
			return bad(d, "program '%s': functions out of order", p->name);
		next = f->insn + 1;
	}
	next = 0;
	vec_each(r, &c->cores) {
		if (r->insn < next || r->insn >= c->insns.n || !r->access)
			return bad(d, "program '%s': types of instruction %u are out of order",
				   p->name, r->insn);
		next = r->insn;
	}
	next = 0;
	vec_each(x, &c->externs) {
		u8 code = x->insn < c->insns.n ? c->insns.v[x->insn].code : 0;

		if (x->insn < next || x->index >= o->externs.n ||
		    (code != (BPF_LD | BPF_IMM | BPF_DW) && code != (BPF_JMP | BPF_CALL)))
			return bad(d, "program '%s': instruction %u names nothing of the kernel",
				   p->name, x->insn);
		next = x->insn + 1;
	}
	return 0;
}

static int check_code(const struct object *o, const struct object_prog *p, struct diag *d)
{
	const struct code *c = &p->code;
	u32 next = 0;

	if (!c->insns.n)
		return bad(d, "program '%s' has no instructions", p->name);
	vec_each(r, &c->relocs) {
		const struct object_map *m = r->map < o->maps.n ? &o->maps.v[r->map] : NULL;

		if (r->insn < next || r->insn >= c->insns.n || c->insns.n - r->insn < 2 ||
		    c->insns.v[r->insn].code != (BPF_LD | BPF_IMM | BPF_DW))
			return bad(d, "program '%s': relocation at instruction %u, which takes none",
				   p->name, r->insn);
		next = r->insn + 2;
		if (!m || r->data != (m->section != SECTION_NONE) || (!r->data && r->off))
			return bad(d, "program '%s': instruction %u does not name a map or data",
				   p->name, r->insn);
		if (r->data && r->off >= object_map_bytes(o, m))
			return bad(d, "program '%s': instruction %u is outside of %s", p->name,
				   r->insn, m->name);
	}
	next = 0;
	vec_each(l, &c->lines) {
		if (l->insn < next || l->insn >= c->insns.n)
			return bad(d, "program '%s': lines out of order", p->name);
		next = l->insn;
	}
	return check_lists(o, p, d);
}

static int check_prog(const struct object *o, u32 i, struct diag *d)
{
	const struct object_prog *p = &o->progs.v[i];

	if (!is_name(p->name))
		return bad(d, "program %u has no name that the kernel would take", i);
	for (u32 j = 0; j < i; j++)
		if (!strcmp(o->progs.v[j].name, p->name))
			return bad(d, "two programs are named '%s'", p->name);
	if (!p->section || !*p->section || (*p->section == '.' && !o->plain))
		return bad(d, "program '%s' has no section", p->name);
	if (!p->probe)
		return bad(d, "program '%s' does not say which probe it is of", p->name);
	return check_code(o, p, d);
}

static int check_section(const struct object *o, const struct object_map *m, struct diag *d)
{
	static const char *const names[] = {"", ".bss", ".data", ".rodata"};
	bool named = m->section == SECTION_DATA && !strncmp(m->name, ".data.", 6);
	const u64 least[] = {
		[SECTION_BSS] = sizeof(struct waggle_control) +
			(u64)o->progs.n * CONTROL_CPUS * sizeof(struct waggle_counters),
		[SECTION_DATA] = 1,
		[SECTION_RODATA] = sizeof(struct waggle_config),
	};

	if (o->plain ? m->section > SECTION_RODATA || *m->name != '.' :
	    m->section > SECTION_RODATA ||
	    (named ? !is_name(m->name + 6) : strcmp(m->name, names[m->section]) != 0))
		return bad(d, "data section '%s' is of an unknown kind", m->name);
	if (m->kind != MAP_ARRAY || m->key_size != 4 || m->max_entries != 1)
		return bad(d, "section %s is not an array of one element", m->name);
	if (m->value_size < (o->plain ? 1 : least[m->section]))
		return bad(d, "section %s has %u bytes, less than the %llu of its header", m->name,
			   m->value_size, (unsigned long long)least[m->section]);
	if (m->section == SECTION_BSS ? m->data != NULL : m->per_cpu != 0)
		return bad(d, "section %s cannot have %s", m->name,
			   m->data ? "contents" : "memory for each CPU");
	if (object_map_bytes(o, m) > BYTES_MOST)
		return bad(d, "section %s is larger than 256 MiB", m->name);
	return 0;
}

/* The aggregation's words fit into the value; see the table at struct object_map. */
static int check_agg(const struct object_map *m, struct diag *d)
{
	static const u32 least[] = {[AGG_NONE] = 0, [AGG_COUNT] = 1, [AGG_SUM] = 1, [AGG_MIN] = 2,
				   [AGG_MAX] = 2, [AGG_AVG] = 2, [AGG_STATS] = 2, [AGG_HIST] = 1,
				   [AGG_LHIST] = 2, [AGG_QUANTILE] = QUANTILE_WORDS,
				   [AGG_TSERIES] = SLOT_WORDS};
	const s64 *arg = m->agg_arg;
	u64 words;

	if (m->agg > AGG_TSERIES)
		return bad(d, "map '%s': unknown aggregation %u", m->name, m->agg);
	words = least[m->agg];
	if (m->agg == AGG_LHIST) {
		if (arg[2] <= 0 || arg[1] <= arg[0])
			return bad(d, "map '%s': a histogram from %lld to %lld by %lld", m->name,
				   (long long)arg[0], (long long)arg[1], (long long)arg[2]);
		words += ((u64)arg[1] - (u64)arg[0]) / (u64)arg[2];
	}
	if (m->agg == AGG_TSERIES) {
		words = series_words(arg);
		if (!words)
			return bad(d, "map '%s': a time series without intervals", m->name);
	}
	if (m->agg == AGG_HIST && (arg[0] < 0 || arg[0] > 8))
		return bad(d, "map '%s': a histogram of %lld bits", m->name, (long long)arg[0]);
	if (m->agg != AGG_NONE && (m->value_size % 8 || m->value_size / 8 < words))
		return bad(d, "map '%s': its values are too small", m->name);
	return 0;
}

static int check_kind(const struct object *o, const struct object_map *m, struct diag *d)
{
	if (!m->kind || m->key_size > BYTES_MOST || m->value_size > BYTES_MOST ||
	    m->inner.value_size > BYTES_MOST || m->inner.key_size > BYTES_MOST)
		return bad(d, "map '%s' has no right kind or size", m->name);
	if (m->kind == MAP_ARRAY_OF_MAPS || m->kind == MAP_HASH_OF_MAPS ?
		    !m->inner.kind :
		    m->inner.kind || m->fill_per_cpu)
		return bad(d, "map '%s': only maps of maps have maps inside", m->name);
	vec_each(slot, &m->slots)
		if (slot->what >= (m->inner.kind ? o->maps.n : o->progs.n) ||
		    (!m->inner.kind && m->kind != MAP_PROG_ARRAY))
			return bad(d, "map '%s': its element %u is no map or program", m->name,
				   slot->index);
	if (m->data || m->per_cpu)
		return bad(d, "map '%s': only data sections have contents", m->name);
	return 0;
}

static int check_spare(const struct object *o, u32 i, struct diag *d)
{
	const struct object_map *m = &o->maps.v[i], *spare;

	if (!m->spare)
		return 0;
	if (m->spare <= i || m->spare >= o->maps.n)
		return bad(d, "map '%s': its spare map is not there", m->name);
	spare = &o->maps.v[m->spare];
	if (m->kind != MAP_PERCPU_HASH || spare->kind != m->kind || spare->spare ||
	    spare->key_size != m->key_size || spare->value_size != m->value_size)
		return bad(d, "map '%s': its spare map is another kind of map", m->name);
	return 0;
}

static int check_map(const struct object *o, u32 i, struct diag *d)
{
	const struct object_map *m = &o->maps.v[i];
	u32 set = m->scalar ? 8 : 0;
	int err;

	if (!m->name || (m->section == SECTION_NONE && !is_name(m->name)))
		return bad(d, "map %u has no name that the kernel would take", i);
	for (u32 j = 0; j < i; j++)
		if (!strcmp(o->maps.v[j].name, m->name))
			return bad(d, "two maps are named '%s'", m->name);
	err = m->section == SECTION_NONE ? check_kind(o, m, d) : check_section(o, m, d);
	if (err)
		return err;
	if (m->key.size > m->key_size || m->value_size < set || m->value.size > m->value_size - set)
		return bad(d, "map '%s': its layout is larger than its keys or values", m->name);
	if (m->scalar && (m->value_size % 8 || m->max_entries != 1))
		return bad(d, "map '%s' is not a scalar", m->name);
	err = check_agg(m, d);
	if (!err)
		err = check_spare(o, i, d);
	if (!err)
		err = check_layout(&m->key, "key of map", m->name, 0, d);
	return err ? err : check_layout(&m->value, "value of map", m->name, 0, d);
}

/* What needs nothing of the record that asks for it. */
static bool can_follow(const struct schema *s)
{
	u8 kind = s->action.kind;

	return !s->layout.n &&
	       ((kind >= ACTION_PRINT_MAP && kind <= ACTION_ZERO_MAP) || kind == ACTION_TABLE || kind == ACTION_CAT);
}

static int check_schema(const struct object *o, u32 i, struct diag *d)
{
	const struct schema *s = &o->schemas.v[i];
	const struct action *a = &s->action;

	if (s->id != i || !s->name)
		return bad(d, "schema %u has no name or another number", i);
	if ((s->view & ~VIEW_LIVE) > VIEW_HISTOGRAM || s->group > i || o->schemas.v[s->group].group != s->group)
		return bad(d, "schema %u (%s): unknown view or group", i, s->name);
	if (a->kind >= ACTION_KINDS ||
	    ((a->kind == ACTION_PRINTF || a->kind >= ACTION_TIME) && !a->text))
		return bad(d, "schema %u (%s): unknown action", i, s->name);
	if (a->kind >= ACTION_PRINT_MAP && a->kind <= ACTION_ZERO_MAP &&
	    (a->map >= o->maps.n || !o->maps.v[a->map].shown))
		return bad(d, "schema %u (%s): its action names no map", i, s->name);
	if (a->kind == ACTION_TABLE && a->map >= o->schemas.n)
		return bad(d, "schema %u (%s): its rows have no schema", i, s->name);
	if (s->then && (s->then <= i || s->then >= o->schemas.n || !can_follow(&o->schemas.v[s->then])))
		return bad(d, "schema %u (%s): it leads to none that can follow", i, s->name);
	return check_layout(&s->layout, "record", s->name, 0, d);
}

static int check_attach(const struct object *o, u32 i, struct diag *d)
{
	const struct attach *a = &o->attaches.v[i];
	u8 flags;

	if (a->prog >= o->progs.n)
		return bad(d, "attach row %u names no program", i);
	if (a->kind >= ATTACH_KINDS)
		return bad(d, "attach row %u is of a kind that this version does not know", i);
	flags = attach_infos[a->kind].flags;
	if (flags & ATTACH_NAMED && (!a->pattern || !*a->pattern))
		return bad(d, "attach row %u names no %s", i, attach_infos[a->kind].name);
	if (!o->plain && (a->kind == ATTACH_TRACING || a->symbol))
		return bad(d, "attach row %u is one of a plain object", i);
	if (a->kind == ATTACH_TRACEPOINT && !strchr(a->pattern, ':'))
		return bad(d, "attach row %u names no tracepoint", i);
	if (flags & ATTACH_TIMED && !a->ns)
		return bad(d, "attach row %u: an interval of 0 ns", i);
	if (flags & ATTACH_COUNTED && !a->count)
		return bad(d, "attach row %u: every 0 events", i);
	return 0;
}

static int check_fill(const struct object *o, u32 i, struct diag *d)
{
	const struct object_map *m = object_section(o, SECTION_RODATA);
	const struct object_fill *f = &o->fills.v[i];

	bool named = f->kind <= FILL_CGROUP || f->kind == FILL_CGROUP_LEVEL || f->kind == FILL_USER ||
		     f->kind == FILL_DISK || f->kind == FILL_DEVICE;

	if (f->kind >= FILL_KINDS || (named && !f->text))
		return bad(d, "fill row %u is of an unknown kind", i);
	if (!m || f->off < sizeof(struct waggle_config) || f->off % 8 || m->value_size < 8 ||
	    f->off > m->value_size - 8)
		return bad(d, "fill row %u lies outside of .rodata", i);
	return 0;
}

int object_validate(const struct object *o, struct diag *d)
{
	int err = 0;

	if (!o->license)
		return bad(d, "the object has no licence");
	for (u32 i = 0; i < o->maps.n && !err; i++)
		err = check_map(o, i, d);
	for (u32 i = 0; i < o->progs.n && !err; i++)
		err = check_prog(o, i, d);
	for (u32 i = 0; i < o->schemas.n && !err; i++)
		err = check_schema(o, i, d);
	for (u32 i = 0; i < o->attaches.n && !err; i++)
		err = check_attach(o, i, d);
	for (u32 i = 0; i < o->fills.n && !err; i++)
		err = check_fill(o, i, d);
	return err;
}
