import { test } from "node:test";
import assert from "node:assert/strict";
import * as ticks from "../../js/plots/ticks.js";
import * as shape from "../../js/plots/shape.js";
import { along, placeLabels } from "../../js/plots/labels.js";
import { cellText, slug, toCSV, toJSON } from "../../js/plots/table.js";
import * as say from "../../js/plots/sentences.js";
import { sparkPath } from "../../js/plots/spark.js";

const near = (a, b, what) => assert.ok(Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b)), `${what ?? ""} ${a} is not ${b}`);

test("ticks are round, inside, and few", () => {
  for (const { lo, hi, n, want } of [
    { lo: 0, hi: 10, n: 5, want: [0, 2, 4, 6, 8, 10] },
    { lo: -0.08, hi: 0.08, n: 7, want: [-0.075, -0.05, -0.025, 0, 0.025, 0.05, 0.075] },
    { lo: 3, hi: 3, n: 4, want: [3] },
    { lo: -1, hi: 1, n: 2, want: [-1, 0, 1] },
    { lo: NaN, hi: 1, n: 4, want: [] },
  ]) {
    const { ticks: got } = ticks.niceTicks(lo, hi, n);
    assert.equal(got.length, want.length, `${lo}…${hi}: ${got}`);
    got.forEach((v, i) => near(v, want[i], `${lo}…${hi}`));
    assert.ok(got.every((v) => !Object.is(v, -0)));
  }
  for (let e = -20; e < 20; e++) {
    for (const m of [1, 1.7, 3.3, 9.99]) {
      const span = m * 10 ** e, { ticks: got, step } = ticks.niceTicks(-span, 2 * span, 6);
      assert.ok(got.length >= 2 && got.length <= 8, `${span}: ${got}`);
      for (const v of got) assert.ok(v >= -span - step * 1e-5 && v <= 2 * span + step * 1e-5);
    }
  }
});

test("places are cut into equal parts where powers of two allow it", () => {
  assert.deepEqual(ticks.indexTicks(512, 4), [0, 128, 256, 384, 512]);
  assert.deepEqual(ticks.indexTicks(576, 4), [0, 192, 384, 576]);
  assert.deepEqual(ticks.indexTicks(128, 4), [0, 32, 64, 96, 128]);
  assert.deepEqual(ticks.indexTicks(1000, 4), [0, 250, 500, 750, 1000]);
  assert.deepEqual(ticks.indexTicks(11008, 5), [0, 2500, 5000, 7500, 10000]);
  assert.deepEqual(ticks.indexTicks(1, 4), [0, 1]);
  for (const n of [2, 3, 7, 97, 4096, 151936]) {
    const got = ticks.indexTicks(n, 5);
    assert.ok(got.length >= 2 && got.length <= 7 && got.every((v) => Number.isInteger(v) && v <= n), `${n}: ${got}`);
  }
});

test("numbers are written as an axis and a sentence need them", () => {
  assert.equal(ticks.tickText(-0.075, 0.025), "−0.075");
  assert.equal(ticks.tickText(0.004, 0.002, -3), "4");
  assert.equal(ticks.tickText(2.5, 2.5), "2.5");
  assert.equal(ticks.tickText(0, 0.1), "0");
  assert.equal(ticks.tickText(1e-18, 0.1), "0");
  assert.deepEqual([0.02, 0.006, 6e-6, 5e-7, 12, 3e4, 0, NaN].map((v) => ticks.exponentOf(v)), [0, -3, -6, -9, 0, 3, 0, 0]);
  assert.equal(ticks.exponentOf(0.05, 0.1), -3);
  assert.deepEqual([0, 950, 4000, 2500, 1234567, 2e9].map(ticks.compact), ["0", "950", "4 k", "2.5 k", "1.23 M", "2 G"]);
  assert.equal(ticks.beside(-0.0397, 0.16), "−0.0397");
  assert.equal(ticks.beside(0.00809, 0.02), "0.00809");
  assert.equal(ticks.beside(0.000453, 0.002), "0.453 × 10⁻³");
  assert.deepEqual([0, -0, 7, 1024, -0.0123456, 4.2e-7, 2.5e9, Infinity, NaN].map((v) => ticks.num(v)), ["0", "0", "7", "1,024", "−0.0123", "4.20 × 10⁻⁷", "2.50 × 10⁹", "∞", "NaN"]);
  assert.deepEqual([0, 0.0004, 0.041, 0.5, 1].map(ticks.percent), ["0 %", "under 0.1 %", "4.1 %", "50 %", "100 %"]);
});

test("an axis keeps its top while it fits and is well filled", () => {
  const top = ticks.steadyTop(0, 2950);
  assert.equal(top, 3000);
  assert.equal(ticks.steadyTop(top, 2000), 3000);
  assert.equal(ticks.steadyTop(top, 3001), 4000);
  assert.equal(ticks.steadyTop(top, 900), 1000);
  assert.equal(ticks.steadyTop(0, 0), 1);
  for (let i = 0; i < 200; i++) {
    const max = 10 ** (i / 10 - 10), t = ticks.steadyTop(0, max);
    assert.ok(t >= max * (1 - 1e-8) && t <= 1.4 * max, `${max} under ${t}`);
  }
  assert.deepEqual(ticks.steadyRange(null, 0, 0.009), [0, 0.01]);
  assert.deepEqual(ticks.steadyRange(null, -0.25, 0), [-0.25, 0]);
  assert.deepEqual(ticks.steadyRange(null, 0, 0), [0, 1]);
});

test("error histograms merge into the coarser bins and lose no count", () => {
  const a = { step: 0.25, first: -4, bins: 8 }, ca = [1, 2, 3, 4, 5, 6, 7, 8], b = { step: 1, first: -2, bins: 3 }, cb = [10, 20, 30];
  const m = shape.mergeErr(a, ca, b, cb);
  assert.deepEqual([m.step, m.first, m.bins], [1, -2, 3]);
  assert.deepEqual([...m.a], [0, 10, 26]);
  assert.deepEqual([...m.b], cb);
  const alone = shape.mergeErr(a, ca);
  assert.deepEqual([alone.step, alone.first, alone.b], [0.25, -4, null]);
  assert.deepEqual([...shape.mergeErr(a, ca, null, null, 0.5).a], [3, 7, 11, 15]);
  assert.equal(shape.mergeErr({ step: 0, first: 0, bins: 0 }, []).bins, 0);
  // odd first bins: −3 · 0.25 lies in [−1, 0)
  assert.deepEqual([...shape.mergeErr({ step: 0.25, first: -3, bins: 4 }, [1, 1, 1, 1], b, cb).a], [0, 3, 1]);
});

test("the window holds its share of the counts", () => {
  const m = { step: 1, first: -50, bins: 100 }, c = new Float64Array(100).fill(1);
  assert.equal(shape.windowOf(m, c, 1), 50);
  assert.equal(shape.windowOf(m, c, 0.5), 25);
  c.fill(0);
  assert.equal(shape.windowOf(m, c, 0.99), 0);
  c[50] = 5;
  assert.equal(shape.windowOf(m, c, 0.99), 1);
});

test("the staircase sends each value to its nearest level", () => {
  const levels = [-0.9, -0.2, 0, 0.4, 2], s = shape.staircase(levels, -1, 1);
  assert.ok(s.x.every((v, i) => i === 0 || v > s.x[i - 1]));
  for (let i = 0; i <= 400; i++) {
    const v = -1 + i / 200;
    let k = 0;
    while (k + 1 < s.x.length && s.x[k + 1] <= v) k++;
    const best = Math.min(...levels.map((l) => Math.abs(l - v)));
    near(Math.abs(s.y[k] - v), best, `at ${v}`);
  }
  assert.deepEqual(shape.staircase([], -1, 1), { x: [], y: [] });
  assert.deepEqual(shape.staircase([5], 0, 1), { x: [0, 1], y: [5, 5] });
  assert.deepEqual(shape.staircase([-9, -8, 3], 0, 1), { x: [0, 1], y: [3, 3] });
});

test("stairs on one axis keep their own steps", () => {
  const { x, ys } = shape.unionSteps([{ x: [0, 1, 3], y: [5, 6, 6] }, { x: [0, 2, 3], y: [1, 2, 2] }, { x: [], y: [] }]);
  assert.deepEqual([...x], [0, 1, 2, 3]);
  assert.deepEqual(ys.map((y) => [...y]), [[5, 6, 6, 6], [1, 1, 2, 2], [0, 0, 0, 0]]);
});

test("the size of groups is found from their number", () => {
  for (const [cols, groups, want] of [[512, 16, 32], [576, 18, 32], [100, 4, 32], [100, 1, 100], [7, 7, 1], [1000, 8, 128], [90, 2, 64]]) {
    assert.equal(shape.groupSize(cols, groups), want, `${cols} in ${groups}`);
  }
  assert.equal(shape.groupSize(90, 2, { lo: 0, hi: 45 }), 45);
  assert.equal(shape.groupSize(100, 4, { lo: 90, hi: 100 }), 30); // the last block, shorter than the others
  assert.equal(shape.groupSize(512, 16, { lo: 0, hi: 256 }), 32); // a block of several groups
});

test("thinning groups keeps every extreme and covers the whole width", () => {
  const n = 5000, row = new Float32Array(n), lo = new Float32Array(n), hi = new Float32Array(n);
  for (let i = 0; i < n; i++) { row[i] = Math.sin(i); lo[i] = row[i] - 1; hi[i] = row[i] + 1; }
  row[1234] = 99; hi[1234] = 100; lo[4321] = -77;
  const e = shape.envelope(row, lo, hi, 16, n * 16, 200);
  assert.equal(e.x.length, 401);
  assert.equal(Math.max(...e.row), 99);
  assert.equal(Math.max(...e.hi), 100);
  assert.equal(Math.min(...e.lo), -77);
  assert.equal(e.x[400], n * 16);
  assert.ok(e.x.every((v, i) => i === 0 || v > e.x[i - 1]));
  const few = shape.envelope([1, NaN, 3], null, null, 32, 70, 200);
  assert.deepEqual([...few.x], [0, 32, 64, 70]);
  assert.deepEqual([...few.row], [1, 1, 3, 3]);
  assert.deepEqual([...shape.envelope([], null, null, 1, 8, 10).x], [8]);
});

test("groups of a flat tensor part into rows", () => {
  const d = shape.byRow(Float32Array.of(1, 2, 3, 4, 5, 0), 3, 1);
  assert.deepEqual([[...d.row], [...d.lo], [...d.hi]], [[3, 4], [1, 0], [5, 4]]);
  assert.equal(shape.byRow(new Float32Array(5), 3, 0), null);
});

test("a smaller map keeps the largest error of the cells it covers", () => {
  const w = 37, h = 23, W = 11, H = 7, src = Float32Array.from({ length: w * h }, (_, i) => Math.sin(i * 12.9898) * (i % 13)), out = new Float32Array(W * H);
  shape.shrink(src, w, h, out, W, H, 0, 4);
  shape.shrink(src, w, h, out, W, H, 4);
  const want = new Float32Array(W * H);
  for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) {
    const k = Math.floor(r * H / h) * W + Math.floor(c * W / w), v = src[r * w + c];
    if (Math.abs(v) > Math.abs(want[k])) want[k] = v;
  }
  assert.deepEqual([...out], [...want]);
  const same = new Float32Array(w * h);
  shape.shrink(src, w, h, same, w, h);
  assert.deepEqual(same, src);
});

test("what the heat map says of its cells", () => {
  const v = new Float32Array(8 * 4).fill(0.1);
  for (let r = 0; r < 4; r++) v[r * 8 + 5] = -1;
  near(shape.halfOfColumns(v, 8, 4), 1 / 8);
  assert.equal(shape.halfOfColumns(new Float32Array(0), 0, 0), 0);
  const wide = Float32Array.from({ length: 1000 }, (_, i) => (i < 995 ? i / 1000 : 40));
  const at = shape.magnitudeAt(wide, 40, 0.99);
  assert.ok(at >= 0.99 && at < 1.3, String(at));
  assert.equal(shape.magnitudeAt(wide, 0, 0.99), 0);
});

test("what lies outside the levels", () => {
  assert.deepEqual(shape.reachOf([-1, 0, 4]), [-1.5, 6]);
  assert.equal(shape.reachOf([1]), null);
  near(shape.clippedShare([1, 1, 1, 1], 0, 4, [1, 2]), 0.25); // bins stand for 0.5 … 3.5, levels reach 0.5 … 2.5
  assert.equal(shape.clippedShare([], 0, 1, [1, 2]), 0);
  assert.deepEqual([-5, 0.4, 0.6, 9].map((x) => shape.nearest([0, 1, 2], x)), [0, 0, 1, 2]);
  assert.equal(shape.nearest([], 1), -1);
});

test("the front holds just what nothing beats", () => {
  const pts = [[4, 20], [4, 22], [3, 15], [5, 21], [2, 16], [8, 40], [6, NaN]].map(([x, y]) => ({ x, y }));
  assert.deepEqual(shape.pareto(pts), [4, 1, 5]);
  assert.deepEqual(shape.pareto([{ x: 1, y: 5 }, { x: 2, y: 4 }, { x: 3, y: 6 }], false), [0, 1]);
  for (const i of shape.pareto(pts)) for (const q of pts) assert.ok(!(q.x <= pts[i].x && q.y > pts[i].y));
});

test("labels hide neither each other nor a mark", () => {
  const items = Array.from({ length: 40 }, (_, i) => ({ x: 60 + (i * 37) % 300, y: 40 + (i * 53) % 200, r: 4, w: 40, h: 12 })), bounds = { x: 0, y: 0, w: 420, h: 280 };
  const line = along([[0, 280], [420, 0]]), boxes = placeLabels(items, bounds, [], line), put = boxes.filter(Boolean);
  const over = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  assert.ok(put.length > 15, `${put.length} placed`);
  put.forEach((b, i) => {
    assert.ok(b.x >= 0 && b.y >= 0 && b.x + b.w <= 420 && b.y + b.h <= 280);
    for (const c of put.slice(i + 1)) assert.ok(!over(b, c));
    for (const p of items) assert.ok(!over(b, { x: p.x - p.r, y: p.y - p.r, w: 2 * p.r, h: 2 * p.r }));
    for (const t of line) assert.ok(!over(b, t));
  });
  const [must] = placeLabels([{ x: 20, y: 20, r: 5, w: 30, h: 12, must: true }], { x: 0, y: 0, w: 80, h: 80 }, [{ x: 0, y: 0, w: 80, h: 80 }]);
  assert.ok(must, "what must be written is written");
});

test("tables become CSV and JSON", () => {
  const t = { columns: ["name", "value, dB"], rows: 2, cell: (r, c) => [["Q4_K", 21.5], ['say "hi"', null]][r][c] };
  assert.equal(toCSV(t), 'name,"value, dB"\r\nQ4_K,21.5\r\n"say ""hi""",\r\n');
  assert.deepEqual(JSON.parse(toJSON("A", "b", t)), { name: "A", sentence: "b", columns: t.columns, rows: [["Q4_K", 21.5], ['say "hi"', null]] });
  assert.deepEqual([1234567, -0.000012345678, null, "x"].map(cellText), ["1,234,567", "−0.00001234568", "", "x"]);
  assert.equal(slug("Zero point per block"), "zero-point-per-block");
});

function analysis(over = {}) {
  const meta = {
    format: "INT4", rows: 8, cols: 64, sampled: false, hist: { lo: -1, hi: 1, bins: 4 }, metrics: { rmse: 0.0012, maxAbs: 0.01 },
    scale: { groups: 2, flat: false }, zero: { groups: 2, kind: "zero" }, heat: { w: 64, h: 8, max: 0.01 }, levels: { count: 4, drawn: 4 },
    opened: { row: 3, col: 9, x: 0.25, xhat: 0.2, step: 0.5 }, ...over.meta,
  };
  const f = (...v) => Float32Array.from(v);
  return { meta, arrays: { hist: f(1, 4, 4, 1), levels: f(-0.5, 0, 0.5), scaleLo: f(0.25, 0.5), scaleHi: f(0.5, 1), zeroLo: f(1, 2), zeroHi: f(7, 8), ...over.arrays } };
}

test("sentences say what is shown", () => {
  const a = analysis(), none = analysis({ meta: { format: "FP16", scale: { groups: 0 }, zero: { groups: 0, kind: "" }, levels: { count: 0 } }, arrays: { levels: new Float32Array(0) } });
  const one = { a, b: null, show: "a" }, two = { a, b: none, show: "split" };
  assert.equal(say.histSentence(one), "4 levels of the opened block; no value lies outside.");
  assert.equal(say.histSentence(two), "A: 4 levels, 0 % of all values outside; B: levels too close to draw.");
  assert.equal(say.stairSentence(one), "_x_ 0.250 becomes _x̂_ 0.200, 10 % of a step away.");
  assert.equal(say.errSentence(one, -3), "_x̂_ − _x_, in 10⁻³. RMSE 1.20, the largest 10.0.");
  assert.equal(say.errSentence(two, 0), "_x̂_ − _x_. RMSE 0.00120 against 0.00120 of B.");
  assert.equal(say.scaleSentence(one), "Row 3 as a line, all rows as the band: 0.250 to 1.");
  assert.equal(say.scaleSentence({ a: none, b: null, show: "a" }), "FP16 has no scale.");
  assert.equal(say.zeroSentence(two), "A: zero point 1 to 8. B: none.");
  assert.equal(say.heatSentence(one, 0.11), "Half of the squared error sits in 11 % of the columns.");
  assert.equal(say.heatSentence(two, 0.45), "The error of A is spread evenly over the columns.");
  assert.equal(say.openedText(a), "Row 3, column 9: x 0.250, reconstructed 0.200, error −0.0500.");
  const empty = analysis({ meta: { opened: null, hist: { lo: 0, hi: 0, bins: 0 } }, arrays: { hist: new Float32Array(0) } });
  assert.equal(say.histSentence({ a: empty, b: null, show: "a" }), "There are no values.");
  assert.equal(say.stairSentence({ a: empty, b: null, show: "a" }), "");
});

test("a sparkline is closed at the bottom", () => {
  assert.equal(sparkPath([1, 2], 4, 10), "M0 9.5V5.5H2.0V1.5H4.0V9.5");
  assert.equal(sparkPath([], 4, 10), "M0 9.5V9.5");
  assert.ok(!sparkPath([0, 0], 4, 10).includes("NaN"));
});
