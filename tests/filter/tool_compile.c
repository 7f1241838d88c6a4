/*
 * tool_compile.c: filters of a file, one a line, compiled by libpcap with its optimiser, and by us.
 *
 * In:  the file. Out: how many both take; who counts instructions (valgrind) finds them in
 * compile_theirs() and compile_ours(), called in turn after read_line().
 */
#include "../../fuzz/libpcap.h"

#include "filter/filter.h"

#include <stdio.h>
#include <stdlib.h>

#define NETMASK 0xffffff00

__attribute__((noinline)) static int compile_theirs(pcap_t *dead, const char *text)
{
	struct bpf_program p;
	int err = pcap_compile(dead, &p, text, 1, NETMASK);

	if (!err)
		pcap_freecode(&p);
	return err;
}

/* Names of services and hosts are no part of compiling: neither reads them here. */
__attribute__((noinline)) static int compile_ours(const char *text)
{
	struct filter_opts opts = {.netmask = NETMASK, .has_netmask = true};
	struct arena arena = {0};
	struct filter filter = {0};
	struct diag diag = {0};
	int err = filter_compile(&filter, &arena, text, strlen(text), &opts, &diag);

	arena_free(&arena);
	return err;
}

/* The next filter; false: there is none. */
__attribute__((noinline)) static bool read_line(FILE *f, char *line, int size)
{
	while (fgets(line, size, f)) {
		line[strcspn(line, "\n")] = 0;
		if (*line && *line != '#')
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	pcap_t *dead = pcap_open_dead(1, 262144);
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[65536];
	unsigned taken = 0;

	while (f && read_line(f, line, sizeof(line)))
		taken += !compile_theirs(dead, line) && !compile_ours(line);
	if (f)
		fclose(f);
	pcap_close(dead);
	printf("%u\n", taken);
	return !taken;
}
