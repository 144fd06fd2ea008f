package dtype

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, name := range strings.Fields("F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I64 I32 I16 I8 U64 U32 U16 U8 BOOL") {
		got, ok := Lookup(name)
		if !ok || got.Name != name {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "f32", "F4", "C64"} {
		if got, ok := Lookup(name); ok {
			t.Errorf("%q: got %v", name, got)
		}
	}
	seen := map[string]bool{}
	for _, typ := range All() {
		if seen[typ.Name] || typ.Size < 1 {
			t.Errorf("%+v stands twice or has no size", typ)
		}
		seen[typ.Name] = true
	}
}

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// The bytes are big-endian here, as a person reads them.
var values = []struct {
	typ   Type
	name  string
	bytes string
	want  float32
}{
	{F64, "one third", "\x3f\xd5\x55\x55\x55\x55\x55\x55", 1.0 / 3},
	{F64, "past the range", "\x7e\x37\xe4\x3c\x88\x00\x75\x9c", inf},
	{F64, "tie to even", "\x3f\xf0\x00\x00\x10\x00\x00\x00", 1},
	{F64, "tie to even, up", "\x3f\xf0\x00\x00\x30\x00\x00\x00", 1 + 0x2p-22/2},
	{F32, "minus two", "\xc0\x00\x00\x00", -2},
	{F32, "smallest", "\x00\x00\x00\x01", 0x1p-149},
	{F16, "largest", "\x7b\xff", 65504},
	{F16, "smallest", "\x00\x01", 0x1p-24},
	{F16, "minus infinity", "\xfc\x00", -inf},
	{F16, "NaN", "\x7e\x00", nan},
	{BF16, "minus two", "\xc0\x00", -2},
	{BF16, "infinity", "\x7f\x80", inf},
	{F8E4M3, "largest", "\x7e", 448},
	{F8E4M3, "NaN", "\xff", nan},
	{F8E4M3, "smallest", "\x01", 0x1p-9},
	{F8E5M2, "largest", "\x7b", 57344},
	{F8E5M2, "infinity", "\xfc", -inf},
	{F8E5M2, "smallest", "\x81", -0x1p-16},
	{F8E4M3FNUZ, "largest", "\x7f", 240},
	{F8E4M3FNUZ, "NaN", "\x80", nan},
	{F8E4M3FNUZ, "smallest", "\x01", 0x1p-10},
	{F8E5M2FNUZ, "largest", "\xff", -57344},
	{F8E5M2FNUZ, "NaN", "\x80", nan},
	{F8E5M2FNUZ, "smallest", "\x01", 0x1p-17},
	{F8E8M0, "one", "\x7f", 1},
	{F8E8M0, "smallest", "\x00", 0x1p-127},
	{F8E8M0, "largest", "\xfe", 0x1p127},
	{F8E8M0, "NaN", "\xff", nan},
	{I64, "minus one", "\xff\xff\xff\xff\xff\xff\xff\xff", -1},
	{I64, "lowest", "\x80\x00\x00\x00\x00\x00\x00\x00", -0x1p63},
	{I64, "tie to even", "\x00\x00\x00\x00\x01\x00\x00\x01", 0x1p24},
	{I64, "rounded once", "\x00\x40\x00\x00\x40\x00\x00\x01", 0x1.000002p54},
	{I32, "lowest", "\x80\x00\x00\x00", -0x1p31},
	{I32, "tie to even", "\x01\x00\x00\x03", 0x1p24 + 4},
	{I16, "minus two", "\xff\xfe", -2},
	{I8, "lowest", "\x80", -128},
	{U64, "highest", "\xff\xff\xff\xff\xff\xff\xff\xff", 0x1p64},
	{U64, "just over a tie", "\x80\x00\x00\x80\x00\x00\x00\x01", 0x1.000002p63},
	{U32, "highest", "\xff\xff\xff\xff", 0x1p32},
	{U16, "highest", "\xff\xff", 65535},
	{U8, "highest", "\xff", 255},
	{Bool, "true", "\x01", 1},
	{Bool, "any byte", "\x80", 1},
	{Bool, "false", "\x00", 0},
}

func TestDecode(t *testing.T) {
	for _, v := range values {
		t.Run(v.typ.Name+" "+v.name, func(t *testing.T) {
			b := []byte(v.bytes)
			var got [1]float32
			if err := v.typ.DecodeBig(got[:], b); err != nil || !same(got[0], v.want) {
				t.Errorf("big-endian: got %v, %v, want %v", got[0], err, v.want)
			}
			slices.Reverse(b)
			if err := v.typ.Decode(got[:], b); err != nil || !same(got[0], v.want) {
				t.Errorf("little-endian: got %v, %v, want %v", got[0], err, v.want)
			}
		})
	}
}

func same(a, b float32) bool {
	return a != a && b != b || math.Float32bits(a) == math.Float32bits(b)
}

// TestWideIntegers compares with exact arithmetic, where a conversion by way
// of float64 would round twice.
func TestWideIntegers(t *testing.T) {
	for shift := range 39 {
		for _, low := range []uint64{0, 1, 1 << shift, 1<<shift + 1, 1<<shift - 1, 3 << shift} {
			u := uint64(1)<<(shift+24) | low
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], u)
			want, _ := new(big.Float).SetUint64(u).Float32()
			for _, typ := range []Type{I64, U64} {
				var got [1]float32
				if err := typ.Decode(got[:], b[:]); err != nil || got[0] != want {
					t.Errorf("%s %d: got %v, %v, want %v", typ.Name, u, got[0], err, want)
				}
			}
		}
	}
}

// TestRoundTrip encodes what each type decodes to: nothing may change.
func TestRoundTrip(t *testing.T) {
	for _, typ := range []Type{F16, BF16, F8E4M3, F8E5M2, I16, I8, U16, U8} {
		t.Run(typ.Name, func(t *testing.T) {
			n := 1 << (8 * typ.Size)
			src := make([]byte, n*typ.Size)
			for i := range n {
				src[i*typ.Size] = byte(i)
				if typ.Size == 2 {
					src[i*2+1] = byte(i >> 8)
				}
			}
			vals, back := make([]float32, n), make([]byte, len(src))
			if err := typ.Decode(vals, src); err != nil {
				t.Fatal(err)
			}
			if err := typ.Encode(back, vals); err != nil {
				t.Fatal(err)
			}
			for i, v := range vals {
				if v == v && string(back[i*typ.Size:(i+1)*typ.Size]) != string(src[i*typ.Size:(i+1)*typ.Size]) {
					t.Fatalf("pattern %#x became %v and then % x", i, v, back[i*typ.Size:(i+1)*typ.Size])
				}
			}
		})
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		typ  Type
		in   float32
		want string // little-endian
	}{
		{F64, 1.5, "\x00\x00\x00\x00\x00\x00\xf8\x3f"},
		{F32, -2, "\x00\x00\x00\xc0"},
		{F16, 65520, "\x00\x7c"},
		{F16, 65519, "\xff\x7b"},
		{BF16, 1 + 0x1p-8, "\x80\x3f"},
		{BF16, 1 + 0x3p-8, "\x82\x3f"},
		{BF16, math.MaxFloat32, "\x80\x7f"},
		{BF16, math.Float32frombits(0x7f800001), "\xc0\x7f"},
		{F8E4M3, 1e9, "\x7e"},
		{I8, 2.5, "\x02"},
		{I8, 3.5, "\x04"},
		{I8, 200, "\x7f"},
		{I8, -inf, "\x80"},
		{U8, -1, "\x00"},
		{U8, 255.5, "\xff"},
		{I16, 40000, "\xff\x7f"},
		{U16, 70000, "\xff\xff"},
		{I32, 0x1p31, "\xff\xff\xff\x7f"},
		{I32, -0x1p31, "\x00\x00\x00\x80"},
		{U32, 0x1p32, "\xff\xff\xff\xff"},
		{I64, inf, "\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{I64, -0x1p63, "\x00\x00\x00\x00\x00\x00\x00\x80"},
		{I64, -3, "\xfd\xff\xff\xff\xff\xff\xff\xff"},
		{U64, 0x1p64, "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{U64, 0x1p63, "\x00\x00\x00\x00\x00\x00\x00\x80"},
		{Bool, nan, "\x01"},
		{Bool, float32(math.Copysign(0, -1)), "\x00"},
	}
	for _, tt := range tests {
		got := make([]byte, tt.typ.Size)
		if err := tt.typ.Encode(got, []float32{tt.in}); err != nil || string(got) != tt.want {
			t.Errorf("%s of %v: got % x, %v, want % x", tt.typ.Name, tt.in, got, err, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no type", Type{}.Decode(nil, nil), "no type"},
		{"short", F32.Decode(make([]float32, 2), make([]byte, 7)), "2 values of F32 take 4 bytes each, but 7"},
		{"long", F16.DecodeBig(make([]float32, 2), make([]byte, 6)), "2 values of F16"},
		{"encode short", I8.Encode(make([]byte, 1), make([]float32, 2)), "2 values of I8"},
		{"NaN", I8.Encode(make([]byte, 2), []float32{1, nan}), "value 1 is NaN"},
		{"read only", F8E8M0.Encode(make([]byte, 1), []float32{1}), "not written"},
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.HasPrefix(tt.err.Error(), "dtype: ") || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, tt.err, tt.want)
		}
	}
}

// TestBigChunks crosses the buffer that big-endian values are turned in.
func TestBigChunks(t *testing.T) {
	const n = 3000
	src := make([]byte, 4*n)
	for i := range n {
		binary.BigEndian.PutUint32(src[4*i:], math.Float32bits(float32(i)))
	}
	got := make([]float32, n)
	if err := F32.DecodeBig(got, src); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != float32(i) {
			t.Fatalf("value %d is %v", i, v)
		}
	}
}

// TestExact says of every 8- and 16-bit type that it is exact, and of no other.
func TestExact(t *testing.T) {
	for _, typ := range All() {
		want := typ.Size <= 2 || typ.Name == "F32"
		if typ.Exact() != want {
			t.Errorf("%s: Exact is %v", typ.Name, typ.Exact())
		}
	}
}
