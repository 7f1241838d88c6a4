/*
 * glob.c: shell patterns.
 *
 * A star is tried shortest first; when the rest fails, only the last star is tried longer, which
 * is enough and keeps the work within length of pattern times length of text.
 */
#include "target/target.h"

/* Matches c with the set at *p ("[a-z]", "[!0-9]") and moves *p behind it; false also when the
 * set does not end: the bracket is then an ordinary character. */
static bool match_set(const char **p, char c, bool *is_set)
{
	const char *s = *p + 1;
	bool negate = *s == '!' || *s == '^', found = false;

	s += negate;
	*is_set = false;
	for (bool first = true; *s && (first || *s != ']'); first = false) {
		char from = *s, to;

		if (s[1] == '-' && s[2] && s[2] != ']') {
			to = s[2];
			s += 3;
		} else {
			to = from;
			s++;
		}
		found |= (u8)from <= (u8)c && (u8)c <= (u8)to;
	}
	if (!*s)
		return false;
	*is_set = true;
	*p = s + 1;
	return found != negate;
}

/* One character of the text against one item of the pattern, which is passed. */
static bool match_one(const char **p, char c)
{
	bool is_set;

	if (**p == '?') {
		++*p;
		return true;
	}
	if (**p == '[') {
		bool found = match_set(p, c, &is_set);

		if (is_set)
			return found;
	} else if (**p == '\\' && (*p)[1]) {
		++*p;
	}
	return *(*p)++ == c;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL; /* behind the last star; where the text went on */

	while (*text) {
		const char *p = pattern;

		if (*p == '*') {
			star = ++pattern;
			from = text;
		} else if (*p && match_one(&p, *text)) {
			pattern = p;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
