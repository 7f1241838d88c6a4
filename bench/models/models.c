/*
 * models.c: the question of McCanne and Jacobson (1993), asked again: what does a filter cost in
 *each model?
 *
 *	models [-n ROUNDS] FOLDER
 *
 * In:  nothing; traffic is generated, the same each time. Out: FOLDER/models.md, a page with
 *tables, and drawings beside it. Status 1 if two models are not of one mind about a packet.
 *
 * The tree: CSPF's machine, which walks over the whole expression and has a stack. The graph: BPF's
 *machine, with libpcap's compiler without and with its optimiser, and with ours; interpreted
 *(libpcap's bpf_filter()) and compiled (ours), for one packet and for eight at once. In-kernel
 *filtering against the tap, which copies all: datagrams through a pair of sockets.
 */
#include "../../fuzz/libpcap.h"

#include "filter/bpf.h"
#include "filter/inside.h"
#include "vm/lanes.h"
#include "vm/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 8192
#define BYTES   128
#define ROOM    256 /* behind each packet, which may be read */

static const struct question {
	const char *text;
	bool paper;
} questions[] = {
	{"ip", true},
	{"ip and (src host 10.0.0.1 or dst host 10.0.0.1)", true},
	{"tcp port 79 or tcp port 53 or tcp port 513 or tcp port 514", true},
	{"(ip or arp or rarp) and host 10.0.0.1 and host 10.0.0.2", true},
	{"tcp port 443", false},
	{"udp port 53", false},
	{"tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn", false},
	{"net 10.0.0.0/8 and not port 22", false},
	{"ip6 and tcp dst port 443", false},
	{"portrange 8000-8063", false},
	{"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420", false},
	{"icmp or icmp6 or arp", false},
	{"host 10.0.0.1 or host 10.0.0.2 or host 10.0.0.3 or host 10.0.0.4 or host 10.0.0.5",
	 false},
	{"tcp port 80 or 443 or 8080 or 8443 or 3306 or 5432 or 6379 or 9092", false},
};

/* ---- traffic */

static u8 trace[PACKETS + ROOM / BYTES + 1][BYTES]
	__attribute__((aligned(64))); /* headers in one line of the cache, however it is linked */
static u32 sizes[PACKETS];
static u64 state = 88172645463325252ull;

static u32 rnd(u32 n)
{
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return (u32)(state >> 20) % n;
}

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

/* Four of five are IPv4, most of that TCP; some IPv6 and ARP. */
static void make_packet(u8 *p, u32 *size)
{
	static const u16 ports[] = {443, 443, 80, 53, 22, 8080, 3306, 79, 8010};
	static const u8 macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	static const u8 arp[8] = {0, 1, 8, 0, 6, 4, 0, 1}, tls[4] = {0x16, 3, 1, 2};
	static const u8 get[4] = {'G', 'E', 'T', ' '};
	u32 kind = rnd(20), proto = rnd(10) < 7 ? 6 : rnd(8) ? 17 : 1, at;

	memset(p, 0, BYTES);
	*size = 60 + rnd(BYTES - 60);
	memcpy(p, macs, sizeof(macs));
	if (!kind) {
		put16(p + 12, 0x806);
		memcpy(p + 14, arp, sizeof(arp));
		p[28] = p[38] = 10;
		p[31] = (u8)rnd(20);
		p[41] = (u8)rnd(20);
		return;
	}
	at = kind < 4 ? 54 : 34;
	put16(p + 12, kind < 4 ? 0x86dd : 0x800);
	p[14] = kind < 4 ? 0x60 : 0x45;
	p[kind < 4 ? 20 : 23] = (u8)proto;
	if (kind >= 4) {
		p[26] = p[30] = 10;
		p[29] = (u8)rnd(20);
		p[33] = (u8)rnd(20);
	}
	put16(p + at, rnd(3) ? 1024 + rnd(60000) : ports[rnd(ARRAY_SIZE(ports))]);
	put16(p + at + 2, ports[rnd(ARRAY_SIZE(ports))]);
	p[at + 12] = 0x50;
	p[at + 13] = rnd(5) ? 0x10 : 2;
	memcpy(p + at + 20, rnd(4) ? tls : get, sizeof(get));
}

/* ---- the tree and its stack */

enum stack_op { PUSH, JOIN_AND, JOIN_OR, TURN };
struct stack_insn {
	u8 op;
	u32 value;
	struct set set;
};
struct stack_code {
	vec(struct stack_insn) v;
};

static void put_tree(struct stack_code *c, struct arena *a, const struct tree *t)
{
	if (t->kind == TREE_TEST) {
		vec_push(a, &c->v, (struct stack_insn){PUSH, t->value, t->set});
		return;
	}
	for (u32 i = 0; i < t->kids.n; i++) {
		put_tree(c, a, t->kids.v[i]);
		if (t->kind == TREE_NOT)
			vec_push(a, &c->v, (struct stack_insn){.op = TURN});
		else if (i)
			vec_push(a, &c->v,
				 (struct stack_insn){.op = t->kind == TREE_AND ? JOIN_AND
									       : JOIN_OR});
	}
}

/* All of it is walked over, whatever the first test said: as CSPF did it. */
static bool stack_run(const struct stack_code *c, const struct values *vs,
		      const struct cbpf_packet *p)
{
	bool stack[256] = {0};
	u32 top = 0, number;

	vec_each (i, &c->v)
		switch (i->op) {
		case PUSH:
			stack[top++] =
				!val_eval(vs, i->value, p, &number) && set_has(i->set, number);
			break;
		case JOIN_AND: top--, stack[top - 1] &= stack[top]; break;
		case JOIN_OR: top--, stack[top - 1] |= stack[top]; break;
		default: stack[top - 1] = !stack[top - 1]; break;
		}
	return top && stack[0];
}

/* ---- one question in all models */

enum model { TREE, PLAIN, LIBPCAP, OURS, PLAIN_JIT, OURS_JIT, OURS_MANY, TAP, IN_KERNEL, MODELS };
static const char *const names[MODELS] = {
	"tree, interpreted", "graph, plain",   "graph, libpcap",      "graph, ours",
	"plain, compiled",   "ours, compiled", "ours, eight at once", "tap",
	"in the kernel"};

struct asked {
	struct arena arena;
	struct filter filter;
	struct stack_code stack;
	struct bpf_program plain, best;
	struct vm *vm[2];
	vm_direct_fn *direct[2];
	struct lanes *lanes;
	u32 taken[MODELS];
	double ns[MODELS];
};
static struct lanes_group groups[PACKETS / LANES]; /* where packets are */
static int pair[2];
static int rounds = 20;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool bpf_takes(const struct cbpf_insn *in, u32 i)
{
	return bpf_filter((const struct bpf_insn *)in, trace[i], sizes[i], sizes[i]) != 0;
}

/* Through the sockets, in batches that their buffer holds. */
static u32 through(struct asked *q, bool filtered)
{
	u8 back[BYTES];
	u32 taken = 0;
	ssize_t n;

	for (u32 i = 0; i < PACKETS; i++) {
		if (send(pair[1], trace[i], sizes[i], 0) < 0)
			continue;
		n = recv(pair[0], back, sizeof(back), MSG_DONTWAIT);
		taken += n >= 0 && (filtered || bpf_filter(q->best.bf_insns, back, (u32)n, (u32)n));
	}
	return taken;
}

static u32 run(struct asked *q, enum model m)
{
	u32 taken = 0;

	if (m == TAP || m == IN_KERNEL)
		return through(q, m == IN_KERNEL);
	if (m == OURS_MANY) {
		lanes_run(q->lanes, trace[0], sizeof(trace), groups, PACKETS);
		return lanes_taken(groups, PACKETS);
	}
	for (u32 i = 0; i < PACKETS; i++) {
		struct cbpf_packet p = {.data = (uintptr_t)trace[i],
					.captured = sizes[i],
					.len = sizes[i],
					.room = ROOM};

		switch (m) {
		case TREE: taken += stack_run(&q->stack, q->filter.values, &p); break;
		case PLAIN: taken += bpf_takes((void *)q->plain.bf_insns, i); break;
		case LIBPCAP: taken += bpf_takes((void *)q->best.bf_insns, i); break;
		case OURS: taken += bpf_takes(q->filter.insns.v, i); break;
		default: taken += (u32)q->direct[m == OURS_JIT]((u64)(uintptr_t)&p) != 0; break;
		}
	}
	return taken;
}

static void attach(const struct asked *q, bool on)
{
	struct {
		u16 n;
		const struct cbpf_insn *v;
	} program = {(u16)q->filter.insns.n, q->filter.insns.v};
	int zero = 0;

	if (on)
		setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	else
		setsockopt(pair[0], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero));
}

/* The least of some rounds, the models in turn. */
static int measure(struct asked *q)
{
	int err = 0;

	for (int r = 0; r < rounds; r++)
		for (enum model m = 0; m < MODELS; m++) {
			double from, ns;

			if (m == IN_KERNEL)
				attach(q, true);
			from = now();
			q->taken[m] = run(q, m);
			ns = (now() - from) / PACKETS;
			if (m == IN_KERNEL)
				attach(q, false);
			if (!r || ns < q->ns[m])
				q->ns[m] = ns;
		}
	for (enum model m = 0; m < MODELS; m++)
		err |= q->taken[m] != q->taken[PLAIN];
	return err;
}

static vm_direct_fn *compiled(struct asked *q, u32 which, const struct cbpf_insn *in, u32 n)
{
	struct vm_opts o = {.trusted = true};
	struct code code = {0};
	struct diag d = {0};

	if (filter_program(&code, &q->arena, HOOK_PLAIN, in, n, KERNEL(5, 10), &d) ||
	    vm_open_code(&q->vm[which], code.insns.v, code.insns.n, &o, &d))
		return NULL;
	return vm_direct(q->vm[which], 0);
}

static int ask(struct asked *q, const char *text, pcap_t *dead)
{
	struct filter_opts o = {0};
	struct diag d = {0};

	if (filter_compile(&q->filter, &q->arena, text, strlen(text), &o, &d) ||
	    pcap_compile(dead, &q->plain, text, 0, 0) || pcap_compile(dead, &q->best, text, 1, 0))
		return 1;
	put_tree(&q->stack, &q->arena, q->filter.tree);
	q->direct[0] = compiled(q, 0, (void *)q->plain.bf_insns, q->plain.bf_len);
	q->direct[1] = compiled(q, 1, q->filter.insns.v, q->filter.insns.n);
	return !q->direct[0] || !q->direct[1] ||
	       lanes_open(&q->lanes, q->filter.insns.v, q->filter.insns.n, q->direct[1]) ||
	       measure(q);
}

/* ---- the page */

static void put_rows(FILE *f, struct asked *all, bool paper)
{
	fprintf(f, "| filter | taken |");
	for (u32 m = 0; m < MODELS; m++)
		fprintf(f, " %s |", names[m]);
	fprintf(f, "\n|---|---|");
	for (u32 m = 0; m < MODELS; m++)
		fprintf(f, "---|");
	fprintf(f, "\n");
	for (u32 i = 0; i < ARRAY_SIZE(questions); i++) {
		struct asked *q = &all[i];

		if (questions[i].paper != paper)
			continue;
		fprintf(f, "| `");
		for (const char *c = questions[i].text; *c; c++)
			fprintf(f, *c == '|' ? "\\%c" : "%c", *c);
		fprintf(f, "` | %.1f %% |", 100.0 * q->taken[PLAIN] / PACKETS);
		for (u32 m = 0; m < MODELS; m++)
			fprintf(f, " %.1f |", q->ns[m]);
		fprintf(f, "\n");
	}
}

static void put_escaped(FILE *f, const char *text)
{
	for (; *text; text++)
		if (*text == '&' || *text == '<' || *text == '>')
			fprintf(f, "&#%d;", *text);
		else
			fputc(*text, f);
}

/* Bars, a group for each filter; the longest is as wide as the drawing. */
static void draw(const char *folder, const char *name, struct asked *all, enum model first,
		 enum model last)
{
	static const char *const colours[] = {"#888888", "#c8a030", "#d07030", "#3070b0"};
	u32 n = ARRAY_SIZE(questions), bars = last - first + 1, y = 10;
	double most = 0;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f)
		return;
	for (u32 i = 0; i < n; i++)
		for (enum model m = first; m <= last; m++)
			most = MAX(most, all[i].ns[m]);
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"%u\" "
		"font-family=\"sans-serif\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		n * (bars * 9 + 22) + 40);
	for (u32 i = 0; i < n; i++) {
		fprintf(f, "<text x=\"10\" y=\"%u\">", y + 8);
		put_escaped(f, questions[i].text);
		fprintf(f, "</text>\n");
		y += 12;
		for (enum model m = first; m <= last; m++, y += 9)
			fprintf(f,
				"<rect x=\"10\" y=\"%u\" width=\"%.1f\" height=\"8\" fill=\"%s\"/>"
				"<text x=\"%.1f\" y=\"%u\" font-size=\"8\">%.1f ns</text>\n",
				y, all[i].ns[m] / most * 640, colours[m - first],
				all[i].ns[m] / most * 640 + 14, y + 7, all[i].ns[m]);
		y += 10;
	}
	for (enum model m = first; m <= last; m++)
		fprintf(f, "<text x=\"%d\" y=\"%u\" fill=\"%s\">%s</text>\n",
			10 + (int)(m - first) * 150, y + 14, colours[m - first], names[m]);
	fprintf(f,
		"<text x=\"10\" y=\"%u\" font-size=\"9\">ns for a packet of mixed traffic: a "
		"shorter "
		"bar is a faster filter</text>\n</svg>\n",
		y + 27);
	fclose(f);
}

static int write_page(const char *folder, struct asked *all)
{
	double jit = 1, tree = 1, many = 1;
	u32 n = ARRAY_SIZE(questions);
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/models.md", folder);
	f = fopen(path, "w");
	if (!f)
		return 1;
	for (u32 i = 0; i < n; i++) {
		jit *= __builtin_pow(all[i].ns[LIBPCAP] / all[i].ns[OURS_JIT], 1.0 / n);
		many *= __builtin_pow(all[i].ns[LIBPCAP] / all[i].ns[OURS_MANY], 1.0 / n);
		tree *= __builtin_pow(all[i].ns[TREE] / all[i].ns[OURS], 1.0 / n);
	}
	fprintf(f,
		"# Models of packet filters, measured again\n\n"
		"McCanne and Jacobson asked in 1993 what a filter costs: as a boolean tree on a "
		"stack "
		"machine (CSPF), or as a\nflow graph on a register machine (BPF); and what it "
		"saves to "
		"filter in the kernel, where the tap copies\neverything. `make bench-models` asks "
		"again, "
		"and writes this page: ns for a packet of %d generated ones, the least\nof %d "
		"rounds.\n\n"
		"The geometric mean of our compiled filters is %.1f times as fast as libpcap's "
		"optimised "
		"ones in its interpreter,\nand %.1f times where they look at eight packets at "
		"once ([how](bench.md#filters-compiled-and-run-beside-libpcap));\nthe graph is "
		"%.1f times as fast as the tree, both "
		"interpreted. The last two columns send each packet through a pair of "
		"sockets:\nthat is most "
		"of what they cost.\n\n"
		"## The paper's four filters\n\n",
		PACKETS, rounds, jit, many, tree);
	put_rows(f, all, true);
	fprintf(f, "\n## Ten of today\n\n");
	put_rows(f, all, false);
	fprintf(f, "\nThe graph, interpreted:\n\n![interpreted](models-run.svg)\n\n"
		   "The graph, compiled:\n\n![compiled](models-jit.svg)\n");
	fclose(f);
	draw(folder, "models-run.svg", all, PLAIN, OURS);
	draw(folder, "models-jit.svg", all, PLAIN_JIT, OURS_MANY);
	return 0;
}

int main(int argc, char **argv)
{
	static struct asked all[ARRAY_SIZE(questions)];
	pcap_t *dead = pcap_open_dead(1, 262144);
	int opt, err;

	while ((opt = getopt(argc, argv, "n:")) >= 0)
		rounds = opt == 'n' ? atoi(optarg) : 0;
	if (optind != argc - 1 || rounds < 1 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) {
		fprintf(stderr, "usage: models [-n ROUNDS] FOLDER\n");
		return 2;
	}
	for (u32 i = 0; i < PACKETS; i++) {
		struct lanes_group *g = &groups[i / LANES];

		make_packet(trace[i], &sizes[i]);
		g->offset[i % LANES] = i * BYTES;
		g->captured[i % LANES] = g->len[i % LANES] = sizes[i];
	}
	for (u32 i = 0; i < ARRAY_SIZE(questions); i++)
		if (ask(&all[i], questions[i].text, dead)) {
			fprintf(stderr, "models: not of one mind, or not compiled: %s\n",
				questions[i].text);
			for (u32 m = 0; m < MODELS; m++)
				fprintf(stderr, "  %s: %u\n", names[m], all[i].taken[m]);
			return 1;
		}
	err = write_page(argv[optind], all);
	for (u32 i = 0; i < ARRAY_SIZE(questions); i++) {
		lanes_close(all[i].lanes);
		vm_close(all[i].vm[0]);
		vm_close(all[i].vm[1]);
		pcap_freecode(&all[i].plain);
		pcap_freecode(&all[i].best);
		arena_free(&all[i].arena);
	}
	pcap_close(dead);
	return err;
}
