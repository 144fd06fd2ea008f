// A model made in the page runs in the page: wllama, llama.cpp as WebAssembly,
// loads it under the site's own policy and says what llama.cpp says natively.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { data, noData, root, start, visit } from "./site.mjs";

const run = promisify(execFile);
const esm = join(root, "web/node_modules/@wllama/wllama/esm");
const COUNT = 24;

let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-wllama-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

/** Quantizes the open model by a recipe; resolves to the file downloaded. */
async function make(page, recipe) {
  const view = page.locator("[data-view=model]");
  await page.getByRole("combobox", { name: "Recipe" }).selectOption(recipe);
  // The command that does the same is written anew with the plan.
  await page.waitForFunction((to) => document.querySelector("[data-view=model]").textContent.includes(to), `-to ${recipe} `);
  await view.getByRole("button", { name: "Quantize", exact: true }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), view.getByRole("button", { name: "Download", exact: true }).click()]);
  const path = join(dir, `${recipe}.gguf`);
  assert.ok(file.suggestedFilename().toLowerCase().includes(recipe.toLowerCase()), file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

/** Lets the page fetch files of this machine from below its own address. */
async function lend(context, files) {
  await context.route(`${site.url}lent/*`, (route) => {
    const path = files[route.request().url().split("/").pop()];
    return path ? route.fulfill({ path, contentType: { js: "text/javascript", wasm: "application/wasm" }[path.split(".").pop()] }) : route.abort();
  });
}

/** In the page: the ids of the first tokens, always the most likely one, and their text. */
async function generate({ base, count }) {
  const { Wllama } = await import(`${base}wllama.js`);
  const wllama = new Wllama({ default: `${base}wllama.wasm` }, { suppressNativeLog: true });
  const model = await (await fetch(`${base}model.gguf`)).blob();
  try {
    await wllama.loadModel([model], { n_ctx: 256, n_threads: 1, n_gpu_layers: 0 });
    const { choices: [c] } = await wllama.createCompletion({ prompt: "", max_tokens: count, temperature: 0, n_probs: 1 });
    return { text: c.text, ids: c.logprobs.content.map((t) => t.id) };
  } finally {
    await wllama.exit();
  }
}

test("wllama runs what the page made as llama.cpp does", { skip: noData, timeout: 180_000 }, async () => {
  await visit(site, "#/model", async (page, context) => {
    const files = { "wllama.js": join(esm, "index.js"), "wllama.wasm": join(esm, "wasm/wllama.wasm") };
    await lend(context, files);
    await page.locator("[data-view=model]").getByLabel("Open a file").setInputFiles(data("gguf", "stories260K.gguf"));
    await page.waitForFunction(() => /^Ready/.test(document.getElementById("m-status").textContent));
    const names = await page.getByRole("combobox", { name: "Recipe" }).locator("option").evaluateAll((list) => list.map((o) => o.value));
    const small = ["Q4_K_M", "Q4_K"].find((n) => names.includes(n));
    for (const recipe of ["F16", "Q8_0", small]) {
      files["model.gguf"] = await make(page, recipe);
      const there = await page.evaluate(generate, { base: `${site.url}lent/`, count: COUNT });
      const { stdout } = await run(process.execPath, [join(root, "web/test/browser/llama.mjs"), files["model.gguf"], String(COUNT)], { timeout: 60_000, killSignal: "SIGKILL" });
      const native = JSON.parse(stdout.trim().split("\n").pop());
      assert.equal(there.ids.length, COUNT, recipe);
      // Four bits leave tokens close to each other, and the two builds sum in other orders.
      if (recipe !== small) assert.deepEqual(there.ids, native.ids, `${recipe}: ${there.text}`);
      assert.match(there.text, /^ ?Once upon a time/, recipe);
    }
  });
});
