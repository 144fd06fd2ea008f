/**
 * Fewbits as a module: quantizes tensors as llama.cpp and bitsandbytes do.
 *
 *   import { open } from "fewbits";
 *   const fb = await open();
 *   const r = await fb.quantize(values, { format: "Q4_K", shape: [rows, cols] });
 *   fb.close();
 */
export { open } from "../js/fewbits.js";
