/*
 * test_user.c: functions and USDT notes of ELF files, whole and broken.
 *
 * The file is this program itself: it has functions and, written by hand, a note of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "target/target.h"

unsigned short test_user_semaphore __attribute__((section(".probes"), used));

__attribute__((noinline, used)) static int marked(int x)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
			 "993: .8byte 990b, 0, test_user_semaphore\n"
			 ".asciz \"tests\"\n.asciz \"here\"\n.asciz \"-4@%%eax 8@$7\"\n"
			 "994: .balign 4\n.popsection\n" ::"r"(x));
	return x + 1;
}

static struct buf self;

static void read_self(void)
{
	FILE *f = fopen("/proc/self/exe", "re");
	size_t n;

	assert_non_null(f);
	do {
		char *p = buf_reserve(&self, 65536);

		n = fread(p, 1, 65536, f);
		self.n += n;
	} while (n);
	fclose(f);
}

struct seen {
	u32 n, marked, notes;
	u64 at, size;
	struct usdt_note note;
};

static int take_symbol(void *user, const struct user_symbol *s)
{
	struct seen *seen = user;

	seen->n++;
	assert_true(s->offset < self.n && *s->name);
	if (!strcmp(s->name, "marked")) {
		seen->marked++;
		seen->at = s->offset;
		seen->size = s->size;
	}
	return 0;
}

static int take_note(void *user, const struct usdt_note *n)
{
	struct seen *seen = user;

	seen->note = *n;
	seen->notes++;
	return 0;
}

static void functions_and_notes_of_a_program(void **state)
{
	struct user_file f = {.path = "self"};
	struct diag silent = {0};
	struct seen seen = {0};
	u64 addr;

	(void)state;
	assert_int_equal(elf_open(&f.elf, self.p, self.n, "self", &silent), 0);
	user_symbols(&f, take_symbol, &seen);
	assert_true(seen.n > 10);
	assert_int_equal(seen.marked, 1);
	/* the code is the one that runs */
	assert_memory_equal(self.p + seen.at, (const void *)(uintptr_t)marked, seen.size);
	usdt_notes(&f, take_note, &seen);
	assert_int_equal(seen.notes, 1);
	assert_string_equal(seen.note.provider, "tests");
	assert_string_equal(seen.note.name, "here");
	assert_string_equal(seen.note.args, "-4@%eax 8@$7");
	assert_true(seen.note.offset >= seen.at && seen.note.offset < seen.at + seen.size);
	assert_int_equal((u8)self.p[seen.note.offset], 0x90); /* the nop */
	assert_true(seen.note.semaphore > 0);
	assert_true(user_address(&f, "test_user_semaphore", &addr));
	assert_false(user_address(&f, "no_such_name", &addr));
}

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

static int touch_symbol(void *user, const struct user_symbol *s)
{
	u64 *sum = user;

	*sum += strlen(s->name) + s->offset;
	return 0;
}

static int touch_note(void *user, const struct usdt_note *n)
{
	u64 *sum = user;

	*sum += strlen(n->name) + strlen(n->provider) + strlen(n->args) + n->semaphore;
	return 0;
}

/* The headers and the notes are changed; the rest would only change what is read. */
static void broken_files_are_read_inside_of_themselves(void **state)
{
	struct elf_section notes;
	struct diag silent = {0};
	struct elf whole;
	u64 sum = 0;

	(void)state;
	assert_int_equal(elf_open(&whole, self.p, self.n, "self", &silent), 0);
	assert_true(elf_find(&whole, ".note.stapsdt", &notes));
	for (u32 i = 0; i < 300; i++) {
		size_t size = i % 3 ? self.n : rnd((u32)self.n);
		char *copy = malloc(size + 1);
		struct user_file f = {.path = "broken"};

		memcpy(copy, self.p, size);
		for (u32 k = rnd(6); k-- && size > 64;) {
			u64 at = rnd(3)   ? whole.sections_at + rnd(whole.nsections * 64)
				 : rnd(2) ? notes.offset + rnd((u32)notes.size)
					  : rnd(64 * 12);

			if (at < size)
				copy[at] = (char)rnd(256);
		}
		if (!elf_open(&f.elf, copy, size, "broken", &silent)) {
			user_symbols(&f, touch_symbol, &sum);
			usdt_notes(&f, touch_note, &sum);
		}
		free(copy);
	}
	assert_true(sum > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_and_notes_of_a_program),
		cmocka_unit_test(broken_files_are_read_inside_of_themselves),
	};
	int failed;

	read_self();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&self);
	return failed;
}
