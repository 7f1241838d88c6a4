/*
 * tool_traps.c: processes that would take a tracer inside of them its footing.
 *
 * In:  the name of one of the ways below. Out: what came of it, the same in every run: whether
 * its calls trap must not make a difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *self;

static const char *ended(int pid)
{
	static char text[64];
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "status %d", WEXITSTATUS(status));
	return text;
}

static int opens(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void timer(int first_us, int then_us)
{
	struct itimerval t = {{0, then_us}, {0, first_us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

static volatile sig_atomic_t caught, opened;

static void open_one(int sig)
{
	(void)sig;
	__atomic_fetch_add(&caught, 1, __ATOMIC_RELAXED); /* in any of the threads */
	__atomic_fetch_add(&opened, opens(), __ATOMIC_RELAXED);
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction a = {.sa_handler = fn, .sa_flags = flags};

	sigfillset(&a.sa_mask);
	sigaction(sig, &a, NULL);
}

/* ---- masks */

static int everything_blocked(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	printf("%d", opens());
	sigprocmask(SIG_SETMASK, &all, NULL);
	printf("%d", opens());
	handle(SIGUSR1, open_one, 0);
	kill(getpid(), SIGUSR1);
	printf(" %d", caught);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf(" %d %d\n", caught, opened);
	errno = 0;
	printf("%d", sigprocmask(77, &all, NULL));
	printf(" %s\n", strerror(errno));
	return 0;
}

/* Calls that wait with a mask of their own: handlers run under it. */
static int masked_waits(void)
{
	struct timespec long_time = {.tv_sec = 5};
	struct pollfd none = {.fd = -1};
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	handle(SIGALRM, open_one, 0);
	timer(20000, 0);
	sigsuspend(&all);
	printf("sigsuspend %s, %d %d\n", strerror(errno), caught, opened);
	timer(20000, 0);
	ppoll(&none, 1, &long_time, &all);
	printf("ppoll %s, %d %d\n", strerror(errno), caught, opened);
	timer(20000, 0);
	pselect(0, NULL, NULL, NULL, &long_time, &all);
	printf("pselect %s, %d %d\n", strerror(errno), caught, opened);
	return 0;
}

static sigjmp_buf out;

static void jump(int sig)
{
	(void)sig;
	opens();
	siglongjmp(out, 1);
}

/* Handlers that do not come back, from the middle of anything. */
static int jumps(void)
{
	volatile int n = 0, bad = 0;

	handle(SIGALRM, jump, 0);
	sigsetjmp(out, 1);
	timer(0, 0);
	while (n < 2000) {
		n++;
		timer(50 + n % 70, 0);
		for (int i = 0; i < 200; i++)
			bad |= !opens();
	}
	timer(0, 0);
	printf("%d jumps, bad %d\n", n, bad);
	return 0;
}

static int other_stack(void)
{
	static char stack[65536];
	stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&s, NULL);
	handle(SIGALRM, open_one, SA_ONSTACK | SA_NODEFER);
	for (int i = 0; i < 5; i++)
		raise(SIGALRM);
	opens();
	printf("%d %d\n", caught, opened);
	return 0;
}

/* ---- SIGSYS of the program's own */

static void say_trap(int sig, siginfo_t *info, void *context)
{
	char text[64];

	(void)context;
	snprintf(text, sizeof(text), "signal %d, code %d, data %d, call %d\n", sig, info->si_code,
		 info->si_errno, info->si_syscall);
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

static int own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 42),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	struct sigaction a = {.sa_sigaction = say_trap, .sa_flags = SA_SIGINFO}, was;

	sigaction(SIGSYS, &a, NULL);
	sigaction(SIGSYS, NULL, &was);
	printf("%d\n", was.sa_sigaction == say_trap);
	fflush(stdout);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	syscall(SYS_getpgrp);
	printf("open: %d", open("/dev/null", O_RDONLY | O_CLOEXEC));
	printf(" %s\n", strerror(errno));
	return 0;
}

static int sent_sigsys(void)
{
	for (int i = 0; i < 3; i++) {
		int pid = fork();

		if (!pid) {
			if (i == 1)
				signal(SIGSYS, SIG_IGN);
			if (i == 2)
				signal(SIGSYS, open_one);
			kill(getpid(), SIGSYS);
			_exit(caught);
		}
		printf("%s\n", ended(pid));
	}
	return 0;
}

/* ---- registers */

/* All registers and the flags before and after a call, by a move and a call and by another way. */
static int registers(void)
{
	uint64_t bad = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t diff, flags;
		double x = 1.5, y = -2.5;

		__asm__ volatile(
			"movq %2, %%xmm1\n\tmovq %3, %%xmm15\n\t"
			"mov $0x1111, %%rdi\n\tmov $0x2222, %%rsi\n\tmov $0x3333, %%rdx\n\t"
			"mov $0x4444, %%r10\n\tmov $0x5555, %%r8\n\tmov $0x6666, %%r9\n\t"
			"mov $0x7777, %%rbx\n\tmov $0x8888, %%r12\n\tmov $0x9999, %%r15\n\t"
			"push $0xabc\n\tpush $0xdef\n\tadd $8, %%rsp\n\t" /* red zone */
			"stc\n\t"
			"mov $110, %%eax\n\tsyscall\n\t" /* getppid */
			"setc %%al\n\tmovzbl %%al, %%eax\n\tmov %%rax, %%r13\n\t"
			"mov -8(%%rsp), %%rcx\n\txor $0xdef, %%rcx\n\tadd $8, %%rsp\n\t"
			"xor $0x1111, %%rdi\n\txor $0x2222, %%rsi\n\txor $0x3333, %%rdx\n\t"
			"xor $0x4444, %%r10\n\txor $0x5555, %%r8\n\txor $0x6666, %%r9\n\t"
			"xor $0x7777, %%rbx\n\txor $0x8888, %%r12\n\txor $0x9999, %%r15\n\t"
			"or %%rdi, %%rcx\n\tor %%rsi, %%rcx\n\tor %%rdx, %%rcx\n\t"
			"or %%r10, %%rcx\n\tor %%r8, %%rcx\n\tor %%r9, %%rcx\n\t"
			"or %%rbx, %%rcx\n\tor %%r12, %%rcx\n\tor %%r15, %%rcx\n\t"
			"movq %%xmm1, %%rax\n\txor %2, %%rax\n\tor %%rax, %%rcx\n\t"
			"movq %%xmm15, %%rax\n\txor %3, %%rax\n\tor %%rax, %%rcx\n\t"
			"mov %%rcx, %0\n\tmov %%r13, %1"
			: "=&m"(diff), "=&m"(flags)
			: "m"(x), "m"(y)
			: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			  "r13", "r15", "xmm1", "xmm15", "memory", "cc");
		bad |= diff | (flags ^ 1);
	}
	printf("bad %llx\n", (unsigned long long)bad);
	return 0;
}

/* More places that call than anybody expects: code made while we run. */
static int many_sites(void)
{
	static const uint8_t one[16] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3};
	static const uint8_t other[16] = {0x31, 0xc0, 0xb0, 110, 0x0f, 0x05, 0xc3};
	int n = 3000, wrong = 0;
	uint8_t *code = mmap(NULL, 16 * (size_t)n, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < n; i++)
		memcpy(code + 16 * i, i % 3 ? one : other, 16);
	mprotect(code, 16 * (size_t)n, PROT_READ | PROT_EXEC);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < n; i++) {
			int (*fn)(void) = (int (*)(void))(uintptr_t)(code + 16 * i);

			wrong += fn() != getppid();
		}
	printf("wrong %d\n", wrong);
	for (int i = 0; i < 3; i++) {
		int pid = fork();

		if (!pid)
			_exit(i);
		printf("%s\n", ended(pid));
	}
	return 0;
}

/* ---- programs */

static int spawns(void)
{
	char *const args[] = {(char *)(uintptr_t)self, "say", "spawned", NULL}, *none[] = {NULL};
	posix_spawnattr_t attr;
	sigset_t all;
	int pid, err;

	fflush(stdout);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &all);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	for (int i = 0; i < 5; i++) {
		err = posix_spawn(&pid, self, NULL, i % 2 ? &attr : NULL, args, i ? none : environ);
		printf("%d %s\n", err, ended(pid));
		fflush(stdout);
	}
	printf("%d\n", posix_spawn(&pid, "/nonexistent", NULL, NULL, args, none));
	fflush(stdout);
	return system("exit 3") >> 8;
}

static int failing_execs(void)
{
	char *const args[] = {"x", NULL};
	int fd;

	for (int i = 0; i < 20; i++) {
		execve(i % 2 ? "/nonexistent" : "/etc/passwd", args, environ);
		printf("%s\n", strerror(errno));
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	printf("the next descriptor is %d\n", fd);
	return 0;
}

/* A program with all descriptors closed, none to spare, and one that looks what it has. */
static int descriptors(void)
{
	int pid = fork();

	if (!pid) {
		close_range(3, ~0u, 0);
		execl(self, self, "next-descriptor", (char *)NULL);
	}
	printf("%s\n", ended(pid));
	return 0;
}

static int next_descriptor(void)
{
	printf("%d\n", open("/dev/null", O_RDONLY | O_CLOEXEC));
	return 0;
}

static void *exec_together(void *unused)
{
	execl(self, self, "say", "one of many", (char *)NULL);
	return unused;
}

static int exec_races(void)
{
	fflush(stdout);
	for (int i = 0; i < 15; i++) {
		int pid = fork();
		pthread_t t;

		if (!pid) {
			for (int n = 0; n < 8; n++)
				pthread_create(&t, NULL, exec_together, NULL);
			exec_together(NULL);
		}
		printf("%s\n", ended(pid));
		fflush(stdout);
	}
	return 0;
}

/* Killed while they exec: nobody may wait for them for ever. */
static int exec_kills(void)
{
	for (int i = 0; i < 20; i++) {
		int pid = fork();

		if (!pid) {
			close(1);
			for (;;) {
				int child = fork();

				if (!child)
					exec_together(NULL);
				ended(child);
			}
		}
		usleep(500 * (unsigned)(i % 10));
		kill(pid, SIGKILL);
		printf("%s\n", ended(pid));
	}
	return 0;
}

/* ---- cancelled threads */

static void *read_nothing(void *p)
{
	char c;

	while (read(*(int *)p, &c, 1) < 0)
		;
	return NULL;
}

static int cancels(void)
{
	int p[2], n = 0;

	if (pipe(p))
		return 1;
	for (int i = 0; i < 20; i++) {
		pthread_t t;
		void *result;

		pthread_create(&t, NULL, read_nothing, p);
		usleep(i % 2 ? 3000 : 0);
		pthread_cancel(t);
		pthread_join(t, &result);
		n += result == PTHREAD_CANCELED;
	}
	printf("%d cancelled\n", n);
	return 0;
}

/* ---- calls to be counted: two processes of eight threads, while signals come */

static void *open_thousand(void *unused)
{
	for (int i = 0; i < 2000; i++)
		close(open("/dev/full", O_RDONLY | O_CLOEXEC));
	return unused;
}

static int counted(void)
{
	pthread_t t[8];
	int pid;

	handle(SIGALRM, open_one, SA_RESTART);
	pid = fork();
	timer(300, 300);
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, open_thousand, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	timer(0, 0);
	if (!pid)
		_exit(0);
	printf("%s, %d\n", ended(pid), caught == opened);
	return 0;
}

/* ---- calls of a process that changes its name, its user, its threads; paths at odd places */

static void open_marked(const char *path)
{
	close((int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0123));
}

static void *open_in_thread(void *unused)
{
	open_marked("/dev/zero");
	prctl(PR_SET_NAME, "third");
	open_marked("/dev/zero");
	return unused;
}

/* A path right before memory that is not there, one without an end there, none, and one in two
 * pages. */
static void open_paths(void)
{
	char *page = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 8192, 4096);
	memcpy(page + 8192 - 10, "/dev/full", 10);
	open_marked(page + 8192 - 10);
	memset(page + 8192 - 4, '/', 4);
	open_marked(page + 8192 - 4);
	open_marked((const char *)8);
	memcpy(page + 4096 - 5, "/dev/full", 10);
	open_marked(page + 4096 - 5);
}

static int identities(void)
{
	pthread_t t;
	int pid;

	open_paths();
	prctl(PR_SET_NAME, "second");
	open_marked("/dev/zero");
	if (!fork()) {
		char path[] = "/dev/null"; /* the kernel reads only what is there already */

		open_marked(path);
		prctl(PR_SET_NAME, "child");
		if (setgid(65534) || setuid(65533))
			_exit(1);
		open_marked(path);
		_exit(0);
	}
	wait(NULL);
	open_marked("/dev/zero");
	pid = vfork();
	if (!pid) {
		open_marked("/dev/random");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	open_marked("/dev/zero");
	pthread_create(&t, NULL, open_in_thread, NULL);
	pthread_join(t, NULL);
	open_marked("/dev/zero");
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
	int hidden;
} ways[] = {
	{"everything-blocked", everything_blocked, 0},
	{"masked-waits", masked_waits, 0},
	{"jumps", jumps, 0},
	{"other-stack", other_stack, 0},
	{"own-filter", own_filter, 0},
	{"sent-sigsys", sent_sigsys, 0},
	{"registers", registers, 0},
	{"many-sites", many_sites, 0},
	{"spawns", spawns, 0},
	{"failing-execs", failing_execs, 0},
	{"descriptors", descriptors, 0},
	{"exec-races", exec_races, 0},
	{"exec-kills", exec_kills, 0},
	{"cancels", cancels, 0},
	{"counted", counted, 0},
	{"next-descriptor", next_descriptor, 1},
	{"identities", identities, 1},
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 2 && !strcmp(argv[1], "say"))
		return puts(argv[2]) < 0;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (argc < 2 && !ways[i].hidden)
			puts(ways[i].name);
		if (argc > 1 && !strcmp(argv[1], ways[i].name))
			return ways[i].fn();
	}
	return argc > 1;
}
