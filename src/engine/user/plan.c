/*
 * plan.c: the attach table of an object, by what happens in the traced tasks.
 *
 * In:  attach rows. Out: lists of rows for each system call and event, in the order of the table;
 *      what the programs want to know of the task.
 */
#include "engine/user/user.h"

#include "arch/arch.h"

#include <stdio.h>
#include <stdlib.h>

static void list_add(struct plan *p, struct plan_list *l, const struct attach *a)
{
	struct plan_row *row = arena_new(&p->arena, struct plan_row);

	row->attach = a;
	if (!l->first)
		l->last = &l->first;
	*l->last = row;
	l->last = &row->next;
}

static const struct arch *this_arch(void)
{
	return arch_find("x86_64");
}

/* "syscalls:sys_enter_openat" */
static bool add_syscall(struct plan *p, const struct attach *a, const char *name)
{
	bool enter = !strncmp(name, "sys_enter_", 10);
	const struct arch_syscall *s;
	struct plan_list *l;

	if (!enter && strncmp(name, "sys_exit_", 9) != 0)
		return false;
	s = arch_syscall(this_arch(), name + (enter ? 10 : 9));
	if (!s || s->nr >= SYSCALL_MOST)
		return false;
	l = enter ? &p->enter[s->nr] : &p->exit[s->nr];
	if (!p->enter[s->nr].first && !p->exit[s->nr].first)
		p->nsyscalls++;
	list_add(p, l, a);
	p->any_exit |= !enter;
	return true;
}

static bool add_tracepoint(struct plan *p, const struct attach *a)
{
	const struct {
		const char *pattern;
		struct plan_list *list;
	} events[] = {
		{"raw_syscalls:sys_enter", &p->all_enter}, {"raw_syscalls:sys_exit", &p->all_exit},
		{"sched:sched_process_fork", &p->fork},    {"sched:sched_process_exec", &p->exec},
		{"sched:sched_process_exit", &p->exited},  {"signal:signal_deliver", &p->signal},
		{"sched:sched_process_wait", &p->waits},   {"task:task_newtask", &p->born},
	};

	if (!strncmp(a->pattern, "syscalls:", 9))
		return add_syscall(p, a, a->pattern + 9);
	for (u32 i = 0; i < ARRAY_SIZE(events); i++)
		if (!strcmp(events[i].pattern, a->pattern)) {
			list_add(p, events[i].list, a);
			p->any_exit |= events[i].list == &p->all_exit;
			return true;
		}
	return false;
}

/* PERF_COUNT_SW_CPU_CLOCK, PERF_COUNT_SW_TASK_CLOCK: both count a task's time on a CPU, as a
 * profile does. */
static bool add_software(struct plan *p, const struct attach *a)
{
	if (a->off > 1)
		return false;
	list_add(p, &p->profile, a);
	return true;
}

/* Puts a row where it belongs; false: we cannot serve it. */
static bool add_row(struct plan *p, const struct attach *a)
{
	switch (a->kind) {
	case ATTACH_BEGIN:
	case ATTACH_END:
	case ATTACH_SIGNAL:
	case ATTACH_TEST:
	case ATTACH_BENCH:
	case ATTACH_INTERVAL: return true; /* the session runs them */
	case ATTACH_TRACEPOINT: return add_tracepoint(p, a);
	case ATTACH_PROFILE: list_add(p, &p->profile, a); return true;
	case ATTACH_SOFTWARE: return add_software(p, a);
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE:
	case ATTACH_USDT: list_add(p, &p->user, a); return true;
	default: return false;
	}
}

static void look_at_helpers(struct plan *p, const struct object *o)
{
	vec_each (prog, &o->progs)
		vec_each (i, &prog->code.insns) {
			if (i->code != (BPF_JMP | BPF_CALL) || i->src)
				continue;
			p->needs_comm |= i->imm == HELPER_get_current_comm;
			p->needs_ids |= i->imm == HELPER_get_current_uid_gid;
			p->needs_stack |=
				i->imm == HELPER_get_stack || i->imm == HELPER_get_stackid;
			p->needs_cgroup |= i->imm == HELPER_get_current_cgroup_id;
			p->needs_cgroups |= i->imm == HELPER_current_task_under_cgroup ||
					    i->imm == HELPER_get_current_ancestor_cgroup_id;
		}
}

int plan_make(struct plan *p, const struct object *o, struct diag *d)
{
	jmp_buf escape;

	if (!this_arch())
		return diag_fail(d, -EOPNOTSUPP, NULL, "the user engine needs x86-64");
	if (setjmp(escape)) {
		plan_free(p);
		return -ENOMEM;
	}
	p->arena.escape = &escape;
	p->raw_calls = o->raw_calls;
	p->narrow_calls = o->narrow_calls;
	look_at_helpers(p, o);
	vec_each (m, &o->maps)
		p->keeps |= m->kind == MAP_TASK_STORAGE;
	vec_each (a, &o->attaches)
		if (!object_is_family(o, a->prog))
			add_row(p, a); /* plan_refuse() has seen that each has its place */
	p->arena.escape = NULL;
	return 0;
}

void plan_free(struct plan *p)
{
	arena_free(&p->arena);
}

/* ---- what only a kernel can serve */

/* What a script calls a helper that does not exist here; NULL: it exists. */
static const char *missing_helper(u32 id)
{
	const struct helper *h = helper_by_id(id);

	switch (id) {
	case HELPER_get_current_task: return "curtask"; /* by BTF: ppid and the like, which exist */
	case HELPER_jiffies64: return vm_helper(id) ? NULL : "jiffies";
	default: return vm_helper(id) || !h ? NULL : h->name;
	}
}

static bool has_kind(const struct layout *l, u8 kind)
{
	for (u32 i = 0; i < l->n; i++)
		if (l->fields[i].kind == kind ||
		    (l->fields[i].sub && has_kind(l->fields[i].sub, kind)))
			return true;
	return false;
}

static bool uses_kernel_stacks(const struct object *o)
{
	vec_each (s, &o->schemas)
		if (has_kind(&s->layout, FIELD_KSTACK))
			return true;
	vec_each (m, &o->maps)
		if (has_kind(&m->key, FIELD_KSTACK) || has_kind(&m->value, FIELD_KSTACK))
			return true;
	return false;
}

#define LISTED_MOST 10

struct list_of {
	struct buf text;
	u32 n;
};

static void list_name(struct list_of *l, const char *name)
{
	const char *text = buf_str(&l->text), *at = strstr(text, name);

	if (at && (at[strlen(name)] == ',' || !at[strlen(name)]))
		return; /* it is there */
	if (l->n++ < LISTED_MOST)
		buf_printf(&l->text, "%s%s", l->n > 1 ? ", " : "", name);
}

static void list_values(struct list_of *l, const struct object *o)
{
	vec_each (prog, &o->progs)
		vec_each (i, &prog->code.insns) {
			bool call = i->code == (BPF_JMP | BPF_CALL) && !i->src;
			const char *missing = call ? missing_helper((u32)i->imm) : NULL;

			if (missing)
				list_name(l, missing);
		}
	if (uses_kernel_stacks(o))
		list_name(l, "kstack");
	vec_each (f, &o->fills)
		if (f->kind == FILL_KADDR)
			list_name(l, "kaddr");
}

static void list_rows(struct list_of *l, struct plan *p, const struct object *o)
{
	vec_each (a, &o->attaches)
		if (!object_is_family(o, a->prog) && !add_row(p, a))
			list_name(l, o->progs.v[a->prog].probe);
}

int plan_refuse(const struct object *o, struct diag *d)
{
	struct plan *p = calloc(1, sizeof(*p)); /* too large for a stack */
	struct list_of l = {0};
	jmp_buf escape;

	if (!p)
		return -ENOMEM;
	p->arena.escape = &escape;
	if (!setjmp(escape)) {
		list_rows(&l, p, o);
		list_values(&l, o);
	}
	plan_free(p);
	free(p);
	if (l.n > LISTED_MOST)
		buf_printf(&l.text, " and %u more", l.n - LISTED_MOST);
	if (l.n)
		diag_fail(d, -EOPNOTSUPP,
			  "docs/user-engine.md lists what the user engine gives; root traces with "
			  "the kernel: sudo waggle ...",
			  "only a kernel can serve: %s", buf_str(&l.text));
	buf_free(&l.text);
	return l.n ? -EOPNOTSUPP : 0;
}
