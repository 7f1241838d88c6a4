/*
 * sys.h: constants of ptrace(2) and seccomp(2) that libc's headers may lack, and short names for
 * their calls. Each call returns 0 or more, or -errno.
 */
#ifndef ENGINE_USER_SYS_H
#define ENGINE_USER_SYS_H

#include "base/base.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/ptrace.h */
enum {
	TRACE_SEIZE = 0x4206,
	TRACE_INTERRUPT = 0x4207,
	TRACE_LISTEN = 0x4208,
	TRACE_GETSIGMASK = 0x420a,
	TRACE_SETSIGMASK = 0x420b,
	TRACE_CALL_INFO = 0x420e,
};
enum {
	EVENT_FORK = 1,
	EVENT_VFORK,
	EVENT_CLONE,
	EVENT_EXEC,
	EVENT_VFORK_DONE,
	EVENT_EXIT,
	EVENT_SECCOMP,
	EVENT_STOP = 128
};
#define OPTION_OF(event) (1u << (event))
#define OPTION_SYSGOOD   1u
#define OPTION_EXITKILL  (1u << 20)

struct call_info { /* struct ptrace_syscall_info */
	u8 op;     /* enum call_op */
	u8 pad[3];
	u32 arch;
	u64 ip, sp;
	union {
		struct {
			u64 nr, args[6];
			u32 data; /* seccomp */
		} entry;
		struct {
			s64 result;
			u8 is_error;
		} exit;
	};
};
enum call_op { CALL_NONE, CALL_ENTRY, CALL_EXIT, CALL_SECCOMP };

static inline long sys_trace(int request, u32 tid, u64 addr, u64 data)
{
	long r = syscall(SYS_ptrace, request, tid, addr, data);

	return r < 0 ? -errno : r;
}

/* A task's next stop or end; signals to the caller do not end the wait. */
static inline bool sys_wait(u32 tid, int *status)
{
	long r;

	do
		r = waitpid((pid_t)tid, status, __WALL);
	while (r < 0 && errno == EINTR);
	return r == (long)tid;
}

static inline long sys_seccomp(u32 op, u32 flags, void *args)
{
	long r = syscall(SYS_seccomp, op, flags, args);

	return r < 0 ? -errno : r;
}

/* linux/seccomp.h */
enum { SECCOMP_SET_FILTER = 1 };
enum { FILTER_SPEC_ALLOW = 1u << 2, FILTER_NEW_LISTENER = 1u << 3, FILTER_WAIT_KILLABLE = 1u << 5 };
#define SECCOMP_ALLOW  0x7fff0000u
#define SECCOMP_TRACE  0x7ff00000u
#define SECCOMP_NOTIFY 0x7fc00000u

/* flags of clone(2) */
#define CALL_UNTRACED 0x00800000u

#endif
