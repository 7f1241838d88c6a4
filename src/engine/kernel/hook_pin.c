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
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Where the row is, without its direction. */
struct place {
	char name[PATH_MAX];
	bool egress;
};

static struct place place_of(const struct attach *a)
{
	struct place p;
	size_t n = attach_place(a->pattern, &p.egress);

	snprintf(p.name, sizeof(p.name), "%.*s", (int)(n ? n : strlen(a->pattern)), a->pattern);
	return p;
}

/* Is the link at the place of the row? */
static bool is_there(const struct query_link *l, const struct attach *a)
{
	struct place p = place_of(a);
	struct stat st;

	switch (a->kind) {
	case ATTACH_XDP: return l->type == LINK_XDP && l->net.ifindex == if_nametoindex(p.name);
	case ATTACH_TC:
		return l->type == LINK_TCX && l->net.ifindex == if_nametoindex(p.name) &&
		       l->net.attach_type ==
			       (p.egress ? ATTACH_TYPE_TCX_EGRESS : ATTACH_TYPE_TCX_INGRESS);
	case ATTACH_CGROUP_SKB:
		return l->type == LINK_CGROUP && l->cgroup.attach_type == p.egress &&
		       !stat(p.name, &st) && l->cgroup.cgroup == st.st_ino;
	default: return false;
	}
}

/* The new program's file takes the place of the old one's. */
static int replace_filter(struct kernel_engine *k, const struct attach *a, u32 old,
			  const char *path)
{
	struct place p = place_of(a);
	char beside[PATH_MAX];
	int err;

	if (a->kind != ATTACH_TC)
		return -EXDEV;
	snprintf(beside, sizeof(beside), "%s_new", path);
	err = sys_pin(k->progs[a->prog], beside);
	if (!err)
		err = clsact_replace(if_nametoindex(p.name), p.egress, old, k->progs[a->prog],
				     k->base.object->progs.v[a->prog].name);
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
