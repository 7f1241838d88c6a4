/* input.c: the table of input.h. Numbers: include/uapi/linux/bpf.h and pkt_cls.h of Linux. */
#include "engine/input.h"

static const struct input_verdict xdp[] = {
	{0, "XDP_ABORTED", FATE_DROPPED},     {1, "XDP_DROP", FATE_DROPPED},
	{2, "XDP_PASS", FATE_PASSED},         {3, "XDP_TX", FATE_REDIRECTED},
	{4, "XDP_REDIRECT", FATE_REDIRECTED}, {0}};
static const struct input_verdict tc[] = {{0, "TC_ACT_OK", FATE_PASSED},
					  {1, "TC_ACT_RECLASSIFY", FATE_PASSED},
					  {2, "TC_ACT_SHOT", FATE_DROPPED},
					  {3, "TC_ACT_PIPE", FATE_PASSED},
					  {4, "TC_ACT_STOLEN", FATE_DROPPED},
					  {5, "TC_ACT_QUEUED", FATE_DROPPED},
					  {6, "TC_ACT_REPEAT", FATE_PASSED},
					  {7, "TC_ACT_REDIRECT", FATE_REDIRECTED},
					  {8, "TC_ACT_TRAP", FATE_DROPPED},
					  {UINT32_MAX, "TC_ACT_UNSPEC", FATE_PASSED},
					  {0}};
static const struct input_verdict pass[] = {{0, "drop", FATE_DROPPED},
					    {1, "pass", FATE_PASSED},
					    {2, "drop, congestion", FATE_DROPPED},
					    {3, "pass, congestion", FATE_PASSED},
					    {0}};
static const struct input_verdict lwt[] = {{0, "BPF_OK", FATE_PASSED},
					   {2, "BPF_DROP", FATE_DROPPED},
					   {7, "BPF_REDIRECT", FATE_REDIRECTED},
					   {128, "BPF_LWT_REROUTE", FATE_REDIRECTED},
					   {0}};
static const struct input_verdict socks[] = {
	{0, "SK_DROP", FATE_DROPPED}, {1, "SK_PASS", FATE_PASSED}, {0}};
static const struct input_verdict allowed[] = {
	{0, "deny", FATE_DROPPED}, {1, "allow", FATE_PASSED}, {0}};
static const struct input_verdict netfilter[] = {
	{0, "NF_DROP", FATE_DROPPED}, {1, "NF_ACCEPT", FATE_PASSED}, {0}};
static const struct input_verdict dissected[] = {{0, "BPF_OK", FATE_PASSED},
						 {2, "BPF_DROP", FATE_DROPPED},
						 {129, "BPF_FLOW_DISSECTOR_CONTINUE", FATE_PASSED},
						 {0}};
static const struct input_verdict taken[] = {{0, "drop", FATE_DROPPED}, {0}};

static const struct input_kind kinds[] = {
	[PROG_SOCKET_FILTER] = {INPUT_PACKET, true, 0, taken, FATE_PASSED},
	[PROG_SCHED_CLS] = {INPUT_FRAME, true, 0, tc, FATE_PASSED},
	[PROG_SCHED_ACT] = {INPUT_FRAME, true, 0, tc, FATE_PASSED},
	[PROG_XDP] = {INPUT_XDP, true, 0, xdp, FATE_DROPPED},
	[PROG_CGROUP_SKB] = {INPUT_PACKET, true, 0, pass, FATE_DROPPED},
	[PROG_LWT_IN] = {INPUT_PACKET, true, 0, lwt, FATE_DROPPED},
	[PROG_LWT_OUT] = {INPUT_PACKET, true, 0, lwt, FATE_DROPPED},
	[PROG_LWT_XMIT] = {INPUT_PACKET, true, 0, lwt, FATE_DROPPED},
	[PROG_LWT_SEG6LOCAL] = {INPUT_PACKET, true, 0, lwt, FATE_DROPPED},
	[PROG_RAW_TRACEPOINT] = {INPUT_CTX, true, 96, NULL, 0},
	[PROG_SYSCALL] = {INPUT_CTX, true, 0, NULL, 0},
	[PROG_SK_LOOKUP] = {INPUT_CTX, true, 72, socks, FATE_DROPPED},
	[PROG_NETFILTER] = {INPUT_CTX, false, 32, netfilter, FATE_DROPPED},
	[PROG_FLOW_DISSECTOR] = {INPUT_CTX, false, 512, dissected, FATE_PASSED},
	[PROG_SK_SKB] = {INPUT_CTX, false, 512, socks, FATE_PASSED},
	[PROG_SK_MSG] = {INPUT_CTX, false, 512, socks, FATE_DROPPED},
	[PROG_SK_REUSEPORT] = {INPUT_CTX, false, 512, socks, FATE_DROPPED},
	[PROG_CGROUP_SOCK] = {INPUT_CTX, false, 512, allowed, FATE_PASSED},
	[PROG_CGROUP_SOCK_ADDR] = {INPUT_CTX, false, 512, allowed, FATE_PASSED},
	[PROG_CGROUP_DEVICE] = {INPUT_CTX, false, 512, allowed, FATE_PASSED},
	[PROG_CGROUP_SYSCTL] = {INPUT_CTX, false, 512, allowed, FATE_PASSED},
	[PROG_CGROUP_SOCKOPT] = {INPUT_CTX, false, 512, allowed, FATE_PASSED},
};
static const struct input_kind other = {INPUT_CTX, false, 512, NULL, 0};

const struct input_kind *input_kind(u32 kind)
{
	return kind < ARRAY_SIZE(kinds) && (kinds[kind].kernel || kinds[kind].ctx_size)
		       ? &kinds[kind]
		       : &other;
}

static const struct input_verdict *verdict_of(u32 kind, u64 result)
{
	const struct input_verdict *v = input_kind(kind)->verdicts;

	while (v && v->name && v->value != (u32)result)
		v++;
	return v && v->name ? v : NULL;
}

const char *input_verdict(u32 kind, u64 result)
{
	const struct input_verdict *v = verdict_of(kind, result);

	return v ? v->name : NULL;
}

enum input_fate input_fate(u32 kind, u64 result)
{
	const struct input_verdict *v = verdict_of(kind, result);

	return v ? v->fate : input_kind(kind)->other;
}

/* How many bytes of the packet are taken: that is one verdict. */
const char *input_otherwise(u32 kind)
{
	return kind == PROG_SOCKET_FILTER ? "take" : input_kind(kind)->verdicts ? "other" : "any";
}

bool input_sized(u32 kind)
{
	const u8 input = input_kind(kind)->input;

	return input == INPUT_FRAME || input == INPUT_PACKET || kind == PROG_SK_SKB;
}
