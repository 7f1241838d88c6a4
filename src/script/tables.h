/* tables.h: the functions that the rows of the tables name; each stands in check_call.c,
 * lower_*.c or points.c. */
#ifndef SCRIPT_TABLES_H
#define SCRIPT_TABLES_H

#include "script/script.h"

u32 lower_pid(struct lower *);
u32 lower_tid(struct lower *);
u32 lower_uid(struct lower *);
u32 lower_gid(struct lower *);
u32 lower_cpu(struct lower *);
u32 lower_nsecs(struct lower *);
u32 lower_elapsed(struct lower *);
u32 lower_cpid(struct lower *);
u32 lower_curtask(struct lower *);

void check_printf(struct checker *, struct node *);
void check_emit(struct checker *, struct node *);
void check_print(struct checker *, struct node *);
void check_map_arg(struct checker *, struct node *);
void check_delete(struct checker *, struct node *);
void check_exit(struct checker *, struct node *);
void check_str(struct checker *, struct node *);
void check_agg(struct checker *, struct node *);

void check_stack(struct checker *, struct node *);
void check_symbol(struct checker *, struct node *);
void check_buf(struct checker *, struct node *);
void check_ntop(struct checker *, struct node *);
void check_macaddr(struct checker *, struct node *);
void check_strerror(struct checker *, struct node *);
void check_message_text(struct checker *, struct node *);
void check_decimal(struct checker *, struct node *);
void check_disk_number(struct checker *, struct node *);
u32 value_disk_number(struct lower *, struct node *);
void check_disk_name(struct checker *, struct node *);
void check_exit_reason(struct checker *, struct node *);
void check_file_number(struct checker *, struct node *);
void store_nothing(struct lower *, struct node *, struct mem to);
void check_table(struct checker *, struct node *);
/* Is a value one number? Have two maps the same keys? */
bool check_countable(struct type);
bool check_same_keys(const struct script_map *, const struct script_map *);
void lower_table(struct lower *, struct node *);
/* Of a stack that is its id, and in tuples: the type that has the frames themselves, as in records. */
struct type shown_whole(struct arena *, struct type);
void check_strftime(struct checker *, struct node *);
void check_time(struct checker *, struct node *);
void check_join(struct checker *, struct node *);
void check_system(struct checker *, struct node *);
void check_signal(struct checker *, struct node *);
void check_strncmp(struct checker *, struct node *);
void check_strlen(struct checker *, struct node *);
void check_space(struct checker *, struct node *);
void check_getopt(struct checker *, struct node *);
/* assert.c */
void check_fail_call(struct checker *, struct node *);
void check_static_assert(struct checker *, struct node *);
void check_assert(struct checker *, struct node *);
void lower_nothing(struct lower *, struct node *);
void lower_errorf(struct lower *, struct node *);
void lower_warnf(struct lower *, struct node *);
void lower_assert(struct lower *, struct node *);
void check_nsecs(struct checker *, struct node *);
void check_bswap(struct checker *, struct node *);
void check_listed(struct checker *, struct node *);
void check_kaddr(struct checker *, struct node *);
void check_cgroupid(struct checker *, struct node *);
void check_reg(struct checker *, struct node *);
void check_has_key(struct checker *, struct node *);

void check_is(struct checker *, struct node *);
void check_is_err(struct checker *, struct node *);
u32 value_is_err(struct lower *, struct node *);
void store_map_key(struct lower *, struct node *, struct mem to);
void check_task_value(struct checker *, struct node *);
void check_ppid(struct checker *, struct node *);
void check_family(struct checker *, struct node *);
u32 value_family(struct lower *, struct node *); /* family.c */
u32 lower_family(struct lower *);
u32 lower_process_of(struct lower *, u32 task);
void check_pcomm(struct checker *, struct node *);
void check_comm(struct checker *, struct node *);
void check_pid(struct checker *, struct node *);
void check_number_name(struct checker *, struct node *);
void check_cgroup_path(struct checker *, struct node *);
u32 value_ppid(struct lower *, struct node *);
u32 lower_ppid(struct lower *);
u32 lower_leader_tid(struct lower *);
u32 value_pid(struct lower *, struct node *);
u32 value_tid(struct lower *, struct node *);
u32 lower_has_cpid(struct lower *);
u32 lower_ncpus(struct lower *);
u32 text_pcomm(struct lower *, struct node *, struct mem to, struct room);
u32 text_comm_of(struct lower *, struct node *, struct mem to, struct room);
u32 text_syscall_name(struct lower *, struct node *, struct mem to, struct room);
u32 text_strerror(struct lower *, struct node *, struct mem to, struct room);
#define MESSAGE_BYTES 64 /* of the longest message of an error, with its NUL */
u32 text_signal_name(struct lower *, struct node *, struct mem to, struct room);
u32 text_capability_name(struct lower *, struct node *, struct mem to, struct room);
void store_username(struct lower *, struct node *, struct mem to);

void check_pton(struct checker *, struct node *);
void check_percpu_kaddr(struct checker *, struct node *);
void check_uaddr(struct checker *, struct node *);
void check_socket_cookie(struct checker *, struct node *);
void check_skboutput(struct checker *, struct node *); /* skb.c */
void lower_skboutput(struct lower *, struct node *);
u32 value_skboutput(struct lower *, struct node *);
void check_readable(struct checker *, struct node *);
void check_len(struct checker *, struct node *);
void check_find(struct checker *, struct node *);
void check_path(struct checker *, struct node *);
u32 text_path(struct lower *, struct node *, struct mem to, struct room);
void store_pton(struct lower *, struct node *, struct mem to);
u32 value_percpu_kaddr(struct lower *, struct node *);
u32 value_uaddr(struct lower *, struct node *);
u32 value_socket_cookie(struct lower *, struct node *);
u32 value_readable(struct lower *, struct node *);
u32 value_len(struct lower *, struct node *);
u32 value_find(struct lower *, struct node *);
void lower_find(struct lower *, struct node *);
u32 value_delete(struct lower *, struct node *);
void lower_signal_thread(struct lower *, struct node *);

void check_strcap(struct checker *, struct node *);
void check_default_str_length(struct checker *, struct node *);
void check_strstr(struct checker *, struct node *);
void check_str_concat(struct checker *, struct node *);
void check_assert_str(struct checker *, struct node *);
void check_globmatch(struct checker *, struct node *);
void check_memcmp(struct checker *, struct node *);

u32 value_strcap(struct lower *, struct node *);
u32 value_default_str_length(struct lower *, struct node *);
u32 value_strstr(struct lower *, struct node *);
u32 value_strcontains(struct lower *, struct node *);
u32 value_globmatch(struct lower *, struct node *);
u32 value_memcmp(struct lower *, struct node *);
u32 text_concat(struct lower *, struct node *, struct mem to, struct room);
u32 text_comm(struct lower *, struct node *, struct mem to, struct room);
u32 text_str(struct lower *, struct node *, struct mem to, struct room);

void store_kstack(struct lower *, struct node *, struct mem to);
void store_ustack(struct lower *, struct node *, struct mem to);
void store_dw_ustack(struct lower *, struct node *, struct mem to);
void store_ksym(struct lower *, struct node *, struct mem to);
void store_usym(struct lower *, struct node *, struct mem to);
void store_buf(struct lower *, struct node *, struct mem to);
void store_ntop(struct lower *, struct node *, struct mem to);
void store_macaddr(struct lower *, struct node *, struct mem to);
void store_word(struct lower *, struct node *, struct mem to); /* its first argument */
void store_strftime(struct lower *, struct node *, struct mem to);
u32 value_strncmp(struct lower *, struct node *);
u32 value_strlen(struct lower *, struct node *);
u32 value_space(struct lower *, struct node *);
u32 value_nsecs(struct lower *, struct node *);
u32 value_bswap(struct lower *, struct node *);
u32 value_listed(struct lower *, struct node *);
u32 value_kaddr(struct lower *, struct node *);
u32 value_cgroupid(struct lower *, struct node *);
u32 value_reg(struct lower *, struct node *);
u32 value_has_key(struct lower *, struct node *);
void lower_time(struct lower *, struct node *);
void lower_join(struct lower *, struct node *);
void lower_cat(struct lower *, struct node *);
void lower_system(struct lower *, struct node *);
void lower_signal(struct lower *, struct node *);

void lower_printf(struct lower *, struct node *);
void lower_emit(struct lower *, struct node *);
void lower_print(struct lower *, struct node *);
void lower_clear(struct lower *, struct node *);
void lower_zero(struct lower *, struct node *);
void lower_delete(struct lower *, struct node *);
void lower_exit(struct lower *, struct node *);

void lower_agg_count(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_sum(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_min(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_max(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_avg(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_hist(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_lhist(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_quantile(struct lower *, u32 ptr, u32 n, const struct agg_of *);
void lower_agg_tseries(struct lower *, u32 ptr, u32 n, const struct agg_of *);

int points_self(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		char **, struct point ***);
int points_trial(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		 char **, struct point ***);
int points_once(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		char **parts, struct point ***tail);
int points_interval(struct script *, const struct probe_row *, struct probe *,
		    struct probe_spec *, char **parts, struct point ***tail);
int points_tracepoint(struct script *, const struct probe_row *, struct probe *,
		      struct probe_spec *, char **parts, struct point ***tail);
int points_profile(struct script *, const struct probe_row *, struct probe *,
		   struct probe_spec *, char **parts, struct point ***tail);
int points_software(struct script *, const struct probe_row *, struct probe *,
		    struct probe_spec *, char **parts, struct point ***tail);
int points_raw(struct script *, const struct probe_row *, struct probe *,
	       struct probe_spec *, char **parts, struct point ***tail);
int points_kprobe(struct script *, const struct probe_row *, struct probe *,
		  struct probe_spec *, char **parts, struct point ***tail);
/* points_bpf.c: "bpf:ID:NAME", "bpf:NAME" */
int points_bpf(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
	       const char *what, struct point ***tail);
int points_fentry(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		  char **parts, struct point ***tail);
int points_uprobe(struct script *, const struct probe_row *, struct probe *,
		  struct probe_spec *, char **parts, struct point ***tail);
int points_usdt(struct script *, const struct probe_row *, struct probe *,
		struct probe_spec *, char **parts, struct point ***tail);

int points_watch(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		 char **parts, struct point ***tail);
/* points_watch.c: what stands in the program that sets a watchpoint: no source can spell it. */
#define WATCH_CALL "watchpoint()"
extern const struct call_row watch_row;
void lower_watch(struct lower *, struct node *);
void check_kfunc_exist(struct checker *, struct node *);
void check_probe_exist(struct checker *, struct node *);
void check_kfunc_allowed(struct checker *, struct node *);
void check_override(struct checker *, struct node *);
bool kfunc_is_allowed(struct script *, const struct point *, const char *name);
u32 value_kfunc_allowed(struct lower *, struct node *);
void lower_override(struct lower *, struct node *);
void check_unwatch(struct checker *, struct node *);
void lower_unwatch(struct lower *, struct node *);
int points_net(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
	       char **parts, struct point ***tail);
int points_iter(struct script *, const struct probe_row *, struct probe *, struct probe_spec *,
		char **parts, struct point ***tail);

/* What the argument of pid() and tid() says: the value of the call's node. */
enum pid_of { PID_OWN, PID_INIT, PID_OF_TASK };

/* points_iter.c: calls fn for each iterator of the kernel until it returns non-zero; the context of
 * an iterator's point; where that has what the iterator is at. */
int iterators_each(struct target *, struct arena *, int (*fn)(void *, const char *name), void *user);
struct type iterator_ctx(struct script *, const struct point *);
u32 iterator_current(struct script *, const struct point *);
/* "struct task_struct * task": member n of its context, in proto.c; false: there is none. */
bool iterator_text(struct script *, struct point *, u32 n, struct buf *out);
/* check_map.c: all parts of a key as one tuple, which has the form of the key. */
struct type check_keys_type(struct script *, const struct script_map *);

/* points.c: a new point at the end of the list; joins it with others of its pattern (leader may be
 * the point itself), once its text and func are known. */
struct point *point_add(struct script *, const struct probe_row *, struct probe *,
			struct probe_spec *, struct point ***tail);
void point_follow(struct point *, struct point *leader);
int points_filter(struct script *, struct point **); /* points_filter.c */
const char *point_kind(const struct point *); /* what `probetype` is */
static inline bool has_wildcard(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

/* list_types.c: "struct NAME" and the like: calls fn with the name, or the whole declaration; patterns
 * may match many. False: the pattern is not about types. */
bool list_types(struct target *, struct arena *, const char *pattern, bool verbose,
		void (*fn)(void *user, const char *line), void *user);

/* proto.c: what the kernel's types say of the function, or raw tracepoint, of a point. */
bool proto_exists(struct script *, struct point *);
/* args.NAME; a type of kind UNKNOWN: it is no number or pointer. */
bool proto_param(struct script *, struct point *, const char *name, struct near *, u32 *index,
		 struct type *);
struct type proto_nth(struct script *, const struct point *, u32 n);
/* "struct file * file": parameter n, behind the last one the result of fexit; false: there is none. */
bool proto_text(struct script *, struct point *, u32 n, struct buf *out);
struct type proto_result(struct script *, const struct point *, u32 *nparams);

/* Values that depend on the probe: arg0, retval, probe, ...; check_probe.c, lower_probe.c */
struct probe_value {
	const char *name;
	bool numbered;	/* the name is followed by a number */
	u32 kinds;	/* bit of enum attach_kind: where it is known; 0: everywhere */
	void (*type)(struct checker *, struct node *);
	u32 (*lower)(struct lower *, const struct node *); /* NULL: a string */
	const char *where; /* for messages */
	const char *usage, *doc;
	void (*store)(struct lower *, const struct node *, struct mem to); /* TYPE_SHOWN, may be */
};
extern const struct probe_value probe_values[]; /* ends with a row without a name */
/* Of packets: their headers; the same, in the order of packet_values.def. */
extern const struct probe_value packet_values[];
void type_packet(struct checker *, struct node *);
void type_verdict(struct checker *, struct node *);
u32 lower_packet(struct lower *, const struct node *);
u32 lower_verdict(struct lower *, const struct node *);
void store_header(struct lower *, const struct node *, struct mem to);
void check_redirect(struct checker *, struct node *);
void lower_redirect(struct lower *, struct node *);
u32 value_redirect(struct lower *, struct node *);
void check_pcap(struct checker *, struct node *);
u32 value_pcap(struct lower *, struct node *);

/* Operand n of a USDT probe; false: it has none that can be read. */
struct usdt_operand;
bool usdt_operand_at(struct script *, const struct point *, u32 n, struct usdt_operand *);

u32 lower_arg(struct lower *, const struct node *);
u32 lower_sarg(struct lower *, const struct node *);
u32 lower_retval(struct lower *, const struct node *);
u32 lower_ctx(struct lower *, const struct node *);
u32 lower_usermode(struct lower *, const struct node *);
/* lower_iter.c: what stands in front of an iterator's statements; printf() of one with a pin */
void lower_iterator(struct lower *);
void lower_seq_printf(struct lower *, struct node *);
u32 lower_rand(struct lower *);
u32 lower_cgroup(struct lower *);
u32 lower_numaid(struct lower *);
u32 lower_jiffies(struct lower *);

#endif
