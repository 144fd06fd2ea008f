/**
 * What the plots of the left column share: all stand over values.
 * @module
 */
import { nearest } from './shape.js';
import { valueTicks } from './frame.js';
import { main, Plot } from './plot.js';

/** The range of values that the column shows; never empty. @param {object} an @returns {[number, number]} */
export function valueRange(an) {
  const { lo, hi } = an.meta.hist;
  if (!Number.isFinite(lo) || !Number.isFinite(hi)) return [-1, 1];
  if (hi > lo) return [lo, hi];
  const d = Math.abs(lo) * 0.5 || 1;
  return [lo - d, lo + d];
}

/** The largest of some counts. @param {ArrayLike<number>} ys @returns {number} */
export function peakOf(ys) {
  let m = 0;
  for (let i = 0; i < ys.length; i++) if (ys[i] > m) m = ys[i];
  return m;
}

/**
 * The first bin edge from the left (dir 1) or right (−1) where the counts
 * reach a share of their peak: a label beside it hides nothing.
 * @param {ArrayLike<number>} ys stepped, the last repeated @param {number} [dir] @param {number} [share] @returns {number} index
 */
export function shoulder(ys, dir = 1, share = 0.62) {
  const p = share * peakOf(ys), n = ys.length - 1;
  for (let i = 0; i < n; i++) {
    const j = dir > 0 ? i : n - 1 - i;
    if (ys[j] >= p) return dir > 0 ? j : j + 1;
  }
  return 0;
}

/** Ticks of the shared axis. @param {[number, number]} range @param {number} w @param {number} k */
export const xTicks = (range, w, k) => valueTicks(...range, Math.max(4, Math.floor((w - 52 * k) / (64 * k))));

/** Keeps a pixel inside the plotting area. @param {import('./frame.js').Frame} f @param {number} px */
export const inside = (f, px) => Math.max(f.x0, Math.min(f.x1, px));

/** A plot where a place means a value: a press picks the weight nearest to it. */
export class ValuePlot extends Plot {
  constructor(host, root, kinds) {
    super(host, root, kinds, 'Left and right arrows go to a weight at the neighbouring level.');
  }

  /** What a press picks. @param {number} px @returns {?{value: number}} */
  at(px) {
    const f = this.frame;
    return f ? { value: f.vx(inside(f, px)) } : null;
  }

  /** What a key picks: null for another key, nothing at the last level. @param {KeyboardEvent} e @returns {?{value?: number}} */
  key(e) {
    const dir = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
    const an = dir && this.shown ? main(this.shown) : null, o = an?.meta.opened;
    if (!o) return null;
    const levels = an.arrays.levels ?? [], { lo, hi, bins } = an.meta.hist;
    if (!levels.length) return { value: o.x + dir * (hi - lo) / (bins || 1) };
    const i = nearest(levels, o.xhat) + dir;
    return i < 0 || i >= levels.length ? {} : { value: levels[i] };
  }
}
