/*
 * btf.h: BTF, the kernel's type format: read lazily, and built for our own objects.
 *
 * Source: Documentation/bpf/btf.rst and include/uapi/linux/btf.h of Linux.
 *
 * Reading never hashes what is not asked for. The kernel's own BTF (5.5 MB, 126,000 types) is
 * streamed once through a small buffer into an index (name hash -> id, sparse id -> offset) that
 * is cached in a file keyed by the kernel's build id; afterwards, types are fetched one by one.
 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include "base/buf.h"
#include "base/diag.h"

enum btf_kind {
	BTF_VOID,
	BTF_INT,
	BTF_PTR,
	BTF_ARRAY,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FWD,
	BTF_TYPEDEF,
	BTF_VOLATILE,
	BTF_CONST,
	BTF_RESTRICT,
	BTF_FUNC,
	BTF_FUNC_PROTO,
	BTF_VAR,
	BTF_DATASEC,
	BTF_FLOAT,
	BTF_DECL_TAG,
	BTF_TYPE_TAG,
	BTF_ENUM64
};

struct btf_member {
	const char *name; /* "" for anonymous members */
	u32 type;
	u32 bit_off;
	u32 bits; /* of a bitfield, else 0 */
};
struct btf_value {
	const char *name;
	s64 value;
};
struct btf_secinfo { /* a variable of a DATASEC */
	u32 type, off, size;
};
struct btf_type { /* decoded; memory belongs to the struct btf */
	u32 id;
	u8 kind;
	bool is_signed, is_bool, is_char; /* INT, ENUM, ENUM64: is_signed */
	bool is_union;                    /* FWD: of a union */
	const char *name;                 /* "" when it has none; "void" for id 0 */
	u32 size;    /* INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC: bytes */
	u32 type;    /* PTR, TYPEDEF, VAR, FUNC, ...: what it refers to; ARRAY: element; FUNC_PROTO:
			result */
	u32 index;   /* ARRAY: type of its index */
	u32 n;       /* ARRAY: elements; else members, parameters, values, variables */
	u32 bits;    /* INT: significant bits */
	u32 linkage; /* FUNC, VAR: 0 static, 1 global, 2 extern */
	s32 component;              /* DECL_TAG: member or parameter, or -1 */
	struct btf_member *members; /* STRUCT, UNION; FUNC_PROTO: parameters (name, type) */
	struct btf_value *values;   /* ENUM, ENUM64 */
	struct btf_secinfo *secs;   /* DATASEC */
};

struct btf;
/* Reads from memory (borrowed for the life of the btf). 0 or -errno (-EINVAL: broken). */
int btf_open_raw(struct btf **, const void *data, size_t size, struct diag *);
/* Reads from a file such as /sys/kernel/btf/vmlinux, through an index that is kept in a file in
 * cache_dir (a folder, made if need be; NULL: no cache) under a name made of key (the build id in
 * hex, or any word that names the content; NULL: no cache) and the size. A cache that cannot be
 * read, trusted or written is done without, silently. The environment's WAGGLE_BTF=read or =mmap
 * forces one way of reading. */
int btf_open_file(struct btf **, const char *path, const char *cache_dir, const char *key,
		  struct diag *);
void btf_close(struct btf *);      /* NULL is fine */
u32 btf_count(const struct btf *); /* types have the ids 1 to this */
/* NULL: no such type, or a broken one. Id 0 is void. */
const struct btf_type *btf_type(struct btf *, u32 id);
u32 btf_find(struct btf *, const char *name, enum btf_kind); /* the lowest id; 0: none */
/* The lowest id behind `after` of that name, whatever flavour follows ("name___flavour"), which is
 * not looked for in a kernel's BTF that is read through its index. 0: none. */
u32 btf_find_flavour(struct btf *, const char *name, enum btf_kind, u32 after);
u32 btf_find_value(struct btf *, const char *name); /* the enum that has a value of that name; 0: none */
u32 btf_skip(struct btf *, u32 id); /* through typedefs, qualifiers and tags; 0: void or broken */
int btf_copy(struct btf *, struct buf *out); /* appends the raw bytes of the whole */
/* Where the record of a type lies in the raw bytes. False: no such type, or a broken one. */
bool btf_raw(struct btf *, u32 id, u32 *off, u32 *size);
bool btf_sizeof(struct btf *, u32 id, u64 *size); /* false: it has none (void, functions, ...) */
const char *btf_string_at(struct btf *, u32 off); /* NULL: outside of the strings */

/* ---- building. Types get ids from 1 in the order of the calls; strings are shared. A zeroed
 * builder is an empty one. Types may refer to ids that are yet to come. */
struct btf_builder {
	struct buf types, strings;
	u32 n; /* types so far */
	struct arena arena;
	void *seen; /* strings already there */
};
void btf_builder_free(struct btf_builder *);
u32 btf_string(struct btf_builder *, const char *); /* offset */
u32 btf_add_int(struct btf_builder *, const char *name, u32 size, bool is_signed);
u32 btf_add_ref(struct btf_builder *, enum btf_kind, const char *name, u32 type); /* PTR, ... */
u32 btf_add_array(struct btf_builder *, u32 elem, u32 index, u32 n);
u32 btf_add_struct(struct btf_builder *, enum btf_kind, const char *name, u32 size,
		   const struct btf_member *, u32 n);
u32 btf_add_proto(struct btf_builder *, u32 result, const struct btf_member *params, u32 n);
u32 btf_add_func(struct btf_builder *, const char *name, u32 proto, u32 linkage);
u32 btf_add_var(struct btf_builder *, const char *name, u32 type, u32 linkage);
u32 btf_add_enum(struct btf_builder *, const char *name, u32 size, bool is_signed,
		 const struct btf_value *, u32 n); /* 4-byte values; signed: Linux 6.0 */
u32 btf_add_datasec(struct btf_builder *, const char *name, u32 size, const struct btf_secinfo *,
		    u32 n);
/* A record as it is in the section, in words; n: at least 3. */
u32 btf_add_record(struct btf_builder *, const u32 *words, u32 n);
/* The whole .BTF section, appended to out (whose `failed` tells when memory ended). */
void btf_build(struct btf_builder *, struct buf *out);

#endif
