/*
 * info.c: what the running kernel offers to scripts.
 *
 * In: nothing. Out: lines for people, "  name: yes". Nothing is looked up in lists of versions: files are
 * looked at, and programs and maps are tried, as the engine would.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

struct info {
	void (*fn)(void *, const char *);
	void *user;
	struct target *target;
};

static void line(struct info *i, const char *name, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "  %s: %s", name, what);
	i->fn(i->user, text);
}

static void title(struct info *i, const char *text)
{
	i->fn(i->user, text);
}

static void yes_no(struct info *i, const char *name, bool yes)
{
	line(i, name, yes ? "yes" : "no");
}

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

/* Loads a program and lets go of it; log: the verifier's words, or NULL. */
static int try_program(u32 kind, u32 attach_type, u32 at, const struct insn *insns, u32 n, char *log,
		       u32 log_size)
{
	struct sys_prog p = {.name = "ask", .license = "GPL", .kind = kind, .attach_type = attach_type,
			     .attach_btf = at, .insns = insns, .ninsns = n};
	int fd = sys_prog_load(&p, log ? 1 : 0, log, log_size);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static bool loads(u32 kind, u32 attach_type, u32 at)
{
	static const struct insn return_0[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
					       {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};

	return !try_program(kind, attach_type, at, return_0, ARRAY_SIZE(return_0), NULL, 0);
}

/* A call with wrong arguments: what the verifier says of a helper that is not there is known. */
static bool has_helper(u32 kind, u32 id)
{
	const struct insn call[] = {{BPF_JMP | BPF_CALL, 0, 0, 0, (s32)id},
				    {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
				    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
	char log[4096] = "";
	int err = try_program(kind, 0, 0, call, ARRAY_SIZE(call), log, sizeof(log));

	return !err || (*log && !strstr(log, "unknown func") && !strstr(log, "invalid func") &&
			!strstr(log, "program of this type cannot use helper"));
}

static u32 function_id(struct info *i, const char *name)
{
	struct diag silent = {0};
	struct btf *btf;

	return i->target->ops->btf(i->target, &btf, &silent) ? 0 : btf_find(btf, name, BTF_FUNC);
}

static void show_system(struct info *i)
{
	struct utsname u;
	char text[256];

	title(i, "System");
	uname(&u);
	snprintf(text, sizeof(text), "%s %s %s", u.sysname, u.release, u.machine);
	line(i, "OS", text);
	line(i, "waggle", WAGGLE_VERSION);
	line(i, "rights", kernel_denied() ? kernel_denied() : "may load programs");
}

static void show_features(struct info *i)
{
	struct kernel_engine k = {.kernel = i->target->kernel};

	title(i, "Kernel features");
	yes_no(i, "types (BTF)", is_there("/sys/kernel/btf/vmlinux"));
	yes_no(i, "tracefs", is_there("/sys/kernel/tracing/events") ||
				     is_there("/sys/kernel/debug/tracing/events"));
	yes_no(i, "kprobe_multi", link_has_multi(&k, false));
	yes_no(i, "uprobe_multi", link_has_multi(&k, true));
	yes_no(i, "uprobe refcount",
	       is_there("/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset"));
	yes_no(i, "attach cookies", has_helper(PROG_KPROBE, HELPER_get_attach_cookie));
	yes_no(i, "atomic exchange", i->target->kernel >= KERNEL(5, 12));
	yes_no(i, "iterators", loads(PROG_TRACING, TRACE_ITER, function_id(i, "bpf_iter_task")));
}

static void show_probes(struct info *i)
{
	bool tracing = loads(PROG_TRACING, TRACE_FENTRY, function_id(i, "vfs_read"));

	title(i, "Probe types");
	yes_no(i, "tracepoint", loads(PROG_TRACEPOINT, 0, 0));
	yes_no(i, "rawtracepoint", loads(PROG_RAW_TRACEPOINT, 0, 0));
	yes_no(i, "kprobe", is_there("/sys/bus/event_source/devices/kprobe/type"));
	yes_no(i, "fentry", tracing);
	yes_no(i, "uprobe", is_there("/sys/bus/event_source/devices/uprobe/type"));
	yes_no(i, "usdt", is_there("/sys/bus/event_source/devices/uprobe/type"));
	yes_no(i, "perf_event (profile, software, hardware)", loads(PROG_PERF_EVENT, 0, 0));
	yes_no(i, "watchpoint", is_there("/sys/bus/event_source/devices/breakpoint/type"));
	yes_no(i, "iter:task", loads(PROG_TRACING, TRACE_ITER, function_id(i, "bpf_iter_task")));
	yes_no(i, "iter:task_file", loads(PROG_TRACING, TRACE_ITER, function_id(i, "bpf_iter_task_file")));
	yes_no(i, "iter:task_vma", loads(PROG_TRACING, TRACE_ITER, function_id(i, "bpf_iter_task_vma")));
}

static void show_helpers(struct info *i)
{
	static const u32 helpers[] = {
		HELPER_probe_read_kernel, HELPER_probe_read_kernel_str, HELPER_probe_read_user,
		HELPER_probe_read_user_str, HELPER_get_current_cgroup_id, HELPER_send_signal,
		HELPER_send_signal_thread, HELPER_override_return, HELPER_probe_write_user,
		HELPER_ktime_get_boot_ns, HELPER_ktime_get_tai_ns, HELPER_jiffies64, HELPER_get_stack,
		HELPER_get_ns_current_pid_tgid, HELPER_ringbuf_reserve, HELPER_for_each_map_elem,
		HELPER_loop, HELPER_map_lookup_percpu_elem, HELPER_get_func_ip};

	title(i, "Helpers of kprobe, uprobe and usdt");
	for (u32 n = 0; n < ARRAY_SIZE(helpers); n++)
		yes_no(i, helper_by_id(helpers[n])->name, has_helper(PROG_KPROBE, helpers[n]));
}

static void show_maps(struct info *i)
{
	static const struct sys_map maps[] = {
		{.name = "hash", .kind = MAP_HASH, .key_size = 8, .value_size = 8, .max_entries = 1},
		{.name = "percpu_hash", .kind = MAP_PERCPU_HASH, .key_size = 8, .value_size = 8,
		 .max_entries = 1},
		{.name = "lru_hash", .kind = MAP_LRU_HASH, .key_size = 8, .value_size = 8,
		 .max_entries = 1},
		{.name = "percpu_array", .kind = MAP_PERCPU_ARRAY, .key_size = 4, .value_size = 8,
		 .max_entries = 1},
		{.name = "stack_trace", .kind = MAP_STACK_TRACE, .key_size = 4, .value_size = 8,
		 .max_entries = 1},
		{.name = "ringbuf", .kind = MAP_RINGBUF, .max_entries = 4096},
	};

	title(i, "Map types");
	for (u32 n = 0; n < ARRAY_SIZE(maps); n++) {
		int fd = sys_map_create(&maps[n]);

		yes_no(i, maps[n].name, fd >= 0);
		if (fd >= 0)
			close(fd);
	}
}

int kernel_info(void (*fn)(void *user, const char *line), void *user, struct diag *d)
{
	struct info i = {.fn = fn, .user = user};
	int err = target_live(&i.target, d);

	if (err)
		return err;
	show_system(&i);
	show_features(&i);
	show_probes(&i);
	show_helpers(&i);
	show_maps(&i);
	target_close(i.target);
	return 0;
}
