/*
 * classic.c: the call of waggle.h for classic BPF: from any form to any other.
 *
 * In:  a filter as bytes, numbers, a C array or text. Out: the same filter, in the form asked for.
 */
#include "session/classic.h"

#include "filter/bpf.h"
#include "object/asm.h"
#include "session/opts.h"

#include <setjmp.h>

static void put_listing(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	cbpf_listing(out, in, n);
}

static void put_numbers(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	buf_printf(out, "%u\n", n);
	for (u32 i = 0; i < n; i++)
		buf_printf(out, "%u %u %u %u\n", in[i].code, in[i].jt, in[i].jf, in[i].k);
}

static void put_array(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	for (u32 i = 0; i < n; i++)
		buf_printf(out, "{ 0x%x, %u, %u, 0x%08x },\n", in[i].code, in[i].jt, in[i].jf,
			   in[i].k);
}

static void put_bytecode(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	buf_printf(out, "%u", n);
	for (u32 i = 0; i < n; i++)
		buf_printf(out, ",%u %u %u %u", in[i].code, in[i].jt, in[i].jf, in[i].k);
	buf_char(out, '\n');
}

static void put_raw(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	buf_add(out, in, n * sizeof(*in));
}

static const struct form {
	const char *name;
	void (*put)(struct buf *, const struct cbpf_insn *, u32 n);
} forms[] = {
	{"listing", put_listing},   {"numbers", put_numbers}, {"c", put_array},
	{"bytecode", put_bytecode}, {"raw", put_raw},
};

const struct filter_hook *classic_hook(const char *format)
{
	if (strncmp(format, "bpf", 3) != 0 || (format[3] && format[3] != ':'))
		return NULL;
	return format[3] ? filter_hook_find(format + 4) : filter_hooks;
}

/* What it is translated to. */
static int put_bpf(struct buf *out, struct arena *arena, const struct filter_hook *hook,
		   const struct cbpf_insn *in, u32 n, struct diag *d)
{
	struct code code = {0};
	int err = filter_program(&code, arena, (enum filter_hook_id)(hook - filter_hooks), in, n,
				 KERNEL(5, 10), d);

	if (!err)
		object_code_listing(out, code.insns.v, code.insns.n);
	return err;
}

int classic_put(struct buf *out, struct arena *arena, const struct cbpf_insn *in, u32 n,
		const char *format, struct diag *d)
{
	const struct filter_hook *hook = classic_hook(format);

	if (hook)
		return put_bpf(out, arena, hook, in, n, d);
	for (u32 i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(forms[i].name, format)) {
			forms[i].put(out, in, n);
			return 0;
		}
	return diag_fail(d, -EINVAL,
			 "listing, numbers, c, bytecode, raw, bpf, bpf:xdp, bpf:tc, ...",
			 "there is no form '%s'", format);
}

static int put(struct classic *c, const char *format)
{
	return classic_put(&c->out, &c->arena, c->code.insns.v, c->code.insns.n, format, &c->diag);
}

int classic_read(struct classic *c, const void *text, size_t size, bool raw)
{
	if (!raw)
		return cbpf_read(&c->code, &c->arena, text, size, &c->diag);
	if (!size || size % sizeof(struct cbpf_insn) ||
	    size / sizeof(struct cbpf_insn) > CBPF_INSNS_MOST)
		return diag_fail(&c->diag, -EINVAL, "1 to 4096 instructions of 8 bytes",
				 "%zu bytes are no filter", size);
	c->code.insns.n = c->code.insns.cap = (u32)(size / sizeof(struct cbpf_insn));
	c->code.insns.v = arena_array(&c->arena, struct cbpf_insn, c->code.insns.n);
	memcpy(c->code.insns.v, text, size);
	return 0;
}

int classic_check(struct classic *c)
{
	struct cbpf_wrong wrong;
	struct loc at = {0};
	int err = cbpf_check(c->code.insns.v, c->code.insns.n, &wrong);

	if (!err)
		return 0;
	if (wrong.insn < c->code.lines.n)
		at = (struct loc){c->code.lines.v[wrong.insn], 1, 1, 0};
	if (at.line)
		return diag_error(&c->diag, at, NULL, "instruction %u: %s", wrong.insn, wrong.text);
	return diag_fail(&c->diag, err, NULL, "instruction %u: %s", wrong.insn, wrong.text);
}

static int convert(struct classic *c, const void *text, size_t size, bool raw, const char *format)
{
	bool listing = !strcmp(format, "listing");
	jmp_buf escape;
	int err;

	c->arena.escape = &escape;
	if (setjmp(escape))
		return diag_fail(&c->diag, -ENOMEM, NULL, "out of memory");
	err = classic_read(c, text, size, raw);
	if (!err && listing) /* to see what is wrong with it */
		err = put(c, format);
	if (!err)
		err = classic_check(c);
	return err || listing ? err : put(c, format);
}

int classic_open(struct classic *c, struct waggle_opts *o, const void *text, size_t size, bool raw,
		 const struct waggle_opts *opts)
{
	int err = opts_copy(o, opts);

	*c = (struct classic){0};
	if (err)
		return err;
	c->diag =
		(struct diag){.fn = o->diag, .user = o->user, .file = o->name ? o->name : "filter"};
	if (!raw) {
		c->diag.text = text;
		c->diag.size = size;
	}
	return 0;
}

void classic_close(struct classic *c)
{
	buf_free(&c->out);
	arena_free(&c->arena);
}

int waggle_classic(const void *text, size_t size, bool raw, const char *format,
		   const struct waggle_opts *opts)
{
	struct classic c;
	struct waggle_opts o;
	int err = classic_open(&c, &o, text, size, raw, opts);

	if (err)
		return err;
	err = convert(&c, text, size, raw, format);
	if (c.out.failed)
		err = err ? err : -ENOMEM;
	else if (c.out.n && o.out)
		o.out(o.user, buf_str(&c.out), c.out.n);
	classic_close(&c);
	return err;
}
