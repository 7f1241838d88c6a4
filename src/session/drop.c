/*
 * drop.c: the call of waggle.h that makes a firewall of filter expressions.
 *
 * In:  a place where packets pass, rules. Out: they are in force until the caller has enough, or
 * for good under a name; or what they would do to the packets of a capture file.
 */
#include "session/drop.h"

#include "base/clock.h"
#include "base/io.h"
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct dropping {
	struct waggle_drop how;
	struct waggle_opts opts;
	struct diag diag;
	struct drop_rules rules;
	struct drop_place place;
	struct object *object;
	struct engine *engine;
	jmp_buf escape;
	struct waggle_drop_count *counts; /* for the caller */
};

/* ---- counts */

static void tell(struct dropping *d, bool last)
{
	u32 n = d->rules.list.n;

	for (u32 i = 0; i <= n; i++) {
		const struct drop_rule *r = &d->rules.list.v[i];

		d->counts[i] =
			(struct waggle_drop_count){.rule = i < n ? r->text : NULL,
						   .drops = drop_rules_drop(&d->rules, i),
						   .packets = i < n ? r->packets : d->rules.packets,
						   .bytes = i < n ? r->bytes : d->rules.bytes};
	}
	if (d->how.counts)
		d->how.counts(d->how.user, d->counts, n + 1, last);
}

/* Sums over all CPUs. */
static int read_counts(struct dropping *d)
{
	u32 cpus = d->engine->cpus, n = d->rules.list.n;
	struct drop_count *each = calloc(cpus, sizeof(*each));
	int err = each ? 0 : -ENOMEM;

	for (u32 i = 0; i <= n && !err; i++) {
		struct drop_count sum = {0};

		err = d->engine->ops->map_lookup(d->engine, 0, &i, each);
		for (u32 c = 0; c < cpus && !err; c++) {
			sum.packets += each[c].packets;
			sum.bytes += each[c].bytes;
		}
		*(i < n ? &d->rules.list.v[i].packets : &d->rules.packets) = sum.packets;
		*(i < n ? &d->rules.list.v[i].bytes : &d->rules.bytes) = sum.bytes;
	}
	free(each);
	return err;
}

/* ---- a capture file */

static int replay(struct dropping *d)
{
	struct packet_reader *reader;
	struct packet p;
	int err = packet_reader_open_file(&reader, d->how.read, &d->diag), got;

	if (err)
		return err;
	while ((got = packet_read(reader, &p)) > 0) {
		int rule = drop_rules_match(&d->rules, &p);
		struct drop_rule *r;

		if (rule < 0) {
			got = rule;
			break;
		}
		r = (u32)rule < d->rules.list.n ? &d->rules.list.v[rule] : NULL;
		*(r ? &r->packets : &d->rules.packets) += 1;
		*(r ? &r->bytes : &d->rules.bytes) += p.len;
	}
	packet_reader_close(reader);
	tell(d, true);
	return got;
}

/* ---- in force */

static int pin_path(struct dropping *d, char *path, size_t size)
{
	const char *name = d->how.pin;

	if (!*name || strpbrk(name, "/.") || strlen(name) > 64)
		return diag_fail(&d->diag, -EINVAL, "letters, digits, - and _",
				 "'%s' cannot be the name of a firewall", name);
	snprintf(path, size, DROP_PINS "/%s", name);
	if (mkdir(DROP_PINS, 0700) && errno != EEXIST)
		return diag_fail(&d->diag, -errno, "mount -t bpf bpf /sys/fs/bpf",
				 "names need the BPF file system: %s: %s", DROP_PINS,
				 strerror(errno));
	return 0;
}

static int pin_failed(struct dropping *d, int err)
{
	if (err == -EXDEV)
		return diag_fail(&d->diag, err,
				 "`waggle detach NAME` takes it away; or give another name",
				 "'%s' is not at %s", d->how.pin, d->how.hook);
	return diag_fail(&d->diag, err, "mount -t bpf bpf /sys/fs/bpf",
			 "the firewall cannot be kept as '%s': %s", d->how.pin, strerror(-err));
}

/* Under a name: in place of the one that has it, or new. */
static int keep(struct dropping *d)
{
	char path[256];
	int err = pin_path(d, path, sizeof(path));

	if (err)
		return err;
	err = kernel_hook_replace(d->engine, path);
	if (!err) {
		diag_note(&d->diag, NULL, "'%s' was replaced, without a gap", d->how.pin);
		return 0;
	}
	if (err != -ENOENT)
		return pin_failed(d, err);
	err = d->engine->ops->attach(d->engine);
	if (err)
		return err;
	err = kernel_hook_pin(d->engine, path);
	return err ? pin_failed(d, err) : 0;
}

/* Waits until then. 0: it is then; 1: the caller has enough; -ENODEV: the device has gone, as a
 * message says. */
static int wait_until(struct dropping *d, u64 until)
{
	struct pollfd p[] = {{.fd = d->how.stop_fd ? d->how.stop_fd : -1, .events = POLLIN},
			     {.fd = kernel_devices_fd(d->engine), .events = POLLIN}};
	u64 at = clock_now(CLOCK_MONOTONIC);
	int ms = until == UINT64_MAX
			 ? -1
			 : (int)MIN((until - MIN(at, until) + 999999) / 1000000, 1000u * 3600);

	if (poll(p, 2, ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents)
		return 1;
	if (p[1].revents && kernel_devices_gone(d->engine))
		return diag_fail(&d->diag, -ENODEV, NULL, "the firewall has ended");
	return 0;
}

/* Until it is enough. */
static int stay(struct dropping *d)
{
	u64 end = d->how.duration_ns ? clock_now(CLOCK_MONOTONIC) + d->how.duration_ns : UINT64_MAX;
	u64 next = d->how.every_ns ? clock_now(CLOCK_MONOTONIC) + d->how.every_ns : UINT64_MAX;
	int err = d->engine->ops->attach(d->engine);

	if (!err && d->how.attached)
		d->how.attached(d->how.user);
	while (!err && clock_now(CLOCK_MONOTONIC) < end) {
		err = wait_until(d, MIN(end, next));
		if (err || clock_now(CLOCK_MONOTONIC) < next)
			continue;
		next += d->how.every_ns;
		err = read_counts(d);
		if (!err)
			tell(d, false);
	}
	/* the last packets are counted, too: first it is taken away */
	d->engine->ops->detach(d->engine);
	if (err >= 0 || err == -ENODEV) {
		int last = read_counts(d);

		if (!last)
			tell(d, true);
		err = err < 0 ? err : last;
	}
	return err;
}

/* The program, for others to load: bpftool, `waggle run`. */
static int write_object(struct dropping *d)
{
	struct buf out = {0};
	int err = object_write_elf(d->object, &out, &d->diag);
	int fd = err ? -1 : open(d->how.object, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (!err)
		err = fd < 0 ? -errno : write_all(fd, out.p, out.n);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (err)
		diag_fail(&d->diag, err, NULL, "cannot write %s: %s", d->how.object,
			  strerror(-err));
	buf_free(&out);
	return err;
}

static int enforce(struct dropping *d)
{
	struct engine_opts opts = {.without = engine_without(d->opts.no_features)};
	int err;

	d->object = object_new();
	if (!d->object)
		return -ENOMEM;
	d->object->arena.escape = &d->escape;
	if (setjmp(d->escape))
		return diag_fail(&d->diag, -ENOMEM, NULL, "out of memory");
	err = drop_program(d->object, &d->rules, &d->place, &d->diag);
	if (!err && d->how.object)
		return write_object(d);
	if (!err)
		err = kernel_engine.open(&d->engine, d->object, &opts, &d->diag);
	if (!err)
		err = d->how.pin ? keep(d) : stay(d);
	return err;
}

static int prepare(struct dropping *d)
{
	int err = drop_rules_read(&d->rules, d->how.rules);

	if (!err && !d->rules.list.n)
		err = diag_fail(&d->diag, -EINVAL, "waggle drop xdp:eth0 'udp port 53'",
				"there is no rule");
	if (!err)
		err = drop_place_find(&d->place, d->how.hook, &d->diag);
	if (!err)
		err = drop_rules_compile(&d->rules, &d->place);
	if (!err && !d->how.force && !d->how.read && !d->how.object)
		err = drop_guard(&d->rules, &d->place, getenv("SSH_CONNECTION"));
	if (!err && !d->how.read && !d->how.object)
		err = drop_guard_neighbours(&d->rules, &d->place);
	d->counts = calloc(d->rules.list.n + 1, sizeof(*d->counts));
	return err ? err : d->counts ? 0 : -ENOMEM;
}

int waggle_drop(const struct waggle_drop *how, const struct waggle_opts *opts)
{
	struct dropping d = {0};
	int err = opts_copy(&d.opts, opts);

	if (err || !how || how->sz < sizeof(size_t))
		return err ? err : -EINVAL;
	memcpy(&d.how, how, MIN(how->sz, sizeof(d.how)));
	if (!d.how.hook || !d.how.rules)
		return -EINVAL;
	d.diag = (struct diag){.fn = d.opts.diag, .user = d.opts.user};
	d.rules.diag = &d.diag;
	d.rules.file = d.opts.name;
	d.rules.default_drops = d.how.default_drops;
	err = prepare(&d);
	if (!err)
		err = d.how.read ? replay(&d) : enforce(&d);
	if (d.engine)
		d.engine->ops->close(d.engine, false);
	object_free(d.object);
	drop_rules_free(&d.rules);
	free(d.counts);
	return err;
}
