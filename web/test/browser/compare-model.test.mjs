// Compare on a model: numbers are the command's, claims get their verdict.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { choose, status } from "./model.mjs";
import { data, dataOf, noData, root, says, start, visit } from "./site.mjs";
import { accessible, fits } from "./manners.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const demo = join(root, "web/samples/tale.gguf");
let site, dir;
before(async () => { site = await start(); dir = await mkdtemp(join(tmpdir(), "fewbits-compare-")); });
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

const seen = (page) => page.locator("#c-status");
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Reads less of the text than it would: tests are short of time. */
const brief = (page) => page.getByLabel("Text, tokens", { exact: true }).selectOption("512");

/** Everything that was measured: column → value, by way. */
async function measured(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download as CSV").click()]);
  const [head, ...lines] = (await readFile(await download.path(), "utf8")).trim().split("\r\n").map((l) => l.match(/("([^"]|"")*"|[^,]*)(,|$)/g).map((c) => c.replace(/,$/, "").replace(/^"|"$/g, "")));
  return new Map(lines.map((l) => [l[0], Object.fromEntries(head.map((h, i) => [h, l[i]]))]));
}

/** The same by the command: the model in a type but for its embedding, against itself. */
async function byCommand(type, text) {
  const made = join(dir, `${type}.gguf`);
  await run(command, ["quantize", demo, "-to", type, "-pure", "-output-tensor-type", "F16", "-token-embedding-type", "F16", "-o", made]);
  const { metadata } = JSON.parse((await run(command, ["inspect", demo, "-json"])).stdout);
  const trained = metadata.find((m) => m.key === "llama.context_length").value;
  const { stdout } = await run(command, ["eval", made, "-text", text, "-against", demo, "-ctx", `${trained}`, "-chunks", `${512 / trained}`, "-json"]);
  return JSON.parse(stdout);
}

/** What the command makes of weights and activations in 8 bits: by rounding, and with SmoothQuant. */
async function eightBits(text) {
  const calib = join(dir, "calibration.txt"), made = join(dir, "smooth.gguf");
  await writeFile(calib, (await run("go", ["run", "./web/test/tales", "calibration"], { cwd: root, maxBuffer: 1 << 24, env: { ...process.env, GOTOOLCHAIN: "auto" } })).stdout);
  await run(command, ["quantize", demo, "-to", "smoothquant", "-calib", calib, "-ctx", "128", "-chunks", "16", "-store", "f32", "-o", made]);
  const measured = async (...args) => JSON.parse((await run(command, ["eval", ...args, "-text", text, "-against", demo, "-activations", "int8", "-ctx", "128", "-chunks", "4", "-json"])).stdout);
  return [
    ["W8A8 rounding", await measured(demo, "-weights", "INT8", "granularity=channel", "narrow=true")],
    ["W4A8 rounding", await measured(demo, "-weights", "INT4", "granularity=group", "group=32", "scale=f16")],
    ["W8A8 SmoothQuant", await measured(made)],
  ];
}

test("every way on the demo model: the command's numbers, a front, verdicts", { skip: command ? false : "FEWBITS_COMMAND names no command", timeout: 500_000 }, () => visit(site, "#/compare", async (page) => {
  await page.getByRole("radiogroup", { name: "Compare on" }).getByText("Model").click();
  await page.waitForURL(/#\/compare\?on=model$/);
  await brief(page);
  const text = join(dir, "tales.txt");
  const { stdout } = await run("go", ["run", "./web/test/tales"], { cwd: root, maxBuffer: 1 << 24, env: { ...process.env, GOTOOLCHAIN: "auto" } });
  await writeFile(text, stdout);
  await says(seen(page), /^\d+ ways on tale\.gguf · measured on 512 tokens/, 480_000);

  const rows = await measured(page);
  const wanted = await eightBits(text);
  for (const [name, type] of [["FP16", "F16"], ["Q8_0", "Q8_0"], ["Q4_0", "Q4_0"]]) wanted.push([name, await byCommand(type, text)]);
  for (const [name, want] of wanted) {
    const got = rows.get(name);
    assert.equal(got["activation bits"], name.includes("A8") ? "8" : "", name);
    for (const [column, value] of [["perplexity", want.perplexity], ["perplexity ratio", want.against.ratio], ["kl", want.against.kl], ["same top token", want.against.sameTop],
      ["perplexity error", want.perplexityError], ["perplexity ratio error", want.against.ratioError], ["kl error", want.against.klError], ["same top token error", want.against.sameTopError]]) {
      assert.ok(Math.abs(+got[column] - value) <= 1e-9 * Math.abs(value), `${column} of ${name}: the page has ${got[column]}, the command ${value}`);
    }
  }
  assert.equal(+rows.get("Q4_0")["model bits per weight"], 4.5);
  for (const name of ["GPTQ 4-bit", "AWQ 3-bit", "HQQ 2-bit", "NF4", "IQ2_XS", "MXFP4", "INT3 g128", "W8A8 LLM.int8()"]) assert.ok(+rows.get(name).kl > 0, `${name}: ${JSON.stringify(rows.get(name))}`);

  for (const name of ["Bits against perplexity", "Bits against KL divergence"]) {
    const points = await dataOf(page, page.getByRole("figure", { name }));
    assert.ok(points.length > 50 && points.filter((p) => p[4] === "yes").length >= 3, `${name}: ${points.length} points`);
  }
  const kept = await page.locator("#c-prec tr").evaluateAll((r) => r.map((tr) => [...tr.cells].map((c) => c.querySelector("span[id]")?.textContent ?? c.textContent)));
  for (const r of kept) assert.match(r[5], /^\d+\.\d ± \d+\.\d %$/, r.join(" | "));
  assert.equal(kept[0][5], "100.0 ± 0.0 %");
  const cell = page.locator("#c-prec-3-ppl"), q = rows.get("INT8 per row");
  assert.equal(await cell.textContent(), `${(+q.perplexity).toPrecision(4)} ± ${+(+q["perplexity error"]).toPrecision(1)} (${+q["perplexity ratio"] < 1 ? "−" : "+"}${Math.abs(100 * (q["perplexity ratio"] - 1)).toFixed(2)} ± ${(100 * q["perplexity ratio error"]).toFixed(2)} %)`);
  assert.equal(await cell.locator("small").count(), 2);
  for (const claim of ["sweet", "k", "sizes", "methods"]) {
    assert.match(await page.locator(`#c-cl-${claim}-v`).textContent(), /^(Holds here( in part)?|Does not hold here|Too close to tell here)\.$/, claim);
    assert.match(await page.locator(`#c-cl-${claim}-s`).textContent(), /\d/, claim);
  }
  await accessible(page, "Compare on a model");
  for (const width of [320, 390, 768]) {
    await page.setViewportSize({ width, height: 844 });
    await page.waitForTimeout(200);
    await fits(page, `Compare on a model at ${width} px`);
  }
  const [bar] = await dataOf(page, page.getByRole("figure", { name: "K-quants beat Q4_0 at like size" }));
  assert.deepEqual([bar[0], +bar[1], +bar[2]].map((v) => (v > 0 ? v.toPrecision(5) : v)), ["Q4_0", (1000 * rows.get("Q4_0").kl).toPrecision(5), (2000 * rows.get("Q4_0")["kl error"]).toPrecision(5)]);
}));

test("trials are cancelled and go on, by keyboard, and keep what is known", { timeout: 120_000 }, () => visit(site, "#/compare?on=model", async (page) => {
  assert.ok(await page.getByRole("radio", { name: "Model" }).isChecked());
  await brief(page);
  await says(page.locator("#c-progress"), /^[2-9] of/, 60_000);
  await button(page, "Cancel").press("Enter");
  await says(seen(page), /stopped/, 2000);
  assert.equal(await page.evaluate(() => document.activeElement.id), "c-go");
  const done = await page.locator("#c-body tr").evaluateAll((r) => r.filter((tr) => /\d/.test(tr.cells[1].textContent)).length);
  assert.ok(done >= 2, `${done} rows have numbers`);
  await page.keyboard.press("Enter");
  await says(page.locator("#c-progress"), new RegExp(`^(${done + 1}|${done + 2}|${done + 3}) of`), 60_000);
  await page.getByRole("radio", { name: "Model" }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/#\/compare$/);
  await says(seen(page), /outlier channels/);
}));

test("the precisions of a model of 7 billion weights", () => visit(site, "#/compare", async (page) => {
  const column = (i) => page.locator("#c-prec tr").evaluateAll((r, i) => r.map((tr) => tr.cells[i].textContent), i);
  await says(page.locator("#c-prec-note"), /^7 billion/);
  assert.deepEqual(await column(0), ["FP32", "FP16", "BF16", "INT8", "INT4", "2-bit"]);
  assert.deepEqual(await column(2), ["28", "14", "14", "7", "3.5", "1.75"]);
  assert.match((await column(7)).join("; "), /about 99 %; 95–98 %; 85–90 %$/);
  await page.getByLabel("Weights, billions, exact").fill("70");
  await says(page.locator("#c-prec-note"), /^70 billion/);
  assert.deepEqual(await column(2), ["280", "140", "140", "70", "35", "17.5"]);
}));

test("the model that is open is tried, and what does not suit it is said", { skip: noData, timeout: 120_000 }, () => visit(site, "#/model", async (page) => {
  await choose(page, data("gguf", "stories260K.gguf"));
  await says(status(page), /^Ready/);
  await page.locator("[data-nav=compare]").click();
  await page.getByRole("radiogroup", { name: "Compare on" }).getByText("Model").click();
  assert.equal(await page.getByLabel("Model", { exact: true }).locator("option:checked").textContent().catch(() => ""), "stories260K.gguf");
  await brief(page);
  await says(page.locator("#c-on"), /^stories260K\.gguf: perplexity [\d.]+ on 512 tokens/, 60_000);
  await says(page.getByRole("region", { name: "Left out" }), /Q4_K.*172/s, 60_000);
  await says(page.locator("#c-cl-k-s"), /^Cannot be tested on this model: .*rows of 64/, 60_000);
  for (const claim of ["sweet", "sizes"]) await says(page.locator(`#c-cl-${claim}-s`), /choose the demo model/);
  await button(page, "Cancel").click();
  await page.locator("#c-model").selectOption("demo");
  await says(page.locator("#c-on"), /^tale\.gguf: perplexity/, 60_000);
}));
