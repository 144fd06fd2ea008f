import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { data, noData, says, start, visit } from "./site.mjs";

let site;
before(async () => { site = await start(); });
after(() => site?.stop());

/** What the headline says. */
const figure = (page, id) => page.locator(`#h-${id}`).textContent().then((t) => t.trim());

/** The table behind a plot: its rows as text. */
async function plotData(page, name) {
  await page.getByRole("button", { name: `Data of ${name}` }).click();
  const dialog = page.locator("dialog[open]");
  await dialog.waitFor();
  const rows = await dialog.locator("table tr").evaluateAll((r) => r.map((tr) => [...tr.cells].map((c) => c.textContent.trim())));
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  return rows;
}

/** Saves what a click downloads. */
async function download(page, name) {
  await page.getByRole("button", { name: "Download", exact: true }).first().click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name })]).then(async ([d]) => [await d]).catch(() => []);
  return file;
}

test("the sample is quantized live, and everything follows the slider", async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#t-status"), /65,536 values · exact/);
    assert.equal(await figure(page, "bpw"), "4.75");
    const before = await plotData(page, "Values and levels");
    assert.ok(before.length > 16, `${before.length} rows of data`);
    const sqnr4 = parseFloat(await figure(page, "sqnr"));

    const bits = page.getByLabel("Bits", { exact: true });
    await bits.focus();
    await page.keyboard.press("ArrowLeft");
    await says(page.locator("#a-name"), /INT3/);
    await says(page.locator("#h-bpw"), /3\.75/);
    const sqnr3 = parseFloat(await figure(page, "sqnr"));
    assert.ok(sqnr3 < sqnr4 - 4 && sqnr3 > 5, `one bit less went from ${sqnr4} to ${sqnr3} dB`);
    await page.keyboard.press("End");
    await says(page.locator("#h-bpw"), /8\.75/);
    assert.ok(parseFloat(await figure(page, "sqnr")) > sqnr4 + 20);
  });
});

test("the page says which kernels run, and without SIMD128 why it is slower", async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#t-kernel"), /^Kernels: SIMD128\.$/);
  });
  await visit(site, "", async (page, context) => {
    const asked = [];
    await context.addInitScript(() => { WebAssembly.validate = () => false; });
    page.on("request", (r) => asked.push(r.url()));
    await page.reload();
    await says(page.locator("#t-kernel"), /^Kernels: portable\. This browser has no SIMD128, so it is slower/);
    assert.ok(asked.some((url) => url.endsWith("/fewbits-portable.wasm")), asked.join("\n"));
    assert.equal(await figure(page, "bpw"), "4.75");
  });
});

test("the worked example: [-1, 1] to INT8 has scale 2/255, and 0.5 becomes 64", async () => {
  await visit(site, "", async (page) => {
    await page.getByLabel("Worked example").check();
    await says(page.locator("#src-note"), /worked example/);
    await says(page.locator("#formula"), /64/);
    await says(page.locator("#rule"), /64/);
    await says(page.locator("#w-x"), /^0\.5/);
    const scale = (await plotData(page, "Scale per block")).flat().map(Number).find((v) => Math.abs(v - 2 / 255) < 1e-8);
    assert.ok(scale, "2/255 is not among the scales");
  });
});

test("the whole state stands in the address", async () => {
  let address, heads;
  const read = async (page) => Promise.all(["bpw", "size", "ratio", "sqnr", "max", "sqnr-b"].map((id) => figure(page, id)));
  await visit(site, "", async (page) => {
    await page.getByLabel("Uniform").check();
    await says(page.locator("#src-note"), /uniform/);
    await page.getByLabel("Format").fill("INT4");
    await page.keyboard.press("Enter");
    await page.getByLabel("Symmetric", { exact: true }).check();
    await page.getByLabel("Group size, exact").fill("48");
    await page.keyboard.press("Enter");
    await page.getByLabel("Range", { exact: true }).selectOption("mse");
    await page.getByLabel("Side B").selectOption("NF4");
    await says(page.locator("#a-more"), /group 48/);
    await says(page.locator("#opt-note"), /symmetric · MSE/);
    await page.waitForFunction(() => /sym=true/.test(location.hash) && /b=NF4/.test(location.hash));
    await says(page.locator("#h-bpw-b"), /4\.5/);
    await page.waitForTimeout(300);
    address = new URL(page.url()).hash;
    heads = await read(page);
  });
  await visit(site, address, async (page) => {
    await says(page.locator("#a-more"), /group 48/);
    await says(page.locator("#h-bpw-b"), /4\.5/);
    await page.waitForTimeout(300);
    assert.deepEqual(await read(page), heads);
    assert.equal(new URL(page.url()).hash, address);
  });
});

test("two sides, a divider, and keys that switch between them", async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#h-sqnr-b"), /B \d/);
    await page.locator("#stage").focus();
    await page.keyboard.press("3");
    assert.ok(await page.locator("input[name=show][value=b]").isChecked());
    await page.keyboard.press("1");
    assert.ok(await page.locator("input[name=show][value=a]").isChecked());
    const divider = page.getByLabel("Divider between A and B");
    await divider.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => /split=63/.test(location.hash));
    await page.getByLabel("Side B").selectOption("");
    assert.equal(await page.locator("#h-sqnr-b").textContent(), "");
    assert.ok(await divider.isDisabled());
  });
});

test("an opened weight shows its bits and its formula", async () => {
  await visit(site, "#/tensor?format=Q4_K&b=&row=3&col=300", async (page) => {
    await says(page.locator("#blk-a"), /144 bytes/);
    await says(page.locator("#formula"), /x̂/);
    const [x, y] = await Promise.all(["#w-x", "#w-y"].map((s) => page.locator(s).textContent()));
    await page.getByLabel("column").fill("301");
    await page.waitForFunction((old) => document.querySelector("#w-x").textContent !== old, x);
    assert.notEqual(await page.locator("#w-y").textContent(), y);
    assert.ok((await page.locator("#layout svg .lit").count()) >= 1, "no bits are lit");
    assert.equal(await page.locator("#hex mark").count() >= 1, true);
    await page.waitForFunction(() => /col=301/.test(location.hash));
  });
});

test("pasted numbers", async () => {
  await visit(site, "", async (page) => {
    await page.getByRole("button", { name: "paste numbers" }).click();
    await page.locator("#pastetext").fill("1 2 3\n4, 5; 6");
    await page.getByRole("button", { name: "Use them" }).click();
    await says(page.locator("#src-note"), /pasted numbers · 2 × 3/);
    await page.getByRole("button", { name: "paste numbers" }).click();
    await page.locator("#pastetext").fill("1 two 3");
    await page.getByRole("button", { name: "Use them" }).click();
    await says(page.getByRole("alert"), /line 1: "two" is not a number/);
    await says(page.locator("#src-note"), /2 × 3/);
  });
});

const files = [
  ["npz", ["npy", "shakespearelm_weights.npz"], /npz: \d+ tensors?/],
  ["npy", ["npy", "gpt2_q88_block_0_q.npy"], /npy: 1 tensor$/],
  ["safetensors", ["safetensors", "silero_vad_16k.safetensors"], /safetensors: \d+ tensors?/],
  ["pt", ["pt", "mnist_image_ai_cnn.pt"], /pytorch: \d+ tensors?/],
  ["gguf", ["gguf", "stories260K.gguf"], /gguf: 48 tensors/],
];
for (const [kind, path, says_] of files) {
  test(`a real .${kind} file opens`, { skip: noData }, async () => {
    await visit(site, "", async (page) => {
      await page.locator("#t-file").setInputFiles(data(...path));
      await says(page.locator("#tensors-help"), says_);
      await says(page.locator("#t-status"), /values · exact/);
      assert.match(await figure(page, "sqnr"), /\d/);
    });
  });
}

test("a tensor that is opened from Model by keyboard has the focus in its view", { skip: noData }, async () => {
  await visit(site, "#/model", async (page) => {
    await page.getByLabel("Open a file").setInputFiles(data("gguf", "stories260K.gguf"));
    await page.getByRole("button", { name: "blk.1.attn_k.weight: Open in Tensor" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /blk\.1\.attn_k\.weight/.test(document.getElementById("src-note")?.textContent));
    assert.equal(await page.evaluate(() => document.activeElement.id), "stage");
  });
});

test("of two files the one chosen later is opened, also where the first waits", { skip: noData }, async () => {
  await visit(site, "", async (page, context) => {
    let go;
    const held = new Promise((ok) => { go = ok; });
    await context.route(/fewbits-whole\.wasm/, async (r) => { await held; await r.continue(); });
    await page.evaluate(() => {
      const folder = [{ name: "x/config.json", file: new Blob(["{}"]) }, { name: "x/m.safetensors", file: new Blob(["no"]) }];
      globalThis.fewbitsPage.file(globalThis.fewbitsHost.take(folder), "x", "tensor", "");
    });
    await page.getByLabel("Open a file").setInputFiles(data("npy", "gpt2_q88_block_0_q.npy"));
    await says(page.locator("#tensors-help"), /npy: 1 tensor$/);
    go();
    await page.waitForTimeout(1500);
    assert.match(await page.locator("#tensors-help").textContent(), /npy: 1 tensor$/);
    assert.ok(await page.locator("#t-alert").isHidden(), await page.locator("#t-alert").textContent());
  }, { serviceWorkers: "block" });
});

test("a result that cannot be saved is said", async () => {
  await visit(site, "", async (page) => {
    await page.evaluate(() => { URL.createObjectURL = () => { throw new Error("no room is left"); }; });
    await page.getByRole("button", { name: "Download", exact: true }).first().click();
    await page.getByRole("button", { name: "Packed bytes" }).click();
    await page.keyboard.press("Escape");
    await says(page.locator("#t-alert"), /cannot be saved: no room is left/);
  });
});

test("another tensor of a file, and a format that its rows do not suit", { skip: noData }, async () => {
  await visit(site, "#/tensor?b=", async (page) => {
    await page.locator("#t-file").setInputFiles(data("gguf", "stories260K.gguf"));
    await says(page.locator("#tensors-help"), /48 tensors/);
    await page.getByLabel("Tensor of the file").selectOption({ label: "blk.0.ffn_down.weight · 64 × 172 · F32" });
    await says(page.locator("#src-note"), /blk\.0\.ffn_down\.weight · 64 × 172/);
    await says(page.locator("#t-status"), /11,008 values · exact/);
    await page.waitForTimeout(500); // the numbers of this tensor, not of the one before
    const before = await figure(page, "sqnr");
    await page.getByLabel("Format").fill("Q4_K");
    await page.keyboard.press("Enter");
    await says(page.getByRole("alert"), /rows of 172 values are not a multiple of the 256/);
    assert.equal(await figure(page, "sqnr"), before);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByLabel("Format").fill("INT8");
    await page.keyboard.press("Enter");
    await says(page.locator("#a-name"), /INT8/);
  });
});

test("the result is downloaded: the bytes that the engine made", { skip: noData }, async () => {
  await visit(site, "#/tensor?format=Q8_0&b=", async (page) => {
    await page.locator("#t-file").setInputFiles(data("npy", "gpt2_q88_block_0_q.npy"));
    await says(page.locator("#src-note"), /768 × 768/);
    await says(page.locator("#t-status"), /589,824 values · exact/);
    await page.getByRole("button", { name: "Download", exact: true }).locator("visible=true").click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Packed bytes" }).click()]);
    assert.match(file.suggestedFilename(), /-q8_0\.bin$/);
    const bytes = await readFile(await file.path());
    assert.equal(bytes.length, (768 * 768 * 34) / 32);
    const [json] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Codes, scales" }).click()]);
    const decided = JSON.parse(await readFile(await json.path(), "utf8"));
    assert.equal(decided.codes.length, 768);
    assert.equal(bytes.readInt8(2), decided.codes[0][0]);
  });
});

const bad = [
  [["malformed", "npy", "numpy_py3-objarr.npy"], /Python object/],
  [["malformed", "pt", "modelscan_unsafe_zip_pytorch.pt"], /never runs/],
  [["malformed", "safetensors", "safetensors_abuse_attempt_1.safetensors"], /header/],
  [["malformed", "safetensors", "inkling_shard09_header_only.safetensors"], /bytes/],
  [["gguf", "weightinspect_tiny.gguf"], /ends too early|bytes/],
  [["pt", "lenet_legacy.pt"], /legacy|older|zip/],
  [["text", "tinyshakespeare.txt"], /cannot be opened|can be opened|not/],
];
test("files at fault are refused with a sentence, and the page goes on", { skip: noData }, async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#t-status"), /exact/);
    for (const [path, pattern] of bad) {
      await page.locator("#t-file").setInputFiles(data(...path));
      const text = await says(page.getByRole("alert"), pattern);
      assert.doesNotMatch(text, /runtime error|goroutine|%!|undefined/, path.at(-1));
      await page.getByRole("button", { name: "Dismiss" }).click();
      await says(page.locator("#src-note"), /outlier channels/);
    }
    await page.getByLabel("Normal").check();
    await says(page.locator("#src-note"), /normal/);
  });
});
