/*
 * parse_preamble.c: macros, imports and declarations of maps, which stand between probes.
 *
 * In:  tokens from the first word on. Out: macros and maps of the script; of an imported file all
 * that it has, in front of what follows.
 */
#include "script/parse_inner.h"

#include "isa/isa.h"

#include <errno.h>
#include <stdlib.h>

/* The last token, after which characters follow that are no tokens. */
static int last(struct parser *p, enum token_kind kind, const char *hint)
{
	if (!p->failed && !is(p, kind))
		parse_fail(p, p->tok.at, hint, "%s expected, not %s", token_text(kind),
			   token_text(p->tok.kind));
	return p->failed ? -1 : 0;
}

/* ---- macros */

/* [ param { "," param } ] ")"; param = $name | @name | name */
static void parse_params(struct parser *p, struct script_macro *m)
{
	struct node **tail = &m->params;

	while (!is(p, TOK_RPAREN) && !p->failed) {
		enum node_kind kind = is(p, TOK_VAR)   ? NODE_VAR
				      : is(p, TOK_MAP) ? NODE_MAP
						       : NODE_NAME;

		if (!is(p, TOK_VAR) && !is(p, TOK_MAP) && !is(p, TOK_NAME)) {
			parse_fail(p, p->tok.at, "macro add($variable, @map, expression) { }",
				   "a parameter expected, not %s", token_text(p->tok.kind));
			return;
		}
		*tail = parse_leaf(p, kind);
		for (struct node *q = m->params; q != *tail; q = q->next)
			if (str_same(q->text, (*tail)->text) && q->kind == kind)
				parse_fail(p, (*tail)->at, NULL, "a second parameter '%s'",
					   q->text);
		tail = &(*tail)->next;
		m->nparams++;
		if (!accept(p, TOK_COMMA))
			break;
	}
	parse_expect(p, TOK_RPAREN, "macro add($variable, @map, expression) { }");
}

/* Could a call mean both? */
static bool same_params(const struct script_macro *a, const struct script_macro *b)
{
	const struct node *x = a->params, *y = b->params;

	if (strcmp(a->name, b->name) || a->nparams != b->nparams)
		return false;
	for (; x; x = x->next, y = y->next)
		if (x->kind != y->kind)
			return false;
	return true;
}

/* macro = "macro" name [ "(" params ] block */
int parse_macro(struct parser *p)
{
	struct script_macro *m = arena_new(p->script->arena, struct script_macro), **tail;

	parse_advance(p);
	m->name = p->tok.text;
	m->at = p->tok.at;
	parse_expect(p, TOK_NAME, "macro name(a) { a + 1 }");
	if (accept(p, TOK_LPAREN))
		parse_params(p, m);
	for (tail = &p->script->macros; *tail; tail = &(*tail)->next)
		if (!p->failed && same_params(*tail, m))
			parse_fail(p, m->at, "macros of one name differ in their parameters",
				   "there is a macro %s() with such parameters already", m->name);
	if (!p->failed && !is(p, TOK_LBRACE))
		parse_fail(p, p->tok.at, "macro name(a) { a + 1 }", "'{' expected, not %s",
			   token_text(p->tok.kind));
	*tail = m;
	if (p->failed)
		return -1;
	m->body = parse_block(p);
	parse_bound(p, m->body);
	return p->failed ? -1 : 0;
}

/* ---- imports */

struct found {
	struct script *script;
	vec(const char *) names;
};

static void found_file(void *user, const char *name)
{
	struct found *f = user;
	size_t n = strlen(name);

	if (n > 3 && str_same(name + n - 3, ".bt"))
		vec_push(f->script->arena, &f->names, arena_strdup(f->script->arena, name));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int import_file(struct parser *p, u32 file)
{
	const struct diag_file f = *script_file(p->script, file);

	/* each once, however often it is imported, and however they import each other */
	for (u32 i = 1; i < file; i++)
		if (str_same(script_file(p->script, i)->name, f.name) &&
		    !script_file(p->script, i)->header)
			return 0;
	if (str_same(f.name, p->script->self.name ? p->script->self.name : ""))
		return 0;
	return parse_source(p->script, f.text, f.size, file, p->tail);
}

/* All scripts of a folder, in the order of their names. */
static int import_folder(struct parser *p, const char *name, const char *beside)
{
	struct found f = {.script = p->script};
	const char *slash = strrchr(beside, '/');
	const char *path = *name == '/' || !slash
				   ? name
				   : arena_printf(p->script->arena, "%.*s/%s",
						  (int)(slash - beside), beside, name);
	int file, err = 0;

	if (!p->script->target->list || p->script->target->list(path, found_file, &f))
		return -ENOENT;
	if (f.names.n)
		qsort(f.names.v, f.names.n, sizeof(*f.names.v), by_name);
	vec_each (n, &f.names) {
		file = script_source(p->script, arena_printf(p->script->arena, "%s/%s", name, *n),
				     beside, false);
		err = err ? err : file <= 0 ? -ENOENT : import_file(p, (u32)file);
	}
	return err;
}

/* import = "import" string [ ";" ] */
int parse_import(struct parser *p)
{
	const char *beside = script_file(p->script, p->file)->name, *name;
	u32 errors = p->script->diag->errors;
	struct loc at;
	int file, err;

	parse_advance(p);
	name = p->tok.text;
	at = p->tok.at;
	if (last(p, TOK_STR, "import \"file.bt\";"))
		return -1;
	if (p->script->imports++ > 1000) {
		parse_fail(p, at, NULL, "too many imports");
		return -1;
	}
	beside = beside ? beside : "";
	file = script_source(p->script, name, beside, false);
	err = file > 0          ? import_file(p, (u32)file)
	      : file == -EISDIR ? import_folder(p, name, beside)
	      : file            ? file
				: -ENOENT;
	if (err && p->script->diag->errors == errors)
		parse_fail(p, at, "it is looked for beside this file, and where -I says",
			   "'%s' cannot be read: %s", name, strerror(-err));
	return err ? -1 : 0; /* a ; behind it stands alone */
}

/* ---- maps */

const struct map_choice map_choices[] = {
	{"hash", MAP_HASH, false, "a table; an update that finds no room is lost"},
	{"lruhash", MAP_LRU_HASH, false, "a table that drops what was not used for long"},
	{"percpuhash", MAP_PERCPU_HASH, true,
	 "a table with a value for each CPU, for aggregations"},
	{"percpulruhash", MAP_LRU_PERCPU_HASH, true, "both"},
	{0},
};

/* "let" @map "=" kind "(" entries ")" ";" */
int parse_map(struct parser *p)
{
	struct script_map *m = arena_new(p->script->arena, struct script_map), **tail;
	const struct map_choice *kind = map_choices;
	struct token word;

	parse_advance(p);
	m->name = p->tok.text;
	m->at = p->tok.at;
	parse_expect(p, TOK_MAP, "let @m = hash(100); variables are made in the block of a probe");
	for (tail = &p->script->maps; *tail; tail = &(*tail)->next)
		if (!p->failed && str_same((*tail)->name, m->name))
			parse_fail(p, m->at, NULL, "@%s is declared twice", m->name);
	parse_expect(p, TOK_SET, "let @m = hash(100);");
	word = p->tok;
	parse_expect(p, TOK_NAME, "let @m = hash(100);");
	while (kind->name && strcmp(kind->name, word.text) != 0)
		kind++;
	if (!kind->name && !p->failed)
		parse_fail(p, word.at, "hash, lruhash, percpuhash, percpulruhash",
			   "there is no kind of map '%s'", word.text);
	parse_expect(p, TOK_LPAREN, "let @m = hash(100);");
	if (is(p, TOK_INT) && (p->tok.value < 1 || p->tok.value > 1u << 28))
		parse_fail(p, p->tok.at, NULL, "a map has 1 to %u entries", 1u << 28);
	m->entries = (u32)p->tok.value;
	parse_expect(p, TOK_INT, "the number of entries: let @m = hash(100);");
	m->declared = kind;
	parse_unstable(p, UNSTABLE_MAP_DECL, word.at);
	*tail = m;
	parse_expect(p, TOK_RPAREN, "let @m = hash(100);");
	return last(p, TOK_SEMI, "a declaration ends with ;");
}
