// The engine in Node: a file, and threads that pass for workers.

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";

/** A worker that waits for its program. */
export const worker = (name) => new Thread(name);

/** The program, compiled. */
export const program = async () => WebAssembly.compile(await readFile(new URL("./files/fewbits.wasm", import.meta.url)));

/** A thread with the face of a Web Worker. */
class Thread {
  #thread;

  constructor(name) {
    this.#thread = new Worker(new URL("./node-worker.js", import.meta.url), { name });
    this.#thread.on("message", (data) => this.onmessage?.({ data }));
    this.#thread.on("messageerror", () => this.onmessageerror?.());
    this.#thread.on("error", ({ message }) => this.onerror?.({ message, preventDefault() {} }));
  }

  postMessage(message, transfer) { this.#thread.postMessage(message, transfer); }

  terminate() { this.#thread.terminate(); }
}
