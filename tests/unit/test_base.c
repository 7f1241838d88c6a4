/*
 * test_base.c: arenas, vectors, dictionaries, text buffers, messages and near names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/dict.h"

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	static const size_t sizes[] = {1, 7, 16, 100, 4000, 70000, 3, 1 << 20, 5};
	struct arena a = {0};

	(void)state;
	for (u32 round = 0; round < 50; round++)
		for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
			u8 *p = arena_alloc(&a, sizes[i]);

			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t n = 0; n < sizes[i]; n++)
				assert_int_equal(p[n], 0);
			memset(p, 0xff, sizes[i]);
			assert_string_equal(arena_strndup(&a, "text and more", 4), "text");
		}
	arena_free(&a);
	assert_null(a.chunks);
}

static void an_arena_that_was_wound_back_gives_the_same_memory(void **state)
{
	static const size_t sizes[] = {100, 40000, 16, 300000, 5, 9};
	struct arena a = {0};
	u8 *first[ARRAY_SIZE(sizes)];
#ifdef WAGGLE_DEBUG
	bool again = false; /* what is old is given back, so that who looks at it is found */
#else
	bool again = true;
#endif

	(void)state;
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
			u8 *p = arena_alloc(&a, sizes[i]);

			if (round && again)
				assert_ptr_equal(p, first[i]);
			first[i] = p;
			for (size_t n = 0; n < sizes[i]; n++)
				assert_int_equal(p[n], 0);
			memset(p, 0xff, sizes[i]);
		}
		arena_rewind(&a);
		assert_int_equal(a.total, 0);
	}
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* none that was there is as large */
	arena_alloc(&a, 16);
	arena_free(&a);
	assert_null(a.chunks);
	assert_null(a.spare);
}

static void an_arena_grows_what_it_gave(void **state)
{
	struct arena a = {0};
	u8 *p = arena_alloc(&a, 10), *other;

	(void)state;
	memset(p, 7, 10);
	p = arena_grow(&a, p, 10, 20);
	other = arena_alloc(&a, 10);
	memset(other, 9, 10);
	p = arena_grow(&a, p, 20, 5000);
	for (u32 i = 0; i < 10; i++) {
		assert_int_equal(p[i], 7);
		assert_int_equal(p[10 + i], 0);
		assert_int_equal(other[i], 9);
	}
	assert_int_equal(p[4999], 0);
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	arena_free(&a);
}

static void a_vector_keeps_its_elements(void **state)
{
	vec(u64) v = {0};
	struct arena a = {0};
	u64 sum = 0;

	(void)state;
	for (u64 i = 0; i < 10000; i++)
		vec_push(&a, &v, i * i);
	assert_int_equal(v.n, 10000);
	for (u64 i = 0; i < 10000; i++)
		assert_int_equal(v.v[i], i * i);
	assert_int_equal(*vec_add(&a, &v), 0);
	vec_each(p, &v)
		sum += *p;
	assert_int_equal(sum, 333283335000ull);
	arena_free(&a);
}

static void a_dictionary_finds_what_was_put(void **state)
{
	struct arena a = {0};
	struct dict d = {.arena = &a};
	char name[16];
	u32 n = 0;

	(void)state;
	assert_null(dict_get(&d, "nothing"));
	for (uintptr_t i = 1; i <= 5000; i++) {
		snprintf(name, sizeof(name), "key%u", (u32)i);
		*dict_put(&d, arena_strdup(&a, name)) = (void *)i;
	}
	for (uintptr_t i = 1; i <= 5000; i++) {
		snprintf(name, sizeof(name), "key%u", (u32)i);
		assert_ptr_equal(dict_get(&d, name), (void *)i);
		assert_ptr_equal(dict_getn(&d, name, strlen(name)), (void *)i);
	}
	assert_null(dict_get(&d, "key0"));
	assert_null(dict_get(&d, "key"));
	assert_ptr_equal(dict_getn(&d, "key12345", 5), (void *)12);
	*dict_put(&d, "key7") = (void *)1; /* the same key: no new entry */
	assert_ptr_equal(dict_get(&d, "key7"), (void *)1);
	dict_each(e, &d) /* in the order of insertion */
	{
		snprintf(name, sizeof(name), "key%u", ++n);
		assert_string_equal(e->key, name);
	}
	assert_int_equal(n, 5000);
	arena_free(&a);
}

static void a_buffer_collects_text(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "ab");
	buf_char(&b, 'c');
	buf_u64(&b, UINT64_MAX);
	buf_s64(&b, INT64_MIN);
	buf_printf(&b, "|%5d|%s", 42, "x");
	assert_string_equal(buf_str(&b), "abc18446744073709551615-9223372036854775808|   42|x");
	b.n = 3;
	buf_pad(&b, 8);
	assert_int_equal(b.n, 8);
	assert_memory_equal(b.p, "abc\0\0\0\0\0", 8);
	for (u32 i = 0; i < 100000; i++)
		buf_char(&b, (char)('a' + i % 26));
	assert_int_equal(b.n, 100008);
	assert_int_equal(b.p[8 + 26 * 1000 + 5], 'f');
	assert_false(b.failed);
	buf_free(&b);
	assert_int_equal(b.n, 0);
}

struct heard {
	struct waggle_diag diag;
	char text[256], hint[256], source[256];
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	h->diag = *d;
	snprintf(h->text, sizeof(h->text), "%s", d->text);
	snprintf(h->hint, sizeof(h->hint), "%s", d->hint ? d->hint : "");
	snprintf(h->source, sizeof(h->source), "%s", d->source ? d->source : "(none)");
}

static void a_message_shows_its_line(void **state)
{
	static const char source[] = "first\n\tsecond line\nlast";
	struct heard h = {0};
	struct diag d = {.fn = hear, .user = &h, .file = "x.bt", .text = source,
			 .size = sizeof(source) - 1};

	(void)state;
	assert_int_equal(diag_error(&d, (struct loc){2, 2, 6, 0}, "hint", "%s %d", "wrong", 5), -22);
	assert_string_equal(h.text, "wrong 5");
	assert_string_equal(h.hint, "hint");
	assert_string_equal(h.source, "\tsecond line");
	assert_string_equal(h.diag.file, "x.bt");
	assert_int_equal(h.diag.line, 2);
	assert_int_equal(h.diag.col, 2);
	assert_int_equal(h.diag.len, 6);
	assert_int_equal(h.diag.level, WAGGLE_ERROR);
	diag_warn(&d, (struct loc){3, 1, 4, 0}, NULL, "odd");
	assert_string_equal(h.source, "last");
	assert_int_equal(h.diag.level, WAGGLE_WARNING);
	assert_int_equal(d.errors, 1);
	assert_int_equal(diag_fail(&d, -2, NULL, "gone"), -2);
	assert_int_equal(h.diag.line, 0);
	assert_int_equal(d.errors, 2);
}

static void nobody_needs_to_listen(void **state)
{
	struct diag d = {0};

	(void)state;
	assert_int_equal(diag_error(&d, (struct loc){1, 1, 1, 0}, NULL, "unheard"), -22);
	assert_int_equal(d.errors, 1);
}

static void near_names(void **state)
{
	static const struct {
		const char *word, *candidates[4], *best;
	} rows[] = {
		{"filenam", {"flags", "filename", "mode"}, "filename"},
		{"sttas", {"start", "stats", "emit"}, "stats"}, /* a transposition is one step */
		{"syscall", {"vsyscall", "syscalls"}, "syscalls"}, /* as near, but the same start */
		{"syscall", {"syscalls", "vsyscall"}, "syscalls"},
		{"pdi", {"pid", "tid", "uid"}, "pid"},
		{"x", {"pid", "tid"}, NULL},
		{"something", {"else", "entirely"}, NULL},
		{"ab", {"cd"}, NULL},
		{"", {"pid"}, NULL},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct near near = {.word = rows[i].word};

		for (u32 n = 0; n < 4 && rows[i].candidates[n]; n++)
			near_try(&near, rows[i].candidates[n]);
		if (rows[i].best)
			assert_string_equal(near.best, rows[i].best);
		else
			assert_null(near.best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(an_arena_that_was_wound_back_gives_the_same_memory),
		cmocka_unit_test(an_arena_grows_what_it_gave),
		cmocka_unit_test(a_vector_keeps_its_elements),
		cmocka_unit_test(a_dictionary_finds_what_was_put),
		cmocka_unit_test(a_buffer_collects_text),
		cmocka_unit_test(a_message_shows_its_line),
		cmocka_unit_test(nobody_needs_to_listen),
		cmocka_unit_test(near_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
