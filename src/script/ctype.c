/* ctype.c: C types by name, by declaration and from BTF; see ctype.h. */
#include "script/ctype.h"

#include <errno.h>
#include <stdio.h>

struct ctype_state { /* hangs on the script */
	struct dict aggregates; /* "struct foo", "union bar", declared or from BTF */
	struct dict by_id;	/* of BTF, key: the id in decimal */
	struct dict constants;	/* enumerators and #defines: s64 * */
	struct dict missing;	/* names that are no enumerators */
	struct btf *btf;
	bool asked;
};

static struct ctype_state *state_of(struct script *s)
{
	struct ctype_state *c = s->ctypes;

	if (!c) {
		c = s->ctypes = arena_new(s->arena, struct ctype_state);
		c->aggregates.arena = c->by_id.arena = c->constants.arena =
			c->missing.arena = s->arena;
	}
	return c;
}

static struct btf *btf_of(struct script *s)
{
	struct ctype_state *c = state_of(s);
	struct diag quiet = {0};

	if (!c->asked) {
		c->asked = true;
		if (s->target->ops->btf && s->target->ops->btf(s->target, &c->btf, &quiet))
			c->btf = NULL;
	}
	return c->btf;
}

static const struct type *keep(struct script *s, struct type t)
{
	struct type *p = arena_new(s->arena, struct type);

	*p = t;
	return p;
}

static struct type pointer_to(struct script *s, struct type t)
{
	struct type p = TYPE_U64;

	p.is_pointer = 1;
	p.space = SPACE_KERNEL;
	p.of = t.kind == TYPE_UNKNOWN || t.kind == TYPE_NONE ? NULL : keep(s, t);
	return p;
}

/* char[n] is a string of n bytes. */
static struct type array_of(struct script *s, struct type elem, u32 n)
{
	if (elem.kind == TYPE_INT && elem.size == 1 && elem.is_char)
		return type_str(n);
	return (struct type){.kind = TYPE_ARRAY, .size = elem.size * n, .count = n,
			     .of = keep(s, elem)};
}

/* ---- from BTF */

static struct aggregate *aggregate_of_btf(struct script *s, const struct btf_type *t)
{
	void **slot = dict_put(&state_of(s)->by_id, arena_printf(s->arena, "%u", t->id));
	struct aggregate *a = *slot;

	if (!a) {
		a = *slot = arena_new(s->arena, struct aggregate);
		a->name = arena_strdup(s->arena, t->name);
		a->is_union = t->kind == BTF_UNION;
		a->size = t->size;
		a->n = t->n;
		a->btf = t->id;
	}
	return a;
}

static struct type type_of_btf(struct script *s, u32 id)
{
	struct btf *btf = btf_of(s);
	const struct btf_type *t = btf_type(btf, btf_skip(btf, id));
	struct type r = {.kind = TYPE_INT};
	u32 n;

	if (!t)
		return (struct type){.kind = TYPE_NONE};
	switch (t->kind) {
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_INT:
		r.size = t->size;
		r.is_signed = t->is_signed;
		r.is_char = t->is_char || (t->kind == BTF_INT && !strcmp(t->name, "char"));
		return r;
	case BTF_PTR: return pointer_to(s, type_of_btf(s, t->type));
	case BTF_ARRAY:
		n = t->n;
		return array_of(s, type_of_btf(s, t->type), n);
	case BTF_STRUCT:
	case BTF_UNION:
		return (struct type){.kind = TYPE_STRUCT, .size = t->size,
				     .fields = aggregate_of_btf(s, t)};
	default: return (struct type){.kind = TYPE_NONE};
	}
}

const struct aggregate *ctype_members(struct script *s, const struct aggregate *a)
{
	struct aggregate *w = (struct aggregate *)a; /* only completed */
	const struct btf_type *t = a->btf && !a->members ? btf_type(btf_of(s), a->btf) : NULL;
	struct btf_member *m;

	if (!t || !t->n)
		return a;
	/* what btf_type() returned may be gone after the next call */
	m = arena_array(s->arena, struct btf_member, t->n);
	memcpy(m, t->members, t->n * sizeof(*m));
	w->members = arena_array(s->arena, struct member, t->n);
	w->n = t->n;
	for (u32 i = 0; i < w->n; i++)
		w->members[i] = (struct member){arena_strdup(s->arena, m[i].name), {0},
						m[i].bit_off, m[i].bits};
	for (u32 i = 0; i < w->n; i++)
		w->members[i].type = type_of_btf(s, m[i].type);
	return a;
}

static bool aggregate_by_name(struct script *s, const char *word, const char *name, struct type *t)
{
	const char *key = arena_printf(s->arena, "%s %s", word, name);
	struct aggregate *a = dict_get(&state_of(s)->aggregates, key);
	struct btf *btf = a ? NULL : btf_of(s);
	u32 id = btf ? btf_find(btf, name, *word == 's' ? BTF_STRUCT : BTF_UNION) : 0;

	if (id)
		a = *dict_put(&state_of(s)->aggregates, key) = aggregate_of_btf(s, btf_type(btf, id));
	if (!a)
		return false;
	*t = (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
	return true;
}

struct type ctype_kernel_pointer(struct script *s, const char *name)
{
	struct type t;

	if (!aggregate_by_name(s, "struct", name, &t))
		t = (struct type){0};
	return pointer_to(s, t);
}

/* ---- members */

const struct member *ctype_member(struct script *s, const struct aggregate *a, const char *name,
				  u32 *bit_off)
{
	ctype_members(s, a);
	for (u32 i = 0; a->members && i < a->n; i++) {
		const struct member *m = &a->members[i], *inner;
		u32 off = 0;

		if (!strcmp(m->name, name)) {
			*bit_off = m->bit_off;
			return m;
		}
		if (*m->name || m->type.kind != TYPE_STRUCT)
			continue;
		inner = ctype_member(s, m->type.fields, name, &off);
		if (inner) {
			*bit_off = m->bit_off + off;
			return inner;
		}
	}
	return NULL;
}

void ctype_near(struct script *s, const struct aggregate *a, struct near *near)
{
	ctype_members(s, a);
	for (u32 i = 0; a->members && i < a->n; i++) {
		const struct member *m = &a->members[i];

		if (*m->name)
			near_try(near, m->name);
		else if (m->type.kind == TYPE_STRUCT)
			ctype_near(s, m->type.fields, near);
	}
}

/* ---- names of types */

static const struct {
	const char *name;
	u8 size, is_signed;
} int_names[] = {
	{"int8", 1, 1}, {"int16", 2, 1}, {"int32", 4, 1}, {"int64", 8, 1},
	{"uint8", 1, 0}, {"uint16", 2, 0}, {"uint32", 4, 0}, {"uint64", 8, 0},
	{"int8_t", 1, 1}, {"int16_t", 2, 1}, {"int32_t", 4, 1}, {"int64_t", 8, 1},
	{"uint8_t", 1, 0}, {"uint16_t", 2, 0}, {"uint32_t", 4, 0}, {"uint64_t", 8, 0},
	{"s8", 1, 1}, {"s16", 2, 1}, {"s32", 4, 1}, {"s64", 8, 1},
	{"u8", 1, 0}, {"u16", 2, 0}, {"u32", 4, 0}, {"u64", 8, 0},
	{"__s8", 1, 1}, {"__s16", 2, 1}, {"__s32", 4, 1}, {"__s64", 8, 1},
	{"__u8", 1, 0}, {"__u16", 2, 0}, {"__u32", 4, 0}, {"__u64", 8, 0},
	{"__be16", 2, 0}, {"__be32", 4, 0}, {"__be64", 8, 0},
	{"__le16", 2, 0}, {"__le32", 4, 0}, {"__le64", 8, 0},
	{"size_t", 8, 0}, {"ssize_t", 8, 1}, {"loff_t", 8, 1}, {"off_t", 8, 1},
	{"uintptr_t", 8, 0}, {"intptr_t", 8, 1}, {"pid_t", 4, 1}, {"uid_t", 4, 0},
	{"gid_t", 4, 0}, {"dev_t", 4, 0}, {"umode_t", 2, 0}, {"sector_t", 8, 0},
	{"bool", 1, 0}, {"_Bool", 1, 0}, {"gfp_t", 4, 0}, {"dma_addr_t", 8, 0},
	{"socklen_t", 4, 0}, {"sa_family_t", 2, 0}, {"time_t", 8, 1}, {"clockid_t", 4, 1},
};
static const char *const c_words[] = {"void", "char", "short", "int", "long", "signed",
				      "unsigned", "float", "double", "const", "volatile",
				      "struct", "union", "enum", "__user", "__kernel"};

static bool in_words(const char *const *words, u32 n, const char *word)
{
	for (u32 i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static bool int_by_name(const char *name, struct type *t)
{
	for (u32 i = 0; i < ARRAY_SIZE(int_names); i++)
		if (!strcmp(int_names[i].name, name)) {
			*t = (struct type){.kind = TYPE_INT, .size = int_names[i].size,
					   .is_signed = int_names[i].is_signed};
			return true;
		}
	return false;
}

bool ctype_begins(const struct script *s, const struct token *t)
{
	struct type unused;

	(void)s;
	return t->kind == TOK_NAME && (in_words(c_words, ARRAY_SIZE(c_words), t->text) ||
				       int_by_name(t->text, &unused));
}

/* The words in front of the declarator: "unsigned long", "const struct foo", "u32". */
struct base {
	u32 longs, shorts, chars, ints, is_signed, is_unsigned, voids, user;
	bool found;
	struct type type;
};

static bool take_word(struct script *s, struct base *b, const char *word)
{
	struct {
		const char *word;
		u32 *count;
	} const counts[] = {{"long", &b->longs}, {"short", &b->shorts}, {"char", &b->chars},
			    {"int", &b->ints}, {"signed", &b->is_signed},
			    {"unsigned", &b->is_unsigned}, {"void", &b->voids},
			    {"__user", &b->user}};
	struct btf *btf;
	u32 id;

	for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
		if (!strcmp(counts[i].word, word)) {
			++*counts[i].count;
			return true;
		}
	if (!strcmp(word, "const") || !strcmp(word, "volatile") || !strcmp(word, "__kernel"))
		return true;
	if (b->found || b->ints || b->longs || b->chars || b->shorts || b->voids)
		return false;
	b->found = int_by_name(word, &b->type);
	btf = b->found ? NULL : btf_of(s);
	id = btf ? btf_find(btf, word, BTF_TYPEDEF) : 0;
	if (id) {
		b->type = type_of_btf(s, id);
		b->found = true;
	}
	return b->found;
}

static struct type base_type(const struct base *b)
{
	struct type t = {.kind = TYPE_INT, .is_signed = !b->is_unsigned};

	if (b->found)
		return b->type;
	if (b->voids)
		return (struct type){.kind = TYPE_NONE};
	t.size = b->chars ? 1 : b->shorts ? 2 : b->longs ? 8 : 4;
	t.is_char = b->chars != 0;
	return t;
}

/* Tokens of a type; the current one is the first that does not belong to it any more. */
struct words {
	struct script *script;
	struct lexer lex;
	struct token tok;
	const char *unknown;
};

static void next_word(struct words *w)
{
	w->tok = lex_next(&w->lex);
}

static bool parse_aggregate(struct words *, const char *word, struct type *);

/* struct NAME, union NAME, enum NAME; with a body where declarations are allowed */
static bool parse_tagged(struct words *w, struct base *b)
{
	const char *word = w->tok.text, *name = "";

	next_word(w);
	if (w->tok.kind == TOK_NAME) {
		name = w->tok.text;
		next_word(w);
	}
	b->found = true;
	if (*word == 'e') {
		b->type = (struct type){.kind = TYPE_INT, .size = 4};
		return true;
	}
	if (aggregate_by_name(w->script, word, name, &b->type))
		return true;
	w->unknown = arena_printf(w->script->arena, "%s %s", word, name);
	return false;
}

static bool parse_base(struct words *w, struct type *t)
{
	struct base b = {0};
	bool any = false;

	while (w->tok.kind == TOK_NAME) {
		const char *word = w->tok.text;

		if (!strcmp(word, "struct") || !strcmp(word, "union") || !strcmp(word, "enum")) {
			struct lexer ahead = w->lex;
			struct token tok = lex_next(&ahead);

			if (tok.kind == TOK_NAME)
				tok = lex_next(&ahead);
			if (tok.kind == TOK_LBRACE ? !parse_aggregate(w, word, &b.type) :
						     !parse_tagged(w, &b))
				return false;
			b.found = any = true;
			continue;
		}
		if (!take_word(w->script, &b, word)) {
			if (!any)
				w->unknown = word;
			break;
		}
		any = true;
		next_word(w);
	}
	*t = base_type(&b);
	return any;
}

static bool parse_stars(struct words *w, struct type *t)
{
	while (w->tok.kind == TOK_MUL) {
		*t = pointer_to(w->script, *t);
		do
			next_word(w);
		while (w->tok.kind == TOK_NAME && (!strcmp(w->tok.text, "const") ||
						   !strcmp(w->tok.text, "volatile") ||
						   !strcmp(w->tok.text, "__user")));
	}
	return true;
}

/* [N][M]... behind the name; from the right */
static bool parse_brackets(struct words *w, struct type *t)
{
	u32 n = 0;
	s64 value;

	if (w->tok.kind != TOK_LBRACKET)
		return true;
	next_word(w);
	if (w->tok.kind == TOK_INT && w->tok.value <= UINT32_MAX / 16)
		n = (u32)w->tok.value;
	else if (w->tok.kind == TOK_NAME && ctype_constant(w->script, w->tok.text, &value))
		n = (u32)value;
	else if (w->tok.kind != TOK_RBRACKET)
		return false;
	if (w->tok.kind != TOK_RBRACKET)
		next_word(w);
	if (w->tok.kind != TOK_RBRACKET)
		return false;
	next_word(w);
	if (!parse_brackets(w, t))
		return false;
	*t = array_of(w->script, *t, n);
	return true;
}

bool ctype_of_text(struct script *s, const char *text, struct type *t, const char **unknown)
{
	struct diag quiet = {0};
	struct words w = {.script = s};
	bool good;

	lex_init(&w.lex, s->arena, &quiet, text, strlen(text));
	next_word(&w);
	good = parse_base(&w, t) && parse_stars(&w, t) && parse_brackets(&w, t);
	*unknown = w.unknown ? w.unknown : text;
	return good && w.tok.kind == TOK_END;
}

/* ---- declarations */

static u32 align_of(struct type t)
{
	u32 most = 1;

	if (t.kind == TYPE_ARRAY)
		return align_of(*t.of);
	if (t.kind == TYPE_STR)
		return 1;
	if (t.kind != TYPE_STRUCT)
		return MAX(t.size, 1u);
	for (u32 i = 0; t.fields->members && i < t.fields->n; i++)
		most = MAX(most, align_of(t.fields->members[i].type));
	return t.fields->members ? most : 8;
}

/* Places a member as the ABI of x86-64 and arm64 does. */
static void place_member(struct aggregate *a, struct member *m, u32 *bit_end, u32 *align)
{
	u32 size = m->type.size * 8, to = align_of(m->type) * 8;

	*align = MAX(*align, to / 8);
	if (a->is_union) {
		m->bit_off = 0;
		*bit_end = MAX(*bit_end, size);
	} else if (m->bits) { /* a bitfield does not cross its type's units */
		if (*bit_end / size != (*bit_end + m->bits - 1) / size)
			*bit_end = ALIGN_UP(*bit_end, size);
		m->bit_off = *bit_end;
		*bit_end += m->bits;
	} else {
		m->bit_off = ALIGN_UP(*bit_end, to);
		*bit_end = m->bit_off + size;
	}
}

static bool parse_declarator(struct words *w, struct type base, struct member *m)
{
	m->name = "";
	m->type = base;
	parse_stars(w, &m->type);
	if (w->tok.kind == TOK_NAME) {
		m->name = w->tok.text;
		next_word(w);
	}
	if (!parse_brackets(w, &m->type))
		return false;
	if (w->tok.kind == TOK_COLON) {
		next_word(w);
		if (w->tok.kind != TOK_INT || !w->tok.value || w->tok.value > m->type.size * 8u)
			return false;
		m->bits = (u32)w->tok.value;
		next_word(w);
	}
	return m->type.size || m->type.kind == TYPE_ARRAY || m->type.kind == TYPE_STR;
}

/* From the keyword to behind the closing brace. */
static bool parse_aggregate(struct words *w, const char *word, struct type *t)
{
	struct arena *arena = w->script->arena;
	struct aggregate *a = arena_new(arena, struct aggregate);
	vec(struct member) members = {0};
	u32 bit_end = 0, align = 1;

	a->is_union = *word == 'u';
	a->name = "";
	next_word(w);
	if (w->tok.kind == TOK_NAME) {
		a->name = w->tok.text;
		*dict_put(&state_of(w->script)->aggregates,
			  arena_printf(arena, "%s %s", word, a->name)) = a;
		next_word(w);
	}
	for (next_word(w); w->tok.kind != TOK_RBRACE;) {
		struct type base;

		if (!parse_base(w, &base))
			return false;
		do {
			struct member m = {0};

			if (w->tok.kind == TOK_COMMA)
				next_word(w);
			if (!parse_declarator(w, base, &m))
				return false;
			place_member(a, &m, &bit_end, &align);
			vec_push(arena, &members, m);
		} while (w->tok.kind == TOK_COMMA);
		if (w->tok.kind != TOK_SEMI)
			return false;
		next_word(w);
	}
	next_word(w);
	a->members = members.v;
	a->n = members.n;
	a->size = ALIGN_UP((bit_end + 7) / 8, align);
	*t = (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
	return true;
}

static void constant_put(struct script *s, const char *name, s64 value)
{
	s64 *p = arena_alloc(s->arena, sizeof(*p));

	*p = value;
	*dict_put(&state_of(s)->constants, name) = p;
}

/* enum NAME { A, B = 3, ... } */
static bool parse_enum(struct words *w)
{
	s64 value = 0;

	next_word(w);
	if (w->tok.kind == TOK_NAME)
		next_word(w);
	for (next_word(w); w->tok.kind == TOK_NAME;) {
		const char *name = w->tok.text;

		next_word(w);
		if (w->tok.kind == TOK_SET) {
			bool negative;

			next_word(w);
			negative = w->tok.kind == TOK_SUB;
			if (negative)
				next_word(w);
			if (w->tok.kind != TOK_INT)
				return false;
			value = negative ? -(s64)w->tok.value : (s64)w->tok.value;
			next_word(w);
		}
		constant_put(w->script, name, value++);
		if (w->tok.kind == TOK_COMMA)
			next_word(w);
	}
	if (w->tok.kind != TOK_RBRACE)
		return false;
	next_word(w);
	return true;
}

int ctype_declare(struct script *s, struct lexer *lex)
{
	struct words w = {.script = s, .lex = *lex};
	struct type t;
	bool good;

	next_word(&w);
	good = !strcmp(w.tok.text, "enum") ? parse_enum(&w) : parse_aggregate(&w, w.tok.text, &t);
	if (!good && w.unknown)
		return diag_error(s->diag, w.tok.at, "declare it first, or use a type of the kernel",
				  "there is no type '%s'", w.unknown);
	if (!good || w.tok.kind != TOK_SEMI)
		return diag_error(s->diag, w.tok.at, "struct name { int a; char b[16]; };",
				  "this is no declaration of a type");
	*lex = w.lex;
	return 0;
}

/* ---- constants */

static bool constant_of_btf(struct script *s, const char *name, s64 *value)
{
	struct btf *btf = btf_of(s);

	for (u32 id = 1; btf && id < btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (!t || (t->kind != BTF_ENUM && t->kind != BTF_ENUM64))
			continue;
		for (u32 i = 0; i < t->n; i++)
			if (!strcmp(t->values[i].name, name)) {
				*value = t->values[i].value;
				constant_put(s, arena_strdup(s->arena, name), *value);
				return true;
			}
	}
	return false;
}

void ctype_define(struct script *s, const char *name, s64 value)
{
	constant_put(s, name, value);
}

bool ctype_constant(struct script *s, const char *name, s64 *value)
{
	struct ctype_state *c = state_of(s);
	s64 *known = dict_get(&c->constants, name);

	if (known)
		*value = *known;
	else if (!dict_get(&c->missing, name) && constant_of_btf(s, name, value))
		known = value;
	else
		*dict_put(&c->missing, name) = c; /* BTF is walked once for a name */
	return known != NULL;
}
