/*
 * vm.c: a virtual machine of a few instructions, for the tools that watch such machines.
 *
 * In:  how often it goes round, and how many vCPUs it has. In each round a vCPU writes to a port
 * and asks for CPUID; then it halts. Out: "N out, halted" for each vCPU, status 0; or what failed.
 * Only for guests that are emulated: KVM inside of some virtual machines hangs them.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE_AT 0x1000

/* loop: out %al, $0x10; cpuid; dec %esi; jnz loop; hlt. CPUID leaves %esi alone. */
static const unsigned char code[] = {0xe6, 0x10, 0x66, 0x31, 0xc0, 0x0f,
				     0xa2, 0x66, 0x4e, 0x75, 0xf5, 0xf4};

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static int run(int fd, struct kvm_run *run)
{
	unsigned out = 0;

	for (;;) {
		if (ioctl(fd, KVM_RUN, 0) < 0)
			return failed("KVM_RUN");
		if (run->exit_reason == KVM_EXIT_HLT)
			break;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x10) {
			fprintf(stderr, "exit %u\n", run->exit_reason);
			return 1;
		}
		out++;
	}
	printf("%u out, halted\n", out);
	return 0;
}

static int vcpu(int kvm, int vm, unsigned id, unsigned rounds)
{
	struct kvm_regs regs = {.rip = CODE_AT, .rsi = rounds, .rflags = 2};
	int fd = ioctl(vm, KVM_CREATE_VCPU, id), size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_sregs sregs;
	void *shared;

	if (fd < 0 || size < 0)
		return failed("KVM_CREATE_VCPU");
	shared = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED || ioctl(fd, KVM_GET_SREGS, &sregs))
		return failed("KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	if (ioctl(fd, KVM_SET_SREGS, &sregs) || ioctl(fd, KVM_SET_REGS, &regs))
		return failed("KVM_SET_REGS");
	return run(fd, shared);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 10;
	unsigned vcpus = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;
	struct kvm_userspace_memory_region region = {.guest_phys_addr = CODE_AT,
						     .memory_size = 4096};
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (kvm < 0 || memory == MAP_FAILED)
		return failed("/dev/kvm");
	memcpy(memory, code, sizeof(code));
	region.userspace_addr = (unsigned long)memory;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return failed("KVM_CREATE_VM");
	for (unsigned id = 0; id < vcpus; id++)
		if (vcpu(kvm, vm, id, rounds))
			return 1;
	return 0;
}
