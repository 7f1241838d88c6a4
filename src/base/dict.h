/*
 * dict.h: a hash table from strings to pointers, in an arena (it is never freed by itself).
 *
 * Keys are borrowed: they must live as long as the dict. Order of iteration is order of insertion.
 */
#ifndef BASE_DICT_H
#define BASE_DICT_H

#include "base/base.h"

struct dict_entry {
	const char *key;
	u32 len, hash;
	void *value;
};

struct dict {
	struct arena *arena;
	vec(struct dict_entry) entries;
	u32 *slots; /* index + 1 of an entry, 0: free */
	u32 mask;
};

u32 dict_hash(const char *key, size_t len);
void *dict_get(const struct dict *, const char *key);
void *dict_getn(const struct dict *, const char *key, size_t len);
/* The place of the key's value, made (NULL) when it is new. */
void **dict_put(struct dict *, const char *key);

#define dict_each(e, d) vec_each(e, &(d)->entries)

#endif
