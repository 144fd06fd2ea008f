// Importance matrices: read in either form, shown by column, and used where a
// model or a tensor is quantized.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { accessible, fits, shifts } from "./manners.mjs";
import { says, start, visit } from "./site.mjs";
import { imatrix, layers, normal } from "./files.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const skip = command ? false : "FEWBITS_COMMAND names no command";
let site, dir, model, matrix, old;

/** Weights over four powers of ten, with a few far above. */
const weights = (n, seed) => normal(n, seed, 1).map((v, i) => Math.exp(1.3 * v - 3) * (i % 97 === 5 ? 50 : 1));

before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-importance-"));
  const tensors = {}, entries = {};
  const add = (name, ...shape) => { tensors[name] = { shape, values: normal(shape.reduce((a, b) => a * b), Object.keys(tensors).length + 1) }; };
  add("token_embd.weight", 16, 256);
  add("output_norm.weight", 256);
  add("output.weight", 16, 256);
  for (const l of [0, 1]) {
    for (const p of ["attn_q", "attn_k", "attn_v", "attn_output"]) add(`blk.${l}.${p}.weight`, 16, 256);
    if (l) { add("blk.1.ffn_up_exps.weight", 4, 8, 256); add("blk.1.ffn_down_exps.weight", 4, 8, 512); } else { add("blk.0.ffn_up.weight", 16, 256); add("blk.0.ffn_down.weight", 16, 512); }
  }
  let seed = 100;
  for (const [name, { shape }] of Object.entries(tensors)) {
    if (!name.startsWith("blk.")) continue;
    const matrices = shape.length > 2 ? shape[0] : 1;
    entries[name] = { weights: weights(shape.at(-1) * matrices, seed++), matrices };
  }
  await writeFile(model = join(dir, "m.gguf"), layers(tensors, 2));
  await writeFile(matrix = join(dir, "imatrix.gguf"), imatrix(entries));
  old = join(dir, "imatrix.dat");
  if (command) await run(command, ["imatrix", matrix, "-o", old]);
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const view = (page) => page.locator("[data-view=model]");
const status = (page) => page.locator("#m-status");
const recipe = (page, name) => page.getByRole("combobox", { name: "Recipe" }).selectOption(name);
const add = (page, file) => page.getByLabel("Importance matrix").setInputFiles(file);
const open = async (page) => {
  await view(page).getByLabel("Open a file").setInputFiles(model);
  await says(status(page), /^Ready/);
};

async function quantize(page) {
  await view(page).getByRole("button", { name: "Quantize", exact: true }).click();
  await says(status(page), /^Done/, 60_000);
  const [file] = await Promise.all([page.waitForEvent("download"), view(page).getByRole("button", { name: "Download", exact: true }).click()]);
  const path = join(dir, file.suggestedFilename());
  await file.saveAs(path);
  return readFile(path);
}

test("without a matrix small types say that they need one, with it they are made as the command makes them", { skip, timeout: 120_000 }, async () => {
  for (const file of [matrix, old]) {
    await visit(site, "#/model", async (page) => {
      const moved = await shifts(page);
      await open(page);
      await recipe(page, "IQ2_M");
      await says(view(page).getByRole("alert"), /IQ2_M needs an importance matrix.*give one/);
      assert.match(await page.locator("#recipe-help").textContent(), /It needs an importance matrix: add one below\.$/);
      assert.ok(await view(page).getByRole("button", { name: "Quantize", exact: true }).isDisabled());
      await add(page, file);
      await says(status(page), /^Ready/);
      await says(page.locator("#i-help"), /^From 31 chunks of 512 tokens of wiki\.txt\. It covers 12 of the model's 14 matrices; without: token_embd\.weight, output\.weight\.$/);
      for (const name of ["IQ2_M", "Q4_K_M", "Q2_K_S"]) {
        await recipe(page, name);
        await page.waitForFunction((n) => document.getElementById("m-own").textContent.includes(`-to ${n} -imatrix`), name);
        await says(status(page), /^Ready/);
        const got = await quantize(page), args = (await page.locator("#m-own").textContent()).split(" ").slice(1);
        args[args.length - 1] = "by-command.gguf";
        await run(command, args, { cwd: dir });
        assert.ok(got.equals(await readFile(join(dir, "by-command.gguf"))), `${name} with ${file}: the command writes other bytes`);
        assert.match(await page.locator("#m-llama").textContent(), / --imatrix imatrix\.(gguf|dat) /);
      }
      assert.ok(!(await readFile(join(dir, "m-q4_k_m.gguf"))).equals(await without(page)), "the matrix changes nothing");
      assert.ok((await moved())[0] < 0.1, JSON.stringify(await moved()));
    });
  }
});

/** The model by the same recipe, with the matrix put aside. */
async function without(page) {
  await recipe(page, "Q4_K_M");
  await says(status(page), /^Ready/);
  await page.getByRole("checkbox", { name: "Quantize with it" }).uncheck();
  await page.waitForFunction(() => !document.getElementById("m-own").textContent.includes("-imatrix"));
  await says(status(page), /^Ready/);
  return quantize(page);
}

test("importance is shown by column, of experts a row each, and can be read as numbers", { skip }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await add(page, matrix);
    const plot = page.getByRole("figure", { name: "Importance by column" });
    await says(plot.locator("[data-sentence]"), /^Half of the importance lies in [\d.]+ % of 256 columns; the most in column \d+, [\d,.]+ times the median\.$/);
    assert.equal(await page.getByLabel("Importance of").locator("option").count(), 12);
    await page.getByLabel("Importance of").selectOption("blk.0.ffn_down.weight");
    await says(plot.locator("[data-sentence]"), /of 512 columns/);
    await plot.getByRole("button", { name: /^Data of/ }).click();
    const data = page.locator(".pl-data");
    await data.waitFor();
    const rows = await data.locator("tbody tr").evaluateAll((l) => l.map((tr) => [...tr.cells].map((c) => c.textContent)));
    await data.getByRole("button", { name: "Close" }).click();
    const want = weights(512, 105);
    assert.equal(rows.length, 200); // a page of them
    rows.forEach((r, i) => assert.ok(r[0] === String(i) && Math.abs(parseFloat(r[1].replace("−", "-")) / want[i] - 1) < 1e-5, `column ${i} is ${r}, not ${want[i]}`));
    await page.getByLabel("Importance of").selectOption("blk.1.ffn_down_exps.weight");
    await says(plot.locator("[data-sentence]"), /of 4 × 512 columns; the most in expert \d, column \d+/);
    const drawn = await plot.locator("canvas").evaluate((c) => { const d = c.getContext("2d").getImageData(c.width / 4, c.height / 4, c.width / 2, c.height / 4).data; return new Set(new Uint32Array(d.buffer)).size; });
    assert.ok(drawn > 20, `${drawn} shades are drawn`);
    await accessible(page, "importance by column");
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await plot.waitFor({ state: "hidden" });
    await says(page.locator("#i-name"), /^none yet$/);
    await says(status(page), /^Ready/);
  });
});

test("what is no matrix, or is another model's, is said", { skip }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await add(page, model);
    await says(view(page).getByRole("alert"), /holds no importance matrix/);
    const other = join(dir, "other.gguf");
    await writeFile(other, imatrix({ "blk.0.attn_q.weight": { weights: weights(64, 1) } }));
    await add(page, other);
    await says(page.locator("#i-help"), /It covers none of the model's 14 matrices: it is of another model, and set aside\.$/);
    await says(status(page), /^Ready/);
    assert.equal(await page.locator("#i-name").textContent(), "other.gguf, set aside");
    assert.ok(await view(page).getByRole("button", { name: "Quantize", exact: true }).isEnabled());
    assert.doesNotMatch(await page.locator("#m-own").textContent(), /imatrix/);
  });
});

test("a tensor is quantized with its row of the matrix, or with every column alike", { skip }, async () => {
  await visit(site, "#/tensor", async (page) => {
    const tensor = page.locator("[data-view=tensor]");
    await tensor.getByLabel("Open a file").setInputFiles(model);
    await tensor.getByLabel("Tensor of the file").selectOption({ label: "blk.0.attn_q.weight · 16 × 256 · F32" });
    const format = page.getByRole("combobox", { name: "Format" });
    await format.fill("IQ2_XXS");
    await format.press("Enter");
    await says(tensor.getByRole("alert"), /IQ2_XXS needs an importance matrix/);
    await says(page.locator("#imp-help"), /llama-imatrix makes such a matrix from a text/);
    const kind = page.getByLabel("Importance", { exact: true });
    await kind.selectOption("alike");
    await says(page.locator("#a-name"), /^IQ2_XXS$/);
    await says(page.locator("#imp-help"), /^Not measured/);
    assert.match(page.url(), /importance=alike/);
    const alike = await page.locator("#h-sqnr").textContent();
    await add(page, old);
    await says(page.locator("#opt-note"), /^imatrix\.dat$/);
    assert.notEqual(await page.locator("#h-sqnr").textContent(), alike);
    await accessible(page, "a tensor with importance");
    await fits(page);
    // The bytes are the command's.
    await page.locator("#t-download").click();
    const [got] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Packed bytes" }).click()]);
    const path = join(dir, "page.bin"), want = join(dir, "command.bin");
    await got.saveAs(path);
    await run(command, ["quantize", model, "-tensor", "blk.0.attn_q.weight", "-to", "IQ2_XXS", "-imatrix", old, "-o", want]);
    assert.ok((await readFile(path)).equals(await readFile(want)), "other bytes than the command's");
    await page.keyboard.press("Escape");
    // Of the norm there are no weights, and Q4_K does without.
    await format.fill("Q4_K");
    await format.press("Enter");
    await tensor.getByLabel("Tensor of the file").selectOption({ label: "output.weight · 16 × 256 · F32" });
    await says(page.locator("#imp-help"), /has no weights for this tensor: it is quantized without/);
  });
});

test("it fits a phone", { skip }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await add(page, matrix);
    await page.getByRole("figure", { name: "Importance by column" }).waitFor();
    await says(page.locator("#i-plot [data-sentence]"), /^Half/);
    await fits(page, "importance on a phone");
  }, { viewport: { width: 360, height: 740 } });
});
