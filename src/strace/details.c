/*
 * details.c: -yy: what descriptors are, beyond their paths: addresses of sockets, numbers of
 * devices, the process behind a pidfd.
 *
 * In:  /proc of the process, when the line is written: a socket's addresses are those of then.
 * Out: a few words.
 */
#include "strace/strace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* Calls fn for each line of a file until it returns true. */
static bool each_line(const char *path, bool (*fn)(const char *line, void *), void *user)
{
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = fn(line, user);
	if (f)
		fclose(f);
	return found;
}

struct wanted {
	unsigned long inode;
	struct buf *out;
};

/* "0100007F:1F90" in words of the machine's order, or 32 digits of such */
static void put_address(struct buf *b, const char *hex)
{
	size_t digits = strcspn(hex, ":");
	char text[INET6_ADDRSTRLEN], word[9] = "";
	u32 words[4] = {0};

	for (size_t i = 0; i < digits / 8 && i < 4; i++) {
		memcpy(word, hex + 8 * i, 8);
		words[i] = (u32)strtoul(word, NULL, 16);
	}
	inet_ntop(digits > 8 ? AF_INET6 : AF_INET, words, text, sizeof(text));
	buf_printf(b, digits > 8 ? "[%s]:%lu" : "%s:%lu", text,
		   strtoul(hex + digits + 1, NULL, 16));
}

/* A line of /proc/net/tcp and the like: number, local, remote, ..., the tenth is the inode. */
static bool inet_line(const char *line, void *user)
{
	struct wanted *w = user;
	char local[48], remote[48];
	unsigned long inode;

	if (sscanf(line, " %*[^:]: %47s %47s %*s %*s %*s %*s %*s %*s %lu", local, remote, &inode) !=
		    3 ||
	    inode != w->inode)
		return false;
	put_address(w->out, local);
	if (strspn(remote, "0:") != strlen(remote)) {
		buf_puts(w->out, "->");
		put_address(w->out, remote);
	}
	return true;
}

/* /proc/net/unix: the seventh is the inode, the eighth a path, if there is one. */
static bool unix_line(const char *line, void *user)
{
	struct wanted *w = user;
	unsigned long inode;
	char path[128] = "";

	if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %127[^\n]", &inode, path) < 1 ||
	    inode != w->inode)
		return false;
	buf_printf(w->out, path[0] ? "%lu,\"%s\"" : "%lu", inode, path);
	return true;
}

static const struct {
	const char *protocol, *file;
	bool (*line)(const char *, void *);
} protocols[] = {
	{"TCP", "tcp", inet_line},   {"TCPv6", "tcp6", inet_line},
	{"UDP", "udp", inet_line},   {"UDPv6", "udp6", inet_line},
	{"RAW", "raw", inet_line},   {"RAWv6", "raw6", inet_line},
	{"UNIX", "unix", unix_line}, {"UNIX-STREAM", "unix", unix_line},
};

static bool show_socket(struct shown *c, const char *fd, unsigned long inode)
{
	struct wanted w = {inode, c->out};
	char protocol[32] = "", path[64];
	bool found = false;

	if (getxattr(fd, "system.sockprotoname", protocol, sizeof(protocol) - 1) <= 0)
		return false;
	buf_printf(c->out, "%s:[", protocol);
	for (u32 i = 0; i < ARRAY_SIZE(protocols) && !found; i++)
		if (!strcmp(protocols[i].protocol, protocol)) {
			snprintf(path, sizeof(path), "/proc/%u/net/%s", c->task->pid,
				 protocols[i].file);
			found = each_line(path, protocols[i].line, &w);
		}
	if (!found)
		buf_printf(c->out, "%lu", inode);
	buf_char(c->out, ']');
	return true;
}

static bool show_device(struct shown *c, const char *fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) && stat(fd, &st))
		return false;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return false;
	show_name(c, path);
	buf_printf(c->out, "<%s %u:%u>", S_ISCHR(st.st_mode) ? "char" : "block", major(st.st_rdev),
		   minor(st.st_rdev));
	return true;
}

static bool pid_line(const char *line, void *user)
{
	return sscanf(line, "Pid: %lu", (unsigned long *)user) == 1;
}

static bool show_pidfd(struct shown *c, s32 fd)
{
	unsigned long pid;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", c->task->pid, fd);
	if (!each_line(path, pid_line, &pid))
		return false;
	buf_printf(c->out, "pid:%lu", pid);
	return true;
}

bool show_details(struct shown *c, s32 fd, const char *path)
{
	unsigned long inode;
	char link[64];

	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/%u/fd/%d", c->task->pid, fd);
	if (sscanf(path, "socket:[%lu]", &inode) == 1)
		return show_socket(c, link, inode);
	if (!strcmp(path, "anon_inode:[pidfd]"))
		return show_pidfd(c, fd);
	return !strncmp(path, "/dev/", 5) && show_device(c, link, path);
}
