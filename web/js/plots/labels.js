/**
 * Where labels go so that they hide neither each other nor a mark.
 * @module
 */

/** @typedef {{x: number, y: number, w: number, h: number}} Box left, top, size */

const hit = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** How much of a lies under b, px². */
function under(a, b) {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x), h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return Math.max(0, w) * Math.max(0, h);
}

// Directions a label may stand in, the favoured first: left and above a
// rising front for those on it, right and below for those beneath it.
const ABOVE = [[-1, -0.5], [-1, 0], [-0.7, -1], [0, -1], [1, 0], [1, 0.5], [0, 1], [-1, 0.5], [1, -0.5]];
const BELOW = [[1, 0], [1, 0.5], [-1, 0], [1, -0.5], [-1, 0.5], [0, 1], [0.7, 1], [0, -1], [-1, -0.5]];

/**
 * Places labels beside their marks, the important first; one that finds no
 * free spot is left out (its x is null).
 * @param {{x: number, y: number, r: number, w: number, h: number, above?: boolean, must?: boolean}[]} items
 *   in order of importance: the mark's centre and radius, the label's size; above: it prefers the upper left and may
 *   touch what is soft; must: it is written in any case
 * @param {Box} bounds that labels keep inside @param {Box[]} taken what must stay free
 * @param {Box[]} [soft] what most labels must not touch, such as a line
 * @returns {({x: number, y: number, w: number, h: number}|null)[]} boxes
 */
export function placeLabels(items, bounds, taken, soft = []) {
  const full = [...taken, ...items.map(p => ({ x: p.x - p.r, y: p.y - p.r, w: 2 * p.r, h: 2 * p.r }))];
  return items.map(p => {
    let best = null, cost = Infinity;
    const dirs = p.above ? ABOVE : BELOW;
    for (const gap of p.above || p.must ? [3, 9] : [3]) dirs.forEach(([dx, dy], k) => {
      const b = spot(p, dx, dy, gap);
      if (b.x < bounds.x || b.y < bounds.y || b.x + b.w > bounds.x + bounds.w || b.y + b.h > bounds.y + bounds.h) return;
      let c = k + (gap > 3 ? 6 : 0);
      for (const t of full) if (hit(b, t)) c += p.must ? 2 * under(b, t) : Infinity;
      for (const t of soft) if (hit(b, t)) c += p.above || p.must ? 4 : Infinity;
      if (c < cost) { cost = c; best = b; }
    });
    if (best) full.push(best);
    return best;
  });
}

function spot(p, dx, dy, gap) {
  const d = p.r + gap;
  const x = dx === 0 ? p.x - p.w / 2 : dx > 0 ? p.x + dx * d : p.x + dx * d - p.w;
  const y = Math.abs(dy) === 1 ? (dy > 0 ? p.y + d : p.y - d - p.h) : p.y - p.h / 2 + dy * 1.4 * p.h;
  return { x, y, w: p.w, h: p.h };
}

/**
 * Small boxes along a polyline, as something for labels to avoid.
 * @param {[number, number][]} pts @param {number} [step] px between boxes
 * @returns {Box[]}
 */
export function along(pts, step = 6) {
  const out = [];
  for (let i = 1; i < pts.length; i++) {
    const [x0, y0] = pts[i - 1], [x1, y1] = pts[i], n = Math.min(400, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / step));
    for (let j = 0; j <= n; j++) out.push({ x: x0 + (x1 - x0) * j / (n || 1) - 1, y: y0 + (y1 - y0) * j / (n || 1) - 1, w: 2, h: 2 });
  }
  return out;
}
