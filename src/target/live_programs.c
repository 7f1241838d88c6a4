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

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROG_NEXT = 11, PROG_OPEN = 13, INFO = 15, BTF_OPEN = 19 }; /* of bpf(2) */
#define PROG_EXTENSION 28
#define FUNCS_MOST     4096

struct prog_info { /* struct bpf_prog_info, up to where it tells of types */
	u32 type, id;
	u8 tag[8];
	u32 jited_len, xlated_len;
	u64 jited, xlated, load_time;
	u32 uid, nmaps;
	u64 maps;
	char name[16];
	u32 ifindex, gpl;
	u64 netns_dev, netns_ino;
	u32 nksyms, nfunc_lens;
	u64 ksyms, func_lens;
	u32 btf, func_size;
	u64 funcs;
	u32 nfuncs, nlines;
};
struct btf_info { /* struct bpf_btf_info */
	u64 data;
	u32 size, id;
};

static long bpf_id(int what, u32 id)
{
	u32 attr[4] = {id};

	return syscall(SYS_bpf, what, attr, sizeof(attr));
}

static long bpf_info(int fd, void *info, u32 size)
{
	struct {
		u32 fd, size;
		u64 info;
	} attr = {(u32)fd, size, (uintptr_t)info};

	return syscall(SYS_bpf, INFO, &attr, sizeof(attr));
}

/* The types of a program; raw: room for them, to be freed. */
static struct btf *open_types(u32 id, char **raw)
{
	struct btf_info info = {0};
	struct diag silent = {0};
	struct btf *btf = NULL;
	long fd = bpf_id(BTF_OPEN, id);

	if (fd < 0)
		return NULL;
	if (!bpf_info((int)fd, &info, sizeof(info)) && info.size) {
		*raw = calloc(1, info.size);
		info = (struct btf_info){.data = (uintptr_t)*raw, .size = info.size};
		if (*raw && !bpf_info((int)fd, &info, sizeof(info)) &&
		    btf_open_raw(&btf, *raw, info.size, &silent))
			btf = NULL;
	}
	close((int)fd);
	return btf;
}

/* Calls fn for each function of a program until it returns non-zero. */
static int each_func(int fd, program_fn *fn, void *user)
{
	static u32 nothing[2];
	struct prog_info info = {0}, again;
	struct btf *btf;
	char *raw = NULL;
	u32 *funcs;
	int stop = 0;

	if (bpf_info(fd, &info, sizeof(info)) || !info.btf || !info.nfuncs ||
	    info.nfuncs > FUNCS_MOST || info.func_size < sizeof(nothing) ||
	    info.type == PROG_TRACING || info.type == PROG_EXTENSION)
		return 0;
	funcs = calloc(info.nfuncs, info.func_size);
	again = (struct prog_info){
		.funcs = (uintptr_t)funcs, .nfuncs = info.nfuncs, .func_size = info.func_size};
	btf = funcs && !bpf_info(fd, &again, sizeof(again)) ? open_types(info.btf, &raw) : NULL;
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
	u32 id = 0, attr[4];
	int stop = 0;

	(void)t;
	while (!stop) {
		long fd;

		memset(attr, 0, sizeof(attr));
		attr[0] = id;
		if (syscall(SYS_bpf, PROG_NEXT, attr, sizeof(attr)))
			return errno == ENOENT ? 0 : -errno;
		id = attr[1];
		fd = bpf_id(PROG_OPEN, id);
		if (fd < 0)
			continue;
		stop = each_func((int)fd, fn, user);
		close((int)fd);
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
	long fd = bpf_id(PROG_OPEN, id);

	if (fd < 0)
		return -errno;
	each_func((int)fd, take_type, &w);
	*type = w.type;
	if (w.type)
		return (int)fd;
	close((int)fd);
	return -ENOENT;
}
