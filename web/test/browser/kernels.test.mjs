// The kernels' own Go tests, compiled to wasm and run in the browser: SIMD128
// against the portable twins, in the engine that visitors have.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGS, root } from "./site.mjs";

/** A file that ./build.sh test builds. */
function built(variable, name) {
  const file = process.env[variable] || join(root, ".cache", name);
  assert.ok(existsSync(file), `${file} is missing: ./build.sh test builds it`);
  return file;
}

// f32x4.relaxed_madd
const RELAXED = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11];

/** Runs a test program in a page; resolves to the status it ended with and what it said, null where the browser does not know such a module. */
async function inBrowser(wasm, args, needs) {
  const files = {
    "/": ["text/html", "<!doctype html><title>kernels</title>"],
    "/wasm_exec.js": ["text/javascript", await readFile(join(root, ".cache/stage/wasm/wasm_exec.js"))],
    "/kernels.wasm": ["application/wasm", await readFile(wasm)],
  };
  const server = createServer((q, r) => {
    const f = files[q.url];
    r.writeHead(f ? 200 : 404, { "Content-Type": f?.[0] || "text/plain" }).end(f?.[1]);
  });
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGS });
  try {
    const page = await browser.newPage();
    const lines = [];
    page.on("console", (m) => lines.push(m.text()));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    if (needs && !(await page.evaluate((m) => WebAssembly.validate(new Uint8Array(m)), needs))) return null;
    const code = await page.evaluate(async (args) => {
      await import("/wasm_exec.js");
      const go = new globalThis.Go();
      go.argv = ["kernels.test", "-test.short", "-test.v", ...args];
      const done = new Promise((ok) => { go.exit = ok; });
      const { instance } = await WebAssembly.instantiateStreaming(fetch("/kernels.wasm"), go.importObject);
      go.run(instance);
      return done;
    }, args);
    return { code, text: lines.join("\n") };
  } finally {
    await browser.close();
    server.close();
  }
}

function passed({ code, text }, least) {
  assert.equal(code, 0, text.slice(-4000));
  assert.match(text, /^PASS$/m);
  assert.ok((text.match(/^\s*--- PASS/gm) || []).length > least, `few tests ran:\n${text.slice(-2000)}`);
  assert.doesNotMatch(text, /^--- FAIL/m);
}

test("the twins agree in this browser", { timeout: 240_000 }, async () => {
  const run = await inBrowser(built("FEWBITS_KERNELS", "kernels.test.wasm"), ["-test.skip=^Fuzz"]); // a page has no files to read seeds from
  passed(run, 20);
});

test("products with relaxed SIMD are as near as they say", { timeout: 120_000 }, async (t) => {
  const run = await inBrowser(built("FEWBITS_KERNELS_RELAXED", "kernels-relaxed.test.wasm"), ["-test.run=Relaxed|Active"], RELAXED);
  if (!run) return t.skip("this browser has no relaxed SIMD");
  passed(run, 8);
});
