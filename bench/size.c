/*
 * size.c: the binary as it is installed, and what each room has in it.
 *
 * In: the linker's map of a link from the objects, whose lines name a section, its size and the
 * object it came from: src/ROOM/... is a room, everything else is libc. What the linker dropped is
 * not in the map's memory part.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* KiB. The budgets add up to the goal of the whole, 3 MiB, or less. */
static const struct budget {
	const char *room;
	unsigned kib;
} budgets[] = {
	{"base", 16}, {"elf", 36},      {"demangle", 30}, {"arch", 36},    {"isa", 48},
	{"btf", 28},  {"query", 4},     {"types", 8},     {"object", 140}, {"target", 30},
	{"ir", 36},   {"codegen", 24},  {"script", 408},  {"filter", 94},  {"compile.c", 6},
	{"vm", 158},  {"symbol", 24},   {"packet", 106},   {"stream", 4},   {"engine", 210},
	{"sink", 84}, {"session", 132}, {"strace", 192},   {"cli", 154},    {"libc", 1056},
};

struct room {
	char name[32];
	double bytes;
};

#define ROOMS_MAX 40

static void count(struct room *rooms, unsigned *n, const char *path, double bytes)
{
	const char *p = strstr(path, "src/");
	char name[32] = "libc";
	unsigned i = 0;

	if (p)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + 4, "/\n"), p + 4);
	if (strstr(name, ".o"))
		strcpy(strstr(name, ".o"), ".c"); /* a room of one file */
	while (i < *n && strcmp(rooms[i].name, name) != 0)
		i++;
	if (i == ROOMS_MAX)
		return;
	if (i == *n)
		snprintf(rooms[(*n)++].name, sizeof(name), "%s", name);
	rooms[i].bytes += bytes;
}

/* Sections that are loaded; a line is " NAME 0xADDRESS 0xSIZE PATH", and where the name is long it
 * has a line of its own. */
static unsigned read_map(FILE *f, struct room *rooms)
{
	static const char *const loaded[] = {".text", ".rodata",   ".data",
					     ".bss",  ".eh_frame", ".init_array",
					     ".tbss", ".tdata",    "COMMON"};
	char line[4096], path[4096], name[2048] = "";
	unsigned long address, size;
	bool inside = false, wanted = false;
	unsigned n = 0;

	while (fgets(line, sizeof(line), f)) {
		int skip = 0;

		if (!strncmp(line, "Linker script and memory map", 28))
			inside = true;
		if (!inside || line[0] != ' ' || line[1] == '*')
			continue;
		if (line[1] != ' ' && sscanf(line, " %2047s%n", name, &skip) == 1) {
			wanted = false;
			for (unsigned i = 0; i < ARRAY(loaded); i++)
				wanted |= !strncmp(name, loaded[i], strlen(loaded[i]));
		}
		if (wanted &&
		    sscanf(line + skip, " 0x%lx 0x%lx %4095s", &address, &size, path) == 3 &&
		    address)
			count(rooms, &n, path, (double)size);
	}
	return n;
}

static double installed(void)
{
	const char *copy = scratch("stripped");
	char *argv[] = {"strip", "-o", (char *)(uintptr_t)copy, (char *)(uintptr_t)bench.waggle,
			NULL};
	struct proc p;
	struct usage u;
	struct stat st;

	if (proc_start(&p, argv, NULL, NULL, ANY_CPU))
		return NAN;
	proc_wait(&p, &u);
	return !u.status && !stat(copy, &st) ? (double)st.st_size / 1024 : NAN;
}

int part_size(void)
{
	static struct room rooms[ROOMS_MAX];
	double whole = installed(), sum = 0;
	char path[512];
	unsigned n;
	struct table t;
	FILE *f;

	snprintf(path, sizeof(path), "%s/waggle.map", bench.built);
	f = fopen(path, "re");
	if (!f) {
		printf("\nSize: there is no %s: make bench-programs\n", path);
		return 1;
	}
	n = read_map(f, rooms);
	fclose(f);
	table_open(&t, "Size: KiB in the binary, by room", "room|KiB|budget|");
	for (unsigned b = 0; b < ARRAY(budgets); b++)
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(rooms[i].name, budgets[b].room)) {
				table_cell(&t, "%s", rooms[i].name);
				table_num(&t, "%.1f", rooms[i].bytes / 1024);
				table_num(&t, "%.0f", budgets[b].kib);
				table_goal(&t, rooms[i].bytes / 1024, budgets[b].kib, false, "");
				sum += rooms[i].bytes;
				rooms[i].bytes = 0;
			}
	for (unsigned i = 0; i < n; i++)
		if (rooms[i].bytes > 0) {
			table_cell(&t, "%s", rooms[i].name);
			table_num(&t, "%.1f", rooms[i].bytes / 1024);
			table_cell(&t, "none");
			table_cell(&t, "MISSED");
			sum += rooms[i].bytes;
		}
	table_cell(&t, "sum");
	table_num(&t, "%.1f", sum / 1024);
	table_cell(&t, "%s", "");
	table_cell(&t, "%s", "");
	table_cell(&t, "as installed");
	table_num(&t, "%.1f", whole);
	table_cell(&t, "3072");
	table_goal(&t, whole, 3072, false, "");
	table_close(&t);
	return 0;
}
