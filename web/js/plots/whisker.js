/**
 * How far a measured value may be off.
 * @module
 */

/** What a whisker is, for tables. */
export const SPREAD = '± two standard errors';

/**
 * A line between two ends at right angles to it.
 * @param {object} pen @param {number} a @param {number} b where it begins and ends @param {number} at the other coordinate
 * @param {number} half of the ends' length @param {boolean} upright @param {object} [style]
 * @param {number[]} [ends] where there are ends: none where it goes on outside of the plot
 */
export function whisker(pen, a, b, at, half, upright, style = { stroke: pen.theme.ink, width: 1.25 }, ends = [a, b]) {
  const line = (x1, y1, x2, y2) => (upright ? pen.line(y1, x1, y2, x2, style) : pen.line(x1, y1, x2, y2, style));
  line(a, at, b, at);
  for (const v of ends) line(v, at - half, v, at + half);
}
