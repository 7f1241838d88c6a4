/*
 * proto.c: parameters and results of functions of the kernel, and arguments of raw tracepoints, by
 * the kernel's types.
 *
 * In: a point at a function or raw tracepoint. Out: where args.NAME is and what type it has.
 */
#include "script/tables.h"
#include "script/ctype.h"
#include "script/debug.h"

#include <stdio.h>

/* fentry and fexit hand over arguments by their types; a kprobe that stands for one does, too. */
static bool is_function(const struct point *p)
{
	return p->row->attach == ATTACH_FENTRY || p->row->attach == ATTACH_FEXIT || p->instead;
}

/* Raw tracepoints have a function of their own, whose first parameter is none of theirs. */
static const struct btf_type *proto_of(struct script *s, const struct point *p, u32 *first)
{
	struct diag silent = {0};
	const struct btf_type *t;
	struct btf *btf;
	u32 id;

	*first = !is_function(p);
	if (p->of_program || (*first && p->row->attach != ATTACH_RAW_TRACEPOINT) ||
	    s->target->ops->btf(s->target, &btf, &silent))
		return NULL;
	id = btf_find(btf, *first ? arena_printf(s->arena, "__bpf_trace_%s", p->pattern) : p->func ? p->func : p->pattern,
		      BTF_FUNC);
	t = id ? btf_type(btf, id) : NULL;
	t = t ? btf_type(btf, t->type) : NULL;
	return t && t->kind == BTF_FUNC_PROTO ? t : NULL;
}

/* Pointers are into the kernel; what is wider than a register is no value. */
static struct type value_type(struct script *s, u32 id)
{
	struct type t = ctype_of_id(s, id);

	if (t.kind != TYPE_INT || !t.size || t.size > 8)
		return (struct type){0};
	t.space = t.is_pointer ? SPACE_KERNEL : t.space;
	return t;
}

bool proto_exists(struct script *s, struct point *p)
{
	u32 first;

	if (p->row->attach == ATTACH_UPROBE)
		return debug_exists(s, p);

	return proto_of(s, p, &first) != NULL;
}

/* By name among the parameters of a program's function. */
static bool user_param(struct script *s, struct point *p, const char *name, struct near *near,
		       u32 *index, struct type *type)
{
	const char *is;

	for (u32 i = 0; debug_param(s, p, i, &is, index, type); i++) {
		near_try(near, is);
		if (!strcmp(is, name))
			return true;
	}
	return false;
}

bool proto_param(struct script *s, struct point *p, const char *name, struct near *near, u32 *index,
		 struct type *type)
{
	u32 first, found = UINT32_MAX, id = 0;
	const struct btf_type *t;

	if (p->row->attach == ATTACH_UPROBE)
		return user_param(s, p, name, near, index, type);
	t = proto_of(s, p, &first);
	for (u32 i = first; t && i < t->n; i++) {
		near_try(near, arena_strdup(s->arena, t->members[i].name));
		if (strcmp(t->members[i].name, name) != 0)
			continue;
		found = i - first;
		id = t->members[i].type;
	}
	if (found == UINT32_MAX)
		return false;
	*index = found;
	*type = value_type(s, id);
	return true;
}

struct type proto_nth(struct script *s, const struct point *p, u32 n)
{
	u32 first;
	const struct btf_type *t = proto_of(s, p, &first);

	return t && n + first < t->n ? value_type(s, t->members[n + first].type) : (struct type){0};
}

struct type proto_result(struct script *s, const struct point *p, u32 *nparams)
{
	u32 first;
	const struct btf_type *t = proto_of(s, p, &first);

	if (p->of_program) {
		*nparams = 0;
		return TYPE_NUMBER;
	}
	*nparams = t ? t->n - first : 0;
	return t && t->type ? value_type(s, t->type) : (struct type){0};
}

/* ---- as text */

static void type_text(struct btf *btf, u32 id, u32 depth, struct buf *out)
{
	static const char *const words[] = {[BTF_STRUCT] = "struct ", [BTF_UNION] = "union ",
					    [BTF_ENUM] = "enum ", [BTF_FWD] = "struct ",
					    [BTF_CONST] = "const ", [BTF_VOLATILE] = "volatile "};
	const struct btf_type *t = btf_type(btf, id);
	u8 kind = t ? t->kind : BTF_VOID;
	u32 of = t ? t->type : 0;

	if (kind < ARRAY_SIZE(words) && words[kind])
		buf_puts(out, words[kind]);
	if (depth > 8 || kind == BTF_VOID || kind == BTF_FUNC_PROTO) {
		buf_puts(out, "void");
	} else if (kind == BTF_PTR) {
		type_text(btf, of, depth + 1, out);
		buf_puts(out, " *");
	} else if (kind == BTF_CONST || kind == BTF_VOLATILE || kind == BTF_RESTRICT ||
		   kind == BTF_TYPE_TAG || kind == BTF_ARRAY) {
		type_text(btf, of, depth + 1, out);
	} else {
		buf_puts(out, *t->name ? t->name : "{...}");
	}
}

bool proto_text(struct script *s, struct point *p, u32 n, struct buf *out)
{
	struct diag silent = {0};
	const struct btf_type *t;
	struct btf *btf;
	u32 first, id;
	const char *name;

	if (p->row->attach == ATTACH_UPROBE)
		return debug_text(s, p, n, out);

	t = proto_of(s, p, &first);
	if (!t || n + first > t->n || s->target->ops->btf(s->target, &btf, &silent))
		return false;
	if (n + first == t->n && (p->row->attach != ATTACH_FEXIT || !t->type))
		return false;
	id = n + first == t->n ? t->type : t->members[n + first].type;
	name = n + first == t->n ? "retval" : arena_strdup(s->arena, t->members[n + first].name);
	type_text(btf, id, 0, out);
	buf_printf(out, " %s", name);
	return true;
}

bool iterator_text(struct script *s, struct point *p, u32 n, struct buf *out)
{
	const struct btf_type *t, *in;
	struct diag silent = {0};
	const char *name;
	struct btf *btf;
	u32 id;

	if (s->target->ops->btf(s->target, &btf, &silent))
		return false;
	id = btf_find(btf, arena_printf(s->arena, "bpf_iter__%s", p->func), BTF_STRUCT);
	t = id ? btf_type(btf, id) : NULL;
	if (!t || n >= t->n)
		return false;
	id = t->members[n].type;
	name = arena_strdup(s->arena, t->members[n].name);
	in = *name ? NULL : btf_type(btf, id); /* a union that makes a pointer 8 bytes wide */
	if (in && in->kind == BTF_UNION && in->n) {
		id = in->members[0].type;
		name = arena_strdup(s->arena, in->members[0].name);
	}
	type_text(btf, id, 0, out);
	buf_printf(out, " %s", name);
	return true;
}
