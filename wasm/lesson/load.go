package lesson

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// loadWidget writes how a file is loaded, with its own name in it.
var loadWidget = Widget{
	ID: "load",
	Controls: []Control{
		choice("with", "Load it with", "llama.cpp", "llama.cpp", "llama-cpp-python", "llama-cpp-python", "gptq", "GPTQ (transformers)", "awq", "AWQ (transformers)", "bitsandbytes", "bitsandbytes (transformers)"),
		{ID: "file", Label: "Your file or folder", Kind: Text, Value: "model-Q4_K_M.gguf"},
		slider("context", "Context", 512, 131072, 512, 4096).in("tokens"),
	},
	Draw: drawLoad,
}

func drawLoad(v Values) ([]Part, error) {
	name := clean(v["file"])
	code, say := snippet(v["with"], name, v.Int("context"))
	return []Part{{Name: "To copy", Say: say, Code: code}}, nil
}

// clean is a name without what would end a line or a quotation.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("\"'`\\$", r) {
			return -1
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); s == "" {
		return "model"
	}
	return s
}

func snippet(with, name string, context int) (code, say string) {
	q, folder := strconv.Quote(name), strconv.Quote(strings.TrimSuffix(name, path.Ext(name)))
	if !strings.HasSuffix(name, ".gguf") {
		folder = q
	}
	load := "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n" +
		"name = " + folder + "\nmodel = AutoModelForCausalLM.from_pretrained(name, device_map=\"auto\")\ntokenizer = AutoTokenizer.from_pretrained(name)\n"
	switch with {
	case "llama.cpp":
		return fmt.Sprintf("llama-cli -m %s -c %d -p \"Once upon a time\"\n\n# or as a server\nllama-server -m %s -c %d\n", q, context, q, context),
			"llama.cpp reads one GGUF file; -c is the context that its cache is made for."
	case "llama-cpp-python":
		return fmt.Sprintf("from llama_cpp import Llama\n\nllm = Llama(model_path=%s, n_ctx=%d)\nprint(llm(\"Once upon a time\", max_tokens=32)[\"choices\"][0][\"text\"])\n", q, context),
			"The same program from Python; n_ctx is the context, and n_gpu_layers=-1 would put every layer on the graphics card."
	case "gptq":
		return "# pip install transformers optimum gptqmodel\n" + load,
			"A GPTQ checkpoint is a folder. How it was quantized stands in its config.json, so nothing of it is said here."
	case "awq":
		return "# pip install transformers autoawq\n" + load,
			"An AWQ checkpoint is a folder, too, and says in its config.json how it was quantized."
	}
	return "# pip install transformers bitsandbytes\nimport torch\nfrom transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig\n\n" +
			"config = BitsAndBytesConfig(\n    load_in_4bit=True,\n    bnb_4bit_quant_type=\"nf4\",\n    bnb_4bit_use_double_quant=True,\n    bnb_4bit_compute_dtype=torch.bfloat16,\n)\n" +
			"name = " + folder + "\nmodel = AutoModelForCausalLM.from_pretrained(name, quantization_config=config, device_map=\"auto\")\ntokenizer = AutoTokenizer.from_pretrained(name)\n",
		"bitsandbytes quantizes while it loads: the folder holds the weights in 16 bits, and NF4 is made of them."
}
