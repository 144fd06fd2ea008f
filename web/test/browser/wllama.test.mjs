// A model made in the page runs in the page, in llama.cpp itself: wllama, which
// the page offers under Run it here, says what llama.cpp says natively. No test
// asks another site for anything: see visit.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { accessible, fits } from "./manners.mjs";
import { button, choose, download, recipe, status } from "./model.mjs";
import { data, noData, root, says, start, visit } from "./site.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const PROMPT = "Once upon a time", COUNT = 24;

let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-wllama-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const own = (page) => page.getByRole("radio", { name: "Fewbits" });
const llama = (page) => page.getByRole("radio", { name: /^llama\.cpp, [\d.]+ MB once$/ });
const said = (page) => page.locator("#p-status");
const note = (page, i) => page.locator("#p-said > div").nth(i).locator("p.note");
const text = (page, i) => page.locator("#p-said > div").nth(i).locator("p.said").textContent();

async function open(page, file = data("gguf", "stories260K.gguf")) {
  await choose(page, file);
  await says(status(page), /^Ready/);
  await page.locator("#p-form").waitFor();
}

async function make(page, name) {
  await recipe(page, name);
  await says(status(page), /^Ready/);
  await button(page, "Quantize").click();
  return (await download(page, dir)).path;
}

/** What llama.cpp says natively: the prompt and so many tokens. */
async function native(file) {
  const { stdout } = await run(process.execPath, [join(root, "web/test/browser/llama.mjs"), file, String(COUNT), PROMPT], { timeout: 60_000, killSignal: "SIGKILL" });
  return JSON.parse(stdout.trim().split("\n").pop()).text.trim();
}

/** Runs both until they are through, or one of so many tokens; resolves to what they said. */
async function go(page, least = 0) {
  await button(page, "Run").click();
  if (least) {
    for (const i of [0, 1]) await page.waitForFunction(({ i, least }) => parseInt(/(\d+) tokens/.exec(document.querySelectorAll("#p-said p.note")[i]?.textContent)?.[1] ?? 0) >= least, { i, least }, { timeout: 60_000 });
    await page.locator("#p-stop").evaluate((b) => b.click()); // it may be through
  } else await says(said(page), /^Done$/, 60_000);
  return [await text(page, 0), await text(page, 1)];
}

test("llama.cpp says in the page what it says natively", { skip: noData, timeout: 180_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page);
    const names = await page.getByRole("combobox", { name: "Recipe" }).locator("option").evaluateAll((list) => list.map((o) => o.value));
    const small = ["Q4_K_M", "Q4_K"].find((n) => names.includes(n)), original = await native(data("gguf", "stories260K.gguf"));
    await llama(page).check();
    for (const name of ["F16", "Q8_0", small]) {
      const want = await native(await make(page, name)), got = await go(page, name === "Q8_0" ? 0 : COUNT);
      assert.ok(got[0].startsWith(original), `the original says ${got[0]}, natively ${original}`);
      // Four bits leave tokens close to each other, and the two builds sum in other orders.
      if (name !== small) assert.ok(got[1].startsWith(want), `${name} says ${got[1]}, natively ${want}`);
      assert.match(got[1], /^Once upon a time, there/, name);
      if (name === "Q8_0") assert.match(await note(page, 1).textContent(), /^Q8_0 · 160 tokens, [\d,]+ a second · llama\.cpp$/);
    }
    const got = await text(page, 1), off = await page.locator("#p-said mark").nth(1).textContent();
    assert.ok(got.endsWith(off) && (await text(page, 0)).startsWith(got.slice(0, got.length - off.length)), off);
  });
});

test("without its program it says so and Fewbits runs; the keyboard chooses it, and Stop is at once", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page, context) => {
    await open(page);
    const workers = () => page.evaluate(async () => (await navigator.locks.query()).held.filter((l) => l.name.startsWith("fewbits-worker-")).length);
    const idle = await workers();
    await context.route("**/wllama.wasm", (r) => r.abort());
    await page.getByLabel("Prompt", { exact: true }).focus();
    for (const key of ["Tab", "ArrowRight", "Tab"]) await page.keyboard.press(key);
    assert.ok(await llama(page).isChecked());
    await page.keyboard.press("Enter");
    await says(page.locator("#p-alert"), /^llama\.cpp could not be fetched: the server cannot be reached\. See to the connection/);
    await button(page, "Run with Fewbits").click();
    await says(said(page), /^Done$/, 60_000);
    assert.ok(await own(page).isChecked());
    assert.match(await note(page, 0).textContent(), /· Fewbits$/);
    const alone = await text(page, 0);

    await context.unroute("**/wllama.wasm");
    await llama(page).check();
    await button(page, "Run").click();
    await says(note(page, 0), /\d+ tokens, .* llama\.cpp$/, 60_000);
    const took = await page.evaluate(() => new Promise((ok) => {
      const from = performance.now(), s = document.getElementById("p-status");
      new MutationObserver(() => { if (s.textContent === "Stopped") ok(performance.now() - from); }).observe(s, { childList: true, characterData: true, subtree: true });
      document.getElementById("p-stop").click();
    }));
    assert.ok(took <= 200, `${took} ms`);
    assert.ok(alone.startsWith(await text(page, 0)), "the two programs agree on the original");
    await page.waitForFunction((n) => navigator.locks.query().then(({ held }) => held.filter((l) => l.name.startsWith("fewbits-worker-")).length <= n), idle);
    await page.getByLabel("Prompt", { exact: true }).fill("");
    await button(page, "Run").click();
    await says(page.locator("#p-alert"), /there is no prompt/);
  }, { allow: ["net::ERR_FAILED"] });
});

test("what only one of them can run, the other does not", { skip: noData || (command ? false : "FEWBITS_COMMAND names no command"), timeout: 120_000 }, async () => {
  const bytes = await readFile(data("gguf", "stories260K.gguf"));
  for (let at = bytes.indexOf("llama"); at >= 0; at = bytes.indexOf("llama", at + 1)) if (!/ggml\.model.{12}$/s.test(bytes.toString("latin1", Math.max(0, at - 40), at))) bytes.write("zebra", at);
  const zebra = join(dir, "zebra.gguf"), folder = join(dir, "a-folder");
  await writeFile(zebra, bytes);
  await run(command, ["quantize", data("gguf", "stories260K.gguf"), "-to", "nf4", "-as", "bitsandbytes", "-o", folder]);
  await visit(site, "#/model", async (page) => {
    await open(page, zebra);
    assert.ok(await own(page).isDisabled() && await llama(page).isChecked());
    await says(page.locator("#p-why"), /Fewbits cannot: Models of the architecture zebra are not run here/);
    await button(page, "Run").click();
    await says(page.locator("#p-alert"), /^zebra\.gguf cannot go on: this llama\.cpp does not know models of the architecture zebra$/, 60_000);
    assert.ok(await button(page, "Run with Fewbits").isHidden());

    await page.locator("[data-view=model] [webkitdirectory]").setInputFiles(folder);
    await says(page.locator("#m-stored"), /NF4/, 30_000);
    await says(status(page), /^Ready/);
    assert.ok(await llama(page).isDisabled() && await own(page).isChecked());
    await says(page.locator("#p-why"), /llama\.cpp cannot: It runs whole models in GGUF files/);
    await make(page, "Q8_0");
    await llama(page).check();
    const [first, second] = await go(page);
    assert.match(await note(page, 0).textContent(), /^original · 160 tokens, .* · Fewbits$/);
    assert.match(await note(page, 1).textContent(), /^Q8_0 · 160 tokens, .* · llama\.cpp$/);
    for (const t of [first, second]) assert.match(t, /^Once upon a time, there/);
    await accessible(page, "what llama.cpp said");
    await fits(page, "what llama.cpp said");
  }, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
});
