package llama_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"fewbits/quant/gguf"
	"fewbits/quant/llama"
)

// A model goes on with a sentence, always with the likeliest token.
func ExampleOpen() {
	f, err := os.Open("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		log.Fatal(err)
	}
	src, err := gguf.Open(f, st.Size())
	if err != nil {
		log.Fatal(err)
	}
	model, err := llama.Open(src, llama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	vocab := model.Vocab()
	s, err := model.NewSession(64)
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	tokens := vocab.Encode("Once upon a time", true, false)
	logits := make([]float32, vocab.Len())
	for next := tokens; len(tokens) < 24; {
		if err := s.Feed(ctx, next); err != nil {
			log.Fatal(err)
		}
		if err := s.Logits(ctx, len(next)-1, 1, logits); err != nil {
			log.Fatal(err)
		}
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		next = []int32{int32(best)}
		tokens = append(tokens, next...)
	}
	fmt.Println(vocab.Decode(tokens))
	// Output:
	// Once upon a time there was a shy girl named Nora. She had a big ring and a small ring. Ben
}
