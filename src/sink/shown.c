/*
 * shown.c: fields that only user space can make readable: stacks, symbols, times, addresses of the
 * net, error numbers, buffers.
 *
 * A stack is lines, each with its newline, behind a newline of its own: so it looks the same as a
 * key in brackets and in the middle of a printf.
 */
#include "sink/value.h"

#include "elf/debug.h"
#include "elf/lines.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NAME_MOST   512 /* of a symbol; longer ones are cut */
#define MODULE_MOST 200
#define PATHS_MOST  4096 /* of a cgroup in all hierarchies */
#define SOURCE_MOST 1024 /* of a folder, of a file's name */
#define FRAME_MOST  (16 + 20 + NAME_MOST + MODULE_MOST + 24 + 2 * SOURCE_MOST + 24)
#define INDENT      8

static u64 word(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static char *put_hex(char *p, u64 v)
{
	for (int shift = v ? (63 - __builtin_clzll(v)) / 4 * 4 : 0; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

static char *put_0x(char *p, u64 v)
{
	return put_hex(put_copy(p, "0x", 2), v);
}

static char *put_cut(char *p, const char *s, size_t most)
{
	return put_copy(p, s, strnlen(s, most));
}

/* ---- symbols and stacks */

static bool find(const struct show *show, bool user, u64 pid, u64 addr, bool caller,
		 struct symbol *s)
{
	*s = (struct symbol){0};
	if (!show || !show->symbols)
		return false;
	if (caller)
		return symbol_of_caller(show->symbols, user, (u32)pid, addr, s);
	return user ? symbol_of_process(show->symbols, (u32)pid, addr, s)
		    : symbol_of_kernel(show->symbols, addr, s);
}

static char *put_symbol(char *p, const struct symbol *s, u8 mode, u64 addr, bool offset)
{
	if (!s->name)
		return put_0x(p, addr);
	p = put_cut(p, mode & SYMBOLS_AS_LINKED ? s->name : s->readable, NAME_MOST);
	if (!offset)
		return p;
	*p++ = '+';
	return put_u64(p, s->off);
}

/* In brackets what is of the kernel: modules, bpf. */
static char *put_module(char *p, const struct symbol *s, bool user)
{
	p = put_copy(p, user ? " (" : " [", 2);
	p = put_cut(p, s->module ? s->module : "[unknown]", MODULE_MOST);
	*p++ = user ? ')' : ']';
	return p;
}

static char *put_bytes_hex(char *p, const struct build_id *id)
{
	for (u32 i = 0; i < id->n; i++) {
		*p++ = "0123456789abcdef"[id->bytes[i] >> 4];
		*p++ = "0123456789abcdef"[id->bytes[i] & 15];
	}
	return p;
}

static char *put_build_id(char *p, const struct symbol *s, u64 addr)
{
	if (!s->build_id)
		return put_hex(p, addr);
	p = put_bytes_hex(p, s->build_id);
	*p++ = ' ';
	return put_0x(p, s->file_off);
}

/* @folder/file:line */
static char *put_line(char *p, const struct show *show, u64 pid, u64 addr)
{
	struct line_place at;

	if (!show || !show->symbols || !symbol_line(show->symbols, (u32)pid, addr, &at))
		return p;
	*p++ = '@';
	p = put_cut(p, at.folder, SOURCE_MOST);
	if (*at.folder)
		*p++ = '/';
	p = put_cut(p, at.file, SOURCE_MOST);
	*p++ = ':';
	return put_u64(p, at.line);
}

/* last: how many bytes before the address the instruction ends that stands for it: of callers 1, as
 * theirs is a return address. */
static char *put_frame(char *p, const struct show *show, u8 flags, bool user, u64 pid, u64 addr,
		       u32 last)
{
	u8 mode = flags & STACK_MODE_BITS;
	struct symbol s;

	if (mode == STACK_PERF)
		*p++ = '\t';
	else
		p = put_fill(p, ' ', show && show->indent ? show->indent : INDENT);
	if (mode == STACK_PERF || mode == STACK_RAW)
		p = put_hex(p, addr);
	if (mode != STACK_RAW)
		find(show, user, pid, addr, last, &s);
	if (mode == STACK_PERF)
		*p++ = ' ';
	if (mode == STACK_BUILD_ID)
		p = put_build_id(p, &s, addr);
	else if (mode != STACK_RAW)
		p = put_symbol(p, &s, flags, addr, true);
	if (mode == STACK_PERF && (user || s.module))
		p = put_module(p, &s, user);
	if (user && flags & STACK_WITH_LINES && (mode == STACK_PERF || mode == STACK_BPFTRACE))
		p = put_line(p, show, pid, addr - last);
	*p++ = '\n';
	return p;
}

static char *put_stack(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	bool user = f->kind == FIELD_USTACK;
	u32 first = user ? 8 : 0;
	u64 pid = user ? word(data) : 0, addr;

	*p++ = '\n';
	for (u32 at = first; at + 8 <= f->size; at += 8) {
		addr = word(data + at);
		if (!addr)
			break;
		p = put_frame(p, show, f->mode, user, pid, addr, at != first);
	}
	return p;
}

static char *put_member(char *p, const char *key, const char *text, size_t most)
{
	p = put_copy(p, key, strlen(key));
	p = put_json(p, (const u8 *)text, strnlen(text, most), true);
	*p++ = '"';
	return p;
}

static char *put_frame_json(char *p, const struct show *show, u8 flags, bool user, u64 pid,
			    u64 addr, bool caller)
{
	struct symbol s;

	p = put_copy(p, "{\"addr\":\"", 9);
	p = put_0x(p, addr);
	*p++ = '"';
	find(show, user, pid, addr, caller, &s);
	if (s.name) {
		p = put_member(p, ",\"symbol\":\"", flags & SYMBOLS_AS_LINKED ? s.name : s.readable,
			       NAME_MOST);
		p = put_copy(p, ",\"offset\":", 10);
		p = put_u64(p, s.off);
	}
	if (s.module)
		p = put_member(p, ",\"module\":\"", s.module, MODULE_MOST);
	if (s.build_id) {
		p = put_copy(p, ",\"build_id\":\"", 13);
		p = put_bytes_hex(p, s.build_id);
		p = put_copy(p, "\",\"file_offset\":", 16);
		p = put_u64(p, s.file_off);
	}
	*p++ = '}';
	return p;
}

char *stack_json(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	bool user = f->kind == FIELD_USTACK;
	u32 first = user ? 8 : 0;
	u64 pid = user ? word(data + f->off) : 0, addr;

	*p++ = '[';
	for (u32 at = first; at + 8 <= f->size; at += 8) {
		addr = word(data + f->off + at);
		if (!addr)
			break;
		if (at != first)
			*p++ = ',';
		p = put_frame_json(p, show, f->mode, user, pid, addr, at != first);
	}
	*p++ = ']';
	return p;
}

/* ---- times */

char *put_time(char *p, const char *format, s64 wall_ns)
{
	s64 s = wall_ns / 1000000000, ns = wall_ns % 1000000000;
	char with_us[TIME_TEXT_MOST], *to = with_us;
	struct tm tm;
	time_t t;

	if (ns < 0) {
		ns += 1000000000;
		s--;
	}
	/* %f is not one of the C library's: it becomes plain digits */
	while (*format && to < with_us + sizeof(with_us) - 8) {
		if (format[0] == '%' && format[1] == 'f') {
			for (u32 us = (u32)(ns / 1000), i = 100000; i; i /= 10)
				*to++ = (char)('0' + us / i % 10);
			format += 2;
			continue;
		}
		*to++ = *format++;
		if (to[-1] == '%' && *format)
			*to++ = *format++;
	}
	*to = 0;
	t = (time_t)s;
	if (!localtime_r(&t, &tm))
		return put_s64(p, wall_ns);
	return p + strftime(p, TIME_TEXT_MOST, with_us, &tm);
}

static char *put_field_time(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	u64 mode = f->mode < 3 ? f->mode : 0;

	return put_time(p, f->text, (s64)word(data) + (show ? show->wall_ns[mode] : 0));
}

/* ---- small ones */

/* An address; where there is room for one, with a port behind it. */
static char *put_inet(char *p, const u8 *data, u32 size)
{
	char text[INET6_ADDRSTRLEN];
	int family = word(data) == AF_INET6 ? AF_INET6 : AF_INET;
	bool port = size >= 32, brackets = port && family == AF_INET6;

	if (!inet_ntop(family, data + 8, text, sizeof(text)))
		return p;
	if (brackets)
		*p++ = '[';
	p = put_copy(p, text, strlen(text));
	if (brackets)
		*p++ = ']';
	if (port) {
		*p++ = ':';
		p = put_u64(p, word(data + 24));
	}
	return p;
}

static char *put_mac(char *p, const u8 *data)
{
	for (u32 i = 0; i < 6; i++) {
		if (i)
			*p++ = ':';
		*p++ = "0123456789ABCDEF"[data[i] >> 4];
		*p++ = "0123456789ABCDEF"[data[i] & 15];
	}
	return p;
}

static char *put_errno(char *p, u64 v)
{
	const char *text = v < 4096 ? strerrordesc_np((int)v) : NULL;

	if (text)
		return put_cut(p, text, NAME_MOST);
	p = put_copy(p, "Unknown error ", 14);
	return put_s64(p, (s64)v);
}

static char *put_user(char *p, const struct show *show, u64 uid)
{
	return show && show->symbols ? put_cut(p, symbol_user(show->symbols, (u32)uid), NAME_MOST)
				     : put_u64(p, uid);
}

static char *put_cgroup(char *p, const struct show *show, const char *pattern, u64 id)
{
	return show && show->symbols
		       ? put_cut(p, symbol_cgroup(show->symbols, id, pattern), PATHS_MOST)
		       : put_u64(p, id);
}

/* 1500 with three digits is 1.500 */
static char *put_decimal(char *p, u8 digits, s64 v)
{
	u64 n = v < 0 ? -(u64)v : (u64)v, unit = 1;

	for (u8 i = 0; i < digits && i < 18; i++)
		unit *= 10;
	if (v < 0)
		*p++ = '-';
	p = put_u64(p, n / unit);
	*p++ = '.';
	for (n %= unit, unit /= 10; unit; n %= unit, unit /= 10)
		*p++ = (char)('0' + n / unit);
	return p;
}

/* "0", "code 3", "signal 11 (SEGV), core dumped" */
static char *put_exit(char *p, u32 status)
{
	u32 code = status >> 8 & 255, sig = status & 127;
	const char *name = sigabbrev_np((int)sig);

	if (!sig)
		return p + sprintf(p, code ? "code %u" : "%u", code);
	p += name ? sprintf(p, "signal %u (%s)", sig, name) : sprintf(p, "signal %u", sig);
	return status & 128 ? stpcpy(p, ", core dumped") : p;
}

/* As /dev has it; major:minor where there is none any more. The number is major << 20 | minor. */
static char *put_disk(char *p, u64 dev)
{
	char path[64], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", (u32)(dev >> 20) & 0xfff,
		 (u32)dev & 0xfffff);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0) {
		p = put_u64(p, dev >> 20);
		*p++ = ':';
		return put_u64(p, dev & 0xfffff);
	}
	target[n] = 0;
	return put_cut(p, strrchr(target, '/') ? strrchr(target, '/') + 1 : target, NAME_MOST);
}

/* "PATH\nWORD\nDIVISOR": the number behind the word, at the beginning of a line. */
static char *put_file_number(char *p, const char *text)
{
	char path[128], word[64], line[512];
	unsigned long long n = 0, div = 1;
	FILE *f;

	if (sscanf(text, "%127[^\n]\n%63[^\n]\n%llu", path, word, &div) < 2)
		return put_u64(p, 0);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, strlen(word))) {
			n = strtoull(line + strlen(word), NULL, 10);
			break;
		}
	if (f)
		fclose(f);
	return put_u64(p, n / (div ? div : 1));
}

const u8 *buffer_bytes(const struct field *f, const u8 *data, u32 *n)
{
	u64 len = word(data + f->off);

	*n = (u32)MIN(len, (u64)f->size - 8);
	return data + f->off + 8;
}

/* ---- the kinds */

u32 shown_text_most(const struct field *f)
{
	switch (f->kind) {
	case FIELD_BUF: return f->size * 4;
	case FIELD_KSTACK:
	case FIELD_USTACK: return 1 + f->size / 8 * FRAME_MOST;
	case FIELD_TIME: return TIME_TEXT_MOST;
	case FIELD_CGROUP: return PATHS_MOST;
	default: return NAME_MOST + 32;
	}
}

char *shown_text(char *p, const struct show *show, const struct field *f, const u8 *data)
{
	const u8 *at = data + f->off;
	struct symbol s;
	u32 n;

	switch (f->kind) {
	case FIELD_BUF: at = buffer_bytes(f, data, &n); return put_raw(p, at, n, 0);
	case FIELD_KSYM:
		find(show, false, 0, word(at), false, &s);
		return put_symbol(p, &s, f->mode, word(at), false);
	case FIELD_USYM:
		find(show, true, word(at + 8), word(at), false, &s);
		return put_symbol(p, &s, f->mode, word(at), false);
	case FIELD_KSTACK:
	case FIELD_USTACK: return put_stack(p, show, f, at);
	case FIELD_TIME: return put_field_time(p, show, f, at);
	case FIELD_INET: return put_inet(p, at, f->size);
	case FIELD_DECIMAL: return put_decimal(p, f->mode, (s64)word(at));
	case FIELD_EXIT: return put_exit(p, (u32)word(at));
	case FIELD_DISK: return put_disk(p, word(at));
	case FIELD_FILE: return put_file_number(p, f->text ? f->text : "");
	case FIELD_MAC: return put_mac(p, at);
	case FIELD_ERRNO: return put_errno(p, word(at));
	case FIELD_USER: return put_user(p, show, word(at));
	case FIELD_CGROUP: return put_cgroup(p, show, f->text ? f->text : "*", word(at));
	default: return p;
	}
}
