// What every view must do: pass axe, never shift, fit a narrow screen.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import assert from "node:assert/strict";
import { root } from "./site.mjs";

let source;

/** Runs axe on the page as it is; fails on any violation. rules: of these alone. */
export async function accessible(page, what = "the page", rules = null) {
  source ??= await readFile(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(source + ";0"); // past the page's policy, which allows no inline script
  const { violations } = await page.evaluate((rules) => axe.run(document, { runOnly: rules ? { type: "rule", values: rules } : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }), rules);
  const told = violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " — " + (n.failureSummary || "").replace(/\s+/g, " ")).join("; ")}`);
  assert.deepEqual(told, [], `axe on ${what}`);
}

/** Counts layout shifts from now on; call the result for the sum so far. */
export async function shifts(page) {
  await page.evaluate(() => {
    globalThis.shifted = 0;
    globalThis.shiftedWhat = [];
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) {
        if (e.hadRecentInput) continue;
        globalThis.shifted += e.value;
        for (const s of e.sources) globalThis.shiftedWhat.push(`${s.node?.nodeName} #${s.node?.id} .${s.node?.className} ${JSON.stringify(s.previousRect)} → ${JSON.stringify(s.currentRect)}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return () => page.evaluate(() => [globalThis.shifted, globalThis.shiftedWhat.slice(0, 4)]);
}

/** Fails where the page can be scrolled sideways. */
export async function fits(page, what = "the page") {
  const wide = await page.evaluate(() => {
    const over = [...document.querySelectorAll("body *")].filter((e) => {
      const r = e.getBoundingClientRect();
      return r.width && r.right > innerWidth + 1 && !e.closest(".scroll, .pl-scroll, .vh, .skip");
    });
    return [document.documentElement.scrollWidth - innerWidth, over.slice(0, 3).map((e) => `${e.nodeName} #${e.id} .${e.className}`)];
  });
  assert.ok(wide[0] <= 0, `${what} is ${wide[0]} px too wide: ${wide[1].join("; ")}`);
}
