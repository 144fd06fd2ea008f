/**
 * What each plot shows now, in one sentence made from its numbers. Parts
 * between underscores are variables, set in italics: "_x_ becomes 0.04".
 * @module
 */
import { beside, count, minus, num, percent, tenTo } from './ticks.js';
import { clippedShare } from './shape.js';

const plural = (n, one, many = one + 's') => `${count(n)} ${n === 1 ? one : many}`;

/** @typedef {{a: object, b: ?object, show: 'a'|'split'|'b'}} Shown analyses as the plots get them, b null for none */

/** How many levels an analysis has, in words; '' where that is unknown. @param {object} an @returns {string} */
export function levelsText(an) {
  const n = an.meta.levels?.count || an.arrays.levels?.length || 0;
  return n ? plural(n, 'level') : '';
}

/** Why no levels are drawn. @param {object} an @returns {string} */
export function tooMany(an) {
  const n = levelsText(an);
  return n ? `${n}, too many to draw` : 'levels too close to draw';
}

/** Whether other blocks have other levels. @param {object} an */
function local(an) {
  const [lo, hi] = ends(an.arrays.scaleLo, an.arrays.scaleHi);
  return Boolean(an.meta.scale?.groups) && lo !== hi;
}

/** @param {Shown} s @returns {string} */
export function histSentence({ a, b, show }) {
  if (!a.arrays.hist?.length) return 'There are no values.';
  const out = an => clippedShare(an.arrays.hist, an.meta.hist.lo, an.meta.hist.hi, an.arrays.levels ?? []);
  const drawn = an => an.arrays.levels?.length > 0;
  if (show === 'split' && b) {
    const own = an => (drawn(a) && drawn(b) && local(an) ? ' of this block' : '');
    const said = an => (drawn(an) ? `${levelsText(an)}${own(an)}, ${percent(out(an))} of all values outside` : tooMany(an));
    return `A: ${said(a)}; B: ${drawn(a) && drawn(b) ? `${levelsText(b).split(' ')[0]}, ${percent(out(b))}` : said(b)}.`;
  }
  const an = show === 'b' && b ? b : a, f = out(an);
  if (!drawn(an)) return cap(tooMany(an)) + '.';
  return `${levelsText(an)}${local(an) ? ' of the opened block' : ''}; ${f > 0 ? percent(f) + ' of all values lie' : 'no value lies'} outside.`;
}

/** @param {Shown} s @returns {string} */
export function stairSentence({ a, b, show }) {
  const an = show === 'b' && b ? b : a, o = an.meta.opened;
  if (!o || !Number.isFinite(o.x)) return o ? `The opened value is ${num(o.x)}.` : '';
  if (an.meta.stored) return `The file holds _x̂_ ${num(o.xhat)}; what _x_ was is not in it.`;
  const span = an.meta.hist.hi - an.meta.hist.lo, e = Math.abs(o.xhat - o.x);
  const far = e === 0 ? 'without error' : o.step > 0 ? `${percent(e / o.step)} of a step away` : `${num(e)} away`;
  return `_x_ ${beside(o.x, span)} becomes _x̂_ ${beside(o.xhat, span)}, ${far}.`;
}

/** Why blocks as they are stored have no error to show. */
const gone = an => an.meta.stored && `What ${an.meta.stored} lost is not in the file.`;

/** @param {Shown} s @param {number} exp power of ten of the axis @returns {string} */
export function errSentence({ a, b, show }, exp) {
  const digits = x => (x === 0 || Math.abs(x) >= 1000 || Math.abs(x) < 1e-4 ? num(x) : minus(x.toPrecision(3)));
  const f = v => digits(v / 10 ** exp), an = show === 'b' && b ? b : a, m = an.meta.metrics;
  if (gone(an)) return gone(an) + (show === 'split' && b && b.meta.metrics.rmse > 0 ? ` B: RMSE ${f(b.meta.metrics.rmse)}${exp ? ` × ${tenTo(exp)}` : ''} on top.` : '');
  if (!(m.rmse > 0) && !(show === 'split' && b?.meta.metrics.rmse > 0)) return 'There is no error: every value is kept as it is.';
  const unit = exp ? `_x̂_ − _x_, in ${tenTo(exp)}. ` : '_x̂_ − _x_. ';
  if (show === 'split' && b) return `${unit}RMSE ${f(m.rmse)} against ${f(b.meta.metrics.rmse)} of B.`;
  return `${unit}RMSE ${f(m.rmse)}, the largest ${f(m.maxAbs)}.`;
}

/** @param {Shown} s @returns {string} */
export function scaleSentence({ a, b, show }) {
  const an = show === 'b' && b ? b : a, m = an.meta, n = m.scale.groups, o = m.opened;
  if (!n) return `${m.format} has no scale.`;
  const [lo, hi] = ends(an.arrays.scaleLo, an.arrays.scaleHi);
  if (m.scale.flat && n % m.rows) return `${plural(n, 'block')} one after the other, ${num(lo)} to ${num(hi)}.`;
  if (lo === hi) return `One scale for the whole tensor: ${num(lo)}.`;
  if (n === 1 || (m.scale.flat && n === m.rows)) return `One scale a row: ${num(lo)} to ${num(hi)}.`;
  if (m.rows < 2 || !o) return `${plural(n, 'block')}: ${num(lo)} to ${num(hi)}.`;
  return `Row ${count(o.row)} as a line, all rows as the band: ${num(lo)} to ${num(hi)}.`;
}

/** @param {Shown} s @returns {string} */
export function zeroSentence({ a, b, show }) {
  const said = an => {
    const z = an.meta.zero;
    if (!z?.groups || !z.kind) return 'none';
    const [lo, hi] = ends(an.arrays.zeroLo, an.arrays.zeroHi), r = lo === hi ? num(lo) : `${num(lo)} to ${num(hi)}`;
    return z.kind === 'zero' ? `zero point ${r}` : `minimum ${r}`;
  };
  if (show === 'split' && b) return `A: ${said(a)}. B: ${said(b)}.`;
  const an = show === 'b' && b ? b : a, t = said(an);
  if (t === 'none') return `${an.meta.format} has no zero point here: 0 stays 0.`;
  return `${cap(t)}, one ${an.meta.zero.kind === 'zero' ? 'code' : 'value'} a block.`;
}

/** @param {Shown} s @param {number} half share of columns that hold half of the squared error @returns {string} */
export function heatSentence({ a, b, show }, half) {
  const an = show === 'b' && b ? b : a, m = an.meta;
  if (!(m.heat.max > 0)) return gone(an) || 'There is no error anywhere.';
  const whose = show === 'split' && b ? ' of A' : '', from = m.sampled ? ' in a sample' : '';
  if (m.heat.w < 4) return `The largest error${whose} shown is ${num(m.heat.max)}${from}.`;
  if (half < 0.3) return `Half of the squared error${whose} sits in ${percent(half)} of the columns${from}.`;
  return `The error${whose} is spread evenly over the columns${from}.`;
}

/** The opened weight, for those who hear it. @param {object} an @returns {string} */
export function openedText(an) {
  const o = an.meta.opened;
  if (!o) return '';
  const span = an.meta.hist.hi - an.meta.hist.lo;
  if (an.meta.stored) return `Row ${o.row}, column ${o.col}: the file holds ${beside(o.xhat, span)}.`;
  return `Row ${o.row}, column ${o.col}: x ${beside(o.x, span)}, reconstructed ${beside(o.xhat, span)}, error ${num(o.xhat - o.x)}.`;
}

const cap = s => s.charAt(0).toUpperCase() + s.slice(1);

/** Least of lo and largest of hi, not-a-numbers aside. @param {ArrayLike<number>} lo @param {ArrayLike<number>} hi @returns {[number, number]} */
export function ends(lo, hi) {
  let l = Infinity, h = -Infinity;
  for (let i = 0; i < (lo?.length ?? 0); i++) if (lo[i] < l) l = lo[i];
  for (let i = 0; i < (hi?.length ?? 0); i++) if (hi[i] > h) h = hi[i];
  return [l, h];
}
