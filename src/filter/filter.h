/*
 * filter.h: the language of packet filters (pcap-filter(7)) to classic BPF.
 *
 * In:  an expression, what kind of link the packets come from, how many bytes are wanted of each.
 * Out: instructions; the steps between (tree, graph) for those who want to see them.
 */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include "base/buf.h"
#include "base/diag.h"
#include "isa/cbpf.h"

/* Which way a packet goes: it is not known; the kernel says it beside the bytes (CBPF_AD_PKTTYPE);
 * all come in; all go out. */
enum filter_way { FILTER_WAY_UNKNOWN, FILTER_WAY_TOLD, FILTER_WAY_IN, FILTER_WAY_OUT };
struct filter_opts {
	const char *link; /* a name, with or without DLT_, or a number; NULL: EN10MB */
	u32 snaplen;      /* what an accepted packet returns; 0: 262144 */
	bool plain;       /* no optimiser */
	bool swift;       /* of long lists few tests shall run, rather than few be there */
	u32 netmask;      /* of the net that the packets come from: for `ip broadcast` */
	bool has_netmask;
	bool tag_kept; /* the packet's outermost VLAN tag may be with the kernel, out of its bytes */
	enum filter_way way; /* of links that do not say it themselves */
	/* The text of a file of names, as /etc/hosts; NULL: there is none. It lives as long as the
	 * arena. NULL: names are unknown. */
	const char *(*names)(void *user, const char *path, size_t *size);
	void *user;
};

struct tree;
struct graph;
struct values;
struct filter {
	struct arena *arena;
	struct values *values;
	struct tree *tree;
	struct graph *plain, *best; /* as it is read; optimised */
	const struct filter_link *link;
	u32 snaplen;
	bool swift;
	vec(struct cbpf_insn) insns;
};

/* Errors are reported at their place in the text. */
int filter_compile(struct filter *, struct arena *, const char *text, size_t size,
		   const struct filter_opts *, struct diag *);
/* numbers.c: returns 1 if the 4 bytes at `off` are one of these numbers, else 0. */
int filter_numbers(struct filter *, struct arena *, u32 off, const u32 *numbers, u32 n,
		   struct diag *);
/* What the expression means for a packet, by the tree alone: the reference of the tests. */
enum filter_verdict { FILTER_NO, FILTER_YES, FILTER_SHORT /* the packet ends before a test */ };
enum filter_verdict filter_eval(const struct filter *, const struct cbpf_packet *);
/* In words, a line a test. */
void filter_explain(struct buf *, const struct filter *);
/* As a drawing for graphviz: "tree", "graph", "optimised". */
void filter_dot(struct buf *, const struct filter *, const char *which);

#endif
