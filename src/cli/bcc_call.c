/*
 * bcc_call.c: system calls in probes of bcc's trace and argdist, by the names that their functions
 * in the kernel have or had: sys_read, SyS_read, __x64_sys_read.
 *
 * In:  a probe whose head was read. Out: whether it means a system call; then its arguments are the
 *      fields of the call's tracepoints, which each kernel has, with or without kprobes.
 */
#include "cli/bcc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One line of what is known of the tracepoint: its name, or a field behind blanks: "  int fd". */
static void field(void *user, const char *line)
{
	struct bcc_probe *p = user;
	const char *name = line + strlen(line);

	while (name > line && (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
		name--;
	if (*line == ' ' && strcmp(name, "__syscall_nr") != 0 && p->nfields < BCC_PARAMS)
		snprintf(p->fields[p->nfields++], sizeof(p->fields[0]), "%s", name);
	p->call.n += !p->call.n && *line != ' ' ? strlen(p->call.p) : 0;
}

/* Nobody wants to hear that there is no such call: it is a function then. */
static void quiet(void *user, const struct waggle_diag *d)
{
	(void)user;
	(void)d;
}

void bcc_call(struct bcc_probe *p, const struct waggle_opts *opts)
{
	static const char *const prefixes[] = {"sys_", "SyS_", "__x64_sys_", "__se_sys_",
					       "__do_sys_"};
	struct waggle_opts silent = opts ? *opts : (struct waggle_opts){.sz = sizeof(silent)};
	char point[128];

	silent.diag = quiet;
	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (p->lib.n || !strchr("pr", p->kind) || p->function.n <= n ||
		    strncmp(p->function.p, prefixes[i], n) != 0)
			continue;
		p->call = (struct part){p->function.p + n, 0};
		snprintf(point, sizeof(point), "tracepoint:syscalls:sys_enter_%.*s",
			 (int)(p->function.n - n), p->function.p + n);
		waggle_list(point, true, field, p, &silent);
		p->call.n = p->call.n ? p->function.n - n : 0;
		return;
	}
}

void bcc_argument(const struct bcc_probe *p, int i, struct text *t)
{
	if (!p->call.n)
		text_add(t, "arg%d", i);
	else if (i < (int)p->nfields)
		text_add(t, "args.%s", p->fields[i]);
	else
		text_add(t, "0");
}

/* What programs and the kernel's headers call so, and its types do not. */
#define SK(name) {"sk_" name, "#define sk_" name " __sk_common.skc_" name "\n"}
static const struct {
	const char *name, *is;
} types[] = {
	{"struct timespec", "struct timespec { long tv_sec; long tv_nsec; };\n"},
	{"struct timeval", "struct timeval { long tv_sec; long tv_usec; };\n"},
	SK("num"),
	SK("dport"),
	SK("addrpair"),
	SK("daddr"),
	SK("rcv_saddr"),
	SK("family"),
	SK("state"),
	SK("bound_dev_if"),
	SK("net"),
	SK("v6_daddr"),
	SK("v6_rcv_saddr"),
	SK("cookie"),
	SK("hash"),
};

void bcc_types(char *const *probes, int n, struct text *t)
{
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		for (int k = 0; k < n; k++) {
			const char *at = strstr(probes[k], types[i].name);
			char next = at ? at[strlen(types[i].name)] : '_';

			if (next != '_' && !isalnum((unsigned char)next)) {
				text_add(t, "%s", types[i].is);
				break;
			}
		}
}
