/* usdt.c: what usdt.bpf.c and usdt_index.bpf.c attach to: the probe mixed in two places, of which the
 * second is passed twice, and the probe row, whose argument is an element of a row. */
#define NOTE(name, args, ...)                                                                      \
	__asm__ volatile("990: nop\n"                                                              \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n"                   \
			 ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
			 "993: .8byte 990b, _.stapsdt.base, 0\n.asciz \"objusdt\"\n"               \
			 ".asciz \"" name "\"\n.asciz \"" args "\"\n994: .balign 4\n"              \
			 ".popsection\n.ifndef _.stapsdt.base\n"                                   \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"   \
			 ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n" \
			 ".size _.stapsdt.base, 1\n.popsection\n.endif\n" ::__VA_ARGS__)

int main(void)
{
	int numbers[] = {10, 20, 30}, small = -3;
	short in_memory = -300;

	NOTE("mixed", "-4@%0 8@%1 -1@$-7 -2@%2", "r"(small), "r"(1l << 40), "m"(in_memory));
	for (int i = 0; i < 2; i++)
		NOTE("mixed", "4@%0 -4@$5", "r"(small));
	NOTE("row", "-4@4(%%rax,%%rcx,4)", "a"(numbers), "c"(1l), "m"(numbers));
	return 0;
}
