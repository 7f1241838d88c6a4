/*
 * impl.h: what the files of this room share: the layout of BTF, and the index over it.
 */
#ifndef BTF_IMPL_H
#define BTF_IMPL_H

#include "btf/btf.h"

/* ---- the format: header, types, strings. Offsets count from the header's end. */
#define BTF_MAGIC        0xeb9f
#define BTF_HEADER_SIZE  24
#define BTF_TYPE_SIZE    12 /* name, info, size or type; more may follow */
#define BTF_KINDS        20
#define BTF_INFO_KIND(i) ((i) >> 24 & 0x1f)
#define BTF_INFO_VLEN(i) ((i)&0xffff)
#define BTF_INFO_FLAG(i) ((i) >> 31)

struct btf_header {
	u16 magic;
	u8 version, flags;
	u32 header_size, type_off, type_size, string_off, string_size;
};
struct btf_raw_type {
	u32 name, info, size;
};

/* Where the parts lie in the file, in bytes from its start. */
struct btf_layout {
	u32 size;
	u32 type_off, type_size;
	u32 string_off, string_size;
};
/* 0, or -EINVAL with the reason in *why. */
int btf_layout(struct btf_layout *, const void *header, u64 file_size, const char **why);
/* Bytes behind the first BTF_TYPE_SIZE of a type with this info; -1: unknown kind. */
static inline s64 btf_more(u32 info)
{
	static const u8 fixed[BTF_KINDS] = {
		[BTF_INT] = 4, [BTF_ARRAY] = 12, [BTF_VAR] = 4, [BTF_DECL_TAG] = 4};
	static const u8 each[BTF_KINDS] = {
		[BTF_STRUCT] = 12, [BTF_UNION] = 12,   [BTF_ENUM] = 8,
		[BTF_ENUM64] = 12, [BTF_DATASEC] = 12, [BTF_FUNC_PROTO] = 8};
	u32 kind = BTF_INFO_KIND(info);

	if (!kind || kind >= BTF_KINDS)
		return -1;
	return fixed[kind] + (s64)each[kind] * BTF_INFO_VLEN(info);
}

static inline u32 btf_u32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- the index: offset of every BTF_STRIDE-th type, and ids by the hash of their names. */
#define BTF_STRIDE 64

#define BTF_INDEX_VERSION 3u /* of its file form */

#define BTF_VALUE 31 /* kind of an entry: a value of an enum */
struct btf_index;
/* Bytes of BTF: in memory, or read from fd through a small buffer. */
struct btf_source {
	const u8 *data; /* or NULL */
	int fd;
	struct btf_layout at;
};
/* Walks all types once; names: hash them, too. -EINVAL: broken BTF, -ENOMEM, or of reading. */
int btf_index_build(struct btf_index **, const struct btf_source *, bool names);
void btf_index_free(struct btf_index *);
u32 btf_index_types(const struct btf_index *);
/* All of these answer false when the index (read from a cache) is found damaged. */
bool btf_index_offset(struct btf_index *, u32 slot, u32 *off); /* of type slot * BTF_STRIDE */
/* The types whose name has this hash: call with i = 0, 1, ... until *end. */
struct btf_index_name {
	u32 name, id;
	u8 kind;
};
u32 btf_index_hash(const char *name, size_t n);
bool btf_index_name(struct btf_index *, u32 hash, u32 i, struct btf_index_name *, bool *end);
/* Its file form; loading checks that it belongs to this BTF. */
const void *btf_index_image(const struct btf_index *, size_t *size);
void btf_index_sign(struct btf_index *, const char *key);
/* Takes over the descriptor of such a file, of `size` bytes, on success. */
bool btf_index_load(struct btf_index **, int fd, size_t size, const struct btf_layout *,
		    const char *key);

/* ---- file.c: reading and mending behind read.c */
struct btf_window { /* a piece of the file in memory */
	u8 *p;
	u64 off;
	u32 n, cap;
};
struct btf {
	struct arena arena;
	struct btf_source src;
	struct btf_window types, strings;
	struct btf_index *index;
	struct btf_type ***decoded; /* by id, in pages that are made on demand */
	u32 pieces;                 /* read from src.fd so far */
	bool may_map;               /* once there are many of them */
	bool mapped;                /* src.data is ours to unmap */
	bool hashed;                /* the index knows names */
};
bool btf_map(struct btf *);     /* src.data is there from now on; false: it cannot be mapped */
int btf_start(struct btf *);    /* allocates what follows from the index */
void btf_rebuild(struct btf *); /* the cached index was damaged: make it again, in memory */

#endif
