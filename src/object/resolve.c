/*
 * resolve.c: what a plain object wants of the machine; see resolve.h.
 *
 * In:  an object, and answers of the machine.
 * Out: the bytes of `.kconfig`; addresses and type ids in instructions; ids of target types.
 *      What is missing and not weak is an error that names it.
 */
#include "object/resolve.h"
#include "object/core.h"

#include <errno.h>
#include <stdlib.h>

struct resolving {
	struct object *o;
	const struct object_machine *m;
	struct diag *d;
	struct btf *local, *types;
};

static struct btf *types_of(struct resolving *r)
{
	if (!r->types)
		r->types = r->m->types(r->m->user, r->d);
	return r->types;
}

/* ---- .kconfig */

static int config_fail(struct resolving *r, const struct object_extern *x, const char *hint,
		       const char *what, const char *text)
{
	return diag_fail(r->d, -EINVAL, hint, "%s: section .kconfig: %s %s%s", r->o->source_name,
			 x->name, what, text);
}

/* "y", "m" or "n" for bool, char and enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE }. */
static bool config_letter(const struct btf_type *t, const char *text, u64 *value)
{
	if (!*text || text[1] || !strchr("ymn", *text))
		return false;
	if (t->kind == BTF_ENUM)
		*value = *text == 'y' ? 1 : *text == 'm' ? 2 : 0;
	else if (t->is_bool)
		*value = *text == 'y';
	else
		*value = (u64)*text;
	return t->kind == BTF_ENUM || t->size == 1;
}

static int config_number(struct resolving *r, const struct object_extern *x,
			 const struct btf_type *t, const char *text, u8 *to)
{
	u32 bits = x->size * 8;
	u64 value;
	char *end;

	if (!config_letter(t, text, &value)) {
		errno = 0;
		value = *text == '-' ? (u64)strtoll(text, &end, 0) : strtoull(text, &end, 0);
		if (end == text || *end || errno || t->kind != BTF_INT)
			return config_fail(r, x, "declare it with the type of its value",
					   "has a value of another type: ", text);
		if (bits < 64 && (*text == '-' ? (s64)value < -(1ll << (bits - 1))
					       : value >> (bits - t->is_signed)))
			return config_fail(r, x, "declare it with a larger type",
					   "is too small for its value: ", text);
	}
	memcpy(to, &value, x->size);
	return 0;
}

static int config_text(struct resolving *r, const struct object_extern *x, const char *text, u8 *to)
{
	size_t n = strlen(text);

	if (n < 2 || *text != '"' || text[n - 1] != '"')
		return config_fail(r, x, "declare it with the type of its value",
				   "is no text but: ", text);
	n = MIN(n - 2, (size_t)x->size - 1);
	memcpy(to, text + 1, n);
	to[n] = '\0';
	return 0;
}

static int fill_config(struct resolving *r, struct object_extern *x, u8 *data)
{
	const struct btf_type *var = btf_type(r->local, x->type);
	const struct btf_type *t = btf_type(r->local, btf_skip(r->local, var->type));
	const char *text;

	if (!strcmp(x->name, "LINUX_KERNEL_VERSION") || !strcmp(x->name, "LINUX_HAS_BPF_COOKIE") ||
	    !strcmp(x->name, "LINUX_HAS_SYSCALL_WRAPPER")) {
		u64 value = x->name[6] == 'K'
				    ? r->m->version
				    : x->name[10] == 'S' || r->m->cookies;

		if (x->name[6] == 'K' && x->size < 4)
			return config_fail(r, x, "declare it as int", "has 4 bytes", "");
		memcpy(data + x->off, &value, x->size);
		x->found = true;
		return 0;
	}
	text = r->m->config(r->m->user, x->name);
	if (!text && !x->weak)
		return config_fail(r, x,
				   "declare it __weak if it may be missing, and see "
				   "/proc/config.gz or /boot/config-$(uname -r)",
				   "is not set in the kernel's configuration", "");
	if (!text)
		return 0;
	x->found = true;
	return t->kind == BTF_ARRAY ? config_text(r, x, text, data + x->off)
				    : config_number(r, x, t, text, data + x->off);
}

static int fill_configs(struct resolving *r)
{
	struct object_map *map = NULL;
	int err = 0;

	vec_each (m, &r->o->maps)
		if (!strcmp(m->name, ".kconfig"))
			map = m;
	if (map && !map->data)
		map->data = arena_alloc(&r->o->arena, map->value_size);
	vec_each (x, &r->o->externs)
		if (x->kind == EXTERN_CONFIG && map && !err)
			err = fill_config(r, x, map->data);
	return err;
}

/* ---- .ksyms */

static int find_extern(struct resolving *r, struct object_extern *x)
{
	struct btf *types;

	if (x->found || x->kind == EXTERN_CONFIG)
		return 0;
	if (x->kind == EXTERN_ADDRESS) {
		x->value = r->m->address(r->m->user, x->name);
	} else {
		types = types_of(r);
		if (!types)
			return -ENOENT;
		x->value =
			btf_find(types, x->name, x->kind == EXTERN_FUNCTION ? BTF_FUNC : BTF_VAR);
	}
	x->found = x->value != 0;
	if (x->found || x->weak)
		return 0;
	return diag_fail(
		r->d, -ENOENT,
		x->kind == EXTERN_ADDRESS
			? "/proc/kallsyms lists them; kernel.kptr_restrict=2 hides them"
			: "declare it __weak if it may be missing; those of modules are not found",
		"%s: section .ksyms: the kernel has no %s '%s'", r->o->source_name,
		x->kind == EXTERN_FUNCTION ? "function for programs" : "symbol", x->name);
}

static void put_extern(const struct object_extern *x, u32 index, struct insn *i)
{
	if (x->kind == EXTERN_FUNCTION) {
		i->src = x->found ? BPF_PSEUDO_KFUNC_CALL : 0;
		i->off = 0;
		i->imm = x->found ? (s32)x->value : KFUNC_POISON + (s32)index;
		return;
	}
	i[0].src = x->kind == EXTERN_VARIABLE && x->found ? BPF_PSEUDO_BTF_ID : 0;
	i[0].imm = (s32)x->value;
	i[1].imm = (s32)(x->value >> 32);
}

static int put_externs(struct resolving *r, struct object_prog *p)
{
	vec_each (e, &p->code.externs) {
		struct object_extern *x = &r->o->externs.v[e->index];
		int err = find_extern(r, x);

		if (err)
			return err;
		put_extern(x, e->index, &p->code.insns.v[e->insn]);
	}
	return 0;
}

/* ---- programs */

static int find_target(struct resolving *r, struct object_prog *p)
{
	struct btf *types;
	bool is_typedef = p->target && !strncmp(p->target, "btf_trace_", 10);

	if (!p->target)
		return 0;
	types = types_of(r);
	if (!types)
		return -ENOENT;
	p->target_id = btf_find(types, p->target, is_typedef ? BTF_TYPEDEF : BTF_FUNC);
	if (p->target_id)
		return 0;
	return diag_fail(r->d, -ENOENT,
			 is_typedef ? "`waggle -l 'rawtracepoint:*'` shows what there is"
				    : "`bpftool btf dump file /sys/kernel/btf/vmlinux` "
				      "shows what there is; modules are not looked into",
			 "%s: section %s: this kernel has no type '%s'", r->o->source_name,
			 p->section, p->target);
}

static struct btf *core_target(void *user, struct diag *d)
{
	struct resolving *r = user;

	(void)d;
	return r->m->core ? r->m->core : types_of(r);
}

static int resolve_prog(struct resolving *r, struct object_prog *p)
{
	const struct core_types types = {core_target, r};
	int err = find_target(r, p);

	if (!err)
		err = core_resolve(r->o, p, r->local, &types, r->d);
	return err ? err : put_externs(r, p);
}

static int resolve(struct resolving *r, s64 only)
{
	struct object *o = r->o;
	jmp_buf full;
	int err = 0;

	if (setjmp(full))
		return diag_fail(r->d, -ENOMEM, NULL, "out of memory");
	o->arena.escape = &full;
	if (o->btf)
		err = btf_open_raw(&r->local, o->btf, o->btf_size, r->d);
	if (!err)
		err = fill_configs(r);
	for (u32 i = 0; i < o->progs.n && !err; i++)
		if (object_wants(o, only, i))
			err = resolve_prog(r, &o->progs.v[i]);
	return err;
}

int object_resolve(struct object *o, s64 only, const struct object_machine *m, struct diag *d)
{
	struct resolving r = {.o = o, .m = m, .d = d};
	int err;

	if (!o->plain || o->resolved)
		return 0;
	err = resolve(&r, only);
	o->arena.escape = NULL;
	btf_close(r.local);
	o->resolved = !err;
	return err;
}
