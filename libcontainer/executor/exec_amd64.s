// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// code is what a child runs. It is copied to the first page of the arena and called there, so
// it holds no address of its own; the child has no stack, so it calls nothing and pushes nothing.
//
// In: AX = number of the system call that clones, DI, SI = its first two arguments,
// BX = first instruction, R12 = Header.
// Out, in the parent alone: AX = pid or -errno.
//
// The kernel changes AX, CX and R11 and leaves all other registers alone.
TEXT ·code(SB), NOSPLIT|NOFRAME, $0-0
	XORL	DX, DX				// DX, R10, R8, R9: arguments that the clone does not use
	XORL	R10, R10
	XORL	R8, R8
	XORL	R9, R9
	SYSCALL
	TESTQ	AX, AX				// AX: 0 in the child
	JEQ	next
	RET

next:	// BX: the instruction to run
	MOVBLZX	instruction_mask(BX), CX	// CX: which arguments are addresses of slots
	MOVQ	const_arg0(BX), DI		// DI: first argument
	TESTL	$1, CX
	JEQ	second
	MOVQ	(DI), DI
second:
	MOVQ	const_arg1(BX), SI		// SI: second argument
	TESTL	$2, CX
	JEQ	third
	MOVQ	(SI), SI
third:
	MOVQ	const_arg2(BX), DX		// DX: third argument
	TESTL	$4, CX
	JEQ	fourth
	MOVQ	(DX), DX
fourth:
	MOVQ	const_arg3(BX), R10		// R10: fourth argument
	TESTL	$8, CX
	JEQ	fifth
	MOVQ	(R10), R10
fifth:
	MOVQ	const_arg4(BX), R8		// R8: fifth argument
	TESTL	$16, CX
	JEQ	sixth
	MOVQ	(R8), R8
sixth:
	MOVQ	const_arg5(BX), R9		// R9: sixth argument
	TESTL	$32, CX
	JEQ	call
	MOVQ	(R9), R9
call:
	MOVL	instruction_nr(BX), AX		// AX: number of the system call
	SYSCALL					// AX: its result
	TESTQ	AX, AX
	JNE	judge
	TESTB	$const_zeroFails, instruction_flags(BX)
	JEQ	judge
	MOVQ	$-const_zeroErrno, AX		// AX: the error that a zero counts as
judge:
	CMPQ	AX, $-4095			// unsigned: the last 4095 values are errors
	JCC	failed
	MOVL	instruction_out(BX), CX		// CX: offset of the slot for the result, or 0
	TESTL	CX, CX
	JEQ	stored
	MOVQ	AX, (R12)(CX*1)
stored:
	MOVL	instruction_onSuccess(BX), CX	// CX: offset of the instruction to go to, or 0
	TESTL	CX, CX
	JNE	jump
	ADDQ	$instruction__size, BX		// BX: the instruction below
	JMP	next
jump:
	LEAQ	(R12)(CX*1), BX			// BX: the instruction at offset CX
	JMP	next

failed:
	NEGQ	AX				// AX: errno
	MOVL	instruction_onError(BX), CX	// CX: offset of the instruction that takes it, or 0
	MOVWLZX	instruction_errno(BX), DX	// DX: the only errno that it takes, or 0
	TESTL	DX, DX
	JEQ	filtered
	CMPL	DX, AX
	JEQ	filtered
	XORL	CX, CX				// CX: nobody takes it
filtered:
	TESTL	CX, CX
	JEQ	note
	TESTB	$const_remember, instruction_flags(BX)
	JEQ	jump
note:
	MOVL	instruction_index(BX), DX	// DX: which instruction it was
	MOVQ	DX, const_headerFailed(R12)
	MOVQ	AX, const_headerErrno(R12)
	TESTL	CX, CX
	JNE	jump
	MOVL	$const_sysWrite, AX		// AX: write
	MOVL	const_headerReport(R12), DI	// DI: descriptor for reports
	LEAQ	const_headerFailed(R12), SI	// SI: the report
	MOVL	$const_reportSize, DX		// DX: its size
	SYSCALL
	MOVL	$const_sysExitGroup, AX		// AX: exit_group
	MOVL	$1, DI				// DI: exit status
	SYSCALL
	UNDEF					// for a seccomp filter that forbids exit_group

TEXT ·codeEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func bounds() (start, end unsafe.Pointer)
TEXT ·bounds(SB), NOSPLIT, $0-16
	LEAQ	·code(SB), AX
	MOVQ	AX, start+0(FP)
	LEAQ	·codeEnd(SB), AX
	MOVQ	AX, end+8(FP)
	RET

// func enter(e *entry) uintptr
TEXT ·enter(SB), NOSPLIT, $0-16
	MOVQ	e+0(FP), CX
	MOVQ	entry_nr(CX), AX		// AX, DI, SI, BX, R12: as code wants them
	MOVQ	entry_arg0(CX), DI
	MOVQ	entry_arg1(CX), SI
	MOVQ	entry_first(CX), BX
	MOVQ	entry_header(CX), R12
	MOVQ	entry_code(CX), CX		// CX: the copy of code in the arena
	CALL	CX
	MOVQ	AX, ret+8(FP)
	RET

// func publish(start, end uintptr)
TEXT ·publish(SB), NOSPLIT, $0-16
	RET					// x86 keeps its instruction caches coherent by itself
