package report

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math"
	"slices"
	"strings"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/metric"
)

const (
	// Mark is what Report.Report says, by which a report is known from other JSON.
	Mark = "fewbits"
	// Version is that of Report; one that only adds members keeps it.
	Version = 1
	// EngineVersion is that of the program, as its npm package has it.
	EngineVersion = "0.1.0"
)

// The kinds of Report.
const (
	OfTensor = "tensor" // Input is one tensor, Runs what became of it
	OfModel  = "model"  // Files are a model, Model what became of it
)

// Report is a run written down so that it can be done again and compared: the
// input by its hash, every option, and the hash of the bytes that came out.
type Report struct {
	Report  string    `json:"report"` // Mark
	Version int       `json:"version"`
	What    string    `json:"what"`              // OfTensor or OfModel
	Made    string    `json:"made,omitempty"`    // when, as RFC 3339 has it
	Engine  Engine    `json:"engine"`            //
	Input   *Input    `json:"input,omitempty"`   // of OfTensor
	Runs    []Run     `json:"runs,omitempty"`    // of OfTensor: side A first
	Files   []File    `json:"files,omitempty"`   // of OfModel
	Model   *ModelRun `json:"model,omitempty"`   // of OfModel
	Address string    `json:"address,omitempty"` // what follows the page's own: "#/tensor?…"
	Command string    `json:"command,omitempty"` // line of a shell that does the same
}

// Engine is the program that ran.
type Engine struct {
	Version string `json:"version"`
	Kernels string `json:"kernels"`         // kernels.Active: results do not depend on it
	Where   string `json:"where"`           // "page" or "command"
	Build   string `json:"build,omitempty"` // hash of the page's files
}

// ThisEngine is the one that is running.
func ThisEngine(where string) Engine {
	return Engine{Version: EngineVersion, Kernels: kernels.Active(), Where: where}
}

// Input is a tensor.
type Input struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // as its file has it
	Shape  []int  `json:"shape"`
	Values int    `json:"values"`
	SHA256 string `json:"sha256"`         // of the values as little-endian float32, in C order
	Source Source `json:"source"`         //
	File   *File  `json:"file,omitempty"` // that it comes from
}

// Source is where a tensor's values come from.
type Source struct {
	Kind string `json:"kind"`           // "file", "sample": built in, "values": given as they are
	Name string `json:"name,omitempty"` // of the sample
	Rows int    `json:"rows,omitempty"` // of the sample
	Cols int    `json:"cols,omitempty"` // likewise
	Seed uint64 `json:"seed,omitempty"` // likewise
	Text string `json:"text,omitempty"` // of values, where they are few
}

// File is one of the files that a run reads or writes.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"` // of its bytes, where they were all read
	URL    string `json:"url,omitempty"`    // where it lies
}

// Run is one format on the input.
type Run struct {
	Format        string            `json:"format"`
	Stored        bool              `json:"stored,omitempty"`     // the blocks as the file has them, nothing quantized
	Options       map[string]string `json:"options"`              // every option that the format takes, as used
	Importance    *Importance       `json:"importance,omitempty"` //
	Activations   *Activations      `json:"activations,omitempty"`
	Bytes         int64             `json:"bytes"`
	SHA256        string            `json:"sha256"` // of the packed bytes
	BitsPerWeight float64           `json:"bitsPerWeight"`
	Metrics       *Metrics          `json:"metrics"`           // null where the original is not known
	Elapsed       float64           `json:"elapsed,omitempty"` // ms to quantize and to reconstruct
	Workers       int               `json:"workers,omitempty"` // that did it
	Command       string            `json:"command,omitempty"` // line of a shell that does the same
}

// Importance is what weighed the columns.
type Importance struct {
	Kind   string `json:"kind"` // "matrix": of an imatrix file or a vector, "alike": each column the same
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256"` // of the tensor's weights as little-endian float32
	Count  int    `json:"count"`
}

// Activations are what a method that calibrates had.
type Activations struct {
	File   string `json:"file"`
	Shape  []int  `json:"shape"`
	SHA256 string `json:"sha256"` // of the values as little-endian float32
}

// Metrics say what was lost; a number that JSON has no form for is null.
type Metrics struct {
	MSE       *float64 `json:"mse"`
	RMSE      *float64 `json:"rmse"`
	RelRMSE   *float64 `json:"relRmse"`
	SQNR      *float64 `json:"sqnr"` // in dB; null where nothing was lost
	MaxAbs    *float64 `json:"maxAbs"`
	Cosine    *float64 `json:"cosine"`
	NonFinite int      `json:"nonFinite"`          // values that are left out of the others
	Rounding  *float64 `json:"rounding,omitempty"` // share of the squared error
	Clipping  *float64 `json:"clipping,omitempty"` // likewise
}

// ModelRun is what became of a whole model.
type ModelRun struct {
	Recipe        string            `json:"recipe"`           // a recipe, or a type for all weights
	Choice        string            `json:"choice,omitempty"` // the same in words
	Pure          bool              `json:"pure,omitempty"`
	LeaveOutput   bool              `json:"leaveOutput,omitempty"`
	Output        string            `json:"output,omitempty"`    // type of output.weight that was asked for
	Embedding     string            `json:"embedding,omitempty"` // of token_embd.weight
	Types         map[string]string `json:"types,omitempty"`     // of single tensors, by their names
	Patterns      []string          `json:"patterns,omitempty"`  // PATTERN=TYPE, as -tensor-type takes them, the first that fits decides
	Matrix        *File             `json:"matrix,omitempty"`    // importance
	Made          *File             `json:"made,omitempty"`      // what came out, where it was made
	Size          int64             `json:"size"`                // of it
	Bytes         int64             `json:"bytes"`               // of its tensors
	BitsPerWeight float64           `json:"bitsPerWeight"`
	Tensors       []ModelTensor     `json:"tensors"`
	Measured      []Measured        `json:"measured,omitempty"` // on texts
	Budget        *Budget           `json:"budget,omitempty"`   // that the types were found by
}

// Measured is how a model read a text.
type Measured struct {
	What       string          `json:"what"` // "original", or what was made or tried
	Text       string          `json:"text"` // what it is called
	Scored     int             `json:"scored"`
	Perplexity metric.Estimate `json:"perplexity"`
	Strayed    *Strayed        `json:"strayed,omitempty"` // from the original
}

// Strayed is metric.Strayed in a report.
type Strayed struct {
	Ratio   metric.Estimate `json:"ratio"`   // of the perplexities
	KL      metric.Estimate `json:"kl"`      // nats a token
	SameTop metric.Estimate `json:"sameTop"` // share of tokens
}

// Budget is the mix of types for a size.
type Budget struct {
	Limit  int64    `json:"limit"` // bytes
	Bytes  int64    `json:"bytes"`
	Loss   float64  `json:"loss"`
	Exact  bool     `json:"exact"`          // nothing that fits loses less
	By     string   `json:"by,omitempty"`   // importance matrix that errors are weighted by
	Text   string   `json:"text,omitempty"` // by which losses are nats a token; "" where they are relative errors
	Judged []Judged `json:"judged,omitempty"`
}

// Judged is a mix or a recipe on a text that it was not chosen by.
type Judged struct {
	Name    string  `json:"name"`
	Bytes   int64   `json:"bytes"`
	KL      float64 `json:"kl"`
	KLError float64 `json:"klError"`
	SameTop float64 `json:"sameTop"`
	Scored  int     `json:"scored"`
}

// ModelTensor is one tensor of it.
type ModelTensor struct {
	Name  string   `json:"name"`
	Shape []int    `json:"shape"`
	From  string   `json:"from"`
	To    string   `json:"to"`
	Bytes int64    `json:"bytes"`
	Why   string   `json:"why,omitempty"`
	SQNR  *float64 `json:"sqnr,omitempty"` // in dB, where it was quantized
}

// MetricsOf are those of r; nonFinite values are left out of it.
func MetricsOf(r metric.Report, nonFinite int) *Metrics {
	return &Metrics{
		MSE: Finite(r.MSE), RMSE: Finite(r.RMSE), RelRMSE: Finite(r.RelRMSE), SQNR: Finite(float64(r.SQNR)),
		MaxAbs: Finite(r.MaxAbs), Cosine: Finite(r.Cosine), NonFinite: nonFinite,
	}
}

// Finite is v, nil where JSON has no form for it.
func Finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// unset are the options that quant.Options.Map leaves out, as they are then.
var unset = map[string]string{
	"sym": "false", "narrow": "false", "nested": "false", "act-order": "false", "static-groups": "false", "mse": "false", "duo": "false",
	"axis": "0", "seed": "0", "rounding": "even", "range": "minmax", "scale": "f32", "granularity": "tensor",
}

// Effective are all the options that a format takes, as o has them: what is at
// its default is named too, where the default has a name.
func Effective(f quant.Info, o quant.Options) map[string]string {
	m := map[string]string{}
	for _, name := range f.Options {
		if v := o.Get(name); v != "" {
			m[name] = v
		} else if v, ok := unset[name]; ok {
			m[name] = v
		}
	}
	if m["rounding"] != "stochastic" {
		delete(m, "seed")
	}
	if m["range"] != "percentile" {
		delete(m, "percentile")
	}
	return m
}

// RunOf is what f packed to p, without metrics.
func RunOf(f quant.Info, p *quant.Packed) Run {
	return Run{
		Format: p.Format, Options: Effective(f, p.Options), Bytes: int64(len(p.Bytes)), SHA256: HashBytes(p.Bytes), BitsPerWeight: p.BitsPerWeight(),
	}
}

// Line is the line of a shell that quantizes a tensor as r has it.
func (r *Run) Line(file, tensor, out string) string {
	words := []string{"fewbits", "quantize", file}
	if tensor != "" {
		words = append(words, "-tensor", tensor)
	}
	words = append(words, "-to", r.Format)
	if r.Importance != nil && r.Importance.File != "" {
		words = append(words, "-imatrix", r.Importance.File)
	}
	if r.Activations != nil {
		words = append(words, "-calib", r.Activations.File)
	}
	return Shell(append(append(words, r.Given()...), "-o", out))
}

// Given are r's options as name=value, in the order of quant.OptionNames.
func (r *Run) Given() []string {
	var list []string
	for _, name := range quant.OptionNames() {
		if v, ok := r.Options[name]; ok {
			list = append(list, name+"="+v)
		}
	}
	return list
}

// Shell joins words to a line of a POSIX shell.
func Shell(words []string) string {
	words = slices.Clone(words)
	for i, w := range words {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") != "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// HashBytes is the SHA-256 of b, in hexadecimal.
func HashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// HashValues is the SHA-256 of x as little-endian float32, in hexadecimal. All
// NaN are hashed alike: which one it is does not survive every program.
func HashValues(x []float32) string {
	h := NewValueHash()
	h.Add(x)
	return h.Sum()
}

// ValueHash is HashValues of values that come a few at a time.
type ValueHash struct {
	h   hash.Hash
	buf []byte
}

// NewValueHash is one of no values.
func NewValueHash() *ValueHash { return &ValueHash{h: sha256.New()} }

// Add takes in more values.
func (v *ValueHash) Add(x []float32) {
	const chunk = 1 << 14
	for len(x) > 0 {
		n := min(chunk, len(x))
		v.buf = v.buf[:0]
		for _, f := range x[:n] {
			b := math.Float32bits(f)
			if f != f {
				b = 0x7fc00000
			}
			v.buf = binary.LittleEndian.AppendUint32(v.buf, b)
		}
		v.h.Write(v.buf)
		x = x[n:]
	}
}

// Sum is the hash so far.
func (v *ValueHash) Sum() string { return hex.EncodeToString(v.h.Sum(nil)) }

// HashReader is the SHA-256 of size bytes of r, and how many of them there were.
func HashReader(r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < size; {
		n := int(min(int64(len(buf)), size-at))
		if k, err := r.ReadAt(buf[:n], at); k < n {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		h.Write(buf[:n])
		at += int64(n)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
