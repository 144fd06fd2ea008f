import { test } from "node:test";
import assert from "node:assert/strict";
import { print, rows } from "../bench/dot.mjs";
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

test("rows of products", () => {
  const ms = { chromium: [8, 4, 6], node: [], native: [16], libggml: [] };
  const found = rows({ type: "Q4_K", way: "integers", tokens: 1, peer: { ms: [3], kernel: "libggml-cpu-x64.so" }, ms });
  assert.deepEqual(found.map((r) => r.where), ["chromium", "native"]);
  assert.equal(found[0].what, "dot");
  assert.ok(Math.abs(found[0].mws - 4096 * 4096 / 6 / 1000) < 1e-9);
  assert.ok(Math.abs(found[0].ratio - 0.5) < 1e-12);
  assert.match(print(found), /Q4_K\s+1 token\s+integers .* 0\.50 ×/);
  const alone = rows({ type: "INT8", way: "integers", tokens: 16, peer: { ms: [], kernel: "" }, ms });
  assert.deepEqual([alone[0].peer_mws, alone[0].ratio, alone[0].peer_build, alone[0].shape], [null, null, null, "matrix-matrix"]);
});
