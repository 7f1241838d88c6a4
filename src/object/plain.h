/*
 * plain.h: objects that other compilers made for libbpf: what the files that read them share.
 *
 * In:  sections named by SEC(), `.maps` with its BTF or `maps`, data, externs, `.BTF.ext`.
 * Out: the same struct object that our own compiler makes: each program with the subprograms that
 *      it uses behind it, maps, data.
 *
 *   plain.c        sections, symbols, the order of steps
 *   plain_maps.c   maps: BTF-defined, legacy, what is in them from the start
 *   plain_data.c   data sections, externs
 *   plain_code.c   functions, relocations, programs put together
 *   plain_ext.c    `.BTF.ext`: functions' types, lines, CO-RE
 *   secs.c         SEC names
 *   plain_write.c  the way back
 *
 * A file is not trusted: everything is looked up by the reader of elf/, which gives nothing outside
 * of it, and sums are bounded before memory is taken.
 */
#ifndef OBJECT_PLAIN_H
#define OBJECT_PLAIN_H

#include "base/dict.h"
#include "btf/btf.h"
#include "elf/elf.h"
#include "object/object.h"

/* SEC names: secs.c */
enum { SEC_SLEEPABLE = 1 << 4, SEC_FRAGS = 1 << 5 }; /* flags of BPF_PROG_LOAD */
struct sec {
	const char *name;
	u32 kind, attach_type, flags;
	const char *prefix; /* of the kernel's type, or NULL */
	u32 attach;         /* ATTACH_KINDS: the engine does not attach it */
	const char *way;    /* what to do instead */
};
const struct sec *sec_find(const char *section); /* NULL: unknown; `?` in front is left out */
const char *sec_target(const struct sec *, const char *section); /* what is behind it, or NULL */
const char *sec_nearest(const char *section); /* for "did you mean"; NULL: none is near */

enum plain_role { ROLE_NONE, ROLE_CODE, ROLE_DATA, ROLE_MAPS, ROLE_LEGACY };

struct plain_section {
	struct elf_section s;
	u8 role;
	u32 map; /* DATA: index in the object's maps */
};
enum plain_target { TARGET_MAP, TARGET_DATA, TARGET_FUNC, TARGET_EXTERN };
struct plain_reloc {
	u32 insn; /* in the function */
	u8 target;
	u32 index, off; /* FUNC: index in funcs */
};
struct plain_func {
	const char *name;
	u32 section, at, n; /* ELF section; slots */
	bool global, is_program;
	u32 type;   /* FUNC in the BTF, 0: unknown */
	u32 linked; /* slot in the program that is being put together, + 1 */
	const u8 *bytes;
	vec(struct plain_reloc) relocs;
	vec(struct code_line) lines;
	vec(struct code_core) cores;
};

struct plain {
	struct elf elf;
	struct object *o;
	struct diag *d;
	const char *name;
	struct arena arena; /* only while reading */
	jmp_buf escape;
	struct elf_section symbols, strings;
	struct dict by_name;            /* number of the first symbol of the name, + 1 */
	u32 *next_of_name;              /* by symbol: the next one, + 1 */
	struct plain_section *sections; /* by ELF index */
	struct elf_section ext;
	bool has_ext;
	struct btf *btf;              /* over o->btf; NULL: there is none */
	vec(struct plain_func) funcs; /* by section and place */
	struct plain_map {
		u32 section, at;         /* ELF index of `.maps` or `maps`, byte there */
		u32 values_off;          /* of the initial values, from there; 0: none */
	} * maps;                        /* by the object's maps, those that are no data */
	u32 config_map;                  /* index of `.kconfig` in maps, + 1 */
	struct dict externs;             /* index + 1 */
	u32 map_section;                 /* ELF index of `.maps`; 0: none */
	bool gnu;  /* instructions hold the values of symbols: see look_for_gnu() */
	u64 slots; /* of all programs so far */
};

#define PLAIN_WAY            "is the file whole? `llvm-readelf -a` or `readelf -a` shows what is in it"
#define plain_broken(p, ...) diag_fail((p)->d, -EINVAL, PLAIN_WAY, __VA_ARGS__)

bool plain_symbol(const struct plain *, u64 i, struct elf_symbol *);
/* The symbol of an object or function by name, in that ELF section (0: any). */
bool plain_find(const struct plain *, const char *name, u32 section, struct elf_symbol *);
/* The DATASEC of a name in the BTF; NULL: none. */
const struct btf_type *plain_datasec(const struct plain *, const char *name);

int plain_maps(struct plain *);
int plain_slots(struct plain *); /* once programs are known */
int plain_data(struct plain *);
int plain_externs(struct plain *);
/* The index in maps of the map that lies at this byte of a section; -1: none. */
s64 plain_map_at(const struct plain *, u32 section, u64 byte);
/* An extern that has this name; -1: none. */
s64 plain_extern(const struct plain *, const char *name);

int plain_funcs(struct plain *);
int plain_relocs(struct plain *);
int plain_programs(struct plain *);
struct plain_func *plain_func_at(struct plain *, u32 section,
				 u64 slot); /* that holds it, or NULL */

int plain_ext(struct plain *);

int plain_write(const struct object *, struct buf *out, struct diag *); /* plain_write.c */
/* Reads an object that has no `.waggle`; the arena of *o is guarded by the caller. */
int plain_read(struct object *o, const struct elf *, const char *name, struct diag *);

#endif
