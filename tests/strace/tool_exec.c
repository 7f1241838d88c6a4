/*
 * tool_exec.c: a thread that is not the first one calls execve(): the first one ends, the thread gets its number, and
 * the calls behind it are those of the new program; for `waggle strace` and strace to be compared.
 *
 * In:  a program. Out: what that one does. The first thread waits in pause(), so that the order of calls is fixed.
 */
#include <pthread.h>
#include <unistd.h>

static void *run(void *program)
{
	usleep(50000); /* the first one is in pause() */
	execl(program, program, (char *)0);
	_exit(127);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2 || pthread_create(&thread, NULL, run, argv[1]))
		return 2;
	for (;;)
		pause();
}
