/* flame.h: a flame graph: an SVG that needs nothing else. */
#ifndef SINK_FLAME_H
#define SINK_FLAME_H

#include "sink/tally.h"

#define FLAME_BOXES 20000 /* at most; narrower ones than fit are left out */

void flame_svg(struct buf *, struct tally *, const char *title, const char *unit);

#endif
