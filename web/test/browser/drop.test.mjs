// Work that nobody waits for any more gives way to what the person asks for now.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { start, visit } from "./site.mjs";

let site;
before(async () => { site = await start(); });
after(() => site.stop());

const MOVES = 24;

test("a newer request begins at once while a large tensor is worked out", async () => {
  await visit(site, "#/tensor?rows=4096&cols=4096&format=IQ4_XS&b=", async (page) => {
    const exact = () => page.waitForFunction(() => / exact /.test(document.getElementById("t-status")?.textContent), null, { timeout: 60_000 });
    await exact();
    for (const w of page.workers()) {
      await w.evaluate(() => {
        const answer = globalThis.fewbitsEngine, begun = globalThis.begun = [];
        globalThis.fewbitsEngine = (op, ...rest) => {
          if (op === "analyze") begun.push(performance.timeOrigin + performance.now());
          return answer(op, ...rest);
        };
      });
    }
    const sent = await page.evaluate(async (moves) => {
      const sent = [], post = Worker.prototype.postMessage, bits = document.getElementById("bits"), at = Number(bits.value);
      Worker.prototype.postMessage = function (m, ...rest) {
        if (m.stop) sent.push(performance.timeOrigin + performance.now());
        return post.call(this, m, ...rest);
      };
      for (let i = 0; i < moves; i++) {
        bits.value = i % 2 ? at : at - 1;
        bits.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((next) => setTimeout(next, 220 + 17 * (i % 5)));
      }
      return sent;
    }, MOVES);
    await exact(); // what follows the last one is worked out to its end
    const begun = (await Promise.all(page.workers().map((w) => w.evaluate(() => globalThis.begun ?? [])))).flat();
    const waits = sent.map((t) => Math.min(...begun.filter((b) => b >= t)) - t).sort((a, b) => a - b);
    assert.ok(waits.length >= MOVES / 3, `${waits.length} of ${MOVES} moves met work under way`);
    const median = waits[waits.length >> 1], p95 = waits[Math.floor(waits.length * 0.95)];
    console.log(`# begins after ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, of ${waits.length}`);
    assert.ok(median <= 10, `half of them began only after ${median.toFixed(1)} ms`);
  });
});
