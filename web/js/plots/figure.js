/**
 * What every figure has besides its picture: a name, a sentence, a box that
 * takes the keyboard, news for those who hear it, its size, and its data.
 * @module
 */
import { el, plain, setRich } from './dom.js';

let ids = 0;
const LIVE_MS = 500;

let held = null; // what is to be written when all is drawn

const write = f => (held ? held.push(f) : f());

/** Draws several figures: what they say is written after. Text on a canvas has the document's style computed anew after each change of it. @param {() => void} draw */
export function together(draw) {
  held = [];
  try { draw(); } finally {
    const writes = held;
    held = null;
    for (const f of writes) f();
  }
}

/** A figure of the page, made to work. */
export class Figure {
  /**
   * @param {HTMLElement} root the <figure>: a figcaption with <b>, [data-sentence] and [data-data], and a .cv box
   * @param {object} o
   * @param {string} [o.keys] what the keyboard does here, for the box's description; none: the box takes no focus
   * @param {() => ?import('./table.js').Table} o.table the numbers that are shown now
   * @param {(pen: object, w: number, h: number) => void} o.paint draws the plot again with another pen
   * @param {() => void} o.onSize called when the box has another size
   */
  constructor(root, o) {
    this.root = root; this.o = o; this.w = 0; this.h = 0; this.said = null;
    this.box = root.querySelector('.cv');
    this.nameEl = root.querySelector('figcaption b');
    this.name = this.nameEl?.textContent.trim() ?? 'Plot';
    this.sentenceEl = root.querySelector('[data-sentence]');
    this.button = root.querySelector('[data-data]');
    this.own = [...(this.sentenceEl?.childNodes ?? [])];
    this.off = new AbortController();
    this.#wire();
    this.watch = new ResizeObserver(() => { if (this.measure()) o.onSize(); });
    this.watch.observe(this.box);
    this.measure();
  }

  /** Reads the box's size. @returns {boolean} whether it changed */
  measure() {
    const w = this.box.clientWidth, h = this.box.clientHeight, same = w === this.w && h === this.h;
    this.w = w; this.h = h;
    return !same;
  }

  /** Whether there is room to draw: not in a hidden view. */
  get visible() { return this.w > 80 && this.h > 24; }

  /** @param {string} s with _variables_ */
  sentence(s) {
    if (s === this.said) return;
    this.said = s;
    if (this.sentenceEl) write(() => { setRich(this.sentenceEl, s); this.sentenceEl.title = plain(s); });
  }

  /** Brings back the sentence that the page came with. */
  reset() {
    this.said = null;
    this.sentenceEl?.replaceChildren(...this.own);
    this.sentenceEl?.removeAttribute('title');
  }

  /** Says something politely, the newest at most twice a second. @param {string} s */
  announce(s) {
    this.pending = s;
    if (this.timer) return;
    const say = () => {
      this.live.textContent = this.pending;
      this.pending = null;
      this.timer = setTimeout(() => { this.timer = 0; if (this.pending != null) say(); }, LIVE_MS);
    };
    this.timer = setTimeout(say, 50);
  }

  /** Listens on the box until the figure is destroyed. */
  on(type, f, opts = {}) { this.box.addEventListener(type, f, { signal: this.off.signal, ...opts }); }

  destroy() { this.off.abort(); this.watch.disconnect(); clearTimeout(this.timer); this.live.remove(); this.reset(); }

  #wire() {
    const { root, box, o } = this;
    if (this.nameEl) {
      this.nameEl.id ||= 'plot-' + ++ids;
      if (!root.hasAttribute('aria-labelledby')) root.setAttribute('aria-labelledby', this.nameEl.id);
    }
    if (this.sentenceEl) this.sentenceEl.id ||= 'plot-' + ++ids;
    this.live = el('span', { class: 'pl-live', 'aria-live': 'polite' });
    root.append(this.live);
    if (o.keys) {
      box.tabIndex = 0;
      box.setAttribute('role', 'group');
      box.setAttribute('aria-roledescription', 'plot');
      box.setAttribute('aria-label', `${this.name}. ${o.keys}`);
      if (this.sentenceEl) box.setAttribute('aria-describedby', this.sentenceEl.id);
    }
    if (!this.button) return;
    if (!this.button.hasAttribute('aria-label')) this.button.setAttribute('aria-label', `Data of ${this.name}`);
    this.button.setAttribute('aria-haspopup', 'dialog');
    this.button.addEventListener('click', () => this.#open(), { signal: this.off.signal });
  }

  /** Shows the data; the dialog's module is loaded the first time. */
  async #open() {
    if (this.opening) return;
    this.opening = true;
    const data = await import('./data.js').catch(() => null);
    this.opening = false;
    if (data) data.openData(this); else this.announce('The data cannot be shown: a part of the page could not be loaded.');
  }
}
