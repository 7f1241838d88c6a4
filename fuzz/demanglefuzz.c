/*
 * demanglefuzz.c: any bytes as a mangled name (libFuzzer; see one.h).
 *
 * What comes out must be the same each time and stay in bounds; what has no name has none by
 * itself.
 */
#include "one.h"

#include "demangle/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schemes[] = {"_Z", "_R", "_ZN"};
	char *name = malloc(size + 8);
	struct buf whole = {0}, again = {0}, only = {0};

	CHECK(name);
	for (u32 i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i]), len = n + size;
		bool known;

		memcpy(name, schemes[i], n);
		memcpy(name + n, data, size);
		whole.n = again.n = only.n = 0;
		known = demangle(&whole, name, len, DEMANGLE_WHOLE);
		CHECK(known == (whole.n > 0));
		CHECK(demangle(&again, name, len, DEMANGLE_WHOLE) == known);
		CHECK(whole.n == again.n && (!whole.n || !memcmp(whole.p, again.p, whole.n)));
		demangle(&only, name, len, DEMANGLE_NAME);
		name[len] = 0;
		if (known && strlen(name) == len && !memchr(whole.p, 0, whole.n))
			demangle_matches(name, buf_str(&whole));
	}
	buf_free(&whole);
	buf_free(&again);
	buf_free(&only);
	free(name);
	return 0;
}
