/*
 * builtin.c: tracepoints that are known without tracefs, which only root may read.
 *
 * In:  the table of system calls, the few events of processes that do not need the kernel's help.
 * Out: formats as tracefs has them. Whoever fills such records goes by name, offset and size of a
 *      field, so a kernel that lays sched_process_exec out differently makes no difference.
 */
#include "target/live.h"

#include "arch/arch.h"

#include <errno.h>
#include <stdio.h>

static const struct {
	const char *category, *name, *text;
} plain[] = {
	{"raw_syscalls", "sys_enter",
	 "field:long id; offset:8; size:8; signed:1;\n"
	 "field:unsigned long args[6]; offset:16; size:48; signed:0;\n"},
	{"raw_syscalls", "sys_exit",
	 "field:long id; offset:8; size:8; signed:1;\n"
	 "field:long ret; offset:16; size:8; signed:1;\n"},
	{"sched", "sched_process_fork",
	 "field:char parent_comm[16]; offset:8; size:16; signed:0;\n"
	 "field:pid_t parent_pid; offset:24; size:4; signed:1;\n"
	 "field:char child_comm[16]; offset:28; size:16; signed:0;\n"
	 "field:pid_t child_pid; offset:44; size:4; signed:1;\n"},
	{"sched", "sched_process_exec",
	 "field:__data_loc char[] filename; offset:8; size:4; signed:0;\n"
	 "field:pid_t pid; offset:12; size:4; signed:1;\n"
	 "field:pid_t old_pid; offset:16; size:4; signed:1;\n"},
	{"sched", "sched_process_exit",
	 "field:char comm[16]; offset:8; size:16; signed:0;\n"
	 "field:pid_t pid; offset:24; size:4; signed:1;\n"
	 "field:int prio; offset:28; size:4; signed:1;\n"
	 "field:bool group_dead; offset:32; size:1; signed:0;\n"},
	{"sched", "sched_process_wait",
	 "field:char comm[16]; offset:8; size:16; signed:0;\n"
	 "field:pid_t pid; offset:24; size:4; signed:1;\n"
	 "field:int prio; offset:28; size:4; signed:1;\n"},
	{"task", "task_newtask",
	 "field:pid_t pid; offset:8; size:4; signed:1;\n"
	 "field:char comm[16]; offset:12; size:16; signed:0;\n"
	 "field:unsigned long clone_flags; offset:32; size:8; signed:0;\n"
	 "field:short oom_score_adj; offset:40; size:2; signed:1;\n"},
	{"signal", "signal_deliver",
	 "field:int sig; offset:8; size:4; signed:1;\n"
	 "field:int errno; offset:12; size:4; signed:1;\n"
	 "field:int code; offset:16; size:4; signed:1;\n"},
};

static void write_arguments(struct buf *out, const char *args)
{
	for (u32 off = 16; *args; off += 8) {
		size_t n = strcspn(args, ",");

		buf_printf(out, "field:%.*s; offset:%u; size:8; signed:0;\n", (int)n, args, off);
		args += n;
		args += strspn(args, ", ");
	}
}

/* "sys_enter_openat" */
static bool write_syscall(struct buf *out, const struct arch *a, const char *name)
{
	bool enter = !strncmp(name, "sys_enter_", 10);
	const struct arch_syscall *s;

	if (!a || (!enter && strncmp(name, "sys_exit_", 9) != 0))
		return false;
	s = arch_syscall(a, name + (enter ? 10 : 9));
	if (!s)
		return false;
	buf_puts(out, "field:int __syscall_nr; offset:8; size:4; signed:1;\n");
	if (enter)
		write_arguments(out, s->args);
	else
		buf_puts(out, "field:long ret; offset:16; size:8; signed:1;\n");
	return true;
}

static bool write_text(struct buf *out, const char *arch, const char *category, const char *name)
{
	if (!strcmp(category, "syscalls"))
		return write_syscall(out, arch_find(arch), name);
	for (u32 i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(plain[i].category, category) && !strcmp(plain[i].name, name)) {
			buf_puts(out, plain[i].text);
			return true;
		}
	return false;
}

int builtin_tracepoint(struct target *t, const char *category, const char *name,
		       struct tp_format **out)
{
	struct buf text = {0};

	*out = NULL;
	if (write_text(&text, t->arch, category, name) && !text.failed)
		*out = tp_parse(&t->arena, category, name, text.p, text.n);
	buf_free(&text);
	return *out ? 0 : -ENOENT;
}

int builtin_tracepoints(struct target *t, int (*fn)(void *, const char *, const char *), void *user)
{
	const struct arch *a = arch_find(t->arch);
	char name[TP_NAME_MOST];
	int stop = 0;

	for (u32 i = 0; i < ARRAY_SIZE(plain) && !stop; i++)
		stop = fn(user, plain[i].category, plain[i].name);
	for (const struct arch_syscall *s = a ? a->syscalls : NULL; s && s->name && !stop; s++) {
		snprintf(name, sizeof(name), "sys_enter_%s", s->name);
		stop = fn(user, "syscalls", name);
		snprintf(name, sizeof(name), "sys_exit_%s", s->name);
		if (!stop)
			stop = fn(user, "syscalls", name);
	}
	return stop;
}
