/**
 * A number line with the levels of a format on it, and one value that goes to
 * its nearest level.
 * @module
 */
import { beside, count, minus, niceTicks, num } from './ticks.js';
import { nearest } from './shape.js';
import { drawPick } from './frame.js';
import { Single } from './single.js';

/**
 * @typedef {object} Line
 * @property {ArrayLike<number>} levels rising @property {number} lo @property {number} hi what the line covers
 * @property {number} [original] a value beside its level @property {number} [highlight] the level to mark, where it is not the nearest
 * @property {string} [sentence] instead of one made from the numbers
 */

/**
 * Draws a number line.
 * @param {HTMLElement} figure @param {Line} data
 * @param {{onMove?: (x: number) => void}} [opts] onMove lets the value be dragged and moved by the arrow keys
 * @returns {NumberLine} with draw, dim, resize, retheme, destroy
 */
export function numberLine(figure, data, opts = {}) { return new NumberLine(figure, data, opts); }

class NumberLine extends Single {
  constructor(figure, data, opts) {
    super(figure, data, opts, null, opts.onMove ? 'Left and right arrows move the value.' : '');
    if (!opts.onMove) return;
    let held = false;
    const move = e => { const { x } = this.place(e), v = this.#value(x); this.opts.onMove(v); };
    this.fig.on('pointerdown', e => { if (e.button === 0) { held = true; this.fig.box.setPointerCapture(e.pointerId); move(e); } });
    this.fig.on('pointermove', e => { if (held) move(e); });
    for (const t of ['pointerup', 'pointercancel']) this.fig.on(t, () => { held = false; });
    this.fig.on('keydown', e => this.#key(e));
    this.fig.box.classList.add('pl-hand');
  }

  #mark() {
    const { levels, original, highlight } = this.data;
    if (highlight !== undefined && highlight !== null) return highlight;
    const i = Number.isFinite(original) ? nearest(levels, original) : -1;
    return i < 0 ? null : levels[i];
  }

  /** The one step between levels, 0 where they are uneven. */
  #step() {
    const { levels: l } = this.data, n = l.length, step = n > 1 ? (l[n - 1] - l[0]) / (n - 1) : 0;
    for (let i = 1; i < n; i++) if (Math.abs(l[i] - l[i - 1] - step) > 1e-4 * step) return 0;
    return step;
  }

  sentence() {
    const { levels, original: x, sentence } = this.data ?? {};
    if (sentence) return sentence;
    if (!levels) return '';
    const step = this.#step(), mark = this.#mark(), n = levels.length;
    const spaced = step ? `, a step of ${minus(+step.toPrecision(3))}` : n > 1 ? ', unevenly spaced' : '';
    const error = Number.isFinite(x) && mark !== null ? `; error here ${num(mark - x)}` : '';
    return `${count(n)} level${n === 1 ? '' : 's'}${spaced}${error}.`;
  }

  #ends(w) {
    const { lo, hi } = this.data, pad = Math.min(24, w / 12), X = v => pad + (v - lo) / (hi - lo || 1) * (w - 2 * pad);
    return { X, pad };
  }

  #value(px) {
    const { lo, hi } = this.data, { pad } = this.#ends(this.fig.w), v = lo + (px - pad) / (this.fig.w - 2 * pad) * (hi - lo);
    return Math.max(lo, Math.min(hi, v));
  }

  picture(pen, w, h) {
    const t = pen.theme, k = t.k, { levels = [], lo, hi, original: x } = this.data ?? {}, base = h - 26 * k, up = base - 22 * k;
    if (!(hi > lo)) return;
    const { X } = this.#ends(w), { ticks } = niceTicks(lo, hi, Math.max(2, Math.min(4, Math.floor(w / (70 * k))))), mark = this.#mark();
    if (mark !== null) this.#basin(pen, levels, mark, X, up, base);
    const px = [];
    for (let i = 0, last = -Infinity; i < levels.length; i++) {
      const p = X(levels[i]);
      if (p - last > 1.4 && levels[i] >= lo && levels[i] <= hi) px.push(last = p);
    }
    pen.uprights(px, up, base, { stroke: t.recon, width: px.length > w / 6 ? 1 : 1.5, alpha: px.length > w / 3 ? 0.5 : 0.8 });
    pen.hair(0, base, w, base, { stroke: t.line });
    for (const v of ticks) {
      pen.hair(X(v), base, X(v), base + 3, { stroke: t.line });
      pen.text(X(v), base + 14 * k, minus(+v.toPrecision(6)), { align: 'middle' });
    }
    if (mark !== null) this.#pair(pen, x, mark, X, up, w, hi - lo);
  }

  /** The values that go to the marked level. */
  #basin(pen, levels, mark, X, up, base) {
    const i = nearest(levels, mark), mid = j => (levels[Math.max(0, j)] + levels[Math.min(levels.length - 1, j + 1)]) / 2;
    const a = mid(i - 1), b = mid(i);
    if (X(b) - X(a) >= 4) pen.rect(X(a), up, X(b) - X(a), base - up, { fill: pen.theme.accent, alpha: 0.4 });
  }

  #pair(pen, x, mark, X, up, w, span) {
    const t = pen.theme, k = t.k, m = X(mark);
    const label = (px, y, text, fill, right) => {
      const tw = pen.measure(text, 'lab'), r = right ? px + 10 + tw < w : px - 10 - tw < 0;
      pen.text(r ? px + 10 : px - 10, y, text, { font: 'lab', fill, align: r ? 'start' : 'end', halo: t.paper });
    };
    if (Number.isFinite(x)) {
      const p = X(x), y = up - 24 * k;
      pen.line(p, y + 6, m, up - 5, { stroke: t.recon, width: 1.75 });
      pen.dot(p, y, 5 * k, { fill: t.orig });
      label(p, y + 4 * k, 'x ' + beside(x, span / 10), t.origText, true);
    }
    drawPick(pen, m, up);
    label(m, up - 6 * k, 'x̂ ' + beside(mark, span / 10), t.reconText, false);
  }

  #key(e) {
    const dir = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key], { lo, hi, original } = this.data;
    if (!dir || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    this.opts.onMove(Math.max(lo, Math.min(hi, (Number.isFinite(original) ? original : (lo + hi) / 2) + dir * (hi - lo) / (e.shiftKey ? 20 : 200))));
    requestAnimationFrame(() => this.fig.announce(`x ${beside(this.data.original, hi - lo)}, nearest level ${beside(this.#mark() ?? NaN, hi - lo)}`));
  }

  table() {
    const l = this.data?.levels ?? [];
    return { columns: ['level', 'value'], rows: l.length, cell: (r, c) => (c ? l[r] : r) };
  }
}
