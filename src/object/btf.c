/*
 * btf.c: the types of an object.
 *
 * In:  programs, maps with the layouts of their keys and values, data sections, source text.
 * Out: a .BTF section that kernel, libbpf and bpftool take, the type ids of maps and programs,
 *      and line records for BPF_PROG_LOAD.
 *
 * Maps become variables of `.maps` in the form that libbpf calls BTF-defined: a struct in which
 * `type` is a pointer to an array of as many elements as the number to be told, and `key` and
 * `value` are pointers to the types themselves. Values get names that read well in a
 * `bpftool map dump`: a lone number is that number, everything else a struct.
 *
 * Sources: Documentation/bpf/btf.rst; kernel/bpf/btf.c for what the kernel refuses (names that
 * are no identifiers, members out of order, a key of an array that is no 32-bit INT).
 */
#include "btf/btf.h"
#include "object/parts.h"

#include <errno.h>
#include <stdlib.h>

struct maker {
	struct btf_builder b;
	const struct object *o;
	struct object_btf *out;
	u32 numbers[2][9]; /* [signed][bytes] */
	u32 chr; /* char */
	jmp_buf escape;
	u32 *line_at, nlines; /* where each line of the source begins */
};

/* ---- numbers, bytes, pointers */

static u32 number(struct maker *m, u32 size, bool is_signed)
{
	static const char *const names[2][9] = {
		{[1] = "unsigned char", [2] = "unsigned short", [4] = "unsigned int",
		 [8] = "unsigned long long"},
		{[1] = "signed char", [2] = "short", [4] = "int", [8] = "long long"},
	};
	u32 *id = &m->numbers[is_signed][size];

	if (!*id)
		*id = btf_add_int(&m->b, names[is_signed][size], size, is_signed);
	return *id;
}

static u32 array_of(struct maker *m, u32 elem, u32 n)
{
	return btf_add_array(&m->b, elem, number(m, 4, false), n);
}

static u32 bytes_of(struct maker *m, u32 n)
{
	return array_of(m, number(m, 1, false), n);
}

static u32 text_of(struct maker *m, u32 n)
{
	if (!m->chr)
		m->chr = btf_add_int(&m->b, "char", 1, true);
	return array_of(m, m->chr, n);
}

static u32 pointer_to(struct maker *m, u32 type)
{
	return btf_add_ref(&m->b, BTF_PTR, "", type);
}

static bool is_number_size(u32 size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* ---- layouts */

/* Field names come from scripts; the kernel takes identifiers only. */
static const char *identifier(struct maker *m, const char *s)
{
	char *out = arena_printf(&m->b.arena, "%s%.100s", *s >= '0' && *s <= '9' ? "_" : "", s);

	for (char *p = out; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9')))
			*p = '_';
	return out;
}

static u32 layout_struct(struct maker *, const struct layout *, u32 size, const char *name,
			 bool is_set);

static u32 field_type(struct maker *m, const struct field *f, const char *of)
{
	switch (f->kind) {
	case FIELD_UINT: return number(m, f->size, false);
	case FIELD_INT: return number(m, f->size, true);
	case FIELD_STR: return text_of(m, f->size);
	case FIELD_TUPLE:
		return layout_struct(m, f->sub, f->size,
				     arena_printf(&m->b.arena, "%.50s_%s", of,
						  identifier(m, f->name)),
				     false);
	default: return bytes_of(m, f->size);
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct btf_member *x = a, *y = b;

	return x->bit_off < y->bit_off ? -1 : x->bit_off > y->bit_off;
}

/* is_set: a scalar map's flag, the last u64. */
static u32 layout_struct(struct maker *m, const struct layout *l, u32 size, const char *name,
			 bool is_set)
{
	struct btf_member *members = arena_array(&m->b.arena, struct btf_member, l->n + 1);
	u32 n = l->n;

	for (u32 i = 0; i < n; i++)
		members[i] = (struct btf_member){.name = identifier(m, l->fields[i].name),
						 .type = field_type(m, &l->fields[i], name),
						 .bit_off = l->fields[i].off * 8};
	if (is_set)
		members[n++] = (struct btf_member){.name = "is_set", .type = number(m, 8, false),
						   .bit_off = (size - 8) * 8};
	qsort(members, n, sizeof(*members), by_offset);
	return btf_add_struct(&m->b, BTF_STRUCT, name, size, members, n);
}

/* A layout that is one field and nothing else is that field's type. */
static u32 layout_type(struct maker *m, const struct layout *l, u32 size, const char *name)
{
	if (!l->n)
		return is_number_size(size) ? number(m, size, false) : bytes_of(m, size);
	if (l->n == 1 && l->fields->size == size && l->fields->kind != FIELD_TUPLE)
		return field_type(m, l->fields, name);
	return layout_struct(m, l, size, name, false);
}

/* ---- aggregations */

static const struct agg_words {
	const char *first, *second; /* words of the value */
	bool buckets, above;	    /* then an array, then one more word */
} agg_words[] = {
	[AGG_COUNT] = {.first = "count"},
	[AGG_SUM] = {.first = "sum"},
	[AGG_MIN] = {.first = "min", .second = "is_set"},
	[AGG_MAX] = {.first = "max", .second = "is_set"},
	[AGG_AVG] = {.first = "total", .second = "count"},
	[AGG_STATS] = {.first = "total", .second = "count"},
	[AGG_HIST] = {.buckets = true},
	[AGG_LHIST] = {.first = "below", .buckets = true, .above = true},
	[AGG_QUANTILE] = {.buckets = true},
	[AGG_TSERIES] = {.buckets = true},
};

static u32 agg_type(struct maker *m, const struct object_map *map, const char *name)
{
	const struct agg_words *w = &agg_words[map->agg];
	u32 words = map->value_size / 8, word = number(m, 8, false), n = 0, at = 0, behind;
	struct btf_member members[5];

	behind = w->above + (map->scalar && words > (u32)!!w->first + !!w->second);
	if (w->first) {
		members[n++] = (struct btf_member){
			.name = w->first, .type = number(m, 8, map->value_signed), .bit_off = 0};
		at++;
	}
	if (w->second)
		members[n++] = (struct btf_member){
			.name = w->second, .type = word, .bit_off = 64 * at++};
	if (w->buckets && words > at + behind) {
		members[n++] = (struct btf_member){.name = "buckets", .bit_off = 64 * at,
						   .type = array_of(m, word, words - at - behind)};
		at = words - behind;
	}
	if (n == 1 && words == 1)
		return members->type;
	if (w->above && at < words)
		members[n++] = (struct btf_member){
			.name = "above", .type = word, .bit_off = 64 * at++};
	if (map->scalar && at < words)
		members[n++] = (struct btf_member){
			.name = "set", .type = word, .bit_off = 64 * (words - 1)};
	return btf_add_struct(&m->b, BTF_STRUCT, name, map->value_size, members, n);
}

static u32 value_type(struct maker *m, const struct object_map *map)
{
	const char *name = strncmp(map->name, ".data.", 6) != 0 ? map->name : map->name + 6;

	name = arena_printf(&m->b.arena, "%.100s_value", name);
	if (map->agg != AGG_NONE)
		return agg_type(m, map, name);
	if (map->scalar)
		return layout_struct(m, &map->value, map->value_size, name, true);
	return layout_type(m, &map->value, map->value_size, name);
}

static u32 key_type(struct maker *m, const struct object_map *map)
{
	if (map->kind == MAP_ARRAY || map->kind == MAP_PERCPU_ARRAY)
		return number(m, 4, false); /* the kernel takes nothing else */
	return layout_type(m, &map->key, map->key_size,
			   arena_printf(&m->b.arena, "%.100s_key", map->name));
}

/* ---- maps */

/* Kinds whose keys and values the kernel wants types for. */
static bool has_types(u32 kind)
{
	return kind == MAP_HASH || kind == MAP_ARRAY || kind == MAP_PERCPU_HASH ||
	       kind == MAP_PERCPU_ARRAY;
}

struct members {
	struct btf_member v[6];
	u32 n;
};

static void add_member(struct members *l, const char *name, u32 type)
{
	l->v[l->n] = (struct btf_member){.name = name, .type = type, .bit_off = l->n * 64};
	l->n++;
}

static void add_number(struct maker *m, struct members *l, const char *name, u32 value)
{
	if (value)
		add_member(l, name, pointer_to(m, array_of(m, number(m, 4, true), value)));
}

static u32 max_entries(const struct object *o, const struct object_map *map)
{
	return map->max_entries || !map->fill_per_cpu ? map->max_entries : object_cpus(o);
}

static u32 inner_definition(struct maker *m, const struct object_map_inner *inner)
{
	struct members l = {0};
	u32 most = inner->max_entries;

	if (!most && inner->kind == MAP_RINGBUF)
		most = RING_BYTES;
	add_number(m, &l, "type", inner->kind);
	add_number(m, &l, "max_entries", most);
	add_number(m, &l, "map_flags", inner->flags);
	add_number(m, &l, "key_size", inner->key_size);
	add_number(m, &l, "value_size", inner->value_size);
	return btf_add_struct(&m->b, BTF_STRUCT, "", l.n * 8, l.v, l.n);
}

/* Returns the struct that defines the map for libbpf; *size: its bytes. */
static u32 map_definition(struct maker *m, const struct object_map *map,
			  const struct object_btf_map *types, u32 *size)
{
	struct members l = {0};

	add_number(m, &l, "type", map->kind);
	add_number(m, &l, "max_entries", max_entries(m->o, map));
	add_number(m, &l, "map_flags", map->flags);
	if (types->key)
		add_member(&l, "key", pointer_to(m, types->key));
	else
		add_number(m, &l, "key_size", map->key_size);
	if (types->value)
		add_member(&l, "value", pointer_to(m, types->value));
	else if (map->inner.kind) /* an array of no elements: it must be last, and takes no room */
		add_member(&l, "values",
			   array_of(m, pointer_to(m, inner_definition(m, &map->inner)), 0));
	else
		add_number(m, &l, "value_size", map->value_size);
	*size = (l.n - (map->inner.kind != 0)) * 8;
	return btf_add_struct(&m->b, BTF_STRUCT, "", *size, l.v, l.n);
}

static void make_maps(struct maker *m)
{
	struct btf_secinfo *vars = arena_array(&m->b.arena, struct btf_secinfo, m->o->maps.n);
	u32 n = 0, off = 0;

	for (u32 i = 0; i < m->o->maps.n; i++) {
		const struct object_map *map = &m->o->maps.v[i];
		struct object_btf_map *out = &m->out->maps[i];
		u32 type, size;

		if (map->section != SECTION_NONE)
			continue;
		if (has_types(map->kind)) {
			out->key = key_type(m, map);
			out->value = value_type(m, map);
		}
		type = map_definition(m, map, out, &size);
		out->var = btf_add_var(&m->b, map->name, type, 1);
		out->def_off = off;
		out->def_size = size;
		vars[n++] = (struct btf_secinfo){.type = out->var, .off = off, .size = size};
		off += size;
	}
	if (n)
		btf_add_datasec(&m->b, ".maps", off, vars, n);
}

/* ---- data sections */

u32 object_counted(const struct object *o)
{
	u32 n = 0;

	vec_each (p, &o->progs)
		n += o->plain || strcmp(p->section, ".text") != 0;
	return n;
}

u32 object_data_vars(const struct object *o, const struct object_map *map,
		     struct data_var vars[DATA_VARS])
{
	u64 bytes = object_map_bytes(o, map), at = 0;
	const char *rest = "waggle_data";
	u32 n = 0;

	if (o->plain) { /* from text: nothing is known of what is in there */
		vars[0] = (struct data_var){.name = map->name + 1, .size = bytes};
		return 1;
	}
	if (map->section == SECTION_DATA && map->name[5] && map->shown)
		vars[n++] = (struct data_var){.name = map->name + 6, .what = DATA_VALUE,
					      .size = bytes};
	if (map->section == SECTION_RODATA) {
		vars[n++] = (struct data_var){.name = "waggle_config", .what = DATA_CONFIG,
					      .size = sizeof(struct waggle_config)};
		rest = "waggle_constants";
	} else if (map->section == SECTION_BSS) {
		vars[n++] = (struct data_var){.name = "waggle_control", .what = DATA_CONTROL,
					      .size = sizeof(struct waggle_control)};
		at = vars[0].size;
		if (o->progs.n)
			vars[n++] = (struct data_var){
				.name = "waggle_counters", .what = DATA_COUNTERS, .off = at,
				.size = (u64)object_counted(o) * CONTROL_CPUS *
					sizeof(struct waggle_counters)};
		rest = "waggle_scratch";
	}
	at = n ? vars[n - 1].off + vars[n - 1].size : 0;
	if (bytes > at)
		vars[n++] = (struct data_var){.name = rest, .off = at, .size = bytes - at};
	return n;
}

/* The structs of control.h: all their words are u64, the last of a name may be an array. */
static const struct data_struct {
	const char *name;
	u32 size;
	const char *words[7];
} data_structs[] = {
	[DATA_CONFIG] = {"waggle_config", sizeof(struct waggle_config),
			 {"pidns_dev", "pidns_ino", "cpid", "pid", "start_ns", "cpu_mask",
			  "all_family"}},
	[DATA_CONTROL] = {"waggle_control", sizeof(struct waggle_control), {"want", "open", "exit", "pad"}},
	[DATA_COUNTERS] = {"waggle_counters", sizeof(struct waggle_counters),
			   {"lost", "map_full", "no_slot", "pad"}},
};
_Static_assert(sizeof(struct waggle_config) == 56 && sizeof(struct waggle_control) == 64 &&
		       sizeof(struct waggle_counters) == 64,
	       "data_structs[] says what is in these");

static u32 data_struct(struct maker *m, u8 what)
{
	const struct data_struct *s = &data_structs[what];
	struct btf_member members[ARRAY_SIZE(s->words)];
	u32 n = 0, word = number(m, 8, false), words = s->size / 8;

	for (; n < ARRAY_SIZE(s->words) && s->words[n]; n++)
		members[n] = (struct btf_member){
			.name = s->words[n], .type = word, .bit_off = n * 64};
	if (n < words)
		members[n - 1].type = array_of(m, word, words - n + 1);
	return btf_add_struct(&m->b, BTF_STRUCT, s->name, s->size, members, n);
}

static u32 make_data(struct maker *m, const struct object_map *map)
{
	struct btf_secinfo infos[DATA_VARS];
	struct data_var vars[DATA_VARS];
	u32 n = object_data_vars(m->o, map, vars);

	for (u32 i = 0; i < n; i++) {
		u32 size = (u32)vars[i].size, type;

		if (vars[i].what == DATA_BYTES) {
			type = bytes_of(m, size);
		} else if (vars[i].what == DATA_VALUE) {
			type = value_type(m, map);
		} else {
			type = data_struct(m, vars[i].what);
			if (vars[i].what == DATA_COUNTERS)
				type = array_of(m, type,
						size / sizeof(struct waggle_counters));
		}
		infos[i] = (struct btf_secinfo){.type = btf_add_var(&m->b, vars[i].name, type, 1),
						.off = (u32)vars[i].off, .size = size};
	}
	return btf_add_datasec(&m->b, map->name, (u32)object_map_bytes(m->o, map), infos, n);
}

/* ---- programs and their lines */

static void find_lines(struct maker *m)
{
	const struct object *o = m->o;
	u32 n = 1;

	if (!o->source)
		return;
	for (size_t i = 0; i < o->source_size; i++)
		n += o->source[i] == '\n';
	m->line_at = arena_array(&m->b.arena, u32, n);
	m->nlines = 1;
	for (size_t i = 0; i < o->source_size; i++)
		if (o->source[i] == '\n')
			m->line_at[m->nlines++] = (u32)i + 1;
}

/* The text of a line (from 1) without the blanks around it. */
static u32 line_text(struct maker *m, u32 line)
{
	const char *p, *end;

	if (!line || line > m->nlines)
		return 0;
	p = m->o->source + m->line_at[line - 1];
	end = line < m->nlines ? m->o->source + m->line_at[line] : m->o->source + m->o->source_size;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
		end--;
	return btf_string(&m->b, arena_strndup(&m->b.arena, p, (size_t)(end - p)));
}

static bool second_slot(const struct code *c, u32 insn)
{
	return insn && c->insns.v[insn - 1].code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       !c->insns.v[insn].code;
}

/* Of each program some line must be known from its first instruction on, or libbpf drops the
 * lines of all programs: code of no line gets line 0. */
static int make_lines(struct maker *m, const struct code *c, struct object_btf_prog *out)
{
	u32 file = btf_string(&m->b, m->o->source_name ? m->o->source_name : "");
	u32 n = 1;

	out->lines = calloc(c->lines.n + 1, sizeof(*out->lines));
	if (!out->lines)
		return -ENOMEM;
	out->lines[0].file = file;
	vec_each(l, &c->lines) {
		if (second_slot(c, l->insn))
			continue;
		if (out->lines[n - 1].insn == l->insn)
			n--; /* of two lines at one instruction the later counts */
		out->lines[n++] = (struct btf_line){.insn = l->insn, .file = file,
						    .text = line_text(m, l->line >> 10),
						    .line_col = l->line};
	}
	out->nlines = n;
	return 0;
}

/* s64 (void *map, void *key, void *value, void *frame) */
static u32 callback_proto(struct maker *m)
{
	static const char *const names[] = {"map", "key", "value", "frame"};
	struct btf_member args[ARRAY_SIZE(names)] = {0};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		args[i].name = names[i];
		args[i].type = pointer_to(m, 0);
	}
	return btf_add_proto(&m->b, number(m, 8, true), args, ARRAY_SIZE(names));
}

/* Functions that stand as programs of their own in files (elf_split.c). */
static bool is_callback(const struct object *o, const struct object_prog *p)
{
	return !o->plain && !strcmp(p->section, ".text");
}

static int make_progs(struct maker *m)
{
	struct btf_member ctx = {.name = "ctx"};
	bool lines = false;
	int err = 0;
	u32 proto, callback = 0;

	if (!m->o->progs.n)
		return 0;
	ctx.type = pointer_to(m, 0);
	proto = btf_add_proto(&m->b, number(m, 4, true), &ctx, 1);
	vec_each(p, &m->o->progs)
		if (!callback && (p->code.funcs.n > 1 || is_callback(m->o, p)))
			callback = callback_proto(m);
	find_lines(m);
	vec_each(p, &m->o->progs)
		lines |= p->code.lines.n > 0;
	for (u32 i = 0; i < m->o->progs.n && !err; i++) {
		const struct object_prog *p = &m->o->progs.v[i];
		struct object_btf_prog *out = &m->out->progs[i];

		out->func = btf_add_func(&m->b, p->name, is_callback(m->o, p) ? callback : proto,
					 strcmp(p->section, ".text") != 0);
		for (u32 f = 1; f < p->code.funcs.n; f++) {
			u32 func = btf_add_func(&m->b, p->code.funcs.v[f].name, callback, false);

			out->callbacks = f == 1 ? func : out->callbacks;
		}
		out->section = btf_string(&m->b, p->section);
		err = lines ? make_lines(m, &p->code, out) : 0;
	}
	return err;
}

static int make_all(struct maker *m)
{
	const struct object *o = m->o;

	m->b.arena.escape = &m->escape;
	if (setjmp(m->escape))
		return -ENOMEM;
	m->out->maps = calloc(o->maps.n + 1, sizeof(*m->out->maps));
	m->out->progs = calloc(o->progs.n + 1, sizeof(*m->out->progs));
	m->out->nprogs = o->progs.n;
	if (!m->out->maps || !m->out->progs)
		return -ENOMEM;
	make_maps(m);
	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.v[i].section != SECTION_NONE)
			m->out->maps[i].value = make_data(m, &o->maps.v[i]);
	if (make_progs(m))
		return -ENOMEM;
	btf_build(&m->b, &m->out->btf);
	return m->out->btf.failed ? -ENOMEM : 0;
}

int object_btf_made(const struct object *o, struct object_btf *out, struct diag *d)
{
	struct maker m = {.o = o, .out = out};
	int err;

	*out = (struct object_btf){0};
	err = make_all(&m);
	btf_builder_free(&m.b);
	if (!err)
		return 0;
	object_btf_free(out);
	return diag_fail(d, err, NULL, "out of memory");
}

int object_btf(const struct object *o, struct object_btf *out, struct diag *d)
{
	int err;

	if (!o->plain)
		return object_btf_made(o, out, d);
	*out = (struct object_btf){0};
	err = plain_btf(o, out);
	if (err)
		object_btf_free(out);
	return err ? diag_fail(d, err, NULL,
			       err == -ENOMEM ? "out of memory" : "the object's BTF is broken")
		   : 0;
}

void object_btf_free(struct object_btf *t)
{
	for (u32 i = 0; t->progs && i < t->nprogs; i++)
		free(t->progs[i].lines);
	free(t->progs);
	free(t->maps);
	buf_free(&t->btf);
	*t = (struct object_btf){0};
}
