/*
 * check_probe.c: names that the probe gives their meaning: arg0, retval, func, probe, ctx.
 *
 * In: a name and the point that is being checked. Out: its type there, or why it has no meaning.
 */
#include "script/check.h"
#include "script/ctype.h"
#include "script/packet.h"

#include "arch/arch.h"

#include <stdlib.h>

#define RAW_ARGS_MOST 12 /* MAX_BPF_FUNC_ARGS: what a raw tracepoint can have */
#define STACK_MOST    64

static u32 bit(u8 kind)
{
	return 1u << kind;
}

static struct type number(u8 space)
{
	return (struct type){.kind = TYPE_INT, .size = 8, .space = space};
}

static u8 space_of(const struct point *p)
{
	u32 user = bit(ATTACH_UPROBE) | bit(ATTACH_URETPROBE) | bit(ATTACH_USDT);

	return user & bit(p->row->attach) ? SPACE_USER : SPACE_KERNEL;
}

bool usdt_operand_at(struct script *s, const struct point *p, u32 n, struct usdt_operand *o)
{
	const struct arch *a = arch_find(s->target->arch);
	const char *text = p->operands;

	for (u32 i = 0; a && text; i++) {
		text += strspn(text, " ");
		if (!*text)
			return false;
		if (i == n)
			return a->usdt(&text, o);
		text += strcspn(text, " ");
	}
	return false;
}

/* How many arguments the note has. */
static u32 usdt_count(const struct point *p)
{
	const char *text = p->operands;
	u32 n = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " "), n++)
		text += strcspn(text, " ");
	return n;
}

static void type_usdt(struct checker *c, struct node *n)
{
	u32 count = usdt_count(c->point);
	struct usdt_operand o;

	if (n->value >= count)
		check_fail(c, n, count ? "the first one is arg0" : NULL, "%s has %u argument%s",
			   c->point->text, count, count == 1 ? "" : "s");
	else if (!usdt_operand_at(c->script, c->point, (u32)n->value, &o))
		check_fail(c, n, NULL, "%s of %s is at a place that cannot be read: '%s'", n->text,
			   c->point->text, c->point->operands);
	else
		n->type = (struct type){.kind = TYPE_INT,
					.size = o.size,
					.is_signed = o.is_signed,
					.space = SPACE_USER};
}

/* How many arguments a raw tracepoint has, by its type in BTF; the first parameter is not one. */
static u32 raw_count(struct checker *c)
{
	struct diag silent = {0};
	const struct btf_type *t;
	struct btf *btf;
	u32 id;

	if (c->script->target->ops->btf(c->script->target, &btf, &silent))
		return RAW_ARGS_MOST;
	id = btf_find(btf, arena_printf(c->script->arena, "btf_trace_%s", c->point->pattern),
		      BTF_TYPEDEF);
	t = id ? btf_type(btf, btf_skip(btf, id)) : NULL;
	t = t && t->kind == BTF_PTR ? btf_type(btf, btf_skip(btf, t->type)) : NULL;
	return t && t->kind == BTF_FUNC_PROTO && t->n ? t->n - 1 : RAW_ARGS_MOST;
}

static bool is_typed(const struct point *p)
{
	return p->row->attach == ATTACH_FENTRY || p->row->attach == ATTACH_FEXIT;
}

static void type_retval(struct checker *c, struct node *n)
{
	u32 params;

	n->type = number(space_of(c->point));
	if (!is_typed(c->point) && !c->point->instead)
		return;
	if (c->point->of_program && c->script->target->kernel < KERNEL(5, 17))
		check_fail(c, n, "fentry and fexit without retval work",
			   "what a BPF program returns can be read from Linux 5.17 on");
	n->type = proto_result(c->script, c->point, &params);
	if (n->type.kind == TYPE_UNKNOWN)
		check_fail(c, n, NULL, "%s returns no number or pointer", c->point->text);
}

static void type_arg(struct checker *c, struct node *n)
{
	u32 most;

	if (c->point->row->attach == ATTACH_USDT) {
		type_usdt(c, n);
		return;
	}
	if (is_typed(c->point)) {
		n->type = proto_nth(c->script, c->point, (u32)n->value);
		if (n->type.kind == TYPE_UNKNOWN)
			check_fail(c, n, "`waggle -lv PROBE` lists its arguments",
				   "%s has no %s that is a number or pointer", c->point->text,
				   n->text);
		return;
	}
	most = c->point->row->attach == ATTACH_RAW_TRACEPOINT ? raw_count(c) : STACK_MOST;
	n->type = number(space_of(c->point));
	if (n->value < most)
		return;
	n->type = (struct type){0};
	check_fail(c, n, "the first one is arg0", "%s has %u argument%s", c->point->text, most,
		   most == 1 ? "" : "s");
}

static void type_number(struct checker *c, struct node *n)
{
	n->type = number(space_of(c->point));
}

static void type_flag(struct checker *c, struct node *n)
{
	(void)c;
	n->type = (struct type){.kind = TYPE_INT, .size = 1};
}

static void type_name_of(struct checker *c, struct node *n)
{
	struct point *leader = c->point->leader ? c->point->leader : c->point;
	bool func = !strcmp(n->probe_value->name, "func");
	const char *text = func ? c->point->func : c->point->text;

	n->is = NULL;
	if (!strcmp(n->probe_value->name, "probetype")) {
		n->is = point_kind(c->point);
		n->type = type_str((u32)strlen(point_kind(c->point)) + 1);
		return;
	}
	leader->named = true;
	if (!text)
		text = "";
	n->type = type_str((u32)strlen(text) + 1);
	if (leader == c->point && leader->led && point_has_cookies(c->script, leader))
		n->type = type_str(func ? leader->func_most : leader->text_most);
}

static void type_ctx(struct checker *c, struct node *n)
{
	u32 regs = bit(ATTACH_KPROBE) | bit(ATTACH_KRETPROBE) | bit(ATTACH_UPROBE) |
		   bit(ATTACH_URETPROBE) | bit(ATTACH_USDT);
	u32 events = bit(ATTACH_PROFILE) | bit(ATTACH_SOFTWARE) | bit(ATTACH_HARDWARE) |
		     bit(ATTACH_WATCHPOINT);

	n->type = number(SPACE_KERNEL);
	if (regs & bit(c->point->row->attach))
		n->type = ctype_kernel_pointer(c->script, "pt_regs");
	else if (events & bit(c->point->row->attach))
		n->type = ctype_kernel_pointer(c->script, "bpf_perf_event_data");
	else if (c->point->row->attach == ATTACH_ITER)
		n->type = iterator_ctx(c->script, c->point);
	n->type.space = SPACE_KERNEL;
}

#define FUNCTIONS (1u << ATTACH_KPROBE | 1u << ATTACH_UPROBE)
#define RETURNS   (1u << ATTACH_KRETPROBE | 1u << ATTACH_URETPROBE)

#define TYPED (1u << ATTACH_FENTRY | 1u << ATTACH_FEXIT)

#define EVENTS                                                                  \
	(1u << ATTACH_PROFILE | 1u << ATTACH_SOFTWARE | 1u << ATTACH_HARDWARE | \
	 1u << ATTACH_WATCHPOINT)

#define VERDICTS (1u << ATTACH_XDP | 1u << ATTACH_TC | 1u << ATTACH_CGROUP_SKB)

const struct probe_value packet_values[] = {
#define PACKET_VALUE(name, header, off, bytes, shift, bits, shown, doc) \
	{#name,       false,        PACKET_KINDS,                       \
	 type_packet, lower_packet, "xdp, tc, cgroup_skb and socket",   \
	 #name,       doc,          PACKET_##shown ? store_header : NULL},
#include "script/packet_values.def"
#undef PACKET_VALUE
	{0}};

const struct probe_value probe_values[] = {
#define PROBE_VALUE(name, numbered, kinds, type, lower, where, doc) \
	{#name, numbered, kinds, type, lower, where, numbered ? #name "N" : #name, doc, NULL},
#include "script/probe_values.def"
#undef PROBE_VALUE
	{0}};

static bool is_value(const struct probe_value *v, struct node *n)
{
	size_t len;
	char *end;

	if (*v->name != *n->text) /* nearly always */
		return false;
	len = strlen(v->name);
	if (!v->numbered)
		return !strcmp(n->text, v->name);
	if (strncmp(n->text, v->name, len) != 0 || n->text[len] < '0' || n->text[len] > '9')
		return false;
	n->value = strtoul(n->text + len, &end, 10);
	return !*end;
}

bool check_probe_value_of(struct checker *c, struct node *n, const struct probe_value *v,
			  const char *name)
{
	bool registers = v->kinds && !(v->kinds & PACKET_KINDS);

	n->probe_value = v;
	if (v->kinds && !(v->kinds & bit(c->point->row->attach)))
		check_fail(c, n, arena_printf(c->script->arena, "it is known in %s", v->where),
			   "%s has no %s", c->point->text, name);
	else if (registers && !arch_find(c->script->target->arch))
		check_fail(c, n, NULL, "the registers of %s are not known yet",
			   c->script->target->arch);
	else
		v->type(c, n);
	return true;
}

/* The row of that name, or the last one, which has none. */
static const struct probe_value *value_in(const struct probe_value *v, struct node *n)
{
	while (v->name && !is_value(v, n))
		v++;
	return v;
}

bool check_probe_value(struct checker *c, struct node *n)
{
	const struct probe_value *v = value_in(probe_values, n);

	if (!v->name)
		v = value_in(packet_values, n);
	return v->name && check_probe_value_of(c, n, v, n->text);
}
