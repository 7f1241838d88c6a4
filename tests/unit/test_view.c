/* test_view.c: tables, pictures that are drawn again, folded stacks, the flame graph's document. */
#include "sink_fixture.h"

#include "sink/flame.h"
#include "sink/order.h"
#include "sink/table.h"
#include "sink/value.h"

/* ---- tables */

static struct field fields[] = {
	{.name = "pid", .kind = FIELD_UINT, .size = 4},
	{.name = "comm", .kind = FIELD_STR, .off = 4, .size = 16},
	{.name = "lat_us", .kind = FIELD_INT, .off = 24, .size = 8},
	{.name = "addr", .kind = FIELD_UINT, .unit = UNIT_HEX, .off = 32, .size = 8},
	{.name = "path", .kind = FIELD_STR, .off = 40, .size = 40},
};
static struct layout layout = {fields, 5, 80};
struct row {
	u32 pid;
	char comm[20];
	s64 lat;
	u64 addr;
	char path[40];
};

static const char *lay_out(u32 width, bool colour, const struct row *rows, u32 n)
{
	struct term term = {.width = width, .colour = colour, .tty = width > 0};
	static struct buf out;
	struct arena a = {0};
	struct table t;

	out.n = 0;
	table_open(&t, &a, &layout);
	table_place(&t, width);
	table_header(&t, &out, &term);
	for (u32 i = 0; i < n; i++) {
		char *p = buf_reserve(&out, t.most);

		out.n += (size_t)(table_row(&t, &term, NULL, p, (const u8 *)&rows[i]) - p);
	}
	arena_free(&a);
	return buf_str(&out);
}

static const struct row two[] = {
	{7, "cat", -3, 0xff, "/etc/hosts"},
	{123456789, "sixteen letters!", 12345, 0, "/a/path/of/some/length/that/is/long"},
};

static void tables_in_pipes(void **unused)
{
	(void)unused;
	assert_string_equal(lay_out(0, false, two, 2),
			    "    PID COMM                  LAT(us)         ADDR PATH\n"
			    "      7 cat                        -3         0xff /etc/hosts\n"
			    "123456789 sixteen letters!      12345          0x0 "
			    "/a/path/of/some/length/that/is/long\n");
}

/* Columns become narrower, those with most to spare first; a long cell moves its row until blanks
 * make up for it; the row ends at the edge. */
static void tables_on_terminals(void **unused)
{
	(void)unused;
	assert_string_equal(lay_out(60, false, two, 2),
			    "    PID COMM               LAT(us)        ADDR PATH\n"
			    "      7 cat                     -3        0xff /etc/hosts\n"
			    "123456789 sixteen letters!   12345         0x0 /a/path/of/so\n");
	assert_string_equal(lay_out(30, false, two, 1), "  PID COMM     LAT(us)   ADDR \n"
							"    7 cat           -3   0xff \n");
	assert_string_equal(
		lay_out(120, true, two, 1),
		"\033[1m    PID COMM                  LAT(us)         ADDR PATH\033[0m\n"
		"      7 cat                        \033[31m-3\033[0m         0xff "
		"/etc/hosts\n");
}

static void cut_keeps_colours(void **unused)
{
	char line[] = "ab\033[31mcd\xc3\xa9z\033[0m";
	char *end = term_cut(line, line + strlen(line), 4);

	(void)unused;
	*end = 0;
	assert_string_equal(line, "ab\033[31mcd\033[0m");
}

static void units_of_names(void **unused)
{
	static const struct {
		const char *name, *unit;
		u32 stem;
	} all[] = {
		{"lat_us", "us", 3},        {"us", "us", 2},  {"bus", NULL, 3}, {"nsecs", "ns", 5},
		{"read_bytes", "bytes", 4}, {"_us", NULL, 3}, {"", NULL, 0}};
	size_t stem;

	(void)unused;
	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		const char *unit = unit_of_name(all[i].name, &stem);

		assert_int_equal(!unit, !all[i].unit);
		if (unit)
			assert_string_equal(unit, all[i].unit);
		assert_int_equal(stem, all[i].stem);
	}
}

/* ---- pictures */

static void say(struct buf *b, struct picture *p, const struct term *t, bool part, u64 ms,
		const char *text)
{
	picture_mark(p, b, t, part, ms * 1000000);
	buf_puts(b, text);
}

static void pictures_replace_each_other(void **unused)
{
	struct term t = {.tty = true, .redraw = true, .width = 6, .height = 4};
	struct picture p = {0};
	struct buf b = {0};

	(void)unused;
	say(&b, &p, &t, true, 100, "one\n");
	say(&b, &p, &t, true, 101, "two, long\n");
	assert_string_equal(buf_str(&b), "one\ntwo, long\n");
	picture_close(&p, &b, &t);
	assert_string_equal(buf_str(&b), "one\033[K\ntwo, l\033[K\n");
	b.n = 0;
	say(&b, &p, &t, true, 200, "three\n");
	picture_close(&p, &b, &t);
	assert_string_equal(buf_str(&b), "\033[2A\rthree\033[K\n\033[J");
	b.n = 0;
	/* something else comes: the next picture stands below it */
	say(&b, &p, &t, true, 300, "four\n");
	say(&b, &p, &t, false, 310, "else\n");
	say(&b, &p, &t, true, 400, "five\n");
	picture_close(&p, &b, &t);
	assert_string_equal(buf_str(&b), "\033[1A\rfour\033[K\n\033[Jelse\nfive\033[K\n");
	b.n = 0;
	/* no more than a screen: its end is what matters */
	say(&b, &p, &t, true, 500, "1\n2\n3\n4\n5\n");
	picture_close(&p, &b, &t);
	assert_string_equal(buf_str(&b), "\033[1A\r3\033[K\n4\033[K\n5\033[K\n\033[J");
	assert_int_equal(p.rows, 3);
	b.n = 0;
	picture_restart(&p, &b);
	assert_string_equal(buf_str(&b), "\033[H\033[2J");
	buf_free(&b);
}

static void no_pictures_in_pipes(void **unused)
{
	struct picture p = {0};
	struct term t = {0};
	struct buf b = {0};

	(void)unused;
	say(&b, &p, &t, true, 100, "one\n");
	say(&b, &p, &t, true, 200, "two\n");
	picture_close(&p, &b, &t);
	assert_string_equal(buf_str(&b), "one\ntwo\n");
	buf_free(&b);
}

/* ---- stacks */

struct stacked {
	char comm[16];
	u64 user[4], kernel[3]; /* the process, then frames; frames */
	u64 us;
};
static struct field stack_fields[] = {
	{.name = "comm", .kind = FIELD_STR, .size = 16},
	{.name = "ustack", .kind = FIELD_USTACK, .off = 16, .size = 32},
	{.name = "kstack", .kind = FIELD_KSTACK, .off = 48, .size = 24},
	{.name = "us", .kind = FIELD_UINT, .off = 72, .size = 8},
};
static struct schema stack_schema = {
	0, "emit", {stack_fields, 4, sizeof(struct stacked)}, {.kind = ACTION_EMIT}, VIEW_TABLE, 0, 0};

static const char *shown_as(const char *format)
{
	static struct fixture x;
	/* addresses that nobody has; names come from the comm */
	static const struct stacked all[] = {
		{"b<&>\"", {0, 1, 2}, {3}, 5},
		{"a;x", {0, 1}, {0}, 2},
		{"b<&>\"", {0, 1, 2}, {3}, 10},
		{"none", {0}, {0}, 1},
	};

	memset(&x, 0, sizeof(x));
	x.object.schemas.v = &stack_schema;
	x.object.schemas.n = 1;
	start(&x, format);
	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		sink_record(&x.sink, &stack_schema, i, 0, &all[i], sizeof(all[i]));
	sink_summary(&x.sink, &(struct waggle_stats){0});
	return finish(&x);
}

static void folded_lines(void **unused)
{
	(void)unused;
	assert_string_equal(shown_as("folded"), "a:x;[unknown] 2\n"
						"b<&>\";[unknown];[unknown];[unknown]_[k] 15\n"
						"none 1\n");
}

static void flame_document(void **unused)
{
	const char *svg = shown_as("flame");

	(void)unused;
	assert_non_null(strstr(svg, "data-total=\"18\" data-unit=\"us\""));
	assert_non_null(strstr(svg, "<g class=\"f l\" data-x=\"2\" data-w=\"15\" data-d=\"1\" "
				    "data-n=\"b&lt;&amp;&gt;&quot;\">"));
	assert_non_null(strstr(svg, "<g class=\"f k\" data-x=\"2\" data-w=\"15\" data-d=\"4\" "));
	assert_non_null(strstr(svg, "<title>a:x (2 us, 11.11%)</title>"));
	assert_null(strstr(svg, "http://") != strstr(svg, "http://www.w3.org") ? svg : NULL);
}

static void add_stack(struct tally *t, const char *line, u64 count)
{
	for (const char *p = line; *p; p += strcspn(p, ";") + (p[strcspn(p, ";")] != 0))
		tally_step(t, FRAME_USER, p, strcspn(p, ";"));
	tally_count(t, count);
}

/* "x 10 6;z 3 3": names, with what went through them and what ended there, each before its
 * children. */
static const char *tally_text(struct tally *t)
{
	static char text[256];
	u32 node = 0, depth = 0;
	size_t n = 0;

	assert_true(tally_sort(t));
	while ((node = tally_next(t, node, &depth, true)))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u %s %llu %llu; ", depth,
				      tally_frame(t, node)->name,
				      (unsigned long long)t->nodes.v[node].count,
				      (unsigned long long)t->nodes.v[node].self);
	return text;
}

static void tallies_merge_and_sort(void **unused)
{
	struct tally a = {0}, b = {0}, none = {0};

	(void)unused;
	add_stack(&a, "x y", 1);
	add_stack(&a, "x", 2);
	add_stack(&b, "x;z", 3);
	add_stack(&b, "x;a;b", 5);
	add_stack(&b, "x", 4);
	add_stack(&b, "", 100);
	tally_move(&none, &b);
	tally_move(&a, &none);
	assert_string_equal(tally_text(&a), "1 x 14 6; 2 a 5 0; 3 b 5 5; 2 z 3 3; 1 x y 1 1; ");
	add_stack(&a, "x;z", 1); /* it goes on after it was sorted */
	assert_string_equal(tally_text(&a), "1 x 15 6; 2 a 5 0; 3 b 5 5; 2 z 4 4; 1 x y 1 1; ");
	assert_int_equal(a.nodes.v[0].count, 16);
	tally_free(&a);
}

static void tallies_are_as_deep_as_they_may(void **unused)
{
	struct tally t = {0};
	u32 node = 0, depth = 0, deepest = 0;

	(void)unused;
	for (u32 i = 0; i < TALLY_DEPTH + 10; i++)
		tally_step(&t, FRAME_KERNEL, "f", 1);
	tally_count(&t, 7);
	assert_true(tally_sort(&t));
	while ((node = tally_next(&t, node, &depth, true)))
		deepest = depth;
	assert_int_equal(deepest, TALLY_DEPTH);
	assert_int_equal(t.nodes.v[TALLY_DEPTH].self, 7);
	tally_free(&t);
}

static void flames_have_so_many_boxes(void **unused)
{
	struct tally t = {0};
	struct buf out = {0};
	char name[16];
	u32 boxes = 0;

	(void)unused;
	for (u32 i = 0; i < FLAME_BOXES * 2; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		add_stack(&t, name, i % 16 ? 1 : 16);
	}
	flame_svg(&out, &t, "title", "samples");
	for (const char *p = buf_str(&out); (p = strstr(p, "<g class=\"f u\" ")); p++)
		boxes++;
	assert_int_equal(boxes, FLAME_BOXES * 2 / 16);
	assert_non_null(strstr(buf_str(&out), " data-least=\"2\""));
	buf_free(&out);
	tally_free(&t);
}

/* ---- the order of what is shown */

static int compared;

static int tie(void *user, u32 a, u32 b)
{
	(void)user;
	compared++;
	return (a > b) - (a < b);
}

static void orders_compare_nothing_but_ties(void **unused)
{
	enum { N = 10000 };
	static struct order v[N * 2];
	const struct order_ties ties = {tie, NULL, NULL};
	struct order *sorted;
	u64 x = 1;

	(void)unused;
	for (u32 i = 0; i < N; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		v[i] = (struct order){x >> 60, x << 8, i};
	}
	v[7].by = v[8].by = UINT64_MAX;
	v[7].then = v[8].then = 3;
	compared = 0;
	sorted = order_sort(v, v + N, N, &ties);
	assert_in_range(compared, 1, 2); /* a sanitizer looks at the order once more */
	for (u32 i = 1; i < N; i++)
		assert_true(
			sorted[i - 1].by < sorted[i].by ||
			(sorted[i - 1].by == sorted[i].by && sorted[i - 1].then <= sorted[i].then));
	assert_int_equal(sorted[N - 2].at, 7);
	assert_int_equal(sorted[N - 1].at, 8);
	assert_true(order_signed((u64)-5) < order_signed(3));
	assert_ptr_equal(order_sort(v, v + 1, 1, &ties), v);
}

enum { STACKS = 3000, WORDS = 40 };

/* A number, stacks that begin alike, and a string: the last alone has to be compared. */
struct stack_key {
	s64 number;
	u64 kernel[WORDS], user[WORDS];
	char text[8];
};
static struct stack_key stack_keys[STACKS];
static struct field ordered_fields[] = {
	{.name = "n", .kind = FIELD_INT, .size = 8},
	{.name = "k", .kind = FIELD_KSTACK, .off = offsetof(struct stack_key, kernel), .size = WORDS * 8},
	{.name = "u", .kind = FIELD_USTACK, .off = offsetof(struct stack_key, user), .size = WORDS * 8},
	{.name = "s", .kind = FIELD_STR, .off = offsetof(struct stack_key, text), .size = 8},
};
static const struct layout ordered = {ordered_fields, 4, sizeof(struct stack_key)};

static int stack_tie(void *user, u32 a, u32 b)
{
	(void)user;
	compared++;
	return layout_compare(&ordered, (u8 *)&stack_keys[a], (u8 *)&stack_keys[b]);
}

static bool stack_word(void *user, u32 at, struct order_place *place, u64 *out)
{
	(void)user;
	return order_word(&ordered, (u8 *)&stack_keys[at], place, out);
}

static void orders_sort_stacks_by_their_frames(void **unused)
{
	const struct order_ties ties = {stack_tie, stack_word, NULL};
	static struct order v[STACKS * 2];
	struct order *sorted;
	u64 x = 1;

	(void)unused;
	for (u32 i = 0; i < STACKS; i++) {
		struct stack_key *k = &stack_keys[i];

		x = x * 6364136223846793005u + 1442695040888963407u;
		k->number = (s64)(x >> 63) - 1;
		for (u32 w = 0; w < WORDS; w++) {
			k->kernel[w] = 1ull << 63 | w;
			k->user[w] = w < 30 ? w : x >> (w + 20) & 3;
		}
		memcpy(k->text, x >> 62 & 1 ? "a\0b" : "a\0c", 4);
		v[i] = (struct order){7, 0, i};
	}
	stack_keys[9] = stack_keys[10] = stack_keys[11] = stack_keys[12] = stack_keys[8];
	compared = 0;
	sorted = order_sort(v, v + STACKS, STACKS, &ties);
	assert_in_range(compared, 1, STACKS * 2); /* a sort by comparing takes ten times as many */
	for (u32 i = 1; i < STACKS; i++) {
		int c = layout_compare(&ordered, (u8 *)&stack_keys[sorted[i - 1].at],
				       (u8 *)&stack_keys[sorted[i].at]);

		assert_true(c < 0 || (!c && sorted[i - 1].at < sorted[i].at));
	}
}

enum { LONG_KEYS = 500, PARTS = 1000 };

static u64 long_keys[LONG_KEYS][PARTS];
static struct field long_fields[PARTS];
static const struct layout long_layout = {long_fields, PARTS, sizeof(long_keys[0])};
static u32 words_read, fields_passed;

static int long_tie(void *user, u32 a, u32 b)
{
	(void)user;
	return layout_compare(&long_layout, (u8 *)long_keys[a], (u8 *)long_keys[b]);
}

static bool long_word(void *user, u32 at, struct order_place *place, u64 *out)
{
	u32 field = place->field;
	bool more = order_word(&long_layout, (u8 *)long_keys[at], place, out);

	(void)user;
	words_read++;
	fields_passed += place->field - field;
	/* It stands in the field that was read, and does not come from the first one each time. */
	assert_true(!more || (*out == long_keys[at][place->field] && !place->word));
	return more;
}

static void orders_go_through_long_keys_once(void **unused)
{
	const struct order_ties ties = {long_tie, long_word, NULL};
	static struct order v[LONG_KEYS * 2];
	struct order_place place = {.field = PARTS / 2};
	struct order *sorted;
	u64 number;

	(void)unused;
	for (u32 i = 0; i < PARTS; i++)
		long_fields[i] = (struct field){.kind = FIELD_UINT, .size = 8, .off = i * 8};
	for (u32 i = 0; i < LONG_KEYS; i++) {
		for (u32 k = 0; k + 1 < PARTS; k++)
			long_keys[i][k] = k;
		long_keys[i][PARTS - 1] = i * 7919u % LONG_KEYS;
		v[i] = (struct order){7, 0, i};
	}
	sorted = order_sort(v, v + LONG_KEYS, LONG_KEYS, &ties);
	for (u32 i = 0; i < LONG_KEYS; i++)
		assert_int_equal(long_keys[sorted[i].at][PARTS - 1], i);
	assert_int_equal(words_read, LONG_KEYS * PARTS);
	assert_int_equal(fields_passed, PARTS - 1);

	/* What stands before the place is not looked at. */
	for (u32 i = 0; i < PARTS / 2; i++)
		long_fields[i].kind = FIELD_STR;
	assert_true(order_word(&long_layout, (u8 *)long_keys[0], &place, &number));
	assert_int_equal(number, PARTS / 2);
	place = (struct order_place){0};
	assert_false(order_word(&long_layout, (u8 *)long_keys[0], &place, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_in_pipes),
		cmocka_unit_test(tables_on_terminals),
		cmocka_unit_test(cut_keeps_colours),
		cmocka_unit_test(units_of_names),
		cmocka_unit_test(pictures_replace_each_other),
		cmocka_unit_test(no_pictures_in_pipes),
		cmocka_unit_test(folded_lines),
		cmocka_unit_test(flame_document),
		cmocka_unit_test(tallies_merge_and_sort),
		cmocka_unit_test(tallies_are_as_deep_as_they_may),
		cmocka_unit_test(flames_have_so_many_boxes),
		cmocka_unit_test(orders_compare_nothing_but_ties),
		cmocka_unit_test(orders_sort_stacks_by_their_frames),
		cmocka_unit_test(orders_go_through_long_keys_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
