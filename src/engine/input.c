/* input.c: the table of input.h. Numbers: include/uapi/linux/bpf.h and pkt_cls.h of Linux. */
#include "engine/input.h"

static const char *const xdp[] = {"XDP_ABORTED", "XDP_DROP",     "XDP_PASS",
				  "XDP_TX",      "XDP_REDIRECT", NULL};
static const char *const tc[] = {
	"TC_ACT_OK",     "TC_ACT_RECLASSIFY", "TC_ACT_SHOT",     "TC_ACT_PIPE", "TC_ACT_STOLEN",
	"TC_ACT_QUEUED", "TC_ACT_REPEAT",     "TC_ACT_REDIRECT", "TC_ACT_TRAP", NULL};
static const char *const pass[] = {"drop", "pass", NULL};

static const struct input_kind kinds[] = {
	[PROG_SOCKET_FILTER] = {INPUT_PACKET, true, 0, NULL},
	[PROG_SCHED_CLS] = {INPUT_FRAME, true, 0, tc},
	[PROG_SCHED_ACT] = {INPUT_FRAME, true, 0, tc},
	[PROG_XDP] = {INPUT_XDP, true, 0, xdp},
	[PROG_CGROUP_SKB] = {INPUT_PACKET, true, 0, pass},
	[PROG_LWT_IN] = {INPUT_PACKET, true, 0, NULL},
	[PROG_LWT_OUT] = {INPUT_PACKET, true, 0, NULL},
	[PROG_LWT_XMIT] = {INPUT_PACKET, true, 0, NULL},
	[PROG_LWT_SEG6LOCAL] = {INPUT_PACKET, true, 0, NULL},
	[PROG_RAW_TRACEPOINT] = {INPUT_CTX, true, 96, NULL},
	[PROG_SYSCALL] = {INPUT_CTX, true, 0, NULL},
	[PROG_SK_LOOKUP] = {INPUT_CTX, true, 72, NULL},
	[PROG_NETFILTER] = {INPUT_CTX, false, 32, NULL},
};
static const struct input_kind other = {INPUT_CTX, false, 512, NULL};

const struct input_kind *input_kind(u32 kind)
{
	return kind < ARRAY_SIZE(kinds) && (kinds[kind].kernel || kinds[kind].ctx_size)
		       ? &kinds[kind]
		       : &other;
}

const char *input_verdict(u32 kind, u64 result)
{
	const char *const *names = input_kind(kind)->verdicts;

	if (names == tc && (u32)result == UINT32_MAX)
		return "TC_ACT_UNSPEC";
	for (u64 i = 0; names && names[i]; i++)
		if (i == result)
			return names[i];
	return NULL;
}
