/*
 * insnfuzz.c: any instructions against the machine with all its checks (libFuzzer; see one.h).
 *
 * In:  bytes. The first says how they are read: as they are, or so that most are instructions. Out:
 *      nothing; what a program does may only harm itself, and the interpreter and the compiler must
 *      agree on what it returned, what it wrote, or where and why it stopped.
 */
#include "one.h"

#include "vm/inside.h"

#include <errno.h>

#define INSNS_MOST   64
#define MEMORY_BYTES 192 /* enough to be the context of a packet */
#define ROOM_BYTES   128
#define BUDGET       5000

/* ---- programs */

static u32 read_raw(struct insn *to, const uint8_t *data, size_t size)
{
	u32 n = (u32)MIN(size / sizeof(*to), INSNS_MOST);

	memcpy(to, data, n * sizeof(*to));
	return n;
}

/* Helpers whose results depend on their arguments alone, and others. */
static const u32 same_helpers[] = {
	HELPER_get_numa_node_id, HELPER_csum_diff,       HELPER_strncmp,
	HELPER_strtol,           HELPER_map_lookup_elem, HELPER_loop,
	HELPER_skb_load_bytes,   HELPER_skb_store_bytes, HELPER_skb_adjust_room,
	HELPER_skb_vlan_push,    HELPER_skb_vlan_pop,    HELPER_l4_csum_replace,
	HELPER_skb_change_tail};

static s32 field(s32 fixed, s32 any)
{
	return fixed == ISA_ANY ? any : fixed;
}

/* Makes an operation of any eight bytes. */
static u32 guide(struct insn *to, const struct insn *from, u32 at, u32 n)
{
	const struct isa_op *op = &isa_ops[1 + from->code % (ISA_OPS - 1)];
	struct insn in = {.code = op->code, .dst = from->dst % 11, .src = from->src % 11};
	s32 jump = (s32)((u16)from->off % n) - (s32)at - 1;

	in.off = (s16)field(op->off, from->off % 80);
	in.imm = field(op->imm, from->imm);
	if (op->src != ISA_ANY)
		in.src = (u8)op->src & 15;
	switch (op->form) {
	case FORM_JA:
	case FORM_JMP_K:
	case FORM_JMP_X: in.off = (s16)jump; break;
	case FORM_GOTOL:
	case FORM_CALL_LOCAL: in.imm = jump; break;
	case FORM_CALL:
		in.imm = (s32)same_helpers[(u32)from->imm % ARRAY_SIZE(same_helpers)];
		if (from->imm & 0x1000)
			in.imm = from->imm >> 16 & 0xff;
		break;
	}
	if (op->form == FORM_JA || op->form == FORM_GOTOL || op->form == FORM_CALL ||
	    op->form == FORM_CALL_LOCAL || op->form == FORM_EXIT || op->form == FORM_LD_ABS ||
	    op->form == FORM_LD_IND || op->form == FORM_CALL_KFUNC)
		in.dst = 0;
	*to = in;
	if (op->form != FORM_LD_IMM64)
		return 1;
	if (op->src == BPF_PSEUDO_FUNC)
		to->imm = jump;
	else
		to->src = 0;
	to[1] = (struct insn){.imm = from->off};
	return 2;
}

static u32 read_guided(struct insn *to, const uint8_t *data, size_t size)
{
	u32 n = (u32)MIN(size / sizeof(*to), INSNS_MOST - 2), at = 0;

	for (u32 i = 0; i < n && at < INSNS_MOST - 2; i++) {
		struct insn in;

		memcpy(&in, data + i * sizeof(in), sizeof(in));
		at += guide(&to[at], &in, at, n);
	}
	to[at] = (struct insn){.code = BPF_JMP | BPF_EXIT};
	return at + 1;
}

/* Whether running it twice must give the same. */
static bool repeatable(const struct insn *insns, u32 n)
{
	for (u32 at = 0; at < n; at++) {
		bool same = insns[at].code != (BPF_JMP | BPF_CALL) || insns[at].src;

		for (u32 i = 0; !same && i < ARRAY_SIZE(same_helpers); i++)
			same = insns[at].imm == (s32)same_helpers[i];
		if (!same)
			return false;
	}
	return true;
}

/* ---- runs */

/* What helpers must not do to us. */
static int no_write(struct vm_run *run, u64 to, const void *from, u32 size)
{
	(void)run, (void)to, (void)from, (void)size;
	return -EFAULT;
}

static int no_signal(struct vm_run *run, u32 sig, bool thread)
{
	(void)run, (void)sig, (void)thread;
	return -EOPNOTSUPP;
}

static void no_print(struct vm_run *run, const char *text, size_t len)
{
	(void)run, (void)text, (void)len;
}

struct result {
	struct vm_fault fault;
	u64 r0;
	u8 memory[MEMORY_BYTES], room[ROOM_BYTES], stack[VM_FRAMES * VM_FRAME_BYTES];
};

/* Both ways have one stack and one memory, so that addresses are equal, too. */
static u8 memory[MEMORY_BYTES], room[ROOM_BYTES],
	stack[VM_FRAMES * VM_FRAME_BYTES] __attribute__((aligned(16)));

static void use_stack(struct vm_run *run, u8 *to)
{
	vm_take_back(run, (u64)(uintptr_t)run->stack);
	free(run->stack);
	run->stack = to;
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)to,
					.size = sizeof(stack),
					.kind = VM_STACK,
					.writable = true});
}

static bool run_way(const struct insn *insns, u32 n, const struct vm_opts *opts, struct result *out)
{
	static const struct vm_host host = {
		.write_user = no_write, .send_signal = no_signal, .printk = no_print};
	struct diag diag = {0};
	struct buf why = {0};
	struct vm *vm;
	struct vm_run *run;

	if (vm_open_code(&vm, insns, n, opts, &diag))
		return false;
	CHECK(!vm_run_open(&run, vm, &host, NULL, 0));
	memset(stack, 0, sizeof(stack));
	for (u32 i = 0; i < MEMORY_BYTES; i++)
		memory[i] = (u8)(i * 37);
	use_stack(run, stack);
	vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)memory,
					.size = MEMORY_BYTES,
					.kind = VM_MEMORY,
					.writable = true});
	run->packet = run->packet_meta = (u64)(uintptr_t)room + 32;
	run->packet_end = run->packet + 64;
	run->packet_room = (u64)(uintptr_t)room;
	run->packet_room_end = run->packet_room + ROOM_BYTES;
	for (u32 i = 0; i < ROOM_BYTES; i++)
		room[i] = (u8)(i * 59);
	vm_lend(run,
		(struct vm_region){
			.start = run->packet, .size = 64, .kind = VM_PACKET, .writable = true});
	out->r0 = 0;
	if (vm_call(run, 0, (u64)(uintptr_t)memory, run->packet, &out->r0)) {
		CHECK(run->fault.kind);
		vm_fault_print(&why, run);
		CHECK(why.n);
		out->r0 = 0;
	}
	out->fault = run->fault;
	memcpy(out->memory, memory, sizeof(memory));
	memcpy(out->room, room, sizeof(room));
	memcpy(out->stack, stack, sizeof(stack));
	run->stack = NULL;
	vm_run_close(run);
	vm_close(vm);
	buf_free(&why);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vm_opts ways[] = {{.budget = BUDGET, .interpret = true},
					      {.budget = BUDGET},
					      {.budget = BUDGET, .blind = true}};
	static struct result first, other;
	struct insn insns[INSNS_MOST];
	u32 n;

	if (!size)
		return 0;
	n = (data[0] & 7) ? read_guided(insns, data + 1, size - 1)
			  : read_raw(insns, data + 1, size - 1);
	if (!run_way(insns, n, &ways[0], &first))
		return 0;
	for (u32 i = 1; i < ARRAY_SIZE(ways); i++) {
		CHECK(run_way(insns, n, &ways[i], &other));
		/* what is counted against the budget differs */
		if (!repeatable(insns, n) || first.fault.kind == VM_OUT_OF_BUDGET ||
		    other.fault.kind == VM_OUT_OF_BUDGET)
			continue;
		CHECK(first.fault.kind == other.fault.kind);
		CHECK(first.fault.insn == other.fault.insn);
		CHECK(first.r0 == other.r0);
		CHECK(!memcmp(first.memory, other.memory, sizeof(first.memory)));
		CHECK(!memcmp(first.room, other.room, sizeof(first.room)));
		CHECK(!memcmp(first.stack, other.stack, sizeof(first.stack)));
	}
	return 0;
}
