/*
 * exprfuzz.c: random programs; our code in the kernel against gcc's on the host.
 *
 *   exprfuzz [-n PROGRAMS] [-s SEED] [-v]
 *
 * Each program is a list of statements over variables: arithmetic in 32 and 64 bits, signed and
 * unsigned, compares, extensions, byte swaps, if/else, small loops, loads and stores in a stack
 * object, helper calls in between, up to 18 variables that live all the way. It is rendered twice:
 * into IR (compiled three times: for Linux 5.10, for the running kernel, and without the optimising
 * passes) and into C (all programs of a batch in one file, compiled once by gcc). Operands come
 * from a map, so that nothing can be folded; results go back there and are compared bit by bit.
 * Program K of seed S is the only program of seed S+K: `exprfuzz -n 1 -s SEED` shows a failure
 * again.
 */
#include "../tests/kernel_run.h"
#include "program.h"

#include <dlfcn.h>
#include <sys/utsname.h>

#define BATCH       500
#define ROUNDS      3 /* sets of operands */
#define PACKET_BYTE 0x00
#define SKB_LOAD    26 /* skb_load_bytes(ctx, offset, to, length) */

struct values {
	u64 in[VARS_MOST], out[VARS_MOST];
};

/* ---- as IR */

struct ir_side {
	struct program *p;
	struct ir_fn *f;
	u32 vars[VARS_MOST], slot, result, lines;
};

static u32 ir_of_expr(struct ir_side *s, const struct expr *e)
{
	switch (e->kind) {
	case E_CONST: return ir_const(s->f, e->c);
	case E_VAR: return ir_get(s->f, s->vars[e->var]);
	case E_SLOT: return ir_load(s->f, e->width, e->sign, s->slot, (s32)e->off);
	case E_UN: return ir_un(s->f, e->op, e->type, ir_of_expr(s, e->a));
	default: {
		u32 a = ir_of_expr(s, e->a);
		u32 b = e->b == e->a ? a : ir_of_expr(s, e->b);

		return ir_bin(s->f, e->op, e->type, a, b);
	}
	}
}

static void ir_finish(struct ir_side *s)
{
	u32 to = s->result ? s->result : ir_data(s->f, 0, 0);

	for (u32 v = 0; v < s->p->nvars; v++)
		ir_store(s->f, 8, to, (s32)(VARS_MOST + v) * 8, ir_get(s->f, s->vars[v]));
	ir_ret(s->f, ir_get(s->f, s->vars[0]));
}

/* The value of the map, by look-up; the function ends where there is none. */
static u32 ir_lookup(struct ir_side *s)
{
	u32 key = ir_slot(s->f, 4, 4), p, some = ir_block(s->f), none = ir_block(s->f);

	ir_store(s->f, 4, key, 0, ir_const(s->f, 0));
	p = ir_call(s->f, HELPER_map_lookup_elem, IRT_MAPVAL, 2, ir_map(s->f, 0), key);
	ir_br(s->f, p, some, none);
	ir_seal(s->f, some);
	ir_seal(s->f, none);
	ir_at(s->f, none);
	ir_ret(s->f, ir_const(s->f, 0));
	ir_at(s->f, some);
	return p;
}

static void ir_of_list(struct ir_side *s, const struct stmt *st);

static void ir_of_if(struct ir_side *s, const struct stmt *st)
{
	u32 then = ir_block(s->f), other = ir_block(s->f), end = ir_block(s->f);

	ir_br(s->f, ir_of_expr(s, st->e), then, st->other ? other : end);
	ir_seal(s->f, then);
	ir_seal(s->f, other);
	ir_at(s->f, then);
	ir_of_list(s, st->body);
	ir_jmp(s->f, end);
	if (st->other) {
		ir_at(s->f, other);
		ir_of_list(s, st->other);
		ir_jmp(s->f, end);
	}
	ir_seal(s->f, end);
	ir_at(s->f, end);
}

static void ir_of_loop(struct ir_side *s, const struct stmt *st)
{
	u32 i = ir_var(s->f, IRT_I64), head = ir_block(s->f), body = ir_block(s->f);
	u32 end = ir_block(s->f), n;

	ir_set(s->f, i, ir_const(s->f, 0));
	n = ir_bin(s->f, IR_UMOD, IRT_I64, ir_of_expr(s, st->e), ir_const(s->f, st->count));
	n = ir_bin(s->f, IR_AND, IRT_I64, n, ir_const(s->f, 7));
	ir_jmp(s->f, head);
	ir_at(s->f, head);
	ir_br(s->f, ir_bin(s->f, IR_ULE, IRT_I64, ir_get(s->f, i), n), body, end);
	ir_seal(s->f, body);
	ir_at(s->f, body);
	ir_of_list(s, st->body);
	ir_set(s->f, i, ir_bin(s->f, IR_ADD, IRT_I64, ir_get(s->f, i), ir_const(s->f, 1)));
	ir_jmp(s->f, head);
	ir_seal(s->f, head);
	ir_seal(s->f, end);
	ir_at(s->f, end);
}

static void ir_of_stmt(struct ir_side *s, const struct stmt *st)
{
	struct ir_fn *f = s->f;
	u32 tmp;

	f->line = ++s->lines << 10 | 1;
	switch (st->kind) {
	case S_SET: ir_set(f, s->vars[st->var], ir_of_expr(s, st->e)); break;
	case S_IF: ir_of_if(s, st); break;
	case S_LOOP: ir_of_loop(s, st); break;
	case S_STORE: ir_store(f, st->width, s->slot, (s32)st->off, ir_of_expr(s, st->e)); break;
	case S_CALL: ir_call(f, HELPER_get_smp_processor_id, IRT_I32, 0); break;
	case S_LOOKUP:
		tmp = ir_lookup(s);
		ir_set(f, s->vars[st->var], ir_load(f, 8, false, tmp, (s32)st->off));
		break;
	case S_SKB:
		tmp = ir_call(f, SKB_LOAD, IRT_I64, 4, ir_ctx(f),
			      ir_bin(f, IR_AND, IRT_I64, ir_of_expr(s, st->e), ir_const(f, 7)),
			      ir_add_imm(f, s->slot, st->off), ir_const(f, st->width));
		ir_set(f, s->vars[st->var], tmp);
		break;
	case S_RETURN: ir_finish(s); break;
	}
}

static void ir_of_list(struct ir_side *s, const struct stmt *st)
{
	for (; st; st = st->next)
		if (ir_open(s->f))
			ir_of_stmt(s, st);
}

static struct ir_fn *ir_of_program(struct program *p)
{
	struct ir_side s = {.p = p, .f = ir_fn_new(p->arena, "fuzz")};
	u32 in = ir_data(s.f, 0, 0);

	s.slot = ir_slot(s.f, SLOT_BYTES, 8);
	for (u32 n = 0; n < SLOT_BYTES; n += 8)
		ir_store(s.f, 8, s.slot, (s32)n, ir_const(s.f, (s64)n * 0x0101));
	s.result = p->by_lookup ? ir_lookup(&s) : 0;
	for (u32 v = 0; v < p->nvars; v++) {
		s.vars[v] = ir_var(s.f, p->types[v]);
		ir_set(s.f, s.vars[v], ir_load(s.f, 8, false, in, (s32)v * 8));
	}
	ir_of_list(&s, p->body);
	if (ir_open(s.f))
		ir_finish(&s);
	return s.f;
}

/* ---- as C */

static const char prologue[] =
	"typedef unsigned long u64; typedef unsigned u32; typedef unsigned short u16;\n"
	"typedef unsigned char u8; typedef long s64; typedef int s32;\n"
	"static u64 cut(u64 v, int w) { return w == 32 ? (u32)v : v; }\n"
	"static s64 sx(u64 v, int w) { return w == 32 ? (s32)v : w == 8 ? (signed char)v :\n"
	"\tw == 16 ? (short)v : (s64)v; }\n"
	"#define U(v) cut(v, w)\n"
	"#define OP(name, x) static u64 name(u64 a, u64 b, int w) { a = U(a); b = U(b); return "
	"U(x); }\n"
	"OP(f_add, a + b) OP(f_sub, a - b) OP(f_mul, a * b) OP(f_udiv, b ? a / b : 0)\n"
	"OP(f_umod, b ? a % b : a) OP(f_and, a & b) OP(f_or, a | b) OP(f_xor, a ^ b)\n"
	"OP(f_shl, a << (b & (w - 1))) OP(f_shr, a >> (b & (w - 1)))\n"
	"OP(f_sar, (u64)(sx(a, w) >> (b & (w - 1))))\n"
	"OP(f_sdiv, !b ? 0 : sx(b, w) == -1 ? -a : (u64)(sx(a, w) / sx(b, w)))\n"
	"OP(f_smod, !b ? a : sx(b, w) == -1 ? 0 : (u64)(sx(a, w) % sx(b, w)))\n"
	"OP(f_eq, a == b) OP(f_ne, a != b) OP(f_ult, a < b) OP(f_ule, a <= b)\n"
	"OP(f_slt, sx(a, w) < sx(b, w)) OP(f_sle, sx(a, w) <= sx(b, w))\n"
	"#define UN(name, x) static u64 name(u64 a, int w) { a = U(a); return U(x); }\n"
	"UN(f_neg, -a) UN(f_sext8, (u64)sx(a, 8)) UN(f_sext16, (u64)sx(a, 16))\n"
	"UN(f_sext32, (u64)sx(a, 32)) UN(f_zext8, (u8)a) UN(f_zext16, (u16)a) UN(f_zext32, "
	"(u32)a)\n"
	"UN(f_bswap16, __builtin_bswap16(a)) UN(f_bswap32, __builtin_bswap32(a))\n"
	"UN(f_bswap64, __builtin_bswap64(a))\n"
	"static u64 get(const u8 *s, int n, int sign) { u64 v = 0; __builtin_memcpy(&v, s, n);\n"
	"\treturn sign && n < 8 ? (u64)((s64)(v << (64 - 8 * n)) >> (64 - 8 * n)) : v; }\n";

static void c_of_expr(struct buf *out, const struct expr *e)
{
	u32 w = e->type == IRT_I32 ? 32 : 64;

	switch (e->kind) {
	case E_CONST: buf_printf(out, "0x%llxul", (unsigned long long)e->c); break;
	case E_VAR: buf_printf(out, "v[%u]", e->var); break;
	case E_SLOT: buf_printf(out, "get(s + %u, %u, %d)", e->off, e->width, e->sign); break;
	default:
		buf_printf(out, "f_%s(", ir_ops[e->op].name);
		c_of_expr(out, e->a);
		if (e->kind == E_BIN) {
			buf_puts(out, ", ");
			c_of_expr(out, e->b);
		}
		buf_printf(out, ", %u)", w);
	}
}

static void c_finish(struct buf *out, const struct program *p)
{
	for (u32 v = 0; v < p->nvars; v++)
		buf_printf(out, "o[%u] = v[%u]; ", v, v);
	buf_puts(out, "return (u32)v[0];\n");
}

static void c_set(struct buf *out, const struct program *p, u32 var)
{
	buf_printf(out, "v[%u] = %s", var, p->types[var] == IRT_I32 ? "(u32)" : "");
}

static void c_of_list(struct buf *out, const struct program *p, const struct stmt *st)
{
	for (; st; st = st->next) {
		switch (st->kind) {
		case S_SET:
			c_set(out, p, st->var);
			c_of_expr(out, st->e);
			buf_puts(out, ";\n");
			break;
		case S_IF:
			buf_puts(out, "if (");
			c_of_expr(out, st->e);
			buf_puts(out, ") {\n");
			c_of_list(out, p, st->body);
			buf_puts(out, "} else {\n");
			c_of_list(out, p, st->other);
			buf_puts(out, "}\n");
			break;
		case S_LOOP:
			buf_puts(out, "for (u64 i = 0, n = ");
			c_of_expr(out, st->e);
			buf_printf(out, " %% %u; i <= n; i++) {\n", st->count);
			c_of_list(out, p, st->body);
			buf_puts(out, "}\n");
			break;
		case S_STORE:
			buf_puts(out, "t = ");
			c_of_expr(out, st->e);
			buf_printf(out, "; __builtin_memcpy(s + %u, &t, %u);\n", st->off,
				   st->width);
			break;
		case S_LOOKUP:
			c_set(out, p, st->var);
			buf_printf(out, "get((const u8 *)in + %u, 8, 0);\n", st->off);
			break;
		case S_SKB: /* the packet is one byte repeated, so the offset does not matter */
			buf_printf(out, "__builtin_memset(s + %u, %u, %u); v[%u] = 0;\n", st->off,
				   PACKET_BYTE, st->width, st->var);
			break;
		case S_CALL: break;
		case S_RETURN: c_finish(out, p); break;
		}
	}
}

static void c_of_program(struct buf *out, const struct program *p, u32 n)
{
	buf_printf(out, "u32 p%u(const u64 *in, u64 *o) { u64 v[%u], t = 0; u8 s[%u]; (void)t;\n",
		   n, p->nvars, SLOT_BYTES);
	buf_printf(out, "for (u64 n = 0; n < %u; n++) ((u64 *)s)[n] = n * 8 * 0x0101;\n",
		   SLOT_BYTES / 8);
	for (u32 v = 0; v < p->nvars; v++) {
		c_set(out, p, v);
		buf_printf(out, "in[%u];\n", v);
	}
	c_of_list(out, p, p->body);
	c_finish(out, p);
	buf_puts(out, "}\n");
}

/* ---- both sides */

struct variant {
	const char *name;
	u32 kernel;
	bool passes;
};
struct counts {
	u32 programs, runs, insns, spilled, refused, slow;
};

static int write_and_compile(const char *dir, struct buf *c, void **lib)
{
	char path[256], cmd[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/p.c", dir);
	f = fopen(path, "w");
	if (!f || fwrite(c->p, 1, c->n, f) != c->n || fclose(f))
		return -EIO;
	snprintf(cmd, sizeof(cmd), "gcc -w -O0 -shared -fPIC -fwrapv -o %s/p.so %s/p.c", dir, dir);
	if (system(cmd))
		return -EIO;
	snprintf(path, sizeof(path), "%s/p.so", dir);
	*lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	snprintf(cmd, sizeof(cmd), "rm -f %s/p.c %s/p.so", dir, dir);
	if (system(cmd))
		return -EIO;
	return *lib ? 0 : -ENOEXEC;
}

static void say(void *user, const struct waggle_diag *d)
{
	(void)user;
	fprintf(stderr, "exprfuzz: %s\n", d->text);
}

static void show(const struct program *p, const struct variant *v, struct code *code)
{
	struct ir_fn *f = ir_of_program((struct program *)p);
	struct buf out = {0}, c = {0};

	c_of_program(&c, p, 0);
	ir_print(&out, f);
	if (v->passes) {
		ir_run_passes(f, v->kernel);
		buf_puts(&out, "-- after the passes\n");
		ir_print(&out, f);
	}
	code_print(&out, code);
	fprintf(stderr, "seed %llu, %s\n%s\n%s\n", (unsigned long long)p->seed, v->name,
		buf_str(&c), buf_str(&out));
	buf_free(&out);
	buf_free(&c);
}

static void legalise_only(struct ir_fn *f, u32 kernel)
{
	for (const struct ir_pass *pass = ir_passes; pass->name; pass++)
		if (!strcmp(pass->name, "legalise"))
			pass->run(f, kernel);
}

static int compare(const struct program *p, const struct values *want, const struct values *got,
		   u32 want_ret, u32 got_ret)
{
	int bad = want_ret != got_ret;

	for (u32 v = 0; v < p->nvars; v++)
		bad |= want->out[v] != got->out[v];
	if (!bad)
		return 0;
	for (u32 v = 0; v < p->nvars; v++)
		fprintf(stderr, "%c v[%u]: in %016llx, gcc %016llx, kernel %016llx\n",
			want->out[v] != got->out[v] ? '*' : ' ', v, (unsigned long long)want->in[v],
			(unsigned long long)want->out[v], (unsigned long long)got->out[v]);
	fprintf(stderr, "result: gcc %08x, kernel %08x\n", want_ret, got_ret);
	return -1;
}

static int run_rounds(struct program *p, u32 (*oracle)(const u64 *, u64 *), int map, int prog,
		      struct counts *n)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		struct values want = {0}, got;
		u32 want_ret, got_ret = 0;

		for (u32 v = 0; v < VARS_MOST; v++)
			want.in[v] = interesting(p);
		got = want;
		want_ret = oracle(want.in, want.out);
		if (kr_elem(KR_MAP_UPDATE, map, &got) || kr_run(prog, &got_ret) ||
		    kr_elem(KR_MAP_LOOKUP, map, &got))
			return -1;
		n->runs++;
		if (compare(p, &want, &got, want_ret, got_ret))
			return -1;
	}
	return 0;
}

static int one_variant(struct program *p, const struct variant *v, void *oracle, int map,
		       struct counts *n)
{
	static char log[1 << 20];
	struct ir_fn *f = ir_of_program(p);
	struct diag diag = {.fn = say};
	struct code code = {0};
	const char *why = ir_check(f);
	int prog, bad;

	if (v->passes)
		ir_run_passes(f, v->kernel);
	else
		legalise_only(f, v->kernel);
	why = why ? why : ir_check(f);
	if (why)
		fprintf(stderr, "IR: %s\n", why);
	if (why || codegen(f, v->kernel, f->arena, &code, &diag)) {
		show(p, v, &code);
		return -1;
	}
	prog = kr_load(&code, map, log, sizeof(log));
	if (prog < 0 && (strstr(log, "too large") || strstr(log, "too complex"))) {
		n->slow++;
		if (getenv("SHOW"))
			show(p, v, &code);
		return 0;
	}
	if (prog < 0) {
		fprintf(stderr, "refused: %s\n", strerror(-prog));
		fputs(strlen(log) > 6000 ? log + strlen(log) - 6000 : log, stderr);
		show(p, v, &code);
		return -1;
	}
	n->insns += code.insns.n;
	for (u32 k = 0, own = 0; k <= f->slots.n; k++) {
		if (k == f->slots.n)
			n->spilled += code.stack > ALIGN_UP(own, 8u);
		else
			own += f->slots.v[k].size;
	}
	bad = run_rounds(p, (u32(*)(const u64 *, u64 *))(uintptr_t)oracle, map, prog, n);
	close(prog);
	if (bad)
		show(p, v, &code);
	return bad;
}

static u32 running_kernel(void)
{
	struct utsname u;
	u32 major = 5, minor = 10;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	return KERNEL(major, minor);
}

static int batch(const char *dir, int map, u64 seed, u32 count, struct counts *n)
{
	const struct variant variants[] = {{"for 5.10", KERNEL(5, 10), true},
					   {"for this kernel", running_kernel(), true},
					   {"without passes", running_kernel(), false},
					   {"without passes, for 5.10", KERNEL(5, 10), false}};
	struct arena arena = {0};
	struct program **programs = arena_array(&arena, struct program *, count);
	struct buf c = {0};
	void *lib = NULL;
	int bad = 0;

	buf_puts(&c, prologue);
	for (u32 k = 0; k < count; k++) {
		programs[k] = make_program(&arena, seed + k);
		c_of_program(&c, programs[k], k);
	}
	bad = write_and_compile(dir, &c, &lib);
	buf_free(&c);
	for (u32 k = 0; k < count && !bad; k++) {
		char name[32];

		snprintf(name, sizeof(name), "p%u", k);
		n->programs++;
		for (u32 v = 0; v < ARRAY_SIZE(variants) && !bad; v++)
			bad = one_variant(programs[k], &variants[v], dlsym(lib, name), map, n);
	}
	if (lib)
		dlclose(lib);
	arena_free(&arena);
	return bad;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/exprfuzz.XXXXXX", cmd[64];
	u64 seed = 1;
	u32 total = 2000;
	struct counts n = {0};
	int opt, map, bad = 0;

	while ((opt = getopt(argc, argv, "n:s:")) != -1) {
		if (opt == 'n')
			total = (u32)strtoul(optarg, NULL, 0);
		else if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	map = kr_map(sizeof(struct values));
	if (map < 0) {
		printf("skip expressions: no right to use bpf(2): %s\n", strerror(-map));
		return 0;
	}
	if (!mkdtemp(dir))
		return 2;
	for (u32 done = 0; done < total && !bad; done += BATCH) {
		u32 count = MIN(total - done, BATCH);
		u64 last = seed + done + count - 1;

		bad = batch(dir, map, seed + done, count, &n);
		printf("%s expressions, programs %llu to %llu%s\n", bad ? "not ok" : "ok",
		       (unsigned long long)last - (count - 1), (unsigned long long)last,
		       bad ? ": see above; the seed is printed there" : "");
		fflush(stdout);
	}
	fprintf(stderr,
		"# %u programs, %u runs, %u instructions, %u spilled, %u too slow to verify\n",
		n.programs, n.runs, n.insns, n.spilled, n.slow);
	snprintf(cmd, sizeof(cmd), "rmdir %s", dir);
	return system(cmd) || bad ? 1 : 0;
}
