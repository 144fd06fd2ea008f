/**
 * A model by layer: what each takes now and next, by type, and its error below,
 * over one axis of layers. What stands outside of them is at both ends.
 * @module
 */
import { count, niceStep, niceTicks, tickText } from './ticks.js';
import { Single } from './single.js';

/**
 * @typedef {[type: string, bytes: number, tone: number]} Bytes of one type; tone is its step of strength, 0 the strongest
 *
 * @typedef {object} Layer
 * @property {string} name @property {number} number −1 outside of the layers @property {string} family
 * @property {number} tensors @property {number} values @property {number} bits a weight
 * @property {Bytes[]} now @property {?Bytes[]} next strongest first; null while it is not known
 * @property {?number} error RMSE over RMS; −1 where values are not finite, null while it is not known
 * @property {number} done how much of it is made, 0 … 1 @property {string} filter what lets it through in the table
 * @property {string} short its numbers @property {string} long the same with its types
 *
 * @typedef {{sentence: string, picked: string, working: boolean, onPick: (filter: string) => void}} LayersOptions
 *   picked is the filter of the layer that is marked
 */

/**
 * Draws a model by layer.
 * @param {HTMLElement} figure @param {Layer[]} data @param {LayersOptions} opts
 * @returns {Layers} with draw, dim, resize, retheme, destroy
 */
export function layers(figure, data, opts) { return new Layers(figure, data, opts); }

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const sum = parts => (parts ?? []).reduce((n, p) => n + p[1], 0);

/** What layers makes. */
class Layers extends Single {
  constructor(figure, data, opts) {
    super(figure, data, opts, null, 'Arrow keys move between layers; Enter shows its tensors alone in the table, and all of them again.');
    this.at = -1;
    const { fig } = this;
    fig.box.classList.add('pl-hand');
    fig.on('pointermove', e => this.#show(this.#under(this.place(e).x)));
    fig.on('pointerleave', () => this.#show(-1));
    fig.on('click', e => this.#pick(this.#under(this.place(e).x)));
    fig.on('focus', () => { if (fig.box.matches(':focus-visible')) this.#show(Math.max(0, this.#marked())); });
    fig.on('blur', () => this.#show(-1));
    fig.on('keydown', e => this.#key(e));
  }

  draw(data, opts) {
    super.draw(data, opts);
    if (this.at >= data.length) this.at = -1;
    if (this.at >= 0) this.#show(this.at);
  }

  sentence() { return this.opts.sentence; }

  #marked() { return this.data.findIndex(l => l.filter === this.opts.picked); }

  #pick(i) {
    if (i < 0) return;
    this.opts.onPick(i === this.#marked() ? '' : this.data[i].filter);
  }

  #key(e) {
    const last = this.data.length - 1, at = Math.max(0, this.at < 0 ? this.#marked() : this.at);
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 10, PageUp: at + 10, Home: 0, End: last }[e.key];
    if (to === undefined && e.key !== 'Enter' && e.key !== ' ' && e.key !== 'Escape' || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'Escape' && this.#marked() < 0) return;
    e.preventDefault();
    if (e.key === 'Escape') this.opts.onPick('');
    else if (to === undefined) this.#pick(at);
    else {
      this.#show(Math.max(0, Math.min(last, to)));
      this.fig.announce(this.data[this.at].long);
    }
  }

  /** Marks a layer and says its numbers, between the bytes and the errors, where they cover nothing. */
  #show(i) {
    if (i !== this.at) { this.at = i; this.schedule(); }
    if (i < 0 || !this.seen) return this.say('');
    const l = this.data[i], { slots, pen, base } = this.seen, long = pen.measure(l.long, 'note') + 40 < this.fig.w;
    this.say(long ? l.long : l.short, slots[i].x + slots[i].bar / 2, base + 34);
  }

  /** The layer at x, −1 for none. */
  #under(x) {
    if (!this.seen) return -1;
    const { slots } = this.seen;
    let best = -1, far = 24;
    slots.forEach((s, i) => {
      const d = Math.max(s.from - x, x - s.from - s.w, 0);
      if (d < far) { far = d; best = i; }
    });
    return best;
  }

  /** Where each part stands: layers in whole device pixels, so that all look alike. */
  #place(pen, w) {
    const { k, axis } = pen.theme, d = pen.dpr || 1, parts = this.data, gap = 8 * k, least = 10 * k;
    const n = parts.filter(l => l.number >= 0).length, outer = parts.length - n;
    const room = w - axis - 2 - (outer ? 2 * gap : 0), even = room / parts.length, wide = Math.floor(Math.max(least, Math.min(even, 28 * k)) * d) / d;
    let slot = (room - outer * wide) / n;
    if (slot * d >= 3) slot = Math.floor(slot * d) / d;
    // few layers fill the width with room between them
    const space = slot >= 6 ? 2 : slot * d >= 3 ? 1 / d : 0, bar = Math.min(slot - space, Math.max(64 * k, 0.6 * slot));
    let x = axis;
    return parts.map((l, i) => {
      const inner = l.number >= 0, was = parts[i - 1];
      if (was && inner !== was.number >= 0) x += gap;
      const w = inner ? slot : wide, s = { from: x, w, bar: Math.max(0.5, inner ? bar : wide - 2) };
      s.x = inner && slot - bar > 2 * space ? x + Math.floor((slot - bar) / 2 * d) / d : x;
      x += w;
      return s;
    });
  }

  picture(pen, w, h) {
    const t = pen.theme, k = t.k, parts = this.data, slots = this.#place(pen, w);
    const end = slots.at(-1).from + slots.at(-1).w, foot = h - 18 * k, high = Math.max(36 * k, Math.min(64 * k, 0.2 * h));
    const legend = this.#legend(pen, w), more = (legend.length - 1) * 15 * k;
    const f = { w, x0: t.axis, x1: end, top: 20 * k + more, head: 36 * k + more, base: foot - high - 27 * k, errTop: foot - high, foot };
    if (pen.ctx && w === this.fig.w) this.seen = { slots, pen, base: f.base };
    this.#behind(pen, f, slots);
    this.#bytes(pen, f, slots);
    this.#errors(pen, f, slots);
    this.#numbers(pen, f, slots);
    this.#drawLegend(pen, f, legend);
    this.#ends(pen, f, slots);
    if (this.opts.working) {
      parts.forEach((l, i) => { if (l.done > 0) pen.rect(slots[i].x, f.base + 2, slots[i].bar * l.done, 3, { fill: t.accent }); });
    }
  }

  /** The layer that is marked, and the one that is pointed at. */
  #behind(pen, f, slots) {
    const t = pen.theme, mark = (i, style) => {
      const s = slots[i], w = Math.max(s.bar + 2, 5);
      pen.rect(s.x + s.bar / 2 - w / 2, f.head - 4, w, f.foot - f.head + 4, style);
    };
    const picked = this.#marked();
    if (picked >= 0) mark(picked, { fill: t.accent, alpha: 0.45 });
    if (pen.ctx && this.at >= 0) mark(this.at, { fill: t.line, alpha: 0.3 });
  }

  #bytes(pen, f, slots) {
    const t = pen.theme, k = t.k, parts = this.data, inner = parts.filter(l => l.number >= 0);
    const most = Math.max(1, ...inner.flatMap(l => [sum(l.now), sum(l.next)]));
    const u = Math.min(UNITS.length - 1, Math.floor(Math.log2(most) / 10)), unit = 1024 ** u;
    const Y = v => f.base - v / most * (f.base - f.head);
    const { ticks, step } = niceTicks(0, most / unit, Math.max(2, Math.floor((f.base - f.head) / (30 * k))));
    for (const v of ticks) {
      pen.hair(f.x0, Y(v * unit), f.x1, Y(v * unit), { stroke: v ? t.hair : t.line });
      pen.text(f.x0 - 6, Y(v * unit) + 4 * k, tickText(v, step), { align: 'end' });
    }
    pen.text(0, f.top - 10 * k, UNITS[u], { font: 'note' });
    parts.forEach((l, i) => {
      const s = slots[i], now = sum(l.now), top = Math.max(f.top + 4, Y(now));
      this.#stack(pen, s, l.now, Y, f, 0.3);
      if (l.next) this.#stack(pen, s, l.next, Y, f, 1);
      if (now > 0) pen.hair(s.x, top, s.x + s.bar, top, { stroke: l.next && sum(l.next) > now ? t.paper : t.line });
      if (Math.max(now, sum(l.next)) > most * 1.02 && Y(Math.max(now, sum(l.next))) < f.top + 4) this.#cut(pen, s, f);
    });
  }

  /** The bytes of each type, those of the most bits below. */
  #stack(pen, s, parts, Y, f, alpha) {
    let at = 0;
    for (const [, bytes, tone] of parts) {
      const y0 = Math.max(f.top + 4, Y(at)), y1 = Math.max(f.top + 4, Y(at += bytes));
      if (bytes > 0 && y0 > f.top + 4) pen.rect(s.x, Math.min(y1, y0 - 0.75), s.bar, Math.max(0.75, y0 - y1), { fill: pen.theme['ty' + tone], alpha });
    }
  }

  /** A bar that is longer than the axis has a gap near its end. */
  #cut(pen, s, f) {
    const y = f.head + 6;
    pen.path([s.x - 2, y + 3, s.x + s.bar + 2, y - 3], { stroke: pen.theme.paper, width: 3 });
  }

  #errors(pen, f, slots) {
    const t = pen.theme, k = t.k, parts = this.data, known = parts.filter(l => l.error != null);
    const most = Math.max(0, ...known.map(l => l.error)), axis = (most || 0.1) * 100;
    const { ticks, step } = niceTicks(0, axis, 2), top = Math.max(axis, ticks.at(-1)), Y = v => f.foot - 100 * v / top * (f.foot - f.errTop);
    for (const v of ticks) {
      pen.hair(f.x0, Y(v / 100), f.x1, Y(v / 100), { stroke: v ? t.hair : t.line });
      if (most > 0 || !v) pen.text(f.x0 - 6, Y(v / 100) + 4 * k, tickText(v, step), { align: 'end' });
    }
    pen.text(0, f.errTop - 6 * k, 'error, %', { font: 'note', halo: t.paper });
    parts.forEach((l, i) => {
      const s = slots[i];
      if (l.error > 0) pen.rect(s.x, Y(l.error), s.bar, f.foot - Y(l.error), { fill: t.recon });
      if (l.error < 0) pen.hatch([s.x, f.foot, s.x, f.errTop, s.x + s.bar, f.errTop, s.x + s.bar, f.foot], t.recon);
    });
    if (known.length) return;
    const say = 'known when it is quantized', half = pen.measure(say, 'note') / 2;
    pen.text(Math.max(f.x0 + 4 + half, (f.x0 + f.x1) / 2), (f.errTop + f.foot) / 2 + 4 * k, say, { font: 'note', align: 'middle', halo: t.paper });
  }

  /** The layers' numbers, as many as have room; where there are layers of several families, each begins with its name. */
  #numbers(pen, f, slots) {
    const t = pen.theme, k = t.k, parts = this.data, low = f.foot + 14 * k, inner = parts.map((l, i) => [l, slots[i]]).filter(([l]) => l.number >= 0);
    const many = inner.some(([l]) => l.family !== inner[0][0].family), step = Math.max(1, Math.ceil(niceStep(inner.length, Math.max(1, (f.x1 - f.x0) / (30 * k)))));
    pen.text(0, low, 'layer', { font: 'tick' });
    let free = pen.measure('layer') + 4, family;
    for (const [l, s] of inner) {
      const first = many && l.family !== family, x = s.x + s.bar / 2;
      family = l.family;
      if (!first && l.number % step) continue;
      const text = first ? `${l.family}.${l.number}` : count(l.number), left = first ? s.x : x - pen.measure(text) / 2;
      if (left < free || left + pen.measure(text) > f.w) continue;
      pen.hair(x, f.foot, x, f.foot + 3, { stroke: t.line });
      pen.text(left, low, text);
      free = left + pen.measure(text) + 6;
    }
  }

  /** What the marks mean, in as many lines as that takes. */
  #legend(pen, w) {
    const t = pen.theme, k = t.k, types = [], box = 9 * k;
    for (const l of this.data) for (const [type, , tone] of [...(l.next ?? []), ...l.now]) if (!(types[tone] ??= []).includes(type)) types[tone].push(type);
    const items = types.map((names, tone) => [names.slice(0, 3).join(', '), t['ty' + tone], 1]).filter(Boolean);
    items.push(['now', t.muted, 0.3]);
    if (this.data[0].next) items.push(['next', t.muted, 1]);
    const lines = [[]];
    let room = w - t.axis;
    for (const item of items) {
      const wide = box + 4 * k + pen.measure(item[0], 'note') + 12 * k;
      if (wide > room && lines.at(-1).length) { lines.push([]); room = w - t.axis; }
      room -= wide;
      lines.at(-1).push([...item, wide]);
    }
    return lines;
  }

  #drawLegend(pen, f, lines) {
    const t = pen.theme, k = t.k, box = 9 * k;
    lines.forEach((items, i) => {
      const y = (10 + 15 * i) * k;
      let x = f.w - items.reduce((n, [, , , wide]) => n + wide, 0) + 12 * k;
      for (const [text, fill, alpha, wide] of items) {
        pen.rect(x, y - box + 1, box, box, { fill, alpha });
        if (alpha < 1) pen.hair(x, y - box + 1, x + box, y - box + 1, { stroke: t.line });
        pen.text(x + box + 4 * k, y, text, { font: 'note' });
        x += wide;
      }
    });
  }

  /** Names what stands outside and is large: the embedding at the left, the output at the right. */
  #ends(pen, f, slots) {
    const t = pen.theme, k = t.k, parts = this.data, y = f.top + 11 * k, inner = parts.findIndex(l => l.number >= 0);
    const named = parts.map((l, i) => [l, slots[i], i]).filter(([l, , i]) => l.number < 0 && (i < inner || l.name === 'output'));
    const room = (f.x1 - f.x0) / Math.max(1, named.length) - 60 * k;
    let free = 0;
    for (const [l, s, i] of named) {
      const sizes = l.short.split(' · ')[1], full = `${l.name} ${sizes}`, text = pen.measure(full, 'note') < room ? full : l.name, wide = pen.measure(text, 'note');
      let x = i < inner ? s.from + s.w + 4 : s.from - 6 - wide;
      if (x < free) x = s.from + s.w + 4; // beside the other there is no room
      if (x < free || x + wide > f.w) continue;
      pen.text(x, y, text, { font: 'note', fill: t.ink, halo: t.paper });
      free = x + wide + 8;
    }
  }

  table() {
    const parts = this.data, names = of => (of ?? []).map(p => p[0]).join(', '), planned = parts[0]?.next;
    const columns = ['part', 'tensors', 'weights', 'bytes now', 'types now'];
    if (planned) columns.push('bytes next', 'types next');
    columns.push('bits a weight', 'error, %');
    const row = l => [l.name, l.tensors, l.values, sum(l.now), names(l.now), ...(planned ? [sum(l.next), names(l.next)] : []), l.bits, l.error == null ? null : l.error < 0 ? 'NaN' : 100 * l.error];
    return { columns, rows: parts.length, cell: (r, c) => row(parts[r])[c] };
  }
}
