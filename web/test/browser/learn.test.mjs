import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { says, start, visit } from "./site.mjs";
import { accessible, fits, shifts } from "./manners.mjs";

let site;
before(async () => { site = await start(); });
after(() => site?.stop());

const int4 = (page) => page.getByLabel("INT4", { exact: true });
const int2 = (page) => page.getByLabel("INT2", { exact: true });
const verdict = (page) => page.locator("#l-form").getByRole("status");
const check = (page) => page.getByRole("button", { name: "Check", exact: true });

async function answer(page, a, b) {
  await int4(page).fill(a);
  await int2(page).fill(b);
  await check(page).click();
}

test("the first exercise checks the answer and explains a wrong one", () => visit(site, "#/learn", async (page) => {
  for (const [a, b, said, ok4, ok2] of [
    ["", "", /INT4 is still open.*INT2 is still open/s, "0", "0"],
    ["15", "4", /One of the two is right.*leave out zero/s, "0", "1"],
    ["8", "4", /2 × 4/, "0", "1"],
    ["8", "2", /one sign only.*one sign only/s, "0", "0"],
    ["128", "64", /in proportion.*in proportion/s, "0", "0"],
    ["4", "16", /swapped/, "0", "0"],
    ["abc", "<b>", /“abc”.*not a number.*“<b>”/s, "0", "0"],
    [" 16 ", "2^2", /Right: 2⁴ = 16 and 2² = 4/, "1", "1"],
    ["16 values", "4", /Right/, "1", "1"],
    ["16", "3", /leave out zero/, "1", "0"],
  ]) {
    await answer(page, a, b);
    await says(verdict(page), said);
    assert.equal(await int4(page).getAttribute("data-ok"), ok4, `${a} for INT4`);
    assert.equal(await int2(page).getAttribute("data-ok"), ok2, `${b} for INT2`);
    assert.equal(await int4(page).getAttribute("aria-invalid"), String(ok4 === "0"));
    assert.match(await page.locator("#l-s0").textContent(), ok4 === "1" ? /^right$/ : /^not yet$/);
  }
  await int4(page).fill("1");
  assert.equal(await int4(page).getAttribute("data-ok"), "", "a changed answer is not judged yet");
}));

test("the exercise works by keyboard alone, and progress is kept", () => visit(site, "#/learn", async (page) => {
  await says(page.locator("#l-done"), /0 of 1 done/);
  await int4(page).focus();
  await page.keyboard.type("16");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "l-a1");
  await page.keyboard.type("4");
  await page.keyboard.press("Enter");
  await says(verdict(page), /Right/);
  await says(page.locator("#l-done"), /1 of 1 done/);
  await page.reload();
  await says(page.locator("#l-done"), /1 of 1 done/);
  await says(page.locator("#l-state-levels"), /done/);
}));

test("hints come one by one", () => visit(site, "#/learn/levels", async (page) => {
  const seen = new Set();
  for (let i = 1; i <= 4; i++) {
    await page.getByRole("button", { name: "Hint", exact: true }).click();
    seen.add(await says(verdict(page), new RegExp(`Hint ${i} of 4`)));
  }
  assert.equal(seen.size, 4);
}));

test("the number line follows the bits and the value", () => visit(site, "#/learn", async (page) => {
  const figure = page.getByRole("figure", { name: "A number line between −1 and 1" });
  const sentence = figure.locator("[data-sentence]");
  for (let bits = 1; bits <= 8; bits++) {
    await page.getByLabel("Bits", { exact: true }).locator("visible=true").fill(String(bits));
    await says(sentence, new RegExp(`^${bits} bits?: ${2 ** bits} levels, a step of ${String(+(2 / (2 ** bits - 1)).toPrecision(3)).slice(0, 6)}`));
    assert.equal(await page.locator("#l-bits-n").inputValue(), String(bits));
  }
  await page.locator("#l-bits-n").fill("3");
  await says(sentence, /^3 bits: 8 levels/);
  await page.locator("#l-bits-n").fill("99");
  await page.locator("#l-bits-n").blur();
  assert.equal(await page.locator("#l-bits-n").inputValue(), "8");
  await page.locator("#l-bits-n").fill("2");

  await figure.getByRole("button", { name: /^Data of/ }).click();
  await page.locator("dialog[open] tbody tr").first().waitFor();
  const rows = await page.locator("dialog tbody tr").evaluateAll((r) => r.map((tr) => +tr.cells[1].textContent.replace("−", "-")));
  assert.deepEqual(rows.map((v) => Math.round(v * 1e6) / 1e6), [-1, -0.333333, 0.333333, 1]);
  await page.keyboard.press("Escape");

  const before = await sentence.textContent();
  await figure.getByRole("group").focus();
  await page.keyboard.press("Shift+ArrowRight");
  await says(sentence, /error here −0\.1367/);
  assert.notEqual(await sentence.textContent(), before);
  const box = await figure.locator(".cv").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 3, box.y + 20);
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.up();
  await says(sentence, /error here −?0\.333/);
}));

test("the line opens in Tensor", () => visit(site, "#/learn", async (page) => {
  await page.locator("#l-bits").fill("3");
  const link = page.getByRole("link", { name: /Open in Tensor/ });
  await says(link, /INT3/);
  await link.click();
  await says(page.locator("#a-name"), /INT3/);
  await says(page.locator("#t-status"), /worked example/);
  assert.equal(await page.locator("#t-alert").isVisible(), false);
  await says(page.locator("#w-x"), /^0\.375/);
}));

test("the verdict moves nothing below it", async () => {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 768, height: 900 }, { width: 390, height: 844 }]) {
    await visit(site, "#/learn", async (page) => {
      const moved = await page.evaluate(async ([first, second]) => {
        const $ = (id) => document.getElementById(id), below = [...document.querySelectorAll("#lesson-levels h2")].at(-1);
        const place = () => below.getBoundingClientRect().top + scrollY, at = place(), moved = [];
        let n = 0;
        const press = (id, what) => { $(id).click(); n++; if (place() !== at) moved.push(`${what}: ${place() - at} px`); };
        for (const a of first) for (const b of second) { $("l-a0").value = a; $("l-a1").value = b; press("l-check", `${a} and ${b}`); }
        for (let i = 1; i <= 4; i++) press("l-hint", `hint ${i}`);
        return { n, moved };
      }, [["", "15", "8", "-8", "7", "4", "128", "64", "256", "255", "32", "16", "13", "1.5", "nonsense of some length"], ["", "3", "-2", "64", "128", "2", "1", "4", "nonsense of some length"]]);
      assert.deepEqual(moved, { n: 139, moved: [] }, `at ${viewport.width} px`);
    }, { viewport });
  }
});

test("the lesson reads without the program and without scripts", async () => {
  await visit(site, "#/learn", async (page) => {
    await page.route("**/*.wasm", (r) => r.abort());
    await page.reload();
    await page.getByRole("heading", { name: "What a bit buys" }).waitFor();
    await int4(page).fill("16");
    await check(page).click();
    assert.match(page.url(), /#\/learn$/, "Check does not leave the page");
    assert.ok(await page.locator(".stand-in").isVisible(), "the line is drawn");
    assert.equal(await int4(page).inputValue(), "16");
  }, { allow: ["ERR_FAILED", "Failed to fetch"], ready: true });
  await visit(site, "#/learn", async (page) => {
    assert.ok(await page.getByRole("heading", { name: "What a bit buys" }).isVisible());
    assert.ok(await page.getByText("INT8 can represent 256 values").isVisible());
  }, { javaScriptEnabled: false, ready: false });
});

test("Check pressed before the program runs is answered when it does", () => visit(site, "#/learn", async (page) => {
  let go;
  const gate = new Promise((r) => { go = r; });
  await page.route("**/app*.wasm", async (r) => { await gate; await r.continue(); });
  await page.reload();
  await answer(page, "15", "4");
  go();
  await says(verdict(page), /One of the two is right/);
}));

test("Learn is accessible, still and fits", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await visit(site, "#/learn", async (page) => {
      const sum = await shifts(page);
      await accessible(page, `Learn, ${colorScheme}`);
      await answer(page, "15", "4");
      await accessible(page, `Learn with a verdict, ${colorScheme}`);
      const [shifted, what] = await sum();
      assert.ok(shifted < 0.01, `shifted by ${shifted}: ${what.join("; ")}`);
    }, { colorScheme });
  }
  for (const width of [320, 390, 768, 1024, 1920]) {
    await visit(site, "#/learn", async (page) => {
      await answer(page, "15", "x");
      await fits(page, `Learn at ${width} px`);
    }, { viewport: { width, height: 800 } });
  }
});
