/* print_dhcp.c: BOOTP and DHCP (RFC 951, RFC 2131). */
#include "packet/print.h"

void print_dhcp(struct line *l, struct view v)
{
	u32 op;

	put(l, "BOOTP/DHCP, ");
	if (!view_has(&v, 0, 34)) {
		put_short(l, "bootp");
		return;
	}
	op = *v.p;
	if (op == 1 || op == 2)
		put(l, op == 1 ? "Request" : "Reply");
	else
		put_u32(l, "unknown (", op), put(l, ")");
	if (op == 1 && v.p[1] == 1 && v.p[2] == 6) {
		put(l, " from ");
		put_mac(l, v.p + 28);
	}
	put_u32(l, ", length ", v.len);
}
