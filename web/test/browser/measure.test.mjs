// What a model and what was made of it make of a text: the page's numbers are
// the command's.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { button, choose, download, recipe, status } from "./model.mjs";
import { accessible, fits, shifts } from "./manners.mjs";
import { layers, normal } from "./files.mjs";
import { data, noData, says, start, visit } from "./site.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const skip = noData || (command ? false : "FEWBITS_COMMAND names no command");
let site, dir, text;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-measure-"));
  if (noData) return;
  const all = await readFile(data("text", "tinystories_sample_197k.txt"), "utf8");
  await writeFile(text = join(dir, "a story.txt"), all.slice(0, 20_000));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const said = (page) => page.locator("#q-status");
const fault = (page) => page.locator("#q-alert");

/** Begins; the news of what was measured before goes first, for a file takes a moment to be read. */
async function measure(page) {
  await said(page).evaluate((e) => { e.textContent = ""; });
  await button(page, "Measure").click();
}

const done = (page, timeout = 60_000) => says(said(page), /^Done in [\d.]+ s$/, timeout);

/** The rows of the results: names and numbers. */
const results = (page) => page.locator("#q-results tbody tr").evaluateAll((list) => list.map((tr) => [...tr.cells].map((c) => c.firstChild.textContent.replaceAll("−", "-"))));

async function tale(page) {
  await choose(page, data("gguf", "stories260K.gguf"));
  await says(status(page), /^Ready/);
  await page.locator("#q-form").waitFor();
}

async function own(page, file = text) {
  await page.getByLabel("Text", { exact: true }).selectOption("own");
  await page.getByLabel("Open a text file").setInputFiles(file);
}

/** A number with its error, as the page prints it. */
function near(printed, value, error, what) {
  const [v, e] = printed.replace(" %", "").split(" ± ").map(Number), digits = /\.(\d+) ±/.exec(printed)[1].length;
  const off = 0.51 * 10 ** -digits + 1e-6 * Math.abs(value);
  assert.ok(Math.abs(v - value) <= off && Math.abs(e - error) <= off, `${what}: the page says ${printed}, the command ${value} ± ${error}`);
}

test("perplexity, KL and the same top token are the command's, of the original and of what was made", { skip, timeout: 180_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const moved = await shifts(page), original = data("gguf", "stories260K.gguf");
    await tale(page);
    await own(page);
    await measure(page);
    await done(page);
    for (const name of ["Q8_0", "Q4_0"]) {
      await recipe(page, name);
      await says(status(page), /^Ready/);
      await button(page, "Quantize").click();
      const made = await download(page, dir);
      await measure(page);
      await done(page);
      const { stdout } = await run(command, ["eval", made.path, "-text", text, "-against", original, "-ctx", "512", "-chunks", "4", "-json"]);
      const want = JSON.parse(stdout), a = want.against, rows = await results(page);
      assert.deepEqual([rows[0][0], rows.at(-1)[0]], ["stories260K.gguf", made.name]);
      const [, ppl, more, kl, same] = rows.at(-1);
      near(rows[0][1], a.perplexity, a.perplexityError, "perplexity of the original");
      near(ppl, want.perplexity, want.perplexityError, `perplexity of ${name}`);
      near(more, 100 * (a.ratio - 1), 100 * a.ratioError, `change of ${name}`);
      near(kl, a.kl, a.klError, `KL of ${name}`);
      near(same, 100 * a.sameTop, 100 * a.sameTopError, `same top token of ${name}`);
      assert.match(await page.locator("#q-note").textContent(), new RegExp(`^${want.scored.toLocaleString("en")} of 2,048 tokens scored, in 4 chunks of 512, of a story\\.txt`));
      assert.equal(await page.locator("#q-command").textContent(), `fewbits eval ${made.name} -text 'a story.txt' -against stories260K.gguf -ctx 512 -chunks 4`);
    }
    assert.equal((await results(page)).length, 3); // the original and both
    const [sum, nodes] = await moved();
    assert.ok(sum < 0.01, `it shifts by ${sum}: ${nodes.join("; ")}`);
  });
});

test("the built-in text is read without a file, as often as one likes", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await tale(page);
    const seen = [];
    for (let i = 0; i < 2; i++) {
      await measure(page);
      await says(said(page), /^(Loading|Reading)/);
      await done(page);
      seen.push(await results(page));
    }
    assert.equal(seen[0].length, 1);
    assert.deepEqual(seen[0], seen[1]);
    const [, ppl] = seen[0][0];
    assert.ok(parseFloat(ppl) > 2 && parseFloat(ppl) < 30, ppl);
  });
});

test("the keyboard alone measures and cancels; Cancel is at once", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await tale(page);
    await page.getByLabel("Read", { exact: true }).selectOption("8192");
    await page.getByLabel("Read", { exact: true }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("progressbar", { name: "Measuring" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "q-cancel");
    await page.waitForFunction(() => +document.getElementById("q-progress").getAttribute("aria-valuenow") > 5, null, { timeout: 60_000 });
    await says(page.locator("#q-far"), /^[\d,]+ of 8,192 tokens, [\d.]+ (s|min) left$/);
    const took = await page.evaluate(() => new Promise((ok) => {
      const from = performance.now(), s = document.getElementById("q-status");
      new MutationObserver(() => { if (s.textContent === "Cancelled") ok(performance.now() - from); }).observe(s, { childList: true, characterData: true, subtree: true });
      document.getElementById("q-cancel").click();
    }));
    assert.ok(took <= 200, `${took} ms`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "q-go");
    assert.equal(await page.getByRole("progressbar").count(), 0);
    assert.equal((await results(page)).length, 0);
    const names = await Promise.all(page.workers().map((w) => w.evaluate(() => self.name).catch(() => "")));
    assert.ok(!names.some((n) => n.startsWith("eval-")), names.join());
    await page.getByLabel("Read", { exact: true }).selectOption("2048");
    await page.getByLabel("Read", { exact: true }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await done(page);
  });
});

test("a worker that is lost is started again, and the numbers are the same", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await tale(page);
    await measure(page);
    await done(page);
    const want = await results(page);
    await measure(page);
    await page.waitForFunction(() => +document.getElementById("q-progress").getAttribute("aria-valuenow") > 5, null, { timeout: 60_000 });
    for (const w of page.workers()) {
      if (await w.evaluate(() => self.name).catch(() => "") === "eval-1") await w.evaluate(() => close()).catch(() => {});
    }
    await done(page).catch(async (e) => assert.fail(`${e.message} ${await fault(page).textContent()}`));
    assert.deepEqual(await results(page), want);
  });
});

test("what cannot be measured says why, and so does a text that is too short or too long", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const tensors = { "token_embd.weight": { shape: [16, 256], values: normal(4096, 1) }, "blk.0.attn_q.weight": { shape: [16, 256], values: normal(4096, 2) }, "blk.1.attn_q.weight": { shape: [16, 256], values: normal(4096, 3) } };
    const dumb = join(dir, "dumb.gguf");
    await writeFile(dumb, layers(tensors, 2));
    await choose(page, dumb);
    await says(status(page), /^Ready/);
    await says(page.locator("#q-why"), /has no tokenizer/);
    assert.ok(await button(page, "Measure").isDisabled());
    await tale(page);
    assert.equal(await page.locator("#q-why").textContent().then((s) => /^Nothing is measured yet/.test(s)), true);
    await page.getByLabel("Text", { exact: true }).selectOption("own");
    await measure(page);
    await says(fault(page), /there is no text yet/);
    await page.getByLabel("Text to read").fill("Once upon a time.");
    await measure(page);
    await says(fault(page), /the text has \d+ tokens, and two chunks of 64 are the least; give a longer text/);
    const long = join(dir, "long.txt");
    await writeFile(long, "Once upon a time. ".repeat(70_000));
    await page.getByLabel("Open a text file").setInputFiles(long);
    await measure(page);
    await says(fault(page), /longer than the 1 MiB that are read here/);
  });
});

test("the original and what was made of it go on with a prompt, and where they part is marked", { skip: noData, timeout: 120_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const text = (i) => page.locator("#p-said > div").nth(i).locator("p.said");
    await tale(page);
    await page.getByLabel("Prompt", { exact: true }).fill("Once upon a time");
    await button(page, "Run").click();
    await says(page.locator("#p-status"), /^Done$/, 60_000);
    assert.match(await text(0).textContent(), /^Once upon a time, there was a .{80}/);
    const original = await text(0).textContent();
    assert.equal(await page.locator("#p-said > div").count(), 1);
    await recipe(page, "Q2_K");
    await says(status(page), /^Ready/);
    await button(page, "Quantize").click();
    await says(status(page), /^Done/, 60_000);
    await page.getByLabel("Prompt", { exact: true }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await says(page.locator("#p-status"), /^Done$/, 60_000);
    assert.equal(await text(0).textContent(), original);
    const [said, off] = [await text(1).textContent(), await text(1).locator("mark").textContent()];
    assert.ok(off.length > 0 && said.endsWith(off) && original.startsWith(said.slice(0, said.length - off.length)) && !original.startsWith(said), `${original}\n${said}\nmarked: ${off}`);
    assert.match(await page.locator("#p-said > div").nth(1).locator("p.note").textContent(), /^Q2_K · 160 tokens, \d+ a second · Fewbits$/);
    // Stop is at once.
    await button(page, "Run").click();
    await button(page, "Stop").click();
    await says(page.locator("#p-status"), /^Stopped$/, 1000);
    await page.getByLabel("Prompt", { exact: true }).fill("");
    await button(page, "Run").click();
    await says(page.locator("#p-alert"), /there is no prompt/);
  });
});

for (const [width, colorScheme] of [[320, "light"], [390, "dark"], [1280, "light"], [1280, "dark"]]) {
  test(`axe finds nothing in what was measured at ${width} px, ${colorScheme}`, { skip: noData, timeout: 120_000 }, async () => {
    await visit(site, "#/model", async (page) => {
      await tale(page);
      await button(page, "Quantize").click();
      await says(status(page), /^Done/, 60_000);
      await own(page);
      await measure(page);
      await done(page);
      await button(page, "Run").click();
      await says(page.locator("#p-status"), /^Done$/, 60_000);
      await accessible(page, "what was measured");
      await fits(page, "what was measured");
    }, { viewport: { width, height: 844 }, colorScheme });
  });
}
