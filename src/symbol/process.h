/*
 * process.h: what the files of this room share: processes, what they map, the files of that.
 *
 * Memory: files and their symbols stay as long as the symbols; processes that have ended are kept,
 * too, since their stacks are shown later, but no more than PROCESSES_KEPT.
 */
#ifndef SYMBOL_PROCESS_H
#define SYMBOL_PROCESS_H

#include "elf/cfi.h"
#include "elf/debug.h"
#include "elf/lines.h"
#include "symbol/symbol.h"

#define PROCESSES_KEPT  8192
#define PROCESS_BUCKETS 1024
#define IMAGES_KEPT     4 /* of a process that runs one program after the other */

struct file_segment {
	u64 addr, offset, size;
};
/* A file that processes map: its symbols, read when an address in it is asked for. */
struct mapped_file {
	u64 dev, ino;
	char *path; /* as the process sees it, or [vdso] */
	bool read, deleted;
	bool tried; /* ahead of time */
	struct symbol_table table;
	struct build_id build_id;
	struct cfi_table unwind; /* by file_unwind_read() */
	bool unwind_read, lines_read;
	bool lines_packed; /* they are there, but packed in a way that nobody here knows */
	struct lines lines; /* by file_lines_read() */
	void *lines_data;   /* the file that they are in */
	size_t lines_size;
	vec(struct file_segment) segments;
	struct mapped_file *next;
};
struct mapping {
	u64 start, end, offset;
	struct mapped_file *file; /* NULL: memory of no file */
};
/* What a process maps, in order of addresses. */
struct image {
	struct mapping *v;
	u32 n, cap;
};
struct process {
	u32 pid;
	u32 family;                       /* which it was forked from; 0: unknown */
	u32 parent;                       /* the same, as long as it runs the same program */
	bool gone;                        /* it has ended: what is known stays */
	bool prepared;                    /* its files were read ahead of time */
	bool whole;                       /* its exec was seen, and all that it mapped since */
	u64 asked;                        /* CLOCK_MONOTONIC ns when its mappings were read last */
	struct image images[IMAGES_KEPT]; /* [0]: now; then those before the last execs */
	struct symbol_table *jit;         /* of its perf map, or NULL */
	u64 jit_size, jit_asked;          /* of the file when it was read */
	struct process *next;             /* of its bucket */
};
struct watch;
struct processes {
	struct arena arena; /* of files */
	struct process *buckets[PROCESS_BUCKETS];
	u32 n, evict;
	struct mapped_file *files;
	struct watch *watch; /* or NULL */
	bool all;            /* it is of all processes */
	const char *packed;  /* a file whose lines nobody here can unpack */
};
/* The process, made when it is new (NULL: no memory), its mappings read if `look`. */
struct process *process_of(struct processes *, u32 pid, bool look);
struct mapped_file *process_file(struct processes *, u64 dev, u64 ino, const char *path);
void image_add(struct image *, struct mapping); /* what it overlaps goes */
const struct mapping *mapping_find(const struct image *, u64 addr);
bool path_deleted(const char *path, size_t *n);
void process_look(struct processes *, struct process *); /* reads its mappings again */
bool process_symbol(struct processes *, u32 pid, u64 addr, struct symbol *);
bool process_line(struct processes *, u32 pid, u64 addr, struct line_place *);
/* Reads the symbols of all executable files that it maps. */
void process_prepare(struct processes *, u32 pid);
/* Reads the watch, then the symbols of one file that was not read yet; false: all are. Where all
 * processes of the machine are watched, files are left alone. */
bool process_prepare_next(struct processes *);
void processes_free(struct processes *);
/* Reads the lines of /proc/PID/maps into the process. */
void process_maps_parse(struct processes *, struct process *, char *text);
/* What the watch has seen: a child, another program, an end. */
void process_forked(struct processes *, u32 parent, u32 child);
void process_executed(struct processes *, u32 pid);
void process_ended(struct processes *, u32 pid);

/* file.c: the symbols of a file as process pid sees it; m is one of its mappings. False: it cannot
 * be opened by way of this process. */
bool file_read(struct processes *, struct mapped_file *, u32 pid, const struct mapping *m);
/* The same for its rules of unwinding: once; none, where there are none. */
void file_unwind_read(struct mapped_file *, u32 pid, const struct mapping *m);
/* The same for the lines of its source, behind file_read(). */
void file_lines_read(struct mapped_file *, u32 pid, const struct mapping *m);
void file_lines_close(struct mapped_file *);

/* perfmap.c: /tmp/perf-PID.map */
const struct symbol_row *perfmap_find(struct process *, u64 addr);
void perfmap_parse(struct symbol_table *, const char *text, size_t n);
void perfmap_free(struct process *);

/* watch.c: programs, mappings and ends of processes as they happen. pid: of it and its children; 0:
 * of all. NULL: the kernel does not let us. */
struct watch *watch_open(u32 pid);
void watch_read(struct processes *);
void watch_close(struct watch *);

#endif
