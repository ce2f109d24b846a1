// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func prlimit(l *limit)
TEXT ·prlimit(SB), NOSPLIT, $0-8
	MOVD	ZR, R0			// R0: the calling process
	MOVD	$7, R1			// R1: RLIMIT_NOFILE
	MOVD	ZR, R2			// R2: no new limit
	MOVD	l+0(FP), R3		// R3: where the old one goes
	MOVD	$261, R8		// R8: prlimit64
	SVC
	RET
