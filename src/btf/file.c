/*
 * file.c: the kernel's BTF from its file, with the index kept in a cache.
 *
 * In:  a path, and where the cache may be.
 * Out: a struct btf over the file's descriptor, or over the mapped file (Linux 6.16 and later can
 *      map it) where much of it is read: a script needs some tens of pieces, which cost less than
 *      mapping all of it, since the kernel then enters each page of it at once.
 *
 * The cache is one file, btf-KEY-SIZE-VERSION.index, mode 0600, so that two programs of different
 * versions do not write it anew in turns. It is believed only if it belongs to the
 * effective user and nobody else may touch it; it is written aside and renamed into place. All
 * that can go wrong with it is silent: the index is then made in memory.
 */
#include "base/io.h"
#include "btf/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_PATH 4096

static int cache_name(char *path, const char *dir, const char *key, u32 size)
{
	int n;

	if (!dir || !*dir || !key || !*key || strchr(key, '/'))
		return -1;
	n = snprintf(path, CACHE_PATH, "%s/btf-%s-%u-%u.index", dir, key, size, BTF_INDEX_VERSION);
	return n > 0 && n < CACHE_PATH - 32 ? 0 : -1;
}

static bool cache_read(struct btf *b, const char *path, const char *key)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool good;

	if (fd < 0)
		return false;
	good = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 077) && st.st_size > 0 && st.st_size < INT32_MAX &&
	       btf_index_load(&b->index, fd, (size_t)st.st_size, &b->src.at, key);
	if (!good)
		close(fd);
	return good;
}

/* Makes a folder and those above it, for this user only. */
static void make_folder(const char *dir)
{
	char path[CACHE_PATH];
	size_t n = strlen(dir);

	if (!mkdir(dir, 0700) || errno != ENOENT || n >= sizeof(path))
		return;
	memcpy(path, dir, n + 1);
	for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0700);
	}
	mkdir(path, 0700);
}

static void cache_write(struct btf *b, const char *path, const char *dir, const char *key)
{
	char aside[CACHE_PATH + 32];
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	const void *image;
	size_t size;
	bool good;
	int fd;

	btf_index_sign(b->index, key);
	image = btf_index_image(b->index, &size);
	snprintf(aside, sizeof(aside), "%s.%ld", path, (long)getpid());
	fd = open(aside, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		make_folder(dir);
		fd = open(aside, flags, 0600);
	} else if (fd < 0 && errno == EEXIST) {
		unlink(aside); /* of a process that was killed */
		fd = open(aside, flags, 0600);
	}
	if (fd < 0)
		return;
	good = !write_all(fd, image, size);
	good = !close(fd) && good;
	if (!good || rename(aside, path))
		unlink(aside);
}

/* Those of former versions of this program. */
static void forget_former(const char *dir, const char *key, u32 size)
{
	char path[CACHE_PATH + 32];

	snprintf(path, sizeof(path), "%s/btf-%s-%u.index", dir, key, size);
	unlink(path);
	for (u32 version = 1; version < BTF_INDEX_VERSION; version++) {
		snprintf(path, sizeof(path), "%s/btf-%s-%u-%u.index", dir, key, size, version);
		unlink(path);
	}
}

static int load_index(struct btf *b, const char *dir, const char *key)
{
	char path[CACHE_PATH];
	bool cached = !cache_name(path, dir, key, b->src.at.size);
	int err;

	b->hashed = true;
	if (cached && cache_read(b, path, key))
		return 0;
	btf_map(b);
	err = btf_index_build(&b->index, &b->src, true);
	if (!err && cached) {
		cache_write(b, path, dir, key);
		forget_former(dir, key, b->src.at.size);
	}
	return err;
}

void btf_rebuild(struct btf *b)
{
	u32 types = btf_count(b);

	btf_index_free(b->index);
	b->index = NULL;
	if (btf_index_build(&b->index, &b->src, b->hashed))
		return;
	if (btf_count(b) > types) { /* decoded[] is too small for it */
		btf_index_free(b->index);
		b->index = NULL;
	}
}

static int open_file(struct btf *b, const char *dir, const char *key, const char **why)
{
	u8 header[BTF_HEADER_SIZE] = {0};
	const char *how = getenv("WAGGLE_BTF");
	struct stat st;
	int err;

	if (fstat(b->src.fd, &st) ||
	    pread(b->src.fd, header, sizeof(header), 0) < (ssize_t)sizeof(header))
		st.st_size = 0;
	err = btf_layout(&b->src.at, header, (u64)st.st_size, why);
	if (err)
		return err;
	b->may_map = !how || strcmp(how, "read");
	*why = "it cannot be mapped, which WAGGLE_BTF=mmap asks for";
	if (how && !strcmp(how, "mmap") && !btf_map(b))
		return -errno;
	*why = "a type in it is broken or of an unknown kind";
	err = load_index(b, dir, key);
	return err ? err : btf_start(b);
}

int btf_open_file(struct btf **out, const char *path, const char *cache_dir, const char *key,
		  struct diag *d)
{
	struct btf *b = calloc(1, sizeof(*b));
	const char *why = "out of memory";
	int err = -ENOMEM;

	*out = NULL;
	if (b) {
		b->src.fd = open(path, O_RDONLY | O_CLOEXEC);
		why = b->src.fd < 0 ? strerror(errno) : "";
		err = b->src.fd < 0 ? -errno : open_file(b, cache_dir, key, &why);
	}
	if (err) {
		btf_close(b);
		return diag_fail(d, err, NULL, "cannot read %s: %s", path, why);
	}
	*out = b;
	return 0;
}
