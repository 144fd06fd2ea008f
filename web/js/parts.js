// Where the engine and the script of its workers lie on the site. The npm
// package has others in place of this module: see npm/.

import { load, near } from "./begin.js";

const script = near(new URL("./worker.js", import.meta.url));

/** The program of that name, compiled. */
export const program = (name) => load(new URL(`../wasm/${name}.wasm`, import.meta.url));

/** A worker that waits for its program. */
export const worker = (name) => new Worker(script, { type: "module", name });
