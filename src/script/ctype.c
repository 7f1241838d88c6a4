/*
 * ctype.c: names of C types, and of the language's own: "const char *", "uint8[4]", "string[64]";
 * see ctype.h. What a script declares itself is read by ctype_declare.c, the kernel's types by
 * ctype_btf.c.
 */
#include "script/constant.h"
#include "script/ctype_words.h"
#include "script/tables.h"

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
	{"int8_t", 1, 1},    {"int16_t", 2, 1},     {"int32_t", 4, 1},   {"int64_t", 8, 1},
	{"uint8_t", 1, 0},   {"uint16_t", 2, 0},    {"uint32_t", 4, 0},  {"uint64_t", 8, 0},
	{"s8", 1, 1},        {"s16", 2, 1},         {"s32", 4, 1},       {"s64", 8, 1},
	{"u8", 1, 0},        {"u16", 2, 0},         {"u32", 4, 0},       {"u64", 8, 0},
	{"__s8", 1, 1},      {"__s16", 2, 1},       {"__s32", 4, 1},     {"__s64", 8, 1},
	{"__u8", 1, 0},      {"__u16", 2, 0},       {"__u32", 4, 0},     {"__u64", 8, 0},
	{"__be16", 2, 0},    {"__be32", 4, 0},      {"__be64", 8, 0},    {"__le16", 2, 0},
	{"__le32", 4, 0},    {"__le64", 8, 0},      {"size_t", 8, 0},    {"ssize_t", 8, 1},
	{"loff_t", 8, 1},    {"off_t", 8, 1},       {"uintptr_t", 8, 0}, {"intptr_t", 8, 1},
	{"pid_t", 4, 1},     {"uid_t", 4, 0},       {"gid_t", 4, 0},     {"dev_t", 4, 0},
	{"umode_t", 2, 0},   {"sector_t", 8, 0},    {"gfp_t", 4, 0},     {"dma_addr_t", 8, 0},
	{"socklen_t", 4, 0}, {"sa_family_t", 2, 0}, {"time_t", 8, 1},    {"clockid_t", 4, 1},
};
static const char *const c_words[] = {"void",     "char",     "short", "int",    "long",
				      "signed",   "unsigned", "float", "double", "const",
				      "volatile", "struct",   "union", "enum",   "__user",
				      "__kernel", "bool",     "_Bool", "string", "typeof"};

static bool in_words(const char *const *words, u32 n, const char *word)
{
	for (u32 i = 0; i < n; i++)
		if (str_same(words[i], word))
			return true;
	return false;
}

static bool int_by_name(const char *name, struct type *t)
{
	for (u32 i = 0; i < ARRAY_SIZE(int_names); i++)
		if (str_same(int_names[i].name, name)) {
			*t = (struct type){.kind = TYPE_INT,
					   .size = int_names[i].size,
					   .is_signed = int_names[i].is_signed};
			return true;
		}
	return false;
}

static bool typedef_by_name(struct script *s, const char *name, struct type *t)
{
	const struct type *own = dict_get(&ctype_state_of(s)->names, name);
	struct btf *btf = own ? NULL : ctype_btf_of(s);
	u32 id = btf ? btf_find(btf, name, BTF_TYPEDEF) : 0;

	if (own)
		*t = *own;
	else if (id)
		*t = ctype_of_id(s, id);
	return own || id;
}

void ctype_put_name(struct script *s, const char *name, struct type t)
{
	*dict_put(&ctype_state_of(s)->names, name) = (void *)ctype_keep(s, t);
}

/* Is it a value of the language, which no typedef may hide? */
static bool is_value_name(const char *name)
{
	for (const struct value_row *r = value_rows; r->name; r++)
		if (str_same(r->name, name))
			return true;
	for (const struct probe_value *v = probe_values; v->name; v++)
		if (!strncmp(v->name, name, strlen(v->name)))
			return true;
	return str_same(name, "args") || str_same(name, "true") || str_same(name, "false");
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
		if (str_same(counts[i].word, word)) {
			++*counts[i].count;
			return true;
		}
	if (str_same(word, "const") || str_same(word, "volatile") || str_same(word, "__kernel"))
		return true;
	if (b->found || b->ints || b->longs || b->chars || b->shorts || b->voids)
		return false;
	b->found = true;
	if (str_same(word, "bool") || str_same(word, "_Bool"))
		b->type = TYPE_BOOL;
	else if (str_same(word, "string"))
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
	const struct type *own = dict_get(&ctype_state_of(s)->enums, name);
	struct btf *btf = own ? NULL : ctype_btf_of(s);
	u32 id = btf ? btf_find(btf, name, BTF_ENUM) : 0;

	id = id || !btf ? id : btf_find(btf, name, BTF_ENUM64);
	*t = own ? *own : id ? ctype_of_id(s, id) : (struct type){.kind = TYPE_INT, .size = 4};
}

void ctype_put_enum(struct script *s, const char *name, struct type t)
{
	*dict_put(&ctype_state_of(s)->enums, name) = (void *)ctype_keep(s, t);
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
	return ctype_aggregate_by_name(w->script, word, name, t) ||
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
	struct constant_expr e = {
		.lex = w->lex, .tok = w->tok, .name = named_constant, .user = w->script};

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

		if (str_same(word, "struct") || str_same(word, "union") || str_same(word, "enum")) {
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
		*t = ctype_pointer_to(w->script, *t);
		do
			ctype_next(w);
		while (w->tok.kind == TOK_NAME &&
		       (str_same(w->tok.text, "const") || str_same(w->tok.text, "volatile") ||
			str_same(w->tok.text, "__user")));
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
	*t = ctype_array_of(w->script, *t, n);
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
