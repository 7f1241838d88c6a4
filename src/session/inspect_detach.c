/*
 * inspect_detach.c: `waggle detach`: takes a program from where it is attached.
 *
 * In:  the id of a program or a link, or the name of a firewall. Out: it is detached everywhere, or the reason why not and who
 *      can do it: a perf event or a tracing link ends only when its holder closes it.
 */
#include "session/drop.h"
#include "session/inspect.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct detach {
	struct inspect *i;
	struct places places;
	struct query_holders holders;
};

static bool exists(enum query_kind kind, u32 id)
{
	int fd = query_open(kind, id);

	if (fd >= 0)
		close(fd);
	return fd != -ENOENT;
}

/* A firewall's name: what its file in the BPF file system holds. False: there is none. */
static bool named(const char *what, char *kind, u32 *id)
{
	char path[256];
	int fd, is;

	if (strpbrk(what, ":/") || snprintf(path, sizeof(path), DROP_PINS "/%s", what) >= (int)sizeof(path))
		return false;
	fd = query_pinned(path);
	if (fd < 0)
		return false;
	is = query_kind_of(fd, id);
	close(fd);
	*kind = is == QUERY_LINK ? 'l' : 'p';
	return is == QUERY_LINK || is == QUERY_PROG;
}

/* It is taken away already: then nobody needs its name. */
static void forget(const char *what)
{
	char path[256];

	snprintf(path, sizeof(path), DROP_PINS "/%s", what);
	unlink(path);
}

/* What the argument means: 'p' or 'l', and the number. */
static int parse(struct inspect *i, const char *what, char *kind, u32 *id)
{
	const char *number = strchr(what, ':') ? strchr(what, ':') + 1 : what;
	char *end;
	unsigned long n = strtoul(number, &end, 10);
	bool prog, link;

	*kind = number == what               ? 0
		: !strncmp(what, "prog:", 5) ? 'p'
		: !strncmp(what, "link:", 5) ? 'l'
					     : '?';
	*id = (u32)n;
	if (*kind == '?' || end == number || *end || n > UINT32_MAX)
		return diag_fail(&i->diag, -EINVAL, "ID, prog:ID, link:ID, or the name of `waggle drop --pin`",
				 "'%s' names no program, no link and no firewall", what);
	prog = *kind != 'l' && exists(QUERY_PROG, *id);
	link = *kind != 'p' && exists(QUERY_LINK, *id);
	if (prog && link)
		return diag_fail(&i->diag, -EINVAL, "say prog:ID or link:ID",
				 "there is a program and a link with the id %u", *id);
	if (!prog && !link)
		return diag_fail(&i->diag, -ENOENT, "`waggle ps` tells which there are",
				 "there is no %s with the id %u",
				 *kind == 'l'   ? "link"
				 : *kind == 'p' ? "program"
						: "program and no link",
				 *id);
	*kind = link ? 'l' : 'p';
	return 0;
}

static bool holds(const struct query_holder *h, const struct place *p)
{
	if (p->link)
		return h->kind == QUERY_LINK && h->id == p->link;
	return h->kind == QUERY_BTF && h->id == p->prog && h->pid == p->pid;
}

/* The kernel cannot: whoever holds it must close it. */
static int say_who(struct detach *d, const struct place *p)
{
	u32 *which = arena_array(&d->i->arena, u32, d->holders.list.n + 1), n = 0;
	bool json = d->i->json;
	struct buf who = {0};

	for (u32 h = 0; h < d->holders.list.n; h++)
		if (holds(&d->holders.list.v[h], p))
			which[n++] = h;
	d->i->json = false;
	inspect_holders(d->i, &d->holders, which, n, &who);
	d->i->json = json;
	diag_fail(&d->i->diag, -EOPNOTSUPP,
		  "it is detached when they close it, end, or are removed",
		  "program %u at %s %s: a place of this kind cannot be taken away from its "
		  "holder%s%s",
		  p->prog, p->type, p->target, n ? ", " : "", n ? buf_str(&who) : "");
	buf_free(&who);
	return -EOPNOTSUPP;
}

static int detach_link(struct detach *d, const struct place *p)
{
	int fd = query_open(QUERY_LINK, p->link), err;

	if (fd < 0)
		return inspect_failed(d->i, fd, "link %u", p->link);
	err = query_link_detach(fd);
	close(fd);
	if (err == -EOPNOTSUPP)
		return say_who(d, p);
	return err ? inspect_failed(d->i, err, "link %u", p->link) : 0;
}

static int detach_cgroup(struct detach *d, const struct place *p)
{
	int cgroup = open(p->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC), prog, err;

	if (cgroup < 0)
		return inspect_failed(d->i, -errno, "%s", p->target);
	prog = query_open(QUERY_PROG, p->prog);
	err = prog < 0 ? prog : query_prog_detach(cgroup, prog, p->attach_type);
	if (prog >= 0)
		close(prog);
	close(cgroup);
	return err ? inspect_failed(d->i, err, "program %u at %s", p->prog, p->target) : 0;
}

static int detach_place(struct detach *d, const struct place *p)
{
	int err;

	if (p->link)
		return detach_link(d, p);
	if (p->net != PLACE_OTHER) {
		err = inspect_net_detach(p);
		return err ? inspect_failed(d->i, err, "program %u at %s %s", p->prog, p->type,
					    p->target)
			   : 0;
	}
	if (!strncmp(p->type, "cgroup_", 7))
		return detach_cgroup(d, p);
	return say_who(d, p);
}

static void tell(struct detach *d, const struct place *p)
{
	if (d->i->json) {
		buf_printf(&d->i->out, "{\"program\":%u,", p->prog);
		json_text(&d->i->out, "type", p->type);
		buf_char(&d->i->out, ',');
		json_text(&d->i->out, "target", p->target);
		buf_puts(&d->i->out, "}\n");
	} else {
		buf_printf(&d->i->out, "program %u detached from %s%s%s\n", p->prog, p->type,
			   *p->target ? " " : "", p->target);
	}
}

static int detach(struct inspect *i, void *user)
{
	struct detach d = {.i = i};
	char kind;
	u32 id, n = 0;
	bool by_name = named(user, &kind, &id);
	int err = by_name ? 0 : parse(i, user, &kind, &id), first = 0;

	if (err)
		return err;
	err = inspect_links(i, &d.places);
	if (err)
		return inspect_failed(i, err, "links cannot be listed");
	query_holders(&d.holders, &i->arena);
	if (kind == 'p') {
		inspect_perf(i, &d.holders, &d.places);
		inspect_net(i, &d.places);
		inspect_routes(i, &d.places);
		inspect_cgroups(i, &d.places);
	}
	vec_each (p, &d.places.list) {
		if (p->gone || (kind == 'p' ? p->prog != id : p->link != id))
			continue;
		n++;
		err = detach_place(&d, p);
		if (!err)
			tell(&d, p);
		first = first ? first : err;
	}
	if (by_name && !first) {
		forget(user);
		if (!n)
			return 0;
	}
	if (!n)
		return diag_fail(&i->diag, -ENOENT,
				 "it is loaded, and goes away when nobody holds it: `waggle ps`",
				 "%s %u is attached nowhere that can be seen",
				 kind == 'p' ? "program" : "link", id);
	return first;
}

int waggle_kernel_detach(const char *what, const struct waggle_opts *opts)
{
	return inspect_run(opts, detach, (void *)what);
}
