/*
 * packet_filter.c: a packet filter that runs here: compiled to classic BPF, then to BPF, then to
 * machine code.
 *
 * In:  an expression, packets. Out: does it take them? The code that classic BPF is translated to
 * looks at the bounds of a packet itself, as the kernel's does: so it needs no other checks.
 */
#include "session/filter.h"

#include "filter/bpf.h"
#include "vm/lanes.h"
#include "vm/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct packet_filter {
	struct vm *vm;
	struct vm_run *run;
	vm_direct_fn *direct;      /* the same as a function, if it can be one */
	struct cbpf_packet packet; /* what the code reads */
	struct lanes *lanes;       /* NULL: not asked for yet, or there is no memory */
	struct cbpf_insn *classic;
	u32 nclassic;
};

static int keep_classic(struct packet_filter *f, const struct filter *from)
{
	f->nclassic = from->insns.n;
	f->classic = malloc(MAX(f->nclassic, 1u) * sizeof(*f->classic));
	if (!f->classic)
		return -ENOMEM;
	memcpy(f->classic, from->insns.v, f->nclassic * sizeof(*f->classic));
	return 0;
}

struct building {
	struct arena arena;
	jmp_buf escape;
};

static int translate(struct packet_filter *f, struct building *b, const char *text, u32 link,
		     const struct packet_filter_opts *opts, struct diag *d)
{
	struct arena *a = &b->arena;
	const struct vm_opts trusted = {.trusted = true};
	struct filter_opts how = {.swift = true,
				  .tag_kept = opts->way == FILTER_WAY_TOLD && link == LINK_ETHERNET,
				  .way = opts->way,
				  .names = filter_names,
				  .user = a};
	struct code t = {0};
	struct filter filter = {0};
	char number[16];
	int err = 0;

	snprintf(number, sizeof(number), "%u", link);
	how.link = number;
	if (opts->netmask)
		err = filter_netmask(&how, opts->netmask, d);
	if (err)
		return err;
	a->escape = &b->escape;
	if (setjmp(b->escape))
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	err = filter_compile(&filter, a, text, strlen(text), &how, d);
	if (!err)
		err = keep_classic(f, &filter);
	if (!err)
		err = filter_program(&t, a, HOOK_PLAIN, filter.insns.v, filter.insns.n,
				     KERNEL(5, 10), d);
	if (!err)
		err = vm_open_code(&f->vm, t.insns.v, t.insns.n, &trusted, d);
	if (!err)
		err = vm_run_open(&f->run, f->vm, NULL, NULL, 0);
	if (!err)
		f->direct = vm_direct(f->vm, 0);
	return err;
}

int packet_filter_open(struct packet_filter **out, const char *text, u32 link,
		       const struct packet_filter_opts *opts, struct diag *d)
{
	struct packet_filter *f = calloc(1, sizeof(*f));
	struct diag own = *d;
	struct building b = {0};
	int err = -ENOMEM;

	*out = NULL;
	if (!f)
		return err;
	own.file = "filter";
	own.text = text;
	own.size = strlen(text);
	err = translate(f, &b, text, link, opts, &own);
	arena_free(&b.arena);
	if (err) {
		packet_filter_close(f);
		return err;
	}
	*out = f;
	return 0;
}

const struct cbpf_insn *packet_filter_code(const struct packet_filter *f, u32 *n)
{
	*n = f->nclassic;
	return f->classic;
}

vm_direct_fn *packet_filter_direct(const struct packet_filter *f)
{
	return f->direct;
}

struct lanes *packet_filter_lanes(struct packet_filter *f)
{
	if (!f->lanes)
		lanes_open(&f->lanes, f->classic, f->nclassic, f->direct);
	return f->lanes && lanes_are_wide(f->lanes) ? f->lanes : NULL;
}

bool packet_filter_takes(struct packet_filter *f, const struct packet *p)
{
	u32 *extras = f->packet.ancillary;
	u64 result = 0;

	f->packet.data = (u64)(uintptr_t)p->data;
	f->packet.captured = p->captured;
	f->packet.len = p->len;
	f->packet.room = p->room;
	extras[CBPF_AD_PKTTYPE / 4] = p->way == PACKET_WENT ? CBPF_OUTGOING : CBPF_HOST;
	extras[CBPF_AD_VLAN_PRESENT / 4] = p->tag != 0;
	extras[CBPF_AD_VLAN_TCI / 4] = p->tag & 0xffff;
	if (f->direct)
		return (u32)f->direct((u64)(uintptr_t)&f->packet);
	return !vm_call(f->run, 0, (u64)(uintptr_t)&f->packet, sizeof(f->packet), &result) &&
	       (u32)result;
}

void packet_filter_close(struct packet_filter *f)
{
	if (!f)
		return;
	lanes_close(f->lanes);
	vm_run_close(f->run);
	vm_close(f->vm);
	free(f->classic);
	free(f);
}
