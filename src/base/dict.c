/* dict.c: open addressing over a vector of entries; see dict.h. FNV-1a hash. */
#include "base/dict.h"

u32 dict_hash(const char *key, size_t len)
{
	u32 h = 2166136261u;

	while (len--)
		h = (h ^ (u8)*key++) * 16777619u;
	return h;
}

static u32 *dict_slot(const struct dict *d, const char *key, u32 len, u32 hash)
{
	for (u32 i = hash & d->mask;; i = (i + 1) & d->mask) {
		struct dict_entry *e = d->slots[i] ? &d->entries.v[d->slots[i] - 1] : NULL;

		if (!e || (e->hash == hash && e->len == len && !memcmp(e->key, key, len)))
			return &d->slots[i];
	}
}

void *dict_getn(const struct dict *d, const char *key, size_t len)
{
	u32 *slot;

	if (!d->slots)
		return NULL;
	slot = dict_slot(d, key, (u32)len, dict_hash(key, len));
	return *slot ? d->entries.v[*slot - 1].value : NULL;
}

void *dict_get(const struct dict *d, const char *key)
{
	return dict_getn(d, key, strlen(key));
}

static void dict_rehash(struct dict *d, u32 slots)
{
	d->slots = arena_array(d->arena, u32, slots);
	d->mask = slots - 1;
	for (u32 i = 0; i < d->entries.n; i++) {
		struct dict_entry *e = &d->entries.v[i];

		*dict_slot(d, e->key, e->len, e->hash) = i + 1;
	}
}

void **dict_put(struct dict *d, const char *key)
{
	u32 len = (u32)strlen(key), hash = dict_hash(key, len), *slot;
	struct dict_entry *e;

	if (!d->slots || d->entries.n * 2 > d->mask)
		dict_rehash(d, d->slots ? (d->mask + 1) * 2 : 16);
	slot = dict_slot(d, key, len, hash);
	if (!*slot) {
		e = vec_add(d->arena, &d->entries);
		*e = (struct dict_entry){key, len, hash, NULL};
		*slot = d->entries.n;
	}
	return &d->entries.v[*slot - 1].value;
}
