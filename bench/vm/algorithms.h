/*
 * algorithms.h: eight programs, written once: gcc compiles them for this machine, clang for BPF, as
 * functions of a piece of memory for the machine in user space and as XDP programs for the kernel.
 *
 * Loops are such that the kernel's verifier follows them to their end. Each result depends on the
 * memory, so that no compiler works it out beforehand.
 */
#ifndef BENCH_VM_ALGORITHMS_H
#define BENCH_VM_ALGORITHMS_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define MEMORY_BYTES 1500
#define PACKETS      16 /* of PACKET_BYTES, at the start of the memory */
#define PACKET_BYTES 64
#define INLINE       static inline __attribute__((always_inline))
#if defined(__bpf__)
#define ALONE       static __attribute__((noinline, section(CALLS_SECTION)))
#define NUMA_NODE() ((u64(*)(void))42)() /* bpf_get_numa_node_id() */
#else
#define ALONE       static __attribute__((noipa))
u64 native_numa_node(void);
#define NUMA_NODE() native_numa_node()
#endif

INLINE u64 run_xorshift(const u8 *m)
{
	u64 x = *(const u64 *)m | 1, sum = 0;

	for (u32 i = 0; i < 10000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x & 0xffff;
	}
	return sum;
}

INLINE u64 run_primes(const u8 *m)
{
	u32 count = m[0] & 1;

	for (u32 n = 3; n < 3000; n += 2) {
		u32 prime = 1;

		for (u32 d = 3; d * d <= n; d += 2)
			if (n % d == 0) {
				prime = 0;
				break;
			}
		count += prime;
	}
	return count;
}

INLINE u64 run_fnv(const u8 *m)
{
	u64 hash = 0xcbf29ce484222325ull;

	for (u32 i = 0; i < 1024; i++)
		hash = (hash ^ m[i]) * 0x100000001b3ull;
	return hash;
}

INLINE u64 run_checksum(const u8 *m)
{
	u64 sum = 0;

	for (u32 i = 0; i < 1480; i += 2)
		sum += *(const u16 *)(m + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

INLINE u64 run_histogram(const u8 *m)
{
	u32 bucket[64];
	u64 sum = 0;

	__builtin_memset(bucket, 0, sizeof(bucket));
	for (u32 i = 0; i < 1024; i++)
		bucket[m[i] & 63]++;
	for (u32 i = 0; i < 64; i++)
		sum = sum * 31 + bucket[i];
	return sum;
}

INLINE u16 be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

/* Ethernet, up to two VLAN tags, IPv4 with options, TCP or UDP: a flow's hash. The kernel wants to
 * see the end asked for once the distance is not constant. */
INLINE u64 parse(const u8 *m, const u8 *end)
{
	const u8 *p = m + 12, *l4;
	u32 proto = be16(p), vlan = 0, words, hash;

	p += 2;
	for (u32 i = 0; i < 2; i++)
		if (proto == 0x8100 || proto == 0x88a8) {
			vlan = vlan << 12 | (be16(p) & 0xfff);
			proto = be16(p + 2);
			p += 4;
		}
	if (proto != 0x800 || p[0] >> 4 != 4)
		return 1;
	words = p[0] & 15;
	if (words < 5)
		return 2;
	l4 = p + words * 4;
	if (l4 + 20 > end)
		return 3;
	hash = vlan ^ *(const u32 *)(p + 12) ^ *(const u32 *)(p + 16);
	hash = hash * 31 + p[9];
	if (p[9] == 6)
		return hash * 31 + be16(l4) * 7 + be16(l4 + 2) + (l4[13] & 2);
	if (p[9] == 17)
		return hash * 31 + be16(l4) * 7 + be16(l4 + 2) + be16(l4 + 4);
	return hash;
}

INLINE u64 parse_all(const u8 *m, const u8 *end)
{
	u64 sum = 0;

	for (u32 i = 0; i < PACKETS; i++)
		sum += parse(m + i * PACKET_BYTES, end);
	return sum;
}

/* Defined last, by CALLED: a BPF program begins with its entry. */
ALONE u64 called(u64 a, u64 b);
#define CALLED                                 \
	ALONE u64 called(u64 a, u64 b)         \
	{                                      \
		return (a ^ b) + (a << 3) + 1; \
	}

INLINE u64 run_calls(const u8 *m)
{
	u64 sum = m[0];

	for (u32 i = 0; i < 1000; i++)
		sum = called(sum, i);
	return sum;
}

INLINE u64 run_helpers(const u8 *m)
{
	u64 sum = m[0];

	for (u32 i = 0; i < 1000; i++)
		sum += NUMA_NODE() + i;
	return sum;
}

/* The others do not ask for the end. */
#define run_parse(m) parse_all(m, end)
#define ALGORITHMS(X) \
	X(xorshift) X(primes) X(fnv) X(checksum) X(histogram) X(parse) X(calls) X(helpers)

#endif
