/* demangle_inner.h: what the two files of the demangler share. */
#ifndef ELF_DEMANGLE_INNER_H
#define ELF_DEMANGLE_INNER_H

#include "elf/demangle.h"

#define DEM_DEPTH     64
#define DEM_SUBS_MOST 512
#define DEM_TEXT_MOST 8192

/* A type in two halves, between which a name, a * or an & stands: "int (" and ")[3]". */
struct part {
	const char *left, *right;
};

struct dem {
	struct arena *arena;
	const char *p;
	vec(struct part) subs; /* what S_ and the like stand for */
	vec(struct part) args; /* of the last template: what T_ and the like stand for */
	const char *behind;    /* the last name was one of a member: " const" */
	bool template_last;    /* the last name ended with template arguments */
	bool converts;         /* it is a constructor or the like: no result is mangled */
	bool bad;
	u32 depth, in_args;
};

const char *dem_fail(struct dem *); /* notes it, returns "" */
bool dem_take(struct dem *, const char *word);
const char *dem_join(struct dem *, const char *a, const char *b);
void dem_remember(struct dem *, struct part);

/* productions */
const char *dem_encoding(struct dem *, const char **plain);
const char *dem_name(struct dem *);
struct part dem_substitution(struct dem *);
struct part dem_type(struct dem *);
struct part dem_template_param(struct dem *);
const char *dem_template_args(struct dem *); /* "<int, char>" */
const char *dem_params(struct dem *);        /* "(int, char)" */

#endif
