// From a move of a slider to the painted plots, in the real page: the mouse
// drags a slider, and the page's own marks tell when what it asked for was
// painted.
import { visit } from "../browser/site.mjs";
import { digits, quantile, table } from "./numbers.mjs";

const MOVES = 40;
const EVERY = 100;     // ms between two moves
const THUMB = 16;      // px, as css/page.css has it
const OPENED = 60_000; // ms that the page may take to show the exact answer
const SETTLE = 1000;   // ms from then to the drag
const LATE = 10_000;   // ms that the last answer may take

/** What is dragged: the slider goes to and fro between its place and the neighbours. */
const DRAGS = [
  { type: "INT4", through: "3 to 5 bits", options: "group 32, min/max", hash: "group=32&range=minmax", slider: "bits" },
  { type: "INT4", through: "groups of 16 to 64", options: "min/max", hash: "group=32&range=minmax", slider: "group" },
  { type: "Q4_K", through: "3 to 5 bits", options: "", hash: "format=Q4_K", slider: "bits" },
  { type: "NF4", through: "blocks of 32 to 128", options: "", hash: "format=NF4", slider: "block" },
];
const SIZES = [[128, 512], [1024, 1024]];
/** So large that a drag shows a sample of the rows, and the exact answer when it rests; without a side B. */
const LARGE = [4096, 4096];

/** Drags every slider at every size. @returns {Promise<object[]>} rows of the JSON file */
export async function measure(site, say) {
  const rows = [];
  for (const [r, c] of SIZES) {
    for (const d of DRAGS) {
      say(`${d.type}, ${d.slider} slider, ${(r * c).toLocaleString("en")} values`);
      rows.push(await drag(site, d, r, c));
    }
  }
  const [r, c] = LARGE;
  for (const d of DRAGS.filter((d) => d.slider === "bits")) {
    say(`${d.type}, ${d.slider} slider, ${(r * c).toLocaleString("en")} values`);
    rows.push(await drag(site, { ...d, hash: d.hash + "&b=" }, r, c));
  }
  return rows;
}

async function drag(site, d, r, c) {
  let log;
  await visit(site, `#/tensor?rows=${r}&cols=${c}&${d.hash}`, async (page) => {
    const input = page.locator("#" + d.slider);
    await page.waitForFunction((name) => document.getElementById("a-name").textContent === name && /exact/.test(document.getElementById("t-status").textContent), d.type, { timeout: OPENED });
    await input.scrollIntoViewIfNeeded();
    await page.waitForTimeout(SETTLE);
    await page.evaluate(listen, d.slider);
    await move(page, await geometry(input));
    await page.waitForFunction(() => globalThis.benchLog.waiting.length === 0, null, { timeout: LATE }).catch(() => {});
    await page.mouse.up();
    if (r * c >= LARGE[0] * LARGE[1]) await page.waitForFunction(() => globalThis.benchLog.exact > 0, null, { timeout: LATE }).catch(() => {});
    await page.waitForTimeout(100); // long tasks are told late
    log = await page.evaluate(() => ({ ...globalThis.benchLog, now: performance.now() }));
  });
  return row(d, r * c, log);
}

/** A row of the JSON file. A move that was never painted counts as long as it was waited for. */
function row(d, values, log) {
  const painted = [...log.painted, ...log.waiting.map((w) => log.now - w.began)];
  if (painted.length < MOVES * 0.8) throw new Error(`${d.type}: ${MOVES} moves of the ${d.slider} slider made ${painted.length} requests`);
  const p50 = quantile(painted, 0.5);
  return {
    what: "slider", type: d.type, where: "chromium", mws: values / p50 / 1000, peer_mws: null, ratio: null, values,
    p50_ms: p50, p95_ms: quantile(painted, 0.95), max_ms: Math.max(...painted),
    answered_p50_ms: log.answered.length ? quantile(log.answered, 0.5) : null, // until the page has the answer and asks for a frame
    exact_ms: log.exact || null, // from the last move to the exact answer, where a sample came first
    moves: painted.length, frames: log.frames, unpainted: log.waiting.length,
    long_tasks: log.long.length, longest_task_ms: Math.max(0, ...log.long),
    next_paint_ms: Math.max(0, ...log.paint), // the slowest event of the mouse or the slider, to the next paint; known to 8 ms
    slider: d.slider, through: d.through, options: d.options,
  };
}

/** Where the slider is, and how far a step goes. */
async function geometry(input) {
  const box = await input.boundingBox();
  const { at, min, max } = await input.evaluate((e) => ({ at: Number(e.value), min: Number(e.min), max: Number(e.max) }));
  const step = (box.width - THUMB) / (max - min);
  const x = (v) => box.x + THUMB / 2 + step * (v - min);
  return { y: box.y + box.height / 2, x, at, low: Math.max(min, at - 1), high: Math.min(max, at + 1) };
}

/** A drag to and fro: up a step, back, down a step, back. */
async function move(page, g) {
  const stops = [g.high, g.at, g.low, g.at];
  await page.mouse.move(g.x(g.at), g.y);
  await page.mouse.down();
  const start = performance.now();
  for (let i = 0; i < MOVES; i++) {
    await new Promise((next) => setTimeout(next, start + i * EVERY - performance.now()));
    await page.mouse.move(g.x(stops[i % stops.length]), g.y);
  }
}

/**
 * Runs in the page. Each move of the slider is timed from its input event to
 * the end of the frame in which the plots of its answer, or of a later one,
 * were drawn.
 */
function listen(slider) {
  const log = globalThis.benchLog = { waiting: [], answered: [], painted: [], frames: 0, exact: 0, long: [], paint: [] };
  const host = globalThis.fewbitsHost, { send, draw } = host;
  let began = null, last = 0, exact = 0;
  addEventListener("input", (e) => { if (e.target.id === slider) began = performance.now(); }, { capture: true });
  host.send = (id, lane, op, args, ...rest) => {
    if (lane === "a" && op === "analyze") {
      if (began !== null) {
        log.waiting.push({ id, began: last = began });
        log.exact = exact = 0;
      } else if (!JSON.parse(args).sample) exact ||= id; // the slider rests
      began = null;
    }
    return send(id, lane, op, args, ...rest);
  };
  host.draw = (a, ...rest) => {
    for (const w of log.waiting) if (w.id === a) log.answered.push(performance.now() - w.began);
    return draw(a, ...rest);
  };
  const watch = (type, f) => new PerformanceObserver((list) => list.getEntries().forEach(f)).observe({ type, durationThreshold: 16 });
  watch("mark", ({ name, detail, startTime }) => {
    if (name !== "fewbits:drawn") return;
    const done = log.waiting.filter((w) => w.id <= detail.a);
    log.waiting = log.waiting.filter((w) => w.id > detail.a);
    for (const w of done) log.painted.push(startTime - w.began);
    if (done.length) log.frames++;
    if (exact && detail.a >= exact && !log.exact) log.exact = startTime - last;
  });
  watch("longtask", (t) => log.long.push(t.duration));
  watch("event", (e) => { if (/^(pointer(down|up)|input|change|click)$/.test(e.name)) log.paint.push(e.duration); });
}

/** The tables as text. */
export function print(rows) {
  const text = [table(["type", "slider", "values", "p50 ms", "p95 ms", "most", "painted", "tasks > 50 ms", "longest", "next paint"], rows.map((r) => [
    r.type, `${r.through}${r.options && ", " + r.options}`, r.values.toLocaleString("en"), digits(r.p50_ms), digits(r.p95_ms), digits(r.max_ms),
    `${r.frames} of ${r.moves}`, String(r.long_tasks), r.long_tasks ? digits(r.longest_task_ms) : "–", r.next_paint_ms ? digits(r.next_paint_ms) : "< 16",
  ]), 2)];
  for (const r of rows.filter((r) => r.exact_ms)) {
    text.push(`${r.type}, ${r.values.toLocaleString("en")} values, no side B: a drag shows a sample of the rows; the exact answer is painted ${digits(r.exact_ms)} ms after the last move.`);
  }
  return text.join("\n");
}
