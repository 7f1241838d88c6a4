/*
 * asmfuzz.c: any text against the assembler (libFuzzer; see one.h).
 *
 * What it takes is written as a listing, which must be taken too and give the same listing; the
 * object's file must be read back. The same text as classic BPF: its listing must come back, and
 * what the kernel would take must be translated.
 */
#include "one.h"

#include "filter/bpf.h"
#include "isa/cbpf.h"
#include "object/asm.h"

/* Places in the source differ, being those of another text. */
static void strip_comments(struct buf *out, struct buf *in)
{
	const char *p = buf_str(in), *end = p + in->n;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;

		if (*p != ';')
			buf_add(out, p, (size_t)(next - p));
		p = next;
	}
}

static void check_listing(const struct object *o, struct diag *d)
{
	struct buf first = {0}, second = {0}, a = {0}, b = {0};
	struct object *again;

	object_listing(&first, o);
	strip_comments(&a, &first);
	CHECK(object_asm(&again, a.p, a.n, d) == 0);
	object_listing(&second, again);
	strip_comments(&b, &second);
	CHECK(!strcmp(buf_str(&a), buf_str(&b)));
	object_free(again);
	buf_free(&first);
	buf_free(&second);
	buf_free(&a);
	buf_free(&b);
}

static void check_file(const struct object *o, struct diag *d)
{
	struct buf elf = {0};
	struct object *again = NULL;

	/* not every object can be written (functions that are jumped into), or makes sense for
	 * libbpf */
	if (!object_write_elf(o, &elf, d) && !object_read_elf(&again, elf.p, elf.n, "fuzzed", d))
		object_free(again);
	buf_free(&elf);
}

static void check_classic(const char *text, size_t size, struct diag *d)
{
	struct cbpf_code code = {0}, again = {0};
	struct code t = {0};
	struct cbpf_wrong wrong;
	struct arena arena = {0};
	struct buf listing = {0};

	if (!cbpf_read(&code, &arena, text, size, d) &&
	    !cbpf_check(code.insns.v, code.insns.n, &wrong)) {
		*d = (struct diag){0};
		cbpf_listing(&listing, code.insns.v, code.insns.n);
		CHECK(cbpf_read(&again, &arena, buf_str(&listing), listing.n, d) == 0);
		CHECK(again.insns.n == code.insns.n);
		filter_program(&t, &arena, HOOK_PLAIN, code.insns.v, code.insns.n, KERNEL(5, 10), d);
		vec_each (in, &t.insns)
			CHECK(isa_op(in));
	}
	buf_free(&listing);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag d = {.text = (const char *)data, .size = size, .file = "input"};
	struct object *o;

	if (object_asm(&o, (const char *)data, size, &d) == 0) {
		d = (struct diag){0};
		check_listing(o, &d);
		check_file(o, &d);
		object_free(o);
	}
	d = (struct diag){.text = (const char *)data, .size = size, .file = "input"};
	check_classic((const char *)data, size, &d);
	return 0;
}
