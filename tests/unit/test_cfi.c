/*
 * test_cfi.c: rules of unwinding: those of this program and its libraries, compared with what the
 * C library's own unwinder finds; and the same file with bytes changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/inflate.h"
#include "elf/cfi.h"
#include "elf/debug.h"
#include "symbol/unwind.h"

/* ---- rules */

static void rules_hold_what_they_are_given(void **state)
{
	(void)state;
	for (s32 off = -(1 << 17); off < 1 << 17; off += 4099)
		for (s32 bp = -16; bp < 16; bp += 3) {
			u32 bx = (u32)bp & 7,
			    rule = CFI_RULE(CFI_BP_DEREF, off, CFI_BP_AT_BP, bp) | CFI_RULE_BX(bx);

			assert_int_equal(cfi_kind(rule), CFI_BP_DEREF);
			assert_int_equal(cfi_off(rule), off);
			assert_int_equal(cfi_bp(rule), CFI_BP_AT_BP);
			assert_int_equal(cfi_bp_off(rule), bp);
			assert_int_equal(cfi_bx(rule), bx);
		}
}

static void rows_are_found(void **state)
{
	static const struct cfi_row rows[] = {{16, 1}, {20, 2}, {32, 0}};

	(void)state;
	assert_int_equal(cfi_find(rows, 3, 15), CFI_NONE);
	assert_int_equal(cfi_find(rows, 3, 16), 1);
	assert_int_equal(cfi_find(rows, 3, 19), 1);
	assert_int_equal(cfi_find(rows, 3, 31), 2);
	assert_int_equal(cfi_find(rows, 3, 1 << 20), 0);
	assert_int_equal(cfi_find(rows, 0, 16), CFI_NONE);
}

/* ---- this process */

static int read_own(void *user, u64 from, u64 *word)
{
	(void)user;
	memcpy(word, (const void *)(uintptr_t)from, sizeof(*word)); // NOLINT
	return 0;
}

struct both {
	void *theirs[64];
	u64 ours[64];
	int ntheirs;
	u32 nours;
	u64 ip;
};

// NOLINTBEGIN(bugprone-signal-handler): raised at a place where everything may be called
/* Both walk from here on; the first frame is here, where both stand elsewhere. */
__attribute__((noinline)) static void look(struct both *b)
{
	struct unwinder *u = unwinder_new();
	u64 inner[16] = {0};
	struct unwind_regs r = {.inner = inner};

	assert_non_null(u);
	__asm__ volatile("lea (%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2\n\tmov %%rbx, %3"
			 : "=r"(r.ip), "=r"(r.sp), "=r"(r.bp), "=r"(inner[CFI_REG_BX]));
	b->ip = r.ip;
	b->nours = unwind(u, (u32)getpid(), r, b->ours, 64, read_own, NULL);
	b->ntheirs = backtrace(b->theirs, 64);
	unwinder_free(u);
}

static void same(const struct both *b)
{
	int more = b->ntheirs - (int)b->nours; /* sanitizers stand in front of it */

	assert_true(b->ntheirs > 3);
	assert_in_range(more, 0, 1);
	assert_int_equal(b->ours[0], b->ip);
	for (u32 i = 1; i < b->nours; i++)
		assert_int_equal(b->ours[i], (u64)(uintptr_t)b->theirs[(int)i + more]);
}

#ifdef __clang__
#define WITHOUT_FRAME_POINTER
#else
#define WITHOUT_FRAME_POINTER __attribute__((optimize("O2", "omit-frame-pointer")))
#endif
__attribute__((noinline)) WITHOUT_FRAME_POINTER static void deeper(struct both *b, int n)
{
	volatile char room[64];

	room[n] = 1;
	if (n)
		deeper(b, n - 1);
	else
		look(b);
	__asm__ volatile("" ::"r"(room[n]));
}

static void callers_as_the_library_finds_them(void **state)
{
	struct both b;

	(void)state;
	look(&b);
	same(&b);
	deeper(&b, 9);
	same(&b);
	assert_true(b.nours > 12);
}

static struct both of_signal;

static void on_signal(int sig)
{
	(void)sig;
	deeper(&of_signal, 2);
}

static void through_a_signal(void **state)
{
	(void)state;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	same(&of_signal);
}

static int compare(const void *a, const void *b)
{
	deeper(&of_signal, 1);
	return *(const int *)a - *(const int *)b;
}

// NOLINTEND(bugprone-signal-handler)
static void through_the_library(void **state)
{
	int v[] = {2, 1};

	(void)state;
	qsort(v, 2, sizeof(*v), compare);
	same(&of_signal);
}

#if defined(__x86_64__)
/* Functions whose frames are found by words on the stack and by other registers, as assembler and
 * the dynamic linker have them: each calls fn(b). */
#define FRAME_BY(name, keep, cfi, call, restore)                                                   \
	__asm__(".text\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" keep cfi            \
		"mov %rsi, %rax\n" call restore ".cfi_endproc\n.size " #name ", . - " #name "\n");    \
	void name(struct both *, void (*fn)(struct both *))

/* CFA = the word at rsp + 8, + 8 */
FRAME_BY(by_saved_sp, "mov %rsp, %rax\nsub $136, %rsp\nand $-64, %rsp\nmov %rax, 8(%rsp)\n",
	 ".cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 8\n", "call *%rax\n",
	 "mov 8(%rsp), %rsp\n.cfi_def_cfa 7, 8\nret\n");
/* CFA = rbx + 16 */
FRAME_BY(by_rbx, "push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset 3, -16\nmov %rsp, %rbx\n",
	 ".cfi_def_cfa_register 3\nand $-64, %rsp\n", "call *%rax\n",
	 "mov %rbx, %rsp\n.cfi_def_cfa_register 7\npop %rbx\n.cfi_def_cfa_offset 8\n"
	 ".cfi_restore 3\nret\n");
__attribute__((noinline)) WITHOUT_FRAME_POINTER static void keep_rbx(struct both *b)
{
	u64 busy = b->ip + 1;

	__asm__ volatile("" : "+b"(busy));
	deeper(b, 3);
	__asm__ volatile("" ::"b"(busy));
}

static void by_other_registers(void **state)
{
	struct both b = {0};

	(void)state;
	by_saved_sp(&b, look);
	same(&b);
	by_rbx(&b, look);
	same(&b);
	by_rbx(&b, keep_rbx); /* rbx is saved deeper down */
	same(&b);
}

static const u64 *words_at; /* the test's memory: from 4096 on */

static int read_words(void *user, u64 from, u64 *word)
{
	(void)user;
	if (from < 4096 || from >= 4096 + 64)
		return -EFAULT;
	*word = words_at[(from - 4096) / 8];
	return 0;
}

static void steps_by_hand(void **state)
{
	u64 regs[15] = {0};
	u32 by_r10 = CFI_RULE(CFI_REG, CFI_REG_OFF(7, 2), 0, 0),
	    by_r12 = CFI_RULE(CFI_REG, CFI_REG_OFF(3, 2), 0, 0),
	    by_bx = CFI_RULE(CFI_REG, CFI_REG_OFF(CFI_REG_BX, -1), 0, 0),
	    saves = CFI_RULE(CFI_SP, 3, 0, 0) | CFI_RULE_BX(1),
	    loses = CFI_RULE(CFI_SP, 3, 0, 0) | CFI_RULE_BX(CFI_BX_LOST);
	const u64 words[8] = {0, 4096 + 64, 11, 12, 13, 14, 15, 16};
	struct unwind_regs first = {1, 4096, 4096, .inner = regs}, r = first;

	(void)state;
	words_at = words;
	regs[7] = regs[3] = 4096 + 16;
	assert_true(unwind_step(by_r10, &r, read_words, NULL));
	assert_int_equal(r.ip, 12);
	assert_int_equal(r.sp, 4096 + 32);
	assert_false(unwind_step(by_r12, &r, read_words, NULL)); /* only the innermost's is known */
	regs[7] = 4096 + 48;
	assert_true(unwind_step(by_r10, &r, read_words, NULL)); /* what it called has left it alone */
	assert_int_equal(r.ip, 16);
	r = first;
	assert_true(unwind_step(by_r12, &r, read_words, NULL));
	assert_int_equal(r.ip, 12);
	r = first;
	assert_true(unwind_step(saves, &r, read_words, NULL));
	assert_int_equal(r.ip, 11);
	assert_true(unwind_step(by_bx, &r, read_words, NULL)); /* the word at 8 */
	assert_int_equal(r.sp, 4096 + 56);
	assert_int_equal(r.ip, 15);
	r = first;
	assert_true(unwind_step(loses, &r, read_words, NULL));
	assert_false(unwind_step(by_bx, &r, read_words, NULL));
	r = first;
	regs[CFI_REG_BX] = 4096 + 40;
	assert_true(unwind_step(by_bx, &r, read_words, NULL));
	assert_int_equal(r.ip, 12);
	r = (struct unwind_regs){1, 4096, 8, NULL, 0, false};
	assert_false(unwind_step(by_bx, &r, read_words, NULL)); /* nobody said the registers */
	/* a frame pointer that cannot be read does not end the stack */
	assert_true(unwind_step(CFI_RULE(CFI_SP, 4, CFI_BP_AT_BP, 0), &r, read_words, NULL));
	assert_int_equal(r.ip, 12);
	assert_int_equal(r.bp, 0);
}
#endif

/* ---- files that are not as they should be */

static void broken_files(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct diag quiet = {0};
	struct elf_section s;
	struct stat st;
	struct elf elf;
	u32 seed = 1;
	u8 *data;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	assert_int_equal(elf_open(&elf, data, (size_t)st.st_size, "self", &quiet), 0);
	assert_true(elf_find(&elf, ".eh_frame", &s));
	for (u32 turn = 0; turn < 40; turn++) {
		struct cfi_table t = {0};

		for (u32 i = 0; i < 50; i++) {
			seed = seed * 1103515245 + 12345;
			data[s.offset + (seed >> 8) % s.size] = (u8)(seed >> 3);
		}
		cfi_read(&t, &elf);
		for (u32 i = 1; i < t.n; i++)
			assert_true(t.rows[i - 1].pc < t.rows[i].pc);
		cfi_free(&t);
	}
	free(data);
}

/* "aaaa…", 100 of them, as zlib packs it. */
static void packed_sections(void **state)
{
	static const u8 packed[] = {1,    0,    0,    0,    0,    0,    0,    0,    100,
				    0,    0,    0,    0,    0,    0,    0,    1,    0,
				    0,    0,    0,    0,    0,    0,    0x78, 0x9c, 0x4b,
				    0x4c, 0xa4, 0x3d, 0x00, 0x00, 0x7a, 0x47, 0x25, 0xe5};
	struct elf_section s = {.data = packed, .size = sizeof(packed), .flags = ELF_COMPRESSED};
	struct dwarf_section out;
	struct buf unpacked = {0};

	(void)state;
	assert_true(elf_contents(&s, &unpacked, &out));
	assert_int_equal(out.n, 100);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(out.p[i], 'a');
	buf_free(&unpacked);
	s.size = 20;
	assert_false(elf_contents(&s, &unpacked, &out));
	s.flags = 0;
	assert_true(elf_contents(&s, &unpacked, &out));
	assert_int_equal(out.n, 20);
	buf_free(&unpacked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_hold_what_they_are_given),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(callers_as_the_library_finds_them),
		cmocka_unit_test(through_a_signal),
		cmocka_unit_test(through_the_library),
#if defined(__x86_64__)
		cmocka_unit_test(by_other_registers),
		cmocka_unit_test(steps_by_hand),
#endif
		cmocka_unit_test(broken_files),
		cmocka_unit_test(packed_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
