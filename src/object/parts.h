/* parts.h: what the files of this room share among themselves. */
#ifndef OBJECT_PARTS_H
#define OBJECT_PARTS_H

#include "elf/elf.h"
#include "object/object.h"

/* The variables of a data section (DATA_VALUE: a scalar map's value): symbols in the ELF file, VARs in BTF. */
struct data_var {
	const char *name;
	u64 off, size;
	u8 what; /* enum data_what */
};
enum data_what { DATA_BYTES, DATA_VALUE, DATA_CONFIG, DATA_CONTROL, DATA_COUNTERS };
#define DATA_VARS 3
/* Programs of an object that are no functions of `.text`: each has counters. */
u32 object_counted(const struct object *);
u32 object_data_vars(const struct object *, const struct object_map *, struct data_var[DATA_VARS]);

/* btf_plain.c: object_btf() of an object that has BTF of its own. 0, -ENOMEM, -EINVAL. */
int plain_btf(const struct object *, struct object_btf *);

/* btf.c: types made from programs, maps and data, also of an object that is plain. */
int object_btf_made(const struct object *, struct object_btf *, struct diag *);

/* A call, or the address of a function, which a linker resolves. */
struct elf_call {
	u32 prog, insn; /* where; prog: index in progs, which are functions of `.text` as well */
	u32 callee;
	bool address;
};
/* elf_write.c: the file of a valid object, whose functions are programs of `.text`. `.waggle` is
 * about the whole, unless that is plain. */
int elf_write_object(const struct object *, const struct object *whole, const struct elf_call *,
		     u32 ncalls, struct buf *out, struct diag *);
/* elf_split.c: the file of an object of ours, or of a plain one without BTF, that is, from text. */
int elf_write_split(const struct object *, struct buf *out, struct diag *);
/* An object while it is read: its functions, of which their programs know the names, are programs of
 * `.text`. */
struct elf_parts {
	struct {
		struct object_prog *v;
		u32 n;
	} whole;
	vec(struct elf_call) calls; /* addresses; callee: slot in `.text` */
};
void elf_part(struct object *, struct elf_parts *);
struct prog_places;
/* False: an address is not that of a function of the program. */
bool elf_join(struct object *, const struct elf_parts *, const struct prog_places *);

/* `.waggle`: everything of an object that ELF and BTF cannot say (waggle_section.c). */
#define WAGGLE_SECTION	       ".waggle"
#define WAGGLE_SECTION_VERSION 8
void object_write_section(const struct object *, struct arena *, struct buf *out);
/* Fills an empty object; code, lines and data are not there. Allocates in its arena. */
int object_read_section(struct object *, const u8 *data, u64 size, const char *name,
			struct diag *);

/* Where the programs lie in the file: programs of one SEC name share a section, in order. */
struct prog_places {
	u32 nsections;
	const char **sections;
	struct prog_place {
		u32 section; /* index in sections */
		u32 at;	     /* in instruction slots */
	} *progs;
};

#define EXT_SECTION ".BTF.ext"
/* `.BTF.ext`: functions and lines of the programs (ext.c). */
void object_write_ext(const struct object *, const struct prog_places *,
		      const struct object_btf *, struct buf *out);
/* The lines back into the code, which is there already. places: as they are in the file. */
int object_read_ext(struct object *, const struct prog_places *, const struct elf_section *btf,
		    const struct elf_section *ext, const char *name, struct diag *);

#endif
