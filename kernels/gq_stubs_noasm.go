//go:build !wasm || purego

package kernels

func neighbours(g *Grid) func(list []uint16, p uint16) int { return neighboursGeneric(g) }
func gridCodes([]uint16, int) []byte                       { return nil }

func tryScales(t *GridTrials, high *[maxGroups]float32, levels *[maxTries]float32) {
	tryScalesGeneric(t, high, levels)
}

func roundTrials(t *GridTrials, g *Grid) { roundTrialsGeneric(t, g) }
func placeTrials(t *GridTrials, g *Grid) { placeTrialsGeneric(t, g) }
func judgeTrials(t *GridTrials, g *Grid) { judgeTrialsGeneric(t, g) }

func sumTrials(qx, q2 *[maxGroups]float32, t *GridTrials, times *[maxGroups]float32, on bool) {
	sumTrialsGeneric(qx, q2, t, times, on)
}

func takeSigns(x, root, high []float32, signs []uint8, v, w []float32, even bool) {
	takeSignsGeneric(x, root, high, signs, v, w, even)
}

func searchSplits(s *Splits, x, w []float32) { searchSplitsGeneric(s, x, w) }

func searchPositive(q []uint8, scale, x, w []float32, n int, top int32) {
	searchPositiveGeneric(q, scale, x, w, n, top)
}
