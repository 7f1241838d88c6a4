/*
 * packetfuzz.c: capture files that anybody may have made: read, and printed in every way.
 *
 * In:  bytes of a file. Out: nothing may break; what was printed is text that ends with a newline.
 */
#include "packet/packet.h"

#include "one.h"

#include <sys/mman.h>
#include <unistd.h>

#define PACKETS_MOST 2000

static void print_all(int fd, struct packet_printer how)
{
	struct packet_reader *reader;
	struct buf out = {0};
	struct diag diag = {0};
	struct packet p;

	lseek(fd, 0, SEEK_SET);
	if (packet_reader_open(&reader, dup(fd), "file", &diag))
		return;
	for (unsigned i = 0; i < PACKETS_MOST && packet_read(reader, &p) > 0; i++) {
		uint8_t *copy = malloc(p.captured + !p.captured); /* so that each byte behind it is seen */

		memcpy(copy, p.data, p.captured);
		p.data = copy;
		out.n = 0;
		packet_print(&out, &how, &p);
		CHECK(out.failed || (out.n && out.p[out.n - 1] == '\n'));
		free(copy);
	}
	buf_free(&out);
	packet_printer_close(&how);
	packet_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("packets", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	print_all(fd, (struct packet_printer){0});
	print_all(fd, (struct packet_printer){.link_header = true, .time = TIME_DELTA, .hex = 4});
	print_all(fd, (struct packet_printer){.quiet = true, .absolute = true, .ascii = true});
	print_all(fd, (struct packet_printer){.verbose = 1, .link_header = true});
	print_all(fd, (struct packet_printer){.verbose = 3, .processes = true});
	close(fd);
	return 0;
}
