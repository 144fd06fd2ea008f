/**
 * What a model loses at each size: the least there is as a line, recipes as
 * marks above it, and the mix that is chosen on it.
 * @module
 */
import { num, niceTicks, tenTo, tickText } from './ticks.js';
import { along, placeLabels } from './labels.js';
import { drawCursor, drawPick, frameOf } from './frame.js';
import { Single } from './single.js';
import { theme } from './theme.js';

const REACH = 22;
const DECADES = 5; // below the largest loss

/**
 * @typedef {{name: string, x: number, y: number}} Recipe
 * @typedef {object} FrontData
 * @property {[x: number, y: number][]} curve sizes rise, losses fall @property {Recipe[]} recipes
 * @property {?{x: number, y: number}} mix that is chosen
 * @typedef {{yName: string, sentence: string, onPick?: (name: string) => void}} FrontOptions
 */

/**
 * Draws sizes against losses.
 * @param {HTMLElement} figure @param {FrontData} data @param {FrontOptions} opts
 * @returns {Front} with draw, dim, resize, retheme, destroy
 */
export function front(figure, data, opts) { return new Front(figure, data, opts); }

class Front extends Single {
  constructor(figure, data, opts) {
    super(figure, data, opts, ['line'], 'Left and right arrows go from recipe to recipe, Enter chooses it.');
    this.on = null;
    this.fig.on('pointermove', e => { const { x, y } = this.place(e); this.#point(this.#near(x, y)); });
    this.fig.on('pointerleave', () => this.#point(null));
    this.fig.on('blur', () => this.#point(null));
    this.fig.on('click', e => { const { x, y } = this.place(e), m = this.#near(x, y); if (m) this.opts.onPick?.(m.name); });
    this.fig.on('keydown', e => this.#key(e));
  }

  sentence() { return this.opts.sentence; }

  /** Points with logarithms; a loss of nothing is not drawn. */
  #points() {
    const { curve, recipes } = this.data, most = Math.max(1e-300, ...curve.map(p => p[1]), ...recipes.map(p => p.y));
    const shown = y => y > most * 10 ** -DECADES;
    return { line: curve.filter(p => shown(p[1])).map(([x, y]) => [x, Math.log10(y)]), marks: recipes.filter(p => shown(p.y)).map(p => ({ ...p, at: Math.log10(p.y) })) };
  }

  spec(w, h) {
    const t = theme(), k = t.k, { line, marks } = this.#points(), all = [...line.map(p => p[1]), ...marks.map(m => m.at)], xs = [...line.map(p => p[0]), ...marks.map(m => m.x), ...(this.data.mix ? [this.data.mix.x] : [])];
    const lo = Math.min(...all), hi = Math.max(...all), room = 0.06 * (hi - lo || 1), x0 = Math.min(...xs), x1 = Math.max(...xs), side = 0.03 * (x1 - x0 || 1);
    const x = all.length ? [Math.max(0, x0 - side), x1 + side] : [0, 1], y = all.length ? [lo - room, hi + room] : [0, 1];
    const xt = niceTicks(...x, Math.max(3, Math.floor(w / (64 * k))));
    let yt = niceTicks(...y, Math.max(3, Math.floor(h / (34 * k)))).ticks;
    const whole = yt.filter(v => Number.isInteger(v));
    if (whole.length >= 3) yt = whole;
    const spec = {
      pad: [22 * k, 14, 18 * k, t.axis], x, y, xs: Float64Array.from(line, p => p[0]), cols: [line.length > 1 ? { ys: Float64Array.from(line, p => p[1]), stroke: t.ink, width: 1.25 } : null],
      xt: xt.ticks.map(v => [v, tickText(v, xt.step)]), xn: 'MiB', yt: yt.map(v => [v, v < -2 && Number.isInteger(v) ? tenTo(v) : num(10 ** v, 2)]), yn: this.opts.yName,
      over: (pen, f) => this.#over(pen, f),
    };
    this.#layout(spec, w, h, line, marks);
    return spec;
  }

  #layout(spec, w, h, line, marks) {
    const t = theme(), k = t.k, f = frameOf(w, h, spec), ruler = this.ruler ??= document.createElement('canvas').getContext('2d');
    ruler.font = t.fonts.tick;
    const first = m => m.name === 'Q4_K_M' || m.name === 'Q5_K_M';
    this.marks = marks.map(m => ({ ...m, loss: m.y, x: f.X(m.x), size: m.x, y: f.Y(m.at), r: 4, must: first(m), w: ruler.measureText(m.name).width + 2, h: 13 * k }));
    const order = [...this.marks].sort((a, b) => b.must - a.must || a.x - b.x), path = line.map(([x, y]) => [f.X(x), f.Y(y)]), { mix } = this.data;
    const taken = mix && mix.y > 0 ? [{ x: f.X(mix.x) - 7, y: f.Y(Math.log10(mix.y)) - 7, w: 14, h: 14 }] : [];
    const boxes = placeLabels(order, { x: f.x0 + 2, y: f.y0 - 4, w: f.x1 - f.x0 + 8, h: f.y1 - f.y0 + 2 }, taken, along(path));
    order.forEach((m, i) => { m.box = boxes[i]; });
  }

  #over(pen, f) {
    const t = pen.theme, k = t.k, { mix } = this.data;
    for (const m of this.marks) pen.dot(m.x, m.y, 4, { fill: t.paper, stroke: t.orig, width: 1.5 });
    for (const m of this.marks) if (m.box) pen.text(m.box.x + 1, m.box.y + 10 * k, m.name, { font: 'tick', fill: m.must ? t.ink : t.muted, halo: t.paper });
    if (!mix) return;
    const x = f.X(mix.x);
    drawCursor(pen, x, f.y0, x, f.y1);
    if (mix.y > 0) drawPick(pen, x, Math.min(f.y1, f.Y(Math.log10(mix.y))));
  }

  #near(x, y) {
    let best = null, far = REACH;
    for (const m of this.marks ?? []) { const d = Math.hypot(m.x - x, m.y - y); if (d < far) { far = d; best = m; } }
    return best;
  }

  #point(m) {
    this.on = m?.name ?? null;
    this.fig.box.classList.toggle('pl-hand', Boolean(m));
    this.say(m ? this.#text(m) : '', m?.x, m?.y);
  }

  #text(m) { return `${m.name}: ${m.size.toFixed(2)} MiB, ${num(m.loss)}`; }

  #key(e) {
    const dir = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key], order = [...(this.marks ?? [])].sort((a, b) => a.x - b.x);
    if (e.key === 'Enter' && this.on) { e.preventDefault(); this.opts.onPick?.(this.on); return; }
    if (!dir || !order.length || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const from = order.findIndex(m => m.name === this.on), to = from < 0 ? (dir > 0 ? 0 : order.length - 1) : Math.max(0, Math.min(order.length - 1, from + dir));
    this.#point(order[to]);
    this.fig.announce(this.#text(order[to]));
  }

  table() {
    const { curve, recipes, mix } = this.data, rows = [...recipes.map(r => [r.name, r.x, r.y]), ...(mix ? [['chosen mix', mix.x, mix.y]] : []), ...curve.map(([x, y]) => ['best mix', x, y])];
    return { columns: ['what', 'MiB', this.opts.yName], rows: rows.length, cell: (r, c) => rows[r][c] };
  }
}
