/*
 * capture.c: `waggle capture`: packets of a device or of a file, as lines, counted, or into another
 * file. The letters are tcpdump's.
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPT_COUNT = 256,
	OPT_NANO,
	OPT_MICRO,
	OPT_UTC,
	OPT_PCAPNG,
	OPT_NETMASK,
	OPT_PROC,
	OPT_PID,
	OPT_COMM,
	OPT_PRINT,
	OPT_IMMEDIATE,
	OPT_PRECISION
};

static const struct option long_options[] = {
	{"interface", required_argument, NULL, 'i'},
	{"no-promiscuous-mode", no_argument, NULL, 'p'},
	{"read", required_argument, NULL, 'r'},
	{"write", required_argument, NULL, 'w'},
	{"count", no_argument, NULL, OPT_COUNT},
	{"snapshot-length", required_argument, NULL, 's'},
	{"absolute-tcp-sequence-numbers", no_argument, NULL, 'S'},
	{"nano", no_argument, NULL, OPT_NANO},
	{"micro", no_argument, NULL, OPT_MICRO},
	{"utc", no_argument, NULL, OPT_UTC},
	{"pcapng", no_argument, NULL, OPT_PCAPNG},
	{"netmask", required_argument, NULL, OPT_NETMASK},
	{"quiet", no_argument, NULL, 'q'},
	{"number", no_argument, NULL, '#'},
	{"list-interfaces", no_argument, NULL, 'D'},
	{"direction", required_argument, NULL, 'Q'},
	{"packet-buffered", no_argument, NULL, 'U'},
	{"proc", no_argument, NULL, OPT_PROC},
	{"pid", required_argument, NULL, OPT_PID},
	{"comm", required_argument, NULL, OPT_COMM},
	{"buffer-size", required_argument, NULL, 'B'},
	{"dont-verify-checksums", no_argument, NULL, 'K'},
	{"list-data-link-types", no_argument, NULL, 'L'},
	{"print", no_argument, NULL, OPT_PRINT},
	{"immediate-mode", no_argument, NULL, OPT_IMMEDIATE},
	{"no-optimize", no_argument, NULL, 'O'},
	{"time-stamp-precision", required_argument, NULL, OPT_PRECISION},
	{0},
};

struct capture_args {
	struct waggle_capture how;
	int times;        /* how often -t */
	bool list, links; /* -D, -L */
	const char *file;
	char device[IF_NAMESIZE];
	const char *full; /* -z: run for each file that is complete */
};

static int take_number(const char *option, const char *text, unsigned long long *n)
{
	char *end;

	*n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return usage_error("%s takes a number, not '%s'", option, text);
	return 0;
}

/* Of tcpdump. */
static const struct absent_option others[] = {
	{'b', NULL, "autonomous systems of BGP are not decoded"},
	{'d', NULL, "the program of a filter is shown by `waggle filter [-d|-dd|-ddd] EXPRESSION`"},
	{'E', NULL, "packets of ESP are not decrypted; Wireshark does that"},
	{'H', NULL, "headers of 802.11s are not decoded"},
	{'I', "monitor-mode", "a card is put into monitor mode by `iw dev DEVICE set type monitor`"},
	{'J', "list-time-stamp-types", "times are the kernel's; there are no other sources"},
	{'j', "time-stamp-type", "times are the kernel's; there are no other sources"},
	{'M', NULL, "signatures of TCP are not checked"},
	{'T', NULL, "what is inside is known by its port"},
	{'u', NULL, "handles of NFS are not decoded"},
	{'V', NULL, "several files: `for f in *.pcap; do waggle capture -r $f ...; done`, or mergecap"},
	{'y', "linktype", "the kind of link is that of the device or file: -L says which"},
	{0, "skip", "`| tail -n +N` leaves out the first lines"},
	{0, "version", "`waggle --version`"},
	{'Z', "relinquish-privileges", "another user can capture with `setpriv --reuid USER --ambient-caps +net_raw ...`"},
	{0},
};

static const char letters[] = "i:r:w:c:s:F:B:C:G:W:Q:z:DLKpnNfOeqStxXAvlU#";

static int take_flag(struct waggle_capture *how, int opt)
{
	switch (opt) {
	case 'n': /* it is always so */
	case 'N':
	case 'f':
	case 'O': /* what an optimiser takes out is no reason for one without */
	case OPT_IMMEDIATE: return 0;
	case OPT_PRINT: how->lines = true; return 0;
	case 'p': how->promiscuous = false; return 0;
	case 'e': how->link_header = true; return 0;
	case 'q': how->brief = true; return 0;
	case 'S': how->absolute = true; return 0;
	case 'A': how->ascii = true; return 0;
	case 'v': how->verbose++; return 0;
	case 'K': how->unchecked = true; return 0;
	case '#': how->number = true; return 0;
	case 'l': how->each_line = true; return 0;
	case 'U': how->each_packet = true; return 0;
	case OPT_PROC: how->processes = true; return 0;
	case 'x': how->hex = how->hex == 1 ? 2 : 1; return 0;
	case 'X': how->hex = how->hex == 3 ? 4 : 3; return 0;
	case OPT_COUNT: how->count_only = true; return 0;
	case OPT_NANO: how->nano = true; return 0;
	case OPT_MICRO: how->nano = false; return 0;
	case OPT_UTC: how->utc = true; return 0;
	case OPT_PCAPNG: how->pcapng = true; return 0;
	default: return STATUS_USAGE; /* has been told */
	}
}

/* -C counts in millions of bytes, or with a letter in binary units. */
static int take_size(const char *text, uint64_t *bytes)
{
	char *end;
	double n = strtod(text, &end);
	const char *units = "kmg", *unit = *end ? strchr(units, *end | 0x20) : NULL;
	double by = unit ? (double)(1ull << (10 * (unit - units + 1))) : 1e6;

	if (end == text || n <= 0 || (*end && (!unit || end[1])) || n * by < 1 || n * by > 1e18)
		return usage_error(
			"-C takes a size: 10 (millions of bytes), 512k, 64m, 1g; not '%s'", text);
	*bytes = (uint64_t)(n * by);
	return 0;
}

static int take_precision(struct waggle_capture *how, const char *text)
{
	how->nano = !strcmp(text, "nano");
	if (how->nano || !strcmp(text, "micro"))
		return 0;
	return usage_error("--time-stamp-precision takes micro or nano, not '%s'", text);
}

static int take_way(struct waggle_capture *how, const char *text)
{
	static const char *const ways[] = {"inout", "in", "out"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(ways[i], text)) {
			how->way = i;
			return 0;
		}
	return usage_error("-Q takes in, out or inout, not '%s'", text);
}

/* Those that take a number. */
static int take_count(struct waggle_capture *how, int opt)
{
	unsigned long long n = 0;
	char name[3] = {'-', (char)opt, 0};
	int err = take_number(opt == OPT_PID ? "--pid" : name, optarg, &n);

	if (!err && opt != 's' && (!n || (opt != 'c' && n > INT32_MAX)))
		err = usage_error("%s takes a number, at least 1", opt == OPT_PID ? "--pid" : name);
	switch (opt) {
	case 'c': how->most = n; break;
	case 's': how->snaplen = n < 262144 ? (unsigned)n : 262144; break;
	case 'B': how->buffer_kib = (unsigned)n; break;
	case 'G': how->file_seconds = (unsigned)n; break;
	case 'W': how->files = (unsigned)n; break;
	default: how->pid = (int)n;
	}
	return err;
}

static int check(const struct capture_args *a)
{
	const struct waggle_capture *how = &a->how;

	if (how->read && how->device)
		return usage_error(
			"packets come from a file (-r) or from a device (-i), not from both");
	if (!how->read && !how->device)
		return usage_error("capture needs a device or a file: -i eth0, -i any, -r FILE");
	if (a->full && !how->file_bytes && !how->file_seconds)
		return usage_error("-z is for files of which -C or -G make several");
	if (a->times > 5)
		return usage_error("-t is given at most five times");
	if ((how->file_bytes || how->file_seconds || how->files || how->each_packet) && !how->write)
		return usage_error("-C, -G, -W and -U are for a file that is written: -w FILE");
	if (how->files && !how->file_bytes && !how->file_seconds)
		return usage_error("-W says how many files -C or -G make");
	if (how->lines && (!how->write || !strcmp(how->write, "-")))
		return usage_error("--print is for a file that is written: -w FILE");
	if (how->read && how->buffer_kib)
		return usage_error("-B is for a device (-i)");
	if (how->read && how->way)
		return usage_error("-Q is for a device (-i)");
	return 0;
}

static int parse(struct capture_args *a, int argc, char **argv)
{
	struct waggle_capture *how = &a->how;
	int opt, err = 0;

	options_absent(others);
	while (!err && (opt = options_next(argc, argv, letters, long_options, NULL)) >= 0)
		switch (opt) {
		case 'i': how->device = optarg; break;
		case 'r': how->read = optarg; break;
		case 'w': how->write = optarg; break;
		case 'F': a->file = optarg; break;
		case OPT_NETMASK: how->netmask = optarg; break;
		case 't': a->times++; break;
		case 'c':
		case 's':
		case 'B':
		case 'G':
		case 'W':
		case OPT_PID: err = take_count(how, opt); break;
		case 'C': err = take_size(optarg, &how->file_bytes); break;
		case 'Q': err = take_way(how, optarg); break;
		case 'D': a->list = true; break;
		case 'L': a->links = true; break;
		case OPT_COMM: how->comm = optarg; break;
		case OPT_PRECISION: err = take_precision(how, optarg); break;
		case 'z': a->full = optarg; break;
		default: err = take_flag(how, opt);
		}
	if (err)
		return err;
	if (a->list)
		return 0;
	if (a->links)
		return how->device ? 0 : usage_error("-L tells of a device: -i eth0");
	if (how->device && (how->pid || how->comm))
		how->processes = true;
	err = check(a);
	if (err)
		return err;
	how->time = (enum waggle_time)a->times;
	if (optind < argc && a->file)
		return usage_error(
			"an expression is in a file (-F) or behind the options, not both");
	return 0;
}

static void tell_counts(const struct waggle_capture *how)
{
	fprintf(stderr,
		"%llu packets captured, %llu received by the filter, %llu dropped by the kernel\n",
		(unsigned long long)how->matched, (unsigned long long)how->received,
		(unsigned long long)how->dropped);
	if (how->processes)
		fprintf(stderr, "%llu packets of known processes, %llu of none that is known\n",
			(unsigned long long)how->owned, (unsigned long long)how->strays);
}

/* As tcpdump lists them. */
static int list_devices(void)
{
	struct if_nameindex *all = if_nameindex();
	int n = 0;

	for (struct if_nameindex *i = all; i && i->if_name; i++)
		printf("%d.%s\n", ++n, i->if_name);
	printf("%d.any\n", n + 1);
	if (all)
		if_freenameindex(all);
	return 0;
}

/* The kind of link that a device has: the one that its packets are captured with. */
static int list_links(const char *device)
{
	char path[300];
	int type = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/type", device);
	f = strchr(device, '/') ? NULL : fopen(path, "r");
	if (strcmp(device, "any") != 0 && (!f || fscanf(f, "%d", &type) != 1)) {
		if (f)
			fclose(f);
		fprintf(stderr, "waggle: error: there is no device %s\n", device);
		return STATUS_ERROR;
	}
	if (f)
		fclose(f);
	printf("Data link types for %s:\n  %s\n", device,
	       type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? "EN10MB (Ethernet)"
	       : type == ARPHRD_NONE || type == ARPHRD_RAWIP   ? "RAW (Raw IP)"
							       : "LINUX_SLL2 (Linux cooked v2)");
	return 0;
}

/* -i 2: the second one of -D's list, whose last is "any". */
static const char *device_of(struct capture_args *a)
{
	const char *text = a->how.device;
	struct if_nameindex *all = if_nameindex();
	struct if_nameindex *d = all;
	char *end;
	long n = strtol(text, &end, 10);

	if (all && n > 0 && !*end && !if_nametoindex(text)) {
		while (d->if_name && --n)
			d++;
		if (n <= 1) {
			snprintf(a->device, sizeof(a->device), "%s",
				 d->if_name ? d->if_name : "any");
			text = a->device;
		}
	}
	if (all)
		if_freenameindex(all);
	return text;
}

/* -z: its command gets the file, beside us and behind everybody else; nobody waits for it. */
static void file_full(void *command, const char *path)
{
	const char *program = command;
	pid_t child = fork();

	if (!child) {
		if (fork()) /* its parent is gone at once */
			_exit(0);
		setpriority(PRIO_PROCESS, 0, 19);
		execlp(program, program, path, (char *)NULL);
		fprintf(stderr, "waggle: error: -z: %s: %s\n", program, strerror(errno));
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

int cmd_capture(int argc, char **argv)
{
	struct waggle_opts opts = {.sz = sizeof(opts), .diag = report_diag, .out = report_out};
	struct capture_args a = {.how = {.sz = sizeof(a.how), .promiscuous = true}};
	struct source source = {0};
	char *words = NULL;
	int err = parse(&a, argc, argv);

	if (err)
		return err;
	if (a.list)
		return list_devices();
	if (a.how.device)
		a.how.device = device_of(&a);
	if (a.links && a.how.device)
		return list_links(a.how.device);
	if (a.file && source_read(&source, a.file))
		return STATUS_ERROR;
	words = a.file ? NULL : words_join(argv + optind);
	a.how.filter = a.file ? source.text : words;
	a.how.full = a.full ? file_full : NULL;
	a.how.user = (void *)a.full;
	if (a.how.device) {
		a.how.stop_fd = stop_on_signals();
		err = a.how.stop_fd < 0 ? STATUS_ERROR : 0;
	}
	if (!err)
		err = waggle_capture(&a.how, &opts);
	if (!err && a.how.device)
		tell_counts(&a.how);
	if (a.how.count_only)
		printf("%llu packet%s\n", (unsigned long long)a.how.matched,
		       a.how.matched == 1 ? "" : "s");
	source_free(&source);
	free(words);
	return status_of(err);
}
