/*
 * torn.c: a mapped file may become shorter while it is read, or its disk may fail; then the kernel
 * sends SIGBUS to who touches what is no longer there.
 *
 * In:  files that are mapped. Out: zeroes instead of what is missing, and a note in the file, which
 * bytes_settle() finds.
 *
 * A handler is told an address and nothing else, so the files must be found without a pointer from
 * outside: they are in the only table of this room that changes.
 */
#include "packet/bytes.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGE  4096u
#define FILES 16

static struct bytes *files[FILES];
static u32 nfiles;
static struct sigaction before;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool mend(struct bytes *s, const u8 *address)
{
	const size_t at = (size_t)(address - s->map) / PAGE * PAGE;
	const int saved = errno;
	void *p;

	p = mmap((void *)(uintptr_t)(s->map + at), s->span - at, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	errno = saved;
	if (p == MAP_FAILED)
		return false;
	if (!s->torn || at < s->torn_at)
		s->torn_at = at;
	s->torn = true;
	return true;
}

/* What is not of our files goes to who was there before: it happens once more. */
static void on_bus(int sig, siginfo_t *info, void *context)
{
	const u8 *address = info->si_addr;

	(void)context;
	for (u32 i = 0; i < FILES; i++) {
		struct bytes *s = __atomic_load_n(&files[i], __ATOMIC_ACQUIRE);

		if (s && (size_t)(address - s->map) < s->span && mend(s, address))
			return;
	}
	sigaction(sig, &before, NULL);
}

bool torn_watch(struct bytes *s)
{
	struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	u32 i = 0;

	pthread_mutex_lock(&lock);
	while (i < FILES && files[i])
		i++;
	if (i < FILES && !nfiles++)
		sigaction(SIGBUS, &a, &before);
	if (i < FILES)
		__atomic_store_n(&files[i], s, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	return i < FILES;
}

void torn_forget(const struct bytes *s)
{
	pthread_mutex_lock(&lock);
	for (u32 i = 0; i < FILES; i++)
		if (files[i] == s) {
			__atomic_store_n(&files[i], NULL, __ATOMIC_RELEASE);
			if (!--nfiles)
				sigaction(SIGBUS, &before, NULL);
		}
	pthread_mutex_unlock(&lock);
}
