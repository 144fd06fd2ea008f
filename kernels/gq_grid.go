package kernels

import "math"

// Grid is a set of points of which a format stores one for each run of eight
// or four weights. A point has small whole coordinates, packed into 16 bits:
// eight of two bits, which are 0 to 2, or four of three bits, 0 to 7; the first
// stands in the low bits.
//
// A run that rounds to a packed point off the grid takes one of that point's
// neighbours: the grid's points at the least distance from it, then those at the
// next, as many distances as the grid has rings, and by place where the distance
// is the same. Their order decides between equals.
type Grid struct {
	dims, rings int
	points      []uint16 // rising

	place   []int16  // of each packed point: where it is on the grid, or −1 less the number of its list
	first   []uint32 // the block of near in which each list begins; a list ends where the next begins
	near    []uint16 // the lists, each filled up to whole blocks with noPoint
	codes   []byte   // the same in the form that the assembly reads, 64 bytes a block
	longest int      // of the lists
}

// noPoint is no packed point: coordinates of two bits are never 3, and those of
// three bits leave four bits clear.
const noPoint = 0xffff

// NewGrid makes a grid of 16, 32 … packed points, which must rise, and finds
// the neighbours of all packed points off it. dims is 8 or 4, and there is a
// point at as many distances as rings. It takes some milliseconds; points is kept.
func NewGrid(points []uint16, dims, rings int) *Grid {
	g := &Grid{dims: dims, rings: rings, points: points, place: make([]int16, 1<<16)}
	if dims == 4 {
		g.place = g.place[:1<<12]
	}
	for i, p := range points {
		g.place[p] = int16(i) + 1
	}
	list := make([]uint16, len(points)+16)
	find := neighbours(g)
	for p := range g.place {
		switch at := g.place[p]; {
		case at > 0:
			g.place[p] = at - 1
		case dims == 8 && p&(p>>1)&0x5555 != 0: // a coordinate of 3
			g.place[p] = math.MinInt16
		default:
			g.place[p] = int16(-1 - len(g.first))
			g.first = append(g.first, g.blocks())
			g.near = append(g.near, list[:find(list, uint16(p))]...)
			for len(g.near)%g.block() != 0 {
				g.near = append(g.near, noPoint)
			}
		}
	}
	g.first = append(g.first, g.blocks())
	for i, end := range g.first[1:] {
		g.longest = max(g.longest, int(end-g.first[i])*g.block())
	}
	g.codes = gridCodes(g.near, dims)
	return g
}

// block is how many neighbours stand in a block.
func (g *Grid) block() int {
	if g.dims == 8 {
		return 16
	}
	return 4
}

// blocks is how many there are.
func (g *Grid) blocks() uint32 { return uint32(len(g.near) / g.block()) }

// width is how many bits a coordinate has.
func (g *Grid) width() int {
	if g.dims == 8 {
		return 2
	}
	return 3
}

// Place is the place of a packed point on the grid, negative where it is not.
func (g *Grid) Place(p uint16) int { return int(g.place[p]) }

// list are the neighbours of a packed point off the grid, with what fills up
// the last block.
func (g *Grid) list(p uint16) []uint16 {
	n := -1 - int(g.place[p])
	return g.near[int(g.first[n])*g.block() : int(g.first[n+1])*g.block()]
}

// Neighbours are those of a packed point off the grid, nearest first.
func (g *Grid) Neighbours(p uint16) []uint16 {
	list := g.list(p)
	for len(list) > 0 && list[len(list)-1] == noPoint {
		list = list[:len(list)-1]
	}
	return list
}

// maxDistance bounds Σ(c − c′)² over the coordinates: four times 7².
const maxDistance = 4 * 7 * 7

// neighboursGeneric gives the function that writes the neighbours of a packed
// point to list and returns their number.
func neighboursGeneric(g *Grid) func(list []uint16, p uint16) int {
	distances := make([]uint8, len(g.points))
	half := g.dims * g.width() / 2
	mask := uint16(1)<<half - 1
	return func(list []uint16, p uint16) int {
		// The distance is the sum of those of the two halves of a point.
		var low, high [256]uint8
		for h := range uint16(1) << half {
			low[h], high[h] = g.distance(h, p&mask), g.distance(h, p>>half)
		}
		var count [maxDistance + 1]int
		for i, q := range g.points {
			distances[i] = low[q&mask] + high[q>>half]
			count[distances[i]]++
		}
		var at [maxDistance + 1]int // where in the list a distance begins
		last, total := 0, 0
		for d, rings := 0, 0; d <= maxDistance && rings < g.rings; d++ {
			at[d] = total
			if count[d] > 0 {
				last, total = d, total+count[d]
				rings++
			}
		}
		for i, d := range distances {
			if int(d) <= last {
				list[at[d]] = g.points[i]
				at[d]++
			}
		}
		return total
	}
}

// distance is Σ(c − c′)² over the coordinates of half a point.
func (g *Grid) distance(p, q uint16) (sum uint8) {
	width := g.width()
	mask := uint16(1)<<width - 1
	for range g.dims / 2 {
		d := int(p&mask) - int(q&mask)
		sum += uint8(d * d)
		p, q = p>>width, q>>width
	}
	return sum
}
