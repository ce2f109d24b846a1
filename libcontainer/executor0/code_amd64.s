#include "textflag.h"

// Entry: DI = base (Header), SI = clone_args, DX = size, R8 first instruction
TEXT ·code(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, R12
	MOVQ R8, BX
	MOVQ SI, DI
	MOVQ DX, SI
	MOVQ $435, AX
	SYSCALL
	TESTQ AX, AX
	JEQ loop
	RET
loop:
	MOVL 0(BX), AX
	MOVBLZX 6(BX), R13
	MOVQ 8(BX), DI
	TESTQ $1, R13
	JEQ a1
	MOVQ (DI), DI
a1:
	MOVQ 16(BX), SI
	TESTQ $2, R13
	JEQ a2
	MOVQ (SI), SI
a2:
	MOVQ 24(BX), DX
	TESTQ $4, R13
	JEQ a3
	MOVQ (DX), DX
a3:
	MOVQ 32(BX), R10
	TESTQ $8, R13
	JEQ a4
	MOVQ (R10), R10
a4:
	MOVQ 40(BX), R8
	TESTQ $16, R13
	JEQ a5
	MOVQ (R8), R8
a5:
	MOVQ 48(BX), R9
	SYSCALL
	MOVBLZX 7(BX), R13
	CMPQ AX, $-4095
	JCC failed
	TESTQ AX, AX
	JNE ok
	TESTQ $1, R13
	JNE zero
ok:
	MOVL 56(BX), CX
	TESTQ CX, CX
	JEQ stored
	MOVQ AX, (R12)(CX*1)
stored:
	MOVL 64(BX), CX
	TESTQ CX, CX
	JNE jump
	ADDQ $72, BX
	JMP loop
jump:
	LEAQ (R12)(CX*1), BX
	JMP loop
zero:
	MOVQ $-32, AX
failed:
	NEGQ AX
	MOVL 60(BX), CX
	TESTQ CX, CX
	JEQ report
	MOVWLZX 4(BX), DI
	TESTQ DI, DI
	JEQ taken
	CMPQ DI, AX
	JNE report
taken:
	TESTQ $2, R13
	JEQ jump
	MOVQ BX, DI
	SUBQ R12, DI
	MOVQ DI, 8(R12)
	MOVQ AX, 16(R12)
	JMP jump
report:
	SUBQ R12, BX
	MOVQ BX, 8(R12)
	MOVQ AX, 16(R12)
	MOVQ 0(R12), DI
	LEAQ 8(R12), SI
	MOVQ $16, DX
	MOVQ $1, AX
	SYSCALL
	MOVQ $231, AX
	MOVQ $1, DI
	SYSCALL
	RET

TEXT ·codeEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func call(code, base, args, size, first uintptr) uintptr
TEXT ·call(SB), NOSPLIT, $0-48
	MOVQ code+0(FP), AX
	MOVQ base+8(FP), DI
	MOVQ args+16(FP), SI
	MOVQ size+24(FP), DX
	MOVQ first+32(FP), R8
	CALL AX
	MOVQ AX, ret+40(FP)
	RET

// func bounds() (start, end uintptr)
TEXT ·bounds(SB), NOSPLIT, $0-16
	LEAQ ·code(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·codeEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET
