// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func prlimit(l *limit)
TEXT ·prlimit(SB), NOSPLIT, $0-8
	MOVQ	$0, DI			// DI: the calling process
	MOVQ	$7, SI			// SI: RLIMIT_NOFILE
	MOVQ	$0, DX			// DX: no new limit
	MOVQ	l+0(FP), R10		// R10: where the old one goes
	MOVQ	$302, AX		// AX: prlimit64
	SYSCALL
	RET
