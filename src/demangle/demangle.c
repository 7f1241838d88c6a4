/* demangle.c: which scheme a name is of; see demangle.h. */
#include "demangle/inside.h"

static bool starts(const char *name, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len > n && !memcmp(name, with, n);
}

void demangle_utf8(struct buf *out, u32 c)
{
	u32 more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const u8 first[] = {0, 0xc0, 0xe0, 0xf0};

	buf_char(out, (char)(first[more] | c >> 6 * more));
	while (more--)
		buf_char(out, (char)(0x80 | (c >> 6 * more & 63)));
}

bool demangle(struct buf *out, const char *name, size_t len, enum demangle_as as)
{
	struct buf text = {0};
	bool good = false;

	if (len > DEMANGLE_NAME_MOST || len < 3 || *name != '_')
		return false;
	if (starts(name, len, "_Z"))
		good = demangle_rust_legacy(&text, name, len) ||
		       (text.n = 0, demangle_cpp(&text, name, len, as));
	else if (starts(name, len, "_R"))
		good = demangle_rust_v0(&text, name, len, as);
	good = good && !text.failed;
	if (good)
		buf_add(out, text.p, text.n);
	buf_free(&text);
	return good && !out->failed;
}

/* The same but for blanks? */
static bool same(const char *a, size_t n, const char *b)
{
	size_t i = 0;

	for (;; i++, b++) {
		while (i < n && a[i] == ' ')
			i++;
		while (*b == ' ')
			b++;
		if (i == n || !*b)
			return i == n && !*b;
		if (a[i] != *b)
			return false;
	}
}

/* The last part of what is looked for stands in the mangled name as it is. */
static bool possible(const char *symbol, const char *want)
{
	size_t n = strcspn(want, "(<~ "), from = n;
	char last[64];

	if (want[n] == '<' || want[n] == ' ' || want[n] == '~') /* operators and templates */
		return true;
	while (from && want[from - 1] != ':')
		from--;
	if (n - from >= sizeof(last) || !strncmp(want + from, "operator", 8))
		return true;
	memcpy(last, want + from, n - from);
	last[n - from] = 0;
	return strstr(symbol, last);
}

bool demangle_matches(const char *symbol, const char *want)
{
	struct buf text = {0};
	size_t len = strlen(symbol);
	bool match;

	if (*symbol != '_' || !possible(symbol, want))
		return false;
	match = demangle(&text, symbol, len, DEMANGLE_NAME) && same(text.p, text.n, want);
	text.n = 0;
	match = match ||
		(demangle(&text, symbol, len, DEMANGLE_WHOLE) && same(text.p, text.n, want));
	buf_free(&text);
	return match;
}
