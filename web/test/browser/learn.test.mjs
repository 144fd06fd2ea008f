import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { says, start, visit } from "./site.mjs";
import { accessible, fits, shifts } from "./manners.mjs";

let site, lessons;
before(async () => {
  site = await start();
  await visit(site, "#/learn", async (page) => { lessons = await page.locator("[data-entry]").count(); });
});
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
    ["-8..7", "4 bits", /“-8\.\.7” for INT4 is a range.*“4 bits” for INT2 counts bits/s, "0", "0"],
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
  await page.locator("#l-form").getByText("Link and embed").click();
  await says(page.locator("#l-share pre"), /<fewbits-exercise lesson="levels"><\/fewbits-exercise>.*embed#\/learn\/levels/s);
}));

test("the exercise works by keyboard alone, and progress is kept", () => visit(site, "#/learn", async (page) => {
  await says(page.locator("#l-done"), new RegExp(`0 of ${lessons} done`));
  await int4(page).focus();
  await page.keyboard.type("16");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "l-a1");
  await page.keyboard.type("4");
  await page.keyboard.press("Enter");
  await says(verdict(page), /Right/);
  await says(page.locator("#l-done"), new RegExp(`1 of ${lessons} done`));
  await page.reload();
  await says(page.locator("#l-done"), new RegExp(`1 of ${lessons} done`));
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

test("the verdict moves nothing below it", () => visit(site, "#/learn", async (page) => {
  for (const width of [1440, 768, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const moved = await page.evaluate(async ([first, second]) => {
      const $ = (id) => document.getElementById(id), below = [...document.querySelectorAll("#lesson-levels h2")].at(-1);
      const place = () => below.getBoundingClientRect().top + scrollY, at = place(), moved = [];
      let n = 0;
      const press = (id, what) => { $(id).click(); n++; if (place() !== at) moved.push(`${what}: ${place() - at} px`); };
      for (const a of first) for (const b of second) { $("l-a0").value = a; $("l-a1").value = b; press("l-check", `${a} and ${b}`); }
      for (let i = 1; i <= 4; i++) press("l-hint", `hint ${i}`);
      return { n, moved };
    }, [["", "15", "8", "-8", "7", "4", "128", "64", "256", "255", "32", "16", "13", "1.5", "nonsense of some length"], ["", "3", "-2", "64", "128", "2", "1", "4", "nonsense of some length"]]);
    assert.deepEqual(moved, { n: 139, moved: [] }, `at ${width} px`);
  }
}));

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

test("Learn is accessible, still and fits", () => visit(site, "#/learn", async (page) => {
  const sum = await shifts(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `Learn, ${colorScheme}`);
    await answer(page, "15", "4");
    await accessible(page, `Learn with a verdict, ${colorScheme}`);
    await answer(page, "", "");
  }
  const [shifted, what] = await sum();
  assert.ok(shifted < 0.01, `shifted by ${shifted}: ${what.join("; ")}`);
  await answer(page, "15", "x");
  for (const width of [320, 390, 768, 1024, 1920]) {
    await page.setViewportSize({ width, height: 800 });
    await fits(page, `Learn at ${width} px`);
  }
}));

const more = (page) => page.locator("#lesson-more");
const heading = (page) => more(page).getByRole("heading", { level: 1 });
const form = (page, id) => page.locator(`form[data-exercise="${id}"]`);

/** Waits until a widget of the open lesson is drawn. */
const drawn = (page, id) => page.locator(`[data-widget="${id}"] figure`).first().waitFor({ timeout: 20_000 });

test("every lesson opens, reads in order and names its sources", () => visit(site, "#/learn", async (page) => {
  assert.ok(await page.locator("#lesson-levels .sources li").count(), "the first has sources");
  await page.getByRole("link", { name: /^Next/ }).locator("visible=true").click();
  for (let n = 2; n <= lessons; n++) {
    const entry = page.locator(".lessons a[aria-current=page]"), title = await page.locator(".lessons a").nth(n - 1).locator("span").textContent();
    await says(heading(page), new RegExp(`^${title}$`));
    assert.equal(await entry.count(), 1);
    assert.equal(await entry.getAttribute("data-entry"), /learn\/([^?]*)/.exec(page.url())[1]);
    assert.ok((await more(page).innerText()).length > 200, `${title} has a text`);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "the focus comes along");
    if (n < lessons - 1) assert.ok(await more(page).locator(".sources li").count(), `${title} has sources`);
    if (n < lessons) await more(page).getByRole("link", { name: /^Next/ }).click();
  }
  await page.goBack();
  await says(heading(page), /Practice/);
}));

test("a widget follows its controls, by mouse and by keyboard", () => visit(site, "#/learn/scale", async (page) => {
  await drawn(page, "grid");
  const box = page.locator('[data-widget="grid"]'), said = box.locator("[data-sentence]").nth(1), live = box.locator(".vh[aria-live]");
  await says(said, /0\.5 is stored as the code 64/);
  await box.getByLabel("A value between", { exact: true }).fill("0.25");
  await says(said, /0\.25 is stored as the code 32/);
  assert.equal(await box.getByLabel("A value between, exact").inputValue(), "0.25");
  await box.getByLabel("A value between, exact").fill("-1");
  await says(said, /−1 is stored as the code −127/);
  await box.getByLabel("Codes").selectOption({ label: "asymmetric" });
  await says(box.locator("[data-sentence]").first(), /of the 256 levels/);
  await says(live, /levels/); // said when it has come to rest
  await box.locator(".cv[tabindex]").focus();
  await page.keyboard.press("Shift+ArrowRight");
  await says(said, /^−0\.[89]/);
  await box.getByRole("button", { name: "Reset" }).click();
  await says(said, /0\.5 is stored as the code 64/);
  await box.getByRole("button", { name: /^Data of/ }).first().click();
  await page.locator("dialog[open] tbody tr").first().waitFor();
}));

test("an exercise is another one with every seed, and its link brings it back", () => visit(site, "#/learn/scale", async (page) => {
  const f = form(page, "code"), asked = () => f.locator("p").first().textContent();
  await f.getByRole("button", { name: "Another one" }).waitFor();
  const texts = [await asked()];
  for (let seed = 1; seed <= 3; seed++) {
    await f.getByRole("button", { name: "Another one" }).click();
    await page.waitForFunction(([id, before]) => document.querySelector(`form[data-exercise="${id}"] p`).textContent !== before, ["code", texts.at(-1)]);
    texts.push(await asked());
    await page.waitForFunction((s) => location.hash === `#/learn/scale?exercise=code&seed=${s}`, seed);
    assert.equal(await page.evaluate(() => document.activeElement.closest("form")?.dataset.exercise), "code", "the focus is in its first field");
  }
  assert.equal(new Set(texts).size, 4);
  await page.reload();
  await says(f.locator("p").first(), new RegExp(texts[3].slice(0, 40).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  assert.equal(await asked(), texts[3]);
  await f.getByText("Link and embed").click();
  assert.equal(await f.getByRole("link", { name: "Link to this one" }).getAttribute("href"), "#/learn/scale?exercise=code&seed=3");
  await says(f.locator("pre"), /<fewbits-exercise lesson="scale" exercise="code" seed="3">.*embed#\/learn\/scale\?exercise=code&seed=3/s);
}));

test("progress can be saved, loaded and begun again", () => visit(site, "#/learn", async (page) => {
  await answer(page, "16", "4");
  await says(page.locator("#l-done"), /^1 of/);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "save it" }).click()]);
  assert.equal(await readFile(await download.path(), "utf8"), "levels\n");
  const again = page.locator("#l-forget");
  await again.click();
  await says(page.locator("#l-done"), /^0 of/);
  await says(again, /take that back/);
  await again.click();
  await says(page.locator("#l-done"), /^1 of/);
  await says(again, /begin again/);
  await again.click();
  await page.reload();
  await page.waitForSelector("#stage[data-ready=true]");
  await says(page.locator("#l-done"), /^0 of/);
  await page.getByLabel("load it").setInputFiles({ name: "p.txt", mimeType: "text/plain", buffer: Buffer.from("levels scale nonsense /code") });
  await says(page.locator("#l-done"), /^2 of/);
  await says(page.locator("#l-state-scale"), /done/);
  await page.getByRole("link", { name: /Practice/ }).click();
  await form(page, "code").getByText("solved").waitFor({ timeout: 30_000 });
  assert.equal(await form(page, "size").getByText("solved").isVisible(), false);
}));

test("terms show what they mean on hover and focus, and go at Escape", () => visit(site, "#/learn/scale", async (page) => {
  const word = more(page).locator(".gloss").first(), tip = word.getByRole("tooltip", { includeHidden: true });
  await word.waitFor();
  assert.equal(await tip.isVisible(), false);
  await word.hover();
  assert.ok(await tip.isVisible());
  await says(tip, /Code.*whole number/);
  await page.mouse.move(5, 5);
  await word.getByRole("link").focus();
  assert.ok(await tip.isVisible());
  await page.keyboard.press("Escape");
  assert.equal(await tip.isVisible(), false);
  await page.locator("#l-save").focus();
  await word.hover();
  assert.ok(await tip.isVisible());
  await page.keyboard.press("Escape"); // the focus is elsewhere
  assert.equal(await tip.isVisible(), false);
  await word.getByRole("link").click();
  await page.waitForFunction(() => document.activeElement.id === "word-code");
}));

test("the levels of one's own codebook are moved by keyboard and pointer", () => visit(site, "#/learn/codebooks", async (page) => {
  await drawn(page, "quantiles");
  const box = page.locator('[data-widget="quantiles"]'), loss = box.locator("[data-sentence]").filter({ hasText: "Yours:" }), before = await loss.textContent();
  const judged = box.locator("[data-sentence]").first(), mean = box.getByRole("button", { name: "Each level to the mean of its values" });
  await says(judged, /^Not yet: your levels lose \d/);
  for (let last = ""; !/^You beat NF4/.test(await judged.textContent());) {
    assert.notEqual(await judged.textContent(), last, "each press changes it");
    last = await judged.textContent();
    await mean.click();
    await page.waitForFunction((last) => document.querySelector('[data-widget="quantiles"] [data-sentence]').textContent !== last, last);
  }
  await says(box.locator(".vh[aria-live]"), /^You beat NF4/);
  await box.getByRole("button", { name: "Reset" }).click();
  await says(loss, new RegExp(before.slice(0, 14)));
  const level = box.getByRole("slider", { name: "Level 8 of 16" });
  await level.focus();
  const at = +await level.getAttribute("aria-valuenow");
  await page.keyboard.press("ArrowRight");
  assert.ok(Math.abs(+await level.getAttribute("aria-valuenow") - at - 0.01) < 1e-3);
  for (let i = 0; i < 4; i++) await page.keyboard.press("Shift+ArrowRight");
  const most = +await level.getAttribute("aria-valuemax");
  assert.equal(+await level.getAttribute("aria-valuenow"), most, "levels keep their order");
  await page.waitForFunction((old) => ![...document.querySelectorAll('[data-widget="quantiles"] [data-sentence]')].some((e) => e.textContent === old), before);
  const r = await level.boundingBox();
  await page.mouse.move(r.x + r.width / 2, r.y + 15);
  await page.mouse.down();
  await page.mouse.move(r.x - 6, r.y + 15);
  await page.mouse.up();
  assert.ok(+await level.getAttribute("aria-valuenow") < most);
  await box.getByRole("button", { name: "Reset" }).click();
  await says(loss, new RegExp(before.slice(0, 14)));
}));

test("the lab trains in the worker: start, pause, step, reset, seed", () => visit(site, "#/learn/qat", async (page) => {
  const box = page.locator('[data-widget="lab"]'), status = box.getByRole("status"), button = (name) => box.getByRole("button", { name, exact: true });
  await says(status, /press Start/, 30_000);
  await button("Step").click();
  await says(status, /Step 10 of 1000, as floats/);
  await button("Start").click();
  await button("Pause").waitFor();
  await page.waitForFunction(() => /Step [1-9]\d\d of/.test(document.querySelector(".lab-status").textContent));
  await button("Pause").click();
  await button("Start").waitFor();
  await button("Start").click();
  await says(status, /^Done: floats finds? \d.*2 bits, rounded.*2 bits, trained/s, 60_000);
  const found = await box.locator("tbody td:nth-child(2)").allTextContents(), [float, rounded, trained] = found.map(parseFloat);
  assert.ok(float > 95 && trained > rounded, `found ${found}`);
  assert.equal(await box.getByRole("img").count(), 3);
  await box.getByLabel("Bits of a weight").selectOption("8");
  await says(status, /press Start/);
  await box.getByLabel("Seed").fill("7");
  await box.getByLabel("Task").selectOption("digits");
  await box.locator("canvas").first().waitFor({ state: "hidden" });
  await box.locator("thead canvas").nth(19).waitFor();
  await box.getByLabel("Bits of a weight").selectOption({ label: "all, beside one another" });
  await says(status, /press Start/);
  await button("Start").click();
  await says(status, /^Done: floats find \d/, 90_000);
  assert.equal(await box.locator(".lab-reads tbody tr").count(), 11, "floats, and five widths rounded and trained");
  const right = await box.locator(".lab-reads tbody tr").evaluateAll((all) => all.map((tr) => [...tr.cells].slice(1).filter((td, i) => +td.textContent === i % 10 && !td.classList.contains("off")).length));
  assert.ok(right[0] >= 16 && right[8] > right[7] && right[10] > right[9], `right of 20: ${right}`);
  await box.getByLabel("Task").selectOption("spirals");
  await box.locator(".lab-maps canvas").first().waitFor();
  await button("Reset").click();
  await says(status, /press Start/);
}));

test("the small model is trained on: start, pause, another start, reset", () => visit(site, "#/learn/qat", async (page) => {
  const box = page.locator('[data-widget="tale"]'), status = box.getByRole("status"), button = (name) => box.getByRole("button", { name, exact: true });
  const perplexities = async () => (await box.locator("tbody td").allTextContents()).map(parseFloat);
  await says(status, /^Press Start/, 30_000);
  const fetched = [];
  page.on("request", (r) => { if (/tale-small/.test(r.url())) fetched.push(r.url()); });
  assert.deepEqual(await perplexities(), [NaN, NaN, NaN], "nothing is fetched or trained before Start");
  await box.getByLabel("Steps", { exact: true }).selectOption("30");
  await button("Start").click();
  await says(status, /^Step \d+ of 30: perplexity \d/, 60_000);
  await button("Pause").click();
  await says(status, /^Step \d+ of 30/);
  await button("Start").waitFor();
  const bar = box.getByRole("progressbar"), now = () => bar.getAttribute("aria-valuenow");
  await page.waitForTimeout(1500); // a step that was under way has ended
  const stood = await now();
  await page.waitForTimeout(1000);
  assert.equal(await now(), stood, "Pause stops it");
  await button("Start").click();
  await says(status, /^Done: floats \d.*rounded.*trained.*won back \d\d %/, 120_000);
  assert.equal(await now(), "30");
  const [float, rounded, trained] = await perplexities();
  assert.ok(float < trained && trained < float + (rounded - float) / 2 && rounded > 2, `${float}, ${rounded}, ${trained}`);
  await says(box.locator("[data-sentence]"), /^2 bits: rounded 2\.\d+, after 30 steps 1\./); // drawn with the next frame
  assert.equal(fetched.length, 1);
  await button("Reset").click();
  await says(status, /^Press Start/);
  assert.equal(await now(), "0");
  await box.getByLabel("Bits of a weight").selectOption("3");
  await button("Start").click();
  await says(status, /^Step/, 60_000);
  assert.equal(fetched.length, 1, "the model is kept");
  await page.getByRole("link", { name: /^Next/ }).locator("visible=true").click(); // while it trains
  await says(heading(page), /Choosing/);
}));

test("the calculator has the table of LLaMA 7B", () => visit(site, "#/learn/choosing", async (page) => {
  await drawn(page, "memory");
  const box = page.locator('[data-widget="memory"]');
  const rows = Object.fromEntries(await box.locator("tbody tr").evaluateAll((r) => r.map((tr) => [tr.cells[0].textContent, tr.cells[2].textContent])));
  for (const [format, gb] of [["FP32", "28"], ["FP16", "14"], ["BF16", "14"], ["INT8", "7"], ["INT4", "3.5"], ["2-bit", "1.75"]]) assert.equal(rows[format], gb, format);
  await page.getByLabel("Your file or folder").fill("mine.gguf");
  await says(page.locator('[data-widget="load"] pre'), /mine\.gguf/);
}));

test("a lesson reads without the program", () => visit(site, "#/learn", async (page) => {
  await page.route("**/*.wasm", (r) => r.abort());
  await page.goto(site.url + "?#/learn/clip");
  await says(heading(page), /Rounding and clipping/);
  assert.ok(await page.getByText("can go wrong in two ways").isVisible());
}, { allow: ["ERR_FAILED", "Failed to fetch"] }));

test("what cannot be fetched says so, and comes when it is tried again", () => visit(site, "#/learn", async (page, context) => {
  await page.route("**/*.wasm", (r) => r.abort()); // without the program, too
  await page.goto(site.url + "?#/learn/levels");
  const alert = more(page).getByRole("alert"), again = more(page).getByRole("button", { name: "Try again" });
  let block = /lessons(\.part)?[^/]*\.js/;
  await context.route("**/*", (r) => (block?.test(r.request().url()) ? r.abort() : r.fallback()));
  await page.getByRole("link", { name: /^Next/ }).locator("visible=true").click();
  await says(alert, /could not be fetched: the server cannot be reached\. What you have done is kept\. Check the connection/);
  block = /lessons/; // neither its code nor its text
  await again.click();
  await says(alert, /could not be fetched/);
  block = /lessons\/[^/]*\.html/;
  if (await again.isVisible()) await again.click();
  await says(alert, /The text of this lesson could not be fetched/);
  block = null;
  await again.click();
  await says(heading(page), /Why fewer bits/);
  await context.setOffline(true);
  await more(page).getByRole("link", { name: /^Next/ }).click();
  await says(alert, /this device is offline/);
  await context.setOffline(false);
  await again.click();
  await says(heading(page), /Scale and zero point/);
}, { allow: ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "Failed to fetch"] }));

test("a figure that was not fetched comes when it is tried again", () => visit(site, "#/learn/clip", async (page, context) => {
  await drawn(page, "clip");
  await page.goto(site.url + "#/learn");
  await page.reload();
  let block = true;
  await context.route("**/*whole*.wasm", (r) => (block ? r.abort() : r.fallback()));
  await page.getByRole("link", { name: /Rounding and clipping/ }).click();
  const box = page.locator('[data-widget="clip"]'), alert = box.getByRole("alert");
  await says(alert, /It cannot be drawn: the server cannot be reached/);
  await form(page, "clip").getByRole("alert").waitFor();
  block = false;
  await alert.getByRole("button", { name: "Try again" }).click();
  await drawn(page, "clip");
  assert.equal(await alert.isVisible(), false);
  await form(page, "clip").getByRole("button", { name: "Try again" }).click();
  await form(page, "clip").getByRole("button", { name: "Check" }).waitFor();
}, { allow: ["ERR_FAILED", "Failed to fetch"] }));

test("an exercise stands in another page", async () => {
  const other = createServer((_, res) => {
    res.setHeader("content-type", "text/html");
    res.end(`<!doctype html><title>other</title><script type="module" src="${site.url}fewbits-exercise.js"></script><fewbits-exercise lesson="levels"></fewbits-exercise><fewbits-exercise lesson="scale" exercise="code" seed="5"></fewbits-exercise>`);
  });
  await new Promise((ok) => other.listen(0, "127.0.0.1", ok));
  try {
    await visit(site, "#/learn", async (page) => {
      await page.goto(`http://localhost:${other.address().port}/`);
      const [first, second] = [0, 1].map((i) => page.frameLocator("iframe").nth(i));
      await first.getByLabel("INT4", { exact: true }).fill("16");
      await first.getByLabel("INT2", { exact: true }).fill("4");
      await first.locator("#stage[data-ready=true]").waitFor({ state: "attached", timeout: 30_000 });
      await first.getByRole("button", { name: "Check", exact: true }).click();
      await says(first.locator("#l-verdict"), /Right/);
      assert.equal(await first.getByRole("link", { name: "Tensor", exact: true }).isVisible(), false);
      await second.locator('form[data-exercise="code"]').getByRole("button", { name: "Check" }).waitFor({ timeout: 30_000 });
      assert.equal(await second.locator('form[data-exercise="scale"]').isVisible(), false);
      await page.waitForFunction(() => [...document.querySelectorAll("iframe")].every((f) => Math.abs(f.getBoundingClientRect().height - 416) > 4));
    }, { elsewhere: [`http://localhost:${other.address().port}`] });
  } finally { other.close(); }
});
