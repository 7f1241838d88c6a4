/*
 * libc.c: what our machine wants of a C library, for the agent, which has none. What the machine
 * comes to want more must be added here: the agent does not link without.
 *
 * Memory is given out once and never taken back: only waggle allocates, while it makes the
 * machine. Shared memory comes from the area, memory for code from its own window, and how it is
 * mapped is noted for the processes that map it later.
 *
 * Waking up a reader, which the machine does by writing to an eventfd, goes to the guard: nothing
 * here may touch the descriptors of a traced process.
 */
#include "engine/inprocess/agent/agent.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/platform/x86.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

/* ---- the kernel */

static long answer(long r)
{
	if (r >= -4095 && r < 0) {
		agent_private->failure = (u32)-r;
		return -1;
	}
	return r;
}

int *__errno_location(void)
{
	return (int *)&agent_private->failure;
}

long syscall(long nr, ...)
{
	va_list ap;
	u64 a[3];

	va_start(ap, nr);
	for (u32 i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(ap, u64);
	va_end(ap);
	return answer(call3(nr, a[0], a[1], a[2]));
}

pid_t getpid(void)
{
	return (pid_t)call0(SYS_getpid);
}

uid_t getuid(void)
{
	return (uid_t)call0(SYS_getuid);
}

gid_t getgid(void)
{
	return (gid_t)call0(SYS_getgid);
}

int sched_yield(void)
{
	return (int)call0(SYS_sched_yield);
}

int getcpu(unsigned *cpu, unsigned *node)
{
	return (int)answer(call3(SYS_getcpu, (u64)cpu, (u64)node, 0));
}

ssize_t getrandom(void *to, size_t n, unsigned flags)
{
	return answer(call3(SYS_getrandom, (u64)to, n, flags));
}

int prctl(int option, ...)
{
	va_list ap;
	u64 a;

	va_start(ap, option);
	a = va_arg(ap, u64);
	va_end(ap);
	return (int)answer(call3(SYS_prctl, (u64)option, a, 0));
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *l, unsigned long nl, const struct iovec *r,
			 unsigned long nr, unsigned long flags)
{
	return answer(call6(SYS_process_vm_readv, (u64)pid, (u64)l, nl, (u64)r, nr, flags));
}

ssize_t process_vm_writev(pid_t pid, const struct iovec *l, unsigned long nl, const struct iovec *r,
			  unsigned long nr, unsigned long flags)
{
	return answer(call6(SYS_process_vm_writev, (u64)pid, (u64)l, nl, (u64)r, nr, flags));
}

/* Of files, devices and counters there are none. */
int stat(const char *path, struct stat *st)
{
	(void)path, (void)st;
	return (int)answer(-ENOSYS);
}

int ioctl(int fd, unsigned long request, ...)
{
	(void)fd, (void)request;
	return (int)answer(-ENOSYS);
}

int socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return (int)answer(-ENOSYS);
}

ssize_t read(int fd, void *to, size_t n)
{
	(void)fd, (void)to, (void)n;
	return answer(-ENOSYS);
}

ssize_t pread(int fd, void *to, size_t n, off_t off)
{
	(void)off;
	return read(fd, to, n);
}

int close(int fd)
{
	(void)fd;
	return 0;
}

int eventfd(unsigned count, int flags)
{
	(void)count, (void)flags;
	return INT32_MAX; /* a number that write() below is called with */
}

ssize_t write(int fd, const void *from, size_t n)
{
	(void)fd, (void)from;
	agent_wake_reader();
	return (ssize_t)n;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int (*fast)(clockid_t, struct timespec *) = (void *)agent_private->clock;

	return fast ? fast(clock, out)
		    : (int)answer(call2(SYS_clock_gettime, (u64)clock, (u64)out));
}

long sysconf(int name)
{
	(void)name;
	return PAGE; /* nothing else is asked */
}

/* What the processor can do: the one leaf that is asked for. Asked once, since that is slow in a
 * virtual machine. */
const struct cpuid_feature *__x86_get_cpuid_feature_leaf(unsigned leaf)
{
	struct cpuid_feature *f = (void *)agent_private->words;
	u32 a = 7, b, c = 0, d;

	if (leaf == CPUID_INDEX_7 && !f->active_array[0]) {
		__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		f->cpuid_array[1] = f->active_array[1] = b;
		f->active_array[0] = 1;
	}
	return f;
}

/* ---- memory */

static u64 give(u64 *next, u64 size, u64 align, u64 end)
{
	u64 at = ALIGN_UP(*next, align);

	if (size > end - at)
		return 0;
	*next = at + size;
	return at;
}

static bool note_range(u64 at, u64 size, u64 from, int prot)
{
	struct agent_shared *c = agent_control;

	if (c->nranges == AGENT_RANGES)
		return false;
	c->ranges[c->nranges++] =
		(struct agent_range){.at = at, .size = size, .from = from, .prot = (u32)prot};
	return true;
}

/* Memory that programs share, or that becomes code: both are pages of the file. */
void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t off)
{
	u64 at;

	(void)addr, (void)fd, (void)off;
	size = ALIGN_UP(size, PAGE);
	if (flags & MAP_32BIT)
		return MAP_FAILED; /* packets have no place here */
	at = flags & MAP_SHARED ? give(&agent_heap->area, size, PAGE, AGENT_END)
				: give(&agent_heap->jit, size, PAGE, AGENT_HEAP);
	return at ? (void *)answer(agent_map(at, size, prot, at, agent_control->file)) : MAP_FAILED;
}

int munmap(void *at, size_t size)
{
	(void)at, (void)size;
	return 0;
}

/* Code: from now on no page of it is writable, anywhere. */
int mprotect(void *at, size_t size, int prot)
{
	if (!note_range((u64)at, size, (u64)at, prot))
		return (int)answer(-ENOMEM);
	return (int)answer(call3(SYS_mprotect, (u64)at, size, (u64)prot));
}

/* The data of a ring once more, behind it. */
void *mremap(void *from, size_t old, size_t size, int flags, ...)
{
	va_list ap;
	u64 at;

	va_start(ap, flags);
	at = va_arg(ap, u64);
	va_end(ap);
	if (!note_range(at, size, (u64)from, PROT_READ | PROT_WRITE))
		return MAP_FAILED;
	return (void *)answer(call6(SYS_mremap, (u64)from, old, size, (u64)flags, at, 0));
}

void *malloc(size_t size)
{
	u64 at = size < AGENT_PRIVATE - AGENT_HEAP
			 ? give(&agent_heap->heap, size + 16, 16, AGENT_PRIVATE)
			 : 0;

	if (!at)
		return NULL;
	*(u64 *)at = size;
	return (void *)(at + 16);
}

void *calloc(size_t n, size_t size)
{
	return size && n > SIZE_MAX / size ? NULL : malloc(MAX(n * size, 1)); /* fresh: zeroes */
}

void *aligned_alloc(size_t align, size_t size)
{
	u64 p = (u64)malloc(size + align);

	return p ? (void *)ALIGN_UP(p, align) : NULL; /* nobody makes it larger */
}

void *realloc(void *old, size_t size)
{
	void *p = malloc(size);

	if (p && old)
		memcpy(p, old, MIN(size, *((u64 *)old - 2)));
	return p;
}

void free(void *p)
{
	(void)p;
}

/* ---- bytes */

/* The processor's own copying is slow to start. The barriers keep the compiler from making calls
 * of these functions out of their loops. */
#define SHORT     256
#define NO_CALL() __asm__ volatile("" : : : "memory")
struct word {
	u64 v;
} __attribute__((packed, may_alias));
#define WORD_AT(p)     (((const struct word *)(p))->v)
#define SET_WORD(p, x) (((struct word *)(p))->v = (x))

void *memcpy(void *to, const void *from, size_t n)
{
	u8 *t = to;
	const u8 *f = from;

	if (n > SHORT) {
		__asm__ volatile("rep movsb" : "+D"(t), "+S"(f), "+c"(n) : : "memory");
		return to;
	}
	for (; n >= 8; n -= 8, t += 8, f += 8) {
		SET_WORD(t, WORD_AT(f));
		NO_CALL();
	}
	for (; n; n--) {
		*t++ = *f++;
		NO_CALL();
	}
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *t = (u8 *)to + n;
	const u8 *f = (const u8 *)from + n;

	if ((u64)to - (u64)from >= n)
		return memcpy(to, from, n);
	while (n--) {
		*--t = *--f;
		NO_CALL();
	}
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	u8 *t = to;

	if (n > SHORT) {
		__asm__ volatile("rep stosb" : "+D"(t), "+c"(n) : "a"(byte) : "memory");
		return to;
	}
	for (; n >= 8; n -= 8, t += 8) {
		SET_WORD(t, (u8)byte * 0x0101010101010101ull);
		NO_CALL();
	}
	for (; n; n--) {
		*t++ = (u8)byte;
		NO_CALL();
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8 && WORD_AT(x) == WORD_AT(y); n -= 8, x += 8, y += 8)
		;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *p, int byte, size_t n)
{
	const u8 *x = p;

	for (; n; n--, x++)
		if (*x == (u8)byte)
			return (void *)(uintptr_t)x;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
		NO_CALL();
	}
	return n;
}

size_t strnlen(const char *s, size_t most)
{
	size_t n = 0;

	while (n < most && s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < n; i++)
		for (u8 *p = (u8 *)base + i * size; p > (u8 *)base && compare(p - size, p) > 0;
		     p -= size)
			for (size_t k = 0; k < size; k++) {
				u8 t = p[k];

				p[k] = p[k - size];
				p[k - size] = t;
			}
}

/* ---- texts: messages of the machine while it is made */

struct out {
	char *p;
	size_t n, size;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->p[o->n] = c;
	o->n++;
}

static void put_text(struct out *o, const char *s, int most)
{
	for (; *s && most; s++, most--)
		put(o, *s);
}

static void put_number(struct out *o, u64 v, u32 base, bool negative)
{
	char digits[24];
	u32 n = 0;

	if (negative)
		put(o, '-');
	do
		digits[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	while (n)
		put(o, digits[--n]);
}

static u64 number_arg(va_list *ap, u32 longs, bool is_signed)
{
	if (longs)
		return va_arg(*ap, u64);
	return is_signed ? (u64)(s64)va_arg(*ap, int) : va_arg(*ap, unsigned);
}

static void put_one(struct out *o, char kind, int most, u32 longs, va_list *ap)
{
	u64 v;

	switch (kind) {
	case 's': put_text(o, va_arg(*ap, const char *), most); return;
	case 'c': put(o, (char)va_arg(*ap, int)); return;
	case 'd':
		v = number_arg(ap, longs, true);
		put_number(o, (s64)v < 0 ? -v : v, 10, (s64)v < 0);
		return;
	case 'u': put_number(o, number_arg(ap, longs, false), 10, false); return;
	case 'p': put_text(o, "0x", -1); /* fall through */
	case 'x': put_number(o, number_arg(ap, kind == 'p' ? 1 : longs, false), 16, false); return;
	default: put(o, kind);
	}
}

int vsnprintf(char *to, size_t size, const char *f, va_list args)
{
	struct out o = {to, 0, size};
	va_list ap;

	va_copy(ap, args);
	for (; *f; f++) {
		u32 longs = 0;
		int most = -1;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		if (*++f == '.' && f[1] == '*') {
			most = va_arg(ap, int);
			f += 2;
		}
		for (; *f == 'l' || *f == 'z'; f++)
			longs++;
		put_one(&o, *f, most, longs, &ap);
	}
	va_end(ap);
	if (size)
		to[MIN(o.n, size - 1)] = 0;
	return (int)o.n;
}

int snprintf(char *to, size_t size, const char *f, ...)
{
	va_list ap;
	int n;

	va_start(ap, f);
	n = vsnprintf(to, size, f, ap);
	va_end(ap);
	return n;
}

/* ---- never needed: an arena always has its escape */

int fputs(const char *s, FILE *f)
{
	(void)s, (void)f;
	return 0;
}

void _Exit(int status)
{
	call1(SYS_exit_group, (u64)status);
	__builtin_trap();
}
