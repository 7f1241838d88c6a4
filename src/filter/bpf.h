/*
 * bpf.h: classic filters as BPF: for the machine in user space, and for each place where the
 * kernel shows packets to programs.
 *
 * What a program sees of its packet differs from place to place: the table of filter_hooks has a
 * row for each. A filter becomes a part of a function that is being built: it starts where the
 * function is open, and ends with jumps to two blocks.
 */
#ifndef FILTER_BPF_H
#define FILTER_BPF_H

#include "base/diag.h"
#include "ir/ir.h"
#include "isa/cbpf.h"
#include "isa/code.h"

enum filter_hook_id {
	HOOK_PLAIN,      /* the context is a struct cbpf_packet (isa/cbpf.h): user space */
	HOOK_XDP,        /* struct xdp_md */
	HOOK_TC,         /* struct __sk_buff of sched_cls and sched_act */
	HOOK_CGROUP_SKB, /* the same, from the network header on */
	HOOK_SOCKET, /* the same, of socket_filter: nothing of the packet can be read directly */
	FILTER_HOOKS
};
struct filter_field { /* of the context; width 0: there is none */
	u8 off, width;
};
struct filter_hook {
	const char *name; /* "xdp" */
	u32 kind;         /* enum prog_kind */
	const char *link; /* what packets begin with there, for filter_compile() */
	s64 pass, drop;   /* what a program returns that takes, or does not take a packet */
	struct filter_field data, end, size, len;
	u8 way;        /* enum filter_way; unknown: the place of a program tells it */
	bool tag_kept; /* the outermost VLAN tag is not among the bytes */
	bool calls; /* bytes can be had by skb_load_bytes() */
	const struct filter_extra *extras;
};
extern const struct filter_hook filter_hooks[FILTER_HOOKS];
const struct filter_hook *filter_hook_find(const char *name); /* NULL: there is none */

/*
 * A checked filter (cbpf_check()), from where fn is open; nothing is open behind it. Jumps to `yes`
 * when it takes the packet, else to `no`; both are sealed by the caller. result: a variable (I32)
 * that is set to what the filter returns before the jump to `yes`; 0: nobody wants it.
 * Whether the packet has the bytes is asked once for all loads of a way that can still take it.
 * Nothing loops; no loads but of the context and of the packet, no helpers but (`calls`)
 * skb_load_bytes, with at most 128 bytes of stack.
 * -EOPNOTSUPP: it uses what is not known at this place.
 */
struct filter_room { /* of the stack: slots that filters of one function share, 0: none yet */
	u32 abs, rel;
};
struct filter_part {
	enum filter_hook_id hook;
	u32 yes, no, result;
	struct filter_room *room; /* NULL: it has its own */
	bool straight;            /* a whole program of HOOK_PLAIN: without branches, where that can be */
	u32 data, end;            /* values: the packet's ends, if somebody has read them; of HOOK_XDP */
};
int filter_build(struct ir_fn *fn, const struct filter_part *, const struct cbpf_insn *, u32 n,
		 struct diag *);
/* The whole program: returns hook->pass or hook->drop; of HOOK_PLAIN and HOOK_SOCKET, what the
 * filter returns. kernel: KERNEL(a, b) that is to run it. */
int filter_program(struct code *, struct arena *, enum filter_hook_id, const struct cbpf_insn *,
		   u32 n, u32 kernel, struct diag *);

#endif
