package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"fewbits/quant"
)

// Pieces of pickles, as pickletools prints them.
const (
	proto = "\x80\x02"
	stop  = "."
)

func glob(module, name string) string { return "c" + module + "\n" + name + "\n" }

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func num(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func tup(items ...string) string { return "(" + strings.Join(items, "") + "t" }

func nums(ns ...int64) string {
	var items []string
	for _, n := range ns {
		items = append(items, num(n))
	}
	return tup(items...)
}

func stored(class, key string, count int64) string {
	return tup(text("storage"), glob("torch", class), text(key), text("cpu"), num(count)) + "Q"
}

const hooks = "ccollections\nOrderedDict\n)R"

// view2 is a tensor of _rebuild_tensor_v2.
func view2(storage string, offset int64, size, stride string, more ...string) string {
	return glob("torch._utils", "_rebuild_tensor_v2") + tup(append([]string{storage, num(offset), size, stride, "\x89", hooks}, more...)...) + "R"
}

// checkpoint is an archive with a pickle and storage 0 of bytes 0, 1, 2 ….
func checkpoint(t testing.TB, pickle string, bytes0 int, extra ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	put := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("data.pkl", []byte(pickle))
	data := make([]byte, bytes0)
	for i := range data {
		data[i] = byte(i)
	}
	put("data/0", data)
	for i := 0; i+1 < len(extra); i += 2 {
		put(extra[i], []byte(extra[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func openBytes(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

// TestRefused wants each pickle refused, with the reason.
func TestRefused(t *testing.T) {
	for _, tt := range refusedPickles(stored("ByteStorage", "0", 8)) {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openBytes(checkpoint(t, tt.pickle, 8))
			if err == nil || !strings.HasPrefix(err.Error(), "torch: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

type refusedPickle struct{ name, pickle, want string }

// refusedPickles are pickles that no checkpoint has; st is a storage of 8 bytes.
func refusedPickles(st string) []refusedPickle {
	return []refusedPickle{
		{"call", glob("posix", "system") + tup(text("true")) + "R.", "calls posix.system, which Fewbits never runs"},
		{"call, protocol 4", "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "calls posix.system"},
		{"Python 2 module", glob("__builtin__", "eval") + tup(text("1")) + "R.", "calls builtins.eval"},
		{"new object", glob("subprocess", "Popen") + ")\x81.", "calls subprocess.Popen"},
		{"new object with keywords", glob("subprocess", "Popen") + ")}\x92.", "calls subprocess.Popen"},
		{"instance", "(iposix\nsystem\n.", "calls posix.system"},
		{"object", "(" + glob("posix", "system") + text("true") + "o.", "calls posix.system"},
		{"object of nothing", "(o.", "no class"},
		{"through a rebuild", glob("torch._tensor", "_rebuild_from_type_v2") + tup(glob("posix", "system"), glob("torch", "Tensor"), tup(text("x")), "N") + "R.", "calls posix.system"},
		{"subclass", glob("torch._tensor", "_rebuild_from_type_v2") + tup(glob("torch._utils", "_rebuild_tensor_v2"), glob("evil", "Tensor"), ")", "N") + "R.", "calls evil.Tensor"},
		{"calls a result", glob("collections", "OrderedDict") + ")R)R.", "no function"},
		{"unknown storage", tup(text("storage"), glob("evil", "FloatStorage"), text("0"), text("cpu"), num(1)) + "Q.", "storage of class evil.FloatStorage"},
		{"other reference", tup(text("module"), text("x")) + "Q.", "no storage"},
		{"state of a list", "](K\x01eK\x01b.", "sets the state"},
		{"state of a tensor", view2(st, 0, nums(2), nums(1)) + ")b.", "sets the state"},
		{"state of a function", glob("posix", "system") + "}b.", "sets the state"},
		{"wrong count of arguments", glob("torch._utils", "_rebuild_tensor_v2") + ")R.", "with 0 arguments"},
		{"arguments are no tuple", glob("collections", "OrderedDict") + "]R.", "other than a tuple"},
		{"text opcode", "I1\n.", "instruction 'I'"},
		{"unknown opcode", "\xff.", "instruction 0xff"},
		{"protocol 0", "\x80\x01.", "protocol 1"},
		{"empty", "", "cut off"},
		{"no stop", "N", "cut off"},
		{"nothing left", ".", "where there is none"},
		{"stack underflow", "\x85.", "where there is none"},
		{"mark underflow", "t.", "a mark where there is none"},
		{"pop past a mark", "N(\x85.", "where there is none"},
		{"odd dict", "}(Nu.", "key without a value"},
		{"append to a tuple", ")Na.", "no list"},
		{"item of a tuple", ")NNs.", "no dict"},
		{"memo", "h\x07.", "value 7, which was never kept"},
		{"long text", "X\xff\xff\xff\x7fabc.", "cut off"},
		{"very long text", "\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "cut off"},
		{"name without end", "cposix", "without an end"},
		{"not UTF-8", "X\x01\x00\x00\x00\xff.", "UTF-8"},
		{"huge number", "\x8a\xff" + strings.Repeat("\x01", 255) + ".", "255 bytes"},
		{"holds itself", "]q\x00h\x00a.", "hold themselves"},
		{"past the storage", view2(st, 0, nums(9), nums(1)) + ".", "reaches past the 8 values"},
		{"offset past the storage", view2(st, 8, nums(1), nums(1)) + ".", "reaches past"},
		{"stride past the storage", view2(st, 0, nums(2, 2), nums(7, 1)) + ".", "reaches past"},
		{"stride overflow", view2(st, 0, nums(3, 3), nums(1<<62, 1<<62)) + ".", "past 2^63"},
		{"offset overflow", view2(st, 1<<62, nums(2), nums(1)) + ".", "reaches past"},
		{"negative size", view2(st, 0, nums(-1), nums(1)) + ".", "whole number"},
		{"negative stride", view2(st, 0, nums(2), nums(-1)) + ".", "whole number"},
		{"negative offset", view2(st, -1, nums(2), nums(1)) + ".", "offset"},
		{"size overflow", view2(st, 0, nums(1<<40, 1<<40), nums(0, 0)) + ".", "2^40"},
		{"hidden size overflow", view2(st, 0, nums(1<<40, 1<<40, 0), nums(0, 0, 0)) + ".", "2^40"},
		{"missing stride", view2(st, 0, nums(2, 2), nums(2)) + ".", "1 strides are given for 2"},
		{"size of text", view2(st, 0, tup(text("a")), nums(1)) + ".", "whole number"},
		{"no storage", view2("N", 0, nums(2), nums(1)) + ".", "no storage"},
		{"storage of 2^63 bytes", view2(stored("DoubleStorage", "0", 1<<61), 0, nums(2), nums(1)) + ".", "storage of"},
		{"storage longer than its member", view2(stored("ByteStorage", "0", 9), 0, nums(2), nums(1)) + ".", "1 of the 9 bytes"},
		{"no member", view2(stored("ByteStorage", "7", 9), 0, nums(2), nums(1)) + ".", `no member "archive/data/7"`},
		{"member outside", view2(stored("ByteStorage", "../data.pkl", 9), 0, nums(2), nums(1)) + ".", "no member"},
		{"untyped", view2(stored("UntypedStorage", "0", 8), 0, nums(2), nums(1)) + ".", "no type"},
		{"parameter of nothing", glob("torch._utils", "_rebuild_parameter") + tup("N", "\x88", hooks) + "R.", "no tensor"},
	}
}

func TestAccepted(t *testing.T) {
	st := stored("ByteStorage", "0", 8)
	tests := []struct {
		name, pickle string
		extra        []string
		want         string // of the tensor's values, or its reason
	}{
		{"plain", proto + view2(st, 2, nums(3), nums(1)) + stop, nil, "[2 3 4]"},
		{"big-endian", view2(stored("ShortStorage", "0", 4), 0, nums(2), nums(1)) + ".", []string{"byteorder", "big"}, "[1 515]"},
		{"little-endian", view2(stored("ShortStorage", "0", 4), 0, nums(2), nums(1)) + ".", []string{"byteorder", "little"}, "[256 770]"},
		{"last value", view2(st, 7, "]", "]") + ".", nil, "[7]"},
		{"empty past the end", view2(st, 0, nums(0, 3), nums(3, 1)) + ".", nil, "[]"},
		{"any stride on a dimension of one", view2(st, 0, nums(1, 2), nums(1<<62, 1)) + ".", nil, "[0 1]"},
		{"typed by version 3", glob("torch._utils", "_rebuild_tensor_v3") + tup(stored("UntypedStorage", "0", 8), num(1), nums(2), nums(1), "\x89", hooks, glob("torch", "uint16")) + "R.", nil, "[770 1284]"},
		{"float8", glob("torch._utils", "_rebuild_tensor_v3") + tup(stored("UntypedStorage", "0", 8), num(1), nums(2), nums(1), "\x89", hooks, glob("torch", "float8_e4m3fn"), "}") + "R.", nil, "[0.001953125 0.00390625]"},
		{"float4", glob("torch._utils", "_rebuild_tensor_v3") + tup(stored("UntypedStorage", "0", 8), num(0), nums(2), nums(1), "\x89", hooks, glob("torch", "float4_e2m1fn_x2")) + "R.", nil, "float4_e2m1fn_x2"},
		{"tensor with attributes", glob("torch._tensor", "_rebuild_from_type_v2") + tup(glob("torch._utils", "_rebuild_tensor_v2"), glob("torch.nn.parameter", "Parameter"), tup(st, num(1), nums(1), nums(1), "\x89", hooks), "}") + "R.", nil, "[1]"},
		{"parameter with state", glob("torch._utils", "_rebuild_parameter_with_state") + tup(view2(st, 1, nums(1), nums(1)), "\x88", hooks, "}") + "R.", nil, "[1]"},
		{"negated view", view2(st, 0, nums(2), nums(1), "}("+text("neg")+"\x88u") + ".", nil, "resolve_neg"},
		{"named function, never called", "}(" + text("x") + glob("posix", "system") + text("t") + view2(st, 0, nums(1), nums(1)) + "u.", nil, "[0]"},
		{"popped", view2(st, 0, nums(1), nums(1)) + "N0((10.", nil, "[0]"},
		{"set twice", "}(" + text("t") + "N" + text("t") + view2(st, 3, nums(1), nums(1)) + "u.", nil, "[3]"},
		{"dict of pairs", glob("collections", "OrderedDict") + tup("](]("+text("t")+view2(st, 4, nums(1), nums(1))+"ee") + "R.", nil, "[4]"},
		{"repeated without end", view2(st, 0, nums(1<<20, 1<<20), nums(0, 0)) + ".", nil, "repeats the 8 values of its storage to 1099511627776; save its .contiguous()"},
		{"cuda", view2(tup(text("storage"), glob("torch.cuda", "ByteStorage"), text("0"), text("cuda:0"), num(8))+"Q", 5, nums(1), nums(1)) + ".", nil, "[5]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := openBytes(checkpoint(t, tt.pickle, 8, tt.extra...))
			if err != nil {
				t.Fatal(err)
			}
			info := f.Tensors()
			if len(info) != 1 {
				t.Fatalf("got %d tensors", len(info))
			}
			got := info[0].Why
			if info[0].Readable {
				x := tensors(t, f)[info[0].Name]
				got = fmt.Sprint(x.Data)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestArchives(t *testing.T) {
	good := checkpoint(t, view2(stored("ByteStorage", "0", 8), 0, nums(2), nums(1))+".", 8)
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte("_rebuild"))] ^= 1
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no zip archive"},
		{"cut off", good[:len(good)-30], "cut off"},
		{"pickle damaged", flipped, "checksum"},
		{"odd byte order", checkpoint(t, "N.", 0, "byteorder", "middle"), `byte order "middle"`},
		{"no pickle", bytes.ReplaceAll(good, []byte("data.pkl"), []byte("data.pkx")), "no data.pkl"},
		{"tar", append([]byte("model/weights"), append(make([]byte, 244), "ustar\x0000"...)...), "a tar archive"},
		{"pickle", []byte("\x80\x04N."), "a Python pickle, which Fewbits never runs"},
	}
	for _, tt := range tests {
		_, err := openBytes(tt.file)
		if err == nil || !strings.HasPrefix(err.Error(), "torch: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestBounded wants pickles that describe far more than they are refused
// without the memory that they describe.
func TestBounded(t *testing.T) {
	nested := func(n int) string { // each list holds the one before it ten times
		s := "](" + strings.Repeat("K\x01", 10) + "e"
		for range n {
			s += "q\x00](" + strings.Repeat("h\x00", 10) + "e"
		}
		return s + "."
	}
	long := text(strings.Repeat("k", 1<<20))
	tests := []struct{ name, pickle, want string }{
		{"ten to the twelfth", nested(12), "more than"},
		{"steps", strings.Repeat("N", 5<<20) + ".", "steps"},
		{"copies", "](" + strings.Repeat("K\x01", 1000) + "eq\x000" + strings.Repeat("c__builtin__\nset\n(h\x00tR0", 1<<13) + "N.", "steps"},
		{"long names", "](" + strings.Repeat("}("+long+"N"+"u", 1) + "eq\x000}(" + long + "](" + strings.Repeat("h\x00", 100) + "eu.", "names take"},
		{"deep", strings.Repeat("](", 1000) + strings.Repeat("e", 1000) + ".", "deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := checkpoint(t, tt.pickle, 0)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := openBytes(b)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 512<<20 {
				t.Errorf("allocated %d MiB for %d KiB", used>>20, len(b)>>10)
			}
		})
	}
}

func FuzzUnpickle(f *testing.F) {
	st := stored("ByteStorage", "0", 8)
	for _, s := range []string{
		proto + view2(st, 2, nums(3), nums(1)) + stop,
		"}(" + text("a") + view2(st, 0, nums(2, 3), nums(1, 2)) + text("b") + "](K\x01K\x02eu.",
		"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x94\x8c\x04true\x85R.",
		glob("__torch__.m", "Net") + ")\x81}(" + text("w") + view2(st, 0, nums(1), nums(1)) + "ub.",
		"]q\x00h\x00a.",
		glob("torch._utils", "_rebuild_tensor_v3") + tup(stored("UntypedStorage", "0", 8), num(1), nums(2), nums(1), "\x89", hooks, glob("torch", "uint16")) + "R.",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, pickle []byte) {
		file, err := openBytes(checkpoint(t, string(pickle), 8))
		if err != nil {
			return
		}
		for i, info := range file.Tensors() {
			if info.Readable && info.Len() < 1<<16 {
				if err := file.ReadRows(i, 0, quant.Rows(info.Shape), make([]float32, info.Len())); err != nil {
					t.Errorf("%+v: %v", info, err)
				}
			}
		}
	})
}
