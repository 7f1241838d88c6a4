/*
 * test_dwarf.c: debugging information: that of this program, and the same with bytes changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/dwarf.h"
#include "elf/lines.h"

struct sample {
	struct sample *next;
	unsigned low : 3, high : 5;
	char name[12];
};

__attribute__((noinline, used)) static long sampled(const struct sample *first,
						    unsigned short second)
{
	__asm__ volatile("" ::"r"(first) : "memory");
	return second;
}

static u8 *own;
static size_t own_size;

static int load(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	(void)state;
	if (fd < 0 || fstat(fd, &st))
		return -1;
	own_size = (size_t)st.st_size;
	own = malloc(own_size);
	while (own && n < own_size && got > 0) {
		got = read(fd, own + n, own_size - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return own && n == own_size ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	free(own);
	return 0;
}

static int find_sampled(void *user, const struct dwarf_die *die)
{
	if (strcmp(die->name, "sampled") != 0)
		return 0;
	*(struct dwarf_die *)user = *die;
	return 1;
}

static void function(void **state)
{
	static const char *const names[] = {"next", "low", "high", "name"};
	struct dwarf_die f, param, type, member;
	struct diag silent = {0};
	struct dwarf d;
	struct elf elf;
	bool more;
	u32 n = 0;

	(void)state;
	assert_true(sampled(NULL, 3) == 3);
	assert_int_equal(elf_open(&elf, own, own_size, "self", &silent), 0);
	assert_true(dwarf_open(&d, &elf));
	assert_int_equal(dwarf_functions(&d, find_sampled, &f), 1);
	assert_true(dwarf_child(&d, &f, &param));
	assert_int_equal(param.tag, DW_FORMAL_PARAMETER);
	assert_string_equal(param.name, "first");
	assert_true(dwarf_at(&d, param.type, &type) && type.tag == DW_POINTER_TYPE);
	assert_true(dwarf_at(&d, type.type, &type) && type.tag == DW_CONST_TYPE);
	assert_true(dwarf_at(&d, type.type, &type) && type.tag == DW_STRUCTURE_TYPE);
	assert_int_equal(type.size, sizeof(struct sample));
	for (more = dwarf_child(&d, &type, &member); more;
	     more = dwarf_sibling(&d, &member, &member))
		assert_string_equal(member.name, names[n++]);
	assert_int_equal(n, 4);
	assert_true(dwarf_sibling(&d, &param, &param));
	assert_string_equal(param.name, "second");
	assert_true(dwarf_at(&d, param.type, &type) && type.tag == DW_BASE_TYPE);
	assert_int_equal(type.size, 2);
	assert_false(dwarf_at(&d, UINT64_MAX - 8, &type));
	assert_false(dwarf_at(&d, 0, &type));
}

static int walk(void *user, const struct dwarf_die *die)
{
	const struct dwarf *d = user;
	struct dwarf_die child, type;
	bool more;
	u32 n = 0;

	for (more = dwarf_child(d, die, &child); more && n < 8;
	     more = dwarf_sibling(d, &child, &child)) {
		dwarf_complete(d, &child);
		dwarf_at(d, child.type, &type);
		n++;
	}
	return 0;
}

/* A copy of the first bytes of a section, exactly as large, so that reading behind it is seen. */
static void cut(struct dwarf_section *s, size_t most)
{
	size_t n = s->n < most ? (size_t)s->n : most;
	u8 *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	if (n)
		memcpy(copy, s->p, n);
	*s = (struct dwarf_section){copy, n};
}

static void broken(void **state)
{
	struct diag silent = {0};
	struct dwarf d;
	struct elf elf;

	(void)state;
	srand(11);
	assert_int_equal(elf_open(&elf, own, own_size, "self", &silent), 0);
	for (u32 round = 0; round < 60; round++) {
		struct dwarf_section *all[] = {&d.info,     &d.abbrev,  &d.str,
					       &d.line_str, &d.offsets, &d.addr};

		assert_true(dwarf_open(&d, &elf));
		for (u32 i = 0; i < ARRAY_SIZE(all); i++)
			cut(all[i], 600 + (size_t)rand() % 3000);
		for (u32 i = 0; i < 1 + round % 9; i++) {
			struct dwarf_section *s = all[rand() % 2];

			((u8 *)(uintptr_t)s->p)[(size_t)rand() % s->n] = (u8)rand();
		}
		dwarf_functions(&d, walk, &d);
		for (u32 i = 0; i < ARRAY_SIZE(all); i++)
			free((void *)(uintptr_t)all[i]->p);
		dwarf_close(&d);
	}
}

/* The address of a label in the file, and the line it stands in. */
static void line(void **state)
{
	struct diag silent = {0};
	struct line_place p;
	struct lines l;
	struct elf elf;
	u64 addr, base = 0;
	u32 here;

	(void)state;
	assert_int_equal(elf_open(&elf, own, own_size, "self", &silent), 0);
	assert_true(lines_open(&l, &elf));
	here = __LINE__ + 1;
	__asm__ volatile("lea (%%rip), %0" : "=r"(addr));
	if (elf.type == ELF_DYN) { /* __ehdr_start is the first byte of the file */
		extern const char __ehdr_start;

		base = (u64)(uintptr_t)&__ehdr_start;
	}
	assert_true(lines_find(&l, addr - base - 1, &p));
	assert_int_equal(p.line, here);
	assert_non_null(strstr(p.file, "test_dwarf.c"));
	assert_false(lines_find(&l, 1, &p));
	assert_false(lines_find(&l, UINT64_MAX, &p));
	lines_close(&l);
	assert_false(lines_find(&l, addr, &p));
}

static void broken_lines(void **state)
{
	struct diag silent = {0};
	struct elf_section s;
	struct elf elf;
	u32 seed = 3;

	(void)state;
	assert_int_equal(elf_open(&elf, own, own_size, "self", &silent), 0);
	assert_true(elf_find(&elf, ".debug_line", &s) && s.data);
	for (u32 round = 0; round < 60; round++) {
		struct line_place p;
		struct lines l;

		for (u32 i = 0; i < 20; i++) {
			seed = seed * 1103515245 + 12345;
			own[s.offset + (seed >> 8) % s.size] = (u8)(seed >> 3);
		}
		if (!lines_open(&l, &elf))
			continue;
		for (u32 i = 0; i < l.n; i += 1 + l.n / 50)
			lines_find(&l, (l.pieces[i].start + l.pieces[i].end) / 2, &p);
		lines_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(function), cmocka_unit_test(broken),
					   cmocka_unit_test(line), cmocka_unit_test(broken_lines)};

	return cmocka_run_group_tests(tests, load, unload);
}
