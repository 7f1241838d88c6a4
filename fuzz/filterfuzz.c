/*
 * filterfuzz.c: our compiler of packet filters against libpcap's.
 *
 * In:  how many filters, how many packets for each (-p), a seed (-s); or a file of filters, one a
 * line
 *      (-c), whose numbers of instructions are compared, too, or about which libpcap is known to be
 *      wrong (-w). -y LINK: a number of DLT_. -t: tags, as vlan and mpls, too.
 * Out: filters that one takes and the other does not, and packets on which they are not of one
 * mind; status 1 if there was any.
 *
 * Compared are the meaning of the tree of tests, our plain and our optimised program, the latter's
 * translation to BPF in our machine (interpreted and compiled in turn), both of ours for many
 * packets at once, its run by the kernel on a pair of sockets, its programs for XDP, tc, cgroup_skb
 * and sockets where the kernel takes any, and libpcap's two programs.
 *
 * libpcap's program without its optimiser is right. With it, and with ours, a packet that ends
 * before a test that the plain program makes may be taken, if it would be whatever that test said.
 */
#include "libpcap.h"

#include "../tests/kernel_run.h"
#include "filter/bpf.h"
#include "filter/filter.h"
#include "vm/classic.h"
#include "vm/vm.h"

#include "filtergen.h"
#include "many.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NETMASK 0xffffff00

static u32 packets = 200, link_type = 1, bad, tried, refused;
static u32 our_size, their_size, n_longer, n_slower;
static u64 ours_executed, theirs_executed;
static u32 directs, wide;
static struct many many;
static bool verbose, measured, wrong_ones;

static void keep_diag(void *user, const struct waggle_diag *d)
{
	snprintf(user, 200, "%u: %s", d->col, d->text);
}

/* ---- running */

struct program { /* of classic BPF */
	const struct cbpf_insn *v;
	u32 n;
};

static struct cbpf_packet packet_of(const struct frame *f)
{
	return (struct cbpf_packet){
		.data = (uintptr_t)f->bytes, .captured = f->n, .len = f->n, .net = 14};
}

/* How many instructions are executed. */
static u32 executed(const struct cbpf_insn *program, const struct frame *f)
{
	const u8 *b = f->bytes;
	u32 a = 0, x = 0, m[16] = {0}, n = 0, pc = 0;

	for (;;) {
		const struct cbpf_insn *i = &program[pc++];
		u32 k = i->k, op = i->code & 0xf0, v = i->code & BPF_X ? x : k;
		u64 off = (u64)k + ((i->code & 0xe0) == BPF_IND ? x : 0);
		u32 size = (i->code & 0x18) == BPF_W ? 4 : (i->code & 0x18) == BPF_H ? 2 : 1;

		n++;
		switch (i->code & 7) {
		case BPF_LD:
			if ((i->code & 0xe0) == BPF_IMM)
				a = k;
			else if ((i->code & 0xe0) == CBPF_LEN)
				a = f->n;
			else if ((i->code & 0xe0) == BPF_MEM)
				a = m[k];
			else if (off + size > f->n)
				return n;
			else
				for (a = 0; size--; off++)
					a = a << 8 | b[off];
			break;
		case BPF_LDX:
			if ((i->code & 0xe0) == BPF_IMM)
				x = k;
			else if ((i->code & 0xe0) == CBPF_LEN)
				x = f->n;
			else if ((i->code & 0xe0) == BPF_MEM)
				x = m[k];
			else if (k >= f->n)
				return n;
			else
				x = (b[k] & 15u) << 2;
			break;
		case BPF_ST: m[k] = a; break;
		case BPF_STX: m[k] = x; break;
		case BPF_JMP:
			if (op == BPF_JA)
				pc += k;
			else
				pc += (op == BPF_JEQ   ? a == v
				       : op == BPF_JGT ? a > v
				       : op == BPF_JGE ? a >= v
						       : (a & v) != 0)
					      ? i->jt
					      : i->jf;
			break;
		case BPF_ALU:
			if ((op == BPF_DIV || op == BPF_MOD) && !v)
				return n;
			a = op == BPF_ADD   ? a + v
			    : op == BPF_SUB ? a - v
			    : op == BPF_MUL ? a * v
			    : op == BPF_DIV ? a / v
			    : op == BPF_MOD ? a % v
			    : op == BPF_AND ? a & v
			    : op == BPF_OR  ? a | v
			    : op == BPF_XOR ? a ^ v
			    : op == BPF_LSH ? a << (v & 31)
			    : op == BPF_RSH ? a >> (v & 31)
					    : -a;
			break;
		case CBPF_RET: return n;
		default:
			if (i->code & 0x80)
				a = x;
			else
				x = a;
		}
	}
}

static bool takes(const struct program *p, const struct frame *f)
{
	struct cbpf_packet packet = packet_of(f);

	return classic_run(p->v, &packet) != 0;
}

static bool libpcap_takes(const struct bpf_program *p, const struct frame *f)
{
	return bpf_filter(p->bf_insns, f->bytes, f->n, f->n) != 0;
}

/* ---- the kernel: a filter on a pair of sockets */

static int sockets[2];

static bool kernel_attach(const struct program *p)
{
	struct {
		u16 n;
		const struct cbpf_insn *v;
	} prog = {(u16)p->n, p->v};

	return !setsockopt(sockets[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static bool kernel_takes(const struct frame *f)
{
	u8 back[FRAME_MOST];

	return send(sockets[1], f->bytes, f->n, 0) == (ssize_t)f->n &&
	       recv(sockets[0], back, sizeof(back), MSG_DONTWAIT) >= 0;
}

/* ---- the kernel: the filter as a program for XDP, tc, ... */

static const struct place {
	u32 hook, link;
	bool ethernet; /* BPF_PROG_TEST_RUN wants a header, which the program does not see */
} places[] = {
	{HOOK_XDP, 1, false},
	{HOOK_TC, 1, false},
	{HOOK_CGROUP_SKB, 12, true},
	{HOOK_SOCKET, 12, true},
};
static u64 loaded, ran;
static char verifier_log[1 << 16];

static int place_load(const struct place *p, struct arena *arena, const struct program *from)
{
	struct code code = {0};
	struct diag d = {0};
	int fd;

	if (p->link != link_type ||
	    filter_program(&code, arena, p->hook, from->v, from->n, KERNEL(5, 10), &d))
		return -1;
	fd = kr_load_as(filter_hooks[p->hook].kind, &code, 0, verifier_log, sizeof(verifier_log));
	if (fd == -EPERM) /* it is not ours to load */
		return -1;
	loaded += fd >= 0;
	return fd;
}

/* The verdict, or -1: this packet cannot be shown to programs. */
static int place_takes(const struct place *p, int prog, const struct frame *f)
{
	u8 bytes[FRAME_MOST + 14] = {[12] = f->bytes[0] >> 4 == 6 ? 0x86 : 0x08,
				     [13] = f->bytes[0] >> 4 == 6 ? 0xdd : 0x00};
	u32 before = p->ethernet ? 14 : 0, got = 0;

	memcpy(bytes + before, f->bytes, f->n);
	if (kr_run_packet(prog, bytes, f->n + before, &got))
		return -1;
	ran++;
	return p->hook == HOOK_SOCKET ? got != 0 : got == filter_hooks[p->hook].pass;
}

/* ---- both compilers */

struct pair {
	const char *text;
	struct arena arena;
	struct filter plain, best;
	struct bpf_program theirs, theirs_best;
	bool has_theirs, differs, in_kernel;
	u64 executed, their_executed;
	int places[ARRAY_SIZE(places)]; /* programs; < 0: none */
	struct vm_run *run;             /* of the translation, with all checks, or NULL */
	struct vm *vm;
	vm_direct_fn *direct; /* without any, as a function, or NULL */
	struct vm *direct_vm;
};

static void complain(const struct pair *p, const struct frame *f, const char *what)
{
	if (bad++ > 20)
		return;
	printf("not ok filter: %s: %s\n", p->text, what);
	if (!f)
		return;
	printf("  packet:");
	for (u32 i = 0; i < f->n; i++)
		printf(" %02x", f->bytes[i]);
	printf("\n");
}

/* A file of names of this machine; there are few, and they stay in memory. */
static const char *read_names(void *user, const char *path, size_t *size)
{
	struct arena *arena = user;
	FILE *f = fopen(path, "r");
	char part[4096];
	struct buf text = {0};
	size_t n;
	char *copy;

	while (f && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&text, part, n);
	if (f)
		fclose(f);
	copy = arena_strndup(arena, buf_str(&text), text.n);
	*size = text.n;
	buf_free(&text);
	return copy;
}

static int compile_ours(struct pair *p, char *why)
{
	struct diag d = {.fn = keep_diag, .user = why};
	char number[16];
	struct filter_opts o = {.link = number,
				.netmask = NETMASK,
				.has_netmask = true,
				.plain = true,
				.names = read_names,
				.user = &p->arena};
	size_t n = strlen(p->text);
	int err;

	snprintf(number, sizeof(number), "%u", link_type);
	err = filter_compile(&p->plain, &p->arena, p->text, n, &o, &d);
	o.plain = false;
	o.swift = !measured && n & 1;
	if (err == -E2BIG) { /* only the optimiser makes it fit */
		p->plain.insns.n = 0;
		err = 0;
	}
	return err ? err : filter_compile(&p->best, &p->arena, p->text, n, &o, &d);
}

/* May a packet be taken although it ends before a test? If all that begin so are. */
static bool may_take(const struct pair *p, const struct frame *f)
{
	struct frame longer, other;
	struct cbpf_packet packet;

	for (u32 i = 0; i < 24; i++) {
		gen_frame(&other, link_type);
		longer = *f;
		while (longer.n < FRAME_MOST) {
			longer.bytes[longer.n] =
				i & 1 && longer.n < other.n ? other.bytes[longer.n] : (u8)rnd(256);
			longer.n++;
		}
		packet = packet_of(&longer);
		packet.len = f->n;
		if (filter_eval(&p->best, &packet) == FILTER_NO)
			return false;
	}
	return true;
}

/* room: bytes behind the packet that a program may read, though they must not count. */
static void run_translations(struct pair *p, const struct frame *f, bool got, u32 room)
{
	struct cbpf_packet packet = packet_of(f);
	u64 translated = 0;

	packet.room = room;
	if (p->direct && ((u32)p->direct((uintptr_t)&packet) != 0) != got)
		complain(p, f, "the function is not the program's");
	if (!p->run)
		return;
	vm_lend(p->run, (struct vm_region){.start = (uintptr_t)&packet,
					   .size = sizeof(packet),
					   .kind = VM_CTX});
	vm_lend(p->run, (struct vm_region){.start = (uintptr_t)f->bytes,
					   .size = f->n + room,
					   .kind = VM_PACKET});
	if (vm_call(p->run, 0, (uintptr_t)&packet, 0, &translated) || (translated != 0) != got)
		complain(p, f, "the translation is not the program's");
	vm_take_back(p->run, (uintptr_t)f->bytes);
	vm_take_back(p->run, (uintptr_t)&packet);
}

static void compare_packet(struct pair *p, const struct frame *f)
{
	struct cbpf_packet packet = packet_of(f);
	struct program plain = {p->plain.insns.v, p->plain.insns.n};
	struct program best = {p->best.insns.v, p->best.insns.n};
	enum filter_verdict strict = filter_eval(&p->best, &packet);
	bool lazily = strict == FILTER_SHORT;
	bool right = strict == FILTER_YES, got = takes(&best, f);

	if (p->has_theirs) {
		bool theirs = libpcap_takes(&p->theirs, f),
		     their_best = libpcap_takes(&p->theirs_best, f);

		if (wrong_ones)
			p->differs |= theirs != right || their_best != right;
		else if (theirs != right && their_best != right && !(right && may_take(p, f)))
			complain(p, f, "the tree is not libpcap's");
	}
	if (plain.n && takes(&plain, f) != right && !(lazily && may_take(p, f)))
		complain(p, f, "the plain program is not the tree's");
	if (got != right && !(lazily && may_take(p, f)))
		complain(p, f, "the optimised program is not the tree's");
	if (p->in_kernel && kernel_takes(f) != got)
		complain(p, f, "the kernel runs the program otherwise");
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		int is = p->places[i] < 0 ? -1 : place_takes(&places[i], p->places[i], f);

		if (is >= 0 && (bool)is != got)
			complain(p, f, filter_hooks[places[i].hook].name);
	}
	run_translations(p, f, got, 0);
	run_translations(p, f, got, FRAME_MOST - f->n);
}

/* All packets so far at once, and then not quite all; one by one, as the interpreter has it. */
static void compare_many(struct pair *p, const struct filter *f, vm_direct_fn *one)
{
	struct lanes *lanes;
	u32 where;

	if (!f->insns.n || lanes_open(&lanes, f->insns.v, f->insns.n, one))
		return;
	wide += lanes_are_wide(lanes);
	if (many_compare(&many, lanes, f->insns.v, many.n, &where) ||
	    many_compare(&many, lanes, f->insns.v, many.n - MIN(many.n, tried % LANES), &where))
		complain(p, NULL, "many packets at once are decided otherwise");
	lanes_close(lanes);
}

static void translate(struct pair *p, bool interpret)
{
	struct vm_opts opts = {.interpret = interpret}, trusted = {.trusted = true};
	struct code t = {0};
	struct diag d = {0};

	if (filter_program(&t, &p->arena, HOOK_PLAIN, p->best.insns.v, p->best.insns.n,
			   KERNEL(5, 10), &d))
		return;
	if (!vm_open_code(&p->vm, t.insns.v, t.insns.n, &opts, &d))
		vm_run_open(&p->run, p->vm, NULL, NULL, 0);
	if (!vm_open_code(&p->direct_vm, t.insns.v, t.insns.n, &trusted, &d))
		p->direct = vm_direct(p->direct_vm, 0);
	directs += p->direct != NULL;
}

/* Instructions of the program, and of those what is executed on average. */
static void compare_size(const struct pair *p)
{
	u32 ours = p->best.insns.n, theirs = p->theirs_best.bf_len;
	char what[80];

	our_size += ours;
	their_size += theirs;
	n_longer += ours > theirs;
	n_slower += p->executed > p->their_executed;
	if (verbose)
		printf("%s %4u %4u  %6.2f %6.2f  %s\n",
		       ours > theirs                     ? "longer"
		       : p->executed > p->their_executed ? "slower"
							 : "fine",
		       ours, theirs, (double)p->executed / packets,
		       (double)p->their_executed / packets, p->text);
	if (!measured)
		return;
	snprintf(what, sizeof(what), "%u instructions, libpcap %u", ours, theirs);
	if (ours > theirs)
		complain(p, NULL, what);
}

static void load_everywhere(struct pair *p)
{
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		p->places[i] = place_load(&places[i], &p->arena,
					  &(struct program){p->best.insns.v, p->best.insns.n});
		if (p->places[i] < -1) {
			complain(p, NULL, "the verifier does not take it");
			printf("%s", verifier_log);
		}
	}
}

static void try(const char *text, pcap_t *dead, pcap_t *plain_dead)
{
	struct pair p = {.text = text};
	char why[256] = "";
	struct cbpf_wrong wrong;
	struct frame f;
	int err = compile_ours(&p, why), theirs;

	theirs = pcap_compile(plain_dead, &p.theirs, text, 0, NETMASK);
	if (!theirs)
		theirs = pcap_compile(dead, &p.theirs_best, text, 1, NETMASK);
	p.has_theirs = !theirs;
	tried++;
	if (theirs && strstr(pcap_geterr(plain_dead), "not supported"))
		theirs = !err ? -2 : theirs; /* we take it */
	if (err && !theirs)
		complain(&p, NULL, why);
	if (!err && theirs == -1 &&
	    !strstr(pcap_geterr(plain_dead), "expression rejects all packets") &&
	    !strstr(pcap_geterr(dead), "expression rejects all packets"))
		complain(&p, NULL, pcap_geterr(plain_dead));
	refused += err && theirs;
	if (!err && cbpf_check(p.best.insns.v, p.best.insns.n, &wrong))
		complain(&p, NULL, wrong.text);
	else if (!err) {
		translate(&p, tried & 1);
		load_everywhere(&p);
		p.in_kernel = kernel_attach(&(struct program){p.best.insns.v, p.best.insns.n});
		if (!p.in_kernel)
			complain(&p, NULL, "the kernel does not take the program");
		many_begin(&many);
		for (u32 i = 0; i < packets; i++) {
			gen_frame(&f, link_type);
			compare_packet(&p, &f);
			many_add(&many, f.bytes, f.n, f.n);
			if (p.has_theirs) {
				p.executed += executed(p.best.insns.v, &f);
				p.their_executed += executed((void *)p.theirs_best.bf_insns, &f);
			}
		}
		compare_many(&p, &p.best, p.direct);
		compare_many(&p, &p.plain, NULL);
		if (p.run)
			vm_run_close(p.run);
		vm_close(p.vm);
		vm_close(p.direct_vm);
		for (u32 i = 0; i < ARRAY_SIZE(places); i++)
			if (p.places[i] >= 0)
				close(p.places[i]);
	}
	if (!err && !theirs)
		compare_size(&p);
	if (wrong_ones && !err && !p.differs)
		complain(&p, NULL, "libpcap is not wrong about it");
	ours_executed += p.executed;
	theirs_executed += p.their_executed;
	pcap_freecode(&p.theirs);
	pcap_freecode(&p.theirs_best);
	arena_free(&p.arena);
}

/* Each line of a file that is no comment. */
static int try_file(const char *path, pcap_t *dead, pcap_t *plain_dead)
{
	FILE *f = fopen(path, "r");
	char line[65536];

	if (!f) {
		perror(path);
		return 1;
	}
	measured = !wrong_ones;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!*line || *line == '#')
			continue;
		gen_state = 88172645463325252ull;
		gen_tags = strstr(line, "vlan") || strstr(line, "mpls") || strstr(line, "pppoe");
		try(line, dead, plain_dead);
	}
	fclose(f);
	return 0;
}

static void try_random(u32 n, u32 seed, pcap_t *dead, pcap_t *plain_dead)
{
	for (u32 i = 0; i < n && bad < 20; i++) {
		struct buf text = {0};

		gen_state = (seed + i) * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
		rnd(1);
		/* without it, arithmetic in front makes libpcap forget where the header is */
		if (gen_wireless())
			buf_puts(&text, "ether host 0:1:2:3:4:5 and ip host 9.9.9.9 or ");
		if (gen_tags && !rnd(8))
			gen_tunnel(&text);
		else if (rnd(12))
			gen_filter(&text, rnd(4));
		else
			gen_list(&text);
		try(buf_str(&text), dead, plain_dead);
		buf_free(&text);
	}
}

int main(int argc, char **argv)
{
	u32 n = 500, seed = 1;
	const char *file = NULL;
	pcap_t *dead, *plain_dead;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:p:y:c:vtw")) >= 0)
		switch (opt) {
		case 'n': n = (u32)atoi(optarg); break;
		case 's': seed = (u32)atoi(optarg); break;
		case 'p': packets = (u32)atoi(optarg); break;
		case 'y': link_type = (u32)atoi(optarg); break;
		case 'c': file = optarg; break;
		case 'v': verbose = true; break;
		case 't': gen_tags = true; break;
		case 'w': wrong_ones = true; break;
		default: return 2;
		}
	gen_link = link_type;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets)) {
		perror("socketpair");
		return 1;
	}
	many_open(&many, FRAME_MOST);
	dead = pcap_open_dead((int)link_type, 262144);
	plain_dead = pcap_open_dead((int)link_type, 262144);
	if (file)
		bad += (u32)try_file(file, dead, plain_dead);
	else
		try_random(n, seed, dead, plain_dead);
	pcap_close(dead);
	pcap_close(plain_dead);
	if (file && ours_executed > theirs_executed)
		bad++;
	if (verbose)
		printf("%u are functions, %u wide; %llu programs of XDP, tc, cgroup_skb and "
		       "sockets loaded, "
		       "%llu runs\n",
		       directs, wide, (unsigned long long)loaded, (unsigned long long)ran);
	printf("%s filters: %u of link %u%s, %u packets each (%u refused); instructions %u, "
	       "libpcap "
	       "%u; executed %llu, libpcap %llu\n",
	       bad ? "not ok" : "ok", tried, link_type, gen_tags && !file ? " with tags" : "",
	       packets, refused, our_size, their_size, (unsigned long long)ours_executed,
	       (unsigned long long)theirs_executed);
	if (verbose)
		printf("%u longer, %u slower than libpcap's\n", n_longer, n_slower);
	return bad != 0;
}
