/*
 * traced.c: the program that the cases for uprobes and USDT trace.
 *
 * In:  `traced [N]`: calls each function N times (once). `traced calm N`: two threads call calm() N
 *      times, every 10 ms. `traced storm SECONDS`: two threads call storm() with strings of their
 *      own; one of them interrupts the other as often as it can. `traced watched`: writes memory at
 *      0x10000000. `traced toolbox`: calls what tools look at: looks up a host, reads a line, starts a
 *      thread, keeps memory, and waits a tenth of a second. `traced backlog`: packets of TCP that nobody
 *      takes, as nobody accepts connections; waits until they are sent again. `traced frames DEVICE
 *      NAME...`: sends packets of a table, as they are. `traced datagrams PORT...`: sends datagrams to
 *      this machine. `traced first FILE`: two threads; the first one ends when FILE is there, then the
 *      other one asks for "/nowhere" and ends with status 5. `traced heir`: keeps memory that its child gives back. `traced pieces N`:
 *      keeps N pieces of 300 bytes, and a second later one more. `traced kernel`: calls that C libraries make
 *      otherwise: sleeps by nanosleep(2), and hands a word to itself through a stream of UNIX sockets.
 * Out: nothing. Functions are never inlined, and what their arguments point to is in memory.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#if __has_include(<sys/sdt.h>)
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#define PROBE2(name, na, a, nb, b) DTRACE_PROBE2(traced, name, a, b)
#define PROBE3(name, na, a, nb, b, nc, c) DTRACE_PROBE3(traced, name, a, b, c)
#else
/* The same notes, written by hand: see systemtap's "UserSpaceProbeImplementation". */
#define NOTE(name, args, ...)                                                                      \
	__asm__ volatile("990: nop\n"                                                              \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"                   \
			 ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
			 "993: .8byte 990b, _.stapsdt.base, traced_" #name "_semaphore\n"          \
			 ".asciz \"traced\"\n.asciz \"" #name "\"\n.asciz \"" args "\"\n"          \
			 "994: .balign 4\n.popsection\n"                                           \
			 ".ifndef _.stapsdt.base\n"                                                \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"   \
			 ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n" \
			 ".size _.stapsdt.base, 1\n.popsection\n.endif\n" ::__VA_ARGS__)
/* na, nb, nc: sizes, negative where signed */
#define PROBE2(name, na, a, nb, b) NOTE(name, #na "@%0 " #nb "@%1", "nor"(a), "nor"(b))
#define PROBE3(name, na, a, nb, b, nc, c)                                                          \
	NOTE(name, #na "@%0 " #nb "@%1 " #nc "@%2", "nor"(a), "nor"(b), "nor"(c))
#endif
/* clang-format on */

unsigned short traced_numbers_semaphore __attribute__((section(".probes"), used));
unsigned short traced_twice_semaphore __attribute__((section(".probes"), used));
unsigned short traced_guarded_semaphore __attribute__((section(".probes"), used));

struct inner {
	short x, y;
};
struct item {
	int id;
	long size;
	const char *name;
	struct inner inner;
	unsigned low : 3, high : 5;
	char tag[8];
};

/* One member of each kind. */
enum color { RED, GREEN = 5 };
struct whole {
	int a;
	char name[4];
	int list[3];
	struct inner inner;
	unsigned low : 3, high : 5;
	void *pointer;
	unsigned char bytes[6];
	union {
		int number;
		short half;
	};
	enum color color;
	_Bool yes;
	int grid[2][2];
	struct {
		int q;
	} many[2];
	char full[4];
	struct whole *self;
};

#define TRACED static __attribute__((noinline, noclone, used))

TRACED int add(int a, int b)
{
	__asm__ volatile("" ::: "memory");
	return a + b;
}

/* as a compiler of C++ names them: ns::twice(int), ns::twice(char const*) const of a class ns::K */
TRACED int twice(int n) __asm__("_ZN2ns5twiceEi");
TRACED int member(const void *self, const char *s) __asm__("_ZNK2ns1K5twiceEPKc");

TRACED int twice(int n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n;
}

TRACED int member(const void *self, const char *s)
{
	__asm__ volatile("" ::"r"(self), "r"(s) : "memory");
	return 1;
}

TRACED long many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	__asm__ volatile("" ::: "memory");
	return a + b + c + d + e + f + g + h;
}

TRACED const char *use(const struct item *item, const char *text)
{
	__asm__ volatile("" ::"r"(item), "r"(text) : "memory");
	return item->name;
}

TRACED struct inner by_value(struct inner v)
{
	v.x++;
	__asm__ volatile("" ::: "memory");
	return v;
}

TRACED int whole(const struct whole *w)
{
	__asm__ volatile("" ::"r"(w) : "memory");
	return w->a;
}

TRACED void storm(const char *text)
{
	__asm__ volatile("" ::"r"(text) : "memory");
}

TRACED void calm(int n)
{
	__asm__ volatile("" ::"r"(n) : "memory");
}

static volatile signed char small = -3;

TRACED void notes(int i, const char *text)
{
	unsigned long big = 1ul << 40;
	unsigned char bytes[] = {9, 8, 7, 6};

	__asm__ volatile("" ::"r"(bytes) : "memory");
	PROBE3(numbers, -4, i, 8, big + (unsigned long)i, -1, small);
	if (__atomic_load_n(&traced_guarded_semaphore, __ATOMIC_RELAXED))
		PROBE2(guarded, -4, i, 8, text);
	PROBE2(twice, -4, i, 1, bytes[i & 3]);
	PROBE2(twice, -4, i + 100, 1, 5);
}

static void *interrupt_often(void *unused)
{
	static char text[900];
	struct timespec pause = {0, 50000};

	memset(text, 'b', sizeof(text) - 1);
	for (;;) {
		storm(text);
		nanosleep(&pause, NULL);
	}
	return unused;
}

static int storm_for(int seconds)
{
	static char text[900];
	struct sched_param first = {.sched_priority = 1};
	pthread_attr_t attr;
	pthread_t thread;
	time_t end = time(NULL) + seconds;

	memset(text, 'a', sizeof(text) - 1);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &first);
	if (pthread_create(&thread, &attr, interrupt_often, NULL))
		return 1;
	while (time(NULL) < end)
		for (int i = 0; i < 100; i++)
			storm(text);
	return 0;
}

static void *call_calm(void *times)
{
	struct timespec pause = {0, 10000000};

	for (int i = 0; i < *(int *)times; i++) {
		calm(i);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int calm_for(int times)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_calm, &times))
		return 1;
	call_calm(&times);
	return pthread_join(thread, NULL);
}

/* chdir() tells who looks on that we are there */
static void *outlive(void *first)
{
	struct timespec pause = {0, 10000000};

	while (pthread_tryjoin_np(*(pthread_t *)first, NULL) == EBUSY) {
		if (chdir("/"))
			break;
		nanosleep(&pause, NULL);
	}
	rmdir("/nowhere");
	_exit(5);
}

static int first_ends(const char *file)
{
	static pthread_t first;
	struct timespec pause = {0, 10000000};
	pthread_t thread;

	first = pthread_self();
	if (pthread_create(&thread, NULL, outlive, &first))
		return 1;
	while (access(file, F_OK))
		nanosleep(&pause, NULL);
	pthread_exit(NULL);
}

TRACED void touch(int n, int *at)
{
	__asm__ volatile("nop" ::: "memory"); /* the first instruction runs before a stop */
	*at += n;
	__asm__ volatile("" ::"r"(at) : "memory");
}

/* Four ints at a known address; the first three are written by touch(), the last one here. */
static int watched(void)
{
	int *at = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	for (int i = 0; i < 3; i++)
		touch(i + 1, at + i);
	for (volatile int *last = at + 3; *last < 5;)
		++*last;
	return 0;
}

/* as bash has it */
TRACED char *readline(const char *prompt)
{
	__asm__ volatile("" ::"r"(prompt) : "memory");
	return strdup("echo hello");
}

/* as the C library has it, which cannot look up names when it is linked statically */
TRACED int look_up(const char *name, const char *service) __asm__("getaddrinfo");

TRACED int look_up(const char *name, const char *service)
{
	struct timespec pause = {0, 12000000};

	__asm__ volatile("" ::"r"(name), "r"(service) : "memory");
	return nanosleep(&pause, NULL);
}

static void *nothing(void *unused)
{
	return unused;
}

static int backlog(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timespec pause = {1, 500000000};
	socklen_t size = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&at, size) || listen(s, 0) ||
	    getsockname(s, (struct sockaddr *)&at, &size))
		return 1;
	for (int i = 0; i < 4; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (c < 0 || (connect(c, (struct sockaddr *)&at, size) && errno != EINPROGRESS))
			return 1;
	}
	return nanosleep(&pause, NULL);
}

static int of_the_kernel(void)
{
	struct timespec pause = {0, 12000000};
	char word[8];
	int ends[2];

	return syscall(SYS_nanosleep, &pause, NULL) ||
	       socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || write(ends[0], "hello", 6) != 6 ||
	       read(ends[1], word, sizeof(word)) != 6;
}

/* One that succeeds, one that cannot, and one of nothing. */
TRACED void place(void)
{
	void *volatile placed[2];

	if (posix_memalign((void **)&placed[0], 64, 6000) ||
	    !posix_memalign((void **)&placed[1], 3, 6000))
		abort();
	placed[1] = malloc(0);
	free(placed[1]);
}

static int toolbox(void)
{
	struct timespec pause = {0, 100000000};
	void *volatile kept;
	pthread_t thread;

	free(readline("$ "));
	for (int i = 0; i < 10; i++) {
		kept = malloc(7000);
		free(malloc(500));
		place();
	}
	look_up("localhost", "http");
	if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
		return 1;
	return nanosleep(&pause, NULL) || !kept;
}

static int pieces(int n)
{
	struct timespec pause = {1, 0};
	static void *volatile kept;

	for (int i = 0; i < n; i++)
		kept = malloc(300);
	nanosleep(&pause, NULL);
	kept = pvalloc(300);
	return !kept;
}

/* What is kept here stays so, whatever a child does with its copy. */
static int heir(void)
{
	static void *volatile kept[10];
	int status = 0;
	pid_t child;

	for (int i = 0; i < 10; i++)
		kept[i] = malloc(900);
	child = fork();
	if (!child) {
		for (int i = 0; i < 10; i++)
			free(kept[i]);
		_exit(0);
	}
	return child < 0 || waitpid(child, &status, 0) != child || status;
}

/* ---- frames of Ethernet, from 02:00:00:00:00:01 to 02:00:00:00:00:02 */

#define ETHERNET  "020000000002020000000001"
#define IP4(len, frag, proto) "0800" "4510" len "1234" frag "40" proto "0000" "0a000001" "0a000002"
#define IP6(len, next) "86dd" "60012345" len next "ff" \
	"20010db8000000000000000000000001" "20010db8000000000000000000000002"
#define TCP_SYN "04d21f90" "00000064" "000000c8" "5002faf0" "00000000"
#define UDP_DNS "d4310035" "000d0000" "68656c6c6f"

static const struct frame {
	const char *name, *bytes;
} frames[] = {
	{"syn", ETHERNET IP4("0028", "4000", "06") TCP_SYN},
	{"dns", ETHERNET IP4("0021", "0000", "11") UDP_DNS},
	{"echo", ETHERNET IP4("001c", "0000", "01") "0800" "0000" "00010002"},
	{"fragment", ETHERNET IP4("0021", "0007", "11") UDP_DNS},
	{"dns6", ETHERNET IP6("000d", "11") UDP_DNS},
	{"echo6", ETHERNET IP6("0008", "3a") "8000" "0000" "00010002"},
	{"options6", ETHERNET IP6("0025", "00") "3c00010400000000" "2c00010400000000" "1100000000000001" UDP_DNS},
	{"segment6", ETHERNET IP6("0035", "2b") "11040401" "01000000"
		"20010db8000000000000000000000003" "20010db8000000000000000000000002" UDP_DNS},
	{"vlan", ETHERNET "8100" "6069" IP4("0028", "4000", "06") TCP_SYN},
	{"qinq", ETHERNET "88a8" "0005" "8100" "0006" IP4("0021", "0000", "11") UDP_DNS},
	{"arp", ETHERNET "0806" "0001" "0800" "0604" "0001" "020000000001" "0a000001" "000000000000" "0a000002"},
	{"sctp", ETHERNET IP4("0020", "0000", "84") "0b591f90" "00000000" "00000000"},
	{"cut", ETHERNET IP4("0028", "4000", "06") "04d21f90"},
	{"long", ETHERNET "0800" "4610" "002c" "1234" "4000" "40" "06" "0000" "0a000001" "0a000002" "01010101" TCP_SYN},
};

static int send_frame(int fd, const char *hex)
{
	unsigned char bytes[256];
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

		bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return send(fd, bytes, n, 0) != (ssize_t)n;
}

static int send_frames(const char *device, char **names)
{
	struct { /* struct sockaddr_ll */
		unsigned short family, protocol;
		int index;
		unsigned char rest[12];
	} to = {.family = AF_PACKET, .index = (int)if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), failed = fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to));

	for (; !failed && *names; names++)
		for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
			if (!strcmp(frames[i].name, *names))
				failed |= send_frame(fd, frames[i].bytes);
	usleep(100000); /* on a busy machine they still queue for ksoftirqd, and who counts them ends with us */
	if (failed)
		perror(device);
	return failed;
}

/* To "PORT" of this machine, or to "ADDRESS/PORT". */
static int send_datagrams(char **names)
{
	int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	for (; *names; names++) {
		char address[64] = "127.0.0.1", *slash = strchr(*names, '/');
		unsigned short port = htons((unsigned short)atoi(slash ? slash + 1 : *names));
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port};
		struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = port};
		int is_six, sent;

		if (slash)
			snprintf(address, sizeof(address), "%.*s", (int)(slash - *names), *names);
		is_six = inet_pton(AF_INET6, address, &to6.sin6_addr) == 1;
		inet_pton(AF_INET, address, &to.sin_addr);
		sent = is_six ? (int)sendto(six, "hello", 5, 0, (struct sockaddr *)&to6, sizeof(to6))
			      : (int)sendto(four, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
		if (sent < 0)
			printf("%s: %s\n", *names, strerror(errno));
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct item item = {7, 1l << 40, NULL, {-2, 3}, 5, 17, "tag"};
	int n = argc > 1 ? atoi(argv[1]) : 1;
	char name[16], text[16];
	struct whole w = {.a = 1,
			  .name = "ab",
			  .list = {1, -2, 3},
			  .inner = {4, 5},
			  .low = 6,
			  .high = 17,
			  .pointer = (void *)0x1234,
			  .bytes = {1, 2, 3, 4, 5, 255},
			  .number = 77,
			  .color = GREEN,
			  .yes = 1,
			  .grid = {{1, 2}, {3, 4}},
			  .many = {{8}, {9}},
			  .full = {'a', 'b', 'c', 'd'},
			  .self = NULL};

	if (argc > 2 && !strcmp(argv[1], "storm"))
		return storm_for(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "calm"))
		return calm_for(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "first"))
		return first_ends(argv[2]);
	if (argc > 1 && !strcmp(argv[1], "watched"))
		return watched();
	if (argc > 1 && !strcmp(argv[1], "toolbox"))
		return toolbox();
	if (argc > 1 && !strcmp(argv[1], "heir"))
		return heir();
	if (argc > 2 && !strcmp(argv[1], "pieces"))
		return pieces(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "datagrams"))
		return send_datagrams(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "frames"))
		return send_frames(argv[2], argv + 3);
	if (argc > 1 && !strcmp(argv[1], "backlog"))
		return backlog();
	if (argc > 1 && !strcmp(argv[1], "kernel"))
		return of_the_kernel();
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		snprintf(text, sizeof(text), "text%d", i);
		item.name = name;
		add(i, 2);
		many(1, 2, 3, 4, 5, 6, 70 + i, 80 + i);
		use(&item, text);
		by_value((struct inner){(short)i, 9});
		whole(&w);
		notes(i, text);
		twice(i);
		member(&item, text);
	}
	return 0;
}
