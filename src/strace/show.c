/*
 * show.c: numbers and flags: the simple kinds of arguments, and the words that all kinds share.
 */
#include "strace/strace.h"

#include <stdio.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- memory that was brought along */

/* What the call filled is looked for in what came at its end, the rest in what came at its
 * beginning. */
static const struct piece *piece_of(const struct shown *c, const struct arg *a, u64 addr, u64 size)
{
	const struct task *t = c->task;

	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < t->npieces; i++) {
			const struct piece *p = &t->pieces[i];

			if (p->late == (a->out ? !pass : pass) && addr >= p->addr &&
			    size <= p->size && addr - p->addr <= p->size - size)
				return p;
		}
	return NULL;
}

const void *seen(const struct shown *c, const struct arg *a, u64 addr, u64 size)
{
	const struct piece *p = piece_of(c, a, addr, size);

	return p ? c->task->bytes.p + p->at + (addr - p->addr) : NULL;
}

u64 seen_bytes(const struct shown *c, const struct arg *a, u64 addr)
{
	const struct piece *p = piece_of(c, a, addr, 1);

	return p ? p->size - (addr - p->addr) : 0;
}

const struct piece *seen_string(const struct shown *c, u64 addr)
{
	for (u32 i = 0; i < c->task->npieces; i++)
		if (c->task->pieces[i].string && c->task->pieces[i].addr == addr)
			return &c->task->pieces[i];
	return NULL;
}

const void *show_memory(struct shown *c, const struct arg *a, u64 size)
{
	u64 addr = ARG(c, a);
	const void *p =
		addr && !(a->out && (!c->done || c->ret < 0)) ? seen(c, a, addr, size) : NULL;

	if (!p)
		show_address(c->out, addr);
	return p;
}

const void *show_memory_if(struct shown *c, const struct arg *a, bool is, u64 size)
{
	if (is)
		return show_memory(c, a, size);
	show_address(c->out, ARG(c, a));
	return NULL;
}

/* ---- words */

void show_address(struct buf *b, u64 addr)
{
	buf_puts(b, addr ? "0x" : "NULL");
	if (addr)
		buf_hex(b, addr);
}

/* 0, 0x1 */
void show_hex(struct buf *b, u64 value)
{
	if (value)
		buf_puts(b, "0x");
	buf_hex(b, value);
}

/* Names of several bits come before their parts. */
const char *flag_name(const struct flag_set *set, u32 i)
{
	const char *name = set->names;

	while (i--)
		name += strlen(name) + 1;
	return name;
}

void show_flags(struct buf *b, const struct flag_set *set, u64 bits)
{
	u64 left = bits;
	bool first = true;

	for (u32 i = 0; i < set->n; i++) {
		u64 v = set->values[i];

		if (bits ? !v || (left & v) != v : v)
			continue;
		if (!first)
			buf_char(b, '|');
		buf_puts(b, flag_name(set, i));
		first = false;
		left &= ~v;
		if (!bits)
			return;
	}
	if (left && first)
		buf_printf(b, "%#llx /* %s */", (unsigned long long)left, set->unknown);
	else if (left)
		buf_printf(b, "|%#llx", (unsigned long long)left);
	else if (first)
		buf_char(b, '0');
}

void show_one(struct buf *b, const struct flag_set *set, u64 value)
{
	for (u32 i = 0; i < set->n; i++)
		if ((u32)set->values[i] == (u32)value) {
			buf_puts(b, flag_name(set, i));
			return;
		}
	buf_printf(b, *set->unknown ? "%#x /* %s */" : "%#x", (u32)value, set->unknown);
}

void flags_of(struct buf *b, const char *set, u64 bits)
{
	show_flags(b, strace_set(set, strlen(set)), bits);
}

void one_of(struct buf *b, const char *set, u64 value)
{
	show_one(b, strace_set(set, strlen(set)), value);
}

void show_signal(struct buf *b, int sig)
{
	const char *name = sig == SIGIO ? "IO" : sig > 0 && sig < 32 ? sigabbrev_np(sig) : NULL;

	if (name)
		buf_printf(b, "SIG%s", name);
	else if (sig == 32)
		buf_puts(b, "SIGRTMIN");
	else if (sig > 32 && sig < 65)
		buf_printf(b, "SIGRT_%d", sig - 32);
	else
		buf_printf(b, "%d", sig);
}

/* Of more than half of them, those that are missing. */
void show_signals(struct buf *b, u64 bits)
{
	bool most = __builtin_popcountll(bits) >= 32, first = true;

	if (most)
		bits = ~bits;
	buf_puts(b, most ? "~[" : "[");
	for (int i = 1; i < 65; i++) {
		struct buf name = {0};

		if (!(bits >> (i - 1) & 1))
			continue;
		show_signal(&name, i);
		buf_printf(b, "%s%s", first ? "" : " ",
			   buf_str(&name) + (strncmp(name.p, "SIG", 3) ? 0 : 3));
		first = false;
		buf_free(&name);
	}
	buf_char(b, ']');
}

void show_mode(struct buf *b, u32 mode)
{
	static const struct {
		u32 bit;
		const char *name;
	} bits[] = {{S_ISUID, "|S_ISUID"}, {S_ISGID, "|S_ISGID"}, {S_ISVTX, "|S_ISVTX"}};

	bool some = mode & S_IFMT;

	if (some)
		one_of(b, "mode", mode & S_IFMT);
	for (u32 i = 0; i < 3; i++)
		if (mode & bits[i].bit) {
			buf_puts(b, bits[i].name + !some);
			some = true;
		}
	buf_printf(b, some ? "|%#03o" : "%#03o", mode & 0777);
}

void show_descriptor(struct shown *c, s32 fd)
{
	buf_s64(c->out, fd);
	if (c->s->opts.paths && fd >= 0)
		show_path_of(c, fd);
}

/* ---- numbers */

#define PLAIN(name, put, type)                                      \
	void show_kind_##name(struct shown *c, const struct arg *a) \
	{                                                           \
		put(c->out, (type)ARG(c, a));                       \
	}
PLAIN(d, buf_s64, s32)
PLAIN(u, buf_u64, u32)
PLAIN(ld, buf_s64, s64)
PLAIN(lu, buf_u64, u64)
PLAIN(x, show_hex, u64)
#undef PLAIN

void show_kind_p(struct shown *c, const struct arg *a)
{
	show_address(c->out, ARG(c, a));
}

void show_kind_fd(struct shown *c, const struct arg *a)
{
	show_descriptor(c, (s32)ARG(c, a));
}

void show_kind_dirfd(struct shown *c, const struct arg *a)
{
	if ((s32)ARG(c, a) != AT_FDCWD) {
		show_descriptor(c, (s32)ARG(c, a));
		return;
	}
	buf_puts(c->out, "AT_FDCWD");
	if (c->s->opts.paths)
		show_path_of(c, AT_FDCWD);
}

void show_kind_mode(struct shown *c, const struct arg *a)
{
	buf_printf(c->out, "%#03o", (u32)ARG(c, a) & 0xffff);
}

void show_kind_filemode(struct shown *c, const struct arg *a)
{
	u32 mode = (u32)ARG(c, a) & 0xffff;

	if (mode & S_IFMT) {
		one_of(c->out, "mode", mode & S_IFMT);
		buf_char(c->out, '|');
	}
	buf_printf(c->out, "%#03o", mode & 07777);
	c->ended = (mode & S_IFMT) != S_IFCHR && (mode & S_IFMT) != S_IFBLK;
}

void show_kind_uid(struct shown *c, const struct arg *a)
{
	buf_printf(c->out, (s32)ARG(c, a) == -1 ? "%d" : "%u", (u32)ARG(c, a));
}

void show_kind_dev(struct shown *c, const struct arg *a)
{
	u64 dev = ARG(c, a);

	buf_printf(c->out, "makedev(%#x, %#x)", (u32)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffull)),
		   (u32)((dev & 0xff) | (dev >> 12 & ~0xffull)));
}

void show_kind_sig(struct shown *c, const struct arg *a)
{
	show_signal(c->out, (int)ARG(c, a));
}

void show_kind_one(struct shown *c, const struct arg *a)
{
	show_one(c->out, a->set, ARG(c, a));
}

void show_kind_set(struct shown *c, const struct arg *a)
{
	show_flags(c->out, a->set, (u32)ARG(c, a));
}

/* Only where a place is told does one follow. */
void show_kind_mremap(struct shown *c, const struct arg *a)
{
	flags_of(c->out, "mremap", (u32)ARG(c, a));
	c->ended = !(ARG(c, a) & (MREMAP_FIXED | 4));
}

/* How a network's file system is asked, then the other flags. */
void show_kind_statxflags(struct shown *c, const struct arg *a)
{
	u32 flags = (u32)ARG(c, a);

	if (!(flags & 0x6000))
		buf_puts(c->out, flags ? "AT_STATX_SYNC_AS_STAT|" : "AT_STATX_SYNC_AS_STAT");
	if (flags)
		flags_of(c->out, "statat", flags);
}

/* The upper half of an offset, which machines of 64 bits have no use for. */
void show_kind_skip(struct shown *c, const struct arg *a)
{
	(void)c;
	(void)a;
}

/* The mode of access, flags; without O_CREAT no mode follows. */
void show_open_flags(struct buf *b, u32 flags)
{
	one_of(b, "accmode", flags & O_ACCMODE);
	if (flags & ~(u32)O_ACCMODE) {
		buf_char(b, '|');
		flags_of(b, "open", flags & ~(u32)O_ACCMODE);
	}
}

void show_kind_open(struct shown *c, const struct arg *a)
{
	u32 flags = (u32)ARG(c, a);

	show_open_flags(c->out, flags);
	c->ended = !(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE;
}

void show_kind_setopen(struct shown *c, const struct arg *a)
{
	flags_of(c->out, "open", (u32)ARG(c, a));
}

void show_kind_openhow(struct shown *c, const struct arg *a)
{
	const u64 *how = show_memory_if(c, a, ARG_AFTER(c, a) >= 24, 24);

	if (!how)
		return;
	buf_puts(c->out, "{flags=");
	show_open_flags(c->out, (u32)how[0]);
	if (how[0] & O_CREAT || how[1])
		buf_printf(c->out, ", mode=%#03o", (u32)how[1]);
	buf_puts(c->out, ", resolve=");
	flags_of(c->out, "resolve", how[2]);
	buf_char(c->out, '}');
}

void show_kind_map(struct shown *c, const struct arg *a)
{
	u32 flags = (u32)ARG(c, a), rest = flags & ~(u32)MAP_TYPE;

	one_of(c->out, "maptype", flags & MAP_TYPE);
	if (!rest)
		return;
	buf_char(c->out, '|');
	if (rest >> 26 && rest & MAP_HUGETLB) {
		flags_of(c->out, "map", rest & 0x3ffffff);
		buf_printf(c->out, "|%u<<MAP_HUGE_SHIFT", rest >> 26);
	} else {
		flags_of(c->out, "map", rest);
	}
}
