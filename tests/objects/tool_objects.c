/*
 * tool_objects.c: objects of other compilers, read by us and by libbpf.
 *
 *   tool_objects [-b BTF] OBJECT...
 *
 * In:  objects. libbpf loads each into the kernel; we read it and make it fit to this machine.
 * Out: `ok FILE` where both have the same instructions for each program, also when we have written
 * it again, `not ok FILE: WHY` and both listings around the first difference otherwise. Descriptors
 * of maps differ and are not looked at.
 */
#include "object/object.h"
#include "object/resolve.h"
#include "symbol/symbol.h"
#include "target/target.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct buf said;
static struct target *target;
static struct btf *core;

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[4096];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	buf_puts(&said, line);
	return 0;
}

static void hear_us(void *user, const struct waggle_diag *d)
{
	(void)user;
	buf_printf(&said, "waggle: %s\n", d->text);
}
static struct diag ear = {.fn = hear_us};

static struct btf *types(void *user, struct diag *d)
{
	struct btf *btf = NULL;

	(void)user;
	return target->ops->btf(target, &btf, d) ? NULL : btf;
}

static const char *config(void *user, const char *name)
{
	(void)user;
	return target_config(target, name);
}

static u64 address(void *user, const char *name)
{
	(void)user;
	return kernel_address(name);
}

static int read_file(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "r");
	int c;

	if (!in)
		return -errno;
	while ((c = getc(in)) != EOF)
		buf_char(out, (char)c);
	fclose(in);
	return 0;
}

static const struct object_prog *find(const struct object *o, const char *name)
{
	vec_each (p, &o->progs)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static bool is_reference(const struct insn *i)
{
	return i->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       (i->src == BPF_PSEUDO_MAP_FD || i->src == BPF_PSEUDO_MAP_VALUE);
}

static void list(const char *who, const struct insn *v, u32 n, u32 at)
{
	for (u32 i = at > 3 ? at - 3 : 0; i < n && i < at + 4; i++) {
		buf_printf(&said, "%s %4u: ", who, i);
		if (!isa_dis(&said, &v[i], i + 1 < n ? &v[i + 1] : NULL, i))
			buf_puts(&said, "(none)");
		buf_char(&said, '\n');
	}
}

static const char *compare(const struct object_prog *ours, const struct bpf_program *theirs)
{
	const struct insn *a = ours->code.insns.v;
	const struct insn *b = (const void *)bpf_program__insns(theirs);
	u32 n = ours->code.insns.n, m = (u32)bpf_program__insn_cnt(theirs);
	bool reference = false;

	for (u32 i = 0; i < n && i < m; i++) {
		struct insn x = a[i], y = b[i];

		if (is_reference(&x))
			x.imm = y.imm = 0;
		if (reference && x.code == 0) /* the offset in data */
			reference = false;
		else
			reference = is_reference(&x);
		if (memcmp(&x, &y, sizeof(x))) {
			list("waggle", a, n, i);
			list("libbpf", b, m, i);
			return "another instruction";
		}
	}
	return n == m ? NULL : "another number of instructions";
}

static const char *check(struct object *o, const struct buf *file, const char *btf)
{
	struct bpf_object_open_opts opts = {
		.sz = sizeof(opts), .object_name = "x", .btf_custom_path = btf};
	struct bpf_object *theirs = bpf_object__open_mem(file->p, file->n, &opts);
	struct bpf_program *p;
	const char *why = NULL;

	if (!theirs)
		return "libbpf does not open it";
	if (bpf_object__load(theirs))
		why = "libbpf does not load it";
	bpf_object__for_each_program(p, theirs)
	{
		const struct object_prog *ours = find(o, bpf_program__name(p));

		if (!why && bpf_program__autoload(p))
			why = ours ? compare(ours, p) : "a program that we do not have";
	}
	bpf_object__close(theirs);
	return why;
}

/* What was written must come out the same when it is read and written again. */
static const char *twice(const struct buf *written)
{
	struct object *o = NULL;
	struct buf again = {0};
	const char *why = NULL;

	if (object_read_elf(&o, written->p, written->n, "written", &ear) ||
	    object_write_elf(o, &again, &ear))
		why = "what was written cannot be read";
	else if (again.n != written->n || memcmp(again.p, written->p, again.n))
		why = "written twice it is another";
	object_free(o);
	buf_free(&again);
	return why;
}

static const char *one(const char *path, const char *btf)
{
	const struct object_machine m = {types, core, config, address, target_version(target),
					 NULL,  true};
	struct object *o = NULL;
	struct buf file = {0}, written = {0};
	const char *why = NULL;

	if (read_file(path, &file))
		why = "no such file";
	else if (object_read_elf(&o, file.p, file.n, path, &ear))
		why = "it cannot be read";
	else if (object_write_elf(o, &written, &ear))
		why = "it cannot be written";
	else if (object_resolve(o, -1, &m, &ear))
		why = "it does not fit to this machine";
	else
		why = check(o, &file, btf);
	if (!why && check(o, &written, btf))
		why = "written again it is another for libbpf";
	if (!why)
		why = twice(&written);
	object_free(o);
	buf_free(&file);
	buf_free(&written);
	return why;
}

/* An ELF file with a section .BTF. */
static int open_types(const char *path, struct buf *file)
{
	struct elf_section s;
	struct elf elf;

	return read_file(path, file) || elf_open(&elf, file->p, file->n, path, &ear) ||
	       !elf_find(&elf, ".BTF", &s) || btf_open_raw(&core, s.data, s.size, &ear);
}

int main(int argc, char **argv)
{
	const char *btf = argc > 2 && !strcmp(argv[1], "-b") ? argv[2] : NULL;
	struct buf types_file = {0};
	int failed = 0;

	libbpf_set_print(hear);
	if (target_live(&target, &ear))
		return 1;
	if (btf && open_types(btf, &types_file))
		return 1;
	for (int i = btf ? 3 : 1; i < argc; i++) {
		const char *why;

		said.n = 0;
		why = one(argv[i], btf);
		printf(why ? "not ok %s: %s\n" : "ok %s\n", argv[i], why);
		for (const char *p = why ? buf_str(&said) : ""; *p;
		     p += strcspn(p, "\n"), p += *p == '\n')
			printf("    %.*s\n", (int)strcspn(p, "\n"), p);
		failed |= why != NULL;
	}
	btf_close(core);
	buf_free(&types_file);
	buf_free(&said);
	target_close(target);
	return failed;
}
