/*
 * control.h: the memory that programs, loader and reader share.
 *
 * `.rodata` starts with struct waggle_config: the loader fills it and freezes the map, so that
 * the verifier knows the values and drops branches on them. `.bss` starts with struct
 * waggle_control, followed by one struct waggle_counters for each program and counter CPU slot,
 * then by scratch memory: for each program that needs it, one slot per CPU.
 *
 * The reader that wants to sleep sets `want`, fences, looks at the rings once more and blocks. A
 * program that has reserved its record and then sees `want` clears it and forces one wake-up; all
 * others submit with NO_WAKEUP. Reserving before looking, against setting before looking again:
 * one of the two sees the other, so no record is slept through.
 *
 * The loader puts a check of `open` in front of every program that the machine drives: while it is
 * 0 they return at once. So all probes start at one moment and stop at one moment: there is no
 * other way to stop a tracepoint's program fast (disabling its perf event does not keep the
 * program from running, closing takes 30 to 80 ms each).
 *
 * The time of a record is taken after it was reserved: a ring that was seen empty at time t can
 * only bring records later than t, which is what merging by time relies on.
 */
#ifndef OBJECT_CONTROL_H
#define OBJECT_CONTROL_H

#include "base/base.h"

struct waggle_config {
	u64 pidns_dev, pidns_ino; /* our PID namespace; 0: the machine's first one */
	u64 cpid;		  /* pid of the command that the session runs, 0: none */
	u64 pid;		  /* only events of this process, 0: of all */
	u64 start_ns;		  /* CLOCK_BOOTTIME when tracing began */
	u64 cpu_mask;		  /* CPUs rounded up to a power of two, less one */
	u64 all_family;		  /* 1: all that is seen is the command and what it started */
};

enum { EXIT_CALLED = 1, EXIT_LOST = 2 };
struct waggle_control {
	u64 want;
	u64 open;   /* the gate */
	u64 exit;   /* EXIT_CALLED: exit() was called, its record is on the way: no tick runs any
		     * more; EXIT_LOST: that record found no room, the reader ends all the same */
	u64 pad[5]; /* a cache line of its own */
};

/* Counters are added to atomically; the slot is the CPU modulo CONTROL_CPUS, so that CPUs do not
 * fight for one line. Index: program * CONTROL_CPUS + slot. */
#define CONTROL_CPUS 16
struct waggle_counters {
	u64 lost;     /* records that found no room in the ring */
	u64 map_full; /* map updates that found no room; of all CPUs in slot 0 */
	u64 no_slot;  /* runs given up: all scratch slots were taken (counts as lost records) */
	u64 pad[5];
};

/* A record in a ring, after the kernel's own 8-byte header; payload aligned to 8. */
struct waggle_record {
	u64 ns; /* CLOCK_MONOTONIC */
	u32 schema;
	u32 size; /* of the payload */
};

#define WAGGLE_RINGS "waggle_rings" /* name of the array of ring buffers, one per CPU */
/* Name of the map of the command's descendants, and of the program that fills it. */
#define WAGGLE_FAMILY "waggle_family"
#define RING_BYTES   (1024 * 1024)  /* default size of each */

#endif
