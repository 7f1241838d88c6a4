/*
 * test_isa.c: the tables of the instruction set, and the disassembler against the kernel's own
 * text.
 *
 * One program that holds every operation which a socket filter may use is loaded with a verbose
 * verifier log; each line of that log must be what isa_dis() writes. Without the right to load
 * programs that test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "isa/isa.h"

#define NONE ((struct insn){0, 0, 0, 0, 0})

static void check_text(struct insn a, struct insn b, u32 pc, const char *want, int slots)
{
	struct buf out = {0};

	assert_int_equal(isa_dis(&out, &a, &b, pc), slots);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void forms_are_written_like_the_kernel(void **state)
{
	static const struct {
		struct insn a, b;
		const char *text;
		int slots;
	} rows[] = {
		{{0xb7, 1, 0, 0, -5}, {0}, "r1 = -5", 1},
		{{0x0c, 1, 2, 0, 0}, {0}, "w1 += w2", 1},
		{{0xc7, 3, 0, 0, 4}, {0}, "r3 s>>= 4", 1},
		{{0x3f, 3, 4, 1, 0}, {0}, "r3 s/= r4", 1},
		{{0x94, 3, 0, 1, 7}, {0}, "w3 s%= 7", 1},
		{{0xbf, 3, 4, 8, 0}, {0}, "r3 = (s8)r4", 1},
		{{0xbc, 3, 4, 16, 0}, {0}, "w3 = (s16)w4", 1},
		{{0x87, 3, 0, 0, 0}, {0}, "r3 = -r3", 1},
		{{0xdc, 3, 0, 0, 32}, {0}, "r3 = be32 r3", 1},
		{{0xd7, 3, 0, 0, 64}, {0}, "r3 = bswap64 r3", 1},
		{{0xbf, 3, 4, 1, 1 << 16}, {0}, "r3 = addr_space_cast(r4, 1, 0)", 1},
		{{0x79, 1, 2, 8, 0}, {0}, "r1 = *(u64 *)(r2 +8)", 1},
		{{0x89, 1, 10, -2, 0}, {0}, "r1 = *(s16 *)(r10 -2)", 1},
		{{0x62, 10, 0, -4, 9}, {0}, "*(u32 *)(r10 -4) = 9", 1},
		{{0x73, 10, 1, -1, 0}, {0}, "*(u8 *)(r10 -1) = r1", 1},
		{{0xdb, 10, 1, -8, 0x50}, {0}, "lock *(u64 *)(r10 -8) &= r1", 1},
		{{0xc3, 10, 1, -8, 0x41}, {0}, "r1 = atomic_fetch_or((u32 *)(r10 -8), r1)", 1},
		{{0xdb, 10, 1, -8, 0xe1}, {0}, "r1 = atomic64_xchg((u64 *)(r10 -8), r1)", 1},
		{{0xc3, 10, 1, 0, 0xf1}, {0}, "r0 = atomic_cmpxchg((u32 *)(r10 +0), r0, r1)", 1},
		{{0xd3, 2, 10, -8, 0x100}, {0}, "r2 = load_acquire((u8 *)(r10 -8))", 1},
		{{0xdb, 10, 2, -8, 0x110}, {0}, "store_release((u64 *)(r10 -8), r2)", 1},
		{{0x28, 0, 0, 0, 12}, {0}, "r0 = *(u16 *)skb[12]", 1},
		{{0x50, 0, 3, 0, 1}, {0}, "r0 = *(u8 *)skb[r3 + 1]", 1},
		{{0x05, 0, 0, -3, 0}, {0}, "goto pc-3 <3>", 1},
		{{0x06, 0, 0, 0, 70000}, {0}, "gotol pc+70000 <70006>", 1},
		{{0xe5, 0, 0, 2, 0}, {0}, "may_goto pc+2 <8>", 1},
		{{0x56, 1, 0, 3, -1}, {0}, "if w1 != 0xffffffff goto pc+3 <9>", 1},
		{{0x6d, 1, 2, 0, 0}, {0}, "if r1 s> r2 goto pc+0 <6>", 1},
		{{0x4d, 1, 2, 0, 0}, {0}, "if r1 & r2 goto pc+0 <6>", 1},
		{{0x85, 0, 0, 0, 114}, {0}, "call bpf_probe_read_user_str#114", 1},
		{{0x85, 0, 0, 0, 9999}, {0}, "call unknown#9999", 1},
		{{0x85, 0, 1, 0, -2}, {0}, "call pc-2 <4>", 1},
		{{0x85, 0, 2, 1, 77}, {0}, "call kernel-function#77@1", 1},
		{{0x85, 0, 2, 0, 77}, {0}, "call kernel-function#77", 1},
		{{0x95, 0, 0, 0, 0}, {0}, "exit", 1},
		{{0x18, 1, 0, 0, -1}, {0, 0, 0, 0, 1}, "r1 = 0x1ffffffff", 2},
		{{0x18, 1, 1, 0, 5}, {0}, "r1 = map[fd:5]", 2},
		{{0x18, 1, 2, 0, 5}, {0, 0, 0, 0, 16}, "r1 = map[fd:5][0]+16", 2},
		{{0x18, 1, 3, 0, 42}, {0}, "r1 = btf[id:42]", 2},
		{{0x18, 1, 3, 0, 42}, {0, 0, 0, 0, 7}, "r1 = btf[id:42]+7", 2},
		{{0x18, 1, 4, 0, 3}, {0}, "r1 = subprog[+3] <9>", 2},
		{{0x18, 1, 5, 0, 0}, {0}, "r1 = map[idx:0]", 2},
		{{0x18, 1, 6, 0, 0}, {0, 0, 0, 0, 4}, "r1 = map[idx:0][0]+4", 2},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		check_text(rows[i].a, rows[i].b, 5, rows[i].text, rows[i].slots);
}

static void what_is_no_instruction_is_refused(void **state)
{
	static const struct insn bad[] = {
		{0x00, 0, 0, 0, 0},     /* no such code */
		{0xbf, 1, 2, 7, 0},     /* movsx of seven bits */
		{0xb7, 1, 2, 0, 0},     /* mov of an immediate with a source register */
		{0xbf, 1, 2, 0, 3},     /* mov of a register with an immediate */
		{0x07, 11, 0, 0, 0},    /* r11 */
		{0xdb, 10, 1, 0, 0xe0}, /* xchg without fetch */
		{0x95, 1, 0, 0, 0},     /* exit of a register */
		{0xdc, 1, 0, 0, 8},     /* swap of one byte */
		{0x18, 1, 7, 0, 0},     /* unknown kind of 64-bit immediate */
		{0xcb, 10, 1, 0, 0},    /* 16-bit atomic add */
	};
	struct insn half = {0x18, 1, 0, 0, 0}, odd = {0x18, 0, 0, 0, 0};
	struct buf out = {0};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(isa_op(&bad[i]));
		assert_int_equal(isa_dis(&out, &bad[i], &NONE, 0), 0);
	}
	assert_int_equal(isa_dis(&out, &half, NULL, 0), 0);
	assert_int_equal(isa_dis(&out, &half, &odd, 0), 0);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* An instruction of each row, as the row itself asks for it. */
static struct insn example(const struct isa_op *op)
{
	return (struct insn){
		.code = op->code,
		.src = op->src == ISA_ANY ? 2 : (u8)op->src & 15,
		.off = op->off == ISA_ANY ? 0 : op->off,
		.imm = op->imm == ISA_ANY ? 3 : op->imm,
	};
}

static void each_row_is_found_again(void **state)
{
	struct buf out = {0};

	(void)state;
	for (u32 id = 1; id < ISA_OPS; id++) {
		const struct isa_op *op = &isa_ops[id];
		struct insn in = example(op);

		assert_ptr_equal(isa_op(&in), op);
		assert_int_equal(isa_id(isa_op(&in)), id);
		out.n = 0;
		assert_true(isa_dis(&out, &in, &NONE, 0) > 0);
		for (char *p = out.p; (p = memchr(p, '%', (size_t)(out.p + out.n - p))); p++)
			assert_int_equal(p[1], '='); /* "%=", not a field left unwritten */
		assert_true(op->since >= KERNEL(3, 18) && op->since <= KERNEL(6, 18));
	}
	buf_free(&out);
}

static void every_instruction_of_any_bits_is_safe(void **state)
{
	struct buf out = {0};
	u64 x = 88172645463325252ull;
	u32 found = 0;

	(void)state;
	for (u32 i = 0; i < 200000; i++) {
		struct insn in;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(&in, &x, sizeof(in));
		in.off = i & 1 ? in.off : 0;
		in.imm = i & 2 ? in.imm : 0;
		out.n = 0;
		found += isa_dis(&out, &in, &NONE, i) > 0;
	}
	assert_true(found > 10000);
	buf_free(&out);
}

static void kinds_and_helpers_by_number_and_name(void **state)
{
	(void)state;
	assert_string_equal(helper_by_id(1)->name, "map_lookup_elem");
	assert_int_equal(HELPER_ringbuf_output, 130);
	assert_int_equal(helper_by_name("get_ns_current_pid_tgid")->id, 120);
	assert_int_equal(helper_by_name("copy_from_user")->nargs, 3);
	assert_null(helper_by_name("no_such_helper"));
	assert_null(helper_by_id(0));
	assert_null(helper_by_id(212));
	for (u32 id = 1; id <= 211; id++) {
		const struct helper *h = helper_by_id(id);

		assert_non_null(h);
		assert_int_equal(h->id, id);
		assert_ptr_equal(helper_by_name(h->name), h);
		assert_true(h->nargs <= 5);
		assert_true(id == 1 || helper_by_id(id - 1)->since <= h->since);
	}
	assert_string_equal(map_kind(MAP_RINGBUF)->name, "ringbuf");
	assert_true(map_kind(MAP_LRU_PERCPU_HASH)->per_cpu);
	assert_null(map_kind(0));
	assert_null(map_kind(34));
	for (u32 id = 1; id <= 33; id++)
		assert_int_equal(map_kind(id)->id, id);
	assert_string_equal(prog_kind(PROG_TRACEPOINT)->name, "tracepoint");
	assert_null(prog_kind(33));
	for (u32 id = 1; id <= 32; id++)
		assert_int_equal(prog_kind(id)->id, id);
}

/* ---- the kernel's own text */

struct program {
	struct insn v[2048];
	u32 n;
	bool has[ISA_OPS];
};

static void put(struct program *p, u8 code, u32 dst, u32 src, s16 off, s32 imm)
{
	p->v[p->n++] = (struct insn){code, (u8)(dst & 15), (u8)(src & 15), off, imm};
}

static u32 running_kernel(void)
{
	struct utsname u;
	u32 a = 0, b = 0;

	uname(&u);
	assert_int_equal(sscanf(u.release, "%u.%u", &a, &b), 2);
	return KERNEL(a, b);
}

/* Wants what a socket filter without maps cannot have: an arena, a map, BTF; calls are apart. */
static bool left_out(const struct isa_op *op)
{
	u32 id = isa_id(op);

	return id == ISA_addr_space_cast || id == ISA_call_kfunc || id == ISA_call_local ||
	       id == ISA_exit || (op->form == FORM_LD_IMM64 && op->src);
}

static void put_example(struct program *p, const struct isa_op *op)
{
	struct insn in = example(op);

	/* registers with known contents: r1 a number, r2 a number, r0 a number */
	put(p, 0xb7, 0, 0, 0, 8);
	put(p, 0xb7, 1, 0, 0, 12);
	put(p, 0xb7, 2, 0, 0, 3);
	p->has[isa_id(op)] = true;
	switch (op->form) {
	case FORM_LDX:
	case FORM_LOAD_ACQ: in.dst = 1, in.src = 10, in.off = -8; break;
	case FORM_STX:
	case FORM_ST:
	case FORM_ATOMIC:
	case FORM_FETCH:
	case FORM_CMPXCHG:
	case FORM_STORE_REL: in.dst = 10, in.off = -8; break;
	case FORM_LD_ABS:
	case FORM_LD_IND:
	case FORM_GOTOL: in.imm = 0; break;
	case FORM_JA: in.off = isa_id(op) == ISA_may_goto; break; /* not to the next, says 6.12 */
	case FORM_CALL: in.imm = HELPER_get_prandom_u32; break;
	case FORM_LD_IMM64: in.dst = 1, in.imm = 0x1234; break;
	default: in.dst = 1; break;
	}
	put(p, in.code, in.dst, in.src, in.off, in.imm);
	if (op->form == FORM_LD_IMM64)
		put(p, 0, 0, 0, 0, 77);
}

/* Everything this kernel knows, in one program; its function at the end is called once. */
static void put_program(struct program *p, u32 kernel)
{
	put(p, 0xbf, 6, 1, 0, 0);    /* r6 = ctx, as the packet loads want it */
	put(p, 0x7a, 10, 0, -8, 99); /* a slot on the stack */
	for (u32 id = 1; id < ISA_OPS; id++)
		if (!left_out(&isa_ops[id]) && isa_ops[id].since <= kernel)
			put_example(p, &isa_ops[id]);
	put(p, 0x85, 0, 1, 0, 1); /* call pc+1 */
	put(p, 0x95, 0, 0, 0, 0);
	put(p, 0xb7, 0, 0, 0, 0);
	put(p, 0x95, 0, 0, 0, 0);
}

static int load_program(const struct program *p, char *log, u32 log_size)
{
	struct {
		u32 kind, count;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
		u8 rest[64];
	} attr = {PROG_SOCKET_FILTER,     p->n, (u64)(uintptr_t)p->v,
		  (u64)(uintptr_t) "GPL", 2,    log_size,
		  (u64)(uintptr_t)log,    {0}};

	return (int)syscall(SYS_bpf, 5, &attr, sizeof(attr));
}

/* "12: (b7) r0 = 8      ; R0_w=8" -> 12 and "r0 = 8"; false for other lines. */
static bool kernel_line(char *line, u32 *pc, const char **text)
{
	char *colon, *end;

	*pc = (u32)strtoul(line, &colon, 10);
	if (colon == line || strncmp(colon, ": (", 3) != 0 || colon[5] != ')')
		return false;
	*text = colon + 7;
	end = strstr(*text, " ;");
	if (!end)
		end = colon + strlen(colon);
	while (end > *text && end[-1] == ' ')
		end--;
	*end = 0;
	return true;
}

static u32 compare_with_log(const struct program *p, char *log)
{
	struct buf out = {0};
	bool seen[2048] = {0};
	const char *text;
	u32 pc, n = 0;

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		char *target;

		if (!kernel_line(line, &pc, &text))
			continue;
		assert_true(pc < p->n);
		out.n = 0;
		assert_true(isa_dis(&out, &p->v[pc], &p->v[pc] + 1, pc) > 0);
		buf_str(&out);
		target = strrchr(out.p, ' ');
		if (target && target[1] == '<' && out.p[out.n - 1] == '>')
			*target = 0; /* the absolute target is ours */
		assert_string_equal(out.p, text);
		n += !seen[pc];
		seen[pc] = true;
	}
	buf_free(&out);
	return n;
}

static void the_verifier_writes_the_same(void **state)
{
	static struct program p;
	u32 size = 4 << 20, n, slots;
	char *log = calloc(1, size);
	int fd;

	(void)state;
	put_program(&p, running_kernel());
	fd = load_program(&p, log, size);
	if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
		free(log);
		print_message("SKIP: loading BPF programs needs CAP_BPF (or root)\n");
		skip();
		return;
	}
	if (fd < 0)
		print_error("%s: ...%s\n", strerror(errno), log + MAX(strlen(log), 500u) - 500);
	assert_true(fd >= 0);
	close(fd);
	n = compare_with_log(&p, log);
	slots = p.n - 1; /* all were visited, apart from the second half of ld_imm64 */
	assert_int_equal(n, slots);
	for (u32 id = 1; id < ISA_OPS; id++)
		assert_true(p.has[id] || left_out(&isa_ops[id]) ||
			    isa_ops[id].since > running_kernel());
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_written_like_the_kernel),
		cmocka_unit_test(what_is_no_instruction_is_refused),
		cmocka_unit_test(each_row_is_found_again),
		cmocka_unit_test(every_instruction_of_any_bits_is_safe),
		cmocka_unit_test(kinds_and_helpers_by_number_and_name),
		cmocka_unit_test(the_verifier_writes_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
