/*
 * pre.h: the C preprocessor of scripts: #include, #define, #if.
 *
 * It works on text before the lexer does: the text that comes out has a list of where each piece
 * of it comes from, so that messages point into the files that people wrote. A script without a
 * line that begins with # passes untouched.
 */
#ifndef SCRIPT_PRE_H
#define SCRIPT_PRE_H

#include "script/ast.h"

/* From offset `out` on the text is what stands at `at`. */
struct source_piece {
	u32 out;
	bool expanded; /* of a macro: all of it has that one place */
	struct loc at;
};
struct source_map {
	vec(struct source_piece) pieces;
	u32 file; /* of a text without pieces */
};

/* A text of its own, as the lexer reads it. */
struct source_text {
	const char *text;
	size_t size;
	struct source_map map;
};

/* In: a source, and its number (0: the script). 0 or -EINVAL. */
int script_preprocess(struct script *, const char *text, size_t size, u32 file,
		      struct source_text *out);

/* Reads a file beside `beside` (a path, or NULL) or in one of the folders of -I; its number, 0: it
 * is not there, or -errno. */
int script_source(struct script *, const char *name, const char *beside, bool header);
const struct diag_file *script_file(const struct script *, u32 file);

#endif
