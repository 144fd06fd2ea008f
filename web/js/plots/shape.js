/**
 * Shapes of data for the plots: bins, stairs, envelopes, fronts.
 * Pure functions on typed arrays.
 * @module
 */

/** @typedef {{step: number, first: number, bins: number}} ErrBins bin i covers [(first+i)·step, (first+i+1)·step) */

/**
 * Puts one or two error histograms on common bins: the coarser step of the
 * two, or a coarser one still. Steps are powers of two, so a finer bin lies
 * whole in a coarser one.
 * @param {ErrBins} ma @param {ArrayLike<number>} ca @param {?ErrBins} [mb] @param {?ArrayLike<number>} [cb]
 * @param {number} [least] the least step, a power of two
 * @returns {{step: number, first: number, bins: number, a: Float64Array, b: ?Float64Array}}
 */
export function mergeErr(ma, ca, mb = null, cb = null, least = 0) {
  const na = binsOf(ma, ca), nb = mb ? binsOf(mb, cb) : 0;
  const step = Math.max(na ? ma.step : 0, nb ? mb.step : 0, na || nb ? least : 0);
  if (!step) return { step: 0, first: 0, bins: 0, a: new Float64Array(0), b: mb ? new Float64Array(0) : null };
  const at = (m, i) => Math.floor((m.first + i) * (m.step / step));
  let first = Infinity, last = -Infinity;
  for (const [m, n] of [[ma, na], [mb, nb]]) {
    if (!n) continue;
    first = Math.min(first, at(m, 0));
    last = Math.max(last, at(m, n - 1));
  }
  const bins = last - first + 1;
  const fold = (m, c, n) => {
    const out = new Float64Array(bins);
    for (let i = 0; i < n; i++) out[at(m, i) - first] += c[i];
    return out;
  };
  return { step, first, bins, a: fold(ma, ca, na), b: mb ? fold(mb, cb, nb) : null };
}

const binsOf = (m, c) => (m && m.step > 0 && c ? Math.min(m.bins, c.length) : 0);

/**
 * The half width of a symmetric window that holds the share q of the counts.
 * @param {{step: number, first: number}} m @param {ArrayLike<number>} c @param {number} q
 * @returns {number} 0 for no counts
 */
export function windowOf(m, c, q) {
  let total = 0;
  for (let i = 0; i < c.length; i++) total += c[i];
  if (!(total > 0)) return 0;
  const far = i => Math.max(Math.abs((m.first + i) * m.step), Math.abs((m.first + i + 1) * m.step));
  let lo = 0, hi = c.length - 1, left = total * (1 - q);
  while (lo < hi) {
    const i = far(lo) >= far(hi) ? lo : hi;
    if (c[i] > left) break;
    left -= c[i];
    if (i === lo) lo++; else hi--;
  }
  return Math.max(far(lo), far(hi));
}

/**
 * How values of [lo, hi] are rounded to the nearest of rising levels: y[i]
 * holds from x[i] to x[i+1]; steps stand at the midpoints.
 * @param {ArrayLike<number>} levels @param {number} lo @param {number} hi
 * @returns {{x: number[], y: number[]}} empty for no levels
 */
export function staircase(levels, lo, hi) {
  const n = levels.length, x = [], y = [];
  if (!n || !(hi > lo)) return { x, y };
  x.push(lo); y.push(levels[0]);
  for (let i = 0; i + 1 < n; i++) {
    const m = (levels[i] + levels[i + 1]) / 2;
    if (m <= lo) y[0] = levels[i + 1];
    else if (m < hi) { x.push(m); y.push(levels[i + 1]); }
  }
  x.push(hi); y.push(y[y.length - 1]);
  return { x, y };
}

/**
 * Several stairs on one rising x, so that one chart can hold them.
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}[]} list
 * @returns {{x: Float64Array, ys: Float64Array[]}}
 */
export function unionSteps(list) {
  const all = new Set();
  for (const s of list) for (let i = 0; i < s.x.length; i++) all.add(s.x[i]);
  const x = Float64Array.from(all).sort();
  const ys = list.map(s => {
    const o = new Float64Array(x.length);
    for (let i = 0, k = 0; i < x.length; i++) {
      while (k + 1 < s.x.length && s.x[k + 1] <= x[i]) k++;
      o[i] = s.y.length ? s.y[k] : 0;
    }
    return o;
  });
  return { x, ys };
}

/**
 * How many columns share a group, from how many groups a row has. Only the
 * last group may be shorter. Where several sizes fit, the opened block's is
 * taken, else a power of two, else equal parts.
 * @param {number} cols @param {number} groups @param {{lo: number, hi: number}} [opened] columns of a block
 * @returns {number}
 */
export function groupSize(cols, groups, opened) {
  if (groups <= 1) return Math.max(1, cols);
  const least = Math.ceil(cols / groups), fits = n => n >= 1 && Math.ceil(cols / n) === groups;
  const { lo = 0, hi = 0 } = opened ?? {}, block = hi < cols ? hi - lo : lo / (groups - 1);
  return [block, 2 ** Math.ceil(Math.log2(least)), least].find(n => Number.isInteger(n) && fits(n)) ?? cols / groups;
}

/**
 * A line of groups with its band, in at most 2·buckets steps: where there are
 * more groups, each bucket keeps its least and its largest, so no peak is
 * lost. What is not a number repeats the group before.
 * @param {ArrayLike<number>} row @param {?ArrayLike<number>} lo @param {?ArrayLike<number>} hi
 * @param {number} size columns a group @param {number} end where the last group ends
 * @param {number} buckets
 * @returns {{x: Float64Array, row: Float64Array, lo: Float64Array, hi: Float64Array}} one point more than steps
 */
export function envelope(row, lo, hi, size, end, buckets) {
  const n = row.length, many = n > 2 * buckets, m = many ? 2 * buckets : n;
  const at = () => new Float64Array(m + 1), o = { x: at(), row: at(), lo: at(), hi: at() };
  if (many) fillBuckets(o, row, lo ?? row, hi ?? row, size, buckets);
  else {
    for (let i = 0; i < n; i++) {
      o.x[i] = i * size;
      o.row[i] = finite(row[i], i ? o.row[i - 1] : 0);
      o.lo[i] = finite(lo?.[i], o.row[i]);
      o.hi[i] = finite(hi?.[i], o.row[i]);
    }
  }
  o.x[m] = end;
  if (m) for (const k of ['row', 'lo', 'hi']) o[k][m] = o[k][m - 1];
  return o;
}

const finite = (v, d) => (Number.isFinite(v) ? v : d);

function fillBuckets(o, row, lo, hi, size, buckets) {
  const n = row.length;
  for (let b = 0, i = 0; b < buckets; b++) {
    const from = i, end = Math.floor((b + 1) * n / buckets);
    let rl = Infinity, rh = -Infinity, bl = Infinity, bh = -Infinity;
    for (; i < end; i++) {
      if (row[i] < rl) rl = row[i];
      if (row[i] > rh) rh = row[i];
      if (lo[i] < bl) bl = lo[i];
      if (hi[i] > bh) bh = hi[i];
    }
    rl = finite(rl, b ? o.row[2 * b - 1] : 0);
    rh = finite(rh, rl);
    for (let j = 0; j < 2; j++) {
      const k = 2 * b + j;
      o.x[k] = (from + (end - from) * j / 2) * size;
      o.row[k] = j ? rh : rl;
      o.lo[k] = Math.min(finite(bl, rl), rl);
      o.hi[k] = Math.max(finite(bh, rh), rh);
    }
  }
}

/**
 * Groups that run on across rows, as lines of one row each where they part
 * evenly: the opened row, and the range over all rows.
 * @param {ArrayLike<number>} flat groups of the whole tensor @param {number} rows @param {number} row
 * @returns {?{row: Float32Array, lo: Float32Array, hi: Float32Array}} null where a group crosses rows
 */
export function byRow(flat, rows, row) {
  const n = flat.length / rows;
  if (!(n >= 1) || !Number.isInteger(n) || row >= rows) return null;
  const of = v => new Float32Array(n).fill(v);
  const o = { row: Float32Array.from(flat.slice(row * n, row * n + n)), lo: of(Infinity), hi: of(-Infinity) };
  for (let i = 0, g = 0; i < flat.length; i++) {
    if (flat[i] < o.lo[g]) o.lo[g] = flat[i];
    if (flat[i] > o.hi[g]) o.hi[g] = flat[i];
    if (++g === n) g = 0;
  }
  return o;
}

/**
 * Fewer cells of a map of signed numbers: each takes the number of largest
 * magnitude that it covers, never a mean. Fills columns from … to−1 of out.
 * @param {Float32Array} src w·h, row-major @param {number} w @param {number} h
 * @param {Float32Array} out W·H, row-major @param {number} W ≤ w @param {number} H ≤ h
 * @param {number} [from] @param {number} [to]
 */
export function shrink(src, w, h, out, W, H, from = 0, to = W) {
  const edge = C => Math.ceil(C * w / W), c0 = edge(from), c1 = edge(to), edges = new Int32Array(to - from + 1), buf = new Float32Array(w);
  for (let C = from; C <= to; C++) edges[C - from] = edge(C);
  for (let R = 0; R < H; R++) {
    const r0 = Math.ceil(R * h / H), r1 = Math.ceil((R + 1) * h / H);
    for (let c = c0, i = r0 * w + c0; c < c1; c++, i++) buf[c] = src[i];
    // down the rows first: this loop is the whole cost, and free of branches
    for (let r = r0 + 1; r < r1; r++) {
      for (let c = c0, i = r * w + c0; c < c1; c++, i++) {
        const v = src[i], t = buf[c];
        buf[c] = Math.abs(v) > Math.abs(t) ? v : t;
      }
    }
    for (let C = from; C < to; C++) {
      let c = edges[C - from], m = buf[c++];
      for (const end = edges[C - from + 1]; c < end; c++) m = Math.abs(buf[c]) > Math.abs(m) ? buf[c] : m;
      out[R * W + C] = m;
    }
  }
}

/**
 * The magnitude that the share q of the cells stays under, from a fair sample
 * of at most about 32,768 of them.
 * @param {Float32Array} v @param {number} max largest magnitude @param {number} q
 * @returns {number}
 */
export function magnitudeAt(v, max, q) {
  const n = v.length, stride = (n >> 15) | 1, bins = new Uint32Array(256), k = max > 0 ? 255 / max : 0;
  let seen = 0;
  for (let i = 0; i < n; i += stride, seen++) bins[Math.min(255, Math.abs(v[i]) * k) | 0]++;
  let left = Math.floor(seen * (1 - q)), b = 255;
  while (b > 0 && bins[b] <= left) left -= bins[b--];
  return k ? Math.min(max, (b + 1) / k) : 0;
}

/**
 * The share of columns that together hold half of the squared error.
 * @param {Float32Array} v w·h, row-major @param {number} w @param {number} h
 * @returns {number} 0 … 1
 */
export function halfOfColumns(v, w, h) {
  const col = new Float64Array(w);
  for (let r = 0, i = 0; r < h; r++) for (let c = 0; c < w; c++, i++) { const e = v[i] * v[i]; col[c] += e - e === 0 ? e : 0; }
  col.sort();
  let sum = 0, part = 0, m = 0;
  for (const e of col) sum += e;
  while (m < w && part < sum / 2) part += col[w - 1 - m++];
  return w ? m / w : 0;
}

/**
 * The share of a histogram's values that a nearest level would clip: farther
 * outside the outermost levels than half of the step beside them. Bins count
 * whole, by their middle; where one bin holds all, as of a constant, it is
 * outside only if none of it is inside.
 * @param {ArrayLike<number>} counts @param {number} lo @param {number} hi @param {ArrayLike<number>} levels
 * @returns {number} 0 … 1
 */
export function clippedShare(counts, lo, hi, levels) {
  const reach = reachOf(levels), n = counts.length;
  if (!reach || !n) return 0;
  let all = 0, out = 0, filled = 0;
  for (let i = 0; i < n; i++) if (counts[i] > 0) filled++;
  const slack = filled === 1 ? (hi - lo) / n / 2 : 0;
  for (let i = 0; i < n; i++) {
    const x = lo + (i + 0.5) * (hi - lo) / n;
    all += counts[i];
    if (x + slack < reach[0] || x - slack > reach[1]) out += counts[i];
  }
  return all > 0 ? out / all : 0;
}

/**
 * The values that rounding alone reaches: half a step beyond the outermost levels.
 * @param {ArrayLike<number>} levels rising @returns {?[number, number]}
 */
export function reachOf(levels) {
  const n = levels?.length ?? 0;
  if (n < 2) return null;
  return [levels[0] - (levels[1] - levels[0]) / 2, levels[n - 1] + (levels[n - 1] - levels[n - 2]) / 2];
}

/** Index of the number nearest to x in a rising list; −1 for an empty one. @param {ArrayLike<number>} v @param {number} x */
export function nearest(v, x) {
  let lo = 0, hi = v.length - 1;
  if (hi < 0) return -1;
  while (hi - lo > 1) { const m = (lo + hi) >> 1; if (v[m] <= x) lo = m; else hi = m; }
  return Math.abs(v[lo] - x) <= Math.abs(v[hi] - x) ? lo : hi;
}

/**
 * The points that nothing beats: no other has as few bits and a better y.
 * @param {{x: number, y: number}[]} pts @param {boolean} [high] whether a higher y is better
 * @returns {number[]} indices by rising x
 */
export function pareto(pts, high = true) {
  const s = high ? 1 : -1;
  const order = pts.map((_, i) => i).filter(i => Number.isFinite(pts[i].x) && Number.isFinite(pts[i].y));
  order.sort((i, j) => pts[i].x - pts[j].x || s * (pts[j].y - pts[i].y));
  const out = [];
  let best = -Infinity;
  for (const i of order) if (s * pts[i].y > best) { best = s * pts[i].y; out.push(i); }
  return out;
}
