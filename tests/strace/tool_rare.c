/*
 * tool_rare.c: calls that few programs make, and requests with structures of their own: each is shown
 * as strace shows it. Most fail on purpose; those that do something do it to this process alone.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/loop.h>
#include <linux/nsfs.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static long last; /* what the last call gave */
#define C(...) (last = syscall(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L))

static char buf[4096];

static void asynchronous(void)
{
	aio_context_t ctx = 0;
	int fd = C(SYS_openat, AT_FDCWD, "/dev/zero", O_RDWR);
	struct iovec v = {buf, 16};
	struct iocb read = {.aio_data = 7, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (__u32)fd,
			    .aio_buf = (uintptr_t)buf, .aio_nbytes = 16, .aio_offset = 32},
		    write = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (__u32)fd,
			     .aio_buf = (uintptr_t)"hello", .aio_nbytes = 5},
		    vector = {.aio_lio_opcode = IOCB_CMD_PREADV, .aio_fildes = (__u32)fd,
			      .aio_buf = (uintptr_t)&v, .aio_nbytes = 1},
		    sync = {.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (__u32)fd};
	struct iocb *all[] = {&read, &write, &vector, &sync};
	struct io_event got[4];
	struct timespec none = {0, 0};

	C(SYS_io_setup, 4, &ctx);
	C(SYS_io_submit, ctx, 2, all);
	C(SYS_io_submit, ctx, 1, all + 2);
	C(SYS_io_submit, ctx, 1, all + 3);
	C(SYS_io_getevents, ctx, 0, 2, got, &none);
	C(SYS_io_pgetevents, ctx, 0, 0, got, &none, NULL);
	C(SYS_io_cancel, ctx, &read, got);
	C(SYS_io_destroy, ctx);
	C(SYS_close, fd);
}

static void handles(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} h = {.head = {.handle_bytes = 0}};
	int mount = 0;

	C(SYS_name_to_handle_at, AT_FDCWD, "/tmp", &h, &mount, 0);
	h.head.handle_bytes = 128;
	C(SYS_name_to_handle_at, AT_FDCWD, "/tmp", &h, &mount, AT_SYMLINK_FOLLOW);
	C(SYS_open_by_handle_at, -1, &h, O_RDONLY | O_DIRECTORY);
}

static void file_systems(void)
{
	struct stat st;
	struct timespec times[2] = {{1, 2}, {1700000000, 0}};
	struct timeval old[2] = {{1, 2}, {1700000000, 0}};
	long flags;
	int fd = C(SYS_openat, AT_FDCWD, ".", O_RDONLY | O_TMPFILE | O_RDWR, 0600), version;

	C(SYS_utimensat, fd, NULL, times, 0);
	C(SYS_utimes, "/nope", old);
	C(SYS_futimesat, AT_FDCWD, "/nope", old);
	C(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 100);
	C(SYS_fsetxattr, fd, "user.waggle", "value", 5, XATTR_CREATE);
	C(SYS_fgetxattr, fd, "user.waggle", buf, 100);
	C(SYS_fgetxattr, fd, "user.waggle", buf, 0);
	C(SYS_flistxattr, fd, buf, 100);
	C(SYS_flistxattr, fd, buf, 0);
	C(SYS_fremovexattr, fd, "user.waggle");
	C(SYS_ioctl, fd, FICLONE, 99);
	C(SYS_ioctl, 99, FS_IOC_GETFLAGS, &flags);
	C(SYS_ioctl, 99, FS_IOC_SETFLAGS, &flags);
	C(SYS_ioctl, 99, FS_IOC_GETVERSION, &version);
	C(SYS_ioctl, 99, BLKGETSIZE64, buf);
	C(SYS_ioctl, 99, BLKSSZGET, buf);
	C(SYS_ioctl, 99, BLKRRPART);
	C(SYS_ioctl, 99, LOOP_GET_STATUS64, buf);
	C(SYS_ioctl, 99, LOOP_CLR_FD);
	C(SYS_ioctl, 99, LOOP_SET_FD, 5);
	C(SYS_ioctl, 99, LOOP_CTL_GET_FREE);
	C(SYS_ioctl, 99, RNDGETENTCNT, buf);
	C(SYS_ioctl, 99, RNDADDTOENTCNT, buf);
	C(SYS_copy_file_range, fd, NULL, fd, NULL, 0, 0);
	C(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/dev/nope", 0, buf);
	C(SYS_statx, AT_FDCWD, "/nope", 0, STATX_BASIC_STATS, &st);
	C(SYS_swapoff, "/nope");
	C(SYS_ustat, 0, buf);
	C(SYS_sysfs, 3);
	C(SYS_lookup_dcookie, 1, buf, 10);
	fd = C(SYS_openat, AT_FDCWD, "/dev/urandom", O_RDONLY);
	C(SYS_ioctl, fd, RNDGETENTCNT, buf);
	C(SYS_ioctl, 99, NS_GET_USERNS);
	C(SYS_ioctl, 99, NS_GET_PARENT);
	C(SYS_ioctl, 99, NS_GET_OWNER_UID, buf);
	C(SYS_setns, 99, CLONE_NEWUTS);
}

static void interfaces(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	int s = C(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), x, size = 4;

	C(SYS_ioctl, s, SIOCGIFINDEX, &r);
	C(SYS_ioctl, s, SIOCGIFFLAGS, &r);
	C(SYS_ioctl, s, SIOCGIFADDR, &r);
	C(SYS_ioctl, s, SIOCGIFNETMASK, &r);
	C(SYS_ioctl, s, SIOCGIFMTU, &r);
	C(SYS_ioctl, s, SIOCGIFTXQLEN, &r);
	C(SYS_ioctl, s, SIOCGIFHWADDR, &r);
	C(SYS_ioctl, s, SIOCOUTQ, &x);
	C(SYS_ioctl, 99, SIOCSIFMTU, &r);
	C(SYS_ioctl, 99, TUNSETIFF, &r);
	C(SYS_ioctl, 99, SIOCBRADDBR, "name");
	C(SYS_getsockopt, s, SOL_SOCKET, SO_ERROR, &x, &size);
	C(SYS_getsockopt, s, SOL_SOCKET, SO_TYPE, &x, &size);
	C(SYS_getsockopt, s, SOL_SOCKET, SO_DOMAIN, &x, &size);
	C(SYS_getsockopt, s, SOL_SOCKET, SO_PROTOCOL, &x, &size);
	C(SYS_setsockopt, s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 5}, 8);
	C(SYS_getpeername, 99, buf, &size);
	C(SYS_getsockopt, s, SOL_IP, IP_MTU, &x, &size);
}

static void control(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} c;
	struct iovec v = {"x", 1}, r = {buf, 10};
	struct msghdr out = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
			     .msg_controllen = sizeof(c)},
		      in = {.msg_iov = &r, .msg_iovlen = 1, .msg_control = buf + 1024,
			    .msg_controllen = 256};
	struct ucred who = {getpid(), getuid(), getgid()};
	int pair[2], one = 1;
	struct cmsghdr *h = &c.head;

	memset(&c, 0, sizeof(c));
	C(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	*h = (struct cmsghdr){CMSG_LEN(sizeof(who)), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(h), &who, sizeof(who));
	h = CMSG_NXTHDR(&out, h);
	*h = (struct cmsghdr){CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(h), pair, sizeof(pair));
	C(SYS_setsockopt, pair[1], SOL_SOCKET, SO_PASSCRED, &one, 4);
	C(SYS_sendmsg, pair[0], &out, 0);
	C(SYS_recvmsg, pair[1], &in, MSG_CMSG_CLOEXEC);
}

static void tasks(void)
{
	uint32_t word = 0, other = 0;
	struct timespec soon = {0, 1000};
	struct {
		uint64_t val, uaddr;
		uint32_t flags, reserved;
	} waits[2] = {{1, (uintptr_t)&word, 2, 0}, {0, (uintptr_t)&other, 2, 0}};
	cpu_set_t cpus;
	struct sched_param prio = {0};
	unsigned long mask[16] = {1};
	int status, id;
	sigset_t set;
	struct epoll_event ev[2];
	struct rusage usage;
	uint64_t may[2] = {4, 0};
	int e, fd, mode;

	C(SYS_futex, &word, 1 | 128, 1);
	C(SYS_futex, &word, 0, 5, NULL);
	C(SYS_futex, &word, 9 | 128 | 256, 5, NULL, NULL, -1);
	C(SYS_futex, &word, 3, 1, 2, &other, 0);
	C(SYS_futex, &word, 4 | 128, 1, 2, &other, 7);
	C(SYS_futex, &word, 5 | 128, 1, 2, &other, 0x04000001);
	C(SYS_futex, &word, 6 | 128, 0, &soon);
	word = 0;
	C(SYS_futex, &word, 7 | 128);
	C(SYS_futex_waitv, waits, 2, 0, NULL, CLOCK_MONOTONIC);
	C(SYS_set_robust_list, buf, 24);
	C(SYS_rseq, buf, 32, 1, 0x53053053);
	C(SYS_membarrier, 0, 0, 0);
	C(SYS_membarrier, 1 << 7, 0, 0);
	C(SYS_sched_getaffinity, 0, sizeof(cpus), &cpus);
	C(SYS_sched_setaffinity, 0, 8, &cpus);
	C(SYS_sched_getparam, 0, &prio);
	C(SYS_sched_get_priority_max, SCHED_FIFO);
	C(SYS_sched_rr_get_interval, 0, &soon);
	C(SYS_get_mempolicy, &mode, mask, 1024, NULL, 0);
	C(SYS_set_mempolicy, 5, mask, 1024);
	C(SYS_set_mempolicy, 0, mask, 64);
	C(SYS_set_mempolicy, 0, NULL, 0);
	C(SYS_mbind, buf, 0, 1, mask, 64, 1);
	C(SYS_get_robust_list, 0, buf, buf + 8);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	e = C(SYS_epoll_create1, 0);
	C(SYS_epoll_pwait, e, ev, 2, 0, &set, 8);
	C(SYS_epoll_pwait2, e, ev, 2, &(struct timespec){0, 0}, &set, 8);
	C(SYS_epoll_ctl, e, EPOLL_CTL_DEL, 99, NULL);
	C(SYS_pselect6, 0, NULL, NULL, NULL, &(struct timespec){0, 0}, NULL);
	C(SYS_ptrace, PTRACE_PEEKDATA, 0x7fffffff, buf, buf);
	C(SYS_ptrace, PTRACE_SETOPTIONS, 0x7fffffff, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	C(SYS_ptrace, PTRACE_CONT, 0x7fffffff, 0, SIGUSR1);
	C(SYS_ptrace, PTRACE_GETREGSET, 0x7fffffff, 1, buf);
	C(SYS_ptrace, PTRACE_SEIZE, 0x7fffffff, 0, PTRACE_O_TRACEFORK);
	fd = C(SYS_pidfd_open, 0x7fffffff, 0);
	C(SYS_waitid, P_PIDFD, fd, buf, WEXITED | WNOWAIT, &usage);
	C(SYS_pidfd_send_signal, fd, 0, NULL, 0);
	C(SYS_pidfd_getfd, fd, 0, 0);
	C(SYS_wait4, -1, &status, WUNTRACED, &usage);
	C(SYS_kcmp, getpid(), getpid(), 1, 0, 0);
	C(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id);
	C(SYS_timer_gettime, id, buf);
	C(SYS_timer_delete, id);
	C(SYS_prlimit64, 0, RLIMIT_NOFILE, &(struct rlimit){100, 4096}, buf);
	C(SYS_prctl, 0x53564d41, 0, buf, 4096, "name");
	C(SYS_process_madvise, -1, NULL, 0, MADV_COLD, 0);
	C(SYS_rt_sigtimedwait, &set, buf, &(struct timespec){0, 0}, 8);
	C(SYS_rt_sigpending, &set, 8);
	C(SYS_tkill, 0x7fffffff, 34);
	C(SYS_landlock_add_rule, -1, 1, may, 0);
	C(SYS_fanotify_init, 0, 0);
	C(SYS_seccomp, 2, 0, &(uint32_t){0x7fff0000});
	C(SYS_keyctl, 11, 77, buf, 10);
	C(SYS_keyctl, 6, 0, buf, 10);
	C(SYS_keyctl, 0, -3, 1);
	C(SYS_keyctl, 5, 77, 0x3f3f0000);
	C(SYS_init_module, buf, 10, "x=1");
	C(SYS_acct, "/nope");
}

int main(void)
{
	asynchronous();
	handles();
	file_systems();
	interfaces();
	control();
	tasks();
	return 0;
}
