/*
 * file.c: the file in memory that waggle and all agents share.
 *
 * In:  the image of the agent, packed. Out: a memfd with the image at a secret offset, mapped at
 *      the agent's addresses.
 */
#include "engine/inprocess/inprocess.h"

#include "base/inflate.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

extern const u8 inprocess_image[], inprocess_image_end[];

#define PAGE        4096ull
#define WITH_EXEC   0x10u /* MFD_EXEC, from 6.3 */
#define COOKIE_MASK 0x0fffffffff000ull

static int map(const struct shared_file *f, u64 at, u64 size, int prot)
{
	void *p = mmap((void *)at, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, f->fd,
		       (off_t)(f->cookie + at - AGENT_BASE));

	if (p == MAP_FAILED)
		return -errno;
	if (p == (void *)at)
		return 0;
	munmap(p, size); /* a kernel before 4.17 */
	return -EEXIST;
}

static int put_image(struct shared_file *f)
{
	const size_t packed = (size_t)((uintptr_t)inprocess_image_end - (uintptr_t)inprocess_image);
	struct buf image = {0};
	int err = gunzip(&image, inprocess_image, packed, AGENT_HEAP - AGENT_TEXT);

	f->text = image.n;
	if (!err && pwrite(f->fd, image.p, image.n, (off_t)f->cookie) != (ssize_t)image.n)
		err = -errno;
	buf_free(&image);
	return err;
}

static int create(struct shared_file *f)
{
	int err;

	f->fd = memfd_create("waggle", MFD_CLOEXEC | MFD_ALLOW_SEALING | WITH_EXEC);
	if (f->fd < 0 && errno == EINVAL)
		f->fd = memfd_create("waggle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f->fd < 0 || getrandom(&f->cookie, sizeof(f->cookie), 0) != sizeof(f->cookie))
		return -errno;
	f->cookie = (f->cookie & COOKIE_MASK) + PAGE;
	if (ftruncate(f->fd, (off_t)(f->cookie + AGENT_END - AGENT_BASE)))
		return -errno;
	err = put_image(f);
	if (err)
		return err;
	if (pwrite(f->fd, &f->cookie, sizeof(f->cookie), (off_t)f->cookie) !=
	    (ssize_t)sizeof(f->cookie))
		return -errno;
	return 0;
}

int file_map_control(const struct shared_file *f)
{
	return map(f, AGENT_AREA, ALIGN_UP(sizeof(struct agent_shared), PAGE),
		   PROT_READ | PROT_WRITE);
}

int file_map_text(const struct shared_file *f)
{
	return map(f, AGENT_TEXT, ALIGN_UP(f->text, PAGE), PROT_READ | PROT_EXEC);
}

static int map_all(const struct shared_file *f)
{
	int err = file_map_text(f);

	if (!err)
		err = map(f, AGENT_HEAP, AGENT_PRIVATE - AGENT_HEAP, PROT_READ | PROT_WRITE);
	if (!err)
		err = file_map_control(f);
	if (err)
		return err;
	agent_heap->heap = AGENT_HEAP + sizeof(*agent_heap);
	agent_heap->jit = AGENT_JIT;
	agent_heap->area = AGENT_AREA + ALIGN_UP(sizeof(struct agent_shared), PAGE);
	agent_control->file = f->fd;
	agent_api->init(getauxval(AT_SYSINFO_EHDR));
	return 0;
}

int file_open(struct shared_file *f, struct diag *d)
{
	int err = create(f);

	if (!err)
		err = map_all(f);
	if (!err)
		return 0;
	return diag_fail(d, err, "--engine user needs no such memory",
			 "there is no memory for the in-process engine: %s", strerror(-err));
}

void file_unmap(void)
{
	munmap((void *)AGENT_BASE, AGENT_END - AGENT_BASE);
}

void file_close(struct shared_file *f)
{
	if (f->fd < 0)
		return;
	file_unmap();
	close(f->fd);
	f->fd = -1;
}

/* The kernel seals no file against writing that somebody has mapped to write. */
bool file_is_alone(const struct shared_file *f)
{
	file_unmap();
	return !fcntl(f->fd, F_ADD_SEALS, F_SEAL_WRITE);
}
