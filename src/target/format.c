/*
 * format.c: tracefs format files: what fields the record of a tracepoint has.
 *
 * In:  the text of events/CATEGORY/NAME/format.
 * Out: struct tp_format, without the common_ fields.
 *
 * A line of interest reads
 *	field:DECLARATION;	offset:N;	size:N;	signed:0;
 * where the declaration is C ("const char * filename", "char comm[16]"), or puts the brackets
 * behind the type ("__data_loc char[] name"). Lines that say anything else are passed over.
 */
#include "target/impl.h"

#include <ctype.h>
#include <stdlib.h>

#define RECORD_MOST 65536 /* a record's length is 16 bits */

struct span {
	const char *p;
	size_t n;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span s)
{
	while (s.n && is_space(s.p[0]))
		s.p++, s.n--;
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool has_prefix(struct span s, struct span word)
{
	return s.n >= word.n && !memcmp(s.p, word.p, word.n);
}

#define WORD(text)          ((struct span){text, sizeof(text) - 1})
#define HAS_PREFIX(s, text) has_prefix(s, WORD(text))

static bool is_word(struct span s, const char *word)
{
	return s.n && *s.p == *word && s.n == strlen(word) && !memcmp(s.p, word, s.n);
}

/* Takes "key:value;" off the front of *s, after white space. */
static bool take(struct span *s, struct span key, struct span *value)
{
	struct span t = trim(*s);
	const char *end;

	if (!has_prefix(t, key))
		return false;
	t.p += key.n;
	t.n -= key.n;
	end = memchr(t.p, ';', t.n);
	if (!end)
		return false;
	*value = trim((struct span){t.p, (size_t)(end - t.p)});
	*s = (struct span){end + 1, t.n - (size_t)(end + 1 - t.p)};
	return true;
}

static bool to_number(struct span s, u32 most, u32 *v)
{
	u64 n = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!isdigit((u8)s.p[i]))
			return false;
		n = n * 10 + (u64)(s.p[i] - '0');
		if (n > most)
			return false;
	}
	*v = (u32)n;
	return true;
}

/* Bytes of the scalar types that kernels use in arrays; 0: not known here. */
static u32 scalar_size(struct span type)
{
	static const struct {
		const char *name;
		u32 size;
	} known[] = {
		{"char", 1},
		{"unsigned char", 1},
		{"signed char", 1},
		{"u8", 1},
		{"__u8", 1},
		{"s8", 1},
		{"__s8", 1},
		{"uint8_t", 1},
		{"bool", 1},
		{"short", 2},
		{"u16", 2},
		{"__u16", 2},
		{"s16", 2},
		{"__be16", 2},
		{"__le16", 2},
		{"uint16_t", 2},
		{"unsigned short", 2},
		{"int", 4},
		{"unsigned int", 4},
		{"unsigned", 4},
		{"u32", 4},
		{"__u32", 4},
		{"s32", 4},
		{"__s32", 4},
		{"__be32", 4},
		{"__le32", 4},
		{"uint32_t", 4},
		{"pid_t", 4},
		{"u64", 8},
		{"__u64", 8},
		{"s64", 8},
		{"__s64", 8},
		{"__le64", 8},
		{"__be64", 8},
		{"uint64_t", 8},
		{"long long", 8},
		{"unsigned long long", 8},
		{"dma_addr_t", 8},
	};

	if (HAS_PREFIX(type, "const "))
		type = trim((struct span){type.p + 6, type.n - 6});
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (is_word(type, known[i].name))
			return known[i].size;
	if (is_word(type, "unsigned long") || is_word(type, "long") ||
	    (type.n && type.p[type.n - 1] == '*'))
		return 8; /* all machines that we compile for have 64 bits */
	return 0;
}

/* "[4][6]" -> 24; 0: a bracket is empty or holds no plain number. */
static u32 count_elements(struct span brackets)
{
	u32 n = 1, one;

	while (brackets.n && *brackets.p == '[') {
		const char *end = memchr(brackets.p, ']', brackets.n);
		struct span inside;

		if (!end)
			return 0;
		inside = trim((struct span){brackets.p + 1, (size_t)(end - brackets.p - 1)});
		if (!to_number(inside, RECORD_MOST, &one) || !one || n > RECORD_MOST / one)
			return 0;
		n *= one;
		brackets.n -= (size_t)(end + 1 - brackets.p);
		brackets.p = end + 1;
		brackets = trim(brackets);
	}
	return n;
}

/* "char comm[16]" -> type "char", name "comm", brackets "[16]"; false: there is no name. */
static bool split(struct span decl, struct span *type, struct span *name, struct span *brackets)
{
	const char *open = memchr(decl.p, '[', decl.n);
	size_t n = decl.n;

	*brackets = (struct span){decl.p + decl.n, 0};
	if (open && decl.p[decl.n - 1] == ']') { /* behind the name */
		*brackets = (struct span){open, decl.n - (size_t)(open - decl.p)};
		decl = trim((struct span){decl.p, (size_t)(open - decl.p)});
		n = decl.n;
	}
	while (n && (isalnum((u8)decl.p[n - 1]) || decl.p[n - 1] == '_'))
		n--;
	*name = (struct span){decl.p + n, decl.n - n};
	*type = trim((struct span){decl.p, n});
	if (open && !brackets->n) { /* behind the type */
		*brackets = (struct span){open, type->n - MIN(type->n, (size_t)(open - type->p))};
		type->n -= brackets->n;
	}
	return name->n && type->n;
}

static void take_location(struct tp_field *f, struct span *type)
{
	f->is_rel_loc = HAS_PREFIX(*type, "__rel_loc ");
	f->is_data_loc = f->is_rel_loc || HAS_PREFIX(*type, "__data_loc ");
	if (f->is_data_loc) {
		u32 word = f->is_rel_loc ? 10 : 11;

		*type = trim((struct span){type->p + word, type->n - word});
	}
}

static char *joined(struct arena *a, struct span x, struct span y)
{
	char *s = arena_strndup(a, x.p, x.n + y.n); /* both lie in one line */

	memcpy(s + x.n, y.p, y.n);
	return s;
}

/* Of the fields that all records have: no script asks for them, so they are not looked at. */
static bool is_common(struct span line)
{
	const char *end = memchr(line.p, ';', line.n);
	size_t n = end ? (size_t)(end - line.p) : 0;

	while (n && line.p[n - 1] != ' ')
		n--;
	return n && HAS_PREFIX(((struct span){line.p + n, line.n - n}), "common_");
}

static bool describe(struct arena *a, struct tp_field *f, struct span decl)
{
	struct span type, name, brackets, whole;
	u32 n;

	if (!decl.n || !split(decl, &type, &name, &brackets))
		return false;
	whole = type;
	f->name = arena_strndup(a, name.p, name.n);
	f->type = joined(a, whole, brackets);
	take_location(f, &type);
	f->is_array = brackets.n || f->is_data_loc;
	f->is_pointer = !f->is_array && type.n && type.p[type.n - 1] == '*';
	if (!f->is_array)
		return true;
	n = f->is_data_loc ? 0 : count_elements(brackets);
	f->elem = n && f->size % n == 0 ? f->size / n : scalar_size(type);
	f->is_string = is_word(type, "char") || is_word(type, "const char");
	if (f->is_string)
		f->elem = 1;
	return true;
}

/* One line of the file; false: not a field, or one of the common ones. */
static bool parse_line(struct arena *a, struct tp_field *f, struct span line)
{
	struct span decl, off, size, sign;
	u32 is_signed = 0;

	if (is_common(line) || !take(&line, WORD("field:"), &decl) || !take(&line, WORD("offset:"), &off) ||
	    !take(&line, WORD("size:"), &size) || !to_number(off, RECORD_MOST, &f->off) ||
	    !to_number(size, RECORD_MOST, &f->size))
		return false;
	if (take(&line, WORD("signed:"), &sign))
		to_number(sign, 1, &is_signed);
	f->is_signed = is_signed;
	return describe(a, f, decl);
}

struct tp_format *tp_parse(struct arena *a, const char *category, const char *name,
			   const char *text, size_t size)
{
	struct tp_format *t = arena_new(a, struct tp_format);
	vec(struct tp_field) fields = {0};
	struct span rest = {text, size};
	bool any = false;

	t->category = arena_strdup(a, category);
	t->name = arena_strdup(a, name);
	while (rest.n) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		size_t n = nl ? (size_t)(nl - rest.p) : rest.n;
		struct span line = trim((struct span){rest.p, n});
		struct tp_field f = {0};

		if (HAS_PREFIX(line, TP_ENOUGH))
			break;
		any |= HAS_PREFIX(line, "format:") || HAS_PREFIX(line, "field:");
		if (parse_line(a, &f, line))
			vec_push(a, &fields, f);
		rest.p += n + (nl != NULL);
		rest.n -= n + (nl != NULL);
	}
	t->fields = fields.v;
	t->nfields = fields.n;
	return any ? t : NULL;
}

void tp_write_field(struct buf *out, const struct tp_field *f)
{
	const char *bracket = strchr(f->type, '[');
	size_t n = bracket && !f->is_data_loc ? (size_t)(bracket - f->type) : strlen(f->type);

	buf_puts(out, "\tfield:");
	buf_add(out, f->type, n);
	buf_printf(out, " %s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", f->name, f->type + n, f->off,
		   f->size, f->is_signed);
}

const struct tp_field *tp_field(const struct tp_format *t, const char *name)
{
	for (u32 i = 0; i < t->nfields; i++)
		if (str_same(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

bool tp_is_name(const char *s)
{
	size_t n = strlen(s);

	return n && n < TP_NAME_MOST && s[0] != '.' && !strpbrk(s, "/: \t\n;");
}
