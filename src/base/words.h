/* words.h: words with commas between them. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <string.h>

/* for each word of `list`: its start and length; the list may be NULL. */
#define words_each(p, n, list)                                                                     \
	for (const char *p = (list); p && *p && ((n) = strcspn(p, ","), true);                     \
	     p += (n) + (p[n] == ','))

/* Are the n bytes at p that word? */
static inline bool word_is(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && !memcmp(p, word, n);
}

static inline bool words_have(const char *list, const char *word)
{
	size_t n;

	words_each (p, n, list)
		if (word_is(p, n, word))
			return true;
	return false;
}

#endif
