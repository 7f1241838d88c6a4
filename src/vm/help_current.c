/*
 * help_current.c: the task as the kernel's struct task_struct, for programs that read it by BTF.
 *
 * In:  the types of the running kernel, where they can be read. Out: an address of three structures
 *      that look like those of the kernel: the task, the leader of its threads, its parent. Of
 * their fields pid, tgid, comm, real_parent, parent and group_leader are true, all others are 0.
 * They are lent to the program, to be read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "btf/btf.h"
#include "vm/help.h"

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

enum task_field { PID, TGID, COMM, REAL_PARENT, PARENT, GROUP_LEADER, FIELDS };
static const char *const field_names[FIELDS] = {"pid",         "tgid",   "comm",
						"real_parent", "parent", "group_leader"};
/* Where they are in the running kernel's structure. */
struct task_layout {
	u32 size, at[FIELDS];
};
enum which { TASK, LEADER, ABOVE, TASKS };

/* Also in members without a name. */
static bool find_field(struct btf *btf, u32 type, u32 off, const char *name, u32 *at)
{
	const struct btf_type *t = btf_type(btf, type);
	u32 n = t && (t->kind == BTF_STRUCT || t->kind == BTF_UNION) ? t->n : 0;

	for (u32 i = 0; i < n; i++) {
		struct btf_member m;

		t = btf_type(btf, type); /* the one before may have gone */
		if (!t)
			return false;
		m = t->members[i];
		if (!strcmp(m.name, name)) {
			*at = off + m.bit_off / 8;
			return true;
		}
		if (!*m.name &&
		    find_field(btf, btf_skip(btf, m.type), off + m.bit_off / 8, name, at))
			return true;
	}
	return false;
}

static bool read_layout(struct task_layout *l)
{
	struct diag quiet = {0};
	struct btf *btf = NULL;
	u32 type = 0;
	u64 size = 0;
	bool good = !btf_open_file(&btf, KERNEL_TYPES, NULL, NULL, &quiet);

	if (good)
		type = btf_find(btf, "task_struct", BTF_STRUCT);
	good = type && btf_sizeof(btf, type, &size) && size < 1u << 20;
	for (u32 i = 0; i < FIELDS && good; i++)
		good = find_field(btf, type, 0, field_names[i], &l->at[i]) && l->at[i] + 16 <= size;
	l->size = (u32)ALIGN_UP(size, 64);
	btf_close(btf);
	return good;
}

static bool asks_for_it(const struct vm_prog *p)
{
	for (u32 i = 0; i < p->n; i++)
		if (p->insns[i].code == (BPF_JMP | BPF_CALL) && !p->insns[i].src &&
		    (p->insns[i].imm == HELPER_get_current_task ||
		     p->insns[i].imm == HELPER_get_current_task_btf))
			return true;
	return false;
}

void vm_current_open(struct vm *vm, const struct vm_prog *p)
{
	struct task_layout layout;

	if (vm->task_layout || !asks_for_it(p) || !read_layout(&layout))
		return;
	vm->task_layout = arena_new(&vm->arena, struct task_layout);
	*vm->task_layout = layout;
}

/* ---- of a run */

static void put(const struct task_layout *l, u8 *task, enum task_field f, const void *value,
		u32 size)
{
	memcpy(task + l->at[f], value, size);
}

static void describe(const struct task_layout *l, u8 *task, u32 pid, u32 tgid, const char *comm)
{
	put(l, task, PID, &pid, sizeof(pid));
	put(l, task, TGID, &tgid, sizeof(tgid));
	put(l, task, COMM, comm, 16);
}

/* Of /proc/PID/stat: the name between the first ( and the last ), the parent's number. */
static u32 read_stat(u32 pid, char comm[16])
{
	char path[32], text[512] = "", *name, *end;
	u32 parent = 0;
	ssize_t n;
	int fd;

	memset(comm, 0, 16);
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[MAX(n, 0)] = 0;
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end || sscanf(end, ") %*c %u", &parent) != 1)
		return 0;
	memcpy(comm, name + 1, MIN((size_t)(end - name - 1), 15u));
	return parent;
}

static bool make_room(struct vm_run *run, const struct task_layout *l)
{
	if (run->tasks)
		return true;
	run->tasks = calloc(TASKS, l->size);
	if (run->tasks && !vm_lend(run, (struct vm_region){.start = address_of(run->tasks),
							   .size = (u64)TASKS * l->size,
							   .kind = VM_MEMORY})) {
		free(run->tasks);
		run->tasks = NULL;
	}
	return run->tasks;
}

HELPER_FN(help_current_task)
{
	const struct task_layout *l = run->vm->task_layout;
	struct vm_task own;
	const struct vm_task *t;
	u8 *task, *leader, *above;
	char comm[16];
	u32 parent;

	UNUSED_ARGS;
	if (!l || !make_room(run, l))
		return 0;
	t = help_task(run, &own);
	task = run->tasks;
	leader = task + l->size;
	above = leader + l->size;
	describe(l, task, t->tid, t->pid, t->comm);
	parent = read_stat(t->pid, comm);
	describe(l, leader, t->pid, t->pid, comm);
	read_stat(parent, comm);
	describe(l, above, parent, parent, comm);
	if (t->tid == t->pid)
		leader = task;
	put(l, task, GROUP_LEADER, &leader, sizeof(leader));
	put(l, leader, GROUP_LEADER, &leader, sizeof(leader));
	put(l, above, GROUP_LEADER, &above, sizeof(above));
	for (u32 i = TASK; i <= LEADER; i++) {
		put(l, task + (size_t)i * l->size, REAL_PARENT, &above, sizeof(above));
		put(l, task + (size_t)i * l->size, PARENT, &above, sizeof(above));
	}
	return address_of(task);
}

u32 help_task_tid(struct vm_run *run, u64 task)
{
	const struct task_layout *l = run->vm->task_layout;
	u64 off = task - address_of(run->tasks);
	struct vm_task own;
	u32 tid;

	if (!l || !run->tasks || off >= (u64)TASKS * l->size || off % l->size)
		return help_task(run, &own)->tid;
	memcpy(&tid, pointer(task + l->at[PID]), sizeof(tid));
	return tid;
}
