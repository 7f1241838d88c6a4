/*
 * names.c: users and cgroups by their numbers.
 *
 * In:  a user id, the id of a cgroup. Out: the name that /etc/passwd gives, the paths of the
 * folders under /sys/fs/cgroup whose numbers are that id. Both are kept once they are known: ids of
 * cgroups are not used twice.
 */
#include "symbol/names.h"

#include "target/target.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HIERARCHIES_MOST 32
#define DEPTH_MOST       32

static struct known *known_find(struct known *all, u64 number, const char *pattern)
{
	for (; all; all = all->next)
		if (all->number == number && !strcmp(all->pattern, pattern))
			return all;
	return NULL;
}

static const char *known_add(struct names *n, struct known **list, u64 number, const char *pattern,
			     const char *text)
{
	struct known *k = arena_new(&n->arena, struct known);

	*k = (struct known){number, arena_strdup(&n->arena, pattern), arena_strdup(&n->arena, text),
			    *list};
	*list = k;
	return k->text;
}

/* ---- users */

/* The next one of /etc/passwd: "name:x:1000:...", where the password may be empty. */
static bool next_user(FILE *f, char name[256], unsigned *uid)
{
	char line[1024], *rest;

	while (f && fgets(line, sizeof(line), f)) {
		rest = strchr(line, ':');
		if (!rest || rest - line > 255 ||
		    sscanf(rest + 1 + strcspn(rest + 1, ":"), ":%u:", uid) != 1)
			continue;
		*rest = 0;
		strcpy(name, line);
		return true;
	}
	return false;
}

const char *names_user(struct names *n, u32 uid)
{
	struct known *k = known_find(n->users, uid, "");
	bool found = false;
	unsigned number;
	char name[256];
	FILE *f;

	if (k)
		return k->text;
	f = fopen("/etc/passwd", "re");
	while (!found && next_user(f, name, &number))
		found = number == uid;
	if (f)
		fclose(f);
	if (!found)
		snprintf(name, sizeof(name), "%u", uid);
	return known_add(n, &n->users, uid, "", name);
}

u64 names_uid(const char *user)
{
	FILE *f = fopen("/etc/passwd", "re");
	u64 uid = UINT64_MAX;
	unsigned number;
	char name[256];

	while (uid == UINT64_MAX && next_user(f, name, &number))
		uid = strcmp(name, user) ? UINT64_MAX : number;
	if (f)
		fclose(f);
	return uid;
}

/* ---- cgroups */

struct hierarchy {
	char name[64], path[256];
};

static int by_name(const void *a, const void *b)
{
	const struct hierarchy *x = a, *y = b;
	int first = !strcmp(y->name, "unified") - !strcmp(x->name, "unified");

	return first ? first : strcmp(x->name, y->name);
}

static u32 hierarchies(struct hierarchy *all)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], path[256], type[32];
	u32 n = 0;

	while (f && n < HIERARCHIES_MOST && fgets(line, sizeof(line), f)) {
		bool second;

		if (sscanf(line, "%*s %255s %31s", path, type) != 2 ||
		    strncmp(path, "/sys/fs/cgroup", 14) != 0)
			continue;
		second = !strcmp(type, "cgroup2");
		if (!second && strcmp(type, "cgroup") != 0)
			continue;
		snprintf(all[n].name, sizeof(all[n].name), "%.63s",
			 second ? "unified" : strrchr(path, '/') + 1);
		snprintf(all[n++].path, sizeof(all[n].path), "%s", path);
	}
	if (f)
		fclose(f);
	qsort(all, n, sizeof(*all), by_name);
	return n;
}

/* Looks for the folder of that number; what is behind `root` in the path is its own. */
static bool find_folder(struct buf *path, u64 id, u32 depth)
{
	size_t n = path->n;
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *d;

	if (stat(buf_str(path), &st))
		return false;
	if (st.st_ino == id)
		return true;
	d = depth < DEPTH_MOST ? opendir(buf_str(path)) : NULL;
	while (d && !found && (e = readdir(d))) {
		if (e->d_type != DT_DIR || *e->d_name == '.')
			continue;
		buf_char(path, '/');
		buf_puts(path, e->d_name);
		found = find_folder(path, id, depth + 1);
		if (!found)
			path->n = n;
	}
	if (d)
		closedir(d);
	return found;
}

const char *names_cgroup(struct names *n, u64 id, const char *pattern)
{
	struct hierarchy all[HIERARCHIES_MOST];
	struct known *k = known_find(n->cgroups, id, pattern);
	struct buf text = {0};
	const char *found = "";
	u32 count;

	if (k)
		return k->text;
	count = hierarchies(all);
	for (u32 i = 0; i < count; i++) {
		struct buf path = {0};

		if (!glob_match(pattern, all[i].name))
			continue;
		buf_puts(&path, all[i].path);
		if (find_folder(&path, id, 0)) {
			const char *own = buf_str(&path) + strlen(all[i].path);

			buf_printf(&text, "%s%s:%s", text.n ? "," : "", all[i].name,
				   *own ? own : "/");
		}
		buf_free(&path);
	}
	if (text.n && !text.failed)
		found = known_add(n, &n->cgroups, id, pattern, buf_str(&text));
	buf_free(&text);
	return found;
}

void names_free(struct names *n)
{
	arena_free(&n->arena);
}
