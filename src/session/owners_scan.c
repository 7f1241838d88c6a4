/*
 * owners_scan.c: the sockets that there are already, and whose they are.
 *
 * In:  /proc/net/{tcp,udp,icmp,raw}{,6} of our own network; /proc/PID/fd. Out: sockets with a
 * process. Where several processes share one, the last that is found.
 */
#include "session/owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TCP_LISTENS = 10 };

struct scan {
	struct socket_seen *seen;
	u64 *inodes; /* of seen, in the same order */
	u32 n, cap;
	bool failed;
};

/* ---- what the kernel lists */

/* "0100007F" or four such words, of the order of this machine; as an IPv6 address. */
static bool read_addr(const char **text, bool six, u8 addr[16])
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *p = *text;
	u32 words[4] = {0};

	for (u32 i = 0; i < (six ? 4 : 1); i++, p += 8)
		if (sscanf(p, "%8x", &words[i]) != 1)
			return false;
	*text = p;
	if (six) {
		memcpy(addr, words, 16);
		return true;
	}
	memset(addr, 0, 16);
	if (words[0]) {
		memcpy(addr, mapped, 12);
		memcpy(addr + 12, words, 4);
	}
	return true;
}

/* "  0: LOCAL:PORT PEER:PORT STATE tx:rx tr:when retransmits uid timeout inode" */
static bool read_line(const char *p, bool six, struct socket_seen *s, u64 *inode)
{
	unsigned lport, pport, state;
	unsigned long long i;

	p = strchr(p, ':');
	if (!p)
		return false;
	p += 2;
	if (!read_addr(&p, six, s->local) || sscanf(p, ":%4x", &lport) != 1 || strlen(p) < 6)
		return false;
	p += 6;
	if (!read_addr(&p, six, s->peer) ||
	    sscanf(p, ":%4x %2x %*s %*s %*s %*s %*s %llu", &pport, &state, &i) != 3)
		return false;
	s->lport = (u16)lport;
	s->pport = (u16)pport;
	s->listens = s->protocol == 6 && state == TCP_LISTENS;
	*inode = i;
	return i != 0;
}

static bool more_room(struct scan *s)
{
	u32 cap = s->cap ? 2 * s->cap : 256;
	void *more = realloc(s->seen, cap * sizeof(*s->seen));

	if (!more)
		return false;
	s->seen = more;
	more = realloc(s->inodes, cap * sizeof(*s->inodes));
	if (!more)
		return false;
	s->inodes = more;
	s->cap = cap;
	return true;
}

static void add(struct scan *s, const struct socket_seen *seen, u64 inode)
{
	if (s->n == s->cap && !more_room(s)) {
		s->failed = true;
		return;
	}
	s->seen[s->n] = *seen;
	s->inodes[s->n++] = inode;
}

static void read_list(struct scan *s, const char *name, u8 protocol, bool six)
{
	struct socket_seen seen = {.protocol = protocol};
	char line[512];
	u64 inode;
	FILE *f = fopen(name, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!read_line(line, six, &seen, &inode))
			continue;
		if (!protocol) /* of a raw socket it stands where ports do */
			seen.protocol = (u8)seen.lport;
		add(s, &seen, inode);
		seen.protocol = protocol;
	}
	if (f)
		fclose(f);
}

/* ---- whose they are */

static void give(struct scan *s, const u64 *sorted, u64 inode, u32 pid)
{
	u32 low = 0, high = s->n;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (s->inodes[sorted[mid]] < inode)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->n && s->inodes[sorted[low]] == inode; low++)
		s->seen[sorted[low]].pid = pid;
}

static void look_at_process(struct scan *s, const u64 *sorted, u32 pid)
{
	char path[64], link[64];
	unsigned long long inode;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = 0;
		if (sscanf(link, "socket:[%llu]", &inode) == 1)
			give(s, sorted, inode, pid);
	}
	if (dir)
		closedir(dir);
}

static int by_inode(const void *a, const void *b, void *user)
{
	const u64 *inodes = user;
	u64 x = inodes[*(const u64 *)a], y = inodes[*(const u64 *)b];

	return x < y ? -1 : x > y;
}

static int look_at_all(struct scan *s)
{
	u64 *sorted = malloc((s->n + 1u) * sizeof(*sorted));
	DIR *proc = opendir("/proc");
	struct dirent *e;

	for (u32 i = 0; sorted && i < s->n; i++)
		sorted[i] = i;
	if (sorted && s->n)
		qsort_r(sorted, s->n, sizeof(*sorted), by_inode, s->inodes);
	while (sorted && proc && (e = readdir(proc)) != NULL)
		if (*e->d_name >= '1' && *e->d_name <= '9')
			look_at_process(s, sorted, (u32)atoi(e->d_name));
	if (proc)
		closedir(proc);
	free(sorted);
	return sorted ? 0 : -ENOMEM;
}

int owners_scan(void (*fn)(void *user, const struct socket_seen *), void *user)
{
	static const struct {
		const char *name;
		u8 protocol;
		bool six;
	} lists[] = {
		{"/proc/self/net/tcp", 6, false},  {"/proc/self/net/tcp6", 6, true},
		{"/proc/self/net/udp", 17, false}, {"/proc/self/net/udp6", 17, true},
		{"/proc/self/net/icmp", 1, false}, {"/proc/self/net/icmp6", 58, true},
		{"/proc/self/net/raw", 0, false},  {"/proc/self/net/raw6", 0, true},
	};
	struct scan s = {0};
	int err;

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		read_list(&s, lists[i].name, lists[i].protocol, lists[i].six);
	err = s.failed ? -ENOMEM : look_at_all(&s);
	for (u32 i = 0; !err && i < s.n; i++)
		if (s.seen[i].pid)
			fn(user, &s.seen[i]);
	free(s.seen);
	free(s.inodes);
	return err;
}

/* ---- containers: their cgroups are named after them */

#define ID_LEAST      32   /* hexadecimal digits */
#define HANDLE_KERNFS 0xfe /* FILEID_KERNFS */

static bool id_in(const char *path, char container[13])
{
	for (const char *p = path; *p; p++) {
		size_t n = strspn(p, "0123456789abcdef");

		if (n >= ID_LEAST) {
			memcpy(container, p, 12);
			container[12] = 0;
			return true;
		}
		if (n)
			p += n - 1;
	}
	return false;
}

/* The kernel finds a cgroup by its number. */
static bool cgroup_path(u64 cgroup, char path[PATH_MAX])
{
	struct {
		struct file_handle head;
		u64 id;
	} handle = {.head = {.handle_bytes = 8, .handle_type = HANDLE_KERNFS}};
	int root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	char self[32];
	ssize_t n = -1;

	memcpy(handle.head.f_handle, &cgroup, sizeof(cgroup));
	fd = root < 0 ? -1 : open_by_handle_at(root, &handle.head, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		n = readlink(self, path, PATH_MAX - 1);
		close(fd);
	}
	if (root >= 0)
		close(root);
	path[MAX(n, 0)] = 0;
	return n > 0;
}

void owners_container(u32 pid, u64 cgroup, char container[13])
{
	char path[PATH_MAX];
	struct buf text = {0};

	*container = 0;
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	if (!session_read_file(path, &text))
		id_in(buf_str(&text), container);
	else if (cgroup && cgroup_path(cgroup, path))
		id_in(path, container);
	buf_free(&text);
}
