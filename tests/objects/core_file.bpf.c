/*
 * core_file.bpf.c: CO-RE against the types of core_types.c, which are quite different. gcc: no
 * btf: core_types
 */
#include "common.h"

#include <bpf/bpf_core_read.h>

#define FLEXIBLE __attribute__((preserve_access_index))
enum kind___x {
	KIND_A___x,
	KIND_B___x,
	KIND_Z___x,
};
enum wide___x {
	WIDE_BIG___x = 1,
};
struct inner {
	int b;
	unsigned char a;
} FLEXIBLE;
struct thing {
	int moved;
	unsigned grown;
	unsigned long shrunk;
	short signed_one;
	unsigned low : 3, high : 12;
	signed neg : 5;
	struct inner nested, many[4];
	int tail[0];
	void *pointer;
	int (*call)(int);
	int gone;
	float real;
	enum kind___x kind;
} FLEXIBLE;
struct twice {
	int same;
} FLEXIBLE;
struct anon {
	int deep;
} FLEXIBLE;
typedef struct thing thing_t;
typedef int (*func_t)(int, struct thing *);
struct self {
	struct self *next;
	int value;
} FLEXIBLE;

volatile long got[64];
#define AT(n, v)    got[n] = (v)
#define INFO(e, n)  __builtin_preserve_field_info(e, n)

SEC("socket") int ask(struct __sk_buff *skb)
{
	struct thing *t = 0;
	struct twice *d = 0;
	struct anon *a = 0;

	AT(0, INFO(t->moved, 0));
	AT(1, INFO(t->grown, 1));
	AT(2, INFO(t->shrunk, 1));
	AT(3, INFO(t->signed_one, 3));
	AT(4, INFO(t->low, 0));
	AT(5, INFO(t->low, 4));
	AT(6, INFO(t->high, 5));
	AT(7, INFO(t->high, 1));
	AT(8, INFO(t->neg, 3));
	AT(9, INFO(t->nested.a, 0));
	AT(10, INFO(t->many[2].b, 0));
	AT(11, INFO(t->many[3], 0));
	AT(12, INFO(t->many, 1));
	AT(13, INFO(t->gone, 2));
	AT(14, INFO(t->pointer, 2));
	AT(15, INFO(t->call, 2));
	AT(16, INFO(t->real, 2));
	AT(17, INFO(t->kind, 2));
	AT(18, INFO(d->same, 0));
	AT(19, INFO(a->deep, 0));
	AT(20, bpf_core_type_size(struct thing));
	AT(21, bpf_core_type_exists(thing_t));
	AT(22, bpf_core_type_exists(func_t));
	AT(23, bpf_core_enum_value(enum kind___x, KIND_B___x));
	AT(24, bpf_core_enum_value_exists(enum kind___x, KIND_Z___x));
	AT(25, bpf_core_enum_value(enum wide___x, WIDE_BIG___x));
	AT(26, INFO(t->tail, 2));
	AT(27, INFO(t->kind, 3));
	AT(28, INFO(t[2].moved, 0));
#ifdef MATCHES
	AT(40, __builtin_preserve_type_info(*(struct thing *)0, 2));
	AT(41, __builtin_preserve_type_info(*(struct twice *)0, 2));
	AT(42, __builtin_preserve_type_info(*(struct self *)0, 2));
	AT(43, __builtin_preserve_type_info(*(func_t *)0, 2));
	AT(44, __builtin_preserve_type_info(*(enum kind___x *)0, 2));
	AT(45, __builtin_preserve_type_info(*(struct anon *)0, 2));
#endif
	return 0;
}
