/*
 * one.h: fuzzers for libFuzzer, which calls one function with each input.
 *
 * Built by `make fuzzers` (clang) they search; built as all other programs they have this main(),
 * which runs the inputs in the files that it is given, to see a failure again, or (-n INPUTS)
 * random ones, or (-m TIMES) files with changes.
 */
#ifndef FUZZ_ONE_H
#define FUZZ_ONE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                          \
	do {                                                                              \
		if (!(x)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                          \
		}                                                                         \
	} while (0)

#ifndef WAGGLE_LIBFUZZER
static uint8_t one_whole[1 << 20];

static void one_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t most = 1 << 20;
	uint8_t *data = malloc(most);

	if (f && data)
		LLVMFuzzerTestOneInput(data, fread(data, 1, most, f));
	else
		fprintf(stderr, "%s cannot be read\n", path);
	if (f)
		fclose(f);
	free(data);
}

/* Input number `seed` of all that there are, up to 1000 bytes, mostly short. */
static void one_random(uint64_t seed)
{
	static uint8_t data[1000];
	uint64_t state = seed * 0x9e3779b97f4a7c15u;
	size_t size = 0;

	for (size_t i = 0; i < sizeof(data); i++) {
		state += 0x9e3779b97f4a7c15u;
		state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
		data[i] = (uint8_t)(state >> 56);
	}
	size = (size_t)(state % sizeof(data)) >> (state >> 32) % 4;
	LLVMFuzzerTestOneInput(data, size);
}

/* A file, changed in up to four places: bytes, numbers of 2 and 4 bytes, cut short. */
static void one_changed(const char *path, uint64_t times)
{
	FILE *f = fopen(path, "rb");
	size_t most = 1 << 20, size = f ? fread(one_whole, 1, most, f) : 0;
	uint64_t state = size;

	if (f)
		fclose(f);
	for (uint64_t i = 0; size && i < times; i++) {
		uint8_t *copy = malloc(size);
		size_t n = size;

		memcpy(copy, one_whole, size);
		for (uint64_t j = 0; j <= i % 4; j++) {
			size_t at, width;
			uint32_t value;

			state = state * 6364136223846793005u + 1442695040888963407u;
			at = (size_t)(state >> 20) % size;
			width = (size_t)1 << (state >> 60) % 3;
			value = state >> 50 & 1 ? (uint32_t)(state >> 13) : (uint32_t)-((state >> 9) % 3);
			if (at + width <= size)
				memcpy(copy + at, &value, width);
			if (i % 16 == 15)
				n = at + 1;
		}
		LLVMFuzzerTestOneInput(copy, n);
		free(copy);
	}
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;

	if (argc > 2 && !strcmp(argv[1], "-n")) { /* -n INPUTS [FIRST]: random ones */
		for (uint64_t i = 0; i < strtoull(argv[2], NULL, 0); i++)
			one_random(first + i);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "-m")) { /* -m TIMES FILE...: files, changed */
		for (int i = 3; i < argc; i++)
			one_changed(argv[i], strtoull(argv[2], NULL, 0));
		return 0;
	}
	for (int i = 1; i < argc; i++)
		one_file(argv[i]);
	return 0;
}
#endif

#endif
