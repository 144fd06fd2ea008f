//go:build !purego

package kernels

import "unsafe"

// fourGroups pads up to three groups that are left over with zeros.
type fourGroups struct {
	x, w           [4 * maxGroup]float32
	q              [4 * maxGroup]uint8
	scale, minimum [4]float32
}

// pad copies the values from place at on, and their weights where there are any.
func (f *fourGroups) pad(x, w []float32, at int) {
	copy(f.x[:], x[at:])
	if w != nil {
		copy(f.w[:], w[at:])
	}
}

// minLanes is the scratch of searchMinAsm, which knows where each field stands.
type minLanes struct {
	x, w, l       [maxGroup][4]float32
	saved         [7][4]float32
	top, from, by float32
	last          int32
	absolute      int32
	kind          Weights
}

//go:noescape
func searchMinAsm(s *minLanes, scale, minimum, x, w *float32, q *uint8, n, fours int)

func searchMin(q []uint8, scale, minimum, x, w []float32, n int, c *MinSearch) {
	if n%4 != 0 || c.Weights == WeightsSquare {
		searchMinGeneric(q, scale, minimum, x, w, n, c)
		return
	}
	s := minLanes{top: c.Top, from: c.From, by: c.By, last: int32(c.Last), kind: c.Weights}
	if c.Absolute {
		s.absolute = 1
	}
	whole := len(scale) &^ 3
	searchMinAsm(&s, unsafe.SliceData(scale), unsafe.SliceData(minimum), unsafe.SliceData(x), unsafe.SliceData(w),
		unsafe.SliceData(q), n, whole/4)
	if whole < len(scale) {
		var f fourGroups
		f.pad(x, w, whole*n)
		searchMinAsm(&s, &f.scale[0], &f.minimum[0], &f.x[0], &f.w[0], &f.q[0], n, 1)
		copy(scale[whole:], f.scale[:])
		copy(minimum[whole:], f.minimum[:])
		copy(q[whole*n:], f.q[:])
	}
}

//go:noescape
func roundGroupsAsm(q *uint8, x, s, m *float32, n, groups int, least, most int32)

func roundGroups(q []uint8, x, s, m []float32, n int, least, most int32) {
	if n%16 != 0 || least < -128 || most-least > 255 || most < least {
		roundGroupsGeneric(q, x, s, m, n, least, most)
		return
	}
	roundGroupsAsm(unsafe.SliceData(q), unsafe.SliceData(x), unsafe.SliceData(s), unsafe.SliceData(m), n, len(s), least, most)
}

//go:noescape
func packBitsAsm(dst *byte, q *uint8, chunks, bits, run, shift int)

func packBits(dst []byte, q []uint8, bits, run, shift int) {
	if run%16 != 0 {
		packBitsGeneric(dst, q, bits, run, shift)
		return
	}
	packBitsAsm(unsafe.SliceData(dst), unsafe.SliceData(q), len(dst)/run, bits, run, shift)
}

//go:noescape
func unpackBitsAsm(q *int8, src *byte, chunks, bits, run, shift int)

func unpackBits(q []int8, src []byte, bits, run, shift int) {
	if run%16 != 0 {
		unpackBitsGeneric(q, src, bits, run, shift)
		return
	}
	unpackBitsAsm(unsafe.SliceData(q), unsafe.SliceData(src), len(src)/run, bits, run, shift)
}

//go:noescape
func weighAsm(w, x, importance *float32, n int, sigma2 float32)

func weigh(w, x, importance []float32, sigma2 float32) {
	n := len(w) &^ 3
	weighAsm(unsafe.SliceData(w), unsafe.SliceData(x), unsafe.SliceData(importance), n, sigma2)
	weighGeneric(w[n:], x[n:], importance[n:], sigma2)
}

// scaleLanes is the scratch of searchScaleAsm, which knows where each field stands.
type scaleLanes struct {
	x, w, wx     [maxGroup][4]float32
	found, alive [4]float32
	other, limit [4]float32
	half         float32
	kind         Weights
}

//go:noescape
func searchScaleAsm(s *scaleLanes, scale, x, w *float32, q *uint8, n, fours int, tries *[19]float32)

func searchScale(q []uint8, scale, x, w []float32, n int, half int32, k Weights) {
	if n%4 != 0 || k != WeightsGiven && k != WeightsSquare {
		searchScaleGeneric(q, scale, x, w, n, half, k)
		return
	}
	s := scaleLanes{half: float32(half), kind: k}
	whole := len(scale) &^ 3
	searchScaleAsm(&s, unsafe.SliceData(scale), unsafe.SliceData(x), unsafe.SliceData(w), unsafe.SliceData(q),
		n, whole/4, &scaleTries)
	if whole < len(scale) {
		var f fourGroups
		f.pad(x, w, whole*n)
		searchScaleAsm(&s, &f.scale[0], &f.x[0], &f.w[0], &f.q[0], n, 1, &scaleTries)
		copy(scale[whole:], f.scale[:])
		if q != nil {
			copy(q[whole*n:], f.q[:])
		}
	}
}

// stepLanes is the scratch of startStepsAsm and moveStepsAsm, which know where each field
// stands.
type stepLanes struct {
	values [5]struct { // x, w·x·l, w·l², l; what else there is of single groups
		four   [stepsLen][4]float32
		single [8][stepsLen]float32
	}
	inverse, sumLX, sumL2 [stepsAtOnce]float32
	queue                 [8]int64
}

// stepsAtOnce is how many groups go through startStepsAsm and then through moveStepsAsm.
const stepsAtOnce = 64

//go:noescape
func startStepsAsm(s *stepLanes, scale, x *float32, q *uint8, fours int) (moving uint64)

//go:noescape
func moveStepsAsm(s *stepLanes, scale, x *float32, q *uint8, moving uint64)

func searchSteps(q []uint8, scale, x []float32) {
	var s stepLanes
	for len(scale) >= 4 {
		n := min(len(scale)&^3, stepsAtOnce)
		to, from, codes := unsafe.SliceData(scale), unsafe.SliceData(x), unsafe.SliceData(q)
		if moving := startStepsAsm(&s, to, from, codes, n/4); moving != 0 {
			moveStepsAsm(&s, to, from, codes, moving)
		}
		scale, x = scale[n:], x[n*stepsLen:]
		if q != nil {
			q = q[n*stepsLen:]
		}
	}
	searchStepsGeneric(q, scale, x)
}

//go:noescape
func settleScalesAsm(of *Settled, codes *uint8, steps, scales *float32, blocks int, least float32)

func settleScales(of []Settled, codes []uint8, steps, scales []float32, least int32) {
	settleScalesAsm(unsafe.SliceData(of), unsafe.SliceData(codes), unsafe.SliceData(steps), unsafe.SliceData(scales), len(of), float32(least))
}

//go:noescape
func packQ3_KAsm(dst *byte, x, s *float32, blocks int)

func packQ3_K(dst []byte, x, s []float32) {
	packQ3_KAsm(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(s), len(x)/superLen)
}

//go:noescape
func packQ6_KAsm(dst *byte, x, s *float32, blocks int)

func packQ6_K(dst []byte, x, s []float32) {
	packQ6_KAsm(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(s), len(x)/superLen)
}

//go:noescape
func quantizeQ4_1Asm(dst *byte, x *float32, n int)

func quantizeQ4_1(dst []byte, x []float32) {
	quantizeQ4_1Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func dequantizeQ4_1Asm(dst *float32, src *byte, n int)

func dequantizeQ4_1(dst []float32, src []byte) {
	dequantizeQ4_1Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func quantizeQ5_0Asm(dst *byte, x *float32, n int)

func quantizeQ5_0(dst []byte, x []float32) {
	quantizeQ5_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func dequantizeQ5_0Asm(dst *float32, src *byte, n int)

func dequantizeQ5_0(dst []float32, src []byte) {
	dequantizeQ5_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func quantizeQ5_1Asm(dst *byte, x *float32, n int)

func quantizeQ5_1(dst []byte, x []float32) {
	quantizeQ5_1Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func dequantizeQ5_1Asm(dst *float32, src *byte, n int)

func dequantizeQ5_1(dst []float32, src []byte) {
	dequantizeQ5_1Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func dequantizeQ2_KAsm(dst *float32, src *byte, n int, s *[32]float32)

func dequantizeQ2_K(dst []float32, src []byte) {
	var s [32]float32
	dequantizeQ2_KAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), &s)
}

//go:noescape
func dequantizeQ3_KAsm(dst *float32, src *byte, n int, s *[32]float32)

func dequantizeQ3_K(dst []float32, src []byte) {
	var s [32]float32
	dequantizeQ3_KAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), &s)
}

//go:noescape
func dequantizeQ4_KAsm(dst *float32, src *byte, n int, s *[32]float32)

func dequantizeQ4_K(dst []float32, src []byte) {
	var s [32]float32
	dequantizeQ4_KAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), &s)
}

//go:noescape
func dequantizeQ5_KAsm(dst *float32, src *byte, n int, s *[32]float32)

func dequantizeQ5_K(dst []float32, src []byte) {
	var s [32]float32
	dequantizeQ5_KAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), &s)
}

//go:noescape
func dequantizeQ6_KAsm(dst *float32, src *byte, n int, s *[32]float32)

func dequantizeQ6_K(dst []float32, src []byte) {
	var s [32]float32
	dequantizeQ6_KAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), &s)
}
