/*
 * core.bpf.c: each question of CO-RE about types of the kernel. gcc: no, bpf-gcc 12 has not all of them
 * prog: ask
 */
#include "common.h"

#include <bpf/bpf_core_read.h>

#define FLEXIBLE __attribute__((preserve_access_index))
struct list_head___any {
	struct list_head___any *next, *prev;
} FLEXIBLE;
struct cred___mine {
	int nothing_like_that;
	struct {
		int val;
	} uid;
} FLEXIBLE;
struct task_struct___ours {
	int pid, tgid;
	char comm[16];
	unsigned sched_reset_on_fork : 1, no_cgroup_migration : 1;
	struct cred___mine *cred;
	struct list_head___any tasks;
	long nobody_has_this;
	struct list_head___any cpu_timers[3];
} FLEXIBLE;
struct task_struct {
	int pid;
	unsigned long long start_time;
	struct {
		int exit_code;
	};
} FLEXIBLE;
struct page___old { /* unions without names, in another order than there */
	union {
		struct {
			void *freelist;
		};
		unsigned long index;
	};
	unsigned long flags;
} FLEXIBLE;
struct nobody_has_this_struct {
	int a;
} FLEXIBLE;
union nobody_has_this_union {
	int a;
} FLEXIBLE;
enum pid_type___ours {
	PIDTYPE_PID___ours,
	PIDTYPE_SID___x,
	PIDTYPE_NOBODY___x,
};
enum bpf_map_type___new {
	BPF_MAP_TYPE_HASH___x = 77,
};
typedef unsigned pid_t___wrong;
typedef struct {
	int counter;
} atomic_t;
typedef int (*initcall_t)(void);
typedef int nobody_has_this_typedef;
struct rcu_head___ok {
	struct rcu_head___ok *next;
} FLEXIBLE;
struct hlist_node {
	struct hlist_node *next, **pprev;
} FLEXIBLE;
struct hlist_head___wrong {
	int first;
} FLEXIBLE;

volatile long got[64];
int ids;

#define AT(n, v) got[n] = (v)

SEC("socket") int ask(struct __sk_buff *skb)
{
	struct task_struct___ours *t = 0;
	struct task_struct *plain = 0;
	struct page___old *page = 0;

	AT(0, bpf_core_field_exists(t->pid));
	AT(1, bpf_core_field_exists(t->nobody_has_this));
	AT(2, bpf_core_field_size(t->comm));
	AT(3, bpf_core_field_size(t->tasks));
	AT(4, __builtin_preserve_field_info(t->comm[5], 0));
	AT(5, __builtin_preserve_field_info(t->tgid, 0));
	AT(6, __builtin_preserve_field_info(t->tasks.prev, 0));
	AT(7, __builtin_preserve_field_info(t->pid, 3));
	AT(8, __builtin_preserve_field_info(plain->start_time, 3));
	AT(9, __builtin_preserve_field_info(t->sched_reset_on_fork, 0));
	AT(10, __builtin_preserve_field_info(t->sched_reset_on_fork, 1));
	AT(11, __builtin_preserve_field_info(t->sched_reset_on_fork, 4));
	AT(12, __builtin_preserve_field_info(t->no_cgroup_migration, 5));
	AT(13, __builtin_preserve_field_info(t->no_cgroup_migration, 4));
	AT(14, __builtin_preserve_field_info(plain->exit_code, 0));
	AT(15, bpf_core_field_exists(page->flags));
	AT(16, bpf_core_field_exists(page->index));
	if (bpf_core_field_exists(page->index)) /* until 6.16 */
		AT(17, bpf_core_field_size(page->index));
	AT(18, bpf_core_type_exists(struct task_struct));
	AT(19, bpf_core_type_exists(struct nobody_has_this_struct));
	AT(20, bpf_core_type_exists(union nobody_has_this_union));
	AT(21, bpf_core_type_exists(atomic_t));
	AT(22, bpf_core_type_exists(initcall_t));
	AT(23, bpf_core_type_exists(nobody_has_this_typedef));
	AT(24, bpf_core_type_exists(pid_t___wrong));
	AT(25, bpf_core_type_size(struct task_struct));
	AT(26, bpf_core_type_size(struct nobody_has_this_struct));
	AT(27, bpf_core_type_size(atomic_t));
	AT(28, bpf_core_enum_value_exists(enum pid_type___ours, PIDTYPE_SID___x));
	AT(29, bpf_core_enum_value_exists(enum pid_type___ours, PIDTYPE_NOBODY___x));
	AT(30, bpf_core_enum_value(enum pid_type___ours, PIDTYPE_SID___x));
	AT(31, bpf_core_enum_value(enum bpf_map_type___new, BPF_MAP_TYPE_HASH___x));
#ifdef MATCHES /* since clang 15 */
	AT(32, __builtin_preserve_type_info(*(struct rcu_head___ok *)0, 2));
	AT(33, __builtin_preserve_type_info(*(struct hlist_node *)0, 2));
	AT(34, __builtin_preserve_type_info(*(struct hlist_head___wrong *)0, 2));
	AT(35, __builtin_preserve_type_info(*(struct task_struct *)0, 2));
	AT(36, __builtin_preserve_type_info(*(atomic_t *)0, 2));
	AT(37, __builtin_preserve_type_info(*(initcall_t *)0, 2));
	AT(38, __builtin_preserve_type_info(*(enum pid_type___ours *)0, 2));
#endif
	ids = bpf_core_type_id_local(struct task_struct) != 0;
	ids += 2 * (bpf_core_type_id_kernel(struct task_struct) != 0);
	ids += 4 * (bpf_core_type_id_kernel(struct nobody_has_this_struct) != 0);
	if (bpf_core_field_exists(t->nobody_has_this)) /* never: what it reads is not there */
		ids += (int)(long)__builtin_preserve_access_index(&t->nobody_has_this);
	return ids;
}
