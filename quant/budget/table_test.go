package budget

import (
	"bytes"
	"context"
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
)

// fewTypes keep tests quick.
var fewTypes = []string{"Q2_K", "IQ3_XXS", "IQ4_XS", "Q4_0", "Q4_K", "Q6_K", "Q8_0", "F16"}

func newTable(t testing.TB, importance bool) *Table {
	t.Helper()
	file, weights := model(t)
	o := Options{Types: fewTypes, Formats: formats.Lookup}
	if importance {
		o.Importance = of(weights)
	}
	table, err := NewTable(open(t, file), o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func names(r Tensor) (list []string) {
	for _, typ := range r.Types {
		list = append(list, typ.Name)
	}
	return list
}

func TestTypesThatSuit(t *testing.T) {
	for _, c := range []struct {
		tensor     string
		importance bool
		want       string
	}{
		{"blk.0.attn_q.weight", false, "Q2_K IQ4_XS Q4_0 Q4_K Q6_K Q8_0 F16"},
		{"blk.0.attn_q.weight", true, "Q2_K IQ3_XXS IQ4_XS Q4_0 Q4_K Q6_K Q8_0 F16"},
		{"blk.1.ffn_gate_exps.weight", true, "Q4_0 Q8_0 F16"},
		{"blk.1.ffn_down_exps.weight", true, "F16"},
		{"blk.1.ffn_gate_inp.weight", true, ""},
		{"blk.1.attn_norm.weight", true, ""},
	} {
		table := newTable(t, c.importance)
		got := ""
		for _, r := range table.Tensors {
			if r.Name == c.tensor {
				got = strings.Join(names(r), " ")
			}
		}
		if got != c.want {
			t.Errorf("%s, importance %v: %q, want %q", c.tensor, c.importance, got, c.want)
		}
	}
}

// TestErrors holds errors against the definition, in one piece and in parts.
func TestErrors(t *testing.T) {
	file, weights := model(t)
	src := open(t, file)
	table := newTable(t, true)
	if err := table.Measure(t.Context(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	for i, r := range table.Tensors {
		x, err := quant.ReadTensor(src, table.plan[r.step].Tensor)
		if err != nil {
			t.Fatal(err)
		}
		matrices := 1
		if len(r.Shape) > 2 {
			matrices = r.Shape[0]
		}
		cols := x.Cols()
		each := x.Len() / matrices
		for _, typ := range r.Types {
			want, energy := 0.0, 0.0
			for m := range matrices {
				w := weights[r.Name][m*cols : (m+1)*cols]
				part := quant.Tensor{Name: r.Name, Shape: []int{each / cols, cols}, Data: x.Data[m*each : (m+1)*each]}
				name := typ.Name
				if name == "F16" {
					name = "FP16"
				}
				f, _ := formats.Lookup(name)
				p, err := f.Quantize(part, quant.Options{Importance: w})
				if err != nil {
					t.Fatal(err)
				}
				back := make([]float32, each)
				if err := f.Dequantize(p, back); err != nil {
					t.Fatal(err)
				}
				for k, v := range part.Data {
					d := float64(back[k]) - float64(v)
					want += float64(w[k%cols]) * d * d
					energy += float64(w[k%cols]) * float64(v) * float64(v)
				}
			}
			if math.Abs(typ.Error-want) > 1e-9*want || math.Abs(r.Energy-energy) > 1e-9*energy {
				t.Errorf("%s as %s: error %v of %v, want %v of %v", r.Name, typ.Name, typ.Error, r.Energy, want, energy)
			}
		}
		m := NewMeter(table, formats.Lookup)
		var sum Errors
		for row := 0; row < x.Rows(); row += 3 {
			e, err := m.Rows(t.Context(), i, row, min(3, x.Rows()-row))
			if err != nil {
				t.Fatal(err)
			}
			sum.Add(e)
		}
		for k, v := range sum.Of {
			if math.Abs(v-r.Types[k].Error) > 1e-9*v {
				t.Errorf("%s as %s: %v in parts, %v in one", r.Name, r.Types[k].Name, v, r.Types[k].Error)
			}
		}
	}
}

// TestSize holds bytes and overhead against a file that is written.
func TestSize(t *testing.T) {
	table := newTable(t, true)
	if err := table.Measure(t.Context(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	table.Relative()
	f, err := table.Frontier()
	if err != nil {
		t.Fatal(err)
	}
	o := convert.Options{Formats: formats.Lookup}
	ahead, err := table.Overhead(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{f.Least(), (f.Least() + f.Most()) / 2, f.Most()} {
		s, err := f.Solve(limit)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := table.Plan(s.Choice)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := convert.ToGGUF(t.Context(), &b, table.src, plan, o); err != nil {
			t.Fatal(err)
		}
		if int64(b.Len()) != ahead+s.Bytes {
			t.Errorf("limit %d: a file of %d bytes, %d and %d were said", limit, b.Len(), ahead, s.Bytes)
		}
		choice, ok := table.Of(plan)
		if !ok || !slices.Equal(choice, s.Choice) {
			t.Errorf("limit %d: the plan reads as other choices", limit)
		}
	}
}

// TestCalibrate has a divergence that is a known sum, which losses must find.
func TestCalibrate(t *testing.T) {
	table := newTable(t, true)
	if err := table.Measure(t.Context(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	weight := func(i int) float64 { return float64(1 + i*i%7) }
	calls := 0
	sum := func(_ context.Context, plan []convert.Step) (kl float64, err error) {
		calls++
		for i, r := range table.Tensors {
			if k := r.find(plan[r.step].To); k >= 0 {
				kl += weight(i) * r.Types[k].Error
			}
		}
		return kl, nil
	}
	var seen []int
	probes, err := table.Calibrate(t.Context(), sum, func(_ string, done, total int) { seen = append(seen, total-done) })
	if err != nil {
		t.Fatal(err)
	}
	if len(probes) != calls || len(seen) != calls+1 || seen[calls] != 0 {
		t.Errorf("%d probes, %d calls, progress %v", len(probes), calls, seen)
	}
	for i, r := range table.Tensors {
		for _, typ := range r.Types {
			want := weight(i) * typ.Error
			if strings.HasPrefix(r.Name, "blk.") && strings.Contains(r.Name, "ffn_down") {
				continue // F16 alone: nothing to choose, nothing to measure
			}
			if math.Abs(typ.Loss-want) > 1e-9*want {
				t.Errorf("%s as %s: loss %v, want %v", r.Name, typ.Name, typ.Loss, want)
			}
		}
	}
	choice := make([]int, len(table.Tensors))
	if err := table.Fit(t.Context(), func(ctx context.Context, plan []convert.Step) (float64, error) { return 0.25, nil }, choice); err != nil {
		t.Fatal(err)
	}
	if _, loss := table.Sum(choice); math.Abs(loss-0.25) > 1e-12 {
		t.Errorf("loss %v after it was fitted to 0.25", loss)
	}
	stop := errors.New("stop")
	if _, err := table.Calibrate(t.Context(), func(context.Context, []convert.Step) (float64, error) { return 0, stop }, nil); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	table := newTable(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	err := table.Measure(ctx, formats.Lookup, func(_ string, done, _ int64) {
		if done > 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestLines finds each tensor by the first pattern that fits, and no other.
func TestLines(t *testing.T) {
	table := newTable(t, true)
	choice := make([]int, len(table.Tensors))
	for i, r := range table.Tensors {
		choice[i] = (i * i / 3) % len(r.Types)
	}
	lines, err := table.Lines(choice)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shapes() {
		found := ""
		for _, l := range lines.List {
			if regexp.MustCompile(l.Pattern).MatchString(s.name) {
				found += l.Type
			}
		}
		want := ""
		for i, r := range table.Tensors {
			if r.Name == s.name {
				want = r.Types[choice[i]].Name
			}
		}
		if found != want {
			t.Errorf("%s: lines say %q, choices %q", s.name, found, want)
		}
	}
	if len(strings.Fields(lines.String())) != len(lines.List) {
		t.Errorf("lines have white space: %s", lines)
	}
	if len(lines.Arguments()) != 1+2*len(lines.List) {
		t.Errorf("%q", lines.Arguments())
	}
}

func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"ffn_down.weight": `ffn_down\.weight`, "A=b c": "..b.c", "a+(b)": "a..b.", "é": ".+",
	} {
		if got := escape(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestRuns(t *testing.T) {
	if got := runs([]string{"0", "2", "3", "7", "8", "9", "10", "12"}); got != "0, 2, 3, 7–10, 12" {
		t.Error(got)
	}
}
