/**
 * Values and levels: the histogram of the original values, the levels of the
 * opened block over it, and hatched what they would clip.
 * @module
 */
import { beside, compact, count, niceTicks, steadyTop } from './ticks.js';
import { reachOf } from './shape.js';
import { histSentence, levelsText, tooMany } from './sentences.js';
import { drawCursor, drawLabel, drawPick, drawSplit, withUnit } from './frame.js';
import { main, regions, tone } from './plot.js';
import { inside, peakOf, shoulder, ValuePlot, valueRange, xTicks } from './value.js';
import { theme } from './theme.js';

/** Edges and counts as a stepped series needs them: one point more than bins. */
function stepsOf(lo, hi, counts) {
  const n = counts.length, xs = new Float64Array(n + 1), ys = new Float64Array(n + 1);
  for (let i = 0; i <= n; i++) {
    xs[i] = lo + (hi - lo) * i / (n || 1);
    ys[i] = counts[Math.min(i, n - 1)] ?? 0;
  }
  return { xs, ys };
}

/** The histogram of an analysis; all of a constant tensor stands in one bin. */
function original(an) {
  const { lo, hi } = an.meta.hist, counts = an.arrays.hist ?? [], range = valueRange(an);
  if (hi > lo) return { range, ...stepsOf(lo, hi, counts) };
  const one = new Float64Array(33);
  for (const v of counts) one[16] += v;
  return { range, ...stepsOf(...range, one) };
}

/** The plot of values and levels. */
export class HistPlot extends ValuePlot {
  constructor(host, root) { super(host, root, ['step']); }

  build(s, w, h) {
    const t = theme(), k = t.k, d = original(s.a), peak = peakOf(d.ys);
    const top = this.steady('top', v => steadyTop(v, peak * 1.3)), { ticks, exp } = xTicks(d.range, w, k);
    const yt = niceTicks(0, top, Math.max(2, Math.floor(h / (44 * k)))).ticks.filter(v => v < top * 0.9 && Number.isInteger(v));
    return {
      pad: [12 * k, 8, 18 * k, t.axis], x: d.range, y: [0, top], split: s.split, sentence: histSentence(s),
      xs: d.xs, cols: [{ ys: d.ys, stroke: t.orig, fill: t.origFill, width: 1.5 }],
      xt: ticks, xn: withUnit('x', exp), yt: yt.map(v => [v, compact(v)]), yn: 'values per bin',
      over: (pen, f) => this.#over(pen, f, s, d, peak),
    };
  }

  #over(pen, f, s, d, peak) {
    const k = pen.theme.k, parts = regions(s, f), o = main(s).meta.opened;
    for (const r of parts) this.#levels(pen, f, r, d);
    const x = o && Number.isFinite(o.x) ? inside(f, f.X(o.x)) : NaN;
    if (s.split !== null) drawSplit(pen, parts[0].x1, 0, f.y1);
    if (x >= 0) drawCursor(pen, x, 0, x, f.y1);
    for (const r of parts) this.#name(pen, f, r, s);
    const say = o ? 'x ' + beside(o.x, d.range[1] - d.range[0]) : '', y = f.y1 - 24 * k;
    if (peak > 0) this.#original(pen, f, d, peak, [x, s.split === null ? NaN : parts[0].x1], { x, y, w: pen.measure(say, 'lab') + 10 });
    if (Number.isNaN(x)) return;
    drawPick(pen, x, f.y1);
    drawLabel(pen, f, x, y, say, { side: -1, gap: 6 });
  }

  #levels(pen, f, r, { xs, ys }) {
    const c = tone(pen.theme, r.side), levels = r.an.arrays.levels ?? [], reach = reachOf(levels), px = [];
    for (let i = 0, last = -Infinity; i < levels.length; i++) {
      const x = f.X(levels[i]);
      if (x >= r.x0 && x <= r.x1 && x - last > 1.9) px.push(last = x);
    }
    const dense = px.length > 1 && (px[px.length - 1] - px[0]) / (px.length - 1) < 5;
    pen.clip(r.x0, 0, r.x1 - r.x0, f.y1, () => {
      const slope = r.side === 'b' ? -1 : 1;
      if (reach) {
        pen.hatch(tail(f, xs, ys, -Infinity, reach[0]), c.line, slope);
        pen.hatch(tail(f, xs, ys, reach[1], Infinity), c.line, slope);
      }
      pen.uprights(px, f.y0 + 16 * pen.theme.k, f.y1, { stroke: c.line, alpha: dense ? 0.45 : 0.8, dash: r.side === 'b' ? [3, 2] : undefined });
    });
  }

  #name(pen, f, r, s) {
    const t = pen.theme, n = levelsText(r.an), left = r.side === 'b' && s.split !== null;
    let say = n;
    if (!r.an.arrays.levels?.length) say = tooMany(r.an);
    else if (s.b) say = left ? `${n.split(' ')[0]} of B` : `${n} of ${r.side.toUpperCase()}`;
    if (pen.measure(say, 'lab') + 8 > r.x1 - r.x0) return;
    const style = { font: 'lab', fill: tone(t, r.side).text, align: left ? 'start' : 'end', halo: t.paper };
    pen.text(left ? r.x0 + 6 : r.x1 - 6, f.y0 + 6 * t.k, say, style);
  }

  /** Names the histogram beside a shoulder, where neither the frame nor a line is in the way. */
  #original(pen, f, { xs, ys }, peak, lines, label) {
    const t = pen.theme, name = this.shown.a.meta.from ? 'as stored' : f.W < 420 * t.k ? 'original' : 'original values', w = pen.measure(name, 'lab') + 6;
    const spots = [0.62, 0.78, 0.92, 0.4, 0.25, 0.15].flatMap(share => [-1, 1].map(side => ({ share, side, x: f.X(xs[shoulder(ys, -side, share)]) })));
    const clear = ({ share, side, x }) => {
      const a = Math.min(x, x + side * w), b = a + w, near = Math.abs(f.Y(share * peak) - label.y) < 14 * t.k;
      return !(near && a < label.x + label.w && b > label.x - label.w) && a > f.x0 && b < f.x1 && !lines.some(v => v > a - 2 && v < b + 2);
    };
    const { share, side, x } = spots.find(clear) ?? spots[0];
    drawLabel(pen, f, x, f.Y(share * peak), name, { side, gap: 6, fill: t.origText });
  }

  /** What stands under the pointer. */
  readout(px) {
    const f = this.frame, { lo, hi } = this.shown.a.meta.hist, h = this.shown.a.arrays.hist ?? [], x = f.vx(px);
    const n = h[Math.floor((x - lo) / (hi - lo) * h.length)] ?? 0;
    return `x ${beside(x, hi - lo)} · ${count(n)} values`;
  }

  table(s) {
    const { xs, ys } = original(s.a), columns = ['from', 'to', 'values', 'levels of A'];
    if (s.b) columns.push('levels of B');
    const levels = (an, i) => {
      let n = 0;
      for (const v of an.arrays.levels ?? []) if (v >= xs[i] && v < xs[i + 1]) n++;
      return n;
    };
    return { columns, rows: xs.length - 1, cell: (r, c) => (c < 3 ? [xs[r], xs[r + 1], ys[r]][c] : levels(c === 3 ? s.a : s.b, r)) };
  }
}

/** The closed shape under the bins between two values, empty where it has no width. */
function tail(f, xs, ys, a, b) {
  const p = [];
  for (let i = 0; i + 1 < xs.length; i++) {
    const l = Math.max(a, xs[i]), r = Math.min(b, xs[i + 1]);
    if (!(r > l)) continue;
    if (!p.length) p.push(f.X(l), f.y1);
    p.push(f.X(l), f.Y(ys[i]), f.X(r), f.Y(ys[i]));
  }
  if (p.length) p.push(p[p.length - 2], f.y1);
  return p;
}
