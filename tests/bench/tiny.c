/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that the storm runs: it ends, and does nothing before. Linked with no library where its
 * one system call is known here. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov $60, %eax\n xor %edi, %edi\n syscall\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x8, #93\n mov x0, #0\n svc #0\n");
#else
int main(void)
{
	return 0;
}
#endif
