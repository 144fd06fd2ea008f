/**
 * Fewbits as a module: the engine of the page, for any page.
 *
 *   import { open } from "https://…/fewbits.js";
 *   const fb = await open();
 *   const r = await fb.quantize(values, { format: "Q4_K", shape: [rows, cols] });
 *
 * A page with a Content-Security-Policy needs where Fewbits is served in
 * script-src and connect-src, 'wasm-unsafe-eval' in script-src, and blob: in
 * worker-src.
 */
export { open } from "./a/dev/js/fewbits.js";
