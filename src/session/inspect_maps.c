/*
 * inspect_maps.c: `waggle map list`: the maps of the machine.
 *
 * In:  the kernel's maps, programs (which maps they use), and who holds descriptors.
 * Out: a table, or a line of JSON for each.
 */
#include "session/inspect.h"

#include <stdio.h>
#include <unistd.h>

#define MAPS_OF_PROG 1024

struct use {
	u32 map, prog;
};
struct uses {
	vec(struct use) list;
};

/* Which program uses which map. */
static void read_uses(struct inspect *i, struct uses *uses)
{
	u32 *ids = arena_array(&i->arena, u32, MAPS_OF_PROG);

	for (u32 id = 0; !query_next(QUERY_PROG, id, &id);) {
		struct query_prog info = {.nmaps = MAPS_OF_PROG, .maps = (uintptr_t)ids};
		int fd = query_open(QUERY_PROG, id);

		if (fd < 0)
			continue;
		if (!query_info(fd, &info, sizeof(info)))
			for (u32 m = 0; m < MIN(info.nmaps, MAPS_OF_PROG); m++)
				vec_push(&i->arena, &uses->list, (struct use){ids[m], id});
		close(fd);
	}
}

static const char *ids_of(struct inspect *i, const struct uses *uses, u32 map)
{
	struct buf out = {0};
	const char *text;
	u32 n = 0;

	vec_each (u, &uses->list)
		if (u->map == map)
			buf_printf(&out, "%s%u", n++ ? "," : "", u->prog);
	text = arena_strdup(&i->arena, n ? buf_str(&out) : "");
	buf_free(&out);
	return text;
}

struct row {
	const struct query_map *info;
	u64 memory;
	const char *kind, *progs, *holders;
};

static void json_row(struct inspect *i, const struct row *r)
{
	struct buf *out = &i->out;

	buf_char(out, '{');
	json_number(out, "id", r->info->id);
	buf_char(out, ',');
	json_text(out, "name", r->info->name);
	buf_char(out, ',');
	json_text(out, "kind", r->kind);
	buf_char(out, ',');
	json_number(out, "key_size", r->info->key_size);
	buf_char(out, ',');
	json_number(out, "value_size", r->info->value_size);
	buf_char(out, ',');
	json_number(out, "max_entries", r->info->max_entries);
	buf_char(out, ',');
	json_number(out, "flags", r->info->flags);
	buf_char(out, ',');
	json_number(out, "memory", r->memory);
	buf_printf(out, ",\"programs\":[%s],\"holders\":%s}\n", r->progs, r->holders);
}

static void table_row(struct inspect *i, struct table *t, const struct row *r)
{
	struct arena *a = &i->arena;

	vec_push(a, &t->cells, arena_printf(a, "%u", r->info->id));
	vec_push(a, &t->cells, *r->info->name ? arena_strdup(a, r->info->name) : "-");
	vec_push(a, &t->cells, r->kind);
	vec_push(a, &t->cells, arena_printf(a, "%u", r->info->key_size));
	vec_push(a, &t->cells, arena_printf(a, "%u", r->info->value_size));
	vec_push(a, &t->cells, arena_printf(a, "%u", r->info->max_entries));
	vec_push(a, &t->cells, inspect_bytes(a, r->memory));
	vec_push(a, &t->cells, *r->progs ? r->progs : "-");
	vec_push(a, &t->cells, r->holders);
}

static const char *holders_of(struct inspect *i, const struct query_holders *all, u32 map)
{
	u32 *which = arena_array(&i->arena, u32, all->list.n + 1), n = 0;
	struct buf out = {0};
	const char *text;

	for (u32 h = 0; h < all->list.n; h++)
		if (all->list.v[h].kind == QUERY_MAP && all->list.v[h].id == map)
			which[n++] = h;
	inspect_holders(i, all, which, n, &out);
	text = arena_strdup(&i->arena, buf_str(&out));
	buf_free(&out);
	return text;
}

static int list(struct inspect *i, void *user)
{
	static const char *const heads[] = {">ID",      "NAME",    "KIND",     ">KEY",   ">VALUE",
					    ">ENTRIES", ">MEMORY", "PROGRAMS", "HELD BY"};
	struct table t = {.arena = &i->arena, .heads = heads, .columns = ARRAY_SIZE(heads)};
	struct query_holders holders;
	struct uses uses = {0};
	int err = 0;

	(void)user;
	read_uses(i, &uses);
	query_holders(&holders, &i->arena);
	for (u32 id = 0; !(err = query_next(QUERY_MAP, id, &id));) {
		struct query_map info = {0};
		int fd = query_open(QUERY_MAP, id);
		const struct map_kind *kind;
		struct row r;

		if (fd < 0)
			continue;
		if (!query_info(fd, &info, sizeof(info))) {
			kind = map_kind(info.type);
			r = (struct row){&info, query_memory(fd),
					 kind ? kind->name
					      : arena_printf(&i->arena, "%u", info.type),
					 ids_of(i, &uses, id), holders_of(i, &holders, id)};
			if (i->json)
				json_row(i, &r);
			else
				table_row(i, &t, &r);
		}
		close(fd);
	}
	if (err != -ENOENT)
		return inspect_failed(i, err, "maps cannot be listed");
	if (!i->json)
		table_print(&t, &i->out);
	return 0;
}

int waggle_kernel_maps(const struct waggle_opts *opts)
{
	return inspect_run(opts, list, NULL);
}
