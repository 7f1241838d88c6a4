/*
 * tool_links.c: holds links to the programs of maps.bpf.c, made by libbpf, until stdin ends.
 *
 *   tool_links PINS CGROUP
 *
 * Links: XDP and tcx on the loopback device of its network namespace, a cgroup, a raw tracepoint.
 * Says which it made, a line each, then `ready`.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int pinned(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/progs/%s", folder, name);
	return bpf_obj_get(path);
}

static void made(const char *what, int fd)
{
	if (fd >= 0)
		printf("%s\n", what);
	else
		fprintf(stderr, "%s: error %d\n", what, fd);
}

int main(int argc, char **argv)
{
	int lo = (int)if_nametoindex("lo"), cgroup;
	char byte;

	if (argc != 3)
		return 2;
	cgroup = open(argv[2], O_RDONLY | O_DIRECTORY);
	made("xdp", bpf_link_create(pinned(argv[1], "insp_xdp"), lo, BPF_XDP, NULL));
	made("cgroup", bpf_link_create(pinned(argv[1], "insp_cgroup"), cgroup,
				       BPF_CGROUP_INET_INGRESS, NULL));
	made("tcx", bpf_link_create(pinned(argv[1], "insp_tc"), lo, (enum bpf_attach_type)46, NULL));
	made("rawtracepoint", bpf_raw_tracepoint_open("task_rename", pinned(argv[1], "insp_raw")));
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
