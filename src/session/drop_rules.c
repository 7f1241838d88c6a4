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

/* line: where its line begins, whose number is `number`. */
static void add_rule(struct drop_rules *r, const char *s, const char *end, const char *line,
		     u32 number)
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
	rule.line = arena_strndup(&r->arena, line, strcspn(line, "\n"));
	rule.at = (struct loc){.line = number, .col = (u16)(s - line + 1)};
	vec_push(&r->arena, &r->list, rule);
}

static void add_rules(struct drop_rules *r, const char *s)
{
	const char *line = s;
	u32 number = 1;

	while (*s) {
		/* a comment takes its whole line, semicolons included */
		size_t blank = strspn(s, " \t"), n = strcspn(s, s[blank] == '#' ? "\n" : ";\n");

		add_rule(r, s, s + n, line, number);
		s += n;
		if (*s == '\n') {
			line = s + 1;
			number++;
		}
		s += *s != 0;
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

/* What is wrong in a rule, at its place in the file. */
struct moved {
	const struct drop_rules *rules;
	const struct drop_rule *rule;
};

static void move(void *user, const struct waggle_diag *w)
{
	const struct moved *m = user;
	struct waggle_diag moved = *w;

	if (w->file) {
		moved.file = m->rules->file;
		moved.source = m->rule->line;
		moved.line = m->rule->at.line;
		moved.col += m->rule->at.col - 1u;
	}
	if (m->rules->diag->fn)
		m->rules->diag->fn(m->rules->diag->user, &moved);
}

static int compile_rules(struct drop_rules *r, const struct drop_place *p)
{
	const struct filter_opts how = {.swift = true,
					.link = p->link,
					.way = r->way,
					.tag_kept = filter_hooks[p->hook].tag_kept,
					.names = filter_names,
					.user = &r->arena};
	int err = 0;

	for (u32 i = 0; i < r->list.n && !err; i++) {
		struct drop_rule *rule = &r->list.v[i];
		struct moved moved = {r, rule};
		struct diag own = r->file ? (struct diag){.fn = move, .user = &moved} : *r->diag;

		own.file = r->list.n > 1 ? arena_printf(&r->arena, "rule %u", i + 1) : "filter";
		own.text = rule->text;
		own.size = strlen(rule->text);
		err = filter_compile(&rule->filter, &r->arena, rule->text, own.size, &how, &own);
	}
	return err;
}

int drop_rules_compile(struct drop_rules *r, const struct drop_place *p)
{
	if (setjmp(r->escape))
		return diag_fail(r->diag, -ENOMEM, NULL, "out of memory");
	r->way = p->egress ? FILTER_WAY_OUT : FILTER_WAY_IN;
	return compile_rules(r, p);
}

int drop_rules_match(struct drop_rules *r, const struct packet *p)
{
	for (u32 i = 0; i < r->list.n; i++) {
		const struct packet_filter_opts o = {.way = r->way};
		struct drop_rule *rule = &r->list.v[i];
		int err = 0;

		if (!rule->matcher || rule->link != p->link) {
			packet_filter_close(rule->matcher);
			rule->link = p->link;
			err = packet_filter_open(&rule->matcher, rule->text, p->link, &o, r->diag);
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
