/*
 * tool_conformance.c: runs one program the way that tests of the instruction set expect.
 *
 *   conformance [HEX MEMORY] [--jit | --interpreter]
 *
 * In:  on stdin the bytes of the program in hexadecimal, white space between them does not matter;
 *      as argument the memory that it works on, or nothing. r1 is its address, r2 its length.
 * Out: r0 in hexadecimal and status 0; or why not, on stderr, and status 1.
 */
#include "vm/vm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void say(void *user, const struct waggle_diag *d)
{
	(void)user;
	fprintf(stderr, "conformance: %s\n", d->text);
}

static int fail(const char *what)
{
	fprintf(stderr, "conformance: %s\n", what);
	return 1;
}

static int hex_digit(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* Appends bytes; false: something else than pairs of digits and white space. */
static bool hex_bytes(struct buf *out, const char *text, size_t n)
{
	int high = -1;

	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit((u8)text[i]);

		if (isspace((u8)text[i]))
			continue;
		if (digit < 0)
			return false;
		if (high >= 0)
			buf_char(out, (char)(high << 4 | digit));
		high = high < 0 ? digit : -1;
	}
	return high < 0;
}

static bool read_all(struct buf *out, FILE *f)
{
	size_t n;
	char *to;

	do {
		to = buf_reserve(out, 65536);
		if (!to)
			return false;
		n = fread(to, 1, 65536, f);
		out->n += n;
	} while (n);
	return !ferror(f);
}

static int run(struct vm *vm, struct buf *memory)
{
	u64 result = 0, start = memory->n ? (u64)(uintptr_t)memory->p : 0;
	struct buf why = {0};
	struct vm_run *r;
	int err;

	if (vm_run_open(&r, vm, NULL, NULL, 0))
		return fail("out of memory");
	if (start)
		vm_lend(r, (struct vm_region){.start = start,
					      .size = memory->n,
					      .kind = VM_MEMORY,
					      .writable = true});
	err = vm_call(r, 0, start, memory->n, &result);
	if (err) {
		vm_fault_print(&why, r);
		fail(buf_str(&why));
		buf_free(&why);
	} else {
		printf("%lx\n", (unsigned long)result);
	}
	vm_run_close(r);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct buf text = {0}, code = {0}, memory = {0};
	struct vm_opts opts = {.budget = 0};
	struct diag diag = {.fn = say};
	struct vm *vm = NULL;
	bool given = false;
	int status = 0;

	for (int i = 1; i < argc && !status; i++) {
		if (!strcmp(argv[i], "--interpreter"))
			opts.interpret = true;
		else if (!strcmp(argv[i], "--jit"))
			opts.interpret = false;
		else if (argv[i][0] == '-' || given)
			status = fail(
				"usage: conformance [HEX MEMORY] [--jit | --interpreter] <HEX");
		else if (given = true, !hex_bytes(&memory, argv[i], strlen(argv[i])))
			status = fail("the memory is not hexadecimal");
	}
	if (!status && (!read_all(&text, stdin) || !hex_bytes(&code, text.p, text.n)))
		status = fail("the program is not hexadecimal");
	if (!status && code.n % sizeof(struct insn))
		status = fail("the program is not a number of instructions of 8 bytes");
	if (!status && vm_open_code(&vm, (const struct insn *)code.p,
				    (u32)(code.n / sizeof(struct insn)), &opts, &diag))
		status = 1;
	if (!status)
		status = run(vm, &memory);
	vm_close(vm);
	buf_free(&text);
	buf_free(&code);
	buf_free(&memory);
	return fflush(stdout) ? 1 : status;
}
