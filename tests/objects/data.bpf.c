/* data.bpf.c: global data in several sections, and constants. */
#include "common.h"



int zero, zeroes[5];
int start = 7;
static long hidden = -5;
const volatile int limit = 100;
const volatile char words[3][8] = {"one", "two", "three"};
int extra SEC(".data.extra") = 21;
const volatile unsigned fixed SEC(".rodata.fixed") = 0xdeadbeef;
struct {
	short a;
	char b[3];
	unsigned long long c;
} record = {-2, {1, 2, 3}, 1ull << 63};

SEC("socket") int use(struct __sk_buff *skb)
{
	char text[] = "a text on the stack that is long enough to be in rodata";
	int sum = 0;

	for (int i = 0; i < 3; i++)
		sum += words[i][i];
	zeroes[2] += start;
	zeroes[4] = limit;
	zero -= 1;
	hidden *= 3;
	extra++;
	record.a--;
	record.b[1] ^= 0x55;
	record.c >>= 1;
	start = text[sum & 31] + (fixed >> 16);
	return sum + (int)hidden + zeroes[2] + limit;
}
