// Files that the tests write: GGUF, in F32.

/** n values like those of trained weights: near a Gaussian. */
export function normal(n, seed, size = 0.02) {
  let a = seed >>> 0;
  const uniform = () => { a = (a + 0x6d2b79f5) | 0; let t = Math.imul(a ^ (a >>> 15), 1 | a); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32; };
  return Float32Array.from({ length: n }, () => size * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

const u32 = (v) => { const b = Buffer.alloc(4); b.writeUInt32LE(v); return b; };
const u64 = (v) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(v)); return b; };
const string = (s) => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);

function value(v) {
  if (typeof v === "string") return [u32(8), string(v)];
  if (Array.isArray(v)) return [u32(9), u32(8), u64(v.length), ...v.map(string)];
  return [u32(4), u32(v)];
}

/**
 * A GGUF file of F32 tensors.
 * @param {Record<string, string|number|string[]>} meta
 * @param {Record<string, {shape: number[], values: Float32Array}>} tensors  shapes outermost first
 */
export function gguf(meta, tensors) {
  const head = [Buffer.from("GGUF"), u32(3), u64(Object.keys(tensors).length), u64(Object.keys(meta).length)], data = [];
  for (const [k, v] of Object.entries(meta)) head.push(string(k), ...value(v));
  let at = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    head.push(string(name), u32(shape.length), ...[...shape].reverse().map(u64), u32(0), u64(at));
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength), pad = Buffer.alloc(-bytes.length & 31);
    data.push(bytes, pad);
    at += bytes.length + pad.length;
  }
  const front = Buffer.concat(head);
  return Buffer.concat([front, Buffer.alloc(-front.length & 31), ...data]);
}

/** A model of llama's kind with these tensors. */
export function layers(tensors, count = 1) {
  return gguf({ "general.architecture": "llama", "llama.block_count": count, "llama.attention.head_count": 8, "llama.attention.head_count_kv": 2 }, tensors);
}

/** An importance matrix in the form of today: weights by the tensor's name, of so many matrices each. */
export function imatrix(entries, chunks = 31) {
  const tensors = {};
  for (const [name, { weights, matrices = 1 }] of Object.entries(entries)) {
    tensors[`${name}.in_sum2`] = { shape: [matrices, weights.length / matrices], values: weights.map((w) => w * 64) };
    tensors[`${name}.counts`] = { shape: [matrices, 1], values: new Float32Array(matrices).fill(64) };
  }
  return gguf({ "general.type": "imatrix", "imatrix.datasets": ["wiki.txt"], "imatrix.chunk_count": chunks, "imatrix.chunk_size": 512 }, tensors);
}
