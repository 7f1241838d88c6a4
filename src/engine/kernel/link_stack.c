/*
 * link_stack.c: programs in the network stack itself: of a network namespace, of netfilter.
 *
 * In:  rows as "/proc/self/ns/net", "ip:input", "ip6:forward:-100". Out: links, which end with us.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Chooses sockets (sk_lookup), or finds the headers of packets (flow_dissector). */
int link_netns(struct kernel_engine *k, const struct attach *a)
{
	const struct object_prog *p = &k->base.object->progs.v[a->prog];
	int ns = open(a->pattern, O_RDONLY | O_CLOEXEC);
	struct hook h = {.prog = a->prog};

	if (ns < 0)
		return diag_fail(k->base.diag, -errno, "/proc/self/ns/net, /run/netns/NAME",
				 "cannot attach %s: %s cannot be opened: %s", p->probe, a->pattern,
				 strerror(errno));
	h.fd = sys_link_create(k->progs[a->prog], (u32)ns, p->attach_type, 0);
	close(ns);
	if (h.fd == -EINVAL)
		return diag_fail(k->base.diag, h.fd, "/proc/self/ns/net, /run/netns/NAME",
				 "cannot attach %s: %s is no network namespace", p->probe,
				 a->pattern);
	return h.fd < 0 ? hook_refused(k, a, h.fd) : hook_keep(k, &h);
}

static const struct word {
	const char *name;
	int number;
} families[] = {{"ip", 2}, {"ip6", 10}, {NULL, -1}},
  points[] = {{"prerouting", 0}, {"input", 1},       {"forward", 2},
	      {"output", 3},     {"postrouting", 4}, {NULL, -1}};

/* The number of the word in front of ':' or the end; -1: there is no such word. */
static int number_of(const struct word *w, const char *text)
{
	size_t n = strcspn(text, ":");

	while (w->name && (strlen(w->name) != n || memcmp(w->name, text, n) != 0))
		w++;
	return w->number;
}

/* Behind the next ':', or the end. */
static const char *next_part(const char *text)
{
	text += strcspn(text, ":");
	return text + (*text == ':');
}

int link_netfilter(struct kernel_engine *k, const struct attach *a)
{
	const struct object_prog *p = &k->base.object->progs.v[a->prog];
	const char *point = next_part(a->pattern), *order = next_part(point);
	int family = number_of(families, a->pattern), number = number_of(points, point);
	struct hook h = {.prog = a->prog};
	char *end;
	long priority = strtol(order, &end, 10);

	if (family < 0 || number < 0 || *end || priority <= INT32_MIN || priority >= INT32_MAX)
		return diag_fail(k->base.diag, -EINVAL,
				 "netfilter:ip:input, netfilter:ip6:forward:PRIORITY; there are "
				 "prerouting, input, forward, output, postrouting",
				 "cannot attach %s: there is no such place", p->probe);
	h.fd = sys_link_netfilter(k->progs[a->prog], (u32)family, (u32)number, (s32)priority);
	if (h.fd == -EBUSY)
		return diag_fail(k->base.diag, h.fd, "another priority: netfilter:ip:input:10",
				 "cannot attach %s: a program of that priority is there", p->probe);
	return h.fd < 0 ? hook_refused(k, a, h.fd) : hook_keep(k, &h);
}
