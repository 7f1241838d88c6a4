/* test_series.c: quantile() against sorted data; time series of several CPUs put together. */
#include "sink/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define N 20000

static u64 seed = 88172645463325252ull;

static u64 next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static int ascending(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void observe(u64 *words, u64 n)
{
	words[hist_bucket(n, false, QUANTILE_BITS)]++;
	if (!words[QUANTILE_MAX + 1] || n > words[QUANTILE_MAX])
		words[QUANTILE_MAX] = n;
	if (!words[QUANTILE_MIN + 1] || n < words[QUANTILE_MIN])
		words[QUANTILE_MIN] = n;
	words[QUANTILE_MAX + 1] = words[QUANTILE_MIN + 1] = 1;
}

/* Numbers of all sizes: uniform in the exponent, up to 2^bits. */
static void compare_with_sorted(u32 bits)
{
	u64 *words = calloc(QUANTILE_WORDS, sizeof(*words)), *all = calloc(N, sizeof(*all));
	struct object_map m = {.agg = AGG_QUANTILE};
	struct map_entry e = {.value = (u8 *)words};

	for (u32 i = 0; i < N; i++) {
		all[i] = next() >> (64 - 1 - next() % bits);
		observe(words, all[i]);
	}
	qsort(all, N, sizeof(*all), ascending);
	assert_int_equal(quantile_count(&e), N);
	assert_true(quantile_max(&e) == all[N - 1]);
	for (u32 i = 0; i < QUANTILES; i++) {
		u64 is = all[((u64)N * quantiles[i].per_mille + 999) / 1000 - 1];
		u64 said = quantile_at(&m, &e, quantiles[i].per_mille);
		u64 off = said > is ? said - is : is - said;

		assert_true((double)off <= (double)is / 64 + 0.5);
	}
	free(words);
	free(all);
}

static void test_quantiles(void **state)
{
	(void)state;
	for (u32 bits = 1; bits < 64; bits += 6)
		compare_with_sorted(bits);
}

/* Two CPUs saw the same intervals, and others. */
static void test_series(void **state)
{
	struct object_map m = {.agg = AGG_TSERIES, .agg_arg = {1000000, 4, SERIES_MAX}};
	struct map_contents c = {.map = &m};
	u64 a[4 * SLOT_WORDS] = {8, 5, 1, 9, 2, 1},
		  b[4 * SLOT_WORDS] = {4, 99, 1, 9, 3, 2, 0, 0, 0, 11, 1, 1};
	struct map_entry e = {.value = (u8 *)a};
	struct series *s;

	(void)state;
	series_merge(&m, a, b);
	s = series_make(&c, &e);
	assert_non_null(s);
	assert_int_equal(s->n, 4); /* 8 to 11; 4 is too old */
	assert_int_equal(s->rows[0].value, 5);
	assert_int_equal(s->rows[1].value, 3);
	assert_false(s->rows[2].known);
	assert_int_equal(s->rows[3].value, 1);
	assert_int_equal(s->rows[3].ns, 11000000);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
