/*
 * tool_probe.c: the short names of what is probed that people have in their fingers.
 *
 * In:  "vfs_read", "c:malloc", "t:sched:sched_switch", "u:pthread:pthread_create", "p:c:open". Out:
 * a probe of the language; what is one already stays.
 */
#include "cli/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tool_probe(const char *word, bool returns)
{
	static const char *const kinds[] = {
		"kprobe", "k",     "kretprobe", "kr", "uprobe",        "uretprobe", "ur",
		"fentry", "f",     "fexit",     "fr", "tracepoint",    "t",         "usdt",
		"U",      "kfunc", "kretfunc",  "rt", "rawtracepoint", "iter"};
	size_t n = strcspn(word, ":");
	const char *name = word + n + (word[n] == ':');
	char *text = NULL;
	int made;

	if (returns && !strncmp(word, "kprobe:", 7))
		made = asprintf(&text, "kretprobe:%s", word + 7);
	else if (returns && !strncmp(word, "uprobe:", 7))
		made = asprintf(&text, "uretprobe:%s", word + 7);
	else if (!strncmp(word, "u:", 2))
		made = asprintf(&text, "usdt:%s", name);
	else {
		for (unsigned i = 0; word[n] && i < sizeof(kinds) / sizeof(*kinds); i++)
			if (strlen(kinds[i]) == n && !strncmp(kinds[i], word, n))
				return strdup(word);
		if (n == 1 && (*word == 'p' || *word == 'r') && word[n]) {
			returns |= *word == 'r';
			word = *name == ':' ? name + 1 : name;
		}
		made = asprintf(&text, "%c%s:%s", strchr(word, ':') ? 'u' : 'k',
				returns ? "retprobe" : "probe", word);
	}
	return made < 0 ? NULL : text;
}
