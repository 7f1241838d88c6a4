/*
 * asmfuzz.c: any text against the assembler (libFuzzer; see one.h).
 *
 * What it takes is written as a listing, which must be taken too and give the same listing; the
 * object's file must be read back.
 */
#include "one.h"

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
	struct object *again;

	CHECK(object_write_elf(o, &elf, d) == 0);
	CHECK(object_read_elf(&again, elf.p, elf.n, "fuzzed", d) == 0);
	CHECK(again->progs.n == o->progs.n && again->maps.n == o->maps.n);
	object_free(again);
	buf_free(&elf);
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
	return 0;
}
