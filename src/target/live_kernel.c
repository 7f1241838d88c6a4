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
#include <sys/syscall.h>
#include <unistd.h>

int live_kprobes(struct target *t)
{
	(void)t;
	return access("/sys/bus/event_source/devices/kprobe/type", F_OK) ? -ENOENT : 0;
}

/* A locked-down kernel lets nobody load such programs; only a try tells. */
int live_fentry(struct target *t)
{
	static const u64 return_0[] = {0xb7, 0x95}; /* r0 = 0; exit */
	struct {
		u32 kind, ninsns;
		u64 insns, license;
		u32 log[5], flags; /* log: level, size, address; kernel */
		char name[16];
		u32 ifindex, attach_type, btf_fd, func_size;
		u64 funcs;
		u32 nfuncs, line_size;
		u64 lines;
		u32 nlines, attach_btf, attach_fd, pad;
	} a = {.kind = PROG_TRACING,
	       .ninsns = 2,
	       .insns = (u64)(uintptr_t)return_0,
	       .license = (u64)(uintptr_t) "GPL",
	       .attach_type = TRACE_FENTRY};
	struct diag silent = {0};
	struct btf *btf;
	long fd;

	if (t->ops->btf(t, &btf, &silent))
		return -ENOENT;
	a.attach_btf = btf_find(btf, "vfs_read", BTF_FUNC);
	fd = syscall(SYS_bpf, 5, &a, sizeof(a)); /* BPF_PROG_LOAD */
	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
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
