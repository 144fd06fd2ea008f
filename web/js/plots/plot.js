/**
 * What the six plots of Tensor have in common.
 * @module
 */
import { Figure } from './figure.js';
import { LineChart } from './chart.js';

/**
 * @typedef {object} Shown the analyses as they are shown
 * @property {object} a @property {?object} b
 * @property {'a'|'split'|'b'} show @property {?number} split fraction of the width that is A; null where one side fills it
 */

/** Settles what is shown: without B it is A. @param {object} a @param {?object} b @param {{split?: number, show?: string}} [view] @returns {Shown} */
export function settle(a, b, view = {}) {
  const show = b ? view.show ?? 'split' : 'a', f = Number(view.split ?? 0.5);
  return { a, b: b ?? null, show, split: show === 'split' ? Math.max(0, Math.min(1, Number.isFinite(f) ? f : 0.5)) : null };
}

/** The side that a fraction of the width belongs to. @param {Shown} s @param {number} f @returns {'a'|'b'} */
export const sideAt = (s, f) => (s.split === null ? (s.show === 'b' ? 'b' : 'a') : f < s.split ? 'a' : 'b');

/** The analysis that speaks for the whole plot. @param {Shown} s */
export const main = s => (s.show === 'b' ? s.b : s.a);

/** The parts of the width with whose they are. @param {Shown} s @param {import('./frame.js').Frame} f */
export function regions(s, f) {
  if (s.split === null) return [{ side: s.show === 'b' ? 'b' : 'a', an: main(s), x0: f.x0, x1: f.x1 }];
  const x = f.x0 + s.split * (f.x1 - f.x0);
  return [{ side: 'a', an: s.a, x0: f.x0, x1: x }, { side: 'b', an: s.b, x0: x, x1: f.x1 }];
}

/** Colours of a side. @param {import('./theme.js').Theme} t @param {'a'|'b'} side */
export function tone(t, side) {
  if (side === 'b') return { line: t.sideB, text: t.sideBText, fill: t.sideBBand, dash: [5, 2] };
  return { line: t.recon, text: t.reconText, fill: t.reconFill, dash: undefined };
}

/** A plot of series; the others override what they need. */
export class Plot {
  /**
   * @param {{schedule: () => void}} host @param {HTMLElement} root figure
   * @param {string[]} kinds as LineChart has them @param {string} keys what the keyboard does
   */
  constructor(host, root, kinds, keys) {
    this.host = host; this.kinds = kinds; this.shown = null; this.memo = {};
    this.fig = new Figure(root, {
      keys, onSize: () => host.schedule(),
      table: () => (this.shown ? this.table(this.shown) : null),
      paint: (pen, w, h) => { if (this.shown) this.paint(pen, w, h); },
    });
    this.chart = kinds.length ? new LineChart(this.fig.box, kinds) : null;
  }

  /** Draws what is shown now. @param {Shown} s */
  draw(s) {
    this.shown = s;
    const { fig } = this;
    if (!fig.visible) return;
    const spec = this.build(s, fig.w, fig.h);
    this.chart.draw(spec, fig.w, fig.h);
    fig.sentence(spec.sentence);
  }

  /** Forgets what was shown; the sentence is again the page's own. */
  clear() {
    this.shown = null;
    this.fig.reset();
  }

  paint(pen, w, h) { LineChart.paint(pen, this.build(this.shown, w, h), this.kinds, w, h); }

  /** The frame on screen. @returns {?import('./frame.js').Frame} */
  get frame() { return this.chart?.frame ?? null; }

  /** The axis's lower and upper end, which change no more often than they must. */
  steady(key, next) { return (this.memo[key] = next(this.memo[key])); }

  destroy() { this.chart?.destroy(); this.fig.destroy(); }
}
