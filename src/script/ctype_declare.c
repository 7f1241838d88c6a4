/*
 * ctype_declare.c: struct, union and enum NAME { ... } of a script; see ctype.h.
 *
 * In:  the tokens from the keyword on. Out: types and constants that the script knows from there;
 * members lie where the ABI of x86-64 and arm64 puts them. The first error ends a declaration.
 */
#include "script/ctype_words.h"

#include <errno.h>
#include <stdio.h>

bool ctype_wrong(struct words *w, struct loc at, const char *hint, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (w->unknown)
		return false;
	if (!w->told && w->tok.kind != TOK_BAD) { /* which the lexer has told */
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		diag_error(w->diag, at, hint, "%s", text);
	}
	w->told = true;
	return false;
}

static bool expected(struct words *w, const char *what, const char *hint)
{
	if (w->tok.kind == TOK_NAME)
		return ctype_wrong(w, w->tok.at, hint, "%s expected, not '%s'", what, w->tok.text);
	return ctype_wrong(w, w->tok.at, hint, "%s expected, not %s", what,
			   token_text(w->tok.kind));
}

static bool take(struct words *w, enum token_kind kind, const char *hint)
{
	if (w->tok.kind != kind)
		return expected(w, token_text(kind), hint);
	ctype_next(w);
	return true;
}

/* ---- attributes */

struct attributes {
	bool packed;
	u32 align; /* at least */
};

/* What stands in parentheses, and what of it is known: packed, aligned(8). */
static void read_attributes(struct words *w, struct attributes *a)
{
	u32 depth = 0;
	s64 value;

	do {
		const char *word = w->tok.kind == TOK_NAME ? w->tok.text : "";
		bool aligned = !strcmp(word, "aligned") || !strcmp(word, "__aligned__") ||
			       !strcmp(word, "__aligned");

		depth += w->tok.kind == TOK_LPAREN;
		depth -= w->tok.kind == TOK_RPAREN;
		a->packed |= !strcmp(word, "packed") || !strcmp(word, "__packed__") ||
			     !strcmp(word, "__packed");
		ctype_next(w);
		if (!aligned || w->tok.kind != TOK_LPAREN)
			continue;
		ctype_next(w);
		depth++;
		if (ctype_number(w, &value) && value > 0 && value <= 4096)
			a->align = MAX(a->align, (u32)value);
	} while (depth && w->tok.kind != TOK_END && w->tok.kind != TOK_BAD);
}

/* __attribute__((...)), and the macros that stand for them: __packed, __aligned(8), __rcu */
static void skip_attributes(struct words *w, struct attributes *a)
{
	while (w->tok.kind == TOK_NAME && !strncmp(w->tok.text, "__", 2)) {
		bool call =
			!strcmp(w->tok.text, "__attribute__") || !strcmp(w->tok.text, "__aligned");

		read_attributes(w, a); /* the word */
		if (call && w->tok.kind == TOK_LPAREN)
			read_attributes(w, a);
	}
}

/* ---- members */

struct body {
	struct aggregate *a;
	struct member_list {
		struct member *v;
		u32 n, cap;
	} members;
	u32 bit_end, align; /* of what is there up to now */
	struct attributes attributes;
};

/* `int : 3;` takes room, but on x86-64 it aligns nothing. */
static bool is_padding(const struct member *m)
{
	return m->bits && !*m->name;
}

/* `int : 0;` begins a new unit. */
static bool is_fill(const struct member *m)
{
	return !m->bits && !*m->name && m->type.kind == TYPE_INT;
}

static u32 align_of(struct script *s, struct type t)
{
	u32 most = 1;

	if (t.kind == TYPE_STRUCT && t.fields->align)
		return MAX(t.fields->align, 1u);
	if (t.kind == TYPE_ARRAY)
		return align_of(s, *t.of);
	if (t.kind == TYPE_STR)
		return 1;
	if (t.kind != TYPE_STRUCT)
		return MAX(t.size, 1u);
	ctype_members(s, t.fields);
	for (u32 i = 0; t.fields->members && i < t.fields->n; i++)
		if (!is_padding(&t.fields->members[i]))
			most = MAX(most, align_of(s, t.fields->members[i].type));
	return most;
}

static void place_member(struct script *s, struct body *b, struct member *m, u32 least)
{
	u32 size = m->type.size * 8, align = MAX(align_of(s, m->type), MAX(least, 1u)), unit;

	if (b->attributes.packed)
		align = MAX(least, 1u);

	if (!is_padding(m) && !is_fill(m))
		b->align = MAX(b->align, align);
	if (is_fill(m)) {
		b->bit_end = ALIGN_UP(b->bit_end, size);
	} else if (b->a->is_union) {
		m->bit_off = 0;
		b->bit_end = MAX(b->bit_end, size);
	} else if (m->bits) { /* a bitfield does not cross its type's units */
		unit = MAX(size, 8u);
		if (!b->attributes.packed && b->bit_end / unit != (b->bit_end + m->bits - 1) / unit)
			b->bit_end = ALIGN_UP(b->bit_end, unit);
		m->bit_off = b->bit_end;
		b->bit_end += m->bits;
	} else {
		m->bit_off = ALIGN_UP(b->bit_end, align * 8);
		b->bit_end = m->bit_off + size;
	}
}

/* ":" bits, behind the name of an integer */
static bool parse_bits(struct words *w, struct member *m)
{
	u32 most = MIN(m->type.size * 8, 64u);
	struct loc at = w->tok.at;

	ctype_next(w);
	if (m->type.kind != TYPE_INT || m->type.is_pointer || !most)
		return ctype_wrong(w, at, "unsigned int low : 3;",
				   "only an integer can have a width in bits, not %s",
				   m->type.is_pointer            ? "a pointer"
				   : m->type.kind == TYPE_STRUCT ? "a struct"
				   : m->type.kind == TYPE_NONE   ? "void"
								 : "an array");
	if (w->tok.kind != TOK_INT)
		return expected(w, "a number of bits", "unsigned int low : 3;");
	if ((!w->tok.value && *m->name) || w->tok.value > most)
		return ctype_wrong(w, w->tok.at, NULL,
				   "the width of '%s' is 1 to %u bits, not %llu", m->name, most,
				   (unsigned long long)w->tok.value);
	m->bits = (u32)w->tok.value;
	ctype_next(w);
	return true;
}

/* int (*name)(int, void *), or int (*name)[4]: a pointer. What it points to is not of use. */
static bool parse_function(struct words *w, struct member *m)
{
	struct attributes ignored = {0};
	struct type what = {.kind = TYPE_NONE};

	ctype_next(w);
	if (!ctype_stars(w, &what))
		return false;
	if (!what.is_pointer || w->tok.kind != TOK_NAME)
		return expected(w, "a pointer to a function", "int (*fn)(int);");
	m->name = w->tok.text;
	ctype_next(w);
	if (!ctype_brackets(w, &what) || !take(w, TOK_RPAREN, "int (*fn)(int);"))
		return false;
	m->type = what;
	if (w->tok.kind == TOK_LPAREN)
		read_attributes(w, &ignored);
	return w->tok.kind != TOK_LBRACKET || ctype_brackets(w, &what);
}

static bool parse_declarator(struct words *w, struct type base, struct member *m)
{
	struct loc at = w->tok.at;
	struct type *t = &m->type;

	m->name = "";
	*t = base;
	if (!ctype_stars(w, t))
		return false;
	if (w->tok.kind == TOK_NAME) {
		m->name = w->tok.text;
		at = w->tok.at;
		ctype_next(w);
	} else if (w->tok.kind == TOK_LPAREN) {
		return parse_function(w, m);
	} else if (w->tok.kind != TOK_COLON && (t->kind != TYPE_STRUCT || t->is_pointer)) {
		return expected(w, "the name of a member", "struct name { int a; char b[16]; };");
	}
	if (!ctype_brackets(w, t))
		return false;
	if (w->tok.kind == TOK_COLON)
		return parse_bits(w, m);
	if (t->kind == TYPE_NONE || t->kind == TYPE_UNKNOWN)
		return ctype_wrong(w, at, "void *p; is a pointer", "'%s' cannot be void", m->name);
	if (t->kind == TYPE_STRUCT && !t->size && !t->fields->btf && !t->fields->members)
		return ctype_wrong(w, at, "a pointer to it can be a member",
				   "the type of '%s' is not complete here", m->name);
	return true;
}

/* members = type declarator { "," declarator } ";" */
static bool parse_members(struct words *w, struct body *b)
{
	struct type base;
	bool more = false;

	if (!ctype_base(w, &base))
		return w->tok.kind != TOK_NAME ? expected(w, "a type or '}'", NULL) : false;
	do {
		struct attributes attributes = {0};
		struct member m = {0};

		if (more)
			ctype_next(w);
		if (!parse_declarator(w, base, &m))
			return false;
		skip_attributes(w, &attributes);
		place_member(w->script, b, &m, attributes.align);
		if (b->bit_end > CTYPE_SIZE_MOST * 8)
			return ctype_wrong(w, w->tok.at, NULL,
					   "this struct is larger than %u bytes", CTYPE_SIZE_MOST);
		if (!is_fill(&m))
			vec_push(w->script->arena, &b->members, m);
		more = w->tok.kind == TOK_COMMA;
	} while (more);
	return take(w, TOK_SEMI, "members end with ;");
}

/* `packed` stands behind the members: they have other places then. */
static void place_again(struct script *s, struct body *b)
{
	if (!b->attributes.packed)
		return;
	b->bit_end = 0;
	for (u32 i = 0; i < b->members.n; i++)
		place_member(s, b, &b->members.v[i], 0);
}

bool ctype_aggregate(struct words *w, const char *word, struct type *t)
{
	struct aggregate *a = arena_new(w->script->arena, struct aggregate);
	struct body b = {.a = a, .align = 1};

	a->is_union = *word == 'u';
	a->name = "";
	if (++w->depth > CTYPE_DEPTH)
		return ctype_wrong(w, w->tok.at, "declare the inner ones first",
				   "this is nested too deeply");
	ctype_next(w);
	skip_attributes(w, &b.attributes);
	if (w->tok.kind == TOK_NAME) {
		a->name = w->tok.text;
		ctype_put(w->script, word, a);
		ctype_next(w);
	}
	if (!take(w, TOK_LBRACE, "struct name { int a; char b[16]; };"))
		return false;
	while (w->tok.kind != TOK_RBRACE)
		if (!parse_members(w, &b))
			return false;
	ctype_next(w);
	w->depth--;
	a->members = b.members.v;
	a->n = b.members.n;
	skip_attributes(w, &b.attributes);
	place_again(w->script, &b);
	b.align = MAX(b.attributes.packed ? b.attributes.align : b.align,
		      MAX(b.attributes.align, 1u));
	a->align = b.attributes.packed || b.attributes.align ? b.align : 0;
	a->size = ALIGN_UP((b.bit_end + 7) / 8, b.align);
	*t = (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
	return true;
}

/* ---- enumerators */

/* { A, B = 3, ... }: each is a constant from where it stands on, in values of those behind it, too.
 */
static bool parse_enumerators(struct words *w, struct type *t, struct buf *text)
{
	u64 next = 0;

	while (w->tok.kind == TOK_NAME) {
		const char *name = w->tok.text;
		s64 value = (s64)next;

		ctype_next(w);
		if (w->tok.kind == TOK_SET) {
			ctype_next(w);
			if (!ctype_number(w, &value))
				return expected(w, "a number", "enum name { A, B = 3 };");
		}
		ctype_define_as(w->script, name, value, *t);
		buf_printf(text, "%lld %s\n", (long long)value, name);
		t->is_signed |= value < 0;
		if (value > UINT32_MAX || value < INT32_MIN)
			t->size = 8;
		next = (u64)value + 1;
		if (w->tok.kind != TOK_COMMA)
			break;
		ctype_next(w);
	}
	return true;
}

/* enum NAME { ... } */
bool ctype_enum(struct words *w, struct type *t)
{
	static const char example[] = "enum name { A, B = 3 };";
	struct enumeration *e = arena_new(w->script->arena, struct enumeration);
	struct buf text = {0};
	bool good;

	e->name = "";
	*t = (struct type){.kind = TYPE_INT, .size = 4, .names = e};
	ctype_next(w);
	if (w->tok.kind == TOK_NAME) {
		e->name = w->tok.text;
		ctype_next(w);
	}
	if (!take(w, TOK_LBRACE, example))
		return false;
	good = parse_enumerators(w, t, &text);
	e->text = arena_strdup(w->script->arena, buf_str(&text));
	buf_free(&text);
	if (*e->name)
		ctype_put_enum(w->script, e->name, *t);
	return good && take(w, TOK_RBRACE, example);
}

/* typedef = "typedef" type declarator { "," declarator } */
static bool parse_typedef(struct words *w)
{
	struct type base;

	ctype_next(w);
	if (!ctype_base(w, &base))
		return w->unknown ? false : expected(w, "a type", "typedef unsigned int id_t;");
	do {
		struct type t = base;
		const char *name;

		if (w->tok.kind == TOK_COMMA)
			ctype_next(w);
		if (!ctype_stars(w, &t))
			return false;
		if (w->tok.kind != TOK_NAME)
			return expected(w, "a name", "typedef unsigned int id_t;");
		name = w->tok.text;
		ctype_next(w);
		if (!ctype_brackets(w, &t))
			return false;
		ctype_put_name(w->script, name, t);
	} while (w->tok.kind == TOK_COMMA);
	return true;
}

/* `struct name;` promises one that is not needed. */
static bool only_promised(const struct words *w)
{
	struct lexer ahead = w->lex;
	u32 name = lex_next(&ahead).kind, end = lex_next(&ahead).kind;

	return name == TOK_NAME && end == TOK_SEMI;
}

int ctype_declare(struct script *s, struct lexer *lex)
{
	struct words w = {.script = s, .diag = s->diag, .lex = *lex};
	bool named, good;
	struct type t;

	ctype_next(&w);
	named = !strcmp(w.tok.text, "typedef");
	if (only_promised(&w)) {
		ctype_next(&w);
		ctype_next(&w);
		good = true;
	} else if (named) {
		good = parse_typedef(&w);
	} else {
		good = !strcmp(w.tok.text, "enum") ? ctype_enum(&w, &t)
						   : ctype_aggregate(&w, w.tok.text, &t);
	}
	if (!good && w.unknown && !w.told)
		return diag_error(s->diag, w.unknown_at,
				  "declare it first, or use a type of the kernel",
				  "there is no type '%s'", w.unknown);
	if (good && named && w.tok.kind != TOK_SEMI)
		good = expected(&w, "';'", "typedef unsigned int id_t;");
	if (!good)
		return -EINVAL;
	*lex = w.tok.kind == TOK_SEMI ? w.lex : w.before; /* the ; is not needed */
	return 0;
}

/* ---- headers */

/* Up to behind the `;` of a declaration, or the body of a function. */
static void skip_declaration(struct lexer *lex)
{
	u32 depth = 0;
	bool call = false;
	struct token t;

	do {
		t = lex_next(lex);
		switch (t.kind) {
		case TOK_LPAREN:
			call |= !depth;
			depth++;
			break;
		case TOK_LBRACE:
		case TOK_LBRACKET: depth++; break;
		case TOK_RPAREN:
		case TOK_RBRACKET:
		case TOK_RBRACE:
			depth -= depth > 0;
			if (t.kind == TOK_RBRACE && !depth && call)
				return;
		}
	} while (t.kind != TOK_END && t.kind != TOK_BAD && (t.kind != TOK_SEMI || depth));
}

void ctype_header(struct script *s, struct lexer *lex)
{
	static const char *const words[] = {"struct", "union", "enum", "typedef"};
	struct diag quiet = {0}, *heard = s->diag;
	struct lexer ahead = *lex;
	struct token t = lex_next(&ahead);

	quiet.files = heard->files;
	quiet.nfiles = heard->nfiles;
	ahead = *lex;
	ahead.diag = s->diag = &quiet;
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (t.kind == TOK_NAME && !strcmp(t.text, words[i]) && !ctype_declare(s, &ahead)) {
			ahead.diag = lex->diag;
			*lex = ahead;
			s->diag = heard;
			return;
		}
	s->diag = heard;
	skip_declaration(lex);
}
