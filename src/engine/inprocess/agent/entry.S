/*
 * entry.S: the agent where C cannot go: stubs that make the calls of programs, the ways back from
 * them and from signals, the first steps in a new program, long jumps.
 *
 * A trapped call is made again by a stub, at an address that the filter lets pass, with all
 * registers as they were and with the program's own signal mask. The kernel destroys rcx and r11;
 * a stub has no more than these two to go back with, and nothing on the stack: a call may return
 * twice, on another stack, or in another process that shares this one. So each call site has a
 * stub of its own.
 */
#include "engine/inprocess/agent.h"

#define SYS_mmap         9
#define SYS_rt_sigreturn 15

/* Gates: where a call site jumps to that was patched (patch.c). These pages are mapped once more
 * near the site, so they refer to nothing but themselves. */
	.section .gates, "a"
	.balign 4096
	.globl agent_gates, agent_gates_end
agent_gates:
	.set at, 0
	.rept AGENT_SITES
	mov $at, %ecx
	jmp gate_end
	.balign 16
	.set at, at + 1
	.endr
gate_end:
	movabs $come_in, %r11
	jmp *%r11
	.balign 4096
agent_gates_end:

	.section .api, "a"
	.globl agent_header
agent_header:
	.quad 0, agent_end - AGENT_TEXT
	.quad agent_init, vm_open, agent_run_open, vm_call, vm_memory, agent_start
	.quad agent_recover, agent_boot

	.text
	.balign 16
	.globl agent_stubs
agent_stubs: /* for those whose result nobody asks for */
	.set at, AGENT_PRIVATE
	.rept AGENT_SITES
	syscall
	mov at - AGENT_TEXT + agent_header(%rip), %rcx
	jmp *%rcx
	.balign AGENT_SITE_BYTES
	.set at, at + AGENT_SITE_BYTES
	.endr

	.globl agent_exit_stubs
agent_exit_stubs:
	.set at, 0
	.rept AGENT_SITES
	syscall
	mov $at, %ecx
	jmp come_back
	.balign AGENT_SITE_BYTES
	.set at, at + 1
	.endr

.macro keep /* all that a call keeps, below the red zone; rbp: where it lies */
	lea -128(%rsp), %rsp
	pushfq
	push %rbp
	push %rax
	push %rcx
	push %rdi
	push %rsi
	push %rdx
	push %r8
	push %r9
	push %r10
	mov %rsp, %rbp
	and $-16, %rsp
	cld
	mov %ecx, %edi
	mov %rbp, %rsi
.endm
.macro restore rax
	pop %r10
	pop %r9
	pop %r8
	pop %rdx
	pop %rsi
	pop %rdi
	pop %rcx
	pop \rax
	pop %rbp
	popfq
	lea 128(%rsp), %rsp
.endm
.set KEPT_CX, 6 * 8
.set KEPT_AX, 7 * 8

/* rax: the result, ecx: the site. Signals may come; all but rcx and r11 stays. */
come_back:
	keep
	mov %rax, %rdx
	call agent_exit
	mov %rbp, %rsp
	mov %rax, KEPT_CX(%rsp)
	restore %rax
	jmp *%rcx

/* From a gate: ecx: the site. Here rax is free, too: it is about to get the number of the call. */
come_in:
	keep
	call agent_gate
	mov %rbp, %rsp
	mov %rax, KEPT_AX(%rsp)
	mov %rdx, KEPT_CX(%rsp)
	restore %r11
	mov %ecx, %eax
	jmp *%r11

	.globl agent_restorer
agent_restorer:
	mov $SYS_rt_sigreturn, %eax
	syscall
	.globl agent_text_stubs_end
agent_text_stubs_end:

/* A new program, before its first instruction: rdi: the file, rsi: where it begins. */
	.globl agent_boot
agent_boot:
	mov %rsi, %r12
	mov %rsp, %rbp
	mov %rsp, %rsi
	and $-16, %rsp
	call agent_begin
	mov %rbp, %rsp
	push %r12
	xor %eax, %eax
	xor %ebx, %ebx
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %ebp, %ebp
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
	ret

	.globl _setjmp
_setjmp:
	mov %rbx, (%rdi)
	mov %rbp, 8(%rdi)
	mov %r12, 16(%rdi)
	mov %r13, 24(%rdi)
	mov %r14, 32(%rdi)
	mov %r15, 40(%rdi)
	lea 8(%rsp), %rdx
	mov %rdx, 48(%rdi)
	mov (%rsp), %rdx
	mov %rdx, 56(%rdi)
	xor %eax, %eax
	ret

	.globl longjmp
longjmp:
	mov (%rdi), %rbx
	mov 8(%rdi), %rbp
	mov 16(%rdi), %r12
	mov 24(%rdi), %r13
	mov 32(%rdi), %r14
	mov 40(%rdi), %r15
	mov 48(%rdi), %rsp
	mov %esi, %eax
	jmp *56(%rdi)

	.section .rodata
	.balign 8
	.globl stderr
stderr:
	.quad 0

	.section .note.GNU-stack, "", @progbits
