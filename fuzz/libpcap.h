/* libpcap.h: libpcap as an oracle; its header gives names of ours to macros. */
#ifndef FUZZ_LIBPCAP_H
#define FUZZ_LIBPCAP_H

#include <pcap/pcap.h>

#undef BPF_LD
#undef BPF_LDX
#undef BPF_ST
#undef BPF_STX
#undef BPF_ALU
#undef BPF_JMP
#undef BPF_W
#undef BPF_H
#undef BPF_B
#undef BPF_IMM
#undef BPF_ABS
#undef BPF_IND
#undef BPF_MEM
#undef BPF_ADD
#undef BPF_SUB
#undef BPF_MUL
#undef BPF_DIV
#undef BPF_OR
#undef BPF_AND
#undef BPF_LSH
#undef BPF_RSH
#undef BPF_NEG
#undef BPF_MOD
#undef BPF_XOR
#undef BPF_JA
#undef BPF_JEQ
#undef BPF_JGT
#undef BPF_JGE
#undef BPF_JSET
#undef BPF_K
#undef BPF_X

#endif
