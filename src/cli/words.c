/* words.c: what options take as "a,b,c". */
#include "cli/cli.h"

#include <string.h>

bool word_next(const char **list, struct word *w)
{
	const char *p = *list;

	if (!p || !*p)
		return false;
	*w = (struct word){p, strcspn(p, ",")};
	*list = p + w->n + (p[w->n] == ',');
	return true;
}

bool word_is(struct word w, const char *name)
{
	return strlen(name) == w.n && !memcmp(w.p, name, w.n);
}
