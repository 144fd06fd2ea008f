// Weights a second: every format, both ways, in every place.
import { COLS, WEIGHTS } from "./places.mjs";
import { digits, geomean, median, spread, table } from "./numbers.mjs";

const ROUNDS = 5;      // visits of each place for each format
const VISIT = 50;      // ms that a visit aims at, the way there and back
const WARM = 250;      // ms of the first, which is not counted: V8 compiles anew what runs often
const LONGEST = 250;   // ms: what takes longer for all the weights is measured on fewer rows
const PROBE_ROWS = 32;
const MOST = 50;       // passes of a visit

const WAYS = ["quantize", "dequantize"];

/** What is measured: each format with its defaults, integers in groups of 32 too. */
export function plan(formats) {
  return formats.flatMap((f) => {
    const importance = f.importance === "required" ? evenImportance() : undefined;
    const one = { type: f.name, family: f.family, options: {}, importance };
    return f.options?.includes("group") ? [one, { ...one, options: { group: "32" } }] : [one];
  });
}

/** One weight a column for formats that cannot do without. */
const evenImportance = () => Array.from({ length: COLS }, (_, i) => 0.5 + ((i * 37) % 64) / 64);

const label = (r) => [r.type, ...Object.entries(r.options).map(([k, v]) => `${k} ${v}`)].join(" ");

const took = (r) => (r.quantizeMs ?? 0) + (r.dequantizeMs ?? 0);

/**
 * Measures all cases. The places take turns, in one order and then the other,
 * so that what slows the machine for a while slows all of them.
 * @returns {Promise<object[]>} a result for each case: {case, weights, places}, each of these {place, times: {quantize: ms[], dequantize: ms[]}}
 */
export async function measure(cases, places, say) {
  const results = [];
  say("warming up");
  for (const c of cases) results.push(await warm(c, places));
  for (let round = 0; round < ROUNDS; round++) {
    say(`round ${round + 1} of ${ROUNDS}`);
    for (const r of results) {
      for (const p of round % 2 ? [...r.places].reverse() : r.places) {
        const m = await p.place.measure({ ...r.ask, repeat: p.repeat });
        for (const way of WAYS) if (m[way + "Ms"] !== null && m[way + "Ms"] !== undefined) p.times[way].push(m[way + "Ms"]);
      }
    }
  }
  return results;
}

/** Finds how much each place does in a visit, and lets it run in. */
async function warm(c, places) {
  const ask = { format: c.type, options: c.options, importance: c.importance };
  const run = [];
  let slowest = 0;
  for (const place of places) {
    const probe = { ...ask, sample: PROBE_ROWS * COLS, repeat: 3 };
    if ((await place.measure(probe)).refused) continue; // libggml has no such type
    const m = await place.measure(probe); // the first ran code that was not yet compiled well
    slowest = Math.max(slowest, took(m));
    run.push({ place, times: { quantize: [], dequantize: [] } });
  }
  let rows = WEIGHTS / COLS;
  while (rows > PROBE_ROWS && (slowest * rows) / PROBE_ROWS > LONGEST) rows /= 2;
  ask.sample = rows * COLS;
  for (const p of run) {
    const wasm = p.place.name === "chromium" || p.place.name === "node";
    let ms = took(await p.place.measure({ ...ask, repeat: 1 }));
    if (wasm) ms = took(await p.place.measure({ ...ask, repeat: passes(WARM, ms) }));
    p.repeat = passes(VISIT, ms);
  }
  return { case: c, weights: rows * COLS, ask, places: run };
}

const passes = (budget, ms) => Math.max(1, Math.min(MOST, Math.round(budget / ms)));

/** The results as rows of the JSON file: one for each way, case and place. */
export function rows(results) {
  const out = [];
  for (const way of WAYS) {
    for (const r of results) {
      const of = (name) => r.places.find((p) => p.place.name === name)?.times[way] ?? [];
      const mws = (ms) => (ms.length ? r.weights / median(ms) / 1000 : null);
      const peer = mws(of("libggml"));
      for (const where of ["chromium", "node", "native"]) {
        const ms = of(where);
        if (!ms.length) continue;
        const copying = r.places.find((p) => p.place.name === where).place.copying ?? null;
        out.push({
          what: way, type: r.case.type, where, mws: mws(ms), peer_mws: peer, ratio: peer === null ? null : mws(ms) / peer,
          family: r.case.family, options: r.case.options, weights: r.weights,
          gbs: (4 * mws(ms)) / 1000, memcpy_gbs: copying, // of float32 read or written; of a copy of so many bytes in the same place
          spread: spread(ms), peer_spread: peer === null ? null : spread(of("libggml")),
          ms, peer_ms: of("libggml"), // of each visit, in the order of the rounds
        });
      }
    }
  }
  return out;
}

/** The tables as text. */
export function print(rows) {
  const text = [];
  for (const way of WAYS) {
    const cases = rows.filter((r) => r.what === way && r.where === "chromium");
    const other = (r, where) => rows.find((o) => o.what === way && o.where === where && o.type === r.type && label(o) === label(r))?.mws;
    text.push(table(["type", "what", "chromium", "node", "native Go", "libggml", "ratio"], cases.map((r) => [
      label(r), way, digits(r.mws), digits(other(r, "node")), digits(other(r, "native")), digits(r.peer_mws),
      r.ratio === null ? "–" : digits(r.ratio) + " ×",
    ]), 2), "");
  }
  return text.concat(summary(rows)).join("\n");
}

/** Formats so simple that a copy of the same bytes is what they are held against. */
const SIMPLE = /^(FP32|FP16|BF16|INT8|INT4|Q[458]_[01])$/;

/** GB of float32 a second, beside a copy. */
function copies(rows) {
  const of = (type, way) => rows.find((r) => r.type === type && r.what === way && r.where === "chromium" && !r.options.group);
  const types = [...new Set(rows.map((r) => r.type))].filter((t) => SIMPLE.test(t) && of(t, "quantize"));
  const share = (r) => (r ? [digits(r.gbs), percent(r.gbs / r.memcpy_gbs)] : ["–", "–"]);
  return table(["type", "quantize GB/s", "of memcpy", "dequantize GB/s", "of memcpy"], types.map((t) => [t, ...share(of(t, "quantize")), ...share(of(t, "dequantize"))]));
}

function summary(rows) {
  const text = [];
  const one = rows.find((r) => r.where === "chromium" && r.memcpy_gbs);
  if (one) text.push(`Simple types in Chromium, GB of float32 a second; a memory.copy of the same ${(4 * WEIGHTS / 2 ** 20).toFixed(0)} MiB makes ${digits(one.memcpy_gbs)} GB/s:`, copies(rows), "");
  for (const way of WAYS) {
    const ggml = rows.filter((r) => r.what === way && r.where === "chromium" && r.family === "ggml" && r.ratio !== null);
    if (!ggml.length) continue;
    const least = (list) => list.reduce((a, b) => (b.ratio < a.ratio ? b : a));
    const k = ggml.filter((r) => /_K$/.test(r.type));
    text.push(`${way}, ggml's types, Chromium against libggml: geometric mean ${digits(geomean(ggml.map((r) => r.ratio)))} × over ${ggml.length} types, ` +
      `least ${digits(least(ggml).ratio)} × (${least(ggml).type})` + (k.length ? `; K-quants ${digits(geomean(k.map((r) => r.ratio)))} ×, least ${digits(least(k).ratio)} × (${least(k).type})` : ""));
  }
  const all = rows.flatMap((r) => [r.spread, r.peer_spread]).filter((v) => v !== null);
  text.push(`Noise: half the distance between the quartiles of ${ROUNDS} visits is ${percent(median(all))} of the median in the middle, ${percent(Math.max(...all))} at most.`);
  const fewer = [...new Set(rows.filter((r) => r.weights < WEIGHTS).map(label))];
  if (fewer.length) text.push(`Measured on fewer rows, for their time: ${fewer.join(", ")}.`);
  return text;
}

const percent = (v) => `${digits(100 * v)} %`;
