/*
 * capture_files.c: the files that packets are written to: one, or one after the other by size and
 * age.
 *
 * In:  the name of -w, which may have words of strftime(3) where files are changed by age. Out: an
 * open file; behind the name a number, where there are several by size.
 */
#include "session/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static u32 digits(u32 n)
{
	u32 d = 1;

	for (; n >= 10; n /= 10)
		d++;
	return d;
}

/* As tcpdump names them: by size "x", "x1", "x2", ...; with -W "x00", "x01", ... so that they sort.
 */
static void name_file(const struct capturing *c, char *path, size_t size)
{
	const struct waggle_capture *how = c->how;
	time_t seconds = (time_t)(c->file_time / 1000000000u);
	char name[4096];
	struct tm tm;

	snprintf(name, sizeof(name), "%s", how->write);
	if (how->file_seconds && localtime_r(&seconds, &tm) &&
	    !strftime(name, sizeof(name), how->write, &tm))
		snprintf(name, sizeof(name), "%s", how->write);
	if (how->file_bytes && how->files && !how->file_seconds)
		snprintf(path, size, "%s%0*u", name, (int)digits(how->files - 1), c->file);
	else if (how->file_bytes && c->file)
		snprintf(path, size, "%s%u", name, c->file);
	else
		snprintf(path, size, "%s", name);
}

static int cannot_write(struct capturing *c, const char *path)
{
	return diag_fail(&c->diag, -errno, NULL, "cannot write %s: %s", path, strerror(errno));
}

/* What was there goes, unless it is what we read. */
static int empty_file(struct capturing *c, const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return cannot_write(c, path);
	if (c->reader && S_ISREG(st.st_mode) && packet_reader_is(c->reader, &st))
		return diag_fail(&c->diag, -EINVAL, "-w needs another name",
				 "%s is the file that packets are read from", path);
	return S_ISREG(st.st_mode) && ftruncate(fd, 0) ? cannot_write(c, path) : 0;
}

static int open_path(struct capturing *c, const char *path)
{
	const bool named = strcmp(path, "-") != 0;
	int fd = named ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : dup(STDOUT_FILENO);
	int err = fd < 0 ? cannot_write(c, path) : named ? empty_file(c, path, fd) : 0;

	if (err && fd >= 0)
		close(fd);
	c->writer.fd = err ? -1 : fd;
	snprintf(c->path, sizeof(c->path), "%s", path);
	return err;
}

int capture_file_open(struct capturing *c)
{
	char path[4200];
	struct timespec now;

	c->writes = true;
	c->writer.nano = c->how->nano;
	c->writer.format = c->how->pcapng ? PACKET_PCAPNG : PACKET_PCAP;
	clock_gettime(CLOCK_REALTIME, &now);
	c->file_time = (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
	name_file(c, path, sizeof(path));
	return open_path(c, path);
}

void capture_file_begin(struct capturing *c, u32 link)
{
	u32 snaplen = 0;

	if (c->reader)
		packet_reader_link(c->reader, &snaplen);
	packet_writer_begin(&c->writer, link, snaplen ? snaplen : PACKET_BYTES_MOST);
	c->bytes = 24;
}

static int complete_file(struct capturing *c)
{
	int err = packet_flush(&c->writer);

	if (err)
		return err;
	close(c->writer.fd);
	c->writer.fd = -1;
	c->bytes = 0;
	if (c->how->full)
		c->how->full(c->how->user, c->path);
	return 0;
}

static int last_file(struct capturing *c)
{
	int err = complete_file(c);

	return err ? err : CAPTURE_ENOUGH;
}

static int next_file(struct capturing *c)
{
	char path[4200];
	int err = complete_file(c);

	if (err)
		return err;
	name_file(c, path, sizeof(path));
	return open_path(c, path);
}

int capture_file_turn(struct capturing *c, u64 now)
{
	const struct waggle_capture *how = c->how;
	const bool old =
		how->file_seconds && now >= c->file_time + how->file_seconds * 1000000000ull;

	if (old) {
		c->file_time += (now - c->file_time) / (how->file_seconds * 1000000000ull) *
				(how->file_seconds * 1000000000ull);
		c->file = how->file_bytes ? 0 : c->file + 1;
		if (how->files && !how->file_bytes && c->file >= how->files)
			return last_file(c);
		return next_file(c);
	}
	if (!how->file_bytes || c->bytes <= how->file_bytes)
		return 0;
	c->file++;
	if (how->files && how->file_seconds && c->file >= how->files)
		return last_file(c);
	if (how->files && c->file >= how->files)
		c->file = 0;
	return next_file(c);
}
