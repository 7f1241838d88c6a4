/*
 * lower.c: programs: one for each point, its predicate, its statements.
 *
 * In: a checked tree and the points where its probes attach. Out: the object's data sections,
 * maps, schemas and attach rows, and the IR of each program.
 */
#include "script/lower.h"

#include "isa/isa.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static void lower_statement(struct lower *, struct node *);

static u32 place(struct loc at)
{
	return at.line << 10 | MIN(at.col, 1023u);
}

/* ---- statements */

static void lower_if(struct lower *l, struct node *n)
{
	struct ir_fn *fn = l->fn;
	u32 then, done, otherwise;
	struct memo memo;

	if (n->known) {
		struct node *taken = n->known == 1 ? n->c : n->b;

		if (taken)
			lower_statements(l, taken);
		return;
	}
	then = ir_block(fn), done = ir_block(fn), otherwise = n->c ? ir_block(fn) : done;
	lower_cond(l, n->a, then, otherwise);
	memo = l->memo;
	ir_seal(fn, then);
	ir_at(fn, then);
	lower_statements(l, n->b);
	ir_jmp(fn, done);
	l->memo = memo;
	if (n->c) {
		ir_seal(fn, otherwise);
		ir_at(fn, otherwise);
		lower_statements(l, n->c);
		ir_jmp(fn, done);
		l->memo = memo;
	}
	ir_seal(fn, done);
	ir_at(fn, done);
}

/* A string or tuple. $s = $x ? $s : "": what it was must not be overwritten before it is read. */
static void assign_memory(struct lower *l, const struct script_var *v, struct node *value)
{
	struct mem to = mem_at(l, &l->pieces.v[v->scratch]), from;
	u32 size = ALIGN_UP(v->type.size, 8), piece;

	l->text_writes++;
	if (!mentions(value, v, false)) {
		lower_stored(l, value, to, v->type);
		return;
	}
	piece = mem_get(l, size);
	from = mem_at(l, &l->pieces.v[piece]);
	lower_stored(l, value, from, v->type);
	ir_call(l->fn, HELPER_probe_read_kernel, IRT_I64, 3, mem_addr(l, to),
		ir_const(l->fn, v->type.size), mem_addr(l, from));
	mem_put(l, piece);
}

void lower_assign(struct lower *l, struct node *n)
{
	struct script_var *v;
	u32 value;

	if (n->a->kind == NODE_MAP) {
		lower_map_assign(l, n->a, n->op, n->b);
		return;
	}
	v = n->a->var;
	if (v->type.kind != TYPE_INT) {
		assign_memory(l, v, n->b);
		return;
	}
	value = lower_int(l, n->b);
	if (n->op && n->op != TOK_SET)
		value = lower_update(l, n->op, v->type, var_get(l, v), n->b->type, value);
	var_set(l, v, value);
}

/* let $x; in a loop: each turn has a new one. */
static void lower_let(struct lower *l, struct node *n)
{
	struct script_var *v = n->a->var;
	struct mem m;

	if (n->b) {
		lower_assign(l, n);
	} else if (v->type.kind == TYPE_INT) {
		var_set(l, v, ir_const(l->fn, 0));
	} else if (v->type.kind != TYPE_UNKNOWN) {
		m = mem_at(l, &l->pieces.v[v->scratch]);
		mem_zero(l, m, ALIGN_UP(v->type.size, 8));
		l->text_writes++;
	}
}

struct node *lower_valued(struct lower *l, struct node *n)
{
	struct node *k;

	for (;;) {
		if (n->kind == NODE_COND && n->known) {
			n = n->known == 1 ? n->c : n->b;
		} else if (n->kind == NODE_NAME && n->a) { /* args */
			n = n->a;
		} else if (n->kind == NODE_BLOCK && n->a) {
			for (k = n->a; k->next && ir_open(l->fn); k = k->next)
				lower_statement(l, k);
			for (; k->next; k = k->next)
				;
			if (!ir_open(l->fn)) { /* behind a return: nobody comes here */
				u32 nowhere = ir_block(l->fn);

				ir_seal(l->fn, nowhere);
				ir_at(l->fn, nowhere);
			}
			n = k;
		} else {
			return n;
		}
	}
}

static void lower_statement(struct lower *l, struct node *n)
{
	l->fn->line = place(n->at);
	switch (n->kind) {
	case NODE_ASSIGN: lower_assign(l, n); break;
	case NODE_LET: lower_let(l, n); break;
	case NODE_CALL:
		if (n->call->lower)
			n->call->lower(l, n);
		break;
	case NODE_IF: lower_if(l, n); break;
	case NODE_FOR:
	case NODE_WHILE: lower_loop(l, n); break;
	case NODE_UNROLL:
		for (u64 i = 0; i < n->value && ir_open(l->fn); i++)
			lower_statements(l, n->b);
		break;
	case NODE_BLOCK: lower_statements(l, n); break;
	case NODE_BREAK: ir_jmp(l->fn, l->break_to); break;
	case NODE_CONTINUE: ir_jmp(l->fn, l->continue_to); break;
	case NODE_RETURN:
		trial_return(l, n->a);
		lower_return(l);
		break;
	default:
		if (n->type.kind == TYPE_INT)
			lower_int(l, n);
	}
}

void lower_statements(struct lower *l, struct node *n)
{
	if (n->kind != NODE_BLOCK) {
		lower_statement(l, n);
		return;
	}
	for (n = n->a; n && ir_open(l->fn); n = n->next)
		lower_statement(l, n);
}

/* ---- programs */

/* Goes on behind all parts of a && b && c, and so knows what each has found out. */
static void go_on_if(struct lower *l, struct node *n, u32 leave)
{
	u32 go;

	n = lower_valued(l, n);
	if (n->kind == NODE_BINARY && n->op == TOK_ANDAND) {
		go_on_if(l, n->a, leave);
		go_on_if(l, n->b, leave);
		return;
	}
	go = ir_block(l->fn);
	lower_cond(l, n, go, leave);
	ir_seal(l->fn, go);
	ir_at(l->fn, go);
}

void lower_demand(struct lower *l, struct node *predicate, u32 value)
{
	struct ir_fn *fn = l->fn;
	u32 leave = ir_block(fn), go;
	struct memo before = l->memo, behind;

	if (predicate) {
		fn->line = place(predicate->at);
		go_on_if(l, predicate, leave);
		go = fn->at;
	} else {
		go = ir_block(fn);
		ir_br(fn, value, go, leave);
		ir_seal(fn, go);
	}
	behind = l->memo;
	l->memo = before;
	ir_seal(fn, leave);
	ir_at(fn, leave);
	lower_return(l);
	l->memo = behind;
	ir_at(fn, go);
}

/* A string that is never assigned is empty; the verifier wants to see all of the stack written. */
static void clear_str(struct lower *l, const struct script_var *v)
{
	const struct piece *p = &l->pieces.v[v->scratch];

	mem_zero(l, mem_at(l, p), p->slot ? p->size : MIN(p->size, 16));
}

static void lower_point(struct lower *l, struct point *p)
{
	struct ir_fn *fn = l->fn;

	fn->line = place(p->spec->at);
	l->live = point_is_live(p);
	scratch_begin(l);
	frame_begin(l);
	for (struct script_var *v = p->vars; v; v = v->next) {
		if (v->type.kind == TYPE_UNKNOWN) /* let $x; and no more */
			continue;
		if (v->type.kind != TYPE_INT) {
			v->scratch = l->frame.wanted ? mem_get_scratch(l, v->type.size) :
						       mem_get(l, v->type.size); /* for the whole program */
			clear_str(l, v);
			continue;
		}
		v->ir = ir_var(fn, IRT_I64);
		var_set(l, v, ir_const(fn, 0));
	}
	lower_filters(l, p);
	if (p->row->attach == ATTACH_ITER)
		lower_iterator(l);
	packet_before(l);
	if (p->probe->predicate)
		lower_demand(l, p->probe->predicate, 0);
	packet_behind(l);
	trial_body(l, p->probe->body);
	if (ir_open(fn))
		lower_return(l);
	packet_end(l);
	scratch_end(l);
}

static const char *identifier(struct arena *arena, const char *text, u32 i)
{
	char *name = arena_printf(arena, "%s_%u", text, i);

	for (char *p = name; *p; p++)
		if (!isalnum((u8)*p))
			*p = '_';
	return name;
}

/* The fields that a program reads, as struct attach has them. */
static const char *fields_used(struct arena *arena, const struct point *p)
{
	const char *text = NULL;

	vec_each(f, &p->used)
		text = arena_printf(arena, "%s%s %u %u\n", text ? text : "", (*f)->name,
				    (*f)->off, (*f)->size);
	return text;
}

/* How many points the program of p serves: p and those that follow it. */
static u32 points_served(const struct lower *l, const struct point *p)
{
	u32 n = 1;

	for (const struct point *q = p->next; q; q = q->next)
		n += q->leader == p && point_is_led(l->script, q);
	return n;
}

/* What libbpf attaches the program by, if it is one place. */
static const char *section_of(struct lower *l, const struct point *p)
{
	static const char *const plain[ATTACH_KINDS] = {
		[ATTACH_TRACEPOINT] = "tracepoint", [ATTACH_KPROBE] = "kprobe",
		[ATTACH_KRETPROBE] = "kretprobe",   [ATTACH_UPROBE] = "uprobe",
		[ATTACH_URETPROBE] = "uretprobe",   [ATTACH_USDT] = "usdt",
		[ATTACH_PROFILE] = "perf_event",    [ATTACH_SOFTWARE] = "perf_event",
		[ATTACH_FENTRY] = "fentry",         [ATTACH_FEXIT] = "fexit",
		[ATTACH_HARDWARE] = "perf_event",  [ATTACH_ITER] = "iter",
		[ATTACH_WATCHPOINT] = "perf_event", [ATTACH_XDP] = "xdp",
		[ATTACH_TC] = "tc",                 [ATTACH_SOCKET] = "socket",
		[ATTACH_CGROUP_SKB] = "cgroup_skb",
	};
	struct arena *arena = &l->object->arena;
	u8 kind = p->row->attach;

	if (!plain[kind])
		return kind == ATTACH_RAW_TRACEPOINT && points_served(l, p) == 1 ?
			       arena_printf(arena, "raw_tracepoint/%s", p->pattern) :
			       "raw_tracepoint";
	if (points_served(l, p) > 1)
		return plain[kind];
	if (kind == ATTACH_TRACEPOINT)
		return arena_printf(arena, "tracepoint/%.*s/%s", (int)strcspn(p->pattern, ":"),
				    p->pattern, strchr(p->pattern, ':') + 1);
	if (kind == ATTACH_KPROBE && p->off)
		return arena_printf(arena, "kprobe/%s+%llu", p->pattern,
				    (unsigned long long)p->off);
	if (kind == ATTACH_KPROBE || kind == ATTACH_KRETPROBE || kind == ATTACH_FENTRY ||
	    kind == ATTACH_FEXIT)
		return arena_printf(arena, "%s/%s", plain[kind], p->pattern);
	if (kind == ATTACH_ITER)
		return arena_printf(arena, "iter/%s", p->func);
	if (kind == ATTACH_CGROUP_SKB)
		return arena_printf(arena, "cgroup_skb/%s", strrchr(p->pattern, ':') + 1);
	return plain[kind];
}

static void add_prog(struct lower *l, struct point *p)
{
	struct arena *arena = &l->object->arena;
	struct object_prog *prog = vec_add(arena, &l->object->progs);

	l->prog = p->prog = l->object->progs.n - 1;
	prog->name = p->probe->family ? WAGGLE_FAMILY : identifier(arena, p->text, l->prog + 1);
	prog->probe = arena_strdup(arena, p->text);
	prog->kind = p->row->prog_kind;
	prog->section = section_of(l, p);
}

/* A user's function is an offset when it is attached. */
static const char *probe_text(struct arena *a, const struct point *p)
{
	u8 kind = p->row->attach;
	bool offset = kind == ATTACH_UPROBE || kind == ATTACH_URETPROBE || kind == ATTACH_USDT;

	return offset && p->leader ? arena_strdup(a, p->text) : NULL;
}

static void add_attach(struct lower *l, const struct point *p, u64 cookie, const char *fields)
{
	struct arena *arena = &l->object->arena;

	vec_push(arena, &l->object->attaches,
		 (struct attach){.kind = p->row->attach, .prog = l->prog,
				 .pattern = arena_strdup(arena, p->pattern), .ns = p->ns,
				 .off = p->off, .count = p->count, .semaphore = p->semaphore,
				 .cookie = cookie, .probe = probe_text(arena, p), .fields = fields});
}

/* The cookie is the number of the point among those of its program. */
static void add_attaches(struct lower *l, const struct point *p)
{
	const char *fields = fields_used(&l->object->arena, p); /* of all that share it */
	u64 n = 0;

	l->served = points_served(l, p);
	add_attach(l, p, 0, fields);
	for (const struct point *q = p->next; q && l->served > 1; q = q->next)
		if (q->leader == p && point_is_led(l->script, q))
			add_attach(l, q, p->named ? ++n : 0, fields);
}

/* The memory shared with loader and reader, as control.h tells. */
static void add_sections(struct lower *l, u32 programs)
{
	struct object_map *o = vec_add(&l->object->arena, &l->object->maps);

	l->bss = l->object->maps.n - 1;
	*o = (struct object_map){
		.name = ".bss", .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1,
		.section = SECTION_BSS,
		.value_size = sizeof(struct waggle_control) +
			      programs * CONTROL_CPUS * (u32)sizeof(struct waggle_counters)};
	o = vec_add(&l->object->arena, &l->object->maps);
	l->rodata = l->object->maps.n - 1;
	*o = (struct object_map){
		.name = ".rodata", .kind = MAP_ARRAY, .key_size = 4, .max_entries = 1,
		.section = SECTION_RODATA, .value_size = sizeof(struct waggle_config) + 8,
		.data = arena_alloc(&l->object->arena, sizeof(struct waggle_config) + 8)};
}

static u64 cpu_mask(u32 cpus)
{
	u64 n = 1;

	while (n < cpus)
		n *= 2;
	return n - 1;
}

u32 rodata_add(struct lower *l, u32 size)
{
	struct object_map *o = &l->object->maps.v[l->rodata];
	u32 at = ALIGN_UP(o->value_size, 8);

	o->data = arena_grow(&l->object->arena, o->data, o->value_size, at + size);
	o->value_size = at + size;
	return at;
}

/* Behind the configuration: the stride of scratch memory, then zeroes for new values. */
static void rodata_begin(struct lower *l)
{
	u32 most = 0;

	vec_each(m, &l->object->maps)
		most = m->agg ? MAX(most, m->value_size) : most;
	l->zeroes = rodata_add(l, most);
}

static void rodata_end(struct lower *l)
{
	struct waggle_config *config = (void *)l->object->maps.v[l->rodata].data;
	u64 stride = l->scratch;

	config->cpu_mask = cpu_mask(l->script->target->cpus);
	memcpy(config + 1, &stride, sizeof(stride));
	l->object->maps.v[l->bss].per_cpu = l->scratch;
}

int script_lower(struct script *s, struct point *points, const struct script_opts *opts,
		 struct object *object, int (*done)(void *user, struct lower_result *), void *user)
{
	struct lower l = {.script = s, .object = object, .opts = opts, .rings = NO_MAP};
	u32 n = 0;
	int err = 0;

	for (struct point *p = points; p; p = p->next)
		n += !point_is_led(s, p);
	if (n > s->limits.progs_most)
		return diag_error(s->diag, points->spec->at, "config = { max_bpf_progs = N } allows more",
				  "the script makes %u programs, more than %u", n,
				  s->limits.progs_most);
	add_sections(&l, n);
	lower_maps(&l, points);
	rodata_begin(&l);
	for (struct point *p = points; p && !err; p = p->next) {
		struct lower_result r = {.point = p};

		if (point_is_led(s, p))
			continue;
		script_check_point(s, p);
		add_prog(&l, p);
		add_attaches(&l, p);
		l.fn = r.fn = ir_fn_new(s->work, object->progs.v[l.prog].name);
		l.point = p;
		l.memo = (struct memo){0};
		memset(l.names_at, 0, sizeof(l.names_at));
		l.pieces.n = 0;
		l.stack = 0;
		l.callbacks.n = 0;
		l.sent = (struct sent){0};
		r.prog = l.prog;
		lower_point(&l, p);
		if (l.failed)
			return -EINVAL;
		r.callbacks = l.callbacks.v;
		r.ncallbacks = l.callbacks.n;
		err = done(user, &r);
		arena_rewind(s->work);
	}
	rodata_end(&l);
	return err;
}
