/**
 * Scale per block and zero point per block: a line for the opened row, a band
 * for all rows, over the columns that the heat map below them shows.
 * @module
 */
import { beside, count, indexTicks, num, steadyRange } from './ticks.js';
import { byRow, envelope, groupSize, unionSteps } from './shape.js';
import { ends, scaleSentence, zeroSentence } from './sentences.js';
import { drawCursor, drawLabel, drawPick, drawSplit, valueTicks, withUnit } from './frame.js';
import { main, Plot, regions, sideAt, tone } from './plot.js';
import { theme } from './theme.js';

const FAR = 3; // times apart, and B gets an axis of its own

/** One side's groups, ready to plot. */
function groupsOf(an, which) {
  const { rows, cols, opened } = an.meta, meta = an.meta[which], n = meta?.groups ?? 0;
  const get = part => (an.arrays[which + part] ?? new Float32Array(0)).subarray(0, n);
  let d = { row: get('Row'), lo: get('Lo'), hi: get('Hi') }, flat = Boolean(meta?.flat);
  if (flat && d.row.length) {
    const rowed = byRow(d.row, rows, opened?.row ?? 0);
    if (rowed) { d = rowed; flat = false; }
  }
  const groups = d.row.length, span = flat ? groups : cols, size = flat ? 1 : groupSize(cols, groups, opened);
  const kind = which === 'zero' ? meta?.kind ?? '' : 'scale', at = flat ? opened?.group ?? 0 : Math.floor((opened?.col ?? 0) / size);
  return { ...d, groups, flat, span, size, kind, none: !groups || !kind, range: ends(d.lo, d.hi), at, value: d.row[at] };
}

/** A plot of one number a block. */
export class PlacePlot extends Plot {
  /** @param {'scale'|'zero'} which */
  constructor(host, root, which) {
    super(host, root, ['band', 'band2', 'step', 'step2'], 'Arrow keys move the opened weight, with Shift by a block.');
    this.which = which;
  }

  build(s, w, h) {
    const t = theme(), k = t.k, { a, b } = this.#groups(s), first = s.show === 'b' ? b : a, r = 40 * k;
    const A = s.show !== 'b' && !a.none ? a : null, B = s.show !== 'a' && b && !b.none ? b : null, own = A && B && apart(A, B);
    const y = this.steady('y', v => steadyRange(v, ...bounds(own ? [A] : [A, B])));
    const y2 = own ? this.steady('y2', v => steadyRange(v, ...bounds([B]))) : y;
    const parts = Math.max(2, Math.floor((h - 26 * k) / (14.5 * k))), left = valueTicks(...y, parts), right = own ? valueTicks(...y2, 2) : null;
    const x = [0, first.span], { xs, cols } = this.#series(t, A, B, x[1], w);
    return {
      pad: [10 * k, r, 18 * k, t.axis], x, y, y2, split: s.split, sentence: (this.which === 'scale' ? scaleSentence : zeroSentence)(s),
      xs, cols, xt: indexTicks(x[1], w < 420 * k ? 4 : 5).map(v => [v, count(v)]), xn: first.flat ? 'block' : 'column',
      ...this.#names(A, B, own, left, right, y, y2),
      under: (pen, f) => this.#block(pen, f, s, first),
      over: (pen, f) => this.#over(pen, f, s, { a, b }, { a: [y, left.exp], b: [y2, right?.exp ?? left.exp] }),
    };
  }

  /** Ticks and names: A's at the left, B's at the right where it has an axis of its own. */
  #names(A, B, own, left, right, y, y2) {
    const main = A ?? B, whole = (g, t) => (g.kind === 'zero' ? t.filter(([v]) => Number.isInteger(v)).map(([v]) => [v, num(v)]) : t);
    if (!main) return { yt: [] };
    const yt = whole(main, left.ticks);
    if (!own) return { yt, rn: withUnit(letter(main.kind), left.exp) };
    const under = (t, [lo, hi]) => t.filter(([v]) => v < lo + 0.85 * (hi - lo));
    const y2t = whole(B, right.ticks);
    return {
      yt: left.exp ? under(yt, y) : yt, yn: left.exp ? withUnit(letter(A.kind), left.exp) : '',
      y2t: right.exp ? under(y2t, y2) : y2t, rn: right.exp ? withUnit('', right.exp) : '',
    };
  }

  #groups(s) {
    const key = [s.a, s.b];
    if (!this.cache?.key.every((v, i) => v === key[i])) this.cache = { key, a: groupsOf(s.a, this.which), b: s.b && groupsOf(s.b, this.which) };
    return this.cache;
  }

  #series(t, A, B, span, w) {
    const buckets = Math.max(64, Math.round((w - 84 * t.k) / 2)); // two points each: one a pixel
    const e = [A, B].map(g => g && envelope(g.row, g.lo, g.hi, g.size * span / g.span, span, buckets)), had = e.filter(Boolean);
    const same = had.length < 2 || (had[0].x.length === had[1].x.length && had[0].x.every((v, i) => v === had[1].x[i]));
    const keys = ['row', 'lo', 'hi'], u = same ? null : unionSteps(had.flatMap(d => keys.map(k => ({ x: d.x, y: d[k] }))));
    const at = i => (u && e[i] ? Object.fromEntries(keys.map((k, j) => [k, u.ys[3 * i + j]])) : e[i]);
    const band = (i, side) => e[i] && { lo: at(i).lo, hi: at(i).hi, side, fill: tone(t, side).fill };
    const line = (i, side) => e[i] && { ys: at(i).row, side, stroke: tone(t, side).line, dash: tone(t, side).dash };
    return { xs: u?.x ?? had[0]?.x ?? Float64Array.of(0, span), cols: [band(0, 'a'), band(1, 'b'), line(0, 'a'), line(1, 'b')] };
  }

  /** The opened block as a bar of the accent. */
  #block(pen, f, s, g) {
    const o = main(s).meta.opened;
    if (!o) return;
    const [lo, hi] = g.flat ? [g.at, g.at + 1] : [o.lo, o.hi], x = f.X(lo), share = (hi - lo) / g.span;
    const style = { fill: pen.theme.accent, alpha: share < 0.25 ? 0.4 : 0.22 };
    if (share > 0 && share < 1) pen.rect(x, 4, Math.max(1.5, f.X(hi) - x), f.y1 - 4, style);
  }

  #over(pen, f, s, groups, axes) {
    const t = pen.theme, k = t.k, parts = regions(s, f), o = main(s).meta.opened;
    for (const r of parts) if (groups[r.side].none) this.#none(pen, f, r);
    if (s.split !== null) drawSplit(pen, parts[0].x1, 0, f.y1);
    if (!o) return;
    const first = s.show === 'b' ? groups.b : groups.a, x = f.X((first.flat ? first.at : o.col) + 0.5);
    const side = sideAt(s, (x - f.x0) / (f.x1 - f.x0)), g = groups[side];
    drawCursor(pen, x, 0, x, f.y1);
    if (g.none || !Number.isFinite(g.value)) return;
    const y = Math.max(f.y0, Math.min(f.y1, (side === 'b' ? f.Y2 : f.Y)(g.value)));
    drawPick(pen, x, y);
    const [[lo, hi], exp] = axes[side];
    drawLabel(pen, f, x, y - 7 * k, `${letter(g.kind)} ${g.kind === 'zero' ? num(g.value) : beside(g.value, hi - lo, exp)}`);
  }

  #none(pen, f, r) {
    const say = `${r.an.meta.format} has no ${this.which === 'scale' ? 'scale' : 'zero point'}`;
    const style = { font: 'note', align: 'middle', halo: pen.theme.paper };
    if (pen.measure(say, 'note') + 12 < r.x1 - r.x0) pen.text((r.x0 + r.x1) / 2, (f.y0 + f.y1) / 2 + 4, say, style);
  }

  /** What a press picks: the column in the opened row, or a block's first weight. */
  at(px) {
    const f = this.frame, s = this.shown;
    if (!f || !s) return null;
    const { rows, cols, opened } = main(s).meta, g = this.#main(s), v = f.vx(Math.max(f.x0, Math.min(f.x1, px)));
    if (!g.flat) return { row: opened?.row ?? 0, col: Math.max(0, Math.min(cols - 1, Math.floor(v))) };
    const i = Math.floor(Math.max(0, Math.min(g.groups - 1, Math.floor(v))) * rows * cols / g.groups);
    return { row: Math.floor(i / cols), col: i % cols };
  }

  /** What a key picks. */
  key(e) { return this.shown ? moveBy(main(this.shown).meta, e, this.#main(this.shown).size) : null; }

  #main(s) { const g = this.#groups(s); return s.show === 'b' ? g.b : g.a; }

  /** What stands under the pointer. */
  readout(px) {
    const f = this.frame, s = this.shown, side = sideAt(s, (px - f.x0) / (f.x1 - f.x0)), g = this.#groups(s)[side];
    if (g.none) return '';
    const v = f.vx(px) * g.span / this.#main(s).span, i = Math.max(0, Math.min(g.groups - 1, Math.floor(v / g.size)));
    const to = Math.min(g.span, (i + 1) * g.size) - 1;
    const where = g.flat || g.size === 1 ? count(i) : `${count(i * g.size)} to ${count(to)}`;
    return `${where} · ${letter(g.kind)} ${num(g.row[i])}, all ${num(g.lo[i])} to ${num(g.hi[i])}`;
  }

  table(s) {
    const { a, b } = this.#groups(s), names = side => ['from column', 'to column', 'opened row', 'least', 'largest'].map(n => `${side}: ${n}`);
    const cell = (r, c) => {
      const g = c <= 5 ? a : b;
      if (c === 0) return r;
      if (g.none || r >= g.groups) return null;
      return [r * g.size, Math.min(g.span, (r + 1) * g.size) - 1, g.row[r], g.lo[r], g.hi[r]][(c - 1) % 5];
    };
    return { columns: ['block', ...names('A'), ...(b ? names('B') : [])], rows: Math.max(a.none ? 0 : a.groups, b && !b.none ? b.groups : 0), cell };
  }
}

const letter = kind => ({ zero: 'z', min: 'm' })[kind] ?? 's';

/** What an axis for some sides must hold, with a little air. */
function bounds(sides) {
  const all = sides.filter(Boolean).flatMap(g => g.range).filter(Number.isFinite);
  return all.length ? [1.05 * Math.min(...all), 1.05 * Math.max(...all)] : [0, 0];
}

/** Whether two sides cannot share an axis: other units, or sizes far apart. */
function apart(a, b) {
  if (a.kind !== b.kind) return true;
  const m = [a, b].map(g => Math.max(...g.range.map(Math.abs)));
  return m[0] > FAR * m[1] || m[1] > FAR * m[0];
}

/**
 * The place an arrow key leads to.
 * @param {{rows: number, cols: number, opened: ?{row: number, col: number}}} meta @param {KeyboardEvent} e
 * @param {number} block columns that Shift goes at once
 * @returns {?{row: number, col: number}} null for another key
 */
export function moveBy({ rows, cols, opened }, e, block) {
  const { row = 0, col = 0 } = opened ?? {}, far = e.shiftKey ? Math.max(1, Math.round(block)) : 1, down = e.shiftKey ? 8 : 1;
  const to = {
    ArrowLeft: [row, col - far], ArrowRight: [row, col + far], ArrowUp: [row - down, col], ArrowDown: [row + down, col],
    PageUp: [row - 16, col], PageDown: [row + 16, col], Home: [row, 0], End: [row, cols - 1],
  }[e.key];
  if (!to) return null;
  return { row: Math.max(0, Math.min(rows - 1, to[0])), col: Math.max(0, Math.min(cols - 1, to[1])) };
}
