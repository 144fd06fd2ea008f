/**
 * Error: the histogram of x̂ − x, of both sides on common bins.
 * @module
 */
import { compact, count, minus, niceTicks, percent, steadyTop, tenTo } from './ticks.js';
import { mergeErr, windowOf } from './shape.js';
import { errSentence } from './sentences.js';
import { drawPick, valueTicks, withUnit } from './frame.js';
import { main, Plot, tone } from './plot.js';
import { inside, peakOf, shoulder } from './value.js';
import { theme } from './theme.js';

const MAX_BINS = 320;  // in the window: a bin stays wider than a pixel
const SHARE = 0.995;   // of the errors lie in the window

/** The plot of the error's histogram. */
export class ErrPlot extends Plot {
  constructor(host, root) {
    super(host, root, ['step', 'step'], 'Left and right arrows read the bins.');
    this.reading = null;
  }

  build(s, w, h) {
    const t = theme(), k = t.k, { m, need } = this.#merged(s), r = this.steady('r', v => steadyTop(v, need));
    const { xs, a, b, beyond } = within(m, r), A = s.show !== 'b' ? a : null, B = s.show !== 'a' ? b : null;
    const top = this.steady('top', v => steadyTop(v, 1.2 * Math.max(A ? peakOf(A) : 0, B ? peakOf(B) : 0)));
    const { ticks, exp } = valueTicks(-r, r, Math.max(4, Math.floor((w - 52 * k) / (62 * k))));
    const yt = niceTicks(0, top, 2).ticks.filter(v => v < 0.88 * top && Number.isInteger(v));
    return {
      pad: [10 * k, 8, 18 * k, t.axis], x: [-r, r], y: [0, top], sentence: errSentence(s, exp),
      xs, cols: [A && { ys: A, stroke: t.recon, fill: t.reconFill }, B && { ys: B, stroke: t.sideB, fill: A ? null : t.sideBFill, dash: [5, 2] }],
      xt: ticks, xn: withUnit('x̂ − x', exp), yt: yt.map(v => [v, compact(v)]), yn: 'values per bin',
      over: (pen, f) => this.#over(pen, f, s, xs, A, B, [A && beyond(m.a), B && beyond(m.b)]),
    };
  }

  /** Both histograms on bins that are neither too fine for the window nor too coarse. */
  #merged(s) {
    const key = [s.a, s.b, s.show], { a, b } = s;
    if (this.cache?.key.every((v, i) => v === key[i])) return this.cache;
    const fold = least => merge(a, b, least);
    let m = fold(0);
    const need = Math.max(s.show !== 'b' ? windowOf(m, m.a, SHARE) : 0, s.show !== 'a' && m.b ? windowOf(m, m.b, SHARE) : 0);
    if (!(2 * need > 0) || exact(s.show === 'b' ? b : a) && (s.show !== 'split' || exact(b ?? a))) return (this.cache = { key, m, need: 1 });
    if (2 * need > MAX_BINS * m.step) m = fold(2 ** Math.ceil(Math.log2(2 * need / MAX_BINS)));
    return (this.cache = { key, m, need });
  }

  #over(pen, f, s, xs, a, b, beyond) {
    const t = pen.theme, k = t.k, o = main(s).meta.opened, e = o && !main(s).meta.stored ? o.xhat - o.x : NaN, say = 'this weight', taken = [];
    const half = pen.measure(say, 'lab') / 2, px = inside(f, f.X(e)), mid = Math.max(f.x0 + half, Math.min(f.x1 - half, px));
    if (Number.isFinite(e)) taken.push({ l: mid - half, r: mid + half, y: f.y1 - 12 * k });
    if (a && s.b) this.#name(pen, f, xs, a, 'a', 1, taken);
    if (b) this.#name(pen, f, xs, b, 'b', a ? -1 : 1, taken);
    const out = Math.max(...beyond.map(Number));
    if (out > 0) pen.text(f.x1, f.y0 + 2 * k, `${percent(out)} lie beyond`, { font: 'note', align: 'end', halo: t.paper });
    if (!Number.isFinite(e)) return;
    pen.text(mid, f.y1 - 12 * k, say, { font: 'lab', fill: t.ink, align: 'middle', halo: t.paper });
    drawPick(pen, px, f.y1);
  }

  /** Names a side beside a shoulder of its histogram, off the other labels. */
  #name(pen, f, xs, ys, side, dir, taken) {
    const t = pen.theme, k = t.k, peak = peakOf(ys), say = side.toUpperCase(), w = pen.measure(say, 'lab');
    if (!(peak > 0)) return;
    const spots = [0.7, 0.9, 0.55, 1].map(share => {
      const x = Math.max(f.x0 + w, Math.min(f.x1 - w, f.X(xs[shoulder(ys, dir, Math.min(share, 0.95))]) - 6 * dir));
      return { l: dir > 0 ? x - w : x, r: dir > 0 ? x : x + w, y: Math.max(f.y0 + 9 * k, f.Y(share * peak)), x };
    });
    const free = p => taken.every(q => p.r + 8 < q.l || p.l - 8 > q.r || Math.abs(p.y - q.y) > 13 * k);
    const spot = spots.find(free);
    if (!spot) return;
    taken.push(spot);
    pen.text(spot.x, spot.y, say, { font: 'lab', fill: tone(t, side).text, align: dir > 0 ? 'end' : 'start', halo: t.paper });
  }

  /** A press picks nothing: many weights share an error. */
  at() { return null; }

  /** Keys move a reading line from bin to bin. @returns {?{read: number}} where it stands */
  key(e) {
    const dir = { ArrowLeft: -1, ArrowRight: 1 }[e.key], f = this.frame;
    if (!dir || !f || !this.shown) return null;
    const { m } = this.cache, o = main(this.shown).meta.opened, from = this.reading ?? f.X(o ? o.xhat - o.x : 0);
    const bin = Math.floor(f.vx(inside(f, from)) / (m.step || 1) + 1e-9) + dir;
    return { read: (this.reading = inside(f, f.X((bin + 0.5) * (m.step || 1)))) };
  }

  /** What stands under the pointer. */
  readout(px) {
    const f = this.frame, s = this.shown, { m } = this.cache, x = f.vx(px), i = Math.floor(x / (m.step || 1)) - m.first;
    const { exp } = valueTicks(f.vx(f.x0), f.vx(f.x1), 4), at = minus((x / 10 ** exp).toFixed(2)) + (exp ? ' × ' + tenTo(exp) : '');
    const n = c => count(c?.[i] ?? 0);
    return `${at} · ${s.show === 'split' ? `${n(m.a)} of A, ${n(m.b)} of B` : `${n(s.show === 'b' ? m.b : m.a)} values`}`;
  }

  table(s) {
    const m = merge(s.a, s.b), columns = ['from', 'to', 'values of A'];
    if (s.b) columns.push('values of B');
    return { columns, rows: m.bins, cell: (r, c) => (c < 2 ? (m.first + r + c) * m.step : (c === 2 ? m.a : m.b)[r]) };
  }
}

/** Whether an analysis has no error at all. */
const exact = an => !(an.meta.metrics.rmse > 0);

/**
 * Both histograms on common bins. Errors of zero have no width of their own:
 * they stand in the other side's bin at zero, or in a narrow one.
 */
function merge(a, b, least) {
  const counted = an => (an?.arrays.err ?? []).reduce((sum, n) => sum + n, 0);
  const part = (an, other) => {
    if (!an) return [null, null];
    if (!exact(an)) return [an.meta.err, an.arrays.err ?? []];
    return [{ step: other && !exact(other) ? other.meta.err.step : 1 / 32, first: 0, bins: 1 }, [counted(an)]];
  };
  return mergeErr(...part(a, b), ...part(b, a), least);
}

/** The bins within ±r as stepped series that reach both ends, and how many counts lie beyond. */
function within(m, r) {
  const step = m.step || 1, i0 = Math.max(0, Math.ceil(-r / step - m.first)), i1 = Math.max(i0, Math.min(m.bins, Math.floor(r / step - m.first)));
  const n = i1 - i0, xs = new Float64Array(n + 3);
  xs[0] = -r;
  xs[n + 2] = r;
  for (let i = 0; i <= n; i++) xs[i + 1] = Math.max(-r, Math.min(r, (m.first + i0 + i) * step));
  const cut = c => {
    if (!c) return null;
    const ys = new Float64Array(n + 3);
    for (let i = 0; i < n; i++) ys[i + 1] = c[i0 + i];
    return ys;
  };
  const beyond = c => {
    let all = 0, inner = 0;
    for (let i = 0; i < m.bins; i++) { all += c[i]; if (i >= i0 && i < i1) inner += c[i]; }
    return all ? 1 - inner / all : 0;
  };
  return { xs, a: cut(m.a), b: cut(m.b), beyond };
}
