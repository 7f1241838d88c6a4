/*
 * inspect_where.c: where programs are attached: links, perf events, cgroups.
 *
 * In:  the kernel's links; perf events of all processes; the folders of cgroups.
 * Out: a place for each: what it is, what it is called, how it can be undone.
 */
#include "session/inspect.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUPS      "/sys/fs/cgroup"
#define NAME_MOST    256
#define CGROUP_DEPTH 16

/* ---- names */

static const char *device(struct inspect *i, u32 ifindex)
{
	char name[IF_NAMESIZE];

	if (if_indextoname(ifindex, name))
		return arena_strdup(&i->arena, name);
	return arena_printf(&i->arena, "device %u", ifindex);
}

static const char *attach_type(struct inspect *i, u32 type)
{
	const char *name = attach_type_name(type);

	return name ? name : arena_printf(&i->arena, "attach type %u", type);
}

/* The function that a tracing program is about. */
static const char *traced(struct inspect *i, u32 object, u32 id)
{
	struct diag quiet = {0};
	const struct btf_type *t;
	struct btf *btf;
	const char *name;

	if (object != 1 || btf_open_file(&btf, "/sys/kernel/btf/vmlinux", NULL, NULL, &quiet))
		return arena_printf(&i->arena, "BTF id %u of object %u", id, object);
	t = btf_type(btf, id);
	name = t ? arena_strdup(&i->arena, t->name) : "?";
	btf_close(btf);
	return !strncmp(name, "btf_trace_", 10) ? name + 10 : name;
}

/* ---- cgroups */

/* Calls fn for each cgroup below `path`, which is changed meanwhile. Stops when fn says so. */
static bool each_cgroup(char *path, u32 depth, bool (*fn)(void *user, const char *path), void *user)
{
	size_t n = strlen(path);
	struct dirent *e;
	bool stop = fn(user, path);
	DIR *dir = stop || depth == CGROUP_DEPTH ? NULL : opendir(path);

	while (dir && !stop && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    n + strlen(e->d_name) + 2 < PATH_MAX) {
			sprintf(path + n, "/%s", e->d_name);
			stop = each_cgroup(path, depth + 1, fn, user);
			path[n] = 0;
		}
	if (dir)
		closedir(dir);
	return stop;
}

/* Where cgroup2 is: alone, or beside version 1. */
static void cgroup_root(char path[PATH_MAX])
{
	strcpy(path, CGROUPS "/unified");
	if (access(path, F_OK))
		strcpy(path, CGROUPS);
}

struct wanted {
	u64 id;
	struct inspect *i;
	const char *found;
};

static bool is_cgroup(void *user, const char *path)
{
	struct wanted *w = user;
	struct stat st;

	if (stat(path, &st) || st.st_ino != w->id)
		return false;
	w->found = arena_strdup(&w->i->arena, path);
	return true;
}

const char *inspect_cgroup_path(struct inspect *i, u64 id)
{
	struct wanted w = {id, i, ""};
	char path[PATH_MAX];

	cgroup_root(path);
	each_cgroup(path, 0, is_cgroup, &w);
	return w.found;
}

struct in_cgroups {
	struct inspect *i;
	struct places *places;
};

static bool is_known(const struct places *p, u32 prog, u32 type)
{
	vec_each (at, &p->list)
		if (at->prog == prog && at->attach_type == type)
			return true;
	return false;
}

static bool look_into(void *user, const char *path)
{
	struct in_cgroups *c = user;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (u32 type = 0; fd >= 0 && type < ATTACH_TYPES; type++) {
		u32 ids[64], n = ARRAY_SIZE(ids);

		if (strncmp(attach_type(c->i, type), "cgroup_", 7) != 0 ||
		    query_attached(fd, type, ids, &n))
			continue;
		for (u32 k = 0; k < n; k++)
			if (!is_known(c->places, ids[k], type))
				vec_push(&c->i->arena, &c->places->list,
					 (struct place){.prog = ids[k],
							.type = attach_type(c->i, type),
							.target = arena_strdup(&c->i->arena, path),
							.attach_type = type});
	}
	if (fd >= 0)
		close(fd);
	return false;
}

void inspect_cgroups(struct inspect *i, struct places *places)
{
	struct in_cgroups c = {i, places};
	char path[PATH_MAX];

	cgroup_root(path);
	each_cgroup(path, 0, look_into, &c);
}

/* ---- links */

static void perf_place(struct inspect *i, const struct query_link *l, struct place *p)
{
	static const char *const types[] = {"perf event", "uprobe",     "uretprobe", "kprobe",
					    "kretprobe",  "tracepoint", "perf event"};
	const char *name = (const char *)(uintptr_t)l->perf.name;

	p->type = l->perf.type < ARRAY_SIZE(types) ? types[l->perf.type] : types[0];
	if (!l->perf.type || l->perf.type >= PERF_EVENT)
		p->target = "";
	else if (l->perf.type <= PERF_URETPROBE)
		p->target = arena_printf(&i->arena, "%s:0x%x", name, l->perf.off);
	else if (l->perf.off)
		p->target = arena_printf(&i->arena, "%s+%u", name, l->perf.off);
	else
		p->target = arena_strdup(&i->arena, name);
}

static const char *hook(struct inspect *i, const struct query_link *l)
{
	static const char *const hooks[] = {"prerouting", "input", "forward", "output",
					    "postrouting"};
	const char *family = l->netfilter.family == 2    ? "ipv4"
			     : l->netfilter.family == 10 ? "ipv6"
							 : "?";

	return arena_printf(&i->arena, "%s:%s, priority %d", family,
			    l->netfilter.hook < ARRAY_SIZE(hooks) ? hooks[l->netfilter.hook] : "?",
			    l->netfilter.priority);
}

static void describe(struct inspect *i, const struct query_link *l, const char *name,
		     struct place *p)
{
	struct arena *a = &i->arena;

	switch (l->type) {
	case LINK_RAW_TRACEPOINT:
		p->type = "rawtracepoint";
		p->target = arena_strdup(a, name);
		break;
	case LINK_TRACING:
		p->type = attach_type(i, l->tracing.attach_type);
		p->target = traced(i, l->tracing.object, l->tracing.btf);
		break;
	case LINK_CGROUP:
		p->type = attach_type(i, l->cgroup.attach_type);
		p->target = inspect_cgroup_path(i, l->cgroup.cgroup);
		p->attach_type = l->cgroup.attach_type;
		break;
	case LINK_ITER:
		p->type = "iter";
		p->target = arena_strdup(a, name);
		break;
	case LINK_NETNS:
		p->type = attach_type(i, l->netns.attach_type);
		p->target = arena_printf(a, "netns %u", l->netns.inode);
		break;
	case LINK_XDP:
		p->type = "xdp";
		p->target = device(i, l->net.ifindex);
		p->ifindex = l->net.ifindex;
		break;
	case LINK_TCX:
	case LINK_NETKIT:
		p->type = attach_type(i, l->net.attach_type);
		p->target = device(i, l->net.ifindex);
		p->ifindex = l->net.ifindex;
		break;
	case LINK_PERF: perf_place(i, l, p); break;
	case LINK_KPROBE_MULTI:
		p->type = l->kprobes.flags & 1 ? "kretprobe.multi" : "kprobe.multi";
		p->target = arena_printf(a, "%u functions", l->kprobes.n);
		break;
	case LINK_UPROBE_MULTI:
		p->type = l->uprobes.flags & 1 ? "uretprobe.multi" : "uprobe.multi";
		p->target = arena_printf(a, "%s, %u places", name, l->uprobes.n);
		break;
	case LINK_STRUCT_OPS:
	case LINK_SOCKMAP:
		p->type = l->type == LINK_SOCKMAP ? "sockmap" : "struct_ops";
		p->target = arena_printf(a, "map %u", l->map.map);
		break;
	case LINK_NETFILTER:
		p->type = "netfilter";
		p->target = hook(i, l);
		break;
	default:
		p->type = arena_printf(a, "link of type %u", l->type);
		p->target = "";
		break;
	}
}

/* Names come into a buffer that is handed over in the right place for the type. */
static int link_info(int fd, struct query_link *l, char *name)
{
	int err = query_info(fd, l, sizeof(*l));
	u32 type = l->type, perf = l->perf.type;

	if (err)
		return err;
	*l = (struct query_link){0};
	if (type == LINK_RAW_TRACEPOINT || type == LINK_ITER) {
		l->raw_tracepoint.name = (uintptr_t)name;
		l->raw_tracepoint.len = NAME_MOST;
	} else if (type == LINK_PERF && perf && perf < PERF_EVENT) {
		l->perf.name = (uintptr_t)name;
		l->perf.len = NAME_MOST;
	} else if (type == LINK_UPROBE_MULTI) {
		l->uprobes.path = (uintptr_t)name;
		l->uprobes.len = NAME_MOST;
	}
	return query_info(fd, l, sizeof(*l));
}

/* Links that were detached stay until their holders close them. */
static bool is_detached(const struct query_link *l)
{
	switch (l->type) {
	case LINK_XDP:
	case LINK_TCX:
	case LINK_NETKIT: return !l->net.ifindex;
	case LINK_CGROUP: return !l->cgroup.cgroup;
	case LINK_NETNS: return !l->netns.inode;
	case LINK_STRUCT_OPS: return !l->map.map;
	default: return false;
	}
}

int inspect_links(struct inspect *i, struct places *places)
{
	int err;

	for (u32 id = 0; !(err = query_next(QUERY_LINK, id, &id));) {
		struct query_link l = {0};
		char name[NAME_MOST] = "";
		struct place p = {.link = id};
		int fd = query_open(QUERY_LINK, id);

		if (fd < 0)
			continue;
		if (!link_info(fd, &l, name)) {
			p.prog = l.prog;
			p.gone = is_detached(&l);
			describe(i, &l, name, &p);
			vec_push(&i->arena, &places->list, p);
		}
		close(fd);
	}
	return err == -ENOENT ? 0 : err;
}

/* ---- perf events that run a program without a link (ioctl) */

void inspect_perf(struct inspect *i, const struct query_holders *all, struct places *places)
{
	static const char *const types[] = {"rawtracepoint", "tracepoint", "kprobe",
					    "kretprobe",     "uprobe",     "uretprobe"};

	vec_each (h, &all->list) {
		struct place p = {.prog = h->id, .pid = h->pid};
		bool known = false;

		if (h->kind != QUERY_BTF || h->task.type >= ARRAY_SIZE(types))
			continue;
		vec_each (at, &places->list)
			known |= at->prog == h->id && at->type &&
				 !strcmp(at->type, types[h->task.type]);
		p.type = types[h->task.type];
		p.target = h->task.off ? arena_printf(&i->arena, "%s:0x%llx", h->name,
						      (unsigned long long)h->task.off)
				       : arena_strdup(&i->arena, h->name);
		if (!known)
			vec_push(&i->arena, &places->list, p);
	}
}
