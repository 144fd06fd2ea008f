package page

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// count is "1 tensor", "2 tensors".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return grouped(n) + " " + what
}

// grouped prints a count with commas between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Speed is how many weights a second are converted, 0 where it is not yet known.
func Speed(p *wire.Progress) float64 {
	if p.Elapsed < 1 {
		return 0
	}
	return float64(p.Done) / p.Elapsed * 1000
}

// Left is how many seconds are left, −1 where it is not yet known.
func Left(p *wire.Progress) float64 {
	if p.Done == 0 || p.Elapsed < 1 {
		return -1
	}
	return p.Elapsed / 1000 * float64(p.Total-p.Done) / float64(p.Done)
}

// Share is how much of the work is done, 0 … 1.
func Share(p *wire.Progress) float64 {
	if p.Total == 0 {
		return 0
	}
	return float64(p.Done) / float64(p.Total)
}

// llamaNames are the types that llama-quantize --pure takes by name (QUANT_OPTIONS
// in tools/quantize/quantize.cpp).
var llamaNames = strings.Fields("Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ2_XXS IQ2_XS IQ2_S IQ1_S IQ1_M TQ1_0 TQ2_0 Q2_K IQ3_XXS IQ3_S Q3_K IQ4_NL IQ4_XS Q4_K Q5_K Q6_K Q8_0 F16 BF16 F32")

// Commands are the command lines that do the same: this project's own, and
// llama.cpp's, "" where it cannot.
func (m *Model) Commands() (own, llama string) {
	if m.File == nil || m.Plan == nil {
		return "", ""
	}
	in, out := quoted(m.File.Name), quoted(m.Plan.Name)
	name, pure := strings.CutSuffix(m.Plan.Recipe, wire.Pure)
	flag := ""
	if pure {
		flag = " -pure"
	}
	own = fmt.Sprintf("fewbits quantize %s -to %s%s -o %s", in, name, flag, out)
	_, mixed := recipe.Lookup(name)
	mixed = mixed && !pure && m.hasArchitecture()
	if m.File.Container != "gguf" || !mixed && !slices.Contains(llamaNames, name) {
		return own, ""
	}
	again := " --pure"
	if mixed {
		again = ""
	}
	for _, s := range m.Plan.Steps {
		if s.From != s.To && s.From != "F32" && s.From != "F16" && s.From != "BF16" {
			again += " --allow-requantize"
			break
		}
	}
	return own, fmt.Sprintf("llama-quantize%s %s %s %s", again, in, out, name)
}

// quoted is a file name as a shell takes it.
func quoted(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+", r)
	}
	if name != "" && name[0] != '-' && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// Meta is the value of a key of the file, as it is printed.
func (m *Model) Meta(key string) string {
	for _, r := range m.File.Meta {
		if r.Key == key {
			return r.Value
		}
	}
	return ""
}

// Architecture is what the file says of itself: "llama, 30 layers".
func (m *Model) Architecture() string {
	arch := m.Meta("general.architecture")
	if n := m.Meta(arch + ".block_count"); arch != "" && n != "" {
		return arch + ", " + n + " layers"
	}
	return arch
}

// Context is how many tokens the model was made for, as it is printed.
func (m *Model) Context() string { return m.Meta(m.Meta("general.architecture") + ".context_length") }

// Parameters is the number of values in all tensors.
func (m *Model) Parameters() int64 {
	n := int64(0)
	for _, t := range m.File.Tensors {
		n += int64(t.Values)
	}
	return n
}
