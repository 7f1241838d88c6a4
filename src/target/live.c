/*
 * live.c: the running machine as a target; its functions are in live_kernel.c, files of user space
 * in live_files.c.
 *
 * In:  uname, /sys, /proc. Out: struct target. Only these files (and btf/file.c, which they call)
 * make system calls on behalf of the compiler.
 *
 * Nothing is read before it is asked for. A tracepoint costs one small file; formats are kept, so
 * that each is read once. tracefs is looked for at the first need and, if nobody has mounted it,
 * mounted at its usual place where we may.
 */
#include "target/live.h"

#include "base/namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TRACEFS       "/sys/kernel/tracing"
#define TRACEFS_MAGIC 0x74726163
#define VMLINUX       "/sys/kernel/btf/vmlinux"
#define FILE_MOST     (16 << 20) /* of a text file that we read whole */

int live_read_until(const char *path, const char *enough, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && !err) {
		char *p = buf_reserve(out, 8192);

		n = p ? read(fd, p, 8192) : 0;
		err = !p || out->n > FILE_MOST ? -ENOMEM : n < 0 ? -errno : 0;
		if (n <= 0)
			break;
		out->n += (size_t)n;
		if (enough && memmem(out->p, out->n, enough, strlen(enough)))
			break;
	}
	close(fd);
	return err;
}

int live_read(const char *path, struct buf *out)
{
	return live_read_until(path, NULL, out);
}

/* ---- tracefs */

static bool is_tracefs(const char *path)
{
	struct statfs st;

	return !statfs(path, &st) && st.f_type == TRACEFS_MAGIC;
}

/* The first tracefs among the mounts: "tracefs /elsewhere tracefs rw 0 0". */
static const char *find_mount(struct arena *a)
{
	struct buf mounts = {0};
	const char *found = NULL;
	char *line, *next;

	if (!live_read("/proc/self/mounts", &mounts))
		buf_char(&mounts, 0);
	for (line = mounts.failed || !mounts.n ? NULL : mounts.p; line && !found; line = next) {
		char where[PATH_MAX], kind[16];

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (sscanf(line, "%*s %4095s %15s", where, kind) == 2 && !strcmp(kind, "tracefs"))
			found = arena_strdup(a, where);
	}
	buf_free(&mounts);
	return found;
}

const char *live_tracefs(struct target *t)
{
	struct live *l = t->data;

	if (l->tracefs)
		return l->tracefs;
	if (is_tracefs(TRACEFS))
		l->tracefs = TRACEFS;
	else if (is_tracefs("/sys/kernel/debug/tracing/events"))
		l->tracefs = "/sys/kernel/debug/tracing";
	else
		l->tracefs = find_mount(&t->arena);
	if (!l->tracefs &&
	    !mount("tracefs", TRACEFS, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		l->tracefs = TRACEFS;
	return l->tracefs;
}

static int plain_error(int err)
{
	return err == -EPERM ? -EACCES : err == -ENOTDIR || err == -ENAMETOOLONG ? -ENOENT : err;
}

/* All exits of system calls are events of one class (kernel/trace/trace_syscalls.c,
 * event_class_syscall_exit): behind the first, only whether there is such a call is asked. */
static int read_format(struct target *t, const char *category, const char *name,
		       struct tp_format **out)
{
	const char *root = live_tracefs(t);
	struct live *l = t->data;
	bool is_exit = !strcmp(category, "syscalls") && !strncmp(name, "sys_exit_", 9);
	const char *path;
	struct buf text = {0};
	int err;

	if (!root)
		return -ENODEV;
	path = arena_join(&t->arena, root, "/events/", category, "/", name, "/format");
	if (is_exit && l->exit) {
		if (access(path, R_OK))
			return plain_error(-errno);
		*out = arena_new(&t->arena, struct tp_format);
		**out = *l->exit;
		(*out)->name = arena_strdup(&t->arena, name);
		return 0;
	}
	err = plain_error(live_read_until(path, TP_ENOUGH, &text));
	if (!err) {
		*out = tp_parse(&t->arena, category, name, text.p, text.n);
		err = *out ? 0 : -EIO;
	}
	if (!err && is_exit)
		l->exit = *out;
	buf_free(&text);
	return err;
}

static int live_tracepoint(struct target *t, const char *category, const char *name,
			   struct tp_format **out)
{
	struct live *l = t->data;
	char key[2 * TP_NAME_MOST];
	int err;

	if (!tp_is_name(category) || !tp_is_name(name))
		return -ENOENT;
	stpcpy(stpcpy(stpcpy(key, category), ":"), name);
	*out = dict_get(&l->formats, key);
	if (*out)
		return 0;
	err = read_format(t, category, name, out);
	if (err == -EACCES || err == -ENODEV) {
		if (!builtin_tracepoint(t, category, name, out))
			err = 0;
		else if (!strcmp(category, "syscalls"))
			err = -ENOENT; /* all of them are known */
	}
	if (!err)
		*dict_put(&l->formats, arena_strdup(&t->arena, key)) = *out;
	return err;
}

/* ---- all tracepoints */

typedef int tracepoint_fn(void *, const char *category, const char *name);

/* available_events: lines "category:name". */
static int each_line(char *text, tracepoint_fn *fn, void *user)
{
	char *line, *next, *colon;
	int stop = 0;

	for (line = text; line && *line && !stop; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		colon = strchr(line, ':');
		if (colon) {
			*colon = 0;
			stop = fn(user, line, colon + 1);
		}
	}
	return stop;
}

static int each_in_category(const char *root, const char *category, tracepoint_fn *fn, void *user)
{
	char path[PATH_MAX];
	struct dirent *e;
	int stop = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/events/%s", root, category);
	d = opendir(path);
	while (d && !stop && (e = readdir(d)))
		if (e->d_type == DT_DIR && tp_is_name(e->d_name))
			stop = fn(user, category, e->d_name);
	if (d)
		closedir(d);
	return stop;
}

/* The folders, for kernels and containers that do not show available_events. */
static int each_folder(const char *root, tracepoint_fn *fn, void *user)
{
	char path[PATH_MAX];
	struct dirent *e;
	int stop = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/events", root);
	d = opendir(path);
	if (!d)
		return plain_error(-errno);
	while (!stop && (e = readdir(d)))
		if (e->d_type == DT_DIR && tp_is_name(e->d_name))
			stop = each_in_category(root, e->d_name, fn, user);
	closedir(d);
	return stop;
}

static int live_tracepoints(struct target *t, tracepoint_fn *fn, void *user)
{
	const char *root = live_tracefs(t);
	char path[PATH_MAX];
	struct buf text = {0};
	int result;

	snprintf(path, sizeof(path), "%s/available_events", root ? root : "");
	if (!root || live_read(path, &text) || !text.n) {
		result = root ? each_folder(root, fn, user) : -ENODEV;
		if (result == -EACCES || result == -ENODEV)
			result = builtin_tracepoints(t, fn, user);
	} else {
		buf_char(&text, 0);
		result = text.failed ? -ENOMEM : each_line(text.p, fn, user);
	}
	buf_free(&text);
	return result;
}

/* ---- types */

/* The kernel's build id in hex, from its ELF notes: {name size, size, kind, name, data}. */
static bool build_id(char *hex, size_t size)
{
	struct buf notes = {0};
	bool found = false;
	size_t at = 0;

	if (live_read("/sys/kernel/notes", &notes))
		notes.n = 0;
	while (!found && notes.n - at >= 12) {
		u32 h[3];
		size_t name, data;

		memcpy(h, notes.p + at, sizeof(h));
		name = at + sizeof(h);
		data = name + ALIGN_UP((size_t)h[0], 4);
		if (data > notes.n || ALIGN_UP((size_t)h[1], 4) > notes.n - data)
			break;
		found = h[2] == 3 && h[0] == 4 && !memcmp(notes.p + name, "GNU", 4) && h[1] &&
			h[1] * 2u < size;
		for (u32 i = 0; found && i < h[1]; i++)
			sprintf(hex + 2 * i, "%02x", (u8)notes.p[data + i]);
		at = data + ALIGN_UP((size_t)h[1], 4);
	}
	buf_free(&notes);
	return found;
}

/* Where this user's cache is; NULL: nowhere. */
static const char *cache_folder(struct arena *a)
{
	const char *dir = secure_getenv("XDG_CACHE_HOME");

	if (!geteuid())
		return "/var/cache/waggle";
	if (dir && *dir == '/')
		return arena_printf(a, "%s/waggle", dir);
	dir = secure_getenv("HOME");
	return dir && *dir == '/' ? arena_printf(a, "%s/.cache/waggle", dir) : NULL;
}

/* The kernel's types; or those of a file, for a kernel that was built without. */
int live_btf(struct target *t, struct btf **out, struct diag *d)
{
	struct live *l = t->data;
	const char *file = getenv("BPFTRACE_BTF");
	char key[65];
	int err = 0;

	if (l->modules_btf) {
		*out = l->modules_btf;
		return 0;
	}
	if (!l->btf && file && *file)
		err = btf_open_file(&l->btf, file, NULL, NULL, d);
	else if (!l->btf && access(VMLINUX, F_OK))
		return diag_fail(d, -ENOENT,
				 "it was built without CONFIG_DEBUG_INFO_BTF; BPFTRACE_BTF=FILE has its types",
				 "this kernel does not describe its types (no " VMLINUX ")");
	else if (!l->btf)
		err = btf_open_file(&l->btf, VMLINUX, cache_folder(&t->arena),
				    build_id(key, sizeof(key)) ? key : NULL, d);
	*out = l->btf;
	return err;
}

/* ---- the machine */

static void live_close(struct target *t)
{
	struct live *l = t->data;

	if (!l)
		return;
	live_module_close(t);
	btf_close(l->btf);
	live_files_close(t);
	live_config_close(t);
}

static const struct target_ops live_ops = {
	.tracepoint = live_tracepoint,
	.tracepoints = live_tracepoints,
	.btf = live_btf,
	.module = live_module,
	.kprobes = live_kprobes,
	.fentry = live_fentry,
	.kfunc = live_kfunc,
	.function = live_function,
	.functions = live_functions,
	.programs = live_programs,
	.file = live_file,
	.mapped = live_mapped,
	.glob = live_glob,
	.close = live_close,
};

/* "0-3,8-11": the highest number + 1. */
static u32 possible_cpus(void)
{
	struct buf text = {0};
	u32 highest = 0;

	if (!live_read("/sys/devices/system/cpu/possible", &text))
		for (const char *p = buf_str(&text); *p;) {
			char *end;
			u32 v = (u32)strtoul(p, &end, 10);

			if (end != p)
				highest = MAX(highest, MIN(v, 65535u));
			p = *end ? end + 1 : end;
		}
	else
		highest = (u32)MAX(sysconf(_SC_NPROCESSORS_CONF), 1L) - 1;
	buf_free(&text);
	return highest + 1;
}

static void look_at_machine(struct target *t)
{
	struct live *l = arena_new(&t->arena, struct live);
	struct utsname u;
	u32 a = 0, b = 0;
	u64 dev, ino;

	uname(&u);
	sscanf(u.release, "%u.%u", &a, &b);
	l->formats.arena = &t->arena;
	l->named.arena = &t->arena;
	t->data = l;
	t->kernel = KERNEL(a, b);
	t->release = arena_strdup(&t->arena, u.release);
	t->arch = arena_strdup(&t->arena, u.machine);
	t->cpus = possible_cpus();
	namespace_pids(&dev, &ino);
	t->first_pidns = !ino;
}

int target_live(struct target **out, struct diag *d)
{
	struct target *t = calloc(1, sizeof(*t));
	jmp_buf full;

	*out = NULL;
	if (!t)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	t->ops = &live_ops;
	if (TARGET_GUARD(&t->arena, full)) {
		look_at_machine(t);
	} else {
		target_close(t);
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	}
	t->arena.escape = NULL;
	*out = t;
	return 0;
}
