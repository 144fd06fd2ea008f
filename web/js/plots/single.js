/**
 * What the plots that stand alone have in common: they keep their data and
 * options, and draw once a frame.
 * @module
 */
import { coalesce, el, showTip } from './dom.js';
import { Figure } from './figure.js';
import { LineChart, Sheet } from './chart.js';
import { onTheme, retheme } from './theme.js';

/** A plot with data and options of its own. Subclasses give sentence, table and either spec (series) or picture (bare canvas). */
export class Single {
  /**
   * @param {HTMLElement} figure @param {*} data @param {object} opts
   * @param {string[]} [kinds] series, as LineChart has them; none for a bare canvas
   * @param {string} [keys] what the keyboard does
   */
  constructor(figure, data, opts, kinds = null, keys = '') {
    this.data = data; this.opts = opts; this.kinds = kinds; this.memo = {};
    this.schedule = coalesce(() => this.#frame());
    this.fig = new Figure(figure, {
      keys, onSize: () => this.schedule(), table: () => this.table(),
      paint: (pen, w, h) => { if (kinds) LineChart.paint(pen, this.spec(w, h), kinds, w, h); else this.picture(pen, w, h); },
    });
    this.surface = kinds ? new LineChart(this.fig.box, kinds) : new Sheet(this.fig.box);
    this.tip = el('div', { class: 'pl-tip', hidden: '', 'aria-hidden': 'true' });
    this.fig.box.append(this.tip);
    const again = () => this.schedule();
    addEventListener('dppxchange', again);
    this.off = [onTheme(again), () => removeEventListener('dppxchange', again)];
    this.schedule();
  }

  /** Shows other data; options given replace those of the same name. @param {*} data @param {object} [opts] */
  draw(data, opts = {}) {
    this.data = data;
    this.opts = { ...this.opts, ...opts };
    this.schedule();
  }

  /** Dims the plot while its data is being made anew. @param {boolean} on */
  dim(on) {
    this.fig.root.classList.toggle('pl-dim', on);
    this.fig.root.setAttribute('aria-busy', String(on));
  }

  /** Reads the size again. */
  resize() { this.fig.measure(); this.schedule(); }

  /** Reads the colours again. */
  retheme() { retheme(); }

  /** Takes the plot off the page. */
  destroy() {
    this.schedule.cancel();
    for (const f of this.off) f();
    this.surface.destroy();
    this.tip.remove();
    this.fig.destroy();
  }

  /** Pointer's place in the box. @param {PointerEvent} e */
  place(e) {
    const r = this.fig.box.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  }

  /** Shows a short text beside a place. @param {string} text @param {number} [x] @param {number} [y] */
  say(text, x = 0, y = 0) { showTip(this.tip, this.fig.w, text, x + 12, y - 28, 24); }

  #frame() {
    const { fig } = this, t = performance.now();
    fig.sentence(this.sentence());
    if (!fig.visible) return;
    if (this.kinds) this.surface.draw(this.spec(fig.w, fig.h), fig.w, fig.h);
    else this.surface.draw(fig.w, fig.h, pen => this.picture(pen, fig.w, fig.h));
    /** JavaScript time of the last draw, ms. */
    this.timing = performance.now() - t;
  }
}
