/*
 * pre_macro.c: macros of the preprocessor: #define and what comes of their names.
 *
 * In:  text. Out: text, as C has it: arguments are expanded first, then the body is once more,
 * with the macro itself left alone; # makes a string of an argument, ## joins two words.
 */
#include "script/pre_inner.h"

#include <ctype.h>

typedef vec(struct buf) arguments;

struct pre_macro *pre_find(struct pre *pre, const char *name, size_t len)
{
	return dict_getn(&pre->macros, name, len);
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && isspace((u8)*p))
		p++;
	return p;
}

static const char *name_end(const char *p, const char *end)
{
	while (p < end && pre_is_name(*p))
		p++;
	return p;
}

/* "(a, b, ...)": the names of a function's parameters; NULL: they are none */
static const char *take_params(struct pre *pre, struct pre_macro *m, const char *p, const char *end)
{
	for (p = skip_blank(p + 1, end); p < end && *p != ')'; p = skip_blank(p, end)) {
		const char *from = p;

		if (end - p >= 3 && !memcmp(p, "...", 3)) {
			m->variadic = true;
			p += 3;
			continue;
		}
		p = name_end(p, end);
		if (p == from || isdigit((u8)*from))
			return NULL;
		vec_push(pre->script->arena, &m->params,
			 arena_strndup(pre->script->arena, from, (size_t)(p - from)));
		p = skip_blank(p, end);
		if (p < end && *p == ',')
			p++;
	}
	return p < end ? p + 1 : NULL;
}

void pre_define(struct pre *pre, const char *text, struct loc at)
{
	struct arena *arena = pre->script->arena;
	struct pre_macro *m = arena_new(arena, struct pre_macro);
	const char *end = text + strlen(text), *p = name_end(text, end);

	if (p == text || isdigit((u8)*text)) {
		pre_fail(pre, at, "#define NAME value", "a name must follow #define");
		return;
	}
	m->name = arena_strndup(arena, text, (size_t)(p - text));
	if (*p == '(') {
		m->function = true;
		p = take_params(pre, m, p, end);
		if (!p) {
			pre_fail(pre, at, "#define min(a, b) ((a) < (b) ? (a) : (b))",
				 "the parameters of %s are no list of names", m->name);
			return;
		}
	}
	p = skip_blank(p, end);
	while (end > p && isspace((u8)end[-1]))
		end--;
	m->body = arena_strndup(arena, p, (size_t)(end - p));
	*dict_put(&pre->macros, m->name) = m;
}

/* ---- arguments */

/* Without blanks around it. */
static void trim(struct buf *a)
{
	size_t from = (size_t)(skip_blank(a->p, a->p + a->n) - a->p);

	while (a->n > from && isspace((u8)a->p[a->n - 1]))
		a->n--;
	a->n -= from;
	memmove(a->p, a->p + from, a->n);
}

static void add_argument(struct pre *pre, arguments *args, const char *from, const char *to)
{
	struct buf *a = vec_add(pre->script->arena, args);

	*a = (struct buf){0};
	buf_reserve(a, 1); /* so that an empty one has an address */
	buf_add(a, from, (size_t)(to - from));
	trim(a);
}

/* From behind the `(` to behind the `)`; NULL: it does not end. */
static const char *take_arguments(struct pre *pre, const struct pre_macro *m, const char *p,
				  const char *end, arguments *args)
{
	u32 depth = 0;
	const char *from = p;

	for (; p < end; p++) {
		if (*p == '"' || *p == '\'') {
			p = pre_quoted(p, end) - 1;
		} else if (*p == '(' || *p == '[' || *p == '{') {
			depth++;
		} else if (*p == ')' && !depth) {
			break;
		} else if (*p == ')' || *p == ']' || *p == '}') {
			depth -= depth > 0;
		} else if (*p == ',' && !depth && (!m->variadic || args->n < m->params.n)) {
			add_argument(pre, args, from, p);
			from = p + 1;
		}
	}
	if (p >= end)
		return NULL;
	if (args->n || skip_blank(from, p) < p || m->params.n)
		add_argument(pre, args, from, p);
	return p + 1;
}

static struct buf *argument(const struct pre_macro *m, arguments *args, const char *name,
			    size_t len)
{
	for (u32 i = 0; i < m->params.n && i < args->n; i++)
		if (strlen(m->params.v[i]) == len && !memcmp(m->params.v[i], name, len))
			return &args->v[i];
	if (m->variadic && len == 11 && !memcmp(name, "__VA_ARGS__", 11) && args->n > m->params.n)
		return &args->v[m->params.n];
	return NULL;
}

static void put_string(struct buf *out, const struct buf *a)
{
	buf_char(out, '"');
	for (size_t i = 0; i < a->n; i++) {
		if (a->p[i] == '"' || a->p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, a->p[i]);
	}
	buf_char(out, '"');
}

/* Is the next thing ## ? */
static bool joins(const char *p, const char *end)
{
	p = skip_blank(p, end);
	return end - p >= 2 && p[0] == '#' && p[1] == '#';
}

/* The body with arguments for parameters. */
static void substitute(struct pre *pre, const struct pre_macro *m, arguments *args, struct loc at,
		       struct buf *out)
{
	const char *p = m->body, *end = p + strlen(p), *q;
	bool joined = false;

	while (p < end) {
		struct buf *a;

		if (*p == '"' || *p == '\'') {
			q = pre_quoted(p, end);
			buf_add(out, p, (size_t)(q - p));
		} else if (joins(p, end)) {
			while (out->n && isspace((u8)out->p[out->n - 1]))
				out->n--;
			q = skip_blank(skip_blank(p, end) + 2, end);
			joined = true;
			p = q;
			continue;
		} else if (*p == '#' && m->function) {
			p = skip_blank(p + 1, end);
			q = name_end(p, end);
			a = argument(m, args, p, (size_t)(q - p));
			if (a)
				put_string(out, a);
		} else if (pre_is_name(*p)) {
			q = name_end(p, end);
			a = argument(m, args, p, (size_t)(q - p));
			if (a && (joined || joins(q, end)))
				buf_add(out, a->p, a->n);
			else if (a)
				pre_expand_text(pre, a->p, a->p + a->n, at, out);
			else
				buf_add(out, p, (size_t)(q - p));
		} else {
			buf_char(out, *p);
			q = p + 1;
		}
		joined = false;
		p = q;
	}
}

const char *pre_expand(struct pre *pre, struct pre_macro *m, const char *p, const char *end,
		       struct loc at, struct buf *out)
{
	arguments args = {0};
	struct buf body = {0};
	const char *next = p;

	if (m->function) {
		next = skip_blank(p, end);
		if (next == end || *next != '(') {
			buf_puts(out, m->name);
			return p;
		}
		next = take_arguments(pre, m, next + 1, end, &args);
		if (!next)
			pre_fail(pre, at, NULL, "the arguments of %s( do not end", m->name);
		else if (args.n < m->params.n || (args.n > m->params.n && !m->variadic))
			pre_fail(pre, at, NULL, "%s() takes %u arguments, not %u", m->name,
				 m->params.n, args.n);
	}
	if (!pre->failed && ++pre->nest > NEST_MOST)
		pre_fail(pre, at, NULL, "macros are nested too deeply here");
	if (!pre->failed) {
		substitute(pre, m, &args, at, &body);
		m->busy = true;
		pre_expand_text(pre, body.p, body.p + body.n, at, out);
		m->busy = false;
		pre->nest--;
	}
	vec_each (a, &args)
		buf_free(a);
	buf_free(&body);
	return next ? next : end;
}

void pre_expand_text(struct pre *pre, const char *p, const char *end, struct loc at,
		     struct buf *out)
{
	while (p < end && !pre->failed) {
		const char *q = p + 1;
		struct pre_macro *m;

		if (*p == '"' || *p == '\'')
			q = pre_quoted(p, end);
		else if (pre_is_name(*p))
			q = name_end(p, end);
		m = pre_is_name(*p) ? pre_find(pre, p, (size_t)(q - p)) : NULL;
		if (m && !m->busy)
			q = pre_expand(pre, m, q, end, at, out);
		else
			buf_add(out, p, (size_t)(q - p));
		if (out->n > TEXT_MOST)
			pre_fail(pre, at, NULL, "macros make more than %u MiB of text of this",
				 TEXT_MOST >> 20);
		p = q;
	}
}
