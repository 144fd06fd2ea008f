package wire

import (
	"fewbits/quant"
	"fewbits/quant/metric"
)

// The operations of a worker, and what each takes and answers.
const (
	OpFormats  = "formats"  // nothing → []FormatRow
	OpOpen     = "open"     // OpenArgs + a file or several → FileInfo
	OpLoad     = "load"     // Source (+ float32 values) → TensorStats, arrays: hist
	OpAnalyze  = "analyze"  // AnalyzeArgs → Analysis, arrays as Analysis says
	OpPick     = "pick"     // PickArgs → Picked, arrays: levels, scaleRow, zeroRow
	OpMeasure  = "measure"  // MeasureArgs → Measured
	OpExport   = "export"   // ExportArgs → Export, arrays: bytes
	OpQuantize = "quantize" // QuantizeArgs + float32 values → Quantized, arrays: bytes, reconstructed, scales, zeros, mins
	OpPlan     = "plan"     // PlanArgs → Plan
	OpMake     = "make"     // MakeArgs → Made, arrays: bytes
	OpSparks   = "sparks"   // nothing → nothing, arrays: a small histogram of each built-in sample, by name
	OpRows     = "rows"     // RowsArgs → nothing, arrays: values (original), reconstructed
)

// FormatRow is a format as the page lists it.
type FormatRow = quant.Info

// OpenArgs names the file that comes along, or the folder of several.
type OpenArgs struct {
	Name  string `json:"name"`
	Whole bool   `json:"whole,omitempty"` // a part of a split model will not do
}

// FileInfo describes an opened file.
type FileInfo struct {
	Whole     bool        `json:"whole,omitempty"` // only the whole program reads it: nothing else is said
	Name      string      `json:"name"`
	Container string      `json:"container"`
	Size      int64       `json:"size"`
	Files     int         `json:"files"` // that were opened for it
	Notes     []string    `json:"notes,omitempty"`
	Meta      []MetaRow   `json:"meta,omitempty"`
	Tensors   []TensorRow `json:"tensors"`
}

// MetaRow is one key of a file, its value printed and cut to a readable length.
type MetaRow struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// TensorRow is quant.TensorInfo for people.
type TensorRow struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Type     string `json:"type"`
	Values   int    `json:"values"`
	Bytes    int64  `json:"bytes"`
	Offset   int64  `json:"offset"`
	Readable bool   `json:"readable"`
	Why      string `json:"why,omitempty"`

	// Of a matrix of another project's checkpoint, which is shown as F32:
	Stored      string `json:"stored,omitempty"` // what it is stored as: "GPTQ 4-bit g128"
	StoredBytes int64  `json:"storedBytes,omitempty"`
}

// Now is what the tensor is stored as.
func (t *TensorRow) Now() string {
	if t.Stored != "" {
		return t.Stored
	}
	return t.Type
}

// Room is the bytes that it takes in its file.
func (t *TensorRow) Room() int64 {
	if t.Stored != "" {
		return t.StoredBytes
	}
	return t.Bytes
}

// Source says where the current tensor comes from.
type Source struct {
	Kind  string `json:"kind"`            // "sample", "file", "values"
	Name  string `json:"name"`            // of the sample, the tensor or the values
	Rows  int    `json:"rows,omitempty"`  // of a sample
	Cols  int    `json:"cols,omitempty"`  // of a sample
	Seed  uint64 `json:"seed,omitempty"`  // of a sample
	Index int    `json:"index,omitempty"` // of a file's tensor
	Shape []int  `json:"shape,omitempty"` // of values; empty is one row
	Text  string `json:"text,omitempty"`  // of values: pasted numbers
}

// TensorStats describes the loaded tensor.
type TensorStats struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Shape     []int   `json:"shape"`
	Rows      int     `json:"rows"`
	Cols      int     `json:"cols"`
	Values    int     `json:"values"`
	Min       float64 `json:"min"`
	Max       float64 `json:"max"`
	Mean      float64 `json:"mean"`
	Std       float64 `json:"std"`
	NonFinite int     `json:"nonFinite"` // how many NaN and infinities

	Inside *Estimate `json:"inside,omitempty"` // of a tensor that is quantized already
}

// AnalyzeArgs asks for everything that the plots of one side show.
type AnalyzeArgs struct {
	Format  string            `json:"format"`
	Options map[string]string `json:"options,omitempty"`
	Row     int               `json:"row"`
	Col     int               `json:"col"`
	Sample  int               `json:"sample,omitempty"` // about so many values, a fair sample; 0 is all

	Importance string `json:"importance,omitempty"` // ImportanceMatrix, ImportanceAlike or "", for a format that takes some
}

// HistMeta describes arrays.hist.
type HistMeta struct {
	Lo   float64 `json:"lo"`
	Hi   float64 `json:"hi"`
	Bins int     `json:"bins"`
}

// ErrMeta describes arrays.err, as metric.Errors.
type ErrMeta struct {
	Step  float64 `json:"step"`
	First int     `json:"first"`
	Bins  int     `json:"bins"`
}

// BlockMeta describes arrays.scaleRow, scaleLo, scaleHi (or zero…): one number
// a group along the opened row, and its range over all rows.
type BlockMeta struct {
	Groups int    `json:"groups"`
	Flat   bool   `json:"flat"`
	Kind   string `json:"kind"` // "scale"; "zero", "min" or ""
}

// HeatMeta describes arrays.heat.
type HeatMeta struct {
	W   int     `json:"w"`
	H   int     `json:"h"`
	Max float64 `json:"max"`
}

// LevelsMeta describes arrays.levels: the levels of the opened block.
type LevelsMeta struct {
	Count int `json:"count"` // 0 where there are too many to draw
	Drawn int `json:"drawn"`
}

// Losses are a Report with the share of each kind of error, for the page.
type Losses struct {
	metric.Report
	Rounding float64 `json:"rounding"` // share of the squared error that rounding made
	Clipping float64 `json:"clipping"` // and clipping: |x̂−x| beyond the half step

	// NonFinite is how many weights are left out of these numbers, because
	// they are NaN or infinite before or after.
	NonFinite int `json:"nonFinite,omitempty"`
}

// Analysis is the answer to AnalyzeArgs. Its arrays are hist, err, scaleRow,
// scaleLo, scaleHi, zeroRow, zeroLo, zeroHi, heat and levels, all Float32Array.
type Analysis struct {
	Format  string     `json:"format"`
	Label   string     `json:"label"`
	Name    string     `json:"name"`
	Rows    int        `json:"rows"`
	Cols    int        `json:"cols"`
	Sampled bool       `json:"sampled"`
	Metrics Losses     `json:"metrics"`
	Hist    HistMeta   `json:"hist"`
	Err     ErrMeta    `json:"err"`
	Scale   BlockMeta  `json:"scale"`
	Zero    BlockMeta  `json:"zero"`
	Heat    HeatMeta   `json:"heat"`
	Levels  LevelsMeta `json:"levels"`
	Opened  Opened     `json:"opened"`
	Elapsed float64    `json:"elapsed"` // ms to quantize and to reconstruct, of all workers together
	Workers int        `json:"workers"` // that did it
	Kernel  string     `json:"kernel"`  // which twin ran

	Stored     string `json:"stored,omitempty"`     // type of the blocks that are shown as stored; the original is not known
	From       string `json:"from,omitempty"`       // type of the blocks that the tensor came in, whatever it is shown as
	Importance string `json:"importance,omitempty"` // what was used of AnalyzeArgs.Importance
}

// PickArgs moves the opened weight: to a row and a column, or to the weight
// whose value is nearest to Value.
type PickArgs struct {
	Row   int      `json:"row"`
	Col   int      `json:"col"`
	Value *float64 `json:"value,omitempty"`
}

// Picked is the answer: the same parts of an Analysis again.
type Picked struct {
	Scale  BlockMeta  `json:"scale"`
	Zero   BlockMeta  `json:"zero"`
	Levels LevelsMeta `json:"levels"`
	Opened Opened     `json:"opened"`
}

// Opened is quant.Opened for the page.
type Opened struct {
	Row     int     `json:"row"`
	Col     int     `json:"col"`
	X       float64 `json:"x"`
	XHat    float64 `json:"xhat"`
	Code    int32   `json:"code"`
	Block   int     `json:"block"`
	Offset  int64   `json:"offset"`
	Hex     string  `json:"hex"` // the block's bytes, two digits each
	Group   int     `json:"group"`
	Lo      int     `json:"lo"` // the block covers columns [Lo, Hi) of its row
	Hi      int     `json:"hi"`
	Step    float64 `json:"step"` // between levels at this weight; 0 where they are uneven
	Fields  []Field `json:"fields"`
	Formula []Term  `json:"formula"`
	Rule    []Term  `json:"rule,omitempty"`
}

// Field is quant.Field.
type Field struct {
	Name  string   `json:"name"`
	Role  string   `json:"role,omitempty"`
	Spans [][2]int `json:"spans,omitempty"` // first bit, number of bits
	Mine  [][2]int `json:"mine,omitempty"`
	Text  string   `json:"text,omitempty"`
}

// Term is quant.Term.
type Term struct {
	Text string `json:"text"`
	Role string `json:"role,omitempty"`
}

// MeasureArgs asks for the metrics alone.
type MeasureArgs struct {
	Format     string            `json:"format"`
	Options    map[string]string `json:"options,omitempty"`
	Sample     int               `json:"sample,omitempty"`
	Repeat     int               `json:"repeat,omitempty"`     // passes that are timed; 0 is one
	Importance []float32         `json:"importance,omitempty"` // one weight ≥ 0 a column
}

// Measured is the answer: numbers, or why there are none.
type Measured struct {
	metric.Report
	NonFinite    int     `json:"nonFinite,omitempty"` // as of Losses
	Refused      string  `json:"refused,omitempty"`
	Elapsed      float64 `json:"elapsed"`      // ms to quantize and to reconstruct
	QuantizeMs   float64 `json:"quantizeMs"`   // of that, to quantize: the median of Repeat passes
	DequantizeMs float64 `json:"dequantizeMs"` // and to reconstruct
	Sampled      bool    `json:"sampled"`
}

// ExportArgs asks for a file of the current result: "bin", "json", "npy"
// (reconstructed), "original" (npy).
type ExportArgs struct {
	As string `json:"as"`
}

// Export names the file whose bytes come along.
type Export struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// QuantizeArgs is one call of the module API.
type QuantizeArgs struct {
	Format     string            `json:"format"`
	Shape      []int             `json:"shape,omitempty"`
	Options    map[string]string `json:"options,omitempty"`
	Importance []float32         `json:"importance,omitempty"` // one weight ≥ 0 a column
}

// Quantized is its answer.
type Quantized struct {
	Metrics   metric.Report `json:"metrics"`
	NonFinite int           `json:"nonFinite"` // as of Losses
	Rows      int           `json:"rows"`
	Groups    int           `json:"groups"` // scales per row
}

// RowsArgs asks for values of a window of the tensor, for a table.
type RowsArgs struct {
	Row  int `json:"row"`
	Rows int `json:"rows"`
	Col  int `json:"col"`
	Cols int `json:"cols"`
}
