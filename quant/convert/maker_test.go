package convert

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"fewbits/quant"
)

// parted is a source with tensors that are quantized, copied and widened.
func parted() *memory {
	src := &memory{container: "safetensors"}
	src.add("w", "F32", normal(300*256, 1), 300, 256)
	src.add("c", "I16", make([]float32, 20), 10, 2)
	src.add("u", "U8", make([]float32, 20), 10, 2)
	src.add("n", "F32", normal(33, 2), 33)
	for _, i := range []int{1, 2} {
		for k := range src.raw[i] {
			src.raw[i][k] = byte(37 * k)
		}
	}
	return src
}

// TestMakerMakesWhatToGGUFWrites puts a file together from parts of different
// lengths, made from the end to the start.
func TestMakerMakesWhatToGGUFWrites(t *testing.T) {
	src := parted()
	plan, err := PlanPure(src, "Q6_K")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := ToGGUF(t.Context(), &want, src, plan, options); err != nil {
		t.Fatal(err)
	}
	m, err := NewMaker(src, plan, options)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, want.Len())
	var head bytes.Buffer
	if err := m.Header(&head); err != nil {
		t.Fatal(err)
	}
	copy(got, head.Bytes())
	units := []int64{210, 1, 2, 1}
	infos := openGGUF(t, want.Bytes()).Tensors()
	for i := len(plan) - 1; i >= 0; i-- {
		if m.Unit(i) != units[i] {
			t.Errorf("%s: the unit is %d bytes, want %d", plan[i].Name, m.Unit(i), units[i])
		}
		for _, n := range []int64{1, 7, 100} {
			n *= units[i]
			for at := plan[i].Bytes / n * n; at >= 0; at -= n {
				p, err := m.Part(t.Context(), []byte("kept"), i, at, min(n, plan[i].Bytes-at))
				if err != nil || string(p[:4]) != "kept" {
					t.Fatal(err)
				}
				copy(got[infos[i].Offset+at:], p[4:])
			}
			if !bytes.Equal(got[infos[i].Offset:][:plan[i].Bytes], want.Bytes()[infos[i].Offset:][:plan[i].Bytes]) {
				t.Errorf("%s in parts of %d bytes differs", plan[i].Name, n)
			}
		}
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the file differs")
	}
	if src.longest > slice+256 {
		t.Errorf("%d read at once", src.longest)
	}
}

func TestMakerRefuses(t *testing.T) {
	src := parted()
	plan, err := PlanPure(src, "Q6_K")
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMaker(src, plan, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][3]int64{{-1, 0, 1}, {4, 0, 1}, {0, -210, 210}, {0, 0, 209}, {0, 1, 210}, {0, 210 * 299, 420}, {0, 210, math.MaxInt64 / 210 * 210}, {0, 0, -210}, {2, 1, 2}} {
		if p, err := m.Part(t.Context(), nil, int(bad[0]), bad[1], bad[2]); err == nil {
			t.Errorf("%v: %d bytes and no error", bad, len(p))
		}
	}
	if p, err := m.Part(t.Context(), nil, 0, 210, 0); err != nil || len(p) != 0 {
		t.Errorf("nothing is %d bytes, %v", len(p), err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Part(stopped, nil, 0, 0, 210*300); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	src.values[0][5*256+9] = float32(math.NaN())
	var bad *quant.NonFiniteError
	if _, err := m.Part(t.Context(), nil, 0, 4*210, 3*210); !errors.As(err, &bad) || bad.Row != 5 {
		t.Errorf("a NaN in row 5: %v", err)
	}
	if _, err := NewMaker(src, []Step{{Tensor: 9}}, options); err == nil || !strings.Contains(err.Error(), "tensor 9") {
		t.Errorf("a step about nothing: %v", err)
	}
}
