/*
 * drop_program.c: rules of a firewall as one program for the kernel.
 *
 * In:  filters in classic BPF, in their order; the place where packets pass. Out: an object with a
 *      program and a map, which counts packets and bytes of each rule on each CPU.
 *
 * Nothing stands in front of the rules, and what is counted is known only behind them: so a packet
 * runs through its filters, one look-up and two additions.
 */
#include "session/drop.h"

#include "codegen/codegen.h"
#include "isa/isa.h"

#include <stdio.h>

static const struct {
	const char *name;
	enum attach_kind kind;
	bool two; /* it says ingress or egress */
} kinds[] = {{"xdp", ATTACH_XDP, false},
	     {"tc", ATTACH_TC, true},
	     {"cgroup_skb", ATTACH_CGROUP_SKB, true}};

int drop_place_find(struct drop_place *p, const char *text, struct diag *d)
{
	static const char hint[] = "xdp:eth0, tc:eth0:ingress, tc:eth0:egress, "
				   "cgroup_skb:PATH:ingress, cgroup_skb:PATH:egress";
	size_t n = strcspn(text, ":");
	const char *last = strrchr(text, ':');

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strlen(kinds[i].name) != n || memcmp(kinds[i].name, text, n) != 0)
			continue;
		if (!text[n] || !text[n + 1])
			break;
		*p = (struct drop_place){.kind = kinds[i].kind,
					 .hook = (enum filter_hook_id)(
						 filter_hook_find(kinds[i].name) - filter_hooks),
					 .pattern = text + n + 1,
					 .text = text,
					 .egress = kinds[i].two && !strcmp(last, ":egress")};
		if (kinds[i].two && !p->egress && strcmp(last, ":ingress") != 0)
			return diag_fail(d, -EINVAL, hint, "'%s' does not say ingress or egress",
					 text);
		return 0;
	}
	return diag_fail(d, -EINVAL, hint, "'%s' is no place where packets can be dropped", text);
}

/* ---- code */

/* Bytes of the packet, as its place tells them. */
static u32 length(struct ir_fn *f, const struct filter_hook *h)
{
	u32 data, end;

	if (h->len.width)
		return ir_load(f, h->len.width, false, ir_ctx(f), h->len.off);
	data = ir_load(f, h->data.width, false, ir_ctx(f), h->data.off);
	end = ir_load(f, h->end.width, false, ir_ctx(f), h->end.off);
	f->ins.v[data].type = IRT_PKT;
	f->ins.v[end].type = IRT_PKTEND;
	return ir_bin(f, IR_SUB, IRT_I64, end, data);
}

static void add_to(struct ir_fn *f, u32 at, s32 off, u32 n)
{
	ir_store(f, 8, at, off, ir_bin(f, IR_ADD, IRT_I64, ir_load(f, 8, false, at, off), n));
}

/* Counts a packet for the rule, and returns the verdict. */
static void finish(struct ir_fn *f, const struct filter_hook *h, u32 rule, u32 verdict)
{
	u32 key = ir_slot(f, 4, 4), there = ir_block(f), done = ir_block(f), at;

	ir_store(f, 4, key, 0, rule);
	at = ir_call(f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(f, 0), key);
	ir_br(f, at, there, done);
	ir_seal(f, there);
	ir_at(f, there);
	add_to(f, at, 0, ir_const(f, 1));
	add_to(f, at, 8, length(f, h));
	ir_jmp(f, done);
	ir_seal(f, done);
	ir_at(f, done);
	ir_ret(f, verdict);
}

static int build(struct ir_fn *f, const struct drop_rules *r, const struct drop_place *p,
		 struct diag *d)
{
	const struct filter_hook *h = &filter_hooks[p->hook];
	s64 pass = attach_verdict(p->kind);
	u32 rule = ir_var(f, IRT_I64), verdict = ir_var(f, IRT_I64), out = ir_block(f);

	for (u32 i = 0; i < r->list.n; i++) {
		const struct drop_rule *one = &r->list.v[i];
		struct filter_part part = {.hook = p->hook, .yes = ir_block(f), .no = ir_block(f)};
		int err = filter_build(f, &part, one->filter.insns.v, one->filter.insns.n, d);

		if (err)
			return err;
		ir_seal(f, part.yes);
		ir_seal(f, part.no);
		ir_at(f, part.yes);
		ir_set(f, rule, ir_const(f, i));
		ir_set(f, verdict, ir_const(f, one->drops ? h->drop : pass));
		ir_jmp(f, out);
		ir_at(f, part.no);
	}
	ir_set(f, rule, ir_const(f, r->list.n));
	ir_set(f, verdict, ir_const(f, r->default_drops ? h->drop : pass));
	ir_jmp(f, out);
	ir_seal(f, out);
	ir_at(f, out);
	finish(f, h, ir_get(f, rule), ir_get(f, verdict));
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
