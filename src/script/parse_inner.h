/*
 * parse_inner.h: what the parsers of statements (parse.c) and of expressions (parse_expr.c) share.
 */
#ifndef SCRIPT_PARSE_INNER_H
#define SCRIPT_PARSE_INNER_H

#include "script/ctype.h"
#include "script/pre.h"
#include "script/script.h"

#define DEPTH_MOST 200 /* nesting, so that no script overflows our stack; see also TREE_MOST */

struct parser {
	struct script *script;
	struct lexer lex;
	struct token tok; /* the current one; the lexer stands right behind it */
	bool predicate;   /* a `/` before a `{` ends the expression */
	bool failed;
	u32 depth;
	u32 nodes; /* that were made of this source */
	u32 file;
	struct probe ***tail; /* where the next probe goes */
};

void parse_advance(struct parser *);
/* The first error is told and ends the script; returns NULL. */
void *parse_fail(struct parser *, struct loc at, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* One level more, until p->depth--; false: that is one too many, which has been told. */
bool parse_deeper(struct parser *, const char *hint);
/* A whole tree, which may have grown deep without nesting: a + b + c. */
void parse_bound(struct parser *, const struct node *);
void parse_expect(struct parser *, enum token_kind, const char *hint);
struct node *parse_node(struct parser *, enum node_kind, struct loc at);
/* A node of the current token, which is consumed. */
struct node *parse_leaf(struct parser *, enum node_kind);
struct node *parse_expr(struct parser *);
/* From { to }, which is the current token then; or to behind it. */
struct node *parse_block(struct parser *);
struct node *parse_inner_block(struct parser *);
bool parse_is_word(const struct parser *, const char *word);
/* All of a source: probes and what stands between them. 0 or -EINVAL. */
int parse_source(struct script *, const char *text, size_t size, u32 file, struct probe ***tail);

/* parse_preamble.c: what stands between probes; each 0 or -1, from its word on */
int parse_macro(struct parser *);
int parse_import(struct parser *);
int parse_map(struct parser *);
/* Is it = or another assignment? */
bool parse_assigns(enum token_kind op);

/* parse_type.c: from the first token of a type to the first behind it: a NODE_TYPE, from which
 * check_type() makes a type. */
struct node *parse_type(struct parser *);
/* (type) a; sizeof(type or expr), offsetof(type or expr, a.b), container_of(p, type, a.b): behind the opening parenthesis. */
struct node *parse_cast(struct parser *, struct loc at);
struct node *parse_type_word(struct parser *, struct node *name, u8 kind); /* call_row.node */
struct node *parse_unary(struct parser *);

/* parse_container.c: what it becomes in a tuple; in keys and emit(); in table() */
enum container_list { CONTAINER_VALUES, CONTAINER_NAMED, CONTAINER_COLUMNS };
/* The list without it, or with what it means. */
struct node *parse_containers(struct parser *, struct node *first, enum container_list);

/* family.c: the probe that family() needs, behind those of the script; 0 or -EINVAL */
int family_parse(struct script *, struct probe ***tail);

/* config.c: the block in front of the probes, up to its closing brace; 0 or -1 */
int parse_config(struct parser *);
/* Something of UNSTABLE_... stands there: a warning or an error, if the script wants one. */
void parse_unstable(struct parser *, enum config_variable, struct loc);

static inline bool is(const struct parser *p, enum token_kind kind)
{
	return p->tok.kind == kind;
}

static inline bool accept(struct parser *p, enum token_kind kind)
{
	if (!is(p, kind))
		return false;
	parse_advance(p);
	return true;
}

#endif
