package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/convert"
)

// Source is src, the file that the model was opened from, with the result's
// weights, norms and biases in place of its own, as F32.
func (r *Result) Source(src quant.Source) (quant.Source, error) {
	o := &overlay{Source: src, infos: slices.Clone(src.Tensors()), values: map[int][]float32{}}
	at := map[string]int{}
	for i, info := range o.infos {
		at[info.Name] = i
	}
	put := func(name string, v []float32) error {
		i, ok := at[name]
		if !ok || o.infos[i].Len() != len(v) {
			return fmt.Errorf("calibrate: the file has no tensor %q of %d values: it is not the one that was quantized", name, len(v))
		}
		o.values[i] = v
		o.infos[i].Type, o.infos[i].Bytes, o.infos[i].Offset = "F32", 4*int64(len(v)), 0
		return nil
	}
	for _, t := range r.Tensors {
		if err := put(t.Name, t.Values); err != nil {
			return nil, err
		}
	}
	for name, v := range r.Vectors {
		if err := put(name, v); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// overlay is a file with other values in some of its tensors.
type overlay struct {
	quant.Source
	infos  []quant.TensorInfo
	values map[int][]float32
}

// Tensors implements quant.Source.
func (o *overlay) Tensors() []quant.TensorInfo { return o.infos }

// ReadRows implements quant.Source.
func (o *overlay) ReadRows(i, row, n int, dst []float32) error {
	v, ok := o.values[i]
	if !ok {
		return o.Source.ReadRows(i, row, n, dst)
	}
	cols := quant.Cols(o.infos[i].Shape)
	if row < 0 || n < 0 || row > quant.Rows(o.infos[i].Shape)-n || len(dst) != n*cols {
		return fmt.Errorf("calibrate: tensor %q: %d rows from row %d on into %d values", o.infos[i].Name, n, row, len(dst))
	}
	copy(dst, v[row*cols:])
	return nil
}

// ReadRaw implements quant.Source.
func (o *overlay) ReadRaw(i int, off int64, dst []byte) error {
	v, ok := o.values[i]
	if !ok {
		return o.Source.ReadRaw(i, off, dst)
	}
	if off < 0 || off > 4*int64(len(v))-int64(len(dst)) {
		return fmt.Errorf("calibrate: tensor %q: %d bytes from byte %d on, and it has %d", o.infos[i].Name, len(dst), off, 4*len(v))
	}
	for k := range dst {
		at := off + int64(k)
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v[at/4]))
		dst[k] = b[at%4]
	}
	return nil
}

// Plan is how a GGUF file of Source is made: the quantized matrices become
// typ, F16 or F32, all else keeps its type. No type of such a file can hold
// the codes as they are, so what they stand for is written.
func (r *Result) Plan(src quant.Source, typ string) ([]convert.Step, error) {
	if typ != "F16" && typ != "F32" {
		return nil, fmt.Errorf("calibrate: weights are written as F16 or F32, and %q is neither", typ)
	}
	plan, err := convert.PlanCopy(src)
	if err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, t := range r.Tensors {
		made[t.Name] = true
	}
	for i := range plan {
		if s := &plan[i]; made[s.Name] {
			n, _ := quant.Count(s.Shape)
			s.Asked, s.To, s.Bytes = typ, typ, int64(n)*map[string]int64{"F16": 2, "F32": 4}[typ]
		}
	}
	return plan, nil
}

// Keys of what Meta says.
const (
	KeyMethod  = "fewbits.method"
	KeyOptions = "fewbits.method.options"
	KeyWeights = "fewbits.method.weights"
)

// Meta says in a file of Plan what was done to its weights, and that they are
// not stored in the few bits that they were rounded to.
func (r *Result) Meta(typ string) []quant.Meta {
	var options []string
	for _, name := range quant.OptionNames() {
		if v := r.Options.Get(name); v != "" {
			options = append(options, name+"="+v)
		}
	}
	method := r.Method
	if r.Plain {
		method = "plain rounding, as before " + method
	}
	return []quant.Meta{
		{Key: KeyMethod, Type: "string", Value: method},
		{Key: KeyOptions, Type: "string", Value: strings.Join(options, " ")},
		{Key: KeyWeights, Type: "string", Value: "reconstructed: what the codes stand for, stored as " + typ},
	}
}
