//go:build !purego

package kernels

import (
	"encoding/binary"
	"math"
)

// nearLanes is the scratch of neighboursAsm.
type nearLanes struct {
	distance [1 << 11]uint8 // of each point of a grid
	table    [16][16]uint8  // of a part of a point to one of another
}

//go:noescape
func neighboursAsm(list, points *uint16, s *nearLanes, codes *byte, p, n, rings, bits int) (count int)

func neighbours(g *Grid) func(list []uint16, p uint16) int {
	s := new(nearLanes)
	n := len(g.points)
	if n%16 != 0 || n == 0 || n > len(s.distance) {
		return neighboursGeneric(g)
	}
	bits := 4 // two coordinates of two bits, or one of three
	if g.dims == 4 {
		bits = 3
	}
	for a := range s.table {
		for b := range s.table[a] {
			s.table[a][b] = g.distance(uint16(a), uint16(b))
		}
	}
	codes := pointParts(g.points, bits)
	return func(list []uint16, p uint16) int {
		return neighboursAsm(&list[0], &g.points[0], s, &codes[0], int(p), n, g.rings, bits)
	}
}

// pointParts are the parts of some bits of packed points, of 16 points at a time
// the first part of each, then the second, third and fourth.
func pointParts(points []uint16, bits int) []byte {
	parts := make([]byte, 4*len(points))
	for i, p := range points {
		for k := range 4 {
			parts[i/16*64+16*k+i%16] = byte(p >> (k * bits) & (1<<bits - 1))
		}
	}
	return parts
}

// gridCodes writes lists of neighbours as placeEightsAsm and placeFoursAsm read
// them: of 16 points of eight coordinates each pair of them in a byte, of four
// points of four coordinates their levels as floats.
func gridCodes(near []uint16, dims int) []byte {
	if dims == 8 {
		return pointParts(near, 4)
	}
	codes := make([]byte, 16*len(near))
	for i, p := range near {
		for c := range 4 {
			level := float32(2*(p>>(3*c)&7) + 1)
			if p == noPoint {
				level = float32(math.NaN())
			}
			binary.LittleEndian.PutUint32(codes[i/4*64+16*c+i%4*4:], math.Float32bits(level))
		}
	}
	return codes
}

//go:noescape
func tryScalesAsm(t *GridTrials, high, levels *float32, groups, fours int)

func tryScales(t *GridTrials, high *[maxGroups]float32, levels *[maxTries]float32) {
	tryScalesAsm(t, &high[0], &levels[0], superValue/t.Group, (t.Tries+3)/4)
}

//go:noescape
func roundEightsAsm(t *GridTrials, runs, tries int) (ok bool)

//go:noescape
func roundFoursAsm(t *GridTrials, fours, tries int) (ok bool)

func roundTrials(t *GridTrials, g *Grid) {
	var ok bool
	if g.dims == 8 {
		ok = roundEightsAsm(t, t.Group/8, t.Tries)
	} else {
		ok = roundFoursAsm(t, t.Group/16, t.Tries)
	}
	if !ok {
		roundTrialsGeneric(t, g)
	}
}

// mostSums is how many neighbours placeLanes has room for.
const mostSums = 1024

// placeLanes is the scratch of the assembly that places runs.
type placeLanes struct {
	sums   [2 * mostSums]uint8 // of the neighbours of a point, for two tries
	term   [4][8]float32       // of each coordinate and value; infinite for coordinate 3
	pairs  [4][16]uint8        // where the bytes of a table of pairs stand in one of single coordinates
	byte   [4]float32          // 255: constants in lanes
	whole  [4]float32          // 2^23
	none   [4]uint32           // 255 in the high bytes
	shifts [4]uint32           // what brings each coordinate to bit 9
	mask   [4]uint32           // of a coordinate
	block  [4]int32            // of the least sum in each lane
	sure   [maxTries]uint16    // of each try, 1 where its point is ahead of all others
	found  [2]int64            // the points of two tries
	ahead  [2]int64            // whether they are sure
	number [2]int64            // of candidates
	end    int64               // a bit beyond those of the tries
	shift  int64               // from the number of a run to that of its group
	runs   int64
}

//go:noescape
func placeEightsAsm(t *GridTrials, grid *Grid, s *placeLanes)

//go:noescape
func placeFoursAsm(t *GridTrials, grid *Grid, s *placeLanes)

func placeTrials(t *GridTrials, g *Grid) {
	if g.longest > mostSums {
		placeTrialsGeneric(t, g)
		return
	}
	s := placeLanes{end: 1 << t.Tries, runs: int64(superValue / g.dims)}
	for n := t.Group / g.dims; n > 1; n /= 2 {
		s.shift++
	}
	for i := range s.shifts {
		s.shifts[i], s.mask[i] = 1<<(9-i*g.width()), 1<<g.width()-1
	}
	if g.dims == 4 {
		placeFoursAsm(t, g, &s)
		return
	}
	for i := range s.term[3] {
		s.term[3][i] = float32(math.Inf(1))
	}
	for i := range s.none {
		s.byte[i], s.whole[i], s.none[i] = 255, 1<<23, 0xff000000
	}
	for i := range 16 {
		low, high := uint8(i&3), uint8(i>>2)
		s.pairs[0][i], s.pairs[1][i], s.pairs[2][i], s.pairs[3][i] = low, 4+high, 8+low, 12+high
	}
	placeEightsAsm(t, g, &s)
}

// judgeLanes is the scratch of the assembly that judges tries.
type judgeLanes struct {
	end          int64 // a bit beyond those of the tries
	groups, runs int64 // runs of a group
	mask         int32 // of twice a coordinate
}

//go:noescape
func judgeEightsAsm(t *GridTrials, s *judgeLanes)

//go:noescape
func judgeFoursAsm(t *GridTrials, s *judgeLanes)

func judgeTrials(t *GridTrials, g *Grid) {
	s := judgeLanes{end: 1 << t.Tries, groups: int64(superValue / t.Group), runs: int64(t.Group / g.dims)}
	if g.dims == 8 {
		s.mask = 3 << 1
		judgeEightsAsm(t, &s)
	} else {
		s.mask = 7 << 1
		judgeFoursAsm(t, &s)
	}
}

//go:noescape
func sumTrialsAsm(qx, q2 *float32, t *GridTrials, times *float32, groups, runs int, on bool)

func sumTrials(qx, q2 *[maxGroups]float32, t *GridTrials, times *[maxGroups]float32, on bool) {
	sumTrialsAsm(&qx[0], &q2[0], t, &times[0], superValue/t.Group, t.Group/8, on)
}

//go:noescape
func takeSignsAsm(x, root, high *float32, signs *uint8, v, w *float32, n int, even bool)

func takeSigns(x, root, high []float32, signs []uint8, v, w []float32, even bool) {
	if n := len(signs); n > 0 {
		takeSignsAsm(&x[0], &root[0], &high[0], &signs[0], &v[0], &w[0], n, even)
	}
}

// splitLanes is the scratch of the assembly that splits groups.
type splitLanes struct {
	rank       [32]int32      // of each value, how many are below
	place      [32]uint8      // of each value in order
	sumX, sumW [2][40]float32 // of w·x and w up to a place, for a run
	part       [4][40]float32 // of what lies beyond
	qx, q2     [4][4]float32  // of four cuts and each shift
}

//go:noescape
func split32Asm(s *Splits, x, w *float32, lanes *splitLanes)

//go:noescape
func split16Asm(s *Splits, x, w *float32, lanes *splitLanes)

func searchSplits(s *Splits, x, w []float32) {
	var lanes splitLanes
	for run := range lanes.sumW {
		for i := s.Group + 1; i < len(lanes.sumW[run]); i++ {
			lanes.sumW[run][i] = float32(math.NaN())
		}
	}
	if s.Group == 32 {
		split32Asm(s, &x[0], &w[0], &lanes)
	} else {
		split16Asm(s, &x[0], &w[0], &lanes)
	}
}

// positiveLanes is the scratch of searchPositiveAsm.
type positiveLanes struct {
	x, w, wx, l [maxGroup][4]float32
	alive       [4]uint32
	tries       [8]float32
}

//go:noescape
func searchPositiveAsm(s *positiveLanes, scale, x, w *float32, n, fours, top int)

func searchPositive(q []uint8, scale, x, w []float32, n int, top int32) {
	whole := len(scale) &^ 3
	if q != nil || n%4 != 0 || whole == 0 {
		searchPositiveGeneric(q, scale, x, w, n, top)
		return
	}
	s := positiveLanes{tries: positiveTries}
	searchPositiveAsm(&s, &scale[0], &x[0], &w[0], n, whole/4, int(top))
	searchPositiveGeneric(nil, scale[whole:], x[whole*n:], w[whole*n:], n, top)
}
