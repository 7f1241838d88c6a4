/*
 * live_kernel.c: the functions of the running kernel.
 *
 * In:  BTF, available_filter_functions of tracefs, kallsyms.
 * Out: whether there are kprobes, whether there is a function, all of them.
 *
 * BTF answers for one name in microseconds; the lists take 20 ms and more, so they are read only
 * for wildcards, and for names that BTF does not know.
 */
#include "target/live.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int live_kprobes(struct target *t)
{
	(void)t;
	return access("/sys/bus/event_source/devices/kprobe/type", F_OK) ? -ENOENT : 0;
}

/* Tries a program; 0 or -errno. log: room for what the verifier says, or NULL. */
static int try_program(u32 kernel, const struct insn *insns, u32 n, u32 kind, u32 attach_type, u32 at,
		       char *log, u32 log_size)
{
	struct {
		u32 kind, ninsns;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
		u32 version, flags;
		char name[16];
		u32 ifindex, attach_type, btf_fd, func_size;
		u64 funcs;
		u32 nfuncs, line_size;
		u64 lines;
		u32 nlines, attach_btf, attach_fd, pad;
	} a = {.kind = kind,
	       .ninsns = n,
	       .insns = (u64)(uintptr_t)insns,
	       .license = (u64)(uintptr_t) "GPL",
	       .log_level = log != NULL,
	       .log_size = log ? log_size : 0,
	       .log = (u64)(uintptr_t)log,
	       .attach_type = attach_type,
	       .attach_btf = at};
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	long fd = syscall(SYS_bpf, 5, &a, sizeof(a)); /* BPF_PROG_LOAD */

	/* below 5.11 programs count as locked memory */
	if (fd < 0 && errno == EPERM && kernel < KERNEL(5, 11) && !setrlimit(RLIMIT_MEMLOCK, &all))
		fd = syscall(SYS_bpf, 5, &a, sizeof(a));
	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

/* A locked-down kernel lets nobody load such programs; only a try tells. */
int live_fentry(struct target *t)
{
	static const struct insn return_0[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
					       {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	struct diag silent = {0};
	struct btf *btf;

	if (t->ops->btf(t, &btf, &silent))
		return -ENOENT;
	return try_program(t->kernel, return_0, ARRAY_SIZE(return_0), PROG_TRACING, TRACE_FENTRY,
			   btf_find(btf, "vfs_read", BTF_FUNC), NULL, 0);
}

/* The arguments are wrong, for which the verifier has other words than for a call that it forbids. */
bool live_kfunc(struct target *t, u32 prog_kind, u32 attach_type, u32 at, u32 function)
{
	const struct insn call[] = {{BPF_JMP | BPF_CALL, 0, 2, 0, (s32)function}, /* BPF_PSEUDO_KFUNC_CALL */
				    {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
				    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	char log[8192] = "";
	int err;

	if (t->kernel < KERNEL(5, 13)) /* has none */
		return false;
	err = try_program(t->kernel, call, ARRAY_SIZE(call), prog_kind, attach_type, at, log, sizeof(log));
	return !err || (strstr(log, ") call ") && !strstr(log, "not allowed") &&
			!strstr(log, "not supported"));
}

/* Cuts "name [module]" and "name\t[module]" in two. NULL: it has no module. */
static const char *cut_module(char *name)
{
	char *end = name + strcspn(name, " \t"), *module = strchr(end, '[');

	*end = 0;
	if (module)
		module[strcspn(module, "]")] = 0;
	return module ? module + 1 : NULL;
}

/* Lines "name" and "name [module]"; those that ftrace cannot resolve begin with "__ftrace_inv". */
static int each_traceable(char *text, function_fn *fn, void *user)
{
	int stop = 0;

	for (char *line = text, *next; *line && !stop; line = next) {
		const char *module;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		module = cut_module(line);
		if (*line && strncmp(line, "__ftrace_invalid", 16) != 0)
			stop = fn(user, line, module);
	}
	return stop;
}

/* Lines "address type name"; T, t, W, w are code. */
static int each_symbol(char *text, function_fn *fn, void *user)
{
	int stop = 0;

	for (char *line = text, *next, *p; *line && !stop; line = next) {
		const char *module;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		p = strchr(line, ' ');
		if (!p || !strchr("TtWw", p[1]) || !p[1] || p[2] != ' ')
			continue;
		module = cut_module(p + 3);
		stop = fn(user, p + 3, module);
	}
	return stop;
}

/* Functions that the kernel lets nobody probe, lines "0x...-0x...\tname"; debugfs may be missing. */
static void read_forbidden(struct target *t)
{
	struct live *l = t->data;
	struct buf text = {0};

	if (l->forbidden.arena)
		return;
	l->forbidden.arena = &t->arena;
	if (!live_read("/sys/kernel/debug/kprobes/blacklist", &text))
		buf_char(&text, 0);
	for (char *line = text.failed ? NULL : text.p, *next, *name; line && *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		name = strchr(line, '\t');
		if (name)
			*dict_put(&l->forbidden, arena_strdup(&t->arena, name + 1)) = l;
	}
	buf_free(&text);
}

struct permitted {
	struct live *live;
	function_fn *fn;
	void *user;
};

static int take_permitted(void *user, const char *name, const char *module)
{
	struct permitted *p = user;

	return dict_get(&p->live->forbidden, name) ? 0 : p->fn(p->user, name, module);
}

int live_functions(struct target *t, function_fn *fn, void *user)
{
	const char *root = live_tracefs(t);
	char path[256];
	struct permitted p = {t->data, fn, user};
	struct buf text = {0};
	int result;

	read_forbidden(t);
	snprintf(path, sizeof(path), "%s/available_filter_functions", root ? root : "");
	if (root && !live_read(path, &text) && text.n) {
		buf_char(&text, 0);
		result = text.failed ? -ENOMEM : each_traceable(text.p, take_permitted, &p);
	} else {
		text.n = 0;
		result = live_read("/proc/kallsyms", &text);
		buf_char(&text, 0);
		if (!result)
			result = text.failed ? -ENOMEM : each_symbol(text.p, take_permitted, &p);
	}
	buf_free(&text);
	return result;
}

static int is_it(void *user, const char *name, const char *module)
{
	(void)module;
	return !strcmp(user, name);
}

int live_function(struct target *t, const char *name)
{
	struct buf text = {0};
	struct diag silent = {0};
	struct btf *btf;
	int found = 0;

	if (!live_btf(t, &btf, &silent) && btf_find(btf, name, BTF_FUNC))
		return 0;
	if (!live_read("/proc/kallsyms", &text)) {
		buf_char(&text, 0);
		found = text.failed ? -ENOMEM : each_symbol(text.p, is_it, (void *)(uintptr_t)name);
	}
	buf_free(&text);
	return found == 1 ? 0 : found ? found : -ENOENT;
}
