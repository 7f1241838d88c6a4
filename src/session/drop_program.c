/*
 * drop_program.c: rules of a firewall as one program for the kernel.
 *
 * In:  filters in classic BPF, in their order; the place where packets pass. Out: an object with a
 *      program and a map, which counts packets and bytes of each rule on each CPU.
 *
 * Nothing stands in front of the rules, and what is counted is known only behind them: so a packet
 * runs through its filters, one look-up and two additions. Of few rules each has its own, with
 * constants for its number and its verdict.
 */
#include "session/drop.h"

#include "codegen/codegen.h"
#include "base/words.h"
#include "engine/engine.h"
#include "isa/isa.h"

#include <stdio.h>

int drop_place_find(struct drop_place *p, const char *text, struct diag *d)
{
	static const char hint[] = "xdp:eth0, tc:eth0:ingress, tc:eth0:egress, "
				   "cgroup_skb:PATH:ingress, cgroup_skb:PATH:egress";
	static const u8 kinds[] = {ATTACH_XDP, ATTACH_TC, ATTACH_CGROUP_SKB};
	const struct filter_hook *hook;
	size_t n = strcspn(text, ":");

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!word_is(text, n, attach_infos[kinds[i]].name))
			continue;
		if (!text[n] || !text[n + 1])
			break;
		hook = filter_hook_find(attach_infos[kinds[i]].name);
		*p = (struct drop_place){.kind = kinds[i],
					 .hook = (enum filter_hook_id)(hook - filter_hooks),
					 .pattern = text + n + 1,
					 .text = text,
					 .link = hook->link};
		if (kinds[i] != ATTACH_CGROUP_SKB && kernel_device_bare(p->pattern))
			p->link = "RAW";
		if (attach_infos[kinds[i]].flags & ATTACH_DIRECTED &&
		    !attach_place(p->pattern, &p->egress))
			return diag_fail(d, -EINVAL, hint, "'%s' does not say ingress or egress",
					 text);
		return 0;
	}
	return diag_fail(d, -EINVAL, hint, "'%s' is no place where packets can be dropped", text);
}

/* ---- code */

#define OWN_ENDS 8 /* rules, at most: each counts by code of its own */

struct ending {
	const struct filter_hook *hook;
	s64 pass;
	u32 data, end, bytes;   /* values, or 0: the context has the length */
	u32 key;                /* of the map, on the stack */
	u32 out, rule, verdict; /* where many rules end; 0: each by itself */
};

/* The packet's ends and what is between them: nothing changes while the rules are asked. */
static void read_ends(struct ir_fn *f, struct ending *e)
{
	const struct filter_hook *h = e->hook;

	e->data = ir_load(f, h->data.width, false, ir_ctx(f), h->data.off);
	e->end = ir_load(f, h->end.width, false, ir_ctx(f), h->end.off);
	f->ins.v[e->data].type = IRT_PKT;
	f->ins.v[e->end].type = IRT_PKTEND;
	e->bytes = ir_bin(f, IR_SUB, IRT_I64, e->end, e->data);
}

static void add_to(struct ir_fn *f, u32 at, s32 off, u32 n)
{
	ir_store(f, 8, at, off, ir_bin(f, IR_ADD, IRT_I64, ir_load(f, 8, false, at, off), n));
}

/* Counts a packet for the rule, and returns the verdict. */
static void finish(struct ir_fn *f, const struct ending *e, u32 rule, u32 verdict)
{
	u32 there = ir_block(f), done = ir_block(f), at, bytes = e->bytes;

	ir_store(f, 4, e->key, 0, rule);
	at = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 0), e->key);
	ir_br(f, at, there, done);
	ir_seal(f, there);
	ir_at(f, there);
	add_to(f, at, 0, ir_const(f, 1));
	if (!bytes)
		bytes = ir_load(f, e->hook->len.width, false, ir_ctx(f), e->hook->len.off);
	add_to(f, at, 8, bytes);
	ir_jmp(f, done);
	ir_seal(f, done);
	ir_at(f, done);
	ir_ret(f, verdict);
}

static void end_rule(struct ir_fn *f, const struct ending *e, u32 rule, bool drops)
{
	u32 verdict = ir_const(f, drops ? e->hook->drop : e->pass);

	if (!e->out) {
		finish(f, e, ir_const(f, rule), verdict);
		return;
	}
	ir_set(f, e->rule, ir_const(f, rule));
	ir_set(f, e->verdict, verdict);
	ir_jmp(f, e->out);
}

static int build(struct ir_fn *f, const struct drop_rules *r, const struct drop_place *p,
		 struct diag *d)
{
	struct filter_room room = {0};
	struct ending e = {.hook = &filter_hooks[p->hook], .pass = attach_verdict(p->kind)};

	e.key = ir_slot(f, 4, 4);
	if (!e.hook->len.width)
		read_ends(f, &e);
	if (r->list.n > OWN_ENDS) {
		e.out = ir_block(f);
		e.rule = ir_var(f, IRT_I64);
		e.verdict = ir_var(f, IRT_I64);
	}
	for (u32 i = 0; i < r->list.n; i++) {
		const struct drop_rule *one = &r->list.v[i];
		struct filter_part part = {.hook = p->hook,
					   .yes = ir_block(f),
					   .no = ir_block(f),
					   .room = &room,
					   .data = e.data,
					   .end = e.end};
		int err = filter_build(f, &part, one->filter.insns.v, one->filter.insns.n, d);

		if (err)
			return err;
		ir_seal(f, part.yes);
		ir_seal(f, part.no);
		ir_at(f, part.yes);
		end_rule(f, &e, i, one->drops);
		ir_at(f, part.no);
	}
	end_rule(f, &e, r->list.n, r->default_drops);
	if (e.out) {
		ir_seal(f, e.out);
		ir_at(f, e.out);
		finish(f, &e, ir_get(f, e.rule), ir_get(f, e.verdict));
	}
	return 0;
}

int drop_program(struct object *o, const struct drop_rules *r, const struct drop_place *p,
		 struct diag *d)
{
	struct ir_fn *f = ir_fn_new(&o->arena, "waggle_drop");
	struct object_prog *prog;
	int err;

	o->plain = true;
	o->license = "GPL";
	o->source_name = "drop";
	vec_push(&o->arena, &o->maps,
		 (struct object_map){.name = DROP_COUNTS,
				     .kind = MAP_PERCPU_ARRAY,
				     .key_size = 4,
				     .value_size = sizeof(struct drop_count),
				     .max_entries = r->list.n + 1});
	vec_push(&o->arena, &o->attaches,
		 (struct attach){.kind = p->kind, .pattern = arena_strdup(&o->arena, p->pattern)});
	prog = vec_add(&o->arena, &o->progs);
	*prog = (struct object_prog){.name = "waggle_drop",
				     .section = filter_hooks[p->hook].name,
				     .probe = arena_strdup(&o->arena, p->text),
				     .kind = filter_hooks[p->hook].kind};
	err = build(f, r, p, d);
	if (err)
		return err;
	ir_analyse(f);
	ir_run_passes(f, KERNEL(5, 10));
	return codegen(f, KERNEL(5, 10), f->arena, &prog->code, d);
}
