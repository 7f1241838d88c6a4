/*
 * ctype.c: C types by name and from BTF, their members, and constants; see ctype.h. What a script
 * declares itself is read by ctype_declare.c.
 */
#include "script/constant.h"
#include "script/ctype_words.h"
#include "script/debug.h"
#include "script/tables.h"

struct constant {
	s64 value;
	struct type type;
};
struct ctype_state {            /* hangs on the script */
	struct dict aggregates; /* "struct foo", "union bar", declared or from BTF */
	struct dict names;	/* of types, from typedef: struct type * */
	struct dict by_id;      /* of BTF, key: the id in decimal */
	struct dict by_place;   /* of debugging information, key: the address in hex */
	struct dict enums;      /* "name", declared or from BTF: struct type * */
	struct dict constants;  /* enumerators and #defines: struct constant * */
	struct dict missing;    /* names that are no enumerators */
	struct btf *btf;
	bool asked;
};

static struct ctype_state *state_of(struct script *s)
{
	struct ctype_state *c = s->ctypes;

	if (!c) {
		c = s->ctypes = arena_new(s->arena, struct ctype_state);
		c->aggregates.arena = c->by_id.arena = c->by_place.arena = c->constants.arena = c->missing.arena =
			c->names.arena = c->enums.arena = s->arena;
	}
	return c;
}

static struct btf *btf_of(struct script *s)
{
	struct ctype_state *c = state_of(s);
	struct diag quiet = {0};

	if (!c->asked) {
		c->asked = true;
		if (s->target && s->target->ops->btf &&
		    s->target->ops->btf(s->target, &c->btf, &quiet))
			c->btf = NULL;
	}
	return c->btf;
}

void ctype_put(struct script *s, const char *word, struct aggregate *a)
{
	*dict_put(&state_of(s)->aggregates, arena_printf(s->arena, "%s %s", word, a->name)) = a;
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
	return (struct type){
		.kind = TYPE_ARRAY, .size = elem.size * n, .count = n, .of = keep(s, elem)};
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

/* "3 NAME\n" for each */
static void add_enumerator(struct script *s, struct buf *text, const char *name, s64 value)
{
	(void)s;
	buf_printf(text, "%lld %s\n", (long long)value, name);
}

static struct type enum_of_btf(struct script *s, const struct btf_type *t)
{
	void **slot = dict_put(&state_of(s)->by_id, arena_printf(s->arena, "%u", t->id));
	struct enumeration *e = *slot;
	struct buf text = {0};

	if (!e) {
		e = *slot = arena_new(s->arena, struct enumeration);
		e->name = arena_strdup(s->arena, t->name);
		for (u32 i = 0; i < t->n; i++)
			add_enumerator(s, &text, t->values[i].name, t->values[i].value);
		e->text = arena_strdup(s->arena, buf_str(&text));
		buf_free(&text);
	}
	return (struct type){.kind = TYPE_INT, .size = t->size, .is_signed = t->is_signed,
			     .names = t->n ? e : NULL};
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
	case BTF_ENUM64: return enum_of_btf(s, t);
	case BTF_INT:
		r.size = t->size;
		r.is_signed = t->is_signed;
		r.is_bool = t->is_bool;
		r.is_char = t->is_char || (t->kind == BTF_INT && !strcmp(t->name, "char"));
		return r;
	case BTF_PTR: return pointer_to(s, type_of_btf(s, t->type));
	case BTF_ARRAY: n = t->n; return array_of(s, type_of_btf(s, t->type), n);
	case BTF_STRUCT:
	case BTF_UNION:
		return (struct type){
			.kind = TYPE_STRUCT, .size = t->size, .fields = aggregate_of_btf(s, t)};
	default: return (struct type){.kind = TYPE_NONE};
	}
}

const struct aggregate *ctype_members(struct script *s, const struct aggregate *a)
{
	struct aggregate *w = (struct aggregate *)a; /* only completed */
	const struct btf_type *t;
	struct btf_member *m;

	if (a->debug && !a->members)
		debug_members(s, w);
	t = a->btf && !a->members ? btf_type(btf_of(s), a->btf) : NULL;

	if (!t || !t->n)
		return a;
	/* what btf_type() returned may be gone after the next call */
	m = arena_array(s->arena, struct btf_member, t->n);
	memcpy(m, t->members, t->n * sizeof(*m));
	w->members = arena_array(s->arena, struct member, t->n);
	w->n = t->n;
	for (u32 i = 0; i < w->n; i++)
		w->members[i] = (struct member){
			arena_strdup(s->arena, m[i].name), {0}, m[i].bit_off, m[i].bits};
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
		a = *dict_put(&state_of(s)->aggregates, key) =
			aggregate_of_btf(s, btf_type(btf, id));
	if (!a)
		return false;
	*t = (struct type){.kind = TYPE_STRUCT, .size = a->size, .fields = a};
	return true;
}

struct type ctype_of_id(struct script *s, u32 id)
{
	return type_of_btf(s, id);
}

struct type ctype_kernel_pointer(struct script *s, const char *name)
{
	struct type t;

	if (!aggregate_by_name(s, "struct", name, &t))
		t = (struct type){0};
	return pointer_to(s, t);
}

void **ctype_debug_slot(struct script *s, const void *place)
{
	return dict_put(&state_of(s)->by_place, arena_printf(s->arena, "%p", place));
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
#define INT_TYPE(name, size, sign) {#name, size, sign},
#define TYPE(name, usage, doc)
#include "script/types.def"
#undef INT_TYPE
#undef TYPE
	{"int8_t", 1, 1},  {"int16_t", 2, 1},    {"int32_t", 4, 1},   {"int64_t", 8, 1},
	{"uint8_t", 1, 0}, {"uint16_t", 2, 0},   {"uint32_t", 4, 0},  {"uint64_t", 8, 0},
	{"s8", 1, 1},      {"s16", 2, 1},        {"s32", 4, 1},       {"s64", 8, 1},
	{"u8", 1, 0},      {"u16", 2, 0},        {"u32", 4, 0},       {"u64", 8, 0},
	{"__s8", 1, 1},    {"__s16", 2, 1},      {"__s32", 4, 1},     {"__s64", 8, 1},
	{"__u8", 1, 0},    {"__u16", 2, 0},      {"__u32", 4, 0},     {"__u64", 8, 0},
	{"__be16", 2, 0},  {"__be32", 4, 0},     {"__be64", 8, 0},    {"__le16", 2, 0},
	{"__le32", 4, 0},  {"__le64", 8, 0},     {"size_t", 8, 0},    {"ssize_t", 8, 1},
	{"loff_t", 8, 1},  {"off_t", 8, 1},      {"uintptr_t", 8, 0}, {"intptr_t", 8, 1},
	{"pid_t", 4, 1},   {"uid_t", 4, 0},      {"gid_t", 4, 0},     {"dev_t", 4, 0},
	{"umode_t", 2, 0}, {"sector_t", 8, 0},
	{"gfp_t", 4, 0},   {"dma_addr_t", 8, 0}, {"socklen_t", 4, 0}, {"sa_family_t", 2, 0},
	{"time_t", 8, 1},  {"clockid_t", 4, 1},
};
static const char *const c_words[] = {
	"void",   "char",     "short",  "int",   "long",   "signed", "unsigned", "float",    "double",
	"const",  "volatile", "struct", "union", "enum",   "__user", "__kernel", "bool",     "_Bool",
	"string", "typeof"};

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
			*t = (struct type){.kind = TYPE_INT,
					   .size = int_names[i].size,
					   .is_signed = int_names[i].is_signed};
			return true;
		}
	return false;
}

static bool typedef_by_name(struct script *s, const char *name, struct type *t)
{
	const struct type *own = dict_get(&state_of(s)->names, name);
	struct btf *btf = own ? NULL : btf_of(s);
	u32 id = btf ? btf_find(btf, name, BTF_TYPEDEF) : 0;

	if (own)
		*t = *own;
	else if (id)
		*t = type_of_btf(s, id);
	return own || id;
}

void ctype_put_name(struct script *s, const char *name, struct type t)
{
	*dict_put(&state_of(s)->names, name) = (void *)keep(s, t);
}

/* Is it a value of the language, which no typedef may hide? */
static bool is_value_name(const char *name)
{
	for (const struct value_row *r = value_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return true;
	for (const struct probe_value *v = probe_values; v->name; v++)
		if (!strncmp(v->name, name, strlen(v->name)))
			return true;
	return !strcmp(name, "args") || !strcmp(name, "true") || !strcmp(name, "false");
}

bool ctype_begins(struct script *s, const struct token *t)
{
	struct type unused;

	return t->kind == TOK_NAME &&
	       (in_words(c_words, ARRAY_SIZE(c_words), t->text) || int_by_name(t->text, &unused) ||
		(!is_value_name(t->text) && !call_find(t->text) &&
		 typedef_by_name(s, t->text, &unused)));
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
	} const counts[] = {{"long", &b->longs},       {"short", &b->shorts},
			    {"char", &b->chars},       {"int", &b->ints},
			    {"signed", &b->is_signed}, {"unsigned", &b->is_unsigned},
			    {"void", &b->voids},       {"__user", &b->user}};
	
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
		if (!strcmp(counts[i].word, word)) {
			++*counts[i].count;
			return true;
		}
	if (!strcmp(word, "const") || !strcmp(word, "volatile") || !strcmp(word, "__kernel"))
		return true;
	if (b->found || b->ints || b->longs || b->chars || b->shorts || b->voids)
		return false;
	b->found = true;
	if (!strcmp(word, "bool") || !strcmp(word, "_Bool"))
		b->type = TYPE_BOOL;
	else if (!strcmp(word, "string"))
		b->type = type_str(0);
	else if (!int_by_name(word, &b->type))
		b->found = typedef_by_name(s, word, &b->type);
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
	t.is_char = b->chars && !b->is_signed && !b->is_unsigned; /* an array of them is a string */
	return t;
}

void ctype_next(struct words *w)
{
	w->before = w->lex;
	w->tok = lex_next(&w->lex);
}

static bool no_type(struct words *w, struct loc at, const char *name)
{
	w->unknown = name;
	w->unknown_at = at;
	return false;
}

/* Of one that nobody knows only the size is certain. */
static void enum_by_name(struct script *s, const char *name, struct type *t)
{
	const struct type *own = dict_get(&state_of(s)->enums, name);
	struct btf *btf = own ? NULL : btf_of(s);
	u32 id = btf ? btf_find(btf, name, BTF_ENUM) : 0;

	id = id || !btf ? id : btf_find(btf, name, BTF_ENUM64);
	*t = own  ? *own
	     : id ? type_of_btf(s, id)
		  : (struct type){.kind = TYPE_INT, .size = 4};
}

void ctype_put_enum(struct script *s, const char *name, struct type t)
{
	*dict_put(&state_of(s)->enums, name) = (void *)keep(s, t);
}

/* struct NAME, union NAME, enum NAME */
static bool parse_tagged(struct words *w, struct type *t)
{
	const char *word = w->tok.text, *name;
	struct loc at = w->tok.at;

	ctype_next(w);
	if (w->tok.kind != TOK_NAME)
		return ctype_wrong(w, w->tok.at, "struct task_struct *", "%s what? A name follows",
				   word);
	name = w->tok.text;
	ctype_next(w);
	if (*word == 'e') {
		enum_by_name(w->script, name, t);
		return true;
	}
	return aggregate_by_name(w->script, word, name, t) ||
	       no_type(w, at, arena_printf(w->script->arena, "%s %s", word, name));
}

/* struct, union, enum: with a body, or known by name */
static bool parse_keyword(struct words *w, struct type *t)
{
	const char *word = w->tok.text;
	struct lexer ahead = w->lex;
	struct token tok = lex_next(&ahead);

	if (tok.kind == TOK_NAME)
		tok = lex_next(&ahead);
	if (tok.kind != TOK_LBRACE)
		return parse_tagged(w, t);
	return *word == 'e' ? ctype_enum(w, t) : ctype_aggregate(w, word, t);
}

static bool named_constant(void *user, const char *name, s64 *value)
{
	return ctype_constant(user, name, value);
}

bool ctype_number(struct words *w, s64 *value)
{
	struct constant_expr e = {.lex = w->lex, .tok = w->tok, .name = named_constant,
				  .user = w->script};

	*value = constant_expression(&e);
	if (e.failed)
		return false;
	w->lex = e.lex;
	w->tok = e.tok;
	return true;
}

/* A number, a constant, or nothing: [] */
static bool parse_length(struct words *w, u32 *n)
{
	struct loc at = w->tok.at;
	s64 value = 0;

	if (w->tok.kind == TOK_RBRACKET)
		return true;
	if (!ctype_number(w, &value))
		return ctype_wrong(w, at, "char b[16]; or char b[NAME]; with a #define",
				   "the length of an array is a number or a constant");
	if (value < 0 || value > CTYPE_SIZE_MOST)
		return ctype_wrong(w, at, NULL, "an array has 0 to %u elements", CTYPE_SIZE_MOST);
	*n = (u32)value;
	return true;
}

/* string, string[64]: bytes with the NUL that ends it */
static bool string_size(struct words *w, struct type *t)
{
	u32 n = 0;

	t->size = w->script->limits.str_most;
	if (w->tok.kind != TOK_LBRACKET)
		return true;
	ctype_next(w);
	if (!parse_length(w, &n))
		return false;
	if (!n || n > STR_LIMIT || w->tok.kind != TOK_RBRACKET)
		return ctype_wrong(w, w->tok.at, "string[64]", "a string has 1 to %u bytes",
				   STR_LIMIT);
	t->size = n;
	ctype_next(w);
	return true;
}

bool ctype_base(struct words *w, struct type *t)
{
	struct base b = {0};
	bool any = false;

	while (w->tok.kind == TOK_NAME) {
		const char *word = w->tok.text;

		if (!strcmp(word, "struct") || !strcmp(word, "union") || !strcmp(word, "enum")) {
			if (!parse_keyword(w, &b.type))
				return false;
			b.found = any = true;
			continue;
		}
		if (!take_word(w->script, &b, word)) {
			if (!any)
				no_type(w, w->tok.at, word);
			break;
		}
		any = true;
		ctype_next(w);
	}
	*t = base_type(&b);
	return any && (t->kind != TYPE_STR || t->size || string_size(w, t));
}

bool ctype_stars(struct words *w, struct type *t)
{
	for (u32 n = 0; w->tok.kind == TOK_MUL; n++) {
		if (n == CTYPE_DEPTH)
			return ctype_wrong(w, w->tok.at, NULL, "too many stars");
		*t = pointer_to(w->script, *t);
		do
			ctype_next(w);
		while (w->tok.kind == TOK_NAME &&
		       (!strcmp(w->tok.text, "const") || !strcmp(w->tok.text, "volatile") ||
			!strcmp(w->tok.text, "__user")));
	}
	return true;
}

/* From the right: the element of a[2][3] is a [3]. */
bool ctype_brackets(struct words *w, struct type *t)
{
	struct loc at = w->tok.at;
	u32 n = 0;
	bool good;

	if (w->tok.kind != TOK_LBRACKET)
		return true;
	ctype_next(w);
	if (!parse_length(w, &n))
		return false;
	if (w->tok.kind != TOK_RBRACKET)
		return ctype_wrong(w, w->tok.at, NULL, "']' expected, not %s",
				   token_text(w->tok.kind));
	ctype_next(w);
	if (++w->depth > CTYPE_DEPTH)
		return ctype_wrong(w, at, NULL, "this array has too many dimensions");
	good = ctype_brackets(w, t);
	w->depth--;
	if (!good)
		return false;
	if (!t->size && t->kind != TYPE_ARRAY && t->kind != TYPE_STR)
		return ctype_wrong(w, at, "void *p[4]; is an array of pointers",
				   "the elements of this array have no size");
	if ((u64)n * t->size > CTYPE_SIZE_MOST)
		return ctype_wrong(w, at, NULL, "this array is larger than %u bytes",
				   CTYPE_SIZE_MOST);
	*t = array_of(w->script, *t, n);
	return true;
}

static void words_of_text(struct words *w, struct script *s, struct diag *quiet, const char *text)
{
	*w = (struct words){.script = s, .diag = quiet};
	lex_init(&w->lex, s->arena, quiet, text, strlen(text), NULL);
	ctype_next(w);
}

bool ctype_of_text(struct script *s, const char *text, struct type *t, const char **unknown)
{
	struct diag quiet = {0};
	struct words w;
	bool good;

	words_of_text(&w, s, &quiet, text);
	good = ctype_base(&w, t) && ctype_stars(&w, t) && ctype_brackets(&w, t);
	*unknown = w.unknown ? w.unknown : text;
	return good && w.tok.kind == TOK_END;
}

bool ctype_of_suffix(struct script *s, const char *text, struct type *t)
{
	struct diag quiet = {0};
	struct words w;

	words_of_text(&w, s, &quiet, text);
	return ctype_stars(&w, t) && ctype_brackets(&w, t) && w.tok.kind == TOK_END;
}

/* ---- constants */

void ctype_define(struct script *s, const char *name, s64 value)
{
	ctype_define_as(s, name, value, TYPE_S64);
}

void ctype_define_as(struct script *s, const char *name, s64 value, struct type t)
{
	struct constant *c = arena_new(s->arena, struct constant);

	c->value = value;
	c->type = TYPE_S64;
	c->type.is_literal = 1;
	c->type.names = t.names;
	*dict_put(&state_of(s)->constants, name) = c;
}

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
				ctype_define_as(s, arena_strdup(s->arena, name), *value,
						enum_of_btf(s, t));
				return true;
			}
	}
	return false;
}

bool ctype_enumerator(struct script *s, const char *name, s64 *value, struct type *t)
{
	struct ctype_state *c = state_of(s);
	struct constant *known = dict_get(&c->constants, name);

	if (!known && constant_named(name, value)) {
		ctype_define(s, name, *value);
		known = dict_get(&c->constants, name);
	}
	if (!known && !dict_get(&c->missing, name)) {
		if (constant_of_btf(s, name, value))
			known = dict_get(&c->constants, name);
		else
			*dict_put(&c->missing, name) = c; /* BTF is walked once for a name */
	}
	if (!known)
		return false;
	*value = known->value;
	*t = known->type;
	return true;
}

bool ctype_constant(struct script *s, const char *name, s64 *value)
{
	struct type unused;

	return ctype_enumerator(s, name, value, &unused);
}
