/*
 * tool_later.c: runs a program whose timers change maps when it has ended.
 *
 *	tool_later ENGINE OBJECT PROGRAM TEXT
 *
 * In:  what the maps, as JSON, have in them when the last timer has run. Out: what the program
 * returned, and the maps as they are then; status 1: it never came to that.
 */
#include "waggle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOKS 20000 /* of 1 ms: who is held up on a busy machine is waited for */

struct text {
	char v[1 << 16];
	size_t n;
};

static void put(void *user, const char *data, size_t size)
{
	struct text *t = user;

	if (size >= sizeof(t->v) - t->n)
		return;
	memcpy(t->v + t->n, data, size);
	t->n += size;
	t->v[t->n] = 0;
}

static void say(void *user, const struct waggle_diag *d)
{
	(void)user;
	fprintf(stderr, "tool_later: %s\n", d->text);
}

static void print_maps(struct waggle_session *s, struct text *to)
{
	struct waggle_map *map;

	to->n = 0;
	for (unsigned i = 0; (map = waggle_session_map_at(s, i)); i++) {
		waggle_map_print(map, true, put, to);
		put(to, "\n", 1);
	}
}

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	static char bytes[1 << 20];

	*size = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	if (f)
		fclose(f);
	return bytes;
}

int main(int argc, char **argv)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = say};
	struct waggle_call call = {.sz = sizeof(call)};
	struct waggle_session *s = NULL;
	struct waggle_object *o = NULL;
	static struct text maps;
	void *bytes;
	size_t size;

	if (argc != 5)
		return 2;
	opts.engine = !strcmp(argv[1], "user") ? WAGGLE_USER : WAGGLE_KERNEL;
	opts.name = argv[2];
	opts.program = call.program = argv[3];
	bytes = read_file(argv[2], &size);
	if (waggle_object_open(&o, bytes, size, &opts) || waggle_session_load(&s, o, &opts) ||
	    waggle_session_call(s, &call))
		return 2;
	for (int i = 0; i < LOOKS; i++) {
		print_maps(s, &maps);
		if (strstr(maps.v, argv[4]))
			break;
		nanosleep(&nap, NULL);
	}
	print_maps(s, &maps); /* once more: those that were printed before that one */
	printf("result %llu\n%s", (unsigned long long)call.result, maps.v);
	waggle_session_stop(s);
	waggle_object_free(o);
	return strstr(maps.v, argv[4]) ? 0 : 1;
}
