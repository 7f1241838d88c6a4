/*
 * test_filter.c: names in packet filters: each filter with names is the program of one with
 * numbers.
 *
 * In:  files of names that are here. Out: what does not agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "filter/filter.h"

static const struct {
	const char *path, *text;
} files[] = {
	{"/etc/hosts", "127.0.0.1 localhost\n# 9.9.9.9 web\n10.0.0.1\tweb.example  web # ours\n"
		       "2001:db8::1 web\n10.0.0.9 gw\nnonsense web\n"},
	{"/etc/ethers", "00:11:22:33:44:55 gw\n"},
	{"/etc/networks", "lab 10.7\n"},
	{"/etc/services",
	 "http 80/tcp www\nsyslog 514/udp\ndomain 53/tcp\ndomain 53/udp\nbad x/tcp\n"},
	{"/etc/protocols", "ospf 89 OSPFIGP\n"},
};

static const char *names(void *user, const char *path, size_t *size)
{
	(void)user;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].path, path)) {
			*size = strlen(files[i].text);
			return files[i].text;
		}
	return NULL;
}

static void keep(void *user, const struct waggle_diag *d)
{
	snprintf(user, 200, "%s", d->text);
}

static int compile(struct filter *f, struct arena *arena, const char *text, char *why)
{
	struct filter_opts o = {.names = names};
	struct diag d = {.fn = keep, .user = why};

	return filter_compile(f, arena, text, strlen(text), &o, &d);
}

static void names_are_numbers(void **state)
{
	static const char *const same[][2] = {
		{"host web", "host 10.0.0.1 or host 2001:db8::1"},
		{"ip host web.example", "ip host 10.0.0.1"},
		{"ip6 src host web", "ip6 src host 2001:db8::1"},
		{"ether host gw", "ether host 0:11:22:33:44:55"},
		{"gateway gw", "ether host 0:11:22:33:44:55 and not host 10.0.0.9"},
		{"net lab", "net 10.7.0.0/16"},
		{"port www", "tcp port 80"},
		{"port syslog", "udp port 514"},
		{"port domain", "port 53"},
		{"portrange domain-80", "portrange 53-80"},
		{"ip proto ospf", "ip proto 89"},
		{"ip proto \\tcp", "ip proto 6"},
		{"ether proto \\arp", "arp"},
		{"host 10.1", "net 10.1.0.0/16"},
		{"net 10/8", "net 10.0.0.0/8"},
		{"tcp[tcpflags] & tcp-syn != 0", "tcp[13] & 2 != 0"},
		{"ether host 0011.2233.4455", "ether host 00-11-22-33-44-55"},
		{"host ::ffff:1.2.3.4", "host ::ffff:102:304"},
	};
	char why[200] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct arena arena = {0};
		struct filter a, b;

		if (compile(&a, &arena, same[i][0], why) || compile(&b, &arena, same[i][1], why))
			fail_msg("%s: %s", same[i][0], why);
		if (a.insns.n != b.insns.n ||
		    memcmp(a.insns.v, b.insns.v, a.insns.n * sizeof(*a.insns.v)) != 0)
			fail_msg("%s is not %s", same[i][0], same[i][1]);
		arena_free(&arena);
	}
}

static void unknown_names_are_errors(void **state)
{
	static const char *const wrong[][2] = {
		{"host nobody", "there is no host 'nobody'"},
		{"ip6 host gw", "'gw' has no address of 'ip6'"},
		{"ether host web", "there is no address of Ethernet for 'web'"},
		{"net nowhere", "there is no net 'nowhere'"},
		{"port bad", "there is no port 'bad'"},
		{"udp port www", "'www' is a port of another protocol"},
		{"ip proto nothing", "there is no protocol 'nothing'"},
		{"gateway web", "there is no address of Ethernet for 'web'"},
		{"port 65536", "there is no port '65536'"},
		{"host 1.2.3.4.5", "there is no host '1.2.3.4.5'"},
	};
	char why[200] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct arena arena = {0};
		struct filter f;

		assert_int_not_equal(compile(&f, &arena, wrong[i][0], why), 0);
		assert_string_equal(why, wrong[i][1]);
		arena_free(&arena);
	}
}

/* Filters that nothing limits but our stack: they are refused before they eat it. */
static void depth_has_an_end(void **state)
{
	static const struct {
		const char *front, *link, *back;
	} chains[] = {
		{"ip[0]", " + 1", " = 1"},     {"ip[0]", " - ip[1]", " = 1"},
		{"tcp", " and ip or udp", ""}, {"", "not ", "tcp"},
		{"", "(", "tcp"},	       {"", "-", "1 = 1"},
		{"", "ip[", "0] = 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		struct arena arena = {0};
		struct buf text = {0};
		char why[200] = "";
		struct filter f;

		buf_puts(&text, chains[i].front);
		for (int n = 0; n < 100000; n++)
			buf_puts(&text, chains[i].link);
		buf_puts(&text, chains[i].back);
		assert_int_not_equal(compile(&f, &arena, buf_str(&text), why), 0);
		assert_non_null(strstr(why, "this is nested more than"));
		buf_free(&text);
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_numbers),
		cmocka_unit_test(unknown_names_are_errors),
		cmocka_unit_test(depth_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
