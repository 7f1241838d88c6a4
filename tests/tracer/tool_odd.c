/*
 * tool_odd.c: processes that behave oddly, to be traced.
 *
 * In:  the name of one of the ways below. Out: what came of it, the same in every run: who traces
 * it must not make a difference. Each way does something that tracers get wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self;

static void nap(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* How a child ended, as text. */
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

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(99);
}

/* ---- threads */

static void *open_some(void *unused)
{
	for (int i = 0; i < 20; i++)
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	return unused;
}

static int hundred_threads(void)
{
	pthread_t t[100];
	int n = 0;

	for (int i = 0; i < 100; i++)
		n += !pthread_create(&t[i], NULL, open_some, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	printf("%d threads\n", n);
	return 0;
}

static void *open_many(void *unused)
{
	for (int i = 0; i < 2000; i++)
		close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	return unused;
}

/* Calls of several threads at once, so that whoever answers them must wait for each other. */
static int crowd(void)
{
	pthread_t t[4];
	int n = 0;

	for (int i = 0; i < 4; i++)
		n += !pthread_create(&t[i], NULL, open_many, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	printf("%d threads\n", n);
	return 0;
}

static void *exec_now(void *unused)
{
	nap(20);
	execl(self, self, "say", "from a thread", (char *)NULL);
	return unused;
}

static void *sleep_long(void *unused)
{
	nap(10000);
	return unused;
}

/* exec from a thread that is not the leader, while others sleep and work. */
static int thread_exec(void)
{
	pthread_t t;

	for (int i = 0; i < 10; i++)
		pthread_create(&t, NULL, i % 2 ? sleep_long : open_some, NULL);
	pthread_create(&t, NULL, exec_now, NULL);
	nap(10000);
	return 1;
}

/* The leader leaves, the threads go on; the last one says how it ends. */
static void *outlive(void *unused)
{
	nap(30);
	open_some(NULL);
	say("the leader is gone\n");
	exit(5);
	return unused;
}

static int leader_leaves(void)
{
	pthread_t t;

	pthread_create(&t, NULL, outlive, NULL);
	pthread_exit(NULL);
}

/* The leader leaves, then a thread calls exec. */
static int orphan_exec(void)
{
	pthread_t t;

	pthread_create(&t, NULL, exec_now, NULL);
	pthread_exit(NULL);
}

static void *exit_while(void *unused)
{
	for (;;)
		open_some(NULL);
	return unused;
}

/* Processes full of threads that end at once, again and again. */
static int exit_storm(void)
{
	for (int i = 0; i < 20; i++) {
		int pid = fork();

		if (!pid) {
			pthread_t t;

			for (int n = 0; n < 8; n++)
				pthread_create(&t, NULL, exit_while, NULL);
			nap(2);
			if (i % 2)
				kill(getpid(), SIGKILL);
			_exit(i);
		}
		printf("%d: %s\n", i, ended(pid));
	}
	return 0;
}

/* ---- children */

static int many_forks(void)
{
	int pids[50];

	for (int i = 0; i < 50; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			open_some(NULL);
			_exit(i);
		}
	}
	for (int i = 0; i < 50; i++)
		printf("%s\n", ended(pids[i]));
	return 0;
}

static int vforks(void)
{
	static int i; /* the child shares our stack */

	for (; i < 10; i++) {
		int pid = vfork();

		if (!pid) {
			if (i % 2)
				execl(self, self, "say", "from a vfork", (char *)NULL);
			_exit(i);
		}
		printf("%s\n", ended(pid));
		fflush(stdout);
	}
	return 0;
}

static int untraced_child(void *arg)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	say(fd >= 0 ? "opened\n" : "cannot open\n");
	return (int)(intptr_t)arg;
}

/* A child that asks tracers to keep off. */
static int untraced(void)
{
	static char stack[65536];
	struct clone_args args = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
	int pid = clone(untraced_child, stack + sizeof(stack), CLONE_UNTRACED | SIGCHLD, (void *)3);

	printf("%s\n", ended(pid));
	fflush(stdout);
	pid = (int)syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		_exit(untraced_child((void *)4));
	printf("%s, flags %llx\n", ended(pid), (unsigned long long)args.flags);
	return 0;
}

/* A daemon whose parents are gone: it must go on, and be able to open files, long after. */
static int daemonize(void)
{
	int p[2], pid;
	char c;

	if (pipe(p))
		return 1;
	pid = fork();
	if (!pid) {
		setsid();
		if (fork())
			_exit(0);
		nap(50);
		open_some(NULL);
		c = open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 'y' : 'n';
		if (write(p[1], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(p[1]);
	printf("%s\n", ended(pid));
	printf("%d", (int)read(p[0], &c, 1));
	printf(" %c\n", c);
	return 0;
}

/* ---- signals */

static volatile sig_atomic_t caught;

static void count_signal(int sig)
{
	(void)sig;
	caught++;
}

/* Calls that a signal interrupts and the kernel restarts, and one that it does not. */
static int restarts(void)
{
	struct sigaction again = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	struct timespec t = {0, 60000000};
	struct pollfd none = {.fd = -1};
	int p[2], pid, r, e;
	char c = 0;

	if (pipe(p))
		return 1;
	sigaction(SIGALRM, &again, NULL);
	pid = fork();
	if (!pid) {
		nap(60);
		_exit(write(p[1], "x", 1) != 1);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	r = (int)read(p[0], &c, 1);
	printf("read %d %c, %d caught\n", r, c, caught);
	printf("%s\n", ended(pid));
	again.sa_flags = 0;
	sigaction(SIGALRM, &again, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = nanosleep(&t, &t);
	e = errno;
	printf("nanosleep %d %s, %d caught\n", r, strerror(e), caught);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = poll(&none, 1, 100);
	e = errno;
	printf("poll %d %s, %d caught\n", r, strerror(e), caught);
	return 0;
}

/* Who sent it, with which value: queued signals keep what they carry. */
static int queued(void)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 5; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i * 7});
	for (int i = 0; i < 5; i++)
		if (sigwaitinfo(&set, &info) > 0)
			printf("%d %d %d\n", info.si_code, info.si_value.sival_int,
			       info.si_pid == getpid());
	return 0;
}

static void say_code(int sig, siginfo_t *info, void *unused)
{
	char text[64];

	(void)unused;
	snprintf(text, sizeof(text), "signal %d code %d at %p\n", sig, info->si_code,
		 sig == SIGSEGV ? info->si_addr : NULL);
	say(text);
	_exit(3);
}

/* A fault has its address, a trap of the program's own is delivered to it. */
static int faults(void)
{
	struct sigaction a = {.sa_sigaction = say_code, .sa_flags = SA_SIGINFO};
	int pid;

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGTRAP, &a, NULL);
	sigaction(SIGFPE, &a, NULL);
	for (int i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			if (i == 0)
				*(volatile int *)0x1234 = 1;
			if (i == 1)
				raise(SIGTRAP);
			if (i == 2)
				__asm__ volatile("int3");
			if (i == 3)
				abort();
			_exit(0);
		}
		printf("%s\n", ended(pid));
		fflush(stdout);
	}
	return 0;
}

/* A child is stopped and continued, and its parent hears of both. */
static int stop_continue(void)
{
	int pid = fork(), status;

	if (!pid) {
		for (;;)
			open_some(NULL);
	}
	for (int i = 0; i < 5; i++) {
		kill(pid, i % 2 ? SIGTSTP : SIGSTOP);
		waitpid(pid, &status, WUNTRACED);
		printf("stopped by %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
		kill(pid, SIGCONT);
		waitpid(pid, &status, WCONTINUED);
		printf("continued %d\n", !!WIFCONTINUED(status));
	}
	kill(pid, SIGTERM);
	printf("%s\n", ended(pid));
	return 0;
}

/* The whole process, threads and all. */
static int stop_threads(void)
{
	int pid = fork(), status;
	pthread_t t;

	if (!pid) {
		for (int i = 0; i < 5; i++)
			pthread_create(&t, NULL, exit_while, NULL);
		for (;;)
			open_some(NULL);
	}
	nap(10);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	printf("stopped by %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	printf("continued %d\n", !!WIFCONTINUED(status));
	kill(pid, SIGKILL);
	printf("%s\n", ended(pid));
	return 0;
}

/* Killed in the middle of anything: of its own forks, too. */
static int kill_storm(void)
{
	for (int i = 0; i < 20; i++) {
		int pid = fork();

		if (!pid) {
			setpgid(0, 0);
			for (;;) {
				int child = fork();

				if (!child)
					_exit(0);
				waitpid(child, NULL, 0);
			}
		}
		setpgid(pid, pid);
		nap(3);
		kill(-pid, SIGKILL);
		printf("%s\n", ended(pid));
	}
	return 0;
}

/* A filter of its own, on top of ours. */
static int renames(void)
{
	char name[17] = "";

	prctl(PR_SET_NAME, "odd-name");
	prctl(PR_GET_NAME, name);
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));
	printf("%s\n", name);
	return 0;
}

/* ---- functions that are probed: each begins with an instruction that is hard to step over */

long probed_push(long), probed_rip(long), probed_lea(long), probed_cmp(long), probed_call(long),
	probed_jump(long), probed_through(long), probed_short(long), probed_sse(long),
	probed_sub(long), probed_store(long);
__asm__(".data\n"
	"number: .quad 7\n"
	"place: .quad leaf\n"
	".text\n"
	"leaf: lea 1(%rdi), %rax\n ret\n"
#define FUNCTION(name, body)                                                                    \
	".globl " #name "\n.type " #name ", @function\n" #name ": " body "\n ret\n.size " #name \
	", . - " #name "\n"
	FUNCTION(probed_push, "push %rbp\n mov %rsp, %rbp\n lea 1(%rdi), %rax\n pop %rbp")
		FUNCTION(probed_rip, "mov number(%rip), %rax\n lea -6(%rax,%rdi), %rax") FUNCTION(
			probed_lea,
			"lea number(%rip), %r9\n mov (%r9), %rax\n lea -6(%rax,%rdi), %rax")
			FUNCTION(probed_cmp,
				 "cmpq $7, number(%rip)\n sete %al\n movzbl %al, %eax\n add %rdi, "
				 "%rax") FUNCTION(probed_call, "call leaf") FUNCTION(probed_jump,
										     "jmp leaf")
				FUNCTION(probed_through, "call *place(%rip)") FUNCTION(
					probed_short, "jrcxz 1f\n 1: lea 1(%rdi), %rax")
					FUNCTION(probed_sse,
						 "movq number(%rip), %xmm8\n movq %xmm8, %rax\n "
						 "lea -6(%rax,%rdi), %rax")
						FUNCTION(probed_sub,
							 "sub $24, %rsp\n mov %rdi, 8(%rsp)\n mov "
							 "8(%rsp), %rax\n inc %rax\n add $24, %rsp")
							FUNCTION(probed_store,
								 "mov %rdi, -8(%rsp)\n mov "
								 "-8(%rsp), %rax\n inc %rax"));

static long (*const probed[])(long) = {
	probed_push,    probed_rip,   probed_lea, probed_cmp, probed_call,  probed_jump,
	probed_through, probed_short, probed_sse, probed_sub, probed_store,
};
#define PROBED (sizeof(probed) / sizeof(*probed))
#define CALLS  500

static void *call_probed(void *wrong)
{
	for (long i = 0; i < CALLS; i++)
		for (size_t f = 0; f < PROBED; f++)
			if (probed[f](i) != i + 1)
				__atomic_fetch_add((int *)wrong, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Threads race over the breakpoints while a timer's signals come. */
static int probed_threads(void)
{
	struct itimerval often = {{0, 1000}, {0, 1000}};
	struct sigaction a = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	pthread_t t[4];
	int wrong = 0;

	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, call_probed, &wrong);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%d wrong\n", wrong);
	return 0;
}

static int probed_alone(void)
{
	int wrong = 0;

	call_probed(&wrong);
	printf("%d wrong\n", wrong);
	return 0;
}

/* Copies of the memory have the breakpoints, a child of vfork shares them. */
static int probed_children(void)
{
	static int wrong, i;

	for (; i < 4; i++) {
		int pid = i % 2 ? vfork() : fork();

		if (!pid) {
			call_probed(&wrong);
			_exit(wrong);
		}
		printf("%s\n", ended(pid));
		fflush(stdout);
	}
	return 0;
}

static jmp_buf back;

long probed_leave(long);
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) long probed_leave(long n)
{
	if (!n)
		longjmp(back, 1);
	n = probed_leave(n - 1);
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

/* Functions that are entered and never return. */
static int probed_longjmp(void)
{
	volatile int n = 0;

	while (n < 100) {
		n++;
		if (!setjmp(back))
			probed_leave(5);
	}
	printf("%d times, %ld\n", n, probed_push(1));
	return 0;
}

/* A fault in the very instruction that a breakpoint stands for. */
long probed_fault(long *);
__asm__(FUNCTION(probed_fault, "mov (%rdi), %rax"));

static int probed_faults(void)
{
	struct sigaction a = {.sa_sigaction = say_code, .sa_flags = SA_SIGINFO};
	pthread_t t;
	long one = 1;

	pthread_create(&t, NULL, sleep_long, NULL);
	printf("%ld\n", probed_fault(&one));
	fflush(stdout);
	sigaction(SIGSEGV, &a, NULL);
	probed_fault((long *)0x1230);
	return 0;
}

static const struct way {
	const char *name;
	int (*run)(void);
} ways[] = {
	{"hundred-threads", hundred_threads},
	{"crowd", crowd},
	{"thread-exec", thread_exec},
	{"leader-leaves", leader_leaves},
	{"orphan-exec", orphan_exec},
	{"exit-storm", exit_storm},
	{"many-forks", many_forks},
	{"vforks", vforks},
	{"untraced", untraced},
	{"daemon", daemonize},
	{"restarts", restarts},
	{"queued", queued},
	{"faults", faults},
	{"stop-continue", stop_continue},
	{"stop-threads", stop_threads},
	{"kill-storm", kill_storm},
	{"renames", renames},
	{"probed-alone", probed_alone},
	{"probed-threads", probed_threads},
	{"probed-children", probed_children},
	{"probed-longjmp", probed_longjmp},
	{"probed-faults", probed_faults},
};

/* Threads call and fork until a file is there; 1: something was wrong. */
static void *call_forever(void *end)
{
	static int wrong;

	while (access(end, F_OK)) {
		call_probed(&wrong);
		int pid = fork();

		if (!pid) {
			call_probed(&wrong);
			_exit(wrong);
		}
		if (strcmp(ended(pid), "status 0") != 0)
			exit(1);
		nap(1);
	}
	if (wrong)
		exit(1);
	return NULL;
}

/* Nothing else opens between the line and the end. */
static void open_when_told(int n)
{
	char line[16];

	if (read(0, line, sizeof(line)) <= 0)
		return;
	while (n--)
		close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "probed-forever")) {
		pthread_t t;

		pthread_create(&t, NULL, open_some, NULL);
		call_forever(argv[2]);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "opens")) {
		open_when_told(atoi(argv[2]));
		return 0;
	}
	self = realpath("/proc/self/exe", NULL);
	if (!self)
		return 2;
	if (argc > 2 && !strcmp(argv[1], "say")) {
		printf("%s\n", argv[2]);
		return 7;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (argc < 2)
			printf("%s\n", ways[i].name);
		else if (!strcmp(argv[1], ways[i].name))
			return ways[i].run();
	}
	return argc < 2 ? 0 : 2;
}
