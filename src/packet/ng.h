/* ng.h: numbers of the format pcapng that its reader and its writer share
 * (draft-ietf-opsawg-pcapng). */
#ifndef PACKET_NG_H
#define PACKET_NG_H

enum ng_block {
	NG_INTERFACE = 1,
	NG_PACKET_OLD = 2,
	NG_SIMPLE = 3,
	NG_PACKET = 6,
	NG_SECTION = 0x0a0d0d0a,
};
#define NG_PROCESS 0x80000001u /* of Darwin: a process, known by its place among its kind */
enum ng_option {
	NG_END = 0,
	NG_COMMENT = 1,
	NG_NAME = 2,  /* of NG_PROCESS */
	NG_FLAGS = 2, /* of NG_PACKET: 1 it came in, 2 it went out */
	NG_TSRESOL = 9,
	NG_TSOFFSET = 14,
	NG_OWNER = 0x8001, /* of Darwin: a u32, the process */
	NG_OTHER = 0x8003, /* the process at the other end, or that another acts for */
};
#define NG_CONTAINER "container " /* before its id, in the comment of a process */

#endif
