// What tests of Model share: its parts by name, files made for a test, and a
// whole conversion.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { says } from "./site.mjs";

const view = (page) => page.locator("[data-view=model]");
export const status = (page) => page.locator("#m-status");
export const alert = (page) => view(page).getByRole("alert");
export const button = (page, name) => view(page).getByRole("button", { name, exact: true });
export const choose = (page, file) => view(page).getByLabel("Open a file").setInputFiles(file);

/** Chooses a recipe and waits for its plan. */
export async function recipe(page, name) {
  await page.getByRole("combobox", { name: "Recipe" }).selectOption(name);
  await page.waitForFunction((n) => document.getElementById("m-own").textContent.includes(`-to ${n.replace(", pure", "")} `), name);
}

/** The rows of the table that are there, as text. */
export const rows = (page) => page.locator("#m-rows tr:not(.gap)").evaluateAll((list) => list.map((tr) => {
  const t = [...tr.cells].map((c) => c.textContent.trim());
  return { name: t[0], shape: t[1], now: t[2], next: t[3], mibNow: t[4], mibNext: t[5], bits: t[6], error: t[7] };
}));

/** Waits for the end of a conversion and downloads; resolves to the file's path and name. */
export async function download(page, dir, timeout = 60_000) {
  await says(status(page), /^Done in [\d.]+ s\. Read back: \d+ tensors?, the same names, shapes and offsets$/, timeout);
  const [file] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
  const path = join(dir, file.suggestedFilename());
  await file.saveAs(path);
  return { path, name: file.suggestedFilename() };
}

/** Writes a safetensors file of F32 matrices with so many rows each, filled with a pattern, or sparse. */
export async function box(path, tensors, { cols = 4096, sparse = false } = {}) {
  const header = {};
  let at = 0;
  for (const [key, n] of Object.entries(tensors)) {
    header[key] = { dtype: "F32", shape: [n, cols], data_offsets: [at, at + 4 * n * cols] };
    at += 4 * n * cols;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(text.length));
  const piece = new Float32Array(1 << 20);
  for (let i = 0; i < piece.length; i++) piece[i] = Math.sin(i * 12.9898) * 0.05 * (1 + (i % 7));
  const bytes = Buffer.from(piece.buffer), file = await open(path, "w");
  await file.write(head);
  await file.write(text);
  if (sparse) await file.truncate(8 + text.length + at);
  for (let left = sparse ? 0 : at; left > 0; left -= bytes.length) await file.write(bytes, 0, Math.min(left, bytes.length));
  await file.close();
  return path;
}

/**
 * Writes a llama-like GGUF file of F16 zeros, about so many bytes, with a
 * vocabulary as large as Llama 3's. It takes next to nothing on the disk.
 */
export async function hollow(path, bytes) {
  const U32 = 4, F32 = 6, STRING = 8, ARRAY = 9, pieces = [];
  const raw = (n, f) => { const b = Buffer.alloc(n); f(b); pieces.push(b); };
  const u32 = (v) => raw(4, (b) => b.writeUInt32LE(v)), u64 = (v) => raw(8, (b) => b.writeBigUInt64LE(BigInt(v)));
  const text = (s) => { const b = Buffer.from(s); u64(b.length); pieces.push(b); };
  const key = (name, type) => { text(name); u32(type); };
  const number = (name, v) => { key(name, U32); u32(v); };
  const list = (name, type, n) => { key(name, ARRAY); u32(type); u64(n); };

  const cols = 4096, rows = 128_256, ffn = 14_336, tensors = [["token_embd.weight", [rows, cols]], ["output.weight", [rows, cols]]];
  let left = bytes - 2 * 2 * rows * cols, layers = 0;
  for (; left > 0; layers++) {
    for (const [name, shape] of [["ffn_down", [cols, ffn]], ["ffn_gate", [ffn, cols]], ["ffn_up", [ffn, cols]]]) {
      tensors.push([`blk.${layers}.${name}.weight`, shape]);
      left -= 2 * cols * ffn;
    }
    tensors.push([`blk.${layers}.ffn_norm.weight`, [cols]]);
  }

  pieces.push(Buffer.from("GGUF"));
  u32(3);
  u64(tensors.length);
  u64(9);
  key("general.architecture", STRING);
  text("llama");
  number("llama.block_count", layers);
  number("llama.attention.head_count", 32);
  number("llama.attention.head_count_kv", 8);
  number("llama.context_length", 8192);
  key("tokenizer.ggml.model", STRING);
  text("gpt2");
  list("tokenizer.ggml.tokens", STRING, rows);
  for (let i = 0; i < rows; i++) text(`tok${i}`);
  list("tokenizer.ggml.merges", STRING, 280_147);
  for (let i = 0; i < 280_147; i++) text(`a${i} b`);
  list("tokenizer.ggml.scores", F32, rows);
  raw(4 * rows, () => {});
  let at = 0;
  for (const [name, shape] of tensors) {
    text(name);
    u32(shape.length);
    for (const d of [...shape].reverse()) u64(d);
    const half = shape.length > 1;
    u32(half ? 1 : 0); // F16, F32
    u64(at);
    at += shape.reduce((a, b) => a * b, half ? 2 : 4);
  }
  const head = Buffer.concat(pieces), start = Math.ceil(head.length / 32) * 32;
  const file = await open(path, "w");
  await file.write(head);
  await file.truncate(start + at);
  await file.close();
  return { size: start + at, tensors: tensors.length };
}
