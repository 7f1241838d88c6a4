/* waits.c: what ticks.bpf.c attaches to: calls getppid() until SIGUSR1 comes, or twenty seconds
 * have passed; in between it calls nothing that is looked at. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void on_signal(int sig)
{
	told = sig;
}

int main(void)
{
	const struct timespec nap = {.tv_nsec = 5000000};

	signal(SIGUSR1, on_signal);
	for (int i = 0; i < 4000 && !told; i++) {
		syscall(SYS_getppid);
		nanosleep(&nap, NULL);
	}
	return !told;
}
