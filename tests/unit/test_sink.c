/*
 * test_sink.c: what the text and JSON sinks write, byte by byte.
 *
 * The texts of maps are those that bpftrace 0.17 prints for the same data. All JSON is also read
 * by a small checker of the grammar (RFC 8259) and of UTF-8.
 */
#include "object/hist.h"
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

static void start(struct fixture *x, const char *format)
{
	x->fd = memfd_create("sink", 0);
	assert_true(x->fd >= 0);
	assert_int_equal(sink_open(&x->sink, format, &x->object, x->fd, false, &x->diag), 0);
}

static const char *finish(struct fixture *x)
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
			if (((u8)*++p & 0xc0) != 0x80)
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

		if (!end || *end != '\n')
			fail_msg("not a JSON line: %s", p);
		p = end;
	}
}

static void expect(struct fixture *x, const char *want)
{
	const char *got = finish(x);

	if (strcmp(got, want))
		fail_msg("instead of:\n%s\nthere came:\n%s", want, got);
	if (!strcmp(x->sink.ops->name, "json"))
		check_json(got);
}

/* ---- records */

static struct field open_fields[] = {
	{.name = "pid", .kind = FIELD_UINT, .size = 4, .width = 7},
	{.name = "comm", .kind = FIELD_STR, .off = 4, .size = 16, .width = 8},
	{.name = "fd", .kind = FIELD_INT, .off = 20, .size = 4, .width = 4},
	{.name = "path", .kind = FIELD_STR, .off = 24, .size = 24},
};
static struct field short_fields[] = {
	{.name = "pid", .kind = FIELD_UINT, .size = 4, .width = 7},
	{.name = "comm", .kind = FIELD_STR, .off = 4, .size = 16, .width = 8},
	{.name = "fd", .kind = FIELD_INT, .off = 20, .size = 4, .width = 4},
	{.name = "path", .kind = FIELD_STR, .off = 24, .size = 8},
};
static struct field pair_fields[] = {{.name = "0", .kind = FIELD_INT, .size = 8},
				     {.name = "1", .kind = FIELD_STR, .off = 8, .size = 8}};
static struct layout pair = {pair_fields, 2, 16};
static struct field pair_field[] = {
	{.name = "value", .kind = FIELD_TUPLE, .size = 16, .sub = &pair}};
static struct field latency_fields[] = {
	{.name = "lat", .kind = FIELD_UINT, .size = 8, .width = 6, .unit = UNIT_US},
	{.name = "addr", .kind = FIELD_UINT, .off = 8, .size = 8, .unit = UNIT_HEX, .width = 10},
};

enum { PRINTF, EMIT, EMIT_SHORT, VALUE, LATENCY, NSCHEMAS };
static struct schema schemas[] = {
	[PRINTF] = {PRINTF, "printf", {open_fields, 4, 48},
		    {.kind = ACTION_PRINTF, .text = "%d %s %3d|%s\n"}, VIEW_LINES, PRINTF},
	[EMIT] = {EMIT, "emit", {open_fields, 4, 48}, {.kind = ACTION_EMIT}, VIEW_TABLE, EMIT},
	[EMIT_SHORT] = {EMIT_SHORT, "emit", {short_fields, 4, 32}, {.kind = ACTION_EMIT},
			VIEW_TABLE, EMIT},
	[VALUE] = {VALUE, "value", {pair_field, 1, 16}, {.kind = ACTION_PRINT_VALUE}, VIEW_LINES,
		   VALUE},
	[LATENCY] = {LATENCY, "emit", {latency_fields, 2, 16}, {.kind = ACTION_EMIT}, VIEW_TABLE,
		     LATENCY},
};

struct open_record {
	u32 pid;
	char comm[16];
	s32 fd;
	char path[24];
};
static const struct open_record hosts = {1, "cat", 3, "/etc/hosts"};
static const struct open_record odd = {12345678, "a\"b\\c\n\xff\xc3\xa9", -2, "\x1b[31m"};

static struct fixture *fixture(void)
{
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	x.object.schemas.v = schemas;
	x.object.schemas.n = NSCHEMAS;
	return &x;
}

static void show(struct fixture *x, u32 schema, const void *data, u32 size)
{
	void *copy = malloc(size); /* the sanitizer sees reads beyond it */

	memcpy(copy, data, size);
	sink_record(&x->sink, &schemas[schema], 1000, 1, copy, size);
	free(copy);
}

static void records_text(void **unused)
{
	struct fixture *x = fixture();
	u64 latency[] = {12, 0xffff};

	(void)unused;
	start(x, NULL);
	sink_attached(&x->sink, 1);
	sink_attached(&x->sink, 2);
	show(x, PRINTF, &hosts, sizeof(hosts));
	show(x, EMIT, &hosts, sizeof(hosts));
	show(x, EMIT_SHORT, &hosts, 32);
	show(x, EMIT, &odd, sizeof(odd));
	show(x, PRINTF, &odd, sizeof(odd));
	show(x, VALUE, "\xff\xff\xff\xff\xff\xff\xff\xff" "abc\0....", 16);
	show(x, LATENCY, latency, sizeof(latency));
	expect(x, "Attaching 1 probe...\n"
		  "Attaching 2 probes...\n"
		  "1 cat   3|/etc/hosts\n"
		  "    PID COMM       FD PATH\n"
		  "      1 cat         3 /etc/hosts\n"
		  "      1 cat         3 /etc/hos\n"
		  "12345678 a\"b\\c?\xff\xc3\xa9   -2 ?[31m\n"
		  "12345678 a\"b\\c\n\xff\xc3\xa9  -2|\x1b[31m\n"
		  "(-1, abc)\n"
		  "LAT(us)       ADDR\n"
		  "     12     0xffff\n");
}

static void records_json(void **unused)
{
	struct fixture *x = fixture();
	struct waggle_stats st = {.shown = 5, .lost = 2, .map_full = 1, .recursion = -1};

	(void)unused;
	start(x, "json");
	sink_attached(&x->sink, 3);
	show(x, PRINTF, &hosts, sizeof(hosts));
	show(x, EMIT, &hosts, sizeof(hosts));
	show(x, EMIT, &odd, sizeof(odd));
	show(x, PRINTF, &odd, sizeof(odd));
	show(x, VALUE, "\xff\xff\xff\xff\xff\xff\xff\xff" "abc\0....", 16);
	sink_ended(&x->sink);
	sink_summary(&x->sink, &st);
	st.lost = 0;
	st.recursion = 4;
	sink_summary(&x->sink, &st);
	expect(x,
	       "{\"type\":\"attached_probes\",\"data\":{\"probes\":3}}\n"
	       "{\"type\":\"printf\",\"data\":\"1 cat   3|/etc/hosts\\n\",\"fields\":"
	       "{\"pid\":1,\"comm\":\"cat\",\"fd\":3,\"path\":\"/etc/hosts\"}}\n"
	       "{\"type\":\"emit\",\"ns\":1000,\"cpu\":1,\"data\":"
	       "{\"pid\":1,\"comm\":\"cat\",\"fd\":3,\"path\":\"/etc/hosts\"}}\n"
	       "{\"type\":\"emit\",\"ns\":1000,\"cpu\":1,\"data\":{\"pid\":12345678,"
	       "\"comm\":\"a\\\"b\\\\c\\n\xef\xbf\xbd\xc3\xa9\",\"fd\":-2,"
	       "\"path\":\"\\u001b[31m\"}}\n"
	       "{\"type\":\"printf\",\"data\":\"12345678 a\\\"b\\\\c\\n\xef\xbf\xbd\xc3\xa9  -2|"
	       "\\u001b[31m\\n\",\"fields\":{\"pid\":12345678,"
	       "\"comm\":\"a\\\"b\\\\c\\n\xef\xbf\xbd\xc3\xa9\",\"fd\":-2,"
	       "\"path\":\"\\u001b[31m\"}}\n"
	       "{\"type\":\"value\",\"data\":[-1,\"abc\"]}\n"
	       "{\"type\":\"lost_events\",\"data\":{\"events\":2}}\n"
	       "{\"type\":\"summary\",\"data\":{\"shown\":5,\"lost\":2,\"map_full\":1,"
	       "\"ticks_missed\":0,\"recursion\":null}}\n"
	       "{\"type\":\"summary\",\"data\":{\"shown\":5,\"lost\":0,\"map_full\":1,"
	       "\"ticks_missed\":0,\"recursion\":4}}\n");
}

/* Every prefix of a record, and strings without a NUL: nothing is read beyond the end. */
static void records_short(void **unused)
{
	struct open_record full = {7, "", 1, ""};

	(void)unused;
	memset(full.comm, 'c', sizeof(full.comm));
	memset(full.path, 'p', sizeof(full.path));
	for (u32 json = 0; json < 2; json++) {
		struct fixture *x = fixture();

		start(x, json ? "json" : "text");
		for (u32 i = 0; i < NSCHEMAS; i++)
			for (u32 n = 0; n <= schemas[i].layout.size; n++)
				show(x, i, &full, n);
		assert_int_equal(x->sink.error, 0);
		finish(x);
		if (json)
			check_json(x->out);
		assert_non_null(strstr(x->out, "cccccccccccccccc"));
		assert_null(strstr(x->out, "ccccccccccccccccc"));
	}
}

/* Random bytes as strings always give lines that parse. */
static void json_random(void **unused)
{
	struct fixture *x = fixture();
	u64 r = 0x9e3779b97f4a7c15;
	struct open_record o;

	(void)unused;
	start(x, "json");
	for (u32 i = 0; i < 3000; i++) {
		for (u32 j = 0; j < sizeof(o); j++) {
			r ^= r << 13, r ^= r >> 7, r ^= r << 17;
			((u8 *)&o)[j] = (u8)(i % 2 ? r : 0xe0 | (r & 0x1f & -(r >> 60 & 1)) |
							 (r >> 20 & 0x9f));
		}
		show(x, i % 3 ? EMIT : PRINTF, &o, sizeof(o));
	}
	finish(x);
	check_json(x->out);
}

static void schemas_broken(void **unused)
{
	struct field fields[] = {{.name = "x", .kind = FIELD_UINT, .size = 4}};
	struct schema schema = {0, "emit", {fields, 1, 4}, {.kind = ACTION_EMIT}, 0, 0};
	struct fixture *x = fixture();

	(void)unused;
	x->object.schemas.v = &schema;
	x->object.schemas.n = 1;
	assert_int_equal(sink_open(&x->sink, "jsn", &x->object, 1, 0, &x->diag), -EINVAL);
	assert_int_equal(sink_open(&x->sink, "text", &x->object, 1, 0, &x->diag), 0);
	assert_int_equal(sink_close(&x->sink), 0);
	for (u32 i = 0; i < 6; i++) {
		struct field *f = fields;

		*f = (struct field){.name = "x", .kind = FIELD_UINT, .size = 4};
		schema.layout.size = 4;
		schema.id = schema.group = 0;
		switch (i) {
		case 0: f->off = 1; break;
		case 1: f->off = UINT32_MAX; break;
		case 2: f->size = 3; break;
		case 3: f->kind = 99; break;
		case 4: f->kind = FIELD_TUPLE; break;
		case 5: schema.group = 1; break;
		}
		assert_int_equal(sink_open(&x->sink, "text", &x->object, 1, 0, &x->diag),
				 -EINVAL);
	}
	assert_int_equal(x->diag.errors, 7);
}

/* ---- maps */

static struct field int_key[] = {{.name = "0", .kind = FIELD_INT, .size = 8}};
static struct field two_keys[] = {{.name = "0", .kind = FIELD_INT, .size = 8},
				  {.name = "1", .kind = FIELD_STR, .off = 8, .size = 8}};
static struct field int_value[] = {{.name = "value", .kind = FIELD_INT, .size = 8}};
static struct field str_value[] = {{.name = "value", .kind = FIELD_STR, .size = 8}};

#define KEY1   .key_size = 8, .key = {int_key, 1, 8}
#define KEY2   .key_size = 16, .key = {two_keys, 2, 16}
#define SCALAR .scalar = true, .key_size = 4

/* As the session does it, with keys and values on the heap in their exact size. */
static void show_map(struct fixture *x, const struct object_map *m, const void *keys,
		     const void *values, u32 n, u32 cpus, u32 top, u32 div)
{
	size_t nkeys = (size_t)n * m->key_size, nvalues = (size_t)n * cpus * ALIGN_UP(m->value_size, 8);
	u8 *k = malloc(nkeys), *v = malloc(nvalues);
	struct map_contents c;

	memcpy(k, keys, nkeys);
	memcpy(v, values, nvalues);
	assert_int_equal(map_contents_make(&c, &x->arena, m, k, v, n, cpus, top, div), 0);
	sink_map(&x->sink, &c);
	free(k);
	free(v);
}

#define BARS "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define GAP  "                                                    "

static void show_plain_maps(struct fixture *x)
{
	struct object_map a = {.shown = "@a", KEY2, .value_size = 8, .value = {int_value, 1, 8}};
	struct object_map n = {.shown = "@n", KEY1, .value_size = 8, .value = {int_value, 1, 8}};
	struct object_map v = {.shown = "@v", KEY1, .value_size = 8, .value = {str_value, 1, 8}};
	struct object_map t = {.shown = "@t", KEY1, .value_size = 16, .value = {pair_field, 1, 16}};
	struct object_map y = {.shown = "@x", SCALAR, .value_size = 16, .value = {int_value, 1, 8}};
	struct object_map hidden = {SCALAR, .value_size = 16, .value = {int_value, 1, 8}};
	u64 akeys[4] = {1, 'x', 2, 'y' | 'y' << 8}, avalues[2] = {5, 3};
	u64 nkeys[3] = {1, 2, 3}, nvalues[3] = {-1ull, 1, 0}, ties[3] = {1, 1, 1};
	u64 tkeys[2] = {3, 1}, tvalues[4] = {1, 'z', 7, 'q'};
	u64 set[2] = {5, 1}, unset[2] = {5, 0}, zero[1] = {0};

	show_map(x, &a, akeys, avalues, 2, 1, 0, 0);
	show_map(x, &n, nkeys, nvalues, 3, 1, 0, 0);
	show_map(x, &n, nkeys, nvalues, 3, 1, 2, 0);
	show_map(x, &n, nkeys, nvalues, 3, 1, 0, 2);
	show_map(x, &n, (u64[]){10, 2, -3ull}, ties, 3, 1, 0, 0);
	show_map(x, &n, nkeys, nvalues, 0, 1, 0, 0); /* empty: nothing */
	show_map(x, &v, nkeys, "z\0\0\0\0\0\0\0b\0\0\0\0\0\0\0a\0\0\0\0\0\0", 3, 1, 0, 0);
	show_map(x, &t, tkeys, tvalues, 2, 1, 0, 0);
	show_map(x, &y, zero, set, 1, 1, 0, 0);
	show_map(x, &y, zero, unset, 1, 1, 0, 0);
	show_map(x, &hidden, zero, set, 1, 1, 0, 0);
}

static void show_aggregations(struct fixture *x)
{
	struct object_map c = {.shown = "@c", KEY1, .value_size = 8, .agg = AGG_COUNT};
	struct object_map s = {.shown = "@s", SCALAR, .value_size = 16, .agg = AGG_SUM,
			       .value_signed = true};
	struct object_map m = {.shown = "@m", KEY1, .value_size = 16, .agg = AGG_MIN,
			       .value_signed = true};
	struct object_map av = {.shown = "@av", SCALAR, .value_size = 24, .agg = AGG_AVG};
	struct object_map ak = {.shown = "@ak", KEY1, .value_size = 16, .agg = AGG_AVG};
	struct object_map st = {.shown = "@st", KEY1, .value_size = 16, .agg = AGG_STATS,
				.value_signed = true};
	u64 keys[3] = {1, 2, 3}, zero[1] = {0};

	/* two CPUs: 1: 2 + 5, 2: 1 + 0, 3: 3 + 3 */
	show_map(x, &c, keys, (u64[]){2, 5, 1, 0, 3, 3}, 3, 2, 0, 0);
	show_map(x, &s, zero, (u64[]){5, 1, -9ull, 1, 0, 0}, 1, 3, 0, 0);
	show_map(x, &s, zero, (u64[]){0, 0, 0, 0, 0, 0}, 1, 3, 0, 0);
	/* 0 that is not set must not win */
	show_map(x, &m, keys, (u64[]){0, 0, 7, 1, -3ull, 1, 4, 1}, 2, 2, 0, 0);
	m.agg = AGG_MAX;
	show_map(x, &m, keys, (u64[]){0, 0, -7ull, 1, -3ull, 1, 4, 1}, 2, 2, 0, 0);
	show_map(x, &av, zero, (u64[]){10, 1, 1, 20, 1, 0}, 1, 2, 0, 5);
	show_map(x, &av, zero, (u64[]){0, 0, 1}, 1, 1, 0, 0);
	show_map(x, &ak, keys, (u64[]){9, 1, 3, 1}, 2, 1, 0, 0);
	show_map(x, &st, keys, (u64[]){5, 1, 6, 2, -1ull, 2}, 3, 1, 1, 3);
}

static void maps_text(void **unused)
{
	struct fixture *x = fixture();

	(void)unused;
	start(x, "text");
	show_plain_maps(x);
	show_aggregations(x);
	expect(x, "@a[2, yy]: 3\n@a[1, x]: 5\n"
		  "@n[1]: -1\n@n[3]: 0\n@n[2]: 1\n"
		  "@n[3]: 0\n@n[2]: 1\n"
		  "@n[1]: 0\n@n[3]: 0\n@n[2]: 0\n"
		  "@n[-3]: 1\n@n[2]: 1\n@n[10]: 1\n"
		  "@v[1]: z\n@v[2]: b\n@v[3]: a\n"
		  "@t[1]: (7, q)\n@t[3]: (1, z)\n"
		  "@x: 5\n"
		  "@c[2]: 1\n@c[3]: 6\n@c[1]: 7\n"
		  "@s: -4\n"
		  "@m[2]: -3\n@m[1]: 7\n"
		  "@m[1]: -7\n@m[2]: 4\n"
		  "@av: 3\n\n"
		  "@av: 0\n\n"
		  "@ak[2]: 3\n@ak[1]: 9\n\n"
		  "@st[3]: count 2, average 0, total -1\n"
		  "@st[2]: count 2, average 3, total 6\n"
		  "@st[1]: count 1, average 5, total 5\n\n");
}

static void maps_json(void **unused)
{
	struct fixture *x = fixture();

	(void)unused;
	start(x, "json");
	show_plain_maps(x);
	show_aggregations(x);
	expect(x, "{\"type\":\"map\",\"data\":{\"@a\":{\"2,yy\":3,\"1,x\":5}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@n\":{\"1\":-1,\"3\":0,\"2\":1}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@n\":{\"3\":0,\"2\":1}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@n\":{\"1\":0,\"3\":0,\"2\":0}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@n\":{\"-3\":1,\"2\":1,\"10\":1}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@v\":{\"1\":\"z\",\"2\":\"b\",\"3\":\"a\"}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@t\":{\"1\":[7,\"q\"],\"3\":[1,\"z\"]}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@x\":5}}\n"
		  "{\"type\":\"map\",\"data\":{\"@c\":{\"2\":1,\"3\":6,\"1\":7}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@s\":-4}}\n"
		  "{\"type\":\"map\",\"data\":{\"@m\":{\"2\":-3,\"1\":7}}}\n"
		  "{\"type\":\"map\",\"data\":{\"@m\":{\"1\":-7,\"2\":4}}}\n"
		  "{\"type\":\"stats\",\"data\":{\"@av\":3}}\n"
		  "{\"type\":\"stats\",\"data\":{\"@av\":0}}\n"
		  "{\"type\":\"stats\",\"data\":{\"@ak\":{\"2\":3,\"1\":9}}}\n"
		  "{\"type\":\"stats\",\"data\":{\"@st\":{"
		  "\"3\":{\"count\":2,\"average\":0,\"total\":-1},"
		  "\"2\":{\"count\":2,\"average\":3,\"total\":6},"
		  "\"1\":{\"count\":1,\"average\":5,\"total\":5}}}}\n");
}

/* The final maps stand apart; an empty one does not count. */
static void maps_final(void **unused)
{
	struct object_map c = {.shown = "@c", KEY1, .value_size = 8, .agg = AGG_COUNT};
	struct fixture *x = fixture();
	u64 keys[1] = {1}, values[1] = {2};

	(void)unused;
	start(x, "text");
	show_map(x, &c, keys, values, 1, 1, 0, 0);
	sink_ended(&x->sink);
	show_map(x, &c, keys, values, 0, 1, 0, 0);
	show_map(x, &c, keys, values, 1, 1, 0, 0);
	show_map(x, &c, keys, values, 1, 1, 0, 0);
	expect(x, "@c[1]: 2\n\n\n@c[1]: 2\n@c[1]: 2\n");
}

/* ---- histograms */

static void show_hists(struct fixture *x)
{
	struct object_map h = {.shown = "@h", SCALAR, .value_size = 67 * 8, .agg = AGG_HIST};
	struct object_map hk = {.shown = "@hk", KEY2, .value_size = 66 * 8, .agg = AGG_HIST};
	struct object_map l = {.shown = "@l", SCALAR, .value_size = 13 * 8, .agg = AGG_LHIST,
			       .agg_arg = {0, 100, 10}};
	struct object_map k = {.shown = "@k", SCALAR, .value_size = 12 * 8, .agg = AGG_LHIST,
			       .agg_arg = {0, 8192, 512 * 2}};
	u64 keys[4] = {1, 'b', 1, 'a'}, zero[1] = {0};
	u64 hist[2 * 67] = {0};

	/* hist(10), hist(100) x 2, hist(0), hist(-5), hist(1) of two CPUs */
	hist[66] = 1;
	hist[hist_bucket(10, false, 0)]++;
	hist[hist_bucket(100, false, 0)] += 2;
	hist[67 + hist_bucket(0, false, 0)]++;
	hist[67 + hist_bucket(-5ull, true, 0)]++;
	hist[67 + hist_bucket(1, false, 0)]++;
	show_map(x, &h, zero, hist, 1, 2, 0, 0);
	show_map(x, &h, zero, hist, 1, 2, 0, 2);
	memset(hist, 0, sizeof(hist));
	hist[hist_bucket(1023, false, 0)] = 1;
	hist[hist_bucket(1024, false, 0)] = 100;
	hist[hist_bucket(2048, false, 0)] = 33;
	hist[66 + hist_bucket(-1ull, false, 0)] = 1;
	show_map(x, &hk, keys, hist, 2, 1, 0, 0);
	show_map(x, &hk, keys, hist, 2, 1, 1, 0);
	memset(hist, 0, sizeof(hist));
	hist[66] = 1; /* set, and empty */
	show_map(x, &h, zero, hist, 1, 1, 0, 0);
	hist[lhist_bucket(-1, 0, 100, 10)]++;
	hist[lhist_bucket(5, 0, 100, 10)]++;
	hist[lhist_bucket(100, 0, 100, 10)]++;
	hist[lhist_bucket(35, 0, 100, 10)]++;
	hist[12] = 1;
	show_map(x, &l, zero, hist, 1, 1, 0, 0);
	memset(hist, 0, sizeof(hist));
	hist[lhist_bucket(1024, 0, 8192, 1024)]++;
	hist[11] = 1;
	show_map(x, &k, zero, hist, 1, 1, 0, 0);
}

static void hists_text(void **unused)
{
	struct fixture *x = fixture();

	(void)unused;
	start(x, "text");
	show_hists(x);
	expect(x, "@h: \n"
		  "(..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[0]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[2, 4)                 0 |" GAP "|\n"
		  "[4, 8)                 0 |" GAP "|\n"
		  "[8, 16)                1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[16, 32)               0 |" GAP "|\n"
		  "[32, 64)               0 |" GAP "|\n"
		  "[64, 128)              2 |" BARS "|\n\n"
		  "@h: \n"
		  "(..., 0)               0 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[0]                    0 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[1]                    0 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[2, 4)                 0 |" GAP "|\n"
		  "[4, 8)                 0 |" GAP "|\n"
		  "[8, 16)                0 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		  "[16, 32)               0 |" GAP "|\n"
		  "[32, 64)               0 |" GAP "|\n"
		  "[64, 128)              1 |" BARS "|\n\n"
		  "@hk[1, a]: \n"
		  "[8E, 16E)              1 |" BARS "|\n\n"
		  "@hk[1, b]: \n"
		  "[512, 1K)              1 |                                                    |\n"
		  "[1K, 2K)             100 |" BARS "|\n"
		  "[2K, 4K)              33 |@@@@@@@@@@@@@@@@@                                   |\n\n"
		  "@hk[1, b]: \n"
		  "[512, 1K)              1 |                                                    |\n"
		  "[1K, 2K)             100 |" BARS "|\n"
		  "[2K, 4K)              33 |@@@@@@@@@@@@@@@@@                                   |\n\n"
		  "@h: \n\n"
		  "@l: \n"
		  "(..., 0)               1 |" BARS "|\n"
		  "[0, 10)                1 |" BARS "|\n"
		  "[10, 20)               0 |" GAP "|\n"
		  "[20, 30)               0 |" GAP "|\n"
		  "[30, 40)               1 |" BARS "|\n"
		  "[40, 50)               0 |" GAP "|\n"
		  "[50, 60)               0 |" GAP "|\n"
		  "[60, 70)               0 |" GAP "|\n"
		  "[70, 80)               0 |" GAP "|\n"
		  "[80, 90)               0 |" GAP "|\n"
		  "[90, 100)              0 |" GAP "|\n"
		  "[100, ...)             1 |" BARS "|\n\n"
		  "@k: \n"
		  "[1K, 2K)               1 |" BARS "|\n\n");
}

static void hists_json(void **unused)
{
	struct fixture *x = fixture();

	(void)unused;
	start(x, "json");
	show_hists(x);
	expect(x, "{\"type\":\"hist\",\"data\":{\"@h\":[{\"max\":-1,\"count\":1},"
		  "{\"min\":0,\"max\":0,\"count\":1},{\"min\":1,\"max\":1,\"count\":1},"
		  "{\"min\":2,\"max\":3,\"count\":0},{\"min\":4,\"max\":7,\"count\":0},"
		  "{\"min\":8,\"max\":15,\"count\":1},{\"min\":16,\"max\":31,\"count\":0},"
		  "{\"min\":32,\"max\":63,\"count\":0},{\"min\":64,\"max\":127,\"count\":2}]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@h\":[{\"max\":-1,\"count\":0},"
		  "{\"min\":0,\"max\":0,\"count\":0},{\"min\":1,\"max\":1,\"count\":0},"
		  "{\"min\":2,\"max\":3,\"count\":0},{\"min\":4,\"max\":7,\"count\":0},"
		  "{\"min\":8,\"max\":15,\"count\":0},{\"min\":16,\"max\":31,\"count\":0},"
		  "{\"min\":32,\"max\":63,\"count\":0},{\"min\":64,\"max\":127,\"count\":1}]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@hk\":{\"1,a\":[{\"min\":9223372036854775808,"
		  "\"max\":18446744073709551615,\"count\":1}],\"1,b\":["
		  "{\"min\":512,\"max\":1023,\"count\":1},{\"min\":1024,\"max\":2047,\"count\":100},"
		  "{\"min\":2048,\"max\":4095,\"count\":33}]}}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@hk\":{\"1,b\":["
		  "{\"min\":512,\"max\":1023,\"count\":1},{\"min\":1024,\"max\":2047,\"count\":100},"
		  "{\"min\":2048,\"max\":4095,\"count\":33}]}}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@h\":[]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@l\":[{\"max\":-1,\"count\":1},"
		  "{\"min\":0,\"max\":9,\"count\":1},{\"min\":10,\"max\":19,\"count\":0},"
		  "{\"min\":20,\"max\":29,\"count\":0},{\"min\":30,\"max\":39,\"count\":1},"
		  "{\"min\":40,\"max\":49,\"count\":0},{\"min\":50,\"max\":59,\"count\":0},"
		  "{\"min\":60,\"max\":69,\"count\":0},{\"min\":70,\"max\":79,\"count\":0},"
		  "{\"min\":80,\"max\":89,\"count\":0},{\"min\":90,\"max\":99,\"count\":0},"
		  "{\"min\":100,\"count\":1}]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@k\":[{\"min\":1024,\"max\":2047,\"count\":1}]}}\n");
}

/* Buckets of every fineness: they adjoin, cover all numbers, and hold what hist_bucket() says. */
static void hist_numbering(void **unused)
{
	(void)unused;
	assert_int_equal(hist_buckets(0), 66);
	for (u32 bits = 0; bits <= HIST_BITS_MOST; bits++) {
		u64 next = 0, lo, hi;

		for (u32 i = 1; i < hist_buckets(bits); i++) {
			hist_bucket_range(i, bits, &lo, &hi);
			assert_true(lo == next && hi >= lo);
			assert_int_equal(hist_bucket(lo, false, bits), i);
			assert_int_equal(hist_bucket(hi, false, bits), i);
			assert_int_equal(hist_bucket(lo + (hi - lo) / 2, false, bits), i);
			next = hi + 1;
		}
		assert_true(next == 0);
		assert_int_equal(hist_bucket(-1ull, true, bits), 0);
	}
	assert_int_equal(lhist_buckets(0, 100, 0), 0);
	assert_int_equal(lhist_buckets(100, 0, 1), 0);
	assert_int_equal(lhist_buckets(INT64_MIN, INT64_MAX, 1), 0);
	assert_int_equal(lhist_buckets(0, 8192, 1000), 10);
	assert_int_equal(lhist_bucket(8191, 0, 8192, 1000), 9);
	assert_int_equal(lhist_bucket(INT64_MIN, -5, 5, 1), 0);
}

static void maps_broken(void **unused)
{
	struct arena a = {0};
	struct map_contents c;
	struct object_map broken[] = {
		{.shown = "@", KEY1, .value_size = 65 * 8, .agg = AGG_HIST},
		{.shown = "@", KEY1, .value_size = 66 * 8, .agg = AGG_HIST, .agg_arg = {6}},
		{.shown = "@", KEY1, .value_size = 66 * 8, .agg = AGG_HIST, .agg_arg = {-1}},
		{.shown = "@", KEY1, .value_size = 96, .agg = AGG_LHIST, .agg_arg = {0, 9, 0}},
		{.shown = "@", KEY1, .value_size = 8, .agg = AGG_AVG},
		{.shown = "@", KEY1, .value_size = 8, .agg = 77},
		{.shown = "@", KEY1, .value_size = 4, .value = {int_value, 1, 8}},
		{.shown = "@", .key_size = 4, .key = {int_key, 1, 8}, .value_size = 8,
		 .agg = AGG_COUNT},
		{.shown = "@", SCALAR, .value_size = 8, .value = {int_value, 1, 8}},
		{.shown = "@", SCALAR, .value_size = 4, .agg = AGG_COUNT},
	};

	(void)unused;
	for (u32 i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(map_contents_make(&c, &a, &broken[i], NULL, NULL, 0, 1, 0, 0),
				 -EINVAL);
	arena_free(&a);
}

/* ---- writing */

static void write_errors(void **unused)
{
	struct fixture *x = fixture();
	int pipes[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sink_open(&x->sink, "text", &x->object, open("/dev/full", O_WRONLY), false,
				   &x->diag), 0);
	for (u32 i = 0; i < 20000; i++)
		show(x, PRINTF, &hosts, sizeof(hosts));
	assert_int_equal(x->sink.error, -ENOSPC);
	assert_true(x->sink.out.n < 1 << 20);
	assert_int_equal(sink_flush(&x->sink, true), -ENOSPC);
	close(x->sink.fd);
	assert_int_equal(sink_close(&x->sink), -ENOSPC);

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(sink_open(&x->sink, "json", &x->object, pipes[1], true, &x->diag), 0);
	close(pipes[0]);
	show(x, PRINTF, &hosts, sizeof(hosts));
	assert_int_equal(sink_flush(&x->sink, false), -EPIPE);
	assert_int_equal(sink_close(&x->sink), -EPIPE);
	close(pipes[1]);
}

/* Line-buffered: whole lines leave at each flush; else only much or by force. */
static void flushing(void **unused)
{
	struct schema half = {0, "printf", {NULL, 0, 0}, {.kind = ACTION_PRINTF, .text = "a\nb"},
			      0, 0};
	struct fixture *x = fixture();
	char got[16];
	int pipes[2];

	(void)unused;
	x->object.schemas.v = &half;
	x->object.schemas.n = 1;
	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	for (u32 lines = 0; lines < 2; lines++) {
		assert_int_equal(sink_open(&x->sink, "text", &x->object, pipes[1], lines, &x->diag),
				 0);
		sink_record(&x->sink, &half, 0, 0, NULL, 0);
		assert_int_equal(sink_flush(&x->sink, false), 0);
		assert_int_equal(read(pipes[0], got, sizeof(got)), lines ? 2 : -1);
		assert_int_equal(sink_flush(&x->sink, true), 0);
		assert_int_equal(read(pipes[0], got, sizeof(got)), lines ? 1 : 3);
		assert_int_equal(x->sink.bytes, 3);
		assert_int_equal(sink_close(&x->sink), 0);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* On a terminal a row loses what is beyond its width; UTF-8 is not torn. */
static void terminal_width(void **unused)
{
	struct open_record r = {1, "cat", 3, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"};
	struct fixture *x = fixture();

	(void)unused;
	start(x, "text");
	x->sink.width = 24;
	show(x, EMIT, &r, sizeof(r));
	show(x, PRINTF, &r, sizeof(r));
	expect(x, "    PID COMM       FD PATH\n"
		  "      1 cat         3 \xc3\xa9\xc3\xa9\n"
		  "1 cat   3|\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n");
}

static void summary_line(void **unused)
{
	struct waggle_stats st = {.shown = 1, .lost = 2, .recursion = -1};
	struct buf b = {0};

	(void)unused;
	summary_text(&b, &st);
	assert_string_equal(buf_str(&b), "1 event, 2 lost");
	b.n = 0;
	st = (struct waggle_stats){.shown = 2, .map_full = 3, .ticks_missed = 4, .recursion = 5};
	summary_text(&b, &st);
	assert_string_equal(buf_str(&b), "2 events, 0 lost, 3 map updates found no room, "
					 "4 interval ticks came late, 5 runs skipped by the kernel");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_text),	  cmocka_unit_test(records_json),
		cmocka_unit_test(records_short),  cmocka_unit_test(json_random),
		cmocka_unit_test(schemas_broken), cmocka_unit_test(maps_text),
		cmocka_unit_test(maps_json),	  cmocka_unit_test(maps_final),
		cmocka_unit_test(hists_text),	  cmocka_unit_test(hists_json),
		cmocka_unit_test(hist_numbering), cmocka_unit_test(maps_broken),
		cmocka_unit_test(write_errors),	  cmocka_unit_test(flushing),
		cmocka_unit_test(terminal_width), cmocka_unit_test(summary_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
