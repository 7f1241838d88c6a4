/*
 * filters.c: what the options that narrow tracing are given: users, cgroups, containers, times.
 *
 * In:  text of the command line. Out: options of the library.
 */
#include "cli/trace.h"

#include <ctype.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int take_comm(struct trace *t, const char *name)
{
	if (!*name || strlen(name) > 15)
		return usage_error("threads have names of 1 to 15 bytes, not '%s'", name);
	t->opts.comm = name;
	return 0;
}

/* "name:x:1000:1000:..." of /etc/passwd, by the name or, where it is none, the number. */
static bool passwd_find(const char *user, char name[64], unsigned *uid, unsigned *gid)
{
	FILE *f = fopen("/etc/passwd", "re");
	bool found = false, number = false;
	char line[1024], id[16];

	for (int i = 0; f && !found && i < 2; i++, rewind(f)) {
		number = i > 0;
		while (!found && fgets(line, sizeof(line), f)) {
			char *password = strchr(line, ':');

			if (!password || password - line > 63 ||
			    sscanf(password + 1 + strcspn(password + 1, ":"), ":%u:%u", uid, gid) !=
				    2)
				continue;
			*password = 0;
			snprintf(id, sizeof(id), "%u", *uid);
			found = !strcmp(number ? id : line, user);
		}
	}
	if (f)
		fclose(f);
	if (found)
		strcpy(name, line);
	return found;
}

/* Is the name one of "a,b,c"? */
static bool listed(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = names; (p = strstr(p, name)); p++)
		if ((p == names || p[-1] == ',') && (!p[n] || p[n] == ',' || p[n] == '\n'))
			return true;
	return false;
}

/* "name:x:4:member,member" of /etc/group: the password may be empty, the members many. */
static void groups_find(const char *name, unsigned *groups, size_t most, size_t *n)
{
	FILE *f = fopen("/etc/group", "re");
	char *line = NULL, *id, *end;
	size_t room = 0;

	while (f && *n < most && getline(&line, &room, f) > 0) {
		id = strchr(line, ':');
		id = id ? strchr(id + 1, ':') : NULL;
		if (!id || !isdigit((unsigned char)*++id))
			continue;
		groups[*n] = (unsigned)strtoul(id, &end, 10);
		*n += *end == ':' && listed(end + 1, name);
	}
	free(line);
	if (f)
		fclose(f);
}

bool user_find(const char *user, struct waggle_user *u, unsigned *groups, size_t most)
{
	char name[64];

	if (!most || !passwd_find(user, name, &u->uid, &u->gid))
		return false;
	groups[u->ngroups++] = u->gid;
	groups_find(name, groups, most, &u->ngroups);
	return true;
}

int take_uid(struct trace *t, const char *text)
{
	unsigned long long n;
	char name[64], *end;
	unsigned gid;

	t->opts.by_uid = true;
	n = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && n < 0xffffffffu) {
		t->opts.uid = (unsigned)n;
		return 0;
	}
	if (passwd_find(text, name, &t->opts.uid, &gid))
		return 0;
	return usage_error("there is no user '%s': --uid takes a number or a name of /etc/passwd",
			   text);
}

static bool is_cgroup(const char *path)
{
	char procs[4200];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	return !access(procs, F_OK);
}

int take_cgroup(struct trace *t, const char *path)
{
	static char *whole; /* of the last one */

	t->opts.cgroup = path;
	if (is_cgroup(path))
		return 0;
	/* as /proc/PID/cgroup has it */
	free(whole);
	whole = NULL;
	if (asprintf(&whole, "/sys/fs/cgroup%s%s", path[0] == '/' ? "" : "/", path) < 0)
		return STATUS_ERROR;
	t->opts.cgroup = whole;
	if (is_cgroup(whole))
		return 0;
	return usage_error("there is no cgroup '%s': --cgroup takes a folder of /sys/fs/cgroup",
			   path);
}

/* ---- containers: the cgroup that has the container's id or name in its own */

static struct {
	const char *name;
	char *path;
	int level, same; /* of the best; how many others are on its level */
} container;

static int look(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	if (kind != FTW_D || !strstr(path + at->base, container.name))
		return FTW_CONTINUE;
	if (container.path && at->level == container.level)
		container.same++;
	if (container.path && at->level >= container.level)
		return FTW_SKIP_SUBTREE;
	free(container.path);
	container.path = strdup(path);
	container.level = at->level;
	container.same = 0;
	return FTW_SKIP_SUBTREE;
}

int take_container(struct trace *t, const char *name)
{
	container.name = name;
	if (!*name) {
		t->opts.containers = true;
		return 0;
	}
	if (strchr(name, '/'))
		return usage_error("--container takes an id or a name, not '%s'", name);
	nftw("/sys/fs/cgroup", look, 16, FTW_PHYS | FTW_ACTIONRETVAL);
	if (!container.path)
		return usage_error("no cgroup has '%s' in its name: give the container's id, or "
				   "--cgroup; --container= shows containers",
				   name);
	if (container.same)
		return usage_error("%d cgroups have '%s' in their names, as %s: give more of it",
				   container.same + 1, name, container.path);
	t->opts.cgroup = container.path;
	return 0;
}

/* "5", "5s", "500ms", "2m", "1h" */
int take_time(const char *option, const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"m", 60e9}, {"h", 3600e9}};
	char *end;
	double n = strtod(text, &end);

	for (unsigned i = 0; i < sizeof(units) / sizeof(*units) && end > text; i++)
		if (!strcmp(end, units[i].name) && n * units[i].ns >= 1 && n * units[i].ns < 9e18) {
			*ns = (uint64_t)(n * units[i].ns);
			return 0;
		}
	return usage_error("%s takes a time, as 5, 500ms, 2m: not '%s'", option, text);
}

int take_duration(struct trace *t, const char *text)
{
	return take_time("--duration", text, &t->opts.duration_ns);
}
