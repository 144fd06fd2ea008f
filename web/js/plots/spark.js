/**
 * A histogram as small as a word.
 * @module
 */

/**
 * The outline of bins in a box of w × h, closed at the bottom.
 * @param {ArrayLike<number>} counts @param {number} w @param {number} h @returns {string} an SVG path
 */
export function sparkPath(counts, w, h) {
  let max = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] > max) max = counts[i];
  const base = h - 0.5, n = counts.length;
  let d = `M0 ${base}`;
  for (let i = 0; i < n; i++) d += `V${(base - (max ? counts[i] / max : 0) * (h - 2)).toFixed(1)}H${((i + 1) * w / n).toFixed(1)}`;
  return `${d}V${base}`;
}

/**
 * Draws a histogram into a small SVG; colours come from plots.css.
 * @param {SVGElement} svg with or without a viewBox of 0 0 w h @param {ArrayLike<number>} counts
 */
export function sparkline(svg, counts) {
  if (!svg.hasAttribute('viewBox')) svg.setAttribute('viewBox', '0 0 64 20');
  const [, , w, h] = svg.getAttribute('viewBox').split(/[ ,]+/).map(Number), p = document.createElementNS(svg.namespaceURI, 'path');
  p.setAttribute('d', sparkPath(counts, w, h));
  svg.classList.add('pl-spark');
  svg.setAttribute('aria-hidden', 'true');
  svg.replaceChildren(p);
}
