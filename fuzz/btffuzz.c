/*
 * btffuzz.c: any bytes as BTF (libFuzzer; see one.h).
 *
 * Each type is decoded, measured and looked for by its name; a value of it is shown.
 */
#include "one.h"

#include "btf/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u8 value[256] = {1, 2, 3, 'a', 'b', 0, 255};
	struct btf *btf = NULL;
	struct buf text = {0};
	struct diag d = {0};
	u32 off, bytes;
	u64 n;

	if (btf_open_raw(&btf, data, size, &d))
		return 0;
	for (u32 id = 0; id <= btf_count(btf) && id < 2000; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (!t)
			continue;
		CHECK(t->id == id);
		if (*t->name && id) {
			CHECK(btf_find(btf, t->name, t->kind));
			btf_find_flavour(btf, t->name, t->kind, id);
		}
		if (id)
			CHECK(btf_raw(btf, id, &off, &bytes) && (u64)off + bytes <= size);
		if (btf_sizeof(btf, id, &n))
			CHECK(n <= (u64)UINT32_MAX * UINT32_MAX);
		text.n = 0;
		btf_show(&text, btf, id, value, sizeof(value), id % 2);
	}
	buf_free(&text);
	btf_close(btf);
	return 0;
}
