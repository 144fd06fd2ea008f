package formats

import (
	"strings"

	"fewbits/quant"
	"fewbits/quant/awq"
	"fewbits/quant/calib"
	"fewbits/quant/gptq"
	"fewbits/quant/hqq"
	"fewbits/quant/llmint8"
	"fewbits/quant/smooth"
)

// Methods are the formats that decide on more than rounding, most by
// activations, in the order that a person reads them. They are not among All,
// which are formats that a file may hold.
func Methods() []calib.Method {
	return []calib.Method{gptq.Format, awq.Format, hqq.Format, smooth.Format, llmint8.Format}
}

// MethodInfos are the rows of that table, as they go out: Options is never nil.
func MethodInfos() []quant.Info {
	var rows []quant.Info
	for _, m := range Methods() {
		i := m.Info()
		i.Options = append([]string{}, i.Options...)
		rows = append(rows, i)
	}
	return rows
}

// LookupMethod finds a method by name, in any case; ok is false where there is
// none.
func LookupMethod(name string) (m calib.Method, ok bool) {
	name = strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(name)), "()") // LLM.int8()
	for _, m := range Methods() {
		if m.Info().Name == name {
			return m, true
		}
	}
	return nil, false
}
