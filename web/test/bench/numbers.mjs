// The few statistics of the benchmark, and how its numbers are printed.

/** The q-quantile, between neighbours by their distance; NaN of nothing. */
export function quantile(x, q) {
  if (!x.length) return NaN;
  const s = Float64Array.from(x).sort(), at = q * (s.length - 1), i = Math.floor(at);
  return i + 1 < s.length ? s[i] + (at - i) * (s[i + 1] - s[i]) : s[i];
}

export const median = (x) => quantile(x, 0.5);

/** Half the distance between the quartiles, as a share of the median. */
export const spread = (x) => (quantile(x, 0.75) - quantile(x, 0.25)) / 2 / median(x);

export const geomean = (x) => Math.exp(x.reduce((s, v) => s + Math.log(v), 0) / x.length);

/** Three digits that count; a dash for what there is not. */
export function digits(v) {
  if (v === null || v === undefined || !Number.isFinite(v)) return "–";
  return v >= 1000 ? Math.round(v).toLocaleString("en") : v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2);
}

/** A table as text: the first column to the left, numbers to the right. */
export function table(head, rows, left = 1) {
  const all = [head, ...rows], width = head.map((_, i) => Math.max(...all.map((r) => [...r[i]].length)));
  const line = (r) => r.map((c, i) => (i < left ? c.padEnd(width[i]) : c.padStart(width[i]))).join("  ").trimEnd();
  return [line(head), width.map((w) => "─".repeat(w)).join("  "), ...rows.map(line)].join("\n");
}
