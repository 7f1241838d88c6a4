/*
 * help_time.c: helpers that say what time it is.
 */
#include "vm/help.h"

#include "base/clock.h"

#define HZ_USER 250 /* of jiffies, which nobody outside the kernel can ask for */

HELPER_FN(help_ktime)
{
	UNUSED_ARGS;
	return clock_now(CLOCK_MONOTONIC);
}

HELPER_FN(help_ktime_boot)
{
	UNUSED_ARGS;
	return clock_now(CLOCK_BOOTTIME);
}

HELPER_FN(help_ktime_coarse)
{
	UNUSED_ARGS;
	return clock_now(CLOCK_MONOTONIC_COARSE);
}

HELPER_FN(help_ktime_tai)
{
	UNUSED_ARGS;
	return clock_now(CLOCK_TAI);
}

/* They begin five minutes before they would overflow in 32 bits. */
HELPER_FN(help_jiffies)
{
	UNUSED_ARGS;
	return (u32)(-300 * HZ_USER) + clock_now(CLOCK_MONOTONIC) / (1000000000 / HZ_USER);
}
