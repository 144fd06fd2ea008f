/**
 * Numbers for axes: where the ticks stand and how they are written.
 * Pure functions; nothing here knows of a page.
 * @module
 */

const SUP = { '-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹' };

/** A true minus sign for a hyphen. @param {string|number} s @returns {string} */
export const minus = s => String(s).replace(/-/g, '−');

/** An integer as superscript. @param {number} n @returns {string} */
export const superscript = n => [...String(n)].map(c => SUP[c] ?? c).join('');

/** "10⁻³"; empty for the exponent 0. @param {number} e @returns {string} */
export const tenTo = e => (e ? '10' + superscript(e) : '');

/** An integer with thousands parted. @param {number} n @returns {string} */
export const count = n => Math.round(n).toLocaleString('en');

/**
 * The step of 1, 2, 2.5 or 5 times a power of ten that cuts span into at most n parts.
 * @param {number} span @param {number} n @returns {number} 0 where span is not a positive number
 */
export function niceStep(span, n) {
  if (!(span > 0) || !Number.isFinite(span)) return 0;
  const raw = span / Math.max(1, n), p = 10 ** Math.floor(Math.log10(raw));
  for (const m of [1, 2, 2.5, 5, 10]) if (m * p >= raw * (1 - 1e-9)) return m * p;
  return 10 * p;
}

/**
 * Round numbers in [lo, hi], at most about n + 1 of them.
 * @param {number} lo @param {number} hi @param {number} n
 * @returns {{step: number, ticks: number[]}}
 */
export function niceTicks(lo, hi, n) {
  const step = niceStep(hi - lo, n), ticks = [];
  if (!step) return { step: 0, ticks: Number.isFinite(lo) ? [lo] : [] };
  const slack = step * 1e-6;
  for (let i = Math.ceil((lo - slack) / step); i * step <= hi + slack && ticks.length < 64; i++) ticks.push(i * step || 0);
  return { step, ticks };
}

/**
 * Ticks for the places 0 … n of rows, columns or blocks: equal parts of the
 * whole where those are multiples of a power of two, else round numbers.
 * @param {number} n @param {number} parts at most so many parts
 * @returns {number[]}
 */
export function indexTicks(n, parts) {
  n = Math.max(1, Math.floor(n)); parts = Math.max(1, Math.floor(parts));
  for (let m = parts; m >= 3 && m >= parts / 2; m--) {
    if (n % m) continue;
    const d = n / m;
    let odd = d;
    while (odd % 2 === 0) odd /= 2;
    if (odd <= 5 && (d % 8 === 0 || n <= 8 * parts)) return Array.from({ length: m + 1 }, (_, i) => i * d);
  }
  const step = Math.max(1, Math.ceil(niceStep(n, parts))), out = [];
  for (let v = 0; v <= n; v += step) out.push(v);
  return out;
}

/**
 * The power of ten taken out of an axis whose largest number is max: 0 where
 * plain digits are short, else a multiple of three.
 * @param {number} max @param {number} [plain] from here on digits are short @returns {number}
 */
export function exponentOf(max, plain = 0.01) {
  max = Math.abs(max);
  if (!(max > 0) || !Number.isFinite(max) || (max >= plain && max < 1e4)) return 0;
  return 3 * Math.floor(Math.log10(max * (1 + 1e-9)) / 3);
}

/**
 * A tick's text: v / 10^e with just the digits that its step needs.
 * @param {number} v @param {number} step @param {number} [e] @returns {string}
 */
export function tickText(v, step, e = 0) {
  const s = step / 10 ** e, t = v / 10 ** e;
  if (!(s > 0)) return minus(String(+t.toPrecision(3)));
  let d = Math.max(0, -Math.floor(Math.log10(s * (1 + 1e-9))));
  if (Math.abs(s * 10 ** d - Math.round(s * 10 ** d)) > 1e-6) d++;
  if (t !== 0 && Math.abs(t) < s / 1e6) return '0';
  return t === 0 ? '0' : Math.abs(t) >= 1e4 ? minus(count(t)) : minus(t.toFixed(Math.min(d, 12)));
}

/** A count in few characters: 950, 4 k, 1.2 M. @param {number} n @returns {string} */
export function compact(n) {
  const a = Math.abs(n);
  for (const [u, s] of [[1e9, ' G'], [1e6, ' M'], [1e3, ' k']]) if (a >= u) return minus(+(n / u).toPrecision(3)) + s;
  return minus(+n.toPrecision(3));
}

/**
 * A number beside a mark: as many decimals as tell apart a 1,000th of the axis.
 * @param {number} v @param {number} span of the axis @param {number} [exp] power of ten that the axis leaves out @returns {string}
 */
export function beside(v, span, exp = exponentOf(span / 2)) {
  if (!Number.isFinite(v) || !(span > 0)) return num(v);
  const d = Math.max(0, Math.min(8, Math.ceil(-Math.log10(span / 10 ** exp / 1000))));
  return minus((v / 10 ** exp).toFixed(d)) + (exp ? ' × ' + tenTo(exp) : '');
}

/**
 * A number in a sentence, to so many significant digits.
 * @param {number} v @param {number} [digits] @returns {string}
 */
export function num(v, digits = 3) {
  if (!Number.isFinite(v)) return minus(String(v)).replace('Infinity', '∞');
  const a = Math.abs(v);
  if (a === 0) return '0';
  if (Number.isInteger(v) && a < 1e6) return minus(count(v));
  if (a >= 1e6 || a < 1e-4) {
    const e = Math.floor(Math.log10(a));
    return minus((v / 10 ** e).toFixed(Math.max(0, digits - 1))) + ' × ' + tenTo(e);
  }
  return a >= 1e3 ? minus(count(v)) : minus(v.toPrecision(digits));
}

/** A share in per cent: 0 %, 0.4 %, 12 %. @param {number} f @returns {string} */
export function percent(f) {
  const p = 100 * f;
  if (!(p > 0)) return '0 %';
  return (p < 0.1 ? 'under 0.1' : p < 10 ? String(+p.toPrecision(2)) : p.toFixed(0)) + ' %';
}

const LADDER = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/**
 * The top of an axis that must hold max and should not jump while a slider
 * moves: the last top while it still fits and is not mostly empty.
 * @param {number} prev last top, 0 for none @param {number} max @returns {number}
 */
export function steadyTop(prev, max) {
  if (!(max > 0) || !Number.isFinite(max)) return prev > 0 ? prev : 1;
  if (prev >= max && max >= 0.6 * prev) return prev;
  const p = 10 ** Math.floor(Math.log10(max));
  for (const m of LADDER) if (m * p >= max * (1 - 1e-9)) return m * p;
  return 10 * p;
}

/**
 * The same for both ends of a range that holds zero.
 * @param {?[number, number]} prev @param {number} lo @param {number} hi
 * @returns {[number, number]}
 */
export function steadyRange(prev, lo, hi) {
  const l = lo < 0 ? -steadyTop(prev ? -prev[0] : 0, -lo) : 0, h = hi > 0 ? steadyTop(prev ? prev[1] : 0, hi) : 0;
  return l === 0 && h === 0 ? [0, 1] : [l, h];
}
