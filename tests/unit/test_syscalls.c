/*
 * test_syscalls.c: the table of system calls against what the running kernel says of them.
 *
 * The oracle is tracefs: each sys_enter_* that it describes must be in the table with the same
 * arguments, at the same places. Numbers are checked against libc's. Where tracefs cannot be read,
 * the table is still checked for order.
 */
#include "arch/arch.h"
#include "target/impl.h"
#include "target/live.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define EVENTS "/sys/kernel/tracing/events/syscalls/"

static void numbers_ascend_and_are_libcs(void **state)
{
	const struct arch *a = arch_find("x86_64");
	static const struct {
		const char *name;
		u32 nr;
	} known[] = {
		{"read", SYS_read},
		{"openat", SYS_openat},
		{"newstat", SYS_stat},
		{"newuname", SYS_uname},
		{"clone3", SYS_clone3},
		{"umount", SYS_umount2},
		{"sendfile64", SYS_sendfile},
		{"prctl", SYS_prctl},
		{"exit_group", SYS_exit_group},
		{"openat2", SYS_openat2},
		{"execveat", SYS_execveat},
	};

	(void)state;
	for (const struct arch_syscall *s = a->syscalls; s[1].name; s++)
		assert_true(s[0].nr < s[1].nr);
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(arch_syscall(a, known[i].name)->nr, known[i].nr);
	assert_null(arch_syscall(a, "frobnicate"));
}

static void same_fields(const struct tp_format *ours, const struct tp_format *kernels)
{
	assert_int_equal(ours->nfields, kernels->nfields);
	for (u32 i = 0; i < ours->nfields; i++) {
		const struct tp_field *a = &ours->fields[i], *b = &kernels->fields[i];

		if (strcmp(a->name, b->name) != 0 || strcmp(a->type, b->type) != 0 ||
		    a->off != b->off || a->size != b->size || a->is_signed != b->is_signed)
			fail_msg("%s: we say '%s %s' at %u, the kernel '%s %s' at %u", ours->name,
				 a->type, a->name, a->off, b->type, b->name, b->off);
	}
}

/* Reads what the kernel says; false: it has no such event. */
static bool read_event(const char *name, struct buf *text)
{
	char path[256];

	snprintf(path, sizeof(path), EVENTS "%s/format", name);
	return !live_read(path, text);
}

static u32 compare_with_kernel(struct target *t, const char *prefix)
{
	u32 compared = 0;

	for (const struct arch_syscall *s = arch_find(t->arch)->syscalls; s->name; s++) {
		struct tp_format *ours;
		struct buf text = {0};
		char name[128];

		snprintf(name, sizeof(name), "%s%s", prefix, s->name);
		assert_int_equal(builtin_tracepoint(t, "syscalls", name, &ours), 0);
		if (read_event(name, &text)) {
			same_fields(ours, tp_parse(&t->arena, "syscalls", name, text.p, text.n));
			compared++;
		}
		buf_free(&text);
	}
	return compared;
}

static int count_unknown(void *user, const char *category, const char *name)
{
	u32 *unknown = user;

	if (!strcmp(category, "syscalls") && !strncmp(name, "sys_enter_", 10) &&
	    !arch_syscall(arch_find("x86_64"), name + 10)) {
		print_error("the table lacks %s\n", name + 10);
		++*unknown;
	}
	return 0;
}

static void arguments_are_the_kernels(void **state)
{
	struct target *t;
	struct diag d = {0};
	u32 unknown = 0;

	(void)state;
	assert_int_equal(target_live(&t, &d), 0);
	live_tracefs(t);
	if (access(EVENTS, R_OK)) {
		target_close(t);
		skip();
	}
	assert_true(compare_with_kernel(t, "sys_enter_") > 300);
	assert_true(compare_with_kernel(t, "sys_exit_") > 300);
	/* what this kernel has and the table lacks: only calls that are newer than the table */
	t->ops->tracepoints(t, count_unknown, &unknown);
	assert_int_equal(t->kernel > KERNEL(6, 18) ? 0 : unknown, 0);
	target_close(t);
}

static void events_of_tasks_are_known(void **state)
{
	static const char *const names[] = {"sched_process_fork", "sched_process_exec",
					    "sched_process_exit"};
	struct tp_format *f;
	struct target *t;
	struct diag d = {0};

	(void)state;
	assert_int_equal(target_live(&t, &d), 0);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(builtin_tracepoint(t, "sched", names[i], &f), 0);
	assert_int_equal(builtin_tracepoint(t, "sched", "sched_switch", &f), -ENOENT);
	assert_int_equal(builtin_tracepoint(t, "raw_syscalls", "sys_enter", &f), 0);
	assert_int_equal(tp_field(f, "args")->elem, 8);
	target_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_ascend_and_are_libcs),
		cmocka_unit_test(arguments_are_the_kernels),
		cmocka_unit_test(events_of_tasks_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
