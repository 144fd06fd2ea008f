package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/safetensors"
)

func file(name string, b []byte) quant.File {
	return quant.File{Name: name, R: bytes.NewReader(b), Size: int64(len(b))}
}

// stories is the real small model, and its bytes.
func stories(t testing.TB) (*gguf.File, []byte) {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f, b
}

// tiny is a GGUF model of n small tensors, for tests without real files.
func tiny(t testing.TB, n int) *gguf.File {
	t.Helper()
	var b bytes.Buffer
	var plan []gguf.TensorPlan
	for i := range n {
		plan = append(plan, gguf.TensorPlan{Name: fmt.Sprintf("t%d", i), Shape: []int{1 + i, 4}, Type: "F32"})
	}
	w, err := gguf.NewWriter(&b, []quant.Meta{{Key: "general.architecture", Value: "x"}, {Key: "x.n", Value: uint32(7)}}, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.WriteTensor(i, bytes.Repeat([]byte{byte(i), 1, 2, 64}, 4*(1+i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shards splits a model as gguf-split does: so many tensors a file, all
// metadata in the first, which has no tensors where bare.
// Source: tools/gguf-split/gguf-split.cpp of llama.cpp, struct split_strategy.
func shards(t testing.TB, prefix string, f *gguf.File, most int, bare bool) []quant.File {
	t.Helper()
	var groups [][]int
	if bare {
		groups = append(groups, nil)
	}
	for i := range f.Tensors() {
		if i%most == 0 {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
	}
	var files []quant.File
	for no, group := range groups {
		var meta []quant.Meta
		if no == 0 {
			meta = slices.Clone(f.Metadata())
		}
		meta = append(meta,
			quant.Meta{Key: "split.no", Value: uint16(no)},
			quant.Meta{Key: "split.count", Value: uint16(len(groups))},
			quant.Meta{Key: "split.tensors.count", Value: int32(len(f.Tensors()))})
		var plan []gguf.TensorPlan
		for _, i := range group {
			info := f.Tensors()[i]
			plan = append(plan, gguf.TensorPlan{Name: info.Name, Shape: info.Shape, Type: info.Type})
		}
		var b bytes.Buffer
		w, err := gguf.NewWriter(&b, meta, plan)
		if err != nil {
			t.Fatal(err)
		}
		for at, i := range group {
			raw := make([]byte, f.Tensors()[i].Bytes)
			if err := f.ReadRaw(i, 0, raw); err != nil {
				t.Fatal(err)
			}
			if err := w.WriteTensor(at, raw); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, file(gguf.NameOf(prefix, no, len(groups), ".gguf"), b.Bytes()))
	}
	return files
}

// same wants two sources to hold the same, wherever it lies.
func same(t *testing.T, got, want quant.Source) {
	t.Helper()
	if got.Container() != want.Container() || !reflect.DeepEqual(got.Metadata(), want.Metadata()) {
		t.Fatalf("got %s with %v\nwant %s with %v", got.Container(), got.Metadata(), want.Container(), want.Metadata())
	}
	if len(got.Tensors()) != len(want.Tensors()) {
		t.Fatalf("got %d tensors, want %d", len(got.Tensors()), len(want.Tensors()))
	}
	for i, w := range want.Tensors() {
		g := got.Tensors()[i]
		g.File, g.Offset, w.Offset = "", 0, 0
		if !reflect.DeepEqual(g, w) {
			t.Errorf("tensor %d: got %+v, want %+v", i, g, w)
		}
		x, y := make([]byte, w.Bytes), make([]byte, w.Bytes)
		if err := got.ReadRaw(i, 0, x); err != nil {
			t.Fatal(err)
		}
		if err := want.ReadRaw(i, 0, y); err != nil || !bytes.Equal(x, y) {
			t.Errorf("tensor %q: other bytes, %v", w.Name, err)
		}
		if a, err := quant.ReadTensor(got, i); err != nil {
			t.Error(err)
		} else if b, _ := quant.ReadTensor(want, i); !slices.Equal(a.Data, b.Data) {
			t.Errorf("tensor %q: other values", w.Name)
		}
	}
}

// TestSplit wants a split model to be what it was, whatever the files' order.
func TestSplit(t *testing.T) {
	whole, _ := stories(t)
	for _, bare := range []bool{false, true} {
		files := shards(t, "dir/stories", whole, 20, bare)
		slices.Reverse(files)
		readme := file("dir/README.md", []byte("# Stories"))
		m, err := Files(append([]quant.File{readme}, files...))
		if err != nil {
			t.Fatal(err)
		}
		same(t, m.Source, whole)
		if len(m.Files) != len(files) || m.Size() < 1<<20 || m.Lack != nil || len(m.Notes) > 0 {
			t.Errorf("got %d files, %d bytes, %v, %v", len(m.Files), m.Size(), m.Lack, m.Notes)
		}
		if name := m.Tensors()[47].File; !strings.HasPrefix(name, "dir/stories-0000") {
			t.Errorf("the last tensor lies in %q", name)
		}
	}
}

func TestSplitRefused(t *testing.T) {
	parts := shards(t, "a", tiny(t, 6), 2, false)
	others := shards(t, "b", tiny(t, 6), 2, false)
	four := shards(t, "a", tiny(t, 7), 2, false)
	renamed := func(f quant.File, name string) quant.File { f.Name = name; return f }
	plain := func(name string) quant.File { return renamed(shards(t, "x", tiny(t, 1), 2, false)[0], name) }
	tests := []struct {
		name  string
		files []quant.File
		want  []string
	}{
		{"one is missing", []quant.File{parts[2], parts[0]}, []string{`"a-00002-of-00003.gguf" is missing`}},
		{"two are missing", []quant.File{parts[1], file("notes.txt", nil)}, []string{`"a-00001-of-00003.gguf", "a-00003-of-00003.gguf" are missing`}},
		{"one is missing, of other names", []quant.File{renamed(parts[0], "x.gguf"), renamed(parts[1], "y.gguf")}, []string{"number 3 is missing"}},
		{"one is there twice", []quant.File{parts[0], parts[1], renamed(parts[1], "copy.gguf"), parts[2]}, []string{`"a-00002-of-00003.gguf" and "copy.gguf" are both part 2 of 3`}},
		{"one is of another model", []quant.File{parts[0], others[1], parts[2]}, []string{`"b-00002-of-00003.gguf" is part 2 of 3 of another model`}},
		{"one is of another split", []quant.File{parts[0], four[1], parts[2]}, []string{`"a-00002-of-00004.gguf"`, "another model"}},
		{"one is of another model under a name of this", []quant.File{parts[0], parts[1], renamed(shards(t, "b", tiny(t, 5), 2, false)[2], "a-00003-of-00003.gguf")}, []string{"said to have 6 tensors"}},
		{"a whole model among them", []quant.File{parts[0], plain("whole.gguf"), parts[1], parts[2]}, []string{`"whole.gguf" is no part`}},
		{"two whole models", []quant.File{plain("q4.gguf"), plain("q8.gguf")}, []string{`2 models: "q4.gguf", "q8.gguf"`}},
		{"a part that is damaged", []quant.File{parts[0], parts[1], file("a-00003-of-00003.gguf", []byte("GGUF\x03"))}, []string{"a-00003-of-00003.gguf: gguf:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := OpenFiles(tt.files)
			if err == nil || s != nil {
				t.Fatalf("got %v, %v", s, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
	m, err := Files(parts[1:2])
	if err != nil || len(m.Tensors()) != 2 || m.Lack == nil || !strings.Contains(m.Lack.Error(), `"a-00001-of-00003.gguf"`) || len(m.Notes) != 1 {
		t.Errorf("a part alone: got %+v, %v", m, err)
	}
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string]string{
		"a/b-00002-of-00003.gguf": "a/b 1 3 .gguf", "m-00001-of-00001.safetensors": "m 0 1 .safetensors",
		"b-00004-of-00003.gguf": "", "b-00000-of-00003.gguf": "", "-00001-of-00003.gguf": "", "b-0001-of-0003.gguf": "",
		"b-00001-of-00003": "", "b-0000x-of-00003.gguf": "", "b-+0001-of-00003.gguf": "", "b.gguf": "", "": "", "b-00001-of-00003.d/x": "",
	} {
		prefix, no, count, ending, ok := gguf.SplitName(name)
		got := ""
		if ok {
			got = fmt.Sprintf("%s %d %d %s", prefix, no, count, ending)
			if back := gguf.NameOf(prefix, no, count, ending); back != name {
				t.Errorf("%q comes back as %q", name, back)
			}
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// box is a safetensors file of F32 tensors of one value each.
func box(t testing.TB, values map[string]float32) []byte {
	t.Helper()
	var b bytes.Buffer
	var plan []safetensors.TensorPlan
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		plan = append(plan, safetensors.TensorPlan{Name: name, Shape: []int{1}, Type: "F32"})
	}
	w, err := safetensors.NewWriter(&b, nil, plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		var raw [4]byte
		putFloat(raw[:], values[name])
		if err := w.WriteTensor(i, raw[:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type values map[string]float32

// all is every tensor of one value, by name.
func all(t *testing.T, s quant.Source) values {
	t.Helper()
	v := values{}
	for i, info := range s.Tensors() {
		x, err := quant.ReadTensor(s, i)
		if err != nil {
			t.Fatal(err)
		}
		v[info.Name] = x.Data[0]
	}
	return v
}

func TestSafetensors(t *testing.T) {
	one, two := box(t, values{"a": 1, "b": 2}), box(t, values{"c": 3})
	index := func(total int) []byte {
		return fmt.Appendf(nil, `{"metadata":{"total_size":%d},"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00001-of-00002.safetensors","c":"m-00002-of-00002.safetensors"}}`, total)
	}
	const first, second, name = "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "model.safetensors.index.json"
	abc := values{"a": 1, "b": 2, "c": 3}
	tests := []struct {
		name  string
		files []quant.File
		want  values
		note  string
	}{
		{"with an index", []quant.File{file(second, two), file(name, index(12)), file(first, one)}, abc, ""},
		{"in a folder", []quant.File{file("m/"+second, two), file("m/"+name, index(12)), file("m/"+first, one), file("m/README.md", nil)}, abc, ""},
		{"under Windows", []quant.File{file(`m\`+second, two), file(`m\`+name, index(12)), file(`m\`+first, one)}, abc, ""},
		{"an index whose total is wrong", []quant.File{file(second, two), file(name, index(24)), file(first, one)}, abc, "take 24 bytes, and they take 12"},
		{"without an index", []quant.File{file(second, two), file(first, one)}, abc, ""},
		{"of any names", []quant.File{file("x.safetensors", one), file("y.safetensors", two)}, abc, ""},
		{"an index left over", []quant.File{file(name, index(12)), file("model.safetensors", two)}, values{"c": 3}, ""},
		{"a file that the index does not name is left alone", []quant.File{file(name, index(12)), file(first, one), file(second, two), file("consolidated.safetensors", box(t, values{"a": 9}))}, abc, ""},
		{"a name in two files, as the index has it", []quant.File{file(name, index(16)), file(first, one), file(second, box(t, values{"a": 9, "c": 3}))}, abc, "they take 12"},
		{"the outermost folder counts", []quant.File{file("m/original/x.safetensors", one), file("m/model.safetensors", two), file("m/.cache/y.safetensors", one), file("__MACOSX/z.safetensors", one)}, values{"c": 3}, ""},
		{"an index that names a folder", []quant.File{file("m/x.index.json", []byte(`{"weight_map":{"c":"sub/y.safetensors"}}`)), file("m/sub/y.safetensors", two)}, values{"c": 3}, ""},
		{"a model that is described, and copies of it", []quant.File{file("config.json", []byte("{}")), file("model.safetensors", one), file("consolidated.safetensors", one), file("m.gguf", []byte("GGUF"))}, values{"a": 1, "b": 2}, "nothing made of them runs as a model"},
		{"arrays", []quant.File{file("x.f32", []byte("\x00\x00\xc0\x3f")), file("y.raw", []byte("\x00\x00\x80\x3f"))}, values{"x": 1.5, "y": 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Files(tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if got := all(t, m.Source); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if notes := strings.Join(m.Notes, " "); (tt.note == "") != (notes == "") || !strings.Contains(notes, tt.note) {
				t.Errorf("got the notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestFilesRefused(t *testing.T) {
	one, two := box(t, values{"a": 1}), box(t, values{"b": 2})
	index := func(s string) quant.File { return file("m.safetensors.index.json", []byte(s)) }
	tests := []struct {
		name  string
		files []quant.File
		want  string
	}{
		{"none", nil, "there are no files"},
		{"nothing that holds tensors", []quant.File{file("f/README.md", nil), file("f/cat.png", nil)}, `among 2 files ("f/README.md", "f/cat.png") none holds tensors; looked for GGUF, safetensors`},
		{"hidden files alone", []quant.File{file(".git/x.gguf", nil), file("._y.gguf", nil)}, "none holds tensors"},
		{"a description alone", []quant.File{file("config.json", nil), file("tokenizer.json", nil)}, "none holds tensors"},
		{"an index alone", []quant.File{index(`{"weight_map":{"a":"x","b":"y"}}`)}, `"m.safetensors.index.json" is the index of a model in 2 files; open them with it: "x", "y"`},
		{"a file of the index is missing", []quant.File{index(`{"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}`), file("x.safetensors", one)}, `"y.safetensors" is missing`},
		{"a tensor is elsewhere", []quant.File{index(`{"weight_map":{"a":"y.safetensors","b":"x.safetensors"}}`), file("x.safetensors", one), file("y.safetensors", two)}, `"y.safetensors" has no tensor "a"`},
		{"an index that is damaged", []quant.File{index(`{`), file("x.safetensors", one)}, "m.safetensors.index.json: safetensors:"},
		{"two indexes", []quant.File{file("a.index.json", nil), file("b.index.json", nil)}, "2 indexes"},
		{"a name twice", []quant.File{file("x.safetensors", one), file("y.safetensors", one)}, `tensor "a" is in "x.safetensors" and in "y.safetensors"`},
		{"a part is missing", []quant.File{file("m-00001-of-00003.safetensors", one), file("m-00003-of-00003.safetensors", two)}, `"m-00002-of-00003.safetensors" is missing`},
		{"two kinds", []quant.File{file("x.safetensors", one), file("y.gguf", []byte(gguf0))}, "of one model alone"},
		{"kinds of arrays", []quant.File{file("x.npy", []byte(npyOne)), file("y.f32", []byte("\x00\x00\x80\x3f"))}, "is a file of kind raw"},
		{"a file that is damaged", []quant.File{file("x.safetensors", one), file("y.safetensors", one[:9])}, "y.safetensors: safetensors:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := OpenFiles(tt.files)
			if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v\nwant %q", s, err, tt.want)
			}
		})
	}
}

func TestJoinedFaults(t *testing.T) {
	s, err := OpenFiles([]quant.File{file("x.safetensors", box(t, values{"a": 1})), file("y.safetensors", box(t, values{"b": 2}))})
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"there is no tensor 2":  s.ReadRaw(2, 0, nil),
		"there is no tensor -1": s.ReadRows(-1, 0, 1, nil),
		"y.safetensors: ":       s.ReadRows(1, 5, 1, make([]float32, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func FuzzFiles(f *testing.F) {
	for _, p := range shards(f, "a", tiny(f, 2), 1, false) {
		b := make([]byte, p.Size)
		p.R.ReadAt(b, 0)
		f.Add(p.Name, "a-00002-of-00002.gguf", b, b)
	}
	f.Add("m.safetensors.index.json", "x.safetensors", []byte(`{"weight_map":{"t":"x.safetensors"}}`), []byte(safe))
	f.Add("x.safetensors", "config.json", []byte(safe), []byte(`{"model_type":"llama"}`))
	f.Fuzz(func(t *testing.T, first, second string, a, b []byte) {
		s, err := OpenFiles([]quant.File{file(first, a), file(second, b)})
		if (err == nil) != (s != nil) {
			t.Fatalf("got %v, %v", s, err)
		}
		if err != nil {
			return
		}
		for i, info := range s.Tensors() {
			if info.Readable && info.Len() < 1<<16 {
				quant.ReadTensor(s, i) // may fail, may not panic
			}
		}
	})
}

func putFloat(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) }

func TestStem(t *testing.T) {
	for name, want := range map[string]string{
		"model.gguf": "model", "model-00001-of-00003.gguf": "model", "model.safetensors.index.json": "model", "m.npz": "m",
		"Llama-3.2-1B": "Llama-3.2-1B", ".gguf": "", "": "", "config.json": "config.json",
	} {
		if got := Stem(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
