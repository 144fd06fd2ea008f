// Whole models: the page quantizes a file with one worker and with as many as
// it takes, as a person has it done; libllama the same file with as many threads.
import { cpus } from "node:os";
import { rm, stat } from "node:fs/promises";
import { digits, geomean, median, spread, table } from "./numbers.mjs";

const RECIPES = ["Q8_0", "Q6_K", "Q4_K_M", "Q2_K", "IQ4_XS"];
const ROUNDS = 3;       // the two take turns
const LONGEST = 120_000; // ms that one may take

/** A tab with the model open, on a machine that says it has so many processors. */
async function tab(site, file, processors) {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Emulation.setHardwareConcurrencyOverride", { hardwareConcurrency: processors });
  await page.goto(site.url + "#/model");
  await page.waitForSelector("#stage[data-ready=true]");
  const told = await page.evaluate(() => navigator.hardwareConcurrency);
  if (told !== processors) throw new Error(`the page is told of ${told} processors, not of ${processors}`);
  await page.locator("[data-view=model]").getByLabel("Open a file").setInputFiles(file);
  const says = page.locator("[data-view=model]").getByRole("status");
  await says.filter({ hasText: /^Ready/ }).first().waitFor({ timeout: LONGEST });
  return {
    stop: () => context.close(),
    async quantize(recipe) {
      await page.getByRole("combobox", { name: "Recipe" }).selectOption(recipe);
      await page.waitForFunction((to) => document.querySelector("[data-view=model]").textContent.includes(to), `-to ${recipe} `);
      return page.evaluate(press, LONGEST);
    },
  };
}

/** In the page: ms from a click on Quantize until there is something to download. */
function press(longest) {
  const button = (name) => [...document.querySelectorAll("[data-view=model] button")].find((b) => b.textContent.trim() === name && b.checkVisibility());
  const start = performance.now();
  button("Quantize").click();
  return new Promise((done, fail) => {
    let gone = false; // what a run before this one left
    const id = setInterval(() => {
      const there = Boolean(button("Download")), took = performance.now() - start;
      gone ||= !there;
      if (gone && there) done(took);
      else if (took > longest) fail(new Error(`no Download after ${longest} ms: ${document.getElementById("m-status").textContent}`));
      else return;
      clearInterval(id);
    }, 4);
  });
}

/**
 * Measures all recipes with one worker and with one a processor.
 * @param native asks libllama: native({model, out, recipe, threads}) → {quantizeMs, refused}
 * @returns {Promise<object[]>} rows of the JSON file
 */
export async function measure(site, file, weights, native, say) {
  const { size } = await stat(file), out = file.replace(/\.gguf$/, "-out.gguf");
  const found = [];
  for (const n of new Set([1, Math.min(6, cpus().length)])) {
    const t = await tab(site, file, n);
    const cases = RECIPES.map((recipe) => ({ recipe, workers: n, ms: [], peer: [] }));
    for (let round = 0; round < ROUNDS; round++) {
      say(`models, ${n} ${n === 1 ? "worker" : "workers"}, round ${round + 1} of ${ROUNDS}`);
      for (const c of cases) {
        const p = await native({ model: file, out, recipe: c.recipe, threads: n });
        if (p.refused && !round) say(`libllama: ${p.refused}`);
        if (!p.refused) c.peer.push(p.quantizeMs);
        c.ms.push(await t.quantize(c.recipe));
      }
    }
    await t.stop();
    found.push(...cases);
  }
  await rm(out, { force: true });
  return found.map((c) => row(c, weights, size));
}

function row({ recipe, workers, ms, peer }, weights, size) {
  const each = (list, n) => (list.length ? n / median(list) / 1000 : null);
  const mws = each(ms, weights), peerMws = each(peer, weights);
  return {
    what: "model", type: recipe, where: "chromium", mws, peer_mws: peerMws, ratio: peerMws === null ? null : mws / peerMws,
    workers, mbs: each(ms, size), peer_mbs: each(peer, size), weights, bytes: size, ms, peer_ms: peer, spread: spread(ms), peer_spread: peer.length ? spread(peer) : null,
  };
}

/** The tables as text. */
export function print(rows) {
  const text = [table(["recipe", "workers", "chromium MB/s", "M weights/s", "llama MB/s", "M weights/s", "ratio"], rows.map((r) => [
    r.type, String(r.workers), digits(r.mbs), digits(r.mws), digits(r.peer_mbs), digits(r.peer_mws), r.ratio === null ? "–" : `${digits(r.ratio)} ×`,
  ]))];
  for (const n of new Set(rows.map((r) => r.workers))) {
    const with_ = rows.filter((r) => r.workers === n && r.ratio !== null);
    if (with_.length) text.push(`${n} ${n === 1 ? "worker" : "workers"} against as many threads of llama.cpp: geometric mean ${digits(geomean(with_.map((r) => r.ratio)))} ×`);
  }
  return text.join("\n");
}
