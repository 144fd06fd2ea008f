// A file that is quantized already: its tensors are shown as they are stored,
// and what quantizing them again costs is said.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { accessible, fits, shifts } from "./manners.mjs";
import { says, start, visit } from "./site.mjs";
import { layers, normal } from "./files.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const skip = command ? false : "FEWBITS_COMMAND names no command";
let site, dir, file, original;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-stored-"));
  if (!command) return;
  const plain = join(dir, "m.gguf");
  file = join(dir, "q.gguf");
  original = normal(64 * 512, 1);
  await writeFile(plain, layers({ "blk.0.attn_q.weight": { shape: [64, 512], values: original }, "blk.0.attn_norm.weight": { shape: [512], values: normal(512, 2) } }));
  await run(command, ["quantize", plain, "-to", "Q4_K", "-pure", "-o", file]);
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const view = (page) => page.locator("[data-view=tensor]");
const figure = (page, name) => view(page).getByRole("figure", { name });
const stored = async (page) => {
  await view(page).getByLabel("Open a file").setInputFiles(file);
  await says(page.locator("#a-name"), /^As stored$/);
};

/** Half precision. */
function half(h) {
  const e = (h >> 10) & 31, m = h & 1023, s = h >> 15 ? -1 : 1;
  return e ? s * (1024 + m) * 2 ** (e - 25) : s * m * 2 ** -24;
}

/** The scales and minimums of a block of Q4_K (get_scale_min_k4 in ggml-quants.c). */
function q4k(b) {
  const d = half(b.readUInt16LE(0)), dmin = half(b.readUInt16LE(2)), q = b.subarray(4, 16);
  return Array.from({ length: 8 }, (_, j) => (j < 4
    ? [d * (q[j] & 63), -dmin * (q[j + 4] & 63)]
    : [d * ((q[j + 4] & 15) | ((q[j - 4] >> 6) << 4)), -dmin * ((q[j + 4] >> 4) | ((q[j] >> 6) << 4))]));
}

test("blocks are plotted as the file has them", { skip }, async () => {
  await visit(site, "#/tensor", async (page) => {
    await stored(page);
    assert.equal(await page.getByRole("combobox", { name: "Format" }).inputValue(), "As stored (Q4_K)");
    assert.match(await page.locator("#fmts [role=option]").first().textContent(), /^As stored \(Q4_K\)4\.50256$/);
    assert.equal(await page.locator("#h-split").textContent(), "what Q4_K lost is not in the file");
    assert.match(await page.locator("#h-sqnr").textContent(), /^≈ 2\d(\.\d)? dB$/);
    assert.equal((await page.locator("#h-max").textContent()).trim(), "–");
    await says(figure(page, "Error over the tensor").locator("[data-sentence]"), /^What Q4_K lost is not in the file\.$/);
    await says(figure(page, "Staircase").locator("[data-sentence]"), /what x was is not in it/);

    // The numbers of the plots against the file's own bytes.
    const bytes = await readFile(file), row = 37, tensor = 64 * 2 * 144;
    await page.getByLabel("row", { exact: true }).fill(String(row));
    await says(page.locator("#hex-h"), new RegExp(`^Block ${row * 2} at offset ${(row * 2 * 144).toLocaleString("en")}`));
    const { stdout } = await run(command, ["inspect", "-json", file]);
    const at = JSON.parse(stdout).tensors.find((t) => t.name === "blk.0.attn_q.weight");
    assert.deepEqual([at.type, at.bytes], ["Q4_K", tensor]);
    const want = [0, 1].flatMap((n) => q4k(bytes.subarray(at.offset + (row * 2 + n) * 144, at.offset + (row * 2 + n + 1) * 144)));
    for (const [name, which] of [["Scale per block", 0], ["Zero point per block", 1]]) {
      await figure(page, name).getByRole("button", { name: `Data of ${name}` }).click();
      await page.locator(".pl-data").waitFor();
      const rows = await page.locator(".pl-data tbody tr").evaluateAll((list) => list.map((tr) => [...tr.cells].map((c) => c.textContent)));
      await page.locator(".pl-data").getByRole("button", { name: "Close" }).click();
      assert.equal(rows.length, 16);
      rows.forEach((r, i) => {
        const got = parseFloat(r[3].replace("−", "-"));
        assert.ok(Math.abs(got - want[i][which]) <= 1e-5 * Math.abs(want[i][which]), `${name}, block ${i}: ${r[3]}, the file has ${want[i][which]}`);
      });
    }
    const hex = (await page.locator("#layout").textContent()) + (await page.locator("#hex").textContent());
    assert.ok(hex.length > 20);
    assert.equal(await page.locator("#w-x").textContent(), "not in the file");
    // The packed bytes that are offered are the file's.
    await page.locator("#t-download").click();
    const [got] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Packed bytes" }).click()]);
    const path = join(dir, "packed.bin");
    await got.saveAs(path);
    assert.ok((await readFile(path)).equals(bytes.subarray(at.offset, at.offset + at.bytes)), "other bytes");
  });
});

test("quantizing again is said to lose twice, and how much", { skip }, async () => {
  await visit(site, "#/tensor", async (page) => {
    const moved = await shifts(page);
    await stored(page);
    const number = async (id) => parseFloat((await page.locator(id).textContent()).replace("≈", ""));
    const before = await number("#w2-before");
    // The truth, which the file does not have.
    const npy = join(dir, "back.npy");
    await run(command, ["dequantize", file, "-tensor", "blk.0.attn_q.weight", "-o", npy]);
    const b = await readFile(npy), y = new Float32Array(b.buffer.slice(b.byteOffset + b.length - 4 * original.length, b.byteOffset + b.length));
    let e = 0, x2 = 0;
    original.forEach((x, i) => { e += (y[i] - x) ** 2; x2 += x * x; });
    assert.ok(Math.abs(before - 10 * Math.log10(x2 / e)) <= 1.3, `${before} dB are estimated, ${10 * Math.log10(x2 / e)} were lost`);
    assert.match(await page.locator("#w2-before-note").textContent(), /^an estimate from its steps, within 1\.3 dB/);

    await page.getByRole("combobox", { name: "Format" }).fill("INT4");
    await page.getByRole("combobox", { name: "Format" }).press("Enter");
    await says(page.locator("#w2-top-dt"), /^Lost on top, as INT4$/);
    const top = await number("#w2-top"), both = await number("#w2-both"), noise = (db) => 10 ** (-db / 10);
    assert.ok(Math.abs(both + 10 * Math.log10(noise(before) + noise(top))) < 0.2, `${before} and ${top} make ${both}`);
    assert.match(await page.locator("#w2-both-note").textContent(), /^the errors taken as independent; B ≈/);
    // One that came in F32 lost nothing before.
    await page.getByLabel("Tensor of the file").selectOption({ label: "blk.0.attn_norm.weight · 512 · F32" });
    await page.locator("#w2-twice").waitFor({ state: "hidden" });
    assert.equal(await page.getByRole("option", { name: /As stored/ }).count(), 0);
    // Back again: the blocks once more.
    await page.getByLabel("Tensor of the file").selectOption({ label: "blk.0.attn_q.weight · 64 × 512 · Q4_K" });
    await says(page.locator("#a-name"), /^As stored$/);
    await accessible(page, "a stored tensor");
    await fits(page);
    assert.ok((await moved())[0] < 0.1, JSON.stringify(await moved()));
  });
});

test("a model that is quantized says so before and after it is made anew", { skip }, async () => {
  await visit(site, "#/model", async (page) => {
    const model = page.locator("[data-view=model]");
    await model.getByLabel("Open a file").setInputFiles(file);
    await says(page.locator("#m2-before-dt"), /^Lost before, as Q4_K$/);
    await says(page.locator("#m2-before"), /^≈ 2\d/);
    assert.equal((await page.locator("#m2-top").textContent()).trim(), "–");
    await page.getByRole("combobox", { name: "Recipe" }).selectOption("Q2_K");
    await says(page.locator("#m-status"), /^Ready/);
    await model.getByRole("button", { name: "Quantize", exact: true }).click();
    await says(page.locator("#m-status"), /^Done/, 30_000);
    const number = async (id) => parseFloat((await page.locator(id).textContent()).replace("≈", ""));
    const [before, top, both] = [await number("#m2-before"), await number("#m2-top"), await number("#m2-both")], noise = (db) => 10 ** (-db / 10);
    assert.ok(top > 8 && top < 13 && Math.abs(both + 10 * Math.log10(noise(before) + noise(top))) < 0.2, `${before} and ${top} make ${both}`);
    await accessible(page, "a model that was quantized twice");
    await fits(page);
  });
});

test("it fits a phone", { skip }, async () => {
  await visit(site, "#/tensor", async (page) => {
    await stored(page);
    await fits(page, "a stored tensor on a phone");
    await page.goto(`${site.url}#/model`);
    await page.locator("[data-view=model]").getByLabel("Open a file").setInputFiles(file);
    await says(page.locator("#m2-before"), /^≈/);
    await fits(page, "a quantized model on a phone");
  }, { viewport: { width: 360, height: 740 } });
});
