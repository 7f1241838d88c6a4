/*
 * live_programs.c: the BPF programs that run on this machine, for probes at their functions.
 *
 * In:  the kernel's list of programs, their types (BTF).
 * Out: each function of each program; one of them opened, with the id of its type, as a program
 * that is to be attached there names it.
 *
 * Programs that trace others, or replace them, cannot be traced themselves; those without types
 * neither.
 */
#include "target/live.h"

#include "query/query.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PROG_EXTENSION 28
#define FUNCS_MOST     4096

/* The types of a program; raw: room for them, to be freed. */
static struct btf *open_types(u32 id, char **raw)
{
	struct query_btf info = {0};
	struct diag silent = {0};
	struct btf *btf = NULL;
	int fd = query_open(QUERY_BTF, id);

	if (fd < 0)
		return NULL;
	if (!query_info(fd, &info, sizeof(info)) && info.size) {
		*raw = calloc(1, info.size);
		info = (struct query_btf){.data = (uintptr_t)*raw, .size = info.size};
		if (*raw && !query_info(fd, &info, sizeof(info)) &&
		    btf_open_raw(&btf, *raw, info.size, &silent))
			btf = NULL;
	}
	close(fd);
	return btf;
}

/* Calls fn for each function of a program until it returns non-zero. */
static int each_func(int fd, program_fn *fn, void *user)
{
	static u32 nothing[2];
	struct query_prog info = {0}, again;
	struct btf *btf;
	char *raw = NULL;
	u32 *funcs;
	int stop = 0;

	if (query_info(fd, &info, sizeof(info)) || !info.btf || !info.nfuncs ||
	    info.nfuncs > FUNCS_MOST || info.func_size < sizeof(nothing) ||
	    info.type == PROG_TRACING || info.type == PROG_EXTENSION)
		return 0;
	funcs = calloc(info.nfuncs, info.func_size);
	again = (struct query_prog){
		.funcs = (uintptr_t)funcs, .nfuncs = info.nfuncs, .func_size = info.func_size};
	btf = funcs && !query_info(fd, &again, sizeof(again)) ? open_types(info.btf, &raw) : NULL;
	for (u32 i = 0; btf && i < MIN(info.nfuncs, again.nfuncs) && !stop; i++) {
		u32 id = funcs[i * (info.func_size / 4) + 1];
		const struct btf_type *func = btf_type(btf, id);
		char *name = func && func->kind == BTF_FUNC ? strdup(func->name) : NULL;

		if (name)
			stop = fn(user, info.id, name, id);
		free(name);
	}
	btf_close(btf);
	free(raw);
	free(funcs);
	return stop;
}

int live_programs(struct target *t, program_fn *fn, void *user)
{
	u32 id = 0;
	int stop = 0, err;

	(void)t;
	while (!stop) {
		int fd;

		err = query_next(QUERY_PROG, id, &id);
		if (err)
			return err == -ENOENT ? 0 : err;
		fd = query_open(QUERY_PROG, id);
		if (fd < 0)
			continue;
		stop = each_func(fd, fn, user);
		close(fd);
	}
	return 0;
}

struct wanted {
	const char *name;
	u32 type;
};

static int take_type(void *user, u32 id, const char *name, u32 type)
{
	struct wanted *w = user;

	(void)id;
	if (strcmp(name, w->name) != 0)
		return 0;
	w->type = type;
	return 1;
}

int target_program(u32 id, const char *function, u32 *type)
{
	struct wanted w = {.name = function};
	int fd = query_open(QUERY_PROG, id);

	if (fd < 0)
		return fd;
	each_func(fd, take_type, &w);
	*type = w.type;
	if (w.type)
		return fd;
	close(fd);
	return -ENOENT;
}
