/*
 * sink_fixture.h: for the tests of the sinks: a sink that writes to memory, and a checker of JSON
 * lines (RFC 8259, and RFC 3629 for UTF-8).
 */
#ifndef TESTS_UNIT_SINK_FIXTURE_H
#define TESTS_UNIT_SINK_FIXTURE_H

#include "sink/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a sink that writes to memory */

struct fixture {
	struct object object;
	struct sink sink;
	struct diag diag;
	struct arena arena;
	int fd;
	char out[1 << 20];
};

static inline void start(struct fixture *x, const char *format)
{
	x->fd = memfd_create("sink", 0);
	assert_true(x->fd >= 0);
	assert_int_equal(sink_open(&x->sink, format, &x->object, x->fd, false, &x->diag), 0);
}

static inline const char *finish(struct fixture *x)
{
	ssize_t n;

	assert_int_equal(sink_close(&x->sink), 0);
	n = pread(x->fd, x->out, sizeof(x->out) - 1, 0);
	assert_true(n >= 0);
	x->out[n] = 0;
	close(x->fd);
	arena_free(&x->arena);
	return x->out;
}

/* ---- a checker of JSON lines; each function returns what follows, NULL: broken */

static const char *json_any(const char *p);

static const char *json_text(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		u8 c = (u8)*p;
		u32 more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

		if (c < 0x20 || (c >= 0x80 && c < 0xc2) || c > 0xf4)
			return NULL;
		if (c == 0xe0 && (u8)p[1] < 0xa0)
			return NULL;
		if (c == 0xed && (u8)p[1] > 0x9f)
			return NULL;
		if ((c == 0xf0 && (u8)p[1] < 0x90) || (c == 0xf4 && (u8)p[1] > 0x8f))
			return NULL;
		while (more--)
			if (((u8) * ++p & 0xc0) != 0x80)
				return NULL;
		if (c != '\\')
			continue;
		p++;
		if (*p == 'u') {
			for (u32 i = 0; i < 4; i++)
				if (!*++p || !strchr("0123456789abcdefABCDEF", *p))
					return NULL;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	return p + 1;
}

static const char *json_number(const char *p)
{
	const char *start;

	p += *p == '-';
	start = p;
	while (*p >= '0' && *p <= '9')
		p++;
	return p == start || (*start == '0' && p > start + 1) ? NULL : p;
}

static const char *json_list(const char *p, char close)
{
	if (*++p == close)
		return p + 1;
	for (;; p++) {
		if (close == '}') {
			p = json_text(p);
			if (!p || *p++ != ':')
				return NULL;
		}
		p = json_any(p);
		if (!p || (*p != ',' && *p != close))
			return NULL;
		if (*p == close)
			return p + 1;
	}
}

static const char *json_any(const char *p)
{
	if (*p == '{')
		return json_list(p, '}');
	if (*p == '[')
		return json_list(p, ']');
	if (*p == '"')
		return json_text(p);
	return strncmp(p, "null", 4) ? json_number(p) : p + 4;
}

static void check_json(const char *text)
{
	for (const char *p = text; *p; p++) {
		const char *end = *p == '{' ? json_any(p) : NULL;

		if (!end || *end != '\n') {
			fail_msg("not a JSON line: %s", p);
			return;
		}
		p = end;
	}
}

static inline void expect(struct fixture *x, const char *want)
{
	const char *got = finish(x);

	if (strcmp(got, want) != 0)
		fail_msg("instead of:\n%s\nthere came:\n%s", want, got);
	if (!strcmp(x->sink.ops->name, "json"))
		check_json(got);
}

#endif
