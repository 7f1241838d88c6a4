/* image.S: the agent's code, as waggle carries it: IMAGE is the file that the Makefile links and packs. */
	.section .rodata
	.balign 64
	.globl inprocess_image, inprocess_image_end
inprocess_image:
	.incbin IMAGE
inprocess_image_end:

	.section .note.GNU-stack, "", @progbits
