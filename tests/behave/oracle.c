/*
 * oracle.c: ask bpftrace 0.17 the same.
 *
 * In:  a script in today's language.
 * Out: the same script as bpftrace 0.17 reads it (args->x, BEGIN, END), and its output without the
 *      line about attaching, so that cases can be checked against what bpftrace prints.
 */
#include "behave.h"

#include <ctype.h>
#include <string.h>

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

char *oracle_script(const char *script)
{
	static const struct {
		const char *from, *to;
	} words[] = { { "begin", "BEGIN" }, { "end", "END" }, { "args.", "args->" } };
	struct text t = { 0 };
	bool quoted = false;

	text_add(&t, "", 0);
	for (const char *s = script; *s;) {
		size_t i, len = 1;
		bool fresh = s == script || !(word_char(s[-1]) || strchr("$@.>", s[-1]));

		quoted ^= *s == '"' && (s == script || s[-1] != '\\');
		for (i = 0; i < 3 && !quoted && fresh; i++) {
			len = strlen(words[i].from);
			if (strncmp(s, words[i].from, len) == 0 &&
			    (words[i].from[len - 1] == '.' || !word_char(s[len])))
				break;
		}
		if (i == 3 || quoted || !fresh) {
			text_add(&t, s++, 1);
			continue;
		}
		text_add(&t, words[i].to, strlen(words[i].to));
		s += len;
	}
	return t.s;
}

void oracle_output(char *out, size_t *len)
{
	static const char start[] = "Attaching ";
	char *nl;

	if (strncmp(out, start, strlen(start)) != 0 || !(nl = strchr(out, '\n')))
		return;
	*len -= (size_t)(nl + 1 - out);
	memmove(out, nl + 1, *len + 1);
}
