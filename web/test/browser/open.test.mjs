// Opening more than one file on this machine: several, a folder, a URL.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { accessible, fits } from "./manners.mjs";
import { data, noData, says, start, visit } from "./site.mjs";

let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-open-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const view = (page, name) => page.locator(`[data-view=${name}]`);
const alert = (page, name) => view(page, name).getByRole("alert");
/** The news of a view; Model has more statuses, of its parts, once a file is open. */
const status = (page, name) => view(page, name).locator(`#${name[0]}-status[role=status]`);
const tensors = (page) => page.locator("#m-rows tr:not(.gap)").evaluateAll((list) => list.map((tr) => tr.cells[0].textContent.trim()));

/** A value of GGUF's metadata: u16, u32, i32 or a string. */
function pair(key, type, v) {
  const text = (s) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(Buffer.byteLength(s))); return Buffer.concat([b, Buffer.from(s)]); };
  const kind = Buffer.alloc(4), value = Buffer.alloc(type === "u16" ? 2 : 4);
  kind.writeUInt32LE({ u16: 2, u32: 4, i32: 5, string: 8 }[type]);
  if (type === "u16") value.writeUInt16LE(v); else if (type !== "string") value.writeUInt32LE(v);
  return Buffer.concat([text(key), kind, type === "string" ? text(v) : value]);
}

/** A GGUF file of F32 tensors: {name: [rows, cols]}, filled with a pattern. */
function gguf(pairs, shapes) {
  const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
  const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
  const head = [Buffer.from("GGUF"), u32(3), u64(Object.keys(shapes).length), u64(pairs.length), ...pairs], body = [];
  let at = 0;
  for (const [name, [rows, cols]] of Object.entries(shapes)) {
    head.push(u64(name.length), Buffer.from(name), u32(2), u64(cols), u64(rows), u32(0), u64(at));
    const x = new Float32Array(rows * cols);
    for (let i = 0; i < x.length; i++) x[i] = Math.sin(i * 12.9898 + rows) * 0.05;
    body.push(Buffer.from(x.buffer));
    at += 4 * x.length; // a multiple of the alignment where cols is one of 8
  }
  const front = Buffer.concat(head);
  return Buffer.concat([front, Buffer.alloc((32 - (front.length % 32)) % 32), ...body]);
}

/** The parts of a model of one tensor a file, as gguf-split makes them. */
function parts(shapes) {
  const names = Object.keys(shapes);
  return names.map((name, i) => ({
    name: `tale-${String(i + 1).padStart(5, "0")}-of-${String(names.length).padStart(5, "0")}.gguf`,
    bytes: gguf([
      ...(i ? [] : [pair("general.architecture", "string", "x")]),
      pair("split.no", "u16", i), pair("split.count", "u16", names.length), pair("split.tensors.count", "i32", names.length),
    ], { [name]: shapes[name] }),
  }));
}

const TALE = { "blk.0.attn_q.weight": [64, 256], "blk.0.attn_k.weight": [32, 256], "output.weight": [128, 256] };

/** A safetensors file of F32 tensors, each filled with one value. */
function box(shapes) {
  const header = {}, body = [];
  let at = 0;
  for (const [name, [rows, cols, v = 0.5]] of Object.entries(shapes)) {
    const n = rows * (cols ?? 1);
    header[name] = { dtype: "F32", shape: cols ? [rows, cols] : [rows], data_offsets: [at, at += 4 * n] };
    body.push(Buffer.from(new Float32Array(n).fill(v).buffer));
  }
  const text = Buffer.from(JSON.stringify(header)), size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...body]);
}

async function put(name, bytes) {
  const path = join(dir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/**
 * Drops files and folders by their paths, as the system does. The browser
 * loses a drag that comes before it has a frame to aim at, and does not say
 * so: it is done again until the page has seen it.
 */
async function drop(page, paths) {
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  await page.evaluate(() => { globalThis.drops = 0; addEventListener("drop", () => { drops++; }, true); });
  for (let i = 0; i < 10; i++) {
    for (const type of ["dragEnter", "dragOver", "drop"]) await cdp.send("Input.dispatchDragEvent", { type, x: 400, y: 300, data });
    if (await page.waitForFunction(() => drops, null, { timeout: 2000 }).catch(() => false)) return;
    await cdp.send("Input.dispatchDragEvent", { type: "dragCancel", x: 400, y: 300, data });
  }
  assert.fail("ten drags never reached the page");
}

/** Unfolds the further ways to open, and finds the field of a URL. */
async function field(page, name) {
  const details = view(page, name).locator("details.alt"), source = view(page, name).locator("details:has(> .stack > .alt)");
  if (!await source.evaluate((d) => d.open)) await source.locator("> summary").click();
  if (!await details.evaluate((d) => d.open)) await details.locator("summary").click();
  return view(page, name).getByLabel("Open a URL");
}

async function openURL(page, name, url) {
  const input = await field(page, name);
  await input.fill(url);
  await input.press("Enter");
}

/**
 * A server of files in memory: {path: bytes}. ranges: it answers with parts;
 * cors: any page may read. It counts the bytes that it sends of each path.
 */
async function serveFiles(files, { ranges = true, cors = true, tag = () => '"1"', expose = "Content-Range, ETag" } = {}) {
  const sent = {}, asked = {};
  const server = createServer((q, r) => {
    const path = decodeURIComponent(new URL(q.url, "http://x").pathname), file = files[path];
    if (cors) r.setHeader("Access-Control-Allow-Origin", "*").setHeader("Access-Control-Allow-Headers", "Range").setHeader("Access-Control-Expose-Headers", expose);
    if (q.method === "OPTIONS") return r.writeHead(204).end();
    asked[path] = (asked[path] || 0) + 1;
    if (!file) return r.writeHead(404).end("no such file");
    r.setHeader("ETag", tag(path)).setHeader("Cache-Control", "no-store");
    const m = ranges && /^bytes=(\d+)-(\d+)$/.exec(q.headers.range || "");
    const part = m ? file.subarray(Number(m[1]), Number(m[2]) + 1) : file;
    if (m) r.setHeader("Content-Range", `bytes ${m[1]}-${Number(m[1]) + part.length - 1}/${file.length}`);
    r.writeHead(m ? 206 : 200, { "Content-Length": part.length });
    if (q.method === "HEAD") return r.end();
    sent[path] = (sent[path] || 0) + part.length;
    r.end(part);
  });
  await new Promise((ok) => server.listen(0, "127.0.0.1", ok));
  return { url: `http://127.0.0.1:${server.address().port}`, sent, asked, files, stop: () => new Promise((ok) => { server.closeAllConnections(); server.close(ok); }) };
}

test("the parts of a split model, in any order, are the model", async () => {
  const list = parts(TALE), paths = [];
  for (const p of list.toReversed()) paths.push(await put(`split/${p.name}`, p.bytes));
  await visit(site, "#/model", async (page) => {
    await page.getByLabel("Open a file").setInputFiles(paths);
    await says(status(page, "model"), /^Ready\. 3 of 3 tensors will change$/);
    assert.deepEqual((await tensors(page)).sort(), Object.keys(TALE).sort());
    assert.match(await page.locator("#m-name").textContent(), /^tale-00001-of-00003\.gguf$/);
    await page.locator("#m-meta").click();
    assert.doesNotMatch(await page.locator("#m-metarows").textContent(), /split\./);
    await page.keyboard.press("Escape");
    await view(page, "model").getByRole("button", { name: "output.weight: Open in Tensor" }).click();
    await page.waitForFunction(() => /output\.weight · 128 × 256 · F32/.test(document.getElementById("src-note")?.textContent));
  });
});

test("a part that is missing, or alone, is said and named", async () => {
  const list = parts(TALE), paths = [];
  for (const p of list) paths.push(await put(`lone/${p.name}`, p.bytes));
  await visit(site, "#/model", async (page) => {
    await page.getByLabel("Open a file").setInputFiles([paths[0], paths[2]]);
    await says(alert(page, "model"), /"tale-00002-of-00003\.gguf" is missing/);
    await page.getByLabel("Open a file").setInputFiles(paths[1]);
    await says(alert(page, "model"), /"tale-00001-of-00003\.gguf", "tale-00003-of-00003\.gguf" are missing/);
    await page.goto(`${site.url}#/tensor`);
    await page.getByLabel("Open a file").setInputFiles(paths[1]); // to look at, it will do
    await page.waitForFunction(() => /attn_k/.test(document.getElementById("src-note")?.textContent));
    assert.match(await page.locator("#tensors-help").textContent(), /one part of a model/);
  });
});

test("a folder opens as its model, chosen or dropped", async () => {
  await put("folder/model.v1/README.md", "# A model");
  await put("folder/model.v1/.cache/x.gguf", "GGUF");
  await put("folder/model.v1/one.safetensors", box({ a: [32, 64], b: [8, 64] }));
  await put("folder/model.v1/two.safetensors", box({ c: [16, 64] }));
  await put("folder/model.v1/m.safetensors.index.json", JSON.stringify({ metadata: { total_size: 14336 }, weight_map: { a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" } }));
  const path = join(dir, "folder/model.v1");
  for (const name of ["model", "tensor"]) {
    await visit(site, `#/${name}`, async (page) => {
      await field(page, name);
      await view(page, name).getByLabel("Open a folder").setInputFiles(path);
      if (name === "model") {
        await says(status(page, name), /^Ready\. 3 of 3/);
        assert.equal(await page.locator("#m-name").textContent(), "model.v1");
        assert.match(await page.locator("#m-own").textContent(), /fewbits quantize model\.v1 .* -o model\.v1-q4_k\.gguf/);
      } else {
        await page.waitForFunction(() => /^a · 32 × 64/.test(document.getElementById("src-note")?.textContent));
        assert.match(await page.locator("#tensors-help").textContent(), /^model\.v1, safetensors: 3 tensors$/);
      }
    });
    await visit(site, `#/${name}`, async (page) => {
      await drop(page, [path]);
      if (name === "model") await says(page.locator("#m-name"), /^model\.v1$/);
      else await page.waitForFunction(() => /^a · 32 × 64/.test(document.getElementById("src-note")?.textContent));
    });
  }
});

test("a folder without a model, and files of two, say what is wrong", async () => {
  await put("bare/README.md", "# Nothing");
  await put("bare/cat.txt", "meow");
  const one = await put("two/a.safetensors", box({ a: [1, 32] })), two = await put("two/b.safetensors", box({ a: [1, 32] }));
  await visit(site, "#/model", async (page) => {
    await drop(page, [join(dir, "bare")]);
    await says(alert(page, "model"), /among 2 files .*README\.md.* none holds tensors; looked for GGUF, safetensors/);
    await page.getByLabel("Open a file").setInputFiles([one, two]);
    await says(alert(page, "model"), /tensor "a" is in "a\.safetensors" and in "b\.safetensors"/);
  });
});

test("a single file that is dropped opens as it did", async () => {
  const path = await put("single/one.safetensors", box({ a: [4, 32] }));
  await visit(site, "#/tensor", async (page) => {
    await drop(page, [path]);
    await page.waitForFunction(() => /^a · 4 × 32/.test(document.getElementById("src-note")?.textContent));
  });
});

test("a URL is read a part at a time: the header, then the tensor that is shown", async () => {
  const file = gguf([pair("general.architecture", "string", "x")], { "a.weight": [256, 1024], ...Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`b${i}.weight`, [1024, 1024]])) });
  assert.ok(file.length > 60 << 20);
  const there = await serveFiles({ "/m/tale.gguf": file });
  try {
    await visit(site, "#/model", async (page) => {
      await openURL(page, "model", `${there.url}/m/tale.gguf`);
      await says(status(page, "model"), /^Ready\. 16 of 16/);
      assert.ok(there.sent["/m/tale.gguf"] <= 1 << 20, `${there.sent["/m/tale.gguf"]} bytes for a header`);
      await page.waitForFunction((hash) => location.hash === hash, `#/model?url=${encodeURIComponent(`${there.url}/m/tale.gguf`)}`);
      await view(page, "model").getByRole("button", { name: "b3.weight: Open in Tensor" }).click();
      await page.waitForFunction(() => /^b3\.weight · 1,024 × 1,024/.test(document.getElementById("src-note")?.textContent));
      await page.waitForFunction(() => /url=http/.test(location.hash) && /name=b3\.weight/.test(location.hash));
      await page.waitForTimeout(1500); // side B has it too
      const tensor = 4 << 20, both = there.sent["/m/tale.gguf"];
      assert.ok(both >= tensor && both <= 2 * tensor + (3 << 20), `${both} bytes for a tensor of ${tensor}, read by two workers`);
    }, { elsewhere: [there.url] });
  } finally { await there.stop(); }
});

test("a link that names a URL asks nobody before the person presses Open", async () => {
  const there = await serveFiles({ "/tale.gguf": gguf([], { "first.weight": [64, 256], "second.weight": [32, 64] }) });
  const url = encodeURIComponent(`${there.url}/tale.gguf`);
  try {
    await visit(site, `#/model?url=${url}`, async (page) => {
      await says(status(page, "model"), /^This link names tale\.gguf at 127\.0\.0\.1:\d+\. Press Open/);
      await page.waitForTimeout(300);
      assert.deepEqual(there.asked, {});
      assert.equal(await (await field(page, "model")).inputValue(), `${there.url}/tale.gguf`);
      await view(page, "model").getByRole("button", { name: "Open", exact: true }).click();
      await says(status(page, "model"), /^Ready\. 2 of 2/);
    }, { elsewhere: [there.url] });
    const before = there.asked["/tale.gguf"];
    await visit(site, `#/tensor?from=file&name=second.weight&index=1&file=tale.gguf&format=Q8_0&url=${url}`, async (page) => {
      await says(alert(page, "tensor"), /this link shows "second\.weight" of tale\.gguf at 127\.0\.0\.1:\d+; press Open/);
      assert.equal(there.asked["/tale.gguf"], before);
      await view(page, "tensor").getByRole("button", { name: "Open", exact: true }).click();
      await page.waitForFunction(() => /^second\.weight · 32 × 64/.test(document.getElementById("src-note")?.textContent));
      assert.equal(await page.locator("#fmt-note").textContent().then((t) => /Q8_0/.test(t)), true);
    }, { elsewhere: [there.url] });
  } finally { await there.stop(); }
});

test("the parts of a model at a URL follow from its name, or from its index", async () => {
  const files = Object.fromEntries(parts(TALE).map((p) => [`/s/${p.name}`, p.bytes]));
  files["/h/one.safetensors"] = box({ a: [32, 64] });
  files["/h/two.safetensors"] = box({ c: [16, 64] });
  files["/h/model.safetensors.index.json"] = Buffer.from(JSON.stringify({ weight_map: { a: "one.safetensors", c: "two.safetensors" } }));
  const there = await serveFiles(files);
  try {
    await visit(site, "#/model", async (page) => {
      await openURL(page, "model", `${there.url}/s/tale-00002-of-00003.gguf`);
      await says(status(page, "model"), /^Ready\. 3 of 3/);
      assert.deepEqual((await tensors(page)).sort(), Object.keys(TALE).sort());
      await openURL(page, "model", `${there.url}/h/model.safetensors.index.json`);
      await says(status(page, "model"), /^Ready\. 2 of 2/);
      delete there.files["/s/tale-00003-of-00003.gguf"];
      await openURL(page, "model", `${there.url}/s/tale-00001-of-00003.gguf`);
      await says(alert(page, "model"), /has no tale-00003-of-00003\.gguf there \(it answers 404\)/);
    }, { elsewhere: [there.url], allow: ["404"] });
  } finally { await there.stop(); }
});

test("a server that cannot be read from is told, with what to do", async () => {
  const files = { "/a.gguf": gguf([], { "first.weight": [64, 256] }) };
  let tag = '"1"';
  const whole = await serveFiles(files, { ranges: false }), closed = await serveFiles(files, { cors: false });
  const shy = await serveFiles(files, { expose: "" }), fickle = await serveFiles({ "/b.gguf": gguf([], { "first.weight": [1024, 1024], "second.weight": [1024, 1024] }) }, { tag: () => tag });
  try {
    await visit(site, "#/model", async (page) => {
      for (const [url, want] of [
        [`${whole.url}/a.gguf`, /sends a\.gguf only whole \(it ignores requests for a range\); download the file and open it from disk/],
        [`${closed.url}/a.gguf`, /does not let other sites read a\.gguf .*Access-Control-Allow-Origin.*download the file/],
        [`${whole.url}/none.gguf`, /has no none\.gguf there \(it answers 404\); see to the URL/],
        ["http://example.com/a.gguf", /begins with https:\/\//],
        ["model.gguf", /is no URL/],
        [`${whole.url}/`, /names no file/],
      ]) {
        await openURL(page, "model", url);
        await says(alert(page, "model"), want);
      }
      assert.ok((whole.sent["/a.gguf"] || 0) <= files["/a.gguf"].length);
      await openURL(page, "model", `${shy.url}/a.gguf`); // neither Content-Range nor ETag can be read
      await says(status(page, "model"), /^Ready\. 1 of 1/);
      await openURL(page, "model", `${fickle.url}/b.gguf`);
      await says(status(page, "model"), /^Ready\. 2 of 2/);
      await view(page, "model").getByRole("button", { name: "second.weight: Open in Tensor" }).click();
      await page.waitForFunction(() => /^second\.weight/.test(document.getElementById("src-note")?.textContent));
      tag = '"2"';
      await page.getByLabel("Tensor of the file").selectOption({ index: 0 });
      await says(alert(page, "tensor"), /b\.gguf changed while it was read; open it again/);
    }, { elsewhere: [whole.url, closed.url, shy.url, fickle.url], allow: ["404", "CORS", "ERR_FAILED"] });
  } finally { for (const s of [whole, closed, shy, fickle]) await s.stop(); }
});

test("the further ways to open pass axe and fit", async () => {
  for (const name of ["tensor", "model"]) {
    for (const width of [1280, 360]) {
      await visit(site, `#/${name}`, async (page) => {
        await field(page, name);
        await fits(page);
        if (width === 1280) await accessible(page, `the ways to open in ${name}`);
      }, { viewport: { width, height: 800 } });
    }
  }
});

/** Quantizes what is open and returns the bytes that are downloaded. */
async function make(page) {
  const button = (name) => view(page, "model").getByRole("button", { name, exact: true });
  await button("Quantize").click();
  await says(status(page, "model"), /^Done in/, 60_000);
  const [file] = await Promise.all([page.waitForEvent("download"), button("Download").click()]);
  const path = join(dir, `made-${Math.random()}.gguf`);
  await file.saveAs(path);
  return readFile(path);
}

test("a split model becomes the same bytes as the whole", async () => {
  const paths = [];
  for (const p of parts(TALE)) paths.push(await put(`same/${p.name}`, p.bytes));
  const whole = await put("same/whole.gguf", gguf([pair("general.architecture", "string", "x")], TALE));
  await visit(site, "#/model", async (page) => {
    await page.getByLabel("Open a file").setInputFiles(paths);
    await says(status(page, "model"), /^Ready\. 3 of 3/);
    const joined = await make(page);
    await page.getByLabel("Open a file").setInputFiles(whole);
    await says(status(page, "model"), /^Ready\. 3 of 3/);
    assert.ok(joined.equals(await make(page)), "other bytes");
  });
});

test("a real model at a URL becomes the same bytes as the file on disk", { skip: noData }, async () => {
  const path = data("gguf", "stories260K.gguf"), there = await serveFiles({ "/stories260K.gguf": await readFile(path) });
  try {
    await visit(site, "#/model", async (page) => {
      await openURL(page, "model", `${there.url}/stories260K.gguf`);
      await says(status(page, "model"), /^Ready\. 37 of 48/);
      const far = await make(page);
      await page.getByLabel("Open a file").setInputFiles(path);
      await says(status(page, "model"), /^Ready\. 37 of 48/);
      assert.ok(far.equals(await make(page)), "other bytes");
    }, { elsewhere: [there.url] });
  } finally { await there.stop(); }
});

/** A Hugging Face folder of a llama of one layer, with a tokenizer of bytes. */
function llama() {
  const vocab = { "<unk>": 0, "<s>": 1, "</s>": 2 };
  for (let b = 0; b < 256; b++) vocab[`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`] = 3 + b;
  Object.assign(vocab, { "▁": 259, a: 260, b: 261, ab: 262, "▁a": 263 });
  const p = "model.layers.0.", one = (n) => [n, 64, 0.03];
  return {
    "config.json": JSON.stringify({
      architectures: ["LlamaForCausalLM"], num_hidden_layers: 1, hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, num_key_value_heads: 2,
      max_position_embeddings: 512, vocab_size: 264, rms_norm_eps: 1e-5, rope_theta: 10000, tie_word_embeddings: false, hidden_act: "silu", bos_token_id: 1, eos_token_id: 2,
    }),
    "tokenizer.json": JSON.stringify({
      added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true })),
      normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] },
      model: { type: "BPE", unk_token: "<unk>", byte_fallback: true, vocab, merges: ["▁ a", "a b"] },
    }),
    "model-00001-of-00002.safetensors": box({
      "model.embed_tokens.weight": one(264), [p + "self_attn.q_proj.weight"]: one(64), [p + "self_attn.k_proj.weight"]: one(32),
      [p + "self_attn.v_proj.weight"]: one(32), [p + "self_attn.o_proj.weight"]: one(64),
    }),
    "model-00002-of-00002.safetensors": box({
      [p + "mlp.gate_proj.weight"]: one(96), [p + "mlp.up_proj.weight"]: one(96), [p + "mlp.down_proj.weight"]: [64, 96, 0.02],
      [p + "input_layernorm.weight"]: [64], [p + "post_attention_layernorm.weight"]: [64], "model.norm.weight": [64], "lm_head.weight": one(264),
    }),
  };
}

test("a Hugging Face folder is a model that runs, from disk and from a URL", async () => {
  const files = llama(), there = await serveFiles(Object.fromEntries(Object.entries(files).map(([k, v]) => [`/tiny/${k}`, Buffer.from(v)])));
  for (const [name, bytes] of Object.entries(files)) await put(`tiny/${name}`, bytes);
  try {
    await visit(site, "#/model", async (page) => {
      await drop(page, [join(dir, "tiny")]);
      await says(status(page, "model"), /^Ready\. 9 of 12/);
      assert.match(await page.locator("#m-arch").textContent(), /^llama, 1 layers$/);
      assert.ok((await tensors(page)).includes("blk.0.attn_q.weight"));
      const near = await make(page);
      await openURL(page, "model", `${there.url}/tiny/model-00001-of-00002.safetensors`);
      await says(page.locator("#m-name"), /^model-00001-of-00002\.safetensors$/);
      await says(status(page, "model"), /^Ready\. 9 of 12/);
      assert.match(await page.locator("#m-arch").textContent(), /^llama, 1 layers$/);
      const far = await make(page);
      assert.ok(far.equals(near), "other bytes than those of the folder");
      const command = process.env.FEWBITS_COMMAND, out = join(dir, "command.gguf");
      if (command) {
        await promisify(execFile)(command, ["quantize", join(dir, "tiny"), "-to", "Q4_K_M", "-o", out]);
        assert.ok(near.equals(await readFile(out)), "other bytes than those of the command");
      }
    }, { elsewhere: [there.url], allow: ["404"] });
    await put("other/config.json", JSON.stringify({ architectures: ["BertModel"] }));
    await put("other/model.safetensors", box({ "x.weight": [32, 64] }));
    await visit(site, "#/model", async (page) => {
      await drop(page, [join(dir, "other")]);
      await says(status(page, "model"), /^Ready\. 1 of 1/);
      await says(page.locator("#m-reasons"), /under their own names.*BertModel/);
    });
  } finally { await there.stop(); }
});
