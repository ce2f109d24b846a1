// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// code is what a child runs. It is copied to the first page of the arena and called there, so
// it holds no address of its own; the child has no stack, so it calls nothing and pushes nothing.
//
// In: R8 = number of the system call that clones, R0, R1 = its first two arguments,
// R19 = first instruction, R20 = Header.
// Out, in the parent alone: R0 = pid or -errno.
//
// The kernel changes R0 and leaves all other registers alone.
TEXT ·code(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	ZR, R2				// R2 to R5: arguments that the clone does not use
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	ZR, R5
	SVC
	CBZ	R0, next			// R0: 0 in the child
	RET

next:	// R19: the instruction to run
	MOVBU	instruction_mask(R19), R9	// R9: which arguments are addresses of slots
	MOVD	const_arg0(R19), R0		// R0: first argument
	TBZ	$0, R9, second
	MOVD	(R0), R0
second:
	MOVD	const_arg1(R19), R1		// R1: second argument
	TBZ	$1, R9, third
	MOVD	(R1), R1
third:
	MOVD	const_arg2(R19), R2		// R2: third argument
	TBZ	$2, R9, fourth
	MOVD	(R2), R2
fourth:
	MOVD	const_arg3(R19), R3		// R3: fourth argument
	TBZ	$3, R9, fifth
	MOVD	(R3), R3
fifth:
	MOVD	const_arg4(R19), R4		// R4: fifth argument
	TBZ	$4, R9, sixth
	MOVD	(R4), R4
sixth:
	MOVD	const_arg5(R19), R5		// R5: sixth argument
	TBZ	$5, R9, call
	MOVD	(R5), R5
call:
	MOVWU	instruction_nr(R19), R8		// R8: number of the system call
	SVC					// R0: its result
	MOVBU	instruction_flags(R19), R10	// R10: zeroFails, remember
	CBNZ	R0, judge
	TBZ	$0, R10, judge			// bit 0: zeroFails
	MOVD	$-const_zeroErrno, R0		// R0: the error that a zero counts as
judge:
	CMN	$4095, R0			// carry: one of the last 4095 values, an error
	BCS	failed
	MOVWU	instruction_out(R19), R9	// R9: offset of the slot for the result, or 0
	CBZ	R9, stored
	MOVD	R0, (R20)(R9)
stored:
	MOVWU	instruction_onSuccess(R19), R9	// R9: offset of the instruction to go to, or 0
	CBNZ	R9, jump
	ADD	$instruction__size, R19		// R19: the instruction below
	B	next
jump:
	ADD	R9, R20, R19			// R19: the instruction at offset R9
	B	next

failed:
	NEG	R0, R11				// R11: errno
	MOVWU	instruction_onError(R19), R9	// R9: offset of the instruction that takes it, or 0
	MOVHU	instruction_errno(R19), R12	// R12: the only errno that it takes, or 0
	CBZ	R12, filtered
	CMP	R12, R11
	BEQ	filtered
	MOVD	ZR, R9				// R9: nobody takes it
filtered:
	CBZ	R9, note
	TBZ	$1, R10, jump			// bit 1: remember
note:
	MOVWU	instruction_index(R19), R12	// R12: which instruction it was
	MOVD	R12, const_headerFailed(R20)
	MOVD	R11, const_headerErrno(R20)
	CBNZ	R9, jump
	MOVD	$const_sysWrite, R8		// R8: write
	MOVWU	const_headerReport(R20), R0	// R0: descriptor for reports
	ADD	$const_headerFailed, R20, R1	// R1: the report
	MOVD	$const_reportSize, R2		// R2: its size
	SVC
	MOVD	$const_sysExitGroup, R8		// R8: exit_group
	MOVD	$1, R0				// R0: exit status
	SVC
	UNDEF					// for a seccomp filter that forbids exit_group

TEXT ·codeEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func bounds() (start, end unsafe.Pointer)
TEXT ·bounds(SB), NOSPLIT, $0-16
	MOVD	$·code(SB), R0
	MOVD	R0, start+0(FP)
	MOVD	$·codeEnd(SB), R0
	MOVD	R0, end+8(FP)
	RET

// func enter(e *entry) uintptr
TEXT ·enter(SB), NOSPLIT, $16-16
	MOVD	e+0(FP), R9
	MOVD	entry_nr(R9), R8		// R8, R0, R1, R19, R20: as code wants them
	MOVD	entry_arg0(R9), R0
	MOVD	entry_arg1(R9), R1
	MOVD	entry_first(R9), R19
	MOVD	entry_header(R9), R20
	MOVD	entry_code(R9), R9		// R9: the copy of code in the arena
	CALL	(R9)
	MOVD	R0, ret+8(FP)
	RET

// func publish(start, end uintptr)
TEXT ·publish(SB), NOSPLIT, $0-16
	MOVD	start+0(FP), R0			// R0: address
	MOVD	end+8(FP), R1			// R1: its end
	MOVD	R0, R2				// R2: address, for the second pass
	MOVD	$4, R3				// R3: the shortest line that a cache may have, in bytes
clean:
	WORD	$0xd50b7b20			// DC CVAU, X0: write the data cache's line back
	ADD	R3, R0
	CMP	R1, R0
	BLO	clean
	DSB	$11				// inner shareable: before anything below
invalidate:
	WORD	$0xd50b7522			// IC IVAU, X2: forget the instruction cache's line
	ADD	R3, R2
	CMP	R1, R2
	BLO	invalidate
	DSB	$11
	ISB	$15				// and what was fetched already
	RET
