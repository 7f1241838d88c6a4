/* common.h: what the test objects share: libbpf's words, and a license. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

char LICENSE[] SEC("license") = "GPL";
