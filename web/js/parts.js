// Where the engine and the script of its workers lie on the site. The npm
// package has others in place of this module: see npm/.

import { load, near } from "./begin.js";

const script = (name) => near(new URL(`./${name}.js`, import.meta.url)), engine = script("worker");

/** The program of that name, compiled. */
export const program = (name) => load(new URL(`../wasm/${name}.wasm`, import.meta.url));

/** A worker that waits for its program; llama.cpp brings its own. */
export const worker = (name) => new Worker(/^llama/.test(name) ? script("llama") : engine, { type: "module", name });
