/* core_types.c: the types of another machine, for core_file.bpf.c. */
enum kind {
	KIND_X,
	KIND_B = 42,
	KIND_A = -7,
};
enum wide {
	WIDE_BIG = 1ull << 40,
};
struct inner {
	unsigned char a;
	long pad;
	int b;
};
struct thing {
	long before[3];
	int moved;
	unsigned long grown;
	unsigned short shrunk;
	int signed_one;
	unsigned long x : 30, low : 5, high : 29;
	unsigned neg : 2;
	struct inner nested, many[7];
	void *pointer;
	int (*call)(int);
	float real;
	enum kind kind;
};
struct twice___one {
	char pad[4];
	int same;
};
struct twice___two {
	short pad[2];
	int same;
};
struct anon {
	int first;
	union {
		long skip;
		struct {
			short s;
			union {
				char c;
				int deep;
			};
		};
	};
};
typedef struct thing thing_t;
typedef int (*func_t)(int, struct thing *);
struct self {
	long more;
	int value;
	struct self *next;
};
enum kind a;
enum wide b;
thing_t c;
struct twice___one d;
struct twice___two e;
struct anon f;
func_t g;
struct self h;
