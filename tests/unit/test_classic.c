/*
 * test_classic.c: classic BPF against everybody else who runs it.
 *
 * Oracles: libpcap's bpf_filter(), bpf_validate() and its compiler, whose filters are listed by
 * bpf_image(); the kernel, by SO_ATTACH_FILTER on a pair of sockets, which says what it takes and
 * how many bytes of a packet a filter wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../fuzz/libpcap.h"

#include "filter/bpf.h"
#include "vm/classic.h"
#include "vm/vm.h"

#define PACKET 96

static u64 seed = 88172645463325252ull;

static u32 rnd(u32 n)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return (u32)(seed >> 20) % n;
}

/* ---- random filters */

/* wild: also what is not allowed */
static struct cbpf_insn random_insn(u32 pc, u32 n, bool wild)
{
	static const u32 ks[] = {0,  1,  2,  4,   12,    14,         23,         31,
				 60, 92, 95, 255, 0x800, 0x7fffffff, 0x80000000, 0xffffffff};
	const struct cbpf_op *op = &cbpf_ops[1 + rnd(CBPF_OPS - 1)];
	struct cbpf_insn in = {.code = op->code};
	enum cbpf_id id = cbpf_id(op);
	u32 room = n - pc - 1;

	in.k = rnd(3) ? ks[rnd(ARRAY_SIZE(ks))] : rnd(PACKET + 8);
	if ((in.code & 7) <= BPF_LDX && (in.code & 0xe0) != BPF_IMM)
		in.k = rnd(8) ? rnd(PACKET) : in.k;
	if (id == CBPF_ld_mem || id == CBPF_ldx_mem || id == CBPF_st || id == CBPF_stx)
		in.k = rnd(4);
	if (id == CBPF_lsh_k || id == CBPF_rsh_k)
		in.k = rnd(32);
	if ((id == CBPF_div_k || id == CBPF_mod_k) && !in.k)
		in.k = 7;
	if (op->way == CBPF_BRANCH) {
		in.jt = (u8)rnd(MIN(room, 5) + wild);
		in.jf = (u8)rnd(MIN(room, 5) + wild);
	} else if (op->way == CBPF_JUMP) {
		in.k = rnd(MIN(room, 4) + wild);
	}
	if (wild && !rnd(6))
		in.k = ks[rnd(ARRAY_SIZE(ks))];
	if (wild && !rnd(12))
		in.code = (u16)rnd(512);
	return in;
}

/* Starts with packet contents in A and X, so that something is computed. */
static u32 random_filter(struct cbpf_insn *out, bool wild)
{
	u32 n = 6 + rnd(18);

	out[0] = (struct cbpf_insn){BPF_LDX | BPF_B | CBPF_MSH, 0, 0, rnd(PACKET)};
	out[1] = (struct cbpf_insn){BPF_LD | BPF_H | BPF_ABS, 0, 0, rnd(PACKET - 1)};
	out[2] = (struct cbpf_insn){BPF_ST, 0, 0, rnd(4)};
	for (u32 pc = 3; pc + 1 < n; pc++)
		do
			out[pc] = random_insn(pc, n, wild);
		while (!wild && cbpf_op(&out[pc])->way == CBPF_RETURN && rnd(8));
	out[n - 1] = rnd(3) ? (struct cbpf_insn){CBPF_RET | CBPF_A, 0, 0, 0}
			    : (struct cbpf_insn){CBPF_RET | BPF_K, 0, 0, rnd(200)};
	if (wild && !rnd(8))
		out[n - 1] = random_insn(n - 1, n, true);
	return n;
}

static void random_packet(u8 *p)
{
	for (u32 i = 0; i < PACKET; i++)
		p[i] = rnd(3) ? (u8)rnd(256) : (u8)rnd(4);
}

static struct cbpf_packet packet_of(const u8 *bytes, u32 size)
{
	struct cbpf_packet p = {.data = (uintptr_t)bytes, .captured = size, .len = size, .net = 14};

	for (u32 i = 0; i < ARRAY_SIZE(p.ancillary); i++)
		p.ancillary[i] = i * 0x01010101u;
	return p;
}

/* ---- the translation, in the machine */

static void vm_quiet(void *user, const struct waggle_diag *d)
{
	(void)user;
	print_message("%s\n", d->text);
}

static u32 run_translated(const struct cbpf_insn *in, u32 n, const struct cbpf_packet *p,
			  bool interpret)
{
	struct vm_opts opts = {.interpret = interpret};
	struct code t = {0};
	struct diag d = {.fn = vm_quiet};
	struct arena arena = {0};
	struct vm_run *run;
	struct vm *vm;
	u64 result = 0;

	assert_int_equal(filter_program(&t, &arena, HOOK_PLAIN, in, n, KERNEL(5, 10), &d), 0);
	assert_int_equal(vm_open_code(&vm, t.insns.v, t.insns.n, &opts, &d), 0);
	assert_int_equal(vm_run_open(&run, vm, NULL, NULL, 0), 0);
	assert_true(vm_lend(
		run,
		(struct vm_region){.start = (uintptr_t)p, .size = sizeof(*p), .kind = VM_CTX}));
	assert_true(vm_lend(
		run, (struct vm_region){.start = p->data, .size = p->captured, .kind = VM_PACKET}));
	if (vm_call(run, 0, (uintptr_t)p, 0, &result)) {
		struct buf text = {0};

		vm_fault_print(&text, run);
		fail_msg("%s", buf_str(&text));
	}
	vm_run_close(run);
	vm_close(vm);
	arena_free(&arena);
	return (u32)result;
}

/* ---- libpcap */

/* What libpcap does otherwise: shifts by an X of 32 and more, extensions, negative offsets. */
static bool is_of_linux(const struct cbpf_insn *in, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u32 class = in[i].code & 7, mode = in[i].code & 0xe0;

		if (in[i].code == (BPF_ALU | BPF_LSH | BPF_X) ||
		    in[i].code == (BPF_ALU | BPF_RSH | BPF_X))
			return true;
		if (class <= BPF_LDX && (mode == BPF_ABS || mode == CBPF_MSH) && in[i].k >> 31)
			return true;
		if (class == BPF_LD && mode == BPF_IND)
			return true; /* the sum may be negative */
	}
	return false;
}

static const struct bpf_insn *as_pcap(const struct cbpf_insn *in)
{
	return (const struct bpf_insn *)(const void *)in;
}

static void dump(const struct cbpf_insn *in, u32 n)
{
	struct buf out = {0};

	cbpf_listing(&out, in, n);
	print_message("%s", buf_str(&out));
	buf_free(&out);
}

static void ways_to_run_a_filter_agree(void **state)
{
	u32 ran = 0, with_pcap = 0, wanted = 0;

	(void)state;
	while (ran < 2500) {
		struct cbpf_insn in[64];
		struct cbpf_wrong wrong;
		struct cbpf_packet p;
		u8 bytes[PACKET];
		u32 n = random_filter(in, false), result, compiled, stepped;

		if (cbpf_check(in, n, &wrong))
			continue;
		random_packet(bytes);
		p = packet_of(bytes, PACKET - rnd(8));
		for (u32 i = 0; i < n; i++) /* not translated: of netlink */
			if (cbpf_ancillary(&in[i]))
				in[i].k = (u32)CBPF_AD_OFF + CBPF_AD_XOR_X;
		result = classic_run(in, &p);
		stepped = run_translated(in, n, &p, true);
		compiled = run_translated(in, n, &p, false);
		if (result != stepped || result != compiled) {
			dump(in, n);
			fail_msg("interpreter %u, translated %u, compiled %u", result, stepped,
				 compiled);
		}
		if (!is_of_linux(in, n)) {
			u32 theirs = bpf_filter(as_pcap(in), bytes, p.len, (u32)p.captured);

			with_pcap++;
			if (theirs != result) {
				dump(in, n);
				fail_msg("we say %u, libpcap %u", result, theirs);
			}
		}
		wanted += result != 0;
		ran++;
	}
	print_message("# %u filters, %u of them by libpcap, %u wanted the packet\n", ran, with_pcap,
		      wanted);
	assert_true(with_pcap > 300 && wanted > 300);
}

/* ---- the kernel */

struct sock_prog {
	u16 n;
	const struct cbpf_insn *insns;
};

static int attach(int fd, const struct cbpf_insn *in, u32 n)
{
	struct sock_prog prog = {(u16)n, in};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static void the_kernel_takes_what_we_take(void **state)
{
	u32 taken = 0, refused = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (u32 i = 0; i < 20000; i++) {
		struct cbpf_insn in[64];
		struct cbpf_wrong wrong;
		u32 n = random_filter(in, i % 4);
		int ours = cbpf_check(in, n, &wrong), theirs = attach(pair[0], in, n);

		if ((ours == 0) != (theirs == 0)) {
			dump(in, n);
			fail_msg("we say %d (%s), the kernel %d", ours, ours ? wrong.text : "",
				 theirs);
		}
		taken += !ours;
		refused += !!ours;
	}
	close(pair[0]);
	close(pair[1]);
	print_message("# %u taken, %u refused\n", taken, refused);
	assert_true(taken > 1000 && refused > 1000);
}

/* A socket cuts a packet to what the filter wants, and drops it at 0. */
static void the_kernel_wants_the_same_bytes(void **state)
{
	u32 ran = 0, cut = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	while (ran < 3000) {
		struct cbpf_insn in[64], full[66];
		struct cbpf_wrong wrong;
		struct cbpf_packet p;
		u8 bytes[PACKET], got[PACKET];
		u32 n = random_filter(in, false), result;
		bool special = false;
		ssize_t size;

		for (u32 i = 0; i < n; i++) /* extensions, and headers that a message has not */
			special |= (in[i].code & 7) <= BPF_LDX && (in[i].code & 0xe0) != BPF_IMM &&
				   (in[i].code & 0xe0) != BPF_MEM && in[i].k >> 31;
		if (special || cbpf_check(in, n, &wrong))
			continue;
		/* A is cut to what can be seen */
		memcpy(full, in, n * sizeof(*in));
		if (in[n - 1].code == (CBPF_RET | CBPF_A)) {
			full[n - 1] = (struct cbpf_insn){BPF_ALU | BPF_AND | BPF_K, 0, 0, 63};
			full[n++] = (struct cbpf_insn){CBPF_RET | CBPF_A, 0, 0, 0};
		}
		random_packet(bytes);
		p = packet_of(bytes, PACKET);
		for (u32 i = 0; i < n; i++)
			if ((full[i].code & 7) == BPF_LD && (full[i].code & 0xe0) == BPF_IND)
				special = true;
		if (special) /* X + k may be one of the headers: they have none here */
			p.net = 0;
		result = classic_run(full, &p);
		assert_int_equal(attach(pair[0], full, n), 0);
		assert_int_equal(send(pair[1], bytes, PACKET, 0), PACKET);
		size = recv(pair[0], got, PACKET, MSG_DONTWAIT);
		size = size < 0 ? 0 : size;
		if ((u32)size != MIN(result, PACKET)) {
			dump(full, n);
			fail_msg("we want %u, the kernel gives %zd", result, size);
		}
		cut += size > 0 && size < PACKET;
		ran++;
	}
	close(pair[0]);
	close(pair[1]);
	print_message("# %u filters, %u cut their packet\n", ran, cut);
	assert_true(cut > 100);
}

/* ---- text */

static const char *const expressions[] = {
	"ip",
	"tcp",
	"tcp dst port 8080",
	"host 10.1.2.3",
	"port 80",
	"tcp and port 80 and host 1.2.3.4",
	"tcp portrange 1000-2000",
	"net 10.0.0.0/8 and not net 10.1.0.0/16",
	"ip6 host fe80::1",
	"vlan 105 and tcp port 443",
	"mpls and host 1.2.3.4",
	"tcp[tcpflags] & tcp-syn != 0",
	"tcp port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
	"icmp or arp or udp port 53",
	"ether multicast",
	"len > 100 and less 1000",
	"ip proto 47",
	"ip6 proto 6",
	"ether[0] & 1 = 0 and ip[16] >= 224",
	"greater 200",
	"tcp[0:2] % 7 = 3 or ip[2:2] * 3 > 4000",
};

static void filters_of_libpcap_come_back(void **state)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);

	(void)state;
	for (u32 e = 0; e < ARRAY_SIZE(expressions) * 2; e++) {
		struct buf ours = {0}, theirs = {0};
		struct cbpf_code code = {0};
		struct arena arena = {0};
		struct diag d = {.fn = vm_quiet};
		struct cbpf_wrong wrong;
		struct bpf_program prog;
		u8 bytes[PACKET];

		if (pcap_compile(pcap, &prog, expressions[e / 2], e % 2, PCAP_NETMASK_UNKNOWN))
			fail_msg("%s: %s", expressions[e / 2], pcap_geterr(pcap));
		for (u32 i = 0; i < prog.bf_len; i++) {
			buf_puts(&theirs, bpf_image(&prog.bf_insns[i], (int)i));
			while (theirs.p[theirs.n - 1] == ' ') /* it fills up "tax" */
				theirs.n--;
			buf_char(&theirs, '\n');
		}
		assert_int_equal(cbpf_asm(&code, &arena, buf_str(&theirs), theirs.n, &d), 0);
		assert_int_equal(code.insns.n, prog.bf_len);
		assert_memory_equal(code.insns.v, prog.bf_insns,
				    prog.bf_len * sizeof(struct cbpf_insn));
		assert_int_equal(cbpf_check(code.insns.v, code.insns.n, &wrong), 0);
		cbpf_listing(&ours, code.insns.v, code.insns.n);
		assert_string_equal(buf_str(&ours), buf_str(&theirs));
		for (u32 i = 0; i < 50; i++) {
			struct cbpf_packet p = packet_of(bytes, PACKET);
			struct pcap_pkthdr h = {.caplen = PACKET, .len = PACKET};

			random_packet(bytes);
			bytes[12] = i % 3 ? 8 : 0x86, bytes[13] = i % 3 ? 0 : 0xdd;
			bytes[23] = bytes[20] = i % 2 ? 6 : 17;
			assert_int_equal(classic_run(code.insns.v, &p),
					 pcap_offline_filter(&prog, &h, bytes));
			assert_int_equal(run_translated(code.insns.v, code.insns.n, &p, i % 2),
					 classic_run(code.insns.v, &p));
		}
		pcap_freecode(&prog);
		buf_free(&ours);
		buf_free(&theirs);
		arena_free(&arena);
	}
	pcap_close(pcap);
}

static void each_row_comes_back_as_text_and_numbers(void **state)
{
	(void)state;
	for (u32 id = 1; id < CBPF_OPS; id++)
		for (u32 i = 0; i < 40; i++) {
			struct cbpf_insn in = {.code = cbpf_ops[id].code};
			struct cbpf_code code = {0};
			struct arena arena = {0};
			struct buf text = {0};
			struct diag d = {.fn = vm_quiet};
			u8 way = cbpf_ops[id].way;

			if (strchr(cbpf_ops[id].operand, '%'))
				in.k = i < 16   ? (u32)CBPF_AD_OFF + 4 * i
				       : i < 20 ? -(i - 15)
						: rnd(~0u);
			if (way == CBPF_BRANCH)
				in.jt = (u8)rnd(256), in.jf = (u8)rnd(256);
			if (way == CBPF_JUMP)
				in.k = rnd(4000);
			cbpf_listing(&text, &in, 1);
			assert_int_equal(cbpf_read(&code, &arena, buf_str(&text), text.n, &d), 0);
			assert_int_equal(code.insns.n, 1);
			assert_memory_equal(code.insns.v, &in, sizeof(in));
			text.n = 0;
			code.insns.n = 0;
			buf_printf(&text, "{ 0x%x, %u, %u, 0x%08x },", in.code, in.jt, in.jf, in.k);
			assert_int_equal(cbpf_read(&code, &arena, buf_str(&text), text.n, &d), 0);
			assert_memory_equal(code.insns.v, &in, sizeof(in));
			text.n = 0;
			code.insns.n = 0;
			buf_printf(&text, "1,%u %u %u %u", in.code, in.jt, in.jf, in.k);
			assert_int_equal(cbpf_read(&code, &arena, buf_str(&text), text.n, &d), 0);
			assert_memory_equal(code.insns.v, &in, sizeof(in));
			buf_free(&text);
			arena_free(&arena);
		}
}

static void the_notation_of_assemblers_is_read(void **state)
{
	static const char text[] =
		"; drops all but ARP\n"
		"start: ldh [12]\n"
		"  jne #0x806, drop\n"
		"  ld vlan_tci\n  ld #proto\n  ldb [vlan_pr]\n  ld rand // any\n"
		"  ldx 4*([14]&0xf)\n  ldxi #3\n  ldi #-1\n  ld #len\n  ldx len\n"
		"  ld [%x + 14]\n  ldb [x-2]\n  add %x\n  st M[15]\n  ld m[15]\n"
		"  jlt #5, drop\n  jle x, drop, keep\n  jmp keep\n"
		"keep: ret %a\n"
		"drop: ret #0";
	static const struct cbpf_insn want[] = {
		{0x28, 0, 0, 12},         {0x15, 0, 18, 0x806},     {0x20, 0, 0, 0xfffff02c},
		{0x20, 0, 0, 0xfffff000}, {0x30, 0, 0, 0xfffff030}, {0x20, 0, 0, 0xfffff038},
		{0xb1, 0, 0, 14},         {0x01, 0, 0, 3},          {0x00, 0, 0, ~0u},
		{0x80, 0, 0, 0},          {0x81, 0, 0, 0},          {0x40, 0, 0, 14},
		{0x50, 0, 0, -2u},        {0x0c, 0, 0, 0},          {0x02, 0, 0, 15},
		{0x60, 0, 0, 15},         {0x35, 0, 3, 5},          {0x2d, 1, 2, 0},
		{0x05, 0, 0, 0},          {0x16, 0, 0, 0},          {0x06, 0, 0, 0},
	};
	struct cbpf_code code = {0};
	struct arena arena = {0};
	struct diag d = {.fn = vm_quiet};

	(void)state;
	assert_int_equal(cbpf_read(&code, &arena, text, sizeof(text) - 1, &d), 0);
	assert_int_equal(code.insns.n, ARRAY_SIZE(want));
	for (u32 i = 0; i < ARRAY_SIZE(want); i++)
		if (memcmp(&code.insns.v[i], &want[i], sizeof(*want)))
			fail_msg("instruction %u: %x %u %u %x", i, code.insns.v[i].code,
				 code.insns.v[i].jt, code.insns.v[i].jf, code.insns.v[i].k);
	arena_free(&arena);
}

static char said[256];

static void keep(void *user, const struct waggle_diag *d)
{
	(void)user;
	snprintf(said, sizeof(said), "%u:%u: %s%s%s", d->line, d->col, d->text, d->hint ? "; " : "",
		 d->hint ? d->hint : "");
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"ldq [12]", "1:1: there is no operation 'ldq'; did you mean 'ld'?"},
		{"ldh 12", "1:5: ldh does not take this: it is ldh [0], ldh [x + 0]"},
		{"ld [proto2]", "1:4: ld does not take this"},
		{"ret #0 1", "1:5: ret does not take this"},
		{"jeq #1", "1:7: here belongs where it branches to; jeq #0x800, yes, no"},
		{"x: ret a\nja x", "2:4: classic BPF jumps forward only"},
		{"ja yy\nxx:yyy: ret a", "1:4: there is no label 'yy'; did you mean 'yyy'?"},
		{"a: ret a\na: ret a", "2:1: there is a label 'a' already"},
		{"", "0:0: there is no instruction in it"},
		{"2\n6 0 0 0\n", "3:1: here belongs a number, the code"},
		{"1\n6 0 0 0\n5", "3:1: more than the 1 instructions"},
		{"1\n6 0 300 0", "2:5: jf is 255 at most"},
		{"{ 6, 0, 0 }", "1:11: here belongs a number, k"},
		{"{ 6, 0, 0, 1, 2 }", "1:13: here belongs '}'"},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cbpf_code code = {0};
		struct arena arena = {0};
		struct diag d = {.fn = keep, .text = rows[i].text, .size = strlen(rows[i].text)};

		assert_int_equal(cbpf_read(&code, &arena, rows[i].text, d.size, &d), -EINVAL);
		if (strncmp(said, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("'%s': %s", rows[i].text, said);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_to_run_a_filter_agree),
		cmocka_unit_test(the_kernel_takes_what_we_take),
		cmocka_unit_test(the_kernel_wants_the_same_bytes),
		cmocka_unit_test(filters_of_libpcap_come_back),
		cmocka_unit_test(each_row_comes_back_as_text_and_numbers),
		cmocka_unit_test(the_notation_of_assemblers_is_read),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
