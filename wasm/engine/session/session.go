package session

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/imatrix"
	"fewbits/quant/metric"
	"fewbits/quant/sample"
	"fewbits/wasm/wire"
)

// Session is the state of one worker. It answers one request at a time.
type Session struct {
	file     quant.Source
	plain    quant.Source // file as a conversion reads it; nil until one is asked for
	fileName string
	fileSize int64
	made     *maker // of the file; nil until a plan is asked for, and to be so where anything changes what steps answers

	loaded bool
	loads  int         // tensors so far
	source wire.Source // of tensor
	tensor quant.Tensor
	stored *quant.Packed // of tensor, where it came in blocks
	hist   metric.Histogram

	shelved *shelved // likewise, where it is a matrix of another project's checkpoint

	matrix     *imatrix.Matrix // importance; nil for none
	matrixName string

	evaluation evaluation    // of models on a text
	trial      trial         // of ways to quantize a model
	teaching   teaching      // of the lessons
	budget     budgeting     // what each tensor costs and loses in each type
	flow       flow          // of texts through a model, and what quantizes by that
	checkpoint checkpointing // for another project, that is being written

	// Slice is how long a call may take before it answers with More; 0 is for
	// as long as it needs.
	Slice time.Duration
	now   func() time.Duration // of tests; nil is the machine's

	// Helpers do some rows of what takes longer than a slice; nil for none.
	Helpers Helpers
	team    team    // what they have
	help    helping // as one of them

	lo, hi    float32 // range of the whole tensor
	nonFinite int     // values of it

	last  result
	busy  *analysis // that is not finished
	rec   []float32 // reused between results
	diff  []float32 // likewise: x̂ − x
	pad   []float32 // and a piece with its range before it
	raw   []byte    // and the bytes of a piece
	spare []byte    // and of a whole result
}

// result is the latest quantized tensor, for Pick and Export.
type result struct {
	format quant.Format
	tensor quant.Tensor // whole or sampled
	part   *part        // of the whole that a sampled tensor is; nil where whole
	packed *quant.Packed
	params *quant.Params // nil where it is cut: see paramsOf
	stored bool          // the blocks are as they were
	kind   string        // of importance that was used

	cutter
	scales []float32 // of blocks that run on across rows
	own    bool      // the bytes are the session's to use again
}

// Attachment is what comes with a request beside its JSON.
type Attachment struct {
	File   io.ReaderAt  // of OpOpen and OpImatrix
	Size   int64        // of File
	Files  []quant.File // of OpOpen: several that are one model, in place of File
	Values []float32    // of OpLoad and OpQuantize
}

// files are those that came along; one that has no name is called as name says.
func (a Attachment) files(name string) []quant.File {
	if a.File != nil {
		return []quant.File{{Name: name, R: a.File, Size: a.Size}}
	}
	if len(a.Files) == 1 && a.Files[0].Name == "" {
		a.Files[0].Name = name
	}
	return a.Files
}

// Reply is an answer: something that marshals to JSON, and arrays beside it
// ([]float32 or []byte).
type Reply struct {
	JSON   any
	Arrays map[string]any
	More   func() (Reply, error) // goes on with what is not finished; nil where this is the answer
	Wait   bool                  // there is nothing to go on with until Take is called
}

// Call answers one request.
func (s *Session) Call(op string, args []byte, a Attachment) (Reply, error) {
	switch op {
	case wire.OpFormats:
		return Reply{JSON: formats.Infos()}, nil
	case wire.OpOpen:
		return call(args, func(v wire.OpenArgs) (Reply, error) { return s.open(v, a) })
	case wire.OpLoad:
		return call(args, func(v wire.Source) (Reply, error) { return s.load(v, a.Values) })
	case wire.OpAnalyze:
		return call(args, s.analyze)
	case wire.OpPiece:
		return call(args, func(v wire.PieceArgs) (Reply, error) { return s.piece(v, a.Values) })
	case wire.OpCount:
		return call(args, s.count)
	case wire.OpPick:
		return call(args, s.pick)
	case wire.OpMeasure:
		return call(args, s.measure)
	case wire.OpExport:
		return call(args, s.export)
	case wire.OpQuantize:
		return call(args, func(v wire.QuantizeArgs) (Reply, error) { return quantize(v, a.Values) })
	case wire.OpPlan:
		return call(args, s.plan)
	case wire.OpMake:
		return call(args, s.make)
	case wire.OpInside:
		return s.inside()
	case wire.OpImatrix:
		return call(args, func(v wire.ImatrixArgs) (Reply, error) { return s.imatrix(v, a) })
	case wire.OpWeights:
		return call(args, s.weights)
	case wire.OpSparks:
		return sparks()
	case wire.OpEvalOpen, wire.OpEvalStep, wire.OpSayOpen, wire.OpSay:
		return s.evaluate(op, args, a)
	case wire.OpTrialOpen, wire.OpTrial, wire.OpSpeedOpen, wire.OpSpeed:
		return s.try(op, args, a)
	case wire.OpBudgetOpen, wire.OpBudgetRows, wire.OpBudgetErrors, wire.OpBudgetMix, wire.OpBudgetText, wire.OpBudgetProbe, wire.OpBudgetJudge:
		return s.weighUp(op, args, a)
	case wire.OpRows:
		return call(args, s.window)
	case wire.OpFigure, wire.OpAsk, wire.OpCheck, wire.OpLabOpen, wire.OpLabStep, wire.OpTaleOpen, wire.OpTaleStep:
		return s.teach(op, args, a)
	case wire.OpFlowOpen, wire.OpFlowRun, wire.OpFlowStep, wire.OpFlowStage:
		return s.flows(op, args, a)
	case wire.OpCheckpointOpen, wire.OpCheckpoint:
		return s.checkpoints(op, args, a)
	case wire.OpReport, wire.OpHash:
		return s.reports(op, args, a)
	}
	return Reply{}, fmt.Errorf("the worker knows no operation %q", op)
}

func call[A any](args []byte, f func(A) (Reply, error)) (Reply, error) {
	var v A
	if len(args) > 0 {
		if err := wire.Unmarshal(args, &v); err != nil {
			return Reply{}, fmt.Errorf("the request cannot be read: %w", err)
		}
	}
	return f(v)
}

func (s *Session) load(v wire.Source, values []float32) (Reply, error) {
	t, typ, err := s.tensorOf(v, values)
	if err != nil {
		return Reply{}, err
	}
	stored, err := s.blocksOf(v)
	if err != nil {
		return Reply{}, err
	}
	shelved, lost, err := s.shelve(v)
	if err != nil {
		return Reply{}, err
	}
	s.drop()
	s.shelved = shelved
	s.tensor, s.stored, s.last, s.loaded, s.source = t, stored, result{}, true, v
	s.loads++
	stats := describe(t, typ)
	stats.Inside = lost
	if stored != nil {
		if stats.Inside, err = estimate(stored, t.Data, v.Index); err != nil {
			return Reply{}, err
		}
	}
	s.nonFinite, s.lo, s.hi = stats.NonFinite, float32(stats.Min), float32(stats.Max)
	if stats.NonFinite == 0 {
		s.hist = metric.Values(t.Data, histBins(t.Len()))
	} else {
		s.hist = metric.Values(finite(t.Data), histBins(t.Len()))
	}
	return Reply{JSON: stats, Arrays: map[string]any{"hist": s.hist.Counts}}, nil
}

// clock is the time since some moment.
func (s *Session) clock() time.Duration {
	if s.now != nil {
		return s.now()
	}
	return time.Since(start)
}

var start = time.Now()

// drop forgets what is not finished.
func (s *Session) drop() {
	if s.busy == nil {
		return
	}
	if s.busy.out.own {
		s.spare = s.busy.out.packed.Bytes
	}
	if s.busy.sharing != nil {
		s.Helpers.Drop()
	}
	s.busy = nil
}

// bytes is memory for a result.
func (s *Session) bytes(n int) []byte {
	b := s.spare
	s.spare = nil
	if cap(b) < n {
		b = make([]byte, n)
	}
	return b[:n]
}

// extent is the range of the tensor, or of a sample of it.
func (s *Session) extent(t quant.Tensor, of *part) (lo, hi float32) {
	if of == nil {
		return s.lo, s.hi
	}
	return kernels.MinMax(t.Data)
}

func (s *Session) tensorOf(v wire.Source, values []float32) (quant.Tensor, string, error) {
	switch v.Kind {
	case "sample":
		t, err := sample.Make(v.Name, v.Rows, v.Cols, v.Seed)
		return t, "F32", err
	case "values":
		if v.Text != "" {
			var err error
			if values, v.Shape, err = parseNumbers(v.Text); err != nil {
				return quant.Tensor{}, "", err
			}
		}
		t, err := tensorFrom(v.Name, v.Shape, values)
		return t, "F32", err
	case "file":
		if s.file == nil {
			return quant.Tensor{}, "", fmt.Errorf("no file is open")
		}
		infos := s.file.Tensors()
		if v.Index < 0 || v.Index >= len(infos) {
			return quant.Tensor{}, "", fmt.Errorf("%s has no tensor %d", s.fileName, v.Index)
		}
		i := infos[v.Index]
		if !i.Readable {
			return quant.Tensor{}, "", fmt.Errorf("tensor %q cannot be read: %s", i.Name, i.Why)
		}
		if i.Len() > maxValues {
			return quant.Tensor{}, "", fmt.Errorf("tensor %q holds %d values; up to %d fit here. Model quantizes it a slice at a time", i.Name, i.Len(), maxValues)
		}
		t, err := quant.ReadTensor(s.file, v.Index)
		return t, cmp.Or(i.Stored, i.Type), err
	}
	return quant.Tensor{}, "", fmt.Errorf("a tensor cannot come from %q", v.Kind)
}

// tensorFrom is values in a shape; without one they are a single row.
func tensorFrom(name string, shape []int, values []float32) (quant.Tensor, error) {
	if len(shape) == 0 {
		shape = nil
	}
	return quant.NewTensor(name, shape, values)
}

func histBins(n int) int {
	return max(16, min(160, int(4*math.Sqrt(float64(n)))))
}

func finite(x []float32) []float32 {
	y := make([]float32, 0, len(x))
	for _, v := range x {
		if v-v == 0 {
			y = append(y, v)
		}
	}
	return y
}

func describe(t quant.Tensor, typ string) wire.TensorStats {
	st := wire.TensorStats{Name: t.Name, Type: typ, Shape: shape(t.Shape), Rows: t.Rows(), Cols: t.Cols(), Values: t.Len()}
	x := t.Data
	if kernels.CheckFinite(x) >= 0 {
		x = finite(x)
		st.NonFinite = t.Len() - len(x)
	}
	if len(x) == 0 {
		return st
	}
	lo, hi := kernels.MinMax(x)
	st.Min, st.Max = float64(lo), float64(hi)
	var sum, sq float64
	for _, v := range x {
		sum += float64(v)
	}
	st.Mean = sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - st.Mean
		sq += d * d
	}
	st.Std = math.Sqrt(sq / float64(len(x)))
	return st
}

// run quantizes and reconstructs t, and says how many ms that took.
func run(f quant.Format, o quant.Options, t quant.Tensor, rec []float32) (*quant.Packed, float64, error) {
	p, there, back, err := passes(f, o, t, rec, 1)
	if err != nil {
		return p, 0, err
	}
	return p, there[0] + back[0], nil
}

// readings is how often at least a tensor is reconstructed where more than once is asked
// for. It is the quick way: of three passes, most are of memory that is not yet near.
const readings = 15

// passes quantizes t some times, then reconstructs it as often or more, and says how many
// ms each took: one way after the other, since a slow one between leaves nothing of the
// other's memory near. Where it fails before it writes to rec, there is no p.
func passes(f quant.Format, o quant.Options, t quant.Tensor, rec []float32, n int) (p *quant.Packed, there, back []float64, err error) {
	if t.Len() == 0 {
		return nil, nil, nil, fmt.Errorf("tensor %q is empty: there is nothing to quantize", t.Name)
	}
	for range n {
		start := time.Now()
		if p, err = f.Quantize(t, o); err != nil {
			return nil, nil, nil, err
		}
		there = append(there, millis(time.Since(start)))
	}
	if n > 1 {
		n = max(n, readings)
	}
	for range n {
		start := time.Now()
		if err = f.Dequantize(p, rec); err != nil {
			return p, nil, nil, err
		}
		back = append(back, millis(time.Since(start)))
	}
	return p, there, back, nil
}

func lookup(name string, options map[string]string) (quant.Format, quant.Options, error) {
	f, ok := formats.Lookup(name)
	if !ok {
		return nil, quant.Options{}, fmt.Errorf("there is no format %q", name)
	}
	o, err := optionsFrom(options)
	return f, o, err
}

func optionsFrom(options map[string]string) (o quant.Options, err error) {
	for k, v := range options {
		if err = o.Set(k, v); err != nil {
			return o, err
		}
	}
	return o, nil
}
