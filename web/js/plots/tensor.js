/**
 * The six plots of Tensor, as one: drawn together once a frame, with one
 * divider, one opened weight and one pointer line for each column.
 * @module
 */
import { atOnce, coalesce, el, showTip } from './dom.js';
import { openedText } from './sentences.js';
import { together } from './figure.js';
import { main, settle } from './plot.js';
import { HistPlot } from './hist.js';
import { StairPlot } from './stair.js';
import { ErrPlot } from './err.js';
import { PlacePlot } from './place.js';
import { HeatPlot } from './heat.js';
import { onTheme, retheme } from './theme.js';

const MAKE = {
  hist: (h, f) => new HistPlot(h, f), stair: (h, f) => new StairPlot(h, f), err: (h, f) => new ErrPlot(h, f),
  scale: (h, f) => new PlacePlot(h, f, 'scale'), zero: (h, f) => new PlacePlot(h, f, 'zero'), heat: (h, f) => new HeatPlot(h, f),
};
const SHARED = [['hist', 'stair'], ['scale', 'zero', 'heat']]; // plots over the same x
const GRIP = 5;  // px on either side of the divider that take hold of it
const SWIPE = 8; // px that a finger moves sideways before it drags: before that it may be scrolling

/**
 * Makes the plots of a page's Tensor view. An analysis given to draw is not
 * changed afterwards: what has changed comes as a new one, which may share arrays.
 * @param {HTMLElement} root holds figures with data-plot="hist", "stair", "err", "scale", "zero", "heat"; any may be missing
 * @param {object} [on]
 * @param {(row: number, col: number) => void} [on.onPick] a weight was picked by its place
 * @param {(x: number) => void} [on.onPickValue] the weight nearest to a value was asked for
 * @param {(split: number) => void} [on.onSplit] the divider was dragged inside a plot; without it, it cannot be
 * @returns {TensorPlots}
 */
export function tensorPlots(root, on = {}) { return new TensorPlots(root, on); }

/** What tensorPlots makes. */
export class TensorPlots {
  constructor(root, on) {
    this.root = root; this.on = on; this.plots = {}; this.shown = null; this.hover = null; this.drag = null;
    /** JavaScript time of each plot's last draw, ms. */
    this.timing = {};
    this.schedule = coalesce(() => this.#frame());
    this.point = coalesce(() => this.#point());
    this.now = atOnce(() => { this.schedule.cancel(); this.#frame(); });
    for (const figure of root.querySelectorAll('figure[data-plot]')) {
      const name = figure.dataset.plot;
      if (MAKE[name] && !this.plots[name]) this.#add(name, MAKE[name](this, figure));
    }
    this.off = [onTheme(() => this.schedule())];
    const sharp = () => this.schedule();
    addEventListener('dppxchange', sharp);
    this.off.push(() => removeEventListener('dppxchange', sharp));
  }

  /**
   * Shows an analysis, or two. Draws at once, before the frame that it is waited for begins; of several
   * calls before that frame the last counts.
   * @param {?object} a null clears the plots @param {?object} [b] @param {{split?: number, show?: 'a'|'split'|'b'}} [view]
   */
  draw(a, b = null, view = {}) {
    this.shown = a ? settle(a, b, view) : null;
    this.now();
  }

  /** Dims the plots while what they show is being computed anew. @param {boolean} on */
  dim(on) {
    this.root.classList.toggle('pl-dim', on);
    this.root.setAttribute('aria-busy', String(on));
  }

  /** Reads the sizes again; plots notice most changes themselves. */
  resize() {
    for (const p of Object.values(this.plots)) p.fig.measure();
    this.schedule();
  }

  /** Reads the colours again; a change of data-theme or of the system's is noticed without. */
  retheme() { retheme(); }

  /** Some plots as SVG that names its colours. @param {string[]} names @returns {Promise<{name: string, svg: string}[]>} */
  async pictures(names) {
    const { themed } = await import('./data.js');
    return names.map(n => this.plots[n]).filter(p => p?.shown).map(({ fig }) => ({ name: fig.name, svg: themed(fig) }));
  }

  /** Takes the plots off the page. */
  destroy() {
    this.schedule.cancel();
    this.point.cancel();
    for (const f of this.off) f();
    for (const p of Object.values(this.plots)) { p.line.remove(); p.tip.remove(); p.destroy(); }
    this.plots = {};
  }

  #frame() {
    const s = this.shown;
    together(() => this.#draw(s));
    if (s && this.told) { this.told.fig.announce(openedText(main(s))); this.told = null; }
    if (this.hover) this.#point();
  }

  #draw(s) {
    for (const [name, p] of Object.entries(this.plots)) {
      if (s || p.shown) p.fig.box.classList.toggle('pl-none', !s);
      if (!s) { if (p.shown) p.clear(); continue; }
      const t = performance.now();
      p.draw(s);
      this.timing[name] = performance.now() - t;
    }
  }

  #add(name, p) {
    this.plots[name] = p;
    p.line = el('div', { class: 'pl-line', hidden: '', 'aria-hidden': 'true' });
    p.tip = el('div', { class: 'pl-tip', hidden: '', 'aria-hidden': 'true' });
    p.fig.box.append(p.line, p.tip);
    p.fig.on('pointermove', e => this.#move(name, p, e));
    p.fig.on('pointerleave', () => { this.hover = null; this.point(); });
    p.fig.on('pointerdown', e => this.#down(name, p, e));
    p.fig.on('pointerup', e => this.#up(p, e));
    p.fig.on('pointercancel', () => { this.drag = null; });
    p.fig.on('keydown', e => this.#key(name, p, e));
    p.fig.on('blur', () => { if ('reading' in p) { p.reading = null; this.hover = null; this.point(); } });
  }

  #place(p, e) {
    const r = p.fig.box.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  }

  #move(name, p, e) {
    if (!this.shown || !p.frame) return;
    const { x, y } = this.#place(p, e);
    this.hover = { name, x, y };
    const d = this.drag;
    if (d && !d.held) d.held = Math.abs(x - d.x) > SWIPE && Math.abs(x - d.x) > Math.abs(y - d.y);
    p.fig.box.classList.toggle('pl-grip', d ? d.what === 'split' : this.#onSplit(p, x));
    this.point();
  }

  #down(name, p, e) {
    if (e.button !== 0 || !this.shown || !p.frame) return;
    const { x, y } = this.#place(p, e), split = this.#onSplit(p, x);
    this.drag = { what: split ? 'split' : 'pick', x, y, held: split || e.pointerType !== 'touch' };
    this.last = '';
    this.hover = { name, x, y };
    p.fig.box.setPointerCapture(e.pointerId);
    if (this.drag.held) this.#act(p, x, y);
    this.point();
  }

  /** A tap of a finger picks when it ends, so that scrolling picks nothing. */
  #up(p, e) {
    const { x, y } = this.#place(p, e);
    if (this.drag && !this.drag.held) this.#act(p, x, y);
    this.drag = null;
    if (e.pointerType === 'touch') { this.hover = null; this.point(); }
  }

  #onSplit(p, x) {
    const f = p.frame, { split } = this.shown;
    return Boolean(this.on.onSplit) && split !== null && Math.abs(x - (f.x0 + split * (f.x1 - f.x0))) <= GRIP;
  }

  #act(p, x, y) {
    const f = p.frame;
    this.#pick(this.drag.what === 'split' ? { split: Math.max(0, Math.min(1, (x - f.x0) / (f.x1 - f.x0))) } : p.at(x, y));
  }

  #pick(to) {
    if (!to || JSON.stringify(to) === this.last) return;
    this.last = JSON.stringify(to);
    if (to.split !== undefined) this.on.onSplit(to.split);
    else if (to.value !== undefined) this.on.onPickValue?.(to.value);
    else if (to.row !== undefined) this.on.onPick?.(to.row, to.col);
  }

  #key(name, p, e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.shown) return;
    const to = p.key(e);
    if (!to) return;
    e.preventDefault();
    if (to.read !== undefined) {
      this.hover = { name, x: to.read, y: 0 };
      p.fig.announce(p.readout(to.read, 0));
      this.point();
    } else if (to.value !== undefined || to.row !== undefined) {
      this.last = '';
      this.told = p;
      this.#pick(to);
    }
  }

  /** Moves the pointer's line through the plots that share its x, and says what stands under it. */
  #point() {
    const h = this.hover, here = h && this.plots[h.name], f = here?.frame, inside = f && this.shown && h.x >= f.x0 && h.x <= f.x1;
    if (inside && this.drag?.held) this.#act(here, h.x, h.y);
    const mates = inside ? SHARED.find(g => g.includes(h.name)) ?? [h.name] : [];
    for (const [name, p] of Object.entries(this.plots)) {
      const on = mates.includes(name) && p.fig.visible;
      p.line.hidden = !on;
      if (on) {
        const g = p.frame;
        p.line.style.transform = `translate(${h.x.toFixed(1)}px, ${g.y0}px)`;
        p.line.style.height = g.y1 - g.y0 + 'px';
      }
      showTip(p.tip, p.fig.w, on && p === here ? p.readout(h.x, h.y) : '', h?.x + 8, f?.y1 - 1, 16);
    }
  }
}
