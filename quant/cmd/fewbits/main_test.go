package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// TestText looks at what a person reads.
func TestText(t *testing.T) {
	in := npyFile(t, "w.npy", []int{2, 64}, normal(128, 1)...)
	out := filepath.Join(t.TempDir(), "w.bin")
	text := works(t, "quantize", in, "-to", "INT4", "group=32", "-o", out)
	for _, want := range []string{out + ": 84 bytes\n", "tensor         w, 2 × 64\n", "format         INT4, granularity=group group=32", "bits a weight  5.25\n", "SQNR", " dB\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text = works(t, "measure", in, "-to", "FP32,Q8_0")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 3 || len([]rune(lines[1])) != len([]rune(lines[2])) || !strings.Contains(lines[1], "∞") {
		t.Errorf("\n%s", text)
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1,023 bytes", 1185376: "1.13 MiB (1,185,376 bytes)", 1023 << 20: "0.999 GiB (1,072,693,248 bytes)"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{-1234567: "-1,234,567", -123: "-123", 999: "999", 1000: "1,000", math.MaxInt64: "9,223,372,036,854,775,807"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := clean("a\x1b[31m\nb\u202ec\xff é"); got != `a\u001b[31m b\u202ec`+"\ufffd é" {
		t.Errorf("%q", got)
	}
}

// TestFormats wants one row a format, with the names that others rely on.
func TestFormats(t *testing.T) {
	rows := decode[[]quant.Info](t, works(t, "formats", "-json"))
	if len(rows) != len(formats.All())+len(formats.Methods()) {
		t.Errorf("%d rows", len(rows))
	}
	text := works(t, "formats")
	for _, r := range rows {
		if r.Name == "" || r.Family == "" || r.BitsPerWeight <= 0 || r.Options == nil {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(text, "\n"+r.Name+" ") {
			t.Errorf("no line for %s", r.Name)
		}
	}
	var keys []map[string]any
	if err := json.Unmarshal([]byte(works(t, "formats", "-json")), &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "family", "title", "summary", "bitsPerWeight", "blockSize", "blockBytes", "bits", "importance", "calibration", "options"} {
		if _, ok := keys[0][key]; !ok {
			t.Errorf("no %s", key)
		}
	}
	for _, r := range rows {
		if r.Name == "Q4_K" && (r.BlockSize != 256 || r.BlockBytes != 144 || r.BitsPerWeight != 4.5 || r.Importance != quant.Optional) {
			t.Errorf("%+v", r)
		}
	}
}

// TestAliases takes names in any case and by other projects' spelling.
func TestAliases(t *testing.T) {
	in := npyFile(t, "w.npy", []int{1, 256}, normal(256, 1)...)
	for name, want := range map[string]string{"f16": "FP16", "F32": "FP32", " q4_k ": "Q4_K", "nf4": "NF4", "bf16": "BF16", "f8_e4m3": "FP8_E4M3"} {
		q := decode[quantized](t, works(t, "quantize", in, "-to", name, "-json", "-o", filepath.Join(t.TempDir(), "o.bin")))
		if q.Format != want {
			t.Errorf("%s is %s", name, q.Format)
		}
	}
}

// TestWrongUsage wants status 2, the reason and the usage, and no file.
func TestWrongUsage(t *testing.T) {
	in := npyFile(t, "w.npy", []int{2, 64}, normal(128, 1)...)
	dir := t.TempDir()
	out := func(ext string) string { return filepath.Join(dir, "out."+ext) }
	tests := []struct {
		args []string
		want string
	}{
		{nil, "usage:"},
		{[]string{"quantise"}, `there is no command "quantise"`},
		{[]string{"inspect"}, "a file is missing"},
		{[]string{"inspect", in, in}, "one file is wanted, and there are 2"},
		{[]string{"inspect", in, "-to", "Q8_0"}, "there is no flag -to"},
		{[]string{"inspect", in, "group=3"}, "takes no options"},
		{[]string{"formats", in}, "takes neither"},
		{[]string{"quantize", in}, "-to is missing"},
		{[]string{"quantize", in, "-to", "Q8_0"}, "-o is missing"},
		{[]string{"quantize", in, "-o", out("bin"), "-to"}, "-to needs a value"},
		{[]string{"quantize", in, "-to", "Q8_0", "-to", "Q8_0", "-o", out("bin")}, "-to is given twice"},
		{[]string{"quantize", in, "-to", "Q8-0", "-o", out("bin")}, `there is no format "Q8-0"; did you mean Q8_0?`},
		{[]string{"quantize", in, "-to", "spqr", "-o", out("bin")}, `there is no format "spqr"`},
		{[]string{"quantize", in, "-to", "gptq", "-o", out("bin")}, "GPTQ needs activations: -calib X.npy"},
		{[]string{"quantize", in, "-to", "Q8_0,INT4", "-o", out("bin")}, "names one format"},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", out("txt")}, "OUT ends in .bin, .json, .npy, .npz, .gguf or .safetensors"},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", filepath.Join(dir, "out")}, "OUT ends in"},
		{[]string{"quantize", in, "-to", "INT8", "-o", out("gguf")}, "no INT8"},
		{[]string{"quantize", in, "-to", "FP8_E4M3", "-o", out("gguf")}, "no FP8_E4M3"},
		{[]string{"quantize", in, "-to", "Q4_K", "-o", out("safetensors")}, "no Q4_K"},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", out("gguf"), "-tensor", "w"}, "-tensor goes with"},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", out("bin"), "group=32"}, `Q8_0 has no option "group"; it has none`},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "group=x"}, "option group=x: want a whole number"},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "group=-2"}, "option group=-2: want a whole number from -1"},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "sym=maybe"}, "option sym=maybe: want true or false"},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "range=all"}, "option range=all: want one of minmax"},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "percentile=3"}, "option percentile=3"},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "grp=3"}, `option "grp" is not known; there are bits, sym`},
		{[]string{"quantize", in, "-to", "INT4", "-o", out("bin"), "group=32", "group=64"}, "option group is given twice"},
		{[]string{"quantize", in, "-to", "NF4", "-o", out("bin"), "block=48"}, "a block of 48 values: take 32"},
		{[]string{"dequantize", in, "-o", out("bin")}, "OUT ends in .npy"},
		{[]string{"dequantize", in}, "-o is missing"},
		{[]string{"dequantize", in, "-o", out("npy"), "bits=3"}, "takes no options"},
		{[]string{"measure", in}, "-to is missing"},
		{[]string{"measure", in, "-to", "Q8_0,,INT4"}, "-to has an empty name"},
		{[]string{"measure", in, "-to", "Q8_0,Q4_K", "group=32"}, `has no option "group"`},
		{[]string{"measure", in, "-to", "INT4,NF4", "block=48"}, "a block of 48 values"},
		{[]string{"measure", "-to", "INT4"}, "a file is missing"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			r := fewbits(t, tt.args...)
			if r.code != 2 || r.out != "" || !strings.Contains(r.err, tt.want) || !strings.Contains(r.err, "usage:") {
				t.Errorf("exit %d, %q, %q", r.code, r.out, r.err)
			}
		})
	}
	alone(t, out("none"))
}

// TestHelp is no fault.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"help"}, {"--help"}, {"quantize", "-h"}, {"measure", "--help"}, {"formats", "-help"}} {
		r := fewbits(t, args...)
		if r.code != 0 || r.err != "" || !strings.Contains(r.out, "usage:") {
			t.Errorf("%q: exit %d: %s%s", args, r.code, r.out, r.err)
		}
	}
	if out := works(t, "quantize", "-h"); !strings.Contains(out, "group=") {
		t.Errorf("no options in\n%s", out)
	}
}

// TestNames wants files with an equals sign, and those that begin with a dash,
// to be files.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	b := load(t, npyFile(t, "w.npy", []int{1, 32}, normal(32, 1)...))
	for _, name := range []string{"a=b", "-w.npy", "bits=4.npy"} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	works(t, "inspect", "a=b")
	works(t, "inspect", "--", "-w.npy")
	works(t, "inspect", "./bits=4.npy")
	works(t, "inspect", "--", "bits=4.npy")
}

// TestProgress draws a line on a terminal, seldom, and takes it away.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	start := testTime
	p := newProgress(&b, start)
	p.expect(100)
	p.at(start, "w", 0)
	p.at(start.Add(firstDrawn), "w\x1b[2J", 10)
	p.at(start.Add(firstDrawn+redrawn/2), "w", 20)
	p.finish(30)
	p.at(start.Add(10*firstDrawn), "v", 20)
	p.clear()
	p.clear()
	want := "\r\x1b[K 10%  3s left  w\\u001b[2J" + "\r\x1b[K 50%  3s left  v" + "\r\x1b[K"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	b.Reset()
	newProgress(&b, start).clear()
	var none *progress
	none.expect(2)
	none.show("w", 1)
	none.finish(1)
	none.clear()
	if b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}
