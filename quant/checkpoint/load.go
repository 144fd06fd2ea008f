package checkpoint

import (
	"strconv"
	"strings"
)

// Loading is how to load a checkpoint from a folder: lines of a shell and of
// Python that run as they are, once the packages that they name are installed.
func Loading(as, folder string) string {
	transformers := func(needs string) string {
		return "pip install transformers accelerate " + needs + "\n" + `python - <<'EOF'
from transformers import AutoModelForCausalLM, AutoTokenizer
folder = PYTHON
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, device_map="auto")
inputs = tokenizer("Once upon a time", return_tensors="pt").to(model.device)
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=32)[0]))
EOF
`
	}
	serve := "\n# or, as a server:\npip install vllm\nvllm serve SHELL\n"
	text := ""
	switch as {
	case "gptq":
		text = transformers("optimum gptqmodel") + serve
	case "gptq_v2":
		text = transformers("optimum gptqmodel") + "\n# or, as a server:\npip install vllm\nvllm serve SHELL --quantization gptq\n"
	case "awq":
		text = transformers("gptqmodel") + serve
	case "bitsandbytes":
		text = transformers("bitsandbytes") + serve
	case "compressed-tensors":
		text = transformers("compressed-tensors") + serve
	case "mlx":
		text = "pip install mlx-lm\nmlx_lm.generate --model SHELL --prompt 'Once upon a time'\n"
	case "hqq":
		text = transformers("hqq")
	}
	shell := "'" + strings.ReplaceAll(folder, "'", `'\''`) + "'"
	return strings.NewReplacer("PYTHON", strconv.QuoteToASCII(folder), "SHELL", shell).Replace(text)
}
