/** Starts the workers. */
export function open(options?: OpenOptions): Promise<Fewbits>;

export interface OpenOptions {
  /** Where the files of Fewbits are served, if not those of this package: of a site of Fewbits, or a copy of the folder files/. In browsers only. */
  base?: string | URL;
  /** How many workers take calls; 1 where left out. */
  workers?: number;
}

/** A running engine. */
export interface Fewbits {
  readonly formats: readonly Format[];

  /**
   * Quantizes values, row-major, and reconstructs them. They stay as they are.
   * Rejects with an Error that says what is wrong, where, and what to do.
   */
  quantize(values: Float32Array, options: QuantizeOptions): Promise<Result>;

  /** Stops the workers. What is under way fails. */
  close(): void;
}

/** One row of the table of formats. */
export interface Format {
  /** As its own project writes it: "Q4_K", "NF4", "INT8". */
  name: string;
  family: "affine" | "float" | "codebook" | "ggml";
  /** What its part of the list is headed with. */
  title: string;
  /** One sentence. */
  summary: string;
  /** With the default options, on rows that fill their blocks. */
  bitsPerWeight: number;
  /** Weights that share a scale with the default options; 0 is the whole tensor. */
  blockSize: number;
  /** Bytes of such a block; 0 where it depends on the tensor. */
  blockBytes: number;
  /** Bits of one code. */
  bits: number;
  /** Whether a row's bytes depend on that row alone, and rows follow one another. */
  rowLocal: boolean;
  /** Whether an importance matrix is used: "" is never. */
  importance: "" | "optional" | "required";
  calibration: "" | "optional" | "required";
  /** Names of the options that it reads. */
  options: string[];
}

export interface QuantizeOptions {
  /** A name of the table of formats, in any case. */
  format: string;
  /** Outermost dimension first; one row where left out. */
  shape?: readonly number[] | null;
  /** One weight ≥ 0 a column, from an importance matrix. */
  importance?: ArrayLike<number> | null;
  /** Aborts the call. */
  signal?: AbortSignal | null;

  // The formats' own; those that a format does not read are left alone.

  /** Zero point fixed at code 0. */
  sym?: boolean | null;
  /** Symmetric codes without the lowest one. */
  narrow?: boolean | null;
  /** How many values share a scale. */
  granularity?: "tensor" | "channel" | "group" | null;
  /** Of a channel: 0 a row, 1 a column. */
  axis?: 0 | 1 | null;
  /** Values along a row that share a scale; -1 a whole row. */
  group?: number | null;
  /** Where the range comes from. */
  range?: "minmax" | "percentile" | "mse" | "entropy" | null;
  /** Of the values inside the range. */
  percentile?: number | null;
  rounding?: "even" | "away" | "stochastic" | null;
  /** Of stochastic rounding. */
  seed?: number | bigint | null;
  /** How a scale is stored. */
  scale?: "f32" | "f16" | null;
  /** Values that share an absmax. */
  block?: number | null;
  /** Quantize the absmax values too. */
  nested?: boolean | null;
}

export interface Result {
  /** Packed, as the format's own files hold it. */
  bytes: Uint8Array;
  /** One value for each given. */
  reconstructed: Float32Array;
  /** One number a block, row by row. */
  blocks: { scale: Float32Array; zeroPoint?: Float32Array; min?: Float32Array };
  metrics: Metrics;
}

export interface Metrics {
  /** Scales and padding included. */
  bitsPerWeight: number;
  mse: number;
  rmse: number;
  /** In dB; Infinity without an error. */
  sqnr: number;
  maxAbs: number;
  cosine: number;
  /** Values left out of these because they are NaN or infinite before or after. */
  nonFinite: number;
}
