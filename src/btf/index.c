/*
 * index.c: find types of a large BTF without reading it again.
 *
 * In:  BTF, in memory or streamed through 64 KB.
 * Out: one block of memory, which is also the cache file:
 *        header | checksums | offsets of every 64th type | heads of the name table | its entries
 *      Values of enums are in the name table, too, with their enum's id.
 *
 * The entries of one bucket of the name table stand together, in the order of their ids. Strings
 * lie behind the types in BTF; so the walk over the types notes (name offset, id), the notes are
 * sorted by offset, and one walk over the strings hashes them in passing.
 *
 * A cache may be damaged. Its body is read in blocks of 1 KB, each when it is first looked at, and
 * checked then, so that a lookup costs microseconds and yet never trusts what it has not checked.
 * Reading some thirty of them costs a third of what mapping the file and letting it go again does.
 */
#include "btf/impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define STREAM  65536
#define BLOCK   1024
#define HELD    64 /* blocks in memory; each has its place */
#define KEY     64
#define ID_BITS 27 /* of an entry; the kind is above */

struct image {
	char magic[8];
	u32 version;
	u32 sum; /* of header and block checksums, with this field 0 */
	char key[KEY];
	struct btf_layout btf;
	u32 types;          /* highest id */
	u32 slots;          /* offsets */
	u32 buckets, names; /* of the name table; buckets is a power of two, or 0 */
	u32 size, body, blocks;
};
struct entry {
	u32 name;
	u32 id; /* and the kind */
};
struct btf_index {
	struct image *image; /* of a cache only up to its body */
	int fd;              /* of the cache; -1: the image is whole */
	u32 held[HELD];      /* which block stands there, plus one */
	u8 (*blocks)[BLOCK];
};

static const char magic[8] = "wagglebi";

/* ---- the stream */

struct stream {
	const struct btf_source *src;
	const u8 *p;
	size_t n;      /* at p */
	u64 next, end; /* of the file, what is yet to be read */
	u8 *buf;
	int err;
};

static void stream_start(struct stream *s, u32 off, u32 size)
{
	s->next = off;
	s->end = (u64)off + size;
	s->n = 0;
	if (s->src->data) {
		s->p = s->src->data + off;
		s->n = size;
		s->next = s->end;
	}
}

/* Gets more bytes behind those at p. */
static bool stream_more(struct stream *s)
{
	ssize_t got;

	if (s->next == s->end || s->n == STREAM)
		return false;
	if (s->n)
		memmove(s->buf, s->p, s->n);
	s->p = s->buf;
	got = pread(s->src->fd, s->buf + s->n, MIN(STREAM - s->n, s->end - s->next),
		    (off_t)s->next);
	if (got <= 0) {
		s->err = got < 0 ? -errno : -EINVAL;
		return false;
	}
	s->n += (size_t)got;
	s->next += (size_t)got;
	return true;
}

static bool stream_need(struct stream *s, size_t n)
{
	while (s->n < n)
		if (!stream_more(s))
			return false;
	return true;
}

static bool stream_skip(struct stream *s, u64 n)
{
	size_t here = MIN(n, s->n);

	s->p += here;
	s->n -= here;
	n -= here;
	if (n > s->end - s->next)
		return false;
	s->next += n;
	return true;
}

/* ---- the hash: eight bytes at a time, the last ones filled up with zeroes */

static u64 mix(u64 h, u64 word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

u32 btf_index_hash(const char *name, size_t n)
{
	u64 h = 0, w;

	for (; n >= 8; n -= 8, name += 8) {
		memcpy(&w, name, 8);
		h = mix(h, w);
	}
	w = 0;
	memcpy(&w, name, n);
	return (u32)(mix(h, w) >> 16);
}

/* The same of a string that ends before `end`; false: it does not, within whole words. */
static bool hash_string(const u8 *p, const u8 *end, u32 *hash)
{
	u64 h = 0, w, zero;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		zero = (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
		if (zero) { /* its lowest bit marks the first NUL */
			w &= ((zero & -zero) >> 7) - 1;
			*hash = (u32)(mix(h, w) >> 16);
			return true;
		}
		h = mix(h, w);
	}
	return false;
}

static bool stream_hash(struct stream *s, u32 *hash)
{
	const u8 *nul;

	while (!hash_string(s->p, s->p + s->n, hash))
		if (!stream_more(s)) { /* the last few bytes of all */
			nul = s->n ? memchr(s->p, 0, s->n) : NULL;
			if (nul)
				*hash = btf_index_hash((const char *)s->p, (size_t)(nul - s->p));
			return nul;
		}
	return true;
}

/* ---- building */

struct build {
	struct stream s;
	struct entry *v, *spare; /* names */
	u32 n, cap;
	u32 *offsets, slots;
	u32 types;
	bool names;
};

static bool has_findable_name(u32 kind)
{
	return kind != BTF_DECL_TAG && kind != BTF_TYPE_TAG;
}

static int note_name(struct build *b, u32 name, u32 kind, u32 id)
{
	if (name >= b->s.src->at.string_size)
		return -EINVAL;
	if (b->n == b->cap) {
		struct entry *v = realloc(b->v, sizeof(*v) * b->cap * 2);

		if (!v)
			return -ENOMEM;
		b->v = v;
		b->cap *= 2;
	}
	b->v[b->n++] = (struct entry){name, kind << ID_BITS | id};
	return 0;
}

static int note_type(struct build *b, const struct btf_raw_type *t, u32 off)
{
	u32 id = ++b->types;

	if (id >> ID_BITS)
		return -EINVAL;
	if (id % BTF_STRIDE == 0)
		b->offsets[b->slots++] = off;
	if (!b->names || !t->name || !has_findable_name(BTF_INFO_KIND(t->info)))
		return 0;
	return note_name(b, t->name, BTF_INFO_KIND(t->info), id);
}

/* The values of an enum, which the stream has come to, `size` bytes; any other type is passed over.
 */
static int note_values(struct build *b, u32 info, u32 size)
{
	u32 kind = BTF_INFO_KIND(info), each = kind == BTF_ENUM ? 8 : 12;
	int err = 0;

	if (!b->names || (kind != BTF_ENUM && kind != BTF_ENUM64))
		return stream_skip(&b->s, size) ? 0 : -EINVAL;
	for (; size && !err; size -= each) {
		if (!stream_need(&b->s, each))
			return b->s.err ? b->s.err : -EINVAL;
		err = note_name(b, btf_u32(b->s.p), BTF_VALUE, b->types);
		stream_skip(&b->s, each);
	}
	return err;
}

static int walk_types(struct build *b)
{
	const struct btf_layout *at = &b->s.src->at;
	u32 off = 0;
	int err = 0;

	stream_start(&b->s, at->type_off, at->type_size);
	b->offsets[b->slots++] = 0; /* slot 0 starts at id 1 */
	while (off < at->type_size && !err) {
		struct btf_raw_type t;
		s64 more;

		if (at->type_size - off < sizeof(t) || !stream_need(&b->s, sizeof(t)))
			return b->s.err ? b->s.err : -EINVAL;
		memcpy(&t, b->s.p, sizeof(t));
		more = btf_more(t.info);
		if (more < 0 || more > (s64)at->type_size - off - BTF_TYPE_SIZE)
			return -EINVAL;
		err = note_type(b, &t, off);
		off += BTF_TYPE_SIZE + (u32)more;
		stream_skip(&b->s, BTF_TYPE_SIZE);
		if (!err)
			err = note_values(b, t.info, (u32)more);
	}
	return err;
}

/* By name offset; types of one name stay in the order of their ids. */
static int sort_names(struct build *b)
{
	u32 most = b->s.src->at.string_size;

	b->spare = malloc(sizeof(*b->spare) * (b->n + 1));
	if (!b->spare)
		return -ENOMEM;
	for (u32 shift = 0; shift < 32 && most >> shift; shift += 11) {
		u32 count[2048] = {0}, sum = 0;
		struct entry *t;

		for (u32 i = 0; i < b->n; i++)
			count[b->v[i].name >> shift & 2047]++;
		for (u32 i = 0; i < 2048; i++) {
			u32 c = count[i];

			count[i] = sum;
			sum += c;
		}
		for (u32 i = 0; i < b->n; i++)
			b->spare[count[b->v[i].name >> shift & 2047]++] = b->v[i];
		t = b->v, b->v = b->spare, b->spare = t;
	}
	return 0;
}

/* Hashes the strings in passing: hash[i] for v[i]. */
static int walk_strings(struct build *b, u32 *hash)
{
	const struct btf_layout *at = &b->s.src->at;
	u32 off = 0;

	stream_start(&b->s, at->string_off, at->string_size);
	for (u32 i = 0; i < b->n; i++) {
		if (i && b->v[i].name == b->v[i - 1].name) {
			hash[i] = hash[i - 1];
			continue;
		}
		if (!stream_skip(&b->s, b->v[i].name - off))
			return -EINVAL;
		off = b->v[i].name;
		if (!stream_hash(&b->s, &hash[i]))
			return b->s.err ? b->s.err : -EINVAL;
	}
	return 0;
}

static u32 *offsets_of(const struct image *m)
{
	return (u32 *)((char *)m + m->body);
}

static u32 *heads_of(const struct image *m)
{
	return offsets_of(m) + m->slots;
}

static struct entry *entries_of(const struct image *m)
{
	return (struct entry *)(heads_of(m) + (m->buckets ? m->buckets + 1 : 0));
}

static u64 image_size(struct image *m)
{
	u64 body = 4ull * m->slots + (m->buckets ? 4ull * (m->buckets + 1) : 0) +
		   sizeof(struct entry) * (u64)m->names;

	m->blocks = (u32)((body + BLOCK - 1) / BLOCK);
	m->body = (u32)ALIGN_UP(sizeof(*m) + 4ull * m->blocks, 16);
	return m->body + body;
}

static void fill_buckets(struct image *m, const struct entry *v, const u32 *hash)
{
	u32 *heads = heads_of(m), mask = m->buckets - 1, sum = 0;
	struct entry *out = entries_of(m);

	for (u32 i = 0; i < m->names; i++)
		heads[hash[i] & mask]++;
	for (u32 i = 0; i <= mask; i++) {
		u32 c = heads[i];

		heads[i] = sum;
		sum += c;
	}
	heads[m->buckets] = sum;
	for (u32 i = 0; i < m->names; i++)
		out[heads[hash[i] & mask]++] = v[i];
	/* each head has moved to its bucket's end, the next one's start */
	memmove(heads + 1, heads, 4 * (size_t)mask);
	heads[0] = 0;
	heads[m->buckets] = sum;
}

static int make_image(struct build *b, struct btf_index *ix, const u32 *hash)
{
	struct image m = {.version = BTF_INDEX_VERSION,
			  .btf = b->s.src->at,
			  .types = b->types,
			  .slots = b->slots,
			  .names = b->n};
	u64 size;

	memcpy(m.magic, magic, sizeof(magic));
	if (b->names)
		for (m.buckets = 1; m.buckets * 2 <= b->n; m.buckets *= 2)
			;
	size = image_size(&m);
	m.size = (u32)size;
	ix->image = size <= UINT32_MAX ? calloc(1, size) : NULL;
	if (!ix->image)
		return -ENOMEM;
	*ix->image = m;
	memcpy(offsets_of(ix->image), b->offsets, 4ull * b->slots);
	if (b->names)
		fill_buckets(ix->image, b->v, hash);
	return 0;
}

static int build_names(struct build *b, u32 **hash)
{
	int err = sort_names(b);

	if (err)
		return err;
	*hash = calloc(b->n + 1, sizeof(**hash));
	return *hash ? walk_strings(b, *hash) : -ENOMEM;
}

static struct btf_index *index_new(int fd)
{
	struct btf_index *ix = calloc(1, sizeof(*ix));

	if (ix)
		ix->fd = fd;
	return ix;
}

int btf_index_build(struct btf_index **out, const struct btf_source *src, bool names)
{
	struct build b = {.s = {.src = src}, .names = names, .cap = 1024};
	u32 *hash = NULL;
	int err = -ENOMEM;

	*out = index_new(-1);
	b.cap = MAX(src->at.type_size / 40, 64);
	b.v = malloc(sizeof(*b.v) * (names ? b.cap : 1));
	b.offsets = malloc(4ull * (src->at.type_size / BTF_TYPE_SIZE / BTF_STRIDE + 2));
	b.s.buf = src->data ? NULL : malloc(STREAM);
	if (*out && b.v && b.offsets && (src->data || b.s.buf))
		err = walk_types(&b);
	if (!err && names)
		err = build_names(&b, &hash);
	if (!err)
		err = make_image(&b, *out, hash);
	free(hash);
	free(b.s.buf);
	free(b.offsets);
	free(b.spare);
	free(b.v);
	if (err) {
		btf_index_free(*out);
		*out = NULL;
	}
	return err;
}

void btf_index_free(struct btf_index *ix)
{
	if (!ix)
		return;
	if (ix->fd >= 0)
		close(ix->fd);
	free(ix->blocks);
	free(ix->image);
	free(ix);
}

/* ---- the file form */

static u32 checksum(const void *data, size_t n)
{
	const u8 *p = data;
	u64 h = n, w;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; n; n--)
		h = (h ^ *p++) * 0x9e3779b97f4a7c15ull;
	return (u32)(h ^ h >> 32);
}

/* Where a block lies in the image; the last one may be shorter. */
static u32 block_at(const struct image *m, u32 block, u32 *size)
{
	u32 from = m->body + block * BLOCK;

	*size = MIN((u32)BLOCK, m->size - from);
	return from;
}

static u32 header_sum(const struct image *m)
{
	struct image copy = *m;

	copy.sum = 0;
	return checksum(&copy, sizeof(copy)) ^ checksum(m + 1, 4ull * m->blocks);
}

/* The first KEY bytes, filled up with zeroes. */
static void take_key(char *out, const char *key)
{
	for (u32 i = 0; i < KEY; i++) {
		out[i] = *key;
		key += *key != 0;
	}
}

void btf_index_sign(struct btf_index *ix, const char *key)
{
	struct image *m = ix->image;
	u32 *sums = (u32 *)(m + 1);

	take_key(m->key, key);
	for (u32 i = 0; i < m->blocks; i++) {
		u32 size, from = block_at(m, i, &size);

		sums[i] = checksum((const char *)m + from, size);
	}
	m->sum = header_sum(m);
}

const void *btf_index_image(const struct btf_index *ix, size_t *size)
{
	*size = ix->image->size;
	return ix->image;
}

/* Of the struct alone: is there a body of the size that the file has? */
static bool is_ours(const struct image *m, size_t size, const struct btf_layout *at,
		    const char *key)
{
	struct image again = *m;
	char padded[KEY];

	take_key(padded, key);
	return !memcmp(m->magic, magic, sizeof(magic)) && m->version == BTF_INDEX_VERSION &&
	       m->size == size && !memcmp(m->key, padded, KEY) &&
	       !memcmp(&m->btf, at, sizeof(*at)) && m->buckets &&
	       !(m->buckets & (m->buckets - 1)) && image_size(&again) == size &&
	       again.body == m->body && again.blocks == m->blocks &&
	       m->slots == m->types / BTF_STRIDE + 1;
}

static bool read_whole(int fd, void *to, u32 size, u32 from)
{
	return pread(fd, to, size, (off_t)from) == (ssize_t)size;
}

/* The struct and the checksums of the blocks. */
static struct image *read_head(int fd, size_t size, const struct btf_layout *at, const char *key)
{
	struct image m, *whole;

	if (!read_whole(fd, &m, sizeof(m), 0) || !is_ours(&m, size, at, key))
		return NULL;
	whole = malloc(m.body);
	if (!whole)
		return NULL;
	*whole = m;
	if (!read_whole(fd, whole + 1, 4 * m.blocks, sizeof(m)) || header_sum(whole) != m.sum) {
		free(whole);
		return NULL;
	}
	return whole;
}

bool btf_index_load(struct btf_index **out, int fd, size_t size, const struct btf_layout *at,
		    const char *key)
{
	struct image *head = read_head(fd, size, at, key);
	struct btf_index *ix = head ? index_new(fd) : NULL;
	u8(*blocks)[BLOCK] = ix ? malloc(sizeof(*blocks) * HELD) : NULL;

	if (!blocks) {
		free(head);
		free(ix);
		return false;
	}
	ix->image = head;
	ix->blocks = blocks;
	*out = ix;
	return true;
}

/* ---- asking */

/* A block of a cache's body; NULL: it is damaged. */
static const u8 *block_of(struct btf_index *ix, u32 block)
{
	const struct image *m = ix->image;
	u32 place = (block * 0x9e3779b1u >> 16) % HELD; /* heads and entries lie far apart */
	u32 size, from = block_at(m, block, &size);
	u8 *p = ix->blocks[place];

	if (ix->held[place] == block + 1)
		return p;
	ix->held[place] = 0;
	if (!read_whole(ix->fd, p, size, from) ||
	    checksum(p, size) != ((const u32 *)(m + 1))[block])
		return NULL;
	ix->held[place] = block + 1;
	return p;
}

/* Copies n bytes that lie at p in the whole image. May they be believed? */
static bool look(struct btf_index *ix, void *to, const void *p, u32 n)
{
	u32 from = (u32)((const char *)p - (const char *)ix->image) - ix->image->body;

	if (ix->fd < 0) {
		memcpy(to, p, n);
		return true;
	}
	for (u32 some; n; n -= some, from += some, to = (u8 *)to + some) {
		const u8 *block = block_of(ix, from / BLOCK);

		some = MIN(n, BLOCK - from % BLOCK);
		if (!block)
			return false;
		memcpy(to, block + from % BLOCK, some);
	}
	return true;
}

u32 btf_index_types(const struct btf_index *ix)
{
	return ix->image->types;
}

bool btf_index_offset(struct btf_index *ix, u32 slot, u32 *off)
{
	return slot < ix->image->slots && look(ix, off, offsets_of(ix->image) + slot, 4);
}

bool btf_index_name(struct btf_index *ix, u32 hash, u32 i, struct btf_index_name *out, bool *end)
{
	const struct image *m = ix->image;
	struct entry e;
	u32 head[2];

	if (!look(ix, head, heads_of(m) + (hash & (m->buckets - 1)), 8) || head[0] > head[1] ||
	    head[1] > m->names)
		return false;
	*end = i >= head[1] - head[0];
	if (*end)
		return true;
	if (!look(ix, &e, entries_of(m) + head[0] + i, sizeof(e)))
		return false;
	out->name = e.name;
	out->id = e.id & ((1u << ID_BITS) - 1);
	out->kind = (u8)(e.id >> ID_BITS);
	return true;
}
