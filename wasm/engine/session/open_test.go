package session

import (
	"bytes"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/wasm/wire"
)

// partOf is one of the two parts of a model of two tensors.
func partOf(t *testing.T, no int) quant.File {
	t.Helper()
	var meta []quant.Meta
	if no == 0 {
		meta = []quant.Meta{{Key: "general.architecture", Value: "x"}}
	}
	meta = append(meta, quant.Meta{Key: "split.no", Value: uint16(no)}, quant.Meta{Key: "split.count", Value: uint16(2)})
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, meta, []gguf.TensorPlan{{Name: []string{"a.weight", "b.weight"}[no], Shape: []int{2, 32}, Type: "F32"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteTensor(0, bytes.Repeat([]byte{0, 0, 128, byte(63 + no)}, 64)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return quant.File{Name: gguf.NameOf("m", no, 2, ".gguf"), R: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}
}

func TestOpenSeveral(t *testing.T) {
	s := new(Session)
	one, two := partOf(t, 0), partOf(t, 1)
	var info wire.FileInfo
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: "m-00001-of-00002.gguf", Whole: true}, Attachment{Files: []quant.File{two, one}}, &info); err != nil {
		t.Fatal(err)
	}
	if info.Files != 2 || info.Size != one.Size+two.Size || len(info.Tensors) != 2 || len(info.Meta) != 1 || len(info.Notes) != 0 {
		t.Errorf("got %+v", info)
	}
	var st wire.TensorStats
	if err := request(s, wire.OpLoad, wire.Source{Kind: "file", Index: 1}, Attachment{}, &st); err != nil || st.Name != "b.weight" || st.Max != 4 {
		t.Errorf("got %+v, %v", st, err)
	}
	var plan wire.Plan
	if err := request(s, wire.OpPlan, wire.PlanArgs{Recipe: "Q8_0"}, Attachment{}, &plan); err != nil || plan.Name != "m-q8_0.gguf" || len(plan.Steps) != 2 {
		t.Errorf("got %+v, %v", plan, err)
	}
	part := Attachment{Files: []quant.File{two}}
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: two.Name, Whole: true}, part, &info); err == nil || !strings.Contains(err.Error(), `"m-00001-of-00002.gguf" is missing`) {
		t.Errorf("a part alone: %v", err)
	}
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: two.Name}, part, &info); err != nil || len(info.Tensors) != 1 || len(info.Notes) != 1 {
		t.Errorf("a part alone, to look at: %+v, %v", info, err)
	}
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: "none"}, Attachment{}, &info); err == nil {
		t.Error("nothing was opened")
	}
}
