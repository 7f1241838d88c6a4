/*
 * test_format.c: our printf against libc's, byte by byte.
 *
 * Random conversions, flags, widths, precisions and values; the C library is asked with the type
 * that format.h promises: 64 bits for l, ll and fields of 8 bytes, 32 for smaller ones, 16 and 8
 * for h and hh.
 */
#include "sink/format.h"
#include "sink/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS 200000

static u64 state = 88172645463325252ull;

static u64 rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Values near the edges are as likely as any. */
static u64 rnd_value(void)
{
	static const u64 edges[] = {0,
				    1,
				    9,
				    10,
				    99,
				    100,
				    127,
				    128,
				    255,
				    256,
				    32767,
				    32768,
				    65535,
				    INT32_MAX,
				    1ull << 31,
				    UINT32_MAX,
				    INT64_MAX,
				    1ull << 63,
				    UINT64_MAX,
				    9999999999999999999ull,
				    10000000000000000000ull};

	if (rnd() % 3 == 0)
		return edges[rnd() % ARRAY_SIZE(edges)];
	return rnd() >> (rnd() % 64);
}

/* Compiles and runs one format over one field; the exact room it asked for is on the heap, so that
 * the sanitizer sees a byte too many. */
static size_t ours(char *out, size_t size, const char *fmt, struct field *f, const u8 *data)
{
	struct layout l = {.fields = f, .n = 1, .size = f->size};
	struct diag diag = {0};
	struct arena a = {0};
	struct format format;
	u8 *payload = malloc(f->size);
	char *p, *end;
	size_t n;

	memcpy(payload, data, f->size);
	assert_int_equal(format_compile(&format, &a, fmt, &l, &diag), 0);
	p = malloc(format.most + 1);
	end = format_run(&format, p, payload);
	n = (size_t)(end - p);
	assert_true(n <= format.most && n < size);
	memcpy(out, p, n);
	out[n] = 0;
	free(p);
	free(payload);
	arena_free(&a);
	return n;
}

static void compare(const char *fmt, const char *libc_fmt, const char *want, size_t nwant,
		    struct field *f, const u8 *data)
{
	char got[4096];
	size_t n = ours(got, sizeof(got), fmt, f, data);

	if (n != nwant || memcmp(got, want, n) != 0)
		fail_msg("'%s' ('%s'), size %u kind %u: '%s' instead of '%s'", fmt, libc_fmt,
			 f->size, f->kind, got, want);
}

static void random_head(char *spec, const char *flags)
{
	char *p = spec;

	*p++ = '%';
	for (const char *c = flags; *c; c++)
		if (rnd() % 4 == 0)
			*p++ = *c;
	if (rnd() % 2)
		p += sprintf(p, "%u", (u32)(1 + rnd() % 40));
	*p = 0;
}

static void integers(void **unused)
{
	static const char *const lengths[] = {"", "", "hh", "h", "l", "ll", "j", "z"};
	static const char convs[] = "diuxXoc";
	static const u8 sizes[] = {1, 2, 4, 8};

	(void)unused;
	for (u32 i = 0; i < ROUNDS; i++) {
		char head[64], fmt[128], libc_fmt[128], want[4096];
		char conv = convs[rnd() % (sizeof(convs) - 1)];
		const char *length = lengths[rnd() % ARRAY_SIZE(lengths)];
		struct field f = {.name = "x", .size = sizes[rnd() % 4]};
		u64 v = rnd_value(), value;
		u32 bits = f.size == 8 ? 64 : 32;
		int n;

		f.kind = rnd() % 2 ? FIELD_INT : FIELD_UINT;
		value = field_load(&f, (u8 *)&v);
		random_head(head, conv == 'd' || conv == 'i' ? "-0+ "
				  : conv == 'u'              ? "-0"
				  : conv == 'c'              ? "-"
							     : "-0#");
		if (rnd() % 3 == 0 && conv != 'c')
			sprintf(head + strlen(head), rnd() % 4 ? ".%u" : ".", (u32)(rnd() % 30));
		if (conv == 'c')
			length = "";
		sprintf(fmt, "<%s%s%c>", head, length, conv);
		if (!strcmp(length, "hh") || !strcmp(length, "h") || conv == 'c') {
			sprintf(libc_fmt, "<%s%s%c>", head, length, conv);
			n = snprintf(want, sizeof(want), libc_fmt, (int)value);
		} else if (*length || bits == 64) {
			sprintf(libc_fmt, "<%sll%c>", head, conv);
			n = snprintf(want, sizeof(want), libc_fmt, (long long)value);
		} else {
			sprintf(libc_fmt, "<%s%c>", head, conv);
			n = snprintf(want, sizeof(want), libc_fmt, (int)value);
		}
		compare(fmt, libc_fmt, want, (size_t)n, &f, (u8 *)&v);
	}
}

static void strings(void **unused)
{
	(void)unused;
	for (u32 i = 0; i < ROUNDS / 4; i++) {
		struct field f = {.name = "s", .kind = FIELD_STR};
		char text[80] = {0}, fmt[128], want[4096], head[64];
		u32 n = (u32)(rnd() % 70);

		f.size = n + (u32)(rnd() % 9);
		for (u32 j = 0; j < n; j++)
			text[j] = (char)(1 + rnd() % 255);
		if (!f.size)
			continue;
		random_head(head, "-");
		if (rnd() % 3 == 0)
			sprintf(head + strlen(head), ".%u", (u32)(rnd() % 80));
		sprintf(fmt, "<%ss>", head);
		compare(fmt, fmt, want, (size_t)snprintf(want, sizeof(want), fmt, text), &f,
			(u8 *)text);
	}
}

static void pointers(void **unused)
{
	(void)unused;
	for (u32 i = 0; i < ROUNDS / 10; i++) {
		struct field f = {.name = "p", .size = 8};
		u64 v = rnd() % 8 ? rnd_value() : 0;
		char fmt[128], want[4096], head[64];

		random_head(head, "-");
		sprintf(fmt, "<%sp>", head);
		compare(fmt, fmt, want,
			(size_t)snprintf(want, sizeof(want), fmt, (void *)(uintptr_t)v), &f,
			(u8 *)&v);
	}
}

/* What C does not have: raw bytes as bpftrace prints them, numbers and tuples with %s. */
static void own_conversions(void **unused)
{
	static const struct {
		const char *fmt, *want;
	} cases[] = {
		{"%r", "ab\\x01\"\\c"},
		{"%rx", "\\x61\\x62\\x01\\x22\\x5c\\x63"},
		{"%rh", "61 62 01 22 5c 63"},
		{"%20r|", "           ab\\x01\"\\c|"},
	};
	struct field f = {.name = "b", .kind = FIELD_BYTES, .size = 6};
	struct field sub[] = {{.name = "0", .kind = FIELD_INT, .size = 4},
			      {.name = "1", .kind = FIELD_STR, .off = 4, .size = 4}};
	struct layout l = {.fields = sub, .n = 2, .size = 8};
	struct field t = {.name = "t", .kind = FIELD_TUPLE, .size = 8, .sub = &l};
	s32 number = -7;

	(void)unused;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		compare(cases[i].fmt, "-", cases[i].want, strlen(cases[i].want), &f,
			(u8 *)"ab\x01\"\\c");
	compare("%5s|%%", "-", "   -7|%", 7, &sub[0], (u8 *)&number);
	compare("%s", "-", "(-7, abc)", 9, &t,
		(u8 *)"\xf9\xff\xff\xff"
		      "abc");
	compare("%-12s|", "-", "(-7, abcd)  |", 13, &t,
		(u8 *)"\xf9\xff\xff\xff"
		      "abcd");
}

struct message {
	char text[256], hint[256];
};

static void keep(void *user, const struct waggle_diag *d)
{
	struct message *m = user;

	snprintf(m->text, sizeof(m->text), "%s", d->text);
	snprintf(m->hint, sizeof(m->hint), "%s", d->hint ? d->hint : "");
}

static void bad_formats(void **unused)
{
	static const struct {
		const char *fmt, *says;
	} cases[] = {
		{"%", "not a conversion"},     {"a%5", "not a conversion"},
		{"%*d", "'*' cannot be used"}, {"%d %d", "no argument is left"},
		{"%99999d", "too large"},      {"%.99999d", "too large"},
		{"%f", "not a conversion"},    {"%n", "not a conversion"},
		{"%r", "bytes are needed"},    {"%llll", "not a conversion"},
		{"%4294967297d", "too large"}, {"%-", "not a conversion"},
		{"%1$d", "not a conversion"},  {"%.*d", "not a conversion"},
	};
	struct field f = {.name = "x", .size = 4};
	struct layout l = {.fields = &f, .n = 1, .size = 4};
	struct arena a = {0};

	(void)unused;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct message m = {0};
		struct diag diag = {.fn = keep, .user = &m};
		struct format format;

		assert_true(format_compile(&format, &a, cases[i].fmt, &l, &diag) < 0);
		if (!strstr(m.text, cases[i].says) || !*m.hint)
			fail_msg("'%s' says '%s', not '%s'", cases[i].fmt, m.text, cases[i].says);
	}
	f.kind = FIELD_STR;
	assert_true(format_compile(&(struct format){0}, &a, "%d", &l, &(struct diag){0}) < 0);
	assert_true(format_compile(&(struct format){0}, &a, "%c", &l, &(struct diag){0}) < 0);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),    cmocka_unit_test(strings),
		cmocka_unit_test(pointers),    cmocka_unit_test(own_conversions),
		cmocka_unit_test(bad_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
