/**
 * A plot's numbers as a table, and that table as text.
 * @module
 */

/**
 * @typedef {object} Table
 * @property {string[]} columns headings with their units
 * @property {number} rows
 * @property {(row: number, column: number) => (number|string|null)} cell
 */

const quote = v => { const s = v == null ? '' : String(v); return /[",\r\n]/.test(s) ? '"' + s.replace(/"/g, '""') + '"' : s; };

/** Comma-separated values with a head line, full precision. @param {Table} t @returns {string} */
export function toCSV(t) {
  const out = [t.columns.map(quote).join(',')];
  for (let r = 0; r < t.rows; r++) out.push(t.columns.map((_, c) => quote(t.cell(r, c))).join(','));
  return out.join('\r\n') + '\r\n';
}

/** The same as JSON; what JSON has no number for becomes null. @param {string} name @param {string} sentence @param {Table} t @returns {string} */
export function toJSON(name, sentence, t) {
  const rows = Array.from({ length: t.rows }, (_, r) => t.columns.map((_, c) => t.cell(r, c)));
  return JSON.stringify({ name, sentence, columns: t.columns, rows });
}

/** A cell for reading. @param {number|string|null} v @returns {string} */
export function cellText(v) {
  if (typeof v !== 'number') return v ?? '';
  if (Number.isInteger(v)) return v.toLocaleString('en').replace('-', '−');
  return String(+v.toPrecision(7)).replace(/-/g, '−');
}

/** "Values and levels" → "values-and-levels". @param {string} s @returns {string} */
export const slug = s => s.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'plot';
