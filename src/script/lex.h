/*
 * lex.h: the text of a script as tokens, made one at a time: what a `/` or a probe means depends
 * on where it stands, and only the parser knows.
 */
#ifndef SCRIPT_LEX_H
#define SCRIPT_LEX_H

#include "base/buf.h"
#include "base/diag.h"

enum token_kind {
	TOK_END,
	TOK_NAME,
	TOK_INT,
	TOK_STR,
	TOK_VAR,   /* $name */
	TOK_PARAM, /* $1; $# has value 0 and text "#" */
	TOK_MAP,   /* @name; the name may be empty */
	TOK_BAD,   /* already reported */
#define PUNCT(NAME, text)   TOK_##NAME,
#define MARK(NAME, c, text) PUNCT(NAME, text)
#include "script/puncts.def"
#undef MARK
#undef PUNCT
	TOK_COUNT
};

struct token {
	u8 kind;
	struct loc at;
	const char *text; /* name without its sigil; string with escapes resolved; in the arena */
	u32 len;	  /* of text: strings may hold NULs */
	u64 value;	  /* INT, PARAM */
	bool is_unsigned; /* INT: has a suffix u, or needs 64 bits */
};

struct lexer {
	struct arena *arena;
	struct diag *diag;
	const char *p, *end, *line_start;
	u32 line;
	const struct source_map *map; /* of a preprocessed text: where it comes from; or NULL */
	const char *start;
	u32 piece; /* of the map */
};

#define LITERAL_MOST 65536 /* bytes of a string: none that a script makes is longer */

struct source_map;
void lex_init(struct lexer *, struct arena *, struct diag *, const char *src, size_t len,
	      const struct source_map *);
struct token lex_next(struct lexer *);
/* A probe specification, up to white space, a comma, `{` or the start of a predicate. */
struct token lex_probe(struct lexer *);
/* Is the next thing, behind white space, a `{`? Tells the end of a predicate from a division. */
bool lex_before_brace(const struct lexer *);
const char *token_text(enum token_kind); /* for messages: "'('", "a name" */

#endif
