package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"fewbits/quant"
)

// suffixes are what the names of a matrix's tensors end in, those first that
// end in another.
var suffixes = []string{
	".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4",
	".weight.absmax", ".weight.quant_map", ".weight.nested_absmax", ".weight.nested_quant_map",
	".weight", ".qweight", ".qzeros", ".scales", ".g_idx", ".biases", ".SCB", ".weight_format",
	".weight_packed", ".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx", ".weight_global_scale",
	".input_scale", ".input_global_scale",
	".W_q", ".scale", ".zero", ".nbits", ".group_size", ".axis", ".shape", ".packing", ".unpack_view_dtype", ".compute_dtype",
	".view_as_float", ".quant_scale", ".quant_zero", ".offload_meta", ".encoded_state_dict", ".stores_quant_config",
	".channel_wise", ".optimize", ".round_zero",
}

// marks are suffixes that nothing but a quantized matrix has.
var marks = []string{".weight.absmax", ".qweight", ".SCB", ".weight_packed", ".weight_scale", ".W_q"}

// maxSmall bounds the parts that are read when a folder is opened, in bytes:
// shapes, sizes of groups, texts.
const maxSmall = 1 << 10

// Source is a quantized checkpoint, shown as the tensors that the model had
// before: a quant.Source. A matrix has the name that ends in ".weight", the
// type F32, and in TensorInfo.Stored what it is stored as.
// Its methods may be called from several goroutines where those of the weights may.
type Source struct {
	weights quant.Source
	list    []entry
	infos   []quant.TensorInfo

	mu     sync.Mutex
	loaded int // whose parts are in memory; −1 for none
	parts  Parts
}

// entry is a tensor of the source: one of the weights, or a matrix of several.
type entry struct {
	from       int // of the weights; −1 for a matrix
	layout     Layout
	scheme     Scheme
	rows, cols int
	parts      Parts
	at         []int // of each part, in the weights' list
}

var _ quant.Source = (*Source)(nil)

// module is the parts of one, as they are found.
type module struct {
	parts Parts
	at    []int
	first int // in the weights' list
}

// Open looks among the weights of a folder for quantized matrices. files are
// those beside them, of which it reads config.json. It returns nil where there
// are no such matrices. It reads small tensors only.
//
// Where the configuration tells of one of the layouts here it fails on parts of
// a matrix that do not fit together, and where one is missing; else such tensors
// are shown as they are stored.
func Open(files []quant.File, weights quant.Source) (*Source, error) {
	modules, order := modulesOf(weights.Tensors())
	if len(modules) == 0 {
		return nil, nil
	}
	h, err := readHints(files)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s := &Source{weights: weights, loaded: -1}
	matrices := map[int]entry{} // by the place of their first part
	taken := map[int]bool{}
	for _, name := range order {
		m := modules[name]
		e, err := m.open(h, weights)
		if err != nil {
			if !h.known {
				continue
			}
			return nil, fmt.Errorf("checkpoint: module %q: %w", name, err)
		}
		if e.layout == nil {
			continue
		}
		matrices[m.first] = e
		for _, i := range m.at {
			taken[i] = true
		}
	}
	if len(matrices) == 0 {
		return nil, nil
	}
	for i, info := range weights.Tensors() {
		if e, ok := matrices[i]; ok {
			s.list, s.infos = append(s.list, e), append(s.infos, e.info(moduleOf(info.Name), info))
		} else if !taken[i] {
			s.list, s.infos = append(s.list, entry{from: i}), append(s.infos, info)
		}
	}
	return s, nil
}

// info describes a matrix.
func (e *entry) info(module string, first quant.TensorInfo) quant.TensorInfo {
	return quant.TensorInfo{
		Name: module + ".weight", Shape: []int{e.rows, e.cols}, Type: "F32", Bytes: 4 * int64(e.rows) * int64(e.cols),
		Offset: first.Offset, File: first.File, Readable: true, Stored: e.layout.Name(e.scheme), StoredBytes: e.parts.bytes(),
	}
}

// split cuts the name of a tensor in module and suffix.
func split(name string) (module, suffix string) {
	for _, s := range suffixes {
		if m, ok := strings.CutSuffix(name, s); ok && m != "" {
			return m, s
		}
	}
	return "", ""
}

func moduleOf(name string) string { m, _ := split(name); return m }

// modulesOf gathers the parts of each module that has a mark of a quantized
// matrix, or what only MLX has.
func modulesOf(infos []quant.TensorInfo) (map[string]*module, []string) {
	all := map[string]*module{}
	var order []string
	for i, info := range infos {
		name, suffix := split(info.Name)
		if name == "" {
			continue
		}
		m := all[name]
		if m == nil {
			m = &module{first: i}
			all[name] = m
			order = append(order, name)
		}
		m.parts = append(m.parts, Part{Suffix: suffix, Type: info.Type, Shape: info.Shape})
		m.at = append(m.at, i)
	}
	order = slices.DeleteFunc(order, func(name string) bool {
		m := all[name]
		quantized := m.parts.get(".scales") != nil && m.parts.get(".biases") != nil
		for _, mark := range marks {
			quantized = quantized || m.parts.get(mark) != nil
		}
		if !quantized {
			delete(all, name)
		}
		return !quantized
	})
	return all, order
}

// open finds the layout of a module; none where it is not quantized.
func (m *module) open(h hints, weights quant.Source) (entry, error) {
	for i := range m.parts {
		p := &m.parts[i]
		n := size(p.Type, p.Shape)
		if n > maxSmall {
			continue
		}
		p.Data = make([]byte, n)
		if err := weights.ReadRaw(m.at[i], 0, p.Data); err != nil {
			return entry{}, err
		}
	}
	for _, l := range readers {
		if _, ok := l.(gptq); ok {
			l = gptq{v2: h.v2}
		}
		s, rows, cols, ok := l.Find(h.Scheme, m.parts)
		if !ok {
			continue
		}
		want, err := l.Parts(s, rows, cols)
		if err != nil {
			return entry{}, err
		}
		e := entry{from: -1, layout: l, scheme: s, rows: rows, cols: cols}
		if err := e.choose(want, m); err != nil {
			return entry{}, err
		}
		return e, nil
	}
	var has []string
	for _, p := range m.parts {
		has = append(has, fmt.Sprintf("%s %s %v", p.Suffix[1:], p.Type, p.Shape))
	}
	return entry{}, fmt.Errorf("its tensors fit no layout that is known: %s", strings.Join(has, ", "))
}

// choose takes the parts that a layout wants.
func (e *entry) choose(want Parts, m *module) error {
	for _, w := range want {
		at := slices.IndexFunc(m.parts, func(p Part) bool { return p.Suffix == w.Suffix })
		if at < 0 {
			if w.Optional {
				continue
			}
			return fmt.Errorf("%s has no %s; if the weights are in several files add them all", e.layout.Name(e.scheme), w.Suffix[1:])
		}
		p := m.parts[at]
		switch {
		case !w.Free && !slices.Equal(p.Shape, w.Shape):
			return fmt.Errorf("%s of %d × %d values wants %s of shape %v, and it is %v", e.layout.Name(e.scheme), e.rows, e.cols, w.Suffix[1:], w.Shape, p.Shape)
		case w.Floats && p.Type != "F16" && p.Type != "BF16" && p.Type != "F32":
			return fmt.Errorf("%s wants %s of F16, BF16 or F32, and it is %s", e.layout.Name(e.scheme), w.Suffix[1:], p.Type)
		case !w.Floats && !w.Free && p.Type != w.Type && p.Type != map[string]string{"I32": "U32", "U32": "I32"}[w.Type]:
			return fmt.Errorf("%s wants %s of %s, and it is %s", e.layout.Name(e.scheme), w.Suffix[1:], w.Type, p.Type)
		}
		p.Data = nil
		e.parts = append(e.parts, p)
		e.at = append(e.at, m.at[at])
	}
	return nil
}

// Container is that of the weights.
func (s *Source) Container() string { return s.weights.Container() }

// Metadata is that of the weights.
func (s *Source) Metadata() []quant.Meta { return s.weights.Metadata() }

// Tensors describes every tensor, in the order of the weights.
func (s *Source) Tensors() []quant.TensorInfo { return s.infos }

// Weights are the tensors as they are stored.
func (s *Source) Weights() quant.Source { return s.weights }

func (s *Source) entry(i int) (*entry, error) {
	if i < 0 || i >= len(s.list) {
		return nil, fmt.Errorf("checkpoint: there is no tensor %d; the model has %d", i, len(s.list))
	}
	return &s.list[i], nil
}

// Matrix takes rows [row, row+n) of tensor i apart; nil where that is not
// quantized.
func (s *Source) Matrix(i, row, n int) (*Matrix, error) {
	e, err := s.entry(i)
	if err != nil || e.from >= 0 {
		return nil, err
	}
	if row < 0 || n < 0 || n > e.rows-row {
		return nil, fmt.Errorf("checkpoint: tensor %q: %d rows from row %d are asked for, and it has %d", s.infos[i].Name, n, row, e.rows)
	}
	parts, err := s.load(i, e)
	if err != nil {
		return nil, err
	}
	m, err := e.layout.Unpack(e.scheme, parts, e.rows, e.cols, row, n)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: tensor %q: %w", s.infos[i].Name, err)
	}
	return m, nil
}

// load reads the parts of a matrix. Those of the last one stay in memory, since
// its rows are asked for a few at a time.
func (s *Source) load(i int, e *entry) (Parts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded == i {
		return s.parts, nil
	}
	s.loaded, s.parts = -1, nil
	parts := slices.Clone(e.parts)
	for k := range parts {
		p := &parts[k]
		p.Data = make([]byte, size(p.Type, p.Shape))
		if err := s.weights.ReadRaw(e.at[k], 0, p.Data); err != nil {
			return nil, err
		}
	}
	s.loaded, s.parts = i, parts
	return parts, nil
}

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst, which
// holds n × Cols values: of a matrix what its codes stand for.
func (s *Source) ReadRows(i, row, n int, dst []float32) error {
	e, err := s.entry(i)
	if err != nil {
		return err
	}
	if e.from >= 0 {
		return s.weights.ReadRows(e.from, row, n, dst)
	}
	if len(dst) != n*e.cols {
		return &quant.SizeError{What: "values", Format: s.infos[i].Stored, Got: len(dst), Want: n * e.cols}
	}
	for step := max(1, sliceValues/e.cols); n > 0; {
		k := min(n, step)
		m, err := s.Matrix(i, row, k)
		if err != nil {
			return err
		}
		if err := m.Dequantize(dst[:k*e.cols]); err != nil {
			return err
		}
		row, n, dst = row+k, n-k, dst[k*e.cols:]
	}
	return nil
}

// ReadRaw reads len(dst) bytes from offset off of tensor i's own bytes: of a
// matrix those of its values as F32.
func (s *Source) ReadRaw(i int, off int64, dst []byte) error {
	e, err := s.entry(i)
	if err != nil {
		return err
	}
	if e.from >= 0 {
		return s.weights.ReadRaw(e.from, off, dst)
	}
	if info := s.infos[i]; off < 0 || int64(len(dst)) > info.Bytes-off {
		return fmt.Errorf("checkpoint: tensor %q: %d bytes from byte %d are asked for, and it has %d", info.Name, len(dst), off, info.Bytes)
	}
	line, b := make([]float32, e.cols), make([]byte, 4*e.cols)
	for len(dst) > 0 {
		row, at := int(off/int64(len(b))), int(off%int64(len(b)))
		if err := s.ReadRows(i, row, 1, line); err != nil {
			return err
		}
		for c, v := range line {
			binary.LittleEndian.PutUint32(b[4*c:], math.Float32bits(v))
		}
		n := copy(dst, b[at:])
		off, dst = off+int64(n), dst[n:]
	}
	return nil
}

// Plain is the files of a folder with a config.json that does not say that the
// model is quantized, as what Open shows is not.
func Plain(files []quant.File) ([]quant.File, error) {
	f := find(files, configName)
	if f == nil {
		return files, nil
	}
	b, err := read(f)
	if err != nil {
		return nil, err
	}
	o, err := topLevel(configName, b)
	if err != nil {
		return nil, err
	}
	o.drop("quantization_config", "compression_config", "quantization")
	text := appendJSON(nil, o, "")
	list := slices.Clone(files)
	for i := range list {
		if list[i].Name == f.Name {
			list[i].R, list[i].Size = io.ReaderAt(bytes.NewReader(text)), int64(len(text))
		}
	}
	return list, nil
}
