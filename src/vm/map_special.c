/*
 * map_special.c: what an object says of a map beside its sizes: the lock and the timer in its
 * values, by its types, and what is in it from the start.
 */
#include "btf/btf.h"
#include "vm/map.h"

struct special {
	const char *type;
	u32 *at; /* offset + 1; 0: not found yet */
};

/* Also in structures within the structure. */
static void look(struct btf *btf, u32 id, u32 off, const struct special *wanted, u32 n, u32 depth)
{
	const struct btf_type *t = btf_type(btf, btf_skip(btf, id));
	u32 members = t && t->kind == BTF_STRUCT ? t->n : 0;

	for (u32 m = 0; m < members && depth < 4; m++) {
		const struct btf_member *member = &t->members[m];
		const struct btf_type *inner = btf_type(btf, btf_skip(btf, member->type));
		u32 at = off + member->bit_off / 8, i = 0;

		if (!inner || inner->kind != BTF_STRUCT)
			continue;
		while (i < n && strcmp(inner->name, wanted[i].type))
			i++;
		if (i == n)
			look(btf, member->type, at, wanted, n, depth + 1);
		else if (!*wanted[i].at)
			*wanted[i].at = at + 1;
		t = btf_type(btf, btf_skip(btf, id)); /* the one before may have gone */
		if (!t)
			return;
	}
}

void map_find_special(struct btf *btf, struct vm_map *map, u32 value)
{
	const struct special wanted[] = {{"bpf_spin_lock", &map->lock_at},
					 {"bpf_timer", &map->timer_at}};

	look(btf, value, 0, wanted, ARRAY_SIZE(wanted), 0);
	if (map->lock_at + 3 > map->value_size || map->lock_at % 4 != 1)
		map->lock_at = 0;
	if (map->timer_at + 15 > map->value_size || map->timer_at % 8 != 1)
		map->timer_at = 0;
}

int map_fill(struct vm_map *map, const struct object_map *m)
{
	int err = 0;

	for (u32 i = 0; i < m->slots.n && !err; i++)
		err = map->ops->update(map, &m->slots.v[i].index, &m->slots.v[i].what, BPF_ANY, 0);
	return err;
}
