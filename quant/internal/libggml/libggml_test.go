package libggml

import (
	"errors"
	"math"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Serve()
	os.Exit(m.Run())
}

const (
	idF32, idF16, idQ80, idIQ3XXS = 0, 1, 8, 18
	idRemoved                     = 4
)

func TestTypes(t *testing.T) {
	o := Need(t)
	for _, tt := range []struct {
		id   uint32
		name string
		cols int
		size int
	}{{idF32, "f32", 3, 12}, {idF16, "f16", 3, 6}, {idQ80, "q8_0", 64, 68}, {14, "q6_K", 512, 420}} {
		name, err := o.TypeName(tt.id)
		if err != nil || name != tt.name {
			t.Errorf("type %d is %q (%v), want %q", tt.id, name, err, tt.name)
		}
		size, err := o.RowSize(tt.id, tt.cols)
		if err != nil || size != tt.size {
			t.Errorf("%s: a row of %d takes %d bytes (%v), want %d", tt.name, tt.cols, size, err, tt.size)
		}
	}
	for _, bad := range []struct {
		id   uint32
		cols int
	}{{idRemoved, 32}, {99, 32}, {idQ80, 33}, {idQ80, -32}} {
		if _, err := o.RowSize(bad.id, bad.cols); err == nil {
			t.Errorf("type %d, %d columns: no error", bad.id, bad.cols)
		}
	}
}

func TestQuantizeAndBack(t *testing.T) {
	o := Need(t)
	x := make([]float32, 64)
	for i := range x {
		x[i] = float32(i) - 31
	}
	b, err := o.Quantize(idQ80, x, 2, 32, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Row 0 holds −31 … 0: d = 31/127, the first code is −127.
	if len(b) != 68 || int8(b[2]) != -127 {
		t.Fatalf("%d bytes, first code %d", len(b), int8(b[2]))
	}
	y, err := o.Dequantize(idQ80, b, 64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		if math.Abs(float64(y[i]-x[i])) > 0.13 {
			t.Errorf("value %d: %v came back as %v", i, x[i], y[i])
		}
	}
	if _, err := o.Quantize(idQ80, x, 3, 32, nil); err == nil {
		t.Error("64 values for 3 × 32: no error")
	}
	if _, err := o.Dequantize(idQ80, b[1:], 64); err == nil {
		t.Error("67 bytes for 64 values: no error")
	}
}

// IQ3_XXS asserts that a grid point was found; values near 1e20 have none.
func TestAbort(t *testing.T) {
	o := Need(t)
	x := make([]float32, 256)
	for i := range x {
		x[i] = 1e20 * float32(math.Sin(float64(i)))
	}
	_, err := o.Quantize(idIQ3XXS, x, 1, 256, nil)
	if !errors.Is(err, ErrAborted) {
		t.Fatalf("got %v, want ErrAborted", err)
	}
	t.Log(err)
	if name, err := o.TypeName(idQ80); err != nil || name != "q8_0" {
		t.Errorf("after the abort: %q, %v", name, err)
	}
}

func TestRate(t *testing.T) {
	Need(t)
	l, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 1<<14)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	r, err := l.QuantizeRate(idQ80, x, 4, 1<<12, nil, 5*time.Millisecond)
	if err != nil || r < 1e6 {
		t.Errorf("quantizes %v values a second, %v", r, err)
	}
	b, err := l.Quantize(idQ80, x, 4, 1<<12, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = l.DequantizeRate(idQ80, b, len(x), 5*time.Millisecond); err != nil || r < 1e6 {
		t.Errorf("dequantizes %v values a second, %v", r, err)
	}
}

func TestDots(t *testing.T) {
	Need(t)
	l, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	d, err := OpenDots("")
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 256)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	w, err := l.Quantize(idQ80, x, 1, len(x), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, v := range x {
		want += float64(v) * float64(v)
	}
	got, err := d.Dot(idQ80, x, w)
	if err != nil || math.Abs(float64(got)-want) > 0.02*want {
		t.Errorf("%s: %v, %v, want about %v", d.Name, got, err, want)
	}
	if r, err := d.Rate(idQ80, x, w, 1, 1, len(x), 0); err != nil || r <= 0 {
		t.Errorf("multiplies %v weights a second, %v", r, err)
	}
	if _, err := d.Dot(idQ80, x, w[1:]); err == nil {
		t.Error("a short row was multiplied")
	}
}
