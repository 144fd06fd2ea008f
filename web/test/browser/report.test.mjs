// What is written down of a run: arrays for NumPy, a report to read and one to
// run again, in the page and by the command.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { accessible, fits } from "./manners.mjs";
import { button, choose, download, recipe, status } from "./model.mjs";
import { root, says, start, visit } from "./site.mjs";

const run = promisify(execFile), tale = join(root, "web/samples/tale-small.gguf");
let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-report-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** What a press of something downloads: its name, path and bytes. */
async function got(page, press, into = dir) {
  const [d] = await Promise.all([page.waitForEvent("download"), press()]);
  const name = d.suggestedFilename(), path = join(into, name);
  await d.saveAs(path);
  return { name, path, bytes: await readFile(path) };
}

const exported = (page, as) => got(page, () => page.locator(`#dldialog [data-export=${as}]`).click());
const reported = async (page, as, where = "#dldialog") => {
  const f = await got(page, () => page.locator(`${where} [data-report=${as}]`).click());
  return as === "json" ? { ...f, report: JSON.parse(f.bytes) } : { ...f, text: f.bytes.toString() };
};

/** Opens Tensor at a hash with its Download open, once the whole of it is quantized. */
const tensor = (hash, f, options) => visit(site, hash, async (page, context) => {
  await says(page.locator("#t-status"), /exact/);
  await page.locator("#t-download").click();
  await f(page, context);
}, options);

/** An npy file of version 1.0, read as NEP 1 says. */
function npy(b) {
  assert.equal(b.subarray(0, 8).toString("latin1"), "\x93NUMPY\x01\x00");
  const n = 10 + b.readUInt16LE(8), head = b.subarray(10, n).toString();
  assert.equal(n % 64, 0);
  const type = /'descr': '(...)'/.exec(head)[1], shape = /'shape': \(([^)]*)\)/.exec(head)[1].split(",").filter((s) => s.trim()).map(Number);
  const body = b.buffer.slice(b.byteOffset + n, b.byteOffset + b.length);
  const x = new { "<f4": Float32Array, "|u1": Uint8Array, "|i1": Int8Array, "<u2": Uint16Array, "<i2": Int16Array, "<i4": Int32Array }[type](body);
  assert.equal(x.length, shape.reduce((p, d) => p * d, 1));
  return { type, shape, x };
}

/** The members of a zip archive of files stored as they are. */
function unzip(b) {
  const end = b.length - 22, out = {};
  assert.equal(b.readUInt32LE(end), 0x06054b50);
  for (let at = b.readUInt32LE(end + 16), i = 0; i < b.readUInt16LE(end + 10); i++) {
    assert.equal(b.readUInt32LE(at), 0x02014b50);
    const size = b.readUInt32LE(at + 24), name = b.readUInt16LE(at + 28), extra = b.readUInt16LE(at + 30), local = b.readUInt32LE(at + 42);
    assert.equal(b.readUInt16LE(at + 10), 0, "stored");
    const from = local + 30 + b.readUInt16LE(local + 26) + b.readUInt16LE(local + 28);
    out[b.subarray(at + 46, at + 46 + name).toString()] = Buffer.from(b.subarray(from, from + size));
    at += 46 + name + extra;
  }
  return out;
}

/** The reconstruction from codes and what belongs to them, as the JSON's formula has it. */
function rebuilt({ flat, cols }, z) {
  const groups = z.scales.shape.at(-1);
  return z.codes.x.reduce((y, q, i) => {
    const at = flat ? z.group_index.x[i] : Math.floor(i / cols) * groups + z.group_index.x[i % cols];
    y[i] = Math.fround(Math.fround((q - (z.zeros?.x[at] ?? 0)) * z.scales.x[at]) + (z.mins?.x[at] ?? 0));
    return y;
  }, new Float32Array(z.codes.x.length));
}

for (const [name, hash, parts, kind] of [
  ["an affine format", "#/tensor?format=INT4&granularity=group&group=64&show=a&b=", ["scales", "zeros"], "|i1"],
  ["a super-block", "#/tensor?format=Q4_K&b=", ["scales", "mins"], "|u1"],
  ["ggml's sixteen to a scale", "#/tensor?format=Q6_K&b=", ["scales"], "|u1"],
  ["a codebook", "#/tensor?format=NF4&b=", ["scales"], "|u1"],
  ["a float", "#/tensor?format=BF16&b=", [], "<u2"],
]) {
  test(`arrays for NumPy: ${name}`, async () => {
    await tensor(hash, async (page) => {
      const members = unzip((await exported(page, "np-all")).bytes), d = JSON.parse(members["decision.json"]);
      const z = Object.fromEntries(d.arrays.map((a) => [a.name, npy(members[`${a.name}.npy`])]));
      assert.equal(Object.keys(members).length, d.arrays.length + 1);
      for (const a of d.arrays) assert.deepEqual([z[a.name].type, z[a.name].shape], [a.type, a.shape], a.name);
      for (const p of ["codes", "reconstruction", "error", ...parts]) assert.ok(z[p], `${p} of ${Object.keys(z)}`);
      assert.deepEqual([z.codes.shape, z.codes.type], [[128, 512], kind === "|u1" && z.codes.type === "|i1" ? "|i1" : kind]);
      const back = npy((await exported(page, "npy")).bytes), original = npy((await exported(page, "original")).bytes);
      assert.deepEqual(z.reconstruction.x, back.x);
      assert.deepEqual(z.error.x, back.x.map((v, i) => v - original.x[i]));
      if (d.formula) {
        const y = rebuilt(d, z), off = y.reduce((m, v, i) => Math.max(m, Math.abs(v - back.x[i])), 0);
        assert.ok(off < 1e-6, `${off} off`);
      }
      for (const as of ["codes", "scales", "error"]) {
        if (!z[as]) continue;
        const one = await exported(page, `np-${as}`);
        assert.match(one.name, new RegExp(`^outliers-\\w+-${as}\\.npy$`));
        assert.deepEqual(one.bytes, members[`${as}.npy`]);
      }
      if (parts[1]) assert.deepEqual((await exported(page, "np-offsets")).bytes, members[`${parts[1]}.npy`]);
    });
  });
}

test("what a format does not have is said", async () => {
  await tensor("#/tensor?format=NF4&b=", async (page) => {
    await page.locator("#dldialog [data-export=np-offsets]").click();
    await page.locator("#dldialog form button").click();
    await says(page.locator("#t-alert"), /NF4 has no zero points; codes, scales and reconstruction are all there is/);
  });
});

test("a report to read is one page that needs nothing", async () => {
  await tensor("#/tensor?format=INT4&range=mse&name=normal", async (page, context) => {
    await accessible(page, "Download");
    const { name, path, text } = await reported(page, "page");
    assert.equal(name, "normal-INT4-report.html");
    assert.doesNotMatch(text, /<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    for (const colorScheme of ["light", "dark"]) {
      const read = await context.newPage(), asked = [];
      read.on("request", (r) => asked.push(r.url()));
      read.on("console", (m) => asked.push(m.text()));
      await read.emulateMedia({ colorScheme });
      await read.setViewportSize({ width: 390, height: 800 });
      await read.goto(`file://${path}`);
      await says(read.locator("h1"), /^normal as INT4 and Q4_K$/);
      assert.equal(await read.locator(".plots svg").count(), 5);
      assert.equal(await read.locator("th").allTextContents().then((t) => t.join()), "A INT4,B Q4_K");
      await says(read.locator("main"), /Option range\s*mse/);
      await fits(read, "the report");
      await accessible(read, `the report, ${colorScheme}`);
      const fill = await read.locator(".plots svg > rect").first().evaluate((e) => getComputedStyle(e).fill);
      assert.equal(fill, colorScheme === "dark" ? "rgb(21, 20, 18)" : "rgb(253, 252, 249)");
      assert.deepEqual(asked, [`file://${path}`]);
      await read.close();
    }
  });
});

const again = (page) => page.locator("dialog.again");

/** Opens a report and waits for the verdict. */
async function reopened(page, path, input = "#t-file") {
  await page.locator(input).setInputFiles(path);
  await page.waitForSelector("dialog.again[data-verdict]", { timeout: 30_000 });
  const text = await again(page).innerText(), verdict = await again(page).getAttribute("data-verdict");
  return { text, verdict };
}

test("a report of a sample brings its state back, and the command makes the same", async () => {
  let report, html;
  await tensor("#/tensor?name=uniform&format=INT8&granularity=channel&rounding=stochastic&seed=7&b=NF4&row=3&col=9", async (page) => {
    report = await reported(page, "json");
    html = await reported(page, "page");
    const r = report.report, packed = await exported(page, "bin"), original = await exported(page, "original");
    assert.equal(r.runs.length, 2);
    assert.equal(r.runs[0].sha256, sha(packed.bytes));
    assert.equal(r.input.sha256, sha(Buffer.from(npy(original.bytes).x.buffer)));
    assert.deepEqual(r.runs[0].options, { ...r.runs[0].options, rounding: "stochastic", seed: "7", granularity: "channel", sym: "false", scale: "f16" });
    assert.match(r.engine.kernels, /simd128|portable/);
    assert.match(r.address, /^#\/tensor\?.*seed=7/);
    assert.equal(r.command, r.runs[0].command);
  });
  for (const { path } of [report, html]) {
    await visit(site, "#/tensor?format=Q8_0", async (page) => {
      await says(page.locator("#t-status"), /exact/);
      if (path.endsWith("html")) await drop(page, path);
      const { text, verdict } = path.endsWith("html") ? await verdictOf(page) : await reopened(page, path);
      assert.equal(verdict, "same", text);
      assert.match(text, /uniform as INT8 and NF4[^]*so is every byte that came out/);
      await accessible(page, "an opened report");
      await page.keyboard.press("Escape");
      await says(page.locator("#a-name"), /^INT8/);
      assert.equal(await page.locator("#seed").inputValue(), "7");
      assert.match(page.url(), /seed=7/);
    });
  }
  if (process.env.FEWBITS_COMMAND) {
    const { stdout } = await run(process.env.FEWBITS_COMMAND, ["rerun", report.path, "-json"]);
    assert.equal(JSON.parse(stdout).same, true, stdout);
  }
  const other = join(dir, "other.json");
  report.report.input.sha256 = sha("");
  await writeFile(other, JSON.stringify(report.report));
  await visit(site, "#/tensor", async (page) => {
    const { text, verdict } = await reopened(page, other);
    assert.equal(verdict, "other");
    assert.match(text, /Input\s*not the same: other values[^]*The input is not the same/);
  }, { viewport: { width: 390, height: 844 } });
});

/** Drops a file on the page. */
async function drop(page, path) {
  const text = await readFile(path, "utf8"), name = path.split("/").pop();
  await page.evaluate(([text, name]) => {
    const d = new DataTransfer();
    d.items.add(new File([text], name));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer: d, bubbles: true, cancelable: true }));
  }, [text, name]);
}

async function verdictOf(page) {
  await page.waitForSelector("dialog.again[data-verdict]", { timeout: 30_000 });
  return { text: await again(page).innerText(), verdict: await again(page).getAttribute("data-verdict") };
}

test("a report of a file's tensor asks for the file, and tells another", async () => {
  const file = join(dir, "x.npy"), x = new Float32Array(4 * 64).map((_, i) => Math.sin(i));
  const array = (y) => {
    const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 64), }".padEnd(117) + "\n", b = Buffer.alloc(10);
    b.write("\x93NUMPY\x01\x00", "latin1");
    b.writeUInt16LE(118, 8);
    return Buffer.concat([b, Buffer.from(head), Buffer.from(y.buffer)]);
  };
  await writeFile(file, array(x));
  let report;
  await visit(site, "#/tensor", async (page) => {
    await says(page.locator("#t-status"), /exact/);
    await page.locator("#t-file").setInputFiles(file);
    await says(page.locator("#t-status"), /x\b.*256 values.*exact/);
    await page.locator("#t-download").click();
    report = await reported(page, "json");
    assert.deepEqual(report.report.input.file, { name: "x.npy", size: 128 + 1024 });
    assert.equal(report.report.input.sha256, sha(Buffer.from(x.buffer)));
    await page.keyboard.press("Escape");
    assert.equal((await reopened(page, report.path)).verdict, "same"); // it is open
  });
  const given = async (other) => {
    let r;
    await visit(site, "#/tensor", async (page) => {
      await says(page.locator("#t-status"), /exact/);
      await page.locator("#t-file").setInputFiles(report.path);
      const ask = again(page).locator("input[type=file]");
      await says(again(page), /Open x\.npy \(1,152 bytes\), from which it was made/);
      assert.ok(await ask.evaluate((e) => e === document.activeElement));
      await ask.setInputFiles({ name: "x.npy", mimeType: "", buffer: array(other) });
      r = await verdictOf(page);
    });
    return r;
  };
  assert.equal((await given(x)).verdict, "same");
  const y = x.slice();
  y[9] = 3;
  const told = await given(y);
  assert.equal(told.verdict, "other");
  assert.match(told.text, /not the same: other values/);
  if (process.env.FEWBITS_COMMAND) {
    const { stdout } = await run(process.env.FEWBITS_COMMAND, ["rerun", report.path, "-json"]);
    assert.equal(JSON.parse(stdout).same, true, stdout);
  }
});

test("a report of the command brings its state back", { skip: !process.env.FEWBITS_COMMAND && "no command" }, async () => {
  const file = join(dir, "c.npy"), path = join(dir, "c.json"), x = new Float32Array(8 * 128).map((_, i) => Math.cos(i * i));
  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 128), }".padEnd(117) + "\n", b = Buffer.alloc(10);
  b.write("\x93NUMPY\x01\x00", "latin1");
  b.writeUInt16LE(118, 8);
  await writeFile(file, Buffer.concat([b, Buffer.from(head), Buffer.from(x.buffer)]));
  await run(process.env.FEWBITS_COMMAND, ["quantize", file, "-to", "INT4", "group=64", "sym=true", "-o", join(dir, "c.bin"), "-report", path]);
  await visit(site, "#/tensor", async (page) => {
    await says(page.locator("#t-status"), /exact/);
    await page.locator("#t-file").setInputFiles(path);
    await again(page).locator("input[type=file]").setInputFiles(file);
    const { text, verdict } = await verdictOf(page);
    assert.equal(verdict, "same", text);
  });
});

test("a file that only looks like a report is told", async () => {
  await visit(site, "#/tensor", async (page) => {
    for (const [text, want] of [['{"report": "fewbits", "version": 9}', /of version 9/], ['{"report": "fewbits", "version": 1}', /neither what became/], ['{"report": "fewbits", ', /no report that can be opened/]]) {
      await page.locator("#t-file").setInputFiles({ name: "x.json", mimeType: "", buffer: Buffer.from(text) });
      await says(page.locator("#t-alert"), want);
    }
  });
});

test("a report of a model is made, and its run done again", { timeout: 120_000 }, async () => {
  let report, made;
  await visit(site, "#/model", async (page, context) => {
    await choose(page, tale);
    await says(status(page), /^Ready/);
    await recipe(page, "Q4_K_M");
    await page.evaluate(() => {
      const s = JSON.parse(fewbitsPage.report()).model.tensors.find((t) => t.name.includes("ffn_down"));
      fewbitsPage.type(s.index, "Q8_0");
    });
    await says(page.locator("#m-own"), /Q8_0/);
    const planned = await reported(page, "json", "#m-repsec");
    assert.equal(planned.report.model.made, undefined);
    await button(page, "Quantize").click();
    made = await download(page, dir);
    report = await reported(page, "json", "#m-repsec");
    const html = await reported(page, "page", "#m-repsec"), { model, files } = report.report;
    assert.deepEqual(files, [{ name: "tale-small.gguf", size: 1200896, sha256: sha(await readFile(tale)) }]);
    assert.equal(model.made.sha256, sha(await readFile(made.path)));
    assert.equal(model.size, (await readFile(made.path)).length);
    assert.deepEqual([model.recipe, Object.values(model.types ?? {})], ["Q4_K_M", ["Q8_0"]]);
    assert.ok(model.tensors.some((t) => t.sqnr > 10) && model.tensors.every((t) => t.index === undefined));
    assert.match(report.report.command, /^fewbits quantize tale-small\.gguf -to Q4_K_M -tensor-type /);
    const read = await context.newPage();
    await read.setViewportSize({ width: 390, height: 800 });
    await read.goto(`file://${html.path}`);
    await says(read.locator("h1"), /^tale-small\.gguf as Q4_K_M, 1 row changed$/);
    await fits(read, "the report of a model");
    await accessible(read, "the report of a model");
    await read.close();
  });
  await visit(site, "#/tensor", async (page) => {
    await page.locator("#t-file").setInputFiles(report.path);
    await again(page).locator("input[type=file]").setInputFiles(tale);
    await again(page).getByRole("button", { name: "Quantize and compare" }).click({ timeout: 30_000 });
    const { text, verdict } = await verdictOf(page);
    assert.equal(verdict, "same", text);
    assert.match(text, /every byte of the file that was made/);
  });
  if (process.env.FEWBITS_COMMAND) {
    await copyFile(tale, join(dir, "tale-small.gguf"));
    const { stdout } = await run(process.env.FEWBITS_COMMAND, ["rerun", report.path, "-json"]);
    assert.equal(JSON.parse(stdout).same, true, stdout);
  }
});

test("what was measured stands in a model's report", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page, context) => {
    await choose(page, tale);
    await says(status(page), /^Ready/);
    await page.evaluate(() => fewbitsPage.measure("", "a tale", false, 1024, 2));
    await page.waitForFunction(() => JSON.parse(fewbitsPage.report()).model.measured, null, { timeout: 60_000 });
    const { report } = await reported(page, "json", "#m-repsec"), [m] = report.model.measured;
    assert.deepEqual([m.what, m.text, m.strayed], ["original", "a tale", undefined]);
    assert.ok(m.scored > 100 && m.perplexity.value > 1 && m.perplexity.error > 0);
    const html = await reported(page, "page", "#m-repsec"), read = await context.newPage();
    await read.goto(`file://${html.path}`);
    await says(read.locator("main"), new RegExp(`Measured[^]*original[^]*a tale`));
    await read.close();
  });
});
