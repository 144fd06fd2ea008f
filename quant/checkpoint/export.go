package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/metric"
	"fewbits/quant/safetensors"
)

// DefaultShard is how large a file of weights gets, in bytes: what Hugging
// Face's libraries keep to.
const DefaultShard = 5_000_000_000

// File is a file that is being written.
type File interface {
	io.WriterAt
	io.Closer
}

// Input is a model to export.
type Input struct {
	Weights quant.Source // under the names that transformers gives them
	Files   []quant.File // of its folder: config.json, the tokenizer
	Notes   []string     // what a person should know of it, a sentence each
}

// Options are for an export.
type Options struct {
	Shard  int64 // bytes that a file of weights holds at most, unless one matrix is larger; 0 is DefaultShard
	Create func(name string) (File, error)

	// Decided is what a method decided for the matrix of a module, all of its
	// rows, or nil where it is to be rounded. Values are those of a tensor that
	// a method changed, or nil. Both may be nil.
	Decided func(module string) (*Matrix, error)
	Values  func(name string) []float32

	// Folded says that a method changed weights by scales that lie elsewhere
	// now, so that what was lost does not show in them.
	Folded bool

	// Progress is called before each tensor and at the end, with values; nil
	// is allowed.
	Progress func(name string, done, total int64)
}

// Written is what became of one tensor of the input.
type Written struct {
	Name  string
	Shape []int
	From  string
	To    string // "GPTQ 4-bit g128", "F16"
	Bytes int64
	Why   string       // why it is not quantized, or what else to know
	Sums  *metric.Sums // what was lost; nil where it was not quantized, or that does not show

	Quantized bool
}

// Result is what was written.
type Result struct {
	Tensors []Written
	Files   []string // in the order that they were written
	Bytes   int64    // of all tensors
	Scheme  Scheme   // as used
}

// step is a tensor of the input, and the tensors that it becomes.
type step struct {
	info   quant.TensorInfo
	index  int
	module string // "" where it is not quantized
	parts  Parts  // of one tensor, without a suffix, where it is not quantized
	copied bool
	why    string
}

// names are those of the tensors that a step writes.
func (s *step) name(p Part) string {
	if s.module == "" {
		return s.info.Name
	}
	return s.module + p.Suffix
}

// exporter is one export.
type exporter struct {
	in     Input
	target Target
	o      Options
	steps  []step
	total  int64
	done   int64
	result Result
}

// Export writes a model as a checkpoint of a project: files of weights of
// bounded size with their index, config.json, and the other files of the
// folder as they are. Matrices of the layers are quantized; embedding, output
// layer, norms and biases are not, unless the project does. What has no place
// in the layout is left as it is, and named in the configuration.
//
// Memory: one matrix as float32, and what it becomes. Once ctx is done it
// returns ctx.Err(); files may then be left half written.
func Export(ctx context.Context, in Input, t Target, o Options) (*Result, error) {
	x, config, err := prepare(in, t, o)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := x.weights(ctx); err != nil {
		return nil, err
	}
	if err := x.describe(config); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	x.result.Scheme = x.target.Scheme
	return &x.result, x.carry(ctx)
}

// prepare says what becomes of each tensor, and reads config.json.
func prepare(in Input, t Target, o Options) (*exporter, object, error) {
	x := &exporter{in: in, target: t, o: o}
	if o.Shard <= 0 {
		x.o.Shard = DefaultShard
	}
	config, err := x.config()
	if err != nil {
		return nil, nil, err
	}
	return x, config, x.plan()
}

// config reads config.json.
func (x *exporter) config() (object, error) {
	f := find(x.in.Files, configName)
	if f == nil {
		return nil, errors.New("there is no config.json beside the weights; a checkpoint cannot be loaded without, so name the model's whole folder")
	}
	b, err := read(f)
	if err != nil {
		return nil, err
	}
	return topLevel(configName, b)
}

// weights writes the files of weights, and their index.
func (x *exporter) weights(ctx context.Context) error {
	shards := x.shards()
	for no, steps := range shards {
		if err := x.shard(ctx, shardName(no, len(shards)), steps); err != nil {
			return err
		}
	}
	x.progress("")
	return x.index(shards)
}

// shardName is what the file of weights no of so many is called.
func shardName(no, count int) string {
	if count == 1 {
		return "model.safetensors"
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", no+1, count)
}

// index says which tensor lies in which file, where there are several.
func (x *exporter) index(shards [][]int) error {
	if len(shards) == 1 {
		return nil
	}
	in := object{}
	for no, steps := range shards {
		for _, i := range steps {
			for _, p := range x.steps[i].parts {
				in = append(in, field{x.steps[i].name(p), shardName(no, len(shards))})
			}
		}
	}
	slices.SortFunc(in, func(a, b field) int { return strings.Compare(a.key, b.key) })
	index := object{{"metadata", object{{"total_size", x.result.Bytes}}}, {"weight_map", in}}
	return x.write("model.safetensors.index.json", append(appendJSON(nil, index, ""), '\n'))
}

// lay places the tensors of a file: from wide types to narrow ones, so that each
// is aligned to its type. It returns what comes before them, where each begins,
// and how large the file gets.
func (x *exporter) lay(steps []int) (header []byte, at map[string]int64, end int64, err error) {
	var plans []safetensors.TensorPlan
	for _, i := range steps {
		s := &x.steps[i]
		for _, p := range s.parts {
			plans = append(plans, safetensors.TensorPlan{Name: s.name(p), Shape: p.Shape, Type: p.Type})
		}
	}
	slices.SortFunc(plans, safetensors.Compare)
	format := "pt"
	if x.target.As == "mlx" {
		format = "mlx"
	}
	var b bytes.Buffer
	if _, err := safetensors.NewWriter(&b, []quant.Meta{{Key: "format", Value: format}}, plans); err != nil {
		return nil, nil, 0, err
	}
	at, end = map[string]int64{}, int64(b.Len())
	for _, p := range plans {
		at[p.Name] = end
		end += size(p.Type, p.Shape)
	}
	return b.Bytes(), at, end, nil
}

// shard writes one file. Its tensors are written where they belong, not one
// after the other.
func (x *exporter) shard(ctx context.Context, name string, steps []int) (err error) {
	header, at, _, err := x.lay(steps)
	if err != nil {
		return err
	}
	f, err := x.o.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	x.result.Files = append(x.result.Files, name)
	if _, err := f.WriteAt(header, 0); err != nil {
		return err
	}
	for _, i := range steps {
		if err := x.step(ctx, &x.steps[i], f, at); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) progress(name string) {
	if x.o.Progress != nil {
		x.o.Progress(name, x.done, x.total)
	}
}

// step writes one tensor of the input.
func (x *exporter) step(ctx context.Context, s *step, f io.WriterAt, at map[string]int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x.progress(s.info.Name)
	out := Written{Name: s.info.Name, Shape: s.info.Shape, From: s.info.Type, Bytes: s.parts.bytes(), Why: s.why, Quantized: s.module != ""}
	if s.info.Stored != "" {
		out.From = s.info.Stored
	}
	var err error
	if s.module == "" {
		out.To = s.parts[0].Type
		err = x.plain(ctx, s, f, at[s.info.Name])
	} else {
		out.To = x.target.Layout.Name(x.target.Scheme)
		out.Sums, err = x.matrix(ctx, s)
		for i := range s.parts {
			if p := &s.parts[i]; err == nil {
				_, err = f.WriteAt(p.Data, at[s.name(*p)])
				p.Data = nil
			}
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("checkpoint: tensor %q: %w", s.info.Name, err)
	}
	x.done += int64(s.info.Len())
	x.result.Bytes += out.Bytes
	x.result.Tensors = append(x.result.Tensors, out)
	return nil
}

// matrix quantizes one, and tells what was lost from what was stored.
func (x *exporter) matrix(ctx context.Context, s *step) (*metric.Sums, error) {
	t := &x.target
	w, err := quant.ReadTensor(x.in.Weights, s.index)
	if err != nil {
		return nil, err
	}
	s.parts.allocate()
	var m *Matrix
	if x.o.Decided != nil {
		if m, err = x.o.Decided(s.module); err != nil {
			return nil, err
		}
	}
	if m != nil {
		err = pack(t, m, w, s.parts)
	} else {
		err = t.Layout.Round(ctx, t.Scheme, w, s.parts)
	}
	if err != nil || x.o.Folded {
		return nil, err
	}
	sums, n := &metric.Sums{}, s.parts.bytes()
	back := make([]float32, min(len(w.Data), max(w.Cols(), sliceValues)))
	err = bands(ctx, w, func(row int, band quant.Tensor) error {
		m, err := t.Layout.Unpack(t.Scheme, s.parts, w.Rows(), w.Cols(), row, band.Rows())
		if err != nil {
			return err
		}
		if err := m.Dequantize(back[:band.Len()]); err != nil {
			return err
		}
		sums.Add(band.Data, back[:band.Len()], int(n))
		n = 0
		return nil
	})
	return sums, err
}

// pack stores what a method decided.
func pack(t *Target, m *Matrix, w quant.Tensor, parts Parts) error {
	l, ok := t.Layout.(packer)
	switch {
	case !ok:
		return fmt.Errorf("%s has no place for what a method decided", t.As)
	case m.Rows != w.Rows() || m.Cols != w.Cols() || m.Bits != t.Scheme.Bits || m.Groups != t.Scheme.of(m.Cols):
		return fmt.Errorf("the method decided on %d × %d values of %d bits in %d groups a row, and the layout is for %d × %d of %d bits in %d",
			m.Rows, m.Cols, m.Bits, m.Groups, w.Rows(), w.Cols(), t.Scheme.Bits, t.Scheme.of(w.Cols()))
	}
	return l.Pack(t.Scheme, m, m.Rows, 0, parts)
}

// plain writes a tensor that is not quantized, some rows at a time.
func (x *exporter) plain(ctx context.Context, s *step, f io.WriterAt, at int64) error {
	if s.copied {
		buf := make([]byte, min(s.info.Bytes, 4*sliceValues))
		for off := int64(0); off < s.info.Bytes; off += int64(len(buf)) {
			b := buf[:min(int64(len(buf)), s.info.Bytes-off)]
			if err := x.in.Weights.ReadRaw(s.index, off, b); err != nil {
				return err
			}
			if _, err := f.WriteAt(b, at+off); err != nil {
				return err
			}
		}
		return nil
	}
	rows, cols := quant.Rows(s.info.Shape), quant.Cols(s.info.Shape)
	t, _ := dtype.Lookup(s.parts[0].Type)
	var changed []float32
	if x.o.Values != nil {
		changed = x.o.Values(s.info.Name)
	}
	step := max(1, sliceValues/max(1, cols))
	for row := 0; row < rows && cols > 0; row += step {
		n := min(step, rows-row)
		v, b := make([]float32, n*cols), make([]byte, n*cols*t.Size)
		if changed != nil {
			copy(v, changed[row*cols:])
		} else if err := x.in.Weights.ReadRows(s.index, row, n, v); err != nil {
			return err
		}
		if err := t.Encode(b, v); err != nil {
			return err
		}
		if i := overflow(t, v, b); i >= 0 {
			return fmt.Errorf("row %d, column %d is %v, more than the largest that F16 holds; choose a layout that keeps BF16 (compressed-tensors, bitsandbytes, mlx, hqq)", row+i/cols, i%cols, v[i])
		}
		if _, err := f.WriteAt(b, at+int64(row)*int64(cols)*int64(t.Size)); err != nil {
			return err
		}
	}
	return nil
}

// overflow is the first value that became infinite as F16; −1 where none did.
func overflow(t dtype.Type, v []float32, b []byte) int {
	if t != dtype.F16 {
		return -1
	}
	for i, x := range v {
		if binary.LittleEndian.Uint16(b[2*i:])&0x7fff == 0x7c00 && !math.IsInf(float64(x), 0) {
			return i
		}
	}
	return -1
}
