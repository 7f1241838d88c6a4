/*
 * tool_calls.c: one thread that makes system calls of all kinds, for `waggle strace` and strace to
 * be compared.
 *
 * In:  nothing; the current folder is empty and may be written to. Out: nothing that anybody should
 * read; what counts is how each call is shown. Errors are wanted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int last; /* what the last call gave */
/* Arguments that a call does not look at are 0 in each run: raw= shows them, too. */
#define C(...) (last = (int)syscall(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L))

static char buf[4096];
static const char hello[] = "hello world, this is a line of more than 32 bytes\n";

static void files(void)
{
	struct iovec out[] = {{(void *)hello, 3}, {(void *)(hello + 4), 60 - 13}},
		     in[] = {{buf, 2}, {buf + 10, 30}};
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
	struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	struct stat st;
	struct statfs fs;
	int fd;

	C(SYS_mkdir, "d", 0750);
	fd = C(SYS_open, "d/a", O_CREAT | O_RDWR | O_EXCL, 0640);
	C(SYS_write, fd, "tab\t\"quote\" \\ \n\1\0012\377", 20);
	C(SYS_lseek, fd, 0, SEEK_SET);
	C(SYS_readv, fd, in, 2);
	C(SYS_pwritev, fd, out, 2, 5, 0);
	C(SYS_preadv, fd, in, 2, 1, 0);
	C(SYS_pwrite64, fd, hello, sizeof(hello) - 1, 7);
	C(SYS_fstat, fd, &st);
	C(SYS_stat, "/dev/null", &st);
	C(SYS_lstat, "/nope", &st);
	C(SYS_newfstatat, AT_FDCWD, "d", &st, AT_SYMLINK_NOFOLLOW);
	C(SYS_ftruncate, fd, 100);
	C(SYS_fchmod, fd, 0600);
	C(SYS_chmod, "d/a", 04755);
	C(SYS_fchown, fd, -1, -1);
	C(SYS_flock, fd, LOCK_EX | LOCK_NB);
	C(SYS_fcntl, fd, F_GETFD);
	C(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
	C(SYS_fcntl, fd, F_GETFD);
	C(SYS_fcntl, fd, F_SETFL, O_NONBLOCK | O_APPEND);
	C(SYS_fcntl, fd, F_DUPFD, 10);
	C(SYS_fcntl, fd, F_SETLK, &lock);
	C(SYS_access, "/etc", R_OK | X_OK);
	C(SYS_faccessat, AT_FDCWD, "/etc", F_OK);
	C(SYS_symlink, "aa", "d/l");
	C(SYS_readlink, "d/l", buf, 100);
	C(SYS_readlinkat, AT_FDCWD, "d/l", buf, 1);
	C(SYS_rename, "d/l", "d/m");
	C(SYS_linkat, AT_FDCWD, "d/a", AT_FDCWD, "d/k", 0);
	C(SYS_unlink, "d/m");
	C(SYS_unlinkat, AT_FDCWD, "d/k", 0);
	C(SYS_mknod, "d/f", S_IFIFO | 0600, 0);
	C(SYS_unlink, "d/f");
	C(SYS_utimensat, AT_FDCWD, "d/a", times, 0);
	C(SYS_umask, 022);
	C(SYS_truncate, "d/a", 3);
	C(SYS_statfs, "/proc", &fs);
	C(SYS_fadvise64, fd, 0, 10, 4);
	C(SYS_sendfile, fd, fd, NULL, 0);
	C(SYS_close_range, 300, 400, 0);
	C(SYS_unlink, "d/a");
	C(SYS_rmdir, "d");
	C(SYS_chdir, "/nope");
	C(SYS_chroot, "/nope");
	C(SYS_mount, "dev", "/nope", "ext4", MS_NOSUID | MS_RDONLY, "opt");
	C(SYS_umount2, "/nope", 2);
}

static void mistakes(void)
{
	C(SYS_close, -1);
	C(SYS_open, 8, O_RDONLY);
	C(SYS_openat, -1, "relative", O_RDWR | O_CREAT, 0666);
	C(SYS_open, "", O_RDONLY | O_DIRECTORY);
	C(SYS_write, 1, 16, 4);
	C(SYS_read, 99, buf, 10);
	C(SYS_stat, NULL, buf);
	C(SYS_ioctl, 99, TIOCGWINSZ, buf);
	C(SYS_ioctl, 99, 0xc0405678, 0x12345678);
	C(SYS_kill, 0x7fffffff, SIGUSR2);
	C(SYS_prctl, PR_SET_NAME, "name");
	C(SYS_futex, buf, FUTEX_WAKE_PRIVATE, 1);
	C(SYS_futex, buf, FUTEX_WAIT, 7, NULL);
	C(SYS_seccomp, 77, 0, 0);
}

static void sockets(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(80),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/nope/socket"};
	struct iovec v = {(void *)hello, 5}, r = {buf, 100};
	struct msghdr out = {.msg_iov = &v, .msg_iovlen = 1},
		      back = {.msg_iov = &r, .msg_iovlen = 1};
	socklen_t size = sizeof(in);
	int one = 1, four = 4, pair[2];
	int s = C(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), c, a;

	C(SYS_setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
	C(SYS_setsockopt, s, SOL_TCP, TCP_NODELAY, &one, 4);
	C(SYS_bind, s, &in, sizeof(in));
	C(SYS_listen, s, 5);
	C(SYS_getsockname, s, &in, &size);
	c = C(SYS_socket, AF_INET, SOCK_STREAM, 0);
	C(SYS_connect, c, &in, sizeof(in));
	a = C(SYS_accept4, s, &in, &size, SOCK_CLOEXEC);
	C(SYS_sendto, c, "ping", 4, MSG_NOSIGNAL, NULL, 0);
	C(SYS_recvfrom, a, buf, 100, 0, NULL, NULL);
	C(SYS_getsockopt, a, SOL_SOCKET, SO_ERROR, &one, &four);
	C(SYS_sendmsg, c, &out, MSG_DONTWAIT);
	C(SYS_recvmsg, a, &back, 0);
	C(SYS_shutdown, a, SHUT_WR);
	C(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	C(SYS_connect, pair[1], &name, sizeof(name));
	in.sin_port = htons(9);
	C(SYS_sendto, C(SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_UDP), "x", 1, 0, &in, sizeof(in));
	C(SYS_connect, 99, &in6, sizeof(in6));
}

static void waiting(void)
{
	struct pollfd p[2];
	struct epoll_event ev = {EPOLLOUT | EPOLLET, {.u32 = 7}}, got[4];
	struct timespec t = {0, 1000}, none = {0, 0};
	struct itimerspec timer = {{0, 0}, {5, 6}};
	struct timeval tv = {0, 0};
	fd_set r;
	int pipes[2], e;

	C(SYS_pipe2, pipes, O_CLOEXEC | O_NONBLOCK);
	C(SYS_read, pipes[0], buf, 10);
	C(SYS_write, pipes[1], "", 0);
	p[0] = (struct pollfd){pipes[0], POLLIN, 0};
	p[1] = (struct pollfd){pipes[1], POLLOUT, 0};
	C(SYS_poll, p, 2, 0);
	C(SYS_poll, p, 1, 0);
	C(SYS_poll, NULL, 0, 1);
	C(SYS_ppoll, p, 1, &none, NULL, 8);
	FD_ZERO(&r);
	FD_SET(pipes[0], &r);
	C(SYS_select, pipes[0] + 1, &r, NULL, NULL, &tv);
	C(SYS_dup2, pipes[0], 20);
	C(SYS_dup3, pipes[0], 21, O_CLOEXEC);
	C(SYS_ioctl, pipes[0], FIONREAD, buf);
	e = C(SYS_epoll_create1, EPOLL_CLOEXEC);
	C(SYS_epoll_ctl, e, EPOLL_CTL_ADD, pipes[1], &ev);
	C(SYS_epoll_wait, e, got, 4, 0);
	C(SYS_epoll_wait, e, got, 4, 0);
	C(SYS_eventfd2, 3, EFD_CLOEXEC | EFD_NONBLOCK);
	e = C(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
	C(SYS_timerfd_settime, e, 0, &timer, NULL);
	C(SYS_inotify_init1, IN_CLOEXEC);
	C(SYS_inotify_add_watch, e, "/tmp", IN_CREATE | IN_DELETE);
	C(SYS_nanosleep, &t, &none);
	C(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
	C(SYS_clock_getres, CLOCK_REALTIME, &t);
	C(SYS_alarm, 0);
}

/* A terminal's settings, and requests that fail but are shown. */
static void terminals(void)
{
	struct termios t;
	struct winsize w = {24, 80, 0, 0};
	int fd = C(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	C(SYS_ioctl, fd, TCGETS, &t);
	C(SYS_ioctl, fd, TCSETS, &t);
	C(SYS_ioctl, fd, TIOCSWINSZ, &w);
	C(SYS_ioctl, 99, TCSETSW, &t);
	C(SYS_ioctl, 99, TCFLSH, TCIOFLUSH);
	C(SYS_ioctl, 99, TCXONC, TCOON);
	C(SYS_ioctl, 99, TCSBRK, 1);
	C(SYS_ioctl, 99, TIOCMBIS, &w);
	C(SYS_openat, AT_FDCWD, "/nope/x", O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
	C(SYS_openat, AT_FDCWD, "/nope/x", O_PATH | O_NOFOLLOW | O_DIRECTORY);
	C(SYS_openat, AT_FDCWD, "/nope/x", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Several messages at once, and a descriptor with one. */
static void messages(void)
{
	struct iovec v[] = {{(void *)hello, 5}, {(void *)hello, 11}},
		     r[] = {{buf, 100}, {buf + 100, 100}};
	struct mmsghdr out[] = {{{.msg_iov = v, .msg_iovlen = 1}, 0},
				{{.msg_iov = v + 1, .msg_iovlen = 1}, 0}},
		       in[] = {{{.msg_iov = r, .msg_iovlen = 1}, 0},
			       {{.msg_iov = r + 1, .msg_iovlen = 1}, 0}};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr passed = {.msg_iov = v,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	int pair[2];

	C(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	C(SYS_sendmmsg, pair[0], out, 2, 0);
	C(SYS_recvmmsg, pair[1], in, 2, 0, NULL);
	C(SYS_recvmmsg, pair[1], in, 2, MSG_DONTWAIT, NULL);
	C(SYS_sendmsg, pair[0], &passed, 0);
	passed.msg_iov = r;
	C(SYS_recvmsg, pair[1], &passed, 0);
}

/* Attributes: none of these calls does anything. */
static void attributes(void)
{
	struct perf_event_attr sw = {.type = PERF_TYPE_SOFTWARE,
				     .size = PERF_ATTR_SIZE_VER5,
				     .config = PERF_COUNT_SW_CPU_CLOCK,
				     .freq = 1,
				     .sample_freq = 99,
				     .disabled = 1,
				     .precise_ip = 2,
				     .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
				     .read_format = PERF_FORMAT_ID},
			       what = {.type = 99, .config = 0x1c2};
	unsigned attr[12] = {77, 0, 16, 0, 32};

	C(SYS_perf_event_open, &sw, 0, -1, 99, PERF_FLAG_FD_CLOEXEC);
	C(SYS_perf_event_open, &what, 0, -1, -1, 0);
	C(SYS_bpf, 1, attr, 32);
	C(SYS_bpf, 3, attr, 16);
	C(SYS_bpf, 15, attr, 16);
	C(SYS_bpf, 22, attr, 4);
	C(SYS_bpf, 28, attr, 16);
	C(SYS_prctl, PR_CAPBSET_READ, 21);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void tasks(void)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct rlimit core = {0, RLIM_INFINITY}, old;
	struct utsname name;
	sigset_t set;
	uid_t ids[3];
	void *at;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGINT);
	C(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	C(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC);
	C(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, &set, 8);
	sigaction(SIGUSR1, &act, NULL);
	C(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  -1, 0);
	C(SYS_mprotect, at, 4096, PROT_NONE);
	C(SYS_madvise, at, 8192, MADV_DONTNEED);
	C(SYS_mremap, at, 4096, 4096, MREMAP_MAYMOVE);
	C(SYS_msync, at, 4096, MS_SYNC);
	C(SYS_munmap, at, 8192);
	C(SYS_memfd_create, "memory", MFD_CLOEXEC);
	C(SYS_setrlimit, RLIMIT_CORE, &core);
	C(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &old);
	C(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
	C(SYS_getpriority, PRIO_PROCESS, 0);
	C(SYS_sched_getscheduler, 0);
	C(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	C(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	C(SYS_uname, &name);
	C(SYS_unshare, 0);
	C(SYS_setpgid, 0, 0);
	C(SYS_wait4, -1, NULL, WNOHANG, NULL);
	C(SYS_getrandom, buf, 3, 1);
}

#ifdef __x86_64__
/* As a 32-bit program makes it. */
static void narrow(int nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	last = (int)ret;
}

static void narrow_calls(void)
{
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			-1, 0);

	strcpy(at, "/nope/narrow");
	narrow(20, 0, 0, 0);
	narrow(5, (long)at, O_RDONLY, 0);
	narrow(5, 0, O_RDWR | O_CREAT, 0600);
	C(SYS_getppid);
	narrow(15, (long)at, 0640, 0);
	narrow(6, 99, 0, 0);
	narrow(195, (long)at, 0, 0);
}
#endif

int main(int argc, char **argv)
{
	char *const args[] = {"true", "an argument that is longer than thirty-two bytes", NULL},
		    *const env[] = {"A=1", NULL};

	if (argc > 1) {
#ifdef __x86_64__
		narrow_calls();
#endif
		return argv[1] == NULL;
	}
	files();
	mistakes();
	sockets();
	waiting();
	terminals();
	messages();
	attributes();
	tasks();
	C(SYS_execve, "/bin/true", args, env);
	return last ? 1 : 2;
}
