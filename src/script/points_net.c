/*
 * points_net.c: probes where packets pass: devices, cgroups.
 *
 * In: "eth0", "eth0:egress", "/sys/fs/cgroup/web:ingress". Out: one point; whether the place is
 * there is seen when it is attached, as scripts may be compiled for another machine.
 */
#include "script/packet.h"

#include <errno.h>

#define DEVICE_MOST 15

int points_net(struct script *s, const struct probe_row *row, struct probe *probe,
	       struct probe_spec *spec, char **parts, struct point ***tail)
{
	bool two = attach_infos[row->attach].flags & ATTACH_DIRECTED, egress;
	const char *hint = arena_printf(s->arena, "it is written %s", row->usage);
	struct point *p;

	if (!*parts[0])
		return diag_error(s->diag, spec->at, hint, "'%s' names no %s", spec->text,
				  row->attach == ATTACH_CGROUP_SKB ? "cgroup" : "device");
	if (has_wildcard(parts[0]))
		return diag_error(s->diag, spec->at, "a probe may have several: xdp:eth0, xdp:eth1",
				  "'%s': %s takes no wildcards", spec->text, row->name);
	if (two ? !attach_place(parts[0], &egress) : strchr(parts[0], ':') != NULL)
		return diag_error(s->diag, spec->at, hint,
				  two ? "'%s' does not say ingress or egress"
				      : "'%s' has more than a device",
				  spec->text);
	if (row->attach != ATTACH_CGROUP_SKB && strcspn(parts[0], ":/") > DEVICE_MOST)
		return diag_error(s->diag, spec->at, "`ip link` lists what there is",
				  "'%s': a device's name has at most %u bytes", spec->text, DEVICE_MOST);
	if (row->attach == ATTACH_XDP && s->xdp &&
	    strstr(s->xdp, arena_printf(s->arena, "/%s/", parts[0])))
		return diag_error(
			s->diag, spec->at,
			"one probe with `if` in it; or tc:IF:ingress, which may have many",
			"%s stands here twice: a device runs one program of XDP", spec->text);
	if (row->attach == ATTACH_XDP)
		s->xdp = arena_printf(s->arena, "%s/%s/", s->xdp ? s->xdp : "", parts[0]);
	p = point_add(s, row, probe, spec, tail);
	p->pattern = arena_strdup(s->arena, parts[0]);
	return 0;
}
