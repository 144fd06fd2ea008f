/**
 * Error over the tensor: a heat map of signed errors, one pixel a cell or the
 * largest error of the cells it covers.
 * @module
 */
import { count, exponentOf, indexTicks, minus, num, tenTo } from './ticks.js';
import { halfOfColumns, magnitudeAt, shrink } from './shape.js';
import { heatSentence } from './sentences.js';
import { drawAxes, drawCursor, drawPick, drawSplit, frameOf } from './frame.js';
import { Sheet } from './chart.js';
import { main, Plot, regions, sideAt } from './plot.js';
import { moveBy } from './place.js';
import { diverging, lut, onTheme, theme } from './theme.js';

const SHADES = 511;     // odd, so that no error has the middle to itself
const MOST = 0.99;      // of the cells lie within the colours, where the largest is far from them
const SATURATE = 1.3;   // times as large is far
const SETTLE_MS = 150;  // without new data, and the sentence is worked out

/** The heat map. */
export class HeatPlot extends Plot {
  constructor(host, root) {
    super(host, root, [], 'Arrow keys move the opened weight, with Shift farther.');
    this.sheet = new Sheet(this.fig.box);
    this.tiles = { a: null, b: null };
    this.high = new WeakMap();
    this.half = new WeakMap();
    this.endTheme = onTheme(() => { this.shades = null; this.tiles = { a: null, b: null }; });
  }

  draw(s) {
    this.shown = s;
    const { fig } = this;
    if (!fig.visible) return;
    this.sheet.draw(fig.w, fig.h, pen => { this.f = this.#paint(pen, s, fig.w, fig.h, this.tiles); });
    this.#say(s);
  }

  /** Says what is seen: at once where that is known, else when the data has settled. */
  #say(s) {
    clearTimeout(this.timer);
    const { heat } = main(s).arrays, { w, h } = main(s).meta.heat;
    const say = () => {
      if (heat && !this.half.has(heat)) this.half.set(heat, halfOfColumns(heat, w, h));
      this.fig.sentence(heatSentence(s, this.half.get(heat) ?? 1));
    };
    if (!heat || this.half.has(heat) || !this.fig.said) say(); else this.timer = setTimeout(say, SETTLE_MS);
  }

  paint(pen, w, h) { this.#paint(pen, this.shown, w, h, { a: null, b: null }); }

  get frame() { return this.f ?? null; }

  #paint(pen, s, w, h, tiles) {
    const t = pen.theme, k = t.k, { rows, cols, opened: o } = main(s).meta;
    const spec = {
      pad: [6 * k, 40 * k, 34 * k, t.axis], x: [0, cols], y: [rows, 0], bare: true,
      xn: 'column', xt: indexTicks(cols, w < 420 * k ? 4 : 5).map(v => [v, count(v)]),
      yt: indexTicks(rows, Math.max(2, Math.floor((h - 40 * k) / (30 * k)))).map(v => [v, count(v)]),
    };
    const f = frameOf(w, h, spec), range = this.#range(s), parts = regions(s, f);
    for (const r of parts) {
      const tile = tiles[r.side] = tileFor(tiles[r.side], r.an, range.top, f, pen.dpr);
      if (!tile) continue;
      tile.show(this.shades ??= lut(diverging(theme()), SHADES, theme().line), (r.x0 - f.x0) / (f.x1 - f.x0), (r.x1 - f.x0) / (f.x1 - f.x0));
      pen.clip(r.x0, f.y0, r.x1 - r.x0, f.y1 - f.y0, () => pen.image(tile.canvas, f.x0, f.y0, f.x1 - f.x0, f.y1 - f.y0));
    }
    drawAxes(pen, f, spec);
    pen.text(f.x1 + 6, f.y0 + 9 * k, 'row', { font: 'note' });
    if (s.split !== null) this.#sides(pen, f, parts[0].x1);
    if (o) {
      const x = f.X(o.col + 0.5), y = f.Y(o.row + 0.5);
      drawCursor(pen, x, f.y0, x, f.y1);
      drawCursor(pen, f.x0, y, f.x1, y);
      drawPick(pen, x, y);
    }
    this.#key(pen, f, range);
    return f;
  }

  #sides(pen, f, x) {
    const t = pen.theme, y = f.y0 + 14 * t.k, w = pen.measure('B', 'lab') + 6;
    if (x - f.x0 > w) pen.text(x - 6, y, 'A', { font: 'lab', fill: t.reconText, align: 'end', halo: t.paper });
    if (f.x1 - x > w) pen.text(x + 6, y, 'B', { font: 'lab', fill: t.sideBText, halo: t.paper });
    drawSplit(pen, x, f.y0, f.y1);
  }

  /** The colour bar. */
  #key(pen, f, { top, full }) {
    const t = pen.theme, k = t.k, w = 110 * k, x = f.x1 - w, y = f.H - 10 * k, e = exponentOf(top, 0.1), end = minus(+(top / 10 ** e).toPrecision(2));
    if (!(top > 0)) return;
    pen.ramp(x, y, w, 6 * k, diverging(t), t.hair);
    pen.text(x - 6, f.H - 3 * k, `error${e ? ', ' + tenTo(e) : ''}   ${full ? '' : '≤ '}−${end}`, { align: 'end' });
    pen.text(f.x1 + 6, f.H - 3 * k, `${full ? '' : '≥ '}${end}`);
  }

  /** What the colours reach to: both sides share it, so that they can be compared. */
  #range(s) {
    let top = 0, full = true;
    for (const an of [s.a, s.b]) {
      const v = an?.arrays.heat, max = an?.meta.heat.max;
      if (!v || !(max > 0)) continue;
      if (!this.high.has(v)) this.high.set(v, magnitudeAt(v, max, MOST));
      const high = this.high.get(v), use = max > SATURATE * high && high > 0 ? high : max;
      if (use > top) { top = use; full = use === max; }
    }
    return { top, full };
  }

  /** What a press picks. */
  at(px, py) {
    const f = this.frame, s = this.shown;
    if (!f || !s) return null;
    const { rows, cols } = main(s).meta, at = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v)));
    return { row: at(f.vy(py), rows), col: at(f.vx(px), cols) };
  }

  /** What a key picks. */
  key(e) {
    if (!this.shown) return null;
    const m = main(this.shown).meta;
    return moveBy(m, e, m.opened ? Math.max(8, m.opened.hi - m.opened.lo) : 8);
  }

  /** What stands under the pointer. */
  readout(px, py) {
    const f = this.frame, s = this.shown, p = this.at(px, py), an = sideAt(s, (px - f.x0) / (f.x1 - f.x0)) === 'b' ? s.b : s.a;
    const { w, h } = an.meta.heat;
    if (py < f.y0 || py > f.y1 || !an.arrays.heat) return '';
    const v = an.arrays.heat[Math.floor(p.row * h / an.meta.rows) * w + Math.floor(p.col * w / an.meta.cols)];
    return `row ${count(p.row)}, column ${count(p.col)} · ${v === undefined ? '' : num(v)}`;
  }

  table(s) {
    const { w, h } = s.a.meta.heat, at = (i, n, m) => Math.floor(i * n / m), { rows, cols } = s.a.meta, columns = ['row', 'column', 'error of A'];
    if (s.b) columns.push('error of B');
    const cell = (r, c) => [at(Math.floor(r / w), rows, h), at(r % w, cols, w), s.a.arrays.heat?.[r], s.b?.arrays.heat?.[r]][c];
    return { columns, rows: s.a.arrays.heat ? w * h : 0, cell };
  }

  clear() { clearTimeout(this.timer); super.clear(); }

  destroy() { clearTimeout(this.timer); this.endTheme(); this.sheet.destroy(); super.destroy(); }
}

/** One side's cells as pixels, made only where they are seen. */
class Tile {
  constructor(key, src, w, h, W, H, top) {
    Object.assign(this, { key, src, w, h, W, H, top, from: 0, to: 0 });
    this.canvas = document.createElement('canvas');
    this.canvas.width = W;
    this.canvas.height = H;
    this.ctx = this.canvas.getContext('2d');
    this.image = this.ctx.createImageData(W, H);
    this.px = new Uint32Array(this.image.data.buffer);
    this.cells = W < w || H < h ? new Float32Array(W * H) : src;
  }

  /** Takes other cells of the same size. */
  renew(key, src, top) {
    if (this.cells === this.src) this.cells = src;
    Object.assign(this, { key, src, top, from: 0, to: 0 });
  }

  /** Makes the pixels between two fractions of the width. */
  show(shades, a, b) {
    const from = Math.max(0, Math.floor(a * this.W)), to = Math.min(this.W, Math.ceil(b * this.W));
    if (this.from === this.to) { this.from = this.to = from; }
    if (from < this.from) { this.#fill(shades, from, this.from); this.from = from; }
    if (to > this.to) { this.#fill(shades, this.to, to); this.to = to; }
  }

  #fill(shades, from, to) {
    const { src, w, h, W, H, cells, px, top } = this, last = shades.length - 1, half = (last - 1) / 2;
    const k = top > 0 ? half / top : 0, mid = 1.5 + half;
    if (cells !== src) shrink(src, w, h, cells, W, H, from, to);
    for (let r = 0; r < H; r++) {
      for (let i = r * W + from, end = r * W + to; i < end; i++) {
        let v = cells[i] * k + mid;
        v = v < 1 ? 1 : v > last ? last : v; // what is not a number stays so, and falls to entry 0
        px[i] = shades[v | 0];
      }
    }
    this.ctx.putImageData(this.image, 0, 0, from, 0, to - from, H);
  }
}

/** The tile of an analysis: the one there is, where it fits. */
function tileFor(tile, an, top, f, dpr) {
  const src = an.arrays.heat, { w, h } = an.meta.heat;
  if (!src || !(w > 0) || !(h > 0) || src.length < w * h) return null;
  const W = Math.max(1, Math.min(w, Math.round((f.x1 - f.x0) * dpr))), H = Math.max(1, Math.min(h, Math.round((f.y1 - f.y0) * dpr)));
  const key = [w, h, W, H].join(' ');
  if (tile?.key !== key) return new Tile(key, src, w, h, W, H, top);
  if (tile.src !== src || tile.top !== top) tile.renew(key, src, top);
  return tile;
}
