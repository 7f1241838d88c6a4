/*
 * plain.c: what objects of other compilers need of the kernel beyond those of ours.
 *
 * In:  maps of any kind, maps of maps, contents that maps have from the start, pinned maps.
 * Out: descriptors; programs run on given input by BPF_PROG_TEST_RUN.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIN_FOLDER "/sys/fs/bpf"
#define OUT_BYTES  (1u << 17) /* of a packet afterwards */
#define ENOTSUPP   524        /* the kernel's own */

/* ---- maps */

/* A map as those that a map of maps will hold: the kernel copies its form. */
static int inner_open(struct kernel_engine *k, const struct object_map_inner *i)
{
	struct sys_map s = {.name = "inner",
			    .kind = i->kind,
			    .key_size = i->key_size,
			    .value_size = i->value_size,
			    .max_entries = i->max_entries,
			    .flags = i->flags,
			    .extra = i->extra};

	return map_create(k, &s);
}

static int pinned_open(const struct object_map *m)
{
	char path[256];

	snprintf(path, sizeof(path), PIN_FOLDER "/%s", m->name);
	return sys_pinned(path);
}

static int pin(struct kernel_engine *k, const struct object_map *m, int fd)
{
	char path[256];
	int err;

	snprintf(path, sizeof(path), PIN_FOLDER "/%s", m->name);
	err = sys_pin(fd, path);
	if (err)
		close(fd);
	return err ? why_failed(k, err, "map %s cannot be pinned at %s", m->name, path) : fd;
}

int plain_map_open(struct kernel_engine *k, const struct object_map *m, struct sys_map *s)
{
	int inner = m->inner.kind ? inner_open(k, &m->inner) : 0;
	int fd = m->pinned ? pinned_open(m) : -ENOENT;

	if (inner < 0)
		return why_failed(k, inner, "cannot create the maps inside of map %s", m->name);
	if (m->kind == MAP_PERF_EVENT_ARRAY && !s->max_entries)
		s->max_entries = k->base.cpus;
	s->inner_fd = inner;
	if (fd < 0) {
		fd = map_create(k, s);
		if (fd < 0)
			fd = why_failed(k, fd,
					"cannot create map %s (%s, key %u, value %u, %u entries)",
					m->name, map_kind(m->kind) ? map_kind(m->kind)->name : "?",
					m->key_size, s->value_size, s->max_entries);
		else if (m->pinned)
			fd = pin(k, m, fd);
	}
	if (inner)
		close(inner);
	return fd;
}

int plain_slots_fill(struct kernel_engine *k, bool maps)
{
	const struct object *o = k->base.object;

	for (u32 i = 0; i < o->maps.n; i++) {
		const struct object_map *m = &o->maps.v[i];

		if ((m->inner.kind != 0) != maps)
			continue;
		vec_each (slot, &m->slots) {
			int fd = maps ? k->maps[slot->what] : k->progs[slot->what];
			int err = fd < 0 ? 0 : sys_map_update(k->maps[i], &slot->index, &fd, 0);

			if (err)
				return why_failed(k, err,
						  "cannot put '%s' into element %u of map %s",
						  maps ? o->maps.v[slot->what].name
						       : o->progs.v[slot->what].name,
						  slot->index, m->name);
		}
	}
	return 0;
}

/* ---- runs */

static int test_fail(struct kernel_engine *k, const struct object_prog *p, int err)
{
	struct diag *d = k->base.diag;

	if (err == -ENOTSUPP || err == -EOPNOTSUPP)
		return diag_fail(
			d, -EOPNOTSUPP, "--engine user runs it; or attach it where it belongs",
			"the kernel cannot run program '%s' by itself: it is one of kind %s",
			p->name, prog_kind(p->kind) ? prog_kind(p->kind)->name : "?");
	if (err == -EINVAL)
		return diag_fail(d, err,
				 "packets have at least 14 bytes and at most a page; contexts the "
				 "size that the program reads",
				 "the kernel does not run program '%s' on this input", p->name);
	return why_failed(k, err, "cannot run program '%s'", p->name);
}

int kernel_test(struct engine *e, u32 prog, struct engine_test *t)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	const struct object_prog *p = &e->object->progs.v[prog];
	struct sys_test s = {.data = t->data,
			     .data_size = t->data_size,
			     .ctx = t->ctx,
			     .ctx_size = t->ctx_size,
			     .repeat = t->repeat};
	bool in_place = p->kind == PROG_SYSCALL; /* its context is its result */
	int err;

	if (t->data_size) {
		s.out_size = OUT_BYTES;
		s.out = buf_reserve(&t->out, OUT_BYTES);
	}
	if (t->ctx_size && !in_place && p->kind != PROG_RAW_TRACEPOINT) {
		s.ctx_out_size = t->ctx_size;
		s.ctx_out = buf_reserve(&t->ctx_out, t->ctx_size);
	}
	if (in_place) {
		buf_add(&t->ctx_out, t->ctx, t->ctx_size);
		s.ctx = t->ctx_out.p;
	}
	if (t->out.failed || t->ctx_out.failed)
		return -ENOMEM;
	if (in_place || p->kind == PROG_RAW_TRACEPOINT)
		s.repeat = 0;
	if (e->control) /* a program of ours waits behind its gate for all others */
		__atomic_store_n(&e->control->open, 1, __ATOMIC_RELEASE);
	err = sys_prog_test(k->progs[prog], &s);
	if (err)
		return test_fail(k, p, err);
	t->out.n = s.out ? s.out_size : 0;
	if (s.ctx_out)
		t->ctx_out.n = s.ctx_out_size;
	t->result = s.result;
	t->ns = s.ns;
	return 0;
}
