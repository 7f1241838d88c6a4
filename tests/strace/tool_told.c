/*
 * tool_told.c: arguments that another one decides about, and what calls are asked and tell in one structure:
 * each is shown as strace shows it. Sockets are wrong descriptors where the call shows the same then.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fanotify.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <unistd.h>

static long last; /* what the last call gave */
#define C(...) (last = syscall(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L))

static char buf[4096] __attribute__((aligned(4096)));

static void locks_and_leases(void)
{
	int fd = C(SYS_openat, AT_FDCWD, "held", O_RDWR | O_CREAT, 0600);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	struct f_owner_ex owner = {F_OWNER_TID, 0};

	C(SYS_fcntl, fd, F_OFD_SETLK, &l);
	l.l_type = F_RDLCK;
	C(SYS_fcntl, fd, F_GETLK, &l);
	C(SYS_fcntl, fd, F_OFD_GETLK, &l);
	C(SYS_fcntl, fd, F_SETLEASE, F_WRLCK);
	C(SYS_fcntl, fd, F_GETLEASE);
	C(SYS_fcntl, fd, F_SETLEASE, F_UNLCK);
	C(SYS_fcntl, fd, F_SETOWN_EX, &owner);
	C(SYS_fcntl, fd, F_GETOWN_EX, &owner);
	C(SYS_fcntl, fd, F_NOTIFY, 1 | 8 | 0x80000000);
	C(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 40);
	C(SYS_fcntl, fd, F_GETFL);
	C(SYS_fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
	fd = C(SYS_memfd_create, "sealed", MFD_ALLOW_SEALING);
	C(SYS_fcntl, fd, F_GET_SEALS);
	C(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	C(SYS_fcntl, fd, F_GET_SEALS);
}

static void moved(void)
{
	struct iovec v = {buf, 10}, wrong = {(void *)8, 10};
	struct epoll_event e = {EPOLLIN | 0x5820, {.u64 = 77}};
	int fd = C(SYS_openat, AT_FDCWD, "moved", O_RDWR | O_CREAT, 0600), pair[2], ep;
	int64_t at = 2;

	C(SYS_write, fd, "0123\0018\0029\0037456", 14); /* a digit that is none of octal numbers */
	C(SYS_pipe2, pair, 0);
	C(SYS_sendfile, pair[1], fd, &at, 4);
	C(SYS_sendfile, pair[1], fd, NULL, 4);
	C(SYS_preadv2, fd, &v, 1, 0, 0, RWF_NOWAIT);
	C(SYS_pwritev2, fd, &v, 1, -1L, 0, RWF_DSYNC);
	C(SYS_preadv, fd, &wrong, 1, 0);
	C(SYS_readv, fd, &wrong, 1);
	ep = C(SYS_epoll_create1, 0);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, pair[0], &e);
	C(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, pair[0], &e);
	C(SYS_inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
	C(SYS_fanotify_init, FAN_REPORT_FID | 0x40000000, O_RDONLY);
	C(SYS_mincore, buf, 4096, buf + 100);
	C(SYS_openat2, AT_FDCWD, "moved", buf, 23);
	C(SYS_swapon, "/nowhere", SWAP_FLAG_PREFER | 5);
	C(SYS_swapon, "/nowhere", 0);
	C(SYS_rt_sigaction, SIGUSR1, &(struct { void *handler; long flags; void *restorer; uint64_t mask; }){(void *)-1, 0, NULL, 0}, NULL, 8);
}

static void times_of_day(void)
{
	struct timex t = {0};
	struct timeval now;
	struct timezone zone;
	struct tms spent;

	C(SYS_gettimeofday, &now, &zone);
	C(SYS_times, &spent);
	C(SYS_adjtimex, &t);
	C(SYS_clock_adjtime, 0 /* CLOCK_REALTIME */, &t);
	C(SYS_time, &now);
}

static void decided(void)
{
	struct iovec v = {buf, 10};
	int fds[2] = {0, 1};
	union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .map_flags = 1u << 31};
	union bpf_attr next = {.start_id = 0};

	C(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, buf);
	C(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &(int){SECCOMP_RET_TRAP});
	C(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC_ESRCH, NULL);
	C(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL);
	C(SYS_quotactl, QCMD(Q_QUOTAON, GRPQUOTA), "/dev/nowhere", QFMT_VFS_V1, "/aquota");
	C(SYS_quotactl, QCMD(Q_QUOTAOFF, USRQUOTA), "/dev/nowhere");
	C(443 /* quotactl_fd */, -1, QCMD(Q_GETQUOTA, GRPQUOTA), 0, buf);
	C(SYS_io_uring_register, -1, IORING_REGISTER_BUFFERS, &v, 1);
	C(SYS_io_uring_register, -1, IORING_REGISTER_FILES, fds, 2);
	C(SYS_bpf, BPF_MAP_CREATE, &map, 72);
	map = (union bpf_attr){.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	C(SYS_bpf, BPF_MAP_CREATE, &map, 72); /* so that there is one */
	C(SYS_bpf, BPF_MAP_GET_NEXT_ID, &next, 12);
}

static void requests(void)
{
	struct fiemap extents = {.fm_length = 4096, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 0};
	struct uffdio_range range = {4096, 4096};
	int fd = C(SYS_openat, AT_FDCWD, "moved", O_RDONLY);

	C(SYS_ioctl, fd, FS_IOC_FIEMAP, &extents);
	C(SYS_ioctl, -1, FS_IOC_FIEMAP, &extents);
	C(SYS_ioctl, -1, UFFDIO_API, &(struct uffdio_api){UFFD_API, UFFD_FEATURE_THREAD_ID, 0});
	C(SYS_ioctl, -1, UFFDIO_REGISTER, &(struct uffdio_register){range, UFFDIO_REGISTER_MODE_WP, 0});
	C(SYS_ioctl, -1, UFFDIO_COPY, &(struct uffdio_copy){.len = 4096});
	C(SYS_ioctl, -1, UFFDIO_WAKE, &range);
}

/* What SO_GET_FILTER counts are instructions, not bytes. */
static void filters(void)
{
	uint64_t pass[3] = {6 | 100ull << 32, 6 | 100ull << 32, 6 | 1ull << 32};
	struct {
		uint64_t n;
		void *instructions;
	} filter = {3, pass};
	int fd = C(SYS_socket, AF_UNIX, SOCK_DGRAM, 0), n = 20;

	C(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, buf, &n);
	n = 20;
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, buf, &n);
	n = 1;
	C(SYS_getsockopt, fd, SOL_SOCKET, SO_GET_FILTER, buf, &n);
	C(SYS_close, fd);
}

/* Moments without a date, or with one. */
static void dates(void)
{
	static const long moments[][4] = {{1L << 62, 5, -(1L << 62), 0},
					  {0, 7, 0, 0},
					  {1, 1000000000, 1, 1L << 32},
					  {-1, 0, 1, -1},
					  {5, 999999999, 0, 1000000}};

	for (unsigned i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		C(SYS_utimensat, AT_FDCWD, "/nope", moments[i], 0);
		C(SYS_utimes, "/nope", moments[i]);
	}
}

/* Signals that are waited for: the result is one. */
static void taken(void)
{
	uint64_t set = 1ull << (SIGQUIT - 1) | 1ull << (SIGCHLD - 1), was;

	C(SYS_rt_sigprocmask, SIG_BLOCK, &set, &was, 8);
	C(SYS_tgkill, getpid(), getpid(), SIGQUIT);
	C(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
	C(SYS_tgkill, getpid(), getpid(), SIGCHLD);
	C(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
	C(SYS_rt_sigtimedwait, &set, NULL, &(struct timespec){0, 0}, 8);
	C(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, 8);
}

static void options(void)
{
	static const int levels[] = {SOL_SOCKET, IPPROTO_TCP, SOL_IP, SOL_IPV6, IPPROTO_UDP, 263 /* SOL_PACKET */, 132 /* SCTP */, 282 /* TLS */, SOL_XDP, SOL_RAW};
	struct ip_mreq group = {{htonl(0xe0000005)}, {htonl(0x7f000001)}};
	struct ipv6_mreq group6 = {{{{0xff, 2, [15] = 5}}}, 0};
	struct packet_mreq hears = {0, PACKET_MR_MULTICAST, 6, {1, 2, 3, 4, 5, 6}};
	struct tpacket_req ring = {4096, 1, 2048, 2};
	int one = 1;

	for (unsigned i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		for (int o = 1; o < 77; o++)
			if ((levels[i] != SOL_SOCKET || ((o < 22 || o > 24) && o != SO_ATTACH_FILTER)) && /* names of before Linux 2.6; those that only one of set and get has */
			    (levels[i] != SOL_IP || (o != 64 && o != 65)) &&
			    (levels[i] != SOL_IPV6 || (o != 64 && o != 65 && o != 68 && o != 69)))
				C(SYS_setsockopt, -1, levels[i], o, NULL, 4);
	C(SYS_setsockopt, -1, SOL_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group));
	C(SYS_setsockopt, -1, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof(group6));
	C(SYS_setsockopt, -1, 263, PACKET_ADD_MEMBERSHIP, &hears, 16);
	C(SYS_setsockopt, -1, 263, PACKET_RX_RING, &ring, sizeof(ring));
	C(SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, &(uint64_t[]){3, 0x123456789}, 16);
	C(SYS_setsockopt, -1, SOL_SOCKET, 37 /* SO_TIMESTAMPING_OLD */, &(int[]){88, 8}, 8);
	filters();
	C(SYS_setsockopt, -1, 99, 5, &one, 4);
}

static void addresses(void)
{
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_port = 1234, .svm_cid = VMADDR_CID_HOST};
	struct sockaddr_alg alg = {AF_ALG, "hash", 0, 0, "sha256"};

	C(SYS_bind, -1, &vm, sizeof(vm));
	vm.svm_cid = 77;
	C(SYS_connect, -1, &vm, sizeof(vm));
	C(SYS_bind, -1, &alg, sizeof(alg));
	C(SYS_socket, AF_CAN, SOCK_RAW, 99);
	C(SYS_socket, AF_CAN, SOCK_DGRAM | SOCK_CLOEXEC, 6);
	C(SYS_socket, AF_BLUETOOTH, SOCK_RAW, 1);
}

static size_t control(char *at, int level, int type, const void *data, size_t n)
{
	struct cmsghdr h = {CMSG_LEN(n), level, type};

	memset(at, 0, CMSG_SPACE(n));
	memcpy(at, &h, sizeof(h));
	memcpy(at + CMSG_LEN(0), data, n);
	return CMSG_SPACE(n);
}

static void messages(void)
{
	static char room[1024];
	struct sockaddr_in from;
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = room};
	size_t n = 0;
	int64_t stamps[6] = {1, 2, 3, 4, 5, 6};
	struct in_pktinfo info = {0, {htonl(0x7f000001)}, {htonl(0x7f000002)}};
	struct { uint32_t number; uint8_t from[4]; uint32_t more[2]; struct sockaddr_in at; } error = {111, {2, 3, 3, 0}, {0, 0}, {AF_INET, htons(9), {htonl(0x7f000001)}, {0}}};
	int pair[2];

	n += control(room + n, SOL_IP, IP_TTL, &(int){33}, 4);
	n += control(room + n, SOL_IP, IP_TOS, &(int){16}, 4);
	n += control(room + n, SOL_IP, IP_PKTINFO, &info, sizeof(info));
	n += control(room + n, SOL_IP, IP_RECVERR, &error, sizeof(error));
	n += control(room + n, SOL_SOCKET, 35 /* SO_TIMESTAMPNS_OLD */, stamps, 16);
	n += control(room + n, SOL_SOCKET, 29 /* SO_TIMESTAMP_OLD */, stamps, 16);
	n += control(room + n, SOL_SOCKET, 37 /* SO_TIMESTAMPING_OLD */, stamps, 48);
	m.msg_controllen = n;
	C(SYS_sendmsg, -1, &m, 0);
	C(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	C(SYS_write, pair[0], "hello", 5);
	v = (struct iovec){buf, 10};
	m = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &v, .msg_iovlen = 1};
	C(SYS_recvmsg, pair[1], &m, 0);
	C(SYS_recvmsg, pair[1], &m, MSG_DONTWAIT);
}

int main(void)
{
	locks_and_leases();
	moved();
	times_of_day();
	decided();
	requests();
	options();
	addresses();
	messages();
	dates();
	taken();
	return 0;
}
