/*
 * test_numbers.c: the numbers in our tables of helpers, maps and programs are those of this kernel,
 * as its own BTF says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "btf/btf.h"
#include "isa/isa.h"

#define VMLINUX "/sys/kernel/btf/vmlinux"

static u32 running_kernel(void)
{
	struct utsname u;
	u32 a = 0, b = 0;

	uname(&u);
	assert_int_equal(sscanf(u.release, "%u.%u", &a, &b), 2);
	return KERNEL(a, b);
}

/* The number that the kernel's own enum gives to PREFIX + name; -1: it does not know it. */
static s64 kernel_number(struct btf *b, const char *of, const char *prefix, const char *name)
{
	const struct btf_type *t = btf_type(b, btf_find(b, of, BTF_ENUM));
	size_t n = strlen(prefix);

	for (u32 i = 0; t && i < t->n; i++)
		if (!strncmp(t->values[i].name, prefix, n) &&
		    !strcasecmp(t->values[i].name + n, name))
			return t->values[i].value;
	return -1;
}

/* What a table says that this kernel has, it has, under that number; else it has none (vendors
 * take newer things back, so that may differ). */
static void check_number(s64 found, const char *name, u32 id, u32 since)
{
	if (found < 0 ? since <= running_kernel() : found != id)
		fail_msg("%s: %lld in this kernel, %u here (since %u)", name, (long long)found, id,
			 since);
	if (found >= 0 && since > running_kernel())
		print_message("note: %s is here before %u\n", name, since);
}

static void numbers_are_those_of_the_kernel(void **state)
{
	struct diag d = {0};
	struct btf *b;
	u32 n = 0;

	(void)state;
	if (access(VMLINUX, R_OK)) {
		print_message("SKIP: no " VMLINUX " (CONFIG_DEBUG_INFO_BTF)\n");
		skip();
	}
	assert_int_equal(btf_open_file(&b, VMLINUX, NULL, NULL, &d), 0);
	for (u32 id = 0; id < 300; id++) {
		const struct helper *h = helper_by_id(id);
		const struct map_kind *m = map_kind(id);
		const struct prog_kind *p = prog_kind(id);

		n += h || m || p;
		if (h)
			check_number(kernel_number(b, "bpf_func_id", "BPF_FUNC_", h->name), h->name,
				     id, h->since);
		if (m)
			check_number(kernel_number(b, "bpf_map_type", "BPF_MAP_TYPE_", m->name),
				     m->name, id, m->since);
		if (p)
			check_number(kernel_number(b, "bpf_prog_type", "BPF_PROG_TYPE_", p->name),
				     p->name, id, p->since);
	}
	assert_int_equal(n, 211);
	btf_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
