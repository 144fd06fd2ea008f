//go:build !first

package session

import (
	"bytes"
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"fewbits/quant/budget"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// weighed measures a model in two sessions, in pieces of some rows; and what
// package budget makes of it in one go.
func weighed(t *testing.T, file []byte) (two [2]*Session, table wire.BudgetTable, args wire.BudgetErrorsArgs, want *budget.Table) {
	t.Helper()
	at := Attachment{File: bytes.NewReader(file), Size: int64(len(file))}
	for i := range two {
		two[i] = &Session{}
		table = ask[wire.BudgetTable](t, two[i], wire.OpBudgetOpen, wire.BudgetOpenArgs{Name: "m.gguf"}, at)
	}
	for i, r := range table.Tensors {
		var sum wire.BudgetErrors
		for n, row := 0, 0; row < r.Rows; n, row = n+1, row+100 {
			e := ask[wire.BudgetErrors](t, two[n%2], wire.OpBudgetRows, wire.BudgetRowsArgs{Tensor: i, Row: row, Rows: min(100, r.Rows-row)}, Attachment{})
			sum.Energy += e.Energy
			if sum.Of == nil {
				sum.Of = make([]float64, len(e.Of))
			}
			for k, v := range e.Of {
				sum.Of[k] += v
			}
		}
		args.Errors = append(args.Errors, sum)
	}
	src, err := gguf.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if want, err = budget.NewTable(src, budget.Options{Formats: formats.Lookup}); err != nil {
		t.Fatal(err)
	}
	if err := want.Measure(context.Background(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	return two, table, args, want
}

// TestBudget finds the mixes that package budget finds, and a plan by one of
// them is a file of the bytes that were said.
func TestBudget(t *testing.T) {
	file := realFile(t, "gguf", "stories260K.gguf")
	two, table, args, want := weighed(t, file)
	s := two[0]
	front := ask[wire.BudgetFront](t, s, wire.OpBudgetErrors, args, Attachment{})
	want.Relative()
	f, err := want.Frontier()
	if err != nil {
		t.Fatal(err)
	}
	if front.Least != f.Least()+table.Overhead || front.Most != f.Most()+table.Overhead || len(front.Curve) != len(f.Curve()) || len(front.Probes) != len(want.Probes()) {
		t.Errorf("%d to %d bytes, %d corners, %d probes", front.Least, front.Most, len(front.Curve), len(front.Probes))
	}
	for _, limit := range []int64{front.Least, (front.Least + front.Most) / 2, front.Most + 1} {
		mix := ask[wire.BudgetMix](t, s, wire.OpBudgetMix, wire.BudgetMixArgs{Limit: limit}, Attachment{})
		x, err := f.Solve(limit - table.Overhead)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := want.Lines(x.Choice)
		if err != nil || lines.String() != strings.Join(mix.Lines, "\n")+"\n" || lines.Base != mix.Base {
			t.Fatalf("%+v, want %+v (%v)", mix, lines, err)
		}
		types := map[string]string{}
		for i, r := range table.Tensors {
			types[r.Name] = mix.Types[i]
		}
		plan := ask[wire.Plan](t, s, wire.OpPlan, wire.PlanArgs{Recipe: mix.Base, Mix: "mix-1", Types: types}, Attachment{})
		if plan.Size != mix.Bytes || mix.Bytes > limit || plan.Name != "m-mix-1.gguf" {
			t.Errorf("%s has %d bytes, the mix %d of %d", plan.Name, plan.Size, mix.Bytes, limit)
		}
		for _, step := range plan.Steps {
			if typ := types[step.Name]; typ != "" && step.To != typ {
				t.Errorf("%s becomes %s, not %s", step.Name, step.To, typ)
			}
		}
	}
	found := map[string]wire.BudgetRecipe{}
	for _, r := range front.Recipes {
		if found[r.Name] = r; r.Best > r.Loss*(1+1e-12) {
			t.Errorf("the mix of the size of %s loses more: %+v", r.Name, r)
		}
	}
	for _, name := range []string{"Q4_K_M", "Q5_K_M"} {
		plan, err := recipe.Plan(s.plain, name, recipe.Options{})
		if err != nil || found[name].Bytes != want.Bytes(plan)+table.Overhead {
			t.Errorf("%s: %+v (%v)", name, found[name], err)
		}
	}
	var none wire.BudgetMix
	if err := request(s, wire.OpBudgetMix, wire.BudgetMixArgs{Limit: front.Least - 1}, Attachment{}, &none); err == nil || !strings.Contains(err.Error(), "too few") {
		t.Error(err)
	}
}

// TestBudgetByKL probes as Table.Calibrate does.
func TestBudgetByKL(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a model some eighty times")
	}
	file := realFile(t, "gguf", "stories260K.gguf")
	two, _, args, want := weighed(t, file)
	s := two[0]
	front := ask[wire.BudgetFront](t, s, wire.OpBudgetErrors, args, Attachment{})
	for _, s := range two {
		if text := ask[wire.BudgetText](t, s, wire.OpBudgetText, wire.BudgetTextArgs{Chunks: 1}, Attachment{}); text.Scored != 255 || text.Context != 512 {
			t.Fatalf("%+v", text)
		}
	}
	of := s.budget.seen.Divergence(convert.Options{Formats: formats.Lookup})
	probes, err := want.Calibrate(context.Background(), of, nil)
	if err != nil || len(probes) != len(front.Probes) {
		t.Fatal(len(probes), len(front.Probes), err)
	}
	for i, p := range front.Probes {
		if i%4 != 0 { // each runs the model: the others are taken for what they would be
			args.Probes = append(args.Probes, wire.BudgetProbe{Tensor: probes[i].Tensor, Type: probes[i].Type, KL: probes[i].KL})
			continue
		}
		p = ask[wire.BudgetProbe](t, two[i/4%2], wire.OpBudgetProbe, p, Attachment{})
		if p != (wire.BudgetProbe{Tensor: probes[i].Tensor, Type: probes[i].Type, KL: probes[i].KL}) {
			t.Fatalf("probe %d is %+v, want %+v", i, p, probes[i])
		}
		args.Probes = append(args.Probes, p)
	}
	front = ask[wire.BudgetFront](t, s, wire.OpBudgetErrors, args, Attachment{})
	limit := (front.Least + front.Most) / 2
	first := ask[wire.BudgetJudged](t, s, wire.OpBudgetJudge, wire.BudgetJudgeArgs{Limit: limit, First: true}, Attachment{})
	args.Scale = first.KL / first.Loss
	front = ask[wire.BudgetFront](t, s, wire.OpBudgetErrors, args, Attachment{})
	f, err := want.Frontier()
	if err != nil {
		t.Fatal(err)
	}
	x, err := f.Solve(limit - s.budget.ahead)
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Fit(context.Background(), of, x.Choice); err != nil {
		t.Fatal(err)
	}
	if f, err = want.Frontier(); err != nil {
		t.Fatal(err)
	}
	curve := ask[wire.BudgetFront](t, s, wire.OpBudgetErrors, args, Attachment{}).Curve
	for i, p := range f.Curve() {
		if curve[i][0] != float64(p.Bytes+s.budget.ahead) || math.Abs(curve[i][1]-p.Loss) > 1e-9*p.Loss {
			t.Fatalf("corner %d is %v, want %+v", i, curve[i], p)
		}
	}
	mix := ask[wire.BudgetJudged](t, s, wire.OpBudgetJudge, wire.BudgetJudgeArgs{Limit: limit}, Attachment{})
	small := ask[wire.BudgetJudged](t, s, wire.OpBudgetJudge, wire.BudgetJudgeArgs{Limit: front.Least}, Attachment{})
	usual := ask[wire.BudgetJudged](t, s, wire.OpBudgetJudge, wire.BudgetJudgeArgs{Recipe: "Q4_K_M"}, Attachment{})
	if mix.Scored != 510 || !(mix.KL > 0) || !(small.KL > mix.KL) || !(usual.KL > 0) || usual.Bytes <= 0 {
		t.Errorf("%+v, %+v, %+v", mix, small, usual)
	}
}

func TestBudgetRefuses(t *testing.T) {
	var s Session
	for _, op := range []string{wire.OpBudgetRows, wire.OpBudgetErrors, wire.OpBudgetMix, wire.OpBudgetText, wire.OpBudgetProbe, wire.OpBudgetJudge} {
		if _, err := s.Call(op, []byte("{}"), Attachment{}); err == nil || !strings.Contains(err.Error(), "measure it first") {
			t.Error(op, err)
		}
	}
	file := realFile(t, "gguf", "stories260K.gguf")
	at := Attachment{File: bytes.NewReader(file), Size: int64(len(file))}
	table := ask[wire.BudgetTable](t, &s, wire.OpBudgetOpen, wire.BudgetOpenArgs{Name: "m.gguf"}, at)
	for _, bad := range []any{
		wire.BudgetRowsArgs{Tensor: len(table.Tensors)}, wire.BudgetRowsArgs{Tensor: -1}, wire.BudgetRowsArgs{Row: 1 << 40, Rows: 1}, wire.BudgetRowsArgs{Rows: -1},
		wire.BudgetErrorsArgs{}, wire.BudgetErrorsArgs{Errors: make([]wire.BudgetErrors, len(table.Tensors))},
	} {
		op := wire.OpBudgetRows
		if reflect.TypeOf(bad) == reflect.TypeFor[wire.BudgetErrorsArgs]() {
			op = wire.OpBudgetErrors
		}
		text, err := wire.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Call(op, text, Attachment{}); err == nil {
			t.Errorf("%s takes %+v", op, bad)
		}
	}
}
