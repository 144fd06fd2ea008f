package decision

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// described is decision.json.
type described struct {
	Format        string
	Name          string
	Shape         []int
	Rows, Cols    int
	Options       map[string]string
	BitsPerWeight float64 `json:"bits_per_weight"`
	Flat, Table   bool
	Formula       *string
	Arrays        []struct {
		Name, Type, About string
		Shape             []int
	}
}

// array is what an npy file holds, read without the package that wrote it.
type array struct {
	typ   string
	shape []int
	x     []float64
}

// readNPY takes an npy file of version 1.0 apart, as NEP 1 describes it.
func readNPY(t *testing.T, b []byte) array {
	t.Helper()
	if string(b[:8]) != "\x93NUMPY\x01\x00" {
		t.Fatalf("no npy file: %q", b[:8])
	}
	n := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	head, body := string(b[10:n]), b[n:]
	if n%64 != 0 || !strings.Contains(head, "'fortran_order': False") {
		t.Fatalf("header of %d bytes: %q", n, head)
	}
	_, rest, _ := strings.Cut(head, "'descr': '")
	a := array{typ: rest[:3], shape: []int{}}
	_, rest, _ = strings.Cut(head, "'shape': (")
	rest, _, _ = strings.Cut(rest, ")")
	count := 1
	for _, w := range strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == ' ' }) {
		var d int
		if _, err := fmt.Sscan(w, &d); err != nil {
			t.Fatal(err)
		}
		a.shape, count = append(a.shape, d), count*d
	}
	width := int(a.typ[2] - '0')
	if len(body) != count*width {
		t.Fatalf("%d bytes for shape %v of %s", len(body), a.shape, a.typ)
	}
	for ; len(body) > 0; body = body[width:] {
		le := binary.LittleEndian
		var v float64
		switch a.typ {
		case "<f4":
			v = float64(math.Float32frombits(le.Uint32(body)))
		case "|u1":
			v = float64(body[0])
		case "|i1":
			v = float64(int8(body[0]))
		case "<u2":
			v = float64(le.Uint16(body))
		case "<i2":
			v = float64(int16(le.Uint16(body)))
		case "<i4":
			v = float64(int32(le.Uint32(body)))
		default:
			t.Fatalf("type %s", a.typ)
		}
		a.x = append(a.x, v)
	}
	return a
}

// unpack reads an npz file with Go's own zip.
func unpack(t *testing.T, b []byte) (map[string]array, described) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	arrays, d := map[string]array{}, described{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r) // checks the checksum
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if f.Name == "decision.json" {
			dec := json.NewDecoder(bytes.NewReader(body))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&d); err != nil {
				t.Fatalf("%v in\n%s", err, body)
			}
			continue
		}
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			t.Fatalf("member %q", f.Name)
		}
		arrays[name] = readNPY(t, body)
	}
	return arrays, d
}

// packedAs quantizes x for a test of its arrays.
func packedAs(t *testing.T, name string, x quant.Tensor, o quant.Options) (quant.Format, *quant.Packed) {
	t.Helper()
	f, ok := formats.Lookup(name)
	if m, method := formats.LookupMethod(name); method {
		f, ok = m, true
	}
	if !ok {
		t.Fatalf("no format %s", name)
	}
	p, err := f.Quantize(x, o)
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

// TestArrays wants the arrays of each format to say what it gives back.
func TestArrays(t *testing.T) {
	weights := make([]float32, 256)
	for i := range weights {
		weights[i] = float32(i%7) + 0.5
	}
	cases := []quant.Options{
		{}, {Group: 32}, {Granularity: quant.PerChannel}, {Granularity: quant.PerChannel, Axis: 1},
		{Symmetric: true, Group: 64}, {Nested: true}, {Importance: weights}, {Bits: 3, Group: 64},
	}
	for _, f := range formats.All() {
		for i, o := range cases {
			if f.Info().Importance == quant.Required {
				o.Importance = weights
			}
			t.Run(fmt.Sprintf("%s/%d", f.Info().Name, i), func(t *testing.T) {
				x := randomTensor(2, 3, 256)
				f, p := packedAs(t, f.Info().Name, x, o)
				checkArrays(t, f, p, x)
			})
		}
	}
	a := randomTensor(50, 96)
	for _, name := range []string{"GPTQ", "AWQ", "HQQ", "SMOOTHQUANT", "LLM.INT8"} {
		t.Run(name, func(t *testing.T) {
			x := randomTensor(32, 96)
			f, p := packedAs(t, name, x, quant.Options{Group: 32, Activations: &a, ActOrder: name == "GPTQ"})
			checkArrays(t, f, p, x)
		})
	}
}

func checkArrays(t *testing.T, f quant.Format, p *quant.Packed, x quant.Tensor) {
	t.Helper()
	d, err := Of(f, p, x.Data, true)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := d.WriteNPZ(&b); err != nil {
		t.Fatal(err)
	}
	z, j := unpack(t, b.Bytes())
	if len(z) != len(j.Arrays) || j.Format != p.Format || !slices.Equal(j.Shape, p.Shape) || j.BitsPerWeight != p.BitsPerWeight() {
		t.Fatalf("%+v", j)
	}
	for _, a := range j.Arrays {
		if z[a.Name].typ != a.Type || !slices.Equal(z[a.Name].shape, a.Shape) || a.About == "" {
			t.Errorf("%s is %s %v, and the JSON says %+v", a.Name, z[a.Name].typ, z[a.Name].shape, a)
		}
	}
	back := make([]float32, p.Len())
	if err := f.Dequantize(p, back); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(z["codes"].shape, p.Shape) || !slices.Equal(z["reconstruction"].shape, p.Shape) {
		t.Fatalf("shapes %v, %v", z["codes"].shape, z["reconstruction"].shape)
	}
	if low := z["codes"].typ; p.BitsPerWeight() < 8.6 && low != "|u1" && low != "|i1" {
		t.Errorf("codes of %g bits are %s", p.BitsPerWeight(), low)
	}
	scales := z["scales"]
	for i, want := range back {
		if got := float32(z["reconstruction"].x[i]); got != want {
			t.Fatalf("value %d is %v, want %v", i, got, want)
		}
		if got := float32(z["error"].x[i]); got != want-x.Data[i] {
			t.Fatalf("error %d is %v", i, got)
		}
		if j.Formula == nil {
			continue
		}
		v, at := z["codes"].x[i], 0
		switch col := i % j.Cols; {
		case j.Flat:
			at = int(z["group_index"].x[i])
		default:
			at = i/j.Cols*scales.shape[1] + int(z["group_index"].x[col])
			if slices.Contains(z["outlier_columns"].x, float64(col)) {
				continue
			}
		}
		if zeros := z["zeros"].x; zeros != nil {
			v -= zeros[at]
		}
		v *= scales.x[at]
		if mins := z["mins"].x; mins != nil {
			v += mins[at]
		}
		if in := z["input_scales"].x; in != nil {
			v /= in[i%j.Cols]
		}
		if math.Abs(v-float64(want)) > 1e-5*max(1, math.Abs(v)) {
			t.Fatalf("value %d: the arrays give %v, the reconstruction is %v", i, v, want)
		}
	}
}

func TestFitting(t *testing.T) {
	for want, x := range map[string][]int32{
		"|u1": {0, 255}, "|i1": {-128, 127}, "<u2": {0, 65535}, "<i2": {-32768, 128}, "<i4": {-1, 65535},
	} {
		if got := fitting(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
		a := Array{Name: "x", Type: want, Shape: []int{2}, Ints: x}
		var b bytes.Buffer
		n, err := a.WriteTo(&b)
		if err != nil || n != int64(b.Len()) {
			t.Fatal(n, err)
		}
		if got := readNPY(t, b.Bytes()); got.typ != want || got.x[0] != float64(x[0]) || got.x[1] != float64(x[1]) {
			t.Errorf("%v came back as %v", x, got)
		}
	}
}

// TestQuick wants no codes where none are asked for, and no error without the original.
func TestQuick(t *testing.T) {
	x := randomTensor(2, 256)
	f, p := packedAs(t, "Q4_K", x, quant.Options{})
	d, err := Of(f, p, x.Data, false)
	if err != nil || d.Array("codes") != nil || d.Array("reconstruction") != nil || d.Array("mins").Len() != 16 {
		t.Errorf("%+v, %v", d.Arrays, err)
	}
	if d, err = Of(f, p, nil, true); err != nil || d.Array("error") != nil || d.Array("codes").Len() != 512 {
		t.Errorf("%v", err)
	}
	if _, err = Of(f, p, x.Data[1:], true); err == nil || !strings.Contains(err.Error(), "511 originals") {
		t.Errorf("%v", err)
	}
	for _, n := range []int{0, 100, 2000} {
		if err := d.WriteNPZ(&full{n}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", n, err)
		}
	}
}

// TestNumPy has NumPy read the file and run the formula that stands in it.
func TestNumPy(t *testing.T) {
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			python = name
			break
		}
	}
	if python == "" {
		t.Skip("no Python with NumPy (Debian: python3-numpy)")
	}
	dir := t.TempDir()
	var files []string
	for name, o := range map[string]quant.Options{
		"INT4": {Group: 32}, "INT8": {Granularity: quant.PerChannel, Axis: 1}, "Q4_K": {}, "Q6_K": {}, "NF4": {}, "BF16": {}, "INT2": {Symmetric: true},
	} {
		x := randomTensor(2, 3, 256)
		f, p := packedAs(t, name, x, o)
		d, err := Of(f, p, x.Data, true)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := d.WriteNPZ(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name+".npz")
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	script := `
import json, sys
import numpy as np
for name in sys.argv[1:]:
    z = np.load(name, allow_pickle=False)
    d = json.loads(z["decision.json"])
    shape, rows, cols = tuple(d["shape"]), d["rows"], d["cols"]
    for a in d["arrays"]:
        assert z[a["name"]].shape == tuple(a["shape"]) and z[a["name"]].dtype.str == a["type"], (name, a)
    if d["formula"]:
        y = eval(d["formula"])
        assert y.shape == shape and np.allclose(y, z["reconstruction"], rtol=1e-6, atol=1e-6), (name, abs(y - z["reconstruction"]).max())
        print(d["format"])
`
	out, err := exec.Command(python, append([]string{"-c", script}, files...)...).CombinedOutput()
	if err != nil || len(strings.Fields(string(out))) != 5 {
		t.Fatalf("%v\n%s", err, out)
	}
}

// far is a file whose first bytes are all zero, and then b.
type far struct {
	from int64
	b    []byte
}

func (f far) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		switch at := off + int64(i) - f.from; {
		case at < 0:
			p[i] = 0
		case at >= int64(len(f.b)):
			return i, io.EOF
		default:
			p[i] = f.b[at]
		}
	}
	return len(p), nil
}

// TestFar wants what lies beyond 4 GiB to be found, as zip64 has it.
func TestFar(t *testing.T) {
	const from = 5 << 30
	var b bytes.Buffer
	z := &zipped{w: &counting{w: &b, n: from}}
	if err := z.add("x.txt", func(w io.Writer) error { _, err := io.WriteString(w, "far away"); return err }); err != nil {
		t.Fatal(err)
	}
	if err := z.end(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(far{from, b.Bytes()}, from+int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Open("x.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "far away" {
		t.Errorf("%q, %v", got, err)
	}
	if n := binary.LittleEndian.Uint64(fields("x", 0, 6<<30, nil)[26+1+4:]); n != 6<<30 {
		t.Errorf("a size of 6 GiB is written as %d", n)
	}
}
