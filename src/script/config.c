/*
 * config.c: the block in front of a script: config = { max_map_keys = 100; stack_mode = perf }
 *
 * In:  its tokens. Out: limits of the script, where options and environment have not said them.
 * Names are those of bpftrace, also as its environment writes them; what has no meaning here is
 * read over.
 */
#include "script/parse_inner.h"
#include "script/tables.h"

#include <ctype.h>

/* What a variable takes; WORD: one of its words. */
enum takes { NUMBER, WORD, ANYTHING };

enum variable { MAX_STRLEN, MAX_MAP_KEYS, STACK_MODE, MISSING_PROBES, PRINT_MAPS_ON_EXIT, NOTHING };

static const struct config_row {
	const char *name;
	enum variable variable;
	enum takes takes;
	const char *words[4];
	u64 least, most;
} rows[] = {
#define WORDS_OF(...)       \
	{                   \
		__VA_ARGS__ \
	}
#define CONFIG(name, variable, takes, words, least, most, doc) \
	{#name, variable, takes, words, least, most},
#include "script/config.def"
#undef CONFIG
#undef WORDS_OF
};

/* BPFTRACE_STACK_MODE and STACK_MODE are stack_mode. */
static const char *plain_name(struct parser *p, const char *text)
{
	char *name =
		arena_strdup(p->script->arena, strncmp(text, "BPFTRACE_", 9) ? text : text + 9);

	for (char *c = name; *c; c++)
		*c = (char)tolower((u8)*c);
	return name;
}

static void set(struct script *s, enum variable variable, u64 n)
{
	struct limits *l = &s->limits;

	switch (variable) {
	case MAX_STRLEN: l->str_most = l->said.str_most ? l->str_most : (u32)ALIGN_UP(n, 8); break;
	case MAX_MAP_KEYS: l->map_entries = l->said.map_entries ? l->map_entries : (u32)n; break;
	case STACK_MODE: l->stack_mode = l->said.stack_mode ? l->stack_mode : (u8)n; break;
	case MISSING_PROBES: s->missing = (u8)n; break;
	case PRINT_MAPS_ON_EXIT: s->silent = !n; break;
	case NOTHING: break;
	}
}

static void take_word(struct parser *p, const struct config_row *row, const struct token *value)
{
	struct near near = {.word = value->text};
	u32 n = 0;

	while (n < ARRAY_SIZE(row->words) && row->words[n] &&
	       strcmp(row->words[n], value->text) != 0)
		near_try(&near, row->words[n++]);
	if (n < ARRAY_SIZE(row->words) && row->words[n])
		set(p->script, row->variable, n);
	else
		parse_fail(p, value->at,
			   arena_printf(p->script->arena, "%s, %s%s%s", row->words[0],
					row->words[1], row->words[2] ? ", " : "",
					row->words[2] ? row->words[2] : ""),
			   "%s cannot be '%s'", row->name, value->text);
}

/* name = value */
static void parse_variable(struct parser *p)
{
	struct token name = p->tok, value;
	const char *plain = name.kind == TOK_NAME ? plain_name(p, name.text) : "";
	const struct config_row *row = NULL;
	struct near near = {.word = plain};

	for (u32 i = 0; i < ARRAY_SIZE(rows) && !row; i++) {
		near_try(&near, rows[i].name);
		row = strcmp(rows[i].name, plain) ? NULL : &rows[i];
	}
	parse_expect(p, TOK_NAME, "config = { max_map_keys = 100 }");
	parse_expect(p, TOK_SET, "config = { max_map_keys = 100 }");
	value = p->tok;
	if (p->failed)
		return;
	if (!row) {
		parse_fail(p, name.at,
			   near.best
				   ? arena_printf(p->script->arena, "did you mean '%s'?", near.best)
				   : NULL,
			   "there is no variable '%s'", plain);
		return;
	}
	parse_advance(p);
	if (value.kind != TOK_INT && value.kind != TOK_NAME && value.kind != TOK_STR)
		parse_fail(p, value.at, NULL, "a number, a word or a string expected");
	else if (row->takes == NUMBER && value.kind != TOK_INT)
		parse_fail(p, value.at, NULL, "%s takes a number", row->name);
	else if (row->takes == NUMBER && (value.value < row->least || value.value > row->most))
		parse_fail(p, value.at, NULL, "%s is %llu to %llu", row->name,
			   (unsigned long long)row->least, (unsigned long long)row->most);
	else if (row->takes == NUMBER)
		set(p->script, row->variable, value.value);
	else if (row->takes == WORD)
		take_word(p, row, &value);
}

int parse_config(struct parser *p)
{
	parse_advance(p); /* config */
	parse_advance(p);
	parse_expect(p, TOK_SET, "config = { max_map_keys = 100 }");
	parse_expect(p, TOK_LBRACE, "config = { max_map_keys = 100 }");
	while (!is(p, TOK_RBRACE) && !p->failed) {
		parse_variable(p);
		if (!is(p, TOK_RBRACE))
			parse_expect(p, TOK_SEMI, "variables end with ;");
		while (!p->failed && is(p, TOK_SEMI))
			parse_advance(p);
	}
	return p->failed ? -1 : 0;
}

/* An `end` probe without statements, for config_clear_maps(). */
struct probe *config_last_probe(struct parser *p)
{
	struct probe *probe = arena_new(p->script->arena, struct probe);
	struct loc at = p->script->probes->at;

	probe->specs = arena_new(p->script->arena, struct probe_spec);
	*probe->specs = (struct probe_spec){.text = "end", .at = at};
	probe->at = at;
	probe->body = p->script->last = parse_node(p, NODE_BLOCK, at);
	return probe;
}

void config_clear_maps(struct script *s)
{
	struct node **tail = s->last ? &s->last->a : NULL;

	for (struct script_map *m = tail ? s->maps : NULL; m; m = m->next) {
		struct node *call = arena_new(s->arena, struct node);

		call->kind = NODE_CALL;
		call->text = "clear";
		call->at = s->last->at;
		call->a = arena_new(s->arena, struct node);
		call->a->kind = NODE_MAP;
		call->a->text = m->name;
		call->a->at = s->last->at;
		*tail = call;
		tail = &call->next;
	}
}
