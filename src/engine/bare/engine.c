/*
 * engine.c: opens an object in our own machine and runs its programs; see bare.h.
 *
 * In:  a plain object that was made to fit, or one of ours. Out: struct engine, of which only what
 *      runs programs and reads maps is there.
 */
#include "engine/bare/bare.h"

#include "base/clock.h"
#include "engine/own.h"

#include <errno.h>
#include <stdlib.h>

static struct bare_engine *bare_of(struct engine *e)
{
	return (struct bare_engine *)e;
}

static void bare_close(struct engine *e, bool leave)
{
	(void)leave;
	if (bare_of(e)->in)
		bare_input_free(bare_of(e)->in);
	free(bare_of(e)->in);
	vm_run_close(bare_of(e)->run);
	vm_close(bare_of(e)->vm);
	free(e);
}

static int bare_open(struct engine **out, struct object *o, const struct engine_opts *opts,
		     struct diag *diag)
{
	const struct vm_opts vm_opts = {.only = opts->only, .cpus = 1};
	struct bare_engine *b = calloc(1, sizeof(*b));
	int err;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	b->base = (struct engine){
		.ops = &bare_engine, .object = o, .diag = diag, .cpus = 1, .epoll_fd = -1};
	b->in = calloc(1, sizeof(*b->in));
	err = b->in ? vm_open(&b->vm, o, &vm_opts, diag) : -ENOMEM;
	b->base.vm = b->vm;
	if (!err)
		err = vm_run_open(&b->run, b->vm, NULL, NULL, 0);
	for (u32 i = 0; i < o->maps.n && !err; i++)
		b->base.map_bytes += (u64)o->maps.v[i].max_entries *
				     (o->maps.v[i].key_size + o->maps.v[i].value_size);
	if (err) {
		bare_close(&b->base, false);
		return err;
	}
	*out = &b->base;
	return 0;
}

static int bare_attach(struct engine *e)
{
	return diag_fail(e->diag, -EOPNOTSUPP, NULL,
			 "programs that are run by themselves see no events");
}

static void bare_nothing(struct engine *e)
{
	(void)e;
}

/* Why it stopped; with the name of what CO-RE did not find, if that is it. */
static void tell_fault(struct bare_engine *b, const struct object_prog *p, struct buf *out)
{
	vm_fault_print(out, b->run);
	vec_each (c, &p->code.cores)
		if (c->missing && c->insn == b->run->fault.insn &&
		    b->run->fault.kind == VM_BAD_CALL)
			buf_printf(out, ": %s", c->missing);
}

static int bare_test(struct engine *e, u32 prog, struct engine_test *t)
{
	struct bare_engine *b = bare_of(e);
	const struct object_prog *p = &e->object->progs.v[prog];
	u32 times = MAX(t->repeat, 1u), i = 0;
	struct bare_input *in = b->in;
	int err = bare_input_open(in, p->kind, t);
	u64 start;

	if (!err)
		err = bare_input_lend(in, b->run);
	if (err)
		return diag_fail(e->diag, err, "packets have at least 14 bytes",
				 "program '%s' cannot be run on this input: %s", p->name,
				 strerror(-err));
	start = clock_now(CLOCK_MONOTONIC);
	while (i < times && !err) {
		err = vm_call(b->run, prog, (u64)(uintptr_t)in->ctx, in->ctx_size, &t->result);
		i++;
	}
	t->ns = (clock_now(CLOCK_MONOTONIC) - start) / i;
	if (!err) /* those whose time has come */
		vm_timers_run(b->run);
	if (!err && b->run->fault.kind)
		err = -EFAULT;
	t->result &= p->kind ? UINT32_MAX : UINT64_MAX;
	if (err == -EFAULT)
		tell_fault(b, p, &t->fault);
	bare_input_read(in, p->kind, t);
	bare_input_close(in, b->run);
	if (err && err != -EFAULT)
		return diag_fail(e->diag, err, NULL, "program '%s' cannot be run: %s", p->name,
				 strerror(-err));
	return t->out.failed || t->ctx_out.failed ? -ENOMEM : 0;
}

static int bare_run(struct engine *e, u32 prog)
{
	struct engine_test t = {0};
	int err = bare_test(e, prog, &t);

	buf_free(&t.out);
	buf_free(&t.ctx_out);
	buf_free(&t.fault);
	return err;
}

const struct engine_ops bare_engine = {
	.name = "user",
	.open = bare_open,
	.attach = bare_attach,
	.go = bare_nothing,
	.detach = bare_nothing,
	.run = bare_run,
	.test = bare_test,
	OWN_MAPS,
	.close = bare_close,
};
