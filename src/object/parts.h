/* parts.h: what the files of this room share among themselves. */
#ifndef OBJECT_PARTS_H
#define OBJECT_PARTS_H

#include "object/object.h"

/* The variables of a data section: symbols in the ELF file, VARs in BTF. */
struct data_var {
	const char *name;
	u64 off, size;
	u8 what; /* enum data_what */
};
enum data_what { DATA_BYTES, DATA_CONFIG, DATA_CONTROL, DATA_COUNTERS };
#define DATA_VARS 3
u32 object_data_vars(const struct object *, const struct object_map *, struct data_var[DATA_VARS]);

/* `.waggle`: everything of an object that ELF and BTF cannot say (waggle_section.c). */
#define WAGGLE_SECTION ".waggle"
#define WAGGLE_VERSION_OF_SECTION 1
void object_write_section(const struct object *, struct buf *out);
/* Fills an empty object; code, lines and data are not there. Allocates in its arena. */
int object_read_section(struct object *, const u8 *data, u64 size, const char *name,
			struct diag *);

/* `.BTF.ext` from what object_btf() made, and the lines of the programs back from it. */
#define EXT_SECTION ".BTF.ext"
void object_write_ext(const struct object *, const struct object_btf *, struct buf *out);

#endif
