/*
 * check_text.c: how the functions of strings and bytes may be used. The rows of calls.def name
 * these; lower_text.c makes code of them.
 */
#include "script/check.h"

#define GLOB_MOST 63 /* characters of a pattern without its stars: a bit each */

/* strerror(n) is a number that becomes words where it is shown; where a string is wanted, the program
 * looks them up. */
bool check_message(struct node *n)
{
	static const struct call_row row = {.name = "strerror", .least = 1, .most = 1,
					    .check = check_message_text, .text = text_strerror};

	if (n->kind != NODE_CALL || n->type.kind != TYPE_SHOWN || n->type.show != FIELD_ERRNO)
		return false;
	n->call = &row;
	n->type = type_str(MESSAGE_BYTES);
	return true;
}

void check_message_text(struct checker *c, struct node *n)
{
	check_int(c, n->a, "strerror()");
	n->type = type_str(MESSAGE_BYTES);
}

/* A string, or bytes up to the first NUL: an array of them, or what a pointer points to. */
static bool text_arg(struct checker *c, struct node *n, const char *of)
{
	if (!check_expr(c, n))
		return false;
	check_message(n);
	if (n->type.kind == TYPE_STR || (n->type.kind == TYPE_INT && n->type.is_pointer) ||
	    (n->type.kind == TYPE_ARRAY && n->type.of->size == 1))
		return true;
	check_fail(c, n, "str(...) reads a string", "%s() takes strings, not %s", of,
		   TYPE_A(n->type));
	return false;
}

u32 text_capacity(const struct script *s, const struct node *n)
{
	if (n->kind == NODE_STR)
		return n->len;
	if (n->type.kind == TYPE_STR)
		return MIN(n->type.size, s->limits.str_most) - 1;
	return n->type.kind == TYPE_ARRAY ? n->type.size : s->limits.str_most - 1;
}

void check_strlen(struct checker *c, struct node *n)
{
	n->type = TYPE_U64;
	text_arg(c, n->a, n->text);
}

void check_strcap(struct checker *c, struct node *n)
{
	n->type = TYPE_S64;
	text_arg(c, n->a, n->text);
}

void check_default_str_length(struct checker *c, struct node *n)
{
	(void)c;
	n->type = TYPE_U64;
}

void check_strstr(struct checker *c, struct node *n)
{
	bool a = text_arg(c, n->a, n->text), b = text_arg(c, n->a->next, n->text);

	n->type = strcmp(n->text, "strstr") ? TYPE_BOOL : TYPE_S64;
	if (a && b && text_capacity(c->script, n->a) > STRSTR_MOST)
		check_fail(c, n->a, "str(p, 1000) takes less",
			   "%s() looks through at most %u bytes", n->text, STRSTR_MOST);
}

void check_str_concat(struct checker *c, struct node *n)
{
	u32 size = 1, most = c->script->limits.str_most;

	for (struct node *a = n->a; a; a = a->next)
		size += text_arg(c, a, n->text) ? text_capacity(c->script, a) : 0;
	n->type = type_str(MIN(size, most));
}

void check_assert_str(struct checker *c, struct node *n)
{
	text_arg(c, n->a, n->text);
}

void check_globmatch(struct checker *c, struct node *n)
{
	struct node *pattern = n->a->next;
	struct glob_token t;
	const char *p;
	u32 chars = 0;

	n->type = TYPE_BOOL;
	text_arg(c, n->a, n->text);
	if (pattern->kind == NODE_CALL)
		check_expr(c, pattern);
	if (pattern->kind != NODE_STR || strlen(pattern->text) != pattern->len) {
		check_fail(c, pattern, "globmatch(comm, \"ssh*\")",
			   "the pattern must be a string constant");
		return;
	}
	for (p = pattern->text; glob_next(&p, &t);)
		chars += !t.star;
	if (*p)
		check_fail(c, pattern, "[abc], [a-z], [!abc]", "a '[' without its ']'");
	else if (chars > GLOB_MOST)
		check_fail(c, pattern, NULL, "a pattern may have %u characters besides its stars",
			   GLOB_MOST);
}

/* The members of a class are behind *p; false: it does not end. */
static bool glob_class(const char **p, struct glob_token *t)
{
	const u8 *q = (const u8 *)*p;
	bool negated = *q == '!' || *q == '^';

	q += negated;
	for (bool first = true; first || *q != ']'; first = false) {
		bool range = *q && q[1] == '-' && q[2] && q[2] != ']';
		u32 last = q[range ? 2 : 0];

		if (!*q)
			return false;
		for (u32 ch = *q; ch <= last; ch++)
			t->set[ch / 64] |= 1ull << ch % 64;
		q += range ? 3 : 1;
	}
	for (u32 i = 0; i < 4 && negated; i++)
		t->set[i] = ~t->set[i];
	*p = (const char *)q + 1;
	return true;
}

bool glob_next(const char **p, struct glob_token *t)
{
	const char *at = *p;

	*t = (struct glob_token){0};
	if (!*at)
		return false;
	switch (*at++) {
	case '*': t->star = true; break;
	case '?': memset(t->set, 0xff, sizeof(t->set)); break;
	case '[':
		if (!glob_class(&at, t))
			return false;
		break;
	case '\\':
		at += *at != 0;
		/* fall through */
	default: t->set[(u8)at[-1] / 64] |= 1ull << (u8)at[-1] % 64;
	}
	*p = at;
	return true;
}

/* ---- a number of bytes */

/* An array, a string, or what a pointer points to; what it has at most, 0: nobody knows. */
static bool bytes_arg(struct checker *c, struct node *n, u32 *most)
{
	if (!check_expr(c, n))
		return false;
	*most = n->type.kind == TYPE_INT ? 0 : node_bytes(n);
	if (n->type.kind == TYPE_STR || n->type.kind == TYPE_ARRAY || n->type.kind == TYPE_STRUCT ||
	    (n->type.kind == TYPE_INT && n->type.is_pointer))
		return true;
	check_fail(c, n, "an array, a string or a pointer", "%s has no bytes", TYPE_A(n->type));
	return false;
}

void check_memcmp(struct checker *c, struct node *n)
{
	struct node *b = n->a->next, *count = b->next;
	bool constant = false;
	u32 have[2];

	n->type = TYPE_S64;
	if (!bytes_arg(c, n->a, &have[0]) || !bytes_arg(c, b, &have[1]) ||
	    !check_int(c, count, "the length of memcmp()"))
		return;
	constant = count->kind == NODE_INT;
	n->value = constant ? count->value : c->script->limits.str_most;
	for (u32 i = 0; i < 2; i++)
		if (have[i] && n->value > have[i]) {
			if (constant)
				check_fail(c, i ? b : n->a, NULL, "it has %u bytes only", have[i]);
			n->value = have[i];
		}
	if (n->value > BYTES_MOST)
		check_fail(c, count, NULL, "memcmp() compares at most %u bytes", BYTES_MOST);
}

void check_strncmp(struct checker *c, struct node *n)
{
	struct node *b = n->a->next, *most = b->next;
	bool known = text_arg(c, n->a, n->text);
	u32 bytes;

	known = text_arg(c, b, n->text) && known;
	n->type = TYPE_S64;
	if (!check_int(c, most, "the length of strncmp()") || !known)
		return;
	/* no more of either needs to be looked at than the shorter one and its NUL */
	bytes = MIN(text_capacity(c->script, n->a), text_capacity(c->script, b)) + 1;
	n->value = MIN(most->kind == NODE_INT ? most->value : bytes, MIN(bytes, BYTES_MOST));
}
