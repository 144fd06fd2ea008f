// Runs a GGUF file in llama.cpp: node llama.mjs FILE COUNT [PROMPT] prints the
// ids of the first COUNT tokens after token 1 and the prompt, always the most
// likely one, and the text of it all, as JSON. In a process of its own, for what
// it may do to one.
import { getLlama } from "node-llama-cpp";

const [file, count, prompt = ""] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ threads: 1, contextSize: 256 });
const before = model.tokenize(prompt), ids = [];
for await (const id of context.getSequence().evaluate([1, ...before], { temperature: 0 })) {
  ids.push(id);
  if (ids.length >= Number(count)) break;
}
process.stdout.write(JSON.stringify({ ids, text: model.detokenize([...before, ...ids]), vocabulary: model.fileInfo.metadata.tokenizer.ggml.tokens.length }) + "\n", () => process.exit(0));
