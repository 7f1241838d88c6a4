/* pre_inner.h: what the files of the preprocessor share. */
#ifndef SCRIPT_PRE_INNER_H
#define SCRIPT_PRE_INNER_H

#include "script/pre.h"

#define TEXT_MOST (4u << 20) /* bytes that may come out: macros can multiply */
#define NEST_MOST 64         /* macros in macros, files in files, #if in #if */

/* #define NAME(params) body */
struct pre_macro {
	const char *name, *body;
	bool function, variadic;
	vec(const char *) params;
	bool busy; /* is being expanded: does not stand for itself */
};

/* One #if: whether its lines count now, and whether one of its branches has. */
struct pre_if {
	bool outer, live, done, otherwise;
	struct loc at;
};

struct pre {
	struct script *script;
	struct dict macros; /* struct pre_macro *; NULL: undefined again */
	struct buf out;
	struct source_map *map;
	vec(struct pre_if) ifs;
	u32 nest;
	bool failed;
	/* of the file that is being read */
	u32 file, line;
	const char *p, *end, *line_start;
};

int pre_fail(struct pre *, struct loc, const char *hint, const char *fmt, ...) PRINTF_LIKE(4, 5);
bool pre_is_name(char);
/* Where a string or a character constant ends: behind its quote, or before the end of the line. */
const char *pre_quoted(const char *p, const char *end);

/* pre_macro.c */
struct pre_macro *pre_find(struct pre *, const char *name, size_t len);
/* "NAME body", "NAME(a, b) body", as it stands behind #define */
void pre_define(struct pre *, const char *text, struct loc);
/* Expands the macro whose name ends at p, as far as `end`, into out; returns where the text goes
 * on: p itself, when it is a function and no `(` follows. */
const char *pre_expand(struct pre *, struct pre_macro *, const char *p, const char *end, struct loc,
		       struct buf *out);
void pre_expand_text(struct pre *, const char *p, const char *end, struct loc, struct buf *out);

/* pre_if.c: the value of #if's expression */
bool pre_condition(struct pre *, const char *text, struct loc);

#endif
