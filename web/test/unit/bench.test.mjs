import { test } from "node:test";
import assert from "node:assert/strict";
import { digits, geomean, median, quantile, spread, table } from "../bench/numbers.mjs";

test("quantiles lie between neighbours", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([10, 20, 30, 40, 50], 0.95), 48);
  assert.equal(quantile([7], 0.95), 7);
  assert.ok(Number.isNaN(median([])));
});

test("spread and geometric mean", () => {
  assert.equal(spread([10, 10, 10]), 0);
  assert.equal(spread([8, 9, 10, 11, 12]), 0.1);
  assert.ok(Math.abs(geomean([2, 8]) - 4) < 1e-12);
});

test("numbers and tables as text", () => {
  assert.deepEqual([0.123, 12.34, 123.4, 1234.5, null, NaN].map(digits), ["0.12", "12.3", "123", "1,235", "–", "–"]);
  assert.equal(table(["type", "ms"], [["Q4_K", "7"], ["Q8_0", "12"]]), "type  ms\n────  ──\nQ4_K   7\nQ8_0  12");
});
