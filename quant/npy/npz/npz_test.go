package npz

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/npy"
)

func TestWrite(t *testing.T) {
	big := make([]float32, 40000)
	for i := range big {
		big[i] = float32(i) / 8
	}
	want := []quant.Tensor{
		{Name: "layers.0/w", Shape: []int{100, 400}, Data: big},
		{Shape: []int{}, Data: []float32{7}},
		{Name: "none", Shape: []int{0}, Data: []float32{}},
	}
	var buf bytes.Buffer
	if err := Write(&buf, want); err != nil {
		t.Fatal(err)
	}
	again := bytes.Buffer{}
	if err := Write(&again, want); err != nil || !bytes.Equal(buf.Bytes(), again.Bytes()) {
		t.Errorf("the same tensors gave other bytes: %v", err)
	}
	f, err := npy.OpenZip(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		x, err := quant.ReadTensor(f, i)
		if w.Name == "" {
			w.Name = "arr_1"
		}
		if err != nil || x.Name != w.Name || len(x.Data) != len(w.Data) || len(w.Data) > 0 && x.Data[len(x.Data)-1] != w.Data[len(w.Data)-1] {
			t.Errorf("got %q %v, %v", x.Name, x.Shape, err)
		}
	}
	for _, names := range [][]string{{"a", "a"}, {"../a"}, {"/a"}, {"a/../../b"}, {`a\b`}, {"a\x00"}} {
		var ts []quant.Tensor
		for _, n := range names {
			ts = append(ts, quant.Tensor{Name: n, Shape: []int{1}, Data: []float32{1}})
		}
		if err := Write(io.Discard, ts); err == nil || !strings.HasPrefix(err.Error(), "npz: tensor") {
			t.Errorf("%q: got %v", names, err)
		}
	}
}
