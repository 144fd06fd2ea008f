package checkpoint

import (
	"context"
	"fmt"
	"strings"

	"fewbits/quant"
)

// Scheme says how matrices are quantized, as far as their layout leaves it open.
type Scheme struct {
	Bits      int
	Group     int    // columns that share a scale; −1 all of a row
	Symmetric bool   // no zero points, or all in the middle
	ActOrder  bool   // groups are not neighbours: there is an index of groups
	Table     string // of codes that are places in one: "nf4", "fp4"
	Nested    bool   // scales are quantized, too
	Axis0     bool   // groups go down columns (HQQ)
	Whole     bool   // one scale for all of the matrix
	Type      string // of scales, and of what is not quantized: "F16", "BF16", "F32"
}

// of is how many groups a row of so many columns has.
func (s Scheme) of(cols int) int {
	if s.Group <= 0 {
		return 1
	}
	return (cols + s.Group - 1) / s.Group
}

// group is how many columns a group has, of a row of so many.
func (s Scheme) group(cols int) int {
	if s.Group <= 0 {
		return cols
	}
	return s.Group
}

// Part is one of the tensors that a matrix is stored as.
type Part struct {
	Suffix   string // behind the name of the module: ".qweight"
	Type     string // as safetensors writes it
	Shape    []int  // outermost first
	Optional bool   // a matrix may do without
	Floats   bool   // the type may be F16, BF16 or F32, whatever Type says
	Free     bool   // the shape, or whether there is one, is for Find to judge
	Data     []byte // where Parts gives it, what stands in every such part
}

// Parts are the tensors of a matrix.
type Parts []Part

// get is the part with a suffix, nil where there is none.
func (p Parts) get(suffix string) *Part {
	for i := range p {
		if p[i].Suffix == suffix {
			return &p[i]
		}
	}
	return nil
}

// bytes is what all parts take.
func (p Parts) bytes() int64 {
	n := int64(0)
	for _, x := range p {
		n += size(x.Type, x.Shape)
	}
	return n
}

// allocate gives each part memory for its values, all 0 unless they are known.
func (p Parts) allocate() {
	for i := range p {
		if p[i].Data == nil {
			p[i].Data = make([]byte, size(p[i].Type, p[i].Shape))
		}
	}
}

// Layout is how a project stores a quantized matrix. It keeps no state.
type Layout interface {
	// Name is what the layout is called in messages, with what a scheme says:
	// "GPTQ 4-bit g128".
	Name(s Scheme) string

	// Parts lists the tensors of a matrix, without their data. It fails on a
	// scheme or a shape that the layout cannot hold.
	Parts(s Scheme, rows, cols int) (Parts, error)

	// Find tells from the parts that a module has (without their data), and
	// what config.json says, how its matrix is stored, and its shape. ok is
	// false where these are not parts of this layout.
	Find(s Scheme, has Parts) (as Scheme, rows, cols int, ok bool)

	// Round quantizes w and fills parts, which Parts made for its shape.
	Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error

	// Unpack takes rows [row, row+n) of a matrix apart.
	Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error)

	// Config is what config.json says of a model whose modules are all stored
	// so but those named: the keys to set in it.
	Config(s Scheme, skipped []string) object
}

// packer is a Layout that can store codes that were decided elsewhere, by a
// method that calibrates.
type packer interface {
	Layout
	// Pack writes m as rows [row, row+m.Rows) of a matrix of so many rows.
	Pack(s Scheme, m *Matrix, rows, row int, parts Parts) error
}

// Target is what a checkpoint may be written as.
type Target struct {
	As      string // the project, or what tells its layouts apart: "gptq_v2"
	Formats []string
	Options []string // names that quant.Options.Set takes and the layout heeds
	Layout  Layout
	Scheme  Scheme   // by default; Bits 0 is the format's
	half    bool     // programs that read it compute in F16 only
	Method  []string // further options, of what a method decides by a text
	outer   bool     // embedding and output layer are quantized, too
	files   bool     // there is a quantize_config.json, too
}

// What a method takes beside bits, groups and symmetry.
var (
	gptqOptions = []string{"act-order", "static-groups", "mse", "damp", "block"}
	awqOptions  = []string{"duo", "clip"}
)

// Layouts is the table of what checkpoints may be written as.
var Layouts = []Target{
	{As: "gptq", Formats: []string{"GPTQ", "INT4", "INT8", "INT3", "INT2"}, Options: []string{"bits", "group", "sym"}, Method: gptqOptions,
		Layout: gptq{}, Scheme: Scheme{Group: 128, Symmetric: true}, half: true, files: true},
	{As: "gptq_v2", Formats: []string{"GPTQ", "INT4", "INT8", "INT3", "INT2"}, Options: []string{"bits", "group", "sym"}, Method: gptqOptions,
		Layout: gptq{v2: true}, Scheme: Scheme{Group: 128, Symmetric: true}, half: true, files: true},
	{As: "awq", Formats: []string{"AWQ", "INT4"}, Options: []string{"bits", "group", "sym"}, Method: awqOptions,
		Layout: awq{}, Scheme: Scheme{Bits: 4, Group: 128}, half: true},
	{As: "bitsandbytes", Formats: []string{"NF4", "FP4"}, Options: []string{"block", "nested"},
		Layout: bnb4{}, Scheme: Scheme{Bits: 4, Group: 64, Table: "nf4"}},
	{As: "bitsandbytes", Formats: []string{"LLM.INT8", "INT8"},
		Layout: bnb8{}, Scheme: Scheme{Bits: 8, Group: -1, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"INT4"}, Options: []string{"bits", "group", "sym"},
		Layout: packed{}, Scheme: Scheme{Bits: 4, Group: 128, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"GPTQ"}, Options: []string{"bits", "group", "sym"}, Method: gptqOptions,
		Layout: packed{}, Scheme: Scheme{Bits: 4, Group: 128, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"AWQ"}, Options: []string{"bits", "group", "sym"}, Method: awqOptions,
		Layout: packed{}, Scheme: Scheme{Bits: 4, Group: 128, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"INT8"}, Layout: int8s{}, Scheme: Scheme{Bits: 8, Group: -1, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"FP8_E4M3"}, Layout: fp8{}, Scheme: Scheme{Bits: 8, Group: -1, Symmetric: true}},
	{As: "compressed-tensors", Formats: []string{"NVFP4"}, Layout: nvfp4{}, Scheme: Scheme{Bits: 4, Group: 16, Symmetric: true}},
	{As: "mlx", Formats: []string{"INT4", "INT8", "INT6", "INT5", "INT3", "INT2"}, Options: []string{"bits", "group"},
		Layout: mlx{}, Scheme: Scheme{Group: 64}, outer: true},
	{As: "hqq", Formats: []string{"HQQ", "INT4", "INT8", "INT3", "INT2"}, Options: []string{"bits", "group", "axis"},
		Layout: hqqs{}, Scheme: Scheme{Group: 64}},
}

// readers are the layouts in the order that a matrix is tried for: those first
// whose parts are told by their names alone.
var readers = []Layout{gptq{}, awq{}, bnb4{}, bnb8{}, packed{}, nvfp4{}, hqqs{}, mlx{}, int8s{}, fp8{}}

// Projects are what -as may be, in order.
func Projects() []string {
	var list []string
	for _, t := range Layouts {
		if len(list) == 0 || list[len(list)-1] != t.As {
			list = append(list, t.As)
		}
	}
	return list
}

// Lookup finds what a format is written as. It fails, saying what there is.
func Lookup(as, format string) (Target, error) {
	var formats []string
	for _, t := range Layouts {
		if !strings.EqualFold(t.As, as) {
			continue
		}
		for _, f := range t.Formats {
			if !strings.EqualFold(f, format) {
				continue
			}
			if t.Scheme.Bits == 0 {
				t.Scheme.Bits = 4
				if n := strings.TrimPrefix(f, "INT"); len(n) == 1 {
					t.Scheme.Bits = int(n[0] - '0')
				}
			}
			if t.Scheme.Table != "" {
				t.Scheme.Table = strings.ToLower(f)
			}
			return t, nil
		}
		formats = append(formats, t.Formats...)
	}
	if formats == nil {
		return Target{}, fmt.Errorf("checkpoint: there is no layout %q; there are %s", as, strings.Join(Projects(), ", "))
	}
	return Target{}, fmt.Errorf("checkpoint: %s has no place for %s; it takes %s", as, format, strings.Join(formats, ", "))
}

// Used is the scheme as the options that make it.
func (t *Target) Used() quant.Options {
	s, o := t.Scheme, quant.Options{}
	for _, name := range t.Options {
		switch name {
		case "bits":
			o.Bits = s.Bits
		case "group":
			o.Group = s.Group
		case "sym":
			o.Symmetric = s.Symmetric
		case "block":
			o.Block = s.Group
		case "nested":
			o.Nested = s.Nested
		case "axis":
			o.Axis, o.Axis0 = s.axis(), s.Axis0
		}
	}
	return o
}

// Set takes the options that were given into the scheme.
func (t *Target) Set(o quant.Options, given func(name string) bool) error {
	if o.Bits != 0 {
		t.Scheme.Bits = o.Bits
	}
	if o.Group != 0 {
		t.Scheme.Group = o.Group
	}
	if o.Block != 0 && t.Scheme.Table != "" {
		t.Scheme.Group = o.Block
	}
	if given("sym") {
		t.Scheme.Symmetric = o.Symmetric
	}
	t.Scheme.Axis0 = o.Axis0
	t.Scheme.Nested, t.Scheme.ActOrder = o.Nested, o.ActOrder && !o.StaticGroups
	if t.Scheme.Group < -1 || t.Scheme.Group == 0 {
		return fmt.Errorf("checkpoint: option group=%d: want the values of a group, or -1 for a whole row", t.Scheme.Group)
	}
	return nil
}
