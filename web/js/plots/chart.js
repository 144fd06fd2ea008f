/**
 * The two surfaces that plots are drawn on: LineChart holds a uPlot, which
 * keeps the scales and draws the series; Sheet is a bare canvas. Both draw
 * everything else with a pen, and both can repeat themselves on another pen.
 * @module
 */
import uPlot from '../../vendor/uPlot.esm.js';
import { CanvasPen } from './pen.js';
import { theme } from './theme.js';
import { drawAxes, frameOf } from './frame.js';

/**
 * @typedef {object} Series one frame's state of a series
 * @property {ArrayLike<number>} [ys] of a step or line @property {ArrayLike<number>} [lo] @property {ArrayLike<number>} [hi] of a band
 * @property {string} [stroke] @property {string} [fill] @property {number} [width] @property {number[]} [dash]
 * @property {'a'|'b'} [side] which side of the divider it keeps to
 *
 * @typedef {object} Spec what a frame shows
 * @property {number[]} pad @property {number[]} x @property {number[]} y @property {number[]} [y2]
 * @property {ArrayLike<number>} xs rising @property {(Series|null)[]} cols one for each kind that the chart was made with
 * @property {?number} [split] fraction of the width that is A; null for no divider
 * @property {(pen: object, f: import('./frame.js').Frame) => void} [under] before the series
 * @property {(pen: object, f: import('./frame.js').Frame) => void} [over] after them
 */

const stepped = uPlot.paths.stepped({ align: 1 }), linear = uPlot.paths.linear();

/** A plot of series over one rising x. */
export class LineChart {
  /** @param {HTMLElement} box @param {('step'|'line'|'band'|'step2'|'line2'|'band2')[]} kinds 2 for those on the right axis */
  constructor(box, kinds) { this.box = box; this.kinds = kinds; this.u = null; this.spec = null; this.frame = null; }

  /** Draws a frame, at once. @param {Spec} spec @param {number} w @param {number} h */
  draw(spec, w, h) {
    this.spec = spec;
    this.frame = frameOf(w, h, spec);
    const data = [spec.xs, ...spec.cols.map(c => c?.ys ?? c?.hi ?? spec.xs)];
    if (!this.u) { this.#make(data, w, h); return; }
    const u = this.u;
    u.batch(() => {
      if (u.width !== w || u.height !== h || this.pad !== String(spec.pad)) { this.pad = String(spec.pad); u.setSize({ width: w, height: h }); }
      u.setData(data, false);
      this.#scales(u);
    });
  }

  /** The same frame with another pen. @param {object} pen @param {Spec} spec @param {number} w @param {number} h */
  static paint(pen, spec, kinds, w, h) {
    const f = frameOf(w, h, spec), xs = spec.xs;
    drawAxes(pen, f, spec);
    spec.under?.(pen, f);
    spec.cols.forEach((c, i) => {
      if (!c || !xs.length) return;
      const [a, b] = sides(spec, c, f), Y = kinds[i].endsWith('2') ? f.Y2 : f.Y, step = !kinds[i].startsWith('line');
      pen.clip(a, f.y0 - 1, b - a, f.y1 - f.y0 + 2, () => {
        const p = trace(xs, c.hi ?? c.ys, f.X, Y, step);
        if (c.hi) { pen.path([...p, ...back(trace(xs, c.lo, f.X, Y, true))], { fill: c.fill, close: true }); return; }
        if (c.fill) pen.path([p[0], Y(0), ...p, p[p.length - 2], Y(0)], { fill: c.fill, close: true });
        if (c.stroke) pen.path(p, { stroke: c.stroke, width: c.width ?? 1.75, dash: c.dash });
      });
    });
    spec.over?.(pen, f);
  }

  destroy() { this.u?.destroy(); this.u = null; }

  #make(data, w, h) {
    const at = i => this.spec.cols[i - 1], pad = i => () => this.spec.pad[i], bound = k => () => this.spec[k] ?? this.spec.y;
    this.pad = String(this.spec.pad);
    this.u = new uPlot({
      width: w, height: h, padding: [pad(0), pad(1), pad(2), pad(3)],
      legend: { show: false }, cursor: { show: false }, select: { show: false }, axes: [{ show: false }, { show: false }],
      scales: { x: { time: false, auto: false, range: bound('x') }, y: { auto: false, range: bound('y') }, y2: { auto: false, range: bound('y2') } },
      series: [{}, ...this.kinds.map(kind => ({
        scale: kind.endsWith('2') ? 'y2' : 'y', spanGaps: true, points: { show: false }, width: 1.75,
        stroke: (u, i) => at(i)?.stroke ?? null, fill: (u, i) => at(i)?.fill ?? null,
        paths: (u, i, i0, i1) => this.#paths(u, i, i0, i1, kind),
      }))],
      hooks: {
        drawClear: [u => this.#pen(u, (pen, f) => { drawAxes(pen, f, this.spec); this.spec.under?.(pen, f); })],
        draw: [u => this.#pen(u, (pen, f) => this.spec.over?.(pen, f))],
      },
    }, data, this.box);
    this.u.root.setAttribute('aria-hidden', 'true');
    this.u.batch(() => this.#scales(this.u));
  }

  #scales(u) {
    const { x, y, y2 = y } = this.spec;
    u.setScale('x', { min: x[0], max: x[1] });
    u.setScale('y', { min: y[0], max: y[1] });
    u.setScale('y2', { min: y2[0], max: y2[1] });
  }

  #pen(u, draw) {
    const pen = new CanvasPen(u.ctx, uPlot.pxRatio, theme());
    pen.begin();
    draw(pen, this.frame);
    pen.end();
  }

  #paths(u, i, i0, i1, kind) {
    const c = this.spec.cols[i - 1], d = uPlot.pxRatio, s = u.series[i], f = this.frame;
    if (!c || i1 == null || !this.spec.xs.length) return null;
    s.width = c.width ?? 1.75;
    s.dash = c.dash?.map(v => v * d);
    const p = c.hi ? this.#band(u, c, s.scale) : (kind.startsWith('step') ? stepped : linear)(u, i, i0, i1);
    if (p && c.side && this.spec.split != null) {
      const [a, b] = sides(this.spec, c, f);
      p.clip = new Path2D();
      p.clip.rect(a * d, 0, (b - a) * d, f.H * d);
    }
    return p;
  }

  #band(u, c, scale) {
    const fill = new Path2D(), xs = this.spec.xs, n = xs.length;
    const px = Float64Array.from(xs, v => u.valToPos(v, 'x', true)), Y = v => u.valToPos(v, scale, true);
    for (let i = 0; i < n; i++) { const y = Y(c.hi[i]); if (i) fill.lineTo(px[i], Y(c.hi[i - 1])); fill[i ? 'lineTo' : 'moveTo'](px[i], y); }
    for (let i = n - 1; i >= 0; i--) { fill.lineTo(px[i], Y(c.lo[i])); if (i) fill.lineTo(px[i], Y(c.lo[i - 1])); }
    return { stroke: null, fill, clip: null, flags: 0 };
  }
}

function sides(spec, c, f) {
  if (!c.side || spec.split == null) return [f.x0 - 1, f.x1 + 1];
  const x = f.x0 + spec.split * (f.x1 - f.x0);
  return c.side === 'a' ? [f.x0 - 1, x] : [x, f.x1 + 1];
}

function trace(xs, ys, X, Y, step) {
  const p = [];
  for (let i = 0; i < xs.length; i++) { const x = X(xs[i]), y = Y(ys[i]); if (step && i) p.push(x, p[p.length - 1]); p.push(x, y); }
  return p;
}

const back = p => { const o = []; for (let i = p.length - 2; i >= 0; i -= 2) o.push(p[i], p[i + 1]); return o; };

/** A canvas that fills its box, sharp on any screen. */
export class Sheet {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'pl-sheet';
    this.canvas.setAttribute('aria-hidden', 'true');
    box.append(this.canvas);
    this.ctx = this.canvas.getContext('2d');
  }

  /** Clears and draws. @param {number} w @param {number} h @param {(pen: CanvasPen) => void} paint */
  draw(w, h, paint) {
    const d = devicePixelRatio || 1, cw = Math.round(w * d), ch = Math.round(h * d);
    if (this.canvas.width !== cw || this.canvas.height !== ch) {
      this.canvas.width = cw; this.canvas.height = ch;
      this.canvas.style.width = w + 'px'; this.canvas.style.height = h + 'px';
    } else this.ctx.clearRect(0, 0, cw, ch);
    const pen = new CanvasPen(this.ctx, d, theme());
    pen.begin();
    paint(pen);
    pen.end();
  }

  destroy() { this.canvas.remove(); }
}
