/**
 * Bits against error: one mark a format, its family by shape and colour, the
 * front of those that nothing beats as a line, the others hollow.
 * @module
 */
import { count, niceTicks, num, tickText } from './ticks.js';
import { pareto } from './shape.js';
import { along, placeLabels } from './labels.js';
import { frameOf } from './frame.js';
import { el } from './dom.js';
import { Single } from './single.js';
import { theme } from './theme.js';
import { SPREAD, whisker } from './whisker.js';

const FAMILIES = { affine: ['square', 'recon'], ggml: ['circle', 'orig'], codebook: ['triangle', 'sideB'], float: ['diamond', 'other'], method: ['wedge', 'ink'], acts: ['star', 'recon'] };
const REACH = 22;    // px from a mark that still mean it
const MOST = 9.2;    // bits: formats above are few, and would press the others together
const DB_A_BIT = 6.02;

/**
 * @typedef {{name: string, bits: number, sqnr?: number, y?: number, spread?: number, family: 'affine'|'ggml'|'codebook'|'float'|'method'|'acts'}} Point y where it is not SQNR; spread: a whisker up and down
 *
 * @typedef {object} ScatterOptions
 * @property {(name: string) => void} [onPick] @property {string} [current] name of the format that Tensor shows
 * @property {string} [yName] "SQNR, dB" @property {'high'|'low'} [better] @property {boolean} [log] y as powers of ten
 * @property {boolean} [guide] the dotted line of 6.02 dB a bit; on for SQNR
 */

/**
 * Draws formats as bits against error.
 * @param {HTMLElement} figure @param {Point[]} data @param {ScatterOptions} [opts]
 * @returns {Scatter} with draw, dim, resize, retheme, destroy
 */
export function scatter(figure, data, opts = {}) { return new Scatter(figure, data, opts); }

/** The outline of a family's mark. */
function outline(shape, x, y, r) {
  if (shape === 'square') { const a = 0.9 * r; return [x - a, y - a, x + a, y - a, x + a, y + a, x - a, y + a]; }
  if (shape === 'triangle') return [x, y - 1.2 * r, x + 1.1 * r, y + 0.8 * r, x - 1.1 * r, y + 0.8 * r];
  if (shape === 'wedge') return [x, y + 1.2 * r, x + 1.1 * r, y - 0.8 * r, x - 1.1 * r, y - 0.8 * r];
  if (shape === 'star') return Array.from({ length: 8 }, (_, i) => { const a = i * Math.PI / 4, d = (i % 2 ? 0.55 : 1.45) * r; return [x + d * Math.sin(a), y - d * Math.cos(a)]; }).flat();
  return [x, y - 1.25 * r, x + 1.25 * r, y, x, y + 1.25 * r, x - 1.25 * r, y];
}

function drawMark(pen, family, x, y, r, solid) {
  const t = pen.theme, [shape, tone] = FAMILIES[family] ?? FAMILIES.float;
  const style = solid ? { fill: t[tone], close: true } : { fill: t.paper, stroke: t[tone], width: 1.5, close: true };
  if (shape === 'circle') pen.dot(x, y, r, style); else pen.path(outline(shape, x, y, r), style);
}

/**
 * A family's mark for a list beside the plot.
 * @param {SVGElement} svg viewBox "-6 -6 12 12" @param {string} family
 */
export function familyMark(svg, family) {
  const [shape, tone] = FAMILIES[family] ?? FAMILIES.float, p = document.createElementNS(svg.namespaceURI, 'path'), o = outline(shape, 0, 0, 4.5);
  const d = shape === 'circle' ? 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z' : `M${o.map(v => v.toFixed(2)).join(' ')}Z`;
  p.setAttribute('d', d);
  p.setAttribute('class', 'pl-' + tone);
  svg.replaceChildren(p);
}

class Scatter extends Single {
  constructor(figure, data, opts) {
    super(figure, data, opts, ['line'], 'Left and right arrows go from format to format, Enter opens it in Tensor.');
    this.ring = el('div', { class: 'pl-ring', hidden: '', 'aria-hidden': 'true' });
    this.fig.box.append(this.ring);
    this.on = null;
    this.fig.on('pointermove', e => { const { x, y } = this.place(e); this.#point(this.#near(x, y)); });
    this.fig.on('pointerleave', () => this.#point(null));
    this.fig.on('blur', () => this.#point(null));
    this.fig.on('click', e => { const { x, y } = this.place(e), m = this.#near(x, y); if (m) this.opts.onPick?.(m.d.name); });
    this.fig.on('keydown', e => this.#key(e));
  }

  #points() {
    const { log } = this.opts, all = this.data ?? [], pts = [];
    const yOf = d => { const y = d.y ?? d.sqnr; return log ? Math.log10(y) : y; };
    const fits = all.filter(d => Number.isFinite(yOf(d)) && d.bits > 0), low = fits.filter(d => d.bits <= MOST);
    for (const d of low.length >= 0.6 * fits.length ? low : fits) pts.push({ d, x: d.bits, y: yOf(d) });
    const front = pareto(pts, (this.opts.better ?? 'high') === 'high');
    for (const i of front) pts[i].front = true;
    return { pts, front: front.map(i => pts[i]), left: all.length - pts.length };
  }

  sentence() {
    if (this.opts.sentence) return this.opts.sentence;
    const { pts, front } = this.#points();
    if (!pts.length) return 'No formats have been measured yet.';
    return `The line joins ${count(front.length)} of ${count(pts.length)} formats: nothing beats them at their size.`;
  }

  spec(w, h) {
    const t = theme(), k = t.k, { log } = this.opts, { pts, front, left } = this.#points(), xs = pts.map(p => p.x);
    const tops = pts.map(({ y, d }) => (d.spread ? (log ? Math.log10(d.y + d.spread) : y + d.spread) : y)), lows = pts.map(({ y, d }) => (log ? y : y - (d.spread ?? 0)));
    const x = pts.length ? [Math.max(0, Math.floor(Math.min(...xs) - 0.3)), Math.max(...xs) + 0.7] : [1, MOST];
    const high = Math.max(...tops, log ? -Infinity : 1), low = Math.min(...lows, log ? Infinity : 0), g = niceTicks(low, high, 6), step = g.step || 1;
    const y = pts.length ? [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step * 1.02) * step] : [0, 1], yt = niceTicks(...y, 8);
    const line = { ys: Float64Array.from(front, p => p.y), stroke: t.ink, width: 1.25 };
    const spec = {
      pad: [22 * k, 12, 18 * k, t.axis], x, y, xs: Float64Array.from(front, p => p.x), cols: [front.length > 1 ? line : null],
      xt: niceTicks(...x, Math.max(4, Math.floor(w / (56 * k)))).ticks.map(v => [v, tickText(v, 1)]), xn: 'bits',
      yt: yt.ticks.map(v => [v, log ? num(10 ** v, 2).replace(/^1(\.0)? × /, '') : tickText(v, yt.step)]), yn: this.opts.yName ?? 'SQNR, dB',
      under: (pen, f) => this.#guide(pen, f, x), over: (pen, f) => { this.#whiskers(pen, f); this.#marks(pen); },
    };
    this.#layout(spec, w, h, pts, front, left);
    return spec;
  }

  #guide(pen, f, x) {
    const [y0, y1] = x.map(v => DB_A_BIT * v), style = { stroke: pen.theme.line, dash: [1, 3] };
    if (this.#guided()) pen.clip(f.x0, f.y0, f.x1 - f.x0, f.y1 - f.y0, () => pen.line(f.X(x[0]), f.Y(y0), f.X(x[1]), f.Y(y1), style));
    for (const n of this.notes) pen.text(n.x, n.y + 10 * pen.theme.k, n.say, { halo: pen.theme.paper });
  }

  /** Short texts in the plot that labels keep clear of. */
  #notes(f, x, y, left, measure) {
    const k = theme().k, out = [];
    const add = (say, end, base) => { const w = measure(say, 'tick'); out.push({ say, x: end - w, y: base - 10 * k, w, h: 13 * k }); };
    if (this.#guided()) {
      const at = Math.min(x[1], y[1] / DB_A_BIT) * 0.8;
      add(f.W < 520 * k ? '6 dB a bit' : 'dotted: 6.02 dB a bit', f.X(at) - 14, f.Y(DB_A_BIT * at));
    }
    if (left) add(`${count(left)} more in the data`, f.x1, f.y1 - 6 * k);
    return out;
  }

  #guided() { return Boolean((this.opts.guide ?? !this.opts.yName) && !this.opts.log); }

  /** Settles where marks and labels stand, for drawing and for the pointer. */
  #layout(spec, w, h, pts, front, left) {
    const t = theme(), k = t.k, f = frameOf(w, h, spec), ruler = this.ruler ??= document.createElement('canvas').getContext('2d');
    const measure = (s, font) => { ruler.font = t.fonts[font]; return ruler.measureText(s).width; };
    const marks = pts.map(p => {
      const now = p.d.name === this.opts.current, strong = p.front || now, font = strong ? 'lab' : 'tick';
      const name = now ? `${p.d.name}, in Tensor now` : p.d.name, label = { name, font, w: measure(name, font) + 2, h: 13 * k };
      return { ...p, ...label, now, strong, x: f.X(p.x), y: f.Y(p.y), r: now ? 12 : p.front ? 5 : 4, above: p.front && !now, must: now };
    });
    const order = [...marks].sort((a, b) => b.now - a.now || (b.front ?? false) - (a.front ?? false) || a.y - b.y);
    this.notes = this.#notes(f, spec.x, spec.y, left, measure);
    const line = along(front.map(p => [f.X(p.x), f.Y(p.y)]));
    const bounds = { x: f.x0 + 2, y: f.y0 - 6, w: f.x1 - f.x0 + 8, h: f.y1 - f.y0 + 4 }, boxes = placeLabels(order, bounds, this.notes, line);
    order.forEach((m, i) => { m.box = boxes[i]; });
    this.marks = marks;
  }

  /** Of marks on the line in ink, of others faint. */
  #whiskers(pen, f) {
    const t = pen.theme, Y = v => f.Y(this.opts.log ? Math.log10(v) : v), low = this.opts.log ? 0 : -Infinity;
    for (const { d, x, front } of this.marks) {
      if (!d.spread) continue;
      const top = Y(d.y + d.spread), y = d.y - d.spread, bottom = y > low && Y(y) <= f.y1 ? Y(y) : f.y1;
      whisker(pen, top, bottom, x, 3, true, front ? { stroke: t.ink, width: 1.25 } : { stroke: t.line }, bottom < f.y1 ? [top, bottom] : [top]);
    }
  }

  #marks(pen) {
    const t = pen.theme, k = t.k;
    const order = [...this.marks].sort((a, b) => (a.front ?? false) - (b.front ?? false) || a.now - b.now);
    for (const m of order) drawMark(pen, m.d.family, m.x, m.y, m.front ? 5 : 4, m.front);
    for (const m of order) {
      if (m.now) { pen.dot(m.x, m.y, 9, { stroke: t.ink, width: 1.5 }); pen.dot(m.x, m.y, 11, { stroke: t.accent, width: 2.5 }); }
      if (m.box) pen.text(m.box.x + 1, m.box.y + 10 * k, m.name, { font: m.font, fill: m.strong ? t.ink : t.muted, halo: t.paper });
    }
  }

  #near(x, y) {
    let best = null, far = REACH;
    for (const m of this.marks ?? []) { const d = Math.hypot(m.x - x, m.y - y); if (d < far) { far = d; best = m; } }
    return best;
  }

  #point(m) {
    this.on = m?.d.name ?? null;
    this.fig.box.classList.toggle('pl-hand', Boolean(m && this.opts.onPick));
    this.ring.hidden = !m;
    if (m) this.ring.style.transform = `translate(${(m.x - 10).toFixed(1)}px, ${(m.y - 10).toFixed(1)}px)`;
    this.say(m ? this.#text(m) : '', m?.x, m?.y);
  }

  #text({ d, front }) {
    return `${d.name}: ${+d.bits.toFixed(2)} bits, ${num(d.y ?? d.sqnr)}${d.spread ? ` ± ${num(d.spread, 2)}` : ''}${this.opts.yName ? '' : ' dB'}${front ? ', on the line' : ''}`;
  }

  #key(e) {
    const dir = { ArrowLeft: -1, ArrowUp: 1, ArrowRight: 1, ArrowDown: -1 }[e.key];
    const order = [...(this.marks ?? [])].sort((a, b) => a.x - b.x || b.y - a.y);
    if (e.key === 'Enter' && this.on) { e.preventDefault(); this.opts.onPick?.(this.on); return; }
    if (!dir || !order.length || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const from = order.findIndex(m => m.d.name === (this.on ?? this.opts.current));
    const to = from < 0 ? 0 : Math.max(0, Math.min(order.length - 1, from + dir));
    this.#point(order[to]);
    this.fig.announce(this.#text(order[to]));
  }

  table() {
    const on = new Set(this.#points().front.map(p => p.d)), rows = [...(this.data ?? [])].sort((a, b) => a.bits - b.bits);
    const some = rows.some(d => d.spread);
    const cell = (r, c) => { const d = rows[r]; return [d.name, d.family, d.bits, d.y ?? d.sqnr ?? null, on.has(d) ? 'yes' : 'no', d.spread ?? null][c]; };
    return { columns: ['format', 'family', 'bits', this.opts.yName ?? 'SQNR, dB', 'on the line', ...(some ? [SPREAD] : [])], rows: rows.length, cell };
  }

  destroy() { this.ring.remove(); super.destroy(); }
}
