// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The pipe that handlers write to.
DATA ·pipe+0(SB)/8, $-1
GLOBL ·pipe(SB), NOPTR, $8

// func setPipe(fd uintptr)
TEXT ·setPipe(SB), NOSPLIT, $0-8
	MOVQ fd+0(FP), AX
	MOVQ AX, ·pipe(SB)
	RET

// The kernel enters here, on the thread's signal stack, with DI: the signal's number. It
// expects nothing to be kept: sigreturn restores every register.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	SUBQ $8, SP
	MOVB DI, 0(SP)         // the byte to write
	MOVQ ·pipe(SB), DI     // descriptor
	MOVQ SP, SI            // address
	MOVQ $1, DX            // length
	MOVQ $1, AX            // write
	SYSCALL
	ADDQ $8, SP
	RET                    // to the restorer

TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ $15, AX           // rt_sigreturn
	SYSCALL
	INT $3                 // does not return

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	LEAQ handler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	LEAQ restorer<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
