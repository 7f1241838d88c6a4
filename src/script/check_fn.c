/*
 * check_fn.c: how the functions may be used whose values live in memory, or that ask for rights.
 * The rows of calls.def and aggs.def name these; the general ones are in check_call.c.
 */
#include "script/check.h"

#include "arch/arch.h"
#include "object/series.h"

_Static_assert(TYPE_BY_ID == STACK_BY_ID, "the mode of a type is that of its fields");

struct type shown_key(struct type t)
{
	if (t.kind != TYPE_SHOWN)
		return t;
	if (t.show == FIELD_KSTACK || t.show == FIELD_USTACK) {
		t.mode |= STACK_BY_ID;
		t.size = 16;
	}
	t.size = MIN(ALIGN_UP(t.size, 8), STR_KEY);
	return t;
}

struct type shown_whole(struct arena *arena, struct type t)
{
	struct aggregate *parts;
	struct type whole;

	if (t.kind == TYPE_SHOWN && t.mode & STACK_BY_ID) {
		t.mode &= (u8)~STACK_BY_ID;
		t.size = 8 * STACK_FRAMES + (t.show == FIELD_USTACK ? 8 : 0);
	}
	if (t.kind != TYPE_TUPLE || !type_has_ids(t))
		return t;
	whole = type_tuple(arena, t.fields->n, &parts);
	parts->is_record = t.fields->is_record;
	for (u32 i = 0; i < t.fields->n; i++) {
		parts->members[i].name = t.fields->members[i].name;
		type_tuple_part(&whole, parts, i,
				shown_whole(arena, t.fields->members[i].type));
	}
	return whole;
}

struct type bytes_type(struct script *s, u32 size)
{
	struct type *byte = arena_new(s->arena, struct type);

	*byte = (struct type){.kind = TYPE_INT, .size = 1};
	return (struct type){.kind = TYPE_ARRAY, .size = size, .count = size, .of = byte};
}

static bool is_constant(const struct node *n)
{
	return n->kind == NODE_INT;
}

/* A string constant; str($1) is one, too. */
static bool text_constant(struct checker *c, struct node *n, const char *of)
{
	if (n->kind == NODE_CALL)
		check_expr(c, n);
	if (n->kind == NODE_STR && strlen(n->text) == n->len)
		return true;
	check_fail(c, n, "write it as \"text\"", "%s must be a string constant", of);
	return false;
}

void check_unsafe(struct checker *c, struct node *n)
{
	if (!c->script->unsafe)
		check_fail(c, n, "allow it with --unsafe", "%s() can do harm", n->text);
}

/* One of some words that are not values: kstack(perf), nsecs(tai). -1: it is another. */
static int word_of(const struct node *n, const char *const *words, u32 count)
{
	for (u32 i = 0; n->kind == NODE_NAME && i < count; i++)
		if (!strcmp(n->text, words[i]))
			return (int)i;
	return -1;
}

/* ---- stacks and symbols */

void check_stack(struct checker *c, struct node *n)
{
	static const char *const modes[] = {STACK_MODES};
	bool user = *n->text != 'k';
	u32 frames = STACK_FRAMES;
	u8 mode = c->script->limits.stack_mode;
	bool by_id = false;

	check_packet_stack(c, n);
	for (struct node *a = n->a; a; a = a->next) {
		int known = a == n->a ? word_of(a, modes, ARRAY_SIZE(modes)) : -1;

		if (known >= 0) {
			mode = (u8)known;
			if (mode == STACK_BUILD_ID && !user)
				check_fail(c, a, "ustack and dw_ustack have it",
					   "stacks of the kernel have no mode 'build_id'");
			continue;
		}
		if (a->kind == NODE_NAME && str_same(a->text, "id")) {
			by_id = true;
			continue;
		}
		if (a->kind == NODE_NAME) {
			check_fail(c, a, "bpftrace, perf, raw, build_id, id", "stacks have no mode '%s'",
				   a->text);
			continue;
		}
		if (!check_int(c, a, "the number of frames"))
			continue;
		if (!is_constant(a) || !a->value || a->next)
			check_fail(c, a, n->call->usage,
				   "%s() takes a mode and a constant number of "
				   "frames, 1 to %u",
				   n->text, STACK_FRAMES);
		else
			frames = (u32)MIN(a->value, STACK_FRAMES);
	}
	n->type = TYPE_SHOWN_OF(user ? FIELD_USTACK : FIELD_KSTACK, 8 * frames + (user ? 8 : 0));
	n->type.mode = mode | c->script->limits.symbol_flags;
	n->value = frames;
	if (by_id)
		n->type = shown_key(n->type);
}

void check_symbol(struct checker *c, struct node *n)
{
	check_int(c, n->a, n->text);
	n->type = *n->text == 'u' ? TYPE_SHOWN_OF(FIELD_USYM, 16) : TYPE_SHOWN_OF(FIELD_KSYM, 8);
	n->type.mode = c->script->limits.symbol_flags;
}

void check_kaddr(struct checker *c, struct node *n)
{
	text_constant(c, n->a, "the symbol");
	n->type = TYPE_U64; /* not a pointer: kaddr("avenrun") + 8 is 8 bytes further */
	n->type.space = SPACE_KERNEL;
}

void check_cgroupid(struct checker *c, struct node *n)
{
	text_constant(c, n->a, "the path");
	n->type = TYPE_U64;
}

void check_disk_number(struct checker *c, struct node *n)
{
	text_constant(c, n->a, "the name of a disk");
	n->type = TYPE_U64;
}

/* The context of these programs is, or begins with, the registers. */
static bool has_registers(const struct point *p)
{
	switch (p->row->attach) {
	case ATTACH_KPROBE:
	case ATTACH_KRETPROBE:
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE:
	case ATTACH_USDT:
	case ATTACH_PROFILE:
	case ATTACH_HARDWARE:
	case ATTACH_WATCHPOINT:
	case ATTACH_SOFTWARE: return true;
	default: return false;
	}
}

const struct arch_reg *register_of(const struct script *s, const char *name)
{
	static const struct {
		const char *name, *whole;
	} aliases[] = {{"ax", "rax"}, {"bx", "rbx"},           {"cx", "rcx"},      {"dx", "rdx"},
		       {"si", "rsi"}, {"di", "rdi"},           {"bp", "rbp"},      {"sp", "rsp"},
		       {"ip", "rip"}, {"orig_ax", "orig_rax"}, {"flags", "eflags"}};
	const struct arch *a = arch_find(s->target->arch);

	if (!a)
		return NULL;
	/* struct pt_regs of x86 calls them so, and means all 64 bits */
	for (u32 i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].name, name) && arch_reg(a, aliases[i].whole))
			return arch_reg(a, aliases[i].whole);
	return arch_reg(a, name);
}

void check_reg(struct checker *c, struct node *n)
{
	const struct arch *a = arch_find(c->script->target->arch);
	struct near near = {0};

	n->type = TYPE_U64;
	if (!text_constant(c, n->a, "the register"))
		return;
	near.word = n->a->text;
	if (!has_registers(c->point)) {
		check_fail(c, n, "kprobe, uprobe, usdt, profile, software and hardware have them",
			   "%s has no registers", c->point->text);
		return;
	}
	if (register_of(c->script, n->a->text))
		return;
	for (const struct arch_reg *r = a ? a->regs : NULL; r && r->name; r++)
		near_try(&near, r->name);
	check_fail(c, n->a,
		   near.best ? arena_printf(c->script->arena, "did you mean '%s'?", near.best)
			     : NULL,
		   "%s has no register '%s'", c->script->target->arch, n->a->text);
}

/* ---- bytes */

/* Something that lies in memory: an array, a struct, a string, or what a pointer points to. */
static bool bytes_of(struct checker *c, struct node *n, u32 *size)
{
	*size = 0;
	if (!check_expr(c, n))
		return false;
	if (n->type.kind != TYPE_INT)
		*size = node_bytes(n);
	if (n->type.kind == TYPE_INT || n->type.kind == TYPE_ARRAY || n->type.kind == TYPE_STRUCT ||
	    n->type.kind == TYPE_STR)
		return true;
	check_fail(c, n, "an array or a pointer", "a %s has no bytes", TYPE_NAME(n->type));
	return false;
}

void check_buf(struct checker *c, struct node *n)
{
	u32 most = c->script->limits.str_most, size;
	struct node *len = n->a->next;

	if (bytes_of(c, n->a, &size) && !size && !len)
		check_fail(c, n, n->call->usage, "how many bytes?");
	if (len && check_int(c, len, "the length of buf()") && is_constant(len))
		size = (u32)MIN(len->value, most);
	else if (len)
		size = size ? MIN(size, most) : most;
	n->type = TYPE_SHOWN_OF(FIELD_BUF, 8 + ALIGN_UP(MAX(MIN(size, most), 1u), 8));
}

void check_ntop(struct checker *c, struct node *n)
{
	struct node *addr = n->a->next ? n->a->next : n->a;
	u32 size;

	if (n->a->next)
		check_int(c, n->a, "the family of ntop()");
	if (bytes_of(c, addr, &size) && size && size != 4 && size != 16)
		check_fail(c, addr, "IPv4 has 4 bytes, IPv6 16", "an address of %u bytes", size);
	n->type = TYPE_SHOWN_OF(FIELD_INET, n->a->next && n->a->next->next ? 32 : 24);
	if (n->type.size == 32)
		check_int(c, n->a->next->next, "the port of ntop()");
}

void check_macaddr(struct checker *c, struct node *n)
{
	u32 size;

	if (bytes_of(c, n->a, &size) && size && size < 6)
		check_fail(c, n->a, "it has 6 bytes", "a hardware address of %u bytes", size);
	n->type = TYPE_SHOWN_OF(FIELD_MAC, 8);
}

void check_strerror(struct checker *c, struct node *n)
{
	check_int(c, n->a, "strerror()");
	n->type = TYPE_SHOWN_OF(FIELD_ERRNO, 8);
}

#define DIGITS_MOST 9

void check_decimal(struct checker *c, struct node *n)
{
	const struct node *digits = n->a->next;

	check_int(c, n->a, "decimal()");
	n->type = TYPE_SHOWN_OF(FIELD_DECIMAL, 8);
	if (digits->kind != NODE_INT || digits->value < 1 || digits->value > DIGITS_MOST)
		check_fail(c, digits, n->call->usage, "behind the point stand 1 to %d digits",
			   DIGITS_MOST);
	else
		n->type.mode = (u8)digits->value;
}

void check_disk_name(struct checker *c, struct node *n)
{
	check_int(c, n->a, "disk_name()");
	n->type = TYPE_SHOWN_OF(FIELD_DISK, 8);
}

void check_exit_reason(struct checker *c, struct node *n)
{
	check_int(c, n->a, "exit_reason()");
	n->type = TYPE_SHOWN_OF(FIELD_EXIT, 8);
}

void check_file_number(struct checker *c, struct node *n)
{
	const struct node *word = n->a->next, *div = word->next;

	n->type = TYPE_SHOWN_OF(FIELD_FILE, 8);
	if (n->a->kind != NODE_STR || word->kind != NODE_STR || (div && (div->kind != NODE_INT || !div->value)))
		check_fail(c, n->a, n->call->usage, "a path, a word and a number are constants");
	else
		n->type.text = arena_printf(c->script->arena, "%s\n%s\n%llu", n->a->text, word->text,
					    div ? (unsigned long long)div->value : 1);
}

/* ---- times */

static const char *const clocks[] = {"boot", "monotonic", "tai", "sw_tai"};

void check_nsecs(struct checker *c, struct node *n)
{
	int clock = n->a ? word_of(n->a, clocks, ARRAY_SIZE(clocks)) : 0;

	if (clock < 0)
		check_fail(c, n->a, "boot, monotonic, tai, sw_tai", "there is no such clock");
	n->value = (u64)clock;
	n->type = TYPE_U64;
}

void check_strftime(struct checker *c, struct node *n)
{
	struct node *when = n->a->next;

	n->type = TYPE_SHOWN_OF(FIELD_TIME, 8);
	if (text_constant(c, n->a, "the format"))
		n->type.text = n->a->text;
	else
		n->type.text = "";
	check_int(c, when, "strftime()");
	/* the time that a clock gives is shown as of that clock */
	if (when->kind == NODE_CALL && !strcmp(when->text, "nsecs"))
		n->type.mode = when->value == 1   ? TIME_MONOTONIC
			       : when->value >= 2 ? TIME_TAI
						  : TIME_BOOT;
}

void check_time(struct checker *c, struct node *n)
{
	if (n->a)
		text_constant(c, n->a, "the format");
}

/* ---- numbers and strings */

void check_space(struct checker *c, struct node *n)
{
	if (!check_int(c, n->a, n->text)) {
		n->type = TYPE_U64;
		return;
	}
	n->type = n->a->type;
	n->type.is_literal = 0;
	n->type.space = *n->text == 'u' ? SPACE_USER : SPACE_KERNEL;
}

void check_bswap(struct checker *c, struct node *n)
{
	n->type = TYPE_U64;
	if (!check_int(c, n->a, "bswap()"))
		return;
	n->type.size = n->a->type.size;
}

void check_has_key(struct checker *c, struct node *n)
{
	struct node *map = n->a, *key = map->next;

	n->type = TYPE_BOOL;
	if (map->kind != NODE_MAP || !key == !map->a) {
		check_fail(c, map, n->call->usage, "has_key() takes a map and a key");
		return;
	}
	if (key) { /* from now on as @m[key] */
		map->next = NULL;
		map->a = key;
	}
	if (check_asked(c, map) && !map->map->nkeys)
		check_fail(c, map, NULL, "@%s has no keys", map->text);
}

/* ---- actions */

void check_join(struct checker *c, struct node *n)
{
	if (check_int(c, n->a, "join()") && n->a->next)
		text_constant(c, n->a->next, "what stands between them");
}

void check_system(struct checker *c, struct node *n)
{
	check_unsafe(c, n);
	check_printf(c, n);
}

static int signal_of(const char *name)
{
	const char *bare = strncmp(name, "SIG", 3) ? name : name + 3;

	for (int i = 1; i < 65; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, bare))
			return i;
	}
	return 0;
}

void check_signal(struct checker *c, struct node *n)
{
	check_unsafe(c, n);
	if (n->a->kind == NODE_CALL || n->a->kind == NODE_STR) {
		if (!check_expr(c, n->a))
			return;
	}
	if (n->a->kind == NODE_STR) {
		int number = signal_of(n->a->text);

		if (!number) {
			check_fail(c, n->a, "kill -l lists them", "there is no signal '%s'",
				   n->a->text);
			return;
		}
		n->a->kind = NODE_INT;
		n->a->value = (u64)number;
		n->a->type = TYPE_U64;
	}
	if (check_int(c, n->a, "signal()") && is_constant(n->a) &&
	    (!n->a->value || n->a->value > 64))
		check_fail(c, n->a, "kill -l lists them", "there is no signal %lld",
			   (long long)n->a->value);
}

/* ---- aggregations */

/* What tseries() keeps of an interval: by enum series_of. -1: it has no such name. */
static int series_of(const struct node *n)
{
	static const char *const names[] = {
		[SERIES_AVG] = "avg", [SERIES_MAX] = "max", [SERIES_MIN] = "min", [SERIES_SUM] = "sum"};

	for (u32 i = SERIES_AVG; n->kind == NODE_STR && i < ARRAY_SIZE(names); i++)
		if (!strcmp(n->text, names[i]))
			return (int)i;
	return -1;
}

/* The name of an aggregation becomes its number, a constant as the others are. */
static void check_series_of(struct checker *c, struct node *n)
{
	int of = series_of(n);

	if (of < 0 && n->kind == NODE_STR)
		check_fail(c, n, "avg, max, min, sum", "tseries() keeps no '%s'", n->text);
	else if (of < 0 && n->kind != NODE_INT)
		check_fail(c, n, "\"avg\", \"max\", \"min\", \"sum\"", "this must be a string constant");
	if (of < 0)
		return;
	n->kind = NODE_INT;
	n->value = (u64)of;
}

void check_agg(struct checker *c, struct node *n)
{
	struct node *arg = n->a ? n->a->next : NULL;

	if (arg && n->call->agg == AGG_TSERIES && arg->next->next)
		check_series_of(c, arg->next->next);

	if (n->a)
		check_int(c, n->a, n->call->name);
	for (; arg; arg = arg->next)
		if (check_int(c, arg, n->call->name) && !is_constant(arg) &&
		    !(arg->kind == NODE_UNARY && arg->op == TOK_SUB && is_constant(arg->a)))
			check_fail(c, arg, n->call->usage, "this must be a constant");
}

static s64 constant_of(const struct node *n)
{
	if (!n)
		return 0;
	return n->kind == NODE_UNARY ? -(s64)n->a->value : (s64)n->value;
}

u32 agg_size(struct checker *c, struct node *map, struct node *call)
{
	const struct node *arg = call->a ? call->a->next : NULL;
	struct script_map *m = map->map;
	u32 words = call->call->words;
	s64 args[3] = {0};

	for (u32 i = 0; arg && i < 3; i++, arg = arg->next)
		args[i] = constant_of(arg);
	if (call->call->agg == AGG_HIST) {
		if (args[0] < 0 || args[0] > HIST_BITS_MOST)
			check_fail(c, call, "hist(n, 2)", "hist() takes 0 to %u bits",
				   HIST_BITS_MOST);
		else
			words = hist_buckets((u32)args[0]);
	} else if (call->call->agg == AGG_LHIST) {
		words = lhist_buckets(args[0], args[1], args[2]);
		if (!words)
			check_fail(c, call,
				   "lhist(n, 0, 1000, 10): (max - min) / step is at most 1000",
				   "there is no histogram from %lld to %lld by %lld",
				   (long long)args[0], (long long)args[1], (long long)args[2]);
	}
	if (call->call->agg == AGG_QUANTILE)
		words = QUANTILE_WORDS;
	if (call->call->agg == AGG_TSERIES) {
		words = series_words(args);
		if (!words)
			check_fail(c, call, call->call->usage,
				   "a time series has 1 to %u intervals, each longer than nothing",
				   SERIES_SLOTS_MOST);
	}
	words = MAX(words, 1u);
	if (m->value.kind == TYPE_AGG && memcmp(m->agg_arg, args, sizeof(args)))
		check_fail(c, call, "use another map", "@%s has other arguments of %s() elsewhere",
			   m->name, call->text);
	else
		memcpy(m->agg_arg, args, sizeof(args));
	return words * 8;
}
