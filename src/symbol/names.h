/* names.h: what is known of users and cgroups; see names.c. */
#ifndef SYMBOL_NAMES_H
#define SYMBOL_NAMES_H

#include "base/buf.h"

struct known {
	u64 number;
	const char *pattern, *text;
	struct known *next;
};
struct names {
	struct arena arena;
	struct known *users, *cgroups;
};
/* The number itself where there is no name. */
const char *names_user(struct names *, u32 uid);
/* The id of a user; UINT64_MAX: there is none of that name. */
u64 names_uid(const char *user);
/* "unified:/a/b,cpu:/c", of the hierarchies whose names fit the pattern; "": nowhere. */
const char *names_cgroup(struct names *, u64 id, const char *pattern);
void names_free(struct names *);

#endif
