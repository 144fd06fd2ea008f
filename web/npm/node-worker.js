// Gives a thread of Node what the script of a Web Worker asks for.

import { parentPort } from "node:worker_threads";

globalThis.addEventListener = (type, f) => parentPort.on(type, (data) => f({ data }));
globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
globalThis.FileReaderSync = class {}; // nobody gives it a file
globalThis.navigator ??= {};

await import("./files/worker.js");
