/* process.h: what the files of this room share: processes and the files that they map. */
#ifndef SYMBOL_PROCESS_H
#define SYMBOL_PROCESS_H

#include "symbol/symbol.h"

struct file_segment {
	u64 addr, offset, size;
};
/* A file that processes map: its symbols, read when an address in it is asked for. */
struct mapped_file {
	u64 dev, ino;
	char *path; /* as the process sees it */
	bool read;
	struct symbol_table table;
	vec(struct file_segment) segments;
	struct mapped_file *next;
};
struct mapping {
	u64 start, end, offset;
	struct mapped_file *file;
};
struct process {
	u32 pid;
	u64 asked;                /* CLOCK_MONOTONIC ns when its mappings were read last */
	vec(struct mapping) maps; /* in order of addresses */
	struct process *next;
};
struct processes {
	struct arena arena;
	struct process *all;
	struct mapped_file *files;
};
bool process_symbol(struct processes *, u32 pid, u64 addr, struct symbol *);
void processes_free(struct processes *);
/* Reads the lines of /proc/PID/maps into the process. */
void process_maps_parse(struct processes *, struct process *, char *text);

#endif
