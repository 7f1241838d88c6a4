/* timed.bpf.c: locks and timers in the values of maps, found by their types. */
#include "common.h"

/* gcc: no */
/* prog: lock */
/* later: start "ticks":13 */
/* prog: again */
/* input: 000102030405060708090a0b0c0d0e0f */

struct locked {
	__u64 n;
	struct bpf_spin_lock lock;
	__u32 behind;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct locked);
} locks SEC(".maps");

struct timed {
	__u64 n;
	struct bpf_timer timer;
	__u64 behind;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, int);
	__type(value, struct timed);
} array SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__type(key, int);
	__type(value, struct timed);
} hash SEC(".maps");

long results[16];
__u64 ticks;

SEC("xdp")
int lock(struct xdp_md *ctx)
{
	struct locked v = {.n = 5, .behind = 6}, *p;
	int key = 7;

	results[0] = bpf_map_update_elem(&locks, &key, &v, BPF_F_LOCK);
	p = bpf_map_lookup_elem(&locks, &key);
	if (!p)
		return 1;
	bpf_spin_lock(&p->lock);
	p->n += 2;
	bpf_spin_unlock(&p->lock);
	results[1] = p->n;
	v.n = 77;
	results[2] = bpf_map_update_elem(&locks, &key, &v, BPF_F_LOCK | BPF_EXIST);
	results[3] = p->n; /* written in its place */
	results[4] = bpf_map_update_elem(&locks, &key, &v, BPF_F_LOCK | BPF_NOEXIST);
	v.n = 78;
	results[5] = bpf_map_update_elem(&locks, &key, &v, BPF_ANY);
	return 2;
}

static int tick(void *map, int *key, struct timed *v)
{
	v->n++;
	__sync_fetch_and_add(&ticks, 1 + *key); /* last: it is what the test waits for */
	return 0;
}

static int never(void *map, int *key, struct timed *v)
{
	ticks += 1000;
	return 0;
}

SEC("xdp")
int start(struct xdp_md *ctx)
{
	struct timed zero = {.behind = 3}, *v;
	int key = 2;

	v = bpf_map_lookup_elem(&array, &key);
	if (!v)
		return 1;
	results[0] = bpf_timer_set_callback(&v->timer, tick);
	results[1] = bpf_timer_start(&v->timer, 0, 0);
	results[2] = bpf_timer_cancel(&v->timer);
	results[3] = bpf_timer_init(&v->timer, &array, 5);
	results[4] = bpf_timer_init(&v->timer, &array, 1);
	results[5] = bpf_timer_init(&v->timer, &array, 1);
	results[6] = bpf_timer_start(&v->timer, 0, 0);
	results[7] = bpf_timer_set_callback(&v->timer, tick);
	results[8] = bpf_timer_start(&v->timer, 0, 64);
	results[9] = bpf_timer_start(&v->timer, 0, 0);
	key = 9;
	results[10] = bpf_map_update_elem(&hash, &key, &zero, BPF_ANY);
	v = bpf_map_lookup_elem(&hash, &key);
	if (!v)
		return 1;
	results[11] = bpf_timer_init(&v->timer, &hash, 7);
	results[12] = bpf_timer_set_callback(&v->timer, tick);
	results[13] = bpf_timer_start(&v->timer, 0, 0);
	return 2;
}

#define LONG (1000ull * 1000 * 1000 * 1000) /* whoever is held up between two calls is back by then */

/* None of these comes to run: one is cancelled, one goes with its element. */
SEC("xdp")
int again(struct xdp_md *ctx)
{
	struct timed zero = {.behind = 3}, *v;
	int key = 1;

	v = bpf_map_lookup_elem(&array, &key);
	if (!v)
		return 1;
	bpf_timer_init(&v->timer, &array, 1);
	bpf_timer_set_callback(&v->timer, never);
	results[0] = bpf_timer_start(&v->timer, LONG, 0);
	results[1] = bpf_timer_cancel(&v->timer);
	results[2] = bpf_timer_cancel(&v->timer);
	bpf_map_update_elem(&hash, &key, &zero, BPF_ANY);
	v = bpf_map_lookup_elem(&hash, &key);
	if (!v)
		return 1;
	bpf_timer_init(&v->timer, &hash, 1);
	bpf_timer_set_callback(&v->timer, never);
	results[3] = bpf_timer_start(&v->timer, LONG, 0);
	results[4] = bpf_map_delete_elem(&hash, &key);
	results[5] = bpf_map_update_elem(&hash, &key, &zero, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&hash, &key);
	if (v)
		results[6] = bpf_timer_start(&v->timer, LONG, 0);
	return 2;
}
