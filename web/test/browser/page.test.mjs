// What holds of every view: it can be read before the engine is there, used
// with the keyboard, seen in both themes and on a phone, and never jumps.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root, says, start, visit } from "./site.mjs";

let site, axe;
before(async () => {
  site = await start();
  axe = await readFile(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");
});
after(() => site?.stop());

const views = ["tensor", "model", "compare", "learn"];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Waits until a view has drawn what it computes. */
async function settled(page, view) {
  if (view === "tensor") await says(page.locator("#t-status"), /exact/);
  await page.waitForTimeout(view === "compare" ? 1500 : 300);
}

for (const colorScheme of ["light", "dark"]) {
  for (const view of views) {
    test(`axe finds nothing in ${view}, ${colorScheme}`, async () => {
      await visit(site, `#/${view}`, async (page) => {
        await settled(page, view);
        // Through the debugger: the page's own policy allows no such script.
        const found = await page.evaluate(async ([code, tags]) => {
          (0, eval)(code);
          const { violations } = await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } });
          return violations.map((v) => `${v.impact} ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(" | ")}`);
        }, [axe, tags]).catch((e) => [String(e)]);
        assert.deepEqual(found, []);
      }, { colorScheme, bypassCSP: true });
    });
  }
}

for (const width of [320, 390, 768, 1280, 1920]) {
  test(`no view scrolls sideways at ${width} px`, async () => {
    for (const view of views) {
      await visit(site, `#/${view}`, async (page) => {
        await settled(page, view);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(over, 0, `${view} is ${over} px too wide`);
      }, { viewport: { width, height: 800 } });
    }
  });
}

test("what is drawn never moves what is there", async () => {
  for (const view of views) {
    await visit(site, `#/${view}`, async (page) => {
      await settled(page, view);
      const shift = await page.evaluate(() => new Promise((ok) => {
        let sum = 0;
        new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => ok(sum), 300);
      }));
      assert.ok(shift <= 0.01, `${view} shifted by ${shift}`);
    });
  }
});

test("the page reads and paints without the engine", async () => {
  await visit(site, "#/learn", async (page) => {
    assert.match(await page.locator("[data-view=learn]").innerText(), /INT8 can represent 256 values|INT8/);
    await page.getByRole("link", { name: "Tensor", exact: true }).click();
    assert.ok(await page.getByLabel("Open a file").first().isVisible() || await page.locator("#t-file").count());
    await says(page.getByRole("alert").first(), /engine cannot start/);
  }, { ready: false, allow: ["Failed to load resource", "net::ERR"], serviceWorkers: "block", block: /\.wasm/ });
});

test("what draws the plots is asked for after the program", async () => {
  await visit(site, "#/tensor", async (page) => {
    const order = [];
    page.on("request", (r) => order.push(new URL(r.url()).pathname.split("/").pop()));
    await page.reload();
    await page.waitForSelector("#stage[data-ready=true]");
    const program = order.findIndex((name) => /^fewbits.*\.wasm$/.test(name)), plots = order.indexOf("tensor.part.js");
    assert.ok(program >= 0 && plots > program, order.join(", "));
  }, { serviceWorkers: "block" });
});

test("the views are reached by their links, and the title follows", async () => {
  await visit(site, "", async (page) => {
    for (const [name, view] of [["Model", "model"], ["Compare", "compare"], ["Learn", "learn"], ["Tensor", "tensor"]]) {
      const link = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true });
      await link.focus();
      await page.keyboard.press("Enter");
      await page.waitForFunction((v) => document.documentElement.dataset.route === v && location.hash.startsWith(`#/${v}`), view);
      assert.equal(await link.getAttribute("aria-current"), "page");
      assert.match(await page.title(), new RegExp(`^${name} `));
      assert.equal(await page.locator("h1:visible").count(), 1);
    }
    await page.goBack();
    await page.waitForFunction(() => document.documentElement.dataset.route === "learn");
  });
});

test("the theme is kept", async () => {
  await visit(site, "", async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor);
    const light = await paper();
    await page.getByRole("button", { name: "Dark", exact: true }).click();
    assert.notEqual(await paper(), light);
    await page.reload();
    await page.waitForSelector("#stage[data-ready=true]");
    assert.notEqual(await paper(), light);
    await page.getByRole("button", { name: "Light", exact: true }).click();
    assert.equal(await paper(), light);
  });
});

test("shortcuts are listed, and can be switched off", async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#t-status"), /exact/);
    await page.locator("#stage").focus();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keyboard" });
    assert.ok(await dialog.isVisible());
    await dialog.getByLabel("Single keys work").uncheck();
    await page.keyboard.press("Escape");
    await page.locator("#stage").focus();
    await page.keyboard.press("[");
    await page.waitForTimeout(200);
    assert.match(await page.locator("#a-name").textContent(), /INT4/);
  });
});

test("a file is opened with the keyboard alone", async () => {
  await visit(site, "", async (page) => {
    await says(page.locator("#t-status"), /exact/);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.locator("#stage").focus().then(() => page.keyboard.press("o"))]);
    const values = new Float32Array(64).map((_, i) => Math.sin(i));
    await chooser.setFiles({ name: "sine.f32", mimeType: "application/octet-stream", buffer: Buffer.from(values.buffer) });
    await says(page.locator("#src-note"), /1 × 64|64/);
  });
});

test("a file chosen before the program runs is opened when it does", async () => {
  await visit(site, "", async (page) => {
    await page.locator("#t-file").setInputFiles({ name: "early.f32", mimeType: "application/octet-stream", buffer: Buffer.from(new Float32Array([1, 2, 3, 4]).buffer) });
    await page.waitForSelector("#stage[data-ready=true]");
    await says(page.locator("#src-note"), /early\.f32|· 1 × 4|· 4 ·/);
  }, { ready: false });
});
