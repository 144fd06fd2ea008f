package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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

// llamaNames are the types that llama-quantize --pure takes by name (QUANT_OPTIONS
// in tools/quantize/quantize.cpp).
var llamaNames = strings.Fields("Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ2_XXS IQ2_XS IQ2_S IQ1_S IQ1_M TQ1_0 TQ2_0 Q2_K IQ3_XXS IQ3_S Q3_K IQ4_NL IQ4_XS Q4_K Q5_K Q6_K Q8_0 F16 BF16 F32")

// Commands are the command lines that do the same: this project's own, and
// llama.cpp's; "" where there is none.
func (m *Model) Commands() (own, llama string) {
	if m.File == nil || m.Plan == nil {
		return "", ""
	}
	if m.mixed() {
		return m.mixCommands()
	}
	in, out := Quoted(m.File.Name), Quoted(m.Plan.Name)
	name, pure := strings.CutSuffix(m.Plan.Recipe, wire.Pure)
	_, isRecipe := recipe.Lookup(name)
	flag := ""
	if pure {
		flag = " -pure"
	}
	if len(m.types) == 0 || m.hasArchitecture() && (isRecipe || slices.Contains(mixedForms, name)) {
		own = fmt.Sprintf("fewbits quantize %s -to %s%s%s%s -o %s", in, name, flag, m.matrixFlag("-imatrix"), m.typeFlags("-tensor-type"), out)
	}
	mixed := isRecipe && !pure && m.hasArchitecture()
	if own == "" || m.File.Container != "gguf" || !mixed && !slices.Contains(llamaNames, name) {
		return own, ""
	}
	again := " --pure"
	if mixed {
		again = ""
	}
	if m.requantizes() {
		again += " --allow-requantize"
	}
	return own, fmt.Sprintf("llama-quantize%s%s%s %s %s %s", again, m.matrixFlag("--imatrix"), m.typeFlags("--tensor-type"), in, out, name)
}

// requantizes says whether what is in few bits already gets another type.
func (m *Model) requantizes() bool {
	return slices.ContainsFunc(m.Plan.Steps, func(s wire.StepRow) bool {
		return s.From != s.To && s.From != "F32" && s.From != "F16" && s.From != "BF16"
	})
}

// choice is what the plan goes by, in words.
func (m *Model) choice() string {
	say := m.Plan.Recipe
	if n := len(m.types); n > 0 {
		say += ", " + count(n, "row") + " changed"
	}
	if m.guided {
		say += ", by " + m.matrix
	}
	return say
}

// mixedForms are the types whose mixtures have other names: the command takes
// them for recipes as well.
var mixedForms = []string{"Q3_K", "Q4_K", "Q5_K"}

// typeFlags give single tensors their types on a command line, in the order of
// the file to be.
func (m *Model) typeFlags(flag string) string {
	var b strings.Builder
	for _, line := range m.typeLines() {
		b.WriteString(" " + flag + " " + Quoted(line))
	}
	return b.String()
}

// typeLines are the same as PATTERN=TYPE.
func (m *Model) typeLines() (list []string) {
	for _, s := range m.Plan.Steps {
		if typ := m.types[s.Name]; typ != "" {
			name := strings.NewReplacer(`\`, `\\`, ".", `\.`, "+", `\+`, "*", `\*`, "?", `\?`, "(", `\(`, ")", `\)`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`, "|", `\|`, "^", `\^`, "$", `\$`).Replace(s.Name)
			list = append(list, "^"+name+"$="+typ)
		}
	}
	return list
}

// Short says that the browser's own storage has no room for the file to be,
// and what comes of it; "" where it has, or where that is not known.
func (m *Model) Short() string {
	if m.Plan == nil || m.Room == nil || m.Room.Free < 0 || m.Room.Free >= float64(m.Plan.Size) {
		return ""
	}
	why := "This browser keeps no files for a page here, as in a private window."
	if m.Room.Free > 0 {
		why = fmt.Sprintf("This browser's storage has room for %s of %s.", bytesOf(m.Room.Free), bytesOf(float64(m.Plan.Size)))
	}
	if m.Room.Picker {
		return why + " Save it straight to a file; else it is held in memory until it is downloaded."
	}
	return why + " The file is held in memory until it is downloaded, if that has room."
}

// bytesOf prints a size: 928 B, 1.2 GiB.
func bytesOf(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for n >= 1024 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return strconv.FormatFloat(math.Round(10*n)/10, 'f', -1, 64) + " " + units[0]
}

// Quoted is a file name as a shell takes it.
func Quoted(name string) string {
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
