//go:build !purego

#include "textflag.h"

// func dotFoursAsm(lanes *[4][4]float32, x, w *float32, ws, fours int)
//
// is lanes[r][l] = Σ_i x[4i+l]·w[r·ws+4i+l] over i < fours, in rising i: each of X0 … X3
// has the four lanes of one row's sum. SSE, which every amd64 has, fuses nothing.
TEXT ·dotFoursAsm(SB), NOSPLIT, $0-40
	MOVQ  lanes+0(FP), DI
	MOVQ  x+8(FP), SI
	MOVQ  w+16(FP), R8
	MOVQ  ws+24(FP), R12
	MOVQ  fours+32(FP), CX
	SHLQ  $2, R12            // in bytes
	LEAQ  (R8)(R12*1), R9
	LEAQ  (R9)(R12*1), R10
	LEAQ  (R10)(R12*1), R11
	XORPS X0, X0
	XORPS X1, X1
	XORPS X2, X2
	XORPS X3, X3
	XORQ  AX, AX
	TESTQ CX, CX
	JZ    done

next:
	MOVUPS (SI)(AX*1), X4
	MOVUPS (R8)(AX*1), X5
	MOVUPS (R9)(AX*1), X6
	MOVUPS (R10)(AX*1), X7
	MOVUPS (R11)(AX*1), X8
	MULPS  X4, X5
	MULPS  X4, X6
	MULPS  X4, X7
	MULPS  X4, X8
	ADDPS  X5, X0
	ADDPS  X6, X1
	ADDPS  X7, X2
	ADDPS  X8, X3
	ADDQ   $16, AX
	DECQ   CX
	JNZ    next

done:
	MOVUPS X0, (DI)
	MOVUPS X1, 16(DI)
	MOVUPS X2, 32(DI)
	MOVUPS X3, 48(DI)
	RET
