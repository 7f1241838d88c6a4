/*
 * engine.c: opens an object in our own machine and runs its programs; see bare.h.
 *
 * In:  a plain object that was made to fit, or one of ours. Out: struct engine, of which only what
 *      runs programs and reads maps is there.
 */
#include "engine/bare/bare.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static struct bare_engine *bare_of(struct engine *e)
{
	return (struct bare_engine *)e;
}

static void bare_close(struct engine *e, bool leave)
{
	(void)leave;
	vm_run_close(bare_of(e)->run);
	vm_close(bare_of(e)->vm);
	free(e);
}

/* Maps of maps hold numbers of maps, arrays of programs those of programs. */
static int slots_fill(struct bare_engine *b)
{
	const struct object *o = b->base.object;

	for (u32 i = 0; i < o->maps.n; i++)
		vec_each (slot, &o->maps.v[i].slots) {
			int err = vm_map_update(vm_map_of(b->vm, i), &slot->index, &slot->what, 0);

			if (err)
				return diag_fail(b->base.diag, err, NULL,
						 "cannot fill element %u of map %s: %s",
						 slot->index, o->maps.v[i].name, strerror(-err));
		}
	return 0;
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
	err = vm_open(&b->vm, o, &vm_opts, diag);
	if (!err)
		err = slots_fill(b);
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

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
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
	struct bare_input in;
	int err = bare_input_open(&in, p->kind, t);
	u64 start;

	if (!err)
		err = bare_input_lend(&in, b->run);
	if (err)
		return diag_fail(e->diag, err, "packets have at least 14 bytes",
				 "program '%s' cannot be run on this input: %s", p->name,
				 strerror(-err));
	start = now();
	while (i < times && !err) {
		err = vm_call(b->run, prog, (u64)(uintptr_t)in.ctx, in.ctx_size, &t->result);
		i++;
	}
	t->ns = (now() - start) / i;
	if (!err && !vm_timers_run(b->run)) /* those whose time has come */
		err = -EFAULT;
	t->result &= p->kind ? UINT32_MAX : UINT64_MAX;
	if (err == -EFAULT)
		tell_fault(b, p, &t->fault);
	bare_input_read(&in, p->kind, t);
	bare_input_close(&in, b->run);
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

/* ---- entries of maps */

static u32 bare_bytes(struct engine *e, u32 map)
{
	return (u32)ALIGN_UP((u64)vm_map_of(bare_of(e)->vm, map)->value_size, 8);
}

static int bare_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	return vm_map_lookup(vm_map_of(bare_of(e)->vm, map), key, value);
}

static int bare_update(struct engine *e, u32 map, const void *key, const void *value, u64 flags)
{
	return vm_map_update(vm_map_of(bare_of(e)->vm, map), key, value, flags);
}

static int bare_delete(struct engine *e, u32 map, const void *key)
{
	return vm_map_delete(vm_map_of(bare_of(e)->vm, map), key);
}

static int bare_next(struct engine *e, u32 map, const void *key, void *next)
{
	return vm_map_next(vm_map_of(bare_of(e)->vm, map), key, next);
}

static int bare_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	struct vm_map *m = vm_map_of(bare_of(e)->vm, map);
	u32 bytes = bare_bytes(e, map);
	size_t last = SIZE_MAX; /* where the last key is */
	int err = 0;

	while (!err) {
		char *key = buf_reserve(keys, m->key_size), *value = buf_reserve(values, bytes);

		err = key && value ? vm_map_next(m, last == SIZE_MAX ? NULL : keys->p + last, key)
				   : -ENOMEM;
		if (err)
			break;
		memset(value, 0, bytes);
		err = vm_map_lookup(m, key, value);
		if (err == -ENOENT) { /* an element that holds nothing: its key is kept, its value
					 not shown */
			err = 0;
		}
		last = keys->n;
		keys->n += m->key_size;
		values->n += bytes;
		*n += 1;
	}
	return err == -ENOENT ? 0 : err;
}

static s64 bare_recursion(struct engine *e)
{
	(void)e;
	return 0;
}

const struct engine_ops bare_engine = {
	.name = "user",
	.open = bare_open,
	.attach = bare_attach,
	.go = bare_nothing,
	.detach = bare_nothing,
	.run = bare_run,
	.test = bare_test,
	.map_bytes = bare_bytes,
	.map_lookup = bare_lookup,
	.map_update = bare_update,
	.map_delete = bare_delete,
	.map_next = bare_next,
	.map_read = bare_read,
	.recursion = bare_recursion,
	.close = bare_close,
};
