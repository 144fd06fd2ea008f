// Model, end to end: a file in, a plan, a conversion, a file out that the
// command and llama.cpp itself read.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { alert, box as write, button, choose, download, recipe, rows, status } from "./model.mjs";
import { accessible, fits, shifts } from "./manners.mjs";
import { data, noData, root, says, start, visit } from "./site.mjs";

const run = promisify(execFile);
let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-model-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

/** Opens the small model and waits for its plan. */
async function tale(page, name = "Q4_K") {
  await choose(page, data("gguf", "stories260K.gguf"));
  await says(status(page), /Ready\. 37 of 48 tensors will change/);
  await recipe(page, name);
}

/** Quantizes and downloads; resolves to the file's path and name. */
async function quantize(page) {
  await button(page, "Quantize").click();
  return download(page, dir);
}

const box = (name, ...how) => write(join(dir, name), ...how);

test("the steps can be read without the engine, and nothing can be pressed", async () => {
  await visit(site, "#/model", async (page) => {
    await page.getByRole("heading", { name: "What happens to a model here" }).waitFor();
    assert.ok(await button(page, "Quantize").isDisabled());
    assert.equal(await button(page, "Cancel").count() + await button(page, "Download").count(), 0);
    assert.equal(await page.getByRole("progressbar").count(), 0);
  }, { ready: false });
});

test("a model is opened, planned, quantized, read back and downloaded", { skip: noData }, async () => {
  await visit(site, "#/model", async (page) => {
    const moved = await shifts(page);
    await choose(page, data("gguf", "stories260K.gguf"));
    await says(status(page), /^Ready/);
    assert.equal(await page.getByRole("combobox", { name: "Recipe" }).inputValue(), "Q4_K_M");
    await recipe(page, "Q4_K");
    // What is known of it.
    assert.equal(await page.locator("#m-arch").textContent(), "llama, 5 layers");
    assert.equal(await page.locator("#m-context").textContent(), "2,048");
    assert.equal(await page.locator("#m-params").textContent(), "292,800");
    assert.equal(await page.locator("#m-count").textContent(), "48: F32");
    // Rows of 64 and of 172 fill no block of 256.
    const reasons = await page.locator("#m-reasons").innerText();
    assert.match(reasons, /Q5_0 for 32 tensors: rows of 64 are not a multiple of 256/);
    assert.match(reasons, /F16 for 5 tensors: rows of 172 are a multiple neither of 256 nor of 32/);
    const before = await rows(page);
    assert.equal(before.length, 48);
    const down = before.find((r) => r.name === "blk.0.ffn_down.weight");
    assert.deepEqual([down.shape, down.now, down.bits, down.error], ["64 × 172", "F32", "16.00", "–"]);
    assert.match(down.next, /^F16 .*rows of 172/);
    assert.match(await page.locator("#m-own").textContent(), /^fewbits quantize stories260K\.gguf -to Q4_K -o stories260K-q4_k\.gguf$/);
    assert.equal(await page.locator("#m-llama").textContent(), "llama-quantize --pure stories260K.gguf stories260K-q4_k.gguf Q4_K");

    const made = await quantize(page);
    assert.equal(made.name, "stories260K-q4_k.gguf");
    const bytes = await readFile(made.path);
    assert.equal(bytes.subarray(0, 4).toString(), "GGUF");
    assert.match(await page.locator("#m-sizes").textContent(), new RegExp(`→ ${(bytes.length / 2 ** 20).toFixed(2)} MiB`));
    for (const r of await rows(page)) {
      const e = parseFloat(r.error);
      if (/^F32/.test(r.next)) assert.equal(r.error, "0", r.name);
      else if (/^Q5_0/.test(r.next)) assert.ok(e > 1 && e < 8, `${r.name} lost ${r.error} %`);
      else assert.ok(e > 0 && e < 0.1, `${r.name} lost ${r.error} %`);
    }
    const sqnr = parseFloat((await page.locator("#m-sqnr").textContent()).replace("SQNR", ""));
    assert.ok(sqnr > 24 && sqnr < 32, `SQNR ${sqnr} dB`);
    assert.deepEqual((await moved())[0] < 0.01, true, JSON.stringify(await moved()));

    if (process.env.FEWBITS_COMMAND) {
      const { stdout } = await run(process.env.FEWBITS_COMMAND, ["inspect", "-json", made.path], { maxBuffer: 64 << 20 });
      const info = JSON.parse(stdout);
      assert.equal(info.tensors.length, 48);
      for (const t of info.tensors) {
        const r = before.find((x) => x.name === t.name);
        assert.ok(r && r.next.startsWith(t.type), `${t.name} is ${t.type}, the table says ${r?.next}`);
      }
      // The command that is shown writes the same bytes.
      const [, , ...args] = (await page.locator("#m-own").textContent()).split(" ");
      args[0] = data("gguf", "stories260K.gguf");
      args[args.length - 1] = join(dir, "by-command.gguf");
      await run(process.env.FEWBITS_COMMAND, ["quantize", ...args]);
      assert.ok(bytes.equals(await readFile(args.at(-1))), "the command writes other bytes");
    }
  });
});

test("llama.cpp loads and runs what was downloaded", { skip: noData, timeout: 240_000 }, async () => {
  // Of the original, in F32.
  const original = [403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396];
  const files = {};
  await visit(site, "#/model", async (page) => {
    await tale(page);
    for (const name of ["Q4_K", "Q4_0", "Q8_0", "F16"]) {
      if (name !== "Q4_K") {
        await recipe(page, name);
        await says(status(page), /^Ready/);
      }
      files[name] = (await quantize(page)).path;
    }
  });
  for (const [name, file] of Object.entries(files)) {
    const { stdout } = await run(process.execPath, [join(root, "web/test/browser/llama.mjs"), file, "18"], { timeout: 60_000, killSignal: "SIGKILL" });
    const { ids, vocabulary } = JSON.parse(stdout.trim().split("\n").pop());
    assert.equal(ids.length, 18, name);
    assert.ok(ids.every((i) => Number.isInteger(i) && i >= 0 && i < vocabulary), `${name}: ${ids}`);
    if (name === "Q8_0" || name === "F16") assert.deepEqual(ids, original, name);
    assert.ok(new Set(ids).size > 6, `${name} only repeats itself: ${ids}`);
  }
});

test("a long run shows how far it is; Cancel stops it at once and leaves nothing; then it runs to its end", { timeout: 240_000 }, async () => {
  const file = await box("long.safetensors", { "a.weight": 2048, "b.weight": 2048, "c.weight": 4096 }); // 128 MiB
  await visit(site, "#/model", async (page) => {
    await choose(page, file);
    await says(status(page), /Ready\. 3 of 3 tensors will change/);
    assert.match(await page.locator("#m-reasons").innerText(), /GGUF box/);
    assert.equal(await page.locator("#m-llama").isVisible(), false);
    await recipe(page, "Q3_K");
    await button(page, "Quantize").focus();
    await page.keyboard.press("Enter");
    const bar = page.getByRole("progressbar", { name: "Quantizing" });
    await page.waitForFunction(() => +document.getElementById("m-progress").getAttribute("aria-valuenow") > 3, null, { timeout: 60_000 });
    assert.ok(+(await bar.getAttribute("aria-valuenow")) < 100);
    assert.match(await page.locator("#m-work").innerText(), /\d+ %[\s\S]*of [\d.]+ MiB written[\s\S]*M weights\/s[\s\S]*left/);
    assert.match(await status(page).textContent(), /^[abc]\.weight to Q3_K · tensor \d of 3$/);
    // The focus went from Quantize to Cancel, so Enter cancels.
    assert.equal(await page.evaluate(() => document.activeElement.id), "m-cancel");
    const took = await page.evaluate(() => new Promise((ok) => {
      const said = document.getElementById("m-status"), from = performance.now();
      new MutationObserver((_, o) => { if (said.textContent.startsWith("Cancelled")) { o.disconnect(); ok(performance.now() - from); } }).observe(said, { childList: true, characterData: true, subtree: true });
      document.getElementById("m-cancel").click();
    }));
    assert.ok(took < 200, `Cancel took ${took} ms`);
    assert.equal(await status(page).textContent(), "Cancelled; nothing was kept");
    assert.equal(await page.evaluate(() => document.activeElement.id), "m-quantize");
    assert.equal(await button(page, "Download").count(), 0);
    await page.waitForTimeout(500);
    assert.equal(await status(page).textContent(), "Cancelled; nothing was kept");

    const made = await quantize(page);
    assert.equal(made.name, "long-q3_k.gguf");
    assert.equal((await readFile(made.path)).length > (128 << 20) * 3.4 / 32, true);
  });
});

test("a model past the memory is listed at once", { timeout: 120_000 }, async () => {
  const big = {};
  for (let i = 0; i < 300; i++) big[`blk.${i}.w`] = 1024;
  const file = await box("huge.safetensors", big, { sparse: true }); // 4.7 GiB, all zeros
  await visit(site, "#/model", async (page) => {
    await page.evaluate(() => {
      const said = document.getElementById("m-status");
      document.getElementById("m-file").addEventListener("change", () => { globalThis.chosenAt = performance.now(); }, true);
      new MutationObserver(() => { if (said.textContent.startsWith("Ready")) globalThis.listedAt ??= performance.now(); }).observe(said, { childList: true, subtree: true });
    });
    await choose(page, file);
    await says(status(page), /Ready\. 300 of 300 tensors/);
    const took = await page.evaluate(() => globalThis.listedAt - globalThis.chosenAt);
    assert.ok(took < 1500, `listed after ${took} ms`); // 500 ms on a machine with nothing else to do
    assert.match(await page.locator("#m-sizes").textContent(), /^4\.69 → 0\.66 GiB$/);
    await button(page, "Quantize").click();
    await page.waitForFunction(() => document.getElementById("m-written").textContent && +document.getElementById("m-progress").getAttribute("aria-valuenow") >= 1, null, { timeout: 60_000 });
    await button(page, "Cancel").click();
    await says(status(page), /^Cancelled/);
  });
});

test("bad files are told, and the page goes on", { skip: noData, timeout: 180_000 }, async () => {
  await visit(site, "#/model", async (page) => {
    const fail = async (path, says1) => {
      await choose(page, path);
      await says(alert(page), says1);
      assert.equal(await page.evaluate(() => document.activeElement.id), "m-alert");
    };
    await fail(data("malformed", "safetensors", "safetensors_abuse_attempt_1.safetensors"), /safetensors_abuse_attempt_1.* cannot be opened: .*\d.*open another/);
    assert.ok(await button(page, "Quantize").isDisabled());
    await tale(page);
    const crashes = (await readdir(data("malformed", "gguf_bitnetrs_crashes"))).slice(0, 6);
    let told = 0;
    for (const name of crashes) {
      await choose(page, { name: `bad${told}.gguf`, mimeType: "application/octet-stream", buffer: await readFile(data("malformed", "gguf_bitnetrs_crashes", name)) });
      await says(alert(page), new RegExp(`bad${told}\\.gguf cannot be opened`));
      told++;
    }
    assert.ok(told > 0);
    // The last good model stays.
    assert.equal(await page.locator("#m-name").textContent(), "stories260K.gguf");
    await button(page, "Dismiss").click();
    assert.equal(await alert(page).count(), 0);
    // A file that can be read, but not converted.
    await choose(page, data("gguf", "ggml-vocab-llama-spm.gguf"));
    await says(alert(page), /holds no tensors/);
    assert.ok(await button(page, "Quantize").isDisabled());
    await tale(page);
    await quantize(page);
  });
});

test("names from a file are text and nothing else", { skip: noData }, async () => {
  await visit(site, "#/model", async (page) => {
    await choose(page, data("malformed", "safetensors", "modelaudit_script_injection.safetensors"));
    await says(status(page), /Ready/);
    await page.getByRole("button", { name: /All \d+ metadata/ }).click();
    const dialog = page.getByRole("dialog", { name: "Metadata" });
    assert.match(await dialog.innerText(), /<script>/);
    assert.equal(await dialog.locator("script").count(), 0);
  });
});

test("the table is filtered and sorted, and thousands of rows stay fast", async () => {
  const many = {};
  for (let i = 0; i < 3000; i++) many[`layers.${i}.w`] = 2;
  const file = await box("many.safetensors", many, { cols: 256 });
  await visit(site, "#/model", async (page) => {
    await choose(page, file);
    await says(status(page), /Ready\. 3,000 of 3,000 tensors/);
    const there = await rows(page);
    assert.ok(there.length < 200 && there.length >= 10, `${there.length} rows are there`);
    assert.equal(await page.locator("#m-table").getAttribute("aria-rowcount"), "3001");
    const took = await page.evaluate(() => new Promise((ok) => {
      const box = document.getElementById("m-scroll"), times = [];
      let n = 0;
      const next = () => {
        const from = performance.now();
        box.scrollTop = (box.scrollHeight - box.clientHeight) * ++n / 20;
        box.dispatchEvent(new Event("scroll"));
        box.getBoundingClientRect();
        times.push(performance.now() - from);
        if (n < 20) requestAnimationFrame(next); else ok(times.sort((a, b) => a - b)[10]);
      };
      requestAnimationFrame(next);
    }));
    assert.ok(took < 50, `half of the scrolls took ${took} ms`);
    assert.ok((await rows(page)).length < 200);
    assert.match((await rows(page)).at(-1).name, /^layers\.\d+\.w$/);
    const seen = await page.evaluate(() => {
      document.getElementById("m-scroll").scrollIntoView({ block: "center" });
      const b = document.getElementById("m-scroll").getBoundingClientRect();
      const e = document.elementFromPoint(b.left + 40, b.bottom - 20).closest("tr");
      return e.getAttribute("aria-rowindex");
    });
    assert.equal(seen, "3001");

    await page.getByLabel("Filter tensors").fill("layers.2999");
    await page.waitForFunction(() => document.querySelectorAll("#m-rows tr:not(.gap)").length === 1);
    await says(page.locator("#m-shown"), /1 of 3,000 tensors/);
    await page.getByLabel("Filter tensors").fill("layers.1");
    await page.getByRole("button", { name: "Tensor", exact: true }).click();
    await page.waitForFunction(() => document.getElementById("mh-name").getAttribute("aria-sort") === "ascending");
    assert.deepEqual((await rows(page)).slice(0, 3).map((r) => r.name), ["layers.1.w", "layers.10.w", "layers.11.w"]);
    await page.getByLabel("Filter tensors").fill("nothing like it");
    await says(page.locator("#m-rows"), /No tensor matches/);
  });
});

test("a tensor opens in Tensor, and Back leads to the model", { skip: noData }, async () => {
  await visit(site, "#/model", async (page) => {
    await tale(page);
    await page.getByRole("button", { name: "blk.1.attn_k.weight: Open in Tensor" }).click();
    await page.waitForFunction(() => document.documentElement.dataset.route === "tensor");
    await says(page.locator("#t-status"), /blk\.1\.attn_k\.weight.*2,048 values/);
    assert.match(page.url(), /from=file.*blk\.1\.attn_k\.weight/);
    await page.goBack();
    await page.waitForFunction(() => document.documentElement.dataset.route === "model");
    assert.equal(await page.locator("#m-name").textContent(), "stories260K.gguf");
    await page.getByRole("button", { name: "blk.2.ffn_up.weight: Open in Tensor" }).click();
    await says(page.locator("#t-status"), /blk\.2\.ffn_up\.weight.*11,008 values/);
  });
});

test("the keyboard alone converts a model", { skip: noData }, async () => {
  await visit(site, "#/model", async (page) => {
    await page.locator("#stage").focus();
    const chooser = page.waitForEvent("filechooser");
    await page.waitForTimeout(150); // until the browser hands choosers over
    await page.keyboard.press("o");
    await (await chooser).setFiles(data("gguf", "stories260K.gguf"));
    await says(status(page), /Ready/);
    const tabTo = async (id) => {
      for (let i = 0; i < 40; i++) {
        if (await page.evaluate(() => document.activeElement.id) === id) return;
        await page.keyboard.press("Tab");
      }
      assert.fail(`Tab does not reach #${id}`);
    };
    await tabTo("recipe");
    await page.keyboard.type("Q8");
    await says(page.locator("#m-own"), /-to Q8_0/);
    await tabTo("m-quantize");
    await page.keyboard.press("Enter");
    await says(status(page), /^Done/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "m-download");
    const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    assert.match(file.suggestedFilename(), /^stories260K-q8_0(-pure)?\.gguf$/);
    await tabTo("m-scroll");
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.getElementById("m-scroll").scrollTop > 0);
  });
});

for (const [width, colorScheme] of [[320, "light"], [390, "dark"], [768, "light"], [1440, "light"], [1440, "dark"], [1920, "light"]]) {
  test(`axe finds nothing and nothing is too wide at ${width} px, ${colorScheme}`, { skip: noData }, async () => {
    await visit(site, "#/model", async (page) => {
      await fits(page, "the empty view");
      await tale(page);
      await fits(page, "a planned model");
      await accessible(page, "a planned model");
      await quantize(page);
      await fits(page, "a finished model");
      await accessible(page, "a finished model");
      await page.getByRole("button", { name: "Data of Mix" }).click();
      await accessible(page, "the data of the mix");
      await page.keyboard.press("Escape");
      await choose(page, { name: "none.gguf", mimeType: "", buffer: Buffer.from("GGUF") });
      await alert(page).waitFor();
      await fits(page, "a fault");
      await accessible(page, "a fault");
    }, { viewport: { width, height: 844 }, colorScheme });
  });
}
