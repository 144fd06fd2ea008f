/**
 * The frame that all plots share: gutters, hairlines, ticks, and the marks
 * that mean the same everywhere (the divider, the opened weight).
 * @module
 */
import { niceTicks, tickText, tenTo, exponentOf } from './ticks.js';

/**
 * @typedef {object} Frame
 * @property {number} W @property {number} H of the box, CSS pixels
 * @property {number} x0 @property {number} x1 @property {number} y0 @property {number} y1 the plotting area
 * @property {(v: number) => number} X @property {(v: number) => number} Y @property {(v: number) => number} Y2 value to pixel
 * @property {(px: number) => number} vx @property {(px: number) => number} vy pixel to value
 */

/**
 * @param {number} W @param {number} H
 * @param {{pad: number[], x: number[], y: number[], y2?: number[]}} s pad is top, right, bottom, left
 * @returns {Frame}
 */
export function frameOf(W, H, { pad: [t, r, b, l], x, y, y2 }) {
  const x0 = l, x1 = Math.max(l + 1, W - r), y0 = t, y1 = Math.max(t + 1, H - b);
  const up = ([lo, hi]) => v => y1 - (v - lo) / (hi - lo) * (y1 - y0);
  return {
    W, H, x0, x1, y0, y1,
    X: v => x0 + (v - x[0]) / (x[1] - x[0]) * (x1 - x0),
    Y: up(y), Y2: up(y2 ?? y),
    vx: px => x[0] + (px - x0) / (x1 - x0) * (x[1] - x[0]),
    vy: py => y[0] + (y1 - py) / (y1 - y0) * (y[1] - y[0]),
  };
}

/** @typedef {[value: number, text: string]} Tick */

/**
 * Ticks with their texts, and the power of ten left out of them.
 * @param {number} lo @param {number} hi @param {number} n @returns {{ticks: Tick[], exp: number}}
 */
export function valueTicks(lo, hi, n) {
  const exp = exponentOf(Math.max(Math.abs(lo), Math.abs(hi))), { step, ticks } = niceTicks(lo, hi, n);
  return { ticks: ticks.map(v => [v, tickText(v, step, exp)]), exp };
}

/** An axis name with its unit: "x, 10⁻³". @param {string} name @param {number} exp @returns {string} */
export const withUnit = (name, exp) => (exp ? `${name}, ${tenTo(exp)}`.replace(/^, /, '') : name);

/**
 * Hairlines, base line and texts of a plot's axes.
 * @param {import('./pen.js').CanvasPen} pen @param {Frame} f
 * @param {{xt: Tick[], yt: Tick[], y2t?: Tick[], y: number[], xn?: string, yn?: string, rn?: string, bare?: boolean}} s
 *   xn, yn, rn: names under the left gutter, at the top left, at the top right; bare leaves the lines out
 */
export function drawAxes(pen, f, s) {
  const t = pen.theme, k = t.k, low = f.y1 + 14 * k;
  for (const [v, text] of s.yt) {
    const y = f.Y(v);
    if (y < f.y0 - 1 || y > f.y1 + 1) continue;
    if (!s.bare) pen.hair(f.x0, y, f.x1, y, { stroke: Math.abs(y - f.y1) < 0.5 ? t.line : t.hair });
    pen.text(f.x0 - 6, y + 4 * k, text, { align: 'end' });
  }
  if (!s.bare) pen.hair(f.x0, f.y1, f.x1, f.y1, { stroke: t.line });
  let free = s.xn ? pen.measure(s.xn) + 3 : -Infinity;
  for (const [v, text] of s.xt) {
    const x = f.X(v), w = pen.measure(text);
    if (x < f.x0 - 1 || x > f.x1 + 1) continue;
    if (!s.bare) pen.hair(x, f.y1, x, f.y1 + 3, { stroke: t.line });
    if (x - w / 2 < free) continue;
    pen.text(Math.min(x, f.W - w / 2), low, text, { align: 'middle' });
    free = x + w / 2 + 6;
  }
  if (s.xn) pen.text(0, low, s.xn);
  for (const [v, text] of s.y2t ?? []) pen.text(f.x1 + 4, f.Y2(v) + 4 * k, text, { fill: t.sideBText });
  if (s.rn) pen.text(Math.min(f.x1 + 6, f.W - pen.measure(s.rn) - 1), f.y0 + 4 * k, s.rn);
  if (s.yn) pen.text(0, 10 * k, s.yn, { font: 'note', halo: t.paper });
}

/** Where A ends and B begins. @param {object} pen @param {number} x @param {number} y0 @param {number} y1 */
export const drawSplit = (pen, x, y0, y1) => pen.hair(x, y0, x, y1, { stroke: pen.theme.ink });

/** The dotted line of the opened weight. */
export function drawCursor(pen, x1, y1, x2, y2) { pen.hair(x1, y1, x2, y2, { stroke: pen.theme.ink, dash: [2, 2] }); }

/** The opened weight. */
export const drawPick = (pen, x, y) => pen.dot(x, y, 4.5 * pen.theme.k, { fill: pen.theme.accent, stroke: pen.theme.ink, width: 1.5 });

/** A label with a halo that keeps inside the frame: to the right of x, or to the left where that has no room. */
export function drawLabel(pen, f, x, y, text, { side = 1, gap = 8, fill = pen.theme.ink, font = 'lab' } = {}) {
  const w = pen.measure(text, font);
  let right = side > 0;
  if (right && x + gap + w > f.x1) right = false;
  else if (!right && x - gap - w < f.x0 - 4) right = true;
  y = Math.max(f.y0 + 9 * pen.theme.k, Math.min(f.y1 - 3, y));
  pen.text(right ? x + gap : x - gap, y, text, { font, fill, align: right ? 'start' : 'end', halo: pen.theme.paper });
}
