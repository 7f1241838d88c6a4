/*
 * capture_hold.c: packets of a device wait until it is known whose they are.
 *
 * In:  packets that the filter took. Out: the same in their order, with their processes. What a
 * process does is told behind the call that does it, so a packet may be here before we know of its
 * socket. It waits for that, but not for long, and none passes it.
 */
#include "session/capture.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define HOLD_NS 300000000ull
#define TURN_MS 10

struct held {
	struct held *next;
	struct packet p;
	u64 since; /* CLOCK_MONOTONIC */
	u8 data[];
};

int hold_open(struct capturing *c)
{
	struct waggle_opts opts = c->opts;

	opts.pid = c->how->pid;
	opts.comm = c->how->comm;
	return owners_open(&c->owners, &opts, &c->diag);
}

int hold_packet(struct capturing *c, const struct packet *p)
{
	struct held *h = malloc(sizeof(*h) + p->captured);

	if (!h)
		return -ENOMEM;
	*h = (struct held){.p = *p, .since = clock_now(CLOCK_MONOTONIC)};
	memcpy(h->data, p->data, p->captured);
	h->p.data = h->data;
	if (c->last)
		c->last->next = h;
	else
		c->first = h;
	c->last = h;
	return 0;
}

int hold_release(struct capturing *c, bool all)
{
	int err = owners_update(c->owners);

	while (c->first && !err && !capture_is_full(c)) {
		struct held *h = c->first;
		bool known = owners_find(c->owners, &h->p);

		if (!known && !all && clock_now(CLOCK_MONOTONIC) - h->since < HOLD_NS)
			break;
		if (!known)
			owners_guess(c->owners, &h->p);
		err = capture_take(c, &h->p);
		c->first = h->next;
		if (!c->first)
			c->last = NULL;
		free(h);
	}
	return err;
}

int hold_wait_ms(const struct capturing *c)
{
	return c->first ? TURN_MS : -1;
}

void hold_close(struct capturing *c)
{
	for (struct held *h = c->first, *next; h; h = next) {
		next = h->next;
		free(h);
	}
	owners_close(c->owners);
}
