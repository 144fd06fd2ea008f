// How Model makes a file: by several workers, in the browser's storage or where
// the person says, whatever happens meanwhile, in little memory.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { alert, box, button, choose, download, hollow, recipe, rows, status } from "./model.mjs";
import { ARGS, data, noData, says, serve, start, visit } from "./site.mjs";

const run = promisify(execFile), MiB = 2 ** 20;
let site, dir, long, want;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-make-"));
  // 96 MiB in 24 tasks and one of small tensors.
  long = await box(join(dir, "long.safetensors"), { "a.weight": 2048, "b.weight": 2048, "c.weight": 1957, "d.weight": 3, "e.weight": 1 });
  want = await command(long, "-to", "Q3_K");
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

/** The bytes that the command writes; undefined where there is none. */
async function command(...args) {
  if (!process.env.FEWBITS_COMMAND) return undefined;
  const out = join(dir, "by-command.gguf");
  await run(process.env.FEWBITS_COMMAND, ["quantize", ...args, "-o", out]);
  return readFile(out);
}

async function same(made, bytes = want) {
  const got = await readFile(made.path);
  assert.ok(!bytes || got.equals(bytes), `${made.path} is not what the command writes`);
}

/** A page on a machine that says to have so many processors, changed by f before anything runs. */
const on = (cores, f, g, setup) => visit(site, "#/model", async (page, context) => {
  await page.addInitScript((n) => Object.defineProperty(navigator, "hardwareConcurrency", { value: n }), cores);
  if (setup) await page.addInitScript(setup);
  await page.reload();
  await page.waitForSelector("#stage[data-ready=true]", { timeout: 30_000 });
  await choose(page, long);
  await says(status(page), /^Ready/);
  await recipe(page, "Q3_K");
  await f(page, context);
}, g);

const percent = (page) => page.evaluate(() => +document.getElementById("m-progress").getAttribute("aria-valuenow"));

/** Waits until so much of the work is done, in per cent. */
const at = (page, percent) => page.waitForFunction((n) => +document.getElementById("m-progress").getAttribute("aria-valuenow") >= n, percent, { timeout: 60_000 });

/** What lies in the browser's own storage. */
const kept = (page) => page.evaluate(async () => {
  const names = [];
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("fewbits").catch(() => null);
  if (folder) for await (const name of folder.keys()) names.push(name);
  return names;
});

/** Waits until nothing lies there. */
async function empty(page, within = 2000) {
  const until = Date.now() + within;
  let names;
  while ((names = await kept(page)).length) {
    assert.ok(Date.now() < until, `${names} is left behind`);
    await new Promise((r) => setTimeout(r, 20));
  }
}

/** The workers that are there, by their names. */
async function named(page) {
  const list = await Promise.all(page.workers().map((w) => w.evaluate(() => self.name).then((name) => [name, w]).catch(() => null)));
  return new Map(list.filter(Boolean));
}

for (const cores of [1, 2, 6]) {
  test(`workers for ${cores} processors make the same file`, { timeout: 120_000 }, async () => {
    await on(cores, async (page) => {
      await button(page, "Quantize").click();
      await at(page, 10);
      const workers = [...(await named(page)).keys()].filter((n) => n.startsWith("job-")).sort();
      assert.deepEqual(workers, Array.from({ length: cores }, (_, i) => `job-${i + 1}`));
      await same(await download(page, dir));
      const left = [...(await named(page)).keys()];
      assert.deepEqual(left.filter((n) => /^job-|^writer|^check/.test(n)), [], "workers go on");
      assert.equal((await kept(page)).length, 1, "what was downloaded is not kept");
      // With another choice it is still to be had, until the next one is begun.
      await recipe(page, "Q8_0");
      await says(page.locator("#m-room"), /^Download still gives long-q3_k\.gguf \(Q3_K\), until the next Quantize\./);
      const [again] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
      await again.saveAs(join(dir, "again.gguf"));
      await same({ path: join(dir, "again.gguf") });
      await button(page, "Quantize").click();
      await button(page, "Cancel").click();
      await empty(page);
    });
  });
}

test("Cancel takes 200 ms at most and leaves nothing, whenever it comes", { timeout: 120_000 }, async () => {
  await on(2, async (page) => {
    for (const percent of [0, 5, 60]) {
      await button(page, "Quantize").click();
      if (percent) await at(page, percent);
      const took = await page.evaluate(() => new Promise((ok) => {
        const said = document.getElementById("m-status"), from = performance.now();
        new MutationObserver((_, o) => { if (said.textContent.startsWith("Cancelled")) { o.disconnect(); ok(performance.now() - from); } }).observe(said, { childList: true, characterData: true, subtree: true });
        document.getElementById("m-cancel").click();
      }));
      assert.ok(took < 200, `Cancel took ${took} ms`);
      await empty(page);
      const busy = async () => [...(await named(page)).keys()].filter((n) => /^job-|^writer/.test(n));
      for (let i = 0; i < 50 && (await busy()).length; i++) await page.waitForTimeout(20); // it may come while a place is sought
      assert.deepEqual(await busy(), [], `workers go on after ${percent} %`);
      await empty(page);
    }
    await button(page, "Quantize").click();
    await same(await download(page, dir));
  });
});

test("a worker that goes without a word is replaced, and the file is the same", { timeout: 120_000 }, async () => {
  await on(2, async (page) => {
    await button(page, "Quantize").click();
    await at(page, 5);
    for (const name of ["job-1", "job-2"]) { // no third one: a task that takes three workers with it is given up
      const worker = (await named(page)).get(name), so = await percent(page);
      await worker?.evaluate(() => self.close()).catch(() => {});
      await at(page, Math.min(100, so + 1));
    }
    await same(await download(page, dir));
    assert.equal(await alert(page).count(), 0);
  });
});

test("a tab in the background goes on: no frames, and timers once a minute", { timeout: 120_000 }, async () => {
  await on(2, async (page) => {
    await page.evaluate(() => {
      const later = setTimeout;
      globalThis.requestAnimationFrame = () => 0;
      globalThis.setTimeout = (f, ms, ...args) => later(f, Math.max(60_000, ms), ...args);
      Object.defineProperty(document, "visibilityState", { value: "hidden" });
      document.getElementById("m-quantize").click();
    });
    await same(await download(page, dir));
  });
});

test("it is saved straight to a file where the browser can", { timeout: 120_000 }, async () => {
  // A stand-in for the dialog: a file of the browser's own storage, or nothing.
  const stub = () => {
    globalThis.showSaveFilePicker = async ({ suggestedName }) => {
      if (globalThis.pickNothing) throw new DOMException("no", "AbortError");
      return (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
    };
  };
  await on(2, async (page) => {
    const straight = button(page, "Save straight to a file");
    await page.evaluate(() => { globalThis.pickNothing = true; });
    await straight.click();
    await says(status(page), /^Ready/);
    assert.ok(await straight.isEnabled());
    await page.evaluate(() => { globalThis.pickNothing = false; });
    const saved = () => page.evaluate(async () => {
      const names = [];
      for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
      return names;
    });
    await straight.click();
    await at(page, 5);
    await button(page, "Cancel").click();
    await says(status(page), /^Cancelled/);
    for (let i = 0; i < 100 && (await saved()).length; i++) await page.waitForTimeout(20);
    assert.deepEqual(await saved(), []);
    await straight.click();
    await says(status(page), /^Done in [\d.]+ s\. Saved\. Read back: 5 tensors/, 60_000);
    assert.equal(await button(page, "Download").count(), 0, "it is where the person wanted it");
    assert.deepEqual(await kept(page), []);
    const hash = await page.evaluate(async () => {
      const file = await (await (await navigator.storage.getDirectory()).getFileHandle("long-q3_k.gguf")).getFile();
      return [...new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))].map((b) => b.toString(16).padStart(2, "0")).join("");
    });
    const { createHash } = await import("node:crypto");
    if (want) assert.equal(hash, createHash("sha256").update(want).digest("hex"));
  }, {}, stub);
});

test("where the browser keeps no files, or has no room, it says so and goes on in memory", { timeout: 120_000 }, async () => {
  await on(2, async (page) => {
    await says(page.locator("#m-room"), /keeps no files for a page here, as in a private window/);
    await button(page, "Quantize").click();
    await same(await download(page, dir));
  }, {}, () => { navigator.storage.getDirectory = async () => { throw new DOMException("private", "SecurityError"); }; });
  await on(2, async (page) => {
    await says(page.locator("#m-room"), /storage has room for 2 MiB of 1[\d.]+ MiB\. Save it straight/);
    assert.ok(await page.locator("#m-room").isVisible());
    await button(page, "Quantize").click();
    await same(await download(page, dir));
  }, {}, () => { navigator.storage.estimate = async () => ({ quota: 3 * 2 ** 20, usage: 2 ** 20 }); });
});

test("what a tab left behind is removed, and not what another one uses", { timeout: 60_000 }, async () => {
  await on(1, async (page, context) => {
    await button(page, "Quantize").click();
    await says(status(page), /^Done/, 60_000);
    const [mine] = await kept(page);
    await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("fewbits");
      await folder.getFileHandle("left-behind", { create: true });
    });
    const other = await context.newPage();
    await other.goto(site.url + "#/tensor");
    for (let i = 0; i < 200 && (await kept(page)).length > 1; i++) await page.waitForTimeout(20);
    assert.deepEqual(await kept(page), [mine]);
    await other.close();
    const third = await context.newPage();
    await page.close();
    await third.goto(site.url + "#/tensor");
    await empty(third);
  });
});

test("a tensor's type is changed by hand, with the mouse and with the keyboard, and back", { skip: noData, timeout: 60_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    await choose(page, data("gguf", "stories260K.gguf"));
    await says(status(page), /^Ready/);
    await recipe(page, "Q4_K_M");
    const name = "blk.0.attn_k.weight", change = page.getByRole("button", { name: new RegExp(`change the type of ${name}`) });
    const next = async () => (await rows(page)).find((r) => r.name === name).next;
    assert.match(await next(), /^Q5_0/);
    assert.equal(await page.getByRole("button", { name: /change the type of blk\.0\.attn_norm/ }).count(), 0, "norms are kept");
    await change.click();
    const list = page.getByRole("combobox", { name: `Type of ${name}` });
    await list.selectOption("Q8_0");
    await says(page.locator("#m-own"), /-tensor-type '\^blk\\\.0\\\.attn_k\\\.weight\$=Q8_0'/);
    assert.match(await page.locator("#m-llama").textContent(), /^llama-quantize --tensor-type '\^blk\\\.0/);
    assert.equal(await list.inputValue(), "Q8_0");
    await list.press("Escape");
    assert.match(await next(), /^Q8_0\s+its type was asked for/);
    assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^Q8_0: change the type/);
    // What the rows do not fill gets a fallback, and says why.
    await page.getByRole("button", { name: /change the type of blk\.0\.ffn_down\.weight/ }).press("Enter");
    await page.getByRole("combobox", { name: "Type of blk.0.ffn_down.weight" }).selectOption("Q6_K");
    await says(page.locator("#m-own"), /ffn_down\\\.weight\$=Q6_K/);
    assert.match((await rows(page)).find((r) => r.name === "blk.0.ffn_down.weight").next, /rows of 172/);
    await button(page, "Quantize").click();
    const made = await download(page, dir);
    await same(made, await command(data("gguf", "stories260K.gguf"), "-to", "Q4_K_M", "-tensor-type", "^blk\\.0\\.attn_k\\.weight$=Q8_0", "-tensor-type", "^blk\\.0\\.ffn_down\\.weight$=Q6_K"));
    await button(page, "Reset 2 rows").click();
    await page.waitForFunction(() => !document.getElementById("m-own").textContent.includes("-tensor-type"));
    assert.match(await next(), /^Q5_0/);
    assert.equal(await button(page, "Reset 2 rows").count(), 0);
  });
});

/** The memory of a browser's renderers, in MiB: the largest of them is the page with all its workers. */
async function renderers(profile) {
  const parent = async (pid) => { const s = await readFile(`/proc/${pid}/stat`, "utf8"); return s.slice(s.lastIndexOf(")") + 2).split(" ")[1]; };
  const words = (pid) => readFile(`/proc/${pid}/cmdline`, "utf8");
  const all = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!(await words(pid)).includes("--type=renderer")) continue;
      let up = pid;
      while (+up > 1 && !(await words(up)).includes(`--user-data-dir=${profile}`)) up = await parent(up);
      if (+up <= 1) continue;
      const text = await readFile(`/proc/${pid}/status`, "utf8");
      const of = (key) => +new RegExp(`${key}:\\s+(\\d+) kB`).exec(text)[1] / 1024;
      all.push(of("RssAnon") + of("RssShmem"));
    } catch { /* it is gone, or another's */ }
  }
  return all;
}

test("a model of 4 GB goes through with 512 MiB in the tab", { timeout: 400_000 }, async (t) => {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize < 2e9) return t.skip(`${dir} has room for ${Math.round(bavail * bsize / 1e6)} MB, and 2,000 are needed`);
  const { size, tensors } = await hollow(join(dir, "hollow.gguf"), 4e9);
  const profile = join(dir, "profile"), server = await serve();
  const context = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGS });
  try {
    const page = context.pages()[0];
    await page.goto(server.url + "#/model");
    await page.waitForSelector("#stage[data-ready=true]", { timeout: 30_000 });
    await choose(page, join(dir, "hollow.gguf"));
    await says(status(page), /^Ready/, 30_000);
    await recipe(page, "Q4_0, pure");
    let most = 0, working = true;
    const watch = (async () => {
      for (; working; await new Promise((r) => setTimeout(r, 100))) most = Math.max(most, ...await renderers(profile));
    })();
    const from = Date.now();
    await button(page, "Quantize").click();
    await says(status(page), new RegExp(`^Done.*Read back: ${tensors} tensors`), 300_000);
    const took = (Date.now() - from) / 1000;
    working = false;
    await watch;
    assert.equal(await alert(page).count(), 0);
    t.diagnostic(`${(size / 1e9).toFixed(1)} GB to Q4_0 in ${took.toFixed(1)} s, at most ${most.toFixed(0)} MiB in the page's process`);
    if (process.platform === "linux") assert.ok(most > 50 && most <= 512, `${most.toFixed(0)} MiB in the tab`);
    await recipe(page, "Q8_0");
    await button(page, "Quantize").click();
    await button(page, "Cancel").click();
    await empty(page, 5000);
  } finally {
    await context.close();
    await server.stop();
  }
});
