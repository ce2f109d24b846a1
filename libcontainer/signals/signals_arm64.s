// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The pipe that handlers write to.
DATA ·pipe+0(SB)/8, $-1
GLOBL ·pipe(SB), NOPTR, $8

// func setPipe(fd uintptr)
TEXT ·setPipe(SB), NOSPLIT, $0-8
	MOVD fd+0(FP), R0
	MOVD R0, ·pipe(SB)
	RET

// The kernel enters here, on the thread's signal stack, with R0: the signal's number, R30: the
// kernel's own restorer. It expects nothing to be kept: sigreturn restores every register.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	SUB $16, RSP
	MOVB R0, 0(RSP)        // the byte to write
	MOVD ·pipe(SB), R0     // descriptor
	MOVD RSP, R1           // address
	MOVD $1, R2            // length
	MOVD $64, R8           // write
	SVC
	ADD $16, RSP
	RET

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVD $handler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET

// func restorerAddress() uintptr
TEXT ·restorerAddress(SB), NOSPLIT, $0-8
	MOVD ZR, ret+0(FP)
	RET
