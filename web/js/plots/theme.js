/**
 * The page's colours and type as a canvas needs them: read once from the
 * custom properties of tokens.css, again when the theme changes.
 * @module
 */

const NAMES = ['paper', 'raised', 'sunk', 'ink', 'muted', 'hair', 'line', 'accent',
  'orig', 'orig-text', 'orig-fill', 'recon', 'recon-text', 'recon-fill', 'side-b', 'side-b-text', 'side-b-fill', 'other', 'other-text',
  'div-n2', 'div-n1', 'div-0', 'div-p1', 'div-p2', 'ty-0', 'ty-1', 'ty-2', 'ty-3', 'ty-4', 'ty-5'];

const camel = s => s.replace(/-(\w)/g, (_, c) => c.toUpperCase());

let cached = null, watching = false;
const listeners = new Set();

/**
 * @typedef {Record<string, string> & {k: number, axis: number, fonts: {tick: string, note: string, lab: string, title: string}, sans: string}} Theme
 *   colours by their token's name in camel case; k is the size of a CSS pixel of the design where the person's font is larger or smaller
 */

/** The theme that the page is in. @returns {Theme} */
export function theme() { return (cached ??= read()); }

/** Reads the theme anew and tells every plot. */
export function retheme() {
  cached = null;
  for (const f of listeners) f();
}

/** Calls f when colours or the font's size change. @param {() => void} f @returns {() => void} to end it */
export function onTheme(f) {
  listeners.add(f);
  watch();
  return () => listeners.delete(f);
}

function read() {
  const cs = getComputedStyle(document.documentElement), t = {}, probe = document.createElement('div');
  probe.hidden = true;
  const spans = NAMES.map(n => {
    const e = document.createElement('span');
    e.style.forcedColorAdjust = 'none';
    e.style.color = `var(--${n})`;
    return e;
  });
  probe.append(...spans);
  document.body.append(probe);
  spans.forEach((e, i) => { t[camel(NAMES[i])] = getComputedStyle(e).color; });
  probe.remove();
  t.sideBBand = blend(t.sideBFill, t.sideB, 0.18); // as strong as A's
  if (matchMedia('(forced-colors: active)').matches) t.hair = blend(t.paper, t.ink, 0.35); // grid lines as strong as text would hide the data
  const rem = parseFloat(cs.fontSize) || 16;
  t.k = rem / 16;
  t.axis = 44 * t.k;
  t.sans = cs.getPropertyValue('--sans').trim() || 'sans-serif';
  const font = (w, px) => `${w} ${+(px * t.k).toFixed(2)}px ${t.sans}`;
  t.fonts = { tick: font(400, 11), note: font(400, 12), lab: font(600, 12), title: font(600, 14) };
  return t;
}

function watch() {
  if (watching) return;
  watching = true;
  for (const q of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) matchMedia(q).addEventListener('change', retheme);
  new MutationObserver(retheme).observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  addEventListener('resize', () => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    if (cached && Math.abs(cached.k - rem / 16) > 1e-3) retheme();
  });
}

/** The numbers of "rgb(1, 2, 3)" or "rgb(1 2 3)". @param {string} c @returns {number[]} */
export function rgb(c) {
  const m = c.match(/[\d.]+/g);
  return m ? m.slice(0, 3).map(Number) : [128, 128, 128];
}

/** A colour part of the way to another. @param {string} a @param {string} b @param {number} f @returns {string} */
function blend(a, b, f) {
  const q = rgb(b);
  return `rgb(${rgb(a).map((v, i) => Math.round(v + (q[i] - v) * f)).join(', ')})`;
}

/** The five stops of the scale for signed errors, from negative to positive. @param {Theme} t @returns {string[]} */
export const diverging = t => [t.divN2, t.divN1, t.div0, t.divP1, t.divP2];

/**
 * A table of pixels for signed numbers: entry 0 is for what is not a number,
 * entries 1 … n run from −1 to +1.
 * @param {string[]} stops colours, evenly spaced @param {number} n @param {string} nan colour
 * @returns {Uint32Array} as ImageData holds them on this machine
 */
export function lut(stops, n, nan) {
  const px = new Uint8ClampedArray(4 * (n + 1)), s = stops.map(rgb);
  px.set([...rgb(nan), 255]);
  for (let i = 0; i < n; i++) {
    const t = i / (n - 1) * (s.length - 1), k = Math.min(s.length - 2, Math.floor(t)), u = t - k;
    for (let c = 0; c < 3; c++) px[4 * (i + 1) + c] = s[k][c] + (s[k + 1][c] - s[k][c]) * u;
    px[4 * (i + 1) + 3] = 255;
  }
  return new Uint32Array(px.buffer);
}
