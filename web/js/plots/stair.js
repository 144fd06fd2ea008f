/**
 * Staircase: what becomes of each value, on the histogram's axis.
 * @module
 */
import { beside } from './ticks.js';
import { nearest, staircase, unionSteps } from './shape.js';
import { stairSentence, tooMany } from './sentences.js';
import { drawCursor, drawLabel, drawPick, drawSplit, valueTicks, withUnit } from './frame.js';
import { main, regions, sideAt, tone } from './plot.js';
import { inside, ValuePlot, valueRange, xTicks } from './value.js';
import { theme } from './theme.js';

/** The plot of x → x̂. */
export class StairPlot extends ValuePlot {
  constructor(host, root) { super(host, root, ['step', 'step']); }

  build(s, w, h) {
    const t = theme(), k = t.k, range = valueRange(s.a), { ticks, exp } = xTicks(range, w, k);
    const stairs = [s.a, s.b].map(an => staircase(an?.arrays.levels ?? [], ...range)), { x, ys } = unionSteps(stairs);
    const col = (i, side, hidden) => {
      const c = tone(t, side);
      return stairs[i].x.length && s.show !== hidden ? { ys: ys[i], side, stroke: c.line, dash: c.dash } : null;
    };
    return {
      pad: [6 * k, 8, 18 * k, t.axis], x: range, y: range, split: s.split, sentence: stairSentence(s),
      xs: x.length ? x : Float64Array.from(range), cols: [col(0, 'a', 'b'), col(1, 'b', 'a')],
      xt: ticks, xn: withUnit('x', exp), yt: valueTicks(...range, Math.max(4, Math.floor(h / (34 * k)))).ticks,
      under: (pen, f) => pen.line(f.x0, f.y1, f.x1, f.y0, { stroke: t.line, dash: [1, 3] }),
      over: (pen, f) => this.#over(pen, f, s, range, stairs),
    };
  }

  #over(pen, f, s, range, stairs) {
    const k = pen.theme.k, parts = regions(s, f), span = range[1] - range[0], o = main(s).meta.opened;
    if (s.split !== null) drawSplit(pen, parts[0].x1, 0, f.y1);
    for (const r of parts) this.#name(pen, f, r, s);
    if (!o || !Number.isFinite(o.x)) { this.#dotted(pen, f, s, stairs); return; }
    const x = inside(f, f.X(o.x)), own = this.#side(f, s, x).meta.opened ?? o, y = Math.max(f.y0, Math.min(f.y1, f.Y(own.xhat)));
    const low = y > f.y1 - 24 * k, at = low ? y - 10 * k : y + 18 * k; // with no room below, the other free side of a rising stair
    this.#dotted(pen, f, s, stairs, { x, y: at });
    drawCursor(pen, x, 0, x, f.y1);
    drawPick(pen, x, y);
    drawLabel(pen, f, x, at, 'x̂ ' + beside(own.xhat, span), { side: low ? -1 : 1, gap: 9 });
  }

  /** Says what the dotted line is, below it, off the stairs and off the opened weight's label. */
  #dotted(pen, f, s, stairs, label = null) {
    const t = pen.theme, k = t.k, say = 'dotted: no error', x = f.x0 + 0.65 * (f.x1 - f.x0), end = x + pen.measure(say, 'note');
    if (end > f.x1 - 50 * k) return;
    const taken = [x, end].map(px => this.#level(f, s, stairs, px));
    if (label && label.x > x - 90 * k && label.x < end + 90 * k) taken.push(label.y - 5 * k);
    const free = v => taken.every(y => y < v - 18 * k || y > v + 8 * k);
    const y = [0.31, 0.12, 0.45].map(p => f.y1 - p * (f.y1 - f.y0)).find(free);
    if (y) pen.text(x, y, say, { font: 'note', halo: t.paper });
  }

  /** How high a stair stands at a pixel; off the plot where there is none. */
  #level(f, s, stairs, px) {
    const { x, y } = stairs[sideAt(s, (px - f.x0) / (f.x1 - f.x0)) === 'b' ? 1 : 0], v = f.vx(px);
    let i = x.length - 1;
    while (i > 0 && x[i] > v) i--;
    return y.length ? f.Y(y[i]) : -99;
  }

  #name(pen, f, r, s) {
    const t = pen.theme, of = r.side.toUpperCase();
    let say = s.b ? `x̂, ${of}` : 'x̂';
    if (!r.an.arrays.levels?.length) say = (s.b ? of + ': ' : '') + tooMany(r.an);
    if (pen.measure(say, 'lab') + 12 > r.x1 - r.x0) return;
    const style = { font: 'lab', fill: tone(t, r.side).text, halo: t.paper };
    if (r.side === 'a' || s.split === null) pen.text(r.x0 + 6, f.y0 + 12 * t.k, say, style);
    else pen.text(r.x1 - 6, f.y1 - 6 * t.k, say, { ...style, align: 'end' });
  }

  #side(f, s, px) { return sideAt(s, (px - f.x0) / (f.x1 - f.x0)) === 'b' ? s.b : s.a; }

  /** What stands under the pointer. */
  readout(px) {
    const f = this.frame, s = this.shown, [lo, hi] = valueRange(s.a), x = f.vx(px), levels = this.#side(f, s, px).arrays.levels ?? [];
    const to = levels.length ? ` → x̂ ${beside(levels[nearest(levels, x)], hi - lo)}` : '';
    return `x ${beside(x, hi - lo)}${to}`;
  }

  table(s) {
    const levels = [s.a, s.b].map(an => an?.arrays.levels ?? []), columns = ['level', 'A: from x', 'A: x̂'];
    if (s.b) columns.push('B: from x', 'B: x̂');
    const cell = (r, c) => {
      const l = levels[c < 3 ? 0 : 1];
      if (c === 0) return r;
      if (r >= l.length) return null;
      return c % 2 === 0 ? l[r] : r ? (l[r - 1] + l[r]) / 2 : null;
    };
    return { columns, rows: Math.max(levels[0].length, levels[1].length), cell };
  }
}
