/*
 * hook_pin.c: programs where packets pass that stay behind us, by a name in the BPF file system.
 *
 * A link is pinned itself: its file keeps the program attached, and a new program takes the place
 * of the old one in it. A filter of tc stays by itself: its program is pinned, so that it is found
 * again.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/kernel.h"
#include "query/query.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kernel_engine *kernel_of(struct engine *e)
{
	return (struct kernel_engine *)e;
}

int kernel_hook_pin(struct engine *e, const char *path)
{
	struct kernel_engine *k = kernel_of(e);
	struct hook *h = k->hooks;
	int err;

	if (!k->nhooks)
		return -ENOENT;
	err = sys_pin(h->guard ? k->progs[h->prog] : h->fd, path);
	if (err || !h->guard)
		return err;
	guard_leave(h->guard);
	k->nhooks = 0;
	return 0;
}

/* "eth0:egress": the device. */
static u32 device_of(const struct attach *a)
{
	char name[IF_NAMESIZE];
	size_t n = strcspn(a->pattern, ":");

	if (n >= sizeof(name))
		return 0;
	memcpy(name, a->pattern, n);
	name[n] = 0;
	return if_nametoindex(name);
}

static u64 cgroup_of(const struct attach *a)
{
	const char *colon = strrchr(a->pattern, ':');
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%.*s", (int)(colon - a->pattern), a->pattern);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* Is the link at the place of the row? */
static bool is_there(const struct query_link *l, const struct attach *a)
{
	bool egress = strstr(a->pattern, ":egress") != NULL;

	switch (a->kind) {
	case ATTACH_XDP: return l->type == LINK_XDP && l->net.ifindex == device_of(a);
	case ATTACH_TC:
		return l->type == LINK_TCX && l->net.ifindex == device_of(a) &&
		       l->net.attach_type ==
			       (egress ? ATTACH_TYPE_TCX_EGRESS : ATTACH_TYPE_TCX_INGRESS);
	case ATTACH_CGROUP_SKB:
		return l->type == LINK_CGROUP && l->cgroup.cgroup == cgroup_of(a) &&
		       l->cgroup.attach_type == egress;
	default: return false;
	}
}

/* The new program's file takes the place of the old one's. */
static int replace_filter(struct kernel_engine *k, const struct attach *a, u32 old,
			  const char *path)
{
	char beside[4096];
	int err;

	if (a->kind != ATTACH_TC)
		return -EXDEV;
	snprintf(beside, sizeof(beside), "%s_new", path);
	err = sys_pin(k->progs[a->prog], beside);
	if (!err)
		err = clsact_replace(device_of(a), strstr(a->pattern, ":egress") != NULL, old,
				     k->progs[a->prog], k->base.object->progs.v[a->prog].name);
	if (err || rename(beside, path)) {
		unlink(beside);
		return err == -ENOENT ? -EXDEV : err ? err : -errno;
	}
	return 0;
}

int kernel_hook_replace(struct engine *e, const char *path)
{
	struct kernel_engine *k = kernel_of(e);
	const struct attach *a = e->object->attaches.v;
	struct query_link link = {0};
	int fd = sys_pinned(path), kind, err;
	u32 id = 0;

	if (fd < 0)
		return fd;
	kind = query_kind_of(fd, &id);
	if (kind == QUERY_PROG)
		err = replace_filter(k, a, id, path);
	else if (kind != QUERY_LINK)
		err = -EXDEV;
	else
		err = query_info(fd, &link, sizeof(link));
	if (kind == QUERY_LINK && !err)
		err = is_there(&link, a) ? sys_link_update(fd, k->progs[a->prog]) : -EXDEV;
	close(fd);
	return err;
}
