/* namespace.c: see namespace.h. In: /proc/self/ns. */
#include "base/namespace.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define FIRST_PID_NAMESPACE 0xeffffffcu /* PROC_PID_INIT_INO, linux/proc_ns.h */

void namespace_pids(u64 *dev, u64 *ino)
{
	struct stat ns;

	*dev = *ino = 0;
	if (stat("/proc/self/ns/pid", &ns) || ns.st_ino == FIRST_PID_NAMESPACE)
		return;
	/* the kernel's own dev_t: 12 bits of major above 20 of minor */
	*dev = (u64)major(ns.st_dev) << 20 | minor(ns.st_dev);
	*ino = ns.st_ino;
}
