import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root, serve, start } from "./site.mjs";

const command = process.env.FEWBITS_COMMAND || join(root, ".cache/fewbits");
const run = promisify(execFile);

let site, plainPage, isolatedPage, folder, parts;
before(async () => {
  site = await start();
  plainPage = await elsewhere({});
  isolatedPage = await elsewhere({ "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" });
  folder = await mkdtemp(join(tmpdir(), "fewbits-"));
  parts = site.url + /a\/[0-9a-f]+\/js\//.exec(await (await fetch(site.url + "fewbits.js")).text())[0];
});
after(async () => {
  await site?.stop();
  for (const s of [plainPage, isolatedPage]) s?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Somebody's page, on an origin of its own. */
function elsewhere(headers) {
  const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html", ...headers }).end("<!doctype html><title>elsewhere</title><link rel=icon href=data:,>"));
  return new Promise((ok) => server.listen(0, "127.0.0.1", () => ok({ url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() })));
}

/** Opens a page, runs f(page) and fails on what it says on the console. */
async function visit(url, f, allow = []) {
  const context = await site.browser.newContext();
  const page = await context.newPage();
  const faults = [];
  page.on("console", (m) => { if (m.type() === "error" && !allow.some((a) => m.text().includes(a))) faults.push(m.text()); });
  page.on("pageerror", (e) => faults.push(e.message));
  try {
    await page.goto(url);
    await f(page);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** Runs f(fb, arg) in the page with the engine open; then closes it and wants every worker gone. */
async function withEngine(page, f, { arg, options = {}, module = site.url + "fewbits.js" } = {}) {
  const had = page.workers().length;
  const open = async (module, options, f, arg) => {
    const { open } = await import(module);
    const fb = await open(options);
    try {
      return await f(fb, arg);
    } finally {
      fb.close();
    }
  };
  const result = await page.evaluate(`(${open})(${JSON.stringify(module)}, ${JSON.stringify(options)}, ${f}, ${JSON.stringify(arg)})`);
  await gone(page, had);
  return result;
}

async function gone(page, left = 0) {
  for (let i = 0; page.workers().length > left; i++) { // a browser gives a busy one some seconds
    assert.ok(i < 500, `${page.workers().length} workers are left`);
    await new Promise((r) => setTimeout(r, 20));
  }
}

/** The same numbers every time: sums of four uniform ones, with a few that lie far out. */
function values(n) {
  let state = 12345;
  const uniform = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32; };
  return Float32Array.from({ length: n }, (_, i) => (uniform() + uniform() + uniform() + uniform() - 2) * (i % 97 ? 0.05 : 0.4));
}

function npy(x, rows, cols) {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${cols}), }`;
  const text = head.padEnd(Math.ceil((10 + head.length + 1) / 64) * 64 - 11) + "\n";
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([text.length & 255, text.length >> 8]), Buffer.from(text), Buffer.from(x.buffer)]);
}

const ROWS = 4, COLS = 512;
const cases = [
  { format: "Q4_K", blocks: { scale: 64, min: 64 } },
  { format: "int4", group: 32, blocks: { scale: 64, zeroPoint: 64 } },
  { format: "NF4", blocks: { scale: 32 } },
  { format: "INT8", granularity: "channel", sym: true, blocks: { scale: 4, zeroPoint: 4 } },
  { format: "FP8_E4M3", blocks: { scale: 0 } },
];

/** Quantizes as every case asks, and wants what the module promises. */
async function quantizeAll(page, options) {
  const x = values(ROWS * COLS);
  const results = await withEngine(page, async (fb, { x, cases, shape }) => {
    const mine = Float32Array.from(x), results = [];
    for (const { blocks, ...options } of cases) {
      const r = await fb.quantize(mine, { shape, ...options });
      if (!(r.bytes instanceof Uint8Array && r.reconstructed instanceof Float32Array)) throw new Error("of another type");
      results.push({
        bytes: [...r.bytes], reconstructed: [...r.reconstructed], metrics: r.metrics,
        blocks: Object.fromEntries(Object.entries(r.blocks).map(([k, v]) => [k, [...v]])),
      });
      if (mine.length !== x.length || mine.some((v, i) => v !== x[i])) throw new Error("the values given have changed");
    }
    return { results, formats: fb.formats };
  }, { arg: { x: [...x], cases, shape: [ROWS, COLS] }, ...options });

  assert.ok(results.formats.length > 10);
  for (const f of results.formats) assert.ok(f.name && f.family && f.bitsPerWeight > 0, JSON.stringify(f));
  for (const [i, c] of cases.entries()) {
    const r = results.results[i];
    assert.equal(r.reconstructed.length, x.length, c.format);
    let sum = 0, most = 0;
    r.reconstructed.forEach((y, j) => { sum += (y - x[j]) ** 2; most = Math.max(most, Math.abs(y - x[j])); });
    const m = r.metrics, near = (a, b, name) => assert.ok(Math.abs(a - b) <= 1e-6 * Math.abs(b), `${c.format}: ${name} is ${a}, want ${b}`);
    near(m.mse, sum / x.length, "mse");
    near(m.rmse, Math.sqrt(sum / x.length), "rmse");
    near(m.maxAbs, most, "maxAbs");
    near(m.bitsPerWeight, (r.bytes.length * 8) / x.length, "bitsPerWeight");
    near(m.sqnr, 10 * Math.log10(x.reduce((s, v) => s + v * v, 0) / sum), "sqnr");
    assert.ok(m.cosine > 0.9 && m.cosine <= 1 && m.nonFinite === 0, c.format);
    assert.deepEqual(Object.fromEntries(Object.entries(r.blocks).map(([k, v]) => [k, v.length])), c.blocks, c.format);
  }
  return results.results;
}

test("from a page of the site", async () => {
  await visit(site.url, async (page) => {
    await page.waitForSelector("#stage[data-ready=true]");
    await quantizeAll(page);
  });
});

test("the bytes are those of the command", { skip: existsSync(command) ? false : "there is no command: build it, or name it in FEWBITS_COMMAND" }, async () => {
  const input = join(folder, "x.npy");
  await writeFile(input, npy(values(ROWS * COLS), ROWS, COLS));
  await visit(plainPage.url, async (page) => {
    const results = await quantizeAll(page);
    for (const [i, { format, blocks, ...options }] of cases.entries()) {
      const output = join(folder, "out.bin");
      await run(command, ["quantize", input, "-to", format, "-o", output, ...Object.entries(options).map(([k, v]) => `${k}=${v}`)]);
      assert.deepEqual(Buffer.from(results[i].bytes), await readFile(output), format);
    }
  });
});

test("from a page of another origin", async () => {
  await visit(plainPage.url, async (page) => {
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    await quantizeAll(page);
  });
});

test("from a cross-origin isolated page of another origin, with shared memory too", async () => {
  await visit(isolatedPage.url, async (page) => {
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    await quantizeAll(page);
    const same = await withEngine(page, async (fb) => {
      const shared = new Float32Array(new SharedArrayBuffer(4 * 256)).fill(0.25);
      const r = await fb.quantize(shared, { format: "Q8_0" });
      return shared.length === 256 && r.reconstructed.every((v) => Math.abs(v - 0.25) < 1e-3);
    });
    assert.ok(same);
  });
});

test("base names where Fewbits is served", async () => {
  const other = await serve();
  try {
    await visit(plainPage.url, async (page) => {
      for (const base of [other.url, other.url.slice(0, -1)]) {
        const from = new Set();
        page.on("request", (r) => { if (r.url().endsWith(".wasm")) from.add(new URL(r.url()).origin + "/"); });
        await quantizeAll(page, { options: { base } });
        assert.ok(!from.has(site.url), `the engine of ${site.url} was loaded`);
      }
      await quantizeAll(page, { options: { base: site.url } });
    });
    const nowhere = site.url + "nowhere/fewbits.js";
    await visit(plainPage.url, async (page) => {
      const why = await page.evaluate(async ([module, base]) => {
        const { open } = await import(module);
        return open({ base }).then(() => "", (e) => e.message);
      }, [site.url + "fewbits.js", site.url + "nowhere"]);
      assert.ok(why.includes(nowhere), why);
    }, [nowhere, "Failed to load resource"]);
  } finally {
    await other.stop();
  }
});

test("wrong input is refused with a reason, and the engine goes on", async () => {
  await visit(plainPage.url, async (page) => {
    const told = await withEngine(page, async (fb) => {
      const x = new Float32Array(512).fill(1), bad = x.slice();
      bad[300] = NaN;
      const tries = [
        [x, { format: "Q4_K", shape: [3, 256] }],
        [x, { format: "Q4_K", shape: [4, 128] }],
        [x, { format: "Q4_K", shape: [2.5, 256] }],
        [x, { format: "Q4_K", shape: [-2, -256] }],
        [x, { format: "Q4_K", shape: "2x256" }],
        [x, { format: "Q4_K", shape: 512 }],
        [x, { format: "Q9_Z" }],
        [x, {}],
        [x, undefined],
        [x, { format: "INT4", colour: "red" }],
        [x, { format: "INT4", group: -7 }],
        [x, { format: "INT4", range: "widest" }],
        [bad, { format: "INT4", shape: [2, 256] }],
        [bad, { format: "Q8_0", shape: [2, 256] }],
        [[1, 2, 3], { format: "INT4" }],
        [new Float64Array(4), { format: "INT4" }],
        [x.buffer, { format: "INT4" }],
        [undefined, { format: "INT4" }],
        [new Float32Array(0), { format: "INT4" }],
        [x, { format: "Q4_K", importance: [1, -1] }],
        [x, { format: "Q4_K", importance: [1, 1] }],
        [structuredClone(x, { transfer: [] }), { format: "Q4_K", shape: [2, 256], importance: null, group: undefined }],
      ];
      const told = [];
      for (const [values, options] of tries) {
        told.push(await fb.quantize(values, options).then((r) => `ok ${r.bytes.length}`, (e) => `${e instanceof Error ? e.name : "not an error"}: ${e.message}`));
      }
      return told;
    });
    const want = [
      /^Error: .*shape \[3 256\] holds 768 values, but 512 are given/,
      /^Error: .*rows of 128 values are not a multiple of the 256 that a block of Q4_K holds/,
      /^TypeError: a shape is an array of whole numbers, such as \[rows, columns\], not \[2\.5,256\]/,
      /^TypeError: a shape is an array/,
      /^TypeError: a shape is an array/,
      /^TypeError: a shape is an array .* not 512/,
      /^Error: there is no format "Q9_Z"/,
      /^TypeError: quantize needs a format/,
      /^TypeError: quantize needs a format/,
      /^Error: option "colour" is not known; there are bits, /,
      /^Error: option group=-7: want a whole number/,
      /^Error: option range=widest: want one of minmax, /,
      /^Error: .*row 1, column 44 is NaN; there are 1 NaN/,
      /^Error: .*row 1, column 44 is NaN/,
      /^TypeError: quantize takes a Float32Array/,
      /^TypeError: quantize takes a Float32Array/,
      /^TypeError: quantize takes a Float32Array/,
      /^TypeError: quantize takes a Float32Array/,
      /^Error: .*is empty/,
      /^TypeError: importance 1 is -1/,
      /^Error: .*512 columns, but the importance matrix has 2 weights/,
      /^ok 288$/,
    ];
    told.forEach((t, i) => assert.match(t, want[i]));
    assert.equal(told.length, want.length);
  });
});

test("what floats cannot hold is counted and left out of the numbers", async () => {
  await visit(plainPage.url, async (page) => {
    const [some, exact, none] = await withEngine(page, async (fb) => {
      const of = async (format, x) => { const { metrics: m } = await fb.quantize(Float32Array.from(x), { format }); return [m.nonFinite, m.mse, m.sqnr]; };
      return [await of("FP16", [NaN, 1e6, 1 / 3, 1]), await of("FP32", [1, 2]), await of("FP16", [0.5, -Infinity])];
    });
    assert.equal(some[0], 2);
    assert.ok(some[1] > 0 && some[1] < 1e-7 && some[2] > 60 && some[2] < 100, String(some));
    assert.deepEqual(exact, [0, 0, Infinity]);
    assert.deepEqual(none, [1, 0, Infinity]);
  });
});

test("a signal aborts before, while it waits, and while it runs; the engine goes on", async () => {
  await visit(plainPage.url, async (page) => {
    const r = await withEngine(page, async (fb) => {
      const big = new Float32Array(8 << 20), small = new Float32Array(256).fill(0.5);
      for (let i = 0; i < big.length; i++) big[i] = Math.sin(i);
      const slow = { format: "INT4", range: "mse", group: 64, shape: [big.length >> 10, 1024] };
      const start = (x, options, signal) => fb.quantize(x, { ...options, signal }).then(() => "done", (e) => e);
      const told = [], reason = new Error("enough");

      told.push(await start(small, { format: "Q8_0" }, AbortSignal.abort(reason)) === reason);

      const running = new AbortController(), waiting = new AbortController();
      const one = start(big, slow, running.signal), two = start(small, { format: "Q8_0" }, waiting.signal), three = start(small, { format: "Q8_0" });
      waiting.abort(reason);
      told.push(await two === reason);
      await new Promise((r) => setTimeout(r, 200));
      const before = performance.now();
      running.abort();
      const e = await one;
      told.push(e.name, performance.now() - before < 100);
      told.push(await three);
      told.push(big.length === 8 << 20 && big[1] === Math.fround(Math.sin(1)));
      told.push(await start(small, { format: "Q4_K" }));
      const timed = await start(big, slow, AbortSignal.timeout(100));
      told.push(timed.name, await start(small, { format: "Q4_K" }));
      return told;
    });
    assert.deepEqual(r, [true, true, "AbortError", true, "done", true, "done", "TimeoutError", "done"]);
  });
});

test("two workers work at the same time", async () => {
  await visit(plainPage.url, async (page) => {
    const order = await withEngine(page, async (fb) => {
      const big = new Float32Array(2 << 20), small = new Float32Array(256).fill(0.5);
      for (let i = 0; i < big.length; i++) big[i] = Math.sin(i);
      const order = [];
      const start = (name, x, options) => fb.quantize(x, options).then((r) => { order.push(name); return r; });
      const calls = [start("slow", big, { format: "INT4", range: "mse", group: 64 })];
      for (let i = 0; i < 3; i++) calls.push(start("quick", small, { format: "Q8_0" }));
      await Promise.all(calls);
      return order;
    }, { options: { workers: 2 } });
    assert.deepEqual(order, ["quick", "quick", "quick", "slow"]);
    assert.equal(page.workers().length, 0);
    const count = await page.evaluate(async (module) => {
      globalThis.fb = await (await import(module)).open({ workers: 2 });
      await Promise.all([1, 2].map(() => fb.quantize(new Float32Array(4), { format: "INT8" })));
    }, site.url + "fewbits.js").then(() => page.workers().length);
    assert.equal(count, 2);
    await page.evaluate(() => fb.close());
    await gone(page);
  });
});

test("close fails what is under way, and nothing is left", async () => {
  await visit(plainPage.url, async (page) => {
    const told = await withEngine(page, async (fb) => {
      const big = new Float32Array(4 << 20).map((_, i) => Math.sin(i));
      const end = (p) => p.then(() => "done", (e) => e.message);
      const calls = [1, 2].map(() => end(fb.quantize(big, { format: "INT4", range: "mse", group: 64 })));
      await new Promise((r) => setTimeout(r, 50));
      fb.close();
      fb.close();
      return Promise.all([...calls, end(fb.quantize(big, { format: "INT8" }))]);
    });
    assert.deepEqual(told, ["the engine is closed", "the engine is closed", "the engine is closed"]);
  });
});

// What lies under the module: files, faults of the core, and the end of a worker.

test("a file is read where and as far as it is asked", async () => {
  await visit(plainPage.url, async (page) => {
    const r = await page.evaluate(async (parts) => {
      const { Fewbits, compile } = await import(parts + "fewbits.js");
      const fb = new Fewbits(await compile());
      const call = async (op, args, more) => { const r = await fb.lane("x").call(op, args, more); return { ...JSON.parse(r.json), arrays: r.arrays }; };
      const told = {};

      // A GGUF file with more metadata than is read at a time, of strings of every length.
      const text = new TextEncoder(), chunks = [];
      const put = (...a) => chunks.push(...a);
      const u32 = (n) => new Uint8Array(new Uint32Array([n]).buffer), u64 = (n) => new Uint8Array(new BigUint64Array([BigInt(n)]).buffer);
      const str = (s) => { const b = text.encode(s); put(u64(b.length), b); };
      const words = Array.from({ length: 30_000 }, (_, i) => "w" + "·".repeat(i % 23) + i);
      put(text.encode("GGUF"), u32(3), u64(2), u64(3));
      str("general.architecture"); put(u32(8)); str("test");
      str("words"); put(u32(9), u32(8), u64(words.length)); words.forEach(str);
      str("last"); put(u32(4), u32(77));
      const rows = 301, cols = 1000;
      str("a"); put(u32(2), u64(cols), u64(rows), u32(0), u64(0));
      str("b"); put(u32(1), u64(8), u32(0), u64(rows * cols * 4));
      const length = chunks.reduce((n, c) => n + c.length, 0);
      put(new Uint8Array((32 - (length % 32)) % 32));
      const pattern = Float32Array.from({ length: rows * cols }, (_, i) => i / 2);
      put(new Uint8Array(pattern.buffer), new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer));
      const file = new File(chunks, "test.gguf");
      const info = await call("open", { name: file.name }, { file });
      told.size = file.size > 1.5e6 && info.size === file.size;
      told.meta = info.meta.map((m) => m.key + "=" + m.value.slice(0, 30)).join("; ");
      told.tensors = info.tensors.map((t) => t.name + " " + t.shape).join("; ");
      const stats = await call("load", { kind: "file", index: 0 });
      told.stats = [stats.min, stats.max, stats.values];
      const all = (await call("rows", { row: 0, rows, col: 0, cols })).arrays.values;
      told.pattern = all.length === pattern.length && all.every((v, i) => v === pattern[i]);
      await call("load", { kind: "file", index: 1 });
      told.end = [...(await call("rows", { rows: 1, cols: 8 })).arrays.values];

      // Files that end at, before and after what is read at a time.
      told.raw = [];
      for (const n of [1, 3, 65536 - 1, 65536, 65536 + 1, 16384, 16383, 200_000]) {
        const x = Float32Array.from({ length: n }, (_, i) => i * 0.25 - 3), name = "x.f32";
        await call("open", { name }, { file: new File([x], name) });
        await call("load", { kind: "file" });
        const back = (await call("rows", { rows: 1, cols: n })).arrays.values;
        told.raw.push(back.length === n && back.every((v, i) => v === x[i]));
      }
      // One that is cut short, and one that is no file at all.
      const fails = (more, name) => call("open", { name }, more).then(() => "opened", (e) => e.message);
      told.cut = await fails({ file: file.slice(0, 400_000) }, "cut.gguf");
      told.empty = await fails({ file: new Blob() }, "empty.gguf");
      told.broken = await fails({ file: { size: 4096 } }, "broken.gguf");
      told.panic = await fails({ file: 5 }, "number.gguf");
      told.after = (await call("load", { kind: "values", name: "v" }, { values: new Float32Array([1, 2, 6]) })).mean;
      fb.close();
      return told;
    }, parts);
    assert.ok(r.size);
    assert.match(r.meta, /general\.architecture=test; words=30000 strings: \["w0" "w·1.*; last=77/);
    assert.equal(r.tensors, "a 301,1000; b 8");
    assert.deepEqual(r.stats, [0, 150_499.5, 301_000]);
    assert.ok(r.pattern);
    assert.deepEqual(r.end, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.ok(r.raw.every(Boolean), String(r.raw));
    assert.match(r.cut, /ends|byte/);
    assert.match(r.empty, /empty/);
    assert.match(r.broken, /the file cannot be read at byte 0/);
    assert.match(r.panic, /^the worker failed in "open": /);
    assert.equal(r.after, 3);
    await gone(page);
  });
});

test("a worker that runs out of memory says so, and the next one knows what it knew", async () => {
  await visit(plainPage.url, async (page) => {
    const r = await page.evaluate(async (parts) => {
      const { Fewbits } = await import(parts + "fewbits.js");
      const bytes = new Uint8Array(await (await fetch(parts + "../wasm/fewbits.wasm")).arrayBuffer());
      const fb = new Fewbits(await WebAssembly.compile(limited(bytes, 1500)));
      const lane = fb.lane("x");
      const call = async (op, args) => JSON.parse((await lane.call(op, args)).json);
      const small = { kind: "sample", name: "normal", rows: 16, cols: 256, seed: 1 };
      await call("load", small);
      lane.remember("load", small);
      const told = [];
      for (let i = 0; i < 2; i++) {
        told.push(await call("load", { ...small, rows: 8192, cols: 8192 }).then(() => "loaded", (e) => e.message));
        told.push((await call("analyze", { format: "Q4_K" })).metrics.values);
      }
      fb.close();
      return told;

      /** The module with a memory that grows by so many pages of 64 KiB and no more. */
      function limited(wasm, pages) {
        const leb = (n) => { const b = []; do { b.push((n & 127) | (n > 127 ? 128 : 0)); n >>>= 7; } while (n); return b; };
        let at = 8;
        const read = () => { let n = 0, s = 0, b; do { b = wasm[at++]; n |= (b & 127) << s; s += 7; } while (b & 128); return n; };
        for (;;) {
          const begin = at, id = wasm[at++], size = read(), body = at;
          if (id === 5) {
            at += 2; // one memory, of these limits
            const least = read(), limits = [1, 1, ...leb(least), ...leb(least + pages)];
            return concat([wasm.slice(0, begin), [5, ...leb(limits.length), ...limits], wasm.slice(body + size)]);
          }
          at = body + size;
        }
      }
      function concat(list) {
        const out = new Uint8Array(list.reduce((n, p) => n + p.length, 0));
        let at = 0;
        for (const p of list) { out.set(p, at); at += p.length; }
        return out;
      }
    }, parts);
    const died = 'the worker stopped while it was busy with "load" (out of memory); it was started again';
    assert.deepEqual(r, [died, 4096, died, 4096]);
    await gone(page);
  });
});
