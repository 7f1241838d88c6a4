/* kconfig.bpf.c: values of the kernel's configuration, and addresses of its symbols. gcc: no */
#include "common.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF __kconfig __weak;
extern char CONFIG_NET __kconfig;
extern unsigned long long CONFIG_HZ __kconfig;
extern char CONFIG_CC_VERSION_TEXT[64] __kconfig;
extern _Bool CONFIG_OF_THIS_NOBODY_HAS_HEARD __kconfig __weak;
extern const void init_task __ksym __weak;
extern const void nobody_has_this_symbol __ksym __weak;

int version, bpf, hz, missing, text, net, known;

SEC("socket") int use(struct __sk_buff *skb)
{
	version = LINUX_KERNEL_VERSION >> 16;
	bpf = CONFIG_BPF_SYSCALL + 2 * (CONFIG_BPF == TRI_YES);
	hz = CONFIG_HZ;
	net = CONFIG_NET;
	missing = CONFIG_OF_THIS_NOBODY_HAS_HEARD;
	text = CONFIG_CC_VERSION_TEXT[0] << 8 | CONFIG_CC_VERSION_TEXT[1];
	known = (&init_task != 0) + 2 * (&nobody_has_this_symbol != 0);
	return version + bpf + missing + known;
}
