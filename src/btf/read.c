/*
 * read.c: BTF types by id and by name, decoded when they are asked for.
 *
 * In:  BTF in memory, or in a file of which pieces are read (see file.c), and its index.
 * Out: struct btf_type, kept in the btf's arena and decoded once.
 *
 * Nothing in the bytes is trusted: each access is checked against the section it lies in, and a
 * type that does not fit is no type (NULL).
 */
#include "btf/impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DECODED_PAGE 64 /* types: those that are asked for lie near each other */
#define WINDOW       4096
#define PIECES_MOST  128  /* from here on the file is mapped: it costs as much as so many reads */
#define SKIP_DEPTH   64 /* chains of qualifiers are short; longer ones are circles */

/* ---- the format */

int btf_layout(struct btf_layout *at, const void *header, u64 file_size, const char **why)
{
	struct btf_header h;
	u64 left;

	*why = "it is shorter than its header";
	if (file_size < sizeof(h) || file_size > UINT32_MAX / 2)
		return -EINVAL;
	memcpy(&h, header, sizeof(h));
	*why = h.magic == 0x9feb ? "it was made for a machine of the other byte order"
				 : "it does not start with the magic number of BTF";
	if (h.magic != BTF_MAGIC)
		return -EINVAL;
	*why = "its version is unknown";
	if (h.version != 1)
		return -EINVAL;
	*why = "its header points beyond its end";
	if (h.header_size < sizeof(h) || h.header_size > file_size)
		return -EINVAL;
	left = file_size - h.header_size;
	if ((u64)h.type_off + h.type_size > left || (u64)h.string_off + h.string_size > left)
		return -EINVAL;
	*at = (struct btf_layout){(u32)file_size, h.header_size + h.type_off, h.type_size,
				  h.header_size + h.string_off, h.string_size};
	return 0;
}

/* ---- bytes */

bool btf_map(struct btf *b)
{
	void *p;

	if (!b->may_map)
		return b->src.data;
	b->may_map = false;
	p = mmap(NULL, b->src.at.size, PROT_READ, MAP_PRIVATE, b->src.fd, 0);
	if (p == MAP_FAILED)
		return false;
	b->src.data = p;
	b->mapped = true;
	close(b->src.fd);
	b->src.fd = -1;
	return true;
}

/* n bytes at off of the file, good until the next call with this window; NULL: cannot be read. */
static const u8 *fetch(struct btf *b, struct btf_window *w, u64 off, u32 n)
{
	u32 want = MAX(n, (u32)WINDOW);
	ssize_t got;

	if (off + n > b->src.at.size)
		return NULL;
	if (!b->src.data && b->pieces == PIECES_MOST)
		btf_map(b);
	if (b->src.data)
		return b->src.data + off;
	if (off >= w->off && off + n <= w->off + w->n)
		return w->p + (off - w->off);
	if (w->cap < want) {
		u8 *p = realloc(w->p, want);

		if (!p)
			return NULL;
		w->p = p;
		w->cap = want;
	}
	b->pieces++;
	w->off = off;
	w->n = 0;
	do { /* sysfs gives a page at a time */
		got = pread(b->src.fd, w->p + w->n, w->cap - w->n, (off_t)(off + w->n));
		w->n += got > 0 ? (u32)got : 0;
	} while (got > 0 && w->n < n);
	return w->n >= n ? w->p : NULL;
}

/* A string of the string section, good until the next one; NULL: it lies outside. */
static const char *fetch_string(struct btf *b, u32 name, size_t *len)
{
	u32 left, n;

	if (name >= b->src.at.string_size)
		return NULL;
	left = b->src.at.string_size - name;
	for (n = MIN(left, 64u);; n = MIN(left, n * 8)) {
		const u8 *p = fetch(b, &b->strings, b->src.at.string_off + (u64)name, n);
		const u8 *nul = p ? memchr(p, 0, n) : NULL;

		if (nul) {
			*len = (size_t)(nul - p);
			return (const char *)p;
		}
		if (!p || n == left)
			return NULL;
	}
}

static const char *name_at(struct btf *b, u32 name)
{
	size_t n;
	const char *s = name ? fetch_string(b, name, &n) : "";

	if (!name || !s)
		return s;
	/* strings in memory end with a NUL and stay */
	return b->src.data ? s : arena_strndup(&b->arena, s, n);
}

/* Where a type starts, in bytes of the type section. */
static bool find_offset(struct btf *b, u32 id, u32 *off)
{
	u32 size = b->src.at.type_size, at;

	if (!btf_index_offset(b->index, id / BTF_STRIDE, &at)) {
		btf_rebuild(b);
		if (!b->index || !btf_index_offset(b->index, id / BTF_STRIDE, &at))
			return false;
	}
	for (u32 i = id / BTF_STRIDE ? id % BTF_STRIDE : id - 1; i; i--) {
		const u8 *p = fetch(b, &b->types, b->src.at.type_off + (u64)at, BTF_TYPE_SIZE);
		s64 more = p && at < size ? btf_more(btf_u32(p + 4)) : -1;

		if (more < 0)
			return false;
		at += BTF_TYPE_SIZE + (u32)more;
	}
	*off = at;
	return at < size;
}

/* ---- decoding */

static bool decode_members(struct btf *b, struct btf_type *t, const u8 *p, bool bitfields)
{
	t->members = arena_array(&b->arena, struct btf_member, t->n);
	for (u32 i = 0; i < t->n; i++, p += 12) {
		struct btf_member *m = &t->members[i];
		u32 off = btf_u32(p + 8);

		m->name = name_at(b, btf_u32(p));
		m->type = btf_u32(p + 4);
		m->bit_off = bitfields ? off & 0xffffff : off;
		m->bits = bitfields ? off >> 24 : 0;
		if (!m->name)
			return false;
	}
	return true;
}

static bool decode_params(struct btf *b, struct btf_type *t, const u8 *p)
{
	t->members = arena_array(&b->arena, struct btf_member, t->n);
	for (u32 i = 0; i < t->n; i++, p += 8) {
		t->members[i].name = name_at(b, btf_u32(p));
		t->members[i].type = btf_u32(p + 4);
		if (!t->members[i].name)
			return false;
	}
	return true;
}

static bool decode_values(struct btf *b, struct btf_type *t, const u8 *p)
{
	bool wide = t->kind == BTF_ENUM64;

	t->values = arena_array(&b->arena, struct btf_value, t->n);
	for (u32 i = 0; i < t->n; i++, p += wide ? 12 : 8) {
		u64 v = btf_u32(p + 4);

		if (wide)
			v |= (u64)btf_u32(p + 8) << 32;
		else if (t->is_signed)
			v = (u64)(s32)v;
		t->values[i].name = name_at(b, btf_u32(p));
		t->values[i].value = (s64)v;
		if (!t->values[i].name)
			return false;
	}
	return true;
}

static void decode_secs(struct btf *b, struct btf_type *t, const u8 *p)
{
	t->secs = arena_array(&b->arena, struct btf_secinfo, t->n);
	for (u32 i = 0; i < t->n; i++, p += 12)
		t->secs[i] = (struct btf_secinfo){btf_u32(p), btf_u32(p + 4), btf_u32(p + 8)};
}

static void decode_int(struct btf_type *t, u32 data)
{
	u32 encoding = data >> 24;

	t->is_signed = encoding & 1;
	t->is_char = encoding & 2;
	t->is_bool = encoding & 4;
	t->bits = data & 0xff;
}

/* What follows the first 12 bytes. */
static bool decode_rest(struct btf *b, struct btf_type *t, const u8 *p, bool flag)
{
	switch (t->kind) {
	case BTF_INT: decode_int(t, btf_u32(p)); return true;
	case BTF_ARRAY:
		t->type = btf_u32(p);
		t->index = btf_u32(p + 4);
		t->n = btf_u32(p + 8);
		return true;
	case BTF_STRUCT:
	case BTF_UNION: return decode_members(b, t, p, flag);
	case BTF_FUNC_PROTO: return decode_params(b, t, p);
	case BTF_ENUM:
	case BTF_ENUM64: t->is_signed = flag; return decode_values(b, t, p);
	case BTF_DATASEC: decode_secs(b, t, p); return true;
	case BTF_VAR: t->linkage = btf_u32(p); return true;
	case BTF_DECL_TAG: t->component = (s32)btf_u32(p); return true;
	case BTF_FUNC: t->linkage = t->n; break;
	case BTF_FWD: t->is_union = flag; break;
	}
	t->n = 0;
	return true;
}

static bool has_size(u32 kind)
{
	return kind == BTF_INT || kind == BTF_STRUCT || kind == BTF_UNION || kind == BTF_ENUM ||
	       kind == BTF_ENUM64 || kind == BTF_FLOAT || kind == BTF_DATASEC;
}

static struct btf_type *decode(struct btf *b, u32 id)
{
	struct btf_type *t;
	struct btf_raw_type raw;
	const u8 *p;
	s64 more;
	u32 off;

	if (!find_offset(b, id, &off))
		return NULL;
	p = fetch(b, &b->types, b->src.at.type_off + (u64)off, BTF_TYPE_SIZE);
	if (!p)
		return NULL;
	memcpy(&raw, p, sizeof(raw));
	more = btf_more(raw.info);
	if (more < 0 || more > (s64)b->src.at.type_size - off - BTF_TYPE_SIZE)
		return NULL;
	p = fetch(b, &b->types, b->src.at.type_off + (u64)off, BTF_TYPE_SIZE + (u32)more);
	t = arena_new(&b->arena, struct btf_type);
	t->id = id;
	t->kind = BTF_INFO_KIND(raw.info);
	t->n = BTF_INFO_VLEN(raw.info);
	*(has_size(t->kind) ? &t->size : &t->type) = raw.size;
	t->name = name_at(b, raw.name);
	if (!p || !t->name || !decode_rest(b, t, p + BTF_TYPE_SIZE, BTF_INFO_FLAG(raw.info)))
		return NULL;
	return t;
}

/* ---- the public side */

u32 btf_count(const struct btf *b)
{
	return b->index ? btf_index_types(b->index) : 0;
}

const struct btf_type *btf_type(struct btf *b, u32 id)
{
	static const struct btf_type void_type = {.name = "void"};
	struct btf_type ***page;
	jmp_buf full;

	if (!id)
		return &void_type;
	if (id > btf_count(b))
		return NULL;
	page = &b->decoded[id / DECODED_PAGE];
	if (!*page || !(*page)[id % DECODED_PAGE]) {
		b->arena.escape = &full;
		if (!setjmp(full)) {
			if (!*page)
				*page = arena_array(&b->arena, struct btf_type *, DECODED_PAGE);
			(*page)[id % DECODED_PAGE] = decode(b, id);
		}
		b->arena.escape = NULL;
	}
	return *page ? (*page)[id % DECODED_PAGE] : NULL;
}

static bool is_named(struct btf *b, u32 name, const char *want, size_t n)
{
	size_t len;
	const char *s = name ? fetch_string(b, name, &len) : NULL;

	return s && len == n && !memcmp(s, want, n);
}

/* "name___flavour" */
static bool is_flavour(struct btf *b, u32 name, const char *want, size_t n)
{
	size_t len;
	const char *s = name ? fetch_string(b, name, &len) : NULL;

	return s && len > n + 3 && !memcmp(s, want, n) && !memcmp(s + n, "___", 3) &&
	       s[n + 3] != '_' && !memmem(s + n + 3, len - n - 3, "___", 3);
}

/* Without a name table: looks at each type behind `after`. */
static u32 find_by_walk(struct btf *b, const char *name, size_t n, u32 kind, u32 after,
			bool flavour)
{
	u32 off = 0;

	for (u32 id = 1; id <= btf_count(b); id++) {
		const u8 *p = fetch(b, &b->types, b->src.at.type_off + (u64)off, BTF_TYPE_SIZE);
		u32 info;

		if (!p)
			return 0;
		info = btf_u32(p + 4);
		if (id > after && BTF_INFO_KIND(info) == kind &&
		    (is_named(b, btf_u32(p), name, n) ||
		     (flavour && is_flavour(b, btf_u32(p), name, n))))
			return id;
		off += BTF_TYPE_SIZE + (u32)btf_more(info);
	}
	return 0;
}

/* False: the index is damaged. */
static bool find_by_index(struct btf *b, const char *name, size_t n, u32 kind, u32 after, u32 *id)
{
	u32 hash = btf_index_hash(name, n);

	*id = 0;
	for (u32 i = 0;; i++) {
		struct btf_index_name e;
		bool end;

		if (!btf_index_name(b->index, hash, i, &e, &end))
			return false;
		if (end)
			return true;
		if (e.kind == kind && e.id > after && (!*id || e.id < *id) &&
		    is_named(b, e.name, name, n))
			*id = e.id;
	}
}

static u32 find(struct btf *b, const char *name, enum btf_kind kind, u32 after, bool flavour)
{
	size_t n = strlen(name);
	u32 id;

	if (!n || !b->index)
		return 0;
	if (!b->hashed)
		return find_by_walk(b, name, n, kind, after, flavour);
	if (find_by_index(b, name, n, kind, after, &id))
		return id;
	btf_rebuild(b);
	return b->index && find_by_index(b, name, n, kind, after, &id) ? id : 0;
}

u32 btf_find(struct btf *b, const char *name, enum btf_kind kind)
{
	return find(b, name, kind, 0, false);
}

static bool has_value(struct btf *b, u32 id, const char *name)
{
	const struct btf_type *t = btf_type(b, id);

	for (u32 i = 0; t && i < t->n; i++)
		if (!strcmp(t->values[i].name, name))
			return true;
	return false;
}

u32 btf_find_value(struct btf *b, const char *name)
{
	u32 off = 0;

	if (b->hashed)
		return find(b, name, BTF_VALUE, 0, false);
	for (u32 id = 1; id <= btf_count(b); id++) {
		const u8 *p = fetch(b, &b->types, b->src.at.type_off + (u64)off, BTF_TYPE_SIZE);
		u32 info = p ? btf_u32(p + 4) : 0, kind = BTF_INFO_KIND(info);

		if (!p)
			return 0;
		if ((kind == BTF_ENUM || kind == BTF_ENUM64) && has_value(b, id, name))
			return id;
		off += BTF_TYPE_SIZE + (u32)btf_more(info);
	}
	return 0;
}

u32 btf_find_flavour(struct btf *b, const char *name, enum btf_kind kind, u32 after)
{
	return find(b, name, kind, after, true);
}

bool btf_raw(struct btf *b, u32 id, u32 *off, u32 *size)
{
	u32 at;
	const u8 *p;
	s64 more;

	if (!id || id > btf_count(b) || !find_offset(b, id, &at))
		return false;
	p = fetch(b, &b->types, b->src.at.type_off + (u64)at, BTF_TYPE_SIZE);
	more = p ? btf_more(btf_u32(p + 4)) : -1;
	if (more < 0 || more > (s64)b->src.at.type_size - at - BTF_TYPE_SIZE)
		return false;
	*off = b->src.at.type_off + at;
	*size = BTF_TYPE_SIZE + (u32)more;
	return true;
}

const char *btf_string_at(struct btf *b, u32 off)
{
	return name_at(b, off);
}

bool btf_sizeof(struct btf *b, u32 id, u64 *size)
{
	u64 times = 1;

	for (u32 i = 0; i < SKIP_DEPTH; i++) {
		const struct btf_type *t = btf_type(b, btf_skip(b, id));

		if (!t)
			return false;
		if (t->kind == BTF_ARRAY || t->kind == BTF_VAR) {
			times *= t->kind == BTF_ARRAY ? t->n : 1;
			if (times > UINT32_MAX)
				return false;
			id = t->type;
			continue;
		}
		*size = times * (t->kind == BTF_PTR ? 8 : has_size(t->kind) ? t->size : 0);
		return t->kind == BTF_PTR || has_size(t->kind);
	}
	return false;
}

u32 btf_skip(struct btf *b, u32 id)
{
	for (u32 i = 0; i < SKIP_DEPTH; i++) {
		const struct btf_type *t = btf_type(b, id);

		if (!t)
			return 0;
		if (t->kind != BTF_TYPEDEF && t->kind != BTF_CONST && t->kind != BTF_VOLATILE &&
		    t->kind != BTF_RESTRICT && t->kind != BTF_TYPE_TAG)
			return id;
		id = t->type;
	}
	return 0;
}

int btf_start(struct btf *b)
{
	b->decoded = calloc(btf_count(b) / DECODED_PAGE + 1, sizeof(void *));
	return b->decoded ? 0 : -ENOMEM;
}

int btf_open_raw(struct btf **out, const void *data, size_t size, struct diag *d)
{
	struct btf *b = calloc(1, sizeof(*b));
	const char *why = "a type in it is broken";
	int err = b ? 0 : -ENOMEM;

	*out = NULL;
	if (!err) {
		b->src.data = data;
		b->src.fd = -1;
		err = btf_layout(&b->src.at, data, size, &why);
	}
	if (!err) {
		why = "a type in it is broken or of an unknown kind";
		err = btf_index_build(&b->index, &b->src, false);
	}
	if (!err)
		err = btf_start(b);
	if (err) {
		btf_close(b);
		return diag_fail(d, err, NULL, "cannot read BTF: %s",
				 err == -ENOMEM ? "out of memory" : why);
	}
	*out = b;
	return 0;
}

void btf_close(struct btf *b)
{
	if (!b)
		return;
	if (b->mapped)
		munmap((void *)(uintptr_t)b->src.data, b->src.at.size);
	if (b->src.fd >= 0)
		close(b->src.fd);
	btf_index_free(b->index);
	free(b->types.p);
	free(b->strings.p);
	free(b->decoded);
	arena_free(&b->arena);
	free(b);
}

int btf_copy(struct btf *b, struct buf *out)
{
	u64 off = 0;

	while (off < b->src.at.size) {
		u32 n = (u32)MIN((u64)65536, b->src.at.size - off);
		const u8 *p = fetch(b, &b->types, off, n);

		if (!p)
			return -EIO;
		buf_add(out, p, n);
		off += n;
	}
	return out->failed ? -ENOMEM : 0;
}
