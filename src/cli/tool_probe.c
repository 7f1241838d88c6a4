/*
 * tool_probe.c: the short names of what is probed that people have in their fingers.
 *
 * In:  "vfs_read", "c:malloc", "t:sched:sched_switch", "u:pthread:pthread_create", "p:c:open". Out:
 * a probe of the language; what is one already stays. "c:(read|write)$": a regular expression.
 */
#include "cli/cli.h"
#include "cli/tools.h"

#include <regex.h>
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

struct matches {
	regex_t re;
	unsigned colons; /* in front of a name */
	char *list;      /* "uprobe:c:read,uprobe:c:write" */
	size_t n;
	bool any;        /* something was listed, whether it matches or not */
	bool failed;     /* no memory */
};

static void match(void *user, const char *line)
{
	struct matches *m = user;
	const char *name = line;
	regmatch_t where;
	size_t n = strlen(line);
	char *list;

	m->any = true;
	for (unsigned i = 0; i < m->colons && name; i++)
		name = strchr(name, ':') ? strchr(name, ':') + 1 : NULL;
	if (!name || regexec(&m->re, name, 1, &where, 0) || where.rm_so)
		return;
	list = realloc(m->list, m->n + n + 2);
	m->failed |= !list;
	if (!list)
		return;
	m->list = list;
	m->n += (size_t)sprintf(list + m->n, m->n ? ",%s" : "%s", line);
}

/* Behind the last colon that stands in no brackets: "c:[[:alpha:]]lose". */
static const char *last_part(const char *word)
{
	const char *text = word;
	int depth = 0;

	for (; *word; word++) {
		depth += (*word == '[') - (*word == ']' && depth);
		if (*word == ':' && !depth)
			text = word + 1;
	}
	return text;
}

int tool_regexp(const char *word, bool returns, const struct waggle_opts *opts, char **probes)
{
	const char *text = last_part(word);
	struct matches m = {0};
	char *head = NULL, *pattern = NULL, why[128];
	int err = regcomp(&m.re, text, REG_EXTENDED);

	if (err) {
		regerror(err, &m.re, why, sizeof(why));
		return usage_error("'%s' is no regular expression: %s", text, why);
	}
	if (asprintf(&head, "%.*s*", (int)(text - word), word) > 0)
		pattern = tool_probe(head, returns);
	for (const char *at = pattern; at && (at = strchr(at, ':')); at++)
		m.colons++;
	if (!pattern || waggle_list(pattern, false, match, &m, opts) || m.failed)
		err = STATUS_ERROR;
	else if (!m.any) { /* why, the compiler tells */
		m.list = pattern;
		pattern = NULL;
	} else if (!m.list)
		err = usage_error("none of %s matches '%s'", pattern, text);
	if (err)
		free(m.list);
	*probes = err ? NULL : m.list;
	regfree(&m.re);
	free(head);
	free(pattern);
	return err;
}
