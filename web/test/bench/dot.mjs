// Products of activations with weights: one token (matrix-vector, what generating text
// takes) and some (matrix-matrix, what reading a prompt takes), in float32 sums and in
// integers, both with relaxed SIMD too, and libggml's ggml_mul_mat.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { digits, geomean, median, spread, table } from "./numbers.mjs";

const ROWS = 4096, COLS = 4096;
const TOKENS = [1, 16];
const VISITS = 3;   // of each place for each case
const VISIT = 150;  // ms that a visit measures, after as many to warm up

/** What is measured: type as the other rows name it, ggml's name, the ways of a product. */
const TYPES = [
  ["FP32", "F32", ["exact", "relaxed"]], ["FP16", "F16", ["exact", "relaxed"]], ["BF16", "BF16", ["exact"]], ["INT8", "INT8", ["integers", "relaxed-integers"]],
  ...["Q8_0", "Q4_0", "Q4_K", "Q6_K"].map((type) => [type, type, ["exact", "integers", "relaxed-integers"]]),
];
/** Places that multiply, as rows name them; the last is the peer. */
const PLACES = ["chromium", "node", "native", "libggml"];

const last = (text) => JSON.parse(text.trim().split("\n").at(-1));

/**
 * The places, each with measure(arguments of the program dot) → {ms, weights, kernel, refused}.
 * folder holds dot, dot.wasm and, with relaxed SIMD, dot-relaxed.wasm; exec is Go's wasm_exec.js.
 */
async function open(site, folder, exec) {
  const run = async (file, ...args) => last((await promisify(execFile)(file, args)).stdout);
  const native = (args) => run(join(folder, "dot"), ...args);
  const runner = fileURLToPath(new URL("run.mjs", import.meta.url));
  const relaxed = existsSync(join(folder, "dot-relaxed.wasm"));
  const files = {
    "/": ["text/html", "<!doctype html><title>products</title>"],
    "/wasm_exec.js": ["text/javascript", await readFile(exec)],
    "/dot.wasm": ["application/wasm", await readFile(join(folder, "dot.wasm"))],
    "/dot-relaxed.wasm": ["application/wasm", relaxed && await readFile(join(folder, "dot-relaxed.wasm"))],
  };
  const server = createServer((q, r) => {
    const f = files[q.url];
    r.writeHead(f?.[1] ? 200 : 404, { // isolated, for a clock that is fine enough
      "Content-Type": f?.[0] || "text/plain", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
    }).end(f?.[1]);
  });
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return {
    chromium: (args) => inPage(site.browser, url, args[1].startsWith("relaxed") && relaxed ? "/dot-relaxed.wasm" : "/dot.wasm", args),
    node: (args) => run(process.execPath, runner, exec, join(folder, "dot.wasm"), ...args),
    native,
    libggml: ([type, , ...rest]) => native([type, "libggml", ...rest]),
    stop: () => new Promise((done) => server.close(done)),
  };
}

/** Runs the program in a page of its own, which takes its memory with it. */
async function inPage(browser, url, program, args) {
  const page = await browser.newPage();
  try {
    const lines = [];
    page.on("console", (m) => lines.push(m.text()));
    await page.goto(url);
    const code = await page.evaluate(async ({ program, args }) => {
      await import("/wasm_exec.js");
      const go = new globalThis.Go();
      go.argv = ["dot", ...args];
      const done = new Promise((ok) => { go.exit = ok; });
      const { instance } = await WebAssembly.instantiateStreaming(fetch(program), go.importObject);
      go.run(instance);
      return done;
    }, { program, args });
    if (code !== 0) throw new Error(`dot ${args.join(" ")} ended with ${code}: ${lines.join("\n")}`);
    return last(lines.join("\n"));
  } finally {
    await page.close();
  }
}

/** Measures all cases; the places take turns. @returns {Promise<object[]>} rows of the JSON file */
export async function measure(site, folder, exec, say) {
  const places = await open(site, folder, exec);
  try {
    const out = [];
    for (const tokens of TOKENS) {
      for (const [type, name, ways] of TYPES) {
        say(`products of ${type}, ${tokens} token${tokens > 1 ? "s" : ""}`);
        const peer = { ms: [], kernel: "" };
        const found = ways.map((way) => ({ type, way, tokens, peer, ms: Object.fromEntries(PLACES.map((p) => [p, []])) }));
        for (let visit = 0; visit < VISITS; visit++) {
          for (const place of visit % 2 ? PLACES.toReversed() : PLACES) {
            for (const f of place === "libggml" ? found.slice(0, 1) : found) {
              const a = await places[place]([name, f.way, tokens, ROWS, COLS, VISIT].map(String));
              if (a.refused) continue; // libggml has no such type; relaxed SIMD is not in that build
              if (place === "libggml") { peer.ms.push(a.ms); peer.kernel = a.kernel; } else f.ms[place].push(a.ms);
            }
          }
        }
        out.push(...found.flatMap(rows));
      }
    }
    return out;
  } finally {
    await places.stop();
  }
}

/** The rows of a case: ms holds the visits of each place, peer those of libggml. */
export function rows({ type, way, tokens, peer, ms }) {
  const weights = tokens * ROWS * COLS;
  const mws = (list) => (list.length ? weights / median(list) / 1000 : null);
  const theirs = mws(peer.ms);
  return PLACES.filter((p) => ms[p].length).map((where) => ({
    what: "dot", type, where, mws: mws(ms[where]), peer_mws: theirs, ratio: theirs === null ? null : mws(ms[where]) / theirs,
    way, shape: tokens === 1 ? "matrix-vector" : "matrix-matrix", tokens, rows: ROWS, cols: COLS, weights,
    gflops: (2 * mws(ms[where])) / 1000, spread: spread(ms[where]), peer_spread: theirs === null ? null : spread(peer.ms),
    ms: ms[where], peer_ms: peer.ms, peer_build: peer.kernel || null,
  }));
}

/** The way of a row, with relaxed SIMD. */
const RELAXED = { exact: "relaxed", integers: "relaxed-integers" };

/** The tables as text. */
export function print(rows) {
  const text = [];
  for (const shape of ["matrix-vector", "matrix-matrix"]) {
    const cases = rows.filter((r) => r.shape === shape && r.where === "chromium" && RELAXED[r.way]);
    if (!cases.length) continue;
    const other = (r, where, way = r.way) => rows.find((o) => o.shape === shape && o.where === where && o.type === r.type && o.way === way)?.mws;
    const relaxed = (r) => other(r, "chromium", RELAXED[r.way]);
    text.push(table(["type", shape, "sums", "chromium", "relaxed", "node", "native Go", "libggml", "ratio"], cases.map((r) => [
      r.type, r.tokens === 1 ? "1 token" : `${r.tokens} tokens`, r.way, digits(r.mws), digits(relaxed(r)), digits(other(r, "node")), digits(other(r, "native")), digits(r.peer_mws),
      r.ratio === null ? "–" : digits(r.ratio) + " ×",
    ]), 3), "");
    const held = cases.filter((r) => r.ratio !== null), both = cases.filter(relaxed);
    if (held.length) text.push(`${shape}, Chromium against ${held[0].peer_build}: geometric mean ${digits(geomean(held.map((r) => r.ratio)))} × of ${held.length} products.`, "");
    if (both.length) text.push(`${shape}, relaxed SIMD against SIMD128: geometric mean ${digits(geomean(both.map((r) => relaxed(r) / r.mws)))} × of ${both.length} products.`, "");
  }
  return text.join("\n").trimEnd();
}
