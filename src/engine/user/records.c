/*
 * records.c: builds the record that a tracepoint's program reads, and runs the programs.
 *
 * Records of system calls have one form on all kernels. Others are laid out by what the row says of
 * the fields that its program reads: NAME OFFSET SIZE. A string of 4 bytes is a __data_loc: a place
 * behind the fields.
 */
#include "engine/user/user.h"

#include <stdio.h>

#define RECORD_BYTES 8192
#define STRINGS_AT   1024 /* of the record: where those of __data_loc fields go */

static u64 common_of(const struct task *task)
{
	return (u64)task->tid << 32; /* common_pid, behind type, flags and preemption count */
}

void note_fault(struct tracer *t)
{
	struct shared *s = t->shared;
	struct buf text = {0};

	if (__atomic_fetch_add(&s->faults, 1, __ATOMIC_RELAXED))
		return;
	vm_fault_print(&text, t->run);
	snprintf(s->text, sizeof(s->text), "%s", buf_str(&text));
	buf_free(&text);
}

static bool lend(struct tracer *t, void *ctx, u32 size)
{
	return vm_lend(t->run, (struct vm_region){
				       .start = (u64)(uintptr_t)ctx, .size = size, .kind = VM_CTX});
}

/* Session and tracer agree on the gate: `busy` is set before it is looked at. */
bool gate_enter(struct tracer *t)
{
	struct shared *s = t->shared;

	if (!__atomic_load_n(&s->open, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&s->busy, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&s->open, __ATOMIC_SEQ_CST))
		return true;
	gate_leave(t);
	return false;
}

void gate_leave(struct tracer *t)
{
	__atomic_store_n(&t->shared->busy, 0, __ATOMIC_RELEASE);
}

/* The context has been lent. */
static void run_lent(struct tracer *t, struct task *task, const struct plan_list *l, void *ctx)
{
	u64 result;

	if (!l->first || !gate_enter(t))
		return;
	t->current = task;
	for (const struct plan_row *row = l->first; row; row = row->next) {
		t->run->cookie = row->attach->cookie;
		if (vm_call(t->run, row->attach->prog, (u64)(uintptr_t)ctx, 0, &result))
			note_fault(t);
	}
	t->current = NULL;
	gate_leave(t);
}

void run_rows(struct tracer *t, struct task *task, const struct plan_list *l, void *ctx, u32 size)
{
	if (!l->first)
		return;
	if (!lend(t, ctx, size)) { /* no memory */
		note_fault(t);
		return;
	}
	run_lent(t, task, l, ctx);
	vm_take_back(t->run, (u64)(uintptr_t)ctx);
}

int records_open(struct tracer *t)
{
	return lend(t, &t->call, sizeof(t->call)) ? 0 : -ENOMEM;
}

static const struct plan_list *by_number(const struct plan_list *lists, u64 nr)
{
	static const struct plan_list none;

	return nr < SYSCALL_MOST ? &lists[nr] : &none;
}

static u64 number_told(const struct tracer *t, u64 nr)
{
	const u32 narrow = t->plan->narrow_calls;
	const s32 foreign = (s32)nr;

	if (is_foreign(nr))
		return foreign < 0 ? (u64)foreign : (u64)foreign + narrow;
	return narrow && nr >= narrow ? nr | 1ull << 32 : nr; /* not one of those of 32 bits */
}

void event_enter(struct tracer *t, struct task *task, u64 nr, const u64 args[6])
{
	t->call.common = common_of(task);
	t->call.nr = number_told(t, nr);
	memcpy(t->call.args, args, sizeof(t->call.args));
	run_lent(t, task, &t->plan->all_enter, &t->call);
	run_lent(t, task, by_number(t->plan->enter, nr), &t->call);
}

void event_exit(struct tracer *t, struct task *task, u64 nr, s64 result)
{
	t->call = (struct record_call){
		.common = common_of(task), .nr = number_told(t, nr), .args = {(u64)result}};
	run_lent(t, task, &t->plan->all_exit, &t->call);
	run_lent(t, task, by_number(t->plan->exit, nr), &t->call);
}

/* ---- events whose records differ between kernels */

struct value {
	const char *name;
	const char *text; /* or NULL: */
	u64 number;
};

static void put_field(u8 *record, u32 *end, const struct value *v, u32 off, u32 size)
{
	u32 n, loc;

	if (off + size > STRINGS_AT)
		return;
	if (!v->text) {
		memcpy(record + off, &v->number, MIN(size, 8u));
		return;
	}
	n = (u32)strlen(v->text) + 1;
	if (size != 4) { /* char[16] */
		memcpy(record + off, v->text, MIN(n, size));
		return;
	}
	n = MIN(n, RECORD_BYTES - *end);
	loc = n << 16 | *end;
	memcpy(record + *end, v->text, n);
	record[*end + n - 1] = 0;
	*end += n;
	memcpy(record + off, &loc, sizeof(loc));
}

static void run_record(struct tracer *t, struct task *task, const struct plan_list *l,
		       const struct value *values, u32 n)
{
	for (const struct plan_row *row = l->first; row; row = row->next) {
		struct plan_row alone = {.attach = row->attach};
		const struct plan_list one = {.first = &alone};
		u64 record[RECORD_BYTES / 8] = {common_of(task)};
		u32 end = STRINGS_AT, off, size;
		char name[64];

		for (const char *p = row->attach->fields; p && *p; p = strchr(p, '\n') + 1) {
			if (!strchr(p, '\n') || sscanf(p, "%63s %u %u", name, &off, &size) != 3)
				break;
			for (u32 i = 0; i < n; i++)
				if (!strcmp(values[i].name, name))
					put_field((u8 *)record, &end, &values[i], off, size);
		}
		run_rows(t, task, &one, record, sizeof(record));
	}
}

void event_born(struct tracer *t, struct task *parent, struct task *child)
{
	const struct value values[] = {
		{.name = "pid", .number = child->tid},
		{.name = "comm", .text = info_of(t, parent)->comm},
		{.name = "clone_flags", .number = clone_flags_of(t, parent)},
		{.name = "oom_score_adj", .number = (u64)info_oom_score(parent)},
	};

	run_record(t, parent, &t->plan->born, values, ARRAY_SIZE(values));
}

void event_wait(struct tracer *t, struct task *task, u64 nr, const u64 args[6])
{
	u32 target;
	bool waits = wait_target(task, nr, args, &target);
	const struct value values[] = {
		{.name = "comm", .text = info_of(t, task)->comm},
		{.name = "pid", .number = waits ? target : 0},
		{.name = "prio", .number = info_priority(task)},
	};

	if (waits)
		run_record(t, task, &t->plan->waits, values, ARRAY_SIZE(values));
}

void event_fork(struct tracer *t, struct task *parent, struct task *child)
{
	const struct value values[] = {
		{.name = "parent_comm", .text = info_of(t, parent)->comm},
		{.name = "parent_pid", .number = parent->tid},
		{.name = "child_comm", .text = info_of(t, child)->comm},
		{.name = "child_pid", .number = child->tid},
	};

	run_record(t, parent, &t->plan->fork, values, ARRAY_SIZE(values));
}

void event_exec(struct tracer *t, struct task *task, u32 old_tid)
{
	char path[4096];
	const struct value values[] = {
		{.name = "filename", .text = path},
		{.name = "pid", .number = task->tid},
		{.name = "old_pid", .number = old_tid},
	};

	if (!t->plan->exec.first)
		return;
	info_exec_path(task, path, sizeof(path));
	run_record(t, task, &t->plan->exec, values, ARRAY_SIZE(values));
}

void event_exited(struct tracer *t, struct task *task)
{
	const struct value values[] = {
		{.name = "comm", .text = info_of(t, task)->comm},
		{.name = "pid", .number = task->tid},
		{.name = "prio", .number = info_priority(task)},
		{.name = "group_dead", .number = task_is_last(t, task)},
	};

	run_record(t, task, &t->plan->exited, values, ARRAY_SIZE(values));
}

void event_signal(struct tracer *t, struct task *task, u32 sig, s32 error, s32 code)
{
	const struct value values[] = {
		{.name = "sig", .number = sig},
		{.name = "errno", .number = (u32)error},
		{.name = "code", .number = (u32)code},
	};

	run_record(t, task, &t->plan->signal, values, ARRAY_SIZE(values));
}
