//go:build !purego

package pins

// Lanes, by the second and by the only operand.

//go:noescape
func extractSecond(v *[4]float32) float32

//go:noescape
func extractOnly(v *[4]float32) float32

//go:noescape
func replaceSecond(v *[4]float32)

// Offsets.

//go:noescape
func storeSecond(p *[12]uint32)

//go:noescape
func storeOnly(p *[12]uint32)

//go:noescape
func loadOnly(p *[12]uint32) uint32

// Instructions whose order of operands matters: op(a, b) is stored in a.

//go:noescape
func pmin(a, b *[4]float32)

//go:noescape
func pmax(a, b *[4]float32)

//go:noescape
func swizzle(a, b *[16]byte)

//go:noescape
func narrow(a, b *[4]int32)

//go:noescape
func bitselect(a, b, mask *[4]uint32)

//go:noescape
func andnot(a, b *[4]uint32)

// Constants and conversions.

//go:noescape
func constant(p *[2]uint64)

//go:noescape
func promote(a *[4]float32)

//go:noescape
func nearest(a *[4]float32)

//go:noescape
func scalars(f float32, i int32, p *[2]float32)
