/*
 * list_types.c: structs, unions and enums of the kernel, as C declares them.
 *
 * In: "struct task_struct", "enum *", a shell pattern behind the word. Out: their names, and with
 * -v their members: a declaration is made from the inside, as C reads it: the name gets its stars and
 * brackets while one goes from type to type.
 */
#include "script/tables.h"

#include <stdlib.h>

#define NESTED_MOST 8

struct types {
	struct arena *arena;
	struct btf *btf;
	void (*fn)(void *, const char *);
	void *user;
};

static const struct {
	const char *word;
	u8 kind, wide; /* enums of 64 bits are another kind */
} words[] = {{"struct", BTF_STRUCT, BTF_STRUCT}, {"union", BTF_UNION, BTF_UNION},
	     {"enum", BTF_ENUM, BTF_ENUM64}};

/* A type that stays while others are fetched. */
static struct btf_type get(struct types *t, u32 id)
{
	const struct btf_type *now = btf_type(t->btf, id);
	struct btf_type r = {0};

	if (!now)
		return r;
	r = *now;
	r.name = arena_strdup(t->arena, now->name);
	if (now->members && now->n) {
		r.members = arena_array(t->arena, struct btf_member, now->n);
		memcpy(r.members, now->members, now->n * sizeof(*r.members));
		for (u32 i = 0; i < r.n; i++)
			r.members[i].name = arena_strdup(t->arena, now->members[i].name);
	}
	if (now->values && now->n) {
		r.values = arena_array(t->arena, struct btf_value, now->n);
		memcpy(r.values, now->values, now->n * sizeof(*r.values));
		for (u32 i = 0; i < r.n; i++)
			r.values[i].name = arena_strdup(t->arena, now->values[i].name);
	}
	return r;
}

static const char *word_of(u8 kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].kind == kind || words[i].wide == kind)
			return words[i].word;
	return "struct"; /* FWD */
}

static void declare(struct types *, u32 id, const char *name, u32 depth, struct buf *out);

static void indent(struct buf *out, u32 depth)
{
	while (depth--)
		buf_char(out, '\t');
}

/* { members } */
static void body(struct types *t, const struct btf_type *of, u32 depth, struct buf *out)
{
	buf_puts(out, "{\n");
	for (u32 i = 0; i < of->n; i++) {
		indent(out, depth + 1);
		if (of->values) {
			buf_printf(out, "%s = %lld,\n", of->values[i].name,
				   (long long)of->values[i].value);
			continue;
		}
		declare(t, of->members[i].type, of->members[i].name, depth + 1, out);
		if (of->members[i].bits)
			buf_printf(out, " : %u", of->members[i].bits);
		buf_puts(out, ";\n");
	}
	indent(out, depth);
	buf_char(out, '}');
}

static const char *params(struct types *t, const struct btf_type *proto)
{
	struct buf out = {0};
	const char *text;

	for (u32 i = 0; i < proto->n; i++) {
		buf_puts(&out, i ? ", " : "");
		if (proto->members[i].type)
			declare(t, proto->members[i].type, "", NESTED_MOST, &out);
		else
			buf_puts(&out, "...");
	}
	text = arena_strdup(t->arena, proto->n ? buf_str(&out) : "void");
	buf_free(&out);
	return text;
}

static void spell(struct buf *out, const char *word, const char *name, const char *declared)
{
	buf_printf(out, "%s%s%s%s%s", word, *word && *name ? " " : "", name,
		   *declared ? " " : "", declared);
}

/* A pointer to a function or an array stands in parentheses. */
static const char *starred(struct types *t, u32 to, const char *name)
{
	u8 kind = get(t, to).kind;

	return arena_printf(t->arena, kind == BTF_ARRAY || kind == BTF_FUNC_PROTO ? "(*%s)" : "*%s",
			    name);
}

static void declare(struct types *t, u32 id, const char *name, u32 depth, struct buf *out)
{
	struct btf_type type = get(t, id);

	switch (type.kind) {
	case BTF_PTR: declare(t, type.type, starred(t, type.type, name), depth, out); return;
	case BTF_ARRAY:
		declare(t, type.type, arena_printf(t->arena, "%s[%u]", name, type.n), depth, out);
		return;
	case BTF_FUNC_PROTO:
		declare(t, type.type, arena_printf(t->arena, "%s(%s)", name, params(t, &type)), depth,
			out);
		return;
	case BTF_CONST:
	case BTF_VOLATILE:
	case BTF_RESTRICT:
		if (type.kind != BTF_RESTRICT && get(t, type.type).kind != BTF_PTR)
			buf_puts(out, type.kind == BTF_CONST ? "const " : "volatile ");
		else if (type.kind == BTF_CONST)
			name = arena_printf(t->arena, "const%s%s", *name ? " " : "", name);
		declare(t, type.type, name, depth, out);
		return;
	case BTF_TYPE_TAG: declare(t, type.type, name, depth, out); return;
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_FWD:
		if (*type.name || depth >= NESTED_MOST) {
			spell(out, word_of(type.kind), type.name, name);
			return;
		}
		buf_printf(out, "%s ", word_of(type.kind));
		body(t, &type, depth, out);
		spell(out, "", "", name);
		return;
	case BTF_VOID: spell(out, "void", "", name); return;
	default: spell(out, "", type.name, name);
	}
}

static void show(struct types *t, u32 id, bool verbose)
{
	struct btf_type type = get(t, id);
	struct buf out = {0};

	buf_printf(&out, "%s %s", word_of(type.kind), type.name);
	if (verbose) {
		buf_char(&out, ' ');
		body(t, &type, 0, &out);
		buf_char(&out, ';');
	}
	t->fn(t->user, buf_str(&out));
	buf_free(&out);
}

struct named {
	const char *name;
	u32 id;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void show_matching(struct types *t, u32 word, const char *pattern, bool verbose)
{
	vec(struct named) found = {0};

	for (u32 id = 1; id <= btf_count(t->btf); id++) {
		const struct btf_type *type = btf_type(t->btf, id);

		if (type && (type->kind == words[word].kind || type->kind == words[word].wide) &&
		    *type->name && glob_match(pattern, type->name))
			vec_push(t->arena, &found,
				 (struct named){arena_strdup(t->arena, type->name), id});
	}
	if (found.n)
		qsort(found.v, found.n, sizeof(*found.v), by_name);
	for (u32 i = 0; i < found.n; i++)
		if (!i || strcmp(found.v[i].name, found.v[i - 1].name) != 0)
			show(t, found.v[i].id, verbose);
}

bool list_types(struct target *target, struct arena *a, const char *pattern, bool verbose,
		void (*fn)(void *user, const char *line), void *user)
{
	struct types t = {.arena = a, .fn = fn, .user = user};
	struct diag silent = {0};
	const char *name = NULL;
	u32 word = 0, id;

	for (; word < ARRAY_SIZE(words) && !name; word++) {
		size_t n = strlen(words[word].word);

		if (!strncmp(pattern, words[word].word, n) && pattern[n] == ' ')
			name = pattern + n + 1 + strspn(pattern + n + 1, " ");
	}
	if (!name)
		return false;
	word--;
	if (target->ops->btf(target, &t.btf, &silent))
		return true;
	if (has_wildcard(name)) {
		show_matching(&t, word, name, verbose);
		return true;
	}
	id = btf_find(t.btf, name, words[word].kind);
	id = id ? id : btf_find(t.btf, name, words[word].wide);
	if (id)
		show(&t, id, verbose);
	return true;
}
