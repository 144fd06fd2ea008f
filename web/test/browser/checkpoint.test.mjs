// Model saves a model as other projects keep it: the files of the archive are
// those that the command writes, and it opens again as what it is.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { alert, button, choose, recipe, rows } from "./model.mjs";
import { accessible, fits, shifts } from "./manners.mjs";
import { root, says, start, visit } from "./site.mjs";

const run = promisify(execFile), SMALL = join(root, "web/samples/tale-small.gguf");
const command = process.env.FEWBITS_COMMAND, noCommand = command ? false : "no command (set FEWBITS_COMMAND)";
let site, dir;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-checkpoint-"));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const section = (page) => page.getByRole("region", { name: "As a checkpoint of another project" });
const news = (page) => page.locator("#x-status");

/** Opens the smaller demo model in Model. */
const open = (page) => choose(page, SMALL).then(() => says(page.locator("#m-status"), /^Ready/)).then(() => section(page).waitFor());

/** Asks for a checkpoint. */
async function ask(page, { as, format, ...options }) {
  const at = section(page);
  await at.getByLabel("Project").selectOption(as);
  if (format) await at.getByLabel("Stored as").selectOption(format);
  for (const [k, v] of Object.entries(options)) {
    if (k === "group") await at.getByRole("spinbutton", { name: /^Group/ }).fill(String(v));
    else if (k === "block") await at.getByLabel("Block").selectOption(String(v));
    else await at.getByLabel(k).setChecked(v);
  }
  await at.getByRole("button", { name: "Save as a checkpoint" }).click();
}

/** Saves what was made; its files by their names, as another reader finds them. */
async function unzipped(page, name) {
  await says(news(page), /^Done in/, 120_000);
  const [download] = await Promise.all([page.waitForEvent("download"), section(page).getByRole("button", { name: `Download ${name}.zip` }).click()]);
  assert.equal(download.suggestedFilename(), `${name}.zip`);
  const zip = join(dir, `${name}.zip`), out = await mkdtemp(join(dir, "out-"));
  await download.saveAs(zip);
  const { stdout } = await run("python3", ["-c", "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nassert all(i.compress_type == 0 for i in z.infolist())\nz.extractall(sys.argv[2])\nprint(len(z.infolist()))", zip, out]);
  assert.deepEqual(await readdir(out), [name]);
  const files = new Map();
  for (const f of await readdir(join(out, name))) files.set(f, await readFile(join(out, name, f)));
  assert.equal(files.size, +stdout);
  return { zip, folder: join(out, name), files };
}

/** What the command writes. */
async function byCommand(as, to, ...options) {
  const out = join(await mkdtemp(join(dir, "by-command-")), "out");
  await run(command, ["quantize", SMALL, "-to", to, "-as", as, ...options, "-o", out]);
  const files = new Map();
  for (const f of await readdir(out)) files.set(f, await readFile(join(out, f)));
  return files;
}

function same(got, want) {
  assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort());
  for (const [name, bytes] of want) assert.ok(got.get(name).equals(bytes), `${name} is not what the command writes`);
}

const CASES = [
  { name: "tale-small-gptq-int4", ask: { as: "gptq", format: "INT4", group: 32 }, to: ["gptq", "int4", "group=32"], says: /GPTQ 4-bit g32/, load: /gptqmodel/ },
  { name: "tale-small-awq-int4", ask: { as: "awq", group: 64 }, to: ["awq", "int4", "group=64"], says: /AWQ 4-bit g64/, load: /gptqmodel/ },
  { name: "tale-small-bitsandbytes-nf4", ask: { as: "bitsandbytes", format: "NF4", "Quantize scales, too": true }, to: ["bitsandbytes", "nf4", "nested=true"], says: /NF4/, load: /pip install transformers accelerate bitsandbytes/ },
  { name: "tale-small-compressed-tensors-int4", ask: { as: "compressed-tensors", format: "INT4", group: 64, Symmetric: false }, to: ["compressed-tensors", "int4", "group=64", "sym=false"], says: /4-bit g64/, load: /vllm serve/ },
  { name: "tale-small-compressed-tensors-fp8_e4m3", ask: { as: "compressed-tensors", format: "FP8_E4M3" }, to: ["compressed-tensors", "fp8_e4m3"], says: /FP8/, load: /vllm serve/ },
  { name: "tale-small-mlx-int4", ask: { as: "mlx", format: "INT4" }, to: ["mlx", "int4"], says: /MLX 4-bit g64/, load: /mlx_lm\.generate --model 'tale-small-mlx-int4'/ },
  { name: "tale-small-hqq-int3", ask: { as: "hqq", format: "INT3", group: 32 }, to: ["hqq", "int3", "group=32"], says: /HQQ 3-bit g32/, load: /hqq/ },
];

test("checkpoints are saved with the command's bytes, and say how to load them", { timeout: 300_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    for (const c of CASES) {
      await ask(page, c.ask);
      const { files } = await unzipped(page, c.name);
      assert.match(await page.locator("#x-says").textContent(), c.says);
      assert.match(await page.locator("#x-says").textContent(), /quantized, [\d.]+ bits a weight in all, .* in \d+ files; SQNR [\d.]+ dB/);
      const load = await page.locator("#x-load").textContent();
      assert.ok(load.startsWith(`unzip '${c.name}.zip'\n`) && load.includes(`${c.name}`), load);
      assert.match(load, c.load);
      const rows = await page.locator("#x-made tbody tr").evaluateAll((list) => list.map((tr) => [tr.cells[0].textContent, +tr.cells[1].textContent.replaceAll(",", "")]));
      assert.deepEqual(new Map(rows), new Map([...files].map(([n, b]) => [n, b.length])));
      const line = await page.locator("#x-command").textContent();
      assert.ok(line.startsWith(`fewbits quantize tale-small.gguf -to ${c.to[1]} -as ${c.to[0]}`), line);
      if (command) {
        same(files, await byCommand(...c.to));
        same(files, await byCommand(c.to[0], c.to[1], ...line.split(" ").filter((w) => w.includes("="))));
      }
    }
    assert.equal(await alert(page).count(), 0);
  });
});

test("the page offers what the command takes", { skip: noCommand }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    const projects = await section(page).getByLabel("Project").locator("option").evaluateAll((l) => l.map((o) => o.value));
    for (const as of projects) {
      await section(page).getByLabel("Project").selectOption(as);
      const formats = await section(page).getByLabel("Stored as").locator("option").evaluateAll((l) => l.map((o) => o.value));
      const { stderr } = await run(command, ["quantize", SMALL, "-to", "none", "-as", as, "-o", join(dir, "none")]).catch((e) => e);
      const takes = /it takes (.*)/.exec(stderr)[1].split(/, /);
      // Methods are offered where they have run; LLM.INT8 is INT8 by another name.
      assert.deepEqual(formats.sort(), takes.filter((f) => !["GPTQ", "AWQ", "HQQ", "LLM.INT8"].includes(f)).sort(), as);
    }
    const { stderr } = await run(command, ["quantize", SMALL, "-to", "int4", "-as", "none", "-o", join(dir, "none")]).catch((e) => e);
    assert.deepEqual(projects, /there are (.*)/.exec(stderr)[1].trim().split(/, /));
  });
});

test("what cannot be is said in words, Cancel leaves nothing, the keyboard does", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    const at = section(page);
    await ask(page, { as: "gptq", format: "INT4", group: 96 });
    await says(page.locator("#x-alert"), /rows of \d+ values do not divide into groups of 96; choose another group/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "x-alert");
    const kept = () => page.evaluate(async () => {
      const names = [], folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("fewbits").catch(() => null);
      if (folder) for await (const name of folder.keys()) names.push(name);
      return names;
    });
    await at.getByLabel("Project").selectOption("hqq");
    await at.getByLabel("Stored as").selectOption("INT8");
    const save = at.getByRole("button", { name: "Save as a checkpoint" });
    await save.focus();
    await page.keyboard.press("Enter");
    await at.getByRole("button", { name: "Cancel" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "x-cancel");
    assert.ok(await button(page, "Quantize").isDisabled(), "two things are made at once");
    await page.keyboard.press("Enter");
    await says(news(page), /^Cancelled; nothing was kept/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "x-save");
    for (let i = 0; i < 100 && (await kept()).length; i++) await page.waitForTimeout(20);
    assert.deepEqual(await kept(), []);
    await page.keyboard.press("Enter");
    const { zip } = await unzipped(page, "tale-small-hqq-int8");
    assert.equal((await kept()).length, 1);
    assert.ok((await stat(zip)).size > 1e5);
    // The GGUF of the plan is made as ever.
    await button(page, "Quantize").click();
    await says(page.locator("#m-status"), /^Done in/, 60_000);
  });
});

test("it is saved straight to a file where the browser can, and in memory where it keeps nothing", { timeout: 120_000 }, async () => {
  const want = command && await byCommand("mlx", "int8");
  await visit(site, "#/model", async (page) => {
    await page.addInitScript(() => { globalThis.showSaveFilePicker = async ({ suggestedName }) => (globalThis.pickNothing ? Promise.reject(new DOMException("no", "AbortError")) : (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })); });
    await page.reload();
    await page.waitForSelector("#stage[data-ready=true]", { timeout: 30_000 });
    await open(page);
    const at = section(page);
    await at.getByLabel("Project").selectOption("mlx");
    await at.getByLabel("Stored as").selectOption("INT8");
    await page.evaluate(() => { globalThis.pickNothing = true; });
    await at.getByRole("button", { name: "Save it straight to a file" }).click();
    await says(news(page), /^Nothing was picked/);
    await page.evaluate(() => { globalThis.pickNothing = false; });
    await at.getByRole("button", { name: "Save it straight to a file" }).click();
    await says(news(page), /^Done in [\d.]+ s\. Saved\. Read back/, 60_000);
    assert.equal(await at.getByRole("button", { name: /^Download/ }).count(), 0);
    const size = await page.evaluate(async () => (await (await (await navigator.storage.getDirectory()).getFileHandle("tale-small-mlx-int8.zip")).getFile()).size);
    const files = [...want?.values() ?? []].reduce((n, b) => n + b.length, 0);
    if (want) assert.ok(size > files && size < files + 300 * want.size, `${size} bytes of ${files}`);
  });
  await visit(site, "#/model", async (page) => {
    await page.addInitScript(() => { navigator.storage.getDirectory = async () => { throw new DOMException("private", "SecurityError"); }; });
    await page.reload();
    await page.waitForSelector("#stage[data-ready=true]", { timeout: 30_000 });
    await open(page);
    await ask(page, { as: "mlx", format: "INT8" });
    const { files } = await unzipped(page, "tale-small-mlx-int8");
    if (want) same(files, want);
  });
});

test("what GPTQ decided is saved where it has run", { skip: noCommand, timeout: 200_000 }, async () => {
  const text = join(dir, "a text.txt");
  await writeFile(text, (await readFile(join(root, "README.md"), "utf8")).repeat(20).slice(0, 40_000));
  await visit(site, "#/model", async (page) => {
    await open(page);
    const at = section(page), codes = at.getByLabel("Codes");
    assert.deepEqual(await codes.locator("option").allTextContents(), ["rounded to nearest"]);
    await says(page.locator("#x-help"), /Where GPTQ has run under What flows through it, its codes can be saved, too\./);
    await page.locator("#q-text").selectOption({ index: 1 });
    await page.locator("#q-file").setInputFiles(text);
    const flow = page.getByRole("region", { name: "What flows through it" });
    await flow.getByLabel("Bits", { exact: true }).selectOption("4");
    await flow.locator("#f-sym").check();
    await flow.getByRole("button", { name: "Run GPTQ" }).click();
    await says(page.locator("#f-method-news [role=status]"), /^Done in/, 120_000);
    await codes.selectOption("run");
    await says(page.locator("#x-help"), /those that GPTQ had: 4 bits, group 32\./);
    await at.getByRole("button", { name: "Save as a checkpoint" }).click();
    const { files } = await unzipped(page, "tale-small-gptq");
    const line = await page.locator("#x-command").textContent();
    assert.match(line, /^fewbits quantize tale-small\.gguf -to gptq -as gptq -calib 'a text\.txt' -ctx \d+ -chunks \d+ bits=4 group=32 sym=true -o tale-small-gptq$/);
    const [, ctx, chunks] = /-ctx (\d+) -chunks (\d+)/.exec(line);
    same(files, await byCommand("gptq", "gptq", "-calib", text, "-ctx", ctx, "-chunks", chunks, "bits=4", "group=32", "sym=true"));
    // Rounding to the same grid gives other codes.
    const plain = await byCommand("gptq", "int4", "group=32");
    assert.ok(!plain.get("model.safetensors").equals(files.get("model.safetensors")));
    // The other projects take it or not.
    await at.getByLabel("Project").selectOption("mlx");
    assert.equal(await codes.locator("option").count(), 1);
    await at.getByLabel("Project").selectOption("compressed-tensors");
    await codes.selectOption("run");
    await at.getByRole("button", { name: "Save as a checkpoint" }).click();
    const packed = await unzipped(page, "tale-small-compressed-tensors-gptq");
    same(packed.files, await byCommand("compressed-tensors", "gptq", "-calib", text, "-ctx", ctx, "-chunks", chunks, "bits=4", "group=32", "sym=true"));
  });
});

/** A folder as a person drops or picks it. */
const pick = (page, folder) => page.locator("[data-view=model] [webkitdirectory]").setInputFiles(folder);

/** Values of a tensor as the command reads them. */
async function dequantized(folder, name) {
  const out = join(await mkdtemp(join(dir, "npy-")), "x.npy");
  await run(command, ["dequantize", folder, "-tensor", name, "-o", out]);
  return npy(await readFile(out));
}

const OPENED = [
  { as: "gptq", to: "int4", options: ["group=32"], says: /^GPTQ v1, 4 bits, groups of 32: \d+ of \d+ tensors/, stored: /^As stored \(GPTQ 4-bit g32\)$/, zero: /zero point/i, formula: /x̂ = \(q − z\) · s/, groups: 32 },
  { as: "awq", to: "int4", options: ["group=64"], says: /^AWQ, 4 bits, groups of 64/, stored: /AWQ 4-bit g64/, formula: /x̂ = \(q − z\) · s/, groups: 64 },
  { as: "bitsandbytes", to: "nf4", options: [], says: /^bitsandbytes NF4, blocks of 64/, stored: /NF4/, formula: /level\[/, groups: 64 },
  { as: "compressed-tensors", to: "int4", options: ["group=32", "sym=false"], says: /^compressed-tensors packed, 4 bits, groups of 32/, stored: /packed 4-bit/, formula: /· s/, groups: 32 },
  { as: "mlx", to: "int4", options: [], says: /^MLX, 4 bits, groups of 64/, stored: /MLX 4-bit g64/, formula: /x̂ = q · s \+ b/, groups: 64 },
];

for (const c of OPENED) {
  test(`a folder of ${c.as} opens as what it is, with its values and its grids`, { skip: noCommand, timeout: 120_000 }, async () => {
    const folder = join(await mkdtemp(join(dir, "in-")), "a-model");
    await run(command, ["quantize", SMALL, "-to", c.to, "-as", c.as, ...c.options, "-o", folder]);
    const name = "blk.0.attn_q.weight", want = await dequantized(folder, name);
    await visit(site, "#/model", async (page) => {
      await page.locator("#m-alt > summary").click();
      await pick(page, folder);
      await says(page.locator("#m-stored"), c.says, 30_000);
      await says(page.locator("#m-status"), /^Ready/);
      const line = (await rows(page)).find((r) => r.name === name);
      assert.match(line.now, /bit|NF4/);
      await page.getByRole("button", { name: `${name}: Open in Tensor` }).click();
      await says(page.locator("#a-name"), /^As stored$/, 30_000);
      const view = page.locator("[data-view=tensor]");
      assert.match(await view.getByRole("combobox", { name: "Format" }).inputValue(), c.stored);
      assert.match(await page.locator("#h-split").textContent(), /lost is not in the file$/);
      assert.match(await page.locator("#h-sqnr").textContent(), /^≈ [\d.]+ dB$/);
      const bits = +(await page.locator("#h-bpw").textContent());
      assert.ok(bits > 4 && bits < 5.2, `${bits} bits a weight`);
      // The opened weight, and all values, are those of the command.
      await says(page.locator("#formula"), c.formula);
      await says(page.locator("#hex-h"), /gathered from the tensors that hold it, hexadecimal$/);
      const shown = number(await page.locator("#w-y").textContent());
      assert.ok(want.some((v) => Math.abs(v - shown) <= 1e-5 * Math.abs(v)), `${shown} is no value of ${name}`);
      await fits(page, "a matrix as it is stored");
      await page.locator("#t-download").click();
      const [got] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Reconstruction" }).click()]);
      await got.saveAs(join(dir, "got.npy"));
      assert.deepEqual(npy(await readFile(join(dir, "got.npy"))), want);
      if (c.as === "gptq") await grids(page, folder);
    });
  });
}

const number = (s) => parseFloat(s.replace("−", "-"));
const npy = (b) => new Float32Array(b.buffer.slice(b.byteOffset + 10 + b.readUInt16LE(8), b.byteOffset + b.length));
const half = (h) => ((h >> 10) & 31 ? (1024 + (h & 1023)) * 2 ** (((h >> 10) & 31) - 25) : (h & 1023) * 2 ** -24) * (h >> 15 ? -1 : 1);

/** Scales and zero points in the plots against the bytes of the file, which GPTQ has by groups and outputs. */
async function grids(page, folder) {
  const b = await readFile(join(folder, "model.safetensors")), head = Number(b.readBigUInt64LE(0)), header = JSON.parse(b.subarray(8, 8 + head)), row = 5;
  const part = (suffix) => { const t = header[`model.layers.0.mlp.up_proj.${suffix}`]; return { shape: t.shape, bytes: b.subarray(8 + head + t.data_offsets[0], 8 + head + t.data_offsets[1]) }; };
  const scales = part("scales"), zeros = part("qzeros"), [groups, rows] = scales.shape;
  const want = { "Scale per block": (g) => half(scales.bytes.readUInt16LE(2 * (g * rows + row))), "Zero point per block": (g) => ((zeros.bytes.readUInt32LE(4 * (g * zeros.shape[1] + (row >> 3))) >>> (4 * (row & 7))) & 15) + 1 };
  await page.keyboard.press("Escape");
  const tensor = page.getByLabel("Tensor of the file");
  await tensor.selectOption({ label: (await tensor.locator("option").allTextContents()).find((t) => t.startsWith("blk.0.ffn_up.weight")) });
  await says(page.locator("#t-status"), /blk\.0\.ffn_up\.weight/);
  await page.getByLabel("row", { exact: true }).fill(String(row));
  for (const [name, at] of Object.entries(want)) {
    await page.getByRole("figure", { name }).getByRole("button", { name: `Data of ${name}` }).click();
    await page.locator(".pl-data").waitFor();
    const list = await page.locator(".pl-data tbody tr").evaluateAll((l) => l.map((tr) => [...tr.cells].map((c) => c.textContent)));
    await page.locator(".pl-data").getByRole("button", { name: "Close" }).click();
    assert.equal(list.length, groups);
    list.forEach((r, g) => assert.ok(Math.abs(number(r[3]) - at(g)) <= 1e-4 * Math.abs(at(g)), `${name}, group ${g}: ${r[3]}, the file has ${at(g)}`));
  }
}

test("what was saved opens again, is measured against nothing lost on the way, and becomes GGUF", { skip: noCommand, timeout: 200_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await ask(page, { as: "compressed-tensors", format: "INT4", group: 64 });
    const { zip, folder } = await unzipped(page, "tale-small-compressed-tensors-int4");
    // The archive itself, as it was downloaded.
    await choose(page, zip);
    await says(page.locator("#m-stored"), /^compressed-tensors packed, 4 bits, groups of 64/, 30_000);
    await says(page.locator("#m-status"), /^Ready/);
    await says(page.locator("#m2-before-dt"), /^Lost before, as compressed-tensors packed 4-bit g64$/);
    // What it says of a text is what the command counts.
    const measured = page.getByRole("region", { name: "What it lost" });
    await measured.getByRole("button", { name: "Measure" }).click();
    await says(page.locator("#q-status"), /^Done in/, 120_000);
    await recipe(page, "F16, pure");
    await button(page, "Quantize").click();
    await says(page.locator("#m-status"), /^Done in/, 60_000);
    const [got] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
    await got.saveAs(join(dir, "again.gguf"));
    await run(command, ["quantize", folder, "-to", "F16", "-pure", "-o", join(dir, "want.gguf")]);
    const inspect = async (file) => JSON.parse((await run(command, ["inspect", "-json", file])).stdout).tensors.map((t) => [t.name, t.type, t.bytes]);
    assert.deepEqual(await inspect(join(dir, "again.gguf")), await inspect(join(dir, "want.gguf")));
    assert.equal(await alert(page).count(), 0);
  });
});

test("it fits a phone, dark and light, and moves nothing", { timeout: 60_000 }, async () => {
  for (const colorScheme of ["light", "dark"]) {
    await visit(site, "#/model", async (page) => {
      await open(page);
      await fits(page, "before");
      const moved = await shifts(page);
      await ask(page, { as: "mlx", format: "INT4" });
      await says(news(page), /^Done in/, 60_000);
      await fits(page, "a checkpoint on a phone");
      await accessible(page, "a checkpoint");
      assert.ok((await moved())[0] < 0.1, JSON.stringify(await moved()));
    }, { viewport: { width: 390, height: 800 }, colorScheme });
  }
});
