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

const wasm = process.env.FEWBITS_KERNELS || join(root, ".cache/kernels.test.wasm");

test("the twins agree in this browser", { timeout: 240_000 }, async () => {
  assert.ok(existsSync(wasm), `${wasm} is missing: ./build.sh test builds it`);
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
    const code = await page.evaluate(async () => {
      await import("/wasm_exec.js");
      const go = new globalThis.Go();
      go.argv = ["kernels.test", "-test.short", "-test.v", "-test.skip=^Fuzz"]; // a page has no files to read seeds from
      const done = new Promise((ok) => { go.exit = ok; });
      const { instance } = await WebAssembly.instantiateStreaming(fetch("/kernels.wasm"), go.importObject);
      go.run(instance);
      return done;
    });
    const text = lines.join("\n");
    assert.equal(code, 0, text.slice(-4000));
    assert.match(text, /^PASS$/m);
    assert.ok((text.match(/^\s*--- PASS/gm) || []).length > 20, `few tests ran:\n${text.slice(-2000)}`);
    assert.doesNotMatch(text, /^--- FAIL/m);
  } finally {
    await browser.close();
    server.close();
  }
});
