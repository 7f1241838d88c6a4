/*
 * tool_kinds.c: one thread that makes the system calls whose arguments have kinds of their own:
 * System V's, prctl(2), keys, capabilities, mounts, netlink and others; for `waggle strace` and
 * strace to be compared.
 *
 * In:  nothing; or "many": calls with more elements than memory has. Out: nothing; what counts is
 * how each call is shown. Errors are wanted.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/fanotify.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int last; /* what the last call gave */
#define C(...) (last = (int)syscall(__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L))
static char buf[4096];

/* The end of memory, behind which nothing can be read. */
static char *last_bytes(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page + 4096, 4096, PROT_NONE);
	return page + 4096;
}

static void ipc(void)
{
	struct shmid_ds sd;
	struct msqid_ds md;
	struct semid_ds mine;
	struct sembuf ops[2] = {{0, 1, IPC_NOWAIT}, {0, -1, IPC_NOWAIT | SEM_UNDO}};
	struct {
		long t;
		char x[8];
	} m = {3, "hello"};
	struct timespec ts = {0, 1000};
	struct mq_attr at = {.mq_maxmsg = 3, .mq_msgsize = 16};
	int id, q;
	void *p;

	id = C(SYS_shmget, IPC_PRIVATE, 100, IPC_CREAT | 0600);
	C(SYS_shmget, 0x1234, 100, 0644);
	p = (void *)syscall(SYS_shmat, id, 0, SHM_RDONLY);
	C(SYS_shmctl, id, IPC_STAT, &sd);
	C(SYS_shmctl, id, IPC_SET, &sd);
	C(SYS_shmctl, id, SHM_LOCK, 0);
	C(SYS_shmctl, id, SHM_UNLOCK, 0);
	C(SYS_shmdt, p);
	C(SYS_shmctl, id, IPC_RMID, 0);
	id = C(SYS_semget, IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0666);
	C(SYS_semop, id, ops, 2);
	C(SYS_semop, id, ops, 0);
	C(SYS_semtimedop, id, ops, 1, &ts);
	C(SYS_semctl, id, 0, IPC_STAT, &mine);
	C(SYS_semctl, id, 0, IPC_SET, &mine);
	C(SYS_semctl, id, 0, GETVAL, 0);
	C(SYS_semctl, id, 1, SETVAL, 5);
	C(SYS_semctl, id, 0, IPC_RMID, 0);
	id = C(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0666);
	C(SYS_msgsnd, id, &m, 5, IPC_NOWAIT);
	C(SYS_msgrcv, id, &m, 8, 0, IPC_NOWAIT | MSG_NOERROR);
	C(SYS_msgctl, id, IPC_STAT, &md);
	C(SYS_msgctl, id, 11 /* MSG_STAT */, 0);
	C(SYS_msgctl, id, IPC_RMID, 0);
	q = C(SYS_mq_open, "waggle-test", O_RDWR | O_CREAT, 0600, &at);
	C(SYS_mq_timedsend, q, "hello", 5, 3, 0);
	C(SYS_mq_timedreceive, q, buf, 16, &id, &ts);
	C(SYS_mq_getsetattr, q, 0, &at);
	C(SYS_mq_notify, q, 0);
	C(SYS_mq_unlink, "waggle-test");
	C(SYS_close, q);
}

static void caps(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	gid_t g[8] = {1, 2};

	C(SYS_capget, &h, 0);
	C(SYS_capget, &h, d);
	C(SYS_capset, &h, d);
	h.version = 7;
	C(SYS_capget, &h, d);
	C(SYS_getgroups, 0, 0);
	C(SYS_getgroups, 8, g);
	g[0] = 1;
	g[1] = 2;
	C(SYS_setgroups, 2, g);
	C(SYS_setgroups, 0, 0);
}

static void prctls(void)
{
	struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
	struct sock_fprog prog = {1, allow};
	char *end = last_bytes();
	unsigned long u;
	int n;

	strcpy(end - 4, "end");
	C(SYS_prctl, PR_GET_DUMPABLE);
	C(SYS_prctl, PR_SET_DUMPABLE, 1);
	C(SYS_prctl, PR_SET_NAME, "new-name");
	C(SYS_prctl, PR_GET_NAME, buf);
	C(SYS_prctl, PR_SET_KEEPCAPS, 1);
	C(SYS_prctl, PR_GET_KEEPCAPS);
	C(SYS_prctl, PR_CAPBSET_READ, CAP_SYS_ADMIN);
	C(SYS_prctl, PR_GET_SECUREBITS);
	C(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
	C(SYS_prctl, PR_GET_CHILD_SUBREAPER, &n);
	C(SYS_prctl, PR_GET_TIMERSLACK);
	C(SYS_prctl, PR_SET_TIMERSLACK, 50000);
	C(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	C(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0);
	C(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	C(SYS_prctl, PR_GET_TSC, &n);
	C(SYS_prctl, PR_GET_TID_ADDRESS, &u);
	C(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
	C(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
	C(SYS_prctl, PR_MCE_KILL, 0, 0, 0, 0);
	C(SYS_prctl, PR_GET_SPECULATION_CTRL, 0, 0, 0, 0);
	C(SYS_prctl, PR_TASK_PERF_EVENTS_DISABLE);
	C(SYS_prctl, PR_SET_NAME, end - 4);
	C(SYS_prctl, PR_SET_NAME, "a name of more than 15 bytes");
	C(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	C(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	C(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
	C(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, 0);
	C(SYS_prctl, 9999, 1, 2, 3, 4);
	C(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &u);
	C(SYS_personality, 0xffffffff);
	C(SYS_personality, PER_LINUX);
	C(SYS_personality, ADDR_NO_RANDOMIZE);
	C(SYS_personality, 0);
}

/* struct sched_attr, which the C library has not */
struct sched {
	unsigned size, policy;
	unsigned long long flags;
	int nice;
	unsigned prio;
	unsigned long long runtime, deadline, period;
	unsigned umin, umax;
};

static void scheds(void)
{
	struct sched at = {.size = sizeof(at)};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM},
			none = {.sigev_notify = SIGEV_NONE};
	int id;
	struct itimerspec it = {{0, 0}, {5, 0}};
	struct sched_param sp = {0};

	C(SYS_sched_getattr, 0, &at, sizeof(at), 0);
	at.nice = 1;
	C(SYS_sched_setattr, 0, &at, 0);
	at.policy = SCHED_IDLE;
	C(SYS_sched_setattr, 0, &at, 0);
	C(SYS_sched_setattr, 0, 0, 0);
	at.size = 48;
	C(SYS_sched_setattr, 0, &at, 0);
	C(SYS_sched_getattr, 0, &at, 48, 0);
	C(SYS_sched_setscheduler, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, &sp);
	C(SYS_ioprio_get, 1 /* a process */, 0);
	C(SYS_ioprio_set, 1, 0, 2 << 13 | 4);
	C(SYS_ioprio_get, 1 /* a process */, 0);
	C(SYS_timer_create, CLOCK_REALTIME, &ev, &id);
	C(SYS_timer_settime, id, 0, &it, 0);
	C(SYS_timer_getoverrun, id);
	C(SYS_timer_delete, id);
	C(SYS_timer_create, CLOCK_MONOTONIC, &none, &id);
	C(SYS_timer_create, CLOCK_MONOTONIC, 0, &id);
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev._sigev_un._tid = 1;
	C(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id);
	C(SYS_setpriority, PRIO_PROCESS, 0, 3);
}

static void mounts(void)
{
	struct statfs fs;
	int fd = C(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	C(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "size", "1M", 0);
	C(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "ro", 0, 0);
	C(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, 0, 0, 0);
	C(SYS_fsmount, fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC);
	C(SYS_move_mount, -1, "", AT_FDCWD, "/nope", MOVE_MOUNT_F_EMPTY_PATH);
	C(SYS_open_tree, AT_FDCWD, "/nope", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	C(SYS_fspick, AT_FDCWD, "/nope", FSPICK_CLOEXEC);
	C(SYS_pivot_root, "/nope", "/nope2");
	C(SYS_statfs, "/sys/fs/cgroup", &fs);
	C(SYS_statfs, "/dev/shm", &fs);
	C(SYS_statfs, "/sys/kernel/debug", &fs);
	C(SYS_statfs, "/sys/kernel/tracing", &fs);
	C(SYS_statfs, "/sys/fs/bpf", &fs);
}

static void netlinks(void)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
		char pad[3];
	} r = {{20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}, {0}};
	struct {
		struct nlmsghdr h;
	} nop = {{16, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 2, 0}};
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = 1};
	struct ip_mreqn mr = {{0}, {0}, 1};
	struct timeval tv = {3, 4};
	int s = C(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;

	C(SYS_setsockopt, s, SOL_NETLINK, NETLINK_EXT_ACK, &one, 4);
	C(SYS_setsockopt, s, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, 4);
	C(SYS_setsockopt, s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &one, 4);
	C(SYS_setsockopt, s, SOL_SOCKET, SO_RCVBUF, &one, 4);
	C(SYS_bind, s, &nl, sizeof(nl));
	C(SYS_sendto, s, &nop, 16, 0, 0, 0);
	C(SYS_recvfrom, s, buf, sizeof(buf), 0, 0, 0);
	C(SYS_sendto, s, &r, 20, 0, &nl, sizeof(nl));
	C(SYS_close, s);
	s = C(SYS_socket, AF_PACKET, SOCK_RAW, htons(3));
	C(SYS_setsockopt, s, SOL_PACKET, PACKET_VERSION, &one, 4);
	C(SYS_setsockopt, s, SOL_PACKET, PACKET_AUXDATA, &one, 4);
	C(SYS_bind, s, &ll, sizeof(ll));
	C(SYS_close, s);
	s = C(SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	C(SYS_setsockopt, s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr));
	C(SYS_setsockopt, s, IPPROTO_IP, IP_MULTICAST_TTL, &one, 4);
	C(SYS_setsockopt, s, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &one, 4);
	C(SYS_setsockopt, s, SOL_SOCKET, SO_TIMESTAMP, &one, 4);
	C(SYS_setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	C(SYS_setsockopt, s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	C(SYS_close, s);
}

/* A number that was a netlink socket's is one of another kind; and the other way round. */
static void numbers(void)
{
	static const char text[] = "GET / HTTP/1.1 and as many bytes as a header has";
	struct nlmsghdr nop = {16, NLMSG_NOOP, NLM_F_REQUEST, 2, 0};
	int s = C(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), pair[2], t;

	t = C(SYS_dup, s);
	C(SYS_sendto, t, &nop, 16, 0, 0, 0);
	C(SYS_close, t);
	C(SYS_close, s);
	C(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	C(SYS_sendto, pair[0], text, sizeof(text), 0, 0, 0);
	C(SYS_recvfrom, pair[1], buf, sizeof(buf), 0, 0, 0);
	s = C(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	C(SYS_dup2, pair[0], s);
	C(SYS_sendto, s, text, sizeof(text), 0, 0, 0);
	C(SYS_close, s);
	C(SYS_close, pair[0]);
	C(SYS_close, pair[1]);
}

/* Numbers of elements that no memory has. */
static void many(void)
{
	char *end = last_bytes();

	C(SYS_semop, -1, end - 16, 0x2aaaaaaaaaaaaaab);
	C(SYS_semop, -1, end - 12, 2);
	C(SYS_setgroups, 1 << 20, end - 8);
	C(SYS_poll, end - 8, 1u << 31, 0);
	C(SYS_process_madvise, -1, end - 16, 1ul << 40, MADV_COLD, 0);
}

static void aio(void)
{
	struct io_uring_params p = {.flags = IORING_SETUP_CLAMP};
	aio_context_t ctx = 0;
	int u;

	C(SYS_io_setup, 4, &ctx);
	C(SYS_io_destroy, ctx);
	u = C(SYS_io_uring_setup, 4, &p);
	C(SYS_io_uring_enter, u, 0, 0, IORING_ENTER_GETEVENTS, 0, 8);
	C(SYS_io_uring_register, u, IORING_REGISTER_BUFFERS, 0, 0);
	C(SYS_io_uring_register, u, IORING_UNREGISTER_FILES, 0, 0);
	C(SYS_close, u);
}

static void misc(void)
{
	struct iovec l = {buf, 8}, r = {buf + 100, 8};
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	unsigned long mask = 1;
	struct landlock_ruleset_attr la = {LANDLOCK_ACCESS_FS_EXECUTE};

	C(SYS_process_vm_readv, getpid(), &l, 1, &r, 1, 0);
	C(SYS_process_vm_writev, getpid(), &l, 1, &r, 1, 0);
	C(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
	C(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	C(SYS_fanotify_mark, -1, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "/nope");
	C(SYS_openat2, AT_FDCWD, "/nope", &how, sizeof(how));
	C(SYS_landlock_create_ruleset, &la, 8, 0);
	C(SYS_landlock_create_ruleset, &la, 4, 0);
	C(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
	C(SYS_landlock_restrict_self, -1, 0);
	C(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	C(SYS_keyctl, KEYCTL_REVOKE, 12345);
	C(SYS_add_key, "user", "name", "data", 4, KEY_SPEC_PROCESS_KEYRING);
	C(SYS_request_key, "user", "nope", 0, 0);
	C(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "nope", 0);
	C(SYS_set_mempolicy, 0, 0, 0);
	C(SYS_mbind, buf, 4096, 0, 0, 0, 0);
	C(SYS_move_pages, 0, 0, 0, 0, 0, 0);
	C(SYS_syslog, 10, 0, 0);
	C(SYS_process_madvise, -1, &l, 1, MADV_COLD, 0);
	C(SYS_process_mrelease, -1, 0);
	C(SYS_pkey_alloc, 0, 2);
	C(SYS_pkey_mprotect, buf, 4096, PROT_READ, -1);
	C(SYS_remap_file_pages, buf, 4096, 0, 0, MAP_PRIVATE);
	C(SYS_finit_module, -1, "x=1", 1);
	C(SYS_delete_module, "nope", O_NONBLOCK);
	C(SYS_clock_adjtime, CLOCK_REALTIME, 0);
	C(SYS_set_thread_area, 0);
	C(SYS_readlink, "/proc/self/fd/0", buf, 4);
	C(SYS_utime, "/nope", 0);
	C(SYS_inotify_add_watch, -1, "/", 0xfff);
	C(SYS_sync_file_range, 1, 0, 10, 7);
	C(SYS_vmsplice, -1, &l, 1, 2);
	C(SYS_rt_sigqueueinfo, 0, 0, 0);
	C(SYS_signalfd4, -1, &mask, 8, 02000000);
	C(500, 1, 2, 3, 4, 5, 6);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		many();
		return argv[1] == NULL;
	}
	ipc();
	caps();
	prctls();
	scheds();
	mounts();
	netlinks();
	numbers();
	aio();
	misc();
	return 0;
}
