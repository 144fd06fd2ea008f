package budget_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"fewbits/quant/budget"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
)

// The mix of types that loses least in 250,000 bytes.
func Example() {
	b, err := os.ReadFile("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	src, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		log.Fatal(err)
	}
	ctx, o := context.Background(), convert.Options{Formats: formats.Lookup}
	table, err := budget.NewTable(src, budget.Options{Formats: formats.Lookup, Types: []string{"Q2_K", "Q4_K", "Q6_K", "Q8_0"}})
	if err != nil {
		log.Fatal(err)
	}
	if err := table.Measure(ctx, formats.Lookup, nil); err != nil {
		log.Fatal(err)
	}
	table.Relative() // a text would tell more: see Calibrate

	front, err := table.Frontier()
	if err != nil {
		log.Fatal(err)
	}
	ahead, err := table.Overhead(o) // metadata, norms and the like
	if err != nil {
		log.Fatal(err)
	}
	mix, err := front.Solve(250_000 - ahead)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := table.Plan(mix.Choice)
	if err != nil {
		log.Fatal(err)
	}
	for i, t := range table.Tensors {
		fmt.Println(t.Name, t.Types[mix.Choice[i]].Name)
	}
	var file bytes.Buffer
	if err := convert.ToGGUF(ctx, &file, src, plan, o); err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Len(), "bytes")
	// Output:
	// token_embd.weight Q2_K
	// blk.0.attn_k.weight Q4_K
	// blk.0.attn_output.weight Q2_K
	// blk.0.attn_q.weight Q2_K
	// blk.0.attn_v.weight Q4_K
	// blk.0.ffn_down.weight Q4_K
	// blk.0.ffn_gate.weight Q2_K
	// blk.0.ffn_up.weight Q2_K
	// 245568 bytes
}
