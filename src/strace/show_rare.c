/*
 * show_rare.c: arguments that few programs have: requests of io_submit(2), handles of files, masks of
 * memory's nodes, ptrace(2), quotas.
 */
#include "strace/strace.h"

#include <linux/aio_abi.h>
#include <sys/ptrace.h>

/* ---- io_submit(2) */

static void request(struct shown *c, const struct arg *a, const struct iocb *r, bool whole)
{
	u64 have = MIN(r->aio_nbytes, (u64)c->s->opts.strsize);
	const void *p;

	show_form(c, "{aio_data=%x8, aio_lio_opcode=%@16;%o2:aio;, ", r);
	if (r->aio_reqprio)
		buf_printf(c->out, "aio_reqprio=%d, ", r->aio_reqprio);
	buf_puts(c->out, "aio_fildes=");
	show_descriptor(c, (s32)r->aio_fildes);
	if (!whole || r->aio_lio_opcode == IOCB_CMD_FSYNC || r->aio_lio_opcode == IOCB_CMD_FDSYNC) {
		buf_char(c->out, '}');
		return;
	}
	buf_puts(c->out, ", aio_buf=");
	p = r->aio_lio_opcode == IOCB_CMD_PWRITE && have ? seen(c, a, r->aio_buf, have) : NULL;
	if (p)
		show_bytes(c, p, have, r->aio_nbytes, false, c->s->opts.strsize);
	else if (r->aio_lio_opcode == IOCB_CMD_PREADV)
		show_places(c, a, r->aio_buf, r->aio_nbytes);
	else if (r->aio_lio_opcode == IOCB_CMD_PWRITEV)
		show_iovs(c, a, r->aio_buf, r->aio_nbytes, UINT64_MAX);
	else
		show_address(c->out, r->aio_buf);
	if (r->aio_lio_opcode < IOCB_CMD_PREADV)
		buf_printf(c->out, ", aio_nbytes=%llu", (unsigned long long)r->aio_nbytes);
	buf_printf(c->out, ", aio_offset=%lld}", (long long)r->aio_offset);
}

void show_kind_iocb(struct shown *c, const struct arg *a)
{
	const struct iocb *r = show_memory(c, a, sizeof(*r));

	if (r)
		request(c, a, r, false);
}

/* Pointers to requests, of which the first are brought along. */
void show_kind_iocbs(struct shown *c, const struct arg *a)
{
	s64 n = (s64)ARG(c, &c->call->args[1]);
	const u64 *all = show_memory_if(c, a, n > 0, 8);
	const struct iocb *r;

	if (!all)
		return;
	for (s64 i = 0; all && i < n; i++) {
		buf_puts(c->out, i ? ", " : "[");
		all = i < 16 ? seen(c, a, ARG(c, a) + 8 * (u64)i, 8) : NULL;
		r = all ? seen(c, a, *all, sizeof(*r)) : NULL;
		if (!all)
			buf_puts(c->out, "...");
		else if (r)
			request(c, a, r, true);
		else
			show_address(c->out, *all);
	}
	buf_char(c->out, ']');
}

/* ---- files */

/* {handle_bytes=128 => 8, handle_type=1, f_handle="..."}: the room there was, and what there is. */
void show_kind_handle(struct shown *c, const struct arg *a)
{
	bool asks = a->i == 2; /* name_to_handle_at() */
	struct arg early = *a, late = *a;
	const u32 *was, *is;

	early.out = false;
	late.out = true;
	is = was = ARG(c, a) ? seen(c, &early, ARG(c, a), 8) : NULL;
	if (!was) {
		show_address(c->out, ARG(c, a));
		return;
	}
	buf_printf(c->out, "{handle_bytes=%u", was[0]);
	if (asks)
		is = c->done ? seen(c, &late, ARG(c, a), 8) : NULL;
	if (is && is[0] != was[0])
		buf_printf(c->out, " => %u", is[0]);
	if (is && (!asks || c->ret >= 0)) {
		u64 n = MIN(is[0], 128u);
		const void *bytes = seen(c, asks ? &late : &early, ARG(c, a) + 8, n);

		buf_printf(c->out, ", handle_type=%d, f_handle=", (s32)is[1]);
		if (bytes)
			show_bytes(c, bytes, n, n, true, 128);
		else
			show_address(c->out, ARG(c, a) + 8);
	}
	buf_char(c->out, '}');
}

/* Where no room is given, the names are only counted. */
void show_kind_list(struct shown *c, const struct arg *a)
{
	if (ARG_AFTER(c, a))
		show_kind_buf(c, a);
	else
		show_address(c->out, ARG(c, a));
}

void show_kind_swapflags(struct shown *c, const struct arg *a)
{
	u32 v = (u32)ARG(c, a), priority = v & 0x7fff;

	if (v != priority)
		flags_of(c->out, "swap", v - priority);
	if (v == priority || priority)
		buf_printf(c->out, v == priority ? "%u" : "|%u", priority);
}

/* A class always, and flags. */
void show_kind_faninit(struct shown *c, const struct arg *a)
{
	u32 v = (u32)ARG(c, a);

	one_of(c->out, "faninit", v & 12);
	if (v & ~12u) {
		buf_char(c->out, '|');
		flags_of(c->out, "faninit", v & ~12u);
	}
}

void show_kind_landlockattr(struct shown *c, const struct arg *a)
{
	bool net = (u32)c->args[1] == 2; /* LANDLOCK_RULE_NET_PORT */
	const void *p = show_memory_if(c, a, net || (u32)c->args[1] == 1, net ? 16 : 12);

	if (p)
		show_form(c, net ? "{allowed_access=%f8:landlocknet;, port=%u8}" : "{allowed_access=%f8:landlockfs;, parent_fd=%d4}", p);
}

/* Buffers, descriptors. */
void show_kind_uringarg(struct shown *c, const struct arg *a)
{
	u32 what = (u32)c->args[1], n = (u32)ARG_AFTER(c, a);
	const s32 *fds;

	if (what == 0) { /* IORING_REGISTER_BUFFERS */
		show_places(c, a, ARG(c, a), n);
		return;
	}
	/* IORING_REGISTER_FILES, _EVENTFD, _EVENTFD_ASYNC */
	fds = show_memory_if(c, a, (what == 2 || what == 4 || what == 7) && n && n <= 64, 4 * (u64)n);
	for (u32 i = 0; fds && i < n; i++) {
		buf_puts(c->out, i ? ", " : "[");
		show_descriptor(c, fds[i]);
	}
	buf_puts(c->out, fds ? "]" : "");
}

void show_kind_quotacmd(struct shown *c, const struct arg *a)
{
	u32 v = (u32)ARG(c, a);

	buf_puts(c->out, "QCMD(");
	one_of(c->out, "quotacmd", v >> 8);
	buf_puts(c->out, ", ");
	one_of(c->out, "quotatype", v & 0xff);
	buf_char(c->out, ')');
}

/* ---- memory and tasks */

void show_kind_nodes(struct shown *c, const struct arg *a)
{
	/* the call takes one bit more than there are */
	u64 n = (MIN(c->args[a->count % MAX_ARGS], 4096u) + 62) / 64;
	const u64 *p = show_memory_if(c, a, n, n * 8);

	for (u64 i = 0; p && i < n; i++)
		buf_printf(c->out, i ? ", %#016llx" : "[%#016llx", (unsigned long long)p[i]);
	buf_puts(c->out, p ? "]" : "");
}

void show_kind_kcmp(struct shown *c, const struct arg *a)
{
	one_of(c->out, "kcmp", ARG(c, a));
	c->ended = ARG(c, a) != 0 && ARG(c, a) != 7; /* KCMP_FILE, KCMP_EPOLL_TFD */
}

void show_kind_ptraceop(struct shown *c, const struct arg *a)
{
	one_of(c->out, "ptrace", ARG(c, a));
	c->ended = !ARG(c, a); /* PTRACE_TRACEME */
}

void show_kind_ptraceaddr(struct shown *c, const struct arg *a)
{
	u32 op = (u32)c->args[0];

	if (op == PTRACE_GETREGSET || op == PTRACE_SETREGSET)
		one_of(c->out, "note", ARG(c, a));
	else
		show_address(c->out, ARG(c, a));
}

void show_kind_ptracedata(struct shown *c, const struct arg *a)
{
	const void *p;

	switch ((u32)c->args[0]) {
	case PTRACE_SETOPTIONS:
	case PTRACE_SEIZE: flags_of(c->out, "ptraceopt", ARG(c, a)); return;
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH: show_signal(c->out, (int)ARG(c, a)); return;
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		p = show_memory(c, a, 16);
		if (p)
			show_form(c, "{iov_base=%p8, iov_len=%u8}", p);
		return;
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
	case PTRACE_POKEUSER: show_hex(c->out, ARG(c, a)); return;
	default: show_address(c->out, ARG(c, a));
	}
}
