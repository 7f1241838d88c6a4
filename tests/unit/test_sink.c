/*
 * test_sink.c: what the text and JSON sinks write for records, byte by byte, and how they write.
 */
#include "sink_fixture.h"

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

static struct field nested_fields[] = {
	{.name = "pair", .kind = FIELD_TUPLE, .size = 16, .sub = &pair, .width = 12},
	{.name = "raw", .kind = FIELD_BYTES, .off = 16, .size = 3},
};

enum { PRINTF, EMIT, EMIT_SHORT, VALUE, LATENCY, NESTED, NSCHEMAS };
static struct schema schemas[] = {
	[PRINTF] = {PRINTF,
		    "printf",
		    {open_fields, 4, 48},
		    {.kind = ACTION_PRINTF, .text = "%d %s %3d|%s\n"},
		    VIEW_LINES,
		    PRINTF, 0},
	[EMIT] = {EMIT, "emit", {open_fields, 4, 48}, {.kind = ACTION_EMIT}, VIEW_TABLE, EMIT, 0},
	[EMIT_SHORT] = {EMIT_SHORT,
			"emit",
			{short_fields, 4, 32},
			{.kind = ACTION_EMIT},
			VIEW_TABLE,
			EMIT, 0},
	[VALUE] = {VALUE,
		   "value",
		   {pair_field, 1, 16},
		   {.kind = ACTION_PRINT_VALUE},
		   VIEW_LINES,
		   VALUE, 0},
	[LATENCY] = {LATENCY,
		     "emit",
		     {latency_fields, 2, 16},
		     {.kind = ACTION_EMIT},
		     VIEW_TABLE,
		     LATENCY, 0},
	[NESTED] =
		{NESTED, "emit", {nested_fields, 2, 24}, {.kind = ACTION_EMIT}, VIEW_TABLE, NESTED, 0},
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
	void *copy = malloc(MAX(size, 1)); /* the sanitizer sees reads beyond it */

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
	show(x, VALUE,
	     "\xff\xff\xff\xff\xff\xff\xff\xff"
	     "abc\0....",
	     16);
	show(x, LATENCY, latency, sizeof(latency));
	show(x, NESTED, "\1\0\0\0\0\0\0\0a\nb\0\0\0\0\0x\0\xff\0\0\0\0", 24);
	expect(x, "1 cat   3|/etc/hosts\n"
		  "    PID COMM       FD PATH\n"
		  "      1 cat         3 /etc/hosts\n"
		  "      1 cat         3 /etc/hos\n"
		  "12345678 a\"b\\c?\xff\xc3\xa9  -2 ?[31m\n"
		  "12345678 a\"b\\c\n\xff\xc3\xa9  -2|\x1b[31m\n"
		  "(-1, abc)\n"
		  "LAT(us)       ADDR\n"
		  "     12     0xffff\n"
		  "PAIR         RAW\n"
		  "(1, a?b)     x\\x00\\xff\n");
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
	show(x, VALUE,
	     "\xff\xff\xff\xff\xff\xff\xff\xff"
	     "abc\0....",
	     16);
	sink_ended(&x->sink);
	sink_summary(&x->sink, &st);
	st.lost = 0;
	st.recursion = 4;
	sink_summary(&x->sink, &st);
	expect(x, "{\"type\":\"attached_probes\",\"data\":{\"probes\":3}}\n"
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
	struct open_record o = {0};

	(void)unused;
	start(x, "json");
	for (u32 i = 0; i < 3000; i++) {
		for (u32 j = 0; j < sizeof(o); j++) {
			r ^= r << 13, r ^= r >> 7, r ^= r << 17;
			((u8 *)&o)[j] =
				(u8)(i % 2 ? r
					   : 0xe0 | (r & 0x1f & -(r >> 60 & 1)) | (r >> 20 & 0x9f));
		}
		show(x, i % 3 ? EMIT : PRINTF, &o, sizeof(o));
	}
	finish(x);
	check_json(x->out);
}

static void schemas_broken(void **unused)
{
	struct field fields[] = {{.name = "x", .kind = FIELD_UINT, .size = 4}};
	struct schema schema = {0, "emit", {fields, 1, 4}, {.kind = ACTION_EMIT}, 0, 0, 0};
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
		assert_int_equal(sink_open(&x->sink, "text", &x->object, 1, 0, &x->diag), -EINVAL);
	}
	assert_int_equal(x->diag.errors, 7);
}

/* ---- writing */

static void write_errors(void **unused)
{
	struct fixture *x = fixture();
	int pipes[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sink_open(&x->sink, "text", &x->object, open("/dev/full", O_WRONLY), false,
				   &x->diag),
			 0);
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
	struct schema half = {.name = "printf", .action = {.kind = ACTION_PRINTF, .text = "a\nb"}};
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
	x->sink.term.width = 22;
	show(x, EMIT, &r, sizeof(r));
	show(x, PRINTF, &r, sizeof(r));
	expect(x, "  PID COMM       FD PA\n"
		  "    1 cat         3 \xc3\xa9\xc3\xa9\n"
		  "1 cat   3|\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n");
}

static void summary_line(void **unused)
{
	struct waggle_stats st = {.shown = 1, .lost = 2, .recursion = -1};
	struct buf b = {0};

	(void)unused;
	summary_text(&b, &st, false);
	assert_string_equal(buf_str(&b), "1 event, 2 lost");
	b.n = 0;
	summary_text(&b, &(struct waggle_stats){.lost = 2}, false);
	assert_string_equal(buf_str(&b), "2 lost");
	b.n = 0;
	st = (struct waggle_stats){.shown = 2, .map_full = 3, .ticks_missed = 4, .recursion = 5};
	summary_text(&b, &st, true);
	assert_string_equal(buf_str(&b),
			    "2 events, 0 lost, 3 map updates found no room, "
			    "4 interval ticks were left out, 5 runs skipped by the kernel");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_text),   cmocka_unit_test(records_json),
		cmocka_unit_test(records_short),  cmocka_unit_test(json_random),
		cmocka_unit_test(schemas_broken), cmocka_unit_test(write_errors),
		cmocka_unit_test(flushing),       cmocka_unit_test(terminal_width),
		cmocka_unit_test(summary_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
