// The engine inside the module, for bundlers: there are no files to find.

import source from "fewbits:worker";
import { need } from "./simd.js";

let script;

/** A worker that waits for its program. */
export const worker = (name) => new Worker(script ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module", name });

/** The program, compiled. */
export async function program(name) {
  need(name);
  const { default: text } = await import("./engine.js");
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer()); // a stream is not what every browser compiles
}

function bytes(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64), list = new Uint8Array(text.length);
  for (let i = 0; i < list.length; i++) list[i] = text.charCodeAt(i);
  return list;
}
