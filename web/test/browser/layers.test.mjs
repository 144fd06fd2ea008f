// Model by layer: what each takes now and next, what it lost, and its tensors
// alone in the table.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible, fits, shifts } from "./manners.mjs";
import { says, start, visit } from "./site.mjs";
import { gguf, layers, normal } from "./files.mjs";
import { box, button, choose, recipe, rows, status } from "./model.mjs";

let site, dir, small, tall, values;

/** A model of so many layers; each has a few weights far above the others. */
function tower(n, name = (l) => `blk.${l}`) {
  const tensors = {};
  const add = (key, far, ...shape) => {
    const size = shape.reduce((a, b) => a * b), seed = Object.keys(tensors).length + 1;
    tensors[key] = { shape, values: normal(size, seed).map((v, i) => (i % 61 ? v : far * v)) };
  };
  add("token_embd.weight", 1, 64, 256);
  for (let l = 0; l < n; l++) {
    for (const p of ["attn_norm", "ffn_norm"]) add(`${name(l)}.${p}.weight`, 1, 256);
    for (const p of ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up"]) add(`${name(l)}.${p}.weight`, l === 4 ? 9 : 1 + (l % 3), 4, 256);
    add(`${name(l)}.ffn_down.weight`, 2, 4, 512);
  }
  add("output_norm.weight", 1, 256);
  add("output.weight", 1, 64, 256);
  return tensors;
}

before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-layers-"));
  values = tower(12);
  await writeFile(small = join(dir, "small.gguf"), layers(values, 12));
  await writeFile(tall = join(dir, "tall.gguf"), layers(tower(80), 80));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const figure = (page) => page.getByRole("figure", { name: "By layer" });
const plot = (page) => figure(page).getByRole("group", { name: /^By layer\. Arrow keys/ });
const sentence = (page) => figure(page).locator("[data-sentence]");
const tip = (page) => figure(page).locator(".pl-tip");
const open = async (page, file, name) => {
  await choose(page, file);
  await says(status(page), /^Ready/);
  if (name) await recipe(page, name);
  await page.waitForSelector("#k-plot canvas");
};
const quantize = async (page) => {
  await button(page, "Quantize").click();
  await says(status(page), /^Done/, 60_000);
};

/** The figure's data, as the JSON file has it. */
async function numbers(page) {
  await figure(page).getByRole("button", { name: "Data of By layer" }).click();
  const dialog = page.getByRole("dialog", { name: "By layer" });
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Save as JSON" }).click()]);
  const path = join(dir, "numbers.json");
  await file.saveAs(path);
  await dialog.getByRole("button", { name: "Close" }).click();
  const { columns, rows: list } = JSON.parse(await readFile(path, "utf8"));
  return new Map(list.map((r) => [r[0], Object.fromEntries(r.map((v, i) => [columns[i], v]))]));
}

test("bytes and bits by layer follow the recipe and what is changed by hand; the error comes with the file", { timeout: 60_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    assert.equal(await figure(page).count(), 0, "there is nothing to see yet");
    await open(page, small, "Q4_K, pure");
    await says(sentence(page), /^All 12 layers take [\d.]+ bits a weight\.$/);
    await recipe(page, "Q4_K_M");
    await says(sentence(page), /^Layers .* take [\d.]+ bits a weight, the rest [\d.]+\.$/);
    let data = await numbers(page);
    assert.deepEqual([...data.keys()], ["embedding", ...Array.from({ length: 12 }, (_, l) => `layer ${l}`), "output", "norms"]);
    const table = await rows(page), at = data.get("layer 5");
    assert.equal(at["bytes now"], 4 * (2 * 256 + 6 * 1024 + 2048));
    assert.equal(at.tensors, 9);
    assert.equal(at["error, %"], null);
    const mib = table.filter((r) => r.name.startsWith("blk.5.")).reduce((n, r) => n + +r.mibNext, 0);
    assert.ok(Math.abs(at["bytes next"] / 2 ** 20 - mib) < 9 * 5e-5, `${at["bytes next"]} bytes next, the table has ${mib} MiB`);

    // By hand: one tensor of layer 5 in F16.
    await page.getByRole("button", { name: /change the type of blk\.5\.ffn_down/ }).click();
    await page.getByRole("combobox", { name: "Type of blk.5.ffn_down.weight" }).selectOption("F16");
    await says(page.locator("#m-own"), /ffn_down\\\.weight\$=F16/);
    await says(sentence(page), /bits a weight, the rest/);
    data = await numbers(page);
    assert.match(data.get("layer 5")["types next"], /\bF16\b/);
    assert.ok(data.get("layer 5")["bytes next"] > at["bytes next"] + 2000);

    await quantize(page);
    await says(sentence(page), /; the error is largest in layer 4, [\d.]+ %\.$/);
    data = await numbers(page);
    const made = new Map((await rows(page)).map((r) => [r.name, +r.error / 100]));
    for (const l of [0, 4, 5, 11]) {
      let err = 0, all = 0;
      for (const [name, { values: x }] of Object.entries(values)) {
        if (!name.startsWith(`blk.${l}.`) || name.includes("norm")) continue;
        const power = x.reduce((n, v) => n + v * v, 0);
        err += made.get(name) ** 2 * power;
        all += power;
      }
      const got = data.get(`layer ${l}`)["error, %"], want = 100 * Math.sqrt(err / all);
      assert.ok(Math.abs(got - want) < 0.01, `layer ${l}: ${got} %, its tensors say ${want} %`);
    }
    assert.equal(data.get("norms")["error, %"], 0);
  });
});

test("a layer says its numbers under the pointer and the keyboard; pressed, its tensors stand alone", { timeout: 60_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page, small, "Q4_K_M");
    await quantize(page);
    await plot(page).scrollIntoViewIfNeeded();
    const { x, y, width } = await plot(page).boundingBox();
    await page.mouse.move(x + width / 2, y + 120);
    const text = await says(tip(page), /^layer \d+ · 9 tensors · 34 → [\d.]+ KiB \(F32 2 KiB, .*Q4_K [\d.]+ KiB\) · [\d.]+ bits · error [\d.]+ %$/);
    const layer = +/\d+/.exec(text)[0];
    await page.mouse.click(x + width / 2, y + 120);
    await says(page.locator("#m-shown"), /^9 of 111 tensors\.$/);
    assert.equal(await page.getByLabel("Filter tensors").inputValue(), `blk.${layer}.`);
    assert.ok((await rows(page)).every((r) => r.name.startsWith(`blk.${layer}.`)));
    await page.mouse.click(x + width / 2, y + 120);
    await says(page.locator("#m-shown"), /^$/);

    await page.mouse.move(0, 0);
    await figure(page).getByRole("button", { name: "Data of By layer" }).focus();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.closest("#k-plot") !== null), true);
    await says(tip(page), /^embedding · 1 tensor · /);
    for (const key of ["ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
    await says(figure(page).locator(".pl-live"), /^layer 2 · 9 tensors/);
    await page.keyboard.press("Enter");
    await says(page.locator("#m-shown"), /^9 of 111/);
    assert.equal(await page.getByLabel("Filter tensors").inputValue(), "blk.2.");
    await page.keyboard.press("Escape");
    await says(page.locator("#m-shown"), /^$/);
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press(" ");
    await says(page.locator("#m-shown"), /^1 of 111/);
    assert.deepEqual((await rows(page)).map((r) => r.name), ["output.weight"]);
    // What is typed into the filter marks its layer as well.
    await page.getByLabel("Filter tensors").fill("part:norms");
    assert.deepEqual((await rows(page)).map((r) => r.name), ["output_norm.weight"]);
  });
});

test("eighty layers can be told apart on any screen, and the page keeps its manners", { timeout: 120_000 }, async () => {
  for (const [width, height, colorScheme] of [[1280, 800, "light"], [390, 844, "dark"], [320, 640, "light"]]) {
    await visit(site, "#/model", async (page) => {
      const moved = await shifts(page);
      await open(page, tall, "Q3_K_M");
      await says(sentence(page), /bits a weight/);
      const [opened] = await moved(); // a model that appears moves what is there
      await quantize(page);
      await says(sentence(page), /error is largest in/);
      const what = `${width} wide`, [sum, nodes] = await moved();
      assert.ok(sum - opened < 0.01, `${what} it shifts by ${sum - opened}: ${nodes.join("; ")}`);
      await plot(page).scrollIntoViewIfNeeded();
      const b = await plot(page).boundingBox(), seen = new Set();
      for (let x = Math.ceil(b.x); x < b.x + b.width; x += width > 1000 ? 3 : 1) {
        await page.mouse.move(x, b.y + 130);
        seen.add(/^layer (\d+) /.exec(await tip(page).textContent())?.[1]);
      }
      seen.delete(undefined);
      assert.equal(seen.size, 80, `${what} ${seen.size} layers are found`);
      const said = await sentence(page).evaluate((e) => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]);
      assert.ok(said[0] <= 0 && said[1] <= 1, `${what} the sentence is cut`);
      const name = await page.locator("#m-rows td.name").first().boundingBox();
      assert.ok(name.width > 80, `${what} names have ${name.width} px`);
      await fits(page, what);
      await page.evaluate(() => scrollTo(0, 0)); // nothing lies below the head
      await accessible(page, what);
    }, { viewport: { width, height }, colorScheme });
  }
});

test("layers are found by any dotted name, and where there are none nothing is drawn", { timeout: 60_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const kept = join(dir, "hf.safetensors");
    await box(kept, { "model.embed_tokens.weight": 4, "model.layers.0.mlp.up_proj.weight": 2, "model.layers.1.mlp.up_proj.weight": 2, "lm_head.weight": 4 }, { cols: 256 });
    await open(page, kept, "Q8_0");
    await says(sentence(page), /^All 2 layers take 8\.50 bits a weight\.$/);
    assert.deepEqual([...(await numbers(page)).keys()], ["embedding", "layer 0", "layer 1", "output"]);
    const two = join(dir, "two.gguf");
    await writeFile(two, gguf({ "general.architecture": "t5" }, { ...tower(2, (l) => `enc.blk.${l}`), ...tower(2, (l) => `dec.blk.${l}`) }));
    await open(page, two, "Q8_0");
    assert.deepEqual([...(await numbers(page)).keys()], ["embedding", "dec.blk.0", "dec.blk.1", "enc.blk.0", "enc.blk.1", "output", "norms"]);
    const none = join(dir, "none.safetensors");
    await box(none, { a: 2, "b.weight": 2 }, { cols: 256 });
    await choose(page, none);
    await says(status(page), /^Ready/);
    assert.equal(await figure(page).count(), 0);
    await open(page, small);
    assert.equal(await figure(page).count(), 1);
  });
});
