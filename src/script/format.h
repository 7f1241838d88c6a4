/* format.h: scripts as they should be written; see format.c. */
#ifndef SCRIPT_FORMAT_H
#define SCRIPT_FORMAT_H

#include "script/ast.h"

/* Appends the text anew. Reports what is no script; 0 or -EINVAL. Of the script only arena and diag
 * are used. */
int script_format(struct script *, const char *src, size_t len, struct buf *out);

#endif
