/*
 * test_maps.c: how maps are merged, sorted, cut and shown.
 *
 * The texts are those that bpftrace 0.17 prints for the same data.
 */
#include "object/hist.h"
#include "sink_fixture.h"

static struct field pair_fields[] = {{.name = "0", .kind = FIELD_INT, .size = 8},
				     {.name = "1", .kind = FIELD_STR, .off = 8, .size = 8}};
static struct layout pair = {pair_fields, 2, 16};
static struct field pair_field[] = {
	{.name = "value", .kind = FIELD_TUPLE, .size = 16, .sub = &pair}};
/* ---- maps */

static struct fixture *map_fixture(void)
{
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	return &x;
}

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
	size_t nkeys = (size_t)n * m->key_size;
	size_t nvalues = (size_t)n * cpus * ALIGN_UP(m->value_size, 8);
	u8 *k = malloc(MAX(nkeys, 1)), *v = malloc(MAX(nvalues, 1));
	struct map_contents c;

	memcpy(k, keys, nkeys);
	memcpy(v, values, nvalues);
	assert_int_equal(map_contents_make(&c, &x->arena, m, k, v, n, cpus, top, div, false), 0);
	sink_map(&x->sink, &c);
	free(k);
	free(v);
}

#define BARS  "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define HALF  "@@@@@@@@@@@@@@@@@@@@@@@@@@                          "
#define THIRD "@@@@@@@@@@@@@@@@@                                   "
#define GAP   "                                                    "

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
	struct object_map s = {
		.shown = "@s", SCALAR, .value_size = 16, .agg = AGG_SUM, .value_signed = true};
	struct object_map m = {
		.shown = "@m", KEY1, .value_size = 16, .agg = AGG_MIN, .value_signed = true};
	struct object_map av = {.shown = "@av", SCALAR, .value_size = 24, .agg = AGG_AVG};
	struct object_map ak = {.shown = "@ak", KEY1, .value_size = 16, .agg = AGG_AVG};
	struct object_map st = {
		.shown = "@st", KEY1, .value_size = 16, .agg = AGG_STATS, .value_signed = true};
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
	struct fixture *x = map_fixture();

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
	struct fixture *x = map_fixture();

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
	struct fixture *x = map_fixture();
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
	struct object_map l = {.shown = "@l",
			       SCALAR,
			       .value_size = 13 * 8,
			       .agg = AGG_LHIST,
			       .agg_arg = {0, 100, 10}};
	struct object_map k = {.shown = "@k",
			       SCALAR,
			       .value_size = 12 * 8,
			       .agg = AGG_LHIST,
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
	struct fixture *x = map_fixture();

	(void)unused;
	start(x, "text");
	show_hists(x);
	expect(x, "@h: \n"
		  "(..., 0)               1 |" HALF "|\n"
		  "[0]                    1 |" HALF "|\n"
		  "[1]                    1 |" HALF "|\n"
		  "[2, 4)                 0 |" GAP "|\n"
		  "[4, 8)                 0 |" GAP "|\n"
		  "[8, 16)                1 |" HALF "|\n"
		  "[16, 32)               0 |" GAP "|\n"
		  "[32, 64)               0 |" GAP "|\n"
		  "[64, 128)              2 |" BARS "|\n\n"
		  "@h: \n"
		  "(..., 0)               0 |" HALF "|\n"
		  "[0]                    0 |" HALF "|\n"
		  "[1]                    0 |" HALF "|\n"
		  "[2, 4)                 0 |" GAP "|\n"
		  "[4, 8)                 0 |" GAP "|\n"
		  "[8, 16)                0 |" HALF "|\n"
		  "[16, 32)               0 |" GAP "|\n"
		  "[32, 64)               0 |" GAP "|\n"
		  "[64, 128)              1 |" BARS "|\n\n"
		  "@hk[1, a]: \n"
		  "[8E, 16E)              1 |" BARS "|\n\n"
		  "@hk[1, b]: \n"
		  "[512, 1K)              1 |" GAP "|\n"
		  "[1K, 2K)             100 |" BARS "|\n"
		  "[2K, 4K)              33 |" THIRD "|\n\n"
		  "@hk[1, b]: \n"
		  "[512, 1K)              1 |" GAP "|\n"
		  "[1K, 2K)             100 |" BARS "|\n"
		  "[2K, 4K)              33 |" THIRD "|\n\n"
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
	struct fixture *x = map_fixture();

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
		  "{\"min\":512,\"max\":1023,\"count\":1},{\"min\":1024,\"max\":2047,"
		  "\"count\":100},"
		  "{\"min\":2048,\"max\":4095,\"count\":33}]}}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@hk\":{\"1,b\":["
		  "{\"min\":512,\"max\":1023,\"count\":1},{\"min\":1024,\"max\":2047,"
		  "\"count\":100},"
		  "{\"min\":2048,\"max\":4095,\"count\":33}]}}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@h\":[]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@l\":[{\"max\":-1,\"count\":1},"
		  "{\"min\":0,\"max\":9,\"count\":1},{\"min\":10,\"max\":19,\"count\":0},"
		  "{\"min\":20,\"max\":29,\"count\":0},{\"min\":30,\"max\":39,\"count\":1},"
		  "{\"min\":40,\"max\":49,\"count\":0},{\"min\":50,\"max\":59,\"count\":0},"
		  "{\"min\":60,\"max\":69,\"count\":0},{\"min\":70,\"max\":79,\"count\":0},"
		  "{\"min\":80,\"max\":89,\"count\":0},{\"min\":90,\"max\":99,\"count\":0},"
		  "{\"min\":100,\"count\":1}]}}\n"
		  "{\"type\":\"hist\",\"data\":{\"@k\":["
		  "{\"min\":1024,\"max\":2047,\"count\":1}]}}\n");
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
		{.shown = "@",
		 .key_size = 4,
		 .key = {int_key, 1, 8},
		 .value_size = 8,
		 .agg = AGG_COUNT},
		{.shown = "@", SCALAR, .value_size = 8, .value = {int_value, 1, 8}},
		{.shown = "@", SCALAR, .value_size = 4, .agg = AGG_COUNT},
	};

	(void)unused;
	for (u32 i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(
			map_contents_make(&c, &a, &broken[i], NULL, NULL, 0, 1, 0, 0, false),
			-EINVAL);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_text),   cmocka_unit_test(maps_json),
		cmocka_unit_test(maps_final),  cmocka_unit_test(hists_text),
		cmocka_unit_test(hists_json),  cmocka_unit_test(hist_numbering),
		cmocka_unit_test(maps_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
