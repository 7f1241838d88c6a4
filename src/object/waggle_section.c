/*
 * waggle_section.c: the section `.waggle`: what ELF and BTF cannot say of an object.
 *
 * Format, little-endian, without padding:
 *   "WGGL", u32 version, u32 size of the string table, the string table (NUL-terminated
 *   strings), then six tables: object, programs, maps, schemas, attach rows, fills. Each table is
 *   u32 size in bytes of what follows, u32 number of rows, rows. A string is a u32 offset in the
 *   string table, ~0 for none. A text that may hold anything is u32 size, bytes.
 * The rows are what the io_*() functions below say, field by field. The same functions read and
 * write, so the two cannot disagree; any change of them is a new version.
 *
 * The reader copies everything into the object's arena. Whether the values make sense is asked
 * by object_validate().
 */
#include "base/dict.h"
#include "object/parts.h"

#include <errno.h>

#define MAGIC	     "WGGL"
#define NO_STRING    UINT32_MAX
#define FIELD_BYTES_LEAST 27 /* of a field's row */

struct io {
	bool reading, failed;
	struct arena *arena; /* reading: the object's; writing: for the dict */
	/* writing */
	struct buf *out, *strings;
	struct dict known; /* string -> offset + 1 */
	/* reading */
	const u8 *p, *end;
	const char *text; /* string table, ends with NUL */
	u32 text_size;
};

/* ---- scalars */

static void io_uint(struct io *io, u64 *v, u32 bytes)
{
	if (!io->reading) {
		for (u32 i = 0; i < bytes; i++)
			buf_char(io->out, (char)(*v >> 8 * i));
		return;
	}
	*v = 0;
	if ((size_t)(io->end - io->p) < bytes)
		io->failed = true;
	for (u32 i = 0; i < bytes && !io->failed; i++)
		*v |= (u64)*io->p++ << 8 * i;
}

#define IO_SCALAR(name, T, bytes)                                                                \
	static void io_##name(struct io *io, T *v)                                               \
	{                                                                                        \
		u64 wide = (u64)*v;                                                              \
                                                                                                 \
		io_uint(io, &wide, bytes);                                                       \
		if (io->reading)                                                                 \
			*v = (T)wide;                                                            \
	}
IO_SCALAR(u8, u8, 1)
IO_SCALAR(u16, u16, 2)
IO_SCALAR(u32, u32, 4)
IO_SCALAR(u64, u64, 8)
IO_SCALAR(s64, s64, 8)

static void io_bool(struct io *io, bool *v)
{
	u8 byte = *v;

	io_u8(io, &byte);
	if (byte > 1)
		io->failed = true;
	*v = byte;
}

static u32 put_string(struct io *io, const char *s)
{
	void **known = dict_put(&io->known, s);

	if (!*known) {
		*known = (void *)(uintptr_t)(io->strings->n + 1);
		buf_add(io->strings, s, strlen(s) + 1);
	}
	return (u32)((uintptr_t)*known - 1);
}

static void io_str(struct io *io, const char **s)
{
	u32 off = NO_STRING;

	if (!io->reading && *s)
		off = put_string(io, *s);
	io_u32(io, &off);
	if (!io->reading)
		return;
	*s = NULL;
	if (off < io->text_size)
		*s = io->text + off;
	else if (off != NO_STRING)
		io->failed = true;
}

static void io_text(struct io *io, const char **s, size_t *size)
{
	u32 n = *s ? (u32)*size : NO_STRING;

	io_u32(io, &n);
	if (n == NO_STRING || io->failed)
		return;
	if (!io->reading) {
		buf_add(io->out, *s, n);
	} else if ((size_t)(io->end - io->p) < n) {
		io->failed = true;
	} else {
		*s = arena_strndup(io->arena, (const char *)io->p, n);
		*size = n;
		io->p += n;
	}
}

/* ---- rows */

static void io_layout(struct io *io, struct layout *l, u32 depth)
{
	io_u32(io, &l->size);
	io_u32(io, &l->n);
	if (io->reading) {
		if (io->failed || l->n > (size_t)(io->end - io->p) / FIELD_BYTES_LEAST ||
		    depth > LAYOUT_DEPTH) {
			l->n = 0;
			io->failed = true;
			return;
		}
		l->fields = l->n ? arena_array(io->arena, struct field, l->n) : NULL;
	}
	for (u32 i = 0; i < l->n && !io->failed; i++) {
		struct field *f = &l->fields[i];

		io_str(io, &f->name);
		io_u8(io, &f->kind);
		io_u8(io, &f->unit);
		io_u16(io, &f->width);
		io_u32(io, &f->off);
		io_u32(io, &f->size);
		io_u8(io, &f->mode);
		io_str(io, &f->text);
		io_u8(io, &f->bit);
		io_u8(io, &f->bits);
		io_u32(io, &f->count);
		if (!field_has_sub(f) || io->failed)
			continue;
		if (io->reading)
			f->sub = arena_new(io->arena, struct layout);
		io_layout(io, f->sub, depth + 1);
	}
}

/* Of the functions behind a program only the names: the rest is in `.text`. */
static void io_funcs(struct io *io, struct code *c)
{
	u32 n = c->funcs.n ? c->funcs.n - 1 : 0;

	io_u32(io, &n);
	if (io->reading && n)
		vec_push(io->arena, &c->funcs, (struct code_func){0});
	for (u32 i = 0; i < n && !io->failed; i++)
		io_str(io, io->reading ? &vec_add(io->arena, &c->funcs)->name :
					 &c->funcs.v[i + 1].name);
}

static void io_prog(struct io *io, struct object_prog *p)
{
	io_str(io, &p->name);
	io_str(io, &p->section);
	io_str(io, &p->probe);
	io_u32(io, &p->kind);
	io_u32(io, &p->code.stack);
	io_funcs(io, &p->code);
}

static void io_map(struct io *io, struct object_map *m)
{
	io_str(io, &m->name);
	io_str(io, &m->shown);
	io_u32(io, &m->kind);
	io_u32(io, &m->key_size);
	io_u32(io, &m->value_size);
	io_u32(io, &m->max_entries);
	io_u32(io, &m->flags);
	io_u32(io, &m->inner.kind);
	io_u32(io, &m->inner.key_size);
	io_u32(io, &m->inner.value_size);
	io_u32(io, &m->inner.max_entries);
	io_u32(io, &m->inner.flags);
	io_bool(io, &m->fill_per_cpu);
	io_bool(io, &m->scalar);
	io_bool(io, &m->value_signed);
	io_layout(io, &m->key, 0);
	io_layout(io, &m->value, 0);
	io_u8(io, &m->agg);
	io_u32(io, &m->spare);
	for (u32 i = 0; i < ARRAY_SIZE(m->agg_arg); i++)
		io_s64(io, &m->agg_arg[i]);
	io_u32(io, &m->at.line);
	io_u16(io, &m->at.col);
	io_u16(io, &m->at.len);
	io_u8(io, &m->section);
	io_u32(io, &m->per_cpu);
}

static void io_schema(struct io *io, struct schema *s)
{
	io_u32(io, &s->id);
	io_str(io, &s->name);
	io_layout(io, &s->layout, 0);
	io_u8(io, &s->action.kind);
	io_str(io, &s->action.text);
	io_u32(io, &s->action.map);
	io_u32(io, &s->action.top);
	io_u32(io, &s->action.div);
	io_u8(io, &s->view);
	io_u32(io, &s->group);
	io_u32(io, &s->then);
}

static void io_attach(struct io *io, struct attach *a)
{
	io_u8(io, &a->kind);
	io_u32(io, &a->prog);
	io_str(io, &a->pattern);
	io_u64(io, &a->ns);
	io_u64(io, &a->cookie);
	io_u64(io, &a->off);
	io_u64(io, &a->count);
	io_u64(io, &a->semaphore);
	io_str(io, &a->fields);
}

static void io_fill(struct io *io, struct object_fill *f)
{
	io_u8(io, &f->kind);
	io_str(io, &f->text);
	io_u32(io, &f->off);
}

/* ---- tables */

struct table {
	size_t size_at;	    /* writing: where its size is */
	const u8 *file_end; /* reading: end of the section */
};

static struct table io_begin(struct io *io)
{
	struct table t = {.size_at = io->reading ? 0 : io->out->n, .file_end = io->end};
	u32 size = 0;

	io_u32(io, &size);
	if (!io->reading)
		return t;
	if (io->failed || size > (size_t)(io->end - io->p))
		io->failed = true;
	else
		io->end = io->p + size;
	return t;
}

static void io_end(struct io *io, const struct table *t)
{
	if (io->reading) {
		if (io->p != io->end)
			io->failed = true;
		io->end = t->file_end;
	} else if (!io->out->failed) {
		u64 size = io->out->n - t->size_at - 4;

		for (u32 i = 0; i < 4; i++)
			io->out->p[t->size_at + i] = (char)(size >> 8 * i);
	}
}

/* All rows of a vector. Rows are added one at a time, so that a wrong number costs no memory. */
#define io_table(io, x, row)                                                                     \
	do {                                                                                     \
		struct table t_ = io_begin(io);                                                  \
		u32 n_ = (x)->n;                                                                 \
                                                                                                 \
		io_u32(io, &n_);                                                                 \
		for (u32 i_ = 0; i_ < n_ && !(io)->failed; i_++)                                 \
			row(io, (io)->reading ? vec_add((io)->arena, x) : &(x)->v[i_]);          \
		io_end(io, &t_);                                                                 \
	} while (0)

static void io_object(struct io *io, struct object *o)
{
	struct table t = io_begin(io);
	u32 rows = 1;

	io_u32(io, &rows);
	if (rows != 1)
		io->failed = true;
	io_u32(io, &o->kernel);
	io_str(io, &o->source_name);
	io_text(io, &o->source, &o->source_size);
	io_bool(io, &o->silent);
	io_end(io, &t);
	io_table(io, &o->progs, io_prog);
	io_table(io, &o->maps, io_map);
	io_table(io, &o->schemas, io_schema);
	io_table(io, &o->attaches, io_attach);
	io_table(io, &o->fills, io_fill);
}

void object_write_section(const struct object *o, struct arena *arena, struct buf *out)
{
	struct buf rows = {0}, strings = {0};
	struct io io = {.arena = arena, .out = &rows, .strings = &strings,
			.known = {.arena = arena}};
	u64 version = WAGGLE_SECTION_VERSION, size;

	io_object(&io, (struct object *)o); /* only read: io.reading is false */
	size = strings.n;
	io.out = out;
	buf_puts(out, MAGIC);
	io_uint(&io, &version, 4);
	io_uint(&io, &size, 4);
	buf_add(out, strings.p, strings.n);
	buf_add(out, rows.p, rows.n);
	out->failed |= rows.failed || strings.failed;
	buf_free(&rows);
	buf_free(&strings);
}

/* Magic, version and string table. */
static int read_head(struct io *io, const char *name, struct diag *d)
{
	u32 version = 0;
	char *text;

	if ((size_t)(io->end - io->p) < 4 || memcmp(io->p, MAGIC, 4) != 0)
		return diag_fail(d, -EINVAL, NULL,
				 "%s: section %s does not begin as one of ours", name,
				 WAGGLE_SECTION);
	io->p += 4;
	io_u32(io, &version);
	if (!io->failed && version != WAGGLE_SECTION_VERSION)
		return diag_fail(d, -EINVAL,
				 "use the waggle that built it, or build it again from its source",
				 "%s: section %s is of version %u, this waggle reads version %u",
				 name, WAGGLE_SECTION, version, WAGGLE_SECTION_VERSION);
	io_u32(io, &io->text_size);
	if (io->failed || io->text_size > (size_t)(io->end - io->p) ||
	    (io->text_size && io->p[io->text_size - 1])) {
		io->failed = true;
		return 0;
	}
	text = arena_alloc(io->arena, io->text_size + 1);
	memcpy(text, io->p, io->text_size);
	io->text = text;
	io->p += io->text_size;
	return 0;
}

int object_read_section(struct object *o, const u8 *data, u64 size, const char *name,
			struct diag *d)
{
	struct io io = {.reading = true, .arena = &o->arena, .p = data, .end = data + size};
	int err = read_head(&io, name, d);

	if (err)
		return err;
	if (!io.failed)
		io_object(&io, o);
	if (io.failed || io.p != io.end)
		return diag_fail(d, -EINVAL, "build the object again from its source",
				 "%s: section %s is broken at byte %zu", name, WAGGLE_SECTION,
				 (size_t)(io.p - data));
	return 0;
}
