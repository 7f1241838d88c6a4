/*
 * needs.c: can this machine run a case?
 *
 * In:  the `needs`, `on` and `where` of a case, and the machine.
 * Out: NULL, or the reason to skip it. Each kind of need is one row of a table.
 */
#include "behave.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	char full[4096];

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		snprintf(full, sizeof(full), "%.*s/%s", (int)len, path, name);
		if (access(full, X_OK) == 0)
			return true;
		path += len;
	}
	return false;
}

static bool need_tracepoint(const char *what)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[512];
	size_t len = strcspn(what, ":");

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		snprintf(path, sizeof(path), "%s/events/%.*s%s%s/format", roots[i], (int)len, what,
			 what[len] ? "/" : "", what[len] ? what + len + 1 : "");
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* ">=6.1", "<5.15" */
static bool need_kernel(const char *what)
{
	struct utsname u;
	int major, minor, want_major, want_minor, diff;
	bool less = *what == '<';

	if (uname(&u) || sscanf(u.release, "%d.%d", &major, &minor) != 2 ||
	    sscanf(what + (less ? 1 : 2), "%d.%d", &want_major, &want_minor) != 2)
		return false;
	diff = major != want_major ? major - want_major : minor - want_minor;
	return less ? diff < 0 : diff >= 0;
}

static bool need_root(const char *what)
{
	(void)what;
	return geteuid() == 0;
}

static bool need_btf(const char *what)
{
	(void)what;
	return access("/sys/kernel/btf/vmlinux", R_OK) == 0;
}

static bool need_kprobes(const char *what)
{
	(void)what;
	return access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0;
}

/* a function of the kernel that may be probed: it may have been inlined, or have another name */
static bool need_function(const char *what)
{
	char line[512], name[256];
	bool found = false;
	FILE *f = fopen("/sys/kernel/tracing/available_filter_functions", "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%255s", name) == 1 && !strcmp(name, what);
	if (f)
		fclose(f);
	return found;
}

static bool need_no_kprobes(const char *what)
{
	return !need_kprobes(what);
}

static bool need_file(const char *what)
{
	return access(what, F_OK) == 0;
}

static const struct need {
	const char *start;
	bool (*met)(const char *rest);
	const char *else_say; /* the rest of the need is appended */
} needs[] = {
	{ "tracepoint:", need_tracepoint, "no tracepoint " },
	{ "program:", have_program, "no program " },
	{ "file:", need_file, "no file " },
	{ "function:", need_function, "no function " },
	{ "kernel", need_kernel, "needs a kernel " },
	{ "kprobes", need_kprobes, "no kprobes" },
	{ "no kprobes", need_no_kprobes, "a kernel with kprobes" },
	{ "root", need_root, "needs root" },
	{ "btf", need_btf, "no BTF of the kernel" },
};

/* May we load BPF programs at all? The smallest one tells. */
static bool bpf_allowed(void)
{
	static int answer = -1;
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.insns = (uintptr_t)insns,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL",
	};

	if (answer < 0) {
		int fd = -1;

		/* below 5.11 maps that are on their way out still count against our limit */
		for (int i = 0; i < 30 && fd < 0 && (!i || (errno == EPERM && !geteuid())); i++) {
			if (i)
				usleep(100000);
			fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
		}
		answer = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return answer;
}

bool case_is_for(const struct test_case *c, const struct options *o)
{
	return o->guest ? c->on_guest : c->on_host;
}

static const struct need *need_of(const char *text)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (strncmp(text, needs[i].start, strlen(needs[i].start)) == 0)
			return &needs[i];
	return NULL;
}

bool need_known(const char *text)
{
	return need_of(text);
}

const char *needs_missing(const struct test_case *c, enum engine e, const struct options *o)
{
	static char why[256];

	if (o->oracle && c->differs)
		return c->differs;
	if (e == ENGINE_KERNEL && !bpf_allowed())
		return "no right to load BPF programs here";
	for (unsigned i = 0; i < c->needs.n; i++) {
		const struct need *row = need_of(c->needs.text[i]);
		const char *rest = c->needs.text[i] + strlen(row->start);

		if (row->met(rest))
			continue;
		snprintf(why, sizeof(why), "%s%s", row->else_say, rest);
		return why;
	}
	return NULL;
}
