// Long answers are shared among workers by rows: the numbers and the bytes are
// those of one worker, and of the command.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { says, start, visit } from "./site.mjs";

const run = promisify(execFile), command = process.env.FEWBITS_COMMAND;
const skip = command ? false : "FEWBITS_COMMAND names no command";
const ROWS = 1000, COLS = 1024;
let site, dir, file;
before(async () => {
  site = await start();
  dir = await mkdtemp(join(tmpdir(), "fewbits-share-"));
  file = join(dir, "w.npy");
  await writeFile(file, npy([ROWS, COLS], Float32Array.from({ length: ROWS * COLS }, (_, i) => Math.sin(i * 1.7) * Math.cos(i * 0.013) ** 3 / 8)));
});
after(async () => { await site?.stop(); await rm(dir, { recursive: true, force: true }); });

/** A file of NumPy: format 1.0, its header filled up to 128 bytes. */
function npy([rows, cols], values) {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${cols}), }`.padEnd(117) + "\n";
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([118, 0]), Buffer.from(head, "latin1"), Buffer.from(values.buffer)]);
}

const cores = (n) => `Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => ${n} });`;

/** Opens the file as a format on a machine of so many cores. */
async function opened(n, format, f) {
  await visit(site, `#/tensor?format=${format}&b=`, async (page) => {
    await page.addInitScript(cores(n));
    await page.reload();
    await page.waitForSelector("#stage[data-ready=true]");
    await page.locator("#t-file").setInputFiles(file);
    await says(page.locator("#t-status"), /1,024,000 values · exact · quantized/, 60_000);
    await f(page);
  });
}

async function bytes(page) {
  await page.getByRole("button", { name: "Download", exact: true }).locator("visible=true").click();
  const [d] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Packed bytes" }).click()]);
  return readFile(await d.path());
}

const numbers = async (page) => (await page.locator("#h-bpw, #h-size, #h-sqnr, #h-max, #h-split").allTextContents()).join(" ");

for (const format of ["IQ3_S", "Q5_K"]) {
  test(`${format} by several workers is that of one, and of the command`, { skip }, async () => {
    let alone, figures;
    await opened(1, format, async (page) => {
      assert.match(await page.locator("#t-status").textContent(), /quantized in [\d.,]+ ms in this tab/);
      [alone, figures] = [await bytes(page), await numbers(page)];
    });
    const want = join(dir, `${format}.bin`);
    await run(command, ["quantize", file, "-to", format, "-o", want]);
    assert.ok(alone.equals(await readFile(want)), "one worker makes other bytes than the command");
    await opened(4, format, async (page) => {
      // The first answer begins while the others start; the next one has them.
      for (let i = 0; i < 10 && !/by \d workers/.test(await page.locator("#t-status").textContent()); i++) {
        for (const f of ["Q8_0", format]) {
          await page.getByLabel("Format").fill(f);
          await page.keyboard.press("Enter");
          await says(page.locator("#a-name"), new RegExp(`^${f}`));
        }
        await says(page.locator("#t-status"), /1,024,000 values · exact · quantized/, 60_000);
      }
      await says(page.locator("#t-status"), /quantized in [\d.,]+ ms of work, by [2-4] workers of this tab/);
      assert.equal(await numbers(page), figures);
      assert.ok((await bytes(page)).equals(alone), "several workers make other bytes");
    });
  });
}
