/**
 * Level bars: one for each row, or one stacked of parts.
 * @module
 */
import { niceTicks, percent, tickText } from './ticks.js';
import { Single } from './single.js';
import { SPREAD, whisker } from './whisker.js';

/**
 * @typedef {{name: string, value: number, roof?: number, now?: boolean, spread?: number}} Bar roof: what the value could be at most; spread: a whisker to either side
 *
 * @typedef {object} BarOptions
 * @property {string} [unit] for the table's heading and the sentence @property {string} [roofName] what a roof means
 * @property {string} [sentence] instead of one made from the numbers @property {number} [digits] after the point, 1 unless said
 */

/**
 * A bar a row, as for speed.
 * @param {HTMLElement} figure @param {Bar[]} rows @param {BarOptions} [opts]
 * @returns {Bars} with draw, dim, resize, retheme, destroy
 */
export function bars(figure, rows, opts = {}) { return new Bars(figure, rows, opts); }

class Bars extends Single {
  sentence() {
    const rows = (this.data ?? []).filter(d => Number.isFinite(d.value));
    if (this.opts.sentence) return this.opts.sentence;
    if (!rows.length) return 'Nothing has been measured yet.';
    const best = rows.reduce((a, b) => (b.value > a.value ? b : a)), { unit = '' } = this.opts;
    return `${best.name} is at the top with ${this.#text(best.value)}${/^\d/.test(unit) ? ' × ' : ' '}${unit}`.trim() + '.';
  }

  #text(v) { return v.toFixed(this.opts.digits ?? 1); }

  picture(pen, w, h) {
    const t = pen.theme, k = t.k, rows = this.data ?? [], named = rows.some(d => d.roof) && this.opts.roofName;
    const L = Math.max(40 * k, ...rows.map(d => pen.measure(d.name, 'note') + 10)), R = 48 * k, top = (named ? 26 : 8) * k, base = h - 22 * k;
    const most = Math.max(0, ...rows.map(d => (d.value || 0) + (d.spread || 0))), roof = Math.max(0, ...rows.map(d => d.roof || 0));
    // roofs far above the bars would press these together: the axis ends before them
    const need = Math.max(most, Math.min(roof, 1.9 * most)) || 1, { step } = niceTicks(0, need, 4), max = Math.ceil(need / step - 1e-9) * step;
    const X = v => L + v / max * (w - L - R);
    const axis = niceTicks(0, max, Math.max(2, Math.floor((w - L - R) / (60 * k))));
    for (const v of axis.ticks) {
      pen.hair(X(v), top - 4, X(v), base, { stroke: v ? t.hair : t.line });
      pen.text(X(v), base + 14 * k, tickText(v, axis.step), { align: 'middle' });
    }
    const bh = (base - top) / (rows.length || 1);
    rows.forEach((d, i) => this.#row(pen, d, top + i * bh, bh, X, L, max));
    if (!named) return;
    const at = rows[0].roof <= max ? X(rows[0].roof) : X(0), x = (at + pen.measure(this.opts.roofName) + 7 < w ? at : X(0)) + 2;
    pen.hair(x, 3, x, 15 * k, { stroke: t.ink, width: 2 });
    pen.text(x + 7, 12 * k, this.opts.roofName, { halo: t.paper });
  }

  #row(pen, d, y, bh, X, L, max) {
    const t = pen.theme, k = t.k, mid = y + bh / 2, known = Number.isFinite(d.value), high = Math.min(0.52 * bh, 22 * k);
    pen.text(L - 8, mid + 4 * k, d.name, { font: 'note', align: 'end', fill: t.ink });
    if (known) {
      const bar = [X(0) + 0.5, mid - high / 2, Math.max(0, X(d.value) - X(0)), high];
      pen.rect(...bar, d.now ? { fill: t.accent, stroke: t.ink, width: 1.5 } : { fill: t.line });
    }
    if (d.roof <= max) pen.hair(X(d.roof), y + bh * 0.12, X(d.roof), y + bh * 0.88, { stroke: t.ink, width: 2 });
    else if (d.roof) {
      const x = X(max) + 26 * k;
      pen.path([x, mid - bh * 0.2, x + 5, mid, x, mid + bh * 0.2], { stroke: t.ink, width: 2 });
      pen.text(X(max) + 22 * k, mid + 4 * k, this.#text(d.roof), { align: 'end', halo: t.paper });
    }
    if (known && d.spread) whisker(pen, Math.max(X(0), X(d.value - d.spread)), X(d.value + d.spread), mid, Math.min(5, high / 3), false);
    const end = known ? d.value + (d.spread ?? 0) : 0, text = known ? this.#text(d.value) : '–', room = d.roof <= max && d.roof >= end && X(d.roof) - X(end) < 12 + pen.measure(text, 'lab');
    pen.text((room ? X(d.roof) : X(end)) + 7, mid + 4 * k, text, { font: 'lab', fill: t.ink, halo: t.paper });
  }

  table() {
    const rows = this.data ?? [], columns = ['name', this.opts.unit ?? 'value'];
    const keys = ['name', 'value'];
    if (rows.some(d => d.spread)) { columns.push(SPREAD); keys.push('spread'); }
    if (rows.some(d => d.roof)) { columns.push(this.opts.roofName ?? 'at most'); keys.push('roof'); }
    return { columns, rows: rows.length, cell: (r, c) => rows[r][keys[c]] ?? null };
  }
}

/**
 * @typedef {{name: string, value: number, note?: string, tone?: string}} Part tone: a token in camel case, such as "ty4"
 *
 * @typedef {object} MixOptions
 * @property {string} [unit] "MiB" @property {number} [budget] where the parts should end @property {string} [sentence]
 */

/**
 * One bar stacked of parts, as for a model's mix of types.
 * @param {HTMLElement} figure @param {Part[]} parts @param {MixOptions} [opts]
 * @returns {Mix} with draw, dim, resize, retheme, destroy
 */
export function mix(figure, parts, opts = {}) { return new Mix(figure, parts, opts); }

const total = parts => parts.reduce((n, p) => n + p.value, 0);

class Mix extends Single {
  #parts() { return (this.data ?? []).filter(p => p.value > 0); }

  sentence() {
    const parts = this.#parts();
    if (this.opts.sentence) return this.opts.sentence;
    if (!parts.length) return 'Nothing is planned yet.';
    const size = [+total(parts).toPrecision(4), this.opts.unit].filter(Boolean).join(' ');
    return `Where the ${size} go, by type; more bits are stronger.`;
  }

  picture(pen, w, h) {
    const t = pen.theme, k = t.k, parts = this.#parts(), { budget } = this.opts, sum = total(parts), all = Math.max(sum, budget || 0) || 1;
    const y = 20 * k, bar = 22 * k, small = [];
    let x = 0, end = 0;
    parts.forEach((p, i) => {
      const wide = p.value / all * w;
      pen.rect(x, y, Math.max(2, wide - 2), bar, { fill: t[p.tone] ?? t['ty' + Math.min(5, i)] });
      if (wide < Math.max(60 * k, pen.measure(p.name, 'lab') + 12)) small.push(p);
      else end = this.#part(pen, p, x, wide, w, y, bar, sum);
      x += wide;
    });
    if (small.length) this.#small(pen, small, end, w, y - 8 * k);
    if (!(budget > 0)) return;
    const at = Math.min(w - 1, budget / all * w), say = `budget ${+budget.toPrecision(4)}`;
    pen.hair(at, y - 6, at, y + bar + 6, { stroke: t.ink, width: 1.5 });
    pen.text(Math.max(at, pen.measure(say, 'lab')), y + bar + 15 * k, say, { font: 'lab', align: 'end', fill: t.ink, halo: t.paper });
  }

  /** Names a part above it and tells its size below. @returns {number} where the name ends */
  #part(pen, p, x, wide, w, y, bar, sum) {
    const t = pen.theme, k = t.k, unit = this.opts.unit ? ' ' + this.opts.unit : '', size = `${p.value.toFixed(1)}${unit}, ${percent(p.value / sum)}`;
    let end = x + pen.measure(p.name, 'lab');
    pen.text(x + 1, y - 7 * k, p.name, { font: 'lab', fill: t.ink });
    if (p.note && end + pen.measure(p.note) + 20 < x + wide) { pen.text(end + 8, y - 7 * k, p.note); end += 8 + pen.measure(p.note); }
    if (wide > pen.measure(size) + 8 && x + pen.measure(size) < w - 84 * k) pen.text(x + 1, y + bar + 15 * k, size);
    return end;
  }

  /** Names the parts too small for it, as fully as there is room. */
  #small(pen, small, end, w, y) {
    const sizes = small.map(p => `${p.name} ${p.value.toFixed(1)}`).join(', ') + (this.opts.unit ? ' ' + this.opts.unit : '');
    const say = [sizes, small.map(p => p.name).join(', '), `${small.length} more`].find(s => w - pen.measure(s) > end + 10);
    if (say) pen.text(w, y, say, { align: 'end', fill: pen.theme.ink });
  }

  table() {
    const parts = this.#parts(), sum = total(parts);
    const cell = (r, c) => { const p = parts[r]; return [p.name, p.value, p.value / sum, p.note ?? null][c]; };
    return { columns: ['type', this.opts.unit ?? 'value', 'share', 'note'], rows: parts.length, cell };
  }
}
