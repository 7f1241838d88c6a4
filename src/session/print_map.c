/*
 * print_map.c: the contents of a map with the names of its types, for `waggle run` and others.
 *
 * In:  a map of any kind, on either engine. Out: text, a line for each entry, or JSON. Entries are
 * in the order of their keys, so that both engines show the same. Elements of arrays that are all
 *      zero are left out, as are values of CPUs that have nothing.
 */
#include "session/session.h"

#include "btf/show.h"

#include <errno.h>
#include <stdlib.h>

struct print {
	const struct object_map *map;
	struct btf *btf; /* or NULL */
	u32 key_type, value_type;
	bool json;
	u32 stride, cpus; /* of a value */
	struct buf out;
};
struct entry {
	const u8 *key, *value;
	u32 key_size;
	bool number; /* the key is one */
};

static bool has_entries(const struct object_map *m)
{
	static const u8 kinds[] = {MAP_HASH,     MAP_ARRAY,    MAP_PERCPU_HASH,    MAP_PERCPU_ARRAY,
				   MAP_LRU_HASH, MAP_LPM_TRIE, MAP_LRU_PERCPU_HASH};

	return memchr(kinds, (int)m->kind, sizeof(kinds));
}

static bool is_array(const struct object_map *m)
{
	return m->kind == MAP_ARRAY || m->kind == MAP_PERCPU_ARRAY;
}

static bool is_zero(const u8 *p, u64 n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

/* Numbers by value, others byte by byte. */
static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	u64 m = 0, n = 0;

	if (!x->number)
		return memcmp(x->key, y->key, x->key_size);
	memcpy(&m, x->key, x->key_size);
	memcpy(&n, y->key, y->key_size);
	return m < n ? -1 : m > n;
}

static void put_value(struct print *p, u32 type, const u8 *data, u32 size)
{
	btf_show(&p->out, p->btf, type, data, size, p->json);
}

/* CPUs that have nothing are left out; one that alone has something needs no name in text. */
static void put_cpus(struct print *p, const u8 *value)
{
	u32 step = ALIGN_UP(p->map->value_size, 8), n = 0, shown = 0;

	for (u32 cpu = 0; cpu < p->cpus; cpu++)
		n += !is_zero(value + (size_t)cpu * step, p->map->value_size);
	buf_puts(&p->out, p->json ? "[" : "");
	for (u32 cpu = 0; cpu < p->cpus; cpu++) {
		const u8 *v = value + (size_t)cpu * step;

		if (is_zero(v, p->map->value_size) && (n || cpu))
			continue;
		buf_puts(&p->out, shown++ ? (p->json ? "," : ", ") : "");
		if (p->json)
			buf_printf(&p->out, "{\"cpu\":%u,\"value\":", cpu);
		else if (n > 1)
			buf_printf(&p->out, "cpu %u: ", cpu);
		put_value(p, p->value_type, v, p->map->value_size);
		buf_puts(&p->out, p->json ? "}" : "");
	}
	buf_puts(&p->out, p->json ? "]" : "");
}

static void put_entry(struct print *p, const struct entry *e, bool first)
{
	bool per_cpu = map_kind(p->map->kind)->per_cpu;

	buf_puts(&p->out, p->json ? (first ? "{\"key\":" : ",{\"key\":") : "  ");
	put_value(p, p->key_type, e->key, e->key_size);
	buf_puts(&p->out, !p->json ? ": " : per_cpu ? ",\"values\":" : ",\"value\":");
	if (per_cpu)
		put_cpus(p, e->value);
	else
		put_value(p, p->value_type, e->value, p->map->value_size);
	buf_puts(&p->out, p->json ? "}" : "\n");
}

static bool is_number(const struct print *p)
{
	const struct btf_type *t = p->btf ? btf_type(p->btf, btf_skip(p->btf, p->key_type)) : NULL;

	return p->map->key_size <= 8 && (!t || !t->kind || t->kind == BTF_INT ||
					 t->kind == BTF_ENUM || t->kind == BTF_ENUM64);
}

static int put_entries(struct print *p, const struct buf *keys, const struct buf *values, u32 n)
{
	struct entry *all = calloc(MAX(n, 1u), sizeof(*all));
	bool number = is_number(p);
	u32 shown = 0;

	if (!all)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++)
		all[i] = (struct entry){(const u8 *)keys->p + (size_t)i * p->map->key_size,
					(const u8 *)values->p + (size_t)i * p->stride,
					p->map->key_size, number};
	qsort(all, n, sizeof(*all), by_key);
	buf_puts(&p->out, p->json ? "[" : "");
	for (u32 i = 0; i < n; i++)
		if (!is_array(p->map) || !is_zero(all[i].value, p->stride))
			put_entry(p, &all[i], !shown++);
	buf_puts(&p->out, p->json ? "]" : "");
	free(all);
	return 0;
}

/* A data section: its variables. */
static void put_section(struct print *p, const struct buf *values)
{
	buf_puts(&p->out, p->json ? "" : "  ");
	put_value(p, p->value_type, (const u8 *)values->p, p->map->value_size);
	buf_puts(&p->out, p->json ? "" : "\n");
}

static int print_all(struct waggle_map *map, struct print *p)
{
	struct engine *e = map->session->engine;
	struct buf keys = {0}, values = {0};
	u32 n = 0;
	int err = e->ops->map_read(e, map->index, &keys, &values, &n);

	p->cpus = e->cpus;
	p->stride = ALIGN_UP(e->ops->map_bytes(e, map->index), 8);
	if (!err && p->map->section && n)
		put_section(p, &values);
	else if (!err && !p->map->section)
		err = put_entries(p, &keys, &values, n);
	buf_free(&keys);
	buf_free(&values);
	return err;
}

static void take(void *user, const char *text, size_t len)
{
	buf_add(user, text, len);
}

void session_print_plain(struct waggle_session *s, u32 map)
{
	const struct object_map *m = &s->object->maps.v[map];
	bool json = s->opts.format && !strcmp(s->opts.format, "json");
	struct buf text = {0}, line = {0};
	bool ours = s->usdt.specs.n && map == s->usdt.map;

	if (m->section != SECTION_RODATA && !ours &&
	    !waggle_map_print(&s->maps[map], json, take, &text) && text.n &&
	    strncmp(buf_str(&text), "[]", 2)) {
		if (json)
			buf_printf(&line, "{\"type\":\"map\",\"data\":{\"%s\":%s}}\n", m->name,
				   buf_str(&text));
		else
			buf_printf(&line, "%s\n%s", m->name, buf_str(&text));
		buf_add(&s->sink.out, line.p, line.n);
	}
	buf_free(&text);
	buf_free(&line);
}

int waggle_map_print(struct waggle_map *map, bool json,
		     void (*out)(void *user, const char *text, size_t len), void *user)
{
	const struct object *o = map->session->object;
	struct print p = {.map = &o->maps.v[map->index], .json = json};
	struct object_btf types = {0};
	struct diag quiet = {0};
	int err;

	if (!has_entries(p.map))
		return -ENODATA;
	err = object_btf(o, &types, &quiet);
	if (!err && types.btf.n && !btf_open_raw(&p.btf, types.btf.p, types.btf.n, &quiet)) {
		p.key_type = types.maps[map->index].key;
		p.value_type = types.maps[map->index].value;
	}
	err = print_all(map, &p);
	if (!err && p.out.failed)
		err = -ENOMEM;
	if (!err && p.out.n)
		out(user, p.out.p, p.out.n);
	btf_close(p.btf);
	object_btf_free(&types);
	buf_free(&p.out);
	return err;
}
