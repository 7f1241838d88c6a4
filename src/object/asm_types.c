/*
 * asm_types.c: the types of an object as text: `.type`, and a row for each member.
 *
 * In:  `.type 5 struct "event" size 8`, `.member "pid" type 2`, ...; or the BTF of an object.
 * Out: the same record of BTF, whose words the table below names; or these lines.
 *
 * A kind says which words of its record have which names. What is zero is left out, a word of one
 * bit is a word without a number.
 */
#include "object/asm_text.h"

#include <errno.h>
#include <stdio.h>

#define ROWS_MOST 0xffff /* BTF counts them in 16 bits */

struct part { /* bits of a word */
	const char *name;
	u8 word, shift, bits;
};
struct type_kind {
	const char *name;
	u8 words; /* of the record: name, info, size or type, then its own */
	struct part parts[5];
	const char *row; /* directive of its rows; NULL: none */
	u8 row_words;
	bool row_named; /* the first word is its name */
	struct part row_parts[3];
};

#define TYPE                     \
	{                        \
		"type", 2, 0, 32 \
	}
#define SIZE                     \
	{                        \
		"size", 2, 0, 32 \
	}
#define FLAG(x)             \
	{                   \
		x, 1, 31, 1 \
	}
#define MEMBERS                                             \
	.row = "member", .row_words = 3, .row_named = true, \
	.row_parts = {{"type", 1, 0, 32}, {"offset", 2, 0, 32}}
#define REFERS(x)                                        \
	{                                                \
		.name = x, .words = 3, .parts = { TYPE } \
	}
static const struct type_kind kinds[] = {
	[BTF_INT] = {.name = "int",
		     .words = 4,
		     .parts = {SIZE,
			       {"bits", 3, 0, 24},
			       {"signed", 3, 24, 1},
			       {"char", 3, 25, 1},
			       {"bool", 3, 26, 1}}},
	[BTF_PTR] = REFERS("ptr"),
	[BTF_ARRAY] = {.name = "array",
		       .words = 6,
		       .parts = {{"type", 3, 0, 32}, {"index", 4, 0, 32}, {"entries", 5, 0, 32}}},
	[BTF_STRUCT] = {.name = "struct", .words = 3, .parts = {SIZE, FLAG("bitfields")}, MEMBERS},
	[BTF_UNION] = {.name = "union", .words = 3, .parts = {SIZE, FLAG("bitfields")}, MEMBERS},
	[BTF_ENUM] = {.name = "enum",
		      .words = 3,
		      .parts = {SIZE, FLAG("signed")},
		      .row = "value",
		      .row_words = 2,
		      .row_named = true,
		      .row_parts = {{"is", 1, 0, 32}}},
	/* bpf-gcc gives some a size */
	[BTF_FWD] = {.name = "fwd", .words = 3, .parts = {FLAG("union"), SIZE}},
	[BTF_TYPEDEF] = REFERS("typedef"),
	[BTF_VOLATILE] = REFERS("volatile"),
	[BTF_CONST] = REFERS("const"),
	[BTF_RESTRICT] = REFERS("restrict"),
	[BTF_FUNC] = {.name = "func", .words = 3, .parts = {TYPE, {"linkage", 1, 0, 16}}},
	[BTF_FUNC_PROTO] = {.name = "proto",
			    .words = 3,
			    .parts = {TYPE},
			    .row = "param",
			    .row_words = 2,
			    .row_named = true,
			    .row_parts = {{"type", 1, 0, 32}}},
	[BTF_VAR] = {.name = "var", .words = 4, .parts = {TYPE, {"linkage", 3, 0, 32}}},
	[BTF_DATASEC] = {.name = "section",
			 .words = 3,
			 .parts = {SIZE},
			 .row = "place",
			 .row_words = 3,
			 .row_parts = {{"type", 0, 0, 32},
				       {"offset", 1, 0, 32},
				       {"size", 2, 0, 32}}},
	[BTF_FLOAT] = {.name = "float", .words = 3, .parts = {SIZE}},
	[BTF_DECL_TAG] = {.name = "decl_tag",
			  .words = 4,
			  .parts = {TYPE, {"component", 3, 0, 32}, FLAG("attribute")}},
	[BTF_TYPE_TAG] = {.name = "type_tag", .words = 3, .parts = {TYPE, FLAG("attribute")}},
	[BTF_ENUM64] = {.name = "enum64",
			.words = 3,
			.parts = {SIZE, FLAG("signed")},
			.row = "value",
			.row_words = 3,
			.row_named = true,
			.row_parts = {{"is", 1, 0, 32}, {"high", 2, 0, 32}}},
};

/* where the flag "bitfields" is set */
static const struct part in_bits[] = {{"type", 1, 0, 32}, {"offset", 2, 0, 24}, {"bits", 2, 24, 8}};

static const struct part *row_parts(const struct type_kind *k, u32 info)
{
	u32 kind = info >> 24 & 0x1f;

	return info >> 31 && (kind == BTF_STRUCT || kind == BTF_UNION) ? in_bits : k->row_parts;
}

static u32 mask_of(const struct part *p)
{
	return p->bits == 32 ? UINT32_MAX : (1u << p->bits) - 1;
}

/* ---- as text */

static void put_parts(struct buf *out, const struct part *parts, u32 n, const u32 *words)
{
	for (; n-- && parts->name; parts++) {
		u32 value = words[parts->word] >> parts->shift & mask_of(parts);

		if (!value)
			continue;
		buf_printf(out, " %s", parts->name);
		if (parts->bits > 1)
			buf_printf(out, value >> 24 ? " 0x%x" : " %u", value);
	}
}

static void put_name(struct buf *out, struct btf *btf, u32 off)
{
	const char *name = btf_string_at(btf, off);

	if (name && *name) {
		buf_char(out, ' ');
		asm_put_quoted(out, name);
	}
}

static void put_type(struct buf *out, struct btf *btf, u32 id, const u8 *record, u32 size)
{
	u32 words[6], info;
	const struct type_kind *k;

	memcpy(words, record, 12);
	info = words[1];
	k = &kinds[info >> 24 & 0x1f];
	memcpy(words, record, k->words * sizeof(u32));
	buf_printf(out, ".type %u %s", id, k->name);
	put_name(out, btf, words[0]);
	put_parts(out, k->parts, ARRAY_SIZE(k->parts), words);
	buf_char(out, '\n');
	for (u32 at = k->words * 4u; k->row && at < size; at += k->row_words * 4u) {
		memcpy(words, record + at, k->row_words * sizeof(u32));
		buf_printf(out, ".%s", k->row);
		if (k->row_named)
			put_name(out, btf, words[0]);
		put_parts(out, row_parts(k, info), ARRAY_SIZE(k->row_parts), words);
		buf_char(out, '\n');
	}
}

void asm_put_types(struct buf *out, const struct object *o, struct btf *btf)
{
	buf_puts(out, "\n; types\n");
	for (u32 id = 1; id <= btf_count(btf); id++) {
		u32 off, size;

		if (btf_raw(btf, id, &off, &size) && btf_type(btf, id))
			put_type(out, btf, id, o->btf + off, size);
	}
}

/* ---- from text */

/* A name may be there: it is the only word that begins with a quote. */
static int take_name(struct asm_text *t, u32 *out)
{
	asm_blanks(t);
	*out = t->p < t->end && *t->p == '"' ? btf_string(&t->types, asm_word(t, NULL)) : 0;
	return 0;
}

static const struct part *part_of(const struct part *parts, u32 n, const char *word)
{
	for (; n-- && parts->name; parts++)
		if (!strcmp(parts->name, word))
			return parts;
	return NULL;
}

static int take_parts(struct asm_text *t, const struct part *parts, u32 n, u32 *words)
{
	const char *word;
	struct loc at;

	while ((word = asm_word(t, &at))) {
		const struct part *p = part_of(parts, n, word);
		u64 value = 1;
		int err = 0;

		if (!p)
			return diag_error(t->d, at, NULL, "'%s' is nothing that this has", word);
		if (p->bits > 1)
			err = asm_number(t, p->name, mask_of(p), &value);
		if (err)
			return err;
		words[p->word] = (words[p->word] & ~(mask_of(p) << p->shift)) | (u32)value
											<< p->shift;
	}
	return 0;
}

static void add_words(struct asm_text *t, const u32 *words, u32 n)
{
	for (u32 i = 0; i < n; i++)
		vec_push(&t->arena, &t->type, words[i]);
}

void asm_type_end(struct asm_text *t)
{
	if (t->type.n)
		btf_add_record(&t->types, t->type.v, t->type.n);
	t->type.n = 0;
}

static int kind_of(struct asm_text *t, u32 *kind)
{
	struct loc at;
	const char *word = asm_word(t, &at);
	struct near near = {.word = word ? word : ""};
	char hint[64];

	for (u32 i = 1; i < ARRAY_SIZE(kinds); i++) {
		if (word && !strcmp(kinds[i].name, word)) {
			*kind = i;
			return 0;
		}
		near_try(&near, kinds[i].name);
	}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", near.best ? near.best : "");
	return diag_error(t->d, at, near.best ? hint : NULL, "%s%s%s",
			  word ? "there is no kind of type '" : "here belongs the kind of the type",
			  word ? word : "", word ? "'" : "");
}

/* .type N KIND ["NAME"] [size N] [type N] ... */
int asm_type(struct asm_text *t, struct loc at)
{
	u32 words[6] = {0}, kind = 0;
	u64 id;
	int err = asm_number(t, "the number of the type", UINT32_MAX, &id);

	asm_type_end(t);
	if (!err && id != t->types.n + 1)
		return diag_error(t->d, at, NULL,
				  "types stand in the order of their numbers: this is %u",
				  t->types.n + 1);
	if (!err)
		err = kind_of(t, &kind);
	if (err)
		return err;
	err = take_name(t, &words[0]);
	if (!err)
		err = take_parts(t, kinds[kind].parts, ARRAY_SIZE(kinds[kind].parts), words);
	words[1] |= kind << 24;
	add_words(t, words, kinds[kind].words);
	return err;
}

/* .member, .value, .param, .place: a row of the type above */
int asm_type_row(struct asm_text *t, const char *directive, struct loc at)
{
	const struct type_kind *k = t->type.n ? &kinds[t->type.v[1] >> 24 & 0x1f] : NULL;
	u32 words[3] = {0};
	int err = 0;

	if (!k || !k->row || strcmp(k->row, directive) != 0)
		return diag_error(t->d, at, ".type N KIND \"NAME\"",
				  "'.%s' belongs to no type that has them", directive);
	if ((t->type.v[1] & ROWS_MOST) == ROWS_MOST)
		return diag_error(t->d, at, NULL, "a type has %u of them at most", ROWS_MOST);
	if (k->row_named)
		err = take_name(t, &words[0]);
	if (!err)
		err = take_parts(t, row_parts(k, t->type.v[1]), ARRAY_SIZE(k->row_parts), words);
	add_words(t, words, k->row_words);
	t->type.v[1]++;
	return err;
}
