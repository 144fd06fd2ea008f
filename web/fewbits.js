/**
 * Fewbits as a module: the engine of the page, for any page.
 *
 *   import { open } from "https://…/fewbits.js";
 *   const fb = await open();
 *   const r = await fb.quantize(values, { format: "Q4_K", shape: [rows, cols] });
 */
export { open } from "./a/dev/js/fewbits.js";
