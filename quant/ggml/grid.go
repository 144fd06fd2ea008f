package ggml

import (
	"sync"

	"fewbits/kernels"
)

// grid is a set of points, of which a format stores one for each run of eight
// or four weights. A point has small whole coordinates, packed into 16 bits.
//
// A run that rounds to a point off the grid takes a neighbour of it, and of
// which neighbours it is to choose, and in which order, decides the bytes. The
// reference sorts the whole grid by distance, once for each point that there
// is, before the first row. Here they are counted, which takes milliseconds; see
// kernels.NewGrid.
type grid struct {
	dims, bits int      // coordinates of a point, and bits of each
	rings      int      // neighbours are the points at so many different distances, nearest first
	points     []uint16 // rising

	once  sync.Once
	built *kernels.Grid
}

// The grids. Source: nwant in iq2xs_init_impl and iq3xs_init_impl.
var (
	grid2x256  = &grid{dims: 8, bits: 2, rings: 2, points: points2x256}
	grid2x512  = &grid{dims: 8, bits: 2, rings: 2, points: points2x512}
	grid2x1024 = &grid{dims: 8, bits: 2, rings: 1, points: points2x1024}
	grid1x2048 = &grid{dims: 8, bits: 2, rings: 3, points: points1x2048}
	grid3x256  = &grid{dims: 4, bits: 3, rings: 2, points: points3x256}
	grid3x512  = &grid{dims: 4, bits: 3, rings: 3, points: points3x512}
)

// ready is the grid with the neighbours of all points, found once.
func (g *grid) ready() *kernels.Grid {
	g.once.Do(func() { g.built = kernels.NewGrid(g.points, g.dims, g.rings) })
	return g.built
}
