package page

import (
	"encoding/json"
	"testing"

	"fewbits/quant/metric"
	"fewbits/quant/report"
	"fewbits/wasm/wire"
)

// told is ModelReport as package report reads it.
type told struct {
	Name, Choice, Command string
	Size                  int64
	Model                 report.ModelRun
}

func reportOf(t *testing.T, s *State) (r told) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.Report()), &r); err != nil {
		t.Fatalf("%v in %q", err, s.Report())
	}
	return r
}

func TestReport(t *testing.T) {
	if got := Start().Report(); got != "" {
		t.Errorf("a report of nothing: %s", got)
	}
	s := planned(t)
	m := &s.Model
	r := reportOf(t, s)
	if r.Name != m.File.Name || r.Model.Recipe != "Q4_K" || r.Model.Size != m.Plan.Size || len(r.Model.Tensors) != len(m.Plan.Steps) || r.Model.Made != nil || r.Command == "" {
		t.Errorf("%+v", r)
	}
	plan := only(t, s.Update(TypeChosen{0, "Q8_0"}), wire.OpPlan, "job")
	answer(t, s, plan, talePlan())
	if r = reportOf(t, s); r.Model.Types["blk.10.w.weight"] != "Q8_0" || r.Choice != "Q4_K, 1 row changed" {
		t.Errorf("%+v", r)
	}
	sums := metric.Tokens{Scored: 100, Own: metric.Moments{One: 200, Two: 450}, Ref: metric.Moments{One: 190, Two: 410}, Product: 425, KL: metric.Moments{One: 3, Two: 0.4}, Same: 90}
	m.Measuring.Results = []Measured{
		{Source: m.File.Name, Text: "a tale", Sums: metric.Tokens{Scored: 100, Own: metric.Moments{One: 190, Two: 410}}},
		{Source: m.File.Name, Made: "x.gguf", Choice: "Q4_K", Text: "a tale", Sums: sums},
	}
	m.Budget.Mix = &wire.BudgetMix{Limit: 1000, Bytes: 990, Exact: true, Types: []string{"Q4_K"}}
	m.Budget.Judged = []Judged{{"Q4_K_M", wire.BudgetJudged{Bytes: 995, KL: 0.01}}}
	r = reportOf(t, s)
	if len(r.Model.Measured) != 2 || r.Model.Measured[0].What != "original" || r.Model.Measured[0].Strayed != nil {
		t.Fatalf("%+v", r.Model.Measured)
	}
	if q := r.Model.Measured[1]; q.What != "Q4_K" || q.Text != "a tale" || q.Perplexity != sums.Perplexity() || q.Strayed.KL != sums.Strayed().KL || q.Strayed.SameTop.Value != 0.9 {
		t.Errorf("%+v", q)
	}
	if b := r.Model.Budget; b == nil || b.Limit != 1000 || !b.Exact || len(b.Judged) != 1 || b.Judged[0].Name != "Q4_K_M" || b.Judged[0].KL != 0.01 {
		t.Errorf("%+v", b)
	}
}
