/* namespace.h: the namespace of PIDs that this process is in. */
#ifndef BASE_NAMESPACE_H
#define BASE_NAMESPACE_H

#include "base/base.h"

/* Device and inode of it, as bpf_get_ns_current_pid_tgid() takes them; both 0: it is the machine's
 * first one, or nobody can tell. */
void namespace_pids(u64 *dev, u64 *ino);

#endif
