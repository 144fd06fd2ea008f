// The places where weights are quantized: a worker of the built site in
// Chromium, the same engine under Node, Go's native code, and libggml's. Each
// answers measure(ask) with {quantizeMs, dequantizeMs, refused}.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/** The weights that all of them work on: a Gaussian with heavier tails and outlier columns. */
export const SOURCE = { kind: "sample", name: "outliers", rows: 1024, cols: 1024, seed: 1 };
export const COLS = SOURCE.cols;
export const WEIGHTS = SOURCE.rows * SOURCE.cols;

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
    const r = globalThis.fewbitsEngine(op, JSON.stringify(args), null, null, () => {});
    if (r.error !== undefined) throw new Error(r.error);
    return r;
  };
  call("load", SOURCE);
  return {
    name: "node", version: `Node ${process.versions.node}, V8 ${process.versions.v8.replace(/-.*/, "")}`,
    formats: JSON.parse(call("formats", {}).json),
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
    await lane.call("analyze", { format: "INT8", row: 0, col: 0 });
    const { bytes } = (await lane.call("export", { as: "original" })).arrays;
    globalThis.benchMeasure = async (ask) => JSON.parse((await lane.call("measure", ask)).json);
    const sum = await crypto.subtle.digest("SHA-256", bytes);
    return { isolated: crossOriginIsolated, sum: [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("") };
  }, { module: site.url + "fewbits.js", source: SOURCE });
  if (held.sum !== weights) throw new Error("Chromium and Node hold different weights");
  if (!held.isolated) throw new Error("the site is not cross-origin isolated: its clock is too coarse");
  return {
    name: "chromium", version: `Chromium ${site.browser.version()}`,
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
    native: { name: "native", version: `${hello.go} (${hello.kernel})`, measure: ask(false), stop },
    peer: { name: "libggml", why: hello.peer, measure: ask(true), stop: async () => {} },
  };
}
