/*
 * cbpf.h: classic BPF: the machine of the BSD packet filter, as Linux has it.
 *
 * An accumulator A, an index X, sixteen words of memory, a packet; forward jumps alone. Operations,
 * extensions and spellings are rows of cbpf.def.
 */
#ifndef ISA_CBPF_H
#define ISA_CBPF_H

#include "base/diag.h"
#include "isa/isa.h"

struct cbpf_insn { /* struct sock_filter, struct bpf_insn of libpcap */
	u16 code;
	u8 jt, jf;
	u32 k;
};
#define CBPF_INSNS_MOST 4096
#define CBPF_WORDS      16 /* of M */

/* what eBPF has not */
enum { CBPF_RET = 0x06, CBPF_MISC = 0x07 }; /* classes */
enum { CBPF_LEN = 0x80, CBPF_MSH = 0xa0, CBPF_A = 0x10, CBPF_TAX = 0x00, CBPF_TXA = 0x80 };
/* Offsets (signed) that are not of the packet's data. */
#define CBPF_AD_OFF  (-0x1000)   /* extensions */
#define CBPF_NET_OFF (-0x100000) /* counted from the network header */
#define CBPF_LL_OFF  (-0x200000) /* counted from the link layer's header */

enum cbpf_id {
	CBPF_NONE,
#define CBPF(id, name, code, operand, way) CBPF_##id,
#include "isa/cbpf.def"
	CBPF_OPS
};
enum cbpf_way { CBPF_NEXT, CBPF_JUMP, CBPF_BRANCH, CBPF_RETURN };
struct cbpf_op {
	const char *name, *operand;
	u16 code;
	u8 way;
};
extern const struct cbpf_op cbpf_ops[CBPF_OPS];
const struct cbpf_op *cbpf_op(const struct cbpf_insn *); /* NULL: there is no such operation */
#define cbpf_id(op) ((enum cbpf_id)((op)-cbpf_ops))

enum cbpf_ancillary_id {
#define CBPF_ANCILLARY(id, number, name, others) CBPF_AD_##id = (number),
#include "isa/cbpf.def"
};
#define CBPF_AD_MOST 64
enum { CBPF_HOST, CBPF_OUTGOING = 4 }; /* what PKTTYPE says, of linux/if_packet.h */
struct cbpf_ancillary {
	const char *name, *others; /* others: with blanks between them, or NULL */
	u32 number;
};
extern const struct cbpf_ancillary cbpf_ancillaries[]; /* ends with a row without a name */
/* Of a load with an absolute offset; NULL: it is of the packet. */
const struct cbpf_ancillary *cbpf_ancillary(const struct cbpf_insn *);

struct cbpf_alias {
	const char *name, *of;
	bool swapped;
};
extern const struct cbpf_alias cbpf_aliases[]; /* ends with a row without a name */

/* A packet, for who runs a filter: interpreter and translation read it. */
struct cbpf_packet {
	u64 data;                        /* address of the first byte */
	u64 captured;                    /* bytes that are there */
	u32 len;                         /* bytes that it had on the wire */
	u32 net;                         /* offset of the network header */
	u32 room;                        /* bytes behind the captured ones that may be read */
	u32 ancillary[CBPF_AD_MOST / 4]; /* by number / 4 */
};

/* What the kernel asks of a filter before it takes it: known operations, jumps that stay inside,
 * words of M that exist and were stored on every way, no division by 0, no shift out of 32 bits,
 * `ret` at the end. 0, or -EINVAL with the instruction's number and why. */
struct cbpf_wrong {
	u32 insn;
	char text[128];
};
int cbpf_check(const struct cbpf_insn *, u32 n, struct cbpf_wrong *);

/* A program that was read. lines: of the text, for messages; 0 where there is none. */
struct cbpf_code {
	vec(struct cbpf_insn) insns;
	vec(u32) lines;
};
/* cbpf_read.c: numbers (tcpdump -ddd; also with commas between instructions), C arrays (-dd), or
 * else the notation of listings (-d) and assemblers. Does not check the program. */
int cbpf_read(struct cbpf_code *, struct arena *, const char *text, size_t size, struct diag *);
/* cbpf_asm.c: the notation alone */
int cbpf_asm(struct cbpf_code *, struct arena *, const char *text, size_t size, struct diag *);
/* The listing of tcpdump -d, extensions by their names. */
void cbpf_dis(struct buf *out, const struct cbpf_insn *, u32 pc); /* without its number */
void cbpf_listing(struct buf *out, const struct cbpf_insn *, u32 n);

#endif
