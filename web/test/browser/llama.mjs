// Runs a GGUF file in llama.cpp: node llama.mjs FILE COUNT prints the ids of
// the first COUNT tokens after token 1, always the most likely one, as JSON.
// In a process of its own, for what it may do to one.
import { getLlama } from "node-llama-cpp";

const [file, count] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ threads: 1, contextSize: 256 });
const ids = [];
for await (const id of context.getSequence().evaluate([1], { temperature: 0 })) {
  ids.push(id);
  if (ids.length >= Number(count)) break;
}
process.stdout.write(JSON.stringify({ ids, vocabulary: model.fileInfo.metadata.tokenizer.ggml.tokens.length }) + "\n", () => process.exit(0));
