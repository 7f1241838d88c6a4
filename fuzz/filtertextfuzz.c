/*
 * filtertextfuzz.c: any text against the compiler of packet filters (libFuzzer; see one.h).
 *
 * In:  bytes. The first says which link, the second how the rest is read: as text, or each byte as
 * a word of the language. Out: nothing; what compiles must be a program that the kernel would take,
 *      with and without the optimiser, and both must decide as the tree does.
 */
#include "one.h"

#include "filter/filter.h"
#include "vm/classic.h"

static const char *const links[] = {"EN10MB", "RAW", "LINUX_SLL", "LINUX_SLL2", "NULL",
				    "LOOP",   "PPP", "IPV4",      "PPP_PPPD"};
static const char *const words[] = {
	"and",
	"or",
	"not",
	"(",
	")",
	"[",
	"]",
	":",
	"+",
	"-",
	"*",
	"/",
	"%",
	"&",
	"|",
	"^",
	"<<",
	">>",
	"=",
	"!=",
	"<",
	">",
	"<=",
	">=",
	"host",
	"net",
	"port",
	"portrange",
	"proto",
	"protochain",
	"gateway",
	"src",
	"dst",
	"src or dst",
	"ether",
	"ip",
	"ip6",
	"arp",
	"rarp",
	"tcp",
	"udp",
	"sctp",
	"icmp",
	"icmp6",
	"vlan",
	"mpls",
	"pppoes",
	"pppoed",
	"llc",
	"u",
	"broadcast",
	"multicast",
	"less",
	"greater",
	"byte",
	"inbound",
	"ifindex",
	"len",
	"mask",
	"iso",
	"isis",
	"l1",
	"ipx",
	"stp",
	"0",
	"1",
	"2",
	"4",
	"8",
	"14",
	"80",
	"443",
	"0xff",
	"4294967295",
	"1.2.3.4",
	"10.0.0.0",
	"10.1",
	"::1",
	"2001:db8::",
	"00:11:22:33:44:55",
	"80-90",
	"name",
	"\\tcp",
	"tcpflags",
	"tcp-syn",
	"/",
	"32",
	"ip[8]",
	"tcp[13]",
	"ether[0]",
	"ip6[6]",
	"tcp port 80",
	"host 1.2.3.4",
	"ip[0:4] * tcp[4:4]",
	"-",
	"type",
	"geneve",
	"vci",
	"!",
	"$1f",
	"255.0.0.0",
	"\n",
};

static void quiet(void *user, const struct waggle_diag *d)
{
	(void)user;
	CHECK(d->text && *d->text);
}

static void check(const char *text, size_t size, const char *link, bool plain,
		  const struct cbpf_packet *packet)
{
	struct filter_opts o = {
		.link = link, .plain = plain, .has_netmask = true, .netmask = ~255u};
	struct diag d = {.fn = quiet, .file = "filter", .text = text, .size = size};
	struct arena arena = {0};
	struct cbpf_wrong wrong;
	struct filter f;
	struct buf out = {0};

	if (!filter_compile(&f, &arena, text, size, &o, &d)) {
		enum filter_verdict verdict = filter_eval(&f, packet);

		CHECK(!d.errors);
		CHECK(!cbpf_check(f.insns.v, f.insns.n, &wrong));
		if (verdict != FILTER_SHORT)
			CHECK((verdict == FILTER_YES) == (classic_run(f.insns.v, packet) != 0));
		filter_explain(&out, &f);
		filter_dot(&out, &f, "tree");
		filter_dot(&out, &f, "graph");
	} else {
		CHECK(d.errors);
	}
	buf_free(&out);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cbpf_packet packet = {
		.data = (uintptr_t)data, .captured = size, .len = (u32)size, .net = 14};
	struct buf text = {0};
	const char *link;

	if (size < 3)
		return 0;
	link = links[data[0] % (sizeof(links) / sizeof(*links))];
	for (size_t i = 2; i < size && i < 120; i++) {
		if (data[1] & 7)
			buf_puts(&text, words[data[i] % (sizeof(words) / sizeof(*words))]);
		else
			buf_char(&text, (char)data[i]);
		if (data[1] & 6)
			buf_char(&text, ' ');
		if (data[1] & 8 && !(data[i] & 3)) /* short ones are taken more often */
			break;
	}
	check(buf_str(&text), text.n, link, false, &packet);
	check(text.p, text.n, link, true, &packet);
	buf_free(&text);
	return 0;
}
