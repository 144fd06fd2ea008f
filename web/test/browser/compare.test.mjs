import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dataOf, says, start, visit } from "./site.mjs";
import { accessible, fits, shifts } from "./manners.mjs";

let site;
before(async () => { site = await start(); });
after(() => site?.stop());

const measured = (page) => says(page.locator("#c-status"), /measured in/, 60_000);
const row = (page, name) => page.locator("#c-body tr").filter({ has: page.locator(`a[data-way="${name}"]`) });
const cell = async (page, name, column) => {
  const heads = await page.locator("#c-scroll th").evaluateAll((t) => t.map((h) => h.dataset.col));
  return row(page, name).locator("td").nth(heads.indexOf(column)).textContent();
};
const plot = (page) => page.getByRole("figure", { name: "Bits against error" });

test("every format is measured, and the numbers are Tensor's", () => visit(site, "#/compare", async (page) => {
  const status = await measured(page);
  const ways = +/^(\d+) ways on outlier channels/.exec(status)[1];
  const formats = await page.evaluate(async () => (await fetch("/api/formats")).json()).catch(() => null);
  if (Array.isArray(formats)) assert.ok(ways >= formats.length, `${ways} ways of ${formats.length} formats`);

  const points = await dataOf(page, plot(page));
  const refused = await page.locator("#c-refused dt").allTextContents();
  assert.equal(points.length + refused.join(", ").split(", ").filter(Boolean).length, ways);
  assert.ok(points.some((p) => p[0] === "INT4 g32" && p[4] !== undefined));
  assert.ok(points.filter((p) => p[4] === "yes").length >= 3, "there is a front");

  await page.getByRole("button", { name: `Show all ${ways}` }).click();
  assert.equal(await page.locator("#c-body tr:visible").count(), ways);
  assert.equal(await page.locator("#c-body tr.edited").count(), 1);
  await says(page.locator("#c-body tr.edited td").first(), /INT4 g32, in Tensor now/);

  // What Compare says of a format is what Tensor says when it is opened.
  for (const name of ["Q4_K", "INT3 per row", "NF4 nested", "INT4 g128"]) {
    const sqnr = await cell(page, name, "sqnr");
    await row(page, name).getByRole("link").click();
    await says(page.locator("#t-status"), /exact/);
    await says(page.locator("#fmt-note"), new RegExp(`^${name.split(" ")[0]} · `));
    await says(page.locator("#h-sqnr"), new RegExp("^" + sqnr.replace(/\.0$/, "").replace(".", "\\.") + "(\\.0)? dB"));
    await page.goBack();
    await page.waitForURL(/#\/compare/);
    await measured(page);
  }
}));

test("a point opens in Tensor by mouse and by keyboard, and Back returns", () => visit(site, "#/compare", async (page) => {
  await measured(page);
  await plot(page).getByRole("group").focus();
  await page.keyboard.press("ArrowRight");
  const at = await plot(page).locator(".pl-tip").textContent();
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/tensor/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "stage");
  await says(page.locator("#a-name"), new RegExp("^" + at.split(/[ :]/)[0] + "$"));
  await page.goBack();
  await page.waitForURL(/#\/compare/);
  assert.ok(await plot(page).isVisible());

  // The mark that is ringed in yellow is Tensor's; clicking it goes there.
  await measured(page);
  const box = await plot(page).locator(".cv").boundingBox();
  for (let x = 60; x < box.width - 20; x += 6) {
    await page.mouse.move(box.x + x, box.y + box.height * 0.5);
    if (await plot(page).locator(".pl-ring").isVisible()) break;
  }
  const tip = await plot(page).locator(".pl-tip").textContent();
  assert.match(tip, /bits/);
  await page.mouse.down();
  await page.mouse.up();
  await page.waitForURL(/#\/tensor/);
  await says(page.locator("#a-name"), new RegExp("^" + tip.split(/[ :]/)[0] + "$"));
}));

test("the table sorts, filters and follows the model's size", () => visit(site, "#/compare", async (page) => {
  await measured(page);
  const column = (name) => page.locator("#c-body tr:visible").evaluateAll((rows, i) => rows.map((r) => r.cells[i].textContent), ["name", "bits", "file", "memory", "sqnr", "max", "rmse"].indexOf(name));
  const number = (t) => (t === "exact" ? Infinity : parseFloat(t.replace("−", "-").replace(",", "")));
  for (const name of ["bits", "file", "sqnr"]) {
    const head = page.locator(`#c-scroll th[data-col=${name}]`);
    if ((await head.getAttribute("aria-sort")) === null) await head.getByRole("button").press("Enter");
    for (const direction of ["descending", "ascending"]) {
      await page.waitForFunction(([n, d]) => document.querySelector(`#c-scroll th[data-col=${n}]`).getAttribute("aria-sort") === d, [name, direction]);
      const v = (await column(name)).map(number);
      const sorted = [...v].sort((a, b) => (direction === "ascending" ? a - b : b - a));
      assert.deepEqual(v, sorted, `${name} ${direction}`);
      await head.getByRole("button").press("Enter");
    }
  }
  for (const [billions, bits, want] of [["7", "16.00", "14.0"], ["70", "16.00", "140"], ["0.5", "16.00", "1.00"]]) {
    await page.getByLabel("Weights, billions, exact").fill(billions);
    await says(page.locator("#c-table-note"), new RegExp(`${billions} billion`));
    assert.equal(await cell(page, "FP16", "bits"), bits);
    assert.equal(await cell(page, "FP16", "file"), want);
  }
  const memory = await cell(page, "FP16", "memory");
  await page.getByLabel("Context, tokens, exact").fill("131072");
  assert.ok(number(await cell(page, "FP16", "memory")) > number(memory), "a longer context takes more memory");

  const before = (await dataOf(page, plot(page))).length;
  await page.getByRole("checkbox", { name: /ggml/ }).uncheck();
  const rows = await dataOf(page, plot(page));
  assert.ok(rows.length < before && rows.every((r) => r[1] !== "ggml"));
  assert.equal(await row(page, "Q4_K").isVisible(), false);
  await page.getByRole("checkbox", { name: /ggml/ }).check();
  assert.equal((await dataOf(page, plot(page))).length, before);
}));

test("the plot shows each metric, the bars a speed for each row", () => visit(site, "#/compare", async (page) => {
  await measured(page);
  for (const metric of ["SQNR, dB", "RMSE over RMS", "Max error", "1 − cosine"]) {
    await page.getByLabel("Error as").selectOption(metric);
    await page.waitForTimeout(100);
    await plot(page).getByRole("button", { name: /^Data of/ }).click();
    assert.equal(await page.locator("dialog[open] thead th").nth(3).textContent(), metric);
    assert.match(await page.locator("dialog[open] p.note").first().textContent(), /\d/);
    await page.keyboard.press("Escape");
  }
  const speed = page.getByRole("figure", { name: "How fast it is made" });
  await page.waitForTimeout(500);
  const rows = await dataOf(page, speed);
  assert.ok(rows.length >= 10);
  for (const [name, v] of rows) assert.ok(+v.replace(/,/g, "") > 0, `${name}: ${v}`);
  await page.getByRole("button", { name: "Measure again" }).click();
  await page.locator("#c-busy").waitFor({ state: "hidden", timeout: 30_000 });
  assert.equal((await dataOf(page, speed)).length, rows.length);

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download as CSV" }).click()]);
  const csv = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  assert.match(csv[0], /^name,format,options,family,bits per weight,sqnr dB/);
  assert.ok(csv.some((l) => l.startsWith('INT4 g32,INT4,granularity=group group=32 scale=f16,affine,')));
}));

test("what cannot hold the tensor is named with why", () => visit(site, "#/tensor", async (page) => {
  await page.getByRole("button", { name: "paste numbers" }).click();
  await page.locator("#pastetext").fill("1 2 3\n4 5 -6");
  await page.getByRole("button", { name: "Use them" }).click();
  await says(page.locator("#t-status"), /pasted numbers, 6 values/);
  await page.locator("[data-nav=compare]").click();
  await measured(page);
  const refused = page.getByRole("region", { name: "Left out" });
  await says(refused, /Q4_K.*rows of 3 values are not a multiple of/s);
  await says(refused, /256 that a block of this format holds/);
  assert.equal(await cell(page, "Q4_K", "sqnr"), "–");
  assert.notEqual(await cell(page, "NF4", "sqnr"), "–");

  // Another tensor is measured anew.
  await page.locator("[data-nav=tensor]").click();
  await page.getByLabel("Normal").check();
  await says(page.locator("#t-status"), /normal, 65,536 values/);
  await page.locator("[data-nav=compare]").click();
  await says(page.locator("#c-status"), /ways on normal, 65,536 values · measured/, 60_000);
  assert.equal(await page.locator("#c-refused dt", { hasText: "Q4_K" }).count(), 0);
}));

test("Compare is accessible, still and fits", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await visit(site, "#/compare", async (page) => {
      const sum = await shifts(page);
      await measured(page);
      await page.waitForTimeout(300);
      await accessible(page, `Compare, ${colorScheme}`);
      const [shifted, what] = await sum();
      assert.ok(shifted < 0.01, `shifted by ${shifted}: ${what.join("; ")}`);
    }, { colorScheme });
  }
  for (const width of [320, 390, 768, 1024, 1920]) {
    await visit(site, "#/compare", async (page) => {
      await measured(page);
      await fits(page, `Compare at ${width} px`);
    }, { viewport: { width, height: 800 } });
  }
});

test("Compare reads without the program", () => visit(site, "#/compare", async (page) => {
  assert.ok(await page.getByText("Bits against error").isVisible());
  assert.ok(await page.getByText("Each format is a point; the line joins those that nothing beats at their size.").isVisible());
  assert.ok(await page.getByText("Precision table").isVisible());
}, { javaScriptEnabled: false, ready: false }));
