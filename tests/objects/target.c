/* target.c: what attach.bpf.c attaches to: getppid() five times, touched() seven times. */
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline)) int touched(int n);
int touched(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1;
}

int main(void)
{
	int n = 0;

	for (int i = 0; i < 5; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < 7; i++)
		n = touched(n);
	return n != 7;
}
