/*
 * near.c: a word that was meant: commands, tools, words of the language.
 *
 * In: what was typed, and words one by one. Out: the nearest, if it is near.
 */
#include "cli/cli.h"

#include <string.h>

/* Edits that make b of a: letters added, left out or changed. Long words are far. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[24], n = (unsigned)strlen(b);

	if (n >= 24 || strlen(a) >= 24)
		return 24;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned corner = row[0]++;

		for (unsigned j = 1; j <= n; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			best = best < corner + 1 ? best : corner + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
		}
	}
	return row[n];
}

void near_word(struct near_word *n, const char *candidate)
{
	unsigned d = distance(n->word, candidate), most = strlen(n->word) < 4 ? 1 : 2;
	bool shares = d < strlen(n->word) || d < strlen(candidate);

	if (!shares || d > most || (n->best && d >= n->edits))
		return;
	n->best = candidate;
	n->edits = d;
}
