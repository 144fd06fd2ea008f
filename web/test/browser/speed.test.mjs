// Speed on this device: products are timed, with relaxed SIMD too where the
// browser has it, and the page says what they ran on.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { dataOf, says, start, visit } from "./site.mjs";
import { accessible, fits } from "./manners.mjs";

let site;
before(async () => { site = await start(); });
after(() => site?.stop());

const TYPES = ["F32", "F16", "INT8", "Q8_0", "Q6_K", "Q4_K", "Q4_0"];
const state = (page) => page.locator("#c-time-s");
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Measures and wants a row for each of the names in both figures, and the claims. */
async function measured(page, names) {
  await button(page, "Measure").click();
  const said = await says(state(page), /^Memory is read at [\d.]+ GB a second/, 60_000);
  for (const [name, roof] of [["One token", true], ["Many tokens", false]]) {
    const rows = await dataOf(page, page.getByRole("figure", { name }));
    assert.deepEqual(rows.map((r) => r[0]), names);
    for (const r of rows) assert.ok(+r[1] > 0 && (!roof || +r[2] > 0), r.join(" "));
  }
  const lines = await page.locator("#c-ratios li").allTextContents();
  const claims = lines.filter((l) => l.includes("claimed"));
  assert.equal(claims.length, 4);
  for (const c of claims) assert.match(c, /× ?.*claimed [\d.]+–\d×: (as|less than|more than) claimed\.$/);
  return { said, others: lines.filter((l) => !l.includes("claimed")) };
}

/** The programs that a page asks for. */
function asked(page) {
  const list = [];
  page.on("request", (r) => { const name = /\/(fewbits[^/]*)\.wasm$/.exec(r.url()); if (name) list.push(name[1]); });
  return list;
}

/** Whether the browser has relaxed SIMD, by an instruction that the page does not ask for: f32x4.relaxed_madd. */
const relaxed = (page) => page.evaluate(() => WebAssembly.validate(new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
])));

test("products are timed against memory, and timing is cancelled", { timeout: 150_000 }, () => visit(site, "#/compare", async (page) => {
  await button(page, "Measure").press("Enter");
  await says(state(page), /^Timing/);
  await page.locator("#c-untime").press("Enter");
  await says(state(page), /^(Stopped|Takes)/, 1000);
  assert.equal(await page.evaluate(() => document.activeElement.id), "c-time");

  const programs = asked(page), has = await relaxed(page);
  const { said, others } = await measured(page, has ? TYPES.flatMap((t) => [t, `${t} relaxed`]) : TYPES);
  if (has) {
    assert.match(said, /Kernels: SIMD128, and relaxed SIMD beside it\.$/);
    assert.deepEqual(others.map((l) => l.replace(/[\d.]+×/g, "N×")), ["one token", "32 tokens"].map((n) => `Relaxed SIMD over SIMD128, ${n}: ${TYPES.map((t) => `${t} N×`).join(", ")}.`));
    assert.ok(!programs.includes("fewbits-whole"), `asked for ${programs}`); // the small one is enough
  }
  assert.ok(await page.getByText("On a GPU it differs").isVisible());
  await accessible(page, "Speed on this device");
  for (const width of [320, 390]) {
    await page.setViewportSize({ width, height: 844 });
    await page.waitForTimeout(200);
    await fits(page, `Speed on this device at ${width} px`);
  }
}));

test("without relaxed SIMD products run on SIMD128, and the page says so", { timeout: 120_000 }, () => visit(site, "", async (page, context) => {
  await context.addInitScript(() => {
    const validate = WebAssembly.validate;
    WebAssembly.validate = (b) => !(b.length < 64 && b.includes(253) && [...b].some((v, i) => v === 253 && b[i + 1] >= 128 && b[i + 2] === 2)) && validate(b);
  });
  await page.goto(`${site.url}#/compare`);
  await page.reload();
  await page.waitForSelector("#stage[data-ready=true]");
  const programs = asked(page);
  const { said, others } = await measured(page, TYPES);
  assert.match(said, /Kernels: SIMD128\. This browser has no relaxed SIMD\.$/);
  assert.deepEqual(others, []);
  assert.deepEqual(programs, ["fewbits-whole"]);
}));

test("where the program for relaxed SIMD cannot be had, products run on SIMD128", { timeout: 120_000 }, () => visit(site, "#/compare", async (page) => {
  const { said } = await measured(page, TYPES);
  assert.match(said, /Kernels: SIMD128\./);
}, { block: /fewbits-products\.wasm/, allow: ["Failed to load resource"] }));
