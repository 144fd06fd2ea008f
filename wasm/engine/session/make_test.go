package session

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/container"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// TestMakeRefuses holds that only parts are made that there are.
func TestMakeRefuses(t *testing.T) {
	s, _ := opened(t, "box.safetensors", box(t, map[string]int{"w.weight": 4}, func(i int) float32 { return float32(i) }))
	a := wire.PlanArgs{Recipe: "Q8_0"}
	b := build(t, s, a, 1)
	first := b.plan.Steps[0].Offset
	for _, c := range []struct {
		from, to int64
		want     string
	}{
		{-1, 5, "bytes -1 to 5"}, {0, 0, "bytes 0 to 0"}, {5, 4, "bytes 5 to 4"}, {first, b.plan.Size + 1, fmt.Sprint("it has ", b.plan.Size)},
		{0, first - 1, fmt.Sprintf("bytes 0 to %d are made at once", first)}, {1, first, "at once"}, {0, first + 272, "at once"},
		{first, first + 271, "in pieces of 272"}, {first + 1, first + 272, "in pieces of 272"},
	} {
		var out wire.Made
		err := request(s, wire.OpMake, wire.MakeArgs{PlanArgs: a, From: c.from, To: c.to}, Attachment{}, &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d to %d: %v, want %q", c.from, c.to, err, c.want)
		}
	}
	var out wire.Made
	err := request(s, wire.OpMake, wire.MakeArgs{PlanArgs: a, Head: first + 32, From: 0, To: first + 32}, Attachment{}, &out)
	if want := fmt.Sprintf("has %d bytes, not %d", first, first+32); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// TestMakeFollowsTheFile makes the same part of two files opened in turn.
func TestMakeFollowsTheFile(t *testing.T) {
	a := wire.PlanArgs{Recipe: "Q8_0"}
	one := box(t, map[string]int{"w.weight": 2}, func(i int) float32 { return float32(i) })
	two := box(t, map[string]int{"w.weight": 2}, func(i int) float32 { return float32(-i) })
	s, _ := opened(t, "one.safetensors", one)
	first := build(t, s, a, 1)
	var info wire.FileInfo
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: "two.safetensors"}, Attachment{File: bytes.NewReader(two), Size: int64(len(two))}, &info); err != nil {
		t.Fatal(err)
	}
	if second := build(t, s, a, 1); second.plan.Name != "two-q8_0.gguf" || bytes.Equal(second.file, first.file) {
		t.Errorf("%s is made of the file before", second.plan.Name)
	}
}

// TestTypesOfSingleTensors holds plans with types that a person asked for
// against the core.
func TestTypesOfSingleTensors(t *testing.T) {
	tale := realFile(t, "gguf", "stories260K.gguf")
	src, err := container.Open("tale.gguf", bytes.NewReader(tale), int64(len(tale)))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"blk.1.attn_v.weight": "Q8_0", "blk.0.ffn_down.weight": "Q6_K", "token_embd.weight": "f16"}
	for _, name := range []string{"Q4_0", "Q4_K_M", "Q4_K", "Q4_0, pure"} {
		t.Run(name, func(t *testing.T) {
			s, _ := opened(t, "tale.gguf", tale)
			b := build(t, s, wire.PlanArgs{Recipe: name, Types: types}, 1<<20)
			to, why := map[string]string{}, map[string]string{}
			for _, r := range b.plan.Steps {
				to[r.Name], why[r.Name] = r.To, r.Why
			}
			if to["blk.1.attn_v.weight"] != "Q8_0" || to["token_embd.weight"] != "F16" || why["token_embd.weight"] != "its type was asked for" {
				t.Errorf("%v", to)
			}
			// Rows of 172 fill no block: a fallback, and why.
			if to["blk.0.ffn_down.weight"] != "F16" || !strings.HasPrefix(why["blk.0.ffn_down.weight"], "rows of 172") {
				t.Errorf("%s: %s", to["blk.0.ffn_down.weight"], why["blk.0.ffn_down.weight"])
			}
			// As the command has it with -tensor-type.
			o := recipe.Options{Pure: name == "Q4_K" || strings.HasSuffix(name, wire.Pure)}
			for n, typ := range types {
				o.Types = append(o.Types, recipe.Override{Match: func(s string) bool { return s == n }, Type: typ})
			}
			base := map[string]string{"Q4_K": "Q4_K_M", "Q4_0, pure": "Q4_0"}[name]
			if base == "" {
				base = name
			}
			steps, err := recipe.Plan(src, base, o)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := convert.ToGGUF(context.Background(), &want, src, steps, convert.Options{Formats: formats.Lookup, Meta: recipe.Meta(src, base)}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.file, want.Bytes()) {
				t.Error("the bytes are not those of the core")
			}
		})
	}
	s, _ := opened(t, "tale.gguf", tale)
	var p wire.Plan
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_K_M", Output: "Q5_1", Embedding: "Q8_0"}, Attachment{}, &p); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(p.Steps, func(r wire.StepRow) bool { return r.Name == "token_embd.weight" }); p.Steps[i].To != "Q8_0" {
		t.Errorf("%+v", p.Steps[i])
	}
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q4_K", Embedding: "Q5_1"}, Attachment{}, &p); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(p.Steps, func(r wire.StepRow) bool { return r.Name == "token_embd.weight" }); p.Steps[i].To != "Q5_1" {
		t.Errorf("%+v", p.Steps[i])
	}
}

func TestTypesThatCannotBe(t *testing.T) {
	s, _ := opened(t, "tale.gguf", realFile(t, "gguf", "stories260K.gguf"))
	b, _ := opened(t, "b.safetensors", box(t, map[string]int{"w.weight": 2}, func(int) float32 { return 1 }))
	for _, c := range []struct {
		s                 *Session
		recipe, name, typ string
		want              string
	}{
		{s, "Q4_K_M", "blk.9.attn_v.weight", "Q8_0", `no tensor "blk.9.attn_v.weight"`},
		{s, "Q4_K_M", "output_norm.weight", "Q8_0", `"output_norm.weight" stays F32 (tensors of one dimension are kept)`},
		{s, "Q4_0", "blk.0.attn_q.weight", "Q9", `"Q9"`},
		{s, "Q4_0, pure", "blk.0.attn_q.weight", "INT4", `"INT4"`},
		{s, "F16", "blk.0.attn_q.weight", "Q8_0", "F16 has one type for all weights"},
		{s, "COPY", "blk.0.attn_q.weight", "Q8_0", "COPY keeps all types"},
		{b, "Q4_0", "w.weight", "IQ2_XXS", "IQ2_XXS needs an importance matrix"},
	} {
		var p wire.Plan
		err := request(c.s, wire.OpPlan, wire.PlanArgs{Recipe: c.recipe, Types: map[string]string{c.name: c.typ}}, Attachment{}, &p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s to %s: %v, want %q", c.recipe, c.name, c.typ, err, c.want)
		}
	}
}
