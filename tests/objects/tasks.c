/* tasks.c: what storage.bpf.c attaches to: a process that calls getppid() twice, a thread of it
 * three times, then two children four times and once, who are waited for. */
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *call(void *times)
{
	for (intptr_t i = 0; i < (intptr_t)times; i++)
		syscall(SYS_getppid);
	return NULL;
}

int main(void)
{
	static const intptr_t children[] = {4, 1};
	pthread_t thread;

	call((void *)2);
	pthread_create(&thread, NULL, call, (void *)3);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		if (!fork()) {
			call((void *)children[i]);
			_exit(0);
		}
		wait(NULL);
	}
	return 0;
}
