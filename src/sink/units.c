/*
 * units.c: what a name says of the unit of its number: "lat_us" counts microseconds.
 */
#include "sink/value.h"

static const struct {
	const char *word, *unit;
} words[] = {
	{"ns", "ns"},    {"nsecs", "ns"},    {"us", "us"}, {"usecs", "us"},  {"ms", "ms"},
	{"msecs", "ms"}, {"bytes", "bytes"}, {"kb", "KB"}, {"percent", "%"},
	{"s", "s"},
};

const char *unit_of_name(const char *name, size_t *stem)
{
	size_t n = strlen(name);

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		size_t end = strlen(words[i].word);

		if (n < end || strcmp(name + n - end, words[i].word) != 0)
			continue;
		if (n > end + 1 && name[n - end - 1] == '_') {
			*stem = n - end - 1;
			return words[i].unit;
		}
		if (n == end) {
			*stem = n;
			return words[i].unit;
		}
	}
	*stem = n;
	return NULL;
}
