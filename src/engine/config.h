/* config.h: what an object is told of the machine and the session: both engines fill it in. */
#ifndef ENGINE_CONFIG_H
#define ENGINE_CONFIG_H

#include "engine/engine.h"

/* All but cpu_mask. Programs of the user engine are told no PID namespace: it numbers tasks itself.
 */
void config_fill(struct waggle_config *, const struct engine_opts *, bool namespaces);
/* The words of .rodata that only this machine knows. */
/* live: packets are those of this machine, so its devices must be there. */
int fills_fill(const struct object *, u8 *data, bool live, struct diag *);

#endif
