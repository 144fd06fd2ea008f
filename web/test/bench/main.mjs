// node web/test/bench/main.mjs [FILE]: the benchmark of ./build.sh bench.
// Prints its tables, and writes them to FILE as JSON.
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { root, start } from "../browser/site.mjs";
import * as dot from "./dot.mjs";
import * as models from "./models.mjs";
import * as places from "./places.mjs";
import * as slider from "./slider.mjs";
import * as speed from "./speed.mjs";

const cache = process.env.FEWBITS_CACHE || join(root, ".cache");
const say = (text) => process.stderr.write(`bench: ${text}\n`);

async function libggml() {
  const { version } = JSON.parse(await readFile(join(root, "web/node_modules/@node-llama-cpp/linux-x64/package.json"), "utf8"));
  return `libggml of node-llama-cpp ${version}`;
}

/** What the numbers depend on. */
async function head({ node, chromium, native, peer }) {
  const cores = cpus();
  return [
    `${cores.length} cores, ${cores[0].model}`,
    [chromium.version, node.version, native.version, peer.why ? `no libggml: ${peer.why}` : await libggml()].join(" · "),
    `Kernels: ${[chromium, node, native].map((p) => `${p.kernel} in ${p.name === "native" ? "native Go" : p.version.split(",")[0]}`).join(", ")}`,
    `${places.WEIGHTS.toLocaleString("en")} weights, ${places.SOURCE.rows} rows of ${places.COLS}: a Gaussian with heavier tails and outlier columns, seed ${places.SOURCE.seed}`,
    "Million weights a second, one thread each: Chromium in one worker of the built site. Medians; the places take turns.",
  ].join("\n");
}

async function main(file) {
  const weights = join(cache, "bench-weights.npy");
  const node = await places.node(join(cache, "stage"));
  const sum = await node.write(weights);
  const site = await start();
  const stop = [() => site.stop()];
  try {
    const { native, peer } = await places.natives(join(cache, "bench"), weights);
    stop.unshift(() => native.stop());
    const chromium = await places.chromium(site, sum);
    console.log(await head({ node, chromium, native, peer }) + "\n");

    const found = await speed.measure(speed.plan(node.formats), [chromium, peer, node, native], say);
    await chromium.stop();
    const rows = speed.rows(found);
    const write = async () => file && writeFile(file, JSON.stringify(rows, null, 1) + "\n");
    console.log(speed.print(rows) + "\n");
    await write();

    const products = await dot.measure(site, cache, join(cache, "stage/wasm/wasm_exec.js"), say);
    console.log("Products: million weights a second, each multiplied with one activation, of matrices of 4096 × 4096; exact is in float32 sums of the\ndequantized weights, integers with activations of 8 bits, relaxed the same in Chromium with relaxed SIMD; libggml is ggml_mul_mat in one thread.\n");
    console.log(dot.print(products) + "\n");
    rows.push(...products);
    await write();

    const model = join(cache, "bench-model.gguf");
    const weightsOf = await places.writeModel(join(cache, "bench"), model);
    const made = await models.measure(site, model, weightsOf, peer.measure, say);
    console.log(`Models: a llama of ${weightsOf.toLocaleString("en")} weights in F16, by recipe, in the page as a person has it done, from Quantize to Download (it reads the\nfile, writes the new one and reads that back), and by llama_model_quantize with as many threads. MB of the original a second.\n`);
    console.log(models.print(made) + "\n");
    rows.push(...made);
    await write();

    const moves = await slider.measure(site, say);
    console.log("Slider to plots: a drag with a move every 100 ms, side B as the page opens. Each move is timed from its input event\nto the end of the frame in which the plots of its answer, or of a newer one, are drawn.\n");
    console.log(slider.print(moves));
    rows.push(...moves);
    await write();
  } finally {
    for (const f of stop) await f();
  }
}

await main(process.argv[2]);
process.exit(0); // the engine in this process waits for calls
