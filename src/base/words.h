/* words.h: words with commas between them. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <string.h>

/* for each word of `list`: its start and length; the list may be NULL. */
#define words_each(p, n, list)                                                                     \
	for (const char *p = (list); p && *p && ((n) = strcspn(p, ","), true);                     \
	     p += (n) + (p[n] == ','))

static inline bool words_have(const char *list, const char *word)
{
	size_t n, len = strlen(word);

	words_each (p, n, list)
		if (n == len && !memcmp(p, word, n))
			return true;
	return false;
}

#endif
