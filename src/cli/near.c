/*
 * near.c: a word that was meant: commands, tools, words of the language.
 *
 * In: what was typed, and words one by one. Out: the nearest, if it is near.
 */
#include "cli/cli.h"

#include <string.h>

/* Edits that make b of a: letters added, left out, changed, or two neighbours swapped. Long words are far. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[24][24], n = (unsigned)strlen(b), m = (unsigned)strlen(a);

	if (n >= 24 || m >= 24)
		return 24;
	for (unsigned j = 0; j <= n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= m; i++) {
		rows[i][0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = best < rows[i - 1][j] + 1 ? best : rows[i - 1][j] + 1;
			best = best < rows[i][j - 1] + 1 ? best : rows[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    best > rows[i - 2][j - 2] + 1)
				best = rows[i - 2][j - 2] + 1;
			rows[i][j] = best;
		}
	}
	return rows[m][n];
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
