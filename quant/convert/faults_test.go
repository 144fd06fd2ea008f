package convert

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"fewbits/quant"
)

// TestNonFinite names the first bad value, counted from the tensor's start,
// and how many there are in all of it.
func TestNonFinite(t *testing.T) {
	x := normal(200*512, 1)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, at := range []int{120*512 + 7, 120*512 + 8, 199*512 + 511} {
		x[at] = nan
	}
	x[121*512], x[198*512] = inf, inf
	src := &memory{container: "safetensors"}
	src.add("first", "F32", normal(256, 1), 1, 256)
	src.add("w", "F32", x, 200, 512)
	plan, err := PlanPure(src, "Q4_K")
	if err != nil {
		t.Fatal(err)
	}
	err = ToGGUF(t.Context(), io.Discard, src, plan, options)
	var bad *quant.NonFiniteError
	if !errors.As(err, &bad) {
		t.Fatalf("error %v", err)
	}
	if bad.Tensor != "w" || bad.Row != 120 || bad.Col != 7 || bad.NaN != 3 || bad.Inf != 2 {
		t.Errorf("%+v", bad)
	}
	if !strings.HasPrefix(err.Error(), `convert: tensor "w": row 120, column 7 is NaN`) {
		t.Error(err)
	}
	if plan, err = PlanPure(src, "BF16"); err != nil {
		t.Fatal(err)
	}
	if err := ToGGUF(t.Context(), io.Discard, src, plan, options); err != nil {
		t.Errorf("BF16 holds NaN and infinity: %v", err)
	}
}

func TestOverflow(t *testing.T) {
	x := normal(100*512, 1)
	x[70*512+3] = 65520
	src := &memory{container: "safetensors"}
	src.add("w", "F32", x, 100, 512)
	for format, want := range map[string]string{"FP16": `convert: tensor "w": row 70, column 3 is 65520, which does not fit F16`, "BF16": "", "FP32": ""} {
		plan, err := PlanPure(src, format)
		if err != nil {
			t.Fatal(err)
		}
		err = ToGGUF(t.Context(), io.Discard, src, plan, options)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", format, err, want)
		}
	}
}

// TestProgress counts up to the end, by steps and by values.
func TestProgress(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("w", "F32", normal(200*512, 1), 200, 512)
	src.add("ids", "I8", make([]float32, 3<<14), 3<<14)
	src.add("b", "F16", normal(3, 1), 3)
	plan, err := PlanPure(src, "Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	var seen []Progress
	o := Options{Formats: lookup, slice: slice, Progress: func(p Progress) { seen = append(seen, p) }}
	if err := ToGGUF(t.Context(), io.Discard, src, plan, o); err != nil {
		t.Fatal(err)
	}
	total := int64(200*512 + 3<<14 + 3)
	first, last := seen[0], seen[len(seen)-1]
	if first.Done != 0 || first.Name != "w" || last.Done != total || last.Total != total || last.Step != 3 || last.Steps != 3 || last.Name != "" {
		t.Errorf("from %+v to %+v", first, last)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Done < seen[i-1].Done || seen[i].Step < seen[i-1].Step || seen[i].Done-seen[i-1].Done > slice {
			t.Errorf("%+v after %+v", seen[i], seen[i-1])
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d reports", len(seen))
	}
}

// TestCancel stops in the middle of a tensor.
func TestCancel(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("w", "F32", normal(256*512, 1), 256, 512)
	src.add("ids", "I8", make([]float32, 8<<14), 8<<14)
	for _, format := range []string{"Q8_0", "F32"} {
		plan, err := PlanPure(src, format)
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []int64{0, 1, 256*512 + 1} {
			ctx, cancel := context.WithCancelCause(t.Context())
			var stopped int64
			o := Options{Formats: lookup, slice: slice, Progress: func(p Progress) {
				if stopped = p.Done; stopped >= after {
					cancel(nil)
				}
			}}
			var out bytes.Buffer
			err := ToGGUF(ctx, &out, src, plan, o)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if stopped > after+slice {
				t.Errorf("cancelled after %d values, stopped after %d", after, stopped)
			}
			cancel(nil)
		}
	}
}

// TestRefuses holds that what cannot be done is said before anything is written.
func TestRefuses(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("w", "F32", normal(512, 1), 2, 256)
	good := func() Step {
		plan, err := PlanPure(src, "Q8_0")
		if err != nil {
			t.Fatal(err)
		}
		return plan[0]
	}
	tests := []struct {
		name   string
		change func(s *Step)
		o      Options
		want   string
	}{
		{"no such tensor", func(s *Step) { s.Tensor = 1 }, options, "step 0 is about tensor 1"},
		{"another type", func(s *Step) { s.From = "F16" }, options, "make the plan anew"},
		{"another shape", func(s *Step) { s.Shape = []int{256, 2} }, options, "make the plan anew"},
		{"no quantizers", func(*Step) {}, Options{}, "no quantizer to Q8_0"},
		{"unknown type", func(s *Step) { s.To = "Q9_9" }, options, `no type "Q9_9"`},
		{"row of 256 to blocks of 512", func(s *Step) { s.Shape = []int{1, 512} }, options, "make the plan anew"},
		{"long name", func(s *Step) { s.Name = strings.Repeat("n", 64) }, options, "64 bytes"},
		{"metadata", func(*Step) {}, Options{Formats: lookup, Meta: []quant.Meta{{Key: "k", Value: 1}}}, "Go type int"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.change(&s)
			var out bytes.Buffer
			err := ToGGUF(t.Context(), &out, src, []Step{s}, tt.o)
			if err == nil || !strings.HasPrefix(err.Error(), "convert: ") || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
				t.Errorf("error %v, want %q; %d bytes written", err, tt.want, out.Len())
			}
		})
	}
	s := good()
	s.To = "FP16"
	if err := ToSafetensors(t.Context(), io.Discard, src, []Step{s}, options); err == nil {
		t.Error("a type that safetensors does not have: no error")
	}
}

var errFull = errors.New("the disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestFullDisk(t *testing.T) {
	src, _ := stories(t)
	for _, plan := range []func(quant.Source, string) ([]Step, error){PlanPure, PlanCast} {
		steps, err := plan(src, "F16")
		if err != nil {
			t.Fatal(err)
		}
		if err := ToGGUF(t.Context(), fullDisk{}, src, steps, options); !errors.Is(err, errFull) {
			t.Errorf("GGUF: %v", err)
		}
		if err := ToSafetensors(t.Context(), fullDisk{}, src, steps, options); !errors.Is(err, errFull) {
			t.Errorf("safetensors: %v", err)
		}
	}
}
