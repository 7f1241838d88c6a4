/*
 * classic_run.c: the call of waggle.h that runs a classic filter on a packet.
 *
 * In:  a filter in any form, a packet. Out: how many bytes of it the filter takes.
 *
 * The filter is translated to BPF and runs in our own machine, with all checks. What it can ask of
 * a packet beside its bytes is what the kernel knows of one that has just come in by the loopback
 * device: its protocol, whom it is for, the device; the rest is 0.
 */
#include "session/classic.h"

#include "base/clock.h"
#include "engine/input.h"
#include "filter/bpf.h"
#include "vm/vm.h"


#define LOOPBACK       1
#define LOOPBACK_TYPE  772 /* ARPHRD_LOOPBACK */
#define PACKET_OTHERS  3
#define PACKET_MOST    (1u << 20)
#define PROTOCOL_802_2 4 /* ETH_P_802_2: a length stands where the type would */

/* 0: to us, whose address is all zeroes; 1: to all; 2: to many. */
static u32 packet_type(const u8 *p)
{
	static const u8 zero[6], ones[6] = {255, 255, 255, 255, 255, 255};

	if (*p & 1)
		return memcmp(p, ones, sizeof(ones)) ? 2 : 1;
	return memcmp(p, zero, sizeof(zero)) ? PACKET_OTHERS : 0;
}

static struct cbpf_packet packet_of(const u8 *data, u32 size)
{
	struct cbpf_packet p = {
		.data = (u64)(uintptr_t)data, .captured = size, .len = size, .net = ETHERNET_BYTES};
	u32 type = size < ETHERNET_BYTES ? 0 : (u32)data[12] << 8 | data[13];

	if (size >= ETHERNET_BYTES) {
		p.ancillary[CBPF_AD_PROTOCOL / 4] = type < 0x600 ? PROTOCOL_802_2 : type;
		p.ancillary[CBPF_AD_PKTTYPE / 4] = packet_type(data);
	}
	p.ancillary[CBPF_AD_IFINDEX / 4] = LOOPBACK;
	p.ancillary[CBPF_AD_HATYPE / 4] = LOOPBACK_TYPE;
	return p;
}

static bool lend(struct vm_run *run, const void *start, u32 size, u32 kind)
{
	return !size || vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)start,
							.size = size,
							.kind = (u8)kind});
}

/* As often as the caller wants. */
static int run_filter(struct vm_run *run, const struct cbpf_packet *p, struct waggle_call *call)
{
	u32 times = MAX(call->repeat, 1u);
	u64 start, result = 0;
	int err = 0;

	if (!lend(run, p, sizeof(*p), VM_CTX) ||
	    !lend(run, (const void *)(uintptr_t)p->data, (u32)p->captured, VM_PACKET))
		return -ENOSPC;
	start = clock_now(CLOCK_MONOTONIC);
	for (u32 i = 0; i < times && !err; i++)
		err = vm_call(run, 0, (u64)(uintptr_t)p, sizeof(*p), &result);
	call->ns = (clock_now(CLOCK_MONOTONIC) - start) / times;
	call->result = (u32)result;
	return err;
}

static int run_code(struct classic *c, const struct code *t, struct waggle_call *call)
{
	static const u8 zeroes[INPUT_PACKET_BYTES];
	const u8 *data = call->data ? call->data : zeroes;
	u32 size = call->data ? (u32)call->data_size : sizeof(zeroes);
	const struct cbpf_packet packet = packet_of(data, size);
	const struct vm_opts opts = {0};
	struct vm_run *run = NULL;
	struct vm *vm = NULL;
	int err = vm_open_code(&vm, t->insns.v, t->insns.n, &opts, &c->diag);

	if (!err)
		err = vm_run_open(&run, vm, NULL, NULL, 0);
	if (!err)
		err = run_filter(run, &packet, call);
	if (err == -EFAULT) /* its translation touches nothing else */
		vm_fault_print(&c->out, run);
	vm_run_close(run);
	vm_close(vm);
	if (!err || c->diag.errors)
		return err;
	return diag_fail(&c->diag, err, NULL, "the filter cannot be run: %s",
			 c->out.n ? buf_str(&c->out) : strerror(-err));
}

static int call_filter(struct classic *c, const void *text, size_t size, bool raw,
		       struct waggle_call *call)
{
	struct code t = {0};
	jmp_buf escape;
	int err;

	c->diag.errors = 0;
	c->arena.escape = &escape;
	if (setjmp(escape))
		return diag_fail(&c->diag, -ENOMEM, NULL, "out of memory");
	err = classic_read(c, text, size, raw);
	if (!err)
		err = classic_check(c);
	if (!err)
		err = filter_program(&t, &c->arena, HOOK_PLAIN, c->code.insns.v, c->code.insns.n,
				     KERNEL(5, 10), &c->diag);
	return err ? err : run_code(c, &t, call);
}

int waggle_classic_call(const void *text, size_t size, bool raw, struct waggle_call *call,
			const struct waggle_opts *opts)
{
	struct waggle_call input = {0};
	struct waggle_opts o;
	struct classic c;
	int err;

	if (call->sz < offsetof(struct waggle_call, result))
		return -EINVAL;
	memcpy(&input, call, MIN(call->sz, sizeof(input)));
	err = classic_open(&c, &o, text, size, raw, opts);
	if (err)
		return err;
	if (o.engine == WAGGLE_KERNEL)
		err = diag_fail(&c.diag, -EOPNOTSUPP, "leave --engine out",
				"a classic filter runs in user space alone");
	else if (input.data_size > PACKET_MOST)
		err = diag_fail(&c.diag, -E2BIG, NULL, "an input of more than 1 MiB");
	else
		err = call_filter(&c, text, size, raw, &input);
	classic_close(&c);
	if (err)
		return err;
	input.name = "filter";
	input.kind = "classic";
	input.engine = "user";
	memcpy(call, &input, MIN(call->sz, sizeof(input)));
	return 0;
}
