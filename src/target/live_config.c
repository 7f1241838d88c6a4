/*
 * live_config.c: how the running kernel was configured: /proc/config.gz, or /boot/config-RELEASE.
 *
 * Read when the first value is asked for. Also LINUX_KERNEL_VERSION, which distributions write
 * elsewhere than in the release.
 */
#include "target/live.h"

#include "base/inflate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#define CONFIG_MOST (4u << 20)

static void read_config(struct target *t, struct live *l)
{
	struct buf packed = {0};
	char path[512];

	l->config = arena_new(&t->arena, struct buf);
	if (!live_read("/proc/config.gz", &packed) &&
	    gunzip(l->config, packed.p, packed.n, CONFIG_MOST))
		l->config->n = 0;
	buf_free(&packed);
	snprintf(path, sizeof(path), "/boot/config-%s", t->release);
	if (!l->config->n && live_read(path, l->config))
		l->config->n = 0;
	buf_char(l->config, 0);
}

const char *target_config(struct target *t, const char *name)
{
	struct live *l = t->data;
	size_t n = strlen(name);

	if (!l->config)
		read_config(t, l);
	if (l->config->failed)
		return NULL;
	for (const char *line = l->config->p; *line; line += *line == '\n') {
		size_t len = strcspn(line, "\n");

		if (len > n && !strncmp(line, name, n) && line[n] == '=')
			return arena_strndup(&t->arena, line + n + 1, len - n - 1);
		line += len;
	}
	return NULL;
}

/* "6.1.192", of Debian's "#1 SMP Debian 6.1.192-1", of Ubuntu's "Ubuntu 5.4.0-12.15-generic 5.4.8";
 * else of the release. */
u32 target_version(struct target *t)
{
	struct utsname u = {0};
	struct buf text = {0};
	u32 a = 0, b = 0, c = 0;
	const char *debian;
	bool ubuntu;

	uname(&u);
	debian = strstr(u.version, "Debian ");
	ubuntu = !live_read("/proc/version_signature", &text) &&
		 sscanf(buf_str(&text), "%*s %*s %u.%u.%u", &a, &b, &c) == 3;
	buf_free(&text);
	if (!ubuntu && (!debian || sscanf(debian, "Debian %u.%u.%u", &a, &b, &c) != 3))
		sscanf(t->release, "%u.%u.%u", &a, &b, &c);
	return a << 16 | b << 8 | MIN(c, 255u);
}

void live_config_close(struct target *t)
{
	struct live *l = t->data;

	if (l->config)
		buf_free(l->config);
}
