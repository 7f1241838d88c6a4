/*
 * symbol.h: addresses to names, of the running kernel and of running processes.
 *
 * Nothing is read until an address is asked for: then the kernel's symbols are read once, a
 * process's mappings when it is first seen (and again when an address is in none of them), and the
 * symbols of each mapped file once, whoever maps it. All of it is for showing: what cannot be
 * found is no error, the caller shows the number.
 */
#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include "base/buf.h"
#include "base/diag.h"

/* Names are good as long as the symbols are, but for one. */
struct symbol {
	const char *name;     /* NULL: unknown */
	const char *readable; /* the same for people: C++ and Rust; else the same pointer */
	u64 off;              /* of the address in it */
	const char *module; /* file or module that holds it; NULL: unknown, or the kernel itself */
	/* of a process: where in the file, so that it can be named elsewhere */
	const struct build_id *build_id; /* elf/debug.h; NULL: the file has none */
	u64 file_off;
	bool of_jit; /* its names are good until the next look-up only */
};

struct build_id;
struct symbols;
/* NULL: no memory. The diag, which may be NULL, outlives it: hidden kernel symbols are said once.
 */
struct symbols *symbols_new(struct diag *);
void symbols_free(struct symbols *); /* NULL is fine */
/* Follows process pid and its children (0: all processes), so that those that end are known all the
 * same. Where the kernel does not let us, processes are looked at when they are first asked for. */
void symbols_watch(struct symbols *, u32 pid);
/* Work that is better done while there is nothing else to do: each call does a piece of at most
 * some milliseconds. False: nothing is left. */
bool symbols_prepare_kernel(struct symbols *);
void symbols_prepare_process(struct symbols *, u32 pid); /* its files, all of them */
bool symbols_prepare_watched(struct symbols *); /* the next file of a process that is followed */

/* False: unknown (name is NULL; of a process, module may be known all the same). */
bool symbol_of_kernel(struct symbols *, u64 addr, struct symbol *);
bool symbol_of_process(struct symbols *, u32 pid, u64 addr, struct symbol *);
/* The same for a return address: it is of the function that called, though that may have ended with
 * the call (what it called never returns). user false: of the kernel. */
bool symbol_of_caller(struct symbols *, bool user, u32 pid, u64 addr, struct symbol *);
/* While a map is shown: what was found stays as it is, and is found again without looking. Thousands
 * of stacks have few addresses. */
void symbols_hold(struct symbols *);
void symbols_release(struct symbols *);
/* Which line of a source the instruction at an address of a process comes from, if debugging
 * information is there: struct line_place of elf/lines.h. */
struct line_place;
bool symbol_line(struct symbols *, u32 pid, u64 addr, struct line_place *);
/* The name of a user; the number where there is none. */
const char *symbol_user(struct symbols *, u32 uid);
/* The paths of a cgroup, as names.h has them. */
const char *symbol_cgroup(struct symbols *, u64 id, const char *pattern);
/* The address of a kernel symbol, functions and data; 0: there is none, or it is hidden. Reads
 * kallsyms up to there. */
u64 kernel_address(const char *name);

/* ---- the parts */

/* Sorted by address; names are offsets in a text. */
struct symbol_table {
	struct symbol_row {
		u64 addr, size;   /* size 0: up to the next */
		u32 name, module; /* offsets; module 0: none */
	} * rows;
	u32 n, cap;
	struct buf text;       /* NUL-terminated names; the first byte is NUL */
	const char **readable; /* by row; NULL: nobody has asked */
	bool failed;           /* no memory */
	bool hidden;           /* all addresses were 0: kernel.kptr_restrict */
};
void symbol_table_free(struct symbol_table *);
void symbol_table_add(struct symbol_table *, u64 addr, u64 size, const char *name, size_t len,
		      u32 module);
/* Of a symbol whose table says no size: where it ends at the latest. It ends where the next begins.
 * A label is not taken for a function where it is in one. */
#define SYMBOL_GUESSED (1ull << 63)
#define SYMBOL_LABEL   (1ull << 62)
/* Sorts; of symbols at one address the first added stays, unless a later one has a size. */
void symbol_table_sort(struct symbol_table *);
/* The same, but the last one added stays, and cuts short what it stands in. */
void symbol_table_sort_last(struct symbol_table *);
/* The one that holds the address, of several the last that begins; NULL: none. */
const struct symbol_row *symbol_table_find(const struct symbol_table *, u64 addr);

/* The name as people know it, made when it is first asked for, in the arena. The table is sorted.
 */
const char *symbol_readable(struct symbol_table *, struct arena *, const struct symbol_row *);

/* Adds the functions that lines of /proc/kallsyms name: "ffffffff81000000 T _text\t[module]". Only
 * whole lines are read: returns the bytes used. */
size_t kallsyms_parse(struct symbol_table *, const char *text, size_t n);
u64 kernel_modules(void); /* another number when modules have come or gone */
/* Adds the functions of an ELF file, by the addresses that the file gives them: .symtab, or
 * .dynsym and .gnu_debugdata where that was stripped. */
void elf_symbols(struct symbol_table *, const void *file, size_t n);

#endif
