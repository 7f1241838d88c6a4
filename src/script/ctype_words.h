/*
 * ctype_words.h: a C type, read from its tokens: shared by names of types (ctype.c) and
 * declarations (ctype_declare.c).
 */
#ifndef SCRIPT_CTYPE_WORDS_H
#define SCRIPT_CTYPE_WORDS_H

#include "script/ctype.h"

#define CTYPE_DEPTH     32         /* of [][], of ** and of structs in structs */
#define CTYPE_SIZE_MOST (1u << 24) /* bytes of an array or a declared struct */

/* Tokens of a type; the current one is the first that does not belong to it any more. */
struct words {
	struct script *script;
	struct diag *diag;
	struct lexer lex, before; /* behind the current token, before it */
	struct token tok;
	const char *unknown; /* the type that does not exist, or NULL */
	struct loc unknown_at;
	u32 depth;
	bool told; /* what is wrong was said */
};

/* ctype_btf.c: what is known of types, and how they are put together. */
struct ctype_state {            /* hangs on the script */
	struct dict aggregates; /* "struct foo", "union bar", declared or from BTF */
	struct dict names;	/* of types, from typedef: struct type * */
	struct dict by_id;      /* of BTF, key: slot_of() */
	struct dict by_place;   /* of debugging information, key: the address in hex */
	struct dict enums;      /* "name", declared or from BTF: struct type * */
	struct dict constants;  /* enumerators and #defines: struct constant * */
	struct dict missing;    /* names that are no enumerators */
	struct btf *btf;
	bool asked;
};
struct ctype_state *ctype_state_of(struct script *);
struct btf *ctype_btf_of(struct script *); /* NULL: there is none */
const struct type *ctype_keep(struct script *, struct type);
struct type ctype_pointer_to(struct script *, struct type);
struct type ctype_array_of(struct script *, struct type element, u32 n);
bool ctype_aggregate_by_name(struct script *, const char *word, const char *name, struct type *);

void ctype_next(struct words *);
/* Says what is wrong, once, and returns false: what follows is guesswork. */
bool ctype_wrong(struct words *, struct loc, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* "unsigned long", "const struct foo", "struct { int a; }"; false: no type, or a wrong one. */
bool ctype_base(struct words *, struct type *);
bool ctype_stars(struct words *, struct type *);
/* A constant expression; false: it is none, nothing was taken and nothing said. */
bool ctype_number(struct words *, s64 *);
/* [N][M]... behind the name. */
bool ctype_brackets(struct words *, struct type *);
/* Bodies, from the keyword to behind the closing brace. */
bool ctype_aggregate(struct words *, const char *word, struct type *);
bool ctype_enum(struct words *, struct type *);

/* Makes "struct NAME" known; its members may follow. */
void ctype_put(struct script *, const char *word, struct aggregate *);
void ctype_put_name(struct script *, const char *name, struct type);
void ctype_put_enum(struct script *, const char *name, struct type);

#endif
