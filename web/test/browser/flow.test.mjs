// What flows through a model: methods against rounding, the importance matrix,
// activations and their figures.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { button, choose } from "./model.mjs";
import { accessible, fits } from "./manners.mjs";
import { root, says, start, visit } from "./site.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const model = join(root, "web/samples/tale.gguf");
let site, dir, text;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-flow-"));
  const story = "Once there was a girl named Lily. She had three red apples and a small box. She gave one apple to her friend Tom. Then she had two apples. ";
  await writeFile(text = join(dir, "story.txt"), story.repeat(120));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const news = (page, part) => page.locator(`#f-${part}-news [role=status]`);
const done = (page, part) => says(news(page, part), /^Done in [\d.]+ s$/, 90_000);

async function open(page, own = false) {
  await choose(page, model);
  await page.locator("#f-run:enabled").waitFor();
  if (!own) return;
  await page.getByLabel("Text", { exact: true }).selectOption("own");
  await page.getByLabel("Open a text file").setInputFiles(text);
}

async function save(page, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  const path = join(dir, `page-${file.suggestedFilename()}`);
  await file.saveAs(path);
  return readFile(path);
}

const cells = (page, id) => page.locator(`#${id} tbody tr`).evaluateAll((list) => list.map((tr) => [...tr.cells].map((c) => c.firstChild.textContent)));

/** Runs GPTQ at 3 bits. */
async function gptq(page) {
  await button(page, "Run GPTQ").click();
  await page.getByRole("progressbar", { name: "Reading the text" }).waitFor();
  await done(page, "method");
}

test("GPTQ at 3 bits strays less than rounding", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await gptq(page);
    const [[, , kl, plain]] = await cells(page, "f-runs");
    assert.ok(parseFloat(kl) > 0 && parseFloat(kl) < 0.8 * parseFloat(plain), `${kl} against ${plain}`);
    assert.match(await page.locator("#f-errors [data-sentence]").textContent(), /^GPTQ loses less than rounding in \d+ of 21 matrices, on average [\d.]+ % of the output against [\d.]+ %/);
  });
});

test("the file that a method makes is the command's, byte for byte", { skip: command ? false : "FEWBITS_COMMAND names no command", timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page, true);
    await gptq(page);
    const bytes = await save(page, "Download tale-gptq.gguf"), shown = await page.locator("#f-command").textContent();
    assert.equal(shown, "fewbits quantize tale.gguf -to gptq -calib story.txt -ctx 128 -chunks 16 -store f16 bits=3 group=32 -o tale-gptq.gguf");
    await run(command, ["quantize", model, ...shown.split(" ").slice(3)], { cwd: dir });
    assert.ok(bytes.equals(await readFile(join(dir, "tale-gptq.gguf"))), "the command writes other bytes");
  });
});

test("the importance matrix is the command's, in both forms, and the plan goes by it", { skip: command ? false : "FEWBITS_COMMAND names no command", timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page, true);
    await button(page, "Collect importance from this text").click();
    await done(page, "method");
    await says(page.locator("#i-name"), /^tale-imatrix\.gguf$/);
    await says(page.locator("#i-help"), /It covers 21 of the model's/);
    assert.equal(await page.locator("#i-use").isChecked(), true);
    for (const [name, ext] of [["Download matrix (GGUF)", "gguf"], ["Download matrix (.dat)", "dat"]]) {
      const bytes = await save(page, name), out = join(dir, `command.${ext}`);
      await run(command, ["imatrix", model, "-text", "story.txt", "-ctx", "128", "-chunks", "16", "-o", out], { cwd: dir });
      assert.ok(bytes.equals(await readFile(out)), `the command's .${ext} is another`);
    }
  });
});

test("a text that says little is called so; HQQ and GPTQ take what their authors have", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page, true);
    await page.locator("#f-seq").uncheck();
    await page.locator("#f-sym").check();
    await page.locator("#f-static-groups").check();
    await page.locator("#f-act-order").check();
    await page.locator("#f-damp").fill("0.05");
    await gptq(page);
    await says(page.locator("#f-few"), /^Little text for GPTQ: \d+ different inputs reach the first layer, whose matrices have 256 columns\. In \d+ directions/);
    await says(page.locator("#f-same"), /^\d+ % of what quality is measured on stood in the text that is calibrated on/);
    const shown = await page.locator("#f-command").textContent();
    assert.match(shown, / -store f16 -parallel act-order=true bits=3 damp=0\.05 group=32 static-groups=true sym=true -o /);
    if (command) {
      const bytes = await save(page, "Download tale-gptq.gguf");
      await run(command, ["quantize", model, ...shown.split(" ").slice(3)], { cwd: dir });
      assert.ok(bytes.equals(await readFile(join(dir, "tale-gptq.gguf"))), "the command writes other bytes");
    }
    await page.locator("#q-go").click();
    await says(page.locator("#q-status"), /^Done/, 60_000);
    assert.match(await page.locator("#q-same").textContent(), /calibrated on this very text/);
    assert.ok(await page.locator("#q-same").isVisible());
    await page.getByLabel("Text", { exact: true }).selectOption("");
    await page.locator("#f-method").selectOption("HQQ");
    await page.locator("#f-axis").selectOption("0");
    await page.locator("#f-round-zero").selectOption("true");
    await button(page, "Run HQQ").click();
    await page.waitForFunction(() => document.querySelectorAll("#f-runs tbody tr").length === 2, null, { timeout: 90_000 });
    await done(page, "method");
    assert.match(await page.locator("#f-runs tbody tr.last").textContent(), /axis=0.*round-zero=true/);
    for (const id of ["few", "same"]) assert.ok(!(await page.locator(`#f-${id}`).isVisible()), id);
  });
});

test("activations have figures with sentences and data; sliders move them", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await button(page, "Look at activations").click();
    await done(page, "look");
    const say = (id) => page.locator(`#f-${id} [data-sentence]`);
    await says(say("channels"), /^Channel \d+ reaches [\d.]+, [\d.]+ times the median of 256/);
    await says(say("tokens"), /^2,048 tokens of blk\.0\.attn_q\.weight/);
    await says(say("values"), /clip at min\/max ±[\d.]+, moving average ±[\d.]+, percentile 99\.9 ±[\d.]+, entropy ±[\d.]+, least squares ±/);
    const first = await says(say("w8a8"), /SmoothQuant at alpha 0\.5 /), before = await say("after").textContent();
    await page.getByLabel("Alpha of SmoothQuant, exact").fill("0.8");
    assert.notEqual(await says(say("w8a8"), /SmoothQuant at alpha 0\.8 /), first);
    assert.notEqual(await say("after").textContent(), before);
    await page.getByLabel("Threshold of LLM.int8(), exact").fill("0");
    await says(say("w8a8"), /\(0 channels in 16 bits\)/);
    await page.getByLabel("Input of").selectOption("feed-forward down");
    await says(say("tokens"), /ffn_down/);
    await page.getByRole("button", { name: "Data of Range of each channel" }).click();
    await page.getByRole("dialog").getByRole("table").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#f-w").selectOption("INT4/32");
    await button(page, "Measure this pair").click();
    await done(page, "scheme");
    await page.locator("#f-act").selectOption("4");
    await button(page, "Measure this pair").click();
    await page.waitForFunction(() => document.querySelectorAll("#f-schemes tbody tr").length === 2);
    const [[w4a8, , less], [w4a4, , more]] = await cells(page, "f-schemes");
    assert.deepEqual([w4a8, w4a4], ["W4A8", "W4A4"]);
    assert.ok(parseFloat(less) < parseFloat(more), `${less} against ${more}`);
    await accessible(page, "what flows through a model");
  });
});

test("the keyboard alone runs and cancels a method, at once; a phone fits it", { timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    await page.locator("#f-block").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#f-method-news [role=progressbar]:not([hidden])").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    const took = await page.evaluate(() => new Promise((ok) => {
      const from = performance.now(), s = document.querySelector("#f-method-news [role=status]");
      new MutationObserver(() => { if (s.textContent === "Cancelled") ok(performance.now() - from); }).observe(s, { childList: true });
      document.activeElement.click();
    }));
    assert.ok(took <= 200, `${took} ms`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "f-run");
    await page.keyboard.press("Enter");
    await done(page, "method");
    await fits(page);
    await accessible(page, "a method's result on a phone");
  }, { viewport: { width: 390, height: 844 } });
});
