/*
 * drop_rules.c: rules of a firewall: text to filters, run over packets that are at hand.
 *
 * In: "drop tcp dst port 8080", several in lines or between semicolons, the first that takes a
 * packet counts. Out: filters in classic BPF; for packets here, in machine code.
 */
#include "session/drop.h"

#include <ctype.h>

static bool begins(const char *s, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - s) >= n && !memcmp(s, word, n) && (s + n == end || isspace((u8)s[n]));
}

static void add_rule(struct drop_rules *r, const char *s, const char *end)
{
	struct drop_rule rule = {.drops = true};

	while (s < end && isspace((u8)*s))
		s++;
	while (end > s && isspace((u8)end[-1]))
		end--;
	if (s == end || *s == '#')
		return;
	rule.drops = !begins(s, end, "pass");
	if (!rule.drops || begins(s, end, "drop"))
		s += 4;
	while (s < end && isspace((u8)*s))
		s++;
	rule.text = arena_strndup(&r->arena, s, (size_t)(end - s));
	vec_push(&r->arena, &r->list, rule);
}

static void add_rules(struct drop_rules *r, const char *s)
{
	while (*s) {
		/* a comment takes its whole line, semicolons included */
		size_t blank = strspn(s, " \t"), n = strcspn(s, s[blank] == '#' ? "\n" : ";\n");

		add_rule(r, s, s + n);
		s += n + (s[n] != 0);
	}
}

int drop_rules_read(struct drop_rules *r, const char *text)
{
	r->arena.escape = &r->escape;
	if (setjmp(r->escape))
		return diag_fail(r->diag, -ENOMEM, NULL, "out of memory");
	add_rules(r, text);
	return 0;
}

static int compile_rules(struct drop_rules *r, const struct filter_hook *h)
{
	const struct filter_opts how = {
		.link = h->link, .tag_kept = h->tag_kept, .names = filter_names, .user = &r->arena};
	int err = 0;

	for (u32 i = 0; i < r->list.n && !err; i++) {
		struct drop_rule *rule = &r->list.v[i];
		struct diag own = *r->diag;

		own.file = r->list.n > 1 ? arena_printf(&r->arena, "rule %u", i + 1) : "filter";
		own.text = rule->text;
		own.size = strlen(rule->text);
		err = filter_compile(&rule->filter, &r->arena, rule->text, own.size, &how, &own);
	}
	return err;
}

int drop_rules_compile(struct drop_rules *r, const struct filter_hook *h)
{
	if (setjmp(r->escape))
		return diag_fail(r->diag, -ENOMEM, NULL, "out of memory");
	return compile_rules(r, h);
}

int drop_rules_match(struct drop_rules *r, const struct packet *p)
{
	for (u32 i = 0; i < r->list.n; i++) {
		struct drop_rule *rule = &r->list.v[i];
		int err = 0;

		if (!rule->matcher || rule->link != p->link) {
			packet_filter_close(rule->matcher);
			rule->link = p->link;
			err = packet_filter_open(&rule->matcher, rule->text, p->link, NULL,
						 r->diag);
		}
		if (err)
			return err;
		if (packet_filter_takes(rule->matcher, p))
			return (int)i;
	}
	return (int)r->list.n;
}

void drop_rules_free(struct drop_rules *r)
{
	vec_each (rule, &r->list)
		packet_filter_close(rule->matcher);
	arena_free(&r->arena);
}
