// A size is enough: the mix that loses least is found, never larger than that,
// and made as the command makes it from the same lines.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { button, choose, download, recipe, rows, status } from "./model.mjs";
import { accessible, fits, shifts } from "./manners.mjs";
import { data, noData, root, says, start, visit } from "./site.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const skip = noData || (command ? false : "FEWBITS_COMMAND names no command");
const MiB = 2 ** 20, demo = join(root, "web/samples/tale.gguf");
let site, dir;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-budget-"));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const exact = (page) => page.getByLabel("Size budget, exact");
const slider = (page) => page.getByLabel("Size budget, MiB");
const news = (page) => page.locator("#b-status");

async function open(page, file) {
  await choose(page, file);
  await says(status(page), /^Ready/);
  await page.locator("#b-go").waitFor();
}

/** Measures, and waits for the first mix and its plan. */
async function measured(page, file, timeout = 120_000) {
  await open(page, file);
  await button(page, "Measure for a budget").click();
  await says(news(page), /^Measured in [\d.]+ s$/, timeout);
  await planned(page);
}

const planned = (page) => page.waitForFunction(() => /-mix-[\d.]+mib\.gguf$/.test(document.getElementById("m-own").textContent));

/** Waits until the plan is that of the mix of a size, and gives the file's bytes as planned. */
async function mixed(page, size) {
  await page.waitForFunction((s) => document.getElementById("m-own").textContent.endsWith(`-mix-${s}mib.gguf`), size);
}

/** How large the budget's help says the file is. */
const used = async (page) => +/^([\d.]+) MiB used/.exec(await page.locator("#b-help").textContent())[1];

test("a size fills the table, and the file is that of the command with the same lines", { skip, timeout: 240_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const file = data("gguf", "stories260K.gguf"), moved = await shifts(page);
    await measured(page, file);
    assert.equal(await page.getByRole("combobox", { name: "Recipe" }).inputValue(), "mix");
    const [least, most] = await exact(page).evaluate((e) => [+e.min, +e.max]);
    for (const size of [least, (least + most) / 2, most].map((v) => v.toFixed(2))) {
      await exact(page).fill(size);
      await page.keyboard.press("Enter");
      await mixed(page, size);
      await button(page, "Quantize").click();
      const made = await download(page, dir), { size: bytes } = await stat(made.path);
      assert.equal(made.name, `stories260K-mix-${size}mib.gguf`);
      assert.ok(bytes <= +size * MiB, `${bytes} bytes for ${size} MiB`);
      assert.equal(await used(page), +(bytes / MiB).toFixed(2));
      const lines = await page.locator("#b-lines").textContent(), own = await page.locator("#m-own").textContent(), base = /-to (\S+) -pure /.exec(own)[1];
      const text = join(dir, "lines.txt"), same = join(dir, "same.gguf");
      await writeFile(text, `${lines}\n`);
      await run(command, ["quantize", file, "-to", base, "-pure", "-tensor-type-file", text, "-o", same]);
      assert.ok((await readFile(made.path)).equals(await readFile(same)), `${size} MiB: the command makes another file`);
      await run("sh", ["-c", own.replace("fewbits", command).replace("stories260K.gguf", file).replace(/-o \S+$/, `-o ${same}`)]);
      assert.ok((await readFile(made.path)).equals(await readFile(same)), "so does the command that the page shows");
    }
    const [sum, nodes] = await moved();
    assert.ok(sum < 0.01, `it shifts by ${sum}: ${nodes.join("; ")}`);
  });
});

test("the page's mix is about the command's, and no recipe of its size loses less", { skip, timeout: 240_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await measured(page, demo, 240_000);
    const size = 2.5;
    await exact(page).fill(size.toFixed(2));
    await page.keyboard.press("Enter");
    await mixed(page, size.toFixed(2));
    const { stdout } = await run(command, ["budget", demo, "-size", String(size * MiB), "-json"], { maxBuffer: 1 << 26 });
    const want = JSON.parse(stdout), mine = await rows(page), types = new Map(want.tensors.map((t) => [t.name, t.to]));
    const seen = mine.filter((r) => types.has(r.name)), same = seen.filter((r) => r.next.split(" ")[0] === types.get(r.name)).length;
    assert.ok(seen.length === types.size && same >= 0.8 * seen.length, `${same} of ${seen.length} tensors have the command's type`);
    assert.match(await page.locator("#b-plot [data-sentence]").textContent(), /^The mix of 2\.\d\d MiB: error [\d.]+ %\. At Q[45]_K_M's [\d.]+ MiB: error [\d.]+ %, where Q[45]_K_M has [\d.]+ %\.$/);
    await page.locator("#b-plot [data-data]").click();
    assert.match(await page.getByRole("dialog").textContent(), /chosen mix/);
    await page.keyboard.press("Escape");
  });
});

test("an importance matrix opens smaller types, and the file is the command's with it", { skip, timeout: 240_000 }, async () => {
  const stories = join(dir, "tales.txt"), matrix = join(dir, "tale.imatrix.gguf");
  const { stdout } = await run("go", ["run", "./web/test/tales"], { cwd: root, maxBuffer: 1 << 24, env: { ...process.env, GOTOOLCHAIN: "auto" } });
  await writeFile(stories, stdout);
  await run(command, ["imatrix", demo, "-text", stories, "-o", matrix, "-chunks", "8", "-ctx", "128"]);
  await visit(site, "#/model", async (page) => {
    await measured(page, demo);
    const before = await exact(page).evaluate((e) => +e.min);
    await page.getByLabel("Open an importance matrix").setInputFiles(matrix);
    await page.waitForFunction(() => document.getElementById("m-own").textContent.includes(" -imatrix tale.imatrix.gguf") && document.getElementById("recipe").value !== "mix");
    await button(page, "Measure for a budget").click();
    await says(news(page), /^Measured in/, 120_000);
    await planned(page);
    const least = await exact(page).evaluate((e) => +e.min), size = (least + 0.05).toFixed(2);
    assert.ok(least < before, `${least} MiB with the matrix, ${before} without`);
    await exact(page).fill(size);
    await page.keyboard.press("Enter");
    await mixed(page, size);
    const lines = await page.locator("#b-lines").textContent(), own = await page.locator("#m-own").textContent();
    assert.match(lines, /=IQ[12]_/);
    await button(page, "Quantize").click();
    const made = await download(page, dir), text = join(dir, "lines.txt"), same = join(dir, "same.gguf");
    await writeFile(text, `${lines}\n`);
    await run(command, ["quantize", demo, "-to", /-to (\S+) -pure /.exec(own)[1], "-pure", "-imatrix", "tale.imatrix.gguf", "-tensor-type-file", text, "-o", same], { cwd: dir }); // the file says by which matrix
    const file = await readFile(made.path);
    assert.ok(file.length <= +size * MiB, `${file.length} bytes`);
    assert.ok(file.equals(await readFile(same)), "the command makes another file");
  });
});

test("rows can be changed by hand, recipes chosen and the mix again; another model forgets it", { skip: noData, timeout: 240_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await measured(page, data("gguf", "stories260K.gguf"));
    await page.locator("#m-rows [data-type]").first().click();
    await page.locator("#m-rows select").selectOption("F16");
    await page.waitForFunction(() => /-tensor-type '\^[^']*\$=F16'/.test(document.getElementById("m-own").textContent) && document.querySelector("#m-rows tr.edited"));
    assert.match(await page.locator("#b-lines").textContent(), /^\^\S+\$=F16\n/);
    await recipe(page, "Q4_0");
    assert.ok(!(await page.locator("#m-own").textContent()).includes("-pure -tensor-type"));
    await page.getByRole("combobox", { name: "Recipe" }).selectOption("mix");
    await planned(page);
    await exact(page).fill("0.01");
    await page.keyboard.press("Enter");
    await says(page.locator("#b-alert"), /is too small: with the smallest types the file takes/);
    await open(page, demo);
    assert.ok(await slider(page).isDisabled());
    assert.notEqual(await page.getByRole("combobox", { name: "Recipe" }).inputValue(), "mix");
  });
});

test("the keyboard alone measures, cancels, slides and chooses a recipe in the plot", { skip: noData, timeout: 240_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await open(page, demo);
    await page.locator("#b-go").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("progressbar", { name: "Measuring for a budget" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "b-cancel");
    await page.waitForFunction(() => +document.getElementById("b-progress").getAttribute("aria-valuenow") > 2, null, { timeout: 60_000 });
    await page.keyboard.press("Enter");
    await says(news(page), /^Cancelled$/, 1000);
    assert.equal(await page.evaluate(() => document.activeElement.id), "b-go");
    const names = await Promise.all(page.workers().map((w) => w.evaluate(() => self.name).catch(() => "")));
    assert.ok(!names.some((n) => n.startsWith("budget-")), names.join());
    await open(page, data("gguf", "stories260K.gguf"));
    await page.locator("#b-go").focus();
    await page.keyboard.press("Enter");
    await says(news(page), /^Measured in/, 120_000);
    await planned(page);
    await slider(page).focus();
    const before = await page.locator("#m-own").textContent();
    await page.keyboard.press("Home");
    await mixed(page, (await exact(page).evaluate((e) => +e.min)).toFixed(2));
    assert.notEqual(await page.locator("#m-own").textContent(), before);
    await page.locator("#b-plot .cv").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("recipe").value !== "mix");
  });
});

test("checked by KL, mixes and recipes have predicted and measured divergences", { skip: noData, timeout: 400_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await measured(page, data("gguf", "stories260K.gguf"));
    await button(page, "Check by KL").click();
    await page.getByRole("progressbar", { name: "Checking by KL" }).waitFor();
    await page.locator("#b-stop").click();
    await says(news(page), /^Cancelled$/, 1000);
    await button(page, "Check by KL").click();
    await says(news(page), /^Checked in [\d.]+ s$/, 300_000);
    const list = await page.locator("#b-judged tbody tr").evaluateAll((l) => l.map((tr) => [...tr.cells].map((c) => c.textContent)));
    assert.deepEqual(list.map((r) => r[0]).slice(1), ["Q4_K_M", "Mix of Q4_K_M's size", "Q5_K_M", "Mix of Q5_K_M's size"]);
    for (const r of list) assert.ok(parseFloat(r[2]) > 0 && /^[\d.]+( × 10⁻\d)?± [\d.]+/.test(r[3]) && parseFloat(r[4]) > 50, r.join());
    assert.match(await page.locator("#b-help").textContent(), /predicted KL [\d.]+( × 10⁻.)? nats/);
    // Another size: only the mix is run.
    const [least, most] = await exact(page).evaluate((e) => [+e.min, +e.max]), size = ((2 * least + most) / 3).toFixed(2);
    await exact(page).fill(size);
    await page.keyboard.press("Enter");
    await mixed(page, size);
    await button(page, "Check by KL").click();
    await page.waitForFunction(() => document.querySelectorAll("#b-judged tbody tr").length === 6, null, { timeout: 60_000 });
  });
});

for (const [width, colorScheme] of [[320, "light"], [390, "dark"], [1280, "light"], [1280, "dark"]]) {
  test(`axe finds nothing in a budget at ${width} px, ${colorScheme}`, { skip: noData, timeout: 240_000 }, async () => {
    await visit(site, "#/model", async (page) => {
      await measured(page, data("gguf", "stories260K.gguf"));
      await page.locator("#b-text summary").click();
      await accessible(page, "a budget");
      await fits(page, "a budget");
    }, { viewport: { width, height: 844 }, colorScheme });
  });
}
