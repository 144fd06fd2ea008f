// The engine in files beside the module, for pages without a bundler and for
// bundlers that know new URL(…, import.meta.url).

import { load, near } from "../js/begin.js";
import { need } from "./simd.js";

const script = near(new URL("./worker.js", import.meta.url));

/** A worker that waits for its program. */
export const worker = (name) => new Worker(script, { type: "module", name });

/** The program, compiled. */
export const program = (name) => load(need(name) && new URL("./fewbits.wasm", import.meta.url));
