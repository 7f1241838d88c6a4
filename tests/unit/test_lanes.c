/* test_lanes.c: eight packets at once: ways that become one, what is loaded, packets of which few
 * or many need a closer look. (Any programs, any packets: fuzz/lanesfuzz.c.) */
#include "../../fuzz/many.h"
#include "vm/lanes_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LDH(k)                                    \
	{                                         \
		BPF_LD | BPF_H | BPF_ABS, 0, 0, k \
	}
#define LDB(k)                                    \
	{                                         \
		BPF_LD | BPF_B | BPF_ABS, 0, 0, k \
	}
#define LDH_X(k)                                  \
	{                                         \
		BPF_LD | BPF_H | BPF_IND, 0, 0, k \
	}
#define LDX_MSH(k)                                  \
	{                                           \
		BPF_LDX | BPF_B | CBPF_MSH, 0, 0, k \
	}
#define JEQ(k, jt, jf)                               \
	{                                            \
		BPF_JMP | BPF_JEQ | BPF_K, jt, jf, k \
	}
#define JA(k)                             \
	{                                 \
		BPF_JMP | BPF_JA, 0, 0, k \
	}
#define RET(k)                            \
	{                                 \
		CBPF_RET | BPF_K, 0, 0, k \
	}

/* tcp port 80 */
static const struct cbpf_insn tcp_port[] = {
	LDH(12),
	JEQ(0x86dd, 0, 6),
	LDB(20),
	JEQ(6, 0, 15),
	LDH(54),
	JEQ(80, 12, 0),
	LDH(56),
	JEQ(80, 10, 11),
	JEQ(0x800, 0, 10),
	LDB(23),
	JEQ(6, 0, 8),
	LDH(20),
	{BPF_JMP | BPF_JSET | BPF_K, 6, 0, 0x1fff},
	LDX_MSH(14),
	LDH_X(14),
	JEQ(80, 2, 0),
	LDH_X(16),
	JEQ(80, 0, 1),
	RET(262144),
	RET(0),
};
enum { TCP_PORT = ARRAY_SIZE(tcp_port), PORT_V6 = 4, PORT_V4 = 14 };

/* Where ways lead from each instruction, as far as it matters: X is read at PORT_V4 alone. */
static void join(struct arena *a, struct cbpf_insn *in, u32 n, u32 reads_x_also)
{
	u32 *live = arena_array(a, u32, n);

	if (reads_x_also)
		live[reads_x_also] = 1u << LANE_X;
	lanes_join(a, in, n, live);
}

static void a_way_that_does_the_same(void **state)
{
	struct cbpf_insn in[TCP_PORT];
	struct arena a = {0};

	(void)state;
	memcpy(in, tcp_port, sizeof(in));
	join(&a, in, TCP_PORT, 0);
	assert_int_equal(in[PORT_V6].code, BPF_LDX | BPF_IMM);
	assert_int_equal(in[PORT_V6].k, 54 - 14);
	assert_int_equal(in[PORT_V6 + 1].code, BPF_JMP | BPF_JA);
	assert_int_equal(PORT_V6 + 2 + in[PORT_V6 + 1].k, PORT_V4);
	arena_free(&a);
}

static void ways_that_differ(void **state)
{
	static const struct {
		u32 at;
		struct cbpf_insn other;
	} others[] = {
		{7, JEQ(81, 10, 11)},        /* another number */
		{6, LDH(58)},                /* another place */
		{6, LDB(56)},                /* another size */
		{5, JEQ(80, 13, 0)},         /* another way out */
		{0, JA(PORT_V6)},            /* somebody comes past the first load */
		{PORT_V4 + 2, LDX_MSH(14)},  /* X changes */
		{PORT_V4 + 1, JEQ(80, 1, 0)} /* goes on elsewhere */
	};
	struct cbpf_insn in[TCP_PORT];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(others); i++) {
		struct arena a = {0};

		memcpy(in, tcp_port, sizeof(in));
		in[others[i].at] = others[i].other;
		join(&a, in, TCP_PORT, 0);
		assert_int_equal(in[PORT_V6].code, BPF_LD | BPF_H | BPF_ABS);
		arena_free(&a);
	}
	struct arena a = {0};

	memcpy(in, tcp_port, sizeof(in));
	join(&a, in, TCP_PORT, TCP_PORT - 2); /* X is wanted where they meet */
	assert_int_equal(in[PORT_V6].code, BPF_LD | BPF_H | BPF_ABS);
	arena_free(&a);
}

static void build(struct lanes_code *l, const struct cbpf_insn *in, u32 n)
{
	assert_int_equal(lanes_build(l, in, n), 0);
	lanes_fields(l);
}

static void what_is_loaded(void **state)
{
	static const struct cbpf_insn halves[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 26},
						  JEQ(0x0a000001, 2, 0),
						  {BPF_LD | BPF_W | BPF_ABS, 0, 0, 28},
						  JEQ(0x0a000001, 0, 1),
						  RET(1),
						  RET(0)};
	static const struct cbpf_insn masked[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 26},
						  {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff000000},
						  JEQ(0x0a000000, 0, 1),
						  RET(1),
						  RET(0)};
	struct arena a = {0};
	struct lanes_code whole = {.arena = &a}, sieve = whole, two = whole, byte = whole;
	struct cbpf_insn front[TCP_PORT];
	u32 tests = 0, joined = 0, mask, number, n;

	(void)state;
	build(&whole, tcp_port, TCP_PORT);
	assert_int_equal(whole.windows.n, 2); /* types and protocols, ports */
	assert_int_equal(whole.unknown, 0);
	memcpy(front, tcp_port, sizeof(front));
	n = lanes_sieve(&a, front, TCP_PORT);
	assert_int_equal(n, TCP_PORT - 7); /* nothing behind a port that is unknown */
	build(&sieve, front, n);
	assert_int_equal(sieve.windows.n, 1);
	assert_int_not_equal(sieve.unknown, 0);
	build(&two, halves, ARRAY_SIZE(halves));
	assert_int_equal(two.windows.n, 1);
	assert_int_equal(two.slots.n, 2); /* the second one lies in both */
	build(&byte, masked, ARRAY_SIZE(masked));
	vec_each (v, &byte.values)
		if (v->used && v->op == LANE_TEST) {
			assert_int_equal(byte.windows.v->from, 26);
			assert_true(lane_is_const(&byte, v->a, &mask) && mask == 0xff);
			assert_true(lane_is_const(&byte, v->b, &number) && number == 0x0a);
			tests++;
		}
	assert_int_equal(tests, 1);
	vec_each (v, &sieve.values) /* the protocol of IPv6; that of IPv4 and no fragment */
		joined += v->used && v->op == LANE_TEST;
	assert_int_equal(joined, 2);
	arena_free(&a);
}

/* IPv4 with TCP from a port; IPv6 has it, too, some packets are cut off, some are something else.
 */
static u32 make_packet(u8 *p, u32 i, bool tcp)
{
	const bool v6 = tcp && i % 3 == 0;

	memset(p, 0, 80);
	p[12] = v6 ? 0x86 : 8;
	p[13] = v6 ? 0xdd : 0;
	p[14] = (u8)(v6 ? 0x60 : 0x45 + i % 4);
	p[v6 ? 20 : 23] = tcp ? 6 : 17;
	p[v6 ? 55 : 14 + (p[14] & 15) * 4 + 1] = i % 2 ? 80 : 22;
	return i % 11 ? 80 : 30 + i % 40;
}

/* One packet of `each` is TCP's; several times, as the sieve remembers that they are many. */
static void few_or_many(u32 each)
{
	static struct many m;
	struct lanes *lanes;
	u8 packet[80];
	u32 where;

	if (!m.bytes)
		many_open(&m, sizeof(packet));
	many_begin(&m);
	for (u32 i = 0; i < MANY_MOST; i++) {
		const u32 n = make_packet(packet, i, each && i % each == 0);

		many_add(&m, packet, n, n);
	}
	assert_int_equal(lanes_open(&lanes, tcp_port, TCP_PORT, NULL), 0);
	assert_int_equal(lanes_are_wide(lanes), lanes_cpu());
	assert_int_equal(lanes_have_sieve(lanes), lanes_cpu());
	for (u32 n = MANY_MOST; n > MANY_MOST - 40; n--)
		assert_int_equal(many_compare(&m, lanes, tcp_port, n, &where), 0);
	for (u32 n = 0; n < 40; n++)
		assert_int_equal(many_compare(&m, lanes, tcp_port, n, &where), 0);
	lanes_close(lanes);
}

static void none_few_many_all(void **state)
{
	static const u32 each[] = {0, 100, 10, 5, 4, 3, 1};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(each); i++)
		few_or_many(each[i]);
}

/* What is unknown but never asked, or always: no sieve. */
static void no_sieve(void **state)
{
	static const struct cbpf_insn never[] = {LDH(12),      JEQ(0x800, 2, 2), LDH(90),
						 JEQ(1, 0, 1), RET(1),           RET(0)};
	static const struct cbpf_insn always[] = {
		{BPF_LDX | BPF_IMM, 0, 0, 4}, LDH_X(90), JEQ(1, 0, 1), RET(1), RET(0)};
	static const struct cbpf_insn front[] = {LDH(12), JEQ(0x800, 0, 1), RET(1), RET(0)};
	struct lanes *lanes;

	(void)state;
#define HAS_NONE(in)                                                       \
	assert_int_equal(lanes_open(&lanes, in, ARRAY_SIZE(in), NULL), 0); \
	assert_false(lanes_have_sieve(lanes));                             \
	lanes_close(lanes)
	HAS_NONE(never);
	HAS_NONE(always);
	HAS_NONE(front);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_way_that_does_the_same),
		cmocka_unit_test(ways_that_differ),
		cmocka_unit_test(what_is_loaded),
		cmocka_unit_test(none_few_many_all),
		cmocka_unit_test(no_sieve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
