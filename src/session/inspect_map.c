/*
 * inspect_map.c: one map of the kernel: `waggle map dump|lookup|update|delete`.
 *
 * In:  an id, a name, or a path in the BPF file system; keys and values as text.
 * Out: entries as text, by the map's BTF where it has some; or a changed map.
 */
#include "btf/value.h"
#include "engine/kernel/kernel.h"
#include "session/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kmap {
	struct inspect *i;
	int fd;
	struct query_map info;
	struct btf *btf;
	u32 key_type, value_type;
	u32 ncpus, stride; /* of per-CPU values; else 1 */
	u8 *key, *value;
	const char *shown; /* for messages */
};

/* ---- finding it */

static bool is_number(const char *s, u32 *out)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	*out = (u32)n;
	return *s >= '0' && *s <= '9' && !*end && n <= UINT32_MAX;
}

static int open_by_name(struct inspect *i, const char *name)
{
	struct buf ids = {0};
	u32 found = 0, n = 0;
	char cut[16];

	snprintf(cut, sizeof(cut), "%s", name + (*name == '@'));
	for (u32 id = 0; !query_next(QUERY_MAP, id, &id);) {
		struct query_map info = {0};
		int fd = query_open(QUERY_MAP, id);

		if (fd < 0)
			continue;
		if (!query_info(fd, &info, sizeof(info)) && !strncmp(info.name, cut, 15)) {
			found = id;
			buf_printf(&ids, "%s%u", n++ ? ", " : "", id);
		}
		close(fd);
	}
	if (n > 1)
		diag_fail(&i->diag, -EINVAL, buf_str(&ids),
			  "there are %u maps named '%s': say which by its id", n, name);
	buf_free(&ids);
	if (n == 1)
		return query_open(QUERY_MAP, found);
	if (n)
		return -EINVAL;
	return diag_fail(&i->diag, -ENOENT, "`waggle map list` tells which maps there are",
			 "there is no map named '%s'", name);
}

/* An id, a path or a name. Reports. */
static int open_any(struct inspect *i, const char *which)
{
	u32 id;
	int fd;

	if (is_number(which, &id))
		fd = query_open(QUERY_MAP, id);
	else if (strchr(which, '/'))
		fd = query_pinned(which);
	else
		return open_by_name(i, which);
	if (fd == -ENOENT)
		return diag_fail(&i->diag, fd, "`waggle map list` tells which maps there are",
				 strchr(which, '/') ? "nothing is pinned at %s"
						    : "there is no map with the id %s",
				 which);
	return fd < 0 ? inspect_failed(i, fd, "map %s cannot be opened", which) : fd;
}

static void open_types(struct kmap *m)
{
	struct query_btf info = {0};
	struct diag quiet = {0};
	int fd = m->info.btf ? query_open(QUERY_BTF, m->info.btf) : -1;
	u32 size;

	if (fd < 0)
		return;
	if (!query_info(fd, &info, sizeof(info))) {
		size = info.size;
		info = (struct query_btf){.size = size,
					  .data = (uintptr_t)arena_alloc(&m->i->arena, size)};
		if (!query_info(fd, &info, sizeof(info)) &&
		    !btf_open_raw(&m->btf, (void *)(uintptr_t)info.data, size, &quiet)) {
			m->key_type = m->info.btf_key;
			m->value_type = m->info.btf_value;
		}
	}
	close(fd);
}

static void close_map(struct kmap *m)
{
	btf_close(m->btf);
	close(m->fd);
}

static int open_map(struct kmap *m, struct inspect *i, const char *which)
{
	const struct map_kind *kind;
	struct cpus possible;
	u32 top, id;
	int err;

	*m = (struct kmap){.i = i, .shown = which, .fd = open_any(i, which), .ncpus = 1};
	if (m->fd < 0)
		return m->fd;
	if (query_kind_of(m->fd, &id) != QUERY_MAP) {
		close(m->fd);
		return diag_fail(&i->diag, -EINVAL, NULL, "%s is no map", which);
	}
	err = query_info(m->fd, &m->info, sizeof(m->info));
	if (err) {
		close(m->fd);
		return inspect_failed(i, err, "map %s", which);
	}
	kind = map_kind(m->info.type);
	m->stride = m->info.value_size;
	if (kind && kind->per_cpu) {
		m->ncpus = cpus_read(&possible, "possible", &top);
		m->stride = ALIGN_UP(m->info.value_size, 8);
	}
	m->key = arena_alloc(&i->arena, (u64)m->info.key_size + 8);
	m->value = arena_alloc(&i->arena, (u64)m->stride * m->ncpus + 8);
	open_types(m);
	return 0;
}

/* ---- what kinds can do */

static bool has_no_keys(const struct kmap *m)
{
	return m->info.type == MAP_QUEUE || m->info.type == MAP_STACK;
}

/* Why its entries cannot be read; NULL: they can. */
static const char *unreadable(const struct kmap *m)
{
	switch (m->info.type) {
	case MAP_RINGBUF:
	case MAP_USER_RINGBUF:
		return "a ring buffer has no entries: its records go to who reads it";
	case MAP_PERF_EVENT_ARRAY: return "a perf event array holds events, which cannot be shown";
	case MAP_CGROUP_ARRAY: return "an array of cgroups cannot be read";
	case MAP_BLOOM_FILTER: return "a Bloom filter does not know its entries";
	case MAP_STRUCT_OPS: return "a map of struct_ops holds functions";
	case MAP_SOCKMAP:
	case MAP_SOCKHASH:
	case MAP_XSKMAP:
	case MAP_REUSEPORT_SOCKARRAY: return "sockets cannot be shown";
	case MAP_SK_STORAGE:
	case MAP_INODE_STORAGE:
	case MAP_TASK_STORAGE:
	case MAP_CGRP_STORAGE: return "local storage belongs to sockets, files, tasks or cgroups";
	case MAP_ARENA: return "an arena is memory, without entries";
	default: return NULL;
	}
}

/* Values that stand for something of the kernel. */
static const char *referred(const struct kmap *m)
{
	switch (m->info.type) {
	case MAP_ARRAY_OF_MAPS:
	case MAP_HASH_OF_MAPS: return "map";
	case MAP_PROG_ARRAY: return "program";
	default: return NULL;
	}
}

/* ---- showing */

static void show_value(struct kmap *m, const u8 *value)
{
	const char *what = referred(m);
	u32 id;

	if (!what) {
		btf_show(&m->i->out, m->btf, m->value_type, value, m->info.value_size, m->i->json);
		return;
	}
	memcpy(&id, value, sizeof(id));
	buf_printf(&m->i->out, m->i->json ? "%.0s%u" : "%s %u", what, id);
}

static void show_entry(struct kmap *m, bool with_key)
{
	struct buf *out = &m->i->out;

	buf_puts(out, m->i->json ? "{" : "");
	if (with_key) {
		buf_puts(out, m->i->json ? "\"key\":" : "");
		btf_show(out, m->btf, m->key_type, m->key, m->info.key_size, m->i->json);
		buf_puts(out, m->i->json ? "," : ": ");
	}
	if (m->ncpus == 1) {
		buf_puts(out, m->i->json ? "\"value\":" : "");
		show_value(m, m->value);
	} else {
		buf_puts(out, m->i->json ? "\"values\":[" : "");
		for (u32 cpu = 0; cpu < m->ncpus; cpu++) {
			if (m->i->json)
				buf_puts(out, cpu ? "," : "");
			else
				buf_printf(out, "%s[cpu %u] ", cpu ? "  " : "", cpu);
			show_value(m, m->value + (size_t)cpu * m->stride);
		}
		buf_puts(out, m->i->json ? "]" : "");
	}
	buf_puts(out, m->i->json ? "}\n" : "\n");
}

static int dump(struct kmap *m)
{
	u8 *next = arena_alloc(&m->i->arena, (u64)m->info.key_size + 8);
	/* entries that are deleted meanwhile start the walk anew: it must end all the same */
	u64 most = (u64)m->info.max_entries * 4 + 16;
	bool first = true;
	int err;

	if (unreadable(m))
		return diag_fail(&m->i->diag, -EOPNOTSUPP, NULL, "map %s: %s", m->shown,
				 unreadable(m));
	if (has_no_keys(m))
		return diag_fail(&m->i->diag, -EOPNOTSUPP, "`waggle map lookup` shows the next one",
				 "map %s: only the end of a %s can be seen", m->shown,
				 map_kind(m->info.type)->name);
	while (!(err = sys_map_next(m->fd, first ? NULL : m->key, next)) && most--) {
		memcpy(m->key, next, m->info.key_size);
		first = false;
		err = sys_map_lookup(m->fd, m->key, m->value);
		if (!err)
			show_entry(m, true);
		else if (err != -ENOENT)
			return inspect_failed(m->i, err, "map %s cannot be read", m->shown);
	}
	return err && err != -ENOENT
		       ? inspect_failed(m->i, err, "the keys of map %s cannot be read", m->shown)
		       : 0;
}

/* ---- keys and values from text */

static int parse(struct kmap *m, const char *what, const char *text, u32 type, u8 *to, u32 size)
{
	struct diag at = m->i->diag;

	at.file = what;
	at.text = text;
	at.size = strlen(text);
	return btf_parse_value(m->btf, type, text, to, size, &at);
}

static int parse_key(struct kmap *m, const char *text)
{
	if (has_no_keys(m))
		return diag_fail(&m->i->diag, -EINVAL, NULL, "map %s: a %s has no keys", m->shown,
				 map_kind(m->info.type)->name);
	return parse(m, "key", text, m->key_type, m->key, m->info.key_size);
}

/* A map or program is given by id or path, and handed to the kernel as a descriptor. */
static int parse_reference(struct kmap *m, const char *text)
{
	bool is_map = m->info.type != MAP_PROG_ARRAY;
	u32 id;
	int fd;

	if (is_map)
		fd = open_any(m->i, text);
	else if (is_number(text, &id))
		fd = query_open(QUERY_PROG, id);
	else
		fd = query_pinned(text);
	if (fd < 0)
		return is_map ? fd
			      : inspect_failed(m->i, fd, "program '%s' cannot be opened", text);
	memcpy(m->value, &fd, sizeof(fd));
	return fd;
}

static int read_section(struct kmap *m)
{
	const struct btf_type *t = m->btf ? btf_type(m->btf, m->value_type) : NULL;

	if (t && t->kind == BTF_DATASEC)
		return sys_map_lookup(m->fd, m->key, m->value);
	return 0;
}

static int parse_value(struct kmap *m, const char *text)
{
	int err = read_section(m); /* variables that are not named stay as they are */

	if (!err)
		err = parse(m, "value", text, m->value_type, m->value, m->info.value_size);
	for (u32 cpu = 1; cpu < m->ncpus && !err; cpu++)
		memcpy(m->value + (size_t)cpu * m->stride, m->value, m->info.value_size);
	return err;
}

/* ---- verbs */

static int map_dump(struct kmap *m, char *const *args)
{
	(void)args;
	return dump(m);
}

static int map_lookup(struct kmap *m, char *const *args)
{
	int err;

	if (unreadable(m))
		return diag_fail(&m->i->diag, -EOPNOTSUPP, NULL, "map %s: %s", m->shown,
				 unreadable(m));
	if (!args[0] && !has_no_keys(m))
		return diag_fail(&m->i->diag, -EINVAL, "waggle map lookup MAP KEY",
				 "map %s: here belongs a key", m->shown);
	err = args[0] ? parse_key(m, args[0]) : 0;
	if (err)
		return err;
	err = sys_map_lookup(m->fd, has_no_keys(m) ? NULL : m->key, m->value);
	if (err)
		return inspect_failed(m->i, err, "map %s%s%s", m->shown, args[0] ? ", key " : "",
				      args[0] ? args[0] : "");
	show_entry(m, !has_no_keys(m));
	return 0;
}

static int flags_of(struct kmap *m, const char *word, u64 *flags)
{
	static const char *const words[] = {"any", "noexist", "exist"};

	for (*flags = 0; word && *flags < ARRAY_SIZE(words); ++*flags)
		if (!strcmp(words[*flags], word))
			return 0;
	*flags = 0;
	return word ? diag_fail(&m->i->diag, -EINVAL, "any, noexist, exist",
				"'%s' is no way to update", word)
		    : 0;
}

static int update_failed(struct kmap *m, int err, const char *key)
{
	bool array = m->info.type == MAP_ARRAY || m->info.type == MAP_PERCPU_ARRAY ||
		     m->info.type == MAP_PROG_ARRAY || m->info.type == MAP_ARRAY_OF_MAPS;

	if (err == -E2BIG)
		return diag_fail(&m->i->diag, err, NULL,
				 array ? "map %s has the entries 0 to %u"
				       : "map %s is full: it has room for %u entries",
				 m->shown, m->info.max_entries - array);
	if (err == -EINVAL && m->info.type == MAP_PROG_ARRAY)
		return diag_fail(
			&m->i->diag, err, "they must be of one kind, and all compiled or not",
			"map %s: this program does not go with those it was made for", m->shown);
	if (err == -EINVAL && referred(m))
		return diag_fail(&m->i->diag, err,
				 "sizes, kind and flags must be those of its first map",
				 "map %s: this map is not like those that it holds", m->shown);
	return inspect_failed(m->i, err, "map %s%s%s", m->shown, key ? ", key " : "",
			      key ? key : "");
}

/* KEY VALUE [any|noexist|exist]; queues and stacks: VALUE */
static int map_update(struct kmap *m, char *const *args)
{
	bool keyless = has_no_keys(m) || m->info.type == MAP_BLOOM_FILTER;
	const char *value = args[0] && !keyless ? args[1] : args[0];
	int fd = -1, err;
	u64 flags;

	if (!value)
		return diag_fail(&m->i->diag, -EINVAL,
				 keyless ? "waggle map update MAP VALUE"
					 : "waggle map update MAP KEY VALUE [any|noexist|exist]",
				 "map %s: here belongs a value", m->shown);
	err = keyless ? 0 : parse_key(m, args[0]);
	if (!err)
		err = flags_of(m, args[keyless ? 1 : 2], &flags);
	if (err)
		return err;
	if (referred(m)) {
		fd = parse_reference(m, value);
		err = fd < 0 ? fd : 0;
	} else {
		err = parse_value(m, value);
	}
	if (!err) {
		err = sys_map_update(m->fd, keyless ? NULL : m->key, m->value, flags);
		if (err)
			update_failed(m, err, keyless ? NULL : args[0]);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int map_delete(struct kmap *m, char *const *args)
{
	int err;

	if (!args[0])
		return diag_fail(&m->i->diag, -EINVAL, "waggle map delete MAP KEY",
				 "map %s: here belongs a key", m->shown);
	err = parse_key(m, args[0]);
	if (err)
		return err;
	err = sys_map_delete(m->fd, m->key);
	if (err == -EINVAL && (m->info.type == MAP_ARRAY || m->info.type == MAP_PERCPU_ARRAY))
		return diag_fail(&m->i->diag, err, "`waggle map update` sets it to 0",
				 "map %s: entries of an array are always there", m->shown);
	return err ? inspect_failed(m->i, err, "map %s, key %s", m->shown, args[0]) : 0;
}

static const struct verb {
	const char *name;
	int (*fn)(struct kmap *, char *const *args);
	u32 most; /* arguments */
} verbs[] = {
	{"dump", map_dump, 0},
	{"lookup", map_lookup, 1},
	{"update", map_update, 3},
	{"delete", map_delete, 1},
};

struct call {
	const char *verb, *map;
	char *const *args;
};

static int map_call(struct inspect *i, void *user)
{
	const struct call *c = user;
	const struct verb *verb = NULL;
	struct kmap m;
	u32 n = 0;
	int err;

	for (u32 v = 0; v < ARRAY_SIZE(verbs); v++)
		if (!strcmp(verbs[v].name, c->verb))
			verb = &verbs[v];
	if (!verb)
		return diag_fail(&i->diag, -EINVAL, "list, dump, lookup, update, delete",
				 "there is nothing like '%s' for maps", c->verb);
	while (c->args[n])
		n++;
	if (n > verb->most)
		return diag_fail(&i->diag, -EINVAL,
				 "a key or a value with blanks is one argument: "
				 "quote it",
				 "'%s' is too much", c->args[verb->most]);
	err = open_map(&m, i, c->map);
	if (err)
		return err;
	err = verb->fn(&m, c->args);
	close_map(&m);
	return err;
}

int waggle_kernel_map(const char *verb, const char *map, char *const *args,
		      const struct waggle_opts *opts)
{
	struct call c = {verb, map, args};

	return inspect_run(opts, map_call, &c);
}
