package pins

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestEncodings assembles what no module may contain: instructions that come out
// without their immediates. The kernels go around them.
func TestEncodings(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil || runtime.GOOS == "js" {
		t.Skip("no go command here")
	}
	const (
		wrap     = "\xa7" // i32.wrap_i64, before
		localSet = "\x21" // local.set, after
	)
	for _, c := range []struct {
		name, code, now, instead string
	}{
		{"load and splat", "Get R0; I32WrapI64; V128Load8Splat $0; Set V0",
			wrap + "\xfd\x07" + localSet, "I32Load8U and I8x16Splat"},
		{"load 32 bits", "Get R0; I32WrapI64; V128Load32Zero $0; Set V0",
			wrap + "\xfd\x5c" + localSet, "F32Load and F32x4Splat"},
		{"shuffle", "Get V1; Get V1; I8x16Shuffle16; Set V0",
			"\xfd\x0d" + localSet, "I8x16Swizzle"},
		{"a lane as only operand", "Get V1; F32x4ExtractLane $3; F32x4Splat; Set V0",
			"\xfd\x1f\x00\xfd\x13" + localSet, "F32x4ExtractLane $0, $3"},
		{"a lane as second operand", "Get V1; F32x4ExtractLane $0, $3; F32x4Splat; Set V0",
			"\xfd\x1f\x03\xfd\x13" + localSet, ""},
		{"a store's only operand", "Get R0; I32WrapI64; Get V1; V128Store $16",
			"\xfd\x0b\x00\x00", "V128Store $0, $16"},
		{"a store's second operand", "Get R0; I32WrapI64; Get V1; V128Store $0, $16",
			"\xfd\x0b\x00\x10", ""},
		{"relaxed SIMD", "Get V1; Get V1; Get V1; F32x4RelaxedMadd; Set V0",
			"\xfd\x85\x01\x02" + localSet, "it, for internal/relax to repair"},
	} {
		t.Run(c.name, func(t *testing.T) {
			object := assemble(t, tool, c.code)
			if !bytes.Contains(object, []byte(c.now)) {
				t.Errorf("%s no longer comes out as % x (the kernels write %q)", c.code, c.now, c.instead)
			}
		})
	}
}

func assemble(t *testing.T, tool, code string) []byte {
	t.Helper()
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "f_wasm.s"), filepath.Join(dir, "f.o")
	text := "TEXT ·f(SB), 4, $0-0\n\t" + strings.ReplaceAll(code, "; ", "\n\t") + "\n\tRET\n"
	if err := os.WriteFile(src, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "tool", "asm", "-p", "f", "-o", dst, src)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	object, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	return object
}
