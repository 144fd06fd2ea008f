// The npm package: installed from its archive without a network, bundled, and
// used as its README says. Its bytes are those of libggml and bitsandbytes.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { rollup } from "@rollup/wasm-node";
import { root, start } from "./site.mjs";

const run = promisify(execFile);
let site, folder, installed, jobs;
const servers = [];

before(async () => {
  site = await start();
  folder = await mkdtemp(join(tmpdir(), "fewbits-package-"));
  installed = join(folder, "node_modules/fewbits");
  await writeFile(join(folder, "package.json"), '{"private": true, "type": "module"}');
  const archive = await fetch(site.url + "fewbits.tgz");
  assert.equal(archive.status, 200);
  await writeFile(join(folder, "fewbits.tgz"), Buffer.from(await archive.arrayBuffer()));
  // With a cache of its own, nothing that was fetched before can help.
  const env = { ...process.env, npm_config_cache: join(folder, "cache") };
  await run("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "./fewbits.tgz"], { cwd: folder, env });
  await bundle();
  jobs = await truths();
});

after(async () => {
  await site?.stop();
  for (const s of servers) s.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** page/: a page of somebody's, whose bundler knows modules and nothing else, and the package's files beside it. */
async function bundle() {
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  await writeFile(join(folder, "main.js"), 'import { open } from "fewbits";\nglobalThis.fewbits = { open };\n');
  const b = await rollup({
    input: join(folder, "main.js"),
    plugins: [{ name: "resolve", resolveId: (id) => (id === "fewbits" ? join(installed, manifest.exports["."].browser) : null) }],
    onwarn(warning) { throw new Error(warning.message); },
  });
  await b.write({ dir: join(folder, "page"), format: "es" });
  await b.close();
  await cp(join(installed, "files"), join(folder, "page/files"), { recursive: true });
}

const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves a folder and a page of that markup on an origin of its own; resolves to its address. */
function origin(dir, html, headers = {}) {
  const server = createServer(async ({ url }, response) => {
    try {
      const body = url === "/" ? `<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">${html}` : await readFile(join(dir, url));
      response.writeHead(200, { "Content-Type": types[extname(url) || ".html"] ?? "application/octet-stream", ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  servers.push(server);
  return new Promise((ok) => server.listen(0, "127.0.0.1", () => ok(`http://127.0.0.1:${server.address().port}/`)));
}

/** What is quantized, and what must come of it: {values, shape, format, importance?, sum}. */
async function truths() {
  const { x, importance } = golden();
  const sums = JSON.parse(await readFile(join(root, "quant/ggml/testdata/golden.json"), "utf8"));
  const bnb = JSON.parse(await readFile(join(root, "quant/codebook/testdata/bnb_4bit.json"), "utf8"));
  const w = layer(), { packed_hex, absmax } = bnb.cases.nf4_b64;
  assert.equal(hash(Buffer.from(w.buffer)), bnb.inputs.W_sha256_le_f32);
  const nf4 = Buffer.concat([Buffer.from(packed_hex, "hex"), Buffer.from(Float32Array.from(absmax).buffer)]);
  const shape = [x.length / COLS, COLS];
  return [
    { values: x, shape, format: "Q4_K", sum: sums.Q4_K.Plain },
    { values: x, shape, format: "Q4_K", importance, sum: sums.Q4_K.Weighted },
    { values: x, shape, format: "q8_0", sum: sums.Q8_0.Plain },
    { values: w, shape: [64, 128], format: "NF4", sum: hash(nf4) },
  ];
}

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
const word = (x) => BigInt.asUintN(64, x);

/** The layer of quant/codebook/testdata/bnb_4bit.json, as inputs there describes it. */
function layer() {
  let state = 1n;
  const next = () => {
    state = word(state + 0x9E3779B97F4A7C15n);
    let z = word((state ^ (state >> 30n)) * 0xBF58476D1CE4E5B9n);
    z = word((z ^ (z >> 27n)) * 0x94D049BB133111EBn);
    return Number((z ^ (z >> 31n)) >> 40n);
  };
  return Float32Array.from({ length: 64 * 128 }, (_, at) => {
    let sum = -6 * 2 ** 24;
    for (let i = 0; i < 12; i++) sum += next();
    return (sum / 2 ** 24) * 0.046875 * (((at >> 7) * 131 + (at & 127) * 17) % 97 ? 1 : 8);
  });
}

const COLS = 768;

/** The tensor that the sums in quant/ggml/testdata/golden.json are of: goldenTensor of golden_test.go there. */
function golden() {
  const u32 = pcg(2n, 4n), x = [], importance = [];
  const normal = () => {
    let sum = 0;
    for (let i = 0; i < 8; i++) sum += u32(1 << 16) - (1 << 15);
    return sum * 2 ** -16;
  };
  for (let i = 0; i < 40 * COLS; i++) {
    const v = normal();
    x.push(v * (u32(500) ? 1 : 64) * 2 ** -5);
  }
  for (let e = -60; e <= 120; e += 6) for (let i = 0; i < COLS; i++) x.push(normal() * 2 ** e);
  for (let i = 0; i < 4 * COLS; i++) x.push(u32(41) - 20);
  for (let i = 0; i < COLS; i++) importance.push(Math.fround(normal() ** 2));
  return { x: Float32Array.from(x), importance };
}

/** Go's math/rand/v2: numbers below n, of PCG-DXSM. */
function pcg(hi, lo) {
  const MUL = (2549297995355413924n << 64n) | 4865540595714422341n, INC = (6364136223846793005n << 64n) | 1442695040888963407n;
  let state = (hi << 64n) | lo;
  const next = () => {
    state = BigInt.asUintN(128, state * MUL + INC);
    let h = state >> 64n;
    h = word((h ^ (h >> 32n)) * 0xda942042e4dd58b5n);
    return word((h ^ (h >> 48n)) * (word(state) | 1n));
  };
  return (n) => {
    if (!(n & (n - 1))) return Number(next() & BigInt(n - 1));
    for (;;) {
      const product = (next() >> 32n) * BigInt(n), low = Number(product & 0xffffffffn);
      if (low >= n || low >= (2 ** 32 - n) % n) return Number(product >> 32n);
    }
  };
}

/** Runs the jobs with what opens the engine, in a page or in Node: hashes of bytes. */
async function work(open, jobs, options) {
  const fb = await open(options), sums = [];
  try {
    for (const { values, sum, ...job } of jobs) {
      const r = await fb.quantize(Float32Array.from(values), job);
      if (r.reconstructed.length !== values.length || !(r.metrics.cosine > 0.9)) throw new Error(`${job.format}: ${JSON.stringify(r.metrics)}`);
      const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", r.bytes));
      sums.push([...bytes].map((b) => b.toString(16).padStart(2, "0")).join(""));
    }
    return { sums, formats: fb.formats };
  } finally {
    fb.close();
  }
}

/** Opens a page that sets globalThis.fewbits, runs the jobs, and fails on what it says on the console. Gives the formats, and what was loaded. */
async function visit(url, options) {
  const context = await site.browser.newContext(), page = await context.newPage();
  const faults = [], asked = [];
  page.on("console", (m) => { if (m.type() === "error") faults.push(m.text()); });
  page.on("pageerror", (e) => faults.push(e.message));
  page.on("request", (r) => asked.push(r.url()));
  try {
    await page.goto(url);
    await page.waitForFunction(() => globalThis.fewbits, null, { timeout: 10_000 }).catch(() => assert.deepEqual(faults, ["a page that sets fewbits"]));
    const plain = jobs.map((j) => ({ ...j, values: [...j.values] }));
    const { sums, formats } = await page.evaluate(`(${work})(globalThis.fewbits.open, ${JSON.stringify(plain)}, ${JSON.stringify(options)})`);
    assert.deepEqual(faults, []);
    assert.deepEqual(sums, jobs.map((j) => j.sum));
    return { formats, asked };
  } finally {
    await context.close();
  }
}

const bundled = '<script type="module" src="/main.js"></script>';

test("a bundle has the engine inside, under a strict policy", async () => {
  const url = await origin(join(folder, "page"), bundled, {
    "Content-Security-Policy": "default-src 'none'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:",
  });
  const { asked } = await visit(url);
  assert.ok(asked.every((u) => u.startsWith(url) && !u.includes("/files/") || /^(blob|data):/.test(u)), String(asked));
});

test("files beside the page need no blob", async () => {
  await writeFile(join(folder, "page/own.js"), 'import { open } from "./files/fewbits.js";\nglobalThis.fewbits = { open };\n');
  await visit(await origin(join(folder, "page"), '<script type="module" src="/own.js"></script>', {
    "Content-Security-Policy": "default-src 'none'; img-src data:; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'",
  }));
});

test("files of another origin: a script element, a module, a base", async () => {
  const files = await origin(join(installed, "files"), "", { "Access-Control-Allow-Origin": "*" });
  await visit(await origin(folder, `<script src="${files}script.js"></script>`));
  await visit(await origin(folder, `<script type="module">import { open } from "${files}fewbits.js"; globalThis.fewbits = { open };</script>`));
  const { asked } = await visit(await origin(join(folder, "page"), bundled), { base: files, workers: 2 });
  assert.ok(asked.includes(files + "fewbits.wasm"), String(asked));
});

test("a site of Fewbits, from a page of another origin: a module, a base", async () => {
  await visit(await origin(folder, `<script type="module">import { open } from "${site.url}fewbits.js"; globalThis.fewbits = { open };</script>`));
  const { asked } = await visit(await origin(join(folder, "page"), bundled), { base: site.url });
  assert.ok(asked.some((u) => u.startsWith(site.url) && u.endsWith(".wasm")), String(asked));
});

test("Node", async () => {
  const script = `import { readFileSync } from "node:fs";\nimport { open } from "fewbits";\nconsole.log(JSON.stringify(await (${work})(open, JSON.parse(readFileSync("jobs.json")))));\n`;
  await writeFile(join(folder, "jobs.json"), JSON.stringify(jobs.map((j) => ({ ...j, values: [...j.values] }))));
  await writeFile(join(folder, "node.js"), script);
  const { stdout } = await run(process.execPath, ["node.js"], { cwd: folder, timeout: 60_000, maxBuffer: 1 << 24 });
  assert.deepEqual(JSON.parse(stdout).sums, jobs.map((j) => j.sum));
});

test("what the README shows runs", async () => {
  const [, code] = /```js\n([^]*?)```/.exec(await readFile(join(installed, "README.md"), "utf8"));
  await writeFile(join(folder, "readme.js"), code);
  await run(process.execPath, ["readme.js"], { cwd: folder, timeout: 60_000 });
});

test("what is inside, and what its types name", async () => {
  const files = (await readdir(installed, { recursive: true, withFileTypes: true })).filter((f) => f.isFile()).map((f) => f.name).sort();
  assert.deepEqual(files, [
    "GO-LICENSE", "LICENSE", "README.md", "engine.js", "fewbits.d.ts", "fewbits.js", "fewbits.js", "fewbits.wasm",
    "node-worker.js", "node.js", "package.json", "script.js", "worker.js",
  ]);
  const { formats } = await visit(await origin(join(folder, "page"), bundled));
  const declared = await readFile(join(installed, "fewbits.d.ts"), "utf8");
  const of = (name) => new RegExp(`export interface ${name} \\{([^]*?)\n\\}`).exec(declared)[1];
  const has = (name, key) => assert.match(of(name), new RegExp(`\n  (readonly )?${key}\\??:`), `${name} without ${key}`);
  for (const f of formats) {
    for (const key of Object.keys(f)) has("Format", key);
    for (const key of f.options) has("QuantizeOptions", key);
    assert.ok(of("Format").includes(`"${f.family}"`), f.family);
  }
});
