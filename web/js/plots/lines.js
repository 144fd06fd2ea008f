/**
 * One or a few series over a common x: a loss over steps, a divergence over
 * tokens.
 * @module
 */
import { num, steadyRange, tickText, niceTicks } from './ticks.js';
import { drawCursor, drawLabel, drawPick, valueTicks, withUnit } from './frame.js';
import { Single } from './single.js';
import { theme } from './theme.js';

const TONES = { // line, text, fill
  orig: ['orig', 'origText', 'origFill'], recon: ['recon', 'reconText', 'reconFill'],
  b: ['sideB', 'sideBText', 'sideBFill'], ink: ['ink', 'ink', 'hair'],
};

/**
 * @typedef {{name: string, y: ArrayLike<number>, tone?: 'orig'|'recon'|'b'|'ink', step?: boolean, fill?: boolean}} LineSeries
 * @typedef {{x: ArrayLike<number>, series: LineSeries[]}} Lines x rises
 * @typedef {{xName?: string, yName?: string, sentence?: string, mark?: number, marks?: {x: number, name: string}[]}} LinesOptions mark: an x that is looked at; marks: others, with names
 */

/**
 * Draws lines.
 * @param {HTMLElement} figure @param {Lines} data at most four series @param {LinesOptions} [opts]
 * @returns {LinePlot} with draw, dim, resize, retheme, destroy
 */
export function lines(figure, data, opts = {}) { return new LinePlot(figure, data, opts); }

class LinePlot extends Single {
  constructor(figure, data, opts) { super(figure, data, opts, ['line', 'line', 'line', 'line', 'step', 'step', 'step', 'step']); }

  #ends() {
    let lo = 0, hi = 0;
    for (const s of this.data?.series ?? []) for (let i = 0; i < s.y.length; i++) { if (s.y[i] < lo) lo = s.y[i]; if (s.y[i] > hi) hi = s.y[i]; }
    return [lo, hi];
  }

  sentence() {
    const { series = [] } = this.data ?? {};
    if (this.opts.sentence) return this.opts.sentence;
    if (!series.some(s => s.y.length)) return 'There is nothing to plot yet.';
    return series.map(s => `${s.name}: ${num(s.y[0])} to ${num(s.y[s.y.length - 1])}`).join('; ') + '.';
  }

  spec(w, h) {
    const t = theme(), k = t.k, { x: xs = [], series = [] } = this.data ?? {}, n = xs.length, [lo, hi] = this.#ends();
    const x = n > 1 ? [xs[0], xs[n - 1]] : [0, 1], y = this.memo.y = steadyRange(this.memo.y, lo * 1.1, hi * 1.1);
    const left = valueTicks(...y, Math.max(3, Math.floor((h - 30 * k) / (26 * k)))), xt = niceTicks(...x, Math.max(2, Math.floor(w / (80 * k))));
    const col = (s, step) => {
      if (!s || Boolean(s.step) !== step || !n) return null;
      const [line, , fill] = TONES[s.tone] ?? TONES.ink;
      return { ys: s.y, stroke: t[line], fill: s.fill ? t[fill] : null, dash: s.tone === 'b' ? [5, 2] : undefined };
    };
    return {
      pad: [12 * k, 16 * k, 18 * k, t.axis], x, y,
      xs: Float64Array.from(xs), cols: [false, true].flatMap(step => [0, 1, 2, 3].map(i => col(series[i], step))),
      xt: xt.ticks.map(v => [v, tickText(v, xt.step)]), xn: this.opts.xName,
      yt: left.ticks.filter(([v]) => v < 0.92 * y[1]), yn: withUnit(this.opts.yName ?? '', left.exp),
      over: (pen, f) => {
        if (n > 1 && series.length > 1) series.forEach((s, i) => this.#name(pen, f, s, i, xs));
        if (n > 1) (this.opts.marks ?? []).forEach((m, i) => this.#named(pen, f, m, i));
        if (n > 1 && Number.isFinite(this.opts.mark)) this.#mark(pen, f, xs, series);
      },
    };
  }

  /** A line at an x, with its name beside it, each lower than the one before. */
  #named(pen, f, { x, name }, i) {
    const X = f.X(x), k = pen.theme.k, side = X > (f.x0 + f.x1) / 2 ? -1 : 1;
    if (X < f.x0 - 1 || X > f.x1 + 1) return;
    pen.hair(X, f.y0, X, f.y1, { stroke: pen.theme.ink });
    if (name) drawLabel(pen, f, X, f.y0 + (12 + 15 * i) * k, name, { side: -side, gap: 4 });
  }

  /** The x that is looked at: a line, and a dot on the first series. */
  #mark(pen, f, xs, [s]) {
    const x = Math.max(xs[0], Math.min(xs[xs.length - 1], this.opts.mark)), X = f.X(x);
    let i = 0;
    while (i < xs.length - 2 && xs[i + 1] < x) i++;
    const part = (x - xs[i]) / (xs[i + 1] - xs[i] || 1);
    drawCursor(pen, X, f.y0, X, f.y1);
    drawPick(pen, X, f.Y(s.step ? s.y[i] : s.y[i] + part * (s.y[i + 1] - s.y[i])));
  }

  /** Names stand beside their line, each at another x. */
  #name(pen, f, s, i, xs) {
    const t = pen.theme, at = Math.floor((xs.length - 1) * (0.9 - 0.22 * i)), fill = t[(TONES[s.tone] ?? TONES.ink)[1]];
    drawLabel(pen, f, f.X(xs[at]), f.Y(s.y[at]) - 7 * t.k, s.name, { side: -1, gap: 0, fill });
  }

  table() {
    const { x = [], series = [] } = this.data ?? {};
    return { columns: [this.opts.xName ?? 'x', ...series.map(s => s.name)], rows: x.length, cell: (r, c) => (c ? series[c - 1].y[r] : x[r]) };
  }
}
