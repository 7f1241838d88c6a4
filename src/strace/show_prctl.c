/*
 * show_prctl.c: calls whose arguments depend on one of them: prctl(2), System V's semaphores,
 * queues and shared memory; and keys, capabilities, priorities.
 */
#include "strace/strace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>

/* ---- what follows an argument that decides, in the words of calls.def */

struct choice {
	u32 op;
	const char *words;
};

static const struct choice prctls[] = {
	{PR_GET_DUMPABLE, "=D"},
	{PR_SET_DUMPABLE, "one:dumpable"},
	{PR_GET_KEEPCAPS, ""},
	{PR_SET_KEEPCAPS, "lu"},
	{PR_SET_NAME, "name"},
	{PR_GET_NAME, ">name"},
	{PR_GET_PDEATHSIG, ">sigptr"},
	{PR_SET_PDEATHSIG, "sig"},
	{PR_GET_SECCOMP, ""},
	{PR_SET_SECCOMP, "one:seccompmode sockfprog"},
	{PR_CAPBSET_READ, "one:cap"},
	{PR_CAPBSET_DROP, "one:cap"},
	{PR_GET_TSC, ">tscmode"},
	{PR_SET_TSC, "one:tsc"},
	{PR_GET_SECUREBITS, "=B"},
	{PR_SET_SECUREBITS, "set:securebits"},
	{PR_GET_TIMERSLACK, ""},
	{PR_SET_TIMERSLACK, "ld"},
	{PR_GET_TIMING, ""},
	{PR_TASK_PERF_EVENTS_DISABLE, ""},
	{PR_TASK_PERF_EVENTS_ENABLE, ""},
	{PR_MCE_KILL, "one:mcekill lu lu lu"},
	{PR_MCE_KILL_GET, "lu lu lu lu"},
	{PR_SET_CHILD_SUBREAPER, "lu"},
	{PR_GET_CHILD_SUBREAPER, ">num"},
	{PR_SET_NO_NEW_PRIVS, "lu lu lu lu"},
	{PR_GET_NO_NEW_PRIVS, "lu lu lu lu"},
	{PR_GET_TID_ADDRESS, ">ptr"},
	{PR_SET_THP_DISABLE, "lu lu lu lu"},
	{PR_GET_THP_DISABLE, "lu lu lu lu"},
	{PR_CAP_AMBIENT, "one:ambient ambient lu lu"},
	{PR_SET_PTRACER, "ptracer"},
	{PR_GET_SPECULATION_CTRL, "one:spec =S"},
	{PR_SET_SPECULATION_CTRL, "one:spec one:specctrl"},
	{0x53564d41 /* PR_SET_VMA */, "one:vma p lu str"},
};

static const struct choice fcntls[] = {
	{F_DUPFD, "d =fd"},
	{F_DUPFD_CLOEXEC, "d =fd"},
	{F_GETFD, "=F"},
	{F_SETFD, "set:fdflags"},
	{F_GETFL, "=O"},
	{F_SETFL, "open"},
	{F_GETLK, ">lockof"},
	{F_SETLK, "lock"},
	{F_SETLKW, "lock"},
	{F_OFD_GETLK, ">lockof"},
	{F_OFD_SETLK, "lock"},
	{F_OFD_SETLKW, "lock"},
	{F_GETOWN, ""},
	{F_SETOWN, "d"},
	{F_GETOWN_EX, ">owner"},
	{F_SETOWN_EX, "owner"},
	{F_GETSIG, ""},
	{F_SETSIG, "sig"},
	{F_GETLEASE, "=L"},
	{F_SETLEASE, "one:locktype"},
	{F_NOTIFY, "set:dnotify"},
	{F_GETPIPE_SZ, ""},
	{F_SETPIPE_SZ, "d"},
	{F_GET_SEALS, "=E"},
	{F_ADD_SEALS, "set:seals"},
	{F_GET_RW_HINT, ">rwhint"},
	{F_SET_RW_HINT, "rwhint"},
	{F_GET_FILE_RW_HINT, ">rwhint"},
	{F_SET_FILE_RW_HINT, "rwhint"},
};

static const struct choice seccomps[] = {
	{0, "x p"}, /* SECCOMP_SET_MODE_STRICT */
	{1, "set:seccompflags sockfprog"}, /* SECCOMP_SET_MODE_FILTER */
	{2, "x seccompret"}, /* SECCOMP_GET_ACTION_AVAIL */
	{3, "x >notifsizes"}, /* SECCOMP_GET_NOTIF_SIZES */
};

/* What follows behind the device. */
static const struct choice quotas[] = {
	{0x800001, ""}, /* Q_SYNC */
	{0x800002, "one:quotafmt path"}, /* Q_QUOTAON */
	{0x800003, ""}, /* Q_QUOTAOFF */
};

/* What the argument in front of `from` chooses; where it is in no row, `words` are meant. */
struct choices {
	const struct choice *rows;
	u32 n;
	u8 from;
	const char *words;
	const char *set; /* the names of what is chosen */
};
#define CHOICES(rows, from, words, set) {rows, ARRAY_SIZE(rows), from, words, set}

static const struct choices prctl_by = CHOICES(prctls, 1, "x x x x", "prctl"),
			    fcntl_by = CHOICES(fcntls, 2, "x", "fcntl"),
			    seccomp_by = CHOICES(seccomps, 1, "x p", NULL),
			    quota_by = CHOICES(quotas, 2, "uid p", NULL);

static void choose(struct call *row, const struct choices *by, u64 op)
{
	const char *words = by->words;

	for (u32 i = 0; i < by->n; i++)
		if (by->rows[i].op == (u32)op)
			words = by->rows[i].words;
	*row = (struct call){.nargs = by->from};
	strace_read_row(row, words);
}

/* Arguments of another row than the call's, from one on. */
static void show_row(struct shown *c, const struct call *row, u32 from)
{
	for (u32 i = from; i < row->nargs; i++) {
		buf_puts(c->out, i > from ? ", " : "");
		row->args[i].kind->show(c, &row->args[i]);
	}
}

char result_of(const struct shown *c)
{
	struct call row = {.result = c->call->result};

	if (row.result == 'p')
		choose(&row, &prctl_by, c->args[0]);
	else if (row.result == 'c')
		choose(&row, &fcntl_by, c->args[1]);
	return row.result;
}

/* The argument that chooses; nothing may follow. */
static void show_op(struct shown *c, const struct arg *a, const struct choices *by)
{
	struct call row;

	one_of(c->out, by->set, ARG(c, a));
	choose(&row, by, ARG(c, a));
	c->ended = row.nargs == by->from;
}

void show_kind_prctlop(struct shown *c, const struct arg *a)
{
	show_op(c, a, &prctl_by);
}

/* All that follow: they are known when the call has ended. */
void show_kind_prctl(struct shown *c, const struct arg *a)
{
	struct call row;

	choose(&row, &prctl_by, c->args[0]);
	show_row(c, &row, a->i);
	c->ended = true; /* the words behind only say what memory to bring along */
}

void show_kind_fcntlcmd(struct shown *c, const struct arg *a)
{
	show_op(c, a, &fcntl_by);
}

void show_kind_fcntlarg(struct shown *c, const struct arg *a)
{
	struct call row;

	choose(&row, &fcntl_by, c->args[1]);
	show_row(c, &row, a->i);
}

void show_kind_seccompargs(struct shown *c, const struct arg *a)
{
	struct call row;

	choose(&row, &seccomp_by, c->args[0]);
	show_row(c, &row, a->i);
	c->ended = true;
}

void show_kind_quotadev(struct shown *c, const struct arg *a)
{
	struct call row;

	show_kind_str(c, a);
	choose(&row, &quota_by, (u32)c->args[0] >> 8);
	c->ended = row.nargs == 2;
}

void show_kind_quotaargs(struct shown *c, const struct arg *a)
{
	struct call row;

	choose(&row, &quota_by, (u32)c->args[0] >> 8);
	show_row(c, &row, a->i);
	c->ended = true;
}

/* By the command: a text, and a folder or a descriptor beside it. */
void show_kind_fsvalue(struct shown *c, const struct arg *a)
{
	u32 command = (u32)c->args[1];

	if (command == 1 || command == 3 ||
	    command == 4) /* FSCONFIG_SET_STRING, _PATH, _PATH_EMPTY */
		show_kind_str(c, a);
	else
		show_address(c->out, ARG(c, a));
}

void show_kind_fsaux(struct shown *c, const struct arg *a)
{
	u32 command = (u32)c->args[1];

	if (command == 3 || command == 4)
		show_kind_dirfd(c, a);
	else if (command == 5) /* FSCONFIG_SET_FD */
		show_kind_fd(c, a);
	else
		show_kind_d(c, a);
}

/* sched_setattr() says in it how large it is, sched_getattr() beside it. */
void show_kind_schedattr(struct shown *c, const struct arg *a)
{
	const u32 *p = show_memory(c, a, 48);
	u32 size = p && a->count != COUNT_NONE ? (u32)c->args[a->count % MAX_ARGS] : 56;

	if (!p)
		return;
	size = MIN(size, p[0] ? p[0] : 48);
	show_form_within(c,
			 "{size=%u4, sched_policy=%o4:sched;, sched_flags=%f8:schedflags;, "
			 "sched_nice=%d4, sched_priority=%u4, sched_runtime=%u8, "
			 "sched_deadline=%u8, sched_period=%u8, sched_util_min=%u4, "
			 "sched_util_max=%u4}",
			 p, size >= 56 && !seen(c, a, ARG(c, a), 56) ? 48 : size);
	if (size > 56)
		show_more(c);
}

/* A pointer to be filled, or a value. */
void show_kind_archptr(struct shown *c, const struct arg *a)
{
	const bool gets = c->args[0] == 0x1003 || c->args[0] == 0x1004; /* ARCH_GET_FS, _GS */
	const void *p = show_memory_if(c, a, gets, 8);

	if (p)
		show_form(c, "[%p8]", p);
}

/* Those that take nothing but the action end there. */
void show_kind_syslog(struct shown *c, const struct arg *a)
{
	u32 action = (u32)ARG(c, a);

	buf_printf(c->out, "%u /* ", action);
	one_of(c->out, "syslog", action);
	buf_puts(c->out, " */");
	c->ended = action != 2 && action != 3 && action != 4 && action != 8;
}

/* A name of a thread: 15 bytes, or up to the end of the memory that is there. */
void show_kind_name(struct shown *c, const struct arg *a)
{
	bool told = !a->out || (c->done && c->ret >= 0);
	u64 most = 16, n;
	const char *name;

	do
		name = told && ARG(c, a) ? seen(c, a, ARG(c, a), most) : NULL;
	while (!name && --most);
	if (!name) {
		show_address(c->out, ARG(c, a));
		return;
	}
	n = strnlen(name, MIN(most, 15u));
	show_bytes(c, name, n, most == 16 && n == 15 && name[15] ? 16 : 0, false, 16);
}

/* All are given up: no capability is named. */
void show_kind_ambient(struct shown *c, const struct arg *a)
{
	if (c->args[1] == PR_CAP_AMBIENT_CLEAR_ALL)
		show_hex(c->out, ARG(c, a));
	else
		one_of(c->out, "cap", ARG(c, a));
}

void show_kind_ptracer(struct shown *c, const struct arg *a)
{
	if (ARG(c, a) == UINT64_MAX)
		buf_puts(c->out, "PR_SET_PTRACER_ANY");
	else
		buf_u64(c->out, ARG(c, a));
}

/* ---- System V */

void show_kind_ipckey(struct shown *c, const struct arg *a)
{
	if ((u32)ARG(c, a) == IPC_PRIVATE)
		buf_puts(c->out, "IPC_PRIVATE");
	else
		show_hex(c->out, (u32)ARG(c, a));
}

void show_kind_ipcget(struct shown *c, const struct arg *a)
{
	u32 flags = (u32)ARG(c, a);

	if (flags & ~0777u) {
		show_flags(c->out, a->set, flags & ~0777u);
		buf_char(c->out, '|');
	}
	buf_printf(c->out, "%#03o", flags & 0777);
}

/* What IPC_STAT gives; the permissions stand in front in all three, and IPC_SET takes them. */
#define PERM(name) "{" name "_perm={uid=%@4;%u4, gid=%u4, mode=%@20;%m4"
#define OWNER      ", key=%@0;%u4, cuid=%@12;%u4, cgid=%u4}"
static const struct {
	const char *call, *stat, *set;
} ipcs[] = {
	{"shmctl",
	 PERM("shm") OWNER ", shm_segsz=%@48;%u8, shm_cpid=%@80;%d4, shm_lpid=%d4, "
			   "shm_nattch=%u8, shm_atime=%@56;%d8, shm_dtime=%d8, shm_ctime=%d8}",
	 PERM("shm") "}}"},
	{"msgctl",
	 PERM("msg") OWNER ", msg_stime=%@48;%d8, msg_rtime=%d8, msg_ctime=%d8, "
			   "msg_qnum=%@80;%u8, msg_qbytes=%u8, msg_lspid=%d4, msg_lrpid=%d4}",
	 PERM("msg") "}, ...}"},
	{"semctl",
	 PERM("sem") OWNER ", sem_otime=%@48;%d8, sem_ctime=%@64;%d8, sem_nsems=%@80;%u8}",
	 PERM("sem") "}}"},
};

void show_kind_ipcds(struct shown *c, const struct arg *a)
{
	u32 command = (u32)c->args[a->i - 1];
	bool set = command == IPC_SET;
	struct arg as = *a;
	const void *p;

	as.out = !set;
	p = show_memory_if(c, &as, set || command == IPC_STAT, 104);
	for (u32 i = 0; p && i < ARRAY_SIZE(ipcs); i++)
		if (!strcmp(ipcs[i].call, c->call->name))
			show_form(c, set ? ipcs[i].set : ipcs[i].stat, p);
}

void show_kind_msgbuf(struct shown *c, const struct arg *a)
{
	u64 n = c->args[a->i + 1], have = MIN(MIN(n, c->s->opts.strsize), 992u - 8);
	const u8 *p = show_memory(c, a, 8 + have);
	s64 type;

	if (!p)
		return;
	memcpy(&type, p, sizeof(type));
	buf_printf(c->out, "{mtype=%lld, mtext=", (long long)type);
	show_bytes(c, p + 8, have, n, false, c->s->opts.strsize);
	buf_char(c->out, '}');
}

/* ---- who may what */

static void capabilities(struct shown *c, const char *name, u64 bits)
{
	const struct flag_set *set = strace_set("cap", 3);
	bool some = false;

	buf_puts(c->out, name);
	for (u32 i = 0; i < set->n; i++)
		if (bits >> set->values[i] & 1) {
			buf_puts(c->out, some ? "|1<<" : "1<<");
			buf_puts(c->out, flag_name(set, i));
			some = true;
		}
	if (!some)
		buf_char(c->out, '0');
}

/* Of the first version one word each; of the others two, one third of all apart. */
void show_kind_capdata(struct shown *c, const struct arg *a)
{
	static const char *const names[] = {"{effective=", ", permitted=", ", inheritable="};
	const struct arg *head = &c->call->args[0];
	const u32 *version = seen(c, head, c->args[0], 8);
	bool two = version && *version != _LINUX_CAPABILITY_VERSION_1;
	const u32 *p = show_memory_if(c, a, version, two ? 24 : 12);

	for (u32 i = 0; p && i < 3; i++)
		capabilities(c, names[i], p[i] | (two ? (u64)p[i + 3] << 32 : 0));
	if (p)
		buf_char(c->out, '}');
}

static void io_priority(struct buf *b, u32 v)
{
	buf_puts(b, "IOPRIO_PRIO_VALUE(");
	one_of(b, "ioclass", v >> 13);
	buf_printf(b, ", %u)", v & 0x1fff);
}

void show_kind_ioprio(struct shown *c, const struct arg *a)
{
	io_priority(c->out, (u32)ARG(c, a));
}

/* keyctl(2): as prctl(2), by the number of what is done */
static const char *const keyctls[] = {
	"key d",           "str",      "key p lu",     "key",       "key uid uid",
	"key set:keyperm", "key p lu", "key",          "key key",   "key key",
	"key str str key", "key p lu", "key p lu key", "key u key", "d",
	"key u",           "key",      "key p lu",     "",          "key u u key",
	"key p lu key",    "key",      "uid key",
};

static void keyctl_row(u64 op, struct call *row)
{
	*row = (struct call){.nargs = 1};
	strace_read_row(row, op < ARRAY_SIZE(keyctls) ? keyctls[op] : "x x x x");
}

void show_kind_keyop(struct shown *c, const struct arg *a)
{
	struct call row;

	one_of(c->out, "keyctl", ARG(c, a));
	keyctl_row((u32)ARG(c, a), &row);
	c->ended = row.nargs == 1;
}

void show_kind_keyargs(struct shown *c, const struct arg *a)
{
	struct call row;

	keyctl_row((u32)c->args[0], &row);
	show_row(c, &row, a->i);
	c->ended = true;
}

void show_kind_key(struct shown *c, const struct arg *a)
{
	if ((s32)ARG(c, a) < 0 && (s32)ARG(c, a) > -9)
		one_of(c->out, "key", ARG(c, a));
	else
		buf_printf(c->out, "%d", (s32)ARG(c, a));
}

static void persona(struct buf *b, u32 v)
{
	one_of(b, "persona", v & 0xff);
	if (v & ~0xffu) {
		buf_char(b, '|');
		flags_of(b, "personabits", v & ~0xffu);
	}
}

void show_kind_personality(struct shown *c, const struct arg *a)
{
	if ((u32)ARG(c, a) == UINT32_MAX)
		buf_puts(c->out, "0xffffffff");
	else
		persona(c->out, (u32)ARG(c, a));
}

bool show_worded(struct shown *c, char result, s64 ret)
{
	if (result == 'i') {
		buf_printf(c->out, "%lld (", (long long)ret);
		io_priority(c->out, (u32)ret);
	} else if (result == 'F' || result == 'E') {
		if (!ret)
			return false;
		buf_printf(c->out, result == 'F' ? "%#llx (flags " : "%#llx (seals ", (long long)ret);
		flags_of(c->out, result == 'F' ? "fdflags" : "seals", (u64)ret);
	} else if (result == 'O') {
		buf_printf(c->out, "%#llx (flags ", (long long)ret);
		show_open_flags(c->out, (u32)ret);
	} else if (result == 't') {
		buf_s64(c->out, ret);
		show_date(c->out, " (", ret, 0, 0, ")");
		return true;
	} else if (result == 'g') {
		buf_printf(c->out, "%lld (", (long long)ret);
		show_signal(c->out, (int)ret);
	} else if (result == 'P') {
		buf_printf(c->out, "%#llx (", (long long)ret);
		persona(c->out, (u32)ret);
	} else {
		return false;
	}
	buf_char(c->out, ')');
	return true;
}

/* ---- how a timer or a queue tells */

void show_kind_sigevent(struct shown *c, const struct arg *a)
{
	const s32 *p = show_memory(c, a, 64); /* a value of 8 bytes, signal, how, thread */
	u64 value;

	if (!p)
		return;
	memcpy(&value, p, sizeof(value));
	buf_char(c->out, '{');
	if (value)
		buf_printf(c->out, "sigev_value={sival_int=%d, sival_ptr=%#llx}, ", p[0],
			   (unsigned long long)value);
	buf_puts(c->out, "sigev_signo=");
	if (p[3] == SIGEV_SIGNAL || p[3] == SIGEV_THREAD || p[3] == SIGEV_THREAD_ID)
		show_signal(c->out, p[2]);
	else
		buf_printf(c->out, "%d", p[2]);
	buf_puts(c->out, ", sigev_notify=");
	one_of(c->out, "sigev", (u32)p[3]);
	if (p[3] == SIGEV_THREAD_ID)
		buf_printf(c->out, ", sigev_notify_thread_id=%d", p[4]);
	buf_char(c->out, '}');
}
