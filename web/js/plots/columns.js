/**
 * Importance by column, on a scale of powers of ten: a line for one matrix, a
 * row of shades for each of several (experts).
 * @module
 */
import { count, indexTicks, num, percent, superscript } from './ticks.js';
import { drawAxes, frameOf } from './frame.js';
import { Single } from './single.js';
import { lut, onTheme, theme } from './theme.js';

const SHADES = 256;
const SPAN = 8; // powers of ten at most: what is less lies at the lower end

/**
 * @typedef {{name: string, rows: number, cols: number, weights: Float32Array}} Importance a row a matrix; weights are 0 or more
 */

/**
 * Draws the importance of a tensor's columns.
 * @param {HTMLElement} figure @param {Importance} data
 * @returns {Columns} with draw, dim, resize, retheme, destroy
 */
export function columns(figure, data) { return new Columns(figure, data); }

/** What columns makes. */
class Columns extends Single {
  constructor(figure, data) {
    super(figure, data, {});
    this.off.push(onTheme(() => { this.tile = null; }));
    this.fig.on('pointermove', e => this.#point(this.place(e)));
    this.fig.on('pointerleave', () => this.say(''));
  }

  draw(data) { this.tile = null; super.draw(data); }

  /** What the sentence, the axis and the shades go by. */
  #facts() {
    const d = this.data;
    if (d.facts) return d.facts;
    let lo = Infinity, hi = 0, at = 0, zeros = 0;
    d.weights.forEach((v, i) => {
      if (v > hi) { hi = v; at = i; }
      if (v > 0 && v < lo) lo = v;
      if (!(v > 0)) zeros++;
    });
    const top = hi > 0 ? Math.ceil(Math.log10(hi) - 1e-9) : 0, least = hi > 0 ? Math.floor(Math.log10(lo) + 1e-9) : -1;
    const bottom = Math.max(top - SPAN, Math.min(top - 1, least));
    const sorted = Float32Array.from(d.weights).sort().reverse(), total = sorted.reduce((a, b) => a + b, 0);
    let half = 0, sum = 0;
    while (half < sorted.length && sum < total / 2) sum += sorted[half++];
    return (d.facts = { lo, hi, at, zeros, top, bottom, half: half / Math.max(1, sorted.length), median: sorted[sorted.length >> 1] });
  }

  sentence() {
    const d = this.data, f = this.#facts(), most = f.at % d.cols, who = d.rows > 1 ? `expert ${count(Math.floor(f.at / d.cols))}, column ${count(most)}` : `column ${count(most)}`;
    if (!(f.hi > 0)) return `All ${count(d.weights.length)} are zero: nothing is known.`;
    if (f.lo === f.hi && !f.zeros) return `All ${count(d.cols)} columns matter alike: ${num(f.hi)}.`;
    const more = f.median > 0 ? `, ${times(f.hi / f.median)} times the median` : '', cells = d.rows > 1 ? `${count(d.rows)} × ${count(d.cols)} columns` : `${count(d.cols)} columns`;
    return `Half of the importance lies in ${percent(f.half)} of ${cells}; the most in ${who}${more}.` + (f.zeros ? ` ${count(f.zeros)} are zero.` : '');
  }

  picture(pen, w, h) {
    const d = this.data, t = pen.theme, k = t.k, f = this.#facts(), many = d.rows > 1;
    const spec = {
      pad: [(many ? 8 : 22) * k, 16 * k, (many ? 36 : 18) * k, t.axis], x: [0, d.cols], y: many ? [d.rows, 0] : [f.bottom, f.top], bare: many, xn: 'column',
      xt: indexTicks(d.cols, w < 420 * k ? 4 : 8).map(v => [v, count(v)]),
      yt: many ? indexTicks(d.rows, Math.max(2, Math.floor((h - 40 * k) / (28 * k)))).map(v => [v, count(v)]) : powers(f, Math.max(2, Math.floor((h - 30 * k) / (22 * k)))),
      yn: many ? '' : 'importance',
    };
    const fr = frameOf(w, h, spec);
    if (many) this.#shades(pen, fr, f);
    drawAxes(pen, fr, spec);
    if (many) this.#key(pen, fr, f); else this.#line(pen, fr, f);
    if (pen.ctx === this.surface.ctx) this.frame = fr;
  }

  /** Every column, or of those that share a pixel the least and the most. */
  #line(pen, fr, f) {
    const { weights: x, cols } = this.data, t = pen.theme, n = Math.min(cols, Math.max(1, Math.round(fr.x1 - fr.x0))), Y = v => fr.Y(level(v, f));
    const lo = [], hi = [];
    for (let i = 0; i < n; i++) {
      const from = Math.floor(i * cols / n), to = Math.max(from + 1, Math.floor((i + 1) * cols / n));
      let a = Infinity, b = 0;
      for (let c = from; c < to; c++) { if (x[c] < a) a = x[c]; if (x[c] > b) b = x[c]; }
      const x0 = fr.X(from), x1 = fr.X(to);
      hi.push(x0, Y(b), x1, Y(b));
      lo.push(x0, Y(a), x1, Y(a));
    }
    pen.path([fr.x0, fr.y1, ...hi, fr.x1, fr.y1], { fill: t.origFill, close: true });
    if (n < cols) pen.path([...hi, ...turned(lo)], { fill: t.orig, alpha: 0.5, close: true });
    pen.path(hi, { stroke: t.orig, width: 1.25 });
  }

  #shades(pen, fr, f) {
    const { rows, cols } = this.data, W = Math.max(1, Math.min(cols, Math.round((fr.x1 - fr.x0) * (pen.dpr || 1)))), H = Math.max(1, Math.min(rows, Math.round((fr.y1 - fr.y0) * (pen.dpr || 1))));
    if (!this.tile || this.tile.width !== W || this.tile.height !== H) this.tile = this.#tile(W, H, f);
    pen.image(this.tile, fr.x0, fr.y0, fr.x1 - fr.x0, fr.y1 - fr.y0);
  }

  /** A pixel is the most of the weights that it covers. */
  #tile(W, H, f) {
    const { weights: x, rows, cols } = this.data, canvas = document.createElement('canvas');
    canvas.width = W;
    canvas.height = H;
    const ctx = canvas.getContext('2d'), image = ctx.createImageData(W, H), px = new Uint32Array(image.data.buffer), shades = lut(ramp(theme()), SHADES, theme().line);
    for (let r = 0; r < H; r++) {
      const r0 = Math.floor(r * rows / H), r1 = Math.max(r0 + 1, Math.floor((r + 1) * rows / H));
      for (let c = 0; c < W; c++) {
        const c0 = Math.floor(c * cols / W), c1 = Math.max(c0 + 1, Math.floor((c + 1) * cols / W));
        let v = 0;
        for (let i = r0; i < r1; i++) for (let j = c0; j < c1; j++) if (x[i * cols + j] > v) v = x[i * cols + j];
        px[r * W + c] = shades[1 + Math.round((level(v, f) - f.bottom) / (f.top - f.bottom) * (SHADES - 1))];
      }
    }
    ctx.putImageData(image, 0, 0);
    return canvas;
  }

  #key(pen, fr, f) {
    const t = pen.theme, k = t.k, w = 110 * k, x = fr.x1 - w - 20 * k, y = fr.H - 10 * k;
    pen.ramp(x, y, w, 6 * k, ramp(t), t.hair);
    pen.text(x - 6, fr.H - 3 * k, `importance   ${power(f.bottom)}`, { align: 'end' });
    pen.text(x + w + 6, fr.H - 3 * k, power(f.top));
    pen.text(0, fr.H - 3 * k, 'row: expert', { font: 'note' });
  }

  #point({ x, y }) {
    const fr = this.frame, d = this.data;
    if (!fr || x < fr.x0 || x >= fr.x1 || y < fr.y0 || y > fr.y1) return this.say('');
    const c = Math.max(0, Math.min(d.cols - 1, Math.floor(fr.vx(x)))), r = d.rows > 1 ? Math.max(0, Math.min(d.rows - 1, Math.floor(fr.vy(y)))) : 0;
    this.say(`${d.rows > 1 ? `expert ${count(r)}, ` : ''}column ${count(c)} · ${num(d.weights[r * d.cols + c])}`, x, y);
  }

  table() {
    const { weights, rows, cols } = this.data, many = rows > 1;
    const cell = (i, c) => (many ? [Math.floor(i / cols), i % cols, weights[i]] : [i, weights[i]])[c];
    return { columns: [...(many ? ['expert'] : []), 'column', 'importance'], rows: weights.length, cell };
  }
}

const times = v => (v < 10 ? num(v, 2) : num(Math.round(v)));

/** log₁₀ of a weight, within the axis. */
const level = (v, { bottom, top }) => (v > 0 ? Math.max(bottom, Math.min(top, Math.log10(v))) : bottom);

const power = e => (e === 0 ? '1' : e === 1 ? '10' : '10' + superscript(e));

/** Powers of ten as ticks, at most n of them. */
function powers({ bottom, top }, n) {
  const step = Math.max(1, Math.ceil((top - bottom) / n)), out = [];
  for (let e = top; e >= bottom; e -= step) out.push([e, power(e)]);
  return out;
}

const turned = p => { const o = []; for (let i = p.length - 2; i >= 0; i -= 2) o.push(p[i], p[i + 1]); return o; };

const ramp = t => [t.sunk, t.origFill, t.orig, t.origText];
