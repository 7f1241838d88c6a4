/* test_unxz.c: what xz packs comes out again; what is broken is told. xz itself is the oracle. */
#include "base/unxz.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void run(struct buf *out, const char *command)
{
	FILE *f = popen(command, "r");
	size_t n;

	assert_non_null(f);
	while (buf_reserve(out, 65536) && (n = fread(out->p + out->n, 1, 65536, f)) > 0)
		out->n += n;
	pclose(f);
}

#define MANY    "seq 1 12000"
#define PROGRAM "head -c 400000 build/waggle"

static void comes_out_again(void **state)
{
	static const char *const inputs[] = {"printf ''",
					     "printf x",
					     "printf 'abcabcabcabcabcabc'",
					     MANY,
					     PROGRAM,
					     "head -c 800000 /dev/zero",
					     "head -c 100000 build/waggle; seq 1 9000"};
	static const char *const ways[] = {"xz -c",
					   "xz -0c",
					   "xz -9ec",
					   "xz -c --check=crc32",
					   "xz -c --check=none",
					   "xz -c --lzma2=preset=6,lc=0,lp=2,pb=0",
					   "xz -c --block-size=50000"};
	u32 tried = 0;

	(void)state;
	if (system("command -v xz >/dev/null"))
		skip();
	for (u32 i = 0; i < ARRAY_SIZE(inputs); i++)
		for (u32 j = 0; j < ARRAY_SIZE(ways); j++) {
			struct buf plain = {0}, packed = {0}, out = {0};
			char command[512];

			run(&plain, inputs[i]);
			snprintf(command, sizeof(command), "{ %s; } 2>/dev/null | %s", inputs[i],
				 ways[j]);
			run(&packed, command);
			assert_int_equal(unxz(&out, packed.p, packed.n, 1 << 24), 0);
			assert_int_equal(out.n, plain.n);
			assert_true(!out.n || !memcmp(out.p, plain.p, out.n));
			if (plain.n) {
				struct buf less = {0};

				assert_int_equal(unxz(&less, packed.p, packed.n, plain.n - 1),
						 -E2BIG);
				buf_free(&less);
			}
			buf_free(&plain);
			buf_free(&packed);
			buf_free(&out);
			tried++;
		}
	assert_int_equal(tried, ARRAY_SIZE(inputs) * ARRAY_SIZE(ways));
}

static void broken_ones(void **state)
{
	struct buf packed = {0};

	(void)state;
	if (system("command -v xz >/dev/null"))
		skip();
	run(&packed, "seq 1 1000 | xz -c --check=crc32");
	assert_true(packed.n > 100);
	for (size_t n = 0; n < packed.n - 60; n += 3) {
		struct buf out = {0};
		char *copy = malloc(n + 1);

		memcpy(copy, packed.p, n);
		assert_int_not_equal(unxz(&out, copy, n, 1 << 20), 0);
		buf_free(&out);
		free(copy);
	}
	for (size_t at = 0; at < packed.n; at++) { /* CRC sees what the code does not */
		struct buf out = {0};

		packed.p[at] ^= 16;
		if (at < packed.n - 50)
			assert_int_not_equal(unxz(&out, packed.p, packed.n, 1 << 20), 0);
		packed.p[at] ^= 16;
		buf_free(&out);
	}
	buf_free(&packed);
}

static void crc(void **state)
{
	(void)state;
	assert_int_equal(crc32_of("123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_of("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_again),
		cmocka_unit_test(broken_ones),
		cmocka_unit_test(crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
