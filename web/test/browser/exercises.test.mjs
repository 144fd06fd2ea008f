// Every lesson is opened, every widget moved, every exercise answered right and
// wrong. The answers come from the package that asks, by web/test/answers.
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { root, says, start, visit } from "./site.mjs";
import { accessible, fits, shifts } from "./manners.mjs";

const seeds = [0, 1, 2];
let site, answers;
before(async () => {
  answers = JSON.parse(execFileSync("go", ["run", "./web/test/answers", ...seeds.map(String)], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26, env: { ...process.env, GOTOOLCHAIN: "auto" } }));
  site = await start();
});
after(() => site?.stop());

/** The lessons that are fetched when they are opened, by what stands in the address. */
const lessons = async (page) => (await page.locator("[data-entry]").evaluateAll((all) => all.map((a) => a.dataset.entry))).filter((id) => id !== "levels");

/** Opens a lesson and waits until its figures are drawn and its exercises asked. */
async function open(page, id) {
  await page.evaluate((hash) => { location.hash = hash; }, `#/learn/${id}`);
  await page.waitForFunction((id) => {
    const article = document.getElementById("lesson-more"), here = document.querySelector(`[data-entry="${id}"]`);
    return here?.getAttribute("aria-current") === "page" && !article.hidden && article.querySelector("h1")?.textContent === here.querySelector("span").textContent
      && [...article.querySelectorAll("[data-widget]")].every((w) => w.querySelector("figure"))
      && [...article.querySelectorAll("[data-exercise]")].every((f) => f.querySelector(".answer"));
  }, id, { timeout: 30_000 });
}

const check = (form) => form.getByRole("button", { name: "Check", exact: true }).click();
const verdict = (form) => form.getByRole("status");

/**
 * Answers an exercise as often as there are rows of answers, by the page's own
 * fields and buttons: what is said each time, and which fields are marked wrong.
 * Before that it asks for a hint, and after it for another one where that is
 * wanted. It runs in the page: the way there and back is what takes time.
 */
const worked = (form, rows, another) => form.evaluate(async (form, [rows, another]) => {
  const said = form.querySelector("[role=status]"), fields = [...form.querySelectorAll(".answer input, .answer select")];
  const press = async (name) => {
    let heard;
    const news = new Promise((ok, fail) => {
      heard = new MutationObserver(() => ok());
      heard.observe(form, { childList: true, subtree: true });
      setTimeout(() => fail(new Error(`nothing is said after ${name}`)), 15_000);
    });
    [...form.querySelectorAll("button")].find((b) => b.textContent === name).click();
    await news.finally(() => heard.disconnect());
    return form.querySelector("[role=status]").textContent;
  };
  const hint = await press("Hint"), verdicts = [];
  for (const row of rows) {
    row.forEach((value, i) => {
      fields[i].value = value;
      fields[i].dispatchEvent(new Event("input", { bubbles: true }));
    });
    if (fields.some((f) => f.dataset.ok)) throw new Error("a changed answer is still judged");
    await press("Check");
    verdicts.push({ text: said.textContent, wrong: fields.map((f) => f.getAttribute("aria-invalid") === "true") });
  }
  const labels = [...form.querySelectorAll(".answer label")].map((l) => l.textContent);
  return { hint, verdicts, labels, anew: another && await press("Another one") };
}, [rows, another]);

test("every exercise takes the right answer, and meets each slip with its reason", () => visit(site, "#/learn", async (page) => {
  const seen = new Set();
  for (const id of await lessons(page)) {
    await open(page, id);
    for (const form of await page.locator("[data-exercise]").all()) {
      const name = await form.getAttribute("data-exercise");
      if (seen.has(name)) continue;
      seen.add(name);
      for (const seed of seeds) {
        const { keys, labels } = answers[name][seed], right = keys.map((k) => k.right), last = seed === seeds.at(-1);
        const slips = keys.flatMap((k, i) => k.wrong.slice(0, seed ? 1 : undefined).map((w, j) => ({ field: i, row: right.with(i, w), why: k.whys[j] })));
        const r = await worked(form, [...slips.map((s) => s.row), right], !last);
        assert.deepEqual(r.labels, labels, `${name}, seed ${seed}`);
        assert.match(r.hint, /^Hint 1 of \d/);
        for (const [n, { field, row, why }] of slips.entries()) {
          const { text, wrong } = r.verdicts[n];
          assert.ok(text.includes(why), `${name}, seed ${seed}, ${row}: ${text}`);
          assert.deepEqual(wrong, right.map((_, i) => i === field), `${name}, seed ${seed}, ${row}`);
        }
        assert.match(r.verdicts.at(-1).text, /^Right\./, name);
        if (last) continue;
        assert.match(r.anew, /costs nothing/);
        await page.waitForFunction((want) => location.hash.endsWith(want), `exercise=${name}&seed=${seed + 1}`);
      }
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(answers).sort());
}));

test("exercises work by keyboard alone", () => visit(site, "#/learn/scale", async (page) => {
  await open(page, "scale");
  const { keys } = answers.code[0], form = page.locator("[data-exercise=code]");
  await form.locator("input").first().focus();
  for (const [i, k] of keys.entries()) {
    if (i) await page.keyboard.press("Tab");
    await page.keyboard.type(k.right);
  }
  await page.keyboard.press("Enter");
  await says(verdict(form), /^Right\./);
  for (const name of ["Check", "Hint", "Another one"]) {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), name);
  }
  await page.keyboard.press("Enter");
  await says(verdict(form), /costs nothing/);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "INPUT", "Another one leads to its first field");
}));

test("every widget follows its controls, and says what it shows", () => visit(site, "#/learn", async (page) => {
  for (const id of await lessons(page)) {
    await open(page, id);
    for (const box of await page.locator("[data-widget]:not([data-widget=lab], [data-widget=tale])").all()) {
      const what = `${id}, ${await box.getAttribute("data-widget")}`, said = () => box.locator("[data-sentence], .w-code").allTextContents();
      for (const figure of await box.locator("figure").all()) assert.ok((await figure.locator("[data-sentence]").textContent()).length > 10, what);
      for (const control of await box.locator("select, input[type=range]").all()) {
        if (!(await control.isVisible())) continue;
        const before = JSON.stringify(await said());
        const moved = await control.evaluate((e) => {
          const old = e.value;
          if (e.tagName === "SELECT") e.selectedIndex = (e.selectedIndex + 1) % e.options.length;
          else e.value = old === e.max ? e.min : e.max;
          e.dispatchEvent(new Event("input", { bubbles: true }));
          e.dispatchEvent(new Event("change", { bubbles: true }));
          return old !== e.value;
        });
        assert.ok(moved, what);
        if (/memory|load/.test(what)) continue; // one of their controls counts only with a choice of another
        await page.waitForFunction(([box, before]) => JSON.stringify([...box.querySelectorAll("[data-sentence], .w-code")].map((e) => e.textContent)) !== before, [await box.elementHandle(), before], { timeout: 10_000 })
          .catch(() => assert.fail(`${what}: nothing is said anew after ${control}`));
      }
      assert.equal(await box.getByRole("alert").filter({ visible: true }).count(), 0, what);
    }
  }
}));

test("every lesson is accessible and fits", () => visit(site, "#/learn", async (page) => {
  for (const id of await lessons(page)) {
    await open(page, id);
    await page.evaluate(() => { for (const form of document.querySelectorAll("#lesson-more form")) form.requestSubmit(); });
    await page.waitForFunction(() => [...document.querySelectorAll("#lesson-more form .verdict")].every((v) => v.classList.contains("wrong")));
    await accessible(page, id);
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page, `${id}, dark`, ["color-contrast"]); // nothing else depends on it
    await page.emulateMedia({ colorScheme: "light" });
    for (const width of [768, 360, 320]) {
      await page.setViewportSize({ width, height: 800 });
      await page.evaluate(() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok))));
      await fits(page, `${id} at ${width} px`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  }
}));

test("a verdict moves nothing", () => visit(site, "#/learn/outliers", async (page) => {
  await open(page, "outliers");
  const sum = await shifts(page), form = page.locator("[data-exercise=outlier]");
  await form.scrollIntoViewIfNeeded();
  await check(form);
  await says(verdict(form), /still open/);
  await form.getByRole("button", { name: "Hint", exact: true }).click();
  const [shifted, what] = await sum();
  assert.ok(shifted < 0.01, `shifted by ${shifted}: ${what.join("; ")}`);
}));
