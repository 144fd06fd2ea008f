// The places where weights are quantized: a worker of the built site in
// Chromium, the same engine under Node, Go's native code, and libggml's. Each
// answers measure(ask) with {quantizeMs, dequantizeMs, refused}.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

/** The weights that all of them work on: a Gaussian with heavier tails and outlier columns. */
export const SOURCE = { kind: "sample", name: "outliers", rows: 1024, cols: 1024, seed: 1 };
export const COLS = SOURCE.cols;
export const WEIGHTS = SOURCE.rows * SOURCE.cols;

/** A module whose c(to, from, bytes) is memory.copy, in 16 MiB of its memory. */
const COPIER = "0061736d010000000107016003 7f7f7f00 03020100 0504010080 02 0709 0201 6d0200 01630000 0a0e01 0c00 200020012002 fc0a0000 0b".replaceAll(" ", "").match(/../g).map((h) => parseInt(h, 16));

/** GB/s of a memory.copy of so many bytes: the median of many. Runs in this process, or in a page. */
async function copying({ code, bytes }) {
  const { instance } = await WebAssembly.instantiate(new Uint8Array(code));
  const ms = [];
  for (let i = 0; i < 201; i++) {
    const start = performance.now();
    instance.exports.c(8 << 20, 0, bytes);
    ms.push(performance.now() - start);
  }
  return bytes / ms.sort((a, b) => a - b)[100] / 1e6;
}

const copied = { code: COPIER, bytes: 4 * WEIGHTS };

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The engine in this process. */
export async function node(stage) {
  await import(pathToFileURL(join(stage, "wasm/wasm_exec.js")).href);
  const go = new globalThis.Go();
  const module = await WebAssembly.compile(await readFile(join(stage, "wasm/fewbits.wasm")));
  const ready = new Promise((resolve) => { globalThis.fewbitsReady = resolve; });
  go.run(await WebAssembly.instantiate(module, go.importObject));
  await ready;
  const call = (op, args) => {
    let r = globalThis.fewbitsEngine(op, JSON.stringify(args), null, null);
    while (r.more) r = globalThis.fewbitsMore(); // long work comes in slices
    if (r.error !== undefined) throw new Error(r.error);
    return r;
  };
  call("load", SOURCE);
  return {
    name: "node", version: `Node ${process.versions.node}, V8 ${process.versions.v8.replace(/-.*/, "")}`,
    formats: JSON.parse(call("formats", {}).json),
    copying: await copying(copied),
    kernel: JSON.parse(call("analyze", { format: "INT8", row: 0, col: 0 }).json).kernel,
    measure: async (ask) => JSON.parse(call("measure", ask).json),
    /** Writes the weights as npy and tells their digest. */
    async write(path) {
      call("analyze", { format: "INT8", row: 0, col: 0 });
      const { bytes } = call("export", { as: "original" }).arrays;
      await writeFile(path, bytes);
      return digest(bytes);
    },
    async stop() {},
  };
}

/** A worker of the built site. It must hold the weights of that digest. */
export async function chromium(site, weights) {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  await page.goto(site.url + "#/learn");
  await page.waitForSelector("#stage[data-ready=true]");
  const held = await page.evaluate(async ({ module, source }) => {
    const { open } = await import(module);
    const lane = (await open()).lane("bench");
    await lane.call("load", source);
    const { kernel } = JSON.parse((await lane.call("analyze", { format: "INT8", row: 0, col: 0 })).json);
    const { bytes } = (await lane.call("export", { as: "original" })).arrays;
    globalThis.benchMeasure = async (ask) => JSON.parse((await lane.call("measure", ask)).json);
    const sum = await crypto.subtle.digest("SHA-256", bytes);
    return { kernel, isolated: crossOriginIsolated, sum: [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("") };
  }, { module: site.url + "fewbits.js", source: SOURCE });
  if (held.sum !== weights) throw new Error("Chromium and Node hold different weights");
  if (!held.isolated) throw new Error("the site is not cross-origin isolated: its clock is too coarse");
  return {
    name: "chromium", version: `Chromium ${site.browser.version()}`, kernel: held.kernel,
    copying: await page.evaluate(copying, copied),
    measure: (ask) => page.evaluate((a) => globalThis.benchMeasure(a), ask),
    stop: () => context.close(),
  };
}

/** Go's native code and libggml, which one child answers for. */
export async function natives(command, weights) {
  const child = spawn(command, [weights], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((_, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => fail(new Error(`the native side ended with ${code ?? signal}`)));
  });
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => JSON.parse((await Promise.race([lines.next(), ended])).value);
  const hello = await line();
  if (hello.rows * hello.cols !== WEIGHTS) throw new Error(`the native side read ${hello.rows} × ${hello.cols} weights`);
  const ask = (peer) => (a) => { child.stdin.write(JSON.stringify({ ...a, peer }) + "\n"); return line(); };
  const stop = async () => { child.removeAllListeners("exit"); child.stdin.end(); };
  return {
    native: { name: "native", version: hello.go, kernel: hello.kernel, measure: ask(false), stop },
    peer: { name: "libggml", why: hello.peer, measure: ask(true), stop: async () => {} },
  };
}

/** Writes a model to quantize; resolves to how many weights it has. */
export async function writeModel(command, path) {
  const { stdout } = await promisify(execFile)(command, ["-model", path]);
  return Number(stdout);
}
