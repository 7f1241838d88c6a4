/*
 * owners.c: which process a packet is of.
 *
 * In:  the sockets that there are when it begins; then what processes do with theirs (a script of
 * ours tells it: connect, bind, listen, accept, send). Out: for a packet the processes at its two
 * ends.
 *
 * A packet does not say whose it is, but its addresses and ports do. So the table has sockets by
 * their ends: those with a peer by both, others by their own end, or by its port alone where the
 * address is any. What a process does is known only when the call has ended, which is after the
 * first packet has left: whoever asks keeps a packet for a moment. A TCP connection that is being
 * made has no port yet when we hear of it: its first packet is known by the end that it goes to.
 * Rows stay when sockets are closed: the last packets of a connection come later than that.
 */
#include "session/owners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58 };
/* What a record of the script tells: a socket that is now used; one that was accepted; one of TCP
 * that is being connected. */
enum { DID_USE = 1, DID_ACCEPT = 2, DID_BEGIN = 3 };

struct ends_key {
	u8 local[16], peer[16];
	u16 lport, pport;
	u32 protocol;
};

struct owner_row {
	struct ends_key key;
	const struct packet_process *process;
};

struct owners {
	struct waggle_object *object;
	struct waggle_session *session;
	struct waggle_field fields[24];
	const struct waggle_schema *schema; /* that `fields` are of */
	u32 nfields;
	bool ended;
	u64 net; /* our network */
	struct owner_row *rows;
	u32 n, cap;
	struct packet_process **processes;
	u32 nprocesses, processes_cap;
	const char *comm; /* only these, or NULL */
	u32 pid;          /* 0: any */
	int err;
};

/* ---- the script */

static const char calls[] = "connect,bind,listen,sendto,sendmsg,sendmmsg";
#define TELL(how)                                                                                 \
	"emit(did = " how ", net = $k->__sk_common.skc_net.net->ns.inum, pid, comm, cg = cgroup," \
	" family = $k->__sk_common.skc_family, proto = $k->sk_protocol,"                          \
	" lport = $k->__sk_common.skc_num, pport = $k->__sk_common.skc_dport,"                    \
	" l = $k->__sk_common.skc_rcv_saddr, p = $k->__sk_common.skc_daddr,"                      \
	" l0 = $k->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[0],"                              \
	" l1 = $k->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[1],"                              \
	" l2 = $k->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[2],"                              \
	" l3 = $k->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[3],"                              \
	" p0 = $k->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0],"                                  \
	" p1 = $k->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1],"                                  \
	" p2 = $k->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2],"                                  \
	" p3 = $k->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3]);"
enum {
	F_DID,
	F_NET,
	F_PID,
	F_COMM,
	F_CGROUP,
	F_FAMILY,
	F_PROTO,
	F_LPORT,
	F_PPORT,
	F_L4,
	F_P4,
	F_L6,
	F_P6 = F_L6 + 4,
	FIELDS = F_P6 + 4
};
/* A descriptor's socket; a socket that was told of with the same ends is not told of again. */
#define SOCKET_OF(fd)                                                                   \
	"$f = curtask->files->fdt->fd[" fd "]; $s = (struct socket *)$f->private_data;" \
	" $k = $s->sk;"
#define IF_NEW                                                                                     \
	"$ports = (uint64)$k->__sk_common.skc_num << 32 | (uint64)$k->__sk_common.skc_dport << 1;" \
	" if ($k->sk_socket == $s && @told[(uint64)$k, $ports] != pid) {"                          \
	" @told[(uint64)$k, $ports] = pid; "
static const char accepted[] =
	"tracepoint:syscalls:sys_exit_accept, tracepoint:syscalls:sys_exit_accept4 {\n"
	"if (args.ret >= 0) { $n = args.ret; " SOCKET_OF("$n") IF_NEW TELL("2") " } } }\n";
static const char begun[] = "tracepoint:sock:inet_sock_set_state /args.newstate == 2/ {\n"
			    "$k = (struct sock *)args.skaddr; " TELL("3") " }\n";
static const char used[] =
	" {\nif (has_key(@fd, tid)) { $n = @fd[tid]; delete(@fd, tid); " SOCKET_OF("$n")
		IF_NEW TELL("1") " } } }\n";

static void each_call(struct buf *b, const char *before)
{
	for (const char *p = calls; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] != 0))
		buf_printf(b, "%stracepoint:syscalls:sys_%s_%.*s", p == calls ? "" : ", ", before,
			   (int)strcspn(p, ","), p);
}

static void write_script(struct buf *b)
{
	buf_puts(b, "config = { max_map_keys = 65536; missing_probes = ignore }\n");
	each_call(b, "enter");
	buf_puts(b, " { @fd[tid] = (int64)args.fd; }\n");
	each_call(b, "exit");
	buf_puts(b, used);
	buf_puts(b, accepted);
	buf_puts(b, begun);
}

/* ---- processes */

static bool concerns(const struct owners *o, const struct packet_process *p)
{
	return (!o->pid || o->pid == p->pid) && (!o->comm || !strncmp(o->comm, p->name, 15));
}

static void name_of(u32 pid, char name[33])
{
	char path[64];
	struct buf text = {0};

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	session_read_file(path, &text);
	snprintf(name, 33, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	buf_free(&text);
}

/* The last one with that number and name; NULL: no memory. */
static const struct packet_process *process_of(struct owners *o, u32 pid, const char *name,
					       u64 cgroup)
{
	struct packet_process *p;

	for (u32 i = o->nprocesses; i; i--)
		if (o->processes[i - 1]->pid == pid && !strcmp(o->processes[i - 1]->name, name))
			return o->processes[i - 1];
	if (o->nprocesses == o->processes_cap) {
		u32 cap = o->processes_cap ? 2 * o->processes_cap : 64;
		void *more = realloc(o->processes, cap * sizeof(struct packet_process *));

		if (!more)
			return NULL;
		o->processes = more;
		o->processes_cap = cap;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	snprintf(p->name, sizeof(p->name), "%s", name);
	owners_container(pid, cgroup, p->container);
	return o->processes[o->nprocesses++] = p;
}

/* ---- the table */

static u64 hash_of(const struct ends_key *k)
{
	u64 words[sizeof(*k) / 8], h = 0;

	memcpy(words, k, sizeof(words));
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 31;
}
_Static_assert(sizeof(struct ends_key) % 8 == 0, "whole words");

static struct owner_row *slot_of(struct owner_row *rows, u32 cap, const struct ends_key *key)
{
	u64 i = hash_of(key);

	while (rows[i & (cap - 1)].process && memcmp(&rows[i & (cap - 1)].key, key, sizeof(*key)))
		i++;
	return &rows[i & (cap - 1)];
}

static bool grow(struct owners *o)
{
	u32 cap = o->cap ? 2 * o->cap : 1024;
	struct owner_row *more = calloc(cap, sizeof(*more));

	if (!more)
		return false;
	for (u32 i = 0; i < o->cap; i++)
		if (o->rows[i].process)
			*slot_of(more, cap, &o->rows[i].key) = o->rows[i];
	free(o->rows);
	o->rows = more;
	o->cap = cap;
	return true;
}

static void put_row(struct owners *o, const struct ends_key *key, const struct packet_process *p)
{
	struct owner_row *row;

	if (2 * o->n >= o->cap && !grow(o)) {
		o->err = -ENOMEM;
		return;
	}
	row = slot_of(o->rows, o->cap, key);
	o->n += !row->process;
	*row = (struct owner_row){*key, p};
}

static const struct packet_process *get_row(const struct owners *o, const struct ends_key *key)
{
	return o->cap ? slot_of(o->rows, o->cap, key)->process : NULL;
}

/* alone: the end of the socket itself says whose it is, whatever the peer. */
static void put_socket(struct owners *o, const struct socket_seen *s, bool alone,
		       const struct packet_process *p)
{
	struct ends_key key = {.protocol = s->protocol, .lport = s->lport, .pport = s->pport};

	memcpy(key.local, s->local, 16);
	memcpy(key.peer, s->peer, 16);
	if (s->pport)
		put_row(o, &key, p);
	if (!alone)
		return;
	key.pport = 0;
	memset(key.peer, 0, 16);
	put_row(o, &key, p);
}

static void take_seen(void *user, const struct socket_seen *s)
{
	struct owners *o = user;
	const struct packet_process *p;
	char name[33];

	name_of(s->pid, name);
	p = process_of(o, s->pid, name, 0);
	if (!p)
		o->err = -ENOMEM;
	else if (concerns(o, p))
		put_socket(o, s, s->protocol != PROTO_TCP || s->listens, p);
}

/* ---- what processes do */

static u64 field(const struct owners *o, const struct waggle_event *e, u32 i)
{
	const struct waggle_field *f = &o->fields[i];
	u64 value = 0;

	if (f->off + f->size <= e->size)
		memcpy(&value, (const char *)e->data + f->off, MIN(f->size, 8u));
	return value;
}

static void read_fields(struct owners *o, const struct waggle_schema *schema)
{
	const struct waggle_layout *l = waggle_schema_layout(schema);

	o->schema = schema;
	o->nfields = MIN(waggle_layout_count(l), (unsigned)FIELDS);
	for (u32 i = 0; i < o->nfields; i++) {
		o->fields[i].sz = sizeof(o->fields[i]);
		waggle_layout_field(l, i, &o->fields[i]);
	}
}

static void put_mapped(u8 to[16], u32 addr)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(to, 0, 16);
	if (!addr)
		return;
	memcpy(to, mapped, 12);
	memcpy(to + 12, &addr, 4);
}

static void addr_of(const struct owners *o, const struct waggle_event *e, u32 four, u32 six,
		    u8 to[16])
{
	if (field(o, e, F_FAMILY) == 2) {
		put_mapped(to, (u32)field(o, e, four));
		return;
	}
	for (u32 i = 0; i < 4; i++) {
		u32 word = (u32)field(o, e, six + i);

		memcpy(to + 4 * i, &word, 4);
	}
}

static int take_event(void *user, const struct waggle_event *e)
{
	struct owners *o = user;
	struct socket_seen s = {0};
	const struct packet_process *p;
	char name[33] = "";
	u64 did;

	if (e->schema != o->schema)
		read_fields(o, e->schema);
	if (o->nfields < FIELDS || field(o, e, F_NET) != o->net)
		return 0;
	if (field(o, e, F_FAMILY) != 2 && field(o, e, F_FAMILY) != 10)
		return 0;
	did = field(o, e, F_DID);
	s.protocol = (u8)field(o, e, F_PROTO);
	s.lport = (u16)field(o, e, F_LPORT);
	s.pport = __builtin_bswap16((u16)field(o, e, F_PPORT));
	addr_of(o, e, F_L4, F_L6, s.local);
	addr_of(o, e, F_P4, F_P6, s.peer);
	if (o->fields[F_COMM].off < e->size)
		snprintf(name, sizeof(name), "%.*s",
			 (int)MIN(o->fields[F_COMM].size, (u32)(e->size - o->fields[F_COMM].off)),
			 (const char *)e->data + o->fields[F_COMM].off);
	p = process_of(o, (u32)field(o, e, F_PID), name, field(o, e, F_CGROUP));
	if (!p)
		o->err = -ENOMEM;
	else if (did == DID_BEGIN) { /* known by where it goes, as if it came from nowhere */
		s.lport = 0;
		memset(s.local, 0, 16);
		put_socket(o, &s, false, p);
	} else {
		put_socket(o, &s, did == DID_USE && (s.lport || s.protocol != PROTO_TCP), p);
	}
	return 0;
}

int owners_update(struct owners *o)
{
	int n = 1;

	while (!o->ended && n > 0)
		n = waggle_session_poll(o->session, 0, take_event, o);
	o->ended |= n < 0; /* of --pid: the process has ended */
	return o->err;
}

/* ---- packets */

struct parsed {
	struct ends_key sent, received; /* as their sender and receiver have them */
	bool begins;                    /* a TCP connection */
};

/* Behind the header of the link: where IP begins; NULL: it is something else. */
static const u8 *ip_of(const struct packet *p, u32 *n)
{
	u32 at = 0, type = 0;

	switch (p->link) {
	case LINK_ETHERNET: at = 14; break;
	case LINK_SLL2: at = 20; break;
	case LINK_SLL: at = 16; break;
	case LINK_NULL:
	case LINK_LOOP: at = 4; break;
	default: break;
	}
	if (p->captured < at + 20)
		return NULL;
	if (p->link == LINK_ETHERNET)
		type = (u32)p->data[12] << 8 | p->data[13];
	while (type == 0x8100 || type == 0x88a8) {
		type = (u32)p->data[at + 2] << 8 | p->data[at + 3];
		at += 4;
		if (p->captured < at + 20)
			return NULL;
	}
	if (p->link == LINK_ETHERNET && type != 0x0800 && type != 0x86dd)
		return NULL;
	*n = p->captured - at;
	return p->data + at;
}

static bool parse(const struct packet *packet, struct parsed *to)
{
	u32 n, head, a, b;
	const u8 *p = ip_of(packet, &n), *up;
	struct ends_key *k = &to->sent;

	memset(to, 0, sizeof(*to));
	if (!p || (p[0] >> 4 != 4 && (p[0] >> 4 != 6 || n < 40)))
		return false;
	head = p[0] >> 4 == 4 ? (p[0] & 15) * 4u : 40;
	k->protocol = p[0] >> 4 == 4 ? p[9] : p[6];
	if (p[0] >> 4 == 4) {
		u32 addrs[2];

		memcpy(addrs, p + 12, 8);
		put_mapped(k->local, addrs[0]);
		put_mapped(k->peer, addrs[1]);
	} else {
		memcpy(k->local, p + 8, 16);
		memcpy(k->peer, p + 24, 16);
	}
	up = p + head;
	if (k->protocol == PROTO_TCP || k->protocol == PROTO_UDP) {
		if (n < head + 4 || (p[0] >> 4 == 4 && ((p[6] & 0x1f) | p[7])))
			return false;
		a = (u32)up[0] << 8 | up[1];
		b = (u32)up[2] << 8 | up[3];
		to->begins = k->protocol == PROTO_TCP && n >= head + 14 && (up[13] & 0x12) == 2;
	} else if (k->protocol == PROTO_ICMP || k->protocol == PROTO_ICMP6) {
		if (n < head + 8)
			return false;
		a = b = (u32)up[4] << 8 | up[5]; /* of ping */
	} else {
		a = b = k->protocol; /* raw sockets have it as their port */
	}
	k->lport = (u16)a;
	k->pport = (u16)b;
	to->received =
		(struct ends_key){.protocol = k->protocol, .lport = k->pport, .pport = k->lport};
	memcpy(to->received.local, k->peer, 16);
	memcpy(to->received.peer, k->local, 16);
	return true;
}

/* By both ends, by its own end, by its port, and of raw sockets by the protocol. */
static const struct packet_process *find(const struct owners *o, struct ends_key key)
{
	const struct packet_process *p = get_row(o, &key);

	key.pport = 0;
	memset(key.peer, 0, 16);
	if (!p)
		p = get_row(o, &key);
	memset(key.local, 0, 16);
	if (!p)
		p = get_row(o, &key);
	key.lport = (u16)key.protocol;
	if (!p && key.protocol != PROTO_TCP && key.protocol != PROTO_UDP)
		p = get_row(o, &key);
	return p;
}

static const struct packet_process *find_begun(const struct owners *o, struct ends_key key)
{
	key.lport = 0;
	memset(key.local, 0, 16);
	return get_row(o, &key);
}

bool owners_find(struct owners *o, struct packet *p)
{
	struct parsed ends;
	u32 missing;

	p->from = p->to = NULL;
	if (!parse(p, &ends))
		return true;
	if (p->way != PACKET_CAME)
		p->from = find(o, ends.sent);
	if (p->way != PACKET_WENT)
		p->to = find(o, ends.received);
	missing = (p->way & PACKET_WENT && !p->from) | (p->way & PACKET_CAME && !p->to);
	return !missing;
}

/* What is known of a connection that is still being made when nothing better has come. */
void owners_guess(struct owners *o, struct packet *p)
{
	struct parsed ends;

	if (p->from || p->way == PACKET_CAME || !parse(p, &ends) || !ends.begins)
		return;
	p->from = find_begun(o, ends.sent);
	if (p->from)
		put_row(o, &ends.sent, p->from);
}

/* ---- */

static int start(struct owners *o, const struct waggle_opts *from, struct diag *d)
{
	struct waggle_opts opts = {.sz = sizeof(opts),
				   .name = "capture",
				   .diag = from->diag,
				   .user = from->user,
				   .engine = WAGGLE_KERNEL,
				   .pid = from->pid,
				   .comm = from->comm,
				   .quiet = true,
				   .leaving = from->leaving,
				   .here = true};
	struct buf script = {0};
	int err;

	write_script(&script);
	err = script.failed ? -ENOMEM
			    : waggle_compile(&o->object, WAGGLE_SCRIPT, script.p, script.n, &opts);
	buf_free(&script);
	if (!err)
		err = waggle_session_start(&o->session, o->object, &opts);
	if (err)
		diag_note(d, NULL,
			  "to know processes takes the right to load BPF programs and a kernel "
			  "with BTF; without --proc packets come as they are");
	return err;
}

int owners_open(struct owners **out, const struct waggle_opts *opts, struct diag *d)
{
	struct owners *o = calloc(1, sizeof(*o));
	struct stat st;
	int err;

	*out = o;
	if (!o)
		return -ENOMEM;
	o->pid = (u32)opts->pid;
	o->comm = opts->comm;
	if (!stat("/proc/self/ns/net", &st))
		o->net = st.st_ino;
	err = start(o, opts, d);
	if (!err)
		err = owners_scan(take_seen, o);
	return err ? err : o->err;
}

int owners_fd(const struct owners *o)
{
	return o->ended ? -1 : waggle_session_fd(o->session);
}

u64 owners_lost(const struct owners *o)
{
	return waggle_session_lost(o->session);
}

void owners_close(struct owners *o)
{
	if (!o)
		return;
	waggle_session_stop(o->session);
	waggle_object_free(o->object);
	for (u32 i = 0; i < o->nprocesses; i++)
		free(o->processes[i]);
	free(o->processes);
	free(o->rows);
	free(o);
}
