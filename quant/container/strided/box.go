package strided

import (
	"fmt"
	"io"
	"slices"

	"fewbits/quant"
)

// dim is one dimension of a box: how many, and the steps in file and buffer.
type dim struct {
	n    int
	step int64 // in the file, in values
	out  int   // in dst, in values
}

// read cuts rows [row, row+n) into boxes and reads each.
func (v *View) read(row, n int, dst []float32) error {
	if len(v.Shape) == 0 {
		return v.readBox(0, nil, dst)
	}
	return v.cut(0, row, row+n, 0, dst)
}

// cut reads rows [lo, hi) of the part of the array that is left when the
// indices before dimension d are fixed; base is where they point. A whole
// number of indices of d is one box; what is left at either end is cut by the
// next dimension.
func (v *View) cut(d, lo, hi int, base int64, dst []float32) error {
	last := len(v.Shape) - 1
	cols := v.Shape[last]
	if d == last {
		return v.readBox(base, v.dims(last, cols), dst)
	}
	inner := quant.Rows(v.Shape[d+1:]) // rows to an index of d
	for lo < hi {
		i, from := lo/inner, lo%inner
		end := min(hi, (i+1)*inner)
		at := base + int64(i)*v.Strides[d]
		if from == 0 && hi-lo >= inner {
			k := (hi - lo) / inner
			end = lo + k*inner
			if err := v.readBox(at, v.dims(d, k), dst[:(end-lo)*cols]); err != nil {
				return err
			}
		} else if err := v.cut(d+1, from, from+end-lo, at, dst[:(end-lo)*cols]); err != nil {
			return err
		}
		dst = dst[(end-lo)*cols:]
		lo = end
	}
	return nil
}

// dims are the dimensions from d on, n indices of d and all of the others,
// smallest step first, without those of 1.
func (v *View) dims(d, n int) []dim {
	var ds []dim
	out := 1
	for i := len(v.Shape) - 1; i >= d; i-- {
		k := v.Shape[i]
		if i == d {
			k = n
		}
		if k > 1 {
			ds = append(ds, dim{k, v.Strides[i], out})
		}
		out *= k
	}
	slices.SortStableFunc(ds, func(a, b dim) int {
		switch {
		case a.step < b.step:
			return -1
		case a.step > b.step:
			return 1
		}
		return 0
	})
	return ds
}

// readBox reads a box whose first value is base values after the view's.
func (v *View) readBox(base int64, ds []dim, dst []float32) error {
	run, piece := plan(ds)
	r := &runs{v: v, dst: dst}
	if run == len(ds) {
		return r.read(base, 0, ds)
	}
	// ds[run] is read piece indices at a time, and the dimensions past it one.
	outer := ds[run+1:]
	at := make([]int, len(outer))
	inner := slices.Clone(ds[:run+1])
	for {
		off, out := base, 0
		for i, d := range outer {
			off += int64(at[i]) * d.step
			out += at[i] * d.out
		}
		for k := 0; k < ds[run].n; k += piece {
			inner[run].n = min(piece, ds[run].n-k)
			if err := r.read(off+int64(k)*ds[run].step, out+k*ds[run].out, inner); err != nil {
				return err
			}
		}
		if !next(at, outer) {
			return nil
		}
	}
}

// next moves an index on, the first dimension fastest; false at the end.
func next(at []int, ds []dim) bool {
	for i := range at {
		if at[i]++; at[i] < ds[i].n {
			return true
		}
		at[i] = 0
	}
	return false
}

// plan says how many of the dimensions to read as one run of the file, and
// how many indices of the one after them: as many as a run of spanValues
// holds, as long as it is not mostly gaps.
func plan(ds []dim) (run, piece int) {
	span, count := int64(1), int64(1)
	for i, d := range ds {
		wide := span + int64(d.n-1)*d.step
		if wide <= spanValues && wide <= sparse*count*int64(d.n) {
			span, count = wide, count*int64(d.n)
			continue
		}
		piece = 1
		if d.step <= sparse*count {
			piece = int(min(int64(d.n), max(1, 1+(spanValues-span)/max(d.step, 1))))
		}
		return i, piece
	}
	return len(ds), 0
}

// runs reads runs of the file into a buffer.
type runs struct {
	v    *View
	dst  []float32
	raw  []byte
	vals []float32
}

// read reads the run that holds the box ds at off values into the view and
// puts its values at out and on.
func (r *runs) read(off int64, out int, ds []dim) error {
	span, count, same := 1, 1, true
	for _, d := range ds {
		same = same && d.step == int64(d.out)
		span += int(d.step) * (d.n - 1)
		count *= d.n
	}
	size := r.v.Type.Size
	if cap(r.raw) < span*size {
		r.raw = make([]byte, span*size)
	}
	raw := r.raw[:span*size]
	at := r.v.Base + off*int64(size)
	if n, err := r.v.R.ReadAt(raw, at); n < len(raw) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%d bytes at offset %d: %w", len(raw), at, err)
	}
	decode := r.v.Type.Decode
	if r.v.Big {
		decode = r.v.Type.DecodeBig
	}
	if same && span == count {
		return decode(r.dst[out:out+span], raw)
	}
	if cap(r.vals) < span {
		r.vals = make([]float32, span)
	}
	vals := r.vals[:span]
	if err := decode(vals, raw); err != nil {
		return err
	}
	spread(r.dst[out:], vals, ds)
	return nil
}

// tile is how many runs of a transpose are copied side by side, so that what
// is written lies together: a cache line of float32.
const tile = 16

// spread copies the box ds from a run of the file to its places in dst.
func spread(dst, vals []float32, ds []dim) {
	switch len(ds) {
	case 0:
		dst[0] = vals[0]
	case 1:
		d := ds[0]
		for i := range d.n {
			dst[i*d.out] = vals[i*int(d.step)]
		}
	case 2:
		a, b := ds[0], ds[1]
		for from := 0; from < b.n; from += tile {
			to := min(from+tile, b.n)
			for i := range a.n {
				d, v := dst[i*a.out:], vals[i*int(a.step):]
				for k := from; k < to; k++ {
					d[k*b.out] = v[k*int(b.step)]
				}
			}
		}
	default:
		d := ds[len(ds)-1]
		for i := range d.n {
			spread(dst[i*d.out:], vals[i*int(d.step):], ds[:len(ds)-1])
		}
	}
}
