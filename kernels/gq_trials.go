package kernels

// The searches of ggml's I-quants of two and three bits try a few scales for
// each group of a super-block: the values are rounded, runs of them that come to
// lie off the grid are moved to a neighbour, and the scale follows by least
// squares. GridTrials is a super-block at that work, of which RoundTrials,
// PlaceTrials and JudgeTrials each do a part.

const (
	maxTries   = 32
	rowTries   = maxTries + 8 // of a row: the assembly writes eight at a time
	superValue = 256
	maxRuns    = superValue / 4
	maxGroups  = superValue / 16
)

// GridTrials holds the groups of a super-block. Of run r of its runs, value i is
// X[r·dims + i]; a group is as many runs as hold Group values.
type GridTrials struct {
	X, W, Root [superValue]float32          // magnitudes, weights, and how the distance to neighbours is weighted
	Inverse    [maxGroups][maxTries]float32 // 1/Step, roughly, which rounds
	Step       [maxGroups][maxTries]float32 // of a group and a try, falling
	Rounded    [maxRuns][rowTries]uint16    // of a run and a try: the packed point that rounding gives
	Points     [maxRuns][rowTries]uint16    // and the one on the grid
	Shift      [maxRuns]uint8               // which Levels hold for a run
	Done       [maxRuns]bool                // runs that PlaceTrials leaves alone
	Failed     [maxGroups]bool              // no neighbour was at a finite distance
	Scale      [maxGroups]float32           // of a group, as far as it was found
	Kept       [maxGroups]int32             // the try that it is of; −1 before any is
	QX, Q2     [maxGroups]float32           // Σw·x·q and Σw·q² of try 0
	Levels     [2][3]float32                // what the coordinates of eight stand for; those of four stand for 2·c + 1
	Group      int                          // 16 or 32
	Tries      int                          // 1 … 32
}

// oddLevels are what coordinates are rounded and judged by.
var oddLevels = [8]float32{1, 3, 5, 7, 9, 11, 13, 15}

// ok says whether the counts of t are ones that the kernels take.
func (t *GridTrials) ok() bool {
	return (t.Group == 16 || t.Group == 32) && t.Tries >= 1 && t.Tries <= maxTries
}

// TryScales sets Inverse and Step: high, the largest magnitude that there is in a
// group, or may be, is tried at each of levels, which are as many as Tries. They
// should rise, so that the steps fall; to be safe none more than half above the
// first.
func TryScales(t *GridTrials, high *[maxGroups]float32, levels *[maxTries]float32) {
	if t.ok() {
		tryScales(t, high, levels)
	}
}

func tryScalesGeneric(t *GridTrials, high *[maxGroups]float32, levels *[maxTries]float32) {
	for j, high := range high[:superValue/t.Group] {
		for i, l := range levels[:t.Tries] {
			id := l / high
			t.Inverse[j][i], t.Step[j][i] = id, 1/id
		}
	}
}

// RoundTrials rounds X by each Inverse: coordinate c, the one from 0 up whose
// level 2·c + 1 is nearest x·inverse, is nearest((x·inverse − 1)/2) in float32.
// Where that is not below 2^22 it is whatever the bits of nearestInt hold.
func RoundTrials(t *GridTrials, g *Grid) {
	if t.ok() {
		roundTrials(t, g)
	}
}

func roundTrialsGeneric(t *GridTrials, g *Grid) {
	width, top := g.width(), int32(2)
	if g.dims == 4 {
		top = 7
	}
	for r := range superValue / g.dims {
		x := t.X[r*g.dims : (r+1)*g.dims]
		ids := t.Inverse[r*g.dims/t.Group][:t.Tries]
		for k, id := range ids {
			p := uint16(0)
			for i := len(x) - 1; i >= 0; i-- {
				c := nearestInt(float32(0.5 * (float32(id*x[i]) - 1)))
				p = p<<width | uint16(min(max(c, 0), top))
			}
			t.Rounded[r][k] = p
		}
	}
}
