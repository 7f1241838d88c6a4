/*
 * one.h: fuzzers for libFuzzer, which calls one function with each input.
 *
 * Built by `make fuzzers` (clang) they search; built as all other programs they have this main(),
 * which runs the inputs in the files that it is given: to see a failure again.
 */
#ifndef FUZZ_ONE_H
#define FUZZ_ONE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                          \
	do {                                                                              \
		if (!(x)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                          \
		}                                                                         \
	} while (0)

#ifndef WAGGLE_LIBFUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t size = 0, most = 1 << 20;
		uint8_t *data = malloc(most);

		if (!f || !data) {
			fprintf(stderr, "%s cannot be read\n", argv[i]);
			return 1;
		}
		size = fread(data, 1, most, f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	return 0;
}
#endif

#endif
