/*
 * show_struct.c: structures of files, times and limits.
 */
#include "strace/strace.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>

/* ---- files */

static void put_device(struct buf *b, const char *name, u64 dev)
{
	buf_printf(b, ", %s=makedev(%#x, %#x)", name, major(dev), minor(dev));
}

/* Without a fraction if it is 0. None: 0, years that no calendar has, fractions of a second and more. */
void show_date(struct buf *b, const char *before, s64 sec, u64 frac, int digits, const char *after)
{
	char text[48], zone[8];
	time_t t = (time_t)sec;
	struct tm tm;

	if ((!sec && !frac) || frac >= (digits == 9 ? 1000000000u : 1000000u) || !localtime_r(&t, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	buf_puts(b, before);
	buf_puts(b, text);
	if (frac)
		buf_printf(b, ".%0*u", digits, (u32)frac);
	buf_puts(b, zone);
	buf_puts(b, after);
}

static void put_date(struct buf *b, s64 sec, u64 frac, int digits)
{
	show_date(b, " /* ", sec, frac, digits, " */");
}

/* -v */
static void whole_stat(struct buf *b, const struct stat *st)
{
	const struct {
		const char *name, *frac;
		struct timespec t;
	} times[] = {{"st_atime", "st_atime_nsec", st->st_atim},
		     {"st_mtime", "st_mtime_nsec", st->st_mtim},
		     {"st_ctime", "st_ctime_nsec", st->st_ctim}};

	put_device(b, "st_dev", st->st_dev);
	buf_printf(b, ", st_ino=%llu, st_mode=", (unsigned long long)st->st_ino);
	show_mode(b, st->st_mode);
	buf_printf(b, ", st_nlink=%llu, st_uid=%u, st_gid=%u, st_blksize=%lld, st_blocks=%lld",
		   (unsigned long long)st->st_nlink, st->st_uid, st->st_gid,
		   (long long)st->st_blksize, (long long)st->st_blocks);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		put_device(b, "st_rdev", st->st_rdev);
	else
		buf_printf(b, ", st_size=%lld", (long long)st->st_size);
	for (u32 i = 0; i < 3; i++) {
		buf_printf(b, ", %s=%lld", times[i].name, (long long)times[i].t.tv_sec);
		put_date(b, times[i].t.tv_sec, (u64)times[i].t.tv_nsec, 9);
		buf_printf(b, ", %s=%lld", times[i].frac, (long long)times[i].t.tv_nsec);
	}
	buf_char(b, '}');
}

void show_kind_stat(struct shown *c, const struct arg *a)
{
	const struct stat *st = show_memory(c, a, sizeof(*st));
	struct buf text = {0};

	if (!st)
		return;
	buf_char(c->out, '{');
	if (c->s->opts.verbose) {
		whole_stat(&text, st);
		buf_puts(c->out, buf_str(&text) + 2); /* without the first ", " */
		buf_free(&text);
		return;
	}
	buf_puts(c->out, "st_mode=");
	show_mode(c->out, st->st_mode);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		buf_printf(c->out, ", st_rdev=makedev(%#x, %#x), ...}", major(st->st_rdev),
			   minor(st->st_rdev));
	else
		buf_printf(c->out, ", st_size=%lld, ...}", (long long)st->st_size);
}

void show_kind_statx(struct shown *c, const struct arg *a)
{
	const struct statx *st = show_memory(c, a, sizeof(*st));

	if (!st)
		return;
	buf_puts(c->out, "{stx_mask=");
	flags_of(c->out, "statx", st->stx_mask);
	if (c->s->opts.verbose)
		buf_printf(c->out, ", stx_blksize=%u", st->stx_blksize);
	buf_puts(c->out, ", stx_attributes=");
	flags_of(c->out, "stxattr", st->stx_attributes);
	if (c->s->opts.verbose)
		buf_printf(c->out, ", stx_nlink=%u, stx_uid=%u, stx_gid=%u", st->stx_nlink,
			   st->stx_uid, st->stx_gid);
	buf_puts(c->out, ", stx_mode=");
	show_mode(c->out, st->stx_mode);
	if (c->s->opts.verbose)
		buf_printf(c->out, ", stx_ino=%llu", (unsigned long long)st->stx_ino);
	buf_printf(c->out, ", stx_size=%llu", (unsigned long long)st->stx_size);
	if (c->s->opts.verbose)
		buf_printf(c->out, ", stx_blocks=%llu", (unsigned long long)st->stx_blocks);
	buf_puts(c->out, ", ...}");
}

void show_kind_statfs(struct shown *c, const struct arg *a)
{
	const struct statfs *f = show_memory(c, a, sizeof(*f));

	if (!f)
		return;
	buf_puts(c->out, "{f_type=");
	one_of(c->out, "fsmagic", (u32)f->f_type);
	buf_printf(c->out,
		   ", f_bsize=%lld, f_blocks=%llu, f_bfree=%llu, f_bavail=%llu, f_files=%llu, "
		   "f_ffree=%llu, "
		   "f_fsid={val=[%#x, %#x]}, f_namelen=%lld, f_frsize=%lld, f_flags=",
		   (long long)f->f_bsize, (unsigned long long)f->f_blocks,
		   (unsigned long long)f->f_bfree, (unsigned long long)f->f_bavail,
		   (unsigned long long)f->f_files, (unsigned long long)f->f_ffree,
		   (u32)f->f_fsid.__val[0], (u32)f->f_fsid.__val[1], (long long)f->f_namelen,
		   (long long)f->f_frsize);
	flags_of(c->out, "st", (u64)f->f_flags);
	buf_char(c->out, '}');
}

struct dirent64 {
	u64 ino, off;
	u16 reclen;
	u8 rest[6];
};

/* Only how many there are, as long as all were brought along. */
void show_kind_dirents(struct shown *c, const struct arg *a)
{
	u64 addr = ARG(c, a), at = 0, n = 0;
	const struct dirent64 *d = NULL;

	show_address(c->out, addr);
	if (!c->done || c->ret < 0)
		return;
	for (; at < (u64)c->ret; at += d->reclen, n++) {
		d = seen(c, a, addr + at, 18);
		if (!d || !d->reclen)
			return;
	}
	buf_printf(c->out, " /* %llu entries */", (unsigned long long)n);
}

void show_kind_off(struct shown *c, const struct arg *a)
{
	const s64 *p = ARG(c, a) ? seen(c, a, ARG(c, a), 8) : NULL;

	if (p)
		buf_printf(c->out, "[%lld]", (long long)*p);
	else
		show_address(c->out, ARG(c, a));
}

/* " => [4096], 4096": where it went on to, and how many bytes were asked for. */
void show_kind_moved(struct shown *c, const struct arg *a)
{
	const s64 *p = c->done && c->ret > 0 && c->args[2] ? seen(c, a, c->args[2], 8) : NULL;

	if (p)
		buf_printf(c->out, " => [%lld]", (long long)*p);
	buf_printf(c->out, ", %llu", (unsigned long long)ARG(c, a));
}

/* A byte for each page. */
void show_kind_mincore(struct shown *c, const struct arg *a)
{
	u64 n = c->args[1] / 4096 + (c->args[1] % 4096 != 0);
	const u8 *p = show_memory_if(c, a, n && n <= a->kind->bytes, n);

	for (u64 i = 0; p && i < n; i++)
		buf_printf(c->out, i ? ", %u" : "[%u", p[i] & 1);
	buf_puts(c->out, p ? "]" : "");
}

void show_kind_time(struct shown *c, const struct arg *a)
{
	const s64 *t = show_memory(c, a, 8);

	if (!t)
		return;
	buf_printf(c->out, "[%lld", (long long)*t);
	put_date(c->out, *t, 0, 0);
	buf_char(c->out, ']');
}

void show_kind_pair(struct shown *c, const struct arg *a)
{
	const s32 *fd = show_memory(c, a, 8);

	if (!fd)
		return;
	buf_char(c->out, '[');
	show_descriptor(c, fd[0]);
	buf_puts(c->out, ", ");
	show_descriptor(c, fd[1]);
	buf_char(c->out, ']');
}

u64 counted(const struct shown *c, const struct arg *a)
{
	return a->count == COUNT_RESULT ? (c->ret < 0 ? 0 : (u64)c->ret)
					: (u32)c->args[a->count % MAX_ARGS];
}

void show_kind_uids(struct shown *c, const struct arg *a)
{
	u64 n = counted(c, a);
	const u32 *p = n || !ARG(c, a) ? show_memory(c, a, n * 4) : NULL;

	if (!n && ARG(c, a))
		buf_puts(c->out, "[]");
	if (!p)
		return;
	for (u64 i = 0; i < n; i++)
		buf_printf(c->out, "%s%u", i ? ", " : "[", p[i]);
	buf_char(c->out, ']');
}

void show_kind_cpus(struct shown *c, const struct arg *a)
{
	u64 n = counted(c, a), some = 0;
	const u8 *p = show_memory(c, a, n);

	if (!p)
		return;
	buf_char(c->out, '[');
	for (u64 i = 0; i < n * 8; i++)
		if (p[i / 8] >> (i % 8) & 1)
			buf_printf(c->out, some++ ? " %llu" : "%llu", (unsigned long long)i);
	buf_char(c->out, ']');
}

/* ---- times */

void show_timespec(struct buf *b, const s64 *t, const char *small)
{
	buf_printf(b, "{tv_sec=%lld, tv_%s=%llu}", (long long)t[0], small, (unsigned long long)t[1]);
}

static void two_times(struct shown *c, const struct arg *a, const char *small, const char *open,
		      const char *between, const char *close)
{
	const s64 *t = show_memory(c, a, 32);

	if (!t)
		return;
	buf_puts(c->out, open);
	show_timespec(c->out, t, small);
	buf_puts(c->out, between);
	show_timespec(c->out, t + 2, small);
	buf_puts(c->out, close);
}

void show_kind_timespec(struct shown *c, const struct arg *a)
{
	const s64 *t = show_memory(c, a, 16);

	if (t)
		show_timespec(c->out, t, "nsec");
}

void show_kind_timeval(struct shown *c, const struct arg *a)
{
	const s64 *t = show_memory(c, a, 16);

	if (t)
		show_timespec(c->out, t, "usec");
}

/* What is left of the time to wait, where something came before. */
static void time_left(struct shown *c, const struct arg *a, const char *small)
{
	struct arg late = *a;
	const s64 *t = show_memory(c, a, 16);

	if (c->done && !c->ret && !c->after.n)
		buf_puts(&c->after, "Timeout");
	if (!t)
		return;
	show_timespec(c->out, t, small);
	late.out = true;
	t = c->done && c->ret > 0 ? seen(c, &late, ARG(c, a), 16) : NULL;
	if (t) {
		buf_puts(&c->after, c->after.n ? ", left " : "left ");
		show_timespec(&c->after, t, small);
	}
}

void show_kind_left(struct shown *c, const struct arg *a)
{
	time_left(c, a, "nsec");
}

void show_kind_leftval(struct shown *c, const struct arg *a)
{
	time_left(c, a, "usec");
}

/* What is left of a sleep is written only when it was interrupted. */
void show_kind_rest(struct shown *c, const struct arg *a)
{
	const s64 *t = c->done && c->ret <= -512 && ARG(c, a) ? seen(c, a, ARG(c, a), 16) : NULL;

	if (t)
		show_timespec(c->out, t, "nsec");
	else
		show_address(c->out, ARG(c, a));
}

static void show_moment(struct buf *b, const s64 *t, const char *small, int digits)
{
	show_timespec(b, t, small);
	put_date(b, t[0], (u64)t[1], digits);
}

static const char *special(s64 nsec)
{
	return nsec == UTIME_NOW ? "UTIME_NOW" : nsec == UTIME_OMIT ? "UTIME_OMIT" : NULL;
}

void show_kind_timespecs(struct shown *c, const struct arg *a)
{
	const s64 *t = show_memory(c, a, 32);

	if (!t)
		return;
	for (u32 i = 0; i < 2; i++) {
		buf_puts(c->out, i ? ", " : "[");
		if (special(t[2 * i + 1]))
			buf_puts(c->out, special(t[2 * i + 1]));
		else
			show_moment(c->out, t + 2 * i, "nsec", 9);
	}
	buf_char(c->out, ']');
}

void show_kind_utimevals(struct shown *c, const struct arg *a)
{
	const s64 *t = show_memory(c, a, 32);

	for (u32 i = 0; t && i < 2; i++) {
		buf_puts(c->out, i ? ", " : "[");
		show_moment(c->out, t + 2 * i, "usec", 6);
	}
	buf_puts(c->out, t ? "]" : "");
}

void show_kind_itimerval(struct shown *c, const struct arg *a)
{
	two_times(c, a, "usec", "{it_interval=", ", it_value=", "}");
}

void show_kind_itimerspec(struct shown *c, const struct arg *a)
{
	two_times(c, a, "nsec", "{it_interval=", ", it_value=", "}");
}

/* ---- limits, uses, names */

static void limit(struct buf *b, u64 n)
{
	if (n == UINT64_MAX)
		buf_puts(b, "RLIM64_INFINITY");
	else if (n > 1024 && n % 1024 == 0)
		buf_printf(b, "%llu*1024", (unsigned long long)n / 1024);
	else
		buf_printf(b, "%llu", (unsigned long long)n);
}

void show_kind_rlimit64(struct shown *c, const struct arg *a)
{
	const u64 *l = show_memory(c, a, 16);

	if (!l)
		return;
	buf_puts(c->out, "{rlim_cur=");
	limit(c->out, l[0]);
	buf_puts(c->out, ", rlim_max=");
	limit(c->out, l[1]);
	buf_char(c->out, '}');
}

void show_kind_rlimit(struct shown *c, const struct arg *a)
{
	show_kind_rlimit64(c, a);
}

void show_kind_rusage(struct shown *c, const struct arg *a)
{
	const struct rusage *r = show_memory(c, a, sizeof(*r));

	if (!r)
		return;
	buf_printf(c->out,
		   "{ru_utime={tv_sec=%lld, tv_usec=%lld}, ru_stime={tv_sec=%lld, tv_usec=%lld}",
		   (long long)r->ru_utime.tv_sec, (long long)r->ru_utime.tv_usec,
		   (long long)r->ru_stime.tv_sec, (long long)r->ru_stime.tv_usec);
	if (!c->s->opts.verbose) {
		buf_puts(c->out, ", ...}");
		return;
	}
	buf_printf(c->out,
		   ", ru_maxrss=%ld, ru_ixrss=%ld, ru_idrss=%ld, ru_isrss=%ld, ru_minflt=%ld, "
		   "ru_majflt=%ld, ru_nswap=%ld, ru_inblock=%ld, ru_oublock=%ld, ru_msgsnd=%ld, "
		   "ru_msgrcv=%ld, ru_nsignals=%ld, ru_nvcsw=%ld, ru_nivcsw=%ld}",
		   r->ru_maxrss, r->ru_ixrss, r->ru_idrss, r->ru_isrss, r->ru_minflt, r->ru_majflt,
		   r->ru_nswap, r->ru_inblock, r->ru_oublock, r->ru_msgsnd, r->ru_msgrcv,
		   r->ru_nsignals, r->ru_nvcsw, r->ru_nivcsw);
}

void show_kind_utsname(struct shown *c, const struct arg *a)
{
	static const char *const names[] = {"sysname", "nodename", "release",
					    "version", "machine",  "domainname"};
	const struct utsname *u = show_memory(c, a, 65 * 6);

	if (!u)
		return;
	for (u32 i = 0; i < (c->s->opts.verbose ? 6u : 2u); i++) {
		const char *text = (const char *)u + i * sizeof(u->sysname);

		buf_printf(c->out, "%s%s=", i ? ", " : "{", names[i]);
		show_bytes(c, text, strnlen(text, 65), 0, false, 65);
	}
	buf_puts(c->out, c->s->opts.verbose ? "}" : ", ...}");
}

/* ---- waiting for descriptors */

static void ready(struct shown *c, const struct pollfd *p, u32 n)
{
	bool some = false;

	buf_puts(&c->after, "[");
	for (u32 i = 0; i < n; i++) {
		if (!p[i].revents)
			continue;
		buf_printf(&c->after, "%s{fd=%d, revents=", some ? ", " : "", p[i].fd);
		flags_of(&c->after, "poll", (u16)p[i].revents);
		buf_char(&c->after, '}');
		some = true;
	}
	buf_puts(&c->after, "]");
}

void show_kind_poll(struct shown *c, const struct arg *a)
{
	u32 n = (u32)ARG_AFTER(c, a);
	struct arg late = *a;
	const struct pollfd *p = n ? seen(c, a, ARG(c, a), 8ull * n) : NULL;

	if (c->done && !c->ret)
		buf_puts(&c->after, "Timeout");
	if (!p) {
		show_address(c->out, ARG(c, a));
		return;
	}
	buf_char(c->out, '[');
	for (u32 i = 0; i < n && i < 32; i++) {
		buf_puts(c->out, i ? ", {fd=" : "{fd=");
		show_descriptor(c, p[i].fd);
		if (p[i].fd >= 0) {
			buf_puts(c->out, ", events=");
			flags_of(c->out, "poll", (u16)p[i].events);
		}
		buf_char(c->out, '}');
	}
	buf_puts(c->out, n > 32 ? ", ...]" : "]");
	late.out = true;
	p = c->done && c->ret > 0 ? seen(c, &late, ARG(c, a), 8ull * n) : NULL;
	if (p)
		ready(c, p, n);
}

static void descriptors(struct shown *c, struct buf *b, const u64 *bits, u32 n)
{
	struct buf *out = c->out;
	bool some = false;

	c->out = b;
	buf_char(b, '[');
	for (u32 i = 0; i < n && i < 1024; i++)
		if (bits[i / 64] >> (i % 64) & 1) {
			buf_puts(b, some ? " " : "");
			show_descriptor(c, (s32)i);
			some = true;
		}
	buf_char(b, ']');
	c->out = out;
}

/* select() writes into its sets what is ready. */
void show_kind_fdset(struct shown *c, const struct arg *a)
{
	static const char *const names[] = {"", "in ", "out ", "except "};
	struct arg late = *a;
	u32 n = (u32)c->args[0];
	const u64 *bits = ARG(c, a) ? seen(c, a, ARG(c, a), ALIGN_UP(MIN(n, 1024u), 64) / 8) : NULL;

	if (!bits) {
		show_address(c->out, ARG(c, a));
		return;
	}
	descriptors(c, c->out, bits, n);
	late.out = true;
	bits = c->done && c->ret > 0 ? seen(c, &late, ARG(c, a), ALIGN_UP(MIN(n, 1024u), 64) / 8)
				     : NULL;
	if (bits) {
		struct buf set = {0};

		descriptors(c, &set, bits, n);
		if (set.n > 2)
			buf_printf(&c->after, "%s%s%s", c->after.n ? ", " : "", names[a->i & 3],
				   buf_str(&set));
		buf_free(&set);
	} else if (c->done && !c->ret && !c->after.n) {
		buf_puts(&c->after, "Timeout");
	}
}

static void event(struct buf *b, const struct epoll_event *e)
{
	u64 data;

	memcpy(&data, (const char *)e + 4, 8);
	buf_puts(b, "{events=");
	flags_of(b, "epoll", e->events);
	if (data >> 32)
		buf_printf(b, ", data={u32=%u, u64=%llu}}", (u32)data, (unsigned long long)data);
	else
		buf_printf(b, ", data={u32=%u, u64=%u}}", (u32)data, (u32)data);
}

void show_kind_event(struct shown *c, const struct arg *a)
{
	/* nobody reads it where a descriptor is taken out */
	const struct epoll_event *e = show_memory_if(c, a, c->args[1] != EPOLL_CTL_DEL, 12);

	if (e)
		event(c->out, e);
}

void show_kind_events(struct shown *c, const struct arg *a)
{
	const struct epoll_event *e;

	if (c->done && !c->ret) {
		buf_puts(c->out, "[]");
		return;
	}
	e = c->done && c->ret > 0 ? show_memory(c, a, 12 * (u64)c->ret) : NULL;
	if (!c->done || c->ret < 0)
		show_address(c->out, ARG(c, a));
	for (s64 i = 0; e && i < c->ret; i++) {
		buf_puts(c->out, i ? ", " : "[");
		event(c->out, (const void *)((const char *)e + 12 * i));
	}
	if (e)
		buf_char(c->out, ']');
}
