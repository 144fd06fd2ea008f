package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// runnable are the architectures that package llama runs, and words the tokenizers.
var (
	runnable = []string{"gemma", "gemma2", "gpt2", "llama", "phi3", "qwen2", "qwen3"}
	words    = []string{"gpt2", "llama"}
)

// NotMeasured says why no text can be read with the open file, or with what was
// made of it; "" where one can.
func (m *Model) NotMeasured() string {
	if m.File == nil {
		return "Open a model first."
	}
	arch, tokenizer := m.Meta("general.architecture"), m.Meta("tokenizer.ggml.model")
	switch {
	case !m.hasArchitecture():
		return "The file does not say what its model is, so that none can be run. Open a GGUF file of a whole model, or a Hugging Face folder."
	case !slices.Contains(runnable, arch):
		return fmt.Sprintf("Models of the architecture %s are not run here; %s are.", arch, strings.Join(runnable, ", "))
	case m.metaNumber(arch+".expert_count", 0) > 0:
		return "Mixtures of experts are not run here."
	case tokenizer == "":
		return "The file has no tokenizer (key tokenizer.ggml.model), and without one no text can be read."
	case !slices.Contains(words, tokenizer):
		return fmt.Sprintf("Its tokenizer, %s, is not known here; %s are.", tokenizer, strings.Join(words, " and "))
	}
	return ""
}

// metaNumber is the number that a key of the file holds, or otherwise.
func (m *Model) metaNumber(key string, otherwise int) int {
	if n, err := strconv.Atoi(m.Meta(key)); err == nil {
		return n
	}
	return otherwise
}

// Room that reading takes, in MiB. All workers together have what a tab may
// take without the page: see within.
const (
	readRoom   = 300
	readWorker = 40   // a worker with the whole program
	readTiles  = 16   // logits, of each model
	readHead   = 6    // times the header, of each model
	readSlack  = 1.25 // times what is held, until the collector has been there
	readHeld   = 32   // of weights, at least, for another worker
	readLeast  = 8    // of weights, at least, for the only one
)

// share says how many workers may read, and how many bytes of weights each
// holds, 0 for all of them; or why there is no room. Each worker has every
// model of its own; weights that it has no room for it reads each time.
func (m *Model) share(workers int) (n int, resident int64, why string) {
	return m.shareOf(workers, true)
}

// shareOf may leave the original out.
func (m *Model) shareOf(workers int, original bool) (n int, resident int64, why string) {
	const mib = 1 << 20
	weights, models := 0.0, 0.0
	if original {
		models++
		for _, t := range m.File.Tensors {
			weights += float64(t.Bytes) / mib
		}
	}
	if made := m.made(); made != nil {
		models++
		weights += float64(made.Size) / mib
	}
	each := readWorker + models*(readTiles+m.keysMiB()+readHead*m.headMiB())
	held := func(n int) float64 { return (readRoom/float64(n) - each) / readSlack }
	for n = workers; n > 1 && held(n) < min(weights, readHeld); n-- {
	}
	far := m.Far()
	for far && n > 1 && held(n) < weights {
		n--
	}
	switch room := held(n); {
	case room >= weights:
		return n, 0, ""
	case far:
		return 0, 0, fmt.Sprintf("There is no room here to run a model of %s that lies on a server: download it and open it from disk.", bytesOf(weights*mib))
	case room < readLeast:
		return 0, 0, fmt.Sprintf("There is no room here to run this model: beside its weights it takes %s, and all of Fewbits may take 512 MiB. The fewbits command measures it.", bytesOf(each*mib))
	default:
		return n, int64(room * mib), ""
	}
}

// keysMiB is what the keys and values of a chunk take.
func (m *Model) keysMiB() float64 {
	arch := m.Meta("general.architecture") + "."
	width, heads := m.metaNumber(arch+"embedding_length", 4096), m.metaNumber(arch+"attention.head_count", 1)
	shared := m.metaNumber(arch+"attention.head_count_kv", heads)
	key := m.metaNumber(arch+"attention.key_length", width/max(1, heads))
	value := m.metaNumber(arch+"attention.value_length", width/max(1, heads))
	return float64(m.metaNumber(arch+"block_count", 32)) * float64(shared) * float64(key+value) * 512 * 4 / (1 << 20)
}

// headMiB is what comes before the tensors.
func (m *Model) headMiB() float64 {
	least := m.File.Size
	for _, t := range m.File.Tensors {
		least = min(least, t.Offset)
	}
	return float64(least) / (1 << 20)
}
