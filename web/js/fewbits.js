import { Lane } from "./lane.js";
import { program } from "./parts.js";

/**
 * @typedef {object} Result
 * @property {Uint8Array} bytes            packed, as the format's own files hold it
 * @property {Float32Array} reconstructed  one value for each given
 * @property {{scale: Float32Array, zeroPoint?: Float32Array, min?: Float32Array}} blocks  one number a block, row by row
 * @property {{bitsPerWeight: number, mse: number, rmse: number, sqnr: number, maxAbs: number, cosine: number, nonFinite: number}} metrics
 *   sqnr in dB, Infinity without error; nonFinite: values left out of these because they are NaN or infinite before or after
 */

/**
 * Starts the workers.
 * @param {{base?: string, workers?: number}} [options] base: where Fewbits is served, if not where this module is
 * @returns {Promise<Fewbits>}
 */
export async function open({ base, workers = 1 } = {}) {
  if (base) {
    const there = new URL(String(base).replace(/\/*$/, "/"), globalThis.document?.baseURI ?? globalThis.location?.href);
    const other = await import(/* webpackIgnore: true */ /* @vite-ignore */ new URL("fewbits.js", there).href); // no bundler's matter
    if (other.open !== open) return other.open({ workers });
  }
  const fb = new Fewbits(await compile(false));
  try {
    await fb.start(workers);
  } catch (e) {
    fb.close();
    throw e;
  }
  return fb;
}

/** The engine: with SIMD128 where the browser has it, and whole or without what only folders of Hugging Face need. */
export const compile = (whole) => program(`fewbits${WebAssembly.validate(SIMD) ? (whole ? "-whole" : "") : "-portable"}`);

// (module (func (result v128) i32.const 0 i8x16.splat))
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);

/** The program that times products with relaxed SIMD beside SIMD128; null where the browser has none. */
export const compileProducts = () => (WebAssembly.validate(RELAXED) ? program("fewbits-products") : null);

// (module (func (result v128) i32.const 0 i8x16.splat i32.const 0 i8x16.splat i8x16.relaxed_swizzle))
const RELAXED = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11]);

/** A running engine. */
export class Fewbits {
  #module;
  #lanes = new Map();
  #api = [];
  #closed = false;

  /** @type {object[]} one row a format: name, family, bitsPerWeight, blockSize, options … */
  formats = [];

  constructor(module) { this.#module = module; }

  /** The worker of that name, started when first asked for; it knows what the one called like knows then. */
  lane(name, mates, like) {
    if (this.#closed) throw new Error("the engine is closed");
    let lane = this.#lanes.get(name);
    if (!lane) {
      this.#lanes.set(name, lane = new Lane(like ? this.lane(like).module : this.#module, name, mates));
      if (like) lane.learn(this.lane(like));
    }
    return lane;
  }

  /** Stops the worker of that name until it is asked for again; what is under way in it fails. */
  end(name) {
    this.#lanes.get(name)?.close();
    this.#lanes.delete(name);
  }

  /** Starts so many workers for quantize. */
  async start(workers) {
    const n = Math.max(1, Math.trunc(workers) || 1);
    for (let i = 0; i < n; i++) this.lane("api" + i, this.#api);
    this.formats = JSON.parse((await this.#api[0].call("formats")).json);
  }

  /**
   * Quantizes and reconstructs. The values stay as they are, and the caller's.
   * @param {Float32Array} values  row-major
   * @param {object} options  beside these the format's own, by name: group, sym, range …
   * @param {string} options.format  as in formats, in any case
   * @param {number[]} [options.shape]  outermost dimension first; one row where left out
   * @param {ArrayLike<number>} [options.importance]  one weight ≥ 0 a column, from an importance matrix
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<Result>}
   */
  async quantize(values, { format, shape, importance, signal, ...options } = {}) {
    if (this.#closed) throw new Error("the engine is closed");
    if (!ArrayBuffer.isView(values) || values[Symbol.toStringTag] !== "Float32Array") throw new TypeError("quantize takes a Float32Array");
    if (typeof format !== "string") throw new TypeError('quantize needs a format, such as "Q4_K"');
    const args = { format, options: {} };
    if (shape != null) args.shape = wholes(shape);
    if (importance != null) args.importance = weights(importance);
    for (const [name, v] of Object.entries(options)) if (v != null) args.options[name] = String(v);
    const lane = this.#api.reduce((a, b) => (b.pending < a.pending ? b : a));
    const { json, arrays } = await lane.call("quantize", args, { values, signal });
    const blocks = { scale: arrays.scales };
    if (arrays.zeros.length) blocks.zeroPoint = arrays.zeros;
    if (arrays.mins.length) blocks.min = arrays.mins;
    return { bytes: arrays.bytes, reconstructed: arrays.reconstructed, blocks, metrics: numbers(JSON.parse(json)) };
  }

  /** Stops the workers. What is under way fails. */
  close() {
    this.#closed = true;
    for (const lane of this.#lanes.values()) lane.close();
    this.#lanes.clear();
  }
}

function wholes(shape) {
  if (Array.isArray(shape) && shape.every((d) => Number.isSafeInteger(d) && d >= 0)) return shape;
  throw new TypeError(`a shape is an array of whole numbers, such as [rows, columns], not ${JSON.stringify(shape)}`);
}

function weights(importance) {
  const list = Array.from(importance);
  const bad = list.findIndex((w) => !(w >= 0 && w < Infinity));
  if (bad >= 0) throw new TypeError(`importance ${bad} is ${list[bad]}: it takes one number from 0 up for each column`);
  return list;
}

/** JSON has no infinity: without an error the ratio of signal to noise is infinite. */
function numbers({ metrics, nonFinite }) {
  if (metrics.sqnr === null) metrics.sqnr = metrics.mse > 0 ? -Infinity : Infinity;
  return { ...metrics, nonFinite };
}
