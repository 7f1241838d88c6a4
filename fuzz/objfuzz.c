/*
 * objfuzz.c: any file as an object (libFuzzer; see one.h).
 *
 * What is read is printed, its types are made ready for an old kernel, written, and it is made to
 * fit to a machine whose types are the object's own: CO-RE, externs. A plain object is written and
 * read again.
 */
#include "one.h"

#include "object/object.h"
#include "object/resolve.h"

static struct btf *own;

static struct btf *types(void *user, struct diag *d)
{
	(void)user, (void)d;
	return own;
}

static const char *config(void *user, const char *name)
{
	static const char *const values[] = {"y", "m", "17", "-3", "\"text\"", "0x10", "", NULL};

	(void)user;
	return values[strlen(name) % 8];
}

static u64 address(void *user, const char *symbol)
{
	(void)user;
	return strlen(symbol) % 2 ? 0xffffffff81000000 : 0;
}

static void fit(struct object *o, struct diag *d)
{
	const struct object_machine machine = {types, NULL, config, address, 6 << 16, NULL, true};

	own = NULL;
	if (!o->btf_size || btf_open_raw(&own, o->btf, o->btf_size, d))
		own = NULL;
	object_resolve(o, -1, &machine, d);
	btf_close(own);
}

static void hear(void *user, const struct waggle_diag *d)
{
	snprintf(user, 512, "%s", d->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object *o = NULL, *again = NULL;
	struct object_btf btf = {0};
	struct buf text = {0}, file = {0};
	char why[512] = "";
	struct diag d = {.fn = hear, .user = why};

	if (object_read_elf(&o, data, size, "input", &d)) {
		CHECK(!o);
		return 0;
	}
	CHECK(!object_validate(o, &d));
	object_print(&text, o);
	if (!object_btf(o, &btf, &d))
		object_btf_age(&btf, KERNEL(5, 10));
	object_btf_free(&btf);
	if (!object_write_elf(o, &file, &d)) {
		if (object_read_elf(&again, file.p, file.n, "again", &d))
			fprintf(stderr, "%s\n", why);
		CHECK(again);
		object_free(again);
	}
	if (o->plain)
		fit(o, &d);
	object_free(o);
	buf_free(&text);
	buf_free(&file);
	return 0;
}
