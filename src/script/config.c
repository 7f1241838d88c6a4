/*
 * config.c: the block in front of a script: config = { max_map_keys = 100; stack_mode = perf }
 *
 * In:  its tokens, or what the environment has. Out: limits of the script, where options and
 * environment have not said them. Names are those of bpftrace, also as its environment writes them.
 */
#include "script/parse_inner.h"
#include "script/tables.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* What a variable takes; WORD: one of its words; TEXT: at most so many bytes. */
enum takes { NUMBER, WORD, TEXT, ANYTHING };
#define TRAILER_MOST 64

static const struct config_row {
	const char *name;
	u8 variable, takes;
	const char *words[6];
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
static const char example[] = "config = { max_map_keys = 100 }";

/* BPFTRACE_STACK_MODE and STACK_MODE are stack_mode. */
static const char *plain_name(struct script *s, const char *text)
{
	char *name = arena_strdup(s->arena, strncmp(text, "BPFTRACE_", 9) ? text : text + 9);

	for (char *c = name; *c; c++)
		*c = (char)tolower((u8)*c);
	return name;
}

static u32 ring_size(u64 pages)
{
	u32 size = 4096;

	while (size / 4096 < pages) /* rings are powers of two */
		size *= 2;
	return size;
}

static void flag(struct limits *l, u8 bit, bool on)
{
	l->symbol_flags = (u8)(on ? l->symbol_flags | bit : l->symbol_flags & ~bit);
}

/* n: the number, or which word; text: the same as it was written. */
static void set(struct script *s, const struct config_row *row, u64 n, const char *text,
		bool outranks)
{
	struct limits *l = &s->limits;

	if (l->said & 1u << row->variable)
		return;
	l->said |= outranks && row->variable != NOTHING ? 1u << row->variable : 0;
	switch ((enum config_variable)row->variable) {
	case MAX_STRLEN: l->str_most = (u32)n; break;
	case MAX_MAP_KEYS: l->map_entries = (u32)n; break;
	case MAX_PROBES: l->points_most = (u32)n; break;
	case MAX_CAT_BYTES: l->cat_most = (u32)n; break;
	case MAX_BPF_PROGS: l->progs_most = (u32)n; break;
	case PERF_RB_PAGES: l->ring_bytes = ring_size(n); break;
	case STACK_MODE: l->stack_mode = (u8)n; break;
	case CALL_GRAPH: l->call_graph = (u8)n; break;
	case MISSING_PROBES: s->missing = (u8)n; break;
	case PRINT_MAPS_ON_EXIT: s->silent = !n; break;
	case CPP_DEMANGLE: flag(l, SYMBOLS_AS_LINKED, !n); break;
	case SHOW_DEBUG_INFO: flag(l, STACK_WITH_LINES, n); break;
	case LICENSE: l->license = row->words[n]; break;
	case UNSTABLE_ADDR:
	case UNSTABLE_MAP_DECL:
	case UNSTABLE_TSERIES:
	case UNSTABLE_DW_USTACK: l->unstable[row->variable] = (u8)n; break;
	case STR_TRUNC_TRAILER: l->trailer = text; break;
	case NOTHING: break;
	}
}

static const char *all_words(struct script *s, const struct config_row *row)
{
	const char *text = row->words[0];

	for (u32 i = 1; i < ARRAY_SIZE(row->words) && row->words[i]; i++)
		text = arena_printf(s->arena, "%s, %s", text, row->words[i]);
	return text;
}

static const char *value_text(struct script *s, const struct token *value)
{
	return value->kind == TOK_INT
		       ? arena_printf(s->arena, "%llu", (unsigned long long)value->value)
		       : value->text;
}

/* One of its words; of true and false, also 1 and 0. */
static s64 word_index(struct script *s, const struct config_row *row, const struct token *value)
{
	const char *text = value_text(s, value);

	if (value->kind == TOK_INT && !strcmp(row->words[0], "false"))
		return value->value < 2 ? (s64)value->value : -1;
	for (u32 i = 0; i < ARRAY_SIZE(row->words) && row->words[i]; i++)
		if (!strcmp(row->words[i], text))
			return i;
	return -1;
}

/* Sets it; what is wrong with the value is told. */
static int take(struct script *s, const struct config_row *row, const struct token *value,
		bool outranks)
{
	u64 n = value->value;

	if (row->takes == NUMBER && value->kind != TOK_INT)
		return diag_error(s->diag, value->at, NULL, "%s takes a number", row->name);
	if (row->takes == NUMBER && (n < row->least || n > row->most))
		return diag_error(s->diag, value->at, NULL, "%s is %llu to %llu", row->name,
				  (unsigned long long)row->least, (unsigned long long)row->most);
	if (row->takes == WORD) {
		n = (u64)word_index(s, row, value);
		if ((s64)n < 0)
			return diag_error(s->diag, value->at, all_words(s, row),
					  "%s cannot be '%s'", row->name, value_text(s, value));
	}
	if (row->takes == TEXT && strlen(value_text(s, value)) > row->most)
		return diag_error(s->diag, value->at, NULL, "%s has at most %llu bytes", row->name,
				  (unsigned long long)row->most);
	set(s, row, n, value_text(s, value), outranks);
	return 0;
}

static const struct config_row *row_find(struct script *s, const char *name, struct loc at)
{
	struct near near = {.word = name};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		near_try(&near, rows[i].name);
	diag_error(s->diag, at,
		   near.best ? arena_printf(s->arena, "did you mean '%s'?", near.best)
			     : "`waggle help config` lists them",
		   "there is no variable '%s'", name);
	return NULL;
}

/* name = value */
static void parse_variable(struct parser *p)
{
	struct token name = p->tok, value;
	const struct config_row *row;

	parse_expect(p, TOK_NAME, example);
	parse_expect(p, TOK_SET, example);
	value = p->tok;
	if (p->failed)
		return;
	row = row_find(p->script, plain_name(p->script, name.text), name.at);
	p->failed = !row;
	parse_advance(p);
	if (row && value.kind != TOK_INT && value.kind != TOK_NAME && value.kind != TOK_STR)
		parse_fail(p, value.at, NULL, "a number, a word or a string expected");
	else if (row)
		p->failed |= take(p->script, row, &value, false) != 0;
}

int config_set(struct script *s, const char *text)
{
	const char *equals = strchr(text, '='), *value = equals ? equals + 1 : "";
	const struct config_row *row;
	struct token t = {.kind = TOK_NAME, .text = value};
	char *end;

	row = row_find(s, arena_strndup(s->arena, text, (size_t)(value - text) - !!equals), t.at);
	t.value = strtoull(value, &end, 0);
	if (end != value && !*end && *value != '-')
		t.kind = TOK_INT;
	return row ? take(s, row, &t, true) : -EINVAL;
}

void parse_unstable(struct parser *p, enum config_variable variable, struct loc at)
{
	u8 wanted = p->script->limits.unstable[variable];
	const char *name = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		name = rows[i].variable == variable ? rows[i].name : name;
	if (wanted == 2 && !p->failed)
		parse_fail(p, at, NULL, "this may change in bpftrace, and %s is error", name);
	else if (wanted == 1)
		diag_warn(p->script->diag, at, NULL, "this may change in bpftrace, and %s is warn", name);
}

int parse_config(struct parser *p)
{
	parse_advance(p); /* config */
	parse_advance(p);
	parse_expect(p, TOK_SET, example);
	parse_expect(p, TOK_LBRACE, example);
	while (!is(p, TOK_RBRACE) && !p->failed) {
		parse_variable(p);
		if (!is(p, TOK_RBRACE))
			parse_expect(p, TOK_SEMI, "variables end with ;");
		while (!p->failed && is(p, TOK_SEMI))
			parse_advance(p);
	}
	return p->failed ? -1 : 0;
}
