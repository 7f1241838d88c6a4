/*
 * why.c: why the kernel said no, and what to do about it.
 *
 * An EPERM of bpf(2) has half a dozen causes that look the same. Only when one happens, we look at
 * our rights, at seccomp, lockdown and limits, and name the cause that fits.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAP_SYS_ADMIN = 21, CAP_SYS_RESOURCE = 24, CAP_PERFMON = 38, CAP_BPF = 39 };

/* The first bytes of a file as a string; "" when it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[MAX(n, 0)] = 0;
}

/* A number of /proc/self/status. */
static u64 status(const char *name, int base)
{
	char text[4096], *p;

	read_text("/proc/self/status", text, sizeof(text));
	p = strstr(text, name);
	return p ? strtoull(p + strlen(name), NULL, base) : 0;
}

/* capget(2), version 3: works without /proc. */
static bool has_cap(u32 cap)
{
	struct {
		u32 version, pid;
	} head = {0x20080522, 0};
	struct {
		u32 effective, permitted, inheritable;
	} data[2] = {0};

	return !syscall(SYS_capget, &head, data) && data[cap / 32].effective >> (cap % 32) & 1;
}

static bool has_rights(void)
{
	return has_cap(CAP_SYS_ADMIN) || (has_cap(CAP_BPF) && has_cap(CAP_PERFMON));
}

static bool in_user_namespace(void)
{
	char text[256];
	unsigned long inner, outer, n;

	read_text("/proc/self/uid_map", text, sizeof(text));
	return sscanf(text, "%lu %lu %lu", &inner, &outer, &n) == 3 && n != 4294967295ul;
}

struct why {
	const char *text, *hint;
};

static struct why why_denied(void)
{
	char text[256];

	if (!has_rights())
		return (struct why){
			"this process may not load BPF programs",
			"run it as root (sudo waggle ...), or give the binary the rights: "
			"setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep FILE; a container needs "
			"docker run --cap-add BPF --cap-add PERFMON"};
	if (in_user_namespace())
		return (struct why){
			"root of a user namespace has no rights over the kernel",
			"run it as root outside of the namespace (not in a rootless container)"};
	if (status("\nSeccomp:", 10) == 2)
		return (struct why){"a seccomp filter blocks it",
				    "containers: docker run --security-opt seccomp=unconfined, or "
				    "--privileged"};
	read_text("/sys/kernel/security/lockdown", text, sizeof(text));
	if (strstr(text, "[confidentiality]"))
		return (struct why){"the kernel is locked down for confidentiality",
				    "boot with lockdown=integrity, or with Secure Boot off"};
	return (struct why){"the kernel refuses it", "is a security module (SELinux, AppArmor) in "
						     "the way? See the kernel log (dmesg)"};
}

const char *kernel_denied(void)
{
	return has_rights() && !in_user_namespace() ? NULL : why_denied().text;
}

static bool memlock_limited(const struct kernel_engine *k)
{
	struct rlimit r;

	return k->kernel < KERNEL(5, 11) && !getrlimit(RLIMIT_MEMLOCK, &r) &&
	       r.rlim_cur != RLIM_INFINITY;
}

static struct why why(struct kernel_engine *k, int err)
{
	switch (err) {
	case -EPERM:
		if (has_rights() && memlock_limited(k))
			return (struct why){
				"not enough memory may be locked",
				"this kernel counts BPF memory as locked memory: raise the limit "
				"(ulimit -l unlimited) or add the right cap_sys_resource"};
		return why_denied();
	case -EACCES: return why_denied();
	case -ENOSYS:
		return (struct why){
			"this kernel has no bpf(2)",
			"it needs CONFIG_BPF_SYSCALL=y; is this a sandbox such as gVisor?"};
	case -ENOMEM:
		return (struct why){"the kernel has no memory for it",
				    "make maps or rings smaller, or raise the cgroup's limit"};
	case -E2BIG: return (struct why){"it is too large for this kernel", NULL};
	case -EMFILE: return (struct why){"too many open files", "raise the limit: ulimit -n"};
	default: return (struct why){strerror(-err), NULL};
	}
}

int why_failed(struct kernel_engine *k, int err, const char *fmt, ...)
{
	struct why w = why(k, err);
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return diag_fail(k->base.diag, err, w.hint, "%s: %s", what, w.text);
}

int why_event(struct kernel_engine *k, int err, const char *probe)
{
	char text[64];
	int paranoid;

	read_text("/proc/sys/kernel/perf_event_paranoid", text, sizeof(text));
	paranoid = atoi(text);
	/* 3 is Debian's own level: only CAP_SYS_ADMIN may open perf events */
	if ((err == -EACCES || err == -EPERM) && !has_cap(CAP_SYS_ADMIN) &&
	    paranoid > (has_rights() ? 2 : 0))
		return diag_fail(k->base.diag, err,
				 has_rights() ? "sysctl kernel.perf_event_paranoid=2, or add the "
						"right cap_sys_admin (run it as root)" :
						"run it as root, or set sysctl "
						"kernel.perf_event_paranoid=-1",
				 "cannot attach %s: kernel.perf_event_paranoid is %d", probe,
				 paranoid);
	return why_failed(k, err, "cannot attach %s", probe);
}

bool memlock_raise(void)
{
	struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

	if (!setrlimit(RLIMIT_MEMLOCK, &r))
		return true;
	if (getrlimit(RLIMIT_MEMLOCK, &r) || r.rlim_cur == r.rlim_max)
		return false;
	r.rlim_cur = r.rlim_max;
	return !setrlimit(RLIMIT_MEMLOCK, &r);
}

void files_raise(u64 need)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= need)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r); /* if not: EMFILE will say how many were too many */
}
